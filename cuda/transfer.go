package cuda

import (
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
	laneBytes = 2 << 20   // that are worth waking one more goroutine; twice that to upload, which begins with a copy
	align     = 64        // of an array in its piece
)

// transfer is a list of arrays on their way to the device, or from it, in legs that have
// a stream each.
type transfer struct {
	moves []move
	legs  []leg
	size  int               // bytes from the first to the last, with gaps
	up    bool              // to the device
	sent  func(k int) error // called when all of leg k is under way, one after the other

	// While lanes are at it.
	piece   int // bytes
	pieces  int
	next    atomic.Int64
	helpers sync.WaitGroup
	mu      sync.Mutex
	gone    int // legs that are under way
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

// leg is a part of the list.
type leg struct {
	stream   cudadrv.Stream
	from, to int // bytes of the list
	first    int // its first piece
	left     int // pieces that are not under way
}

// piece is a part of a leg, in the same bytes.
type piece struct{ leg, from, to int }

// put appends an array to the list.
func put[T any](t *transfer, host []T, dev uintptr, add bool) {
	if len(host) == 0 {
		return
	}
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&host[0])), len(host)*int(unsafe.Sizeof(host[0])))
	t.moves = append(t.moves, move{bytes, dev, t.size, add})
	t.size += (len(bytes) + align - 1) &^ (align - 1)
}

// end ends a leg, of the arrays since the last one.
func (t *transfer) end(stream cudadrv.Stream) {
	from := 0
	if n := len(t.legs); n > 0 {
		from = t.legs[n-1].to
	}
	t.legs = append(t.legs, leg{stream: stream, from: from, to: t.size})
}

// forget drops the list, and with it the arrays.
func (t *transfer) forget() {
	clear(t.moves)
	t.moves, t.legs, t.size, t.gone, t.err = t.moves[:0], t.legs[:0], 0, 0, nil
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

// send copies a piece into pinned memory, and starts its way to the device.
func (t *transfer) send(pinned []byte, p piece) error {
	return t.parts(p.from, p.to, func(_ *move, host []byte, dev uintptr, at int) error {
		part := pinned[at-p.from:][:len(host)]
		copy(part, host)
		return cudadrv.Upload(t.legs[p.leg].stream, dev, part)
	})
}

// fetch starts a piece's way from the device to pinned memory, and take is what is done
// with it once it is there.
func (t *transfer) fetch(pinned []byte, p piece) error {
	return t.parts(p.from, p.to, func(_ *move, host []byte, dev uintptr, at int) error {
		return cudadrv.Download(t.legs[p.leg].stream, pinned[at-p.from:][:len(host)], dev)
	})
}

func (t *transfer) take(pinned []byte, p piece) {
	t.parts(p.from, p.to, func(m *move, host []byte, _ uintptr, at int) error {
		part := pinned[at-p.from:][:len(host)]
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

// direct leaves the copying of a leg to the driver.
func (t *transfer) direct(p piece) error {
	stream := t.legs[p.leg].stream
	return t.parts(p.from, p.to, func(m *move, host []byte, dev uintptr, _ int) error {
		if t.up {
			return cudadrv.Upload(stream, dev, host)
		}
		if !m.add {
			return cudadrv.Download(stream, host, dev)
		}
		t.sum = grow(t.sum, len(host)/8)
		if err := cudadrv.Download(stream, t.sum, dev); err != nil {
			return err
		}
		if err := stream.Wait(); err != nil {
			return err
		}
		addTo(host, unsafe.Slice((*byte)(unsafe.Pointer(&t.sum[0])), len(host)))
		return nil
	})
}

// each calls f with one leg after the other, as pieces.
func (t *transfer) each(f func(p piece) error) error {
	for k, l := range t.legs {
		if err := f(piece{k, l.from, l.to}); err != nil {
			return err
		}
		if t.sent != nil {
			if err := t.sent(k); err != nil {
				return err
			}
		}
	}
	return nil
}

// send starts the uploads of what is on the list; the arrays are of no more use then.
func (d *share) send() error {
	t := &d.uploads
	defer t.forget()
	if t.size > 0 && !d.gpu.pageable {
		if room := d.bags[0].room(d.gpu, t.size); room != nil {
			return t.each(func(p piece) error { return t.send(room[p.from:], p) })
		}
		if err := t.carry(d.gpu.lanes, d.state.crew()); err != errUnpinned {
			return err
		}
	}
	return t.each(t.direct)
}

// receive waits for all that the legs' streams have to do, and for the downloads of what
// is on the list.
func (d *share) receive() error {
	t := &d.downloads
	defer t.forget()
	wait := func(p piece) error { return t.legs[p.leg].stream.Wait() }
	if t.size > 0 && !d.gpu.pageable {
		if room := d.bags[1].room(d.gpu, t.size); room != nil {
			d.bags[1].used = 0
			if err := t.each(func(p piece) error { return t.fetch(room[p.from:], p) }); err != nil {
				return err
			}
			return t.each(func(p piece) error {
				err := wait(p)
				if err == nil {
					t.take(room[p.from:], p)
				}
				return err
			})
		}
		if err := wait(piece{}); err != nil { // so that lanes do not wait for the first kernels
			return err
		}
		if err := t.carry(d.gpu.lanes, d.state.crew()); err != errUnpinned {
			if err == nil {
				err = t.each(wait)
			}
			return err
		}
	}
	if err := t.each(t.direct); err != nil {
		return err
	}
	return t.each(wait)
}

// crew is how many goroutines copy for one device.
func (s *state) crew() int { return max(1, s.plan.opt.Workers/len(s.parts)) }

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
