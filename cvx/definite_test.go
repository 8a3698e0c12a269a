package cvx_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/layer"
)

// TestDefinite: what of expressions of matrices counts as positive semidefinite, and
// that a QuadForm of it is solved: its optimal value is that of the matrix put together
// by hand.
func TestDefinite(t *testing.T) {
	eye := cvx.Const([][]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
	schur := cvx.Const([][]float64{{1, 0.5, 0.2}, {0.5, 1, 0.5}, {0.2, 0.5, 1}})
	upper := cvx.Const([][]float64{{1, 2, 0}, {0, 1, 0}, {0, 0, 1}})
	for _, tc := range []struct {
		name string
		of   func(p, q, d, g *cvx.Expr) *cvx.Expr
		want cvx.Curvature
	}{
		{"P", func(p, q, d, g *cvx.Expr) *cvx.Expr { return p }, cvx.Convex},
		{"P + Q", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Add(p, q) }, cvx.Convex},
		{"2P", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Scale(2, p) }, cvx.Convex},
		{"P/2", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Div(p, cvx.Const(2)) }, cvx.Convex},
		{"-P", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Neg(p) }, cvx.Concave},
		{"-2P - Q", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Sub(cvx.Scale(-2, p), q) }, cvx.Concave},
		{"P - (-Q)", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Sub(p, cvx.Neg(q)) }, cvx.Convex},
		{"P + gI", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Add(p, cvx.Times(g, eye)) }, cvx.Convex},
		{"P + g11'", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Add(p, g) }, cvx.Convex},
		{"Diag(d) + P'", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Add(cvx.Diag(d), p.T()) }, cvx.Convex},
		{"P∘C", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Times(p, schur) }, cvx.Convex},
		{"Kron(1, P)", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Kron(cvx.Const([][]float64{{2}}), p) }, cvx.Convex},
		{"P - Q", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Sub(p, q) }, cvx.UnknownCurvature},
		{"P - gI", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Sub(p, cvx.Times(g, eye)) }, cvx.UnknownCurvature},
		{"P·U", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Mul(p, upper) }, cvx.UnknownCurvature},
		{"P + U", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Add(p, upper) }, cvx.UnknownCurvature},
		{"P + d1'", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Add(p, d) }, cvx.UnknownCurvature},
		{"P∘d1'", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Times(p, d) }, cvx.UnknownCurvature},
		{"Diag(-d) + P", func(p, q, d, g *cvx.Expr) *cvx.Expr { return cvx.Add(cvx.Diag(cvx.Neg(d)), p) }, cvx.UnknownCurvature},
	} {
		m := cvx.NewModel()
		x := m.Var("x", 3)
		p, q := m.Param("P", 3, 3).PSD(), m.Param("Q", 3, 3).PSD()
		d, g := m.Param("d", 3).NonNeg(), m.Param("g").NonNeg()
		matrix := tc.of(p, q, d, g)
		form := cvx.QuadForm(x, matrix)
		if got := form.Curvature(); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
			continue
		}
		if tc.want == cvx.UnknownCurvature {
			continue
		}
		sign := 1.0
		if tc.want == cvx.Concave {
			m.Maximize(form)
			sign = -1
		} else {
			m.Minimize(form)
		}
		m.SubjectTo(cvx.Eq(cvx.Sum(x), cvx.Const(1)), cvx.Geq(cvx.Add(cvx.Sum(q), cvx.Sum(p), cvx.Sum(d), g), cvx.Const(-1e6)))
		prog, err := m.Compile()
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		l, err := layer.New(prog, []string{"P", "Q", "d", "g"}, []string{"x"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(3, 3))
		v := map[string][]float64{"P": arg{3, 3, definite}.draw(r), "Q": arg{3, 3, definite}.draw(r), "d": {0.3, 0, 1}, "g": {0.7}}
		var pass layer.Pass
		if err := l.Forward(context.Background(), &pass, v["P"], v["Q"], v["d"], v["g"]); err != nil {
			t.Fatal(err)
		}
		if err := pass.Err(); err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		// The least ½-free form on the simplex's plane is 1/(1ᵀM⁻¹1), at x = M⁻¹1/(1ᵀM⁻¹1).
		mat, err := matrix.Eval(v)
		if err != nil {
			t.Fatal(err)
		}
		y := solve3(mat, sign)
		if want := sign / (y[0] + y[1] + y[2]); math.Abs(pass.Value[0]-want) > 1e-6*math.Abs(want) {
			t.Errorf("%s: value %v, want %v", tc.name, pass.Value[0], want)
		}
	}
}

// solve3 is (sign·M)⁻¹1 by Cramer's rule.
func solve3(m []float64, sign float64) [3]float64 {
	det := func(a [9]float64) float64 {
		return a[0]*(a[4]*a[8]-a[5]*a[7]) - a[1]*(a[3]*a[8]-a[5]*a[6]) + a[2]*(a[3]*a[7]-a[4]*a[6])
	}
	var a [9]float64
	for i := range a {
		a[i] = sign * m[i]
	}
	whole := det(a)
	var y [3]float64
	for j := range y {
		b := a
		b[j], b[3+j], b[6+j] = 1, 1, 1
		y[j] = det(b) / whole
	}
	return y
}
