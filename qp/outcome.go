package qp

import "math"

// solve runs the element that is loaded, from the point in w.x if warm. It leaves
// the status in w.info and the point in w.best.
func (w *worker) solve(index int, warm bool) {
	if w.enter(index, warm) {
		w.settle(w.attempt(warm), warm)
	}
}

// enter takes up the element that is loaded. It returns false, with the status
// set, if its sides are crossed.
func (w *worker) enter(index int, warm bool) bool {
	s, x := &w.sys, &w.x
	w.element = element{index: index, bestExcess: math.Inf(1)}
	if !warm { // nothing of the last element may show
		x.direction.clear()
	}
	x.unsided() // nor its slacks
	crossed := w.classify()
	s.clean(x.lam)
	if crossed != "" {
		x.direction.clear()
		w.stay()
		w.almost = false
		w.ray.clear()
		w.info.Status, w.info.Reason = PrimalInfeasible, crossed
		return false
	}
	w.setCost()
	w.choose()
	return true
}

// settle tries what is left to try after a first attempt, and sets the status.
func (w *worker) settle(end ending, warm bool) {
	if warm && end == stalled {
		w.info.Retries++
		w.choose()
		end = w.attempt(false)
	}
	if end == stalled && w.elim != elimination(w.cond) {
		w.info.Retries++
		w.elim = w.plain()
		end = w.attempt(false)
	}
	if end == stalled {
		end = w.explain()
	}
	w.conclude(end)
}

// abandon gives an element that was never begun its status.
func (w *worker) abandon(index int, warm bool, end ending) {
	w.element = element{index: index, bestExcess: math.Inf(1)}
	if !warm {
		w.x.direction.clear()
	}
	w.classify()
	w.sys.clean(w.x.lam)
	w.stay()
	w.conclude(end)
}

// clean takes multipliers away that a starting point has on sides that are not
// there.
func (s *system) clean(lam []float64) {
	for t, k := range s.kind {
		if k == 0 || k == hasUpper && lam[t] < 0 || k == hasLower && lam[t] > 0 {
			lam[t] = 0
		}
	}
}

// attempt runs the method once.
func (w *worker) attempt(warm bool) ending {
	if end, ok := w.stopped(); ok {
		w.stay()
		return end
	}
	if warm {
		w.warmStart()
	} else if !w.coldStart() {
		w.x.direction.clear()
		w.stay()
		return stalled
	}
	return w.interior()
}

// stay takes the point at hand, whatever it is, for a candidate.
func (w *worker) stay() {
	w.res.measure(&w.sys, &w.x.direction)
	if !w.exploring && w.better(&w.res.figures, w.res.excess(w.opt.EpsAbs, w.opt.EpsRel)) {
		w.best.copyFrom(&w.x)
	}
}

// explain looks for a proof of infeasibility after a run without success.
func (w *worker) explain() ending {
	if w.almost || w.iter >= w.opt.MaxIter {
		return stalled
	}
	end := stalled
	if w.info.Primal > w.opt.EpsAbs {
		end = w.leastInfeasibility()
	}
	if end == stalled && w.info.Dual > w.opt.EpsAbs && w.iter < w.opt.MaxIter {
		end = w.recession()
	}
	return end
}

const (
	reasonStalled  = "no further progress, and no proof of infeasibility: the data may be badly scaled, or the problem nearly infeasible"
	reasonOverflow = "overflow or underflow: the data are too large, or too small"
)

// conclude turns the ending into a status.
func (w *worker) conclude(end ending) {
	st := &w.info.Status
	switch end {
	case converged:
		*st = Solved
	case provedPrimal:
		*st = PrimalInfeasible
	case provedDual:
		*st = DualInfeasible
	case outOfIterations:
		*st = MaxIterations
	case outOfTime:
		*st = MaxTime
	case canceled:
		*st = Canceled
	case stalled:
		*st = NumericalError
		w.info.Reason = reasonStalled
		if w.iter >= w.opt.MaxIter {
			*st, w.info.Reason = MaxIterations, ""
		} else if math.IsInf(w.bestExcess, 1) {
			w.info.Reason = reasonOverflow
		}
	}
	if w.almost && (end == stalled || end == outOfIterations || end == outOfTime) {
		*st, w.info.Reason = AlmostSolved, ""
	}
	w.info.Iterations = w.iter
	if r := w.info.Primal + w.info.Dual + w.info.Gap + w.bestValue; !w.best.finite() || r-r != 0 { // a figure is not finite
		w.best.direction.clear()
		r := &w.res
		r.measure(&w.sys, &w.best.direction)
		w.bestValue, w.info.Primal, w.info.Dual, w.info.Gap = r.value, r.primal, r.dual, r.gap
	}
}

// choose takes the plan's elimination if the element's own data allow it.
func (w *worker) choose() {
	w.elim = w.plain()
	s := &w.sys
	switch w.plan.method {
	case byDiagonal:
		least := math.Inf(1)
		for j, q := range s.q {
			least = min(least, q*s.tau[j]*s.tau[j])
		}
		if least >= wellConditioned*s.curved && s.curved > 0 {
			w.diag.uniform = 0
			w.elim = w.diag
		}
	case bySchur:
		if w.rows.uinv[s.n] >= wellConditioned && (s.p == 0 || w.rows.sinv[s.p] > 0) {
			w.elim = w.rows
		}
	}
}
