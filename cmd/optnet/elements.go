package main

import (
	"fmt"

	"github.com/optnet-go/optnet/encoding/mps"
	"github.com/optnet-go/optnet/qp"
	"github.com/optnet-go/optnet/sparse"

	"math"
)

// rowsOf is element i of a batch as a problem with rows: those of A, and then those
// of G, with names made of their places.
func rowsOf(sh qp.Shape, b *qp.Batch, i int) *mps.Problem {
	part := func(x []float64, one int) []float64 {
		if len(x) == one {
			return x
		}
		return x[i*one : (i+1)*one]
	}
	n, m := sh.N, sh.NEq+sh.NIneq
	p := &mps.Problem{Name: fmt.Sprintf("element %d", i), C: part(b.P, n)}
	for j := range n {
		p.Cols = append(p.Cols, fmt.Sprintf("z[%d]", j))
	}
	for r := range sh.NEq {
		p.Rows = append(p.Rows, fmt.Sprintf("A[%d]", r))
	}
	for r := range sh.NIneq {
		p.Rows = append(p.Rows, fmt.Sprintf("G[%d]", r))
	}
	a, g := part(b.A, sh.NEq*n), part(b.G, sh.NIneq*n)
	p.A = &sparse.CSC{Rows: m, Cols: n, ColPtr: make([]int, n+1)}
	for j := range n {
		for r := range m {
			v := 0.0
			if r < sh.NEq {
				v = a[r*n+j]
			} else {
				v = g[(r-sh.NEq)*n+j]
			}
			if v != 0 {
				p.A.RowIdx, p.A.Val = append(p.A.RowIdx, r), append(p.A.Val, v)
			}
		}
		p.A.ColPtr[j+1] = len(p.A.RowIdx)
	}
	fill := func(x []float64, one int, side qp.Sides, none float64) []float64 {
		if sh.Sides&side != 0 {
			return part(x, one)
		}
		y := make([]float64, one)
		for k := range y {
			y[k] = none
		}
		return y
	}
	eq := part(b.B, sh.NEq)
	p.RowLower = append(append([]float64(nil), eq...), fill(b.HL, sh.NIneq, qp.RowLower, math.Inf(-1))...)
	p.RowUpper = append(append([]float64(nil), eq...), fill(b.H, sh.NIneq, qp.RowUpper, math.Inf(1))...)
	p.Lower, p.Upper = fill(b.L, n, qp.Lower, math.Inf(-1)), fill(b.U, n, qp.Upper, math.Inf(1))
	switch sh.Q {
	case qp.Diagonal:
		d := part(b.Q, n)
		p.Q = &sparse.CSC{Rows: n, Cols: n, ColPtr: make([]int, n+1), Val: d}
		for j := range n {
			p.Q.RowIdx = append(p.Q.RowIdx, j)
			p.Q.ColPtr[j+1] = j + 1
		}
	case qp.Dense:
		q := part(b.Q, n*n)
		p.Q = &sparse.CSC{Rows: n, Cols: n, ColPtr: make([]int, n+1)}
		for j := range n {
			for r := range j + 1 {
				if v := (q[r*n+j] + q[j*n+r]) / 2; v != 0 {
					p.Q.RowIdx, p.Q.Val = append(p.Q.RowIdx, r), append(p.Q.Val, v)
				}
			}
			p.Q.ColPtr[j+1] = len(p.Q.RowIdx)
		}
	}
	return p
}

// pointOf is element i of an answer in the terms of rowsOf.
func pointOf(sh qp.Shape, x *qp.Point, i int) *mps.Point {
	part := func(v []float64, one int) []float64 {
		if len(v) == 0 {
			return make([]float64, one)
		}
		return v[i*one : (i+1)*one]
	}
	return &mps.Point{
		X:    part(x.Z, sh.N),
		Rows: append(append([]float64(nil), part(x.Nu, sh.NEq)...), part(x.Lambda, sh.NIneq)...),
		Cols: part(x.Mu, sh.N),
	}
}
