package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
	"github.com/optnet-go/optnet/sparse"
)

// K is factored as SKS + εJ, J being the signs of a quasi-definite matrix and S
// powers of two that bring its rows to size one. Solutions of K itself follow by
//
//	x ← x + S(SKS + εJ)⁻¹S (r − Kx):
//
// the proximal point method for the monotone operator JSKS, in which the factor
// ε/(ε+σ) of a step shows no trace of ε after a few steps unless K is singular.
// See leastSquares for that.
//
// At a vertex (P = 0, all active rows rigid) the rounding of a factor is 1e-16/ε²:
// LDLᵀ has no pivots of order two. So ε is not small, and larger where that does
// not do.

const (
	regularization = 1e-6  // ε
	weakCondition  = 1e-5  // estimate of the smallest singular value of SKS below which it is looked at closely
	strongReg      = 1e-5  // ε then; each step is refined, since it has parts of size 1/ε
	nullAbove      = 1e-6  // part of a random vector in the null space from which K is singular
	solveTol       = 1e-14 // relative residual to stop at
	retryAbove     = 1e-9  // relative residual of a solve at which the larger ε is tried, and then least squares
	maxRefine      = 15
	maxProximal    = 60 // steps with the larger ε
)

// prepare assembles K at the current spectral forms and factors it. It reports
// whether there is a factor; rcond and singular say what it is worth.
func (l *linearization) prepare() bool {
	l.assemble()
	l.singular = false
	if l.factor(false, regularization) {
		if l.rcond = l.condition(); l.rcond > weakCondition {
			return true
		}
	}
	return l.strengthen()
}

// strengthen factors with the larger ε, and finds out whether K is singular.
func (l *linearization) strengthen() bool {
	if !l.factor(false, strongReg) {
		return false
	}
	l.rcond = l.condition()
	start(l.rhs2)
	if l.refine(l.step2, l.rhs2, maxProximal, 0.9, solveTol) <= retryAbove {
		return true
	}
	if _, left := l.leastSquares(l.step2, l.rhs2); left <= nullAbove {
		return true
	}
	l.singular, l.rcond = true, 0
	return l.factor(true, strongReg)
}

// factor equilibrates and factors K; plain takes the scales in which a solution of
// minimum norm is meant instead.
func (l *linearization) factor(plain bool, eps float64) bool {
	l.equilibrate(plain)
	l.infinite = l.inactive()
	if l.dense != nil {
		l.reg = sparse.Regularization{Static: eps}
		return l.factorDense(eps)
	}
	for j := range l.scale {
		for k := l.K.ColPtr[j]; k < l.K.ColPtr[j+1]; k++ {
			l.scaled[k] = l.val[k] * l.scale[j] * l.scale[l.K.RowIdx[k]]
		}
	}
	l.reg = sparse.Regularization{Sign: l.sign, Static: eps, Eps: eps / 10, Delta: eps}
	return l.ldl.Factor(l.scaled, &l.reg) == nil
}

// equilibrate sets S by steps of Ruiz (2001).
func (l *linearization) equilibrate(plain bool) {
	if plain {
		l.plainScale()
		return
	}
	for j := range l.scale {
		l.scale[j] = 1
	}
	size := l.res
	for range 3 {
		l.norms(size)
		done := true
		for j, v := range size {
			if v > 0 && (v < 0.25 || v > 4) {
				done = false
			}
			if v > 0 {
				l.scale[j] *= halfPower(v)
			}
		}
		if done {
			break
		}
	}
}

// norms writes the ∞-norms of the rows of SKS to size.
func (l *linearization) norms(size []float64) {
	if l.dense != nil {
		l.normsDense(size)
		return
	}
	clear(size)
	for j := range l.scale {
		sj := l.scale[j]
		for k := l.K.ColPtr[j]; k < l.K.ColPtr[j+1]; k++ {
			i := l.K.RowIdx[k]
			v := math.Abs(l.val[k]) * sj * l.scale[i]
			size[i], size[j] = max(size[i], v), max(size[j], v)
		}
	}
}

// halfPower is a power of two close to v^{−½}, for v > 0.
func halfPower(v float64) float64 {
	e := int(math.Float64bits(v)>>52) - 1023
	return math.Float64frombits(uint64(1023-(e+1)>>1) << 52)
}

// plainScale measures dz by ξ = (1+h)^½dz̃, as iterate does, which is dz itself for
// linear constraints; beyond that all unknowns have one scale.
func (l *linearization) plainScale() {
	for j := range l.scale {
		l.scale[j] = 1
	}
	for i, b := range l.blocks {
		p := l.cones[i]
		for r := range b.dim {
			h := p.each(r)
			if b.extra >= 0 {
				h = p.h[2]
			}
			if !math.IsInf(h, 1) {
				l.scale[l.n+b.at+r] = halfPower(1 + h)
			}
		}
	}
	l.norms(l.res)
	if top := dense.NormInf(l.res); top > 0 {
		c := halfPower(top)
		for j := range l.scale {
			l.scale[j] *= c
		}
	}
}

// precondition writes the step S(SKS+εJ)⁻¹S r to x.
func (l *linearization) precondition(x, r []float64) {
	l.preconditionOnce(x, r)
	if l.reg.Static < strongReg {
		return
	}
	for range 2 {
		l.residual(l.more, r, x)
		for i, s := range l.scale {
			l.more[i] -= l.reg.Static * float64(l.sign[i]) / (s * s) * x[i]
		}
		l.preconditionOnce(l.more, l.more)
		for i, d := range l.more {
			x[i] += d
		}
	}
}

func (l *linearization) preconditionOnce(x, r []float64) {
	if l.dense != nil {
		if &x[0] != &r[0] {
			copy(x, r)
		}
		l.solveDense(x)
		return
	}
	for i, s := range l.scale {
		x[i] = s * r[i]
	}
	l.ldl.Solve(x)
	for i, s := range l.scale {
		x[i] *= s
	}
}

// residual writes r − Kx.
func (l *linearization) residual(dst, r, x []float64) {
	copy(dst, r)
	l.mul(-1, x, dst)
}

// mul adds αKx to y.
func (l *linearization) mul(alpha float64, x, y []float64) {
	if l.dense != nil {
		l.mulDense(alpha, x, y)
		return
	}
	l.K.SymMulAdd(l.val, alpha, x, y)
}

// start writes a fixed sequence of entries of both signs, away from zero.
func start(x []float64) {
	seed := uint64(0x9e3779b97f4a7c15)
	for i := range x { // xorshift
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
		x[i] = 0.5 + float64(seed>>12)*0x1p-52
		if seed&1 == 0 {
			x[i] = -x[i]
		}
	}
}

// condition estimates the smallest singular value of SKS by inverse iteration: by one step
// where that finds it large.
func (l *linearization) condition() float64 {
	x := l.step
	start(x)
	growth := 0.0
	for range 2 {
		n := dense.Norm2(x)
		if n == 0 || math.IsNaN(n) || math.IsInf(n, 0) {
			return 0
		}
		dense.Scale(1/n, x, x)
		if l.dense == nil {
			l.ldl.Solve(x)
		} else {
			for i, s := range l.scale {
				x[i] /= s
			}
			l.solveDense(x)
			for i, s := range l.scale {
				x[i] /= s
			}
		}
		if growth = dense.Norm2(x); growth < 100 {
			break
		}
	}
	return 1 / growth
}

// solve writes the solution of Kx = r to x, and returns its relative residual, which it
// brings down to tol if it can.
// Where K is singular it is the least-squares solution of minimum norm. fallback
// tells that LSQR found it.
func (l *linearization) solve(x, r []float64, tol float64) (residual float64, fallback bool) {
	if l.noFactor {
		return l.iterate(x, r), true
	}
	residual, fallback = l.direct(x, r, tol)
	if !(residual <= max(retryAbove, tol)) && l.reg.Static < strongReg && l.strengthen() {
		residual, fallback = l.direct(x, r, tol)
	}
	return residual, fallback
}

// direct solves with the factor.
func (l *linearization) direct(x, r []float64, tol float64) (residual float64, fallback bool) {
	if !l.singular {
		if l.reg.Static < strongReg {
			return l.refine(x, r, maxRefine, 0.5, tol), false
		}
		if residual = l.refine(x, r, maxProximal, 0.9, tol); residual <= max(retryAbove, tol) {
			return residual, false
		}
	}
	residual, _ = l.leastSquares(x, r)
	return residual, true
}

// refine iterates to the solution of a consistent system, as long as a step makes
// the residual smaller by the factor gain, down to tol relative to r.
func (l *linearization) refine(x, r []float64, steps int, gain, tol float64) float64 {
	size := dense.NormInf(r)
	clear(x)
	if size == 0 {
		return 0
	}
	best := math.Inf(1)
	copy(l.res, r)
	for range steps {
		l.precondition(l.step, l.res)
		for i, d := range l.step {
			x[i] += d
		}
		l.residual(l.res, r, x)
		err := dense.NormInf(l.res)
		if !(err < gain*best) { // no more progress: take back a step that did harm
			if !(err <= best) {
				for i, d := range l.step {
					x[i] -= d
				}
				l.residual(l.res, r, x)
			}
			best = min(best, err)
			break
		}
		if best = err; best <= tol*size {
			break
		}
	}
	return best / size
}
