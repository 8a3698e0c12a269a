package qptest

import (
	"fmt"
	"math"
	"testing"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

func (s suite) callbacks(t *testing.T) {
	for _, workers := range []int{1, 2} {
		t.Run(fmt.Sprintf("trace/workers-%d", workers), func(t *testing.T) { s.trace(t, workers) })
		t.Run(fmt.Sprintf("capture/workers-%d", workers), func(t *testing.T) { s.capture(t, workers) })
	}
}

// trace: one call at a time, an element's iterations in order, no number wrong.
func (s suite) trace(t *testing.T, workers int) {
	sh, b := limitsBatch()
	inside := false
	lines := make([][]qp.Iteration, b.Size)
	opt := qp.Options{Workers: workers, Trace: func(it qp.Iteration) {
		if inside {
			t.Error("two calls of Trace at once")
		}
		inside = true
		if it.Element < 0 || it.Element >= b.Size {
			t.Errorf("Trace of element %d", it.Element)
		} else {
			lines[it.Element] = append(lines[it.Element], it)
		}
		inside = false
	}}
	x := s.solve(t, sh, opt, b)
	plain := s.solve(t, sh, qp.Options{}, b)
	for i, info := range x.Info {
		sameElement(t, sh, x, i, plain, i)
		if info.Status == qp.InvalidInput {
			if len(lines[i]) > 0 {
				t.Errorf("element %d: %d lines of an invalid element", i, len(lines[i]))
			}
			continue
		}
		for k, it := range lines[i] {
			if it.Iter != k {
				t.Errorf("element %d: line %d has Iter %d", i, k, it.Iter)
			}
			for _, v := range []float64{it.Value, it.Primal, it.Dual, it.Gap, it.Mu, it.StepP, it.StepD} {
				if math.IsNaN(v) {
					t.Errorf("element %d: NaN in %+v", i, it)
				}
			}
			if it.Primal < 0 || it.Dual < 0 || it.Gap < 0 || it.Mu < 0 || it.StepP < 0 || it.StepP > 1 || it.StepD < 0 || it.StepD > 1 {
				t.Errorf("element %d: %+v", i, it)
			}
		}
		// The last line, where the element ended, may be left out.
		if n := len(lines[i]); n != info.Iterations && n != info.Iterations+1 {
			t.Errorf("element %d: %d lines for %d iterations", i, n, info.Iterations)
		}
	}
}

// capture: every element that is not solved, with a Problem that ends alike.
func (s suite) capture(t *testing.T, workers int) {
	type captured struct {
		p    *qp.Problem
		info qp.Info
	}
	for _, p := range []gen.QP{gen.TwoSided(seed, 6, 1, 5), gen.Sudoku(seed, 6, 2), gen.LP(seed, 5, 1, 6)} {
		for _, shared := range []qp.Coef{0, qp.CoefQ | qp.CoefA | qp.CoefG} {
			sh, b := variants(&p, 8, shared)
			b.P[1*sh.N] = nan()
			b.B[2*sh.NEq] = 1e6 // against the bounds or the rows: see the status
			for _, i := range []int{5, 6} {
				l := part(b.L, sh.N, i)
				l[0] = math.Inf(1)
			}
			inside := false
			got := map[int]captured{}
			opt := qp.Options{Workers: workers, Capture: func(i int, p *qp.Problem, info qp.Info) {
				if inside {
					t.Error("two calls of Capture at once")
				}
				inside = true
				if _, twice := got[i]; twice {
					t.Errorf("element %d captured twice", i)
				}
				got[i] = captured{p, info}
				inside = false
			}}
			x := s.solve(t, sh, opt, b)
			for i, info := range x.Info {
				c, ok := got[i]
				if want := info.Status != qp.Solved; ok != want {
					t.Errorf("element %d: %v, captured %v", i, info.Status, ok)
				}
				if !ok {
					continue
				}
				if c.info != info {
					t.Errorf("element %d: captured with %+v, ended with %+v", i, c.info, info)
				}
				sh2, b2, err := qp.Stack(c.p)
				must(t, err)
				if sh2 != sh {
					t.Errorf("element %d: captured with shape %+v, want %+v", i, sh2, sh)
					continue
				}
				want := dataOf(sh, &b.Data, i)
				for _, co := range coefs {
					sameBits(t, fmt.Sprintf("element %d: captured %s", i, co.name), *co.of(&b2.Data), *co.of(&want))
				}
				if st := s.solve(t, sh2, qp.Options{}, b2).Info[0].Status; st != info.Status {
					t.Errorf("element %d: captured problem ends %v, want %v", i, st, info.Status)
				}
			}
			if len(got) < 3 {
				t.Errorf("%d elements captured", len(got))
			}
		}
	}
}
