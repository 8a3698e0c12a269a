package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// Where K has no useful factor, or would be too large, its system is solved by
// LSQR (Paige and Saunders 1982), without a matrix. With W = (I−D)^½ and dz = Wξ
// the system is
//
//	⎡ P   AᵀW ⎤ ⎡ dx ⎤   ⎡ r₁  ⎤
//	⎣ WA  −D  ⎦ ⎣ ξ  ⎦ = ⎣ Wr₂ ⎦,
//
// symmetric, and bounded whatever h is.

const (
	lsqrTol     = 1e-13
	lsqrMaxIter = 5000
)

// root is (1−d)^½ for d = h/(1+h).
func root(h float64) float64 { return 1 / math.Sqrt(1+h) }

// operate writes that matrix times (x, xi) to y.
func (l *linearization) operate(y, x []float64) {
	n := l.n
	x1, x2, y1, y2 := x[:n], x[n:n+l.m], y[:n], y[n:n+l.m]
	t := l.row2
	l.spectral(t, x2, root)
	clear(y1)
	l.st.P.SymMulAdd(l.e.P, 1, x1, y1)
	l.st.A.MulTAdd(l.e.A, 1, t, y1)
	clear(t)
	l.st.A.MulAdd(l.e.A, 1, x1, t)
	l.spectral(y2, t, root)
	l.spectral(t, x2, weight)
	dense.Axpy(-1, t, y2)
}

// iterate solves Kx = r by LSQR, and returns the relative residual: of the normal
// equations, where the system has no solution.
func (l *linearization) iterate(x, r []float64) float64 {
	n, size := l.n, l.n+l.m
	u, v, w, y, sol := make([]float64, size), make([]float64, size), make([]float64, size), make([]float64, size), make([]float64, size)
	copy(u, r[:n])
	l.fromRows(l.row2, r[n:size])
	l.spectral(u[n:], l.row2, root)
	scale := func(a []float64) float64 {
		c := dense.Norm2(a)
		if c > 0 {
			for i := range a {
				a[i] /= c
			}
		}
		return c
	}
	beta := scale(u)
	first := beta
	clear(x)
	if beta == 0 {
		return 0
	}
	l.operate(v, u)
	alpha := scale(v)
	copy(w, v)
	phi, rho, norm, result := beta, alpha, alpha, 1.0
	for range lsqrMaxIter {
		l.operate(y, v)
		for i := range u {
			u[i] = y[i] - alpha*u[i]
		}
		beta = scale(u)
		norm = math.Hypot(norm, beta)
		l.operate(y, u)
		for i := range v {
			v[i] = y[i] - beta*v[i]
		}
		alpha = scale(v)
		norm = math.Hypot(norm, alpha)
		full := math.Hypot(rho, beta)
		c, s := rho/full, beta/full
		theta, step := s*alpha, c*phi/full
		rho, phi = -c*alpha, s*phi
		for i := range sol {
			sol[i] += step * w[i]
			w[i] = v[i] - theta/full*w[i]
		}
		result = phi / first
		if normal := alpha * math.Abs(c) / norm; result <= lsqrTol || normal <= lsqrTol || phi == 0 {
			result = min(result, normal)
			break
		}
	}
	copy(x, sol[:n])
	l.spectral(l.row2, sol[n:], root)
	if l.iterative() {
		copy(x[n:size], l.row2)
	} else {
		l.toRows(x[n:size], l.row2)
	}
	return result
}
