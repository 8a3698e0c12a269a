package represent

import (
	"context"
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
	"github.com/optnet-go/optnet/gomlx"
)

// TestSeparation: the layer learns the function exactly, from 6 numbers; a
// network with ReLU and ten times as many does not.
func TestSeparation(t *testing.T) {
	labtest.SkipChecked(t)
	dir := filepath.Join(t.TempDir(), "new")
	cfg := Config{lab.Config{Nets: []string{"optnet", "relu-16"}, Seed: 1, Epochs: 30, Out: dir}}
	res, err := Run(context.Background(), cfg, lab.Report{})
	if err != nil {
		t.Fatal(err)
	}
	relu := res.Others[0]
	if res.Parameters != 6 || relu.Parameters != 65 {
		t.Errorf("%d and %d parameters", res.Parameters, relu.Parameters)
	}
	if !(res.TestMSE < 1e-8) || !(res.WorstError < 1e-3) {
		t.Errorf("optnet: test MSE %v, worst error %v", res.TestMSE, res.WorstError)
	}
	if !(relu.TestMSE > 100*res.TestMSE) || !(relu.TestMSE < 0.01) {
		t.Errorf("ReLU: test MSE %v", relu.TestMSE)
	}
	for _, name := range []string{FitsFile, CurvesFile} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if img, err := png.Decode(f); err != nil || img.Bounds().Dx() < 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
	var back Result
	text, err := os.ReadFile(filepath.Join(dir, ResultsFile))
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil || back.TestMSE != res.TestMSE {
		t.Errorf("%s: %v, %+v", ResultsFile, err, back)
	}
	for _, net := range cfg.Nets {
		m, err := Load(dir, net, 1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Predict(context.Background(), []float64{0.5, -0.5, -0.25, 0.75})
		if err != nil || m.Epoch != 30 {
			t.Fatal(err)
		}
		for i, x := range [][2]float64{{0.5, -0.5}, {-0.25, 0.75}} {
			if math.Abs(got[i]-Target(x[0], x[1])) > 0.1 {
				t.Errorf("%s at %v: %v, want %v", net, x, got[i], Target(x[0], x[1]))
			}
		}
		if _, err := m.Predict(context.Background(), []float64{1}); err == nil {
			t.Error("half a point has a value")
		}
	}
	if _, err := Load(dir, "relu-7", 1); err == nil || !strings.Contains(err.Error(), "want a folder that a training wrote") {
		t.Errorf("error %v", err)
	}
}

func TestResume(t *testing.T) {
	labtest.SkipChecked(t)
	cfg := Config{lab.Config{Nets: []string{"optnet", "relu-4"}, Epochs: 3, Batch: 300, Out: t.TempDir()}}
	want, err := Run(context.Background(), cfg, lab.Report{})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Out = t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	part, err := Run(ctx, cfg, lab.Report{Step: func(s lab.Step) {
		if s.Net == "relu-4" && s.Epoch == 2 {
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
	kept := func(s string) {
		if now, err := os.ReadFile(filepath.Join(cfg.Out, MetricsFile)); err != nil || string(now) != string(table) {
			t.Errorf("%s: %v: %q, want %q", s, err, now, table)
		}
	}
	got, err := Run(context.Background(), cfg, lab.Report{Start: kept})
	if err != nil {
		t.Fatal(err)
	}
	if got.NetResult != want.NetResult || got.Others[0] != want.Others[0] {
		t.Errorf("resumed %+v, want %+v", got, want)
	}
}

func TestGradients(t *testing.T) {
	labtest.SkipChecked(t)
	var qps gomlx.Counter
	backend, err := lab.NewBackend("")
	if err != nil {
		t.Fatal(err)
	}
	n, err := lab.NewNetwork(backend, dtype, 2, 0.1, build("optnet", &Config{}, &qps))
	if err != nil {
		t.Fatal(err)
	}
	x, y := generate(n.Vars.Rand, 20).Batch([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	labtest.Gradients(t, n, x, y, 1e-5)
}

func TestConfig(t *testing.T) {
	for net, want := range map[string]string{
		"rnn": `net is "rnn", want optnet, or relu-`, "relu-x": `"relu-x"`, "relu-0": `"relu-0"`, "relu-4,relu-4": "named twice",
	} {
		_, err := Run(context.Background(), Config{lab.Config{Nets: strings.Split(net, ",")}}, lab.Report{})
		var v *lab.ValueError
		if !errors.As(err, &v) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", net, err, want)
		}
	}
}
