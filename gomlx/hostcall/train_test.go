package hostcall

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/dataset"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/layers/norm"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/checkpoint"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/metric"
	"github.com/gomlx/gomlx/ml/train/optimizer"
)

// double is 2x, which is the same to the last bit wherever it is computed.
type double struct{}

func (double) Forward(out, in []Tensor, keep bool) error { return double{}.Backward(out, in) }

func (double) Backward(out, in []Tensor) error {
	y := Flat[float32](out[0])
	for i, v := range Flat[float32](in[0]) {
		y[i] = 2 * v
	}
	return nil
}

func callDouble(x *graph.Node) *graph.Node {
	return Call("double", func() Op { return double{} }, []shapes.Shape{x.Shape()}, x)[0]
}

// training is a stock training: dropout, normalization, Adam, metrics.
type training struct {
	store   *model.Store
	trainer *train.Trainer
	loop    *train.Loop
	data    train.Dataset
	saved   *checkpoint.Handler
}

// newTraining goes on from what was saved in dir, if there is something, and if dir is
// not empty.
func newTraining(t *testing.T, double func(*graph.Node) *graph.Node, dir string) *training {
	t.Helper()
	b := testBackend(t)
	n, in, out := 96, 5, 2
	x, y := make([]float32, n*in), make([]float32, n*out)
	for i := range x {
		x[i] = float32((i*7919)%101)/50 - 1
	}
	for i := range y {
		y[i] = x[i*in/out]*x[(i*in/out+1)%len(x)] + 0.3
	}
	data, err := dataset.InMemoryFromData(b, "data", []any{tensors.FromFlatDataAndDimensions(x, n, in)}, []any{tensors.FromFlatDataAndDimensions(y, n, out)})
	if err != nil {
		t.Fatal(err)
	}
	data.BatchSize(16, true).Infinite(true)
	store := model.NewStore()
	var saved *checkpoint.Handler
	resumed := false
	if dir != "" {
		if saved, err = checkpoint.Build(store).Dir(dir).Immediate().Done(); err != nil {
			t.Fatal(err)
		}
		if resumed, err = saved.HasCheckpoints(); err != nil {
			t.Fatal(err)
		}
	}
	if !resumed {
		if err := store.SetRNGStateFromSeed(3); err != nil {
			t.Fatal(err)
		}
	} else {
		// GoMLX v0.28.1 takes what it loads for trainable, and Adam would move the state
		// of the random numbers.
		store.GetVariable("/" + model.RNGStateVariableName).SetTrainable(false)
	}
	net := func(scope *model.Scope, x *graph.Node) *graph.Node {
		h := graph.Tanh(layers.Dense(scope.In("hidden"), x, true, 12))
		h = layers.Dropout(scope.In("drop"), double(h), graph.Const(x.Graph(), float32(0.3)))
		h = norm.LayerNorm(scope.In("norm"), h, -1).Done()
		return double(layers.Dense(scope.In("out"), h, true, out))
	}
	trainer := train.NewTrainer(b, store, net, loss.MeanSquaredError, optimizer.Adam().LearningRate(0.01).Done(),
		[]metric.Interface{metric.NewExponentialMovingAverageMetric("error", "e", "error", func(_ *model.Scope, labels, predictions []*graph.Node) *graph.Node {
			return graph.ReduceAllMean(graph.Abs(graph.Sub(labels[0], predictions[0])))
		}, nil, 0.1)}, nil)
	return &training{store, trainer, train.NewLoop(trainer), data, saved}
}

func (tr *training) run(t *testing.T, steps int) []any {
	t.Helper()
	metrics, err := tr.loop.RunSteps(tr.data, steps)
	if err != nil {
		t.Fatal(err)
	}
	var m []any
	for _, x := range metrics {
		m = append(m, x.Value())
	}
	return m
}

// same compares all variables, to the last bit: weights, moments of Adam, moving
// averages, the state of the random numbers.
func same(t *testing.T, a, b *model.Store) {
	t.Helper()
	n := 0
	for v := range a.IterVariables() {
		if strings.HasPrefix(v.Path(), "/metrics/") { // their names are random
			continue
		}
		w := b.GetVariable(v.Path())
		if w == nil {
			t.Errorf("%s is missing", v.Path())
			continue
		}
		if x, y := v.MustValue(), w.MustValue(); !x.Equal(y) {
			t.Errorf("%s is %v, and %v", v.Path(), x, y)
		}
		n++
	}
	if n < 15 {
		t.Errorf("only %d variables", n)
	}
}

// TestTraining trains with the stock trainer and loop, with host calls and without:
// random numbers, masks, metrics and parameters are the same to the last bit, and so is
// an evaluation.
func TestTraining(t *testing.T) {
	host := newTraining(t, callDouble, "")
	plain := newTraining(t, func(x *graph.Node) *graph.Node { return graph.MulScalar(x, 2) }, "")
	a, b := host.run(t, 20), plain.run(t, 20)
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("metrics %v, and %v without host calls", a, b)
	}
	same(t, host.store, plain.store)
	batch := func() train.Batch {
		return train.Batch{
			Inputs: []*tensors.Tensor{tensors.FromValue([][]float32{{1, 2, 3, 4, 5}, {0, 1, 0, 1, 0}})},
			Labels: []*tensors.Tensor{tensors.FromValue([][]float32{{1, 2}, {3, 4}})},
		}
	}
	x, err := host.trainer.EvalStep(batch())
	if err != nil {
		t.Fatal(err)
	}
	y, err := plain.trainer.EvalStep(batch())
	if err != nil {
		t.Fatal(err)
	}
	if !x[0].Equal(y[0]) {
		t.Errorf("evaluation gives %v, and %v without host calls", x[0], y[0])
	}
}

// TestCheckpoint stops a training and goes on in another process, as it were.
func TestCheckpoint(t *testing.T) {
	whole := newTraining(t, callDouble, "")
	whole.run(t, 12)
	dir := t.TempDir()
	first := newTraining(t, callDouble, dir)
	first.run(t, 6) // an epoch
	if err := first.saved.Save(); err != nil {
		t.Fatal(err)
	}
	second := newTraining(t, callDouble, dir)
	second.run(t, 6)
	same(t, whole.store, second.store)
}
