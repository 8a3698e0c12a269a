package dense

import (
	"math"
	"unsafe"
)

func gemvGo(m, n int, alpha float64, a []float64, lda int, x, y []float64) {
	for i := range m {
		y[i] += alpha * dotGo(a[i*lda:i*lda+n], x)
	}
}

func dotGo(x, y []float64) float64 {
	var s0, s1, s2, s3 float64
	y = y[:len(x)]
	px, py := unsafe.Pointer(unsafe.SliceData(x)), unsafe.Pointer(unsafe.SliceData(y))
	i := 0
	for ; i+8 <= len(x); i += 8 {
		p, q := load4(px, 8*i), load4(py, 8*i)
		s0 += p[0] * q[0]
		s1 += p[1] * q[1]
		s2 += p[2] * q[2]
		s3 += p[3] * q[3]
		p, q = load4(px, 8*i+32), load4(py, 8*i+32)
		s0 += p[0] * q[0]
		s1 += p[1] * q[1]
		s2 += p[2] * q[2]
		s3 += p[3] * q[3]
	}
	if i+4 <= len(x) {
		p, q := load4(px, 8*i), load4(py, 8*i)
		s0 += p[0] * q[0]
		s1 += p[1] * q[1]
		s2 += p[2] * q[2]
		s3 += p[3] * q[3]
		i += 4
	}
	x, y = x[i:], y[i:]
	if len(x) > 0 {
		s0 += x[0] * y[0]
	}
	if len(x) > 1 {
		s1 += x[1] * y[1]
	}
	if len(x) > 2 {
		s2 += x[2] * y[2]
	}
	return (s0 + s1) + (s2 + s3)
}

func gemvTGo(m, n int, alpha float64, a []float64, lda int, x, y []float64) {
	y = y[:n]
	k := 0
	for ; k+4 <= m; k += 4 {
		x0, x1, x2, x3 := alpha*x[k], alpha*x[k+1], alpha*x[k+2], alpha*x[k+3]
		r0, r1, r2, r3 := a[k*lda:][:len(y)], a[(k+1)*lda:][:len(y)], a[(k+2)*lda:][:len(y)], a[(k+3)*lda:][:len(y)]
		for j, s := range y {
			s += x0 * r0[j]
			s += x1 * r1[j]
			s += x2 * r2[j]
			s += x3 * r3[j]
			y[j] = s
		}
	}
	for ; k < m; k++ {
		axpyGo(alpha*x[k], a[k*lda:k*lda+n], y)
	}
}

func axpyGo(alpha float64, x, y []float64) {
	y = y[:len(x)]
	px, py := unsafe.Pointer(unsafe.SliceData(x)), unsafe.Pointer(unsafe.SliceData(y))
	i := 0
	for ; i+4 <= len(x); i += 4 {
		p, q := load4(px, 8*i), load4(py, 8*i)
		q0 := q[0] + alpha*p[0]
		q1 := q[1] + alpha*p[1]
		q2 := q[2] + alpha*p[2]
		q3 := q[3] + alpha*p[3]
		q[0], q[1], q[2], q[3] = q0, q1, q2, q3
	}
	for ; i < len(x); i++ {
		y[i] += alpha * x[i]
	}
}

func transposeGo(m, n int, a []float64, lda int, b []float64, ldb int) {
	for i := range m {
		for j, v := range a[i*lda : i*lda+n] {
			b[j*ldb+i] = v
		}
	}
}

func copyRows(m, n int, a []float64, lda int, b []float64, ldb int) {
	for i := range m {
		copy(b[i*ldb:i*ldb+n], a[i*lda:i*lda+n])
	}
}

// normInfGo takes the maximum of the absolute values as integers: the bits
// of nonnegative floats are ordered as the floats are, with NaN above all.
// Shifting the sign out keeps the order.
func normInfGo(x []float64) float64 {
	var m0, m1 uint64
	px := unsafe.Pointer(unsafe.SliceData(x))
	i := 0
	for ; i+2 <= len(x); i += 2 {
		p := (*[2]uint64)(unsafe.Add(px, 8*i))
		m0 = max(m0, p[0]<<1)
		m1 = max(m1, p[1]<<1)
	}
	if i < len(x) {
		m0 = max(m0, math.Float64bits(x[i])<<1)
	}
	return math.Float64frombits(max(m0, m1) >> 1)
}

// norm2 squares as is, and scales only if the sum left the range in which
// no square that matters can have lost bits.
func norm2(x []float64) float64 {
	if s := dot(x, x); s >= 0x1p-900 && s <= math.MaxFloat64 {
		return math.Sqrt(s)
	}
	top := normInf(x)
	if !(top > 0 && top <= math.MaxFloat64) {
		return top
	}
	// A power of two scales exactly; the largest entry becomes 1/2 to 1.
	_, e := math.Frexp(top)
	return math.Ldexp(math.Sqrt(scaledSquares(x, e)), e)
}

// scaledSquares returns Σ (x[i]·2⁻ᵉ)², in four chains as in Dot.
func scaledSquares(x []float64, e int) float64 {
	// 2⁻ᵉ itself may overflow; two halves never do.
	f, g := math.Ldexp(1, -e/2), math.Ldexp(1, -e-(-e/2))
	var s vec4
	for i, v := range x {
		v = v * f * g
		s[i&3] += v * v
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}
