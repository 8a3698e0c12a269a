package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestMaps(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(49, 1))
		for n := range 70 {
			v := func() []float64 { return clone(randomVector(r, n)) }
			a, b, x, y, z := v(), v(), v(), v(), v()
			check := func(name string, got []float64, want func(i int) float64, run func()) {
				t.Helper()
				w := make([]float64, n)
				for i := range w {
					w[i] = want(i)
				}
				run()
				what := fmt.Sprintf("%s n=%d", name, n)
				set.compareVector(t, what, got, w, 8)
				checkPoison(t, what, got)
			}
			check("Scale", z, func(i int) float64 { return -0.3 * x[i] }, func() { Scale(-0.3, x, z) })
			check("Scale in place", z, func(i int) float64 { return -0.3 * z[i] }, func() { Scale(-0.3, z, z) })
			check("Sub", z, func(i int) float64 { return x[i] - y[i] }, func() { Sub(x, y, z) })
			check("Sub in place", z, func(i int) float64 { return x[i] - z[i] }, func() { Sub(x, z, z) })
			check("MulDiff", z, func(i int) float64 { return a[i] * (x[i] - y[i]) }, func() { MulDiff(a, x, y, z) })
			check("MulAdd", z, func(i int) float64 { return set.madd(a[i], x[i], z[i]) }, func() { MulAdd(a, x, z) })
			check("MulSum", z, func(i int) float64 { return set.madd(a[i], x[i], b[i]*y[i]) }, func() { MulSum(a, x, b, y, z) })
			check("MaxAbs", z, func(i int) float64 { return max(z[i], 0.7*math.Abs(x[i])) }, func() { MaxAbs(0.7, x, z) })
			check("AddSum", z, func(i int) float64 { return z[i] + (float64(0.7*x[i]) + float64(-0.3*y[i])) }, func() { AddSum(0.7, x, -0.3, y, z) })
		}
	})
}

func TestBoundStep(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(50, 1))
		for n := range 70 {
			v := func() []float64 { return clone(randomVector(r, n)) }
			q, d, h, y, c, rz, lam := v(), v(), v(), v(), v(), v(), v()
			for i := range d {
				if r.IntN(5) == 0 {
					d[i] = math.Inf(1) // pinned
				}
			}
			wantZ, wantL := make([]float64, n), make([]float64, n)
			for i := range n {
				z := set.madd(-h[i], c[i], y[i])
				wantZ[i], wantL[i] = z, d[i]*(z-lam[i])
				if d[i] > q[i] {
					wantL[i] = set.madd(-q[i], z, rz[i]) - c[i]
				}
			}
			BoundStep(q, d, h, y, c, rz, lam)
			what := fmt.Sprintf("n=%d", n)
			set.compareVector(t, what+" z", rz, wantZ, 8)
			set.compareVector(t, what+" λ", lam, wantL, 8)
			checkPoison(t, what, rz)
			checkPoison(t, what, lam)
		}
	})
}
