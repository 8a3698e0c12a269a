package cvx

import (
	"fmt"
	"math"
	"strings"

	"github.com/optnet-go/optnet/conic"
)

// graph collects the canonical problem: variables x, rows of cones that are
// affine in x, and the objective.
type graph struct {
	vars, params []*Expr
	n            int   // variables x so far
	firstVar     []int // of each variable of the model
	firstParam   []int // of each parameter, in θ
	blocks       []block
	facts        *rules

	born    map[int32]span // the blocks of the atom that made a variable as its value
	columns map[*Expr]lin  // canonical forms
	ids     map[*Expr]int
	shared  map[string]*Expr // the first expression of each structure
	consts  map[*Expr]*matrix

	quad   []monomial // of the objective
	linear []term
	square []monomial // θ_i·θ_j

	terms, limit int64
	problems     []*Problem
	err          error
}

// block is a run of cones of one kind and size.
type block struct {
	kind  conic.Kind
	dim   int // rows of one cone
	size  int // conic.Cone.Size
	alpha []float64
	rows  lin
}

func newGraph(m *Model, facts *rules, limit int64) *graph {
	g := &graph{
		vars: m.vars, params: m.params, facts: facts, limit: limit,
		born: map[int32]span{}, columns: map[*Expr]lin{}, ids: map[*Expr]int{}, shared: map[string]*Expr{}, consts: map[*Expr]*matrix{},
	}
	first := 0
	for _, p := range m.params {
		g.firstParam = append(g.firstParam, first)
		first += p.size()
	}
	for _, v := range m.vars {
		g.firstVar = append(g.firstVar, g.n)
		g.n += v.unknowns()
	}
	for _, v := range m.vars {
		g.confine(v)
	}
	return g
}

// unknowns is the number of variables x that stand for a variable.
func (e *Expr) unknowns() int {
	switch e.leaf.form {
	case symmetric:
		return e.rows * (e.rows + 1) / 2
	case diagonal:
		return e.rows
	}
	return e.Len()
}

// positions tells which value of a leaf stands for each entry; −1 is zero. Of a
// symmetric variable the upper triangle counts, row by row.
func (e *Expr) positions() []int {
	n := e.rows
	switch {
	case e.leaf.form == diagonal:
		idx := fillInt(n*n, -1)
		for i := range n {
			idx[i*(n+1)] = i
		}
		return idx
	case e.leaf.form == symmetric && e.leaf.kind == variable:
		idx := make([]int, n*n)
		k := 0
		for i := range n {
			for j := i; j < n; j++ {
				idx[i*n+j], idx[j*n+i] = k, k
				k++
			}
		}
		return idx
	}
	return count(e.Len())
}

// confine adds what the attributes of a variable say.
func (g *graph) confine(v *Expr) {
	l := v.leaf
	x := linVars(g.firstVar[l.index], v.unknowns())
	lo, hi := v.stored(l.lo, math.Max), v.stored(l.hi, math.Min)
	nonneg, nonpos := l.sign.nonneg(), l.sign.nonpos()
	at := func(b []float64, k int, none, zero float64, signed bool) float64 {
		if b != nil {
			none = b[k]
		}
		if signed && (zero > 0 && none < 0 || zero < 0 && none > 0) {
			return 0
		}
		return none
	}
	var below, above []int
	var lows, highs []float64
	for k := range x.rows() {
		if b := at(lo, k, math.Inf(-1), 1, nonneg); !math.IsInf(b, 0) {
			below, lows = append(below, k), append(lows, -b)
		}
		if b := at(hi, k, math.Inf(1), -1, nonpos); !math.IsInf(b, 0) {
			above, highs = append(above, k), append(highs, b)
		}
	}
	if len(below) > 0 {
		g.nonneg(x.gather(below).plus(1, linOf(lows)))
	}
	if len(above) > 0 {
		g.nonneg(linOf(highs).minus(x.gather(above)))
	}
	if l.psd {
		g.psd(x.gather(v.positions()), v.rows)
	}
}

// stored turns bounds of all entries into those of what stands for a symmetric
// variable: the tighter one of an entry and its mirror image.
func (e *Expr) stored(b []float64, tighter func(x, y float64) float64) []float64 {
	if b == nil || e.leaf.form != symmetric {
		return b
	}
	s := make([]float64, e.unknowns())
	for k := range s {
		s[k] = math.NaN()
	}
	for entry, k := range e.positions() {
		if math.IsNaN(s[k]) {
			s[k] = b[entry]
		} else {
			s[k] = tighter(s[k], b[entry])
		}
	}
	return s
}

// variables makes n new ones.
func (g *graph) variables(n int) lin {
	x := linVars(g.n, n)
	g.n += n
	return x
}

// reserve refuses e when its canonical form has too many terms.
func (g *graph) reserve(e *Expr, terms int64) {
	if g.terms += terms; g.terms > g.limit && g.err == nil {
		g.err = &SizeError{Expr: e.String(), Terms: g.terms, Limit: g.limit}
		panic(tooLarge{})
	}
}

// tooLarge unwinds a compilation that has been refused.
type tooLarge struct{}

// constant returns the value of an expression without variables and parameters,
// nil for others.
func (g *graph) constant(e *Expr) *matrix {
	if f := g.facts.of(e); f.vars || f.params {
		return nil
	}
	m, ok := g.consts[e]
	if !ok {
		m = g.facts.values.of(e)
		if v, bad := notFinite(m.stored()); bad {
			g.problems = append(g.problems, notFiniteProblem(g.facts.values, e, v))
			m = &matrix{rows: m.rows, cols: m.cols, dense: make([]float64, m.rows*m.cols)}
		}
		g.consts[e] = m
	}
	return m
}

func notFinite(x []float64) (float64, bool) {
	for _, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return v, true
		}
	}
	return 0, false
}

// notFiniteProblem blames the smallest part of a constant expression whose value
// v is not finite.
func notFiniteProblem(values constants, e *Expr, v float64) *Problem {
	for deeper := true; deeper; {
		deeper = false
		for _, a := range e.args {
			if w, bad := notFinite(values.of(a).stored()); bad {
				e, v, deeper = a, w, true
				break
			}
		}
	}
	kind := "Const"
	if e.atom != nil {
		kind, _ = e.atom.label()
	}
	p := problem(kind, "the value of this constant has the entry %v: an argument is outside the domain, or too large; constants are finite", v)
	p.Expr = e.String()
	return p
}

// column returns the canonical form of e's entries. Expressions of the same
// structure share one.
func (g *graph) column(e *Expr) lin {
	if l, ok := g.columns[e]; ok {
		return l
	}
	if same := g.intern(e); same != e {
		l := g.column(same)
		g.columns[e] = l
		return l
	}
	l := g.canonical(e)
	g.terms += int64(len(l.terms))
	g.reserve(e, 0)
	g.columns[e] = l
	return l
}

func (g *graph) canonical(e *Expr) lin {
	// Rows cost memory even where they are empty.
	if n := int64(e.rows); n > g.limit/int64(e.cols) && g.err == nil {
		g.err = &SizeError{Expr: e.String(), Terms: n * int64(e.cols), Limit: g.limit}
		panic(tooLarge{})
	}
	if c := g.constant(e); c != nil {
		g.reserve(e, int64(c.rows)*int64(c.cols))
		return linOf(c.values())
	}
	if l := e.leaf; l != nil {
		if l.kind == parameter {
			return linParams(g.firstParam[l.index], e.size()).gather(e.positions())
		}
		return linVars(g.firstVar[l.index], e.unknowns()).gather(e.positions())
	}
	var a []lin
	if _, ok := e.atom.(ruled); !ok {
		a = make([]lin, len(e.args))
		for i, x := range e.args {
			a[i] = g.column(x)
		}
	}
	n, from := g.n, len(g.blocks)
	l := e.atom.graph(g, e, a)
	for r := range l.rows() {
		if row := l.row(r); len(row) == 1 && int(row[0].v) >= n && row[0].p < 0 && row[0].c == 1 {
			g.born[row[0].v] = span{from, len(g.blocks)}
		}
	}
	return l
}

// intern returns the first expression seen with the structure of e.
func (g *graph) intern(e *Expr) *Expr {
	key := g.key(e)
	if first, ok := g.shared[key]; ok {
		g.ids[e] = g.ids[first]
		return first
	}
	g.shared[key] = e
	g.ids[e] = len(g.shared)
	return e
}

func (g *graph) key(e *Expr) string {
	if l := e.leaf; l != nil {
		if l.kind == constant {
			if e.scalar() {
				return fmt.Sprintf("constant %x", math.Float64bits(l.value.values()[0]))
			}
			return fmt.Sprintf("constant %p", l.value)
		}
		return fmt.Sprintf("%v %d", l.kind, l.index)
	}
	var b strings.Builder
	name, extra := e.atom.label()
	b.WriteString(name)
	for _, a := range e.args {
		if _, ok := g.ids[a]; !ok {
			g.intern(a)
		}
		fmt.Fprintf(&b, " %d", g.ids[a])
	}
	fmt.Fprintf(&b, " %s %d %d", extra, e.rows, e.cols)
	return b.String()
}

// The constraints that graph forms use. Rows of the arguments belong together.

// zero is l = 0.
func (g *graph) zero(l lin) { g.blocks = append(g.blocks, block{kind: conic.Zero, dim: 1, rows: l}) }

// nonneg is l ≥ 0.
func (g *graph) nonneg(l lin) {
	g.blocks = append(g.blocks, block{kind: conic.NonNegative, dim: 1, rows: l})
}

// soc is ‖x‖ ≤ t, for one row t.
func (g *graph) soc(t, x lin) {
	d := 1 + x.rows()
	g.blocks = append(g.blocks, block{kind: conic.SecondOrder, dim: d, size: d, rows: stack(t, x)})
}

// socs is ‖(x₀, x₁, …)‖ ≤ t, row by row.
func (g *graph) socs(t lin, x ...lin) {
	d := 1 + len(x)
	g.blocks = append(g.blocks, block{kind: conic.SecondOrder, dim: d, size: d, rows: interleave(append([]lin{t}, x...)...)})
}

// hyperbolic is x² ≤ y·z, y, z ≥ 0, row by row.
func (g *graph) hyperbolic(x, y, z lin) { g.socs(y.plus(1, z), y.minus(z), x.scale(2)) }

// exponential is y·exp(x/y) ≤ z, row by row.
func (g *graph) exponential(x, y, z lin) {
	g.blocks = append(g.blocks, block{kind: conic.Exponential, dim: 3, rows: interleave(x, y, z)})
}

// power is x^α·y^(1−α) ≥ |z|, row by row.
func (g *graph) power(x, y, z lin, alpha float64) {
	if alpha == 0.5 {
		g.hyperbolic(z, x, y)
		return
	}
	g.blocks = append(g.blocks, block{kind: conic.Power, dim: 3, alpha: []float64{alpha}, rows: interleave(x, y, z)})
}

// psd is ½(X + Xᵀ) positive semidefinite, X of order n.
func (g *graph) psd(x lin, n int) {
	g.blocks = append(g.blocks, block{kind: conic.PSD, dim: n * (n + 1) / 2, size: n, rows: svec(x, n)})
}

// interleave has one row of each in turn.
func interleave(ls ...lin) lin {
	n := ls[0].rows()
	idx := make([]int, 0, n*len(ls))
	for r := range n {
		for k := range ls {
			idx = append(idx, k*n+r)
		}
	}
	return stack(ls...).gather(idx)
}

// svec is the upper triangle of ½(X + Xᵀ), column by column, off-diagonals
// times √2.
func svec(x lin, n int) lin {
	b := newBuilder(n*(n+1)/2, len(x.terms))
	for j := range n {
		for i := range j {
			b.addScaled(x.row(i*n+j), math.Sqrt2/2)
			b.addScaled(x.row(j*n+i), math.Sqrt2/2)
			b.end()
		}
		b.add(x.row(j*n + j)...)
		b.end()
	}
	return b.out
}

// ones is n rows of the number 1.
func ones(n int) lin { return linOf(fill(n, 1)) }
