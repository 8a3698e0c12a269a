package lab

import (
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Vars makes the parameters of a network, in one type of numbers.
type Vars struct {
	DType dtypes.DType // Float32 or Float64
	Rand  *rand.Rand
	store *model.Store
	all   []*model.Variable
}

// Values makes a parameter that starts as x, row-major.
func (v *Vars) Values(name string, x []float64, shape ...int) *model.Variable {
	var t *tensors.Tensor
	if v.DType == dtypes.Float32 {
		t = tensors.FromFlatDataAndDimensions(Float32s(nil, x), shape...)
	} else {
		t = tensors.FromFlatDataAndDimensions(x, shape...)
	}
	w := v.store.RootScope().VariableWithValue(name, t)
	v.all = append(v.all, w)
	return w
}

// Constant makes numbers that are saved with the parameters, and not learned.
func (v *Vars) Constant(name string, x ...float64) *model.Variable {
	return v.Values(name, x, len(x)).SetTrainable(false)
}

// Uniform makes a parameter that is drawn from U[lo, hi].
func (v *Vars) Uniform(name string, lo, hi float64, shape ...int) *model.Variable {
	x := make([]float64, product(shape))
	for i := range x {
		x[i] = lo + (hi-lo)*v.Rand.Float64()
	}
	return v.Values(name, x, shape...)
}

// Normal makes a parameter that is drawn from N(0, sigma²).
func (v *Vars) Normal(name string, sigma float64, shape ...int) *model.Variable {
	x := make([]float64, product(shape))
	for i := range x {
		x[i] = sigma * v.Rand.NormFloat64()
	}
	return v.Values(name, x, shape...)
}

// Count is the number of numbers learned.
func (v *Vars) Count() (n int) {
	for _, w := range v.all {
		if w.Trainable {
			n += w.Shape().Size()
		}
	}
	return n
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Float32s converts x; dst is used if it is large enough.
func Float32s(dst []float32, x []float64) []float32 {
	if cap(dst) < len(x) {
		dst = make([]float32, len(x))
	}
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = float32(v)
	}
	return dst
}

// Float64s copies the numbers of a tensor.
func Float64s(t *tensors.Tensor) ([]float64, error) {
	var x []float64
	err := fmt.Errorf("%s has numbers of another type, want Float32 or Float64", t.Shape())
	switch t.DType() {
	case dtypes.Float64:
		err = tensors.ConstFlatData(t, func(flat []float64) { x = append(x, flat...) })
	case dtypes.Float32:
		err = tensors.ConstFlatData(t, func(flat []float32) {
			x = make([]float64, len(flat))
			for i, v := range flat {
				x[i] = float64(v)
			}
		})
	}
	return x, err
}
