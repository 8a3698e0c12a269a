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
	"github.com/optnet-go/optnet/gomlx"
	"github.com/optnet-go/optnet/qp"
)

// A Net builds the graph of a network, whose parameters come from [Vars].
type Net struct {
	// Forward computes the answers to a batch. scope says whether this is training,
	// and has random numbers that the seed gives.
	Forward func(scope *model.Scope, x *graph.Node) Answer
	// Loss is that of each example; training minimizes the mean over those that have
	// an answer, and Penalty, a number, if it is not nil.
	Loss    func(z, y *graph.Node) *graph.Node
	Penalty func(g *graph.Graph) *graph.Node
	// MSE and Wrong are what is reported beside it, if they are not nil: of each
	// example the mean squared error, and whether the answer is wrong.
	MSE   func(z, y *graph.Node) *graph.Node
	Wrong func(z, y *graph.Node) *graph.Node
	// Judged says that the sets of examples know which answers are wrong: see [Judge].
	Judged bool
	// Average says that the parameters of an epoch are the mean over its steps.
	Average bool
}

// Answer is what a network says about a batch. An example whose QP has no solution
// is wrong, and is in no loss and no mean.
type Answer struct {
	Z      *graph.Node // batch×...
	Status *graph.Node // batch of int32, how the QPs ended; nil: there is none
}

// AnswerOf is the answer of a layer.
func AnswerOf(s *gomlx.Solution) Answer { return Answer{s.Z, s.Status} }

// solved says which examples have an answer; nil: all.
func (a *Answer) solved() *graph.Node {
	if a.Status == nil {
		return nil
	}
	s := gomlx.Solution{Z: a.Z, Status: a.Status}
	return s.Solved()
}

// Network is a Net that can run.
type Network struct {
	Net
	Vars                 *Vars
	backend              compute.Backend
	lr                   *model.Variable
	mean                 *mean // nil: not asked for
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
	if n.Average {
		n.mean = newMean(n.Vars)
	}
	var err error
	n.step, err = model.NewExec(backend, store, func(scope *model.Scope, x, y *graph.Node) []*graph.Node {
		scope.Store().SetTraining(x.Graph(), true)
		out := n.figures(n.Forward(scope, x), y)
		adam.UpdateGraph(scope, x.Graph(), out[0])
		if n.mean != nil {
			n.mean.update(x.Graph())
		}
		return out
	})
	if err == nil {
		n.test, err = model.NewExec(backend, store, func(scope *model.Scope, x, y *graph.Node) []*graph.Node {
			return n.figures(n.Forward(scope, x), y)
		})
	}
	if err == nil {
		n.evaluate, err = model.NewExec(backend, store, func(scope *model.Scope, x *graph.Node) []*graph.Node {
			a := n.Forward(scope, x)
			if a.Status == nil {
				return []*graph.Node{a.Z}
			}
			return []*graph.Node{a.Z, a.Status}
		})
	}
	if err != nil {
		return nil, fmt.Errorf("building the network: %w", err)
	}
	return n, nil
}

// figures are the loss, and of each example what [Outcome] has, if there is any.
func (n *Network) figures(a Answer, y *graph.Node) []*graph.Node {
	out := []*graph.Node{n.loss(a, y)}
	if a.Status != nil {
		out = append(out, a.Status)
	}
	if n.MSE != nil {
		out = append(out, n.MSE(a.Z, y))
	}
	if n.Wrong != nil {
		out = append(out, graph.ConvertDType(n.Wrong(a.Z, y), n.Vars.DType))
	}
	if n.Judged {
		out = append(out, a.Z)
	}
	return out
}

// loss is the mean over the examples that have an answer, and the penalty.
func (n *Network) loss(a Answer, y *graph.Node) *graph.Node {
	each := n.Loss(a.Z, y)
	var l *graph.Node
	if solved := a.solved(); solved == nil {
		l = graph.ReduceAllMean(each)
	} else {
		sum := graph.ReduceAllSum(graph.Where(solved, each, graph.ZerosLike(each)))
		count := graph.ReduceAllSum(graph.ConvertDType(solved, each.DType()))
		l = graph.Div(sum, graph.MaxScalar(count, 1))
	}
	if n.Penalty != nil {
		l = graph.Add(l, n.Penalty(each.Graph()))
	}
	return l
}

// SetLR sets the learning rate of the steps to come.
func (n *Network) SetLR(lr float64) error {
	t, err := tensors.FromAnyValue(shapes.CastAsDType(lr, n.Vars.DType))
	if err != nil {
		return err
	}
	return n.lr.SetValue(t)
}

// Outcome is how a network did on a batch. Status, MSE and Wrong are of each
// example; what the network does not have is nil.
type Outcome struct {
	Loss   float64
	Status []qp.Status
	MSE    []float64
	Wrong  []float64 // 1: wrong
	Z      []float64 // the answers, where the sets judge them
}

// Step trains on a batch. What it returns is from before the step.
func (n *Network) Step(x, y *tensors.Tensor) (*Outcome, error) { return n.measure(n.step, x, y) }

// Test measures a batch.
func (n *Network) Test(x, y *tensors.Tensor) (*Outcome, error) { return n.measure(n.test, x, y) }

func (n *Network) measure(e *model.Exec, x, y *tensors.Tensor) (*Outcome, error) {
	out, err := e.Call(x, y)
	if err != nil {
		return nil, err
	}
	o := &Outcome{}
	next := func() *tensors.Tensor {
		t := out[0]
		out = out[1:]
		return t
	}
	loss, err := take(next())
	if err != nil {
		return nil, err
	}
	o.Loss = loss[0]
	if len(out) > 0 && out[0].DType() == dtypes.Int32 {
		if o.Status, err = statuses(next()); err != nil {
			return nil, err
		}
	}
	if n.MSE != nil {
		if o.MSE, err = take(next()); err != nil {
			return nil, err
		}
	}
	if n.Wrong != nil {
		if o.Wrong, err = take(next()); err != nil {
			return nil, err
		}
	}
	if n.Judged {
		o.Z, err = take(next())
	}
	return o, err
}

// take copies the numbers of a tensor and gives its memory back.
func take(t *tensors.Tensor) ([]float64, error) {
	x, err := Float64s(t)
	if e := t.FinalizeAll(); err == nil {
		err = e
	}
	return x, err
}

func statuses(t *tensors.Tensor) (s []qp.Status, err error) {
	err = tensors.ConstFlatData(t, func(flat []int32) {
		s = make([]qp.Status, len(flat))
		for i, v := range flat {
			s[i] = qp.Status(v)
		}
	})
	if e := t.FinalizeAll(); err == nil {
		err = e
	}
	return s, err
}

// Evaluate returns the answers to a batch, row-major, and how the QPs ended; nil
// for a network without.
func (n *Network) Evaluate(x *tensors.Tensor) (z []float64, status []qp.Status, err error) {
	out, err := n.evaluate.Call(x)
	if err != nil {
		return nil, nil, err
	}
	z, err = take(out[0])
	if len(out) > 1 && err == nil {
		status, err = statuses(out[1])
	}
	return z, status, err
}

// Answered reports whether a status comes with an answer.
func Answered(s qp.Status) bool { return s == qp.Solved || s == qp.AlmostSolved }

// Unsolved counts the examples without an answer.
func Unsolved(status []qp.Status) (n int) {
	for _, s := range status {
		if !Answered(s) {
			n++
		}
	}
	return n
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
		return graph.Gradient(n.loss(n.Forward(scope, x), y), ws...)
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
		if g[v.Name()], err = take(out[i]); err != nil {
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

// Measured is how a network does on a set.
type Measured struct {
	Loss  Figure `json:"loss,omitzero"`
	MSE   Figure `json:"mse,omitzero"`   // mean squared error, per number
	Error Figure `json:"error,omitzero"` // share of examples
	// Unseen is the error of those examples that training does not have, where the
	// set knows which it has.
	Unseen Figure `json:"error_unseen,omitzero"`
}

// IsZero reports whether nothing was measured: fields tagged omitzero are then left
// out.
func (m Measured) IsZero() bool {
	return !m.Loss.Known() && !m.MSE.Known() && !m.Error.Known() && !m.Unseen.Known()
}

// UnmarshalJSON reads what is left out as missing.
func (m *Measured) UnmarshalJSON(text []byte) error {
	type plain Measured
	p := plain(unmeasured)
	err := json.Unmarshal(text, &p)
	*m = Measured(p)
	return err
}

var unmeasured = Measured{None, None, None, None}

// UnmarshalJSON reads what is left out as missing.
func (e *Epoch) UnmarshalJSON(text []byte) error {
	type plain Epoch
	p := plain{Train: unmeasured, Test: unmeasured, Last: unmeasured}
	err := json.Unmarshal(text, &p)
	*e = Epoch(p)
	return err
}
