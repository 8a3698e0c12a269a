package lab

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// mean is that of the parameters w over the steps of an epoch, as variables of the
// graph of a step: at step k
//
//	mean ← (k−1)/k · mean + 1/k · w
type mean struct {
	vars *Vars
	k    *model.Variable
	of   []*model.Variable
}

// newMean makes variables in a scope of their own.
func newMean(v *Vars) *mean {
	m := &mean{vars: v}
	scope := v.store.RootScope().In("mean")
	zeros := func(shape ...int) *tensors.Tensor {
		if v.DType == dtypes.Float32 {
			return tensors.FromFlatDataAndDimensions(make([]float32, product(shape)), shape...)
		}
		return tensors.FromFlatDataAndDimensions(make([]float64, product(shape)), shape...)
	}
	m.k = scope.VariableWithValue("steps", zeros()).SetTrainable(false)
	for _, w := range v.all {
		m.of = append(m.of, scope.VariableWithValue(w.Name(), zeros(w.Shape().Dimensions...)).SetTrainable(false))
	}
	return m
}

// update adds the parameters as they are after a step.
func (m *mean) update(g *graph.Graph) {
	k := graph.AddScalar(m.k.NodeValue(g), 1)
	m.k.SetNodeValue(k)
	share := graph.Reciprocal(k)
	rest := graph.Mul(graph.AddScalar(k, -1), share) // 0 at the first step
	for i, w := range m.vars.all {
		m.of[i].SetNodeValue(graph.Add(graph.Mul(m.of[i].NodeValue(g), rest), graph.Mul(w.NodeValue(g), share)))
	}
}

// begin starts an epoch.
func (m *mean) begin() error {
	zero := tensors.FromFlatDataAndDimensions([]float64{0})
	if m.vars.DType == dtypes.Float32 {
		zero = tensors.FromFlatDataAndDimensions([]float32{0})
	}
	return m.k.SetValue(zero)
}

// values are copies of the numbers of variables.
func values(vars []*model.Variable) ([]*tensors.Tensor, error) {
	ts := make([]*tensors.Tensor, len(vars))
	for i, v := range vars {
		t, err := v.Value()
		if err == nil {
			ts[i], err = t.LocalClone()
		}
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", v.Name(), err)
		}
	}
	return ts, nil
}

// stand replaces the parameters, and returns those that were there.
func (n *Network) stand(at []*tensors.Tensor) (were []*tensors.Tensor, err error) {
	for i, v := range n.Vars.all {
		t, err := v.Value()
		if err == nil {
			err = v.SetValuePreservingOld(at[i])
		}
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", v.Name(), err)
		}
		were = append(were, t)
	}
	return were, nil
}
