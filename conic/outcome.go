package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// slot is where one element's results go; the arrays have their full length, or
// none if they are not wanted.
type slot struct {
	x, z, s    []float64
	value      *float64
	rayX, rayZ []float64
	rayS       []float64
	info       *Info
}

// outcome is the result of a first attempt, in case the second does no better.
type outcome struct {
	it    iterate
	value float64
	info  Info
	merit float64
}

func (o *outcome) save(out *slot, w *work) {
	o.it = w.first
	copy(o.it.x, out.x)
	copy(o.it.z, out.z)
	copy(o.it.s, out.s)
	if out.value != nil {
		o.value = *out.value
	}
	o.info, o.merit = *out.info, w.merit
}

func (o *outcome) restore(out *slot) {
	copy(out.x, o.it.x)
	copy(out.z, o.it.z)
	copy(out.s, o.it.s)
	if out.value != nil {
		*out.value = o.value
	}
	o.info.Iterations, o.info.Retries = out.info.Iterations, out.info.Retries
	*out.info = o.info
}

// conclude turns how the iteration ended into an element's results, judged on the
// data given.
func (w *work) conclude(out *slot, st Status, iter int, reason string) {
	info := out.info
	info.Iterations, info.Reason = info.Iterations+iter, reason
	w.merit = math.Inf(1)
	if st == PrimalInfeasible || st == DualInfeasible {
		if w.prove(out, st) {
			info.Status = st
		} else {
			info.Status = NumericalError
			info.Reason = "what looked like a proof of infeasibility did not hold on the data given"
		}
		w.point(out, &w.it)
		return
	}
	from := &w.best
	if math.IsInf(w.bestMerit, 1) {
		from = &w.it
	}
	r := w.point(out, from)
	abs, rel := w.opt.EpsAbs, w.opt.EpsRel
	w.merit = r.merit(abs, rel)
	switch {
	case r.merit(abs, rel) <= 1:
		st, info.Reason = Solved, ""
	case st == Canceled:
	case r.merit(max(almostEps, abs), max(almostEps, rel)) <= 1:
		if st == MaxIterations || st == MaxTime {
			info.Reason = "stopped by " + st.String()
		}
		st = AlmostSolved
	case st == Solved:
		st, info.Reason = NumericalError, "the test passed on scaled data, but not on the data given"
	}
	info.Status = st
}

// point writes the point x/τ, z/τ, s/τ on the scale of the data given, and
// measures it there.
func (w *work) point(out *slot, it *iterate) (r residuals) {
	pl, d := w.pl, &w.given
	x, z, s := w.x2, w.z2, w.bz
	inv := 1 / it.tau
	for j, v := range it.x {
		x[j] = v * inv * w.sc.d[j]
	}
	for i := range z {
		z[i] = it.z[i] * inv * w.sc.e[i] / w.sc.c
		s[i] = it.s[i] * inv / w.sc.e[i]
		if w.open[i] {
			z[i], s[i] = 0, math.Inf(1)
		}
	}
	clear(w.px)
	clear(w.ax)
	clear(w.atz)
	pl.p.SymMulAdd(d.P, 1, x, w.px)
	pl.a.MulAdd(d.A, 1, x, w.ax)
	pl.a.MulTAdd(d.A, 1, z, w.atz)
	for j, q := range d.Q {
		r.dual = nanMax(r.dual, math.Abs(w.px[j]+q+w.atz[j]))
		r.dualScale = max(r.dualScale, math.Abs(w.px[j]), math.Abs(q), math.Abs(w.atz[j]))
	}
	bz := 0.0
	for i, b := range d.B {
		if w.open[i] {
			continue
		}
		bz += b * z[i]
		r.primal = nanMax(r.primal, math.Abs(w.ax[i]+s[i]-b))
		r.primalScale = max(r.primalScale, math.Abs(w.ax[i]), math.Abs(s[i]), math.Abs(b))
	}
	quad, qx := dense.Dot(x, w.px), dense.Dot(d.Q, x)
	r.pcost, r.dcost = quad/2+qx, -quad/2-bz
	r.gap = math.Abs(quad + qx + bz)
	r.gapScale = max(math.Abs(r.pcost), math.Abs(r.dcost))
	copy(out.x, x)
	copy(out.z, z)
	copy(out.s, s)
	if out.value != nil {
		*out.value = r.pcost
	}
	out.info.Primal, out.info.Dual, out.info.Gap = r.primal, r.dual, r.gap
	return r
}

// nanMax is max, in which NaN wins.
func nanMax(a, b float64) float64 {
	if math.IsNaN(b) {
		return b
	}
	return max(a, b)
}

// prove writes the proof of infeasibility that the iterate is, scaled to −1, and
// checks it on the data given.
func (w *work) prove(out *slot, st Status) bool {
	pl, d, it := w.pl, &w.given, &w.it
	if st == PrimalInfeasible {
		z := w.z2
		bz, norm := 0.0, 0.0
		for i := range z {
			z[i] = it.z[i] * w.sc.e[i]
			if w.open[i] {
				z[i] = 0
				continue
			}
			bz += d.B[i] * z[i]
		}
		for i := range z {
			z[i] /= -bz
			norm = nanMax(norm, math.Abs(z[i]))
		}
		clear(w.atz)
		pl.a.MulTAdd(d.A, 1, z, w.atz)
		if !(bz < 0 && dense.NormInf(w.atz) <= infTol*max(1, w.normA)*norm) || math.IsInf(norm, 0) {
			return false
		}
		copy(out.rayZ, z)
		return true
	}
	x, s := w.x2, w.bz
	qx, norm := 0.0, 0.0
	for j := range x {
		x[j] = it.x[j] * w.sc.d[j]
		qx += d.Q[j] * x[j]
	}
	for j := range x {
		x[j] /= -qx
		norm = nanMax(norm, math.Abs(x[j]))
	}
	for i := range s {
		s[i] = it.s[i] / w.sc.e[i] / -qx
	}
	clear(w.px)
	clear(w.ax)
	pl.p.SymMulAdd(d.P, 1, x, w.px)
	pl.a.MulAdd(d.A, 1, x, w.ax)
	for i := range s {
		if w.open[i] {
			s[i], w.ax[i] = math.Inf(1), 0
			continue
		}
		w.ax[i] += s[i]
	}
	if !(qx < 0 && dense.NormInf(w.px) <= infTol*max(1, w.normP)*norm && dense.NormInf(w.ax) <= infTol*max(1, w.normA)*norm) || math.IsInf(norm, 0) {
		return false
	}
	copy(out.rayX, x)
	copy(out.rayS, s)
	return true
}
