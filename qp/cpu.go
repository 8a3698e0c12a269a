package qp

import (
	"context"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/optnet-go/optnet/internal/dense"
)

// cpuEngine solves each element on one goroutine, start to end.
type cpuEngine struct{}

// method is the elimination that a shape suggests.
type method uint8

const (
	byCondensed method = iota // (d)
	byDiagonal                // (c)
	bySchur                   // (b)
)

type cpuPlan struct {
	sh     Shape
	opt    *Options
	method method
	why    string
}

// typicalIterations is what the choice of elimination assumes.
const typicalIterations = 12

func (cpuEngine) Plan(sh Shape, opt *Options) (Plan, error) {
	p := &cpuPlan{sh: sh, opt: opt}
	n, m, e := float64(sh.N), float64(sh.NIneq), float64(sh.NEq)
	perSchur := m*m*m/3 + 4*m*m + 16*n*n + 16*n*e + 16*n*m
	perCondensed := n*n*m + n*n*n/3 + 8*n*n + 16*n*(m+e)
	schur := n*n*n/3 + n*n*(m+e) + n*m*m + n*e*(e+2*m) + e*m*(m+e) + typicalIterations*perSchur
	if sh.Q == Diagonal {
		schur -= n*n*n/3 + n*n*(m+e)
	}
	condensed := n*n*e + typicalIterations*perCondensed
	switch {
	case sh.Q == Diagonal && sh.NIneq == 0:
		p.method = byDiagonal
		p.why = "(c) Schur complement on A over the diagonal Q + D: no rows in G; where Q is not positive: (d)"
	case sh.Q == Zero:
		p.why = "(d) condensed H = ρI + AᵀA/δ + CᵀDC: Q is zero"
	case sh.bounded():
		p.why = "(d) condensed H = Q + ρI + AᵀA/δ + CᵀDC: bounds and a Q that is not diagonal, or rows in G"
	case schur < condensed:
		p.method = bySchur
		p.why = fmt.Sprintf("(b) Q factored once, then R + D⁻¹: %.3g Mflop against %.3g of (d) in %d iterations; where Q is ill-conditioned: (d)",
			schur/1e6, condensed/1e6, typicalIterations)
	default:
		p.why = fmt.Sprintf("(d) condensed H = Q + ρI + AᵀA/δ + CᵀDC: %.3g Mflop against %.3g of (b) in %d iterations",
			condensed/1e6, schur/1e6, typicalIterations)
	}
	return p, nil
}

func (p *cpuPlan) Method() string { return p.why }

// A stage is a part of the factorization that does not change in the
// iterations: the metric, and the parts of the factorization that depend on Q,
// on A too, or on G too.
const (
	stageMetric = iota
	stageQ
	stageA
	stageG
	numStages
)

// stageLen is the room that one value of a stage takes.
func (p *cpuPlan) stageLen(k int) int {
	sh := p.sh
	n, e, m := sh.N, sh.NEq, sh.NIneq
	if k == stageMetric {
		return scalingLen(sh)
	}
	switch p.method {
	case byDiagonal:
		if k == stageA {
			return n * dense.Stride(e)
		}
	case byCondensed:
		if k == stageA && e > 0 {
			return n * dense.Stride(n)
		}
	case bySchur:
		switch k {
		case stageQ:
			u := 0
			if sh.Q == Dense {
				u = n * dense.Stride(n)
			}
			return u + n + 1
		case stageA:
			if e > 0 {
				return n*dense.Stride(e) + e*dense.Stride(e) + e + 1
			}
		case stageG:
			return m*dense.Stride(m) + m
		}
	}
	return 0
}

// stageDeps are the coefficients that a stage is made of.
func (p *cpuPlan) stageDeps(k int) Coef {
	deps := [numStages]Coef{CoefQ | CoefA | CoefG, CoefQ, CoefQ | CoefA, CoefQ | CoefA | CoefG}[k]
	if p.method == byCondensed && k == stageA {
		return CoefQ | CoefA | CoefG // the metric of the rows of A
	}
	if p.method != bySchur && k != stageMetric {
		deps &^= CoefQ
	}
	return deps
}

// stored is where the values of a stage are: one for the batch, one an element,
// or, if they are not to be kept, in the worker.
type stored struct {
	x      []float64
	one    int
	shared bool
	kept   bool
	ready  []bool
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

// cpuState is a Solution's memory.
type cpuState struct {
	plan    *cpuPlan
	size    int
	cols    [numCoef]column
	stages  [numStages]stored
	points  kept
	workers []*worker

	// The call at hand.
	dst   *Solution
	batch *Batch
	grad  *Gradient
	up    *Point
	tan   *Tangent
	dir   *Data
	task  task
	next  atomic.Int64
	limit int64
	wg    sync.WaitGroup
	mu    sync.Mutex // of the callbacks
	stop  atomic.Bool
	trace func(Iteration)
	accum accumulator
}

type task uint8

const (
	taskSolve task = iota
	taskVJP
	taskJVP
	taskSum
)

func (p *cpuPlan) newState() *cpuState {
	s := &cpuState{plan: p}
	sh := p.sh
	for k := range s.cols {
		c := &s.cols[k]
		switch Coef(1 << k) {
		case CoefQ:
			c.one = sh.lenQ()
			if sh.Q == Dense {
				c.one = sh.N * dense.Stride(sh.N)
			}
		case CoefA:
			c.one, c.rows = sh.NEq*dense.Stride(sh.N), sh.NEq
		case CoefG:
			c.one, c.rows = sh.NIneq*dense.Stride(sh.N), sh.NIneq
		default:
			c.one = coefs[k].len(sh)
		}
	}
	for k := range s.stages {
		s.stages[k].one = p.stageLen(k)
	}
	s.trace = func(it Iteration) {
		s.mu.Lock()
		defer s.mu.Unlock()
		p.opt.Trace(it)
	}
	return s
}

func (p *cpuPlan) NewState(size int, want Output) (State, error) {
	s := p.newState()
	for k := range s.cols {
		s.cols[k].resize(size)
	}
	if want&OutFactors != 0 {
		for k := range s.stages {
			s.stages[k].resize(size)
		}
		s.points.resize(p.sh, size)
		s.accum.resize(p.sh, size)
	}
	s.room(min(p.opt.Workers, max(size, 1)))
	return s, nil
}

func (p *cpuPlan) Bytes(size int, want Output) (host, device int64) {
	s := p.newState()
	n := 0
	for k := range s.cols {
		n += size * (s.cols[k].one + s.cols[k].rows + 3)
	}
	if want&OutFactors != 0 {
		for k := range s.stages {
			n += size * (s.stages[k].one + 1)
		}
		n += size * (keptLen(p.sh) + accumLen(p.sh))
	}
	var count arena
	newWorker(p, &count)
	workers := min(p.opt.Workers, max(size, 1))
	return int64(8*n) + int64(workers)*int64(8*count.used+4096), 0
}

// room makes at least n workers.
func (s *cpuState) room(n int) {
	for len(s.workers) < n {
		var count arena
		newWorker(s.plan, &count)
		a := &arena{buf: dense.Alloc(count.used)}
		w := newWorker(s.plan, a)
		s.workers = append(s.workers, w)
	}
}

func (s *cpuState) Close() error {
	*s = cpuState{plan: s.plan}
	return nil
}

// run does a task for every element, on as many workers as there is work for.
func (s *cpuState) run(t task, limit int) {
	n := min(s.plan.opt.Workers, limit)
	if n == 0 {
		return
	}
	s.room(n)
	s.task, s.limit = t, int64(limit)
	s.next.Store(0)
	s.wg.Add(n - 1)
	for k := 1; k < n; k++ {
		go func() {
			defer s.wg.Done()
			s.work(s.workers[k])
		}()
	}
	s.work(s.workers[0])
	s.wg.Wait()
}

func (s *cpuState) work(w *worker) {
	for {
		i := s.next.Add(1) - 1
		if i >= s.limit {
			return
		}
		switch s.task {
		case taskSolve:
			s.solveOne(w, int(i))
		case taskVJP:
			s.vjpOne(w, int(i))
		case taskJVP:
			s.jvpOne(w, int(i))
		case taskSum:
			s.accum.tile(s, int(i))
		}
	}
}

// Solve implements [State].
func (s *cpuState) Solve(ctx context.Context, dst *Solution, b *Batch) error {
	opt := s.plan.opt
	s.size, s.dst, s.batch = b.Size, dst, b
	defer func() { s.dst, s.batch = nil, nil }()
	want := dst.Want.orAll()
	s.admit(b, want)
	var deadline time.Time
	if opt.TimeLimit > 0 {
		deadline = time.Now().Add(opt.TimeLimit)
	}
	s.room(min(opt.Workers, b.Size))
	for _, w := range s.workers {
		w.opt = *opt
		w.done, w.deadline = ctx.Done(), deadline
		w.traced, w.tracer = opt.Trace != nil, s.trace
	}
	s.stop.Store(false)
	s.run(taskSolve, b.Size)
	if s.stop.Load() {
		return fmt.Errorf("qp: solving: %w", context.Cause(ctx))
	}
	return nil
}

// admit makes room for the batch, loads and prepares what is shared, and
// forgets what does not depend on kept coefficients alone.
func (s *cpuState) admit(b *Batch, want Output) {
	sh := s.plan.sh
	have := Coef(0)
	for k := range s.cols {
		c := &s.cols[k]
		one := coefs[k].len(sh)
		if one == 0 {
			continue
		}
		have |= 1 << k
		if b.Keep&(1<<k) != 0 {
			// One value kept from a batch of one serves any batch.
			c.shared = len(c.reason) == 1 && b.Size != 1
			continue
		}
		src := *coefs[k].of(&b.Data)
		// In a batch of one the value is the element's own, so that its bits
		// are those it has among others.
		c.shared = len(src) == one && b.Size != 1
		if c.shared {
			c.resize(1)
			c.load(sh, 1<<k, 0, src)
		} else {
			c.resize(b.Size)
		}
	}
	if want&OutFactors != 0 {
		s.points.resize(sh, b.Size)
	}
	for k := range s.stages {
		st := &s.stages[k]
		if st.one == 0 {
			continue
		}
		deps := s.plan.stageDeps(k) & have
		shared := true
		for j := range s.cols {
			if deps&(1<<j) != 0 && !s.cols[j].shared {
				shared = false
			}
		}
		store := shared || want&OutFactors != 0
		values := b.Size
		if shared {
			values = 1
		}
		if !store {
			values = 0
		}
		reuse := b.Keep&deps == deps && st.shared == shared && st.kept && store && len(st.ready) == values
		st.shared, st.kept = shared, store
		if !reuse {
			st.resize(values)
			clear(st.ready)
		}
	}
	if b.Size > 0 {
		// Prepare shared stages here, once, before the workers read them.
		s.room(1)
		s.prepareShared(s.workers[0])
		if c := &s.cols[0]; c.one > 0 && c.shared && c.reason[0] == "" {
			s.view(s.workers[0], 0)
			s.judgeQ(s.workers[0], 0)
		}
	}
}

// prepareShared prepares the stages that the batch shares.
func (s *cpuState) prepareShared(w *worker) {
	for k := range s.stages {
		st := &s.stages[k]
		if st.one == 0 || !st.shared {
			continue
		}
		deps := s.plan.stageDeps(k)
		for j := range s.cols {
			if deps&(1<<j) != 0 && s.cols[j].one > 0 && s.cols[j].reason[0] != "" {
				return
			}
		}
		s.view(w, 0)
		s.prepare(w, 0, k)
	}
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
			f.v, f.s, f.sinv = cut(sys.n*sys.ldp), cut(sys.p*sys.ldp), cut(sys.p+1)
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
		clear(w.diag.at)
		dense.Transpose(sys.p, sys.n, sys.a, sys.ld, w.diag.at, sys.ldp)
	default:
		sys.gram(w.cond.ata, w.cond.da, w.cond.work)
	}
}

// solveOne loads, judges and solves element i, and stores what is wanted.
func (s *cpuState) solveOne(w *worker, i int) {
	sh := s.plan.sh
	reason := ""
	for k := range s.cols {
		c := &s.cols[k]
		if c.one == 0 {
			continue
		}
		if !c.shared && s.batch.Keep&(1<<k) == 0 {
			one := coefs[k].len(sh)
			src := *coefs[k].of(&s.batch.Data)
			c.load(sh, 1<<k, i, src[i*one:(i+1)*one])
		}
		if r := c.reason[c.index(i)]; r != "" && reason == "" {
			reason = r
		}
	}
	s.view(w, i)
	w.elem = i
	if reason == "" {
		for k := range s.stages {
			s.prepare(w, i, k)
		}
		reason = s.judgeQ(w, i)
	}
	if reason != "" {
		w.reject(reason)
	} else {
		w.solve(s.warm(w, i))
		if w.info.Status == Canceled {
			s.stop.Store(true)
		}
	}
	s.store(w, i)
	if s.plan.opt.Capture != nil && w.info.Status != Solved && w.info.Status != Canceled {
		s.capture(w, i)
	}
}

// judgeQ requires that Q is positive semidefinite to rounding.
func (s *cpuState) judgeQ(w *worker, i int) string {
	sys := &w.sys
	if sys.form != Dense {
		return "" // load saw to it
	}
	if w.rows != nil && w.rows.uinv[sys.n] > 0 {
		return ""
	}
	c := &s.cols[0]
	verdict := &c.definite[c.index(i)]
	if *verdict == 0 {
		*verdict = w.definite()
	}
	if *verdict < 0 {
		return reasonQNeg
	}
	return ""
}

// definite is 1 if Q + n·1e-14·‖Q‖·I has a Cholesky factor, and −1 if not.
func (w *worker) definite() int8 {
	sys, h := &w.sys, w.cond.h
	copy(h, sys.q)
	for j := range sys.n {
		h[j*sys.ld+j] += float64(sys.n) * indefiniteTol * sys.maxQ
	}
	if sys.maxQ > 0 && dense.Cholesky(sys.n, h, sys.ld, w.cond.inv, nil) >= 0 {
		return -1
	}
	return 1
}

// reject gives an element with invalid data its status.
func (w *worker) reject(reason string) {
	w.best.copyFrom(&w.x)
	w.best.direction.clear()
	w.bestValue = 0
	w.info = Info{Status: InvalidInput, Reason: reason, Primal: math.Inf(1), Dual: math.Inf(1), Gap: math.Inf(1)}
}

// warm loads element i's starting point, if there is one worth it.
func (s *cpuState) warm(w *worker, i int) bool {
	p := s.batch.Warm
	if p == nil {
		return false
	}
	sys, x := &w.sys, &w.x
	x.direction.clear()
	take := func(dst, src []float64) bool {
		if len(src) == 0 {
			return false
		}
		copy(dst, src[i*len(dst):(i+1)*len(dst)])
		return true
	}
	ok := take(x.z, p.Z)
	take(x.nu, p.Nu)
	take(x.lam[:sys.m], p.Lambda)
	if sys.t > sys.m {
		take(x.lam[sys.m:], p.Mu)
	}
	sum := dense.NormInf(x.z) + dense.NormInf(x.nu) + dense.NormInf(x.lam)
	return ok && sum <= warmLargest
}

// warmLargest is the size above which a starting point is taken for garbage.
const warmLargest = 1e12

// slack sets cdz = Gz, or zero where the data are no numbers.
func (w *worker) slack(z []float64) {
	if w.info.Status == InvalidInput {
		clear(w.cdz)
		return
	}
	if w.sys.t > 0 {
		w.sys.mulC(z, w.cdz)
	}
}

// store writes what the caller and the derivatives want of element i.
func (s *cpuState) store(w *worker, i int) {
	sys, dst, x := &w.sys, s.dst, &w.best
	dst.Info[i] = w.info
	want := dst.Want.orAll()
	n, p, m := sys.n, sys.p, sys.m
	if want&OutZ != 0 {
		copy(dst.Z[i*n:(i+1)*n], x.z)
		dst.Value[i] = w.bestValue
	}
	if want&OutDuals != 0 {
		copy(dst.Nu[i*p:(i+1)*p], x.nu)
		copy(dst.Lambda[i*m:(i+1)*m], x.lam[:m])
		mu := dst.Mu[i*n : (i+1)*n]
		clear(mu[copy(mu, x.lam[m:]):])
	}
	if want&OutSlack != 0 {
		sl := dst.S[i*m : (i+1)*m]
		w.slack(x.z)
		for t := range sl {
			sl[t] = sys.up[t] - w.cdz[t]
		}
		if w.info.Status == InvalidInput {
			clear(sl)
		}
	}
	ray := &w.ray
	if st := w.info.Status; st != PrimalInfeasible && st != DualInfeasible {
		ray.clear()
	}
	copy(dst.Rays.Z[i*n:(i+1)*n], ray.z)
	copy(dst.Rays.Nu[i*p:(i+1)*p], ray.nu)
	copy(dst.Rays.Lambda[i*m:(i+1)*m], ray.lam[:m])
	mu := dst.Rays.Mu[i*n : (i+1)*n]
	clear(mu[copy(mu, ray.lam[m:]):])
	if want&OutFactors != 0 {
		s.points.store(w, i)
	}
}
