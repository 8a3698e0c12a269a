package conic

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/gonum"

	"github.com/optnet-go/optnet/internal/dense"
)

// Project writes to s the point of the cone nearest to v in the Euclidean norm.
// Both have c.Dim() entries and may be the same slice.
func (c Cone) Project(s, v []float64) {
	p := newProjector(c)
	if len(s) != p.dim || len(v) != p.dim {
		panic(fmt.Sprintf("conic: Project: %d and %d entries, want %d", len(s), len(v), p.dim))
	}
	out := make([]float64, p.dim)
	p.project(out, v, 0)
	copy(s, out)
}

// ProjectDual writes to z the point of the dual cone nearest to v. By Moreau's
// decomposition it is v + Π(−v), Π being the projection onto the cone.
func (c Cone) ProjectDual(z, v []float64) {
	minus := make([]float64, len(v))
	for i, vi := range v {
		minus[i] = -vi
	}
	c.Project(minus, minus)
	if len(z) != len(v) {
		panic(fmt.Sprintf("conic: ProjectDual: %d and %d entries, want %d", len(z), len(v), c.Dim()))
	}
	for i, vi := range v {
		z[i] = vi + minus[i]
	}
}

// A projector projects points v onto one cone and keeps the derivative of the
// projection in spectral form. With s = Π(v) and z = s − v,
//
//	DΠ(v) = U diag(d) Uᵀ,   U orthogonal, 0 ≤ d ≤ 1.
//
// The derivative is symmetric, so that forward and backward use it alike. What
// the optimality system needs is h = d/(1−d): ds = −U diag(h) Uᵀ dz. An infinite
// h is a direction in which the constraint is inactive (dz has no part), h = 0
// one in which it is rigid (ds has none).
//
// With κ > 0 the projection is that of the central path: s + κ∇f(s) = v, f being
// the cone's barrier, so that z = −κ∇f(s), and D = (I + κ∇²f(s))⁻¹.
type projector struct {
	Cone
	dim   int
	alpha []float64 // Power, GenPower: all exponents

	// sigma and zeta are the spectral values of s and z; for cones without a
	// spectrum, sizes that vanish where s or z does.
	sigma, zeta []float64

	// h belongs to the columns of U, save for a SecondOrder cone, where it holds
	// those of c₁, of c₂ and of all directions orthogonal to both.
	h []float64
	// u is the unit vector of v₁ for SecondOrder, Q and Qᵀ for PSD, padded as
	// package dense wants them, U column by column for the cones without symmetry, else empty.
	u []float64

	where region    // cones without symmetry: the place of v
	z     []float64 // cones without symmetry: s − v
	work  []float64
}

// projectorSizes are the lengths of sigma and zeta, h, u and work.
func projectorSizes(c Cone) (pairs, nh, nu, nwork int) {
	n := c.Dim()
	switch k := c.Size; newKind(c) {
	case SecondOrder:
		return 2, 3, n - 1, 0
	case PSD:
		ld := dense.Stride(k)
		return k, n, 2 * k * ld, 2*k*ld + 2*k + dense.SyrkWork(k)
	case Exponential, Power, GenPower:
		return n, n, n * n, 2*n*n + 4*n + symWork(n)
	}
	return n, n, 0, 0
}

// projectorBytes is what a projector takes.
func projectorBytes(c Cone) int {
	pairs, nh, nu, nwork := projectorSizes(c)
	return 800 + 8*(2*pairs+nh+nu+nwork+c.Dim())
}

func newProjector(c Cone) *projector {
	p := &projector{Cone: c, dim: c.Dim()}
	p.Kind = newKind(c)
	n := p.dim
	switch c.Kind {
	case Power:
		p.alpha = []float64{c.Alpha[0], 1 - c.Alpha[0]}
	case GenPower:
		p.alpha = c.Alpha
	}
	pairs, nh, nu, nwork := projectorSizes(c)
	p.sigma, p.zeta = make([]float64, pairs), make([]float64, pairs)
	p.h, p.u, p.z, p.work = make([]float64, nh), dense.Alloc(nu), make([]float64, n), dense.Alloc(nwork)
	return p
}

// project writes Π(v) to s and sets the spectral form.
func (p *projector) project(s, v []float64, kappa float64) {
	switch p.Kind {
	case Zero:
		for i := range v {
			s[i], p.h[i], p.sigma[i], p.zeta[i] = 0, 0, 0, math.Inf(1)
		}
	case NonNegative:
		for i, vi := range v {
			p.sigma[i], p.zeta[i] = pair(vi, kappa)
			s[i] = p.sigma[i]
		}
	case SecondOrder:
		p.projectSOC(s, v, kappa)
	case PSD:
		p.projectPSD(s, v, kappa)
	case Exponential, Power, GenPower:
		p.projectCurved(s, v, kappa)
		return
	}
	p.spectrum()
}

// spectrum sets h by the spectral values.
func (p *projector) spectrum() {
	switch p.Kind {
	case NonNegative:
		for i, sigma := range p.sigma {
			p.h[i] = ratio(sigma, p.zeta[i])
		}
	case SecondOrder:
		p.h[0] = ratio(p.sigma[0], p.zeta[0])
		p.h[1] = ratio(p.sigma[1], p.zeta[1])
		p.h[2] = ratio(p.sigma[0]+p.sigma[1], p.zeta[0]+p.zeta[1])
	case PSD:
		at := 0
		for j := range p.sigma {
			for i := range j + 1 {
				p.h[at] = ratio(p.sigma[i]+p.sigma[j], p.zeta[i]+p.zeta[j])
				at++
			}
		}
	}
}

// classify looks for weak pairs: σ ≤ tolS and ζ ≤ tolZ, where v is at a kink of
// the projection. They are taken as inactive, and set to zero: an element of the
// generalized Jacobian. It returns their number, and the least of max(σ/tolS,
// ζ/tolZ).
func (p *projector) classify(tolS, tolZ float64) (weak int, margin float64) {
	margin = math.Inf(1)
	for i, sigma := range p.sigma {
		if sigma <= tolS && p.zeta[i] <= tolZ {
			weak++
		}
		margin = min(margin, max(sigma/tolS, p.zeta[i]/tolZ))
	}
	if weak == 0 {
		return 0, margin
	}
	switch p.Kind {
	case Exponential, Power, GenPower:
		p.classifyCurved(tolS, tolZ)
	default:
		for i, sigma := range p.sigma {
			if sigma <= tolS && p.zeta[i] <= tolZ {
				p.sigma[i], p.zeta[i] = 0, 0
			}
		}
		p.spectrum()
	}
	return weak, margin
}

// pair splits a spectral value of v = s − z into those of s and z, with sz = κ.
func pair(v, kappa float64) (sigma, zeta float64) {
	if kappa == 0 {
		return max(v, 0), max(-v, 0)
	}
	if r := math.Hypot(v, 2*math.Sqrt(kappa)); v >= 0 {
		sigma = (r + v) / 2
		return sigma, kappa / sigma
	} else {
		zeta = (r - v) / 2
		return kappa / zeta, zeta
	}
}

// ratio is a/b for a, b ≥ 0, and infinite for b = 0: what is weak is inactive.
func ratio(a, b float64) float64 {
	if b == 0 {
		return math.Inf(1)
	}
	return a / b
}

// weight is d = h/(1+h).
func weight(h float64) float64 {
	if math.IsInf(h, 1) {
		return 1
	}
	return h / (1 + h)
}

// each is h of the k-th column of U.
func (p *projector) each(k int) float64 {
	if p.Kind == SecondOrder {
		k = min(k, 2)
	}
	return p.h[k]
}

// apply writes DΠ(v) x to y.
func (p *projector) apply(y, x []float64) { p.spectral(y, x, weight) }

// spectral writes U diag(f(h)) Uᵀ x to y, which may be x.
func (p *projector) spectral(y, x []float64, f func(h float64) float64) {
	switch p.Kind {
	case Zero, NonNegative:
		for i, xi := range x {
			y[i] = f(p.h[i]) * xi
		}
	case SecondOrder:
		p.spectralSOC(y, x, f)
	default:
		p.rotate(y, x, true)
		for i := range y {
			y[i] *= f(p.h[i])
		}
		p.rotate(y, y, false)
	}
}

// rotate writes Uᵀx (in) or Ux to y, which may be x, for the cones whose U is not
// the identity or implicit.
func (p *projector) rotate(y, x []float64, in bool) {
	switch p.Kind {
	case SecondOrder:
		p.rotateSOC(y, x, in)
		return
	case PSD:
		p.rotatePSD(y, x, in)
		return
	}
	n := p.dim
	if n == 3 {
		u, a, b, c := p.u[:9], x[0], x[1], x[2]
		if in {
			y[0], y[1], y[2] = u[0]*a+u[1]*b+u[2]*c, u[3]*a+u[4]*b+u[5]*c, u[6]*a+u[7]*b+u[8]*c
		} else {
			y[0], y[1], y[2] = u[0]*a+u[3]*b+u[6]*c, u[1]*a+u[4]*b+u[7]*c, u[2]*a+u[5]*b+u[8]*c
		}
		return
	}
	t := p.work[:n]
	if in {
		for k := range n {
			t[k] = dense.Dot(p.u[k*n:(k+1)*n], x)
		}
	} else {
		clear(t)
		for k, xk := range x {
			dense.Axpy(xk, p.u[k*n:(k+1)*n], t)
		}
	}
	copy(y, t)
}

// symWork is the workspace that eigen needs beyond w and a.
func symWork(n int) int {
	var q [1]float64
	gonum.Implementation{}.Dsyev(lapack.EVCompute, blas.Upper, n, nil, max(n, 1), nil, q[:], -1)
	return int(q[0])
}

// eigen overwrites the symmetric n×n matrix a, of which one triangle is read,
// with its eigenvectors, column by column, and w with its eigenvalues in
// ascending order.
func eigen(n int, a, w, work []float64) {
	// LAPACK's answer is row-major here, eigenvectors in columns; transpose it, so
	// that each is contiguous.
	gonum.Implementation{}.Dsyev(lapack.EVCompute, blas.Upper, n, a, n, w, work, len(work))
	for i := range n {
		for j := range i {
			a[i*n+j], a[j*n+i] = a[j*n+i], a[i*n+j]
		}
	}
}
