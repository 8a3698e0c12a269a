package denoise

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
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
