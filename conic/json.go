package conic

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/optnet-go/optnet/internal/jsonscan"
	"github.com/optnet-go/optnet/sparse"
)

// The JSON form of a cone program lists nonzeros as [row, column, value], from 0,
//
//	{"n": 2, "P": [[0, 0, 1], [0, 1, 0.5]], "q": [1, 2],
//	 "A": [[0, 0, 1], [1, 1, -1]], "b": [1, 0],
//	 "cones": [{"kind": "zero", "size": 1}, {"kind": "nonneg", "size": 1}]}
//
// (the strings "NaN", "Inf" and "-Inf" are numbers too) with the upper triangle of P; P and n may be left out. Kinds are zero, nonneg, soc,
// psd (size is the order), exp, power (alpha) and genpower (alpha is a list, size the
// length of w). exp_dual and power_dual are read too: their rows are rewritten as
// those of exp and power, by a linear map, so that z and s are those of the rewritten
// rows. The names P_upper, c, type, dim, order and psd_triu are understood for P, q,
// kind, size, size and psd. A name, a comment, and what files of test collections
// carry beside the problem is skipped; other keys are errors.
//
// A batch is the same with "size". "q" and "b" that are nested one level deeper have one
// list for each element, "q": [[1, 2], [0, 3]]; so does a nonzero whose value is a list,
// [row, column, [1, 2]].

// A JSONError says where a text is not the JSON form of a cone program or a batch of
// them.
type JSONError struct {
	Line, Column int // from 1
	Rule         string
}

func (e *JSONError) Error() string {
	return fmt.Sprintf("conic: JSON, line %d, column %d: %s", e.Line, e.Column, e.Rule)
}

// kindNames are the kinds in JSON.
var kindNames = [...]string{Zero: "zero", NonNegative: "nonneg", SecondOrder: "soc", PSD: "psd", Exponential: "exp", Power: "power", GenPower: "genpower"}

// MarshalJSON writes the problem in the form that docs/COMMAND.md describes, with all
// bits of the numbers, NaN and the infinities too.
func (p *Problem) MarshalJSON() ([]byte, error) {
	if p.A == nil {
		return nil, errors.New("conic: Problem.A is missing")
	}
	b := &Batch{Data: p.Data(), Size: 1}
	return b.AppendJSON(nil, p.Structure(), "")
}

// UnmarshalJSON reads one problem; a batch is refused, see [ParseBatch].
func (p *Problem) UnmarshalJSON(text []byte) error {
	st, b, err := ParseBatch(text)
	if err != nil {
		return err
	}
	if b.Size != 1 {
		return fmt.Errorf("conic: the JSON is a batch of %d, want one problem: use ParseBatch", b.Size)
	}
	*p = *b.Problem(st, 0)
	return nil
}

// Problem returns element i. It shares memory with the batch, and patterns and cones
// with the structure.
func (b *Batch) Problem(st *Structure, i int) *Problem {
	part := func(x []float64, one int) []float64 {
		if len(x) > one {
			x = x[i*one:]
		}
		return x[:one:one]
	}
	valued := func(a *sparse.CSC, x []float64) *sparse.CSC {
		if a == nil {
			return nil
		}
		c := *a
		c.Val = part(x, a.NNZ())
		return &c
	}
	return &Problem{
		P: valued(st.P, b.P), Q: part(b.Q, st.N), A: valued(st.A, b.A), B: part(b.B, st.A.Rows), Cones: st.Cones,
	}
}

// AppendJSON appends the batch's JSON form. A name, if it is not empty, goes with it.
func (b *Batch) AppendJSON(dst []byte, st *Structure, name string) ([]byte, error) {
	if st.A == nil {
		return dst, errors.New("conic: Structure.A is missing")
	}
	nnzP := 0
	if st.P != nil {
		nnzP = st.P.NNZ()
	}
	for _, c := range []struct {
		name string
		x    []float64
		one  int
	}{{"P", b.P, nnzP}, {"Q", b.Q, st.N}, {"A", b.A, st.A.NNZ()}, {"B", b.B, st.A.Rows}} {
		if len(c.x) != c.one && len(c.x) != c.one*b.Size {
			return dst, &ShapeError{Name: c.name, Got: len(c.x), WantShared: c.one, WantBatch: c.one * b.Size}
		}
	}
	if b.Size == 0 && (len(b.Q) == 0 || len(b.B) == 0 && st.A.Rows > 0) {
		return dst, errors.New("conic: a batch of no elements has a JSON form only if its coefficients are shared")
	}
	dst = append(dst, '{')
	key := func(name string) {
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ",\n "...)
		}
		dst = append(jsonscan.AppendText(dst, name), ": "...)
	}
	list := func(x []float64) {
		dst = append(dst, '[')
		for i, v := range x {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = jsonscan.AppendNumber(dst, v)
		}
		dst = append(dst, ']')
	}
	vector := func(x []float64, one int) {
		if len(x) == one {
			list(x)
			return
		}
		dst = append(dst, '[')
		for i := range b.Size {
			if i > 0 {
				dst = append(dst, ",\n  "...)
			}
			list(x[i*one : (i+1)*one])
		}
		dst = append(dst, ']')
	}
	matrix := func(a *sparse.CSC, x []float64) {
		nnz := a.NNZ()
		values := make([]float64, b.Size)
		dst = append(dst, '[')
		for j := range a.Cols {
			for k := a.ColPtr[j]; k < a.ColPtr[j+1]; k++ {
				if k > 0 {
					dst = append(dst, ", "...)
				}
				dst = strconv.AppendInt(append(dst, '['), int64(a.RowIdx[k]), 10)
				dst = strconv.AppendInt(append(dst, ", "...), int64(j), 10)
				dst = append(dst, ", "...)
				if len(x) == nnz {
					dst = jsonscan.AppendNumber(dst, x[k])
				} else {
					for i := range values {
						values[i] = x[i*nnz+k]
					}
					list(values)
				}
				dst = append(dst, ']')
			}
		}
		dst = append(dst, ']')
	}
	if name != "" {
		key("name")
		dst = jsonscan.AppendText(dst, name)
	}
	if b.Size != 1 {
		key("size")
		dst = strconv.AppendInt(dst, int64(b.Size), 10)
	}
	key("n")
	dst = strconv.AppendInt(dst, int64(st.N), 10)
	if st.P != nil && nnzP > 0 {
		key("P")
		matrix(st.P, b.P)
	}
	key("q")
	vector(b.Q, st.N)
	key("A")
	matrix(st.A, b.A)
	key("b")
	vector(b.B, st.A.Rows)
	key("cones")
	dst = append(dst, '[')
	for i, c := range st.Cones {
		if int(c.Kind) >= len(kindNames) {
			return dst, fmt.Errorf("conic: no kind of cone has the number %d", c.Kind)
		}
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, `{"kind": "`+kindNames[c.Kind]+`"`...)
		if c.Kind != Exponential && c.Kind != Power {
			dst = strconv.AppendInt(append(dst, `, "size": `...), int64(c.Size), 10)
		}
		switch c.Kind {
		case Power:
			dst = jsonscan.AppendNumber(append(dst, `, "alpha": `...), c.Alpha[0])
		case GenPower:
			dst = append(dst, `, "alpha": `...)
			list(c.Alpha)
		}
		dst = append(dst, '}')
	}
	return append(dst, "]}\n"...), nil
}

// skipped are keys that say nothing about the problem.
var skipped = []string{"name", "comment", "source", "licence", "license", "form", "note", "expected"}

// jsonProgram is what a text holds, before it is put together.
type jsonProgram struct {
	*jsonscan.Scanner
	sizeAt, nAt, mAt int // offsets
	size, n, m       int // −1 where they are not there
	names            map[string]int
	q, b             *jsonscan.Array
	p, a             *jsonMatrix
	cones            []jsonCone
}

// ParseBatch reads the JSON form of a cone program, which is a batch of one, or of a
// batch. Memory is taken for what the text holds, never for what it announces.
func ParseBatch(text []byte) (*Structure, *Batch, error) {
	in := &jsonProgram{Scanner: jsonscan.New(text), size: -1, n: -1, m: -1, names: map[string]int{}}
	st, b, err := in.parse()
	var e *jsonscan.Error
	if errors.As(err, &e) {
		return nil, nil, &JSONError{Line: e.Line, Column: e.Column, Rule: e.Rule}
	}
	return st, b, err
}

func (in *jsonProgram) parse() (*Structure, *Batch, error) {
	if err := in.Object(in.key); err != nil {
		return nil, nil, err
	}
	if err := in.End(); err != nil {
		return nil, nil, err
	}
	for _, two := range [][2]string{{"P", "P_upper"}, {"q", "c"}} {
		_, one := in.names[two[0]]
		if at, other := in.names[two[1]]; one && other {
			return nil, nil, in.ErrorAt(at, fmt.Sprintf("%q and %q are two names of one thing, want one of them", two[0], two[1]))
		}
	}
	for _, want := range []struct {
		name  string
		there bool
	}{{`"q", the linear part of the objective,`, in.q != nil}, {`"A"`, in.a != nil}, {`"b"`, in.b != nil}, {`"cones"`, in.cones != nil}} {
		if !want.there {
			return nil, nil, in.ErrorAt(0, fmt.Sprintf(`%s is missing: want "q", "A", "b" and "cones", empty if there are no rows`, want.name))
		}
	}
	b := &Batch{Size: in.size}
	n, err := in.vector(b, "q", in.q, &b.Q)
	if err != nil {
		return nil, nil, err
	}
	m, err := in.vector(b, "b", in.b, &b.B)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case n == 0:
		return nil, nil, in.ErrorAt(in.q.At, "q is empty, want at least one variable")
	case in.n >= 0 && in.n != n:
		return nil, nil, in.ErrorAt(in.nAt, fmt.Sprintf(`"n" is %d, and "q" has %d numbers: they do not agree`, in.n, n))
	case in.m >= 0 && in.m != m:
		return nil, nil, in.ErrorAt(in.mAt, fmt.Sprintf(`"m" is %d, and "b" has %d numbers: they do not agree`, in.m, m))
	}
	for _, a := range []*jsonMatrix{in.a, in.p} {
		if err := in.agree(b, a); err != nil {
			return nil, nil, err
		}
	}
	if b.Size < 0 {
		b.Size = 1
	}
	st := &Structure{N: n}
	if st.A, b.A, err = in.matrix("A", in.a, m, n, b.Size); err != nil {
		return nil, nil, err
	}
	if in.p != nil && len(in.p.entries) > 0 {
		if st.P, b.P, err = in.matrix("P", in.p, n, n, b.Size); err != nil {
			return nil, nil, err
		}
	}
	first := make(map[int]*jsonCone) // rows where dual cones begin
	row := 0
	for i := range in.cones {
		c := &in.cones[i]
		for range c.repeat {
			if c.Dim() > m-row {
				return nil, nil, in.ErrorAt(c.at, fmt.Sprintf("cone %d needs %d rows, but b has only %d left of %d", i, c.Dim(), m-row, m))
			}
			if c.dual {
				first[row] = c
			}
			st.Cones = append(st.Cones, c.Cone)
			row += c.Dim()
		}
	}
	if row != m {
		return nil, nil, in.ErrorAt(in.names["cones"], fmt.Sprintf("the cones have %d rows, b has %d", row, m))
	}
	if len(first) > 0 {
		undual(st, b, first)
	}
	return st, b, nil
}

// key takes the value of a key.
func (in *jsonProgram) key(key string, at int) (err error) {
	in.names[key] = in.Pos()
	switch key {
	case "size":
		in.sizeAt = in.Pos()
		in.size, err = in.Int()
	case "n":
		in.nAt = in.Pos()
		in.n, err = in.Int()
	case "m":
		in.mAt = in.Pos()
		in.m, err = in.Int()
	case "q", "c":
		in.q = new(jsonscan.Array)
		err = in.Array(in.q)
	case "b":
		in.b = new(jsonscan.Array)
		err = in.Array(in.b)
	case "P", "P_upper":
		in.p, err = in.triplets("P")
	case "A":
		in.a, err = in.triplets("A")
	case "cones":
		in.cones = []jsonCone{}
		err = in.List(func(i int) error {
			c, err := in.cone(i)
			in.cones = append(in.cones, c)
			return err
		})
	default:
		if slices.Contains(skipped, key) || strings.HasPrefix(key, "checked_") {
			return in.Skip()
		}
		return in.ErrorAt(at, fmt.Sprintf("unknown key %q, want n, size, P, q, A, b, cones, name or comment", key))
	}
	return err
}

// vector takes an array as a coefficient: its nesting says whether it is shared.
func (in *jsonProgram) vector(b *Batch, name string, a *jsonscan.Array, dst *[]float64) (n int, err error) {
	*dst = a.Data
	switch len(a.Dims) {
	case 1:
		return a.Dims[0], nil
	case 2:
		if b.Size >= 0 && b.Size != a.Dims[0] {
			return 0, in.ErrorAt(a.At, fmt.Sprintf("%q has values for %d elements, want %d", name, a.Dims[0], b.Size))
		}
		b.Size = a.Dims[0]
		return a.Dims[1], nil
	}
	return 0, in.ErrorAt(a.At, fmt.Sprintf("%q is nested %d deep, want 1 (shared), or 2 (one list an element)", name, len(a.Dims)))
}

// jsonMatrix is a list of nonzeros.
type jsonMatrix struct {
	entries []jsonEntry
	values  []float64
	each    int // entries whose value is a list
}

type jsonEntry struct {
	row, col, at int
	first, count int // of the values; a count of −1: one that is shared
}

func (in *jsonProgram) triplets(name string) (*jsonMatrix, error) {
	m := new(jsonMatrix)
	err := in.List(func(k int) error {
		e := jsonEntry{at: in.Pos(), first: len(m.values), count: -1}
		fields := 0
		err := in.List(func(i int) error {
			fields++
			if i < 2 {
				at := in.Pos()
				v, err := in.Value()
				if err != nil {
					return err
				}
				if v != math.Trunc(v) || v < 0 || v > math.MaxInt32 {
					return in.ErrorAt(at, fmt.Sprintf("entry %d of %s is at %s %v, want an integer from 0", k, name, [...]string{"row", "column"}[i], v))
				}
				if i == 0 {
					e.row = int(v)
				} else {
					e.col = int(v)
				}
				return nil
			}
			if in.Peek() != '[' {
				v, err := in.Value()
				m.values = append(m.values, v)
				return err
			}
			e.count = 0
			m.each++
			return in.List(func(int) error {
				v, err := in.Value()
				m.values = append(m.values, v)
				e.count++
				return err
			})
		})
		if err == nil && fields != 3 {
			err = in.ErrorAt(e.at, fmt.Sprintf("entry %d of %s has %d numbers, want [row, column, value]", k, name, fields))
		}
		m.entries = append(m.entries, e)
		return err
	})
	return m, err
}

// agree holds the lengths of lists of values against the size of the batch.
func (in *jsonProgram) agree(b *Batch, m *jsonMatrix) error {
	if m == nil || m.each == 0 {
		return nil
	}
	for _, e := range m.entries {
		if e.count < 0 {
			continue
		}
		if b.Size >= 0 && b.Size != e.count {
			return in.ErrorAt(e.at, fmt.Sprintf("this entry has values for %d elements, want %d", e.count, b.Size))
		}
		b.Size = e.count
	}
	return nil
}

// matrix sorts nonzeros into columns; the values are per element if any of them are.
func (in *jsonProgram) matrix(name string, m *jsonMatrix, rows, cols, size int) (*sparse.CSC, []float64, error) {
	nnz := len(m.entries)
	for k, e := range m.entries {
		if e.row >= rows || e.col >= cols {
			return nil, nil, in.ErrorAt(e.at, fmt.Sprintf("entry %d of %s is at row %d, column %d of a %d×%d matrix (indices begin with 0)", k, name, e.row, e.col, rows, cols))
		}
		if name == "P" && e.row > e.col {
			return nil, nil, in.ErrorAt(e.at, fmt.Sprintf("P has an entry at row %d, column %d, below the diagonal: give the upper triangle", e.row, e.col))
		}
	}
	slices.SortStableFunc(m.entries, func(x, y jsonEntry) int { return cmp.Or(cmp.Compare(x.col, y.col), cmp.Compare(x.row, y.row)) })
	copies := 1
	if m.each > 0 {
		copies = size
	}
	a := &sparse.CSC{Rows: rows, Cols: cols, ColPtr: make([]int, cols+1), RowIdx: make([]int, nnz)}
	values := make([]float64, nnz*copies)
	for k, e := range m.entries {
		if k > 0 && m.entries[k-1].row == e.row && m.entries[k-1].col == e.col {
			return nil, nil, in.ErrorAt(e.at, fmt.Sprintf("%s has two entries at row %d, column %d", name, e.row, e.col))
		}
		a.ColPtr[e.col+1]++
		a.RowIdx[k] = e.row
		for i := range copies {
			at := e.first
			if e.count >= 0 {
				at += i
			}
			values[i*nnz+k] = m.values[at]
		}
	}
	for j := range cols {
		a.ColPtr[j+1] += a.ColPtr[j]
	}
	return a, values, nil
}
