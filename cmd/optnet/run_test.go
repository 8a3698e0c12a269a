package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/optnet-go/optnet/experiments/sudoku"
	"github.com/optnet-go/optnet/qp"
)

// call runs the command and returns its exit code and what it printed.
func call(t testing.TB, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// lastObject decodes the last line of out, which must be one JSON object.
func lastObject(t testing.TB, out string) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var obj map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &obj); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return obj
}

// puzzles writes n puzzles to a file.
func puzzles(t testing.TB, n int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("puzzle,solution\n")
	for _, p := range sudoku.Generate(1, n) {
		fmt.Fprintf(&b, "%v,%v\n", p.Puzzle, p.Solution)
	}
	return write(t, "puzzles.csv", b.String())
}

func write(t testing.TB, name, content string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestUsage(t *testing.T) {
	data := puzzles(t, 20)
	out := t.TempDir()
	for _, tt := range []struct {
		args string
		code int
		want string // on the standard error, or output if code is 0
	}{
		{"", 2, "want one of: bench, check, completion, "},
		{"--help", 0, "Available Commands"},
		{"help", 0, "Available Commands"},
		{"trian", 2, "did you mean train?"},
		{"optimize", 2, `there is no command "optnet optimize", want one of: bench, check, completion, devices, diagnose, grad, predict, solve, train, version`},
		{"--fast", 2, "unknown flag: --fast; see: optnet --help"},
		{"version", 0, "kernels " + qp.Kernels()},
		{"version 2", 2, `takes no argument, got "2"`},
		{"completion bash", 0, "bash completion"},
		{"train", 0, "sudoku      Learn the rules of 4×4 Sudoku from solved puzzles\n"},
		{"train sudok", 2, "did you mean sudoku?"},
		{"train sudoku now", 2, `takes no argument, got "now"`},
		{"train sudoku --help", 0, "--epochs"},
		{"train sudoku --epochs 0", 2, "--epochs is 0, want 1 or more"},
		{"train sudoku --epochs many", 2, "invalid argument \"many\""},
		{"train sudoku --batch -1", 2, "--batch is -1"},
		{"train sudoku --lr -1", 2, "--lr is -1"},
		{"train sudoku --lr NaN", 2, "--lr is NaN"},
		{"train sudoku --seed -1", 2, "invalid argument"},
		{"train sudoku --workers -1", 2, "--workers is -1"},
		{"train sudoku --device cuda:x", 2, `--device is "cuda:x", want cpu, or cuda:N`},
		{"train sudoku --device cuda:99", 1, "no CUDA device"},
		{"devices", 0, "cpu "},
		{"devices --json", 0, `"devices":[`},
		{"devices 1", 2, "takes no argument"},
		{"train sudoku --net rnn", 2, `"rnn", want one of optnet, fc, conv`},
		{"train sudoku --out=", 2, "--out is empty"},
		{"train sudoku --data=", 2, "--data is empty"},
		{"train sudoku --data " + data + ".missing", 1, "puzzles.csv.missing: no such file"},
		{"train sudoku --data " + data + " --out " + data, 1, "the output folder cannot be written (not a directory)"},
		{"train denoise --epochs 0", 2, "--epochs is 0, want 1 or more"},
		{"train denoise --net rnn", 2, `"rnn", want one of fc, learn-d, tuned`},
		{"train denoise --device gpu", 2, `--device is "gpu"`},
		{"train denoise --signals 3", 2, "--signals is 3, want at least 10"},
		{"train denoise --out=", 2, "--out is empty"},
		{"train denoise --out " + data, 1, "the output folder cannot be written (not a directory)"},
		{"predict denoise", 2, "--model is missing"},
		{"predict denoise --model " + out, 2, "no file given"},
		{"predict denoise --model " + out + " " + data, 1, "puzzles.csv:1: 2 numbers, want 100"},
		{"predict denoise --model " + out + " " + data + ".missing", 1, "puzzles.csv.missing: no such file"},
		{"predict denoise --model " + out + " -", 1, "no network is there"},
		{"train mnist --seeds 0", 2, "--seeds is 0"},
		{"train mnist --dropout 1", 2, "--dropout is 1"},
		{"train mnist --qp-rate 0", 2, "--qp-rate is 0"},
		{"train mnist --images -1", 2, "--images is -1"},
		{"train mnist --net rnn", 2, `"rnn", want one of optnet, fc`},
		{"train mnist --data=", 2, "--data is empty"},
		{"train mnist --data " + out, 1, "train-images-idx3-ubyte: no such file, with or without .gz"},
		{"predict mnist", 2, "--model is missing"},
		{"predict mnist --model " + out, 2, "no file given"},
		{"predict mnist --model " + out + " " + data, 1, "no network is there"},
		{"train represent --backend xla:cuda", 2, `--backend is "xla:cuda", want one of this program's, with options behind a colon: go (xla needs a build`},
		{"train represent --qp layer", 2, `--qp is "layer", want host or graph`},
		{"train represent --qp graph --workers 2", 2, `--qp is "graph", want host for the workers`},
		{"train represent --net relu", 2, `"relu", want optnet, or relu-`},
		{"train represent --batch 0", 2, "--batch is 0"},
		{"predict represent --model " + out, 2, "no point given"},
		{"predict represent --model " + out + " 1", 2, `the point is "1"`},
		{"predict represent --model " + out + " NaN,1", 2, `the point is "NaN,1"`},
		{"predict represent --model " + out + " 1,2", 1, "want a folder that a training wrote"},
		{"predict sudoku", 2, "--model is missing"},
		{"predict sudoku --model " + out, 2, "no board given"},
		{"predict sudoku --model " + out + " 123", 2, "has 3 characters, want 16"},
		{"predict sudoku --model " + out + " 0300001040000002", 1, "want a folder that a training wrote"},
		{"predict sudoku --model " + out + " --device cuda 0300001040000002", 2, "want cpu"},
	} {
		code, stdout, stderr := call(t, "", strings.Fields(tt.args)...)
		said := stderr
		if tt.code == 0 {
			said = stdout
		}
		if code != tt.code || !strings.Contains(said, tt.want) {
			t.Errorf("optnet %s: exit code %d, %q, %q; want %d, %q", tt.args, code, stdout, stderr, tt.code, tt.want)
		}
		if tt.code != 0 && (stdout != "" || strings.Count(stderr, "\n") != 1) {
			t.Errorf("optnet %s: printed %q, and on the standard error %q, want one line there", tt.args, stdout, stderr)
		}
	}
}

func TestErrorJSON(t *testing.T) {
	bad := write(t, "bad.csv", "0300001040000002,1324241342313142\n0300001040000002,13242413")
	for _, tt := range []struct {
		args       string
		code       int
		file, want string
		line       float64
	}{
		{"train sudoku --json --data " + bad + " --out " + t.TempDir(), 1, bad, "has 8 characters, want 16", 2},
		{"train sudoku --json --epochs 0", 2, "", "--epochs is 0", 0},
		{"train sudoku --json --fast", 2, "", "unknown flag", 0},
		{"predict sudoku --json --model /nowhere 0300001040000002", 1, "/nowhere", "want a folder", 0},
	} {
		code, stdout, stderr := call(t, "", strings.Fields(tt.args)...)
		obj := lastObject(t, stdout)
		msg, _ := obj["error"].(string)
		file, _ := obj["file"].(string)
		line, _ := obj["line"].(float64)
		if code != tt.code || !strings.Contains(msg, tt.want) || file != tt.file || line != tt.line || stderr != "" {
			t.Errorf("optnet %s: exit code %d, %q, %q", tt.args, code, stdout, stderr)
		}
	}
}

// TestTrainPredict trains on few puzzles, and uses what came out.
func TestTrainPredict(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	n := 1000
	if testing.Short() {
		n = 50
	}
	code, stdout, stderr := call(t, "", "train", "sudoku", "--json", "--data", puzzles(t, n), "--batch", "30", "--epochs", "5", "--seed", "2", "--out", out, "--workers", "2")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if strings.Count(stdout, "\n") != 1 {
		t.Errorf("with --json the output is not one line: %q", stdout)
	}
	if strings.Count(stderr, "epoch ") != 6 || !strings.Contains(stderr, "of the test puzzles also occur in training") || strings.Contains(stderr, "\r") {
		t.Errorf("the standard error is %q", stderr)
	}
	obj := lastObject(t, stdout)
	for _, name := range []string{"experiment", "seed", "epochs", "seconds", "seconds_per_epoch", "test_error", "test_error_unseen", "test_mse", "train_loss", "test_seen"} {
		if obj[name] == nil {
			t.Errorf("the result has no %s", name)
		}
	}
	header, _ := obj["header"].(map[string]any)
	for _, name := range []string{"version", "revision", "go", "cpu", "kernel_set", "device", "flags", "generator", "data_sha256"} {
		if v := header[name]; v == nil || v == "" {
			t.Errorf("the header has no %s", name)
		}
	}
	flags, _ := header["flags"].(map[string]any)
	if flags["seed"] != "2" || flags["net"] != "optnet" || flags["lr"] != "0" || flags["epochs"] != "5" {
		t.Errorf("flags %v", flags)
	}
	if saved, err := os.ReadFile(filepath.Join(out, sudoku.ResultsFile)); err != nil || fmt.Sprint(lastObject(t, strings.ReplaceAll(string(saved), "\n", ""))) != fmt.Sprint(obj) {
		t.Errorf("%s is not what was printed: %v", sudoku.ResultsFile, err)
	}

	// The test puzzles, again.
	ps := sudoku.Generate(1, n)[n-n/10:]
	var in strings.Builder
	for _, p := range ps {
		fmt.Fprintf(&in, "%v\n\n", p.Puzzle)
	}
	code, stdout, stderr = call(t, in.String(), "predict", "sudoku", "--model", out, "--json", "-")
	wrong := 0
	for line := range strings.Lines(stdout) {
		if obj := lastObject(t, line); obj["solved"] != true {
			wrong++
		} else if obj["status"] != "Solved" {
			t.Errorf("%s", line)
		}
	}
	if want := obj["test_error"].(float64) * float64(len(ps)); math.Abs(want-float64(wrong)) > 1e-9 || code != exitNotSolved || stderr != "" {
		t.Errorf("%d of %d boards wrong, want %v; exit code %d, %s", wrong, len(ps), want, code, stderr)
	}
	if !testing.Short() { // it has learned something
		code, stdout, _ = call(t, "", "predict", "sudoku", "--model", out, ps[0].Solution.String())
		if want := fmt.Sprintf("%v,%[1]v\n%s", ps[0].Solution, ps[0].Solution.Grid()); code != 0 || stdout != want {
			t.Errorf("exit code %d, %q, want %q", code, stdout, want)
		}
	}
	// What has no solution is not solved.
	code, stdout, _ = call(t, "", "predict", "sudoku", "--model", out, "1100000000000000")
	if code != exitNotSolved || !strings.Contains(stdout, "(wrong: ") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
}

// TestDenoise trains on few signals, and uses what came out.
func TestDenoise(t *testing.T) {
	if checked() {
		t.Skip("GoMLX's matrix product does not pass the checks of pointers")
	}
	out := filepath.Join(t.TempDir(), "out")
	args := []string{"train", "denoise", "--json", "--net", "fc,tuned", "--signals", "30", "--batch", "10", "--epochs", "1", "--seed", "2", "--out", out}
	code, stdout, stderr := call(t, "", args...)
	if code != 0 || strings.Count(stdout, "\n") != 1 || strings.Count(stderr, "epoch ") != 4 {
		t.Fatalf("exit code %d: %q, %q", code, stdout, stderr)
	}
	obj := lastObject(t, stdout)
	for _, name := range []string{"experiment", "seed", "epochs", "seconds", "seconds_per_epoch", "test_mse", "train_mse", "noise_mse", "tv", "header", "history"} {
		if obj[name] == nil {
			t.Errorf("the result has no %s", name)
		}
	}
	// Resumed, there is nothing left to do.
	code, stdout, stderr = call(t, "", append(args, "--resume")...)
	if again := lastObject(t, stdout); code != 0 || again["test_mse"] != obj["test_mse"] || strings.Contains(stderr, "epoch ") {
		t.Errorf("exit code %d: %v, want %v; %q", code, again["test_mse"], obj["test_mse"], stderr)
	}
	code, stdout, _ = call(t, "", "train", "denoise", "--quiet", "--net", "tuned", "--signals", "10", "--epochs", "1", "--out", t.TempDir())
	if code != 0 || !strings.Contains(stdout, "OptNet, tuned from total variation") || !strings.Contains(stdout, "results in ") {
		t.Errorf("exit code %d: %q", code, stdout)
	}

	signals := strings.Repeat("50,", 99) + "50\n\n" + strings.Repeat("20 ", 100) + "\n"
	code, stdout, stderr = call(t, signals, "predict", "denoise", "--model", out, "--net", "tuned", "-")
	if code != 0 || strings.Count(stdout, "\n") != 2 || strings.Count(stdout, ",") != 2*99 {
		t.Errorf("exit code %d: %q, %q", code, stdout, stderr)
	}
	code, stdout, _ = call(t, signals, "predict", "denoise", "--model", out, "--net", "fc", "--json", "-")
	if x, _ := lastObject(t, stdout)["signal"].([]any); code != 0 || len(x) != 100 {
		t.Errorf("exit code %d: %q", code, stdout)
	}
	if code, _, stderr = call(t, signals, "predict", "denoise", "--model", out, "-"); code != 1 || !strings.Contains(stderr, "several networks are there") {
		t.Errorf("exit code %d: %q", code, stderr)
	}
	if code, _, stderr = call(t, strings.Repeat("NaN,", 100), "predict", "denoise", "--model", out, "--net", "fc", "-"); code != 1 || !strings.Contains(stderr, "number 0 of signal 0 is NaN") {
		t.Errorf("exit code %d: %q", code, stderr)
	}
}

// TestMNIST trains on a few images of noise, and uses what came out.
func TestMNIST(t *testing.T) {
	if checked() {
		t.Skip("GoMLX's matrix product does not pass the checks of pointers")
	}
	data := t.TempDir()
	const n, pixels = 20, 28 * 28
	images := append([]byte{0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 28, 0, 0, 0, 28}, make([]byte, n*pixels)...)
	labels := append([]byte{0, 0, 8, 1, 0, 0, 0, n}, make([]byte, n)...)
	for i := range n {
		labels[8+i] = byte(i % 10)
		for j := range pixels {
			images[16+i*pixels+j] = byte(i * j)
		}
	}
	for _, set := range []string{"train", "t10k"} {
		for name, b := range map[string][]byte{"-images-idx3-ubyte": images, "-labels-idx1-ubyte": labels} {
			if err := os.WriteFile(filepath.Join(data, set+name), b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	out := filepath.Join(t.TempDir(), "out")
	code, stdout, stderr := call(t, "", "train", "mnist", "--json", "--data", data, "--batch", "15", "--epochs", "2", "--seeds", "2", "--out", out)
	if code != 0 || strings.Count(stdout, "\n") != 1 || strings.Count(stderr, "epoch ") != 6 {
		t.Fatalf("exit code %d: %q, %q", code, stdout, stderr)
	}
	obj := lastObject(t, stdout)
	for _, name := range []string{"experiment", "seed", "epochs", "seconds", "seconds_per_epoch", "test_error", "test_error_spread", "seeds", "header", "history"} {
		if obj[name] == nil {
			t.Errorf("the result has no %s", name)
		}
	}
	code, stdout, stderr = call(t, "", "train", "mnist", "--quiet", "--data", data, "--images", "10", "--epochs", "1", "--seeds", "2", "--net", "fc", "--out", t.TempDir())
	if code != 0 || !strings.Contains(stdout, "fc, after 1 epochs: test error ") || !strings.Contains(stdout, "±") || stderr != "" {
		t.Errorf("exit code %d: %q, %q", code, stdout, stderr)
	}
	file := filepath.Join(data, "t10k-images-idx3-ubyte")
	if code, stdout, stderr = call(t, "", "predict", "mnist", "--model", out, file); code != 0 || strings.Count(stdout, "\n") != n {
		t.Errorf("exit code %d: %q, %q", code, stdout, stderr)
	}
	code, stdout, _ = call(t, "", "predict", "mnist", "--model", out, "--json", file)
	if p, _ := lastObject(t, stdout)["probabilities"].([]any); code != 0 || len(p) != 10 {
		t.Errorf("exit code %d: %q", code, stdout)
	}
	if code, _, stderr = call(t, "", "predict", "mnist", "--model", out, filepath.Join(data, "t10k-labels-idx1-ubyte")); code != 1 || !strings.Contains(stderr, "starts with the bytes 00 00 08 01") {
		t.Errorf("exit code %d: %q", code, stderr)
	}
}

// TestRepresent trains for an epoch, and uses what came out.
func TestRepresent(t *testing.T) {
	if checked() {
		t.Skip("GoMLX's matrix product does not pass the checks of pointers")
	}
	out := filepath.Join(t.TempDir(), "out")
	code, stdout, stderr := call(t, "", "train", "represent", "--quiet", "--net", "optnet,relu-3", "--epochs", "1", "--batch", "500", "--out", out)
	if code != 0 || stderr != "" || !strings.Contains(stdout, "relu-3      13 parameters, after 1 epochs") {
		t.Fatalf("exit code %d: %q, %q", code, stdout, stderr)
	}
	code, stdout, _ = call(t, "", "train", "represent", "--json", "--net", "optnet,relu-3", "--epochs", "1", "--batch", "500", "--out", out, "--resume")
	if obj := lastObject(t, stdout); code != 0 || obj["experiment"] != "represent" || obj["test_mse"] == nil || obj["header"] == nil {
		t.Errorf("exit code %d: %q", code, stdout)
	}
	code, stdout, _ = call(t, "", "predict", "represent", "--model", out, "0.5,-0.5", "--", "-1,1")
	if code != 0 || strings.Count(stdout, "\n") != 2 || !strings.HasSuffix(stdout, " 1.5\n") {
		t.Errorf("exit code %d: %q", code, stdout)
	}
	code, stdout, _ = call(t, "", "predict", "represent", "--model", out, "--net", "relu-3", "--json", "0,0")
	if obj := lastObject(t, stdout); code != 0 || obj["target"] != 0.0 {
		t.Errorf("exit code %d: %q", code, stdout)
	}
}

// checked reports whether pointer arithmetic is checked, as it is together with
// races: GoMLX's matrix product in Go (compute v0.1.2) computes addresses in a
// way that this check rejects.
func checked() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" })
}

func TestQuiet(t *testing.T) {
	if checked() {
		t.Skip("GoMLX's matrix product does not pass the checks of pointers")
	}
	data := puzzles(t, 30)
	code, stdout, stderr := call(t, "", "train", "sudoku", "--quiet", "--data", data, "--epochs", "1", "--net", "fc,optnet", "--out", t.TempDir())
	if code != 0 || stderr != "" || strings.Count(stdout, "\n") != 3 || !strings.Contains(stdout, "fc: epoch 1, chosen by training loss: test error 100 %") {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
}

// TestInterrupt ends the context when the first epoch has begun.
func TestInterrupt(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		ctx, cancel := context.WithCancel(context.Background())
		out := t.TempDir()
		args := []string{"train", "sudoku", "--batch", "1", "--epochs", "1000", "--out", out}
		if asJSON {
			args = append(args, "--json")
		}
		time.AfterFunc(500*time.Millisecond, cancel)
		var stdout, stderr bytes.Buffer
		code := run(ctx, args, strings.NewReader(""), &stdout, &stderr)
		said := stderr.String()
		if asJSON {
			said, _ = lastObject(t, stdout.String())["error"].(string)
		}
		if code != exitError || !strings.Contains(said, "sudoku: interrupted in epoch ") || !strings.Contains(said, out) {
			t.Errorf("exit code %d, %q, %q", code, stdout.String(), stderr.String())
		}
		for _, name := range []string{sudoku.MetricsFile, sudoku.ResultsFile} {
			if b, err := os.ReadFile(filepath.Join(out, name)); err != nil || len(b) == 0 {
				t.Errorf("%s: %v, %d bytes", name, err, len(b))
			}
		}
	}
}
