package hostcall

import (
	"fmt"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// A Tensor is an operand or a result in host memory, row-major.
type Tensor struct {
	Shape shapes.Shape
	// Flat is a slice of the Go type of Shape.DType: []float64, []float32, []int32...
	// It is valid until the method that it was given to returns. A result whose Flat is
	// nil is not needed by anybody, and costs nothing.
	Flat any
	// Constant: the operand does not depend on the inputs of the graph, and is the same
	// in every execution.
	Constant bool
}

// Flat returns the elements of t, or nil if it is not needed.
func Flat[T any](t Tensor) []T {
	if t.Flat == nil {
		return nil
	}
	return t.Flat.([]T)
}

// An Op is what one host call does in one execution of a graph. It serves one
// execution at a time, from Forward to Backward, and may keep between the two what the
// second needs. After the execution it is used for another one, so that its memory is
// too. If it is an io.Closer it is closed when the graph's executable is finalized.
type Op interface {
	// Forward computes out from in: every entry of every result that has a Flat. The
	// results hold arbitrary values before, and the operands are only read. Backward will be called in this execution
	// only if keep is set. Nothing of out and in may be retained: the buffers are used
	// again between the stages of an execution.
	//
	// An error ends the execution and is returned by it.
	Forward(out, in []Tensor, keep bool) error
}

// A Differentiable has a gradient. Graphs that ask for the gradient of another Op do
// not build.
type Differentiable interface {
	Op
	// Backward computes the gradient of a loss with respect to the operands of Forward,
	// given the one with respect to its results. Entries for what is not floating point
	// have no Flat. It may be called more than once for one Forward.
	Backward(din, dout []Tensor) error
}

// Call adds a host call to the graph of its operands, of which there is at least one,
// and returns its results, of the shapes given. newOp makes an Op for each execution
// that runs at the same time, and once while the graph is built. Like everything that
// builds graphs, Call panics with an error if something is wrong.
//
// Operands and results may be of every type. Gradients flow through floating point
// ones, if the Op is Differentiable.
func Call(name string, newOp func() Op, results []shapes.Shape, operands ...*graph.Node) []*graph.Node {
	if len(operands) == 0 {
		exceptions.Panicf("hostcall: %s has no operand: it takes at least one, to know its graph", name)
	}
	for i, s := range results {
		if !s.Ok() || s.IsDynamic() {
			exceptions.Panicf("hostcall: result %d of %s has the shape %s: want a static one", i, name, s)
		}
	}
	h := &host{name: name, newOp: newOp}
	// The last result is a ticket: Backward has it as operand, so that it comes after
	// Forward, and knows which one.
	out := h.add(append(results[:len(results):len(results)], shapes.Make(dtypes.Int32)), operands)
	ticket := out[len(results)]
	out = out[:len(results)]
	if _, ok := newOp().(Differentiable); !ok {
		return out
	}
	call := ticket.Inputs()[0]
	g := call.Graph()
	vjps, _ := g.State(vjpKey{}).(map[string]vjp)
	if vjps == nil {
		vjps = make(map[string]vjp)
		g.AttachState(vjpKey{}, vjps)
	}
	// A call is found again by its alias, which a clone of the node (gradient
	// checkpointing) has too. The clone's gradient is the original's.
	call.WithAlias(graph.AliasScopeSeparator + h.id)
	vjps[call.GetAlias()] = func(v []*graph.Node) []*graph.Node {
		args := []*graph.Node{ticket}
		for i, s := range results {
			if s.DType.IsFloat() {
				args = append(args, v[i])
			}
		}
		var shape []shapes.Shape
		for _, x := range operands {
			if x.DType().IsFloat() {
				shape = append(shape, x.Shape())
			}
		}
		grads := make([]*graph.Node, len(operands))
		if len(shape) == 0 {
			return grads
		}
		back := &host{name: "gradient of " + name, forward: h}
		d := back.add(shape, args)
		for i, x := range operands {
			if x.DType().IsFloat() {
				grads[i], d = d[0], d[1:]
			}
		}
		return grads
	}
	return out
}

// A host is one host call of a program, or the gradient of one.
type host struct {
	id    string
	name  string
	newOp func() Op
	// forward is the call that this is the gradient of. Then the operands are its
	// ticket and the gradients of its floating point results, and the results those of
	// its floating point operands.
	forward *host
}

// add puts a call of h into the graph: for GoMLX it is a call of a function, whose
// body gives nothing but the shapes.
func (h *host) add(results []shapes.Shape, operands []*graph.Node) []*graph.Node {
	g := operands[0].Graph()
	b, ok := g.Backend().(*Backend)
	if !ok {
		exceptions.Panicf("hostcall: %s stands in a graph of the backend %q, which does not allow host calls: wrap it with hostcall.Wrap", h.name, g.Backend().Name())
	}
	h.id = fmt.Sprintf("hostcall#%d", b.calls.Add(1))
	b.pending.put(h)
	defer b.pending.take(h.id) // if the function was not made
	f := graph.NewFunction(g, h.id, func(g *graph.Graph) []*graph.Node {
		for i, x := range operands {
			graph.Parameter(g, fmt.Sprintf("x%d", i), x.Shape())
		}
		out := make([]*graph.Node, len(results))
		for i, s := range results {
			// Const and not Zeros, whose cache does not know functions (GoMLX v0.28.1).
			out[i] = graph.BroadcastToShape(graph.Const(g, shapes.CastAsDType(0, s.DType)), s)
		}
		return out
	})
	return f.Call(operands...)
}

// pending hands hosts from a graph, which knows only names, to its builder.
type pending struct{ m sync.Map }

func (p *pending) put(h *host) { p.m.Store(h.id, h) }

func (p *pending) take(name string) *host {
	h, _ := p.m.LoadAndDelete(name)
	if h == nil {
		return nil
	}
	return h.(*host)
}

// vjp returns the gradients of a call's operands from those of its results.
type vjp func(v []*graph.Node) []*graph.Node

type vjpKey struct{} // of a graph's state: map[string]vjp, by alias

// GoMLX finds gradients in a map, by the kind of node, and has none for calls of
// functions. The map is written once, before anything reads it.
func init() {
	other := graph.VJPRegistration[graph.NodeTypeCall]
	graph.VJPRegistration[graph.NodeTypeCall] = func(node *graph.Node, v []*graph.Node, shape shapes.Shape) []*graph.Node {
		vjps, _ := node.Graph().State(vjpKey{}).(map[string]vjp)
		if f := vjps[node.GetAlias()]; f != nil {
			return f(v)
		}
		if other != nil {
			return other(node, v, shape)
		}
		exceptions.Panicf("hostcall: no gradient is defined for %s; use StopGradient on what it returns, or give its Op a Backward", node)
		return nil
	}
}

var _ compute.Backend = (*Backend)(nil)
