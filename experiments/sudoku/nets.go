package sudoku

import (
	"math"
	"strconv"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/gomlx"
)

// network is what the experiment trains. Its inputs are boards, batch×64: one for
// each digit given.
type network struct {
	dtype dtypes.DType
	lr    float64 // the paper's
	build func(v *lab.Vars, c *Config, qps *gomlx.Counter) func(x *graph.Node) lab.Answer
}

var networks = map[string]network{
	"optnet": {dtypes.Float64, 0.1, buildOptNet},
	"fc":     {dtypes.Float32, 1e-3, buildFC},
	"conv":   {dtypes.Float32, 1e-3, buildConv},
}

// Nets are the networks that [Config.Nets] can name.
func Nets() []string { return []string{"optnet", "fc", "conv"} }

func makeNet(name string, c *Config, qps *gomlx.Counter) func(*lab.Vars) lab.Net {
	return func(v *lab.Vars) lab.Net {
		forward := networks[name].build(v, c, qps)
		return lab.Net{
			Forward: func(_ *model.Scope, x *graph.Node) lab.Answer { return forward(x) },
			Loss:    func(z, y *graph.Node) *graph.Node { return graph.ReduceMean(graph.Square(graph.Sub(z, y)), 1) },
			Judged:  true,
			Average: name == "optnet" && !c.KeepLast,
		}
	}
}

// The layer of OptNet, section 4.4: for a board x,
//
//	z(x) = argmin ½ zᵀQz − xᵀz   subject to   Az = b, z ≥ 0     Q = 0.1 I
//
// with A learned. So that the problem is feasible for every A, b = A exp(log z₀)
// with log z₀ learned, as in the code of the paper since 2019.
const (
	qDiagonal = 0.1
	rules     = 40 // rows of A: the rank of the true rules
)

func buildOptNet(v *lab.Vars, c *Config, qps *gomlx.Counter) func(x *graph.Node) lab.Answer {
	start, rng := make([]float64, rules*inputs), newRand(c.Seed, streamParameters)
	for i := range start {
		start[i] = rng.Float64()
	}
	a := v.Values("A", start, rules, inputs)
	logZ0 := v.Values("log_z0", make([]float64, inputs), inputs)
	return func(x *graph.Node) lab.Answer {
		all := func(value float64) *graph.Node {
			w := make([]float64, inputs)
			for i := range w {
				w[i] = value
			}
			return graph.Const(x.Graph(), w)
		}
		b := graph.MatMul(a.NodeValue(x), graph.Reshape(graph.Exp(logZ0.NodeValue(x)), inputs, 1))
		return lab.AnswerOf(gomlx.QP(gomlx.Data{
			Diag: all(qDiagonal), P: graph.Neg(x), A: a.NodeValue(x), B: graph.Reshape(b, rules), L: all(0),
		}, c.QP("sudoku", qps)))
	}
}

// The paper's networks without an optimization layer.
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

// affine makes a layer, from weights of the shape given with the outputs last;
// weights and biases start uniform within ±1/√(inputs of a unit).
func affine(v *lab.Vars, i int, shape ...int) func(h *graph.Node) *graph.Node {
	fanIn, out := 1, shape[len(shape)-1]
	for _, d := range shape[:len(shape)-1] {
		fanIn *= d
	}
	bound := 1 / math.Sqrt(float64(fanIn))
	w := v.Uniform("w"+strconv.Itoa(i), -bound, bound, shape...)
	b := v.Uniform("b"+strconv.Itoa(i), -bound, bound, out)
	return func(h *graph.Node) *graph.Node {
		return graph.Add(graph.MatMul(h, graph.Reshape(w.NodeValue(h), fanIn, out)), graph.Reshape(b.NodeValue(h), 1, out))
	}
}

func buildFC(v *lab.Vars, _ *Config, _ *gomlx.Counter) func(x *graph.Node) lab.Answer {
	size := []int{inputs, fcHidden, fcHidden, fcHidden, fcHidden, inputs}
	var layers []func(*graph.Node) *graph.Node
	for i := range len(size) - 1 {
		layers = append(layers, affine(v, i, size[i], size[i+1]))
	}
	return func(x *graph.Node) lab.Answer {
		h := x
		for _, layer := range layers {
			h = activation.Relu(layer(h))
		}
		return digits(graph.Reshape(h, -1, side, side, side))
	}
}

// digits are the softmax over the last axis.
func digits(h *graph.Node) lab.Answer {
	return lab.Answer{Z: graph.Reshape(graph.Softmax(h, -1), -1, inputs)}
}

// buildConv makes a convolution a product with the 3×3 neighbours of each point side
// by side, which is faster here than the operation of that name.
func buildConv(v *lab.Vars, _ *Config, _ *gomlx.Counter) func(x *graph.Node) lab.Answer {
	var layers []func(*graph.Node) *graph.Node
	in := side
	for i := range convLayers + 1 {
		out := convChannels
		if i == convLayers {
			out = side
		}
		layers = append(layers, affine(v, i, convKernel, convKernel, in, out))
		in = out
	}
	return func(x *graph.Node) lab.Answer {
		batch := x.Shape().Dimensions[0]
		h := graph.TransposeAllAxes(graph.Reshape(x, batch, side, side, side), 0, 2, 3, 1)
		for i, layer := range layers {
			h = pad(pad(h, 1), 2)
			var near []*graph.Node
			for r := range convKernel {
				for c := range convKernel {
					near = append(near, graph.Slice(h, graph.AxisRange(), graph.AxisRange(r, r+side), graph.AxisRange(c, c+side), graph.AxisRange()))
				}
			}
			h = layer(graph.Reshape(graph.Concatenate(near, -1), batch*cells, -1))
			h = graph.Reshape(h, batch, side, side, -1)
			if i < convLayers {
				h = activation.Relu(h)
			}
		}
		return digits(graph.TransposeAllAxes(h, 0, 3, 1, 2))
	}
}

// pad adds a zero before and behind, along an axis. (GoMLX's Pad has no gradient.)
func pad(x *graph.Node, axis int) *graph.Node {
	shape := x.Shape().Clone()
	shape.Dimensions[axis] = 1
	zero := graph.Zeros(x.Graph(), shape)
	return graph.Concatenate([]*graph.Node{zero, x, zero}, axis)
}
