package hostcall_test

import (
	"fmt"

	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/optnet-go/optnet/gomlx/hostcall"
)

// cube is x³, and 3x² backward.
type cube struct{ x []float64 }

func (c *cube) Forward(out, in []hostcall.Tensor, keep bool) error {
	c.x = append(c.x[:0], hostcall.Flat[float64](in[0])...) // the graph's memory: copy it
	for i, v := range c.x {
		hostcall.Flat[float64](out[0])[i] = v * v * v
	}
	return nil
}

func (c *cube) Backward(din, dout []hostcall.Tensor) error {
	for i, v := range c.x {
		hostcall.Flat[float64](din[0])[i] = 3 * v * v * hostcall.Flat[float64](dout[0])[i]
	}
	return nil
}

func ExampleCall() {
	backend, err := hostcall.New("go")
	if err != nil {
		fmt.Println(err)
		return
	}
	f := graph.MustNewExec(backend, func(x *graph.Node) []*graph.Node {
		y := hostcall.Call("cube", func() hostcall.Op { return new(cube) }, []shapes.Shape{x.Shape()}, x)[0]
		return append(graph.Gradient(graph.ReduceAllSum(y), x), y)
	})
	out := f.MustCall([]float64{1, 2, 3})
	fmt.Println(out[1].Value(), out[0].Value())
	// Output: [1 8 27] [3 12 27]
}
