package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/qp"
)

func TestCone(t *testing.T) {
	out := filepath.Join(t.TempDir(), "s.json")
	code, stdout, stderr := call(t, "", "solve", "--json", "--out", out, "testdata/cone.json")
	obj := lastObject(t, stdout)
	if v, _ := obj["objective"].(float64); code != 0 || obj["solver"] != "conic" || math.Abs(v-5) > 1e-7 {
		t.Fatalf("exit code %d, %s%s", code, stdout, stderr)
	}
	if code, stdout, _ = call(t, "", "check", "testdata/cone.json", out); code != 0 || !strings.Contains(stdout, "passes") {
		t.Errorf("exit code %d, %s", code, stdout)
	}
	text, _ := os.ReadFile(out)
	wrong := strings.Replace(string(text), `"z":[`, `"z":[0.01,`, 1)
	if code, _, stderr = call(t, "", "check", "testdata/cone.json", write(t, "w.json", wrong)); code != 1 || !strings.Contains(stderr, "z 6") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if code, stdout, _ = call(t, "", "check", "testdata/cone.json", write(t, "x.json", `{"x": [4, 3, 4]}`)); code != exitNotSolved || !strings.Contains(stdout, "cone 1 is left by 1") {
		t.Errorf("exit code %d, %s", code, stdout)
	}
	// dt/db of t = ‖b₁, b₂‖ is (3, 4)/5.
	code, stdout, stderr = call(t, "", "grad", "--json", "testdata/cone.json")
	if code != 0 {
		t.Fatal(stderr)
	}
	b := lastObject(t, stdout)["gradient"].(map[string]any)["b"].([]any)
	if math.Abs(b[0].(float64)-0.6) > 1e-6 || math.Abs(b[1].(float64)-0.8) > 1e-6 {
		t.Errorf("%s", stdout)
	}
	code, stdout, _ = call(t, "", "diagnose", "--json", "testdata/infeasible-cone.json")
	obj = lastObject(t, stdout)
	var names []string
	for _, c := range obj["conflict"].([]any) {
		names = append(names, fmt.Sprint(c.(map[string]any)["kind"], c.(map[string]any)["name"]))
	}
	if code != exitNotSolved || obj["status"] != "PrimalInfeasible" || obj["minimal"] != true || strings.Join(names, " ") != "row0 row1 cone1" {
		t.Errorf("exit code %d, %q, %s", code, names, stdout)
	}
	if code, stdout, stderr = call(t, "", "bench", "--json", "--time", "1ms", "testdata/cone.json"); code != 0 || lastObject(t, stdout)["warm_seconds"].(float64) <= 0 {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
}

// TestRowsAgree solves the same file by both solvers.
func TestRowsAgree(t *testing.T) {
	var first map[string]any
	for _, solver := range []string{"qp", "conic"} {
		out := filepath.Join(t.TempDir(), "s.json")
		code, stdout, stderr := call(t, "", "solve", "--json", "--solver", solver, "--out", out, "testdata/diet.qps")
		if code != 0 {
			t.Fatal(stdout, stderr)
		}
		var sol map[string]any
		if err := json.Unmarshal([]byte(mustRead(t, out)), &sol); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = sol
			continue
		}
		for _, key := range []string{"x", "y", "mu"} {
			a, b := first[key].([]any), sol[key].([]any)
			for i := range a {
				if math.Abs(a[i].(float64)-b[i].(float64)) > 1e-4 {
					t.Errorf("%s[%d] is %v by qp and %v by conic", key, i, a[i], b[i])
				}
			}
		}
		for file, want := range map[string]string{"infeasible": "PrimalInfeasible", "unbounded": "DualInfeasible"} {
			out := filepath.Join(t.TempDir(), "s.json")
			_, stdout, _ := call(t, "", "solve", "--json", "--solver", "conic", "--out", out, "testdata/"+file+".qps")
			if got := lastObject(t, stdout)["status"]; got != want {
				t.Errorf("%s: %v, want %s", file, got, want)
			}
			if code, stdout, _ := call(t, "", "check", "testdata/"+file+".qps", out); code != 0 || !strings.Contains(stdout, "proved") {
				t.Errorf("%s: exit code %d, %s", file, code, stdout)
			}
		}
	}
}

// TestStatuses: the words of the two solvers are the same.
func TestStatuses(t *testing.T) {
	for st := qp.Unsolved; st <= qp.InvalidInput; st++ {
		if got := statusOf(conic.Status(st)); got != st {
			t.Errorf("%v is %v", st, got)
		}
	}
}

// TestOutside holds distances from cones against points whose distance is known.
func TestOutside(t *testing.T) {
	for _, c := range []struct {
		cone conic.Cone
		v    []float64
		dual bool
		want float64 // 0, or the least that it must be
	}{
		{conic.Cone{Kind: conic.SecondOrder, Size: 3}, []float64{5, 3, 4}, false, 0},
		{conic.Cone{Kind: conic.SecondOrder, Size: 3}, []float64{4, 3, 4}, false, 1},
		{conic.Cone{Kind: conic.PSD, Size: 2}, []float64{1, math.Sqrt2, 1}, false, 0},
		{conic.Cone{Kind: conic.PSD, Size: 2}, []float64{1, 2 * math.Sqrt2, 1}, false, 1},
		{conic.Cone{Kind: conic.Exponential}, []float64{1, 1, math.E}, false, 0},
		{conic.Cone{Kind: conic.Exponential}, []float64{1, 1, 2}, false, 0.1},
		{conic.Cone{Kind: conic.Exponential}, []float64{-1, 0, 0}, false, 0},
		{conic.Cone{Kind: conic.Exponential}, []float64{-1, 1, math.Exp(-2)}, true, 0},
		{conic.Cone{Kind: conic.Exponential}, []float64{-1, 1, 0}, true, 0.05},
		{conic.Cone{Kind: conic.Power, Alpha: []float64{0.5}}, []float64{1, 4, 2}, false, 0},
		{conic.Cone{Kind: conic.Power, Alpha: []float64{0.5}}, []float64{1, 4, 3}, false, 0.4},
		{conic.Cone{Kind: conic.Power, Alpha: []float64{0.5}}, []float64{0.5, 2, 2}, true, 0},
		{conic.Cone{Kind: conic.GenPower, Size: 2, Alpha: []float64{0.5, 0.5}}, []float64{5, 5, 3, 4}, false, 0},
		{conic.Cone{Kind: conic.NonNegative, Size: 2}, []float64{1, math.NaN()}, false, math.NaN()},
		{conic.Cone{Kind: conic.Zero, Size: 1}, []float64{3}, true, 0},
		{conic.Cone{Kind: conic.Zero, Size: 1}, []float64{3}, false, 3},
	} {
		got := outside(c.cone, c.v, c.dual)
		if math.IsNaN(c.want) != math.IsNaN(got) || c.want == 0 && got > 1e-12 || got < c.want-1e-12 {
			t.Errorf("%v of %v (dual %v): %v, want %v", c.v, kinds[c.cone.Kind], c.dual, got, c.want)
		}
	}
}
