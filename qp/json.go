package qp

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/optnet-go/optnet/internal/jsonscan"
	"gonum.org/v1/gonum/mat"
)

// The JSON form of a problem is an object of its coefficients,
//
//	{"Q": [[2, 0], [0, 1]], "p": [1, -1],
//	 "A": [[1, 1]], "b": [1], "G": [[1, 0]], "hl": [null], "h": [2], "l": [0, 0], "u": ["Inf", 3]}
//
// of which only p or Q must be there. "Qdiag" holds the diagonal of a Diagonal Q in
// place of "Q". Numbers that JSON lacks are the strings "Inf", "-Inf" and "NaN"; null
// is a side that is not there. The texts "name" and "comment" may be there.
//
// A batch is the same with "size". A coefficient that is nested one level deeper has
// one value per element: "p": [[1, -1], [0, 2]].

// A JSONError says where a text is not the JSON form of a problem or batch.
type JSONError struct {
	Line, Column int // from 1
	Rule         string
}

func (e *JSONError) Error() string {
	return fmt.Sprintf("qp: JSON, line %d, column %d: %s", e.Line, e.Column, e.Rule)
}

// jsonNames are the keys of the coefficients, in the order of their Coef bits.
var jsonNames = [numCoef]string{"Q", "p", "A", "b", "G", "hl", "h", "l", "u"}

// MarshalJSON writes the problem in the form that docs/COMMAND.md describes. All
// numbers keep their bits, NaN and the infinities too (but not a NaN's payload).
func (p *Problem) MarshalJSON() ([]byte, error) {
	sh, b, err := Stack(p)
	if err != nil {
		return nil, err
	}
	return b.AppendJSON(nil, sh, "")
}

// UnmarshalJSON reads one problem; a batch is refused, see [ParseBatch].
func (p *Problem) UnmarshalJSON(text []byte) error {
	sh, b, err := ParseBatch(text)
	if err != nil {
		return err
	}
	if b.Size != 1 {
		return fmt.Errorf("qp: the JSON is a batch of %d, want one problem: use ParseBatch", b.Size)
	}
	*p = *b.Problem(sh, 0)
	return nil
}

// Problem returns element i in gonum's types. It shares memory with the batch.
func (b *Batch) Problem(sh Shape, i int) *Problem {
	part := func(k int) []float64 {
		one := coefs[k].len(sh)
		x := *coefs[k].of(&b.Data)
		if one == 0 || len(x) == 0 {
			return nil
		}
		if len(x) > one {
			x = x[i*one:]
		}
		return x[:one:one]
	}
	vec := func(k int) mat.Vector {
		if x := part(k); x != nil {
			return mat.NewVecDense(len(x), x)
		}
		return nil
	}
	full := func(k int) mat.Matrix {
		if x := part(k); x != nil {
			r, c := coefDims(sh, k)
			return mat.NewDense(r, c, x)
		}
		return nil
	}
	p := &Problem{P: vec(1), A: full(2), B: vec(3), G: full(4), HL: vec(5), H: vec(6), L: vec(7), U: vec(8)}
	if sh.Q == Diagonal {
		p.Q = mat.NewDiagDense(sh.N, part(0))
	} else {
		p.Q = full(0)
	}
	return p
}

// AppendJSON appends the batch's JSON form. A name, if it is not empty, goes with
// it.
func (b *Batch) AppendJSON(dst []byte, sh Shape, name string) ([]byte, error) {
	sh, err := sh.normalize()
	if err != nil {
		return dst, err
	}
	dst = append(dst, '{')
	if name != "" {
		dst = jsonscan.AppendText(append(dst, `"name": `...), name)
		dst = append(dst, ",\n "...)
	}
	if b.Size != 1 {
		dst = append(strconv.AppendInt(append(dst, `"size": `...), int64(b.Size), 10), ",\n "...)
	}
	for k := range coefs {
		one := coefs[k].len(sh)
		x := *coefs[k].of(&b.Data)
		if err := checkLen(coefs[k].name, len(x), one, b.Size); err != nil {
			return dst, err
		}
		if one == 0 {
			continue
		}
		key := jsonNames[k]
		rows, cols := coefDims(sh, k)
		switch {
		case k == 0 && sh.Q == Diagonal:
			key, rows, cols = "Qdiag", sh.N, 1
		case k == 2, k == 4, k == 0:
		default:
			cols = 0
		}
		if dst[len(dst)-1] != ' ' && dst[len(dst)-1] != '{' {
			dst = append(dst, ",\n "...)
		}
		dst = append(dst, '"')
		dst = append(dst, key...)
		dst = append(dst, `": `...)
		shared := len(x) == one && b.Size == 1 || len(x) != one*b.Size || b.Size == 0
		if !shared {
			dst = append(dst, '[')
		}
		for i := 0; i < len(x); i += one {
			if i > 0 {
				dst = append(dst, ",\n  "...)
			}
			dst = appendArray(dst, x[i:i+one], rows, cols, k == 0 && sh.Q == Diagonal || cols == 0)
		}
		if !shared {
			dst = append(dst, ']')
		}
	}
	return append(dst, "}\n"...), nil
}

func appendArray(dst []byte, x []float64, rows, cols int, vector bool) []byte {
	if !vector {
		dst = append(dst, '[')
		for r := range rows {
			if r > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendArray(dst, x[r*cols:(r+1)*cols], cols, 0, true)
		}
		return append(dst, ']')
	}
	dst = append(dst, '[')
	for i, v := range x {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = jsonscan.AppendNumber(dst, v)
	}
	return append(dst, ']')
}

// ParseBatch reads the JSON form of a problem, which is a batch of one, or of a
// batch. Memory is taken for what the text holds, never for what it announces.
func ParseBatch(text []byte) (Shape, *Batch, error) {
	sh, b, err := parseBatch(jsonscan.New(text))
	var e *jsonscan.Error
	if errors.As(err, &e) {
		return sh, nil, &JSONError{Line: e.Line, Column: e.Column, Rule: e.Rule}
	}
	return sh, b, err
}

func parseBatch(p *jsonscan.Scanner) (Shape, *Batch, error) {
	var sh Shape
	arrays := make(map[string]*jsonscan.Array)
	b := &Batch{Size: -1}
	if err := p.Object(func(key string, at int) (err error) {
		switch key {
		case "name", "comment":
			return p.SkipString()
		case "size":
			b.Size, err = p.Int()
			return err
		}
		known := key == "Qdiag"
		for _, name := range jsonNames {
			known = known || key == name
		}
		if !known {
			return p.ErrorAt(at, fmt.Sprintf(`unknown key %q, want one of size, Q, Qdiag, p, A, b, G, hl, h, l, u, name, comment`, key))
		}
		a := new(jsonscan.Array)
		if key == "l" || key == "hl" {
			a.Absent = math.Inf(-1)
		} else if key == "u" || key == "h" {
			a.Absent = math.Inf(1)
		}
		arrays[key] = a
		return p.Array(a)
	}); err != nil {
		return sh, nil, err
	}
	if err := p.End(); err != nil {
		return sh, nil, err
	}
	if arrays["Q"] != nil && arrays["Qdiag"] != nil {
		return sh, nil, p.ErrorAt(arrays["Qdiag"].At, `"Qdiag" stands beside "Q", want one of them`)
	}
	if q := arrays["Qdiag"]; q != nil {
		sh.Q = Diagonal
		arrays["Q"] = q
	} else if arrays["Q"] == nil {
		sh.Q = Zero
	}
	for k, name := range jsonNames {
		if a := arrays[name]; a != nil {
			if err := place(p, &sh, b, k, name, a); err != nil {
				return sh, nil, err
			}
		}
	}
	if sh.N == 0 {
		return sh, nil, p.ErrorAt(0, `neither "p" nor "Q" is there, want at least one`)
	}
	if b.Size < 0 {
		b.Size = 1
	}
	sh, err := sh.normalize()
	if err != nil {
		return sh, nil, err
	}
	for k := range coefs {
		one, x := coefs[k].len(sh), coefs[k].of(&b.Data)
		if one > 0 && len(*x) == 0 && arrays[jsonNames[k]] == nil {
			switch Coef(1 << k) {
			case CoefP:
				*x = make([]float64, one)
				continue
			}
			return sh, nil, p.ErrorAt(0, fmt.Sprintf("%q is missing, want %d numbers", jsonNames[k], one))
		}
		if err := checkLen(coefs[k].name, len(*x), one, b.Size); err != nil {
			at := 0
			if a := arrays[jsonNames[k]]; a != nil {
				at = a.At
			}
			return sh, nil, p.ErrorAt(at, err.Error()[len("qp: "):])
		}
	}
	return sh, b, nil
}

// place takes an array as coefficient k; nesting says whether it is shared, and
// the sizes say what the shape is.
func place(p *jsonscan.Scanner, sh *Shape, b *Batch, k int, name string, a *jsonscan.Array) error {
	rank := 1
	if k == 2 || k == 4 || k == 0 && sh.Q != Diagonal {
		rank = 2
	}
	if len(a.Data) == 0 && (k == 2 || k == 3 || k == 4 || k == 5 || k == 6) {
		return nil // no rows
	}
	if name == "Q" && sh.Q == Diagonal {
		name = "Qdiag"
	}
	dims := a.Dims
	switch len(dims) {
	case rank:
	case rank + 1:
		if b.Size >= 0 && dims[0] != b.Size {
			return p.ErrorAt(a.At, fmt.Sprintf("%q has values for %d elements, want %d", name, dims[0], b.Size))
		}
		b.Size, dims = dims[0], dims[1:]
	default:
		return p.ErrorAt(a.At, fmt.Sprintf("%q is nested %d deep, want %d (shared), or %d (one value per element)", name, len(dims), rank, rank+1))
	}
	want := func(size *int, got int, what string) error {
		if *size != 0 && *size != got {
			return p.ErrorAt(a.At, fmt.Sprintf("%q has %d %s, want %d", name, got, what, *size))
		}
		*size = got
		return nil
	}
	last := dims[len(dims)-1]
	var err error
	switch k {
	case 0:
		err = want(&sh.N, last, "columns")
		if err == nil && rank == 2 {
			err = want(&sh.N, dims[0], "rows")
		}
	case 1, 7, 8:
		err = want(&sh.N, last, "numbers")
	case 3:
		err = want(&sh.NEq, last, "numbers")
	case 5, 6:
		err = want(&sh.NIneq, last, "numbers")
	case 2, 4:
		size := &sh.NEq
		if k == 4 {
			size = &sh.NIneq
		}
		if err = want(size, dims[0], "rows"); err == nil {
			err = want(&sh.N, last, "columns")
		}
	}
	if err != nil {
		return err
	}
	if k >= 5 {
		sh.Sides |= RowLower << (k - 5)
	}
	*coefs[k].of(&b.Data) = a.Data
	return nil
}
