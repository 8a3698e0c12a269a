package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// A solution at 1e-8 has gradients wrong by the square root of that where a
// multiplier and its slack are small. So the point is polished: Newton's method on
//
//	F(x, v) = (Px + q + Aᵀ(Π(v) − v), Ax + Π(v) − b) = 0,
//
// whose linear system is that of the derivative. It converges quadratically where
// K is regular (Qi and Sun 1993). Where it is not, steps are of minimum norm, so that
// the point stays close to the one that was found. A step that does not halve the
// residual, or goes far, is not taken.

const (
	maxPolish  = 8
	polishGoal = 1e-14 // relative residual
	polishStep = 1e-2  // largest step, relative to the point
)

// load takes an element and its solution. A row of no effect, whose slack is +Inf, is given a
// slack of 1, so that numbers stay numbers: it is inactive with any.
func (l *linearization) load(e element) {
	l.e = e
	copy(l.x, e.x)
	copy(l.s, e.s)
	for i, s := range e.s {
		l.v[i] = s - e.z[i]
	}
	if dense.NormInf(e.s) > math.MaxFloat64 {
		l.e.b = l.b
		copy(l.b, e.b)
		ax := l.row1
		clear(ax)
		l.st.A.MulAdd(e.A, 1, e.x, ax)
		for i, s := range e.s {
			if math.IsInf(s, 1) {
				l.b[i], l.v[i] = ax[i]+1, 1
			}
		}
	}
	l.kappa, l.singular, l.cert = 0, false, Certificate{}
}

// polish improves the point and leaves the projection at it; it tells whether K
// has been factored, close to the point.
func (l *linearization) polish() (factored bool) {
	l.project()
	l.merit = l.optimality()
	for range maxPolish {
		if l.merit <= polishGoal {
			break
		}
		if factored && l.infinite == l.inactive() {
			l.assemble() // close to where K was factored: refinement sees to the rest
		} else if !l.prepare() {
			return false
		}
		before := l.merit
		took := l.newton()
		// After a long step K is another, and must be factored again.
		factored = !took || l.merit <= before*1e-3 || l.merit <= 1e-13
		if !took {
			break
		}
	}
	return factored
}

// newton takes a step if it at least halves the residual.
func (l *linearization) newton() bool {
	l.toRows(l.rhs[l.n:l.n+l.m], l.row1)
	copy(l.rhs, l.col1)
	l.solve(l.sol, l.rhs, max(solveTol, min(1e-3, 0.1*polishGoal/l.merit)))
	l.fromRows(l.row2, l.sol[l.n:l.n+l.m]) // dz
	ds := l.row1
	l.slackChange(ds, l.sol[:l.n], l.row2)
	copy(l.oldX, l.x)
	copy(l.oldV, l.v)
	for j, d := range l.sol[:l.n] {
		l.x[j] += d
	}
	for i, d := range ds {
		l.v[i] += d - l.row2[i]
	}
	l.project()
	far := l.kappa == 0 && (dense.NormInf(l.sol[:l.n]) > polishStep*(1+dense.NormInf(l.oldX)) || distance(l.v, l.oldV) > polishStep*(1+dense.NormInf(l.oldV)))
	if merit := l.optimality(); merit <= l.merit/2 && !far {
		l.merit = merit
		return true
	}
	copy(l.x, l.oldX)
	copy(l.v, l.oldV)
	l.project()
	l.merit = l.optimality()
	return false
}

// optimality writes the negative residuals of F, to col1 and row1, and returns
// the larger of their norms, each over the largest of its terms.
func (l *linearization) optimality() float64 {
	st := l.st
	r1, r2 := l.col1, l.row1
	clear(r1)
	st.P.SymMulAdd(l.e.P, -1, l.x, r1)
	dual := max(dense.NormInf(r1), dense.NormInf(l.e.q))
	for j, q := range l.e.q {
		r1[j] -= q
	}
	aty := l.step[:l.n]
	clear(aty)
	st.A.MulTAdd(l.e.A, -1, l.z, aty)
	dual = max(dual, dense.NormInf(aty))
	for j, v := range aty {
		r1[j] += v
	}

	clear(r2)
	st.A.MulAdd(l.e.A, -1, l.x, r2)
	primal := max(dense.NormInf(r2), dense.NormInf(l.e.b), dense.NormInf(l.s))
	for i, b := range l.e.b {
		r2[i] += b - l.s[i]
	}
	merit := 0.0
	if n := dense.NormInf(r1); n > 0 {
		merit = n / dual
	}
	if n := dense.NormInf(r2); n > 0 {
		merit = max(merit, n/primal)
	}
	if math.IsNaN(merit) {
		return math.Inf(1)
	}
	return merit
}

// recenter moves to the point of the central path with complementarity kappa, by
// Newton steps for a sequence of κ that grows to it.
func (l *linearization) recenter(kappa float64) bool {
	const growth = 10
	for k := min(kappa, 1e-8*(1+dense.NormInf(l.v))); ; k = min(kappa, growth*k) {
		l.kappa = k
		l.project()
		l.merit = l.optimality()
		for range 30 {
			if l.merit <= polishGoal {
				break
			}
			if !l.prepare() || !l.newton() {
				break
			}
		}
		if k == kappa {
			return l.merit <= 1e-9
		}
	}
}

// toRows writes the rows of the right-hand side for r: Eᵀr, zero elsewhere.
func (l *linearization) toRows(dst, r []float64) {
	if l.iterative() {
		copy(dst, r)
		return
	}
	for i, b := range l.blocks {
		p := l.cones[i]
		d, src := dst[b.at:b.at+b.dim], r[b.at:b.at+b.dim]
		if b.rotated {
			p.rotate(d, src, true)
		} else {
			copy(d, src)
		}
		if b.extra >= 0 {
			if math.IsInf(p.h[2], 1) {
				clear(d)
			}
			continue
		}
		for k := range d {
			if math.IsInf(p.each(k), 1) {
				d[k] = 0
			}
		}
	}
}

// fromRows writes E dz̃.
func (l *linearization) fromRows(z, rows []float64) {
	if l.iterative() {
		copy(z, rows)
		return
	}
	for i, b := range l.blocks {
		dst, src := z[b.at:b.at+b.dim], rows[b.at:b.at+b.dim]
		if b.rotated {
			l.cones[i].rotate(dst, src, false)
		} else {
			copy(dst, src)
		}
	}
}

// Of h > 1, s is taken from r₂ − A dx, of the others from −h dz: these say which.
func loose(h float64) float64 {
	if h > 1 {
		return 1
	}
	return 0
}

func tight(h float64) float64 {
	if h > 1 {
		return 0
	}
	return -h
}

// slackChange overwrites ds = r₂ with the change of s that belongs to dx and dz.
func (l *linearization) slackChange(ds, dx, dz []float64) {
	l.st.A.MulAdd(l.e.A, -1, dx, ds)
	l.spectral(ds, ds, loose)
	part := l.step[:l.m]
	l.spectral(part, dz, tight)
	for i, v := range part {
		ds[i] += v
	}
}

// spectral is that of the projectors, cone by cone.
func (l *linearization) spectral(y, x []float64, f func(float64) float64) {
	for i, b := range l.blocks {
		l.cones[i].spectral(y[b.at:b.at+b.dim], x[b.at:b.at+b.dim], f)
	}
}

// distance is the ∞-norm of x − y.
func distance(x, y []float64) (d float64) {
	for i, v := range x {
		d = max(d, math.Abs(v-y[i]))
	}
	return d
}
