package mps

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBad reads files that break one rule each. The first line of a file says
// what the error has to say.
func TestBad(t *testing.T) {
	names, err := filepath.Glob("testdata/bad/*.mps")
	if err != nil || len(names) < 40 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		want := strings.TrimPrefix(first, "* want: ")
		if len(text) == 0 {
			want = "line 1: the file ends here without ENDATA"
		} else if want == first {
			t.Fatalf("%s does not say what is wanted", name)
		}
		p, err := Read(bytes.NewReader(text), nil)
		var syntax *SyntaxError
		if p != nil || !errors.As(err, &syntax) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", name, err, want)
		}
	}
}

// TestTruncated cuts a gzipped file short, and a plain one at every byte: there
// is an error each time, and never a problem.
func TestTruncated(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write([]byte(sample))
	w.Close()
	if _, err := Read(bytes.NewReader(z.Bytes()), nil); err != nil {
		t.Fatal(err)
	}
	for n := range z.Len() {
		if p, err := Read(bytes.NewReader(z.Bytes()[:n]), nil); err == nil || p != nil {
			t.Errorf("gzipped, %d bytes: no error", n)
		}
	}
	text := strings.TrimRight(sample, "\n")
	for n := range len(text) {
		if p, err := Read(strings.NewReader(text[:n]), nil); err == nil || p != nil {
			t.Errorf("%d bytes: no error", n)
		}
	}
	if _, err := Read(strings.NewReader(strings.Repeat("x", maxLine+1)), nil); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("a long line: %v", err)
	}
}
