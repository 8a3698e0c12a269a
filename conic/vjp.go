package conic

import (
	"context"
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// VJP writes to dst the gradient of a loss with respect to the data, given its
// cotangents up: the gradients of the loss with respect to X, Z, S and Value, of
// which any may be nil. The gradient of a coefficient that the batch shares is the
// sum over the batch, in the order of the elements.
//
// An entry of P off the diagonal stands for two, and so does its gradient. An
// element that is neither Solved nor AlmostSolved, or whose part of up is not
// finite, adds zero to every gradient, and its certificate says Zeroed.
//
// The first derivative after a Solve polishes and factors; further ones reuse that.
// If ctx ends, the error wraps its cause and dst's arrays are as they were.
func (x *Solution) VJP(ctx context.Context, dst *Gradient, up *Point) error {
	d, err := x.differentiable()
	if err != nil {
		return err
	}
	n, m := d.sys.n, d.sys.m
	for _, a := range [...]struct {
		name string
		v    []float64
		one  int
	}{{"up.X", up.X, n}, {"up.Z", up.Z, m}, {"up.S", up.S, m}, {"up.Value", up.Value, 1}} {
		if len(a.v) != 0 && len(a.v) != a.one*x.size {
			return &ShapeError{Name: a.name, Got: len(a.v), WantShared: -1, WantBatch: a.one * x.size}
		}
	}
	for k := range coefs {
		to := *coefs[k].of(&dst.Data)
		if want := len(*coefs[k].of(&x.data)); dst.Add && dst.wants(1<<k) && len(to) != 0 && len(to) != want {
			return &ShapeError{Name: "gradient of " + coefs[k].name, Got: len(to), WantShared: -1, WantBatch: want}
		}
	}
	d.y1, d.y2 = grow(d.y1, n*x.size), grow(d.y2, m*x.size)
	d.value, d.envelope = grow(d.value, x.size), grow(d.envelope, x.size)
	d.certs = grow(d.certs, x.size)
	if err := x.eachElement(ctx, func(l *linearization, i int) { x.adjoint(l, i, up) }); err != nil {
		return err
	}
	dst.Certs = append(dst.Certs[:0], d.certs...)
	for k := range coefs {
		if dst.wants(1 << k) {
			x.accumulate(dst, k)
		}
	}
	return nil
}

// wants says whether the gradient with respect to a coefficient is asked for.
func (g *Gradient) wants(k Coef) bool { return g.Want == 0 || g.Want&k != 0 }

// adjoint finds y₁ and y₂ of element i.
func (x *Solution) adjoint(l *linearization, i int, up *Point) {
	d := &x.diff
	n, m := l.n, l.m
	y1, y2 := d.y1[i*n:(i+1)*n], d.y2[i*m:(i+1)*m]
	part := func(a []float64, one int) []float64 {
		if len(a) == 0 {
			return nil
		}
		return a[i*one : (i+1)*one]
	}
	gx, gz, gs := part(up.X, n), part(up.Z, m), part(up.S, m)
	value := 0.0
	if len(up.Value) > 0 {
		value = up.Value[i]
	}
	d.value[i], d.envelope[i] = value, value
	residual, fallback := 0.0, false
	ok := l.ok && finite(gx) && finite(gz) && finite(gs) && finite([]float64{value})
	if ok {
		if l.cert.Rule == Smoothed { // its value has no envelope, and goes through x
			d.envelope[i] = 0
		}
		residual, fallback = l.adjoint(y1, y2, gx, gz, gs, value-d.envelope[i])
		ok = finite(y1) && finite(y2)
	}
	d.certs[i] = l.finish(residual, fallback, ok)
	if !ok {
		clear(y1)
		clear(y2)
		d.value[i], d.envelope[i] = 0, 0
	}
}

// adjoint writes y₁ and y₂ for cotangents of x, z, s, and of the value at x alone.
func (l *linearization) adjoint(y1, y2, gx, gz, gs []float64, value float64) (residual float64, fallback bool) {
	r1, rows := l.col1, l.row1
	clear(r1)
	copy(r1, gx)
	if value != 0 {
		dense.Axpy(value, l.e.q, r1)
		l.st.P.SymMulAdd(l.e.P, value, l.x, r1)
	}
	clear(rows)
	copy(rows, gz)
	clear(y2)
	if gs != nil { // ds = r₂ − A dx where h > 1, −h dz elsewhere
		l.spectral(y2, gs, loose)
		l.st.A.MulTAdd(l.e.A, -1, y2, r1)
		l.spectral(l.row2, gs, tight)
		dense.Axpy(1, l.row2, rows)
	}
	clear(l.rhs)
	copy(l.rhs, r1)
	l.toRows(l.rhs[l.n:l.n+l.m], rows)
	residual, fallback = l.solve(l.sol, l.rhs, solveTol)
	copy(y1, l.sol)
	l.fromRows(l.row2, l.sol[l.n:l.n+l.m])
	dense.Axpy(1, l.row2, y2)
	return residual, fallback
}

// accumulate writes the gradient with respect to coefficient k. With v and w the
// cotangents of the value, as it stands in the objective and by its envelope,
//
//	dP = −½(y₁xᵀ + x y₁ᵀ) + ½v xxᵀ   dq = −y₁ + v x
//	dA = −(z y₁ᵀ + y₂ xᵀ) + w z xᵀ    db = y₂ − w z.
func (x *Solution) accumulate(dst *Gradient, k int) {
	d := &x.diff
	sys := d.sys
	to := coefs[k].of(&dst.Data)
	size := len(*coefs[k].of(&x.data))
	if was := len(*to); was != size || !dst.Add {
		*to = grow(*to, size)
		clear(*to)
	}
	one := coefs[k].len(x.solver.plan)
	shared := size == one
	n, m := sys.n, sys.m
	for i := range x.size {
		if d.certs[i].Zeroed {
			continue
		}
		out := *to
		if !shared {
			out = out[i*one : (i+1)*one]
		}
		y1, y2 := d.y1[i*n:(i+1)*n], d.y2[i*m:(i+1)*m]
		px, pz := d.x[i*n:(i+1)*n], d.z[i*m:(i+1)*m]
		v, w := d.value[i], d.envelope[i]
		switch Coef(1 << k) {
		case CoefP:
			P := sys.st.P
			for j := range n {
				for e := P.ColPtr[j]; e < P.ColPtr[j+1]; e++ {
					if r := P.RowIdx[e]; r == j {
						out[e] += (v/2*px[j] - y1[j]) * px[j]
					} else {
						out[e] += v*px[r]*px[j] - y1[r]*px[j] - y1[j]*px[r]
					}
				}
			}
		case CoefQ:
			for j := range out {
				out[j] += v*px[j] - y1[j]
			}
		case CoefA:
			A := sys.st.A
			for j := range n {
				for e := A.ColPtr[j]; e < A.ColPtr[j+1]; e++ {
					r := A.RowIdx[e]
					out[e] += (w*pz[r]-y2[r])*px[j] - pz[r]*y1[j]
				}
			}
		case CoefB:
			for r := range out {
				out[r] += y2[r] - w*pz[r]
			}
		}
	}
}

func finite(v []float64) bool {
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}

// differentiable returns the state of derivatives, if there can be any.
func (x *Solution) differentiable() (*differentiation, error) {
	d := &x.diff
	if x.solver == nil || !x.factors {
		return nil, ErrNoFactors
	}
	return d, d.adopt(x.solver)
}
