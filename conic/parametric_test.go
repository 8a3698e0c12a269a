package conic

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/sparse"
)

// prog writes down small programs: lists of rows s = b − Σ a·x, cone by cone.
type prog struct {
	n     int
	p, a  []sparse.Triplet
	q, b  []float64
	cones []Cone
}

func minimize(q ...float64) *prog { return &prog{n: len(q), q: q} }

// quad adds v·xᵢxⱼ to the objective; for i = j it is v·xᵢ².
func (g *prog) quad(i, j int, v float64) *prog {
	if i == j {
		v *= 2
	}
	g.p = append(g.p, sparse.Triplet{Row: min(i, j), Col: max(i, j), Val: v})
	return g
}

// in says that affine expressions are in a cone: each is {constant, i, aᵢ, j, aⱼ, …}
// for constant + aᵢxᵢ + …
func (g *prog) in(c Cone, rows ...[]float64) *prog {
	c.Size = max(c.Size, 0)
	if c.Kind == Zero || c.Kind == NonNegative || c.Kind == SecondOrder {
		c.Size = len(rows)
	}
	for _, r := range rows {
		for k := 1; k < len(r); k += 2 {
			g.a = append(g.a, sparse.Triplet{Row: len(g.b), Col: int(r[k]), Val: -r[k+1]})
		}
		g.b = append(g.b, r[0])
	}
	g.cones = append(g.cones, c)
	return g
}

func (g *prog) problem(t *testing.T) *Problem {
	t.Helper()
	A, err := sparse.FromTriplets(len(g.b), g.n, g.a)
	if err != nil {
		t.Fatal(err)
	}
	P, err := sparse.FromTriplets(g.n, g.n, g.p)
	if err != nil {
		t.Fatal(err)
	}
	return &Problem{P: P, Q: g.q, A: A, B: g.b, Cones: g.cones}
}

var (
	eqZero  = Cone{Kind: Zero}
	nonNeg  = Cone{Kind: NonNegative}
	ball    = Cone{Kind: SecondOrder}
	expCone = Cone{Kind: Exponential}
)

func psdCone(k int) Cone         { return Cone{Kind: PSD, Size: k} }
func powCone(alpha float64) Cone { return Cone{Kind: Power, Alpha: []float64{alpha}} }

// row is an affine expression.
func row(v ...float64) []float64 { return v }

// off is an entry of a matrix off its diagonal, as svec has it.
func off(v ...float64) []float64 {
	v[0] *= math.Sqrt2
	for k := 2; k < len(v); k += 2 {
		v[k] *= math.Sqrt2
	}
	return v
}

// parametric has the programs of the reference derivatives as functions of their
// parameters, and how their answer reads (nil: the first variables).
var parametric = map[string]struct {
	prog   func(p []float64) *prog
	answer func(x, z []float64) []float64
}{
	"param_rhs":  {prog: func(p []float64) *prog { return minimize(2).in(nonNeg, row(-3*p[0], 0, 1)) }},
	"param_coef": {prog: func(p []float64) *prog { return minimize(2).in(nonNeg, row(-3*p[0], 0, p[1])) }},
	"param_quadratic_rhs": {prog: func(p []float64) *prog {
		return minimize(2).in(nonNeg, row(-(1+3*p[0]*p[1]+5*p[2]*p[2]+7*p[3]), 0, 11*p[4]))
	}},
	"param_obj_inactive": {prog: func(p []float64) *prog { return minimize(p[0]).in(nonNeg, row(-3, 0, 1)) }},
	"param_qp_obj":       {prog: func(p []float64) *prog { return minimize(3*p[0]).quad(0, 0, 1).in(nonNeg, row(10, 0, 1)) }},
	"param_pxx":          {prog: func(p []float64) *prog { return minimize(1).quad(0, 0, p[0]).in(nonNeg, row(100, 0, 1)) }},
	"param_pxy": {prog: func(p []float64) *prog {
		return minimize(1, 1).quad(0, 1, p[0]).quad(0, 0, 1).quad(1, 1, 1).in(nonNeg, row(10, 0, 1), row(10, 1, 1))
	}},
	"param_binding": {prog: func(p []float64) *prog { return minimize(0).quad(0, 0, p[0]).in(nonNeg, row(-1, 0, 1)) }},
	"param_pqx":     {prog: func(p []float64) *prog { return minimize(p[0]*p[1]).quad(0, 0, 1).in(nonNeg, row(100, 0, 1)) }},
	"param_multi": {prog: func(p []float64) *prog {
		return minimize(1, 1).quad(0, 0, p[0]).quad(1, 1, p[1]).in(nonNeg, row(10, 0, 1), row(10, 1, 1))
	}},
	"param_eq_dual": {
		prog: func(p []float64) *prog {
			return minimize(1, 1).quad(0, 0, 2).quad(1, 1, 1).quad(0, 1, 1).in(eqZero, row(p[0], 0, -1, 1, -1)).in(nonNeg, row(0, 0, 1), row(0, 1, 1))
		},
		answer: func(x, z []float64) []float64 { return []float64{x[0], x[1], -z[0]} },
	},
	"soc_radius_bound": {prog: func(p []float64) *prog {
		return minimize(1, 0).in(nonNeg, row(-p[0], 1, 1)).in(ball, row(p[1]), row(0, 0, 1), row(0, 1, 1))
	}},
	"psd_2x2_offdiag": {prog: func(p []float64) *prog {
		return minimize(p[1], 0, p[2]).in(eqZero, row(p[0], 1, -1)).in(psdCone(2), row(0, 0, 1), off(0, 1, 1), row(0, 2, 1))
	}},
	"psd_in_lp": {prog: func(p []float64) *prog {
		return minimize(0, 1, 4).in(eqZero, row(4, 0, -1, 1, -p[0], 2, -1), row(2, 0, -1)).
			in(nonNeg, row(0, 0, 1), row(0, 1, 1), row(0, 2, 1)).in(psdCone(2), row(1, 2, 1), off(2), row(2, 2, 2))
	}},
	"psd_param_pv": {prog: func(p []float64) *prog {
		return minimize(1).in(psdCone(2), row(0, 0, p[0]), off(-3, 0, 2), row(0, 0, 3*p[0]))
	}},
	"psd_param_pp":    {prog: func(p []float64) *prog { return minimize(1).in(psdCone(2), row(p[0]*p[0]), off(1), row(0, 0, 1)) }},
	"psd_param_mixed": {prog: func(p []float64) *prog { return minimize(1).in(psdCone(2), row(0, 0, p[0]), off(p[0]), row(0, 0, 1)) }},
	"psd_diag_box":    {prog: func(p []float64) *prog { return minimize(-1).in(psdCone(2), row(p[0], 0, -1), off(0), row(0, 0, 1)) }},
	"psd_sym_square":  {prog: func(p []float64) *prog { return minimize(2).in(psdCone(2), row(p[0]), off(0, 0, 1), row(p[0])) }},
	"psd_t_diag_off": {prog: func(p []float64) *prog {
		return minimize(1).in(psdCone(2), row(p[0], 0, 1), off(p[2]), row(p[1], 0, 1))
	}},
	"linear_over_ball": {prog: func(p []float64) *prog {
		return minimize(p[0], p[1], p[2]).in(ball, row(p[3]), row(0, 0, 1), row(0, 1, 1), row(0, 2, 1))
	}},
	"psd_trace_one": {prog: func(p []float64) *prog {
		return minimize(p[0], 2*p[1], p[2]).in(eqZero, row(1, 0, -1, 2, -1)).in(psdCone(2), row(0, 0, 1), off(0, 1, 1), row(0, 2, 1))
	}},
	"max_eigenvalue": {prog: func(p []float64) *prog {
		return minimize(1).in(psdCone(3), row(-p[0], 0, 1), off(-p[1]), row(-p[2], 0, 1), off(-p[3]), off(-p[4]), row(-p[5], 0, 1))
	}},
	"psd_projection": {prog: func(p []float64) *prog {
		g := minimize(-p[0], -2*p[1], -p[2], -2*p[3], -2*p[4], -p[5])
		for i, w := range []float64{0.5, 1, 0.5, 1, 1, 0.5} {
			g.quad(i, i, w)
		}
		return g.in(psdCone(3), row(0, 0, 1), off(0, 1, 1), row(0, 2, 1), off(0, 3, 1), off(0, 4, 1), row(0, 5, 1))
	}},
	"soc_projection_a": {prog: socProjection},
	"soc_projection_b": {prog: socProjection},
	"soc_projection_c": {prog: socProjection},
	"softmax": {prog: func(p []float64) *prog {
		g := minimize(-p[0], -p[1], -p[2], -p[3], -1, -1, -1, -1).in(eqZero, row(1, 0, -1, 1, -1, 2, -1, 3, -1))
		for i := range 4 {
			g.in(expCone, row(0, float64(4+i), 1), row(0, float64(i), 1), row(1))
		}
		return g
	}},
	"logsumexp": {prog: func(p []float64) *prog {
		g := minimize(1, 0, 0, 0, 0).in(nonNeg, row(1, 1, -1, 2, -1, 3, -1, 4, -1))
		for i := range 4 {
			g.in(expCone, row(p[i], 0, -1), row(1), row(0, float64(1+i), 1))
		}
		return g
	}},
	"exp_log":         {prog: func(p []float64) *prog { return minimize(-1).in(expCone, row(0, 0, 1), row(1), row(p[0])) }},
	"exp_perspective": {prog: func(p []float64) *prog { return minimize(1).in(expCone, row(p[0]), row(p[1]), row(0, 0, 1)) }},
	"power_value":     {prog: func(p []float64) *prog { return minimize(-1).in(powCone(0.9), row(p[0]), row(p[1]), row(0, 0, 1)) }},
	"power_amgm":      {prog: func(p []float64) *prog { return minimize(1, 1).in(powCone(0.5), row(0, 0, 1), row(0, 1, 1), row(p[0])) }},
	"power_weighted": {prog: func(p []float64) *prog {
		return minimize(1, 2).in(powCone(0.25), row(0, 0, 1), row(0, 1, 1), row(p[0]))
	}},
	"lml": {prog: func(p []float64) *prog {
		g := minimize(-p[0], -p[1], -p[2], -p[3], 1, 1, 1, 1, 1, 1, 1, 1).in(eqZero, row(2, 0, -1, 1, -1, 2, -1, 3, -1))
		for i := range 4 {
			y := float64(i)
			g.in(expCone, row(0, y+4, -1), row(0, y, 1), row(1))
			g.in(expCone, row(0, y+8, -1), row(1, y, -1), row(1))
		}
		return g
	}},
	"gp_basic": {
		prog: func(p []float64) *prog {
			g := minimize(-1, -1, -1, 0, 0, 0).in(nonNeg, row(1, 3, -1, 4, -1, 5, -1), row(0, 0, 1, 1, -p[2]))
			for k, ij := range [][2]float64{{0, 1}, {0, 2}, {1, 2}} {
				g.in(expCone, row(math.Log(p[0]/p[1]), ij[0], 1, ij[1], 1), row(1), row(0, float64(3+k), 1))
			}
			return g
		},
		answer: func(x, z []float64) []float64 { return []float64{math.Exp(x[0]), math.Exp(x[1]), math.Exp(x[2])} },
	},
	"sparsemax": {prog: func(p []float64) *prog {
		g := minimize(-p[0], -p[1], -p[2], -p[3], -p[4]).in(eqZero, row(1, 0, -1, 1, -1, 2, -1, 3, -1, 4, -1))
		for i := range 5 {
			g.quad(i, i, 0.5).in(nonNeg, row(0, float64(i), 1))
		}
		return g
	}},
	"l1_prox": {prog: func(p []float64) *prog {
		g := minimize(-p[0], -p[1], -p[2], -p[3], p[4], p[4], p[4], p[4])
		for i := range 4 {
			x, u := float64(i), float64(4+i)
			g.quad(i, i, 0.5).in(nonNeg, row(0, u, 1, x, -1), row(0, u, 1, x, 1))
		}
		return g
	}},
}

func socProjection(p []float64) *prog {
	return minimize(-p[0], -p[1], -p[2]).quad(0, 0, 0.5).quad(1, 1, 0.5).quad(2, 2, 0.5).in(ball, row(0, 0, 1), row(0, 1, 1), row(0, 2, 1))
}

// TestParametric solves every program of the reference derivatives and compares
// answer and derivative, forward and backward.
func TestParametric(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "derivatives", "parametric.json"))
	if err != nil {
		t.Skip("the reference derivatives are not here: ", err)
	}
	var cases []struct {
		ID   string
		P, X []float64
		DxDp [][]float64 `json:"dx_dp"`
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, k := range cases {
		if strings.HasPrefix(k.ID, "exp_projection") {
			continue // TestPublishedProjections
		}
		t.Run(k.ID, func(t *testing.T) {
			c, ok := parametric[k.ID]
			if !ok {
				t.Fatal("no program for this case")
			}
			answer := c.answer
			if answer == nil {
				answer = func(x, z []float64) []float64 { return x[:len(k.X)] }
			}
			x, err := Solve(ctx, c.prog(k.P).problem(t), nil)
			if err != nil && !x.Info[0].Status.HasPoint() {
				t.Fatal(err)
			}
			// What is differentiated is the polished point.
			if err := x.VJP(ctx, new(Gradient), new(Point)); err != nil {
				t.Fatal(err)
			}
			px, pz := x.diff.x, x.diff.z
			for i, v := range answer(x.X, x.Z) {
				if math.Abs(v-k.X[i]) > 1e-3*(1+math.Abs(k.X[i])) {
					t.Errorf("x[%d] = %v, want %v", i, v, k.X[i])
				}
			}
			for i, v := range answer(px, pz) {
				if math.Abs(v-k.X[i]) > 1e-9*(1+math.Abs(k.X[i])) {
					t.Errorf("polished x[%d] = %v, want %v", i, v, k.X[i])
				}
			}
			for j := range k.P {
				if k.ID == "power_value" && j == 2 {
					continue // an exponent is no coefficient
				}
				const h = 1e-5
				hi, lo := append([]float64(nil), k.P...), append([]float64(nil), k.P...)
				hi[j] += h
				lo[j] -= h
				up, down := c.prog(hi).problem(t).Data(), c.prog(lo).problem(t).Data()
				dir := new(Data)
				for e := range coefs {
					v := sub(*coefs[e].of(&up), *coefs[e].of(&down))
					for i := range v {
						v[i] /= 2 * h
					}
					*coefs[e].of(dir) = v
				}
				var tan Tangent
				if err := x.JVP(ctx, &tan, dir); err != nil {
					t.Fatal(err)
				}
				if cert := tan.Certs[0]; cert.Zeroed {
					t.Fatalf("certificate %+v", cert)
				}
				const eps = 1e-6
				move := func(h float64) []float64 {
					nx, nz := append([]float64(nil), px...), append([]float64(nil), pz...)
					for i := range nx {
						nx[i] += h * tan.X[i]
					}
					for i := range nz {
						nz[i] += h * tan.Z[i]
					}
					return answer(nx, nz)
				}
				a, b := move(eps), move(-eps)
				for i := range a {
					if got, want := (a[i]-b[i])/(2*eps), k.DxDp[i][j]; math.Abs(got-want) > 1e-7*(1+math.Abs(want)) {
						t.Errorf("dx[%d]/dp[%d] = %v, want %v (certificate %+v)", i, j, got, want, tan.Certs[0])
					}
				}
				if c.answer != nil {
					continue
				}
				for i := range k.X { // the same number backward
					upX := make([]float64, len(x.X))
					upX[i] = 1
					var grad Gradient
					if err := x.VJP(ctx, &grad, &Point{X: upX}); err != nil {
						t.Fatal(err)
					}
					if got, want := dotData(&grad.Data, dir), k.DxDp[i][j]; math.Abs(got-want) > 1e-7*(1+math.Abs(want)) {
						t.Errorf("backward: dx[%d]/dp[%d] = %v, want %v", i, j, got, want)
					}
				}
			}
		})
	}
}
