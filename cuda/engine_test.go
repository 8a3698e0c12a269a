//go:build !windows

package cuda

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ebitengine/purego"
	"github.com/optnet-go/optnet/qp"
	"github.com/optnet-go/optnet/qp/qptest"
)

// emulate sets what the emulated driver does until the test ends.
func emulate(t *testing.T, name, value string) {
	t.Helper()
	lib, err := purego.Dlopen(library(t), purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		t.Fatal(err)
	}
	var set func(name, value string)
	purego.RegisterLibFunc(&set, lib, "emulate")
	set(name, value)
	t.Cleanup(func() { set(name, "") })
}

// counted asks the emulated driver for one of its counts.
func counted(t testing.TB, name string) int64 {
	t.Helper()
	lib, err := purego.Dlopen(library(t), purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		t.Fatal(err)
	}
	var count func() int64
	purego.RegisterLibFunc(&count, lib, name)
	return count()
}

// memory is what is allocated on the emulated devices, pinnedMemory what is pinned on the
// host for them, in bytes.
func memory(t testing.TB) int64       { return counted(t, "emulatedMemory") }
func pinnedMemory(t testing.TB) int64 { return counted(t, "emulatedPinned") }

// freed fails the test unless as much is allocated as before.
func freed(t testing.TB, of func(testing.TB) int64, before int64) {
	t.Helper()
	if left := of(t) - before; left != 0 {
		t.Errorf("%d bytes are left", left)
	}
}

// TestAlignment: matrices, which are loaded by pairs of numbers, come behind vectors.
func TestAlignment(t *testing.T) {
	for n := 1; n <= 1100; n++ {
		for _, threads := range []int{32, 128, 256, 512, 16 * 512} {
			s := newShape(qp.Shape{N: n, NEq: n / 3, NIneq: n})
			if a, b, c := s.workSize(threads), s.exchangeSize()/2, groupFactor(n); a%2 != 0 || b%2 != 0 || c%2 != 0 {
				t.Fatalf("n = %d, %d threads: vectors of %d, sums of %d, factors of %d numbers", n, threads, a, b, c)
			}
		}
	}
}

func TestNoDevice(t *testing.T) {
	if _, err := open("./no-such-driver.so", nil); !errors.Is(err, ErrNoDevice) {
		t.Errorf("without a driver: %v, want ErrNoDevice", err)
	}
	if _, err := devices("./no-such-driver.so"); !errors.Is(err, ErrNoDevice) {
		t.Errorf("Devices without a driver: %v, want ErrNoDevice", err)
	}
	for _, ordinal := range []int{-1, 2, 99} {
		if _, err := open(library(t), []int{ordinal}); !errors.Is(err, ErrNoDevice) {
			t.Errorf("device %d: %v, want ErrNoDevice", ordinal, err)
		}
	}
	list, err := devices(library(t))
	if err != nil || len(list) != 2 || list[1].Ordinal != 1 || list[1].Name == "" {
		t.Errorf("devices %+v, %v", list, err)
	}
}

// TestFailures lets calls of the driver fail: the errors say which, nothing leaks,
// and the next solve is as good as any.
func TestFailures(t *testing.T) {
	before := memory(t)
	sh, b, up := profile(6, 5, 2, 3)
	for _, call := range []string{"cuLaunchKernel", "cuStreamSynchronize", "cuMemcpyHtoDAsync", "cuMemAlloc"} {
		t.Run(call, func(t *testing.T) {
			e := emulated(t)
			v, err := qp.NewSolver(sh, &qp.Options{Engine: e})
			if err != nil {
				t.Fatal(err)
			}
			x := new(qp.Solution)
			defer x.Close()
			// The memory of a Solution comes with the first solve.
			emulate(t, "EMULATED_FAIL", call)
			err = v.Solve(t.Context(), x, b)
			var driver *Error
			if !errors.As(err, &driver) || !strings.HasPrefix(driver.Call, call) || !errors.Is(err, ErrLost) {
				t.Errorf("error %v, want one of %s that is ErrLost", err, call)
			}
			emulate(t, "EMULATED_FAIL", "")
			if err := v.Solve(t.Context(), x, b); err != nil {
				t.Fatal(err)
			}
			if err := x.Err(); err != nil {
				t.Error(err)
			}
			if err := x.VJP(t.Context(), new(qp.Gradient), up); err != nil {
				t.Error(err)
			}
		})
	}
	freed(t, memory, before)
}

func TestOutOfMemory(t *testing.T) {
	sh, b, up := profile(20, 20, 5, 40)
	e := emulated(t)
	emulate(t, "EMULATED_MEMORY", "100000")
	_, _, err := solveOn(t, e, sh, b, up)
	if !errors.Is(err, ErrOutOfMemory) || !strings.Contains(err.Error(), "bytes were asked for") {
		t.Errorf("error %v, want ErrOutOfMemory and how much was asked for", err)
	}
}

// TestDevices splits batches over two devices: the bits are those of one.
func TestDevices(t *testing.T) { twoDevices(t, emulated(t, 0), emulated(t, 0, 1)) }

// TestGPUs does so on GPUs, if there are two.
func TestGPUs(t *testing.T) {
	one := device(t, 0)
	if list, err := Devices(); err != nil || len(list) < 2 {
		t.Skipf("%d GPU, and two are needed (%v)", len(list), err)
	}
	two := device(t, 0, 1)
	twoDevices(t, one, two)
	for _, e := range []*Engine{one, two} {
		sh, b, _ := profile(100, 100, 50, 1024)
		v, err := qp.NewSolver(sh, &qp.Options{Engine: e})
		if err != nil {
			t.Fatal(err)
		}
		var x qp.Solution
		for range 3 {
			start := time.Now()
			if err := v.Solve(t.Context(), &x, b); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d GPUs: a solve with its transfers takes %v", len(e.gpus), time.Since(start))
		}
		if err := x.Err(); err != nil {
			t.Error(err)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
}

func twoDevices(t *testing.T, first, both *Engine) {
	sh, b, up := profile(6, 5, 2, 100)
	b.G, b.A = b.G[:5*6], b.A[:2*6] // shared: their gradients are sums
	b.Q[7*36] = -1                  // for the CPU
	clear(b.Q[90*36 : 91*36])       // too, as Q is all but singular
	for j, v := range []float64{1, 1, 1, 1, 1, 1e-15} {
		b.Q[90*36+7*j] = v
	}
	b.P[90*6+5] = 0
	z := []float64{1, -2, 0.5, 3, -1, 2}
	dot := func(row []float64) (v float64) {
		for j, x := range z {
			v += row[j] * x
		}
		return v
	}
	for i := range 100 {
		for r := range 2 {
			b.B[i*2+r] = dot(b.A[r*6:])
		}
		for r := range 5 {
			b.H[i*5+r] = dot(b.G[r*6:]) + float64(min(r, 1))
		}
	}
	for _, i := range []int{20, 85} { // the first row is weakly active at z: the derivative is the CPU's
		for r := range 6 {
			b.P[i*6+r] = -dot(b.Q[i*36+r*6:])
		}
	}
	one, g, err := solveOn(t, first, sh, b, up)
	if err != nil {
		t.Fatal(err)
	}
	if h := first.Handed(); h.Solves < 2 || h.Derivatives < h.Solves+2 {
		t.Errorf("%+v: no elements were handed over to the CPU", h)
	}
	two, h, err := solveOn(t, both, sh, b, up)
	if err != nil {
		t.Fatal(err)
	}
	for k := range points {
		if !slices.Equal(*points[k].of(&one.Point), *points[k].of(&two.Point)) {
			t.Errorf("the answers in array %d differ", k)
		}
	}
	for k := range coefs {
		if !slices.Equal(*coefs[k].of(&g.Data), *coefs[k].of(&h.Data)) {
			t.Errorf("the gradients of coefficient %d differ", k)
		}
	}
	if !slices.Equal(one.Info, two.Info) || !slices.Equal(g.Certs, h.Certs) {
		t.Error("infos or certificates differ")
	}
	if st := two.Info[7].Status; st != qp.InvalidInput {
		t.Errorf("the element with an indefinite Q is %v", st)
	}
}

// TestHanded: the device solves what is ordinary itself, so that the suite, which
// the CPU would help it through, tests the device.
func TestHanded(t *testing.T) {
	for _, c := range []struct{ n, m, p int }{{1, 1, 0}, {10, 10, 5}, {16, 16, 8}, {17, 20, 9}, {32, 32, 16}, {33, 40, 8}, {64, 64, 40}, {70, 0, 20}} {
		e := emulated(t)
		sh, b, up := profile(c.n, c.m, c.p, 20)
		if _, _, err := solveOn(t, e, sh, b, up); err != nil {
			t.Fatal(err)
		}
		if h := e.Handed(); h.Elements != 20 || h.Solves != 0 || h.Derived != 20 || h.Derivatives > 1 {
			t.Errorf("n=%d m=%d p=%d: %+v, want none handed over", c.n, c.m, c.p, h)
		}
	}
	e := emulated(t)
	sh, b, up := sudoku(60)
	if _, _, err := solveOn(t, e, sh, b, up); err != nil {
		t.Fatal(err)
	}
	if h := e.Handed(); h.Solves != 0 || h.Derivatives != 0 {
		t.Errorf("mini-Sudoku: %+v, want none handed over", h)
	}
}

// TestLarge is a problem whose matrices fit into no shared memory.
func TestLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("a large problem takes seconds on the emulated device")
	}
	e := emulated(t)
	sh, b, up := profile(300, 300, 60, 1)
	x, g, err := solveOn(t, e, sh, b, up)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Err(); err != nil {
		t.Error(err)
	}
	if c := g.Certs[0]; c.Zeroed || e.Handed().Solves != 0 {
		t.Errorf("certificate %+v, %+v", c, e.Handed())
	}
}

func TestClosedEngine(t *testing.T) {
	e, err := open(library(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	sh, b, _ := profile(6, 5, 2, 3)
	v, err := qp.NewSolver(sh, &qp.Options{Engine: e})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := v.Solve(t.Context(), new(qp.Solution), b); !errors.Is(err, ErrNoDevice) {
		t.Errorf("a solver whose engine is closed solves: error %v, want ErrNoDevice", err)
	}
	if _, err := qp.NewSolver(qp.Shape{N: 1}, &qp.Options{Engine: e}); !errors.Is(err, ErrNoDevice) {
		t.Errorf("error %v, want ErrNoDevice", err)
	}
}

// TestGrow: what a Solution holds outlives Grow, also one for which memory does not
// suffice: the point and the factors for a derivative, and the data for the next solve.
func TestGrow(t *testing.T) {
	for _, c := range []struct {
		name  string
		left  int64 // bytes that Grow may take
		fails error
	}{{"enough", 1 << 30, nil}, {"too little", 20000, ErrOutOfMemory}} {
		t.Run(c.name, func(t *testing.T) { testGrow(t, c.left, c.fails) })
	}
}

func testGrow(t *testing.T, left int64, fails error) {
	e := emulated(t)
	before := memory(t)
	sh, b, up := profile(6, 5, 2, 3)
	v, err := qp.NewSolver(sh, &qp.Options{Engine: e})
	if err != nil {
		t.Fatal(err)
	}
	var x qp.Solution
	var want, got qp.Gradient
	if err := v.Solve(t.Context(), &x, b); err != nil {
		t.Fatal(err)
	}
	if err := x.VJP(t.Context(), &want, up); err != nil {
		t.Fatal(err)
	}
	z := slices.Clone(x.Z)
	emulate(t, "EMULATED_MEMORY", strconv.FormatInt(memory(t)+left, 10))
	if err := v.Grow(&x, 50); !errors.Is(err, fails) {
		t.Fatalf("error %v, want %v", err, fails)
	}
	emulate(t, "EMULATED_MEMORY", "")
	if err := x.VJP(t.Context(), &got, up); err != nil {
		t.Fatal(err)
	}
	for k := range coefs {
		if !slices.Equal(*coefs[k].of(&got.Data), *coefs[k].of(&want.Data)) {
			t.Errorf("the gradient of coefficient %d is another after Grow", k)
		}
	}
	if err := v.Solve(t.Context(), &x, &qp.Batch{Size: 3, Keep: ^qp.Coef(0)}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x.Z, z) {
		t.Error("the solution with what was kept is another after Grow")
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	freed(t, memory, before)
}

// TestGroups has groups of blocks take elements of all sizes.
func TestGroups(t *testing.T) {
	e := emulated(t)
	e.groups = true
	for _, threads := range []string{"1", "2"} {
		emulate(t, "EMULATED_THREADS", threads)
		for _, c := range []struct{ n, m, p int }{{5, 6, 2}, {20, 24, 6}, {100, 90, 40}, {120, 20, 110}, {40, 150, 10}} {
			sh, b, up := profile(c.n, c.m, c.p, 3)
			x, g, err := solveOn(t, e, sh, b, up)
			if err != nil {
				t.Fatal(err)
			}
			if err := qptest.Check(sh, b, x, 1e-8, 1e-8); err != nil {
				t.Error(err)
			}
			for i, c := range g.Certs {
				if !c.Unique || c.Residual > 1e-9 {
					t.Errorf("element %d: certificate %+v", i, c)
				}
			}
		}
	}
	if h := e.Handed(); h.Solves+h.Derivatives != 0 {
		t.Errorf("%+v, want none handed over", h)
	}
}

// TestGroupsOnGPU runs the suite on them.
func TestGroupsOnGPU(t *testing.T) {
	e := device(t)
	e.groups = true
	qptest.Test(t, e)
	t.Logf("%+v", e.Handed())
}

// TestGroupSizes: an element's bits do not depend on how many blocks have it.
func TestGroupSizes(t *testing.T) { groupSizes(t, emulated(t), 50, 40, 20) }

// TestGroupSizesOnGPU asks the same of a GPU, with clusters and without.
func TestGroupSizesOnGPU(t *testing.T) {
	for _, cooperative := range []bool{false, true} {
		e := device(t)
		e.cooperative = cooperative
		groupSizes(t, e, 300, 290, 110)
		groupSizes(t, e, 260, 260, 130)
	}
}

func groupSizes(t *testing.T, e *Engine, n, m, p int) {
	e.groups = true
	sh, b, up := profile(n, m, p, 2)
	var want []*[]float64
	for _, e.blocks = range []int{1, 2, 3, 8} {
		x, g, err := solveOn(t, e, sh, b, up)
		if err != nil {
			t.Fatal(err)
		}
		got := []*[]float64{&x.Z, &x.Nu, &x.Lambda, &x.Value, &g.Q, &g.P, &g.A, &g.B, &g.G, &g.H}
		if want == nil {
			want = got
		}
		for k, v := range got {
			if !slices.Equal(*v, *want[k]) {
				t.Errorf("result %d of groups of %d blocks is not that of one block", k, e.blocks)
			}
		}
	}
	if h := e.Handed(); h.Solves+h.Derivatives != 0 {
		t.Errorf("%+v, want none handed over", h)
	}
}

// TestThreads gives a block several threads, so that barriers matter: each is a warp
// of one lane.
func TestThreads(t *testing.T) {
	e := emulated(t)
	testThreads(t, e)
	testThreads(t, &Engine{gpus: e.gpus, mixed: true})
}

func testThreads(t *testing.T, e *Engine) {
	for _, threads := range []string{"2", "4"} {
		emulate(t, "EMULATED_THREADS", threads)
		for _, c := range []struct{ n, m, p int }{{5, 36, 2}, {40, 24, 6}} {
			sh, b, up := profile(c.n, c.m, c.p, 2)
			x, g, err := solveOn(t, e, sh, b, up)
			if err != nil {
				t.Fatal(err)
			}
			if err := qptest.Check(sh, b, x, 1e-8, 1e-8); err != nil {
				t.Error(err)
			}
			for i, c := range g.Certs {
				if !c.Unique || c.Residual > 1e-9 {
					t.Errorf("element %d: certificate %+v", i, c)
				}
			}
		}
	}
	if h := e.Handed(); h.Solves+h.Derivatives != 0 {
		t.Errorf("%+v, want none handed over", h)
	}
}
