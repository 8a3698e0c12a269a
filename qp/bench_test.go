package qp_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/optnet-go/optnet/qp"
)

// optnetBatch is a batch of distinct random QPs in the manner of OptNet's
// profile: Q = LLᵀ + 1e-3·I with L uniform, the rest normal, h = Gz₀ + s₀.
func optnetBatch(n, m, p, size int) (qp.Shape, *qp.Batch) {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	normal := func(k int) []float64 {
		x := make([]float64, k)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		return x
	}
	dot := func(x, y []float64) float64 {
		s := 0.0
		for i, v := range x {
			s += v * y[i]
		}
		return s
	}
	b := &qp.Batch{Size: size}
	for range size {
		l := make([]float64, n*n)
		for i := range l {
			l[i] = rng.Float64()
		}
		q := make([]float64, n*n)
		for i := range n {
			for j := range n {
				q[i*n+j] = dot(l[i*n:(i+1)*n], l[j*n:(j+1)*n])
			}
			q[i*n+i] += 1e-3
		}
		g, a, z := normal(m*n), normal(p*n), normal(n)
		b.Q, b.P, b.G, b.A = append(b.Q, q...), append(b.P, normal(n)...), append(b.G, g...), append(b.A, a...)
		for i := range m {
			b.H = append(b.H, dot(g[i*n:(i+1)*n], z)+rng.Float64())
		}
		for i := range p {
			b.B = append(b.B, dot(a[i*n:(i+1)*n], z))
		}
	}
	return qp.Shape{N: n, NEq: p, NIneq: m}, b
}

// sudokuBatch is the layer of the mini-Sudoku experiment: Q = 0.1·I, z ≥ 0, and
// 40 shared equalities, in the middle of its training.
func sudokuBatch(size int) (qp.Shape, *qp.Batch) {
	const n, p = 64, 40
	rng := rand.New(rand.NewPCG(2, 3))
	b := &qp.Batch{Size: size, Data: qp.Data{
		Q: make([]float64, n), L: make([]float64, n), A: make([]float64, p*n), B: make([]float64, p), P: make([]float64, size*n),
	}}
	for j := range b.Q {
		b.Q[j] = 0.1
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
	return qp.Shape{N: n, NEq: p, Q: qp.Diagonal, Sides: qp.Lower}, b
}

type benchmark struct {
	name string
	sh   qp.Shape
	b    *qp.Batch
}

func benchmarks() []benchmark {
	var all []benchmark
	for _, c := range [...]struct{ n, m, p, size int }{
		{10, 10, 5, 1}, {10, 10, 5, 128}, {20, 20, 10, 128}, {50, 50, 25, 128}, {64, 64, 40, 128}, {100, 100, 50, 1}, {100, 100, 50, 128}, {200, 200, 50, 128},
	} {
		sh, b := optnetBatch(c.n, c.m, c.p, c.size)
		all = append(all, benchmark{fmt.Sprintf("n=%d/m=%d/p=%d/batch=%d", c.n, c.m, c.p, c.size), sh, b})
	}
	sh, b := sudokuBatch(150)
	return append(all, benchmark{"sudoku/batch=150", sh, b})
}

func run(b *testing.B, forward, backward bool) {
	for _, c := range benchmarks() {
		b.Run(c.name, func(b *testing.B) {
			s, err := qp.NewSolver(c.sh, nil)
			if err != nil {
				b.Fatal(err)
			}
			ctx := context.Background()
			var x qp.Solution
			var g qp.Gradient
			solve := func() {
				if err := s.Solve(ctx, &x, c.b); err != nil {
					b.Fatal(err)
				}
			}
			solve()
			if err := x.Err(); err != nil {
				b.Fatal(err)
			}
			iterations := 0
			for _, info := range x.Info {
				iterations += info.Iterations
			}
			rng := rand.New(rand.NewPCG(4, 5))
			up := &qp.Point{Z: make([]float64, len(x.Z))}
			for i := range up.Z {
				up.Z[i] = rng.NormFloat64()
			}
			derive := func() {
				if err := x.VJP(ctx, &g, up); err != nil {
					b.Fatal(err)
				}
			}
			derive()
			b.ReportAllocs()
			for b.Loop() {
				if forward {
					solve()
				} else {
					// The first derivative of a solution polishes it; a training
					// step pays for that.
					b.StopTimer()
					solve()
					b.StartTimer()
				}
				if backward {
					derive()
				}
			}
			b.ReportMetric(float64(iterations)/float64(c.b.Size), "iterations")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.b.Size), "ns/element")
		})
	}
}

func BenchmarkForward(b *testing.B)         { run(b, true, false) }
func BenchmarkBackward(b *testing.B)        { run(b, false, true) }
func BenchmarkForwardBackward(b *testing.B) { run(b, true, true) }
