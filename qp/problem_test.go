package qp

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func TestStackErrors(t *testing.T) {
	eye := mat.NewDiagDense(2, []float64{1, 1})
	p := mat.NewVecDense(2, []float64{1, 2})
	for _, c := range []struct {
		name string
		ps   []*Problem
		want string
	}{
		{"no problems", nil, "no problems"},
		{"empty", []*Problem{{}}, "neither Q nor P"},
		{"Q and P", []*Problem{{Q: mat.NewDiagDense(3, nil), P: p}}, "Problem.Q is 3×3, want 2×2"},
		{"Q not square", []*Problem{{Q: mat.NewDense(2, 3, nil), P: p}}, "Problem.Q is 2×3, want 2×2"},
		{"G without sides", []*Problem{{Q: eye, P: p, G: mat.NewDense(1, 2, nil)}}, "neither HL nor H"},
		{"A without B", []*Problem{{Q: eye, P: p, A: mat.NewDense(1, 2, nil)}}, "Problem.B is missing, want 1×1"},
		{"H too long", []*Problem{{Q: eye, P: p, G: mat.NewDense(1, 2, nil), H: mat.NewVecDense(2, nil)}}, "Problem.H is 2×1, want 1×1"},
		{"mixed shapes", []*Problem{{Q: eye, P: p}, {P: p, L: mat.NewVecDense(2, nil)}}, "problem 1 has shape"},
	} {
		_, _, err := Stack(c.ps...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestStackShares(t *testing.T) {
	g := mat.NewDense(2, 2, []float64{1, 2, 3, 4})
	h := mat.NewVecDense(2, []float64{1, math.Inf(1)})
	one := &Problem{P: mat.NewVecDense(2, []float64{1, 2}), G: g, H: h}
	two := &Problem{P: mat.NewVecDense(2, []float64{3, 4}), G: g, H: mat.NewVecDense(2, []float64{5, 6})}
	sh, b, err := Stack(one, two)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Shape{N: 2, NIneq: 2, Q: Zero, Sides: RowUpper}); sh != want {
		t.Errorf("shape %+v, want %+v", sh, want)
	}
	if len(b.G) != 4 || len(b.H) != 4 || len(b.P) != 4 || b.Size != 2 || b.Q != nil {
		t.Errorf("batch %+v, want G shared, H and P per element", b)
	}
}

// A matrix type that cannot be compared is stacked all the same.
type odd struct{ mat.Matrix }

type vector []float64

func (v vector) Dims() (int, int)    { return len(v), 1 }
func (v vector) At(i, _ int) float64 { return v[i] }
func (v vector) AtVec(i int) float64 { return v[i] }
func (v vector) Len() int            { return len(v) }
func (v vector) T() mat.Matrix       { return mat.Transpose{Matrix: v} }

func TestStackIncomparable(t *testing.T) {
	p := &Problem{Q: odd{mat.NewDiagDense(2, []float64{1, 1})}, P: vector{-1, 2}, L: vector{0, 0}}
	sh, b, err := Stack(p, p)
	if err != nil {
		t.Fatal(err)
	}
	if sh.Q != Dense || len(b.P) != 4 || len(b.Q) != 4 {
		t.Errorf("shape %+v, %d values of P, %d of Q", sh, len(b.P), len(b.Q))
	}
}

func TestSolveReturnsTheStatus(t *testing.T) {
	for _, c := range []struct {
		name string
		p    *Problem
		want error
		stat Status
	}{
		{"unbounded", &Problem{P: vector{1}}, ErrUnbounded, DualInfeasible},
		{"crossed bounds", &Problem{P: vector{1}, L: vector{1}, U: vector{0}}, ErrInfeasible, PrimalInfeasible},
		{"indefinite", &Problem{Q: mat.NewDense(1, 1, []float64{-1}), P: vector{1}}, ErrNotSolved, InvalidInput},
	} {
		x, err := Solve(context.Background(), c.p)
		if !errors.Is(err, c.want) || !errors.Is(err, ErrNotSolved) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
		var e *ElementError
		if !errors.As(err, &e) || e.Status != c.stat || x.Info[0].Status != c.stat {
			t.Errorf("%s: %v, want status %v", c.name, err, c.stat)
		}
	}
}

func TestStatusText(t *testing.T) {
	for s := Unsolved; s < numStatus; s++ {
		text, err := s.MarshalText()
		if err != nil || string(text) != s.String() {
			t.Errorf("%v: text %q, error %v", s, text, err)
		}
		var back Status
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("%v came back as %v, error %v", s, back, err)
		}
		if (s.Err() == nil) != (s == Solved) {
			t.Errorf("%v has error %v", s, s.Err())
		}
	}
	if _, err := numStatus.MarshalText(); err == nil {
		t.Error("a status that does not exist has a text")
	}
	if err := new(Status).UnmarshalText([]byte("solved")); err == nil {
		t.Error("an unknown text is a status")
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{
		{EpsAbs: -1, EpsRel: -1}, {EpsAbs: math.NaN()}, {MaxIter: -1}, {Workers: -1}, {TimeLimit: -1},
		{Rule: Strict + 1}, {Kappa: -1}, {Kappa: math.Inf(1)}, {Kappa: math.NaN()},
	} {
		if _, err := NewSolver(Shape{N: 1}, &o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	for _, sh := range []Shape{{}, {N: -1}, {N: 1, NEq: -1}, {N: 1, NIneq: -1}, {N: 1, Q: Zero + 1}, {N: 1, Sides: 1 << 5}, {N: 1 << 20}} {
		if _, err := NewSolver(sh, nil); err == nil {
			t.Errorf("%+v is accepted", sh)
		}
	}
}
