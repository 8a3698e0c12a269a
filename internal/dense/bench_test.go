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

var benchSizes = []int{10, 20, 32, 50, 64, 100, 128, 200, 256, 500}

// benchEach runs bench for each kernel set and size.
func benchEach(b *testing.B, sizes []int, bench func(b *testing.B, r *rand.Rand, n int)) {
	for _, set := range kernelSets() {
		for _, n := range sizes {
			b.Run(fmt.Sprintf("%s/n=%d", set.name, n), func(b *testing.B) {
				defer set.use()()
				bench(b, rand.New(rand.NewPCG(1, 1)), n)
			})
		}
	}
}

func BenchmarkSyrk(b *testing.B) {
	benchEach(b, benchSizes, func(b *testing.B, r *rand.Rand, n int) {
		a, c, d, work := randomMatrix(r, n, n), newMatrix(n, n), randomVector(r, n), make([]float64, SyrkWork(n))
		gflops(b, n*(n+1)*n, func() { Syrk(n, n, a.a, a.ld, d, c.a, c.ld, work) })
	})
}

func BenchmarkSyrkPlain(b *testing.B) {
	benchEach(b, benchSizes, func(b *testing.B, r *rand.Rand, n int) {
		a, c := randomMatrix(r, n, n), newMatrix(n, n)
		gflops(b, n*(n+1)*n, func() { Syrk(n, n, a.a, a.ld, nil, c.a, c.ld, nil) })
	})
}

func BenchmarkGemmTN(b *testing.B) {
	benchEach(b, benchSizes, func(b *testing.B, r *rand.Rand, n int) {
		x, y, c := randomMatrix(r, n, n), randomMatrix(r, n, n), newMatrix(n, n)
		gflops(b, 2*n*n*n, func() { GemmTN(n, n, n, 1, x.a, x.ld, y.a, y.ld, c.a, c.ld) })
	})
}

// BenchmarkCholesky includes copying the matrix to be factored.
func BenchmarkCholesky(b *testing.B) {
	benchCholesky(b, nil)
}

func BenchmarkCholeskyHook(b *testing.B) {
	benchCholesky(b, func(_ int, d float64) float64 { return d })
}

func benchCholesky(b *testing.B, pivot func(int, float64) float64) {
	benchEach(b, benchSizes, func(b *testing.B, r *rand.Rand, n int) {
		p, u, inv := positive(r, n), newMatrix(n, n), make([]float64, n)
		gflops(b, n*n*n/3, func() {
			copy(u.a, p.a)
			Cholesky(n, u.a, u.ld, inv, pivot)
		})
	})
}

// BenchmarkSolve is a forward and a backward solve, including the copy of the
// right-hand side.
func BenchmarkSolve(b *testing.B) {
	benchEach(b, benchSizes, func(b *testing.B, r *rand.Rand, n int) {
		u, inv, x, y := positive(r, n), make([]float64, n), randomVector(r, n), make([]float64, n)
		Cholesky(n, u.a, u.ld, inv, nil)
		gflops(b, 2*n*n, func() {
			copy(y, x)
			SolveUT(n, u.a, u.ld, inv, y)
			SolveU(n, u.a, u.ld, inv, y)
		})
	})
}

func BenchmarkSolveUTMany(b *testing.B) {
	benchEach(b, benchSizes, func(b *testing.B, r *rand.Rand, n int) {
		u, inv, x, y := positive(r, n), make([]float64, n), randomMatrix(r, n, n), newMatrix(n, n)
		Cholesky(n, u.a, u.ld, inv, nil)
		gflops(b, n*n*n, func() {
			copy(y.a, x.a)
			SolveUTMany(n, n, u.a, u.ld, inv, y.a, y.ld)
		})
	})
}

func BenchmarkGemv(b *testing.B) {
	benchVector(b, Gemv)
}

func BenchmarkGemvT(b *testing.B) {
	benchVector(b, GemvT)
}

func benchVector(b *testing.B, product func(m, n int, alpha float64, a []float64, lda int, x, y []float64)) {
	benchEach(b, benchSizes, func(b *testing.B, r *rand.Rand, n int) {
		a, x, y := randomMatrix(r, n, n), randomVector(r, n), make([]float64, n)
		gflops(b, 2*n*n, func() { product(n, n, 1e-3, a.a, a.ld, x, y) })
	})
}

func BenchmarkDot(b *testing.B) {
	benchEach(b, benchSizes, func(b *testing.B, r *rand.Rand, n int) {
		x, y, s := randomVector(r, n), randomVector(r, n), 0.0
		gflops(b, 2*n, func() { s += Dot(x, y) })
		if s == 1 {
			b.Log(s)
		}
	})
}

func BenchmarkAxpy(b *testing.B) {
	benchEach(b, benchSizes, func(b *testing.B, r *rand.Rand, n int) {
		x, y := randomVector(r, n), randomVector(r, n)
		gflops(b, 2*n, func() { Axpy(1e-9, x, y) })
	})
}

// BenchmarkNormInf and BenchmarkTranspose count one operation for each entry.
func BenchmarkNormInf(b *testing.B) {
	benchEach(b, benchSizes, func(b *testing.B, r *rand.Rand, n int) {
		x, s := randomVector(r, n), 0.0
		gflops(b, n, func() { s += NormInf(x) })
		if s == 0 {
			b.Log(s)
		}
	})
}

func BenchmarkTranspose(b *testing.B) {
	benchEach(b, benchSizes, func(b *testing.B, r *rand.Rand, n int) {
		x, y := randomMatrix(r, n, n), newMatrix(n, n)
		gflops(b, n*n, func() { Transpose(n, n, x.a, x.ld, y.a, y.ld) })
	})
}
