package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/encoding/npz"
)

func small(f family) *problem {
	switch f {
	case sudoku:
		return &problem{"s", f, 8, 0, 5, 7}
	case scqpth:
		return &problem{"s", f, 6, 6, 0, 7}
	}
	return &problem{"s", f, 6, 5, 3, 7}
}

// The first elements depend on the seed and their index only, so that a smaller
// batch is a part of a larger one.
func TestDraw(t *testing.T) {
	for _, f := range []family{optnet, sudoku, scqpth} {
		p := small(f)
		all := p.draw(1)
		if again := p.draw(1); !reflect.DeepEqual(all, again) {
			t.Errorf("%s: the same seed draws other numbers", f)
		}
		if other := p.draw(2); reflect.DeepEqual(all["p"], other["p"]) {
			t.Errorf("%s: another seed draws the same numbers", f)
		}
		for name, a := range all {
			count := 1
			for _, n := range a.Shape {
				count *= n
			}
			if got := len(a.Data.([]float64)); got != count {
				t.Errorf("%s: %s has %d numbers, want %d", f, name, got, count)
			}
		}
		if f == sudoku {
			continue
		}
		fewer := *p
		fewer.Size = 3
		for name, a := range fewer.draw(1) {
			x := a.Data.([]float64)
			if !reflect.DeepEqual(x, all[name].Data.([]float64)[:len(x)]) {
				t.Errorf("%s: %s of the first elements depends on how many there are", f, name)
			}
		}
	}
}

func TestProblemsAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range problems() {
		if seen[p.Name] {
			t.Errorf("%s is there twice", p.Name)
		}
		seen[p.Name] = true
	}
}

func TestWriteProblems(t *testing.T) {
	dir := t.TempDir()
	var out, errs bytes.Buffer
	if code := run([]string{"problems", "-dir", dir, "-only", "n10-m10-p1,sudoku"}, nil, &out, &errs); code != 0 {
		t.Fatal(code, errs.String())
	}
	sub := filepath.Join(dir, "seed1")
	list, err := os.ReadFile(filepath.Join(sub, "problems.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got []problem
	if err := json.Unmarshal(list, &got); err != nil || !reflect.DeepEqual(got, problems()) {
		t.Errorf("problems.json: %v, %v", got, err)
	}
	arrays, err := npz.ReadFile(filepath.Join(sub, "n10-m10-p1.npz"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := arrays["A"].Shape, []int{128, 1, 10}; !reflect.DeepEqual(got, want) {
		t.Errorf("A has shape %v, want %v", got, want)
	}
	// A second run keeps what is there.
	out.Reset()
	if code := run([]string{"problems", "-dir", dir, "-only", "sudoku"}, nil, &out, &errs); code != 0 || out.Len() > 0 {
		t.Errorf("the second run: %d, %q", code, out.String())
	}
	if code := run([]string{"problems", "-dir", dir, "-only", "nonsense"}, nil, &out, &errs); code != 1 || !strings.Contains(errs.String(), `no problem is named "nonsense"`) {
		t.Errorf("a name that is none: %d, %q", code, errs.String())
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"x"}, {"problems"}, {"problems", "-dir", "d", "more"}, {"problems", "-no"}} {
		var out, errs bytes.Buffer
		if code := run(args, strings.NewReader(""), &out, &errs); code != 2 || !strings.Contains(errs.String(), usage) {
			t.Errorf("%q: %d, %q", args, code, errs.String())
		}
	}
}

// ask sends requests to the program and returns its replies.
func ask(t *testing.T, requests ...request) []reply {
	t.Helper()
	var in, out, errs bytes.Buffer
	for _, q := range requests {
		if err := json.NewEncoder(&in).Encode(q); err != nil {
			t.Fatal(err)
		}
	}
	if code := run([]string{"serve"}, &in, &out, &errs); code != 0 {
		t.Fatal(code, errs.String())
	}
	var replies []reply
	for dec := json.NewDecoder(&out); dec.More(); {
		var a reply
		if err := dec.Decode(&a); err != nil {
			t.Fatal(err)
		}
		replies = append(replies, a)
	}
	if len(replies) != len(requests) {
		t.Fatalf("%d replies to %d requests", len(replies), len(requests))
	}
	return replies
}

// What is written meets the optimality conditions, computed here from the file.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []family{optnet, sudoku, scqpth} {
		p := small(f)
		file, out := filepath.Join(dir, string(f)+".npz"), filepath.Join(dir, "out.npz")
		if err := npz.WriteFile(file, p.draw(1)); err != nil {
			t.Fatal(err)
		}
		const batch, grads = 5, 2
		a := ask(t, request{Op: "run", File: file, Batch: batch, Eps: 1e-8, Threads: 2, Seconds: 0.01, Reps: 2, Out: out, Grads: grads})[0]
		if a.Error != "" || a.Unsolved > 0 || !(a.Forward > 0 && a.Backward > 0 && a.Both >= a.Backward) || a.Calls < 2 || a.Setting == "" {
			t.Errorf("%s: %+v", f, a)
			continue
		}
		data, err := npz.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := npz.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if want := []int{batch, p.N}; !reflect.DeepEqual(got["z"].Shape, want) {
			t.Errorf("%s: z has shape %v, want %v", f, got["z"].Shape, want)
		}
		if want := []int{grads, p.N}; !reflect.DeepEqual(got["dp"].Shape, want) {
			t.Errorf("%s: dp has shape %v, want %v", f, got["dp"].Shape, want)
		}
		for name, a := range got {
			if strings.HasPrefix(name, "d") && a.Shape[0] != grads {
				t.Errorf("%s: %s has shape %v, want %d elements", f, name, a.Shape, grads)
			}
		}
		for i := range batch {
			if r := stationarity(p, data, got, i); !(r < 1e-6) {
				t.Errorf("%s: element %d: stationarity %g", f, i, r)
			}
		}
	}
}

// stationarity is ‖Qz + p + Aᵀν + Gᵀλ + μ‖ of element i.
func stationarity(p *problem, data, got map[string]*npz.Array, i int) float64 {
	at := func(arrays map[string]*npz.Array, name string, k int) []float64 {
		a := arrays[name]
		if a == nil {
			return make([]float64, k)
		}
		x := a.Data.([]float64)
		if len(x) == k {
			return x // shared
		}
		return x[i*k : (i+1)*k]
	}
	n := p.N
	z := at(got, "z", n)
	r := make([]float64, n)
	copy(r, at(data, "p", n))
	if p.Family == sudoku {
		for j, q := range at(data, "Q", n) {
			r[j] += q * z[j]
		}
	} else {
		q := at(data, "Q", n*n)
		for j := range r {
			r[j] += dot(q[j*n:(j+1)*n], z)
		}
	}
	for _, m := range [...]struct {
		matrix, multiplier string
		rows               int
	}{{"A", "nu", p.P}, {"G", "lam", p.M}} {
		if m.rows == 0 {
			continue
		}
		x, y := at(data, m.matrix, m.rows*n), at(got, m.multiplier, m.rows)
		for k, v := range y {
			for j := range r {
				r[j] += v * x[k*n+j]
			}
		}
	}
	top := 0.0
	for j, v := range at(got, "mu", n) {
		top = max(top, math.Abs(r[j]+v))
	}
	return top
}

func TestServeRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, arrays map[string]*npz.Array) string {
		file := filepath.Join(dir, name)
		if err := npz.WriteFile(file, arrays); err != nil {
			t.Fatal(err)
		}
		return file
	}
	good := small(optnet).draw(1)
	bad := map[string]*npz.Array{"p": good["p"], "Q": {Shape: []int{2}, Data: []float64{1, 1}}, "A": {Shape: []int{3}, Data: []float64{1, 2, 3}}, "c": good["c"]}
	file := write("good.npz", good)
	replies := ask(t,
		request{Op: "about"},
		request{Op: "dance"},
		request{Op: "run", File: filepath.Join(dir, "none.npz"), Batch: 1},
		request{Op: "run", File: file, Batch: 8},
		request{Op: "run", File: file, Batch: 0},
		request{Op: "run", File: write("bad.npz", bad), Batch: 1},
		request{Op: "run", File: write("empty.npz", nil), Batch: 1},
		request{Op: "run", File: file, Batch: 1, Out: filepath.Join(dir, "no", "out.npz")},
	)
	for i, want := range []string{"", `op "dance"`, "none.npz", "want a batch of 1 to that, not 8", "not 0", "A has shape [3]", "p is missing", "no such file"} {
		if got := replies[i].Error; want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("reply %d: %q, want %q", i, got, want)
		}
	}
	if replies[0].Version == "" {
		t.Error("no version")
	}
	var out, errs bytes.Buffer
	if code := run([]string{"serve"}, strings.NewReader("{"), &out, &errs); code != 1 {
		t.Errorf("half a request: %d", code)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 2}, 2}} {
		if got := median(c.in); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.in, got, c.want)
		}
	}
}
