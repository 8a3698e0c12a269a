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
		loadTile(&t, rows, 4, a[i*lda+i:], lda)
		sub4x4(rows, i, left, 8*lda, left, 8*lda, &t)
		if p := factorBlock(rows, inv[i:], i, pivot, false, &t); p >= 0 {
			return p
		}
		diag := a[i*lda+i:]
		for p := range rows {
			copy(diag[p*lda+p:][:rows-p], t[5*p:])
		}
		for j := i + 4; j < n; j += 4 {
			cols := min(4, n-j)
			loadTile(&t, rows, cols, a[i*lda+j:], lda)
			sub4x4(rows, i, left, 8*lda, unsafe.Add(base, 8*j), 8*lda, &t)
			finishUT(rows, cols, diag, lda, inv[i:], &t, a[i*lda+j:], lda)
		}
	}
	return -1
}

// factorBlock factors the diagonal block R of rows rows in t, which is that
// of the matrix less the products of the rows above; the first row is row i
// of the matrix. With d the pivots and e = 1/d,
//
//	r_ij -= (r_qi·e_q)·r_qj, q < i ≤ j,  and  u_ij = r_ij·√e_i,
//
// so that the square roots are off the path from pivot to pivot. It returns
// the index of the pivot that failed, or -1.
func factorBlock(rows int, inv []float64, i int, pivot func(int, float64) float64, fused bool, t *tile4) int {
	for p := range rows {
		d := t[5*p]
		if pivot != nil {
			d = pivot(i+p, d)
		}
		e := 1 / d
		if !finitePositive(e) {
			return i + p
		}
		for q := p + 1; q < rows; q++ {
			m := t[4*p+q] * e
			for c := q; c < rows; c++ {
				if fused {
					t[4*q+c] = math.FMA(-m, t[4*p+c], t[4*q+c])
				} else {
					t[4*q+c] -= m * t[4*p+c]
				}
			}
		}
		v := math.Sqrt(e)
		inv[p] = v
		t[5*p] = d * v
		for q := p + 1; q < rows; q++ {
			t[4*p+q] *= v
		}
	}
	return -1
}

func finitePositive(x float64) bool { return x > 0 && x <= math.MaxFloat64 }

// finishUT ends the chains of rows×cols entries of X = U⁻ᵀ B:
//
//	for p < rows: x[p] = (t[p] - Σ_{q<p} u[q,p]·x[q]) · inv[p]
//
// for each column of X, where u is the diagonal block of U.
func finishUT(rows, cols int, u []float64, ldu int, inv []float64, t *tile4, x []float64, ldx int) {
	if rows < 4 {
		for p := range rows {
			for c := range cols {
				s := t[4*p+c]
				for q := range p {
					s -= u[q*ldu+p] * x[q*ldx+c]
				}
				x[p*ldx+c] = s * inv[p]
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
		v := t[c&3] * d[0]
		x0[c] = v
		s1 -= u01 * v
		s2 -= u02 * v
		s3 -= u03 * v
		v = s1 * d[1]
		x1[c] = v
		s2 -= u12 * v
		s3 -= u13 * v
		v = s2 * d[2]
		x2[c] = v
		s3 -= u23 * v
		x3[c] = s3 * d[3]
	}
}
