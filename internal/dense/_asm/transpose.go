package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func transpose() {
	text("transposeAVX2", "is Transpose for m and n that are positive multiples of 4.", "(m, n int, a *float64, lda int, b *float64, ldb int)")
	m := arg("m")
	lda, ldb := argBytes("lda"), argBytes("ldb")
	from, to := newRows(lda, 4), newRows(ldb, 4)
	a, b := arg("a"), arg("b")
	n := GP64()
	down, across := label("down"), label("across")
	Label(down)
	MOVQ(a, from.p)
	MOVQ(b, to.p)
	MOVQ(argAt("n"), n)
	Label(across)
	for r := range 4 {
		VMOVUPD(from.at(r, 0), ymm[r])
	}
	VUNPCKLPD(ymm[1], ymm[0], ymm[4])
	VUNPCKHPD(ymm[1], ymm[0], ymm[5])
	VUNPCKLPD(ymm[3], ymm[2], ymm[6])
	VUNPCKHPD(ymm[3], ymm[2], ymm[7])
	for r := range 4 {
		VPERM2F128(Imm([]uint64{0x20, 0x31}[r/2]), ymm[6+r%2], ymm[4+r%2], ymm[r])
		VMOVUPD(ymm[r], to.at(r, 0))
	}
	ADDQ(num(32), from.p)
	LEAQ(Mem{Base: to.p, Index: ldb, Scale: 4}, to.p)
	SUBQ(num(4), n)
	JNZ(LabelRef(across))
	LEAQ(Mem{Base: a, Index: lda, Scale: 4}, a)
	ADDQ(num(32), b)
	SUBQ(num(4), m)
	JNZ(LabelRef(down))
	done()
}
