package conic

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/optnet-go/optnet/internal/dense"
	"github.com/optnet-go/optnet/sparse"
)

// known is a problem made from its solution: any x, and v = s − z, give q and b.
type known struct {
	st   *Structure
	data Data
	pt   Point
}

// makeKnown has P of the given rank and about density·n entries of A a row. Every
// cone's v is random, so that the point is strictly complementary.
func makeKnown(r *rand.Rand, n, rank int, density float64, cones []Cone) *known {
	m := 0
	for _, c := range cones {
		m += c.Dim()
	}
	var ta, tp []sparse.Triplet
	for i := range m {
		for j := range n {
			if r.Float64() < density || j == i%n {
				ta = append(ta, sparse.Triplet{Row: i, Col: j, Val: r.NormFloat64()})
			}
		}
	}
	low := make([]float64, n*rank)
	for i := range low {
		low[i] = r.NormFloat64() / math.Sqrt(float64(n))
	}
	for j := range n {
		for i := range j + 1 {
			if rank > 0 {
				tp = append(tp, sparse.Triplet{Row: i, Col: j, Val: dense.Dot(low[i*rank:(i+1)*rank], low[j*rank:(j+1)*rank])})
			}
		}
	}
	A, _ := sparse.FromTriplets(m, n, ta)
	P, _ := sparse.FromTriplets(n, n, tp)
	k := &known{st: &Structure{N: n, P: P, A: A, Cones: cones}, data: Data{P: P.Val, A: A.Val, Q: make([]float64, n), B: make([]float64, m)}}
	k.pt = Point{X: make([]float64, n), S: make([]float64, m), Z: make([]float64, m), Value: make([]float64, 1)}
	for j := range k.pt.X {
		k.pt.X[j] = r.NormFloat64()
	}
	at := 0
	for _, c := range cones {
		p := newProjector(c)
		v, s := make([]float64, p.dim), k.pt.S[at:at+p.dim]
		for margin := 0.0; margin < 0.1; {
			for i := range v {
				v[i] = 2 * r.NormFloat64()
				if p.Kind == NonNegative { // one of many would always be small
					v[i] += math.Copysign(0.1, v[i])
				}
			}
			p.project(s, v, 0)
			margin = math.Inf(1)
			for i, sig := range p.sigma {
				margin = min(margin, max(sig, p.zeta[i]))
			}
		}
		for i := range v {
			k.pt.Z[at+i] = s[i] - v[i]
		}
		at += p.dim
	}
	P.SymMulAdd(P.Val, -1, k.pt.X, k.data.Q)
	A.MulTAdd(A.Val, -1, k.pt.Z, k.data.Q)
	copy(k.data.B, k.pt.S)
	A.MulAdd(A.Val, 1, k.pt.X, k.data.B)
	k.pt.Value[0] = P.SymQuad(P.Val, k.pt.X, k.pt.X)/2 + dense.Dot(k.data.Q, k.pt.X)
	return k
}

// solution is a Solution as Solve would leave it.
func (k *known) solution(t *testing.T, opt *Options) *Solution {
	t.Helper()
	s, err := NewSolver(k.st, opt)
	if err != nil {
		t.Fatal(err)
	}
	return &Solution{Point: k.pt, Info: []Info{{Status: Solved}}, solver: s, size: 1, held: true, factors: true, data: k.data}
}

// near moves the data by eps·dir, and solves by Newton's method from here.
func (k *known) moved(t *testing.T, dir *Data, eps float64) *known {
	t.Helper()
	n := &known{st: k.st}
	for i := range coefs {
		v := slices.Clone(*coefs[i].of(&k.data))
		dense.Axpy(eps, *coefs[i].of(dir), v)
		*coefs[i].of(&n.data) = v
	}
	sys, err := newLinearSystem(k.st)
	if err != nil {
		t.Fatal(err)
	}
	l := sys.newLinearization()
	l.load(element{P: n.data.P, q: n.data.Q, A: n.data.A, b: n.data.B, x: k.pt.X, z: k.pt.Z, s: k.pt.S})
	l.polish()
	n.pt = Point{X: slices.Clone(l.x), Z: slices.Clone(l.z), S: slices.Clone(l.s)}
	if d := n.residual(); d > 1e-12 {
		t.Fatalf("the moved problem is solved only to %g", d)
	}
	P := k.st.P
	n.pt.Value = []float64{P.SymQuad(n.data.P, l.x, l.x)/2 + dense.Dot(n.data.Q, l.x)}
	return n
}

// residual is how far the point is from optimal.
func (k *known) residual() float64 {
	st, d, p := k.st, &k.data, &k.pt
	r1 := slices.Clone(d.Q)
	st.P.SymMulAdd(d.P, 1, p.X, r1)
	st.A.MulTAdd(d.A, 1, p.Z, r1)
	r2 := slices.Clone(p.S)
	st.A.MulAdd(d.A, 1, p.X, r2)
	dense.Axpy(-1, d.B, r2)
	worst := max(dense.NormInf(r1), dense.NormInf(r2), math.Abs(dense.Dot(p.S, p.Z)))
	at := 0
	for _, c := range st.Cones {
		n := c.Dim()
		s, z := p.S[at:at+n], p.Z[at:at+n]
		near := make([]float64, n)
		c.Project(near, s)
		worst = max(worst, dense.NormInf(sub(near, s)))
		c.ProjectDual(near, z)
		worst = max(worst, dense.NormInf(sub(near, z)))
		at += n
	}
	return worst
}

func randData(r *rand.Rand, like *Data) *Data {
	d := new(Data)
	for i := range coefs {
		v := make([]float64, len(*coefs[i].of(like)))
		for k := range v {
			v[k] = r.NormFloat64()
		}
		*coefs[i].of(d) = v
	}
	return d
}

func randAnswer(r *rand.Rand, like *Point) *Point {
	fill := func(n int) []float64 {
		v := make([]float64, n)
		for k := range v {
			v[k] = r.NormFloat64()
		}
		return v
	}
	return &Point{X: fill(len(like.X)), Z: fill(len(like.Z)), S: fill(len(like.S)), Value: fill(len(like.Value))}
}

func dotData(x, y *Data) (sum float64) {
	for i := range coefs {
		sum += dense.Dot(*coefs[i].of(x), *coefs[i].of(y))
	}
	return sum
}

func dotPoint(x, y *Point) float64 {
	return dense.Dot(x.X, y.X) + dense.Dot(x.Z, y.Z) + dense.Dot(x.S, y.S) + dense.Dot(x.Value, y.Value)
}

// deriveCases are cones, one kind at a time and all together.
func deriveCases() map[string][]Cone {
	cases := map[string][]Cone{
		"none":   nil,
		"linear": {{Kind: Zero, Size: 3}, {Kind: NonNegative, Size: 8}},
		"soc":    {{Kind: SecondOrder, Size: 2}, {Kind: SecondOrder, Size: 1}, {Kind: SecondOrder, Size: 7}, {Kind: SecondOrder, Size: 3}},
		"psd":    {{Kind: PSD, Size: 1}, {Kind: PSD, Size: 4}, {Kind: PSD, Size: 2}},
		"exp":    {{Kind: Exponential}, {Kind: Exponential}, {Kind: Exponential}},
		"power":  {{Kind: Power, Alpha: []float64{0.3}}, {Kind: Power, Alpha: []float64{0.8}}, {Kind: Power, Alpha: []float64{0.5}}},
		"genpow": {{Kind: GenPower, Size: 2, Alpha: []float64{0.2, 0.5, 0.3}}, {Kind: GenPower, Size: 3, Alpha: []float64{0.6, 0.4}}},
	}
	var all []Cone
	for _, name := range []string{"linear", "psd", "exp", "soc", "genpow", "power"} {
		all = append(all, cases[name]...)
	}
	cases["all"] = all
	return cases
}

func forDerivatives(t *testing.T, f func(t *testing.T, r *rand.Rand, k *known)) {
	for name, cones := range deriveCases() {
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 17))
				n := 20
				if name == "all" {
					n = 60
				}
				f(t, r, makeKnown(r, n, n, 0.3, cones))
			})
		}
	}
}

// TestFiniteDifferences compares JVP of x, z, s and value with central differences
// of solutions.
func TestFiniteDifferences(t *testing.T) {
	forDerivatives(t, func(t *testing.T, r *rand.Rand, k *known) {
		if d := k.residual(); d > 1e-12 {
			t.Fatalf("the problem is not at its solution: %g", d)
		}
		x := k.solution(t, nil)
		dir := randData(r, &k.data)
		var tan Tangent
		if err := x.JVP(context.Background(), &tan, dir); err != nil {
			t.Fatal(err)
		}
		c := tan.Certs[0]
		if !c.Unique || c.Zeroed || c.Fallback || !(c.Residual < 1e-12) || !(c.Margin > 1e-4) || !(c.RCond > 1e-7) {
			t.Errorf("certificate %+v", c)
		}
		const eps = 1e-6
		up, down := k.moved(t, dir, eps), k.moved(t, dir, -eps)
		for _, a := range []struct {
			name        string
			got, hi, lo []float64
		}{{"X", tan.X, up.pt.X, down.pt.X}, {"Z", tan.Z, up.pt.Z, down.pt.Z}, {"S", tan.S, up.pt.S, down.pt.S}, {"Value", tan.Value, up.pt.Value, down.pt.Value}} {
			size := 1 + dense.NormInf(a.got)
			for i := range a.got {
				if fd := (a.hi[i] - a.lo[i]) / (2 * eps); math.Abs(fd-a.got[i]) > 1e-5*size {
					t.Errorf("d%s[%d] = %g, difference quotient %g", a.name, i, a.got[i], fd)
				}
			}
		}
	})
}

// TestAdjoint: ⟨Jv, w⟩ = ⟨v, Jᵀw⟩.
func TestAdjoint(t *testing.T) {
	ctx := context.Background()
	forDerivatives(t, func(t *testing.T, r *rand.Rand, k *known) {
		for _, rule := range []Rule{LeastSquares, Smoothed, Strict} {
			x := k.solution(t, &Options{Rule: rule, Kappa: 0.01})
			dir, w := randData(r, &k.data), randAnswer(r, &k.pt)
			var tan Tangent
			var grad Gradient
			if err := x.JVP(ctx, &tan, dir); err != nil {
				t.Fatal(err)
			}
			if err := x.VJP(ctx, &grad, w); err != nil {
				t.Fatal(err)
			}
			if tan.Certs[0].Zeroed || grad.Certs[0].Zeroed || !grad.Certs[0].Unique {
				t.Fatalf("rule %d: certificates %+v, %+v", rule, tan.Certs[0], grad.Certs[0])
			}
			a, b := dotPoint(&tan.Point, w), dotData(&grad.Data, dir)
			size := math.Sqrt(dotPoint(&tan.Point, &tan.Point) * dotPoint(w, w))
			if math.Abs(a-b) > 1e-9*size {
				t.Errorf("rule %d: ⟨Jv, w⟩ = %v, ⟨v, Jᵀw⟩ = %v, relative difference %g", rule, a, b, math.Abs(a-b)/size)
			}
		}
	})
}

// TestSmoothedFiniteDifferences compares the derivative of the smoothed point with
// differences of smoothed points, each of them checked to lie on the central path.
func TestSmoothedFiniteDifferences(t *testing.T) {
	const kappa, eps = 0.01, 1e-6
	forDerivatives(t, func(t *testing.T, r *rand.Rand, k *known) {
		x := k.solution(t, &Options{Rule: Smoothed, Kappa: kappa})
		dir := randData(r, &k.data)
		var tan Tangent
		if err := x.JVP(context.Background(), &tan, dir); err != nil {
			t.Fatal(err)
		}
		at := func(h float64) *linearization {
			n := k.moved(t, dir, h)
			y := n.solution(t, &Options{Rule: Smoothed, Kappa: kappa})
			var g Gradient
			if err := y.VJP(context.Background(), &g, &Point{}); err != nil {
				t.Fatal(err)
			}
			l := y.diff.lins[0]
			row := 0
			for i, c := range k.st.Cones {
				p, m := l.cones[i], c.Dim()
				s, z := l.s[row:row+m], l.z[row:row+m]
				if rank := map[Kind]float64{NonNegative: float64(m), PSD: float64(c.Size), Exponential: 3, Power: 3, GenPower: float64(len(c.Alpha) + 1), SecondOrder: 1}[p.Kind]; p.Kind != Zero {
					if d := math.Abs(dense.Dot(s, z) - kappa*rank); d > 1e-8 {
						t.Errorf("cone %d: sᵀz = %g, want %g", i, dense.Dot(s, z), kappa*rank)
					}
				}
				row += m
			}
			return l
		}
		hi := at(eps)
		lo := at(-eps)
		for _, a := range []struct {
			name        string
			got, hi, lo []float64
		}{{"X", tan.X, hi.x, lo.x}, {"Z", tan.Z, hi.z, lo.z}, {"S", tan.S, hi.s, lo.s}} {
			size := 1 + dense.NormInf(a.got)
			for i := range a.got {
				if fd := (a.hi[i] - a.lo[i]) / (2 * eps); math.Abs(fd-a.got[i]) > 1e-5*size {
					t.Errorf("d%s[%d] = %g, difference quotient %g", a.name, i, a.got[i], fd)
				}
			}
		}
	})
}
