package represent

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/optnet-go/optnet/experiments/lab"
)

// Model is a trained network.
type Model struct {
	Net   string
	Epoch int
	net   *lab.Network
}

// Load reads a network that a training wrote into a folder. An empty name means
// optnet.
func Load(dir, net string, workers int) (*Model, error) {
	if net == "" {
		net = "optnet"
	}
	if want := wantNet(net); want != "" {
		return nil, fmt.Errorf("represent: %w", &lab.ValueError{Name: "net", Value: net, Want: want})
	}
	m := &Model{Net: net}
	n, _, history, err := lab.Load(filepath.Join(dir, lab.CheckpointFile(net)), "represent", dtype, build(net, &Config{lab.Config{Workers: workers}}, nil))
	if err != nil {
		return nil, err
	}
	m.net, m.Epoch = n, history[len(history)-1].Epoch
	return m, nil
}

// Predict returns the network's value at points (x₀, x₁), one after the other.
func (m *Model) Predict(ctx context.Context, x []float64) ([]float64, error) {
	if len(x) == 0 || len(x)%inputs != 0 {
		return nil, fmt.Errorf("represent: %d numbers, want %d for each point", len(x), inputs)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	z, status, err := m.net.Evaluate(tensorOf(x))
	if err != nil {
		return nil, fmt.Errorf("represent: predicting: %w", err)
	}
	if n := lab.Unsolved(status); n > 0 {
		return nil, fmt.Errorf("represent: %d of %d quadratic programs were not solved: is every coordinate a number?", n, len(z))
	}
	return z, nil
}

// Target is the function that is learned, for comparison.
func Target(x0, x1 float64) float64 { return target([]float64{x0, x1}) }

// Formula is that function in words of mathematics.
func Formula() string {
	var parts []string
	for _, a := range planes {
		parts = append(parts, fmt.Sprintf("%g x₀ %+g x₁", a[0], a[1]))
	}
	return "max(" + strings.Join(parts, ", ") + ")"
}
