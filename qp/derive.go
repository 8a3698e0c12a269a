package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// sensitivity is where the derivatives of one element are computed: the
// polished point in w.x, and the matrix that is factored.
//
// At a solution with active rows B and strict complementarity, the optimality
// conditions F(z, ν, λ; θ) = 0 have the Jacobian K of the active set, and by the
// implicit function theorem
//
//	K d(z, ν, λ) = −∂F/∂θ dθ   with   ∂F/∂θ dθ = ⎡dQ z + dp + dAᵀν + dGᵀλ⎤
//	                                             ⎢dA z − db              ⎥
//	                                             ⎣dG z − dside           ⎦
//
// K is symmetric, so that a cotangent (gz, gν, gλ) needs the one solution of
// K (dz, dν, d̃) = −(gz, gν, gλ), and the gradient is its product with ∂F/∂θ.
type sensitivity struct {
	cert       Certificate
	share      []float64 // of d̃ that goes to the upper side, the rest to the lower one
	weakActive bool      // weakly active rows count as active
	singular   bool      // the matrix that is factored is, and so is for least squares
	rcond      float64
}

// differentiate prepares w for the derivatives of element i. It returns false
// if they are zero by rule.
func (s *cpuState) differentiate(w *worker, i int) bool {
	rule := s.plan.opt.Rule
	pts := &s.points
	w.cert = Certificate{Zeroed: true, Rule: rule}
	if !pts.status[i].differentiable() {
		return false
	}
	s.view(w, i)
	w.run = run{opt: *s.plan.opt}
	w.classify()
	w.setCost()
	w.choose()
	w.weakActive = rule == WeakActive
	at, cls := pts.at(i), pts.classes(i)
	w.x.copyFrom(&at)
	fresh := !pts.polished[i]
	if fresh {
		w.examine(cls, &at)
		pts.cert[i], pts.singular[i] = w.cert, w.singular
		at.copyFrom(&w.x)
		pts.polished[i] = true
	}
	w.cert, w.singular = pts.cert[i], pts.singular[i]
	switch {
	case w.cert.Zeroed || !w.x.finite():
		return false
	case fresh:
		// examine left it factored.
	default:
		if w.activate(cls); rule == Smoothed {
			w.weigh()
		}
		if !w.factorAgain() {
			return w.giveUp()
		}
	}
	w.shares(rule == Smoothed)
	return true
}

// giveUp flags an element whose matrix cannot be factored.
func (w *worker) giveUp() bool {
	w.cert.Zeroed, w.cert.Unique, w.cert.RCond = true, false, 0
	return false
}

// examine polishes the point, classifies its rows, and leaves the matrix of the
// derivatives factored, with w.cert saying how far they go.
func (w *worker) examine(cls []class, at *iterate) {
	rule := w.cert.Rule
	polished := w.polish(cls)
	if !polished {
		// The active set is not clear yet: go on to a point where it is.
		w.opt.EpsAbs, w.opt.EpsRel, w.opt.MaxIter = tightenTol, tightenTol, tightenIter
		w.choose()
		w.iter, w.bestExcess = 0, math.Inf(1)
		w.interior()
		w.x.copyFrom(&w.best)
		polished = w.polish(cls)
	}
	w.assess(cls, &w.cert)
	if math.IsNaN(w.cert.Margin) {
		w.cert.Margin, w.cert.Zeroed = 0, true
	}
	w.cert.Rule = rule
	if w.cert.Weak > 0 || !polished {
		w.choose()
		w.activate(cls)
		if !w.regularize() {
			w.rcond, w.singular = 0, true
			w.cert.Zeroed = true
		}
	}
	w.cert.RCond = w.rcond
	w.cert.Unique = polished && w.cert.Weak == 0 && !w.singular && !w.cert.Zeroed
	switch rule {
	case Strict:
		w.cert.Zeroed = w.cert.Zeroed || !w.cert.Unique
	case Smoothed:
		w.cert.Zeroed = false
		w.x.copyFrom(at)
		w.choose()
		ok := w.centre(w.opt.Kappa)
		w.choose()
		if !ok || !w.regularize() {
			w.cert.Zeroed = true
		}
		w.cert.RCond = w.rcond
	}
}

// A clearer active set is looked for down to this tolerance, in so many
// iterations.
const (
	tightenTol  = 1e-14
	tightenIter = 30
)

func relative(x, scale float64) float64 {
	if scale > 1e-300 {
		return x / scale
	}
	return x
}

// shares says which side of a constraint d̃ belongs to.
func (w *worker) shares(smoothed bool) {
	s, x := &w.sys, &w.x
	for t, k := range s.kind {
		switch {
		case smoothed && k == hasUpper|hasLower:
			u, l := x.l[upper][t]/x.s[upper][t], x.l[lower][t]/x.s[lower][t]
			w.share[t] = u / (u + l)
		case w.atUpper(t):
			w.share[t] = 1
		default:
			w.share[t] = 0
		}
	}
}

// adjoint solves K·step = −rhs for what is in w.rhs, and completes w.cert. It
// returns false if the solution overflows.
func (w *worker) adjoint() bool {
	w.rhs.scale(-1)
	for t, d := range w.dinv {
		if math.IsInf(d, 1) {
			w.rhs.lam[t] = 0 // λ is zero and stays so
		}
	}
	w.cert.Residual = w.solveActive(w.singular, refined)
	if !w.singular && w.unsolvable() && w.factorLeast() {
		// The matrix is singular after all.
		w.cert.Unique, w.cert.RCond = false, 0
		w.cert.Residual = w.solveActive(true, refined)
	}
	// Products with the point must not overflow either.
	if !(w.step.norm()*max(1, w.x.norm()) <= largest) {
		return false
	}
	w.cert.Error = (w.cert.Error + w.cert.Residual) / w.cert.RCond
	if math.IsNaN(w.cert.Error) { // 0/0
		w.cert.Error = math.Inf(1)
	}
	return true
}

// doubtful is a relative residual that calls for a second look.
const doubtful = 1e-6

// unsolvable says whether the residual of a solve is more than rounding errors
// of its terms: the matrix passed for regular and is not.
func (w *worker) unsolvable() bool {
	s := &w.sys
	terms := w.rhs.norm() + max(s.maxQ, s.maxA, s.maxG, 1)*w.step.norm()
	return w.cert.Residual > doubtful && !(w.left.norm() <= refined*terms)
}

func (d *direction) scale(alpha float64) {
	for i := range d.z {
		d.z[i] *= alpha
	}
	for i := range d.nu {
		d.nu[i] *= alpha
	}
	for i := range d.lam {
		d.lam[i] *= alpha
	}
}

// finite says whether every entry is a number.
func (d *direction) finite() bool { return d.norm() <= math.MaxFloat64 }

// centre moves w.x to the point of the central path with complementarity κ, and
// leaves its D.
func (w *worker) centre(kappa float64) bool {
	s, x, r := &w.sys, &w.x, &w.res
	w.opt.EpsAbs, w.opt.EpsRel = centreTol, centreTol
	for range centreIter {
		r.measure(s, &x.direction)
		r.slackResiduals(s, x)
		if !w.factor() {
			return false
		}
		off := 0.0
		x.eachSide(s, func(slack, mult *float64, _ float64) {
			off = max(off, math.Abs(*slack**mult/kappa-1))
		})
		slacks := max(dense.NormInf(r.rs[upper]), dense.NormInf(r.rs[lower]))
		left := max(relative(max(slacks, dense.NormInf(r.ra)), 1+r.primalScale), relative(r.dual, 1+r.dualScale))
		if off <= centreTol*1e3 && left <= centreTol {
			return true
		}
		w.setTarget(kappa, false)
		w.newton(false)
		p, d := w.stepLengths(boundary)
		w.stepP, w.stepD = min(p, d), min(p, d)
		w.move()
	}
	return false
}

const (
	centreTol  = 1e-12
	centreIter = 60
)
