package cvx

import (
	"fmt"
	"strings"
)

// Model collects variables, parameters, an objective and constraints. It is
// used by one goroutine; the Program that it compiles to is safe for all.
type Model struct {
	vars, params []*Expr
	objective    *Expr
	maximize     bool
	constraints  []*Constraint
	problems     []*Problem // what was wrong with declarations
	geometric    bool

	// MaxTerms bounds the coefficients of the canonical form, 16 bytes each; 0:
	// 2²⁶, 1 GiB. A model that needs more is refused.
	MaxTerms int64
}

// NewModel returns an empty model.
func NewModel() *Model { return &Model{} }

// Var declares a variable: a scalar without dims, a vector with one, a matrix
// with two. Names are unique within a model.
func (m *Model) Var(name string, dims ...int) *Expr { return m.declare(variable, name, dims) }

// Param declares a parameter, whose value comes with every solve.
func (m *Model) Param(name string, dims ...int) *Expr { return m.declare(parameter, name, dims) }

func (m *Model) report(p *Problem) { m.problems = append(m.problems, p) }

func (m *Model) declare(k kind, name string, dims []int) *Expr {
	what := "Var"
	if k == parameter {
		what = "Param"
	}
	e := &Expr{rows: 1, cols: 1, name: name, leaf: &leaf{kind: k, model: m}}
	if m.geometric {
		e.leaf.pos, e.leaf.sign = k == variable, signOf(k == variable, false)
	}
	wrong := func(format string, args ...any) {
		p := problem(what, format, args...)
		p.Expr = name
		m.report(p)
	}
	switch {
	case len(dims) > 2:
		wrong("%s(%q) has %d dimensions, want at most 2", what, name, len(dims))
	case len(dims) > 0:
		e.rows = dims[0]
		if len(dims) == 2 {
			e.cols = dims[1]
		}
		if e.rows < 1 || e.cols < 1 {
			wrong("%s(%q) is %s, want at least one entry", what, name, e.dims())
			e.rows, e.cols = max(e.rows, 1), max(e.cols, 1)
		}
	}
	if name == "" {
		wrong("a %v needs a name", k)
	}
	list := &m.vars
	if k == parameter {
		list = &m.params
	}
	for _, l := range [][]*Expr{m.vars, m.params} {
		for _, x := range l {
			if x.name == name {
				wrong("%s(%q): the model has a %v of that name already", what, name, x.leaf.kind)
			}
		}
	}
	e.leaf.index = len(*list)
	*list = append(*list, e)
	return e
}

// Minimize sets the objective, a scalar.
func (m *Model) Minimize(e *Expr) { m.objective, m.maximize = e, false }

// Maximize sets the objective, a scalar to be made as large as possible.
func (m *Model) Maximize(e *Expr) { m.objective, m.maximize = e, true }

// SubjectTo adds constraints.
func (m *Model) SubjectTo(cs ...*Constraint) {
	for _, c := range cs {
		if c == nil {
			m.report(problem("SubjectTo", "constraint %d is nil", len(m.constraints)))
			continue
		}
		m.constraints = append(m.constraints, c)
	}
}

// String prints the model as written.
func (m *Model) String() string {
	var b strings.Builder
	verb := "minimize  "
	if m.maximize {
		verb = "maximize  "
	}
	if m.objective != nil {
		fmt.Fprintf(&b, "%s %v\n", verb, m.objective)
	}
	for i, c := range m.constraints {
		word := "          "
		if i == 0 {
			word = "subject to"
		}
		fmt.Fprintf(&b, "%s %v", word, c)
		if c.name != "" {
			fmt.Fprintf(&b, "   (%s)", c.name)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// relation is the kind of a constraint.
type relation uint8

const (
	equal relation = iota
	lessEqual
	greaterEqual
	inSecondOrder
	inPSD
	inExponential
	inPower
)

// Constraint relates expressions. It is made by [Eq], [Leq], [Geq], [SOC], [PSD],
// [ExpCone] or [PowCone].
type Constraint struct {
	rel   relation
	args  []*Expr
	alpha float64
	name  string
	rows  int // of its multiplier
	cols  int
	bad   *Problem
}

// Named gives the constraint a name, by which its multiplier is asked for and
// messages speak of it.
func (c *Constraint) Named(name string) *Constraint {
	d := *c
	d.name = name
	return &d
}

// Eq is a = b, entry by entry; a dimension of 1 stretches.
func Eq(a, b *Expr) *Constraint { return compare(equal, a, b) }

// Leq is a ≤ b, entry by entry.
func Leq(a, b *Expr) *Constraint { return compare(lessEqual, a, b) }

// Geq is a ≥ b, entry by entry.
func Geq(a, b *Expr) *Constraint { return compare(greaterEqual, a, b) }

func compare(rel relation, a, b *Expr) *Constraint {
	c := &Constraint{rel: rel, args: []*Expr{a, b}}
	rows, cols, ok := broadcast(a, b)
	if !ok {
		c.bad = sizeProblem(c.label(), a, b)
		c.bad.Expr = c.String()
	}
	c.rows, c.cols = rows, cols
	return c
}

// SOC is ‖x‖ ≤ t for a scalar t; x may have any size. The multiplier is
// (z₀, z₁, …), z₀ belonging to t.
func SOC(t, x *Expr) *Constraint {
	c := &Constraint{rel: inSecondOrder, args: []*Expr{t, x}, rows: 1 + x.Len(), cols: 1}
	if !t.scalar() {
		c.bad = problem("SOC", "SOC(t, x) takes a scalar t, and this one is %s", t.dims())
		c.bad.Expr = c.String()
	}
	return c
}

// PSD is ½(X + Xᵀ) positive semidefinite, for a square X. The multiplier is a
// symmetric matrix.
func PSD(x *Expr) *Constraint {
	c := &Constraint{rel: inPSD, args: []*Expr{x}, rows: x.rows, cols: x.cols}
	if !x.square() {
		c.bad = problem("PSD", "PSD(X) takes a square matrix, and this one is %s", x.dims())
		c.bad.Expr = c.String()
	}
	return c
}

// ExpCone is y·exp(x/y) ≤ z, y > 0 (closed), entry by entry. The multiplier has
// one row an entry and three columns.
func ExpCone(x, y, z *Expr) *Constraint { return triple(inExponential, 0, x, y, z) }

// PowCone is x^α·y^(1−α) ≥ |z|, x, y ≥ 0, entry by entry, 0 < α < 1. The
// multiplier has one row an entry and three columns.
func PowCone(x, y, z *Expr, alpha float64) *Constraint {
	c := triple(inPower, alpha, x, y, z)
	if !(alpha > 0 && alpha < 1) && c.bad == nil {
		c.bad = problem("PowCone", "PowCone takes 0 < α < 1, and this one is %g", alpha)
		c.bad.Expr = c.String()
	}
	return c
}

func triple(rel relation, alpha float64, args ...*Expr) *Constraint {
	c := &Constraint{rel: rel, args: args, alpha: alpha, cols: 3}
	rows, cols, ok := broadcast(args...)
	if !ok {
		c.bad = sizeProblem(c.label(), args...)
		c.bad.Expr = c.String()
	}
	c.rows = rows * cols
	return c
}

func (c *Constraint) label() string {
	return [...]string{"Eq", "Leq", "Geq", "SOC", "PSD", "ExpCone", "PowCone"}[c.rel]
}

// String returns the constraint as it is written.
func (c *Constraint) String() string {
	var b strings.Builder
	b.WriteString(c.label())
	b.WriteByte('(')
	for i, a := range c.args {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.String())
	}
	if c.rel == inPower {
		fmt.Fprintf(&b, ", %g", c.alpha)
	}
	b.WriteByte(')')
	return b.String()
}

// broadcast is the common size of operands under the rule that a dimension of 1
// stretches.
func broadcast(args ...*Expr) (rows, cols int, ok bool) {
	rows, cols = 1, 1
	for _, a := range args {
		rows, cols = max(rows, a.rows), max(cols, a.cols)
	}
	for _, a := range args {
		if a.rows != 1 && a.rows != rows || a.cols != 1 && a.cols != cols {
			return rows, cols, false
		}
	}
	return rows, cols, true
}
