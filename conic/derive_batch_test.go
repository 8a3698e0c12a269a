package conic

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/optnet-go/optnet/internal/dense"
)

// batchOf has one problem with most cones and, of its size elements, each with
// its own q and b; element 2 is infeasible and element 4 has a NaN.
func batchOf(t *testing.T, size int) (*Structure, *Batch) {
	t.Helper()
	r := rand.New(rand.NewPCG(9, 9))
	cases := deriveCases()
	cones := slices.Concat([]Cone{{Kind: NonNegative, Size: 2}}, cases["linear"], cases["psd"], cases["exp"], cases["soc"])
	k := makeKnown(r, 60, 60, 0.3, cones)
	// Rows 0 and 1: x₀ ≤ b₀ and −x₀ ≤ b₁.
	for j := range k.st.N {
		for e := k.st.A.ColPtr[j]; e < k.st.A.ColPtr[j+1]; e++ {
			switch {
			case k.st.A.RowIdx[e] > 1:
			case j > 0:
				k.data.A[e] = 0
			default:
				k.data.A[e] = float64(1 - 2*k.st.A.RowIdx[e])
			}
		}
	}
	b := &Batch{Size: size, Data: Data{P: k.data.P, A: k.data.A}}
	for i := range size {
		q, rhs := slices.Clone(k.data.Q), slices.Clone(k.data.B)
		rhs[0], rhs[1] = 5, 5
		for j := range q {
			q[j] += 0.05 * r.NormFloat64()
		}
		for j := 13; j < len(rhs); j++ {
			rhs[j] += 0.01 * r.NormFloat64()
		}
		switch i {
		case 2:
			rhs[0], rhs[1] = -1, -1
		case 4:
			q[3] = math.NaN()
		}
		b.Q, b.B = append(b.Q, q...), append(b.B, rhs...)
	}
	return k.st, b
}

func bits(t *testing.T, name string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d entries, want %d", name, len(got), len(want))
	}
	for i := range got {
		if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
			t.Fatalf("%s[%d] = %v, alone %v", name, i, got[i], want[i])
		}
	}
}

// TestBatchDerivatives: an element's derivative is the same alone and in a batch,
// to the last bit, whatever the number of workers; gradients of shared coefficients
// are sums; what is not solved adds nothing.
func TestBatchDerivatives(t *testing.T) {
	ctx := context.Background()
	const size = 7
	st, b := batchOf(t, size)
	n, m := st.N, st.A.Rows
	r := rand.New(rand.NewPCG(4, 4))
	up := &Point{X: randPoint(r, n*size), Z: randPoint(r, m*size), S: randPoint(r, m*size), Value: randPoint(r, size)}
	up.X[5*n] = math.Inf(1)
	dir := &Data{P: randPoint(r, st.P.NNZ()), Q: randPoint(r, n*size), B: randPoint(r, m*size), A: randPoint(r, st.A.NNZ())}

	var alone [size]Gradient
	var tangents [size]Tangent
	sumA, sumP := make([]float64, st.A.NNZ()), make([]float64, st.P.NNZ())
	for i := range size {
		s, err := NewSolver(st, nil)
		if err != nil {
			t.Fatal(err)
		}
		var x Solution
		one := &Batch{Size: 1, Data: Data{P: b.P, A: b.A, Q: b.Q[i*n : (i+1)*n], B: b.B[i*m : (i+1)*m]}}
		if err := s.Solve(ctx, &x, one); err != nil {
			t.Fatal(err)
		}
		if err := x.VJP(ctx, &alone[i], &Point{X: up.X[i*n : (i+1)*n], Z: up.Z[i*m : (i+1)*m], S: up.S[i*m : (i+1)*m], Value: up.Value[i : i+1]}); err != nil {
			t.Fatal(err)
		}
		if err := x.JVP(ctx, &tangents[i], &Data{P: dir.P, A: dir.A, Q: dir.Q[i*n : (i+1)*n], B: dir.B[i*m : (i+1)*m]}); err != nil {
			t.Fatal(err)
		}
		bad := i == 2 || i == 4 || i == 5
		if c := alone[i].Certs[0]; c.Zeroed != bad {
			t.Fatalf("element %d: status %v, certificate %+v", i, x.Info[0].Status, c)
		}
		if bad && dense.NormInf(alone[i].A) != 0 {
			t.Fatalf("element %d: a gradient that is not zero", i)
		}
		dense.Axpy(1, alone[i].A, sumA)
		dense.Axpy(1, alone[i].P, sumP)
	}
	for _, workers := range []int{1, 2, 5} {
		s, err := NewSolver(st, &Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		var x Solution
		if err := s.Solve(ctx, &x, b); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time with what the first left
			var grad Gradient
			var tan Tangent
			if err := x.VJP(ctx, &grad, up); err != nil {
				t.Fatal(err)
			}
			if err := x.JVP(ctx, &tan, dir); err != nil {
				t.Fatal(err)
			}
			for i := range size {
				bits(t, "gradient of q", grad.Q[i*n:(i+1)*n], alone[i].Q)
				bits(t, "gradient of b", grad.B[i*m:(i+1)*m], alone[i].B)
				bits(t, "dx", tan.X[i*n:(i+1)*n], tangents[i].X)
				bits(t, "dz", tan.Z[i*m:(i+1)*m], tangents[i].Z)
				bits(t, "ds", tan.S[i*m:(i+1)*m], tangents[i].S)
			}
			for _, a := range []struct{ got, want []float64 }{{grad.A, sumA}, {grad.P, sumP}} {
				if len(a.got) != len(a.want) {
					t.Fatalf("a shared gradient has %d entries, want %d", len(a.got), len(a.want))
				}
				if d := dense.NormInf(sub(a.got, a.want)); d > 1e-13*dense.NormInf(a.want) {
					t.Errorf("a shared gradient differs from the sum by %g", d)
				}
			}
		}
	}
}

// TestWantAndAdd: only what is wanted is written, and Add adds.
func TestWantAndAdd(t *testing.T) {
	ctx := context.Background()
	k := makeKnown(rand.New(rand.NewPCG(1, 2)), 20, 20, 0.4, deriveCases()["soc"])
	x := k.solution(t, nil)
	up := &Point{X: slices.Repeat([]float64{1}, 20)}
	var all, some Gradient
	if err := x.VJP(ctx, &all, up); err != nil {
		t.Fatal(err)
	}
	some.Want, some.Add = CoefQ|CoefA, true
	for range 2 {
		if err := x.VJP(ctx, &some, up); err != nil {
			t.Fatal(err)
		}
	}
	if some.P != nil || some.B != nil {
		t.Error("a gradient was written that was not wanted")
	}
	for i := range some.Q {
		if some.Q[i] != 2*all.Q[i] {
			t.Fatalf("after two calls with Add the gradient of q[%d] is %v, want %v", i, some.Q[i], 2*all.Q[i])
		}
	}
	var shape *ShapeError
	if err := x.VJP(ctx, &Gradient{Add: true, Data: Data{Q: make([]float64, 3)}}, up); !errors.As(err, &shape) || shape.Got != 3 {
		t.Errorf("Add to an array of the wrong length: error %v", err)
	}
	if err := x.VJP(ctx, &all, &Point{X: make([]float64, 19)}); !errors.As(err, &shape) || shape.Name != "up.X" {
		t.Errorf("a cotangent of the wrong length: error %v", err)
	}
	if err := x.JVP(ctx, new(Tangent), &Data{B: make([]float64, 1)}); !errors.As(err, &shape) {
		t.Errorf("a direction of the wrong length: error %v", err)
	}
}

// TestNoDerivative: no factors, and a context that has ended.
func TestNoDerivative(t *testing.T) {
	ctx := context.Background()
	var x Solution
	if err := x.VJP(ctx, new(Gradient), new(Point)); !errors.Is(err, ErrNoFactors) {
		t.Errorf("a Solution without a Solve: error %v, want ErrNoFactors", err)
	}
	p := minimize(1).in(nonNeg, row(-3, 0, 1)).problem(t)
	s, err := NewSolver(p.Structure(), nil)
	if err != nil {
		t.Fatal(err)
	}
	x.Want = OutX
	if err := s.Solve(ctx, &x, &Batch{Size: 1, Data: p.Data()}); err != nil {
		t.Fatal(err)
	}
	if err := x.JVP(ctx, new(Tangent), new(Data)); !errors.Is(err, ErrNoFactors) {
		t.Errorf("a Solution without OutFactors: error %v, want ErrNoFactors", err)
	}
	x.Want = 0
	if err := s.Solve(ctx, &x, &Batch{Size: 1, Data: p.Data()}); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	g := Gradient{Data: Data{Q: []float64{7}}}
	if err := x.VJP(ended, &g, &Point{X: []float64{1}}); !errors.Is(err, context.Canceled) || g.Q[0] != 7 {
		t.Errorf("error %v and gradient %v, want context.Canceled and what was there", err, g.Q)
	}
	// A new Solve into the same Solution has new derivatives.
	if err := x.VJP(ctx, &g, &Point{X: []float64{1}}); err != nil || math.Abs(g.A[0]-3) > 1e-12 {
		t.Errorf("gradient of A is %v (%v), want 3", g.A, err)
	}
	d := p.Data()
	d.B = []float64{-5}
	if err := s.Solve(ctx, &x, &Batch{Size: 1, Data: d}); err != nil {
		t.Fatal(err)
	}
	if err := x.VJP(ctx, &g, &Point{X: []float64{1}}); err != nil || math.Abs(g.A[0]-5) > 1e-12 {
		t.Errorf("after another Solve the gradient of A is %v (%v), want 5", g.A, err)
	}
	empty := new(Solution)
	if err := s.Solve(ctx, empty, &Batch{Data: Data{P: d.P, Q: d.Q, A: d.A, B: d.B}}); err != nil {
		t.Fatal(err)
	}
	if err := empty.VJP(ctx, &g, new(Point)); err != nil || g.A[0] != 0 {
		t.Errorf("a batch of none has the gradient %v (%v), want 0", g.A, err)
	}
}
