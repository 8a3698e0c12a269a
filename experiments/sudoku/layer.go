package sudoku

import (
	"context"
	"math"

	"github.com/optnet-go/optnet/qp"
)

// The layer of OptNet, section 4.4: for a board x, one number for each cell and
// digit,
//
//	z(x) = argmin ½ zᵀQz − xᵀz   subject to   Az = b, z ≥ 0     Q = 0.1 I
//
// with A learned. So that the problem is feasible for every A, b = A exp(log z₀)
// with log z₀ learned, as in the code of the paper since 2019.
const (
	qDiagonal = 0.1
	rules     = 40 // rows of A: the rank of the true rules
)

// parameters are what is learned.
type parameters struct {
	a     []float64 // rules×inputs
	logZ0 []float64
}

// start draws A from U[0,1], and log z₀ = 0.
func start(seed uint64) parameters {
	rng := newRand(seed, streamParameters)
	p := parameters{a: make([]float64, rules*inputs), logZ0: make([]float64, inputs)}
	for i := range p.a {
		p.a[i] = rng.Float64()
	}
	return p
}

// layer evaluates and differentiates the QP for whole batches. Its memory is
// used again, so that nothing is allocated once the largest batch was there.
type layer struct {
	parameters
	solver *qp.Solver
	q, l   []float64
	z0, b  []float64

	x    qp.Solution // of forward, with factors
	y    qp.Solution // of predict
	dz   []float64
	grad qp.Gradient
	dLog []float64
}

func newLayer(p parameters, opt qp.Options) (*layer, error) {
	s, err := qp.NewSolver(qp.Shape{N: inputs, NEq: rules, Q: qp.Diagonal, Sides: qp.Lower}, &opt)
	if err != nil {
		return nil, err
	}
	m := &layer{
		parameters: p,
		solver:     s,
		q:          make([]float64, inputs),
		l:          make([]float64, inputs), // 0
		z0:         make([]float64, inputs),
		b:          make([]float64, rules),
		dLog:       make([]float64, inputs),
	}
	for i := range m.q {
		m.q[i] = qDiagonal
	}
	m.x.Want = qp.OutZ | qp.OutFactors
	m.y.Want = qp.OutZ
	m.grad.Want = qp.CoefA | qp.CoefB
	return m, nil
}

// rhs computes b = A z₀, z₀ = exp(log z₀).
func (m *layer) rhs() {
	for j, v := range m.logZ0 {
		m.z0[j] = math.Exp(v)
	}
	for i := range m.b {
		sum := 0.0
		for j, a := range m.a[i*inputs : (i+1)*inputs] {
			sum += a * m.z0[j]
		}
		m.b[i] = sum
	}
}

// rhsVJP adds to dA what db implies, and sets dLog:
// dA += db z₀ᵀ, d log z₀ = z₀ ∘ Aᵀdb.
func (m *layer) rhsVJP(dA, db []float64) {
	clear(m.dLog)
	for i, d := range db {
		for j, a := range m.a[i*inputs : (i+1)*inputs] {
			dA[i*inputs+j] += d * m.z0[j]
			m.dLog[j] += d * a
		}
	}
	for j, z := range m.z0 {
		m.dLog[j] *= z
	}
}

// solve runs a batch of n boards; p is −x. Q and l never change, and are taken
// from the destination's last batch.
func (m *layer) solve(ctx context.Context, dst *qp.Solution, p []float64) error {
	m.rhs()
	b := qp.Batch{Size: len(p) / inputs, Data: qp.Data{Q: m.q, P: p, A: m.a, B: m.b, L: m.l}}
	if len(dst.Info) > 0 {
		b.Keep = qp.CoefQ | qp.CoefL
	}
	return m.solver.Solve(ctx, dst, &b)
}

// forward solves a batch and keeps what backward needs. It returns the answers
// and how they ended, which hold until the next call.
func (m *layer) forward(ctx context.Context, p []float64) ([]float64, []qp.Info, error) {
	err := m.solve(ctx, &m.x, p)
	return m.x.Z, m.x.Info, err
}

// predict solves a batch without keeping anything for a derivative.
func (m *layer) predict(ctx context.Context, p []float64) ([]float64, []qp.Info, error) {
	err := m.solve(ctx, &m.y, p)
	return m.y.Z, m.y.Info, err
}

// backward returns the gradients of a loss with respect to A and log z₀, given
// the one with respect to the last answers of forward.
func (m *layer) backward(ctx context.Context, dz []float64) (dA, dLog []float64, err error) {
	if err := m.x.VJP(ctx, &m.grad, &qp.Point{Z: dz}); err != nil {
		return nil, nil, err
	}
	m.rhsVJP(m.grad.A, m.grad.B)
	return m.grad.A, m.dLog, nil
}

// answered reports whether z is a solution, of full or reduced accuracy.
func answered(s qp.Status) bool { return s == qp.Solved || s == qp.AlmostSolved }
