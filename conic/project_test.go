package conic

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/optnet-go/optnet/internal/dense"
)

// testCones has every cone, with the sizes at which code paths differ.
func testCones() []Cone {
	return []Cone{
		{Kind: Zero, Size: 3},
		{Kind: NonNegative, Size: 4},
		{Kind: SecondOrder, Size: 1},
		{Kind: SecondOrder, Size: 2},
		{Kind: SecondOrder, Size: 3},
		{Kind: SecondOrder, Size: 9},
		{Kind: PSD, Size: 1},
		{Kind: PSD, Size: 2},
		{Kind: PSD, Size: 5},
		{Kind: Exponential},
		{Kind: Power, Alpha: []float64{0.5}},
		{Kind: Power, Alpha: []float64{0.9}},
		{Kind: Power, Alpha: []float64{0.15}},
		{Kind: GenPower, Size: 1, Alpha: []float64{0.2, 0.3, 0.5}},
		{Kind: GenPower, Size: 3, Alpha: []float64{0.6, 0.4}},
		{Kind: GenPower, Size: 2, Alpha: []float64{0.1, 0.2, 0.3, 0.4}},
	}
}

func coneName(c Cone) string {
	names := [...]string{"zero", "nonneg", "soc", "psd", "exp", "pow", "genpow"}
	return fmt.Sprint(names[c.Kind], c.Size, c.Alpha)
}

func forCones(t *testing.T, f func(t *testing.T, c Cone, r *rand.Rand)) {
	for i, c := range testCones() {
		t.Run(coneName(c), func(t *testing.T) { f(t, c, rand.New(rand.NewPCG(uint64(i), 3))) })
	}
}

// randPoint has entries of very different sizes now and then.
func randPoint(r *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	scale := 1.0
	if r.IntN(3) == 0 {
		scale = math.Exp(4 * r.NormFloat64())
	}
	for i := range v {
		v[i] = scale * r.NormFloat64()
		if r.IntN(4) == 0 {
			v[i] *= math.Exp(2 * r.NormFloat64())
		}
	}
	return v
}

func sub(x, y []float64) []float64 {
	d := make([]float64, len(x))
	for i := range x {
		d[i] = x[i] - y[i]
	}
	return d
}

// member is how far s is inside a cone, by the definition in the documentation:
// negative outside.
func member(c Cone, s []float64) float64 {
	p := newProjector(c)
	switch c.Kind {
	case Zero:
		return -dense.Norm2(s)
	case NonNegative:
		m := math.Inf(1)
		for _, x := range s {
			m = min(m, x)
		}
		return m
	case SecondOrder:
		return s[0] - dense.Norm2(s[1:])
	case PSD:
		m, w := make([]float64, c.Size*c.Size), make([]float64, c.Size)
		unpack(m, s, c.Size, c.Size)
		eigen(c.Size, m, w, make([]float64, symWork(c.Size)))
		return w[0]
	case Exponential:
		if s[1] <= 0 {
			return min(s[1], -s[0], s[2])
		}
		return s[2] - s[1]*math.Exp(s[0]/s[1])
	}
	k := len(p.alpha)
	prod := 1.0
	for i, a := range p.alpha {
		if s[i] < 0 {
			return s[i]
		}
		prod *= math.Pow(s[i], a)
	}
	return prod - dense.Norm2(s[k:])
}

// memberDual is the same for the dual cone.
func memberDual(c Cone, z []float64) float64 {
	switch c.Kind {
	case Zero:
		return 0
	case Exponential:
		return member(c, []float64{z[0] - z[1], -z[0], z[2]})
	case Power, GenPower:
		p := newProjector(c)
		u := append([]float64(nil), z...)
		for i, a := range p.alpha {
			u[i] /= a
		}
		return member(c, u)
	}
	return member(c, z)
}

// inward is s moved by tol towards the inside of the cone and of its dual.
func inward(c Cone, s []float64, tol float64) []float64 {
	p := newProjector(c)
	x := append([]float64(nil), s...)
	switch p.Kind {
	case NonNegative:
		for i := range x {
			x[i] += tol
		}
	case SecondOrder:
		x[0] += tol
	case PSD:
		for j, at := 0, 0; j < c.Size; j++ {
			at += j
			x[at] += tol
			at++
		}
	case Exponential, Power, GenPower:
		for i := range x {
			x[i] += tol * p.center(i)
		}
	}
	return x
}

// TestProjection: Moreau's decomposition characterizes the projection: v = s − z
// with s ∈ K, z ∈ K* and sᵀz = 0. Idempotence and nonexpansiveness follow from it,
// and are tested besides.
func TestProjection(t *testing.T) {
	forCones(t, func(t *testing.T, c Cone, r *rand.Rand) {
		n := c.Dim()
		s, z, again := make([]float64, n), make([]float64, n), make([]float64, n)
		var before, sBefore []float64
		for range 2000 {
			v := randPoint(r, n)
			c.Project(s, v)
			tol := 1e-12 * (1 + dense.Norm2(v))
			minus := make([]float64, n)
			for i := range v {
				z[i], minus[i] = s[i]-v[i], -v[i]
			}
			// Close to K: tol away from it in the direction of its interior, since the
			// equations are steep.
			if x := inward(c, s, tol); c.Kind != Zero && member(c, x) < 0 {
				t.Fatalf("Π(%v) = %v is outside", v, s)
			}
			if x := inward(c, z, tol); memberDual(c, x) < 0 {
				t.Fatalf("v = %v: z = %v is outside the dual cone", v, z)
			}
			if g := math.Abs(dense.Dot(s, z)); g > tol*(1+dense.Norm2(v)) {
				t.Fatalf("v = %v: sᵀz = %g", v, g)
			}
			c.ProjectDual(again, minus)
			if d := dense.Norm2(sub(again, z)); d > tol {
				t.Fatalf("v = %v: Π*(−v) differs from s − v by %g", v, d)
			}
			c.Project(again, s)
			if d := dense.Norm2(sub(again, s)); d > 10*tol {
				t.Fatalf("v = %v: ΠΠ(v) differs from Π(v) by %g", v, d)
			}
			if before != nil {
				if a, b := dense.Norm2(sub(s, sBefore)), dense.Norm2(sub(v, before)); a > b+tol+1e-12*dense.Norm2(before) {
					t.Fatalf("‖Π(v)−Π(w)‖ = %g > ‖v−w‖ = %g", a, b)
				}
			}
			before, sBefore = v, append(sBefore[:0], s...)
		}
	})
}

// TestProjectionDerivative compares D with central differences, and tells that it
// is symmetric with spectrum in [0, 1], that Dv = Π(v), and what h means:
// ds = −H dz on the directions where dz is free.
func TestProjectionDerivative(t *testing.T) {
	forCones(t, func(t *testing.T, c Cone, r *rand.Rand) {
		n := c.Dim()
		p := newProjector(c)
		s, sp, sm := make([]float64, n), make([]float64, n), make([]float64, n)
		y, x2, y2 := make([]float64, n), make([]float64, n), make([]float64, n)
		tested := 0
		for range 400 {
			v := make([]float64, n)
			for i := range v {
				v[i] = 2 * r.NormFloat64()
			}
			for _, kappa := range []float64{0, 0.1, 1e-3} {
				p.project(s, v, kappa)
				margin := math.Inf(1)
				for i, sig := range p.sigma {
					margin = min(margin, max(sig, p.zeta[i]))
				}
				if c.Kind == Exponential {
					margin = min(margin, math.Abs(v[1]))
				}
				if kappa == 0 && margin < 0.05 && c.Kind != Zero {
					continue // close to a kink
				}
				x := make([]float64, n)
				for i := range x {
					x[i], x2[i] = r.NormFloat64(), r.NormFloat64()
				}
				p.apply(y, x)
				p.apply(y2, x2)
				if d := math.Abs(dense.Dot(y, x2) - dense.Dot(y2, x)); d > 1e-12*(1+dense.Norm2(x)*dense.Norm2(x2)) {
					t.Fatalf("D is not symmetric: %g", d)
				}
				if q := dense.Dot(x, y); q < -1e-12 || q > dense.Dot(x, x)*(1+1e-12) {
					t.Fatalf("xᵀDx = %g for ‖x‖² = %g", q, dense.Dot(x, x))
				}
				if kappa == 0 {
					p.apply(y2, v)
					if d := dense.Norm2(sub(y2, s)); d > 1e-11*(1+dense.Norm2(v)) {
						t.Fatalf("κ = 0, v = %v: Dv differs from Π(v) by %g", v, d)
					}
				}
				const eps = 1e-6
				q := newProjector(c)
				vp, vm := make([]float64, n), make([]float64, n)
				for i := range v {
					vp[i], vm[i] = v[i]+eps*x[i], v[i]-eps*x[i]
				}
				q.project(sp, vp, kappa)
				q.project(sm, vm, kappa)
				for i := range v {
					if fd := (sp[i] - sm[i]) / (2 * eps); math.Abs(fd-y[i]) > 2e-6*(1+dense.Norm2(x)) {
						t.Fatalf("κ = %g, v = %v, x = %v: (Dx)[%d] = %g, difference quotient %g", kappa, v, x, i, y[i], fd)
					}
				}
				tested++
			}
		}
		if tested < 600 {
			t.Errorf("only %d points were far enough from kinks", tested)
		}
	})
}

// TestCentralProjection: z = s − v is −κ∇f(s), f being the barrier; for symmetric
// cones z = κs⁻¹ in the Jordan algebra, so that sᵀz = κ·rank.
func TestCentralProjection(t *testing.T) {
	forCones(t, func(t *testing.T, c Cone, r *rand.Rand) {
		n := c.Dim()
		p := newProjector(c)
		s, grad := make([]float64, n), make([]float64, n)
		for range 200 {
			v := randPoint(r, n)
			kappa := math.Exp(4*r.NormFloat64() - 4)
			if dense.Dot(v, v) > 1e8*kappa {
				continue // the barrier's equation itself is lost in rounding
			}
			p.project(s, v, kappa)
			z := sub(s, v)
			rank := map[Kind]float64{NonNegative: float64(n), SecondOrder: 2, PSD: float64(c.Size), Exponential: 3, Power: 3, GenPower: float64(len(c.Alpha) + 1)}[c.Kind]
			switch {
			case c.Kind == Zero:
				continue
			case c.Kind == SecondOrder && n == 1:
				rank = 1
			case c.Kind == SecondOrder:
				rank = 1 // s∘z = κe has first entry sᵀz
			case p.Kind == Exponential || p.Kind == Power || p.Kind == GenPower:
				if _, ok := p.barrier(s, grad, nil); !ok {
					t.Fatalf("v = %v, κ = %g: s = %v is not inside", v, kappa, s)
				}
				for i := range z {
					if d := math.Abs(z[i] + kappa*grad[i]); d > 1e-7*(dense.Norm2(v)+math.Sqrt(kappa)) {
						t.Fatalf("v = %v, κ = %g: z[%d] differs from −κ∇f by %g", v, kappa, i, d)
					}
				}
			}
			if d := math.Abs(dense.Dot(s, z) - kappa*rank); d > 1e-6*(kappa*rank+1e-8*dense.Dot(v, v)) && kappa > 1e-9*dense.Dot(v, v) {
				t.Fatalf("v = %v, κ = %g: sᵀz = %g, want %g", v, kappa, dense.Dot(s, z), kappa*rank)
			}
		}
	})
}

// TestProjectionByHand has points whose projection and derivative are known.
func TestProjectionByHand(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		name string
		cone Cone
		v, s []float64
		d    []float64 // row-major; nil: not differentiable, or not stated
	}{
		{"nonneg", Cone{Kind: NonNegative, Size: 2}, []float64{3, -2}, []float64{3, 0}, []float64{1, 0, 0, 0}},
		{"soc outside", Cone{Kind: SecondOrder, Size: 3}, []float64{0, 3, 4}, []float64{2.5, 1.5, 2}, nil},
		{"soc apex", Cone{Kind: SecondOrder, Size: 3}, []float64{-6, 3, 4}, []float64{0, 0, 0}, make([]float64, 9)},
		{"soc axis", Cone{Kind: SecondOrder, Size: 2}, []float64{-1, 0}, []float64{0, 0}, make([]float64, 4)},
		{"psd", Cone{Kind: PSD, Size: 2}, []float64{0, math.Sqrt2, 0}, []float64{0.5, math.Sqrt2 / 2, 0.5}, nil},
		{"exp ray", Cone{Kind: Exponential}, []float64{0, 1, 1}, []float64{0, 1, 1}, nil},
		{"exp face", Cone{Kind: Exponential}, []float64{-2, -3, 4}, []float64{-2, 0, 4}, []float64{1, 0, 0, 0, 0, 0, 0, 0, 1}},
		{"exp edge", Cone{Kind: Exponential}, []float64{-2, -3, -4}, []float64{-2, 0, 0}, []float64{1, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"exp zero", Cone{Kind: Exponential}, []float64{0, 0, 0}, []float64{0, 0, 0}, nil},
		{"exp vertical", Cone{Kind: Exponential}, []float64{0, 0, 5}, []float64{0, 0, 5}, nil},
		{"exp normal", Cone{Kind: Exponential}, []float64{1, 2, 0}, []float64{0, 1, 1}, nil},
		{"pow normal", Cone{Kind: Power, Alpha: []float64{0.5}}, []float64{0.5, 0.5, 2}, []float64{1, 1, 1}, nil},
		{"pow mirror", Cone{Kind: Power, Alpha: []float64{0.5}}, []float64{0.5, 0.5, -2}, []float64{1, 1, -1}, nil},
		{"pow axis 1", Cone{Kind: Power, Alpha: []float64{0.8}}, []float64{2, -3, 0}, []float64{2, 0, 0}, []float64{1, 0, 0, 0, 0, 0, 0, 0, 1}},
		{"pow axis 0", Cone{Kind: Power, Alpha: []float64{0.3}}, []float64{2, -3, 0}, []float64{2, 0, 0}, []float64{1, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"pow axis half", Cone{Kind: Power, Alpha: []float64{0.5}}, []float64{2, -3, 0}, []float64{2, 0, 0}, []float64{1, 0, 0, 0, 0, 0, 0, 0, 0.25}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := c.cone.Dim()
			s, x, y := make([]float64, n), make([]float64, n), make([]float64, n)
			p := newProjector(c.cone)
			p.project(s, c.v, 0)
			if d := dense.Norm2(sub(s, c.s)); d > 1e-14 {
				t.Errorf("Π(%v) = %v, want %v", c.v, s, c.s)
			}
			for j := range n {
				clear(x)
				x[j] = 1
				p.apply(y, x)
				for i := range n {
					if math.IsNaN(y[i]) {
						t.Fatalf("D[%d, %d] is NaN", i, j)
					}
					if c.d != nil && math.Abs(y[i]-c.d[i*n+j]) > 1e-14 {
						t.Errorf("D[%d, %d] = %g, want %g", i, j, y[i], c.d[i*n+j])
					}
				}
			}
			for i, h := range p.h {
				if math.IsNaN(h) || h < 0 || h > inf {
					t.Errorf("h[%d] = %g", i, h)
				}
			}
		})
	}
}

// TestExponentialExtremes has points at which eʳ leaves float64.
func TestExponentialExtremes(t *testing.T) {
	c := Cone{Kind: Exponential}
	s := make([]float64, 3)
	for _, v := range [][]float64{
		{1e5, 1, 1}, {1e5, -1, 1}, {-1e5, 1, -1}, {-1e5, 1e-5, -1}, {1, 1e-8, 1}, {1, -1e-8, -1}, {1e-8, 1, 0.5}, {-1e-8, -1e-9, 1},
		{1e-300, 1e-300, 0}, {1e150, 1e150, 1}, {800, 1, 3}, {-800, 1, -5}, {750, 1e-3, 1e300}, {5, 1e-12, -1e9}, {1e-9, -1e9, 1}, {0, 1, 0.5}, {3, 0, 1}, {3, 0, -1},
		{0.0041828816686980234, -0.4995625608224743, 2.945725102635365}, {1e-4, -0.5, 3}, {-3, 1e-4, -0.1},
	} {
		p := newProjector(c)
		p.project(s, v, 0)
		for i, h := range p.h {
			if math.IsNaN(h) || h < 0 {
				t.Errorf("v = %v: h[%d] = %v", v, i, h)
			}
		}
		z := sub(s, v)
		for i := range s {
			if math.IsNaN(s[i]) || math.IsInf(s[i], 0) {
				t.Fatalf("Π(%v) = %v", v, s)
			}
		}
		size := dense.Norm2(v)
		if g := math.Abs(dense.Dot(s, z)) / size / size; g > 1e-13 {
			t.Errorf("v = %v: s = %v, z = %v, sᵀz/‖v‖² = %g", v, s, z, g)
		}
	}
}

// TestPublishedProjections compares with the exponential cone projections, and
// the closed forms, that are known from elsewhere.
func TestPublishedProjections(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "derivatives", "parametric.json"))
	if err != nil {
		t.Skip("the reference derivatives are not here: ", err)
	}
	var cases []struct {
		ID    string
		P, X  []float64
		XDual []float64   `json:"x_dual_projection"`
		DxDp  [][]float64 `json:"dx_dp"`
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, k := range cases {
		var c Cone
		tolX, tolD := 1e-12, 1e-12
		in, out := identity(3), identity(3)
		switch {
		case len(k.ID) > 14 && k.ID[:14] == "exp_projection":
			c = Cone{Kind: Exponential}
			tolX, tolD = 5e-8, 2e-5 // digits of the reference
		case len(k.ID) > 14 && k.ID[:14] == "soc_projection":
			c = Cone{Kind: SecondOrder, Size: 3}
		case k.ID == "psd_projection":
			c = Cone{Kind: PSD, Size: 3}
			in, out = identity(6), identity(6)
			for _, i := range []int{1, 3, 4} {
				in[i], out[i] = math.Sqrt2, math.Sqrt2/2
			}
		default:
			continue
		}
		seen++
		t.Run(k.ID, func(t *testing.T) {
			n := c.Dim()
			v, s := make([]float64, n), make([]float64, n)
			for i := range v {
				v[i] = in[i] * k.P[i]
			}
			p := newProjector(c)
			p.project(s, v, 0)
			for i := range s {
				if d := math.Abs(out[i]*s[i] - k.X[i]); d > tolX {
					t.Errorf("x[%d] = %v, want %v", i, out[i]*s[i], k.X[i])
				}
			}
			if k.XDual != nil {
				c.ProjectDual(s, v)
				for i := range s {
					if d := math.Abs(s[i] - k.XDual[i]); d > tolX {
						t.Errorf("dual projection [%d] = %v, want %v", i, s[i], k.XDual[i])
					}
				}
			}
			x, y := make([]float64, n), make([]float64, n)
			for j := range n {
				clear(x)
				x[j] = in[j]
				p.apply(y, x)
				for i := range n {
					if d := math.Abs(out[i]*y[i] - k.DxDp[i][j]); d > tolD {
						t.Errorf("D[%d, %d] = %v, want %v", i, j, out[i]*y[i], k.DxDp[i][j])
					}
				}
			}
		})
	}
	if seen < 10 {
		t.Errorf("only %d projections among the references", seen)
	}
}

func identity(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = 1
	}
	return x
}
