package denoise

import (
	"fmt"
	"image/color"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/optnet-go/optnet/experiments/lab"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// The files of an output folder, beside a checkpoint a network (tuned.npz, ...).
const (
	MetricsFile  = "metrics.csv"  // a line an epoch
	ResultsFile  = "results.json" // a [Result]
	TableFile    = "table.txt"    // Table 1 of the paper, published and measured
	CurvesFile   = "curves.png"   // test MSE by epoch, beside the paper's
	TVFile       = "tv.png"       // test MSE of total variation by λ, beside the paper's
	SignalsFile  = "signals.png"  // four test signals before and after
	OperatorFile = "operator.png" // the D learned from nothing
)

var allFiles = []string{MetricsFile, ResultsFile, TableFile, CurvesFile, TVFile, SignalsFile, OperatorFile}

var colors = map[string]color.Color{"fc": lab.Orange, "learn-d": lab.Green, "tuned": lab.Blue}

func (r *run) writeMetrics() error {
	return r.out.Write(MetricsFile, func(w io.Writer) error {
		fmt.Fprintln(w, "net,epoch,batches,train_loss,train_mse,test_mse,unsolved,almost_solved,zeroed,not_unique,test_unsolved,seconds")
		for _, e := range r.result.History {
			fmt.Fprintf(w, "%s,%d,%d,%v,%v,%v,%d,%d,%d,%d,%d,%.3f\n", e.Net, e.Epoch, e.Batches, e.Train.Loss, e.Train.MSE, e.Test.MSE,
				e.Unsolved, e.AlmostSolved, e.Zeroed, e.NotUnique, e.InTest.Unsolved, e.Seconds)
		}
		return nil
	})
}

// Table is the paper's Table 1, published and measured.
func (r *Result) Table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "mean squared error\tpaper, train\tpaper, test\ttrain\ttest\tepochs\t")
	row := func(net string, train, test lab.Figure, epochs string) {
		p := paper[net]
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%.4g\t%.4g\t%s\t\n", p.label, p.train, p.test, float64(train), float64(test), epochs)
	}
	row("tv", r.TV.TrainMSE, r.TV.TestMSE, "")
	for _, n := range append([]NetResult{r.NetResult}, r.Others...) {
		if n.Epochs > 0 {
			row(n.Net, n.TrainMSE, n.TestMSE, fmt.Sprint(n.Epochs))
		}
	}
	w.Flush()
	return b.String()
}

// plots writes the table and the plots.
func (r *run) plots() error {
	if r.out == "" {
		return nil
	}
	err := r.out.Write(TableFile, func(w io.Writer) error {
		_, err := io.WriteString(w, r.result.Table())
		return err
	})
	for _, draw := range []func() error{r.plotCurves, r.plotTV, r.plotSignals, r.plotOperator} {
		if err == nil {
			err = draw()
		}
	}
	return err
}

func points(xy [][2]float64) (p plotter.XYs) {
	for _, v := range xy {
		p = append(p, plotter.XY{X: v[0], Y: v[1]})
	}
	return p
}

// plotCurves draws a plot a network.
func (r *run) plotCurves() error {
	var row []*plot.Plot
	for _, net := range r.cfg.Nets {
		p := lab.NewPlot(paper[net].label, "epoch", "mean squared error")
		p.X.Tick.Marker = plot.TickerFunc(lab.WholeTicks)
		test := lab.ByEpoch(r.result.History, net, r.cfg.Seed, func(e *lab.Epoch) lab.Figure { return e.Test.MSE })
		train := lab.ByEpoch(r.result.History, net, r.cfg.Seed, func(e *lab.Epoch) lab.Figure { return e.Train.MSE })
		if len(test) == 0 {
			continue
		}
		curve := points(paper[net].curve)
		if err := lab.Add(p,
			lab.Curve{Label: "train", XY: train, Color: colors[net], Dashed: true, Thin: true},
			lab.Curve{Label: "test", XY: test, Color: colors[net]},
			lab.Curve{Label: "paper, test", XY: curve, Color: lab.Black, Bare: true},
		); err != nil {
			return err
		}
		last := max(test[len(test)-1].X, 1)
		p.X.Min, p.X.Max = 0, last
		switch net {
		case "tuned":
			p.Y.Max = 18.5 // room for the legend
			if err := lab.Add(p, lab.Curve{Label: "exact total variation, test", XY: points([][2]float64{{0, float64(r.result.TV.TestMSE)}, {last, float64(r.result.TV.TestMSE)}}), Color: lab.Gray, Dashed: true}); err != nil {
				return err
			}
		default:
			p.Y.Min, p.Y.Max = 10, 1000
			p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
		}
		row = append(row, p)
	}
	if row == nil {
		return nil
	}
	return r.out.Draw(CurvesFile, 4.2*vg.Inch*vg.Length(len(row)), 3.4*vg.Inch, [][]*plot.Plot{row})
}

func (r *run) plotTV() error {
	p := lab.NewPlot("Total-variation denoising", "λ", "test MSE")
	var exact plotter.XYs
	for i, l := range r.result.TV.Lambdas {
		exact = append(exact, plotter.XY{X: l, Y: float64(r.result.TV.TestMSEs[i])})
	}
	if err := lab.Add(p,
		lab.Curve{Label: "exact", XY: exact, Color: lab.Blue},
		lab.Curve{Label: "paper", XY: points(paperTV), Color: lab.Black, Bare: true},
	); err != nil {
		return err
	}
	p.Y.Min = 0
	return r.out.Draw(TVFile, 5*vg.Inch, 3.2*vg.Inch, [][]*plot.Plot{{p}})
}

// plotSignals draws test signals: with noise, without, and what total variation
// and the networks make of them.
func (r *run) plotSignals() error {
	n := min(shown, r.test.Len())
	tv := make([]float64, n*Length)
	var s smoother
	for i := range n {
		s.tv(tv[i*Length:(i+1)*Length], r.test.X[i*Length:(i+1)*Length], r.result.TV.Lambda)
	}
	var grid [][]*plot.Plot
	for i := range n {
		line := func(x []float64) (xy plotter.XYs) {
			for j, v := range x[i*Length : (i+1)*Length] {
				xy = append(xy, plotter.XY{X: float64(j), Y: v})
			}
			return xy
		}
		p := lab.NewPlot(fmt.Sprintf("test signal %d", i), "", "")
		curves := []lab.Curve{
			{Label: "with noise", XY: line(r.test.X), Color: color.RGBA{R: 0xc8, G: 0xc8, B: 0xc8, A: 0xff}, Thin: true},
			{Label: "without", XY: line(r.test.Y), Color: lab.Black, Thin: true},
			{Label: "total variation", XY: line(tv), Color: lab.Purple, Dashed: true},
		}
		for _, net := range r.cfg.Nets {
			if z := r.answers[net]; z != nil {
				curves = append(curves, lab.Curve{Label: net, XY: line(z), Color: colors[net]})
			}
		}
		if err := lab.Add(p, curves...); err != nil {
			return err
		}
		if i > 0 {
			p.Legend = plot.NewLegend()
		} else {
			p.Y.Max += 40
		}
		if i%2 == 0 {
			grid = append(grid, nil)
		}
		grid[i/2] = append(grid[i/2], p)
	}
	for len(grid) > 0 && len(grid[len(grid)-1]) < len(grid[0]) {
		grid[len(grid)-1] = append(grid[len(grid)-1], plot.New())
	}
	return r.out.Draw(SignalsFile, 11*vg.Inch, 3*vg.Inch*vg.Length(len(grid)), grid)
}

// operator is D as the heat map wants it: row 0 on top.
type operator []float64

func (d operator) Dims() (c, r int)   { return Length, len(d) / Length }
func (d operator) Z(c, r int) float64 { return d[(len(d)/Length-1-r)*Length+c] }
func (d operator) X(c int) float64    { return float64(c) }
func (d operator) Y(r int) float64    { return float64(r) }

func (r *run) plotOperator() error {
	if r.learned == nil {
		return nil
	}
	const limit = 0.5
	m := moreland.SmoothBlueRed()
	m.SetMin(-limit)
	m.SetMax(limit)
	d := make(operator, len(r.learned))
	for i, v := range r.learned {
		d[i] = max(-limit, min(limit, v))
	}
	h := plotter.NewHeatMap(d, m.Palette(255))
	h.Min, h.Max = -limit, limit
	p := plot.New()
	p.Title.Text = "D learned from nothing (blue −0.5, red 0.5)"
	p.X.Label.Text, p.Y.Label.Text = "sample", "row, from below"
	p.Add(h)
	return r.out.Draw(OperatorFile, 5*vg.Inch, 4.6*vg.Inch, [][]*plot.Plot{{p}})
}
