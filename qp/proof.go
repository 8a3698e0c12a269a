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
	if !(v > proofNoise*r.sumSides) || math.IsInf(v, 1) {
		return false
	}
	res := 0.0
	for j := range r.atn {
		g := r.atn[j] + r.gtl[j]
		if s.t > s.m {
			g += x.lam[s.m+j]
		}
		res = max(res, math.Abs(g))
	}
	if res > proofTol*max(1, s.maxA, s.maxG)*r.multipliers || proofMargin*res*(1+float64(s.n)*r.znorm) > v {
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
// It looks only once z has grown large. The proof is left in w.ray, scaled to
// pᵀd = −1.
func (w *worker) provesUnbounded() bool {
	r := &w.res
	if w.iter == 0 {
		w.startNorm = max(1, r.znorm)
	}
	if r.znorm < suspicious*w.startNorm || !(r.value < 0) {
		return false
	}
	return w.recedes(w.x.z) || w.recedes(w.step.z)
}

// suspicious is the growth of ‖z‖ that makes a search for a ray worth its cost.
const suspicious = 100

func (w *worker) recedes(d []float64) bool {
	s := &w.sys
	v := -dense.Dot(s.lin, d)
	norm := dense.NormInf(d)
	if !(v > proofNoise*float64(s.n)*dense.NormInf(s.lin)*norm) || math.IsInf(v, 1) || math.IsInf(norm, 1) {
		return false
	}
	s.mulQ(d, w.left.z)
	s.mulA(d, w.left.nu)
	if s.t > 0 {
		s.mulC(d, w.cdz)
	}
	q, a, g := dense.NormInf(w.left.z), dense.NormInf(w.left.nu), 0.0
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
			tol *= max(1, s.maxG)
		}
		if met > tol {
			return false
		}
		g = max(g, met)
	}
	if q > proofTol*max(1, s.maxQ)*norm || a > proofTol*max(1, s.maxA)*norm ||
		proofMargin*(q+a+g) > v {
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
//	minimize ½‖Az − b‖² + ½‖violation of the rows of G‖²   subject to the bounds
//
// is the same problem with Q = 0, p = 0 and E = I, which always has a solution;
// its multipliers are the residuals, and where these are not zero they are the
// proof.
func (w *worker) leastInfeasibility() bool {
	saved, elim, opt := w.sys, w.elim, w.opt
	defer func() { w.sys, w.elim, w.opt = saved, elim, opt }()
	s := &w.sys
	s.form, s.q, s.elastic = Zero, nil, 1
	s.lin = w.zeros[:s.n]
	s.maxQ = 0
	s.gamma = 1
	for _, n := range s.wa {
		s.gamma = max(s.gamma, n*n)
	}
	for _, n := range s.wc[:s.m] {
		s.gamma = max(s.gamma, n*n)
	}
	s.cost = s.gamma
	w.elim = w.plain()
	w.opt.EpsAbs, w.opt.EpsRel = 1e-13, 1e-13
	w.info.Retries++
	if !w.coldStart() {
		return false
	}
	return w.interior() == provedPrimal
}

// recession looks for a ray likewise: the problem
//
//	minimize pᵀd   subject to Qd = 0, Ad = 0, no side met along d, |dⱼ| ≤ 1
//
// has the solution 0 unless there is one.
func (w *worker) recession() bool {
	s := &w.sys
	if w.sub == nil {
		w.sub = newRecessionWorker(w.plan)
	}
	r := w.sub
	w.info.Retries++
	if !r.loadRecession(w) {
		return false
	}
	r.interior()
	w.iter = min(w.opt.MaxIter, w.iter+r.iter)
	d := w.rhs.z
	copy(d, r.best.z)
	for j := range d { // rounding errors of a bound are no recession
		if s.t > s.m {
			k := s.kind[s.m+j]
			if k == fixed || k&hasLower != 0 && d[j] < 0 || k&hasUpper != 0 && d[j] > 0 {
				d[j] = 0
			}
		}
	}
	return w.recedes(d)
}
