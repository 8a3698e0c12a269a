package conic

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestScalings checks what every scaling promises: Hz = s, a symmetric positive
// definite H, and the same H in every form it is given in.
func TestScalings(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	vec := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = r.NormFloat64()
		}
		return x
	}
	dot := func(x, y []float64) float64 {
		s := 0.0
		for i := range x {
			s += x[i] * y[i]
		}
		return s
	}
	for _, b := range []block{
		{kind: NonNegative, dim: 5}, {kind: SecondOrder, dim: 2}, {kind: SecondOrder, dim: 3}, {kind: SecondOrder, dim: 20},
		{kind: PSD, k: 2, dim: 3}, {kind: PSD, k: 5, dim: 15}, {kind: PSD, k: 40, dim: 820},
		{kind: Exponential, dim: 3}, {kind: Power, dim: 3, alpha: []float64{0.3, 0.7}},
		{kind: GenPower, dim: 3, alpha: []float64{0.3, 0.7}}, {kind: GenPower, dim: 7, alpha: []float64{0.2, 0.5, 0.3}},
	} {
		c := b.newCone()
		n := b.dim
		s, z := make([]float64, n), make([]float64, n)
		for try := range 20 {
			// A random point: from the center along random directions, as far as 0.9 of the way.
			c.unit(s, z)
			for range 3 {
				ds, dz := vec(n), vec(n)
				a := 0.9 * stepFrom(c, s, z, ds, dz)
				for i := range s {
					s[i] += a * ds[i]
					z[i] += a * dz[i]
				}
			}
			mu := dot(s, z) / float64(c.degree())
			for _, dual := range []bool{false, true} {
				if !c.scale(s, z, mu, dual) {
					t.Fatalf("%v(%d): scale failed at %v, %v", b.kind, n, s, z)
				}
				x, y := vec(n), vec(n)
				hx, hy, hz := make([]float64, n), make([]float64, n), make([]float64, n)
				c.mul(x, hx)
				c.mul(y, hy)
				c.mul(z, hz)
				norm := math.Sqrt(dot(hx, hx)*dot(y, y)) + math.Sqrt(dot(hy, hy)*dot(x, x))
				if d := math.Abs(dot(hx, y) - dot(hy, x)); d > 1e-12*norm {
					t.Errorf("%v(%d): H is not symmetric by %v of %v", b.kind, n, d, norm)
				}
				if q := c.square(x); !(q > 0) || math.Abs(q-dot(x, hx)) > 1e-11*math.Sqrt(dot(x, x)*dot(hx, hx)) {
					t.Errorf("%v(%d): xᵀHx = %v, want %v", b.kind, n, q, dot(x, hx))
				}
				if b.kind < GenPower && !(dual && b.kind >= Exponential) {
					for i := range s {
						if math.Abs(hz[i]-s[i]) > 1e-10*math.Sqrt(dot(s, s)) {
							t.Fatalf("%v(%d), try %d: Hz = %v, want %v", b.kind, n, try, hz, s)
						}
					}
				}
				if p, ok := c.(interface{ block([]float64) }); ok {
					h := make([]float64, n*(n+1)/2)
					p.block(h)
					got := make([]float64, n)
					k := 0
					for j := range n {
						for i := range j + 1 {
							got[i] += h[k] * x[j]
							if i != j {
								got[j] += h[k] * x[i]
							}
							k++
						}
					}
					for i := range got {
						if math.Abs(got[i]-hx[i]) > 1e-11*math.Sqrt(dot(hx, hx)) {
							t.Fatalf("%v(%d): the block of H gives %v, mul %v", b.kind, n, got, hx)
						}
					}
				}
				if p, ok := c.(interface{ expand(d, u, v []float64) }); ok {
					d, u, v := make([]float64, n), make([]float64, n), make([]float64, n)
					p.expand(d, u, v)
					ux, vx, rest := dot(u, x), dot(v, x), 0.0
					for i := range d {
						if got := d[i]*x[i] + ux*u[i] - vx*v[i]; math.Abs(got-hx[i]) > 1e-10*math.Sqrt(dot(hx, hx)) {
							t.Fatalf("%v(%d): D + uuᵀ − vvᵀ gives %v at %d, mul %v", b.kind, n, got, i, hx[i])
						}
						rest += v[i] * v[i] / d[i]
					}
					if !(rest < 1) { // D − vvᵀ is positive definite
						t.Errorf("%v(%d): vᵀD⁻¹v = %v", b.kind, n, rest)
					}
				}
			}
		}
	}
}

// stepFrom is maxStep at a point for which the cone has not been scaled.
func stepFrom(c cone, s, z, ds, dz []float64) float64 {
	if !c.scale(s, z, 1, false) {
		return 0
	}
	return c.maxStep(s, z, ds, dz, 1)
}

// TestSOCStep: straight to the apex both roots are the same, up to rounding.
func TestSOCStep(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for range 200 {
		x, d := make([]float64, 2+r.IntN(10)), make([]float64, 12)
		sum := 0.0
		for i := range x[1:] {
			x[1+i] = r.NormFloat64()
			sum += math.Abs(x[1+i])
		}
		x[0] = sum + 1
		d = d[:len(x)]
		for i, v := range x {
			d[i] = -1.7 * v
		}
		if got, want := socStep(x, d, 1), 1/1.7; !(math.Abs(got-want) <= 1e-6) {
			t.Fatalf("a step of %v from %v to the apex, want %v", got, x, want)
		}
	}
}
