package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/optnet-go/optnet/encoding/mps"
	"github.com/optnet-go/optnet/qp"
)

// choose picks a solver for a problem with rows, and says why.
func choose(p *mps.Problem) (solver, why string) {
	n, m := len(p.Cols), len(p.Rows)
	nnz := p.A.NNZ()
	if p.Q != nil {
		nnz += p.Q.NNZ()
	}
	size := fmt.Sprintf("%d variables, %d rows, %d nonzeros", n, m, nnz)
	density := float64(nnz) / float64(n) / float64(n+m)
	switch {
	case n+m <= smallRows:
		return "qp", size + ": small"
	case n <= denseCols && density >= denseShare:
		return "qp", fmt.Sprintf("%s: %.0f %% dense", size, 100*density)
	}
	return "conic", size + ": large and sparse"
}

const (
	smallRows  = 150
	denseCols  = 1000
	denseShare = 0.25
)

// solveRows solves a problem with rows by the solver asked for or chosen. Where
// the choice was ours and one solver does not get there, the other one has a try.
func (s *solving) solveRows(ctx context.Context, p *problem) (*answer, error) {
	solver, why := choose(p.rows)
	if s.solver != "auto" {
		solver, why = s.solver, "as asked for"
	}
	began := time.Now()
	a, err := s.solveRowsBy(ctx, p.rows, solver)
	if err != nil {
		return nil, err
	}
	a.why, a.seconds = why, time.Since(began).Seconds()
	if b := s.tighten(ctx, p.rows, solver, a, time.Since(began)); b != nil {
		b.why, b.seconds = why+"; again with smaller tolerances, for the test on the file's data", time.Since(began).Seconds()
		return b, nil
	}
	if s.solver == "auto" && ctx.Err() == nil && (a.status == qp.AlmostSolved || a.status == qp.NumericalError || a.status == qp.MaxIterations) {
		other := map[string]string{"qp": "conic", "conic": "qp"}[solver]
		if b, err := s.second(ctx, p.rows, other, time.Since(began)); err == nil && (b.status == qp.Solved || b.status == qp.PrimalInfeasible || b.status == qp.DualInfeasible) {
			b.why = fmt.Sprintf("%s; %s ended %v", why, solver, a.status)
			b.seconds = time.Since(began).Seconds()
			return b, nil
		}
		a.why += fmt.Sprintf("; %s did no better", other)
		a.seconds = time.Since(began).Seconds()
	}
	return a, nil
}

// tighten solves again with smaller tolerances where the solver's own test has
// passed and one that counts more has not: that on the file's data, whose scales are
// those of its rows, or that of the gap beside the objective as it is printed, whose
// constant may all but cancel the value.
func (s *solving) tighten(ctx context.Context, p *mps.Problem, solver string, a *answer, spent time.Duration) *answer {
	allowed := s.epsAbs + s.epsRel*math.Abs(a.objective)
	hidden := a.status == qp.Solved && p.Constant != 0 && a.gap > allowed
	if a.reason != ownTest && !hidden || ctx.Err() != nil {
		return nil
	}
	t := *s
	if s.timeLimit > 0 {
		if t.timeLimit = s.timeLimit - spent; t.timeLimit <= 0 {
			return nil
		}
	}
	f := 0.1
	if hidden {
		f = max(allowed/a.gap/2, 1e-5)
	}
	t.epsAbs, t.epsRel = s.epsAbs*f, s.epsRel*f
	b, err := t.solveRowsBy(ctx, p, solver)
	if err != nil || !b.measured.Within(s.epsAbs*slack, s.epsRel*slack) || hidden && b.gap >= a.gap {
		return nil
	}
	b.status, b.reason = qp.Solved, "" // by the tolerances asked for
	return b
}

// ownTest is the reason of an answer that only the solver itself calls solved.
const ownTest = "solved by the solver's own test, not by that on the file's data"

// second lets another solver try in the time that is left.
func (s *solving) second(ctx context.Context, p *mps.Problem, solver string, spent time.Duration) (*answer, error) {
	t := *s
	if s.timeLimit > 0 {
		if t.timeLimit = s.timeLimit - spent; t.timeLimit <= 0 {
			return nil, errors.New("no time is left")
		}
	}
	if n := len(p.Cols); solver == "qp" && n+len(p.Rows) > secondRows {
		return nil, errors.New("too large")
	}
	return t.solveRowsBy(ctx, p, solver)
}

// secondRows is up to where the dense solver has a try at a sparse problem.
const secondRows = 1500

// solveRowsBy solves by one solver, and measures the answer on the file's data.
func (s *solving) solveRowsBy(ctx context.Context, p *mps.Problem, solver string) (*answer, error) {
	var a *answer
	var at, ray *mps.Point
	if solver == "qp" {
		dense, to, err := p.QP()
		if err != nil {
			return nil, err
		}
		sh, b, err := qp.Stack(dense)
		if err != nil {
			return nil, err
		}
		sol, err := s.solveBatch(ctx, &problem{shape: sh, batch: b})
		if err != nil {
			return nil, err
		}
		info := &sol.batch.Info[0]
		a = &answer{status: info.Status, iterations: info.Iterations, tries: info.Retries, reason: info.Reason, bytes: sol.bytes, seconds: sol.seconds}
		at, ray = to.FromQP(&sol.batch.Point, 0), to.FromQP(&sol.batch.Rays, 0)
	} else {
		var err error
		cone, to := p.Cone()
		if a, err = s.solveCone(ctx, cone, func(v float64) float64 { return v }); err != nil {
			return nil, err
		}
		at, ray = to.FromCone(a.x, a.z), to.FromCone(a.rayX, a.rayY)
		a.z, a.s = nil, nil
	}
	a.solver = solver
	a.x, a.rows, a.cols = at.X, at.Rows, at.Cols
	r := p.Measure(at)
	a.measured = r
	a.objective, a.primal, a.dual, a.gap = r.Objective, r.Primal, r.Dual, r.Gap
	a.relative = max(over(r.Primal, r.PrimalScale), over(r.Dual, r.DualScale), over(r.Gap, r.GapScale))
	a.rayX, a.rayY, a.rayMu = nil, nil, nil
	switch a.status {
	case qp.Solved:
		// The test on the data of the file has the last word.
		if !r.Within(s.epsAbs*slack, s.epsRel*slack) {
			a.status = qp.NumericalError
			if r.Within(1e-5, 1e-5) {
				a.status = qp.AlmostSolved
			}
			a.reason = ownTest
		}
	case qp.PrimalInfeasible:
		a.rayY, a.rayMu = ray.Rows, ray.Cols
		if sum, left, bound := p.Infeasibility(ray); a.reason == "" && !(sum < 0 && left <= bound) {
			a.status, a.reason = qp.NumericalError, "the proof of infeasibility does not pass the test on the file's data"
		}
	case qp.DualInfeasible:
		a.rayX = ray.X
		if slope, left, bound := p.Recession(ray.X); !(slope < 0 && left <= bound) {
			a.status, a.reason = qp.NumericalError, "the direction without bound does not pass the test on the file's data"
		}
	}
	return a, nil
}

// slack allows for the rounding of residuals that are computed in another order.
const slack = 1.01

// over is a residual in parts of 1 + its scale.
func over(r, scale float64) float64 { return r / (1 + scale) }
