package dense

import "math"

// The loops below go lane by lane through what the functions for one problem do.

// madd is x·y + z as the kernels in use round it.
func madd(x, y, z float64) float64 {
	if fused() {
		return math.FMA(x, y, z)
	}
	return x*y + z
}

func choleskyLanesGo(l Lanes, n int, a, inv []float64) (failed uint) {
	L := int(l)
	for v := range L {
		at := func(i, j int) *float64 { return &a[(i*n+j)*L+v] }
		for f := 0; f < n; f += 4 {
			g := min(f+4, n)
			for i := f; i < g; i++ {
				for j := i; j < n; j++ {
					for k := range f {
						*at(i, j) = madd(-*at(k, i), *at(k, j), *at(i, j))
					}
				}
			}
			for i := f; i < g; i++ {
				e := 1 / *at(i, i)
				if !(0 < e && e <= math.MaxFloat64) {
					failed |= 1 << v
				}
				for p := i + 1; p < g; p++ {
					m := *at(i, p) * e
					for j := p; j < g; j++ {
						*at(p, j) = madd(-m, *at(i, j), *at(p, j))
					}
				}
				inv[i*L+v] = math.Sqrt(e)
				for j := i; j < n; j++ {
					*at(i, j) *= inv[i*L+v]
				}
				for p := i + 1; p < g; p++ {
					for j := g; j < n; j++ {
						*at(p, j) = madd(-*at(i, p), *at(i, j), *at(p, j))
					}
				}
			}
		}
	}
	return failed
}

func solveUTLanesGo(l Lanes, n int, u, inv, x []float64) {
	L := int(l)
	for v := range L {
		for i := range n {
			s := x[i*L+v]
			for j := range i {
				s = madd(-u[(j*n+i)*L+v], x[j*L+v], s)
			}
			x[i*L+v] = s * inv[i*L+v]
		}
	}
}

// solveULanesGo sums with the sign that the kernels in use do, which shows where
// a sum is zero.
func solveULanesGo(l Lanes, n int, u, inv, x []float64) {
	L, sign := int(l), 1.0
	if fused() {
		sign = -1
	}
	for v := range L {
		for i := n - 1; i >= 0; i-- {
			near := min(i&^3+8, n)
			zero := sign * 0
			s := vec4{zero, zero, zero, zero}
			for j := n - 1; j >= near; j-- {
				s[j&3] = madd(sign*u[(i*n+j)*L+v], x[j*L+v], s[j&3])
			}
			r := x[i*L+v]
			if near < n {
				r -= sign * ((s[0] + s[1]) + (s[2] + s[3]))
			}
			for j := near - 1; j > i; j-- {
				r = madd(-u[(i*n+j)*L+v], x[j*L+v], r)
			}
			x[i*L+v] = r * inv[i*L+v]
		}
	}
}

func gemvLanesGo(l Lanes, m, n int, alpha float64, a, x, y []float64) {
	L := int(l)
	for v := range L {
		for i := range m {
			var s vec4
			for k := range n {
				s[k&3] = madd(a[(i*n+k)*L+v], x[k*L+v], s[k&3])
			}
			y[i*L+v] = madd(alpha, (s[0]+s[1])+(s[2]+s[3]), y[i*L+v])
		}
	}
}

func gemvTLanesGo(l Lanes, m, n int, alpha float64, a, x, y []float64) {
	L := int(l)
	for v := range L {
		for k := range m {
			w := alpha * x[k*L+v]
			for j := range n {
				y[j*L+v] = madd(w, a[(k*n+j)*L+v], y[j*L+v])
			}
		}
	}
}

func dotLanesGo(l Lanes, n int, x, y, out []float64) {
	L := int(l)
	for v := range L {
		var s vec4
		for k := range n {
			s[k&3] = madd(x[k*L+v], y[k*L+v], s[k&3])
		}
		out[v] = (s[0] + s[1]) + (s[2] + s[3])
	}
}

func normInfLanesGo(l Lanes, n int, x, out []float64) {
	L := int(l)
	for v := range L {
		var top uint64
		for k := range n {
			top = max(top, math.Float64bits(x[k*L+v])<<1)
		}
		out[v] = math.Float64frombits(top >> 1)
	}
}

func violationLanesGo(l Lanes, n int, sign float64, c, side, out []float64) {
	L := int(l)
	for v := range L {
		top := 0.0
		for k := range n {
			if e := sign * (c[k*L+v] - side[k*L+v]); e > top {
				top = e
			}
		}
		out[v] = top
	}
}

func sideSumLanesGo(l Lanes, n int, lam, lo, up, sum, abs []float64) {
	L := int(l)
	for v := range L {
		var s, a vec4
		for k := range n {
			w := 0.0
			switch x := lam[k*L+v]; {
			case x > 0:
				w = up[k*L+v] * x
			case x < 0:
				w = lo[k*L+v] * x
			}
			s[k&3] += w
			a[k&3] += math.Abs(w)
		}
		sum[v], abs[v] = (s[0]+s[1])+(s[2]+s[3]), (a[0]+a[1])+(a[2]+a[3])
	}
}

func maxStepLanesGo(l Lanes, n int, alpha, x, dx []float64) {
	L := int(l)
	for v := range L {
		for k := range n {
			if d := dx[k*L+v]; d < 0 {
				if a := x[k*L+v] / -d; a < alpha[v] {
					alpha[v] = a
				}
			}
		}
	}
}

func shiftedDotLanesGo(l Lanes, n int, p, s, ds, d, m, dm, out []float64) {
	L := int(l)
	for v := range L {
		var t vec4
		for k := range n {
			t[k&3] = madd(madd(p[v], ds[k*L+v], s[k*L+v]), madd(d[v], dm[k*L+v], m[k*L+v]), t[k&3])
		}
		out[v] = (t[0] + t[1]) + (t[2] + t[3])
	}
}

func axpyLanesGo(l Lanes, n int, alpha, x, y []float64) {
	L := int(l)
	for k := range n * L {
		y[k] = madd(alpha[k%L], x[k], y[k])
	}
}

func complementarityLanesGo(l Lanes, n int, target, s, m, r, on, ds, dm, q, h []float64) {
	L := int(l)
	for k := range n * L {
		w := s[k] * m[k]
		if ds != nil {
			w = madd(ds[k], dm[k], w)
		}
		q[k] = w - target[k%L]*on[k]
		h[k] = madd(m[k], r[k], -q[k]) / s[k]
	}
}

func selectLanesGo(l Lanes, n int, mask, x, y []float64) {
	L := int(l)
	for k := range n * L {
		if mask[k%L] != 0 {
			y[k] = x[k]
		}
	}
}
