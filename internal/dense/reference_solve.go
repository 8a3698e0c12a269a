package dense

import "unsafe"

// The solves go by blocks of four rows aligned at multiples of four from the
// top: a product with the unknowns already found, then a triangle of order
// four. The chains begin with the right-hand side and run in the order in
// which the unknowns become known.

func solveUTGo(n int, u []float64, ldu int, inv, x []float64) {
	var t vec4
	px := unsafe.Pointer(&x[0])
	i := 0
	for ; i+4 <= n; i += 4 {
		v, d := (*vec4)(x[i:]), (*vec4)(inv[i:])
		t = *v
		sub1x4(i, px, 8, unsafe.Pointer(&u[i]), 8*ldu, 8, &t)
		r0, r1, r2 := (*vec4)(u[i*ldu+i:]), (*vec4)(u[(i+1)*ldu+i:]), (*vec4)(u[(i+2)*ldu+i:])
		s1, s2, s3 := t[1], t[2], t[3]
		x0 := t[0] * d[0]
		s1 -= r0[1] * x0
		s2 -= r0[2] * x0
		s3 -= r0[3] * x0
		x1 := s1 * d[1]
		s2 -= r1[2] * x1
		s3 -= r1[3] * x1
		x2 := s2 * d[2]
		s3 -= r2[3] * x2
		v[0], v[1], v[2], v[3] = x0, x1, x2, s3*d[3]
	}
	if i == n {
		return
	}
	copy(t[:], x[i:n])
	sub1x4(i, px, 8, unsafe.Pointer(&u[i]), 8*ldu, 8, &t)
	for p := range n - i {
		s := t[p]
		for q := range p {
			s -= u[(i+q)*ldu+i+p] * x[i+q]
		}
		x[i+p] = s * inv[i+p]
	}
}

func solveUGo(n int, u []float64, ldu int, inv, x []float64) {
	var t vec4
	i := n &^ 3
	for p := n - 1; p >= i; p-- {
		s := x[p]
		for q := n - 1; q > p; q-- {
			s -= u[p*ldu+q] * x[q]
		}
		x[p] = s * inv[p]
	}
	px := unsafe.Pointer(&x[n-1])
	for i -= 4; i >= 0; i -= 4 {
		v, d := (*vec4)(x[i:]), (*vec4)(inv[i:])
		t = *v
		sub1x4(n-i-4, px, -8, unsafe.Pointer(&u[i*ldu+n-1]), -8, 8*ldu, &t)
		r0, r1, r2 := (*vec4)(u[i*ldu+i:]), (*vec4)(u[(i+1)*ldu+i:]), (*vec4)(u[(i+2)*ldu+i:])
		s0, s1, s2 := t[0], t[1], t[2]
		x3 := t[3] * d[3]
		s2 -= r2[3] * x3
		s1 -= r1[3] * x3
		s0 -= r0[3] * x3
		x2 := s2 * d[2]
		s1 -= r1[2] * x2
		s0 -= r0[2] * x2
		x1 := s1 * d[1]
		s0 -= r0[1] * x1
		v[0], v[1], v[2], v[3] = s0*d[0], x1, x2, x3
	}
}

func solveUTManyGo(n, r int, u []float64, ldu int, inv []float64, x []float64, ldx int) {
	var t tile4
	for i := 0; i < n; i += 4 {
		rows := min(4, n-i)
		ui := unsafe.Pointer(&u[i])
		for j := 0; j < r; j += 4 {
			cols := min(4, r-j)
			loadTile(&t, rows, cols, x[i*ldx+j:], ldx)
			sub4x4(rows, i, ui, 8*ldu, unsafe.Pointer(&x[j]), 8*ldx, &t)
			finishUT(rows, cols, u[i*ldu+i:], ldu, inv[i:], &t, x[i*ldx+j:], ldx)
		}
	}
}
