package gomlx_test

import (
	"fmt"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train"
	"github.com/gomlx/gomlx/ml/train/loss"
	"github.com/gomlx/gomlx/ml/train/optimizer"
	"github.com/optnet-go/optnet/gomlx"
	"github.com/optnet-go/optnet/qp"
)

// BenchmarkForwardBackward is a graph of nothing but a layer, and its gradients with
// respect to all coefficients, each per element.
func BenchmarkForwardBackward(b *testing.B) {
	for _, way := range []gomlx.Way{gomlx.Host, gomlx.InGraph} {
		for _, n := range []int{10, 20, 50} {
			b.Run(fmt.Sprintf("way=%d/n=%d/m=%d/p=%d/batch=128", way, n, n, n/2), func(b *testing.B) {
				a := random(1, 128, n, n/2, n, func(string) bool { return false })
				for _, f := range []string{"HL", "L", "U"} {
					delete(a, f)
				}
				opt := &gomlx.Options{Way: way}
				if way == gomlx.Host {
					opt.Solver.Engine = engine(b)
				}
				e, args := compile(b, a, opt, func(d gomlx.Data, s *gomlx.Solution) []*graph.Node {
					l := graph.ReduceAllSum(graph.Square(s.Z))
					return append(graph.Gradient(l, d.Q, d.P, d.A, d.B, d.G, d.H), s.Unsolved())
				})
				step := func() {
					out := e.MustCall(args...)
					if out[6].Value() != 0.0 {
						b.Fatalf("%v of the batch is unsolved", out[6])
					}
					for _, x := range out {
						x.MustFinalizeAll()
					}
				}
				step() // compiles
				b.ReportAllocs()
				for b.Loop() {
					step()
				}
			})
		}
	}
}

// BenchmarkStep is a step of training of a net x → 256 → 20 → 20 → y at batch 64, with a
// QP between the last two layers, n = m = 20, p = 10, and without it. On the host,
// solve-ms is what the solver takes, and other-ms the rest of the step: that of the
// framework, which is to be compared with the step of the net without the QP.
func BenchmarkStep(b *testing.B) {
	for _, dtype := range []dtypes.DType{dtypes.Float64, dtypes.Float32} {
		for _, way := range []string{"none", "host", "graph"} {
			b.Run("dtype="+dtype.String()+"/qp="+way, func(b *testing.B) { benchmarkStep(b, way, dtype) })
		}
	}
}

func benchmarkStep(b *testing.B, way string, dtype dtypes.DType) {
	const batch, in, hidden, n, m, p = 64, 64, 256, 20, 20, 10
	convert := func(x *tensors.Tensor) *tensors.Tensor {
		if dtype == dtypes.Float64 {
			return x
		}
		flat := tensors.MustCopyFlatData[float64](x)
		y := make([]float32, len(flat))
		for i, v := range flat {
			y[i] = float32(v)
		}
		return tensors.FromFlatDataAndDimensions(y, x.Shape().Dimensions...)
	}
	var count gomlx.Counter
	opt := &gomlx.Options{Way: gomlx.InGraph}
	if way == "host" {
		opt = &gomlx.Options{Counter: &count, Solver: qp.Options{Engine: engine(b)}}
	}
	net := func(scope *model.Scope, x *graph.Node) *graph.Node {
		v := func(name string, dims ...int) *graph.Node {
			return scope.VariableWithValue(name, convert(wave(len(name), dims...))).NodeValue(x)
		}
		h := graph.Tanh(layers.Dense(scope.In("hidden"), x, true, hidden))
		z := layers.Dense(scope.In("p"), h, true, n)
		if way != "none" {
			a, g, z0 := v("A", p, n), v("G", m, n), v("z0", n)
			z = gomlx.QP(gomlx.Data{
				Diag: v("Q", n), P: z, A: a, B: graph.Einsum("ij,j->i", a, z0),
				G: g, H: graph.AddScalar(graph.Einsum("ij,j->i", g, z0), 1),
			}, opt).Z
		}
		return layers.Dense(scope.In("out"), z, true, 1)
	}
	backend := backend(b)
	store := model.NewStore()
	trainer := train.NewTrainer(backend, store, func(scope *model.Scope, x *graph.Node) *graph.Node {
		scope.VariableWithValue("Q", convert(tensors.FromFlatDataAndDimensions(repeat(1, n), n)))
		return net(scope, x)
	}, loss.MeanSquaredError, optimizer.Adam().LearningRate(1e-4).Done(), nil, nil)
	x, y := convert(wave(1, batch, in)), convert(wave(2, batch, 1))
	step := func() {
		// A step takes its batch over.
		bx, err := x.LocalClone()
		if err != nil {
			b.Fatal(err)
		}
		by, err := y.LocalClone()
		if err != nil {
			b.Fatal(err)
		}
		metrics, err := trainer.TrainStep(train.Batch{Inputs: []*tensors.Tensor{bx}, Labels: []*tensors.Tensor{by}})
		if err != nil {
			b.Fatal(err)
		}
		for _, m := range metrics {
			m.MustFinalizeAll()
		}
	}
	for range 3 {
		step()
	}
	count.Reset()
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
	if c := count.Counts(); c.Batches > 0 {
		if c.Unsolved > 0 {
			b.Fatalf("%d of %d are unsolved", c.Unsolved, c.Elements)
		}
		solve := (c.Solve + c.Derive).Seconds() / float64(b.N)
		b.ReportMetric(solve*1e3, "solve-ms")
		b.ReportMetric((b.Elapsed().Seconds()/float64(b.N)-solve)*1e3, "other-ms")
	}
}

func repeat(v float64, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = v
	}
	return x
}
