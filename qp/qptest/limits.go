package qptest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

// limitsBatch has elements that end in every way, after some iterations each.
func limitsBatch() (qp.Shape, *qp.Batch) {
	p := gen.TwoSided(seed, 17, 3, 21)
	sh, b := variants(&p, 6, 0)
	e := dataOf(sh, &b.Data, 4)
	e.P[0] = nan()
	return sh, b
}

func (s suite) limits(t *testing.T) {
	t.Run("canceled-before", s.canceledBefore)
	t.Run("canceled-during", s.canceledDuring)
	t.Run("deadline", s.deadline)
	t.Run("time-limit", s.timeLimit)
	t.Run("max-iter", s.maxIter)
}

func (s suite) canceledBefore(t *testing.T) {
	sh, b := limitsBatch()
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	x := new(qp.Solution)
	defer x.Close()
	if err := s.solver(t, sh, qp.Options{}).Solve(ctx, x, b); !errors.Is(err, cause) {
		t.Errorf("error %v, want the cause", err)
	}
	plain, cancel2 := context.WithCancel(t.Context())
	cancel2()
	if err := s.solver(t, sh, qp.Options{}).Solve(plain, x, b); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	check(t, sh, b, x, eps)
	for i, info := range x.Info {
		if info.Status != qp.Canceled && info.Status != qp.InvalidInput {
			t.Errorf("element %d: %v, want Canceled", i, info.Status)
		}
		zeroed(t, sh, x, i)
	}
	// Derivatives look at ctx too.
	must(t, s.solver(t, sh, qp.Options{}).Solve(t.Context(), x, b))
	up := randomPoint(newRand(24), sh, b.Size, true)
	if err := x.VJP(plain, new(qp.Gradient), up); !errors.Is(err, context.Canceled) {
		t.Errorf("VJP: error %v, want context.Canceled", err)
	}
	if err := x.JVP(plain, new(qp.Tangent), &qp.Data{}); !errors.Is(err, context.Canceled) {
		t.Errorf("JVP: error %v, want context.Canceled", err)
	}
}

// canceledDuring cancels from the trace, after the first element is done or in
// the first iteration.
func (s suite) canceledDuring(t *testing.T) {
	for _, after := range []int{0, 1, 3, 10} {
		for _, workers := range []int{1, 2} {
			t.Run(fmt.Sprintf("line-%d/workers-%d", after, workers), func(t *testing.T) {
				sh, b := limitsBatch()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				lines := 0
				opt := qp.Options{Workers: workers, Trace: func(qp.Iteration) {
					if lines == after {
						cancel()
					}
					lines++
				}}
				x := new(qp.Solution)
				defer x.Close()
				if err := s.solver(t, sh, opt).Solve(ctx, x, b); !errors.Is(err, context.Canceled) {
					t.Errorf("error %v, want context.Canceled", err)
				}
				check(t, sh, b, x, eps)
				stopped := 0
				for i, info := range x.Info {
					switch info.Status {
					case qp.Canceled:
						stopped++
						zeroed(t, sh, x, i)
					case qp.Solved, qp.InvalidInput:
					default:
						t.Errorf("element %d: %v", i, info.Status)
					}
				}
				if stopped == 0 {
					t.Error("no element is Canceled")
				}
				// The Solution is as good as new.
				must(t, s.solver(t, sh, qp.Options{}).Solve(t.Context(), x, b))
				check(t, sh, b, x, eps)
			})
		}
	}
}

func (s suite) deadline(t *testing.T) {
	sh, b := limitsBatch()
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	x := new(qp.Solution)
	defer x.Close()
	if err := s.solver(t, sh, qp.Options{}).Solve(ctx, x, b); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want context.DeadlineExceeded", err)
	}
	check(t, sh, b, x, eps)
}

// timeLimit has a limit that is over at once. It is no error of the call.
func (s suite) timeLimit(t *testing.T) {
	sh, b := limitsBatch()
	x := s.solve(t, sh, qp.Options{TimeLimit: 1}, b)
	check(t, sh, b, x, eps)
	for i, info := range x.Info {
		if info.Status != qp.MaxTime && info.Status != qp.InvalidInput {
			t.Errorf("element %d: %v, want MaxTime", i, info.Status)
		}
		zeroed(t, sh, x, i)
	}
}

// maxIter: Check compares the residuals reported with those of the point.
func (s suite) maxIter(t *testing.T) {
	for _, p := range problems(func(p *gen.QP) bool { return p.N <= 20 }) {
		sh, b := shapeOf(p), batchOf(p)
		for _, most := range []int{1, 2, 3, 5} {
			t.Run(fmt.Sprintf("%d/%s", most, p.Name), func(t *testing.T) {
				x := s.solve(t, sh, qp.Options{MaxIter: most}, b)
				check(t, sh, b, x, eps)
				info := x.Info[0]
				if info.Iterations > most {
					t.Errorf("%d iterations, want at most %d", info.Iterations, most)
				}
				switch info.Status {
				case qp.MaxIterations:
					zeroed(t, sh, x, 0)
				case qp.Solved, qp.AlmostSolved, qp.PrimalInfeasible, qp.DualInfeasible:
				default:
					t.Errorf("status %v, want MaxIterations or better", info.Status)
				}
			})
		}
	}
}
