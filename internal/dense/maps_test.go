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

func TestOuter(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(51, 1))
		for _, m := range []int{0, 1, 2, 3, 7, 16} {
			for n := range 40 {
				u, v, x, y := clone(randomVector(r, m)), clone(randomVector(r, m)), clone(randomVector(r, n)), clone(randomVector(r, n))
				if m > 1 {
					u[1], v[1] = 0, 0
				}
				z := clone(randomVector(r, m*n))
				for _, add := range []bool{false, true} {
					want := make([]float64, m*n)
					for i := range want {
						was := 0.0
						if add {
							was = z[i]
						}
						want[i] = was + (float64(u[i/n]*x[i%n]) + float64(v[i/n]*y[i%n]))
					}
					Outer(m, n, u, x, v, y, z, add)
					what := fmt.Sprintf("m=%d n=%d add=%v", m, n, add)
					set.compareVector(t, what, z, want, 0)
					checkPoison(t, what, z)
				}
				// The two pairs may change places: a sum of a matrix and its
				// transpose is symmetric to the last bit.
				if m == n {
					Outer(n, n, u, x, x, u, z, false)
					for i := range n {
						for j := range n {
							if z[i*n+j] != z[j*n+i] {
								t.Fatalf("n=%d: (%d, %d) is %v and (%d, %d) %v", n, i, j, z[i*n+j], j, i, z[j*n+i])
							}
						}
					}
				}
			}
		}
	})
}

func TestMaxAbsRows(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(52, 1))
		for _, m := range []int{0, 1, 2, 9} {
			for n := range 40 {
				a, y := randomMatrix(r, m, n), clone(randomVector(r, n))
				want := make([]float64, n)
				for j := range want {
					want[j] = y[j]
					for i := range m {
						want[j] = max(want[j], math.Abs(a.a[i*a.ld+j]))
					}
				}
				MaxAbsRows(m, n, a.a, a.ld, y)
				what := fmt.Sprintf("m=%d n=%d", m, n)
				set.compareVector(t, what, y, want, 0)
				checkPoison(t, what, y)
			}
		}
	})
}
