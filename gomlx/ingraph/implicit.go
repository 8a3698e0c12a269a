package ingraph

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

var inf = math.Inf(1)

// attach gives a solution its gradient. At the solution x* the residuals
//
//	F(θ) = (Qz* + p + Aᵀν* + Cᵀλ*,  Az* − b,  Cz* − side)
//
// as functions of the data θ alone have the derivative that autodiff finds, and
// dx*/dθ = −Ks⁻¹ dF/dθ by the implicit function theorem, with
//
//	     ⎡ Q  Aᵀ  Cᵀ  ⎤
//	Ks = ⎢ A          ⎥      D = λ*/s*
//	     ⎣ C     −D⁻¹ ⎦
//
// which is symmetric. So the gradient of F is made −Ks⁻¹ times that of x*, and F, less
// its value, is added to the solution. live are the data with gradients, q those
// without. Elements without an answer have the gradient zero.
func (live *problem) attach(q *problem, x point, answered node) point {
	f := live.residuals(x)
	parts := []node{f.x}
	values := []node{x.z}
	if f.e != nil {
		parts, values = append(parts, f.e), append(values, x.nu)
	}
	if f.c != nil {
		parts, values = append(parts, f.c), append(values, x.lambda)
	}
	all := join(parts...)
	all = choose(answered, all, full(all, 0))
	back := graph.IdentityWithCustomGradient(all, func(_, v node) node {
		good := graph.LogicalAnd(answered, finite(v))
		v = choose(good, v, full(v, 0))
		w := q.adjoint(x, q.parted(v)).joined()
		return choose(good, w, full(w, 0))
	})
	y := q.parted(graph.Add(join(values...), graph.Sub(back, graph.StopGradient(all))))
	return y
}

// A triple is a vector in the space of (z, ν, λ).
type triple = point

// parted takes a joined vector apart.
func (q *problem) parted(v node) triple {
	n := q.p.Shape().Dimensions[1]
	t := triple{z: columns(v, 0, n)}
	if q.a != nil {
		p := q.b.Shape().Dimensions[1]
		t.nu = columns(v, n, n+p)
		n += p
	}
	if q.side != nil {
		t.lambda = columns(v, n, n+q.side.Shape().Dimensions[1])
	}
	return t
}

func (t triple) joined() node {
	xs := []node{t.z}
	if t.nu != nil {
		xs = append(xs, t.nu)
	}
	if t.lambda != nil {
		xs = append(xs, t.lambda)
	}
	return join(xs...)
}

// adjointDMax bounds D in the factors; refinement, with the exact system, removes what
// that costs, a factor of about adjointDMax a step.
const (
	adjointDMax        = 1e7
	adjointRefinements = 3
)

// adjoint returns w = −Ks⁻¹v.
func (q *problem) adjoint(x point, v triple) triple {
	var d, inverse node
	if q.side != nil {
		d = graph.Mul(q.finite, graph.Min(graph.Div(x.lambda, x.s), full(x.s, adjointDMax)))
		inverse = graph.Div(x.s, x.lambda)
	}
	k := q.factor(d, q.rho)
	var w triple
	w.z, w.nu, w.lambda = k.solve(v.z, v.nu, v.lambda)
	for range adjointRefinements {
		// The residual Ks w + v.
		r := triple{z: plus(v.z, q.quadratic(w.z))}
		if q.a != nil {
			r.z = graph.Add(r.z, mulT(q.a, w.nu))
			r.nu = graph.Add(v.nu, mul(q.a, w.z))
		}
		if q.side != nil {
			r.z = graph.Add(r.z, q.rowsT(w.lambda))
			r.lambda = graph.Mul(q.finite, graph.Add(v.lambda, graph.Sub(q.rows(w.z), graph.Mul(inverse, w.lambda))))
		}
		dz, dn, dl := k.solve(r.z, r.nu, r.lambda)
		w.z, w.nu, w.lambda = graph.Add(w.z, dz), plus(w.nu, dn), plus(w.lambda, dl)
	}
	return w
}

// value is ½zᵀQz + pᵀz, batch×1, whose gradient is that of the Lagrangian with z, ν and
// λ constant, and takes no solve.
func (live *problem) value(q *problem, x point, answered node) node {
	lagrangian := func(p *problem) node {
		r := p.residuals(x)
		v := dot(p.p, x.z)
		if qz := p.quadratic(x.z); qz != nil {
			v = graph.Add(v, scale(0.5, dot(x.z, qz)))
		}
		if r.e != nil {
			v = graph.Add(v, dot(x.nu, r.e))
		}
		if r.c != nil {
			v = graph.Add(v, dot(graph.Mul(q.finite, x.lambda), r.c))
		}
		return v
	}
	v := dot(q.p, x.z)
	if qz := q.quadratic(x.z); qz != nil {
		v = graph.Add(v, scale(0.5, dot(x.z, qz)))
	}
	good := func(v node) node { return choose(answered, v, full(v, 0)) }
	l := good(lagrangian(live))
	return graph.Add(good(v), graph.Sub(l, graph.StopGradient(l)))
}
