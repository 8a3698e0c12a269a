package conic

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/optnet-go/optnet/internal/dense"
	"github.com/optnet-go/optnet/sparse"
)

// TestVertex: without a quadratic term, and with as many rigid rows as leave no
// freedom but that of curved ones, both diagonal blocks of the system vanish: its
// factor is at its worst, its solution as good as ever.
func TestVertex(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 31))
		const n, order, rank = 40, 10, 3
		k := makeKnown(r, n, 0, 0.3, []Cone{{Kind: Zero, Size: 2}, {Kind: PSD, Size: order}})
		// s of rank 3 and z of rank 7, with the eigenvectors of a random matrix.
		m := make([]float64, order*order)
		lambda := make([]float64, order)
		for i := range m {
			m[i] = r.NormFloat64()
		}
		for i := range order {
			for j := range i {
				m[i*order+j] = m[j*order+i]
			}
		}
		eigen(order, m, lambda, make([]float64, symWork(order)))
		clear(k.pt.S)
		clear(k.pt.Z[2:])
		for e := range order {
			q, size := m[e*order:(e+1)*order], 0.5+r.Float64()
			if e < rank {
				addOuter(k.pt.S[2:], size, q)
			} else {
				addOuter(k.pt.Z[2:], size, q)
			}
		}
		clear(k.data.Q)
		k.st.A.MulTAdd(k.data.A, -1, k.pt.Z, k.data.Q)
		copy(k.data.B, k.pt.S)
		k.st.A.MulAdd(k.data.A, 1, k.pt.X, k.data.B)
		k.pt.Value[0] = dense.Dot(k.data.Q, k.pt.X)

		x := k.solution(t, nil)
		dir := randData(r, &k.data)
		var tan Tangent
		if err := x.JVP(ctx, &tan, dir); err != nil {
			t.Fatal(err)
		}
		if c := tan.Certs[0]; !c.Unique || !(c.Residual < 1e-10) {
			t.Errorf("seed %d: certificate %+v", seed, c)
		}
		const eps = 1e-6
		up, down := k.moved(t, dir, eps), k.moved(t, dir, -eps)
		for i := range tan.X {
			if fd := (up.pt.X[i] - down.pt.X[i]) / (2 * eps); math.Abs(fd-tan.X[i]) > 1e-5*(1+dense.NormInf(tan.X)) {
				t.Errorf("seed %d: dx[%d] = %g, difference quotient %g", seed, i, tan.X[i], fd)
			}
		}
	}
}

// TestManySolutions: minimize 0 over a box. Nothing is unique; the derivative is
// finite, and taken at the point that Solve found.
func TestManySolutions(t *testing.T) {
	ctx := context.Background()
	p := minimize(0, 0).in(nonNeg, row(0, 0, 1), row(0, 1, 1), row(1, 0, -1), row(1, 1, -1)).problem(t)
	x := mustSolve(t, p, nil)
	var g Gradient
	for _, up := range []*Point{{}, {X: []float64{1, -1}}, {S: []float64{1, 2, 3, 4}}, {Z: []float64{1, 0, 0, 1}}} {
		if err := x.VJP(ctx, &g, up); err != nil {
			t.Fatal(err)
		}
		c := g.Certs[0]
		if c.Unique || math.IsNaN(c.Residual) || c.Zeroed || !finite(g.A) || !finite(g.Q) || !finite(g.B) {
			t.Errorf("certificate %+v, gradient %+v", c, g.Data)
		}
	}
	for j, v := range x.X {
		if math.Abs(x.diff.x[j]-v) > 1e-6 {
			t.Errorf("x[%d] = %v was differentiated at %v", j, v, x.diff.x[j])
		}
	}
}

// TestPolishStays: a linear program with a whole face of solutions keeps its point.
func TestPolishStays(t *testing.T) {
	p := minimize(1, 1, 0).in(eqZero, row(1, 0, -1, 1, -1)).in(nonNeg, row(0, 0, 1), row(0, 1, 1), row(0, 2, 1), row(2, 2, -1)).problem(t)
	x := mustSolve(t, p, nil)
	var g Gradient
	if err := x.VJP(context.Background(), &g, &Point{X: []float64{1, 0, 0}}); err != nil {
		t.Fatal(err)
	}
	for j, v := range x.X {
		if math.Abs(x.diff.x[j]-v) > 1e-5 {
			t.Errorf("x[%d] = %v was differentiated at %v", j, v, x.diff.x[j])
		}
	}
	if g.Certs[0].Unique {
		t.Errorf("certificate %+v", g.Certs[0])
	}
	// By symmetry, and minimum norm: x₀ takes half of what the sum takes.
	if math.Abs(g.B[0]-0.5) > 1e-7 {
		t.Errorf("dx₀/db = %v, want ½", g.B[0])
	}
}

// TestDerivativeAllocs: a further derivative allocates closures, and no array.
func TestDerivativeAllocs(t *testing.T) {
	ctx := context.Background()
	k := makeKnown(rand.New(rand.NewPCG(3, 3)), 60, 60, 0.3, deriveCases()["all"])
	x := k.solution(t, &Options{Workers: 1})
	up, dir := randAnswer(rand.New(rand.NewPCG(1, 1)), &k.pt), randData(rand.New(rand.NewPCG(2, 2)), &k.data)
	var g Gradient
	var tan Tangent
	for name, f := range map[string]func() error{
		"VJP": func() error { return x.VJP(ctx, &g, up) },
		"JVP": func() error { return x.JVP(ctx, &tan, dir) },
	} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(20, func() {
			if err := f(); err != nil {
				t.Fatal(err)
			}
		}); n > 6 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// BenchmarkDerivative is the first VJP after a solve, and a further one, on programs
// like those of bench/conic.
func BenchmarkDerivative(b *testing.B) {
	linear := func(n int) []Cone { return []Cone{{Kind: Zero, Size: n / 4}, {Kind: NonNegative, Size: 2 * n}} }
	cones := func(n int, each Cone, count int) []Cone {
		return append([]Cone{{Kind: Zero, Size: n / 10}, {Kind: NonNegative, Size: n / 2}}, slices.Repeat([]Cone{each}, count)...)
	}
	psd := func(k int) []Cone { return []Cone{{Kind: Zero, Size: 2}, {Kind: PSD, Size: k}} }
	ten := Cone{Kind: SecondOrder, Size: 10}
	for _, tc := range []struct {
		name  string
		n     int
		cones []Cone
	}{
		{"linear", 20, linear(20)}, {"linear", 100, linear(100)}, {"linear", 400, linear(400)},
		{"soc", 20, cones(20, ten, 2)}, {"soc", 100, cones(100, ten, 10)}, {"soc", 400, cones(400, ten, 40)},
		{"psd", 14, psd(5)}, {"psd", 40, psd(10)}, {"psd", 150, psd(20)},
		{"exp", 10, cones(10, Cone{Kind: Exponential}, 6)}, {"exp", 40, cones(40, Cone{Kind: Exponential}, 24)}, {"exp", 160, cones(160, Cone{Kind: Exponential}, 96)},
	} {
		k := makeKnown(rand.New(rand.NewPCG(1, uint64(tc.n))), tc.n, 0, min(0.3, 8/float64(tc.n)), tc.cones)
		var tp []sparse.Triplet
		for j := range tc.n {
			tp = append(tp, sparse.Triplet{Row: j, Col: j, Val: 0.1})
		}
		k.st.P, _ = sparse.FromTriplets(tc.n, tc.n, tp)
		k.data.P = k.st.P.Val
		k.st.P.SymMulAdd(k.data.P, -1, k.pt.X, k.data.Q)
		s, err := NewSolver(k.st, &Options{Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
		x := new(Solution)
		if err := s.Solve(context.Background(), x, &Batch{Size: 1, Data: k.data}); err != nil || x.Err() != nil {
			b.Fatal(err, x.Err())
		}
		up := &Point{X: randAnswer(rand.New(rand.NewPCG(1, 1)), &k.pt).X}
		var g Gradient
		for _, first := range []bool{true, false} {
			name := "again"
			if first {
				name = "first"
			}
			b.Run(fmt.Sprintf("%s/n=%d/%s", tc.name, tc.n, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if first {
						x.diff.forget()
					}
					if err := x.VJP(context.Background(), &g, up); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
