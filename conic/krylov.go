package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// krylovSize is how many vectors a cycle of GMRES builds.
const krylovSize = 10

// krylov is GMRES for the KKT system, with the regularized factors as a
// preconditioner from the right. It is where refinement goes on when it stalls: the
// factors are then far from the matrix in a few directions only, which a Krylov
// space captures, while refinement shrinks, or even magnifies, the error in them step by step.
type krylov struct {
	v [][]float64 // orthonormal, x and z together
	h [krylovSize][krylovSize + 1]float64
	g [krylovSize + 1]float64
	c [krylovSize]float64
	s [krylovSize]float64
}

func newKrylov(n int) *krylov {
	k := &krylov{v: make([][]float64, krylovSize+1)}
	for i := range k.v {
		k.v[i] = make([]float64, n)
	}
	return k
}

// gmres improves (x, z), whose residual is in (k.rx, k.rz), by one cycle. It returns
// the norm of the residual, with (x, z) as it was if that would be larger.
func (k *kkt) gmres(bx, bz, x, z []float64, norm, bound float64, identity bool) float64 {
	n, q := k.pl.n, k.gm
	v := q.v
	copy(v[0], k.rx)
	copy(v[0][n:], k.rz)
	beta := dense.Norm2(v[0])
	if !(beta > 0) || math.IsInf(beta, 0) {
		return norm
	}
	dense.Scale(1/beta, v[0], v[0])
	q.g[0] = beta
	m := 0
	for m < krylovSize {
		w := v[m+1]
		// w = K M⁻¹ v
		k.direct(v[m][:n], v[m][n:], k.cx, k.cz)
		k.apply(k.cx, k.cz, w[:n], w[n:], identity)
		h := &q.h[m]
		for i := range m + 1 {
			h[i] = dense.Dot(w, v[i])
			dense.Axpy(-h[i], v[i], w)
		}
		h[m+1] = dense.Norm2(w)
		if math.IsNaN(h[m+1]) || math.IsInf(h[m+1], 0) {
			break
		}
		if h[m+1] > 0 {
			dense.Scale(1/h[m+1], w, w)
		}
		last := h[m+1] == 0
		for i := range m {
			h[i], h[i+1] = q.c[i]*h[i]+q.s[i]*h[i+1], q.c[i]*h[i+1]-q.s[i]*h[i]
		}
		r := math.Hypot(h[m], h[m+1])
		if r == 0 {
			break
		}
		q.c[m], q.s[m] = h[m]/r, h[m+1]/r
		h[m] = r
		q.g[m+1] = -q.s[m] * q.g[m]
		q.g[m] *= q.c[m]
		m++
		if last || math.Abs(q.g[m]) <= bound {
			break
		}
	}
	if m == 0 {
		return norm
	}
	k.krylovSteps += m
	for i := m - 1; i >= 0; i-- {
		for j := i + 1; j < m; j++ {
			q.g[i] -= q.h[j][i] * q.g[j]
		}
		q.g[i] /= q.h[i][i]
	}
	w := v[m]
	clear(w)
	for i := range m {
		dense.Axpy(q.g[i], v[i], w)
	}
	k.direct(w[:n], w[n:], k.cx, k.cz)
	dense.Axpy(1, k.cx, x)
	dense.Axpy(1, k.cz, z)
	after := k.residual(bx, bz, x, z, identity)
	if !(after < norm) {
		dense.Axpy(-1, k.cx, x)
		dense.Axpy(-1, k.cz, z)
		return norm
	}
	return after
}
