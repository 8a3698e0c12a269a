package conic

import (
	"context"
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// JVP writes to dst how X, Z, S and Value move when the data move in the direction
// dir. An array of dir is nil (no change), one direction for the whole batch, or one
// per element. A direction of P is given on its upper triangle, as P is.
//
// An element that is neither Solved nor AlmostSolved, or whose direction is not
// finite, has the tangent zero, and its certificate says Zeroed.
func (x *Solution) JVP(ctx context.Context, dst *Tangent, dir *Data) error {
	d, err := x.differentiable()
	if err != nil {
		return err
	}
	n, m := d.sys.n, d.sys.m
	for k := range coefs {
		one := coefs[k].len(x.solver.plan)
		if got := len(*coefs[k].of(dir)); got != 0 && got != one && got != one*x.size {
			return &ShapeError{Name: "direction of " + coefs[k].name, Got: got, WantShared: one, WantBatch: one * x.size}
		}
	}
	dst.X, dst.Z, dst.S = grow(dst.X, n*x.size), grow(dst.Z, m*x.size), grow(dst.S, m*x.size)
	dst.Value = grow(dst.Value, x.size)
	dst.Certs = grow(dst.Certs, x.size)
	return x.eachElement(ctx, func(l *linearization, i int) { x.tangent(l, i, dst, dir) })
}

// tangent finds the tangent of element i.
func (x *Solution) tangent(l *linearization, i int, dst *Tangent, dir *Data) {
	n, m := l.n, l.m
	d := &l.dir // not on the stack: the table of coefficients holds functions
	ok := l.ok
	for k := range coefs {
		one := coefs[k].len(x.solver.plan)
		v := *coefs[k].of(dir)
		if len(v) != one && len(v) != 0 {
			v = v[i*one : (i+1)*one]
		}
		*coefs[k].of(d) = v
		ok = ok && finite(v)
	}
	dx, dz, ds := dst.X[i*n:(i+1)*n], dst.Z[i*m:(i+1)*m], dst.S[i*m:(i+1)*m]
	residual, fallback := 0.0, false
	if ok {
		residual, fallback = l.tangent(dx, dz, ds, &dst.Value[i], d)
		ok = finite(dx) && finite(dz) && finite(ds) && !math.IsNaN(dst.Value[i])
	}
	if !ok {
		clear(dx)
		clear(dz)
		clear(ds)
		dst.Value[i] = 0
	}
	*d = Data{} // the caller's arrays
	dst.Certs[i] = l.finish(residual, fallback, ok)
}

// tangent solves for the direction d:
//
//	r₁ = −(dP x + dq + dAᵀz), r₂ = db − dA x,
//	dvalue = ½xᵀdP x + dqᵀx + zᵀ(dA x − db), or by way of dx for Smoothed.
func (l *linearization) tangent(dx, dz, ds []float64, value *float64, d *Data) (residual float64, fallback bool) {
	st := l.st
	r1, r2 := l.col1, ds
	clear(r1)
	clear(r2)
	*value = 0
	if len(d.P) > 0 {
		st.P.SymMulAdd(d.P, -1, l.x, r1)
		*value -= dense.Dot(r1, l.x) / 2
	}
	if len(d.Q) > 0 {
		dense.Axpy(-1, d.Q, r1)
		*value += dense.Dot(d.Q, l.x)
	}
	if len(d.B) > 0 {
		copy(r2, d.B)
	}
	if len(d.A) > 0 {
		st.A.MulTAdd(d.A, -1, l.z, r1)
		st.A.MulAdd(d.A, -1, l.x, r2)
	}
	envelope := dense.Dot(l.z, r2)
	clear(l.rhs)
	copy(l.rhs, r1)
	l.toRows(l.rhs[l.n:l.n+l.m], r2)
	residual, fallback = l.solve(l.sol, l.rhs, solveTol)
	copy(dx, l.sol)
	l.fromRows(dz, l.sol[l.n:l.n+l.m])
	l.slackChange(ds, dx, dz)
	if l.cert.Rule == Smoothed {
		clear(r1)
		st.P.SymMulAdd(l.e.P, 1, l.x, r1)
		*value += dense.Dot(r1, dx) + dense.Dot(l.e.q, dx)
	} else {
		*value -= envelope
	}
	return residual, fallback
}
