package cudadrv

import (
	"fmt"
	"runtime"
	"unsafe"
)

// Properties of a device.
type Properties struct {
	Name            string
	Ordinal         int
	Memory          int64 // bytes
	Major, Minor    int   // compute capability
	Multiprocessors int
	SharedBlock     int // shared memory that a block may have, in bytes
	SharedProcessor int // and a multiprocessor
	ClockKHz        int
	DriverVersion   int // of CUDA, 12040 being 12.4
}

// Attributes, as the driver numbers them.
const (
	attrClockRate       = 13
	attrMultiprocessors = 16
	attrMajor           = 75
	attrMinor           = 76
	attrSharedProcessor = 81
	attrSharedBlock     = 97
)

// Properties describes a device, without making a context.
func (d *Driver) Properties(ordinal int) (Properties, error) {
	p := Properties{Ordinal: ordinal}
	dev, err := d.device(ordinal)
	if err != nil {
		return p, err
	}
	name := new([256]byte)
	if err := d.call(cuDeviceGetName, uintptr(unsafe.Pointer(name)), uintptr(len(name)), uintptr(dev)); err != nil {
		return p, err
	}
	for i, c := range name {
		if c == 0 {
			p.Name = string(name[:i])
			break
		}
	}
	total := new(uint64)
	if err := d.call(cuDeviceTotalMem, uintptr(unsafe.Pointer(total)), uintptr(dev)); err != nil {
		return p, err
	}
	p.Memory = int64(*total)
	for _, a := range []struct {
		to   *int
		attr int
	}{
		{&p.Major, attrMajor}, {&p.Minor, attrMinor}, {&p.Multiprocessors, attrMultiprocessors},
		{&p.SharedBlock, attrSharedBlock}, {&p.SharedProcessor, attrSharedProcessor},
		{&p.ClockKHz, attrClockRate},
	} {
		v := new(int32)
		if err := d.call(cuDeviceGetAttribute, uintptr(unsafe.Pointer(v)), uintptr(a.attr), uintptr(dev)); err != nil {
			return p, err
		}
		*a.to = int(*v)
	}
	p.DriverVersion, err = d.Version()
	return p, err
}

func (d *Driver) device(ordinal int) (int32, error) {
	n, err := d.Count()
	if err != nil {
		return 0, err
	}
	if ordinal < 0 || ordinal >= n {
		return 0, fmt.Errorf("%w: number %d, of %d that there are", ErrNoDevice, ordinal, n)
	}
	dev := new(int32)
	err = d.call(cuDeviceGet, uintptr(unsafe.Pointer(dev)), uintptr(ordinal))
	return *dev, err
}

// Device is an open device: its primary context, which it shares with whatever else
// in the process uses the device.
type Device struct {
	Properties
	drv *Driver
	dev int32
	ctx uintptr
}

// Clusters is that of the driver.
func (d *Device) Clusters() bool { return d.drv.Clusters() }

// OpenDevice retains the device's primary context.
func (d *Driver) OpenDevice(ordinal int) (*Device, error) {
	p, err := d.Properties(ordinal)
	if err != nil {
		return nil, err
	}
	dev, err := d.device(ordinal)
	if err != nil {
		return nil, err
	}
	ctx := new(uintptr)
	if err := d.call(cuDevicePrimaryCtxRetain, uintptr(unsafe.Pointer(ctx)), uintptr(dev)); err != nil {
		return nil, err
	}
	return &Device{Properties: p, drv: d, dev: dev, ctx: *ctx}, nil
}

// Close gives the context back; what was allocated in it is gone with the last one.
func (d *Device) Close() error { return d.drv.call(cuDevicePrimaryCtxRelease, uintptr(d.dev)) }

// Enter locks the goroutine to its thread and makes the device current there, until
// Leave. Every other method of Device, Module, Memory, Stream and Event wants that.
func (d *Device) Enter() error {
	runtime.LockOSThread()
	if err := d.drv.call5(cuCtxSetCurrent, d.ctx, 0, 0, 0, 0); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	return nil
}

// Leave undoes Enter.
func (d *Device) Leave() { runtime.UnlockOSThread() }

// Free is the memory that is free, in bytes.
func (d *Device) Free() (int64, error) {
	v := new([2]uint64)
	err := d.drv.call(cuMemGetInfo, uintptr(unsafe.Pointer(&v[0])), uintptr(unsafe.Pointer(&v[1])))
	return int64(v[0]), err
}
