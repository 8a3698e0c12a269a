package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return
	}
	has := func(key, value string) bool {
		return slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == key && strings.Contains(s.Value, value) })
	}
	if has("-race", "true") && !has("-gcflags", "checkptr=0") {
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
		mse := func(z, y *graph.Node) *graph.Node { return graph.ReduceMean(graph.Square(graph.Sub(z, y)), 1) }
		return Net{
			Forward: func(scope *model.Scope, x *graph.Node) Answer {
				x = layers.DropoutStatic(scope, x, dropout)
				z := graph.Add(graph.MatMul(x, w.NodeValue(x)), graph.Reshape(b.NodeValue(x), 1, 1))
				q := graph.Const(x.Graph(), []float64{diag})
				s := gomlx.QP(gomlx.Data{Diag: q, P: graph.Neg(z), L: graph.Const(x.Graph(), []float64{-100})}, &gomlx.Options{Counter: c})
				return AnswerOf(s)
			},
			Loss: mse, MSE: mse,
			Wrong: func(z, y *graph.Node) *graph.Node {
				off := graph.GreaterThan(graph.Abs(graph.Sub(z, y)), graph.Const(z.Graph(), 0.1))
				return graph.Reshape(off, -1)
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
		h[i].Seconds, h[i].InTraining = 0, 0
	}
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// same compares with missing figures being equal.
func same(a, b Measured) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

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
	if last.Epoch != 12 || last.Test.MSE > 5e-3 || last.Test.Error != 0 || last.Batches != 7 || math.Abs(float64(last.Test.Loss-last.Test.MSE)) > 1e-12 {
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
	m, _, err := n.TestAll(context.Background(), line(30), 8)
	if err != nil || !same(m, last.Test) {
		t.Errorf("loaded: %+v, %v, the training said %+v", m, err, last.Test)
	}
}

// TestResume: a training that was stopped, in the middle of an epoch or between
// two, goes on to the same figures and parameters, to the last bit.
func TestResume(t *testing.T) {
	t.Run("plain", func(t *testing.T) { resume(t, job) })
	t.Run("averaged", func(t *testing.T) { resume(t, averaged) })
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
	// Of a learning rate that does not fall, more epochs may be asked for, and not fewer.
	long := job(Folder(t.TempDir()))
	long.Epochs, long.Decay = 2, false
	if _, err := long.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	long.Epochs, long.Resume = 1, true
	if _, err := long.Run(context.Background()); err == nil || !strings.Contains(err.Error(), "has gone on for 2 epochs, more than 1") {
		t.Errorf("error %v", err)
	}
	long.Epochs = 3
	if got, err := long.Run(context.Background()); err != nil || got.Last().Epoch != 3 {
		t.Errorf("error %v", err)
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
	// Each byte of what is learned, changed, is found.
	at := bytes.Index(good, []byte("w.npy")) + 200
	damaged := bytes.Clone(good)
	damaged[at] ^= 1
	for name, text := range map[string][]byte{"empty": {}, "cut off": good[:len(good)/2], "no archive": []byte("hello"), "damaged": damaged} {
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
	if m, _, err := n.TestAll(context.Background(), line(30), 8); err != nil || !same(m, got.Last().Test) {
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

// half is a network like affine, whose Q is not positive semidefinite where x₀ is
// negative.
func half(c *gomlx.Counter) func(v *Vars) Net {
	return func(v *Vars) Net {
		n := affine(c, 1)(v)
		w := v.all[0]
		n.Forward = func(_ *model.Scope, x *graph.Node) Answer {
			first := graph.Slice(x, graph.AxisRange(), graph.AxisRange(0, 1))
			return AnswerOf(gomlx.QP(gomlx.Data{Diag: graph.Sign(first), P: graph.MatMul(x, w.NodeValue(x))}, &gomlx.Options{Counter: c}))
		}
		return n
	}
}

// TestIndefinite: QPs whose Q is not positive semidefinite are counted, their
// examples are wrong and in no mean, and the training goes on; if all are so, it
// ends, and the last good checkpoint stays.
func TestIndefinite(t *testing.T) {
	skipChecked(t)
	negative := func(n int) (k int) {
		for i := range n {
			if math.Sin(float64(3*i)) < 0 {
				k++
			}
		}
		return k
	}
	train, test := negative(50)+1, negative(30)+1 // the first has x₀ = 0 and is unbounded
	j := job("")
	c := &gomlx.Counter{}
	j.Build, j.QPs, j.Epochs = half(c), c, 2
	got, err := j.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	e := got.Last()
	if e.Unsolved != train || e.Zeroed != train || e.InTest.Unsolved != test || !(float64(e.Test.Error) >= float64(test)/30) {
		t.Errorf("%+v, want %d in training and %d in the test unsolved", e, train, test)
	}
	mse := 0.0
	w, err := got.Network.Parameter("w")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		if a, b := math.Sin(float64(3*i)), math.Cos(float64(5*i)); a > 0 {
			mse += math.Pow(-(w[0]*a+w[1]*b)-(2*a-b+1), 2) / float64(30-test)
		}
	}
	if math.Abs(mse-float64(e.Test.MSE)) > 1e-9*mse || math.Abs(mse-float64(e.Test.Loss)) > 1e-9*mse {
		t.Errorf("test %+v, want the mean %v over those that are solved", e.Test, mse)
	}

	j = job(Folder(t.TempDir()))
	j.Build, j.QPs = affine(c, -1), c
	got, err = j.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "epoch 1 of affine: none of its 50 QPs was solved") || !strings.Contains(err.Error(), "has the parameters of epoch 0") {
		t.Errorf("error %v", err)
	}
	if e := got.History[len(got.History)-1]; e.Unsolved != 50 || e.Zeroed != 50 || e.Ended() || got.Last().Epoch != 0 {
		t.Errorf("%+v", e)
	}
}

// TestLastStep: what the last step of an epoch makes infinite is no checkpoint.
func TestLastStep(t *testing.T) {
	skipChecked(t)
	dir := Folder(t.TempDir())
	j := job(dir)
	j.LR, j.Decay, j.Batch = math.MaxFloat64, false, 50 // the only step goes to infinity
	j.Build = func(v *Vars) Net {
		n := affine(j.QPs, 1)(v)
		w := v.all[0]
		n.Penalty = func(g *graph.Graph) *graph.Node {
			return graph.MulScalar(graph.ReduceAllSum(graph.Exp(w.NodeValue(g))), 1e6)
		}
		return n
	}
	got, err := j.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "epoch 1 of affine: parameter w is ") || !strings.Contains(err.Error(), "has the parameters of epoch 0") {
		t.Fatalf("error %v", err)
	}
	if got.Last().Epoch != 0 {
		t.Errorf("%+v", got.Last())
	}
	if _, _, history, err := Load(dir.Join("affine.npz"), "line", dtypes.Float64, affine(nil, 1)); err != nil || len(history) != 1 {
		t.Errorf("loaded %d epochs, %v", len(history), err)
	}
}

// judge knows what is wrong by itself, and that training has every third example.
type judge struct{ line }

func (j judge) Wrong(example int, z []float64) bool {
	_, y := j.Batch([]int{example})
	return len(z) != 1 || math.Abs(z[0]-y.Value().([][]float64)[0][0]) > 0.1
}

func (judge) Seen(example int) bool { return example%3 == 0 }

// TestJudge has a set that says what is wrong, and the same network that does.
func TestJudge(t *testing.T) {
	skipChecked(t)
	plain := job("")
	plain.Epochs = 4
	want, err := plain.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	j := job("")
	j.Epochs = 4
	j.Train, j.Test = judge{50}, judge{30}
	build := j.Build
	j.Build = func(v *Vars) Net {
		n := build(v)
		n.Wrong, n.Judged = nil, true
		return n
	}
	got, err := j.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	mixed := false
	for i := range got.History {
		e, w := &got.History[i], &want.History[i]
		if fmt.Sprint(e.Train.Error, e.Test.Error, e.Test.Loss) != fmt.Sprint(w.Train.Error, w.Test.Error, w.Test.Loss) {
			t.Errorf("epoch %d: %+v, want %+v", i, e, w)
		}
		// 10 of 30 have been seen.
		all, unseen := 30*float64(e.Test.Error), 20*float64(e.Test.Unseen)
		if unseen > all+1e-9 || all > unseen+10+1e-9 || math.Abs(unseen-math.Round(unseen)) > 1e-9 {
			t.Errorf("epoch %d: %v wrong, %v of them unseen", i, all, unseen)
		}
		mixed = mixed || all > 0 && all < 30
	}
	if !mixed {
		t.Error("all answers are wrong, or none")
	}
}

// averaged is a training whose parameters of an epoch are the mean over its steps,
// and of the epoch chosen by training loss.
func averaged(out Folder) *Job {
	j := job(out)
	j.Choose, j.Decay, j.LR = true, false, 0.5
	build := j.Build
	j.Build = func(v *Vars) Net {
		n := build(v)
		n.Average = true
		return n
	}
	return j
}

// TestMean: the parameters that count are the mean over the steps of an epoch, and
// training goes on from the last step.
func TestMean(t *testing.T) {
	skipChecked(t)
	plain := job("")
	plain.Decay, plain.LR = false, 0.5
	want, err := plain.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	dir := Folder(t.TempDir())
	j := averaged(dir)
	// The mean, taken beside: the parameters after each step.
	var net *Network
	build := j.Build
	var sum []float64
	steps := 0
	j.Each = func(h []Epoch) error {
		if h[len(h)-1].Epoch > 0 {
			m, err := Float64s(net.mean.of[0].MustValue())
			if err != nil {
				return err
			}
			for i := range m {
				if math.Abs(m[i]-sum[i]/float64(steps)) > 1e-12 {
					t.Errorf("epoch %d: the mean is %v, want %v/%d", h[len(h)-1].Epoch, m, sum, steps)
				}
			}
		}
		sum, steps = make([]float64, 2), 0
		return nil
	}
	j.Build = build
	j.Report.Step = func(Step) {
		w, err := net.Parameter("w")
		if err != nil {
			t.Fatal(err)
		}
		for i := range w {
			sum[i] += w[i]
		}
		steps++
	}
	j.built = func(n *Network) { net = n }
	got, err := j.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range got.History {
		p := want.History[i]
		if e.Epoch > 0 && (!same(e.Last, p.Test) || !same(e.Train, p.Train) || same(e.Last, e.Test)) {
			t.Errorf("epoch %d: %+v, without the mean %+v", i, e, p)
		}
	}
	c := Chosen(got.History, "affine")
	if c == nil || c.Epoch == 0 {
		t.Fatalf("chosen %+v", c)
	}
	for _, e := range got.History[1:] {
		if e.Train.Loss < c.Train.Loss {
			t.Errorf("epoch %d was chosen, %d has a smaller loss", c.Epoch, e.Epoch)
		}
	}
	// The network, and the one saved, are the mean of the epoch chosen.
	saved, _, _, err := Load(dir.Join("affine.npz"), "line", dtypes.Float64, affine(nil, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []*Network{got.Network, saved} {
		if m, _, err := n.TestAll(context.Background(), line(30), 8); err != nil || !same(m, c.Test) {
			t.Errorf("%+v, %v, want %+v", m, err, c.Test)
		}
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
	n, key, history, err := Load(dir.Join("affine.npz"), "line", dtypes.Float64, affine(nil, 1))
	if err != nil {
		t.Fatal(err)
	}
	for want, h := range map[string][]Epoch{"it has no epoch": nil, "epoch 1 stands in place of epoch 0": history[1:]} {
		bad := Folder(t.TempDir())
		if err := n.save(bad, key, h, nil); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := Load(bad.Join("affine.npz"), "line", dtypes.Float64, affine(nil, 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	other := func(v *Vars) Net {
		v.Values("w", make([]float64, 3), 3)
		return Net{}
	}
	_, _, _, err = Load(dir.Join("affine.npz"), "line", dtypes.Float64, other)
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

// TestBegin: a run that is begun anew leaves nothing of the one before, and one that resumes leaves
// the table of epochs and the checkpoints.
func TestBegin(t *testing.T) {
	files, nets := []string{"metrics.csv", "results.json"}, []string{"a", "b"}
	for _, c := range []struct {
		resume bool
		stays  map[string]bool
	}{{false, nil}, {true, map[string]bool{"metrics.csv": true, "a.npz": true, "b.npz": true}}} {
		dir := Folder(t.TempDir())
		names := []string{"metrics.csv", "results.json", "a.npz", "b.npz"}
		for _, name := range names {
			if err := os.WriteFile(dir.Join(name), []byte("x"), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if err := dir.Begin(c.resume, "metrics.csv", files, nets); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if _, err := os.Stat(dir.Join(name)); (err == nil) != c.stays[name] {
				t.Errorf("resume %v: %s: %v", c.resume, name, err)
			}
		}
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
	if b, err := json.Marshal(Measured{1, None, 0, None}); err != nil || string(b) != `{"loss":1,"error":0}` {
		t.Errorf("%s, %v", b, err)
	}
	var m Measured
	if err := json.Unmarshal([]byte(`{"loss":1,"error":0}`), &m); err != nil || m.Loss != 1 || m.MSE.Known() {
		t.Errorf("%+v, %v", m, err)
	}
}
