package conic

import "math"

// barrier3 is what a three-dimensional cone that is not symmetric is made of: the
// barrier f* of K*, with ν = 3, and its conjugate f.
type barrier3 interface {
	inside(s []float64) bool
	dualInside(z []float64) bool
	distance(s, z []float64) float64                // f(s) + f*(z) + 3; +Inf outside
	shadow(s, t []float64) bool                     // t = −∇f(s); false outside
	derivatives(z, g []float64, h *[9]float64) bool // ∇f*(z) and ∇²f*(z); false outside
	third(z, a, b, t []float64)                     // ∇³f*(z)[a, b]
	center() [3]float64                             // s = −∇f*(s)
}

// nonsym3 is a three-dimensional cone by its barrier. Of the matrices with
// Hz = s and H t = s̃, t and s̃ being the shadows of s and z, its scaling is the one
// nearest to μ∇²f*(z) (Tunçel 2001; Dahl and Andersen 2022).
type nonsym3 struct {
	f    barrier3
	h    [9]float64
	hess [9]float64 // ∇²f*(z)
	grad [3]float64 // ∇f*(z)
	// The vectors of which H is the sum of outer products, if it is primal-dual.
	parts   [3][3]float64
	secants bool
	x, t    [3]float64 // scratch: what goes through an interface escapes
}

func (c *nonsym3) degree() int { return 3 }

func (c *nonsym3) unit(s, z []float64) {
	p := c.f.center()
	copy(s, p[:])
	copy(z, p[:])
}

func (c *nonsym3) scale(s, z []float64, mu float64, dual bool) bool {
	if !c.f.derivatives(z, c.grad[:], &c.hess) {
		return false
	}
	c.secants = !dual && c.secant(s, z)
	if !c.secants {
		for i, v := range c.hess {
			c.h[i] = mu * v
		}
	}
	for _, v := range c.h {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// secant makes the primal-dual scaling
//
//	H = ssᵀ/sᵀz + δs δsᵀ/δsᵀδz + t aaᵀ,  δs = s − μs̃, δz = z − μt,
//
// a being the unit vector orthogonal to z and t. It reports whether the point is
// far enough from the central path, where δs = 0, for that.
func (c *nonsym3) secant(s, z []float64) bool {
	if !c.f.shadow(s, c.t[:]) {
		return false
	}
	t := c.t
	st := [3]float64{-c.grad[0], -c.grad[1], -c.grad[2]} // shadow of z
	sz := s[0]*z[0] + s[1]*z[1] + s[2]*z[2]
	mu := sz / 3
	mut := (st[0]*t[0] + st[1]*t[1] + st[2]*t[2]) / 3
	var ds, dz, ht [3]float64
	for i := range 3 {
		ds[i] = s[i] - mu*st[i]
		dz[i] = z[i] - mu*t[i]
	}
	tht := 0.0
	for i := range 3 {
		ht[i] = c.hess[3*i]*t[0] + c.hess[3*i+1]*t[1] + c.hess[3*i+2]*t[2]
		tht += ht[i] * t[i]
	}
	dd := ds[0]*dz[0] + ds[1]*dz[1] + ds[2]*dz[2]
	de1, de2 := mu*mut-1, tht-3*mut*mut
	if !(math.Abs(de1) > 1e-8 && math.Abs(de2) > 2e-16 && sz > 0 && dd > 0) {
		return false
	}
	var r [3]float64
	for i := range 3 {
		r[i] = mut*st[i] - ht[i]
	}
	norm := 0.0
	for i := range 3 {
		for j := range 3 {
			v := c.hess[3*i+j] - st[i]*st[j]/3 - r[i]*r[j]/de2
			norm += v * v
		}
	}
	f := mu * math.Sqrt(norm)
	a := [3]float64{z[1]*t[2] - z[2]*t[1], z[2]*t[0] - z[0]*t[2], z[0]*t[1] - z[1]*t[0]}
	an := a[0]*a[0] + a[1]*a[1] + a[2]*a[2]
	if !(an > 0) || math.IsInf(an, 0) {
		return false
	}
	p := &c.parts
	u, v, w := 1/math.Sqrt(sz), 1/math.Sqrt(dd), math.Sqrt(f/an)
	for i := range 3 {
		p[0][i], p[1][i], p[2][i] = u*s[i], v*ds[i], w*a[i]
	}
	for i := range 3 {
		for j := range 3 {
			c.h[3*i+j] = p[0][i]*p[0][j] + p[1][i]*p[1][j] + p[2][i]*p[2][j]
		}
	}
	return true
}

func (c *nonsym3) square(x []float64) float64 {
	if c.secants {
		sum := 0.0
		for _, p := range c.parts {
			d := p[0]*x[0] + p[1]*x[1] + p[2]*x[2]
			sum += d * d
		}
		return sum
	}
	m1, m2, m3, d0, d1, d2 := factor3(&c.h)
	y0, y1 := x[0]+m1*x[1]+m2*x[2], x[1]+m3*x[2]
	return max(d0, 0)*y0*y0 + max(d1, 0)*y1*y1 + max(d2, 0)*x[2]*x[2]
}

func (c *nonsym3) mul(x, y []float64) {
	h := &c.h
	y[0], y[1], y[2] = h[0]*x[0]+h[1]*x[1]+h[2]*x[2], h[3]*x[0]+h[4]*x[1]+h[5]*x[2], h[6]*x[0]+h[7]*x[1]+h[8]*x[2]
}

func (c *nonsym3) correct(d, s, z, ds, dz []float64, target float64) {
	// s + σμ∇f*(z) − ½∇³f*(z)[Δz, ∇²f*(z)⁻¹Δs]
	var t [3]float64
	if solve3(&c.hess, ds, c.x[:]) {
		c.f.third(z, dz, c.x[:], c.t[:])
		if n := math.Abs(c.t[0]) + math.Abs(c.t[1]) + math.Abs(c.t[2]); !math.IsNaN(n) && !math.IsInf(n, 0) {
			t = c.t
		}
	}
	for i := range 3 {
		d[i] = s[i] + target*c.grad[i] - t[i]/2
	}
}

// factor3 returns the LDLᵀ of H: L has 1 on its diagonal, and m1, m2, m3 below.
func factor3(h *[9]float64) (m1, m2, m3, d0, d1, d2 float64) {
	d0 = h[0]
	m1, m2 = h[1]/d0, h[2]/d0
	d1 = h[4] - m1*h[1]
	e := h[5] - m1*h[2]
	m3 = e / d1
	d2 = h[8] - m2*h[2] - m3*e
	return
}

// solve3 solves the symmetric positive definite system Hx = b.
func solve3(h *[9]float64, b, x []float64) bool {
	m1, m2, m3, d0, d1, d2 := factor3(h)
	if !(d0 > 0 && d1 > 0 && d2 > 0) {
		return false
	}
	y1 := b[1] - m1*b[0]
	y2 := b[2] - m2*b[0] - m3*y1
	x[2] = y2 / d2
	x[1] = y1/d1 - m3*x[2]
	x[0] = b[0]/d0 - m1*x[1] - m2*x[2]
	return true
}

func (c *nonsym3) maxStep(s, z, ds, dz []float64, alpha float64) float64 {
	for ; alpha > 1e-8; alpha *= 0.8 {
		for i := range 3 {
			c.x[i], c.t[i] = s[i]+alpha*ds[i], z[i]+alpha*dz[i]
		}
		if c.f.inside(c.x[:]) && c.f.dualInside(c.t[:]) {
			return alpha
		}
	}
	return 0
}

func (c *nonsym3) distance(s, z []float64) float64 { return c.f.distance(s, z) }

// block writes the upper triangle of H, column by column.
func (c *nonsym3) block(h []float64) {
	h[0], h[1], h[2], h[3], h[4], h[5] = c.h[0], c.h[1], c.h[4], c.h[2], c.h[5], c.h[8]
}
