package mps

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/sparse"
)

// data is the folder of real files, which not every machine has.
func data(t testing.TB, sub string) string {
	dir := filepath.Join("..", "..", "..", "shared", "data", sub)
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the collection of problem files is not here: ", err)
	}
	return dir
}

func files(t testing.TB) []string {
	var all []string
	for _, pattern := range []string{"maros/open/*.QPS*", "mpc/*.QPS*"} {
		f, err := filepath.Glob(filepath.Join(data(t, ""), pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f...)
	}
	return all
}

// TestCollections reads every file, and holds what is written again, and read
// again, against it.
func TestCollections(t *testing.T) {
	for _, name := range files(t) {
		if info, err := os.Stat(name); err != nil || testing.Short() && info.Size() > 1<<16 {
			continue
		}
		p, err := ReadFile(name)
		if err != nil {
			t.Error(err)
			continue
		}
		var b bytes.Buffer
		if err := Write(&b, p, Auto); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		q, err := Read(&b, nil)
		if err != nil {
			t.Errorf("%s written again: %v", name, err)
			continue
		}
		if strings.Contains(name, "QFORPLAN") { // fixed: 12 columns a number
			continue
		}
		if d := difference(p, q); d != "" {
			t.Errorf("%s written and read: %s", name, d)
		}
	}
}

// difference names the first field in which two problems differ.
func difference(p, q *Problem) string {
	a, b := reflect.ValueOf(p).Elem(), reflect.ValueOf(q).Elem()
	for i := range a.NumField() {
		if name := a.Type().Field(i).Name; name != "Notes" && !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			return fmt.Sprintf("%s is %.200v, want %.200v", name, b.Field(i).Interface(), a.Field(i).Interface())
		}
	}
	return ""
}

// sample has names with blanks, so that fields are in columns.
const sample = `NAME          SAMPLE
ROWS
 N  COST
 N  OTHER
 L  ROW 1
 G  ROW 2
 E  ROW 3
 E  ROW 4
COLUMNS
    COL 1     COST             1.5D1   ROW 1             1.0
    COL 1     ROW 3              -2.0
    COL 2     ROW 2               1.0   ROW 4            +.5
    COL 2     OTHER               1.0
    COL 3     ROW 1               1.0   ROW 2             3.0
    COL 4     ROW 1               1.0
RHS
    RHS 1     COST               -7.0   ROW 1             4.0
    RHS 1     ROW 2               1.0   ROW 3             6.0
    RHS 2     ROW 3               9.0
RANGES
    RNG       ROW 1               2.5   ROW 2            -3.0
    RNG       ROW 3              -2.0   ROW 4             2.0
BOUNDS
 UP BND       COL 1              -1.0
 MI BND       COL 2
 FX BND       COL 3               2.0
 LO BND       COL 4               1.0
 PL BND       COL 4
QUADOBJ
    COL 1     COL 1               2.0   COL 2             0.5
    COL 3     COL 3               1.0
ENDATA
`

func TestRead(t *testing.T) {
	p, err := Read(strings.NewReader(sample), nil)
	if err != nil {
		t.Fatal(err)
	}
	inf := math.Inf(1)
	want := &Problem{
		Name: "SAMPLE", Objective: "COST",
		Cols:     []string{"COL 1", "COL 2", "COL 3", "COL 4"},
		Rows:     []string{"ROW 1", "ROW 2", "ROW 3", "ROW 4"},
		Q:        &sparse.CSC{Rows: 4, Cols: 4, ColPtr: []int{0, 1, 2, 3, 3}, RowIdx: []int{0, 0, 2}, Val: []float64{2, .5, 1}},
		C:        []float64{15, 0, 0, 0},
		Constant: 7,
		A:        &sparse.CSC{Rows: 4, Cols: 4, ColPtr: []int{0, 2, 4, 6, 7}, RowIdx: []int{0, 2, 1, 3, 0, 1, 0}, Val: []float64{1, -2, 1, .5, 1, 3, 1}},
		RowLower: []float64{1.5, 1, 4, 0}, RowUpper: []float64{4, 4, 6, 2},
		Lower: []float64{-inf, -inf, 2, 1}, Upper: []float64{-1, inf, 2, inf},
	}
	if d := difference(want, p); d != "" {
		t.Error(d)
	}
	if notes := strings.Join(p.Notes, "; "); len(p.Notes) != 3 || !strings.Contains(notes, "1 N rows besides") || !strings.Contains(notes, "1 variables have a negative upper bound") || !strings.Contains(notes, `RHS has further sets beside "RHS 1"`) {
		t.Errorf("notes %q", notes)
	}
	if p.A.Check() != nil || p.Q.Check() != nil {
		t.Error(p.A.Check(), p.Q.Check())
	}
	// Written in columns, and read.
	var b bytes.Buffer
	if err := Write(&b, p, Auto); err != nil {
		t.Fatal(err)
	}
	q, err := Read(&b, &Options{Format: Fixed})
	if err != nil {
		t.Fatal(err)
	}
	if d := difference(p, q); d != "" {
		t.Error("written and read: ", d)
	}
	if err := Write(&b, p, Free); err == nil || !strings.Contains(err.Error(), "use Fixed") {
		t.Errorf("names with blanks in the free format: %v", err)
	}
}

// TestForms reads the same problem in other forms.
func TestForms(t *testing.T) {
	base := "NAME x\nROWS\n N c\n L r\n E s\nCOLUMNS\n a c 1 r 2\n b c 3 r 4\n b s 1\nRHS\n RHS r 5\nBOUNDS\n FR BND a\n UP BND b 7\nQUADOBJ\n a a 2\n a b 1\nENDATA\n"
	want, err := Read(strings.NewReader(base), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range [][]string{
		{"QUADOBJ\n a a 2\n a b 1", "QMATRIX\n a a 2\n a b 1\n b a 1"},
		{"QUADOBJ\n a a 2\n a b 1", "QSECTION c\n a a 2\n b a 1"},
		{"QUADOBJ\n a a 2\n a b 1", "QUADOBJ\n a a 2 b 1"},
		{" RHS r 5", " r 5"},
		{" RHS r 5", " RHS r 5 s 0"},
		{" UP BND b 7", " UP b 7"},
		{" FR BND a", " FR a"},
		{" FR BND a", " MI BND a\n PL BND a"},
		{" FR BND a", " FR BND a 0"},
		{" FR BND a", " LO BND a -1e30"},
		{" UP BND b 7", " PL BND b\n UP BND b 7"},
		{"RHS\n", "* comment\n\nRHS\n"},
		{" N c\n", " N c\n N free\n"},
		{" b s 1", " b s 1 $ comment"},
		{" a c 1 r 2", "\ta\tc\t1\tr\t2\r"},
		{"ENDATA\n", "ENDATA\nwhat follows is not read"},
		{"NAME x\n", "NAME x\nOBJSENSE\n MIN\n"},
		{"NAME x\n", "NAME x\nOBJSENSE MIN\n"},
		{"ROWS\n N c\n", "OBJNAME\n c\nROWS\n N first\n N c\n"},
		{" b s 1", " b s 1d0"},
		{" L r\n", " l r\n"},
		{"COLUMNS", "columns"},
	} {
		text := strings.Replace(base, r[0], r[1], 1)
		if text == base {
			t.Fatalf("%q is not there", r[0])
		}
		got, err := Read(strings.NewReader(text), nil)
		if err != nil {
			t.Errorf("%q: %v", r[1], err)
		} else if d := difference(want, got); d != "" {
			t.Errorf("%q: %s", r[1], d)
		}
	}
	max, err := Read(strings.NewReader("NAME\nOBJSENSE\n    MAX\n"+base[7:]), nil)
	if err != nil || !max.Maximize {
		t.Errorf("OBJSENSE MAX: %v", err)
	}
}

// TestDecimal holds the quick parser against strconv.
func TestDecimal(t *testing.T) {
	quick := 0
	for _, mant := range []string{"", "0", "1", "7.25", ".5", "5.", "123456789012345", "1234567890123456", "0.000123", "00012.5", "99999999999999.9", "."} {
		for _, sign := range []string{"", "-", "+", "--"} {
			for _, exp := range []string{"", "e0", "e5", "E-7", "e+12", "e-22", "e22", "e23", "e-300", "e", "e+", "ex", "e1000"} {
				s := sign + mant + exp
				v, ok := decimal([]byte(s))
				if !ok {
					continue
				}
				quick++
				want, err := strconv.ParseFloat(s, 64)
				if err != nil || math.Float64bits(v) != math.Float64bits(want) {
					t.Errorf("%q is %v, want %v, %v", s, v, want, err)
				}
			}
		}
	}
	if quick < 150 {
		t.Errorf("%d numbers were parsed", quick)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("NAME x\nROWS\n N c\n L r\n E s\nCOLUMNS\n a c 1 r 2\n b c 3 r 4\n b s 1\nRHS\n RHS r 5\nBOUNDS\n FR BND a\n UP BND b 7\nQUADOBJ\n a a 2\n a b 1\nENDATA\n"))
	bad, _ := filepath.Glob("testdata/bad/*.mps")
	for _, name := range bad {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, format := range []Format{Auto, Free, Fixed} {
			p, err := Read(bytes.NewReader(b), &Options{Format: format})
			if err != nil {
				var syntax *SyntaxError
				if p != nil || len(b) > 2 && b[0] != 0x1f && !errors.As(err, &syntax) {
					t.Errorf("problem %v with error %v", p, err)
				}
				continue
			}
			for _, a := range []*sparse.CSC{p.A, p.Q} {
				if a == nil {
					continue
				}
				if err := a.Check(); err != nil {
					t.Fatal(err)
				}
			}
			var out bytes.Buffer
			if err := Write(&out, p, Free); err != nil {
				continue // names that the format cannot hold
			}
			q, err := Read(&out, &Options{Format: Free})
			if err != nil {
				t.Fatalf("%v in what was written", err)
			}
			p.Name, q.Name, p.Objective, q.Objective = "", "", "", ""
			for i := range p.Rows { // a range is the difference of two sides
				if d := math.Abs(p.RowLower[i] - q.RowLower[i]); d <= 1e-15*max(math.Abs(p.RowUpper[i]), math.Abs(p.RowLower[i])) {
					q.RowLower[i] = p.RowLower[i]
				}
			}
			if d := difference(p, q); d != "" {
				t.Errorf("written and read: %s", d)
			}
		}
	})
}

// BenchmarkRead reads a made-up QPS file of 3 MB.
func BenchmarkRead(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("NAME          BENCH\nROWS\n N  OBJ\n")
	const n = 11000
	for i := range n {
		fmt.Fprintf(&text, " L  R%07d\n", i)
	}
	text.WriteString("COLUMNS\n")
	for j := range n {
		fmt.Fprintf(&text, "    C%07d  OBJ       %12.6g   R%07d  %12.6g\n", j, float64(j)*.37, j, 1+float64(j)/7)
		fmt.Fprintf(&text, "    C%07d  R%07d  %12.6g   R%07d  %12.6g\n", j, (j*7+1)%n, -float64(j)/3, (j*11+2)%n, .1234567*float64(j+1))
	}
	text.WriteString("RHS\n")
	for i := range n {
		fmt.Fprintf(&text, "    RHS       R%07d  %12.6g\n", i, float64(i))
	}
	text.WriteString("BOUNDS\n")
	for j := range n {
		fmt.Fprintf(&text, " UP BND       C%07d  %12.6g\n", j, float64(j)+.5)
	}
	text.WriteString("QUADOBJ\n")
	for j := range n {
		fmt.Fprintf(&text, "    C%07d  C%07d  %12.6g\n", j, j, 1/float64(j+1))
	}
	text.WriteString("ENDATA\n")
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(bytes.NewReader(text.Bytes()), nil); err != nil {
			b.Fatal(err)
		}
	}
}
