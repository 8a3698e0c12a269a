package conic

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/optnet-go/optnet/internal/dense"
)

// The dense and the sparse system have the same solutions.
func TestDenseAndSparse(t *testing.T) {
	ctx := context.Background()
	for _, opt := range []*Options{nil, {Rule: Smoothed, Kappa: 1e-3}} {
		forDerivatives(t, func(t *testing.T, r *rand.Rand, k *known) {
			dir, w := randData(r, &k.data), randAnswer(r, &k.pt)
			var tan [2]Tangent
			var grad [2]Gradient
			for i := range 2 {
				x := k.solution(t, opt)
				sys, err := newSparseSystem(k.st)
				if err != nil {
					t.Fatal(err)
				}
				if i == 1 {
					sys.makeDense()
				}
				x.diff.sys = sys
				if err := x.JVP(ctx, &tan[i], dir); err != nil {
					t.Fatal(err)
				}
				if err := x.VJP(ctx, &grad[i], w); err != nil {
					t.Fatal(err)
				}
			}
			a, b := tan[0].Certs[0], tan[1].Certs[0]
			if a.Unique != b.Unique || a.Zeroed || b.Zeroed || (a.Margin != b.Margin && !math.IsNaN(a.Margin)) || !(b.RCond > a.RCond/100 && b.RCond < a.RCond*100) {
				t.Errorf("certificates %+v and %+v", a, b)
			}
			near := func(name string, a, b []float64) {
				for i := range a {
					if math.Abs(a[i]-b[i]) > 1e-9*(1+dense.NormInf(a)) {
						t.Errorf("%s[%d]: sparse %v, dense %v", name, i, a[i], b[i])
						break
					}
				}
			}
			near("dX", tan[0].X, tan[1].X)
			near("dZ", tan[0].Z, tan[1].Z)
			near("dS", tan[0].S, tan[1].S)
			near("gradient A", grad[0].A, grad[1].A)
			near("gradient P", grad[0].P, grad[1].P)
			near("gradient Q", grad[0].Q, grad[1].Q)
			near("gradient B", grad[0].B, grad[1].B)
		})
	}
}

// U of a second-order cone is orthogonal, and has the vectors that h belongs to.
func TestRotateSOC(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, n := range []int{2, 3, 10} {
		c := Cone{Kind: SecondOrder, Size: n}
		p := newProjector(c)
		v, s, x, y, z := randPoint(r, n), make([]float64, n), randPoint(r, n), make([]float64, n), make([]float64, n)
		v[0] = 0.3 * dense.Norm2(v[1:])
		p.project(s, v, 0)
		p.rotate(y, x, true)
		for k := range y {
			y[k] *= weight(p.each(k))
		}
		p.rotate(y, y, false)
		p.apply(z, x)
		for i := range y {
			if math.Abs(y[i]-z[i]) > 1e-14*dense.Norm2(x) {
				t.Errorf("n = %d: U diag(d) Uᵀx is %v, want %v", n, y, z)
			}
		}
	}
}
