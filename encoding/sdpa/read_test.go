package sdpa

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/internal/linescan/linetest"
)

const example = `"Example 1: mDim = 3, nBLOCK = 1, {2}"
* a second remark
   3  =  mDIM
   3  =  nBLOCK
   {2, -2, 1}  =  bLOCKsTRUCT
{48, -8,
 20}
0 1 1 1  -11
0 1 2 2  23
1 1 1 1  10
1 1 2 1  4
2 1 2 2  (-8)
3,1,1,2,-8.0D+00
3 1 2 2 -2
1 2 1 1 1.5
0 2 2 2 +7
3 3 1 1 0
2 3 1 1 6
`

func TestRead(t *testing.T) {
	f, err := Read(strings.NewReader(example))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.Blocks, []int{2, -2, 1}; !slices.Equal(got, want) {
		t.Errorf("Blocks = %v, want %v", got, want)
	}
	if len(f.Comments) != 2 || f.Comments[1] != "* a second remark" {
		t.Errorf("Comments = %q", f.Comments)
	}
	p := f.Problem
	if want := []float64{48, -8, 20}; !slices.Equal(p.Q, want) {
		t.Errorf("Q = %v, want %v", p.Q, want)
	}
	r := math.Sqrt2
	dense := [][]float64{ // rows of −svec(Fᵢ): (1,1), (1,2), (2,2), then the diagonal
		{-10, 0, 0}, {-4 * r, 0, 8 * r}, {0, 8, 2}, {-1.5, 0, 0}, {0, 0, 0}, {0, -6, 0},
	}
	for i, row := range dense {
		for j, want := range row {
			got := 0.0
			for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
				if p.A.RowIdx[k] == i {
					got = p.A.Val[k]
				}
			}
			if got != want {
				t.Errorf("A[%d, %d] = %v, want %v", i, j, got, want)
			}
		}
	}
	if p.A.NNZ() != 7 {
		t.Errorf("A has %d entries, want 7: an explicit zero is none", p.A.NNZ())
	}
	if want := []float64{11, 0, -23, 0, -7, 0}; !slices.Equal(p.B, want) {
		t.Errorf("B = %v, want %v", p.B, want)
	}
	if len(p.Cones) != 2 || p.Cones[0].Kind != conic.PSD || p.Cones[0].Size != 2 || p.Cones[1].Kind != conic.NonNegative || p.Cones[1].Size != 3 {
		t.Errorf("Cones = %v", p.Cones)
	}
	if f.Objective(3) != 3 {
		t.Errorf("Objective(3) = %v", f.Objective(3))
	}
}

func TestReading(t *testing.T) {
	all := func(r io.Reader) error {
		_, err := Read(r)
		return err
	}
	linetest.Gzip(t, example, all)
	linetest.Fails(t, example, all)
}

// TestBadFiles has one file a rule: the message must name the line and the fault.
func TestBadFiles(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "the file is empty"},
		{"only comments", "* nothing\n", "line 1: the file ends where the number of variables"},
		{"variables not a number", "x\n", `line 1: the number of variables is "x"`},
		{"negative variables", "-1\n", "line 1: the number of variables is -1, want 0 to"},
		{"too many variables", "99999999999\n", "want 0 to"},
		{"no blocks", "1\n0\n", "line 2: the number of blocks is 0, want 1"},
		{"ends before blocks", "1\n", "line 1: the file ends where the number of blocks"},
		{"ends before orders", "1\n2\n3\n", "line 3: the file ends where the orders"},
		{"order 0", "1\n1\n0\n", "line 3: a block of order 0"},
		{"order not a number", "1\n1\nx\n", `line 3: the order of a block is "x"`},
		{"huge order", "1\n1\n2000000\n", "line 3: the blocks have"},
		{"orders overflow together", "1\n2\n3000 3000\n", "line 3: the blocks have"},
		{"smallest integer as order", "1\n1\n-9223372036854775808\n", "line 3: the order of a block is -9223372036854775808"},
		{"ends before objective", "1\n1\n1\n", "line 3: the file ends where the objective"},
		{"objective too short", "2\n1\n1\n1\n", "line 4: the file ends where the objective"},
		{"objective too long", "2\n1\n1\n1 2 3\n", "line 4: more than 2 numbers"},
		{"objective not finite", "1\n1\n1\nNaN\n", `line 4: an objective coefficient is "NaN"`},
		{"objective too large", "1\n1\n1\n1e999\n", `line 4: an objective coefficient is "1e999"`},
		{"four fields", "1\n1\n1\n1\n0 1 1 1\n", "line 5: 4 fields, want 5"},
		{"matrix out of range", "1\n1\n1\n1\n2 1 1 1 1\n", "line 5: the matrix is 2, want 0 to 1"},
		{"block out of range", "1\n1\n1\n1\n0 2 1 1 1\n", "line 5: the block is 2, want 1 to 1"},
		{"row out of range", "1\n1\n2\n1\n0 1 3 1 1\n", "line 5: the row is 3, want 1 to 2"},
		{"column out of range", "1\n1\n2\n1\n0 1 1 0 1\n", "line 5: the column is 0, want 1 to 2"},
		{"infinite value", "1\n1\n1\n1\n0 1 1 1 inf\n", `line 5: the value is "inf"`},
		{"off the diagonal", "1\n1\n-2\n1\n0 1 2 1 3\n", "line 5: entry (1, 2) of block 1, which is diagonal"},
		{"twice", "1\n1\n2\n1\n1 1 1 2 3\n1 1 1 2 3\n", "line 6: this entry is already given in line 5"},
		{"both triangles", "1\n1\n2\n1\n1 1 1 2 3\n1 1 2 1 3\n", "line 6: this entry is already given in line 5"},
		{"integers", "1\n1\n1\n1\n1 1 1 1 3\n*INTEGER\n*1\n", "line 6: \"*INTEGER\" after the entries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Read(strings.NewReader(c.text))
			var se *SyntaxError
			if f != nil || !errors.As(err, &se) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want a SyntaxError with %q", err, c.want)
			}
		})
	}
}

// check tells what a program that was read must meet.
func check(t *testing.T, f *File) {
	t.Helper()
	p := f.Problem
	if err := p.A.Check(); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, c := range p.Cones {
		rows += c.Dim()
	}
	if p.A.Rows != rows || len(p.B) != rows || len(p.Q) != p.A.Cols || len(p.A.Val) != p.A.NNZ() {
		t.Fatalf("A is %d×%d with %d values; cones have %d rows, B %d, Q %d", p.A.Rows, p.A.Cols, len(p.A.Val), rows, len(p.B), len(p.Q))
	}
	for _, v := range slices.Concat(p.Q, p.A.Val, p.B) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Fatal("a coefficient is not finite")
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte("1\n1\n-2\n1\n0 1 1 1 -1\n1 1 2 2 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := read(bytes.NewReader(data), 1<<12)
		if err != nil {
			return
		}
		check(t, file)
	})
}

// TestOpenSet reads all SDPLIB files that are there.
func TestOpenSet(t *testing.T) {
	root := filepath.Join("..", "..", "..", "shared", "data", "conic")
	index, err := os.Open(filepath.Join(root, "index.tsv"))
	if err != nil {
		t.Skip("the conic problem set is not here: ", err)
	}
	defer index.Close()
	r := csv.NewReader(index)
	r.Comma, r.LazyQuotes = '\t', true
	table, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, row := range table[1:] {
		if row[1] != "sdplib" {
			continue
		}
		seen++
		t.Run(row[0], func(t *testing.T) {
			file, err := os.Open(filepath.Join(root, row[2]))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			f, err := Read(file)
			if err != nil {
				t.Fatal(err)
			}
			check(t, f)
			order := 0
			for _, k := range f.Blocks {
				order += max(k, -k)
			}
			m, _ := strconv.Atoi(row[4])
			if strings.HasPrefix(row[0], "gpp") {
				m++ // SDPLIB's table counts one constraint fewer than its files have
			}
			if n, _ := strconv.Atoi(row[3]); order != n || len(f.Problem.Q) != m {
				t.Errorf("order %d and %d variables, want %s and %d", order, len(f.Problem.Q), row[3], m)
			}
		})
	}
	if seen == 0 {
		t.Error("no SDPLIB file in the index")
	}
}
