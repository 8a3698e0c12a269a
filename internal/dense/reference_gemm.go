package dense

import "unsafe"

// addTile adds alpha·t to the rows×cols entries of C at c, at most 2×4. The
// padding of C is left alone.
func addTile(rows, cols int, alpha float64, t *tile2, c []float64, ldc int) {
	if rows == 2 && cols >= 4 {
		r0 := (*vec4)(c)
		r0[0] += alpha * t[0]
		r0[1] += alpha * t[1]
		r0[2] += alpha * t[2]
		r0[3] += alpha * t[3]
		r1 := (*vec4)(c[ldc:])
		r1[0] += alpha * t[4]
		r1[1] += alpha * t[5]
		r1[2] += alpha * t[6]
		r1[3] += alpha * t[7]
		return
	}
	for r := range rows {
		row := c[r*ldc:]
		for q := range min(cols, 4) {
			row[q] += alpha * t[4*r+q]
		}
	}
}

func gemmTNGo(m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, c []float64, ldc int) {
	var t tile2
	for i := 0; i < m; i += 2 {
		ai := unsafe.Pointer(&a[i])
		for j := 0; j < n; j += 4 {
			dot2x4(k, ai, 8*lda, 8, unsafe.Pointer(&b[j]), 8*ldb, &t)
			addTile(min(2, m-i), n-j, alpha, &t, c[i*ldc+j:], ldc)
		}
	}
}

// scalePanel packs four columns of diag(d)·A, which begin at a, row after row.
func scalePanel(a unsafe.Pointer, as int, d, panel []float64) {
	p := unsafe.Pointer(&panel[0])
	for k, w := range d {
		x, y := load4(a, k*as), load4(p, 32*k)
		y[0] = w * x[0]
		y[1] = w * x[1]
		y[2] = w * x[2]
		y[3] = w * x[3]
	}
}

func syrkGo(n, m int, a []float64, lda int, d []float64, c []float64, ldc int, work []float64) {
	var t tile2
	for i := 0; i < n; i += 4 {
		left, stride := unsafe.Pointer(&a[i]), 8*lda
		if d != nil {
			scalePanel(left, stride, d[:m], work)
			left, stride = unsafe.Pointer(&work[0]), 8*4
		}
		for p := i; p < min(i+4, n); p += 2 {
			lp := unsafe.Add(left, 8*(p-i))
			rows := min(2, n-p)
			dot2x4(m, lp, stride, 8, unsafe.Pointer(&a[i]), 8*lda, &t)
			// In the diagonal block only the upper triangle is kept.
			for r := range rows {
				row := c[(p+r)*ldc+i:]
				for q := p + r - i; q < min(4, n-i); q++ {
					row[q] += t[4*r+q]
				}
			}
			for j := i + 4; j < n; j += 4 {
				dot2x4(m, lp, stride, 8, unsafe.Pointer(&a[j]), 8*lda, &t)
				addTile(rows, n-j, 1, &t, c[p*ldc+j:], ldc)
			}
		}
	}
}
