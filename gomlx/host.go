package gomlx

import (
	"sync"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/optnet-go/optnet/gomlx/hostcall"
	"github.com/optnet-go/optnet/gomlx/ingraph"
	"github.com/optnet-go/optnet/qp"
)

// hostQP adds a host call that solves.
func hostQP(d *Data, l ingraph.Layout, o *Options) *Solution {
	solver, err := qp.NewSolver(l.Shape, &o.Solver)
	if err != nil {
		fail("gomlx: layer %q: %w", o.Name, err)
	}
	p := &plan{watch: watch{Options: *o}, solver: solver, batch: l.Batch}
	var in []*graph.Node
	for i, c := range coefficients {
		if x := *c.node(d); x != nil {
			p.coefs = append(p.coefs, i)
			in = append(in, x)
		}
	}
	if d.P == nil { // package qp always has one
		p.zeroP = make([]float64, l.N)
	}
	float := func(dims ...int) shapes.Shape { return shapes.Make(l.DType, dims...) }
	out := []shapes.Shape{shapes.Make(dtypes.Int32, l.Batch), float(l.Batch)}
	p.points = []func(*qp.Point) *[]float64{func(x *qp.Point) *[]float64 { return &x.Value }}
	s := &Solution{}
	nodes := []**graph.Node{&s.Status, &s.Value}
	add := func(want bool, node **graph.Node, n int, f func(*qp.Point) *[]float64) {
		if want {
			nodes = append(nodes, node)
			out = append(out, float(l.Batch, n))
			p.points = append(p.points, f)
		}
	}
	add(true, &s.Z, l.N, func(x *qp.Point) *[]float64 { return &x.Z })
	add(d.A != nil, &s.Nu, l.NEq, func(x *qp.Point) *[]float64 { return &x.Nu })
	add(d.G != nil, &s.Lambda, l.NIneq, func(x *qp.Point) *[]float64 { return &x.Lambda })
	add(d.L != nil || d.U != nil, &s.Mu, l.N, func(x *qp.Point) *[]float64 { return &x.Mu })
	for i, x := range hostcall.Call(o.Name, p.newOp, out, in...) {
		*nodes[i] = x
	}
	return s
}

// A watch has what users want to know of all executions of a layer.
type watch struct {
	Options
	mu sync.Mutex // of Report
}

// solved and derived tell the counter and the user how a call ended.
func (w *watch) solved(info []qp.Info, d time.Duration) {
	if w.Counter != nil {
		w.Counter.solved(info, d)
	}
	w.report(info, nil)
}

func (w *watch) derived(info []qp.Info, certs []qp.Certificate, d time.Duration) {
	if w.Counter != nil {
		w.Counter.derived(certs, d)
	}
	w.report(info, certs)
}

func (w *watch) report(info []qp.Info, certs []qp.Certificate) {
	if w.Report == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Report(&Report{Layer: w.Name, Info: info, Certs: certs})
}

// A plan is what all executions of a layer share.
type plan struct {
	watch
	solver *qp.Solver
	batch  int
	coefs  []int // of each operand: its index in coefficients
	zeroP  []float64
	// points are the fields of a point that the results are, but for the first result,
	// which is the status.
	points []func(*qp.Point) *[]float64
}

// valueResult and zResult are the places of Value and Z in points.
const (
	valueResult = 0
	zResult     = 1
)

func (p *plan) newOp() hostcall.Op { return &call{plan: p} }

// A call is one execution's solve and its derivative.
type call struct {
	*plan
	x    qp.Solution
	grad qp.Gradient
	up   qp.Point
	kept qp.Coef // constant coefficients that x holds
	// Memory for operands, their gradients and those of results that are float32.
	in, din, dout [][]float64
}

// Forward solves the batch. Constant coefficients are read once.
func (c *call) Forward(out, in []hostcall.Tensor, keep bool) error {
	c.in, c.din, c.dout = room(c.in, len(in)), room(c.din, len(in)), room(c.dout, len(out))
	b := qp.Batch{Size: c.batch, Keep: c.kept}
	constant := qp.Coef(0)
	for i, t := range in {
		f := &coefficients[c.coefs[i]]
		if t.Constant {
			constant |= f.coef
		}
		if c.kept&f.coef == 0 {
			*f.data(&b.Data) = read(&c.in[i], t)
		}
	}
	if c.zeroP != nil {
		constant |= qp.CoefP
		b.P = c.zeroP
	}
	c.x.Want = want(out, keep)
	c.kept = 0
	began := time.Now()
	err := c.solver.Solve(c.Context, &c.x, &b)
	spent := time.Since(began)
	if err != nil {
		return err
	}
	c.kept = constant
	if s := hostcall.Flat[int32](out[0]); s != nil {
		for i := range s {
			s[i] = int32(c.x.Info[i].Status)
		}
	}
	for i, f := range c.points {
		write(out[i+1], *f(&c.x.Point))
	}
	c.solved(c.x.Info, spent)
	return nil
}

// want says what of a solution is needed: the results that have memory, and the
// factors if a derivative comes. There is always something, as nothing means all.
func want(out []hostcall.Tensor, keep bool) qp.Output {
	w := qp.OutZ
	for i, t := range out {
		if i-1 > zResult && t.Flat != nil {
			w |= qp.OutDuals
		}
	}
	if keep {
		w |= qp.OutFactors
	}
	return w
}

// Backward computes the gradients with respect to the operands that have memory.
func (c *call) Backward(din, dout []hostcall.Tensor) error {
	c.grad.Want = 0
	for i, t := range din {
		if t.Flat == nil {
			continue
		}
		f := &coefficients[c.coefs[i]]
		c.grad.Want |= f.coef
		*f.data(&c.grad.Data) = target(&c.din[i], t)
	}
	if c.grad.Want == 0 {
		return nil
	}
	for i, f := range c.points {
		g := read(&c.dout[i], dout[i+1])
		if isZero(g) {
			g = nil // as for answers that the loss does not depend on
		}
		*f(&c.up) = g
	}
	began := time.Now()
	err := c.x.VJP(c.Context, &c.grad, &c.up)
	spent := time.Since(began)
	if err != nil {
		return err
	}
	for i, t := range din {
		if t.Flat == nil {
			continue
		}
		g := coefficients[c.coefs[i]].data(&c.grad.Data)
		write(t, *g)
		*g = nil
	}
	c.up = qp.Point{}
	c.derived(c.x.Info, c.grad.Certs, spent)
	return nil
}

// Close gives memory of a device back.
func (c *call) Close() error { return c.x.Close() }

// room returns n slices, those that are there among them.
func room(s [][]float64, n int) [][]float64 {
	if len(s) < n {
		s = append(s, make([][]float64, n-len(s))...)
	}
	return s
}

// read returns the elements of t as float64: its own memory, or a copy in buf.
func read(buf *[]float64, t hostcall.Tensor) []float64 {
	switch x := t.Flat.(type) {
	case []float64:
		return x
	case []float32:
		*buf = resize(*buf, len(x))
		for i, v := range x {
			(*buf)[i] = float64(v)
		}
		return *buf
	}
	return nil
}

// target returns memory for a gradient that write will bring into t: that of t itself
// if it is float64.
func target(buf *[]float64, t hostcall.Tensor) []float64 {
	switch x := t.Flat.(type) {
	case []float64:
		return x
	case []float32:
		*buf = resize(*buf, len(x))
		return *buf
	}
	return nil
}

// write copies x into t, if t has memory and is not where x lies.
func write(t hostcall.Tensor, x []float64) {
	switch y := t.Flat.(type) {
	case []float64:
		if len(x) > 0 && &x[0] != &y[0] {
			copy(y, x)
		}
	case []float32:
		for i, v := range x {
			y[i] = float32(v)
		}
	}
}

func resize(x []float64, n int) []float64 {
	if cap(x) < n {
		return make([]float64, n)
	}
	return x[:n]
}

func isZero(x []float64) bool {
	for _, v := range x {
		if v != 0 {
			return false
		}
	}
	return true
}
