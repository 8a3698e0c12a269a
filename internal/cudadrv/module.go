package cudadrv

import (
	"fmt"
	"unsafe"
)

// Module is code on a device.
type Module struct {
	drv *Driver
	mod uintptr
}

// Load loads PTX, which the driver compiles, or a cubin.
func (d *Device) Load(image []byte) (*Module, error) {
	data := append(append([]byte(nil), image...), 0) // PTX is a string of C
	mod := new(uintptr)
	err := d.drv.call(cuModuleLoadData, uintptr(unsafe.Pointer(mod)), uintptr(unsafe.Pointer(&data[0])))
	if err != nil {
		return nil, err
	}
	return &Module{d.drv, *mod}, nil
}

// Unload gives the code back.
func (m *Module) Unload() error { return m.drv.call(cuModuleUnload, m.mod) }

// Function is a kernel.
type Function struct {
	drv  *Driver
	fn   uintptr
	Name string
}

// Function finds a kernel by its name.
func (m *Module) Function(name string) (*Function, error) {
	c := append([]byte(name), 0)
	fn := new(uintptr)
	err := m.drv.call(cuModuleGetFunction, uintptr(unsafe.Pointer(fn)), m.mod, uintptr(unsafe.Pointer(&c[0])))
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", name, err)
	}
	return &Function{m.drv, *fn, name}, nil
}

// Attributes of a kernel, as the driver numbers them.
const (
	funcLocalBytes = 3
	funcRegisters  = 4
	funcMaxShared  = 8
	funcAnyCluster = 14 // more than eight blocks in a cluster
)

// AllowShared raises the limit of a block's shared memory, in bytes.
func (f *Function) AllowShared(bytes int) error {
	return f.drv.call(cuFuncSetAttribute, f.fn, funcMaxShared, uintptr(bytes))
}

// AllowClusters allows more than the eight blocks in a cluster that any device takes.
func (f *Function) AllowClusters() error {
	return f.drv.call(cuFuncSetAttribute, f.fn, funcAnyCluster, 1)
}

// Registers is the number of registers of a thread, and Local the bytes of local
// memory.
func (f *Function) Registers() (registers, local int, err error) {
	v := new(int32)
	if err := f.drv.call(cuFuncGetAttribute, uintptr(unsafe.Pointer(v)), funcRegisters, f.fn); err != nil {
		return 0, 0, err
	}
	registers = int(*v)
	if err := f.drv.call(cuFuncGetAttribute, uintptr(unsafe.Pointer(v)), funcLocalBytes, f.fn); err != nil {
		return 0, 0, err
	}
	return registers, int(*v), nil
}

// Blocks is how many blocks of so many threads, with so much shared memory, a
// multiprocessor holds.
func (f *Function) Blocks(threads, shared int) (int, error) {
	v := new(int32)
	err := f.drv.call(cuOccupancyMaxActiveBlocksPerMultiprocessor, uintptr(unsafe.Pointer(v)), f.fn, uintptr(threads), uintptr(shared))
	return int(*v), err
}

// Launch starts a kernel with one argument, a struct, on the stream. params is room
// for the pointer to it, on the heap as args is.
func (f *Function) Launch(s Stream, blocks, threads, shared int, args unsafe.Pointer, params *unsafe.Pointer) error {
	*params = args
	err := f.drv.call11(cuLaunchKernel, f.fn, uintptr(blocks), 1, 1, uintptr(threads), 1, 1, uintptr(shared), s.s, uintptr(unsafe.Pointer(params)), 0)
	if err != nil {
		err.(*Error).Note = fmt.Sprintf("kernel %s, %d blocks of %d threads, %d bytes of shared memory", f.Name, blocks, threads, shared)
	}
	return err
}

// LaunchGroups starts blocks in groups, of which the blocks may wait for each other:
// all run at the same time, or the launch fails. Within a group they are numbered by
// the second dimension.
func (f *Function) LaunchGroups(s Stream, groups, blocks, threads, shared int, args unsafe.Pointer, params *unsafe.Pointer) error {
	*params = args
	err := f.drv.call11(cuLaunchCooperativeKernel, f.fn, uintptr(groups), uintptr(blocks), 1, uintptr(threads), 1, 1, uintptr(shared), s.s, uintptr(unsafe.Pointer(params)), 0)
	if err != nil {
		err.(*Error).Note = fmt.Sprintf("kernel %s, %d groups of %d blocks of %d threads, %d bytes of shared memory", f.Name, groups, blocks, threads, shared)
	}
	return err
}

// LaunchConfig is struct CUlaunchConfig, with its one attribute beside it.
type launchConfig struct {
	grid, block [3]uint32
	shared      uint32
	stream      uintptr
	attributes  uintptr
	count       uint32
}

// launchAttribute is struct CUlaunchAttribute, whose value is a union of 64 bytes.
type launchAttribute struct {
	id    uint32
	_     uint32
	value [16]uint32
}

const launchClusterDimension = 4

// Clusters are launches of groups of blocks that the hardware schedules as wholes and
// whose barrier it has: compute capability 9.0 and newer. The zero value is ready.
type Clusters struct {
	config    launchConfig
	attribute launchAttribute
}

func (c *Clusters) set(s Stream, groups, blocks, threads, shared int) {
	c.config = launchConfig{
		grid: [3]uint32{uint32(groups), uint32(blocks), 1}, block: [3]uint32{uint32(threads), 1, 1},
		shared: uint32(shared), stream: s.s, attributes: uintptr(unsafe.Pointer(&c.attribute)), count: 1,
	}
	c.attribute = launchAttribute{id: launchClusterDimension, value: [16]uint32{1, uint32(blocks), 1}}
}

// Launch starts groups of blocks, of which each is a cluster. Unlike those of
// LaunchGroups, different groups need not run at the same time. c is on the heap.
func (c *Clusters) Launch(f *Function, s Stream, groups, blocks, threads, shared int, args unsafe.Pointer, params *unsafe.Pointer) error {
	*params = args
	c.set(s, groups, blocks, threads, shared)
	err := f.drv.call5(cuLaunchKernelEx, uintptr(unsafe.Pointer(&c.config)), f.fn, uintptr(unsafe.Pointer(params)), 0, 0)
	if err != nil {
		err.(*Error).Note = fmt.Sprintf("kernel %s, %d clusters of %d blocks of %d threads, %d bytes of shared memory", f.Name, groups, blocks, threads, shared)
	}
	return err
}

// Active is how many clusters of so many blocks the device runs at once.
func (c *Clusters) Active(f *Function, blocks, threads, shared int) (int, error) {
	v := new(int32)
	c.set(Stream{}, 1, blocks, threads, shared)
	err := f.drv.call5(cuOccupancyMaxActiveClusters, uintptr(unsafe.Pointer(v)), f.fn, uintptr(unsafe.Pointer(&c.config)), 0, 0)
	return int(*v), err
}

// Stream is a queue of work; the zero value is the default one.
type Stream struct {
	drv *Driver
	s   uintptr
}

const streamNonBlocking = 1

// NewStream makes a stream that does not wait for the default one.
func (d *Device) NewStream() (Stream, error) {
	s := new(uintptr)
	err := d.drv.call(cuStreamCreate, uintptr(unsafe.Pointer(s)), streamNonBlocking)
	return Stream{d.drv, *s}, err
}

// Wait returns when all that was queued is done, with the error of what failed.
func (s Stream) Wait() error { return s.drv.call5(cuStreamSynchronize, s.s, 0, 0, 0, 0) }

// After has what is queued from now on wait for a mark, as it was set last.
func (s Stream) After(e Event) error { return s.drv.call5(cuStreamWaitEvent, s.s, e.e, 0, 0, 0) }

// Destroy gives the stream back; there is no error if it was not made.
func (s Stream) Destroy() error {
	if s.s == 0 {
		return nil
	}
	return s.drv.call(cuStreamDestroy, s.s)
}

// Event is a mark in a stream.
type Event struct {
	drv *Driver
	e   uintptr
}

const eventUntimed = 2

// NewEvent makes an event; one that is not timed costs less.
func (d *Device) NewEvent(timed bool) (Event, error) {
	flags := uintptr(eventUntimed)
	if timed {
		flags = 0
	}
	e := new(uintptr)
	err := d.drv.call(cuEventCreate, uintptr(unsafe.Pointer(e)), flags)
	return Event{d.drv, *e}, err
}

// Record sets the mark.
func (e Event) Record(s Stream) error { return e.drv.call5(cuEventRecord, e.e, s.s, 0, 0, 0) }

// Wait returns when the mark is reached.
func (e Event) Wait() error { return e.drv.call5(cuEventSynchronize, e.e, 0, 0, 0, 0) }

// Since is the time from one mark to another, in milliseconds.
func (e Event) Since(from Event) (float64, error) {
	v := new(float32)
	err := e.drv.call(cuEventElapsedTime, uintptr(unsafe.Pointer(v)), from.e, e.e)
	return float64(*v), err
}

// Destroy gives the event back; there is no error if it was not made.
func (e Event) Destroy() error {
	if e.e == 0 {
		return nil
	}
	return e.drv.call(cuEventDestroy, e.e)
}
