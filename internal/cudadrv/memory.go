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
	return s.drv.call5(cuMemcpyHtoDAsync, to, uintptr(unsafe.Pointer(&from[0])), bytes(from), s.s, 0)
}

// Download copies from the device likewise.
func Download[T any](s Stream, to []T, from uintptr) error {
	if len(to) == 0 {
		return nil
	}
	return s.drv.call5(cuMemcpyDtoHAsync, uintptr(unsafe.Pointer(&to[0])), from, bytes(to), s.s, 0)
}

// Copy copies bytes from one place of the device to another.
func Copy(s Stream, to, from uintptr, size int64) error {
	if size == 0 {
		return nil
	}
	return s.drv.call5(cuMemcpyDtoDAsync, to, from, uintptr(size), s.s, 0)
}

func bytes[T any](x []T) uintptr { return uintptr(len(x)) * unsafe.Sizeof(x[0]) }

// Clear makes bytes zero.
func Clear(s Stream, at uintptr, size int64) error { return Fill(s, at, 0, size) }

// Fill sets bytes.
func Fill(s Stream, at uintptr, value byte, size int64) error {
	if size == 0 {
		return nil
	}
	return s.drv.call5(cuMemsetD8Async, at, uintptr(value), uintptr(size), s.s, 0)
}
