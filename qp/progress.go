package qp

import "math"

const (
	stallFactor = 0.9  // progress is an excess, a μ or a primal residual smaller than this times the best
	stallAfter  = 15   // iterations without progress before giving up
	stallLinear = 4    // the same where every constraint is an equality
	tinyStep    = 1e-9 // a step that goes nowhere
	almostTol   = 1e-5 // of AlmostSolved
)

// element is where the element at hand stands: set whole by solve.
type element struct {
	index        int
	iter         int
	info         Info
	bestExcess   float64 // of the best point
	bestValue    float64
	almost       bool // the best point passes at 1e-5
	startSize    float64
	stepP, stepD float64
	blunt        int  // steps in a row that were not refined enough
	careful      bool // steps are refined
}

// better remembers what there is to know of a point that is the best so far.
func (e *element) better(f *figures, excess float64) bool {
	if !(excess < e.bestExcess || e.iter == 0) {
		return false
	}
	e.bestExcess, e.bestValue = excess, f.value
	e.info.Primal, e.info.Dual, e.info.Gap = f.primal, f.dual, f.gap
	e.almost = f.excess(almostTol, almostTol) <= 1
	return true
}

// progress is how far a run of the loop has come.
type progress struct {
	lastExcess, lastMu float64 // the best so far
	lastPrimal         float64
	lastDual           float64 // the dual residual before the last step
	since, tiny        int     // iterations without progress, and steps that went nowhere
	first              int     // the first iteration of the run
}

func begin(iter int) progress {
	return progress{lastExcess: math.Inf(1), lastMu: math.Inf(1), lastPrimal: math.Inf(1), first: iter}
}

// advance takes note of an iterate that has not converged, and says whether the
// run is over.
func (p *progress) advance(e *element, f *figures, opt *Options, sides int, excess, mu float64) (end ending, over bool) {
	if excess < stallFactor*p.lastExcess || mu < stallFactor*p.lastMu && mu*float64(sides) > opt.EpsAbs+opt.EpsRel*f.gapScale ||
		f.primal < stallFactor*p.lastPrimal && f.primal > f.primalTol(opt.EpsAbs, opt.EpsRel) {
		p.lastExcess, p.lastMu, p.lastPrimal, p.since = min(excess, p.lastExcess), min(mu, p.lastMu), min(f.primal, p.lastPrimal), 0
	} else {
		p.since++
	}
	if e.stepP < tinyStep && e.stepD < tinyStep && e.iter > p.first {
		p.tiny++
	}
	if p.since >= idle && !e.careful { // perhaps it is the steps
		e.careful, p.since, p.tiny = true, 0, 0
	}
	switch {
	case p.since >= stallAfter || sides == 0 && p.since >= stallLinear || p.tiny >= 2 || math.IsInf(excess, 1):
		return stalled, true
	case e.iter >= opt.MaxIter:
		return outOfIterations, true
	}
	return 0, false
}

// fellShort says whether the last step left more of the linear residuals, which
// were these, than an exact solution of the Newton system would have.
func (p *progress) fellShort(e *element, f *figures, opt *Options, linear float64) bool {
	if e.iter == p.first {
		return false
	}
	abs, rel := opt.EpsAbs, opt.EpsRel
	return f.linear > (1-e.stepP+refineEnough)*linear+0.1*f.primalTol(abs, rel) ||
		f.dual > (1-e.stepD+refineEnough)*p.lastDual+0.1*f.dualTol(abs, rel)
}
