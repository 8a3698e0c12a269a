package sudoku

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"github.com/optnet-go/optnet/experiments/lab"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/palette"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// plotted is the color of each network.
var plotted = map[string]color.Color{
	"optnet": lab.Blue,
	"fc":     lab.Orange,
	"conv":   lab.Green,
}

// plotCurves draws loss and error by epoch. Both axes are logarithmic; an error
// of 0 stands below that of one board among those for training.
func plotCurves(dir lab.Folder, history []lab.Epoch, boards int) error {
	loss, errs := plot.New(), plot.New()
	loss.Title.Text, errs.Title.Text = "Mean squared error", "Boards not solved"
	errs.Y.Label.Text = "share of boards"
	loss.Y.Label.Text = "per cell and digit"
	zero := 0.5 / float64(boards)
	legend := plot.NewLegend()
	legend.Top, legend.Left = true, true
	legend.Padding = vg.Points(3)
	last := 1
	for _, net := range Nets() {
		var trainLoss, testLoss, trainErr, testErr, lastErr plotter.XYs
		averaged := false
		add := func(to *plotter.XYs, e *lab.Epoch, v, floor lab.Figure) {
			if v.Known() && float64(v) < math.Inf(1) && (v > 0 || floor > 0) {
				*to = append(*to, plotter.XY{X: float64(e.Epoch), Y: float64(max(v, floor))})
			}
		}
		for i := range history {
			e := &history[i]
			if e.Net != net || e.Epoch > 0 && !e.Ended() {
				continue
			}
			last = max(last, e.Epoch)
			add(&trainLoss, e, e.Train.Loss, 0)
			add(&testLoss, e, e.Test.Loss, 0)
			add(&trainErr, e, e.Train.Error, lab.Figure(zero))
			add(&testErr, e, e.Test.Error, lab.Figure(zero))
			add(&lastErr, e, lastOf(e).Error, lab.Figure(zero))
			averaged = averaged || !e.Last.IsZero()
		}
		if !averaged {
			lastErr = nil
		}
		const solid, dashed, dotted = 0, 1, 2
		for _, c := range []struct {
			p     *plot.Plot
			xy    plotter.XYs
			label string
			style int
		}{
			{loss, trainLoss, "train", dashed}, {loss, testLoss, "test", solid},
			{errs, trainErr, "train", dashed}, {errs, lastErr, "test, last step", dotted}, {errs, testErr, "test", solid},
		} {
			if len(c.xy) == 0 {
				continue
			}
			line, points, err := plotter.NewLinePoints(c.xy)
			if err != nil {
				return fmt.Errorf("sudoku: plotting: %w", err)
			}
			line.Color, points.Color = plotted[net], plotted[net]
			line.Width = vg.Points(1.6)
			points.Shape, points.Radius = draw.CircleGlyph{}, vg.Points(2.6)
			switch c.style {
			case dashed:
				line.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
				points.Shape = draw.RingGlyph{}
			case dotted:
				line.Dashes = []vg.Length{vg.Points(1), vg.Points(2)}
				line.Width, points.Shape = vg.Points(1.2), draw.CrossGlyph{}
			}
			c.p.Add(line, points)
			if c.p == errs {
				legend.Add(" "+net+", "+c.label, line, points)
			}
		}
	}
	for _, p := range []*plot.Plot{loss, errs} {
		p.X.Label.Text = "epoch"
		p.X.Min, p.X.Max = 0, float64(last)
		p.X.Tick.Marker = plot.TickerFunc(lab.WholeTicks)
		p.Y.Scale = plot.LogScale{}
		p.Y.Tick.Marker = plot.LogTicks{Prec: -1}
		p.Add(plotter.NewGrid())
		switch {
		case p.Y.Min > p.Y.Max: // nothing to draw
			p.Y.Min, p.Y.Max = 1e-3, 1
		case p.Y.Min == p.Y.Max:
			p.Y.Min, p.Y.Max = p.Y.Min/10, p.Y.Max*10
		}
	}
	errs.Y.Min, errs.Y.Max = zero, 1.3
	errs.Y.Tick.Marker = plot.TickerFunc(func(lo, hi float64) []plot.Tick {
		ticks := []plot.Tick{{Value: zero, Label: "0"}}
		for v := 1.0; v > zero; v /= 10 {
			ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', 1, 64)})
			for k := 2.0; k < 10; k++ {
				if m := v / 10 * k; m > zero {
					ticks = append(ticks, plot.Tick{Value: m})
				}
			}
		}
		return ticks
	})
	return dir.DrawRow(CurvesFile, 10.5*vg.Inch, 3.8*vg.Inch, []*plot.Plot{loss, errs}, []float64{0.41, 0.41, 0.18}, &legend)
}

// grid is a matrix as the heat map wants it: row 0 on top, values clipped.
type grid struct {
	*mat.Dense
	limit float64
}

func (g grid) Dims() (c, r int) { r, c = g.Dense.Dims(); return c, r }

func (g grid) Z(c, r int) float64 {
	rows, _ := g.Dense.Dims()
	return math.Max(-g.limit, math.Min(g.limit, g.At(rows-1-r, c)))
}

func (g grid) X(c int) float64 { return float64(c) }

func (g grid) Y(r int) float64 { return float64(r) }

// plotRules draws A after row reduction beside the true rules.
func plotRules(dir lab.Folder, a []float64) error {
	want, pivots := trueRules()
	got := reduceLike(a, pivots)
	if got == nil {
		got = mat.NewDense(rules, inputs, nil)
	}
	const limit = 1
	colors := moreland.SmoothBlueRed()
	colors.SetMin(-limit)
	colors.SetMax(limit)
	left, err := heat("Learned A, row-reduced", got, limit, colors)
	if err != nil {
		return err
	}
	right, err := heat("The rules, row-reduced", want, limit, colors)
	if err != nil {
		return err
	}
	bar := plot.New()
	bar.HideX()
	bar.Add(&plotter.ColorBar{ColorMap: colors, Vertical: true})
	bar.Title.Text = " "
	bar.Y.Padding, bar.X.Padding = 0, 0
	return dir.DrawRow(RulesFile, 12*vg.Inch, 4.4*vg.Inch, []*plot.Plot{left, right, bar}, []float64{0.468, 0.468, 0.064}, nil)
}

func heat(title string, m *mat.Dense, limit float64, colors palette.ColorMap) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text = "cell (row, column); four digits each"
	p.Y.Label.Text = "equation"
	h := plotter.NewHeatMap(grid{m, limit}, colors.Palette(255))
	h.Min, h.Max = -limit, limit
	p.Add(h)
	p.X.Padding, p.Y.Padding = 0, 0
	var xs []plot.Tick
	for c := range cells {
		xs = append(xs, plot.Tick{Value: float64(c*side) + (side-1)/2., Label: fmt.Sprintf("%d,%d", c/side+1, c%side+1)})
	}
	p.X.Tick.Marker = plot.ConstantTicks(xs)
	var ys []plot.Tick
	for k := 0; k < rules; k += 10 {
		ys = append(ys, plot.Tick{Value: float64(rules - 1 - k), Label: strconv.Itoa(k + 1)})
	}
	ys = append(ys, plot.Tick{Value: 0, Label: strconv.Itoa(rules)})
	p.Y.Tick.Marker = plot.ConstantTicks(ys)
	return p, nil
}
