package conic

import "math"

// expBarrier is the barrier of the dual of the exponential cone,
//
//	K* = {(u, v, w): −u exp(v/u) ≤ e·w, u < 0}
//	f*(u, v, w) = −log ψ − log(−u) − log w,  ψ = v − u − u log(−w/u),
//
// with ν = 3, and what follows from it (Serrano 2015; Dahl and Andersen 2022).
type expBarrier struct{}

// root returns a > 0 with a + log(1 + a) = −s₁/s₂ − log(s₂/s₃), for s in the cone:
// the conjugate barrier is explicit in it.
func (expBarrier) root(s []float64) float64 {
	y := math.Log(s[2]/s[1]) - s[0]/s[1]
	if !(y > 0) {
		return math.NaN()
	}
	a := y / 2
	if y > 2 {
		a = y - math.Log(y)
	}
	for range 20 {
		d := (a + math.Log1p(a) - y) * (1 + a) / (2 + a)
		a -= d
		if !(a > 0) {
			a = y / 4
		}
		if math.Abs(d) <= 1e-16*a {
			break
		}
	}
	return a
}

func (b expBarrier) primal(s []float64) (f float64, ok bool) {
	if !(s[1] > 0 && s[2] > 0) {
		return 0, false
	}
	a := b.root(s)
	if !(a > 0) {
		return 0, false
	}
	return -3 - 2*math.Log(a*s[1]) + math.Log1p(a) - math.Log(s[2]), true
}

// shadow sets t = −∇f(s), where −∇f*(t) = s.
func (b expBarrier) shadow(s, t []float64) bool {
	if !(s[1] > 0 && s[2] > 0) {
		return false
	}
	a := b.root(s)
	if !(a > 0) {
		return false
	}
	t[0] = -1 / (a * s[1])
	t[2] = (1 + 1/a) / s[2]
	t[1] = 1/s[1] + t[0]*(1+math.Log(s[1]/s[2])+math.Log1p(a))
	return true
}

func (expBarrier) psi(z []float64) float64 {
	return z[1] - z[0] - z[0]*math.Log(-z[2]/z[0])
}

func (b expBarrier) dual(z []float64) (f float64, ok bool) {
	if !(z[0] < 0 && z[2] > 0) {
		return 0, false
	}
	psi := b.psi(z)
	if !(psi > 0) {
		return 0, false
	}
	return -math.Log(psi) - math.Log(-z[0]*z[2]), true
}

func (b expBarrier) gradient(z, g []float64) {
	l, psi := math.Log(-z[2]/z[0]), b.psi(z)
	g[0] = l/psi - 1/z[0]
	g[1] = -1 / psi
	g[2] = (z[0]/psi - 1) / z[2]
}

// hessian writes ∇²f*(z), row by row.
func (b expBarrier) hessian(z []float64, h *[9]float64) {
	u, w, psi := z[0], z[2], b.psi(z)
	p := [3]float64{-math.Log(-w / u), 1, -u / w} // ∇ψ
	for i := range 3 {
		for j := range 3 {
			h[3*i+j] = p[i] * p[j] / (psi * psi)
		}
	}
	h[0] += 1/(u*u) - 1/(u*psi)
	h[2] += 1 / (w * psi)
	h[6] = h[2]
	h[8] += 1/(w*w) - u/(w*w*psi)
}

// third sets t = ∇³f*(z)[a, b].
func (b expBarrier) third(z, x, y, t []float64) {
	u, w, psi := z[0], z[2], b.psi(z)
	p := [3]float64{-math.Log(-w / u), 1, -u / w}
	// ψ″ applied to x and y, and their product
	mul := func(v []float64) [3]float64 {
		return [3]float64{v[0]/u - v[2]/w, 0, -v[0]/w + v[2]*u/(w*w)}
	}
	px := p[0]*x[0] + p[1]*x[1] + p[2]*x[2]
	py := p[0]*y[0] + p[1]*y[1] + p[2]*y[2]
	hx, hy := mul(x), mul(y)
	hxy := hx[0]*y[0] + hx[2]*y[2]
	t3 := [3]float64{
		-x[0]*y[0]/(u*u) + x[2]*y[2]/(w*w), 0,
		(x[0]*y[2]+x[2]*y[0])/(w*w) - 2*u*x[2]*y[2]/(w*w*w),
	}
	for i := range 3 {
		t[i] = -t3[i]/psi + (hxy*p[i]+hx[i]*py+hy[i]*px)/(psi*psi) - 2*px*py*p[i]/(psi*psi*psi)
	}
	t[0] -= 2 * x[0] * y[0] / (u * u * u)
	t[2] -= 2 * x[2] * y[2] / (w * w * w)
}

// center is the point with s = −∇f*(s).
func (expBarrier) center() [3]float64 {
	return [3]float64{-1.051383945322714, 0.556409619469370, 1.258967884768947}
}
