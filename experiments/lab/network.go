package lab

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// A Net builds the graph of a network, whose parameters come from [Vars].
type Net struct {
	// Forward computes the answers. scope says whether this is training, and has
	// random numbers that the seed gives.
	Forward func(scope *model.Scope, x *graph.Node) *graph.Node
	// Loss is what training minimizes, a scalar.
	Loss func(z, y *graph.Node) *graph.Node
	// MSE and Error are what is reported beside it, means over the batch; nil
	// ones are not.
	MSE, Error func(z, y *graph.Node) *graph.Node
}

// Measured is how a network does.
type Measured struct {
	Loss  Figure `json:"loss,omitzero"`
	MSE   Figure `json:"mse,omitzero"`   // mean squared error, per number
	Error Figure `json:"error,omitzero"` // share of examples
}

// UnmarshalJSON reads what is left out as missing.
func (m *Measured) UnmarshalJSON(text []byte) error {
	type plain Measured
	p := plain(unmeasured)
	err := json.Unmarshal(text, &p)
	*m = Measured(p)
	return err
}

var unmeasured = Measured{None, None, None}

// Network is a Net that can run.
type Network struct {
	Net
	Vars                 *Vars
	backend              compute.Backend
	lr                   *model.Variable
	step, test, evaluate *model.Exec
}

// Streams of random numbers that a seed gives.
const (
	streamParameters = iota
	streamOrder
)

func newRand(seed uint64, stream, epoch uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream<<32|epoch))
}

// NewNetwork builds a network whose parameters come from a seed. GoMLX's graph
// builders panic on mistakes; here that is an error.
func NewNetwork(backend compute.Backend, dtype dtypes.DType, seed uint64, lr float64, build func(*Vars) Net) (*Network, error) {
	store := model.NewStore()
	n := &Network{backend: backend, Vars: &Vars{DType: dtype, Rand: newRand(seed, streamParameters, 0), store: store}}
	n.Net = build(n.Vars)
	if err := store.SetRNGStateFromSeed(int64(seed)); err != nil {
		return nil, fmt.Errorf("building the network: %w", err)
	}
	n.lr = optimizer.LearningRateVar(store.RootScope(), dtype, lr)
	adam := NewAdam(lr)
	figures := func(z, y *graph.Node) []*graph.Node {
		out := []*graph.Node{n.Loss(z, y)}
		for _, f := range []func(z, y *graph.Node) *graph.Node{n.MSE, n.Error} {
			if f != nil {
				out = append(out, f(z, y))
			}
		}
		return out
	}
	var err error
	n.step, err = model.NewExec(backend, store, func(scope *model.Scope, x, y *graph.Node) []*graph.Node {
		scope.Store().SetTraining(x.Graph(), true)
		out := figures(n.Forward(scope, x), y)
		adam.UpdateGraph(scope, x.Graph(), out[0])
		return out
	})
	if err == nil {
		n.test, err = model.NewExec(backend, store, func(scope *model.Scope, x, y *graph.Node) []*graph.Node {
			return figures(n.Forward(scope, x), y)
		})
	}
	if err == nil {
		n.evaluate, err = model.NewExec(backend, store, func(scope *model.Scope, x *graph.Node) *graph.Node { return n.Forward(scope, x) })
	}
	if err != nil {
		return nil, fmt.Errorf("building the network: %w", err)
	}
	return n, nil
}

// SetLR sets the learning rate of the steps to come.
func (n *Network) SetLR(lr float64) error {
	t, err := tensors.FromAnyValue(shapes.CastAsDType(lr, n.Vars.DType))
	if err != nil {
		return err
	}
	return n.lr.SetValue(t)
}

// Step trains on a batch. What it returns is from before the step.
func (n *Network) Step(x, y *tensors.Tensor) (Measured, error) { return n.measure(n.step, x, y) }

// Test measures a batch.
func (n *Network) Test(x, y *tensors.Tensor) (Measured, error) { return n.measure(n.test, x, y) }

func (n *Network) measure(e *model.Exec, x, y *tensors.Tensor) (m Measured, err error) {
	m = unmeasured
	out, err := e.Call(x, y)
	if err != nil {
		return m, err
	}
	into := []*Figure{&m.Loss}
	if n.MSE != nil {
		into = append(into, &m.MSE)
	}
	if n.Net.Error != nil {
		into = append(into, &m.Error)
	}
	for i, t := range out {
		v, e := Float64s(t)
		if e == nil {
			*into[i] = Figure(v[0])
			e = t.FinalizeAll()
		}
		if err == nil {
			err = e
		}
	}
	return m, err
}

// Evaluate returns the answers to a batch, row-major.
func (n *Network) Evaluate(x *tensors.Tensor) ([]float64, error) {
	out, err := n.evaluate.Call(x)
	if err != nil {
		return nil, err
	}
	z, err := Float64s(out[0])
	if e := out[0].FinalizeAll(); err == nil {
		err = e
	}
	return z, err
}

// Parameter copies the numbers of a parameter.
func (n *Network) Parameter(name string) ([]float64, error) {
	v := n.Vars.store.GetVariable("/" + name)
	if v == nil {
		return nil, fmt.Errorf("the network has no parameter %s", name)
	}
	t, err := v.Value()
	if err != nil {
		return nil, err
	}
	return Float64s(t)
}

// Gradients returns the gradient of the loss of a batch with respect to each
// parameter, by its name.
func (n *Network) Gradients(x, y *tensors.Tensor) (map[string][]float64, error) {
	e, err := model.NewExec(n.backend, n.Vars.store, func(scope *model.Scope, x, y *graph.Node) []*graph.Node {
		var ws []*graph.Node
		for _, v := range n.Vars.all {
			ws = append(ws, v.NodeValue(x))
		}
		return graph.Gradient(n.Loss(n.Forward(scope, x), y), ws...)
	})
	if err != nil {
		return nil, err
	}
	out, err := e.Call(x, y)
	if err != nil {
		return nil, err
	}
	g := make(map[string][]float64)
	for i, v := range n.Vars.all {
		if g[v.Name()], err = Float64s(out[i]); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// SetParameter replaces the numbers of a parameter.
func (n *Network) SetParameter(name string, x []float64) error {
	v := n.Vars.store.GetVariable("/" + name)
	if v == nil || len(x) != v.Shape().Size() {
		return fmt.Errorf("the network has no parameter %s of %d numbers", name, len(x))
	}
	if n.Vars.DType == dtypes.Float32 {
		return v.SetValue(tensors.FromFlatDataAndDimensions(Float32s(nil, x), v.Shape().Dimensions...))
	}
	return v.SetValue(tensors.FromFlatDataAndDimensions(x, v.Shape().Dimensions...))
}
