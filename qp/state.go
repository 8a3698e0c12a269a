package qp

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/optnet-go/optnet/internal/dense"
)

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
	from  *Iterates // points that another engine left; nil: none
	grad  *Gradient
	up    *Point
	tan   *Tangent
	dir   *Data
	task  task
	team  []*worker // who work on it
	most  int       // parts that one takes at once
	wg    sync.WaitGroup
	mu    sync.Mutex  // of the callbacks
	stop  atomic.Bool // ctx ended before all was done
	done  <-chan struct{}
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

func (p *cpuPlan) NewState() (State, error) { return p.newState(), nil }

// Grow implements [State].
func (s *cpuState) Grow(size int, want Output) error {
	for k := range s.cols {
		s.cols[k].reserve(size)
	}
	if want&OutFactors != 0 {
		for k := range s.stages {
			s.stages[k].reserve(size)
		}
		s.points.reserve(s.plan.sh, size)
		s.accum.resize(s.plan.sh, size)
	}
	s.room(min(s.plan.opt.Workers, max(size, 1)))
	for _, w := range s.workers {
		if w.ways == nil {
			w.ways = newRecessionWorker(s.plan)
		}
	}
	return nil
}

// room makes at least n workers.
func (s *cpuState) room(n int) {
	for len(s.workers) < n {
		s.workers = append(s.workers, makeWorker(s.plan))
	}
}

func (s *cpuState) Close() error {
	*s = cpuState{plan: s.plan}
	return nil
}

// run does the parts of a task on so many workers.
func (s *cpuState) run(t task, limit, crew int) {
	n := min(crew, limit)
	if n == 0 {
		return
	}
	s.room(n)
	s.task = t
	s.divide(n, limit)
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
	if s.task == taskSolve && w.lanes != nil && w.lanes.use > fewLanes {
		s.workLanes(w)
		return
	}
	for {
		i, ok := s.take(w)
		if !ok {
			return
		}
		if s.done != nil && s.task != taskSolve { // which gives every element its status
			select {
			case <-s.done:
				s.stop.Store(true)
				return
			default:
			}
		}
		switch s.task {
		case taskSolve:
			s.solveOne(w, i)
		case taskVJP:
			s.vjpOne(w, i)
		case taskJVP:
			s.jvpOne(w, i)
		case taskSum:
			s.accum.tile(s, i)
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
	crew, lanes := s.plan.workers(taskSolve, b.Size), 0
	if width := int(s.plan.lanes); width > 0 && crew > 0 && b.Warm == nil && opt.Trace == nil && s.from == nil {
		crew = min(crew, max(1, b.Size/width)) // half the lanes take as long as all
		lanes = (b.Size + crew - 1) / crew
	}
	s.room(crew)
	for _, w := range s.workers {
		if w.lanes != nil {
			w.lanes.use = min(w.lanes.width, lanes)
		}
		w.run = run{opt: *opt, done: ctx.Done(), deadline: deadline, proofs: true}
		if opt.Trace != nil {
			w.tracer = s.trace
		}
	}
	if !s.finish(ctx, taskSolve, b.Size, crew) {
		return fmt.Errorf("qp: solving: %w", context.Cause(ctx))
	}
	return nil
}

// finish runs a task on so many workers, and says whether ctx let it come to its end.
func (s *cpuState) finish(ctx context.Context, t task, limit, crew int) bool {
	s.done = ctx.Done()
	s.stop.Store(false)
	s.run(t, limit, crew)
	s.done = nil
	return !s.stop.Load()
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
