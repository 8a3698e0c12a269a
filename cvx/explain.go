package cvx

import (
	"fmt"
	"slices"
)

// check holds the model against the rules and returns what is wrong with it.
func (m *Model) check() []*Problem {
	problems := slices.Clone(m.problems)
	if m.objective == nil {
		problems = append(problems, problem("Compile", "the model has no objective").instead("Minimize(Const(0)) to look for a feasible point"))
	}
	problems = append(problems, m.names()...)
	used := map[*Expr]bool{}
	type site struct {
		where string
		args  []*Expr
		bad   *Problem
		judge func(r *rules, kind string) *Problem
	}
	var sites []site
	if e := m.objective; e != nil {
		sites = append(sites, site{"objective", []*Expr{e}, m.objectiveSize(), m.judgeObjective})
	}
	for i, c := range m.constraints {
		sites = append(sites, site{m.nameOf(i), c.args, c.bad, c.judge})
	}
	for _, s := range sites {
		var found []*Problem
		seen := map[*Expr]bool{}
		for _, a := range s.args {
			found = append(found, m.misuses(a, seen, used)...)
		}
		if s.bad != nil && len(found) == 0 {
			found = append(found, s.bad)
		}
		if len(found) == 0 && !m.geometric { // a GP is judged in its logarithms
			found = judged(newRules(false), "DCP", s.args, s.judge)
		}
		if len(found) == 0 && !m.geometric {
			found = judged(newRules(true), "DPP", s.args, s.judge)
		}
		for _, p := range found {
			q := *p
			q.Where = s.where
			problems = append(problems, &q)
		}
	}
	for _, v := range m.vars {
		if !used[v] && len(problems) == 0 {
			p := problem("Var", "variable %s is declared and not used: no solution would tell its value", v.name)
			p.Expr = v.name
			problems = append(problems, p)
		}
	}
	return problems
}

// judged applies one set of rules to a constraint or the objective.
func judged(r *rules, kind string, args []*Expr, judge func(*rules, string) *Problem) (found []*Problem) {
	seen := map[*Expr]bool{}
	for _, a := range args {
		for _, e := range r.offenders(a, seen) {
			found = append(found, r.explain(e, kind))
		}
	}
	if len(found) == 0 {
		if p := judge(r, kind); p != nil {
			found = append(found, p)
		}
	}
	return found
}

// nameOf is how messages call constraint i.
func (m *Model) nameOf(i int) string {
	if name := m.constraints[i].name; name != "" {
		return fmt.Sprintf("constraint %q", name)
	}
	return fmt.Sprintf("constraint %d", i)
}

func (m *Model) names() (found []*Problem) {
	seen := map[string]bool{}
	for i, c := range m.constraints {
		name := c.name
		if name == "" {
			name = fmt.Sprint(i) // as Program.Duals calls it
		}
		if seen[name] {
			p := problem("Named", "two constraints are named %q, and their multipliers could not be told apart; one without a name is called by its number", name)
			p.Expr = c.String()
			found = append(found, p)
		}
		seen[name] = true
	}
	return found
}

// misuses collects the mistakes that an expression carries, and marks the leaves
// that it uses.
func (m *Model) misuses(e *Expr, seen, used map[*Expr]bool) (found []*Problem) {
	if seen[e] {
		return nil
	}
	seen[e] = true
	if l := e.leaf; l != nil {
		switch {
		case l.kind == constant:
		case l.model != m:
			p := problem("Model", "%v %s belongs to another model", l.kind, e.name)
			p.Expr = e.name
			found = append(found, p)
		case l.kind == variable:
			used[m.vars[l.index]] = true
		}
	}
	for _, a := range e.args {
		found = append(found, m.misuses(a, seen, used)...)
	}
	if e.bad != nil && len(found) == 0 {
		found = append(found, e.bad)
	}
	return found
}

func (m *Model) objectiveSize() *Problem {
	if e := m.objective; !e.scalar() {
		p := problem("Minimize", "an objective is a scalar, and this one is %s", e.dims()).instead("Sum, SumSquares, Max or a norm of it")
		p.Expr = e.String()
		return p
	}
	return nil
}

func (m *Model) judgeObjective(r *rules, kind string) *Problem {
	f := r.of(m.objective)
	var p *Problem
	switch {
	case !m.maximize && !f.curv.convex():
		p = problem(kind, "the objective of a minimization is convex, and this one is %v", f.curv).
			instead("Maximize, if that is what is meant; a concave function has no single minimum to find")
	case m.maximize && !f.curv.concave():
		p = problem(kind, "the objective of a maximization is concave, and this one is %v", f.curv).
			instead("Minimize, if that is what is meant; a convex function has no single maximum to find")
	default:
		return nil
	}
	p.Expr, p.Curvature = m.objective.String(), f.curv
	if kind == "DPP" {
		p.Rule += ", when parameters count as affine"
		p.Instead = "a new parameter for the part that depends on parameters alone"
	}
	return p
}

func (c *Constraint) judge(r *rules, kind string) *Problem {
	curv := make([]Curvature, len(c.args))
	allAffine := true
	for i, a := range c.args {
		curv[i] = r.of(a).curv
		allAffine = allAffine && curv[i].affine()
	}
	var p *Problem
	switch c.rel {
	case equal:
		if allAffine {
			return nil
		}
		i := 0
		if curv[0].affine() {
			i = 1
		}
		p = problem(kind, "an equation has affine sides, and %v is %v", c.args[i], curv[i]).
			instead("Leq or Geq, whichever keeps the convex side small: it is tight at the optimum if the objective pulls that way")
	case lessEqual, greaterEqual:
		small, big := 0, 1
		if c.rel == greaterEqual {
			small, big = 1, 0
		}
		if curv[small].convex() && curv[big].concave() {
			return nil
		}
		p = problem(kind, "the smaller side of an inequality is convex and the larger one concave; here they are %v and %v", curv[small], curv[big])
		switch {
		case curv[small].concave() && curv[big].convex():
			p.instead("nothing: the points that satisfy it are the outside of a convex set; turn the inequality around if it is the inside that is meant")
		default:
			p.instead("bring all convex terms to the smaller side and all concave ones to the larger")
		}
	case inSecondOrder:
		if curv[0].concave() && curv[1].affine() {
			return nil
		}
		p = problem(kind, "SOC(t, x) takes an affine x and a t that is concave; here they are %v and %v", curv[1], curv[0]).
			instead("Leq(Norm2(x), t), which allows more")
	default:
		if allAffine {
			return nil
		}
		p = problem(kind, "%s takes affine expressions, and one here is %v", c.label(), curv[slices.IndexFunc(curv, func(c Curvature) bool { return !c.affine() })]).
			instead("a variable in its place, with an inequality between the two")
	}
	p.Expr = c.String()
	if kind == "DPP" {
		p.Rule += " (parameters counting as affine)"
		p.Instead = "a new parameter for the part that depends on parameters alone"
	}
	return p
}

// explain says why the rules do not know the curvature of e, all of whose
// arguments have one.
func (r *rules) explain(e *Expr, kind string) *Problem {
	a := make([]facts, len(e.args))
	signs := make([]Sign, len(e.args))
	for i, x := range e.args {
		a[i] = r.of(x)
		signs[i] = a[i].sign
	}
	p := &Problem{Kind: kind, Expr: e.String()}
	switch f := e.atom.(type) {
	case *bilinear:
		r.explainProduct(p, e, a)
	case *quotient:
		switch {
		case a[1].vars:
			p.Rule = fmt.Sprintf("division by %v, which has variables", e.args[1])
			p.Instead = fmt.Sprintf("for a positive denominator, QuadOverLin(x, y) for x²/y, or a constant or parameter times InvPos(%v)", e.args[1])
		case a[1].params:
			p.Rule = fmt.Sprintf("1/%v is not affine in the parameters", e.args[1])
			p.Instead = fmt.Sprintf("a new parameter that holds 1/%v, and Times", e.args[1])
		default:
			p.Rule = fmt.Sprintf("dividing %v, which is %v, by something of unknown sign", e.args[0], a[0].curv)
		}
	case quadForm:
		r.explainForm(p, e, a)
	default:
		r.explainComposition(p, e, f, a, signs)
	}
	return p
}

func (r *rules) explainProduct(p *Problem, e *Expr, a []facts) {
	x, y := e.args[0], e.args[1]
	switch {
	case a[0].vars && a[1].vars:
		p.Rule = fmt.Sprintf("a product of two expressions with variables (%v is %v, %v is %v) is neither convex nor concave in general", x, a[0].curv, y, a[1].curv)
		switch {
		case same(x, y):
			p.Instead = fmt.Sprintf("Square(%v)", x)
		case isTranspose(x, y):
			p.Instead = fmt.Sprintf("SumSquares(%v)", y)
		case isLogOf(y, x):
			p.Instead = fmt.Sprintf("Neg(Entr(%v))", x)
		case isLogOf(x, y):
			p.Instead = fmt.Sprintf("Neg(Entr(%v))", y)
		case formMatrix(x, y) != "":
			p.Instead = formMatrix(x, y)
		default:
			p.Instead = "make one factor a parameter and alternate between the two, or, for nonnegative factors, GeoMean of both (concave)"
		}
	case a[0].params && a[1].params:
		f := x
		if a[0].vars || !a[1].vars {
			f = y
		}
		p.Rule = "both factors depend on parameters, and the product is not affine in them"
		o := other(e, f)
		tie := "Eq(s, %v)"
		switch c := r.of(o).curv; {
		case c == Convex:
			tie = "Leq(%v, s)"
		case c == Concave:
			tie = "Geq(%v, s)"
		}
		p.Instead = fmt.Sprintf("a new parameter for the product of parameters; or a variable s with "+tie+", and s in its place", o)
	case a[0].params && !a[0].vars || a[1].params && !a[1].vars:
		i := 0
		if !(a[0].params && !a[0].vars) {
			i = 1
		}
		if a[i].curv.affine() {
			p.Rule = fmt.Sprintf("%v is %v, and the factor %v has an unknown sign", e.args[1-i], a[1-i].curv, e.args[i])
			p.Instead = fmt.Sprintf("declare the sign: %v.NonNeg()", e.args[i])
			return
		}
		p.Rule = fmt.Sprintf("the factor %v is not affine in the parameters", e.args[i])
		p.Instead = fmt.Sprintf("a new parameter that holds %v", e.args[i])
	default:
		i := 0
		if a[0].vars {
			i = 1
		}
		p.Rule = fmt.Sprintf("%v is %v, and the factor %v has entries of both signs", e.args[1-i], a[1-i].curv, e.args[i])
		p.Instead = "split the factor into its positive and negative entries; the sum must still obey the rules"
	}
}

// other returns the factor that is not f.
func other(e, f *Expr) *Expr {
	if e.args[0] == f {
		return e.args[1]
	}
	return e.args[0]
}

func (r *rules) explainForm(p *Problem, e *Expr, a []facts) {
	x, q := e.args[0], e.args[1]
	switch {
	case a[1].vars:
		p.Rule = "the matrix of a QuadForm is constant or a parameter, and this one has variables"
		p.Instead = "MatrixFrac(x, P) for xᵀP⁻¹x, which is convex in both"
	case !a[0].curv.affine():
		p.Rule = fmt.Sprintf("QuadForm takes an affine vector, and %v is %v", x, a[0].curv)
		p.Instead = "SumSquares of a nonnegative convex expression"
	case a[0].params && a[1].params:
		p.Rule = "vector and matrix both depend on parameters"
		p.Instead = fmt.Sprintf("a variable s with Eq(s, %v), and QuadForm(s, %v)", x, q)
	case a[1].params:
		p.Rule = fmt.Sprintf("the parameter matrix %v is not declared positive semidefinite", q)
		p.Instead = fmt.Sprintf("%v.PSD() where it is declared", q)
		if q.leaf == nil {
			p.Rule = fmt.Sprintf("nothing shows that %v is positive semidefinite for all values of its parameters: sums of PSD matrices, their products with numbers of known sign and products entry by entry, and Diag of a NonNeg vector are", q)
			p.Instead = "a parameter for the whole matrix, declared PSD"
			if q.function() == "Mul" {
				p.Instead = "QuadForm(Mul(A, x), P) for the matrix AᵀPA, SumSquares(Mul(R, x)) for RᵀR"
			}
		}
	default:
		eig := eigenvalues(r.values.of(q))
		if eig == nil {
			p.Rule = fmt.Sprintf("the matrix %v is not symmetric", q)
			p.Instead = "½(P + Pᵀ), which has the same quadratic form"
			return
		}
		p.Rule = fmt.Sprintf("the matrix %v is indefinite: its eigenvalues go from %.3g to %.3g", q, eig[0], eig[len(eig)-1])
		p.Instead = fmt.Sprintf("add %.3g to its diagonal if the negative ones are noise; the form is not convex otherwise", -eig[0])
	}
}

func (r *rules) explainComposition(p *Problem, e *Expr, f atom, a []facts, signs []Sign) {
	name, _ := f.label()
	c := f.curvature()
	if c == Affine {
		// Parts of both kinds, or of one kind where the entries enter with both signs.
		var kinds []string
		for i := range a {
			if !a[i].curv.affine() {
				kinds = append(kinds, fmt.Sprintf("%v is %v", e.args[i], a[i].curv))
			}
		}
		p.Rule = fmt.Sprintf("%s mixes signs of curvature: %s", name, join(kinds))
		switch {
		case name == "Diff":
			p.Rule = fmt.Sprintf("Diff takes differences, and a difference of %v entries is neither convex nor concave", a[0].curv)
			p.Instead = "affine entries"
		case len(kinds) == 2 && name == "Sub":
			p.Instead = "Add, if a sum is meant; a difference of convex functions is not convex in general"
		default:
			p.Instead = "only convex terms (and the negative of concave ones), or only concave ones"
		}
		return
	}
	for i := range a {
		m := f.monotone(i, signs)
		x := a[i].curv
		fits := c == Convex && (x == Convex && m == NonDecreasing || x == Concave && m == NonIncreasing) ||
			c == Concave && (x == Concave && m == NonDecreasing || x == Convex && m == NonIncreasing)
		if x.affine() || fits {
			continue
		}
		p.Rule = fmt.Sprintf("%s is %v and %v in this argument, which is %v (%v): %s", name, c, m, x, e.args[i], wanted(c, m))
		p.Instead = r.rewrite(e, i, signs)
		return
	}
	p.Rule = "the composition rule does not apply"
}

// wanted is what a function takes as its argument.
func wanted(c Curvature, m Monotonicity) string {
	switch {
	case m == NotMonotone:
		return "it takes an affine one"
	case (c == Convex) == (m == NonDecreasing):
		return "it takes a convex or affine one"
	}
	return "it takes a concave or affine one"
}

// rewrite is the usual way out for e = f(…, argument i, …).
func (r *rules) rewrite(e *Expr, i int, signs []Sign) string {
	outer, x := labelOf(e), e.args[i]
	inner := labelOf(x)
	switch {
	case outer == "Sqrt" && inner == "SumSquares":
		return fmt.Sprintf("Norm2(%v)", x.args[0])
	case outer == "Sqrt" && inner == "QuadForm":
		return "Norm2(Mul(R, x)) with RᵀR the matrix"
	case outer == "Sqrt" && inner == "Square":
		return fmt.Sprintf("Abs(%v)", x.args[0])
	case outer == "Sqrt" && (inner == "Add" || inner == "Sum"):
		return "Norm2 of the stacked terms, if they are squares: √(Σ xᵢ² + ε²) is Norm2(VStack(x, ε))"
	case outer == "Log" && inner == "Sum" && labelOf(x.args[0]) == "Exp":
		return fmt.Sprintf("LogSumExp(%v)", x.args[0].args[0])
	case outer == "Log" && inner == "Exp":
		return x.args[0].String()
	case outer == "Log" && inner == "Add":
		return "Logistic(x) for log(1 + eˣ), LogSumExp for a sum of exponentials"
	case outer == "Exp" && inner == "Log", outer == "Square" && inner == "Sqrt":
		return x.args[0].String()
	case outer == "InvPos" && inner == "Square":
		return fmt.Sprintf("Power(%v, -2)", x.args[0])
	}
	c, m := e.atom.curvature(), e.atom.monotone(i, signs)
	arg := r.of(x)
	if m == NotMonotone && arg.curv == Convex && c == Convex && e.atom.monotone(i, fillSign(len(signs), NonNegative)) == NonDecreasing {
		if _, extra := e.atom.label(); extra != "" {
			return fmt.Sprintf("%s(Pos(%v), %s), or declare the parts so that the argument is known to be nonnegative", outer, x, extra)
		}
		return fmt.Sprintf("%s(Pos(%v)), or declare the parts so that the argument is known to be nonnegative", outer, x)
	}
	switch {
	case m == NonDecreasing && c == Convex, m == NonIncreasing && c == Concave:
		return "a variable in place of the argument with an inequality that keeps it above, if the argument can be replaced by something convex"
	case m == NonDecreasing && c == Concave, m == NonIncreasing && c == Convex:
		return "a variable in place of the argument with an inequality that keeps it below, if the argument can be replaced by something concave"
	}
	return "a variable in place of the argument, with an equation if the argument can be made affine"
}

func fillSign(n int, s Sign) []Sign {
	v := make([]Sign, n)
	for i := range v {
		v[i] = s
	}
	return v
}

func labelOf(e *Expr) string {
	if e.atom == nil {
		return ""
	}
	name, _ := e.atom.label()
	return name
}

// same says whether two expressions are written the same way.
func same(a, b *Expr) bool {
	return a == b || a.rows == b.rows && a.cols == b.cols && a.String() == b.String()
}

func isTranspose(a, b *Expr) bool {
	return labelOf(a) == "T" && same(a.args[0], b) || labelOf(b) == "T" && same(b.args[0], a)
}

func isLogOf(l, x *Expr) bool { return labelOf(l) == "Log" && same(l.args[0], x) }

// formMatrix recognizes (xᵀP)·x and xᵀ·(P·x).
func formMatrix(a, b *Expr) string {
	if labelOf(a) == "Mul" && len(a.args) == 2 && isTranspose(a.args[0], b) {
		return fmt.Sprintf("QuadForm(%v, %v)", b, a.args[1])
	}
	if labelOf(b) == "Mul" && len(b.args) == 2 && isTranspose(a, b.args[1]) {
		return fmt.Sprintf("QuadForm(%v, %v)", b.args[1], b.args[0])
	}
	return ""
}

func join(parts []string) string {
	s := ""
	for i, p := range parts {
		switch {
		case i == 0:
			s = p
		case i == len(parts)-1:
			s += " and " + p
		default:
			s += ", " + p
		}
	}
	return s
}
