package conic

import "math"

// scaling holds P̂ = c·DPD, q̂ = c·Dq, Â = EAD and b̂ = Eb: powers of two, so that
// nothing is rounded and undoing it is exact. Within a cone that is not a product
// of half-lines, E is a multiple of the identity.
type scaling struct {
	d, e []float64 // D, E
	c    float64
	w    []float64 // scratch, n + m
}

// equilibrate is the method of Ruiz (2001) on the matrix [P Aᵀ; A 0]: ten times the
// rows and columns are divided by the square roots of their largest entries; and
// the cost by the larger of ‖q‖ and the mean norm of a column of P. It scales the
// data in place.
func (s *scaling) equilibrate(pl *plan, p, q, a, b []float64) {
	const rounds, limit = 10, 1e4
	for j := range s.d {
		s.d[j] = 1
	}
	for i := range s.e {
		s.e[i] = 1
	}
	col, row := s.w[:pl.n], s.w[pl.n:]
	norms := func() {
		clear(s.w)
		for j := range pl.n {
			for k := pl.p.ColPtr[j]; k < pl.p.ColPtr[j+1]; k++ {
				i := pl.p.RowIdx[k]
				v := math.Abs(p[k]) * s.d[i] * s.d[j]
				col[i], col[j] = max(col[i], v), max(col[j], v)
			}
			for k := pl.a.ColPtr[j]; k < pl.a.ColPtr[j+1]; k++ {
				i := pl.a.RowIdx[k]
				v := math.Abs(a[k]) * s.e[i] * s.d[j]
				col[j], row[i] = max(col[j], v), max(row[i], v)
			}
		}
		for i := range pl.blocks {
			bl := &pl.blocks[i]
			if bl.kind <= NonNegative {
				continue
			}
			r := row[bl.off : bl.off+bl.dim]
			largest := 0.0
			for _, v := range r {
				largest = max(largest, v)
			}
			for l := range r {
				r[l] = largest
			}
		}
	}
	update := func(x, norm []float64) {
		for i, v := range norm {
			if v > 0 {
				x[i] = min(limit, max(1/limit, x[i]/math.Sqrt(v)))
			}
		}
	}
	for range rounds {
		norms()
		update(s.d, col)
		update(s.e, row)
	}
	for j := range s.d {
		s.d[j] = powerOfTwo(s.d[j])
	}
	for i := range s.e {
		s.e[i] = powerOfTwo(s.e[i])
	}
	for j := range pl.n {
		q[j] *= s.d[j]
		for k := pl.p.ColPtr[j]; k < pl.p.ColPtr[j+1]; k++ {
			p[k] *= s.d[pl.p.RowIdx[k]] * s.d[j]
		}
		for k := pl.a.ColPtr[j]; k < pl.a.ColPtr[j+1]; k++ {
			a[k] *= s.e[pl.a.RowIdx[k]] * s.d[j]
		}
	}
	for i := range b {
		b[i] *= s.e[i]
	}
	// The cost.
	clear(col)
	largest := 0.0
	for j := range pl.n {
		largest = max(largest, math.Abs(q[j]))
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
	s.c = 1
	if largest > 0 {
		s.c = powerOfTwo(min(limit, max(1/limit, 1/largest)))
	}
	for j := range q {
		q[j] *= s.c
	}
	for k := range p {
		p[k] *= s.c
	}
}

// powerOfTwo returns the power of two nearest to x in ratio.
func powerOfTwo(x float64) float64 {
	f, e := math.Frexp(x) // ½ ≤ f < 1
	if f < math.Sqrt2/2 {
		e--
	}
	return math.Ldexp(1, e)
}
