package qp

// direction is a point, or a step, in the space of K: z, ν and the net
// multipliers of all constraints.
type direction struct {
	z, nu, lam []float64
}

func newDirection(a *arena, n, p, t int) direction {
	return direction{a.floats(n), a.floats(p), a.floats(t)}
}

func (d *direction) copyFrom(o *direction) {
	copy(d.z, o.z)
	copy(d.nu, o.nu)
	copy(d.lam, o.lam)
}

func (d *direction) add(alpha float64, o *direction) {
	for i, v := range o.z {
		d.z[i] += alpha * v
	}
	for i, v := range o.nu {
		d.nu[i] += alpha * v
	}
	for i, v := range o.lam {
		d.lam[i] += alpha * v
	}
}

func (d *direction) clear() {
	clear(d.z)
	clear(d.nu)
	clear(d.lam)
}

// iterate is a point of the interior-point method: z, ν, net λ, and for every
// side its slack and its multiplier (both positive; unused where the side is
// infinite or the constraint is fixed).
type iterate struct {
	direction
	su, sl []float64 // slacks up − Cz and Cz − lo, up to the primal residual
	lu, ll []float64 // their multipliers; λ = lu − ll
}

func newIterate(a *arena, n, p, t int) iterate {
	return iterate{newDirection(a, n, p, t), a.floats(t), a.floats(t), a.floats(t), a.floats(t)}
}

func (x *iterate) copyFrom(o *iterate) {
	x.direction.copyFrom(&o.direction)
	copy(x.su, o.su)
	copy(x.sl, o.sl)
	copy(x.lu, o.lu)
	copy(x.ll, o.ll)
}

func (x *iterate) clear() {
	x.direction.clear()
	clear(x.su)
	clear(x.sl)
	clear(x.lu)
	clear(x.ll)
}

// stepping is a step of the method: of z, ν and net λ by the linear solve, and
// of the slacks and their multipliers.
type stepping struct {
	direction
	dsu, dsl, dlu, dll []float64
}

func newStepping(a *arena, n, p, t int) *stepping {
	return &stepping{newDirection(a, n, p, t), a.floats(t), a.floats(t), a.floats(t), a.floats(t)}
}
