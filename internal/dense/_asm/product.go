package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func (s isa) gemm() {
	text("gemm"+s.suffix, "is GemmTN; n is a multiple of the lanes, and so is m for AVX-512.",
		"(m, n, k int, alpha float64, a *float64, lda int, b *float64, ldb int, c *float64, ldc int)")
	m := arg("m")
	lda, ldb, ldc := argBytes("lda"), argBytes("ldb"), argBytes("ldc")
	a, b, n := arg("a"), GP64(), GP64()
	row := arg("c")
	c := newRows(ldc, s.rows)
	pa, pb, k := GP64(), GP64(), GP64()
	s.panels(m, func(rows int) {
		MOVQ(argAt("n"), n)
		MOVQ(argAt("b"), b)
		MOVQ(row, c.p)
		s.strips(n, rows, s.widest(rows), func(t tile) {
			t.clear()
			MOVQ(a, pa)
			MOVQ(b, pb)
			MOVQ(argAt("k"), k)
			t.multiply(false, pa, lda, pb, ldb, k)
			c.moved()
			alpha, sum := t.spare(0), t.spare(1)
			VBROADCASTSD(argAt("alpha"), alpha)
			t.each(func(r, v int) {
				VMOVUPD(c.at(r, v*t.bytes()), sum)
				VFMADD231PD(t.acc(r, v), alpha, sum)
				VMOVUPD(sum, c.at(r, v*t.bytes()))
			})
			ADDQ(num(t.vecs*t.bytes()), b)
			ADDQ(num(t.vecs*t.bytes()), c.p)
		})
		ADDQ(num(8*rows), a)
		for range rows {
			ADDQ(ldc, row)
		}
	})
	done()
}

// syrk takes rows from to to of C, so that a long product can go in pieces.
func (s isa) syrk() {
	text("syrk"+s.suffix, "adds rows from to to of the upper triangle of Aᵀ diag(d) A; n is a multiple of the lanes, and a nil d means ones.",
		"(from, to, n, m int, a *float64, lda int, d *float64, c *float64, ldc int, work *float64)")
	i := arg("from")
	rest := arg("to")
	SUBQ(i, rest)
	lda, ldc := argBytes("lda"), argBytes("ldc")
	left, lds := GP64(), GP64()
	b, n := GP64(), GP64()
	c := newRows(ldc, s.rows)
	pa, pb, k := GP64(), GP64(), GP64()
	s.panels(rest, func(rows int) {
		// left is the panel of A, or of diag(d)·A in work, and b is the strip.
		MOVQ(argAt("a"), b)
		LEAQ(Mem{Base: b, Index: i, Scale: 8}, b)
		MOVQ(b, left)
		MOVQ(lda, lds)
		ready := label("scaled")
		MOVQ(argAt("d"), pb)
		TESTQ(pb, pb)
		JZ(LabelRef(ready))
		MOVQ(argAt("work"), pa)
		MOVQ(argAt("m"), k)
		loop := label("scale")
		Label(loop)
		VBROADCASTSD(at(pb, 0), s.regs[0])
		VMULPD(at(left, 0), s.regs[0], s.regs[0])
		VMOVUPD(s.regs[0], at(pa, 0))
		ADDQ(num(8), pb)
		ADDQ(lda, left)
		ADDQ(num(s.bytes()), pa)
		DECQ(k)
		JNZ(LabelRef(loop))
		MOVQ(argAt("work"), left)
		MOVQ(long(s.bytes()), lds)
		Label(ready)

		MOVQ(i, c.p)
		IMULQ(ldc, c.p)
		LEAQ(Mem{Base: c.p, Index: i, Scale: 8}, c.p)
		ADDQ(argAt("c"), c.p)
		MOVQ(argAt("n"), n)
		SUBQ(i, n)
		widest := s.widest(rows)
		if rows < s.rows {
			widest = 1 // the triangle ends here
		}
		s.strips(n, rows, widest, func(t tile) {
			t.clear()
			MOVQ(left, pa)
			MOVQ(b, pb)
			MOVQ(argAt("m"), k)
			t.multiply(false, pa, lds, pb, lda, k)
			c.moved()
			t.each(func(r, v int) { VADDPD(c.at(r, v*t.bytes()), t.acc(r, v), t.acc(r, v)) })
			t.store(c)
			ADDQ(num(t.vecs*t.bytes()), b)
			ADDQ(num(t.vecs*t.bytes()), c.p)
		})
		ADDQ(num(s.rows), i)
	})
	done()
}
