package mps

import (
	"fmt"
	"math"
	"slices"

	"github.com/optnet-go/optnet/sparse"
)

// take checks a record of the current section, and then keeps it: after an error
// nothing has changed. Fields of the free format are all meant; in the fixed one a
// field that the section has no use for must be empty.
func (r *reader) take(rec *record, free bool) error {
	if !free && r.section != rows && r.section != bounds && rec.code.has() {
		return r.errorIn(&rec.code, "type", fmt.Sprintf("has no meaning in %s, want blanks in columns 2–3", sectionNames[r.section]))
	}
	switch r.section {
	case rows:
		if rec.pairs > 0 {
			return r.errorIn(&rec.pair[0].name, "nothing", "follows the row's name, want nothing there")
		}
		return r.takeRow(rec)
	case columnsSection:
		return r.takeColumn(rec)
	case rhs, ranges:
		return r.takeSides(rec)
	case bounds:
		if rec.pairs > 1 {
			return r.errorIn(&rec.pair[1].name, "nothing", "follows the bound, want nothing there")
		}
		return r.takeBound(rec)
	case quadobj, qmatrix:
		return r.takeQuad(rec)
	}
	return r.errorAt(1, "", "data after "+sectionNames[r.section])
}

func (r *reader) takeRow(rec *record) error {
	var kind byte
	if len(rec.code.text) == 1 {
		kind = rec.code.text[0] &^ 0x20 // upper case
	}
	switch kind {
	case 'N', 'L', 'G', 'E':
	default:
		return r.errorIn(&rec.code, "type", "is no type of a row, want N, L, G or E")
	}
	if !rec.name.has() {
		return r.errorIn(&rec.name, "row", "the row has no name")
	}
	text := string(rec.name.text)
	if _, ok := r.rowIndex[text]; ok || r.dropped[text] {
		return r.errorIn(&rec.name, "row", "is there twice, want different names")
	}
	switch {
	case kind != 'N':
		r.rowIndex[text] = int32(len(r.p.Rows))
		r.p.Rows = append(r.p.Rows, text)
		r.kinds = append(r.kinds, kind)
	case r.objective < 0 && (r.wantObjective == "" || r.wantObjective == text):
		r.objective = 0
		r.rowIndex[text] = -1
		r.p.Objective = text
	default:
		if r.dropped == nil {
			r.dropped = make(map[string]bool)
		}
		r.dropped[text] = true
	}
	return nil
}

// row finds a row; m is the objective, −1 an N row that is left out.
func (r *reader) row(f *field) (int, error) {
	i, ok := r.rowIndex[string(f.text)]
	switch {
	case ok && i >= 0:
		return int(i), nil
	case ok:
		return len(r.p.Rows), nil
	case !f.has():
		return 0, r.errorIn(f, "row", "a row's name is missing")
	case r.dropped[string(f.text)]:
		return -1, nil
	}
	return 0, r.errorIn(f, "row", "is no row of the ROWS section")
}

func (r *reader) col(f *field) (int, error) {
	j, ok := r.colIndex[string(f.text)]
	switch {
	case ok:
		return int(j), nil
	case !f.has():
		return 0, r.errorIn(f, "column", "a column's name is missing")
	}
	return 0, r.errorIn(f, "column", "is no column of the COLUMNS section")
}

// comment reports whether the pair is a comment: its name begins with a dollar,
// and is no name.
func (r *reader) comment(f *field) bool {
	if len(f.text) == 0 || f.text[0] != '$' {
		return false
	}
	_, ok := r.rowIndex[string(f.text)]
	return !ok
}

func (r *reader) startColumns() {
	r.colIndex = make(map[string]int32)
	r.mark = make([]int, len(r.p.Rows)+1)
}

// endColumns makes room for sides and bounds.
func (r *reader) endColumns() {
	p := r.p
	n, m := len(p.Cols), len(p.Rows)
	r.ptr = append(r.ptr, len(r.idx))
	p.A = &sparse.CSC{Rows: m, Cols: n, ColPtr: r.ptr, RowIdx: r.idx, Val: r.val}
	sortColumns(p.A)
	p.RowLower, p.RowUpper = make([]float64, m), make([]float64, m)
	p.Lower, p.Upper = make([]float64, n), make([]float64, n)
	for j := range p.Upper {
		p.Upper[j] = math.Inf(1)
	}
	r.given = make([]side, n)
	r.rhsSeen = make([]bool, m+1)
	r.rangeSeen = make([]bool, m+1)
}

func (r *reader) takeColumn(rec *record) error {
	p := r.p
	if !rec.name.has() {
		return r.errorIn(&rec.name, "column", "the column's name is missing")
	}
	if string(rec.pair[0].name.text) == "'MARKER'" {
		return r.marker([]field{rec.name, rec.pair[0].name})
	}
	if rec.pairs == 0 {
		return r.errorIn(&rec.pair[0].name, "row", "a row's name is missing")
	}
	fresh := r.column < 0 || p.Cols[r.column] != string(rec.name.text)
	if fresh {
		if j, ok := r.colIndex[string(rec.name.text)]; ok {
			return r.errorIn(&rec.name, "column", fmt.Sprintf("was ended by column %q; want all lines of a column together", p.Cols[j+1]))
		}
	}
	var row [2]int
	var val [2]float64
	k := 0
	for ; k < rec.pairs; k++ {
		f := &rec.pair[k]
		if r.comment(&f.name) {
			break
		}
		var err error
		if row[k], err = r.row(&f.name); err != nil {
			return err
		}
		if val[k], err = r.finite(&f.num, "number"); err != nil {
			return err
		}
		if row[k] >= 0 && (!fresh && r.mark[row[k]] == r.column+1 || k == 1 && row[0] == row[1]) {
			return r.errorIn(&f.name, "row", fmt.Sprintf("has two entries in column %q, want one", rec.name.text))
		}
	}
	if fresh {
		r.column = len(p.Cols)
		text := string(rec.name.text)
		r.colIndex[text] = int32(r.column)
		p.Cols = append(p.Cols, text)
		p.C = append(p.C, 0)
		r.ptr = append(r.ptr, len(r.idx))
	}
	for i := range k {
		switch {
		case row[i] < 0:
			continue
		case row[i] == len(p.Rows):
			p.C[r.column] = val[i]
		case val[i] != 0:
			r.idx = append(r.idx, row[i])
			r.val = append(r.val, val[i])
		}
		r.mark[row[i]] = r.column + 1
	}
	return nil
}

// mine reports whether a line belongs to its section's first set: that of the
// first line with a set's name. Lines without one do.
func (r *reader) mine(set *field) bool {
	return !set.has() || r.sets[r.section] == "" || r.sets[r.section] == string(set.text)
}

// enter remembers the first set.
func (r *reader) enter(set *field) {
	if set.has() && r.sets[r.section] == "" {
		r.sets[r.section] = string(set.text)
	}
}

// leaveOut notes that there is a second set.
func (r *reader) leaveOut() {
	if s := r.section; !r.ignored[s] {
		r.ignored[s] = true
		r.note("%s has further sets beside %q, which are left out", sectionNames[s], r.sets[s])
	}
}

// takeSides takes a line of RHS or RANGES.
func (r *reader) takeSides(rec *record) error {
	p := r.p
	var row [2]int
	var val [2]float64
	seen := r.rhsSeen
	if r.section == ranges {
		seen = r.rangeSeen
	}
	mine := r.mine(&rec.name)
	k := 0
	for ; k < rec.pairs; k++ {
		f := &rec.pair[k]
		if r.comment(&f.name) {
			break
		}
		var err error
		if row[k], err = r.row(&f.name); err != nil {
			return err
		}
		if r.section == ranges || row[k] == len(p.Rows) {
			val[k], err = r.finite(&f.num, "number")
		} else {
			val[k], err = r.side(&f.num, "number")
		}
		if err != nil {
			return err
		}
		i := row[k]
		switch {
		case i < 0:
			continue
		case r.section == ranges && i == len(p.Rows):
			return r.errorIn(&f.name, "row", "is the objective, which has no range")
		case mine && (seen[i] || k == 1 && row[0] == row[1]):
			return r.errorIn(&f.name, "row", fmt.Sprintf("has two entries in %s, want one", sectionNames[r.section]))
		case r.section == rhs && i < len(p.Rows) && math.IsInf(val[k], 0) && (r.kinds[i] == 'E' || (r.kinds[i] == 'L') != (val[k] > 0)):
			return r.errorIn(&f.num, "number", fmt.Sprintf("is infinite (1e20 or more), which a row of type %c cannot have there", r.kinds[i]))
		}
	}
	if k == 0 && rec.pairs == 0 {
		return r.errorIn(&rec.pair[0].name, "row", "a row's name is missing")
	}
	if !mine {
		r.leaveOut()
		return nil
	}
	r.enter(&rec.name)
	for t := range k {
		i := row[t]
		switch {
		case i < 0:
			continue
		case r.section == ranges:
			if r.r == nil {
				r.r = make([]float64, len(p.Rows))
				for i := range r.r {
					r.r[i] = math.NaN()
				}
			}
			r.r[i] = val[t]
		case i == len(p.Rows):
			p.Constant = -val[t]
		default:
			p.RowUpper[i] = val[t]
		}
		seen[i] = true
	}
	return nil
}

// boundNeeds reports whether a bound's type takes a number.
func boundNeeds(code []byte) bool {
	switch string(code) {
	case "FR", "MI", "PL", "BV":
		return false
	}
	return true
}

// integral says why a bound of an integer type is refused.
var integral = map[string]string{
	"BV": "makes the variable binary",
	"LI": "makes the variable an integer",
	"UI": "makes the variable an integer",
	"SC": "makes the variable semi-continuous",
	"SI": "makes the variable semi-continuous and an integer",
}

func (r *reader) takeBound(rec *record) error {
	p := r.p
	code := string(rec.code.text)
	if why, ok := integral[code]; ok {
		return r.errorIn(&rec.code, "type", why+", which needs a mixed-integer solver")
	}
	f := &rec.pair[0]
	var sides side
	switch code {
	case "LO", "MI":
		sides = lower
	case "UP", "PL":
		sides = upper
	case "FX", "FR":
		sides = lower | upper
	default:
		return r.errorIn(&rec.code, "type", "is no type of a bound, want LO, UP, FX, FR, MI or PL")
	}
	j, err := r.col(&f.name)
	if err != nil {
		return err
	}
	lo, up := math.Inf(-1), math.Inf(1)
	if boundNeeds(rec.code.text) {
		v, err := r.side(&f.num, "number")
		if err != nil {
			return err
		}
		lo, up = v, v
		if math.IsInf(v, 0) && (code == "FX" || (code == "UP") != (v > 0)) {
			return r.errorIn(&f.num, "number", fmt.Sprintf("is infinite (1e20 or more), which a bound of type %s cannot be there", code))
		}
	}
	if !r.mine(&rec.name) {
		r.leaveOut()
		return nil
	}
	// A number may take the place of an infinite bound: FR and then UP.
	differs := func(old, v float64) bool { return old != v && !math.IsInf(old, 0) }
	if g := r.given[j] & sides; g&lower != 0 && differs(p.Lower[j], lo) || g&upper != 0 && differs(p.Upper[j], up) {
		return r.errorIn(&f.name, "column", "is given a bound twice, with different values")
	}
	r.enter(&rec.name)
	r.given[j] |= sides
	if sides&lower != 0 {
		p.Lower[j] = lo
	}
	if sides&upper != 0 {
		p.Upper[j] = up
	}
	return nil
}

func (r *reader) takeQuad(rec *record) error {
	i, err := r.col(&rec.name)
	if err != nil {
		return err
	}
	var e [2]quadEntry
	k := 0
	for ; k < rec.pairs; k++ {
		f := &rec.pair[k]
		if r.comment(&f.name) {
			break
		}
		j, err := r.col(&f.name)
		if err != nil {
			return err
		}
		v, err := r.finite(&f.num, "number")
		if err != nil {
			return err
		}
		e[k] = quadEntry{int32(i), int32(j), int32(r.line), int32(f.name.col), v}
	}
	if k == 0 {
		return r.errorIn(&rec.pair[0].name, "column", "a column's name is missing")
	}
	r.quad = append(r.quad, e[:k]...)
	return nil
}

// quadratic makes the upper triangle of Q. In QUADOBJ an entry must not be there
// twice, nor in both triangles; in QMATRIX both must be there, and equal.
func (r *reader) quadratic() error {
	if len(r.quad) == 0 {
		return nil
	}
	p := r.p
	n := len(p.Cols)
	whole := r.seen[qmatrix] > 0
	// Bucket by the larger index, then sort each bucket by the smaller one.
	ptr := make([]int, n+1)
	for _, e := range r.quad {
		ptr[max(e.row, e.col)+1]++
	}
	for j := range n {
		ptr[j+1] += ptr[j]
	}
	at := slices.Clone(ptr)
	sorted := make([]quadEntry, len(r.quad))
	for _, e := range r.quad {
		j := max(e.row, e.col)
		sorted[at[j]] = e
		at[j]++
	}
	q := &sparse.CSC{Rows: n, Cols: n, ColPtr: make([]int, n+1)}
	fault := func(e *quadEntry, rule string) error {
		r.line = int(e.line)
		return r.errorAt(int(e.at), "field 3 (column)", fmt.Sprintf("the entry of %q and %q %s", p.Cols[e.row], p.Cols[e.col], rule))
	}
	for j := range n {
		c := sorted[ptr[j]:ptr[j+1]]
		slices.SortStableFunc(c, func(a, b quadEntry) int { return int(min(a.row, a.col)) - int(min(b.row, b.col)) })
		for k := 0; k < len(c); k++ {
			e := &c[k]
			i := min(e.row, e.col)
			twin := k+1 < len(c) && min(c[k+1].row, c[k+1].col) == i
			switch {
			case twin && e.row == c[k+1].row:
				return fault(&c[k+1], "is there twice, want it once")
			case twin && !whole:
				return fault(&c[k+1], "is there in both triangles: QUADOBJ lists one triangle, a whole matrix belongs in QMATRIX")
			case whole && i != int32(j) && !twin:
				return fault(e, "is there in one triangle only: QMATRIX lists both, a triangle belongs in QUADOBJ")
			case twin && e.val != c[k+1].val:
				return fault(&c[k+1], fmt.Sprintf("is %v, and %v in the other triangle: Q must be symmetric", c[k+1].val, e.val))
			}
			if twin {
				k++
				if k+1 < len(c) && min(c[k+1].row, c[k+1].col) == i {
					return fault(&c[k+1], "is there more than twice")
				}
			}
			if e.val != 0 {
				q.RowIdx = append(q.RowIdx, int(i))
				q.Val = append(q.Val, e.val)
			}
		}
		q.ColPtr[j+1] = len(q.RowIdx)
	}
	if len(q.RowIdx) > 0 {
		p.Q = q
	}
	return nil
}

// sortColumns sorts the entries of each column by row.
func sortColumns(a *sparse.CSC) {
	type entry struct {
		i int
		v float64
	}
	var buf []entry
	for j := range a.Cols {
		idx, val := a.RowIdx[a.ColPtr[j]:a.ColPtr[j+1]], a.Val[a.ColPtr[j]:a.ColPtr[j+1]]
		if slices.IsSorted(idx) {
			continue
		}
		buf = buf[:0]
		for k := range idx {
			buf = append(buf, entry{idx[k], val[k]})
		}
		slices.SortFunc(buf, func(x, y entry) int { return x.i - y.i })
		for k, e := range buf {
			idx[k], val[k] = e.i, e.v
		}
	}
}
