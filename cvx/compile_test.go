package cvx_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/qp"
)

func compiled(t *testing.T, m *cvx.Model) *cvx.Program {
	t.Helper()
	prog, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return prog
}

// Expressions of the same structure have one canonical form, whether or not they
// are one value.
func TestCommonSubexpressions(t *testing.T) {
	build := func(share bool) *cvx.Program {
		m := cvx.NewModel()
		x, a := m.Var("x", 4), m.Param("a", 4)
		f := func() *cvx.Expr { return cvx.Norm2(cvx.Sub(cvx.Scale(2, x), a)) }
		one, two := f(), f()
		if share {
			two = one
		}
		m.Minimize(cvx.Add(one, cvx.Exp(two)))
		m.SubjectTo(cvx.Leq(cvx.Add(two, cvx.Norm1(x)), cvx.Const(5)), cvx.Leq(cvx.Norm1(x), cvx.Const(4)))
		return compiled(t, m)
	}
	if a, b := build(true).String(), build(false).String(); a != b {
		t.Errorf("shared: %s\nwritten twice: %s", a, b)
	}
	kinds := 0
	for _, c := range build(false).Structure().Cones {
		if c.Kind == conic.SecondOrder {
			kinds++
		}
	}
	if kinds != 1 {
		t.Errorf("%d second-order cones, want 1", kinds)
	}
}

// What a program looks like: squares in P, bounds as bounds, no variable that is
// not needed.
func TestForm(t *testing.T) {
	m := cvx.NewModel()
	x := m.Var("x", 3).Bounds(-1, 2)
	p, a := m.Param("P", 3, 3).PSD(), m.Param("a", 3)
	m.Minimize(cvx.Add(cvx.QuadForm(x, p), cvx.SumSquares(cvx.Sub(x, a))))
	m.SubjectTo(cvx.Eq(cvx.Sum(x), cvx.Const(1)), cvx.Leq(cvx.Dot(a, x), cvx.Const(3)))
	f := compiled(t, m).QP()
	if want := (qp.Shape{N: 3, NEq: 1, NIneq: 1, Sides: qp.RowUpper | qp.Lower | qp.Upper}); f == nil || f.Shape != want {
		t.Errorf("%+v, want %+v", f, want)
	}

	m = cvx.NewModel()
	x, a = m.Var("x", 3), m.Param("a", 3)
	m.Minimize(cvx.SumSquares(cvx.Sub(x, a)))
	m.SubjectTo(cvx.Geq(x, cvx.Const(0)))
	if f := compiled(t, m).QP(); f == nil || f.Shape.Q != qp.Diagonal || f.Shape.N != 3 || f.Shape.NIneq != 0 {
		t.Errorf("%+v", f)
	}
}

// Inequalities need no variable for the side that is a function: |x| ≤ c are
// bounds, ‖x‖ ≤ c is one cone. A function that occurs elsewhere keeps its variable.
func TestInequalities(t *testing.T) {
	m := cvx.NewModel()
	x, c := m.Var("x", 3), m.Param("c").NonNeg()
	m.Minimize(cvx.SumSquares(cvx.Sub(x, cvx.Const(1))))
	m.SubjectTo(cvx.Leq(cvx.Abs(x), c))
	if f := compiled(t, m).QP(); f == nil || f.Shape.N != 3 || f.Shape.NIneq != 0 || f.Shape.Sides != qp.Lower|qp.Upper {
		t.Errorf("%+v", f)
	}
	m.SubjectTo(cvx.Geq(cvx.Const(2), cvx.Norm2(x)))
	if st := compiled(t, m).Structure(); st.N != 3 {
		t.Errorf("%d variables, want 3", st.N)
	}
	m.Minimize(cvx.Norm2(x))
	if st := compiled(t, m).Structure(); st.N != 4 {
		t.Errorf("%d variables, want 4", st.N)
	}
	m.SubjectTo(cvx.Leq(cvx.Add(cvx.Exp(x), cvx.Norm1(x)), c))
	compiled(t, m)
}

// The value is that of the objective as written, constants included, also where
// they are products of parameters.
func TestConstantOfObjective(t *testing.T) {
	m := cvx.NewModel()
	x, a, b := m.Var("x", 2), m.Param("a", 2), m.Param("b").NonNeg()
	m.Minimize(cvx.Add(cvx.SumSquares(cvx.Sub(x, a)), cvx.Scale(3, b), cvx.Const(7)))
	prog := compiled(t, m)
	theta := make([]float64, prog.Theta())
	prog.ParamTheta(theta, 0, []float64{1, -2})
	prog.ParamTheta(theta, 1, []float64{0.5})
	// The objective of the cone program at x is ½xᵀPx + qᵀx = ‖x‖² − 2aᵀx.
	at := []float64{0.3, 0.4}
	inner := 0.25 - 2*(0.3-0.8)
	e := math.Pow(at[0]-1, 2) + math.Pow(at[1]+2, 2) + 1.5 + 7
	if got := prog.Value(inner, theta); math.Abs(got-e) > 1e-12 {
		t.Errorf("%v, want %v", got, e)
	}
}

// The three methods of a Map are one linear map.
func TestMapAdjoint(t *testing.T) {
	prog, _ := saved(t)
	r := rand.New(rand.NewPCG(4, 4))
	normal := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = r.NormFloat64()
		}
		return x
	}
	dot := func(a, b []float64) (s float64) {
		for i := range a {
			s += a[i] * b[i]
		}
		return s
	}
	for c := range 4 {
		m := prog.Map(1 << c)
		theta, d, y := normal(prog.Theta()), normal(prog.Theta()), normal(m.Len())
		tan, grad := make([]float64, m.Len()), make([]float64, prog.Theta())
		m.Tangent(tan, d)
		m.Adjoint(grad, y)
		if a, b := dot(tan, y), dot(d, grad); math.Abs(a-b) > 1e-12*(1+math.Abs(a)) {
			t.Errorf("⟨Md, y⟩ = %v, ⟨d, Mᵀy⟩ = %v", a, b)
		}
		at, moved := make([]float64, m.Len()), make([]float64, m.Len())
		m.Apply(at, theta)
		for i := range d {
			theta[i] += d[i]
		}
		m.Apply(moved, theta)
		for i := range tan {
			if math.Abs(moved[i]-at[i]-tan[i]) > 1e-12 {
				t.Fatalf("entry %d moves by %v, tangent %v", i, moved[i]-at[i], tan[i])
			}
		}
		if n := testing.AllocsPerRun(3, func() { m.Apply(at, theta); m.Adjoint(grad, y) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

// A model that would not fit is refused before memory is asked for.
func TestTooLarge(t *testing.T) {
	m := cvx.NewModel()
	n := 300
	x, y := m.Var("x", n, n), m.Param("A", n, n)
	m.Minimize(cvx.Sum(cvx.Mul(y, x).Named("product")))
	m.MaxTerms = 1 << 22
	_, err := m.Compile()
	var e *cvx.SizeError
	if !errors.As(err, &e) || e.Limit != m.MaxTerms || e.Terms < int64(n)*int64(n)*int64(n) || !strings.Contains(err.Error(), "MaxTerms") {
		t.Errorf("%v", err)
	}
}

func TestMisuse(t *testing.T) {
	other := cvx.NewModel()
	foreign := other.Var("z")
	for _, tc := range []struct {
		says  string
		model func(m *cvx.Model)
	}{
		{"no objective", func(m *cvx.Model) {}},
		{"an objective is a scalar, and this one is 2×1", func(m *cvx.Model) { m.Minimize(m.Var("x", 2)) }},
		{"a variable of that name already", func(m *cvx.Model) { m.Var("x"); m.Minimize(m.Var("x")) }},
		{"declared and not used", func(m *cvx.Model) { m.Var("y"); m.Minimize(m.Var("x")) }},
		{"belongs to another model", func(m *cvx.Model) { m.Minimize(foreign) }},
		{"two constraints are named \"c\"", func(m *cvx.Model) {
			x := m.Var("x")
			m.Minimize(x)
			m.SubjectTo(cvx.Geq(x, cvx.Const(0)).Named("c"), cvx.Leq(x, cvx.Const(1)).Named("c"))
		}},
		{"index (2) is out of range", func(m *cvx.Model) { m.Minimize(m.Var("x", 2).At(2)) }},
		{"Dot for the inner product", func(m *cvx.Model) { x := m.Var("x", 2); m.Minimize(cvx.Mul(x, x)) }},
		{"transpose one of them", func(m *cvx.Model) {
			x := m.Var("x", 2, 3)
			m.Minimize(cvx.Sum(cvx.Add(x, x.T())))
		}},
		{"only a square matrix can be PSD", func(m *cvx.Model) { m.Minimize(cvx.Sum(m.Var("X", 2, 3).PSD())) }},
		{"the lower bound 2 above its upper bound 1", func(m *cvx.Model) { m.Minimize(m.Var("x").Bounds(2, 1)) }},
		{"constants are finite", func(m *cvx.Model) { m.Minimize(cvx.Times(cvx.Const(math.NaN()), m.Var("x"))) }},
		{"cannot be read", func(m *cvx.Model) { m.Minimize(cvx.Times(cvx.Const((*mat.Dense)(nil)), m.Var("x"))) }},
		{"not a string", func(m *cvx.Model) { m.Minimize(cvx.Times(cvx.Const("2"), m.Var("x"))) }},
		{"indefinite: its eigenvalues go from -1 to 1", func(m *cvx.Model) {
			m.Minimize(cvx.QuadForm(m.Var("x", 2), cvx.Const([][]float64{{0, 1}, {1, 0}})))
		}},
		{"only as a term of the objective", func(m *cvx.Model) {
			x, p := m.Var("x", 2), m.Param("P", 2, 2).PSD()
			m.Minimize(cvx.Sum(x))
			m.SubjectTo(cvx.Leq(cvx.QuadForm(x, p), cvx.Const(1)))
		}},
		{"LogSumExp(x)", func(m *cvx.Model) { m.Minimize(cvx.Log(cvx.Sum(cvx.Exp(m.Var("x", 2))))) }},
		{"Neg(Entr(x))", func(m *cvx.Model) { x := m.Var("x", 2); m.Minimize(cvx.Sum(cvx.Times(x, cvx.Log(x)))) }},
		{"QuadForm(x, const(2×2))", func(m *cvx.Model) {
			x := m.Var("x", 2)
			m.Minimize(cvx.Mul(x.T(), cvx.Mul(cvx.Const([][]float64{{1, 0}, {0, 1}}), x)))
		}},
		{"a new parameter that holds Exp(p)", func(m *cvx.Model) { m.Minimize(cvx.Times(cvx.Exp(m.Param("p")), m.Var("x"))) }},
		{"declare the sign: p.NonNeg()", func(m *cvx.Model) { m.Minimize(cvx.Times(m.Param("p"), cvx.Exp(m.Var("x")))) }},
		{"a variable s with Eq(s, Times(q, x))", func(m *cvx.Model) {
			m.Minimize(cvx.Times(m.Param("p"), cvx.Times(m.Param("q"), m.Var("x"))))
		}},
	} {
		m := cvx.NewModel()
		tc.model(m)
		_, err := m.Compile()
		var e *cvx.ModelError
		if !errors.As(err, &e) || len(e.Problems) != 1 || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("want %q, got %v", tc.says, err)
		}
	}
}
