package dense

import "math"

func scaleGo(alpha float64, x, y []float64) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = alpha * v
	}
}

func subGo(x, y, z []float64) {
	y, z = y[:len(x)], z[:len(x)]
	for i, v := range x {
		z[i] = v - y[i]
	}
}

func mulDiffGo(d, x, y, z []float64) {
	n := len(d)
	x, y, z = x[:n], y[:n], z[:n]
	for i, v := range d {
		z[i] = v * (x[i] - y[i])
	}
}

func mulAddGo(d, x, z []float64) {
	x, z = x[:len(d)], z[:len(d)]
	for i, v := range d {
		z[i] += v * x[i]
	}
}

func mulSumGo(a, x, b, y, z []float64) {
	n := len(a)
	x, b, y, z = x[:n], b[:n], y[:n], z[:n]
	for i, v := range a {
		z[i] = v*x[i] + b[i]*y[i]
	}
}

func boundStepGo(q, d, h, y, c, rz, lam []float64) {
	n := len(q)
	d, h, y, c, rz, lam = d[:n], h[:n], y[:n], c[:n], rz[:n], lam[:n]
	for i, v := range q {
		z := y[i] - h[i]*c[i]
		if d[i] > v {
			lam[i] = (rz[i] - v*z) - c[i]
		} else {
			lam[i] = d[i] * (z - lam[i])
		}
		rz[i] = z
	}
}

func maxAbsGo(alpha float64, x, y []float64) {
	y = y[:len(x)]
	for i, v := range x {
		if v = alpha * math.Abs(v); v > y[i] {
			y[i] = v
		}
	}
}

func maxAbsRowsGo(m, n int, a []float64, lda int, y []float64) {
	for i := range m {
		maxAbsGo(1, a[i*lda:i*lda+n], y)
	}
}

func outerGo(m, n int, u, x, v, y, z []float64, add bool) {
	x, y = x[:n], y[:n]
	for i, a := range u[:m] {
		b, row := v[i], z[i*n:(i+1)*n]
		if !add {
			clear(row)
		}
		for j, w := range x {
			row[j] += float64(a*w) + float64(b*y[j])
		}
	}
}
