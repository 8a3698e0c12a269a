package cuda

import (
	"context"

	"github.com/optnet-go/optnet/qp"
)

// hostPlan is a plan for shapes that are the CPU's.
type hostPlan struct {
	engine *Engine
	solver *qp.Solver
	why    string
}

func newHostPlan(e *Engine, sh qp.Shape, opt *qp.Options, why string) (qp.Plan, error) {
	cpu := onCPU(opt)
	s, err := qp.NewSolver(sh, &cpu)
	if err != nil {
		return nil, err
	}
	return &hostPlan{e, s, why}, nil
}

// onCPU are the same options for the CPU.
func onCPU(opt *qp.Options) qp.Options {
	cpu := *opt
	cpu.Engine = nil
	// A Solver has filled them in: zero is none.
	if cpu.EpsAbs == 0 {
		cpu.EpsAbs = -1
	}
	if cpu.EpsRel == 0 {
		cpu.EpsRel = -1
	}
	return cpu
}

func (p *hostPlan) NewState() (qp.State, error) {
	return &hostState{engine: p.engine, solver: p.solver}, nil
}

func (p *hostPlan) Bytes(size int, want qp.Output) (host, device int64) {
	host, device = p.solver.Bytes(size, want)
	return host, device
}

func (p *hostPlan) Method() string { return "on the CPU (" + p.why + "): " + p.solver.Method() }

// hostState solves into the caller's arrays.
type hostState struct {
	engine *Engine
	solver *qp.Solver
	x      qp.Solution
}

func (s *hostState) Grow(size int, want qp.Output) error {
	s.x.Want = want
	return s.solver.Grow(&s.x, size)
}

func (s *hostState) Solve(ctx context.Context, dst *qp.Solution, b *qp.Batch) error {
	s.engine.count(Handed{Elements: int64(b.Size), Solves: int64(b.Size)})
	s.x.Want = dst.Want
	s.x.Point, s.x.S, s.x.Info, s.x.Rays = dst.Point, dst.S, dst.Info, dst.Rays
	err := s.solver.Solve(ctx, &s.x, b)
	dst.Point, dst.S, dst.Info, dst.Rays = s.x.Point, s.x.S, s.x.Info, s.x.Rays
	return err
}

func (s *hostState) VJP(ctx context.Context, dst *qp.Gradient, up *qp.Point) error {
	s.derived()
	return s.x.VJP(ctx, dst, up)
}

func (s *hostState) JVP(ctx context.Context, dst *qp.Tangent, dir *qp.Data) error {
	s.derived()
	return s.x.JVP(ctx, dst, dir)
}

func (s *hostState) derived() {
	n := int64(len(s.x.Info))
	s.engine.count(Handed{Derived: n, Derivatives: n})
}

func (s *hostState) Close() error { return s.x.Close() }
