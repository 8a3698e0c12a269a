package cvx_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/layer"
)

// An entry is a row of the table of atoms: what makes it, of arguments of the
// given sizes, each drawn from a domain.
type entry struct {
	name, meaning string
	args          []arg
	f             func(x ...*cvx.Expr) *cvx.Expr
}

type arg struct {
	rows, cols int
	domain     domain
}

type domain uint8

const (
	all      domain = iota
	positive        // away from 0
	definite        // symmetric positive definite
	symmetric
)

func column(n int, d domain) arg { return arg{n, 1, d} }

func one(f func(x *cvx.Expr) *cvx.Expr) func(...*cvx.Expr) *cvx.Expr {
	return func(x ...*cvx.Expr) *cvx.Expr { return f(x[0]) }
}

func two(f func(x, y *cvx.Expr) *cvx.Expr) func(...*cvx.Expr) *cvx.Expr {
	return func(x ...*cvx.Expr) *cvx.Expr { return f(x[0], x[1]) }
}

var form = mat.NewSymDense(3, []float64{2, 0.5, 0, 0.5, 1, -0.3, 0, -0.3, 1.5})

// atoms are all atoms that are not affine.
var atoms = []entry{
	{"Abs(x)", "\\|x\\|", []arg{column(3, all)}, one(cvx.Abs)},
	{"CVaR(x, beta)", "mean of the worst 1 − beta", []arg{column(5, all)}, one(func(x *cvx.Expr) *cvx.Expr { return cvx.CVaR(x, 0.7) })},
	{"Entr(x)", "−x·log x", []arg{column(3, positive)}, one(cvx.Entr)},
	{"Exp(x)", "eˣ", []arg{column(3, all)}, one(cvx.Exp)},
	{"GeoMean(x)", "(Πxᵢ)^(1/n), or weighted", []arg{column(4, positive)}, one(func(x *cvx.Expr) *cvx.Expr { return cvx.GeoMean(x) })},
	{"GeoMean(x, w…)", "Πxᵢ^(wᵢ/Σw)", []arg{column(3, positive)}, one(func(x *cvx.Expr) *cvx.Expr { return cvx.GeoMean(x, 1, 0, 3) })},
	{"HarmonicMean(x)", "n/Σ(1/xᵢ)", []arg{column(3, positive)}, one(cvx.HarmonicMean)},
	{"Huber(x, m)", "x² within m, then linear", []arg{column(4, all)}, one(func(x *cvx.Expr) *cvx.Expr { return cvx.Huber(x, 0.7) })},
	{"InvPos(x)", "1/x", []arg{column(3, positive)}, one(cvx.InvPos)},
	{"KLDiv(x, y)", "x·log(x/y) − x + y", []arg{column(3, positive), column(3, positive)}, two(cvx.KLDiv)},
	{"LambdaMax(X)", "largest eigenvalue", []arg{{3, 3, symmetric}}, one(cvx.LambdaMax)},
	{"LambdaMin(X)", "smallest eigenvalue", []arg{{3, 3, symmetric}}, one(cvx.LambdaMin)},
	{"Log(x)", "log x", []arg{column(3, positive)}, one(cvx.Log)},
	{"LogDet(X)", "log det X", []arg{{3, 3, definite}}, one(cvx.LogDet)},
	{"LogSumExp(x)", "log Σ exp xᵢ", []arg{column(4, all)}, one(cvx.LogSumExp)},
	{"Logistic(x)", "log(1 + eˣ)", []arg{column(3, all)}, one(cvx.Logistic)},
	{"MatrixFrac(X, P)", "tr XᵀP⁻¹X", []arg{{3, 2, all}, {3, 3, definite}}, two(cvx.MatrixFrac)},
	{"Max(x)", "largest entry", []arg{column(4, all)}, one(cvx.Max)},
	{"Maximum(x, y, …)", "largest, entry by entry", []arg{column(3, all), column(1, all)}, two(func(x, y *cvx.Expr) *cvx.Expr { return cvx.Maximum(x, y) })},
	{"Min(x)", "smallest entry", []arg{column(4, all)}, one(cvx.Min)},
	{"Minimum(x, y, …)", "smallest, entry by entry", []arg{column(3, all), column(3, all)}, two(func(x, y *cvx.Expr) *cvx.Expr { return cvx.Minimum(x, y) })},
	{"NegPart(x)", "max(−x, 0)", []arg{column(4, all)}, one(cvx.NegPart)},
	{"Norm1(x)", "Σ\\|xᵢ\\|", []arg{column(4, all)}, one(cvx.Norm1)},
	{"Norm2(x)", "√Σxᵢ²", []arg{column(4, all)}, one(cvx.Norm2)},
	{"NormFro(X)", "√ΣXᵢⱼ²", []arg{{2, 3, all}}, one(cvx.NormFro)},
	{"NormInf(x)", "max \\|xᵢ\\|", []arg{column(4, all)}, one(cvx.NormInf)},
	{"NormNuc(X)", "sum of singular values", []arg{{2, 3, all}}, one(cvx.NormNuc)},
	{"Norms2(X)", "‖row‖₂ of each row", []arg{{3, 2, all}}, one(cvx.Norms2)},
	{"PNorm(x, p), p > 1", "(Σ\\|xᵢ\\|ᵖ)^(1/p)", []arg{column(4, all)}, one(func(x *cvx.Expr) *cvx.Expr { return cvx.PNorm(x, 3.5) })},
	{"PNorm(x, p), 0 < p < 1", "(Σxᵢᵖ)^(1/p)", []arg{column(3, positive)}, one(func(x *cvx.Expr) *cvx.Expr { return cvx.PNorm(x, 0.4) })},
	{"PNorm(x, p), p < 0", "(Σxᵢᵖ)^(1/p)", []arg{column(3, positive)}, one(func(x *cvx.Expr) *cvx.Expr { return cvx.PNorm(x, -1.7) })},
	{"Pos(x)", "max(x, 0)", []arg{column(4, all)}, one(cvx.Pos)},
	{"Power(x, p), p > 1", "xᵖ", []arg{column(3, positive)}, one(func(x *cvx.Expr) *cvx.Expr { return cvx.Power(x, 2.5) })},
	{"Power(x, p), p even", "xᵖ", []arg{column(3, all)}, one(func(x *cvx.Expr) *cvx.Expr { return cvx.Power(x, 4) })},
	{"Power(x, p), 0 < p < 1", "xᵖ", []arg{column(3, positive)}, one(func(x *cvx.Expr) *cvx.Expr { return cvx.Power(x, 0.3) })},
	{"Power(x, p), p < 0", "xᵖ", []arg{column(3, positive)}, one(func(x *cvx.Expr) *cvx.Expr { return cvx.Power(x, -2) })},
	{"QuadForm(x, P)", "xᵀPx, P positive semidefinite", []arg{column(3, all)}, one(func(x *cvx.Expr) *cvx.Expr { return cvx.QuadForm(x, cvx.Const(form)) })},
	{"QuadOverLin(x, y)", "Σxᵢ²/y", []arg{column(3, all), column(1, positive)}, two(cvx.QuadOverLin)},
	{"RelEntr(x, y)", "x·log(x/y)", []arg{column(3, positive), column(3, positive)}, two(cvx.RelEntr)},
	{"SigmaMax(X)", "largest singular value", []arg{{3, 2, all}}, one(cvx.SigmaMax)},
	{"Sqrt(x)", "√x", []arg{column(3, positive)}, one(cvx.Sqrt)},
	{"Square(x)", "x²", []arg{column(3, all)}, one(cvx.Square)},
	{"SumLargest(x, k)", "sum of the k largest", []arg{column(5, all)}, one(func(x *cvx.Expr) *cvx.Expr { return cvx.SumLargest(x, 2) })},
	{"SumSmallest(x, k)", "sum of the k smallest", []arg{column(5, all)}, one(func(x *cvx.Expr) *cvx.Expr { return cvx.SumSmallest(x, 2) })},
	{"SumSquares(x)", "Σxᵢ²", []arg{column(4, all)}, one(cvx.SumSquares)},
	{"TV(x)", "Σ\\|xᵢ₊₁ − xᵢ\\|", []arg{column(5, all)}, one(cvx.TV)},
	{"TV(X)", "Σ of the norms of a pixel's differences", []arg{{3, 4, all}}, one(cvx.TV)},
}

// draw makes a point of the domain.
func (a arg) draw(r *rand.Rand) []float64 {
	x := make([]float64, a.rows*a.cols)
	for i := range x {
		x[i] = r.NormFloat64()
		if a.domain == positive {
			x[i] = 0.2 + math.Abs(x[i])
		}
	}
	if a.domain == symmetric || a.domain == definite {
		n := a.rows
		g := mat.NewDense(n, n, x)
		var s mat.Dense
		s.Mul(g, g.T())
		for i := range n {
			for j := range n {
				x[i*n+j] = s.At(i, j)
				if a.domain == symmetric {
					x[i*n+j] -= 1.5
				} else if i == j {
					x[i*n+j] += 0.3
				}
			}
		}
	}
	return x
}

// point draws arguments, and names them.
func (e *entry) point(r *rand.Rand) map[string][]float64 {
	v := map[string][]float64{}
	for i, a := range e.args {
		v[fmt.Sprint("x", i)] = a.draw(r)
	}
	return v
}

// variables declares the arguments in a model.
func (e *entry) variables(m *cvx.Model) []*cvx.Expr {
	var x []*cvx.Expr
	for i, a := range e.args {
		x = append(x, m.Var(fmt.Sprint("x", i), a.rows, a.cols))
	}
	return x
}

func value(t *testing.T, e *cvx.Expr, v map[string][]float64) []float64 {
	t.Helper()
	y, err := e.Eval(v)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range y {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			t.Fatalf("value %v at %v", y, v)
		}
	}
	return y
}

// Each atom is convex or concave, and has the sign, that it says.
func TestAtomFacts(t *testing.T) {
	for _, at := range atoms {
		t.Run(at.name, func(t *testing.T) {
			m := cvx.NewModel()
			f := at.f(at.variables(m)...)
			sign := 1.0
			switch f.Curvature() {
			case cvx.Convex:
			case cvx.Concave:
				sign = -1
			default:
				t.Fatalf("%v is %v", f, f.Curvature())
			}
			r := rand.New(rand.NewPCG(1, 1))
			strict := 0.0
			for range 50 {
				a, b := at.point(r), at.point(r)
				mid := map[string][]float64{}
				for k := range a {
					mid[k] = make([]float64, len(a[k]))
					for i := range mid[k] {
						mid[k][i] = (a[k][i] + b[k][i]) / 2
					}
				}
				ya, yb, ym := value(t, f, a), value(t, f, b), value(t, f, mid)
				for i := range ym {
					gap := sign * ((ya[i]+yb[i])/2 - ym[i])
					strict = math.Max(strict, gap)
					if gap < -1e-9*(1+math.Abs(ym[i])) {
						t.Fatalf("not %v: %v and %v, and %v between", f.Curvature(), ya[i], yb[i], ym[i])
					}
					if s := f.Sign(); s == cvx.NonNegative && ym[i] < 0 || s == cvx.NonPositive && ym[i] > 0 {
						t.Fatalf("%v is %v", ym[i], s)
					}
				}
			}
			if strict < 1e-6 {
				t.Error("looks affine")
			}
		})
	}
}

// The canonical form is the epigraph: with the arguments held at a point, the
// best value is the value of the atom.
func TestAtomGraphs(t *testing.T) {
	for _, at := range atoms {
		t.Run(at.name, func(t *testing.T) {
			m := cvx.NewModel()
			x := at.variables(m)
			for i, e := range x {
				rows, cols := e.Dims()
				p := m.Param(fmt.Sprint("p", i), rows, cols)
				m.SubjectTo(cvx.Eq(e, p))
			}
			f := at.f(x...)
			w := m.Param("w", f.Len()).NonNeg()
			obj := cvx.Dot(w, cvx.Vec(f))
			if f.Curvature() == cvx.Convex {
				m.Minimize(obj)
			} else {
				m.Maximize(obj)
			}
			prog, err := m.Compile()
			if err != nil {
				t.Fatal(err)
			}
			solveAt(t, at, prog, f, false)

			// And once more in a constraint, where squares are cones.
			m = cvx.NewModel()
			x = at.variables(m)
			for i, e := range x {
				rows, cols := e.Dims()
				m.SubjectTo(cvx.Eq(e, m.Param(fmt.Sprint("p", i), rows, cols)))
			}
			f = at.f(x...)
			w = m.Param("w", f.Len()).NonNeg()
			rows, cols := f.Dims()
			s := m.Var("s", rows, cols)
			if f.Curvature() == cvx.Convex {
				m.SubjectTo(cvx.Leq(f, s))
				m.Minimize(cvx.Dot(w, cvx.Vec(s)))
			} else {
				m.SubjectTo(cvx.Geq(f, s))
				m.Maximize(cvx.Dot(w, cvx.Vec(s)))
			}
			if prog, err = m.Compile(); err != nil {
				t.Fatal(err)
			}
			solveAt(t, at, prog, f, true)
		})
	}
}

// solveAt solves at random points and compares with the atom's value.
func solveAt(t *testing.T, at entry, prog *cvx.Program, f *cvx.Expr, constraint bool) {
	t.Helper()
	names := []string{}
	for i := range at.args {
		names = append(names, fmt.Sprint("p", i))
	}
	l, err := layer.New(prog, append(names, "w"), []string{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(2, 2))
	for range 5 {
		v := at.point(r)
		var values [][]float64
		for i := range at.args {
			values = append(values, v[fmt.Sprint("x", i)])
		}
		w := make([]float64, f.Len())
		for i := range w {
			w[i] = 0.1 + r.Float64()
		}
		var pass layer.Pass
		if err := l.Forward(context.Background(), &pass, append(values, w)...); err != nil {
			t.Fatal(err)
		}
		if err := pass.Err(); err != nil {
			t.Fatalf("in a constraint: %v: %v", constraint, err)
		}
		want := 0.0
		for i, y := range value(t, f, v) {
			want += w[i] * y
		}
		if got := pass.Value[0]; math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
			t.Errorf("in a constraint: %v: best value %v, value of the atom %v", constraint, got, want)
		}
	}
}

// Affine atoms against plain loops, and their canonical forms through a QP.
func TestAffineAtoms(t *testing.T) {
	m := cvx.NewModel()
	x, y, u := m.Var("X", 3, 2), m.Var("Y", 2, 3), m.Var("u", 3)
	c := cvx.Const([][]float64{{1, 2, 3}, {4, 5, 6}})
	r := rand.New(rand.NewPCG(5, 5))
	v := map[string][]float64{"X": make([]float64, 6), "Y": make([]float64, 6), "u": make([]float64, 3)}
	for _, name := range []string{"X", "Y", "u"} {
		for i := range v[name] {
			v[name][i] = math.Round(10 * r.NormFloat64())
		}
	}
	X, Y, U := v["X"], v["Y"], v["u"]
	for _, tc := range []struct {
		e    *cvx.Expr
		want []float64
	}{
		{cvx.Add(x, y.T()), []float64{X[0] + Y[0], X[1] + Y[3], X[2] + Y[1], X[3] + Y[4], X[4] + Y[2], X[5] + Y[5]}},
		{cvx.Sub(x, u), []float64{X[0] - U[0], X[1] - U[0], X[2] - U[1], X[3] - U[1], X[4] - U[2], X[5] - U[2]}},
		{cvx.Neg(u), []float64{-U[0], -U[1], -U[2]}},
		{cvx.Scale(3, u), []float64{3 * U[0], 3 * U[1], 3 * U[2]}},
		{cvx.Mul(c, x), []float64{
			X[0] + 2*X[2] + 3*X[4], X[1] + 2*X[3] + 3*X[5],
			4*X[0] + 5*X[2] + 6*X[4], 4*X[1] + 5*X[3] + 6*X[5]}},
		{cvx.Mul(u.T(), c.T()), []float64{U[0] + 2*U[1] + 3*U[2], 4*U[0] + 5*U[1] + 6*U[2]}},
		{cvx.Times(c, y), []float64{Y[0], 2 * Y[1], 3 * Y[2], 4 * Y[3], 5 * Y[4], 6 * Y[5]}},
		{cvx.Times(cvx.Const([]float64{2, 3}), y), []float64{2 * Y[0], 2 * Y[1], 2 * Y[2], 3 * Y[3], 3 * Y[4], 3 * Y[5]}},
		{cvx.Dot(c.Row(1), u.T()), []float64{4*U[0] + 5*U[1] + 6*U[2]}},
		{cvx.Div(u, cvx.Const(2)), []float64{U[0] / 2, U[1] / 2, U[2] / 2}},
		{cvx.Sum(u), []float64{U[0] + U[1] + U[2]}},
		{cvx.Mean(u), []float64{(U[0] + U[1] + U[2]) / 3}},
		{cvx.SumRows(x), []float64{X[0] + X[2] + X[4], X[1] + X[3] + X[5]}},
		{cvx.SumCols(x), []float64{X[0] + X[1], X[2] + X[3], X[4] + X[5]}},
		{cvx.Trace(cvx.Mul(c, x)), []float64{X[0] + 2*X[2] + 3*X[4] + 4*X[1] + 5*X[3] + 6*X[5]}},
		{cvx.Diag(u), []float64{U[0], 0, 0, 0, U[1], 0, 0, 0, U[2]}},
		{cvx.Diag(x.Slice(1, 3, 0, 2)), []float64{X[2], X[5]}},
		{cvx.Reshape(x, 2, 3).Row(1), X[3:]},
		{cvx.Vec(x.T()), []float64{X[0], X[2], X[4], X[1], X[3], X[5]}},
		{cvx.UpperTri(x.Rows(0, 2)), []float64{X[1]}},
		{x.At(2, 1), X[5:]},
		{u.At(1), U[1:2]},
		{x.Rows(1, 3), X[2:]},
		{x.Cols(1, 2), []float64{X[1], X[3], X[5]}},
		{x.Col(0), []float64{X[0], X[2], X[4]}},
		{x.Pick(5, 0, 0), []float64{X[5], X[0], X[0]}},
		{cvx.HStack(x, u), []float64{X[0], X[1], U[0], X[2], X[3], U[1], X[4], X[5], U[2]}},
		{cvx.VStack(y, u.T()), append(append([]float64{}, Y...), U...)},
		{cvx.Kron(cvx.Const([][]float64{{1, 2}}), u), []float64{U[0], 2 * U[0], U[1], 2 * U[1], U[2], 2 * U[2]}},
		{cvx.Conv(cvx.Const([]float64{1, -2}), u), []float64{U[0], U[1] - 2*U[0], U[2] - 2*U[1], -2 * U[2]}},
		{cvx.CumSum(u), []float64{U[0], U[0] + U[1], U[0] + U[1] + U[2]}},
		{cvx.CumSum(u.T()), []float64{U[0], U[0] + U[1], U[0] + U[1] + U[2]}},
		{cvx.CumSum(x), []float64{X[0], X[1], X[0] + X[2], X[1] + X[3], X[0] + X[2] + X[4], X[1] + X[3] + X[5]}},
		{cvx.Diff(u), []float64{U[1] - U[0], U[2] - U[1]}},
		{cvx.Diff(x), []float64{X[2] - X[0], X[3] - X[1], X[4] - X[2], X[5] - X[3]}},
	} {
		got, err := tc.e.Eval(v)
		if err != nil {
			t.Fatal(err)
		}
		if c := tc.e.Curvature(); c != cvx.Affine {
			t.Errorf("%v is %v", tc.e, c)
		}
		if !floats.EqualApprox(got, tc.want, 1e-12) {
			t.Errorf("%v = %v, want %v", tc.e, got, tc.want)
		}
	}
}

// The composition rule takes what it should and nothing more.
func TestComposition(t *testing.T) {
	m := cvx.NewModel()
	x, y := m.Var("x", 3), m.Var("y", 3).NonNeg()
	p, q := m.Param("p", 3).NonNeg(), m.Param("q", 3)
	for _, tc := range []struct {
		e    *cvx.Expr
		want cvx.Curvature
		dpp  bool
	}{
		{cvx.Exp(cvx.Square(x)), cvx.Convex, true},
		{cvx.Square(cvx.Exp(x)), cvx.Convex, true},
		{cvx.Square(cvx.Log(x)), cvx.UnknownCurvature, false},
		{cvx.Log(cvx.Sqrt(x)), cvx.Concave, true},
		{cvx.InvPos(cvx.Sqrt(x)), cvx.Convex, true},
		{cvx.Sqrt(cvx.SumSquares(x)), cvx.UnknownCurvature, false},
		{cvx.Norm2(cvx.Abs(x)), cvx.Convex, true},
		{cvx.Norm2(cvx.Sub(cvx.Abs(x), cvx.Const(1))), cvx.UnknownCurvature, false},
		{cvx.Max(cvx.Sub(cvx.Abs(x), cvx.Const(1))), cvx.Convex, true},
		{cvx.Sub(cvx.Square(x), cvx.Log(y)), cvx.Convex, true},
		{cvx.Sub(cvx.Square(x), cvx.Square(y)), cvx.UnknownCurvature, false},
		{cvx.Times(p, cvx.Square(x)), cvx.Convex, true},
		{cvx.Times(q, cvx.Square(x)), cvx.UnknownCurvature, false},
		{cvx.Times(cvx.Neg(p), cvx.Square(x)), cvx.Concave, true},
		{cvx.Times(q, x), cvx.Affine, true},
		{cvx.Times(q, cvx.Times(p, x)), cvx.Affine, false},
		{cvx.Times(cvx.Times(q, p), x), cvx.Affine, false},
		{cvx.Times(cvx.Exp(q), x), cvx.Affine, false},
		{cvx.Times(q, cvx.Add(x, p)), cvx.Affine, false},
		{cvx.Div(x, cvx.Add(p, cvx.Const(1))), cvx.Affine, false},
		{cvx.Div(x, cvx.Const(2)), cvx.Affine, true},
		{cvx.Times(x, y), cvx.UnknownCurvature, false},
		{cvx.Norm2(cvx.Sub(cvx.Times(q, x), p)), cvx.Convex, true},
		{cvx.QuadForm(x, m.Param("P", 3, 3).PSD()), cvx.Convex, true},
		{cvx.QuadForm(x, m.Param("S", 3, 3).Symmetric()), cvx.UnknownCurvature, false},
		{cvx.QuadForm(x, cvx.Const([][]float64{{-1, 0, 0}, {0, -2, 0}, {0, 0, 0}})), cvx.Concave, true},
		{cvx.QuadForm(x, cvx.Const([][]float64{{-1, 0, 0}, {0, 2, 0}, {0, 0, 0}})), cvx.UnknownCurvature, false},
		{cvx.Huber(cvx.Abs(x), 1), cvx.Convex, true},
		{cvx.Exp(q), cvx.Constant, true},
		{cvx.Log(q), cvx.Constant, true},
	} {
		if got := tc.e.Curvature(); got != tc.want {
			t.Errorf("%v is %v, want %v", tc.e, got, tc.want)
		}
		if got := tc.e.DPP(); got != tc.dpp {
			t.Errorf("%v: DPP is %v, want %v", tc.e, got, tc.dpp)
		}
	}
}

func TestTree(t *testing.T) {
	m := cvx.NewModel()
	x, f, g := m.Var("x", 5), m.Param("F", 7, 5), m.Param("g", 7)
	got := cvx.Add(cvx.SumSquares(cvx.Sub(cvx.Mul(f, x), g)), cvx.Sqrt(cvx.Norm1(x))).Tree()
	want := `
Add           1×1  nonnegative   unknown curvature
  SumSquares  1×1  nonnegative   convex
    Sub       7×1  unknown sign  affine
      Mul     7×1  unknown sign  affine
        F     7×5  unknown sign  constant
        x     5×1  unknown sign  affine
      g       7×1  unknown sign  constant
  Sqrt        1×1  nonnegative   unknown curvature  ✗
    Norm1     1×1  nonnegative   convex
      x       5×1  unknown sign  affine
`
	if got != strings.TrimPrefix(want, "\n") {
		t.Errorf("got\n%s", got)
	}
}
