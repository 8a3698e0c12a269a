package layer

import (
	"context"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/qp"
)

// coneEngine solves by package conic.
type coneEngine struct {
	solver *conic.Solver
	fixed  conic.Coef // coefficients that do not depend on parameters
}

func newCone(l *Layer, st *conic.Structure) (engine, error) {
	o := &l.opt
	rule := conic.LeastSquares
	switch o.Rule {
	case qp.Smoothed:
		rule = conic.Smoothed
	case qp.Strict:
		rule = conic.Strict
	}
	s, err := conic.NewSolver(st, &conic.Options{
		Workers: o.Workers, EpsAbs: o.EpsAbs, EpsRel: o.EpsRel,
		MaxIter: o.MaxIter, TimeLimit: o.TimeLimit, Rule: rule, Kappa: o.Kappa,
	})
	if err != nil {
		return nil, err
	}
	e := &coneEngine{solver: s}
	for k := range 4 {
		if m := l.prog.Map(1 << k); m.Constant() && m.Len() > 0 {
			e.fixed |= 1 << k
		}
	}
	return e, nil
}

func (e *coneEngine) newState() state { return &coneState{engine: e} }

type coneState struct {
	engine *coneEngine
	sol    conic.Solution
	batch  conic.Batch
	grad   conic.Gradient
	tan    conic.Tangent
	dir    conic.Data
	up     conic.Point
	grads  [4][]float64
	certs  []Certificate
}

// coneFields are the arrays of d in the order of their Coef bits.
func coneFields(d *conic.Data) [4]*[]float64 {
	return [4]*[]float64{&d.P, &d.Q, &d.A, &d.B}
}

func (s *coneState) solve(ctx context.Context, p *Pass, data [][]float64, reuse bool) error {
	s.batch = conic.Batch{Size: p.size}
	for k, f := range coneFields(&s.batch.Data) {
		*f = data[k]
	}
	if reuse {
		s.batch.Keep = s.engine.fixed
	}
	err := s.engine.solver.Solve(ctx, &s.sol, &s.batch)
	if err != nil && ctx.Err() == nil {
		return err
	}
	p.x = append(p.x[:0], s.sol.X...)
	copy(p.raw, s.sol.Value)
	for i := range p.Info {
		in := &s.sol.Info[i]
		p.Info[i] = Info{Status: qp.Status(in.Status), Iterations: in.Iterations, Primal: in.Primal, Dual: in.Dual, Gap: in.Gap, Reason: in.Reason}
	}
	return err
}

func (s *coneState) z(p *Pass, i int, dst []float64) { copy(dst, of(s.sol.Z, p.size, i)) }

func (s *coneState) rays(p *Pass, i int, x, z []float64) {
	copy(x, of(s.sol.Rays.X, p.size, i))
	copy(z, of(s.sol.Rays.Z, p.size, i))
}

func (s *coneState) vjp(ctx context.Context, p *Pass, want []bool, ux, uz, uv []float64) ([][]float64, []Certificate, error) {
	s.up = conic.Point{X: ux, Z: uz, Value: uv}
	s.grad.Want = 0
	for k, w := range want {
		if w {
			s.grad.Want |= 1 << k
		}
	}
	if s.grad.Want == 0 { // 0 would be all
		return s.grads[:], s.trivial(p.size), nil
	}
	if err := s.sol.VJP(ctx, &s.grad, &s.up); err != nil {
		return nil, nil, err
	}
	for k, f := range coneFields(&s.grad.Data) {
		s.grads[k] = *f
	}
	return s.grads[:], s.certificates(s.grad.Certs), nil
}

// trivial are the certificates of a derivative that is zero because nothing
// depends on the parameters.
func (s *coneState) trivial(size int) []Certificate {
	s.certs = growCerts(s.certs, size)
	for i := range s.certs {
		s.certs[i] = Certificate{Active: -1, Weak: -1, Unique: true}
	}
	return s.certs
}

func (s *coneState) certificates(cs []conic.Certificate) []Certificate {
	s.certs = growCerts(s.certs, len(cs))
	for i, c := range cs {
		s.certs[i] = Certificate{Residual: c.Residual, Margin: c.Margin, RCond: c.RCond, Error: c.Error, Active: -1, Weak: -1, Unique: c.Unique, Zeroed: c.Zeroed}
	}
	return s.certs
}

func (s *coneState) jvp(ctx context.Context, p *Pass, dir [][]float64) (dx, dv []float64, dz func(int, []float64), certs []Certificate, err error) {
	for k, f := range coneFields(&s.dir) {
		*f = dir[k]
	}
	if err := s.sol.JVP(ctx, &s.tan, &s.dir); err != nil {
		return nil, nil, nil, nil, err
	}
	dz = func(i int, dst []float64) { copy(dst, of(s.tan.Z, p.size, i)) }
	return s.tan.X, s.tan.Value, dz, s.certificates(s.tan.Certs), nil
}

func (s *coneState) close() error { return nil }
