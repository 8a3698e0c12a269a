package hostcall

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// An executable is a program cut into levels. Values that cross from one to the next
// have slots, in the order of which the parameters come first.
type executable struct {
	backend *Backend
	name    string
	devices []compute.DeviceNum

	names           []string
	inputs, outputs []shapes.Shape

	levels  []*levelPlan
	slots   int
	results []int // the slots that are returned
	unused  []int // parameters that nobody reads
	ops     []func() Op

	mu   sync.Mutex
	idle []*execution
	done bool
}

type levelPlan struct {
	stage *stage // or nil
	hosts []*hostPlan
	free  []int // slots that are not read again
}

type hostPlan struct {
	name     string
	op       int // which Op
	backward bool
	keep     bool // of Forward
	in, out  []operand
}

type operand struct {
	slot   int    // -1: none
	tensor Tensor // without Flat
}

// An execution is what one Execute works with. It is used again.
type execution struct {
	ops   []Op
	slots []compute.Buffer
	owned []bool // of the slots: nobody else has the buffer
	hosts map[*hostPlan]*operands
}

// operands are a host call's arguments, with memory of the host's where the backend
// has none that the host can address.
type operands struct {
	in, out           []Tensor
	inCopy, outMemory []any
}

func (x *executable) Inputs() ([]string, []shapes.Shape) { return x.names, x.inputs }
func (x *executable) Outputs() []shapes.Shape            { return x.outputs }

// Finalize frees the stages, and closes the operations that can be closed.
func (x *executable) Finalize() {
	for _, l := range x.levels {
		if l.stage != nil {
			l.stage.exec.Finalize()
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.done = true
	for _, e := range x.idle {
		e.close()
	}
	x.idle = nil
}

func (e *execution) close() {
	for _, o := range e.ops {
		if c, ok := o.(io.Closer); ok {
			_ = c.Close() // nobody is left to tell
		}
	}
}

// begin returns an execution that nobody uses.
func (x *executable) begin() *execution {
	x.mu.Lock()
	defer x.mu.Unlock()
	if n := len(x.idle); n > 0 {
		e := x.idle[n-1]
		x.idle = x.idle[:n-1]
		return e
	}
	e := &execution{
		ops:   make([]Op, len(x.ops)),
		slots: make([]compute.Buffer, x.slots),
		owned: make([]bool, x.slots),
		hosts: make(map[*hostPlan]*operands),
	}
	for i, f := range x.ops {
		e.ops[i] = f()
	}
	return e
}

func (x *executable) end(e *execution) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.done {
		e.close()
		return
	}
	x.idle = append(x.idle, e)
}

// Execute runs the program: level by level the stage, then the host calls.
func (x *executable) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	if err := x.check(inputs, donate); err != nil {
		return nil, err
	}
	if len(x.devices) > 0 {
		device = x.devices[0]
	}
	e := x.begin()
	for i, in := range inputs {
		e.slots[i] = inner(in)
		e.owned[i] = donate != nil && donate[i]
		if e.owned[i] {
			release(in)
		}
	}
	// A panic of a host call passes through, and loses no buffers either.
	defer func() {
		for s := range e.slots {
			_ = e.drop(s) // empty, but after an error
		}
		x.end(e)
	}()
	if err := e.free(x.unused); err != nil {
		return nil, err
	}
	for i, l := range x.levels {
		if l.stage != nil {
			if err := e.run(l.stage, device); err != nil {
				return nil, fmt.Errorf("hostcall: stage %d of %q: %w", i, x.name, err)
			}
		}
		for _, h := range l.hosts {
			if err := e.call(x.backend.Backend, h, device); err != nil {
				return nil, fmt.Errorf("hostcall: %s: %w", h.name, err)
			}
		}
		if err := e.free(l.free); err != nil {
			return nil, err
		}
	}
	out := make([]compute.Buffer, len(x.results))
	for i, s := range x.results {
		out[i] = e.slots[s]
		e.slots[s] = nil
	}
	return x.backend.wrapAll(out), nil
}

// check compares the inputs with the parameters.
func (x *executable) check(inputs []compute.Buffer, donate []bool) error {
	if len(inputs) != len(x.inputs) {
		return fmt.Errorf("hostcall: %q takes %d inputs, got %d", x.name, len(x.inputs), len(inputs))
	}
	if donate != nil && len(donate) != len(inputs) {
		return fmt.Errorf("hostcall: %q: %d inputs with %d donations", x.name, len(inputs), len(donate))
	}
	for i, in := range inputs {
		b := inner(in)
		if b == nil {
			return fmt.Errorf("hostcall: %q: input %q was finalized or donated", x.name, x.names[i])
		}
		got, err := b.Shape()
		if err != nil {
			return err
		}
		if want := x.inputs[i]; !fits(got, want) {
			return fmt.Errorf("hostcall: %q: input %q is %s, want %s", x.name, x.names[i], got, want)
		}
	}
	return nil
}

// fits reports whether a shape is the one wanted, whose dynamic axes take any length.
func fits(got, want shapes.Shape) bool {
	if !want.IsDynamic() {
		return got.Equal(want)
	}
	if got.DType != want.DType || got.Rank() != want.Rank() {
		return false
	}
	for i, d := range want.Dimensions {
		if d != shapes.DynamicDim && d != got.Dimensions[i] {
			return false
		}
	}
	return true
}

// run runs a stage.
func (e *execution) run(s *stage, device compute.DeviceNum) error {
	in := make([]compute.Buffer, len(s.ins))
	give := make([]bool, len(s.ins))
	for i, slot := range s.ins {
		in[i] = e.slots[slot]
		give[i] = s.consume[i] && e.owned[slot]
	}
	out, err := s.exec.Execute(in, give, device)
	for i, slot := range s.ins {
		if s.consume[i] {
			e.slots[slot] = nil // the caller's, or gone
		}
	}
	if err != nil {
		return err
	}
	for i, slot := range s.outs {
		e.slots[slot], e.owned[slot] = out[i], true
	}
	return nil
}

// free drops what is not needed any more.
func (e *execution) free(slots []int) error {
	for _, s := range slots {
		if err := e.drop(s); err != nil {
			return fmt.Errorf("hostcall: freeing a buffer: %w", err)
		}
	}
	return nil
}

// drop empties a slot, and finalizes the buffer in it unless it is the caller's.
func (e *execution) drop(s int) error {
	b, owned := e.slots[s], e.owned[s]
	e.slots[s], e.owned[s] = nil, false
	if b == nil || !owned {
		return nil
	}
	return b.Finalize()
}

// call makes a host call.
func (e *execution) call(b compute.Backend, h *hostPlan, device compute.DeviceNum) (err error) {
	a := e.hosts[h]
	if a == nil {
		a = newOperands(h)
		e.hosts[h] = a
	}
	defer a.forget()
	shared := b.HasSharedBuffers()
	if !shared {
		err = transfer(h.in, func(i, slot int) error {
			t := h.in[i].tensor
			if a.in[i].Flat = a.inCopy[i]; t.Constant && a.inCopy[i] != nil {
				return nil // it is there already
			}
			m := memory(a.inCopy[i], t.Shape)
			err := e.slots[slot].ToFlatData(m)
			if err == nil {
				a.in[i].Flat, a.inCopy[i] = m, m
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	for i, o := range h.in {
		if o.slot >= 0 && shared {
			if a.in[i].Flat, err = e.slots[o.slot].Data(); err != nil {
				return err
			}
		}
	}
	for i, o := range h.out {
		switch {
		case o.slot < 0:
		case shared:
			e.slots[o.slot], a.out[i].Flat, err = b.NewSharedBuffer(device, o.tensor.Shape)
			if err != nil {
				return err
			}
			e.owned[o.slot] = true
		default:
			a.outMemory[i] = memory(a.outMemory[i], o.tensor.Shape)
			a.out[i].Flat = a.outMemory[i]
		}
	}
	if op := e.ops[h.op]; h.backward {
		err = op.(Differentiable).Backward(a.out, a.in)
	} else {
		err = op.Forward(a.out, a.in, h.keep)
	}
	if err != nil || shared {
		return err
	}
	return transfer(h.out, func(i, slot int) (err error) {
		e.slots[slot], err = b.BufferFromFlatData(device, a.outMemory[i], h.out[i].tensor.Shape)
		e.owned[slot] = err == nil
		return err
	})
}

// transfer copies operands between host and device, all at once: a copy waits for the
// device, and a dozen small ones after each other take longer than what they carry.
// The first error of an operand is returned after all have ended.
func transfer(os []operand, one func(i, slot int) error) error {
	errs := make([]error, len(os))
	var wg sync.WaitGroup
	for i, o := range os {
		if o.slot >= 0 {
			wg.Go(func() { errs[i] = one(i, o.slot) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

func newOperands(h *hostPlan) *operands {
	a := &operands{
		in: make([]Tensor, len(h.in)), out: make([]Tensor, len(h.out)),
		inCopy: make([]any, len(h.in)), outMemory: make([]any, len(h.out)),
	}
	for i, o := range h.in {
		a.in[i] = o.tensor
	}
	for i, o := range h.out {
		a.out[i] = o.tensor
	}
	return a
}

// forget drops what is valid during a call only.
func (a *operands) forget() {
	for i := range a.in {
		a.in[i].Flat = nil
	}
	for i := range a.out {
		a.out[i].Flat = nil
	}
}

// memory returns m, or a slice for a tensor of a shape if it is nil.
func memory(m any, s shapes.Shape) any {
	if m == nil {
		n := s.Size()
		m = reflect.MakeSlice(reflect.SliceOf(s.DType.GoType()), n, n).Interface()
	}
	return m
}
