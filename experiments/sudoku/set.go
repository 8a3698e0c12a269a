package sudoku

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/optnet-go/optnet/experiments/lab"
)

// testShare is the part of the data kept for tests, the last one.
const testShare = 10

// set is puzzles as arrays.
type set struct {
	puzzles []Puzzle
	x, y    []float64 // puzzles and solutions, one for each digit
	seen    []bool    // the puzzle is one of those for training too; nil for these
}

// split makes sets for training and for tests.
func split(ps []Puzzle) (train, test *set) {
	n := len(ps) - len(ps)/testShare
	train, test = encode(ps[:n]), encode(ps[n:])
	known := make(map[Board]bool)
	for _, p := range ps[:n] {
		known[p.Puzzle] = true
	}
	for _, p := range ps[n:] {
		test.seen = append(test.seen, known[p.Puzzle])
	}
	return train, test
}

func encode(ps []Puzzle) *set {
	s := &set{puzzles: ps, x: make([]float64, len(ps)*inputs), y: make([]float64, len(ps)*inputs)}
	for i, p := range ps {
		p.Puzzle.encode(s.x[i*inputs:], 1)
		p.Solution.encode(s.y[i*inputs:], 1)
	}
	return s
}

// Wrong reports whether z, with the digits of largest entries, is no solution.
func (s *set) Wrong(example int, z []float64) bool {
	return !decode(z).Solves(s.puzzles[example].Puzzle)
}

// Len is the number of puzzles.
func (s *set) Len() int { return len(s.x) / inputs }

// seenCount is the number of puzzles that training has too.
func (s *set) seenCount() (n int) {
	for _, known := range s.seen {
		if known {
			n++
		}
	}
	return n
}

// batches gives puzzles to a network, for training.
type batches struct {
	*set
	dtype dtypes.DType
}

// tests does so for tests, and knows what training has seen.
type tests struct{ batches }

func (t tests) Seen(example int) bool { return t.seen[example] }

func (b batches) Batch(examples []int) (x, y *tensors.Tensor) {
	return b.tensor(b.x, examples), b.tensor(b.y, examples)
}

func (b batches) tensor(from []float64, examples []int) *tensors.Tensor {
	to := make([]float64, 0, len(examples)*inputs)
	for _, i := range examples {
		to = append(to, from[i*inputs:(i+1)*inputs]...)
	}
	if b.dtype == dtypes.Float32 {
		return tensors.FromFlatDataAndDimensions(lab.Float32s(nil, to), len(examples), inputs)
	}
	return tensors.FromFlatDataAndDimensions(to, len(examples), inputs)
}
