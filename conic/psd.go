package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// psd is the cone of positive semidefinite k×k matrices. Its scaling is R with
//
//	RᵀZR = R⁻¹SR⁻ᵀ = Λ,  H: Z ↦ GZG, G = RRᵀ.
//
// With S = UᵀU and the eigenvalues UZUᵀ = QΛ²Qᵀ, R = UᵀQΛ^(−½).
type psd struct {
	k, ld          int
	lam            []float64
	r, rt, it      []float64 // R, Rᵀ, R⁻ᵀ
	g, ginv        []float64 // RRᵀ and its inverse
	a, b, c, d     []float64 // scratch matrices
	v              []float64 // scratch vector
	inv            []float64 // 1/diagonal of Cholesky factors
	haveG, haveInv bool
	isUnit         bool // H = I
}

func newPSD(k int) *psd {
	ld := dense.Stride(k)
	c := &psd{k: k, ld: ld, lam: make([]float64, k), v: make([]float64, k), inv: make([]float64, k)}
	for _, m := range []*[]float64{&c.r, &c.rt, &c.it, &c.g, &c.ginv, &c.a, &c.b, &c.c, &c.d} {
		*m = dense.Alloc(k * ld)
	}
	return c
}

func (c *psd) degree() int { return c.k }

func (c *psd) unit(s, z []float64) {
	clear(s)
	clear(z)
	c.shift(s, 1)
	c.shift(z, 1)
}

func (c *psd) shift(v []float64, t float64) {
	for j := range c.k {
		v[j*(j+3)/2] += t
	}
}

// smat writes the matrix of which v is the svec.
func (c *psd) smat(v, m []float64) {
	const root = 1 / math.Sqrt2
	for j := range c.k {
		base := j * (j + 1) / 2
		for i, x := range v[base : base+j] {
			x *= root
			m[i*c.ld+j], m[j*c.ld+i] = x, x
		}
		m[j*c.ld+j] = v[base+j]
	}
}

// svec writes the svec of the symmetric part of m.
func (c *psd) svec(m, v []float64) {
	for j := range c.k {
		base := j * (j + 1) / 2
		for i := range j {
			v[base+i] = (m[i*c.ld+j] + m[j*c.ld+i]) * (0.5 * math.Sqrt2)
		}
		v[base+j] = m[j*c.ld+j]
	}
}

// gemm sets C = AᵀB.
func (c *psd) gemm(a, b, out []float64) {
	clear(out)
	dense.GemmTN(c.k, c.k, c.k, 1, a, c.ld, b, c.ld, out, c.ld)
}

// upper factors the svec v into UᵀU.
func (c *psd) upper(v, u []float64) bool {
	c.smat(v, u)
	return dense.Cholesky(c.k, u, c.ld, c.inv, nil) < 0
}

func (c *psd) scale(s, z []float64, _ float64, _ bool) bool {
	k, ld := c.k, c.ld
	u, t := c.a, c.b
	if !c.upper(s, u) {
		return false
	}
	for i := range k { // Cholesky leaves anything below the diagonal
		clear(u[i*ld : i*ld+i])
	}
	dense.Transpose(k, k, u, ld, c.rt, ld) // Uᵀ
	c.smat(z, t)
	c.gemm(t, c.rt, c.c)   // ZUᵀ
	c.gemm(c.rt, c.c, c.d) // UZUᵀ
	if !symEigen(k, c.d, ld, c.lam, c.v, true) {
		return false
	}
	q := c.d // rows are eigenvectors: UZUᵀ = qᵀΛ²q
	for i, l := range c.lam {
		if !(l > 0) {
			return false
		}
		c.lam[i] = math.Sqrt(l)
	}
	// Rᵀ = Λ^(−½) q U; R⁻ᵀ = U⁻¹ qᵀ Λ^½, so (R⁻ᵀ)ᵀ = Λ^½ q U⁻ᵀ.
	dense.Transpose(k, k, q, ld, c.c, ld) // qᵀ
	copy(c.it, c.c)
	c.gemm(c.c, u, c.rt)
	for i, l := range c.lam {
		f := 1 / math.Sqrt(l)
		row := c.rt[i*ld : i*ld+k]
		dense.Scale(f, row, row)
	}
	dense.Transpose(k, k, c.rt, ld, c.r, ld)
	c.backSolve(u, c.it)
	for j, l := range c.lam {
		c.v[j] = math.Sqrt(l)
	}
	for i := range k {
		row := c.it[i*ld : i*ld+k]
		for j := range row {
			row[j] *= c.v[j]
		}
	}
	c.haveG, c.haveInv, c.isUnit = false, false, false
	return true
}

// identity makes H = I.
func (c *psd) identity() {
	clear(c.g)
	clear(c.ginv)
	for i := range c.k {
		c.g[i*c.ld+i], c.ginv[i*c.ld+i] = 1, 1
	}
	c.haveG, c.haveInv, c.isUnit = true, true, true
}

// backSolve overwrites X with U⁻¹X.
func (c *psd) backSolve(u, x []float64) {
	k, ld := c.k, c.ld
	// U⁻¹ by rows from below, in blocks so that most of it is products.
	const nb = 32
	for hi := k; hi > 0; {
		lo := max(0, (hi-1)/nb*nb)
		if hi < k {
			// X[lo:hi] −= U[lo:hi, hi:] X[hi:]: the transpose of the block of U is needed.
			w := c.b
			for i := lo; i < hi; i++ {
				for j := hi; j < k; j++ {
					w[(j-hi)*dense.Stride(nb)+i-lo] = u[i*ld+j]
				}
			}
			if hi-lo < nb {
				for j := range k - hi {
					clear(w[j*dense.Stride(nb)+hi-lo : (j+1)*dense.Stride(nb)])
				}
			}
			dense.GemmTN(hi-lo, k, k-hi, -1, w, dense.Stride(nb), x[hi*ld:], ld, x[lo*ld:], ld)
		}
		for i := hi - 1; i >= lo; i-- {
			row := x[i*ld : i*ld+k]
			for j := i + 1; j < hi; j++ {
				dense.Axpy(-u[i*ld+j], x[j*ld:j*ld+k], row)
			}
			dense.Scale(c.inv[i], row, row)
		}
		hi = lo
	}
}

// scaling makes G, inverse G⁻¹, when they are asked for.
func (c *psd) scaling() []float64 {
	if !c.haveG {
		c.gemm(c.rt, c.rt, c.g)
		c.haveG = true
	}
	return c.g
}

func (c *psd) inverse() []float64 {
	if !c.haveInv {
		dense.Transpose(c.k, c.k, c.it, c.ld, c.a, c.ld)
		c.gemm(c.a, c.a, c.ginv)
		c.haveInv = true
	}
	return c.ginv
}

func (c *psd) mul(x, y []float64) { c.congruence(c.scaling(), x, y) }

// mulInv sets y = H⁻¹x, by R⁻ᵀ(R⁻¹XR⁻ᵀ)R⁻¹: then what rounding does amounts to a small change of
// x. Products with G⁻¹ lose that, and refinement with it.
func (c *psd) mulInv(x, y []float64) {
	if c.isUnit {
		copy(y, x)
		return
	}
	c.smat(x, c.a)
	c.gemm(c.a, c.it, c.b)
	c.gemm(c.it, c.b, c.c)
	dense.Transpose(c.k, c.k, c.it, c.ld, c.d, c.ld) // R⁻¹
	c.gemm(c.c, c.d, c.b)
	c.gemm(c.d, c.b, c.c)
	c.svec(c.c, y)
}

// congruence sets y to the svec of GXG.
func (c *psd) congruence(g, x, y []float64) {
	c.smat(x, c.a)
	c.gemm(c.a, g, c.b)
	c.gemm(g, c.b, c.c)
	c.svec(c.c, y)
}

func (c *psd) square(x []float64) float64 {
	c.smat(x, c.a)
	c.gemm(c.a, c.r, c.b)
	c.gemm(c.r, c.b, c.c)
	sum := 0.0
	for i := range c.k {
		row := c.c[i*c.ld : i*c.ld+c.k]
		sum += dense.Dot(row, row)
	}
	return sum
}

func (c *psd) correct(d, s, z, ds, dz []float64, target float64) {
	k, ld := c.k, c.ld
	x, y := c.c, c.d
	// X = RᵀΔZR, Y = R⁻¹ΔSR⁻ᵀ
	c.smat(dz, c.a)
	c.gemm(c.a, c.r, c.b)
	c.gemm(c.r, c.b, x)
	c.smat(ds, c.a)
	c.gemm(c.a, c.it, c.b)
	c.gemm(c.it, c.b, y)
	// The symmetric part of XY, minus the target; then Λ \ that. X and Y are
	// symmetric up to rounding, so XᵀY serves.
	p := c.a
	c.gemm(x, y, p)
	for i := range k {
		p[i*ld+i] = (p[i*ld+i] - target) / c.lam[i]
		for j := range i {
			v := (p[i*ld+j] + p[j*ld+i]) / (c.lam[i] + c.lam[j])
			p[i*ld+j], p[j*ld+i] = v, v
		}
	}
	c.gemm(p, c.rt, c.b)
	c.gemm(c.rt, c.b, c.c)
	c.svec(c.c, d)
	for i := range d {
		d[i] += s[i]
	}
}

func (c *psd) maxStep(s, z, ds, dz []float64, alpha float64) float64 {
	alpha = min(alpha, c.step(dz, c.r, alpha))
	return min(alpha, c.step(ds, c.it, alpha))
}

// step returns the largest step with Λ + α TᵀDT positive semidefinite.
func (c *psd) step(dv, t []float64, alpha float64) float64 {
	k, ld := c.k, c.ld
	c.smat(dv, c.a)
	c.gemm(c.a, t, c.b)
	c.gemm(t, c.b, c.c)
	for i := range k {
		c.v[i] = 1 / math.Sqrt(c.lam[i])
	}
	for i := range k {
		for j := range i + 1 {
			v := (c.c[i*ld+j] + c.c[j*ld+i]) / 2 * c.v[i] * c.v[j]
			c.c[i*ld+j], c.c[j*ld+i] = v, v
		}
	}
	least, ok := c.least(c.c)
	switch {
	case !ok:
		return 0
	case least*alpha >= -1:
		return alpha
	}
	return -1 / least
}

// least returns the smallest eigenvalue of m, which is destroyed.
func (c *psd) least(m []float64) (float64, bool) {
	w := c.d[:c.k]
	if !symEigen(c.k, m, c.ld, w, c.v, false) {
		return 0, false
	}
	least := math.Inf(1)
	for _, l := range w {
		least = min(least, l)
	}
	return least, true
}

func (c *psd) margin(v []float64) (least, positive float64) {
	c.smat(v, c.a)
	w := c.d[:c.k]
	if !symEigen(c.k, c.a, c.ld, w, c.v, false) {
		return math.NaN(), math.NaN()
	}
	least = math.Inf(1)
	for _, l := range w {
		least = min(least, l)
		positive += max(0, l)
	}
	return least, positive
}

func (c *psd) distance(s, z []float64) float64 {
	sum := 0.0
	for _, v := range [2][]float64{s, z} {
		if !c.upper(v, c.a) {
			return math.Inf(1)
		}
		for i := range c.k {
			sum -= 2 * math.Log(c.a[i*c.ld+i])
		}
	}
	return sum
}

// block writes the upper triangle of the matrix of H, column by column.
func (c *psd) block(h []float64) {
	g, ld := c.scaling(), c.ld
	p := 0
	for l := range c.k {
		for q := range l + 1 { // column (q, l)
			for j := range c.k {
				for i := range j + 1 { // row (i, j)
					var v float64
					if q == l {
						v = g[i*ld+l] * g[j*ld+l]
					} else {
						v = (g[i*ld+q]*g[j*ld+l] + g[i*ld+l]*g[j*ld+q]) * (1 / math.Sqrt2)
					}
					if i != j {
						v *= math.Sqrt2
					}
					h[p] = v
					p++
					if j == l && i == q {
						break
					}
				}
				if j == l {
					break
				}
			}
		}
	}
}
