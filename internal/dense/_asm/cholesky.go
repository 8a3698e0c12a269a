package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// cholesky goes by panels of four rows, aligned at multiples of four. The
// first tile of a panel holds the diagonal block and is finished in
// registers; the others are solved by it, as in solveMany.
func (s isa) cholesky() {
	text("cholesky"+s.suffix, "factors rows from to to, given those above, of the leading n columns, and returns from which row on a pivot may have failed, or -1; from is a multiple of 4, and n the order or at least to rounded up to one.",
		"(from, to, n int, a *float64, lda int, inv *float64) int")
	i := arg("from")
	rest := arg("to")
	SUBQ(i, rest)
	lda := argBytes("lda")
	a, b, n := GP64(), GP64(), GP64()
	inv := arg("inv")
	LEAQ(Mem{Base: inv, Index: i, Scale: 8}, inv)
	c := newRows(lda, s.rows)
	pa, pb, k := GP64(), GP64(), GP64()
	failed := label("failed")

	product := func(t tile) {
		t.load(c)
		MOVQ(a, pa)
		MOVQ(b, pb)
		MOVQ(i, k)
		t.multiply(true, pa, lda, pb, lda, k)
	}
	advance := func(t tile) {
		t.store(c)
		ADDQ(num(t.vecs*t.bytes()), b)
		ADDQ(num(t.vecs*t.bytes()), c.p)
	}
	s.panels(rest, func(height int) {
		MOVQ(argAt("a"), a)
		LEAQ(Mem{Base: a, Index: i, Scale: 8}, a)
		MOVQ(a, b)
		MOVQ(i, c.p)
		IMULQ(lda, c.p)
		ADDQ(a, c.p)
		MOVQ(argAt("n"), n)
		SUBQ(i, n)
		// The first tile; pa is free for the bits of a pivot.
		first := func(t tile) {
			product(t)
			t.factor(inv, pa, pb, failed)
			advance(t)
			SUBQ(num(t.vecs*t.lanes), n)
		}
		if height < s.rows {
			first(tile{s, height, 1})
			return
		}
		two, one, begun := label("two"), label("one"), label("begun")
		CMPQ(n, num(s.lanes))
		JLE(LabelRef(one))
		CMPQ(n, num(2*s.lanes))
		JLE(LabelRef(two))
		CMPQ(n, num(4*s.lanes))
		JE(LabelRef(two))
		first(tile{s, height, 3})
		JMP(LabelRef(begun))
		Label(two)
		first(tile{s, height, 2})
		JMP(LabelRef(begun))
		Label(one)
		first(tile{s, height, 1})
		Label(begun)
		s.strips(n, height, s.widest(height), func(t tile) {
			product(t)
			// pa has come to the diagonal block.
			t.solve(inv, rows{p: pa, ld: c.ld, ld3: c.ld3})
			advance(t)
		})
		ADDQ(num(height), i)
		ADDQ(num(8*height), inv)
	})
	VZEROUPPER()
	MOVQ(long(-1), i)
	Store(i, ReturnIndex(0))
	RET()
	Label(failed)
	VZEROUPPER()
	Store(i, ReturnIndex(0))
	RET()
}

// factor finishes a tile whose first vectors are the diagonal block R, left
// by the subtraction of the rows above, and whose other vectors are
// right-hand sides. With d the pivots and e = 1/d,
//
//	r_ij -= (r_qi·e_q)·r_qj, q < i ≤ j,  and  u_ij = r_ij·√e_i:
//
// the square roots are off the path from pivot to pivot. So is the broadcast
// of a pivot: d is updated beside the lane that it was taken from.
func (t tile) factor(inv, bits, limit reg.GPVirtual, failed string) {
	x, e, roots, d := t.spare(0), t.spare(1), t.spare(2), t.spare(3)
	m := roots
	// √e is positive and finite just if e is.
	MOVQ(U64(math.Float64bits(math.Inf(1))-1), limit)
	lane(0, t.acc(0, 0), d)
	for p := range t.rows {
		VBROADCASTSD(constant("one", 1), e)
		VDIVPD(d, e, e)
		for q := p + 1; q < t.rows; q++ {
			lane(q, t.acc(p, 0), x)
			VMULPD(e, x, m)
			if q == p+1 {
				lane(q, t.acc(q, 0), d)
				VFNMADD231PD(x, m, d)
			}
			VFNMADD231PD(t.acc(p, 0), m, t.acc(q, 0))
		}
		VSQRTPD(e, roots)
		VMOVSD(roots.AsX(), at(inv, 8*p))
		VMOVQ(roots.AsX(), bits)
		DECQ(bits)
		CMPQ(bits, limit)
		JCC(LabelRef(failed))
		for v := range t.vecs {
			VMULPD(roots, t.acc(p, v), t.acc(p, v))
		}
		if t.vecs == 1 {
			continue
		}
		for q := p + 1; q < t.rows; q++ {
			lane(q, t.acc(p, 0), x)
			for v := 1; v < t.vecs; v++ {
				VFNMADD231PD(t.acc(p, v), x, t.acc(q, v))
			}
		}
	}
}

// lane broadcasts lane p of a vector of four.
func lane(p int, v, to reg.VecPhysical) {
	if p == 0 {
		VBROADCASTSD(v.AsX(), to)
		return
	}
	VPERMPD(U8(p*0x55), v, to)
}

// residual subtracts the products of the k rows above from a tile of 4×4.
func (s isa) residual() {
	text("residual"+s.suffix, "subtracts from t, 4×4, what the k rows of u contribute to the diagonal block below them.",
		"(k int, u *float64, ldu int, t *[16]float64)")
	k, pa, ldu := arg("k"), arg("u"), argBytes("ldu")
	pb := GP64()
	MOVQ(pa, pb)
	p := arg("t")
	t := tile{s, s.rows, 1}
	t.each(func(r, v int) { VMOVUPD(at(p, 32*r), t.acc(r, v)) })
	t.multiply(true, pa, ldu, pb, ldu, k)
	t.each(func(r, v int) { VMOVUPD(t.acc(r, v), at(p, 32*r)) })
	done()
}
