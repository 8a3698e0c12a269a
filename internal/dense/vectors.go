package dense

// Gemv adds a multiple of A x to y, A m×n:
//
//	for i := range m {
//		y[i] += alpha * Dot(a[i*lda:i*lda+n], x[:n])
//	}
func Gemv(m, n int, alpha float64, a []float64, lda int, x, y []float64) {
	checkPadded(m, n, a, lda)
	checkVector(n, x)
	checkVector(m, y)
	if m == 0 || n == 0 {
		return
	}
	gemv(m, n, alpha, a, lda, x, y)
}

// GemvT adds a multiple of Aᵀx to y, A m×n:
//
//	for k := range m {
//		Axpy(alpha*x[k], a[k*lda:k*lda+n], y)
//	}
func GemvT(m, n int, alpha float64, a []float64, lda int, x, y []float64) {
	checkPadded(m, n, a, lda)
	checkVector(m, x)
	checkVector(n, y)
	if m == 0 || n == 0 {
		return
	}
	gemvT(m, n, alpha, a, lda, x, y)
}

// Transpose writes the transpose of A, m×n, to B:
//
//	for i := range m {
//		for j := range n {
//			b[j*ldb+i] = a[i*lda+j]
//		}
//	}
//
// Neither needs padding, and the padding of B is not written.
func Transpose(m, n int, a []float64, lda int, b []float64, ldb int) {
	checkPlain(m, n, a, lda)
	checkPlain(n, m, b, ldb)
	transpose(m, n, a, lda, b, ldb)
}

// Copy writes A, m×n, to B:
//
//	for i := range m {
//		copy(b[i*ldb:i*ldb+n], a[i*lda:])
//	}
//
// Neither needs padding, and the padding of B is not written.
func Copy(m, n int, a []float64, lda int, b []float64, ldb int) {
	checkPlain(m, n, a, lda)
	checkPlain(m, n, b, ldb)
	copyRows(m, n, a, lda, b, ldb)
}

// Dot returns the inner product of two vectors of the same length:
//
//	var s [4]float64
//	for i, v := range x {
//		s[i%4] += v * y[i]
//	}
//	return (s[0] + s[1]) + (s[2] + s[3])
func Dot(x, y []float64) float64 {
	if len(x) != len(y) {
		panic(unequal)
	}
	return dot(x, y)
}

// Axpy adds a multiple of x to y, of the same length:
//
//	for i, v := range x {
//		y[i] += alpha * v
//	}
func Axpy(alpha float64, x, y []float64) {
	if len(x) != len(y) {
		panic(unequal)
	}
	axpy(alpha, x, y)
}

// NormInf returns the largest absolute value in x, 0 if x is empty, NaN if
// any entry is NaN.
func NormInf(x []float64) float64 { return normInf(x) }

// Norm2 returns the Euclidean norm of x,
//
//	math.Sqrt(Dot(x, x))
//
// computed on x scaled by a power of two if the sum would overflow or lose
// bits to underflow.
func Norm2(x []float64) float64 { return norm2(x) }
