package sudoku

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/experiments/lab/labtest"
	"github.com/optnet-go/optnet/gomlx"
	"github.com/optnet-go/optnet/qp"
)

// TestTrain learns the rules from 3,000 puzzles.
func TestTrain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	cfg := Config{Config: lab.Config{Seed: 1, Batch: 50, Epochs: 4, Out: dir}, Puzzles: 3000}
	if testing.Short() {
		cfg.Puzzles, cfg.Epochs = 100, 1
	}
	train := cfg.Puzzles - cfg.Puzzles/10
	var steps, epochs int
	var said string
	res, err := Run(context.Background(), cfg, lab.Report{
		Start: func(text string) { said = text },
		Step:  func(lab.Step) { steps++ },
		Epoch: func(lab.Epoch) { epochs++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	if !testing.Short() && (res.TestError > 0.01 || res.TrainLoss > 0.03 || res.RulesOverlap < 0.97) {
		t.Errorf("test error %v, training loss %v, overlap with the rules %v", res.TestError, res.TrainLoss, res.RulesOverlap)
	}
	if res.Epochs != cfg.Epochs || epochs != cfg.Epochs+1 || steps != cfg.Epochs*((train+49)/50) || len(res.History) != cfg.Epochs+1 {
		t.Errorf("%d epochs in the result, %d reported, %d steps, %d lines", res.Epochs, epochs, steps, len(res.History))
	}
	if res.Unsolved != 0 || res.TestUnsolved != 0 || res.Zeroed != 0 {
		t.Errorf("%d boards unsolved, %d without gradient, %d unsolved in tests", res.Unsolved, res.Zeroed, res.TestUnsolved)
	}
	if res.History[0].Test.Error < 0.9 || !strings.Contains(said, "of the test puzzles also occur in training") {
		t.Errorf("before training the error is %v; %q", res.History[0].Test.Error, said)
	}

	// The files.
	var back Result
	text, err := os.ReadFile(filepath.Join(dir, ResultsFile))
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil || back.TestError != res.TestError || back.Header.DataSHA256 != hashData(Generate(1, cfg.Puzzles)) {
		t.Errorf("%s: %v, %+v", ResultsFile, err, back)
	}
	f, err := os.Open(filepath.Join(dir, MetricsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rows, err := csv.NewReader(f).ReadAll(); err != nil || len(rows) != cfg.Epochs+2 {
		t.Errorf("%s: %v, %d lines", MetricsFile, err, len(rows))
	}
	for _, name := range []string{CurvesFile, RulesFile} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		defer f.Close()
		if img, err := png.Decode(f); err != nil || img.Bounds().Dx() < 500 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*.tmp")); left != nil {
		t.Errorf("left behind: %v", left)
	}

	// What was saved does what the training says.
	m, err := Load(dir, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if m.Epoch != res.Epoch || m.Seed != 1 || m.Net != "optnet" {
		t.Errorf("loaded %s, seed %d, epoch %d, want epoch %d", m.Net, m.Seed, m.Epoch, res.Epoch)
	}
	var puzzles []Board
	for _, p := range Generate(1, cfg.Puzzles)[train:] {
		puzzles = append(puzzles, p.Puzzle)
	}
	got, err := m.Predict(context.Background(), puzzles)
	if err != nil {
		t.Fatal(err)
	}
	wrong := 0
	for _, g := range got {
		if !g.Solved {
			wrong++
		}
		if g.Status != qp.Solved {
			t.Errorf("status %v", g.Status)
		}
	}
	if e := lab.Figure(float64(wrong) / float64(len(puzzles))); e != res.TestError {
		t.Errorf("the loaded network has error %v, the training said %v", e, res.TestError)
	}
}

// metrics are the results without the times.
func metrics(t *testing.T, cfg Config) []lab.Epoch {
	t.Helper()
	res, err := Run(context.Background(), cfg, lab.Report{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range res.History {
		res.History[i].Seconds, res.History[i].InTraining = 0, 0
	}
	return res.History
}

func same(a, b []lab.Epoch) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// TestReproducible: the number of workers, and of processors, changes nothing.
func TestReproducible(t *testing.T) {
	labtest.SkipChecked(t)
	cfg := Config{Config: lab.Config{Nets: []string{"optnet", "fc"}, Seed: 3, Batch: 40, Epochs: 2, Workers: 1}, Puzzles: 330}
	if testing.Short() {
		cfg.Puzzles, cfg.Batch, cfg.Epochs = 50, 20, 1
	}
	one := metrics(t, cfg)
	cfg.Workers = 2
	if two := metrics(t, cfg); !same(one, two) {
		t.Errorf("with one worker\n%+v\nwith two\n%+v", one, two)
	}
	cfg.Workers = 5
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if five := metrics(t, cfg); !same(one, five) {
		t.Errorf("with one worker\n%+v\nwith five on one processor\n%+v", one, five)
	}
	cfg.Seed = 4
	if other := metrics(t, cfg); same(one, other) {
		t.Error("another seed gives the same metrics")
	}
}

// TestKeepLast: the training is the same, the tests are of the last step.
func TestKeepLast(t *testing.T) {
	labtest.SkipChecked(t)
	cfg := Config{Config: lab.Config{Seed: 3, Batch: 10, Epochs: 2}, Puzzles: 50}
	mean := metrics(t, cfg)
	cfg.KeepLast = true
	last := metrics(t, cfg)
	for i := range mean {
		if fmt.Sprint(lastOf(&mean[i])) != fmt.Sprint(last[i].Test) || !last[i].Last.IsZero() || i > 0 && mean[i].Train.Loss != last[i].Train.Loss {
			t.Errorf("epoch %d: %+v, and with KeepLast %+v", i, mean[i], last[i])
		}
		if i > 0 && fmt.Sprint(mean[i].Test) == fmt.Sprint(last[i].Test) {
			t.Errorf("epoch %d: the mean and the last step have the same tests: %+v", i, last[i])
		}
	}
}

// TestBaselines trains the networks of the paper that have no such layer.
func TestBaselines(t *testing.T) {
	labtest.SkipChecked(t)
	dir := t.TempDir()
	cfg := Config{Config: lab.Config{Nets: []string{"fc", "conv"}, Batch: 50, Epochs: 2, Out: dir}, Puzzles: 220}
	res, err := Run(context.Background(), cfg, lab.Report{})
	if err != nil {
		t.Fatal(err)
	}
	if res.Net != "fc" || len(res.Others) != 1 || res.Others[0].Net != "conv" || res.RulesOverlap.Known() {
		t.Errorf("results of %s and %+v", res.Net, res.Others)
	}
	for _, net := range cfg.Nets {
		first, last := lab.Figure(0), lab.Figure(0)
		for _, e := range res.History {
			if e.Net == net && e.Epoch == 0 {
				first = e.Test.Loss
			}
			if e.Net == net && e.Epoch == cfg.Epochs {
				last = e.Test.Loss
			}
		}
		// A softmax of nearly equal numbers has the error 3/16.
		if math.Abs(float64(first)-3./16) > 0.01 || !(last < first+0.01) {
			t.Errorf("%s: test MSE %v before, %v after training", net, first, last)
		}
	}
	m, err := Load(dir, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	p := Generate(0, 220)[198:]
	var puzzles []Board
	for _, p := range p {
		puzzles = append(puzzles, p.Puzzle)
	}
	got, err := m.Predict(context.Background(), puzzles)
	if err != nil {
		t.Fatal(err)
	}
	if m.Net != "fc" || len(got) != len(p) {
		t.Errorf("%d predictions of %s", len(got), m.Net)
	}
	if _, err := os.Stat(filepath.Join(dir, "conv.npz")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, RulesFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("rules drawn for networks without: %v", err)
	}
}

// TestInterrupt cancels in the middle of an epoch, of the first and of a later
// one.
func TestInterrupt(t *testing.T) {
	labtest.SkipChecked(t)
	for _, tt := range []struct{ epoch, batch int }{{1, 1}, {1, 3}, {2, 2}} {
		dir := t.TempDir()
		writeFile(t, dir, RulesFile, "old")
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(context.Background())
		res, err := Run(ctx, Config{Config: lab.Config{Seed: 2, Batch: 8, Out: dir}, Puzzles: 50}, lab.Report{Step: func(s lab.Step) {
			if s.Epoch == tt.epoch && s.Batch == tt.batch {
				cancel(why)
			}
		}})
		if !errors.Is(err, lab.ErrInterrupted) || !errors.Is(err, why) || !strings.Contains(err.Error(), dir) {
			t.Fatalf("error %v", err)
		}
		if res == nil || !res.Interrupted || res.Epochs != tt.epoch-1 || res.Epoch != tt.epoch-1 {
			t.Fatalf("result %+v", res)
		}
		last := res.History[len(res.History)-1]
		if last.Epoch != tt.epoch || last.Batches != tt.batch || !last.Train.Loss.Known() || last.Test.Error.Known() {
			t.Errorf("last line %+v", last)
		}
		m, err := Load(dir, "", 1)
		if err != nil || m.Epoch != tt.epoch-1 {
			t.Errorf("loaded %+v, %v", m, err)
		}
		for _, name := range []string{MetricsFile, ResultsFile, CurvesFile, RulesFile} {
			if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || len(b) < 10 {
				t.Errorf("%s: %v, %d bytes", name, err, len(b))
			}
		}
	}
	// Before it began.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	if _, err := Run(ctx, Config{Config: lab.Config{Out: dir}, Puzzles: 100}, lab.Report{}); !errors.Is(err, context.Canceled) || !errors.Is(err, lab.ErrInterrupted) {
		t.Errorf("error %v", err)
	}
	if _, err := Load(dir, "", 1); err == nil || !strings.Contains(err.Error(), "no network is there") {
		t.Errorf("error %v", err)
	}
}

// TestResume: what was stopped goes on to the same figures, rules and parameters.
func TestResume(t *testing.T) {
	labtest.SkipChecked(t)
	cfg := Config{Config: lab.Config{Nets: []string{"optnet", "fc"}, Seed: 3, Batch: 10, Epochs: 3, Out: t.TempDir()}, Puzzles: 60}
	want := metrics(t, cfg)
	learned := func(dir string) (all []float64) {
		for net, names := range map[string][]string{"optnet": {"A", "log_z0"}, "fc": {"w0", "b4"}} {
			m, err := Load(dir, net, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				w, err := m.net.Parameter(name)
				if err != nil {
					t.Fatal(err)
				}
				sum := 0.0
				for i, v := range w {
					sum += v * float64(i+1)
				}
				all = append(all, sum)
			}
		}
		slices.Sort(all)
		return all
	}
	wantLearned := learned(cfg.Out)
	for _, at := range []struct {
		net          string
		epoch, batch int
	}{{"optnet", 1, 2}, {"optnet", 3, 1}, {"fc", 2, 4}} {
		cfg.Out, cfg.Resume = t.TempDir(), false
		ctx, cancel := context.WithCancel(context.Background())
		_, err := Run(ctx, cfg, lab.Report{Step: func(s lab.Step) {
			if s.Net == at.net && s.Epoch == at.epoch && s.Batch == at.batch {
				cancel()
			}
		}})
		if !errors.Is(err, lab.ErrInterrupted) {
			t.Fatalf("error %v", err)
		}
		cfg.Resume = true
		if got := metrics(t, cfg); !same(got, want) {
			t.Errorf("stopped at %+v and resumed\n%+v\nwant\n%+v", at, got, want)
		}
		if got := learned(cfg.Out); !slices.Equal(got, wantLearned) {
			t.Errorf("stopped at %+v and resumed: other parameters: %v, want %v", at, got, wantLearned)
		}
		if got := metrics(t, cfg); !same(got, want) { // nothing is left to do
			t.Errorf("resumed after the end\n%+v\nwant\n%+v", got, want)
		}
	}
	cfg.KeepLast = true
	if _, err := Run(context.Background(), cfg, lab.Report{}); err == nil || !strings.Contains(err.Error(), "it had the settings keep last false, and not keep last true") {
		t.Errorf("error %v", err)
	}
	cfg.Seed = 4
	if _, err := Run(context.Background(), cfg, lab.Report{}); err == nil || !strings.Contains(err.Error(), "it had the seed 3, and not 4") {
		t.Errorf("error %v", err)
	}
}

// TestGradients is of the layer: A and log z₀.
func TestGradients(t *testing.T) {
	labtest.SkipChecked(t)
	backend, err := lab.NewBackend("")
	if err != nil {
		t.Fatal(err)
	}
	var qps gomlx.Counter
	n, err := lab.NewNetwork(backend, networks["optnet"].dtype, 2, 0.1, makeNet("optnet", &Config{Config: lab.Config{Tolerance: 1e-13}}, &qps))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.SetParameter("log_z0", slices.Repeat([]float64{-1}, inputs)); err != nil {
		t.Fatal(err)
	}
	s := batches{encode(Generate(2, 20)), networks["optnet"].dtype}
	x, y := s.Batch([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19})
	labtest.Gradients(t, n, x, y, 1e-5)
	if c := qps.Counts(); c.Unsolved > 0 {
		t.Errorf("%d QPs were not solved", c.Unsolved)
	}
}

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		cfg Config
		err string
	}{
		{Config{Config: lab.Config{Nets: []string{"rnn"}}}, `sudoku: net is "rnn", want one of optnet, fc, conv`},
		{Config{Config: lab.Config{Epochs: -1}}, "epochs is -1"},
		{Config{Puzzles: 3}, "puzzles is 3, want at least 10"},
	} {
		_, err := Run(context.Background(), tt.cfg, lab.Report{})
		var v *lab.ValueError
		if !errors.As(err, &v) || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%+v: error %v, want %q", tt.cfg, err, tt.err)
		}
	}
	few := writeFile(t, t.TempDir(), "few.csv", line1+line2)
	if _, err := Run(context.Background(), Config{Config: lab.Config{Data: few}}, lab.Report{}); err == nil || !strings.Contains(err.Error(), "2 puzzles, want at least 10") {
		t.Errorf("error %v", err)
	}
}

func TestOut(t *testing.T) {
	dir := t.TempDir()
	file := writeFile(t, dir, "file", "")
	var f *lab.FileError
	for _, out := range []string{file, filepath.Join(file, "below")} {
		_, err := Run(context.Background(), Config{Config: lab.Config{Out: out}, Puzzles: 20}, lab.Report{})
		if !errors.As(err, &f) || f.File != out || !strings.Contains(err.Error(), "the output folder cannot be written (not a directory)") {
			t.Errorf("%s: error %v", out, err)
		}
	}
}

// BenchmarkStep is a step of training at the batch of the paper.
func BenchmarkStep(b *testing.B) {
	backend, err := lab.NewBackend("")
	if err != nil {
		b.Fatal(err)
	}
	n, err := lab.NewNetwork(backend, networks["optnet"].dtype, 2, 0.1, makeNet("optnet", &Config{}, nil))
	if err != nil {
		b.Fatal(err)
	}
	s := batches{encode(Generate(2, 150)), networks["optnet"].dtype}
	examples := make([]int, 150)
	for i := range examples {
		examples[i] = i
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := n.Step(s.Batch(examples)); err != nil {
			b.Fatal(err)
		}
	}
}
