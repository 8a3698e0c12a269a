package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

// positive returns a well-conditioned positive definite matrix of order n.
func positive(r *rand.Rand, n int) matrix {
	b, a := randomMatrix(r, n, n), newMatrix(n, n)
	for i := range n {
		for j := range n {
			s := 0.0
			for k := range n {
				s += b.at(k, min(i, j)) * b.at(k, max(i, j))
			}
			a.a[i*a.ld+j] = s
		}
		a.a[i*a.ld+i] += float64(n)/8 + 1
	}
	return a
}

// naiveCholesky is the loop in the documentation of Cholesky.
func naiveCholesky(set kernelSet, a matrix, inv []float64, pivot func(int, float64) float64) int {
	put := func(i, j int, v float64) { a.a[i*a.ld+j] = v }
	for i := range a.n {
		first := i &^ 3
		last := min(first+4, a.n)
		if i == first {
			for p := first; p < last; p++ {
				for j := p; j < a.n; j++ {
					for l := range first {
						put(p, j, set.fma(-a.at(l, p), a.at(l, j), a.at(p, j)))
					}
				}
			}
		}
		d := a.at(i, i)
		if pivot != nil {
			d = pivot(i, d)
		}
		e := 1 / d
		if !(0 < e && e < math.Inf(1)) {
			return i
		}
		for p := i + 1; p < last; p++ {
			m := a.at(i, p) * e
			for j := p; j < last; j++ {
				put(p, j, set.fma(-m, a.at(i, j), a.at(p, j)))
			}
		}
		inv[i] = math.Sqrt(e)
		put(i, i, d)
		for j := i; j < a.n; j++ {
			put(i, j, a.at(i, j)*inv[i])
		}
		for p := i + 1; p < last; p++ {
			for j := last; j < a.n; j++ {
				put(p, j, set.fma(-a.at(i, p), a.at(i, j), a.at(p, j)))
			}
		}
	}
	return -1
}

func TestCholesky(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(6, 1))
		for _, n := range orders() {
			what := fmt.Sprintf("n=%d", n)
			a := positive(r, n)
			u, want := a.clone().poisonLower(), a.clone()
			inv, wantInv := make([]float64, n), make([]float64, n)
			naiveCholesky(set, want, wantInv, nil)
			if p := Cholesky(n, u.a, u.ld, inv, nil); p != -1 {
				t.Fatalf("%s: failed at pivot %d", what, p)
			}
			set.compare(t, what, u, want, true, float64(n))
			set.compareVector(t, what+" inv", inv, wantInv, float64(n))
			if n == 0 {
				continue
			}
			var c mat.Cholesky
			if !c.Factorize(mat.NewSymDense(n, unpadded(a))) {
				t.Fatal("gonum found no factor")
			}
			var g mat.TriDense
			c.UTo(&g)
			for i := range n {
				for j := i; j < n; j++ {
					near(t, fmt.Sprintf("%s u(%d, %d)", what, i, j), u.at(i, j), g.At(i, j), float64(n))
				}
			}
		}
	})
}

// unpadded returns the entries of x without padding.
func unpadded(x matrix) []float64 {
	s := make([]float64, x.m*x.n)
	Copy(x.m, x.n, x.a, x.ld, s, max(x.n, 1))
	return s
}

func TestCholeskyLeadingBlockKeepsItsBits(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		const n = 41
		a := positive(rand.New(rand.NewPCG(7, 1)), n)
		full, inv := a.clone(), make([]float64, n)
		Cholesky(n, full.a, full.ld, inv, nil)
		for p := range n {
			part := a.top(p, p)
			Cholesky(p, part.a, part.ld, inv, nil)
			for i := range p {
				for j := i; j < p; j++ {
					if !sameBits(part.at(i, j), full.at(i, j)) {
						t.Fatalf("factor of order %d: (%d, %d) differs", p, i, j)
					}
				}
			}
		}
	})
}

func TestCholeskyStopsAtBadPivot(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(8, 1))
		for _, n := range []int{1, 3, 4, 5, 8, 11, 33, 67} {
			good := positive(r, n)
			for p := range n {
				for _, bad := range []float64{-1e6, math.NaN(), math.Inf(1), math.Inf(-1)} {
					a := good.clone()
					a.a[p*a.ld+p] = bad
					if got := Cholesky(n, a.a, a.ld, make([]float64, n), nil); got != p {
						t.Fatalf("n=%d: pivot %d is %v, but %d was reported", n, p, bad, got)
					}
					a.checkGuards(t, "failed factorization")
				}
			}
		}
		for _, tiny := range []float64{math.SmallestNonzeroFloat64, 0x1p-1024, math.Copysign(0, -1)} {
			a := positive(r, 6)
			a.a[0] = tiny // its reciprocal overflows
			if got := Cholesky(6, a.a, a.ld, make([]float64, 6), nil); got != 0 {
				t.Errorf("pivot %v: reported %d", tiny, got)
			}
		}
		zero := newMatrix(5, 5)
		if got := Cholesky(5, zero.a, zero.ld, make([]float64, 5), nil); got != 0 {
			t.Errorf("zero matrix: reported %d", got)
		}
	})
}

// TestCholeskyHookKeepsTheBits gives a hook that changes nothing.
func TestCholeskyHookKeepsTheBits(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(12, 1))
		for _, n := range orders() {
			a := positive(r, n)
			b, inv, inv2 := a.clone(), make([]float64, n), make([]float64, n)
			Cholesky(n, a.a, a.ld, inv, nil)
			Cholesky(n, b.a, b.ld, inv2, func(_ int, d float64) float64 { return d })
			b.checkGuards(t, "hook")
			for i := range n {
				if !sameBits(inv[i], inv2[i]) {
					t.Fatalf("n=%d: inv[%d] differs", n, i)
				}
				for j := i; j < n; j++ {
					if !sameBits(a.at(i, j), b.at(i, j)) {
						t.Fatalf("n=%d: (%d, %d) differs", n, i, j)
					}
				}
			}
		}
	})
}

func TestCholeskyPivotHook(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(9, 1))
		for _, n := range []int{1, 4, 6, 17, 40, 67} {
			a := positive(r, n)
			// An indefinite matrix, which only the hook makes factorable.
			a.a[(n/2)*a.ld+n/2] = -3
			record := func(log *[]float64) func(int, float64) float64 {
				return func(i int, d float64) float64 {
					if i != len(*log) {
						t.Fatalf("n=%d: pivot %d came after %d others", n, i, len(*log))
					}
					*log = append(*log, d)
					if d < 1 {
						return 1e3
					}
					return d
				}
			}
			var got, want []float64
			u, ref, inv := a.clone(), a.clone(), make([]float64, n)
			naiveCholesky(set, ref, make([]float64, n), record(&want))
			if p := Cholesky(n, u.a, u.ld, inv, record(&got)); p != -1 {
				t.Fatalf("n=%d: failed at %d", n, p)
			}
			if len(got) != n {
				t.Fatalf("n=%d: %d pivots", n, len(got))
			}
			set.compareVector(t, "pivots", got, want, 1e3)
			set.compare(t, "factor", u, ref, true, 1e3)

			if p := Cholesky(n, a.clone().a, a.ld, inv, func(i int, d float64) float64 {
				if i == n-1 {
					return 0
				}
				return 1
			}); p != n-1 {
				t.Fatalf("n=%d: the hook refused pivot %d, but %d was reported", n, n-1, p)
			}
		}
	})
}

// naiveSolveU is the loop in the documentation of SolveU.
func naiveSolveU(set kernelSet, u matrix, inv, x []float64) {
	n := len(x)
	for i := n - 1; i >= 0; i-- {
		near := min(i&^3+8, n)
		var s [4]float64
		for j := n - 1; j >= near; j-- {
			s[j%4] = set.fma(u.at(i, j), x[j], s[j%4])
		}
		r := x[i] - ((s[0] + s[1]) + (s[2] + s[3]))
		for j := near - 1; j > i; j-- {
			r = set.fma(-u.at(i, j), x[j], r)
		}
		x[i] = r * inv[i]
	}
}

func TestSolve(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(10, 1))
		for _, n := range orders() {
			u, inv := positive(r, n), make([]float64, n)
			Cholesky(n, u.a, u.ld, inv, nil)
			u.poisonLower().poisonPadding()
			what := fmt.Sprintf("n=%d", n)

			x := poisoned(randomVector(r, n))
			want := append([]float64(nil), x...)
			check := append([]float64(nil), x...)
			for i := range n {
				s := want[i]
				for j := range i {
					s = set.fma(-u.at(j, i), want[j], s)
				}
				want[i] = s * inv[i]
			}
			SolveUT(n, u.a, u.ld, inv, x)
			set.compareVector(t, what+" SolveUT", x, want, float64(n))
			checkPoison(t, what, x)
			naiveSolveU(set, u, inv, want)
			SolveU(n, u.a, u.ld, inv, x)
			set.compareVector(t, what+" SolveU", x, want, float64(n))
			checkPoison(t, what, x)

			if n == 0 {
				continue
			}
			tri := blas64.Triangular{Uplo: blas.Upper, Diag: blas.NonUnit, N: n, Stride: u.ld, Data: u.a}
			blas64.Trsv(blas.Trans, tri, blas64.Vector{N: n, Inc: 1, Data: check})
			blas64.Trsv(blas.NoTrans, tri, blas64.Vector{N: n, Inc: 1, Data: check})
			for i := range n {
				near(t, fmt.Sprintf("%s x[%d]", what, i), x[i], check[i], 1)
			}
		}
	})
}

func TestSolveUTMany(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(11, 1))
		for _, n := range orders() {
			u, inv := positive(r, n), make([]float64, n)
			Cholesky(n, u.a, u.ld, inv, nil)
			u.poisonLower()
			for _, cols := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 17, 33, 64, 67, n, 257} {
				what := fmt.Sprintf("n=%d r=%d", n, cols)
				x, xT, want := randomMatrix(r, n, cols), newMatrix(cols, n), newMatrix(n, cols)
				Transpose(n, cols, x.a, x.ld, xT.a, xT.ld)
				for j := range cols {
					SolveUT(n, u.a, u.ld, inv, xT.a[j*xT.ld:][:n])
				}
				Transpose(cols, n, xT.a, xT.ld, want.a, want.ld)
				SolveUTMany(n, cols, u.a, u.ld, inv, x.a, x.ld)
				set.compare(t, what, x, want, false, float64(n))
			}
		}
	})
}
