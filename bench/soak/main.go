// Command soak solves and differentiates random batches of QPs, some elements of
// which are poisoned, on all cores for as long as it is told, and fails if an
// element ends in a way that it must not, or if the rate falls, memory grows or
// goroutines stay behind.
//
//	go run ./bench/soak -time 1h
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/optnet-go/optnet/qp"
)

func main() {
	span := flag.Duration("time", time.Hour, "how long")
	seed := flag.Uint64("seed", 1, "of the random problems")
	lines := flag.Int("lines", 20, "lines to print")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := soak(ctx, os.Stdout, *span, *lines, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// sample is the state of the process at the end of an interval.
type sample struct {
	rate       float64 // elements a second
	heap       uint64
	goroutines int
}

// totals counts what the workers have done.
type totals struct {
	elements, poisoned, cut atomic.Int64
	fault                   atomic.Pointer[error]
}

func (t *totals) fail(err error) { t.fault.CompareAndSwap(nil, &err) }

// soak works for the time given, in intervals, and compares them.
func soak(ctx context.Context, w io.Writer, span time.Duration, lines int, seed uint64) error {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(ctx, span)
	defer cancel()
	var done totals
	var all sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		all.Go(func() { done.work(ctx, rand.New(rand.NewPCG(seed, uint64(k)))) })
	}
	var samples []sample
	began, last, lastCount := time.Now(), time.Now(), int64(0)
	tick := time.NewTicker(span / time.Duration(lines))
	defer tick.Stop()
	for ctx.Err() == nil && done.fault.Load() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			n := done.elements.Load()
			s := sample{float64(n-lastCount) / time.Since(last).Seconds(), m.HeapAlloc, runtime.NumGoroutine()}
			samples = append(samples, s)
			last, lastCount = time.Now(), n
			fmt.Fprintf(w, "%8s %12d elements, %9.0f a second, %10d poisoned, %8d cut short, heap %6.1f MB, %d goroutines\n",
				time.Since(began).Round(time.Second), n, s.rate, done.poisoned.Load(), done.cut.Load(), float64(s.heap)/1e6, s.goroutines)
		}
	}
	cancel()
	all.Wait()
	if err := done.fault.Load(); err != nil {
		return *err
	}
	for range 100 { // timers of contexts
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		return fmt.Errorf("%d goroutines are left, there were %d before", n, before)
	}
	return flat(samples)
}

// flat compares the first and the last third of the intervals, by their medians.
func flat(samples []sample) error {
	if len(samples) < 6 {
		return nil
	}
	third := len(samples) / 3
	first, end := samples[1:1+third], samples[len(samples)-third:] // the first interval warms up
	median := func(s []sample, f func(sample) float64) float64 {
		v := make([]float64, len(s))
		for i := range s {
			v[i] = f(s[i])
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	rate := func(s sample) float64 { return s.rate }
	heap := func(s sample) float64 { return float64(s.heap) }
	if a, b := median(first, rate), median(end, rate); b < 0.7*a {
		return fmt.Errorf("the rate fell from %.0f to %.0f elements a second", a, b)
	}
	if a, b := median(first, heap), median(end, heap); b > 1.2*a+4e6 {
		return fmt.Errorf("the heap grew from %.1f to %.1f MB", a/1e6, b/1e6)
	}
	return nil
}

// poisons are ways to spoil an element, with the statuses that it may then have.
var poisons = []struct {
	name string
	do   func(sh qp.Shape, d *qp.Data, i int)
	ends []qp.Status
}{
	{"NaN in p", func(sh qp.Shape, d *qp.Data, i int) { d.P[i*sh.N] = math.NaN() }, []qp.Status{qp.InvalidInput}},
	{"Inf in Q", func(sh qp.Shape, d *qp.Data, i int) { d.Q[i*sh.N*sh.N] = math.Inf(1) }, []qp.Status{qp.InvalidInput}},
	{"indefinite Q", func(sh qp.Shape, d *qp.Data, i int) { d.Q[i*sh.N*sh.N] = -100 }, []qp.Status{qp.InvalidInput}},
	{"crossed bounds", func(sh qp.Shape, d *qp.Data, i int) { d.L[i*sh.N], d.U[i*sh.N] = 1, -1 }, []qp.Status{qp.PrimalInfeasible}},
	{"huge p", func(sh qp.Shape, d *qp.Data, i int) { d.P[i*sh.N] = 1e200 }, nil}, // anything but a panic
}

// work solves batches until ctx ends. Clean elements have to be solved, poisoned
// ones must not be, and a clean one has the same bits alone.
func (t *totals) work(ctx context.Context, rng *rand.Rand) {
	var x, one qp.Solution
	var grad qp.Gradient
	for ctx.Err() == nil {
		sh := qp.Shape{N: 1 + rng.IntN(40), NIneq: rng.IntN(30), Sides: qp.Lower | qp.Upper | qp.RowUpper}
		sh.NEq = rng.IntN(sh.N/2 + 1)
		solver, err := qp.NewSolver(sh, &qp.Options{Workers: 1})
		if err != nil {
			t.fail(err)
			return
		}
		for range 20 {
			if ctx.Err() != nil {
				return
			}
			b, bad := draw(rng, solver.Shape())
			solveCtx, cancel := ctx, context.CancelFunc(func() {})
			short := rng.IntN(20) == 0
			if short { // a deadline in the middle
				solveCtx, cancel = context.WithTimeout(ctx, time.Duration(rng.IntN(300))*time.Microsecond)
			}
			err := solver.Solve(solveCtx, &x, b)
			cut := solveCtx.Err() != nil
			cancel()
			if err != nil && !cut {
				t.fail(fmt.Errorf("%+v: %w", sh, err))
				return
			}
			for i, info := range x.Info {
				st := info.Status
				switch {
				case cut && st == qp.Canceled:
					t.cut.Add(1)
				case bad[i] == 0 && st != qp.Solved && st != qp.AlmostSolved:
					t.fail(fmt.Errorf("%+v: a clean element ended %v %s", sh, st, info.Reason))
				case bad[i] > 0:
					t.poisoned.Add(1)
					if ends := poisons[bad[i]-1].ends; ends != nil && !slices.Contains(ends, st) {
						t.fail(fmt.Errorf("%+v: an element with %s ended %v", sh, poisons[bad[i]-1].name, st))
					}
				}
			}
			t.elements.Add(int64(b.Size))
			if cut {
				continue
			}
			up := &qp.Point{Z: make([]float64, b.Size*sh.N)}
			for k := range up.Z {
				up.Z[k] = rng.NormFloat64()
			}
			if err := x.VJP(ctx, &grad, up); err != nil && !errors.Is(err, context.Cause(ctx)) {
				t.fail(err)
				return
			}
			if i := rng.IntN(b.Size); bad[i] == 0 && rng.IntN(10) == 0 && ctx.Err() == nil {
				alone := take(solver.Shape(), b, i)
				if err := solver.Solve(ctx, &one, alone); err == nil && !slices.Equal(one.Z, x.Z[i*sh.N:(i+1)*sh.N]) {
					t.fail(fmt.Errorf("%+v: element %d of %d has other bits alone", sh, i, b.Size))
				}
			}
		}
	}
}

// draw makes a batch around a point that is feasible, and poisons some of it:
// bad says by which poison, counted from 1.
func draw(rng *rand.Rand, sh qp.Shape) (b *qp.Batch, bad []int) {
	size := 1 + rng.IntN(48)
	n, p, m := sh.N, sh.NEq, sh.NIneq
	normal := func(k int) []float64 {
		x := make([]float64, k)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		return x
	}
	b = &qp.Batch{Size: size, Data: qp.Data{
		Q: make([]float64, size*n*n), P: normal(size * n), A: normal(size * p * n), B: make([]float64, size*p),
		G: normal(size * m * n), H: make([]float64, size*m), L: make([]float64, size*n), U: make([]float64, size*n),
	}}
	bad = make([]int, size)
	for e := range size {
		root, z := normal(n*n), normal(n)
		for i := range n {
			for j := range n {
				t := 0.0
				for k := range n {
					t += root[min(i, j)*n+k] * root[max(i, j)*n+k]
				}
				b.Q[(e*n+i)*n+j] = t / float64(n)
			}
			b.Q[(e*n+i)*n+i] += 0.1
			b.L[e*n+i], b.U[e*n+i] = z[i]-rng.Float64()-0.1, z[i]+rng.Float64()+0.1
		}
		row := func(a []float64) (t float64) {
			for j, v := range a {
				t += v * z[j]
			}
			return t
		}
		for i := range p {
			b.B[e*p+i] = row(b.A[(e*p+i)*n : (e*p+i+1)*n])
		}
		for i := range m {
			b.H[e*m+i] = row(b.G[(e*m+i)*n:(e*m+i+1)*n]) + rng.Float64()
		}
		if rng.IntN(6) == 0 {
			bad[e] = 1 + rng.IntN(len(poisons))
			poisons[bad[e]-1].do(sh, &b.Data, e)
		}
	}
	return b, bad
}

// take is element i as a batch of its own.
func take(sh qp.Shape, b *qp.Batch, i int) *qp.Batch {
	part := func(x []float64) []float64 {
		k := len(x) / b.Size
		return x[i*k : (i+1)*k]
	}
	return &qp.Batch{Size: 1, Data: qp.Data{Q: part(b.Q), P: part(b.P), A: part(b.A), B: part(b.B), G: part(b.G), H: part(b.H), L: part(b.L), U: part(b.U)}}
}
