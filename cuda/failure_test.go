//go:build linux

package cuda

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unsafe"

	"github.com/optnet-go/optnet/internal/cudadrv"
	"github.com/optnet-go/optnet/qp"
	"github.com/optnet-go/optnet/qp/qptest"
)

// TestOldDriver: a driver that lacks calls, or does not take the kernels.
func TestOldDriver(t *testing.T) {
	if _, err := open("libc.so.6", nil); !errors.Is(err, ErrOldDriver) || !strings.Contains(err.Error(), "install") {
		t.Errorf("a library without the driver's calls: %v, want ErrOldDriver and what to do", err)
	}
	before := memory(t)
	emulate(t, "EMULATED_FAIL", "cuModuleLoadData")
	emulate(t, "EMULATED_CODE", "222") // PTX of a newer version
	if _, err := open(library(t), nil); !errors.Is(err, ErrOldDriver) || errors.Is(err, ErrLost) {
		t.Errorf("a driver that does not take the PTX: %v, want ErrOldDriver", err)
	}
	freed(t, memory, before)
}

// TestLargeFailures: what TestFailures asks, of the kernels for large problems, on
// devices with clusters and without.
func TestLargeFailures(t *testing.T) {
	largeFailures(t, "cuLaunchKernelEx", "clusters of")
	emulate(t, "EMULATED_MAJOR", "8")
	largeFailures(t, "cuLaunchCooperativeKernel", "groups of")
}

func largeFailures(t *testing.T, call, says string) {
	before := memory(t)
	sh, b, up := profile(6, 5, 2, 3)
	e := emulated(t)
	e.groups = true
	v, err := qp.NewSolver(sh, &qp.Options{Engine: e})
	if err != nil {
		t.Fatal(err)
	}
	var x qp.Solution
	emulate(t, "EMULATED_FAIL", call)
	emulate(t, "EMULATED_CODE", "720") // too large for a cooperative launch
	err = v.Solve(t.Context(), &x, b)
	var driver *Error
	if !errors.As(err, &driver) || driver.Code != 720 || !strings.Contains(err.Error(), says) {
		t.Errorf("error %v, want one that tells what was launched", err)
	}
	emulate(t, "EMULATED_FAIL", "")
	if err := v.Solve(t.Context(), &x, b); err != nil {
		t.Fatal(err)
	}
	if err := x.VJP(t.Context(), new(qp.Gradient), up); err != nil {
		t.Error(err)
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	freed(t, memory, before)
}

// TestGPUOutOfMemory takes nearly all memory of a GPU away: solves fail, and when it
// is there again all is well.
func TestGPUOutOfMemory(t *testing.T) {
	e := device(t)
	sh, b, up := profile(100, 100, 50, 64)
	v, err := qp.NewSolver(sh, &qp.Options{Engine: e})
	if err != nil {
		t.Fatal(err)
	}
	free := func() (n int64) {
		e.gpus[0].on(func() { n, err = e.gpus[0].Free() })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var x qp.Solution
	// Once before, so that the driver has what it keeps.
	if err := v.Solve(t.Context(), &x, b); err != nil {
		t.Fatal(err)
	}
	if err := x.VJP(t.Context(), new(qp.Gradient), up); err != nil {
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	before := free()
	var hog cudadrv.Memory
	e.gpus[0].on(func() { hog, err = e.gpus[0].Alloc(before - 16<<20) })
	if err != nil {
		t.Fatal(err)
	}
	err = v.Solve(t.Context(), &x, b)
	if !errors.Is(err, ErrOutOfMemory) || !strings.Contains(err.Error(), "bytes were asked for") {
		t.Errorf("error %v, want ErrOutOfMemory and how much was asked for", err)
	}
	e.gpus[0].on(func() { err = hog.Free() })
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Solve(t.Context(), &x, b); err != nil {
		t.Fatal(err)
	}
	if err := qptest.Check(sh, b, &x, 1e-8, 1e-8); err != nil {
		t.Error(err)
	}
	if err := x.VJP(t.Context(), new(qp.Gradient), up); err != nil {
		t.Error(err)
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	if after := free(); after < before {
		t.Errorf("%d bytes of device memory are left", before-after)
	}
}

// TestGPULaunchFails asks for more shared memory than there is: that launch fails, and
// nothing else.
func TestGPULaunchFails(t *testing.T) {
	e := device(t)
	g := e.gpus[0]
	g.on(func() {
		stream, err := g.NewStream()
		if err != nil {
			t.Fatal(err)
		}
		a, params := new(args), new(unsafe.Pointer)
		err = g.one.solve.Launch(stream, 1, 32, g.SharedBlock+1<<20, unsafe.Pointer(a), params)
		var driver *Error
		if !errors.As(err, &driver) || errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "qp_solve") {
			t.Errorf("error %v, want one that names the kernel and is not ErrLost", err)
		}
		if err := stream.Destroy(); err != nil {
			t.Error(err)
		}
	})
	sh, b, up := profile(10, 10, 5, 4)
	if _, _, err := solveOn(t, e, sh, b, up); err != nil {
		t.Error(err)
	}
}

// TestGPULost has a kernel write where there is no memory, in a process of its own: from
// then on every call fails with ErrLost, and the process lives.
func TestGPULost(t *testing.T) {
	if os.Getenv("OPTNET_TEST_LOST") != "1" {
		device(t)
		cmd := exec.Command(os.Args[0], "-test.run", "^TestGPULost$", "-test.v")
		cmd.Env = append(os.Environ(), "OPTNET_TEST_LOST=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	e, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	sh, b, up := profile(10, 10, 5, 4)
	v, err := qp.NewSolver(sh, &qp.Options{Engine: e})
	if err != nil {
		t.Fatal(err)
	}
	var x qp.Solution
	if err := v.Solve(t.Context(), &x, b); err != nil {
		t.Fatal(err)
	}
	g := e.gpus[0]
	g.on(func() {
		stream, err := g.NewStream()
		if err != nil {
			t.Fatal(err)
		}
		a, params := &args{size: 1, n: 1, shared: 2, rows: 8}, new(unsafe.Pointer)
		a.grad[1] = 8
		if err := g.sums.Launch(stream, 1, 32, blockBytes, unsafe.Pointer(a), params); err != nil {
			t.Fatal(err)
		}
		if err := stream.Wait(); !errors.Is(err, ErrLost) {
			t.Errorf("error %v, want ErrLost", err)
		}
	})
	if err := x.VJP(t.Context(), new(qp.Gradient), up); !errors.Is(err, ErrLost) {
		t.Errorf("a derivative: %v, want ErrLost", err)
	}
	if err := v.Solve(t.Context(), &x, b); !errors.Is(err, ErrLost) {
		t.Errorf("a solve: %v, want ErrLost", err)
	}
	if err := x.Close(); !errors.Is(err, ErrLost) {
		t.Errorf("closing: %v, want ErrLost", err)
	}
	e.Close()
}
