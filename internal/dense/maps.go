package dense

// The functions below go once over vectors of the same length.

// Scale sets y to a multiple of x: y[i] = alpha*x[i].
func Scale(alpha float64, x, y []float64) {
	if len(x) != len(y) {
		panic(unequal)
	}
	scale(alpha, x, y)
}

// Sub sets z to a difference: z[i] = x[i] - y[i].
func Sub(x, y, z []float64) {
	if n := len(x); len(y) != n || len(z) != n {
		panic(unequal)
	}
	sub(x, y, z)
}

// MulDiff sets z[i] = d[i] * (x[i] - y[i]).
func MulDiff(d, x, y, z []float64) {
	if n := len(d); len(x) != n || len(y) != n || len(z) != n {
		panic(unequal)
	}
	mulDiff(d, x, y, z)
}

// MulAdd adds products: z[i] += d[i]*x[i].
func MulAdd(d, x, z []float64) {
	if n := len(d); len(x) != n || len(z) != n {
		panic(unequal)
	}
	mulAdd(d, x, z)
}

// MulSum sets z to a sum of products: z[i] = a[i]*x[i] + b[i]*y[i].
func MulSum(a, x, b, y, z []float64) {
	if n := len(a); len(x) != n || len(b) != n || len(y) != n || len(z) != n {
		panic(unequal)
	}
	mulSum(a, x, b, y, z)
}

// MaxAbs raises y to a multiple of |x|: y[i] = max(y[i], alpha*|x[i]|), for
// numbers only.
func MaxAbs(alpha float64, x, y []float64) {
	if len(x) != len(y) {
		panic(unequal)
	}
	maxAbs(alpha, x, y)
}

// MaxAbsRows raises y to the largest |entry| of each column of A, m×n, for numbers
// only: MaxAbs with 1 for all rows.
func MaxAbsRows(m, n int, a []float64, lda int, y []float64) {
	checkPlain(m, n, a, lda)
	checkVector(n, y)
	if m > 0 && n > 0 {
		maxAbsRows(m, n, a, lda, y)
	}
}

// Outer sets Z, m×n without padding, to a sum of two outer products, or adds it:
//
//	for i := range m {
//		for j := range n {
//			z[i*n+j] = 0 + (u[i]*x[j] + v[i]*y[j])
//		}
//	}
//
// Both products are rounded, so that the two pairs may change places.
func Outer(m, n int, u, x, v, y, z []float64, add bool) {
	checkVector(m, u)
	checkVector(n, x)
	checkVector(m, v)
	checkVector(n, y)
	checkPlain(m, n, z, n)
	if m > 0 && n > 0 {
		outer(m, n, u, x, v, y, z, add)
	}
}

// BoundStep completes the solution with a diagonal H = Q + D, where c is Aᵀν:
//
//	z = y[i] - h[i]*c[i]
//	if d[i] > q[i] { // no cancellation where the bound is nearly active
//		lam[i] = (rz[i] - q[i]*z) - c[i]
//	} else {
//		lam[i] = d[i] * (z - lam[i])
//	}
//	rz[i] = z
func BoundStep(q, d, h, y, c, rz, lam []float64) {
	n := len(q)
	if len(d) != n || len(h) != n || len(y) != n || len(c) != n || len(rz) != n || len(lam) != n {
		panic(unequal)
	}
	boundStep(q, d, h, y, c, rz, lam)
}
