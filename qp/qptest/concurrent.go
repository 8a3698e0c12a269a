package qptest

import (
	"sync"
	"testing"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

// concurrent uses one Solver from many goroutines, each with its Solution.
func (s suite) concurrent(t *testing.T) {
	p := gen.TwoSided(seed, 6, 2, 7)
	sh, b := variants(&p, 6, qp.CoefQ)
	up, dir := randomPoint(newRand(25), sh, 6, true), randomDir(newRand(26), sh, 6)
	want := s.record(t, sh, qp.Options{Workers: 2}, b, up, dir)
	v := s.solver(t, sh, qp.Options{Workers: 2})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			r := &record{sh: sh, x: new(qp.Solution), g: new(qp.Gradient), d: new(qp.Tangent)}
			defer r.x.Close()
			for range 3 {
				for _, err := range []error{
					v.Solve(t.Context(), r.x, b),
					r.x.VJP(t.Context(), r.g, up),
					r.x.JVP(t.Context(), r.d, dir),
				} {
					if err != nil {
						t.Error(err)
						return
					}
				}
				for i := range b.Size {
					r.same(t, i, want, i)
				}
				sameBits(t, "dQ", r.g.Q, want.g.Q)
			}
		})
	}
	wait.Wait()
}
