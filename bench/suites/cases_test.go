package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func value(v float64) *float64 { return &v }

// TestVerdict: what counts as good, and what as wrong.
func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name        string
		known       string
		status      string
		objective   *float64
		check       checked
		loose       bool
		good, wrong bool
	}{
		{"solved", "Solved", "Solved", value(1 + 1e-7), checked{Status: "Solved"}, false, true, false},
		{"another objective", "Solved", "Solved", value(1 + 1e-5), checked{Status: "Solved"}, false, false, false},
		{"the check fails", "Solved", "Solved", value(1), checked{Status: "AlmostSolved"}, false, false, false},
		{"no objective", "Solved", "Solved", nil, checked{Status: "Solved"}, false, false, false},
		{"almost", "Solved", "AlmostSolved", value(1), checked{Status: "AlmostSolved"}, false, false, false},
		{"almost, loose", "Solved", "AlmostSolved", value(1), checked{Status: "AlmostSolved"}, true, true, false},
		{"loose, but the check fails", "Solved", "AlmostSolved", value(1), checked{Status: "Unsolved"}, true, false, false},
		{"infeasible", "PrimalInfeasible", "PrimalInfeasible", nil, checked{Status: "PrimalInfeasible", Proof: "a"}, false, true, false},
		{"infeasible without proof", "PrimalInfeasible", "PrimalInfeasible", nil, checked{}, false, false, false},
		{"called infeasible", "Solved", "PrimalInfeasible", nil, checked{Proof: "a"}, false, false, true},
		{"called solved", "DualInfeasible", "Solved", value(1), checked{Status: "Solved"}, false, false, true},
	} {
		x := &testcase{status: c.known, known: 1, digits: 1e-6, loose: c.loose, figures: figures{Got: result{Status: c.status, Objective: c.objective}, Check: c.check}}
		if x.good() != c.good || x.wrong() != c.wrong {
			t.Errorf("%s: good %v, wrong %v", c.name, x.good(), x.wrong())
		}
	}
}

func TestLastDigit(t *testing.T) {
	for printed, want := range map[string]float64{"-4.25e+02": 1, "9.726274e-01": 1e-7, "23": 0, "0.0284": 1e-4, "": 0} {
		if got := lastDigit(printed); math.Abs(got-want) > 1e-12*want {
			t.Errorf("%q: %v, want %v", printed, got, want)
		}
	}
}

// TestPage writes a page of two cases, with a peer.
func TestPage(t *testing.T) {
	o := &options{out: filepath.Join(t.TempDir(), "page.md")}
	ok := figures{Got: result{Status: "Solved", Objective: value(2), Seconds: value(0.5), Solver: "qp"}, Check: checked{Status: "Solved"},
		Peers: []peer{{Solver: "clarabel", Status: "Solved", Seconds: 1, Objective: value(2), Relative: value(1e-9)}, {Solver: "piqp", Status: "failed"}}}
	bad := figures{Got: result{Status: "NumericalError", Reason: "no progress", Solver: "conic"}}
	cases := []*testcase{
		{Suite: "maros", Name: "ONE", status: "Solved", known: 2, digits: 1e-6, figures: ok},
		{Suite: "maros", Name: "TWO", status: "Solved", known: math.NaN(), digits: 1e-6, figures: bad},
	}
	if err := writePage(o, cases, []string{"THREE"}, []boards{{Name: "b", Puzzles: 3, Solved: 2, Right: 1}}); err != nil {
		t.Fatal(err)
	}
	text := readAll(t, o.out)
	for _, want := range []string{"2 | 1 (50.0 %) | 0 | TWO |", "Not run this time: THREE.", "- **TWO** (maros): NumericalError, no progress.", "Not compared: TWO.", "| optnet | 1 of 1 |", "| clarabel | 1 of 1 |", "| piqp | 0 of 1 |", "| b | 3 | 2 | 1 |"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func readAll(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
