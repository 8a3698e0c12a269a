package cudadrv

import (
	"errors"
	"strings"
	"testing"
)

func TestNoDriver(t *testing.T) {
	_, err := Open("./there-is-no-such-library.so")
	if !errors.Is(err, ErrNoDriver) {
		t.Errorf("error %v, want ErrNoDriver", err)
	}
}

func TestError(t *testing.T) {
	e := &Error{Call: "cuMemAlloc_v2", Code: errorOutOfMemory, Name: "CUDA_ERROR_OUT_OF_MEMORY", Text: "out of memory", Note: "8 bytes were asked for"}
	for _, want := range []string{"cuMemAlloc_v2", "2", "CUDA_ERROR_OUT_OF_MEMORY", "8 bytes"} {
		if !strings.Contains(e.Error(), want) {
			t.Errorf("%q does not tell %q", e, want)
		}
	}
	for _, c := range []struct {
		code int
		is   error
	}{{errorOutOfMemory, ErrOutOfMemory}, {errorNoDevice, ErrNoDevice}, {errorUnsupportedPTX, ErrOldDriver}, {errorIllegalAddress, ErrLost}, {errorLaunchFailed, ErrLost}} {
		e := error(&Error{Code: c.code})
		for _, s := range []error{ErrOutOfMemory, ErrNoDevice, ErrOldDriver, ErrLost} {
			if got, want := errors.Is(e, s), s == c.is; got != want {
				t.Errorf("code %d is %v: %v, want %v", c.code, s, got, want)
			}
		}
	}
}
