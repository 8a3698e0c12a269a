package cuda

import (
	"errors"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/optnet-go/optnet/internal/cudadrv"
)

// Devices copy from and to pinned memory by themselves, and from and to the caller's
// arrays not: the driver then puts its own pinned memory between, on one thread, and
// that is several times slower than the bus. So large arrays go through lanes, pinned
// memory of the device with a goroutine each: while the bus takes one piece, the next are
// copied. What is small goes through a bag, pinned memory of the Solution, in one piece.
// Where memory cannot be pinned (there are limits on it), the driver does the copying.
//
// A processor copies about 10 GB/s, the bus of an H100 takes 50, and a piece costs some
// 10 microseconds of the driver's time: docs/GPU.md.
const (
	bagBytes  = 512 << 10 // of a bag at most
	slotBytes = 1 << 20   // of a piece at most, and of a slot
	leastSlot = 128 << 10 // so that a copy takes longer than its start
	laneSlots = 2         // one is filled, one is on the bus
	mostLanes = 8         // of a device
	laneBytes = 4 << 20   // that are worth waking one more goroutine
	align     = 64        // of an array in its piece
)

// transfer is a list of arrays on their way to the device, or from it.
type transfer struct {
	moves  []move
	size   int  // bytes from the first to the last, with gaps
	up     bool // to the device
	stream cudadrv.Stream

	// While lanes are at it.
	piece   int // bytes
	next    atomic.Int64
	helpers sync.WaitGroup
	mu      sync.Mutex
	err     error

	sum []float64 // of a download that is added, where there is no pinned memory
}

// move is one array.
type move struct {
	host []byte
	dev  uintptr
	at   int  // where it begins in the list
	add  bool // float64, to what is there
}

// put appends an array to the list.
func put[T any](t *transfer, host []T, dev uintptr, add bool) {
	if len(host) == 0 {
		return
	}
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&host[0])), len(host)*int(unsafe.Sizeof(host[0])))
	t.moves = append(t.moves, move{bytes, dev, t.size, add})
	t.size += (len(bytes) + align - 1) &^ (align - 1)
}

// forget drops the list, and with it the arrays.
func (t *transfer) forget() {
	clear(t.moves)
	t.moves, t.size, t.err = t.moves[:0], 0, nil
}

// parts calls f with the parts of the arrays that lie from one byte of the list to
// another, and where they begin in it.
func (t *transfer) parts(from, to int, f func(m *move, host []byte, dev uintptr, at int) error) error {
	low, high := 0, len(t.moves)
	for high-low > 1 {
		if mid := (low + high) / 2; t.moves[mid].at <= from {
			low = mid
		} else {
			high = mid
		}
	}
	for ; low < len(t.moves) && t.moves[low].at < to; low++ {
		m := &t.moves[low]
		a, b := max(from-m.at, 0), min(to-m.at, len(m.host))
		if a < b {
			if err := f(m, m.host[a:b], m.dev+uintptr(a), m.at+a); err != nil {
				return err
			}
		}
	}
	return nil
}

// send copies what lies from one byte of the list to another into pinned memory, and
// starts its way to the device.
func (t *transfer) send(pinned []byte, from, to int) error {
	return t.parts(from, to, func(_ *move, host []byte, dev uintptr, at int) error {
		part := pinned[at-from:][:len(host)]
		copy(part, host)
		return cudadrv.Upload(t.stream, dev, part)
	})
}

// fetch starts the way from the device to pinned memory, and take what is done with it
// once it is there.
func (t *transfer) fetch(pinned []byte, from, to int) error {
	return t.parts(from, to, func(_ *move, host []byte, dev uintptr, at int) error {
		return cudadrv.Download(t.stream, pinned[at-from:][:len(host)], dev)
	})
}

func (t *transfer) take(pinned []byte, from, to int) {
	t.parts(from, to, func(m *move, host []byte, _ uintptr, at int) error {
		part := pinned[at-from:][:len(host)]
		if m.add {
			addTo(host, part)
		} else {
			copy(host, part)
		}
		return nil
	})
}

func addTo(to, from []byte) {
	x, y := unsafe.Slice((*float64)(unsafe.Pointer(&to[0])), len(to)/8), unsafe.Slice((*float64)(unsafe.Pointer(&from[0])), len(from)/8)
	for i, v := range y {
		x[i] += v
	}
}

// direct leaves the copying to the driver.
func (t *transfer) direct() error {
	for i := range t.moves {
		m := &t.moves[i]
		var err error
		switch {
		case t.up:
			err = cudadrv.Upload(t.stream, m.dev, m.host)
		case !m.add:
			err = cudadrv.Download(t.stream, m.host, m.dev)
		default:
			t.sum = grow(t.sum, len(m.host)/8)
			if err = cudadrv.Download(t.stream, t.sum, m.dev); err == nil {
				err = t.stream.Wait()
			}
			if err == nil {
				addTo(m.host, unsafe.Slice((*byte)(unsafe.Pointer(&t.sum[0])), len(m.host)))
			}
		}
		if err != nil {
			return err
		}
	}
	if t.up {
		return nil
	}
	return t.stream.Wait()
}

// errUnpinned says that there are no lanes.
var errUnpinned = errors.New("no pinned memory")

// carry has lanes do all of it, at most so many, and returns when the host's arrays are
// of no more use to them.
func (t *transfer) carry(l *lanes, crew int) error {
	crew = max(1, min(crew, t.size/l.worth))
	t.piece = min(max(t.size/(2*crew*laneSlots), leastSlot), l.slot) &^ (align - 1)
	t.next.Store(0)
	first := l.take(true)
	if first == nil {
		return errUnpinned
	}
	for n := 1; n < crew; n++ {
		helper := l.take(false)
		if helper == nil {
			break
		}
		t.helpers.Add(1)
		helper.task = t
		go helper.help()
	}
	opened := first.carry(t)
	l.put(first)
	t.helpers.Wait()
	if t.err == nil && !opened && int(t.next.Load())*t.piece < t.size {
		return t.carry(l, crew) // the lanes that are left, if there are
	}
	return t.err
}

// fail notes what went wrong, and has everybody stop.
func (t *transfer) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
	t.next.Store(int64(t.size)) // pieces: that many there are not
}

// claim is the next piece that nobody has.
func (t *transfer) claim() (from, to int, ok bool) {
	from = int(t.next.Add(1)-1) * t.piece
	return from, min(from+t.piece, t.size), from < t.size
}

// lanes are the pinned memory of a device. A transfer has those that it finds idle, and
// waits for one if there is none; no lane ever waits for anything but copies, so that
// none is missing for long.
type lanes struct {
	mu    sync.Mutex
	back  sync.Cond
	idle  []*lane
	all   int // those that are in use, too
	slot  int // bytes of each slot
	worth int // bytes for each lane that takes part
}

// lane is pinned memory in slots.
type lane struct {
	gpu   *gpu
	mem   cudadrv.Pinned
	slots [laneSlots]slot
	task  *transfer
	help  func() // helps with the task: bound once, so that a call allocates nothing
}

type slot struct {
	mem    []byte
	passed cudadrv.Event // by what was last copied
	busy   bool          // until then
	from   int           // which bytes of a list it has
	to     int
}

func newLanes(g *gpu) *lanes {
	l := &lanes{all: mostLanes, slot: slotBytes, worth: laneBytes}
	l.back.L = &l.mu
	for range l.all {
		x := &lane{gpu: g}
		x.help = x.helping
		l.idle = append(l.idle, x)
	}
	return l
}

// take returns an idle lane; if there is none it waits for one, if that is wanted and
// there are any at all.
func (l *lanes) take(wait bool) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.idle) == 0 {
		if !wait || l.all == 0 {
			return nil
		}
		l.back.Wait()
	}
	x := l.idle[len(l.idle)-1]
	l.idle = l.idle[:len(l.idle)-1]
	return x
}

// put gives a lane back. One without memory is no more.
func (l *lanes) put(x *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x.mem.Size == 0 {
		l.all--
	} else {
		l.idle = append(l.idle, x)
	}
	l.back.Broadcast()
}

// close frees the memory once nobody uses it; from then on there are no lanes.
func (l *lanes) close() error {
	var errs []error
	for {
		x := l.take(true)
		if x == nil {
			return errors.Join(errs...)
		}
		errs = append(errs, x.close())
		l.put(x)
	}
}

// open allocates the memory, with the first task.
func (x *lane) open() error {
	if x.mem.Size > 0 {
		return nil
	}
	var err error
	bytes := x.gpu.lanes.slot
	if x.mem, err = x.gpu.AllocPinned(int64(laneSlots * bytes)); err != nil {
		return err
	}
	for k := range x.slots {
		s := &x.slots[k]
		if s.passed, err = x.gpu.NewEvent(false); err != nil {
			x.close()
			return err
		}
		s.mem = x.mem.Bytes()[k*bytes:][:bytes]
	}
	return nil
}

func (x *lane) close() error {
	var errs []error
	for k := range x.slots {
		if s := &x.slots[k]; s.mem != nil {
			errs = append(errs, s.passed.Destroy())
			*s = slot{}
		}
	}
	return errors.Join(append(errs, x.mem.Free())...)
}

// helping is a goroutine's part in the lane's task.
func (x *lane) helping() {
	t := x.task
	x.task = nil
	defer t.helpers.Done()
	defer x.gpu.lanes.put(x)
	if err := x.gpu.Enter(); err != nil {
		t.fail(err)
		return
	}
	defer x.gpu.Leave()
	x.carry(t)
}

// carry carries pieces until none is left, and is false if the lane cannot be opened.
func (x *lane) carry(t *transfer) bool {
	if x.open() != nil {
		return false
	}
	f := x.fetch
	if t.up {
		f = x.send
	}
	if err := f(t); err != nil {
		t.fail(err)
	}
	return true
}

func (x *lane) send(t *transfer) error {
	for k := 0; ; k = (k + 1) % laneSlots {
		from, to, ok := t.claim()
		if !ok {
			return nil
		}
		s := &x.slots[k]
		if err := s.wait(); err != nil {
			return err
		}
		err := t.send(s.mem, from, to)
		if e := s.mark(t.stream); err == nil {
			err = e
		}
		if err != nil {
			return err
		}
	}
}

// fetch has pieces in all slots under way, and takes what comes in that order.
func (x *lane) fetch(t *transfer) error {
	head, tail, left := 0, 0, true
	for {
		for left && head-tail < laneSlots {
			s := &x.slots[head%laneSlots]
			if s.from, s.to, left = t.claim(); !left {
				break
			}
			if err := s.wait(); err != nil {
				return err
			}
			err := t.fetch(s.mem, s.from, s.to)
			if e := s.mark(t.stream); err == nil {
				err = e
			}
			if err != nil {
				return err
			}
			head++
		}
		if head == tail {
			return nil
		}
		s := &x.slots[tail%laneSlots]
		if err := s.wait(); err != nil {
			return err
		}
		t.take(s.mem, s.from, s.to)
		tail++
	}
}

// mark notes that copies are under way; if that fails it waits for them.
func (s *slot) mark(stream cudadrv.Stream) error {
	s.busy = true
	if err := s.passed.Record(stream); err != nil {
		stream.Wait()
		s.busy = false
		return err
	}
	return nil
}

// wait waits for them.
func (s *slot) wait() error {
	if !s.busy {
		return nil
	}
	s.busy = false
	return s.passed.Wait()
}

// bag is pinned memory of a Solution for what is small.
type bag struct {
	mem  cudadrv.Pinned
	used int // by copies under way
	none bool
}

// room makes room for bytes, if a bag is for that many, and returns it.
func (b *bag) room(g *gpu, size int) []byte {
	if size > bagBytes || b.none {
		return nil
	}
	if b.used+size > int(b.mem.Size) {
		if b.used > 0 || b.mem.Free() != nil {
			return nil
		}
		bytes := 64 << 10
		for bytes < size {
			bytes *= 2
		}
		var err error
		if b.mem, err = g.AllocPinned(int64(bytes)); err != nil {
			b.none = true
			return nil
		}
	}
	room := b.mem.Bytes()[b.used:][:size]
	b.used += size
	return room
}

// send starts the uploads of what was put on the list; the arrays are of no more use then.
func (d *share) send() error {
	t := &d.uploads
	defer t.forget()
	if t.size == 0 {
		return nil
	}
	if !d.gpu.pageable {
		if room := d.bags[0].room(d.gpu, t.size); room != nil {
			return t.send(room, 0, t.size)
		}
		if err := t.carry(d.gpu.lanes, d.state.crew()); err != errUnpinned {
			return err
		}
	}
	return t.direct()
}

// receive waits for all that the stream has to do, and for the downloads of what was put
// on the list.
func (d *share) receive() error {
	t := &d.downloads
	defer t.forget()
	if !d.gpu.pageable {
		if room := d.bags[1].room(d.gpu, t.size); room != nil {
			if err := t.fetch(room, 0, t.size); err != nil {
				return err
			}
			if err := d.settle(); err != nil {
				return err
			}
			t.take(room, 0, t.size)
			return nil
		}
		if err := d.settle(); err != nil { // lanes are not to wait for kernels
			return err
		}
		if err := t.carry(d.gpu.lanes, d.state.crew()); err != errUnpinned {
			return err
		}
	}
	if err := t.direct(); err != nil {
		return err
	}
	return d.settle()
}

// settle waits for the stream; the bags are empty then.
func (d *share) settle() error {
	err := d.stream.Wait()
	d.bags[0].used, d.bags[1].used = 0, 0
	return err
}

// crew is how many goroutines copy for one device.
func (s *state) crew() int { return max(1, s.plan.opt.Workers/len(s.parts)) }
