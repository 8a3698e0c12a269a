package cvx

import (
	"cmp"
	"slices"
)

// A term is c·x_v·θ_p; v = −1 or p = −1 stands for the factor 1.
type term struct {
	v, p int32
	c    float64
}

const termBytes = 16

// lin is a column of expressions that are affine in the variables x of the
// canonical problem, with coefficients that are affine in the parameters θ. Row r
// has the terms ptr[r] ≤ k < ptr[r+1], ascending in (v, p) and without
// duplicates. It is never changed once made.
type lin struct {
	ptr   []int
	terms []term
}

func (l lin) rows() int          { return len(l.ptr) - 1 }
func (l lin) row(r int) []term   { return l.terms[l.ptr[r]:l.ptr[r+1]] }
func less(a, b term) int         { return cmp.Or(cmp.Compare(a.v, b.v), cmp.Compare(a.p, b.p)) }
func (t term) times(u term) term { return term{max(t.v, u.v), max(t.p, u.p), t.c * u.c} }

// canMultiply says whether the product of two terms is a term.
func (t term) canMultiply(u term) bool { return (t.v < 0 || u.v < 0) && (t.p < 0 || u.p < 0) }

// builder makes a lin row by row.
type builder struct {
	out   lin
	start int       // of the row at hand in out.terms
	acc   []float64 // coefficients by v + 1, for long rows
	seen  []bool
}

func newBuilder(rows, terms int) *builder {
	b := &builder{}
	b.out.ptr = make([]int, 1, rows+1)
	b.out.terms = make([]term, 0, terms)
	return b
}

func (b *builder) add(ts ...term) { b.out.terms = append(b.out.terms, ts...) }

func (b *builder) addScaled(ts []term, c float64) {
	for _, t := range ts {
		t.c *= c
		b.out.terms = append(b.out.terms, t)
	}
}

func (b *builder) addProduct(x, y []term) {
	for _, t := range x {
		for _, u := range y {
			b.out.terms = append(b.out.terms, t.times(u))
		}
	}
}

// end closes the row: sorts its terms and adds up those that are alike.
func (b *builder) end() {
	row := b.out.terms[b.start:]
	ascending := true
	for k := 1; k < len(row); k++ {
		if less(row[k-1], row[k]) >= 0 {
			ascending = false
			break
		}
	}
	if !ascending {
		row = b.combine(row)
		b.out.terms = b.out.terms[:b.start+len(row)]
	}
	b.start = len(b.out.terms)
	b.out.ptr = append(b.out.ptr, b.start)
}

// longRow is where adding up in an array beats sorting.
const longRow = 64

func (b *builder) combine(row []term) []term {
	if len(row) > longRow {
		top, free := int32(-1), true
		for _, t := range row {
			top, free = max(top, t.v), free && t.p < 0
		}
		if free && int(top) < 64*len(row) {
			return b.accumulate(row, int(top)+2)
		}
	}
	slices.SortFunc(row, less)
	n := 0
	for k := range row {
		switch {
		case n > 0 && less(row[n-1], row[k]) == 0:
			row[n-1].c += row[k].c
		default:
			row[n] = row[k]
			n++
		}
	}
	return dropZeros(row[:n])
}

func (b *builder) accumulate(row []term, n int) []term {
	if len(b.acc) < n {
		b.acc, b.seen = make([]float64, 2*n), make([]bool, 2*n)
	}
	for _, t := range row {
		b.acc[t.v+1] += t.c
		b.seen[t.v+1] = true
	}
	k := 0
	for i := range n {
		if b.seen[i] {
			row[k] = term{int32(i) - 1, -1, b.acc[i]}
			b.acc[i], b.seen[i] = 0, false
			k++
		}
	}
	return dropZeros(row[:k])
}

// dropZeros drops terms that cancelled.
func dropZeros(row []term) []term {
	return slices.DeleteFunc(row, func(t term) bool { return t.c == 0 })
}

// linOf is a column of numbers.
func linOf(x []float64) lin {
	b := newBuilder(len(x), len(x))
	for _, v := range x {
		if v != 0 {
			b.add(term{-1, -1, v})
		}
		b.end()
	}
	return b.out
}

// linVars is a column of n variables, the first of them x_first.
func linVars(first, n int) lin {
	b := newBuilder(n, n)
	for i := range n {
		b.add(term{int32(first + i), -1, 1})
		b.end()
	}
	return b.out
}

func linParams(first, n int) lin {
	b := newBuilder(n, n)
	for i := range n {
		b.add(term{-1, int32(first + i), 1})
		b.end()
	}
	return b.out
}

func (l lin) scale(c float64) lin {
	out := lin{ptr: l.ptr, terms: make([]term, len(l.terms))}
	for k, t := range l.terms {
		t.c *= c
		out.terms[k] = t
	}
	return out
}

func (l lin) neg() lin { return l.scale(-1) }

// plus is l + c·m, row by row.
func (l lin) plus(c float64, m lin) lin {
	b := newBuilder(l.rows(), len(l.terms)+len(m.terms))
	for r := range l.rows() {
		b.add(l.row(r)...)
		b.addScaled(m.row(r), c)
		b.end()
	}
	return b.out
}

func (l lin) minus(m lin) lin { return l.plus(-1, m) }

// gather has the row idx[k] of l as its row k; −1 is zero.
func (l lin) gather(idx []int) lin {
	n := 0
	for _, r := range idx {
		if r >= 0 {
			n += l.ptr[r+1] - l.ptr[r]
		}
	}
	b := newBuilder(len(idx), n)
	for _, r := range idx {
		if r >= 0 {
			b.add(l.row(r)...)
		}
		b.start = len(b.out.terms)
		b.out.ptr = append(b.out.ptr, b.start)
	}
	return b.out
}

// repeat is n copies of a single row.
func (l lin) repeat(n int) lin { return l.gather(make([]int, n)) }

// collect adds row r of l, times coef[r] if coef is given, to row dst[r] of n.
func (l lin) collect(dst []int, n int, coef []float64) lin {
	count := make([]int, n+1)
	for _, d := range dst {
		count[d+1]++
	}
	for d := range n {
		count[d+1] += count[d]
	}
	order := make([]int, len(dst))
	next := slices.Clone(count)
	for r, d := range dst {
		order[next[d]] = r
		next[d]++
	}
	b := newBuilder(n, len(l.terms))
	for d := range n {
		for _, r := range order[count[d]:count[d+1]] {
			if coef == nil {
				b.add(l.row(r)...)
			} else {
				b.addScaled(l.row(r), coef[r])
			}
		}
		b.end()
	}
	return b.out
}

// sum is the sum of all rows.
func (l lin) sum() lin { return l.collect(make([]int, l.rows()), 1, nil) }

// stack puts columns below each other.
func stack(ls ...lin) lin {
	rows, terms := 0, 0
	for _, l := range ls {
		rows += l.rows()
		terms += len(l.terms)
	}
	out := lin{ptr: make([]int, 1, rows+1), terms: make([]term, 0, terms)}
	for _, l := range ls {
		for r := range l.rows() {
			out.terms = append(out.terms, l.row(r)...)
			out.ptr = append(out.ptr, len(out.terms))
		}
	}
	return out
}

// times multiplies row by row.
func (l lin) times(m lin) lin {
	b := newBuilder(l.rows(), len(l.terms)+len(m.terms))
	for r := range l.rows() {
		b.addProduct(l.row(r), m.row(r))
		b.end()
	}
	return b.out
}

// matmul is the product of an m×k and a k×n matrix, both row by row.
func matmul(x lin, m, k int, y lin, n int) lin {
	b := newBuilder(m*n, len(x.terms)+len(y.terms))
	for i := range m {
		for j := range n {
			for l := range k {
				if xr := x.row(i*k + l); len(xr) > 0 {
					b.addProduct(xr, y.row(l*n+j))
				}
			}
			b.end()
		}
	}
	return b.out
}

// mulConst is the product of a constant matrix and a matrix with n columns.
func mulConst(s *matrix, y lin, n int) lin {
	s = s.byRows()
	b := newBuilder(s.rows*n, len(s.val)*n)
	for i := range s.rows {
		for j := range n {
			for k := s.ptr[i]; k < s.ptr[i+1]; k++ {
				if v := s.val[k]; v != 0 { // a sparse matrix may store zeros
					b.addScaled(y.row(s.col[k]*n+j), v)
				}
			}
			b.end()
		}
	}
	return b.out
}

// mulConstTerms is how many terms mulConst goes through.
func mulConstTerms(s *matrix, y lin, n int) (count int64) {
	s = s.byRows()
	per := make([]int64, y.rows()/n)
	for l := range per {
		per[l] = int64(y.ptr[(l+1)*n] - y.ptr[l*n])
	}
	for _, l := range s.col {
		count += per[l]
	}
	return count
}

// matmulTerms is how many terms matmul goes through.
func matmulTerms(x lin, m, k int, y lin, n int) (count int64) {
	for l := range k {
		var cx int64
		for i := range m {
			cx += int64(len(x.row(i*k + l)))
		}
		count += cx * int64(y.ptr[(l+1)*n]-y.ptr[l*n])
	}
	return count
}

// value is the number that a row without variables and parameters is.
func (l lin) constants() ([]float64, bool) {
	x := make([]float64, l.rows())
	for r := range x {
		for _, t := range l.row(r) {
			if t.v >= 0 || t.p >= 0 {
				return nil, false
			}
			x[r] += t.c
		}
	}
	return x, true
}

// transposed are the positions of the entries of Xᵀ in a rows×cols X.
func transposed(rows, cols int) []int {
	idx := make([]int, 0, rows*cols)
	for j := range cols {
		for i := range rows {
			idx = append(idx, i*cols+j)
		}
	}
	return idx
}

// stretched are the positions in a rows×cols matrix of the entries of what it
// becomes when it stretches to r×c.
func stretched(rows, cols, r, c int) []int {
	idx := make([]int, 0, r*c)
	for i := range r {
		for j := range c {
			si, sj := min(i, rows-1), min(j, cols-1)
			idx = append(idx, si*cols+sj)
		}
	}
	return idx
}

// stretch makes l, a rows×cols matrix, r×c.
func (l lin) stretch(rows, cols, r, c int) lin {
	if rows == r && cols == c {
		return l
	}
	return l.gather(stretched(rows, cols, r, c))
}
