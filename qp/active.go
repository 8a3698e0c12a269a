package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

const (
	weakTol      = 1e-6  // slack and multiplier, dimensionless, of a weakly active row
	rounding     = 1e-6  // a size, beside what the data say, that is zero
	wrongTol     = 1e-9  // a multiplier or slack of the wrong sign, dimensionless
	maxPolish    = 6     // active sets tried
	polishEnough = 1e-8  // relative residual of a point that fits its active set
	singularTol  = 1e-10 // relative pivot below which the active-set matrix is singular
	probeEnough  = 1e-6  // residual of the probe of a regular matrix
	probeFactor  = 0.5   // by which refinement shrinks it at least, each time
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
		x.copyFrom(&w.best)
		for t, c := range cls {
			if c == inactive {
				x.lam[t] = 0
			}
		}
		w.choose()
		w.activate(cls)
		if !w.regularize() {
			break
		}
		w.optimality(cls)
		w.solveActive(w.singular, refinedPolish)
		x.direction.add(1, &w.step.direction)
		if w.release(cls, gs) {
			continue
		}
		r.measure(s, &x.direction)
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
		case k&hasUpper != 0 && onSide(x.su[t], x.lu[t], s.wc[t], zs, gs),
			k&hasLower != 0 && onSide(x.sl[t], x.ll[t], s.wc[t], zs, gs):
			cls[t] = active
		}
	}
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

// release makes active rows inactive whose multiplier at the polished point has
// the wrong sign, and says whether there are any. A multiplier that is zero but
// for rounding becomes zero.
func (w *worker) release(cls []class, gs float64) (moved bool) {
	s, x := &w.sys, &w.x
	for t, k := range s.kind {
		if k&(hasUpper|hasLower) == 0 || cls[t] == inactive {
			continue
		}
		l := x.lam[t]
		if !w.upper(t) {
			l = -l
		}
		if l < 0 {
			x.lam[t] = 0
			if l*s.wc[t] < -wrongTol*gs {
				cls[t], moved = inactive, true
			}
		}
	}
	return moved
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

// regularize factors K(D), finds out its condition, and factors it once more for
// least squares if it is singular.
func (w *worker) regularize() bool {
	if !w.factorRegularized() {
		return false
	}
	w.rcond = w.condition()
	w.singular = w.rcond == 0
	return !w.singular || w.factorLeast()
}

// factorAgain factors a K(D) that regularize has seen.
func (w *worker) factorAgain() bool {
	if w.singular {
		return w.factorLeast()
	}
	return w.factorRegularized()
}

func (w *worker) factorLeast() bool {
	w.leastSquares()
	return w.factorRegularized()
}

// activate makes D infinite on active rows and zero on the others; weak ones
// count as the rule says.
func (w *worker) activate(cls []class) {
	for t, c := range cls {
		w.dinv[t] = math.Inf(1)
		if c == active || c == weak && w.weakActive {
			w.dinv[t] = 0
		}
	}
}

// leastSquares makes the regularization R of each block a multiple of the
// identity: ρ on z, and δ on all constraints alike, whatever their norms. For a
// smoothed point, whose derivative has no norm prescribed, it is R in the metric.
func (w *worker) leastSquares() {
	s := &w.sys
	if w.cert.Rule == Smoothed {
		w.elim = w.plain()
		w.cond.rho, w.cond.delta = leastRho, leastDelta
		return
	}
	small, large := math.Inf(1), 0.0
	for _, n := range s.na {
		small, large = min(small, n), max(large, n)
	}
	for t, n := range s.nc {
		if !math.IsInf(w.dinv[t], 1) {
			small, large = min(small, n), max(large, n)
		}
	}
	gamma := s.maxQ
	if gamma == 0 {
		gamma = max(1, large)
	}
	delta := leastDelta / gamma
	if large > 0 {
		delta *= small * large
	}
	if k, ok := w.elim.(*diagonal); ok {
		k.uniform = delta
		return
	}
	w.elim = w.plain()
	w.cond.uniform, w.cond.uniformRho = delta, leastRho*gamma
}

// The regularization of a least-squares solution, relative to γ and to w²/γ: a
// smaller one converges faster, a larger one keeps rounding errors out of the
// null space.
const (
	leastRho   = 1e-6
	leastDelta = 1e-6
)

// solveActive solves K·step = rhs with the matrix that is factored, refined, and
// returns the relative residual. Constraints that D drops
// have dλ = 0.
//
// With least, K is singular, and the solution is the least-squares one of least
// norm, K⁺·rhs. Refinement is a proximal-point iteration,
//
//	x += (K+R)⁻¹(r − Kx)    R = diag(ρI, −δI)
//
// Since Q is semidefinite, null(K) = null([Q; B]) × null(Bᵀ), which R maps to
// itself. So x stays in range(K) if r is in it and ends at the solution of
// least norm, and (K+R)⁻¹R, which is the identity on null(K) and shrinks the
// rest, projects on the null space: first the right-hand side is rid of its
// part there, and last the solution of what rounding left.
func (w *worker) solveActive(least bool, enough float64) float64 {
	step := &w.step.direction
	step.clear()
	size := w.rhs.norm()
	if size == 0 {
		return 0
	}
	w.rest.copyFrom(&w.rhs)
	if !least {
		return w.refine(enough, 10, 0.5)
	}
	for range maxProject {
		w.corr.copyFrom(&w.rest)
		w.elim.solve(&w.corr)
		w.project()
		w.multiplyR(&w.corr) // what (K+R)⁻¹ makes of a part n in null(K) is R⁻¹n
		w.rest.add(-1, &w.corr)
		if w.corr.norm() <= projected*size {
			break
		}
	}
	w.refine(refinedLeast, 40, 0.9)
	size = step.norm()
	for range maxProject {
		w.corr.copyFrom(step)
		w.project()
		step.add(-1, &w.corr)
		if w.corr.norm() <= projected*size {
			break
		}
	}
	// The residual is of the system asked for, not of its projection.
	w.rest.copyFrom(&w.rhs)
	w.activeResidual()
	return w.unsolved()
}

// refine iterates step += (K+R)⁻¹(rest − K·step) from the step at hand until
// the relative residual is small enough or shrinks by less than the factor, and
// returns it.
func (w *worker) refine(enough float64, limit int, factor float64) float64 {
	step := &w.step.direction
	w.left.copyFrom(&w.rest)
	last := math.Inf(1)
	for range limit {
		w.corr.copyFrom(&w.left)
		w.elim.solve(&w.corr)
		step.add(1, &w.corr)
		w.activeResidual()
		e := w.unsolved()
		if !(e < last) { // worse: take it back
			step.add(-1, &w.corr)
			w.activeResidual()
			break
		}
		if last, e = e, e/last; e > factor || last <= enough {
			break
		}
	}
	return last
}

// unsolved is the residual left = rest − K·step, relative to the right-hand side.
func (w *worker) unsolved() float64 { return w.left.norm() / w.rhs.norm() }

const (
	refined       = 1e-12 // relative residual that is good enough for a derivative
	refinedPolish = 1e-6  // and for a polish, whose right-hand side is next to zero
	refinedLeast  = 1e-15 // and of a least-squares solution, which is projected after
	projected     = 1e-13 // part in null(K) that is
	maxProject    = 5     // projections of one vector: each is good to a few digits
	projecting    = 3     // applications of (K+R)⁻¹R that make one
)

// project applies (K+R)⁻¹R to corr until only its part in null(K) is left.
func (w *worker) project() {
	for range projecting {
		w.multiplyR(&w.corr)
		w.elim.solve(&w.corr)
	}
}

// multiplyR sets d = R d.
func (w *worker) multiplyR(d *direction) {
	k, ok := w.elim.(*diagonal)
	for j := range d.z {
		if ok {
			d.z[j] = 0
		} else {
			d.z[j] *= w.cond.rhoOf(j)
		}
	}
	delta := func(norm float64) float64 {
		if ok {
			return k.uniform
		}
		return w.cond.deltaOf(norm)
	}
	for i, n := range w.sys.wa {
		d.nu[i] *= -delta(n)
	}
	for t, n := range w.sys.wc {
		if math.IsInf(w.dinv[t], 1) {
			d.lam[t] = 0
		} else {
			d.lam[t] *= -delta(n)
		}
	}
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
		if c := w.elim.pivot(w.dinv); c > singularTol {
			return c
		}
		return 0
	}
	s := &w.sys
	g := s.gamma
	// Entries that no combination of small integers makes vanish: multiples of
	// the golden ratio, with signs by those of √2, modulo one.
	next := func(i int) float64 {
		_, size := math.Modf(float64(i+1) * math.Phi)
		if _, f := math.Modf(float64(i+1) * math.Sqrt2); f < 0.5 {
			return -0.5 - size
		}
		return 0.5 + size
	}
	for j := range w.rhs.z {
		w.rhs.z[j] = g / s.tau[j] * next(j)
	}
	for i, n := range s.wa {
		w.rhs.nu[i] = n * next(s.n+i)
	}
	for t, n := range s.wc {
		w.rhs.lam[t] = 0
		if !math.IsInf(w.dinv[t], 1) {
			w.rhs.lam[t] = n * next(s.n+s.p+t)
		}
	}
	w.rest.copyFrom(&w.rhs)
	w.step.clear()
	w.left.copyFrom(&w.rest)
	for last := math.Inf(1); ; {
		w.corr.copyFrom(&w.left)
		w.elim.solve(&w.corr)
		w.step.direction.add(1, &w.corr)
		w.activeResidual()
		e := w.probeNorm(&w.left)
		if e <= probeEnough {
			break
		}
		if !(e < probeFactor*last) {
			return 0
		}
		last = e
	}
	d := &w.step.direction
	size := s.size(d.z)
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
	v := s.slope(d.z) / s.gamma
	for i, n := range s.wa {
		v = max(v, math.Abs(d.nu[i])/n)
	}
	for t, n := range s.wc {
		v = max(v, math.Abs(d.lam[t])/n)
	}
	return v
}
