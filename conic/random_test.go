package conic_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/sparse"
	"gonum.org/v1/gonum/mat"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// member returns how far a point is from the inside of a cone: at most 0 inside. It
// follows the definitions, and shares no code with the solver.
func member(c conic.Cone, s []float64) float64 {
	switch c.Kind {
	case conic.Zero:
		d := 0.0
		for _, v := range s {
			d = max(d, math.Abs(v))
		}
		return d
	case conic.NonNegative:
		d := math.Inf(-1)
		for _, v := range s {
			d = max(d, -v)
		}
		return d
	case conic.SecondOrder:
		n := 0.0
		for _, v := range s[1:] {
			n = math.Hypot(n, v)
		}
		return n - s[0]
	case conic.PSD:
		return -leastEigenvalue(c.Size, s)
	case conic.Exponential:
		if s[1] <= 0 {
			return max(-s[1], s[0], -s[2])
		}
		return s[1]*math.Exp(s[0]/s[1]) - s[2]
	}
	alpha := c.Alpha
	if c.Kind == conic.Power {
		alpha = []float64{alpha[0], 1 - alpha[0]}
	}
	prod, n := 1.0, 0.0
	for i, a := range alpha {
		if s[i] < 0 {
			return -s[i]
		}
		prod *= math.Pow(s[i], a)
	}
	for _, v := range s[len(alpha):] {
		n = math.Hypot(n, v)
	}
	return n - prod
}

// dualMember is member for the dual cone.
func dualMember(c conic.Cone, z []float64) float64 {
	switch c.Kind {
	case conic.Zero:
		return 0
	case conic.Exponential:
		if z[0] >= 0 {
			return max(z[0], -z[1], -z[2])
		}
		return -z[0]*math.Exp(z[1]/z[0]) - math.E*z[2]
	case conic.Power:
		a := c.Alpha[0]
		return member(c, []float64{z[0] / a, z[1] / (1 - a), z[2]})
	case conic.GenPower:
		y := append([]float64(nil), z...)
		for i, a := range c.Alpha {
			y[i] /= a
		}
		return member(c, y)
	}
	return member(c, z)
}

func smat(k int, s []float64) *mat.SymDense {
	m := mat.NewSymDense(k, nil)
	p := 0
	for j := range k {
		for i := range j + 1 {
			v := s[p]
			if i != j {
				v /= math.Sqrt2
			}
			m.SetSym(i, j, v)
			p++
		}
	}
	return m
}

func leastEigenvalue(k int, s []float64) float64 {
	var e mat.EigenSym
	if !e.Factorize(smat(k, s), false) {
		return math.NaN()
	}
	return e.Values(nil)[0]
}

// checkKKT checks a solution by itself: stationarity, feasibility, membership, and the
// gap, each relative to the largest of the terms summed.
func checkKKT(t *testing.T, p *conic.Problem, x, z, s []float64, tol float64) {
	t.Helper()
	n, m := len(p.Q), len(p.B)
	px, at, ax := make([]float64, n), make([]float64, n), make([]float64, m)
	if p.P != nil {
		p.P.SymMulAdd(p.P.Val, 1, x, px)
	}
	p.A.MulTAdd(p.A.Val, 1, z, at)
	p.A.MulAdd(p.A.Val, 1, x, ax)
	var dual, dualScale, primal, primalScale float64
	quad, qx, bz := 0.0, 0.0, 0.0
	for j := range n {
		dual = max(dual, math.Abs(px[j]+p.Q[j]+at[j]))
		dualScale = max(dualScale, math.Abs(px[j]), math.Abs(p.Q[j]), math.Abs(at[j]))
		quad += x[j] * px[j]
		qx += p.Q[j] * x[j]
	}
	for i := range m {
		if math.IsInf(s[i], 1) {
			continue
		}
		primal = max(primal, math.Abs(ax[i]+s[i]-p.B[i]))
		primalScale = max(primalScale, math.Abs(ax[i]), math.Abs(s[i]), math.Abs(p.B[i]))
		bz += p.B[i] * z[i]
	}
	gap, gapScale := math.Abs(quad+qx+bz), max(math.Abs(quad/2+qx), math.Abs(quad/2+bz))
	if !(dual <= tol*(1+dualScale)) || !(primal <= tol*(1+primalScale)) || !(gap <= tol*(1+gapScale)) {
		t.Errorf("residuals: primal %.2e (scale %.1e), dual %.2e (%.1e), gap %.2e (%.1e)", primal, primalScale, dual, dualScale, gap, gapScale)
	}
	off := 0
	for _, c := range p.Cones {
		d := c.Dim()
		if d == 0 {
			continue
		}
		if v := member(c, s[off:off+d]); !(v <= 1e-9*(1+primalScale)) {
			t.Errorf("s is out of the %v cone at %d by %.2e: %v", c.Kind, off, v, s[off:off+d])
		}
		if v := dualMember(c, z[off:off+d]); !(v <= 1e-9*(1+dualScale)) {
			t.Errorf("z is out of the dual %v cone at %d by %.2e: %v", c.Kind, off, v, z[off:off+d])
		}
		off += d
	}
}

// inside returns a point well inside the cone, and of its dual.
func inside(r *rand.Rand, c conic.Cone) (s, z []float64) {
	d := c.Dim()
	s, z = make([]float64, d), make([]float64, d)
	vec := func(v []float64) float64 {
		n := 0.0
		for i := range v {
			v[i] = r.NormFloat64()
			n = math.Hypot(n, v[i])
		}
		return n
	}
	switch c.Kind {
	case conic.Zero:
		vec(z)
	case conic.NonNegative:
		for i := range s {
			s[i], z[i] = r.ExpFloat64(), r.ExpFloat64()
		}
	case conic.SecondOrder:
		s[0] = vec(s[1:]) + r.ExpFloat64()
		z[0] = vec(z[1:]) + r.ExpFloat64()
	case conic.PSD:
		for _, v := range [][]float64{s, z} {
			g := mat.NewDense(c.Size, c.Size, nil)
			for i := range c.Size {
				for j := range c.Size {
					g.Set(i, j, r.NormFloat64())
				}
			}
			var m mat.Dense
			m.Mul(g, g.T())
			p := 0
			for j := range c.Size {
				for i := range j + 1 {
					v[p] = m.At(i, j)
					if i != j {
						v[p] *= math.Sqrt2
					} else {
						v[p] += 0.1
					}
					p++
				}
			}
		}
	case conic.Exponential:
		s[0], s[1] = r.NormFloat64(), r.ExpFloat64()+0.5
		s[2] = s[1]*math.Exp(s[0]/s[1]) + r.ExpFloat64()
		z[0], z[1] = -r.ExpFloat64()-0.5, r.NormFloat64()
		z[2] = -z[0]*math.Exp(z[1]/z[0])/math.E + r.ExpFloat64()
	default:
		alpha := c.Alpha
		if c.Kind == conic.Power {
			alpha = []float64{alpha[0], 1 - alpha[0]}
		}
		k := len(alpha)
		ps, pz := 1.0, 1.0
		for i, a := range alpha {
			s[i], z[i] = r.ExpFloat64()+0.1, r.ExpFloat64()+0.1
			ps *= math.Pow(s[i], a)
			pz *= math.Pow(z[i]/a, a)
		}
		fs, fz := r.Float64()*ps/vec(s[k:]), r.Float64()*pz/vec(z[k:])
		for i := k; i < d; i++ {
			s[i] *= fs
			z[i] *= fz
		}
	}
	return s, z
}

// randomProblem makes a problem with interior points on both sides, so that it has a
// solution.
func randomProblem(r *rand.Rand, n int, cones []conic.Cone, quadratic bool, density float64) *conic.Problem {
	m := 0
	for _, c := range cones {
		m += c.Dim()
	}
	var ta, tp []sparse.Triplet
	for i := range m {
		for j := range n {
			if r.Float64() < density {
				ta = append(ta, sparse.Triplet{Row: i, Col: j, Val: r.NormFloat64()})
			}
		}
	}
	p := &conic.Problem{Q: make([]float64, n), B: make([]float64, m), Cones: cones}
	p.A, _ = sparse.FromTriplets(m, n, ta)
	if quadratic { // P = FᵀF of low rank
		for range (n + 1) / 2 {
			i, j := r.IntN(n), r.IntN(n)
			a, b := r.NormFloat64(), r.NormFloat64()
			tp = append(tp, sparse.Triplet{Row: i, Col: i, Val: a * a}, sparse.Triplet{Row: j, Col: j, Val: b * b})
			if i == j {
				tp[len(tp)-1].Val += 2 * a * b
			} else {
				tp = append(tp, sparse.Triplet{Row: min(i, j), Col: max(i, j), Val: a * b})
			}
		}
		p.P, _ = sparse.FromTriplets(n, n, tp)
	}
	x := make([]float64, n)
	for j := range x {
		x[j] = r.NormFloat64()
	}
	off := 0
	z := make([]float64, m)
	for _, c := range cones {
		s, zc := inside(r, c)
		copy(p.B[off:], s)
		copy(z[off:], zc)
		off += c.Dim()
	}
	p.A.MulAdd(p.A.Val, 1, x, p.B)
	p.A.MulTAdd(p.A.Val, -1, z, p.Q)
	if p.P != nil {
		p.P.SymMulAdd(p.P.Val, -1, x, p.Q)
	}
	return p
}

var mixtures = []struct {
	name  string
	n     int
	cones []conic.Cone
}{
	{"zero", 6, []conic.Cone{{Kind: conic.Zero, Size: 3}}},
	{"nonneg", 6, []conic.Cone{{Kind: conic.NonNegative, Size: 12}}},
	{"lp", 8, []conic.Cone{{Kind: conic.Zero, Size: 3}, {Kind: conic.NonNegative, Size: 12}}},
	{"soc3", 5, []conic.Cone{{Kind: conic.SecondOrder, Size: 3}, {Kind: conic.SecondOrder, Size: 3}, {Kind: conic.SecondOrder, Size: 2}}},
	{"soc20", 9, []conic.Cone{{Kind: conic.SecondOrder, Size: 20}, {Kind: conic.SecondOrder, Size: 1}}},
	{"psd2", 4, []conic.Cone{{Kind: conic.PSD, Size: 2}, {Kind: conic.PSD, Size: 2}, {Kind: conic.PSD, Size: 1}}},
	{"psd7", 9, []conic.Cone{{Kind: conic.PSD, Size: 7}}},
	{"psd3+zero, many variables", 30, []conic.Cone{{Kind: conic.Zero, Size: 26}, {Kind: conic.PSD, Size: 4}}},
	{"exp", 5, []conic.Cone{{Kind: conic.Exponential}, {Kind: conic.Exponential}, {Kind: conic.Exponential}}},
	{"power", 5, []conic.Cone{{Kind: conic.Power, Alpha: []float64{0.3}}, {Kind: conic.Power, Alpha: []float64{0.9}}}},
	{"genpower", 5, []conic.Cone{{Kind: conic.GenPower, Alpha: []float64{0.2, 0.5, 0.3}, Size: 1}, {Kind: conic.GenPower, Alpha: []float64{0.5, 0.5}, Size: 4}}},
	{"all", 12, []conic.Cone{
		{Kind: conic.Zero, Size: 2}, {Kind: conic.NonNegative, Size: 3}, {Kind: conic.SecondOrder, Size: 4}, {Kind: conic.SecondOrder, Size: 7}, {Kind: conic.PSD, Size: 4},
		{Kind: conic.Exponential}, {Kind: conic.Power, Alpha: []float64{0.6}}, {Kind: conic.GenPower, Alpha: []float64{0.25, 0.25, 0.5}, Size: 3}, {Kind: conic.Zero, Size: 0},
	}},
}

func TestRandom(t *testing.T) {
	for _, mix := range mixtures {
		for _, quadratic := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/quadratic=%v", mix.name, quadratic), func(t *testing.T) {
				for seed := range uint64(12) {
					p := randomProblem(newRand(seed), mix.n, mix.cones, quadratic, 0.6)
					if mix.name == "zero" && !quadratic {
						continue // an LP with equalities alone: x is not unique, and may be anything
					}
					x, err := conic.Solve(t.Context(), p, nil)
					if err != nil {
						t.Errorf("seed %d: %v: %+v", seed, err, x.Info)
						continue
					}
					checkKKT(t, p, x.X, x.Z, x.S, 1.01e-8)
					if t.Failed() {
						t.Fatalf("seed %d", seed)
					}
				}
			})
		}
	}
}

// TestTight: close to the solution H is as large as 1/μ, and its rounding must not
// enter the primal residual.
func TestTight(t *testing.T) {
	for _, c := range []struct {
		name string
		eps  float64
		draw func(r *rand.Rand) conic.Cone
	}{
		{"second-order", 1e-10, func(r *rand.Rand) conic.Cone { return conic.Cone{Kind: conic.SecondOrder, Size: 2 + r.IntN(19)} }},
		{"PSD", 1e-9, func(r *rand.Rand) conic.Cone { return conic.Cone{Kind: conic.PSD, Size: 2 + r.IntN(3)} }},
	} {
		for _, quadratic := range []bool{false, true} {
			for seed := range uint64(40) {
				r := newRand(seed)
				n := 5 + r.IntN(36)
				var cones []conic.Cone
				for m := 0; m < 2*n; m += cones[len(cones)-1].Dim() {
					cones = append(cones, c.draw(r))
				}
				p := randomProblem(r, n, cones, quadratic, 0.5)
				x, err := conic.Solve(t.Context(), p, &conic.Options{EpsAbs: c.eps, EpsRel: c.eps})
				if err != nil || x.Info[0].Status != conic.Solved {
					t.Errorf("%s, quadratic %v, seed %d: %v: %+v", c.name, quadratic, seed, err, x.Info)
					continue
				}
				checkKKT(t, p, x.X, x.Z, x.S, 1.01*c.eps)
			}
		}
	}
}

// TestInfeasible makes problems with a proof, and checks the proof that the solver
// finds.
func TestInfeasible(t *testing.T) {
	for _, mix := range mixtures {
		if mix.name == "zero" {
			continue
		}
		t.Run(mix.name, func(t *testing.T) {
			for seed := range uint64(6) {
				r := newRand(seed)
				p := randomProblem(r, mix.n, mix.cones, seed%2 == 1, 0.7)
				m := p.A.Rows
				// A row more of A, a combination of the others by z ∈ K*, and b so that
				// bᵀz < 0: Ax + s = b has no solution with s ∈ K.
				z := make([]float64, m)
				off := 0
				for _, c := range mix.cones {
					_, zc := inside(r, c)
					copy(z[off:], zc)
					off += c.Dim()
				}
				at := make([]float64, mix.n)
				p.A.MulTAdd(p.A.Val, 1, z, at)
				var tr []sparse.Triplet
				for j := range mix.n {
					for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
						tr = append(tr, sparse.Triplet{Row: p.A.RowIdx[k], Col: j, Val: p.A.Val[k]})
					}
					tr = append(tr, sparse.Triplet{Row: m, Col: j, Val: -at[j]})
				}
				p.A, _ = sparse.FromTriplets(m+1, mix.n, tr)
				bz := 0.0
				for i, v := range z {
					bz += p.B[i] * v
				}
				p.B = append(p.B, -bz-1-0.1*norm(p.B)) // a distance that is not lost beside b
				p.Cones = append(append([]conic.Cone(nil), mix.cones...), conic.Cone{Kind: conic.NonNegative, Size: 1})
				x, err := conic.Solve(t.Context(), p, nil)
				if x.Info[0].Status != conic.PrimalInfeasible {
					t.Fatalf("seed %d: %v: %+v", seed, err, x.Info[0])
				}
				checkPrimalRay(t, p, x.Rays.Z)
			}
		})
	}
}

func norm(x []float64) float64 {
	n := 0.0
	for _, v := range x {
		n = max(n, math.Abs(v))
	}
	return n
}

func checkPrimalRay(t *testing.T, p *conic.Problem, z []float64) {
	t.Helper()
	at, bz := make([]float64, len(p.Q)), 0.0
	p.A.MulTAdd(p.A.Val, 1, z, at)
	for i, v := range z {
		bz += p.B[i] * v
	}
	if math.Abs(bz+1) > 1e-9 || norm(at) > 1e-8*max(1, norm(p.A.Val))*norm(z) {
		t.Errorf("bᵀz = %v, ‖Aᵀz‖ = %v with ‖z‖ = %v", bz, norm(at), norm(z))
	}
	off := 0
	for _, c := range p.Cones {
		if d := c.Dim(); d > 0 {
			if v := dualMember(c, z[off:off+d]); v > 1e-9*norm(z) {
				t.Errorf("the ray is out of the dual %v cone by %v", c.Kind, v)
			}
			off += d
		}
	}
}

// TestUnbounded: minimize along a direction in which the cones are open.
func TestUnbounded(t *testing.T) {
	for _, mix := range mixtures {
		t.Run(mix.name, func(t *testing.T) {
			for seed := range uint64(6) {
				r := newRand(seed)
				p := randomProblem(r, mix.n, mix.cones, false, 0.7)
				// One variable more, with −s in its column for an s ∈ K, and a negative cost.
				var tr []sparse.Triplet
				n := mix.n
				for j := range n {
					for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
						tr = append(tr, sparse.Triplet{Row: p.A.RowIdx[k], Col: j, Val: p.A.Val[k]})
					}
				}
				off := 0
				for _, c := range mix.cones {
					s, _ := inside(r, c)
					for i, v := range s {
						tr = append(tr, sparse.Triplet{Row: off + i, Col: n, Val: -v})
					}
					off += c.Dim()
				}
				p.A, _ = sparse.FromTriplets(p.A.Rows, n+1, tr)
				p.Q = append(p.Q, -1)
				for j := range n {
					p.Q[j] = 0
				}
				x, err := conic.Solve(t.Context(), p, nil)
				if x.Info[0].Status != conic.DualInfeasible {
					t.Fatalf("seed %d: %v: %+v", seed, err, x.Info[0])
				}
				qx, ax := 0.0, append([]float64(nil), x.Rays.S...)
				for j, q := range p.Q {
					qx += q * x.Rays.X[j]
				}
				p.A.MulAdd(p.A.Val, 1, x.Rays.X, ax)
				if math.Abs(qx+1) > 1e-9 || norm(ax) > 1e-8*max(1, norm(p.A.Val))*norm(x.Rays.X) {
					t.Errorf("qᵀx = %v, ‖Ax + s‖ = %v", qx, norm(ax))
				}
				off = 0
				for _, c := range p.Cones {
					if d := c.Dim(); d > 0 {
						if v := member(c, x.Rays.S[off:off+d]); v > 1e-9*norm(x.Rays.S) {
							t.Errorf("the ray is out of the %v cone by %v", c.Kind, v)
						}
						off += d
					}
				}
			}
		})
	}
}
