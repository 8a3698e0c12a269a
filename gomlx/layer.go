package gomlx

import (
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/optnet-go/optnet/gomlx/hostcall"
	"github.com/optnet-go/optnet/layer"
	"github.com/optnet-go/optnet/qp"
)

// Outputs are the answers of a [Layer], as nodes of the type of the parameters. Gradients
// flow through all of them but Status.
type Outputs struct {
	// Vars are the variables, in the order of the layer: the batch, then the axes of the
	// variable: none for a number, one for a vector, two for a matrix.
	Vars  []*graph.Node
	Duals []*graph.Node // the multipliers that the layer's options name
	// Value, batch, is the objective; Status, batch of int32, how each element ended, a
	// qp.Status.
	Value, Status *graph.Node
}

// Solved and Unsolved are those of [Solution].
func (o *Outputs) Solved() *graph.Node   { return o.solution().Solved() }
func (o *Outputs) Unsolved() *graph.Node { return o.solution().Unsolved() }

func (o *Outputs) solution() *Solution { return &Solution{Z: o.Value, Status: o.Status} }

// Layer adds a layer of package layer, a compiled model, to a graph. Params are its
// parameters, in its order, of one type, float64 or float32. Each has the axes of the
// parameter: none for a number, one for a vector, two for a matrix; with the batch in
// front of them it is given per element, and else it is shared by the batch. A number
// per element may also have the axes batch×1.
//
// It runs on the host, on a backend from [NewBackend] or [Wrap]. How it is solved, and
// how exactly, was said when the layer was made: Options.Solver is not used.
func Layer(l *layer.Layer, params []*graph.Node, opt *Options) *Outputs {
	o := opt.filled("layer")
	want := l.Params()
	switch {
	case len(params) != len(want):
		fail("gomlx: layer %q: it has %d parameters, got %d", o.Name, len(want), len(params))
	case len(params) == 0:
		fail("gomlx: layer %q has no parameters: solve it once, and use what comes out as a constant", o.Name)
	case o.Way == InGraph:
		fail("gomlx: layer %q: only QP can be in a graph; want the way Host", o.Name)
	}
	p := &program{watch: watch{Options: o}, layer: l}
	dtype := params[0].DType()
	if dtype != dtypes.Float64 && dtype != dtypes.Float32 {
		fail("gomlx: layer %q: parameter %s is %s: want float64 or float32; use ConvertDType", o.Name, want[0].Name, params[0].Shape())
	}
	batch := -1
	for i, x := range params {
		s := x.Shape()
		if s.DType != dtype {
			fail("gomlx: layer %q: parameter %s is %s where others are %s: want one type for all", o.Name, want[i].Name, s, dtype)
		}
		dims := natural(want[i].Rows, want[i].Cols)
		if want[i].Diagonal && want[i].Size() == want[i].Rows {
			dims = []int{want[i].Rows}
		}
		k, ok := perElement(s.Dimensions, dims)
		switch {
		case !ok:
			fail("gomlx: layer %q: parameter %s is %s: want the axes %v, or the batch and these", o.Name, want[i].Name, s, dims)
		case k >= 0 && batch >= 0 && k != batch:
			fail("gomlx: layer %q: parameter %s is %s: a batch of %d, where that of others is %d", o.Name, want[i].Name, s, k, batch)
		case k >= 0:
			batch = k
		}
	}
	if batch < 0 {
		batch = 1
	}
	shape := func(rows, cols int) shapes.Shape {
		return shapes.Make(dtype, append([]int{batch}, natural(rows, cols)...)...)
	}
	out := []shapes.Shape{shapes.Make(dtypes.Int32, batch), shapes.Make(dtype, batch)}
	for _, v := range l.Vars() {
		out = append(out, shape(v.Rows, v.Cols))
	}
	for _, v := range l.Duals() {
		out = append(out, shape(v.Rows, v.Cols))
	}
	nodes := hostcall.Call(o.Name, p.newOp, out, params...)
	vars := len(l.Vars())
	return &Outputs{Status: nodes[0], Value: nodes[1], Vars: nodes[2 : 2+vars], Duals: nodes[2+vars:]}
}

// natural are the axes of a number, a vector or a matrix.
func natural(rows, cols int) []int {
	switch {
	case cols > 1:
		return []int{rows, cols}
	case rows > 1:
		return []int{rows}
	}
	return nil
}

// perElement returns the batch that an array has, -1 if it is shared, whether its axes
// are those wanted.
func perElement(have, want []int) (batch int, ok bool) {
	same := func(have []int) bool {
		if len(have) != len(want) {
			return false
		}
		for i := range want {
			if have[i] != want[i] {
				return false
			}
		}
		return true
	}
	switch {
	case same(have):
		return -1, true
	case len(have) > 0 && same(have[1:]):
		return have[0], true
	case len(want) == 0 && len(have) == 2 && have[1] == 1:
		return have[0], true
	}
	return 0, false
}

// A program is what all executions of a layer share.
type program struct {
	watch
	layer *layer.Layer
}

func (p *program) newOp() hostcall.Op { return &pass{program: p} }

// A pass is one execution's forward and backward pass.
type pass struct {
	*program
	x        layer.Pass
	grad     layer.Gradient
	up       layer.Outputs
	values   [][]float64
	in, dout [][]float64 // memory for what is float32
	info     []qp.Info
	certs    []qp.Certificate
}

func (c *pass) Forward(out, in []hostcall.Tensor, _ bool) error {
	c.in, c.dout, c.values = room(c.in, len(in)), room(c.dout, len(out)), room(c.values, len(in))
	for i, t := range in {
		c.values[i] = read(&c.in[i], t)
	}
	began := time.Now()
	err := c.layer.Forward(c.Context, &c.x, c.values...)
	spent := time.Since(began)
	clear(c.values) // they are the graph's
	if err != nil {
		return err
	}
	if s := hostcall.Flat[int32](out[0]); s != nil {
		for i := range s {
			s[i] = int32(c.x.Info[i].Status)
		}
	}
	for i, x := range c.results() {
		write(out[1+i], *x(&c.x.Outputs))
	}
	c.info = c.info[:0]
	for _, n := range c.x.Info {
		c.info = append(c.info, qp.Info{Status: n.Status, Iterations: n.Iterations, Primal: n.Primal, Dual: n.Dual, Gap: n.Gap, Reason: n.Reason})
	}
	c.solved(c.info, spent)
	return nil
}

// results are the fields of Outputs, in the order of the call's results, but for the
// status.
func (c *pass) results() []func(*layer.Outputs) *[]float64 {
	fs := []func(*layer.Outputs) *[]float64{func(o *layer.Outputs) *[]float64 { return &o.Value }}
	for i := range c.layer.Vars() {
		fs = append(fs, func(o *layer.Outputs) *[]float64 { return &o.Vars[i] })
	}
	for i := range c.layer.Duals() {
		fs = append(fs, func(o *layer.Outputs) *[]float64 { return &o.Duals[i] })
	}
	return fs
}

func (c *pass) Backward(din, dout []hostcall.Tensor) error {
	if c.grad.Want == nil {
		c.grad.Want = make([]bool, len(din))
		c.up.Vars = make([][]float64, len(c.layer.Vars()))
		c.up.Duals = make([][]float64, len(c.layer.Duals()))
	}
	wanted := false
	for i, t := range din {
		c.grad.Want[i] = t.Flat != nil
		wanted = wanted || t.Flat != nil
	}
	if !wanted {
		return nil
	}
	results := c.results()
	for i, x := range results {
		g := read(&c.dout[1+i], dout[1+i])
		if isZero(g) {
			g = nil
		}
		*x(&c.up) = g
	}
	began := time.Now()
	err := c.x.Backward(c.Context, &c.grad, &c.up)
	spent := time.Since(began)
	for _, x := range results {
		*x(&c.up) = nil
	}
	if err != nil {
		return err
	}
	for i, t := range din {
		if t.Flat != nil {
			write(t, c.grad.Params[i])
		}
	}
	c.certs = c.certs[:0]
	for _, n := range c.grad.Certs {
		c.certs = append(c.certs, qp.Certificate{Residual: n.Residual, Margin: n.Margin, RCond: n.RCond, Error: n.Error, Active: max(n.Active, 0), Weak: max(n.Weak, 0), Unique: n.Unique, Zeroed: n.Zeroed})
	}
	c.derived(c.info, c.certs, spent)
	return nil
}

// Close gives memory of a device back.
func (c *pass) Close() error { return c.x.Close() }
