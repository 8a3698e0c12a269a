package cuda

import (
	"unsafe"

	"github.com/optnet-go/optnet/internal/cudadrv"
)

// A share's elements go in stretches, each in a stream of its own: while the kernels
// work on some, the data of the next come, and what came out of those before goes. An
// element's bits are the same, whatever the stretch, and sums over the batch are made
// of chunks, of which a stretch has whole ones.
const (
	mostStretches = 8
	stretchBytes  = 16 << 20 // to be transferred: 0.4 ms, so that launches do not count
)

// stretch is elements of a share.
type stretch struct {
	stream   cudadrv.Stream
	from, to int // their numbers in the share
	args     args
	params   unsafe.Pointer
	todo     []launch
	room     [2]launch
}

// launch is a kernel to be started.
type launch struct {
	f       *cudadrv.Function
	layout  layout
	scratch *buffer
	blocks  int
}

// flow transfers and computes, so many bytes in all: load puts a stretch's data on the
// list of uploads and says what to launch, and fetch puts what comes out on the list of
// downloads. What stretches share comes with the first.
func (d *share) flow(bytes int, load func(x *stretch), fetch func(x *stretch) error) error {
	if err := d.cut(bytes); err != nil {
		return err
	}
	for k := range d.list {
		load(&d.list[k])
		d.uploads.end(d.list[k].stream)
	}
	if err := d.send(); err != nil {
		return err
	}
	for k := range d.list {
		if err := fetch(&d.list[k]); err != nil {
			return err
		}
		d.downloads.end(d.list[k].stream)
	}
	return d.receive()
}

// begin starts a stretch's kernels, when its data are under way: after those of the first
// one, and after the last one's kernels, where blocks have scratch.
func (d *share) begin(k int) error {
	x := &d.list[k]
	more, serial := k+1 < len(d.list), d.state.plan.serial()
	if k > 0 {
		if err := x.stream.After(d.turn); err != nil {
			return err
		}
	} else if more && !serial {
		if err := d.turn.Record(x.stream); err != nil {
			return err
		}
	}
	err := d.timing(func() error {
		for i := range x.todo {
			if err := d.launch(x, &x.todo[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && more && serial {
		err = d.turn.Record(x.stream)
	}
	return err
}

// cut makes stretches that fill the device, of what is worth it.
func (d *share) cut(bytes int) error {
	p := d.state.plan
	least := max(chunk, d.Multiprocessors/chunk*chunk)
	n := max(1, min(mostStretches, bytes/d.gpu.stretch, d.size/least))
	if d.timed || p.opt.Trace != nil {
		n = 1
	}
	for len(d.streams) < n {
		s, err := d.NewStream()
		if err != nil {
			return err
		}
		d.streams = append(d.streams, s)
	}
	for k := range n {
		x := &d.stretches[k]
		x.stream = d.streams[k]
		x.from, x.to = span(d.size, k, n)
		x.args = d.args.window(p, x.from, x.to)
		x.todo = x.room[:0]
	}
	d.list = d.stretches[:n]
	return nil
}

// span is one of n parts of so many elements, of whole chunks.
func span(size, k, n int) (from, to int) {
	chunks := (size + chunk - 1) / chunk
	return min(size, chunks*k/n*chunk), min(size, chunks*(k+1)/n*chunk)
}

// put puts a stretch's part of an array on a list; one is how much an element has, and
// dev where the stretch has it.
func (d *share) put(t *transfer, x *stretch, host []float64, one int, dev uintptr, add bool) {
	put(t, host[(d.from+x.from)*one:(d.from+x.to)*one], dev, add)
}

// window is what a launch is told that is to see the elements from one to another.
func (a *args) window(p *plan, from, to int) args {
	w, s := *a, p.sh
	w.size = int32(to - from)
	move := func(p *uintptr, bytes int) {
		if *p != 0 {
			*p += uintptr(bytes)
		}
	}
	for k := range coefs {
		bytes := 8 * coefs[k].len(s)
		if a.shared>>k&1 == 0 {
			move(&w.data[k], from*bytes)
			move(&w.grad[k], from*bytes)
		} else {
			move(&w.grad[k], from/chunk*bytes)
		}
		if a.dirShared>>k&1 == 0 {
			move(&w.dir[k], from*bytes)
		}
	}
	if a.oneStage == 0 {
		move(&w.stage, from*8*p.stage)
	}
	for k := range points {
		bytes := from * 8 * points[k].len(s)
		move(&w.up[k], bytes)
		move(&w.tangent[k], bytes)
		if k < len(w.warm) {
			move(&w.warm[k], bytes)
		}
	}
	for k, one := range s.resultLens() {
		move(&w.out[k], from*8*one)
	}
	for _, f := range []struct {
		p     *uintptr
		bytes int
	}{
		{&w.x, 8 * s.Stride()}, {&w.info, 8 * numInfo}, {&w.factors, 8 * p.factor}, {&w.state, 8 * s.stateSize()},
		{&w.trace, 8 * numTrace}, {&w.cert, 8 * numCert}, {&w.rows, 8 * s.rowSize()}, {&w.code, 4}, {&w.classes, 4 * s.t},
	} {
		move(f.p, from*f.bytes)
	}
	return w
}
