package denoise

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/encoding/npz"
	"github.com/optnet-go/optnet/experiments/lab"
)

func TestReadSignals(t *testing.T) {
	dir := t.TempDir()
	write := func(arrays map[string]*npz.Array) string {
		t.Helper()
		name := filepath.Join(dir, "data.npz")
		if err := npz.WriteFile(name, arrays); err != nil {
			t.Fatal(err)
		}
		return name
	}
	s := Generate(3, 12)
	rows := func(x []float64) *npz.Array { return &npz.Array{Shape: []int{len(x) / Length, Length}, Data: x} }
	got, err := ReadSignals(write(map[string]*npz.Array{"X": rows(s.X), "Y": rows(s.Y)}))
	if err != nil || got.hash() != s.hash() {
		t.Errorf("read: %v", err)
	}
	bad := slices.Clone(s.X)
	bad[107] = math.NaN()
	for want, arrays := range map[string]map[string]*npz.Array{
		"the array Y is missing":             {"X": rows(s.X)},
		"X has the shape [1200], want n×100": {"X": {Shape: []int{1200}, Data: s.X}, "Y": rows(s.Y)},
		"X has 12 rows and Y 11":             {"X": rows(s.X), "Y": rows(s.Y[Length:])},
		"X is NaN in row 1, column 7":        {"X": rows(bad), "Y": rows(s.Y)},
	} {
		if _, err := ReadSignals(write(arrays)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	cfg := Config{Config: lab.Config{Data: write(map[string]*npz.Array{"X": rows(s.X[:3*Length]), "Y": rows(s.Y[:3*Length])})}}
	if _, err := Run(context.Background(), cfg, lab.Report{}); err == nil || !strings.Contains(err.Error(), "3 signals, want at least 10") {
		t.Errorf("error %v", err)
	}
	cfg.Data = filepath.Join(dir, "none.npz")
	if _, err := Run(context.Background(), cfg, lab.Report{}); err == nil || !strings.Contains(err.Error(), "none.npz: no such file") {
		t.Errorf("error %v", err)
	}
}

// TestPaperData: the noise of the paper's data, as its figure has it at λ = 0,
// and what exact total variation comes to on them.
func TestPaperData(t *testing.T) {
	s := Generate(0, 10000)
	train, test := s.part(0, 9000), s.part(9000, 10000)
	for _, c := range []struct{ got, want float64 }{{mse(test.X, test.Y), 99.77487}, {mse(train.X, train.Y), 100.02658}} {
		if math.Abs(c.got-c.want) > 1e-5 {
			t.Errorf("noise %.6f, want %.5f", c.got, c.want)
		}
	}
	if got, want := s.hash(), "9d2fc8bf30e792b45014adcb5dece7ac218169af7546878674fd7b23d36b16fc"; got != want {
		t.Errorf("the data have the SHA-256 %s, want %s", got, want)
	}
	for _, c := range []struct{ lambda, want float64 }{
		{0, 99.77487}, {13, 18.467}, {20, 15.936}, {21.1, 15.9035}, {21.21, 15.9037}, {25, 16.226}, {50, 25.17}, {100, 53.07},
	} {
		if got := test.tvMSE(c.lambda); math.Abs(got-c.want) > 1e-4*c.want {
			t.Errorf("λ = %v: test MSE %v, want %v", c.lambda, got, c.want)
		}
	}
	r := sweep(train, test)
	if r.Lambda != 21.1 || math.Abs(float64(r.TestMSE)-15.9035) > 5e-5 || math.Abs(float64(r.TrainMSE)-15.7328) > 5e-5 {
		t.Errorf("the best λ is %v with test MSE %v, train MSE %v", r.Lambda, r.TestMSE, r.TrainMSE)
	}
	if len(r.Lambdas) != 101 || r.TestMSEs[13] != lab.Figure(test.tvMSE(13)) {
		t.Errorf("%d values of λ", len(r.Lambdas))
	}
}
