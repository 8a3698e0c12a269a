//go:build !noasm

package dense

//go:generate go -C _asm run . -set avx2 -pkg dense -out ../kernels_avx2_amd64.s -stubs ../kernels_avx2_amd64.go
//go:generate go -C _asm run . -set avx512 -pkg dense -out ../kernels_avx512_amd64.s -stubs ../kernels_avx512_amd64.go

// The functions below lead the assembly kernels over a whole operation. With
// wide, whole panels of eight rows go to AVX-512, and the rest to AVX2.
//
// The runtime cannot stop a goroutine inside a kernel, so long operations go
// in pieces.

// piece returns how many rows, a multiple of 8, make a call of about 2²⁰
// multiplications, which take less than a tenth of a millisecond.
func piece(perRow int) int { return max(8, (1<<20)/perRow&^7) }

// quad is n rounded up to a multiple of 4.
func quad(n int) int { return (n + 3) &^ 3 }

// chunk returns how many columns of k rows, a multiple of the 24 of a wide
// tile, fit half of a second-level cache of 1 MiB: every panel of rows reads
// them again (n = 500 with AVX2: 40 instead of 30 GFLOP/s).
func chunk(k int) int { return max(24, (1<<16)/k/24*24) }

func gemmTNAsm(m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, c []float64, ldc int, wide bool) {
	columns := chunk(k)
	for j := 0; j < n; j += columns {
		r := min(columns, n-j)
		step := piece(r * k)
		for i := 0; i < m; {
			rows := min(m-i, step)
			if wide && rows >= 8 {
				rows &^= 7
				gemmAVX512(rows, width(r), k, alpha, &a[i], lda, &b[j], ldb, &c[i*ldc+j], ldc)
			} else {
				gemmAVX2(rows, quad(r), k, alpha, &a[i], lda, &b[j], ldb, &c[i*ldc+j], ldc)
			}
			i += rows
		}
	}
}

func syrkAsm(n, m int, a []float64, lda int, d []float64, c []float64, ldc int, work []float64, wide bool) {
	var pd, pw *float64
	if d != nil {
		pd, pw = &d[0], &work[0]
	}
	step := piece(n * m)
	for i := 0; i < n; {
		to := min(n, i+step)
		if wide && to-i >= 8 {
			to = i + (to-i)&^7
			syrkAVX512(i, to, width(n), m, &a[0], lda, pd, &c[0], ldc, pw)
		} else {
			syrkAVX2(i, to, quad(n), m, &a[0], lda, pd, &c[0], ldc, pw)
		}
		i = to
	}
}

func solveUTManyAsm(n, r int, u []float64, ldu int, inv []float64, x []float64, ldx int, wide bool) {
	columns := chunk(n)
	for j := 0; j < r; j += columns {
		r := min(columns, r-j)
		step := piece(n * r)
		for i := 0; i < n; {
			to := min(n, i+step)
			if wide && to-i >= 8 {
				to = i + (to-i)&^7
				solveManyAVX512(i, to, width(r), &u[0], ldu, &inv[0], &x[j], ldx)
			} else {
				solveManyAVX2(i, to, quad(r), &u[0], ldu, &inv[0], &x[j], ldx)
			}
			i = to
		}
	}
}

// choleskyAsm factors with AVX-512 in panels of eight rows: first the eight
// columns on the diagonal, by AVX2, and then those to the right of them, which
// are right-hand sides like any others.
func choleskyAsm(n int, a []float64, lda int, inv []float64, pivot func(int, float64) float64, wide bool) int {
	step := piece(n * n)
	if wide {
		step = 8
	}
	for i := 0; i < n; i += step {
		to, columns := min(n, i+step), quad(n)
		if wide {
			columns = min(columns, i+step)
		}
		if p := factorRows(i, to, columns, a, lda, inv, pivot); p >= 0 {
			return p
		}
		if columns < n {
			solveManyAVX512(i, to, width(n-columns), &a[0], lda, &inv[0], &a[columns], lda)
		}
	}
	return -1
}

// factorRows factors rows from to to of the leading columns, and returns the
// index of the pivot that failed, or -1.
func factorRows(from, to, columns int, a []float64, lda int, inv []float64, pivot func(int, float64) float64) int {
	if pivot == nil {
		p := choleskyAVX2(from, to, columns, &a[0], lda, &inv[0])
		for p >= 0 && finitePositive(inv[p]) {
			p++
		}
		return p
	}
	var t tile4
	for i := from; i < to; i += 4 {
		rows := min(4, to-i)
		for p := range rows {
			*(*vec4)(t[4*p:]) = *(*vec4)(a[(i+p)*lda+i:])
		}
		residualAVX2(i, &a[i], lda, &t)
		if p := factorBlock(rows, inv[i:], i, pivot, true, &t); p >= 0 {
			return p
		}
		for p := range rows {
			copy(a[(i+p)*lda+i+p:][:rows-p], t[5*p:])
		}
		if j := i + 4; j < columns {
			solveManyAVX2(i, j, columns-j, &a[0], lda, &inv[0], &a[j], lda)
		}
	}
	return -1
}

// transposeAsm leaves the last rows and columns, modulo 4, to the reference.
func transposeAsm(m, n int, a []float64, lda int, b []float64, ldb int) {
	m4, n4 := m&^3, n&^3
	transposeAVX2(m4, n4, &a[0], lda, &b[0], ldb)
	if n4 < n {
		transposeGo(m4, n-n4, a[n4:], lda, b[n4*ldb:], ldb)
	}
	if m4 < m {
		transposeGo(m-m4, n, a[m4*lda:], lda, b[m4:], ldb)
	}
}
