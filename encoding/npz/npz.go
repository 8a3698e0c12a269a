// Package npz reads and writes NumPy's array files: .npy, which holds one array,
// and .npz, a zip archive of them.
//
// It reads versions 1 to 3 of the format, both byte orders, C and Fortran order,
// stored and deflated archives, and arrays of float64, float32, int64, int32,
// uint8 and bool. It writes version 1, little-endian, C order.
//
// Nothing is allocated on the word of a header: where the length of the input is
// known, a claim beyond it is an error at once; where it is not, as in a deflated
// entry, memory grows with what has been read.
package npz

import (
	"fmt"
	"slices"
)

// Array is an n-dimensional array, row-major.
type Array struct {
	Shape []int // empty for a single number
	// Data is a []float64, []float32, []int64, []int32, []uint8 or []bool of
	// as many elements as the product of Shape.
	Data any
}

// Float64s returns the elements as float64. It is Data itself where that has the
// type, and a copy otherwise.
func (a *Array) Float64s() ([]float64, error) {
	switch d := a.Data.(type) {
	case []float64:
		return d, nil
	case []float32:
		return widen(d), nil
	case []int64:
		return widen(d), nil
	case []int32:
		return widen(d), nil
	case []uint8:
		return widen(d), nil
	case []bool:
		x := make([]float64, len(d))
		for i, v := range d {
			if v {
				x[i] = 1
			}
		}
		return x, nil
	}
	return nil, fmt.Errorf("npz: Array.Data is a %T, want one of the types that Array lists", a.Data)
}

func widen[T float32 | int64 | int32 | uint8](d []T) []float64 {
	x := make([]float64, len(d))
	for i, v := range d {
		x[i] = float64(v)
	}
	return x
}

// FormatError says what is wrong with a file, and where.
type FormatError struct {
	Offset int64 // bytes from the start of the .npy data
	Reason string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("at byte %d: %s", e.Offset, e.Reason)
}

// maxDims is NumPy's own limit.
const maxDims = 64

// elements is the product of a shape, or an error if it has a negative factor or
// is no int.
func elements(shape []int) (int, error) {
	if len(shape) > maxDims {
		return 0, fmt.Errorf("%d dimensions, want at most %d", len(shape), maxDims)
	}
	for i, n := range shape {
		if n < 0 {
			return 0, fmt.Errorf("dimension %d is %d, want 0 or more", i, n)
		}
	}
	if slices.Contains(shape, 0) {
		return 0, nil
	}
	const maxInt = int(^uint(0) >> 1)
	count := 1
	for _, n := range shape {
		if count > maxInt/n {
			return 0, fmt.Errorf("shape %v has more elements than an int counts", shape)
		}
		count *= n
	}
	return count, nil
}
