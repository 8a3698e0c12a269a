package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Comparisons: predicates of VCMPPD, ordered and quiet.
const (
	lessThan    = U8(0x11)
	greaterThan = U8(0x1e)
	notEqual    = U8(0x04) // or unordered
)

// extreme stores the largest (or smallest) entry of v.
func extreme(v reg.VecVirtual, op func(a, b, dst Op)) {
	x, y := XMM(), XMM()
	VEXTRACTF128(U8(1), v, x)
	op(v.AsX(), x, x)
	VUNPCKHPD(x, x, y)
	op(y, x, x)
	give(x, ReturnIndex(0))
}

func violation() {
	l := begin("violationAVX2", "func(n int, sign float64, c, side *float64) float64", "c", "side")
	sign, top := scalar("sign"), zero()
	l.each(func() {
		v := l.load("c")
		VSUBPD(l.load("side"), v, v)
		VMULPD(sign, v, v)
		VMAXPD(top, v, top) // top where v is NaN
	})
	extreme(top, func(a, b, dst Op) { VMAXPD(a, b, dst) })
	end()
}

func slackResidual() {
	l := begin("slackResidualAVX2", "func(n int, sign float64, c, side, s, on, r *float64)", "c", "side", "s", "on", "r")
	sign, none := scalar("sign"), zero()
	l.each(func() {
		v, on := l.load("c"), YMM()
		VSUBPD(l.load("side"), v, v)
		VMULPD(sign, v, v)
		VADDPD(l.load("s"), v, v)
		VCMPPD(notEqual, l.load("on"), none, on)
		VANDPD(on, v, v)
		l.store(v, "r")
	})
	end()
}

func sideSum() {
	l := begin("sideSumAVX2", "func(n int, lam, lo, up *float64) (sum, abs float64)", "lam", "lo", "up")
	none, total, size := zero(), zero(), zero()
	mask := YMM()
	VMOVUPD(absMask, mask)
	l.once(func() {
		lam, side, off := l.load("lam"), YMM(), YMM()
		VCMPPD(lessThan, none, lam, off) // lam < 0
		up, lo := l.load("up"), l.load("lo")
		VBLENDVPD(off, lo, up, side)
		VMULPD(lam, side, side)
		VCMPPD(notEqual, none, lam, off)
		VANDPD(off, side, side) // 0·∞ is 0 here
		VADDPD(side, total, total)
		VANDPD(mask, side, side)
		VADDPD(side, size, size)
	})
	sum(total, "sum")
	sum(size, "abs")
	end()
}

func weigh() {
	l := begin("weighAVX2", "func(n int, su, lu, sl, ll, d *float64)", "su", "lu", "sl", "ll", "d")
	ones := YMM()
	VMOVUPD(one, ones)
	l.each(func() {
		u, v := l.load("lu"), l.load("ll")
		VDIVPD(l.load("su"), u, u)
		VDIVPD(l.load("sl"), v, v)
		VADDPD(v, u, u)
		VDIVPD(u, ones, u)
		l.store(u, "d")
	})
	end()

	l = begin("weighUpperAVX2", "func(n int, su, lu, d *float64)", "su", "lu", "d")
	ones = YMM()
	VMOVUPD(one, ones)
	l.each(func() {
		u := l.load("lu")
		VDIVPD(l.load("su"), u, u)
		VDIVPD(u, ones, u)
		l.store(u, "d")
	})
	end()
}

func complementarity() {
	for _, second := range []bool{false, true} {
		name, more := "complementarityAVX2", ""
		arrays := []string{"s", "l", "r", "on", "q", "h"}
		if second {
			name, more = "complementarity2AVX2", "ds, dl, "
			arrays = append(arrays, "ds", "dl")
		}
		l := begin(name, "func(n int, target float64, s, l, r, on, "+more+"q, h *float64)", arrays...)
		target := scalar("target")
		l.each(func() {
			s, lm, q := l.load("s"), l.load("l"), YMM()
			VMULPD(lm, s, q)
			if second {
				VFMADD231PD(l.load("ds"), l.load("dl"), q)
			}
			on := l.load("on")
			VMULPD(target, on, on)
			VSUBPD(on, q, q)
			l.store(q, "q")
			VFMSUB132PD(l.load("r"), q, lm) // l·r − q
			VDIVPD(s, lm, lm)
			l.store(lm, "h")
		})
		end()
	}
}

func sideStep() {
	l := begin("sideStepAVX2", "func(n int, sign float64, c, s, l, r, q, on, ds, dl *float64)", "c", "s", "l", "r", "q", "on", "ds", "dl")
	sign, none, minus := scalar("sign"), zero(), YMM()
	VMOVUPD(signMask, minus)
	l.each(func() {
		c, r, on := l.load("c"), l.load("r"), YMM()
		VMULPD(sign, c, c)
		VXORPD(minus, r, r)
		VSUBPD(c, r, r) // −r − sign·c
		VCMPPD(notEqual, l.load("on"), none, on)
		VANDPD(on, r, r)
		l.store(r, "ds")
		VFNMSUB213PD(l.load("q"), l.load("l"), r) // −(ds·l) − q
		VDIVPD(l.load("s"), r, r)
		l.store(r, "dl")
	})
	end()
}

func followMultipliers() {
	l := begin("followMultipliersAVX2",
		"func(n int, small, d, dlam, su, lu, qu, dsu, dlu, sl, ll, ql, onl, dsl, dll *float64)",
		"small", "d", "su", "lu", "sl", "ll", "onl", "dlam", "dlu", "dll", "qu", "dsu", "ql", "dsl")
	none := zero()
	l.each(func() {
		large := YMM()
		VCMPPD(lessThan, l.load("small"), l.load("d"), large)
		su, lu, sl, ll := l.load("su"), l.load("lu"), l.load("sl"), l.load("ll")
		a, b, upper := YMM(), YMM(), YMM()
		VMULPD(sl, lu, a)
		VMULPD(su, ll, b)
		VCMPPD(greaterThan, b, a, upper)
		lower, on := YMM(), YMM()
		VANDNPD(large, upper, lower) // large, not upper
		VANDPD(large, upper, upper)
		VCMPPD(notEqual, l.load("onl"), none, on)
		VANDPD(on, lower, lower)

		dlam, dlu, dll := l.load("dlam"), l.load("dlu"), l.load("dll")
		lead := func(mask, dl, s, lm reg.VecVirtual, q, ds, to string) {
			old := l.load(to)
			VBLENDVPD(mask, dl, old, old)
			l.store(old, to)
			VFNMSUB213PD(l.load(q), s, dl) // −(s·dl) − q
			VDIVPD(lm, dl, dl)
			old = l.load(ds)
			VBLENDVPD(mask, dl, old, old)
			l.store(old, ds)
		}
		u := YMM()
		VADDPD(dll, dlam, u)
		VSUBPD(dlam, dlu, dlu)
		lead(upper, u, su, lu, "qu", "dsu", "dlu")
		lead(lower, dlu, sl, ll, "ql", "dsl", "dll")
	})
	end()
}

func maxStep() {
	l := begin("maxStepAVX2", "func(n int, alpha float64, v, dv *float64) float64", "v", "dv")
	alpha, none, minus := scalar("alpha"), zero(), YMM()
	VMOVUPD(signMask, minus)
	l.each(func() {
		dv, neg, v := l.load("dv"), YMM(), l.load("v")
		VCMPPD(lessThan, none, dv, neg)
		VXORPD(minus, dv, dv)
		VDIVPD(dv, v, v)
		VMINPD(alpha, v, v) // alpha where the quotient is NaN
		VBLENDVPD(neg, v, alpha, alpha)
	})
	extreme(alpha, func(a, b, dst Op) { VMINPD(a, b, dst) })
	end()
}

func shiftedDot() {
	l := begin("shiftedDotAVX2", "func(n int, p float64, s, ds *float64, d float64, l, dl *float64) float64", "s", "ds", "l", "dl")
	p, d, total := scalar("p"), scalar("d"), zero()
	l.once(func() {
		s, lm := l.load("s"), l.load("l")
		VFMADD231PD(l.load("ds"), p, s)
		VFMADD231PD(l.load("dl"), d, lm)
		VFMADD231PD(lm, s, total)
	})
	sum(total, "sum")
	end()
}
