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

// The sides of the constraints. A slack is sideSign·(side − Cz), up to the primal
// residual, and λ is the sum of sideSign times the multipliers.
const (
	upper = iota
	lower
)

var sideSign = [2]float64{+1, -1}

// iterate is a point of the interior-point method: z, ν, net λ, and for both
// sides of every constraint a slack and a multiplier, positive, or 1 and 0 where
// the constraint has no such side.
type iterate struct {
	direction
	s, l [2][]float64
	all  []float64 // what they lie in
}

func iterateLen(n, p, t int) int { return n + p + 5*t }

// iterateAt makes an iterate of memory.
func iterateAt(all []float64, n, p, t int) iterate {
	x := all
	cut := func(n int) []float64 {
		y := x[:n:n]
		x = x[n:]
		return y
	}
	return iterate{
		direction: direction{cut(n), cut(p), cut(t)},
		s:         [2][]float64{cut(t), cut(t)},
		l:         [2][]float64{cut(t), cut(t)},
		all:       all,
	}
}

func newIterate(a *arena, n, p, t int) iterate {
	all := a.floats(iterateLen(n, p, t))
	if a.buf == nil { // counting
		return iterate{}
	}
	return iterateAt(all, n, p, t)
}

func (x *iterate) copyFrom(o *iterate) { copy(x.all, o.all) }

func (x *iterate) clear() { clear(x.all) }

// unsided makes every slack 1 and every multiplier 0.
func (x *iterate) unsided() {
	for k := range x.s {
		for t := range x.s[k] {
			x.s[k][t] = 1
		}
		clear(x.l[k])
	}
}

// stepping is a step of the method: of z, ν and net λ by the linear solve, and
// of the slacks and their multipliers.
type stepping struct {
	direction
	ds, dl [2][]float64
}

func newStepping(a *arena, n, p, t int) *stepping {
	return &stepping{newDirection(a, n, p, t), [2][]float64{a.floats(t), a.floats(t)}, [2][]float64{a.floats(t), a.floats(t)}}
}
