package cvx

import (
	"fmt"
	"math"
	"slices"
)

// norm2 is ‖x‖₂ of all entries, the Frobenius norm of a matrix: one second-order
// cone.
type norm2 struct{ name string }

// Norm2 is the Euclidean norm of all entries.
func Norm2(x *Expr) *Expr { return apply(norm2{"Norm2"}, 1, 1, x) }

// NormFro is the Frobenius norm of a matrix, the same as Norm2.
func NormFro(x *Expr) *Expr { return apply(norm2{"NormFro"}, 1, 1, x) }

func (f norm2) label() (string, string)               { return f.name, "" }
func (f norm2) curvature() Curvature                  { return Convex }
func (f norm2) sign([]Sign) Sign                      { return NonNegative }
func (f norm2) monotone(_ int, s []Sign) Monotonicity { return awayFromZero(s[0]) }
func (f norm2) value(_ *Expr, a [][]float64) []float64 {
	return []float64{math.Sqrt(sumSquares(a[0]))}
}

func (f norm2) graph(g *graph, _ *Expr, a []lin) lin {
	t := g.variables(1)
	g.soc(t, a[0])
	return t
}

// norms2 has the norms of rows.
type norms2 struct{}

// Norms2 is the column of the Euclidean norms of the rows of a matrix.
func Norms2(x *Expr) *Expr { return apply(norms2{}, x.rows, 1, x) }

func (norms2) label() (string, string)               { return "Norms2", "" }
func (norms2) curvature() Curvature                  { return Convex }
func (norms2) sign([]Sign) Sign                      { return NonNegative }
func (norms2) monotone(_ int, s []Sign) Monotonicity { return awayFromZero(s[0]) }

func (norms2) value(e *Expr, a [][]float64) []float64 {
	n := e.args[0].cols
	y := make([]float64, e.rows)
	for i := range y {
		y[i] = math.Sqrt(sumSquares(a[0][i*n : (i+1)*n]))
	}
	return y
}

func (norms2) graph(g *graph, e *Expr, a []lin) lin {
	t := g.variables(e.rows)
	n := e.args[0].cols
	x := make([]lin, n)
	for j := range x {
		idx := make([]int, e.rows)
		for i := range idx {
			idx[i] = i*n + j
		}
		x[j] = a[0].gather(idx)
	}
	g.socs(t, x...)
	return t
}

// pnorm is (Σ|xᵢ|^p)^(1/p), by power cones with Σ rᵢ = t:
//
//	p > 1:      |xᵢ| ≤ rᵢ^(1/p)·t^(1−1/p)
//	0 < p < 1:  rᵢ ≤ xᵢ^p·t^(1−p), concave on x ≥ 0
//	p < 0:      t ≤ rᵢ^(1/(1−p))·xᵢ^(−p/(1−p)), concave on x > 0
type pnorm struct{ p float64 }

// PNorm is (Σ|xᵢ|^p)^(1/p). It is convex for p ≥ 1, concave on x ≥ 0 for p < 1,
// p ≠ 0; p may be +Inf.
func PNorm(x *Expr, p float64) *Expr {
	switch {
	case p == 1:
		return Norm1(x)
	case p == 2:
		return Norm2(x)
	case math.IsInf(p, 1):
		return NormInf(x)
	case p == 0 || math.IsNaN(p) || math.IsInf(p, -1):
		return wrong(problem("PNorm", "there is no norm with p = %g", p).instead("GeoMean for the limit p → 0"), pnorm{p}, 1, 1, x)
	}
	return apply(pnorm{p}, 1, 1, x)
}

func (f pnorm) label() (string, string) { return "PNorm", fmt.Sprint(f.p) }
func (f pnorm) sign([]Sign) Sign        { return NonNegative }

func (f pnorm) curvature() Curvature {
	if f.p > 1 {
		return Convex
	}
	return Concave
}

func (f pnorm) monotone(_ int, s []Sign) Monotonicity {
	if f.p > 1 {
		return awayFromZero(s[0])
	}
	return NonDecreasing
}

func (f pnorm) value(_ *Expr, a [][]float64) []float64 {
	s := 0.0
	for _, x := range a[0] {
		if f.p < 1 && (x < 0 || x == 0 && f.p < 0) {
			if x < 0 {
				return []float64{math.Inf(-1)}
			}
			return []float64{0}
		}
		s += math.Pow(math.Abs(x), f.p)
	}
	return []float64{math.Pow(s, 1/f.p)}
}

func (f pnorm) graph(g *graph, _ *Expr, a []lin) lin {
	x, n := a[0], a[0].rows()
	t, r := g.variables(1), g.variables(n)
	ts := t.repeat(n)
	g.zero(t.minus(r.sum()))
	switch p := f.p; {
	case p > 1:
		g.power(r, ts, x, 1/p)
	case p > 0:
		g.power(x, ts, r, p)
	default:
		g.power(r, x, ts, 1/(1-p))
	}
	return t
}

// sorted returns the numbers in ascending order.
func sorted(x []float64) []float64 {
	y := slices.Clone(x)
	slices.Sort(y)
	return y
}
