// Package lab is what the experiments share: a training loop for networks made
// of GoMLX graphs, with metrics, checkpoints and resumption, the files of an
// output folder, figures that may be missing, and plots.
package lab

import (
	"errors"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/optnet-go/optnet/gomlx"
)

// ErrInterrupted is wrapped by the error of a run whose context ended. What is
// known until then is in its result, and on disk.
var ErrInterrupted = errors.New("interrupted")

// Header says what ran, and where.
type Header struct {
	Version    string            `json:"version"`
	Revision   string            `json:"revision"`
	Go         string            `json:"go"`
	CPU        string            `json:"cpu"`
	KernelSet  string            `json:"kernel_set"`
	Device     string            `json:"device"`
	Flags      map[string]string `json:"flags"`
	Generator  string            `json:"generator"`   // of random numbers
	DataSHA256 string            `json:"data_sha256"` // of the data; each experiment says of what
}

// NewBackend returns a backend of GoMLX, on which QPs work: "" is that in Go.
func NewBackend(config string) (compute.Backend, error) {
	if config == "" {
		config = "go"
	}
	return gomlx.NewBackend(config)
}

// AdamEpsilon is that of the papers' code.
const AdamEpsilon = 1e-8

// NewAdam is GoMLX's Adam as the papers set it.
func NewAdam(lr float64) optimizer.Interface {
	return optimizer.Adam().LearningRate(lr).Epsilon(AdamEpsilon).Done()
}
