package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

const (
	stepFraction   = 0.99 // of the way to the boundary
	shortStep      = 0.1  // with steps below it, cones that are not symmetric turn to the dual scaling
	smallestStep   = 1e-4 // steps below it end the solve
	patience       = 20   // iterations without any progress
	farMerit       = 1e4  // from here on a smaller μ is progress
	cycle          = 6    // and after which the corrector, which can lead in circles, is left out
	farEnough      = 1e16 // κ/τ beyond it is no way to a proof that has not been found
	heading        = 0.1  // of τ: with κ below it, towards a solution and not a proof
	extraSteps     = 10
	driftTol       = 1e-7
	poorSolve      = 1e-6 // relative residual of a solve by factors that are of no use
	almostEps      = 1e-5
	neighborhood   = 1.0
	warmIterations = 30
)

// A profile is how carefully to go.
type profile struct {
	stuck  float64 // with steps below it, a direction that only centers is tried
	static float64 // regularization
	trust  bool    // directions are not refined, until one falls short
	center bool    // where there is no progress, the corrector is left out
}

// profiles are those of the attempts, one after the other. With symmetric cones a small
// regularization is right more often: a larger one hides small eigenvalues that are meant,
// as those of AAᵀ in a long chain of differences, and refinement does not bring
// them back. It takes the larger one where rows are dependent.
func (w *work) profiles() [2]profile {
	if w.pl.symmetric {
		return [2]profile{{0.02, symmetricReg, true, false}, {0.1, staticReg, false, true}}
	}
	return [2]profile{{0.02, staticReg, true, false}, {0.1, staticReg / 10, false, true}}
}

// An exact direction shrinks the residuals by a factor that is known, and the next iterate
// measures them anyway. So directions are what the factors alone give until residuals are
// larger than this times what they should be, and more than a part of the tolerance. (Not where a
// cone is eliminated: no residual is left of its rows to tell.)
const (
	shortFall = 2
	shortPart = 1e-2
	trustEps  = 1e-9 // smallest tolerance with which this is done
)

// run iterates from the present point until the element is decided.
//
// The method is the homogeneous embedding with a quadratic objective of Goulart and
// Chen (arXiv 2405.12762): each iteration factors one matrix and solves with it for the
// part of the direction that goes with Δτ, for the affine step, and for the
// combined one.
func (w *work) run(maxIter int) (st Status, iter int, reason string) {
	w.bestMerit = math.Inf(1)
	w.trust = w.profile.trust && !w.pl.hasElim && max(w.opt.EpsAbs, w.opt.EpsRel) >= trustEps
	w.expected = math.Inf(1)
	dual := false // the scaling of cones that are not symmetric
	lastBest, leastMu := 0, math.Inf(1)
	farthest := 1.0 // κ/τ
	step := 0.0
	solved, extra := false, 0
	for iter = 0; ; iter++ {
		w.measure()
		w.trace(iter, step)
		merit := w.res.merit(w.opt.EpsAbs, w.opt.EpsRel)
		if merit < w.bestMerit {
			if merit < 0.9*w.bestMerit {
				lastBest = iter
			}
			w.bestMerit = merit
			w.best.copyFrom(&w.it)
		}
		if ray := w.it.kappa / w.it.tau; ray > 2*farthest && ray < farEnough {
			farthest, lastBest = ray, iter // progress, too: towards a proof
		}
		// Far from the end the largest ratio may stand while all else falls: that of a gap
		// that is still as large as the costs.
		if w.mu < 0.9*leastMu {
			leastMu = w.mu
			if merit > farMerit {
				lastBest = iter
			}
		}
		if solved = solved || merit <= 1; solved {
			// The residuals may leave more of an error in the objective, by large
			// multipliers, than the gap shows: a few steps more, then.
			if extra++; extra > extraSteps || w.res.drift+w.res.gap <= driftTol*max(1, w.res.gapScale) || merit > 1 {
				return Solved, iter, ""
			}
		}
		if st := w.infeasible(); st != Unsolved {
			return st, iter, ""
		}
		if st := w.stop(); st != Unsolved {
			return st, iter, ""
		}
		switch {
		case iter == maxIter:
			return MaxIterations, iter, ""
		case iter-lastBest >= patience:
			return NumericalError, iter, "no progress"
		case !(w.it.tau > 0 && w.it.kappa > 0 && w.mu > 0) || math.IsInf(w.mu, 0):
			return NumericalError, iter, "the iterate is not finite"
		}
		var ok bool
		w.cycling = w.profile.center && iter-lastBest >= cycle && w.it.kappa < heading*w.it.tau
		if step, ok = w.advance(dual); ok {
			if step < shortStep {
				dual, w.trust = !w.pl.symmetric, false
			}
			continue
		}
		if w.trust {
			w.trust = false
			continue
		}
		if !dual && !w.pl.symmetric {
			dual = true
			continue
		}
		if solved {
			return Solved, iter, ""
		}
		return NumericalError, iter, "no step is possible"
	}
}

// advance takes one step. It fails, with the iterate as it was, if numbers do not
// allow one.
func (w *work) advance(dual bool) (step float64, ok bool) {
	it, pl := &w.it, w.pl
	for i, c := range w.cones {
		b := &pl.blocks[i]
		if !c.scale(it.s[b.off:b.off+b.dim], it.z[b.off:b.off+b.dim], w.mu, dual) {
			return 0, false
		}
	}
	for j, q := range w.q {
		w.bx[j] = -q
	}
	now := max(dense.NormInf(w.rx), dense.NormInf(w.rz))
	if now > shortFall*w.expected+shortPart*max(w.opt.EpsAbs, w.opt.EpsRel)*it.tau {
		w.trust = false
	}
	good := 1e-11 + 1e-10*max(w.scaledQ, w.scaledB)
	tol := tolerance{1e-12, good, good, w.trust}
	w.kkt.static = w.profile.static
	if !w.kkt.factor(false) || !w.kkt.solve(w.bx, w.b, w.x2, w.z2, false, tol) || w.kkt.left > poorSolve && w.kkt.ldl.Replaced > 0 {
		// Rounding went through small pivots: larger ones, then.
		w.kkt.static = max(staticReg, w.kkt.static) * 100
		if !w.kkt.factor(false) || !w.kkt.solve(w.bx, w.b, w.x2, w.z2, false, tol) {
			return 0, false
		}
	}

	// κ/τ + xᵀPx/τ² − (2Px/τ + q)ᵀΔ₂x − bᵀΔ₂z, which is κ/τ + ‖Δ₂x − x/τ‖²_P + ‖Δ₂z‖²_H but for
	// the residual of Δ₂. The sum of squares has no cancellation; the other form
	// counts in the regularization, where the system is singular.
	inv := 1 / it.tau
	for j, x := range w.x2 {
		w.bx[j] = x - it.x[j]*inv
	}
	squares := it.kappa*inv + pl.p.SymQuad(w.p, w.bx, w.bx)
	for i, c := range w.cones {
		b := &pl.blocks[i]
		squares += c.square(w.z2[b.off : b.off+b.dim])
	}
	w.den = it.kappa*inv + w.xpx*inv*inv - 2*inv*dense.Dot(w.px, w.x2) - dense.Dot(w.q, w.x2) - dense.Dot(w.b, w.z2)
	w.den = max(w.den, squares)

	// The affine step: d_s = s.
	copy(w.shift, it.s)
	w.clearZero(w.shift)
	if !w.direction(&w.aff, 1, it.tau*it.kappa, false) {
		return 0, false
	}
	alpha := w.maxStep(&w.aff, 1)
	sigma := (1 - alpha) * (1 - alpha) * (1 - alpha)

	// The combined one; if it is cut short, one that only centers.
	d := &w.dir
	alpha, ok = w.combined(d, sigma, true)
	if !(alpha >= w.profile.stuck) || w.cycling {
		center := max(sigma, 0.5)
		a, good := w.combined(&w.aff, center, false)
		if !(a >= w.profile.stuck) && w.profile.center { // back to the path, first
			center = 1
			a, good = w.combined(&w.aff, center, false)
		}
		if good && (a > alpha || w.cycling) {
			d, alpha, sigma, ok = &w.aff, a, center, true
		}
	}
	if !ok || !(alpha >= smallestStep) {
		return alpha, false
	}
	dense.Axpy(alpha, d.x, it.x)
	dense.Axpy(alpha, d.z, it.z)
	dense.Axpy(alpha, d.s, it.s)
	it.tau += alpha * d.tau
	it.kappa += alpha * d.kappa
	w.expected = (1 - alpha*(1-sigma)) * now
	return alpha, true
}

// combined finds the direction that leads to complementarity σμ, corrected by what the
// affine one leaves out if that is asked for, and how far to go along it. If not, the
// affine direction is lost, and d may be it.
func (w *work) combined(d *iterate, sigma float64, corrected bool) (alpha float64, ok bool) {
	it := &w.it
	if !corrected {
		clear(w.aff.s)
		clear(w.aff.z)
	}
	target := sigma * w.mu
	for i, c := range w.cones {
		b := &w.pl.blocks[i]
		lo, hi := b.off, b.off+b.dim
		c.correct(w.shift[lo:hi], it.s[lo:hi], it.z[lo:hi], w.aff.s[lo:hi], w.aff.z[lo:hi], target)
	}
	dk := it.tau*it.kappa - target
	if corrected {
		dk += w.aff.tau * w.aff.kappa
	}
	if !w.direction(d, 1-sigma, dk, true) {
		return 0, false
	}
	alpha = stepFraction * w.maxStep(d, 1)
	if !w.pl.symmetric {
		alpha = w.stayNear(d, alpha)
	}
	return alpha, true
}

// clearZero clears the rows of zero cones.
func (w *work) clearZero(v []float64) {
	for i := range w.pl.blocks {
		if b := &w.pl.blocks[i]; b.kind == Zero {
			clear(v[b.off : b.off+b.dim])
		}
	}
}

// direction solves
//
//	PΔx + AᵀΔz + qΔτ = −f·rx,  AΔx + Δs − bΔτ = −f·rz,  HΔz + Δs = −d
//	(2Px/τ + q)ᵀΔx + bᵀΔz + Δκ − (xᵀPx/τ²)Δτ = −f·rτ,  κΔτ + τΔκ = −dk
//
// with d in w.shift, by Δ = Δ₁ + Δτ·Δ₂, Δ₂ being the solution for (−q, b). taken says that the
// step will be along it.
func (w *work) direction(d *iterate, f, dk float64, taken bool) bool {
	it := &w.it
	for j, r := range w.rx {
		w.bx[j] = -f * r
	}
	for i, r := range w.rz {
		w.bz[i] = w.shift[i] - f*r
	}
	// What is left should be small beside the residuals that the step is to remove.
	t := min(1, it.tau)
	tol := tolerance{abs: 1e-12 * t, okX: 1e-10*t + 1e-3*f*dense.NormInf(w.rx), okZ: 1e-10*t + 1e-3*f*dense.NormInf(w.rz), trust: w.trust}
	if !w.kkt.solve(w.bx, w.bz, d.x, d.z, false, tol) {
		return false
	}
	inv := 1 / it.tau
	num := f*w.rtau - dk*inv + 2*inv*dense.Dot(w.px, d.x) + dense.Dot(w.q, d.x) + dense.Dot(w.b, d.z)
	den := w.den
	d.tau = num / den
	if !(den > 0) || math.IsNaN(d.tau) || math.IsInf(d.tau, 0) {
		return false
	}
	dense.Axpy(d.tau, w.x2, d.x)
	dense.Axpy(d.tau, w.z2, d.z)
	w.kkt.mulH(d.z, d.s, false)
	for i, h := range d.s {
		d.s[i] = -w.shift[i] - h
	}
	exact := w.pl.splitsStep && taken
	if w.pl.hasElim || exact {
		// Δs = −f·rz − AΔx + bΔτ, so that no rounding of H enters the primal residual.
		clear(w.bz)
		if exact {
			w.pl.a.MulAdd(w.a, 1, d.x, w.bz)
		} else {
			w.kkt.mulElim(d.x, w.bz)
		}
		for i, c := range w.cones {
			b := &w.pl.blocks[i]
			lo, hi := b.off, b.off+b.dim
			if b.form != formEliminated && !(taken && b.splitsStep()) {
				continue
			}
			for r := lo; r < hi; r++ {
				w.bz[r] = w.b[r]*d.tau - f*w.rz[r] - w.bz[r]
			}
			if c, ok := c.(*soc); ok {
				c.adopt(d.s[lo:hi], w.bz[lo:hi])
			} else {
				copy(d.s[lo:hi], w.bz[lo:hi])
			}
		}
	}
	d.kappa = -(dk + it.kappa*d.tau) * inv
	return true
}

// maxStep returns the largest step along d, up to alpha, that stays in the cones.
// Cones that are not symmetric come last and find one that does.
func (w *work) maxStep(d *iterate, alpha float64) float64 {
	it := &w.it
	if d.tau < 0 {
		alpha = min(alpha, -it.tau/d.tau)
	}
	if d.kappa < 0 {
		alpha = min(alpha, -it.kappa/d.kappa)
	}
	for pass := range 2 {
		if pass == 1 {
			if w.pl.symmetric {
				break
			}
			alpha = min(alpha, stepFraction)
		}
		for i, c := range w.cones {
			b := &w.pl.blocks[i]
			if (b.kind >= Exponential) != (pass == 1) {
				continue
			}
			lo, hi := b.off, b.off+b.dim
			alpha = c.maxStep(it.s[lo:hi], it.z[lo:hi], d.s[lo:hi], d.z[lo:hi], alpha)
		}
	}
	return alpha
}

// stayNear shortens a step until it ends in a neighbourhood of the central path:
//
//	Σ (f(s) + f*(z) + ν) + ν log μ,
//
// which is 0 on the path and positive elsewhere, with τ and κ counted as one
// more pair, is bounded.
func (w *work) stayNear(d *iterate, alpha float64) float64 {
	it := &w.it
	bound := neighborhood
	for i, c := range w.cones {
		if w.pl.blocks[i].kind >= Exponential {
			bound += float64(c.degree())
		}
	}
	nu := float64(w.pl.degree + 1)
	for ; alpha >= smallestStep; alpha *= 0.8 {
		for i := range w.bz {
			w.bz[i] = it.z[i] + alpha*d.z[i]
			w.shift[i] = it.s[i] + alpha*d.s[i]
		}
		tk := (it.tau + alpha*d.tau) * (it.kappa + alpha*d.kappa)
		mu := (dense.Dot(w.bz, w.shift) + tk) / nu
		if !(mu > 0 && tk > 0) {
			continue
		}
		sum := nu*math.Log(mu) - math.Log(tk)
		for i, c := range w.cones {
			b := &w.pl.blocks[i]
			sum += c.distance(w.shift[b.off:b.off+b.dim], w.bz[b.off:b.off+b.dim])
			if math.IsInf(sum, 1) {
				break
			}
		}
		if sum < bound {
			return alpha
		}
	}
	return 0
}
