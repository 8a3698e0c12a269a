package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// Constants of the interior-point method.
const (
	boundary      = 0.995 // fraction of the way to the boundary that a step may go
	caution       = 0.1   // how much shorter it stops where the predictor achieves nothing
	maxRefine     = 4     // refinements of one Newton step
	refineEnough  = 1e-2  // a step's residual relative to the residual it is to remove
	bluntSteps    = 4     // steps in a row that refinement does not reach
	maxRegularize = 4     // factorizations repeated with more regularization
)

// ending is how a run of the interior-point loop ends.
type ending uint8

const (
	converged ending = iota
	stalled
	outOfIterations
	outOfTime
	canceled
	provedPrimal // infeasible: w.ray holds the proof
	provedDual
)

// interior runs the primal-dual interior-point method from w.x, after Mehrotra
// (1992) and Mattingley & Boyd (2012), as in OptNet section 3.1. It leaves the
// last point in w.x and the best in w.best.
func (w *worker) interior() ending {
	w.progress = begin(w.iter)
	w.stepP, w.stepD = 0, 0
	w.careful = w.sys.sides == 0
	return w.iterate()
}

// iterate goes on from w.x.
func (w *worker) iterate() ending {
	s, x, r := &w.sys, &w.x, &w.res
	for {
		r.measure(s, &x.direction)
		mu := w.complementarity()
		excess := r.excess(w.opt.EpsAbs, w.opt.EpsRel)
		if !w.exploring && w.better(&r.figures, excess) {
			w.best.copyFrom(x)
		}
		if w.tracer != nil {
			w.trace(mu)
		}
		switch {
		case excess <= 1:
			return converged
		case w.proofs && w.provesInfeasible():
			return provedPrimal
		case w.proofs && w.provesUnbounded(w.since):
			return provedDual
		}
		if end, over := w.advance(&w.element, &r.figures, &w.opt, s.sides, excess, mu); over {
			return end
		}
		if end, ok := w.stopped(); ok {
			return end
		}

		if !w.factor() {
			return stalled
		}
		linear, dual := r.linear, r.dual
		r.slackResiduals(s, x)
		w.careful = w.careful || w.fellShort(&w.element, &r.figures, &w.opt, linear)
		w.lastDual = dual
		if s.sides == 0 {
			w.setTarget(0, false)
			w.sharpen(w.newton(false))
			w.stepP, w.stepD = 1, 1
		} else {
			w.setTarget(0, false) // predictor: towards complementarity zero
			w.affine()
			ap, ad := w.stepLengths(1)
			left := w.muAfter(ap, ad) / mu
			sigma := cube(left) // Mehrotra's (μ_aff/μ)³
			// Where the predictor achieves little, going all the way to the
			// boundary would leave the path and can cycle (Cartis 2009).
			fraction := min(boundary, 1-caution*left)
			w.setTarget(sigma*mu, true) // corrector: centred, with the second-order term
			w.sharpen(w.newton(true))
			w.stepP, w.stepD = w.stepLengths(fraction)
		}
		w.move()
		w.iter++
	}
}

// sharpen takes regularization away where refinement falls short again and again:
// it contracts by about δ/σ² where constraints are within σ of dependence.
func (w *worker) sharpen(refined bool) {
	if w.blunt++; refined {
		w.blunt = 0
	}
	if w.blunt >= bluntSteps && w.elim == elimination(w.cond) && w.cond.delta > deltaLeast {
		w.cond.delta /= 10
		w.blunt = 0
	}
}

// complementarity is μ = (suᵀlu + slᵀll) / sides.
func (w *worker) complementarity() float64 {
	s, x := &w.sys, &w.x
	if s.sides == 0 {
		return 0
	}
	sum := 0.0
	for k, any := range s.any {
		if any {
			sum += dense.Dot(x.s[k], x.l[k])
		}
	}
	return sum / float64(s.sides)
}

// factor factors the KKT matrix at w.x.
func (w *worker) factor() bool {
	w.weigh()
	return w.factorRegularized()
}

// weigh sets D⁻¹, where D is the sum of l/s over the sides.
func (w *worker) weigh() {
	s, x := &w.sys, &w.x
	if s.any[lower] {
		dense.Weigh(x.s[upper], x.l[upper], x.s[lower], x.l[lower], w.dinv)
	} else {
		dense.Weigh(x.s[upper], x.l[upper], nil, nil, w.dinv)
	}
	for _, t := range s.odd {
		w.dinv[t] = math.Inf(1)
		if s.kind[t] == fixed {
			w.dinv[t] = 0
		}
	}
}

// factorRegularized factors K(D), with more regularization if need be.
func (w *worker) factorRegularized() bool {
	for range maxRegularize {
		if w.elim.factor(w.dinv) {
			return true
		}
		if w.elim != elimination(w.cond) {
			return false
		}
		w.cond.rho *= 100
		w.cond.delta *= 10
		w.cond.uniform *= 10
		w.cond.uniformRho *= 100
		w.info.Retries++
	}
	return false
}

// setTarget sets the complementarity residuals q = s∘l − target of both sides,
// with the second-order terms of the last (affine) step if asked, and from them
// the right-hand side of the Newton system
//
//	Q dz + Aᵀdν + Cᵀdλ = −rd,  A dz − E dν = −ra,  C dz − (D⁻¹+E) dλ = rt
//	rt = −D⁻¹ Σ sign·h,  h = (l∘r − q)/s
//
// where ds = −r − sign·(C dz − E dλ) and s∘dl + l∘ds = −q at each side, and
// dλ is the sum of sign·dl.
func (w *worker) setTarget(target float64, second bool) {
	s, x, r := &w.sys, &w.x, &w.res
	dense.Scale(-1, r.rd, w.rhs.z)
	dense.Scale(-1, r.ra, w.rhs.nu)
	for k, any := range s.any {
		if !any {
			continue
		}
		var ds, dl []float64
		if second {
			ds, dl = w.step.ds[k], w.step.dl[k]
		}
		dense.Complementarity(target, x.s[k], x.l[k], r.rs[k], s.on[k], ds, dl, w.q[k], w.h[k])
	}
	dense.MulDiff(w.dinv, w.h[lower], w.h[upper], w.rhs.lam)
	for _, t := range s.odd {
		w.rhs.lam[t] = -r.rs[upper][t]
	}
}

// affine solves for the predictor, whose accuracy hardly matters.
func (w *worker) affine() {
	w.step.direction.copyFrom(&w.rhs)
	w.elim.predict(&w.step.direction, w.cdz)
	w.slackSteps()
}

// newton solves the Newton system, refined against the unregularized matrix
// until what it leaves of the residuals is small beside what they are, or within
// a tenth of the tolerance. It says whether it got there. A corrector's
// right-hand side differs from the predictor's in λ alone, and it is checked only
// once a step has fallen short: until then what the next iterate leaves of the
// residuals is check enough.
func (w *worker) newton(corrector bool) (refined bool) {
	r := &w.res
	w.step.direction.copyFrom(&w.rhs)
	if corrector {
		w.elim.correct(&w.step.direction)
	} else {
		w.elim.solve(&w.step.direction)
	}
	if corrector && !w.careful {
		w.sys.mulCE(&w.step.direction, w.cdz)
		w.slackSteps()
		return true
	}
	tolZ := max(refineEnough*r.dual, 0.1*r.dualTol(w.opt.EpsAbs, w.opt.EpsRel))
	tolA := max(refineEnough*r.primal, 0.1*r.primalTol(w.opt.EpsAbs, w.opt.EpsRel))
	last := math.Inf(1)
	for try := 0; ; try++ {
		w.newtonResidual()
		e := max(dense.NormInf(w.left.z)/tolZ, dense.NormInf(w.left.nu)/tolA, dense.NormInf(w.left.lam)/tolA)
		if !(e < last) {
			// No better: take the last correction back.
			if try > 0 {
				w.step.direction.add(-1, &w.corr)
				w.sys.mulCE(&w.step.direction, w.cdz)
			}
			break
		}
		if refined = e <= 1; refined || try == maxRefine {
			break
		}
		last = e
		w.corr.copyFrom(&w.left)
		w.elim.solve(&w.corr)
		w.step.direction.add(1, &w.corr)
	}
	w.slackSteps()
	return refined
}

// newtonResidual sets left = rhs − K(D)·step, and cdz = C dz − E dλ.
func (w *worker) newtonResidual() {
	s, d, e := &w.sys, &w.step.direction, &w.left
	s.mulQ(d.z, e.z)
	s.addAT(1, d.nu, e.z)
	s.addCT(1, d.lam, e.z)
	dense.Sub(w.rhs.z, e.z, e.z)
	s.mulA(d.z, e.nu)
	dense.Sub(w.rhs.nu, e.nu, e.nu)
	if s.elastic != 0 {
		for i, wi := range s.wa {
			e.nu[i] += s.elastic * wi * wi * d.nu[i]
		}
	}
	s.mulCE(d, w.cdz)
	dense.Sub(w.rhs.lam, w.cdz, e.lam)
	dense.MulAdd(w.dinv, d.lam, e.lam)
	for _, t := range s.odd {
		if s.kind[t] == 0 { // D⁻¹ is infinite
			e.lam[t] = 0
		}
	}
}

// mulCE sets y = C dz − E dλ.
func (s *system) mulCE(d *direction, y []float64) {
	if s.t == 0 {
		return
	}
	s.mulC(d.z, y)
	if s.elastic != 0 {
		for t := range s.m {
			y[t] -= s.elasticOf(t) * d.lam[t]
		}
	}
}

// slackSteps derives the steps of slacks and multipliers from dz and dλ. Where
// D is small the slack follows dz and complementarity gives the multiplier;
// where it is large the multiplier follows dλ and complementarity gives the
// slack, so that what the linear solve left over is never multiplied by D.
func (w *worker) slackSteps() {
	s, x, r := &w.sys, &w.x, &w.res
	for k, any := range s.any {
		if any {
			dense.SideStep(sideSign[k], w.cdz, x.s[k], x.l[k], r.rs[k], w.q[k], s.on[k], w.step.ds[k], w.step.dl[k])
		}
	}
	dense.FollowMultipliers(s.small, w.dinv, w.step.lam, &w.side[upper], &w.side[lower])
}

// stepLengths are the largest primal and dual steps in [0, 1] that go at most
// the given fraction of the way to the boundary. With a quadratic objective
// both are the smaller one, so that dual infeasibility shrinks with the step.
func (w *worker) stepLengths(fraction float64) (p, d float64) {
	s, x := &w.sys, &w.x
	p, d = 1/fraction, 1/fraction
	for k, any := range s.any {
		if any {
			p = dense.MaxStep(p, x.s[k], w.step.ds[k])
			d = dense.MaxStep(d, x.l[k], w.step.dl[k])
		}
	}
	p, d = fraction*p, fraction*d
	if s.form != Zero || s.elastic != 0 {
		p = min(p, d)
		d = p
	}
	return p, d
}

// muAfter is the complementarity after steps of these lengths.
func (w *worker) muAfter(p, d float64) float64 {
	s, x := &w.sys, &w.x
	sum := 0.0
	for k, any := range s.any {
		if any {
			sum += dense.ShiftedDot(p, x.s[k], w.step.ds[k], d, x.l[k], w.step.dl[k])
		}
	}
	return sum / float64(s.sides)
}

// move takes the step.
func (w *worker) move() {
	s, x := &w.sys, &w.x
	dense.Axpy(w.stepP, w.step.z, x.z)
	dense.Axpy(w.stepD, w.step.nu, x.nu)
	for k, any := range s.any {
		if any {
			dense.Axpy(w.stepP, w.step.ds[k], x.s[k])
			dense.Axpy(w.stepD, w.step.dl[k], x.l[k])
		}
	}
	for _, t := range s.odd { // their step is zero where they have no sides
		w.step.lam[t] = x.lam[t] + w.stepD*w.step.lam[t]
	}
	x.net()
	for _, t := range s.odd {
		x.lam[t] = w.step.lam[t]
	}
}

// net sets λ to the sum of sign·l.
func (x *iterate) net() {
	dense.Sub(x.l[upper], x.l[lower], x.lam)
}

func cube(f float64) float64 { return min(1, max(0, f*f*f)) }
