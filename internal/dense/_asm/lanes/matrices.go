package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func (s isa) gemv() {
	s.text("laneGemv", "(m, n int, alpha float64, a, x, y *float64)")
	m, n, a, x, y, alpha := arg("m"), s.size("n"), arg("a"), arg("x"), arg("y"), s.scalar("alpha")
	while(func() { TESTQ(m, m) }, func(l LabelRef) { JZ(l) }, func() {
		acc := s.chains()
		s.fourChains(n, func(k reg.GPVirtual, disp, c int) {
			VFMADD231PD(off(a, k, disp), s.load(off(x, k, disp)), acc[c])
		})
		v := s.load(at(y, 0))
		VFMADD231PD(sum(acc), alpha, v)
		VMOVUPD(v, at(y, 0))
		ADDQ(n, a)
		ADDQ(I32(int32(s.bytes())), y)
		DECQ(m)
	})
	end()
}

// gemvT keeps up to four entries of y in registers.
func (s isa) gemvT() {
	s.text("laneGemvT", "(m, n int, alpha float64, a, x, y *float64)")
	m, n, a, y, alpha := s.size("m"), s.size("n"), arg("a"), arg("y"), s.scalar("alpha")
	xs := arg("x")
	left := copied(n)
	strip := func(width int) {
		var acc []reg.VecVirtual
		for c := range width {
			acc = append(acc, s.load(at(y, c*s.bytes())))
		}
		row, k := copied(a), GP64()
		XORQ(k, k)
		below(k, m, func() {
			w := s.vec()
			VMULPD(in(xs, k), alpha, w)
			for c, v := range acc {
				VFMADD231PD(at(row, c*s.bytes()), w, v)
			}
			ADDQ(n, row)
			ADDQ(I32(int32(s.bytes())), k)
		})
		for c, v := range acc {
			VMOVUPD(v, at(y, c*s.bytes()))
		}
		ADDQ(I32(int32(width*s.bytes())), a)
		ADDQ(I32(int32(width*s.bytes())), y)
		SUBQ(I32(int32(width*s.bytes())), left)
	}
	for _, width := range []int{4, 1} {
		while(func() { CMPQ(left, I32(int32(width*s.bytes()))) }, func(l LabelRef) { JLT(l) }, func() { strip(width) })
	}
	end()
}

// solveUT takes each unknown, once it is known, off all that follow.
func (s isa) solveUT() {
	s.text("laneSolveUT", "(n int, u, inv, x *float64)")
	n, u, inv, x := s.size("n"), arg("u"), arg("inv"), arg("x")
	i := GP64()
	XORQ(i, i)
	below(i, n, func() {
		v := s.load(in(x, i))
		VMULPD(in(inv, i), v, v)
		VMOVUPD(v, in(x, i))
		j := copied(i)
		ADDQ(I32(int32(s.bytes())), j)
		below(j, n, func() {
			w := s.load(in(x, j))
			VFNMADD231PD(in(u, j), v, w)
			VMOVUPD(w, in(x, j))
			ADDQ(I32(int32(s.bytes())), j)
		})
		ADDQ(n, u)
		ADDQ(I32(int32(s.bytes())), i)
	})
	end()
}

// solveU goes by rows from the last one up. Its sums are negative, and begin with
// -0, as in solveU for one problem: that shows where they are zero.
func (s isa) solveU() {
	s.text("laneSolveU", "(n int, u, inv, x *float64)")
	n, u, inv, x := s.size("n"), arg("u"), arg("inv"), arg("x")
	step := int32(s.bytes())
	rows, i := arg("n"), copied(n)
	DECQ(rows)
	IMULQ(n, rows)
	ADDQ(rows, u) // the last row
	while(func() { TESTQ(i, i) }, func(l LabelRef) { JZ(l) }, func() {
		SUBQ(I32(step), i)
		near := copied(i)
		ANDQ(I32(int32(-4*s.bytes())), near)
		ADDQ(I32(8*step), near)
		CMPQ(near, n)
		CMOVQGT(n, near)
		acc, j := s.chains(), copied(n)
		for c := range acc {
			VMOVUPD(negative, acc[c])
		}
		// The last entries, down to a multiple of four.
		top := label("full")
		for c := 2; c >= 0; c-- {
			skip := label("skip")
			CMPQ(j, near)
			JLE(LabelRef(top))
			bits := copied(j)
			ANDQ(I32(3*step), bits)
			CMPQ(bits, I32(int32(c+1)*step))
			JNE(LabelRef(skip))
			SUBQ(I32(step), j)
			VFNMADD231PD(in(u, j), s.load(in(x, j)), acc[c])
			Label(skip)
		}
		Label(top)
		while(func() { CMPQ(j, near) }, func(l LabelRef) { JLE(l) }, func() {
			SUBQ(I32(4*step), j)
			for c := 3; c >= 0; c-- {
				VFNMADD231PD(off(u, j, c*s.bytes()), s.load(off(x, j, c*s.bytes())), acc[c])
			}
		})
		v := s.load(in(x, i))
		VADDPD(sum(acc), v, v)
		while(func() { SUBQ(I32(step), near); CMPQ(near, i) }, func(l LabelRef) { JLE(l) }, func() {
			VFNMADD231PD(in(u, near), s.load(in(x, near)), v)
		})
		VMULPD(in(inv, i), v, v)
		VMOVUPD(v, in(x, i))
		SUBQ(n, u)
	})
	end()
}

// cholesky goes by blocks of four rows, and in them by pairs of columns.
func (s isa) cholesky() {
	s.text("laneCholesky", "(n int, a, inv *float64) uint")
	n, a, inv := s.size("n"), arg("a"), arg("inv")
	step := int32(s.bytes())
	bad := GP64()
	XORQ(bad, bad)
	f := GP64() // where the block begins: bytes of columns
	XORQ(f, f)
	block := copied(a) // and its first row
	while(func() { CMPQ(f, n) }, func(l LabelRef) { JGE(l) }, func() {
		for rows := 4; rows >= 1; rows-- {
			skip := label("rows")
			left := copied(n)
			SUBQ(f, left)
			CMPQ(left, I32(int32(rows)*step))
			if rows == 4 {
				JLT(LabelRef(skip))
			} else {
				JNE(LabelRef(skip))
			}
			s.block(rows, n, a, inv, f, block, bad)
			Label(skip)
		}
		next := copied(n)
		SHLQ(Imm(2), next)
		ADDQ(next, block)
		ADDQ(I32(4*step), f)
	})
	Store(bad, ReturnIndex(0))
	end()
}

// block does rows f to f+rows.
func (s isa) block(rows int, n, a, inv, f, block, bad reg.GPVirtual) {
	b := s.bytes()
	// The rows of the block, at its first column.
	var row [4]reg.GPVirtual
	for r := range rows {
		row[r] = GP64()
		if r == 0 {
			MOVQ(block, row[0])
			ADDQ(f, row[0])
		} else {
			MOVQ(row[r-1], row[r])
			ADDQ(n, row[r])
		}
	}
	// update subtracts from the entries of the block's rows in so many columns
	// from j on what the rows above say.
	update := func(j reg.GPVirtual, cols int, keep func(r, c int) bool) (acc [4][2]reg.VecVirtual) {
		for r := range rows {
			for c := range cols {
				if keep(r, c) {
					acc[r][c] = s.load(off(row[r], j, c*b))
				}
			}
		}
		left := copied(a)
		ADDQ(f, left)
		below(left, row[0], func() {
			for c := range cols {
				x := s.load(off(left, j, c*b))
				for r := range rows {
					if keep(r, c) {
						VFNMADD231PD(at(left, r*b), x, acc[r][c])
					}
				}
			}
			ADDQ(n, left)
		})
		return acc
	}
	store := func(acc [4][2]reg.VecVirtual, j reg.GPVirtual, cols int, keep func(r, c int) bool) {
		for r := range rows {
			for c := range cols {
				if keep(r, c) {
					VMOVUPD(acc[r][c], off(row[r], j, c*b))
				}
			}
		}
	}
	// The diagonal block.
	for c := range rows {
		j := GP64()
		MOVQ(I32(int32(c*b)), j)
		keep := func(r, _ int) bool { return r <= c }
		store(update(j, 1, keep), j, 1, keep)
	}
	var d [4][4]reg.VecVirtual
	for r := range rows {
		for c := r; c < rows; c++ {
			d[r][c] = s.load(at(row[r], c*b))
		}
	}
	pivot := func(i int) Mem { return off(inv, f, i*b) }
	for i := range rows {
		e := s.load(one)
		VDIVPD(d[i][i], e, e)
		s.check(e, bad)
		for p := i + 1; p < rows; p++ {
			m := s.vec()
			VMULPD(e, d[i][p], m)
			for c := p; c < rows; c++ {
				VFNMADD231PD(d[i][c], m, d[p][c])
			}
		}
		VSQRTPD(e, e)
		VMOVUPD(e, pivot(i))
		for c := i; c < rows; c++ {
			VMULPD(e, d[i][c], d[i][c])
			VMOVUPD(d[i][c], at(row[i], c*b))
		}
	}
	if rows < 4 { // nothing is right of the last block
		return
	}
	// The columns to the right.
	j := GP64()
	MOVQ(I32(int32(rows*b)), j)
	all := func(int, int) bool { return true }
	for _, cols := range []int{2, 1} {
		last := copied(n)
		SUBQ(f, last)
		SUBQ(I32(int32((cols-1)*b)), last)
		below(j, last, func() {
			acc := update(j, cols, all)
			for i := range rows {
				for c := range cols {
					VMULPD(pivot(i), acc[i][c], acc[i][c])
				}
				for p := i + 1; p < rows; p++ {
					u := s.load(at(row[i], p*b))
					for c := range cols {
						VFNMADD231PD(acc[i][c], u, acc[p][c])
					}
				}
			}
			store(acc, j, cols, all)
			ADDQ(I32(int32(cols*b)), j)
		})
	}
}

// check sets the bits of bad in whose lanes 0 < e < ∞ does not hold.
func (s isa) check(e reg.VecVirtual, bad reg.GPVirtual) {
	none, top := s.zero(), s.load(infinity)
	m := GP64()
	if s.lanes == 8 {
		k, l, w := K(), K(), GP32()
		VCMPPD(lessThan, e, none, k) // 0 < e
		VCMPPD(lessThan, top, e, l)
		KANDW(k, l, k)
		KMOVW(k, w)
		MOVL(w, m.As32())
		XORQ(Imm(255), m)
	} else {
		x, y := YMM(), YMM()
		VCMPPD(lessThan, e, none, x)
		VCMPPD(lessThan, top, e, y)
		VANDPD(x, y, x)
		w := GP32()
		VMOVMSKPD(x, w)
		MOVL(w, m.As32())
		XORQ(Imm(15), m)
	}
	ORQ(m, bad)
}
