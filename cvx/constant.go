package cvx

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/optnet-go/optnet/sparse"
)

// matrix is a constant: dense, row-major, or sparse by rows.
type matrix struct {
	rows, cols int
	dense      []float64 // nil if sparse
	ptr, col   []int     // row i has the entries ptr[i] ≤ k < ptr[i+1]
	val        []float64
}

func (m *matrix) sparse() bool { return m.dense == nil }

func (m *matrix) String() string {
	if m == nil {
		return "?"
	}
	if !m.sparse() && len(m.dense) <= 6 {
		if len(m.dense) == 1 {
			return fmt.Sprintf("%.6g", m.dense[0])
		}
		if m.cols == 1 {
			return fmt.Sprintf("%.6g", m.dense)
		}
	}
	if m.sparse() {
		return fmt.Sprintf("const(%d×%d, %d nonzeros)", m.rows, m.cols, len(m.val))
	}
	return fmt.Sprintf("const(%d×%d)", m.rows, m.cols)
}

// values returns the entries row by row.
func (m *matrix) values() []float64 {
	if !m.sparse() {
		return m.dense
	}
	x := make([]float64, m.rows*m.cols)
	for i := range m.rows {
		for k := m.ptr[i]; k < m.ptr[i+1]; k++ {
			x[i*m.cols+m.col[k]] = m.val[k]
		}
	}
	return x
}

func (m *matrix) stored() []float64 {
	if m.sparse() {
		return m.val
	}
	return m.dense
}

// byRows returns the entries by rows, without the zeros of a dense matrix.
func (m *matrix) byRows() *matrix {
	if m.sparse() {
		return m
	}
	s := &matrix{rows: m.rows, cols: m.cols, ptr: make([]int, m.rows+1)}
	for i := range m.rows {
		for j, v := range m.dense[i*m.cols : (i+1)*m.cols] {
			if v != 0 {
				s.col, s.val = append(s.col, j), append(s.val, v)
			}
		}
		s.ptr[i+1] = len(s.col)
	}
	return s
}

func (m *matrix) transpose() *matrix {
	t := &matrix{rows: m.cols, cols: m.rows}
	if !m.sparse() {
		t.dense = make([]float64, len(m.dense))
		for i := range m.rows {
			for j := range m.cols {
				t.dense[j*t.cols+i] = m.dense[i*m.cols+j]
			}
		}
		return t
	}
	t.ptr = make([]int, t.rows+1)
	for _, j := range m.col {
		t.ptr[j+1]++
	}
	for j := range t.rows {
		t.ptr[j+1] += t.ptr[j]
	}
	t.col, t.val = make([]int, len(m.col)), make([]float64, len(m.col))
	next := append([]int(nil), t.ptr...)
	for i := range m.rows {
		for k := m.ptr[i]; k < m.ptr[i+1]; k++ {
			j := m.col[k]
			t.col[next[j]], t.val[next[j]] = i, m.val[k]
			next[j]++
		}
	}
	return t
}

func (m *matrix) scaled(c float64) *matrix {
	s := *m
	x := make([]float64, len(m.stored()))
	for i, v := range m.stored() {
		x[i] = c * v
	}
	if m.sparse() {
		s.val = x
	} else {
		s.dense = x
	}
	return &s
}

// Const makes a constant of a number (float64 or int), a column ([]float64), a
// matrix by rows ([][]float64), any matrix of gonum, or a sparse matrix. Values
// are copied.
func Const(x any) *Expr {
	m, err := constantOf(x)
	e := &Expr{rows: m.rows, cols: m.cols, leaf: &leaf{kind: constant, value: m, sign: signOfValues(m.stored())}}
	if m.sparse() && len(m.val) == 0 {
		e.leaf.sign = ZeroSign
	}
	for _, v := range m.stored() {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			err = fmt.Sprintf("a constant has the entry %v; constants are finite", v)
		}
	}
	if err != "" {
		e.bad = problem("Const", "%s", err)
		e.bad.Expr = e.String()
	}
	return e
}

func constantOf(x any) (m *matrix, wrong string) {
	zero := &matrix{rows: 1, cols: 1, dense: []float64{0}}
	defer func() { // a matrix of the user's that is nil, or panics
		if r := recover(); r != nil {
			m, wrong = zero, fmt.Sprintf("a constant of type %T cannot be read: %v", x, r)
		}
	}()
	switch x := x.(type) {
	case float64:
		return &matrix{rows: 1, cols: 1, dense: []float64{x}}, ""
	case int:
		return &matrix{rows: 1, cols: 1, dense: []float64{float64(x)}}, ""
	case []float64:
		if len(x) == 0 {
			return zero, "a constant has no entries"
		}
		return &matrix{rows: len(x), cols: 1, dense: append([]float64(nil), x...)}, ""
	case [][]float64:
		if len(x) == 0 || len(x[0]) == 0 {
			return zero, "a constant has no entries"
		}
		m := &matrix{rows: len(x), cols: len(x[0])}
		for i, row := range x {
			if len(row) != m.cols {
				return zero, fmt.Sprintf("row %d of a constant has %d entries, row 0 has %d", i, len(row), m.cols)
			}
			m.dense = append(m.dense, row...)
		}
		return m, ""
	case *sparse.CSC:
		if x == nil {
			return zero, "a constant is a nil *sparse.CSC"
		}
		if err := x.Check(); err != nil {
			return zero, err.Error()
		}
		if len(x.Val) != x.NNZ() || x.Rows < 1 || x.Cols < 1 {
			return zero, fmt.Sprintf("a constant is a %d×%d pattern with %d values for %d entries", x.Rows, x.Cols, len(x.Val), x.NNZ())
		}
		t := &matrix{rows: x.Cols, cols: x.Rows, ptr: x.ColPtr, col: x.RowIdx, val: x.Val}
		return t.transpose(), ""
	case mat.Matrix:
		r, c := x.Dims()
		if r < 1 || c < 1 {
			return zero, "a constant has no entries"
		}
		m := &matrix{rows: r, cols: c, dense: make([]float64, r*c)}
		for i := range r {
			for j := range c {
				m.dense[i*c+j] = x.At(i, j)
			}
		}
		return m, ""
	}
	return zero, fmt.Sprintf("a constant is a float64, int, []float64, [][]float64, gonum matrix or *sparse.CSC, and not a %T", x)
}
