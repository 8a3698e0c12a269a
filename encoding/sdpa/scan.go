package sdpa

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

// maxLine bounds a line: c stands in one, and has as many numbers as variables.
const maxLine = 1 << 28

// maxValue leaves room for the factor √2 of svec.
const maxValue = 1e300

// scanner yields the fields of lines. Blanks, commas, parentheses, braces and
// equal signs separate them.
type scanner struct {
	*bufio.Scanner
	line   int
	fields []string
}

func newScanner(r io.Reader) (*scanner, error) {
	br := bufio.NewReader(r)
	if magic, _ := br.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		gz, err := gzip.NewReader(br)
		if err != nil {
			return nil, fmt.Errorf("sdpa: reading the gzip header: %w", err)
		}
		br = bufio.NewReader(gz)
	}
	sc := bufio.NewScanner(br)
	sc.Buffer(nil, maxLine)
	return &scanner{Scanner: sc}, nil
}

// next goes to the next line with a field; io.EOF at the end.
func (s *scanner) next() error {
	for s.Scan() {
		if s.Err() != nil {
			break // reading failed: this line may be a part of one
		}
		s.line++
		s.fields = strings.FieldsFunc(s.Text(), func(r rune) bool {
			switch r {
			case ' ', '\t', '\r', '\v', '\f', ',', '(', ')', '{', '}', '=':
				return true
			}
			return false
		})
		if len(s.fields) > 0 {
			return nil
		}
	}
	switch err := s.Err(); {
	case err == nil:
		return io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		s.line++
		return s.errorf("more than %d bytes in a line", maxLine)
	default:
		return fmt.Errorf("sdpa: after line %d: %w", s.line, err)
	}
}

// want is next, where the file must go on with what.
func (s *scanner) want(what string) error {
	err := s.next()
	if errors.Is(err, io.EOF) {
		return s.errorf("the file ends where %s is wanted; is it truncated?", what)
	}
	return err
}

func (s *scanner) errorf(format string, args ...any) error {
	return &SyntaxError{s.line, fmt.Sprintf(format, args...)}
}

// integer is field f, within lo to hi.
func (s *scanner) integer(f int, name string, lo, hi int) (int, error) {
	v, err := strconv.Atoi(s.fields[f])
	if err != nil {
		return 0, s.errorf("%s is %q, want an integer", name, s.fields[f])
	}
	if v < lo || v > hi {
		return 0, s.errorf("%s is %d, want %d to %d", name, v, lo, hi)
	}
	return v, nil
}

// number is field f: a number, with Fortran's exponents allowed.
func (s *scanner) number(f int, name string) (float64, error) {
	text := s.fields[f]
	v, err := strconv.ParseFloat(text, 64)
	if errors.Is(err, strconv.ErrSyntax) {
		v, err = strconv.ParseFloat(strings.NewReplacer("D", "e", "d", "e").Replace(text), 64)
	}
	if err != nil || !(math.Abs(v) <= maxValue) {
		return 0, s.errorf("%s is %q, want a number of at most %g", name, text, maxValue)
	}
	return v, nil
}
