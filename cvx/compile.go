package cvx

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/sparse"
)

// maxTerms is the default of Model.MaxTerms: 1 GiB.
const maxTerms = 1 << 26

// Compile checks the model and makes a Program of it. What is wrong with the
// model is in a *[ModelError], all of it; a model whose canonical form would be
// too large gets a *[SizeError] before the memory is asked for.
func (m *Model) Compile() (prog *Program, err error) {
	if problems := m.check(); len(problems) > 0 {
		return nil, &ModelError{Problems: problems}
	}
	limit := m.MaxTerms
	if limit <= 0 {
		limit = maxTerms
	}
	if err := m.tooMany(limit); err != nil {
		return nil, err
	}
	src := m
	if m.geometric {
		logs, problems := m.logarithm()
		if len(problems) == 0 {
			problems = logs.check()
		}
		if len(problems) > 0 {
			return nil, &ModelError{Problems: problems}
		}
		src = logs
	}
	g := newGraph(src, newRules(false), limit)
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(tooLarge); !ok {
				panic(r)
			}
			prog, err = nil, g.err
		}
	}()
	w := 1.0
	if src.maximize {
		w = -1
	}
	g.weigh(src.objective, linOf([]float64{w}))
	where := make([]int, len(src.constraints))
	for i, c := range src.constraints {
		before := len(g.problems)
		where[i] = g.constrain(c)
		for _, p := range g.problems[before:] {
			p.Where = src.nameOf(i)
		}
	}
	if len(g.problems) > 0 {
		for _, p := range g.problems {
			if p.Where == "" {
				p.Where = "objective"
			}
		}
		return nil, &ModelError{Problems: g.problems}
	}
	prog = g.program(src, where, g.eliminate(src.constraints, where))
	if m.geometric {
		prog.exponentiate()
	}
	return prog, nil
}

// tooMany refuses variables and parameters that alone have more entries than the
// limit, or than indices of 32 bits can tell apart, and expressions of them with more.
func (m *Model) tooMany(limit int64) error {
	limit = min(limit, math.MaxInt32)
	for _, list := range [][]*Expr{m.vars, m.params} {
		left := limit
		for _, e := range list {
			if n := int64(e.rows); n > left/int64(e.cols) && (e.leaf.form != diagonal || n > left) {
				return &SizeError{Expr: e.name, Terms: limit + n*int64(e.cols) - left, Limit: limit}
			}
			left -= int64(e.size())
		}
	}
	r, seen := newRules(false), map[*Expr]bool{}
	var walk func(e *Expr) error
	walk = func(e *Expr) error {
		if seen[e] {
			return nil
		}
		seen[e] = true
		for _, a := range e.args {
			if err := walk(a); err != nil {
				return err
			}
		}
		if f := r.of(e); (f.vars || f.params) && int64(e.Len()) > limit {
			return &SizeError{Expr: e.String(), Terms: int64(e.Len()), Limit: limit}
		}
		return nil
	}
	for _, c := range m.constraints {
		for _, a := range c.args {
			if err := walk(a); err != nil {
				return err
			}
		}
		if n := int64(c.rows); n > limit/int64(c.cols) {
			return &SizeError{Expr: c.String(), Terms: n * int64(c.cols), Limit: limit}
		}
	}
	return walk(m.objective)
}

// constrain adds a constraint and returns the block that has its rows.
func (g *graph) constrain(c *Constraint) int {
	at := func(i, rows, cols int) lin {
		a := c.args[i]
		return g.column(a).stretch(a.rows, a.cols, rows, cols)
	}
	// The atoms of the arguments add their blocks first.
	switch c.rel {
	case equal:
		g.zero(at(1, c.rows, c.cols).minus(at(0, c.rows, c.cols)))
	case lessEqual:
		g.nonneg(at(1, c.rows, c.cols).minus(at(0, c.rows, c.cols)))
	case greaterEqual:
		g.nonneg(at(0, c.rows, c.cols).minus(at(1, c.rows, c.cols)))
	case inSecondOrder:
		t, x := g.column(c.args[0]), g.column(c.args[1])
		g.soc(t, x)
	case inPSD:
		x := g.column(c.args[0])
		g.psd(x, c.rows)
	case inExponential, inPower:
		rows, cols, _ := broadcast(c.args...)
		x, y, z := at(0, rows, cols), at(1, rows, cols), at(2, rows, cols)
		if c.rel == inExponential {
			g.exponential(x, y, z)
		} else {
			g.blocks = append(g.blocks, block{kind: conic.Power, dim: 3, alpha: []float64{c.alpha}, rows: interleave(x, y, z)})
		}
	}
	return len(g.blocks) - 1
}

// program puts the pieces together: zero rows first, then nonnegative ones, then
// the other cones in the order they came.
func (g *graph) program(m *Model, where []int, made map[int][][]ref) *Program {
	order := count(len(g.blocks))
	rank := func(b int) int {
		switch g.blocks[b].kind {
		case conic.Zero:
			return 0
		case conic.NonNegative:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rank(a), rank(b)) })
	first := make([]int, len(g.blocks))
	rows, plain := 0, [2]int{}
	var cones []conic.Cone
	all := make([]lin, 0, len(order))
	for _, b := range order {
		bl := &g.blocks[b]
		first[b] = rows
		n := bl.rows.rows()
		rows += n
		all = append(all, bl.rows)
		if r := rank(b); r < 2 {
			plain[r] += n
			continue
		}
		for range n / bl.dim {
			cones = append(cones, conic.Cone{Kind: bl.kind, Size: bl.size, Alpha: bl.alpha})
		}
	}
	for r, kind := range [...]conic.Kind{conic.NonNegative, conic.Zero} {
		if n := plain[1-r]; n > 0 {
			cones = append([]conic.Cone{{Kind: kind, Size: n}}, cones...)
		}
	}
	p := &Program{maximize: m.maximize, constant: newMap(1), square: g.square}
	p.structure.N, p.structure.Cones = g.n, cones
	p.structure.P, p.maps[0] = g.quadratic()
	p.maps[1] = newMap(g.n)
	for _, t := range g.linear {
		if t.v < 0 {
			p.constant.set(0, t.p, t.c)
		} else {
			p.maps[1].set(int(t.v), t.p, t.c)
		}
	}
	p.maps[1], p.constant = p.maps[1].sorted().merged(), p.constant.sorted().merged()
	p.structure.A, p.maps[2], p.maps[3] = assemble(all, rows, g.n)

	for k, e := range m.params {
		l := e.leaf
		p.params = append(p.params, Param{
			Name: e.name, Rows: e.rows, Cols: e.cols, Sign: l.sign, Positive: l.pos,
			Symmetric: l.form == symmetric, PSD: l.psd, Diagonal: l.form == diagonal,
			linear: g.firstParam[k], logarithm: -1,
		})
		p.theta += e.size()
	}
	for k, e := range m.vars {
		v := Var{Name: e.name, Rows: e.rows, Cols: e.cols}
		for _, i := range e.positions() {
			if i >= 0 {
				i += g.firstVar[k]
			}
			v.at = append(v.at, int32(i))
		}
		p.vars = append(p.vars, v)
	}
	for i, c := range m.constraints {
		d := c.dual(i, first[where[i]])
		if parts, ok := made[i]; ok {
			d.collect(parts, first)
		}
		p.duals = append(p.duals, d)
	}
	p.quadraticQ = p.dense()
	return p
}

// exponentiate makes a program in logarithms one of the quantities
// themselves.
func (p *Program) exponentiate() {
	p.log = true
	for k := range p.params {
		a := &p.params[k]
		a.Sign, a.Positive = NonNegative, true
		a.linear, a.logarithm = -1, a.linear
	}
	for k := range p.vars {
		p.vars[k].exp = true
	}
}

// dual tells where the multiplier of constraint i is, whose rows start at first.
func (c *Constraint) dual(i, first int) Dual {
	d := Dual{Name: c.name, Rows: c.rows, Cols: c.cols}
	if d.Name == "" {
		d.Name = fmt.Sprint(i)
	}
	n := d.Size()
	d.ptr, d.row, d.coef = make([]int32, n+1), make([]int32, n), fill(n, 1)
	for k := range n {
		d.row[k], d.ptr[k+1] = int32(first+k), int32(k+1)
	}
	if c.rel == inPSD {
		for i := range c.rows {
			for j := range c.cols {
				lo, hi := min(i, j), max(i, j)
				d.row[i*c.cols+j] = int32(first + hi*(hi+1)/2 + lo)
				if lo != hi {
					d.coef[i*c.cols+j] = sqrtHalf
				}
			}
		}
	}
	return d
}

// collect makes the multiplier of parts, one list an entry.
func (d *Dual) collect(parts [][]ref, first []int) {
	d.row, d.coef = d.row[:0], d.coef[:0]
	for k, refs := range parts {
		for _, r := range refs {
			d.row, d.coef = append(d.row, int32(first[r.block]+r.row)), append(d.coef, r.c)
		}
		d.ptr[k+1] = int32(len(d.row))
	}
}

const sqrtHalf = 0.70710678118654752440

// quadratic makes P of the objective's squares: ½xᵀPx has c·xᵢxⱼ once, so that P
// has c off the diagonal and 2c on it.
func (g *graph) quadratic() (*sparse.CSC, *Map) {
	if len(g.quad) == 0 {
		return nil, newMap(0)
	}
	slices.SortFunc(g.quad, func(a, b monomial) int {
		return cmp.Or(cmp.Compare(a.j, b.j), cmp.Compare(a.i, b.i), cmp.Compare(a.p, b.p))
	})
	p := &sparse.CSC{Rows: g.n, Cols: g.n, ColPtr: make([]int, g.n+1)}
	m := &Map{}
	li, lj := int32(-1), int32(-1)
	for _, q := range g.quad {
		if q.i != li || q.j != lj {
			li, lj = q.i, q.j
			p.RowIdx = append(p.RowIdx, int(q.i))
			p.ColPtr[q.j+1]++
			m.base = append(m.base, 0)
		}
		c := q.c
		if q.i == q.j {
			c *= 2
		}
		m.set(len(p.RowIdx)-1, q.p, c)
	}
	for j := range g.n {
		p.ColPtr[j+1] += p.ColPtr[j]
	}
	return p, m.merged()
}

// merged adds up entries of the same row and parameter that follow each other.
func (m *Map) merged() *Map {
	n := 0
	for k := range m.coef {
		if n > 0 && m.idx[n-1] == m.idx[k] && m.par[n-1] == m.par[k] {
			m.coef[n-1] += m.coef[k]
			continue
		}
		m.idx[n], m.par[n], m.coef[n] = m.idx[k], m.par[k], m.coef[k]
		n++
	}
	m.idx, m.par, m.coef = m.idx[:n], m.par[:n], m.coef[:n]
	return m
}

// assemble makes A and b of rows b − Ax.
func assemble(blocks []lin, rows, n int) (*sparse.CSC, *Map, *Map) {
	a := &sparse.CSC{Rows: rows, Cols: n, ColPtr: make([]int, n+1)}
	each := func(f func(r int, t term, fresh bool)) {
		r := 0
		for _, l := range blocks {
			for k := range l.rows() {
				last := int32(-1)
				for _, t := range l.row(k) {
					f(r, t, t.v != last)
					last = t.v
				}
				r++
			}
		}
	}
	each(func(_ int, t term, fresh bool) {
		if t.v >= 0 && fresh {
			a.ColPtr[t.v+1]++
		}
	})
	for j := range n {
		a.ColPtr[j+1] += a.ColPtr[j]
	}
	nnz := a.ColPtr[n]
	a.RowIdx = make([]int, nnz)
	next := slices.Clone(a.ColPtr)
	am, bm := newMap(nnz), newMap(rows)
	entries := 0
	each(func(_ int, t term, _ bool) {
		if t.p >= 0 && t.v >= 0 {
			entries++
		}
	})
	am.idx, am.par, am.coef = make([]int32, 0, entries), make([]int32, 0, entries), make([]float64, 0, entries)
	each(func(r int, t term, fresh bool) {
		if t.v < 0 {
			bm.set(r, t.p, t.c)
			return
		}
		if fresh {
			a.RowIdx[next[t.v]] = r
			next[t.v]++
		}
		am.set(next[t.v]-1, t.p, -t.c)
	})
	return a, am.sorted(), bm.sorted()
}
