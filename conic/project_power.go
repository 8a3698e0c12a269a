package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// The power cones {(u, w): ∏ uᵢ^αᵢ ≥ ‖w‖, u ≥ 0}. Outside K and its polar, and for
// w ≠ 0, the projection of (u, w) is (x(r), r·w/‖w‖) with
//
//	xᵢ(r) = ½(uᵢ + √(uᵢ² + 4αᵢr(‖w‖−r))),   ∏ xᵢ(r)^αᵢ = r,   0 < r < ‖w‖
//
// (Hien 2015, Differential properties of Euclidean projection onto power cone).

func (p *projector) projectPower(s, v []float64) region {
	k := len(p.alpha)
	u, w := v[:k], v[k:]
	nw := dense.Norm2(w)
	switch {
	case depthPower(p.alpha, u, nw, false, 1) >= 0:
		return inside
	case depthPower(p.alpha, u, nw, true, -1) >= 0:
		return polar
	case nw == 0:
		p.powerFlat(s, u)
		return flat
	}

	// In ρ = log(r/(‖w‖−r)) the equation Σ αᵢ log xᵢ = log r has room at both ends.
	parts := func(rho float64) (r, rest float64) {
		if rho >= 0 {
			e := math.Exp(-rho)
			return nw / (1 + e), nw * e / (1 + e)
		}
		e := math.Exp(rho)
		return nw * e / (1 + e), nw / (1 + e)
	}
	psi := func(rho float64) (f, df float64) { // rising: log r − Σ αᵢ log xᵢ
		r, rest := parts(rho)
		f, df = math.Log(r), rest/nw
		for i, a := range p.alpha {
			c := a * r * rest
			root := math.Hypot(u[i], 2*math.Sqrt(c))
			x := larger(u[i], root, c)
			f -= a * math.Log(x)
			// dx/dr = α(‖w‖−2r)/root, dr/dρ = r·rest/‖w‖
			df -= a * a * (rest - r) / (root * x) * r * rest / nw
		}
		return f, df
	}
	lo, hi := -1.0, 1.0
	for f, _ := psi(lo); f > 0 && lo > -700; f, _ = psi(lo) {
		lo *= 2
	}
	for f, _ := psi(hi); f < 0 && hi < 700; f, _ = psi(hi) {
		hi *= 2
	}
	r, rest := parts(newton(psi, lo, hi, math.NaN()))

	// s and z, and the Hessian of ‖w‖ − ∏uᵢ^αᵢ over the norm of its gradient.
	n := p.dim
	H := p.hessian()
	clear(H)
	g := 1.0
	for i, a := range p.alpha {
		c := a * r * rest
		s[i] = larger(u[i], math.Hypot(u[i], 2*math.Sqrt(c)), c)
		p.z[i] = c / s[i]
		g = math.Hypot(g, a*r/s[i])
	}
	for i, x := range w {
		s[k+i], p.z[k+i] = x*(r/nw), -x*(rest/nw)
	}
	for i, a := range p.alpha {
		for j, b := range p.alpha {
			H[i*n+j] = -r * a / s[i] * b / s[j] / g
		}
		H[i*n+i] += r * a / s[i] / s[i] / g
	}
	for i, x := range w {
		for j, y := range w {
			H[(k+i)*n+k+j] = -(x / nw) * (y / nw) / r / g
		}
		H[(k+i)*n+k+i] += 1 / r / g
	}
	return curved
}

// larger is ½(u + root) with root² = u² + 4c, without cancellation.
func larger(u, root, c float64) float64 {
	if u >= 0 {
		return (u + root) / 2
	}
	return 2 * c / (root - u)
}

// depthPower is how far (sign·u, w) is inside the cone, or inside its dual
// ∏ (uᵢ/αᵢ)^αᵢ ≥ ‖w‖, by the equation: negative outside.
func depthPower(alpha, u []float64, nw float64, dual bool, sign float64) float64 {
	log := 0.0
	for i, a := range alpha {
		x := sign * u[i]
		if x < 0 {
			return math.Inf(-1)
		}
		if dual {
			x /= a
		}
		log += a * math.Log(x)
	}
	return math.Exp(log) - nw
}

// powerFlat is the projection for w = 0: u₊. Along w, s(w) = θw with
// θ^{1−β}/(1−θ)^β ∝ ‖w‖^{2β−1}, β the exponents of negative uᵢ together: θ tends
// to 1, to 0, or, for β = ½, to what the factor says.
func (p *projector) powerFlat(s, u []float64) {
	p.axes(0)
	k := len(u)
	beta, log := 0.0, 0.0
	for i, x := range u {
		s[i], p.z[i] = max(x, 0), max(-x, 0)
		p.sigma[i], p.zeta[i] = s[i], p.z[i]
		p.h[i] = ratio(s[i], p.z[i])
		if a := p.alpha[i]; x < 0 {
			beta += a
			log += a * math.Log(a/-x)
		} else {
			log += a * math.Log(x)
		}
	}
	h := 0.0
	switch {
	case math.Abs(beta-0.5) < 1e-12:
		h = math.Exp(2 * log) // θ/(1−θ)
	case beta < 0.5:
		h = math.Inf(1)
	}
	for i := k; i < p.dim; i++ {
		s[i], p.z[i] = 0, 0
		p.h[i], p.sigma[i] = h, math.Inf(1)
	}
}

// barrierPower is f = −log(∏uᵢ^{2αᵢ} − ‖w‖²) − Σ(1−αᵢ) log uᵢ.
func barrierPower(alpha, s, grad, hess []float64) (f float64, ok bool) {
	k, n := len(alpha), len(s)
	log := 0.0
	for i, a := range alpha {
		if !(s[i] > 0) {
			return 0, false
		}
		log += 2 * a * math.Log(s[i])
		f -= (1 - a) * math.Log(s[i])
	}
	w := s[k:]
	phi, ww := math.Exp(log), dense.Dot(w, w)
	psi := phi - ww
	if !(psi > 0) {
		return 0, false
	}
	tau := func(i int) float64 { return 2 * alpha[i] * phi / (s[i] * psi) }
	if grad != nil {
		for i, a := range alpha {
			grad[i] = -tau(i) - (1-a)/s[i]
		}
		for i, x := range w {
			grad[k+i] = 2 * x / psi
		}
	}
	if hess != nil {
		for i, a := range alpha {
			for j := range alpha {
				hess[i*n+j] = tau(i) * tau(j) * ww / phi
			}
			hess[i*n+i] += tau(i)/s[i] + (1-a)/(s[i]*s[i])
			for j, x := range w {
				hess[i*n+k+j] = -tau(i) * 2 * x / psi
				hess[(k+j)*n+i] = hess[i*n+k+j]
			}
		}
		for i, x := range w {
			for j, y := range w {
				hess[(k+i)*n+k+j] = 4 * x * y / (psi * psi)
			}
			hess[(k+i)*n+k+i] += 2 / psi
		}
	}
	return f - math.Log(psi), true
}

// depth and depthDual are how far a point is inside the cone and its dual.
func (p *projector) depth(s []float64) float64 {
	if p.Kind == Exponential {
		return max(depthExp(s[0], s[1], s[2]), 0)
	}
	k := len(p.alpha)
	return max(depthPower(p.alpha, s[:k], dense.Norm2(s[k:]), false, 1), 0)
}

// The dual of the exponential cone, −u·exp(v/u) ≤ e·w with u < 0, is the cone
// itself at (u − v, −u, w).
func (p *projector) depthDual(z []float64) float64 {
	if p.Kind == Exponential {
		return max(depthExp(z[0]-z[1], -z[0], z[2]), 0)
	}
	k := len(p.alpha)
	return max(depthPower(p.alpha, z[:k], dense.Norm2(z[k:]), true, 1), 0)
}
