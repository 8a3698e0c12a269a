package sudoku

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/ml/model"
	"github.com/optnet-go/optnet/experiments/lab"

	"github.com/optnet-go/optnet/qp"
)

// TestTrain learns the rules from 3,000 puzzles.
func TestTrain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	cfg := Config{Seed: 1, Puzzles: 3000, Batch: 50, Epochs: 4, Out: dir}
	if testing.Short() {
		cfg.Puzzles, cfg.Epochs = 100, 1
	}
	var start Start
	var steps, epochs int
	res, err := Run(context.Background(), cfg, Report{
		Start: func(s Start) { start = s },
		Step:  func(Step) { steps++ },
		Epoch: func(Epoch) { epochs++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	if !testing.Short() && (res.TestError > 0.01 || res.TrainLoss > 0.03 || res.RulesOverlap < 0.97) {
		t.Errorf("test error %v, training loss %v, overlap with the rules %v", res.TestError, res.TrainLoss, res.RulesOverlap)
	}
	if res.Epochs != cfg.Epochs || epochs != cfg.Epochs+1 || steps != cfg.Epochs*start.Batches || len(res.History) != cfg.Epochs+1 {
		t.Errorf("%d epochs in the result, %d reported, %d steps, %d lines", res.Epochs, epochs, steps, len(res.History))
	}
	if res.Unsolved != 0 || res.TestUnsolved != 0 || res.Zeroed != 0 {
		t.Errorf("%d boards unsolved, %d without gradient, %d unsolved in tests", res.Unsolved, res.Zeroed, res.TestUnsolved)
	}
	if res.History[0].TestError < 0.9 {
		t.Errorf("before training the error is %v", res.History[0].TestError)
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
	m, err := Load(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	if m.Epoch != res.Epoch || m.Seed != 1 || m.Net != "optnet" {
		t.Errorf("loaded %s, seed %d, epoch %d, want epoch %d", m.Net, m.Seed, m.Epoch, res.Epoch)
	}
	var puzzles []Board
	for _, p := range Generate(1, cfg.Puzzles)[start.Train:] {
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

// checked reports whether pointer arithmetic is checked, as it is together with
// races: GoMLX's matrix product in Go (compute v0.1.2) computes addresses in a
// way that this check rejects.
func checked() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" })
}

// metrics are the results without the times.
func metrics(t *testing.T, cfg Config) []Epoch {
	t.Helper()
	res, err := Run(context.Background(), cfg, Report{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range res.History {
		res.History[i].Seconds = 0
	}
	return res.History
}

func same(a, b []Epoch) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// TestReproducible: the number of workers, and of processors, changes nothing.
func TestReproducible(t *testing.T) {
	cfg := Config{Nets: []string{"optnet", "fc"}, Seed: 3, Puzzles: 330, Batch: 40, Epochs: 2, Workers: 1}
	if checked() {
		cfg.Nets = cfg.Nets[:1]
	}
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
	cfg := Config{Seed: 3, Puzzles: 50, Batch: 10, Epochs: 2}
	mean := metrics(t, cfg)
	cfg.KeepLast = true
	last := metrics(t, cfg)
	for i := range mean {
		if mean[i].Last != last[i].Tested || last[i].Last != last[i].Tested || i > 0 && mean[i].TrainLoss != last[i].TrainLoss {
			t.Errorf("epoch %d: %+v, and with KeepLast %+v", i, mean[i], last[i])
		}
		if i > 0 && mean[i].Tested == last[i].Tested {
			t.Errorf("epoch %d: the mean and the last step have the same tests: %+v", i, last[i])
		}
	}
}

// TestBaselines trains the networks of the paper that have no such layer.
func TestBaselines(t *testing.T) {
	if checked() {
		t.Skip("GoMLX's matrix product does not pass the checks of pointers")
	}
	dir := t.TempDir()
	cfg := Config{Nets: []string{"fc", "conv"}, Puzzles: 220, Batch: 50, Epochs: 2, Out: dir}
	res, err := Run(context.Background(), cfg, Report{})
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
				first = e.TestMSE
			}
			if e.Net == net && e.Epoch == cfg.Epochs {
				last = e.TestMSE
			}
		}
		// A softmax of nearly equal numbers has the error 3/16.
		if math.Abs(float64(first)-3./16) > 0.01 || !(last < first+0.01) {
			t.Errorf("%s: test MSE %v before, %v after training", net, first, last)
		}
	}
	m, err := Load(dir, 0)
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
	if _, err := os.Stat(filepath.Join(dir, "model-conv.json")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, RulesFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("rules drawn for networks without: %v", err)
	}
}

// TestInterrupt cancels in the middle of an epoch, of the first and of a later
// one.
func TestInterrupt(t *testing.T) {
	for _, tt := range []struct{ epoch, batch int }{{1, 1}, {1, 3}, {2, 2}} {
		dir := t.TempDir()
		writeFile(t, dir, RulesFile, "old")
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(context.Background())
		res, err := Run(ctx, Config{Seed: 2, Puzzles: 50, Batch: 8, Out: dir}, Report{Step: func(s Step) {
			if s.Epoch == tt.epoch && s.Batch == tt.batch {
				cancel(why)
			}
		}})
		if !errors.Is(err, lab.ErrInterrupted) || !errors.Is(err, why) || !strings.Contains(err.Error(), dir) {
			t.Fatalf("error %v", err)
		}
		if res == nil || !res.Interrupted || res.Epochs != tt.epoch-1 {
			t.Fatalf("result %+v", res)
		}
		last := res.History[len(res.History)-1]
		if last.Epoch != tt.epoch || last.Batches != tt.batch || !last.TrainLoss.Known() || last.TestError.Known() {
			t.Errorf("last line %+v", last)
		}
		m, err := Load(dir, 1)
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
	if _, err := Run(ctx, Config{Puzzles: 100, Out: dir}, Report{}); !errors.Is(err, context.Canceled) || !errors.Is(err, lab.ErrInterrupted) {
		t.Errorf("error %v", err)
	}
	if _, err := Load(dir, 1); err != nil {
		t.Error(err)
	}
}

// TestResume: what was stopped goes on to the same figures and parameters.
func TestResume(t *testing.T) {
	cfg := Config{Nets: []string{"optnet", "fc"}, Seed: 3, Puzzles: 60, Batch: 10, Epochs: 3, Out: t.TempDir()}
	if checked() {
		cfg.Nets = cfg.Nets[:1]
	}
	want := metrics(t, cfg)
	models := func() (all string) {
		for i, net := range cfg.Nets {
			b, err := os.ReadFile(filepath.Join(cfg.Out, modelFile(i, net)))
			if err != nil {
				t.Fatal(err)
			}
			all += string(b)
		}
		return all
	}
	wantModels := models()
	for _, at := range []struct {
		net          string
		epoch, batch int
	}{{"optnet", 1, 2}, {"optnet", 3, 1}, {"fc", 2, 4}} {
		if !slices.Contains(cfg.Nets, at.net) {
			continue
		}
		cfg.Out, cfg.Resume = t.TempDir(), false
		ctx, cancel := context.WithCancel(context.Background())
		_, err := Run(ctx, cfg, Report{Step: func(s Step) {
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
		if models() != wantModels {
			t.Errorf("stopped at %+v and resumed: other parameters", at)
		}
		if got := metrics(t, cfg); !same(got, want) { // nothing is left to do
			t.Errorf("resumed after the end\n%+v\nwant\n%+v", got, want)
		}
	}
	cfg.Seed = 4
	if _, err := Run(context.Background(), cfg, Report{}); err == nil || !strings.Contains(err.Error(), "it had the seed 3, and not 4") {
		t.Errorf("error %v", err)
	}
}

// A scripted network answers as it is told.
type scripted struct {
	z    float64
	info qp.Status
}

func (n scripted) step(ctx context.Context, p, _ []float64) (outcome, error) {
	return n.predict(ctx, p)
}

func (n scripted) predict(_ context.Context, p []float64) (outcome, error) {
	o := outcome{z: make([]float64, len(p)), info: make([]qp.Info, len(p)/inputs)}
	for i := range o.z {
		o.z[i] = n.z
	}
	for i := range o.info {
		o.info[i].Status = qp.Solved
		if i%2 == 0 {
			o.info[i].Status = n.info
		}
	}
	return o, nil
}

func (n scripted) parameters() ([]parameter, error) { return nil, nil }
func (n scripted) state() *model.Store              { return nil }
func (n scripted) restored() error                  { return nil }

// TestStatuses: boards without an answer are counted, wrong, and out of the
// loss; without a finite loss the training ends.
func TestStatuses(t *testing.T) {
	ctx := context.Background()
	r := &run{cfg: Config{Batch: 20, LR: 0.1}, set: split(Generate(1, 50)), batches: 3}
	r.epoch = Epoch{Net: "optnet", Epoch: 1}
	bad := scripted{z: math.Inf(1), info: qp.NumericalError}
	if err := r.trainEpoch(ctx, bad); err == nil || !strings.Contains(err.Error(), "try a smaller learning rate than 0.1") {
		t.Errorf("error %v", err)
	}
	for status, want := range map[qp.Status]Epoch{
		qp.Solved:         {},
		qp.AlmostSolved:   {AlmostSolved: 23},
		qp.NumericalError: {Unsolved: 23, Tested: Tested{TestUnsolved: 3}},
	} {
		r.epoch = Epoch{Net: "optnet", Epoch: 1}
		n := scripted{z: 0.5, info: status}
		if err := r.trainEpoch(ctx, n); err != nil {
			t.Fatal(err)
		}
		e := r.epoch
		if e.Unsolved != want.Unsolved || e.AlmostSolved != want.AlmostSolved || e.TrainLoss != 0.25 || e.TrainError != 1 || e.Batches != 3 {
			t.Errorf("%v: %+v, want %+v", status, e, want)
		}
		got, err := r.test(ctx, n)
		if err != nil || got.TestUnsolved != want.TestUnsolved || got.TestMSE != 0.25 || got.TestError != 1 {
			t.Errorf("%v: %+v, %v", status, got, err)
		}
	}
	if l, n := squaredError(nil, &outcome{z: make([]float64, inputs), info: make([]qp.Info, 1)}, make([]float64, inputs)); n != 0 || l != 0 {
		t.Errorf("an unsolved board alone has loss %v, %d answers", l, n)
	}
}

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		cfg Config
		err string
	}{
		{Config{Nets: []string{"rnn"}}, `"rnn", want one of optnet, fc, conv`},
		{Config{Nets: []string{"fc", "fc"}}, "twice"},
		{Config{Epochs: -1}, "-1 epochs"},
		{Config{Batch: -1}, "want 1 or more"},
		{Config{LR: math.NaN()}, "learning rate NaN"},
		{Config{LR: -0.1}, "learning rate -0.1"},
		{Config{Workers: -2}, "-2 workers"},
		{Config{Puzzles: 3}, "3 puzzles, want at least 10"},
	} {
		if _, err := Run(context.Background(), tt.cfg, Report{}); err == nil || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%+v: error %v, want %q", tt.cfg, err, tt.err)
		}
	}
	few := writeFile(t, t.TempDir(), "few.csv", line1+line2)
	if _, err := Run(context.Background(), Config{Data: few}, Report{}); err == nil || !strings.Contains(err.Error(), "2 puzzles, want at least 10") {
		t.Errorf("error %v", err)
	}
}

func TestOut(t *testing.T) {
	dir := t.TempDir()
	file := writeFile(t, dir, "file", "")
	var f *lab.FileError
	for _, out := range []string{file, filepath.Join(file, "below")} {
		_, err := Run(context.Background(), Config{Puzzles: 20, Out: out}, Report{})
		if !errors.As(err, &f) || f.File != out || !strings.Contains(err.Error(), "the output folder cannot be written (not a directory)") {
			t.Errorf("%s: error %v", out, err)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	ok := saved{Format: savedFormat, Net: "optnet"}
	p := start(1)
	ok.Parameters = []parameter{{"A", []int{rules, inputs}, p.a}, {"log_z0", []int{inputs}, p.logZ0}}
	text := func(change func(*saved)) string {
		s := ok
		s.Parameters = append([]parameter(nil), ok.Parameters...)
		change(&s)
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	whole := text(func(*saved) {})
	for _, tt := range []struct{ name, text, err string }{
		{"whole", whole, ""},
		{"empty", "", "not whole"},
		{"cut off", whole[:len(whole)/2], "not whole"},
		{"another file", `{"experiment": "sudoku"}`, `has the format "", want "optnet sudoku 1"`},
		{"no parameters", `{"format": "optnet sudoku 1", "net": "optnet"}`, "no parameters"},
		{"unknown net", text(func(s *saved) { s.Net = "rnn" }), `network "rnn"`},
		{"wrong net", text(func(s *saved) { s.Net = "fc" }), "parameter w0 is missing"},
		{"missing", text(func(s *saved) { s.Parameters = s.Parameters[:1] }), "log_z0 is missing"},
		{"wrong shape", text(func(s *saved) { s.Parameters[0].Shape = []int{inputs, rules} }), "shape [64 40], want 2560 and [40 64]"},
		{"too few values", text(func(s *saved) { s.Parameters[0].Values = p.a[1:] }), "has 2559 values"},
		{"huge value", strings.Replace(whole, `"values":[`, `"values":[1e999,`, 1), "not whole"},
	} {
		dir := t.TempDir()
		writeFile(t, dir, ModelFile, tt.text)
		m, err := Load(dir, 1)
		if tt.err == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			} else if ps, _ := m.net.parameters(); !reflect.DeepEqual(ps, ok.Parameters) {
				t.Errorf("%s: the parameters are not the same", tt.name)
			}
			continue
		}
		var f *lab.FileError
		if !errors.As(err, &f) || !strings.Contains(err.Error(), tt.err) || f.File != filepath.Join(dir, ModelFile) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "missing"), 1); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "optnet train sudoku") {
		t.Errorf("missing folder: %v", err)
	}
}
