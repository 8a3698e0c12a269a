package cvx

import "slices"

// An inequality f(x) ≤ c becomes f(x) ≤ t, t ≤ c. Where t occurs nowhere else, it
// is c: a variable and a row less, and none whose value is left open when the
// inequality is slack, which would make solutions and derivatives not unique. The
// multiplier of t ≤ c is then what stationarity in t says, a combination of the
// multipliers of f's own rows.

// span is a range of blocks.
type span struct{ from, to int }

// ref is one row of a block, with a coefficient.
type ref struct {
	block, row int
	c          float64
}

// eliminate removes the variables t of inequalities, and returns, for each
// constraint that lost its rows, the rows that its multiplier's entries are made
// of. Where[i] is the block of constraint i.
func (g *graph) eliminate(cs []*Constraint, where []int) map[int][][]ref {
	if !slices.ContainsFunc(cs, func(c *Constraint) bool { return c.rel == lessEqual || c.rel == greaterEqual }) {
		return nil
	}
	atoms := make([]bool, g.n) // the variables that atoms made
	for v := range g.born {
		atoms[v] = true
	}
	uses := make([][]ref, g.n) // and where they occur
	for b := range g.blocks {
		l := g.blocks[b].rows
		for r := range l.rows() {
			for _, t := range l.row(r) {
				if t.v >= 0 && atoms[t.v] {
					if t.p >= 0 {
						uses[t.v] = append(uses[t.v], ref{-1, 0, 0}) // with a parameter: keep it
					}
					uses[t.v] = append(uses[t.v], ref{b, r, t.c})
				}
			}
		}
	}
	keep := make([]bool, g.n)
	for _, t := range g.linear {
		if t.v >= 0 {
			keep[t.v] = true
		}
	}
	for _, q := range g.quad {
		keep[q.i], keep[q.j] = true, true
	}
	gone := make([]bool, g.n)
	made := map[int][][]ref{}
	for i, c := range cs {
		if c.rel != lessEqual && c.rel != greaterEqual {
			continue
		}
		b := where[i]
		rows := g.blocks[b].rows
		ts := make([]int32, rows.rows())
		ok := true
		for r := range ts {
			ts[r] = g.epigraph(rows.row(r), b, uses, keep, gone)
			ok = ok && ts[r] >= 0
		}
		mine := map[int32]int{}
		for r, v := range ts {
			mine[v] = r
		}
		for r := range ts { // each in its own row only
			for _, t := range rows.row(r) {
				if q, is := mine[t.v]; is && t.v >= 0 {
					ok = ok && q == r
				}
			}
		}
		ok = ok && len(mine) == len(ts)
		if !ok {
			continue
		}
		parts := make([][]ref, len(ts))
		for r, v := range ts {
			gone[v] = true
			var alpha float64
			var rest []term
			for _, t := range rows.row(r) {
				if t.v == v {
					alpha = t.c
				} else {
					rest = append(rest, t)
				}
			}
			for _, u := range uses[v] {
				if u.block != b {
					g.blocks[u.block].rows = g.blocks[u.block].rows.substitute(u.row, v, rest, -u.c/alpha)
					parts[r] = append(parts[r], ref{u.block, u.row, -u.c / alpha})
				}
			}
			// What the bound is made of now occurs there too.
			for _, t := range rest {
				if t.v >= 0 {
					keep[t.v] = true
				}
			}
		}
		g.blocks[b].rows = lin{ptr: []int{0}}
		made[i] = parts
	}
	g.renumber(gone)
	return made
}

// epigraph returns the variable of a row that can be eliminated by it, −1 if
// there is none: one that an atom made, and that occurs in that atom's blocks and
// this row only.
func (g *graph) epigraph(row []term, b int, uses [][]ref, keep, gone []bool) int32 {
	for _, t := range row {
		if t.v < 0 || t.p >= 0 || t.c == 0 || keep[t.v] || gone[t.v] {
			continue
		}
		own, ok := g.born[t.v]
		if !ok {
			continue
		}
		for _, u := range uses[t.v] {
			ok = ok && (u.block == b || u.block >= own.from && u.block < own.to)
		}
		if ok {
			return t.v
		}
	}
	return -1
}

// substitute replaces variable v in one row by c times the terms of rest, c
// containing v's coefficient there.
func (l lin) substitute(row int, v int32, rest []term, c float64) lin {
	b := newBuilder(l.rows(), len(l.terms)+len(rest))
	for r := range l.rows() {
		for _, t := range l.row(r) {
			if r != row || t.v != v {
				b.add(t)
			}
		}
		if r == row {
			b.addScaled(rest, c)
		}
		b.end()
	}
	return b.out
}

// renumber closes the gaps that variables leave.
func (g *graph) renumber(gone []bool) {
	to := make([]int32, g.n)
	n := int32(0)
	for v := range to {
		to[v] = n
		if !gone[v] {
			n++
		}
	}
	if int(n) == g.n {
		return
	}
	g.n = int(n)
	for b := range g.blocks {
		l := &g.blocks[b].rows
		terms := make([]term, len(l.terms))
		for k, t := range l.terms {
			if t.v >= 0 {
				t.v = to[t.v]
			}
			terms[k] = t
		}
		l.terms = terms
	}
	for k := range g.linear {
		if t := &g.linear[k]; t.v >= 0 {
			t.v = to[t.v]
		}
	}
	for k := range g.quad {
		q := &g.quad[k]
		q.i, q.j = to[q.i], to[q.j]
	}
}
