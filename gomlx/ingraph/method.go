package ingraph

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/optnet-go/optnet/qp"
)

// problem is a batch of QPs in one form, float64: all sides of rows and all bounds are
//
//	Cz + s = side, s ≥ 0 (λ ≥ 0)      C = [G; −G; I; −I], side = (h, −hl, u, −l)
//
// of which those that are given are there. A side that is infinite is 0 here, and so is
// its entry of finite.
type problem struct {
	q, a, g      node // matrices, shared or not, or nil
	diag         node // batch×n, or nil
	p, b         node // batch×n, batch×p or nil
	side, finite node // batch×k, or nil if there are none
	rho, tau     node // batch×1: primal regularization, and the weight of AᵀA
	ata          node // AᵀA, batch×n×n or 1×n×n; nil where S is diagonal
	sides        qp.Sides
}

// parts are all nodes of the problem, and with replaces them: a loop has its data as
// state.
func (q *problem) parts() []*node {
	var ps []*node
	for _, x := range []*node{&q.q, &q.a, &q.g, &q.diag, &q.p, &q.b, &q.side, &q.finite, &q.rho, &q.tau, &q.ata} {
		if *x != nil {
			ps = append(ps, x)
		}
	}
	return ps
}

func (q *problem) with(xs []node) *problem {
	r := *q
	for i, x := range r.parts() {
		*x = xs[i]
	}
	return &r
}

// blocks calls f for each kind of side that is there, with its place among them, its
// sign in C, and whether it is one of rows or a bound.
func (q *problem) blocks(f func(from, to int, sign float64, row bool)) {
	n, m := q.p.Shape().Dimensions[1], 0
	if q.g != nil {
		m = q.g.Shape().Dimensions[q.g.Rank()-2]
	}
	at := 0
	for _, b := range []struct {
		side qp.Sides
		sign float64
		row  bool
	}{{qp.RowUpper, 1, true}, {qp.RowLower, -1, true}, {qp.Upper, 1, false}, {qp.Lower, -1, false}} {
		if q.sides&b.side == 0 {
			continue
		}
		k := n
		if b.row {
			k = m
		}
		f(at, at+k, b.sign, b.row)
		at += k
	}
}

// rows is Cz.
func (q *problem) rows(z node) node {
	var gz node
	if q.g != nil {
		gz = mul(q.g, z)
	}
	var xs []node
	q.blocks(func(_, _ int, sign float64, row bool) {
		x := z
		if row {
			x = gz
		}
		if sign < 0 {
			x = graph.Neg(x)
		}
		xs = append(xs, x)
	})
	return join(xs...)
}

// net adds what a vector over the sides has for each row and for each bound, with the
// signs of C: the net multipliers. Without rows or without bounds it is nil.
func (q *problem) net(y node) (rows, bounds node) {
	q.blocks(func(from, to int, sign float64, row bool) {
		x := columns(y, from, to)
		if sign < 0 {
			x = graph.Neg(x)
		}
		if row {
			rows = plus(rows, x)
		} else {
			bounds = plus(bounds, x)
		}
	})
	return rows, bounds
}

// split does the same without signs.
func (q *problem) split(y node) (rows, bounds node) {
	q.blocks(func(from, to int, _ float64, row bool) {
		if row {
			rows = plus(rows, columns(y, from, to))
		} else {
			bounds = plus(bounds, columns(y, from, to))
		}
	})
	return rows, bounds
}

// plus is x + y, where nil is zero.
func plus(x, y node) node {
	switch {
	case x == nil:
		return y
	case y == nil:
		return x
	}
	return graph.Add(x, y)
}

// rowsT is Cᵀy.
func (q *problem) rowsT(y node) node {
	rows, bounds := q.net(y)
	if rows != nil {
		rows = mulT(q.g, rows)
	}
	return plus(rows, bounds)
}

// quadratic is Qz, nil if Q is zero.
func (q *problem) quadratic(z node) node {
	switch {
	case q.q != nil:
		return mul(q.q, z)
	case q.diag != nil:
		return graph.Mul(q.diag, z)
	}
	return nil
}

// A point is an iterate. Entries of s and λ at infinite sides are 1, and enter nothing.
type point struct{ z, s, lambda, nu node }

func (x point) parts() []node {
	ps := []node{x.z}
	for _, v := range []node{x.s, x.lambda, x.nu} {
		if v != nil {
			ps = append(ps, v)
		}
	}
	return ps
}

// from takes the parts of a point like x.
func (x point) from(ps []node) point {
	y := point{z: ps[0]}
	ps = ps[1:]
	if x.s != nil {
		y.s, y.lambda, ps = ps[0], ps[1], ps[2:]
	}
	if x.nu != nil {
		y.nu = ps[0]
	}
	return y
}

// residuals are those of a point, and the scales they are compared with: see
// docs/CONVENTIONS.md.
type residuals struct {
	// x and e are Qz + p + Aᵀν + Cᵀλ and Az − b; c is Cz − side, without slack.
	x, e, c node
	// Each batch×1: primal, dual residual and gap, and their scales.
	primal, dual, gap                node
	primalScale, dualScale, gapScale node
}

func (q *problem) residuals(x point) residuals {
	var r residuals
	qz := q.quadratic(x.z)
	r.x = plus(qz, q.p)
	r.dualScale = maxAbs(q.p)
	zero := full(r.dualScale, 0)
	r.primal, r.primalScale = zero, zero
	if qz != nil {
		r.dualScale = graph.Max(r.dualScale, maxAbs(qz))
	}
	pz, zqz := dot(q.p, x.z), zero
	if qz != nil {
		zqz = dot(x.z, qz)
	}
	dual := zero // bᵀν + sideᵀλ
	if q.a != nil {
		az, an := mul(q.a, x.z), mulT(q.a, x.nu)
		r.e = graph.Sub(az, q.b)
		r.x = graph.Add(r.x, an)
		r.primal = maxAbs(r.e)
		r.primalScale = graph.Max(maxAbs(az), maxAbs(q.b))
		r.dualScale = graph.Max(r.dualScale, maxAbs(an))
		dual = dot(q.b, x.nu)
	}
	if q.side != nil {
		lambda := graph.Mul(q.finite, x.lambda)
		rows, bounds := q.net(lambda)
		if rows != nil {
			rows = mulT(q.g, rows)
			r.dualScale = graph.Max(r.dualScale, maxAbs(rows))
		}
		if bounds != nil {
			r.dualScale = graph.Max(r.dualScale, maxAbs(bounds))
		}
		r.x = graph.Add(r.x, plus(rows, bounds))
		cz := q.rows(x.z)
		r.c = graph.Mul(q.finite, graph.Sub(cz, q.side))
		r.primal = graph.Max(r.primal, largest(graph.Max(r.c, full(r.c, 0))))
		q.blocks(func(from, to int, _ float64, row bool) {
			if row {
				r.primalScale = graph.Max(r.primalScale, maxAbs(graph.Mul(columns(q.finite, from, to), columns(cz, from, to))))
			}
		})
		dual = graph.Add(dual, dot(q.side, lambda))
	}
	r.dual = maxAbs(r.x)
	r.gap = graph.Abs(graph.Add(graph.Add(zqz, pz), dual))
	half := scale(0.5, zqz)
	r.gapScale = graph.Max(graph.Abs(graph.Add(half, pz)), graph.Abs(graph.Add(half, dual)))
	return r
}

// within says whether each residual is at most abs + rel·scale, batch×1.
func (r *residuals) within(abs, rel float64) node {
	test := func(res, s node) node { return graph.LessOrEqual(res, graph.Add(full(s, abs), scale(rel, s))) }
	return graph.LogicalAnd(graph.LogicalAnd(test(r.primal, r.primalScale), test(r.dual, r.dualScale)), test(r.gap, r.gapScale))
}

// Constants of the method. The problem is not scaled: regularizations are relative to
// the size of its own data.
const (
	regularization = 1e-11 // ρ, of max(1, ‖Q‖); δ
	startRho       = 1e-3  // ρ of the start, where S may be singular
	rounding       = 1e-15 // of the largest entry of S, added to its diagonal
	// dMax bounds D = λ/s: an active row is one with 1/dMax in place of 0, which costs
	// the last step a part of that size.
	dMax = 1e10
	// The step goes to this part of the way to the boundary, and to the second one where
	// the predictor leaves most of the complementarity (see docs/RATIONALE.md, "Why does
	// the step stop short").
	toBoundary, toBoundaryShort, mostOfMu = 0.995, 0.9, 0.5
	// An element that passes the test goes on until it passes one this much stricter, or
	// for this many iterations: derivatives need a point that is better than the test
	// asks for.
	polish, polishIterations = 1e-5, 3
	// An element whose steps are shorter, or whose multipliers are larger, than this is
	// given up: it is infeasible or unbounded, or its matrices are not what they should.
	shortest, hopeless = 1e-9, 1e11
)

type method struct {
	abs, rel float64
	maxIter  int
}

// setWeights sets ρ, τ and AᵀA.
func (q *problem) setWeights() {
	one := full(columns(q.p, 0, 1), 1)
	size := one
	if q.diag != nil {
		size = graph.Max(size, maxAbs(q.diag))
	}
	if q.q != nil {
		size = graph.Max(size, maxAbs(entries(q.q)))
	}
	q.rho = scale(regularization, size)
	if q.a != nil && (q.g != nil || q.q != nil) {
		a := maxAbs(entries(q.a))
		q.tau = graph.Div(size, graph.Max(graph.Square(a), scale(regularization, one)))
		a = batched(q.a)
		q.ata = graph.Einsum("bki,bkj->bij", a, a)
	}
}

// start is the solution of
//
//	minimize ½zᵀQz + pᵀz + ½‖s‖²   subject to   Az = b, Cz + s = side
//
// with s, and λ = −s, moved until they are positive.
func (q *problem) start() point {
	var ry, rz node
	if q.side != nil {
		rz = graph.Neg(q.side)
	}
	if q.a != nil {
		ry = graph.Neg(q.b)
	}
	k := q.factor(q.finite, scale(startRho/regularization, q.rho))
	z, nu, l := k.solve(q.p, ry, rz)
	x := point{z: z, nu: nu}
	if q.side != nil {
		positive := func(v node) node {
			low := smallest(v)
			v = graph.Add(v, choose(graph.LessOrEqual(low, full(low, 0)), graph.Sub(full(low, 1), low), full(low, 0)))
			return graph.Add(graph.Mul(q.finite, v), graph.Sub(full(v, 1), q.finite))
		}
		x.s, x.lambda = positive(graph.Neg(l)), positive(l)
	}
	return x
}

// iterate takes a step, and returns where it leads and how long it is.
func (q *problem) iterate(x point, r *residuals) (point, node) {
	one := full(r.primal, 1)
	s, l := x.s, x.lambda
	k := q.factor(graph.Mul(q.finite, graph.Min(graph.Div(l, s), full(s, dMax))), q.rho)
	rz := graph.Mul(q.finite, graph.Add(r.c, s))
	count := graph.Max(sum(q.finite), one)
	mean := func(y node) node { return graph.Div(sum(graph.Mul(q.finite, y)), count) }

	// s∘dλ + λ∘ds = −rs, the other equations by their residuals.
	step := func(rs node) (dz, ds, dl, dn node) {
		dz, dn, dl = k.solve(r.x, r.e, graph.Sub(rz, graph.Mul(q.finite, graph.Div(rs, l))))
		ds = graph.Neg(graph.Mul(q.finite, graph.Div(graph.Add(rs, graph.Mul(s, dl)), l)))
		return dz, ds, dl, dn
	}
	// The longest step up to the boundary, batch×1.
	reach := func(ds, dl node) node {
		to := func(v, dv node) node {
			return graph.Where(graph.LessThan(dv, full(dv, 0)), graph.Neg(graph.Div(v, dv)), full(dv, 1e30))
		}
		return smallest(graph.Min(to(s, ds), to(l, dl)))
	}

	sl := graph.Mul(s, l)
	mu := graph.Max(mean(sl), full(one, 1e-300)) // not 0/0 where no side is finite
	_, ds, dl, _ := step(sl)
	a := graph.Min(reach(ds, dl), one)
	left := graph.Div(mean(graph.Mul(graph.Add(s, graph.Mul(a, ds)), graph.Add(l, graph.Mul(a, dl)))), mu)
	sigma := graph.Mul(graph.Mul(left, left), left)
	dz, ds, dl, dn := step(graph.Sub(graph.Add(sl, graph.Mul(ds, dl)), graph.Mul(sigma, mu)))
	part := choose(graph.LessOrEqual(left, full(left, mostOfMu)), full(left, toBoundary), full(left, toBoundaryShort))
	a = graph.Min(graph.Mul(part, reach(ds, dl)), one)

	y := point{z: graph.Add(x.z, graph.Mul(a, dz)), s: graph.Add(s, graph.Mul(a, ds)), lambda: graph.Add(l, graph.Mul(a, dl))}
	if x.nu != nil {
		y.nu = graph.Add(x.nu, graph.Mul(a, dn))
	}
	return y, a
}

// solve runs the method. What it returns is finite; ended, batch×1, says which elements
// ended before the limit of iterations.
func (q *problem) solve(m *method) (x point, ended node) {
	x = q.start()
	ok := finite(x.parts()...)
	x = x.from(mapNodes(x.parts(), func(v node) node { return choose(ok, v, full(v, 1)) }))
	if q.side == nil {
		return q.refined(x), graph.LogicalOr(ok, graph.LogicalNot(ok))
	}
	g := q.p.Graph()
	// State: the iteration, how many are to go (of each element, batch×1), the point,
	// the data.
	left := choose(ok, full(columns(x.z, 0, 1), polishIterations), full(columns(x.z, 0, 1), 0))
	points := len(x.parts())
	state := append([]node{graph.Const(g, int32(0)), left}, x.parts()...)
	state = append(state, q.nodes()...)
	closure := func(f func(st []node) []node) *graph.Function {
		return graph.NewClosure(g, func(g *graph.Graph) []node {
			st := make([]node, len(state))
			for i, v := range state {
				st[i] = graph.Parameter(g, fmt.Sprintf("state%d", i), v.Shape())
			}
			return f(st)
		})
	}
	running := closure(func(st []node) []node {
		most := fold(graph.Reshape(st[1], 1, -1), graph.Max)
		return []node{graph.LogicalAnd(
			graph.LessThan(st[0], graph.Const(g, int32(m.maxIter))),
			graph.GreaterThan(graph.Reshape(most), graph.Const(g, 0.0)))}
	})
	body := closure(func(st []node) []node {
		left, x, q := st[1], x.from(st[2:2+points]), q.with(st[2+points:])
		r := q.residuals(x)
		// What was within the tolerance has one iteration less; within the stricter one,
		// none.
		zero := full(left, 0)
		left = graph.Sub(left, choose(r.within(m.abs, m.rel), full(left, 1), zero))
		left = choose(r.within(m.abs*polish, m.rel*polish), zero, left)
		y, a := q.iterate(x, &r)
		good := graph.LogicalAnd(finite(y.parts()...), graph.GreaterThan(a, full(a, shortest)))
		good = graph.LogicalAnd(good, graph.LessThan(largest(y.lambda), full(a, hopeless)))
		move := graph.LogicalAnd(good, graph.GreaterThan(left, zero))
		left = choose(good, left, zero)
		xs := x.parts()
		for i, v := range y.parts() {
			xs[i] = choose(move, v, xs[i])
		}
		return append(append([]node{graph.Add(st[0], graph.Const(g, int32(1))), left}, xs...), st[2+points:]...)
	})
	out := graph.While(running, body, state...)
	return x.from(out[2 : 2+points]), graph.LessOrEqual(out[1], full(out[1], 0))
}

func mapNodes(xs []node, f func(node) node) []node {
	ys := make([]node, len(xs))
	for i, x := range xs {
		ys[i] = f(x)
	}
	return ys
}

// refined is the solution where there are only equalities, by steps of the regularized
// system.
func (q *problem) refined(x point) point {
	k := q.factor(nil, q.rho)
	for range polishIterations {
		r := q.residuals(x)
		dz, dn, _ := k.solve(r.x, r.e, nil)
		x.z = graph.Add(x.z, dz)
		if dn != nil {
			x.nu = graph.Add(x.nu, dn)
		}
	}
	return x
}
