package layer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/optnet-go/optnet/qp"
)

// ErrNoForward is returned by the derivatives of a Pass without a forward pass.
var ErrNoForward = errors.New("layer: pass has no forward pass to differentiate: call Forward first")

// Outputs is a value in the space of outputs: a solution, a cotangent or a
// tangent. Nil is zero, or absent.
type Outputs struct {
	Vars  [][]float64 // per variable, Size times its size
	Duals [][]float64 // per name in Options.Duals, Size times the multiplier's size
	Value []float64   // Size: the model's objective
}

// Info is how one element ended.
type Info struct {
	Status     qp.Status
	Iterations int
	Primal     float64 // residuals, as in the solver's Info
	Dual       float64
	Gap        float64
	Reason     string
}

// Certificate says how far one element's derivative can be trusted; see
// qp.Certificate and conic.Certificate.
type Certificate struct {
	Residual, Margin, RCond, Error float64
	Active, Weak                   int // rows and bounds; −1 for cone programs, which do not count them
	Unique, Zeroed                 bool
}

// A Ray proves that an element has no solution, in the model's own names: by weights of
// the constraints, with the signs of multipliers, that add up to a contradiction, or by
// a direction of the variables along which the objective improves without end. Of a model
// of logarithms (cvx.NewGP) it is in those.
type Ray struct {
	Vars, Duals map[string][]float64 // one of them is nil
}

// Gradient is the destination of Backward; the zero value is ready.
type Gradient struct {
	// Want says which parameters' gradients to compute, in the order of Forward's
	// values; nil: all.
	Want   []bool
	Add    bool        // add to what is there
	Params [][]float64 // shared or per element, as the values were
	Certs  []Certificate
}

// Tangent is the destination of JVP; the zero value is ready.
type Tangent struct {
	Outputs
	Certs []Certificate
}

// Pass is the destination of Forward: outputs, and what derivatives need. The
// zero value is ready. It serves one goroutine at a time.
type Pass struct {
	Outputs
	Info []Info

	layer *Layer
	size  int
	done  bool // a forward pass is complete
	state state

	values [][]float64 // copies, in the program's order
	shared []bool
	theta  []float64   // per element if any parameter is, else one
	data   [][]float64 // per coefficient
	bad    []string    // why an element's parameters are refused

	x, raw []float64 // Size×N, and the solver's objective

	// Scratch of the derivatives.
	dtheta, ux, uz, uv, z []float64
	dir                   [][]float64
	want                  []bool
	chol                  []float64
}

// Size is the number of elements of the last forward pass.
func (p *Pass) Size() int { return p.size }

// Err is nil if every element is Solved, and otherwise an error that tells the
// first that is not, and how many; errors.Is finds qp.ErrInfeasible,
// qp.ErrUnbounded and qp.ErrNotSolved.
func (p *Pass) Err() error {
	var e *qp.ElementError
	for i := range p.Info {
		if st := p.Info[i].Status; st != qp.Solved {
			if e == nil {
				e = &qp.ElementError{Index: i, Status: st, Reason: p.Info[i].Reason}
			}
			e.Count++
		}
	}
	if e == nil {
		return nil
	}
	return e
}

// Close gives an engine's memory back at once; it is optional on the CPU.
func (p *Pass) Close() error {
	p.done = false
	if p.state == nil {
		return nil
	}
	s := p.state
	p.state, p.layer = nil, nil
	return s.close()
}

// Forward solves the program for each element. Values are the parameters in
// the order of [New], each of the length of one value (shared) or of Size of
// them; they are copied. The error is for what concerns the call: lengths, the
// device, ctx. If ctx ended, it wraps the cause and dst is valid, as in package
// qp.
func (l *Layer) Forward(ctx context.Context, dst *Pass, values ...[]float64) error {
	if l.engine == nil {
		return fmt.Errorf("layer: the layer is empty: make it by New")
	}
	size, err := l.batch(values)
	if err != nil {
		return err
	}
	if dst == nil {
		return fmt.Errorf("layer: Forward takes a Pass to write to, and it is nil")
	}
	reuse := dst.layer == l && dst.done
	if dst.layer != l {
		if err := dst.Close(); err != nil {
			return err
		}
		dst.layer, dst.state = l, l.engine.newState()
		dst.values = make([][]float64, len(l.params))
		dst.shared = make([]bool, len(l.params))
		dst.data = make([][]float64, len(l.coefs))
		dst.dir = make([][]float64, len(l.coefs))
		dst.want = make([]bool, len(l.coefs))
		dst.Vars = make([][]float64, len(l.vars))
		dst.Duals = make([][]float64, len(l.duals))
	}
	dst.size, dst.done = size, false
	for i, k := range l.params {
		dst.values[k] = append(dst.values[k][:0], values[i]...)
		dst.shared[k] = len(values[i]) == l.info[i].Size()
		if size == 1 {
			dst.shared[k] = false
		}
	}
	l.validate(dst)
	dst.fill()
	dst.raw, dst.Info = grow(dst.raw, size), growInfo(dst.Info, size)
	if err := dst.state.solve(ctx, dst, dst.data, reuse); err != nil && ctx.Err() == nil {
		return err
	} else if err != nil {
		dst.collect()
		return err
	}
	dst.collect()
	dst.done = true
	return nil
}

// batch finds the batch size from the lengths of the values.
func (l *Layer) batch(values [][]float64) (int, error) {
	if len(values) != len(l.params) {
		names := make([]string, len(l.info))
		for i := range names {
			names[i] = l.info[i].Name
		}
		return 0, fmt.Errorf("layer: Forward got %d values, want %d: %v", len(values), len(names), names)
	}
	size, by := 1, -1
	some := slices.ContainsFunc(values, func(v []float64) bool { return len(v) > 0 })
	for i, v := range values {
		one := l.info[i].Size()
		switch {
		case v == nil && some: // an empty batch would hide it
			return 0, fmt.Errorf("layer: parameter %s is not set: its value is nil, want %d numbers (shared) or a multiple of that (per element); an empty batch is an empty slice that is not nil", l.info[i].Name, one)
		case len(v) == one:
		case len(v)%one != 0:
			return 0, fmt.Errorf("layer: parameter %s has %d values, want %d (shared) or a multiple of it (per element)", l.info[i].Name, len(v), one)
		case by >= 0 && len(v)/one != size:
			return 0, fmt.Errorf("layer: parameter %s has values for %d elements, and %s for %d", l.info[i].Name, len(v)/one, l.info[by].Name, size)
		default:
			size, by = len(v)/one, i
		}
	}
	return size, nil
}

// value returns element i's value of parameter k of the program.
func (p *Pass) value(k, i int) []float64 { return part(p.values[k], p.shared[k], p.size, i) }

// part returns element i's part of an array.
func part(x []float64, shared bool, size, i int) []float64 {
	if shared || size == 0 {
		return x
	}
	n := len(x) / size
	return x[i*n : (i+1)*n]
}

// at returns element i's θ.
func (p *Pass) at(theta []float64, i int) []float64 {
	n := p.layer.prog.Theta()
	if len(theta) == n {
		return theta
	}
	return theta[i*n : (i+1)*n]
}

// elements is how many values of θ there are: one if all parameters are shared.
func (p *Pass) elements() int {
	for _, s := range p.shared {
		if !s {
			return p.size
		}
	}
	return min(1, p.size)
}

// fill computes θ and the coefficients.
func (p *Pass) fill() {
	l := p.layer
	n := l.prog.Theta()
	elements := p.elements()
	p.theta = grow(p.theta, n*max(elements, 1))
	for i := range elements {
		for k := range p.values {
			l.prog.ParamTheta(p.at(p.theta, i), k, p.value(k, i))
		}
	}
	for c := range l.coefs {
		co := &l.coefs[c]
		switch {
		case co.m == nil:
			p.data[c] = nil
		case co.fixed != nil:
			p.data[c] = co.fixed
		case p.coefShared(c):
			p.data[c] = grow(p.data[c], co.m.Len())
			if elements > 0 {
				co.m.Apply(p.data[c], p.at(p.theta, 0))
			}
		default:
			p.data[c] = grow(p.data[c], co.m.Len()*p.size)
			for i := range p.size {
				x := p.data[c][i*co.m.Len() : (i+1)*co.m.Len()]
				co.m.Apply(x, p.at(p.theta, i))
				if p.bad[i] != "" && len(x) > 0 { // the engine refuses the element
					x[0] = math.NaN()
				}
			}
		}
	}
}

// coefShared says whether coefficient c depends on shared parameters only.
func (p *Pass) coefShared(c int) bool {
	for k, uses := range p.layer.coefs[c].uses {
		if uses && !p.shared[k] {
			return false
		}
	}
	return true
}

// collect writes the outputs.
func (p *Pass) collect() {
	l := p.layer
	for i, why := range p.bad {
		if why != "" {
			p.Info[i] = Info{Status: qp.InvalidInput, Reason: why}
			clear(p.x[i*l.nx : (i+1)*l.nx])
			p.raw[i] = 0
			if l.prog.Logarithmic() { // 0 would stand for 1
				for j := range l.nx {
					p.x[i*l.nx+j] = math.NaN()
				}
				p.raw[i] = math.NaN()
			}
		}
	}
	p.explain()
	p.Value = grow(p.Value, p.size)
	for i := range p.size {
		p.Value[i] = l.prog.Value(p.raw[i], p.at(p.theta, i))
	}
	for o, k := range l.vars {
		n := l.outs[o].Size()
		p.Vars[o] = grow(p.Vars[o], n*p.size)
		for i := range p.size {
			l.prog.Recover(p.Vars[o][i*n:(i+1)*n], k, p.xs(i))
		}
	}
	if len(l.duals) == 0 {
		return
	}
	p.z = grow(p.z, l.nz)
	for o := range l.duals {
		p.Duals[o] = grow(p.Duals[o], l.mults[o].Size()*p.size)
	}
	for i := range p.size {
		p.state.z(p, i, p.z)
		for o, k := range l.duals {
			n := l.mults[o].Size()
			l.prog.Multiplier(p.Duals[o][i*n:(i+1)*n], k, p.z)
		}
	}
}

// xs is element i's x.
func (p *Pass) xs(i int) []float64 { return p.x[i*p.layer.nx : (i+1)*p.layer.nx] }

func grow(x []float64, n int) []float64 {
	if cap(x) < n {
		return make([]float64, n)
	}
	return x[:n]
}

// zeros is grow, and all zero.
func zeros(x []float64, n int) []float64 {
	x = grow(x, n)
	clear(x)
	return x
}

func growInfo(x []Info, n int) []Info {
	if cap(x) < n {
		return make([]Info, n)
	}
	return x[:n]
}

func growCerts(x []Certificate, n int) []Certificate {
	if cap(x) < n {
		return make([]Certificate, n)
	}
	return x[:n]
}
