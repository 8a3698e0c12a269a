package qptest

import (
	"context"
	"testing"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

// TestAllocs checks that nothing allocates after one call of that size with one
// worker, and with two a number that does not depend on the size of the batch.
func TestAllocs(t *testing.T, engine qp.Engine) {
	s := suite{engine}
	for _, p := range []gen.QP{gen.Convex(seed, 12, 4, 16), gen.TwoSided(seed, 6, 1, 5), gen.Sudoku(seed, 9, 4), gen.LP(seed, 5, 1, 6), gen.Redundant(seed, 6, 3, 4), gen.Weak(seed, 6, 1, 5)} {
		t.Run(p.Name, func(t *testing.T) {
			for _, shared := range []qp.Coef{0, qp.CoefQ | qp.CoefA | qp.CoefG} {
				if solve, back, forth := s.allocs(t, &p, 7, 1, shared); solve+back+forth != 0 {
					t.Errorf("one worker, shared %#x: Solve allocates %v times, VJP %v, JVP %v", uint16(shared), solve, back, forth)
				}
				solve8, back8, forth8 := s.allocs(t, &p, 8, 2, shared)
				solve64, back64, forth64 := s.allocs(t, &p, 64, 2, shared)
				const noise = 4 // the runtime's own, for goroutines
				if solve64 > solve8+noise || back64 > back8+noise || forth64 > forth8+noise {
					t.Errorf("two workers, shared %#x: Solve, VJP and JVP allocate %v, %v, %v times for 8 elements and %v, %v, %v for 64",
						uint16(shared), solve8, back8, forth8, solve64, back64, forth64)
				}
			}
		})
	}
	t.Run("after-Grow", func(t *testing.T) {
		p := gen.TwoSided(seed, 6, 1, 5)
		sh, b := variants(&p, 7, 0)
		v, x := s.solver(t, sh, qp.Options{Workers: 1}), new(qp.Solution)
		defer x.Close()
		must(t, v.Grow(x, 7))
		ctx := context.Background()
		if n := testing.AllocsPerRun(1, func() { must(t, v.Solve(ctx, x, b)) }); n != 0 {
			t.Errorf("Solve allocates %v times", n)
		}
	})
}

func (s suite) allocs(t *testing.T, p *gen.QP, size, workers int, shared qp.Coef) (solve, back, forth float64) {
	sh, b := variants(p, size, shared)
	up, dir := randomPoint(newRand(27), sh, size, true), randomDir(newRand(28), sh, size)
	v, x := s.solver(t, sh, qp.Options{Workers: workers}), new(qp.Solution)
	defer x.Close()
	g, d := new(qp.Gradient), new(qp.Tangent)
	ctx := context.Background()
	const runs = 5
	// AllocsPerRun calls once before it counts.
	solve = testing.AllocsPerRun(runs, func() { must(t, v.Solve(ctx, x, b)) })
	back = testing.AllocsPerRun(runs, func() { must(t, x.VJP(ctx, g, up)) })
	forth = testing.AllocsPerRun(runs, func() { must(t, x.JVP(ctx, d, dir)) })
	return solve, back, forth
}
