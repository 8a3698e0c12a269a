package conic

import "math"

// A cone is one factor of K at work: it knows the scaling at the current iterate.
// The vectors that its methods take are its own rows. A cone serves one
// goroutine.
//
// The scaling is a matrix H, symmetric positive definite, with Hz = s: the step
// satisfies H Δz + Δs = −d. For symmetric cones H = WᵀW is that of Nesterov and
// Todd; for the others it approximates μ∇²f*(z), f* being the barrier of K*.
type cone interface {
	// degree is the barrier parameter ν.
	degree() int
	// unit sets s = z = −∇f*(z), on the central path.
	unit(s, z []float64)
	// scale finds H. It fails on a point that is not in the interior, in
	// floating point. With dual set, cones that are not symmetric take
	// H = μ∇²f*(z).
	scale(s, z []float64, mu float64, dual bool) bool
	// mul sets y = H x.
	mul(x, y []float64)
	// square returns xᵀHx, as a sum of squares.
	square(x []float64) float64
	// correct sets d to s plus the correction of second order (Mehrotra's, or that of
	// Dahl and Andersen), given the affine step, minus what leads to
	// complementarity target.
	correct(d, s, z, ds, dz []float64, target float64)
	// maxStep returns the largest step, at most alpha, that keeps s and z in the
	// cones, for symmetric ones; the others return one that does, and leave
	// some room.
	maxStep(s, z, ds, dz []float64, alpha float64) float64
	// distance is f(s) + f*(z) + ν, which is −ν log μ on the central path and more
	// elsewhere; +Inf outside.
	distance(s, z []float64) float64
}

// A symmetric cone is its own dual, with an identity element e. The methods of
// cones that are not symmetric are never called.
type symmetric interface {
	cone
	// margin returns the largest t with v − t·e in the cone, and the sum of the
	// positive eigenvalues.
	margin(v []float64) (least, positive float64)
	// shift adds t·e.
	shift(v []float64, t float64)
}

// zero is {0}: s is 0 and z is free. Its rows are equalities.
type zero struct{}

func (zero) degree() int                                  { return 0 }
func (zero) unit(s, z []float64)                          { clear(s); clear(z) }
func (zero) scale(s, z []float64, _ float64, _ bool) bool { return true }
func (zero) mul(x, y []float64)                           { clear(y) }
func (zero) square([]float64) float64                     { return 0 }
func (zero) correct(d, _, _, _, _ []float64, _ float64)   { clear(d) }
func (zero) maxStep(_, _, _, _ []float64, alpha float64) float64 {
	return alpha
}
func (zero) distance(_, _ []float64) float64 { return 0 }
func (zero) margin([]float64) (least, positive float64) {
	return math.Inf(1), 0
}
func (zero) shift([]float64, float64) {}

// nonneg is s ≥ 0. H = diag(s/z).
type nonneg struct {
	h []float64
}

func newNonneg(n int) *nonneg { return &nonneg{make([]float64, n)} }

func (c *nonneg) degree() int { return len(c.h) }

func (c *nonneg) unit(s, z []float64) {
	for i := range s {
		s[i], z[i] = 1, 1
	}
}

func (c *nonneg) scale(s, z []float64, _ float64, _ bool) bool {
	s, z = s[:len(c.h)], z[:len(c.h)]
	for i := range c.h {
		h := s[i] / z[i]
		if !(h > 0 && h < math.Inf(1)) {
			return false
		}
		c.h[i] = h
	}
	return true
}

func (c *nonneg) mul(x, y []float64) {
	for i, h := range c.h {
		y[i] = h * x[i]
	}
}

func (c *nonneg) square(x []float64) float64 {
	sum := 0.0
	for i, h := range c.h {
		sum += h * x[i] * x[i]
	}
	return sum
}

func (c *nonneg) correct(d, s, z, ds, dz []float64, target float64) {
	for i := range c.h {
		d[i] = s[i] + (ds[i]*dz[i]-target)/z[i]
	}
}

func (c *nonneg) maxStep(s, z, ds, dz []float64, alpha float64) float64 {
	n := len(c.h)
	s, z, ds, dz = s[:n], z[:n], ds[:n], dz[:n]
	for i := range n {
		if d := ds[i]; -d*alpha > s[i] {
			alpha = -s[i] / d
		}
		if d := dz[i]; -d*alpha > z[i] {
			alpha = -z[i] / d
		}
	}
	return alpha
}

func (c *nonneg) distance(s, z []float64) float64 {
	// A product of many factors instead of many logarithms.
	sum, prod := 0.0, 1.0
	for i := range s {
		if !(s[i] > 0 && z[i] > 0) {
			return math.Inf(1)
		}
		prod *= s[i] * z[i]
		if prod < 1e-150 || prod > 1e150 {
			sum -= math.Log(prod)
			prod = 1
		}
	}
	return sum - math.Log(prod)
}

func (c *nonneg) margin(v []float64) (least, positive float64) {
	least = math.Inf(1)
	for _, x := range v {
		least = min(least, x)
		positive += max(0, x)
	}
	return least, positive
}

func (c *nonneg) shift(v []float64, t float64) {
	for i := range v {
		v[i] += t
	}
}
