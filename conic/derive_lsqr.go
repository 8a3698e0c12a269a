package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// Least squares by LSQR (Paige and Saunders 1982), where a factorization alone does
// not do.
//
// If K is singular: on K(K+εJ)⁻¹, with plain scales. The factor brings all singular values
// close to one but for the smallest, so that it takes few steps; and since
// null JK = null (JK)ᵀ, the least-squares solution it finds is the one of minimum
// norm.
//
// If K has no factor, or would be too large: without a matrix. With W = (I−D)^½ and
// dz = Wξ the system is
//
//	⎡ P   AᵀW ⎤ ⎡ dx ⎤   ⎡ r₁  ⎤
//	⎣ WA  −D  ⎦ ⎣ ξ  ⎦ = ⎣ Wr₂ ⎦,
//
// symmetric, and bounded whatever h is.

const (
	lsqrTol      = 1e-11 // above what rounding does to products and their transposes
	lsqrFactored = 200   // steps with a factor
	lsqrMaxIter  = 5000  // and without
)

// lsqr writes to x the least-squares solution of minimum norm of Bx = b, B being
// given by its products and those of Bᵀ; norm is a lower bound of ‖B‖. It returns the
// relative residual: of the normal equations, if that is smaller. work has four times as many
// entries as b.
func lsqr(x, b, work []float64, steps int, norm float64, mul, mulT func(y, x []float64)) float64 {
	n := len(b)
	u, v, w, y := work[:n], work[n:2*n], work[2*n:3*n], work[3*n:4*n]
	normalize := func(a []float64) float64 {
		c := dense.Norm2(a)
		if c > 0 {
			for i := range a {
				a[i] /= c
			}
		}
		return c
	}
	clear(x)
	copy(u, b)
	beta := normalize(u)
	if beta == 0 {
		return 0
	}
	mulT(v, u)
	alpha := normalize(v)
	copy(w, v)
	norm = max(norm, alpha)
	if alpha <= lsqrTol*norm {
		return 0 // b is orthogonal to the range
	}
	first, phi, rho, result := beta, beta, alpha, 1.0
	for range steps {
		mul(y, v)
		for i := range u {
			u[i] = y[i] - alpha*u[i]
		}
		beta = normalize(u)
		norm = math.Hypot(norm, beta)
		mulT(y, u)
		for i := range v {
			v[i] = y[i] - beta*v[i]
		}
		alpha = normalize(v)
		norm = math.Hypot(norm, alpha)
		full := math.Hypot(rho, beta)
		c, s := rho/full, beta/full
		theta, step := s*alpha, c*phi/full
		rho, phi = -c*alpha, s*phi
		for i := range x {
			x[i] += step * w[i]
			w[i] = v[i] - theta/full*w[i]
		}
		result = min(phi/first, alpha*math.Abs(c)/norm)
		if result <= lsqrTol || math.IsNaN(result) {
			break
		}
	}
	return result
}

// scratch is for n numbers; it is made when LSQR is first needed.
func (l *linearization) scratch(n int) []float64 {
	l.lsqr = grow(l.lsqr, n)
	return l.lsqr
}

// leastSquares solves Kx = r with the factor. It returns the relative residual, of
// the normal equations if K is singular, and the part of r that is left.
func (l *linearization) leastSquares(x, r []float64) (residual, left float64) {
	size := dense.Norm2(r)
	if size == 0 {
		clear(x)
		return 0, 0
	}
	t, work := l.more2, l.scratch(4*len(r))
	mul := func(y, x []float64) {
		l.precondition(t, x)
		clear(y)
		l.mul(1, t, y)
	}
	mulT := func(y, x []float64) {
		clear(t)
		l.mul(1, x, t)
		l.precondition(y, t)
	}
	sol, rest := l.rest, l.null
	clear(x)
	copy(rest, r)
	for pass := range 2 { // the second corrects the first
		res := lsqr(sol, rest, work, lsqrFactored, 1, mul, mulT)
		if pass == 0 {
			residual = res
		}
		l.precondition(t, sol)
		for i, d := range t {
			x[i] += d
		}
		l.residual(rest, r, x)
	}
	left = dense.Norm2(rest) / size
	if l.singular {
		// Rounding in a solution has a part in the null space, and the factor makes it
		// larger by 1/ε. K times something has none.
		copy(rest, x)
		lsqr(sol, rest, work, lsqrFactored, 1, mul, mulT)
		mul(x, sol)
	}
	return residual, left
}

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

// iterate solves Kx = r without a factor, and returns the relative residual.
func (l *linearization) iterate(x, r []float64) float64 {
	n, size := l.n, l.n+l.m
	work := l.scratch(6 * size)
	b, sol := work[4*size:5*size], work[5*size:]
	clear(b)
	copy(b, r[:n])
	l.fromRows(l.row2, r[n:size])
	l.spectral(b[n:], l.row2, root)
	result := lsqr(sol, b, work, lsqrMaxIter, 0, l.operate, l.operate)
	clear(x)
	copy(x, sol[:n])
	l.spectral(l.row2, sol[n:], root)
	l.toRows(x[n:size], l.row2)
	return result
}
