package qp_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/qp"
)

func TestJSONRoundTrip(t *testing.T) {
	inf := math.Inf(1)
	for name, c := range map[string]struct {
		sh qp.Shape
		b  qp.Batch
	}{
		"one": {qp.Shape{N: 2, NEq: 1, NIneq: 1, Sides: qp.RowLower | qp.RowUpper | qp.Lower | qp.Upper},
			qp.Batch{Size: 1, Data: qp.Data{Q: []float64{2, 0.1, 0.1, 1}, P: []float64{1e-300, -1. / 3}, A: []float64{1, 2}, B: []float64{3}, G: []float64{1, 0}, HL: []float64{-inf}, H: []float64{2}, L: []float64{0, -inf}, U: []float64{inf, 7}}}},
		"shared and per element": {qp.Shape{N: 2, NIneq: 2, Q: qp.Diagonal, Sides: qp.RowUpper},
			qp.Batch{Size: 3, Data: qp.Data{Q: []float64{2, 1}, P: []float64{1, 2, 3, 4, 5, 6}, G: []float64{1, 2, 3, 4}, H: []float64{1, 2, 3, 4, 5, 6}}}},
		"linear, n = 1": {qp.Shape{N: 1, Q: qp.Zero, Sides: qp.Lower},
			qp.Batch{Size: 2, Data: qp.Data{P: []float64{1}, L: []float64{0}}}},
		"size as n": {qp.Shape{N: 2, NEq: 2, Q: qp.Diagonal},
			qp.Batch{Size: 2, Data: qp.Data{Q: []float64{2, 1, 3, 4}, P: []float64{1, 2}, A: []float64{1, 2, 3, 4, 5, 6, 7, 8}, B: []float64{1, 2}}}},
		"empty": {qp.Shape{N: 2, Q: qp.Zero}, qp.Batch{Size: 0, Data: qp.Data{P: []float64{1, 2}}}},
	} {
		text, err := c.b.AppendJSON(nil, c.sh, `a "name"`)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !json.Valid(text) {
			t.Fatalf("%s is not JSON: %s", name, text)
		}
		sh, b, err := qp.ParseBatch(text)
		if err != nil || sh != c.sh || !reflect.DeepEqual(*b, c.b) {
			t.Errorf("%s: %v\n%s\ngave %+v %+v\nwant %+v %+v", name, err, text, sh, b, c.sh, c.b)
		}
	}
}

func TestJSONProblem(t *testing.T) {
	var p qp.Problem
	text := `{"Q": [[2, 0], [0, 1]], "p": [1, -1], "A": [[1, 1]], "b": [1], "G": [[1, 0]], "hl": [null], "h": ["NaN"], "l": [0, 0], "u": ["Inf", 3]}`
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	if !math.IsNaN(p.H.AtVec(0)) || !math.IsInf(p.HL.AtVec(0), -1) || p.Q.At(1, 1) != 1 || p.U.AtVec(1) != 3 {
		t.Errorf("%+v", p)
	}
	again, err := json.Marshal(&p)
	if err != nil {
		t.Fatal(err)
	}
	var q qp.Problem
	if err := json.Unmarshal(again, &q); err != nil {
		t.Fatal(err)
	}
	third, _ := json.Marshal(&q)
	if string(third) != string(again) {
		t.Errorf("%s, and then %s", again, third)
	}
}

func TestJSONErrors(t *testing.T) {
	for text, want := range map[string]string{
		``:                                    `line 1, column 1: the text ends here, want "{"`,
		`[1]`:                                 `got '[', want "{"`,
		`{}`:                                  `neither "p" nor "Q" is there`,
		`{"p": [1, 2`:                         `column 12: the text ends here, want ","`,
		`{"p": [1, 2]} x`:                     `text follows`,
		"{\"p\": [1, 2],\n \"x\": [1]}":       `line 2, column 2: unknown key "x"`,
		`{"p": [1], "p": [1]}`:                `"p" is there twice`,
		`{"p": [1, true]}`:                    `"t" is not a number`,
		`{"p": [1, +2]}`:                      `"+2" is not a number`,
		`{"p": [1, 1e999]}`:                   `"1e999" is not a number`,
		`{"p": [1, null]}`:                    `null is for sides only`,
		`{"p": [[1, 2], [3]]}`:                `the array has 1 entries, the one before 2`,
		`{"p": [1, [2]]}`:                     `an array stands beside numbers`,
		`{"p": [[1], 2]}`:                     `want an array here`,
		`{"p": [[[[1]]]]}`:                    `nested more than three deep`,
		`{"p": [[[1]]]}`:                      `"p" is nested 3 deep, want 1 (shared), or 2`,
		`{"p": 1}`:                            `got '1', want "["`,
		`{"Q": [[1, 2]], "p": [1, 2]}`:        `"Q" has 1 rows, want 2`,
		`{"Qdiag": [1], "Q": [[1]]}`:          `"Qdiag" stands beside "Q"`,
		`{"p": [1, 2], "l": [1]}`:             `"l" has 1 numbers, want 2`,
		`{"p": [1, 2], "A": [[1, 2]]}`:        `"b" is missing, want 1 numbers`,
		`{"p": [1, 2], "G": [[1, 2]]}`:        `"h" is missing, want 1 numbers`,
		`{"p": [1, 2], "h": [2]}`:             `"G" is missing, want 2 numbers`,
		`{"size": -1, "p": [1]}`:              `line 1, column 10: got -1, want an integer`,
		`{"size": 1.5, "p": [1]}`:             `got 1.5, want an integer`,
		`{"size": 3, "p": [[1], [2]]}`:        `"p" has values for 2 elements, want 3`,
		`{"p": [[1], [2]], "l": [[1]]}`:       `"l" has values for 1 elements, want 2`,
		`{"name": "x` + "\n" + `", "p": [1]}`: `a text has no end in this line`,
		`{"name": 3, "p": [1]}`:               `got '3', want "\""`,
		`{p: [1]}`:                            `got 'p', want "\""`,
	} {
		_, b, err := qp.ParseBatch([]byte(text))
		var je *qp.JSONError
		if b != nil || !errors.As(err, &je) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	var p qp.Problem
	if err := p.UnmarshalJSON([]byte(`{"p": [[1], [2]]}`)); err == nil || !strings.Contains(err.Error(), "use ParseBatch") {
		t.Errorf("a batch as a problem: %v", err)
	}
}

func FuzzParseBatch(f *testing.F) {
	f.Add([]byte(`{"Q": [[2, 0], [0, 1]], "p": [1, -1], "A": [[1, 1]], "b": [1], "G": [[1, 0]], "hl": [null], "h": ["NaN"], "l": [0, 0], "u": ["Inf", 3]}`))
	f.Add([]byte(`{"size": 2, "Qdiag": [[1], [2]], "p": [1], "name": "x"}`))
	f.Add([]byte(`{"size": 0, "p": [1], "A": []}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		sh, b, err := qp.ParseBatch(text)
		if err != nil {
			return
		}
		out, err := b.AppendJSON(nil, sh, "")
		if err != nil || !json.Valid(out) {
			t.Fatalf("%v: %s", err, out)
		}
		sh2, b2, err := qp.ParseBatch(out)
		if err != nil || sh != sh2 || b2.Size != b.Size {
			t.Fatalf("%v in %s", err, out)
		}
	})
}
