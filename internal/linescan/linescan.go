// Package linescan reads text files whose lines are fields, plain or gzipped: the scanner
// that encoding/cbf and encoding/sdpa share.
package linescan

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Format is what formats differ in.
type Format struct {
	Package string // which errors of reading name
	MaxLine int    // bytes
	TooLong string // what to say of a longer line, if there is more to say
	Comment string // what begins a line that is none; "" for nothing
	Blank   func(r rune) bool
	Fortran bool // 1D3 is a number
	Error   func(line int, rule string) error
}

// maxValue leaves room for the factor √2 of svec.
const maxValue = 1e300

// Scanner yields the fields of the lines that have any.
type Scanner struct {
	Line   int // from 1
	Fields []string

	lines  *bufio.Scanner
	format Format
}

// New returns a Scanner before the first line.
func New(r io.Reader, f Format) (*Scanner, error) {
	br := bufio.NewReader(r)
	if magic, _ := br.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		gz, err := gzip.NewReader(br)
		if err != nil {
			return nil, fmt.Errorf("%s: reading the gzip header: %w", f.Package, err)
		}
		br = bufio.NewReader(gz)
	}
	s := &Scanner{lines: bufio.NewScanner(br), format: f}
	s.lines.Buffer(nil, f.MaxLine)
	return s, nil
}

// Next goes to the next line with a field; io.EOF at the end.
func (s *Scanner) Next() error {
	for s.lines.Scan() {
		if s.lines.Err() != nil {
			break // reading failed: this line may be a part of one
		}
		s.Line++
		text := s.lines.Text()
		if s.format.Comment != "" && strings.HasPrefix(text, s.format.Comment) {
			continue
		}
		if s.Fields = strings.FieldsFunc(text, s.format.Blank); len(s.Fields) > 0 {
			return nil
		}
	}
	switch err := s.lines.Err(); {
	case err == nil:
		return io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		s.Line++
		return s.Errorf("more than %d bytes in a line%s", s.format.MaxLine, s.format.TooLong)
	default:
		return fmt.Errorf("%s: after line %d: %w", s.format.Package, s.Line, err)
	}
}

// Text is the present line.
func (s *Scanner) Text() string { return s.lines.Text() }

// Want is Next, where the file must go on with what.
func (s *Scanner) Want(what string) error {
	err := s.Next()
	if errors.Is(err, io.EOF) {
		return s.Errorf("the file ends where %s is wanted; is it truncated?", what)
	}
	return err
}

// Errorf is an error in the present line.
func (s *Scanner) Errorf(format string, args ...any) error {
	return s.format.Error(s.Line, fmt.Sprintf(format, args...))
}

// Int is field f, within lo to hi. A name says what it is.
func (s *Scanner) Int(f int, name string, lo, hi int) (int, error) {
	v, err := strconv.Atoi(s.Fields[f])
	if err != nil {
		return 0, s.Errorf("%s is %q, want an integer", name, s.Fields[f])
	}
	if v < lo || v > hi {
		return 0, s.Errorf("%s is %d, want %d to %d", name, v, lo, hi)
	}
	return v, nil
}

// Number is field f.
func (s *Scanner) Number(f int, name string) (float64, error) {
	text := s.Fields[f]
	v, err := strconv.ParseFloat(text, 64)
	if s.format.Fortran && errors.Is(err, strconv.ErrSyntax) {
		v, err = strconv.ParseFloat(strings.NewReplacer("D", "e", "d", "e").Replace(text), 64)
	}
	if err != nil || !(math.Abs(v) <= maxValue) {
		return 0, s.Errorf("%s is %q, want a number of at most %g", name, text, maxValue)
	}
	return v, nil
}
