package denoise

import "math"

// smoother computes exact total-variation denoising
//
//	z = argmin ½‖z − y‖² + λ Σᵢ |zᵢ₊₁ − zᵢ|
//
// by dynamic programming over the signal (Johnson, 2013), in O(n). Its memory
// is used again.
type smoother struct {
	knots  []knot
	lo, hi []float64
}

// A knot is where the derivative of a message bends: to its right, da x + dc
// comes on top.
type knot struct{ x, da, dc float64 }

// The message of element i to its right neighbour at x is the least cost of the
// elements up to i, |x − zᵢ| included:
//
//	mᵢ(x) = min over z of fᵢ(z) + λ|x − z|,   fᵢ(z) = ½(z − yᵢ)² + mᵢ₋₁(z)
//
// f' is piecewise linear and increasing, and m' is f' cut off at ±λ: it is −λ
// below loᵢ and λ above hiᵢ, where f'(loᵢ) = −λ and f'(hiᵢ) = λ. So the best zᵢ
// for a given zᵢ₊₁ is zᵢ₊₁ clamped to [loᵢ, hiᵢ].
func (s *smoother) tv(z, y []float64, lambda float64) {
	n := len(y)
	// Knots enter at both ends: two for an element.
	if cap(s.knots) < 2*n {
		s.knots = make([]knot, 2*n)
		s.lo, s.hi = make([]float64, n), make([]float64, n)
	}
	knots := s.knots[:2*n]
	left, right := n, n // knots[left:right] are in use
	edge := 0.0         // |m'| beyond the knots
	// root walks from one end to where f' is v, and drops the knots it passes.
	fromLeft := func(y, v float64) (x, a, c float64) {
		a, c = 1, -edge-y
		for {
			x = (v - c) / a
			if left == right || x <= knots[left].x {
				return x, a, c
			}
			a += knots[left].da
			c += knots[left].dc
			left++
		}
	}
	fromRight := func(y, v float64) (x, a, c float64) {
		a, c = 1, edge-y
		for {
			x = (v - c) / a
			if left == right || x >= knots[right-1].x {
				return x, a, c
			}
			right--
			a -= knots[right].da
			c -= knots[right].dc
		}
	}
	for i := range n - 1 {
		lo, a, c := fromLeft(y[i], -lambda)
		hi, ar, cr := fromRight(y[i], lambda)
		left--
		knots[left] = knot{lo, a, c + lambda}
		knots[right] = knot{hi, -ar, lambda - cr}
		right++
		s.lo[i], s.hi[i] = lo, hi
		edge = lambda
	}
	z[n-1], _, _ = fromLeft(y[n-1], 0)
	for i := n - 2; i >= 0; i-- {
		z[i] = math.Max(s.lo[i], math.Min(s.hi[i], z[i+1]))
	}
}

// tvMSE is the mean squared error of TV denoising on all signals.
func (s *Signals) tvMSE(lambda float64) float64 {
	var tv smoother
	z := make([]float64, Length)
	sum := 0.0
	for i := range s.Len() {
		tv.tv(z, s.X[i*Length:(i+1)*Length], lambda)
		sum += mse(z, s.Y[i*Length:(i+1)*Length])
	}
	return sum / float64(s.Len())
}
