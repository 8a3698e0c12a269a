package sudoku

import (
	"bufio"
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

// folder is an output folder; the empty one takes everything and keeps nothing.
type folder string

// open makes the folder, finds out whether it can be written, and removes what
// an earlier run has left there.
func (dir folder) open() error {
	if dir == "" {
		return nil
	}
	err := os.MkdirAll(string(dir), 0o777)
	if err == nil {
		err = dir.write(MetricsFile, func(io.Writer) error { return nil })
	}
	if err != nil {
		return &FileError{File: string(dir), Err: fmt.Errorf("the output folder cannot be written (%w); name another one, or free this one", bare(err))}
	}
	old := []string{MetricsFile, ResultsFile, CurvesFile, RulesFile}
	for i, net := range Nets() {
		old = append(old, modelFile(i, net), modelFile(1, net))
	}
	for _, name := range old {
		if err := os.Remove(filepath.Join(string(dir), name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fileError(filepath.Join(string(dir), name), err)
		}
	}
	return nil
}

// bare takes the path and the operation out of err.
func bare(err error) error {
	var f *FileError
	if errors.As(err, &f) {
		err = f.Err
	}
	return unwrapPath(err)
}

// write makes a file whole or not at all: a temporary one is renamed.
func (dir folder) write(name string, content func(io.Writer) error) error {
	if dir == "" {
		return nil
	}
	final := filepath.Join(string(dir), name)
	temp := filepath.Join(string(dir), "."+name+".tmp")
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
	if err != nil {
		return fileError(final, err)
	}
	w := bufio.NewWriter(f)
	err = content(w)
	if err == nil {
		err = w.Flush()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(temp, final)
	}
	if err != nil {
		os.Remove(temp)
		return fileError(final, err)
	}
	return nil
}

func (dir folder) writeJSON(name, indent string, v any) error {
	return dir.write(name, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", indent)
		return e.Encode(v)
	})
}

func (dir folder) writeMetrics(epochs []Epoch) error {
	return dir.write(MetricsFile, func(w io.Writer) error {
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
			return nil, &FileError{File: name, Err: fmt.Errorf("%w: want a folder that a training wrote, such as: optnet train sudoku --out %s", bare(err), dir)}
		}
		return nil, fileError(name, err)
	}
	m, err := parseModel(text, workers)
	if err != nil {
		return nil, &FileError{File: name, Err: err}
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
	net, err := newNetwork(s.Net, s.Seed, 0, workers, s.Parameters)
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
