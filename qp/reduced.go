package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

const (
	singularTol = 1e-10 // relative pivot below which the active-set matrix is singular
	soundPivot  = 1e-5  // relative pivot above which it is regular: no rounding error is that large
	probeEnough = 1e-6  // residual of the probe of a regular matrix
	probeFactor = 0.5   // by which refinement shrinks it at least, each time
)

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
		return w.refine(enough, refineRegular, slowRegular)
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
	w.refine(refinedLeast, refineLeast, slowLeast)
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
	for try := range limit {
		w.corr.copyFrom(&w.left)
		w.elim.solve(&w.corr)
		step.add(1, &w.corr)
		// What the first solution leaves is known without computing it.
		if try == 0 && w.elim.remainder(&w.corr) && w.corr.norm() > enough*w.rhs.norm() {
			w.elim.solve(&w.corr)
			step.add(1, &w.corr)
		}
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
	refined        = 1e-12 // relative residual that is good enough for a derivative
	refinedPolish  = 1e-6  // and for a polish, whose right-hand side is next to zero
	refinedMeasure = 1e-14 // or relative to its terms
	refinedLeast   = 1e-15 // and of a least-squares solution, which is projected after
	refineRegular  = 10    // iterations of refinement
	slowRegular    = 0.5   // factor above which the residual shrinks too slowly to go on
	refineLeast    = 40
	slowLeast      = 0.9
	projected      = 1e-13 // part in null(K) that is
	maxProject     = 5     // projections of one vector: each is good to a few digits
	projecting     = 3     // applications of (K+R)⁻¹R that make one
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
// pivots, unless these are so small that they may be rounding errors; (d) hides
// dependent rows behind 1/δ.
func (w *worker) condition() float64 {
	if w.elim == elimination(w.cond) {
		return w.probe()
	}
	switch c := w.elim.pivot(w.dinv); {
	case c > soundPivot:
		return c
	case c > singularTol:
		return min(c, w.probe())
	}
	return 0
}

// probe estimates it with a right-hand side that has a part in every direction,
// which refinement can only solve for if the matrix is regular.
func (w *worker) probe() float64 {
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
