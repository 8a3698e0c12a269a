package cvx

import (
	"fmt"
	"math"
)

// power is xᵖ, entry by entry, by the power cone:
//
//	p > 1:      |x| ≤ t^(1/p), and x ≥ 0 unless p is an even integer
//	0 < p < 1:  t ≤ x^p
//	p < 0:      1 ≤ t^(1/(1−p))·x^(−p/(1−p))
type power struct {
	name string
	p    float64
}

// Power is xᵖ, entry by entry. It is convex for p > 1 (on x ≥ 0, unless p is an
// even integer), concave on x ≥ 0 for 0 < p < 1, convex on x > 0 for p < 0.
func Power(x *Expr, p float64) *Expr {
	switch p {
	case 1:
		return x
	case 2:
		return Square(x)
	}
	f := power{"Power", p}
	if p == 0 || math.IsNaN(p) || math.IsInf(p, 0) {
		return wrong(problem("Power", "Power(x, p) takes a finite p other than 0, and this one is %g", p), f, x.rows, x.cols, x)
	}
	return apply(f, x.rows, x.cols, x)
}

// Sqrt is √x, entry by entry.
func Sqrt(x *Expr) *Expr { return apply(power{"Sqrt", 0.5}, x.rows, x.cols, x) }

// InvPos is 1/x, entry by entry, for x > 0.
func InvPos(x *Expr) *Expr { return apply(power{"InvPos", -1}, x.rows, x.cols, x) }

func (f power) label() (string, string) {
	if f.name == "Power" {
		return f.name, fmt.Sprint(f.p)
	}
	return f.name, ""
}

func (f power) even() bool { return f.p > 1 && math.Mod(f.p, 2) == 0 }

func (f power) curvature() Curvature {
	if f.p > 0 && f.p < 1 {
		return Concave
	}
	return Convex
}

func (f power) sign([]Sign) Sign { return NonNegative }

func (f power) monotone(_ int, s []Sign) Monotonicity {
	switch {
	case f.even():
		return awayFromZero(s[0])
	case f.p < 0:
		return NonIncreasing
	case f.p > 1 && !s[0].nonneg(): // the domain ends at 0, where xᵖ stays finite
		return NotMonotone
	}
	return NonDecreasing
}

func (f power) value(_ *Expr, a [][]float64) []float64 {
	return each(a[0], func(x float64) float64 {
		switch {
		case x < 0 && !f.even() || x == 0 && f.p < 0:
			if f.curvature() == Concave {
				return math.Inf(-1)
			}
			return math.Inf(1)
		}
		return math.Pow(math.Abs(x), f.p)
	})
}

func (f power) graph(g *graph, e *Expr, a []lin) lin {
	x, n := a[0], e.Len()
	t, one := g.variables(n), ones(n)
	switch p := f.p; {
	case p > 1:
		g.power(t, one, x, 1/p)
		if !f.even() {
			g.nonneg(x)
		}
	case p > 0:
		g.power(x, one, t, p)
	default:
		g.power(t, x, one, 1/(1-p))
	}
	return t
}

// geoMean is Π xᵢ^wᵢ with Σ w = 1 on x ≥ 0, by a chain of power cones:
//
//	tₖ ≤ tₖ₋₁^(1−aₖ)·xₖ^aₖ,  aₖ = wₖ/(w₀ + … + wₖ)
type geoMean struct {
	extra string
	w     []float64
}

// GeoMean is the geometric mean of all entries, weighted by weights ≥ 0 if they
// are given.
func GeoMean(x *Expr, weights ...float64) *Expr {
	w, sum := append([]float64(nil), weights...), 0.0
	extra := ""
	if len(w) == 0 {
		w = fill(x.Len(), 1)
	} else {
		extra = fmt.Sprint(w)
	}
	bad := len(w) != x.Len()
	for _, v := range w {
		sum += v
		bad = bad || !(v >= 0) || math.IsInf(v, 0)
	}
	for i := range w {
		w[i] /= sum
	}
	f := geoMean{extra, w}
	if bad || sum == 0 {
		return wrong(problem("GeoMean", "GeoMean takes as many weights as entries, here %d, nonnegative and not all zero", x.Len()), f, 1, 1, x)
	}
	return apply(f, 1, 1, x)
}

func (f geoMean) label() (string, string)           { return "GeoMean", f.extra }
func (f geoMean) curvature() Curvature              { return Concave }
func (f geoMean) sign([]Sign) Sign                  { return NonNegative }
func (f geoMean) monotone(int, []Sign) Monotonicity { return NonDecreasing }

func (f geoMean) value(_ *Expr, a [][]float64) []float64 {
	s := 0.0
	for i, x := range a[0] {
		switch {
		case f.w[i] == 0:
		case x < 0:
			return []float64{math.Inf(-1)}
		default:
			s += f.w[i] * math.Log(x)
		}
	}
	return []float64{math.Exp(s)}
}

func (f geoMean) graph(g *graph, _ *Expr, a []lin) lin {
	total, first := 0.0, true
	t := g.variables(1) // stands for the first factor
	for i, w := range f.w {
		x := a[0].gather([]int{i})
		total += w
		switch {
		case w == 0:
			g.nonneg(x)
		case first:
			g.nonneg(stack(t, x.minus(t)))
			first = false
		default:
			next := g.variables(1)
			g.power(x, t, next, w/total)
			t = next
		}
	}
	return t
}

// HarmonicMean is n/Σ(1/xᵢ), for x > 0.
func HarmonicMean(x *Expr) *Expr {
	return Scale(float64(x.Len()), PNorm(x, -1)).Named("HarmonicMean(" + x.String() + ")")
}
