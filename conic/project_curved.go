package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// Exponential, power and generalized power cones have a boundary that is curved
// but for its rays. Where v is neither in K nor in its polar, s is a point of the
// boundary and −z a normal there. With the shape operator S of the boundary at s
// (the Hessian of its equation along the tangent space, over the norm of its
// gradient) the derivative is that of the projection onto any smooth convex body:
//
//	DΠ(v) = 0 along z, (I + ‖z‖S)⁻¹ on the tangent space, S = 0 along the ray s.
//
// So h is 0 along z, infinite along s, and 1/(‖z‖k) in the directions of principal
// curvature k.

// region says where v lies.
type region uint8

const (
	inside region = iota // v ∈ K
	polar                // −v ∈ K*
	flat                 // s on a face spanned by axes: h is set, U = I
	curved               // s on the curved boundary, s and z not zero
)

func (p *projector) projectCurved(s, v []float64, kappa float64) {
	if kappa > 0 {
		p.central(s, v, kappa)
		return
	}
	for i := range p.sigma { // a pair that says nothing is clear of all tolerances
		p.sigma[i], p.zeta[i] = math.Inf(1), 0
	}
	if p.Kind == Exponential {
		p.where = p.projectExp(s, v)
	} else {
		p.where = p.projectPower(s, v)
	}
	switch p.where {
	case inside:
		copy(s, v)
		p.axes(math.Inf(1))
		p.sigma[0] = p.depth(s)
	case polar:
		clear(s)
		for i, vi := range v {
			p.z[i] = -vi
		}
		p.axes(0)
		p.sigma[0], p.zeta[0] = 0, p.depthDual(p.z)
	case curved:
		ns, nz := dense.Norm2(s), dense.Norm2(p.z)
		p.sigma[0], p.sigma[1], p.zeta[1] = ns, 0, nz
		switch {
		case nz == 0: // rounded to the boundary
			p.axes(math.Inf(1))
		case ns == 0:
			p.axes(0)
		default:
			p.curve(s, ns, nz)
		}
	}
}

// classifyCurved sets h where a pair is weak: inactive, unless s is negligible and
// z is not.
func (p *projector) classifyCurved(tolS, tolZ float64) {
	switch p.where {
	case curved:
		p.axes(math.Inf(1))
		if p.zeta[1] > tolZ {
			p.axes(0)
		}
	case polar:
		if dense.NormInf(p.z) <= tolZ {
			p.axes(math.Inf(1))
		}
	case flat:
		for i, sigma := range p.sigma {
			if sigma <= tolS && p.zeta[i] <= tolZ {
				p.h[i] = math.Inf(1)
			}
		}
	}
}

// axes sets U = I and one h for all directions.
func (p *projector) axes(h float64) {
	n := p.dim
	clear(p.u)
	for i := range n {
		p.u[i*n+i] = 1
		p.h[i] = h
	}
}

// hessian is where the Hessian of the boundary's equation over the norm of its
// gradient stands, n×n, both triangles.
func (p *projector) hessian() []float64 { n := p.dim; return p.work[:n*n] }

// curve sets the spectral form at a point s of the curved boundary with normal −z.
func (p *projector) curve(s []float64, ns, nz float64) {
	n := p.dim
	e1, e2 := p.u[:n], p.u[n:2*n]
	for i := range n {
		e1[i], e2[i] = s[i]/ns, p.z[i]/nz
	}
	p.h[0], p.h[1] = math.Inf(1), 0
	H := p.hessian()
	if n == 3 {
		e3 := p.u[6:9]
		e3[0] = e1[1]*e2[2] - e1[2]*e2[1]
		e3[1] = e1[2]*e2[0] - e1[0]*e2[2]
		e3[2] = e1[0]*e2[1] - e1[1]*e2[0]
		k := 0.0
		for i := range 3 {
			k += e3[i] * dense.Dot(H[3*i:3*i+3], e3)
		}
		if math.IsNaN(k) { // beyond float64: the boundary is an edge
			k = math.Inf(1)
		}
		p.h[2] = ratio(1, nz*max(k, 0))
		return
	}
	// Restrict H to the tangent space; give e₁ and e₂ the two lowest eigenvalues.
	t := p.work[n*n : 2*n*n]
	top := 0.0
	for i := range n {
		top = max(top, H[i*n+i])
	}
	top = max(top, math.SmallestNonzeroFloat64)
	deflate := func(a, b []float64) { // H −= (Ha)aᵀ: a is a unit vector
		for i := range n {
			b[i] = dense.Dot(H[i*n:(i+1)*n], a)
		}
		for i := range n {
			for j := range n {
				H[i*n+j] -= b[i] * a[j]
			}
		}
	}
	b := p.work[2*n*n : 2*n*n+n]
	for range 2 { // from the right, then, transposed, from the left
		deflate(e1, b)
		deflate(e2, b)
		for i := range n {
			for j := range i {
				H[i*n+j], H[j*n+i] = H[j*n+i], H[i*n+j]
			}
		}
	}
	for i := range n {
		for j := range n {
			t[i*n+j] = (H[i*n+j]+H[j*n+i])/2 - 2*top*e1[i]*e1[j] - 4*top*e2[i]*e2[j]
		}
	}
	w := p.work[2*n*n : 2*n*n+n]
	eigen(n, t, w, p.work[2*n*n+n:])
	copy(p.u, t)
	p.h[0], p.h[1] = 0, math.Inf(1)
	for i := 2; i < n; i++ {
		p.h[i] = ratio(1, nz*max(w[i], 0))
	}
}

// central is the projection for κ > 0: it minimizes ½‖s−v‖² + κf(s) by damped
// Newton steps from Π(v), moved inside by √κ.
func (p *projector) central(s, v []float64, kappa float64) {
	n := p.dim
	p.projectCurved(s, v, 0)
	root := math.Sqrt(kappa)
	for i := range n {
		s[i] += root * p.center(i)
	}
	H := p.hessian()
	g := p.work[2*n*n : 2*n*n+n]
	step := p.work[2*n*n+n : 2*n*n+2*n]
	next := p.work[2*n*n+2*n : 2*n*n+3*n]
	value := func(x []float64) float64 {
		f, ok := p.barrier(x, nil, nil)
		if !ok {
			return math.Inf(1)
		}
		sum := 0.0
		for i, xi := range x {
			sum += (xi - v[i]) * (xi - v[i])
		}
		return sum/2 + kappa*f
	}
	const (
		maxNewton = 100
		local     = 0.05 // of κ: below it full steps of a self-concordant function converge quadratically
	)
	last := math.Inf(1)
	for range maxNewton {
		p.barrier(s, g, H)
		for i := range n {
			g[i] = s[i] - v[i] + kappa*g[i]
			for j := range n {
				H[i*n+j] *= kappa
			}
			H[i*n+i]++
			step[i] = -g[i]
		}
		solvePositive(H, step, n)
		decrement, t := -dense.Dot(g, step), 1.0
		if decrement < local*kappa {
			if !(decrement > 0 && decrement < last/4) {
				break // as far as rounding lets it
			}
			last = decrement
		} else {
			for f := value(s); t > 1e-12; t /= 2 {
				for i := range n {
					next[i] = s[i] + t*step[i]
				}
				if value(next) <= f-0.1*t*decrement {
					break
				}
			}
		}
		for i := range n {
			next[i] = s[i] + t*step[i]
		}
		if _, ok := p.barrier(next, nil, nil); !ok {
			break
		}
		copy(s, next)
	}
	p.barrier(s, g, H)
	for i := range n {
		p.z[i] = s[i] - v[i]
		for j := range n {
			H[i*n+j] *= kappa
		}
	}
	copy(p.u, H)
	eigen(n, p.u, p.h, p.work[2*n*n+n:])
	for i, e := range p.h {
		p.h[i] = ratio(1, max(e, 0))
		p.sigma[i], p.zeta[i] = root, root
	}
}

// solvePositive overwrites b with H⁻¹b for a positive definite H, of which it
// keeps the upper triangle and the diagonal is lost.
func solvePositive(H, b []float64, n int) {
	for j := range n {
		for i := range j {
			H[j*n+i] = H[i*n+j]
		}
	}
	for j := range n {
		for k := range j {
			H[j*n+j] -= H[j*n+k] * H[j*n+k]
		}
		H[j*n+j] = math.Sqrt(H[j*n+j])
		for i := j + 1; i < n; i++ {
			for k := range j {
				H[i*n+j] -= H[i*n+k] * H[j*n+k]
			}
			H[i*n+j] /= H[j*n+j]
		}
	}
	for i := range n {
		b[i] = (b[i] - dense.Dot(H[i*n:i*n+i], b[:i])) / H[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			b[i] -= H[k*n+i] * b[k]
		}
		b[i] /= H[i*n+i]
	}
}

// center is entry i of a point well inside the cone.
func (p *projector) center(i int) float64 {
	switch {
	case p.Kind == Exponential:
		return [3]float64{-1.051383, 0.556409, 1.258967}[i]
	case i < len(p.alpha):
		return math.Sqrt(1 + p.alpha[i])
	}
	return 0
}

// barrier is f(s), its gradient and its Hessian, where these are not nil; ok
// says whether s is inside the cone.
func (p *projector) barrier(s, grad, hess []float64) (f float64, ok bool) {
	if p.Kind == Exponential {
		return barrierExp(s, grad, hess)
	}
	return barrierPower(p.alpha, s, grad, hess)
}
