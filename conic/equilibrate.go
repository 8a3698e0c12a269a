package conic

import "math"

// scaling holds P̂ = c·DPD, q̂ = c·Dq, Â = EAD and b̂ = Eb: powers of two, so that
// nothing is rounded and undoing it is exact. Within a cone that is not a product
// of half-lines, E is a multiple of the identity. x and s are in units of σ, which D and E
// contain.
type scaling struct {
	d, e     []float64 // D, E
	c, sigma float64
	w        []float64 // scratch, n + m
}

// equilibrate is the method of Ruiz (2001) on the matrix [P Aᵀ; A 0]: at most ten times the
// rows and columns are divided by the square roots of their largest entries, until all of these are
// close to one. It scales P and A in place.
func (s *scaling) equilibrate(pl *plan, p, a []float64) {
	const (
		rounds, limit = 10, 1e4
		near          = 0.05
	)
	for j := range s.d {
		s.d[j] = 1
	}
	for i := range s.e {
		s.e[i] = 1
	}
	col, row := s.w[:pl.n], s.w[pl.n:]
	// update divides, and tells whether more than little has changed.
	update := func(x, norm []float64) (more bool) {
		for i, v := range norm {
			if v > 0 {
				was := x[i]
				x[i] = min(limit, max(1/limit, was/math.Sqrt(v)))
				more = more || math.Abs(x[i]-was) > near*was
			}
		}
		return more
	}
	for range rounds {
		s.norms(pl, p, a)
		more := update(s.d, col)
		if !update(s.e, row) && !more {
			break
		}
	}
	for j := range s.d {
		s.d[j] = powerOfTwo(s.d[j])
	}
	for i := range s.e {
		s.e[i] = powerOfTwo(s.e[i])
	}
	for j, d := range s.d {
		for k := pl.p.ColPtr[j]; k < pl.p.ColPtr[j+1]; k++ {
			p[k] *= s.d[pl.p.RowIdx[k]] * d
		}
		for k := pl.a.ColPtr[j]; k < pl.a.ColPtr[j+1]; k++ {
			a[k] *= s.e[pl.a.RowIdx[k]] * d
		}
	}
}

// norms writes to w the largest entries of the columns and rows as they are scaled now; the
// rows of a cone share theirs.
func (s *scaling) norms(pl *plan, p, a []float64) {
	clear(s.w)
	col, row := s.w[:pl.n], s.w[pl.n:]
	for j, d := range s.d {
		top := col[j]
		for k := pl.p.ColPtr[j]; k < pl.p.ColPtr[j+1]; k++ {
			i := pl.p.RowIdx[k]
			v := math.Abs(p[k]) * s.d[i] * d
			if v > col[i] {
				col[i] = v
			}
			if v > top {
				top = v
			}
		}
		lo, hi := pl.a.ColPtr[j], pl.a.ColPtr[j+1]
		rows, val := pl.a.RowIdx[lo:hi], a[lo:hi]
		for k, i := range rows {
			v := math.Abs(val[k]) * s.e[i] * d
			if v > top {
				top = v
			}
			if v > row[i] {
				row[i] = v
			}
		}
		col[j] = top
	}
	for i := range pl.blocks {
		bl := &pl.blocks[i]
		if bl.kind <= NonNegative {
			continue
		}
		r := row[bl.off : bl.off+bl.dim]
		largest := 0.0
		for _, v := range r {
			if v > largest {
				largest = v
			}
		}
		for l := range r {
			r[l] = largest
		}
	}
}

// finish scales q and b, by σ = √‖Eb‖ too, where that is above one: D ← σD and E ← E/σ leave
// EAD as it is. Half of the size of b goes, since the regularization of the KKT matrix leaves a
// dual residual that grows with x and a primal one that grows with σz. (Not where a cone is
// eliminated: Schur complements lose digits by it.) Then it divides the cost by the larger of ‖q‖ and
// the mean norm of a column of P.
func (s *scaling) finish(pl *plan, p, q, b []float64) {
	const limit = 1e4
	size := 0.0
	for i := range b {
		b[i] *= s.e[i]
		size = max(size, math.Abs(b[i]))
	}
	s.c, s.sigma = 1, 1
	if size > 1 && !pl.hasElim {
		s.units(powerOfTwo(math.Sqrt(size)), p)
		for i := range b {
			b[i] /= s.sigma
		}
	}
	largest := 0.0
	for j, d := range s.d {
		q[j] *= d
		largest = max(largest, math.Abs(q[j]))
	}
	col := s.w[:pl.n]
	clear(col)
	for j := range col {
		for k := pl.p.ColPtr[j]; k < pl.p.ColPtr[j+1]; k++ {
			i := pl.p.RowIdx[k]
			v := math.Abs(p[k])
			col[i], col[j] = max(col[i], v), max(col[j], v)
		}
	}
	mean := 0.0
	for _, v := range col {
		mean += v
	}
	if pl.n > 0 {
		largest = max(largest, mean/float64(pl.n))
	}
	if largest > 0 {
		s.c = powerOfTwo(min(limit, max(1/(limit*s.sigma), 1/largest)))
	}
	for j := range q {
		q[j] *= s.c
	}
	for k := range p {
		p[k] *= s.c
	}
}

// units sets σ, which is 1, with all that contains it.
func (s *scaling) units(sigma float64, p []float64) {
	if s.sigma = sigma; sigma == 1 {
		return
	}
	for j := range s.d {
		s.d[j] *= sigma
	}
	for i := range s.e {
		s.e[i] /= sigma
	}
	for k := range p {
		p[k] *= sigma * sigma
	}
}

// undo takes c and σ away again: what equilibrate made is left. Nothing is rounded.
func (s *scaling) undo(p []float64) {
	if s.c != 1 {
		for k := range p {
			p[k] /= s.c
		}
	}
	s.units(1/s.sigma, p)
	s.c, s.sigma = 1, 1
}

// powerOfTwo returns the power of two nearest to x in ratio.
func powerOfTwo(x float64) float64 {
	f, e := math.Frexp(x) // ½ ≤ f < 1
	if f < math.Sqrt2/2 {
		e--
	}
	return math.Ldexp(1, e)
}
