package sudoku

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/qp"
)

// Model is a trained network.
type Model struct {
	Net   string
	Seed  uint64
	Epoch int // that its parameters are of
	net   *lab.Network
}

// Load reads a network that a training wrote into a folder. An empty name means the
// first of [Nets] that is there.
func Load(dir, net string, workers int) (*Model, error) {
	out := lab.Folder(dir)
	names := Nets()
	if net != "" {
		names = []string{net}
	}
	for _, name := range names {
		n, ok := networks[name]
		if !ok {
			return nil, fmt.Errorf("sudoku: %w", &lab.ValueError{Name: "net", Value: name, Want: "one of " + strings.Join(Nets(), ", ")})
		}
		file := out.Join(lab.CheckpointFile(name))
		if _, err := os.Stat(file); net == "" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		loaded, key, history, err := lab.Load(file, "sudoku", n.dtype, makeNet(name, &Config{Config: lab.Config{Workers: workers}}, nil))
		if err != nil {
			return nil, err
		}
		m := &Model{Net: name, Seed: key.Seed, net: loaded}
		if e := lab.Chosen(history, name); e != nil {
			m.Epoch = e.Epoch
		}
		return m, nil
	}
	return nil, &lab.FileError{File: dir, Err: fmt.Errorf("no network is there, want a folder that a training wrote, such as: optnet train sudoku --out %s", dir)}
}

// Prediction is what a network makes of a puzzle.
type Prediction struct {
	Board  Board
	Solved bool      // Board is a solution of the puzzle
	Status qp.Status // of the QP; Unsolved for a network without
}

// Predict fills in puzzles.
func (m *Model) Predict(ctx context.Context, puzzles []Board) ([]Prediction, error) {
	if len(puzzles) == 0 {
		return nil, nil
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("sudoku: predicting: %w", context.Cause(ctx))
	}
	s := &set{x: make([]float64, len(puzzles)*inputs)}
	examples := make([]int, len(puzzles))
	for i, b := range puzzles {
		b.encode(s.x[i*inputs:], 1)
		examples[i] = i
	}
	z, status, err := m.net.Evaluate(batches{s, m.net.Vars.DType}.tensor(s.x, examples))
	if err != nil {
		return nil, fmt.Errorf("sudoku: predicting: %w", err)
	}
	res := make([]Prediction, len(puzzles))
	for i, b := range puzzles {
		r := &res[i]
		r.Board = decode(z[i*inputs : (i+1)*inputs])
		r.Solved = r.Board.Solves(b)
		if status != nil {
			r.Status = status[i]
			r.Solved = r.Solved && lab.Answered(r.Status)
		}
	}
	return res, nil
}
