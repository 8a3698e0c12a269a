package sudoku

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/ml/model"
	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/qp"
)

// A network maps boards to a number for each cell and digit. Boards come as
// p = −x, where x has a one for each digit given: the linear term of the QP.
type network interface {
	// step trains on a batch: one step on the mean squared error to y, boards
	// of ones and zeros. What it returns is from before the step.
	step(ctx context.Context, p, y []float64) (outcome, error)
	// predict evaluates a batch. The answers hold until the next call.
	predict(ctx context.Context, p []float64) (outcome, error)
	// parameters are copies.
	parameters() ([]parameter, error)
	// state is what training goes on from; restored takes note that it was set.
	state() *model.Store
	restored() error
}

// An averager is a network that can stand at the mean of the parameters over
// the steps since the last resume, and go back to where training goes on.
type averager interface {
	mean()
	resume()
}

// An outcome is what a network says about a batch.
type outcome struct {
	z    []float64
	info []qp.Info // how each QP ended; nil for a network without
	// Of the boards with a solution, zeroed had no gradient, and notUnique one
	// that is a convention, the solution having no derivative there.
	zeroed, notUnique int
}

// answered reports whether board i has an answer.
func (o *outcome) answered(i int) bool { return o.info == nil || answered(o.info[i].Status) }

// Nets are the networks that [Config.Nets] can name.
func Nets() []string { return []string{"optnet", "fc", "conv"} }

// learningRate is the paper's.
func learningRate(net string) float64 {
	if net == "optnet" {
		return 0.1
	}
	return 1e-3
}

// newNetwork makes a network: with fresh parameters, or with given ones.
func newNetwork(net string, seed uint64, lr float64, opt qp.Options, ps []parameter) (network, error) {
	if lr == 0 {
		lr = learningRate(net)
	}
	switch net {
	case "optnet":
		return newOptNet(seed, lr, opt, ps)
	case "fc", "conv":
		return newBaseline(net, seed, lr, ps)
	}
	return nil, fmt.Errorf("sudoku: net is %q, want one of %v", net, Nets())
}

// squaredError returns the mean squared error over the boards that have an
// answer, and their number. If dz is not nil it becomes the error's gradient,
// 0 where there is no answer.
func squaredError(dz []float64, o *outcome, y []float64) (loss float64, boards int) {
	n := len(y) / inputs
	for i := range n {
		if o.answered(i) {
			boards++
		}
	}
	scale := 1 / float64(max(boards, 1)*inputs)
	for i := range n {
		ok := o.answered(i)
		for j := i * inputs; j < (i+1)*inputs; j++ {
			e := 0.0
			if ok {
				e = o.z[j] - y[j]
			}
			loss += e * e
			if dz != nil {
				dz[j] = 2 * e * scale
			}
		}
	}
	return loss * scale, boards
}

// optnet is the network of the paper: the layer, nothing else.
type optnet struct {
	*layer
	adam *host
	w, d [2][]float64 // A and log z₀, and their gradients
	// The mean of w over steps, and w itself while the mean stands in for it.
	avg, held [2][]float64
	steps     int
}

func newOptNet(seed uint64, lr float64, opt qp.Options, ps []parameter) (*optnet, error) {
	p := start(seed)
	if ps != nil {
		if err := fill(ps, "A", p.a, rules, inputs); err != nil {
			return nil, err
		}
		if err := fill(ps, "log_z0", p.logZ0, inputs); err != nil {
			return nil, err
		}
	}
	m, err := newLayer(p, opt)
	if err != nil {
		return nil, err
	}
	o := &optnet{layer: m, w: [2][]float64{m.a, m.logZ0}}
	for k, w := range o.w {
		o.avg[k], o.held[k] = make([]float64, len(w)), make([]float64, len(w))
	}
	if ps != nil {
		return o, nil // not to be trained
	}
	backend, err := lab.NewBackend("")
	if err != nil {
		return nil, err
	}
	w, err := o.parameters()
	if err != nil {
		return nil, err
	}
	o.adam, err = newHost(backend, lr, w)
	return o, err
}

func (o *optnet) step(ctx context.Context, p, y []float64) (out outcome, err error) {
	if out.z, out.info, err = o.forward(ctx, p); err != nil {
		return out, err
	}
	o.dz = resize(o.dz, len(out.z))
	squaredError(o.dz, &out, y)
	if o.d[0], o.d[1], err = o.backward(ctx, o.dz); err != nil {
		return out, err
	}
	for i := range o.grad.Certs {
		switch c := &o.grad.Certs[i]; {
		case !out.answered(i):
		case c.Zeroed:
			out.zeroed++
		case !c.Unique:
			out.notUnique++
		}
	}
	if err := o.adam.step(o.w[:], o.d[:]); err != nil {
		return out, err
	}
	o.steps++
	for k, w := range o.w {
		if o.steps == 1 { // exactly w, whatever was there
			copy(o.avg[k], w)
			continue
		}
		for i, v := range w {
			o.avg[k][i] += (v - o.avg[k][i]) / float64(o.steps)
		}
	}
	return out, nil
}

func (o *optnet) state() *model.Store { return o.adam.store }
func (o *optnet) restored() error     { return o.adam.read(o.w[:]) }

func (o *optnet) mean() {
	for k, w := range o.w {
		copy(o.held[k], w)
		copy(w, o.avg[k])
	}
}

func (o *optnet) resume() {
	for k, w := range o.w {
		copy(w, o.held[k])
	}
	o.steps = 0 // the next step replaces avg
}

func (o *optnet) predict(ctx context.Context, p []float64) (out outcome, err error) {
	out.z, out.info, err = o.layer.predict(ctx, p)
	return out, err
}

func (o *optnet) parameters() ([]parameter, error) {
	return []parameter{
		{"A", []int{rules, inputs}, append([]float64(nil), o.a...)},
		{"log_z0", []int{inputs}, append([]float64(nil), o.logZ0...)},
	}, nil
}

// resize returns a slice of length n, x if it is large enough.
func resize(x []float64, n int) []float64 {
	if cap(x) < n {
		return make([]float64, n)
	}
	return x[:n]
}

// almost counts the boards whose QP was solved with reduced accuracy.
func (o *outcome) almost() (n int) {
	for i := range o.info {
		if o.info[i].Status == qp.AlmostSolved {
			n++
		}
	}
	return n
}
