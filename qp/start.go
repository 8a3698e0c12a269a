package qp

import "math"

// coldStart puts w.x where Mehrotra's heuristic does: at the solution of the
// least-squares problem
//
//	minimize ½zᵀQz + pᵀz + ½(γ/wᵢ²)·Σ (cᵢz − tᵢ)²   subject to Az = b
//
// tᵢ being the side, or the middle of two, with slacks and multipliers shifted
// into the interior. Slacks are measured in units of wᵢ, multipliers of 1/wᵢ.
func (w *worker) coldStart() bool {
	s, x := &w.sys, &w.x
	for t, k := range s.kind {
		target, d := 0.0, s.wc[t]*s.wc[t]/s.cost
		switch k {
		case 0:
			d = math.Inf(1)
		case fixed:
			target, d = s.up[t], 0
		case hasUpper:
			target = s.up[t]
		case hasLower:
			target = s.lo[t]
		default:
			target = s.lo[t]/2 + s.up[t]/2
		}
		w.rhs.lam[t], w.dinv[t] = target, d
	}
	for j, v := range s.lin {
		w.rhs.z[j] = -v
	}
	copy(w.rhs.nu, s.b)
	if !w.factorRegularized() {
		return false
	}
	w.elim.solve(&w.rhs)
	x.direction.copyFrom(&w.rhs)
	w.shift(0, 0)
	return true
}

// warmStart starts from the point given, shifted off the boundary by what it
// lacks in optimality.
func (w *worker) warmStart() {
	s, x, r := &w.sys, &w.x, &w.res
	r.measure(s, &x.direction)
	off := max(r.primal/(1+r.primalScale), r.dual/(1+r.dualScale), r.gap/(1+r.gapScale))
	off = min(1, max(warmLeast, off))
	size := max(1, s.size(x.z))
	w.shift(off*size, off*s.cost*size)
}

// warmLeast is the shift of a warm start that is a solution: far enough from
// the boundary to move along it, near enough to be done in a few steps.
const warmLeast = 1e-4

// shift makes slacks and multipliers of x from z and λ: at least s/w and λ·w of
// the sizes given or, given none, Mehrotra's: 1.5 times the largest violation
// more, and half the mean complementarity product on top.
func (w *worker) shift(leastS, leastL float64) {
	s, x := &w.sys, &w.x
	if s.sides == 0 {
		return
	}
	s.mulCE(&x.direction, w.cdz)
	lowS, lowL := 0.0, 0.0
	for k, side := range [2][]float64{s.up, s.lo} {
		sign := sideSign[k]
		for t, on := range s.on[k] {
			if on == 0 {
				continue
			}
			sl, l := sign*(side[t]-w.cdz[t]), sign*x.lam[t]
			if s.on[1-k][t] != 0 {
				l = max(l, 0)
			}
			x.s[k][t], x.l[k][t] = sl, l
			lowS, lowL = min(lowS, sl/s.wc[t]), min(lowL, l*s.wc[t])
		}
	}
	if leastS > 0 {
		x.eachSide(s, func(sl, l *float64, wt float64) {
			*sl = max(*sl, leastS*wt)
			*l = max(*l, leastL/wt)
		})
	} else {
		addS, addL := -1.5*lowS, -1.5*lowL
		sumS, sumL, product := 0.0, 0.0, 0.0
		x.eachSide(s, func(sl, l *float64, wt float64) {
			a, b := *sl/wt+addS, *l*wt+addL
			sumS, sumL, product = sumS+a, sumL+b, product+a*b
		})
		if product > 0 {
			addS += 0.5 * product / sumL
			addL += 0.5 * product / sumS
		}
		floorS := startFloor * sumS / float64(s.sides)
		floorL := startFloor * max(s.cost, sumL/float64(s.sides))
		if !(floorS > 0) { // on the boundary of everything
			floorS = startFloor
		}
		x.eachSide(s, func(sl, l *float64, wt float64) {
			*sl = max(*sl/wt+addS, floorS) * wt
			*l = max(*l*wt+addL, floorL) / wt
		})
	}
	for _, t := range s.odd {
		w.cdz[t] = x.lam[t]
	}
	x.net()
	for _, t := range s.odd {
		x.lam[t] = w.cdz[t]
	}
}

// startFloor keeps the start inside, relative to the mean slack and multiplier.
const startFloor = 1e-3

// eachSide calls f with slack, multiplier and row norm of every side.
func (x *iterate) eachSide(s *system, f func(slack, mult *float64, norm float64)) {
	for k := range s.on {
		for t, on := range s.on[k] {
			if on != 0 {
				f(&x.s[k][t], &x.l[k][t], s.wc[t])
			}
		}
	}
}
