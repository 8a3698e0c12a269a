package dense

import "unsafe"

// The solves go by blocks of four rows aligned at multiples of four from the
// top: a product with the unknowns already found, then a triangle of order
// four. The chains run in the order in which the unknowns become known.

func solveUTGo(n int, u []float64, ldu int, inv, x []float64) {
	var t vec4
	px := unsafe.Pointer(&x[0])
	i := 0
	for ; i+4 <= n; i += 4 {
		dot1x4(i, px, 8, unsafe.Pointer(&u[i]), 8*ldu, 8, &t)
		r0, r1, r2 := (*vec4)(u[i*ldu+i:]), (*vec4)(u[(i+1)*ldu+i:]), (*vec4)(u[(i+2)*ldu+i:])
		v, d := (*vec4)(x[i:]), (*vec4)(inv[i:])
		s1, s2, s3 := t[1], t[2], t[3]
		x0 := (v[0] - t[0]) * d[0]
		s1 += r0[1] * x0
		s2 += r0[2] * x0
		s3 += r0[3] * x0
		x1 := (v[1] - s1) * d[1]
		s2 += r1[2] * x1
		s3 += r1[3] * x1
		x2 := (v[2] - s2) * d[2]
		s3 += r2[3] * x2
		v[0], v[1], v[2], v[3] = x0, x1, x2, (v[3]-s3)*d[3]
	}
	if i == n {
		return
	}
	dot1x4(i, px, 8, unsafe.Pointer(&u[i]), 8*ldu, 8, &t)
	for p := range n - i {
		s := t[p]
		for q := range p {
			s += u[(i+q)*ldu+i+p] * x[i+q]
		}
		x[i+p] = (x[i+p] - s) * inv[i+p]
	}
}

func solveUGo(n int, u []float64, ldu int, inv, x []float64) {
	var t vec4
	i := n &^ 3
	for p := n - 1; p >= i; p-- {
		s := 0.0
		for q := n - 1; q > p; q-- {
			s += u[p*ldu+q] * x[q]
		}
		x[p] = (x[p] - s) * inv[p]
	}
	px := unsafe.Pointer(&x[n-1])
	for i -= 4; i >= 0; i -= 4 {
		dot1x4(n-i-4, px, -8, unsafe.Pointer(&u[i*ldu+n-1]), -8, 8*ldu, &t)
		r0, r1, r2 := (*vec4)(u[i*ldu+i:]), (*vec4)(u[(i+1)*ldu+i:]), (*vec4)(u[(i+2)*ldu+i:])
		v, d := (*vec4)(x[i:]), (*vec4)(inv[i:])
		s0, s1, s2 := t[0], t[1], t[2]
		x3 := (v[3] - t[3]) * d[3]
		s2 += r2[3] * x3
		s1 += r1[3] * x3
		s0 += r0[3] * x3
		x2 := (v[2] - s2) * d[2]
		s1 += r1[2] * x2
		s0 += r0[2] * x2
		x1 := (v[1] - s1) * d[1]
		s0 += r0[1] * x1
		v[0], v[1], v[2], v[3] = (v[0]-s0)*d[0], x1, x2, x3
	}
}

func solveUTManyGo(n, r int, u []float64, ldu int, inv []float64, x []float64, ldx int) {
	var t tile4
	for i := 0; i < n; i += 4 {
		rows := min(4, n-i)
		ui := unsafe.Pointer(&u[i])
		for j := 0; j < r; j += 4 {
			dot4x4(rows, i, ui, 8*ldu, 8, unsafe.Pointer(&x[j]), 8*ldx, &t)
			finishUT(rows, min(4, r-j), u[i*ldu+i:], ldu, inv[i:], &t, x[i*ldx+j:], ldx)
		}
	}
}

func solveUManyGo(n, r int, u []float64, ldu int, inv []float64, x []float64, ldx int) {
	var t tile4
	for i := (n - 1) &^ 3; i >= 0; i -= 4 {
		rows := min(4, n-i)
		k := n - i - rows
		for j := 0; j < r; j += 4 {
			if k > 0 { // then rows = 4
				dot4x4(4, k, unsafe.Pointer(&u[i*ldu+n-1]), -8, 8*ldu, unsafe.Pointer(&x[(n-1)*ldx+j]), -8*ldx, &t)
			} else {
				t = tile4{}
			}
			finishU(rows, min(4, r-j), u[i*ldu+i:], ldu, inv[i:], &t, x[i*ldx+j:], ldx)
		}
	}
}

// finishU ends the chains of rows×cols entries of X = U⁻¹ B:
//
//	for p = rows-1, ..., 0: x[p] = (x[p] - (t[p] + Σ_{q>p} u[p,q]·x[q])) · inv[p]
//
// with q descending, for each column of X, where u is the diagonal block of U.
func finishU(rows, cols int, u []float64, ldu int, inv []float64, t *tile4, x []float64, ldx int) {
	if rows < 4 {
		for p := rows - 1; p >= 0; p-- {
			for c := range cols {
				s := t[4*p+c]
				for q := rows - 1; q > p; q-- {
					s += u[p*ldu+q] * x[q*ldx+c]
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
		s0, s1, s2 := t[c&3], t[4+c&3], t[8+c&3]
		v := (x3[c] - t[12+c&3]) * d[3]
		x3[c] = v
		s2 += u23 * v
		s1 += u13 * v
		s0 += u03 * v
		v = (x2[c] - s2) * d[2]
		x2[c] = v
		s1 += u12 * v
		s0 += u02 * v
		v = (x1[c] - s1) * d[1]
		x1[c] = v
		s0 += u01 * v
		x0[c] = (x0[c] - s0) * d[0]
	}
}
