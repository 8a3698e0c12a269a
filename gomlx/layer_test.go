package gomlx_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/gomlx"
	"github.com/optnet-go/optnet/layer"
	"github.com/optnet-go/optnet/qp"
)

// portfolio is a model with a matrix, a vector and a number as parameters, in the form
// of a QP or of a cone program.
func portfolio(t *testing.T, form layer.Form) *layer.Layer {
	t.Helper()
	const n, k = 4, 6
	m := cvx.NewModel()
	x := m.Var("x", n)
	f, g, cap := m.Param("F", k, n), m.Param("g", k), m.Param("cap")
	m.Minimize(cvx.Add(cvx.SumSquares(cvx.Sub(cvx.Mul(f, x), g)), cvx.SumSquares(x)))
	m.SubjectTo(cvx.Geq(x, cvx.Const(0)), cvx.Leq(cvx.Sum(x), cap))
	prog, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	l, err := layer.New(prog, nil, nil, &layer.Options{Form: form, EpsAbs: 1e-11, EpsRel: 1e-11})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestLayer holds a compiled model in a graph against finite differences, with shared
// parameters and others.
func TestLayer(t *testing.T) {
	const batch = 3
	for _, form := range []layer.Form{layer.Dense, layer.Cone} {
		t.Run(form.String(), func(t *testing.T) {
			l := portfolio(t, form)
			var count gomlx.Counter
			e := graph.MustNewExec(backend(t), func(f, g, cap *graph.Node) []*graph.Node {
				o := gomlx.Layer(l, []*graph.Node{f, g, cap}, &gomlx.Options{Counter: &count})
				if d := o.Vars[0].Shape().Dimensions; !slices.Equal(d, []int{batch, 4}) {
					t.Errorf("x has the axes %v", d)
				}
				w := graph.Sin(graph.IotaFull(f.Graph(), o.Vars[0].Shape()))
				loss := graph.Add(graph.ReduceAllSum(graph.Mul(w, o.Vars[0])), graph.MulScalar(graph.ReduceAllSum(o.Value), 0.1))
				return append([]*graph.Node{loss, o.Unsolved()}, graph.Gradient(loss, f, g, cap)...)
			})
			in := []*tensors.Tensor{wave(1, 6, 4), wave(2, batch, 6), tensors.FromFlatDataAndDimensions([]float64{0.3, 0.5, 2}, batch)}
			call := func() []*tensors.Tensor { return e.MustCall(in[0], in[1], in[2]) }
			out := call()
			if out[1].Value() != 0.0 {
				t.Fatalf("%v of the batch is unsolved", out[1])
			}
			for k := range in {
				x0, got := flat(in[k]), flat(out[2+k])
				for i := range x0 {
					diff := 0.0
					for _, h := range []float64{1e-5, -1e-5} {
						x := slices.Clone(x0)
						x[i] += h
						in[k] = tensors.FromFlatDataAndDimensions(x, in[k].Shape().Dimensions...)
						diff += call()[0].Value().(float64) / (2 * h)
					}
					in[k] = tensors.FromFlatDataAndDimensions(x0, in[k].Shape().Dimensions...)
					if math.Abs(diff-got[i]) > 1e-5*(1+math.Abs(diff)) {
						t.Errorf("parameter %d, entry %d: the gradient is %g, want %g", k, i, got[i], diff)
					}
				}
			}
			count.Reset()
			x := flat(in[2])
			x[1] = math.NaN()
			in[2] = tensors.FromFlatDataAndDimensions(x, batch)
			out = call()
			if c := count.Counts(); c.Elements != batch || c.Status[qp.InvalidInput] != 1 || c.Unsolved != 1 || c.Zeroed != 1 {
				t.Errorf("counts are %+v", c)
			}
			if d := flat(out[4]); d[1] != 0 || d[0] == 0 {
				t.Errorf("gradients are %v", d)
			}
		})
	}
}

func TestLayerMistakes(t *testing.T) {
	l := portfolio(t, layer.Auto)
	for _, c := range []struct {
		dims [][]int
		opt  *gomlx.Options
		want string
	}{
		{[][]int{{6, 4}, {6}}, nil, "3 parameters, got 2"},
		{[][]int{{4, 6}, {6}, {}}, nil, "parameter F"},
		{[][]int{{6, 4}, {2, 6}, {3}}, nil, "batch of 3"},
		{[][]int{{6, 4}, {6}, {}}, &gomlx.Options{Way: gomlx.InGraph}, "only QP"},
	} {
		e := graph.MustNewExec(backend(t), func(g *graph.Graph) *graph.Node {
			var in []*graph.Node
			for _, d := range c.dims {
				in = append(in, graph.ConstTensor(g, wave(1, d...)))
			}
			return gomlx.Layer(l, in, c.opt).Value
		})
		if _, err := e.Call(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: the error is %v, want one with %q", c.dims, err, c.want)
		}
	}
}

// ExampleLayer is nonnegative least squares as a layer, for two right-hand sides.
func ExampleLayer() {
	m := cvx.NewModel()
	x, f, b := m.Var("x", 2), m.Param("F", 2, 2), m.Param("b", 2)
	m.Minimize(cvx.SumSquares(cvx.Sub(cvx.Mul(f, x), b)))
	m.SubjectTo(cvx.Geq(x, cvx.Const(0)))
	prog, _ := m.Compile()
	l, _ := layer.New(prog, nil, nil, nil)
	backend, _ := gomlx.NewBackend("go")
	nnls := graph.MustNewExec(backend, func(f, b *graph.Node) *graph.Node {
		return gomlx.Layer(l, []*graph.Node{f, b}, nil).Vars[0]
	})
	fmt.Printf("%.2f\n", nnls.MustCall([][]float64{{2, 0}, {0, 1}}, [][]float64{{1, 3}, {4, -1}})[0].Value())
	// Output: [[0.50 3.00] [2.00 0.00]]
}
