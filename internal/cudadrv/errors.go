package cudadrv

import (
	"errors"
	"fmt"
)

var (
	// ErrNoDriver is wrapped by the error of Open where there is no NVIDIA driver.
	ErrNoDriver = errors.New("no NVIDIA driver")
	// ErrNoDevice is wrapped where the driver has no such device.
	ErrNoDevice = errors.New("no such CUDA device")
	// ErrOldDriver is wrapped where the driver lacks a call, or cannot load our
	// code.
	ErrOldDriver = errors.New("the NVIDIA driver is too old")
	// ErrOutOfMemory is what errors of allocations are.
	ErrOutOfMemory = errors.New("out of device memory")
	// ErrLost is what errors are after which a context is of no use: the process
	// has to open the device anew.
	ErrLost = errors.New("the CUDA context is lost")
)

// Error is a call of the driver that failed.
type Error struct {
	Call string // cuMemAlloc
	Code int    // CUresult
	Name string // CUDA_ERROR_OUT_OF_MEMORY, as the driver says; may be empty
	Text string
	Note string // what was tried, and what to do
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: CUDA error %d", e.Call, e.Code)
	if e.Name != "" {
		s += " " + e.Name
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	if e.Note != "" {
		s += " (" + e.Note + ")"
	}
	return s
}

// The results that have a meaning of their own.
const (
	errorOutOfMemory       = 2
	errorDeinitialized     = 4
	errorNoDevice          = 100
	errorInvalidDevice     = 101
	errorInvalidImage      = 200
	errorContextDestroyed  = 709
	errorNoBinary          = 209
	errorECC               = 214
	errorInvalidPTX        = 218
	errorUnsupportedPTX    = 222
	errorIllegalAddress    = 700
	errorLaunchTimeout     = 702
	errorAssert            = 710
	errorHardwareStack     = 714
	errorIllegalInstr      = 715
	errorMisaligned        = 716
	errorInvalidAddrSpace  = 717
	errorInvalidPC         = 718
	errorLaunchFailed      = 719
	errorSystemNotReady    = 802
	errorDriverMismatch    = 803
	errorCompatUnsupported = 804
)

// Is says whether the error is one of the sentinels.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrOutOfMemory:
		return e.Code == errorOutOfMemory
	case ErrNoDevice:
		return e.Code == errorNoDevice || e.Code == errorInvalidDevice
	case ErrOldDriver:
		switch e.Code {
		case errorInvalidImage, errorNoBinary, errorInvalidPTX, errorUnsupportedPTX, errorDriverMismatch, errorCompatUnsupported:
			return true
		}
	case ErrLost:
		switch e.Code {
		case errorDeinitialized, errorContextDestroyed, errorECC, errorIllegalAddress, errorLaunchTimeout, errorAssert,
			errorHardwareStack, errorIllegalInstr, errorMisaligned, errorInvalidAddrSpace, errorInvalidPC, errorLaunchFailed:
			return true
		}
	}
	return false
}
