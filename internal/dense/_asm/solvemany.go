package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func (s isa) solveMany() {
	text("solveMany"+s.suffix, "solves for rows from to to of X, given those above; r is a multiple of the lanes, from of the rows of a tile, and so is to for AVX-512.",
		"(from, to, r int, u *float64, ldu int, inv *float64, x *float64, ldx int)")
	i := arg("from")
	ldu, ldx := argBytes("ldu"), argBytes("ldx")
	a, b, n := GP64(), GP64(), GP64()
	c, diag := newRows(ldx, s.rows), newRows(ldu, s.rows)
	pa, pb, k := GP64(), GP64(), GP64()
	// avo does not spill: what is rarely used stays on the stack, and the count
	// of rows that are left replaces their end.
	rest := k
	MOVQ(argAt("to"), rest)
	SUBQ(i, rest)
	MOVQ(rest, argAt("to"))
	MOVQ(argAt("inv"), a)
	LEAQ(Mem{Base: a, Index: i, Scale: 8}, a)
	MOVQ(a, argAt("inv"))

	panel := func(rows int) {
		MOVQ(argAt("u"), a)
		LEAQ(Mem{Base: a, Index: i, Scale: 8}, a)
		MOVQ(argAt("x"), b)
		MOVQ(i, c.p)
		IMULQ(ldx, c.p)
		ADDQ(b, c.p)
		MOVQ(argAt("r"), n)
		s.strips(n, rows, s.widest(rows), func(t tile) {
			c.moved()
			t.load(c)
			MOVQ(a, pa)
			MOVQ(b, pb)
			MOVQ(i, k)
			t.multiply(true, pa, ldu, pb, ldx, k)
			// pa has come to the diagonal block.
			d := diag
			d.p = pa
			d.moved()
			MOVQ(argAt("inv"), k)
			t.solve(k, d)
			t.store(c)
			ADDQ(num(t.vecs*t.bytes()), b)
			ADDQ(num(t.vecs*t.bytes()), c.p)
		})
	}
	next, tail, end := label("panel"), label("tail"), label("paneled")
	Label(next)
	CMPQ(argAt("to"), num(s.rows))
	JLT(LabelRef(tail))
	panel(s.rows)
	ADDQ(num(s.rows), i)
	ADDQ(num(8*s.rows), argAt("inv"))
	SUBQ(num(s.rows), argAt("to"))
	JMP(LabelRef(next))
	Label(tail)
	if s.rows == 4 {
		for r := s.rows - 1; r > 0; r-- {
			skip := label("tail")
			CMPQ(argAt("to"), num(r))
			JNE(LabelRef(skip))
			panel(r)
			JMP(LabelRef(end))
			Label(skip)
		}
	}
	Label(end)
	done()
}

// solve applies the inverse transpose of the diagonal block of U:
//
//	x[p] = x[p]·inv[p];  x[q] -= u[p,q]·x[p], q > p.
func (t tile) solve(inv reg.GPVirtual, u rows) {
	y := t.spare(0)
	for p := range t.rows {
		VBROADCASTSD(at(inv, 8*p), y)
		for v := range t.vecs {
			VMULPD(y, t.acc(p, v), t.acc(p, v))
		}
		for q := p + 1; q < t.rows; q++ {
			VBROADCASTSD(u.at(p, 8*q), y)
			for v := range t.vecs {
				VFNMADD231PD(t.acc(p, v), y, t.acc(q, v))
			}
		}
	}
}
