package cbf

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

// maxLine is far above the 512 characters that the format allows.
const maxLine = 1 << 16

// maxValue leaves room for the factor √2 of svec.
const maxValue = 1e300

// scanner yields the fields of the lines that are neither blank nor comments.
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
			return nil, fmt.Errorf("cbf: reading the gzip header: %w", err)
		}
		br = bufio.NewReader(gz)
	}
	sc := bufio.NewScanner(br)
	sc.Buffer(nil, maxLine)
	return &scanner{Scanner: sc}, nil
}

// next goes to the next line with content; io.EOF at the end.
func (s *scanner) next() error {
	for s.Scan() {
		if s.Err() != nil {
			break // reading failed: this line may be a part of one
		}
		s.line++
		text := s.Text()
		if strings.HasPrefix(text, "#") {
			continue
		}
		if s.fields = strings.Fields(text); len(s.fields) > 0 {
			return nil
		}
	}
	switch err := s.Err(); {
	case err == nil:
		return io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		s.line++
		return s.errorf("more than %d bytes in a line; is this a CBF file?", maxLine)
	default:
		return fmt.Errorf("cbf: after line %d: %w", s.line, err)
	}
}

func (s *scanner) errorf(format string, args ...any) error {
	return &SyntaxError{s.line, fmt.Sprintf(format, args...)}
}

// integer is field f, from 0 up to below end. A name says what it is.
func (s *scanner) integer(f int, name string, end int) (int, error) {
	v, err := strconv.Atoi(s.fields[f])
	if err != nil {
		return 0, s.errorf("%s is %q, want an integer", name, s.fields[f])
	}
	if v < 0 || v >= end {
		return 0, s.errorf("%s is %d, want 0 to %d", name, v, end-1)
	}
	return v, nil
}

// number is field f.
func (s *scanner) number(f int) (float64, error) {
	v, err := strconv.ParseFloat(s.fields[f], 64)
	if err != nil || !(math.Abs(v) <= maxValue) {
		return 0, s.errorf("the value is %q, want a number of at most %g", s.fields[f], maxValue)
	}
	return v, nil
}
