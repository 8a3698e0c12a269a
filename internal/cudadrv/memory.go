package cudadrv

import (
	"fmt"
	"unsafe"
)

// Memory is memory of a device.
type Memory struct {
	drv  *Driver
	Ptr  uintptr
	Size int64 // bytes
}

// Alloc allocates memory, whose content is arbitrary.
func (d *Device) Alloc(size int64) (Memory, error) {
	if size == 0 {
		return Memory{drv: d.drv}, nil
	}
	p := new(uintptr)
	if err := d.drv.call(cuMemAlloc, uintptr(unsafe.Pointer(p)), uintptr(size)); err != nil {
		note := fmt.Sprintf("%d bytes were asked for", size)
		if free, e := d.Free(); e == nil {
			note += fmt.Sprintf(", %d of %d are free on device %d: a smaller batch, or fewer outputs, need less", free, d.Memory, d.Ordinal)
		}
		err.(*Error).Note = note
		return Memory{}, err
	}
	return Memory{d.drv, *p, size}, nil
}

// Free gives the memory back; freeing none is no error.
func (m *Memory) Free() error {
	if m.Ptr == 0 {
		return nil
	}
	p := m.Ptr
	m.Ptr, m.Size = 0, 0
	return m.drv.call(cuMemFree, p)
}

// Upload copies to the device, in the stream: what is copied from must not change
// until the stream has come so far.
func Upload[T any](s Stream, to uintptr, from []T) error {
	if len(from) == 0 {
		return nil
	}
	return s.drv.call(cuMemcpyHtoDAsync, to, uintptr(unsafe.Pointer(&from[0])), bytes(from), s.s)
}

// Download copies from the device likewise.
func Download[T any](s Stream, to []T, from uintptr) error {
	if len(to) == 0 {
		return nil
	}
	return s.drv.call(cuMemcpyDtoHAsync, uintptr(unsafe.Pointer(&to[0])), from, bytes(to), s.s)
}

func bytes[T any](x []T) uintptr { return uintptr(len(x)) * unsafe.Sizeof(x[0]) }

// Clear makes bytes zero.
func Clear(s Stream, at uintptr, size int64) error { return Fill(s, at, 0, size) }

// Fill sets bytes.
func Fill(s Stream, at uintptr, value byte, size int64) error {
	if size == 0 {
		return nil
	}
	return s.drv.call(cuMemsetD8Async, at, uintptr(value), uintptr(size), s.s)
}

// Pinned is memory of the host that the device reads and writes too.
type Pinned struct {
	drv    *Driver
	host   uintptr
	Device uintptr // its address there
	Size   int
}

const hostAllocMapped = 2 | 1 // device map, portable

// Pin allocates such memory; it is zero.
func (d *Device) Pin(size int) (Pinned, error) {
	p := new([2]uintptr)
	if err := d.drv.call(cuMemHostAlloc, uintptr(unsafe.Pointer(&p[0])), uintptr(size), hostAllocMapped); err != nil {
		return Pinned{}, err
	}
	if err := d.drv.call(cuMemHostGetDevicePointer, uintptr(unsafe.Pointer(&p[1])), p[0], 0); err != nil {
		d.drv.call(cuMemFreeHost, p[0])
		return Pinned{}, err
	}
	m := Pinned{d.drv, p[0], p[1], size}
	clear(unsafe.Slice((*byte)(m.Pointer()), size))
	return m, nil
}

// Pointer is the memory.
func (p *Pinned) Pointer() unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p.host)) }

// Free gives it back; freeing none is no error.
func (p *Pinned) Free() error {
	if p.host == 0 {
		return nil
	}
	h := p.host
	p.host = 0
	return p.drv.call(cuMemFreeHost, h)
}
