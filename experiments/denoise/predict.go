package denoise

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"

	"github.com/optnet-go/optnet/experiments/lab"
)

// Model is a trained network.
type Model struct {
	Net   string
	Seed  uint64
	Epoch int
	net   *lab.Network
}

// Load reads a network that a training wrote into a folder; an empty name means
// the only one there is.
func Load(dir, net string, workers int) (*Model, error) {
	out := lab.Folder(dir)
	if net == "" {
		var found []string
		for _, name := range Nets() {
			if _, err := os.Stat(out.Join(lab.CheckpointFile(name))); err == nil {
				found = append(found, name)
			} else if !errors.Is(err, fs.ErrNotExist) {
				return nil, lab.OfFile(dir, err)
			}
		}
		switch len(found) {
		case 0:
			return nil, &lab.FileError{File: dir, Err: fmt.Errorf("no network is there, want a folder that a training wrote, such as: optnet train denoise --out %s", dir)}
		case 1:
			net = found[0]
		default:
			return nil, &lab.FileError{File: dir, Err: fmt.Errorf("several networks are there, name one of them: %s", strings.Join(found, ", "))}
		}
	}
	n, ok := networks[net]
	if !ok {
		return nil, fmt.Errorf("denoise: no network is called %q, want one of %s", net, strings.Join(Nets(), ", "))
	}
	m := &Model{Net: net}
	var key lab.Key
	var history []lab.Epoch
	var err error
	m.net, key, history, err = lab.Load(out.Join(lab.CheckpointFile(net)), "denoise", n.dtype, func(v *lab.Vars) lab.Net {
		return n.build(v, &Config{Config: lab.Config{Workers: workers}}, nil)
	})
	if err != nil {
		return nil, err
	}
	m.Seed, m.Epoch = key.Seed, history[len(history)-1].Epoch
	return m, nil
}

// Predict frees signals from noise: x is one after the other, [Length] numbers
// each, and so is the answer.
func (m *Model) Predict(ctx context.Context, x []float64) ([]float64, error) {
	if len(x) == 0 || len(x)%Length != 0 {
		return nil, fmt.Errorf("denoise: %d numbers, want a multiple of %d: the length of a signal", len(x), Length)
	}
	for i, v := range x {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("denoise: number %d of signal %d is %v", i%Length, i/Length, v)
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	set := batches{&Signals{X: x, Y: x}, m.net.Vars.DType}
	examples := make([]int, set.Len())
	for i := range examples {
		examples[i] = i
	}
	in, _ := set.Batch(examples)
	z, status, err := m.net.Evaluate(in)
	if err != nil {
		return nil, fmt.Errorf("denoise: predicting: %w", err)
	}
	if n := lab.Unsolved(status); n > 0 {
		return nil, fmt.Errorf("denoise: %d of %d quadratic programs were not solved", n, len(examples))
	}
	return z, nil
}
