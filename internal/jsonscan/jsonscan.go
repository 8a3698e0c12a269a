// Package jsonscan reads JSON texts that are mostly numbers: objects whose keys are known,
// and nested arrays. Errors say where; numbers that JSON lacks are the strings "NaN", "Inf"
// and "-Inf". Memory is taken for what the text holds.
package jsonscan

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// An Error says where a text breaks which rule.
type Error struct {
	Line, Column int // from 1
	Rule         string
}

func (e *Error) Error() string {
	return fmt.Sprintf("JSON, line %d, column %d: %s", e.Line, e.Column, e.Rule)
}

// Scanner is a place in a text.
type Scanner struct {
	text []byte
	i    int
}

// New returns a Scanner at the beginning of the text.
func New(text []byte) *Scanner { return &Scanner{text: text} }

// Pos is the offset of what comes next, white space being skipped.
func (p *Scanner) Pos() int {
	p.space()
	return p.i
}

// Peek is the byte that comes next, after white space; 0 at the end.
func (p *Scanner) Peek() byte {
	if p.space(); p.i < len(p.text) {
		return p.text[p.i]
	}
	return 0
}

// ErrorAt returns an *Error for the offset.
func (p *Scanner) ErrorAt(at int, rule string) error {
	before := p.text[:min(at, len(p.text))]
	line := bytes.Count(before, []byte("\n")) + 1
	return &Error{Line: line, Column: len(before) - bytes.LastIndexByte(before, '\n'), Rule: rule}
}

func (p *Scanner) space() {
	for p.i < len(p.text) && (p.text[p.i] == ' ' || p.text[p.i] == '\n' || p.text[p.i] == '\t' || p.text[p.i] == '\r') {
		p.i++
	}
}

// Next takes c, after white space, if it is there.
func (p *Scanner) Next(c byte) bool {
	p.space()
	if p.i < len(p.text) && p.text[p.i] == c {
		p.i++
		return true
	}
	return false
}

// Want takes c or says what is there.
func (p *Scanner) Want(c byte) error {
	if p.Next(c) {
		return nil
	}
	if p.i >= len(p.text) {
		return p.ErrorAt(p.i, fmt.Sprintf("the text ends here, want %q: it seems to be cut off", string(c)))
	}
	return p.ErrorAt(p.i, fmt.Sprintf("got %q, want %q", p.text[p.i], string(c)))
}

// End wants nothing but white space to follow.
func (p *Scanner) End() error {
	if p.Pos() < len(p.text) {
		return p.ErrorAt(p.i, "text follows the object, want nothing")
	}
	return nil
}

// Object takes an object: f is called with every key and its offset, and takes the
// value.
func (p *Scanner) Object(f func(key string, at int) error) error {
	if err := p.Want('{'); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for first := true; !p.Next('}'); first = false {
		if !first {
			if err := p.Want(','); err != nil {
				return err
			}
		}
		at := p.Pos()
		key, err := p.String()
		if err != nil {
			return err
		}
		if seen[key] {
			return p.ErrorAt(at, fmt.Sprintf("key %q is there twice", key))
		}
		seen[key] = true
		if err := p.Want(':'); err != nil {
			return err
		}
		p.space()
		if err := f(key, at); err != nil {
			return err
		}
	}
	return nil
}

// List takes an array: f is called for every entry, with its number, and takes it.
func (p *Scanner) List(f func(k int) error) error {
	if err := p.Want('['); err != nil {
		return err
	}
	for k := 0; !p.Next(']'); k++ {
		if k > 0 {
			if err := p.Want(','); err != nil {
				return err
			}
		}
		p.space()
		if err := f(k); err != nil {
			return err
		}
	}
	return nil
}

// String takes a string, and returns what stands between the quotes.
func (p *Scanner) String() (string, error) {
	start := p.Pos()
	if err := p.SkipString(); err != nil {
		return "", err
	}
	return string(p.text[start+1 : p.i-1]), nil
}

// SkipString takes a string.
func (p *Scanner) SkipString() error {
	start := p.Pos()
	if err := p.Want('"'); err != nil {
		return err
	}
	for p.i < len(p.text) {
		switch p.text[p.i] {
		case '"':
			p.i++
			return nil
		case '\\':
			p.i++
		case '\n':
			return p.ErrorAt(p.i, "a text has no end in this line")
		}
		p.i++
	}
	return p.ErrorAt(start, "the text ends within a string")
}

// Skip takes a value of any kind.
func (p *Scanner) Skip() error { return p.skip(0) }

func (p *Scanner) skip(depth int) error {
	if depth > 100 {
		return p.ErrorAt(p.i, "values are nested more than a hundred deep")
	}
	switch c := p.Peek(); c {
	case '"':
		return p.SkipString()
	case '{':
		return p.Object(func(string, int) error { return p.skip(depth + 1) })
	case '[':
		return p.List(func(int) error { return p.skip(depth + 1) })
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(p.text[p.i:], []byte(word)) {
			p.i += len(word)
			return nil
		}
	}
	_, err := p.Number()
	return err
}

// An Array is a nested array of numbers, none of it ragged.
type Array struct {
	At     int // its offset
	Dims   []int
	Data   []float64
	Absent float64 // what null stands for; 0: nothing
}

// Array takes an array that is nested up to three deep.
func (p *Scanner) Array(a *Array) error {
	a.At = p.Pos()
	return p.array(a, 0)
}

func (p *Scanner) array(a *Array, depth int) error {
	if depth == 3 {
		return p.ErrorAt(p.i, "an array is nested more than three deep")
	}
	if err := p.Want('['); err != nil {
		return err
	}
	if len(a.Dims) == depth {
		a.Dims = append(a.Dims, -1)
	}
	start, count := p.i-1, 0
	for !p.Next(']') {
		if count > 0 {
			if err := p.Want(','); err != nil {
				return err
			}
		}
		if p.Peek() == '[' {
			if len(a.Dims) == depth+1 && count > 0 {
				return p.ErrorAt(p.i, "an array stands beside numbers")
			}
			if err := p.array(a, depth+1); err != nil {
				return err
			}
		} else {
			if len(a.Dims) > depth+1 {
				return p.ErrorAt(p.i, "want an array here, as before")
			}
			v, err := p.value(a.Absent)
			if err != nil {
				return err
			}
			a.Data = append(a.Data, v)
		}
		count++
	}
	if a.Dims[depth] >= 0 && a.Dims[depth] != count {
		return p.ErrorAt(start, fmt.Sprintf("the array has %d entries, the one before %d", count, a.Dims[depth]))
	}
	a.Dims[depth] = count
	return nil
}

// Value takes a number, or a string that stands for one.
func (p *Scanner) Value() (float64, error) {
	p.space()
	return p.value(0)
}

// value is Value, with null for absent unless that is 0.
func (p *Scanner) value(absent float64) (float64, error) {
	rest := p.text[p.i:]
	for _, w := range [...]struct {
		word string
		v    float64
	}{{`"Inf"`, math.Inf(1)}, {`"-Inf"`, math.Inf(-1)}, {`"NaN"`, math.NaN()}, {"null", absent}} {
		if bytes.HasPrefix(rest, []byte(w.word)) {
			if w.v == 0 {
				return 0, p.ErrorAt(p.i, "null is for sides only, want a number")
			}
			p.i += len(w.word)
			return w.v, nil
		}
	}
	return p.Number()
}

// Number takes a finite number.
func (p *Scanner) Number() (float64, error) {
	start := p.Pos()
	for p.i < len(p.text) {
		if c := p.text[p.i]; (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		p.i++
	}
	if start == p.i && p.i >= len(p.text) {
		return 0, p.ErrorAt(start, "the text ends here, want a number: it seems to be cut off")
	}
	v, err := strconv.ParseFloat(string(p.text[start:p.i]), 64)
	if err != nil || p.text[start] == '+' || math.IsInf(v, 0) {
		return 0, p.ErrorAt(start, fmt.Sprintf(`%q is not a number, want a finite one, or "Inf", "-Inf", "NaN" as strings`, p.text[start:min(max(p.i, start+1), start+24, len(p.text))]))
	}
	return v, nil
}

// Int takes an integer from 0 that 32 bits hold.
func (p *Scanner) Int() (int, error) {
	start := p.Pos()
	v, err := p.Number()
	if err != nil {
		return 0, err
	}
	if v != math.Trunc(v) || v < 0 || v > math.MaxInt32 {
		return 0, p.ErrorAt(start, fmt.Sprintf("got %v, want an integer from 0", v))
	}
	return int(v), nil
}

// AppendNumber appends a number with all its bits, but for a NaN's payload.
func AppendNumber(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Inf"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Inf"`...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// AppendText appends a text as a string, without its control characters.
func AppendText(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r >= ' ':
			dst = append(dst, string(r)...)
		}
	}
	return append(dst, '"')
}
