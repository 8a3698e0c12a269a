package sudoku

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/optnet-go/optnet/experiments/lab"
)

// The paper's networks without an optimization layer, in float32.
//
// fc: 64-100-100-100-100-64, ReLU after each layer, the last one too.
// conv: ten 3×3 convolutions with ReLU and one without, the rows of the board
// being the channels and columns × digits the image, as in the code of the
// paper, which has 512 channels. Here it has convChannels, for a CPU.
//
// Both end in a softmax over the digits of each cell.
const (
	fcHidden     = 100
	convChannels = 32
	convLayers   = 10
	convKernel   = 3
)

// A dense or convolutional layer: the shape of its weights, biases last.
type weights struct {
	shape []int
	fanIn int
}

func baselineShape(net string) (ws []weights) {
	if net == "fc" {
		size := []int{inputs, fcHidden, fcHidden, fcHidden, fcHidden, inputs}
		for i := range len(size) - 1 {
			ws = append(ws, weights{[]int{size[i], size[i+1]}, size[i]})
		}
		return ws
	}
	in := side
	for i := range convLayers + 1 {
		out := convChannels
		if i == convLayers {
			out = side
		}
		ws = append(ws, weights{[]int{convKernel, convKernel, in, out}, convKernel * convKernel * in})
		in = out
	}
	return ws
}

// baseline runs one of them in GoMLX.
type baseline struct {
	store          *model.Store
	vars           []*model.Variable
	trainer, infer *model.Exec
	x, y           []float32
	z              []float64
}

func newBaseline(net string, seed uint64, lr float64, ps []parameter) (*baseline, error) {
	backend, err := lab.NewBackend("")
	if err != nil {
		return nil, err
	}
	store := model.NewStore()
	n := &baseline{store: store}
	rng := newRand(seed, streamParameters)
	shape := baselineShape(net)
	for i, w := range shape {
		// Uniform within ±1/√(inputs of a unit), weights and biases alike.
		bound := 1 / math.Sqrt(float64(w.fanIn))
		for _, v := range []struct {
			name  string
			shape []int
		}{{"w" + strconv.Itoa(i), w.shape}, {"b" + strconv.Itoa(i), w.shape[len(w.shape)-1:]}} {
			values := make([]float64, product(v.shape))
			for j := range values {
				values[j] = bound * (2*rng.Float64() - 1)
			}
			if ps != nil {
				if err := fill(ps, v.name, values, v.shape...); err != nil {
					return nil, err
				}
			}
			t := tensors.FromFlatDataAndDimensions(lab.Float32s(nil, values), v.shape...)
			n.vars = append(n.vars, store.RootScope().VariableWithValue(v.name, t))
		}
	}
	evaluate := n.dense
	if net == "conv" {
		evaluate = n.convolve
	}
	adam := lab.NewAdam(lr)
	n.trainer, err = model.NewExec(backend, store, func(scope *model.Scope, x, y *graph.Node) *graph.Node {
		z := evaluate(x)
		loss := graph.ReduceAllMean(graph.Square(graph.Sub(z, y)))
		adam.UpdateGraph(scope, x.Graph(), loss)
		return z
	})
	if err == nil {
		n.infer, err = model.NewExec(backend, store, func(_ *model.Scope, x *graph.Node) *graph.Node { return evaluate(x) })
	}
	if err != nil {
		return nil, fmt.Errorf("sudoku: building the network %s: %w", net, err)
	}
	return n, nil
}

// dense evaluates fc for x of shape [batch, row, column, digit].
func (n *baseline) dense(x *graph.Node) *graph.Node {
	batch := x.Shape().Dimensions[0]
	h := graph.Reshape(x, batch, inputs)
	for i := 0; i < len(n.vars); i += 2 {
		w, b := n.vars[i].NodeValue(x), n.vars[i+1].NodeValue(x)
		h = activation.Relu(graph.Add(graph.MatMul(h, w), graph.Reshape(b, 1, -1)))
	}
	return graph.Softmax(graph.Reshape(h, batch, side, side, side), -1)
}

// convolve evaluates conv. A convolution is a product with the 3×3 neighbours of
// each point side by side, which is faster here than the operation of that name.
func (n *baseline) convolve(x *graph.Node) *graph.Node {
	batch := x.Shape().Dimensions[0]
	h := graph.TransposeAllAxes(x, 0, 2, 3, 1)
	for i := 0; i < len(n.vars); i += 2 {
		w, b := n.vars[i].NodeValue(x), n.vars[i+1].NodeValue(x)
		h = pad(pad(h, 1), 2)
		var near []*graph.Node
		for r := range convKernel {
			for c := range convKernel {
				near = append(near, graph.Slice(h, graph.AxisRange(), graph.AxisRange(r, r+side), graph.AxisRange(c, c+side), graph.AxisRange()))
			}
		}
		h = graph.Reshape(graph.Concatenate(near, -1), batch*cells, -1)
		h = graph.Add(graph.MatMul(h, graph.Reshape(w, h.Shape().Dimensions[1], -1)), graph.Reshape(b, 1, -1))
		h = graph.Reshape(h, batch, side, side, -1)
		if i+2 < len(n.vars) {
			h = activation.Relu(h)
		}
	}
	return graph.Softmax(graph.TransposeAllAxes(h, 0, 3, 1, 2), -1)
}

// pad adds a zero before and behind, along an axis. (GoMLX's Pad has no gradient.)
func pad(x *graph.Node, axis int) *graph.Node {
	shape := x.Shape().Clone()
	shape.Dimensions[axis] = 1
	zero := graph.Zeros(x.Graph(), shape)
	return graph.Concatenate([]*graph.Node{zero, x, zero}, axis)
}

func (n *baseline) step(ctx context.Context, p, y []float64) (outcome, error) {
	n.input(p)
	n.y = lab.Float32s(n.y, y)
	return n.call(ctx, n.trainer, n.x, n.y)
}

func (n *baseline) predict(ctx context.Context, p []float64) (outcome, error) {
	n.input(p)
	return n.call(ctx, n.infer, n.x)
}

// input sets x = −p.
func (n *baseline) input(p []float64) {
	n.x = lab.Float32s(n.x, p)
	for i, v := range n.x {
		n.x[i] = -v
	}
}

func (n *baseline) call(ctx context.Context, e *model.Exec, in ...[]float32) (out outcome, err error) {
	if err := ctx.Err(); err != nil {
		return out, context.Cause(ctx)
	}
	var args []any
	for _, x := range in {
		args = append(args, tensors.FromFlatDataAndDimensions(x, len(x)/inputs, side, side, side))
	}
	res, err := e.Call(args...)
	if err == nil {
		err = tensors.ConstFlatData(res[0], func(z []float32) {
			n.z = resize(n.z, len(z))
			for i, v := range z {
				n.z[i] = float64(v)
			}
		})
	}
	for _, t := range res {
		if e := t.FinalizeAll(); err == nil {
			err = e
		}
	}
	if err != nil {
		return out, fmt.Errorf("sudoku: running the network: %w", err)
	}
	out.z = n.z
	return out, nil
}

func (n *baseline) state() *model.Store { return n.store }
func (n *baseline) restored() error     { return nil }

func (n *baseline) parameters() ([]parameter, error) {
	var ps []parameter
	for _, v := range n.vars {
		p := parameter{Name: v.Name(), Shape: v.Shape().Dimensions, Values: make([]float64, v.Shape().Size())}
		t, err := v.Value()
		if err == nil {
			err = tensors.ConstFlatData(t, func(w []float32) {
				for i, x := range w {
					p.Values[i] = float64(x)
				}
			})
		}
		if err != nil {
			return nil, fmt.Errorf("sudoku: reading the parameters: %w", err)
		}
		ps = append(ps, p)
	}
	return ps, nil
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
