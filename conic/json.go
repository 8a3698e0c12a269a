package conic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

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

// kindNames are the kinds in JSON.
var kindNames = [...]string{Zero: "zero", NonNegative: "nonneg", SecondOrder: "soc", PSD: "psd", Exponential: "exp", Power: "power", GenPower: "genpower"}

// real is a number in JSON: NaN and the infinities, which JSON lacks, are strings.
type real float64

func (x real) MarshalJSON() ([]byte, error) {
	switch v := float64(x); {
	case math.IsNaN(v):
		return []byte(`"NaN"`), nil
	case math.IsInf(v, 1):
		return []byte(`"Inf"`), nil
	case math.IsInf(v, -1):
		return []byte(`"-Inf"`), nil
	default:
		return json.Marshal(v)
	}
}

func (x *real) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"NaN"`:
		*x = real(math.NaN())
	case `"Inf"`:
		*x = real(math.Inf(1))
	case `"-Inf"`:
		*x = real(math.Inf(-1))
	default:
		return json.Unmarshal(b, (*float64)(x))
	}
	return nil
}

func reals(x []float64) []real {
	y := make([]real, len(x))
	for i, v := range x {
		y[i] = real(v)
	}
	return y
}

// special reads numbers some of which are strings: what the quick way refuses. It
// reports whether that is what was wrong.
func special(dst any, raw []byte) bool {
	switch dst := dst.(type) {
	case *[]float64:
		var x []real
		if json.Unmarshal(raw, &x) != nil {
			return false
		}
		*dst = (*dst)[:0]
		for _, v := range x {
			*dst = append(*dst, float64(v))
		}
		return true
	case *[][]float64:
		var x [][]real
		if json.Unmarshal(raw, &x) != nil {
			return false
		}
		*dst = make([][]float64, len(x))
		for i, t := range x {
			for _, v := range t {
				(*dst)[i] = append((*dst)[i], float64(v))
			}
		}
		return true
	}
	return false
}

// MarshalJSON writes the problem in its JSON form, with all bits of the numbers, NaN
// and the infinities too.
func (p *Problem) MarshalJSON() ([]byte, error) {
	if p.A == nil {
		return nil, errors.New("conic: Problem.A is missing")
	}
	type cone struct {
		Kind  string `json:"kind"`
		Size  int    `json:"size,omitempty"`
		Alpha any    `json:"alpha,omitempty"`
	}
	out := struct {
		N     int       `json:"n"`
		P     [][3]real `json:"P,omitempty"`
		Q     []real    `json:"q"`
		A     [][3]real `json:"A"`
		B     []real    `json:"b"`
		Cones []cone    `json:"cones"`
	}{N: p.A.Cols, P: triplets(p.P), Q: reals(p.Q), A: triplets(p.A), B: reals(p.B), Cones: []cone{}}
	for _, c := range p.Cones {
		if int(c.Kind) >= len(kindNames) {
			return nil, fmt.Errorf("conic: no kind of cone has the number %d", c.Kind)
		}
		k := cone{Kind: kindNames[c.Kind], Size: c.Size}
		switch c.Kind {
		case Exponential:
			k.Size = 0
		case Power:
			k.Size, k.Alpha = 0, c.Alpha[0]
		case GenPower:
			k.Alpha = c.Alpha
		}
		out.Cones = append(out.Cones, k)
	}
	return json.Marshal(out)
}

func triplets(a *sparse.CSC) [][3]real {
	if a == nil {
		return nil
	}
	out := make([][3]real, 0, a.NNZ())
	for j := range a.Cols {
		for k := a.ColPtr[j]; k < a.ColPtr[j+1]; k++ {
			out = append(out, [3]real{real(a.RowIdx[k]), real(j), real(a.Val[k])})
		}
	}
	return out
}

// skipped are keys that say nothing about the problem.
var skipped = []string{"name", "comment", "source", "licence", "license", "form", "note", "expected"}

type jsonCone struct {
	Kind, Type       string
	Size, Dim, Order *int
	Alpha            json.RawMessage
}

type jsonProblem struct {
	N, M      *int
	P, PUpper [][]float64
	Q, C      []float64
	A         [][]float64
	B         []float64
	Cones     []jsonCone
}

// UnmarshalJSON reads the JSON form. Sizes are checked against what is there
// before memory is taken for them.
func (p *Problem) UnmarshalJSON(text []byte) error {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		return jsonError(text, err)
	}
	in := jsonProblem{}
	into := map[string]any{"n": &in.N, "m": &in.M, "P": &in.P, "P_upper": &in.PUpper, "q": &in.Q, "c": &in.C, "A": &in.A, "b": &in.B, "cones": &in.Cones}
	for key, raw := range keys {
		dst, ok := into[key]
		switch {
		case ok:
		case slices.Contains(skipped, key), strings.HasPrefix(key, "checked_"):
			continue
		default:
			return fmt.Errorf("conic: JSON: unknown key %q, want n, P, q, A, b, cones, name or comment", key)
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(dst); err != nil && !special(dst, raw) {
			return fmt.Errorf("conic: JSON: %q: %w", key, err)
		}
	}
	if keys["P"] != nil && keys["P_upper"] != nil || keys["q"] != nil && keys["c"] != nil {
		return errors.New("conic: JSON: P and P_upper, q and c are two names of one thing, want one of them")
	}
	if in.P == nil {
		in.P = in.PUpper
	}
	if in.Q == nil {
		in.Q = in.C
	}
	switch {
	case in.Q == nil:
		return errors.New("conic: JSON: \"q\" is missing, the linear part of the objective")
	case keys["A"] == nil || keys["b"] == nil || keys["cones"] == nil:
		return errors.New("conic: JSON: want \"A\", \"b\" and \"cones\", empty if there are no rows")
	}
	n, m := len(in.Q), len(in.B)
	if in.N != nil && *in.N != n || in.M != nil && *in.M != m {
		return fmt.Errorf("conic: JSON: n and m do not agree with q of %d and b of %d numbers", n, m)
	}
	if n == 0 {
		return errors.New("conic: JSON: q is empty, want at least one variable")
	}
	out := Problem{Q: in.Q, B: in.B}
	var err error
	if out.A, err = matrix("A", in.A, m, n); err != nil {
		return err
	}
	if len(in.P) > 0 {
		if out.P, err = matrix("P", in.P, n, n); err != nil {
			return err
		}
		for j := range n {
			for k := out.P.ColPtr[j]; k < out.P.ColPtr[j+1]; k++ {
				if i := out.P.RowIdx[k]; i > j {
					return fmt.Errorf("conic: JSON: P has an entry at row %d, column %d, below the diagonal: give the upper triangle", i, j)
				}
			}
		}
	}
	rewrite := make(map[int]*jsonCone) // first rows of dual cones
	row := 0
	for i := range in.Cones {
		c, dual, err := in.Cones[i].cone()
		if err != nil {
			return fmt.Errorf("conic: JSON: cone %d: %w", i, err)
		}
		for range c.repeat {
			if c.Dim() > m-row {
				return fmt.Errorf("conic: JSON: cone %d needs %d rows, but b has only %d left of %d", i, c.Dim(), m-row, m)
			}
			if dual {
				rewrite[row] = &in.Cones[i]
			}
			out.Cones = append(out.Cones, c.Cone)
			row += c.Dim()
		}
	}
	if row != m {
		return fmt.Errorf("conic: JSON: the cones have %d rows, b has %d", row, m)
	}
	if len(rewrite) > 0 {
		undual(&out, rewrite)
	}
	*p = out
	return nil
}

// repeated is a cone that stands for several of three rows.
type repeated struct {
	Cone
	repeat int
}

func (in *jsonCone) cone() (c repeated, dual bool, err error) {
	c.repeat = 1
	kind := in.Kind
	if kind == "" {
		kind = in.Type
	}
	size := in.Size
	for _, s := range []*int{in.Order, in.Dim} {
		if size == nil {
			size = s
		}
	}
	if size != nil && (*size < 0 || *size > math.MaxInt32) {
		return c, false, fmt.Errorf("size is %d, want 0 or more", *size)
	}
	kind, dual = strings.CutSuffix(kind, "_dual")
	if kind == "psd_triu" {
		kind = "psd"
	}
	k := slices.Index(kindNames[:], kind)
	switch {
	case k < 0 || dual && Kind(k) != Exponential && Kind(k) != Power:
		return c, false, fmt.Errorf("kind is %q, want zero, nonneg, soc, psd, exp, power, genpower, exp_dual or power_dual", kind)
	case Kind(k) == Exponential || Kind(k) == Power:
		if size != nil && *size%3 != 0 {
			return c, false, fmt.Errorf("%s has three rows, got %d", kind, *size)
		}
		if size != nil {
			c.repeat = *size / 3
		}
	case size == nil:
		return c, false, fmt.Errorf("a cone of kind %s has no size", kind)
	default:
		c.Size = *size
	}
	c.Kind = Kind(k)
	switch c.Kind {
	case PSD:
		if in.Order == nil && in.Size == nil {
			return c, false, errors.New("a cone of kind psd has no size (the order of the matrix)")
		}
		if c.Size > 1<<15 {
			return c, false, fmt.Errorf("the order is %d, want at most %d", c.Size, 1<<15)
		}
	case Power:
		var a float64
		if err := json.Unmarshal(in.Alpha, &a); err != nil || !(a > 0 && a < 1) {
			return c, false, fmt.Errorf("alpha is %q, want a number between 0 and 1", in.Alpha)
		}
		c.Alpha = []float64{a}
	case GenPower:
		if err := json.Unmarshal(in.Alpha, &c.Alpha); err != nil || len(c.Alpha) == 0 {
			return c, false, fmt.Errorf("alpha is %q, want a list of numbers that add up to 1", in.Alpha)
		}
		sum := 0.0
		for _, a := range c.Alpha {
			if !(a > 0) {
				return c, false, fmt.Errorf("alpha has the entry %v, want more than 0", a)
			}
			sum += a
		}
		if math.Abs(sum-1) > 1e-12 {
			return c, false, fmt.Errorf("alpha adds up to %v, want 1", sum)
		}
	}
	return c, dual, nil
}

// undual rewrites rows of dual cones as rows of primal ones:
//
//	(u, v, w) ∈ exp*       ⇔  (u − v, −u, w) ∈ exp
//	(u, v, w) ∈ power_α*   ⇔  (u/α, v/(1−α), w) ∈ power_α
func undual(p *Problem, first map[int]*jsonCone) {
	m := p.A.Rows
	type dual struct {
		power bool
		alpha float64
		first int
	}
	of := make([]dual, m) // of each row; first is −1 where there is none
	for i := range of {
		of[i].first = -1
	}
	for r, c := range first {
		d := dual{power: strings.HasPrefix(c.Kind+c.Type, "power"), first: r}
		json.Unmarshal(c.Alpha, &d.alpha)
		of[r], of[r+1], of[r+2] = d, d, d
	}
	rows := func(dst map[int]float64, i int, v float64) {
		d := of[i]
		switch k := i - d.first; {
		case d.first < 0 || k == 2:
			dst[i] += v
		case d.power && k == 0:
			dst[i] += v / d.alpha
		case d.power:
			dst[i] += v / (1 - d.alpha)
		case k == 0: // u
			dst[i] += v
			dst[i+1] -= v
		default: // v
			dst[i-1] -= v
		}
	}
	a := &sparse.CSC{Rows: m, Cols: p.A.Cols, ColPtr: make([]int, p.A.Cols+1)}
	col := make(map[int]float64)
	put := func() {
		idx := make([]int, 0, len(col))
		for i := range col {
			idx = append(idx, i)
		}
		slices.Sort(idx)
		for _, i := range idx {
			a.RowIdx, a.Val = append(a.RowIdx, i), append(a.Val, col[i])
		}
	}
	for j := range p.A.Cols {
		clear(col)
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			rows(col, p.A.RowIdx[k], p.A.Val[k])
		}
		put()
		a.ColPtr[j+1] = len(a.RowIdx)
	}
	b := make(map[int]float64)
	for i, v := range p.B {
		rows(b, i, v)
	}
	for i := range p.B {
		p.B[i] = b[i]
	}
	p.A = a
}

// matrix sorts triplets into columns.
func matrix(name string, list [][]float64, rows, cols int) (*sparse.CSC, error) {
	a := &sparse.CSC{Rows: rows, Cols: cols, ColPtr: make([]int, cols+1), RowIdx: make([]int, len(list)), Val: make([]float64, len(list))}
	for k, t := range list {
		if len(t) != 3 {
			return nil, fmt.Errorf("conic: JSON: entry %d of %s has %d numbers, want [row, column, value]", k, name, len(t))
		}
		i, j := t[0], t[1]
		if i != math.Trunc(i) || j != math.Trunc(j) || i < 0 || j < 0 || i >= float64(rows) || j >= float64(cols) {
			return nil, fmt.Errorf("conic: JSON: entry %d of %s is at row %v, column %v of a %d×%d matrix (indices begin with 0)", k, name, i, j, rows, cols)
		}
		a.ColPtr[int(j)+1]++
	}
	for j := range cols {
		a.ColPtr[j+1] += a.ColPtr[j]
	}
	order := make([]int, len(list))
	for k := range order {
		order[k] = k
	}
	slices.SortFunc(order, func(x, y int) int {
		if d := list[x][1] - list[y][1]; d != 0 {
			return int(d)
		}
		return int(list[x][0] - list[y][0])
	})
	for k, t := range order {
		a.RowIdx[k], a.Val[k] = int(list[t][0]), list[t][2]
		if k > 0 && list[order[k-1]][1] == list[t][1] && a.RowIdx[k-1] == a.RowIdx[k] {
			return nil, fmt.Errorf("conic: JSON: %s has two entries at row %v, column %v", name, list[t][0], list[t][1])
		}
	}
	return a, nil
}

// jsonError adds the line to an error of the syntax.
func jsonError(text []byte, err error) error {
	var s *json.SyntaxError
	if errors.As(err, &s) {
		line := bytes.Count(text[:min(int(s.Offset), len(text))], []byte("\n")) + 1
		return fmt.Errorf("conic: JSON, line %d: %w", line, err)
	}
	return fmt.Errorf("conic: JSON: %w", err)
}
