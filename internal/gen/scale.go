package gen

import (
	"fmt"
	"math"
)

// Scale multiplies rows, costs and variables of a problem by random powers of
// two up to 2^bits, exactly, and what is known about it accordingly.
func Scale(p QP, seed uint64, bits int) QP {
	rng := newRand(seed, bits)
	power := func() float64 { return math.Ldexp(1, rng.IntN(2*bits+1)-bits) }
	powers := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = power()
		}
		return x
	}
	cost, v, ra, rg := power(), powers(p.N), powers(p.NEq), powers(p.NIneq)
	q := p
	q.Name, q.Scaled = fmt.Sprintf("scaled-2^%d/%s", bits, p.Name), bits

	if p.Form == Diagonal {
		q.Q = product(product(p.Q, v, 1), v, cost)
	} else if p.Form == Dense {
		q.Q = scaleRows(scaleCols(p.Q, v, cost), v)
	}
	q.P = product(p.P, v, cost)
	q.A, q.B = scaleRows(scaleCols(p.A, v, 1), ra), product(p.B, ra, 1)
	q.G, q.HL, q.H = scaleRows(scaleCols(p.G, v, 1), rg), product(p.HL, rg, 1), product(p.H, rg, 1)
	inv := reciprocals(v)
	q.L, q.U = product(p.L, inv, 1), product(p.U, inv, 1)
	q.Z, q.Feasible = product(p.Z, inv, 1), product(p.Feasible, inv, 1)
	switch p.Status {
	case PrimalInfeasible:
		cost = 1 // a proof does not see the objective
	case DualInfeasible:
		q.Z = product(q.Z, repeat(1, p.N), 1/cost) // pᵀd = −1
	}
	q.Nu = product(p.Nu, reciprocals(ra), cost)
	q.Lambda = product(p.Lambda, reciprocals(rg), cost)
	q.Mu = product(p.Mu, v, cost)
	return q
}

// product is c·x∘y, nil if x is.
func product(x, y []float64, c float64) []float64 {
	if x == nil {
		return nil
	}
	z := make([]float64, len(x))
	for i := range z {
		z[i] = x[i] * y[i] * c
	}
	return z
}

func reciprocals(x []float64) []float64 {
	y := make([]float64, len(x))
	for i := range y {
		y[i] = 1 / x[i]
	}
	return y
}

func scaleRows(m, r []float64) []float64 {
	if m == nil {
		return nil
	}
	y := make([]float64, len(m))
	cols := len(m) / len(r)
	for i := range y {
		y[i] = m[i] * r[i/cols]
	}
	return y
}

func scaleCols(m, c []float64, by float64) []float64 {
	if m == nil {
		return nil
	}
	y := make([]float64, len(m))
	for i := range y {
		y[i] = m[i] * c[i%len(c)] * by
	}
	return y
}
