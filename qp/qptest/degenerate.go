package qptest

import (
	"math"
	"testing"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

func (s suite) degenerate(t *testing.T) {
	t.Run("two-valued", s.twoValued)
	t.Run("smoothed", s.smoothed)
	t.Run("equal-sides-without-force", s.equalWithoutForce)
	for _, p := range problems(func(p *gen.QP) bool { return p.Status == gen.Solvable && p.Weak > 0 }) {
		for _, rule := range []qp.Rule{qp.LeastSquares, qp.WeakActive} {
			t.Run(rules[rule]+"/"+p.Name, func(t *testing.T) { s.weak(t, p, rule) })
		}
	}
	for _, p := range problems(func(p *gen.QP) bool { return wellPosed(p) && p.N <= 6 }) {
		t.Run("smoothed-limit/"+p.Name, func(t *testing.T) { s.smoothedLimit(t, p) })
	}
	singular := func(p *gen.QP) bool {
		return p.Status == gen.Solvable && p.Scaled == 0 && (!p.DualsUnique || !p.Unique)
	}
	for _, p := range problems(singular) {
		t.Run("least-squares/"+p.Name, func(t *testing.T) { s.leastSquares(t, p) })
		t.Run("strict/"+p.Name, func(t *testing.T) { s.strict(t, p) })
	}
	for _, p := range problems(func(p *gen.QP) bool { return singular(p) && p.NEq > 1 && p.Unique && p.N <= 8 }) {
		t.Run("along-p/"+p.Name, func(t *testing.T) { s.alongP(t, p) })
	}
}

// twoValued is min ½(x₀² + x₁²), x₀ + x₁ = b, x₀ − 2x₁ ≤ −½ at b = 1, where the
// row is weakly active: dx/db is (⅔, ⅓) for b < 1, where the row holds, and
// (½, ½) for b > 1, where it does not matter. On the central path
// s∘λ = κ the slack is ½(b−1) + 4½λ, and dx/db at b = 1 the mean of the two.
func (s suite) twoValued(t *testing.T) {
	sh := qp.Shape{N: 2, NEq: 1, NIneq: 1}
	b := &qp.Batch{Size: 1, Data: qp.Data{
		Q: []float64{1, 0, 0, 1}, P: []float64{0, 0},
		A: []float64{1, 1}, B: []float64{1},
		G: []float64{1, -2}, H: []float64{-0.5},
	}}
	for _, c := range []struct {
		rule qp.Rule
		want []float64
	}{
		{qp.LeastSquares, []float64{1. / 2, 1. / 2}},
		{qp.WeakActive, []float64{2. / 3, 1. / 3}},
		{qp.Smoothed, []float64{7. / 12, 5. / 12}},
		{qp.Strict, []float64{0, 0}},
	} {
		t.Run(rules[c.rule], func(t *testing.T) {
			x := s.solved(t, sh, qp.Options{Rule: c.rule}, b)
			check(t, sh, b, x, eps)
			d := jvp(t, x, &qp.Data{B: []float64{1}})
			agree(t, "dx/db by JVP", d.Z, c.want, 1e-6)
			for i, want := range c.want {
				up := []float64{0, 0}
				up[i] = 1
				g := vjp(t, x, &qp.Point{Z: up})
				agree(t, "dx/db by VJP", g.B, []float64{want}, 1e-6)
				weakCert(t, g.Certs[0], 1, c.rule)
			}
			weakCert(t, d.Certs[0], 1, c.rule)
		})
	}
	// On either side of the kink the derivative exists.
	for _, c := range []struct {
		name string
		b    float64
		want []float64
	}{{"below", 0.9, []float64{2. / 3, 1. / 3}}, {"above", 1.1, []float64{1. / 2, 1. / 2}}} {
		t.Run(c.name, func(t *testing.T) {
			moved := *b
			moved.B = []float64{c.b}
			d := jvp(t, s.solved(t, sh, qp.Options{}, &moved), &qp.Data{B: []float64{1}})
			agree(t, "dx/db", d.Z, c.want, 1e-8)
			if cert := d.Certs[0]; !cert.Unique || cert.Weak != 0 {
				t.Errorf("certificate %+v, want Unique", cert)
			}
		})
	}
}

func weakCert(t *testing.T, c qp.Certificate, weak int, rule qp.Rule) {
	t.Helper()
	if c.Unique || c.Weak != weak || c.Rule != rule || c.Zeroed != (rule == qp.Strict) || !(c.Margin <= 1e-5) {
		t.Errorf("certificate %+v, want %d weak, rule %s, not Unique, Margin below 1e-5", c, weak, rules[rule])
	}
}

// smoothed is min ½z² + pz, z ≤ u, on the central path (u − z)λ = κ, where
// z = −p − λ: with r = u + p, λ² + rλ = κ.
func (s suite) smoothed(t *testing.T) {
	sh := qp.Shape{N: 1, Sides: qp.Upper}
	for _, kappa := range []float64{1e-2, 1e-4} {
		for _, r := range []float64{-1, 0, 0.3} {
			b := &qp.Batch{Size: 1, Data: qp.Data{Q: []float64{1}, P: []float64{r - 2}, U: []float64{2}}}
			x := s.solved(t, sh, qp.Options{Rule: qp.Smoothed, Kappa: kappa}, b)
			lambda := (-r + math.Sqrt(r*r+4*kappa)) / 2
			dl := -lambda / (2*lambda + r) // dλ/dr
			up := &qp.Point{Z: []float64{1}}
			g := vjp(t, x, up)
			agree(t, "dz/dp", g.P, []float64{-1 - dl}, 1e-7)
			agree(t, "dz/du", g.U, []float64{-dl}, 1e-7)
			g = vjp(t, x, &qp.Point{Mu: []float64{1}})
			agree(t, "dμ/dp", g.P, []float64{dl}, 1e-7)
		}
	}
}

// smoothedLimit: for a small κ the smoothed derivative is the derivative.
func (s suite) smoothedLimit(t *testing.T, p *gen.QP) {
	sh, b := shapeOf(p), batchOf(p)
	x := s.solved(t, sh, qp.Options{Rule: qp.Smoothed, Kappa: 1e-10}, b)
	e := newElement(sh, &b.Data, 0)
	a := newActive(e, known(p), rowsActive(e, known(p), 1e-9, false))
	up := randomPoint(newRand(29), sh, 1, true)
	g := vjp(t, x, up)
	// s/λ in place of 0 is at most κ/0.2²; what that does is up to the condition.
	agreeData(t, &g.Data, a.vjp(up), 1e-6+1e-7*max(1, 1/a.least))
	if c := g.Certs[0]; c.Zeroed || !c.Unique || c.Rule != qp.Smoothed {
		t.Errorf("certificate %+v", c)
	}
}

// weak compares with the active-set system, weak rows inactive or active.
func (s suite) weak(t *testing.T, p *gen.QP, rule qp.Rule) {
	sh, b := shapeOf(p), batchOf(p)
	opt := exact()
	opt.Rule = rule
	x := s.solved(t, sh, opt, b)
	e := newElement(sh, &b.Data, 0)
	a := newActive(e, known(p), rowsActive(e, known(p), 1e-9, rule == qp.WeakActive))
	up := randomPoint(newRand(9), sh, 1, true)
	g := vjp(t, x, up)
	want := a.vjp(up)
	for _, c := range coefs {
		// A side weakly active may get the derivative at its own end only.
		agree(t, "d"+c.name, *c.of(&g.Data), *c.of(want), 1e-5*max(1, norm(*c.of(want))))
	}
	weakCert(t, g.Certs[0], p.Weak, rule)
}

// leastSquares compares singular cases with the minimum-norm solution, at the
// multipliers that the engine found.
func (s suite) leastSquares(t *testing.T, p *gen.QP) {
	sh, b := shapeOf(p), batchOf(p)
	x := s.solved(t, sh, exact(), b)
	check(t, sh, b, x, 1e-12)
	e := newElement(sh, &b.Data, 0)
	pt := pointOf(sh, &x.Point, 0)
	a := newActive(e, &pt, rowsActive(e, &pt, 1e-6, false))
	up := randomPoint(newRand(10), sh, 1, true)
	g := vjp(t, x, up)
	agreeData(t, &g.Data, a.vjp(up), 1e-7)
	for i, c := range g.Certs {
		if c.Unique || c.Zeroed || !(c.RCond >= 0 && c.RCond <= 1) || math.IsNaN(c.Residual) || math.IsNaN(c.Error) || c.Rule != qp.LeastSquares {
			t.Errorf("element %d: certificate %+v, want not Unique", i, c)
		}
	}
}

func (s suite) strict(t *testing.T, p *gen.QP) {
	sh, b := shapeOf(p), batchOf(p)
	x := s.solved(t, sh, qp.Options{Rule: qp.Strict}, b)
	zeroed(t, sh, x, 0)
}

// alongP: where A has redundant rows, or active rows are duplicated, z still
// has a derivative along p.
func (s suite) alongP(t *testing.T, p *gen.QP) {
	sh, base := shapeOf(p), batchOf(p)
	const step = 0x1p-11
	b := expand(sh, &qp.Batch{Data: base.Data, Size: 2 * sh.N})
	for j := range sh.N {
		b.P[2*j*sh.N+j] -= step
		b.P[(2*j+1)*sh.N+j] += step
	}
	x := s.solved(t, sh, exact(), b)
	sol := s.solved(t, sh, qp.Options{}, base)
	up := normals(newRand(11), sh.N)
	g := vjp(t, sol, &qp.Point{Z: up})
	want := make([]float64, sh.N)
	for j := range want {
		lo, hi := part(x.Z, sh.N, 2*j), part(x.Z, sh.N, 2*j+1)
		want[j] = (dot(up, hi) - dot(up, lo)) / (2 * step)
	}
	agree(t, "dz/dp", g.P, want, 1e-6*max(1, norm(want)))
}

// equalWithoutForce has a row with equal sides that the solution meets anyway:
// an equality, not a weakly active row.
func (s suite) equalWithoutForce(t *testing.T) {
	sh := qp.Shape{N: 2, NIneq: 1, Sides: qp.RowLower | qp.RowUpper}
	b := &qp.Batch{Size: 1, Data: qp.Data{
		Q: []float64{2, 0, 0, 1}, P: []float64{-2, -1}, // minimum at (1, 1)
		G: []float64{1, 1}, HL: []float64{2}, H: []float64{2},
	}}
	x := s.solved(t, sh, qp.Options{}, b)
	check(t, sh, b, x, eps)
	agree(t, "Z", x.Z, []float64{1, 1}, 1e-7)
	d := jvp(t, x, &qp.Data{HL: []float64{1}, H: []float64{1}})
	agree(t, "dz along both sides", d.Z, []float64{1. / 3, 2. / 3}, 1e-7)
	g := vjp(t, x, &qp.Point{Z: []float64{1, 0}})
	agree(t, "dz₀ by both sides", []float64{g.HL[0] + g.H[0]}, []float64{1. / 3}, 1e-7)
	agree(t, "dz₀/dp", g.P, []float64{-1. / 3, 1. / 3}, 1e-7)
	if c := g.Certs[0]; !c.Unique || c.Weak != 0 {
		t.Errorf("certificate %+v, want Unique", c)
	}
}
