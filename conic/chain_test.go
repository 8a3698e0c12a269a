package conic_test

import (
	"context"
	"math"
	"testing"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/sparse"
)

// TestConvexFit fits a convex sequence to n values, as the LISWET problems do:
//
//	minimize ½‖x − c‖²  subject to xᵢ − 2xᵢ₊₁ + xᵢ₊₂ ≥ 0.
//
// To values of a concave function the best fit is their regression line, and the
// multipliers are double sums of its residuals: the matrix of second differences D has
// λmin(DDᵀ) ≈ (π/n)⁴, far below what a careless regularization of the KKT matrix adds.
func TestConvexFit(t *testing.T) {
	for _, n := range []int{100, 1000, 4000} {
		c := make([]float64, n)
		p := &conic.Problem{Q: make([]float64, n), B: make([]float64, n-2), Cones: []conic.Cone{{Kind: conic.NonNegative, Size: n - 2}}}
		var pt, at []sparse.Triplet
		for i := range c {
			c[i] = math.Sqrt(float64(i)/float64(n)) + 0.1*math.Sin(float64(i))
			p.Q[i] = -c[i]
			pt = append(pt, sparse.Triplet{Row: i, Col: i, Val: 1})
			if i+2 < n {
				for k, v := range [3]float64{-1, 2, -1} {
					at = append(at, sparse.Triplet{Row: i, Col: i + k, Val: v})
				}
			}
		}
		var err error
		if p.P, err = sparse.FromTriplets(n, n, pt); err != nil {
			t.Fatal(err)
		}
		if p.A, err = sparse.FromTriplets(n-2, n, at); err != nil {
			t.Fatal(err)
		}
		// The line a + b·(i − mid), its residuals, and what they must satisfy to be best.
		mid := float64(n-1) / 2
		var a, b, bb float64
		for i, v := range c {
			d := float64(i) - mid
			a += v / float64(n)
			b += v * d
			bb += d * d
		}
		b /= bb
		want, slope, z := 0.0, 0.0, 0.0
		for i, v := range c {
			r := v - (a + b*(float64(i)-mid))
			want += r*r/2 - v*v/2
			slope -= r
			if z += slope; z < -1e-9 {
				t.Fatalf("n=%d: the line is not the best fit: multiplier %v", n, z)
			}
		}
		x, err := conic.Solve(context.Background(), p, nil)
		if err != nil {
			t.Errorf("n=%d: %v: %+v", n, err, x.Info[0])
			continue
		}
		if e := math.Abs(x.Value[0] - want); !(e <= 1e-6*max(1, math.Abs(want))) {
			t.Errorf("n=%d: value %v, want %v: off by %.1e (%+v)", n, x.Value[0], want, e, x.Info[0])
		}
	}
}
