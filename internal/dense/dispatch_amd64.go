//go:build !noasm

package dense

import "golang.org/x/sys/cpu"

// A family of kernels.
type family int

const (
	pureGo family = iota
	avx2
	avx512 // and those of AVX2 where they are faster
)

// using is the family in use, chosen once. Only tests change it.
var using = fastest()

func fastest() family {
	switch x := &cpu.X86; {
	case !x.HasAVX2 || !x.HasFMA:
		return pureGo
	case !x.HasAVX512F || !x.HasAVX512VL || !x.HasAVX512DQ:
		return avx2
	}
	return avx512
}

// wide holds the sizes from which on the tiles of AVX-512, 8×24, are taken.
// Below, too much of them is wasted on the rim. Both families give the same bits,
// so this is a matter of speed alone. Only tests change it.
var wide = widest()

type wideFrom struct{ gemm, syrk, cholesky, solve int }

var (
	wholeVectors = wideFrom{gemm: 16, syrk: 20, cholesky: 64, solve: 24}
	halfVectors  = wideFrom{gemm: 128, syrk: 192, cholesky: 256, solve: 160}
)

// widest tells processors that run 512-bit instructions as two halves, and gain
// little by them: AMD's of family 19h (Zen 4). Others have twice the peak.
func widest() wideFrom {
	if using != avx512 {
		return halfVectors // never used
	}
	_, b, c, d := cpuid(0)
	a, _, _, _ := cpuid(1)
	family := a >> 8 & 0xf
	if family == 0xf {
		family += a >> 20 & 0xff
	}
	if b == 0x68747541 && d == 0x69746e65 && c == 0x444d4163 && family == 0x19 { // AuthenticAMD
		return halfVectors
	}
	return wholeVectors
}

// Kernels names the family of kernels in use: avx512, avx2 or go.
func Kernels() string { return [...]string{"go", "avx2", "avx512"}[using] }

// The functions below are what the exported ones call: the one place that
// chooses between the reference and its twins in assembly. All calls are
// direct, so that nothing the callers pass escapes to the heap.

func syrk(n, m int, a []float64, lda int, d []float64, c []float64, ldc int, work []float64) {
	if using == pureGo {
		syrkGo(n, m, a, lda, d, c, ldc, work)
		return
	}
	syrkAsm(n, m, a, lda, d, c, ldc, work, using == avx512 && n >= wide.syrk)
}

func gemmTN(m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, c []float64, ldc int) {
	if using == pureGo {
		gemmTNGo(m, n, k, alpha, a, lda, b, ldb, c, ldc)
		return
	}
	gemmTNAsm(m, n, k, alpha, a, lda, b, ldb, c, ldc, using == avx512 && min(m, n) >= wide.gemm)
}

func cholesky(n int, a []float64, lda int, inv []float64, pivot func(int, float64) float64) int {
	if using == pureGo {
		return choleskyGo(n, a, lda, inv, pivot)
	}
	return choleskyAsm(n, a, lda, inv, pivot, using == avx512 && n >= wide.cholesky)
}

func solveUT(n int, u []float64, ldu int, inv, x []float64) {
	if using == pureGo {
		solveUTGo(n, u, ldu, inv, x)
		return
	}
	solveUTAVX2(n, &u[0], ldu, &inv[0], &x[0])
}

func solveU(n int, u []float64, ldu int, inv, x []float64) {
	if using == pureGo {
		solveUGo(n, u, ldu, inv, x)
		return
	}
	solveUAVX2(n, &u[0], ldu, &inv[0], &x[0])
}

func solveUTMany(n, r int, u []float64, ldu int, inv []float64, x []float64, ldx int) {
	if using == pureGo {
		solveUTManyGo(n, r, u, ldu, inv, x, ldx)
		return
	}
	solveUTManyAsm(n, r, u, ldu, inv, x, ldx, using == avx512 && min(n, r) >= wide.solve)
}

func gemv(m, n int, alpha float64, a []float64, lda int, x, y []float64) {
	if using == pureGo {
		gemvGo(m, n, alpha, a, lda, x, y)
		return
	}
	gemvAVX2(m, n, alpha, &a[0], lda, &x[0], &y[0])
}

func gemvT(m, n int, alpha float64, a []float64, lda int, x, y []float64) {
	if using == pureGo {
		gemvTGo(m, n, alpha, a, lda, x, y)
		return
	}
	gemvTAVX2(m, n, alpha, &a[0], lda, &x[0], &y[0])
}

func transpose(m, n int, a []float64, lda int, b []float64, ldb int) {
	if using == pureGo || m < 4 || n < 4 {
		transposeGo(m, n, a, lda, b, ldb)
		return
	}
	transposeAsm(m, n, a, lda, b, ldb)
}

func dot(x, y []float64) float64 {
	if using == pureGo || len(x) == 0 {
		return dotGo(x, y)
	}
	return dotAVX2(len(x), &x[0], &y[0])
}

func axpy(alpha float64, x, y []float64) {
	if using == pureGo || len(x) == 0 {
		axpyGo(alpha, x, y)
		return
	}
	axpyAVX2(len(x), alpha, &x[0], &y[0])
}

func normInf(x []float64) float64 {
	if using == pureGo || len(x) == 0 {
		return normInfGo(x)
	}
	return normInfAVX2(len(x), &x[0])
}
