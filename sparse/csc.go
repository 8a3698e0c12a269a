// Package sparse has matrices in compressed column form, fill-reducing
// orderings and the LDLᵀ factorization of symmetric quasi-definite matrices.
package sparse

import "fmt"

// CSC is a Rows×Cols matrix in compressed column form: column j has the
// entries ColPtr[j] ≤ k < ColPtr[j+1], with row RowIdx[k] and value Val[k].
// Row indices ascend within a column, without duplicates. A pattern alone has a
// nil Val.
type CSC struct {
	Rows, Cols int
	ColPtr     []int // Cols+1
	RowIdx     []int
	Val        []float64
}

// NNZ is the number of stored entries.
func (a *CSC) NNZ() int { return len(a.RowIdx) }

// Check reports what is wrong with the structure: lengths, order, duplicates,
// indices out of range.
func (a *CSC) Check() error {
	switch {
	case a.Rows < 0 || a.Cols < 0:
		return fmt.Errorf("sparse: matrix is %d×%d", a.Rows, a.Cols)
	case len(a.ColPtr) != a.Cols+1:
		return fmt.Errorf("sparse: ColPtr has %d entries, want %d (one more than columns)", len(a.ColPtr), a.Cols+1)
	case a.ColPtr[0] != 0 || a.ColPtr[a.Cols] != len(a.RowIdx):
		return fmt.Errorf("sparse: ColPtr goes from %d to %d, want 0 to %d (the number of row indices)", a.ColPtr[0], a.ColPtr[a.Cols], len(a.RowIdx))
	case a.Val != nil && len(a.Val) != len(a.RowIdx):
		return fmt.Errorf("sparse: %d values for %d row indices", len(a.Val), len(a.RowIdx))
	}
	for j := range a.Cols {
		if a.ColPtr[j] > a.ColPtr[j+1] {
			return fmt.Errorf("sparse: ColPtr descends at column %d", j)
		}
		last := -1
		for _, i := range a.RowIdx[a.ColPtr[j]:a.ColPtr[j+1]] {
			switch {
			case i < 0 || i >= a.Rows:
				return fmt.Errorf("sparse: row %d in column %d of a matrix with %d rows", i, j, a.Rows)
			case i <= last:
				return fmt.Errorf("sparse: row %d follows row %d in column %d, want ascending rows without duplicates", i, last, j)
			}
			last = i
		}
	}
	return nil
}
