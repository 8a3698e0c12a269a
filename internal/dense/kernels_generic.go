//go:build !amd64 || noasm

package dense

// Kernels names the family of kernels in use: avx512, avx2 or go.
func Kernels() string { return "go" }

// Where there are no twins in assembly, the exported functions call the
// reference through the names below.

func syrk(n, m int, a []float64, lda int, d []float64, c []float64, ldc int, work []float64) {
	syrkGo(n, m, a, lda, d, c, ldc, work)
}

func gemmTN(m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, c []float64, ldc int) {
	gemmTNGo(m, n, k, alpha, a, lda, b, ldb, c, ldc)
}

func cholesky(n int, a []float64, lda int, inv []float64, pivot func(int, float64) float64) int {
	return choleskyGo(n, a, lda, inv, pivot)
}

func solveUT(n int, u []float64, ldu int, inv, x []float64) { solveUTGo(n, u, ldu, inv, x) }

func solveU(n int, u []float64, ldu int, inv, x []float64) { solveUGo(n, u, ldu, inv, x) }

func solveUTMany(n, r int, u []float64, ldu int, inv []float64, x []float64, ldx int) {
	solveUTManyGo(n, r, u, ldu, inv, x, ldx)
}

func gemv(m, n int, alpha float64, a []float64, lda int, x, y []float64) {
	gemvGo(m, n, alpha, a, lda, x, y)
}

func gemvT(m, n int, alpha float64, a []float64, lda int, x, y []float64) {
	gemvTGo(m, n, alpha, a, lda, x, y)
}

func transpose(m, n int, a []float64, lda int, b []float64, ldb int) {
	transposeGo(m, n, a, lda, b, ldb)
}

func dot(x, y []float64) float64 { return dotGo(x, y) }

func axpy(alpha float64, x, y []float64) { axpyGo(alpha, x, y) }

func normInf(x []float64) float64 { return normInfGo(x) }
