package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// maxAbsRows goes down the columns, four at a time. Those of several strips are
// under way at once, as they do not depend on each other.
func maxAbsRows() {
	l := begin("maxAbsRowsAVX2", "func(m, n int, a *float64, lda int, y *float64)", "a", "y")
	ld, m, row, at := GP64(), GP64(), GP64(), GP64()
	Load(Param("lda"), ld)
	SHLQ(U8(3), ld)
	Load(Param("m"), m)
	abs := YMM()
	VMOVUPD(absMask, abs)
	n := 0
	l.once(func() {
		n++
		loop := []string{"", "down", "downTail"}[n]
		top := l.load("y")
		x := YMM()
		MOVQ(m, row)
		MOVQ(l.ptr["a"], at)
		Label(loop)
		if l.masked {
			VMASKMOVPD(Mem{Base: at, Index: l.i, Scale: 1}, l.mask, x)
			VANDPD(abs, x, x)
		} else {
			VANDPD(Mem{Base: at, Index: l.i, Scale: 1}, abs, x)
		}
		VMAXPD(top, x, top)
		ADDQ(ld, at)
		DECQ(row)
		JNZ(LabelRef(loop))
		l.store(top, "y")
	})
	end()
}
