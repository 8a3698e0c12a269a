package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConeBatch: a batch of cone programs that end in four ways, through every command.
// min x₀ + x₁ subject to x ≥ 0 and x₀ ≤ 5 is solved by 0; x₀ ≤ −1 contradicts x ≥ 0;
// −x₀ has no least value; NaN is no number.
func TestConeBatch(t *testing.T) {
	const file = "testdata/cone-batch.json"
	dir := t.TempDir()
	for _, name := range []string{"s.json", "s.npz"} {
		out := filepath.Join(dir, name)
		code, stdout, stderr := call(t, "", "solve", "--json", "--out", out, "--capture", filepath.Join(dir, "failures"), file)
		obj := lastObject(t, stdout)
		if code != exitNotSolved || stderr != "" || obj["size"] != 4.0 || obj["status"] != "PrimalInfeasible" || fmt.Sprint(obj["counts"]) != "map[DualInfeasible:1 InvalidInput:1 PrimalInfeasible:1 Solved:1]" {
			t.Fatalf("exit code %d, %s%s", code, stdout, stderr)
		}
		if v, ok := obj["objectives"].([]any)[0].(float64); !ok || math.Abs(v) > 1e-6 {
			t.Errorf("%s", stdout)
		}
		code, stdout, stderr = call(t, "", "check", "--json", file, out)
		var ends []string
		for _, r := range objects(t, stdout) {
			ends = append(ends, fmt.Sprintf("%v %v %v", r["element"], r["status"], r["proof"] != nil))
		}
		if code != exitNotSolved || strings.Join(ends, " ") != "0 Solved false 1 PrimalInfeasible true 2 DualInfeasible true 3 Unsolved false" {
			t.Errorf("%s: exit code %d, %q, %s", name, code, ends, stderr)
		}
	}
	// An element that failed is a file of its own, with the same end.
	code, stdout, stderr := call(t, "", "solve", "--json", filepath.Join(dir, "failures", "cone-batch-1.json"))
	if code != exitNotSolved || lastObject(t, stdout)["status"] != "PrimalInfeasible" {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	code, stdout, _ = call(t, "", "diagnose", "--json", file)
	if obj := lastObject(t, stdout); code != exitNotSolved || obj["element"] != 1.0 || len(obj["conflict"].([]any)) != 2 {
		t.Errorf("exit code %d, %s", code, stdout)
	}
	if code, stdout, _ = call(t, "", "diagnose", "--element", "0", file); code != 0 || !strings.Contains(stdout, "element 0: 2 variables, 4 rows: Solved") {
		t.Errorf("exit code %d, %s", code, stdout)
	}
	// The value is qᵀx, so its gradient is x, and −x₁ where A has −1 in row 1; what is not
	// solved has none.
	code, stdout, _ = call(t, "", "grad", "--json", "--wrt", "q,A,b", "--upstream", write(t, "up.json", `{"x": [1, 2, 1, 1, 1, 1, 1, 1]}`), file)
	obj := lastObject(t, stdout)
	g := obj["gradient"].(map[string]any)
	// x = −b₀₁ at the vertex, so dx/db = −1 in the first two rows.
	if code != exitNotSolved || len(g["A"].([]any)) != 4 || len(obj["certificates"].([]any)) != 4 {
		t.Fatalf("exit code %d, %s", code, stdout)
	}
	for i, want := range [][]float64{{-1, -2, 0, 0}, {0, 0, 0, 0}} {
		for k, v := range g["b"].([]any)[i].([]any) {
			if math.Abs(v.(float64)-want[k]) > 1e-6 {
				t.Errorf("element %d: gradient %v of b, want %v", i, g["b"].([]any)[i], want)
				break
			}
		}
	}
	if code, stdout, stderr = call(t, "", "bench", "--json", "--time", "1ms", file); code != exitNotSolved || lastObject(t, stdout)["size"] != 4.0 {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	for args, want := range map[string]string{
		"solve --solver qp " + file:                                           "holds cone programs, want conic",
		"solve --memory 2kB " + file:                                          "use --memory",
		"solve --memory 1kB testdata/cone.json":                               "use --memory",
		"grad --memory 1kB testdata/cone.json":                                "use --memory",
		"bench --memory 1kB testdata/cone.json":                               "use --memory",
		"diagnose --element 4 " + file:                                        "--element is 4, want 0 to 3",
		"check " + file + " " + write(t, "x.json", `{"x": [1, 2]}`):           "x has 2 numbers, want 8, 2 for each element",
		"check " + file + " " + write(t, "r.json", `{"x": [], "rays": [{}]}`): "x has 0 numbers, want 8",
		"grad --upstream " + write(t, "v.json", `{"x": [1]}`) + " " + file:    "x has 1 numbers, want 8",
		"grad --rule weak-active " + file:                                     "want least-squares, smoothed or strict",
	} {
		if code, _, stderr := call(t, "", strings.Fields(args)...); code == 0 || code == exitNotSolved || !strings.Contains(stderr, want) {
			t.Errorf("optnet %s: exit code %d, %q, want %q", args, code, stderr, want)
		}
	}
}

// TestBatchRays: the proofs of a batch of dense QPs pass the check, from both files.
func TestBatchRays(t *testing.T) {
	file := write(t, "b.json", `{"p": [[1], [1], [1]], "G": [[1], [1]], "hl": [[0, null], [2, null], [null, null]], "h": [[1, 1], [null, 1], [3, 3]]}`)
	for _, name := range []string{"s.json", "s.npz"} {
		out := filepath.Join(t.TempDir(), name)
		if code, stdout, _ := call(t, "", "solve", "--out", out, file); code != exitNotSolved {
			t.Fatalf("exit code %d, %s", code, stdout)
		}
		code, stdout, stderr := call(t, "", "check", "--json", file, out)
		var ends []string
		for _, r := range objects(t, stdout) {
			ends = append(ends, fmt.Sprintf("%v %v", r["status"], r["proof"] != nil))
		}
		if code != 0 || strings.Join(ends, " ") != "Solved false PrimalInfeasible true DualInfeasible true" {
			t.Errorf("%s: exit code %d, %q, %s", name, code, ends, stderr)
		}
	}
}

// TestGzip: the checksum counts, although a reader stops at the end that its format has.
func TestGzip(t *testing.T) {
	text, err := os.ReadFile("testdata/diet.qps")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(text)
	z.Close()
	whole := b.String()
	flipped := []byte(whole)
	flipped[len(flipped)-6] ^= 1
	for _, tt := range []struct {
		content, want string
	}{
		{whole, ""},
		{whole[:len(whole)-4], "cut off"},
		{whole[:len(whole)/2], "cut off"},
		{string(flipped), "gzip: invalid checksum"},
		{whole[:5], "cut off"},
	} {
		code, stdout, stderr := call(t, "", "solve", write(t, "d.qps.gz", tt.content))
		if (code == 0) != (tt.want == "") || !strings.Contains(stderr, tt.want) {
			t.Errorf("%d bytes of %d: exit code %d, %s%s, want %q", len(tt.content), len(whole), code, stdout, stderr, tt.want)
		}
	}
}
