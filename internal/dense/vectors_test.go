package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

func naiveDot(set kernelSet, x, y []float64) float64 {
	var s [4]float64
	for i, v := range x {
		s[i%4] = set.fma(v, y[i], s[i%4])
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// poisoned returns a copy of x with NaN after its end.
func poisoned(x []float64) []float64 {
	y := append([]float64(nil), x...)
	for range guard {
		y = append(y, math.NaN())
	}
	return y[:len(x)]
}

func checkPoison(t *testing.T, what string, x []float64) {
	t.Helper()
	for _, v := range x[len(x) : len(x)+guard] {
		if !math.IsNaN(v) {
			t.Fatalf("%s: wrote after the end", what)
		}
	}
}

func TestGemv(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(20, 1))
		for _, m := range sizes() {
			for _, n := range sizes() {
				what := fmt.Sprintf("m=%d n=%d", m, n)
				a := randomMatrix(r, m, n)
				x, y := poisoned(randomVector(r, n)), poisoned(randomVector(r, m))
				want, gonum := append([]float64(nil), y...), append([]float64(nil), y...)
				for i := range m {
					want[i] = set.fma(0.7, naiveDot(set, a.a[i*a.ld:][:n], x), want[i])
				}
				clean := a.clone()
				a.poisonPadding()
				Gemv(m, n, 0.7, a.a, a.ld, x, y)
				set.compareVector(t, what, y, want, float64(n+1))
				checkPoison(t, what, y)

				z := poisoned(randomVector(r, n))
				wantT, gonumT := append([]float64(nil), z...), append([]float64(nil), z...)
				for k := range m {
					w := 0.7 * want[k]
					for j := range n {
						wantT[j] = set.fma(w, a.at(k, j), wantT[j])
					}
				}
				GemvT(m, n, 0.7, a.a, a.ld, want, z)
				set.compareVector(t, what+" transposed", z, wantT, float64(m+1))
				checkPoison(t, what, z)
				if m == 0 || n == 0 {
					continue
				}
				blas64.Gemv(blas.NoTrans, 0.7, clean.general(), vector(x), 1, vector(gonum))
				blas64.Gemv(blas.Trans, 0.7, clean.general(), vector(want), 1, vector(gonumT))
				for i := range m {
					near(t, what, y[i], gonum[i], float64(n))
				}
				for j := range n {
					near(t, what+" transposed", z[j], gonumT[j], float64(m))
				}
			}
		}
	})
}

func vector(x []float64) blas64.Vector { return blas64.Vector{N: len(x), Inc: 1, Data: x} }

func TestTransposeAndCopy(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(22, 1))
		for _, m := range sizes() {
			for _, n := range sizes() {
				a, b, c := randomMatrix(r, m, n), newMatrix(n, m), newMatrix(m, n)
				plain := make([]float64, m*n)
				Copy(m, n, a.a, a.ld, plain, n)
				Copy(m, n, plain, n, c.a, c.ld)
				Transpose(m, n, plain, n, b.a, b.ld)
				b.checkGuards(t, "Transpose")
				c.checkGuards(t, "Copy")
				for i := range m {
					for j := range n {
						if c.at(i, j) != a.at(i, j) {
							t.Fatalf("Copy m=%d n=%d: (%d, %d) differs", m, n, i, j)
						}
						if b.at(j, i) != a.at(i, j) {
							t.Fatalf("Transpose m=%d n=%d: (%d, %d) differs", m, n, i, j)
						}
					}
				}
			}
		}
	})
}

func TestDotAxpy(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(23, 1))
		for n := range 140 {
			x, y := poisoned(randomVector(r, n)), poisoned(randomVector(r, n))
			what := fmt.Sprintf("n=%d", n)
			set.compareVector(t, what+" Dot", []float64{Dot(x, y)}, []float64{naiveDot(set, x, y)}, float64(n+1))
			want := append([]float64(nil), y...)
			for i, v := range x {
				want[i] = set.fma(0.9, v, want[i])
			}
			Axpy(0.9, x, y)
			set.compareVector(t, what+" Axpy", y, want, 1)
			checkPoison(t, what, y)
		}
	})
}

func TestNormInf(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(24, 1))
		for n := range 70 {
			x := poisoned(randomVector(r, n))
			want := 0.0
			for _, v := range x {
				want = max(want, math.Abs(v))
			}
			if got := NormInf(x); got != want {
				t.Fatalf("n=%d: %v, want %v", n, got, want)
			}
			for i := range x {
				for _, special := range []float64{math.NaN(), math.Inf(-1), -1e300} {
					y := append([]float64(nil), x...)
					y[i] = special
					if got := NormInf(y); !sameBits(got, math.Abs(special)) && !(math.IsNaN(special) && math.IsNaN(got)) {
						t.Fatalf("n=%d with %v at %d: %v", n, special, i, got)
					}
				}
			}
		}
		if got := NormInf([]float64{math.Inf(1), math.NaN(), math.Inf(1)}); !math.IsNaN(got) {
			t.Errorf("NaN among infinities: %v", got)
		}
	})
}

func TestNorm2(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(25, 1))
		for n := range 70 {
			x := poisoned(randomVector(r, n))
			want := math.Sqrt(naiveDot(set, x, x))
			set.compareVector(t, fmt.Sprintf("n=%d", n), []float64{Norm2(x)}, []float64{want}, want)
			if n == 0 {
				continue
			}
			for _, e := range []int{-1070, -1022, -600, -500, 500, 700, 1020} {
				y := make([]float64, n)
				for i := range y {
					y[i] = math.Ldexp(math.Ldexp(x[i], 0), e)
				}
				// Undo the scaling of the entries as they were rounded.
				back := make([]float64, n)
				for i := range y {
					back[i] = math.Ldexp(y[i], -e)
				}
				want := math.Ldexp(math.Sqrt(naiveDot(set, back, back)), e)
				got := Norm2(y)
				if !(math.Abs(got-want) <= 4e-16*want+math.SmallestNonzeroFloat64) && got != want {
					t.Fatalf("n=%d at 2^%d: %v, want %v", n, e, got, want)
				}
			}
		}
		for _, c := range []struct {
			x    []float64
			want float64
		}{
			{nil, 0},
			{[]float64{0, 0, 0}, 0},
			{[]float64{3e300, 4e300}, 5e300},
			{[]float64{3e-320, -4e-320}, 5e-320},
			{[]float64{1e-300, 1}, 1},
			{[]float64{1, math.Inf(-1)}, math.Inf(1)},
			{[]float64{math.MaxFloat64, 0}, math.MaxFloat64},
			{[]float64{math.SmallestNonzeroFloat64}, math.SmallestNonzeroFloat64},
		} {
			if got := Norm2(c.x); !(math.Abs(got-c.want) <= 1e-15*c.want+2e-323) && got != c.want {
				t.Errorf("Norm2(%v) = %v, want %v", c.x, got, c.want)
			}
		}
		if got := Norm2([]float64{math.Inf(1), math.NaN()}); !math.IsNaN(got) {
			t.Errorf("Norm2 with NaN = %v", got)
		}
	})
}
