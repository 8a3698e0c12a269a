package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// outer goes row by row. Its rows are whole numbers of entries without padding,
// so that each ends with a masked part of a vector.
func outer() {
	for _, add := range []bool{false, true} {
		name := "outerAVX2"
		if add {
			name = "addOuterAVX2"
		}
		l := begin(name, "func(m, n int, u, x, v, y, z *float64)", "u", "x", "v", "y", "z")
		m, row, bytes := GP64(), l.n, GP64()
		Load(Param("m"), m)
		MOVQ(row, bytes)
		SHLQ(U8(3), bytes)
		rest := GP64()
		MOVQ(row, rest)
		ANDQ(U8(3), rest)
		l.tail(rest)
		left, none := GP64(), zero()
		a, b := YMM(), YMM()
		body := func() {
			x, y := l.load("x"), l.load("y")
			VMULPD(a, x, x)
			VMULPD(b, y, y)
			VADDPD(y, x, x)
			if add {
				VADDPD(l.load("z"), x, x)
			} else {
				VADDPD(none, x, x) // no −0 where nothing is
			}
			l.store(x, "z")
		}
		Label("row")
		VBROADCASTSD(Mem{Base: l.ptr["u"]}, a)
		VBROADCASTSD(Mem{Base: l.ptr["v"]}, b)
		XORQ(l.i, l.i)
		MOVQ(row, left)
		SUBQ(U8(4), left)
		JLT(LabelRef("rest"))
		Label("full")
		body()
		ADDQ(U8(32), l.i)
		SUBQ(U8(4), left)
		JGE(LabelRef("full"))
		Label("rest")
		TESTQ(rest, rest)
		JZ(LabelRef("next"))
		l.masked = true
		body()
		l.masked = false
		Label("next")
		ADDQ(bytes, l.ptr["z"])
		ADDQ(U8(8), l.ptr["u"])
		ADDQ(U8(8), l.ptr["v"])
		DECQ(m)
		JNZ(LabelRef("row"))
		end()
	}
}
