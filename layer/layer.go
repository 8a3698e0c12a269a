package layer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/qp"
)

// Form says how a program is solved.
type Form uint8

const (
	// Auto takes Dense for linear and quadratic programs that are small.
	Auto Form = iota
	// Dense solves a dense QP by package qp.
	Dense
	// Cone solves a sparse cone program by package conic.
	Cone
)

func (f Form) String() string { return [...]string{"Auto", "Dense", "Cone"}[f] }

// Auto takes the dense form up to these sizes.
const (
	denseVars = 256  // variables
	denseRows = 1024 // equations and inequalities that are not bounds
)

// Options of a Layer. Nil, and zero fields, mean the defaults.
type Options struct {
	Form   Form
	Duals  []string  // names of the constraints whose multipliers are outputs
	Engine qp.Engine // of the dense form; nil: the CPU
	// Workers, EpsAbs, EpsRel, MaxIter, TimeLimit, Rule and Kappa are those of the
	// solver that is used. For package conic, WeakActive is LeastSquares.
	Workers        int
	EpsAbs, EpsRel float64
	MaxIter        int
	TimeLimit      time.Duration
	Rule           qp.Rule
	Kappa          float64
}

// Layer is a differentiable map from parameters to solutions. It is immutable and
// safe for concurrent use.
type Layer struct {
	prog   *cvx.Program
	params []int // those of the program, in the order of Forward's values
	vars   []int
	duals  []int
	info   []cvx.Param // of params
	outs   []cvx.Var   // of vars
	mults  []cvx.Dual  // of duals
	opt    Options
	form   Form
	why    string

	coefs  []coefficient
	engine engine
	nx, nz int // lengths of x and z, the multipliers of the cone program
}

// coefficient is one array of the solver's data.
type coefficient struct {
	m     *cvx.Map // nil: the program has none
	fixed []float64
	uses  []bool // the params, in the program's order, that it depends on
}

// engine is what solves.
type engine interface {
	newState() state
}

// state is what an engine keeps for one Pass.
type state interface {
	// solve solves p.size elements with data[c], shared or per element, and leaves
	// x, the engine's objective and infos in p. reuse tells that the fixed
	// coefficients are those of the call before.
	solve(ctx context.Context, p *Pass, data [][]float64, reuse bool) error
	// z writes element i's multipliers of the cone program.
	z(p *Pass, i int, dst []float64)
	// rays writes the proof that element i is infeasible, as multipliers z, or
	// unbounded, as a direction x.
	rays(p *Pass, i int, x, z []float64)
	// vjp returns gradients with respect to the coefficients that want marks,
	// shared or per element as the data were, from cotangents of x, z and the
	// objective; nil is zero.
	vjp(ctx context.Context, p *Pass, want []bool, ux, uz, uv []float64) ([][]float64, []Certificate, error)
	// jvp returns the tangents of x, z and the objective along dir; nil is zero.
	jvp(ctx context.Context, p *Pass, dir [][]float64) (dx, dv []float64, dz func(i int, dst []float64), certs []Certificate, err error)
	close() error
}

// New makes a layer of a program. Params and vars name the parameters in the
// order in which Forward takes their values, and the variables in the order in
// which it returns theirs; nil stands for all of them in the order of
// declaration. Every parameter must be among params.
func New(prog *cvx.Program, params, vars []string, opt *Options) (*Layer, error) {
	if prog == nil {
		return nil, fmt.Errorf("layer: New takes a compiled program, and it is nil: check the error of Compile")
	}
	l := &Layer{prog: prog}
	if opt != nil {
		l.opt = *opt
		l.opt.Duals = slices.Clone(opt.Duals)
	}
	all := prog.Params()
	var err error
	if l.params, err = pick("parameter", params, len(all), func(k int) string { return all[k].Name }); err != nil {
		return nil, err
	}
	for k := range all {
		if !slices.Contains(l.params, k) {
			return nil, fmt.Errorf("layer: parameter %q of the program is not among params: every parameter needs a value", all[k].Name)
		}
	}
	for _, k := range l.params {
		l.info = append(l.info, all[k])
	}
	vs, ds := prog.Vars(), prog.Duals()
	if l.vars, err = pick("variable", vars, len(vs), func(k int) string { return vs[k].Name }); err != nil {
		return nil, err
	}
	if l.duals, err = pick("constraint", append([]string{}, l.opt.Duals...), len(ds), func(k int) string { return ds[k].Name }); err != nil {
		return nil, err
	}
	for _, k := range l.vars {
		l.outs = append(l.outs, vs[k])
	}
	if err := l.plan(); err != nil {
		return nil, err
	}
	return l, nil
}

// With makes a plan of the same program with other options. It is cheap: nothing
// is compiled again.
func (l *Layer) With(opt *Options) (*Layer, error) {
	n := *l
	n.opt = Options{}
	if opt != nil {
		n.opt = *opt
	}
	n.opt.Duals = slices.Clone(n.opt.Duals)
	ds := n.prog.Duals()
	var err error
	if n.duals, err = pick("constraint", append([]string{}, n.opt.Duals...), len(ds), func(k int) string { return ds[k].Name }); err != nil {
		return nil, err
	}
	if err := n.plan(); err != nil {
		return nil, err
	}
	return &n, nil
}

// pick finds names; nil are all.
func pick(what string, names []string, n int, name func(int) string) ([]int, error) {
	idx := make([]int, 0, n)
	if names == nil {
		for k := range n {
			idx = append(idx, k)
		}
		return idx, nil
	}
	for _, want := range names {
		at := -1
		have := make([]string, n)
		for k := range n {
			have[k] = name(k)
			if have[k] == want {
				at = k
			}
		}
		switch {
		case at < 0:
			return nil, fmt.Errorf("layer: the program has no %s %q, it has %s", what, want, strings.Join(have, ", "))
		case slices.Contains(idx, at):
			return nil, fmt.Errorf("layer: %s %q is named twice", what, want)
		}
		idx = append(idx, at)
	}
	return idx, nil
}

// plan chooses the form and prepares the engine.
func (l *Layer) plan() error {
	ds := l.prog.Duals()
	l.mults = nil
	for _, k := range l.duals {
		l.mults = append(l.mults, ds[k])
	}
	st, dense := l.prog.Structure(), l.prog.QP()
	l.nx, l.nz = st.N, l.prog.Map(conic.CoefB).Len()
	l.form = l.opt.Form
	switch {
	case l.form > Cone:
		return fmt.Errorf("layer: Options.Form is %d, want Auto, Dense or Cone", l.form)
	case l.form == Dense && dense == nil:
		return fmt.Errorf("layer: Options.Form is Dense, and the program has cones of other kinds or is too large to be dense: use Auto or Cone")
	case l.form == Auto && dense == nil:
		l.form, l.why = Cone, "the program has cones that are not linear, or is too large to be dense"
	case l.form == Auto && (dense.Shape.N > denseVars || dense.Shape.NEq+dense.Shape.NIneq > denseRows):
		l.form, l.why = Cone, fmt.Sprintf("linear and quadratic, with more than %d variables or %d rows", denseVars, denseRows)
	case l.form == Auto:
		l.form, l.why = Dense, "linear and quadratic, and small"
	default:
		l.why = "asked for"
	}
	var maps []*cvx.Map
	var err error
	if l.form == Dense {
		for k := range 9 {
			maps = append(maps, dense.Map(1<<k))
		}
		l.engine, err = newDense(l, dense)
	} else {
		for k := range 4 {
			maps = append(maps, l.prog.Map(1<<k))
		}
		l.engine, err = newCone(l, st)
	}
	if err != nil {
		return fmt.Errorf("layer: planning: %w", err)
	}
	l.coefs = nil
	for _, m := range maps {
		c := coefficient{m: m}
		if m != nil {
			c.uses = make([]bool, len(l.prog.Params()))
			for k := range c.uses {
				c.uses[k] = l.prog.Uses(m, k)
			}
			if m.Constant() {
				c.fixed = make([]float64, m.Len())
				m.Apply(c.fixed, nil)
			}
		}
		l.coefs = append(l.coefs, c)
	}
	return nil
}

// Program returns the program.
func (l *Layer) Program() *cvx.Program { return l.prog }

// Form tells how the program is solved: Dense or Cone.
func (l *Layer) Form() Form { return l.form }

// Method tells how the program is solved, and why.
func (l *Layer) Method() string { return fmt.Sprintf("%v (%s)", l.form, l.why) }

// Params describes the values that Forward takes, in order.
func (l *Layer) Params() []cvx.Param { return slices.Clone(l.info) }

// Vars describes Outputs.Vars, in order.
func (l *Layer) Vars() []cvx.Var { return slices.Clone(l.outs) }

// Duals describes Outputs.Duals, in order.
func (l *Layer) Duals() []cvx.Dual { return slices.Clone(l.mults) }
