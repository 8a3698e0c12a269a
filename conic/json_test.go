package conic_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
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
		`{`:                            "line 1, column 2: the text ends here",
		"{\"q\": [1],\n x}":            "line 2, column 2: got 'x'",
		`{"q": [1], "A": [], "b": []}`: `"cones" is missing`,
		`{"q": [1], "q": [2]}`:         `"q" is there twice`,
		"{\"q\": [1],\n \"A\": [[0, 0, 1],\n [0, 1, 1]],\n \"b\": [1], \"cones\": [{\"kind\": \"zero\", \"size\": 1}]}":                   "line 3, column 2: entry 1 of A is at row 0, column 1",
		"{\"q\": [1], \"A\": [], \"b\": [1, 2, 3],\n \"cones\": [{\"kind\": \"zero\", \"size\": 2},\n {\"kind\": \"psd\", \"size\": 2}]}": "line 3, column 2: cone 1 needs 3 rows",
		`{"q": [[1], [2]], "A": [], "b": [], "cones": []}`:                                                                                "a batch of 2, want one problem: use ParseBatch",
		`{"q": [[1], [2]], "A": [], "b": [[1], [2], [3]], "cones": []}`:                                                                   `"b" has values for 3 elements, want 2`,
		`{"size": 3, "q": [[1], [2]], "A": [], "b": [], "cones": []}`:                                                                     `"q" has values for 2 elements, want 3`,
		`{"q": [[1], [2]], "A": [[0, 0, [1]]], "b": [1], "cones": []}`:                                                                    "this entry has values for 1 elements, want 2",
		`{"q": [[[1]]], "A": [], "b": [], "cones": []}`:                                                                                   "nested 3 deep",
		`{"q": [1], "A": [[0, 0, 1, 2]], "b": [], "cones": []}`:                                                                           "entry 0 of A has 4 numbers",
		`{"q": [1], "A": [[0, -1, 1]], "b": [], "cones": []}`:                                                                             "is at column -1",
		`{"q": [1], "A": [], "b": [], "cones": []} {}`:                                                                                    "text follows",
		`{"q": [1], "A": [], "b": [], "cones": [], "note": [{"x": [1, true]}, nul]}`:                                                      "is not a number",
		`{"q": [], "A": [], "b": [], "cones": []}`:                                                                                        "q is empty",
		`{"A": [], "b": [], "cones": []}`:                                                                                                 "is missing",
		`{"q": [1], "c": [1], "A": [], "b": [], "cones": []}`:                                                                             "two names of one thing",
		`{"q": [1], "x": 1}`: `unknown key "x"`,
		`{"q": [1], "n": 2, "A": [], "b": [], "cones": []}`:                                  "do not agree",
		`{"q": [1], "A": [["NaN", 0, 1]], "b": [1], "cones": [{"kind": "zero", "size": 1}]}`: "is at row NaN",
		`{"q": "1"}`: `column 7: got '"', want "["`,
		`{"q": [1], "A": [[0, 0]], "b": [1], "cones": [{"kind": "zero", "size": 1}]}`:                          "entry 0 of A has 2 numbers",
		`{"q": [1], "A": [[0, 1, 1]], "b": [1], "cones": [{"kind": "zero", "size": 1}]}`:                       "at row 0, column 1 of a 1×1 matrix",
		`{"q": [1], "A": [[0.5, 0, 1]], "b": [1], "cones": [{"kind": "zero", "size": 1}]}`:                     "at row 0.5",
		`{"q": [1], "A": [[0, 0, 1], [0, 0, 2]], "b": [1], "cones": [{"kind": "zero", "size": 1}]}`:            "two entries",
		`{"q": [1, 1], "P": [[1, 0, 1]], "A": [], "b": [], "cones": []}`:                                       "below the diagonal",
		`{"q": [1], "A": [], "b": [1], "cones": []}`:                                                           "the cones have 0 rows, b has 1",
		`{"q": [1], "A": [], "b": [1], "cones": [{"kind": "zero", "size": 1000000000}]}`:                       "needs 1000000000 rows",
		`{"q": [1], "A": [], "b": [1], "cones": [{"kind": "zero", "size": -1}]}`:                               "got -1, want an integer from 0",
		`{"q": [1], "A": [], "b": [1], "cones": [{"kind": "zero"}]}`:                                           "has no size",
		`{"q": [1], "A": [], "b": [1], "cones": [{"kind": "sphere", "size": 1}]}`:                              `kind is "sphere"`,
		`{"q": [1], "A": [], "b": [1], "cones": [{"kind": "soc_dual", "size": 1}]}`:                            `kind is "soc_dual"`,
		`{"q": [1], "A": [], "b": [1, 2, 3], "cones": [{"kind": "power"}]}`:                                    "alpha is missing or out of range",
		`{"q": [1], "A": [], "b": [1, 2, 3], "cones": [{"kind": "power", "alpha": 1}]}`:                        "alpha is missing or out of range",
		`{"q": [1], "A": [], "b": [1, 2, 3], "cones": [{"kind": "genpower", "size": 1, "alpha": [0.5, 0.4]}]}`: "adds up to 0.9",
		`{"q": [1], "A": [], "b": [1, 2, 3], "cones": [{"kind": "exp", "size": 4}]}`:                           "has three rows, got 4",
		`{"q": [1], "A": [], "b": [1, 2, 3], "cones": [{"kind": "psd", "dim": 3}]}`:                            "the order of the matrix",
		`{"q": [1], "A": [], "b": [1, 2, 3], "cones": [{"kind": "psd", "size": 2000000000}]}`:                  "want at most",
		`{"q": [1], "A": [], "b": [1, 2, 3], "cones": [{"kind": "zero", "size": 3, "colour": 1}]}`:             `unknown key "colour" of cone 0`,
	} {
		var p conic.Problem
		err := p.UnmarshalJSON([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || p.A != nil {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestJSONBatch: batches go out and in, shared coefficients and those of each element;
// and an element is what it is alone.
func TestJSONBatch(t *testing.T) {
	st := &conic.Structure{
		N: 2, P: &sparse.CSC{Rows: 2, Cols: 2, ColPtr: []int{0, 1, 2}, RowIdx: []int{0, 0}},
		A:     &sparse.CSC{Rows: 3, Cols: 2, ColPtr: []int{0, 2, 3}, RowIdx: []int{0, 2, 1}},
		Cones: []conic.Cone{{Kind: conic.Zero, Size: 1}, {Kind: conic.SecondOrder, Size: 2}},
	}
	nan, inf := math.NaN(), math.Inf(1)
	for name, b := range map[string]*conic.Batch{
		"shared":      {Size: 3, Data: conic.Data{P: []float64{1, 2}, Q: []float64{3, 4}, A: []float64{5, 6, 7}, B: []float64{8, 9, 10}}},
		"per element": {Size: 2, Data: conic.Data{P: []float64{1, 2, -1, 1. / 3}, Q: []float64{3, nan, 1e-300, 4}, A: []float64{5, 6, 7, 0, inf, 1}, B: []float64{8, 9, 10, -inf, 0, 1}}},
		"mixed":       {Size: 2, Data: conic.Data{P: []float64{1, 2}, Q: []float64{3, 4, 5, 6}, A: []float64{5, 6, 7}, B: []float64{8, 9, 10, 1, 2, 3}}},
		"empty":       {Size: 0, Data: conic.Data{P: []float64{1, 2}, Q: []float64{3, 4}, A: []float64{5, 6, 7}, B: []float64{8, 9, 10}}},
	} {
		text, err := b.AppendJSON(nil, st, `a "name"`)
		if err != nil || !json.Valid(text) {
			t.Fatalf("%s: %v: %s", name, err, text)
		}
		st2, b2, err := conic.ParseBatch(text)
		if err != nil || !reflect.DeepEqual(st, st2) || fmt.Sprint(*b) != fmt.Sprint(*b2) {
			t.Errorf("%s: %v\n%s\ngave %+v %+v", name, err, text, st2, b2)
			continue
		}
		for i := range b.Size {
			one, err := json.Marshal(b.Problem(st, i))
			if err != nil {
				t.Fatal(err)
			}
			var p conic.Problem
			if err := json.Unmarshal(one, &p); err != nil || fmt.Sprint(p.Q, p.B, p.A.Val, p.P.Val) != fmt.Sprint(b.Problem(st, i).Q, b.Problem(st, i).B, b.Problem(st, i).A.Val, b.Problem(st, i).P.Val) {
				t.Errorf("%s, element %d: %v: %s", name, i, err, one)
			}
		}
	}
	// A shared value beside values of elements.
	_, b, err := conic.ParseBatch([]byte(`{"q": [1], "A": [[0, 0, 2], [1, 0, [3, 4]]], "b": [1, 1], "cones": [{"kind": "nonneg", "size": 2}]}`))
	if err != nil || b.Size != 2 || !slices.Equal(b.A, []float64{2, 3, 2, 4}) || !slices.Equal(b.Q, []float64{1}) {
		t.Errorf("%v: %+v", err, b)
	}
	if _, err := (&conic.Batch{Size: 2, Data: conic.Data{P: []float64{1}, Q: []float64{3, 4}, A: []float64{5, 6, 7}, B: []float64{8, 9, 10}}}).AppendJSON(nil, st, ""); err == nil {
		t.Error("a P of one number is written")
	}
}

// TestJSONDualBatch: rows of dual cones are rewritten for each element as for one.
func TestJSONDualBatch(t *testing.T) {
	form := `{"q": [0, 0], "A": [[0, 0, %s], [1, 0, 2], [2, 1, 1], [3, 0, 5], [5, 1, %s]], "b": %s, "cones": [{"kind": "exp_dual"}, {"kind": "power_dual", "alpha": 0.3}]}`
	st, b, err := conic.ParseBatch(fmt.Appendf(nil, form, "[1, 7]", "[2, 3]", "[[1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1]]"))
	if err != nil {
		t.Fatal(err)
	}
	for i, alone := range []string{fmt.Sprintf(form, "1", "2", "[1, 2, 3, 4, 5, 6]"), fmt.Sprintf(form, "7", "3", "[6, 5, 4, 3, 2, 1]")} {
		var p conic.Problem
		if err := json.Unmarshal([]byte(alone), &p); err != nil {
			t.Fatal(err)
		}
		if got := b.Problem(st, i); !reflect.DeepEqual(*got, p) {
			t.Errorf("element %d is %+v, alone %+v", i, got, p)
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
	f.Add([]byte(`{"size": 2, "q": [[1], [2]], "A": [[0, 0, [1, "NaN"]], [1, 0, 1], [2, 0, 3]], "b": [[1, 0, 2], [0, 0, 1]], "cones": [{"kind": "exp_dual"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		st, b, err := conic.ParseBatch(text)
		if err != nil {
			return
		}
		if err := st.A.Check(); err != nil {
			t.Fatal(err)
		}
		out, err := b.AppendJSON(nil, st, "")
		if err != nil {
			if b.Size == 0 {
				return
			}
			t.Fatal(err)
		}
		st2, b2, err := conic.ParseBatch(out)
		if err != nil || !json.Valid(out) || b2.Size != b.Size || st2.A.NNZ() != st.A.NNZ() {
			t.Fatalf("%v in %s", err, out)
		}
	})
}
