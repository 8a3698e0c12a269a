// Package cudadrv calls the NVIDIA driver: the few functions that package cuda
// needs, found at run time. There is no cgo, and nothing of the CUDA toolkit.
//
// A context belongs to an operating-system thread. Whoever calls a Device locks
// its goroutine to a thread and makes the device current first: see Device.Enter.
package cudadrv

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Driver is the driver's library.
type Driver struct {
	path string
	fn   [numCalls]uintptr
}

// call names a function of the driver.
type call uint8

const (
	cuInit call = iota
	cuDriverGetVersion
	cuDeviceGetCount
	cuDeviceGet
	cuDeviceGetName
	cuDeviceGetAttribute
	cuDeviceTotalMem
	cuDevicePrimaryCtxRetain
	cuDevicePrimaryCtxRelease
	cuCtxSetCurrent
	cuMemGetInfo
	cuModuleLoadData
	cuModuleUnload
	cuModuleGetFunction
	cuFuncSetAttribute
	cuFuncGetAttribute
	cuOccupancyMaxActiveBlocksPerMultiprocessor
	cuMemAlloc
	cuMemFree
	cuMemHostAlloc
	cuMemFreeHost
	cuMemcpyHtoDAsync
	cuMemcpyDtoHAsync
	cuMemcpyDtoDAsync
	cuMemsetD8Async
	cuStreamCreate
	cuStreamDestroy
	cuStreamSynchronize
	cuStreamWaitEvent
	cuEventCreate
	cuEventDestroy
	cuEventRecord
	cuEventSynchronize
	cuEventElapsedTime
	cuLaunchKernel
	cuLaunchCooperativeKernel
	cuLaunchKernelEx
	cuOccupancyMaxActiveClusters
	cuGetErrorName
	cuGetErrorString
	numCalls
)

// symbols are the names in the library: those with a version are what the
// header's macros stand for.
var symbols = [numCalls]string{
	cuInit:                    "cuInit",
	cuDriverGetVersion:        "cuDriverGetVersion",
	cuDeviceGetCount:          "cuDeviceGetCount",
	cuDeviceGet:               "cuDeviceGet",
	cuDeviceGetName:           "cuDeviceGetName",
	cuDeviceGetAttribute:      "cuDeviceGetAttribute",
	cuDeviceTotalMem:          "cuDeviceTotalMem_v2",
	cuDevicePrimaryCtxRetain:  "cuDevicePrimaryCtxRetain",
	cuDevicePrimaryCtxRelease: "cuDevicePrimaryCtxRelease_v2",
	cuCtxSetCurrent:           "cuCtxSetCurrent",
	cuMemGetInfo:              "cuMemGetInfo_v2",
	cuModuleLoadData:          "cuModuleLoadData",
	cuModuleUnload:            "cuModuleUnload",
	cuModuleGetFunction:       "cuModuleGetFunction",
	cuFuncSetAttribute:        "cuFuncSetAttribute",
	cuFuncGetAttribute:        "cuFuncGetAttribute",
	cuOccupancyMaxActiveBlocksPerMultiprocessor: "cuOccupancyMaxActiveBlocksPerMultiprocessor",
	cuMemAlloc:                   "cuMemAlloc_v2",
	cuMemFree:                    "cuMemFree_v2",
	cuMemHostAlloc:               "cuMemHostAlloc",
	cuMemFreeHost:                "cuMemFreeHost",
	cuMemcpyHtoDAsync:            "cuMemcpyHtoDAsync_v2",
	cuMemcpyDtoHAsync:            "cuMemcpyDtoHAsync_v2",
	cuMemcpyDtoDAsync:            "cuMemcpyDtoDAsync_v2",
	cuMemsetD8Async:              "cuMemsetD8Async",
	cuStreamCreate:               "cuStreamCreate",
	cuStreamDestroy:              "cuStreamDestroy_v2",
	cuStreamSynchronize:          "cuStreamSynchronize",
	cuStreamWaitEvent:            "cuStreamWaitEvent",
	cuEventCreate:                "cuEventCreate",
	cuEventDestroy:               "cuEventDestroy_v2",
	cuEventRecord:                "cuEventRecord",
	cuEventSynchronize:           "cuEventSynchronize",
	cuEventElapsedTime:           "cuEventElapsedTime",
	cuLaunchKernel:               "cuLaunchKernel",
	cuLaunchCooperativeKernel:    "cuLaunchCooperativeKernel",
	cuLaunchKernelEx:             "cuLaunchKernelEx",
	cuOccupancyMaxActiveClusters: "cuOccupancyMaxActiveClusters",
	cuGetErrorName:               "cuGetErrorName",
	cuGetErrorString:             "cuGetErrorString",
}

// optional are what a driver for CUDA 11.0 lacks: see [Driver.Clusters].
var optional = [numCalls]bool{cuLaunchKernelEx: true, cuOccupancyMaxActiveClusters: true}

// Clusters says that the driver launches clusters of blocks: those for CUDA 11.8 and
// newer do.
func (d *Driver) Clusters() bool {
	return d.fn[cuLaunchKernelEx] != 0 && d.fn[cuOccupancyMaxActiveClusters] != 0
}

var (
	openedMu sync.Mutex
	opened   = map[string]*Driver{}
)

// Open loads the driver's library, the system's if path is empty, once. The error
// wraps ErrNoDriver if there is none.
func Open(path string) (*Driver, error) {
	openedMu.Lock()
	defer openedMu.Unlock()
	if d := opened[path]; d != nil {
		return d, nil
	}
	lib, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %v; a GPU from NVIDIA and its driver are needed", ErrNoDriver, err)
	}
	d := &Driver{path: path}
	for k, name := range symbols {
		if d.fn[k], err = symbol(lib, name); err != nil {
			if optional[k] {
				d.fn[k] = 0
				continue
			}
			return nil, fmt.Errorf("%w: it has no %s: %v; install one for CUDA 11 or newer", ErrOldDriver, name, err)
		}
	}
	if err := d.call(cuInit, 0); err != nil {
		if e := err.(*Error); e.Code == errorNoDevice {
			return nil, fmt.Errorf("%w: %w", ErrNoDevice, err)
		}
		return nil, err
	}
	opened[path] = d
	return d, nil
}

// call calls a function of up to fifteen arguments. A pointer among them is converted
// in the list of arguments, and what it points to is then on the heap and alive.
//
//go:uintptrescapes
func (d *Driver) call(f call, args ...uintptr) error {
	code, _, _ := purego.SyscallN(d.fn[f], args...)
	if r := int32(code); r != 0 {
		return d.failed(f, int(r))
	}
	return nil
}

// call5 and call11 are call for as many arguments, in lists that are used again: those
// of a variadic function would be on the heap, each time.
//
//go:uintptrescapes
func (d *Driver) call5(f call, a0, a1, a2, a3, a4 uintptr) error {
	l := lists.Get().(*[11]uintptr)
	*l = [11]uintptr{a0, a1, a2, a3, a4}
	return d.callList(f, l, 5)
}

//go:uintptrescapes
func (d *Driver) call11(f call, a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10 uintptr) error {
	l := lists.Get().(*[11]uintptr)
	*l = [11]uintptr{a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10}
	return d.callList(f, l, 11)
}

var lists = sync.Pool{New: func() any { return new([11]uintptr) }}

func (d *Driver) callList(f call, l *[11]uintptr, n int) error {
	code, _, _ := purego.SyscallN(d.fn[f], l[:n]...)
	lists.Put(l)
	if r := int32(code); r != 0 {
		return d.failed(f, int(r))
	}
	return nil
}

func (d *Driver) failed(f call, code int) *Error {
	e := &Error{Call: symbols[f], Code: code}
	text := func(f call) string {
		p := new(uintptr)
		if r, _, _ := purego.SyscallN(d.fn[f], uintptr(code), uintptr(unsafe.Pointer(p))); int32(r) != 0 || *p == 0 {
			return ""
		}
		return goString(*p)
	}
	e.Name, e.Text = text(cuGetErrorName), text(cuGetErrorString)
	return e
}

// goString copies a string of C.
func goString(p uintptr) string {
	const most = 1 << 10
	base := *(*unsafe.Pointer)(unsafe.Pointer(&p))
	var b []byte
	for i := range most {
		c := *(*byte)(unsafe.Add(base, i))
		if c == 0 {
			break
		}
		b = append(b, c)
	}
	return string(b)
}

// Version is that of CUDA which the driver supports: 12040 is 12.4.
func (d *Driver) Version() (int, error) {
	v := new(int32)
	err := d.call(cuDriverGetVersion, uintptr(unsafe.Pointer(v)))
	return int(*v), err
}

// Count is the number of devices.
func (d *Driver) Count() (int, error) {
	n := new(int32)
	err := d.call(cuDeviceGetCount, uintptr(unsafe.Pointer(n)))
	return int(*n), err
}
