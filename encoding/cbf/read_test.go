package cbf

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/internal/linescan/linetest"
	"github.com/optnet-go/optnet/sparse"
)

// mixed has every section but INT.
const mixed = `# maximize 2x₀ − x₂ + ⟨[1 3; 3 0], X⟩ + 7
VER
3
OBJSENSE
MAX

PSDVAR
1
2
VAR
3 2
L+ 1
F 2
PSDCON
1
2
CON
5 3
L= 1
F 1
QR 3

OBJFCOORD
2
0 0 0 1
0 1 0 3
OBJACOORD
2
0 2
2 -1
OBJBCOORD
7
FCOORD
2
0 0 0 1 2
2 0 1 1 4
ACOORD
4
0 0 1
1 1 9
3 2 5
4 1 -1
BCOORD
2
0 -6
2 8
HCOORD
2
0 1 0 0 1
0 2 1 0 1.5
DCOORD
1
0 1 0 -2
`

func TestRead(t *testing.T) {
	f, err := Read(strings.NewReader(mixed))
	if err != nil {
		t.Fatal(err)
	}
	check(t, f)
	if f.Version != 3 || !f.Maximize || f.Constant != 7 || f.Vars != 3 || f.Rows != 5 || !slices.Equal(f.PSDVars, []int{2}) || !slices.Equal(f.PSDRows, []int{2}) {
		t.Errorf("got %+v", f)
	}
	if got := f.Objective(-4); got != 11 {
		t.Errorf("Objective(-4) = %v, want 11", got)
	}
	r, h := math.Sqrt2, math.Sqrt2/2
	p := f.Problem
	close(t, "Q", p.Q, []float64{-2, 0, 1, -1, -3 * r, 0}) // of x₀, x₁, x₂, X₀₀, √2·X₀₁, X₁₁
	close(t, "B", p.B, []float64{-6, h * 8, h * 8, 0, 0, -2 * r, 0, 0, 0, 0, 0})
	close(t, "A", rowMajor(p.A), []float64{
		-1, 0, 0, 0, -2 * r, 0, // row 0; row 1 is free
		0, 0, -5 * h, 0, 0, -4 * h, // rows 2 to 4: (k₁+k₂)/√2, (k₁−k₂)/√2, k₃
		0, 0, 5 * h, 0, 0, -4 * h,
		0, 1, 0, 0, 0, 0,
		0, -1, 0, 0, 0, 0, // PSDCON
		0, 0, -1.5 * r, 0, 0, 0,
		0, 0, 0, 0, 0, 0,
		-1, 0, 0, 0, 0, 0, // x₀ ≥ 0
		0, 0, 0, -1, 0, 0, // X ⪰ 0
		0, 0, 0, 0, -1, 0,
		0, 0, 0, 0, 0, -1,
	})
	want := []conic.Cone{{Kind: conic.Zero, Size: 1}, {Kind: conic.SecondOrder, Size: 3}, {Kind: conic.PSD, Size: 2}, {Kind: conic.NonNegative, Size: 1}, {Kind: conic.PSD, Size: 2}}
	if fmt.Sprint(p.Cones) != fmt.Sprint(want) {
		t.Errorf("Cones = %v, want %v", p.Cones, want)
	}
}

func rowMajor(a *sparse.CSC) []float64 {
	d := make([]float64, a.Rows*a.Cols)
	for j := range a.Cols {
		for k := a.ColPtr[j]; k < a.ColPtr[j+1]; k++ {
			d[a.RowIdx[k]*a.Cols+j] = a.Val[k]
		}
	}
	return d
}

func close(t *testing.T, name string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d entries, want %d", name, len(got), len(want))
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-14 {
			t.Errorf("%s[%d] = %v, want %v", name, i, got[i], want[i])
		}
	}
}

// slack is how far s = b − Ax is inside K, for K of one cone of dimension ≤ 5:
// positive inside, negative outside.
func slack(p *conic.Problem, x []float64) float64 {
	s := slices.Clone(p.B)
	d := rowMajor(p.A)
	for i := range s {
		for j, v := range x {
			s[i] -= d[i*len(x)+j] * v
		}
	}
	c := p.Cones[0]
	alpha := c.Alpha
	switch c.Kind {
	case conic.Zero:
		return -norm(s)
	case conic.NonNegative:
		return slices.Min(s)
	case conic.SecondOrder:
		return s[0] - norm(s[1:])
	case conic.Exponential:
		if s[1] <= 0 {
			return s[1] - 1e-300
		}
		return s[2] - s[1]*math.Exp(s[0]/s[1])
	case conic.Power:
		alpha = []float64{alpha[0], 1 - alpha[0]}
	}
	prod := 1.0
	for i, a := range alpha {
		if s[i] < 0 {
			return s[i]
		}
		prod *= math.Pow(s[i], a)
	}
	return prod - norm(s[len(alpha):])
}

func norm(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum)
}

// TestCones compares membership of random points in each cone of the format, by
// the format's own definition, with that of their image in K.
func TestCones(t *testing.T) {
	pow := func(k, alpha []float64, dual bool) float64 {
		prod := 1.0
		for i, a := range alpha {
			if k[i] < 0 {
				return k[i]
			}
			v := k[i]
			if dual {
				v /= a
			}
			prod *= math.Pow(v, a)
		}
		return prod - norm(k[len(alpha):])
	}
	for _, c := range []struct {
		name string
		dim  int
		kind conic.Kind
		in   func(k []float64) float64
	}{
		{"L+", 2, conic.NonNegative, slices.Min[[]float64]},
		{"L-", 2, conic.NonNegative, func(k []float64) float64 { return -slices.Max(k) }},
		{"Q", 1, conic.NonNegative, func(k []float64) float64 { return k[0] }},
		{"Q", 3, conic.SecondOrder, func(k []float64) float64 { return k[0] - norm(k[1:]) }},
		{"QR", 2, conic.SecondOrder, slices.Min[[]float64]},
		{"QR", 4, conic.SecondOrder, func(k []float64) float64 {
			return min(k[0], k[1], 2*k[0]*k[1]-k[2]*k[2]-k[3]*k[3])
		}},
		{"EXP", 3, conic.Exponential, func(k []float64) float64 {
			if k[1] <= 0 {
				return min(k[1], -1e-300)
			}
			return k[0] - k[1]*math.Exp(k[2]/k[1])
		}},
		{"EXP*", 3, conic.Exponential, func(k []float64) float64 {
			if k[2] >= 0 {
				return min(-k[2], -1e-300)
			}
			return k[0] + k[2]*math.Exp(k[1]/k[2]-1)
		}},
		{"@0:POW", 3, conic.Power, func(k []float64) float64 { return pow(k, []float64{0.25, 0.75}, false) }},
		{"@0:POW*", 3, conic.Power, func(k []float64) float64 { return pow(k, []float64{0.4, 0.6}, true) }},
		{"@1:POW", 5, conic.GenPower, func(k []float64) float64 { return pow(k, []float64{0.2, 0.2, 0.6}, false) }},
		{"@1:POW*", 5, conic.GenPower, func(k []float64) float64 { return pow(k, []float64{0.5, 0.3, 0.2}, true) }},
		{"@1:POW", 3, conic.NonNegative, slices.Min[[]float64]},
		{"@2:POW", 3, conic.SecondOrder, func(k []float64) float64 { return k[0] - norm(k[1:]) }},
	} {
		t.Run(fmt.Sprint(c.name, c.dim), func(t *testing.T) {
			f, err := Read(strings.NewReader(fmt.Sprintf(`VER
3
POWCONES
3 6
2
1
3
3
1
1
3
1
2
POW*CONES
2 5
2
2
3
3
5
3
2
OBJSENSE
MIN
VAR
%d 1
%s %d
`, c.dim, c.name, c.dim)))
			if err != nil {
				t.Fatal(err)
			}
			check(t, f)
			if len(f.Problem.Cones) != 1 || f.Problem.Cones[0].Kind != c.kind {
				t.Fatalf("Cones = %v, want one of kind %d", f.Problem.Cones, c.kind)
			}
			r := rand.New(rand.NewPCG(1, uint64(c.dim)))
			k := make([]float64, c.dim)
			inside := 0
			for range 4000 {
				for i := range k {
					k[i] = r.NormFloat64()
				}
				want, got := c.in(k), slack(f.Problem, k)
				if math.Abs(want) > 1e-12 && (want > 0) != (got > 0) {
					t.Fatalf("%v: %v by definition, %v in K", k, want, got)
				}
				if want > 0 {
					inside++
				}
			}
			if inside < 20 {
				t.Errorf("only %d points inside: the test says little", inside)
			}
		})
	}
}

func TestReading(t *testing.T) {
	all := func(r io.Reader) error {
		_, err := Read(r)
		return err
	}
	linetest.Gzip(t, mixed, all)
	linetest.Fails(t, mixed, all)
}

// TestBadFiles has one file a rule: the message must name the line and the fault.
// Lines are joined by ;, and ~ stands for a head with two variables and two rows
// of five lines (1: VER, …, 11: L= 2).
func TestBadFiles(t *testing.T) {
	const head = "VER;3;OBJSENSE;MIN;VAR;2 1;F 2;CON;2 1;L= 2;"
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "the file is empty"},
		{"no version", "OBJSENSE;MIN", "line 1: the file begins with \"OBJSENSE\", want the section VER"},
		{"version 9", "VER;9", "line 2: version \"9\", want 1 to 4"},
		{"ends in version", "VER", "line 1: the file ends where the version"},
		{"unknown section", "VER;3;HELLO", "line 3: \"HELLO\", want the keyword"},
		{"keyword with more", "VER;3;OBJSENSE MIN", "line 3: \"OBJSENSE MIN\", want the keyword"},
		{"section twice", "~OBJSENSE;MIN", "line 11: section OBJSENSE again; the first is in line 3"},
		{"sense", "VER;3;OBJSENSE;DOWN", "line 4: sense \"DOWN\", want MIN or MAX"},
		{"no sense", "VER;3;VAR;1 1;F 1", "without a section OBJSENSE"},
		{"no variables", "VER;3;OBJSENSE;MIN", "without a section VAR or PSDVAR"},
		{"several problems", "~CHANGE", "line 11: CHANGE: the file holds several problems"},
		{"integers", "~INT;1;0", "line 12: INT: 1 variables must be integers"},
		{"order of sections", "VER;3;OBJACOORD;1;0 1", "line 3: section OBJACOORD before section VAR"},
		{"negative size", "VER;3;VAR;-1 1", "line 4: the number of variables is -1, want 0 to"},
		{"huge size", "VER;3;VAR;99999999999 1", "line 4: the number of variables is 99999999999, want 0 to"},
		{"size not a number", "VER;3;VAR;two 1", "line 4: the number of variables is \"two\", want an integer"},
		{"one size", "VER;3;VAR;2", "line 4: 1 fields, want 2"},
		{"cones too large", "VER;3;VAR;2 1;F 3", "line 5: the dimension of the cone is 3, want 0 to 2"},
		{"cones too small", "VER;3;CON;2 1;F 1", "line 5: the cones have 1 rows, want the 2"},
		{"unknown cone", "VER;3;VAR;2 1;SVEC 2", "line 5: cone \"SVEC\", want one of"},
		{"exponential of 4", "VER;3;VAR;4 1;EXP 4", "line 5: cone EXP of dimension 4, want 3"},
		{"rotated of 1", "VER;3;VAR;1 1;QR 1", "line 5: cone QR of dimension 1, want at least 2"},
		{"second order of 0", "VER;3;VAR;1 1;Q 0", "line 5: cone Q of dimension 0, want at least 1"},
		{"power not there", "VER;3;VAR;3 1;@0:POW 3", "line 5: cone \"@0:POW\"; the file has 0 such power cones"},
		{"power too small", "VER;3;POWCONES;1 2;2;1;1;VAR;1 1;@0:POW 1", "line 10: cone @0:POW of dimension 1, want at least 2"},
		{"power without exponents", "VER;3;POWCONES;1 2;0", "line 5: 0 exponents, want 1 to"},
		{"exponents above total", "VER;3;POWCONES;1 2;3", "line 5: 3 exponents, want 1 to the 2"},
		{"exponents below total", "VER;3;POWCONES;1 2;1;1", "line 6: the power cones have 1 exponents fewer"},
		{"exponent 0", "VER;3;POW*CONES;1 1;1;0", "line 6: exponent 0, want a positive"},
		{"exponents too far apart", "VER;3;POWCONES;1 2;2;1;1e-13", "line 7: exponent 1e-13 is less than 1e-12 of the cone's sum"},
		{"matrix of order 0", "VER;3;PSDVAR;1;0", "line 5: a matrix of order 0"},
		{"huge matrix", "VER;3;PSDCON;1;1000000", "line 5: the matrices have"},
		{"matrices huge together", "VER;3;PSDCON;2;4000;4000", "line 6: the matrices have"},
		{"section truncated", "~ACOORD;2;0 0 1", "line 13: the file ends where indices and a value"},
		{"negative count", "~ACOORD;-2", "line 12: the number of entries is -2"},
		{"row out of range", "~ACOORD;1;2 0 1", "line 13: row is 2, want 0 to 1"},
		{"variable out of range", "~ACOORD;1;0 -1 1", "line 13: variable is -1, want 0 to 1"},
		{"two fields", "~ACOORD;1;0 1", "line 13: 2 fields, want 3"},
		{"value not finite", "~ACOORD;1;0 1 nan", "line 13: the value is \"nan\", want a number of at most 1e+300"},
		{"value too large", "~BCOORD;1;0 1e999", "line 13: the value is \"1e999\", want a number of at most 1e+300"},
		{"entry twice", "~ACOORD;2;0 1 1;0 1 1", "line 14: this entry is already given in line 13"},
		{"objective twice", "~OBJACOORD;2;1 1;1 1", "line 14: this entry is already given in line 13"},
		{"constant twice", "~BCOORD;2;1 1;1 1", "line 14: this entry is already given in line 13"},
		{"both triangles", "~PSDVAR;1;2;FCOORD;2;0 0 0 1 1;0 0 1 0 1", "line 17: this entry is already given in line 16"},
		{"matrix index", "~PSDVAR;1;2;FCOORD;1;0 0 0 2 1", "line 16: column of the matrix is 2, want 0 to 1"},
		{"long line", strings.Repeat("x", 1<<17), "line 1: more than 65536 bytes in a line; is this a CBF file?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.ReplaceAll(strings.ReplaceAll(c.text, "~", head), ";", "\n")
			f, err := Read(strings.NewReader(text))
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
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(mixed))
	f.Add([]byte("VER\n4\nPOW*CONES\n1 2\n2\n1\n3\nOBJSENSE\nMIN\nVAR\n9 4\nEXP* 3\n@0:POW* 3\nL- 1\nQ 2\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := read(bytes.NewReader(data), 1<<12)
		if err != nil {
			return
		}
		check(t, file)
	})
}

// TestOpenSet reads all CBLIB files that are there, and compares the cones with
// those of the index.
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
		if row[1] != "cblib" {
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
			if fmt.Sprint(f.Vars) != row[3] || fmt.Sprint(f.Rows) != row[4] {
				t.Errorf("%d variables and %d rows, want %s and %s", f.Vars, f.Rows, row[3], row[4])
			}
			want := map[conic.Kind]int{}
			kinds := map[string]conic.Kind{"L=": conic.Zero, "L+": conic.NonNegative, "L-": conic.NonNegative, "Q": conic.SecondOrder, "QR": conic.SecondOrder, "EXP": conic.Exponential, "POW": conic.Power}
			for field := range strings.FieldsSeq(row[5]) {
				name, count, _ := strings.Cut(field, ":")
				if kind, ok := kinds[name]; ok {
					n, _ := strconv.Atoi(count)
					want[kind] += n
				}
			}
			got := map[conic.Kind]int{}
			for _, c := range f.Problem.Cones {
				switch c.Kind {
				case conic.Zero, conic.NonNegative:
					got[c.Kind] += c.Size
				default:
					got[c.Kind]++
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("cones %v, want %v", got, want)
			}
		})
	}
	if seen == 0 {
		t.Error("no CBLIB file in the index")
	}
}
