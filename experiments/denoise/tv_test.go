package denoise

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/optnet-go/optnet/qp"
)

// TestTVAgainstQP: the same problem as a quadratic program in (z, t).
func TestTVAgainstQP(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var tv smoother
	for _, n := range []int{1, 2, 3, 7, 30} {
		m := n - 1
		s, err := qp.NewSolver(qp.Shape{N: n + m, NIneq: 2 * m, Q: qp.Diagonal}, &qp.Options{EpsAbs: 1e-11, EpsRel: 1e-11})
		if err != nil {
			t.Fatal(err)
		}
		d := qp.Data{Q: make([]float64, n+m), P: make([]float64, n+m), G: make([]float64, 2*m*(n+m)), H: make([]float64, 2*m)}
		for i := range n {
			d.Q[i] = 1
		}
		for i := range m {
			for k, sign := range []float64{1, -1} {
				g := d.G[(k*m+i)*(n+m):]
				g[i], g[i+1], g[n+i] = -sign, sign, -1
			}
		}
		var x qp.Solution
		for _, lambda := range []float64{0, 0.3, 2, 1e3} {
			y := make([]float64, n)
			for i := range y {
				y[i] = math.Floor(6*rng.Float64()) + 0.1*rng.NormFloat64()
				d.P[i] = -y[i]
				if i < m {
					d.P[n+i] = lambda
				}
			}
			z := make([]float64, n)
			tv.tv(z, y, lambda)
			if lambda == 0 { // t has no cost, and no upper side
				for i := range z {
					if math.Abs(z[i]-y[i]) > 1e-13 {
						t.Errorf("n = %d: without λ, z[%d] is %v, want %v", n, i, z[i], y[i])
					}
				}
				continue
			}
			if err := s.Solve(context.Background(), &x, &qp.Batch{Size: 1, Data: d}); err != nil {
				t.Fatal(err)
			}
			for i := range z {
				if math.Abs(z[i]-x.Z[i]) > 1e-6 {
					t.Errorf("n = %d, λ = %v: z[%d] is %v, of the QP %v", n, lambda, i, z[i], x.Z[i])
				}
			}
		}
	}
}

// TestTVOptimal: at the solution, uᵢ = Σⱼ≤ᵢ (zⱼ − yⱼ) is a subgradient: |uᵢ| ≤ λ,
// uᵢ = λ sign(zᵢ₊₁ − zᵢ) where there is a step, and the sum is 0.
func TestTVOptimal(t *testing.T) {
	s := Generate(5, 200)
	var tv smoother
	z := make([]float64, Length)
	for i := range s.Len() {
		y := s.X[i*Length : (i+1)*Length]
		lambda := float64(i)
		tv.tv(z, y, lambda)
		u := 0.0
		for j := range Length - 1 {
			u += z[j] - y[j]
			if math.Abs(u) > lambda+1e-9 {
				t.Fatalf("signal %d: |u| = %v at %d, λ = %v", i, math.Abs(u), j, lambda)
			}
			if d := z[j+1] - z[j]; d != 0 && math.Abs(u-math.Copysign(lambda, d)) > 1e-9 {
				t.Fatalf("signal %d: a step of %v at %d, with u = %v, λ = %v", i, d, j, u, lambda)
			}
		}
		if u += z[Length-1] - y[Length-1]; math.Abs(u) > 1e-9 {
			t.Fatalf("signal %d: the mean is off by %v", i, u/Length)
		}
	}
}

func BenchmarkTV(b *testing.B) {
	s := Generate(0, 1)
	var tv smoother
	z := make([]float64, Length)
	b.ReportAllocs()
	for b.Loop() {
		tv.tv(z, s.X, 21.1)
	}
}
