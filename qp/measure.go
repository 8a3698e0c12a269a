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
	rd           []float64 // Qz + p + Aᵀν + Cᵀλ
	ra           []float64 // Az − Eν − b
	ru, rl       []float64 // Cz − Eλ + su − up and Cz − Eλ − sl − lo

	// The figures of Info, and the scales they are held against: each is the
	// largest of the terms that were summed.
	value, primal, dual, gap             float64
	primalScale, dualScale, gapScale     float64
	pz, dualSides, sumSides, multipliers float64 // pᵀz, bᵀν + sides, the sum of their |terms|, the largest multiplier
	znorm                                float64
	violated                             bool // a side, not just Az = b, is violated
}

func newResiduals(a *arena, n, p, t int) residuals {
	return residuals{
		qz: a.floats(n), atn: a.floats(n), gtl: a.floats(n),
		az: a.floats(p), cz: a.floats(t),
		rd: a.floats(n), ra: a.floats(p), ru: a.floats(t), rl: a.floats(t),
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
	dense.GemvT(s.m, s.n, 1, s.g, s.ld, x.lam[:s.m], r.gtl)
}

// measure computes the residuals of DESIGN's test at x. Slacks do not enter
// the figures: violations are of the data.
func (r *residuals) measure(s *system, x *direction) {
	r.products(s, x)
	zqz, pz := dense.Dot(x.z, r.qz), dense.Dot(x.z, s.lin)
	e := s.elastic
	own := 0.0 // νᵀEν + λᵀEλ
	mu := x.lam[s.m:]

	copy(r.rd, r.qz)
	dense.Axpy(1, s.lin, r.rd)
	dense.Axpy(1, r.atn, r.rd)
	dense.Axpy(1, r.gtl, r.rd)
	for j, m := range mu {
		r.rd[j] += m
	}
	r.dual = dense.NormInf(r.rd)
	r.dualScale = max(dense.NormInf(r.qz), dense.NormInf(s.lin), dense.NormInf(r.atn), dense.NormInf(r.gtl), dense.NormInf(mu))

	r.primal, r.primalScale = 0, max(dense.NormInf(r.az), dense.NormInf(s.b))
	sides, sum, largest := 0.0, 0.0, 0.0
	for i, b := range s.b {
		nu, ei := x.nu[i], 0.0
		if e != 0 {
			ei = e * s.wa[i] * s.wa[i]
		}
		ra := r.az[i] - ei*nu - b
		r.ra[i] = ra
		r.primal = max(r.primal, math.Abs(ra))
		sides += b * nu
		sum += math.Abs(b * nu)
		largest = max(largest, math.Abs(nu))
		own += ei * nu * nu
	}
	r.violated = false
	for t, k := range s.kind {
		if k == 0 {
			r.primal += r.cz[t] * 0 // a product that overflows makes it NaN
			continue
		}
		lam := x.lam[t]
		et := s.elasticOf(t)
		c := r.cz[t] - et*lam
		own += et * lam * lam
		v := max(c-s.up[t], s.lo[t]-c, 0)
		if v > 0 {
			r.violated = true
		}
		r.primal = max(r.primal, v)
		if t < s.m {
			r.primalScale = max(r.primalScale, math.Abs(c))
		}
		if math.IsNaN(c) {
			r.primal = c
		}
		if lam != 0 {
			side := s.up[t]
			if lam < 0 {
				side = s.lo[t]
			}
			sides += side * lam
			sum += math.Abs(side * lam)
			largest = max(largest, math.Abs(lam))
		}
	}
	r.value = zqz/2 + pz
	r.pz, r.dualSides, r.sumSides, r.multipliers = pz, sides, sum, largest
	r.gap = math.Abs(zqz + pz + sides + own)
	r.gapScale = max(math.Abs(r.value), math.Abs(zqz/2+sides))
	r.znorm = dense.NormInf(x.z)
}

// slackResiduals completes what the step needs.
func (r *residuals) slackResiduals(s *system, x *iterate) {
	for t, k := range s.kind {
		c := r.cz[t] - s.elasticOf(t)*x.lam[t]
		if k&hasUpper != 0 {
			r.ru[t] = c + x.su[t] - s.up[t]
		}
		if k&hasLower != 0 {
			r.rl[t] = c - x.sl[t] - s.lo[t]
		}
		if k == fixed {
			r.ru[t] = c - s.up[t]
		}
	}
}

// excess is the largest of the residuals relative to its tolerance: at most 1
// passes the test. NaN becomes +Inf.
func (r *residuals) excess(abs, rel float64) float64 {
	e := max(r.primal/(abs+rel*r.primalScale), r.dual/(abs+rel*r.dualScale), r.gap/(abs+rel*r.gapScale))
	if math.IsNaN(e) {
		// A residual of exactly zero may be held against a tolerance of zero.
		if r.primal == 0 && r.dual == 0 && r.gap == 0 {
			return 0
		}
		return math.Inf(1)
	}
	return e
}
