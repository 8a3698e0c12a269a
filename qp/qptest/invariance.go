package qptest

import (
	"math"
	"testing"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

// invariance: the answers and the derivatives do not depend on the units of
// rows and costs, nor on the order of variables and rows.
func (s suite) invariance(t *testing.T) {
	for _, p := range problems(func(p *gen.QP) bool { return wellPosed(p) && p.N > 1 && p.N <= 25 }) {
		t.Run("units/"+p.Name, func(t *testing.T) { s.units(t, p) })
		t.Run("order/"+p.Name, func(t *testing.T) { s.order(t, p) })
	}
}

// mapped says how the entries of one array follow from those of another: entry
// i of the new one is entry from[i] of the old one, times by[i].
type mapped struct {
	from []int
	by   []float64
}

func (m mapped) apply(x []float64) []float64 {
	if len(x) == 0 {
		return nil
	}
	y := make([]float64, len(x))
	for i := range y {
		y[i] = x[m.from[i]] * m.by[i]
	}
	return y
}

// dual is the map of gradients: ⟨dual(g), apply(x)⟩ = ⟨g, x⟩.
func (m mapped) dual(g []float64) []float64 {
	if len(g) == 0 {
		return nil
	}
	y := make([]float64, len(g))
	for i := range y {
		y[i] = g[m.from[i]] / m.by[i]
	}
	return y
}

// change is a map of problems: new rows and variables from old ones.
type change struct {
	sh             qp.Shape
	cost           float64
	vars, eq, ineq mapped
}

// matrix is the map of a row-major matrix with n columns.
func (c *change) matrix(rows mapped, extra float64) mapped {
	n := c.sh.N
	m := mapped{make([]int, len(rows.from)*n), make([]float64, len(rows.from)*n)}
	for i, r := range rows.from {
		for j, v := range c.vars.from {
			m.from[i*n+j] = r*n + v
			m.by[i*n+j] = rows.by[i] * extra
		}
	}
	return m
}

func times(m mapped, c float64) mapped {
	by := make([]float64, len(m.by))
	for i, v := range m.by {
		by[i] = v * c
	}
	return mapped{m.from, by}
}

func inverse(m mapped) mapped {
	by := make([]float64, len(m.by))
	for i, v := range m.by {
		by[i] = 1 / v
	}
	return mapped{m.from, by}
}

// coef and point are the maps of the arrays of Data and of Point, in the order
// of coefs and points.
func (c *change) coef() [len(coefs)]mapped {
	q := times(c.vars, c.cost)
	if c.sh.Q == qp.Dense {
		q = c.matrix(c.vars, c.cost)
	}
	return [...]mapped{q, times(c.vars, c.cost), c.matrix(c.eq, 1), c.eq, c.matrix(c.ineq, 1), c.ineq, c.ineq, c.vars, c.vars}
}

func (c *change) point() [len(points)]mapped {
	return [...]mapped{c.vars, times(inverse(c.eq), c.cost), times(inverse(c.ineq), c.cost), times(c.vars, c.cost), {[]int{0}, []float64{c.cost}}}
}

func same(n int) mapped {
	m := mapped{make([]int, n), make([]float64, n)}
	for i := range n {
		m.from[i], m.by[i] = i, 1
	}
	return m
}

func (s suite) units(t *testing.T, p *gen.QP) {
	rng := newRand(12)
	power := func(n int) mapped {
		m := same(n)
		for i := range m.by {
			m.by[i] = math.Ldexp(1, rng.IntN(13)-6)
		}
		return m
	}
	s.changed(t, p, &change{shapeOf(p), math.Ldexp(1, rng.IntN(13)-6), same(p.N), power(p.NEq), power(p.NIneq)})
}

func (s suite) order(t *testing.T, p *gen.QP) {
	rng := newRand(13)
	shuffle := func(n int) mapped {
		m := same(n)
		rng.Shuffle(n, func(i, j int) { m.from[i], m.from[j] = m.from[j], m.from[i] })
		return m
	}
	s.changed(t, p, &change{shapeOf(p), 1, shuffle(p.N), shuffle(p.NEq), shuffle(p.NIneq)})
}

// changed solves a problem before and after a change, and compares.
func (s suite) changed(t *testing.T, p *gen.QP, c *change) {
	sh, b := shapeOf(p), batchOf(p)
	after := &qp.Batch{Size: 1}
	for k, m := range c.coef() {
		*coefs[k].of(&after.Data) = m.apply(*coefs[k].of(&b.Data))
	}
	x, y := s.solved(t, sh, exact(), b), s.solved(t, sh, exact(), after)
	check(t, sh, after, y, 1e-12)
	up := randomPoint(newRand(14), sh, 1, true)
	want, wantUp := new(qp.Point), new(qp.Point)
	for k, m := range c.point() {
		*points[k].of(want) = m.apply(*points[k].of(&x.Point))
		*points[k].of(wantUp) = m.dual(*points[k].of(up))
	}
	// Compare in the units of the first problem: there all is of order 1.
	for k, m := range c.point() {
		back := inverse(m)
		size := max(1, norm(*points[k].of(&x.Point)))
		unit := func(v []float64) []float64 { return mapped{same(len(v)).from, back.by}.apply(v) }
		agree(t, points[k].name, unit(*points[k].of(&y.Point)), unit(*points[k].of(want)), 1e-8*size)
	}
	g, h := vjp(t, x, up), vjp(t, y, wantUp)
	size := 1.0
	for _, o := range coefs {
		size = max(size, norm(*o.of(&g.Data)))
	}
	for k, m := range c.coef() {
		before, got := *coefs[k].of(&g.Data), *coefs[k].of(&h.Data)
		unit := func(v []float64) []float64 { return mapped{same(len(v)).from, m.by}.apply(v) }
		agree(t, "d"+coefs[k].name, unit(got), unit(m.dual(before)), 1e-8*size)
	}
}
