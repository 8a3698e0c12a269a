package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

const (
	weakTol     = 1e-6  // slack and multiplier, dimensionless, of a weakly active row
	wrongTol    = 1e-9  // a multiplier or slack of the wrong sign, dimensionless
	maxPolish   = 6     // active sets tried
	singularTol = 1e-10 // relative pivot below which the active-set matrix is singular
	probeEnough = 1e-3  // residual of the probe of a regular matrix
)

// scales make slacks and multipliers dimensionless, with the row norms.
func (w *worker) scales() (z, g float64) {
	z, g = w.res.znorm, w.res.dualScale
	if z == 0 {
		z = 1
	}
	if g == 0 {
		g = 1
	}
	return z, g
}

// polish finds the active set at w.x, and solves the optimality conditions with
// it as equalities,
//
//	⎡Q  Bᵀ⎤ ⎡z⎤   ⎡−p ⎤
//	⎣B  0 ⎦ ⎣y⎦ = ⎣side⎦    B: A and the active rows of C
//
// so that the point is exact to rounding and every row is on its side or off
// it. A set whose solution has a violated row or a multiplier of the wrong sign
// is corrected and tried again. The matrix is left factored. It returns false,
// with the point as it was, if no set fits.
func (w *worker) polish(cls []class) bool {
	s, x, r := &w.sys, &w.x, &w.res
	r.measure(s, &x.direction)
	zs, gs := w.scales()
	for t, k := range s.kind {
		cls[t] = inactive
		switch {
		case k == fixed:
			cls[t] = active
		case k&hasUpper != 0 && onSide(x.su[t], x.lu[t], s.wc[t], zs, gs),
			k&hasLower != 0 && onSide(x.sl[t], x.ll[t], s.wc[t], zs, gs):
			cls[t] = active
		}
	}
	w.best.copyFrom(x)
	before := r.excess(1, 1)
	for range maxPolish {
		x.copyFrom(&w.best)
		for t, c := range cls {
			if c == inactive {
				x.lam[t] = 0
			}
		}
		if !w.regularize(cls) {
			break
		}
		w.optimality(cls)
		w.solveActive(w.singular)
		x.direction.add(1, &w.step.direction)
		r.measure(s, &x.direction)
		if !w.correct(cls, zs, gs) {
			if r.excess(1, 1) <= max(before, 1e-12) {
				return true
			}
			break
		}
	}
	x.copyFrom(&w.best)
	return false
}

func onSide(slack, mult, norm, zs, gs float64) bool {
	return mult*norm/gs > slack/(norm*zs)
}

// optimality sets rhs to minus the optimality conditions with the active rows
// as equalities. The side of a row is the one that its multiplier names.
func (w *worker) optimality(cls []class) {
	s, x, r := &w.sys, &w.x, &w.res
	r.measure(s, &x.direction)
	for j, v := range r.rd {
		w.rhs.z[j] = -v
	}
	for i, v := range r.ra {
		w.rhs.nu[i] = -v
	}
	for t, c := range cls {
		w.rhs.lam[t] = 0
		if c != inactive {
			w.rhs.lam[t] = w.sideOf(t) - r.cz[t]
		}
	}
}

// sideOf is the side that constraint t is on, if it is active.
func (w *worker) sideOf(t int) float64 {
	if w.upper(t) {
		return w.sys.up[t]
	}
	return w.sys.lo[t]
}

// upper says whether constraint t, if active, is so at its upper side.
func (w *worker) upper(t int) bool {
	x := &w.x
	switch k := w.sys.kind[t]; k {
	case hasLower:
		return false
	case hasLower | hasUpper:
		return x.su[t]*x.ll[t] < x.sl[t]*x.lu[t]
	case fixed:
		return x.lam[t] >= 0
	}
	return true
}

// correct moves rows between the classes where the polished point shows them
// wrong, and says whether it moved any.
func (w *worker) correct(cls []class, zs, gs float64) (moved bool) {
	s, x, r := &w.sys, &w.x, &w.res
	for t, k := range s.kind {
		if k&(hasUpper|hasLower) == 0 {
			continue
		}
		norm := s.wc[t]
		if cls[t] != inactive {
			l := x.lam[t] * norm / gs
			if !w.upper(t) {
				l = -l
			}
			if l < -wrongTol {
				cls[t], moved = inactive, true
			}
			continue
		}
		up, lo := (s.up[t]-r.cz[t])/(norm*zs), (r.cz[t]-s.lo[t])/(norm*zs)
		if k&hasUpper != 0 && up < -wrongTol || k&hasLower != 0 && lo < -wrongTol {
			cls[t], moved = active, true
			if k == hasUpper|hasLower { // on the violated side from now on
				w.best.name(t, up < lo)
			}
		}
	}
	return moved
}

// name makes constraint t one that is active at the side given.
func (x *iterate) name(t int, upper bool) {
	x.su[t], x.lu[t], x.sl[t], x.ll[t] = 1, 0, 1, 0
	if upper {
		x.lu[t] = 1
	} else {
		x.ll[t] = 1
	}
}

// assess fills the certificate with the classes and the margin at the polished
// point, marks weakly active rows, and makes slacks exact.
func (w *worker) assess(cls []class, cert *Certificate) {
	s, x, r := &w.sys, &w.x, &w.res
	zs, gs := w.scales()
	*cert = Certificate{Margin: math.Inf(1)}
	for t, k := range s.kind {
		if k == 0 {
			continue
		}
		if k == fixed {
			cert.Active++
			continue
		}
		norm := s.wc[t]
		slack := math.Abs(w.sideOf(t)-r.cz[t]) / (norm * zs)
		if k == hasUpper|hasLower && cls[t] == inactive {
			slack = math.Min(math.Abs(s.up[t]-r.cz[t]), math.Abs(r.cz[t]-s.lo[t])) / (norm * zs)
		}
		mult := math.Abs(x.lam[t]) * norm / gs
		cert.Margin = min(cert.Margin, max(slack, mult))
		switch {
		case slack <= weakTol && mult <= weakTol:
			cls[t] = weak
			cert.Weak++
		case cls[t] != inactive:
			cls[t] = active
			cert.Active++
		}
	}
}

// regularize factors the active-set matrix, finds out its condition, and factors
// it once more for least squares if it is singular.
func (w *worker) regularize(cls []class) bool {
	if !w.factorActive(cls, false) {
		return false
	}
	w.rcond = w.condition()
	w.singular = w.rcond == 0
	return !w.singular || w.factorActive(cls, true)
}

// factorActive factors the KKT matrix with D infinite on active rows and zero
// on the others; weak ones count as the rule says. With least, the
// regularization is the same number on the whole diagonal, unscaled.
func (w *worker) factorActive(cls []class, least bool) bool {
	s := &w.sys
	for t, c := range cls {
		w.dinv[t] = math.Inf(1)
		if c == active || c == weak && w.weakActive {
			w.dinv[t] = 0
		}
	}
	eps := 0.0
	if least {
		if k, ok := w.elim.(*diagonal); ok {
			eps = leastDiagonal * max(s.maxA*s.maxA/s.maxQ, 1/s.maxQ)
			k.uniform = eps
		} else {
			eps = leastCondensed * max(s.maxQ, s.maxA, s.maxG)
			if s.t > s.m {
				eps = max(eps, leastCondensed)
			}
			if eps == 0 {
				eps = leastCondensed
			}
			w.elim = w.plain()
			w.cond.uniform = eps
		}
	}
	return w.factorRegularized()
}

// The regularization of the least-squares solution, relative to the matrix:
// smaller makes it converge faster, larger keeps rounding errors out of the
// null space.
const (
	leastDiagonal  = 1e-8
	leastCondensed = 1e-7
)

// solveActive solves K·step = rhs with the active-set matrix that is factored,
// refined as far as it goes, and returns the relative residual. Rows that are
// not in the set have dλ = 0.
//
// A singular K is solved in the least-squares sense with least norm. The
// iteration x += (K+εJ)⁻¹(r − Kx), J = diag(I, −I), is a proximal-point method.
// Since Q is semidefinite, null(K) = null([Q; B]) × null(Bᵀ), which J maps to
// itself: from x = 0 it never leaves range(K) if r is in it, and so ends at the
// solution of least norm. What of r is not in range(K) is what no iteration
// removes from the residual; it is found first and taken off r.
func (w *worker) solveActive(least bool) float64 {
	step, left := &w.step.direction, &w.left
	limit, enough := 10, 1e-15
	if least {
		limit = 40
	}
	size := w.rhs.norm()
	if size == 0 {
		step.clear()
		return 0
	}
	w.rest.copyFrom(&w.rhs)
	for pass := 0; ; pass++ {
		step.clear()
		left.copyFrom(&w.rest)
		last := math.Inf(1)
		stuck := 0
		for range limit {
			w.corr.copyFrom(left)
			w.elim.solve(&w.corr)
			step.add(1, &w.corr)
			w.activeResidual()
			e := left.norm()
			if !(e < 0.5*last) {
				if !(e < last) { // worse: take it back
					step.add(-1, &w.corr)
					w.activeResidual()
				}
				if stuck++; stuck >= 2 || !least {
					break
				}
			}
			last = min(e, last)
			if e <= enough*size {
				break
			}
		}
		e := left.norm()
		if !least || pass == 1 || e <= 1e-9*size {
			break
		}
		w.rest.add(-1, left) // only the part in range(K) is left
	}
	// The residual is of the system asked for, not of its projection.
	w.rest.copyFrom(&w.rhs)
	w.activeResidual()
	return left.norm() / size
}

// activeResidual sets left = rest − K·step, K being the active-set matrix, or
// K(D) when D is finite.
func (w *worker) activeResidual() {
	s, d, e := &w.sys, &w.step.direction, &w.left
	s.mulQ(d.z, e.z)
	s.addAT(1, d.nu, e.z)
	s.addCT(1, d.lam, e.z)
	for j, v := range w.rest.z {
		e.z[j] = v - e.z[j]
	}
	s.mulA(d.z, e.nu)
	for i, v := range w.rest.nu {
		e.nu[i] = v - e.nu[i]
	}
	s.mulCE(d, w.cdz)
	for t, di := range w.dinv {
		if math.IsInf(di, 1) {
			e.lam[t] = 0
		} else {
			e.lam[t] = w.rest.lam[t] - w.cdz[t] + di*d.lam[t]
		}
	}
}

func (d *direction) norm() float64 {
	return max(dense.NormInf(d.z), dense.NormInf(d.nu), dense.NormInf(d.lam))
}

// condition estimates the reciprocal condition number of the active-set matrix,
// equilibrated; 0 if it is singular. Eliminations (b) and (c) read it off their
// pivots; (d) hides dependent rows behind 1/δ and is probed with a right-hand
// side that has a part in every direction, which refinement can only solve for
// if the matrix is regular.
func (w *worker) condition() float64 {
	if w.elim != elimination(w.cond) {
		if c := w.elim.pivot(); c > singularTol {
			return c
		}
		return 0
	}
	s := &w.sys
	g := s.gamma
	sign := 1.0
	next := func(i, n int) float64 {
		sign = -sign
		return sign * (1 + float64(i)/float64(n))
	}
	for j := range w.rhs.z {
		w.rhs.z[j] = g * next(j, s.n)
	}
	for i, n := range s.wa {
		w.rhs.nu[i] = n * next(i, s.p)
	}
	for t, n := range s.wc {
		w.rhs.lam[t] = 0
		if w.dinv[t] == 0 {
			w.rhs.lam[t] = n * next(t, s.t)
		}
	}
	w.rest.copyFrom(&w.rhs)
	w.step.clear()
	w.left.copyFrom(&w.rest)
	for range 6 {
		w.corr.copyFrom(&w.left)
		w.elim.solve(&w.corr)
		w.step.direction.add(1, &w.corr)
		w.activeResidual()
		if w.probeNorm(&w.left) <= probeEnough {
			break
		}
	}
	if !(w.probeNorm(&w.left) <= probeEnough) {
		return 0
	}
	d := &w.step.direction
	size := dense.NormInf(d.z)
	for i, n := range s.wa {
		size = max(size, math.Abs(d.nu[i])*n/g)
	}
	for t, n := range s.wc {
		size = max(size, math.Abs(d.lam[t])*n/g)
	}
	return min(1, 1/size)
}

// probeNorm is the size of a residual of the probe, whose parts are about 1.
func (w *worker) probeNorm(d *direction) float64 {
	s := &w.sys
	v := dense.NormInf(d.z) / s.gamma
	for i, n := range s.wa {
		v = max(v, math.Abs(d.nu[i])/n)
	}
	for t, n := range s.wc {
		v = max(v, math.Abs(d.lam[t])/n)
	}
	return v
}
