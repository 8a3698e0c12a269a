package cvx_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/cvx"
)

// TestHugeFunctions: no function takes memory for the entries of its argument before
// Compile has refused it.
func TestHugeFunctions(t *testing.T) {
	const n = 1 << 34 // a vector of it has 128 GiB
	for name, f := range map[string]func(x, v *cvx.Expr) *cvx.Expr{
		"Sum":     func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(x) },
		"Mean":    func(x, v *cvx.Expr) *cvx.Expr { return cvx.Mean(x) },
		"SumRows": func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(cvx.SumRows(x)) },
		"SumCols": func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(cvx.SumCols(x)) },
		"T":       func(x, v *cvx.Expr) *cvx.Expr { return cvx.Norm1(x.T()) },
		"Diag":    func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(cvx.Diag(v)) },
		"DiagOf":  func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(cvx.Diag(x)) },
		"Reshape": func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(cvx.Reshape(x, 1, n)) },
		"Vec":     func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(cvx.Vec(x)) },
		"Upper":   func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(cvx.UpperTri(x)) },
		"Slice":   func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(x.Rows(1, 1<<16)) },
		"HStack":  func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(cvx.HStack(x, x)) },
		"VStack":  func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(cvx.VStack(x, x)) },
		"Kron":    func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(cvx.Kron(cvx.Const([]float64{1, 2}), x)) },
		"Conv":    func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(cvx.Conv(cvx.Const([]float64{1, 2}), v)) },
		"CumSum":  func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(cvx.CumSum(x)) },
		"TV":      func(x, v *cvx.Expr) *cvx.Expr { return cvx.TV(x) },
		"Dot":     func(x, v *cvx.Expr) *cvx.Expr { return cvx.Dot(cvx.Const(2), v) },
		"Outer":   func(x, v *cvx.Expr) *cvx.Expr { return cvx.Sum(cvx.Mul(v, cvx.Const([][]float64{{1, 2}}))) },
	} {
		for _, geometric := range []bool{false, true} {
			m := cvx.NewModel()
			if geometric {
				m = cvx.NewGP()
			}
			x, v := m.Var("X", 1<<17, 1<<17), m.Var("v", n)
			m.Minimize(f(x, v))
			m.SubjectTo(cvx.Geq(cvx.Sum(x), cvx.Const(1)), cvx.Geq(cvx.Sum(v), cvx.Const(1)))
			var size *cvx.SizeError
			if _, err := m.Compile(); !errors.As(err, &size) && !strings.Contains(err.Error(), "at most 2⁴⁰ entries") {
				t.Errorf("%s: %v, want a SizeError", name, err)
			}
		}
	}
}

// TestOverflow: sizes whose product no int holds are mistakes of the model.
func TestOverflow(t *testing.T) {
	for name, f := range map[string]func(m *cvx.Model) *cvx.Expr{
		"Var":    func(m *cvx.Model) *cvx.Expr { return cvx.Sum(m.Var("x", 1<<40, 1<<40)) },
		"MaxInt": func(m *cvx.Model) *cvx.Expr { return cvx.Sum(m.Var("x", math.MaxInt)) },
		"Bounds": func(m *cvx.Model) *cvx.Expr { return cvx.Sum(m.Var("x", 1<<35).Bounds(0, 1)) },
		"Kron":   func(m *cvx.Model) *cvx.Expr { x := m.Var("x", 1<<33); return cvx.Sum(cvx.Kron(x, x)) },
		"Diag":   func(m *cvx.Model) *cvx.Expr { return cvx.Sum(cvx.Diag(m.Var("x", 1<<33))) },
	} {
		m := cvx.NewModel()
		e := f(m)
		e.Tree()
		m.Minimize(e)
		var wrong *cvx.ModelError
		var size *cvx.SizeError
		if _, err := m.Compile(); !errors.As(err, &wrong) && !errors.As(err, &size) {
			t.Errorf("%s: %v, want an error about the size", name, err)
		}
	}
}

// TestDeep: expressions that share their parts take time by their number, not by that
// of the paths through them.
func TestDeep(t *testing.T) {
	m := cvx.NewModel()
	x, c := m.Var("x", 2).Bounds(-1, 1), cvx.Const([]float64{1, 2})
	e := x
	for k := range 60 {
		if k%2 == 0 {
			c = cvx.Add(c, cvx.Neg(c), c)
		} else {
			c = cvx.Times(c, cvx.Const(1)).T().T()
			c = cvx.Scale(0.5, cvx.Add(c, c))
		}
		e = cvx.Scale(0.5, cvx.Add(e, cvx.Maximum(e, x)))
	}
	sum := cvx.Sum(cvx.Add(e, c))
	if n := len(sum.Tree()); n > 1<<18 {
		t.Errorf("the tree has %d bytes", n)
	}
	if sum.Sign() == cvx.ZeroSign || sum.Curvature() != cvx.Convex || !sum.DPP() {
		t.Errorf("%v, %v", sum.Sign(), sum.Curvature())
	}
	p := m.Param("P", 2, 2).PSD()
	q := p
	for range 60 {
		q = cvx.Scale(0.5, cvx.Add(q, q))
	}
	m.Minimize(cvx.Add(sum, cvx.QuadForm(x, q)))
	if _, err := m.Compile(); err != nil {
		t.Error(err)
	}
}

// TestTreeOfMistake: an expression of constants with a mistake inside can be printed.
func TestTreeOfMistake(t *testing.T) {
	e := cvx.Neg(cvx.Sum(cvx.Diff(cvx.Const(1))))
	if s := e.Tree(); !strings.Contains(s, "✗") {
		t.Error(s)
	}
	if e.Curvature() != cvx.UnknownCurvature {
		t.Error(e.Curvature())
	}
}
