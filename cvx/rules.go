package cvx

// facts are what the rules derive about an expression.
type facts struct {
	sign         Sign
	curv         Curvature
	vars, params bool // it contains variables, parameters
	broken       bool // it, or a part of it, carries a mistake
}

// rules derives facts. With dpp, parameters count as affine; otherwise as
// constant.
type rules struct {
	dpp      bool
	memo     map[*Expr]facts
	values   constants
	definite map[*Expr][2]bool // of matrices: PSD, and −PSD
}

func newRules(dpp bool) *rules {
	return &rules{dpp: dpp, memo: map[*Expr]facts{}, values: constants{}, definite: map[*Expr][2]bool{}}
}

// A ruled atom has a curvature rule of its own.
type ruled interface {
	rule(r *rules, e *Expr, a []facts) Curvature
}

func (r *rules) of(e *Expr) facts {
	if f, ok := r.memo[e]; ok {
		return f
	}
	f := r.derive(e)
	r.memo[e] = f
	return f
}

func (r *rules) derive(e *Expr) facts {
	if l := e.leaf; l != nil {
		switch l.kind {
		case variable:
			return facts{sign: boundSign(l), curv: Affine, vars: true, broken: e.bad != nil}
		case parameter:
			f := facts{sign: l.sign, curv: Constant, params: true, broken: e.bad != nil}
			if r.dpp {
				f.curv = Affine
			}
			return f
		}
		return facts{sign: l.sign, curv: Constant, broken: e.bad != nil}
	}
	a := make([]facts, len(e.args))
	signs := make([]Sign, len(e.args))
	var f facts
	for i, x := range e.args {
		a[i] = r.of(x)
		signs[i] = a[i].sign
		f.vars = f.vars || a[i].vars
		f.params = f.params || a[i].params
		f.broken = f.broken || a[i].broken
	}
	if f.broken = f.broken || e.bad != nil; f.broken {
		f.curv = UnknownCurvature
		return f
	}
	f.sign = e.atom.sign(signs)
	if !f.vars && !f.params {
		if e.Len() <= 1<<16 {
			f.sign = signOfValues(r.values.of(e).values())
		}
		f.curv = Constant
		return f
	}
	switch at, ok := e.atom.(ruled); {
	case !f.vars && !r.dpp:
		f.curv = Constant
	case ok:
		f.curv = at.rule(r, e, a)
		if _, ok := at.(quadForm); ok && f.curv != UnknownCurvature {
			f.sign = signOf(f.curv.convex(), f.curv.concave())
		}
	default:
		f.curv = compose(e.atom, a, signs)
	}
	return f
}

// boundSign is the sign of a variable with its bounds.
func boundSign(l *leaf) Sign {
	nonneg, nonpos := l.sign.nonneg(), l.sign.nonpos()
	if l.lo != nil {
		nonneg = nonneg || signOfValues(l.lo).nonneg()
	}
	if l.hi != nil {
		nonpos = nonpos || signOfValues(l.hi).nonpos()
	}
	return signOf(nonneg, nonpos)
}

// compose is the composition rule.
func compose(at atom, a []facts, signs []Sign) Curvature {
	c := at.curvature()
	convex, concave := c.convex(), c.concave()
	for i := range a {
		x := a[i].curv
		if x.affine() {
			continue
		}
		m := at.monotone(i, signs)
		convex = convex && (x == Convex && m == NonDecreasing || x == Concave && m == NonIncreasing)
		concave = concave && (x == Concave && m == NonDecreasing || x == Convex && m == NonIncreasing)
	}
	return curvatureOf(convex, concave)
}

// rule of a product: a constant factor, or one that is affine in parameters and
// free of variables beside one that is free of parameters.
func (f *bilinear) rule(r *rules, e *Expr, a []facts) Curvature {
	for i := range a {
		c, x := a[i], a[1-i]
		paramAffine := !c.vars && c.curv.affine() && !x.params
		if c.curv.constant() || paramAffine {
			return x.curv.times(c.sign)
		}
	}
	return UnknownCurvature
}

func (f *quotient) rule(r *rules, e *Expr, a []facts) Curvature {
	if !a[1].curv.constant() {
		return UnknownCurvature
	}
	return a[0].curv.times(a[1].sign)
}

// offenders returns the smallest subexpressions that are to blame for e's
// curvature being unknown.
func (r *rules) offenders(e *Expr, found map[*Expr]bool) (list []*Expr) {
	if r.of(e).curv != UnknownCurvature || found[e] {
		return nil
	}
	for _, a := range e.args {
		list = append(list, r.offenders(a, found)...)
	}
	deeper := false
	for _, a := range e.args {
		deeper = deeper || r.of(a).curv == UnknownCurvature
	}
	if !deeper {
		list = append(list, e)
	}
	found[e] = true
	return list
}

// Curvature returns what the rules derive, parameters being constant.
func (e *Expr) Curvature() Curvature { return newRules(false).of(e).curv }

// Sign returns what the rules derive.
func (e *Expr) Sign() Sign { return newRules(false).of(e).sign }

// DPP says whether the expression obeys the rules with parameters counted as
// affine.
func (e *Expr) DPP() bool { return newRules(true).of(e).curv != UnknownCurvature }

// constants are the values of expressions without variables and parameters.
type constants map[*Expr]*matrix

func (c constants) of(e *Expr) *matrix {
	if e.leaf != nil {
		return e.leaf.value
	}
	m, ok := c[e]
	if !ok {
		m = c.compute(e)
		c[e] = m
	}
	return m
}

func (c constants) compute(e *Expr) *matrix {
	if f, ok := e.atom.(*affine); ok && len(e.args) == 1 {
		switch f.name {
		case "T":
			return c.of(e.args[0]).transpose()
		case "Neg":
			return c.of(e.args[0]).scaled(-1)
		}
	}
	if f, ok := e.atom.(*bilinear); ok && (f.name == "Times" || f.name == "Mul") {
		for i, s := range e.args {
			if s.scalar() && e.args[1-i].Len() > 1 {
				return c.of(e.args[1-i]).scaled(c.of(s).values()[0])
			}
		}
	}
	a := make([][]float64, len(e.args))
	for i, x := range e.args {
		a[i] = c.of(x).values()
	}
	return &matrix{rows: e.rows, cols: e.cols, dense: e.atom.value(e, a)}
}
