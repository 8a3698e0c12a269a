package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

var negativeZero = math.Copysign(0, -1)

func dot() {
	text("dotAVX2", "is Dot.", "(n int, x, y *float64) float64")
	n, x, y := arg("n"), arg("x"), arg("y")
	k := GP64()
	sum, v, w, mask, t := ymm[0], ymm[1], ymm[2], ymm[3], ymm[4]
	VXORPD(sum, sum, sum)
	loop, last, added := label("step"), label("last"), label("added")
	MOVQ(n, k)
	SUBQ(num(4), k)
	JLT(LabelRef(last))
	Label(loop)
	VMOVUPD(at(x, 0), v)
	VFMADD231PD(at(y, 0), v, sum)
	ADDQ(num(32), x)
	ADDQ(num(32), y)
	SUBQ(num(4), k)
	JGE(LabelRef(loop))
	Label(last)
	TESTQ(long(3), n)
	JZ(LabelRef(added))
	loadTailMask(n, mask)
	VMASKMOVPD(at(x, 0), mask, v)
	VMASKMOVPD(at(y, 0), mask, w)
	signedTail(mask, w, t)
	VFMADD231PD(w, v, sum)
	Label(added)
	sums(ymm[:1], t)
	VMOVSD(sum.AsX(), resultAt())
	done()
}

func axpy() {
	text("axpyAVX2", "is Axpy.", "(n int, alpha float64, x, y *float64)")
	n, x, y := arg("n"), arg("x"), arg("y")
	alpha := ymm[15]
	VBROADCASTSD(argAt("alpha"), alpha)
	for _, vecs := range []int{4, 1} {
		loop, end := label("step"), label("end")
		SUBQ(num(4*vecs), n)
		JLT(LabelRef(end))
		Label(loop)
		for v := range vecs {
			VMOVUPD(at(y, 32*v), ymm[v])
			VFMADD231PD(at(x, 32*v), alpha, ymm[v])
			VMOVUPD(ymm[v], at(y, 32*v))
		}
		ADDQ(num(32*vecs), x)
		ADDQ(num(32*vecs), y)
		SUBQ(num(4*vecs), n)
		JGE(LabelRef(loop))
		Label(end)
		ADDQ(num(4*vecs), n)
	}
	loop, end := label("one"), label("end")
	Label(loop)
	DECQ(n)
	JLT(LabelRef(end))
	VMOVSD(at(y, 0), xmm[0])
	VFMADD231SD(at(x, 0), xmm[15], xmm[0])
	VMOVSD(xmm[0], at(y, 0))
	ADDQ(num(8), x)
	ADDQ(num(8), y)
	JMP(LabelRef(loop))
	Label(end)
	done()
}

// normInf takes maxima, which pass over a NaN, and looks for one beside: then it
// begins again and compares the absolute values as integers, with NaN above all.
func normInf() {
	text("normInfAVX2", "is NormInf.", "(n int, x *float64) float64")
	n, x := arg("n"), arg("x")
	abs, v, nan, w := ymm[15], ymm[4], ymm[5], ymm[6]
	VBROADCASTSD(constant("sign", negativeZero), abs)
	VPCMPEQQ(v, v, v)
	VXORPD(v, abs, abs)
	VXORPD(nan, nan, nan)
	for i := range 4 {
		VXORPD(ymm[i], ymm[i], ymm[i])
	}
	// take has v, absolute, enter the maximum top.
	take := func(top reg.VecPhysical) {
		VCMPPD(unordered, v, v, w)
		VMAXPD(top, v, top)
		VORPD(w, nan, nan)
	}
	left, p := GP64(), GP64()
	MOVQ(n, left)
	MOVQ(x, p)
	loop, last, one, end, strange := label("step"), label("last"), label("one"), label("end"), label("strange")
	SUBQ(num(16), left)
	JLT(LabelRef(last))
	Label(loop)
	for i := range 4 {
		VANDPD(at(p, 32*i), abs, v)
		take(ymm[i])
	}
	ADDQ(num(128), p)
	SUBQ(num(16), left)
	JGE(LabelRef(loop))
	VMAXPD(ymm[1], ymm[0], ymm[0])
	VMAXPD(ymm[3], ymm[2], ymm[2])
	VMAXPD(ymm[2], ymm[0], ymm[0])
	Label(last)
	ADDQ(num(16), left)
	Label(one)
	SUBQ(num(4), left)
	JLT(LabelRef(end))
	VANDPD(at(p, 0), abs, v)
	take(ymm[0])
	ADDQ(num(32), p)
	JMP(LabelRef(one))
	Label(end)
	loadTailMask(left, w)
	VMASKMOVPD(at(p, 0), w, v)
	VANDPD(v, abs, v)
	take(ymm[0])
	flags := GP32()
	VMOVMSKPD(nan, flags)
	TESTL(flags, flags)
	JNZ(LabelRef(strange))
	top := ymm[0]
	VEXTRACTF128(Imm(1), top, v.AsX())
	VMAXPD(v.AsX(), top.AsX(), top.AsX())
	VPERMILPD(Imm(1), top.AsX(), v.AsX())
	VMAXPD(v.AsX(), top.AsX(), top.AsX())
	VMOVSD(top.AsX(), resultAt())
	done()

	Label(strange)
	VXORPD(top, top, top)
	greatest := func() {
		VPCMPGTQ(top, v, w)
		VBLENDVPD(w, v, top, top)
	}
	next, tail := label("next"), label("tail")
	Label(next)
	SUBQ(num(4), n)
	JLT(LabelRef(tail))
	VANDPD(at(x, 0), abs, v)
	greatest()
	ADDQ(num(32), x)
	JMP(LabelRef(next))
	Label(tail)
	loadTailMask(n, w)
	VMASKMOVPD(at(x, 0), w, v)
	VANDPD(v, abs, v)
	greatest()
	for _, shuffle := range []uint64{0x4e, 0xb1} {
		VPERMPD(Imm(shuffle), top, v)
		greatest()
	}
	VMOVSD(top.AsX(), resultAt())
	done()
}

const unordered = U8(0x03) // a predicate of VCMPPD

// peak runs twelve independent chains, for the benchmark that measures what
// the machine can do.
func (s isa) peak() {
	text("peak"+s.suffix, "does a multiplication and an addition in each lane of twelve vectors, steps times.", "(steps int)")
	steps := arg("steps")
	for _, v := range s.regs[:14] {
		s.zero(v)
	}
	loop := label("step")
	Label(loop)
	for _, v := range s.regs[:12] {
		VFMADD231PD(s.regs[12], s.regs[13], v)
	}
	DECQ(steps)
	JNZ(LabelRef(loop))
	done()
}
