package cvx

import (
	"fmt"
	"math"
)

// This file has the atoms that are piecewise linear.

// abs is |x|, entry by entry: −t ≤ x ≤ t.
type abs struct{}

// Abs is |x|, entry by entry.
func Abs(x *Expr) *Expr { return apply(abs{}, x.rows, x.cols, x) }

func (abs) label() (string, string)                { return "Abs", "" }
func (abs) curvature() Curvature                   { return Convex }
func (abs) sign([]Sign) Sign                       { return NonNegative }
func (abs) monotone(_ int, s []Sign) Monotonicity  { return awayFromZero(s[0]) }
func (abs) value(_ *Expr, a [][]float64) []float64 { return each(a[0], math.Abs) }

func (abs) graph(g *graph, e *Expr, a []lin) lin {
	t := g.variables(e.Len())
	g.nonneg(stack(t.minus(a[0]), t.plus(1, a[0])))
	return t
}

// norm1 is Σ|xᵢ|.
type norm1 struct{}

// Norm1 is the sum of the absolute values of all entries.
func Norm1(x *Expr) *Expr { return apply(norm1{}, 1, 1, x) }

func (norm1) label() (string, string)               { return "Norm1", "" }
func (norm1) curvature() Curvature                  { return Convex }
func (norm1) sign([]Sign) Sign                      { return NonNegative }
func (norm1) monotone(_ int, s []Sign) Monotonicity { return awayFromZero(s[0]) }
func (norm1) value(_ *Expr, a [][]float64) []float64 {
	s := 0.0
	for _, x := range a[0] {
		s += math.Abs(x)
	}
	return []float64{s}
}

func (norm1) graph(g *graph, e *Expr, a []lin) lin { return abs{}.graph(g, e.args[0], a).sum() }

// normInf is max |xᵢ|: −t ≤ xᵢ ≤ t.
type normInf struct{}

// NormInf is the largest absolute value.
func NormInf(x *Expr) *Expr { return apply(normInf{}, 1, 1, x) }

func (normInf) label() (string, string)               { return "NormInf", "" }
func (normInf) curvature() Curvature                  { return Convex }
func (normInf) sign([]Sign) Sign                      { return NonNegative }
func (normInf) monotone(_ int, s []Sign) Monotonicity { return awayFromZero(s[0]) }
func (normInf) value(_ *Expr, a [][]float64) []float64 {
	s := 0.0
	for _, x := range a[0] {
		s = math.Max(s, math.Abs(x))
	}
	return []float64{s}
}

func (normInf) graph(g *graph, _ *Expr, a []lin) lin {
	t := g.variables(1)
	ts := t.repeat(a[0].rows())
	g.nonneg(stack(ts.minus(a[0]), ts.plus(1, a[0])))
	return t
}

// extreme is the largest or smallest of its operands: one expression's entries,
// or several expressions entry by entry. xᵢ ≤ t for all i.
type extreme struct {
	name  string
	least bool // the smallest
	whole bool // of one expression's entries
}

// Max is the largest entry.
func Max(x *Expr) *Expr { return apply(extreme{"Max", false, true}, 1, 1, x) }

// Min is the smallest entry.
func Min(x *Expr) *Expr { return apply(extreme{"Min", true, true}, 1, 1, x) }

// Maximum is the largest of several expressions, entry by entry; a dimension of
// 1 stretches.
func Maximum(a, b *Expr, more ...*Expr) *Expr {
	return extremeOf(extreme{"Maximum", false, false}, a, b, more)
}

// Minimum is the smallest of several expressions, entry by entry.
func Minimum(a, b *Expr, more ...*Expr) *Expr {
	return extremeOf(extreme{"Minimum", true, false}, a, b, more)
}

func extremeOf(f extreme, a, b *Expr, more []*Expr) *Expr {
	args := append([]*Expr{a, b}, more...)
	rows, cols, ok := broadcast(args...)
	if !ok {
		return wrong(sizeProblem(f.name, args...), f, rows, cols, args...)
	}
	return apply(f, rows, cols, args...)
}

func (f extreme) label() (string, string)           { return f.name, "" }
func (f extreme) monotone(int, []Sign) Monotonicity { return NonDecreasing }

func (f extreme) curvature() Curvature {
	if f.least {
		return Concave
	}
	return Convex
}

func (f extreme) sign(s []Sign) Sign {
	anyNonneg, allNonneg, anyNonpos, allNonpos := false, true, false, true
	for _, t := range s {
		anyNonneg, allNonneg = anyNonneg || t.nonneg(), allNonneg && t.nonneg()
		anyNonpos, allNonpos = anyNonpos || t.nonpos(), allNonpos && t.nonpos()
	}
	if f.least {
		return signOf(allNonneg, anyNonpos)
	}
	return signOf(anyNonneg, allNonpos)
}

func (f extreme) value(e *Expr, a [][]float64) []float64 {
	best := math.Max
	if f.least {
		best = math.Min
	}
	if f.whole {
		x := a[0][0]
		for _, v := range a[0] {
			x = best(x, v)
		}
		return []float64{x}
	}
	var y []float64
	for i, x := range a {
		idx := stretched(e.args[i].rows, e.args[i].cols, e.rows, e.cols)
		if i == 0 {
			y = make([]float64, e.Len())
		}
		for k := range y {
			if v := x[idx[k]]; i == 0 {
				y[k] = v
			} else {
				y[k] = best(y[k], v)
			}
		}
	}
	return y
}

func (f extreme) graph(g *graph, e *Expr, a []lin) lin {
	t := g.variables(e.Len())
	sign := 1.0
	if f.least {
		sign = -1
	}
	for i, x := range a {
		ts := t
		if f.whole {
			ts = t.repeat(x.rows())
		} else {
			x = x.stretch(e.args[i].rows, e.args[i].cols, e.rows, e.cols)
		}
		g.nonneg(ts.minus(x).scale(sign))
	}
	return t
}

// part is max(x, 0) or max(−x, 0).
type part struct{ neg bool }

// Pos is max(x, 0), entry by entry.
func Pos(x *Expr) *Expr { return apply(part{false}, x.rows, x.cols, x) }

// NegPart is max(−x, 0), entry by entry.
func NegPart(x *Expr) *Expr { return apply(part{true}, x.rows, x.cols, x) }

func (f part) label() (string, string) {
	if f.neg {
		return "NegPart", ""
	}
	return "Pos", ""
}
func (f part) curvature() Curvature { return Convex }
func (f part) sign([]Sign) Sign     { return NonNegative }

func (f part) monotone(int, []Sign) Monotonicity {
	if f.neg {
		return NonIncreasing
	}
	return NonDecreasing
}

func (f part) value(_ *Expr, a [][]float64) []float64 {
	return each(a[0], func(x float64) float64 {
		if f.neg {
			x = -x
		}
		return math.Max(x, 0)
	})
}

func (f part) graph(g *graph, e *Expr, a []lin) lin {
	t := g.variables(e.Len())
	x := a[0]
	if f.neg {
		x = x.neg()
	}
	g.nonneg(stack(t, t.minus(x)))
	return t
}

// sumLargest is the sum of the k largest entries:
//
//	the least k·q + Σ sᵢ with s ≥ 0, s ≥ x − q
type sumLargest struct {
	name  string
	extra string
	k     float64 // may be a fraction
	scale float64
}

// SumLargest is the sum of the k largest entries.
func SumLargest(x *Expr, k int) *Expr {
	f := sumLargest{"SumLargest", fmt.Sprint(k), float64(k), 1}
	if k < 1 || k > x.Len() {
		return wrong(problem("SumLargest", "SumLargest(x, k) of %d entries takes 1 ≤ k ≤ %d, and this k is %d", x.Len(), x.Len(), k), f, 1, 1, x)
	}
	return apply(f, 1, 1, x)
}

// SumSmallest is the sum of the k smallest entries.
func SumSmallest(x *Expr, k int) *Expr { return Neg(SumLargest(Neg(x), k)) }

// CVaR is the conditional value at risk of losses x, all equally likely: the
// mean of the worst fraction 1 − beta of them,
//
//	min over q of q + Σ max(xᵢ − q, 0) / ((1 − beta)·n)
func CVaR(x *Expr, beta float64) *Expr {
	k := (1 - beta) * float64(x.Len())
	f := sumLargest{"CVaR", fmt.Sprint(beta), k, 1 / k}
	if !(beta >= 0 && beta < 1) {
		f.k, f.scale = 1, 1
		return wrong(problem("CVaR", "CVaR(x, beta) takes 0 ≤ beta < 1, and this one is %g", beta), f, 1, 1, x)
	}
	return apply(f, 1, 1, x)
}

func (f sumLargest) label() (string, string)           { return f.name, f.extra }
func (f sumLargest) curvature() Curvature              { return Convex }
func (f sumLargest) sign(s []Sign) Sign                { return s[0] }
func (f sumLargest) monotone(int, []Sign) Monotonicity { return NonDecreasing }

func (f sumLargest) value(_ *Expr, a [][]float64) []float64 {
	x := sorted(a[0])
	s, left := 0.0, f.k
	for i := len(x) - 1; i >= 0 && left > 0; i-- {
		s += math.Min(left, 1) * x[i]
		left--
	}
	return []float64{s * f.scale}
}

func (f sumLargest) graph(g *graph, _ *Expr, a []lin) lin {
	n := a[0].rows()
	q, s := g.variables(1), g.variables(n)
	g.nonneg(stack(s, s.plus(1, q.repeat(n)).minus(a[0])))
	return s.sum().plus(f.k, q).scale(f.scale)
}

// TV is the total variation of a vector, Σ|xᵢ₊₁ − xᵢ|, or of an image,
// Σ‖(xᵢ₊₁,ⱼ − xᵢⱼ, xᵢ,ⱼ₊₁ − xᵢⱼ)‖ over all pixels that have both neighbours.
func TV(x *Expr) *Expr {
	switch {
	case x.Len() < 2:
		return wrong(problem("TV", "TV takes at least two entries, and this expression is %s", x.dims()), &affine{name: "TV"}, 1, 1, x)
	case x.vector():
		return Norm1(Diff(x)).Named("TV(" + x.String() + ")")
	}
	r, c := x.rows-1, x.cols-1
	here := x.Slice(0, r, 0, c)
	down := Sub(x.Slice(1, r+1, 0, c), here)
	right := Sub(x.Slice(0, r, 1, c+1), here)
	return Sum(Norms2(HStack(Vec(down), Vec(right)))).Named("TV(" + x.String() + ")")
}
