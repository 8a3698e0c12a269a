package cuda

import (
	"context"
	"time"

	"github.com/optnet-go/optnet/qp"
)

// handed is elements that the CPU takes over, each with its own copy of the data, so
// that what comes out does not depend on which others there are.
type handed struct {
	list    []int // by their number in the share
	solver  *qp.Solver
	late    *qp.Solver // for those whose time was over
	untimed bool       // for derivatives: the limit is the solve's
	x       qp.Solution
	batch   qp.Batch
	from    qp.Iterates
	warm    qp.Point
	up      qp.Point
	dir     qp.Data
	grad    qp.Gradient
	tan     qp.Tangent
}

// prepare makes a solver whose callbacks name the elements as the caller does.
func (h *handed) prepare(d *share) error {
	if h.solver != nil {
		return nil
	}
	plan := d.state.plan
	opt := onCPU(plan.opt)
	if plan.opt.Trace != nil {
		opt.Trace = func(it qp.Iteration) {
			it.Element = d.from + h.list[it.Element]
			d.state.told(it)
		}
	}
	if plan.opt.Capture != nil {
		opt.Capture = func(i int, p *qp.Problem, info qp.Info) {
			d.state.trace.Lock()
			defer d.state.trace.Unlock()
			plan.opt.Capture(d.from+h.list[i], p, info)
		}
	}
	if h.untimed {
		opt.TimeLimit = 0
	}
	var err error
	if h.solver, err = qp.NewSolver(plan.sh.Shape, &opt); err != nil {
		return err
	}
	opt.TimeLimit = time.Nanosecond
	h.late, err = qp.NewSolver(plan.sh.Shape, &opt)
	return err
}

// fetch loads the data of the elements from the device.
func (h *handed) fetch(d *share) error {
	s := d.state.plan.sh
	h.batch = qp.Batch{Size: len(h.list), Data: h.batch.Data}
	for k := range coefs {
		one := coefs[k].len(s)
		if one == 0 {
			continue
		}
		x := coefs[k].of(&h.batch.Data)
		*x = grow(*x, len(h.list)*one)
		for j, i := range h.list {
			if d.state.shared(k) {
				i = 0
			}
			put(&d.downloads, (*x)[j*one:(j+1)*one], d.cols[k].m.Ptr+uintptr(8*i*one), false)
		}
	}
	stride := s.Stride()
	h.from.X = grow(h.from.X, len(h.list)*stride)
	h.from.Iterations = grow(h.from.Iterations, len(h.list))
	h.from.Solved = grow(h.from.Solved, len(h.list))
	for j, i := range h.list {
		h.from.Iterations[j], h.from.Solved[j] = -1, false
		if c := d.codes[i]; c != codeFresh && c != codeBack {
			h.from.Iterations[j] = int(d.infos[i*numInfo+infoIter])
			h.from.Solved[j] = c == codeSolved || c == codePlain
			put(&d.downloads, h.from.X[j*stride:(j+1)*stride], d.x.m.Ptr+uintptr(8*i*stride), false)
		}
	}
	d.downloads.end(d.streams[0])
	return d.receive()
}

// take solves the elements, or goes on where the device left them.
func (h *handed) take(ctx context.Context, d *share, want qp.Output, late bool) error {
	if err := h.prepare(d); err != nil {
		return err
	}
	if err := h.fetch(d); err != nil {
		return err
	}
	h.x.Want = want
	solver := h.solver
	if late {
		solver = h.late
	}
	return solver.Resume(ctx, &h.x, &h.batch, &h.from)
}

// solve solves the elements and gives the caller what comes out.
func (h *handed) solve(ctx context.Context, d *share, late bool, dst *qp.Solution, b *qp.Batch) error {
	s := d.state.plan.sh
	if b.Warm != nil { // those that were not begun start there too
		h.warm = qp.Point{Z: h.warm.Z, Nu: h.warm.Nu, Lambda: h.warm.Lambda, Mu: h.warm.Mu}
		for k := range d.warm {
			gather(points[k].of(&h.warm), *points[k].of(b.Warm), points[k].len(s), d.from, h.list)
		}
	}
	if err := h.prepare(d); err != nil {
		return handing(err)
	}
	if err := h.fetch(d); err != nil {
		return err
	}
	if b.Warm != nil {
		h.batch.Warm = &h.warm
	}
	h.x.Want = dst.Want
	solver := h.solver
	if late {
		solver = h.late
	}
	err := solver.Resume(ctx, &h.x, &h.batch, &h.from)
	if err != nil && ctx.Err() == nil {
		return handing(err)
	}
	lens := s.resultLens()
	from := results(&h.x)
	for k, to := range results(dst) {
		if len(to) > 0 {
			scatter(to, from[k], lens[k], d.from, h.list)
		}
	}
	for k := range 4 {
		scatter(*points[k].of(&dst.Rays), *points[k].of(&h.x.Rays), points[k].len(s), d.from, h.list)
	}
	for j, i := range h.list {
		dst.Info[d.from+i] = h.x.Info[j]
	}
	return err
}

// gather collects the elements' parts of an array; an absent one stays so.
func gather(to *[]float64, from []float64, one, first int, list []int) {
	if len(from) == 0 || one == 0 {
		*to = (*to)[:0]
		return
	}
	*to = grow(*to, len(list)*one)
	for j, i := range list {
		copy((*to)[j*one:(j+1)*one], from[(first+i)*one:])
	}
}

// scatter puts them where they belong.
func scatter(to, from []float64, one, first int, list []int) {
	for j, i := range list {
		copy(to[(first+i)*one:(first+i+1)*one], from[j*one:])
	}
}
