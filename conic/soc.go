package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// soc is the second-order cone, s₀ ≥ ‖s₁‖. With J = diag(1, −1, …, −1) and the
// scaling point w, wᵀJw = 1,
//
//	H = η²(2wwᵀ − J).
//
// Large cones go into the KKT matrix as H = η²(D + uuᵀ − vvᵀ), which keeps it
// sparse.
type soc struct {
	w      []float64
	lam    []float64 // λ = Wz = W⁻¹s
	x, y   []float64 // scratch
	eta    float64
	lamDet float64 // λ₀² − ‖λ₁‖²
}

func newSOC(n int) *soc {
	a := make([]float64, 4*n)
	return &soc{w: a[:n], lam: a[n : 2*n], x: a[2*n : 3*n], y: a[3*n:]}
}

func (c *soc) degree() int { return 1 }

func (c *soc) unit(s, z []float64) {
	clear(s)
	clear(z)
	s[0], z[0] = 1, 1
}

// det is vᵀJv, without cancellation.
func det(v []float64) float64 {
	n := dense.Norm2(v[1:])
	return (v[0] - n) * (v[0] + n)
}

func (c *soc) scale(s, z []float64, _ float64, _ bool) bool {
	ss, zz := math.Sqrt(det(s)), math.Sqrt(det(z))
	if !(ss > 0 && zz > 0 && s[0] > 0 && z[0] > 0) || math.IsInf(ss*zz, 0) || ss*zz == 0 {
		return false
	}
	dot := dense.Dot(s, z) / (ss * zz)
	gamma := math.Sqrt((1 + dot) / 2)
	c.eta = math.Sqrt(ss / zz)
	if math.IsNaN(gamma) || math.IsInf(gamma, 0) || c.eta == 0 {
		return false
	}
	is, iz := 1/ss, 1/zz
	s0, z0 := s[0]*is, z[0]*iz
	half := 0.5 / gamma
	root := math.Sqrt(ss * zz)
	f := root / (s0 + z0 + 2*gamma)
	fs, fz := f*(gamma+z0)*is, f*(gamma+s0)*iz
	norm := 0.0
	for i := 1; i < len(s); i++ {
		c.w[i] = (s[i]*is - z[i]*iz) * half
		norm += c.w[i] * c.w[i]
		c.lam[i] = fs*s[i] + fz*z[i]
	}
	c.w[0] = math.Sqrt(1 + norm)
	c.lam[0] = root * gamma
	c.lamDet = ss * zz
	return true
}

func (c *soc) mul(x, y []float64) {
	e := c.eta * c.eta
	t := 2 * dense.Dot(c.w, x)
	y[0] = e * (t*c.w[0] - x[0])
	for i := 1; i < len(x); i++ {
		y[i] = e * (t*c.w[i] + x[i])
	}
}

// adopt replaces Δs by what the primal equation makes it, in the eigenspaces of H with
// eigenvalues above 1. There −d − HΔz has the rounding of Δz times H, which grows as 1/μ;
// in the others it is the more accurate one. H has the eigenvectors (1, ±ω), ω = w₁/‖w₁‖,
// with η²(w₀ ± ‖w₁‖)², and η² elsewhere.
func (c *soc) adopt(ds, primal []float64) {
	n := dense.Norm2(c.w[1:])
	e, sum := c.eta*c.eta, c.w[0]+n
	large, rest, small := e*sum*sum > 1, e > 1, e/(sum*sum) > 1
	if !large {
		return
	}
	r := c.x
	for i := range r {
		r[i] = primal[i] - ds[i]
	}
	if small {
		dense.Axpy(1, r, ds)
		return
	}
	along := dense.Dot(c.w[1:], r[1:]) / n
	plus := (r[0] + along) / 2 // along (1, ω)
	if !rest {
		ds[0] += plus
		dense.Axpy(plus/n, c.w[1:], ds[1:])
		return
	}
	minus := (r[0] - along) / 2
	dense.Axpy(1, r, ds)
	ds[0] -= minus
	dense.Axpy(minus/n, c.w[1:], ds[1:])
}

// mulW sets y = W x; with inverse set, y = W⁻¹x.
func (c *soc) mulW(x, y []float64, inverse bool) {
	e, sign := c.eta, 1.0
	if inverse {
		e, sign = 1/e, -1
	}
	x0, dot := x[0], dense.Dot(c.w[1:], x[1:])
	y[0] = e * (c.w[0]*x0 + sign*dot)
	t := sign*x0 + dot/(1+c.w[0])
	for i := 1; i < len(x); i++ {
		y[i] = e * (x[i] + t*c.w[i])
	}
}

func (c *soc) square(x []float64) float64 {
	c.mulW(x, c.x, false)
	return dense.Dot(c.x, c.x)
}

func (c *soc) correct(d, s, z, ds, dz []float64, target float64) {
	x, y := c.x, c.y
	c.mulW(dz, x, false)
	c.mulW(ds, y, true)
	// x∘y − target·e
	p0 := dense.Dot(x, y) - target
	for i := 1; i < len(x); i++ {
		x[i] = x[0]*y[i] + y[0]*x[i]
	}
	x[0] = p0
	// λ \ x
	l0 := c.lam[0]
	dot := dense.Dot(c.lam[1:], x[1:])
	y[0] = (l0*x[0] - dot) / c.lamDet
	for i := 1; i < len(x); i++ {
		y[i] = (x[i] - y[0]*c.lam[i]) / l0
	}
	c.mulW(y, d, false)
	for i := range d {
		d[i] += s[i]
	}
}

func (c *soc) maxStep(s, z, ds, dz []float64, alpha float64) float64 {
	return min(socStep(s, ds, alpha), socStep(z, dz, alpha))
}

// socStep returns the largest step up to alpha from x along d within the cone:
// the first positive root of dᵀJd·α² + 2xᵀJd·α + xᵀJx.
func socStep(x, d []float64, alpha float64) float64 {
	b := x[0]*d[0] - dense.Dot(x[1:], d[1:])
	a, c := det(d), det(x)
	if c < 0 {
		return 0
	}
	disc := max(0, b*b-a*c) // negative only by rounding: of a d parallel to −x, say
	switch {
	case a == 0:
		if b >= 0 {
			return alpha
		}
		return min(alpha, -c/(2*b))
	case a > 0 && b >= 0:
		return alpha
	}
	root := math.Sqrt(disc)
	var t float64
	if b >= 0 {
		t = -b - root
	} else {
		t = -b + root
	}
	r1, r2 := c/t, t/a
	if r1 > 0 {
		alpha = min(alpha, r1)
	}
	if r2 > 0 {
		alpha = min(alpha, r2)
	}
	return alpha
}

func (c *soc) distance(s, z []float64) float64 {
	a, b := det(s), det(z)
	if !(a > 0 && b > 0 && s[0] > 0 && z[0] > 0) {
		return math.Inf(1)
	}
	return -0.5 * (math.Log(a) + math.Log(b))
}

func (c *soc) margin(v []float64) (least, positive float64) {
	n := dense.Norm2(v[1:])
	return v[0] - n, max(0, v[0]-n) + max(0, v[0]+n)
}

func (c *soc) shift(v []float64, t float64) { v[0] += t }

// expand writes the vectors of H = diag(d) + uuᵀ − vvᵀ: with ω = w₁/‖w₁‖, from the
// eigenvectors (1, ±ω)/√2 of H/η² − I, of eigenvalues 2‖w₁‖(‖w₁‖ ± w₀).
func (c *soc) expand(d, u, v []float64) {
	n := dense.Norm2(c.w[1:])
	sum := n + c.w[0]
	f := c.eta * math.Sqrt(n*sum)
	g := c.eta * math.Sqrt(n/sum)
	d[0], u[0], v[0] = c.eta*c.eta, f, g
	if n > 0 {
		f /= n
		g /= n
	}
	for i := 1; i < len(d); i++ {
		d[i], u[i], v[i] = c.eta*c.eta, f*c.w[i], -g*c.w[i]
	}
}

// block writes the upper triangle of H, column by column.
func (c *soc) block(h []float64) {
	e := c.eta * c.eta
	k := 0
	for j, wj := range c.w {
		for i := range j {
			h[k] = 2 * e * c.w[i] * wj
			k++
		}
		if j == 0 {
			h[k] = e * (2*wj*wj - 1)
		} else {
			h[k] = e * (2*wj*wj + 1)
		}
		k++
	}
}
