package dense

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// gflops runs op and reports its speed for the given number of operations.
func gflops(b *testing.B, flops int, op func()) {
	b.ReportAllocs()
	for b.Loop() {
		op()
	}
	b.ReportMetric(float64(flops)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
}

var benchSizes = []int{10, 20, 32, 40, 50, 64, 100, 200}

func BenchmarkSyrk(b *testing.B) {
	for _, s := range [][2]int{{10, 10}, {20, 20}, {32, 32}, {40, 64}, {50, 50}, {64, 64}, {100, 100}, {100, 200}, {200, 200}} {
		n, m := s[0], s[1]
		b.Run(fmt.Sprintf("n=%d/m=%d", n, m), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			a, c, d, work := randomMatrix(r, m, n), newMatrix(n, n), randomVector(r, m), make([]float64, SyrkWork(m))
			gflops(b, n*(n+1)*m, func() { Syrk(n, m, a.a, a.ld, d, c.a, c.ld, work) })
		})
	}
}

func BenchmarkSyrkPlain(b *testing.B) {
	for _, s := range [][2]int{{40, 64}, {100, 100}} {
		n, m := s[0], s[1]
		b.Run(fmt.Sprintf("n=%d/m=%d", n, m), func(b *testing.B) {
			a, c := randomMatrix(rand.New(rand.NewPCG(1, 1)), m, n), newMatrix(n, n)
			gflops(b, n*(n+1)*m, func() { Syrk(n, m, a.a, a.ld, nil, c.a, c.ld, nil) })
		})
	}
}

func BenchmarkGemmTN(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			x, y, c := randomMatrix(r, n, n), randomMatrix(r, n, n), newMatrix(n, n)
			gflops(b, 2*n*n*n, func() { GemmTN(n, n, n, 1, x.a, x.ld, y.a, y.ld, c.a, c.ld) })
		})
	}
}

// BenchmarkCholesky includes copying the matrix to be factored.
func BenchmarkCholesky(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			p := positive(rand.New(rand.NewPCG(1, 1)), n)
			u, inv := newMatrix(n, n), make([]float64, n)
			gflops(b, n*n*n/3, func() {
				copy(u.a, p.a)
				Cholesky(n, u.a, u.ld, inv, nil)
			})
		})
	}
}

// BenchmarkSolve is a forward and a backward solve, including the copy of the
// right-hand side.
func BenchmarkSolve(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			u, inv, x, y := positive(r, n), make([]float64, n), randomVector(r, n), make([]float64, n)
			Cholesky(n, u.a, u.ld, inv, nil)
			gflops(b, 2*n*n, func() {
				copy(y, x)
				SolveUT(n, u.a, u.ld, inv, y)
				SolveU(n, u.a, u.ld, inv, y)
			})
		})
	}
}

func BenchmarkSolveUTMany(b *testing.B) {
	for _, s := range [][2]int{{10, 10}, {40, 40}, {64, 40}, {100, 8}, {100, 100}} {
		n, cols := s[0], s[1]
		b.Run(fmt.Sprintf("n=%d/r=%d", n, cols), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			u, inv, x, y := positive(r, n), make([]float64, n), randomMatrix(r, n, cols), newMatrix(n, cols)
			Cholesky(n, u.a, u.ld, inv, nil)
			gflops(b, n*n*cols, func() {
				copy(y.a, x.a)
				SolveUTMany(n, cols, u.a, u.ld, inv, y.a, y.ld)
			})
		})
	}
}

func BenchmarkGemv(b *testing.B) {
	benchVector(b, Gemv)
}

func BenchmarkGemvT(b *testing.B) {
	benchVector(b, GemvT)
}

func benchVector(b *testing.B, product func(m, n int, alpha float64, a []float64, lda int, x, y []float64)) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			a, x, y := randomMatrix(r, n, n), randomVector(r, n), make([]float64, n)
			gflops(b, 2*n*n, func() { product(n, n, 1e-3, a.a, a.ld, x, y) })
		})
	}
}

func BenchmarkDot(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			x, y, s := randomVector(r, n), randomVector(r, n), 0.0
			gflops(b, 2*n, func() { s += Dot(x, y) })
			if s == 1 {
				b.Log(s)
			}
		})
	}
}

func BenchmarkAxpy(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			x, y := randomVector(r, n), randomVector(r, n)
			gflops(b, 2*n, func() { Axpy(1e-9, x, y) })
		})
	}
}

func BenchmarkNormInf(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			x, s := randomVector(rand.New(rand.NewPCG(1, 1)), n), 0.0
			b.ReportAllocs()
			for b.Loop() {
				s += NormInf(x)
			}
			if s == 0 {
				b.Log(s)
			}
		})
	}
}
