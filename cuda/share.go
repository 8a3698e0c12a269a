package cuda

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
	"unsafe"

	"github.com/optnet-go/optnet/internal/cudadrv"
	"github.com/optnet-go/optnet/qp"
)

// column is a coefficient on the device.
type column struct {
	buffer
	values int // that it holds
}

func (c *column) reserve(d *share, values, one int) error {
	_, err := c.grow(d.gpu, values*one, 8)
	return err
}

// share is the part of a batch that one device has.
type share struct {
	*gpu
	state *state
	from  int // the first element
	size  int

	streams   []cudadrv.Stream // the first one, and those that stretches wanted
	stretches [mostStretches]stretch
	list      []stretch     // those of the call
	turn      cudadrv.Event // what a stretch waits for

	cols   [numCoef]column
	staged bool // the stage is that of the columns
	stages int  // values of the stage

	stage, x, info, factors, loop, trace, scratch, prepScratch, barrier buffer
	code, classes, cert, rows                                           buffer
	warm                                                                [4]buffer
	out                                                                 [6]buffer
	up, tangent                                                         [5]buffer
	dir, grad                                                           [numCoef]buffer
	stop                                                                buffer // one number, not 0: stop; 0 between calls
	signal                                                              cudadrv.Stream

	// What the host knows of the elements.
	codes  []int32
	infos  []float64
	certs  []float64
	lines  []float64
	back   handed    // elements that the CPU solves
	second handed    // elements of which the CPU has the derivative
	moved  []bool    // to second
	even   []float64 // Q, made symmetric
	sums   [numCoef][]float64

	uploads, downloads transfer
	bags               [2]bag // of uploads and downloads

	args    args // of all elements
	cluster cudadrv.Clusters

	timed  bool // kernels, for benchmarks
	marks  [2]cudadrv.Event
	millis float64
}

func newShare(s *state, g *gpu) (*share, error) {
	d := &share{gpu: g, state: s}
	d.second.untimed = true
	return d, d.on(func() error {
		stream, err := g.NewStream()
		if err != nil {
			return err
		}
		d.streams = append(d.streams, stream)
		if d.signal, err = g.NewStream(); err != nil {
			return err
		}
		if d.turn, err = g.NewEvent(false); err != nil {
			return err
		}
		d.uploads.up, d.uploads.sent = true, d.begin
		if _, err = d.stop.grow(g, 1, 8); err != nil {
			return err
		}
		if err = cudadrv.Clear(stream, d.stop.m.Ptr, 8); err != nil {
			return err
		}
		return stream.Wait()
	})
}

// on makes the device current for f.
func (d *share) on(f func() error) error {
	if err := d.Enter(); err != nil {
		return err
	}
	defer d.Leave()
	return f()
}

func (d *share) buffers() []*buffer {
	list := []*buffer{&d.stop, &d.stage, &d.x, &d.info, &d.factors, &d.loop, &d.trace, &d.scratch, &d.prepScratch, &d.barrier, &d.code, &d.classes, &d.cert, &d.rows}
	for k := range d.cols {
		list = append(list, &d.cols[k].buffer, &d.dir[k], &d.grad[k])
	}
	for k := range d.warm {
		list = append(list, &d.warm[k])
	}
	for k := range d.out {
		list = append(list, &d.out[k])
	}
	for k := range d.up {
		list = append(list, &d.up[k], &d.tangent[k])
	}
	return list
}

func (d *share) close() error {
	var first error
	note := func(err error) {
		if first == nil {
			first = err
		}
	}
	for _, b := range d.buffers() {
		note(b.m.Free())
	}
	for k := range d.bags {
		note(d.bags[k].mem.Free())
	}
	for _, s := range d.streams {
		note(s.Destroy())
	}
	note(d.signal.Destroy())
	note(d.turn.Destroy())
	if d.timed {
		note(d.marks[0].Destroy())
		note(d.marks[1].Destroy())
	}
	note(d.back.x.Close())
	note(d.second.x.Close())
	return first
}

// room makes room for elements, and for values of the stage.
func (d *share) room(size, stages int, want qp.Output, trace bool) error {
	s, p := d.state.plan.sh, d.state.plan
	if want == 0 {
		want = ^qp.Output(0)
	}
	stride := s.n + s.p + 5*s.t
	type need struct {
		b     *buffer
		count int
		size  int
	}
	needs := []need{
		{&d.stage, stages * p.stage, 8}, {&d.x, size * stride, 8}, {&d.info, size * numInfo, 8},
		{&d.code, size, 4}, {&d.classes, size * s.t, 4},
		{&d.scratch, d.gpu.scratch(p, size), 8}, {&d.prepScratch, d.gpu.prepScratch(p, stages), 8},
	}
	if p.groups {
		needs = append(needs, need{&d.barrier, d.Multiprocessors * barrier, 4})
	}
	if want&qp.OutFactors != 0 || p.mixed { // where factors in float64 lie
		needs = append(needs, need{&d.factors, size * p.factor, 8})
	}
	if trace {
		needs = append(needs, need{&d.loop, size * s.stateSize(), 8}, need{&d.trace, size * numTrace, 8})
	}
	if want&qp.OutZ != 0 {
		needs = append(needs, need{&d.out[0], size * s.n, 8}, need{&d.out[1], size, 8})
	}
	if want&qp.OutDuals != 0 {
		needs = append(needs, need{&d.out[2], size * s.p, 8}, need{&d.out[3], size * s.m, 8}, need{&d.out[4], size * s.n, 8})
	}
	if want&qp.OutSlack != 0 {
		needs = append(needs, need{&d.out[5], size * s.m, 8})
	}
	for _, n := range needs {
		moved, err := n.b.grow(d.gpu, n.count, n.size)
		if err != nil {
			return err
		}
		if moved && n.b == &d.stage && !n.b.held {
			d.staged = false
		}
	}
	return nil
}

// keeping runs f, which may replace buffers, and has the new ones hold what the old
// ones did. If that fails, all is as it was.
func (d *share) keeping(f func() error) error {
	list := d.buffers()
	old := make([]cudadrv.Memory, len(list))
	for i, b := range list {
		old[i] = b.m
		b.held = true
	}
	err := f()
	for i, b := range list {
		b.held = false
		if err == nil && b.m.Ptr != old[i].Ptr {
			err = cudadrv.Copy(d.streams[0], b.m.Ptr, old[i].Ptr, old[i].Size)
		}
	}
	if e := d.streams[0].Wait(); err == nil {
		err = e
	}
	for i, b := range list {
		if b.m.Ptr == old[i].Ptr {
			continue
		}
		spare := &old[i]
		if err != nil {
			spare = &cudadrv.Memory{}
			*spare, b.m = b.m, old[i]
		} else if spare.Ptr != 0 {
			for _, p := range d.args.pointers() {
				if *p == spare.Ptr {
					*p = b.m.Ptr
				}
			}
		}
		if e := spare.Free(); err == nil {
			err = e
		}
	}
	return err
}

func grow[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}

// launch starts a kernel.
func (d *share) launch(x *stretch, l *launch) error {
	if l.blocks == 0 {
		return nil
	}
	x.args.scratch, x.args.scratches, x.args.inShared = l.scratch.m.Ptr, int64(l.layout.scratch), l.layout.places
	if group := l.layout.group; group > 0 {
		x.args.barrier = d.barrier.m.Ptr
		if err := cudadrv.Clear(x.stream, x.args.barrier, int64(4*barrier*l.blocks)); err != nil {
			return err
		}
		if d.clusters {
			return d.cluster.Launch(l.f, x.stream, l.blocks, group, l.layout.threads/group, l.layout.shared, unsafe.Pointer(&x.args), &x.params)
		}
		return l.f.LaunchGroups(x.stream, l.blocks, group, l.layout.threads/group, l.layout.shared, unsafe.Pointer(&x.args), &x.params)
	}
	return l.f.Launch(x.stream, l.blocks, l.layout.threads, l.layout.shared, unsafe.Pointer(&x.args), &x.params)
}

// timing measures what f queues, if that is wanted.
func (d *share) timing(f func() error) error {
	if !d.timed {
		return f()
	}
	if err := d.marks[0].Record(d.streams[0]); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	if err := d.marks[1].Record(d.streams[0]); err != nil {
		return err
	}
	if err := d.marks[1].Wait(); err != nil {
		return err
	}
	t, err := d.marks[1].Since(d.marks[0])
	d.millis += t
	return err
}

// admit makes room for the coefficients that are not kept, and fills the arguments. It
// returns the bytes that elements have of their own.
func (d *share) admit(b *qp.Batch) (bytes int, err error) {
	s, plan := d.state.plan.sh, d.state.plan
	a := &d.args
	*a = args{
		epsAbs: plan.opt.EpsAbs, epsRel: plan.opt.EpsRel,
		n: int32(s.n), p: int32(s.p), m: int32(s.m), t: int32(s.t), form: int32(s.Q), size: int32(d.size),
		maxIter: int32(min(plan.opt.MaxIter, 1<<30)), steps: 1 << 30, stride: int32(s.rowSize()),
	}
	if plan.opt.Rule != qp.Smoothed {
		a.polish = 1
	}
	if plan.mixed {
		a.mixed = 1
	}
	oneStage, fresh := true, !d.staged
	for k := range coefs {
		one := coefs[k].len(s)
		if one == 0 {
			continue
		}
		c := &d.cols[k]
		shared := d.state.shared(k)
		values := d.size
		if shared {
			values = min(1, d.size)
			a.shared |= 1 << k
		}
		staging := k == 0 || k == 2 || k == 4 // Q, A, G
		if b.Keep&(1<<k) == 0 {
			if err := c.reserve(d, values, one); err != nil {
				return 0, err
			}
			if !shared {
				bytes += 8 * values * one
			}
			c.values = values
			fresh = fresh || staging
		}
		if staging && !shared {
			oneStage = false
		}
		a.data[k] = c.m.Ptr
	}
	if oneStage {
		a.oneStage = 1
	}
	stages := d.size
	if oneStage {
		stages = min(1, d.size)
	}
	if stages != d.stages {
		fresh = true
	}
	d.stages, d.staged = stages, !fresh
	return bytes, nil
}

// load puts the coefficients that are not kept on the list of uploads, and the start.
func (d *share) load(x *stretch, b *qp.Batch) {
	s := d.state.plan.sh
	for k := range coefs {
		one := coefs[k].len(s)
		if one == 0 || b.Keep&(1<<k) != 0 {
			continue
		}
		src := *coefs[k].of(&b.Data)
		if !d.state.shared(k) {
			d.put(&d.uploads, x, src, one, x.args.data[k], false)
		} else if x.from == 0 {
			if k == 0 && s.Q == qp.Dense && x.args.oneStage == 0 {
				src = d.symmetric(src)
			}
			put(&d.uploads, src, x.args.data[k], false)
		}
	}
	for k, dev := range x.args.warm {
		if dev != 0 {
			d.put(&d.uploads, x, *points[k].of(b.Warm), points[k].len(s), dev, false)
		}
	}
}

// symmetric is Q with the means of entries that differ by rounding. The kernels do that
// themselves, but not to a Q that elements share which prepare side by side: none may
// change what another reads.
func (d *share) symmetric(q []float64) []float64 {
	n := d.state.plan.sh.n
	top, off := 0.0, 0.0
	for i := range n {
		for j := range i + 1 {
			x, y := q[i*n+j], q[j*n+i]
			top, off = max(top, math.Abs(x), math.Abs(y)), max(off, math.Abs(x-y))
		}
	}
	if off == 0 || !(off <= asymmetry*top) { // the kernels see that it is not symmetric
		return q
	}
	d.even = append(d.even[:0], q...)
	for i := range n {
		for j := range i {
			m := q[i*n+j]/2 + q[j*n+i]/2
			d.even[i*n+j], d.even[j*n+i] = m, m
		}
	}
	return d.even
}

// solve solves the elements from one to another of the batch.
func (d *share) solve(ctx context.Context, deadline time.Time, dst *qp.Solution, b *qp.Batch, from, to int) error {
	plan := d.state.plan
	s := plan.sh
	d.from, d.size = from, to-from
	d.back.list, d.second.list = d.back.list[:0], d.second.list[:0]
	want := dst.Want
	if want == 0 {
		want = ^qp.Output(0)
	}
	bytes, err := d.admit(b)
	if err != nil {
		d.staged = false
		return err
	}
	tracing := plan.opt.Trace != nil
	if err := d.room(d.size, d.stages, dst.Want, tracing); err != nil {
		return err
	}
	d.codes = grow(d.codes, d.size)
	d.infos = grow(d.infos, d.size*numInfo)
	if tracing {
		d.lines = grow(d.lines, d.size*numTrace)
	}
	if d.size == 0 {
		return nil
	}
	a := &d.args
	a.stage, a.x, a.info, a.code, a.classes = d.stage.m.Ptr, d.x.m.Ptr, d.info.m.Ptr, d.code.m.Ptr, d.classes.m.Ptr
	if want&qp.OutFactors != 0 || plan.mixed {
		a.factors = d.factors.m.Ptr
	}
	for k, w := range [6]qp.Output{qp.OutZ, qp.OutZ, qp.OutDuals, qp.OutDuals, qp.OutDuals, qp.OutSlack} {
		if want&w != 0 {
			a.out[k] = d.out[k].m.Ptr
		}
	}
	if tracing {
		a.state, a.trace, a.steps = d.loop.m.Ptr, d.trace.m.Ptr, 1
		if err := cudadrv.Fill(d.streams[0], a.trace, 0xff, int64(8*len(d.lines))); err != nil {
			return err
		}
	}
	if b.Warm != nil {
		for k := range d.warm {
			count := d.size * points[k].len(s)
			if count == 0 || len(*points[k].of(b.Warm)) == 0 {
				continue
			}
			if _, err := d.warm[k].grow(d.gpu, count, 8); err != nil {
				return err
			}
			a.warm[k] = d.warm[k].m.Ptr
			bytes += 8 * count
		}
	}
	expired := func() bool { return !deadline.IsZero() && !time.Now().Before(deadline) }
	over := ctx.Err() != nil || expired()
	if ctx.Done() != nil || !deadline.IsZero() {
		a.stop = d.stop.m.Ptr
	}
	if ctx.Done() != nil && !over {
		end := d.whenOver(func(f func()) func() bool { return context.AfterFunc(ctx, f) })
		defer end()
	}
	if !deadline.IsZero() && !over {
		end := d.whenOver(func(f func()) func() bool { return time.AfterFunc(time.Until(deadline), f).Stop })
		defer end()
	}
	staged := d.staged
	if a.oneStage == 1 && !staged {
		bytes = 0 // all wait for that stage
	}
	d.staged = false
	run, layout, prep := d.kernels(plan), d.solving(plan, d.size), d.preparing(plan, d.stages)
	for i := range d.codes {
		d.codes[i] = codeFresh
		if over {
			d.codes[i] = codeBack
		}
	}
	err = d.flow(bytes, func(x *stretch) {
		d.load(x, b)
		put(&d.uploads, d.codes[x.from:x.to], x.args.code, false)
		if over {
			return
		}
		if !staged && run.prepare != nil {
			x.todo = append(x.todo, launch{run.prepare, prep, &d.prepScratch, d.blocks(prep, min(d.stages, x.to-x.from))})
		}
		x.todo = append(x.todo, launch{run.solve, layout, &d.scratch, d.blocks(layout, x.to-x.from)})
	}, func(x *stretch) error {
		if over {
			return nil
		}
		if tracing {
			err := d.told(x, func() bool { return ctx.Err() != nil || expired() })
			if err != nil {
				return err
			}
		}
		put(&d.downloads, d.codes[x.from:x.to], x.args.code, false)
		put(&d.downloads, d.infos[x.from*numInfo:x.to*numInfo], x.args.info, false)
		lens := s.resultLens()
		for k, to := range results(dst) {
			if x.args.out[k] != 0 && len(to) > 0 {
				d.put(&d.downloads, x, to, lens[k], x.args.out[k], false)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.staged = staged || !over
	return d.conclude(ctx, expired(), dst, b)
}

// whenOver has the kernels stop when the time comes, and returns what ends the wait
// for it, once a stop that has begun is through.
func (d *share) whenOver(after func(func()) func() bool) func() {
	done := make(chan struct{})
	stop := after(func() {
		defer close(done)
		d.on(func() error { // in a stream of its own, beside the kernels; what fails shows there
			if err := cudadrv.Fill(d.signal, d.stop.m.Ptr, 1, 4); err != nil {
				return err
			}
			return d.signal.Wait()
		})
	})
	return func() {
		if !stop() {
			<-done
			d.on(func() error {
				if err := cudadrv.Clear(d.signal, d.stop.m.Ptr, 8); err != nil {
					return err
				}
				return d.signal.Wait()
			})
		}
	}
}

// results are the arrays of a Solution, as numbered in args.out.
func results(x *qp.Solution) [6][]float64 {
	return [6][]float64{x.Z, x.Value, x.Nu, x.Lambda, x.Mu, x.S}
}

func (s *shape) resultLens() [6]int { return [6]int{s.n, 1, s.p, s.m, s.n, s.m} }

// told passes on the lines of one iteration after the other.
func (d *share) told(x *stretch, over func() bool) error {
	for stop := false; ; {
		put(&d.downloads, d.codes, x.args.code, false)
		put(&d.downloads, d.lines, x.args.trace, false)
		d.downloads.end(x.stream)
		if err := d.receive(); err != nil {
			return err
		}
		for i := range d.size {
			l := d.lines[i*numTrace : (i+1)*numTrace]
			if l[0] >= 0 {
				d.state.told(qp.Iteration{
					Element: d.from + i, Iter: int(l[0]), Value: l[1], Primal: l[2], Dual: l[3], Gap: l[4], Mu: l[5], StepP: l[6], StepD: l[7],
				})
			}
		}
		if !slices.Contains(d.codes, codeRunning) {
			if !stop {
				return nil
			}
			return cudadrv.Clear(x.stream, x.args.stop, 8)
		}
		if !stop && over() {
			stop = true
			if err := cudadrv.Fill(x.stream, x.args.stop, 1, 4); err != nil {
				return err
			}
		}
		if err := cudadrv.Fill(x.stream, x.args.trace, 0xff, int64(8*len(d.lines))); err != nil {
			return err
		}
		if err := d.launch(x, &x.todo[len(x.todo)-1]); err != nil {
			return err
		}
	}
}

// told calls Trace, one call at a time.
func (s *state) told(it qp.Iteration) {
	s.trace.Lock()
	defer s.trace.Unlock()
	s.plan.opt.Trace(it)
}

// conclude fills in what the device solved, and has the CPU solve the rest.
func (d *share) conclude(ctx context.Context, expired bool, dst *qp.Solution, b *qp.Batch) error {
	s := d.state.plan.sh
	d.moved = grow(d.moved, d.size)
	clear(d.moved)
	h := Handed{Elements: int64(d.size)}
	if d.state.plan.mixed {
		for i, c := range d.codes[:d.size] {
			if f := d.infos[i*numInfo : (i+1)*numInfo]; c != codeBack && f[infoIter] > 0 { // of others the device knows nothing
				h.Mixed++
				h.Fell += int64(f[infoFell])
			}
		}
	}
	for i, c := range d.codes[:d.size] {
		switch c {
		case codeSolved, codePlain:
			f := d.infos[i*numInfo : (i+1)*numInfo]
			dst.Info[d.from+i] = qp.Info{Status: qp.Solved, Iterations: int(f[infoIter]), Primal: f[infoPrimal], Dual: f[infoDual], Gap: f[infoGap]}
		default:
			d.back.list = append(d.back.list, i)
		}
	}
	for k, r := range [4][]float64{dst.Rays.Z, dst.Rays.Nu, dst.Rays.Lambda, dst.Rays.Mu} {
		one := points[k].len(s)
		clear(r[d.from*one : (d.from+d.size)*one])
	}
	h.Solves = int64(len(d.back.list))
	d.state.plan.engine.count(h)
	if len(d.back.list) == 0 {
		return nil
	}
	return d.back.solve(ctx, d, expired, dst, b)
}

// handing wraps what the CPU says of an element that was handed to it.
func handing(err error) error { return fmt.Errorf("elements handed to the CPU: %w", err) }
