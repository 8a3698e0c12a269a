package dense

import (
	"math"
	"unsafe"
)

// choleskyGo works by blocks of four rows. Block row i of A = UᵀU reads
//
//	U_iiᵀ U_ij = A_ij - Σ_{l<i} U_liᵀ U_lj,  j ≥ i:
//
// one product over the rows already known, then a triangle of order four.
func choleskyGo(n int, a []float64, lda int, inv []float64, pivot func(int, float64) float64) int {
	var t tile4
	base := unsafe.Pointer(&a[0])
	for i := 0; i < n; i += 4 {
		rows := min(4, n-i)
		left := unsafe.Add(base, 8*i)
		dot4x4(rows, i, left, 8*lda, 8, left, 8*lda, &t)
		diag := a[i*lda+i:]
		if p := factorBlock(i, rows, diag, lda, inv[i:], pivot, &t); p >= 0 {
			return p
		}
		for j := i + 4; j < n; j += 4 {
			dot4x4(rows, i, left, 8*lda, 8, unsafe.Add(base, 8*j), 8*lda, &t)
			finishUT(rows, min(4, n-j), diag, lda, inv[i:], &t, a[i*lda+j:], lda)
		}
	}
	return -1
}

// factorBlock factors the diagonal block at u, whose first row is row i of
// the matrix; t holds the sums over the rows above. It returns the index of
// the pivot that failed, or -1.
func factorBlock(i, rows int, u []float64, ldu int, inv []float64, pivot func(int, float64) float64, t *tile4) int {
	for p := range rows {
		row := u[p*ldu : p*ldu+rows]
		d := row[p] - t[5*p]
		if pivot != nil {
			d = pivot(i+p, d)
		}
		if !(d > 0 && d <= math.MaxFloat64) {
			return i + p
		}
		s := math.Sqrt(d)
		v := 1 / s
		row[p], inv[p] = s, v
		for q := p + 1; q < rows; q++ {
			row[q] = (row[q] - t[4*p+q]) * v
		}
		for q := p + 1; q < rows; q++ {
			for r := q; r < rows; r++ {
				t[4*q+r] += row[q] * row[r]
			}
		}
	}
	return -1
}

// finishUT ends the chains of rows×cols entries of X = U⁻ᵀ B:
//
//	for p < rows: x[p] = (x[p] - (t[p] + Σ_{q<p} u[q,p]·x[q])) · inv[p]
//
// for each column of X, where u is the diagonal block of U.
func finishUT(rows, cols int, u []float64, ldu int, inv []float64, t *tile4, x []float64, ldx int) {
	if rows < 4 {
		for p := range rows {
			for c := range cols {
				s := t[4*p+c]
				for q := range p {
					s += u[q*ldu+p] * x[q*ldx+c]
				}
				x[p*ldx+c] = (x[p*ldx+c] - s) * inv[p]
			}
		}
		return
	}
	r0, r1, r2 := (*vec4)(u), (*vec4)(u[ldu:]), (*vec4)(u[2*ldu:])
	u01, u02, u03, u12, u13, u23 := r0[1], r0[2], r0[3], r1[2], r1[3], r2[3]
	d := (*vec4)(inv)
	x0, x1, x2, x3 := x[:cols], x[ldx:][:cols], x[2*ldx:][:cols], x[3*ldx:][:cols]
	for c := range x0 {
		s1, s2, s3 := t[4+c&3], t[8+c&3], t[12+c&3]
		v := (x0[c] - t[c&3]) * d[0]
		x0[c] = v
		s1 += u01 * v
		s2 += u02 * v
		s3 += u03 * v
		v = (x1[c] - s1) * d[1]
		x1[c] = v
		s2 += u12 * v
		s3 += u13 * v
		v = (x2[c] - s2) * d[2]
		x2[c] = v
		s3 += u23 * v
		x3[c] = (x3[c] - s3) * d[3]
	}
}
