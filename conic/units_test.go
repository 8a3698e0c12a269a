package conic_test

import (
	"context"
	"math"
	"testing"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/sparse"
)

// TestUnits solves one problem in ever smaller units of x, which make b large: a few
// dense equations with large coefficients, lower bounds, and rows xᵢ ≥ xᵢ₊₃, with a cost of
// two variables alone, as in BOYD2. The value must not depend on the unit, nor the
// number of iterations by much.
func TestUnits(t *testing.T) {
	const n, rows = 120, 6
	build := func(unit float64) *conic.Problem {
		r := newRand(11)
		var at, pt []sparse.Triplet
		p := &conic.Problem{Q: make([]float64, n)}
		add := func(b float64, cols []int, vals []float64) {
			for k, j := range cols {
				at = append(at, sparse.Triplet{Row: len(p.B), Col: j, Val: vals[k]})
			}
			p.B = append(p.B, b)
		}
		for range rows {
			var cols []int
			var vals []float64
			total := 0.0
			for j := range n {
				if r.IntN(3) == 0 {
					v := math.Pow(10, 3*r.Float64())
					cols, vals = append(cols, j), append(vals, v)
					total += v * (1 + r.Float64())
				}
			}
			add(total*unit, cols, vals)
		}
		for j := range n {
			add(-0.1*unit, []int{j}, []float64{-1})
			if j+3 < n && j%2 == 0 {
				add(0, []int{j, j + 3}, []float64{-1, 1})
			}
		}
		p.Q[0], p.Q[n/2] = 20/unit, 2/unit
		for _, j := range []int{0, n / 2} {
			pt = append(pt, sparse.Triplet{Row: j, Col: j, Val: 10 / unit / unit})
		}
		p.Cones = []conic.Cone{{Kind: conic.Zero, Size: rows}, {Kind: conic.NonNegative, Size: len(p.B) - rows}}
		var err error
		if p.A, err = sparse.FromTriplets(len(p.B), n, at); err != nil {
			t.Fatal(err)
		}
		if p.P, err = sparse.FromTriplets(n, n, pt); err != nil {
			t.Fatal(err)
		}
		return p
	}
	base, err := conic.Solve(context.Background(), build(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range []float64{1e3, 1e6, 1e9} {
		x, err := conic.Solve(context.Background(), build(unit), nil)
		if err != nil {
			t.Errorf("unit %v: %v: %+v", unit, err, x.Info[0])
			continue
		}
		if e := math.Abs(x.Value[0]-base.Value[0]) / max(1, math.Abs(base.Value[0])); !(e <= 1e-6) {
			t.Errorf("unit %v: value %v, want %v", unit, x.Value[0], base.Value[0])
		}
		if got, want := x.Info[0].Iterations, base.Info[0].Iterations; got > 2*want {
			t.Errorf("unit %v: %d iterations, want no more than twice the %d of unit 1", unit, got, want)
		}
	}
}
