package qptest

import (
	"math"
	"testing"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

// warm: wherever an element starts, it ends at the same answer.
func (s suite) warm(t *testing.T) {
	for _, p := range problems(func(p *gen.QP) bool { return wellPosed(p) && p.N <= 40 }) {
		sh, b := shapeOf(p), batchOf(p)
		cold := s.solved(t, sh, qp.Options{}, b)
		fill := func(v float64) *qp.Point {
			x := new(qp.Point)
			for _, c := range points {
				*c.of(x) = make([]float64, c.len(sh))
				for i := range *c.of(x) {
					(*c.of(x))[i] = v
				}
			}
			return x
		}
		far := randomPoint(newRand(23), sh, 1, false)
		wrong := known(p)
		wrong.Lambda, wrong.Mu = swap(wrong.Lambda), swap(wrong.Mu)
		for _, c := range []struct {
			name string
			at   *qp.Point
			good bool
		}{
			{"exact", known(p), true},
			{"exact-Z", &qp.Point{Z: p.Z}, false},
			{"wrong-active-set", wrong, false},
			{"random", far, false},
			{"zero", fill(0), false},
			{"nan", fill(nan()), false},
			{"inf", fill(math.Inf(1)), false},
			{"huge", fill(1e300), false},
			{"tiny", fill(1e-300), false},
		} {
			t.Run(c.name+"/"+p.Name, func(t *testing.T) {
				warm := *b
				warm.Warm = c.at
				x := s.solved(t, sh, qp.Options{}, &warm)
				check(t, sh, &warm, x, eps)
				compare(t, p, x, eps)
				if r := x.Info[0].Retries; r > 1+cold.Info[0].Retries {
					t.Errorf("%d retries, want at most 1", r)
				}
				if got, most := x.Info[0].Iterations, cold.Info[0].Iterations+2; c.good && got > most {
					t.Errorf("%d iterations from the solution, %d from a cold start", got, most-2)
				}
			})
		}
		t.Run("itself/"+p.Name, func(t *testing.T) {
			v, x := s.solver(t, sh, qp.Options{}), new(qp.Solution)
			defer x.Close()
			must(t, v.Solve(t.Context(), x, b))
			warm := *b
			warm.Warm = &x.Point
			must(t, v.Solve(t.Context(), x, &warm))
			must(t, x.Err())
			compare(t, p, x, eps)
			if got, most := x.Info[0].Iterations, cold.Info[0].Iterations+2; got > most {
				t.Errorf("%d iterations from the solution, %d from a cold start", got, most-2)
			}
		})
	}
}

// swap makes multipliers that are zero large, and others zero.
func swap(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		if v == 0 {
			y[i] = 1
		}
	}
	return y
}
