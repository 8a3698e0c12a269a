// Package gomlx puts optimization layers into GoMLX models: a quadratic program whose
// coefficients are nodes of a graph, and whose solution is a node too, with exact
// gradients with respect to all coefficients. Stock trainers, optimizers, metrics and
// checkpoints work.
//
//	backend, err := gomlx.NewBackend("go")
//	model := func(scope *model.Scope, x *graph.Node) *graph.Node {
//		p := nn.Dense(scope.In("p"), x, true, n)
//		return gomlx.QP(gomlx.Data{Diag: ones, P: p, G: g, H: h}, nil).Z
//	}
//	trainer := train.NewTrainer(backend, store, model, loss.MeanSquaredError, ...)
//
// There are two ways, with the same arguments and results. On a backend from
// [NewBackend] or [Wrap] the solver of package qp runs between two parts of the graph
// ([Host]); on any other one the method itself becomes part of the graph ([InGraph]),
// which is the way for TPUs and for programs on several devices. docs/GOMLX.md compares
// them.
package gomlx

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/optnet-go/optnet/gomlx/hostcall"
	"github.com/optnet-go/optnet/gomlx/ingraph"
	"github.com/optnet-go/optnet/qp"
)

// Data are the coefficients of a batch of QPs, as nodes: see [ingraph.Data].
type Data = ingraph.Data

// Solution are the answers, as nodes: see [ingraph.Solution].
type Solution = ingraph.Solution

// Way is how a layer is computed.
type Way uint8

const (
	// Auto is Host where the graph's backend allows it, and else InGraph.
	Auto Way = iota
	// Host runs the solver of package qp, or its engine, on the host, between the stages
	// of the graph. The backend is one of NewBackend or Wrap.
	Host
	// InGraph makes the method of operations of the graph.
	InGraph
)

// Options of a layer. Nil, and zero fields, mean the defaults.
type Options struct {
	// Name of the layer, in errors and reports; empty: "qp", "layer".
	Name string
	Way  Way
	// Solver are the solver's options: engine, tolerances, the rule for derivatives that
	// are not unique. InGraph knows EpsAbs, EpsRel and MaxIter only, and refuses others.
	Solver qp.Options
	// Context ends solves when it ends; the execution returns an error that wraps its
	// cause. Nil: none.
	Context context.Context
	// Counter, if not nil, counts how elements ended. Layers may share one.
	Counter *Counter
	// Report, if not nil, is called after each solve and each derivative. Calls for one
	// layer are serialized.
	Report func(*Report)
}

// Report is how a batch ended. It holds during the call only.
type Report struct {
	Layer string
	// Info of each element, after a solve and after a derivative.
	Info []qp.Info
	// Certs are the certificates of a derivative; nil after a solve.
	Certs []qp.Certificate
}

// NewBackend makes a backend that layers work on, from a configuration of GoMLX: "go" is
// GoMLX's backend in Go, which is linked in. Others have to be imported by the program.
func NewBackend(config string) (compute.Backend, error) {
	b, err := hostcall.New(config)
	if err != nil {
		return nil, fmt.Errorf("gomlx: %w", err)
	}
	return b, nil
}

// Wrap makes a backend one that layers work on. GoMLX's backend in Go will run one
// operation after the other: see [hostcall.Wrap].
func Wrap(b compute.Backend) compute.Backend { return hostcall.Wrap(b) }

// QP adds a batch of quadratic programs to a graph and returns their solutions, and
// how each element ended. For shapes see [Data] and [Solution]; both ways take and give
// the same. Like everything that builds graphs it panics with an error if something is
// wrong: shapes that do not fit, options that a way does not have.
//
// An element that is not solved (infeasible, unbounded, a Q that is not positive
// semidefinite, NaN) changes nothing for the others: it contributes zero to every
// gradient, and is counted. The data may have any values; it never ends an execution.
func QP(d Data, opt *Options) *Solution {
	o := opt.filled("qp")
	l, err := d.Layout()
	if err != nil {
		fail("gomlx: layer %q: %w", o.Name, err)
	}
	_, wrapped := backendOf(&d).(*hostcall.Backend)
	if o.Way == Auto {
		o.Way = InGraph
		if wrapped {
			o.Way = Host
		}
	}
	switch o.Way {
	case Host:
		return hostQP(&d, l, &o)
	case InGraph:
		if opt != nil && opt.Context != nil || o.Counter != nil || o.Report != nil {
			fail("gomlx: layer %q: Context, Counter and Report are for the way Host; in a graph the Status of the Solution tells how elements ended", o.Name)
		}
		return ingraph.QP(d, &o.Solver)
	}
	fail("gomlx: layer %q: Options.Way is %d", o.Name, o.Way)
	return nil
}

// filled returns the options with defaults for name and context.
func (o *Options) filled(name string) Options {
	var f Options
	if o != nil {
		f = *o
	}
	if f.Name == "" {
		f.Name = name
	}
	if f.Context == nil {
		f.Context = context.Background()
	}
	return f
}

// fail panics with an error, as GoMLX has it while a graph is built.
func fail(format string, args ...any) { panic(fmt.Errorf(format, args...)) }

// backendOf returns the backend of the graph that the coefficients stand in.
func backendOf(d *Data) compute.Backend {
	for _, c := range coefficients {
		if x := *c.node(d); x != nil {
			return x.Graph().Backend()
		}
	}
	return nil
}

// coefficients are the fields of Data, each with its place in package qp.
var coefficients = []struct {
	coef qp.Coef
	node func(*Data) **graph.Node
	data func(*qp.Data) *[]float64
}{
	{qp.CoefQ, func(d *Data) **graph.Node { return &d.Q }, func(d *qp.Data) *[]float64 { return &d.Q }},
	{qp.CoefQ, func(d *Data) **graph.Node { return &d.Diag }, func(d *qp.Data) *[]float64 { return &d.Q }},
	{qp.CoefP, func(d *Data) **graph.Node { return &d.P }, func(d *qp.Data) *[]float64 { return &d.P }},
	{qp.CoefA, func(d *Data) **graph.Node { return &d.A }, func(d *qp.Data) *[]float64 { return &d.A }},
	{qp.CoefB, func(d *Data) **graph.Node { return &d.B }, func(d *qp.Data) *[]float64 { return &d.B }},
	{qp.CoefG, func(d *Data) **graph.Node { return &d.G }, func(d *qp.Data) *[]float64 { return &d.G }},
	{qp.CoefHL, func(d *Data) **graph.Node { return &d.HL }, func(d *qp.Data) *[]float64 { return &d.HL }},
	{qp.CoefH, func(d *Data) **graph.Node { return &d.H }, func(d *qp.Data) *[]float64 { return &d.H }},
	{qp.CoefL, func(d *Data) **graph.Node { return &d.L }, func(d *qp.Data) *[]float64 { return &d.L }},
	{qp.CoefU, func(d *Data) **graph.Node { return &d.U }, func(d *qp.Data) *[]float64 { return &d.U }},
}
