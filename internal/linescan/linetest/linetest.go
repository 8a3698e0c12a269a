// Package linetest has what the tests of readers share.
package linetest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// Gzip tests that read takes a text gzipped, and not a part of the archive.
func Gzip(t *testing.T, text string, read func(io.Reader) error) {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := read(bytes.NewReader(buf.Bytes())); err != nil {
		t.Errorf("a gzipped file: %v", err)
	}
	for _, n := range []int{5, buf.Len() / 2, buf.Len() - 12, buf.Len() - 1} {
		if err := read(bytes.NewReader(buf.Bytes()[:n])); err == nil {
			t.Errorf("%d bytes of an archive of %d are read without an error", n, buf.Len())
		}
	}
}

// Fails tests that, where reading fails, that is the error, and not what is wrong with the
// part of a line that was read before.
func Fails(t *testing.T, text string, read func(io.Reader) error) {
	t.Helper()
	fault := errors.New("the disk is gone")
	for n := range len(text) + 1 {
		if err := read(io.MultiReader(strings.NewReader(text[:n]), iotest.ErrReader(fault))); !errors.Is(err, fault) {
			t.Errorf("after %q: error %v", text[:n], err)
		}
	}
}
