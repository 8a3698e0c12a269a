package layer

import (
	"context"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/qp"
)

// denseEngine solves by package qp.
type denseEngine struct {
	form   *cvx.QPForm
	solver *qp.Solver
	fixed  qp.Coef // coefficients that do not depend on parameters
	duals  bool
}

func newDense(l *Layer, form *cvx.QPForm) (engine, error) {
	o := &l.opt
	s, err := qp.NewSolver(form.Shape, &qp.Options{
		Engine: o.Engine, Workers: o.Workers, EpsAbs: o.EpsAbs, EpsRel: o.EpsRel,
		MaxIter: o.MaxIter, TimeLimit: o.TimeLimit, Rule: o.Rule, Kappa: o.Kappa,
	})
	if err != nil {
		return nil, err
	}
	e := &denseEngine{form: form, solver: s, duals: len(l.duals) > 0}
	for k := range 9 {
		if m := form.Map(1 << k); m != nil && m.Constant() && m.Len() > 0 {
			e.fixed |= 1 << k
		}
	}
	return e, nil
}

func (e *denseEngine) newState() state {
	s := &denseState{engine: e}
	s.sol.Want = qp.OutZ | qp.OutDuals | qp.OutFactors
	return s
}

type denseState struct {
	engine         *denseEngine
	sol            qp.Solution
	batch          qp.Batch
	grad           qp.Gradient
	tan            qp.Tangent
	dir            qp.Data
	up             qp.Point
	grads          [9][]float64
	certs          []Certificate
	nu, lambda, mu []float64
}

// fields are the arrays of d in the order of their Coef bits.
func fields(d *qp.Data) [9]*[]float64 {
	return [9]*[]float64{&d.Q, &d.P, &d.A, &d.B, &d.G, &d.HL, &d.H, &d.L, &d.U}
}

func (s *denseState) solve(ctx context.Context, p *Pass, data [][]float64, reuse bool) error {
	s.batch = qp.Batch{Size: p.size}
	for k, f := range fields(&s.batch.Data) {
		*f = data[k]
	}
	if reuse {
		s.batch.Keep = s.engine.fixed
	}
	err := s.engine.solver.Solve(ctx, &s.sol, &s.batch)
	if err != nil && ctx.Err() == nil {
		return err
	}
	p.x = append(p.x[:0], s.sol.Z...)
	copy(p.raw, s.sol.Value)
	for i := range p.Info {
		in := &s.sol.Info[i]
		p.Info[i] = Info{Status: in.Status, Iterations: in.Iterations, Primal: in.Primal, Dual: in.Dual, Gap: in.Gap, Reason: in.Reason}
	}
	return err
}

// of returns element i's part of an answer.
func of(x []float64, size, i int) []float64 {
	n := len(x) / size
	return x[i*n : (i+1)*n]
}

func (s *denseState) z(p *Pass, i int, dst []float64) {
	s.engine.form.Z(dst, of(s.sol.Nu, p.size, i), of(s.sol.Lambda, p.size, i), of(s.sol.Mu, p.size, i))
}

func (s *denseState) rays(p *Pass, i int, x, z []float64) {
	r := &s.sol.Rays
	copy(x, of(r.Z, p.size, i))
	s.engine.form.Z(z, of(r.Nu, p.size, i), of(r.Lambda, p.size, i), of(r.Mu, p.size, i))
}

func (s *denseState) vjp(ctx context.Context, p *Pass, want []bool, ux, uz, uv []float64) ([][]float64, []Certificate, error) {
	s.up = qp.Point{Z: ux, Value: uv}
	if uz != nil {
		sh := s.engine.form.Shape
		s.nu = zeros(s.nu, sh.NEq*p.size)
		s.lambda = zeros(s.lambda, sh.NIneq*p.size)
		s.mu = zeros(s.mu, sh.N*p.size)
		for i := range p.size {
			s.engine.form.ZAdjoint(of(s.nu, p.size, i), of(s.lambda, p.size, i), of(s.mu, p.size, i), of(s.sol.Mu, p.size, i), of(uz, p.size, i))
		}
		s.up.Nu, s.up.Lambda, s.up.Mu = s.nu, s.lambda, s.mu
	}
	s.grad.Want = 0
	for k, w := range want {
		if w {
			s.grad.Want |= 1 << k
		}
	}
	if s.grad.Want == 0 { // 0 would be all
		s.certs = growCerts(s.certs, p.size)
		for i := range s.certs {
			s.certs[i] = Certificate{Unique: true}
		}
		return s.grads[:], s.certs, nil
	}
	if err := s.sol.VJP(ctx, &s.grad, &s.up); err != nil {
		return nil, nil, err
	}
	for k, f := range fields(&s.grad.Data) {
		s.grads[k] = *f
	}
	return s.grads[:], s.certificates(s.grad.Certs), nil
}

func (s *denseState) certificates(cs []qp.Certificate) []Certificate {
	s.certs = growCerts(s.certs, len(cs))
	for i, c := range cs {
		s.certs[i] = Certificate{Residual: c.Residual, Margin: c.Margin, RCond: c.RCond, Error: c.Error, Active: c.Active, Weak: c.Weak, Unique: c.Unique, Zeroed: c.Zeroed}
	}
	return s.certs
}

func (s *denseState) jvp(ctx context.Context, p *Pass, dir [][]float64) (dx, dv []float64, dz func(int, []float64), certs []Certificate, err error) {
	for k, f := range fields(&s.dir) {
		*f = dir[k]
	}
	if err := s.sol.JVP(ctx, &s.tan, &s.dir); err != nil {
		return nil, nil, nil, nil, err
	}
	dz = func(i int, dst []float64) {
		s.engine.form.ZTangent(dst, of(s.tan.Nu, p.size, i), of(s.tan.Lambda, p.size, i), of(s.sol.Mu, p.size, i), of(s.tan.Mu, p.size, i))
	}
	return s.tan.Z, s.tan.Value, dz, s.certificates(s.tan.Certs), nil
}

func (s *denseState) close() error { return s.sol.Close() }
