package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// unaligned is a copy of x, one element off the alignment of Alloc, between
// NaNs.
func unaligned(x []float64) []float64 {
	y := Alloc(len(x) + 2*guard + 1)
	for i := range y {
		y[i] = math.NaN()
	}
	copy(y[guard+1:], x)
	return y[guard+1:][:len(x):len(x)]
}

// run is every operation on one set of data; it returns all that they write.
// The scale reaches down to the denormals.
func run(n, m int, scale float64, place func([]float64) []float64) map[string][]float64 {
	r := rand.New(rand.NewPCG(uint64(n), uint64(m)))
	data := func(rows, columns int) matrix {
		x := randomMatrix(r, rows, columns)
		for i := range x.a {
			x.a[i] *= scale
		}
		x.a = place(x.a)
		return x
	}
	vec := func(n int) []float64 {
		x := randomVector(r, n)
		for i := range x {
			x[i] *= scale
		}
		return place(x)
	}
	out := map[string][]float64{}
	a, b, sq, prod := data(m, n), data(m, n+3), data(n, n), data(n, n+3)
	work := place(make([]float64, SyrkWork(m)))
	Syrk(n, m, a.a, a.ld, vec(m), sq.a, sq.ld, work)
	for i := range n { // below the diagonal it is not specified
		clear(sq.a[i*sq.ld : i*sq.ld+i])
	}
	out["Syrk"] = sq.a
	GemmTN(n, n+3, m, 0.3, a.a, a.ld, b.a, b.ld, prod.a, prod.ld)
	out["GemmTN"] = prod.a

	u, inv := positive(r, n), place(make([]float64, n))
	u.a = place(u.a)
	Cholesky(n, u.a, u.ld, inv, nil)
	for i := range n {
		clear(u.a[i*u.ld : i*u.ld+i])
	}
	out["Cholesky"], out["inv"] = u.a, inv
	x, y, many := vec(n), vec(n), data(n, m)
	SolveUT(n, u.a, u.ld, inv, x)
	SolveU(n, u.a, u.ld, inv, y)
	SolveUTMany(n, m, u.a, u.ld, inv, many.a, many.ld)
	out["SolveUT"], out["SolveU"], out["SolveUTMany"] = x, y, many.a

	z, w, v := vec(m), vec(n), vec(n)
	Gemv(m, n, 0.7, a.a, a.ld, x, z)
	GemvT(m, n, 0.7, a.a, a.ld, z, w)
	Axpy(0.3, x, v)
	out["Gemv"], out["GemvT"], out["Axpy"] = z, w, v
	out["Dot"] = []float64{Dot(v, w), NormInf(v), Norm2(v)}
	t := data(n, m)
	Transpose(m, n, a.a, a.ld, t.a, t.ld)
	out["Transpose"] = t.a
	return out
}

// compareRuns compares bit by bit; NaN equals NaN.
func compareRuns(t *testing.T, what string, got, want map[string][]float64) {
	t.Helper()
	for name, w := range want {
		for i, v := range got[name] {
			if !sameBits(v, w[i]) && !(math.IsNaN(v) && math.IsNaN(w[i])) {
				t.Fatalf("%s: %s[%d] = %v, want %v", what, name, i, v, w[i])
			}
		}
	}
}

var positionShapes = [][2]int{{1, 1}, {3, 5}, {4, 4}, {7, 9}, {8, 16}, {13, 6}, {17, 30}, {33, 20}, {50, 41}, {70, 67}, {131, 140}}

// TestAlignmentDoesNotMatter moves all data off the cache lines.
func TestAlignmentDoesNotMatter(t *testing.T) {
	forEachKernel(t, func(t *testing.T, _ kernelSet) {
		for _, s := range positionShapes {
			same := func(x []float64) []float64 { return x }
			compareRuns(t, fmt.Sprintf("n=%d m=%d", s[0], s[1]), run(s[0], s[1], 1, unaligned), run(s[0], s[1], 1, same))
		}
	})
}

// TestFusedSetsAgree compares the families of kernels in assembly with each
// other, down to denormal numbers and up to overflow.
func TestFusedSetsAgree(t *testing.T) {
	var sets []kernelSet
	for _, s := range kernelSets() {
		if s.fused {
			sets = append(sets, s)
		}
	}
	if len(sets) < 2 {
		t.Skip("one family at most")
	}
	with := func(set kernelSet, s [2]int, scale float64) map[string][]float64 {
		defer set.use()()
		return run(s[0], s[1], scale, unaligned)
	}
	for _, s := range positionShapes {
		for _, scale := range []float64{1, 0x1p-530, 0x1p-1060, 0x1p512} {
			want := with(sets[0], s, scale)
			for _, set := range sets[1:] {
				compareRuns(t, fmt.Sprintf("%s n=%d m=%d scale %g", set.name, s[0], s[1], scale), with(set, s, scale), want)
			}
		}
	}
}

// TestSpecialValues sends NaN, infinities, zeros of both signs and denormals
// through products and solves, with NaN in the padding, and compares with the
// loops of the documentation.
func TestSpecialValues(t *testing.T) {
	special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1),
		math.SmallestNonzeroFloat64, -0x1p-1060, 1e-200, -1e-200, 1e300}
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		if !set.exact {
			t.Skip("the compiler chooses the rounding")
		}
		r := rand.New(rand.NewPCG(31, 1))
		fill := func(x []float64) []float64 {
			for i := range x {
				if r.IntN(3) == 0 {
					x[i] = special[r.IntN(len(special))]
				}
			}
			return x
		}
		same := func(what string, got, want float64) {
			t.Helper()
			if !sameBits(got, want) && !(math.IsNaN(got) && math.IsNaN(want)) {
				t.Fatalf("%s = %v, want %v", what, got, want)
			}
		}
		for _, n := range []int{1, 2, 3, 4, 5, 7, 9, 14, 19, 26} {
			for range 20 {
				a := randomMatrix(r, n, n)
				for i := range n {
					row := a.a[i*a.ld : i*a.ld+n]
					if r.IntN(4) == 0 {
						fill(row)
					} else {
						row[r.IntN(n)] = special[3+r.IntN(6)] // finite
					}
				}
				a.poisonPadding()
				x, y := fill(randomVector(r, n)), fill(randomVector(r, n))
				got := append([]float64(nil), y...)
				Gemv(n, n, 0.7, a.a, a.ld, x, got)
				for i := range n {
					same(fmt.Sprintf("n=%d Gemv[%d]", n, i), got[i], set.fma(0.7, naiveDot(set, a.a[i*a.ld:][:n], x), y[i]))
				}
				same(fmt.Sprintf("n=%d Dot", n), Dot(x, y), naiveDot(set, x, y))

				copy(got, y)
				SolveU(n, a.a, a.ld, x, got)
				naiveSolveU(set, a, x, y)
				for i := range n {
					same(fmt.Sprintf("n=%d SolveU[%d]", n, i), got[i], y[i])
				}
				c, b := newMatrix(n, n), a.top(n, n)
				GemmTN(n, n, n, 1, a.a, a.ld, b.a, b.ld, c.a, c.ld)
				for i := range n {
					for j := range n {
						s := 0.0
						for k := range n {
							s = set.fma(a.at(k, i), b.at(k, j), s)
						}
						same(fmt.Sprintf("n=%d GemmTN(%d, %d)", n, i, j), c.at(i, j), set.fma(1, s, 0))
					}
				}
			}
		}
	})
}
