package qp

import (
	"context"
	"fmt"
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// VJP implements [State].
func (s *cpuState) VJP(ctx context.Context, dst *Gradient, up *Point) error {
	s.grad, s.up = dst, up
	defer func() { s.grad, s.up = nil, nil }()
	s.accum.admit(s, dst)
	for k := range s.cols {
		if c := &s.cols[k]; c.one > 0 && c.shared && dst.wants(1<<k) && !dst.Add {
			clear(*coefs[k].of(&dst.Data))
		}
	}
	if !s.finish(ctx, taskVJP, s.size, s.plan.workers(taskVJP, s.size)) {
		return fmt.Errorf("qp: differentiating: %w", context.Cause(ctx))
	}
	s.accum.sum(s, dst)
	return nil
}

// wants says whether the gradient with respect to a coefficient is asked for.
func (g *Gradient) wants(k Coef) bool { return g.Want == 0 || g.Want&k != 0 }

// vjpOne computes element i's part of the gradient.
func (s *cpuState) vjpOne(w *worker, i int) {
	ok := s.differentiate(w, i)
	v := 0.0
	if ok {
		v, ok = s.cotangent(w, i)
	}
	// The optimal value has an envelope: its derivative needs no solve. The
	// value at a smoothed point has not, and goes through z.
	objective, envelope := v, v
	if ok && w.cert.Rule == Smoothed {
		w.sys.mulQ(w.x.z, w.res.qz)
		dense.Axpy(v, w.res.qz, w.rhs.z)
		dense.Axpy(v, w.sys.lin, w.rhs.z)
		envelope = 0
	}
	if !ok || !w.adjoint() || !(math.Abs(v)*w.x.norm()*w.x.norm() <= largest) {
		s.grad.Certs[i] = w.zeroed()
		s.accum.zero(i)
		if !s.grad.Add {
			for k := range s.cols {
				clear(s.own(k, i))
			}
		}
		return
	}
	s.grad.Certs[i] = w.cert
	s.accum.set(w, i, objective, envelope)
	s.spread(w, i, objective, envelope)
}

// zeroed is the certificate of a derivative that is zero by rule.
func (w *worker) zeroed() Certificate {
	w.cert.Zeroed = true
	w.cert.Residual, w.cert.Error = 0, 0
	return w.cert
}

// cotangent loads element i's cotangent into w.rhs, and that of the value.
func (s *cpuState) cotangent(w *worker, i int) (value float64, ok bool) {
	up, sys := s.up, &w.sys
	w.rhs.clear()
	take := func(dst, src []float64) {
		if n := len(dst); n > 0 && len(src) > 0 {
			copy(dst, src[i*n:(i+1)*n])
		}
	}
	take(w.rhs.z, up.Z)
	take(w.rhs.nu, up.Nu)
	take(w.rhs.lam[:sys.m], up.Lambda)
	ok = true
	if sys.t > sys.m {
		take(w.rhs.lam[sys.m:], up.Mu)
	} else if len(up.Mu) > 0 { // μ is zero, but a NaN is a NaN
		ok = dense.NormInf(up.Mu[i*sys.n:(i+1)*sys.n]) <= math.MaxFloat64
	}
	if len(up.Value) > 0 {
		value = up.Value[i]
	}
	return value, ok && w.rhs.finite() && !math.IsNaN(value) && !math.IsInf(value, 0)
}

// own is the gradient of element i with respect to a coefficient of its own, if
// it is wanted.
func (s *cpuState) own(k, i int) []float64 {
	c := &s.cols[k]
	if c.one == 0 || c.shared || !s.grad.wants(1<<k) {
		return nil
	}
	one := coefs[k].len(s.plan.sh)
	return (*coefs[k].of(&s.grad.Data))[i*one : (i+1)*one]
}

// spread adds element i's gradient where the coefficient is its own. With
// (dz, dν, d̃) the adjoint solution, v the cotangent of the value, and
// r = dz + ½v z:
//
//	dQ = ½(r zᵀ + z rᵀ)            dp = dz + v z
//	dA = (dν + v ν) zᵀ + ν dzᵀ     db = −(dν + v ν)
//	dG = (d̃ + v λ) zᵀ + λ dzᵀ      dside = −(d̃ + v λ), on the side λ names
func (s *cpuState) spread(w *worker, i int, objective, envelope float64) {
	sys, x, d := &w.sys, &w.x, &w.step.direction
	n, p, m, add := sys.n, sys.p, sys.m, s.grad.Add
	own := func(k int) []float64 { // for what is added
		g := s.own(k, i)
		if !add {
			clear(g)
		}
		return g
	}
	if sys.form == Diagonal {
		for j, dq := 0, own(0); j < len(dq); j++ {
			dq[j] += (d.z[j] + objective/2*x.z[j]) * x.z[j]
		}
	} else if dq := s.own(0, i); dq != nil {
		r := w.left.z // half of it
		for j, z := range x.z {
			r[j] = (d.z[j] + objective/2*z) / 2
		}
		dense.Outer(n, n, r, x.z, x.z, r, dq, add)
	}
	if dp := own(1); dp != nil {
		for j, z := range x.z {
			dp[j] += d.z[j] + objective*z
		}
	}
	nu, lam := d.nu, d.lam
	if envelope != 0 {
		dense.Axpy(envelope, x.nu, nu)
		dense.Axpy(envelope, x.lam, lam)
	}
	if da := s.own(2, i); da != nil {
		dense.Outer(p, n, nu, x.z, x.nu, d.z, da, add)
	}
	if db := own(3); db != nil {
		dense.Axpy(-1, nu, db)
	}
	if dg := s.own(4, i); dg != nil {
		dense.Outer(m, n, lam, x.z, x.lam, d.z, dg, add)
	}
	toLower(own(5), w.share, lam)
	toUpper(own(6), w.share, lam)
	toLower(own(7), w.share[m:], lam[m:])
	toUpper(own(8), w.share[m:], lam[m:])
}
