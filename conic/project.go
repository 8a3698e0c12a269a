package conic

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/gonum"
)

// Project writes to s the point of the cone nearest to v in the Euclidean norm.
// Both have c.Dim() entries and may be the same slice.
func (c Cone) Project(s, v []float64) {
	p := newProjector(c)
	if len(s) != p.dim || len(v) != p.dim {
		panic(fmt.Sprintf("conic: Project: %d and %d entries, want %d", len(s), len(v), p.dim))
	}
	out := make([]float64, p.dim)
	p.project(out, v, 0, 0, 0)
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
	weak        int // pairs of them that are both negligible: taken as inactive

	// h belongs to the columns of U, save for a SecondOrder cone, where it holds
	// those of c₁, of c₂ and of all directions orthogonal to both.
	h []float64
	// u is the unit vector of v₁ for SecondOrder, the eigenvectors for PSD (column
	// by column), U column by column for the cones without symmetry, else empty.
	u []float64

	z, work []float64
}

func newProjector(c Cone) *projector {
	p := &projector{Cone: c, dim: c.Dim()}
	if c.Size == 1 && (c.Kind == SecondOrder || c.Kind == PSD) {
		p.Kind = NonNegative
	}
	n := p.dim
	pairs, nh, nu, nwork := n, n, 0, 0
	switch p.Kind {
	case SecondOrder:
		pairs, nh, nu = 2, 3, n-1
	case PSD:
		k := c.Size
		pairs, nu, nwork = k, k*k, max(2*k*k, k+symWork(k))
	case Exponential, Power, GenPower:
		switch c.Kind {
		case Power:
			p.alpha = []float64{c.Alpha[0], 1 - c.Alpha[0]}
		case GenPower:
			p.alpha = c.Alpha
		}
		nu, nwork = n*n, 2*n*n+4*n+symWork(n)
	}
	p.sigma, p.zeta = make([]float64, pairs), make([]float64, pairs)
	p.h, p.u, p.z, p.work = make([]float64, nh), make([]float64, nu), make([]float64, n), make([]float64, nwork)
	return p
}

// project writes Π(v) to s and sets the spectral form. Pairs with σ ≤ tolS and
// ζ ≤ tolZ are weak; they are looked for only where κ = 0.
func (p *projector) project(s, v []float64, kappa, tolS, tolZ float64) {
	p.weak = 0
	switch p.Kind {
	case Zero:
		for i, vi := range v {
			s[i], p.h[i], p.sigma[i], p.zeta[i] = 0, 0, 0, math.Inf(1)
			p.z[i] = -vi
		}
	case NonNegative:
		for i, vi := range v {
			p.sigma[i], p.zeta[i] = p.pair(vi, kappa, tolS, tolZ)
			s[i], p.h[i] = p.sigma[i], ratio(p.sigma[i], p.zeta[i])
		}
	case SecondOrder:
		p.projectSOC(s, v, kappa, tolS, tolZ)
	case PSD:
		p.projectPSD(s, v, kappa, tolS, tolZ)
	case Exponential, Power, GenPower:
		p.projectCurved(s, v, kappa, tolS, tolZ)
	}
}

// pair splits a spectral value of v = s − z into those of s and z, with sz = κ.
func (p *projector) pair(v, kappa, tolS, tolZ float64) (sigma, zeta float64) {
	switch {
	case kappa > 0:
		if r := math.Hypot(v, 2*math.Sqrt(kappa)); v >= 0 {
			sigma = (r + v) / 2
			zeta = kappa / sigma
		} else {
			zeta = (r - v) / 2
			sigma = kappa / zeta
		}
	case v <= tolS && -v <= tolZ:
		p.weak++
	default:
		sigma, zeta = max(v, 0), max(-v, 0)
	}
	return sigma, zeta
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

// apply writes DΠ(v) x to y.
func (p *projector) apply(y, x []float64) {
	switch p.Kind {
	case Zero, NonNegative:
		for i, xi := range x {
			y[i] = weight(p.h[i]) * xi
		}
	case SecondOrder:
		p.applySOC(y, x)
	case PSD:
		p.rotatePSD(y, x, true)
		for i := range y {
			y[i] *= weight(p.h[i])
		}
		p.rotatePSD(y, y, false)
	default:
		n := p.dim
		t := p.work[:n]
		for k := range n {
			t[k] = weight(p.h[k]) * dot(p.u[k*n:(k+1)*n], x)
		}
		clear(y)
		for k := range n {
			axpy(t[k], p.u[k*n:(k+1)*n], y)
		}
	}
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

func dot(x, y []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += v * y[i]
	}
	return sum
}

func axpy(alpha float64, x, y []float64) {
	for i, v := range x {
		y[i] += alpha * v
	}
}

// norm2 is the Euclidean norm, safe from overflow.
func norm2(x []float64) float64 {
	big := 0.0
	for _, v := range x {
		big = max(big, math.Abs(v))
	}
	if big == 0 || math.IsInf(big, 1) || math.IsNaN(big) {
		return big
	}
	sum := 0.0
	for _, v := range x {
		sum += (v / big) * (v / big)
	}
	return big * math.Sqrt(sum)
}
