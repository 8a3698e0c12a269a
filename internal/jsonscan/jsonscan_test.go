package jsonscan_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/internal/jsonscan"
)

func TestErrors(t *testing.T) {
	for text, want := range map[string]jsonscan.Error{
		"":                                  {1, 1, `the text ends here, want "{": it seems to be cut off`},
		"{\n \"a\": nul}":                   {2, 7, `"n" is not a number, want a finite one, or "Inf", "-Inf", "NaN" as strings`},
		"{\n\n\"a\" 1}":                     {3, 5, `got '1', want ":"`},
		`{"a": 1, "a": 2}`:                  {1, 10, `key "a" is there twice`},
		`{"a": 1} 2`:                        {1, 10, "text follows the object, want nothing"},
		`{"a": [1, {}, "b`:                  {1, 15, "the text ends within a string"},
		"{\"a\": \"b\nc\"}":                 {1, 9, "a text has no end in this line"},
		`{"a": ` + strings.Repeat("[", 200): {1, 108, "values are nested more than a hundred deep"},
	} {
		s := jsonscan.New([]byte(text))
		err := s.Object(func(string, int) error { return s.Skip() })
		if err == nil {
			err = s.End()
		}
		var e *jsonscan.Error
		if !errors.As(err, &e) || *e != want {
			t.Errorf("%.20q: %v, want %v", text, err, &want)
		}
	}
}

func TestValues(t *testing.T) {
	s := jsonscan.New([]byte(` { "a" : [[1, "NaN"], [null, -2e3]], "b": 7, "c": "x\"y", "d": [{"e": true}, [], null] } `))
	a := &jsonscan.Array{Absent: math.Inf(1)}
	var b int
	var c string
	if err := s.Object(func(key string, _ int) (err error) {
		switch key {
		case "a":
			return s.Array(a)
		case "b":
			b, err = s.Int()
		case "c":
			c, err = s.String()
		default:
			err = s.Skip()
		}
		return err
	}); err != nil || s.End() != nil {
		t.Fatal(err, s.End())
	}
	if !reflect.DeepEqual(a.Dims, []int{2, 2}) || a.Data[0] != 1 || !math.IsNaN(a.Data[1]) || !math.IsInf(a.Data[2], 1) || a.Data[3] != -2000 || b != 7 || c != `x\"y` {
		t.Errorf("%+v %v %q", a, b, c)
	}
}

func TestAppend(t *testing.T) {
	for _, v := range []float64{0, math.Copysign(0, -1), 1. / 3, 1e-310, -math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN()} {
		s := jsonscan.New(jsonscan.AppendNumber(nil, v))
		if w, err := s.Value(); err != nil || math.Float64bits(w) != math.Float64bits(v) && !math.IsNaN(v) {
			t.Errorf("%v gave %v, %v", v, w, err)
		}
	}
	if text := jsonscan.AppendText(nil, "a \"b\" \\ \n ü"); !json.Valid(text) || string(text) != `"a \"b\" \\  ü"` {
		t.Errorf("%s", text)
	}
}
