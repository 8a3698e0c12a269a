package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// recession looks for a ray where the method stalls without one: the problem
//
//	minimize pᵀd   subject to Qd = 0, Ad = 0, no side met along d, |dⱼ| ≤ τⱼ
//
// has the solution 0 unless there is one.
func (w *worker) recession() ending {
	s := &w.sys
	if w.ways == nil {
		w.ways = newRecessionWorker(w.plan)
	}
	r := w.ways
	w.info.Retries++
	if !r.load(w) {
		return stalled
	}
	end := r.interior()
	w.iter += r.iter
	d := w.corr.z
	copy(d, r.best.z)
	for j := range d { // rounding errors of a bound are no recession
		if s.t > s.m {
			k := s.kind[s.m+j]
			if k == fixed || k&hasLower != 0 && d[j] < 0 || k&hasUpper != 0 && d[j] > 0 {
				d[j] = 0
			}
		}
	}
	if w.recedes(d) {
		return provedDual
	}
	return end.unlessDone()
}

// recessionWorker is the room of that problem, which has the rows of Q as
// equalities below those of A.
type recessionWorker struct {
	*worker
	rows []float64 // [A; Q]
	b    []float64
}

func recessionPlan(plan *cpuPlan) *cpuPlan {
	sh := plan.sh
	sh.NEq += sh.N
	sh.Q = Zero
	sh.Sides |= Lower | Upper
	return &cpuPlan{sh: sh, opt: plan.opt, method: byCondensed}
}

func newRecessionWorker(plan *cpuPlan) *recessionWorker {
	sub := recessionPlan(plan)
	sh := sub.sh
	r := &recessionWorker{
		worker: makeWorker(sub),
		rows:   dense.Alloc(sh.NEq * dense.Stride(sh.N)),
		b:      make([]float64, sh.NEq),
	}
	r.sys.na = make([]float64, sh.NEq)
	r.metric = scaling{make([]float64, sh.N), make([]float64, sh.NEq), make([]float64, sh.NIneq), make([]float64, 1)}
	return r
}

// load makes r's system the search for a ray of w's, and starts it.
func (r *recessionWorker) load(w *worker) bool {
	from, s := &w.sys, &r.sys
	n, ld := from.n, from.ld
	copy(r.rows, from.a)
	below := r.rows[from.p*ld:]
	if from.form == Dense {
		copy(below, from.q)
	} else {
		clear(below)
		for j, q := range from.q {
			below[j*ld+j] = q
		}
	}
	s.a, s.g, s.q = r.rows, from.g, nil
	s.lin, s.b = from.lin, r.b
	s.maxA, s.maxG = max(from.maxA, from.maxQ), from.maxG
	copy(s.na, from.na)
	for j := range n {
		s.na[from.p+j] = 1
		if norm := dense.Norm2(below[j*ld : j*ld+n]); norm > 0 {
			s.na[from.p+j] = norm
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
	s.form = Zero
	r.classify()
	r.x.unsided()
	r.metric.equilibrate(s, r.largest)
	s.adopt(&r.metric)
	r.run = run{opt: w.opt, done: w.done, deadline: w.deadline}
	r.opt.EpsAbs, r.opt.EpsRel = recessionTol, recessionTol
	r.opt.MaxIter = w.opt.MaxIter - w.iter
	r.element = element{bestExcess: math.Inf(1)}
	r.setCost()
	r.elim = r.plain()
	return r.coldStart()
}

// recessionTol is tighter than a ray has to be.
const recessionTol = 1e-12
