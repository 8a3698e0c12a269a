package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// The second-order cone has the spectral form of its Jordan algebra: with the unit
// vector u of v₁,
//
//	v = λ₁c₁√½ + λ₂c₂√½,   λ₁, λ₂ = v₀ ± ‖v₁‖,   c₁, c₂ = (1, ±u)/√2,
//
// and Π acts on λ. The derivative has the eigenvectors c₁, c₂ with the derivatives
// at λ₁ and λ₂, and all directions orthogonal to both with the divided difference
// (σ₁−σ₂)/(λ₁−λ₂); in terms of h these are σ₁/ζ₁, σ₂/ζ₂ and (σ₁+σ₂)/(ζ₁+ζ₂).

func (p *projector) projectSOC(s, v []float64, kappa float64) {
	v0, v1 := v[0], v[1:]
	n1 := dense.Norm2(v1)
	if n1 > 0 {
		for i, x := range v1 {
			p.u[i] = x / n1
		}
	} else {
		clear(p.u)
		p.u[0] = 1
	}
	p.sigma[0], p.zeta[0] = pair(v0+n1, kappa)
	p.sigma[1], p.zeta[1] = pair(v0-n1, kappa)
	s[0] = (p.sigma[0] + p.sigma[1]) / 2
	half := (p.sigma[0] - p.sigma[1]) / 2
	for i, x := range p.u {
		s[i+1] = half * x
	}
}

func (p *projector) spectralSOC(y, x []float64, f func(float64) float64) {
	f1, f2, ft := f(p.h[0]), f(p.h[1]), f(p.h[2])
	x0, ux := x[0], dense.Dot(p.u, x[1:])
	a := (f1 - ft) * (x0 + ux) / 2 // along (1, u)
	b := (f2 - ft) * (x0 - ux) / 2 // along (1, −u)
	y[0] = ft*x0 + a + b
	for i, u := range p.u {
		y[i+1] = ft*x[i+1] + (a-b)*u
	}
}

// rotateSOC is rotate with U = (c₁, c₂, T): T has the columns but the first of the
// reflection I − wwᵀ/(1+|u₁|), w = u ± e₁, whose first column is ∓u.
func (p *projector) rotateSOC(y, x []float64, in bool) {
	u := p.u
	sign := math.Copysign(1, u[0])
	beta := 1 / (1 + math.Abs(u[0]))
	if in {
		x0, ux := x[0], dense.Dot(u, x[1:])
		g := beta * (ux + sign*x[1])
		for i := 1; i < len(u); i++ {
			y[i+1] = x[i+1] - g*u[i]
		}
		y[0], y[1] = (x0+ux)*halfSqrt, (x0-ux)*halfSqrt
		return
	}
	a, b := (x[0]+x[1])*halfSqrt, (x[0]-x[1])*halfSqrt
	g := beta * dense.Dot(u[1:], x[2:])
	for i := 1; i < len(u); i++ {
		y[i+1] = x[i+1] + (b-g)*u[i]
	}
	y[0], y[1] = a, b*u[0]-g*(u[0]+sign)
}

// halfSqrt is the first entry of c₁ and c₂.
const halfSqrt = math.Sqrt2 / 2
