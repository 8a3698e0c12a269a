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
	for i := (n - 1) &^ 3; i >= 0; i -= 4 {
		last := min(i+4, n)
		near := min(i+8, n)
		var t vec4
		for p := i; p < last; p++ {
			t[p-i] = x[p]
			if near < n {
				t[p-i] -= dotDown(near, n, u[p*ldu:], x)
			}
		}
		for p := last - 1; p >= i; p-- {
			s, row := t[p-i], u[p*ldu:p*ldu+near]
			for j := near - 1; j > p; j-- {
				s -= row[j] * x[j]
			}
			x[p] = s * inv[p]
		}
	}
}

// dotDown returns the inner product of x and y from index to-1 down to from,
// a multiple of 4, in four chains as in Dot.
func dotDown(from, to int, x, y []float64) float64 {
	var s0, s1, s2, s3 float64
	x, y = x[:to], y[:to]
	i := to &^ 3
	switch to - i {
	case 3:
		s2 += x[i+2] * y[i+2]
		fallthrough
	case 2:
		s1 += x[i+1] * y[i+1]
		fallthrough
	case 1:
		s0 += x[i] * y[i]
	}
	for i -= 4; i >= from; i -= 4 {
		p, q := (*vec4)(x[i:]), (*vec4)(y[i:])
		s0 += p[0] * q[0]
		s1 += p[1] * q[1]
		s2 += p[2] * q[2]
		s3 += p[3] * q[3]
	}
	return (s0 + s1) + (s2 + s3)
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
