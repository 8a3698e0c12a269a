package qp

import (
	"context"
	"errors"
	"math"
	"testing"
)

// solveOne solves one problem, and fails the test if the call does.
func solveOne(t *testing.T, sh Shape, d Data, opt *Options, warm *Point) *Solution {
	t.Helper()
	s, err := NewSolver(sh, opt)
	if err != nil {
		t.Fatal(err)
	}
	x := new(Solution)
	if err := s.Solve(context.Background(), x, &Batch{Size: 1, Data: d, Warm: warm}); err != nil {
		t.Fatal(err)
	}
	return x
}

func gradient(t *testing.T, x *Solution, up *Point) Gradient {
	t.Helper()
	var g Gradient
	if err := x.VJP(context.Background(), &g, up); err != nil {
		t.Fatal(err)
	}
	return g
}

func near(a, b, tol float64) bool { return math.Abs(a-b) <= tol }

// A warm start may bring multipliers of sides that are not there; they must not
// make its point pass for a solution.
func TestWarmMultiplierOfNoSide(t *testing.T) {
	inf := math.Inf(1)
	x := solveOne(t, Shape{N: 1, NIneq: 1}, Data{Q: []float64{1}, P: []float64{-1}, G: []float64{1}, H: []float64{inf}},
		nil, &Point{Z: []float64{0}, Lambda: []float64{1}})
	if !near(x.Z[0], 1, 1e-6) || x.Lambda[0] != 0 {
		t.Errorf("z = %v, λ = %v, %v, want 1 and 0", x.Z, x.Lambda, x.Info[0].Status)
	}
	x = solveOne(t, Shape{N: 1, Sides: Lower}, Data{Q: []float64{1}, P: []float64{-1}, L: []float64{-inf}},
		nil, &Point{Z: []float64{0}, Mu: []float64{1}})
	if !near(x.Z[0], 1, 1e-6) || x.Mu[0] != 0 {
		t.Errorf("z = %v, μ = %v, %v, want 1 and 0", x.Z, x.Mu, x.Info[0].Status)
	}
}

// Null vectors of small integers must not hide from the probe for singularity.
func TestSingularWithIntegerNullVectors(t *testing.T) {
	for _, c := range []struct {
		sh Shape
		d  Data
	}{
		{Shape{N: 2}, Data{Q: []float64{4, -6, -6, 9}, P: []float64{-2, 3}}},
		{Shape{N: 2, NIneq: 1, Q: Zero}, Data{P: []float64{-2, 3}, G: []float64{2, -3}, H: []float64{1}}},
	} {
		g := gradient(t, solveOne(t, c.sh, c.d, nil, nil), &Point{Z: []float64{1, 0}})
		if c := g.Certs[0]; c.Unique || c.RCond != 0 || !(math.Abs(g.P[0]) < 10) {
			t.Errorf("dp = %v with certificate %+v, want a least-norm one that is not unique", g.P, c)
		}
	}
}

// At a vertex of the simplex every variable of the equality is at a bound. The
// multipliers are not unique, whichever elimination sees it.
func TestVertexOfTheSimplex(t *testing.T) {
	d := Data{Q: []float64{1, 1}, P: []float64{-5, 5}, A: []float64{1, 1}, B: []float64{1}, L: []float64{0, 0}, U: []float64{1, 1}}
	sh := Shape{N: 2, NEq: 1, Q: Diagonal, Sides: Lower | Upper}
	up := &Point{Z: []float64{1, 0}}
	c := gradient(t, solveOne(t, sh, d, nil, nil), up)
	sh.Q, d.Q = Dense, []float64{1, 0, 0, 1}
	dense := gradient(t, solveOne(t, sh, d, nil, nil), up)
	for _, g := range []Gradient{c, dense} {
		// K⁺ splits ∂z₀ between b, u₀ and l₁, which all pin z₀ = 1.
		if !near(g.B[0], 1./3, 1e-9) || !near(g.U[0], 2./3, 1e-9) || !near(g.L[1], -1./3, 1e-9) || g.Certs[0].Unique {
			t.Errorf("db %v, du %v, dl %v, certificate %+v", g.B, g.U, g.L, g.Certs[0])
		}
	}
	// A row of zeros is as dependent as can be.
	x := solveOne(t, Shape{N: 1, NEq: 1, Q: Diagonal}, Data{Q: []float64{1}, P: []float64{1}, A: []float64{0}, B: []float64{0}}, nil, nil)
	if g := gradient(t, x, &Point{Z: []float64{1}, Nu: []float64{1}}); g.B[0] != 0 || g.Certs[0].Unique {
		t.Errorf("db %v of a row of zeros, certificate %+v", g.B, g.Certs[0])
	}
}

// At the origin neither z nor its multipliers have a size of their own.
func TestWeakRowAtTheOrigin(t *testing.T) {
	x := solveOne(t, Shape{N: 2, NEq: 1, Q: Diagonal, Sides: Lower},
		Data{Q: []float64{1, 1}, P: []float64{1, -1}, A: []float64{1, -1}, B: []float64{0}, L: []float64{0, math.Inf(-1)}}, nil, nil)
	if c := gradient(t, x, &Point{Z: []float64{1, 0}}).Certs[0]; c.Weak != 1 || c.Unique || c.Margin > 1e-6 {
		t.Errorf("certificate %+v, want one weak row", c)
	}
	// Nothing is minimized: all multipliers are zero, whatever rounding says.
	x = solveOne(t, Shape{N: 2, NIneq: 2, Q: Zero, Sides: RowUpper | Upper},
		Data{P: []float64{0, 0}, G: []float64{1, 1, 0, 2}, H: []float64{0, 2}, U: []float64{-2, 0}}, nil, nil)
	if c := gradient(t, x, &Point{Z: []float64{1, 0}}).Certs[0]; c.Active != 0 || c.Unique {
		t.Errorf("certificate %+v, want no active row", c)
	}
}

// The first derivative polishes and the later ones find that done; they agree to
// the last bit.
func TestDerivativeTwice(t *testing.T) {
	for _, c := range []struct {
		sh Shape
		d  Data
	}{
		{Shape{N: 1, Q: Zero, Sides: Lower | Upper}, Data{P: []float64{-3}, L: []float64{-2}, U: []float64{0}}},
		{Shape{N: 2, NIneq: 2}, Data{Q: []float64{2, 1, 1, 2}, P: []float64{-1, 1}, G: []float64{1, 1, 1, 1}, H: []float64{-1, -1}}},
		{Shape{N: 2, NEq: 1, Q: Diagonal, Sides: Lower}, Data{Q: []float64{1, 1}, P: []float64{1, -1}, A: []float64{1, 1}, B: []float64{0}, L: []float64{0, 0}}},
	} {
		for rule := LeastSquares; rule <= Strict; rule++ {
			x := solveOne(t, c.sh, c.d, &Options{Rule: rule}, nil)
			up := &Point{Z: []float64{1, 2}[:c.sh.N]}
			first, second := gradient(t, x, up), gradient(t, x, up)
			if first.Certs[0] != second.Certs[0] {
				t.Errorf("%+v, rule %d: certificate %+v, then %+v", c.sh, rule, first.Certs[0], second.Certs[0])
			}
			for k := range coefs {
				a, b := *coefs[k].of(&first.Data), *coefs[k].of(&second.Data)
				for i := range a {
					if math.Float64bits(a[i]) != math.Float64bits(b[i]) {
						t.Errorf("%+v, rule %d: d%s[%d] is %v, then %v", c.sh, rule, coefs[k].name, i, a[i], b[i])
					}
				}
			}
		}
	}
}

// A nearly flat, strictly convex objective is bounded, however far its minimum.
func TestFlatIsNotUnbounded(t *testing.T) {
	for _, q := range []float64{1e-6, 1e-8, 1e-10} {
		x := solveOne(t, Shape{N: 2, Q: Diagonal, Sides: Lower},
			Data{Q: []float64{q, 1}, P: []float64{-1, 0}, L: []float64{0, math.Inf(-1)}}, nil, nil)
		if st := x.Info[0].Status; st != Solved || !near(x.Z[0]*q, 1, 1e-3) {
			t.Errorf("q = %g: %v at z = %v, want Solved at %g", q, st, x.Z, 1/q)
		}
	}
}

// Two equality rows may be close to dependent.
func TestNearlyDependentRows(t *testing.T) {
	for _, e := range []float64{1e-2, 1e-3, 1e-4} {
		x := solveOne(t, Shape{N: 2, NEq: 2, Q: Zero, Sides: Lower},
			Data{P: []float64{1, 1}, A: []float64{1, -1, 1, -1 - e}, B: []float64{1, 1 - e}, L: []float64{0, 0}}, nil, nil)
		if st := x.Info[0].Status; st != Solved || !near(x.Z[0], 2, 1e-3) {
			t.Errorf("rows %g apart: %v at z = %v, want Solved at (2, 1)", e, st, x.Z)
		}
	}
}

// Cancellation counts during the search for a proof too: here it comes with the
// last line of the trace, after which nothing but that search is left.
func TestCancelDuringProof(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	lines, last := 0, 0
	s, err := NewSolver(Shape{N: 2, NEq: 2, Q: Zero, Sides: Lower}, &Options{Workers: 1, Trace: func(Iteration) {
		if lines++; lines == last {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	b := &Batch{Size: 1, Data: Data{P: []float64{1, 1}, B: []float64{1, 0}, L: []float64{0, 0}}}
	var x Solution
	// As good as infeasible, and not provably so; which of them stalls is a
	// matter of rounding.
	for e := 1e-7; ; e /= 2 {
		if e < 1e-12 {
			t.Fatal("no problem stalls any more, find a harder one")
		}
		lines = 0
		b.A = []float64{1, -1, 1, -1 - e}
		if err := s.Solve(ctx, &x, b); err != nil {
			t.Fatal(err)
		}
		if x.Info[0].Status == NumericalError {
			break
		}
	}
	last, lines = lines, 0
	err = s.Solve(ctx, &x, b)
	if st := x.Info[0].Status; st != Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("status %v, error %v after cancellation", st, err)
	}
}

// Grow reserves; it does not touch what a Solution holds.
func TestGrowKeepsAnswers(t *testing.T) {
	s, err := NewSolver(Shape{N: 2, NIneq: 1}, &Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	b := &Batch{Size: 2, Data: Data{Q: []float64{2, 0, 0, 2}, P: []float64{-2, -2, -1, 0}, G: []float64{1, 1}, H: []float64{1}}}
	var x Solution
	if err := s.Solve(context.Background(), &x, b); err != nil {
		t.Fatal(err)
	}
	was := append([]float64(nil), x.Z...)
	before := gradient(t, &x, &Point{Z: []float64{1, 0, 0, 1}})
	if err := s.Grow(&x, 50); err != nil {
		t.Fatal(err)
	}
	if err := x.Err(); err != nil || len(x.Z) != 4 || x.Z[3] != was[3] {
		t.Errorf("after Grow: error %v, z = %v, want nil and %v", err, x.Z, was)
	}
	after := gradient(t, &x, &Point{Z: []float64{1, 0, 0, 1}})
	for i, v := range before.P {
		if after.P[i] != v {
			t.Errorf("dp[%d] is %v after Grow, %v before", i, after.P[i], v)
		}
	}
}

// Capture hands out the problem that was given, not one that has been mended.
func TestCaptureIsWhatWasGiven(t *testing.T) {
	var got *Problem
	solveOne(t, Shape{N: 2}, Data{Q: []float64{2, 1, 0, 2}, P: []float64{1, 1}},
		&Options{Capture: func(_ int, p *Problem, _ Info) { got = p }}, nil)
	if got == nil || got.Q.At(0, 1) != 1 || got.Q.At(1, 0) != 0 {
		t.Fatalf("captured %+v, want the asymmetric Q", got)
	}
	if x, err := Solve(context.Background(), got); err == nil || x.Info[0].Status != InvalidInput {
		t.Errorf("replay: %v, want InvalidInput", err)
	}
}

func TestSizesThatCannotBe(t *testing.T) {
	s, err := NewSolver(Shape{N: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var x Solution
	for _, size := range []int{-1, math.MaxInt, math.MaxInt / 2} {
		if err := s.Solve(context.Background(), &x, &Batch{Size: size}); err == nil {
			t.Errorf("a batch of %d elements is accepted", size)
		}
		if err := s.Grow(&x, size); err == nil {
			t.Errorf("Grow to %d elements is accepted", size)
		}
	}
	var e *ShapeError
	err = s.Solve(context.Background(), &x, &Batch{Size: 1, Data: Data{Q: []float64{1, 0, 0, 1}, P: []float64{1, 1}}, Warm: &Point{}})
	if !errors.As(err, &e) || e.Name != "Warm.Z" {
		t.Errorf("a warm start without Z: %v", err)
	}
}

func TestDerivativeCanceled(t *testing.T) {
	x := solveOne(t, Shape{N: 1}, Data{Q: []float64{1}, P: []float64{1}}, nil, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := x.VJP(ctx, new(Gradient), &Point{Z: []float64{1}}); !errors.Is(err, context.Canceled) {
		t.Errorf("VJP: error %v, want one of a canceled context", err)
	}
	if err := x.JVP(ctx, new(Tangent), &Data{P: []float64{1}}); !errors.Is(err, context.Canceled) {
		t.Errorf("JVP: error %v, want one of a canceled context", err)
	}
}
