// Package dense holds the float64 kernels under the solvers: products,
// Cholesky factorization, triangular solves and vector operations, tuned for
// matrices of a few rows up to a few hundred: a reference in Go, and twins in
// assembly.
//
// # Layout
//
// A matrix is a slice in row-major order with a leading dimension ld: entry
// (i, j) is a[i*ld+j], and a matrix of m rows has at least m*ld elements. A
// factor is the upper triangle U of A = UᵀU. Rows are then what every hot
// operation walks along, and one product, C += AᵀB, which broadcasts entries
// of a row of A against a piece of a row of B, serves the symmetric update,
// the factorization, the solves with many right-hand sides and the Schur
// complement.
//
// Rows are padded. Columns n to ld of a matrix of n columns hold zeros up to
// n rounded up to a multiple of 8, and ld is at least that; [Stride] gives
// the ld to use. A kernel may read the padding, and may write zeros to it, so
// no kernel needs a mask for the last columns. (With infinite or NaN data the
// zeros may become NaN; no entry within the n columns ever depends on them.)
// There is no padding below the last row, and none in vectors. Exceptions,
// which never touch columns beyond the last, are [Copy] and [Transpose]: they
// serve data as users hold it.
//
// # Order of operations
//
// The bits of a result do not depend on where an entry falls within a tile,
// nor on how large the matrix around it is:
//
//   - An entry of a matrix product is s = 0; s += x[k]*y[k] in ascending k,
//     one chain; then C += alpha*s (C += s in Syrk). Syrk takes
//     x[k] = d[k]*a[k,i] with i ≤ j.
//   - An entry of U⁻ᵀB is s = b; s -= u*x over the entries already known, in
//     ascending order; then s*inv. One right-hand side and many give the same
//     bits, and so do the entries of the factor to the right of the 4×4 blocks
//     on its diagonal. Within those, [Cholesky] says what is done.
//   - An entry of U⁻¹b is made in descending order; see [SolveU].
//   - GemvT adds its terms, (alpha*x[k])*a[k,j], to the entry itself, in
//     ascending k.
//   - Dot, a row of Gemv and the sum in Norm2 use four chains, of the indices
//     equal to 0, 1, 2, 3 modulo 4, ascending, added as (s0+s1)+(s2+s3).
//
// # Kernels
//
// On amd64 with AVX2 and FMA, or with AVX-512 as well, generated assembly
// takes the place of the Go reference. There every s += x*y, s -= x*y and
// y += alpha*s above and in the comments of the functions rounds once, as
// math.FMA does (but for the scaled sum of Norm2). Both instruction sets give
// the same bits; [Kernels] names the one in use. The build tag noasm leaves
// only the reference.
//
// In the reference, some compilers fuse x*y+z into one rounding (arm64,
// GOAMD64=v3). All products then still go through one loop, so an entry does
// not depend on its position or on the size of the matrix; but which other
// statements are fused is the compiler's choice, and the bits of the loops
// above are not promised.
//
// # Arguments
//
// Sizes of zero are legal and do nothing. The exported functions check sizes
// against lengths once and panic with a constant string; the kernels under
// them check nothing. Unless said otherwise the slices of one call must not
// overlap. Nothing but [Alloc] allocates.
package dense

import "unsafe"

// Stride returns the leading dimension for n columns: n rounded up to a
// multiple of 8, that is of one cache line, and from n = 64 on an odd
// multiple, so that the rows of a column panel spread over all sets of the
// cache.
func Stride(n int) int {
	ld := width(n)
	if n >= 64 {
		ld |= 8
	}
	return ld
}

// width is n with its padding.
func width(n int) int { return (n + 7) &^ 7 }

// Alloc returns n zeros that start on a cache line.
func Alloc(n int) []float64 {
	if n == 0 {
		return nil
	}
	const line = 64
	s := make([]float64, n+line/8-1)
	skip := int(-uintptr(unsafe.Pointer(&s[0]))%line) / 8
	return s[skip : skip+n : skip+n]
}
