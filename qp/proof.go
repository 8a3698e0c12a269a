package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// proofTol is the tolerance of a proof of infeasibility, relative to the norms
// of the data and of the proof. proofNoise guards against a value that is
// rounding error, proofMargin against a proof that a point of moderate size
// would escape.
const (
	proofTol    = 1e-8
	proofNoise  = 1e-9
	proofMargin = 100
)

// provesInfeasible says whether the current multipliers are a Farkas proof:
// with Aᵀν + Gᵀλ + μ = 0, every feasible z would have
//
//	0 = νᵀAz + λᵀGz + μᵀz ≤ bᵀν + (side at λ's sign)ᵀλ + (bound at μ's sign)ᵀμ
//
// so that a negative right-hand side proves that there is none. The proof is
// left in w.ray, scaled to −1.
func (w *worker) provesInfeasible() bool {
	s, x, r := &w.sys, &w.x, &w.res
	v := -r.dualSides
	if !(v > proofNoise*r.sumSides) || !(max(r.multipliers, r.multipliers/v)*max(1, s.maxA, s.maxG) <= largest) {
		return false
	}
	res, slope := 0.0, 0.0
	for j := range r.atn {
		g := r.atn[j] + r.gtl[j]
		if s.t > s.m {
			g += x.lam[s.m+j]
		}
		res, slope = max(res, math.Abs(g)), max(slope, math.Abs(g)*s.tau[j])
	}
	if res > proofTol*max(1, s.maxA, s.maxG)*r.multipliers || proofMargin*slope*(1+float64(s.n)*s.size(x.z)) > v {
		return false
	}
	w.ray.clear()
	for i, nu := range x.nu {
		w.ray.nu[i] = nu / v
	}
	for t, l := range x.lam {
		w.ray.lam[t] = l / v
	}
	return true
}

// provesUnbounded says whether the current point, or the last step, is a
// direction d of recession: Qd = 0, Ad = 0, no side met along it, and pᵀd < 0.
// It looks only once z has grown large, or there
// is no progress. The proof is left in w.ray, scaled to
// pᵀd = −1.
func (w *worker) provesUnbounded(since int) bool {
	size := w.sys.size(w.x.z)
	if w.iter == 0 {
		w.startSize = max(1, size)
	}
	if size < suspicious*w.startSize && since < idle || !(w.res.value < 0) {
		return false
	}
	return w.recedes(w.x.z) || w.recedes(w.step.z)
}

// suspicious is the growth of ‖z/τ‖, and idle the number of iterations without
// progress, that make a look for a ray worth its cost.
const (
	suspicious = 100
	idle       = 4
)

func (w *worker) recedes(d []float64) bool {
	s := &w.sys
	v, sum := 0.0, 0.0
	for j, p := range s.lin {
		v -= p * d[j]
		sum += math.Abs(p * d[j])
	}
	norm := dense.NormInf(d)
	if !(v > proofNoise*sum) || !(max(norm, norm/v)*max(1, s.maxQ, s.maxA, s.maxG) <= largest) {
		return false
	}
	s.mulQ(d, w.left.z)
	s.mulA(d, w.left.nu)
	if s.t > 0 {
		s.mulC(d, w.cdz)
	}
	q, a, g := dense.NormInf(w.left.z), dense.NormInf(w.left.nu), 0.0
	for i, n := range s.wa {
		g = max(g, math.Abs(w.left.nu[i])/n)
	}
	for t, k := range s.kind {
		met := 0.0
		if k&(hasUpper|fixed) != 0 {
			met = w.cdz[t]
		}
		if k&(hasLower|fixed) != 0 {
			met = max(met, -w.cdz[t])
		}
		tol := proofTol * norm
		if t < s.m {
			tol *= s.maxG
		}
		if met > tol {
			return false
		}
		g = max(g, met/s.wc[t])
	}
	// Along d the objective must still fall far beyond the point at hand.
	if v*s.size(d) < proofMargin*dense.Dot(d, w.left.z)*max(w.startSize, s.size(w.x.z)) {
		return false
	}
	if q > proofTol*s.maxQ*norm || a > proofTol*s.maxA*norm ||
		proofMargin*(s.slope(w.left.z)*(1+w.startSize)+g*s.cost) > v {
		return false
	}
	w.ray.clear()
	for j, dj := range d {
		w.ray.z[j] = dj / v
	}
	return true
}

// leastInfeasibility looks for a Farkas proof where the method stalls without
// one. The problem
//
//	minimize ½‖w⁻¹(Az − b)‖² + ½‖w⁻¹·violation of the rows of G‖²   subject to the bounds
//
// is the same problem with Q = 0, p = 0 and E = w², which always has a
// solution; its multipliers are the residuals over w², and where these are not
// zero they are the proof.
func (w *worker) leastInfeasibility() ending {
	sys, elim, was := w.sys, w.elim, w.run
	defer func() {
		w.sys, w.elim, w.run = sys, elim, was
		w.sys.setSmall()
	}()
	s := &w.sys
	s.form, s.q, s.elastic = Zero, nil, 1
	s.lin = w.zeros[:s.n]
	s.maxQ, s.curved = 0, 0
	s.gamma, s.cost = 1, 1
	s.setSmall()
	w.elim = w.plain()
	w.opt.EpsAbs, w.opt.EpsRel = exploreTol, exploreTol
	w.exploring, w.tracer = true, nil
	w.info.Retries++
	if !w.coldStart() {
		return stalled
	}
	end := w.interior()
	if end == converged && w.provesInfeasible() {
		return provedPrimal
	}
	return end.unlessDone()
}

// exploreTol is the tolerance of a problem that is solved for a proof.
const exploreTol = 1e-13

// unlessDone is the ending of a search that found nothing: it goes on if the
// search came to its own end.
func (e ending) unlessDone() ending {
	if e == converged || e == outOfIterations {
		return stalled
	}
	return e
}
