package conic

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/optnet-go/optnet/internal/jsonscan"
	"github.com/optnet-go/optnet/sparse"
)

// jsonCone is a cone of a text: one that may stand for several of three rows, or be the
// dual of what is written here.
type jsonCone struct {
	Cone
	at     int // its offset
	repeat int
	dual   bool
}

// cone takes an object that describes a cone.
func (in *jsonProgram) cone(i int) (c jsonCone, err error) {
	c.at, c.repeat = in.Pos(), 1
	var kind string
	var alpha *jsonscan.Array // of one number where it is no list
	sizes := map[string]int{}
	sizeAt := c.at
	err = in.Object(func(key string, at int) (err error) {
		switch key {
		case "kind", "type":
			kind, err = in.String()
		case "size", "order", "dim":
			sizeAt = in.Pos()
			sizes[key], err = in.Int()
		case "alpha":
			alpha = &jsonscan.Array{At: in.Pos()}
			if in.Peek() == '[' {
				return in.Array(alpha)
			}
			v, err := in.Number()
			alpha.Data = []float64{v}
			return err
		default:
			return in.ErrorAt(at, fmt.Sprintf("unknown key %q of cone %d, want kind, size or alpha", key, i))
		}
		return err
	})
	if err != nil {
		return c, err
	}
	size, order := -1, false
	for _, name := range []string{"dim", "order", "size"} { // the last one that is there counts
		if v, ok := sizes[name]; ok {
			size, order = v, name != "dim"
		}
	}
	wrong := func(at int, format string, args ...any) (jsonCone, error) {
		return c, in.ErrorAt(at, fmt.Sprintf("cone %d: ", i)+fmt.Sprintf(format, args...))
	}
	name := kind
	kind, c.dual = strings.CutSuffix(kind, "_dual")
	if kind == "psd_triu" {
		kind = "psd"
	}
	k := slices.Index(kindNames[:], kind)
	if k < 0 || c.dual && Kind(k) != Exponential && Kind(k) != Power {
		return wrong(c.at, "kind is %q, want zero, nonneg, soc, psd, exp, power, genpower, exp_dual or power_dual", name)
	}
	c.Kind = Kind(k)
	switch {
	case c.Kind == Exponential || c.Kind == Power:
		if size >= 0 && size%3 != 0 {
			return wrong(sizeAt, "%s has three rows, got %d", kind, size)
		}
		if size >= 0 {
			c.repeat = size / 3
		}
	case size < 0:
		return wrong(c.at, "a cone of kind %s has no size", kind)
	default:
		c.Size = size
	}
	switch c.Kind {
	case PSD:
		if !order {
			return wrong(c.at, "a cone of kind psd has no size (the order of the matrix)")
		}
		if c.Size > 1<<15 {
			return wrong(sizeAt, "the order is %d, want at most %d", c.Size, 1<<15)
		}
	case Power:
		if alpha == nil || alpha.Dims != nil || !(alpha.Data[0] > 0 && alpha.Data[0] < 1) {
			return wrong(alphaAt(alpha, c.at), "alpha is missing or out of range, want a number between 0 and 1")
		}
		c.Alpha = alpha.Data
	case GenPower:
		if alpha == nil || len(alpha.Dims) != 1 || len(alpha.Data) == 0 {
			return wrong(alphaAt(alpha, c.at), "alpha is missing or no list, want numbers that add up to 1")
		}
		sum := 0.0
		for _, a := range alpha.Data {
			if !(a > 0) {
				return wrong(alpha.At, "alpha has the entry %v, want more than 0", a)
			}
			sum += a
		}
		if math.Abs(sum-1) > 1e-12 {
			return wrong(alpha.At, "alpha adds up to %v, want 1", sum)
		}
		c.Alpha = alpha.Data
	}
	return c, nil
}

func alphaAt(a *jsonscan.Array, none int) int {
	if a == nil {
		return none
	}
	return a.At
}

// undual rewrites rows of dual cones as rows of primal ones:
//
//	(u, v, w) ∈ exp*       ⇔  (u − v, −u, w) ∈ exp
//	(u, v, w) ∈ power_α*   ⇔  (u/α, v/(1−α), w) ∈ power_α
//
// first has the cones by their first rows.
func undual(st *Structure, b *Batch, first map[int]*jsonCone) {
	// part is what a row gives to another one.
	type part struct {
		to   int
		coef float64
	}
	gives := make([][]part, st.A.Rows)
	for i := range gives {
		gives[i] = []part{{i, 1}}
	}
	for r, c := range first {
		if c.Kind == Power {
			a := c.Alpha[0]
			gives[r], gives[r+1] = []part{{r, 1 / a}}, []part{{r + 1, 1 / (1 - a)}}
		} else {
			gives[r], gives[r+1] = []part{{r, 1}, {r + 1, -1}}, []part{{r, -1}}
		}
	}
	m := st.A.Rows
	for e := range max(1, len(b.B)/max(m, 1)) {
		rhs := b.B[e*m : (e+1)*m]
		old := slices.Clone(rhs)
		clear(rhs)
		for i, v := range old {
			for _, g := range gives[i] {
				rhs[g.to] += g.coef * v
			}
		}
	}
	// The new entries, each with the old one that gives to it.
	type share struct {
		row, from int
		coef      float64
	}
	a := &sparse.CSC{Rows: m, Cols: st.A.Cols, ColPtr: make([]int, st.A.Cols+1)}
	var shares []share // in the order of the new entries
	var at []int       // the new entry of each
	for j := range st.A.Cols {
		begin := len(shares)
		for k := st.A.ColPtr[j]; k < st.A.ColPtr[j+1]; k++ {
			for _, g := range gives[st.A.RowIdx[k]] {
				shares = append(shares, share{g.to, k, g.coef})
			}
		}
		column := shares[begin:]
		slices.SortStableFunc(column, func(x, y share) int { return cmp.Compare(x.row, y.row) })
		for k, s := range column {
			if k == 0 || column[k-1].row != s.row {
				a.RowIdx = append(a.RowIdx, s.row)
			}
			at = append(at, len(a.RowIdx)-1)
		}
		a.ColPtr[j+1] = len(a.RowIdx)
	}
	was, is := st.A.NNZ(), a.NNZ()
	copies := len(b.A) / max(was, 1)
	values := make([]float64, copies*is)
	for e := range copies {
		for k, s := range shares {
			values[e*is+at[k]] += s.coef * b.A[e*was+s.from]
		}
	}
	st.A, b.A = a, values
}
