// Package hostcall lets Go functions, each with a gradient of its own, stand
// anywhere in a GoMLX graph.
//
// GoMLX compiles a graph into one program of its backend, which knows nothing of
// Go. [Wrap] puts a backend in front of another one that records a graph as it is
// built and, when it is compiled, cuts it at the host calls into stages: the
// backend behind runs a stage, the Go functions run on what it left, the next
// stage runs, and so on. A graph without host calls goes straight through.
//
//	backend := hostcall.Wrap(inner)
//	y := hostcall.Call(newOp, []shapes.Shape{x.Shape()}, x)[0] // while the graph is built
//
// Trainers, optimizers, metrics, checkpoints and random numbers are GoMLX's own:
// one step of training stays one execution of one graph, whose intermediate values
// cross from stage to stage as buffers of the backend behind.
//
// Limits. A host call stands in the main function: not in the body of a While, an If
// or a function. Its operands have static shapes. A program for several devices (SPMD,
// AutoSharding) cannot hold one.
package hostcall

//go:generate go run _gen/main.go

import (
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// Backend is a compute.Backend that allows host calls. It is safe for concurrent use
// as far as the backend behind it is.
type Backend struct {
	compute.Backend // the one behind

	replay  bool // cut and replay graphs without host calls too: for tests
	pending pending
	calls   atomic.Int64
}

// goBackend is the name of GoMLX's backend in Go.
const goBackend = "go"

// sequential is the option of GoMLX's backend in Go that makes it run one operation
// after the other. Each operation uses all processors all the same. Without it,
// batched products that run side by side can wait for each other for ever where
// there are few processors (compute v0.1.2: "all goroutines are asleep").
const sequential = "ops_sequential"

// New makes a backend from a configuration of GoMLX, such as "go", and wraps it. The
// backend has to be linked into the program:
//
//	import _ "github.com/gomlx/compute/gobackend"
//
// GoMLX's backend in Go gets the option ops_sequential, see [Wrap].
func New(config string) (*Backend, error) {
	name, options, _ := strings.Cut(config, ":")
	if name == goBackend && !strings.Contains(options, sequential) {
		config = name + ":" + strings.Trim(options+","+sequential, ",")
	}
	b, err := open(config)
	if err != nil {
		return nil, fmt.Errorf("hostcall: opening backend %q: %w", config, err)
	}
	return Wrap(b), nil
}

// open makes the panic of a backend that is not linked in (compute v0.1.2) an error.
func open(config string) (b compute.Backend, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(error)
			if !ok {
				e = fmt.Errorf("%v", r)
			}
			b, err = nil, e
		}
	}()
	return compute.NewWithConfig(config)
}

// Wrap returns a backend that allows host calls and has b do everything else. If b
// is GoMLX's backend in Go it is made to run its operations one after the other, as
// its option ops_sequential does: otherwise it can stop for ever. Wrapping a wrapped
// backend returns it.
func Wrap(b compute.Backend) *Backend {
	if w, ok := b.(*Backend); ok {
		return w
	}
	if b.String() == goBackend {
		forceSequential(b)
	}
	return &Backend{Backend: b}
}

// forceSequential sets the field that the option sets; the type is internal to
// GoMLX, but the field is exported. A test holds the two together.
func forceSequential(b compute.Backend) {
	v := reflect.ValueOf(b)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return
	}
	f := v.Elem().FieldByName("OpsExecutionType")
	if f.IsValid() && f.CanSet() && f.CanInt() {
		f.SetInt(opsExecutionSequential)
	}
}

// opsExecutionSequential is the value of OpsExecutionType that ops_sequential sets.
const opsExecutionSequential = 2

// Name returns the name of the backend behind, marked.
func (b *Backend) Name() string { return "hostcall(" + b.Backend.Name() + ")" }

// String returns the configuration name of the backend behind, marked.
func (b *Backend) String() string { return "hostcall(" + b.Backend.String() + ")" }

// Description describes the backend behind.
func (b *Backend) Description() string { return b.Backend.Description() + ", with host calls" }

// Builder starts a program.
func (b *Backend) Builder(name string) compute.Builder { return newBuilder(b, name) }

// BufferFromFlatData copies an array to a device.
func (b *Backend) BufferFromFlatData(d compute.DeviceNum, flat any, s shapes.Shape) (compute.Buffer, error) {
	x, err := b.Backend.BufferFromFlatData(d, flat, s)
	if err != nil {
		return nil, err
	}
	return &buffer{x, b}, nil
}

// NewSharedBuffer makes a buffer that both sides can address.
func (b *Backend) NewSharedBuffer(d compute.DeviceNum, s shapes.Shape) (compute.Buffer, any, error) {
	x, flat, err := b.Backend.NewSharedBuffer(d, s)
	if err != nil {
		return nil, nil, err
	}
	return &buffer{x, b}, flat, nil
}

// buffer is a buffer of the backend behind that names the wrapper as its backend.
// After a donation it is empty.
type buffer struct {
	compute.Buffer
	backend *Backend
}

func (b *buffer) Backend() compute.Backend { return b.backend }

func (b *buffer) Finalize() error {
	if b.Buffer == nil {
		return nil
	}
	err := b.Buffer.Finalize()
	b.Buffer = nil
	return err
}

func (b *buffer) CopyToDevice(d compute.DeviceNum) (compute.Buffer, error) {
	x, err := b.Buffer.CopyToDevice(d)
	if err != nil {
		return nil, err
	}
	return &buffer{x, b.backend}, nil
}

// inner returns the buffer of the backend behind.
func inner(b compute.Buffer) compute.Buffer {
	if w, ok := b.(*buffer); ok {
		return w.Buffer
	}
	return b
}

// wrapAll wraps buffers of the backend behind, in place.
func (b *Backend) wrapAll(bs []compute.Buffer) []compute.Buffer {
	for i, x := range bs {
		bs[i] = &buffer{x, b}
	}
	return bs
}
