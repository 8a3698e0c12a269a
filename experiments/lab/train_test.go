package lab

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/optnet-go/optnet/gomlx"
)

// skipChecked is labtest.SkipChecked, which a test of this package cannot import.
func skipChecked(t *testing.T) {
	t.Helper()
	info, ok := debug.ReadBuildInfo()
	if ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" }) {
		t.Skip("GoMLX's matrix product does not pass the checks of pointers")
	}
}

// line is a set of n points (x, 2x₀ − x₁ + 1).
type line int

func (n line) Len() int { return int(n) }

func (n line) Batch(examples []int) (x, y *tensors.Tensor) {
	var xs, ys []float64
	for _, i := range examples {
		a, b := math.Sin(float64(3*i)), math.Cos(float64(5*i))
		xs = append(xs, a, b)
		ys = append(ys, 2*a-b+1)
	}
	return tensors.FromFlatDataAndDimensions(xs, len(examples), 2), tensors.FromFlatDataAndDimensions(ys, len(examples), 1)
}

// affine is a network that can be trained to be that line: xᵀw + b, projected on
// z ≤ h by a QP that changes nothing as long as Q is positive definite.
func affine(c *gomlx.Counter, diag float64) func(v *Vars) Net { return affineWith(c, diag, 0) }

func affineWith(c *gomlx.Counter, diag, dropout float64) func(v *Vars) Net {
	return func(v *Vars) Net {
		w, b := v.Uniform("w", -1, 1, 2, 1), v.Normal("b", 1, 1)
		mse := func(z, y *graph.Node) *graph.Node { return graph.ReduceAllMean(graph.Square(graph.Sub(z, y))) }
		return Net{
			Forward: func(scope *model.Scope, x *graph.Node) *graph.Node {
				x = layers.DropoutStatic(scope, x, dropout)
				z := graph.Add(graph.MatMul(x, w.NodeValue(x)), graph.Reshape(b.NodeValue(x), 1, 1))
				q := graph.Const(x.Graph(), []float64{diag})
				s := gomlx.QP(gomlx.Data{Diag: q, P: graph.Neg(z), L: graph.Const(x.Graph(), []float64{-100})}, &gomlx.Options{Counter: c})
				return s.Z
			},
			Loss: mse, MSE: mse,
			Error: func(z, y *graph.Node) *graph.Node {
				off := graph.GreaterThan(graph.Abs(graph.Sub(z, y)), graph.Const(z.Graph(), 0.1))
				return graph.ReduceAllMean(graph.ConvertDType(off, z.DType()))
			},
		}
	}
}

func job(out Folder) *Job {
	c := &gomlx.Counter{}
	return &Job{
		Experiment: "line", Net: "affine", Seed: 3, DType: dtypes.Float64, Build: affine(c, 1), QPs: c,
		Train: line(50), Test: line(30), Epochs: 12, Batch: 8, LR: 0.1, Shuffle: true, Decay: true, Data: "none", Out: out,
	}
}

// figures are a history without its times.
func figures(t *testing.T, h []Epoch) string {
	t.Helper()
	h = append([]Epoch(nil), h...)
	for i := range h {
		h[i].Seconds = 0
	}
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestJob(t *testing.T) {
	skipChecked(t)
	dir := Folder(t.TempDir())
	j := job(dir)
	steps, each, epochs := 0, 0, 0
	j.Report = Report{Step: func(s Step) { steps++ }, Epoch: func(Epoch) { epochs++ }}
	j.Each = func([]Epoch) error { each++; return nil }
	got, err := j.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	last := got.Last()
	if last.Epoch != 12 || last.Test.MSE > 5e-3 || last.Test.Error != 0 || last.Batches != 7 || last.Test.Loss != last.Test.MSE {
		t.Errorf("last epoch %+v", last)
	}
	if got.History[0].Train.Loss.Known() || got.History[0].Test.MSE < 0.1 {
		t.Errorf("before training %+v", got.History[0])
	}
	if steps != 12*7 || each != 13 || epochs != 13 {
		t.Errorf("%d steps, %d and %d epochs", steps, each, epochs)
	}
	if last.Counts != (Counts{}) {
		t.Errorf("QPs %+v", last.Counts)
	}
	w, err := got.Network.Parameter("w")
	if err != nil || math.Abs(w[0]-2) > 0.1 || math.Abs(w[1]+1) > 0.1 {
		t.Errorf("w = %v, %v", w, err)
	}

	// What was saved does what the training says.
	n, key, history, err := Load(dir.Join("affine.npz"), "line", dtypes.Float64, affine(nil, 1))
	if err != nil {
		t.Fatal(err)
	}
	if key.Net != "affine" || key.Seed != 3 || len(history) != 13 {
		t.Errorf("loaded %+v, %d epochs", key, len(history))
	}
	m, err := n.TestAll(context.Background(), line(30), 8)
	if err != nil || m != last.Test {
		t.Errorf("loaded: %+v, %v, the training said %+v", m, err, last.Test)
	}
}

// TestResume: a training that was stopped, in the middle of an epoch or between
// two, goes on to the same figures and parameters, to the last bit.
func TestResume(t *testing.T) {
	t.Run("plain", func(t *testing.T) { resume(t, job) })
	t.Run("random", func(t *testing.T) { // the state of the random numbers too
		resume(t, func(out Folder) *Job {
			j := job(out)
			j.Build = affineWith(j.QPs, 1, 0.3)
			return j
		})
	})
}

func resume(t *testing.T, job func(Folder) *Job) {
	skipChecked(t)
	whole := Folder(t.TempDir())
	want, err := job(whole).Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct{ epoch, batch int }{{1, 1}, {1, 7}, {4, 3}} {
		dir := Folder(t.TempDir())
		ctx, cancel := context.WithCancelCause(context.Background())
		why := errors.New("enough")
		j := job(dir)
		j.Report.Step = func(s Step) {
			if s.Epoch == at.epoch && s.Batch == at.batch {
				cancel(why)
			}
		}
		part, err := j.Run(ctx)
		if !errors.Is(err, ErrInterrupted) || !errors.Is(err, why) || !strings.Contains(err.Error(), string(dir)) {
			t.Fatalf("error %v", err)
		}
		if e := part.History[len(part.History)-1]; e.Epoch != at.epoch || e.Ended() || e.Batches != at.batch || part.Last().Epoch != at.epoch-1 {
			t.Errorf("the last line is %+v", e)
		}
		j = job(dir)
		j.Resume = true
		got, err := j.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if a, b := figures(t, got.History), figures(t, want.History); a != b {
			t.Errorf("stopped at %+v and resumed\n%s\nwant\n%s", at, a, b)
		}
		for _, name := range []string{"w", "b"} {
			a, _ := got.Network.Parameter(name)
			b, _ := want.Network.Parameter(name)
			for i := range a {
				if a[i] != b[i] {
					t.Errorf("%s is %v, want %v", name, a, b)
				}
			}
		}
	}
	// Of what has ended nothing is done again.
	j := job(whole)
	j.Resume = true
	j.Report.Step = func(Step) { t.Error("a step after the end") }
	if got, err := j.Run(context.Background()); err != nil || figures(t, got.History) != figures(t, want.History) {
		t.Errorf("resumed after the end: %v", err)
	}
}

func TestResumeRefuses(t *testing.T) {
	skipChecked(t)
	dir := Folder(t.TempDir())
	j := job(dir)
	j.Epochs = 1
	if _, err := j.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(dir.Join("affine.npz"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*Job)
		want   string
	}{
		{func(j *Job) { j.Seed = 4 }, "seed 3, and not 4"},
		{func(j *Job) { j.Batch = 9 }, "batch 8, and not 9"},
		{func(j *Job) { j.LR = 1 }, "learning rate 0.1, and not 1"},
		{func(j *Job) { j.Epochs = 2 }, "number of epochs, in which the learning rate falls to 0, 1, and not 2"},
		{func(j *Job) { j.Data = "other" }, "SHA-256 of the data none, and not other"},
		{func(j *Job) { j.Experiment = "curve" }, "experiment line, and not curve"},
	} {
		j := job(dir)
		j.Epochs, j.Resume = 1, true
		c.change(j)
		_, err := j.Run(context.Background())
		var f *FileError
		if !errors.As(err, &f) || f.File != dir.Join("affine.npz") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	for name, text := range map[string][]byte{"empty": {}, "cut off": good[:len(good)/2], "no archive": []byte("hello")} {
		if err := os.WriteFile(dir.Join("affine.npz"), text, 0o666); err != nil {
			t.Fatal(err)
		}
		j := job(dir)
		j.Epochs, j.Resume = 1, true
		if _, err := j.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "cannot be read") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestDiverged: a loss that is no number ends the training, and the last good
// checkpoint stays.
func TestDiverged(t *testing.T) {
	skipChecked(t)
	dir := Folder(t.TempDir())
	j := job(dir)
	batches := 0
	j.Train = poisoned{line(50), &batches}
	got, err := j.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "epoch 2 of affine, batch 3: the loss is NaN") ||
		!strings.Contains(err.Error(), "try a smaller learning rate than 0.1") || !strings.Contains(err.Error(), "has the parameters of epoch 1") {
		t.Fatalf("error %v", err)
	}
	if got.Last().Epoch != 1 {
		t.Errorf("last epoch %+v", got.Last())
	}
	n, _, history, err := Load(dir.Join("affine.npz"), "line", dtypes.Float64, affine(nil, 1))
	if err != nil || len(history) != 2 {
		t.Fatalf("loaded %d epochs, %v", len(history), err)
	}
	if m, err := n.TestAll(context.Background(), line(30), 8); err != nil || m != got.Last().Test {
		t.Errorf("loaded: %+v, %v", m, err)
	}
}

// poisoned has a target that is no number in its tenth batch.
type poisoned struct {
	line
	batches *int
}

func (p poisoned) Batch(examples []int) (x, y *tensors.Tensor) {
	x, y = p.line.Batch(examples)
	if *p.batches++; *p.batches == 10 {
		y = tensors.FromFlatDataAndDimensions(append(make([]float64, len(examples)-1), math.NaN()), len(examples), 1)
	}
	return x, y
}

// TestIndefinite: QPs whose Q is not positive semidefinite are counted, and do
// not end the training.
func TestIndefinite(t *testing.T) {
	skipChecked(t)
	j := job("")
	c := &gomlx.Counter{}
	j.Build, j.QPs, j.Epochs = affine(c, -1), c, 1
	got, err := j.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if e := got.Last(); e.Unsolved != 50 || e.Zeroed != 50 || e.InTest.Unsolved != 30 {
		t.Errorf("%+v", e)
	}
}

func TestLoadErrors(t *testing.T) {
	skipChecked(t)
	dir := Folder(t.TempDir())
	load := func() error {
		_, _, _, err := Load(dir.Join("affine.npz"), "line", dtypes.Float64, affine(nil, 1))
		return err
	}
	if err := load(); err == nil || !strings.Contains(err.Error(), "want a folder that a training wrote") {
		t.Errorf("missing: error %v", err)
	}
	j := job(dir)
	j.Epochs = 1
	if _, err := j.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := load(); err != nil {
		t.Error(err)
	}
	if _, _, _, err := Load(dir.Join("affine.npz"), "curve", dtypes.Float64, affine(nil, 1)); err == nil || !strings.Contains(err.Error(), `experiment "line", want "curve"`) {
		t.Errorf("another experiment: error %v", err)
	}
	other := func(v *Vars) Net {
		v.Values("w", make([]float64, 3), 3)
		return Net{}
	}
	_, _, _, err := Load(dir.Join("affine.npz"), "line", dtypes.Float64, other)
	if err == nil || !strings.Contains(err.Error(), "parameter w has shape [2 1], want [3]") {
		t.Errorf("another shape: error %v", err)
	}
}

func TestFolder(t *testing.T) {
	dir := Folder(filepath.Join(t.TempDir(), "a", "b"))
	if err := dir.Open(); err != nil {
		t.Fatal(err)
	}
	put := func(text string, fail error) error {
		return dir.Write("x", func(w io.Writer) error {
			io.WriteString(w, text)
			return fail
		})
	}
	if err := put("one", nil); err != nil {
		t.Fatal(err)
	}
	if err := put("two", errors.New("disk full")); err == nil || !strings.Contains(err.Error(), dir.Join("x")+": disk full") {
		t.Errorf("error %v", err)
	}
	if b, err := os.ReadFile(dir.Join("x")); string(b) != "one" || err != nil {
		t.Errorf("after a write that failed: %q, %v", b, err)
	}
	if err := dir.Open("x", "y"); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(string(dir)); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	file := Folder(dir.Join("file"))
	os.WriteFile(string(file), nil, 0o666)
	if err := file.Open(); err == nil || !strings.Contains(err.Error(), "the output folder cannot be written (not a directory)") {
		t.Errorf("error %v", err)
	}
	if err := Folder("").Write("x", nil); err != nil {
		t.Error(err)
	}
}

func TestFigure(t *testing.T) {
	for f, want := range map[Figure]string{0: "0", 1.5: "1.5", Figure(math.Inf(1)): "null"} {
		if b, err := json.Marshal(f); err != nil || string(b) != want {
			t.Errorf("%v: %s, %v, want %s", f, b, err, want)
		}
	}
	var f Figure
	if err := json.Unmarshal([]byte("null"), &f); err != nil || f.Known() || f.String() != "" || f.Percent() != "unknown" {
		t.Errorf("%v, %v", f, err)
	}
	if b, err := json.Marshal(Measured{1, None, 0}); err != nil || string(b) != `{"loss":1,"error":0}` {
		t.Errorf("%s, %v", b, err)
	}
	var m Measured
	if err := json.Unmarshal([]byte(`{"loss":1,"error":0}`), &m); err != nil || m.Loss != 1 || m.MSE.Known() {
		t.Errorf("%+v, %v", m, err)
	}
}
