package layer

import (
	"fmt"
	"math"
	"strings"

	"github.com/optnet-go/optnet/qp"
)

// explain names, for every element that is infeasible or unbounded, what its proof
// is made of: the constraints that contradict each other, or the variables that
// grow without end.
func (p *Pass) explain() {
	l := p.layer
	for i := range p.Info {
		in := &p.Info[i]
		if in.Status != qp.PrimalInfeasible && in.Status != qp.DualInfeasible || in.Reason != "" {
			continue
		}
		x, z := make([]float64, l.nx), make([]float64, l.nz)
		p.state.rays(p, i, x, z)
		if in.Status == qp.DualInfeasible {
			in.Reason = p.unbounded(x)
		} else {
			in.Reason = p.contradiction(z)
		}
	}
}

// Ray returns the proof that element i of the last forward pass is infeasible or unbounded,
// nil if it is neither.
func (p *Pass) Ray(i int) *Ray {
	if !p.done || i < 0 || i >= p.size {
		return nil
	}
	l := p.layer
	st := p.Info[i].Status
	if st != qp.PrimalInfeasible && st != qp.DualInfeasible {
		return nil
	}
	x, z := make([]float64, l.nx), make([]float64, l.nz)
	p.state.rays(p, i, x, z)
	r := &Ray{}
	if st == qp.DualInfeasible {
		r.Vars = map[string][]float64{}
		for k, v := range l.prog.Vars() {
			d := make([]float64, v.Size())
			l.prog.RecoverTangent(d, k, make([]float64, l.nx), x)
			r.Vars[v.Name] = d
		}
		return r
	}
	r.Duals = map[string][]float64{}
	for k, c := range l.prog.Duals() {
		w := make([]float64, c.Size())
		l.prog.Multiplier(w, k, z)
		r.Duals[c.Name] = w
	}
	return r
}

// enough is the part of a proof's largest entry from which on a constraint or
// variable is named.
const enough = 1e-3

func largest(x []float64) (m float64) {
	for _, v := range x {
		m = math.Max(m, math.Abs(v))
	}
	return m
}

func (p *Pass) contradiction(z []float64) string {
	l := p.layer
	top := largest(z)
	if top == 0 {
		return ""
	}
	var names []string
	d := make([]float64, l.nz)
	for k, c := range l.prog.Duals() {
		// What of the proof lies in the rows of constraint k.
		part := make([]float64, c.Size())
		l.prog.Multiplier(part, k, z)
		if m := largest(part); m > enough*top {
			names = append(names, fmt.Sprintf("%q", c.Name))
		}
		l.prog.MultiplierAdjoint(d, k, part)
	}
	own := ""
	for r := range z { // rows that belong to no constraint: bounds and the cones of atoms
		if math.Abs(z[r]) > enough*top && d[r] == 0 {
			own = "bounds of variables or domains of functions"
		}
	}
	if own != "" {
		names = append(names, own)
	}
	return "in contradiction: " + strings.Join(names, ", ")
}

func (p *Pass) unbounded(x []float64) string {
	l := p.layer
	var names []string
	vars := l.prog.Vars()
	all := make([][]float64, len(vars))
	top := 0.0
	for k := range vars {
		all[k] = make([]float64, vars[k].Size())
		l.prog.RecoverTangent(all[k], k, make([]float64, l.nx), x)
		top = math.Max(top, largest(all[k]))
	}
	for k := range vars {
		if largest(all[k]) > enough*top {
			names = append(names, vars[k].Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "without bound: " + strings.Join(names, ", ")
}
