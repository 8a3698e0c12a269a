package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A tile is a block of rows×vecs vectors of C in registers.
type tile struct {
	isa
	rows, vecs int
}

// widest returns the most vectors in a row of a tile of so many rows: few
// rows take more, to have enough chains to hide the latency of an FMA.
func (s isa) widest(rows int) int { return min(3+max(0, 3-rows), 5) }

func (t tile) acc(r, v int) reg.VecPhysical { return t.regs[r*t.vecs+v] }

// spare are the registers beyond the accumulators.
func (t tile) spare(i int) reg.VecPhysical { return t.regs[t.rows*t.vecs+i] }

// each runs f over the vectors of the tile.
func (t tile) each(f func(r, v int)) {
	for r := range t.rows {
		for v := range t.vecs {
			f(r, v)
		}
	}
}

func (t tile) clear() { t.each(func(r, v int) { t.zero(t.acc(r, v)) }) }

func (t tile) load(c rows) {
	t.each(func(r, v int) { VMOVUPD(c.at(r, v*t.bytes()), t.acc(r, v)) })
}

func (t tile) store(c rows) {
	t.each(func(r, v int) { VMOVUPD(t.acc(r, v), c.at(r, v*t.bytes())) })
}

// multiply adds or subtracts Σ_k a[k,r]·b[k,c], in ascending k, one FMA for
// each. It moves pa and pb down by k rows, and counts k to zero.
func (t tile) multiply(subtract bool, pa, lda, pb, ldb, k reg.GPVirtual) {
	loop, end := label("step"), label("stepped")
	TESTQ(k, k)
	JZ(LabelRef(end))
	Label(loop)
	for v := range t.vecs {
		VMOVUPD(at(pb, v*t.bytes()), t.spare(v))
	}
	x := t.spare(t.vecs)
	for r := range t.rows {
		VBROADCASTSD(at(pa, 8*r), x)
		for v := range t.vecs {
			if subtract {
				VFNMADD231PD(t.spare(v), x, t.acc(r, v))
			} else {
				VFMADD231PD(t.spare(v), x, t.acc(r, v))
			}
		}
	}
	ADDQ(lda, pa)
	ADDQ(ldb, pb)
	DECQ(k)
	JNZ(LabelRef(loop))
	Label(end)
}

// strips covers n columns, a multiple of the lanes, by tiles of up to widest
// vectors. The last two share what is left, since a tile of one vector has
// too few chains.
func (s isa) strips(n reg.GPVirtual, rows, widest int, body func(t tile)) {
	next, end := label("strip"), label("stripped")
	begin := make([]string, widest+1)
	for v := range begin {
		begin[v] = label("vecs")
	}
	Label(next)
	if widest > 2 {
		CMPQ(n, num((widest+1)*s.lanes))
		JE(LabelRef(begin[widest-1]))
	}
	for v := widest; v > 0; v-- {
		CMPQ(n, num(v*s.lanes))
		JGE(LabelRef(begin[v]))
	}
	JMP(LabelRef(end))
	for v := widest; v > 0; v-- {
		Label(begin[v])
		body(tile{s, rows, v})
		SUBQ(num(v*s.lanes), n)
		JMP(LabelRef(next))
	}
	Label(end)
}

// panels covers the rows counted in rest by panels of s.rows, and what is
// left by a lower one; AVX-512 leaves that to AVX2.
func (s isa) panels(rest reg.GPVirtual, body func(rows int)) {
	next, tail, end := label("panel"), label("tail"), label("paneled")
	Label(next)
	CMPQ(rest, num(s.rows))
	JLT(LabelRef(tail))
	body(s.rows)
	SUBQ(num(s.rows), rest)
	JMP(LabelRef(next))
	Label(tail)
	if s.rows == 4 {
		for r := s.rows - 1; r > 0; r-- {
			skip := label("tail")
			CMPQ(rest, num(r))
			JNE(LabelRef(skip))
			body(r)
			JMP(LabelRef(end))
			Label(skip)
		}
	}
	Label(end)
}
