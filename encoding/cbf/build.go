package cbf

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/sparse"
)

// A term is a share of one entry of k in a row of s.
type term struct {
	row  int
	coef float64
}

// layout turns the file's cones into K. Every entry of a point k, in the order in
// which they are added, has its terms: s = Σ coef·k.
type layout struct {
	cones []conic.Cone
	rows  int
	terms [][2]term // coef 0: no term
}

// single adds an entry of k that is one row of s, times coef.
func (y *layout) single(coef float64) {
	y.terms = append(y.terms, [2]term{{y.rows, coef}})
	y.rows++
}

// add appends a cone; neighbours of the same linear kind are joined.
func (y *layout) add(c conic.Cone) {
	if last := len(y.cones) - 1; last >= 0 && (c.Kind == conic.Zero || c.Kind == conic.NonNegative) && y.cones[last].Kind == c.Kind {
		y.cones[last].Size += c.Size
		return
	}
	y.cones = append(y.cones, c)
}

func (y *layout) block(b block) {
	if b.dim == 0 {
		return
	}
	kind, sign := conic.NonNegative, 1.0
	switch b.cone {
	case "F":
		y.terms = append(y.terms, make([][2]term, b.dim)...)
		return
	case "L=":
		kind = conic.Zero
	case "L-":
		sign = -1
	case "Q":
		if b.dim > 1 {
			kind = conic.SecondOrder
		}
	case "QR":
		y.rotated(b.dim)
		return
	case "EXP", "EXP*":
		y.exponential(b.cone == "EXP*")
		return
	case "POW", "POW*":
		y.power(b, b.cone == "POW*")
		return
	}
	for range b.dim {
		y.single(sign)
	}
	y.add(conic.Cone{Kind: kind, Size: b.dim})
}

// rotated: 2k₁k₂ ≥ ‖k₃…‖² is s₀ ≥ ‖s₁…‖ with s = ((k₁+k₂)/√2, (k₁−k₂)/√2, k₃, …).
func (y *layout) rotated(dim int) {
	r, c := y.rows, math.Sqrt2/2
	y.terms = append(y.terms, [2]term{{r, c}, {r + 1, c}}, [2]term{{r, c}, {r + 1, -c}})
	y.rows += 2
	for range dim - 2 {
		y.single(1)
	}
	y.add(conic.Cone{Kind: conic.SecondOrder, Size: dim})
}

// exponential: k₁ ≥ k₂ exp(k₃/k₂) is (x, y, z) = (k₃, k₂, k₁). The dual cone,
// k₁ ≥ −k₃ exp(k₂/k₃ − 1) with k₃ < 0, is the same cone at (k₃ − k₂, −k₃, k₁).
func (y *layout) exponential(dual bool) {
	r := y.rows
	if dual {
		y.terms = append(y.terms, [2]term{{r + 2, 1}}, [2]term{{r, -1}}, [2]term{{r, 1}, {r + 1, -1}})
	} else {
		y.terms = append(y.terms, [2]term{{r + 2, 1}}, [2]term{{r + 1, 1}}, [2]term{{r, 1}})
	}
	y.rows += 3
	y.add(conic.Cone{Kind: conic.Exponential})
}

// power: with α made to sum to one, ∏ kᵢ^αᵢ ≥ ‖the rest‖. The dual cone is
// ∏ (kᵢ/αᵢ)^αᵢ ≥ ‖the rest‖.
func (y *layout) power(b block, dual bool) {
	sum := 0.0
	for _, a := range b.pow {
		sum += a
	}
	alpha := make([]float64, len(b.pow))
	for i, a := range b.pow {
		alpha[i] = a / sum
		coef := 1.0
		if dual {
			coef /= alpha[i]
		}
		y.single(coef)
	}
	rest := b.dim - len(alpha)
	for range rest {
		y.single(1)
	}
	switch {
	case rest == 0:
		y.add(conic.Cone{Kind: conic.NonNegative, Size: b.dim})
	case len(alpha) == 1:
		y.add(conic.Cone{Kind: conic.SecondOrder, Size: b.dim})
	case len(alpha) == 2 && rest == 1:
		y.add(conic.Cone{Kind: conic.Power, Alpha: alpha[:1]})
	default:
		y.add(conic.Cone{Kind: conic.GenPower, Size: rest, Alpha: alpha})
	}
}

func (y *layout) matrices(t triangles) {
	for i, k := range t.order {
		for range t.start[i+1] - t.start[i] {
			y.single(1)
		}
		if k == 1 {
			y.add(conic.Cone{Kind: conic.NonNegative, Size: 1})
		} else {
			y.add(conic.Cone{Kind: conic.PSD, Size: k})
		}
	}
}

// svec is the position of entry (k, l), k ≤ l, and the factor of its coefficient:
// an entry off the diagonal stands for two.
func svec(k, l int) (int, float64) {
	if k == l {
		return l*(l+1)/2 + k, 1
	}
	return l*(l+1)/2 + k, math.Sqrt2
}

// build makes the program of what was read.
func (p *parser) build() (*File, error) {
	nv, nr := p.vars.size, p.rows.size
	n, m := nv+p.psdVars.size(), nr+p.psdRows.size()
	if n > p.limit || m+n > p.limit {
		return nil, &SyntaxError{0, fmt.Sprintf("%d variables and %d rows, want at most %d together", n, m, p.limit)}
	}

	var y layout
	for _, b := range p.rows.list {
		y.block(b)
	}
	y.matrices(p.psdRows)
	for _, b := range p.vars.list {
		y.block(b)
	}
	y.matrices(p.psdVars)

	// The file's coefficients: entry (i, j) of row i < m, variable j.
	var all []coef
	all = append(all, p.a...)
	for _, c := range p.f {
		at, scale := svec(c.k, c.l)
		all = append(all, coef{line: c.line, i: c.i, j: nv + p.psdVars.start[c.j] + at, val: scale * c.val})
	}
	for _, c := range p.h {
		at, scale := svec(c.k, c.l)
		all = append(all, coef{line: c.line, i: nr + p.psdRows.start[c.i] + at, j: c.j, val: scale * c.val})
	}
	A, err := y.matrix(all, m, n)
	if err != nil {
		return nil, err
	}

	pr := &conic.Problem{Q: make([]float64, n), A: A, B: make([]float64, y.rows), Cones: y.cones}
	f := &File{
		Version: p.version, Problem: pr, Maximize: p.maximize,
		Vars: nv, PSDVars: p.psdVars.order, Rows: nr, PSDRows: p.psdRows.order,
	}
	for _, c := range p.objB {
		f.Constant = c.val
	}

	all = all[:0]
	for _, c := range p.objA {
		all = append(all, coef{line: c.line, i: c.j, val: c.val})
	}
	for _, c := range p.objF {
		at, scale := svec(c.k, c.l)
		all = append(all, coef{line: c.line, i: nv + p.psdVars.start[c.j] + at, val: scale * c.val})
	}
	if err := distinct(all, n); err != nil {
		return nil, err
	}
	for _, c := range all {
		pr.Q[c.i] = c.val
		if p.maximize {
			pr.Q[c.i] = -c.val
		}
	}

	all = all[:0]
	all = append(all, p.b...)
	for _, c := range p.d {
		at, scale := svec(c.k, c.l)
		all = append(all, coef{line: c.line, i: nr + p.psdRows.start[c.i] + at, val: scale * c.val})
	}
	if err := distinct(all, m); err != nil {
		return nil, err
	}
	for _, c := range all {
		for _, t := range y.terms[c.i] {
			if t.coef != 0 {
				pr.B[t.row] += t.coef * c.val
			}
		}
	}
	return f, nil
}

// matrix makes A. Row i < m of the file, Σ vⱼxⱼ + bᵢ, is s = Σ coef·(…), so that
// A has −coef·vⱼ; entry m+j of a point is variable j itself.
func (y *layout) matrix(all []coef, m, n int) (*sparse.CSC, error) {
	slices.SortFunc(all, func(a, b coef) int {
		return cmp.Or(cmp.Compare(a.j, b.j), cmp.Compare(a.i, b.i), cmp.Compare(a.line, b.line))
	})
	A := &sparse.CSC{Rows: y.rows, Cols: n, ColPtr: make([]int, n+1), Val: []float64{}}
	var column []term
	for j, next := 0, 0; j < n; j++ {
		column = y.appendTerms(column[:0], m+j, 1)
		for last := -1; next < len(all) && all[next].j == j; next++ {
			c := all[next]
			if c.i == last {
				return nil, &SyntaxError{c.line, fmt.Sprintf("this entry is already given in line %d", all[next-1].line)}
			}
			last = c.i
			column = y.appendTerms(column, c.i, c.val)
		}
		slices.SortStableFunc(column, func(a, b term) int { return cmp.Compare(a.row, b.row) })
		for k := 0; k < len(column); {
			row, sum := column[k].row, 0.0
			for ; k < len(column) && column[k].row == row; k++ {
				sum -= column[k].coef
			}
			if sum != 0 {
				A.RowIdx = append(A.RowIdx, row)
				A.Val = append(A.Val, sum)
			}
		}
		A.ColPtr[j+1] = len(A.RowIdx)
	}
	return A, nil
}

func (y *layout) appendTerms(dst []term, entry int, v float64) []term {
	for _, t := range y.terms[entry] {
		if t.coef != 0 {
			dst = append(dst, term{t.row, t.coef * v})
		}
	}
	return dst
}

// distinct reports an index i < n that is given twice.
func distinct(all []coef, n int) error {
	lines := make([]int, n)
	for _, c := range all {
		if lines[c.i] != 0 {
			return &SyntaxError{c.line, fmt.Sprintf("this entry is already given in line %d", lines[c.i])}
		}
		lines[c.i] = c.line
	}
	return nil
}
