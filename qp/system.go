package qp

import (
	"math"
	"slices"

	"github.com/optnet-go/optnet/internal/dense"
)

// A constraint is a row of G or, if z is bounded, a row of the identity: with
// C = [G; I] (or G alone) every side reads lo ≤ Cz ≤ up.
type sideKind uint8

const (
	hasUpper sideKind = 1 << iota
	hasLower
	fixed // the sides are equal: an equality, without slack and without interior
)

// system is the data of one element, as the interior-point method sees it, and
// the KKT operator
//
//	      ⎡ Q   Aᵀ      Cᵀ      ⎤
//	K(D) = ⎢ A  −E              ⎥
//	      ⎣ C        −(D⁻¹ + E) ⎦
//
// where D is the diagonal of multipliers over slacks, and E = elastic·w² on rows
// of A and G makes them elastic (zero but when least infeasibility is sought).
//
// Nothing is scaled. What a scaling of variables, rows and cost would change,
// namely the regularization, the start and the measure of small, carries the
// metric τ, w and the cost scale γ instead.
type system struct {
	n, p, m, t   int // variables, rows of A, of G, of C
	ld, ldp, ldm int // strides of rows of length n, p, m
	form         QForm
	q, a, g      []float64
	lin, b       []float64 // p and b of the problem
	lo, up       []float64 // t
	kind         []sideKind
	on           [2][]float64 // 1 where there is a slack at the side, else 0
	any          [2]bool      // whether it is 1 anywhere
	finite       [2]bool      // whether any constraint has the side, if only as an equality
	odd          []int        // constraints without slack: fixed ones, and ones without sides
	na, nc       []float64    // 2-norms of the rows of A and of C, 1 if zero
	tau, wa, wc  []float64    // the metric: see scaling
	even         bool         // τ is 1
	curved       float64      // largest |Q̂|
	maxQ, maxA   float64      // largest |entry|
	maxG         float64
	small        []float64 // D⁻¹ below which a slack is small: w²/γ
	gamma        float64   // scale of curvature, in the metric
	cost         float64   // scale of the objective's gradient: the start's curvature
	sides        int       // number of sides with a slack
	elastic      float64
}

// adopt makes f the metric.
func (s *system) adopt(f *scaling) {
	s.tau, s.wa, s.curved = f.tau, f.wa, f.curved[0]
	copy(s.wc, f.wg)
	copy(s.wc[s.m:], f.tau)
	s.even = !slices.ContainsFunc(f.tau, func(t float64) bool { return t != 1 })
}

// mulQ sets y = Qx.
func (s *system) mulQ(x, y []float64) {
	switch s.form {
	case Dense:
		clear(y)
		dense.Gemv(s.n, s.n, 1, s.q, s.ld, x, y)
	case Diagonal:
		for j, q := range s.q {
			y[j] = q * x[j]
		}
	case Zero:
		clear(y)
	}
}

// mulA sets y = Ax.
func (s *system) mulA(x, y []float64) {
	if s.p == 0 {
		return
	}
	clear(y)
	dense.Gemv(s.p, s.n, 1, s.a, s.ld, x, y)
}

// mulC sets y = Cx.
func (s *system) mulC(x, y []float64) {
	if s.m > 0 {
		clear(y[:s.m])
		dense.Gemv(s.m, s.n, 1, s.g, s.ld, x, y[:s.m])
	}
	copy(y[s.m:], x)
}

// addAT adds α·Aᵀν to y, and addCT α·Cᵀλ.
func (s *system) addAT(alpha float64, nu, y []float64) {
	if s.p > 0 {
		dense.GemvT(s.p, s.n, alpha, s.a, s.ld, nu, y)
	}
}

func (s *system) addCT(alpha float64, lam, y []float64) {
	if s.m > 0 {
		dense.GemvT(s.m, s.n, alpha, s.g, s.ld, lam[:s.m], y)
	}
	if s.t > s.m {
		dense.Axpy(alpha, lam[s.m:], y)
	}
}

// elasticOf is the entry of E for constraint t.
func (s *system) elasticOf(t int) float64 {
	if t < s.m && s.elastic != 0 { // not 0·∞
		return s.elastic * s.wc[t] * s.wc[t]
	}
	return 0
}

// classify derives the kinds of the sides, and reports crossed ones.
func (s *system) classify() (reason string) {
	s.sides, s.odd = 0, s.odd[:0]
	s.any, s.finite = [2]bool{}, [2]bool{}
	for t := range s.t {
		lo, up := s.lo[t], s.up[t]
		var k sideKind
		switch {
		case lo > up:
			k = hasUpper | hasLower
			reason = reasonBndCross
			if t < s.m {
				reason = reasonRowCross
			}
		case lo == up || !math.IsInf(up-lo, 1) && up-lo <= equalTol*math.Min(math.Abs(lo), math.Abs(up)):
			k = fixed
		default:
			if !math.IsInf(up, 1) {
				k |= hasUpper
			}
			if !math.IsInf(lo, -1) {
				k |= hasLower
			}
		}
		s.kind[t] = k
		s.finite[upper] = s.finite[upper] || k&(hasUpper|fixed) != 0
		s.finite[lower] = s.finite[lower] || k&(hasLower|fixed) != 0
		if k&(hasUpper|hasLower) == 0 {
			s.odd = append(s.odd, t)
		}
		for side, has := range [2]sideKind{hasUpper, hasLower} {
			s.on[side][t] = 0
			if k&has != 0 {
				s.on[side][t] = 1
				s.any[side] = true
				s.sides++
			}
		}
	}
	return reason
}

// equalTol is the relative distance below which two sides are one: the room
// between them is a few rounding errors of the sides themselves.
const equalTol = 1e-14
