package hostcall

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// sine is an Op with a gradient.
type sine struct{ x []float64 }

func (s *sine) Forward(out, in []Tensor, keep bool) error {
	x, y := Flat[float64](in[0]), Flat[float64](out[0])
	for i, v := range x {
		if y != nil {
			y[i] = math.Sin(v)
		}
	}
	s.x = s.x[:0]
	if keep {
		s.x = append(s.x, x...)
	}
	return nil
}

func (s *sine) Backward(din, dout []Tensor) error {
	dx, dy := Flat[float64](din[0]), Flat[float64](dout[0])
	if len(s.x) != len(dy) {
		return errors.New("Backward without Forward")
	}
	for i, v := range s.x {
		dx[i] = math.Cos(v) * dy[i]
	}
	return nil
}

func newSine() Op { return new(sine) }

func callSine(x *graph.Node) *graph.Node {
	return Call("sine", newSine, []shapes.Shape{x.Shape()}, x)[0]
}

func testBackend(t testing.TB) *Backend {
	t.Helper()
	b, err := New("go")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// both builds a model with host calls for sines, and with graph operations.
func both[F any](t *testing.T, b compute.Backend, model func(sin func(*graph.Node) *graph.Node) F) (host, plain *graph.Exec) {
	t.Helper()
	var e [2]*graph.Exec
	for i, sin := range []func(*graph.Node) *graph.Node{callSine, graph.Sin} {
		var err error
		switch f := any(model(sin)).(type) {
		case func(*graph.Node) []*graph.Node:
			e[i], err = graph.NewExec(b, f)
		case func([]*graph.Node) []*graph.Node:
			e[i], err = graph.NewExec(b, f)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return e[0], e[1]
}

func compare(t *testing.T, got, want []*tensors.Tensor, tolerance float64) {
	t.Helper()
	for k := range want {
		if !want[k].InDelta(got[k], tolerance) {
			t.Errorf("result %d is %v, want %v", k, got[k], want[k])
		}
	}
}

// chain has two calls, one behind the other, a loop that captures what comes out of
// both, and a gradient through both.
func chain(sin func(*graph.Node) *graph.Node) func(x *graph.Node) []*graph.Node {
	return func(x *graph.Node) []*graph.Node {
		y := sin(graph.Square(x))
		z := sin(graph.Add(graph.Exp(y), x))
		g := x.Graph()
		count := shapes.Make(dtypes.Int32)
		cond := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
			i := graph.Parameter(g, "i", count)
			graph.Parameter(g, "v", z.Shape())
			return []*graph.Node{graph.LessThan(i, graph.Const(g, int32(3)))}
		})
		body := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
			i := graph.Parameter(g, "i", count)
			v := graph.Parameter(g, "v", z.Shape())
			return []*graph.Node{graph.Add(i, graph.Const(g, int32(1))), graph.Add(graph.Mul(v, graph.Const(g, 0.5)), graph.StopGradient(y))}
		})
		w := graph.While(cond, body, graph.Const(g, int32(0)), graph.StopGradient(z))[1]
		loss := graph.ReduceAllSum(graph.Mul(z, graph.Add(z, y)))
		return []*graph.Node{z, w, loss, graph.Gradient(loss, x)[0], x}
	}
}

func TestChain(t *testing.T) {
	host, plain := both(t, testBackend(t), chain)
	x := []float64{0.1, -0.7, 1.3}
	for range 3 { // an execution's memory is used again
		compare(t, host.MustCall(x), plain.MustCall(x), 1e-14)
		x[0] += 0.3
	}
}

// remote is a backend whose memory the host cannot address, as that of a GPU.
type remote struct{ compute.Backend }

func (remote) HasSharedBuffers() bool { return false }
func (remote) NewSharedBuffer(compute.DeviceNum, shapes.Shape) (compute.Buffer, any, error) {
	return nil, nil, errors.New("no shared memory")
}

func TestRemoteMemory(t *testing.T) {
	b := testBackend(t)
	host, plain := both(t, &Backend{Backend: remote{b.Backend}}, chain)
	for range 3 {
		x := []float64{0.1, -0.7, 1.3}
		compare(t, host.MustCall(x), plain.MustCall(x), 1e-14)
	}
}

// TestRandomGraphs cuts random graphs: calls anywhere, in parallel and behind each
// other, results that are parameters, constants, the same value twice; and gradients.
func TestRandomGraphs(t *testing.T) {
	const inputs = 3
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			b := testBackend(t)
			if seed%2 == 1 {
				b = &Backend{Backend: remote{b.Backend}}
			}
			host, plain := both(t, b, func(sin func(*graph.Node) *graph.Node) func(in []*graph.Node) []*graph.Node {
				return func(in []*graph.Node) []*graph.Node {
					rng := rand.New(rand.NewPCG(seed, 0))
					g := in[0].Graph()
					nodes := append([]*graph.Node{graph.Const(g, []float64{0.3, -0.2}), graph.Exp(graph.Const(g, []float64{0.1, 0.4}))}, in...)
					pick := func() *graph.Node { return nodes[rng.IntN(len(nodes))] }
					for range 5 + rng.IntN(20) {
						var x *graph.Node
						switch rng.IntN(7) {
						case 0:
							x = graph.Add(pick(), pick())
						case 1:
							x = graph.Mul(pick(), graph.Tanh(pick()))
						case 2:
							x = graph.Sub(graph.StopGradient(pick()), pick())
						case 3:
							x = graph.Where(graph.GreaterThan(pick(), pick()), pick(), pick())
						default:
							x = sin(pick())
						}
						nodes = append(nodes, x)
					}
					var out []*graph.Node
					loss := graph.Const(g, 0.0)
					for range 4 {
						x := pick()
						out = append(out, x)
						loss = graph.Add(loss, graph.ReduceAllSum(graph.Square(x)))
					}
					out = append(out, pick(), in[rng.IntN(inputs)], loss)
					if rng.IntN(3) > 0 {
						out = append(out, graph.Gradient(loss, in...)...)
					}
					return out
				}
			})
			for k := range 3 {
				var x []any
				for i := range inputs {
					x = append(x, []float64{float64(i) - 0.9, 0.4 * float64(k+1)})
				}
				compare(t, host.MustCall(x...), plain.MustCall(x...), 1e-11)
			}
		})
	}
}

// probe is an Op on many types, which notes what it was asked for.
type probe struct {
	keep      bool
	needed    []bool
	constant  []bool
	gradients []bool
	closed    *atomic.Int32
}

func (p *probe) Forward(out, in []Tensor, keep bool) error {
	p.keep, p.needed, p.constant = keep, nil, nil
	for _, t := range out {
		p.needed = append(p.needed, t.Flat != nil)
	}
	for _, t := range in {
		p.constant = append(p.constant, t.Constant)
	}
	scale := Flat[int64](in[1])[0]
	for i, v := range Flat[float32](in[0]) {
		if y := Flat[float32](out[0]); y != nil {
			y[i] = v * float32(scale)
		}
		if y := Flat[bool](out[1]); y != nil {
			y[i] = v > 0
		}
		if y := Flat[int32](out[2]); y != nil {
			y[i] = int32(i)
		}
		if y := Flat[float64](out[3]); y != nil {
			y[i] = float64(v)
		}
	}
	return nil
}

func (p *probe) Backward(din, dout []Tensor) error {
	p.gradients = nil
	for _, t := range din {
		p.gradients = append(p.gradients, t.Flat != nil)
	}
	if dout[1].Flat != nil || dout[2].Flat != nil {
		return errors.New("what is not floating point has a gradient")
	}
	a, b := Flat[float32](dout[0]), Flat[float64](dout[3])
	for i := range a {
		Flat[float32](din[0])[i] = 3*a[i] + float32(b[i])
	}
	return nil
}

func (p *probe) Close() error {
	p.closed.Add(1)
	return nil
}

func TestTypesAndNeeds(t *testing.T) {
	var made []*probe
	var closed atomic.Int32
	call := func(x, scale *graph.Node) []*graph.Node {
		like := func(d dtypes.DType) shapes.Shape { return shapes.Make(d, x.Shape().Dimensions...) }
		return Call("probe", func() Op {
			made = append(made, &probe{closed: &closed})
			return made[len(made)-1]
		}, []shapes.Shape{like(dtypes.Float32), like(dtypes.Bool), like(dtypes.Int32), like(dtypes.Float64)}, x, scale)
	}
	last := func() *probe { return made[len(made)-1] }
	b := testBackend(t)
	x := []float32{1, -2}

	e := graph.MustNewExec(b, func(x *graph.Node) []*graph.Node {
		return call(x, graph.Const(x.Graph(), int64(3)))[:2]
	})
	out := e.MustCall(x)
	if v := out[0].Value(); !reflect.DeepEqual(v, []float32{3, -6}) {
		t.Errorf("got %v", v)
	}
	if v := out[1].Value(); !reflect.DeepEqual(v, []bool{true, false}) {
		t.Errorf("got %v", v)
	}
	if p := last(); p.keep || !reflect.DeepEqual(p.needed, []bool{true, true, false, false}) || !reflect.DeepEqual(p.constant, []bool{false, true}) {
		t.Errorf("without a gradient: keep %v, needed %v, constant %v", p.keep, p.needed, p.constant)
	}

	e = graph.MustNewExec(b, func(x *graph.Node, scale *graph.Node) []*graph.Node {
		y := call(x, scale)
		loss := graph.Add(graph.ReduceAllSum(y[0]), graph.ReduceAllSum(graph.ConvertDType(graph.Square(y[3]), dtypes.Float32)))
		return graph.Gradient(loss, x)
	})
	before := len(made)
	for range 5 {
		if v := e.MustCall(x, int64(3))[0].Value(); !reflect.DeepEqual(v, []float32{5, -1}) {
			t.Errorf("gradient is %v", v)
		}
	}
	if n := len(made) - before; n != 2 { // one while building
		t.Errorf("5 executions one after the other made %d Ops, want 1", n-1)
	}
	if p := last(); !p.keep || !reflect.DeepEqual(p.gradients, []bool{true, false}) || p.constant[1] {
		t.Errorf("with a gradient: keep %v, gradients %v, constant %v", p.keep, p.gradients, p.constant)
	}
	e.Finalize()
	if n := closed.Load(); n != 1 {
		t.Errorf("%d Ops were closed, want 1", n)
	}
}

// TestConcurrent runs a graph many times at once: each execution has its own Op.
func TestConcurrent(t *testing.T) {
	host, plain := both(t, testBackend(t), chain)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 20 {
				x := []float64{float64(i), float64(k) / 10, -1}
				got, want := host.MustCall(x), plain.MustCall(x)
				compare(t, got, want, 1e-13)
			}
		})
	}
	wg.Wait()
}

// TestCheckpointing has a call in a block that GoMLX computes again for the gradient,
// for which it clones nodes.
func TestCheckpointing(t *testing.T) {
	host, plain := both(t, testBackend(t), func(sin func(*graph.Node) *graph.Node) func(x *graph.Node) []*graph.Node {
		return func(x *graph.Node) []*graph.Node {
			y := graph.Tanh(x).Checkpoint()
			y = graph.Mul(sin(graph.Exp(y)), y)
			y = sin(y).StopCheckpoint()
			loss := graph.ReduceAllSum(graph.Square(y))
			return []*graph.Node{loss, graph.Gradient(loss, x)[0]}
		}
	})
	x := []float64{0.1, -0.7, 1.3}
	compare(t, host.MustCall(x), plain.MustCall(x), 1e-14)
}

// TestDonated gives the memory of an input away, of which a later stage makes use.
func TestDonated(t *testing.T) {
	b := testBackend(t)
	e := graph.MustNewExec(b, func(x, unused *graph.Node) []*graph.Node {
		y := callSine(x)
		return []*graph.Node{graph.Add(x, y), graph.Exp(x), x}
	})
	for range 3 {
		x, u := tensors.FromValue([]float64{1, 2}), tensors.FromValue([]float64{3})
		var args []any
		for _, v := range []*tensors.Tensor{x, u} {
			d, err := graph.DonateTensorBuffer(v, b, 0)
			if err != nil {
				t.Fatal(err)
			}
			args = append(args, d)
		}
		out := e.MustCall(args...)
		compare(t, out, []*tensors.Tensor{
			tensors.FromValue([]float64{1 + math.Sin(1), 2 + math.Sin(2)}),
			tensors.FromValue([]float64{math.Exp(1), math.Exp(2)}),
			tensors.FromValue([]float64{1, 2}),
		}, 1e-14)
	}
}

// TestGivenAway runs a program on a buffer that was donated before.
func TestGivenAway(t *testing.T) {
	for _, replay := range []bool{false, true} {
		b := testBackend(t)
		b.replay = replay
		shape := shapes.Make(dtypes.Float64, 2)
		p := b.Builder("p")
		f := p.Main()
		x, err := f.Parameter("x", shape, nil)
		if err != nil {
			t.Fatal(err)
		}
		y, err := f.Neg(x)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Return([]compute.Value{y}, nil); err != nil {
			t.Fatal(err)
		}
		e, err := p.Compile()
		if err != nil {
			t.Fatal(err)
		}
		in, err := b.BufferFromFlatData(0, []float64{1, 2}, shape)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Execute([]compute.Buffer{in}, []bool{true}, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Execute([]compute.Buffer{in}, nil, 0); err == nil || !strings.Contains(err.Error(), "donated") {
			t.Errorf("replay %v: the second time the error is %v", replay, err)
		}
		if err := in.Finalize(); err != nil {
			t.Errorf("replay %v: finalizing it: %v", replay, err)
		}
	}
}

// failing returns an error, or panics.
type failing struct{ err error }

func (f failing) Forward(out, in []Tensor, keep bool) error {
	if f.err == nil {
		panic(errors.New("it panics"))
	}
	return f.err
}

func TestErrors(t *testing.T) {
	b := testBackend(t)
	cause := errors.New("the cause")
	call := func(err error) func(x *graph.Node) *graph.Node {
		return func(x *graph.Node) *graph.Node {
			return Call("failing", func() Op { return failing{err} }, []shapes.Shape{x.Shape()}, x)[0]
		}
	}
	x := []float64{1, 2}
	run := func(b compute.Backend, f func(x *graph.Node) *graph.Node) error {
		e, err := graph.NewExec(b, func(x *graph.Node) *graph.Node { return graph.Exp(f(graph.Square(x))) })
		if err != nil {
			return err
		}
		_, err = e.Call(x)
		return err
	}
	if err := run(b, call(cause)); !errors.Is(err, cause) || !strings.Contains(err.Error(), "failing") {
		t.Errorf("an error of an Op comes out as %v", err)
	}
	for name, c := range map[string]struct {
		b    compute.Backend
		f    func(x *graph.Node) *graph.Node
		want string
	}{
		"panic":      {b, call(nil), "it panics"},
		"bare":       {b.Backend, callSine, "hostcall.Wrap"},
		"gradient":   {b, func(x *graph.Node) *graph.Node { return graph.Gradient(graph.ReduceAllSum(call(cause)(x)), x)[0] }, "no gradient"},
		"no operand": {b, func(x *graph.Node) *graph.Node { Call("f", newSine, nil); return x }, "no operand"},
		"in a loop": {b, func(x *graph.Node) *graph.Node {
			body := func(f func(x *graph.Node) *graph.Node) *graph.Function {
				return graph.NewClosure(x.Graph(), func(g *graph.Graph) []*graph.Node {
					return []*graph.Node{f(graph.Parameter(g, "x", x.Shape()))}
				})
			}
			return graph.While(body(func(x *graph.Node) *graph.Node {
				return graph.LessThan(graph.ReduceAllSum(x), graph.Const(x.Graph(), 1.0))
			}), body(callSine), x)[0]
		}, "main function"},
	} {
		if err := run(c.b, c.f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want one with %q", name, err, c.want)
		}
	}
	if err := run(b, callSine); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// TestSequential checks that the backend in Go runs one operation after the other,
// however it was made.
func TestSequential(t *testing.T) {
	order := func(b compute.Backend) int64 {
		return reflect.ValueOf(b).Elem().FieldByName("OpsExecutionType").Int()
	}
	bare := func(config string) compute.Backend {
		b, err := compute.NewWithConfig(config)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	want := order(bare("go:ops_sequential"))
	if order(bare("go")) == want {
		t.Fatal("the backend's default is not what it was: is forcing it still needed?")
	}
	for _, config := range []string{"go", "go:", "go:dependency_order", "go:ops_sequential"} {
		b, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		if order(b.Backend) != want {
			t.Errorf("New(%q) runs operations in parallel", config)
		}
	}
	b := Wrap(bare("go:ops_parallel"))
	if order(b.Backend) != want {
		t.Error("Wrap lets operations run in parallel")
	}
	if Wrap(b) != b {
		t.Error("a wrapped backend is wrapped again")
	}
}
