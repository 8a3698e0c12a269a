package qptest

import (
	"testing"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

// shared: a coefficient given once is the same as given to every element, and
// its gradient is the sum.
func (s suite) shared(t *testing.T) {
	const size = 5
	for _, p := range []gen.QP{gen.TwoSided(seed, 5, 1, 4), gen.Sudoku(seed, 6, 2), gen.Convex(seed, 12, 4, 16)} {
		masks := []struct {
			name string
			mask qp.Coef
		}{
			{"Q+A", qp.CoefQ | qp.CoefA},
			{"Q+A+G", qp.CoefQ | qp.CoefA | qp.CoefG},
			{"all-but-P", ^qp.Coef(0) &^ qp.CoefP},
			{"all", ^qp.Coef(0)},
		}
		for _, c := range coefs {
			if c.len(shapeOf(&p)) > 0 {
				masks = append(masks, struct {
					name string
					mask qp.Coef
				}{c.name, c.bit})
			}
		}
		for _, m := range masks {
			t.Run(p.Name+"/"+m.name, func(t *testing.T) {
				sh, b := variants(&p, size, m.mask)
				full := expand(sh, b)
				x, y := s.solved(t, sh, exact(), b), s.solved(t, sh, exact(), full)
				check(t, sh, b, x, 1e-12)
				agreePoint(t, &x.Point, &y.Point, 1e-9)
				up := randomPoint(newRand(18), sh, size, true)
				g, h := vjp(t, x, up), vjp(t, y, up)
				for _, c := range coefs {
					want := *c.of(&h.Data)
					if one := c.len(sh); len(*c.of(&b.Data)) == one {
						want = sumOver(want, one)
					}
					agree(t, "d"+c.name, *c.of(&g.Data), want, 1e-9*max(1, norm(want)))
				}
				dir := randomDir(newRand(19), sh, size)
				d, e := jvp(t, x, dir), jvp(t, y, dir)
				agreePoint(t, &d.Point, &e.Point, 1e-9)
			})
		}
	}
}

// sumOver adds up the elements of x.
func sumOver(x []float64, one int) []float64 {
	sum := make([]float64, one)
	for i, v := range x {
		sum[i%one] += v
	}
	return sum
}

// forms: a problem gives the same answers whether Q is stored whole, as its
// diagonal, or not at all.
func (s suite) forms(t *testing.T) {
	for _, p := range []gen.QP{gen.Sudoku(seed, 9, 4), gen.Box(seed, 5), gen.LP(seed, 6, 2, 5), gen.LP(seed, 1, 0, 1)} {
		t.Run(p.Name, func(t *testing.T) {
			sh, b := shapeOf(&p), batchOf(&p)
			dense, db := sh, *b
			dense.Q, db.Q = qp.Dense, make([]float64, p.N*p.N)
			for i, v := range p.Q {
				db.Q[i*p.N+i] = v
			}
			x, y := s.solved(t, sh, exact(), b), s.solved(t, dense, exact(), &db)
			agreePoint(t, &y.Point, &x.Point, 1e-9)
			up := randomPoint(newRand(20), sh, 1, true)
			g, h := vjp(t, x, up), vjp(t, y, up)
			diagonal := make([]float64, len(g.Q))
			for i := range diagonal {
				diagonal[i] = h.Q[i*p.N+i]
			}
			h.Q = diagonal
			agreeData(t, &h.Data, &g.Data, 1e-9)
		})
	}
}
