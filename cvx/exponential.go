package cvx

import "math"

// This file has the atoms of the exponential cone, y·exp(x/y) ≤ z.

// scalarAtom is a function of one variable, applied entry by entry.
type scalarAtom struct {
	name  string
	curv  Curvature
	signs func(s Sign) Sign
	mono  Monotonicity
	f     func(x float64) float64
	form  func(g *graph, x, t lin) // t on the right side of f(x)
}

func (f *scalarAtom) label() (string, string)                { return f.name, "" }
func (f *scalarAtom) curvature() Curvature                   { return f.curv }
func (f *scalarAtom) sign(s []Sign) Sign                     { return f.signs(s[0]) }
func (f *scalarAtom) monotone(int, []Sign) Monotonicity      { return f.mono }
func (f *scalarAtom) value(_ *Expr, a [][]float64) []float64 { return each(a[0], f.f) }

func (f *scalarAtom) graph(g *graph, e *Expr, a []lin) lin {
	t := g.variables(e.Len())
	f.form(g, a[0], t)
	return t
}

func anySign(Sign) Sign      { return UnknownSign }
func alwaysNonneg(Sign) Sign { return NonNegative }

var (
	// exp(x) ≤ t
	expAtom = &scalarAtom{"Exp", Convex, alwaysNonneg, NonDecreasing, math.Exp,
		func(g *graph, x, t lin) { g.exponential(x, ones(x.rows()), t) }}
	// log(x) ≥ t
	logAtom = &scalarAtom{"Log", Concave, anySign, NonDecreasing,
		func(x float64) float64 {
			if x < 0 {
				return math.Inf(-1)
			}
			return math.Log(x)
		},
		func(g *graph, x, t lin) { g.exponential(t, ones(x.rows()), x) }}
	// −x·log(x) ≥ t  ⟺  x·exp(t/x) ≤ 1
	entrAtom = &scalarAtom{"Entr", Concave, anySign, NotMonotone,
		func(x float64) float64 {
			switch {
			case x < 0:
				return math.Inf(-1)
			case x == 0:
				return 0
			}
			return -x * math.Log(x)
		},
		func(g *graph, x, t lin) { g.exponential(t, x, ones(x.rows())) }}
	// log(1 + exp(x)) ≤ t  ⟺  exp(x−t) + exp(−t) ≤ 1
	logisticAtom = &scalarAtom{"Logistic", Convex, alwaysNonneg, NonDecreasing,
		func(x float64) float64 {
			if x > 0 {
				return x + math.Log1p(math.Exp(-x))
			}
			return math.Log1p(math.Exp(x))
		},
		func(g *graph, x, t lin) {
			n := x.rows()
			u := g.variables(n)
			g.exponential(x.minus(t), ones(n), u)
			g.exponential(t.neg(), ones(n), ones(n).minus(u))
		}}
)

// Exp is eˣ, entry by entry.
func Exp(x *Expr) *Expr { return apply(expAtom, x.rows, x.cols, x) }

// Log is the natural logarithm, entry by entry, of x > 0.
func Log(x *Expr) *Expr { return apply(logAtom, x.rows, x.cols, x) }

// Entr is the entropy −x·log(x), entry by entry, of x ≥ 0.
func Entr(x *Expr) *Expr { return apply(entrAtom, x.rows, x.cols, x) }

// Logistic is log(1 + eˣ), entry by entry.
func Logistic(x *Expr) *Expr { return apply(logisticAtom, x.rows, x.cols, x) }

// logSumExp is log Σ exp(xᵢ) ≤ t  ⟺  Σ exp(xᵢ − t) ≤ 1, of all entries or of
// each row.
type logSumExp struct{ rows bool }

// LogSumExp is log Σ exp(xᵢ) over all entries.
func LogSumExp(x *Expr) *Expr { return apply(logSumExp{}, 1, 1, x) }

func (f logSumExp) label() (string, string) {
	if f.rows {
		return "LogSumExp", "each row"
	}
	return "LogSumExp", ""
}
func (logSumExp) curvature() Curvature              { return Convex }
func (logSumExp) sign([]Sign) Sign                  { return UnknownSign }
func (logSumExp) monotone(int, []Sign) Monotonicity { return NonDecreasing }

func (logSumExp) value(e *Expr, a [][]float64) []float64 {
	y := make([]float64, e.rows)
	n := len(a[0]) / e.rows
	for i := range y {
		top, s := math.Inf(-1), 0.0
		row := a[0][i*n : (i+1)*n]
		for _, x := range row {
			top = math.Max(top, x)
		}
		for _, x := range row {
			s += math.Exp(x - top)
		}
		y[i] = top + math.Log(s)
	}
	return y
}

func (logSumExp) graph(g *graph, e *Expr, a []lin) lin {
	rows, n := e.rows, a[0].rows()
	group := make([]int, n)
	for k := range group {
		group[k] = k / (n / rows)
	}
	t, u := g.variables(rows), g.variables(n)
	g.exponential(a[0].minus(t.gather(group)), ones(n), u)
	g.nonneg(ones(rows).minus(u.collect(group, rows, nil)))
	return t
}

// relEntr is x·log(x/y); klDiv adds y − x:
//
//	x·log(x/y) ≤ t  ⟺  x·exp(−t/x) ≤ y
type relEntr struct{ kl bool }

// RelEntr is the relative entropy x·log(x/y), entry by entry, of x ≥ 0, y > 0; a
// dimension of 1 stretches.
func RelEntr(x, y *Expr) *Expr { return relEntrOf(relEntr{false}, x, y) }

// KLDiv is x·log(x/y) − x + y, entry by entry.
func KLDiv(x, y *Expr) *Expr { return relEntrOf(relEntr{true}, x, y) }

func relEntrOf(f relEntr, x, y *Expr) *Expr {
	rows, cols, ok := broadcast(x, y)
	if !ok {
		name, _ := f.label()
		return wrong(sizeProblem(name, x, y), f, rows, cols, x, y)
	}
	return apply(f, rows, cols, x, y)
}

func (f relEntr) label() (string, string) {
	if f.kl {
		return "KLDiv", ""
	}
	return "RelEntr", ""
}
func (f relEntr) curvature() Curvature { return Convex }

func (f relEntr) sign([]Sign) Sign {
	if f.kl {
		return NonNegative
	}
	return UnknownSign
}

func (f relEntr) monotone(i int, _ []Sign) Monotonicity {
	if i == 1 && !f.kl {
		return NonIncreasing
	}
	return NotMonotone
}

func (f relEntr) value(e *Expr, a [][]float64) []float64 {
	z := make([]float64, e.Len())
	ix := stretched(e.args[0].rows, e.args[0].cols, e.rows, e.cols)
	iy := stretched(e.args[1].rows, e.args[1].cols, e.rows, e.cols)
	for k := range z {
		x, y := a[0][ix[k]], a[1][iy[k]]
		switch {
		case x < 0 || y < 0 || y == 0 && x > 0:
			z[k] = math.Inf(1)
			continue
		case x > 0:
			z[k] = x * math.Log(x/y)
		}
		if f.kl {
			z[k] += y - x
		}
	}
	return z
}

func (f relEntr) graph(g *graph, e *Expr, a []lin) lin {
	x := a[0].stretch(e.args[0].rows, e.args[0].cols, e.rows, e.cols)
	y := a[1].stretch(e.args[1].rows, e.args[1].cols, e.rows, e.cols)
	t := g.variables(e.Len())
	g.exponential(t.neg(), x, y)
	if f.kl {
		return t.plus(1, y).minus(x)
	}
	return t
}
