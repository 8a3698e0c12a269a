package conic

import "math"

// The exponential cone. Its boundary, but for the face y = 0, is made of the rays
// through p(r) = (r, 1, eʳ), with the normal n(r) = (eʳ, (1−r)eʳ, −1). Outside K
// and its polar, and away from the face, v = a·p(r) + b·n(r) with a, b > 0: the
// first two equations give
//
//	a = (v_y + (r−1)v_x)/q,   b·eʳ = (v_x − r·v_y)/q,   q = r² − r + 1,
//
// and the third one equation for r,
//
//	φ(r) = a·eʳ − b − v_z = 0,
//
// increasing where a, b > 0 (Friberg 2023, Projection onto the exponential cone).

// projectExp projects onto the exponential cone. The s that it finds serves as a first
// guess, if it is a point.
func (p *projector) projectExp(s, v []float64) region {
	x, y, z := v[0], v[1], v[2]
	switch {
	case depthExp(x, y, z) >= 0 || y == 0 && x <= 0 && z >= 0:
		return inside
	case depthExp(y-x, x, -z) >= 0 || x == 0 && y <= 0 && z <= 0: // −v ∈ K*, see depthDual
		return polar
	case x <= 0 && y <= 0:
		p.axes(0)
		s[0], s[1], s[2] = x, 0, max(z, 0)
		p.z[0], p.z[1], p.z[2] = 0, -y, max(-z, 0)
		p.h[0], p.sigma[0], p.zeta[0] = math.Inf(1), -x, 0
		p.h[1], p.sigma[1], p.zeta[1] = 0, 0, -y
		p.sigma[2], p.zeta[2] = pair(z, 0)
		p.h[2] = ratio(p.sigma[2], p.zeta[2])
		return flat
	}

	r := rootExp(x, y, z, s[0]/s[1])
	q := r*r - r + 1
	a, beta := max((y+(r-1)*x)/q, 0), max((x-r*y)/q, 0) // beta = b·eʳ
	// Each of the products a·eʳ and b is v_z and the other one: the smaller of a and
	// b·eʳ, which may be lost in rounding, follows from that.
	b, aer := beta*math.Exp(-r), a*math.Exp(r)
	if r > 1 {
		aer = z + b
		a = aer * math.Exp(-r)
	} else {
		b = aer - z
		beta = b * math.Exp(r)
	}
	s[0], s[1], s[2] = a*r, a, aer
	p.z[0], p.z[1], p.z[2] = -beta, (r-1)*beta, b
	// The Hessian of y·exp(x/y) − z is eʳ/y·wwᵀ, w = (1, −r, 0), and its gradient is
	// eʳ(1, 1−r, −e⁻ʳ).
	H, er := p.hessian(), math.Exp(-r)
	c := 1 / (a * math.Sqrt(1+(1-r)*(1-r)+er*er))
	clear(H)
	H[0], H[1], H[3], H[4] = c, -r*c, -r*c, r*r*c
	return curved
}

// depthExp is how far a point is inside the cone, by its equations: negative
// outside.
func depthExp(x, y, z float64) float64 {
	if !(y > 0) {
		return math.Inf(-1)
	}
	return min(y, z-y*math.Exp(x/y))
}

// rootExp solves φ(r) = 0 for a point in the curved region, beginning at guess where
// that is in the bracket.
func rootExp(x, y, z, guess float64) float64 {
	// The sign of φ, free of overflow: φ times q·e^{−|r|}, and its derivative.
	phi := func(r float64) (f, df float64) {
		q, dq := r*r-r+1, 2*r-1
		a, beta := y+(r-1)*x, x-r*y
		if r >= 0 {
			e1, e2 := math.Exp(-r), math.Exp(-2*r)
			f = a - beta*e2 - z*q*e1
			df = x + y*e2 + 2*beta*e2 - z*(dq-q)*e1
		} else {
			e1, e2 := math.Exp(r), math.Exp(2*r)
			f = a*e2 - beta - z*q*e1
			df = x*e2 + 2*a*e2 + y - z*(dq+q)*e1
		}
		return f, df
	}
	// a > 0 and b > 0 bound r; where they do not, steps that double do.
	lo, hi := math.Inf(-1), math.Inf(1)
	if x > 0 {
		lo = 1 - y/x
	} else if x < 0 {
		hi = 1 - y/x
	}
	if y > 0 {
		hi = min(hi, x/y)
	} else if y < 0 {
		lo = max(lo, x/y)
	}
	if math.IsInf(hi, 1) {
		for step := 1.0; ; step *= 2 {
			if f, _ := phi(lo + step); f > 0 || step > 1e300 {
				hi = lo + step
				break
			}
		}
	}
	if math.IsInf(lo, -1) {
		for step := 1.0; ; step *= 2 {
			if f, _ := phi(hi - step); f < 0 || step > 1e300 {
				lo = hi - step
				break
			}
		}
	}
	return newton(phi, lo, hi, guess)
}

// newton finds the root of an f that goes from negative at lo to positive at hi,
// by Newton steps kept inside the bracket, and by halving it. It begins at guess, or in the
// middle.
func newton(f func(float64) (v, dv float64), lo, hi, guess float64) float64 {
	const quadratic = 1e-11 // the next step would be of the order of this one's square
	r := guess
	if !(r > lo && r < hi) {
		r = lo + (hi-lo)/2
	}
	last := hi - lo
	for range 200 {
		v, dv := f(r)
		switch {
		case v == 0:
			return r
		case v < 0:
			lo = r
		default:
			hi = r
		}
		next := r - v/dv
		if !(next > lo && next < hi) || math.Abs(next-r) > last/2 {
			next = lo + (hi-lo)/2
		} else if math.Abs(next-r) <= quadratic*math.Abs(r) {
			return next
		}
		last = math.Abs(next - r)
		if last <= 0x1p-53*math.Abs(r) || next == r || next <= lo || next >= hi {
			return next
		}
		r = next
	}
	return r
}

// barrierExp is f = −log(y·log(z/y) − x) − log y − log z.
func barrierExp(s, grad, hess []float64) (f float64, ok bool) {
	x, y, z := s[0], s[1], s[2]
	if !(y > 0 && z > 0) {
		return 0, false
	}
	l := math.Log(z / y)
	w := y*l - x
	if !(w > 0) {
		return 0, false
	}
	g := [3]float64{-1, l - 1, y / z} // of w
	if grad != nil {
		grad[0] = -g[0] / w
		grad[1] = -g[1]/w - 1/y
		grad[2] = -g[2]/w - 1/z
	}
	if hess != nil {
		for i := range 3 {
			for j := range 3 {
				hess[3*i+j] = g[i] * g[j] / (w * w)
			}
		}
		hess[4] += 1/(y*w) + 1/(y*y)
		hess[5] -= 1 / (z * w)
		hess[7] -= 1 / (z * w)
		hess[8] += y/(z*z*w) + 1/(z*z)
	}
	return -math.Log(w) - math.Log(y) - math.Log(z), true
}
