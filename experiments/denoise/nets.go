package denoise

import (
	"fmt"
	"math"
	"strings"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers/activation"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/gomlx"
	"gonum.org/v1/gonum/mat"
)

// The networks of the paper. Both of OptNet are total-variation denoising
//
//	z(x) = argmin ½‖z − x‖² + λ‖Dz‖₁
//
// written as a quadratic program in (z, t), |Dz| ≤ t:
//
//	minimize ½‖z‖² − xᵀz + λ1ᵀt   subject to   [D −I; −D −I] (z, t) ≤ 0
//
// with the cost matrix LLᵀ + 1e-4 I, L = chol(diag(1, 1e-8)).
const (
	steps     = Length - 1     // of a signal: rows of D
	variables = Length + steps // z and t
	rows      = 2 * steps
	epsilon   = 1e-4 // on the diagonal of the cost
	tiny      = 1e-8 // the cost of t before that
)

// network is what the experiment trains.
type network struct {
	about  string
	dtype  dtypes.DType
	lr     float64
	epochs int
	decay  bool
	build  func(v *lab.Vars, c *Config, qps *gomlx.Counter) lab.Net
}

var networks = map[string]network{
	"fc":      {"100-1000-100 with ReLU", dtypes.Float32, 1e-3, 200, true, buildFC},
	"learn-d": {"OptNet, D learned from nothing", dtypes.Float64, 1e-2, 50, false, buildLearnD},
	"tuned":   {"OptNet, all learned from the TV solution on", dtypes.Float64, 2e-4, 50, true, buildTuned},
}

// Nets are the networks that [Config.Nets] can name.
func Nets() []string { return []string{"fc", "learn-d", "tuned"} }

// meanSquare is the mean squared error of each signal.
func meanSquare(z, y *graph.Node) *graph.Node {
	return graph.ReduceMean(graph.Square(graph.Sub(z, y)), 1)
}

const hidden = 1000

func buildFC(v *lab.Vars, _ *Config, _ *gomlx.Counter) lab.Net {
	in, out := 1/math.Sqrt(Length), 1/math.Sqrt(hidden)
	w1, b1 := v.Uniform("w1", -in, in, Length, hidden), v.Uniform("b1", -in, in, 1, hidden)
	w2, b2 := v.Uniform("w2", -out, out, hidden, Length), v.Uniform("b2", -out, out, 1, Length)
	return lab.Net{
		Forward: func(_ *model.Scope, x *graph.Node) lab.Answer {
			return lab.Answer{Z: affine(activation.Relu(affine(x, w1, b1)), w2, b2)}
		},
		Loss: meanSquare,
		MSE:  meanSquare,
	}
}

func affine(x *graph.Node, w, b *model.Variable) *graph.Node {
	return graph.Add(graph.MatMul(x, w.NodeValue(x)), b.NodeValue(x))
}

// solve is the layer: the first part of the solution of
//
//	minimize ½zᵀQz + pᵀz   subject to   Gz ≤ h
func solve(qps *gomlx.Counter, c *Config, q, p, g, h *graph.Node) lab.Answer {
	x := gomlx.QP(gomlx.Data{Q: q, P: p, G: g, H: h}, c.QP("denoise", qps))
	return lab.Answer{Z: graph.Slice(x.Z, graph.AxisRange(), graph.AxisRange(0, Length)), Status: x.Status}
}

// buildLearnD learns D alone, with the paper's λ = 13 and a penalty that makes
// it sparse: the loss is MSE + 0.1 ‖D‖₁.
func buildLearnD(v *lab.Vars, c *Config, qps *gomlx.Counter) lab.Net {
	const lambda, penalty, spread = 13, 0.1, 0.3
	d := v.Normal("D", spread, steps, Length)
	l := startL()
	cost := make([]float64, variables*variables)
	for i := range variables {
		x := l[i*variables+i]
		cost[i*variables+i] = x*x + epsilon
	}
	return lab.Net{
		Forward: func(_ *model.Scope, x *graph.Node) lab.Answer {
			g := x.Graph()
			batch := x.Shape().Dimensions[0]
			t := graph.BroadcastToDims(graph.Const(g, float64(lambda)), batch, steps)
			minus := graph.Neg(graph.Const(g, matrix(identity(steps), steps)))
			top := graph.Concatenate([]*graph.Node{d.NodeValue(x), minus}, 1)
			bottom := graph.Concatenate([]*graph.Node{graph.Neg(d.NodeValue(x)), minus}, 1)
			return solve(qps, c,
				graph.Const(g, matrix(cost, variables)),
				graph.Concatenate([]*graph.Node{graph.Neg(x), t}, 1),
				graph.Concatenate([]*graph.Node{top, bottom}, 0),
				graph.Const(g, make([]float64, rows)))
		},
		Loss: meanSquare,
		Penalty: func(g *graph.Graph) *graph.Node {
			return graph.MulScalar(graph.ReduceAllSum(graph.Abs(d.NodeValue(g))), penalty)
		},
		MSE: meanSquare,
	}
}

// buildTuned learns everything, from total-variation denoising on:
//
//	p = Wx + b    Q = LLᵀ + εI, L lower triangular    h = Gz₀ + s₀
func buildTuned(v *lab.Vars, c *Config, qps *gomlx.Counter) lab.Net {
	const lambda, spread, tinySpread, ridge = 21.21, 1e-3, 1e-6, 1e-5
	w := make([]float64, Length*variables)
	for i := range w {
		w[i] = spread * v.Rand.NormFloat64()
	}
	b := make([]float64, variables)
	for j := range variables {
		if j < Length {
			w[j*variables+j]--
		} else {
			b[j] = lambda
		}
	}
	g := startG()
	s0 := make([]float64, rows)
	for i := range s0 {
		s0[i] = 1 + tinySpread*v.Rand.NormFloat64()
	}
	z0 := startZ0(g, s0, ridge)
	for i := range z0 {
		z0[i] += tinySpread * v.Rand.NormFloat64()
	}
	wv, bv := v.Values("W", w, Length, variables), v.Values("b", b, 1, variables)
	lv, gv := v.Values("L", startL(), variables, variables), v.Values("G", g, rows, variables)
	zv, sv := v.Values("z0", z0, variables), v.Values("s0", s0, rows)
	return lab.Net{
		Forward: func(_ *model.Scope, x *graph.Node) lab.Answer {
			l := graph.TakeLowerTriangular(lv.NodeValue(x), 0)
			eye := graph.MulScalar(graph.Const(x.Graph(), matrix(identity(variables), variables)), epsilon)
			q := graph.Add(graph.MatMul(l, graph.Transpose(l, 0, 1)), eye)
			g := gv.NodeValue(x)
			h := graph.Add(graph.MatMul(g, graph.Reshape(zv.NodeValue(x), variables, 1)), graph.Reshape(sv.NodeValue(x), rows, 1))
			return solve(qps, c, q, affine(x, wv, bv), g, graph.Reshape(h, rows))
		},
		Loss: meanSquare,
		MSE:  meanSquare,
	}
}

// startL is chol(diag(1, ..., 1, 1e-8, ..., 1e-8)).
func startL() []float64 {
	l := identity(variables)
	for i := Length; i < variables; i++ {
		l[i*variables+i] = math.Sqrt(tiny)
	}
	return l
}

// startG is [D −I; −D −I] with the differences of neighbours as D.
func startG() []float64 {
	g := make([]float64, rows*variables)
	for i := range steps {
		top, bottom := g[i*variables:], g[(steps+i)*variables:]
		top[i], top[i+1], top[Length+i] = 1, -1, -1
		bottom[i], bottom[i+1], bottom[Length+i] = -1, 1, -1
	}
	return g
}

// startZ0 is −(GᵀG + ridge·I)⁻¹Gᵀs₀, so that h = Gz₀ + s₀ is nearly 0.
func startZ0(g, s0 []float64, ridge float64) []float64 {
	gm := mat.NewDense(rows, variables, g)
	var gram mat.SymDense
	gram.SymOuterK(1, gm.T())
	for i := range variables {
		gram.SetSym(i, i, gram.At(i, i)+ridge)
	}
	var rhs, z mat.VecDense
	rhs.MulVec(gm.T(), mat.NewVecDense(rows, s0))
	rhs.ScaleVec(-1, &rhs)
	var chol mat.Cholesky
	if !chol.Factorize(&gram) {
		panic("denoise: GᵀG + ridge·I is not positive definite")
	}
	if err := chol.SolveVecTo(&z, &rhs); err != nil {
		panic(err)
	}
	return z.RawVector().Data
}

func identity(n int) []float64 {
	x := make([]float64, n*n)
	for i := range n {
		x[i*n+i] = 1
	}
	return x
}

// matrix cuts a square matrix into rows, as constants of a graph are given.
func matrix(x []float64, n int) [][]float64 {
	m := make([][]float64, n)
	for i := range m {
		m[i] = x[i*n : (i+1)*n]
	}
	return m
}

// Epochs says how many epochs each network is trained for, unless told.
func Epochs() string { return perNet(func(n network) any { return n.epochs }) }

// LearningRates says what each network's learning rate is, unless told.
func LearningRates() string { return perNet(func(n network) any { return n.lr }) }

func perNet(of func(network) any) string {
	var parts []string
	for _, name := range Nets() {
		parts = append(parts, fmt.Sprintf("%v for %s", of(networks[name]), name))
	}
	return strings.Join(parts, ", ")
}
