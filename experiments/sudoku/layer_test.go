package sudoku

import (
	"context"
	"math"
	"testing"

	"github.com/optnet-go/optnet/qp"
)

// batch returns n puzzles and their solutions as the network takes them.
func batch(seed uint64, n int) (p, y []float64) {
	s := split(Generate(seed, n))
	return s.p, s.y
}

// TestRHSAdjoint checks ⟨Jv, w⟩ = ⟨v, Jᵀw⟩ for b = A exp(log z₀), Jv being a
// central difference.
func TestRHSAdjoint(t *testing.T) {
	m, err := newLayer(start(1), qp.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	rng := newRand(5, 0)
	normal := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		return x
	}
	copy(m.logZ0, normal(inputs))
	va, vl, w := normal(len(m.a)), normal(inputs), normal(rules)
	m.rhs()
	dA := make([]float64, len(m.a))
	m.rhsVJP(dA, w)
	right := dot(va, dA) + dot(vl, m.dLog)

	const h = 1e-6
	a, l := append([]float64(nil), m.a...), append([]float64(nil), m.logZ0...)
	at := func(h float64) float64 {
		for i := range a {
			m.a[i] = a[i] + h*va[i]
		}
		for i := range l {
			m.logZ0[i] = l[i] + h*vl[i]
		}
		m.rhs()
		return dot(m.b, w)
	}
	left := (at(h) - at(-h)) / (2 * h)
	if math.Abs(left-right) > 1e-7*math.Abs(right) {
		t.Errorf("⟨Jv, w⟩ = %v, ⟨v, Jᵀw⟩ = %v", left, right)
	}
}

func dot(x, y []float64) (s float64) {
	for i, v := range x {
		s += v * y[i]
	}
	return s
}

// TestGradient checks the gradient of the loss of a batch with respect to all
// that is learned, along random directions, by central differences.
func TestGradient(t *testing.T) {
	ctx := context.Background()
	m, err := newLayer(start(2), qp.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	// As accurate as it gets, for the differences.
	if m.solver, err = qp.NewSolver(m.solver.Shape(), &qp.Options{EpsAbs: 1e-13, EpsRel: 1e-13}); err != nil {
		t.Fatal(err)
	}
	for i := range m.logZ0 {
		m.logZ0[i] = -1
	}
	p, y := batch(2, 20)
	loss := func(dz []float64) float64 {
		t.Helper()
		var out outcome
		if out.z, out.info, err = m.forward(ctx, p); err != nil {
			t.Fatal(err)
		}
		l, n := squaredError(dz, &out, y)
		if n != 20 {
			t.Fatalf("%d of 20 boards have an answer", n)
		}
		return l
	}
	dz := make([]float64, len(y))
	loss(dz)
	dA, dLog, err := m.backward(ctx, dz)
	if err != nil {
		t.Fatal(err)
	}
	dA, dLog = append([]float64(nil), dA...), append([]float64(nil), dLog...)
	rng := newRand(9, 0)
	for range 5 {
		va, vl := make([]float64, len(m.a)), make([]float64, inputs)
		for i := range va {
			va[i] = rng.NormFloat64()
		}
		for i := range vl {
			vl[i] = rng.NormFloat64()
		}
		const h = 1e-6
		move := func(h float64) {
			for i := range va {
				m.a[i] += h * va[i]
			}
			for i := range vl {
				m.logZ0[i] += h * vl[i]
			}
		}
		move(h)
		plus := loss(nil)
		move(-2 * h)
		minus := loss(nil)
		move(h)
		got, want := dot(dA, va)+dot(dLog, vl), (plus-minus)/(2*h)
		if math.Abs(got-want) > 1e-4*math.Abs(want)+1e-6 {
			t.Errorf("derivative %v, by differences %v", got, want)
		}
	}
}

// TestAllocations: a step of the layer allocates nothing for a board.
func TestAllocations(t *testing.T) {
	ctx := context.Background()
	m, err := newLayer(start(2), qp.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	p, y := batch(2, 20)
	dz := make([]float64, len(y))
	step := func() {
		var out outcome
		out.z, out.info, _ = m.forward(ctx, p)
		squaredError(dz, &out, y)
		if _, _, err := m.backward(ctx, dz); err != nil {
			t.Fatal(err)
		}
		if _, _, err := m.predict(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	step()
	if n := testing.AllocsPerRun(2, step); n > 10 {
		t.Errorf("%v allocations for a batch of 20 boards, want a few for the call", n)
	}
}

func BenchmarkForwardBackward(b *testing.B) {
	ctx := context.Background()
	m, err := newLayer(start(2), qp.Options{})
	if err != nil {
		b.Fatal(err)
	}
	p, y := batch(2, 150)
	dz := make([]float64, len(y))
	b.ReportAllocs()
	for b.Loop() {
		var out outcome
		out.z, out.info, _ = m.forward(ctx, p)
		squaredError(dz, &out, y)
		if _, _, err := m.backward(ctx, dz); err != nil {
			b.Fatal(err)
		}
	}
}
