package conic_test

import (
	"context"
	"math"
	"testing"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/sparse"
)

// TestDeriveInfiniteRow: a row x₀ + x₁ ≤ +Inf changes no gradient, and has none.
func TestDeriveInfiniteRow(t *testing.T) {
	ctx := context.Background()
	P := &sparse.CSC{Rows: 2, Cols: 2, ColPtr: []int{0, 1, 2}, RowIdx: []int{0, 1}, Val: []float64{1, 2}}
	q := []float64{-3, -1}
	// x₀ ≤ 1, x₁ ≤ 4, and the same with the row between them.
	plain := &conic.Problem{P: P, Q: q, B: []float64{1, 4},
		A:     &sparse.CSC{Rows: 2, Cols: 2, ColPtr: []int{0, 1, 2}, RowIdx: []int{0, 1}, Val: []float64{1, 1}},
		Cones: []conic.Cone{{Kind: conic.NonNegative, Size: 2}}}
	with := &conic.Problem{P: P, Q: q, B: []float64{1, math.Inf(1), 4},
		A:     &sparse.CSC{Rows: 3, Cols: 2, ColPtr: []int{0, 2, 4}, RowIdx: []int{0, 1, 1, 2}, Val: []float64{1, 1, 1, 1}},
		Cones: []conic.Cone{{Kind: conic.NonNegative, Size: 3}}}
	gradient := func(p *conic.Problem) (*conic.Solution, *conic.Gradient) {
		x, err := conic.Solve(ctx, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		var g conic.Gradient
		if err := x.VJP(ctx, &g, &conic.Point{X: []float64{1, -2}, Value: []float64{0.25}}); err != nil {
			t.Fatal(err)
		}
		if c := g.Certs[0]; !c.Unique || c.Zeroed {
			t.Errorf("certificate %+v", c)
		}
		return x, &g
	}
	_, want := gradient(plain)
	x, got := gradient(with)
	if x.S[1] != math.Inf(1) || x.Z[1] != 0 {
		t.Errorf("the infinite row has slack %v and multiplier %v", x.S[1], x.Z[1])
	}
	equal := func(name string, got, want []float64) {
		for i := range want {
			if !(math.Abs(got[i]-want[i]) <= 1e-9) {
				t.Errorf("%s is %v, want %v", name, got, want)
				return
			}
		}
	}
	equal("db₀", got.B[:1], []float64{0.5}) // 1 − 0.25·z₀, z₀ = 2
	equal("dP", got.P, want.P)
	equal("dq", got.Q, want.Q)
	equal("dA", got.A, []float64{want.A[0], 0, 0, want.A[1]})
	equal("db", got.B, []float64{want.B[0], 0, want.B[1]})
}
