package qp

import (
	"math"
	"time"

	"github.com/optnet-go/optnet/internal/dense"
)

// worker is one goroutine's room to solve, and differentiate, one element
// after another.
type worker struct {
	plan *cpuPlan
	opt  Options // tolerances of the run at hand
	sys  system

	x, best    iterate
	res        residuals
	step       *stepping
	rhs, left  direction // right-hand side, and what is left of it
	corr, rest direction
	dinv, cdz  []float64
	qu, ql     []float64
	ray        direction
	zeros      []float64
	lo, up     []float64
	kind       []sideKind
	wc, nc     []float64
	largest    []float64

	elim   elimination // the one in use: cond, diag or rows
	cond   *condensed
	diag   *diagonal
	rows   *schur
	prep   *schurScratch
	stage  [numStages][]float64 // parts that are not kept in the state
	sub    *worker              // for recession
	subA   []float64
	metric scaling

	// Of the element at hand.
	iter, elem   int
	info         Info
	bestExcess   float64
	bestValue    float64
	almost       bool
	startSize    float64
	stepP, stepD float64
	proofs       bool
	exploring    bool // another problem than the element's: best stays as it is
	traced       bool
	tracer       func(Iteration)
	done         <-chan struct{}
	deadline     time.Time
	why          ending

	sensitivity
	weakActive, singular bool
	rcond                float64
	_                    [64]byte // workers do not share a cache line
}

func newWorker(plan *cpuPlan, a *arena) *worker {
	sh := plan.sh
	n, p, m := sh.N, sh.NEq, sh.NIneq
	t := m
	if sh.bounded() {
		t += n
	}
	w := &worker{plan: plan}
	w.sys = system{
		n: n, p: p, m: m, t: t,
		ld: dense.Stride(n), ldp: dense.Stride(p), ldm: dense.Stride(m),
		form: sh.Q,
	}
	w.x, w.best = newIterate(a, n, p, t), newIterate(a, n, p, t)
	w.res = newResiduals(a, n, p, t)
	w.step = newStepping(a, n, p, t)
	w.rhs, w.left = newDirection(a, n, p, t), newDirection(a, n, p, t)
	w.corr, w.rest = newDirection(a, n, p, t), newDirection(a, n, p, t)
	w.ray = newDirection(a, n, p, t)
	w.dinv, w.cdz = a.floats(t), a.floats(t)
	w.qu, w.ql = a.floats(t), a.floats(t)
	w.zeros = a.floats(max(n, p))
	w.share = a.floats(t)
	w.lo, w.up = a.floats(t), a.floats(t)
	w.wc, w.nc = a.floats(t), a.floats(t)
	w.largest = a.floats(n)
	if a.buf != nil {
		w.kind = make([]sideKind, t)
		for j := m; j < t; j++ {
			w.nc[j] = 1
		}
	}
	s := &w.sys
	s.lo, s.up, s.wc, s.nc, s.kind = w.lo, w.up, w.wc, w.nc, w.kind
	switch plan.method {
	case byDiagonal:
		w.diag = newDiagonal(a, s)
	case bySchur:
		w.rows = newSchur(a, s, new(schurFactors))
		w.prep = newSchurScratch(a, s)
	}
	// Every method falls back on this one.
	w.cond = newCondensed(a, s)
	for k := range w.stage {
		w.stage[k] = a.floats(plan.stageLen(k))
	}
	return w
}

// plain is the elimination that asks nothing of the data, at its first
// regularization.
func (w *worker) plain() elimination {
	w.cond.rho, w.cond.delta = rhoCondensed, deltaCondensed
	w.cond.uniform, w.cond.uniformRho = 0, 0
	return w.cond
}

// stopped says whether time or the caller ended the run, and notes which.
func (w *worker) stopped() bool {
	if w.done != nil {
		select {
		case <-w.done:
			w.why = canceled
			return true
		default:
		}
	}
	if !w.deadline.IsZero() && !time.Now().Before(w.deadline) {
		w.why = outOfTime
		return true
	}
	return false
}

func (w *worker) trace(mu float64) {
	r := &w.res
	w.tracer(Iteration{
		Element: w.elem, Iter: w.iter, Value: r.value,
		Primal: r.primal, Dual: r.dual, Gap: r.gap, Mu: mu,
		StepP: w.stepP, StepD: w.stepD,
	})
}

// solve runs the element that is loaded, from start if that is not nil. It
// leaves the status in w.info and the point in w.best.
func (w *worker) solve(warm bool) {
	s := &w.sys
	w.proofs = true
	if !warm { // nothing of the last element may show
		w.x.direction.clear()
	}
	clear(w.x.su)
	clear(w.x.sl)
	clear(w.x.lu)
	clear(w.x.ll)
	w.iter, w.bestExcess, w.almost = 0, math.Inf(1), false
	w.info = Info{}
	if reason := s.classify(); reason != "" {
		w.x.direction.clear()
		w.res.measure(s, &w.x.direction)
		w.keepBest(math.Inf(1))
		w.almost = false
		w.ray.clear()
		w.info.Status, w.info.Reason = PrimalInfeasible, reason
		return
	}
	w.setCost()
	w.choose()
	end := w.attempt(warm)
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

// attempt runs the method once.
func (w *worker) attempt(warm bool) ending {
	if w.stopped() {
		w.stay()
		return w.why
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
	w.keepBest(w.res.excess(w.opt.EpsAbs, w.opt.EpsRel))
}

// explain looks for a proof of infeasibility after a run without success.
func (w *worker) explain() ending {
	if w.almost || w.iter >= w.opt.MaxIter {
		return stalled
	}
	best := w.info
	end := stalled
	if best.Primal > w.opt.EpsAbs {
		if w.leastInfeasibility() {
			end = provedPrimal
		}
	}
	if end == stalled && best.Dual > w.opt.EpsAbs && w.recession() {
		end = provedDual
	}
	return end
}

const (
	reasonStalled  = "no further progress, and no proof of infeasibility: the data may be badly scaled, or the problem nearly infeasible"
	reasonOverflow = "overflow: the data are too large"
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
	if r := w.info.Primal + w.info.Dual + w.info.Gap; !w.best.finite() || math.IsNaN(r) || math.IsNaN(w.bestValue) || math.IsInf(w.bestValue, 0) {
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

// newRecessionWorker makes the worker that looks for rays of plan's problems.
func newRecessionWorker(plan *cpuPlan) *worker {
	sh := plan.sh
	sh.NEq += sh.N
	sh.Q = Zero
	sh.Sides |= Lower | Upper
	sub := &cpuPlan{sh: sh, opt: plan.opt, method: byCondensed}
	var count arena
	newWorker(sub, &count)
	w := newWorker(sub, &arena{buf: dense.Alloc(count.used)})
	w.subA = dense.Alloc(sh.NEq * dense.Stride(sh.N))
	w.sys.na = make([]float64, sh.NEq)
	w.metric = scaling{make([]float64, sh.N), make([]float64, sh.NEq), make([]float64, sh.NIneq), make([]float64, 1)}
	return w
}

// loadRecession makes r's system the search for a ray of w's.
func (r *worker) loadRecession(w *worker) bool {
	from, s := &w.sys, &r.sys
	n, ld := from.n, from.ld
	copy(r.subA, from.a)
	switch from.form {
	case Dense:
		copy(r.subA[from.p*ld:], from.q)
	default:
		clear(r.subA[from.p*ld:])
		for j, q := range from.q {
			r.subA[(from.p+j)*ld+j] = q
		}
	}
	s.a, s.g, s.q = r.subA, from.g, nil
	s.lin = from.lin
	s.b = r.zeros[:s.p]
	s.maxA, s.maxG = max(from.maxA, from.maxQ), from.maxG
	copy(s.na, from.na)
	for j := range s.p - from.p {
		s.na[from.p+j] = 1
		if nrm := dense.Norm2(r.subA[(from.p+j)*ld : (from.p+j)*ld+n]); nrm > 0 {
			s.na[from.p+j] = nrm
		}
	}
	copy(s.nc[:s.m], from.nc[:s.m])
	for t := range s.t {
		lo, up := math.Inf(-1), math.Inf(1)
		var k sideKind
		if t < from.t {
			k = from.kind[t]
		}
		if t >= s.m {
			lo, up = -from.tau[t-s.m], from.tau[t-s.m]
		}
		if k&(hasUpper|fixed) != 0 {
			up = 0
		}
		if k&(hasLower|fixed) != 0 {
			lo = 0
		}
		s.lo[t], s.up[t] = lo, up
	}
	s.classify()
	s.form = Zero
	r.metric.equilibrate(s, r.largest)
	s.adopt(&r.metric)
	r.opt = w.opt
	r.opt.EpsAbs, r.opt.EpsRel = 1e-12, 1e-12
	r.done, r.deadline = w.done, w.deadline
	r.iter, r.bestExcess, r.info = 0, math.Inf(1), Info{}
	r.proofs, r.traced = false, false
	r.setCost()
	r.elim = r.plain()
	return r.coldStart()
}
