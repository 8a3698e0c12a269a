package dense

// Matrices are the callers' own, so a wrong size is a mistake in this module
// and panics; the strings are constants to keep the checks cheap.
const (
	badSize   = "dense: negative size"
	badStride = "dense: leading dimension too small"
	short     = "dense: slice too short"
	unequal   = "dense: lengths differ"
)

// checkPadded panics unless a can hold m padded rows of n columns.
func checkPadded(m, n int, a []float64, ld int) {
	if m < 0 || n < 0 {
		panic(badSize)
	}
	if ld < width(n) {
		panic(badStride)
	}
	if len(a) < m*ld {
		panic(short)
	}
}

// checkPlain panics unless a can hold m rows of n columns without padding.
func checkPlain(m, n int, a []float64, ld int) {
	if m < 0 || n < 0 {
		panic(badSize)
	}
	if ld < n {
		panic(badStride)
	}
	if m > 0 && len(a) < (m-1)*ld+n {
		panic(short)
	}
}

func checkVector(n int, x []float64) {
	if len(x) < n {
		panic(short)
	}
}

// Syrk adds the symmetric product Aᵀ diag(d) A to the upper triangle of C:
//
//	for i := range n {
//		for j := i; j < n; j++ {
//			s := 0.0
//			for k := range m {
//				s += (d[k] * a[k*lda+i]) * a[k*lda+j]
//			}
//			c[i*ldc+j] += s
//		}
//	}
//
// A is m×n, C is n×n, and a nil d means ones. Below the diagonal, entries of
// the 4×4 blocks on it may also receive their sums; nothing else there is
// touched. If d is not nil, work holds SyrkWork(m) elements for panels of
// diag(d)·A, and their contents on entry do not matter.
func Syrk(n, m int, a []float64, lda int, d []float64, c []float64, ldc int, work []float64) {
	checkPadded(m, n, a, lda)
	checkPadded(n, n, c, ldc)
	if d != nil {
		checkVector(m, d)
		checkVector(SyrkWork(m), work)
	}
	if n == 0 || m == 0 {
		return
	}
	syrk(n, m, a, lda, d, c, ldc, work)
}

// SyrkWork returns the number of elements of work that Syrk needs.
func SyrkWork(m int) int { return 8 * m }

// GemmTN adds a multiple of AᵀB to C:
//
//	for i := range m {
//		for j := range n {
//			s := 0.0
//			for l := range k {
//				s += a[l*lda+i] * b[l*ldb+j]
//			}
//			c[i*ldc+j] += alpha * s
//		}
//	}
//
// A is k×m, B is k×n, C is m×n. A and B may be the same.
func GemmTN(m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, c []float64, ldc int) {
	checkPadded(k, m, a, lda)
	checkPadded(k, n, b, ldb)
	checkPadded(m, n, c, ldc)
	if m == 0 || n == 0 || k == 0 {
		return
	}
	gemmTN(m, n, k, alpha, a, lda, b, ldb, c, ldc)
}

// Cholesky factors A = UᵀU, n×n, in place, by blocks of four rows. Row i of
// the block that begins at f = i &^ 3 and ends before g = min(f+4, n) is
//
//	for j := i; j < n; j++ {
//		for l := range f {
//			a[i*lda+j] -= a[l*lda+i] * a[l*lda+j]
//		}
//	}
//
// and then, for i from f to g-1,
//
//	d := a[i*lda+i]
//	if pivot != nil {
//		d = pivot(i, d)
//	}
//	e := 1 / d
//	if !(0 < e && e < +Inf) {
//		return i
//	}
//	for p := i + 1; p < g; p++ {
//		m := a[i*lda+p] * e
//		for j := p; j < g; j++ {
//			a[p*lda+j] -= m * a[i*lda+j]
//		}
//	}
//	inv[i] = math.Sqrt(e)
//	a[i*lda+i] = d
//	for j := i; j < n; j++ {
//		a[i*lda+j] *= inv[i]
//	}
//	for p := i + 1; p < g; p++ {
//		for j := g; j < n; j++ {
//			a[p*lda+j] -= a[i*lda+p] * a[i*lda+j]
//		}
//	}
//
// with -1 returned in the end. Within the 4×4 block the reciprocal of a pivot
// does the work, so that no pivot waits for a square root.
//
// Only the upper triangle is read. What lies below the diagonal afterwards is
// unspecified, as is all of A and inv if the factorization ended early, but
// the padding holds zeros. The hook pivot, which may be nil, is called once
// for each row, in ascending order, with the pivot found, and returns the one
// to use: the place for regularization.
func Cholesky(n int, a []float64, lda int, inv []float64, pivot func(i int, d float64) float64) int {
	checkPadded(n, n, a, lda)
	checkVector(n, inv)
	if n == 0 {
		return -1
	}
	return cholesky(n, a, lda, inv, pivot)
}

// SolveUT overwrites x with U⁻ᵀ x:
//
//	for i := range n {
//		s := x[i]
//		for j := range i {
//			s -= u[j*ldu+i] * x[j]
//		}
//		x[i] = s * inv[i]
//	}
//
// U and inv are as Cholesky leaves them; nothing below the diagonal matters.
func SolveUT(n int, u []float64, ldu int, inv, x []float64) {
	checkPadded(n, n, u, ldu)
	checkVector(n, inv)
	checkVector(n, x)
	if n == 0 {
		return
	}
	solveUT(n, u, ldu, inv, x)
}

// SolveU overwrites x with U⁻¹ x:
//
//	for i := n - 1; i >= 0; i-- {
//		near := min(i&^3+8, n)
//		var s [4]float64
//		for j := n - 1; j >= near; j-- {
//			s[j%4] += u[i*ldu+j] * x[j]
//		}
//		r := x[i] - ((s[0] + s[1]) + (s[2] + s[3]))
//		for j := near - 1; j > i; j-- {
//			r -= u[i*ldu+j] * x[j]
//		}
//		x[i] = r * inv[i]
//	}
//
// The four chains need no transposition of U, but a sum in the end: they are
// for the unknowns that have been known for a while, and the single chain is
// for those found last.
func SolveU(n int, u []float64, ldu int, inv, x []float64) {
	checkPadded(n, n, u, ldu)
	checkVector(n, inv)
	checkVector(n, x)
	if n == 0 {
		return
	}
	solveU(n, u, ldu, inv, x)
}

// SolveUTMany overwrites X, n×r, with U⁻ᵀ X: SolveUT for each column, with
// the same bits.
func SolveUTMany(n, r int, u []float64, ldu int, inv []float64, x []float64, ldx int) {
	checkPadded(n, n, u, ldu)
	checkVector(n, inv)
	checkPadded(n, r, x, ldx)
	if n == 0 || r == 0 {
		return
	}
	solveUTMany(n, r, u, ldu, inv, x, ldx)
}
