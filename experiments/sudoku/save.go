package sudoku

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/qp"
)

// The files of an output folder.
const (
	MetricsFile = "metrics.csv"  // a line an epoch
	ModelFile   = "model.json"   // the parameters of the chosen epoch
	ResultsFile = "results.json" // a [Result]
	CurvesFile  = "curves.png"   // loss and error
	RulesFile   = "rules.png"    // the learned A and the true rules
)

// modelFile is where the parameters of network i of those trained go.
func modelFile(i int, net string) string {
	if i == 0 {
		return ModelFile
	}
	return "model-" + net + ".json"
}

// files are those that a run may leave in its folder; with resume, without what
// it goes on from.
func files(resume bool) []string {
	names := []string{MetricsFile, ResultsFile, CurvesFile, RulesFile}
	if resume {
		return names
	}
	for i, net := range Nets() {
		names = append(names, modelFile(i, net), modelFile(1, net), lab.CheckpointFile(net))
	}
	return names
}

// best reads the parameters of the chosen epoch of a training that goes on.
func best(dir lab.Folder, i int, net string) (saved, error) {
	var s saved
	name := dir.Join(modelFile(i, net))
	text, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err == nil && (s.Format != savedFormat || s.Net != net) {
		err = fmt.Errorf("the file has the format %q and the network %q, want %q and %q: name the networks in the same order, or leave out --resume", clip(s.Format), clip(s.Net), savedFormat, net)
	}
	if err != nil {
		return s, lab.OfFile(name, err)
	}
	return s, nil
}

func writeMetrics(dir lab.Folder, epochs []Epoch) error {
	return dir.Write(MetricsFile, func(w io.Writer) error {
		fmt.Fprintln(w, "net,epoch,batches,train_loss,train_error,test_mse,test_error,test_error_unseen,test_unsolved,last_test_mse,last_test_error,unsolved,almost_solved,zeroed,not_unique,seconds")
		for _, e := range epochs {
			fmt.Fprintf(w, "%s,%d,%d,%v,%v,%v,%v,%v,%d,%v,%v,%d,%d,%d,%d,%.3f\n", e.Net, e.Epoch, e.Batches,
				e.TrainLoss, e.TrainError, e.TestMSE, e.TestError, e.TestErrorUnseen, e.TestUnsolved,
				e.Last.TestMSE, e.Last.TestError, e.Unsolved, e.AlmostSolved, e.Zeroed, e.NotUnique, e.Seconds)
		}
		return nil
	})
}

// savedFormat names what a model file holds and its version.
const savedFormat = "optnet sudoku 1"

// saved is a model file: JSON, each parameter with its name, its shape and its
// values row-major, in as many digits as give back the same number.
type saved struct {
	Format     string      `json:"format"`
	Net        string      `json:"net"`
	Seed       uint64      `json:"seed"`
	Epoch      int         `json:"epoch"` // 0: interrupted before the first one ended
	Parameters []parameter `json:"parameters"`
}

// MarshalJSON refuses what is not a number by the parameter's name.
func (p parameter) MarshalJSON() ([]byte, error) {
	var b []byte
	b = append(b, `{"name":`...)
	b = strconv.AppendQuote(b, p.Name)
	b = append(b, `,"shape":[`...)
	for i, d := range p.Shape {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(d), 10)
	}
	b = append(b, `],"values":[`...)
	for i, v := range p.Values {
		if i > 0 {
			b = append(b, ',')
		}
		if v-v != 0 {
			return nil, fmt.Errorf("parameter %s is %v at position %d: the training has diverged", p.Name, v, i)
		}
		b = strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	return append(b, "]}"...), nil
}

// Model is a trained network.
type Model struct {
	Net   string
	Seed  uint64
	Epoch int
	net   network
}

// Load reads the network that a training wrote into a folder.
func Load(dir string, workers int) (*Model, error) {
	name := filepath.Join(dir, ModelFile)
	text, err := os.ReadFile(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &lab.FileError{File: name, Err: fmt.Errorf("%w: want a folder that a training wrote, such as: optnet train sudoku --out %s", lab.Bare(err), dir)}
		}
		return nil, lab.OfFile(name, err)
	}
	m, err := parseModel(text, workers)
	if err != nil {
		return nil, &lab.FileError{File: name, Err: err}
	}
	return m, nil
}

func parseModel(text []byte, workers int) (*Model, error) {
	var s saved
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("the model file is not whole (%w): train again", err)
	}
	if s.Format != savedFormat {
		return nil, fmt.Errorf("the file has the format %q, want %q", clip(s.Format), savedFormat)
	}
	if !slices.Contains(Nets(), s.Net) {
		return nil, fmt.Errorf("the file has a network %q, want one of %v", clip(s.Net), Nets())
	}
	if s.Parameters == nil {
		return nil, errors.New("the file has no parameters: train again")
	}
	net, err := newNetwork(s.Net, s.Seed, 0, qp.Options{Workers: workers}, s.Parameters)
	if err != nil {
		return nil, err
	}
	return &Model{Net: s.Net, Seed: s.Seed, Epoch: s.Epoch, net: net}, nil
}

// fill copies the parameter called name into dst, if it has the shape.
func fill(ps []parameter, name string, dst []float64, shape ...int) error {
	i := slices.IndexFunc(ps, func(p parameter) bool { return p.Name == name })
	if i < 0 {
		return fmt.Errorf("parameter %s is missing", name)
	}
	p := ps[i]
	if !slices.Equal(p.Shape, shape) || len(p.Values) != len(dst) {
		return fmt.Errorf("parameter %s has %d values and shape %v, want %d and %v", name, len(p.Values), p.Shape, len(dst), shape)
	}
	copy(dst, p.Values)
	return nil
}

// Prediction is what a network makes of a puzzle.
type Prediction struct {
	Board  Board
	Solved bool      // Board is a solution of the puzzle
	Status qp.Status // of the QP; Unsolved for a network without
}

// Predict fills in puzzles.
func (m *Model) Predict(ctx context.Context, puzzles []Board) ([]Prediction, error) {
	p := make([]float64, len(puzzles)*inputs)
	for i, b := range puzzles {
		b.encode(p[i*inputs:], -1)
	}
	out, err := m.net.predict(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("sudoku: predicting: %w", err)
	}
	res := make([]Prediction, len(puzzles))
	for i, b := range puzzles {
		r := &res[i]
		if out.info != nil {
			r.Status = out.info[i].Status
		}
		r.Board = decode(out.z[i*inputs : (i+1)*inputs])
		r.Solved = out.answered(i) && r.Board.Solves(b)
	}
	return res, nil
}
