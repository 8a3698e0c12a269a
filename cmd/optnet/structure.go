package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/optnet-go/optnet/encoding/mps"
	"github.com/optnet-go/optnet/sparse"
)

// structure looks at the data before anything is solved.
func (d *diagnosis) structure(p *mps.Problem) {
	d.scaling(p)
	d.empty(p)
	d.parallel(p)
	d.dependent(p)
	d.huge(p)
}

// spread is the range of the magnitudes of nonzeros.
type spread struct {
	least, most     float64
	atLeast, atMost string
}

func (s *spread) add(v float64, where func() string) {
	v = math.Abs(v)
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return
	}
	if s.most == 0 || v < s.least {
		s.least, s.atLeast = v, where()
	}
	if v > s.most {
		s.most, s.atMost = v, where()
	}
}

func (s *spread) ratio() float64 {
	if s.most == 0 {
		return 1
	}
	return s.most / s.least
}

// badly is the ratio from which rounding may be felt: entries that differ by more
// leave fewer than half of the 16 digits to each other.
const badly = 1e8

// scaling compares magnitudes.
func (d *diagnosis) scaling(p *mps.Problem) {
	var a, q, c, b spread
	matrix := func(s *spread, m *sparse.CSC, rows []string) {
		if m == nil {
			return
		}
		for j := range m.Cols {
			for k := m.ColPtr[j]; k < m.ColPtr[j+1]; k++ {
				s.add(m.Val[k], func() string { return rows[m.RowIdx[k]] + ", " + p.Cols[j] })
			}
		}
	}
	matrix(&a, p.A, p.Rows)
	matrix(&q, p.Q, p.Cols)
	for j := range p.Cols {
		where := func() string { return p.Cols[j] }
		c.add(p.C[j], where)
		b.add(p.Lower[j], where)
		b.add(p.Upper[j], where)
	}
	for i := range p.Rows {
		where := func() string { return p.Rows[i] }
		b.add(p.RowLower[i], where)
		b.add(p.RowUpper[i], where)
	}
	worst := 0.0
	for _, t := range []struct {
		what string
		s    spread
	}{{"the rows (A)", a}, {"the quadratic objective (Q)", q}, {"the linear objective", c}, {"the sides and bounds", b}} {
		if r := t.s.ratio(); r > badly {
			worst = max(worst, r)
			d.find("scaling", nil, "nonzeros of %s go from %.2g (%s) to %.2g (%s)", t.what, t.s.least, t.s.atLeast, t.s.most, t.s.atMost)
		}
	}
	if worst > 0 {
		d.advise("Numbers differ by a factor of %.0e: measure the variables named under \"scaling\" in other units, such that entries are near 1. Tiny entries that are rounding should be 0.", worst)
	}
}

// empty finds rows and columns without entries.
func (d *diagnosis) empty(p *mps.Problem) {
	count := make([]int, len(p.Rows))
	for _, i := range p.A.RowIdx {
		count[i]++
	}
	var rows, free []string
	for i, n := range count {
		if n == 0 {
			rows = append(rows, p.Rows[i])
		}
		if math.IsInf(p.RowLower[i], -1) && math.IsInf(p.RowUpper[i], 1) {
			free = append(free, p.Rows[i])
		}
	}
	if len(rows) > 0 {
		d.find("empty", rows, "%d rows have no entries", len(rows))
	}
	if len(free) > 0 {
		d.find("free", free, "%d rows have no finite side, and no effect", len(free))
	}
	inQ := make([]bool, len(p.Cols))
	if p.Q != nil {
		for j := range p.Cols {
			for k := p.Q.ColPtr[j]; k < p.Q.ColPtr[j+1]; k++ {
				inQ[j], inQ[p.Q.RowIdx[k]] = true, true
			}
		}
	}
	var cols []string
	for j := range p.Cols {
		if p.A.ColPtr[j] == p.A.ColPtr[j+1] && !inQ[j] {
			cols = append(cols, p.Cols[j])
		}
	}
	if len(cols) > 0 {
		d.find("empty", cols, "%d variables occur in no row and not in Q", len(cols))
	}
}

// rowForm is a matrix by rows.
func rowForm(p *mps.Problem) (idx [][]int, val [][]float64) {
	idx, val = make([][]int, len(p.Rows)), make([][]float64, len(p.Rows))
	for j := range p.Cols {
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			i := p.A.RowIdx[k]
			idx[i], val[i] = append(idx[i], j), append(val[i], p.A.Val[k])
		}
	}
	return idx, val
}

// parallel finds rows that are multiples of others.
func (d *diagnosis) parallel(p *mps.Problem) {
	idx, val := rowForm(p)
	seen := make(map[string]int)
	var names []string
	for i := range p.Rows {
		if len(idx[i]) == 0 {
			continue
		}
		key := make([]byte, 0, 16*len(idx[i]))
		for k, j := range idx[i] {
			key = fmt.Appendf(key, "%d:%.10g ", j, val[i][k]/val[i][0])
		}
		if first, ok := seen[string(key)]; ok {
			names = append(names, p.Rows[i]+" ∥ "+p.Rows[first])
		} else {
			seen[string(key)] = i
		}
	}
	if len(names) > 0 {
		d.find("parallel", names, "%d rows are multiples of others", len(names))
		d.advise("Merge parallel rows into one with two sides: their multipliers are not unique, and gradients are split among them by convention.")
	}
}

// maxElimination bounds the work of looking for dependent equalities.
const maxElimination = 2e9

// dependent finds equality rows that are combinations of those before, by
// orthogonalizing them one after another.
func (d *diagnosis) dependent(p *mps.Problem) {
	idx, val := rowForm(p)
	var rows []int
	for i := range p.Rows {
		if p.RowLower[i] == p.RowUpper[i] && len(idx[i]) > 0 {
			rows = append(rows, i)
		}
	}
	n := len(p.Cols)
	if float64(len(rows))*float64(len(rows))*float64(n) > maxElimination {
		d.find("skipped", nil, "the %d equalities are too many to look for dependent ones", len(rows))
		return
	}
	var basis [][]float64
	var names []string
	for _, i := range rows {
		v := make([]float64, n)
		for k, j := range idx[i] {
			v[j] = val[i][k]
		}
		scale(v, 1/norm(v))
		for range 2 { // twice is enough
			for _, b := range basis {
				t := 0.0
				for j, x := range b {
					t += x * v[j]
				}
				for j, x := range b {
					v[j] -= t * x
				}
			}
		}
		if r := norm(v); r > 1e-9 {
			scale(v, 1/r)
			basis = append(basis, v)
		} else {
			names = append(names, p.Rows[i])
		}
	}
	if len(names) > 0 {
		d.find("dependent", names, "%d of %d equality rows are combinations of the rows before them", len(names), len(rows))
		d.advise("Dependent equalities are harmless if they agree; their multipliers are not unique. Leave out the rows named under \"dependent\" to make them so.")
	}
}

func scale(v []float64, a float64) {
	for i := range v {
		v[i] *= a
	}
}

// huge finds sides that look like a stand-in for infinity.
func (d *diagnosis) huge(p *mps.Problem) {
	var names []string
	add := func(name string, sides ...float64) {
		if slices.ContainsFunc(sides, func(v float64) bool { return math.Abs(v) >= 1e9 && !math.IsInf(v, 0) }) {
			names = append(names, name)
		}
	}
	for i := range p.Rows {
		add(p.Rows[i], p.RowLower[i], p.RowUpper[i])
	}
	for j := range p.Cols {
		add(p.Cols[j], p.Lower[j], p.Upper[j])
	}
	if len(names) > 0 {
		d.find("huge sides", names, "%d rows and bounds have sides of 1e9 or more", len(names))
		d.advise("Write sides that stand for \"none\" as infinite (1e30, or no bound at all): as numbers they cost digits.")
	}
}
