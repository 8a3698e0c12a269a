// Package ingraph is a batch of quadratic programs made of operations of a GoMLX graph:
// the method runs wherever the graph does, by XLA on GPUs and TPUs, and in programs for
// several devices. Package gomlx chooses between it and the solver on the host, which
// is faster on CPUs, and tells more.
//
// The method is Mehrotra's predictor-corrector interior-point method (1992) for all
// elements at once, in a While loop that ends when every element has ended; one that has
// stays as it is. The gradient is that of the implicit function theorem: one solve with
// the KKT matrix at the solution, refined, for all coefficients.
//
// The arithmetic is float64, whatever the type of the data. Sides of a row, or bounds,
// that are equal leave no interior, which this method needs: write them as an equality.
//
// The functions here use no reductions and no scalars from GoMLX's caches, and inside of
// a loop nothing from outside of it: what GoMLX v0.28.1 and go-xla v0.4 keep from one
// function is wrong in another.
package ingraph

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/optnet-go/optnet/qp"
)

// QP adds a batch of quadratic programs to the graph of their data: see [Data] and
// [Solution] for shapes. Of the options it knows EpsAbs, EpsRel (0: 1e-8; negative:
// none) and MaxIter (0: 60); the others must be zero. The rule where a derivative is not
// unique is that of an interior point: rows that are weakly active count in part.
//
// An element is qp.Solved or qp.AlmostSolved by the tests of package qp. Of the others
// the graph knows only qp.InvalidInput (a coefficient is not finite), qp.NumericalError
// (no progress: infeasible, unbounded, or not convex), and qp.MaxIterations. They
// contribute zero to all gradients. That Q is positive semidefinite is not checked: where
// it is not, what comes out may be a stationary point.
//
// It panics with an error if shapes or options do not fit.
func QP(d Data, opt *qp.Options) *Solution {
	l, err := d.Layout()
	if err != nil {
		panic(fmt.Errorf("ingraph: %w", err))
	}
	if l.Batch == 0 { // loops of GoMLX's backend in Go do not end there
		panic(errors.New("ingraph: a batch of 0 elements: want one or more in a graph"))
	}
	m, err := newMethod(opt)
	if err != nil {
		panic(fmt.Errorf("ingraph: %w", err))
	}
	live := newProblem(&d, l)
	q := live.with(mapNodes(live.nodes(), graph.StopGradient))
	x, ended := q.solve(m)
	x, ended = x.from(mapNodes(x.parts(), graph.StopGradient)), graph.StopGradient(ended)
	status, answered := q.status(x, ended, m)

	y := live.attach(q, x, answered)
	s := &Solution{Z: y.z, Status: graph.Reshape(status, l.Batch)}
	if d.A != nil {
		s.Nu = y.nu
	}
	if q.side != nil {
		s.Lambda, s.Mu = q.net(graph.Mul(q.finite, y.lambda))
	}
	s.Value = graph.Reshape(live.value(q, x, answered), l.Batch)
	for _, p := range []**graph.Node{&s.Z, &s.Nu, &s.Lambda, &s.Mu, &s.Value} {
		if *p != nil {
			*p = graph.ConvertDType(*p, l.DType)
		}
	}
	return s
}

func newMethod(opt *qp.Options) (*method, error) {
	m := &method{abs: 1e-8, rel: 1e-8, maxIter: 60}
	if opt == nil {
		return m, nil
	}
	for _, t := range []struct {
		dst   *float64
		given float64
	}{{&m.abs, opt.EpsAbs}, {&m.rel, opt.EpsRel}} {
		if t.given != 0 {
			*t.dst = max(t.given, 0)
		}
	}
	switch {
	case opt.Engine != nil, opt.Workers != 0, opt.TimeLimit != 0, opt.Rule != qp.LeastSquares, opt.Kappa != 0, opt.Trace != nil, opt.Capture != nil:
		return nil, fmt.Errorf("options other than EpsAbs, EpsRel and MaxIter are of the solver on the host")
	case m.abs == 0 && m.rel == 0:
		return nil, fmt.Errorf("both EpsAbs and EpsRel are none: there is no tolerance")
	case !(m.abs < 1) || !(m.rel < 1):
		return nil, fmt.Errorf("EpsAbs is %g and EpsRel %g: want less than 1", m.abs, m.rel)
	case opt.MaxIter < 0:
		return nil, fmt.Errorf("MaxIter is %d: want a positive number, or 0 for 60", opt.MaxIter)
	case opt.MaxIter > 0:
		m.maxIter = opt.MaxIter
	}
	return m, nil
}

// newProblem brings the data into one form.
func newProblem(d *Data, l Layout) *problem {
	q := &problem{sides: l.Sides}
	float := func(x node) node {
		if x == nil {
			return nil
		}
		return graph.ConvertDType(x, dtypes.Float64)
	}
	// vector is batch×k, also if it is shared.
	vector := func(x node) node {
		if x = float(x); x != nil && x.Rank() == 1 {
			x = graph.BroadcastToDims(graph.InsertAxes(x, 0), l.Batch, x.Shape().Dimensions[0])
		}
		return x
	}
	q.q, q.a, q.g = float(d.Q), float(d.A), float(d.G)
	if q.q != nil { // so that its gradient is symmetric
		q.q = scale(0.5, graph.Add(q.q, graph.Transpose(q.q, q.q.Rank()-2, q.q.Rank()-1)))
	}
	q.diag, q.p, q.b = vector(d.Diag), vector(d.P), vector(d.B)
	if q.p == nil {
		q.p = graph.BroadcastToShape(graph.Const(graphOf(d), 0.0), shapes.Make(dtypes.Float64, l.Batch, l.N))
	}
	var sides []node
	for _, x := range []struct {
		node node
		sign float64
	}{{d.H, 1}, {d.HL, -1}, {d.U, 1}, {d.L, -1}} { // in the order of blocks
		if v := vector(x.node); v != nil {
			if x.sign < 0 {
				v = graph.Neg(v)
			}
			sides = append(sides, v)
		}
	}
	if sides != nil {
		side := join(sides...)
		// −Inf and NaN stay, and make the element invalid.
		is := graph.NotEqual(graph.StopGradient(side), full(side, inf))
		q.side = graph.Where(is, side, full(side, 0))
		q.finite = graph.ConvertDType(is, dtypes.Float64)
	}
	q.setWeights()
	return q
}

func graphOf(d *Data) *graph.Graph {
	for _, x := range []node{d.Q, d.Diag, d.P, d.A, d.B, d.G, d.HL, d.H, d.L, d.U} {
		if x != nil {
			return x.Graph()
		}
	}
	return nil
}

// nodes are all nodes of the problem, in the order of parts.
func (q *problem) nodes() (xs []node) {
	for _, p := range q.parts() {
		xs = append(xs, *p)
	}
	return xs
}

// status says how each element ended, batch×1 of int32, and which have an answer. ended
// says which stopped by themselves.
func (q *problem) status(x point, ended node, m *method) (status, answered node) {
	r := q.residuals(x)
	solved := r.within(m.abs, m.rel)
	answered = graph.LogicalOr(solved, r.within(almost, almost))
	code := func(s qp.Status) node {
		return graph.BroadcastToShape(graph.Const(x.z.Graph(), int32(s)), solved.Shape())
	}
	var vectors []node
	for _, v := range q.nodes() {
		switch {
		case v == q.q || v == q.a || v == q.g || v == q.ata:
			v = spread(finite(entries(v)), solved)
		default:
			v = finite(v)
		}
		vectors = append(vectors, v)
	}
	valid := fold(join(vectors...), graph.LogicalAnd)
	status = graph.Where(ended, code(qp.NumericalError), code(qp.MaxIterations))
	status = graph.Where(answered, code(qp.AlmostSolved), status)
	status = graph.Where(solved, code(qp.Solved), status)
	status = graph.Where(valid, status, code(qp.InvalidInput))
	return status, graph.LogicalAnd(answered, valid)
}

// almost is the tolerance of qp.AlmostSolved.
const almost = 1e-5
