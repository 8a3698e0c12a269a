package mps

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// A field is a piece of a line.
type field struct {
	text []byte
	col  int // of its first byte, from 1
	num  int // the field's number in the fixed format, 1 to 6
}

// A record is a data line: a code, a name, and up to two pairs of a name and a
// number. Fields that are not there have no text.
type record struct {
	code  field
	name  field
	pair  [2]struct{ name, num field }
	pairs int
}

// The columns of the six fields, as half-open ranges from 0. A number may run on
// up to the next field, and what follows column 72 is a comment.
var columns = [...][2]int{{1, 3}, {4, 12}, {14, 22}, {24, 39}, {39, 47}, {49, 72}}

// gaps are the columns that must be blank.
var gaps = [...][2]int{{0, 1}, {3, 4}, {12, 14}, {22, 24}, {47, 49}}

// fixed cuts the line at its columns.
func (r *reader) fixed(rec *record) error {
	line := r.text
	if i := bytes.IndexByte(line, '\t'); i >= 0 {
		return r.errorAt(i+1, "", "a tab has no place in the fixed format, whose fields stand in columns: use blanks")
	}
	for _, g := range gaps {
		for i := g[0]; i < min(g[1], len(line)); i++ {
			if line[i] != ' ' {
				return r.errorAt(i+1, "", fmt.Sprintf("%q stands between two fields, want a blank: fixed fields are columns 2–3, 5–12, 15–22, 25–36, 40–47, 50–61", line[i]))
			}
		}
	}
	var f [6]field
	for k, c := range columns {
		if c[0] >= len(line) {
			break
		}
		s := line[c[0]:min(c[1], len(line))]
		t := bytes.TrimLeft(s, " ")
		f[k] = field{bytes.TrimRight(t, " "), c[0] + len(s) - len(t) + 1, k + 1}
	}
	*rec = record{code: f[0], name: f[1]}
	rec.pair[0].name, rec.pair[0].num = f[2], f[3]
	rec.pair[1].name, rec.pair[1].num = f[4], f[5]
	for k := range rec.pair {
		if rec.pair[k].name.has() || rec.pair[k].num.has() {
			rec.pairs = k + 1
		}
	}
	return nil
}

func (f *field) has() bool { return len(f.text) > 0 }

// split cuts the line at its blanks into at most len(r.free) fields.
func (r *reader) split() ([]field, error) {
	n := 0
	line := r.text
	for i := 0; i < len(line); {
		if line[i] == ' ' || line[i] == '\t' {
			i++
			continue
		}
		from := i
		for i < len(line) && line[i] != ' ' && line[i] != '\t' {
			i++
		}
		if n == len(r.free) {
			return nil, r.errorAt(from+1, "", fmt.Sprintf("%q is field %d of a line, want at most %d", line[from:i], n+1, n))
		}
		r.free[n] = field{line[from:i], from + 1, 0}
		n++
	}
	return r.free[:n], nil
}

// freePairs makes a record of a name, if named, and pairs.
func (r *reader) freePairs(rec *record, f []field, named bool) {
	*rec = record{}
	if named {
		rec.name, f = f[0], f[1:]
		rec.name.num = 2
	}
	for k := 0; len(f) >= 2; k, f = k+1, f[2:] {
		rec.pair[k].name, rec.pair[k].num = f[0], f[1]
		rec.pair[k].name.num, rec.pair[k].num.num = 3+2*k, 4+2*k
		rec.pairs = k + 1
	}
}

// number parses a finite number; Fortran's exponent D is one too.
func (r *reader) number(f *field, what string) (float64, error) {
	if !f.has() {
		return 0, r.errorIn(f, what, "is missing, want a number")
	}
	v, ok := decimal(f.text)
	if !ok {
		s := f.text
		if i := bytes.IndexAny(s, "dD"); i >= 0 {
			s = bytes.Clone(s)
			s[i] = 'e'
		}
		var err error
		v, err = strconv.ParseFloat(string(s), 64)
		switch {
		case err == nil && math.IsNaN(v):
			return 0, r.errorIn(f, what, "is NaN, want a number")
		case err != nil && !math.IsInf(v, 0) || bytes.ContainsAny(s, "xXpP_"):
			return 0, r.errorIn(f, what, "is not a number")
		}
	}
	return v, nil
}

// finite parses a number that must not stand for infinity.
func (r *reader) finite(f *field, what string) (float64, error) {
	v, err := r.number(f, what)
	if err == nil && math.IsInf(v, 0) {
		err = r.errorIn(f, what, "is infinite, want a finite number")
	}
	return v, err
}

// side parses a number that is infinite from 1e20 on.
func (r *reader) side(f *field, what string) (float64, error) {
	v, err := r.number(f, what)
	if math.Abs(v) >= infinite {
		v = math.Inf(int(math.Copysign(1, v)))
	}
	return v, err
}

// infinite is the magnitude from which a side is none: what most programs that
// write these files take for infinity is 1e20 or 1e30.
const infinite = 1e20

// powers are the powers of ten that are exact.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// decimal parses the usual numbers: at most 15 digits, whose integer is exact,
// times or over an exact power of ten is rounded once, and right. It reports
// whether s is one of them.
func decimal(s []byte) (v float64, ok bool) {
	i, negative := 0, false
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		negative = s[i] == '-'
		i++
	}
	var mant uint64
	digits, point, exp := 0, false, 0
	start := i
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' && !point {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		mant = mant*10 + uint64(c-'0')
		if mant > 0 {
			digits++
		}
		if point {
			exp--
		}
	}
	if digits > 15 || i == start || i == start+1 && point {
		return 0, false
	}
	if i < len(s) {
		if c := s[i]; c != 'e' && c != 'E' {
			return 0, false
		}
		i++
		neg := false
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			neg = s[i] == '-'
			i++
		}
		e := 0
		if i == len(s) || len(s)-i > 3 {
			return 0, false
		}
		for ; i < len(s); i++ {
			if s[i] < '0' || s[i] > '9' {
				return 0, false
			}
			e = e*10 + int(s[i]-'0')
		}
		if neg {
			e = -e
		}
		exp += e
	}
	v = float64(mant)
	switch {
	case exp < -22 || exp > 22:
		return 0, false
	case exp < 0:
		v /= powers[-exp]
	default:
		v *= powers[exp]
	}
	if negative {
		v = -v
	}
	return v, true
}

// errorAt is the error of the current line.
func (r *reader) errorAt(col int, what, rule string) error {
	if r.format == Fixed && r.decided > 0 {
		rule += fmt.Sprintf(" (fields are taken from fixed columns since line %d, whose names contain blanks)", r.decided)
	}
	return &SyntaxError{Line: r.line, Column: col, Field: what, Rule: rule}
}

// errorIn is the error of a field; the rule goes on with what is there.
func (r *reader) errorIn(f *field, what, rule string) error {
	name := what
	if f.num > 0 {
		name = fmt.Sprintf("field %d (%s)", f.num, what)
	}
	col := f.col
	if !f.has() {
		return r.errorAt(max(col, len(r.text)+1), name, rule)
	}
	return r.errorAt(col, name, fmt.Sprintf("%q %s", shorten(f.text), rule))
}

// shorten keeps messages on a line.
func shorten(s []byte) []byte {
	if len(s) > 60 {
		return append(bytes.Clone(s[:57]), "..."...)
	}
	return s
}
