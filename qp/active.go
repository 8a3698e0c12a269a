package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

const (
	weakTol      = 1e-6 // slack and multiplier, dimensionless, of a weakly active row
	rounding     = 1e-6 // a size, beside what the data say, that is zero
	wrongTol     = 1e-9 // a multiplier or slack of the wrong sign, dimensionless
	maxPolish    = 6    // active sets tried
	polishEnough = 1e-8 // relative residual of a point that fits its active set
)

// scales make slacks and multipliers dimensionless, in the metric: the size of z,
// and the largest term of the optimality conditions. At the origin z is only
// rounding, and the length is what b, p over Q, or else the smallest side that is
// not zero say; where nothing is minimized the multipliers are.
func (w *worker) scales() (z, g float64) {
	s := &w.sys
	g = s.slope(s.lin)
	length := 0.0
	if s.curved > 0 {
		length = g / s.curved
	}
	for i, n := range s.wa {
		length = max(length, math.Abs(s.b[i])/n)
		g = max(g, math.Abs(w.x.nu[i])*n)
	}
	least := math.Inf(1)
	for t, n := range s.wc {
		g = max(g, math.Abs(w.x.lam[t])*n)
		for _, side := range [...]float64{math.Abs(s.lo[t]), math.Abs(s.up[t])} {
			if side > 0 {
				least = min(least, side/n)
			}
		}
	}
	if length == 0 && !math.IsInf(least, 1) {
		length = least
	}
	if z = s.size(w.x.z); !(z > rounding*length) {
		z = length
	}
	if z == 0 {
		z = 1
	}
	if s.curved == 0 && s.slope(s.lin) == 0 {
		g = max(g, 1)
	} else if !(g > rounding*s.curved*z) {
		g = s.curved * z
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
	zs, gs := w.scales()
	w.guess(cls, zs, gs)
	w.best.copyFrom(x)
	for range maxPolish {
		w.start(cls)
		w.choose()
		w.activate(cls)
		if !w.regularize() {
			break
		}
		r.measure(s, &x.direction)
		w.optimality(cls)
		measured := !w.singular && w.improve(cls)
		if !measured {
			w.solveActive(w.singular, refinedPolish)
			x.direction.add(1, &w.step.direction)
		}
		rounded, moved := w.release(cls, gs)
		if moved {
			continue
		}
		if rounded || !measured {
			r.measure(s, &x.direction)
		}
		if w.add(cls, zs) {
			continue
		}
		if r.excess(1, 1) <= polishEnough {
			return true
		}
		break
	}
	x.copyFrom(&w.best)
	w.guess(cls, zs, gs)
	r.measure(s, &x.direction)
	return false
}

// guess classifies by what is larger, slack or multiplier.
func (w *worker) guess(cls []class, zs, gs float64) {
	s, x := &w.sys, &w.x
	for t, k := range s.kind {
		cls[t] = inactive
		switch {
		case k == fixed:
			cls[t] = active
		case k&hasUpper != 0 && onSide(x.s[upper][t], x.l[upper][t], s.wc[t], zs, gs),
			k&hasLower != 0 && onSide(x.s[lower][t], x.l[lower][t], s.wc[t], zs, gs):
			cls[t] = active
		}
	}
}

func onSide(slack, mult, norm, zs, gs float64) bool {
	return mult*norm/gs > slack/(norm*zs)
}

// improve adds the solution for w.rhs without refinement, and measures the point.
// It returns false, with all as it was, if that is not good enough.
func (w *worker) improve(cls []class) bool {
	x, r, step := &w.x, &w.res, &w.step.direction
	step.copyFrom(&w.rhs)
	w.elim.solve(step)
	size := w.rhs.norm()
	w.rest.copyFrom(&w.rhs)
	x.direction.add(1, step)
	r.measure(&w.sys, &x.direction)
	w.optimality(cls)
	left := &w.rhs
	if dense.NormInf(left.z) <= max(refinedPolish*size, refinedMeasure*r.dualScale) &&
		max(dense.NormInf(left.nu), dense.NormInf(left.lam)) <= max(refinedPolish*size, refinedMeasure*r.primalScale) {
		return true
	}
	w.start(cls)
	w.rhs.copyFrom(&w.rest)
	return false
}

// start takes the point to be polished, with λ = 0 on inactive rows.
func (w *worker) start(cls []class) {
	w.x.copyFrom(&w.best)
	for t, c := range cls {
		if c == inactive {
			w.x.lam[t] = 0
		}
	}
}

// optimality sets rhs to minus the optimality conditions, as measured, with the
// active rows as equalities. The side of a row is the one that its multiplier names.
func (w *worker) optimality(cls []class) {
	r := &w.res
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
	if w.atUpper(t) {
		return w.sys.up[t]
	}
	return w.sys.lo[t]
}

// atUpper says whether constraint t, if active, is so at its upper side.
func (w *worker) atUpper(t int) bool {
	x := &w.x
	switch k := w.sys.kind[t]; k {
	case hasLower:
		return false
	case hasLower | hasUpper:
		return x.s[upper][t]*x.l[lower][t] < x.s[lower][t]*x.l[upper][t]
	case fixed:
		return x.lam[t] >= 0
	}
	return true
}

// release makes active rows inactive whose multiplier at the polished point has
// the wrong sign, and says whether there are any. A multiplier that is zero but
// for rounding becomes zero: rounded says whether there are any.
func (w *worker) release(cls []class, gs float64) (rounded, moved bool) {
	s, x := &w.sys, &w.x
	for t, k := range s.kind {
		if k&(hasUpper|hasLower) == 0 || cls[t] == inactive {
			continue
		}
		l := x.lam[t]
		if !w.atUpper(t) {
			l = -l
		}
		if l < 0 {
			rounded = true
			x.lam[t] = 0
			if l*s.wc[t] < -wrongTol*gs {
				cls[t], moved = inactive, true
			}
		}
	}
	return rounded, moved
}

// add makes inactive rows active that the polished point violates, and says
// whether there are any.
func (w *worker) add(cls []class, zs float64) (moved bool) {
	s, r := &w.sys, &w.res
	for t, k := range s.kind {
		if k&(hasUpper|hasLower) == 0 || cls[t] != inactive {
			continue
		}
		up, lo := s.up[t]-r.cz[t], r.cz[t]-s.lo[t]
		if min(up, lo) < -wrongTol*s.wc[t]*zs {
			cls[t], moved = active, true
			if k == hasUpper|hasLower { // on the violated side from now on
				side := lower
				if up < lo {
					side = upper
				}
				w.best.name(t, side)
			}
		}
	}
	return moved
}

// name makes constraint t one that is active at the side given.
func (x *iterate) name(t, side int) {
	for k := range x.s {
		x.s[k][t], x.l[k][t] = 1, 0
	}
	x.l[side][t] = 1
}

// assess fills the certificate with the classes and the margin at the polished
// point, and with its error relative to the scales, and marks weakly active rows.
func (w *worker) assess(cls []class, cert *Certificate) {
	s, x, r := &w.sys, &w.x, &w.res
	zs, gs := w.scales()
	*cert = Certificate{Margin: math.Inf(1), Error: s.slope(r.rd) / gs}
	for i, n := range s.wa {
		cert.Error = max(cert.Error, math.Abs(r.ra[i])/(n*zs))
	}
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
		if cls[t] != inactive {
			cert.Error = max(cert.Error, slack)
		}
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
