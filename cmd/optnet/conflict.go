package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/optnet-go/optnet/encoding/mps"
	"github.com/optnet-go/optnet/qp"
	"github.com/optnet-go/optnet/sparse"
)

// A member is one side of a row or of a bound.
type member struct {
	col   bool // a bound
	index int
	upper bool
	both  bool // equal sides
}

// members lists the sides of the problem that the multipliers name, heaviest first.
func members(p *mps.Problem, ray *mps.Point, tol float64) []member {
	type weighted struct {
		member
		weight float64
	}
	var all []weighted
	add := func(col bool, y, lower, upper []float64, norms []float64) {
		for i, v := range y {
			if v != 0 {
				all = append(all, weighted{member{col, i, v > 0, lower[i] == upper[i]}, math.Abs(v) * norms[i]})
			}
		}
	}
	norms := make([]float64, len(p.Rows))
	for k, i := range p.A.RowIdx {
		norms[i] = max(norms[i], math.Abs(p.A.Val[k]))
	}
	ones := make([]float64, len(p.Cols))
	for j := range ones {
		ones[j] = 1
	}
	add(false, ray.Rows, p.RowLower, p.RowUpper, norms)
	add(true, ray.Cols, p.Lower, p.Upper, ones)
	slices.SortStableFunc(all, func(a, b weighted) int {
		switch {
		case a.weight > b.weight:
			return -1
		case a.weight < b.weight:
			return 1
		}
		return 0
	})
	var out []member
	for _, m := range all {
		if m.weight > tol*all[0].weight {
			out = append(out, m.member)
		}
	}
	return out
}

// everything lists all finite sides.
func everything(p *mps.Problem) []member {
	var out []member
	add := func(col bool, lower, upper []float64) {
		for i := range lower {
			switch {
			case lower[i] == upper[i]:
				out = append(out, member{col, i, true, true})
				continue
			case !math.IsInf(upper[i], 1):
				out = append(out, member{col, i, true, false})
			}
			if !math.IsInf(lower[i], -1) {
				out = append(out, member{col, i, false, false})
			}
		}
	}
	add(false, p.RowLower, p.RowUpper)
	add(true, p.Lower, p.Upper)
	return out
}

// restrict is the feasibility problem of some sides, over the variables that they
// name. cols gives those variables' places in p, rows those of the rows.
func restrict(p *mps.Problem, set []member) (q *mps.Problem, rows, cols []int) {
	rowAt, used := make(map[int]int), make([]bool, len(p.Cols))
	for _, m := range set {
		if m.col {
			used[m.index] = true
		} else if _, ok := rowAt[m.index]; !ok {
			rowAt[m.index] = 0
		}
	}
	for i := range p.Rows {
		if _, ok := rowAt[i]; ok {
			rowAt[i] = len(rows)
			rows = append(rows, i)
		}
	}
	for j := range p.Cols {
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1] && !used[j]; k++ {
			_, used[j] = rowAt[p.A.RowIdx[k]]
		}
		if used[j] {
			cols = append(cols, j)
		}
	}
	n, m := len(cols), len(rows)
	q = &mps.Problem{Cols: make([]string, n), Rows: make([]string, m), C: make([]float64, n), A: &sparse.CSC{Rows: m, Cols: n, ColPtr: make([]int, n+1)}}
	fill := func(n int) (lo, up []float64) {
		for range n {
			lo, up = append(lo, math.Inf(-1)), append(up, math.Inf(1))
		}
		return lo, up
	}
	q.RowLower, q.RowUpper = fill(m)
	q.Lower, q.Upper = fill(n)
	colAt := make(map[int]int, n)
	for t, j := range cols {
		q.Cols[t] = p.Cols[j]
		colAt[j] = t
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			if i, ok := rowAt[p.A.RowIdx[k]]; ok {
				q.A.RowIdx, q.A.Val = append(q.A.RowIdx, i), append(q.A.Val, p.A.Val[k])
			}
		}
		q.A.ColPtr[t+1] = len(q.A.RowIdx)
	}
	for t, i := range rows {
		q.Rows[t] = p.Rows[i]
	}
	for _, m := range set {
		lo, up, at, plo, pup := q.RowLower, q.RowUpper, rowAt[m.index], p.RowLower, p.RowUpper
		if m.col {
			lo, up, at, plo, pup = q.Lower, q.Upper, colAt[m.index], p.Lower, p.Upper
		}
		if m.upper || m.both {
			up[at] = pup[m.index]
		}
		if !m.upper || m.both {
			lo[at] = plo[m.index]
		}
	}
	return q, rows, cols
}

// contradicts reports whether some sides cannot all hold, with a proof in the terms
// of p. What the solver cannot decide counts as possible.
func (s *solving) contradicts(ctx context.Context, p *mps.Problem, set []member) (*mps.Point, bool) {
	if len(set) == 0 {
		return nil, false
	}
	q, rows, cols := restrict(p, set)
	t := *s
	t.trace, t.solver = nil, "auto"
	a, err := t.solveRows(ctx, &problem{rows: q})
	if err != nil || a.status != qp.PrimalInfeasible {
		return nil, false
	}
	ray := &mps.Point{Rows: make([]float64, len(p.Rows)), Cols: make([]float64, len(p.Cols))}
	for t, i := range rows {
		ray.Rows[i] = a.rayY[t]
	}
	for t, j := range cols {
		ray.Cols[j] = a.rayMu[t]
	}
	return ray, true
}

// crossed finds a row or a bound whose sides exclude each other.
func crossed(p *mps.Problem) []member {
	for i := range p.Rows {
		if p.RowLower[i] > p.RowUpper[i] {
			return []member{{false, i, false, false}, {false, i, true, false}}
		}
	}
	for j := range p.Cols {
		if p.Lower[j] > p.Upper[j] {
			return []member{{true, j, false, false}, {true, j, true, false}}
		}
	}
	return nil
}

// conflict finds a smallest set of constraints that contradict each other: what
// carries weight in the proof is thinned out by deletion.
func (s *solving) conflict(ctx context.Context, d *diagnosis, p *mps.Problem, a *answer) {
	if set := crossed(p); set != nil {
		d.Minimal = true
		for _, m := range set {
			c := d.constraint(p, m)
			lo, up := sides(p, m)
			c.Multiplier, c.Relax, c.Enough = number(1/(lo-up)), number(lo-up), number(math.NaN())
			d.Conflict = append(d.Conflict, c)
		}
		d.advise("A lower side lies above the upper one, by %.6g: correct one of them.", float64(d.Conflict[0].Relax))
		return
	}
	ray := &mps.Point{Rows: a.rayY, Cols: a.rayMu}
	set := members(p, ray, 1e-7)
	if r, ok := s.contradicts(ctx, p, set); ok {
		ray = r
	} else if r, ok := s.contradicts(ctx, p, everything(p)); ok {
		set, ray = everything(p), r
	}
	d.Minimal = true
	for k := len(set) - 1; k >= 0; k-- { // the lightest first
		if ctx.Err() != nil {
			d.Minimal = false
			break
		}
		if k >= len(set) {
			continue
		}
		rest := slices.Delete(slices.Clone(set), k, k+1)
		r, ok := s.contradicts(ctx, p, rest)
		if !ok {
			continue
		}
		// What the new proof does not use can go too; tested ones stay in their places.
		ray, set = r, rest
		keep := members(p, r, 1e-7)
		thin := slices.DeleteFunc(slices.Clone(rest), func(m member) bool {
			return !slices.ContainsFunc(keep, func(o member) bool { return o.col == m.col && o.index == m.index && (o.upper == m.upper || m.both) })
		})
		if len(thin) < len(rest) {
			if r, ok := s.contradicts(ctx, p, thin); ok {
				ray, set = r, thin
				k = min(k, len(set))
			}
		}
	}
	sum, _, _ := p.Infeasibility(ray)
	var enough, short []string
	for _, m := range set {
		c := d.constraint(p, m)
		y := ray.Rows
		if m.col {
			y = ray.Cols
		}
		w := math.Abs(y[m.index] / sum)
		c.Multiplier, c.Relax, c.Enough = number(w), number(1/w), number(math.NaN())
		if len(d.Conflict) < maxNames {
			c.Enough = number(s.enough(ctx, p, m))
			if v := float64(c.Enough); v == v {
				enough = append(enough, fmt.Sprintf("%s %s by %.6g", c.Kind, c.Name, v))
			} else {
				short = append(short, fmt.Sprintf("%s %s", c.Kind, c.Name))
			}
		}
		d.Conflict = append(d.Conflict, c)
	}
	if len(enough) > 0 {
		d.advise("Loosen one of these, and the whole problem becomes feasible: %s.", strings.Join(enough, "; "))
	}
	if len(short) > 0 {
		d.advise("Loosening one of these alone is not enough, since other constraints contradict the rest too: %s.", strings.Join(short, "; "))
	}
	d.advise("If the numbers are meant, look for a sign or a unit that is wrong in the rows named above.")
}

// enough is how far one side has to move for all constraints to hold, NaN if that
// cannot be said: the least t that makes room.
func (s *solving) enough(ctx context.Context, p *mps.Problem, m member) float64 {
	q := &mps.Problem{
		Rows: slices.Clone(p.Rows), RowLower: slices.Clone(p.RowLower), RowUpper: slices.Clone(p.RowUpper),
		Cols: append(slices.Clone(p.Cols), "", ""), C: make([]float64, len(p.Cols)+2),
		Lower: append(slices.Clone(p.Lower), 0, 0), Upper: append(slices.Clone(p.Upper), math.Inf(1), math.Inf(1)),
	}
	row, n := m.index, len(p.Cols)
	a := &sparse.CSC{ColPtr: slices.Clone(p.A.ColPtr), RowIdx: slices.Clone(p.A.RowIdx), Val: slices.Clone(p.A.Val)}
	if m.col { // the bound becomes a row
		row = len(q.Rows)
		q.Rows = append(q.Rows, "")
		q.RowLower, q.RowUpper = append(q.RowLower, math.Inf(-1)), append(q.RowUpper, math.Inf(1))
		if m.upper || m.both {
			q.RowUpper[row], q.Upper[m.index] = p.Upper[m.index], math.Inf(1)
		}
		if !m.upper || m.both {
			q.RowLower[row], q.Lower[m.index] = p.Lower[m.index], math.Inf(-1)
		}
		at := a.ColPtr[m.index+1]
		a.RowIdx, a.Val = slices.Insert(a.RowIdx, at, row), slices.Insert(a.Val, at, 1)
		for j := m.index + 1; j <= n; j++ {
			a.ColPtr[j]++
		}
	}
	a.RowIdx, a.Val = append(a.RowIdx, row, row), append(a.Val, -1, 1) // aᵀx − t₁ + t₂
	end := len(a.RowIdx)
	a.ColPtr = append(a.ColPtr, end-1, end)
	a.Rows, a.Cols = len(q.Rows), n+2
	q.A = a
	q.C[n], q.C[n+1] = 1, 1
	if !m.both {
		if m.upper {
			q.Upper[n+1] = 0
		} else {
			q.Upper[n] = 0
		}
	}
	t := *s
	t.trace, t.solver = nil, "auto"
	x, err := t.solveRows(ctx, &problem{rows: q})
	if err != nil || x.status != qp.Solved && x.status != qp.AlmostSolved {
		return math.NaN()
	}
	return x.x[n] + x.x[n+1]
}

// sides of a member's row or bound.
func sides(p *mps.Problem, m member) (lo, up float64) {
	if m.col {
		return p.Lower[m.index], p.Upper[m.index]
	}
	return p.RowLower[m.index], p.RowUpper[m.index]
}

// constraint puts a side into words.
func (d *diagnosis) constraint(p *mps.Problem, m member) constraint {
	lo, up := sides(p, m)
	rel, side := "≤", up
	switch {
	case m.both:
		rel = "="
	case !m.upper:
		rel, side = "≥", lo
	}
	if m.col {
		name := p.Cols[m.index]
		return constraint{Kind: "bound", Name: name, Text: fmt.Sprintf("bound: %s %s %.10g", name, rel, side)}
	}
	name := p.Rows[m.index]
	return constraint{Kind: "row", Name: name, Text: fmt.Sprintf("row %s: %s %s %.10g", name, rowText(p, m.index), rel, side)}
}

// rowText writes out a row.
func rowText(p *mps.Problem, i int) string {
	var b strings.Builder
	terms := 0
	for j := range p.Cols {
		col := p.A.RowIdx[p.A.ColPtr[j]:p.A.ColPtr[j+1]]
		k, ok := slices.BinarySearch(col, i)
		if !ok {
			continue
		}
		v := p.A.Val[p.A.ColPtr[j]+k]
		if terms++; terms > 6 {
			continue
		}
		switch {
		case terms == 1 && v < 0:
			b.WriteString("−")
		case terms > 1 && v < 0:
			b.WriteString(" − ")
		case terms > 1:
			b.WriteString(" + ")
		}
		if v = math.Abs(v); v != 1 {
			fmt.Fprintf(&b, "%.6g ", v)
		}
		b.WriteString(p.Cols[j])
	}
	if terms > 6 {
		fmt.Fprintf(&b, " + … (%d terms)", terms)
	}
	if terms == 0 {
		return "0"
	}
	return b.String()
}

// direction finds a smallest set of variables along which the objective improves
// without end.
func (s *solving) direction(ctx context.Context, d *diagnosis, p *mps.Problem, a *answer) {
	ray := a.rayX
	largest := 0.0
	for _, v := range ray {
		largest = max(largest, math.Abs(v))
	}
	var set []int
	for j, v := range ray {
		if math.Abs(v) > 1e-7*largest {
			set = append(set, j)
		}
	}
	slices.SortStableFunc(set, func(i, j int) int {
		switch x, y := math.Abs(ray[i]), math.Abs(ray[j]); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	if r, ok := s.recedes(ctx, p, set); ok {
		ray = r
	}
	d.Minimal = true
	for k := len(set) - 1; k >= 0; k-- {
		if ctx.Err() != nil {
			d.Minimal = false
			break
		}
		rest := slices.Delete(slices.Clone(set), k, k+1)
		if r, ok := s.recedes(ctx, p, rest); ok {
			set, ray = rest, r
		}
	}
	slope, _, _ := p.Recession(ray)
	var names []string
	for _, j := range set {
		d.Direction = append(d.Direction, movement{p.Cols[j], number(ray[j] / -slope)})
		if len(names) < 6 {
			names = append(names, p.Cols[j])
		}
	}
	d.advise("Give one of these variables a bound that is meant (%s), or look for a row that is missing or has the wrong sign.", strings.Join(names, ", "))
	if p.Q == nil {
		d.advise("If the objective should not be linear: the file has no quadratic section.")
	}
}

// recedes reports whether the objective is unbounded along some variables alone, and
// how: Qd = 0, no side against it, and a slope of −1.
func (s *solving) recedes(ctx context.Context, p *mps.Problem, set []int) ([]float64, bool) {
	if len(set) == 0 {
		return nil, false
	}
	n, m := len(set), len(p.Rows)
	q := &mps.Problem{Cols: make([]string, n), C: make([]float64, n), A: &sparse.CSC{Cols: n, ColPtr: make([]int, n+1)}}
	quad := make(map[int]map[int]float64) // columns of Q, whole
	if p.Q != nil {
		put := func(i, j int, v float64) {
			if quad[j] == nil {
				quad[j] = make(map[int]float64)
			}
			quad[j][i] = v
		}
		for j := range p.Cols {
			for k := p.Q.ColPtr[j]; k < p.Q.ColPtr[j+1]; k++ {
				put(p.Q.RowIdx[k], j, p.Q.Val[k])
				put(j, p.Q.RowIdx[k], p.Q.Val[k])
			}
		}
	}
	side := func(v float64) float64 { // of a direction
		if math.IsInf(v, 0) {
			return v
		}
		return 0
	}
	for i := range p.Rows {
		q.RowLower, q.RowUpper = append(q.RowLower, side(p.RowLower[i])), append(q.RowUpper, side(p.RowUpper[i]))
	}
	q.RowLower, q.RowUpper = append(q.RowLower, -1), append(q.RowUpper, -1)
	sense := 1.0
	if p.Maximize {
		sense = -1
	}
	rows := m + 1
	if p.Q != nil {
		rows += len(p.Cols)
		q.RowLower = append(q.RowLower, make([]float64, len(p.Cols))...)
		q.RowUpper = append(q.RowUpper, make([]float64, len(p.Cols))...)
	}
	q.A.Rows, q.Rows = rows, make([]string, rows)
	for t, j := range set {
		q.Lower, q.Upper = append(q.Lower, side(p.Lower[j])), append(q.Upper, side(p.Upper[j]))
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			q.A.RowIdx, q.A.Val = append(q.A.RowIdx, p.A.RowIdx[k]), append(q.A.Val, p.A.Val[k])
		}
		if c := sense * p.C[j]; c != 0 {
			q.A.RowIdx, q.A.Val = append(q.A.RowIdx, m), append(q.A.Val, c)
		}
		from := len(q.A.RowIdx)
		for i := range quad[j] {
			q.A.RowIdx = append(q.A.RowIdx, m+1+i)
		}
		slices.Sort(q.A.RowIdx[from:])
		for _, i := range q.A.RowIdx[from:] {
			q.A.Val = append(q.A.Val, quad[j][i-m-1])
		}
		q.A.ColPtr[t+1] = len(q.A.RowIdx)
	}
	t := *s
	t.trace, t.solver = nil, "auto"
	a, err := t.solveRows(ctx, &problem{rows: q})
	if err != nil || a.status != qp.Solved && a.status != qp.AlmostSolved {
		return nil, false
	}
	d := make([]float64, len(p.Cols))
	for t, j := range set {
		d[j] = a.x[t]
	}
	return d, true
}
