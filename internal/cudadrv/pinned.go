package cudadrv

import (
	"fmt"
	"unsafe"
)

// Pinned is memory of the host that is locked to its place, so that devices copy from
// and to it by themselves. It is not Go's: no pointer of Go may lie in it.
type Pinned struct {
	drv  *Driver
	ptr  unsafe.Pointer
	Size int64 // bytes
}

const hostPortable = 1 // pinned for all contexts of the process

// AllocPinned allocates pinned memory, whose content is arbitrary.
func (d *Device) AllocPinned(size int64) (Pinned, error) {
	if size == 0 {
		return Pinned{drv: d.drv}, nil
	}
	p := new(unsafe.Pointer)
	if err := d.drv.call(cuMemHostAlloc, uintptr(unsafe.Pointer(p)), uintptr(size), hostPortable); err != nil {
		err.(*Error).Note = fmt.Sprintf("%d bytes of pinned host memory were asked for", size)
		return Pinned{}, err
	}
	return Pinned{d.drv, *p, size}, nil
}

// Bytes are the memory, until it is freed.
func (m *Pinned) Bytes() []byte { return unsafe.Slice((*byte)(m.ptr), m.Size) }

// Free gives the memory back; freeing none is no error.
func (m *Pinned) Free() error {
	if m.ptr == nil {
		return nil
	}
	p := m.ptr
	m.ptr, m.Size = nil, 0
	return m.drv.call(cuMemFreeHost, uintptr(p))
}
