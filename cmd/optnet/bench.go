package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/qp"
	"github.com/spf13/cobra"
)

// benchReport is what "bench --json" prints of a file. Times are medians, in
// seconds; of a batch they are those of the whole batch.
type benchReport struct {
	File       string    `json:"file"`
	Variables  int       `json:"variables"`
	Rows       int       `json:"rows"`
	Size       int       `json:"size"`
	Status     qp.Status `json:"status"`
	Iterations int       `json:"iterations"`
	Solver     string    `json:"solver"`
	Why        string    `json:"why"`
	Runs       int       `json:"runs"`
	Read       number    `json:"read_seconds"`
	Cold       number    `json:"cold_seconds"`
	Warm       number    `json:"warm_seconds"`
	WarmLeast  number    `json:"warm_least_seconds"`
	Hot        number    `json:"hot_seconds"`
	HotIters   int       `json:"hot_iterations"`
	Backward   number    `json:"backward_seconds"`
	Allocs     number    `json:"warm_allocations"`
	Bytes      int64     `json:"bytes"`
}

func benchCommand() *cobra.Command {
	var (
		s    solving
		span time.Duration
	)
	cmd := &cobra.Command{
		Use:   "bench FILE...",
		Short: "Measure how fast the problems in files are solved",
		Long: `Solve each file's problem again and again, and print medians:

  read      the file
  cold      everything once: plan, memory, solve
  warm      solve again with the plan and the memory that are there
  hot       the same, started from the solution
  backward  the gradient of the optimal value with respect to all data`,
		Example: "  optnet bench problem.qps",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("no file given, want one or more; see: optnet bench --help")
			}
			if err := s.check(); err != nil {
				return err
			}
			if span <= 0 {
				return usagef("--time is %v, want more than 0", span)
			}
			return eachFile(cmd, args, s.json, func(file string) (bool, error) {
				began := time.Now()
				p, err := load(file, cmd.InOrStdin())
				if err != nil {
					return false, err
				}
				read := time.Since(began)
				r, err := s.bench(cmd.Context(), p, span)
				if err != nil {
					return false, &fileError{file: file, err: err}
				}
				r.File, r.Read = file, number(read.Seconds())
				if s.json {
					err = writeJSON(cmd.OutOrStdout(), r)
				} else {
					err = r.print(cmd.OutOrStdout())
				}
				return r.Status == qp.Solved, err
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().DurationVar(&span, "time", time.Second, "time for each of the measurements")
	return cmd
}

// A benched is one problem made ready to be solved many times.
type benched struct {
	cold     func() error // plan, memory and solve
	warm     func() error // into what cold made
	hot      func() error // from the solution
	backward func() error
	outcome  func() (st qp.Status, iterations int)
	bytes    int64
}

func (s *solving) bench(ctx context.Context, p *problem, span time.Duration) (*benchReport, error) {
	r := &benchReport{Size: 1}
	var b *benched
	var err error
	switch {
	case p.cone != nil || p.cones != nil:
		st, batch := p.coneBatch()
		r.Variables, r.Rows, r.Size, r.Solver, r.Why = st.N, st.A.Rows, batch.Size, "conic", "cone programs"
		b, err = s.benchCone(ctx, st, batch)
	case p.rows != nil:
		r.Variables, r.Rows = len(p.rows.Cols), len(p.rows.Rows)
		if r.Solver, r.Why = choose(p.rows); s.solver != "auto" {
			r.Solver, r.Why = s.solver, "as asked for"
		}
		if r.Solver == "conic" {
			cone, _ := p.rows.Cone()
			b, err = s.benchCone(ctx, cone.Structure(), &conic.Batch{Data: cone.Data(), Size: 1})
			break
		}
		dense, _, e := p.rows.QP()
		if e != nil {
			return nil, e
		}
		sh, batch, e := qp.Stack(dense)
		if e != nil {
			return nil, e
		}
		b, err = s.benchQP(ctx, sh, batch)
	default:
		r.Variables, r.Rows, r.Size, r.Solver, r.Why = p.shape.N, p.shape.NEq+p.shape.NIneq, p.batch.Size, "qp", "dense QPs"
		b, err = s.benchQP(ctx, p.shape, p.batch)
	}
	if err != nil {
		return nil, err
	}
	r.Bytes = b.bytes
	measure := func(f func() error) (median, least number, runs int, err error) {
		var times []time.Duration
		for total := time.Duration(0); total < span || len(times) < 3; {
			if ctx.Err() != nil {
				return 0, 0, 0, context.Cause(ctx)
			}
			began := time.Now()
			if err := f(); err != nil {
				return 0, 0, 0, err
			}
			t := time.Since(began)
			total += t
			times = append(times, t)
			if total > 10*span && len(times) > 0 {
				break
			}
		}
		slices.Sort(times)
		return number(times[len(times)/2].Seconds()), number(times[0].Seconds()), len(times), nil
	}
	if r.Cold, _, _, err = measure(b.cold); err != nil {
		return nil, err
	}
	r.Status, r.Iterations = b.outcome()
	var before, after runtime.MemStats
	if err := b.warm(); err != nil {
		return nil, err
	}
	runtime.ReadMemStats(&before)
	if r.Warm, r.WarmLeast, r.Runs, err = measure(b.warm); err != nil {
		return nil, err
	}
	runtime.ReadMemStats(&after)
	r.Allocs = number(float64(after.Mallocs-before.Mallocs) / float64(r.Runs))
	if r.Status == qp.Solved {
		if r.Backward, _, _, err = measure(b.backward); err != nil {
			return nil, err
		}
		if r.Hot, _, _, err = measure(b.hot); err != nil {
			return nil, err
		}
		_, r.HotIters = b.outcome()
	}
	return r, nil
}

// benchQP makes dense QPs ready.
func (s *solving) benchQP(ctx context.Context, sh qp.Shape, batch *qp.Batch) (*benched, error) {
	opt := s.qpOptions(false)
	var solver *qp.Solver
	var x *qp.Solution
	solver, err := qp.NewSolver(sh, opt)
	if err != nil {
		return nil, err
	}
	host, device := solver.Bytes(batch.Size, 0)
	if err := s.fits(host); err != nil {
		return nil, err
	}
	up := &qp.Point{Value: ones(batch.Size, 1)}
	grad := new(qp.Gradient)
	var warm *qp.Point
	return &benched{
		cold: func() (err error) {
			if solver, err = qp.NewSolver(sh, opt); err != nil {
				return err
			}
			x = new(qp.Solution)
			return solver.Solve(ctx, x, batch)
		},
		warm: func() error { return solver.Solve(ctx, x, batch) },
		hot: func() error {
			if warm == nil {
				warm = &qp.Point{Z: slices.Clone(x.Z), Nu: slices.Clone(x.Nu), Lambda: slices.Clone(x.Lambda), Mu: slices.Clone(x.Mu)}
			}
			b := *batch
			b.Warm = warm
			return solver.Solve(ctx, x, &b)
		},
		backward: func() error { return x.VJP(ctx, grad, up) },
		outcome: func() (st qp.Status, iterations int) {
			st = qp.Solved
			for i := range x.Info {
				if st == qp.Solved {
					st = x.Info[i].Status
				}
				iterations = max(iterations, x.Info[i].Iterations)
			}
			return st, iterations
		},
		bytes: host + device,
	}, nil
}

func (r *benchReport) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s: %d variables, %d rows, batch %d: %v in %d iterations by %s (%s)\n  read %s, cold %s, warm %s (least %s of %d, %.0f allocations), hot %s in %d iterations, backward %s\n",
		r.File, r.Variables, r.Rows, r.Size, r.Status, r.Iterations, r.Solver, r.Why,
		seconds(float64(r.Read)), seconds(float64(r.Cold)), seconds(float64(r.Warm)), seconds(float64(r.WarmLeast)), r.Runs, float64(r.Allocs), seconds(float64(r.Hot)), r.HotIters, seconds(float64(r.Backward)))
	return err
}
