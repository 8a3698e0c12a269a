package mnist

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/optnet-go/optnet/experiments/lab"
)

// Model is a trained network.
type Model struct {
	Net   string
	Seed  uint64
	Epoch int
	net   *lab.Network
}

// Load reads a network that a training wrote into a folder, or into the folder of
// a seed in it. An empty name means the only network there is; of several seeds
// the first is taken.
func Load(dir, net string, workers int) (*Model, error) {
	var found []string // files
	var names []string
	for _, name := range Nets() {
		if net != "" && name != net {
			continue
		}
		at, err := filepath.Glob(filepath.Join(escape(dir), "seed-*", lab.CheckpointFile(name)))
		if err != nil {
			return nil, lab.OfFile(dir, err)
		}
		direct := lab.Folder(dir).Join(lab.CheckpointFile(name))
		if _, err := os.Stat(direct); err == nil {
			at = []string{direct}
		}
		if len(at) > 0 {
			found, names = append(found, at[0]), append(names, name)
		}
	}
	switch {
	case len(found) == 0:
		return nil, &lab.FileError{File: dir, Err: fmt.Errorf("no network is there, want a folder that a training wrote, such as: optnet train mnist --out %s", dir)}
	case len(found) > 1:
		return nil, &lab.FileError{File: dir, Err: fmt.Errorf("several networks are there, name one of them: %s", strings.Join(names, ", "))}
	}
	m := &Model{Net: names[0]}
	n, key, history, err := lab.Load(found[0], "mnist", dtypes.Float32, makeNet(m.Net, &Config{Config: lab.Config{Workers: workers}, QPRate: 1}, nil))
	if err != nil {
		return nil, err
	}
	m.net, m.Seed, m.Epoch = n, key.Seed, history[len(history)-1].Epoch
	return m, nil
}

// escape makes a path a pattern that matches it alone.
func escape(dir string) string {
	return strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(dir)
}

// Prediction is what a network says about an image.
type Prediction struct {
	Class         int
	Probabilities [Classes]float64
}

// predictBatch is how many images are evaluated at a time.
const predictBatch = 256

// Predict classifies images: pixels as [ReadImages] returns them.
func (m *Model) Predict(ctx context.Context, pixels []uint8) ([]Prediction, error) {
	if len(pixels)%Pixels != 0 {
		return nil, fmt.Errorf("mnist: %d pixels, want a multiple of %d", len(pixels), Pixels)
	}
	set := &Images{Pixels: pixels}
	res := make([]Prediction, set.Len())
	unsolved := 0
	for from := 0; from < len(res); from += predictBatch {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("mnist: predicting: %w", context.Cause(ctx))
		}
		var examples []int
		for i := from; i < min(from+predictBatch, len(res)); i++ {
			examples = append(examples, i)
		}
		x, _ := set.Batch(examples)
		z, status, err := m.net.Evaluate(x)
		if err != nil {
			return nil, fmt.Errorf("mnist: predicting: %w", err)
		}
		unsolved += lab.Unsolved(status)
		for k, i := range examples {
			r := &res[i]
			for c := range Classes {
				r.Probabilities[c] = math.Exp(z[k*Classes+c])
				if r.Probabilities[c] > r.Probabilities[r.Class] {
					r.Class = c
				}
			}
		}
	}
	if unsolved > 0 {
		return nil, fmt.Errorf("mnist: %d of %d quadratic programs were not solved", unsolved, len(res))
	}
	return res, nil
}
