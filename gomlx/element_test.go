package gomlx_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/optnet-go/optnet/gomlx"
	"github.com/optnet-go/optnet/qp"
)

// bad makes elements of a batch that cannot be solved, each in its way.
var bad = map[qp.Status]func(a map[string]array, k int){
	qp.PrimalInfeasible: func(a map[string]array, k int) { // the first row says the opposite of itself
		a["HL"].flat[k*4] = a["H"].flat[k*4] + 1
	},
	qp.InvalidInput: func(a map[string]array, k int) { a["P"].flat[k*6] = math.NaN() },
}

// TestUnsolved has elements without a solution between others: those are the same to
// the last bit as in a batch of good ones, and the bad ones have no gradient.
func TestUnsolved(t *testing.T) {
	const batch, n, m = 5, 6, 4
	shared := func(f string) bool { return f == "A" || f == "B" || f == "Q" }
	good := random(3, batch, n, 2, m, shared)
	data := make(map[string]array)
	for f, x := range good {
		data[f] = array{slices.Clone(x.flat), x.dims}
	}
	want := []qp.Status{qp.Solved, qp.PrimalInfeasible, qp.Solved, qp.InvalidInput, qp.Solved}
	for k, s := range want {
		if f := bad[s]; f != nil {
			f(data, k)
		}
	}
	var count gomlx.Counter
	var reports []string
	opt := &gomlx.Options{Name: "test", Counter: &count, Report: func(r *gomlx.Report) {
		reports = append(reports, fmt.Sprintf("%s %d %d", r.Layer, len(r.Info), len(r.Certs)))
	}}
	// The gradients of Q and B are sums over the batch. w leaves the bad elements out of
	// the batch of good ones.
	build := func(w []float64) func(gomlx.Data, *gomlx.Solution) []*graph.Node {
		return func(d gomlx.Data, s *gomlx.Solution) []*graph.Node {
			loss := graph.ReduceAllSum(graph.Mul(graph.ReduceSum(graph.Square(s.Z), 1), graph.Const(s.Z.Graph(), w)))
			return append(graph.Gradient(loss, d.P, d.Q, d.B), s.Z, s.Status, s.Solved(), s.Unsolved())
		}
	}
	got := run(t, data, opt, build([]float64{1, 1, 1, 1, 1}))
	ref := run(t, good, nil, build([]float64{1, 0, 1, 0, 1}))
	for k, s := range want {
		p, z := flat(got[0])[k*n:(k+1)*n], flat(got[3])[k*n:(k+1)*n]
		if s == qp.Solved {
			if !slices.Equal(z, flat(ref[3])[k*n:(k+1)*n]) || !slices.Equal(p, flat(ref[0])[k*n:(k+1)*n]) {
				t.Errorf("element %d is not what it is among good ones", k)
			}
		} else if slices.ContainsFunc(p, func(v float64) bool { return v != 0 }) {
			t.Errorf("element %d, %v, has the gradient %v", k, s, p)
		}
		for _, v := range z {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("element %d, %v, is %v", k, s, z)
			}
		}
		if v := got[4].Value().([]int32)[k]; qp.Status(v) != s {
			t.Errorf("element %d is %v, want %v", k, qp.Status(v), s)
		}
		if v := got[5].Value().([]bool)[k]; v != (s == qp.Solved) {
			t.Errorf("element %d: solved is %v", k, v)
		}
	}
	for i, name := range []string{1: "Q", 2: "B"} {
		if name != "" && !slices.Equal(flat(got[i]), flat(ref[i])) {
			t.Errorf("the gradient of %s, summed over the batch, has something of a bad element: %v, want %v", name, got[i], ref[i])
		}
	}
	if v := got[6].Value(); v != 0.4 {
		t.Errorf("the part without a solution is %v", v)
	}
	c := count.Reset()
	if c.Batches != 1 || c.Elements != 5 || c.Unsolved != 2 || c.Status[qp.Solved] != 3 || c.Status[qp.InvalidInput] != 1 ||
		c.Gradients != 5 || c.Zeroed != 2 || c.Iterations < 9 || c.Solve <= 0 || c.Derive <= 0 {
		t.Errorf("counts are %+v", c)
	}
	if c := count.Counts(); c.Batches != 0 || len(c.Status) != 0 {
		t.Errorf("after Reset counts are %+v", c)
	}
	if w := []string{"test 5 0", "test 5 5"}; !slices.Equal(reports, w) {
		t.Errorf("reports are %v, want %v", reports, w)
	}
}

// TestFloat32 has a net in float32: the layer computes in float64, and its answers and
// gradients are those, rounded.
func TestFloat32(t *testing.T) {
	a := random(5, 4, 6, 2, 4, func(f string) bool { return f == "Q" || f == "G" || f == "HL" || f == "H" })
	for _, x := range a { // values that float32 has
		for i, v := range x.flat {
			x.flat[i] = float64(float32(v))
		}
	}
	// The same for both: B and the sides fit z only about, which matters to neither.
	var out [2][]*tensors.Tensor
	for i, dtype := range []dtypes.DType{dtypes.Float64, dtypes.Float32} {
		var args []any
		var names []string
		for _, f := range fields {
			if x, ok := a[f]; ok {
				names = append(names, f)
				args = append(args, tensors.FromFlatDataAndDimensions(x.flat, x.dims...))
			}
		}
		e := graph.MustNewExec(backend(t), func(in []*graph.Node) []*graph.Node {
			var d gomlx.Data
			for i, f := range names {
				in[i] = graph.ConvertDType(in[i], dtype)
				*field(&d, f) = in[i]
			}
			s := gomlx.QP(d, nil)
			loss := graph.Add(graph.ReduceAllSum(graph.Square(s.Z)), graph.ReduceAllSum(s.Lambda))
			res := append([]*graph.Node{s.Z, s.Nu, s.Lambda, s.Mu, s.Value}, graph.Gradient(loss, in...)...)
			for i, x := range res {
				if x.DType() != dtype {
					t.Errorf("result %d is %s", i, x.DType())
				}
				res[i] = graph.ConvertDType(x, dtypes.Float64)
			}
			return res
		})
		out[i] = e.MustCall(args...)
	}
	for i := range out[0] {
		x, y := flat(out[0][i]), flat(out[1][i])
		for j := range x {
			if math.Abs(x[j]-y[j]) > 1e-5*(1+math.Abs(x[j])) {
				t.Errorf("result %d[%d] is %g in float32, %g in float64", i, j, y[j], x[j])
			}
		}
	}
}

// TestConstants has a layer whose constraints are constants of the graph, which the
// solver keeps from one execution to the next, and one that gets them as inputs.
func TestConstants(t *testing.T) {
	a := random(11, 3, 6, 2, 4, func(f string) bool { return f != "P" })
	b := backend(t)
	e := graph.MustNewExec(b, func(p *graph.Node) []*graph.Node {
		d := gomlx.Data{P: p}
		for _, f := range fields {
			if x, ok := a[f]; ok && f != "P" {
				c := graph.ConstTensor(p.Graph(), tensors.FromFlatDataAndDimensions(x.flat, x.dims...))
				*field(&d, f) = c
			}
		}
		s := gomlx.QP(d, nil)
		return []*graph.Node{s.Z, graph.Gradient(graph.ReduceAllSum(graph.Square(s.Z)), p)[0]}
	})
	for range 3 {
		want := run(t, a, nil, func(d gomlx.Data, s *gomlx.Solution) []*graph.Node {
			return []*graph.Node{s.Z, graph.Gradient(graph.ReduceAllSum(graph.Square(s.Z)), d.P)[0]}
		})
		got := e.MustCall(tensors.FromFlatDataAndDimensions(a["P"].flat, a["P"].dims...))
		for i := range want {
			if !want[i].Equal(got[i]) {
				t.Errorf("result %d is %v with constants, %v with inputs", i, got[i], want[i])
			}
		}
		for i := range a["P"].flat {
			a["P"].flat[i] += 0.1
		}
	}
}

// TestSeveral has a layer behind a layer, and one in parallel.
func TestSeveral(t *testing.T) {
	a := random(13, 3, 6, 2, 4, func(f string) bool { return f != "P" })
	opt := &gomlx.Options{Solver: exact}
	f := func(d gomlx.Data, s *gomlx.Solution) *graph.Node {
		d.P = graph.Neg(s.Z)
		second := gomlx.QP(d, opt)
		d.P = graph.Sin(s.Nu)
		d.P = graph.Concatenate([]*graph.Node{d.P, d.P, d.P}, 1)
		third := gomlx.QP(d, opt)
		return graph.ReduceAllSum(graph.Mul(second.Z, graph.Add(third.Z, s.Z)))
	}
	e, args := compile(t, a, opt, func(d gomlx.Data, s *gomlx.Solution) []*graph.Node {
		l := f(d, s)
		return []*graph.Node{l, graph.Gradient(l, d.P)[0]}
	})
	k := slices.Index(fields, "P") - 1 // there is no Diag
	got := flat(e.MustCall(args...)[1])
	p := a["P"]
	for i := range p.flat {
		diff := 0.0
		for _, h := range []float64{1e-6, -1e-6} {
			x := slices.Clone(p.flat)
			x[i] += h
			args[k] = tensors.FromFlatDataAndDimensions(x, p.dims...)
			diff += e.MustCall(args...)[0].Value().(float64) / (2 * h)
		}
		if math.Abs(diff-got[i]) > 1e-5*(1+math.Abs(diff)) {
			t.Errorf("dP[%d] is %g, want %g", i, got[i], diff)
		}
	}
}

// TestContext ends a training.
func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	a := random(1, 2, 6, 2, 4, func(string) bool { return false })
	e, args := compile(t, a, &gomlx.Options{Context: ctx}, func(_ gomlx.Data, s *gomlx.Solution) []*graph.Node {
		return []*graph.Node{s.Z}
	})
	if _, err := e.Call(args...); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("interrupted")
	cancel(cause)
	if _, err := e.Call(args...); !errors.Is(err, cause) {
		t.Errorf("the error is %v, want one that wraps the cause", err)
	}
}

// TestMistakes looks at what is said about data that do not fit.
func TestMistakes(t *testing.T) {
	b := backend(t)
	bare, err := compute.NewWithConfig("go:ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	c := func(g *graph.Graph, dims ...int) *graph.Node {
		return graph.BroadcastToDims(graph.Const(g, 1.0), dims...)
	}
	for name, x := range map[string]struct {
		data func(g *graph.Graph) gomlx.Data
		opt  *gomlx.Options
		want string
	}{
		"nothing":        {func(g *graph.Graph) gomlx.Data { return gomlx.Data{} }, nil, "no coefficient"},
		"sizes":          {func(g *graph.Graph) gomlx.Data { return gomlx.Data{P: c(g, 3), G: c(g, 2, 4), H: c(g, 2)} }, nil, "n = 3"},
		"rows":           {func(g *graph.Graph) gomlx.Data { return gomlx.Data{P: c(g, 3), G: c(g, 2, 3), H: c(g, 5)} }, nil, "m = 2"},
		"batches":        {func(g *graph.Graph) gomlx.Data { return gomlx.Data{P: c(g, 7, 3), L: c(g, 8, 3)} }, nil, "batch of 8"},
		"axes":           {func(g *graph.Graph) gomlx.Data { return gomlx.Data{P: c(g, 3), Q: c(g, 3)} }, nil, "want 2 axes"},
		"no sides":       {func(g *graph.Graph) gomlx.Data { return gomlx.Data{P: c(g, 3), G: c(g, 2, 3)} }, nil, "no side of G"},
		"no rows":        {func(g *graph.Graph) gomlx.Data { return gomlx.Data{P: c(g, 3), H: c(g, 2)} }, nil, "no G"},
		"A without B":    {func(g *graph.Graph) gomlx.Data { return gomlx.Data{P: c(g, 3), A: c(g, 2, 3)} }, nil, "belong together"},
		"two quadratics": {func(g *graph.Graph) gomlx.Data { return gomlx.Data{Q: c(g, 3, 3), Diag: c(g, 3)} }, nil, "both Q and Diag"},
		"integers": {func(g *graph.Graph) gomlx.Data {
			return gomlx.Data{P: graph.Const(g, []int32{1, 2})}
		}, nil, "float64 or float32"},
		"types": {func(g *graph.Graph) gomlx.Data {
			return gomlx.Data{P: c(g, 3), L: graph.ConvertDType(c(g, 3), dtypes.Float32)}
		}, nil, "one type"},
		"options": {func(g *graph.Graph) gomlx.Data { return gomlx.Data{P: c(g, 3)} }, &gomlx.Options{Solver: qp.Options{MaxIter: -1}}, "MaxIter"},
		"way":     {func(g *graph.Graph) gomlx.Data { return gomlx.Data{P: c(g, 3)} }, &gomlx.Options{Way: 9}, "Way"},
	} {
		ex := graph.MustNewExec(b, func(g *graph.Graph) *graph.Node { return gomlx.QP(x.data(g), x.opt).Z })
		if _, err := ex.Call(); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: the error is %v, want one with %q", name, err, x.want)
		}
	}
	ex := graph.MustNewExec(bare, func(g *graph.Graph) *graph.Node {
		return gomlx.QP(gomlx.Data{P: c(g, 3), Diag: c(g, 3)}, &gomlx.Options{Way: gomlx.Host}).Z
	})
	if _, err := ex.Call(); err == nil || !strings.Contains(err.Error(), "Wrap") {
		t.Errorf("on a bare backend the error is %v", err)
	}
}
