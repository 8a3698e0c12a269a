package conic

import "math"

// expBarrier is the barrier of the dual of the exponential cone,
//
//	K* = {(u, v, w): −u exp(v/u) ≤ e·w, u < 0}
//	f*(u, v, w) = −log ψ − log(−u) − log w,  ψ = v − u − u log(−w/u),
//
// with ν = 3, and what follows from it (Serrano 2015; Dahl and Andersen 2022).
type expBarrier struct{}

// root returns a > 0 with a + log(1 + a) = y, for y > 0: Wright's omega function of
// 1 + y, less one. The conjugate barrier is explicit in it. An approximation good to half a
// percent is followed by two steps of order four (Fritsch, Shafer and Crowley 1973).
func (expBarrier) root(y float64) float64 {
	var a float64
	if y < 2 {
		a = y * (1.0/2 + y*(1.0/16-y*(1.0/192+y/3072)))
	} else {
		x := 1 + y
		l := math.Log(x)
		a = y - l + l/x + l*(l-2)/(2*x*x)
	}
	for range 2 {
		r := y - a - math.Log1p(a)
		w := 1 + a
		q := (1 + w) * (1 + w + 2.0/3*r)
		a += w * r / (1 + w) * (q - r/2) / (q - r)
	}
	return a
}

// depth is log(s₃/s₂) − s₁/s₂, positive inside the cone, for s₂ and s₃ positive;
// elsewhere NaN.
func (expBarrier) depth(s []float64) float64 {
	if !(s[1] > 0 && s[2] > 0) {
		return math.NaN()
	}
	return math.Log(s[2]/s[1]) - s[0]/s[1]
}

func (b expBarrier) inside(s []float64) bool {
	y := b.depth(s)
	return y > 0 && y < math.Inf(1)
}

// f(s) = −3 − 2 log(a s₂) + log(1 + a) − log s₃, a being the root for the depth.
func (b expBarrier) distance(s, z []float64) float64 {
	y := b.depth(s)
	_, psi := b.psi(z)
	if !(y > 0 && psi > 0) {
		return math.Inf(1)
	}
	a := b.root(y)
	as := a * s[1]
	p, q := as*as*s[2], psi*-z[0]*z[2]
	if pq := p * q; pq > 1e-280 && pq < 1e280 && p > 1e-280 && q > 1e-280 {
		return math.Log((1 + a) / pq)
	}
	return math.Log1p(a) - 2*math.Log(as) - math.Log(s[2]) - math.Log(psi) - math.Log(-z[0]) - math.Log(z[2])
}

// shadow sets t = −∇f(s), where −∇f*(t) = s.
func (b expBarrier) shadow(s, t []float64) bool {
	y := b.depth(s)
	if !(y > 0) {
		return false
	}
	a := b.root(y)
	t[0] = -1 / (a * s[1])
	t[2] = (1 + 1/a) / s[2]
	t[1] = 1/s[1] + t[0]*(1-s[0]/s[1]-a) // log(s₂/s₃) + log(1+a) is −s₁/s₂ − a
	return true
}

// psi returns ψ, NaN where u < 0 < w does not hold, and log(−w/u).
func (expBarrier) psi(z []float64) (l, psi float64) {
	if !(z[0] < 0 && z[2] > 0) {
		return math.NaN(), math.NaN()
	}
	l = math.Log(-z[2] / z[0])
	return l, z[1] - z[0] - z[0]*l
}

func (b expBarrier) dualInside(z []float64) bool {
	_, psi := b.psi(z)
	return psi > 0
}

// derivatives writes ∇f*(z), and ∇²f*(z) row by row.
func (b expBarrier) derivatives(z, g []float64, h *[9]float64) bool {
	u, w := z[0], z[2]
	l, psi := b.psi(z)
	if !(psi > 0) {
		return false
	}
	ip, iu, iw := 1/psi, 1/u, 1/w
	g[0] = l*ip - iu
	g[1] = -ip
	g[2] = (u*ip - 1) * iw
	p := [3]float64{-l * ip, ip, -u * iw * ip} // ∇ψ/ψ
	for i := range 3 {
		for j := range 3 {
			h[3*i+j] = p[i] * p[j]
		}
	}
	h[0] += iu*iu - iu*ip
	h[2] += iw * ip
	h[6] = h[2]
	h[8] += iw*iw - u*iw*iw*ip
	return true
}

// third sets t = ∇³f*(z)[a, b].
func (b expBarrier) third(z, x, y, t []float64) {
	u, w := z[0], z[2]
	l, psi := b.psi(z)
	p := [3]float64{-l, 1, -u / w}
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
