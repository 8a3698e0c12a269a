package sparse

// simplicial is the pattern of L by rows and by columns.
type simplicial struct {
	rowPtr []int32 // n+1
	cols   []int32 // of each row: ascending
	colPtr []int32 // n+1
	rows   []int32 // of each column: ascending
}

// newSimplicial finds the pattern of L row by row: row i is what is reached from
// the entries of row i of A on their ways up the tree, below i.
func newSimplicial(a *CSC, parent, count []int32) *simplicial {
	n := a.Cols
	s := &simplicial{rowPtr: make([]int32, n+1), colPtr: make([]int32, n+1)}
	for j, c := range count {
		s.colPtr[j+1] = s.colPtr[j] + c
	}
	nz := s.colPtr[n]
	s.rows, s.cols = make([]int32, nz), make([]int32, 0, nz)
	seen := make([]int32, n)
	next := make([]int32, n)
	copy(next, s.colPtr)
	for i := range n {
		seen[i] = int32(i)
		for _, j := range a.RowIdx[a.ColPtr[i]:a.ColPtr[i+1]] {
			for k := int32(j); int(k) < i && seen[k] != int32(i); k = parent[k] {
				seen[k] = int32(i)
				s.rows[next[k]] = int32(i)
				next[k]++
			}
		}
	}
	// Rows from columns, which brings them in ascending order.
	for _, i := range s.rows {
		s.rowPtr[i+1]++
	}
	for i := range n {
		s.rowPtr[i+1] += s.rowPtr[i]
	}
	s.cols = s.cols[:nz]
	copy(next, s.rowPtr)
	for j := range n {
		for _, i := range s.rows[s.colPtr[j]:s.colPtr[j+1]] {
			s.cols[next[i]] = int32(j)
			next[i]++
		}
	}
	return s
}

// factorRows is the up-looking method: row k of L solves a triangular system
// with the rows above it.
//
//	L₁ D₁ lₖ = aₖ,  dₖ = aₖₖ − lₖᵀ D₁ lₖ
func (f *LDL) factorRows(val []float64, reg *Regularization) error {
	s, r := f.sym, f.sym.rows
	y, nz := f.work, f.nz
	clear(y)
	copy(nz, r.colPtr)
	for k := range s.n {
		lo, hi := s.upper.ColPtr[k], s.upper.ColPtr[k+1]
		from := s.from[lo:hi]
		for p, i := range s.upper.RowIdx[lo:hi] {
			y[i] += val[from[p]]
		}
		d := y[k] + f.static(k, reg)
		y[k] = 0
		for _, j := range r.cols[r.rowPtr[k]:r.rowPtr[k+1]] {
			yj := y[j]
			y[j] = 0
			begin, end := r.colPtr[j], nz[j]
			rows, l := r.rows[begin:end], f.val[begin:end]
			l = l[:len(rows)]
			for p, i := range rows {
				y[i] -= l[p] * yj
			}
			lkj := yj * f.inv[j]
			d -= lkj * yj
			f.val[end] = lkj
			nz[j] = end + 1
		}
		if _, ok := f.pivot(k, d, reg); !ok {
			return ErrPivot
		}
	}
	return nil
}

func (f *LDL) solveRows(x []float64) {
	r := f.sym.rows
	for j, xj := range x {
		if xj == 0 {
			continue
		}
		lo, hi := r.colPtr[j], r.colPtr[j+1]
		rows, l := r.rows[lo:hi], f.val[lo:hi]
		l = l[:len(rows)]
		for p, i := range rows {
			x[i] -= l[p] * xj
		}
	}
	for j := len(x) - 1; j >= 0; j-- {
		lo, hi := r.colPtr[j], r.colPtr[j+1]
		rows, l := r.rows[lo:hi], f.val[lo:hi]
		l = l[:len(rows)]
		s := x[j] * f.inv[j]
		for p, i := range rows {
			s -= l[p] * x[i]
		}
		x[j] = s
	}
}
