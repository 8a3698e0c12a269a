package qp

import (
	"context"
	"fmt"
	"strings"

	"gonum.org/v1/gonum/mat"
)

// Problem is one QP in gonum's types, with the meaning of the fields of [Data].
// Nil is absent.
type Problem struct {
	Q    mat.Matrix // symmetric; a mat.Diagonal makes the Shape's Q Diagonal, nil Zero
	P    mat.Vector
	A    mat.Matrix
	B    mat.Vector
	G    mat.Matrix
	HL   mat.Vector
	H    mat.Vector
	L, U mat.Vector
}

// parts lists the coefficients of a problem in the order of their Coef bits.
func (p *Problem) parts() [numCoef]mat.Matrix {
	var m [numCoef]mat.Matrix
	m[0], m[2], m[4] = p.Q, p.A, p.G
	for k, v := range [...]mat.Vector{1: p.P, 3: p.B, 5: p.HL, 6: p.H, 7: p.L, 8: p.U} {
		if v != nil {
			m[k] = v
		}
	}
	return m
}

// shape derives the Shape, and checks that the parts agree.
func (p *Problem) shape() (Shape, error) {
	var sh Shape
	switch {
	case p.P != nil:
		sh.N = p.P.Len()
	case p.Q != nil:
		sh.N, _ = p.Q.Dims()
	default:
		return sh, fmt.Errorf("qp: Problem has neither Q nor P, want at least one")
	}
	if p.Q == nil {
		sh.Q = Zero
	} else if _, ok := p.Q.(mat.Diagonal); ok {
		sh.Q = Diagonal
	}
	if p.A != nil {
		sh.NEq, _ = p.A.Dims()
	}
	if p.G != nil {
		sh.NIneq, _ = p.G.Dims()
		if p.HL == nil && p.H == nil {
			return sh, fmt.Errorf("qp: Problem has G but neither HL nor H, want at least one")
		}
	}
	for _, s := range [...]struct {
		v    mat.Vector
		side Sides
	}{{p.HL, RowLower}, {p.H, RowUpper}, {p.L, Lower}, {p.U, Upper}} {
		if s.v != nil {
			sh.Sides |= s.side
		}
	}
	sh, err := sh.normalize()
	if err != nil {
		return sh, err
	}
	for k, m := range p.parts() {
		rows, cols := coefDims(sh, k)
		if m == nil {
			if rows > 0 && k != 1 { // a missing P is zero
				return sh, fmt.Errorf("qp: Problem.%s is missing, want %d×%d", coefs[k].name, rows, cols)
			}
			continue
		}
		if r, c := m.Dims(); r != rows || c != cols {
			return sh, fmt.Errorf("qp: Problem.%s is %d×%d, want %d×%d", coefs[k].name, r, c, rows, cols)
		}
	}
	return sh, nil
}

// coefDims is the size of coefficient k as a matrix; vectors are columns.
func coefDims(sh Shape, k int) (rows, cols int) {
	switch Coef(1 << k) {
	case CoefQ:
		if sh.Q == Zero {
			return 0, 0
		}
		return sh.N, sh.N
	case CoefA:
		return sh.NEq, sh.N
	case CoefG:
		return sh.NIneq, sh.N
	}
	return coefs[k].len(sh), 1
}

// Stack copies problems of one shape into a batch. A coefficient that is the
// same value in all of them (the same pointer, say) becomes shared.
func Stack(ps ...*Problem) (Shape, *Batch, error) {
	if len(ps) == 0 {
		return Shape{}, nil, fmt.Errorf("qp: Stack of no problems, want at least one: an empty batch has no shape")
	}
	sh, err := ps[0].shape()
	if err != nil {
		return sh, nil, fmt.Errorf("qp: problem 0: %s", strings.TrimPrefix(err.Error(), "qp: "))
	}
	parts := make([][numCoef]mat.Matrix, len(ps))
	for i, p := range ps {
		other, err := p.shape()
		if err != nil {
			return sh, nil, fmt.Errorf("qp: problem %d: %s", i, strings.TrimPrefix(err.Error(), "qp: "))
		}
		if other != sh {
			return sh, nil, fmt.Errorf("qp: problem %d has shape %+v, want %+v as problem 0", i, other, sh)
		}
		parts[i] = p.parts()
	}
	b := &Batch{Size: len(ps)}
	for k := range coefs {
		one := coefs[k].len(sh)
		if one == 0 {
			continue
		}
		copies := 1
		for i := range parts {
			if !sameValue(parts[i][k], parts[0][k]) {
				copies = len(ps)
			}
		}
		x := make([]float64, one*copies)
		for i := range copies {
			flatten(x[i*one:(i+1)*one], parts[i][k], sh.Q == Diagonal && k == 0)
		}
		*coefs[k].of(&b.Data) = x
	}
	return sh, b, nil
}

// sameValue compares interface values; those of types that cannot be compared
// are different.
func sameValue(a, b mat.Matrix) (same bool) {
	defer func() {
		if recover() != nil {
			same = false
		}
	}()
	return a == b
}

func flatten(dst []float64, m mat.Matrix, diagonal bool) {
	if m == nil {
		return // a missing P
	}
	r, c := m.Dims()
	if diagonal {
		for i := range r {
			dst[i] = m.At(i, i)
		}
		return
	}
	for i := range r {
		for j := range c {
			dst[i*c+j] = m.At(i, j)
		}
	}
}

// Solve solves one problem with the defaults. Unlike [Solver.Solve] it also
// returns an error if the problem is not solved; the Solution is there anyway.
func Solve(ctx context.Context, p *Problem) (*Solution, error) {
	sh, b, err := Stack(p)
	if err != nil {
		return nil, err
	}
	s, err := NewSolver(sh, &Options{Workers: 1})
	if err != nil {
		return nil, err
	}
	x := new(Solution)
	if err := s.Solve(ctx, x, b); err != nil {
		return x, err
	}
	return x, x.Err()
}
