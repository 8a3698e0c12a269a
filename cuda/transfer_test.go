//go:build !windows

package cuda

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/optnet-go/optnet/internal/cudadrv"
	"github.com/optnet-go/optnet/qp"
)

// calls are what one engine returns, with all directions of a call.
type calls struct {
	x    qp.Solution
	g    qp.Gradient
	sums qp.Gradient
	tan  qp.Tangent
}

// callAll solves cold and warm, and differentiates backward, with and without Add, and
// forward.
func callAll(ctx context.Context, e *Engine, sh qp.Shape, b *qp.Batch, up *qp.Point) (*calls, error) {
	v, err := qp.NewSolver(sh, &qp.Options{Engine: e})
	if err != nil {
		return nil, err
	}
	c := new(calls)
	defer c.x.Close()
	if err := v.Solve(ctx, &c.x, b); err != nil {
		return c, err
	}
	warm := *b
	warm.Warm = &c.x.Point
	if err := v.Solve(ctx, &c.x, &warm); err != nil {
		return c, err
	}
	if err := c.x.VJP(ctx, &c.g, up); err != nil {
		return c, err
	}
	c.sums.Add = true
	for range 2 {
		if err := c.x.VJP(ctx, &c.sums, up); err != nil {
			return c, err
		}
	}
	return c, c.x.JVP(ctx, &c.tan, &b.Data)
}

func (c *calls) compare(t *testing.T, d *calls) {
	t.Helper()
	for k := range points {
		for what, pair := range map[string][2]*qp.Point{"answers": {&c.x.Point, &d.x.Point}, "tangents": {&c.tan.Point, &d.tan.Point}} {
			if !slices.Equal(*points[k].of(pair[0]), *points[k].of(pair[1])) {
				t.Errorf("the %s in array %d differ", what, k)
			}
		}
	}
	for k := range coefs {
		one, twice := *coefs[k].of(&c.g.Data), *coefs[k].of(&c.sums.Data)
		if !slices.Equal(one, *coefs[k].of(&d.g.Data)) || !slices.Equal(twice, *coefs[k].of(&d.sums.Data)) {
			t.Errorf("the gradients of coefficient %d differ", k)
		}
		for i, v := range one {
			if math.Abs(twice[i]-2*v) > 1e-12*math.Abs(v) { // what is shared is rounded
				t.Errorf("coefficient %d: %g and %g make %g", k, v, v, twice[i])
				break
			}
		}
	}
	if !slices.Equal(c.x.Info, d.x.Info) || !slices.Equal(c.g.Certs, d.g.Certs) || !slices.Equal(c.tan.Certs, d.tan.Certs) {
		t.Error("infos or certificates differ")
	}
}

// transferred is a batch of which some arrays are large, one element is the CPU's, and
// sides are shared.
func transferred(n, size int) (qp.Shape, *qp.Batch, *qp.Point) {
	sh, b, up := profile(n, n, n/2, size)
	b.H = b.H[:n]
	for i := range b.H {
		b.H[i] = 10
	}
	b.Q[5] = 1 // not symmetric
	return sh, b, up
}

// TestPinned: the same bits, whichever way the data go, and in how many stretches.
func TestPinned(t *testing.T) {
	testPinned(t, emulated(t), emulated(t).crowded(), emulated(t, 0, 1).crowded(), emulated(t).unpinned(), emulated(t).crowded().unpinned())
	t.Run("groups", func(t *testing.T) {
		one, many := emulated(t), emulated(t).crowded()
		one.groups, many.groups = true, true
		sh, b, up := transferred(12, 150)
		testPinnedOn(t, sh, b, up, one, many)
	})
}

// TestPinnedOnGPU does so on a GPU.
func TestPinnedOnGPU(t *testing.T) {
	one, many := device(t), device(t).crowded()
	testPinned(t, one, many, device(t).unpinned())
	for _, c := range [][2]int{{64, 1024}, {100, 300}, {150, 300}, {260, 64}} {
		t.Run(fmt.Sprintf("n=%d", c[0]), func(t *testing.T) {
			sh, b, up := transferred(c[0], c[1])
			testPinnedOn(t, sh, b, up, one, many)
		})
	}
}

func testPinned(t *testing.T, engines ...*Engine) {
	for _, size := range []int{1, 3, 40, 500} {
		sh, b, up := transferred(16, size)
		testPinnedOn(t, sh, b, up, engines...)
	}
	sh, b, up := transferred(40, 100)
	testPinnedOn(t, sh, b, up, engines...)
	sh, b, up = sudoku(100)
	testPinnedOn(t, sh, b, up, engines...)
}

func testPinnedOn(t *testing.T, sh qp.Shape, b *qp.Batch, up *qp.Point, engines ...*Engine) {
	var first *calls
	for _, e := range engines {
		c, err := callAll(t.Context(), e, sh, b, up)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = c
		}
		first.compare(t, c)
	}
}

// TestTogether: Solutions that share lanes get what each gets alone.
func TestTogether(t *testing.T) {
	sh, b, up := transferred(16, 300)
	e := emulated(t, 0, 1).crowded()
	want, err := callAll(t.Context(), e, sh, b, up)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			got, err := callAll(t.Context(), e, sh, b, up)
			if err != nil {
				t.Error(err)
				return
			}
			want.compare(t, got)
		})
	}
	wait.Wait()
}

// TestStretches: they are of whole chunks and cover the elements, and there are several.
func TestStretches(t *testing.T) {
	sh, _, _ := transferred(16, 500)
	e := emulated(t).crowded()
	v, err := qp.NewSolver(sh, &qp.Options{Engine: e})
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlan(e, v.Shape(), &qp.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newState(p)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := s.parts[0]
	for _, c := range []struct{ size, bytes, want int }{{500, 1 << 30, 8}, {500, 0, 1}, {500, 40 << 10, 2}, {63, 1 << 30, 1}, {97, 1 << 30, 3}, {1, 1 << 30, 1}} {
		d.size = c.size
		if err := d.on(func() error { return d.cut(c.bytes) }); err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, x := range d.list {
			if x.from != at || x.from%chunk != 0 || x.to <= x.from || x.args.size != int32(x.to-x.from) {
				t.Errorf("%+v: from %d to %d, after %d", c, x.from, x.to, at)
			}
			at = x.to
		}
		if at != c.size || len(d.list) != c.want {
			t.Errorf("%+v: %d stretches, to %d", c, len(d.list), at)
		}
	}
}

// TestStopped: a solve that is canceled, or whose time is over, leaves nothing that
// stops the next.
func TestStopped(t *testing.T) {
	sh, b, _ := transferred(16, 200)
	e := emulated(t).crowded()
	solver := func(limit time.Duration) *qp.Solver {
		v, err := qp.NewSolver(sh, &qp.Options{Engine: e, TimeLimit: limit})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v := solver(0)
	var want, x qp.Solution
	defer want.Close()
	defer x.Close()
	if err := v.Solve(t.Context(), &want, b); err != nil {
		t.Fatal(err)
	}
	check := func(x *qp.Solution, stopped qp.Status) {
		t.Helper()
		for i, info := range x.Info {
			if info.Status != stopped && info != want.Info[i] {
				t.Errorf("element %d: %+v, want %+v", i, info, want.Info[i])
			}
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		after := time.Duration(rng.IntN(4000)) * time.Microsecond
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(after, cancel)
		if err := v.Solve(ctx, &x, b); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cancel()
		check(&x, qp.Canceled)
		var y qp.Solution
		if err := solver(after+1).Solve(t.Context(), &y, b); err != nil {
			t.Fatal(err)
		}
		check(&y, qp.MaxTime)
		if err := y.Close(); err != nil {
			t.Fatal(err)
		}
		ctx, cancel = context.WithCancel(t.Context()) // looks whether it is to stop
		if err := v.Solve(ctx, &x, b); err != nil {
			t.Fatal(err)
		}
		cancel()
		check(&x, qp.Solved)
		if !slices.Equal(x.Z, want.Z) {
			t.Fatal("other answers after a solve that was stopped")
		}
	}
}

// TestLanes copies lists of arrays to a device and back, in several goroutines.
func TestLanes(t *testing.T) { testLanes(t, emulated(t)) }

// TestLanesOnGPU does so on a GPU.
func TestLanesOnGPU(t *testing.T) { testLanes(t, device(t)) }

func testLanes(t *testing.T, e *Engine) {
	g := e.crowded().gpus[0]
	var wait sync.WaitGroup
	for seed := range 6 {
		wait.Go(func() {
			if err := g.Enter(); err != nil {
				t.Error(err)
				return
			}
			defer g.Leave()
			if err := thereAndBack(g, uint64(seed)); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		})
	}
	wait.Wait()
}

func thereAndBack(g *gpu, seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 1))
	var lists [4][]float64
	total := 0
	for k := range lists {
		lists[k] = make([]float64, 1+rng.IntN(1+1<<rng.IntN(20)))
		for i := range lists[k] {
			lists[k][i] = rng.Float64()
		}
		total += len(lists[k])
	}
	mem, err := g.Alloc(int64(8 * total))
	if err != nil {
		return err
	}
	defer mem.Free()
	var streams [2]cudadrv.Stream
	for k := range streams {
		if streams[k], err = g.NewStream(); err != nil {
			return err
		}
		defer streams[k].Destroy()
	}
	up, down := transfer{up: true}, transfer{}
	at := mem.Ptr
	var back [4][]float64
	for k, x := range lists {
		put(&up, slices.Clone(x), at, false)
		back[k] = make([]float64, len(x))
		if k%2 == 1 {
			copy(back[k], x)
		}
		put(&down, back[k], at, k%2 == 1)
		at += uintptr(8 * len(x))
		if k != 1 {
			up.end(streams[k/2])
			down.end(streams[k/2])
		}
	}
	var sent []int
	up.sent = func(k int) error {
		sent = append(sent, k)
		return nil
	}
	if err := up.carry(g.lanes, 4); err != nil {
		return err
	}
	if !slices.Equal(sent, []int{0, 1, 2}) {
		return fmt.Errorf("legs were sent in the order %v", sent)
	}
	for k := range up.moves { // the arrays are the caller's again
		clear(up.moves[k].host)
	}
	if err := down.carry(g.lanes, 4); err != nil {
		return err
	}
	for k, x := range lists {
		for i, v := range x {
			want := v
			if k%2 == 1 {
				want = 2 * v
			}
			if back[k][i] != want {
				return fmt.Errorf("array %d of %d: entry %d is %g, want %g", k, len(x), i, back[k][i], want)
			}
		}
	}
	return nil
}

// TestUnpinnable: where memory cannot be pinned, or not so much of it, all goes on.
func TestUnpinnable(t *testing.T) {
	sh, b, up := transferred(16, 500)
	want, err := callAll(t.Context(), emulated(t).unpinned(), sh, b, up)
	if err != nil {
		t.Fatal(err)
	}
	for call, least := range map[string]int{"cuMemHostAlloc": 0, "cuEventCreate": 1} { // a Solution has an event
		for _, after := range []int{least, least + 1, least + 2, least + 4} {
			t.Run(call+"-after-"+strconv.Itoa(after), func(t *testing.T) {
				e := emulated(t).crowded()
				emulate(t, "EMULATED_AFTER", strconv.Itoa(after))
				emulate(t, "EMULATED_CODE", "2")
				emulate(t, "EMULATED_FAIL", call)
				got, err := callAll(t.Context(), e, sh, b, up)
				if err != nil {
					t.Fatal(err)
				}
				want.compare(t, got)
			})
		}
	}
}

// TestTransferFails has copies fail in their midst: the error says so, the arrays are the
// caller's again, nothing is left behind, and the next call is as good as any.
func TestTransferFails(t *testing.T) {
	before, routines := pinnedMemory(t), runtime.NumGoroutine()
	sh, b, up := transferred(16, 500)
	want, err := callAll(t.Context(), emulated(t).unpinned(), sh, b, up)
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []string{"cuMemcpyHtoDAsync", "cuMemcpyDtoHAsync", "cuEventRecord", "cuEventSynchronize"} {
		for _, after := range []int{0, 1, 5, 9, 30, 47} {
			t.Run(call+"-after-"+strconv.Itoa(after), func(t *testing.T) {
				e, err := open(library(t), nil)
				if err != nil {
					t.Fatal(err)
				}
				e.crowded()
				emulate(t, "EMULATED_AFTER", strconv.Itoa(after))
				emulate(t, "EMULATED_FAIL", call)
				_, err = callAll(t.Context(), e, sh, b, up)
				emulate(t, "EMULATED_FAIL", "")
				var driver *Error
				if !errors.As(err, &driver) || !strings.HasPrefix(driver.Call, call) || !errors.Is(err, ErrLost) {
					t.Errorf("error %v, want one of %s that is ErrLost", err, call)
				}
				got, err := callAll(t.Context(), e, sh, b, up)
				if err != nil {
					t.Fatal(err)
				}
				want.compare(t, got)
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
	freed(t, pinnedMemory, before)
	for wait := time.Duration(1); runtime.NumGoroutine() > routines; wait *= 2 { // the last ones are about to end
		if wait > time.Second {
			t.Fatalf("%d goroutines are left", runtime.NumGoroutine()-routines)
		}
		time.Sleep(wait)
	}
}

// TestClosedLanes: closing an engine frees its pinned memory, and a Solution that is
// left does not hang.
func TestClosedLanes(t *testing.T) {
	before := pinnedMemory(t)
	e, err := open(library(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	e.crowded()
	sh, b, _ := transferred(16, 500)
	v, err := qp.NewSolver(sh, &qp.Options{Engine: e})
	if err != nil {
		t.Fatal(err)
	}
	var x qp.Solution
	if err := v.Solve(t.Context(), &x, b); err != nil {
		t.Fatal(err)
	}
	if n := pinnedMemory(t) - before; n == 0 || n > mostLanes*laneSlots*slotBytes+2*bagBytes {
		t.Errorf("%d bytes are pinned", n)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	v.Solve(t.Context(), &x, b) // it may fail
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	freed(t, pinnedMemory, before)
}

// BenchmarkTransfer copies between an array of the caller's and the device: through
// lanes, and by the driver.
func BenchmarkTransfer(b *testing.B) {
	e := benchDevice(b)
	g := e.gpus[0]
	for _, size := range []int{64 << 10, 1 << 20, 16 << 20, 128 << 20} {
		for _, up := range []bool{true, false} {
			for _, way := range []string{"lanes", "driver"} {
				name := fmt.Sprintf("down/%s/KiB=%d", way, size>>10)
				if up {
					name = fmt.Sprintf("up/%s/KiB=%d", way, size>>10)
				}
				b.Run(name, func(b *testing.B) { benchTransfer(b, g, size, up, way == "lanes") })
			}
		}
	}
}

func benchTransfer(b *testing.B, g *gpu, size int, up, lanes bool) {
	if err := g.Enter(); err != nil {
		b.Fatal(err)
	}
	defer g.Leave()
	mem, err := g.Alloc(int64(size))
	if err != nil {
		b.Fatal(err)
	}
	defer mem.Free()
	stream, err := g.NewStream()
	if err != nil {
		b.Fatal(err)
	}
	defer stream.Destroy()
	host := make([]float64, size/8)
	for i := range host {
		host[i] = float64(i)
	}
	s := share{gpu: g, state: &state{plan: &plan{opt: &qp.Options{Workers: runtime.GOMAXPROCS(0)}}, parts: make([]*share, 1)}}
	s.uploads.up = true
	defer s.bags[0].mem.Free()
	defer s.bags[1].mem.Free()
	g.pageable = !lanes
	defer func() { g.pageable = false }()
	once := func() error {
		if up {
			put(&s.uploads, host, mem.Ptr, false)
			s.uploads.end(stream)
			err := s.send()
			s.bags[0].used = 0
			return errors.Join(err, stream.Wait())
		}
		put(&s.downloads, host, mem.Ptr, false)
		s.downloads.end(stream)
		return s.receive()
	}
	if err := once(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if err := once(); err != nil {
			b.Fatal(err)
		}
	}
}
