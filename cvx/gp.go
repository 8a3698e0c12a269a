package cvx

import (
	"fmt"
	"math"
)

// A log-log convex program (Agrawal, Diamond, Boyd: Disciplined geometric
// programming, 2019) is convex in the logarithms u = log x of its variables.
// Compile replaces every expression e by one for log e(exp u):
//
//	log(a·b) = log a + log b,   log(a + b) = log(exp log a + exp log b),   log xᵖ = p·log x, …
//
// and the parameters by their logarithms, in which the data are affine; then the
// rules of DCP and DPP apply.

// NewGP returns a model of a log-log convex program: geometric programs and
// their generalizations. Variables are positive, and so are parameters, which
// must say so (Positive). It is minimized what is built of positive constants,
// parameters and variables by Mul, Times, Div, Add, Sum, Mean, Power, Sqrt,
// Square, InvPos, Exp, Max, Maximum, GeoMean, Prod and norms, and compared by
// Leq, Geq and (monomials only) Eq.
//
// Multipliers are those of log a ≤ log b: relative changes of the objective for
// relative changes of a constraint.
func NewGP() *Model { return &Model{geometric: true} }

// Prod is the product of all entries: a monomial in a model of [NewGP], where
// alone the rules know it.
func Prod(x *Expr) *Expr {
	return Power(GeoMean(x), float64(x.Len())).Named("Prod(" + x.String() + ")")
}

// logarithms turns a model into that of its logarithms.
type logarithms struct {
	from, to *Model
	rules    *rules
	memo     map[*Expr]*Expr
	problems []*Problem
}

// logarithm returns the model in the logarithms of m's variables, and what is not
// log-log convex.
func (m *Model) logarithm() (*Model, []*Problem) {
	t := &logarithms{from: m, to: NewModel(), rules: newRules(true), memo: map[*Expr]*Expr{}}
	t.to.MaxTerms, t.to.maximize = m.MaxTerms, m.maximize
	for _, v := range m.vars {
		u := t.to.Var(v.name, v.rows, v.cols)
		t.memo[v] = u
		if v.leaf.form != full {
			t.refuse(v, "a variable of a log-log convex program is positive, and a Symmetric, PSD or Diagonal matrix is not, entry by entry", "")
			continue
		}
		if v.leaf.sign.nonpos() {
			t.refuse(v, fmt.Sprintf("variable %s of a log-log convex program is positive, and is declared NonPos", v.name), "")
		}
		t.bounds(v, u)
	}
	for _, p := range m.params {
		t.memo[p] = t.to.Param(p.name, p.rows, p.cols)
		if p.leaf.form == diagonal {
			t.refuse(p, fmt.Sprintf("parameter %s is Diagonal, and a diagonal matrix has zeros, which have no logarithm", p.name), "a vector parameter, and a constraint for each of its entries")
		}
		if p.leaf.sign.nonpos() {
			t.refuse(p, fmt.Sprintf("parameter %s of a log-log convex program is positive, and is declared NonPos", p.name), "")
		}
		if !p.leaf.pos {
			t.refuse(p, fmt.Sprintf("parameter %s of a log-log convex program is not declared positive", p.name), p.name+".Positive() where it is declared")
		}
	}
	start := len(t.problems)
	where := func(site string) {
		for _, p := range t.problems[start:] {
			p.Where = site
		}
		start = len(t.problems)
	}
	t.to.objective = t.log(m.objective)
	t.judge(m.objective, !m.maximize, m.maximize, "objective")
	where("objective")
	for i, c := range m.constraints {
		d := *c
		d.args = nil
		for _, a := range c.args {
			d.args = append(d.args, t.log(a))
		}
		switch c.rel {
		case equal:
			for _, a := range c.args {
				t.judge(a, true, true, "an equation")
			}
		case lessEqual:
			t.judge(c.args[0], true, false, "the smaller side")
			t.judge(c.args[1], false, true, "the larger side")
		case greaterEqual:
			t.judge(c.args[0], false, true, "the larger side")
			t.judge(c.args[1], true, false, "the smaller side")
		default:
			t.problems = append(t.problems, problem("GP", "%s has no meaning in a log-log convex program", c.label()))
			t.problems[len(t.problems)-1].Expr = c.String()
		}
		where(m.nameOf(i))
		t.to.constraints = append(t.to.constraints, &d)
	}
	return t.to, t.problems
}

func (t *logarithms) bounds(v, u *Expr) {
	log := func(b []float64) []float64 {
		if b == nil {
			return nil
		}
		return each(b, func(x float64) float64 {
			if x <= 0 {
				return math.Inf(-1)
			}
			return math.Log(x)
		})
	}
	u.leaf.lo, u.leaf.hi = log(v.leaf.lo), log(v.leaf.hi)
	for _, x := range v.leaf.hi {
		if x <= 0 {
			t.refuse(v, fmt.Sprintf("variable %s is positive, and has the upper bound %g", v.name, x), "")
		}
	}
}

func (t *logarithms) refuse(e *Expr, rule, instead string) {
	t.problems = append(t.problems, &Problem{Kind: "GP", Expr: e.String(), Rule: rule, Instead: instead})
}

// judge reports e if its logarithm has a curvature that is known, and not the
// one asked for.
func (t *logarithms) judge(e *Expr, convex, concave bool, where string) {
	c := t.rules.of(t.log(e)).curv
	if c == UnknownCurvature || (!convex || c.convex()) && (!concave || c.concave()) {
		return
	}
	want := "log-log affine (a monomial)"
	switch {
	case !concave:
		want = "log-log convex (a posynomial, say)"
	case !convex:
		want = "log-log concave (a monomial, say)"
	}
	t.refuse(e, fmt.Sprintf("%s must be %s, and this is log-log %v", where, want, c), "")
}

// log returns an expression for log e.
func (t *logarithms) log(e *Expr) *Expr {
	if l, ok := t.memo[e]; ok {
		return l
	}
	l, why, instead := t.rewrite(e)
	if l == nil {
		t.refuse(e, why, instead)
		l = t.to.unknown(e)
	} else if f := t.rules.of(l); f.curv == UnknownCurvature && !t.unknownArgument(e) {
		text := ""
		for i, a := range e.args {
			if i > 0 {
				text += ", "
			}
			text += fmt.Sprintf("%v is log-log %v", a, t.rules.of(t.log(a)).curv)
		}
		t.refuse(e, "log-log convex and concave parts do not go together here: "+text, "")
	}
	t.memo[e] = l
	return l
}

func (t *logarithms) unknownArgument(e *Expr) bool {
	for _, a := range e.args {
		if t.rules.of(t.log(a)).curv == UnknownCurvature {
			return true
		}
	}
	return false
}

// unknown stands for what has no logarithm, once that has been reported.
func (m *Model) unknown(e *Expr) *Expr {
	return &Expr{rows: e.rows, cols: e.cols, name: "?", leaf: &leaf{kind: constant, value: &matrix{rows: e.rows, cols: e.cols, dense: make([]float64, e.Len())}}}
}

func (t *logarithms) rewrite(e *Expr) (l *Expr, why, instead string) {
	if e.leaf != nil || !t.dependent(e) {
		v := t.rules.values.of(e).values()
		for _, x := range v {
			if !(x > 0) {
				return nil, fmt.Sprintf("the constant %g is not positive", x), ""
			}
		}
		return &Expr{rows: e.rows, cols: e.cols, leaf: &leaf{kind: constant, value: &matrix{rows: e.rows, cols: e.cols, dense: each(v, math.Log)}}}, "", ""
	}
	a := make([]*Expr, len(e.args))
	for i, x := range e.args {
		a[i] = t.log(x)
	}
	x := e.args[0]
	switch f := e.atom.(type) {
	case *bilinear:
		switch {
		case f.name == "Times" || f.name == "Mul" && (x.scalar() || e.args[1].scalar()):
			return Add(a[0], a[1]), "", ""
		case f.name == "Mul":
			// log Σ exp(log aᵢₖ + log bₖⱼ)
			k, n := x.cols, e.cols
			ia, ib := make([]int, 0, e.Len()*k), make([]int, 0, e.Len()*k)
			for i := range e.rows {
				for j := range n {
					for l := range k {
						ia, ib = append(ia, i*k+l), append(ib, l*n+j)
					}
				}
			}
			sum := Add(a[0].Pick(ia...), a[1].Pick(ib...))
			return Reshape(logSumExps(Reshape(sum, e.Len(), k)), e.rows, e.cols), "", ""
		}
	case *quotient:
		return Sub(a[0], a[1]), "", ""
	case *affine:
		switch {
		case f.dst != nil:
			l = t.grouped(a[0], f.dst(), e)
			if f.coef != 1 {
				l = Add(l, Const(math.Log(f.coef)))
			}
			return l, "", ""
		case f.name == "Add":
			cols := make([]*Expr, len(a))
			for i := range a {
				cols[i] = a[i].Pick(stretched(a[i].rows, a[i].cols, e.rows, e.cols)...)
			}
			return Reshape(logSumExps(HStack(cols...)), e.rows, e.cols), "", ""
		case f.idx != nil:
			for _, k := range f.idx() {
				if k < 0 {
					return nil, "a Diag matrix has zeros, which have no logarithm", ""
				}
			}
			return apply(f, e.rows, e.cols, a...), "", ""
		case f.name == "HStack" || f.name == "VStack":
			return apply(f, e.rows, e.cols, a...), "", ""
		case f.name == "Trace":
			idx := make([]int, x.rows)
			for i := range idx {
				idx[i] = i * (x.rows + 1)
			}
			return LogSumExp(a[0].Pick(idx...)), "", ""
		case f.name == "Sub":
			return nil, "a difference has no log-log curvature", "bring the subtracted term to the other side of the inequality, where it is added"
		}
	case extreme, sumLargest:
		if s, ok := f.(sumLargest); ok && (s.k != 1 || s.name != "SumLargest") {
			break
		}
		return apply(f, e.rows, e.cols, a...), "", ""
	case power:
		return Scale(f.p, a[0]), "", ""
	case square:
		return Scale(2, a[0]), "", ""
	case sumOfSquares:
		return LogSumExp(Scale(2, a[0])), "", ""
	case quadOverLin:
		return Sub(LogSumExp(Scale(2, a[0])), a[1]), "", ""
	case norm1:
		return LogSumExp(a[0]), "", ""
	case normInf:
		return Max(a[0]), "", ""
	case norm2:
		return Scale(0.5, LogSumExp(Scale(2, a[0]))), "", ""
	case pnorm:
		if f.p > 0 {
			return Scale(1/f.p, LogSumExp(Scale(f.p, a[0]))), "", ""
		}
	case abs:
		return a[0], "", ""
	case geoMean:
		return Sum(Times(Const(f.w), Vec(a[0]))), "", ""
	case *scalarAtom:
		if f == expAtom {
			return Exp(a[0]), "", ""
		}
	}
	name, _ := e.atom.label()
	return nil, name + " has no log-log form here", ""
}

// dependent says whether e has variables or parameters.
func (t *logarithms) dependent(e *Expr) bool {
	f := t.rules.of(e)
	return f.vars || f.params
}

// grouped is log Σ exp over the entries that go to the same place.
func (t *logarithms) grouped(l *Expr, dst []int, e *Expr) *Expr {
	members := make([][]int, e.Len())
	for k, d := range dst {
		members[d] = append(members[d], k)
	}
	var order []int
	for _, m := range members {
		order = append(order, m...)
	}
	return Reshape(logSumExps(Reshape(l.Pick(order...), e.Len(), len(members[0]))), e.rows, e.cols)
}

// logSumExps is LogSumExp of each row of a matrix.
func logSumExps(x *Expr) *Expr {
	if x.cols == 1 {
		return x
	}
	return apply(logSumExp{rows: true}, x.rows, 1, x)
}
