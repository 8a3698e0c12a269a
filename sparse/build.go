package sparse

import (
	"fmt"
	"slices"
)

// Triplet is one entry of a matrix under construction.
type Triplet struct {
	Row, Col int
	Val      float64
}

// FromTriplets makes a matrix of entries in any order. Entries at one place are
// added; zeros are kept, so that a pattern does not depend on values.
func FromTriplets(rows, cols int, t []Triplet) (*CSC, error) {
	if rows < 0 || cols < 0 {
		return nil, fmt.Errorf("sparse: matrix is %d×%d", rows, cols)
	}
	count := make([]int, cols+1)
	for k, e := range t {
		if e.Row < 0 || e.Row >= rows || e.Col < 0 || e.Col >= cols {
			return nil, fmt.Errorf("sparse: triplet %d is at (%d, %d) of a %d×%d matrix", k, e.Row, e.Col, rows, cols)
		}
		count[e.Col]++
	}
	// Sort by row first, then stably by column: two counting passes.
	byRow := make([]int, len(t))
	start := make([]int, rows+1)
	for _, e := range t {
		start[e.Row]++
	}
	cumulate(start)
	for k, e := range t {
		byRow[start[e.Row]] = k
		start[e.Row]++
	}
	a := &CSC{Rows: rows, Cols: cols, ColPtr: make([]int, cols+1), RowIdx: make([]int, len(t)), Val: make([]float64, len(t))}
	cumulate(count)
	begin := slices.Clone(count)
	for _, k := range byRow {
		e := t[k]
		p := count[e.Col]
		if p > begin[e.Col] && a.RowIdx[p-1] == e.Row {
			a.Val[p-1] += e.Val
			continue
		}
		a.RowIdx[p], a.Val[p] = e.Row, e.Val
		count[e.Col]++
	}
	// Close the gaps that duplicates left.
	nz := 0
	for j := range cols {
		for p := begin[j]; p < count[j]; p++ {
			a.RowIdx[nz], a.Val[nz] = a.RowIdx[p], a.Val[p]
			nz++
		}
		a.ColPtr[j+1] = nz
	}
	a.RowIdx, a.Val = a.RowIdx[:nz], a.Val[:nz]
	return a, nil
}

// cumulate turns counts into starts: x[i] becomes the sum of those before i.
func cumulate(x []int) {
	sum := 0
	for i, c := range x {
		x[i] = sum
		sum += c
	}
}

// Clone returns a copy that shares nothing.
func (a *CSC) Clone() *CSC {
	return &CSC{a.Rows, a.Cols, slices.Clone(a.ColPtr), slices.Clone(a.RowIdx), slices.Clone(a.Val)}
}

// Transpose returns Aᵀ, and where its values come from: value k of Aᵀ is value
// from[k] of A. The transpose of a pattern is a pattern.
func (a *CSC) Transpose() (t *CSC, from []int) {
	nz := a.NNZ()
	t = &CSC{Rows: a.Cols, Cols: a.Rows, ColPtr: make([]int, a.Rows+1), RowIdx: make([]int, nz)}
	from = make([]int, nz)
	next := make([]int, a.Rows+1)
	for _, i := range a.RowIdx {
		next[i]++
	}
	cumulate(next)
	copy(t.ColPtr, next)
	for j := range a.Cols {
		for p := a.ColPtr[j]; p < a.ColPtr[j+1]; p++ {
			q := next[a.RowIdx[p]]
			next[a.RowIdx[p]]++
			t.RowIdx[q], from[q] = j, p
		}
	}
	if a.Val != nil {
		t.Val = make([]float64, nz)
		for q, p := range from {
			t.Val[q] = a.Val[p]
		}
	}
	return t, from
}

// IsUpper reports whether all entries lie on or above the diagonal.
func (a *CSC) IsUpper() bool {
	for j := range a.Cols {
		if p := a.ColPtr[j+1]; p > a.ColPtr[j] && a.RowIdx[p-1] > j {
			return false
		}
	}
	return true
}

// PermuteSym returns the upper triangle of CᵀAC for a symmetric A given by its
// upper triangle, where column k of the result is column perm[k] of A, and
// where its values come from: value k is value from[k] of a.
func (a *CSC) PermuteSym(perm []int) (c *CSC, from []int) {
	n := a.Cols
	inv := make([]int, n)
	for k, j := range perm {
		inv[j] = k
	}
	// The lower triangle, row by row, is the upper one with ascending rows once
	// it is transposed; so place entries by their row first.
	nz := a.NNZ()
	low := make([]int, n+1)
	for j := range n {
		for _, i := range a.RowIdx[a.ColPtr[j]:a.ColPtr[j+1]] {
			low[min(inv[i], inv[j])]++
		}
	}
	cumulate(low)
	col, src := make([]int, nz), make([]int, nz)
	row := make([]int, nz)
	for j := range n {
		for p := a.ColPtr[j]; p < a.ColPtr[j+1]; p++ {
			r, s := inv[a.RowIdx[p]], inv[j]
			if r > s {
				r, s = s, r
			}
			q := low[r]
			low[r]++
			row[q], col[q], src[q] = r, s, p
		}
	}
	c = &CSC{Rows: n, Cols: n, ColPtr: make([]int, n+1), RowIdx: make([]int, nz)}
	next := make([]int, n+1)
	for _, j := range col {
		next[j]++
	}
	cumulate(next)
	copy(c.ColPtr, next)
	from = make([]int, nz)
	for q, j := range col {
		k := next[j]
		next[j]++
		c.RowIdx[k], from[k] = row[q], src[q]
	}
	if a.Val != nil {
		c.Val = make([]float64, nz)
		for k, p := range from {
			c.Val[k] = a.Val[p]
		}
	}
	return c, from
}
