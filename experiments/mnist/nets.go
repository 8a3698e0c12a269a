package mnist

import (
	"fmt"
	"math"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/gomlx"
)

// network is what the experiment trains. Its outputs are the logarithms of the
// probabilities of the classes.
type network struct {
	epochs int
	build  func(v *lab.Vars, c *Config, qps *gomlx.Counter) forward
}

// forward is that of [lab.Net].
type forward = func(scope *model.Scope, x *graph.Node) lab.Answer

var networks = map[string]network{
	"fc":            {40, buildFC},
	"optnet":        {40, buildOptNet},
	"lenet":         {5, buildLenet(logSoftmax)},
	"lenet-simplex": {5, buildLenet(logSimplex)},
}

// Nets are the networks that [Config.Nets] can name.
func Nets() []string { return []string{"optnet", "fc", "lenet", "lenet-simplex"} }

// Epochs says how many epochs each network is trained for, unless told.
func Epochs() string {
	var parts []string
	for _, name := range Nets() {
		parts = append(parts, fmt.Sprintf("%d for %s", networks[name].epochs, name))
	}
	return strings.Join(parts, ", ")
}

// Sizes of the paper.
const (
	hidden     = 600
	inequality = 50
	epsilon    = 1e-4 // on the diagonal of the cost
)

func makeNet(name string, c *Config, qps *gomlx.Counter) func(*lab.Vars) lab.Net {
	return func(v *lab.Vars) lab.Net {
		return lab.Net{
			Forward: networks[name].build(v, c, qps),
			Loss: func(z, y *graph.Node) *graph.Node { // negative log-likelihood
				of := graph.OneHot(graph.Reshape(y, -1), Classes, z.DType())
				return graph.Neg(graph.ReduceSum(graph.Mul(of, z), -1))
			},
			Wrong: func(z, y *graph.Node) *graph.Node {
				return graph.NotEqual(graph.ArgMax(z, -1, dtypes.Int32), graph.Reshape(y, -1))
			},
		}
	}
}

// linear makes a layer; weights and biases start uniform within ±1/√inputs.
func linear(v *lab.Vars, name string, in, out int) func(x *graph.Node) *graph.Node {
	bound := 1 / math.Sqrt(float64(in))
	w, b := v.Uniform(name+"_w", -bound, bound, in, out), v.Uniform(name+"_b", -bound, bound, 1, out)
	return func(x *graph.Node) *graph.Node {
		return graph.Add(graph.MatMul(x, w.NodeValue(x)), b.NodeValue(x))
	}
}

// drop leaves hidden units out at random while training, where that is asked for.
func drop(scope *model.Scope, c *Config, h *graph.Node) *graph.Node {
	return layers.DropoutStatic(scope, h, c.Dropout)
}

func logSoftmax(x *graph.Node, _ *Config, _ *gomlx.Counter) lab.Answer {
	return lab.Answer{Z: graph.LogSoftmax(x, -1)}
}

// buildFC is 784-600-10-10, ReLU between.
func buildFC(v *lab.Vars, c *Config, _ *gomlx.Counter) forward {
	fc1, fc2, fc3 := linear(v, "fc1", Pixels, hidden), linear(v, "fc2", hidden, Classes), linear(v, "fc3", Classes, Classes)
	return func(scope *model.Scope, x *graph.Node) lab.Answer {
		h := activation.Relu(fc2(drop(scope, c, activation.Relu(fc1(x)))))
		return lab.Answer{Z: graph.LogSoftmax(fc3(h), -1)}
	}
}

// buildOptNet is 784-600-10 with ReLU, and instead of the last layer
//
//	z(x) = argmin ½zᵀQz + xᵀz   subject to   Gz ≤ h     Q = LLᵀ + 1e-4 I,  h = Gz₀ + s₀
//
// in ten variables, with L lower triangular, G, z₀ and s₀ learned. At the start z is
// in a polytope of radius 1, too small for a softmax to be sure of anything; it
// grows as fast as these are learned.
func buildOptNet(v *lab.Vars, c *Config, qps *gomlx.Counter) forward {
	fc1, fc2 := linear(v, "fc1", Pixels, hidden), linear(v, "fc2", hidden, Classes)
	// Divided by the rate, what Adam adds in a step is the rate times as much.
	rate := v.Constant("qp_rate", c.QPRate)
	scale := 1 / c.QPRate
	lv, gv := v.Uniform("L", 0, scale, Classes, Classes), v.Uniform("G", -scale, scale, inequality, Classes)
	z0 := v.Values("z0", make([]float64, Classes), Classes)
	ones := make([]float64, inequality)
	for i := range ones {
		ones[i] = scale
	}
	s0 := v.Values("s0", ones, inequality)
	return func(scope *model.Scope, x *graph.Node) lab.Answer {
		h := activation.Relu(fc2(drop(scope, c, activation.Relu(fc1(x)))))
		double := func(w *model.Variable) *graph.Node {
			return graph.ConvertDType(graph.Mul(w.NodeValue(x), graph.Reshape(rate.NodeValue(x))), dtypes.Float64)
		}
		l, g := graph.TakeLowerTriangular(double(lv), 0), double(gv)
		q := graph.Add(graph.MatMul(l, graph.Transpose(l, 0, 1)), graph.MulScalar(eye(x.Graph(), Classes), epsilon))
		rhs := graph.Add(graph.MatMul(g, graph.Reshape(double(z0), -1, 1)), graph.Reshape(double(s0), -1, 1))
		s := gomlx.QP(gomlx.Data{Q: q, P: graph.ConvertDType(h, dtypes.Float64), G: g, H: graph.Reshape(rhs, -1)}, c.QP("optnet", qps))
		return lab.Answer{Z: graph.LogSoftmax(graph.ConvertDType(s.Z, x.DType()), -1), Status: s.Status}
	}
}

func eye(g *graph.Graph, n int) *graph.Node {
	x := make([][]float64, n)
	for i := range x {
		x[i] = make([]float64, n)
		x[i][i] = 1
	}
	return graph.Const(g, x)
}

// logSimplex projects on the simplex, as the code of the paper does in place of a
// softmax, and takes the logarithm:
//
//	z = argmin ½ · 0.5 ‖z‖² − xᵀz   subject to   1ᵀz = 1,  z ≥ 1e-5
func logSimplex(x *graph.Node, c *Config, qps *gomlx.Counter) lab.Answer {
	const weight, least = 0.5, 1e-5
	g := x.Graph()
	all := func(v float64) *graph.Node {
		return graph.BroadcastToDims(graph.Const(g, v), Classes)
	}
	s := gomlx.QP(gomlx.Data{
		Diag: all(weight), P: graph.Neg(graph.ConvertDType(x, dtypes.Float64)),
		A: graph.Reshape(all(1), 1, Classes), B: graph.Const(g, []float64{1}), L: all(least),
	}, c.QP("simplex", qps))
	return lab.Answer{Z: graph.ConvertDType(graph.Log(graph.MaxScalar(s.Z, least)), x.DType()), Status: s.Status}
}

// buildLenet is two convolutions, each with the maximum over 2×2 after it, and
// two linear layers: 20 and 50 channels, kernels 5×5, 500 hidden units.
func buildLenet(last func(*graph.Node, *Config, *gomlx.Counter) lab.Answer) func(v *lab.Vars, c *Config, qps *gomlx.Counter) forward {
	const channels1, channels2, kernel, units = 20, 50, 5, 500
	const size1, size2 = Side - kernel + 1, (Side-kernel+1)/2 - kernel + 1 // after each convolution
	return func(v *lab.Vars, c *Config, qps *gomlx.Counter) forward {
		conv1 := linear(v, "conv1", kernel*kernel, channels1)
		conv2 := linear(v, "conv2", kernel*kernel*channels1, channels2)
		fc1 := linear(v, "fc1", channels2*(size2/2)*(size2/2), units)
		fc2 := linear(v, "fc2", units, Classes)
		return func(scope *model.Scope, x *graph.Node) lab.Answer {
			batch := x.Shape().Dimensions[0]
			h := graph.Reshape(x, batch, Side, Side, 1)
			h = halve(convolve(h, conv1, kernel, size1))
			h = halve(convolve(h, conv2, kernel, size2))
			h = drop(scope, c, activation.Relu(fc1(graph.Reshape(h, batch, -1))))
			return last(fc2(h), c, qps)
		}
	}
}

// convolve is a convolution without padding, as a product with the neighbours of
// each point side by side: x is batch × row × column × channel.
func convolve(x *graph.Node, layer func(*graph.Node) *graph.Node, kernel, size int) *graph.Node {
	batch := x.Shape().Dimensions[0]
	var near []*graph.Node
	for r := range kernel {
		for c := range kernel {
			near = append(near, graph.Slice(x, graph.AxisRange(), graph.AxisRange(r, r+size), graph.AxisRange(c, c+size), graph.AxisRange()))
		}
	}
	h := layer(graph.Reshape(graph.Concatenate(near, -1), batch*size*size, -1))
	return graph.Reshape(h, batch, size, size, -1)
}

// halve takes the maximum over squares of 2×2 points.
func halve(x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions
	x = graph.Reshape(x, d[0], d[1]/2, 2, d[2]/2, 2, d[3])
	return graph.ReduceMax(x, 2, 4)
}
