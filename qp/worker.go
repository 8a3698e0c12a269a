package qp

import (
	"time"

	"github.com/optnet-go/optnet/internal/dense"
)

// largest is the size above which derivatives and proofs are overflow: products
// with a few more numbers must not be.
const largest = 1e250

// run is how the method is to run: set whole by whoever starts it.
type run struct {
	opt       Options // tolerances and the limit of iterations
	done      <-chan struct{}
	deadline  time.Time
	tracer    func(Iteration) // nil: none
	proofs    bool            // look for proofs of infeasibility
	exploring bool            // of another problem than the element's: best stays as it is
}

// worker is one goroutine's room to solve, and differentiate, one element
// after another.
type worker struct {
	plan    *cpuPlan
	portion portion
	sys     system
	run
	element
	progress
	sensitivity

	x, best    iterate
	res        residuals
	step       *stepping
	rhs, left  direction // right-hand side, and what is left of it
	corr, rest direction
	dinv, cdz  []float64
	q, h       [2][]float64  // see dense.Complementarity
	side       [2]dense.Side // x, step and q, side by side
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
	lanes  *lanes               // nil: none
	stage  [numStages][]float64 // parts that are not kept in the state
	metric scaling
	ways   *recessionWorker // made when it is first needed

	_ [64]byte // workers do not share a cache line
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
	for k := range w.q {
		w.q[k], w.h[k] = a.floats(t), a.floats(t)
		w.sys.on[k] = a.floats(t)
	}
	w.sys.small = a.floats(t)
	w.zeros = a.floats(max(n, p))
	w.share = a.floats(t)
	w.lo, w.up = a.floats(t), a.floats(t)
	w.wc, w.nc = a.floats(t), a.floats(t)
	w.largest = a.floats(n)
	if a.buf != nil {
		w.kind = make([]sideKind, t)
		w.sys.odd = make([]int, 0, t)
		for k := range w.side {
			w.side[k] = dense.Side{S: w.x.s[k], L: w.x.l[k], Q: w.q[k], On: w.sys.on[k], DS: w.step.ds[k], DL: w.step.dl[k]}
		}
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
		if plan.lanes > 0 {
			w.lanes = newLanes(a, plan, s)
		}
	}
	// Every method falls back on this one.
	w.cond = newCondensed(a, s)
	for k := range w.stage {
		w.stage[k] = a.floats(plan.stageLen(k))
	}
	return w
}

// classify derives the kinds of the constraints, and makes what belongs to sides
// that none has zero.
func (w *worker) classify() (crossed string) {
	crossed = w.sys.classify()
	for k, any := range w.sys.any {
		if !any {
			clear(w.q[k])
			clear(w.h[k])
			clear(w.step.ds[k])
			clear(w.step.dl[k])
			clear(w.res.rs[k])
		}
	}
	return crossed
}

// plain is the elimination that asks nothing of the data, at its first
// regularization.
func (w *worker) plain() elimination {
	w.cond.rho, w.cond.delta = rhoCondensed, deltaCondensed
	w.cond.uniform, w.cond.uniformRho = 0, 0
	return w.cond
}

// stopped says whether the caller or time ended the run.
func (r *run) stopped() (ending, bool) {
	if r.done != nil {
		select {
		case <-r.done:
			return canceled, true
		default:
		}
	}
	if !r.deadline.IsZero() && !time.Now().Before(r.deadline) {
		return outOfTime, true
	}
	return 0, false
}

func (w *worker) trace(mu float64) {
	r := &w.res
	w.tracer(Iteration{
		Element: w.index, Iter: w.iter, Value: r.value,
		Primal: r.primal, Dual: r.dual, Gap: r.gap, Mu: mu,
		StepP: w.stepP, StepD: w.stepD,
	})
}

// makeWorker makes a worker in memory of its own.
func makeWorker(plan *cpuPlan) *worker {
	var count arena
	newWorker(plan, &count)
	return newWorker(plan, &arena{buf: dense.Alloc(count.used)})
}
