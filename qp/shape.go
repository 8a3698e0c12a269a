package qp

import (
	"fmt"

	"github.com/optnet-go/optnet/internal/dense"
)

// coefs lists the coefficients in the order of their Coef bits.
var coefs = [...]struct {
	name string
	of   func(*Data) *[]float64
	len  func(Shape) int // of one value; 0 where the shape has none
}{
	{"Q", func(d *Data) *[]float64 { return &d.Q }, Shape.lenQ},
	{"P", func(d *Data) *[]float64 { return &d.P }, func(sh Shape) int { return sh.N }},
	{"A", func(d *Data) *[]float64 { return &d.A }, func(sh Shape) int { return sh.NEq * sh.N }},
	{"B", func(d *Data) *[]float64 { return &d.B }, func(sh Shape) int { return sh.NEq }},
	{"G", func(d *Data) *[]float64 { return &d.G }, func(sh Shape) int { return sh.NIneq * sh.N }},
	{"HL", func(d *Data) *[]float64 { return &d.HL }, func(sh Shape) int { return sh.lenSide(RowLower) }},
	{"H", func(d *Data) *[]float64 { return &d.H }, func(sh Shape) int { return sh.lenSide(RowUpper) }},
	{"L", func(d *Data) *[]float64 { return &d.L }, func(sh Shape) int { return sh.lenSide(Lower) }},
	{"U", func(d *Data) *[]float64 { return &d.U }, func(sh Shape) int { return sh.lenSide(Upper) }},
}

const numCoef = len(coefs)

// points lists the arrays of a Point likewise; Value has one number an element.
var points = [...]struct {
	name string
	of   func(*Point) *[]float64
	len  func(Shape) int
}{
	{"Z", func(x *Point) *[]float64 { return &x.Z }, func(sh Shape) int { return sh.N }},
	{"Nu", func(x *Point) *[]float64 { return &x.Nu }, func(sh Shape) int { return sh.NEq }},
	{"Lambda", func(x *Point) *[]float64 { return &x.Lambda }, func(sh Shape) int { return sh.NIneq }},
	{"Mu", func(x *Point) *[]float64 { return &x.Mu }, func(sh Shape) int { return sh.N }},
	{"Value", func(x *Point) *[]float64 { return &x.Value }, func(Shape) int { return 1 }},
}

func (sh Shape) lenQ() int {
	switch sh.Q {
	case Dense:
		return sh.N * sh.N
	case Diagonal:
		return sh.N
	}
	return 0
}

func (sh Shape) lenSide(side Sides) int {
	switch {
	case sh.Sides&side == 0:
		return 0
	case side&(RowLower|RowUpper) != 0:
		return sh.NIneq
	}
	return sh.N
}

// maxSize bounds each size: a dense solver of more is a mistake.
const maxSize = 1 << 15

// normalize checks the sizes and gives rows without a side an upper one.
func (sh Shape) normalize() (Shape, error) {
	switch {
	case sh.N < 1:
		return sh, fmt.Errorf("qp: Shape.N is %d, want at least 1", sh.N)
	case sh.NEq < 0 || sh.NIneq < 0:
		return sh, fmt.Errorf("qp: Shape has NEq %d and NIneq %d, want 0 or more", sh.NEq, sh.NIneq)
	case sh.N > maxSize || sh.NEq > maxSize || sh.NIneq > maxSize:
		return sh, fmt.Errorf("qp: Shape has N %d, NEq %d, NIneq %d, want at most %d each: this is a dense solver", sh.N, sh.NEq, sh.NIneq, maxSize)
	case sh.Q > Zero:
		return sh, fmt.Errorf("qp: Shape.Q is %d, want Dense, Diagonal or Zero", sh.Q)
	case sh.Sides&^(RowLower|RowUpper|Lower|Upper) != 0:
		return sh, fmt.Errorf("qp: Shape.Sides has unknown bits %#x", uint8(sh.Sides))
	}
	if sh.NIneq == 0 {
		sh.Sides &^= RowLower | RowUpper
	} else if sh.Sides&(RowLower|RowUpper) == 0 {
		sh.Sides |= RowUpper
	}
	return sh, nil
}

// bounded says whether z has bounds.
func (sh Shape) bounded() bool { return sh.Sides&(Lower|Upper) != 0 }

// checkLen reports whether an array of length got is one value of length one
// (shared), or size of them. An absent array (one = 0) must be empty.
func checkLen(name string, got, one, size int) error {
	if got == one || got == one*size {
		return nil
	}
	return &ShapeError{Name: name, Got: got, WantShared: one, WantBatch: one * size}
}

// grow returns a slice of length n, reusing x if it is large enough.
func grow(x []float64, n int) []float64 {
	if cap(x) < n {
		return make([]float64, n)
	}
	return x[:n]
}

// reserve gives x room for n values, without touching those that are there.
func reserve[T any](x *[]T, n int) {
	if cap(*x) < n {
		*x = append(make([]T, 0, n), *x...)
	}
}

// reserveAligned does so for numbers that kernels work on.
func reserveAligned(x *[]float64, n int) {
	if cap(*x) < n {
		y := dense.Alloc(n)
		*x = y[:copy(y, *x)]
	}
}
