package sudoku

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/optnet-go/optnet/experiments/lab"
)

// The first line of a file may be this.
const columns = "puzzle,solution"

// ReadData reads puzzles from a file, or from the *.csv and *.csv.gz files of a
// folder in the order of their names: a line is a puzzle, a comma and its
// solution, both as [ParseBoard] wants them. Compression is recognized by
// content.
func ReadData(name string) ([]Puzzle, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, lab.OfFile(name, err)
	}
	files := []string{name}
	if info.IsDir() {
		if files, err = dataFiles(name); err != nil {
			return nil, err
		}
	}
	var ps []Puzzle
	for _, f := range files {
		if ps, err = readFile(ps, f); err != nil {
			return nil, err
		}
	}
	return ps, nil
}

func dataFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, lab.OfFile(dir, err)
	}
	var files []string
	for _, e := range entries {
		if n := e.Name(); !e.IsDir() && (strings.HasSuffix(n, ".csv") || strings.HasSuffix(n, ".csv.gz")) {
			files = append(files, filepath.Join(dir, n))
		}
	}
	if files == nil {
		return nil, &lab.FileError{File: dir, Err: fmt.Errorf("the folder has %d entries, none of them a .csv or .csv.gz file; name a folder with such files, or one file", len(entries))}
	}
	return files, nil
}

func readFile(ps []Puzzle, name string) ([]Puzzle, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, lab.OfFile(name, err)
	}
	defer f.Close()
	line, n := 0, len(ps)
	ps, err = parseData(ps, f, &line)
	switch {
	case err != nil && line > 0:
		return nil, &lab.FileError{File: name, Line: line, Err: err}
	case err != nil:
		return nil, lab.OfFile(name, err)
	case len(ps) == n:
		return nil, &lab.FileError{File: name, Err: fmt.Errorf("no puzzle in the file, want lines of %s", columns)}
	}
	return ps, nil
}

// parseData appends the puzzles that r holds. It sets line to the one that an
// error is about.
func parseData(ps []Puzzle, r io.Reader, line *int) ([]Puzzle, error) {
	buf := bufio.NewReader(r)
	if magic, _ := buf.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(buf)
		if err != nil {
			return nil, gzipError(err)
		}
		defer z.Close()
		buf = bufio.NewReader(z)
	}
	in := bufio.NewScanner(buf)
	for in.Scan() {
		*line++
		text := strings.TrimSuffix(in.Text(), "\r")
		if *line == 1 && text == columns {
			continue
		}
		p, err := parseLine(text)
		if err != nil {
			return nil, err
		}
		ps = append(ps, p)
	}
	if err := in.Err(); err != nil {
		*line++
		return nil, gzipError(err)
	}
	return ps, nil
}

// gzipError says what a reader's error means for the file.
func gzipError(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the compressed file ends here, before its end mark (%w): it is truncated; fetch or write it again", err)
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("the line is longer than %d bytes, want %d: a puzzle, a comma, a solution", bufio.MaxScanTokenSize, 2*cells+1)
	}
	return err
}

func parseLine(text string) (p Puzzle, err error) {
	puzzle, solution, ok := strings.Cut(text, ",")
	if !ok {
		return p, fmt.Errorf("%q has no comma, want puzzle,solution with %d characters each; is the file cut off, or another kind of file?", clip(text), cells)
	}
	if p.Puzzle, err = ParseBoard(puzzle); err != nil {
		return p, fmt.Errorf("puzzle: %w", err)
	}
	if p.Solution, err = ParseBoard(solution); err != nil {
		return p, fmt.Errorf("solution: %w; is the file cut off?", err)
	}
	switch {
	case !p.Solution.Valid():
		return p, fmt.Errorf("solution %v breaks the rules: a row, column or block lacks a digit", p.Solution)
	case !p.Solution.Keeps(p.Puzzle):
		return p, fmt.Errorf("solution %v is not one of puzzle %v: it changes a given digit", p.Solution, p.Puzzle)
	}
	return p, nil
}

// hashData is the SHA-256 of the lines that the puzzles make, without header,
// whatever file they came from.
func hashData(ps []Puzzle) string {
	h := sha256.New()
	for _, p := range ps {
		io.WriteString(h, p.Puzzle.String()+","+p.Solution.String()+"\n")
	}
	return hex.EncodeToString(h.Sum(nil))
}
