package main

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/qp"
	"github.com/optnet-go/optnet/sparse"
)

// coneBatch is the cone programs of a file, one or many.
func (p *problem) coneBatch() (*conic.Structure, *conic.Batch) {
	if p.cone != nil {
		return p.cone.Structure(), &conic.Batch{Data: p.cone.Data(), Size: 1}
	}
	return p.structure, p.cones
}

// coneElement is element i as a file of one cone program.
func (p *problem) coneElement(i int) *problem {
	return &problem{file: p.file, format: p.format, cone: p.cones.Problem(p.structure, i), objective: p.objective}
}

// solveCones solves a batch of cone programs, and measures each answer on the data of
// its element.
func (s *solving) solveCones(ctx context.Context, p *problem) (*solution, error) {
	answers, err := s.runCones(ctx, p.structure, p.cones)
	if err != nil {
		return nil, err
	}
	sol := &solution{solver: "conic", why: "cone programs", answers: answers, size: p.cones.Size}
	for i, a := range answers {
		s.judgeCone(p.coneElement(i), a)
		sol.bytes, sol.seconds = a.bytes, a.seconds
	}
	return sol, nil
}

// benchCone makes cone programs ready.
func (s *solving) benchCone(ctx context.Context, st *conic.Structure, batch *conic.Batch) (*benched, error) {
	opt := s.coneOptions(batch.Size > 1)
	solver, err := conic.NewSolver(st, opt)
	if err != nil {
		return nil, err
	}
	bytes := solver.Bytes(batch.Size, 0)
	if err := s.fits(bytes); err != nil {
		return nil, err
	}
	var x *conic.Solution
	up := &conic.Point{Value: ones(batch.Size, 1)}
	grad := new(conic.Gradient)
	var warm *conic.Point
	return &benched{
		cold: func() (err error) {
			if solver, err = conic.NewSolver(st, opt); err != nil {
				return err
			}
			x = new(conic.Solution)
			return solver.Solve(ctx, x, batch)
		},
		warm: func() error { return solver.Solve(ctx, x, batch) },
		hot: func() error {
			if warm == nil {
				warm = &conic.Point{X: slices.Clone(x.X), Z: slices.Clone(x.Z), S: slices.Clone(x.S)}
			}
			b := *batch
			b.Warm = warm
			return solver.Solve(ctx, x, &b)
		},
		backward: func() error { return x.VJP(ctx, grad, up) },
		outcome: func() (st qp.Status, iterations int) {
			st = qp.Solved
			for i := range x.Info {
				if st == qp.Solved {
					st = statusOf(x.Info[i].Status)
				}
				iterations = max(iterations, x.Info[i].Iterations)
			}
			return st, iterations
		},
		bytes: bytes,
	}, nil
}

// coneRules are the rules of package conic, by those of qp.
var coneRules = map[qp.Rule]conic.Rule{qp.LeastSquares: conic.LeastSquares, qp.Smoothed: conic.Smoothed, qp.Strict: conic.Strict}

// ofCones differentiates cone programs.
func (g *gradient) ofCones(ctx context.Context, p *problem) (*gradReport, error) {
	want, err := g.wanted([]string{"P", "q", "A", "b"}, "P", "A")
	if err != nil {
		return nil, err
	}
	rule, ok := coneRules[g.rule]
	if !ok {
		return nil, usagef("--rule is %q, want least-squares, smoothed or strict for a cone program", ruleName(g.rule))
	}
	if g.engine != nil {
		return nil, usagef("--device is %q, but package conic runs on the CPU only", g.device)
	}
	st, b := p.coneBatch()
	n, m, size := st.N, st.A.Rows, b.Size
	sign := p.objective(1) - p.objective(0) // of the file's objective: −1 if it maximizes
	up := new(conic.Point)
	switch g.upstream.word {
	case "value":
		up.Value = ones(size, sign)
	case "sum":
		up.X = ones(size*n, 1)
	default:
		for _, a := range []struct {
			name string
			x    *[]float64
			n    int
		}{{"x", &up.X, n}, {"z", &up.Z, m}, {"s", &up.S, m}, {"value", &up.Value, 1}} {
			if *a.x, err = g.upstream.get(a.name, size*a.n); err != nil {
				return nil, err
			}
		}
		if up.Value != nil {
			up.Value = slices.Clone(up.Value)
			scale(up.Value, sign)
		}
	}
	opt := g.coneOptions(size > 1)
	opt.Rule, opt.Kappa = rule, g.kappa
	began := time.Now()
	solver, err := conic.NewSolver(st, opt)
	if err != nil {
		return nil, err
	}
	if err := g.fits(solver.Bytes(size, 0)); err != nil {
		return nil, err
	}
	x := new(conic.Solution)
	if err := solver.Solve(ctx, x, b); !stopped(ctx, err) {
		return nil, err
	}
	solved := time.Now()
	grad := new(conic.Gradient)
	if err := x.VJP(ctx, grad, up); err != nil {
		return nil, err
	}
	r := &gradReport{Status: qp.Solved, Gradient: make(map[string]any), Seconds: number(solved.Sub(began).Seconds()), Backward: number(time.Since(solved).Seconds())}
	for i := range x.Info {
		if r.Status == qp.Solved {
			r.Status = statusOf(x.Info[i].Status)
		}
	}
	for _, t := range grad.Certs {
		word := ""
		for q, c := range coneRules {
			if c == t.Rule {
				word = ruleName(q)
			}
		}
		r.Certificates = append(r.Certificates, certificateJSON{
			Residual: number(t.Residual), Margin: number(t.Margin), RCond: number(t.RCond), Error: number(t.Error), Unique: t.Unique, Zeroed: t.Zeroed, Rule: word,
		})
	}
	if want["q"] {
		r.Gradient["q"] = nest(grad.Q, 0, size, len(grad.Q) != n)
	}
	if want["b"] && m > 0 {
		r.Gradient["b"] = nest(grad.B, 0, size, len(grad.B) != m)
	}
	if want["A"] {
		r.Gradient["A"] = nonzeros(st.A, grad.A, size)
	}
	if want["P"] && st.P != nil {
		r.Gradient["P"] = nonzeros(st.P, grad.P, size)
	}
	return r, nil
}

// nonzeros are [row, column, value] of each entry; where the values are per element, a
// list of them.
func nonzeros(a *sparse.CSC, v []float64, size int) [][3]any {
	nnz := a.NNZ()
	out := make([][3]any, 0, nnz)
	for j := range a.Cols {
		for k := a.ColPtr[j]; k < a.ColPtr[j+1]; k++ {
			var value any = number(math.NaN())
			if len(v) == nnz {
				value = number(v[k])
			} else {
				list := make(numbers, size)
				for i := range list {
					list[i] = v[i*nnz+k]
				}
				value = list
			}
			out = append(out, [3]any{a.RowIdx[k], j, value})
		}
	}
	return out
}

// diagnoseCones explains an element of a batch; −1 is the first that is not solved.
func (s *solving) diagnoseCones(ctx context.Context, p *problem, element int) ([]*diagnosis, error) {
	if element < 0 {
		element = 0
		sol, err := s.solveCones(ctx, p)
		if err != nil {
			return nil, err
		}
		if k := slices.IndexFunc(sol.answers, func(a *answer) bool { return a.status != qp.Solved }); k >= 0 {
			element = k
		}
	}
	d, err := s.diagnoseCone(ctx, p.coneElement(element))
	if d != nil && p.cones.Size > 1 {
		d.Element = &element
	}
	return []*diagnosis{d}, err
}
