package layer

import (
	"fmt"

	"github.com/optnet-go/optnet/cvx"
)

// The layers in this file are compiled from the programs in their comments. They
// differ from those of New in nothing: the parameters are named as in the
// formula, and come in the order in which it lists them.

// compiled finishes a ready-made layer, whose model cannot be wrong.
func compiled(m *cvx.Model, opt *Options) (*Layer, error) {
	prog, err := m.Compile()
	if err != nil {
		return nil, fmt.Errorf("layer: compiling: %w", err)
	}
	return New(prog, nil, nil, opt)
}

func positive(name string, sizes ...int) error {
	for _, n := range sizes {
		if n < 1 {
			return fmt.Errorf("layer: %s of sizes %v, want positive ones", name, sizes)
		}
	}
	return nil
}

// Sparsemax projects x ∈ Rⁿ on the probability simplex:
//
//	y(x) = argmin ‖y − x‖²  subject to  1ᵀy = 1, y ≥ 0
func Sparsemax(n int, opt *Options) (*Layer, error) {
	if err := positive("Sparsemax", n); err != nil {
		return nil, err
	}
	m := cvx.NewModel()
	x, y := m.Param("x", n), m.Var("y", n).NonNeg()
	m.Minimize(cvx.SumSquares(cvx.Sub(y, x)))
	m.SubjectTo(cvx.Eq(cvx.Sum(y), cvx.Const(1)))
	return compiled(m, opt)
}

// Simplex projects x ∈ Rⁿ on a simplex of any size, with bounds on the entries
// (the constrained sparsemax is the case total = 1):
//
//	y(x, total, u) = argmin ‖y − x‖²  subject to  1ᵀy = total, 0 ≤ y ≤ u
func Simplex(n int, opt *Options) (*Layer, error) {
	if err := positive("Simplex", n); err != nil {
		return nil, err
	}
	m := cvx.NewModel()
	x, total, u := m.Param("x", n), m.Param("total").NonNeg(), m.Param("u", n).NonNeg()
	y := m.Var("y", n).NonNeg()
	m.Minimize(cvx.SumSquares(cvx.Sub(y, x)))
	m.SubjectTo(cvx.Eq(cvx.Sum(y), total).Named("total"), cvx.Leq(y, u).Named("u"))
	return compiled(m, opt)
}

// Box projects x ∈ Rⁿ on a box:
//
//	y(x, l, u) = argmin ‖y − x‖²  subject to  l ≤ y ≤ u
func Box(n int, opt *Options) (*Layer, error) {
	if err := positive("Box", n); err != nil {
		return nil, err
	}
	m := cvx.NewModel()
	x, l, u := m.Param("x", n), m.Param("l", n), m.Param("u", n)
	y := m.Var("y", n)
	m.Minimize(cvx.SumSquares(cvx.Sub(y, x)))
	m.SubjectTo(cvx.Geq(y, l).Named("l"), cvx.Leq(y, u).Named("u"))
	return compiled(m, opt)
}

// TopK is the limited multi-label projection, a smooth choice of k out of n
// (Amos, Koltun, Kolter, 2019):
//
//	y(x) = argmin −xᵀy − Σ H(yᵢ)  subject to  1ᵀy = k, 0 < y < 1
//
// with the binary entropy H(y) = −y·log y − (1−y)·log(1−y).
func TopK(n, k int, opt *Options) (*Layer, error) {
	if k < 1 || k >= n {
		return nil, fmt.Errorf("layer: TopK of %d out of %d, want 1 ≤ k < n", k, n)
	}
	m := cvx.NewModel()
	x, y := m.Param("x", n), m.Var("y", n)
	h := cvx.Add(cvx.Sum(cvx.Entr(y)), cvx.Sum(cvx.Entr(cvx.Sub(cvx.Const(1), y))))
	m.Minimize(cvx.Sub(cvx.Neg(cvx.Dot(x, y)), h))
	m.SubjectTo(cvx.Eq(cvx.Sum(y), cvx.Const(k)))
	return compiled(m, opt)
}

// Transport moves the masses a ∈ Rᵐ to b ∈ Rⁿ at the least cost, with a quadratic
// term that makes the plan unique and its derivative regular:
//
//	X(C, a, b) = argmin Σ CᵢⱼXᵢⱼ + ½·eps·Σ Xᵢⱼ²  subject to  X1 = a, Xᵀ1 = b, X ≥ 0
func Transport(m, n int, eps float64, opt *Options) (*Layer, error) {
	if err := positive("Transport", m, n); err != nil {
		return nil, err
	}
	if !(eps >= 0) {
		return nil, fmt.Errorf("layer: Transport with eps %g, want 0 or more", eps)
	}
	mo := cvx.NewModel()
	c, a, b := mo.Param("C", m, n), mo.Param("a", m).NonNeg(), mo.Param("b", n).NonNeg()
	x := mo.Var("X", m, n).NonNeg()
	mo.Minimize(cvx.Add(cvx.Dot(c, x), cvx.Scale(eps/2, cvx.SumSquares(x))))
	mo.SubjectTo(cvx.Eq(cvx.SumCols(x), a).Named("a"), cvx.Eq(cvx.SumRows(x).T(), b).Named("b"))
	return compiled(mo, opt)
}

// Isotonic projects x ∈ Rⁿ on the nondecreasing sequences:
//
//	y(x) = argmin ‖y − x‖²  subject to  y₁ ≤ y₂ ≤ … ≤ yₙ
func Isotonic(n int, opt *Options) (*Layer, error) {
	if err := positive("Isotonic", n-1); err != nil {
		return nil, err
	}
	m := cvx.NewModel()
	x, y := m.Param("x", n), m.Var("y", n)
	m.Minimize(cvx.SumSquares(cvx.Sub(y, x)))
	m.SubjectTo(cvx.Geq(cvx.Diff(y), cvx.Const(0)))
	return compiled(m, opt)
}

// TotalVariation denoises a signal x ∈ Rⁿ:
//
//	y(x, lam) = argmin ½‖y − x‖² + lam·Σ|yᵢ₊₁ − yᵢ|
func TotalVariation(n int, opt *Options) (*Layer, error) {
	if err := positive("TotalVariation", n-1); err != nil {
		return nil, err
	}
	m := cvx.NewModel()
	x, lam, y := m.Param("x", n), m.Param("lam").NonNeg(), m.Var("y", n)
	m.Minimize(cvx.Add(cvx.Scale(0.5, cvx.SumSquares(cvx.Sub(y, x))), cvx.Times(lam, cvx.TV(y))))
	return compiled(m, opt)
}
