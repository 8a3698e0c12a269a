package dense

import "unsafe"

// Lanes is a number of small problems of the same size that are worked on at
// once, one in each lane of a vector: 4 or 8. Entry i of lane v of a vector is
// x[i*L+v], and entry (i, j) of an m×n matrix a[(i*n+j)*L+v], without padding. A
// number of which there is one a lane is a slice of L.
//
// Each lane gets the bits that the function of the same name gives for its
// problem alone, in the same set of kernels, whatever is in the other lanes.
// Functions that go entry by entry, like [Sub] or [Weigh], serve vectors of all
// lanes as they are.
type Lanes int

// BestLanes returns how many lanes the vectors of the kernels in use have, or 0
// if there are no such kernels.
func BestLanes() Lanes { return bestLanes() }

// vector panics unless x holds n entries.
func (l Lanes) vector(n int, x []float64) {
	if n < 0 {
		panic(badSize)
	}
	if len(x) < n*int(l) {
		panic(short)
	}
}

// vectors returns the number of entries of vectors that must have the same.
func (l Lanes) vectors(x ...[]float64) int {
	for _, y := range x[1:] {
		if len(y) != len(x[0]) {
			panic(unequal)
		}
	}
	return len(x[0]) / int(l)
}

// Pack writes an m×n matrix into a lane, and Unpack takes one out.
func (l Lanes) Pack(lane, m, n int, src []float64, lds int, dst []float64) {
	checkPlain(m, n, src, lds)
	l.vector(m*n, dst)
	checkLane(lane, l)
	p := unsafe.Add(unsafe.Pointer(unsafe.SliceData(dst)), 8*lane)
	for i := range m {
		for _, v := range src[i*lds : i*lds+n] {
			*(*float64)(p) = v
			p = unsafe.Add(p, 8*int(l))
		}
	}
}

// Unpack is the inverse of Pack.
func (l Lanes) Unpack(lane, m, n int, src, dst []float64, ldd int) {
	checkPlain(m, n, dst, ldd)
	l.vector(m*n, src)
	checkLane(lane, l)
	p := unsafe.Add(unsafe.Pointer(unsafe.SliceData(src)), 8*lane)
	for i := range m {
		row := dst[i*ldd : i*ldd+n]
		for j := range row {
			row[j] = *(*float64)(p)
			p = unsafe.Add(p, 8*int(l))
		}
	}
}

func checkLane(lane int, l Lanes) {
	if uint(lane) >= uint(l) {
		panic(badSize)
	}
}

// Cholesky is [Cholesky] without a hook, and returns the set of lanes, a bit
// each, where there is no factor.
func (l Lanes) Cholesky(n int, a, inv []float64) (failed uint) {
	l.vector(n*n, a)
	l.vector(n, inv)
	return choleskyLanes(l, n, a, inv)
}

// SolveUT is [SolveUT].
func (l Lanes) SolveUT(n int, u, inv, x []float64) {
	l.vector(n*n, u)
	l.vector(n, inv)
	l.vector(n, x)
	solveUTLanes(l, n, u, inv, x)
}

// SolveU is [SolveU].
func (l Lanes) SolveU(n int, u, inv, x []float64) {
	l.vector(n*n, u)
	l.vector(n, inv)
	l.vector(n, x)
	solveULanes(l, n, u, inv, x)
}

// Gemv is [Gemv].
func (l Lanes) Gemv(m, n int, alpha float64, a, x, y []float64) {
	l.vector(m*n, a)
	l.vector(n, x)
	l.vector(m, y)
	if n > 0 {
		gemvLanes(l, m, n, alpha, a, x, y)
	}
}

// GemvT is [GemvT].
func (l Lanes) GemvT(m, n int, alpha float64, a, x, y []float64) {
	l.vector(m*n, a)
	l.vector(m, x)
	l.vector(n, y)
	gemvTLanes(l, m, n, alpha, a, x, y)
}

// Dot is [Dot].
func (l Lanes) Dot(x, y, out []float64) {
	l.vector(1, out)
	dotLanes(l, l.vectors(x, y), x, y, out)
}

// NormInf is [NormInf].
func (l Lanes) NormInf(x, out []float64) {
	l.vector(1, out)
	normInfLanes(l, l.vectors(x), x, out)
}

// Violation is [Violation].
func (l Lanes) Violation(sign float64, c, side, out []float64) {
	l.vector(1, out)
	violationLanes(l, l.vectors(c, side), sign, c, side, out)
}

// SideSum is [SideSum].
func (l Lanes) SideSum(lam, lo, up, sum, abs []float64) {
	l.vector(1, sum)
	l.vector(1, abs)
	sideSumLanes(l, l.vectors(lam, lo, up), lam, lo, up, sum, abs)
}

// MaxStep is [MaxStep], of alpha and into it.
func (l Lanes) MaxStep(alpha, v, dv []float64) {
	l.vector(1, alpha)
	maxStepLanes(l, l.vectors(v, dv), alpha, v, dv)
}

// ShiftedDot is [ShiftedDot].
func (l Lanes) ShiftedDot(p, s, ds, d, m, dm, out []float64) {
	l.vector(1, p)
	l.vector(1, d)
	l.vector(1, out)
	shiftedDotLanes(l, l.vectors(s, ds, m, dm), p, s, ds, d, m, dm, out)
}

// Axpy is [Axpy].
func (l Lanes) Axpy(alpha, x, y []float64) {
	l.vector(1, alpha)
	axpyLanes(l, l.vectors(x, y), alpha, x, y)
}

// Complementarity is [Complementarity].
func (l Lanes) Complementarity(target, s, m, r, on, ds, dm, q, h []float64) {
	l.vector(1, target)
	n := l.vectors(s, m, r, on, q, h)
	if ds != nil {
		l.vectors(s, ds, dm)
	}
	complementarityLanes(l, n, target, s, m, r, on, ds, dm, q, h)
}

// Select sets y to x in the lanes where mask is not 0.
func (l Lanes) Select(mask, x, y []float64) {
	l.vector(1, mask)
	selectLanes(l, l.vectors(x, y), mask, x, y)
}
