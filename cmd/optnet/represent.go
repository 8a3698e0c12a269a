package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/experiments/represent"
	"github.com/spf13/cobra"
)

func trainRepresent() *cobra.Command {
	t := &training{cfg: lab.Config{Out: "runs/represent", Nets: represent.Nets(), Seed: 1}}
	cmd := &cobra.Command{
		Use:   "represent",
		Short: "Learn a function that a quadratic program is, and no ReLU network",
		Long: `Learn a function of the plane, ` + represent.Formula() + `,
from 2,000 points, as in section 3.2 of the OptNet paper: by a quadratic program
that has six parameters and can be equal to it, and by networks of two layers with
ReLU, which cannot. relu- and a number names one with so many hidden units.

Into the output folder go metrics.csv (a line an epoch), a checkpoint a network,
curves.png, fits.png and results.json.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.config(cmd.Flags())
			if err != nil {
				return err
			}
			var res *represent.Result
			return t.run(cmd, func(r lab.Report) (any, error) {
				res, err = represent.Run(cmd.Context(), represent.Config{Config: c}, r)
				return res, err
			}, func(w io.Writer) {
				for _, n := range append([]represent.NetResult{res.NetResult}, res.Others...) {
					fmt.Fprintf(w, "%-8s %5d parameters, after %d epochs: test MSE %.3g, worst error %.3g\n", n.Net, n.Parameters, n.Epochs, float64(n.TestMSE), float64(n.WorstError))
				}
				fmt.Fprintf(w, "%.1f s; ", res.Seconds)
			})
		},
	}
	t.add(cmd.Flags(), "passes over the points; 0: 60", "points in a batch; 0: 50",
		"learning rate of Adam at the start, from where it falls to 0; 0: 0.03", "networks to train: optnet, or relu- and a number of hidden units", "")
	return cmd
}

func predictRepresent() *cobra.Command {
	var (
		model, net, device string
		workers            int
		asJSON             bool
	)
	cmd := &cobra.Command{
		Use:   "represent --model DIR X0,X1...",
		Short: "Evaluate a learned function of the plane",
		Long: `Evaluate a function that "optnet train represent" has learned, at points of the
plane. The answer has a line for each: the point, the value, and that of the
function itself.`,
		Example: "  optnet predict represent --model runs/represent 0.5,-0.5 0,1",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkPredict(device, workers, model, "runs/represent"); err != nil {
				return err
			}
			if len(args) == 0 {
				return usagef("no point given, want two numbers with a comma between: 0.5,-0.5 for example")
			}
			var x []float64
			for _, arg := range args {
				a, b, ok := strings.Cut(arg, ",")
				x0, err0 := strconv.ParseFloat(a, 64)
				x1, err1 := strconv.ParseFloat(b, 64)
				if !ok || err0 != nil || err1 != nil || x0-x0 != 0 || x1-x1 != 0 {
					return usagef("the point is %q, want two numbers with a comma between: 0.5,-0.5 for example", arg)
				}
				x = append(x, x0, x1)
			}
			m, err := represent.Load(model, net, workers)
			if err != nil {
				return err
			}
			z, err := m.Predict(cmd.Context(), x)
			if err != nil {
				return err
			}
			for i, v := range z {
				x0, x1 := x[2*i], x[2*i+1]
				want := represent.Target(x0, x1)
				if asJSON {
					err = writeJSON(cmd.OutOrStdout(), struct {
						Point  [2]float64 `json:"point"`
						Value  float64    `json:"value"`
						Target float64    `json:"target"`
					}{[2]float64{x0, x1}, v, want})
				} else {
					_, err = fmt.Fprintf(cmd.OutOrStdout(), "%v,%v %.6g %.6g\n", x0, x1, v, want)
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&model, "model", "", "folder of a training")
	f.StringVar(&net, "net", "optnet", "network")
	f.IntVar(&workers, "workers", 0, "goroutines of the QP solver, 0: one a processor")
	f.StringVar(&device, "device", "cpu", "device of the QP solver")
	f.BoolVar(&asJSON, "json", false, "print one JSON object a point")
	return cmd
}
