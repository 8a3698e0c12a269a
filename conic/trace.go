package conic

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// call is what a work knows of the call of Solve that it serves.
type call struct {
	ctx      context.Context
	deadline time.Time // or zero
	mu       *sync.Mutex
	element  int
}

// stop tells that the call has ended: Unsolved to go on.
func (w *work) stop() Status {
	switch c := &w.call; {
	case c.ctx.Err() != nil:
		return Canceled
	case !c.deadline.IsZero() && time.Now().After(c.deadline):
		return MaxTime
	}
	return Unsolved
}

// trace hands the iterate to Options.Trace.
func (w *work) trace(iter int, step float64) {
	if w.opt.Trace == nil {
		return
	}
	r, c := &w.res, &w.call
	c.mu.Lock()
	defer c.mu.Unlock()
	w.opt.Trace(Iteration{
		Element: c.element, Iter: iter, PCost: r.pcost, DCost: r.dcost, Primal: r.primal, Dual: r.dual, Gap: r.gap,
		KT: w.it.kappa / w.it.tau, Mu: w.mu, Step: step,
	})
}

// Table returns an Options.Trace that writes a table of the iterations to w, with
// a heading at the start of every element.
func Table(w io.Writer) func(Iteration) {
	return func(it Iteration) {
		if it.Iter == 0 {
			fmt.Fprintf(w, "element %d\niter        pcost        dcost      gap     pres     dres      k/t       mu     step\n", it.Element)
		}
		fmt.Fprintf(w, "%4d %12.5e %12.5e %.2e %.2e %.2e %.2e %.2e", it.Iter, it.PCost, it.DCost, it.Gap, it.Primal, it.Dual, it.KT, it.Mu)
		if it.Iter > 0 {
			fmt.Fprintf(w, " %.2e", it.Step)
		}
		fmt.Fprintln(w)
	}
}
