package denoise

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/experiments/lab/labtest"
)

// TestRun trains every network a little, and looks at what is written.
func TestRun(t *testing.T) {
	labtest.SkipRace(t)
	dir := filepath.Join(t.TempDir(), "new")
	cfg := Config{Config: lab.Config{Nets: Nets(), Seed: 1, Batch: 20, Epochs: 2, Out: dir}, Signals: 70}
	var said string
	epochs := 0
	res, err := Run(context.Background(), cfg, lab.Report{Start: func(s string) { said = s }, Epoch: func(lab.Epoch) { epochs++ }})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said, "63 signals for training, 7 for tests") || epochs != 9 || len(res.History) != 9 {
		t.Errorf("%q, %d epochs, %d lines", said, epochs, len(res.History))
	}
	if res.Net != "fc" || len(res.Others) != 2 || res.Others[1].Net != "tuned" || res.Parameters != 201100 {
		t.Errorf("%+v, %+v", res.NetResult, res.Others)
	}
	tuned := res.Others[1]
	if !(tuned.TestMSE < 40) || tuned.Unsolved != 0 || tuned.Zeroed != 0 {
		t.Errorf("tuned: %+v", tuned)
	}
	for i, net := range Nets() {
		first, last := res.History[3*i], res.History[3*i+2]
		if first.Net != net || last.Net != net || last.Batches != 4 {
			t.Fatalf("%s: %+v, %+v", net, first, last)
		}
		if net != "tuned" && !(last.Test.MSE < first.Test.MSE) {
			t.Errorf("%s: test MSE %v before, %v after", net, first.Test.MSE, last.Test.MSE)
		}
	}
	var back Result
	text, err := os.ReadFile(filepath.Join(dir, ResultsFile))
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil || back.TestMSE != res.TestMSE || back.TV.Lambda != res.TV.Lambda || back.Header.DataSHA256 != Generate(0, 70).hash() {
		t.Errorf("%s: %v, %+v", ResultsFile, err, back)
	}
	f, err := os.Open(filepath.Join(dir, MetricsFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rows, err := csv.NewReader(f).ReadAll(); err != nil || len(rows) != 10 {
		t.Errorf("%s: %v, %d lines", MetricsFile, err, len(rows))
	}
	for _, name := range []string{CurvesFile, TVFile, SignalsFile, OperatorFile} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		defer f.Close()
		if img, err := png.Decode(f); err != nil || img.Bounds().Dx() < 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(dir, TableFile)); err != nil || strings.Count(string(b), "\n") != 5 || !strings.Contains(string(b), "14.4") {
		t.Errorf("%s: %v\n%s", TableFile, err, b)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*.tmp")); left != nil {
		t.Errorf("left behind: %v", left)
	}

	// What was saved does what the training says.
	for i, net := range Nets() {
		m, err := Load(dir, net, 1)
		if err != nil {
			t.Fatal(err)
		}
		test := Generate(0, 70).part(63, 70)
		z, err := m.Predict(context.Background(), test.X)
		if err != nil {
			t.Fatal(err)
		}
		want := append([]NetResult{res.NetResult}, res.Others...)[i].TestMSE
		if got := mse(z, test.Y); math.Abs(got-float64(want)) > 1e-4*float64(want) || m.Epoch != 2 {
			t.Errorf("%s: MSE %v at epoch %d, the training said %v", net, got, m.Epoch, want)
		}
	}
	if _, err := Load(dir, "", 1); err == nil || !strings.Contains(err.Error(), "fc, learn-d, tuned") {
		t.Errorf("without a name: error %v", err)
	}
}

// TestResumeRun: what was stopped goes on to the same figures.
func TestResumeRun(t *testing.T) {
	labtest.SkipRace(t)
	cfg := Config{Config: lab.Config{Nets: []string{"fc", "tuned"}, Batch: 10, Epochs: 2, Out: t.TempDir()}, Signals: 40}
	want, err := Run(context.Background(), cfg, lab.Report{})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Out = t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	part, err := Run(ctx, cfg, lab.Report{Step: func(s lab.Step) {
		if s.Net == "tuned" && s.Epoch == 2 {
			cancel()
		}
	}})
	if !errors.Is(err, lab.ErrInterrupted) || part == nil || !part.Interrupted || part.Others[0].Epochs != 1 {
		t.Fatalf("%+v, %v", part, err)
	}
	cfg.Resume = true
	// Stopped again before it goes on: the table of the epochs stays.
	table, err := os.ReadFile(filepath.Join(cfg.Out, MetricsFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := lab.Folder(cfg.Out).Begin(cfg.Resume, MetricsFile, allFiles, Nets()); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(filepath.Join(cfg.Out, MetricsFile)); err != nil || string(kept) != string(table) {
		t.Errorf("%v: %q, want %q", err, kept, table)
	}
	got, err := Run(context.Background(), cfg, lab.Report{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range want.History {
		want.History[i].Seconds, got.History[i].Seconds = 0, 0
		want.History[i].InTraining, got.History[i].InTraining = 0, 0
	}
	a, _ := json.Marshal(want.History)
	b, _ := json.Marshal(got.History)
	if string(a) != string(b) {
		t.Errorf("resumed\n%s\nwant\n%s", b, a)
	}
}

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		cfg Config
		err string
	}{
		{Config{Config: lab.Config{Nets: []string{"rnn"}}}, `denoise: net is "rnn", want one of fc, learn-d, tuned`},
		{Config{Config: lab.Config{Epochs: -1}}, "epochs is -1"},
		{Config{Signals: 3}, "signals is 3, want at least 10"},
	} {
		_, err := Run(context.Background(), tt.cfg, lab.Report{})
		var v *lab.ValueError
		if !errors.As(err, &v) || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%+v: error %v, want %q", tt.cfg, err, tt.err)
		}
	}
}
