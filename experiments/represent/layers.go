package represent

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/optnet-go/optnet/qp"
)

// Layer is a function y(x) that a quadratic program computes: y is some of the
// variables z of
//
//	minimize   ½zᵀQz + (p + Bx)ᵀz
//	subject to Az = b,  Gz ≤ h + Cx,  z ≥ l
//
// A Layer serves one goroutine at a time.
type Layer struct {
	In, Out int // sizes of x and y

	solver *qp.Solver
	shape  qp.Shape
	data   qp.Data   // P and H are p and h
	b, c   []float64 // N×In and NIneq×In; empty: 0
	first  int       // of the variables that are y

	x    qp.Solution
	grad qp.Gradient
	p, h []float64
}

// accuracy of the solver. Near a kink y is as accurate as its square root, since
// there slack and multiplier both are nearly 0, and what is small is their product.
const accuracy = 1e-12

func (l *Layer) init() (*Layer, error) {
	var err error
	if l.solver, err = qp.NewSolver(l.shape, &qp.Options{EpsAbs: accuracy, EpsRel: accuracy}); err != nil {
		return nil, fmt.Errorf("represent: %w", err)
	}
	l.x.Want = qp.OutZ | qp.OutFactors
	l.grad.Want = qp.CoefP | qp.CoefH
	return l, nil
}

// Eval returns y for a batch of x, one after the other.
func (l *Layer) Eval(ctx context.Context, x []float64) ([]float64, error) {
	if len(x)%l.In != 0 {
		return nil, fmt.Errorf("represent: %d numbers, want a multiple of %d", len(x), l.In)
	}
	n := len(x) / l.In
	b := qp.Batch{Size: n, Data: l.data}
	l.p, l.h = affine(l.p, l.data.P, l.b, x, l.In), affine(l.h, l.data.H, l.c, x, l.In)
	b.P, b.H = l.p, l.h
	if err := l.solver.Solve(ctx, &l.x, &b); err != nil {
		return nil, fmt.Errorf("represent: %w", err)
	}
	if err := l.x.Err(); err != nil {
		return nil, fmt.Errorf("represent: %w", err)
	}
	y := make([]float64, 0, n*l.Out)
	for i := range n {
		y = append(y, l.x.Z[i*l.shape.N+l.first:][:l.Out]...)
	}
	return y, nil
}

// affine returns v + Mx for each x of a batch.
func affine(dst, v, m, x []float64, in int) []float64 {
	dst = dst[:0]
	for ; len(x) > 0; x = x[in:] {
		for i, s := range v {
			if m != nil {
				for j, a := range m[i*in : (i+1)*in] {
					s += a * x[j]
				}
			}
			dst = append(dst, s)
		}
	}
	return dst
}

// VJP returns the gradient of a loss with respect to the x of the last Eval,
// given its gradient dy with respect to y. Where y has a kink it is one of the
// derivatives beside it.
func (l *Layer) VJP(ctx context.Context, dy []float64) ([]float64, error) {
	n := len(l.x.Info)
	if len(dy) != n*l.Out {
		return nil, fmt.Errorf("represent: %d numbers, want %d", len(dy), n*l.Out)
	}
	dz := make([]float64, n*l.shape.N)
	for i := range n {
		copy(dz[i*l.shape.N+l.first:], dy[i*l.Out:(i+1)*l.Out])
	}
	if err := l.x.VJP(ctx, &l.grad, &qp.Point{Z: dz}); err != nil {
		return nil, fmt.Errorf("represent: %w", err)
	}
	dx := make([]float64, n*l.In)
	for _, part := range []struct{ m, d []float64 }{{l.b, l.grad.P}, {l.c, l.grad.H}} {
		rows := len(part.m) / l.In
		for i := range n * min(rows, 1) {
			for k, d := range part.d[i*rows : (i+1)*rows] {
				for j, a := range part.m[k*l.In : (k+1)*l.In] {
					dx[i*l.In+j] += a * d
				}
			}
		}
	}
	return dx, nil
}

// ReLU is max(Wx + b, 0), with W of m rows (theorem 2):
//
//	minimize ½‖z − Wx − b‖²   subject to   z ≥ 0
func ReLU(w, b []float64) (*Layer, error) {
	m := len(b)
	if m == 0 || len(w) == 0 || len(w)%m != 0 {
		return nil, fmt.Errorf("represent: W has %d entries and b %d, want a multiple", len(w), m)
	}
	return (&Layer{
		In: len(w) / m, Out: m,
		shape: qp.Shape{N: m, Q: qp.Diagonal, Sides: qp.Lower},
		data:  qp.Data{Q: ones(m), P: negative(b), L: make([]float64, m)},
		b:     negative(w),
	}).init()
}

// Hinges is the function Σᵢ wᵢ max(aᵢx + bᵢ, 0) of a number (theorem 2):
//
//	minimize ‖t‖² + (z − wᵀt)²   subject to   aᵢx + bᵢ ≤ tᵢ
//
// At the solution tᵢ = max(aᵢx + bᵢ, 0), since a smaller ‖t‖ is always possible
// without changing the second term, and z = wᵀt.
func Hinges(w, a, b []float64) (*Layer, error) {
	k := len(w)
	if k == 0 || len(a) != k || len(b) != k {
		return nil, fmt.Errorf("represent: %d weights, %d slopes and %d offsets, want as many of each", k, len(a), len(b))
	}
	n := k + 1 // t, then z
	q := make([]float64, n*n)
	for i, v := range w {
		for j, u := range w {
			q[i*n+j] = 2 * v * u
		}
		q[i*n+i] += 2
		q[i*n+k], q[k*n+i] = -2*v, -2*v
	}
	q[k*n+k] = 2
	g := make([]float64, k*n)
	for i := range k {
		g[i*n+i] = -1
	}
	return (&Layer{
		In: 1, Out: 1, first: k,
		shape: qp.Shape{N: n, NIneq: k},
		data:  qp.Data{Q: q, P: make([]float64, n), G: g, H: negative(b)},
		c:     negative(a),
	}).init()
}

// PiecewiseLinear is the continuous piecewise linear function through the points
// (x, y), with the slopes left and right beyond the first and the last one. Its
// weights are ±1, as in the theorem.
func PiecewiseLinear(x, y []float64, left, right float64) (*Layer, error) {
	if len(x) == 0 || len(x) != len(y) {
		return nil, fmt.Errorf("represent: %d and %d coordinates of points, want as many, and at least one", len(x), len(y))
	}
	if !slices.IsSorted(x) || len(slices.Compact(slices.Clone(x))) < len(x) {
		return nil, errors.New("represent: the points are not in ascending order, or two have the same x")
	}
	var w, a, b []float64
	hinge := func(weight, slope, offset float64) {
		w, a, b = append(w, weight), append(a, slope), append(b, offset)
	}
	// To the left of all points f is left·(x − x₀) + y₀; any linear function is a
	// difference of two hinges.
	c := y[0] - left*x[0]
	hinge(1, left, c)
	hinge(-1, -left, -c)
	slope := left
	for i, v := range x {
		next := right
		if i+1 < len(x) {
			next = (y[i+1] - y[i]) / (x[i+1] - v)
		}
		if d := next - slope; d != 0 {
			hinge(math.Copysign(1, d), math.Abs(d), -math.Abs(d)*v)
		}
		slope = next
	}
	return Hinges(w, a, b)
}

// MaxAffine is max(aᵢᵀx + bᵢ), the aᵢ being the rows of a (section 3.2):
//
//	minimize z   subject to   aᵢᵀx + bᵢ ≤ z
//
// a linear program. The paper minimizes z², which is max(0, aᵢᵀx + bᵢ).
func MaxAffine(a, b []float64) (*Layer, error) {
	m := len(b)
	if m == 0 || len(a) == 0 || len(a)%m != 0 {
		return nil, fmt.Errorf("represent: %d slopes and %d offsets, want a multiple", len(a), m)
	}
	return (&Layer{
		In: len(a) / m, Out: 1,
		shape: qp.Shape{N: 1, NIneq: m, Q: qp.Zero},
		data:  qp.Data{P: []float64{1}, G: negative(ones(m)), H: negative(b)},
		c:     negative(a),
	}).init()
}

// Simplex projects on the simplex (section 3.2):
//
//	minimize ½‖z − x‖²   subject to   z ≥ 0, 1ᵀz = 1
func Simplex(n int) (*Layer, error) {
	if n < 1 {
		return nil, fmt.Errorf("represent: the simplex has %d corners, want at least 1", n)
	}
	b := make([]float64, n*n)
	for i := range n {
		b[i*n+i] = -1
	}
	return (&Layer{
		In: n, Out: n,
		shape: qp.Shape{N: n, NEq: 1, Q: qp.Diagonal, Sides: qp.Lower},
		data:  qp.Data{Q: ones(n), P: make([]float64, n), A: ones(n), B: []float64{1}, L: make([]float64, n)},
		b:     b,
	}).init()
}

func ones(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = 1
	}
	return x
}

func negative(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = -v
	}
	return y
}
