package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// scaling is the metric in which small and large are meant: z is measured in
// units of τ, rows of A and C in units of w, so that Q̂ = τQτ and Ĉ = w⁻¹Cτ are
// about 1. No data are multiplied by it.
type scaling struct {
	tau    []float64 // n
	wa, wg []float64 // rows of A and of G
	curved []float64 // one number: the largest |Q̂|
}

func scalingLen(sh Shape) int { return sh.N + sh.NEq + sh.NIneq + 1 }

const (
	// evenColumns is the spread of the columns' sizes up to which the variables
	// keep their units.
	evenColumns = 1e4
	ruizPasses  = 8
)

// equilibrate derives the metric from Q, A and G. Where the columns are of
// similar size τ is 1 and w the row's 2-norm; otherwise both come from Ruiz's
// iteration on the KKT matrix, d ← d/√(largest |entry| of the row).
func (f *scaling) equilibrate(s *system, largest []float64) {
	for j := range f.tau {
		f.tau[j] = 1
	}
	f.curved[0] = s.maxQ
	for i := range f.wa {
		f.wa[i] = 1
	}
	for i := range f.wg {
		f.wg[i] = 1
	}
	clear(largest)
	switch s.form { // as columns does, the metric being 1
	case Dense:
		dense.MaxAbsRows(s.n, s.n, s.q, s.ld, largest)
	case Diagonal:
		dense.MaxAbs(1, s.q, largest)
	}
	dense.MaxAbsRows(s.p, s.n, s.a, s.ld, largest)
	dense.MaxAbsRows(s.m, s.n, s.g, s.ld, largest)
	low, high := math.Inf(1), 0.0
	for _, v := range largest {
		if v > 0 {
			low, high = min(low, v), max(high, v)
		}
	}
	if high <= evenColumns*low || high == 0 {
		copy(f.wa, s.na)
		copy(f.wg, s.nc)
		return
	}
	for range ruizPasses {
		f.rescaleRows(s.p, s.n, s.a, s.ld, f.wa)
		f.rescaleRows(s.m, s.n, s.g, s.ld, f.wg)
		f.columns(s, largest)
		for j, v := range largest {
			if v > 0 {
				f.tau[j] /= math.Sqrt(v)
			}
		}
	}
	f.rescaleRows(s.p, s.n, s.a, s.ld, f.wa)
	f.rescaleRows(s.m, s.n, s.g, s.ld, f.wg)
	f.curved[0] = 0
	switch s.form {
	case Dense:
		for j, tj := range f.tau {
			for k, q := range s.q[j*s.ld : j*s.ld+s.n] {
				f.curved[0] = max(f.curved[0], math.Abs(q)*tj*f.tau[k])
			}
		}
	case Diagonal:
		for j, q := range s.q {
			f.curved[0] = max(f.curved[0], math.Abs(q)*f.tau[j]*f.tau[j])
		}
	}
}

// columns sets largest[j] to the largest scaled |entry| of column j of Q, A, G.
func (f *scaling) columns(s *system, largest []float64) {
	clear(largest)
	switch s.form {
	case Dense:
		for j, tj := range f.tau { // row j is column j
			dense.MaxAbs(tj, s.q[j*s.ld:j*s.ld+s.n], largest)
		}
	case Diagonal:
		for j, q := range s.q {
			largest[j] = math.Abs(q) * f.tau[j]
		}
	}
	for i, w := range f.wa {
		dense.MaxAbs(1/w, s.a[i*s.ld:i*s.ld+s.n], largest)
	}
	for i, w := range f.wg {
		dense.MaxAbs(1/w, s.g[i*s.ld:i*s.ld+s.n], largest)
	}
	for j, tj := range f.tau {
		largest[j] *= tj
	}
}

// rescaleRows sets w so that the largest scaled |entry| of each row is 1.
func (f *scaling) rescaleRows(m, n int, a []float64, ld int, w []float64) {
	for i := range m {
		v := 0.0
		for j, x := range a[i*ld : i*ld+n] {
			v = max(v, math.Abs(x)*f.tau[j])
		}
		if v == 0 {
			v = 1
		}
		w[i] = v
	}
}

// setCost sets the scales of curvature and of the objective's gradient.
func (w *worker) setCost() {
	s := &w.sys
	lin := 0.0
	for j, p := range s.lin {
		lin = max(lin, math.Abs(p)*s.tau[j])
	}
	s.cost = max(s.curved, lin)
	s.gamma = s.curved
	if s.gamma == 0 {
		s.gamma = lin
	}
	if s.gamma == 0 {
		s.gamma, s.cost = 1, 1
	}
	s.setSmall()
}

func (s *system) setSmall() {
	for t, w := range s.wc {
		s.small[t] = w * w / s.gamma
	}
}

// size is ‖z/τ‖∞.
func (s *system) size(z []float64) float64 {
	if s.even {
		return dense.NormInf(z)
	}
	v := 0.0
	for j, x := range z {
		v = max(v, math.Abs(x)/s.tau[j])
	}
	return v
}

// slope is ‖τ∘g‖∞.
func (s *system) slope(g []float64) float64 {
	if s.even {
		return dense.NormInf(g)
	}
	v := 0.0
	for j, x := range g {
		v = max(v, math.Abs(x)*s.tau[j])
	}
	return v
}
