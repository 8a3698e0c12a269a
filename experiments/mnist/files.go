package mnist

import (
	"fmt"
	"image/color"
	"io"

	"github.com/optnet-go/optnet/experiments/lab"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// The files of an output folder, beside the folders seed-1, ... with a checkpoint
// a network.
const (
	MetricsFile = "metrics.csv"  // a line an epoch
	ResultsFile = "results.json" // a [Result]
	CurvesFile  = "curves.png"   // loss and error by epoch
)

var allFiles = []string{MetricsFile, ResultsFile, CurvesFile}

func (r *run) writeMetrics() error {
	return r.out.Write(MetricsFile, func(w io.Writer) error {
		fmt.Fprintln(w, "net,seed,epoch,batches,train_loss,train_error,test_loss,test_error,unsolved,almost_solved,zeroed,not_unique,test_unsolved,seconds")
		for _, e := range r.result.History {
			fmt.Fprintf(w, "%s,%d,%d,%d,%v,%v,%v,%v,%d,%d,%d,%d,%d,%.3f\n", e.Net, e.Seed, e.Epoch, e.Batches, e.Train.Loss, e.Train.Error, e.Test.Loss, e.Test.Error,
				e.Unsolved, e.AlmostSolved, e.Zeroed, e.NotUnique, e.InTest.Unsolved, e.Seconds)
		}
		return nil
	})
}

var colors = map[string]color.Color{"optnet": lab.Blue, "fc": lab.Orange, "lenet": lab.Green, "lenet-simplex": lab.Purple}

// paperTest is the test error of the paper's figure by epoch, in percent.
var paperTest = map[string][][2]float64{
	"fc":     {{1, 3.04}, {3, 2.65}, {5, 1.97}, {10, 2.19}, {20, 1.79}, {50, 1.69}, {100, 1.64}, {200, 1.61}},
	"optnet": {{1, 3.40}, {3, 2.80}, {5, 2.35}, {10, 2.36}, {20, 2.02}, {50, 2.20}, {100, 1.60}, {200, 1.88}},
}

func (r *run) plotCurves() error {
	loss := lab.NewPlot("Negative log-likelihood", "epoch", "")
	errs := lab.NewPlot("Error", "epoch", "percent of images")
	last := 1.0
	percent := func(xy plotter.XYs) plotter.XYs {
		for i := range xy {
			xy[i].Y *= 100
		}
		return xy
	}
	for _, net := range r.cfg.Nets {
		for k := range uint64(r.cfg.Seeds) {
			of := func(f func(*lab.Epoch) lab.Figure) plotter.XYs {
				xy := lab.ByEpoch(r.result.History, net, r.cfg.Seed+k, f)
				if len(xy) > 0 {
					last = max(last, xy[len(xy)-1].X)
				}
				if len(xy) > 0 && xy[0].X == 0 {
					xy = xy[1:] // before training all is off the scale
				}
				return xy
			}
			label := func(s string) string {
				if k > 0 {
					return ""
				}
				return net + ", " + s
			}
			c := colors[net]
			if err := lab.Add(loss,
				lab.Curve{XY: of(func(e *lab.Epoch) lab.Figure { return e.Train.Loss }), Color: c, Dashed: true, Thin: true},
				lab.Curve{XY: of(func(e *lab.Epoch) lab.Figure { return e.Test.Loss }), Color: c, Thin: true},
			); err != nil {
				return err
			}
			if err := lab.Add(errs,
				lab.Curve{Label: label("train"), XY: percent(of(func(e *lab.Epoch) lab.Figure { return e.Train.Error })), Color: c, Dashed: true, Thin: true},
				lab.Curve{Label: label("test"), XY: percent(of(func(e *lab.Epoch) lab.Figure { return e.Test.Error })), Color: c, Thin: true},
			); err != nil {
				return err
			}
		}
	}
	for _, net := range r.cfg.Nets {
		var xy plotter.XYs
		for _, v := range paperTest[net] {
			if v[0] <= last {
				xy = append(xy, plotter.XY{X: v[0], Y: v[1]})
			}
		}
		if err := lab.Add(errs, lab.Curve{Label: net + ", paper's test", XY: xy, Color: colors[net], Bare: true}); err != nil {
			return err
		}
	}
	for _, p := range []*plot.Plot{loss, errs} {
		p.X.Min, p.X.Max, p.Y.Min = 0, last, 0
		p.X.Tick.Marker = plot.TickerFunc(lab.WholeTicks)
		if p.Y.Max < p.Y.Min { // nothing to draw
			p.Y.Max = 1
		}
	}
	errs.Y.Max = min(errs.Y.Max, 5)
	loss.Y.Max = min(loss.Y.Max, 0.3)
	return r.out.Draw(CurvesFile, 10*vg.Inch, 3.8*vg.Inch, [][]*plot.Plot{{loss, errs}})
}
