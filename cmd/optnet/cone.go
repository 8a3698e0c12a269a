package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/qp"
	"github.com/optnet-go/optnet/sparse"
)

func (s *solving) coneOptions(many bool) *conic.Options {
	opt := &conic.Options{Workers: s.workers, EpsAbs: eps(s.epsAbs), EpsRel: eps(s.epsRel), MaxIter: s.maxIter, TimeLimit: s.timeLimit, Capture: s.captureCone}
	if s.trace != nil {
		opt.Trace = func(it conic.Iteration) {
			head, element := "", ""
			if many {
				head, element = " element", fmt.Sprintf("%8d", it.Element)
			}
			if !s.header {
				s.header = true
				fmt.Fprintf(s.trace, "%s iter          primal            dual   primal     dual      gap       mu      κ/τ     step\n", head)
			}
			fmt.Fprintf(s.trace, "%s %4d %15.8e %15.8e %8.1e %8.1e %8.1e %8.1e %8.1e %8.2g\n", element, it.Iter, it.PCost, it.DCost, it.Primal, it.Dual, it.Gap, it.Mu, it.KT, it.Step)
		}
	}
	return opt
}

// statusOf is the same word in package qp: the two lists are one.
func statusOf(st conic.Status) qp.Status {
	var s qp.Status
	if err := s.UnmarshalText([]byte(st.String())); err != nil {
		panic(err)
	}
	return s
}

// solveCone solves a cone program.
func (s *solving) solveCone(ctx context.Context, p *conic.Problem, objective func(float64) float64) (*answer, error) {
	answers, err := s.runCones(ctx, p.Structure(), &conic.Batch{Data: p.Data(), Size: 1})
	if err != nil {
		return nil, err
	}
	a := answers[0]
	a.objective = objective(a.objective)
	return a, nil
}

// answersOnly is what a solve without derivatives wants.
const answersOnly = conic.OutX | conic.OutDual | conic.OutSlack

// runCones solves a batch of cone programs: one answer an element, with the value of
// the problem as it is solved.
func (s *solving) runCones(ctx context.Context, st *conic.Structure, b *conic.Batch) ([]*answer, error) {
	if s.engine != nil {
		return nil, usagef("--device is %q, but package conic runs on the CPU only", s.device)
	}
	began := time.Now()
	solver, err := conic.NewSolver(st, s.coneOptions(b.Size > 1))
	if err != nil {
		return nil, err
	}
	bytes := solver.Bytes(b.Size, answersOnly)
	if err := s.fits(bytes); err != nil {
		return nil, err
	}
	x := &conic.Solution{Want: answersOnly}
	if err := solver.Solve(ctx, x, b); !stopped(ctx, err) {
		return nil, err
	}
	took := time.Since(began).Seconds()
	answers := make([]*answer, b.Size)
	for i := range answers {
		info := &x.Info[i]
		part := func(v []float64) []float64 { return v[i*len(v)/b.Size : (i+1)*len(v)/b.Size] }
		a := &answer{
			status: statusOf(info.Status), iterations: info.Iterations, tries: info.Retries, reason: info.Reason,
			primal: info.Primal, dual: info.Dual, gap: info.Gap, relative: math.NaN(), objective: x.Value[i],
			solver: "conic", why: "a cone program", seconds: took, bytes: bytes, x: part(x.X), z: part(x.Z), s: part(x.S),
		}
		switch a.status {
		case qp.PrimalInfeasible:
			a.rayY = part(x.Rays.Z)
		case qp.DualInfeasible:
			a.rayX = part(x.Rays.X)
		}
		answers[i] = a
	}
	return answers, nil
}

// solveConeFile solves the cone program of a file, and measures the answer on its
// data.
func (s *solving) solveConeFile(ctx context.Context, p *problem) (*answer, error) {
	a, err := s.solveCone(ctx, p.cone, p.objective)
	if err != nil {
		return nil, err
	}
	s.judgeCone(p, a)
	return a, nil
}

// judgeCone measures an answer on the data of the cone program.
func (s *solving) judgeCone(p *problem, a *answer) {
	r := measureCone(p.cone, a.x, a.z, a.s)
	a.objective = p.objective(r.value)
	a.primal, a.dual, a.gap, a.relative = r.primal, r.dual, r.gap, r.relative()
	switch a.status {
	case qp.Solved:
		if !r.within(s.epsAbs*slack, s.epsRel*slack) {
			a.status = qp.NumericalError
			if r.within(1e-5, 1e-5) {
				a.status = qp.AlmostSolved
			}
			a.reason = ownTest
		}
	case qp.PrimalInfeasible:
		if sum, left, bound := coneInfeasibility(p.cone, a.rayY); !(sum < 0 && left <= bound) {
			a.status, a.reason = qp.NumericalError, "the proof of infeasibility does not pass the test on the file's data"
		}
	case qp.DualInfeasible:
		if slope, left, bound := coneRecession(p.cone, a.rayX); !(slope < 0 && left <= bound) {
			a.status, a.reason = qp.NumericalError, "the direction without bound does not pass the test on the file's data"
		}
	}
}

// kinds are the words for cones.
var kinds = map[conic.Kind]string{
	conic.Zero: "equalities", conic.NonNegative: "inequalities", conic.SecondOrder: "second-order", conic.PSD: "positive semidefinite",
	conic.Exponential: "exponential", conic.Power: "power", conic.GenPower: "generalized power",
}

// diagnoseCone explains a cone program: scaling, and where it is infeasible which
// rows and cones carry the proof.
func (s *solving) diagnoseCone(ctx context.Context, p *problem) (*diagnosis, error) {
	c := p.cone
	d := &diagnosis{Variables: len(c.Q), Rows: len(c.B), Findings: []finding{}, Advice: []string{}}
	var entries spread
	for j := range c.A.Cols {
		for k := c.A.ColPtr[j]; k < c.A.ColPtr[j+1]; k++ {
			entries.add(c.A.Val[k], func() string { return fmt.Sprintf("row %d, x[%d]", c.A.RowIdx[k], j) })
		}
	}
	if r := entries.ratio(); r > badly {
		d.find("scaling", nil, "nonzeros of A go from %.2g (%s) to %.2g (%s)", entries.least, entries.atLeast, entries.most, entries.atMost)
		d.advise("Numbers differ by a factor of %.0e: measure the variables in other units, such that entries are near 1.", r)
	}
	a, err := s.solveConeFile(ctx, p)
	if err != nil {
		return nil, err
	}
	d.Status, d.Objective, d.Reason = a.status, number(a.objective), a.reason
	switch a.status {
	case qp.PrimalInfeasible:
		d.Objective = number(math.NaN())
		set := s.thinRows(ctx, c, a.rayY)
		d.Minimal = set.minimal
		sum, _, _ := coneInfeasibility(c, set.ray)
		row := 0
		for k, cone := range c.Cones {
			dim := cone.Dim()
			if cone.Kind == conic.Zero || cone.Kind == conic.NonNegative {
				for i := row; i < row+dim; i++ {
					if set.rows[i] {
						rel := "="
						if cone.Kind == conic.NonNegative {
							rel = "≤"
						}
						w := math.Abs(set.ray[i] / sum)
						d.Conflict = append(d.Conflict, constraint{Kind: "row", Name: fmt.Sprint(i), Text: fmt.Sprintf("row %d: %s %s %.10g", i, coneRowText(c, i), rel, c.B[i]), Multiplier: number(w), Relax: number(1 / w), Enough: number(math.NaN())})
					}
				}
			} else if set.rows[row] {
				w := norm(set.ray[row:row+dim]) / math.Abs(sum)
				d.Conflict = append(d.Conflict, constraint{Kind: "cone", Name: fmt.Sprint(k), Text: fmt.Sprintf("cone %d (%s), rows %d to %d", k, kinds[cone.Kind], row, row+dim-1), Multiplier: number(w), Relax: number(1 / w), Enough: number(math.NaN())})
			}
			row += dim
		}
		d.advise("Correct or loosen one of the constraints named above: each alone would have to move by at least 1 over its weight.")
	case qp.DualInfeasible:
		d.Objective = number(math.NaN())
		slope, _, _ := coneRecession(c, a.rayX)
		largest := 0.0
		for _, v := range a.rayX {
			largest = max(largest, math.Abs(v))
		}
		for j, v := range a.rayX {
			if math.Abs(v) > 1e-7*largest {
				d.Direction = append(d.Direction, movement{fmt.Sprintf("x[%d]", j), number(v / -slope)})
			}
		}
		d.advise("Bound one of these variables, or look for a row that is missing or has the wrong sign.")
	case qp.Solved:
		d.advise("Nothing needs to be done.")
	case qp.AlmostSolved:
		d.advise("The residuals pass at 1e-5 only: %.1e of their scale. Often there is no strictly feasible point, or an optimum that is not attained: check whether equalities force a cone to its boundary.", a.relative)
	case qp.InvalidInput:
		d.Objective = number(math.NaN())
		d.adviseInvalid(a.reason)
	case qp.MaxTime, qp.Canceled:
		d.advise("Give it more time: --time-limit.")
	default:
		d.advise("The solver stopped before the end: primal residual %.2g, dual %.2g, gap %.2g. Look at the scaling, and for equalities that force a cone to its boundary.", a.primal, a.dual, a.gap)
	}
	return d, nil
}

// coneRowText writes out a row of A.
func coneRowText(c *conic.Problem, i int) string {
	text, terms := "", 0
	for j := range c.A.Cols {
		k, ok := slices.BinarySearch(c.A.RowIdx[c.A.ColPtr[j]:c.A.ColPtr[j+1]], i)
		if !ok {
			continue
		}
		if terms++; terms > 6 {
			continue
		}
		v := c.A.Val[c.A.ColPtr[j]+k]
		switch {
		case terms > 1 && v < 0:
			text += " − "
		case terms > 1:
			text += " + "
		case v < 0:
			text += "−"
		}
		text += fmt.Sprintf("%.6g x[%d]", math.Abs(v), j)
	}
	if terms > 6 {
		text += fmt.Sprintf(" + … (%d terms)", terms)
	}
	return text
}

// A rowSet is a part of the rows that contradict each other, with a proof.
type rowSet struct {
	rows    []bool
	ray     []float64
	minimal bool
}

// maxDeletion is the number of rows and cones from which on a conflict is not
// thinned out.
const maxDeletion = 400

// thinRows deletes rows of the linear cones, and whole other cones, as long as what
// is left is infeasible.
func (s *solving) thinRows(ctx context.Context, c *conic.Problem, ray []float64) *rowSet {
	type block struct {
		from, to int
		weight   float64
	}
	var blocks []block
	row := 0
	for _, cone := range c.Cones {
		dim := cone.Dim()
		step := dim
		if cone.Kind == conic.Zero || cone.Kind == conic.NonNegative {
			step = 1
		}
		for i := row; i < row+dim && step > 0; i += step {
			blocks = append(blocks, block{i, i + step, norm(ray[i : i+step])})
		}
		row += dim
	}
	set := &rowSet{rows: make([]bool, len(c.B)), ray: ray}
	largest := 0.0
	for _, b := range blocks {
		largest = max(largest, b.weight)
	}
	mark := func(b block, on bool) {
		for i := b.from; i < b.to; i++ {
			set.rows[i] = on
		}
	}
	count := 0
	for _, b := range blocks {
		if b.weight > 1e-7*largest {
			mark(b, true)
			count++
		}
	}
	if r := s.coneContradicts(ctx, c, set.rows); r != nil {
		set.ray = r
	} else { // what was left out counts after all
		return &rowSet{rows: slices.Repeat([]bool{true}, len(c.B)), ray: ray}
	}
	if count > maxDeletion {
		return set
	}
	slices.SortStableFunc(blocks, func(a, b block) int {
		switch {
		case a.weight < b.weight:
			return -1
		case a.weight > b.weight:
			return 1
		}
		return 0
	})
	for _, b := range blocks {
		if !set.rows[b.from] {
			continue
		}
		if ctx.Err() != nil {
			return set
		}
		mark(b, false)
		if r := s.coneContradicts(ctx, c, set.rows); r != nil {
			set.ray = r
		} else {
			mark(b, true)
		}
	}
	set.minimal = true
	return set
}

// coneContradicts proves that some rows contradict each other, nil if they do not
// or it cannot be said.
func (s *solving) coneContradicts(ctx context.Context, c *conic.Problem, rows []bool) []float64 {
	to := make([]int, len(c.B))
	q := &conic.Problem{Q: make([]float64, len(c.Q))}
	row := 0
	for _, cone := range c.Cones {
		dim := cone.Dim()
		kept := 0
		for i := row; i < row+dim; i++ {
			to[i] = -1
			if rows[i] {
				to[i] = len(q.B)
				q.B = append(q.B, c.B[i])
				kept++
			}
		}
		if kept > 0 {
			k := cone
			if cone.Kind == conic.Zero || cone.Kind == conic.NonNegative {
				k.Size = kept
			}
			q.Cones = append(q.Cones, k)
		}
		row += dim
	}
	a := &sparse.CSC{Rows: len(q.B), Cols: c.A.Cols, ColPtr: make([]int, c.A.Cols+1)}
	for j := range c.A.Cols {
		for k := c.A.ColPtr[j]; k < c.A.ColPtr[j+1]; k++ {
			if i := to[c.A.RowIdx[k]]; i >= 0 {
				a.RowIdx, a.Val = append(a.RowIdx, i), append(a.Val, c.A.Val[k])
			}
		}
		a.ColPtr[j+1] = len(a.RowIdx)
	}
	q.A = a
	if len(q.B) == 0 {
		return nil
	}
	t := *s
	t.trace = nil
	x, err := t.solveCone(ctx, q, func(v float64) float64 { return v })
	if err != nil || x.status != qp.PrimalInfeasible {
		return nil
	}
	ray := make([]float64, len(c.B))
	for i, k := range to {
		if k >= 0 {
			ray[i] = x.rayY[k]
		}
	}
	return ray
}
