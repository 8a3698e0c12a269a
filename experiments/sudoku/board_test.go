package sudoku

import (
	"strings"
	"testing"
)

func board(t testing.TB, s string) Board {
	t.Helper()
	b, err := ParseBoard(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseBoard(t *testing.T) {
	for _, tt := range []struct{ in, out, err string }{
		{in: "0300001040000002", out: "0300001040000002"},
		{in: ".3....1.4......2", out: "0300001040000002"},
		{in: "1324241342313142", out: "1324241342313142"},
		{in: "", err: "has 0 characters, want 16"},
		{in: "132424134231314", err: "has 15 characters"},
		{in: "13242413423131421", err: "has 17 characters"},
		{in: "1324541342313142", err: `has '5' in row 2, column 1, want 1 to 4`},
		{in: "132424134231314x", err: "row 4, column 4"},
		{in: strings.Repeat("1", 1000), err: "…"},
	} {
		b, err := ParseBoard(tt.in)
		switch {
		case tt.err == "" && (err != nil || b.String() != tt.out):
			t.Errorf("ParseBoard(%q) = %v, %v, want %s", tt.in, b, err, tt.out)
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || len(err.Error()) > 200):
			t.Errorf("ParseBoard(%q) = %v, want an error with %q", tt.in, err, tt.err)
		}
	}
}

func TestGrid(t *testing.T) {
	want := ". 3 | . .\n. . | 1 .\n----+----\n4 . | . .\n. . | . 2\n"
	if got := board(t, "0300001040000002").Grid(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestValid(t *testing.T) {
	for s, want := range map[string]bool{
		"1324241342313142": true,
		"1234341221434321": true,
		"0324241342313142": false, // a blank
		"1234123412341234": false, // columns
		"1111222233334444": false, // rows
		"1234234134124123": false, // blocks
		"1144114422332233": false, // each row, column and block: sum, least and largest are right in some
	} {
		if got := board(t, s).Valid(); got != want {
			t.Errorf("Valid(%s) = %v", s, got)
		}
	}
	solution, puzzle := board(t, "1324241342313142"), board(t, "0300001040000002")
	if !solution.Solves(puzzle) {
		t.Error("the solution does not solve the puzzle")
	}
	if board(t, "1234341221434321").Solves(puzzle) {
		t.Error("a board that changes given digits solves the puzzle")
	}
}

func TestEncode(t *testing.T) {
	b := board(t, "1324241342313142")
	x := make([]float64, inputs)
	b.encode(x, -1)
	for i := range x {
		x[i] = -x[i]
	}
	if got := decode(x); got != b {
		t.Errorf("decode(encode(%v)) = %v", b, got)
	}
	clear(x)
	if got, want := decode(x).String(), strings.Repeat("1", cells); got != want {
		t.Errorf("decode(0) = %v, want the first digit everywhere", got)
	}
}
