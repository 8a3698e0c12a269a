package represent

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/optnet-go/optnet/experiments/lab"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/palette"
	"gonum.org/v1/plot/palette/moreland"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// The files of an output folder, beside a checkpoint a network (optnet.npz, ...).
const (
	MetricsFile = "metrics.csv"  // a line an epoch
	ResultsFile = "results.json" // a [Result]
	CurvesFile  = "curves.png"   // test MSE by epoch
	FitsFile    = "fits.png"     // the function, the fits, and their errors
)

var allFiles = []string{MetricsFile, ResultsFile, CurvesFile, FitsFile}

func (r *run) writeMetrics() error {
	return r.out.Write(MetricsFile, func(w io.Writer) error {
		fmt.Fprintln(w, "net,epoch,batches,train_mse,test_mse,unsolved,almost_solved,zeroed,not_unique,test_unsolved,seconds")
		for _, e := range r.result.History {
			fmt.Fprintf(w, "%s,%d,%d,%v,%v,%d,%d,%d,%d,%d,%.3f\n", e.Net, e.Epoch, e.Batches, e.Train.MSE, e.Test.MSE,
				e.Unsolved, e.AlmostSolved, e.Zeroed, e.NotUnique, e.InTest.Unsolved, e.Seconds)
		}
		return nil
	})
}

func (r *run) plots() error {
	if err := r.plotCurves(); err != nil {
		return err
	}
	return r.plotFits()
}

func (r *run) plotCurves() error {
	p := lab.NewPlot("max of three linear functions", "epoch", "test MSE")
	p.X.Tick.Marker = plot.TickerFunc(lab.WholeTicks)
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	colors := []color.Color{lab.Blue, lab.Orange, lab.Green, lab.Purple, lab.Black, lab.Gray}
	for i, net := range r.cfg.Nets {
		xy := lab.ByEpoch(r.result.History, net, r.cfg.Seed, func(e *lab.Epoch) lab.Figure { return max(e.Test.MSE, 1e-20) })
		if err := lab.Add(p, lab.Curve{Label: net, XY: xy, Color: colors[i%len(colors)]}); err != nil {
			return err
		}
	}
	if p.Y.Min > p.Y.Max { // nothing to draw
		p.Y.Min, p.Y.Max = 1e-3, 1
	}
	if p.Y.Min == p.Y.Max {
		p.Y.Min, p.Y.Max = p.Y.Min/10, p.Y.Max*10
	}
	return r.out.Draw(CurvesFile, 5.5*vg.Inch, 3.6*vg.Inch, [][]*plot.Plot{{p}})
}

// gridSize is the number of points of the square that are drawn, by side.
const gridSize = 81

func gridPoints() (x []float64) {
	for i := range gridSize {
		for j := range gridSize {
			x = append(x, -1+2*float64(j)/(gridSize-1), -1+2*float64(i)/(gridSize-1))
		}
	}
	return x
}

func tensorOf(x []float64) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(x, len(x)/inputs, inputs)
}

// surface is values on the grid as a heat map wants them.
type surface []float64

func (s surface) Dims() (c, r int)   { return gridSize, gridSize }
func (s surface) Z(c, r int) float64 { return s[r*gridSize+c] }
func (s surface) X(c int) float64    { return -1 + 2*float64(c)/(gridSize-1) }
func (s surface) Y(r int) float64    { return s.X(r) }

// plotFits draws the function and the fits, and below them the errors.
func (r *run) plotFits() error {
	x := gridPoints()
	truth := make(surface, gridSize*gridSize)
	top := 0.0
	for i := range truth {
		truth[i] = target(x[i*inputs:])
		top = max(top, truth[i])
	}
	const largest = 0.1 // error that has its own color
	heights := palette.Heat(255, 1)
	above := moreland.SmoothBlueRed()
	above.SetMin(-largest)
	above.SetMax(largest)
	first, second := []*plot.Plot{draw("the function", truth, 0, top, heights)}, []*plot.Plot{nil}
	for _, net := range r.cfg.Nets {
		fit := surface(r.fits[net])
		if fit == nil {
			continue
		}
		shown, diff := make(surface, len(fit)), make(surface, len(fit))
		worst := 0.0
		for i, v := range fit {
			shown[i] = max(0, min(top, v))
			diff[i] = max(-largest, min(largest, v-truth[i]))
			worst = max(worst, math.Abs(v-truth[i]))
		}
		first = append(first, draw(net, shown, 0, top, heights))
		second = append(second, draw(fmt.Sprintf("error, at most %.2g", worst), diff, -largest, largest, above.Palette(255)))
	}
	return r.out.Draw(FitsFile, 2.4*vg.Inch*vg.Length(len(first)), 5*vg.Inch, [][]*plot.Plot{first, second})
}

func draw(title string, s surface, low, high float64, p palette.Palette) *plot.Plot {
	h := plotter.NewHeatMap(s, p)
	h.Min, h.Max = low, high
	pl := plot.New()
	pl.Title.Text = title
	pl.Add(h)
	pl.X.Padding, pl.Y.Padding = 0, 0
	return pl
}
