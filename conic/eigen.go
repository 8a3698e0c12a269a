package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// symEigen finds the eigenvalues of a symmetric n×n matrix, row-major with leading
// dimension ld, which is destroyed. If vectors is set, the rows of a are then
// the eigenvectors: A = VᵀΛV. e is scratch of n. Both triangles of a are read.
//
// Householder's reduction to a tridiagonal matrix, with the reflectors kept in
// the rows they clear, then QL steps with implicit shifts; with eigenvectors as rows, a rotation
// works on two contiguous rows. It fails only on matrices that are not finite.
func symEigen(n int, a []float64, ld int, lam, e []float64, vectors bool) bool {
	tridiagonalize(n, a, ld, lam, e)
	if vectors {
		unfold(n, a, ld, lam, e)
	} else {
		for i := range n {
			lam[i] = a[i*ld+i]
		}
	}
	var v []float64
	if vectors {
		v = a
	}
	return qlImplicit(n, lam, e, v, ld)
}

// tridiagonalize reduces a by reflections I − β u uᵀ, from the last row up: row i loses
// all but its diagonal and the entry e[i] left of it. u is left in the row, and β in
// beta[i].
func tridiagonalize(n int, a []float64, ld int, beta, e []float64) {
	for i := n - 1; i > 0; i-- {
		u := a[i*ld : i*ld+i] // the last entry becomes e[i], the others 0
		beta[i] = 0
		scale := dense.NormInf(u[:i-1])
		if scale == 0 || math.IsNaN(scale) {
			e[i] = u[i-1]
			clear(u)
			continue
		}
		norm := dense.Norm2(u)
		f := u[i-1]
		if f > 0 {
			norm = -norm
		}
		e[i] = norm
		u[i-1] = f - norm
		beta[i] = -1 / (norm * u[i-1]) // 2/uᵀu
		// A ← A − u wᵀ − w uᵀ, w = βAu − (β²uᵀAu/2)u, on the lower triangle.
		w := e[:i]
		clear(w)
		for j := range i {
			row := a[j*ld : j*ld+j]
			w[j] += dense.Dot(row, u[:j]) + a[j*ld+j]*u[j]
			dense.Axpy(u[j], row, w[:j])
		}
		b := beta[i]
		for j := range w {
			w[j] *= b
		}
		k := b * dense.Dot(w, u) / 2
		dense.Axpy(-k, u, w)
		for j := range i {
			row := a[j*ld : j*ld+j+1]
			uj, wj := u[j], w[j]
			if uj != 0 {
				dense.Axpy(-uj, w[:j+1], row)
			}
			if wj != 0 {
				dense.Axpy(-wj, u[:j+1], row)
			}
		}
	}
	e[0] = 0
}

// unfold multiplies the reflections out into the rows of a, V = H₁H₂…, and moves the
// diagonal to d.
func unfold(n int, a []float64, ld int, d, e []float64) {
	for i := range n {
		b := 0.0
		if i > 0 {
			b = d[i]
		}
		diag := a[i*ld+i]
		if b != 0 {
			// The leading i×i block Q becomes Q(I − βuuᵀ) in rows.
			u := a[i*ld : i*ld+i]
			for j := range i {
				row := a[j*ld : j*ld+i]
				dense.Axpy(-b*dense.Dot(row, u), u, row)
			}
		}
		clear(a[i*ld : i*ld+i])
		for j := range i {
			a[j*ld+i] = 0
		}
		a[i*ld+i] = 1
		d[i] = diag
	}
}

// qlImplicit finds the eigenvalues of the symmetric tridiagonal matrix with
// diagonal d and off-diagonal e[1:], and rotates the rows of v along.
func qlImplicit(n int, d, e, v []float64, ld int) bool {
	copy(e, e[1:n])
	if n > 0 {
		e[n-1] = 0
	}
	for l := range n {
		for iter := 0; ; iter++ {
			m := l
			for ; m < n-1; m++ {
				if s := math.Abs(d[m]) + math.Abs(d[m+1]); math.Abs(e[m]) <= 0x1p-53*s {
					break
				}
			}
			if m == l {
				break
			}
			if iter == 60 {
				return false
			}
			g := (d[l+1] - d[l]) / (2 * e[l])
			r := math.Sqrt(g*g + 1)
			if math.IsInf(r, 1) {
				r = math.Abs(g)
			}
			g = d[m] - d[l] + e[l]/(g+math.Copysign(r, g))
			s, c, p := 1.0, 1.0, 0.0
			i := m - 1
			for ; i >= l; i-- {
				f, b := s*e[i], c*e[i]
				r = math.Sqrt(f*f + g*g)
				if r < 1e-150 || r > 1e150 {
					r = math.Hypot(f, g)
				}
				e[i+1] = r
				if r == 0 {
					d[i+1] -= p
					e[m] = 0
					break
				}
				s, c = f/r, g/r
				g = d[i+1] - p
				r = (d[i]-g)*s + 2*c*b
				p = s * r
				d[i+1] = g + p
				g = c*r - b
				if v != nil {
					rotate(c, s, v[i*ld:i*ld+n], v[(i+1)*ld:(i+1)*ld+n])
				}
			}
			if r == 0 && i >= l {
				continue
			}
			d[l] -= p
			e[l], e[m] = g, 0
		}
	}
	for i := range n {
		if math.IsNaN(d[i]) || math.IsInf(d[i], 0) {
			return false
		}
	}
	return true
}

// rotate replaces x by c·x − s·y and y by s·x + c·y.
func rotate(c, s float64, x, y []float64) {
	y = y[:len(x)]
	for k, xk := range x {
		yk := y[k]
		x[k] = c*xk - s*yk
		y[k] = s*xk + c*yk
	}
}
