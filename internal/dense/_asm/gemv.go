package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// sums leaves in the low lanes of v[0] the four lanes of each vector, added as
// (s0+s1)+(s2+s3), for one, two or four vectors. It spoils the others.
func sums(v []reg.VecPhysical, t reg.VecPhysical) {
	switch len(v) {
	case 1:
		VEXTRACTF128(Imm(1), v[0], t.AsX())
		VHADDPD(t.AsX(), v[0].AsX(), v[0].AsX())
		VPERMILPD(Imm(1), v[0].AsX(), t.AsX())
		VADDPD(t.AsX(), v[0].AsX(), v[0].AsX())
	case 2:
		VHADDPD(v[1], v[0], v[0])
		VEXTRACTF128(Imm(1), v[0], t.AsX())
		VADDPD(t.AsX(), v[0].AsX(), v[0].AsX())
	case 4:
		VHADDPD(v[1], v[0], v[0])
		VHADDPD(v[3], v[2], v[2])
		VPERM2F128(Imm(0x21), v[2], v[0], t)
		VBLENDPD(Imm(0xc), v[2], v[0], v[0])
		VADDPD(t, v[0], v[0])
	}
}

// signedTail fills the lanes of v outside the mask, which are zero, with -0: a
// product of it and 0 then leaves every bit of a sum alone.
func signedTail(mask, v, t reg.VecPhysical) {
	VBROADCASTSD(constant("sign", negativeZero), t)
	VANDNPD(t, mask, t)
	VORPD(t, v, v)
}

// gemv goes by eight rows, each with its four chains in one register.
func gemv() {
	text("gemvAVX2", "is Gemv.", "(m, n int, alpha float64, a *float64, lda int, x *float64, y *float64)")
	m := arg("m")
	n := arg("n")
	a, x, y := arg("a"), arg("x"), arg("y")
	lda := argBytes("lda")
	row := newRows(lda, 8)
	px, k := GP64(), GP64()
	alpha, mask, tail, v, t := ymm[15], ymm[14], ymm[13], ymm[12], ymm[11]

	loadTailMask(n, mask)
	VBROADCASTSD(argAt("alpha"), alpha)
	MOVQ(n, k)
	ANDQ(num(-4), k)
	VMASKMOVPD(Mem{Base: x, Index: k, Scale: 8}, mask, tail)
	signedTail(mask, tail, t)

	block := func(count int) {
		s := ymm[:count]
		for _, r := range s {
			VXORPD(r, r, r)
		}
		MOVQ(a, row.p)
		r := row
		r.far = count > 4
		r.moved()
		MOVQ(x, px)
		MOVQ(n, k)
		loop, last, added := label("step"), label("last"), label("added")
		SUBQ(num(4), k)
		JLT(LabelRef(last))
		Label(loop)
		VMOVUPD(at(px, 0), v)
		for i := range s {
			VFMADD231PD(r.at(i, 0), v, s[i])
		}
		ADDQ(num(32), px)
		ADDQ(num(32), r.p)
		if r.far {
			ADDQ(num(32), r.p4)
		}
		SUBQ(num(4), k)
		JGE(LabelRef(loop))
		Label(last)
		TESTQ(long(3), n)
		JZ(LabelRef(added))
		for i := range s {
			VANDPD(r.at(i, 0), mask, v)
			VFMADD231PD(v, tail, s[i])
		}
		Label(added)
		switch count {
		case 1:
			sums(s, t)
			VMOVSD(at(y, 0), t.AsX())
			VFMADD231SD(s[0].AsX(), alpha.AsX(), t.AsX())
			VMOVSD(t.AsX(), at(y, 0))
		case 2:
			sums(s, t)
			VMOVUPD(at(y, 0), t.AsX())
			VFMADD231PD(s[0].AsX(), alpha.AsX(), t.AsX())
			VMOVUPD(t.AsX(), at(y, 0))
		default:
			for i := 0; i < count; i += 4 {
				sums(s[i:i+4], t)
				VMOVUPD(at(y, 8*i), t)
				VFMADD231PD(s[i], alpha, t)
				VMOVUPD(t, at(y, 8*i))
			}
		}
		ADDQ(num(8*count), y)
		switch count {
		case 8:
			LEAQ(Mem{Base: a, Index: lda, Scale: 8}, a)
		case 4:
			LEAQ(Mem{Base: a, Index: lda, Scale: 4}, a)
		case 2:
			LEAQ(Mem{Base: a, Index: lda, Scale: 2}, a)
		}
	}
	loop, four, two, one, end := label("eight"), label("four"), label("two"), label("one"), label("end")
	Label(loop)
	SUBQ(num(8), m)
	JLT(LabelRef(four))
	block(8)
	JMP(LabelRef(loop))
	Label(four)
	TESTQ(long(4), m)
	JZ(LabelRef(two))
	block(4)
	Label(two)
	TESTQ(long(2), m)
	JZ(LabelRef(one))
	block(2)
	Label(one)
	TESTQ(long(1), m)
	JZ(LabelRef(end))
	block(1)
	Label(end)
	done()
}

// gemvT keeps strips of up to eight vectors of y in registers; the last may
// end with a part of one. A narrow strip has too few chains to hide the
// latency of an FMA, so what is left for the last two is shared.
func gemvT() {
	text("gemvTAVX2", "is GemvT.", "(m, n int, alpha float64, a *float64, lda int, x *float64, y *float64)")
	n := arg("n")
	a, y := arg("a"), arg("y")
	lda := argBytes("lda")
	pa, px, k := GP64(), GP64(), GP64()
	alpha, mask, w := ymm[15], ymm[14], ymm[13]
	VBROADCASTSD(argAt("alpha"), alpha)
	loadTailMask(n, mask)

	const widest = 8
	next, end := label("strip"), label("end")
	begin := make([]string, widest+1)
	for v := range begin {
		begin[v] = label("vecs")
	}
	Label(next)
	CMPQ(n, num(4*(widest+3)))
	JG(LabelRef(begin[widest]))
	CMPQ(n, num(4*widest))
	JG(LabelRef(begin[widest-3]))
	for v := widest; v > 0; v-- {
		CMPQ(n, num(4*(v-1)))
		JG(LabelRef(begin[v]))
	}
	JMP(LabelRef(end))
	for v := widest; v > 0; v-- {
		Label(begin[v])
		// The vectors but the last are whole.
		last := ymm[v-1]
		part, loaded, partial, loop := label("part"), label("loaded"), label("partial"), label("step")
		for i := range v - 1 {
			VMOVUPD(at(y, 32*i), ymm[i])
		}
		CMPQ(n, num(4*v))
		JLT(LabelRef(part))
		VMOVUPD(at(y, 32*(v-1)), last)
		JMP(LabelRef(loaded))
		Label(part)
		VMASKMOVPD(at(y, 32*(v-1)), mask, last)
		Label(loaded)
		MOVQ(a, pa)
		MOVQ(argAt("x"), px)
		MOVQ(argAt("m"), k)
		Label(loop)
		VBROADCASTSD(at(px, 0), w)
		VMULPD(alpha, w, w)
		for i := range v {
			VFMADD231PD(at(pa, 32*i), w, ymm[i])
		}
		ADDQ(num(8), px)
		ADDQ(lda, pa)
		DECQ(k)
		JNZ(LabelRef(loop))
		for i := range v - 1 {
			VMOVUPD(ymm[i], at(y, 32*i))
		}
		SUBQ(num(4*v), n)
		JLT(LabelRef(partial))
		VMOVUPD(last, at(y, 32*(v-1)))
		ADDQ(num(32*v), a)
		ADDQ(num(32*v), y)
		JMP(LabelRef(next))
		Label(partial)
		VMASKMOVPD(last, mask, at(y, 32*(v-1)))
		JMP(LabelRef(end))
	}
	Label(end)
	done()
}
