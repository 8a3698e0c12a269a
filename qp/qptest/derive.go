package qptest

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

func (s suite) derivatives(t *testing.T) {
	small := problems(func(p *gen.QP) bool { return wellPosed(p) && p.N <= 6 })
	for _, p := range small {
		t.Run("differences/"+p.Name, func(t *testing.T) { s.differences(t, p) })
	}
	for _, p := range problems(wellPosed) {
		t.Run("definition/"+p.Name, func(t *testing.T) { s.definition(t, p) })
	}
	// A singular system of which the units differ by 2^40 has no rank in floating
	// point, and so no least-squares solution to agree on.
	rank := func(p *gen.QP) bool { return p.Scaled < 12 || p.Unique && p.DualsUnique }
	for _, p := range problems(func(p *gen.QP) bool { return p.Status == gen.Solvable && rank(p) }) {
		tol := 1e-10
		switch singular := !p.Unique || !p.DualsUnique; {
		case p.Scaled > 0 && singular:
			tol = 1e-4 // the system has a condition of 1e9 on its range
		case p.Scaled > 0:
			tol = 1e-8
		}
		for rule, name := range rules {
			t.Run(fmt.Sprintf("adjoint/%s/%s", name, p.Name), func(t *testing.T) {
				s.adjoint(t, shapeOf(p), batchOf(p), qp.Rule(rule), tol)
			})
		}
	}
	for _, p := range small {
		for rule, name := range rules {
			for _, shared := range []qp.Coef{0, qp.CoefQ | qp.CoefA} {
				sh, b := variants(p, 3, shared)
				t.Run(fmt.Sprintf("adjoint/%s/batch-%#x/%s", name, uint16(shared), p.Name), func(t *testing.T) { s.adjoint(t, sh, b, qp.Rule(rule), 1e-10) })
			}
		}
	}
	t.Run("value", s.value)
	t.Run("add", s.add)
	t.Run("want", s.wantGradient)
	t.Run("cotangent-not-finite", s.notFinite)
}

var rules = [...]string{qp.LeastSquares: "LeastSquares", qp.WeakActive: "WeakActive", qp.Smoothed: "Smoothed", qp.Strict: "Strict"}

// symmetric checks the gradient of a dense Q.
func symmetric(t *testing.T, sh qp.Shape, q []float64) {
	t.Helper()
	if sh.Q != qp.Dense {
		return
	}
	for e := range len(q) / (sh.N * sh.N) {
		m := part(q, sh.N*sh.N, e)
		for i := range sh.N {
			for j := range i {
				if a, b := m[i*sh.N+j], m[j*sh.N+i]; math.Abs(a-b) > 1e-14*norm(m) {
					t.Fatalf("dQ of element %d is not symmetric: [%d %d] %g and %g", e, i, j, a, b)
				}
			}
		}
	}
}

// certify checks certificates of a well-posed problem.
func certify(t *testing.T, p *gen.QP, certs []qp.Certificate) {
	t.Helper()
	strong, equal, rows := 0, 0, 0
	x, e := known(p), newElement(shapeOf(p), &batchOf(p).Data, 0)
	r := e.measure(x)
	zs, gs := norm(p.Z), r.DualScale
	margin := math.Inf(1)
	count := func(mult, v, lo, hi []float64, size func(i int) float64) {
		for i := range mult {
			l, h := math.Inf(-1), math.Inf(1)
			if lo != nil {
				l = lo[i]
			}
			if hi != nil {
				h = hi[i]
			}
			switch {
			case l == h:
				equal++
			case !math.IsInf(l, 0) || !math.IsInf(h, 0):
				rows++
				if mult[i] != 0 {
					strong++
				}
				margin = min(margin, max(min(v[i]-l, h-v[i])/(size(i)*zs), math.Abs(mult[i])*size(i)/gs))
			}
		}
	}
	count(p.Lambda, mul(e.G, p.Z), p.HL, p.H, func(i int) float64 { return norm(part(e.G, p.N, i)) })
	count(p.Mu, p.Z, p.L, p.U, func(int) float64 { return 1 })
	within := float64(p.N + 1) // between the norms one may mean
	for i, c := range certs {
		switch {
		case !(c.Residual >= 0 && c.Residual <= 1e-10+1e-15/c.RCond):
			t.Errorf("element %d: Residual %g", i, c.Residual)
		case !(c.RCond > 0 && c.RCond <= 1):
			t.Errorf("element %d: RCond %g", i, c.RCond)
		case !(c.Error >= 0 && c.Error <= 1e-2):
			t.Errorf("element %d: Error %g", i, c.Error)
		case rows == 0 && equal == 0 && !math.IsInf(c.Margin, 1):
			t.Errorf("element %d: Margin %g without rows, want +Inf", i, c.Margin)
		case rows > 0 && !(c.Margin >= margin/within && c.Margin <= margin*within):
			t.Errorf("element %d: Margin %g, want about %g", i, c.Margin, margin)
		case c.Active < strong || c.Active > strong+equal || c.Weak != 0:
			t.Errorf("element %d: Active %d, Weak %d, want %d to %d, 0", i, c.Active, c.Weak, strong, strong+equal)
		case !c.Unique || c.Zeroed:
			t.Errorf("element %d: Unique %v, Zeroed %v", i, c.Unique, c.Zeroed)
		default:
			continue
		}
		return
	}
}

// definition compares VJP with the solution of the active-set system.
func (s suite) definition(t *testing.T, p *gen.QP) {
	sh, b := shapeOf(p), batchOf(p)
	x := s.solved(t, sh, qp.Options{}, b)
	e := newElement(sh, &b.Data, 0)
	a := newActive(e, known(p), rowsActive(e, known(p), 1e-9, false))
	up := randomPoint(newRand(4), sh, 1, true)
	g := vjp(t, x, up)
	want := a.vjp(up)
	agreeData(t, &g.Data, want, 1e-11*a.cond+1e-9)
	size, off := 1.0, 0.0
	for _, c := range coefs {
		size = max(size, norm(*c.of(want)))
		for i, v := range *c.of(&g.Data) {
			off = max(off, math.Abs(v-(*c.of(want))[i]))
		}
	}
	if honest := 100*g.Certs[0].Error + 1e-13*a.cond; !(off/size <= honest) {
		t.Errorf("the gradient is off by %.2g, the certificate says %.2g", off/size, g.Certs[0].Error)
	}
	symmetric(t, sh, g.Q)
	certify(t, p, g.Certs)
}

// adjoint checks ⟨Jv, w⟩ = ⟨v, Jᵀw⟩, which holds under every rule.
func (s suite) adjoint(t *testing.T, sh qp.Shape, b *qp.Batch, rule qp.Rule, tol float64) {
	x := s.solved(t, sh, qp.Options{Rule: rule}, b)
	rng := newRand(5)
	for range 3 {
		v, w := randomDir(rng, sh, b.Size), randomPoint(rng, sh, b.Size, true)
		for _, c := range coefs { // one value where the batch has one
			*c.of(v) = (*c.of(v))[:len(*c.of(&b.Data))]
		}
		g, d := vjp(t, x, w), jvp(t, x, v)
		left, right := dotPoint(&d.Point, w), dotData(v, &g.Data)
		var size float64
		for _, c := range points {
			size += dot(abs(*c.of(&d.Point)), abs(*c.of(w)))
		}
		for _, c := range coefs {
			size += dot(abs(*c.of(v)), abs(*c.of(&g.Data)))
		}
		if !(math.Abs(left-right) <= tol*size) {
			t.Errorf("⟨Jv, w⟩ is %.15g, ⟨v, Jᵀw⟩ %.15g: relative difference %.2g", left, right, math.Abs(left-right)/size)
		}
	}
}

// value checks the envelope formula, element by element.
func (s suite) value(t *testing.T) {
	p := gen.TwoSided(seed, 5, 1, 4)
	sh, b := variants(&p, 3, 0)
	x := s.solved(t, sh, exact(), b)
	v := []float64{1, -2, 0.5}
	g := vjp(t, x, &qp.Point{Value: v})
	for i := range b.Size {
		pt := pointOf(sh, &x.Point, i)
		pt.Value = nil
		e := newElement(sh, &b.Data, i)
		want := newActive(e, &pt, nil).envelope(v[i])
		got := dataOf(sh, &g.Data, i)
		agreeData(t, &got, want, 1e-9)
	}
}

// envelope is the gradient of v times the optimal value.
func (a *active) envelope(v float64) *qp.Data { return a.vjp(&qp.Point{Value: []float64{v}}) }

// add checks that Add accumulates, and that without it nothing is left over.
func (s suite) add(t *testing.T) {
	p := gen.Convex(seed, 4, 1, 3)
	sh, b := variants(&p, 3, qp.CoefQ|qp.CoefG)
	x := s.solved(t, sh, qp.Options{}, b)
	rng := newRand(6)
	up1, up2 := randomPoint(rng, sh, 3, true), randomPoint(rng, sh, 3, true)
	g1, g2 := vjp(t, x, up1), vjp(t, x, up2)
	sum := qp.Gradient{Add: true}
	must(t, x.VJP(t.Context(), &sum, up1))
	must(t, x.VJP(t.Context(), &sum, up2))
	for _, c := range coefs {
		want := slices.Clone(*c.of(&g1.Data))
		for i, v := range *c.of(&g2.Data) {
			want[i] += v
		}
		agree(t, "the sum of d"+c.name, *c.of(&sum.Data), want, 1e-12*max(1, norm(want)))
	}
	sum.Add = false
	must(t, x.VJP(t.Context(), &sum, up1))
	for _, c := range coefs {
		sameBits(t, "d"+c.name+" written over a sum", *c.of(&sum.Data), *c.of(&g1.Data))
	}
	sum.Add, sum.H = true, make([]float64, 1)
	wantShapeError(t, x.VJP(t.Context(), &sum, up1), "Gradient.H")
}

// wantGradient checks that only what is wanted is written, with the same bits.
func (s suite) wantGradient(t *testing.T) {
	p := gen.TwoSided(seed, 5, 1, 4)
	sh, b := variants(&p, 3, qp.CoefA|qp.CoefP)
	x := s.solved(t, sh, qp.Options{}, b)
	up := randomPoint(newRand(7), sh, 3, true)
	all := vjp(t, x, up)
	for _, c := range coefs {
		if c.len(sh) == 0 {
			continue
		}
		g := qp.Gradient{Want: c.bit}
		must(t, x.VJP(t.Context(), &g, up))
		for _, o := range coefs {
			if o.bit == c.bit {
				sameBits(t, "d"+o.name+" wanted alone", *o.of(&g.Data), *o.of(&all.Data))
			} else if len(*o.of(&g.Data)) > 0 {
				t.Errorf("d%s was written with Want %s", o.name, c.name)
			}
		}
	}
	// What is not wanted is left as it is.
	keep := []float64{7}
	g := qp.Gradient{Want: qp.CoefP, Data: qp.Data{A: keep}}
	must(t, x.VJP(t.Context(), &g, up))
	if len(g.A) != 1 || g.A[0] != 7 {
		t.Errorf("dA was touched: %v", g.A)
	}
}

// notFinite gives one element a cotangent, and a direction, that is NaN.
func (s suite) notFinite(t *testing.T) {
	p := gen.Convex(seed, 4, 1, 3)
	for _, shared := range []qp.Coef{0, ^qp.Coef(0) &^ qp.CoefP} {
		sh, b := variants(&p, 3, shared)
		x := s.solved(t, sh, qp.Options{}, b)
		up, dir := randomPoint(newRand(8), sh, 3, true), randomDir(newRand(8), sh, 3)
		clean := randomPoint(newRand(8), sh, 3, true)
		for _, c := range points {
			clear(part(*c.of(clean), c.len(sh), 1))
		}
		up.Z[sh.N+1], dir.P[sh.N+2] = math.NaN(), math.Inf(1)
		g, d, want := vjp(t, x, up), jvp(t, x, dir), vjp(t, x, clean)
		for i := range 3 {
			if g.Certs[i].Zeroed != (i == 1) || d.Certs[i].Zeroed != (i == 1) {
				t.Errorf("element %d: Zeroed %v and %v", i, g.Certs[i].Zeroed, d.Certs[i].Zeroed)
			}
		}
		for _, c := range coefs {
			agree(t, "d"+c.name, *c.of(&g.Data), *c.of(&want.Data), 1e-14*max(1, norm(*c.of(&want.Data))))
		}
		for _, c := range points {
			if v := norm(part(*c.of(&d.Point), c.len(sh), 1)); v != 0 {
				t.Errorf("the tangent of %s is %g, want 0", c.name, v)
			}
			if v := norm(*c.of(&d.Point)); !finite(v) {
				t.Errorf("the tangent of %s is %g", c.name, v)
			}
		}
	}
}
