package cuda

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/optnet-go/optnet/internal/cudadrv"
	"github.com/optnet-go/optnet/qp"
	"github.com/optnet-go/optnet/qp/qptest"
)

// emulator builds the driver's calls and the kernels for this processor, once.
var emulator = sync.OnceValues(func() (string, error) {
	const compiler = "clang++-19"
	if _, err := exec.LookPath(compiler); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "optnet-cuda")
	if err != nil {
		return "", err
	}
	built = dir
	if s := os.Getenv("EMULATED_LIBRARY"); s != "" { // built otherwise: with a sanitizer, say
		return s, nil
	}
	lib := filepath.Join(dir, "emulated.so")
	out, err := exec.Command(compiler, "-std=c++20", "-O2", "-shared", "-fPIC", "-pthread", "kernels/host.cpp", "kernels/group.cpp", "-o", lib).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", errBuild, out)
	}
	return lib, nil
})

var (
	built    string // a folder to remove
	errBuild = errors.New("the kernels do not compile for the host")
)

func TestMain(m *testing.M) {
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// library is the emulated driver; without a compiler the test is skipped.
func library(t testing.TB) string {
	t.Helper()
	lib, err := emulator()
	switch {
	case errors.Is(err, errBuild):
		t.Fatal(err)
	case err != nil:
		t.Skip("the emulated device needs a compiler: ", err)
	}
	return lib
}

// emulated opens devices of the emulated driver.
func emulated(t testing.TB, ordinals ...int) *Engine {
	t.Helper()
	e, err := open(library(t), ordinals)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// unpinned has an engine leave all copying to the driver.
func (e *Engine) unpinned() *Engine {
	for _, g := range e.gpus {
		g.pageable = true
	}
	return e
}

// crowded has an engine use many lanes and stretches for little.
func (e *Engine) crowded() *Engine {
	for _, g := range e.gpus {
		g.lanes.worth, g.stretch = leastSlot, 16<<10
	}
	return e
}

// device opens a GPU. Without one the test is skipped, unless OPTNET_REQUIRE_GPU
// forbids that.
func device(t testing.TB, ordinals ...int) *Engine {
	t.Helper()
	e, err := Open(ordinals...)
	if err != nil {
		if os.Getenv("OPTNET_REQUIRE_GPU") == "1" {
			t.Fatal(err)
		}
		t.Skip("no GPU: ", err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func TestEmulated(t *testing.T) {
	e := emulated(t)
	qptest.Test(t, e)
	t.Logf("%+v", e.Handed())
}

func TestGPU(t *testing.T) {
	e := device(t)
	qptest.Test(t, e)
	t.Logf("%+v", e.Handed())
}

// solveOn solves and differentiates a batch.
func solveOn(t *testing.T, e *Engine, sh qp.Shape, b *qp.Batch, up *qp.Point) (*qp.Solution, *qp.Gradient, error) {
	t.Helper()
	v, err := qp.NewSolver(sh, &qp.Options{Engine: e})
	if err != nil {
		t.Fatal(err)
	}
	x, g := new(qp.Solution), new(qp.Gradient)
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := v.Solve(t.Context(), x, b); err != nil {
		return x, g, err
	}
	return x, g, x.VJP(t.Context(), g, up)
}

// TestMixed has iterations factor in float32: the suite passes, and the answers are as
// good.
func TestMixed(t *testing.T)      { testMixed(t, emulated(t)) }
func TestMixedOnGPU(t *testing.T) { testMixed(t, device(t)) }

func testMixed(t *testing.T, e *Engine) {
	mixed := &Engine{gpus: e.gpus, mixed: true}
	qptest.Test(t, mixed)
	for _, eps := range []float64{1e-8, 1e-12} { // elements that fall after and before a set of active rows is tried
		sh, b, up := profile(64, 64, 40, 512)
		before := mixed.Handed()
		x, g := solvedTo(t, mixed, eps, sh, b, up)
		h := mixed.Handed()
		t.Logf("%g: %+v", eps, h)
		if fell, all := h.Fell-before.Fell, h.Mixed-before.Mixed; all != 512 || fell == 0 || fell == all {
			t.Errorf("to %g: %d elements were begun in float32, %d fell back", eps, all, fell)
		}
		y, f := solvedTo(t, e, eps, sh, b, up)
		for _, c := range [][2][]float64{{x.Z, y.Z}, {x.Nu, y.Nu}, {x.Lambda, y.Lambda}, {g.Q, f.Q}, {g.G, f.G}, {g.H, f.H}} {
			for i, v := range c[0] {
				if w := c[1][i]; !(math.Abs(v-w) <= 1e-6*(1+math.Abs(w))) {
					t.Fatalf("to %g: entry %d is %g, in float64 %g", eps, i, v, w)
				}
			}
		}
	}
}

// solvedTo solves to a tolerance, checks, and differentiates.
func solvedTo(t *testing.T, e *Engine, eps float64, sh qp.Shape, b *qp.Batch, up *qp.Point) (*qp.Solution, *qp.Gradient) {
	t.Helper()
	v, err := qp.NewSolver(sh, &qp.Options{Engine: e, EpsAbs: eps, EpsRel: eps})
	if err != nil {
		t.Fatal(err)
	}
	x, g := new(qp.Solution), new(qp.Gradient)
	t.Cleanup(func() { x.Close() })
	if err := v.Solve(t.Context(), x, b); err != nil {
		t.Fatal(err)
	}
	if err := qptest.Check(sh, b, x, eps, eps); err != nil {
		t.Error(err)
	}
	if err := x.VJP(t.Context(), g, up); err != nil {
		t.Fatal(err)
	}
	return x, g
}

// TestMixedShapes: there is room for the mode at all sizes that OpenMixed names.
func TestMixedShapes(t *testing.T) {
	e := emulated(t)
	mixed := &Engine{gpus: e.gpus, mixed: true}
	for n := 33; n < groupFrom; n++ {
		p, err := newPlan(mixed, qp.Shape{N: n, NEq: n / 2, NIneq: n}, &qp.Options{})
		if err != nil || !p.mixed {
			t.Fatalf("n = %d: mixed precision %v, %v", n, p.mixed, err)
		}
	}
}

// TestSymmetric: a Q that elements share is made symmetric before they prepare.
func TestSymmetric(t *testing.T) {
	d := &share{state: &state{plan: &plan{sh: newShape(qp.Shape{N: 2})}}}
	for _, c := range []struct{ q, want []float64 }{
		{[]float64{1, 2, 2, 3}, []float64{1, 2, 2, 3}},
		{[]float64{1, 2, 2 + 1e-13, 3}, []float64{1, 2 + 5e-14, 2 + 5e-14, 3}},
		{[]float64{1, 2, 2.5, 3}, []float64{1, 2, 2.5, 3}},
	} {
		got := d.symmetric(c.q)
		for i, v := range got {
			if math.Abs(v-c.want[i]) > 1e-15 || got[1] != got[2] && c.q[2] < 2.5 {
				t.Errorf("%v becomes %v", c.q, got)
				break
			}
		}
	}
}

var _ qp.Engine = (*Engine)(nil)

// TestFirstResult logs how long a process takes to its first result.
func TestFirstResult(t *testing.T) {
	start := time.Now()
	e := device(t)
	opened := time.Since(start)
	sh, b, up := profile(10, 10, 5, 4)
	v, err := qp.NewSolver(sh, &qp.Options{Engine: e})
	if err != nil {
		t.Fatal(err)
	}
	var x qp.Solution
	defer x.Close()
	if err := v.Solve(t.Context(), &x, b); err != nil {
		t.Fatal(err)
	}
	if err := x.VJP(t.Context(), new(qp.Gradient), up); err != nil {
		t.Fatal(err)
	}
	t.Logf("opened after %v, first result and derivative after %v", opened, time.Since(start))
	for _, g := range e.gpus {
		if err := g.forGroups(false); err != nil {
			t.Fatal(err)
		}
		for _, f := range []*cudadrv.Function{g.one.prepare, g.one.solve, g.one.vjp, g.one.jvp, g.mixed.solve, g.near.solve, g.near.vjp, g.near.jvp, g.sums, g.small[0].solve, g.small[0].vjp, g.small[0].jvp, g.small[1].solve, g.small[1].vjp, g.small[1].jvp, g.group.prepare, g.group.solve, g.group.vjp, g.group.jvp} {
			g.on(func() {
				registers, local, err := f.Registers()
				if err != nil {
					t.Error(err)
				}
				t.Logf("%s: %d registers, %d bytes of local memory a thread", f.Name, registers, local)
			})
		}
	}
}

// on makes the device current for f.
func (g *gpu) on(f func()) {
	if err := g.Enter(); err != nil {
		panic(err)
	}
	defer g.Leave()
	f()
}
