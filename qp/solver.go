package qp

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
)

// Solver is a plan for one Shape. It is immutable and safe for concurrent use.
type Solver struct {
	sh   Shape
	opt  Options
	plan Plan
}

// NewSolver makes a plan for problems of one shape. Nil options are the
// defaults: the CPU, all processors, residuals of 1e-8.
func NewSolver(sh Shape, opt *Options) (*Solver, error) {
	sh, err := sh.normalize()
	if err != nil {
		return nil, err
	}
	s := &Solver{sh: sh}
	if opt != nil {
		s.opt = *opt
	}
	if err := s.opt.fill(); err != nil {
		return nil, err
	}
	engine := s.opt.Engine
	if engine == nil {
		engine = cpuEngine{}
	}
	if s.plan, err = engine.Plan(s.sh, &s.opt); err != nil {
		return nil, fmt.Errorf("qp: planning: %w", err)
	}
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
		return fmt.Errorf("qp: Options.EpsAbs is %v and EpsRel %v, want numbers", o.EpsAbs, o.EpsRel)
	case o.EpsAbs < 0 && o.EpsRel < 0:
		return fmt.Errorf("qp: Options.EpsAbs and EpsRel are both negative, want a tolerance in one of them")
	case o.MaxIter < 0 || o.Workers < 0 || o.TimeLimit < 0:
		return fmt.Errorf("qp: Options has MaxIter %d, Workers %d, TimeLimit %v, want 0 (the default) or more", o.MaxIter, o.Workers, o.TimeLimit)
	case o.Rule > Strict:
		return fmt.Errorf("qp: Options.Rule is %d, want LeastSquares, WeakActive, Smoothed or Strict", o.Rule)
	case !(o.Kappa >= 0) || math.IsInf(o.Kappa, 1):
		return fmt.Errorf("qp: Options.Kappa is %v, want a positive number, or 0 for the default", o.Kappa)
	}
	eps(&o.EpsAbs)
	eps(&o.EpsRel)
	if o.MaxIter == 0 {
		o.MaxIter = 100
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Kappa == 0 {
		o.Kappa = 1e-4
	}
	return nil
}

// Shape returns the shape of the problems, with the default side filled in.
func (s *Solver) Shape() Shape { return s.sh }

// Method tells the elimination chosen, and why.
func (s *Solver) Method() string { return s.plan.Method() }

// Bytes bounds the memory that a Solution of this size holds, by place. It is
// reached when every coefficient is given per element.
func (s *Solver) Bytes(size int, want Output) (host, device int64) {
	want = want.orAll()
	host, device = s.plan.Bytes(size, want)
	return host + s.resultBytes(size, want), device
}

// Grow prepares dst for batches of up to size elements, whatever is shared, so
// that nothing of that size allocates later. What dst holds stays as it is.
func (s *Solver) Grow(dst *Solution, size int) error {
	if err := s.checkSize(size); err != nil {
		return fmt.Errorf("qp: Grow: %w", err)
	}
	if err := s.adopt(dst); err != nil {
		return err
	}
	want := dst.Want.orAll()
	if err := dst.state.Grow(size, want); err != nil {
		return fmt.Errorf("qp: making room for %d elements: %w", size, err)
	}
	dst.reserve(s.sh, size, want)
	return nil
}

// checkSize bounds the size of a batch by what arrays can hold.
func (s *Solver) checkSize(size int) error {
	one := 1
	for k := range coefs {
		one = max(one, coefs[k].len(s.sh))
	}
	if limit := math.MaxInt / 16 / one; size < 0 || size > limit {
		return fmt.Errorf("a batch of %d elements, want 0 to %d", size, limit)
	}
	return nil
}

// adopt makes dst's state one of this solver's.
func (s *Solver) adopt(dst *Solution) error {
	if dst.solver == s && dst.state != nil {
		return nil
	}
	if err := dst.Close(); err != nil {
		return err
	}
	state, err := s.plan.NewState()
	if err != nil {
		return fmt.Errorf("qp: making a Solution: %w", err)
	}
	dst.solver, dst.state = s, state
	return nil
}

// Solve solves the batch into dst. How an element ended is in dst.Info; the
// error is for what concerns the call: a *ShapeError, the device, ctx. If ctx
// ended, the error wraps its cause and dst is valid all the same: finished
// elements have their status, the others are Canceled and hold their best
// iterate.
func (s *Solver) Solve(ctx context.Context, dst *Solution, b *Batch) error {
	if err := s.checkSize(b.Size); err != nil {
		return fmt.Errorf("qp: Batch.Size: %w", err)
	}
	if dst.solver != s && b.Keep != 0 {
		return fmt.Errorf("%w: this Solution was not solved by this Solver before", ErrNothingKept)
	}
	in := &dst.in
	*in = *b
	defer func() { dst.in, dst.warm = Batch{}, Point{} }()
	lens, err := s.checkData(dst, in)
	if err != nil {
		return err
	}
	if b.Warm != nil {
		if err := checkPoint("Warm.", s.sh, b.Warm, b.Size); err != nil {
			return err
		}
		if len(b.Warm.Z) == 0 && b.Size > 0 {
			return &ShapeError{Name: "Warm.Z", Got: 0, WantShared: -1, WantBatch: s.sh.N * b.Size}
		}
		dst.warm = *b.Warm // its arrays, should growing dst replace them
		in.Warm = &dst.warm
	}
	want := dst.Want.orAll()
	if err := s.adopt(dst); err != nil {
		return err
	}
	dst.lens, dst.size, dst.held = lens, b.Size, true
	dst.factors = false
	dst.grow(s.sh, b.Size, want)
	err = dst.state.Solve(ctx, dst, in)
	if err != nil && (ctx.Err() == nil || !errors.Is(err, context.Cause(ctx))) { // the engine failed: nothing can be kept
		dst.held = false
		return err
	}
	dst.factors = want&OutFactors != 0
	return err
}

// checkData checks the lengths of b's arrays, drops those that are kept, and
// returns the lengths that the solution now stands for.
func (s *Solver) checkData(dst *Solution, b *Batch) (lens [numCoef]int, err error) {
	for k := range coefs {
		c := &coefs[k]
		x, one := c.of(&b.Data), c.len(s.sh)
		if b.Keep&(1<<k) != 0 && one > 0 {
			if was := dst.lens[k]; was != one && was != one*b.Size || !dst.held {
				return lens, fmt.Errorf("%w: %s has %d values in this Solution, want %d (shared) or %d (one per element)", ErrNothingKept, c.name, was, one, one*b.Size)
			}
			lens[k] = dst.lens[k]
			*x = nil
			continue
		}
		if err := checkLen(c.name, len(*x), one, b.Size); err != nil {
			return lens, err
		}
		lens[k] = len(*x)
	}
	return lens, nil
}

func checkPoint(prefix string, sh Shape, x *Point, size int) error {
	for k := range points {
		a := *points[k].of(x)
		if want := points[k].len(sh) * size; len(a) != 0 && len(a) != want {
			return &ShapeError{Name: prefix + points[k].name, Got: len(a), WantShared: -1, WantBatch: want}
		}
	}
	return nil
}
