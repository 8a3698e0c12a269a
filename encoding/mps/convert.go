package mps

import (
	"fmt"
	"math"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/qp"
	"github.com/optnet-go/optnet/sparse"
	"gonum.org/v1/gonum/mat"
)

// Point is a solution, or a proof of infeasibility, in the terms of a Problem.
// Multipliers are net, of the problem as a minimization (of minus the objective
// if Maximize): positive at an upper side, negative at a lower one.
type Point struct {
	X    []float64 // n; nil if there is none
	Rows []float64 // m, multipliers of the rows
	Cols []float64 // n, multipliers of the bounds
}

// A Map leads from the rows of a converted problem back to those of the file.
type Map struct {
	n    int
	rows []at
	cols []at
}

// at says where the two sides of a row or a bound went. In a QP, lower is a row
// of A if equal, and else one of G; in a cone program both are rows, −1 if absent.
type at struct {
	lower, upper int
	equal        bool
}

// sense is −1 if the problem is turned round to be a minimization.
func (p *Problem) sense() float64 {
	if p.Maximize {
		return -1
	}
	return 1
}

// Objective of the file for the value ½ xᵀQx + cᵀx of a converted problem.
func (p *Problem) ObjectiveOf(value float64) float64 { return p.sense()*value + p.Constant }

// maxDense bounds the numbers of a dense problem: 2 GB.
const maxDense = 1 << 28

// QP makes a dense problem: rows with equal sides are those of A, the others of
// G, in the file's order. Rows without a finite side are rows of G without effect.
func (p *Problem) QP() (*qp.Problem, *Map, error) {
	n, m := len(p.Cols), len(p.Rows)
	if n > maxDense/(n+m) {
		return nil, nil, fmt.Errorf("mps: %d columns and %d rows are too large for a dense QP (%d numbers, want at most %d): use Cone", n, m, n*(n+m), maxDense)
	}
	to := &Map{n: n, rows: make([]at, m), cols: make([]at, n)}
	eq, ineq := 0, 0
	lo, up := false, false
	for i := range to.rows {
		if p.RowLower[i] == p.RowUpper[i] {
			to.rows[i] = at{lower: eq, equal: true}
			eq++
			continue
		}
		to.rows[i] = at{lower: ineq}
		ineq++
		lo = lo || !math.IsInf(p.RowLower[i], -1)
		up = up || !math.IsInf(p.RowUpper[i], 1)
	}
	out := new(qp.Problem)
	c := make([]float64, n)
	for j, v := range p.C {
		c[j] = p.sense() * v
	}
	out.P = mat.NewVecDense(n, c)
	if p.Q != nil {
		out.Q = p.denseQ()
	}
	var a, g *mat.Dense
	var b, h, hl []float64
	if eq > 0 {
		a, b = mat.NewDense(eq, n, nil), make([]float64, eq)
		out.A, out.B = a, mat.NewVecDense(eq, b)
	}
	if ineq > 0 {
		g, h, hl = mat.NewDense(ineq, n, nil), make([]float64, ineq), make([]float64, ineq)
		out.G = g
		if lo {
			out.HL = mat.NewVecDense(ineq, hl)
		}
		if up || !lo {
			out.H = mat.NewVecDense(ineq, h)
		}
	}
	for j := range n {
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			if t := to.rows[p.A.RowIdx[k]]; t.equal {
				a.Set(t.lower, j, p.A.Val[k])
			} else {
				g.Set(t.lower, j, p.A.Val[k])
			}
		}
	}
	for i, t := range to.rows {
		if t.equal {
			b[t.lower] = p.RowLower[i]
		} else {
			hl[t.lower], h[t.lower] = p.RowLower[i], p.RowUpper[i]
		}
	}
	if some(p.Lower) {
		out.L = mat.NewVecDense(n, append([]float64(nil), p.Lower...))
	}
	if some(p.Upper) {
		out.U = mat.NewVecDense(n, append([]float64(nil), p.Upper...))
	}
	return out, to, nil
}

// some reports whether a bound is finite.
func some(x []float64) bool {
	for _, v := range x {
		if !math.IsInf(v, 0) {
			return true
		}
	}
	return false
}

func (p *Problem) denseQ() mat.Matrix {
	n := len(p.Cols)
	diagonal := true
	for j := range n {
		for k := p.Q.ColPtr[j]; k < p.Q.ColPtr[j+1]; k++ {
			diagonal = diagonal && p.Q.RowIdx[k] == j
		}
	}
	s := p.sense()
	if diagonal {
		d := make([]float64, n)
		for j := range n {
			for k := p.Q.ColPtr[j]; k < p.Q.ColPtr[j+1]; k++ {
				d[j] = s * p.Q.Val[k]
			}
		}
		return mat.NewDiagDense(n, d)
	}
	q := mat.NewDense(n, n, nil)
	for j := range n {
		for k := p.Q.ColPtr[j]; k < p.Q.ColPtr[j+1]; k++ {
			i, v := p.Q.RowIdx[k], s*p.Q.Val[k]
			q.Set(i, j, v)
			q.Set(j, i, v)
		}
	}
	return q
}

// Row says where row i of the file is in the QP: in A if equal, and else in G.
func (t *Map) Row(i int) (at int, equal bool) { return t.rows[i].lower, t.rows[i].equal }

// Split brings one number a row of the file to the order of the QP's rows of A
// and G; Join is its inverse, with zeros where a part is nil.
func (t *Map) Split(rows []float64) (nu, lambda []float64) {
	for i, r := range t.rows {
		if r.equal {
			nu = append(nu, rows[i])
		} else {
			lambda = append(lambda, rows[i])
		}
	}
	return nu, lambda
}

// Join is the inverse of Split.
func (t *Map) Join(nu, lambda []float64) []float64 {
	out := make([]float64, len(t.rows))
	for i, r := range t.rows {
		switch {
		case r.equal && len(nu) > 0:
			out[i] = nu[r.lower]
		case !r.equal && len(lambda) > 0:
			out[i] = lambda[r.lower]
		}
	}
	return out
}

// FromQP brings element k of an answer to the file's rows and bounds: a
// solution, or Rays.
func (t *Map) FromQP(x *qp.Point, k int) *Point {
	part := func(v []float64, one int) []float64 {
		if len(v) == 0 {
			return nil
		}
		return v[k*one : (k+1)*one]
	}
	eq := 0
	for _, r := range t.rows {
		if r.equal {
			eq++
		}
	}
	out := &Point{Rows: t.Join(part(x.Nu, eq), part(x.Lambda, len(t.rows)-eq)), Cols: make([]float64, t.n)}
	out.X = append(out.X, part(x.Z, t.n)...)
	copy(out.Cols, part(x.Mu, t.n))
	return out
}

// Cone makes a cone program of the same variables: rows and bounds with equal
// sides lie in the zero cone, then every other finite side is a row of the
// nonnegative one. Upper sides are aᵀx + s = u, lower ones −aᵀx + s = −l.
func (p *Problem) Cone() (*conic.Problem, *Map) {
	n, m := len(p.Cols), len(p.Rows)
	to := &Map{n: n, rows: make([]at, m), cols: make([]at, n)}
	place := func(dst []at, lower, upper []float64) (equal, sides int) {
		for i := range dst {
			dst[i] = at{-1, -1, lower[i] == upper[i]}
			switch {
			case dst[i].equal:
				equal++
				continue
			case !math.IsInf(lower[i], 0):
				sides++
			}
			if !math.IsInf(upper[i], 0) {
				sides++
			}
		}
		return equal, sides
	}
	re, rs := place(to.rows, p.RowLower, p.RowUpper)
	ce, cs := place(to.cols, p.Lower, p.Upper)
	zero, rest := re+ce, rs+cs
	b := make([]float64, zero+rest)
	e, s := 0, zero
	assign := func(dst []at, lower, upper []float64) {
		for i := range dst {
			t := &dst[i]
			if t.equal {
				t.lower, t.upper = e, e
				b[e] = lower[i]
				e++
				continue
			}
			if !math.IsInf(upper[i], 0) {
				t.upper = s
				b[s] = upper[i]
				s++
			}
			if !math.IsInf(lower[i], 0) {
				t.lower = s
				b[s] = -lower[i]
				s++
			}
		}
	}
	assign(to.rows, p.RowLower, p.RowUpper)
	assign(to.cols, p.Lower, p.Upper)

	a := &sparse.CSC{Rows: zero + rest, Cols: n, ColPtr: make([]int, n+1)}
	size := zero + rest
	for _, i := range p.A.RowIdx {
		if t := to.rows[i]; t.lower >= 0 && t.upper >= 0 && !t.equal {
			size += 2
		} else {
			size++
		}
	}
	a.RowIdx, a.Val = make([]int, 0, size), make([]float64, 0, size)
	put := func(t at, v float64) {
		if t.upper >= 0 {
			a.RowIdx, a.Val = append(a.RowIdx, t.upper), append(a.Val, v)
		}
		if t.lower >= 0 && !t.equal {
			a.RowIdx, a.Val = append(a.RowIdx, t.lower), append(a.Val, -v)
		}
	}
	for j := range n {
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			put(to.rows[p.A.RowIdx[k]], p.A.Val[k])
		}
		put(to.cols[j], 1)
		a.ColPtr[j+1] = len(a.RowIdx)
	}
	sortColumns(a)
	out := &conic.Problem{Q: make([]float64, n), A: a, B: b}
	sense := p.sense()
	for j, v := range p.C {
		out.Q[j] = sense * v
	}
	if p.Q != nil {
		out.P = &sparse.CSC{Rows: n, Cols: n, ColPtr: p.Q.ColPtr, RowIdx: p.Q.RowIdx, Val: p.Q.Val}
		if sense < 0 {
			out.P.Val = make([]float64, len(p.Q.Val))
			for k, v := range p.Q.Val {
				out.P.Val[k] = -v
			}
		}
	}
	if zero > 0 {
		out.Cones = append(out.Cones, conic.Cone{Kind: conic.Zero, Size: zero})
	}
	if rest > 0 {
		out.Cones = append(out.Cones, conic.Cone{Kind: conic.NonNegative, Size: rest})
	}
	return out, to
}

// FromCone brings x and the dual z of one cone program to the file's rows and
// bounds: a solution, or the parts of a ray. Either may be nil.
func (t *Map) FromCone(x, z []float64) *Point {
	out := &Point{Rows: make([]float64, len(t.rows)), Cols: make([]float64, len(t.cols))}
	out.X = append(out.X, x...)
	if z == nil {
		return out
	}
	net := func(dst []float64, from []at) {
		for i, r := range from {
			switch {
			case r.equal:
				dst[i] = z[r.lower]
				continue
			case r.upper >= 0:
				dst[i] = z[r.upper]
			}
			if r.lower >= 0 {
				dst[i] -= z[r.lower]
			}
		}
	}
	net(out.Rows, t.rows)
	net(out.Cols, t.cols)
	return out
}
