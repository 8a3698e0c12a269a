package gomlx_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/dataset"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/metric"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/optnet-go/optnet/gomlx"
)

// net is a network with a QP in the middle, all of whose coefficients are learned: Q =
// LLᵀ + I, G and A are shared, p and the slack of the sides come from the layer before.
func net(opt *gomlx.Options) func(scope *model.Scope, x *graph.Node) (*graph.Node, *graph.Node) {
	const n, m, p = 5, 6, 2
	return func(scope *model.Scope, x *graph.Node) (*graph.Node, *graph.Node) {
		g := x.Graph()
		batch := x.Shape().Dimensions[0]
		v := func(name string, dims ...int) *graph.Node {
			return scope.VariableWithValue(name, wave(len(name), dims...)).NodeValue(g)
		}
		h := graph.Tanh(layers.Dense(scope.In("encoder"), x, true, 8))
		l := v("L", n, n)
		a, rows, z0 := v("A", p, n), v("G", m, n), v("z0", n)
		slack := graph.Exp(layers.Dense(scope.In("slack"), h, true, m))
		s := gomlx.QP(gomlx.Data{
			Q: graph.Add(graph.MatMul(l, graph.Transpose(l, 0, 1)), graph.DiagonalWithValue(graph.Const(g, 1.0), n)),
			P: layers.Dense(scope.In("p"), h, true, n),
			A: a, B: graph.Einsum("ij,j->i", a, z0),
			G: rows, H: graph.Add(slack, graph.BroadcastPrefix(graph.Einsum("ij,j->i", rows, z0), batch)),
			L: graph.Sub(z0, graph.Exp(v("low", n))),
		}, opt)
		out := layers.Dense(scope.In("decoder"), graph.Concatenate([]*graph.Node{s.Z, graph.MulScalar(s.Lambda, 0.1)}, 1), true, 2)
		return out, s.Status
	}
}

// wave returns numbers that look random.
func wave(phase int, dims ...int) *tensors.Tensor {
	size := 1
	for _, d := range dims {
		size *= d
	}
	x := make([]float64, size)
	for i := range x {
		x[i] = math.Sin(float64(i*i+3*i) + float64(phase))
	}
	return tensors.FromFlatDataAndDimensions(x, dims...)
}

func mse(out, y *graph.Node) *graph.Node {
	return graph.ReduceAllMean(graph.Square(graph.Sub(out, y)))
}

// TestModelGradients holds the gradient of every parameter of a network, in front of,
// inside and behind the layer, against finite differences.
func TestModelGradients(t *testing.T) {
	for _, way := range []gomlx.Way{gomlx.Host, gomlx.InGraph} {
		t.Run(fmt.Sprintf("way=%d", way), func(t *testing.T) { testModelGradients(t, way) })
	}
}

func testModelGradients(t *testing.T, way gomlx.Way) {
	if testing.Short() && way == gomlx.InGraph {
		t.Skip("long: TestWays holds this way against the other one")
	}
	store := model.NewStore()
	if err := store.SetRNGStateFromSeed(5); err != nil {
		t.Fatal(err)
	}
	f := net(&gomlx.Options{Way: way, Solver: exact})
	b := backend(t)
	x, y := wave(1, 7, 4), wave(2, 7, 2)
	value := model.MustNewExec(b, store, func(scope *model.Scope, x, y *graph.Node) *graph.Node {
		out, _ := f(scope, x)
		return mse(out, y)
	})
	var vars []*model.Variable
	gradient := model.MustNewExec(b, store, func(scope *model.Scope, x, y *graph.Node) []*graph.Node {
		out, status := f(scope, x)
		vars = nil
		for v := range scope.IterVariables() {
			if v.Trainable {
				vars = append(vars, v)
			}
		}
		return append(scope.BuildTrainableVariablesGradientsGraph(mse(out, y)), status)
	})
	grads := gradient.MustCall(x, y)
	if len(vars) != 13 || len(grads) != len(vars)+1 {
		t.Fatalf("%d variables with %d gradients", len(vars), len(grads)-1)
	}
	for _, s := range tensors.MustCopyFlatData[int32](grads[len(vars)]) {
		if s != 1 {
			t.Fatalf("statuses are %v", grads[len(vars)])
		}
	}
	for k, v := range vars {
		got := flat(grads[k])
		x0 := flat(v.MustValue())
		worst := 0.0
		for i := range x0 {
			if way == gomlx.InGraph && i%4 != k%4 {
				continue // it takes long
			}
			diff := 0.0
			const h = 1e-6
			for _, s := range []float64{h, -h} {
				xi := append([]float64(nil), x0...)
				xi[i] += s
				set(t, v, xi)
				diff += value.MustCall(x, y)[0].Value().(float64) / (2 * s)
			}
			worst = max(worst, math.Abs(diff-got[i]))
		}
		set(t, v, x0)
		if worst > 1e-5 {
			t.Errorf("%s: the gradient is off by %g", v.Path(), worst)
		}
	}
}

func set(t *testing.T, v *model.Variable, x []float64) {
	t.Helper()
	if err := v.SetValue(tensors.FromFlatDataAndDimensions(x, v.Shape().Dimensions...)); err != nil {
		t.Fatal(err)
	}
}

// fit trains net with the stock trainer and loop.
func fit(t *testing.T, b compute.Backend, dir string, steps int, opt *gomlx.Options) (store *model.Store, first, last float64, unsolved any) {
	t.Helper()
	store = model.NewStore()
	if err := store.SetRNGStateFromSeed(5); err != nil {
		t.Fatal(err)
	}
	saved, err := checkpoint.Build(store).Dir(dir).Immediate().Done()
	if err != nil {
		t.Fatal(err)
	}
	data, err := dataset.InMemoryFromData(b, "waves", []any{wave(1, 60, 4)}, []any{wave(2, 60, 2)})
	if err != nil {
		t.Fatal(err)
	}
	trainer := train.NewTrainer(b, store, net(opt), loss.MeanSquaredError,
		optimizer.Adam().LearningRate(0.01).Done(), nil, []metric.Interface{gomlx.NewUnsolvedMetric(1)})
	loop := train.NewLoop(trainer)
	eval := func() []*tensors.Tensor {
		m, err := trainer.Eval(data.Copy().BatchSize(30, true))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	// An evaluation needs the variables, which a step makes.
	if _, err := loop.RunSteps(data.Copy().BatchSize(20, true).Infinite(true), 3); err != nil {
		t.Fatal(err)
	}
	first = eval()[0].Value().(float64)
	if _, err := loop.RunSteps(data.Copy().BatchSize(20, true).Infinite(true), steps-3); err != nil {
		t.Fatal(err)
	}
	m := eval()
	if err := saved.Save(); err != nil {
		t.Fatal(err)
	}
	return store, first, m[0].Value().(float64), m[1].Value()
}

// TestTraining trains, stops, and goes on to where an uninterrupted training comes.
func TestTraining(t *testing.T) {
	b := backend(t)
	var count gomlx.Counter
	whole, first, last, unsolved := fit(t, b, t.TempDir(), 60, &gomlx.Options{Counter: &count})
	if last > 0.95*first {
		t.Errorf("the loss goes from %g to %g", first, last)
	}
	if unsolved != 0.0 {
		t.Errorf("the metric says that %v are unsolved", unsolved)
	}
	if c := count.Counts(); c.Batches != 60+2*2 || c.Elements != 60*20+2*60 || c.Unsolved != 0 || c.Gradients != 60*20 {
		t.Errorf("counts are %+v", c)
	}
	dir := t.TempDir()
	fit(t, b, dir, 30, nil)
	second, _, _, _ := fit(t, b, dir, 30, nil)
	n := 0
	for v := range whole.IterVariables() {
		w := second.GetVariable(v.Path())
		if strings.HasPrefix(v.Path(), "/metrics/") || v.Name() == model.RNGStateVariableName {
			continue
		}
		if w == nil || !v.MustValue().Equal(w.MustValue()) {
			t.Errorf("%s differs after an interruption", v.Path())
		}
		n++
	}
	if n < 39 { // 13 parameters, with two moments each
		t.Errorf("%d variables", n)
	}
}

// Example trains a network that ends in a QP: its outputs are shares, z ≥ 0 with Σ z = 1,
// whatever the weights are.
func Example() {
	shares := func(scope *model.Scope, x *graph.Node) *graph.Node {
		c := func(v any) *graph.Node { return graph.Const(x.Graph(), v) }
		return gomlx.QP(gomlx.Data{
			Diag: c([]float64{4, 4, 4}), P: layers.Dense(scope, x, true, 3), // 2‖z‖² + pᵀz
			A: c([][]float64{{1, 1, 1}}), B: c([]float64{1}), L: c([]float64{0, 0, 0}),
		}, nil).Z
	}
	backend, _ := gomlx.NewBackend("go")
	store := model.NewStore()
	trainer := train.NewTrainer(backend, store, shares, loss.MeanSquaredError, optimizer.Adam().LearningRate(0.02).Done(), nil, nil)

	_ = store.SetRNGStateFromSeed(1)
	data, _ := dataset.InMemoryFromData(backend, "shares", []any{[][]float64{{1, 0}, {0, 1}}}, []any{[][]float64{{0.2, 0.5, 0.3}, {0.6, 0.3, 0.1}}})
	if _, err := train.NewLoop(trainer).RunSteps(data.BatchSize(2, true).Infinite(true), 300); err != nil {
		fmt.Println(err)
	}
	z := model.MustNewExec(backend, store, shares).MustCall([][]float64{{1, 0}, {0, 1}})[0]
	fmt.Printf("%.2f\n", z.Value())
	// Output: [[0.20 0.50 0.30] [0.60 0.30 0.10]]
}

// TestReadme checks that the README shows what Example runs.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(readme), "<!-- begin gomlx -->\n```go\n")
	block, _, ok := strings.Cut(block, "\n```\n<!-- end gomlx -->")
	if !ok {
		t.Fatal("README.md has no block named gomlx")
	}
	if n := strings.Count(block, "\n") + 1; n > 10 {
		t.Errorf("it has %d lines", n)
	}
	source, err := os.ReadFile("train_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, source, _ = bytes.Cut(source, []byte("\nfunc Example() {\n"))
	if !strings.HasPrefix(string(source), "\t"+strings.ReplaceAll(block, "\n", "\n\t")) {
		t.Error("the block named gomlx in README.md is not the beginning of Example")
	}
}
