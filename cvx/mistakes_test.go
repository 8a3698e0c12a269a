package cvx_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/sparse"
)

// What a user may get wrong is said in an error, and does not become a program
// of something else.
func TestMistakesAreErrors(t *testing.T) {
	for _, c := range []struct {
		name, want string
		build      func(m *cvx.Model)
		geometric  bool
	}{
		{"bounds before Diagonal", "bound Diag of it", func(m *cvx.Model) {
			m.Minimize(cvx.SumSquares(m.Var("X", 2, 2).Bounds(0, 1).Diagonal()))
		}, false},
		{"odd power of what may be negative", "not convex by the rules", func(m *cvx.Model) {
			x := m.Var("x")
			m.Minimize(cvx.Power(cvx.Sub(cvx.Square(x), cvx.Const(1)), 3))
		}, false},
		{"constant outside a domain, in a constraint", "misuse of Log", func(m *cvx.Model) {
			x := m.Var("x")
			m.Minimize(cvx.Square(x))
			m.SubjectTo(cvx.Geq(x, cvx.Add(cvx.Const(1), cvx.Log(cvx.Const(-1)))).Named("floor"))
		}, false},
		{"its place", `constraint "floor"`, func(m *cvx.Model) {
			x := m.Var("x")
			m.Minimize(cvx.Square(x))
			m.SubjectTo(cvx.Geq(x, cvx.Log(cvx.Const(-1))).Named("floor"))
		}, false},
		{"constant outside a domain, in the objective", "misuse of InvPos", func(m *cvx.Model) {
			m.Minimize(cvx.Add(cvx.Square(m.Var("x")), cvx.InvPos(cvx.Const(0))))
		}, false},
		{"overflow", "misuse of Mul", func(m *cvx.Model) {
			m.Minimize(cvx.Square(cvx.Sub(m.Var("x"), cvx.Mul(cvx.Const(1e200), cvx.Const(1e200)))))
		}, false},
		{"division by a zero that is computed", "division by zero", func(m *cvx.Model) {
			m.Minimize(cvx.Square(cvx.Div(m.Var("x"), cvx.Sub(cvx.Const(1), cvx.Const(1)))))
		}, false},
		{"nil constraint", "constraint 0 is nil", func(m *cvx.Model) {
			m.Minimize(cvx.Square(m.Var("x")))
			m.SubjectTo(nil)
		}, false},
		{"name that is a number", `named "1"`, func(m *cvx.Model) {
			x := m.Var("x")
			m.Minimize(cvx.Square(x))
			m.SubjectTo(cvx.Geq(x, cvx.Const(1)).Named("1"), cvx.Leq(x, cvx.Const(9)))
		}, false},
		{"nonpositive variable of a GP", "declared NonPos", func(m *cvx.Model) {
			m.Minimize(m.Var("x").NonPos())
		}, true},
		{"diagonal parameter of a GP", "a diagonal matrix has zeros", func(m *cvx.Model) {
			x, p := m.Var("x"), m.Param("P", 2, 2).Diagonal().Positive()
			m.Minimize(cvx.Add(x, cvx.Sum(p)))
		}, true},
	} {
		m := cvx.NewModel()
		if c.geometric {
			m = cvx.NewGP()
		}
		c.build(m)
		if _, err := m.Compile(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

// A variable that is too large is refused before memory is asked for.
func TestHugeVariable(t *testing.T) {
	for _, dims := range [][]int{{1 << 31}, {1 << 40, 1 << 40}} {
		m := cvx.NewModel()
		m.MaxTerms = 1 << 62
		x := m.Var("x", dims...)
		m.Minimize(cvx.Norm2(x))
		var size *cvx.SizeError
		if _, err := m.Compile(); !errors.As(err, &size) {
			t.Errorf("%v: %v, want a SizeError", dims, err)
		}
	}
}

// So is a broadcast.
func TestHugeBroadcast(t *testing.T) {
	m := cvx.NewModel()
	x, y := m.Var("x", 1<<18), m.Var("y", 1, 1<<18)
	m.Minimize(cvx.Norm2(cvx.Add(x, y)))
	var size *cvx.SizeError
	if _, err := m.Compile(); !errors.As(err, &size) {
		t.Errorf("%v, want a SizeError", err)
	}
}

// The advice can be followed.
func TestAdvice(t *testing.T) {
	for _, c := range []struct {
		want  string
		build func(x, p, g *cvx.Expr) *cvx.Expr
	}{
		{"s with Leq(SumSquares(Mul(P, x)), s)", func(x, p, g *cvx.Expr) *cvx.Expr { return cvx.Times(g, cvx.SumSquares(cvx.Mul(p, x))) }},
		{"QuadForm(Mul(A, x), P)", func(x, p, g *cvx.Expr) *cvx.Expr {
			a := cvx.Const([][]float64{{1, 2}, {3, 4}})
			return cvx.QuadForm(x, cvx.Mul(a.T(), cvx.Mul(p, a)))
		}},
		{"a parameter for the whole matrix", func(x, p, g *cvx.Expr) *cvx.Expr {
			return cvx.QuadForm(x, cvx.Sub(p, cvx.Diag(cvx.Const([]float64{1, 1}))))
		}},
		{"Power(Pos(Sub(Square(x), 1)), 3)", func(x, p, g *cvx.Expr) *cvx.Expr {
			return cvx.Sum(cvx.Power(cvx.Sub(cvx.Square(x), cvx.Const(1)), 3))
		}},
	} {
		m := cvx.NewModel()
		m.Minimize(c.build(m.Var("x", 2), m.Param("P", 2, 2).PSD(), m.Param("g").NonNeg()))
		if _, err := m.Compile(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// Bounds of a symmetric variable hold for an entry and for its mirror image.
func TestBoundsOfSymmetric(t *testing.T) {
	m := cvx.NewModel()
	x := m.Var("X", 2, 2).Symmetric().Bounds([]float64{0, 1, 4, 0}, []float64{9, 8, 7, 9})
	m.Minimize(cvx.SumSquares(x))
	prog := compiled(t, m)
	b := make([]float64, prog.Map(conic.CoefB).Len())
	prog.Map(conic.CoefB).Apply(b, nil)
	// b − Ax: −lo for three unknowns, then hi.
	for k, want := range []float64{0, -4, 0, 9, 7, 9} {
		if b[k] != want {
			t.Fatalf("b = %v, want [-0 -4 -0 9 7 9]", b)
		}
	}
}

// Zeros that a sparse matrix stores are no coefficients.
func TestStoredZeros(t *testing.T) {
	m := cvx.NewModel()
	x := m.Var("x", 2)
	s := &sparse.CSC{Rows: 1, Cols: 2, ColPtr: []int{0, 1, 2}, RowIdx: []int{0, 0}, Val: []float64{0, 1}}
	m.Minimize(cvx.SumSquares(x))
	m.SubjectTo(cvx.Leq(cvx.Mul(cvx.Const(s), cvx.Exp(x)), cvx.Const(1)))
	prog := compiled(t, m)
	a := make([]float64, prog.Map(conic.CoefA).Len())
	prog.Map(conic.CoefA).Apply(a, nil)
	for _, v := range a {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Fatalf("A has the entries %v", a)
		}
	}
}

// Symmetry is judged by the size of the matrix: rounding beside a zero is none
// of the user's business.
func TestSymmetryOfNoise(t *testing.T) {
	m := cvx.NewModel()
	m.Minimize(cvx.QuadForm(m.Var("x", 2), cvx.Const([][]float64{{1, 1e-17}, {3e-17, 1}})))
	if _, err := m.Compile(); err != nil {
		t.Error(err)
	}
}

// Eval's answer is the caller's.
func TestEvalCopies(t *testing.T) {
	c := cvx.Const([]float64{1, 2})
	v, err := c.Eval(nil)
	if err != nil {
		t.Fatal(err)
	}
	v[0] = 9
	if w, _ := c.Eval(nil); w[0] != 1 {
		t.Errorf("the constant is now %v", w)
	}
}
