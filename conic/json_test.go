package conic_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/sparse"
)

func TestJSONRoundTrip(t *testing.T) {
	p := conic.Problem{
		P: &sparse.CSC{Rows: 2, Cols: 2, ColPtr: []int{0, 1, 3}, RowIdx: []int{0, 0, 1}, Val: []float64{1, 0.1, 2}},
		Q: []float64{1e-300, -1. / 3},
		A: &sparse.CSC{Rows: 17, Cols: 2, ColPtr: []int{0, 2, 3}, RowIdx: []int{0, 16, 3}, Val: []float64{1, 0.1, 2}},
		B: make([]float64, 17),
		Cones: []conic.Cone{{Kind: conic.Zero, Size: 1}, {Kind: conic.NonNegative, Size: 2}, {Kind: conic.SecondOrder, Size: 2}, {Kind: conic.PSD, Size: 2},
			{Kind: conic.Exponential}, {Kind: conic.Power, Alpha: []float64{0.3}}, {Kind: conic.GenPower, Alpha: []float64{0.25, 0.75}, Size: 1}},
	}
	text, err := json.Marshal(&p)
	if err != nil {
		t.Fatal(err)
	}
	var q conic.Problem
	if err := json.Unmarshal(text, &q); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if !reflect.DeepEqual(p, q) {
		t.Errorf("%s\ngave %+v", text, q)
	}
}

// TestJSONSpecial: what was captured because of a NaN can be written and read.
func TestJSONSpecial(t *testing.T) {
	p := conic.Problem{
		Q: []float64{math.NaN()}, A: &sparse.CSC{Rows: 1, Cols: 1, ColPtr: []int{0, 1}, RowIdx: []int{0}, Val: []float64{math.Inf(-1)}},
		B: []float64{math.Inf(1)}, Cones: []conic.Cone{{Kind: conic.NonNegative, Size: 1}},
	}
	text, err := json.Marshal(&p)
	if err != nil {
		t.Fatal(err)
	}
	var q conic.Problem
	if err := json.Unmarshal(text, &q); err != nil || !math.IsNaN(q.Q[0]) || q.A.Val[0] != p.A.Val[0] || q.B[0] != p.B[0] {
		t.Errorf("%v: %s gave %+v", err, text, q)
	}
}

// TestJSONDual holds rows of dual cones, rewritten as those of primal ones, against
// the definition of the dual: the pairing with a point of the primal cone is never
// negative, and on the boundary it comes to 0.
func TestJSONDual(t *testing.T) {
	for _, kind := range []string{`"kind": "exp_dual"`, `"kind": "power_dual", "alpha": 0.3`} {
		text := `{"q": [0, 0, 0], "A": [[0, 0, -1], [1, 1, -1], [2, 2, -1]], "b": [0, 0, 0], "cones": [{` + kind + `}]}`
		var p conic.Problem
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		in := func(s [3]float64) bool { // of the primal cone
			if p.Cones[0].Kind == conic.Exponential {
				return s[1] > 0 && s[1]*math.Exp(s[0]/s[1]) <= s[2]
			}
			return s[0] >= 0 && s[1] >= 0 && math.Pow(s[0], 0.3)*math.Pow(s[1], 0.7) >= math.Abs(s[2])
		}
		rng := rand.New(rand.NewPCG(1, 2))
		draw := func() [3]float64 { return [3]float64{rng.NormFloat64(), rng.NormFloat64(), rng.NormFloat64()} }
		least, dual := math.Inf(1), 0
		for range 3000 {
			x := draw()
			var s [3]float64 // the rewritten rows, −Ax
			for j := range 3 {
				for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
					s[p.A.RowIdx[k]] -= p.A.Val[k] * x[j]
				}
			}
			if !in(s) {
				continue
			}
			dual++
			for range 300 {
				if y := draw(); in(y) {
					least = min(least, x[0]*y[0]+x[1]*y[1]+x[2]*y[2])
				}
			}
		}
		if dual < 30 || least < -1e-12 || least > 0.1 {
			t.Errorf("%s: %d points, smallest product %v", kind, dual, least)
		}
	}
}

func TestJSONErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{`:                            "line 1: unexpected end",
		"{\"q\": [1],\n x}":            "line 2: invalid character",
		`{"q": [1], "A": [], "b": []}`: `want "A", "b" and "cones"`,
		`{"q": [], "A": [], "b": [], "cones": []}`:                                           "q is empty",
		`{"A": [], "b": [], "cones": []}`:                                                    `"q" is missing`,
		`{"q": [1], "c": [1], "A": [], "b": [], "cones": []}`:                                "two names of one thing",
		`{"q": [1], "x": 1}`:                                                                 `unknown key "x"`,
		`{"q": [1], "n": 2, "A": [], "b": [], "cones": []}`:                                  "do not agree",
		`{"q": [1], "A": [["NaN", 0, 1]], "b": [1], "cones": [{"kind": "zero", "size": 1}]}`: "at row NaN",
		`{"q": "1"}`: `"q": json: cannot unmarshal`,
		`{"q": [1], "A": [[0, 0]], "b": [1], "cones": [{"kind": "zero", "size": 1}]}`:                          "entry 0 of A has 2 numbers",
		`{"q": [1], "A": [[0, 1, 1]], "b": [1], "cones": [{"kind": "zero", "size": 1}]}`:                       "at row 0, column 1 of a 1×1 matrix",
		`{"q": [1], "A": [[0.5, 0, 1]], "b": [1], "cones": [{"kind": "zero", "size": 1}]}`:                     "at row 0.5",
		`{"q": [1], "A": [[0, 0, 1], [0, 0, 2]], "b": [1], "cones": [{"kind": "zero", "size": 1}]}`:            "two entries",
		`{"q": [1, 1], "P": [[1, 0, 1]], "A": [], "b": [], "cones": []}`:                                       "below the diagonal",
		`{"q": [1], "A": [], "b": [1], "cones": []}`:                                                           "the cones have 0 rows, b has 1",
		`{"q": [1], "A": [], "b": [1], "cones": [{"kind": "zero", "size": 1000000000}]}`:                       "needs 1000000000 rows",
		`{"q": [1], "A": [], "b": [1], "cones": [{"kind": "zero", "size": -1}]}`:                               "size is -1",
		`{"q": [1], "A": [], "b": [1], "cones": [{"kind": "zero"}]}`:                                           "has no size",
		`{"q": [1], "A": [], "b": [1], "cones": [{"kind": "sphere", "size": 1}]}`:                              `kind is "sphere"`,
		`{"q": [1], "A": [], "b": [1], "cones": [{"kind": "soc_dual", "size": 1}]}`:                            `kind is "soc"`,
		`{"q": [1], "A": [], "b": [1, 2, 3], "cones": [{"kind": "power"}]}`:                                    "alpha is",
		`{"q": [1], "A": [], "b": [1, 2, 3], "cones": [{"kind": "power", "alpha": 1}]}`:                        "alpha is",
		`{"q": [1], "A": [], "b": [1, 2, 3], "cones": [{"kind": "genpower", "size": 1, "alpha": [0.5, 0.4]}]}`: "adds up to 0.9",
		`{"q": [1], "A": [], "b": [1, 2, 3], "cones": [{"kind": "exp", "size": 4}]}`:                           "has three rows, got 4",
		`{"q": [1], "A": [], "b": [1, 2, 3], "cones": [{"kind": "psd", "dim": 3}]}`:                            "the order of the matrix",
		`{"q": [1], "A": [], "b": [1, 2, 3], "cones": [{"kind": "psd", "size": 2000000000}]}`:                  "want at most",
		`{"q": [1], "A": [], "b": [1, 2, 3], "cones": [{"kind": "zero", "size": 3, "colour": 1}]}`:             `unknown field "colour"`,
	} {
		var p conic.Problem
		err := p.UnmarshalJSON([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || p.A != nil {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestJSONCollection reads the small cases of the collection.
func TestJSONCollection(t *testing.T) {
	names, _ := filepath.Glob("../../shared/data/conic/open/small/*.json")
	if len(names) == 0 {
		t.Skip("the collection of cone programs is not here")
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var p conic.Problem
		if err := json.Unmarshal(text, &p); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := p.A.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"n": 2, "P": [[0, 0, 1], [0, 1, 0.5]], "q": [1, 2], "A": [[0, 0, 1], [1, 1, -1]], "b": [1, 0], "cones": [{"kind": "zero", "size": 1}, {"kind": "nonneg", "size": 1}]}`))
	f.Add([]byte(`{"c": [1], "A": [[0, 0, 1], [1, 0, 1], [2, 0, 3]], "b": [1, 0, 2], "cones": [{"type": "power_dual", "alpha": 0.5, "dim": 3}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var p conic.Problem
		if p.UnmarshalJSON(text) != nil {
			return
		}
		if err := p.A.Check(); err != nil {
			t.Fatal(err)
		}
		out, err := p.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if p.UnmarshalJSON(out) != nil {
			t.Fatalf("%s", out)
		}
	})
}
