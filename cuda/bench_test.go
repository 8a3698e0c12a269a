package cuda

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/optnet-go/optnet/qp"
	"github.com/optnet-go/optnet/qp/qptest"
)

// profile draws problems as the OptNet paper's profile does: Q = LLᵀ + 1e-3·I with L
// uniform in [0, 1), p, A, G and z₀ normal, b = Az₀, h = Gz₀ + s₀ with s₀ uniform.
// All elements differ.
func profile(n, m, p, size int) (qp.Shape, *qp.Batch, *qp.Point) {
	rng := rand.New(rand.NewPCG(1, uint64(n)<<40|uint64(m)<<20|uint64(p)))
	normal := func(k int) []float64 {
		x := make([]float64, k)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		return x
	}
	b := &qp.Batch{Size: size, Data: qp.Data{
		Q: make([]float64, size*n*n), P: normal(size * n),
		A: normal(size * p * n), B: make([]float64, size*p),
		G: normal(size * m * n), H: make([]float64, size*m),
	}}
	l, z := make([]float64, n*n), make([]float64, n)
	for e := range size {
		for i := range l {
			l[i] = rng.Float64()
		}
		q := b.Q[e*n*n : (e+1)*n*n]
		for i := range n {
			for j := range i + 1 {
				s := 0.0
				for k := range n {
					s += l[i*n+k] * l[j*n+k]
				}
				q[i*n+j], q[j*n+i] = s, s
			}
			q[i*n+i] += 1e-3
		}
		for i := range z {
			z[i] = rng.NormFloat64()
		}
		dot := func(x []float64) (s float64) {
			for j, v := range z {
				s += x[j] * v
			}
			return s
		}
		for i := range p {
			b.B[e*p+i] = dot(b.A[(e*p+i)*n:][:n])
		}
		for i := range m {
			b.H[e*m+i] = dot(b.G[(e*m+i)*n:][:n]) + rng.Float64()
		}
	}
	return qp.Shape{N: n, NEq: p, NIneq: m}, b, &qp.Point{Z: normal(size * n)}
}

// sudoku is the mini-Sudoku layer: Q = 0.1·I, z ≥ 0, equalities that the batch
// shares.
func sudoku(size int) (qp.Shape, *qp.Batch, *qp.Point) {
	const n, p = 64, 40
	rng := rand.New(rand.NewPCG(1, 4))
	b := &qp.Batch{Size: size, Data: qp.Data{
		Q: make([]float64, n), P: make([]float64, size*n), A: make([]float64, p*n), B: make([]float64, p), L: make([]float64, n),
	}}
	for i := range b.Q {
		b.Q[i] = 0.1
	}
	for i := range b.A {
		b.A[i] = rng.Float64()
		b.B[i/n] += b.A[i]
	}
	for i := range b.P {
		if rng.IntN(16) < 1 {
			b.P[i] = -1
		}
	}
	up := &qp.Point{Z: make([]float64, size*n)}
	for i := range up.Z {
		up.Z[i] = rng.NormFloat64()
	}
	return qp.Shape{N: n, NEq: p, Q: qp.Diagonal, Sides: qp.Lower}, b, up
}

// BenchmarkForwardBackward measures a solve and its first derivative, with respect to
// all data: calls, with their transfers, and kernels alone, on data that are on the
// device, as metrics kernel-forward-ms and kernel-backward-ms (medians).
func BenchmarkForwardBackward(b *testing.B) {
	e := benchDevice(b)
	for _, c := range []struct{ n, m, p, size int }{
		{10, 10, 5, 128}, {10, 10, 5, 1024}, {64, 64, 40, 128}, {64, 64, 40, 1024},
		{100, 100, 50, 128}, {100, 100, 50, 1024}, {200, 200, 50, 128}, {300, 300, 100, 64},
		{500, 500, 100, 1}, {500, 500, 100, 16}, {500, 500, 100, 64}, {1000, 1000, 200, 1}, {1000, 1000, 200, 16},
	} {
		b.Run(fmt.Sprintf("n=%d/m=%d/p=%d/batch=%d", c.n, c.m, c.p, c.size), func(b *testing.B) {
			sh, batch, up := profile(c.n, c.m, c.p, c.size)
			measure(b, e, sh, batch, up)
		})
	}
	// The same with factors of iterations in float32.
	mixed := &Engine{gpus: e.gpus, mixed: true}
	for _, c := range []struct{ n, m, p, size int }{{64, 64, 40, 128}, {64, 64, 40, 1024}, {100, 100, 50, 128}, {100, 100, 50, 1024}} {
		b.Run(fmt.Sprintf("mixed/n=%d/m=%d/p=%d/batch=%d", c.n, c.m, c.p, c.size), func(b *testing.B) {
			sh, batch, up := profile(c.n, c.m, c.p, c.size)
			measure(b, mixed, sh, batch, up)
		})
	}
	b.Run("sudoku/batch=150", func(b *testing.B) {
		sh, batch, up := sudoku(150)
		measure(b, e, sh, batch, up)
	})
}

func measure(b *testing.B, e *Engine, sh qp.Shape, batch *qp.Batch, up *qp.Point) {
	v, err := qp.NewSolver(sh, &qp.Options{Engine: e})
	if err != nil {
		b.Fatal(err)
	}
	p, err := newPlan(e, v.Shape(), &qp.Options{EpsAbs: 1e-8, EpsRel: 1e-8, MaxIter: 100, Workers: 2})
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	before := e.Handed()
	var x qp.Solution
	var g qp.Gradient
	defer x.Close()
	if err := v.Solve(ctx, &x, batch); err != nil {
		b.Fatal(err)
	}
	if err := qptest.Check(sh, batch, &x, 1e-8, 1e-8); err != nil {
		b.Fatal(err)
	}
	if err := x.Err(); err != nil {
		b.Fatal(err)
	}
	iterations := 0
	for _, info := range x.Info {
		iterations += info.Iterations
	}
	// The kernels, on a state of their own.
	d, err := newState(p)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	y := qp.Solution{Info: make([]qp.Info, batch.Size), Want: qp.OutFactors}
	one := d.parts[0]
	if err := one.on(func() (err error) {
		one.timed = true
		if one.marks[0], err = one.NewEvent(true); err == nil {
			one.marks[1], err = one.NewEvent(true)
		}
		return err
	}); err != nil {
		b.Fatal(err)
	}
	y.Rays = qp.Point{
		Z: make([]float64, batch.Size*sh.N), Nu: make([]float64, batch.Size*sh.NEq),
		Lambda: make([]float64, batch.Size*sh.NIneq), Mu: make([]float64, batch.Size*sh.N),
	}
	var forward, backward []float64
	kept := *batch
	for k := range 12 {
		if k == 1 {
			kept = qp.Batch{Size: batch.Size, Keep: ^qp.Coef(0)}
		}
		one.staged, one.millis = false, 0
		if err := d.Solve(ctx, &y, &kept); err != nil {
			b.Fatal(err)
		}
		forward = append(forward, one.millis)
		one.millis = 0
		h := qp.Gradient{Data: g.Data, Certs: make([]qp.Certificate, batch.Size)}
		for k := range coefs {
			*coefs[k].of(&h.Data) = grow(*coefs[k].of(&h.Data), len(*coefs[k].of(&batch.Data)))
		}
		if err := d.VJP(ctx, &h, up); err != nil {
			b.Fatal(err)
		}
		g.Data = h.Data
		backward = append(backward, one.millis)
	}
	handed := e.Handed()
	var solving, deriving []float64
	b.ReportAllocs()
	for b.Loop() {
		t := time.Now()
		if err := v.Solve(ctx, &x, batch); err != nil {
			b.Fatal(err)
		}
		solving = append(solving, time.Since(t).Seconds()*1e3)
		t = time.Now()
		if err := x.VJP(ctx, &g, up); err != nil {
			b.Fatal(err)
		}
		deriving = append(deriving, time.Since(t).Seconds()*1e3)
	}
	b.ReportMetric(median(forward[2:]), "kernel-forward-ms")
	b.ReportMetric(median(backward[2:]), "kernel-backward-ms")
	b.ReportMetric(median(solving), "call-forward-ms")
	b.ReportMetric(median(deriving), "call-backward-ms")
	b.ReportMetric(float64(iterations)/float64(batch.Size), "iterations")
	b.ReportMetric(100*float64(handed.Solves-before.Solves)/float64(handed.Elements-before.Elements), "%handed")
	if e.mixed {
		b.ReportMetric(100*float64(handed.Fell-before.Fell)/float64(max(1, handed.Mixed-before.Mixed)), "%fell")
	}
	b.ReportMetric(100*float64(handed.Derivatives-before.Derivatives)/float64(max(1, handed.Derived-before.Derived)), "%derivatives-handed")
}

func median(x []float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	return x[len(x)/2]
}

// benchDevice is a GPU; with -short, the emulated device, to see that this works. With
// OPTNET_UNPINNED=1 the driver does all copying, before and after the kernels.
func benchDevice(b *testing.B) *Engine {
	e := emulatedOr(b)
	if os.Getenv("OPTNET_UNPINNED") == "1" {
		e.unpinned()
		for _, g := range e.gpus {
			g.stretch = math.MaxInt
		}
	}
	return e
}

func emulatedOr(b *testing.B) *Engine {
	if testing.Short() {
		return emulated(b)
	}
	return device(b)
}
