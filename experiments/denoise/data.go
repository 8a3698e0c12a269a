package denoise

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/optnet-go/optnet/encoding/npz"
	"github.com/optnet-go/optnet/experiments/lab"
)

// The signals of the paper.
const (
	Length      = 100 // of a signal
	minSegments = 1
	maxSegments = 10 // one more than there can be
	minHeight   = 10
	maxHeight   = 100 // likewise
	noise       = 10  // standard deviation
)

// Signals are pairs of a signal with noise, X, and without, Y, one after the
// other.
type Signals struct{ X, Y []float64 }

// Generate makes n signals, piecewise constant, as the code of the paper does
// with numpy's legacy generator: for the seed 0 and n = 10,000, bit for bit its
// data.
func Generate(seed uint32, n int) *Signals {
	rng := newMT19937(seed)
	s := &Signals{make([]float64, n*Length), make([]float64, n*Length)}
	for i := range n {
		segments := rng.intn(minSegments, maxSegments)
		ends := rng.choose(Length-2, segments-1)
		for k := range ends {
			ends[k]++
		}
		slices.Sort(ends)
		ends = append(ends, Length)
		from := 0
		heights := make([]float64, segments)
		for k := range heights {
			heights[k] = float64(rng.intn(minHeight, maxHeight))
		}
		x, y := s.X[i*Length:(i+1)*Length], s.Y[i*Length:(i+1)*Length]
		for k, to := range ends {
			for j := from; j < to; j++ {
				y[j] = heights[k]
			}
			from = to
		}
		for j := range x {
			x[j] = y[j] + noise*rng.normal()
		}
	}
	return s
}

// ReadSignals reads an .npz file with the arrays X and Y, n×100 each.
func ReadSignals(name string) (*Signals, error) {
	arrays, err := npz.ReadFile(name)
	if err != nil {
		return nil, lab.OfFile(name, err)
	}
	s := &Signals{}
	for _, part := range []struct {
		name string
		into *[]float64
	}{{"X", &s.X}, {"Y", &s.Y}} {
		a := arrays[part.name]
		if a == nil {
			return nil, &lab.FileError{File: name, Err: fmt.Errorf("the array %s is missing: want X, signals with noise, and Y, those without", part.name)}
		}
		if len(a.Shape) != 2 || a.Shape[1] != Length {
			return nil, &lab.FileError{File: name, Err: fmt.Errorf("%s has the shape %v, want n×%d", part.name, a.Shape, Length)}
		}
		if *part.into, err = a.Float64s(); err != nil {
			return nil, lab.OfFile(name, err)
		}
		if i := slices.IndexFunc(*part.into, func(v float64) bool { return v-v != 0 }); i >= 0 {
			return nil, &lab.FileError{File: name, Err: fmt.Errorf("%s is %v in row %d, column %d", part.name, (*part.into)[i], i/Length, i%Length)}
		}
	}
	if len(s.X) != len(s.Y) {
		return nil, &lab.FileError{File: name, Err: fmt.Errorf("X has %d rows and Y %d, want as many", len(s.X)/Length, len(s.Y)/Length)}
	}
	return s, nil
}

// Len is the number of signals.
func (s *Signals) Len() int { return len(s.X) / Length }

// part is the signals from, ..., to−1.
func (s *Signals) part(from, to int) *Signals {
	return &Signals{s.X[from*Length : to*Length], s.Y[from*Length : to*Length]}
}

// batches gives signals to a network.
type batches struct {
	*Signals
	dtype dtypes.DType
}

func (b batches) Batch(examples []int) (x, y *tensors.Tensor) {
	return b.tensor(b.X, examples), b.tensor(b.Y, examples)
}

func (b batches) tensor(from []float64, examples []int) *tensors.Tensor {
	to := make([]float64, 0, len(examples)*Length)
	for _, i := range examples {
		to = append(to, from[i*Length:(i+1)*Length]...)
	}
	if b.dtype == dtypes.Float32 {
		return tensors.FromFlatDataAndDimensions(lab.Float32s(nil, to), len(examples), Length)
	}
	return tensors.FromFlatDataAndDimensions(to, len(examples), Length)
}

// mse is the mean squared error of z.
func mse(z, y []float64) float64 {
	sum := 0.0
	for i, v := range z {
		sum += (v - y[i]) * (v - y[i])
	}
	return sum / float64(len(z))
}

// hash is the SHA-256 of X and Y, little-endian.
func (s *Signals) hash() string {
	h := sha256.New()
	var buf [8]byte
	for _, a := range [][]float64{s.X, s.Y} {
		for _, v := range a {
			binary.LittleEndian.PutUint64(buf[:], math.Float64bits(v))
			h.Write(buf[:])
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
