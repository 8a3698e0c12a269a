package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// solveOne loads, judges and solves element i, and stores what is wanted.
func (s *cpuState) solveOne(w *worker, i int) {
	if s.from != nil && s.from.Iterations[i] >= 0 {
		s.resumeOne(w, i)
		return
	}
	if s.open(w, i) {
		w.solve(i, s.warm(w, i))
	}
	s.conclude(w, i)
}

// open loads and judges element i, and prepares what does not change in the
// iterations. It returns false, with the status set, if the element is not to be
// solved.
func (s *cpuState) open(w *worker, i int) bool {
	sh := s.plan.sh
	reason := ""
	for k := range s.cols {
		c := &s.cols[k]
		if c.one == 0 {
			continue
		}
		if !c.shared && s.batch.Keep&(1<<k) == 0 {
			one := coefs[k].len(sh)
			src := *coefs[k].of(&s.batch.Data)
			c.load(sh, 1<<k, i, src[i*one:(i+1)*one])
		}
		if r := c.reason[c.index(i)]; r != "" && reason == "" {
			reason = r
		}
	}
	s.view(w, i)
	end, ended := w.stopped()
	if reason == "" && !ended {
		for k := range s.stages {
			s.prepare(w, i, k)
		}
		reason = s.judgeQ(w, i)
	}
	switch {
	case reason != "":
		w.reject(i, reason)
	case ended:
		w.abandon(i, s.warm(w, i), end)
	default:
		return true
	}
	return false
}

// conclude stores element i.
func (s *cpuState) conclude(w *worker, i int) {
	if w.info.Status == Canceled {
		s.stop.Store(true)
	}
	s.store(w, i)
	if s.plan.opt.Capture != nil && w.info.Status != Solved && w.info.Status != Canceled {
		s.capture(w, i)
	}
}

// judgeQ requires that Q is positive semidefinite to rounding.
func (s *cpuState) judgeQ(w *worker, i int) string {
	sys := &w.sys
	if sys.form != Dense {
		return "" // load saw to it
	}
	if w.rows != nil && w.rows.uinv[sys.n] > 0 {
		return ""
	}
	c := &s.cols[0]
	verdict := &c.definite[c.index(i)]
	if *verdict == 0 {
		*verdict = w.definite()
	}
	if *verdict < 0 {
		return reasonQNeg
	}
	return ""
}

// definite is 1 if Q + n·1e-14·‖Q‖·I has a Cholesky factor, and −1 if not.
func (w *worker) definite() int8 {
	sys, h := &w.sys, w.cond.h
	copy(h, sys.q)
	for j := range sys.n {
		h[j*sys.ld+j] += float64(sys.n) * indefiniteTol * sys.maxQ
	}
	if sys.maxQ > 0 && dense.Cholesky(sys.n, h, sys.ld, w.cond.inv, nil) >= 0 {
		return -1
	}
	return 1
}

// reject gives an element with invalid data its status.
func (w *worker) reject(index int, reason string) {
	w.element = element{index: index, info: Info{
		Status: InvalidInput, Reason: reason,
		Primal: math.Inf(1), Dual: math.Inf(1), Gap: math.Inf(1),
	}}
	w.best.clear()
}

// warm loads element i's starting point, if there is one worth it.
func (s *cpuState) warm(w *worker, i int) bool {
	p := s.batch.Warm
	if p == nil {
		return false
	}
	sys, x := &w.sys, &w.x
	x.direction.clear()
	take := func(dst, src []float64) bool {
		if len(src) == 0 {
			return false
		}
		copy(dst, src[i*len(dst):(i+1)*len(dst)])
		return true
	}
	ok := take(x.z, p.Z)
	take(x.nu, p.Nu)
	take(x.lam[:sys.m], p.Lambda)
	if sys.t > sys.m {
		take(x.lam[sys.m:], p.Mu)
	}
	sum := dense.NormInf(x.z) + dense.NormInf(x.nu) + dense.NormInf(x.lam)
	return ok && sum <= warmLargest
}

// warmLargest is the size above which a starting point is taken for garbage.
const warmLargest = 1e12

// slack sets cdz = Gz, or zero where the data are no numbers.
func (w *worker) slack(z []float64) {
	if w.info.Status == InvalidInput {
		clear(w.cdz)
		return
	}
	if w.sys.t > 0 {
		w.sys.mulC(z, w.cdz)
	}
}

// store writes what the caller and the derivatives want of element i.
func (s *cpuState) store(w *worker, i int) {
	sys, dst, x := &w.sys, s.dst, &w.best
	dst.Info[i] = w.info
	want := dst.Want.orAll()
	n, p, m := sys.n, sys.p, sys.m
	if want&OutZ != 0 {
		copy(dst.Z[i*n:(i+1)*n], x.z)
		dst.Value[i] = w.bestValue
	}
	if want&OutDuals != 0 {
		copy(dst.Nu[i*p:(i+1)*p], x.nu)
		copy(dst.Lambda[i*m:(i+1)*m], x.lam[:m])
		mu := dst.Mu[i*n : (i+1)*n]
		clear(mu[copy(mu, x.lam[m:]):])
	}
	if want&OutSlack != 0 {
		sl := dst.S[i*m : (i+1)*m]
		w.slack(x.z)
		for t := range sl {
			sl[t] = sys.up[t] - w.cdz[t]
		}
		if w.info.Status == InvalidInput {
			clear(sl)
		}
	}
	ray := &w.ray
	if st := w.info.Status; st != PrimalInfeasible && st != DualInfeasible {
		ray.clear()
	}
	copy(dst.Rays.Z[i*n:(i+1)*n], ray.z)
	copy(dst.Rays.Nu[i*p:(i+1)*p], ray.nu)
	copy(dst.Rays.Lambda[i*m:(i+1)*m], ray.lam[:m])
	mu := dst.Rays.Mu[i*n : (i+1)*n]
	clear(mu[copy(mu, ray.lam[m:]):])
	if want&OutFactors != 0 {
		s.points.store(w, i)
	}
}
