package represent

import (
	"math"
	"strconv"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/gomlx"
)

// planes are a₁, a₂, a₃ of the function to be learned, max(aᵢᵀx) in the plane. The
// origin is inside of their hull, so that it is never negative.
var planes = [...][2]float64{{1, 0.3}, {-0.7, 0.8}, {-0.2, -1.1}}

const inputs = 2

// target is the function to be learned.
func target(x []float64) float64 {
	y := math.Inf(-1)
	for _, a := range planes {
		y = max(y, a[0]*x[0]+a[1]*x[1])
	}
	return y
}

// points are a set of points with the target there.
type points struct{ x, y []float64 }

// generate draws n points of the square [−1, 1]².
func generate(v interface{ Float64() float64 }, n int) points {
	p := points{make([]float64, n*inputs), make([]float64, n)}
	for i := range p.x {
		p.x[i] = 2*v.Float64() - 1
	}
	for i := range p.y {
		p.y[i] = target(p.x[i*inputs:])
	}
	return p
}

func (p points) Len() int { return len(p.y) }

func (p points) Batch(examples []int) (x, y *tensors.Tensor) {
	var xs, ys []float64
	for _, i := range examples {
		xs = append(xs, p.x[i*inputs:(i+1)*inputs]...)
		ys = append(ys, p.y[i])
	}
	return tensors.FromFlatDataAndDimensions(xs, len(examples), inputs), tensors.FromFlatDataAndDimensions(ys, len(examples), 1)
}

const reluPrefix = "relu-"

// Nets are the networks that [Config.Nets] can name: the layer, and ReLU networks
// by their number of hidden units. relu- takes any number.
func Nets() []string { return []string{"optnet", "relu-4", "relu-16", "relu-64"} }

// hidden is the number of units that a name says, 0 for the layer.
func hidden(net string) (units int, ok bool) {
	if net == "optnet" {
		return 0, true
	}
	s, ok := strings.CutPrefix(net, reluPrefix)
	n, err := strconv.Atoi(s)
	return n, ok && err == nil && n >= 1 && n <= 10000
}

// wantNet is for [lab.Config.Check].
func wantNet(net string) string {
	if _, ok := hidden(net); ok {
		return ""
	}
	return "optnet, or relu- and a number of hidden units up to 10000: relu-16 for example"
}

func build(net string, c *Config, qps *gomlx.Counter) func(*lab.Vars) lab.Net {
	return func(v *lab.Vars) lab.Net {
		mse := func(z, y *graph.Node) *graph.Node { return graph.ReduceMean(graph.Square(graph.Sub(z, y)), 1) }
		n := lab.Net{Loss: mse, MSE: mse}
		var forward func(x *graph.Node) lab.Answer
		if h, _ := hidden(net); h > 0 {
			forward = buildReLU(v, h)
		} else {
			forward = buildOptNet(v, c, qps)
		}
		n.Forward = func(_ *model.Scope, x *graph.Node) lab.Answer { return forward(x) }
		return n
	}
}

// buildOptNet is the scalar function of the paper with its three aᵢ learned:
//
//	z(x) = argmin ½z²   subject to   aᵢᵀx ≤ z
func buildOptNet(v *lab.Vars, c *Config, qps *gomlx.Counter) func(x *graph.Node) lab.Answer {
	exact := *c
	exact.Tolerance = accuracy
	a := v.Normal("a", 1, inputs, len(planes))
	return func(x *graph.Node) lab.Answer {
		g := x.Graph()
		minus := make([][]float64, len(planes))
		for i := range minus {
			minus[i] = []float64{-1}
		}
		return lab.AnswerOf(gomlx.QP(gomlx.Data{
			Diag: graph.Const(g, []float64{1}),
			G:    graph.Const(g, minus),
			H:    graph.Neg(graph.MatMul(x, a.NodeValue(x))),
		}, exact.QP("represent", qps)))
	}
}

// buildReLU is a network of two layers: w₂ᵀ max(W₁x + b₁, 0) + b₂.
func buildReLU(v *lab.Vars, units int) func(x *graph.Node) lab.Answer {
	in, out := 1/math.Sqrt(inputs), 1/math.Sqrt(float64(units))
	w1, b1 := v.Uniform("w1", -in, in, inputs, units), v.Uniform("b1", -in, in, 1, units)
	w2, b2 := v.Uniform("w2", -out, out, units, 1), v.Uniform("b2", -out, out, 1, 1)
	return func(x *graph.Node) lab.Answer {
		h := activation.Relu(graph.Add(graph.MatMul(x, w1.NodeValue(x)), b1.NodeValue(x)))
		return lab.Answer{Z: graph.Add(graph.MatMul(h, w2.NodeValue(x)), b2.NodeValue(x))}
	}
}

const dtype = dtypes.Float64
