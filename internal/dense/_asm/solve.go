package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Both solves go by blocks of four unknowns. As soon as one is known, it is
// subtracted from the right-hand sides of the next block, and that block is
// solved: this is the chain of dependent operations that decides the time.
// All other products come in its shadow.
//
// Registers: known[0..3] broadcast the block that was solved last, and
// next[0..3] hold the scalars of the block that follows.
var (
	known = ymm[0:4]
	next  = ymm[4:8]
	block = ymm[8:12] // of U, or right-hand sides
)

// split spreads the lanes of a vector over the scalars of next.
func split(v reg.VecPhysical) {
	VMOVAPD(v.AsX(), next[0].AsX())
	VPERMILPD(Imm(1), v.AsX(), next[1].AsX())
	VEXTRACTF128(Imm(1), v, next[2].AsX())
	VPERMILPD(Imm(1), next[2].AsX(), next[3].AsX())
}

// spread broadcasts the block just solved.
func spread() {
	for r := range known {
		VBROADCASTSD(next[r].AsX(), known[r])
	}
}

// solveUT subtracts a block from all right-hand sides below. It keeps those of
// the last n mod 4 rows in a register until they are due, as x has no padding.
func solveUT() {
	text("solveUTAVX2", "is SolveUT.", "(n int, u *float64, ldu int, inv *float64, x *float64)")
	n := arg("n")
	ldu := argBytes("ldu")
	inv, x := arg("inv"), arg("x")
	u := newRows(ldu, 4)
	Load(Param("u"), u.p)
	px, rest, k := GP64(), GP64(), GP64()
	right := u // the rows to the right of the diagonal block
	right.p = GP64()
	last, mask := ymm[15], ymm[14]

	// forward solves for the first count unknowns of the block at u and x.
	forward := func(count int) {
		for p := range count {
			VMULSD(at(inv, 8*p), next[p].AsX(), next[p].AsX())
			VMOVSD(next[p].AsX(), at(x, 8*p))
			for q := p + 1; q < count; q++ {
				VFNMADD231SD(u.at(p, 8*q), next[p].AsX(), next[q].AsX())
			}
		}
	}
	subtract := func(v reg.VecPhysical) {
		for p := range known {
			VFNMADD231PD(right.at(p, 0), known[p], v)
		}
	}

	loadTailMask(n, mask)
	MOVQ(n, rest)
	ANDQ(num(-4), rest)
	VMASKMOVPD(Mem{Base: x, Index: rest, Scale: 8}, mask, last)
	tail, end := label("tail"), label("end")
	SHRQ(Imm(2), rest)
	JZ(LabelRef(tail))
	VMOVUPD(at(x, 0), block[0])
	split(block[0])
	forward(4)

	loop, others, shared, solved := label("block"), label("others"), label("shared"), label("solved")
	Label(loop)
	spread()
	LEAQ(at(u.p, 32), right.p)
	LEAQ(Mem{Base: u.p, Index: ldu, Scale: 4}, u.p)
	ADDQ(num(32), u.p)
	ADDQ(num(32), x)
	ADDQ(num(32), inv)
	DECQ(rest)
	JZ(LabelRef(solved))
	VMOVUPD(at(x, 0), block[0])
	subtract(block[0])
	split(block[0])
	forward(4)
	ADDQ(num(32), right.p)
	MOVQ(x, px)
	MOVQ(rest, k)
	Label(others)
	DECQ(k)
	JZ(LabelRef(shared))
	ADDQ(num(32), px)
	VMOVUPD(at(px, 0), block[0])
	subtract(block[0])
	VMOVUPD(block[0], at(px, 0))
	ADDQ(num(32), right.p)
	JMP(LabelRef(others))
	Label(shared)
	TESTQ(long(3), n)
	JZ(LabelRef(loop))
	subtract(last)
	JMP(LabelRef(loop))
	Label(solved)
	TESTQ(long(3), n)
	JZ(LabelRef(end))
	subtract(last)

	Label(tail)
	split(last)
	ANDQ(num(3), n)
	for count := 3; count > 0; count-- {
		skip := label("tail")
		CMPQ(n, num(count))
		JNE(LabelRef(skip))
		forward(count)
		JMP(LabelRef(end))
		Label(skip)
	}
	Label(end)
	done()
}

// solveU has two ways to subtract. The block to the right of the one to be
// solved was found last: it is transposed in registers, so that each of its
// unknowns can be subtracted from four rows as soon as it is known. The blocks
// further right come as inner products, with four chains in one register for
// each row, while the block before is being solved.
func solveU() {
	text("solveUAVX2", "is SolveU.", "(n int, u *float64, ldu int, inv *float64, x *float64)")
	n := arg("n")
	ldu := argBytes("ldu")
	inv, x := arg("inv"), arg("x")
	diag := newRows(ldu, 4)
	right := diag // the rows of the block to be solved, further right
	right.p = GP64()
	px, i, up, top := GP64(), GP64(), GP64(), GP64()
	rhs, last, mask, t := ymm[13], ymm[14], ymm[15], ymm[12]

	// backward solves for the first count unknowns of the block.
	backward := func(count int) {
		for p := count - 1; p >= 0; p-- {
			VMULSD(at(inv, 8*p), next[p].AsX(), next[p].AsX())
			for q := p - 1; q >= 0; q-- {
				VFNMADD231SD(diag.at(q, 8*p), next[p].AsX(), next[q].AsX())
			}
		}
	}
	// gather is spread with the block in one vector as well.
	gather := func(to reg.VecPhysical) {
		spread()
		VBLENDPD(Imm(2), known[1], known[0], to)
		VBLENDPD(Imm(8), known[3], known[2], t)
		VBLENDPD(Imm(12), t, to, to)
	}
	// near subtracts the known block. Columns beyond the last may hold anything:
	// they are masked, and as known is zero there, their products leave every bit
	// of a difference alone.
	near := func() {
		a, b, c, d := block[0], block[1], block[2], block[3]
		for r := range 4 {
			VANDPD(right.at(r, 0), mask, block[r])
		}
		VUNPCKLPD(b, a, t) // 00 10 02 12
		VUNPCKHPD(b, a, a) // 01 11 03 13
		VUNPCKLPD(d, c, b) // 20 30 22 32
		VUNPCKHPD(d, c, c) // 21 31 23 33
		VPERM2F128(Imm(0x31), c, a, d)
		VFNMADD231PD(d, known[3], rhs)
		VPERM2F128(Imm(0x31), b, t, d)
		VFNMADD231PD(d, known[2], rhs)
		VPERM2F128(Imm(0x20), c, a, d)
		VFNMADD231PD(d, known[1], rhs)
		VPERM2F128(Imm(0x20), b, t, d)
		VFNMADD231PD(d, known[0], rhs)
	}

	MOVQ(ldu, up) // four rows up, and four columns to the left
	SHLQ(Imm(2), up)
	NEGQ(up)
	SUBQ(num(32), up)
	MOVQ(n, i)
	ANDQ(num(-4), i)
	LEAQ(Mem{Base: x, Index: i, Scale: 8}, x)
	LEAQ(Mem{Base: inv, Index: i, Scale: 8}, inv)
	MOVQ(x, top)
	MOVQ(i, diag.p)
	IMULQ(ldu, diag.p)
	LEAQ(Mem{Base: diag.p, Index: i, Scale: 8}, diag.p)
	ADDQ(argAt("u"), diag.p)
	loadTailMask(n, mask)
	whole, solve, begin, finish, end := label("whole"), label("solve"), label("begin"), label("finish"), label("end")
	ANDQ(num(3), n)
	JZ(LabelRef(whole))
	VMASKMOVPD(at(x, 0), mask, rhs)
	split(rhs)
	solved := label("solved")
	for count := 3; count > 0; count-- {
		skip := label("tail")
		CMPQ(n, num(count))
		JNE(LabelRef(skip))
		backward(count)
		for p := range count {
			VMOVSD(next[p].AsX(), at(x, 8*p))
		}
		JMP(LabelRef(solved))
		Label(skip)
	}
	Label(solved)
	gather(last)
	SUBQ(num(4), i)
	JLT(LabelRef(end))
	VMOVUPD(at(x, -32), rhs)

	// Block i is next, with all but the known block off its right-hand side.
	Label(solve)
	LEAQ(Mem{Base: diag.p, Index: up, Scale: 1, Disp: 32}, right.p)
	ADDQ(up, diag.p)
	SUBQ(num(32), x)
	SUBQ(num(32), inv)
	near()
	Label(begin)
	split(rhs)
	backward(4)
	SUBQ(num(4), i)
	JLT(LabelRef(finish))

	// In its shadow, the right-hand side of the block above. The sums are
	// negative, and begin with -0.
	sum := block[0:4]
	VBROADCASTSD(constant("sign", negativeZero), sum[0])
	for r := 1; r < 4; r++ {
		VMOVAPD(sum[0], sum[r])
	}
	MOVQ(top, px)
	SUBQ(x, px)
	LEAQ(Mem{Base: diag.p, Index: up, Scale: 1, Disp: 32}, right.p)
	ADDQ(px, right.p)
	MOVQ(top, px)
	far, added := label("far"), label("added")
	TESTQ(n, n)
	JZ(LabelRef(far))
	loadTailMask(n, known[0])
	for r := range sum {
		VANDPD(right.at(r, 0), known[0], known[1])
		VFNMADD231PD(known[1], last, sum[r])
	}
	Label(far)
	SUBQ(num(32), right.p)
	SUBQ(num(32), px)
	CMPQ(px, x)
	JLE(LabelRef(added))
	VMOVUPD(at(px, 0), known[0])
	for r := range sum {
		VFNMADD231PD(right.at(r, 0), known[0], sum[r])
	}
	JMP(LabelRef(far))
	Label(added)
	sums(sum, t)
	VADDPD(at(x, -32), sum[0], rhs)

	gather(sum[0])
	VMOVUPD(sum[0], at(x, 0))
	VPCMPEQQ(mask, mask, mask)
	JMP(LabelRef(solve))

	Label(whole)
	SUBQ(num(4), i)
	SUBQ(num(32), x)
	SUBQ(num(32), inv)
	ADDQ(up, diag.p)
	VMOVUPD(at(x, 0), rhs)
	VPCMPEQQ(mask, mask, mask)
	JMP(LabelRef(begin))

	Label(finish)
	gather(rhs)
	VMOVUPD(rhs, at(x, 0))
	Label(end)
	done()
}
