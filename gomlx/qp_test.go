package gomlx_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/optnet-go/optnet/cuda"
	"github.com/optnet-go/optnet/gomlx"
	"github.com/optnet-go/optnet/qp"
)

// config is GoMLX's configuration of the backend to test on, such as
// xla:/path/to/plugin.so,tf32=false in a test binary built with the tag xla.
var config = flag.String("backend", "go", "GoMLX backend to test on")

// onGPU has the benchmarks of layers on the host solve on a GPU.
var onGPU = flag.Bool("cuda", false, "solve by the CUDA engine in benchmarks")

// engine is what benchmarks solve on.
func engine(t testing.TB) qp.Engine {
	t.Helper()
	if !*onGPU {
		return nil
	}
	e, err := cuda.Open(0)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// opened is that backend, which is opened once: a second client of a GPU would find
// its memory taken.
var opened = sync.OnceValues(func() (compute.Backend, error) { return gomlx.NewBackend(*config) })

func backend(t testing.TB) compute.Backend {
	t.Helper()
	b, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A problem is values for Data: arrays with their axes, by field.
type array struct {
	flat []float64
	dims []int
}

// random makes data of a batch of QPs with all kinds of constraints, each coefficient
// shared by the batch or per element.
func random(seed uint64, batch, n, p, m int, shared func(field string) bool) map[string]array {
	rng := rand.New(rand.NewPCG(seed, 1))
	a := make(map[string]array)
	z := make([]float64, n) // feasible for all
	for j := range z {
		z[j] = rng.NormFloat64()
	}
	put := func(name string, dims []int, f func(x []float64)) {
		size := 1
		for _, d := range dims {
			size *= d
		}
		count := batch
		if shared(name) {
			count = 1
		} else {
			dims = append([]int{batch}, dims...)
		}
		x := make([]float64, count*size)
		for k := range count {
			f(x[k*size : (k+1)*size])
		}
		a[name] = array{x, dims}
	}
	normal := func(x []float64) {
		for i := range x {
			x[i] = rng.NormFloat64()
		}
	}
	put("Q", []int{n, n}, func(x []float64) {
		l := make([]float64, n*n)
		normal(l)
		for i := range n {
			for j := range n {
				for k := range n {
					x[i*n+j] += l[i*n+k] * l[j*n+k] / float64(n)
				}
			}
			x[i*n+i] += 0.5
		}
	})
	put("P", []int{n}, normal)
	put("A", []int{p, n}, normal)
	put("G", []int{m, n}, normal)
	// Sides that z meets: they must fit every element's rows, so that they are shared
	// only if the rows are.
	side := func(name, rows string, r int, slack func() float64) {
		if !shared(rows) && shared(name) {
			panic("a shared side needs shared rows")
		}
		i := 0
		put(name, []int{r}, func(x []float64) {
			g := a[rows].flat
			if !shared(rows) {
				g = g[i*r*n : (i+1)*r*n]
			}
			for k := range x {
				x[k] = slack()
				for j := range n {
					x[k] += g[k*n+j] * z[j]
				}
			}
			i++
		})
	}
	side("B", "A", p, func() float64 { return 0 })
	side("H", "G", m, func() float64 { return rng.ExpFloat64() })
	side("HL", "G", m, func() float64 { return -0.1 - rng.ExpFloat64() })
	put("L", []int{n}, func(x []float64) {
		for j := range x {
			x[j] = z[j] - 0.05 - rng.ExpFloat64()
		}
	})
	put("U", []int{n}, func(x []float64) {
		for j := range x {
			x[j] = z[j] + 0.05 + rng.ExpFloat64()
		}
	})
	return a
}

// exact is for finite differences, whose error is that of the solutions divided by the
// step.
var exact = qp.Options{EpsAbs: 1e-12, EpsRel: 1e-12}

var fields = []string{"Q", "Diag", "P", "A", "B", "G", "HL", "H", "L", "U"}

func field(d *gomlx.Data, name string) **graph.Node {
	return map[string]**graph.Node{
		"Q": &d.Q, "Diag": &d.Diag, "P": &d.P, "A": &d.A, "B": &d.B, "G": &d.G, "HL": &d.HL, "H": &d.H, "L": &d.L, "U": &d.U,
	}[name]
}

// run builds a graph of the layer and of f of its solution, and runs it on the data.
func run(t testing.TB, a map[string]array, opt *gomlx.Options, f func(d gomlx.Data, s *gomlx.Solution) []*graph.Node) []*tensors.Tensor {
	t.Helper()
	e, args := compile(t, a, opt, f)
	out, err := e.Call(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func compile(t testing.TB, a map[string]array, opt *gomlx.Options, f func(d gomlx.Data, s *gomlx.Solution) []*graph.Node) (*graph.Exec, []any) {
	t.Helper()
	var names []string
	var args []any
	for _, name := range fields {
		if x, ok := a[name]; ok {
			names = append(names, name)
			args = append(args, tensors.FromFlatDataAndDimensions(x.flat, x.dims...))
		}
	}
	e, err := graph.NewExec(backend(t), func(in []*graph.Node) []*graph.Node {
		var d gomlx.Data
		for i, name := range names {
			*field(&d, name) = in[i]
		}
		return f(d, gomlx.QP(d, opt))
	})
	if err != nil {
		t.Fatal(err)
	}
	return e, args
}

func flat(x *tensors.Tensor) []float64 { return tensors.MustCopyFlatData[float64](x) }

// ExampleQP is the projection of a prediction onto the simplex: what a softmax is often
// used for, but with exact zeros.
func ExampleQP() {
	backend, _ := gomlx.NewBackend("go")
	project := model.MustNewExec(backend, model.NewStore(), func(_ *model.Scope, x *graph.Node) (*graph.Node, *graph.Node) {
		g, n := x.Graph(), x.Shape().Dimensions[1]
		one := graph.Const(g, 1.0)
		s := gomlx.QP(gomlx.Data{
			Diag: graph.BroadcastToDims(one, n), P: graph.Neg(x), // ½‖z − x‖²
			A: graph.BroadcastToDims(one, 1, n), B: graph.BroadcastToDims(one, 1), // Σ z = 1
			L: graph.BroadcastToDims(graph.Const(g, 0.0), n), // z ≥ 0
		}, nil)
		return s.Z, s.Status
	})
	z, status := project.MustCall([][]float64{{0.9, 0.5, -1}, {0.1, 0.2, 0.3}})[0], qp.Solved
	fmt.Printf("%.2f %v\n", z.Value(), status)
	// Output: [[0.70 0.30 0.00] [0.23 0.33 0.43]] Solved
}

// TestGradients holds the gradients of all coefficients, through all answers, against
// finite differences: shared, per element, and mixed.
func TestGradients(t *testing.T) {
	for name, shared := range map[string]func(string) bool{
		"per element": func(string) bool { return false },
		"shared":      func(f string) bool { return f != "P" },
		"mixed":       func(f string) bool { return f == "Q" || f == "G" || f == "H" || f == "L" },
	} {
		for _, way := range []gomlx.Way{gomlx.Host, gomlx.InGraph} {
			t.Run(fmt.Sprintf("%s/way=%d", name, way), func(t *testing.T) { testGradients(t, way, shared) })
		}
	}
}

func testGradients(t *testing.T, way gomlx.Way, shared func(string) bool) {
	if testing.Short() && way == gomlx.InGraph {
		t.Skip("long: TestWays holds this way against the other one")
	}
	a := random(7, 3, 6, 2, 4, shared)
	loss := func(_ gomlx.Data, s *gomlx.Solution) *graph.Node {
		l := s.Value
		for i, x := range []*graph.Node{s.Z, s.Nu, s.Lambda, s.Mu} {
			w := graph.MulScalar(graph.Sin(graph.AddScalar(graph.IotaFull(x.Graph(), x.Shape()), float64(i))), 1+float64(i))
			l = graph.Add(l, graph.ReduceSum(graph.Mul(w, graph.Add(x, graph.MulScalar(graph.Square(x), 0.5))), 1))
		}
		return graph.ReduceAllSum(graph.Mul(l, graph.AddScalar(graph.IotaFull(l.Graph(), l.Shape()), 1)))
	}
	opt := &gomlx.Options{Way: way, Solver: exact}
	var names []string
	for _, f := range fields {
		if _, ok := a[f]; ok {
			names = append(names, f)
		}
	}
	grads := run(t, a, opt, func(d gomlx.Data, s *gomlx.Solution) []*graph.Node {
		var in []*graph.Node
		for _, f := range names {
			in = append(in, *field(&d, f))
		}
		return graph.Gradient(loss(d, s), in...)
	})
	e, args := compile(t, a, opt, func(d gomlx.Data, s *gomlx.Solution) []*graph.Node {
		return []*graph.Node{loss(d, s), graph.ReduceAllMax(s.Status), graph.ReduceAllMin(s.Status)}
	})
	at := func() float64 {
		out := e.MustCall(args...)
		if out[1].Value() != int32(qp.Solved) || out[2].Value() != int32(qp.Solved) {
			t.Fatalf("statuses from %v to %v", out[2], out[1])
		}
		return out[0].Value().(float64)
	}
	for k, f := range names {
		x, n := a[f].flat, 6
		got := flat(grads[k])
		for i := range x {
			if way == gomlx.InGraph && i%4 != k%4 {
				continue // it takes long, and TestWays compares all
			}
			h := 1e-6 * (1 + math.Abs(x[i]))
			j := i // Q moves symmetrically
			if f == "Q" {
				j = i - i%(n*n) + i%n*n + i%(n*n)/n
			}
			diff := 0.0
			for _, s := range []float64{1, -1} {
				x0, y0 := x[i], x[j]
				x[i] += s * h
				if j != i {
					x[j] += s * h
				}
				args[k] = tensors.FromFlatDataAndDimensions(x, a[f].dims...)
				diff += s * at() / (2 * h)
				x[i], x[j] = x0, y0
			}
			args[k] = tensors.FromFlatDataAndDimensions(x, a[f].dims...)
			want := diff
			if j != i {
				want = diff / 2
			}
			if math.Abs(got[i]-want) > 1e-5*(1+math.Abs(want)) {
				t.Errorf("d%s[%d] is %g, want %g", f, i, got[i], want)
			}
		}
	}
}
