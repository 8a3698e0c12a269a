package cvx

import (
	"fmt"
	"slices"
	"strings"
)

// Add is the sum of expressions, entry by entry; a dimension of 1 stretches.
func Add(a, b *Expr, more ...*Expr) *Expr {
	args := append([]*Expr{a, b}, more...)
	rows, cols, ok := broadcast(args...)
	f := &affine{name: "Add", rows: func(l []lin) lin {
		sum := l[0].stretch(args[0].rows, args[0].cols, rows, cols)
		for i := 1; i < len(l); i++ {
			sum = sum.plus(1, l[i].stretch(args[i].rows, args[i].cols, rows, cols))
		}
		return sum
	}}
	if !ok {
		return wrong(sizeProblem("Add", args...), f, rows, cols, args...)
	}
	return apply(f, rows, cols, args...)
}

// Sub is a − b, entry by entry; a dimension of 1 stretches.
func Sub(a, b *Expr) *Expr {
	rows, cols, ok := broadcast(a, b)
	f := &affine{
		name:  "Sub",
		signs: func(s []Sign) Sign { return s[0].add(s[1].neg()) },
		mono: func(i int) Monotonicity {
			if i == 1 {
				return NonIncreasing
			}
			return NonDecreasing
		},
		rows: func(l []lin) lin {
			return l[0].stretch(a.rows, a.cols, rows, cols).minus(l[1].stretch(b.rows, b.cols, rows, cols))
		},
	}
	if !ok {
		return wrong(sizeProblem("Sub", a, b), f, rows, cols, a, b)
	}
	return apply(f, rows, cols, a, b)
}

// Neg is −x.
func Neg(x *Expr) *Expr {
	return apply(&affine{
		name:  "Neg",
		signs: func(s []Sign) Sign { return s[0].neg() },
		mono:  func(int) Monotonicity { return NonIncreasing },
		rows:  func(l []lin) lin { return l[0].neg() },
	}, x.rows, x.cols, x)
}

// Scale is c·x for a number c.
func Scale(c float64, x *Expr) *Expr { return Times(Const(c), x) }

// collected is an affine atom whose entry dst[r] is the sum of the entries r.
func collected(name, extra string, x *Expr, dst func() []int, rows, cols int, coef float64) *Expr {
	return apply(&affine{name: name, extra: extra, dst: dst, coef: coef, rows: func(l []lin) lin {
		s := l[0].collect(dst(), rows*cols, nil)
		if coef != 1 {
			s = s.scale(coef)
		}
		return s
	}}, rows, cols, x)
}

// Sum is the sum of all entries.
func Sum(x *Expr) *Expr { return collected("Sum", "", x, x.zeros, 1, 1, 1) }

func (e *Expr) zeros() []int { return make([]int, e.Len()) }

// Mean is the mean of all entries.
func Mean(x *Expr) *Expr {
	return collected("Mean", "", x, x.zeros, 1, 1, 1/float64(x.Len()))
}

// SumRows adds up the rows: a row of the sums of the columns.
func SumRows(x *Expr) *Expr {
	return collected("SumRows", "", x, x.indices(func(k int) int { return k % x.cols }), 1, x.cols, 1)
}

// SumCols adds up the columns: a column of the sums of the rows.
func SumCols(x *Expr) *Expr {
	return collected("SumCols", "", x, x.indices(func(k int) int { return k / x.cols }), x.rows, 1, 1)
}

// indices makes an index of each entry.
func (e *Expr) indices(of func(k int) int) func() []int {
	return func() []int {
		idx := make([]int, e.Len())
		for k := range idx {
			idx[k] = of(k)
		}
		return idx
	}
}

// Trace is the sum of the diagonal of a square matrix.
func Trace(x *Expr) *Expr {
	n := x.rows
	f := &affine{name: "Trace", rows: func(l []lin) lin {
		idx := make([]int, n)
		for i := range idx {
			idx[i] = i * (n + 1)
		}
		return l[0].gather(idx).sum()
	}}
	if !x.square() {
		return wrong(problem("Trace", "Trace takes a square matrix, and this one is %s", x.dims()), f, 1, 1, x)
	}
	return apply(f, 1, 1, x)
}

// gathered is an affine atom whose entry k is the argument's entry idx[k], 0
// where that is −1.
func gathered(name, extra string, x *Expr, idx func() []int, rows, cols int) *Expr {
	return apply(&affine{name: name, extra: extra, idx: idx, rows: func(l []lin) lin { return l[0].gather(idx()) }}, rows, cols, x)
}

// Diag is the diagonal matrix of a vector, or the diagonal of a square matrix
// as a column.
func Diag(x *Expr) *Expr {
	n := max(x.rows, x.cols)
	if x.vector() {
		return gathered("Diag", "", x, func() []int {
			idx := fillInt(n*n, -1)
			for i := range n {
				idx[i*(n+1)] = i
			}
			return idx
		}, n, n)
	}
	if !x.square() {
		return wrong(problem("Diag", "Diag takes a vector or a square matrix, and this one is %s", x.dims()),
			&affine{name: "Diag"}, n, 1, x)
	}
	return gathered("Diag", "", x, func() []int {
		idx := make([]int, n)
		for i := range idx {
			idx[i] = i * (n + 1)
		}
		return idx
	}, n, 1)
}

func fillInt(n, x int) []int {
	v := make([]int, n)
	for i := range v {
		v[i] = x
	}
	return v
}

func count(n int) []int {
	v := make([]int, n)
	for i := range v {
		v[i] = i
	}
	return v
}

// T is the transpose.
func (e *Expr) T() *Expr {
	return gathered("T", "", e, func() []int { return transposed(e.rows, e.cols) }, e.cols, e.rows)
}

// Reshape gives the entries, row by row, another size.
func Reshape(x *Expr, rows, cols int) *Expr {
	f := fmt.Sprintf("%d, %d", rows, cols)
	if rows < 1 || cols < 1 || x.Len()%rows != 0 || cols != x.Len()/rows {
		return wrong(problem("Reshape", "a %s matrix has %d entries, and does not become %s", x.dims(), x.Len(), dims(rows, cols)),
			&affine{name: "Reshape", extra: f}, max(rows, 1), max(cols, 1), x)
	}
	return gathered("Reshape", f, x, x.each, rows, cols)
}

// Vec is the column of all entries, row by row.
func Vec(x *Expr) *Expr { return gathered("Vec", "", x, x.each, x.Len(), 1) }

func (e *Expr) each() []int { return count(e.Len()) }

// UpperTri is the column of the entries above the diagonal of a square matrix,
// row by row.
func UpperTri(x *Expr) *Expr {
	n := x.rows
	entries := n * (n - 1) / 2
	if !x.square() || n == 1 {
		return wrong(problem("UpperTri", "UpperTri takes a square matrix of order 2 or more, and this one is %s", x.dims()),
			&affine{name: "UpperTri"}, 1, 1, x)
	}
	return gathered("UpperTri", "", x, func() []int {
		idx := make([]int, 0, entries)
		for i := range n {
			for j := i + 1; j < n; j++ {
				idx = append(idx, i*n+j)
			}
		}
		return idx
	}, entries, 1)
}

// At is one entry: At(i) of a vector, At(i, j) of a matrix.
func (e *Expr) At(index ...int) *Expr {
	extra := strings.Trim(strings.ReplaceAll(fmt.Sprint(index), " ", ", "), "[]")
	f := &affine{name: "At", extra: extra}
	k := -1
	switch {
	case len(index) == 1 && e.vector():
		if i := index[0]; i >= 0 && i < e.Len() {
			k = i
		}
	case len(index) == 2:
		if i, j := index[0], index[1]; i >= 0 && i < e.rows && j >= 0 && j < e.cols {
			k = i*e.cols + j
		}
	default:
		return wrong(problem("At", "At takes one index of a vector or two of a matrix, and got %d of one that is %s", len(index), e.dims()), f, 1, 1, e)
	}
	if k < 0 {
		return wrong(problem("At", "index (%s) is out of range: the expression is %s, and indices start at 0", extra, e.dims()), f, 1, 1, e)
	}
	return gathered("At", extra, e, func() []int { return []int{k} }, 1, 1)
}

// Slice is the block of rows r0 ≤ i < r1 and columns c0 ≤ j < c1.
func (e *Expr) Slice(r0, r1, c0, c1 int) *Expr {
	return e.block("Slice", fmt.Sprintf("%d, %d, %d, %d", r0, r1, c0, c1), r0, r1, c0, c1)
}

// Rows are the rows i ≤ r < j; of a column, its entries.
func (e *Expr) Rows(i, j int) *Expr {
	return e.block("Rows", fmt.Sprintf("%d, %d", i, j), i, j, 0, e.cols)
}

// Cols are the columns i ≤ c < j.
func (e *Expr) Cols(i, j int) *Expr {
	return e.block("Cols", fmt.Sprintf("%d, %d", i, j), 0, e.rows, i, j)
}

// Row is row i, 1×n.
func (e *Expr) Row(i int) *Expr { return e.block("Row", fmt.Sprint(i), i, i+1, 0, e.cols) }

// Col is column j, n×1.
func (e *Expr) Col(j int) *Expr { return e.block("Col", fmt.Sprint(j), 0, e.rows, j, j+1) }

func (e *Expr) block(name, extra string, r0, r1, c0, c1 int) *Expr {
	if r0 < 0 || r1 > e.rows || r0 >= r1 || c0 < 0 || c1 > e.cols || c0 >= c1 {
		return wrong(problem(name, "rows %d to %d and columns %d to %d (ends excluded) are no block of a %s expression", r0, r1, c0, c1, e.dims()),
			&affine{name: name, extra: extra}, max(r1-r0, 1), max(c1-c0, 1), e)
	}
	return gathered(name, extra, e, func() []int {
		idx := make([]int, 0, (r1-r0)*(c1-c0))
		for i := r0; i < r1; i++ {
			for j := c0; j < c1; j++ {
				idx = append(idx, i*e.cols+j)
			}
		}
		return idx
	}, r1-r0, c1-c0)
}

// Pick is the column of the entries with the given indices; those of a matrix
// count row by row.
func (e *Expr) Pick(index ...int) *Expr {
	extra := strings.Trim(strings.ReplaceAll(fmt.Sprint(index), " ", ", "), "[]")
	for _, k := range index {
		if k < 0 || k >= e.Len() {
			return wrong(problem("Pick", "index %d is out of range: the expression has %d entries, and indices start at 0", k, e.Len()),
				&affine{name: "Pick", extra: extra}, len(index), 1, e)
		}
	}
	if len(index) == 0 {
		return wrong(problem("Pick", "Pick takes at least one index"), &affine{name: "Pick"}, 1, 1, e)
	}
	index = slices.Clone(index)
	return gathered("Pick", extra, e, func() []int { return index }, len(index), 1)
}

// HStack puts matrices with as many rows side by side.
func HStack(x ...*Expr) *Expr {
	if len(x) == 0 {
		return wrong(problem("HStack", "HStack takes at least one expression"), &affine{name: "HStack"}, 1, 1)
	}
	rows, cols := x[0].rows, 0
	for _, e := range x {
		if e.rows != rows {
			p := problem("HStack", "expressions side by side have as many rows, and these have %d and %d", rows, e.rows)
			return wrong(p.instead("VStack puts them below each other"), &affine{name: "HStack"}, rows, cols+e.cols, x...)
		}
		cols += e.cols
	}
	return apply(&affine{name: "HStack", rows: func(l []lin) lin {
		// Entry (i, j) of operand e is row first(e) + i·cols(e) + j of the stack.
		idx := make([]int, 0, rows*cols)
		for i := range rows {
			first := 0
			for _, e := range x {
				for j := range e.cols {
					idx = append(idx, first+i*e.cols+j)
				}
				first += e.Len()
			}
		}
		return stack(l...).gather(idx)
	}}, rows, cols, x...)
}

// VStack puts matrices with as many columns below each other.
func VStack(x ...*Expr) *Expr {
	if len(x) == 0 {
		return wrong(problem("VStack", "VStack takes at least one expression"), &affine{name: "VStack"}, 1, 1)
	}
	rows, cols := 0, x[0].cols
	for _, e := range x {
		if e.cols != cols {
			p := problem("VStack", "expressions below each other have as many columns, and these have %d and %d", cols, e.cols)
			return wrong(p.instead("HStack puts them side by side"), &affine{name: "VStack"}, rows+e.rows, cols, x...)
		}
		rows += e.rows
	}
	return apply(&affine{name: "VStack", rows: func(l []lin) lin { return stack(l...) }}, rows, cols, x...)
}

// CumSum has the partial sums of a vector, or of each column of a matrix.
func CumSum(x *Expr) *Expr {
	rows, cols := x.rows, x.cols
	steps, stride := rows, cols
	if rows == 1 {
		steps, stride = cols, 1
	}
	return apply(&affine{name: "CumSum", rows: func(l []lin) lin {
		b := newBuilder(rows*cols, len(l[0].terms))
		for k := range rows * cols {
			if k >= stride && steps > 1 {
				b.add(b.out.row(k - stride)...)
			}
			b.add(l[0].row(k)...)
			b.end()
		}
		return b.out
	}}, rows, cols, x)
}

// Diff has the differences x₁ − x₀, x₂ − x₁, … of a vector, or of the rows of
// each column of a matrix.
func Diff(x *Expr) *Expr {
	rows, cols := x.rows-1, x.cols
	stride := x.cols
	if x.rows == 1 {
		rows, cols, stride = 1, x.cols-1, 1
	}
	f := &affine{
		name:  "Diff",
		signs: func([]Sign) Sign { return UnknownSign },
		mono:  func(int) Monotonicity { return NotMonotone },
		rows: func(l []lin) lin {
			n := l[0].rows() - stride
			b := newBuilder(n, 2*len(l[0].terms))
			for k := range n {
				b.add(l[0].row(k + stride)...)
				b.addScaled(l[0].row(k), -1)
				b.end()
			}
			return b.out
		},
	}
	if rows < 1 || cols < 1 {
		return wrong(problem("Diff", "Diff takes at least two entries, and this expression is %s", x.dims()), f, max(rows, 1), max(cols, 1), x)
	}
	return apply(f, rows, cols, x)
}
