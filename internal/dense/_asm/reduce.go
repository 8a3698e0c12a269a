package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
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

// normInf compares the absolute values as integers, with NaN above all.
func normInf() {
	text("normInfAVX2", "is NormInf.", "(n int, x *float64) float64")
	n, x := arg("n"), arg("x")
	top, abs, v, more := ymm[0], ymm[15], ymm[4], ymm[5]
	for i := range 4 {
		VXORPD(ymm[i], ymm[i], ymm[i])
	}
	VBROADCASTSD(constant("sign", negativeZero), abs)
	VPCMPEQQ(v, v, v)
	VXORPD(v, abs, abs)
	loop, last, one, end := label("step"), label("last"), label("one"), label("end")
	SUBQ(num(16), n)
	JLT(LabelRef(last))
	Label(loop)
	for i := range 4 {
		VANDPD(at(x, 32*i), abs, v)
		VPCMPGTQ(ymm[i], v, more)
		VBLENDVPD(more, v, ymm[i], ymm[i])
	}
	ADDQ(num(128), x)
	SUBQ(num(16), n)
	JGE(LabelRef(loop))
	Label(last)
	ADDQ(num(16), n)
	Label(one)
	SUBQ(num(4), n)
	JLT(LabelRef(end))
	VANDPD(at(x, 0), abs, v)
	VPCMPGTQ(top, v, more)
	VBLENDVPD(more, v, top, top)
	ADDQ(num(32), x)
	JMP(LabelRef(one))
	Label(end)
	loadTailMask(n, ymm[6])
	VMASKMOVPD(at(x, 0), ymm[6], v)
	VANDPD(v, abs, v)
	for i := 1; i < 4; i++ {
		VPCMPGTQ(top, v, more)
		VBLENDVPD(more, v, top, top)
		VMOVAPD(ymm[i], v)
	}
	VPCMPGTQ(top, v, more)
	VBLENDVPD(more, v, top, top)
	for _, shuffle := range []uint64{0x4e, 0xb1} {
		VPERMPD(Imm(shuffle), top, v)
		VPCMPGTQ(top, v, more)
		VBLENDVPD(more, v, top, top)
	}
	VMOVSD(top.AsX(), resultAt())
	done()
}

// peak runs twelve independent chains, for the benchmark that measures what
// the machine can do.
func peak() {
	text("peakAVX2", "does 96 operations, 48 of them additions, steps times.", "(steps int)")
	steps := arg("steps")
	for _, v := range ymm {
		VXORPD(v, v, v)
	}
	loop := label("step")
	Label(loop)
	for _, v := range ymm[:12] {
		VFMADD231PD(ymm[12], ymm[13], v)
	}
	DECQ(steps)
	JNZ(LabelRef(loop))
	done()
}
