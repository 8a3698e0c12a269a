package qptest

import (
	"math"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

// coefs lists the coefficients in the order of their bits.
var coefs = [...]struct {
	name string
	bit  qp.Coef
	of   func(*qp.Data) *[]float64
	len  func(qp.Shape) int // of one value
}{
	{"Q", qp.CoefQ, func(d *qp.Data) *[]float64 { return &d.Q }, func(sh qp.Shape) int {
		return map[qp.QForm]int{qp.Dense: sh.N * sh.N, qp.Diagonal: sh.N}[sh.Q]
	}},
	{"P", qp.CoefP, func(d *qp.Data) *[]float64 { return &d.P }, func(sh qp.Shape) int { return sh.N }},
	{"A", qp.CoefA, func(d *qp.Data) *[]float64 { return &d.A }, func(sh qp.Shape) int { return sh.NEq * sh.N }},
	{"B", qp.CoefB, func(d *qp.Data) *[]float64 { return &d.B }, func(sh qp.Shape) int { return sh.NEq }},
	{"G", qp.CoefG, func(d *qp.Data) *[]float64 { return &d.G }, func(sh qp.Shape) int { return sh.NIneq * sh.N }},
	{"HL", qp.CoefHL, func(d *qp.Data) *[]float64 { return &d.HL }, sideLen(qp.RowLower)},
	{"H", qp.CoefH, func(d *qp.Data) *[]float64 { return &d.H }, sideLen(qp.RowUpper)},
	{"L", qp.CoefL, func(d *qp.Data) *[]float64 { return &d.L }, sideLen(qp.Lower)},
	{"U", qp.CoefU, func(d *qp.Data) *[]float64 { return &d.U }, sideLen(qp.Upper)},
}

func sideLen(side qp.Sides) func(qp.Shape) int {
	return func(sh qp.Shape) int {
		switch {
		case sh.Sides&side == 0:
			return 0
		case side&(qp.RowLower|qp.RowUpper) != 0:
			return sh.NIneq
		}
		return sh.N
	}
}

// points lists the arrays of a Point.
var points = [...]struct {
	name string
	of   func(*qp.Point) *[]float64
	len  func(qp.Shape) int
}{
	{"Z", func(x *qp.Point) *[]float64 { return &x.Z }, func(sh qp.Shape) int { return sh.N }},
	{"Nu", func(x *qp.Point) *[]float64 { return &x.Nu }, func(sh qp.Shape) int { return sh.NEq }},
	{"Lambda", func(x *qp.Point) *[]float64 { return &x.Lambda }, func(sh qp.Shape) int { return sh.NIneq }},
	{"Mu", func(x *qp.Point) *[]float64 { return &x.Mu }, func(sh qp.Shape) int { return sh.N }},
	{"Value", func(x *qp.Point) *[]float64 { return &x.Value }, func(qp.Shape) int { return 1 }},
}

// normal fills in the side that rows of G have by default.
func normal(sh qp.Shape) qp.Shape {
	rows := qp.RowLower | qp.RowUpper
	if sh.NIneq == 0 {
		sh.Sides &^= rows
	} else if sh.Sides&rows == 0 {
		sh.Sides |= qp.RowUpper
	}
	return sh
}

// part is element i of an array with one value, or one per element.
func part(x []float64, one, i int) []float64 {
	if len(x) <= one {
		return x
	}
	return x[i*one : (i+1)*one]
}

// dataOf is element i of the data of a batch.
func dataOf(sh qp.Shape, d *qp.Data, i int) qp.Data {
	var e qp.Data
	for _, c := range coefs {
		*c.of(&e) = part(*c.of(d), c.len(sh), i)
	}
	return e
}

// pointOf is element i of a point.
func pointOf(sh qp.Shape, x *qp.Point, i int) qp.Point {
	var e qp.Point
	for _, c := range points {
		*c.of(&e) = part(*c.of(x), c.len(sh), i)
	}
	return e
}

// element is one problem; its sides are ±Inf where they are absent.
type element struct {
	sh qp.Shape
	qp.Data
}

func newElement(sh qp.Shape, d *qp.Data, i int) *element {
	e := &element{sh, dataOf(sh, d, i)}
	fill := func(x *[]float64, n int, v float64) {
		if len(*x) == n {
			return
		}
		*x = make([]float64, n)
		for i := range *x {
			(*x)[i] = v
		}
	}
	fill(&e.HL, sh.NIneq, math.Inf(-1))
	fill(&e.H, sh.NIneq, math.Inf(1))
	fill(&e.L, sh.N, math.Inf(-1))
	fill(&e.U, sh.N, math.Inf(1))
	return e
}

// qx returns ½(Q + Qᵀ)x, the gradient of ½xᵀQx: Q may be asymmetric by rounding.
func (e *element) qx(x []float64) []float64 {
	switch e.sh.Q {
	case qp.Dense:
		y, yt := mul(e.Q, x), mulT(e.Q, x, len(x))
		for i := range y {
			y[i] = y[i]/2 + yt[i]/2
		}
		return y
	case qp.Diagonal:
		y := make([]float64, len(x))
		for i, d := range e.Q {
			y[i] = d * x[i]
		}
		return y
	}
	return make([]float64, len(x))
}

// mul is the product of a row-major matrix with x.
func mul(m, x []float64) []float64 {
	y := make([]float64, len(m)/len(x))
	for i := range y {
		y[i] = dot(m[i*len(x):(i+1)*len(x)], x)
	}
	return y
}

// mulT is the product of the transpose of a matrix with n columns with x.
func mulT(m, x []float64, n int) []float64 {
	y := make([]float64, n)
	for i, v := range x {
		for j := range y {
			y[j] += m[i*n+j] * v
		}
	}
	return y
}

func dot(x, y []float64) float64 {
	var s float64
	for i, v := range x {
		s += v * y[i]
	}
	return s
}

// norm is the largest magnitude in x: NaN if there is one.
func norm(x []float64) float64 {
	var m float64
	for _, v := range x {
		m = max(m, math.Abs(v))
	}
	return m
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// shapeOf is the shape of a generated problem.
func shapeOf(p *gen.QP) qp.Shape {
	sh := qp.Shape{N: p.N, NEq: p.NEq, NIneq: p.NIneq}
	sh.Q = map[gen.Form]qp.QForm{gen.Dense: qp.Dense, gen.Diagonal: qp.Diagonal, gen.Zero: qp.Zero}[p.Form]
	for _, s := range []struct {
		x    []float64
		side qp.Sides
	}{{p.HL, qp.RowLower}, {p.H, qp.RowUpper}, {p.L, qp.Lower}, {p.U, qp.Upper}} {
		if s.x != nil {
			sh.Sides |= s.side
		}
	}
	return sh
}

// batchOf is a batch of one generated problem.
func batchOf(p *gen.QP) *qp.Batch {
	return &qp.Batch{Size: 1, Data: qp.Data{Q: p.Q, P: p.P, A: p.A, B: p.B, G: p.G, HL: p.HL, H: p.H, L: p.L, U: p.U}}
}

// known is the point that the generator knows.
func known(p *gen.QP) *qp.Point {
	return &qp.Point{Z: p.Z, Nu: p.Nu, Lambda: p.Lambda, Mu: p.Mu, Value: []float64{p.Value()}}
}
