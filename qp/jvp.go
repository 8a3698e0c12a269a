package qp

import (
	"context"
	"fmt"
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// JVP implements [State].
func (s *cpuState) JVP(ctx context.Context, dst *Tangent, dir *Data) error {
	s.tan, s.dir = dst, dir
	defer func() { s.tan, s.dir = nil, nil }()
	if !s.finish(ctx, taskJVP, s.size, s.plan.workers(taskJVP, s.size)) {
		return fmt.Errorf("qp: differentiating: %w", context.Cause(ctx))
	}
	return nil
}

// jvpOne computes element i's tangent.
func (s *cpuState) jvpOne(w *worker, i int) {
	ok := s.differentiate(w, i)
	value := 0.0
	if ok {
		value, ok = s.perturb(w, i)
	}
	if !ok || !(math.Abs(value) <= largest) || !w.adjoint() { // K is symmetric
		s.tan.Certs[i] = w.zeroed()
		return // the tangent is zero already
	}
	sys, d := &w.sys, &w.step.direction
	if w.cert.Rule == Smoothed {
		sys.mulQ(w.x.z, w.res.qz)
		value += dense.Dot(w.res.qz, d.z) + dense.Dot(sys.lin, d.z)
	}
	t := s.tan
	s.tan.Certs[i] = w.cert
	copy(t.Z[i*sys.n:], d.z)
	copy(t.Nu[i*sys.p:], d.nu)
	copy(t.Lambda[i*sys.m:], d.lam[:sys.m])
	copy(t.Mu[i*sys.n:(i+1)*sys.n], d.lam[sys.m:])
	t.Value[i] = value
}

// perturb sets w.rhs = ∂F/∂θ dθ for element i's direction, and returns the
// explicit part of the change of the value: all of it, by the envelope theorem,
// unless the point is smoothed.
func (s *cpuState) perturb(w *worker, i int) (value float64, ok bool) {
	sys, x, r := &w.sys, &w.x, &w.rhs
	n := sys.n
	r.clear()
	dir := func(k int) []float64 {
		d, one := *coefs[k].of(s.dir), coefs[k].len(s.plan.sh)
		switch {
		case len(d) == 0 || one == 0:
			return nil
		case len(d) == one:
			return d
		}
		return d[i*one : (i+1)*one]
	}
	finite := true
	for k := range coefs {
		finite = finite && dense.NormInf(dir(k)) <= math.MaxFloat64
	}
	if !finite {
		return 0, false
	}
	if dq := dir(0); dq != nil {
		if sys.form == Diagonal {
			for j, z := range x.z {
				r.z[j] += dq[j] * z
			}
		} else { // its symmetric part
			for a, za := range x.z {
				row := dq[a*n : (a+1)*n]
				r.z[a] += 0.5 * dense.Dot(row, x.z)
				dense.Axpy(0.5*za, row, r.z)
			}
		}
		value += 0.5 * dense.Dot(r.z, x.z)
	}
	if dp := dir(1); dp != nil {
		dense.Axpy(1, dp, r.z)
		value += dense.Dot(dp, x.z)
	}
	if da := dir(2); da != nil {
		for k, nu := range x.nu {
			row := da[k*n : (k+1)*n]
			dense.Axpy(nu, row, r.z)
			r.nu[k] += dense.Dot(row, x.z)
		}
	}
	if db := dir(3); db != nil {
		dense.Axpy(-1, db, r.nu)
	}
	if dg := dir(4); dg != nil {
		for t := range sys.m {
			row := dg[t*n : (t+1)*n]
			dense.Axpy(x.lam[t], row, r.z)
			r.lam[t] += dense.Dot(row, x.z)
		}
	}
	side := func(d []float64, from int, upper bool) {
		for j, v := range d {
			f := w.share[from+j]
			if !upper {
				f = 1 - f
			}
			if f != 0 {
				r.lam[from+j] -= f * v
			}
		}
	}
	side(dir(5), 0, false)
	side(dir(6), 0, true)
	side(dir(7), sys.m, false)
	side(dir(8), sys.m, true)
	if w.cert.Rule != Smoothed {
		value += dense.Dot(x.nu, r.nu)
		for t, l := range x.lam {
			value += l * r.lam[t]
		}
	}
	return value, true
}
