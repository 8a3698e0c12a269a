package sparse

// The products take their values as an argument: many matrices share a pattern.
// A sum runs in the order of storage, so its bits depend on nothing else.

// MulAdd adds a multiple of a product: y += alpha·A x, with values val on the
// pattern of a.
func (a *CSC) MulAdd(val []float64, alpha float64, x, y []float64) {
	x, y = x[:a.Cols], y[:a.Rows]
	for j, xj := range x {
		if xj == 0 {
			continue
		}
		xj *= alpha
		lo, hi := a.ColPtr[j], a.ColPtr[j+1]
		rows, v := a.RowIdx[lo:hi], val[lo:hi]
		for p, i := range rows {
			y[i] += v[p] * xj
		}
	}
}

// MulTAdd adds a multiple of a product with the transpose: y += alpha·Aᵀx.
func (a *CSC) MulTAdd(val []float64, alpha float64, x, y []float64) {
	x, y = x[:a.Rows], y[:a.Cols]
	for j := range y {
		lo, hi := a.ColPtr[j], a.ColPtr[j+1]
		rows, v := a.RowIdx[lo:hi], val[lo:hi]
		s := 0.0
		for p, i := range rows {
			s += v[p] * x[i]
		}
		y[j] += alpha * s
	}
}

// SymMulAdd adds a multiple of a product with the symmetric matrix of which a is
// the upper triangle: y += alpha·A x.
func (a *CSC) SymMulAdd(val []float64, alpha float64, x, y []float64) {
	x, y = x[:a.Cols], y[:a.Cols]
	for j := range y {
		lo, hi := a.ColPtr[j], a.ColPtr[j+1]
		rows, v := a.RowIdx[lo:hi], val[lo:hi]
		xj, s := alpha*x[j], 0.0
		for p, i := range rows {
			if i == j {
				s += v[p] * x[j]
				continue
			}
			y[i] += v[p] * xj
			s += v[p] * x[i]
		}
		y[j] += alpha * s
	}
}

// SymQuad returns xᵀA y for the symmetric matrix of which a is the upper
// triangle.
func (a *CSC) SymQuad(val, x, y []float64) float64 {
	x, y = x[:a.Cols], y[:a.Cols]
	sum := 0.0
	for j := range y {
		lo, hi := a.ColPtr[j], a.ColPtr[j+1]
		rows, v := a.RowIdx[lo:hi], val[lo:hi]
		for p, i := range rows {
			if i == j {
				sum += v[p] * x[j] * y[j]
			} else {
				sum += v[p] * (x[i]*y[j] + x[j]*y[i])
			}
		}
	}
	return sum
}
