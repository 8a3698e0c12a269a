package conic

import "math"

// genPower is the generalized power cone {(u, w): ∏ uᵢ^αᵢ ≥ ‖w‖, u ≥ 0}. Its
// scaling is H = μ∇²f*(z) = D^½(I + C)D^½, C symmetric of rank two. With the
// eigenvectors of C, of eigenvalues −1 < λ₋ ≤ 0 ≤ λ₊, that is D + uuᵀ − vvᵀ, which goes
// into the KKT matrix as a large second-order cone does.
type genPower struct {
	f         powerBarrier
	n         int
	d, u, v   []float64 // of H
	q, r      []float64 // orthonormal eigenvectors of C
	pos, rest float64   // its eigenvalues are pos and rest − 1
	mu        float64
	grad      []float64
	x, y, t   []float64 // scratch
}

func newGenPower(alpha []float64, w int) *genPower {
	n := len(alpha) + w
	c := &genPower{f: powerBarrier{alpha}, n: n}
	for _, p := range []*[]float64{&c.d, &c.u, &c.v, &c.q, &c.r, &c.grad, &c.x, &c.y, &c.t} {
		*p = make([]float64, n)
	}
	return c
}

func (c *genPower) degree() int { return len(c.f.alpha) + 1 }

func (c *genPower) unit(s, z []float64) {
	clear(s)
	for i, a := range c.f.alpha {
		s[i] = math.Sqrt(1 + a)
	}
	copy(z, s)
}

func (c *genPower) scale(s, z []float64, mu float64, _ bool) bool {
	if _, ok := c.f.dual(z); !ok {
		return false
	}
	c.f.gradient(z, c.grad)
	k := len(c.f.alpha)
	core := c.f.structure(z, c.d, c.x)
	// The two vectors over D^½, which are orthogonal.
	n1, n2 := 0.0, 0.0
	for i := range c.n {
		root := math.Sqrt(c.d[i])
		if i < k {
			c.x[i] /= root
			n1 += c.x[i] * c.x[i]
		} else {
			c.x[i] = z[i] / root
			n2 += c.x[i] * c.x[i]
		}
	}
	n1, n2 = math.Sqrt(n1), math.Sqrt(n2)
	a, b, e := core[0]*n1*n1, core[1]*n1*n2, core[2]*n2*n2
	// [a b; b e]: eigenvalues of opposite signs.
	mid, rad := (a+e)/2, math.Hypot((a-e)/2, b)
	c.pos = max(mid+rad, 0)
	c.rest = min(c.f.determinant(z)/(1+c.pos), 1)
	angle := 0.5 * math.Atan2(2*b, a-e) // of the eigenvector of mid + rad
	cos, sin := math.Cos(angle), math.Sin(angle)
	c.mu = mu
	rp, rn := math.Sqrt(c.pos), math.Sqrt(1-c.rest)
	for i := range c.n {
		root := math.Sqrt(mu * c.d[i])
		switch {
		case i < k:
			c.q[i], c.r[i] = cos*c.x[i]/n1, -sin*c.x[i]/n1
		case n2 > 0:
			c.q[i], c.r[i] = sin*c.x[i]/n2, cos*c.x[i]/n2
		default:
			c.q[i], c.r[i] = 0, 0
		}
		c.u[i], c.v[i] = root*rp*c.q[i], root*rn*c.r[i]
		c.d[i] *= mu
	}
	ok := c.rest > 0
	for i := range c.n {
		ok = ok && c.d[i] > 0 && !math.IsInf(c.d[i], 0) && !math.IsNaN(c.u[i]+c.v[i])
	}
	return ok
}

func (c *genPower) mul(x, y []float64) {
	p, q := 0.0, 0.0
	for i := range c.n {
		p += c.u[i] * x[i]
		q += c.v[i] * x[i]
	}
	for i := range c.n {
		y[i] = c.d[i]*x[i] + p*c.u[i] - q*c.v[i]
	}
}

func (c *genPower) square(x []float64) float64 {
	// With y = D^½x: what is orthogonal to r, along q, along r.
	p, q := 0.0, 0.0
	for i := range c.n {
		y := math.Sqrt(c.d[i]) * x[i]
		p += c.q[i] * y
		q += c.r[i] * y
	}
	sum := c.pos*p*p + c.rest*q*q
	for i := range c.n {
		y := math.Sqrt(c.d[i])*x[i] - q*c.r[i]
		sum += y * y
	}
	return sum
}

// mulInv sets y = H⁻¹x.
func (c *genPower) mulInv(x, y []float64) {
	p, q := 0.0, 0.0
	for i := range c.n {
		t := x[i] / math.Sqrt(c.d[i])
		p += c.q[i] * t
		q += c.r[i] * t
	}
	p *= 1/(1+c.pos) - 1
	q *= 1/c.rest - 1
	for i := range c.n {
		root := math.Sqrt(c.d[i])
		y[i] = (x[i]/root + p*c.q[i] + q*c.r[i]) / root
	}
}

func (c *genPower) correct(d, s, z, ds, dz []float64, target float64) {
	c.mulInv(ds, c.x)
	for i := range c.x {
		c.x[i] *= c.mu // (∇²f*)⁻¹Δs
	}
	c.f.third(z, dz, c.x, c.t)
	bad := false
	for _, v := range c.t {
		bad = bad || math.IsNaN(v) || math.IsInf(v, 0)
	}
	if bad {
		clear(c.t)
	}
	for i := range d {
		d[i] = s[i] + target*c.grad[i] - c.t[i]/2
	}
}

func (c *genPower) maxStep(s, z, ds, dz []float64, alpha float64) float64 {
	for ; alpha > 1e-8; alpha *= 0.8 {
		for i := range c.x {
			c.x[i], c.y[i] = s[i]+alpha*ds[i], z[i]+alpha*dz[i]
		}
		if !math.IsInf(c.inside(c.x, c.y), 1) {
			return alpha
		}
	}
	return 0
}

// inside is 0 if both points are in their cones, and +Inf otherwise.
func (c *genPower) inside(s, z []float64) float64 {
	if _, ok := c.f.dual(z); !ok || !c.f.shadow(s, c.t) {
		return math.Inf(1)
	}
	return 0
}

func (c *genPower) distance(s, z []float64) float64 {
	q, ok := c.f.dual(z)
	if !ok || !c.f.shadow(s, c.t) {
		return math.Inf(1)
	}
	p, ok := c.f.dual(c.t)
	if !ok {
		return math.Inf(1)
	}
	return q - p // f(s) = −ν − f*(t)
}

func (c *genPower) expand(d, u, v []float64) {
	copy(d, c.d)
	copy(u, c.u)
	copy(v, c.v)
}

// block writes the upper triangle of H, column by column.
func (c *genPower) block(h []float64) {
	k := 0
	for j := range c.n {
		for i := range j {
			h[k] = c.u[i]*c.u[j] - c.v[i]*c.v[j]
			k++
		}
		h[k] = c.d[j] + c.u[j]*c.u[j] - c.v[j]*c.v[j]
		k++
	}
}
