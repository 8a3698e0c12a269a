package mps

import "math"

// Residuals are those of a point on the data of a Problem, in the ∞-norm, with
// the scales that docs/CONVENTIONS.md defines: the largest of the terms that were
// summed. Each residual counts as small if it is at most
// EpsAbs + EpsRel·(its scale).
type Residuals struct {
	Objective                        float64 // of the file
	Primal, Dual, Gap                float64
	PrimalScale, DualScale, GapScale float64
	Worst                            struct { // where Primal is attained
		Row, Col  int // one of them, the other is −1
		Violation float64
	}
	WorstDual int // the column where Dual is attained, −1 if it is 0
}

// Within reports whether every residual is at most abs + rel·scale.
func (r *Residuals) Within(abs, rel float64) bool {
	return r.Primal <= abs+rel*r.PrimalScale && r.Dual <= abs+rel*r.DualScale && r.Gap <= abs+rel*r.GapScale
}

// Measure computes the residuals of a point from the data alone.
func (p *Problem) Measure(x *Point) *Residuals {
	n, m := len(p.Cols), len(p.Rows)
	r := &Residuals{WorstDual: -1}
	r.Worst.Row, r.Worst.Col = -1, -1
	sense := p.sense()

	rows, cols := clip(x.Rows, p.RowLower, p.RowUpper), clip(x.Cols, p.Lower, p.Upper)
	ax, atn, gtl := make([]float64, m), make([]float64, n), make([]float64, n) // Aᵀν of equalities, Gᵀλ of the rest
	for j := range n {
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			i, v := p.A.RowIdx[k], p.A.Val[k]
			ax[i] += v * x.X[j]
			if p.RowLower[i] == p.RowUpper[i] {
				atn[j] += v * rows[i]
			} else {
				gtl[j] += v * rows[i]
			}
		}
	}
	qx := p.product(x.X)

	violation := func(v, lo, up float64) float64 { return max(lo-v, v-up, 0) }
	for i, v := range ax {
		d := violation(v, p.RowLower[i], p.RowUpper[i])
		if d > r.Primal || math.IsNaN(d) {
			r.Primal, r.Worst.Row, r.Worst.Violation = d, i, d
		}
		if p.RowLower[i] == p.RowUpper[i] {
			r.PrimalScale = max(r.PrimalScale, math.Abs(p.RowLower[i]))
		}
		if some(p.RowLower[i:i+1]) || some(p.RowUpper[i:i+1]) {
			r.PrimalScale = max(r.PrimalScale, math.Abs(v))
		}
	}
	for j, v := range x.X {
		d := violation(v, p.Lower[j], p.Upper[j])
		if d > r.Primal || math.IsNaN(d) {
			r.Primal, r.Worst.Row, r.Worst.Col, r.Worst.Violation = d, -1, j, d
		}
	}

	var xqx, cx, sides float64
	for j := range n {
		c := sense * p.C[j]
		d := math.Abs(qx[j] + c + atn[j] + gtl[j] + cols[j])
		if d > r.Dual || math.IsNaN(d) {
			r.Dual, r.WorstDual = d, j
		}
		r.DualScale = max(r.DualScale, math.Abs(qx[j]), math.Abs(c), math.Abs(atn[j]), math.Abs(gtl[j]), math.Abs(cols[j]))
		xqx += x.X[j] * qx[j]
		cx += c * x.X[j]
		sides += atSide(cols[j], p.Lower[j], p.Upper[j])
	}
	for i, y := range rows {
		sides += atSide(y, p.RowLower[i], p.RowUpper[i])
	}
	r.Gap = math.Abs(xqx + cx + sides)
	r.GapScale = max(math.Abs(xqx/2+cx), math.Abs(xqx/2+sides))
	r.Objective = sense*(xqx/2+cx) + p.Constant
	return r
}

// BoundMultipliers are the multipliers of the bounds that make x stationary with
// those of the rows: −(Qx + c + Aᵀy) of the minimization.
func (p *Problem) BoundMultipliers(x, rows []float64) []float64 {
	mu := p.product(x)
	for j := range mu {
		mu[j] += p.sense() * p.C[j]
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			mu[j] += p.A.Val[k] * rows[p.A.RowIdx[k]]
		}
		mu[j] = -mu[j]
	}
	return mu
}

// clip leaves out the multipliers whose sign names a side that is not there: they
// are no multipliers, and stationarity has to do without them.
func clip(y, lower, upper []float64) []float64 {
	out := make([]float64, len(y))
	for i, v := range y {
		if !(v > 0 && math.IsInf(upper[i], 1) || v < 0 && math.IsInf(lower[i], -1)) {
			out[i] = v
		}
	}
	return out
}

// atSide is the multiplier times the side that its sign names.
func atSide(y, lower, upper float64) float64 {
	switch {
	case y > 0:
		return y * upper
	case y < 0:
		return y * lower
	}
	return y // 0 or NaN
}

// product is Qx of the minimization.
func (p *Problem) product(x []float64) []float64 {
	out := make([]float64, len(x))
	if p.Q == nil {
		return out
	}
	s := p.sense()
	for j := range x {
		for k := p.Q.ColPtr[j]; k < p.Q.ColPtr[j+1]; k++ {
			i, v := p.Q.RowIdx[k], s*p.Q.Val[k]
			out[i] += v * x[j]
			if i != j {
				out[j] += v * x[i]
			}
		}
	}
	return out
}

// Infeasibility measures multipliers as a proof that no x meets the constraints:
// scaled such that the sides weighted by them sum up to −1, left is
// ‖Aᵀy + μ‖, to be at most 1e-8·max(1, ‖A‖)·‖(y, μ)‖ (bound). The sum is the one
// before scaling: the proof needs it to be negative.
func (p *Problem) Infeasibility(x *Point) (sum, left, bound float64) {
	norm := 0.0
	rows, cols := clip(x.Rows, p.RowLower, p.RowUpper), clip(x.Cols, p.Lower, p.Upper)
	for i, y := range rows {
		sum += atSide(y, p.RowLower[i], p.RowUpper[i])
		norm = max(norm, math.Abs(y))
	}
	for j, y := range cols {
		sum += atSide(y, p.Lower[j], p.Upper[j])
		norm = max(norm, math.Abs(y))
	}
	size := 1.0
	for j := range p.Cols {
		t := cols[j]
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			t += p.A.Val[k] * rows[p.A.RowIdx[k]]
			size = max(size, math.Abs(p.A.Val[k]))
		}
		left = max(left, math.Abs(t))
	}
	return sum, left, 1e-8 * size * norm
}

// Recession measures a direction d as a proof that the objective is unbounded
// wherever the constraints hold: slope is cᵀd of the minimization, to be negative;
// left is the largest of ‖Qd‖ and of what d moves against rows and bounds, to be
// at most 1e-8·norms·‖d‖ (bound).
func (p *Problem) Recession(d []float64) (slope, left, bound float64) {
	norm, size := 0.0, 1.0
	ad := make([]float64, len(p.Rows))
	against := func(v, lo, up float64) float64 {
		t := 0.0
		if !math.IsInf(lo, -1) {
			t = max(t, -v)
		}
		if !math.IsInf(up, 1) {
			t = max(t, v)
		}
		return t
	}
	for j, v := range d {
		slope += p.sense() * p.C[j] * v
		norm = max(norm, math.Abs(v))
		left = max(left, against(v, p.Lower[j], p.Upper[j]))
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			ad[p.A.RowIdx[k]] += p.A.Val[k] * v
			size = max(size, math.Abs(p.A.Val[k]))
		}
	}
	for i, v := range ad {
		left = max(left, against(v, p.RowLower[i], p.RowUpper[i]))
	}
	for _, v := range p.product(d) {
		left = max(left, math.Abs(v))
	}
	if p.Q != nil {
		for _, v := range p.Q.Val {
			size = max(size, math.Abs(v))
		}
	}
	return slope, left, 1e-8 * size * norm
}
