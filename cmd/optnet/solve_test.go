package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// objects decodes JSON lines.
func objects(t testing.TB, out string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(out) {
		all = append(all, lastObject(t, line))
	}
	return all
}

func TestSolve(t *testing.T) {
	code, stdout, stderr := call(t, "", "solve", "--json", "testdata/diet.qps", "testdata/infeasible.qps", "testdata/unbounded.qps", "testdata/batch.json")
	if code != exitNotSolved || stderr != "" {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	all := objects(t, stdout)
	want := []string{"Solved", "PrimalInfeasible", "DualInfeasible", "PrimalInfeasible"}
	if len(all) != len(want) {
		t.Fatalf("%d lines: %s", len(all), stdout)
	}
	for i, obj := range all {
		for _, key := range []string{"file", "status", "objective", "primal_residual", "dual_residual", "gap", "iterations", "seconds", "solver", "why"} {
			if _, ok := obj[key]; !ok {
				t.Errorf("line %d has no %s", i, key)
			}
		}
		if obj["status"] != want[i] {
			t.Errorf("%v: %v, want %s", obj["file"], obj["status"], want[i])
		}
	}
	if v, _ := all[0]["objective"].(float64); math.Abs(v-43.7573965) > 1e-6 {
		t.Errorf("objective %v", all[0]["objective"])
	}
	if all[1]["objective"] != nil || all[3]["objective"] != nil {
		t.Errorf("objectives of what is not solved: %v, %v", all[1]["objective"], all[3]["objective"])
	}
	if counts, _ := all[3]["counts"].(map[string]any); counts["Solved"] != 2.0 || counts["PrimalInfeasible"] != 1.0 || counts["InvalidInput"] != 1.0 {
		t.Errorf("counts %v", all[3]["counts"])
	}
	for _, args := range []string{"testdata/diet.qps", "-v testdata/diet.qps", "--solver qp --eps-abs 0 --eps-rel 1e-6 testdata/diet.qps"} {
		code, stdout, _ = call(t, "", append([]string{"solve"}, strings.Fields(args)...)...)
		if code != 0 || !strings.Contains(stdout, "Solved, objective ") || strings.Contains(args, "-v") != strings.Contains(stdout, "iter           value") {
			t.Errorf("%s: exit code %d, %s", args, code, stdout)
		}
	}
	text, err := os.ReadFile("testdata/diet.qps")
	if err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ = call(t, string(text), "solve", "-"); code != 0 || !strings.HasPrefix(stdout, "- (DIET): Solved") {
		t.Errorf("standard input: exit code %d, %s", code, stdout)
	}
}

func TestSolveErrors(t *testing.T) {
	bad := write(t, "bad.qps", "NAME x\nROWS\n N c\n Q r\n")
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"solve", 2, "no file given"},
		{"solve nowhere.qps", 1, "nowhere.qps: no such file"},
		{"solve testdata", 1, "testdata: is a folder"},
		{"solve " + bad, 1, "line 4, column 2, field 1 (type)"},
		{"solve " + write(t, "empty", ""), 1, "the file is empty"},
		{"solve " + write(t, "what.txt", "hello"), 1, "the format is not known"},
		{"solve " + write(t, "a.json", "{\"p\": [1, 2}"), 1, "line 1, column 12"},
		{"solve " + write(t, "a.npz", "PK\x03\x04"), 1, "a.npz: npz: archive of 4 bytes"},
		{"solve " + write(t, "cut.json", "{\"n\": 1,\n\"cones\": ["), 1, "line 2, column 11: the text ends here"},
		{"solve " + write(t, "cone.json", "{\"n\": 1,\n\"cones\": !"), 1, "line 2, column 10: got"},
		{"solve --out nowhere/s.json testdata/diet.qps", 1, "optnet: nowhere/s.json: the solution cannot be written: no such file"},
		{"solve --out s.json testdata/diet.qps testdata/diet.qps", 2, "2 files, want a folder"},
		{"solve --out nowhere/s.npz testdata/diet.qps", 1, "optnet: nowhere/s.npz: the solution cannot be written: no such file"},
		{"check testdata/diet.qps " + write(t, "s.npz", "PK\x03\x04"), 1, "s.npz: npz: archive of 4 bytes"},
		{"grad --device cuda:99 testdata/diet.qps", 1, "no CUDA device"},
		{"solve --device cuda:99 testdata/diet.qps", 1, "no CUDA device"},
		{"bench --device cuda:99 testdata/diet.qps", 1, "no CUDA device"},
		{"solve --solver best testdata/diet.qps", 2, "--solver is \"best\""},
		{"solve --eps-abs -1 testdata/diet.qps", 2, "--eps-abs is -1"},
		{"solve --eps-abs 0 --eps-rel 0 testdata/diet.qps", 2, "one of them more than 0"},
		{"solve --time-limit -1s testdata/diet.qps", 2, "--time-limit is -1s"},
		{"solve --memory 3 testdata/diet.qps", 2, "--memory is \"3\""},
		{"solve --memory 1kB testdata/diet.qps", 1, "use --memory"},
		{"solve --out x.txt testdata/diet.qps", 2, ".json or .npz"},
		{"solve --solver conic testdata/batch.json", 2, "dense QPs"},
		{"check testdata/diet.qps", 2, "1 files given, want two"},
		{"check testdata/diet.qps nowhere.json", 1, "nowhere.json: no such file"},
		{"check testdata/diet.qps " + write(t, "s.json", `{"x": [1, 2]}`), 1, "x has 2 numbers, want 3"},
		{"check testdata/diet.qps " + write(t, "l.json", `[]`), 1, "l.json: want an object of arrays"},
		{"check testdata/diet.qps " + write(t, "r.json", `{"ray": [1]}`), 1, `r.json: "ray": want an object`},
		{"check testdata/diet.qps " + write(t, "rs.json", `{"rays": {}}`), 1, `rs.json: "rays": want a list of objects`},
		{"check testdata/diet.qps nowhere.npz", 1, "optnet: nowhere.npz: no such file"},
		{"train denoise --data " + write(t, "d.npz", "PK\x03\x04") + " --out " + t.TempDir(), 1, "d.npz: npz: archive of 4 bytes"},
		{"diagnose", 2, "0 files given"},
		{"diagnose --element 9 testdata/batch.json", 2, "--element is 9, want 0 to 3"},
		{"grad --wrt z testdata/diet.qps", 2, `--wrt names "z", want some of Q, c, A`},
		{"grad --upstream nowhere.json testdata/diet.qps", 1, "nowhere.json"},
		{"grad --upstream " + write(t, "u.json", `{"x": [1]}`) + " testdata/diet.qps", 1, "x has 1 numbers, want 3"},
		{"grad --rule exact testdata/diet.qps", 2, "--rule is \"exact\""},
		{"bench --time 0s testdata/diet.qps", 2, "--time is 0s"},
	} {
		code, stdout, stderr := call(t, "", strings.Fields(tt.args)...)
		if code != tt.code || !strings.Contains(stderr, tt.want) || strings.Count(stderr, ".npz") > 1 || stdout != "" || strings.Count(stderr, "\n") != 1 {
			t.Errorf("optnet %s: exit code %d, %q, %q; want %d, %q", tt.args, code, stdout, stderr, tt.code, tt.want)
		}
	}
	// Among several files an error does not stop the others.
	code, stdout, stderr := call(t, "", "solve", "--json", bad, "testdata/diet.qps", "nowhere.qps")
	all := objects(t, stdout)
	if code != exitError || stderr != "" || len(all) != 3 || all[0]["file"] != bad || all[0]["line"] != 4.0 || all[1]["status"] != "Solved" || all[2]["file"] != "nowhere.qps" || all[2]["error"] == nil {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
}

// TestOutFolder: with several files --out is a folder, and need not be there.
func TestOutFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if code, _, stderr := call(t, "", "solve", "--out", dir, "testdata/diet.qps", "testdata/infeasible.qps"); code != exitNotSolved || stderr != "" {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	for _, name := range []string{"diet.solution.json", "infeasible.solution.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// TestDiagnoseNonconvexCone: what to do about data that are no convex program.
func TestDiagnoseNonconvexCone(t *testing.T) {
	file := write(t, "bad.json", `{"n": 1, "P": [[0, 0, -1]], "q": [1], "A": [[0, 0, 1]], "b": [1], "cones": [{"kind": "nonneg", "size": 1}]}`)
	code, stdout, stderr := call(t, "", "diagnose", file)
	if code != exitNotSolved || stderr != "" || !strings.Contains(stdout, "InvalidInput") || strings.Contains(stdout, "objective") || !strings.Contains(stdout, "negative eigenvalue") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
}

// TestInterrupted: what was interrupted is not solved, whatever came after it.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := new(cobra.Command)
	cmd.SetContext(ctx)
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	err := eachFile(cmd, []string{"a", "b", "c"}, false, func(string) (bool, error) {
		cancel()
		return false, nil
	})
	if err != errNotSolved || stdout.Len() > 0 || stderr.String() != "optnet: interrupted: 2 of 3 files were not begun\n" {
		t.Errorf("error %v, %s%s", err, &stdout, &stderr)
	}
	if err := eachFile(cmd, []string{"a"}, false, nil); err != errSaid {
		t.Errorf("interrupted before the first file: error %v", err)
	}
}

// TestCutSDPA: the format does not say where a file ends, so a note must.
func TestCutSDPA(t *testing.T) {
	const whole = "2\n1\n2\n1 1\n0 1 1 1 1\n0 1 2 2 1\n1 1 1 1 1\n2 1 2 2 1\n"
	notes := func(name, text string) any {
		_, stdout, _ := call(t, "", "solve", "--json", write(t, name, text))
		return objects(t, stdout)[0]["notes"]
	}
	if n := notes("whole.dat-s", whole); n != nil {
		t.Errorf("a whole file has notes: %v", n)
	}
	n := fmt.Sprint(notes("cut.dat-s", strings.TrimSuffix(whole, "2 1 2 2 1\n")))
	if !strings.Contains(n, "1 of 2 matrices have no entry, the first is F2") {
		t.Errorf("a file that was cut off has notes %v", n)
	}
}

// TestCheck solves, checks, and checks again after the solution was changed.
func TestCheck(t *testing.T) {
	for _, end := range []string{".json", ".npz"} {
		for _, file := range []string{"diet.qps", "infeasible.qps", "unbounded.qps"} {
			file = filepath.Join("testdata", file)
			out := filepath.Join(t.TempDir(), "solution"+end)
			if code, stdout, stderr := call(t, "", "solve", "--out", out, file); code == exitError || !strings.Contains(stdout, out) {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
			if end == ".npz" && file != "testdata/diet.qps" {
				continue
			}
			code, stdout, stderr := call(t, "", "check", file, out)
			if code != 0 || !strings.Contains(stdout, "passes") && !strings.Contains(stdout, "proved") {
				t.Errorf("%s: exit code %d, %s%s", file, code, stdout, stderr)
			}
		}
	}
	out := filepath.Join(t.TempDir(), "solution.json")
	call(t, "", "solve", "--out", out, "testdata/diet.qps")
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var sol map[string]any
	if err := json.Unmarshal(text, &sol); err != nil {
		t.Fatal(err)
	}
	x, y := sol["x"].([]any), sol["y"].([]any)
	for _, c := range []struct {
		name string
		do   func() any
		code int
		want string
	}{
		{"names in another order", func() any {
			r := slices.Clone(x)
			slices.Reverse(r)
			return map[string]any{"x": r, "y": y, "columns": []string{"CAKE", "MILK", "BREAD"}}
		}, 0, "passes"},
		{"no multipliers", func() any { return map[string]any{"x": x} }, 3, "nothing is proved about optimality"},
		{"a multiplier changed", func() any {
			z := slices.Clone(y)
			z[0] = z[0].(float64) + 1e-3
			return map[string]any{"x": x, "y": z}
		}, 3, "does not pass"},
		{"a row violated", func() any {
			z := slices.Clone(x)
			z[0] = z[0].(float64) - 1e-3
			return map[string]any{"x": z, "y": y}
		}, 3, `row "ENERGY" is violated`},
		{"a wrong proof", func() any { return map[string]any{"ray": map[string]any{"y": []float64{1, 0, 0, 0}}} }, 3, "the ray proves nothing"},
		{"a wrong direction", func() any { return map[string]any{"ray": map[string]any{"x": []float64{1, 0, 0}}} }, 3, "the ray proves nothing"},
	} {
		text, _ := json.Marshal(c.do())
		code, stdout, stderr := call(t, "", "check", "testdata/diet.qps", write(t, "s.json", string(text)))
		if code != c.code || !strings.Contains(stdout, c.want) {
			t.Errorf("%s: exit code %d, %s%s", c.name, code, stdout, stderr)
		}
	}
	// Batches.
	code, _, _ := call(t, "", "solve", "--out", out, "testdata/batch.json")
	code2, stdout, stderr := call(t, "", "check", "--json", "testdata/batch.json", out)
	all := objects(t, stdout)
	if code != exitNotSolved || code2 != exitNotSolved || len(all) != 4 || all[0]["status"] != "Solved" || all[3]["status"] != "Solved" || all[1]["status"] == "Solved" || all[2]["status"] == "Solved" {
		t.Errorf("exit codes %d, %d: %s%s", code, code2, stdout, stderr)
	}
}

func TestDiagnose(t *testing.T) {
	code, stdout, stderr := call(t, "", "diagnose", "--json", "testdata/infeasible.qps")
	obj := lastObject(t, stdout)
	var names []string
	conflict, _ := obj["conflict"].([]any)
	for _, c := range conflict {
		names = append(names, fmt.Sprint(c.(map[string]any)["kind"], " ", c.(map[string]any)["name"]))
	}
	slices.Sort(names)
	if want := []string{"bound BREAD", "row BALANCE", "row ENERGY", "row SUGAR"}; code != exitNotSolved || !slices.Equal(names, want) || obj["minimal"] != true {
		t.Errorf("exit code %d, %q, want %q; %s%s", code, names, want, stdout, stderr)
	}
	// What it says about each: loosened by a little more it is out of the conflict.
	text, err := os.ReadFile("testdata/infeasible.qps")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range conflict {
		c := c.(map[string]any)
		by, ok := c["enough_alone"].(float64)
		if isShort := c["name"] == "BALANCE" || c["name"] == "BREAD"; ok == isShort {
			t.Errorf("%v", c)
		}
		if !ok { // the other rows contradict the rest too
			continue
		}
		if by < c["relax_by"].(float64)*(1-1e-6) {
			t.Errorf("%v", c)
		}
		for _, f := range []float64{0.99, 1.01} {
			loose := string(text)
			switch c["name"] {
			case "ENERGY":
				loose = strings.Replace(loose, "ENERGY           100.0", fmt.Sprintf("ENERGY %v", 100-f*by), 1)
			case "SUGAR":
				loose = strings.Replace(loose, "SUGAR             10.0", fmt.Sprintf("SUGAR %v", 10+f*by), 1)
			}
			if code, out, _ := call(t, "", "solve", write(t, "loose.qps", loose)); (code == 0) != (f > 1) {
				t.Errorf("%v moved by %v times %v: %s", c["name"], f, by, out)
			}
		}
	}
	code, stdout, _ = call(t, "", "diagnose", "testdata/infeasible.qps")
	if code != exitNotSolved || !strings.Contains(stdout, "row ENERGY: 2 BREAD + 4 MILK + 5 CAKE ≥ 100") || !strings.Contains(stdout, "bound: BREAD ≤ 30") || !strings.Contains(stdout, "What to do:") {
		t.Errorf("exit code %d, %s", code, stdout)
	}

	code, stdout, _ = call(t, "", "diagnose", "testdata/unbounded.qps")
	if code != exitNotSolved || !strings.Contains(stdout, "BUY by +1 for") || !strings.Contains(stdout, "SELL by +1 for") || strings.Contains(stdout, "WORK by") {
		t.Errorf("exit code %d, %s", code, stdout)
	}

	for _, tt := range []struct{ args, want string }{
		{"testdata/batch.json", "element 1: 2 variables, 1 rows: PrimalInfeasible"},
		{"--element 2 testdata/batch.json", "NaN"},
		{"--element 3 testdata/batch.json", "Solved"},
		{write(t, "crossed.qps", "NAME\nROWS\n N f\n L r\nCOLUMNS\n x f 1 r 1\nRHS\n o r 9\nBOUNDS\n LO b x 5\n UP b x 3\nENDATA\n"), "A lower side lies above the upper one, by 2"},
		{write(t, "scale.qps", "NAME\nROWS\n N f\n L r\n E s\n E t\nCOLUMNS\n x f 1 r 1e9\n x s 1 t 2\n y f 2 r 1e-3\n y s 1 t 2\nRHS\n o r 1e10 s 1\n o t 2\nENDATA\n"), "s ∥"},
	} {
		_, stdout, stderr := call(t, "", append([]string{"diagnose"}, strings.Fields(tt.args)...)...)
		if strings.Contains(tt.want, "∥") {
			for _, want := range []string{"scaling: nonzeros of the rows (A) go from 0.001 (r, y) to 1e+09 (r, x)", "t ∥ s", "1 of 2 equality rows are combinations"} {
				if !strings.Contains(stdout, want) {
					t.Errorf("%s: no %q in %s%s", tt.args, want, stdout, stderr)
				}
			}
			continue
		}
		if !strings.Contains(stdout, tt.want) {
			t.Errorf("%s: no %q in %s%s", tt.args, tt.want, stdout, stderr)
		}
	}
}

// TestGrad holds the gradient that is printed against differences of what solve
// prints.
func TestGrad(t *testing.T) {
	text, err := os.ReadFile("testdata/diet.qps")
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := call(t, "", "grad", "--json", "--wrt", "c,A,Q,row_lower,upper,lower", "testdata/diet.qps")
	if code != 0 {
		t.Fatal(stderr)
	}
	obj := lastObject(t, stdout)
	grad := obj["gradient"].(map[string]any)
	cert := obj["certificates"].([]any)[0].(map[string]any)
	if cert["unique"] != true || cert["zeroed"] != false || cert["residual"].(float64) > 1e-10 {
		t.Errorf("certificate %v", cert)
	}
	value := func(old, format string, v float64) float64 {
		changed := strings.Replace(string(text), old, fmt.Sprintf(format, v), 1)
		if changed == string(text) && v != 0 {
			t.Fatalf("%q is not there", old)
		}
		code, stdout, stderr := call(t, "", "solve", "--json", "--eps-abs", "1e-12", "--eps-rel", "1e-12", write(t, "x.qps", changed))
		if code != 0 {
			t.Fatal(stdout, stderr)
		}
		return lastObject(t, stdout)["objective"].(float64)
	}
	entryOf := func(name, row, col string) float64 {
		for _, e := range grad[name].([]any) {
			if e := e.([]any); e[0] == row && e[1] == col {
				return e[2].(float64)
			}
		}
		t.Fatalf("no entry %s %s %s", name, row, col)
		return 0
	}
	for _, c := range []struct {
		what, old, format string
		at, got           float64
	}{
		{"c of BREAD", "BREAD     COST               1.0", "BREAD     COST %.17g", 1, grad["c"].([]any)[0].(float64)},
		{"A of ENERGY, MILK", "COST               3.0   ENERGY             4.0", "COST 3.0 ENERGY %.17g", 4, entryOf("A", "ENERGY", "MILK")},
		{"Q of BREAD, MILK", "BREAD     MILK               0.1", "BREAD MILK %.17g", 0.1, entryOf("Q", "BREAD", "MILK")},
		{"side of ENERGY", "ENERGY            50.0", "ENERGY %.17g", 50, grad["row_lower"].([]any)[0].(float64)},
	} {
		const h = 1e-4
		want := (value(c.old, c.format, c.at+h) - value(c.old, c.format, c.at-h)) / (2 * h)
		if math.Abs(c.got-want) > 1e-6*(1+math.Abs(want)) {
			t.Errorf("%s: gradient %v, difference %v", c.what, c.got, want)
		}
	}
	// A sum of x, in arrays or by its word, is the same.
	up := write(t, "up.json", `{"x": [1, 1, 1]}`)
	_, a, _ := call(t, "", "grad", "--json", "--upstream", up, "testdata/diet.qps")
	_, b, _ := call(t, "", "grad", "--json", "--upstream", "sum", "testdata/diet.qps")
	if x, y := lastObject(t, a)["gradient"], lastObject(t, b)["gradient"]; fmt.Sprint(x) != fmt.Sprint(y) {
		t.Errorf("%v and %v", x, y)
	}
	// Maximize: the value grows with the side of STAFF.
	bounded := strings.Replace(mustRead(t, "testdata/unbounded.qps"), "ENDATA", "BOUNDS\n UP b BUY 4\nENDATA", 1)
	code, stdout, stderr = call(t, "", "grad", "--json", write(t, "max.qps", bounded))
	if code != 0 {
		t.Fatal(stderr)
	}
	if g := lastObject(t, stdout)["gradient"].(map[string]any); math.Abs(g["row_upper"].([]any)[1].(float64)-1) > 1e-9 || math.Abs(g["c"].([]any)[0].(float64)-4) > 1e-7 {
		t.Errorf("%v", g)
	}
	// Elements that are not solved have no gradient.
	code, stdout, stderr = call(t, "", "grad", "--json", "--upstream", "sum", "--wrt", "p,b", "testdata/batch.json")
	if code != exitNotSolved {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	obj = lastObject(t, stdout)
	p := obj["gradient"].(map[string]any)["p"].([]any)
	if fmt.Sprint(p[1]) != "[0 0]" || fmt.Sprint(p[2]) != "[0 0]" || obj["certificates"].([]any)[1].(map[string]any)["zeroed"] != true {
		t.Errorf("%s", stdout)
	}
	if code, stdout, _ = call(t, "", "grad", "testdata/diet.qps"); code != 0 || !strings.Contains(stdout, "d row_lower ENERGY = ") {
		t.Errorf("exit code %d, %s", code, stdout)
	}
}

func mustRead(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestCapture replays what was captured: the same status, and a diagnosis.
func TestCapture(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "captured")
	code, stdout, stderr := call(t, "", "solve", "--capture", dir, "testdata/batch.json")
	if code != exitNotSolved {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("files %q, %v", files, err)
	}
	for i, want := range []string{"PrimalInfeasible", "InvalidInput"} {
		for _, command := range []string{"solve", "diagnose"} {
			code, stdout, stderr := call(t, "", command, "--json", files[i])
			if obj := lastObject(t, stdout); code != exitNotSolved || obj["status"] != want {
				t.Errorf("%s %s: exit code %d, %s%s", command, files[i], code, stdout, stderr)
			}
		}
	}
}

// big is a QP that takes a while.
func big(t testing.TB, n int) string {
	var b strings.Builder
	b.WriteString("NAME big\nROWS\n N f\n")
	for i := range n {
		fmt.Fprintf(&b, " G r%d\n", i)
	}
	b.WriteString("COLUMNS\n")
	for j := range n {
		fmt.Fprintf(&b, " x%d f 1\n", j)
		for i := range n {
			fmt.Fprintf(&b, " x%d r%d %d\n", j, i, 1+(i*7+j*13+i*j)%17)
		}
	}
	b.WriteString("RHS\n")
	for i := range n {
		fmt.Fprintf(&b, " o r%d %d\n", i, 50+i%7)
	}
	b.WriteString("QUADOBJ\n")
	for j := range n {
		fmt.Fprintf(&b, " x%d x%d 1\n", j, j)
	}
	b.WriteString("ENDATA\n")
	return write(t, "big.qps", b.String())
}

// TestLimits: a deadline, and an interrupt, end the solve soon, with what is known.
func TestLimits(t *testing.T) {
	file := big(t, 300)
	code, stdout, stderr := call(t, "", "solve", "--json", "--solver", "qp", "--time-limit", "1ns", file)
	if obj := lastObject(t, stdout); code != exitNotSolved || obj["status"] != "MaxTime" {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	code = run(ctx, []string{"solve", "--json", file, file}, strings.NewReader(""), &out, &errs)
	if obj := lastObject(t, out.String()); code != exitError || !strings.Contains(fmt.Sprint(obj["error"]), "2 of 2 files were not begun") {
		t.Errorf("exit code %d, %s%s", code, out.String(), errs.String())
	}
	ctx, cancel = context.WithCancel(context.Background())
	out.Reset()
	table := &cancelAt{cancel: cancel}
	code = run(ctx, []string{"solve", "--json", "--solver", "qp", "-v", file}, strings.NewReader(""), &out, table)
	if obj := lastObject(t, out.String()); code != exitNotSolved || obj["status"] != "Canceled" || obj["iterations"].(float64) > 3 {
		t.Errorf("exit code %d, %s", code, out.String())
	}
	for range 100 { // what remains of the goroutines of signals
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before+1 {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

// cancelAt cancels when the first iterations have been printed.
type cancelAt struct {
	cancel context.CancelFunc
	lines  int
}

func (c *cancelAt) Write(b []byte) (int, error) {
	if c.lines++; c.lines == 4 {
		c.cancel()
	}
	return len(b), nil
}

func TestBench(t *testing.T) {
	code, stdout, stderr := call(t, "", "bench", "--json", "--time", "1ms", "testdata/diet.qps", "testdata/batch.json")
	all := objects(t, stdout)
	if code != exitNotSolved || len(all) != 2 || all[0]["status"] != "Solved" || all[0]["warm_seconds"].(float64) <= 0 || all[0]["backward_seconds"].(float64) <= 0 || all[0]["hot_iterations"].(float64) >= all[0]["iterations"].(float64) {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
}

// TestTighten: a constant that cancels the value does not hide the gap.
func TestTighten(t *testing.T) {
	// ½·2(x − 1000)² over x ≤ 999, whose value 1 is −999999 + 1e6.
	text := "NAME\nROWS\n N f\nCOLUMNS\n x f -2000\nRHS\n o f -1000000\nBOUNDS\n FR b x\n UP b x 999\nQUADOBJ\n x x 2\nENDATA\n"
	for _, solver := range []string{"qp", "conic"} {
		code, stdout, stderr := call(t, "", "solve", "--json", "--solver", solver, write(t, "x.qps", text))
		obj := lastObject(t, stdout)
		if v, _ := obj["objective"].(float64); code != 0 || math.Abs(v-1) > 1e-6 || obj["gap"].(float64) > 2e-8 {
			t.Errorf("exit code %d, %s%s", code, stdout, stderr)
		}
	}
}
