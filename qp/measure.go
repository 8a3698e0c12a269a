package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// residuals are what is left of the optimality conditions at a point, with the
// products they were made of.
type residuals struct {
	qz, atn, gtl []float64 // Qz, Aᵀν, Gᵀλ
	az, cz       []float64
	rd           []float64    // Qz + p + Aᵀν + Cᵀλ
	ra           []float64    // Az − Eν − b
	c            []float64    // Cz − Eλ
	rs           [2][]float64 // sideSign·(Cz − Eλ − side) + slack

	figures
}

// figures are the figures of Info, and the scales they are held against: each is
// the largest of the terms that were summed.
type figures struct {
	value, primal, dual, gap             float64
	primalScale, dualScale, gapScale     float64
	pz, dualSides, sumSides, multipliers float64 // pᵀz, bᵀν + sides, the sum of their |terms|, the largest multiplier
	znorm                                float64
	violated                             bool    // a side, not just Az = b, is violated
	linear                               float64 // the largest of ra and rs, which a step of length α shrinks by 1 − α
}

// terms are what figures are made of: sums, and ∞-norms.
type terms struct {
	zqz, pz, own          float64
	qz, lin, atn, gtl, mu float64
	rd                    float64
	az, b, rows           float64 // rows: of the rows of Cz − Eλ that belong to G and have a side
	ra, c, violation      float64
	sides, absSides       float64
	nu, lam, z            float64
}

func (f *figures) set(t *terms) {
	f.dual = t.rd
	f.dualScale = max(t.qz, t.lin, t.atn, t.gtl, t.mu)
	f.primalScale = max(t.az, t.b, t.rows)
	f.violated = t.violation > 0
	f.primal = max(t.violation, t.ra)
	if !(t.c <= math.MaxFloat64) {
		f.primal = math.NaN() // a product that overflows, if only on a row without sides
	}
	f.sumSides, f.dualSides = t.absSides, t.sides
	f.multipliers = max(t.nu, t.lam)
	f.value, f.pz = t.zqz/2+t.pz, t.pz
	f.gap = math.Abs(t.zqz + t.pz + t.sides + t.own)
	f.gapScale = max(math.Abs(f.value), math.Abs(t.zqz/2+t.sides))
	f.znorm = t.z
}

func newResiduals(a *arena, n, p, t int) residuals {
	return residuals{
		qz: a.floats(n), atn: a.floats(n), gtl: a.floats(n),
		az: a.floats(p), cz: a.floats(t),
		rd: a.floats(n), ra: a.floats(p), c: a.floats(t), rs: [2][]float64{a.floats(t), a.floats(t)},
	}
}

// products computes the products at (z, ν, λ).
func (r *residuals) products(s *system, x *direction) {
	s.mulQ(x.z, r.qz)
	s.mulA(x.z, r.az)
	if s.t > 0 {
		s.mulC(x.z, r.cz)
	}
	clear(r.atn)
	s.addAT(1, x.nu, r.atn)
	clear(r.gtl)
	if s.m > 0 {
		dense.GemvT(s.m, s.n, 1, s.g, s.ld, x.lam[:s.m], r.gtl)
	}
}

// measure computes the residuals of DESIGN's test at x. Slacks do not enter
// the figures: violations are of the data.
func (r *residuals) measure(s *system, x *direction) {
	r.products(s, x)
	e := s.elastic
	own := 0.0 // νᵀEν + λᵀEλ
	mu := x.lam[s.m:]

	copy(r.rd, r.qz)
	dense.Axpy(1, s.lin, r.rd)
	dense.Axpy(1, r.atn, r.rd)
	dense.Axpy(1, r.gtl, r.rd)
	if len(mu) > 0 {
		dense.Axpy(1, mu, r.rd)
	}
	dense.Sub(r.az, s.b, r.ra)
	copy(r.c, r.cz)
	if e != 0 {
		for i, wi := range s.wa {
			ei := e * wi * wi
			r.ra[i] -= ei * x.nu[i]
			own += ei * x.nu[i] * x.nu[i]
		}
		for t, l := range x.lam[:s.m] {
			et := s.elasticOf(t)
			r.c[t] -= et * l
			own += et * l * l
		}
	}
	v := 0.0
	for k, side := range [2][]float64{s.up, s.lo} {
		if s.finite[k] {
			v = max(v, dense.Violation(sideSign[k], r.c, side))
		}
	}
	ofB, absB := dense.SideSum(x.nu, s.b, s.b)
	ofC, absC := dense.SideSum(x.lam, s.lo, s.up)
	norm := dense.NormInf
	r.set(&terms{
		zqz: dense.Dot(x.z, r.qz), pz: dense.Dot(x.z, s.lin), own: own,
		qz: norm(r.qz), lin: norm(s.lin), atn: norm(r.atn), gtl: norm(r.gtl), mu: norm(mu), rd: norm(r.rd),
		az: norm(r.az), b: norm(s.b), rows: s.rowNorm(r.c), ra: norm(r.ra), c: norm(r.c), violation: v,
		sides: ofB + ofC, absSides: absB + absC, nu: norm(x.nu), lam: norm(x.lam), z: norm(x.z),
	})
}

// rowNorm is the largest |cᵢ| over the rows of G that have a side.
func (s *system) rowNorm(c []float64) float64 {
	top := dense.NormInf(c[:s.m])
	for _, t := range s.odd {
		if s.kind[t] == 0 && t < s.m && math.Abs(c[t]) == top {
			top = 0
			for t, k := range s.kind[:s.m] {
				if k != 0 {
					top = max(top, math.Abs(c[t]))
				}
			}
			break
		}
	}
	return top
}

// slackResiduals completes what the step needs.
func (r *residuals) slackResiduals(s *system, x *iterate) {
	for k, side := range [2][]float64{s.up, s.lo} {
		if s.any[k] {
			dense.SlackResidual(sideSign[k], r.c, side, x.s[k], s.on[k], r.rs[k])
		}
	}
	for _, t := range s.odd {
		r.rs[upper][t] = 0
		if s.kind[t] == fixed {
			r.rs[upper][t] = r.c[t] - s.up[t]
		}
	}
	r.linear = max(dense.NormInf(r.ra), dense.NormInf(r.rs[upper]), dense.NormInf(r.rs[lower]))
}

func (r *figures) primalTol(abs, rel float64) float64 { return abs + rel*r.primalScale }

func (r *figures) dualTol(abs, rel float64) float64 { return abs + rel*r.dualScale }

// excess is the largest of the residuals relative to its tolerance: at most 1
// passes the test. NaN becomes +Inf.
func (r *figures) excess(abs, rel float64) float64 {
	e := max(r.primal/r.primalTol(abs, rel), r.dual/r.dualTol(abs, rel), r.gap/(abs+rel*r.gapScale))
	if math.IsNaN(e) {
		// A residual of exactly zero may be held against a tolerance of zero.
		if r.primal == 0 && r.dual == 0 && r.gap == 0 {
			return 0
		}
		return math.Inf(1)
	}
	return e
}
