package conic

import "github.com/optnet-go/optnet/internal/dense"

// lineality looks for a direction along which the objective falls and nothing else
// changes: x with Px = 0, Ax = 0 and qᵀx < 0. Where there is one the KKT matrix is singular,
// every step follows the regularization, and the iteration gets nowhere. With H = I
// and R for the regularization,
//
//	x ← ρ·(P + AᵀA + R)⁻¹x
//
// keeps what lies in the null spaces of P and A and shrinks the rest by ρ over its
// eigenvalue: from −q, a few rounds lead into them. What rounding leaves is taken off, x ← x −
// (P + AᵀA + R)⁻¹(P + AᵀA)x. It writes the proof, as prove does, and leaves the iterate
// as it was.
func (w *work) lineality(out *slot) bool {
	const rounds = 3
	w.aff.copyFrom(&w.it)
	defer w.it.copyFrom(&w.aff)
	if !w.kkt.factor(true) {
		return false
	}
	it := &w.it
	for j, q := range w.q {
		it.x[j] = -q
	}
	clear(w.bz)
	for range rounds {
		for j, x := range it.x {
			w.bx[j] = w.kkt.static * x
		}
		w.kkt.direct(w.bx, w.bz, it.x, it.z)
	}
	for range rounds {
		clear(w.bx)
		w.pl.p.SymMulAdd(w.p, -1, it.x, w.bx)
		clear(w.bz)
		w.pl.a.MulAdd(w.a, -1, it.x, w.bz)
		w.kkt.direct(w.bx, w.bz, w.x2, w.z2)
		dense.Axpy(1, w.x2, it.x)
	}
	clear(it.z)
	clear(it.s)
	it.tau, it.kappa = 1, 2 // a ray
	w.measure()
	return w.infeasible() == DualInfeasible && w.prove(out, DualInfeasible)
}
