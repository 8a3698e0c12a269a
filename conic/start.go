package conic

import (
	"fmt"
	"math"

	"github.com/optnet-go/optnet/internal/dense"
	"github.com/optnet-go/optnet/sparse"
)

// check says what is wrong with an element's data, or "", and notes the rows
// without effect. With same set, P and A have been checked.
func (w *work) check(d *Data, same bool) string {
	for i, c := range [...]struct {
		name string
		x    []float64
	}{{"Q", d.Q}, {"P", d.P}, {"A", d.A}} {
		if same && i > 0 {
			break
		}
		for k, v := range c.x {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Sprintf("%s has %v at %d", c.name, v, k)
			}
		}
	}
	w.hasOpen = false
	for bi := range w.pl.blocks {
		b := &w.pl.blocks[bi]
		for i := b.off; i < b.off+b.dim; i++ {
			v := d.B[i]
			w.open[i] = b.kind == NonNegative && v >= infinite
			w.hasOpen = w.hasOpen || w.open[i]
			if math.IsNaN(v) || math.IsInf(v, 0) && !w.open[i] {
				return fmt.Sprintf("B has %v in row %d of a %v cone", v, i, b.kind)
			}
		}
	}
	if same {
		return ""
	}
	return w.checkP(d.P)
}

// checkP reports a P that is not positive semidefinite: one that has no Cholesky
// factor with n·1e-14·‖P‖ added to its diagonal.
func (w *work) checkP(p []float64) string {
	pl := w.pl
	norm := dense.NormInf(p)
	shift := float64(pl.n) * 1e-14 * norm
	if norm == 0 {
		return ""
	}
	if pl.psdP == nil {
		for j := range pl.n {
			for k := pl.p.ColPtr[j]; k < pl.p.ColPtr[j+1]; k++ {
				if p[k] < -shift {
					return fmt.Sprintf("P has the diagonal entry %v in row %d: it is not positive semidefinite", p[k], j)
				}
			}
		}
		return ""
	}
	clear(w.psdVal)
	for k, at := range pl.psdAt {
		w.psdVal[at] += p[k]
	}
	for _, at := range pl.psdDiag {
		w.psdVal[at] += shift
	}
	err := w.psd.Factor(w.psdVal, nil)
	if _, neg := w.psd.Inertia(); err == nil && neg > 0 {
		err = sparse.ErrPivot
	}
	if err != nil {
		return "P is not positive semidefinite"
	}
	return ""
}

// cold starts where nothing is known: with symmetric cones alone at the solutions of
//
//	minimize ½xᵀPx + qᵀx + ½‖s‖²  subject to Ax + s = b
//
// and of its dual, moved into the cones; for an LP, x and s from the feasible point
// of least ‖s‖ and z from the least ‖z‖. With others at the centers of the cones.
func (w *work) cold() bool {
	it, pl := &w.it, w.pl
	it.tau, it.kappa = 1, 1
	if !pl.symmetric {
		clear(it.x)
		for i, c := range w.cones {
			b := &pl.blocks[i]
			c.unit(it.s[b.off:b.off+b.dim], it.z[b.off:b.off+b.dim])
		}
		return true
	}
	tol := tolerance{abs: 1e-12, okX: 1e-8, okZ: 1e-8}
	if !w.kkt.factor(true) {
		return false
	}
	if w.normP > 0 {
		for j, q := range w.q {
			w.bx[j] = -q
		}
		if !w.kkt.solve(w.bx, w.b, it.x, it.z, true, tol) {
			return false
		}
		for i, z := range it.z {
			it.s[i] = -z
		}
	} else {
		clear(w.bx)
		if !w.kkt.solve(w.bx, w.b, it.x, it.s, true, tol) {
			return false
		}
		for i, z := range it.s {
			it.s[i] = -z
		}
		for j, q := range w.q {
			w.bx[j] = -q
		}
		clear(w.bz)
		if !w.kkt.solve(w.bx, w.bz, w.x2, it.z, true, tol) {
			return false
		}
	}
	w.clearZero(it.s)
	return w.enter(it.s, 1) && w.enter(it.z, 1)
}

// enter shifts v into the interior of the symmetric cones, by at least the
// fraction given of what the cold start takes.
func (w *work) enter(v []float64, fraction float64) bool {
	least, positive := math.Inf(1), 0.0
	for i, c := range w.cones {
		b := &w.pl.blocks[i]
		l, p := c.(symmetric).margin(v[b.off : b.off+b.dim])
		if math.IsNaN(l) {
			return false
		}
		least, positive = min(least, l), positive+p
	}
	if math.IsInf(least, 1) {
		return true
	}
	target := fraction * max(1, 0.1*positive/float64(max(1, w.pl.degree)))
	if least >= target {
		return true
	}
	shift := target - max(least, 0)
	if least < 0 {
		shift = target - least
	}
	for i, c := range w.cones {
		b := &w.pl.blocks[i]
		c.(symmetric).shift(v[b.off:b.off+b.dim], shift)
	}
	return true
}

// warm starts at a given point, which it moves into the cones by a multiple of their
// centers.
func (w *work) warm(x, z, s []float64) bool {
	it, pl := &w.it, w.pl
	it.tau = 1
	for j, v := range x {
		it.x[j] = v / w.sc.d[j]
	}
	for i := range it.z {
		it.z[i], it.s[i] = z[i]/w.sc.e[i]*w.sc.c, s[i]*w.sc.e[i]
		if w.open[i] {
			it.z[i], it.s[i] = 0, 1
		}
	}
	w.clearZero(it.s)
	for _, v := range [][]float64{it.x, it.z, it.s} {
		for _, e := range v {
			if math.IsNaN(e) || math.IsInf(e, 0) {
				return false
			}
		}
	}
	const room = 1e-2
	unit := &w.aff
	for i, c := range w.cones {
		b := &pl.blocks[i]
		lo, hi := b.off, b.off+b.dim
		if b.kind == Zero {
			continue
		}
		c.unit(unit.s[lo:hi], unit.z[lo:hi])
		ss := room * max(1, dense.NormInf(it.s[lo:hi]))
		zz := room * max(1, dense.NormInf(it.z[lo:hi]))
		if y, ok := c.(symmetric); ok {
			if l, _ := y.margin(it.s[lo:hi]); l < 0 {
				ss -= l
			}
			if l, _ := y.margin(it.z[lo:hi]); l < 0 {
				zz -= l
			}
		}
		dense.Axpy(ss, unit.s[lo:hi], it.s[lo:hi])
		dense.Axpy(zz, unit.z[lo:hi], it.z[lo:hi])
		if math.IsInf(c.distance(it.s[lo:hi], it.z[lo:hi]), 1) {
			return false
		}
	}
	mu := dense.Dot(it.s, it.z) / float64(max(1, pl.degree))
	if !(mu > 0) {
		mu = room
	}
	it.kappa = mu
	return true
}
