package qp

import (
	"context"
	"testing"
)

// TestResume takes a batch up at the points where it was left: in the middle,
// at the end, and before the beginning.
func TestResume(t *testing.T) {
	sh := Shape{N: 2, NEq: 1, NIneq: 1}
	b := &Batch{Size: 3, Data: Data{
		Q: []float64{1, 0, 0, 1}, P: []float64{0, 0},
		A: []float64{1, 1}, B: []float64{0.5},
		G: []float64{1, -2}, H: []float64{-0.5},
	}}
	s, err := NewSolver(sh, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	var want, got Solution
	if err := s.Solve(ctx, &want, b); err != nil {
		t.Fatal(err)
	}
	one := sh.Stride()
	from := &Iterates{X: make([]float64, 3*one), Iterations: []int{3, 7, -1}, Solved: []bool{false, true, false}}
	// z, ν, λ, upper slack, lower slack, upper multiplier, lower multiplier
	copy(from.X, []float64{0.2, 0.3, 0.1, 0.2, 0.1, 1, 0.2, 0})
	copy(from.X[one:], want.state.(*cpuState).points.at(1).all)
	if err := s.Resume(ctx, &got, b, from); err != nil {
		t.Fatal(err)
	}
	if err := got.Err(); err != nil {
		t.Fatal(err)
	}
	for i, v := range want.Z {
		if d := got.Z[i] - v; d > 1e-7 || d < -1e-7 {
			t.Errorf("z[%d] is %v, want %v", i, got.Z[i], v)
		}
	}
	if it := got.Info[0].Iterations; it <= 3 {
		t.Errorf("%d iterations of an element that had 3 behind it", it)
	}
	if it := got.Info[1].Iterations; it != 7 || got.Z[2] != want.Z[2] {
		t.Errorf("an element that was solved has %d iterations and z = %v, want 7 and %v", it, got.Z[2:4], want.Z[2:4])
	}
	var g Gradient
	if err := got.VJP(ctx, &g, &Point{Z: []float64{1, 0, 1, 0, 1, 0}}); err != nil {
		t.Fatal(err)
	}
	for i, c := range g.Certs {
		if c.Zeroed || !c.Unique {
			t.Errorf("element %d: certificate %+v", i, c)
		}
	}
}
