package layer

import (
	"context"
	"fmt"
	"math"

	"github.com/optnet-go/optnet/qp"
)

// solved says whether element i has a derivative.
func (p *Pass) solved(i int) bool {
	return p.Info[i].Status == qp.Solved || p.Info[i].Status == qp.AlmostSolved
}

// checkOutputs checks the lengths of a cotangent.
func (p *Pass) checkOutputs(up *Outputs) error {
	l := p.layer
	if len(up.Vars) > len(l.vars) || len(up.Duals) > len(l.duals) {
		return fmt.Errorf("layer: up has %d variables and %d multipliers, want at most %d and %d", len(up.Vars), len(up.Duals), len(l.vars), len(l.duals))
	}
	for o, a := range up.Vars {
		if v := &l.outs[o]; len(a) != 0 && len(a) != v.Size()*p.size {
			return fmt.Errorf("layer: up.Vars[%d] (%s) has %d values, want %d for each of %d elements", o, v.Name, len(a), v.Size(), p.size)
		}
	}
	for o, a := range up.Duals {
		if d := &l.mults[o]; len(a) != 0 && len(a) != d.Size()*p.size {
			return fmt.Errorf("layer: up.Duals[%d] (%s) has %d values, want %d for each of %d elements", o, d.Name, len(a), d.Size(), p.size)
		}
	}
	if n := len(up.Value); n != 0 && n != p.size {
		return fmt.Errorf("layer: up.Value has %d values, want %d (one per element)", n, p.size)
	}
	return nil
}

// Backward writes the gradient of a loss with respect to the parameters, given
// its gradient up with respect to the outputs; nil arrays are zero. Elements that
// are not solved, or whose part of up is not finite, contribute zero and are
// flagged Zeroed.
func (p *Pass) Backward(ctx context.Context, dst *Gradient, up *Outputs) error {
	if !p.done {
		return ErrNoForward
	}
	l := p.layer
	if dst == nil || up == nil {
		return fmt.Errorf("layer: Backward takes a Gradient to write to and Outputs that hold the loss's gradient, and one of them is nil")
	}
	if err := p.checkOutputs(up); err != nil {
		return err
	}
	if dst.Want != nil && len(dst.Want) != len(l.params) {
		return fmt.Errorf("layer: Gradient.Want has %d entries, want %d, one a parameter", len(dst.Want), len(l.params))
	}
	if err := p.growGradient(dst); err != nil {
		return err
	}
	n := l.prog.Theta()
	elements := p.elements()
	p.dtheta = zeros(p.dtheta, n*max(elements, 1))
	ux, uz := p.cotangents(up)
	ux = p.poison(ux)
	var uv []float64
	if len(up.Value) > 0 {
		p.uv = zeros(p.uv, p.size)
		uv = p.uv
		for i := range p.size {
			if !p.solved(i) || !p.finite(up, i) {
				uv[i] = math.NaN() // refused by the engine, too
				continue
			}
			uv[i] = l.prog.ValueAdjoint(p.at(p.dtheta, i), p.Value[i], up.Value[i], p.at(p.theta, i))
		}
	}
	for c := range l.coefs {
		p.want[c] = false
		for o, k := range l.params {
			p.want[c] = p.want[c] || l.coefs[c].uses != nil && l.coefs[c].uses[k] && dst.wants(o)
		}
	}
	grads, certs, err := p.state.vjp(ctx, p, p.want, ux, uz, uv)
	if err != nil {
		return err
	}
	dst.Certs = append(dst.Certs[:0], certs...)
	for c := range l.coefs {
		if !p.want[c] {
			continue
		}
		m := l.coefs[c].m
		switch {
		case p.size == 0:
		case len(grads[c]) == m.Len():
			m.Adjoint(p.at(p.dtheta, 0), grads[c])
		default:
			for i := range p.size {
				m.Adjoint(p.at(p.dtheta, i), grads[c][i*m.Len():(i+1)*m.Len()])
			}
		}
	}
	for o, k := range l.params {
		if !dst.wants(o) {
			continue
		}
		for i := range elements {
			if p.bad[i] != "" { // a value that is refused may have no derivative, either
				continue
			}
			l.prog.ParamAdjoint(part(dst.Params[o], p.shared[k], p.size, i), k, p.value(k, i), p.at(p.dtheta, i))
		}
	}
	return nil
}

func (g *Gradient) wants(o int) bool { return g.Want == nil || g.Want[o] }

// growGradient gives the gradients their lengths.
func (p *Pass) growGradient(dst *Gradient) error {
	l := p.layer
	if len(dst.Params) != len(l.params) {
		dst.Params = append(dst.Params[:0], make([][]float64, len(l.params))...)
	}
	for o, k := range l.params {
		n := len(p.values[k])
		switch g := dst.Params[o]; {
		case !dst.wants(o):
			dst.Params[o] = g[:0]
		case !dst.Add || len(g) == 0:
			dst.Params[o] = zeros(g, n)
		case len(g) != n:
			return fmt.Errorf("layer: Gradient.Params[%d] (%s) has %d values, want %d to add to", o, l.info[o].Name, len(g), n)
		}
	}
	return nil
}

// cotangents turns those of variables and multipliers into those of x and z.
func (p *Pass) cotangents(up *Outputs) (ux, uz []float64) {
	l := p.layer
	for o, d := range up.Vars {
		if len(d) == 0 {
			continue
		}
		if ux == nil {
			p.ux = zeros(p.ux, p.size*l.nx)
			ux = p.ux
		}
		n := len(d) / max(p.size, 1)
		for i := range p.size {
			l.prog.RecoverAdjoint(ux[i*l.nx:(i+1)*l.nx], l.vars[o], p.xs(i), d[i*n:(i+1)*n])
		}
	}
	for o, d := range up.Duals {
		if len(d) == 0 {
			continue
		}
		if uz == nil {
			p.uz = zeros(p.uz, p.size*l.nz)
			uz = p.uz
		}
		n := len(d) / max(p.size, 1)
		for i := range p.size {
			l.prog.MultiplierAdjoint(uz[i*l.nz:(i+1)*l.nz], l.duals[o], d[i*n:(i+1)*n])
		}
	}
	return ux, uz
}

// poison makes the cotangents of elements with refused parameters NaN, so that no
// engine gives them a gradient.
func (p *Pass) poison(ux []float64) []float64 {
	for i, why := range p.bad {
		if why == "" {
			continue
		}
		if ux == nil {
			p.ux = zeros(p.ux, p.size*p.layer.nx)
			ux = p.ux
		}
		ux[i*p.layer.nx] = math.NaN()
	}
	return ux
}

// finite says whether element i's part of up is.
func (p *Pass) finite(up *Outputs, i int) bool {
	ok := true
	look := func(x []float64) {
		if n := len(x) / p.size; n > 0 {
			for _, v := range x[i*n : (i+1)*n] {
				ok = ok && !math.IsNaN(v) && !math.IsInf(v, 0)
			}
		}
	}
	for _, x := range up.Vars {
		look(x)
	}
	for _, x := range up.Duals {
		look(x)
	}
	look(up.Value)
	return ok
}

// JVP writes the change of the outputs when the parameters move along dir, one
// array a parameter in the order of Forward's values: nil (no change), shared or
// per element, whatever the value is.
func (p *Pass) JVP(ctx context.Context, dst *Tangent, dir ...[]float64) error {
	if !p.done {
		return ErrNoForward
	}
	l := p.layer
	if dst == nil {
		return fmt.Errorf("layer: JVP takes a Tangent to write to, and it is nil")
	}
	if len(dir) != len(l.params) {
		return fmt.Errorf("layer: JVP got %d directions, want %d, nil where a parameter does not change", len(dir), len(l.params))
	}
	moves := make([]bool, len(l.params)) // in the program's order
	perElement := p.elements() != 1 || p.size <= 1
	for o, k := range l.params {
		one := l.info[o].Size()
		switch n := len(dir[o]); {
		case n == 0:
			continue
		case n != one && n != one*p.size:
			return fmt.Errorf("layer: the direction of parameter %s has %d values, want %d (shared) or %d (per element)", l.info[o].Name, n, one, one*p.size)
		case n != one:
			perElement = true
		}
		moves[k] = true
	}
	n, elements := l.prog.Theta(), 1
	if perElement {
		elements = p.size
	}
	p.dtheta = zeros(p.dtheta, n*max(elements, 1))
	for o, k := range l.params {
		for i := range elements {
			if moves[k] {
				d := part(dir[o], len(dir[o]) == l.info[o].Size(), p.size, i)
				l.prog.ParamTangent(p.at(p.dtheta, i), k, p.value(k, i), d)
			}
		}
	}
	for c := range l.coefs {
		co := &l.coefs[c]
		any := false
		for k, uses := range co.uses {
			any = any || uses && moves[k]
		}
		if !any {
			p.dir[c] = p.dir[c][:0]
			continue
		}
		p.dir[c] = grow(p.dir[c], co.m.Len()*elements)
		for i := range elements {
			co.m.Tangent(p.dir[c][i*co.m.Len():(i+1)*co.m.Len()], p.at(p.dtheta, i))
		}
	}
	dx, dv, dz, certs, err := p.state.jvp(ctx, p, p.dir)
	if err != nil {
		return err
	}
	dst.Certs = append(dst.Certs[:0], certs...)
	p.outputsTangent(dst, dx, dv, dz)
	return nil
}

func (p *Pass) outputsTangent(dst *Tangent, dx, dv []float64, dz func(int, []float64)) {
	l := p.layer
	if len(dst.Vars) != len(l.vars) {
		dst.Vars = make([][]float64, len(l.vars))
	}
	if len(dst.Duals) != len(l.duals) {
		dst.Duals = make([][]float64, len(l.duals))
	}
	dst.Value = zeros(dst.Value, p.size)
	for i := range p.size {
		if p.solved(i) && !dst.Certs[i].Zeroed {
			dst.Value[i] = l.prog.ValueTangent(p.Value[i], dv[i], p.at(p.theta, i), p.at(p.dtheta, i))
		}
	}
	for o, k := range l.vars {
		n := len(p.Vars[o]) / max(p.size, 1)
		dst.Vars[o] = grow(dst.Vars[o], n*p.size)
		for i := range p.size {
			l.prog.RecoverTangent(dst.Vars[o][i*n:(i+1)*n], k, p.xs(i), dx[i*l.nx:(i+1)*l.nx])
		}
	}
	p.z = grow(p.z, l.nz)
	for o := range l.duals {
		dst.Duals[o] = grow(dst.Duals[o], len(p.Duals[o]))
	}
	if len(l.duals) == 0 {
		return
	}
	for i := range p.size {
		dz(i, p.z)
		for o, k := range l.duals {
			n := len(p.Duals[o]) / p.size
			l.prog.Multiplier(dst.Duals[o][i*n:(i+1)*n], k, p.z)
		}
	}
}
