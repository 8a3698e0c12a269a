package sudoku

import (
	"math"

	"github.com/optnet-go/optnet/experiments/lab"
	"gonum.org/v1/gonum/mat"
)

// trueRules returns the equations of Sudoku after row reduction, and their
// pivot columns: one digit in each cell, each digit once in each unit. Of the 64
// equations 40 are independent.
func trueRules() (reduced *mat.Dense, pivots []int) {
	var eqs [][]float64
	for c := range cells {
		row := make([]float64, inputs)
		for d := range side {
			row[c*side+d] = 1
		}
		eqs = append(eqs, row)
	}
	for _, u := range units {
		for d := range side {
			row := make([]float64, inputs)
			for _, c := range u {
				row[c*side+d] = 1
			}
			eqs = append(eqs, row)
		}
	}
	a := mat.NewDense(len(eqs), inputs, nil)
	for i, row := range eqs {
		a.SetRow(i, row)
	}
	pivots = reduce(a)
	return a.Slice(0, len(pivots), 0, inputs).(*mat.Dense), pivots
}

// reduce brings a, whose entries are small integers and stay so, to reduced row
// echelon form, and returns the pivot columns.
func reduce(a *mat.Dense) (pivots []int) {
	rows, cols := a.Dims()
	for j := 0; j < cols && len(pivots) < rows; j++ {
		k := len(pivots)
		for k < rows && a.At(k, j) == 0 {
			k++
		}
		if k == rows {
			continue
		}
		top := len(pivots)
		p := a.RawRowView(top)
		if k != top {
			for c, v := range a.RawRowView(k) {
				a.RawRowView(k)[c], p[c] = p[c], v
			}
		}
		s := p[j]
		for c := range p {
			p[c] /= s
		}
		for i := range rows {
			row := a.RawRowView(i)
			if f := row[j]; i != top && f != 0 {
				for c := range row {
					row[c] -= f * p[c]
				}
			}
		}
		pivots = append(pivots, j)
	}
	return pivots
}

// reduceLike returns the rows of A combined so that the pivot columns become
// the identity, as they are in the reduced rules: A spans the space of the rules
// if and only if the result is equal to them. It is nil if that cannot be done.
func reduceLike(a []float64, pivots []int) *mat.Dense {
	m := mat.NewDense(rules, inputs, append([]float64(nil), a...))
	p := mat.NewDense(rules, rules, nil)
	for k, j := range pivots {
		for i := range rules {
			p.Set(i, k, m.At(i, j))
		}
	}
	var out mat.Dense
	if err := out.Solve(p, m); err != nil {
		if c, ok := err.(mat.Condition); !ok || math.IsInf(float64(c), 0) {
			return nil
		}
	}
	return &out
}

// overlap is ‖UᵀV‖²/40 for orthonormal bases U, V of the rows of A and of the
// rules.
func overlap(a []float64) lab.Figure {
	r, _ := trueRules()
	u, v := orthonormal(mat.NewDense(rules, inputs, append([]float64(nil), a...))), orthonormal(r)
	var c mat.Dense
	c.Mul(u.T(), v)
	f := mat.Norm(&c, 2)
	return lab.Figure(f * f / rules)
}

// orthonormal returns a basis of the span of the rows, in columns.
func orthonormal(rows *mat.Dense) *mat.Dense {
	n, _ := rows.Dims()
	var qr mat.QR
	qr.Factorize(rows.T())
	var q mat.Dense
	qr.QTo(&q)
	return q.Slice(0, inputs, 0, n).(*mat.Dense)
}
