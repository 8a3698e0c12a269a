package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Both solves go by blocks of four unknowns. As soon as one is known, it is
// subtracted from the right-hand sides of the next block, and that block is
// solved: this is the chain of dependent operations that decides the time.
// Only then, and in its shadow, the first block is subtracted from all others.
//
// Registers: known[0..3] broadcast the block that is being subtracted, and
// next[0..3] hold the scalars of the block that follows.
var (
	known = ymm[0:4]
	next  = ymm[4:8]
	block = ymm[8:13] // of U, or the right-hand sides in block[0]
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

// solveUT keeps the right-hand sides of the last n mod 4 rows in a register
// until they are due, as x has no padding.
func solveUT() {
	text("solveUTAVX2", "is SolveUT.", "(n int, u *float64, ldu int, inv *float64, x *float64)")
	n := arg("n")
	ldu := argBytes("ldu")
	inv, x := arg("inv"), arg("x")
	u := newRows(ldu, 4)
	Load(Param("u"), u.p)
	px, rest := GP64(), GP64()
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

	loop, others, other, noTail := label("block"), label("others"), label("other"), label("noTail")
	endBlock := label("blocks")
	Label(loop)
	spread()
	LEAQ(at(u.p, 32), right.p)
	LEAQ(Mem{Base: u.p, Index: ldu, Scale: 4}, u.p)
	ADDQ(num(32), u.p)
	ADDQ(num(32), x)
	ADDQ(num(32), inv)
	DECQ(rest)
	JZ(LabelRef(endBlock))
	VMOVUPD(at(x, 0), block[0])
	subtract(block[0])
	split(block[0])
	forward(4)
	ADDQ(num(32), right.p)
	MOVQ(x, px)
	k := GP64()
	MOVQ(rest, k)
	Label(others)
	DECQ(k)
	JZ(LabelRef(other))
	ADDQ(num(32), px)
	VMOVUPD(at(px, 0), block[0])
	subtract(block[0])
	VMOVUPD(block[0], at(px, 0))
	ADDQ(num(32), right.p)
	JMP(LabelRef(others))
	Label(other)
	TESTQ(long(3), n)
	JZ(LabelRef(loop))
	subtract(last)
	JMP(LabelRef(loop))
	Label(endBlock)
	TESTQ(long(3), n)
	JZ(LabelRef(noTail))
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
	Label(noTail)
	done()
}

// solveU transposes the blocks of U in registers: a row of U gives one
// coefficient to each of four chains.
func solveU() {
	text("solveUAVX2", "is SolveU.", "(n int, u *float64, ldu int, inv *float64, x *float64)")
	n := arg("n")
	ldu := argBytes("ldu")
	inv, x := arg("inv"), arg("x")
	diag := newRows(ldu, 4)
	above := diag // the rows above the diagonal block
	above.p = GP64()
	px, i, k, up := GP64(), GP64(), GP64(), GP64()
	mask := ymm[15]

	// backward solves for the first count unknowns of the block.
	backward := func(count int) {
		for p := count - 1; p >= 0; p-- {
			VMULSD(at(inv, 8*p), next[p].AsX(), next[p].AsX())
			VMOVSD(next[p].AsX(), at(x, 8*p))
			for q := p - 1; q >= 0; q-- {
				VFNMADD231SD(diag.at(q, 8*p), next[p].AsX(), next[q].AsX())
			}
		}
	}
	// subtract takes the known unknowns off the four rows at above. Columns
	// beyond the last may hold anything: they are masked, and as known is zero
	// there, too, their products leave every bit of a difference alone.
	rhs := ymm[13]
	subtract := func(masked bool) {
		a, b, c, d, t := block[0], block[1], block[2], block[3], block[4]
		for r := range 4 {
			if masked {
				VANDPD(above.at(r, 0), mask, block[r])
			} else {
				VMOVUPD(above.at(r, 0), block[r])
			}
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
	first, end := label("first"), label("end")
	// propagate solves the block above the known one, at diag and x, and then
	// subtracts the known one from all rows further up.
	propagate := func(masked bool, loop, end string) {
		others, other := label("others"), label("other")
		Label(loop)
		spread()
		SUBQ(num(4), i)
		JLT(LabelRef(end))
		MOVQ(diag.p, above.p)
		ADDQ(up, above.p)
		SUBQ(num(32), x)
		SUBQ(num(32), inv)
		VMOVUPD(at(x, 0), rhs)
		subtract(masked)
		LEAQ(at(above.p, -32), diag.p)
		split(rhs)
		backward(4)
		MOVQ(x, px)
		MOVQ(i, k)
		Label(others)
		SUBQ(num(4), k)
		JLT(LabelRef(other))
		ADDQ(up, above.p)
		SUBQ(num(32), px)
		VMOVUPD(at(px, 0), rhs)
		subtract(masked)
		VMOVUPD(rhs, at(px, 0))
		JMP(LabelRef(others))
		Label(other)
	}

	// up goes four rows up.
	MOVQ(ldu, up)
	SHLQ(Imm(2), up)
	NEGQ(up)
	MOVQ(n, i)
	ANDQ(num(-4), i)
	LEAQ(Mem{Base: x, Index: i, Scale: 8}, x)
	LEAQ(Mem{Base: inv, Index: i, Scale: 8}, inv)
	MOVQ(i, diag.p)
	IMULQ(ldu, diag.p)
	LEAQ(Mem{Base: diag.p, Index: i, Scale: 8}, diag.p)
	ADDQ(argAt("u"), diag.p)
	loadTailMask(n, mask)
	ANDQ(num(3), n)
	JZ(LabelRef(first))

	VMASKMOVPD(at(x, 0), mask, rhs)
	split(rhs)
	solved := label("solved")
	for count := 3; count > 0; count-- {
		skip := label("tail")
		CMPQ(n, num(count))
		JNE(LabelRef(skip))
		backward(count)
		JMP(LabelRef(solved))
		Label(skip)
	}
	Label(solved)
	propagate(true, label("block"), end)
	loop := label("block")
	JMP(LabelRef(loop))

	// No tail: the last block comes first.
	Label(first)
	SUBQ(num(4), i)
	SUBQ(num(32), x)
	SUBQ(num(32), inv)
	ADDQ(up, diag.p)
	SUBQ(num(32), diag.p)
	VMOVUPD(at(x, 0), rhs)
	split(rhs)
	backward(4)
	propagate(false, loop, end)
	JMP(LabelRef(loop))
	Label(end)
	done()
}
