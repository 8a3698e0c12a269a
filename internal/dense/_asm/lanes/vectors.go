package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// fourChains runs body(k, c) for the entries from 0 to n, with c the chain of
// entry k modulo 4.
func (s isa) fourChains(n reg.GPVirtual, body func(k reg.GPVirtual, disp, c int)) {
	k, full := GP64(), copied(n)
	XORQ(k, k)
	SUBQ(I32(int32(3*s.bytes())), full)
	below(k, full, func() {
		for c := range 4 {
			body(k, c*s.bytes(), c)
		}
		ADDQ(I32(int32(4*s.bytes())), k)
	})
	done := label("done")
	for c := range 3 {
		CMPQ(k, n)
		JGE(LabelRef(done))
		body(k, 0, c)
		ADDQ(I32(int32(s.bytes())), k)
	}
	Label(done)
}

func (s isa) chains() (acc [4]reg.VecVirtual) {
	for c := range acc {
		acc[c] = s.zero()
	}
	return acc
}

// sum leaves (s0+s1) + (s2+s3) in s0.
func sum(acc [4]reg.VecVirtual) reg.VecVirtual {
	VADDPD(acc[1], acc[0], acc[0])
	VADDPD(acc[3], acc[2], acc[2])
	VADDPD(acc[2], acc[0], acc[0])
	return acc[0]
}

func off(p, i reg.Register, disp int) Mem { return Mem{Base: p, Index: i, Scale: 1, Disp: disp} }

func (s isa) dot() {
	s.text("laneDot", "(n int, x, y, out *float64)")
	n, x, y, out := s.size("n"), arg("x"), arg("y"), arg("out")
	acc := s.chains()
	s.fourChains(n, func(k reg.GPVirtual, disp, c int) {
		VFMADD231PD(off(y, k, disp), s.load(off(x, k, disp)), acc[c])
	})
	VMOVUPD(sum(acc), at(out, 0))
	end()
}

func (s isa) shiftedDot() {
	s.text("laneShiftedDot", "(n int, p, s, ds, d, l, dl, out *float64)")
	n, p, d, out := s.size("n"), s.load(at(arg("p"), 0)), s.load(at(arg("d"), 0)), arg("out")
	x, dx, l, dl := arg("s"), arg("ds"), arg("l"), arg("dl")
	acc := s.chains()
	s.fourChains(n, func(k reg.GPVirtual, disp, c int) {
		a, b := s.load(off(x, k, disp)), s.load(off(l, k, disp))
		VFMADD231PD(off(dx, k, disp), p, a)
		VFMADD231PD(off(dl, k, disp), d, b)
		VFMADD231PD(a, b, acc[c])
	})
	VMOVUPD(sum(acc), at(out, 0))
	end()
}

// each runs body for the entries from 0 to n.
func (s isa) each(n reg.GPVirtual, body func(k reg.GPVirtual)) {
	k := GP64()
	XORQ(k, k)
	below(k, n, func() {
		body(k)
		ADDQ(I32(int32(s.bytes())), k)
	})
}

// greater puts the larger of two vectors of integers into acc.
func (s isa) greater(x, acc reg.VecVirtual) {
	if s.lanes == 8 {
		VPMAXSQ(x, acc, acc)
		return
	}
	larger := YMM()
	VPCMPGTQ(acc, x, larger)
	VBLENDVPD(larger, x, acc, acc)
}

// normInf compares bits: those of nonnegative numbers are ordered as they are,
// with NaN above all.
func (s isa) normInf() {
	s.text("laneNormInf", "(n int, x, out *float64)")
	n, x, out, acc := s.size("n"), arg("x"), arg("out"), s.zero()
	mask := s.load(absMask)
	s.each(n, func(k reg.GPVirtual) {
		v := s.load(in(x, k))
		if s.lanes == 8 {
			VPANDQ(mask, v, v)
		} else {
			VANDPD(mask, v, v)
		}
		s.greater(v, acc)
	})
	VMOVUPD(acc, at(out, 0))
	end()
}

func (s isa) violation() {
	s.text("laneViolation", "(n int, sign float64, c, side, out *float64)")
	n, c, side, out, sign, top := s.size("n"), arg("c"), arg("side"), arg("out"), s.scalar("sign"), s.zero()
	s.each(n, func(k reg.GPVirtual) {
		v := s.load(in(c, k))
		VSUBPD(in(side, k), v, v)
		VMULPD(sign, v, v)
		VMAXPD(top, v, top) // top where v is NaN
	})
	VMOVUPD(top, at(out, 0))
	end()
}

// Predicates of VCMPPD, quiet.
const (
	lessThan = U8(0x11)
	notEqual = U8(0x04)
)

// blend sets dst to x where the comparison of a with b holds.
func (s isa) blend(predicate U8, b, a, x, dst reg.VecVirtual) {
	if s.lanes == 8 {
		k := K()
		VCMPPD(predicate, b, a, k)
		VMOVAPD(x, k, dst)
		return
	}
	m := YMM()
	VCMPPD(predicate, b, a, m)
	VBLENDVPD(m, x, dst, dst)
}

func (s isa) sideSum() {
	s.text("laneSideSum", "(n int, lam, lo, up, sum, abs *float64)")
	n, lam, lo, up := s.size("n"), arg("lam"), arg("lo"), arg("up")
	none, total, size := s.zero(), s.chains(), s.chains()
	s.fourChains(n, func(k reg.GPVirtual, disp, c int) {
		l, side := s.load(off(lam, k, disp)), s.load(off(up, k, disp))
		s.blend(lessThan, none, l, s.load(off(lo, k, disp)), side)
		v := s.zero()
		VMULPD(l, side, side)
		s.blend(notEqual, none, l, side, v) // 0·∞ is 0 here
		VADDPD(v, total[c], total[c])
		s.and(absMask, v)
		VADDPD(v, size[c], size[c])
	})
	VMOVUPD(sum(total), at(arg("sum"), 0))
	VMOVUPD(sum(size), at(arg("abs"), 0))
	end()
}

func (s isa) maxStep() {
	s.text("laneMaxStep", "(n int, alpha, v, dv *float64)")
	n, out, v, dv, none := s.size("n"), arg("alpha"), arg("v"), arg("dv"), s.zero()
	alpha := s.load(at(out, 0))
	s.each(n, func(k reg.GPVirtual) {
		d, q, minus := s.load(in(dv, k)), s.load(in(v, k)), s.vec()
		VSUBPD(d, none, minus)
		VDIVPD(minus, q, q)
		VMINPD(alpha, q, q) // alpha where the quotient is NaN
		s.blend(lessThan, none, d, q, alpha)
	})
	VMOVUPD(alpha, at(out, 0))
	end()
}

func (s isa) axpy() {
	s.text("laneAxpy", "(n int, alpha, x, y *float64)")
	n, x, y := s.size("n"), arg("x"), arg("y")
	alpha := s.load(at(arg("alpha"), 0))
	s.each(n, func(k reg.GPVirtual) {
		v := s.load(in(y, k))
		VFMADD231PD(in(x, k), alpha, v)
		VMOVUPD(v, in(y, k))
	})
	end()
}

func (s isa) complementarity() {
	for _, second := range []bool{false, true} {
		name, more := "laneComplementarity", ""
		if second {
			name, more = "laneComplementarity2", "ds, dl, "
		}
		s.text(name, "(n int, target, s, l, r, on, "+more+"q, h *float64)")
		n := s.size("n")
		target := s.load(at(arg("target"), 0))
		x, l, r, on, q, h := arg("s"), arg("l"), arg("r"), arg("on"), arg("q"), arg("h")
		var ds, dl reg.GPVirtual
		if second {
			ds, dl = arg("ds"), arg("dl")
		}
		s.each(n, func(k reg.GPVirtual) {
			a, b, v, t := s.load(in(x, k)), s.load(in(l, k)), s.vec(), s.vec()
			VMULPD(b, a, v)
			if second {
				VFMADD231PD(in(ds, k), s.load(in(dl, k)), v)
			}
			VMULPD(in(on, k), target, t)
			VSUBPD(t, v, v)
			VMOVUPD(v, in(q, k))
			VFMSUB132PD(in(r, k), v, b) // l·r − q
			VDIVPD(a, b, b)
			VMOVUPD(b, in(h, k))
		})
		end()
	}
}

// choose is Select: y = x where the mask is not zero.
func (s isa) choose() {
	s.text("laneSelect", "(n int, mask, x, y *float64)")
	n, x, y, none := s.size("n"), arg("x"), arg("y"), s.zero()
	mask := s.load(at(arg("mask"), 0))
	if s.lanes == 8 {
		k1 := K()
		VCMPPD(notEqual, none, mask, k1)
		s.each(n, func(k reg.GPVirtual) { VMOVUPD(s.load(in(x, k)), k1, in(y, k)) })
	} else {
		m := YMM()
		VCMPPD(notEqual, none, mask, m)
		s.each(n, func(k reg.GPVirtual) {
			v := s.load(in(y, k))
			VBLENDVPD(m, in(x, k), v, v)
			VMOVUPD(v, in(y, k))
		})
	}
	end()
}
