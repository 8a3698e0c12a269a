package sudoku

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/experiments/lab"
)

const (
	line1 = "0300001040000002,1324241342313142\n"
	line2 = "4030014020000300,4231314224131324\n"
)

func compressed(t testing.TB, text string) string {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	z.Write([]byte(text))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func writeFile(t testing.TB, dir, name, content string) string {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestReadData(t *testing.T) {
	gz := compressed(t, "puzzle,solution\n"+line1+line2)
	for _, tt := range []struct {
		name, content string
		n             int
		line          int
		err           string
	}{
		{name: "plain", content: "puzzle,solution\n" + line1 + line2, n: 2},
		{name: "no header", content: line1 + line2, n: 2},
		{name: "no end of line", content: strings.TrimSpace(line1), n: 1},
		{name: "carriage returns", content: "puzzle,solution\r\n" + strings.ReplaceAll(line1, "\n", "\r\n"), n: 1},
		{name: "compressed", content: gz, n: 2},
		{name: "empty", content: "", err: "no puzzle in the file"},
		{name: "header only", content: "puzzle,solution\n", err: "no puzzle in the file"},
		{name: "cut off in a solution", content: line1 + line2[:25], line: 2, err: "has 8 characters, want 16"},
		{name: "cut off in a puzzle", content: line1 + line2[:7], line: 2, err: "has no comma"},
		{name: "cut off compression", content: gz[:len(gz)-12], err: "truncated"},
		{name: "cut off in compressed head", content: gz[:5], err: "truncated"},
		{name: "damaged compression", content: gz[:len(gz)-3] + "abc", err: "invalid"},
		{name: "9×9", content: strings.Repeat("0", 81) + "," + strings.Repeat("1", 81) + "\n", line: 1, err: "has 81 characters, want 16"},
		{name: "not a puzzle", content: "to be or not to be\n", line: 1, err: "has no comma"},
		{name: "letters", content: line1 + "abcdabcdabcdabcd,abcdabcdabcdabcd\n", line: 2, err: `has 'a' in row 1, column 1`},
		{name: "empty line", content: line1 + "\n" + line2, line: 2, err: "has no comma"},
		{name: "wrong solution", content: "0300001040000002,1324241342313143\n", line: 1, err: "breaks the rules"},
		{name: "blank in solution", content: "0300001040000002,0324241342313142\n", line: 1, err: "breaks the rules"},
		{name: "another puzzle's solution", content: "0300001040000002,4231314224131324\n", line: 1, err: "changes a given digit"},
		{name: "binary", content: string([]byte{0, 1, 2, 255, 254}), line: 1, err: "has no comma"},
		{name: "one long line", content: strings.Repeat("1", 100000), line: 1, err: "longer than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := writeFile(t, t.TempDir(), "file", tt.content)
			ps, err := ReadData(name)
			if tt.err == "" {
				if err != nil || len(ps) != tt.n {
					t.Fatalf("%d puzzles, error %v, want %d", len(ps), err, tt.n)
				}
				if got := ps[0].Puzzle.String() + "," + ps[0].Solution.String() + "\n"; got != line1 {
					t.Errorf("first puzzle %q", got)
				}
				return
			}
			var f *lab.FileError
			if !errors.As(err, &f) || !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("error %v, want a lab.FileError with %q", err, tt.err)
			}
			if f.File != name || tt.line != 0 && f.Line != tt.line {
				t.Errorf("error for %s:%d, want line %d", f.File, f.Line, tt.line)
			}
		})
	}
}

func TestReadFolder(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "b.csv", line2)
	writeFile(t, dir, "a.csv.gz", compressed(t, line1))
	writeFile(t, dir, "README", "no puzzles here")
	ps, err := ReadData(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := writeFile(t, t.TempDir(), "both", line1+line2)
	qs, err := ReadData(want)
	if err != nil {
		t.Fatal(err)
	}
	if hashData(ps) != hashData(qs) || len(ps) != 2 {
		t.Errorf("the folder has %v, want %v", ps, qs)
	}
	if _, err := ReadData(t.TempDir()); err == nil || !strings.Contains(err.Error(), "none of them a .csv") {
		t.Errorf("empty folder: %v", err)
	}
	if _, err := ReadData(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
}

// paperData is OptNet's own set.
func paperData(t testing.TB) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "data", "sudoku", "optnet4x4")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("OptNet's set of puzzles is not there: ../shared/data/sudoku/optnet4x4 beside the repository")
	}
	return dir
}

func TestPaperData(t *testing.T) {
	ps, err := ReadData(paperData(t))
	if err != nil {
		t.Fatal(err)
	}
	distinct := map[Board]bool{}
	for _, p := range ps {
		distinct[p.Puzzle] = true
	}
	if train, test := split(ps); train.Len() != 9000 || test.Len() != 1000 || test.seenCount() != 72 || len(distinct) != 9570 {
		t.Errorf("%d and %d puzzles, %d seen, %d distinct", train.Len(), test.Len(), test.seenCount(), len(distinct))
	}
}

func FuzzParseData(f *testing.F) {
	f.Add([]byte("puzzle,solution\n" + line1 + line2))
	f.Add([]byte(compressed(f, line1)))
	f.Add([]byte(line1[:20]))
	f.Fuzz(func(t *testing.T, text []byte) {
		line := 0
		ps, err := parseData(nil, bytes.NewReader(text), &line)
		if err != nil {
			return
		}
		for _, p := range ps {
			if !p.Solution.Solves(p.Puzzle) {
				t.Errorf("accepted %v,%v", p.Puzzle, p.Solution)
			}
		}
	})
}
