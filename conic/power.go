package conic

import "math"

// powerBarrier is the barrier of the dual of the generalized power cone,
//
//	K* = {(u, w): ∏ (uᵢ/αᵢ)^αᵢ ≥ ‖w‖, u ≥ 0}
//	f*(u, w) = −log ψ − Σ (1−αᵢ) log uᵢ,  ψ = ζ − ‖w‖²,  ζ = ∏ (uᵢ/αᵢ)^(2αᵢ),
//
// with ν = k + 1 for k factors (Chares 2009, Roy and Xiao 2022). The power cone is that with
// two factors and one w.
type powerBarrier struct {
	alpha []float64
}

func (b powerBarrier) split(x []float64) (u, w []float64) {
	return x[:len(b.alpha)], x[len(b.alpha):]
}

func sumSquares(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v * v
	}
	return s
}

// zeta returns ζ, 0 unless u is positive.
func (b powerBarrier) zeta(u []float64) float64 {
	l := 0.0
	for i, a := range b.alpha {
		if !(u[i] > 0) {
			return 0
		}
		l += 2 * a * math.Log(u[i]/a)
	}
	return math.Exp(l)
}

// shadow sets t = −∇f(s), where −∇f*(t) = s. With v = ‖t_w‖·‖s_w‖ it is explicit,
//
//	tᵢ = (1 + αᵢ(1+v))/sᵢ,  t_w = −(v/‖s_w‖²) s_w,
//
// and v solves log(v(2+v)/‖s_w‖²) = Σ 2αᵢ log(tᵢ/αᵢ), which increases in v.
func (b powerBarrier) shadow(s, t []float64) bool {
	u, w := b.split(s)
	tu, tw := b.split(t)
	lw := 0.0
	for i, a := range b.alpha {
		if !(u[i] > 0) {
			return false
		}
		lw += 2 * a * math.Log(u[i])
	}
	ww := sumSquares(w)
	v, ratio := 0.0, 0.0 // ratio is v/‖w‖²
	if math.Log(ww) >= lw {
		return false
	}
	if ww > 0 {
		// In y = log v, by Newton's method within a bracket.
		shift := math.Log(ww) - lw // < 0
		f := func(y float64) (val, slope float64) {
			v := math.Exp(y)
			val = y + math.Log(2+v) - shift
			slope = 1 + v/(2+v)
			for _, a := range b.alpha {
				q := 1/a + 1 + v
				val -= 2 * a * math.Log(q)
				slope -= 2 * a * v / q
			}
			return val, slope
		}
		lo, hi := math.Inf(-1), math.Inf(1)
		y := 0.0
		for range 100 {
			val, slope := f(y)
			if val > 0 {
				hi = y
			} else {
				lo = y
			}
			next := y - val/slope
			last := 1e-10 // a step of Newton's after which the next is of the order of its square
			if !(next > lo && next < hi) {
				last = 0
				switch {
				case math.IsInf(lo, 0):
					next = hi - 2 - math.Abs(hi)
				case math.IsInf(hi, 0):
					next = lo + 2 + math.Abs(lo)
				default:
					next = (lo + hi) / 2
				}
			}
			step := math.Abs(next - y)
			y = next
			if step <= last*(1+math.Abs(y)) {
				break
			}
		}
		v = math.Exp(y)
		ratio = v / ww
	}
	for i, a := range b.alpha {
		tu[i] = (1 + a*(1+v)) / u[i]
	}
	for i, x := range w {
		tw[i] = -ratio * x
	}
	return !math.IsInf(ratio, 0) && !math.IsNaN(ratio)
}

func (b powerBarrier) dual(z []float64) (f float64, ok bool) {
	u, w := b.split(z)
	zeta := b.zeta(u)
	psi := zeta - sumSquares(w)
	if !(psi > 0) {
		return 0, false
	}
	f = -math.Log(psi)
	for i, a := range b.alpha {
		f -= (1 - a) * math.Log(u[i])
	}
	return f, true
}

func (b powerBarrier) gradient(z, g []float64) {
	u, w := b.split(z)
	zeta := b.zeta(u)
	psi := zeta - sumSquares(w)
	for i, a := range b.alpha {
		g[i] = -(2*a*zeta/psi + 1 - a) / u[i]
	}
	for i, x := range w {
		g[len(u)+i] = 2 * x / psi
	}
}

// structure returns ∇²f*(z) = diag(d) + C, where C is that of the 2×2 matrix c in
// the vectors (τ, 0), τᵢ = 2αᵢ/uᵢ, and (0, w):
//
//	c = [ζ‖w‖² −2ζ; −2ζ 4]/ψ².
func (b powerBarrier) structure(z, d, tau []float64) (c [3]float64) {
	u, w := b.split(z)
	zeta, ww := b.zeta(u), sumSquares(w)
	psi := zeta - ww
	for i, a := range b.alpha {
		tau[i] = 2 * a / u[i]
		d[i] = zeta/psi*tau[i]/u[i] + (1-a)/(u[i]*u[i])
	}
	for i := range w {
		d[len(u)+i] = 2 / psi
	}
	return [3]float64{zeta / psi * ww / psi, -2 * zeta / psi / psi, 4 / psi / psi}
}

// determinant returns that of D^(−½)∇²f*(z)D^(−½), D being the diagonal part, in a form
// without cancellation: 1 + Σ 2αᵢ(1−αᵢ)(t−1)/(2αᵢt + 1 − αᵢ), t = ζ/ψ.
func (b powerBarrier) determinant(z []float64) float64 {
	u, w := b.split(z)
	zeta, ww := b.zeta(u), sumSquares(w)
	psi := zeta - ww
	t, g := zeta/psi, ww/psi
	sum := 1.0
	for _, a := range b.alpha {
		sum += 2 * a * (1 - a) * g / (2*a*t + 1 - a)
	}
	return sum
}

// third sets t = ∇³f*(z)[x, y].
func (b powerBarrier) third(z, x, y, t []float64) {
	u, w := b.split(z)
	xu, xw := b.split(x)
	yu, yw := b.split(y)
	zeta := b.zeta(u)
	psi := zeta - sumSquares(w)
	var ax, ay, axy float64 // τᵀx, τᵀy, Σ τᵢxᵢyᵢ/uᵢ
	for i, a := range b.alpha {
		tau := 2 * a / u[i]
		ax += tau * xu[i]
		ay += tau * yu[i]
		axy += tau * xu[i] * yu[i] / u[i]
	}
	var wx, wy, xy float64
	for i := range w {
		wx += w[i] * xw[i]
		wy += w[i] * yw[i]
		xy += xw[i] * yw[i]
	}
	px, py := zeta*ax-2*wx, zeta*ay-2*wy
	hxy := zeta*(ax*ay-axy) - 2*xy
	for i, a := range b.alpha {
		tau := 2 * a / u[i]
		p := zeta * tau
		hx, hy := p*(ax-xu[i]/u[i]), p*(ay-yu[i]/u[i])
		t3 := p * (ax*ay - axy - ay*xu[i]/u[i] - ax*yu[i]/u[i] + 2*xu[i]*yu[i]/(u[i]*u[i]))
		t[i] = -t3/psi + (hxy*p+hx*py+hy*px)/(psi*psi) - 2*px*py*p/(psi*psi*psi)
		t[i] -= 2 * (1 - a) * xu[i] * yu[i] / (u[i] * u[i] * u[i])
	}
	for i := range w {
		p := -2 * w[i]
		hx, hy := -2*xw[i], -2*yw[i]
		t[len(u)+i] = (hxy*p+hx*py+hy*px)/(psi*psi) - 2*px*py*p/(psi*psi*psi)
	}
}

// power3 is the barrier of the three-dimensional power cone.
type power3 struct{ powerBarrier }

func (b power3) inside(s []float64) bool {
	u, w := b.split(s)
	l := 0.0
	for i, a := range b.alpha {
		if !(u[i] > 0) {
			return false
		}
		l += 2 * a * math.Log(u[i])
	}
	return math.Log(sumSquares(w)) < l
}

func (b power3) dualInside(z []float64) bool {
	u, w := b.split(z)
	return b.zeta(u) > sumSquares(w)
}

// f(s) = −3 − f*(t), t being the shadow.
func (b power3) distance(s, z []float64) float64 {
	var t [3]float64
	q, ok := b.dual(z)
	if !ok || !b.shadow(s, t[:]) {
		return math.Inf(1)
	}
	p, ok := b.dual(t[:])
	if !ok {
		return math.Inf(1)
	}
	return q - p
}

func (b power3) derivatives(z, g []float64, h *[9]float64) bool {
	if !b.dualInside(z) {
		return false
	}
	b.gradient(z, g)
	var d [3]float64
	var tau [2]float64
	c := b.structure(z, d[:], tau[:])
	v := [3]float64{tau[0], tau[1], 0}
	w := [3]float64{0, 0, z[2]}
	for i := range 3 {
		for j := range 3 {
			h[3*i+j] = c[0]*v[i]*v[j] + c[1]*(v[i]*w[j]+w[i]*v[j]) + c[2]*w[i]*w[j]
		}
		h[4*i] += d[i]
	}
	return true
}

func (b power3) center() [3]float64 {
	return [3]float64{math.Sqrt(1 + b.alpha[0]), math.Sqrt(1 + b.alpha[1]), 0}
}
