package cuda

import (
	"errors"
	"sync"

	"github.com/optnet-go/optnet/internal/cudadrv"
)

// errUnpinned says that there are no lanes.
var errUnpinned = errors.New("no pinned memory")

// carry has lanes do all of it, at most so many, and returns when the host's arrays are
// of no more use to them.
func (t *transfer) carry(l *lanes, crew int) error {
	first := l.take(true)
	if first == nil {
		return errUnpinned
	}
	worth := l.worth
	if t.up {
		worth *= 2
	}
	crew = max(1, min(crew, t.size/worth))
	t.piece = min(max(t.size/(2*crew*laneSlots), leastSlot), l.slot) &^ (align - 1)
	t.pieces = 0
	for k := range t.legs {
		l := &t.legs[k]
		l.first, l.left = t.pieces, (l.to-l.from+t.piece-1)/t.piece
		t.pieces += l.left
	}
	t.next.Store(0)
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
	if t.err == nil && !opened && int(t.next.Load()) < t.pieces {
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
	t.next.Store(int64(t.pieces))
}

// claim is the next piece that nobody has.
func (t *transfer) claim() (p piece, ok bool) {
	i := int(t.next.Add(1)) - 1
	if i >= t.pieces {
		return p, false
	}
	k := len(t.legs) - 1
	for t.legs[k].first > i {
		k--
	}
	l := &t.legs[k]
	from := l.from + (i-l.first)*t.piece
	return piece{k, from, min(from+t.piece, l.to)}, true
}

// away notes that a piece of leg k is under way, and tells of the legs that are.
func (t *transfer) away(k int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.legs[k].left--
	for ; t.err == nil && t.gone < len(t.legs) && t.legs[t.gone].left == 0; t.gone++ {
		if t.sent != nil {
			t.err = t.sent(t.gone)
		}
	}
	return t.err
}

// lanes are the pinned memory of a device. A transfer has those that it finds idle, and
// waits for one if there is none. A lane waits for copies, and for kernels that have
// been launched, and so none is missing forever.
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
	piece  piece         // that it has
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
		s := &x.slots[k]
		errs = append(errs, s.wait(), s.passed.Destroy())
		*s = slot{}
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
		p, ok := t.claim()
		if !ok {
			return nil
		}
		s := &x.slots[k]
		if err := s.wait(); err != nil {
			return err
		}
		err := t.send(s.mem, p)
		if e := s.mark(t.legs[p.leg].stream); err == nil {
			err = e
		}
		if err == nil {
			err = t.away(p.leg)
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
			if s.piece, left = t.claim(); !left {
				break
			}
			if err := s.wait(); err != nil {
				return err
			}
			err := t.fetch(s.mem, s.piece)
			if e := s.mark(t.legs[s.piece.leg].stream); err == nil {
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
		t.take(s.mem, s.piece)
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
