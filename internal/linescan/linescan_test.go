package linescan_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"

	"github.com/optnet-go/optnet/internal/linescan"
	"github.com/optnet-go/optnet/internal/linescan/linetest"
)

var format = linescan.Format{
	Package: "test", MaxLine: 20, TooLong: ", alas", Comment: "#", Blank: unicode.IsSpace, Fortran: true,
	Error: func(line int, rule string) error { return fmt.Errorf("line %d: %s", line, rule) },
}

func TestScanner(t *testing.T) {
	s, err := linescan.New(strings.NewReader("# a remark\n\n  3  1.5D+2 x\r\n\t\nlast"), format)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Next(); err != nil || s.Line != 3 || len(s.Fields) != 3 {
		t.Fatalf("%v: line %d, %q", err, s.Line, s.Fields)
	}
	if v, err := s.Int(0, "n", 0, 3); err != nil || v != 3 {
		t.Error(v, err)
	}
	if v, err := s.Number(1, "v"); err != nil || v != 150 {
		t.Error(v, err)
	}
	for _, err := range []error{
		second(s.Int(0, "n", 4, 9)), second(s.Int(2, "n", 0, 9)), second(s.Int(1, "n", 0, 9)), second(s.Number(2, "v")),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "line 3: ") {
			t.Error(err)
		}
	}
	if err := s.Want("more"); err != nil || s.Text() != "last" {
		t.Error(err)
	}
	if err := s.Want("more"); err == nil || err.Error() != "line 5: the file ends where more is wanted; is it truncated?" {
		t.Error(err)
	}
	if err := s.Next(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	s, _ = linescan.New(strings.NewReader("ok\n"+strings.Repeat("x", 30)), format)
	s.Next()
	if err := s.Next(); err == nil || err.Error() != "line 2: more than 20 bytes in a line, alas" {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

// all reads to the end.
func all(r io.Reader) error {
	s, err := linescan.New(r, format)
	for err == nil {
		err = s.Next()
	}
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

func TestReading(t *testing.T) {
	linetest.Gzip(t, "1 2\n3 4\n", all)
	linetest.Fails(t, "1 2\n\n# x\n3 4\n", all)
}
