package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// The positive semidefinite cone: with mat(v) = QΛQᵀ, Π acts on Λ. In the basis
// of Q the derivative multiplies entry (i, j) by the divided difference
// (σᵢ−σⱼ)/(λᵢ−λⱼ), which is hᵢⱼ = (σᵢ+σⱼ)/(ζᵢ+ζⱼ). Malick and Sendov (2006).

func (p *projector) projectPSD(s, v []float64, kappa float64) {
	k, ld := p.Size, dense.Stride(p.Size)
	rows, e := p.u[k*ld:], p.work[2*k*ld:]
	lambda := p.work[2*k*ld+k:]
	unpack(rows, v, k, ld)
	if !symEigen(k, rows, ld, lambda, e, true) { // not finite
		for i := range lambda[:k] {
			lambda[i] = math.NaN()
		}
	}
	dense.Transpose(k, k, rows, ld, p.u, ld)
	for i, l := range lambda[:k] {
		p.sigma[i], p.zeta[i] = pair(l, kappa)
	}
	m := p.work[:k*ld]
	clear(m)
	dense.Syrk(k, k, rows, ld, p.sigma, m, ld, p.work[2*k*ld+2*k:])
	pack(s, m, k, ld)
}

// addOuter adds a·svec(qqᵀ).
func addOuter(s []float64, a float64, q []float64) {
	at := 0
	for j, qj := range q {
		c := a * qj
		for _, qi := range q[:j] {
			s[at] += math.Sqrt2 * c * qi
			at++
		}
		s[at] += c * qj
		at++
	}
}

// unpack writes the symmetric matrix of svec x, both triangles.
func unpack(m, x []float64, k, ld int) {
	at := 0
	for j := range k {
		for i := range j {
			m[i*ld+j] = x[at] * halfSqrt
			m[j*ld+i] = m[i*ld+j]
			at++
		}
		m[j*ld+j] = x[at]
		at++
	}
}

// pack is the inverse of unpack; it reads the rows above the diagonal.
func pack(x, m []float64, k, ld int) {
	at := 0
	for j := range k {
		for i := range j {
			x[at] = m[i*ld+j] * math.Sqrt2
			at++
		}
		x[at] = m[j*ld+j]
		at++
	}
}

// rotatePSD writes svec of QᵀXQ (in) or of QXQᵀ to y, which may be x.
func (p *projector) rotatePSD(y, x []float64, in bool) {
	k, ld := p.Size, dense.Stride(p.Size)
	m, t, q := p.work[:k*ld], p.work[k*ld:2*k*ld], p.u[:k*ld]
	if !in {
		q = p.u[k*ld:]
	}
	unpack(m, x, k, ld)
	clear(t)
	dense.GemmTN(k, k, k, 1, m, ld, q, ld, t, ld) // XQ
	clear(m)
	dense.GemmTN(k, k, k, 1, q, ld, t, ld, m, ld)
	pack(y, m, k, ld)
}

// addRotated adds svec of QᵀXQ to y, where svec of X has one entry, x at r.
func (p *projector) addRotated(y []float64, r int, x float64) {
	k := p.Size
	j := int((math.Sqrt(float64(8*r+1)) - 1) / 2) // column: j(j+1)/2 ≤ r
	for j*(j+1)/2 > r {
		j--
	}
	for (j+1)*(j+2)/2 <= r {
		j++
	}
	i := r - j*(j+1)/2
	ld := dense.Stride(k)
	qi, qj := p.u[i*ld:i*ld+k], p.u[j*ld:j*ld+k] // rows of Q
	if i == j {
		addOuter(y, x, qi)
		return
	}
	at := 0
	for f := range k {
		a, b := x*qi[f], x*qj[f]
		for e := range f {
			y[at] += a*qj[e] + b*qi[e]
			at++
		}
		y[at] += math.Sqrt2 * a * qj[f]
		at++
	}
}
