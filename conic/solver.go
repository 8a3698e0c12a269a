package conic

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Solver is a plan for one Structure. It is immutable and safe for concurrent
// use.
type Solver struct {
	st   Structure
	opt  Options
	plan *plan
	mu   *sync.Mutex // serializes Trace and Capture
	diff *systemOnce
}

// NewSolver makes a plan for problems of one structure: it checks patterns and cones, and
// orders and analyzes the KKT matrix. Nil options are the defaults.
func NewSolver(st *Structure, opt *Options) (*Solver, error) {
	s := &Solver{mu: new(sync.Mutex), diff: new(systemOnce)}
	if opt != nil {
		s.opt = *opt
	}
	if err := s.opt.fill(); err != nil {
		return nil, err
	}
	var err error
	if s.plan, err = newPlan(st); err != nil {
		return nil, err
	}
	s.st = Structure{N: st.N, P: s.plan.p, A: s.plan.a, Cones: slices.Clone(st.Cones)}
	return s, nil
}

// fill replaces zero fields by the defaults.
func (o *Options) fill() error {
	eps := func(x *float64) {
		switch {
		case *x == 0:
			*x = 1e-8
		case *x < 0:
			*x = 0
		}
	}
	switch {
	case math.IsNaN(o.EpsAbs) || math.IsNaN(o.EpsRel):
		return fmt.Errorf("conic: Options.EpsAbs is %v and EpsRel %v, want numbers", o.EpsAbs, o.EpsRel)
	case o.EpsAbs < 0 && o.EpsRel < 0:
		return fmt.Errorf("conic: Options.EpsAbs and EpsRel are both negative, want a tolerance in one of them")
	case o.MaxIter < 0 || o.Workers < 0 || o.TimeLimit < 0:
		return fmt.Errorf("conic: Options has MaxIter %d, Workers %d, TimeLimit %v, want 0 (the default) or more", o.MaxIter, o.Workers, o.TimeLimit)
	case o.Rule > Strict:
		return fmt.Errorf("conic: Options.Rule is %d, want LeastSquares, Smoothed or Strict", o.Rule)
	case !(o.Kappa >= 0) || math.IsInf(o.Kappa, 1):
		return fmt.Errorf("conic: Options.Kappa is %v, want a positive number, or 0 for the default", o.Kappa)
	}
	eps(&o.EpsAbs)
	eps(&o.EpsRel)
	if o.MaxIter == 0 {
		o.MaxIter = 200
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Kappa == 0 {
		o.Kappa = 1e-4
	}
	return nil
}

// Structure returns the structure that the plan is for. It must not be changed.
func (s *Solver) Structure() *Structure { return &s.st }

// Solve solves the batch into dst. How an element ended is in dst.Info; the
// error is for what concerns the call: a *ShapeError, ctx. If ctx ended, the error
// wraps its cause and dst is valid all the same: finished elements have their status, the others are
// Canceled and hold their best iterate.
func (s *Solver) Solve(ctx context.Context, dst *Solution, b *Batch) error {
	if err := s.checkBatch(dst, b); err != nil {
		return err
	}
	s.take(dst, b)
	want := dst.Want.orAll()
	dst.resize(s.plan.n, s.plan.m, b.Size, want)
	dst.factors = want&OutFactors != 0
	if b.Size == 0 {
		return nil
	}
	var deadline time.Time
	if s.opt.TimeLimit > 0 {
		deadline = time.Now().Add(s.opt.TimeLimit)
	}
	workers := min(s.opt.Workers, b.Size)
	s.makeWorks(dst, workers)
	for _, w := range dst.works {
		w.reusable = false
		w.call = call{ctx: ctx, deadline: deadline, mu: s.mu}
	}
	defer func() {
		for _, w := range dst.works {
			w.call = call{}
		}
	}()
	share(b.Size, workers, func(worker, i int) bool {
		s.element(dst, b.Warm, dst.works[worker], i)
		return true
	})
	for i := range dst.Info {
		if dst.Info[i].Status == Canceled {
			return fmt.Errorf("conic: Solve stopped with elements unfinished: %w", context.Cause(ctx))
		}
	}
	return nil
}

// validSize bounds the size of a batch by what arrays can hold.
func (s *Solver) validSize(size int) bool {
	p := s.plan
	return size >= 0 && size <= math.MaxInt/16/max(1, p.a.NNZ(), p.p.NNZ(), p.n, p.m)
}

// makeWorks makes room for so many workers.
func (s *Solver) makeWorks(dst *Solution, workers int) {
	for len(dst.works) < workers {
		dst.works = append(dst.works, newWork(s.plan, &s.opt))
	}
}

// checkBatch checks everything that concerns the call.
func (s *Solver) checkBatch(dst *Solution, b *Batch) error {
	if !s.validSize(b.Size) {
		return fmt.Errorf("conic: Batch.Size is %d, want a number of elements", b.Size)
	}
	mine := dst.solver == s && dst.held
	for k := range coefs {
		c := &coefs[k]
		one := c.len(s.plan)
		if b.Keep&(1<<k) != 0 && one > 0 {
			if was := len(*c.of(&dst.data)); !mine || was != one && was != one*b.Size {
				return fmt.Errorf("%w: %s is not held for %d elements by this Solution: solve once without Keep", ErrNothingKept, c.name, b.Size)
			}
			continue
		}
		if got := len(*c.of(&b.Data)); got != one && got != one*b.Size {
			return &ShapeError{Name: c.name, Got: got, WantShared: one, WantBatch: one * b.Size}
		}
	}
	if b.Warm != nil {
		for _, p := range [...]struct {
			name string
			a    []float64
			n    int
		}{{"Warm.X", b.Warm.X, s.plan.n}, {"Warm.Z", b.Warm.Z, s.plan.m}, {"Warm.S", b.Warm.S, s.plan.m}} {
			if len(p.a) != p.n*b.Size {
				return &ShapeError{Name: p.name, Got: len(p.a), WantShared: -1, WantBatch: p.n * b.Size}
			}
		}
	}
	return nil
}

// adopt makes dst one of this solver's: it drops what another one left there.
func (s *Solver) adopt(dst *Solution) {
	if dst.solver != s {
		dst.works, dst.data, dst.diff = nil, Data{}, differentiation{}
		dst.solver, dst.size, dst.held, dst.factors = s, 0, false, false
	}
}

// take copies the batch's data into dst.
func (s *Solver) take(dst *Solution, b *Batch) {
	s.adopt(dst)
	dst.diff.forget()
	dst.size, dst.held = b.Size, true
	for k := range coefs {
		if b.Keep&(1<<k) == 0 {
			to, from := coefs[k].of(&dst.data), *coefs[k].of(&b.Data)
			*to = grow(*to, len(from))
			copy(*to, from)
		}
	}
}

// element solves one element of the batch.
func (s *Solver) element(dst *Solution, warm *Point, w *work, i int) {
	out := dst.slot(i)
	data := dst.element(i)
	w.call.element = i
	one := func(a []float64, n int) bool { return len(a) == n }
	same := one(dst.data.P, s.plan.p.NNZ()) && one(dst.data.A, s.plan.a.NNZ()) && dst.size > 1
	if reason := w.load(&data, same); reason != "" {
		out.info.Status, out.info.Reason = InvalidInput, reason
		out.zero()
		s.capture(dst, i)
		return
	}
	done := false
	w.profile = w.profiles()[0]
	if warm != nil {
		n, m := s.plan.n, s.plan.m
		if w.warm(warm.X[i*n:(i+1)*n], warm.Z[i*m:(i+1)*m], warm.S[i*m:(i+1)*m]) {
			st, iter, reason := w.run(min(warmIterations, s.opt.MaxIter))
			w.conclude(&out, st, iter, reason)
			switch out.info.Status {
			case Solved, PrimalInfeasible, DualInfeasible, MaxTime, Canceled:
				done = true
			default:
				out.info.Retries = 1
			}
		}
	}
	if !done {
		s.cold(w, &out)
	}
	s.capture(dst, i)
}

// cold solves an element from a cold start. Where numbers end that short of the
// tolerance, it is tried once more, more carefully, and the better point counts.
func (s *Solver) cold(w *work, out *slot) {
	var first outcome
	for try, profile := range w.profiles() {
		w.profile = profile
		w.kkt.static = profile.static
		if try > 0 {
			first.save(out, w)
			out.info.Retries++
		}
		if w.cold() {
			st, iter, reason := w.run(s.opt.MaxIter)
			w.conclude(out, st, iter, reason)
		} else {
			out.info.Status, out.info.Reason = NumericalError, "the KKT matrix of the starting point has no factorization"
			out.zero()
			w.merit = math.Inf(1)
		}
		if st := out.info.Status; (st == NumericalError || st == MaxIterations) && w.lineality(out) {
			out.info.Status, out.info.Reason = DualInfeasible, ""
		}
		if st := out.info.Status; st != NumericalError && st != AlmostSolved {
			return
		}
		if try > 0 && first.merit < w.merit {
			first.restore(out)
		}
	}
}

// zero clears the results of an element that has none.
func (o *slot) zero() {
	clear(o.x)
	clear(o.z)
	clear(o.s)
	if o.value != nil {
		*o.value = math.NaN()
	}
	o.info.Primal, o.info.Dual, o.info.Gap = math.NaN(), math.NaN(), math.NaN()
}

// capture hands an element that failed to Options.Capture.
func (s *Solver) capture(dst *Solution, i int) {
	info := dst.Info[i]
	if s.opt.Capture == nil || info.Status == Solved || info.Status == Canceled {
		return
	}
	d := dst.element(i)
	p := &Problem{Q: slices.Clone(d.Q), B: slices.Clone(d.B), P: s.plan.p.Clone(), A: s.plan.a.Clone(), Cones: slices.Clone(s.st.Cones)}
	p.P.Val, p.A.Val = slices.Clone(d.P), slices.Clone(d.A)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.Capture(i, p, info)
}

// Structure returns the structure of a problem.
func (p *Problem) Structure() *Structure {
	return &Structure{N: len(p.Q), P: p.P, A: p.A, Cones: p.Cones}
}

// Data returns the coefficients of a problem, not copied.
func (p *Problem) Data() Data {
	d := Data{Q: p.Q, B: p.B}
	if p.P != nil {
		d.P = p.P.Val
	}
	if p.A != nil {
		d.A = p.A.Val
	}
	return d
}

// Solve solves one problem. The error includes that of a problem that is not
// solved ([ErrInfeasible], [ErrUnbounded], [ErrNotSolved]); the Solution is there
// then, too.
func Solve(ctx context.Context, p *Problem, opt *Options) (*Solution, error) {
	s, err := NewSolver(p.Structure(), opt)
	if err != nil {
		return nil, err
	}
	x := new(Solution)
	err = s.Solve(ctx, x, &Batch{Data: p.Data(), Size: 1})
	var shape *ShapeError
	if errors.As(err, &shape) {
		return nil, err
	}
	if err != nil {
		return x, err
	}
	return x, x.Err()
}
