package conic

import (
	"context"
	"fmt"
	"math"
	"sync"
)

// systemOnce is a Solver's system for derivatives, made when it is first needed.
type systemOnce struct {
	once sync.Once
	sys  *linearSystem
	err  error
}

func (o *systemOnce) system(st *Structure) (*linearSystem, error) {
	o.once.Do(func() { o.sys, o.err = newLinearSystem(st) })
	return o.sys, o.err
}

// differentiation is what a Solution keeps for derivatives.
type differentiation struct {
	sys *linearSystem
	// The first derivative of a Solve uses one linearization for each worker, which stays in
	// its cache. If a second one is asked for, those of the elements are kept from then
	// on, unless they would take too much memory.
	workers []*linearization
	lins    []*linearization
	calls   int // derivatives since the last Solve

	x, z            []float64 // the points differentiated
	y1, y2          []float64 // adjoint solutions
	value, envelope []float64 // cotangents of the value
	certs           []Certificate
}

// Linearizations of this many bytes together are always kept, as are no more of them than there are
// workers, and otherwise of at most this many.
const (
	keepAlways = 256 << 10
	keepBytes  = 512 << 20
)

// forget drops what belongs to the previous Solve.
func (d *differentiation) forget() {
	d.calls = 0
	for _, l := range d.lins {
		if l != nil {
			l.ready = false
		}
	}
}

// adopt makes the state of derivatives that of a solver.
func (d *differentiation) adopt(s *Solver) error {
	if d.sys != nil {
		return nil
	}
	sys, err := s.diff.system(&s.st)
	if err != nil {
		return fmt.Errorf("conic: differentiating: %w", err)
	}
	d.sys = sys
	return nil
}

// reserve makes room for the vectors of so many elements.
func (d *differentiation) reserve(size int) {
	n, m := d.sys.n*size, d.sys.m*size
	reserve(&d.x, n)
	reserve(&d.z, m)
	reserve(&d.y1, n)
	reserve(&d.y2, m)
	reserve(&d.value, size)
	reserve(&d.envelope, size)
	reserve(&d.certs, size)
}

// hold makes room for the linearizations of the next derivative, and returns how many
// elements' are kept: all or none.
func (d *differentiation) hold(size, workers int) int {
	for len(d.workers) < workers {
		d.workers = append(d.workers, nil)
	}
	if total := size * d.sys.bytes; size > workers && total > keepAlways && (d.calls == 0 || total > keepBytes) {
		return 0
	}
	for len(d.lins) < size {
		d.lins = append(d.lins, nil)
	}
	return size
}

// eachElement calls f for every element, with its linearization, from several
// goroutines.
func (x *Solution) eachElement(ctx context.Context, f func(l *linearization, i int)) error {
	d := &x.diff
	workers := min(x.solver.opt.Workers, x.size)
	keep := d.hold(x.size, workers) > 0
	d.calls++
	d.x, d.z = grow(d.x, d.sys.n*x.size), grow(d.z, d.sys.m*x.size)
	one := func(worker, i int) {
		at := &d.workers[worker]
		if keep {
			at = &d.lins[i]
		}
		if *at == nil {
			*at = d.sys.newLinearization()
		}
		l := *at
		if !keep || !l.ready {
			x.linearize(l, i)
			l.ready = true
			copy(d.x[i*l.n:], l.x)
			copy(d.z[i*l.m:], l.z)
		}
		f(l, i)
	}
	if !share(x.size, workers, func(worker, i int) bool {
		if ctx.Err() != nil {
			return false
		}
		one(worker, i)
		return true
	}) {
		return fmt.Errorf("conic: differentiating: %w", context.Cause(ctx))
	}
	return nil
}

// linearize prepares element i.
func (x *Solution) linearize(l *linearization, i int) {
	n, m := l.n, l.m
	opt := &x.solver.opt
	l.ok = false
	l.cert = Certificate{Rule: opt.Rule, RCond: math.NaN(), Margin: math.NaN()}
	clear(l.x)
	clear(l.z)
	if !x.Info[i].Status.HasPoint() {
		return
	}
	data := x.element(i)
	l.load(element{P: data.P, q: data.Q, A: data.A, b: data.B, x: x.X[i*n : (i+1)*n], z: x.Z[i*m : (i+1)*m], s: x.S[i*m : (i+1)*m]})
	l.ok = l.linearize(opt.Rule, opt.Kappa)
}
