package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// weakBelow: a spectral pair of slack and multiplier is weak where both are below
// this part of their scales.
const weakBelow = 1e-6

// uniqueMerit is the relative residual of a point that is one.
const uniqueMerit = 1e-8

// linearize polishes the loaded element, moves it as the rule says, and factors
// the system of its derivative. It reports whether there is one to solve; the
// certificate says what can be said before a right-hand side is known.
func (l *linearization) linearize(rule Rule, kappa float64) bool {
	c := &l.cert
	c.Rule = rule
	factored := !l.iterative() && l.polish()
	if l.iterative() {
		l.project()
		l.merit = l.optimality()
	}
	weak := 0
	if rule == Smoothed {
		if l.iterative() || !l.recenter(kappa) {
			c.RCond, c.Margin = math.NaN(), math.NaN()
			return false
		}
		factored = false
		c.Margin = math.NaN()
	} else {
		weak, c.Margin = l.classify()
	}
	switch {
	case l.iterative():
		l.noFactor = true
	case factored && weak == 0 && l.infinite == l.inactive():
		l.assemble() // K has moved a little: refinement sees to that
	default:
		l.noFactor = !l.prepare()
	}
	if c.RCond = l.rcond; l.noFactor {
		c.RCond = math.NaN()
	}
	c.Unique = !l.singular && !l.noFactor && weak == 0 && l.merit <= uniqueMerit
	return rule != Strict || c.Unique
}

// classify finds the weak pairs. Slacks are measured against the terms of their
// rows, multipliers against those of stationarity.
func (l *linearization) classify() (weak int, margin float64) {
	slack := max(dense.NormInf(l.e.b), dense.NormInf(l.s))
	grad := dense.NormInf(l.e.q)
	size := l.row1 // of each row of A
	clear(size)
	aty := l.col1
	clear(aty)
	A := l.st.A
	for j := range l.n {
		for k := A.ColPtr[j]; k < A.ColPtr[j+1]; k++ {
			i := A.RowIdx[k]
			size[i] = max(size[i], math.Abs(l.e.A[k]))
			slack = max(slack, math.Abs(l.e.A[k]*l.x[j]))
			grad = max(grad, math.Abs(l.e.A[k]*l.z[i]))
		}
	}
	if slack == 0 {
		slack = 1
	}
	if grad == 0 {
		grad = 1
	}
	margin = math.Inf(1)
	for i, b := range l.blocks {
		p := l.cones[i]
		norm := dense.NormInf(size[b.at : b.at+b.dim])
		if norm == 0 {
			norm = 1
		}
		w, m := p.classify(weakBelow*slack, weakBelow*grad/norm)
		weak += w
		margin = min(margin, m*weakBelow)
	}
	return weak, margin
}

// inactive is a hash (FNV-1a) of which h are infinite.
func (l *linearization) inactive() uint64 {
	sum := uint64(14695981039346656037)
	for _, p := range l.cones {
		for _, h := range p.h {
			if math.IsInf(h, 1) {
				sum ^= 1
			}
			sum *= 1099511628211
		}
	}
	return sum
}

// finish is the certificate of one right-hand side.
func (l *linearization) finish(residual float64, fallback, ok bool) Certificate {
	c := l.cert
	if !ok {
		c.Zeroed = true
		return c
	}
	c.Residual, c.Fallback = residual, fallback
	c.Error = math.Inf(1)
	if c.RCond > 0 {
		c.Error = (l.merit + residual) / c.RCond
	}
	return c
}
