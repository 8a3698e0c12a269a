package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// stored is where the values of a stage are: one for the batch, one an element,
// or, if they are not to be kept, in the worker.
type stored struct {
	x      []float64
	one    int
	shared bool
	kept   bool
	ready  []bool
}

// reserve makes room for values without touching those that are there.
func (st *stored) reserve(values int) {
	reserveAligned(&st.x, values*st.one)
	reserve(&st.ready, values)
}

func (st *stored) resize(values int) {
	if n := values * st.one; cap(st.x) < n {
		st.x = dense.Alloc(n)
	} else {
		st.x = st.x[:n]
	}
	if cap(st.ready) < values {
		st.ready = make([]bool, values)
	}
	st.ready = st.ready[:values]
}

// view points w's system at element i's data.
func (s *cpuState) view(w *worker, i int) {
	sys := &w.sys
	sys.form = s.plan.sh.Q
	sys.elastic = 0
	col := func(k int) []float64 {
		if s.cols[k].one == 0 {
			return nil
		}
		return s.cols[k].at(i)
	}
	sys.q, sys.lin, sys.a, sys.b, sys.g = col(0), col(1), col(2), col(3), col(4)
	sys.maxQ, sys.maxA, sys.maxG = 0, 0, 0
	sys.na = nil
	if c := &s.cols[0]; c.one > 0 {
		sys.maxQ = c.max[c.index(i)]
	}
	if c := &s.cols[2]; c.one > 0 {
		sys.maxA, sys.na = c.max[c.index(i)], c.norms(i)
	}
	if c := &s.cols[4]; c.one > 0 {
		sys.maxG = c.max[c.index(i)]
		copy(sys.nc, c.norms(i))
	}
	side := func(dst []float64, k int, absent float64) {
		if src := col(k); src != nil {
			copy(dst, src)
			return
		}
		for t := range dst {
			dst[t] = absent
		}
	}
	side(sys.lo[:sys.m], 5, math.Inf(-1))
	side(sys.up[:sys.m], 6, math.Inf(1))
	side(sys.lo[sys.m:], 7, math.Inf(-1))
	side(sys.up[sys.m:], 8, math.Inf(1))
	for k := range s.stages {
		s.bind(w, k, s.stageAt(w, i, k))
	}
}

// stageAt is where the stage's value of element i lies.
func (s *cpuState) stageAt(w *worker, i, k int) []float64 {
	st := &s.stages[k]
	switch {
	case st.one == 0 || !st.kept:
		return w.stage[k]
	case st.shared:
		return st.x[:st.one]
	}
	return st.x[i*st.one : (i+1)*st.one]
}

// bind makes w's elimination use that memory.
func (s *cpuState) bind(w *worker, k int, x []float64) {
	sys := &w.sys
	cut := func(n int) []float64 {
		y := x[:n:n]
		x = x[n:]
		return y
	}
	switch {
	case k == stageMetric:
		w.metric = scaling{cut(sys.n), cut(sys.p), cut(sys.m), cut(1)}
		sys.adopt(&w.metric)
	case w.rows != nil && len(x) > 0:
		f := w.rows.schurFactors
		switch k {
		case stageQ:
			if sys.form == Dense {
				f.u = cut(sys.n * sys.ld)
			}
			f.uinv = cut(sys.n + 1)
		case stageA:
			f.v, f.s, f.sinv, f.s0 = cut(sys.n*sys.ldp), cut(sys.p*sys.ldp), cut(sys.p+1), cut(sys.p)
		case stageG:
			f.r, f.r0 = cut(sys.m*sys.ldm), cut(sys.m)
		}
	case k == stageA && w.diag != nil:
		w.diag.at = x
	case k == stageA && s.plan.method == byCondensed:
		w.cond.ata = x
	}
}

// prepare computes a stage of element i, unless it is there.
func (s *cpuState) prepare(w *worker, i, k int) {
	st := &s.stages[k]
	if st.one == 0 {
		return
	}
	if st.kept {
		if st.shared {
			i = 0
		}
		if st.ready[i] {
			return
		}
		st.ready[i] = true
	}
	sys := &w.sys
	switch {
	case k == stageMetric:
		w.metric.equilibrate(sys, w.largest)
		sys.adopt(&w.metric)
	case w.rows != nil:
		f := w.rows.schurFactors
		sound := k == stageQ || f.uinv[sys.n] >= wellConditioned && (k == stageA || sys.p == 0 || f.sinv[sys.p] > 0)
		switch {
		case k == stageQ:
			f.prepareQ(sys, w.prep)
		case k == stageA && !sound:
			f.sinv[sys.p] = 0
		case k == stageA:
			if !f.prepareA(sys, w.prep) {
				f.sinv[sys.p] = 0
			}
		case sound:
			f.prepareG(sys, w.prep)
		}
	case w.diag != nil:
		dense.Transpose(sys.p, sys.n, sys.a, sys.ld, w.diag.at, sys.ldp)
	default:
		sys.gram(w.cond.ata, w.cond.da, w.cond.work)
	}
}
