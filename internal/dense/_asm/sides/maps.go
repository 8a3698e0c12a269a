package main

import (
	. "github.com/mmcloughlin/avo/build"
)

// maps are those of maps.go.
func maps() {
	l := begin("scaleAVX2", "func(n int, alpha float64, x, y *float64)", "x", "y")
	alpha := scalar("alpha")
	l.once(func() { // y may be x
		x := l.load("x")
		VMULPD(alpha, x, x)
		l.store(x, "y")
	})
	end()

	l = begin("subAVX2", "func(n int, x, y, z *float64)", "x", "y", "z")
	l.once(func() { // z may be x or y
		x := l.load("x")
		VSUBPD(l.load("y"), x, x)
		l.store(x, "z")
	})
	end()

	l = begin("mulDiffAVX2", "func(n int, d, x, y, z *float64)", "d", "x", "y", "z")
	l.once(func() {
		x := l.load("x")
		VSUBPD(l.load("y"), x, x)
		VMULPD(l.load("d"), x, x)
		l.store(x, "z")
	})
	end()

	l = begin("mulAddAVX2", "func(n int, d, x, z *float64)", "d", "x", "z")
	l.once(func() {
		z := l.load("z")
		VFMADD231PD(l.load("x"), l.load("d"), z)
		l.store(z, "z")
	})
	end()

	l = begin("mulSumAVX2", "func(n int, a, x, b, y, z *float64)", "a", "x", "b", "y", "z")
	l.once(func() {
		y := l.load("y")
		VMULPD(l.load("b"), y, y)
		VFMADD231PD(l.load("x"), l.load("a"), y)
		l.store(y, "z")
	})
	end()

	l = begin("maxAbsAVX2", "func(n int, alpha float64, x, y *float64)", "x", "y")
	alpha = scalar("alpha")
	mask := YMM()
	VMOVUPD(absMask, mask)
	l.each(func() {
		x := l.load("x")
		VANDPD(mask, x, x)
		VMULPD(alpha, x, x)
		VMAXPD(l.load("y"), x, x)
		l.store(x, "y")
	})
	end()

	l = begin("boundStepAVX2", "func(n int, q, d, h, y, c, rz, lam *float64)", "q", "d", "h", "y", "c", "rz", "lam")
	l.once(func() {
		q, d, z, c := l.load("q"), l.load("d"), l.load("h"), l.load("c")
		VFNMADD213PD(l.load("y"), c, z) // y − h·c
		a, b, near := l.load("rz"), l.load("lam"), YMM()
		VFNMADD231PD(q, z, a)
		VSUBPD(c, a, a)
		VSUBPD(b, z, b)
		VMULPD(d, b, b)
		VCMPPD(greaterThan, q, d, near)
		VBLENDVPD(near, a, b, b)
		l.store(b, "lam")
		l.store(z, "rz")
	})
	end()
}
