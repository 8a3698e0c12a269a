package sparse

import (
	"slices"

	"github.com/optnet-go/optnet/internal/dense"
)

// supernodal is the pattern of L by supernodes: runs of columns whose patterns
// are equal below them, up to a few zeros. The columns of one are stored as the rows of a
// panel: row i holds column first+i of L, in the places of rows; what is left of
// the diagonal is of no meaning.
type supernodal struct {
	first  []int32 // number of supernodes + 1
	of     []int32 // supernode of each column
	rowPtr []int32
	rows   []int32 // of each supernode, ascending; its own columns first
	at     []int   // start of its panel
	ld     []int32
	size   int
	place  []int32 // of each entry of the permuted matrix, within the panels

	// Largest sizes: of an update, of the scaled copy, of a list of rows.
	update, scaled, long int
}

// width, height are the columns of supernode s, and its rows, columns included.
func (s *supernodal) width(k int) int  { return int(s.first[k+1] - s.first[k]) }
func (s *supernodal) height(k int) int { return int(s.rowPtr[k+1] - s.rowPtr[k]) }

// strip is how many rows of a panel are updated at a time.
const strip = 64

// padded is a leading dimension for which any column may begin a matrix that
// ends at n, padding included.
func padded(n int) int { return dense.Stride(n + 7) }

func newSupernodal(a *CSC, parent, count []int32) *supernodal {
	n := a.Cols
	s := &supernodal{first: amalgamate(parent, count), of: make([]int32, n)}
	ns := len(s.first) - 1
	for k := range ns {
		for j := s.first[k]; j < s.first[k+1]; j++ {
			s.of[j] = int32(k)
		}
	}
	below, _ := a.Transpose()
	seen := make([]int32, n)
	for i := range seen {
		seen[i] = none
	}
	children := make([][]int32, ns)
	s.rowPtr = make([]int32, 1, ns+1)
	maxLD := 0
	for k := range ns {
		begin, end := s.first[k], s.first[k+1]
		start := len(s.rows)
		take := func(i int32) {
			if i >= end && seen[i] != int32(k) {
				seen[i] = int32(k)
				s.rows = append(s.rows, i)
			}
		}
		for j := begin; j < end; j++ {
			s.rows = append(s.rows, j)
			for _, i := range below.RowIdx[below.ColPtr[j]:below.ColPtr[j+1]] {
				take(int32(i))
			}
		}
		for _, c := range children[k] {
			for _, i := range s.rows[s.rowPtr[c]:s.rowPtr[c+1]] {
				take(i)
			}
		}
		rows := s.rows[start:]
		slices.Sort(rows)
		s.rowPtr = append(s.rowPtr, int32(len(s.rows)))
		w := int(end - begin)
		ld := padded(len(rows))
		s.at = append(s.at, s.size)
		s.ld = append(s.ld, int32(ld))
		s.size += w * ld
		maxLD = max(maxLD, ld)
		s.long = max(s.long, len(rows))
		if w < len(rows) {
			p := s.of[rows[w]]
			children[p] = append(children[p], int32(k))
		}
		s.scaled = max(s.scaled, w*padded(min(w, strip)))
		for p := w; p < len(rows); {
			q := s.segment(k, p)
			s.scaled = max(s.scaled, w*padded(q-p))
			s.update = max(s.update, (q-p)*padded(len(rows)-p))
			p = q
		}
	}
	s.size += maxLD // a block may begin anywhere in a row, and is counted in full rows
	local := make([]int32, n)
	s.place = make([]int32, a.NNZ())
	// Entry (i, j) of the upper triangle belongs to column i of L.
	next := make([]int, n)
	copy(next, below.ColPtr)
	where := make([]int32, a.NNZ()) // of entries of below, in a
	for j := range n {
		for p := a.ColPtr[j]; p < a.ColPtr[j+1]; p++ {
			i := a.RowIdx[p]
			where[next[i]] = int32(p)
			next[i]++
		}
	}
	for k := range ns {
		rows := s.rows[s.rowPtr[k]:s.rowPtr[k+1]]
		for l, i := range rows {
			local[i] = int32(l)
		}
		for j := s.first[k]; j < s.first[k+1]; j++ {
			for p := below.ColPtr[j]; p < below.ColPtr[j+1]; p++ {
				s.place[where[p]] = int32(s.at[k]) + (j-s.first[k])*s.ld[k] + local[below.RowIdx[p]]
			}
		}
	}
	return s
}

// amalgamate returns the first column of each supernode. A node of the tree joins
// its parent if it stands right before it and the zeros that this stores are few; how
// few depends on the width, since narrow supernodes cost more than zeros do.
func amalgamate(parent, count []int32) []int32 {
	type node struct {
		first, width, rows int32
		nz                 float64
	}
	stored := func(w, r int32) float64 { return float64(w)*float64(r) - float64(w)*float64(w-1)/2 }
	var nodes []node
	for j := range parent {
		cur := node{int32(j), 1, count[j] + 1, float64(count[j]) + 1}
		for len(nodes) > 0 {
			prev := nodes[len(nodes)-1]
			if p := parent[cur.first-1]; p < cur.first || p >= cur.first+cur.width {
				break
			}
			w, r := prev.width+cur.width, prev.width+cur.rows
			nz := prev.nz + cur.nz
			zeros := 1 - nz/stored(w, r)
			if zeros > 0 && w > 4 && !(w <= 16 && zeros < 0.5) && !(w <= 48 && zeros < 0.1) && zeros > 0.05 {
				break
			}
			cur = node{prev.first, w, r, nz}
			nodes = nodes[:len(nodes)-1]
		}
		nodes = append(nodes, cur)
	}
	first := make([]int32, 0, len(nodes)+1)
	for _, nd := range nodes {
		first = append(first, nd.first)
	}
	return append(first, int32(len(parent)))
}

// segment returns the end of the run of rows, from the p-th of supernode k, that
// belong to one supernode.
func (s *supernodal) segment(k, p int) int {
	rows := s.rows[s.rowPtr[k]:s.rowPtr[k+1]]
	end := s.first[s.of[rows[p]]+1]
	for p < len(rows) && rows[p] < end {
		p++
	}
	return p
}

// superWork is the scratch of a factorization and its solves.
type superWork struct {
	local      []int32 // place of each row in the current supernode
	head, next []int32 // lists of the supernodes that update one
	pos        []int32 // how far a supernode's rows have been used
	update     []float64
	scaled     []float64
	x          []float64
}

func (s *supernodal) newWork(n int) *superWork {
	ns := len(s.first) - 1
	return &superWork{
		local: make([]int32, n), head: make([]int32, ns), next: make([]int32, ns), pos: make([]int32, ns),
		update: dense.Alloc(s.update), scaled: dense.Alloc(s.scaled), x: make([]float64, s.long),
	}
}

// factorSuper is the left-looking method: a supernode gathers the updates of those below it
// in the tree, as matrix products, and is then factored by itself.
func (f *LDL) factorSuper(val []float64, reg *Regularization) error {
	s, w := f.sym.super, f.sup
	clear(f.val)
	for p, q := range s.place {
		f.val[q] += val[f.sym.from[p]]
	}
	for k := range w.head {
		w.head[k] = none
	}
	for k := range w.head {
		rows := s.rows[s.rowPtr[k]:s.rowPtr[k+1]]
		for l, i := range rows {
			w.local[i] = int32(l)
		}
		for u := w.head[k]; u != none; {
			following := w.next[u]
			f.update(int(u), k)
			u = following
		}
		if !f.panel(k, 0, s.width(k), reg) {
			return ErrPivot
		}
		f.unitRows(k)
		w.pos[k] = int32(s.width(k))
		f.enlist(k)
	}
	return nil
}

// enlist notes which supernode k updates next.
func (f *LDL) enlist(k int) {
	s, w := f.sym.super, f.sup
	if p := s.rowPtr[k] + w.pos[k]; p < s.rowPtr[k+1] {
		t := s.of[s.rows[p]]
		w.next[k], w.head[t] = w.head[t], int32(k)
	}
}

// update subtracts from the panel of supernode t what supernode u contributes:
// L₂ D L₂ᵀ, L₂ being the rows of u from its first in t on.
func (f *LDL) update(u, t int) {
	s, w := f.sym.super, f.sup
	rows := s.rows[s.rowPtr[u]:s.rowPtr[u+1]]
	p := int(w.pos[u])
	q := s.segment(u, p)
	k, m, n := s.width(u), q-p, len(rows)-p
	ldu, ldt := int(s.ld[u]), int(s.ld[t])
	lu, lt := f.val[s.at[u]+p:], f.val[s.at[t]:]
	d := f.d[s.first[u]:]
	rows = rows[p:]
	if k*m <= 4 {
		for r := range k {
			row := lu[r*ldu : r*ldu+n]
			for i := range m {
				a := row[i] * d[r]
				to := lt[int(rows[i]-s.first[t])*ldt:]
				for j := i; j < n; j++ {
					to[w.local[rows[j]]] -= a * row[j]
				}
			}
		}
	} else {
		lda, ldc := padded(m), padded(n)
		a, c := w.scaled[:k*lda], w.update[:m*ldc]
		for r := range k {
			dense.Scale(d[r], lu[r*ldu:r*ldu+m], a[r*lda:r*lda+m])
			clear(a[r*lda+m : (r+1)*lda])
		}
		clear(c)
		dense.GemmTN(m, n, k, 1, a, lda, lu, ldu, c, ldc)
		for i := range m {
			to := lt[int(rows[i]-s.first[t])*ldt:]
			for j, v := range c[i*ldc+i : i*ldc+n] {
				to[w.local[rows[i+j]]] -= v
			}
		}
	}
	w.pos[u] = int32(q)
	f.enlist(u)
}

// panel factors rows lo to hi of the panel of supernode k, by halves: the rows then
// hold D Lᵀ.
func (f *LDL) panel(k, lo, hi int, reg *Regularization) bool {
	const small = 16
	s := f.sym.super
	ld, h := int(s.ld[k]), s.height(k)
	a := f.val[s.at[k]:]
	j0 := int(s.first[k])
	if hi-lo <= small {
		for i := lo; i < hi; i++ {
			row := a[i*ld : i*ld+h]
			d, ok := f.pivot(j0+i, row[i]+f.static(j0+i, reg), reg)
			if !ok {
				return false
			}
			row[i] = d
			inv := f.inv[j0+i]
			for p := i + 1; p < hi; p++ {
				if m := row[p] * inv; m != 0 {
					dense.Axpy(-m, row[p:], a[p*ld+p:p*ld+h])
				}
			}
		}
		return true
	}
	mid := lo + (hi-lo+1)/2
	mid = min(hi, (mid+7)&^7)
	if !f.panel(k, lo, mid, reg) {
		return false
	}
	// Rows mid to hi lose Lᵀ D L of the rows before; in strips, to leave out most of
	// what lies below the diagonal.
	for p := mid; p < hi; p += strip {
		m := min(strip, hi-p)
		lda := padded(m)
		w := f.sup.scaled[:(mid-lo)*lda]
		for r := lo; r < mid; r++ {
			dense.Scale(f.inv[j0+r], a[r*ld+p:r*ld+p+m], w[(r-lo)*lda:(r-lo)*lda+m])
			clear(w[(r-lo)*lda+m : (r-lo+1)*lda])
		}
		dense.GemmTN(m, h-p, mid-lo, -1, w, lda, a[lo*ld+p:], ld, a[p*ld+p:], ld)
	}
	return f.panel(k, mid, hi, reg)
}

// unitRows turns D Lᵀ into Lᵀ.
func (f *LDL) unitRows(k int) {
	s := f.sym.super
	ld, h := int(s.ld[k]), s.height(k)
	a := f.val[s.at[k]:]
	for i := range s.width(k) {
		row := a[i*ld+i+1 : i*ld+h]
		dense.Scale(f.inv[int(s.first[k])+i], row, row)
	}
}

func (f *LDL) solveSuper(x []float64) {
	s := f.sym.super
	ns := len(s.first) - 1
	for k := range ns {
		rows := s.rows[s.rowPtr[k]:s.rowPtr[k+1]]
		ld, h, w := int(s.ld[k]), len(rows), s.width(k)
		a, t := f.val[s.at[k]:], f.sup.x[:h]
		own := x[s.first[k] : int(s.first[k])+w]
		copy(t, own)
		clear(t[w:])
		for i := range w {
			if t[i] != 0 {
				dense.Axpy(-t[i], a[i*ld+i+1:i*ld+h], t[i+1:])
			}
		}
		copy(own, t)
		for l := w; l < h; l++ {
			x[rows[l]] += t[l]
		}
	}
	for k := ns - 1; k >= 0; k-- {
		rows := s.rows[s.rowPtr[k]:s.rowPtr[k+1]]
		ld, h, w := int(s.ld[k]), len(rows), s.width(k)
		a, t := f.val[s.at[k]:], f.sup.x[:h]
		j0 := int(s.first[k])
		for l, i := range rows {
			t[l] = x[i]
		}
		for i := w - 1; i >= 0; i-- {
			t[i] = t[i]*f.inv[j0+i] - dense.Dot(a[i*ld+i+1:i*ld+h], t[i+1:])
		}
		copy(x[j0:], t[:w])
	}
}
