package conic

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// The positive semidefinite cone: with mat(v) = QΛQᵀ, Π acts on Λ. In the basis
// of Q the derivative multiplies entry (i, j) by the divided difference
// (σᵢ−σⱼ)/(λᵢ−λⱼ), which is hᵢⱼ = (σᵢ+σⱼ)/(ζᵢ+ζⱼ). Malick and Sendov (2006).

func (p *projector) projectPSD(s, v []float64, kappa float64) {
	k, q := p.Size, p.u
	unpack(q, v, k)
	lambda := p.work[:k]
	eigen(k, q, lambda, p.work[k:])
	for i, l := range lambda {
		p.sigma[i], p.zeta[i] = pair(l, kappa)
	}
	clear(s)
	for e, sig := range p.sigma {
		if sig > 0 {
			addOuter(s, sig, q[e*k:(e+1)*k])
		}
	}
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
func unpack(m, x []float64, k int) {
	at := 0
	for j := range k {
		for i := range j {
			m[i*k+j] = x[at] * halfSqrt
			m[j*k+i] = m[i*k+j]
			at++
		}
		m[j*k+j] = x[at]
		at++
	}
}

// pack is the inverse of unpack; it reads the rows above the diagonal.
func pack(x, m []float64, k int) {
	at := 0
	for j := range k {
		for i := range j {
			x[at] = m[i*k+j] * math.Sqrt2
			at++
		}
		x[at] = m[j*k+j]
		at++
	}
}

// rotatePSD writes svec of QᵀXQ (in) or of QXQᵀ to y, which may be x.
func (p *projector) rotatePSD(y, x []float64, in bool) {
	k := p.Size
	m, t := p.work[:k*k], p.work[k*k:2*k*k]
	unpack(m, x, k)
	before, after := blas.NoTrans, blas.Trans // u holds Qᵀ
	if !in {
		before, after = blas.Trans, blas.NoTrans
	}
	lib := gonum.Implementation{}
	lib.Dgemm(before, blas.NoTrans, k, k, k, 1, p.u, k, m, k, 0, t, k)
	lib.Dgemm(blas.NoTrans, after, k, k, k, 1, t, k, p.u, k, 0, m, k)
	pack(y, m, k)
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
	qi, qj := p.work[:k], p.work[k:2*k] // rows of Q
	for e := range k {
		qi[e], qj[e] = p.u[e*k+i], p.u[e*k+j]
	}
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
