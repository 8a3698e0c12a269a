package hostcall

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// sine is an Op with a gradient.
type sine struct{ x []float64 }

func (s *sine) Forward(out, in []Tensor, keep bool) error {
	x, y := Flat[float64](in[0]), Flat[float64](out[0])
	for i, v := range x {
		y[i] = math.Sin(v)
	}
	if keep {
		s.x = append(s.x[:0], x...)
	}
	return nil
}

func (s *sine) Backward(din, dout []Tensor) error {
	dx, dy := Flat[float64](din[0]), Flat[float64](dout[0])
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

// TestChain has two calls, one behind the other, a loop that captures what comes out
// of both, and a gradient through both; with the same from graph operations beside it.
func TestChain(t *testing.T) {
	model := func(sin func(*graph.Node) *graph.Node) func(x *graph.Node) []*graph.Node {
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
	b := testBackend(t)
	got := graph.MustNewExec(b, model(callSine))
	want := graph.MustNewExec(b, model(graph.Sin))
	x := []float64{0.1, -0.7, 1.3}
	for range 3 { // an execution's memory is used again
		g, w := got.MustCall(x), want.MustCall(x)
		for k := range w {
			if !w[k].InDelta(g[k], 1e-14) {
				t.Errorf("result %d is %v, want %v", k, g[k], w[k])
			}
		}
		x[0] += 0.3
	}
}
