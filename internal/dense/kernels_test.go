package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

// A kernelSet is one choice of kernels; use selects it until the returned
// function is called. An exact one matches the loops in the documentation bit
// for bit, a fused one with one rounding for a product and the sum it enters;
// others match to rounding.
type kernelSet struct {
	name         string
	exact, fused bool
	use          func() (restore func())
}

// fma is x·y + z as the kernels round it.
func (s kernelSet) fma(x, y, z float64) float64 {
	if s.fused {
		return math.FMA(x, y, z)
	}
	return x*y + z
}

// fuses reports whether the compiler rounds x*y+z only once: then the loops
// in the tests and in the kernels need not agree in the last bit.
func fuses() bool {
	x := []float64{1, 0, 0, 0, 1 + 0x1p-30, 0, 0, 0}
	y := []float64{-1, 0, 0, 0, 1 - 0x1p-30, 0, 0, 0}
	var t tile2
	dot2x4(2, unsafe.Pointer(&x[0]), 32, 0, unsafe.Pointer(&y[0]), 32, &t)
	return t[0] != 0
}

// forEachKernel runs test once for each kernel set that this machine offers.
func forEachKernel(t *testing.T, test func(t *testing.T, set kernelSet)) {
	for _, set := range kernelSets() {
		t.Run(set.name, func(t *testing.T) {
			defer set.use()()
			test(t, set)
		})
	}
}

// matrix is m×n, padded, with NaN before the first row and after the last.
type matrix struct {
	m, n, ld int
	a        []float64
	all      []float64
}

const guard = 32

func newMatrix(m, n int) matrix {
	ld := Stride(n) + 8*(m%2) // any room beyond the padding is legal
	x := matrix{m: m, n: n, ld: ld, all: Alloc(m*ld + 2*guard)}
	for i := range guard {
		x.all[i], x.all[len(x.all)-1-i] = math.NaN(), math.NaN()
	}
	x.a = x.all[guard : guard+m*ld]
	return x
}

func randomMatrix(r *rand.Rand, m, n int) matrix {
	x := newMatrix(m, n)
	for i := range m {
		for j := range n {
			x.a[i*x.ld+j] = 2*r.Float64() - 1
		}
	}
	return x
}

func (x matrix) at(i, j int) float64 { return x.a[i*x.ld+j] }

func (x matrix) clone() matrix {
	y := newMatrix(x.m, x.n)
	copy(y.a, x.a)
	return y
}

// top returns a copy of the first m rows and n columns.
func (x matrix) top(m, n int) matrix {
	y := newMatrix(m, n)
	Copy(m, n, x.a, x.ld, y.a, y.ld)
	return y
}

// poisonLower puts NaN below the diagonal.
func (x matrix) poisonLower() matrix {
	for i := range x.m {
		for j := range min(i, x.n) {
			x.a[i*x.ld+j] = math.NaN()
		}
	}
	return x
}

// poisonPadding puts NaN behind the last column, as a NaN among the data of
// another operation might.
func (x matrix) poisonPadding() matrix {
	for i := range x.m {
		for j := x.n; j < x.ld; j++ {
			x.a[i*x.ld+j] = math.NaN()
		}
	}
	return x
}

// checkGuards reports writes around the matrix and anything but zeros in its
// padding.
func (x matrix) checkGuards(t *testing.T, what string) {
	t.Helper()
	for i := range guard {
		if !math.IsNaN(x.all[i]) || !math.IsNaN(x.all[len(x.all)-1-i]) {
			t.Fatalf("%s: wrote outside the matrix", what)
		}
	}
	for i := range x.m {
		for j := x.n; j < x.ld; j++ {
			if x.at(i, j) != 0 {
				t.Fatalf("%s: padding (%d, %d) = %v", what, i, j, x.at(i, j))
			}
		}
	}
}

func (x matrix) general() blas64.General {
	return blas64.General{Rows: x.m, Cols: x.n, Stride: x.ld, Data: x.a}
}

func randomVector(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = 2*r.Float64() - 1
	}
	return x
}

func sameBits(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) }

// equal compares as the kernel set promises: bits, or rounding on the scale
// of the data.
func (s kernelSet) equal(got, want, scale float64) bool {
	if s.exact {
		return sameBits(got, want)
	}
	return math.Abs(got-want) <= 1e-14*scale
}

// compare compares two matrices, from the diagonal on if upper.
func (s kernelSet) compare(t *testing.T, what string, got, want matrix, upper bool, scale float64) {
	t.Helper()
	got.checkGuards(t, what)
	for i := range want.m {
		j := 0
		if upper {
			j = i
		}
		for ; j < want.n; j++ {
			if !s.equal(got.at(i, j), want.at(i, j), scale) {
				t.Fatalf("%s: (%d, %d) = %v, want %v", what, i, j, got.at(i, j), want.at(i, j))
			}
		}
	}
}

func (s kernelSet) compareVector(t *testing.T, what string, got, want []float64, scale float64) {
	t.Helper()
	for i := range want {
		if !s.equal(got[i], want[i], scale) {
			t.Fatalf("%s: [%d] = %v, want %v", what, i, got[i], want[i])
		}
	}
}

// near fails unless got and want agree to a relative 1e-11 or so: it compares
// with an independent implementation.
func near(t *testing.T, what string, got, want, scale float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-11*(1+scale)) {
		t.Fatalf("%s = %v, want %v", what, got, want)
	}
}

// orders are all small ones and some around and above the tiles and the sizes
// at which kernels change.
func orders() []int {
	var s []int
	for n := range 71 {
		s = append(s, n)
	}
	return append(s, 95, 100, 129, 191, 200, 257, 301)
}

// sizes are fewer, for tests that combine them.
func sizes() []int {
	var s []int
	for n := range 21 {
		s = append(s, n)
	}
	return append(s, 33, 64, 67, 100, 129)
}

// shapes calls f for every triple of small sizes and for larger ones.
func shapes(f func(m, n, k int)) {
	const small = 18
	for m := range small {
		for n := range small {
			for k := range small {
				f(m, n, k)
			}
		}
	}
	for _, s := range [][3]int{
		{33, 64, 67}, {67, 33, 64}, {64, 64, 64}, {100, 100, 100}, {1, 129, 67},
		{129, 1, 33}, {67, 67, 1}, {129, 67, 100}, {66, 65, 129}, {35, 30, 41},
		{193, 207, 50}, {301, 195, 33}, {200, 257, 301}, {20, 170, 700},
	} {
		f(s[0], s[1], s[2])
	}
	for n := small; n <= 70; n++ {
		f(n, n, n)
		f(n, 71-n, n+3)
	}
}

func TestGemmTN(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(1, 1))
		shapes(func(m, n, k int) {
			a, b, c := randomMatrix(r, k, m), randomMatrix(r, k, n), randomMatrix(r, m, n)
			alpha := []float64{1, -1, 0.7}[(m+n+k)%3]
			want := c.clone()
			for i := range m {
				for j := range n {
					s := 0.0
					for l := range k {
						s = set.fma(a.at(l, i), b.at(l, j), s)
					}
					want.a[i*want.ld+j] = set.fma(alpha, s, want.at(i, j))
				}
			}
			if k == 0 {
				want = c.clone()
			}
			GemmTN(m, n, k, alpha, a.a, a.ld, b.a, b.ld, c.a, c.ld)
			set.compare(t, fmt.Sprintf("m=%d n=%d k=%d", m, n, k), c, want, false, float64(k+1))
		})
	})
}

func TestSyrk(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(3, 1))
		for _, n := range orders() {
			for _, m := range []int{0, 1, 2, 3, 4, 5, 8, 13, 33, 64, n, n + 3} {
				if n > 70 && m != 5 && m != n+3 {
					continue
				}
				for _, scaled := range []bool{false, true} {
					a, c := randomMatrix(r, m, n), randomMatrix(r, n, n)
					var d, work []float64
					if scaled {
						d, work = randomVector(r, m), make([]float64, SyrkWork(m))
						for i := range work {
							work[i] = math.NaN()
						}
					}
					want, before := c.clone(), c.clone()
					for i := range n {
						for j := i; j < n; j++ {
							s := 0.0
							for k := range m {
								x := a.at(k, i)
								if scaled {
									x *= d[k]
								}
								s = set.fma(x, a.at(k, j), s)
							}
							if m > 0 {
								want.a[i*want.ld+j] += s
							}
						}
					}
					Syrk(n, m, a.a, a.ld, d, c.a, c.ld, work)
					what := fmt.Sprintf("n=%d m=%d scaled=%v", n, m, scaled)
					set.compare(t, what, c, want, true, float64(m+1))
					for i := range n {
						for j := range i &^ 7 {
							if !sameBits(c.at(i, j), before.at(i, j)) {
								t.Fatalf("%s: wrote below the diagonal blocks, at (%d, %d)", what, i, j)
							}
						}
					}
				}
			}
		}
	})
}

func TestProductsAgainstGonum(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(4, 1))
		for _, n := range []int{1, 7, 33, 64, 67, 100, 129} {
			m, k := n+3, n+5
			a, b, c := randomMatrix(r, k, m), randomMatrix(r, k, n), randomMatrix(r, m, n)
			want := c.clone()
			blas64.Gemm(blas.Trans, blas.NoTrans, 0.3, a.general(), b.general(), 1, want.general())
			GemmTN(m, n, k, 0.3, a.a, a.ld, b.a, b.ld, c.a, c.ld)
			nearMatrix(t, "GemmTN", c, want)
		}
	})
}

func nearMatrix(t *testing.T, what string, got, want matrix) {
	t.Helper()
	for i := range want.m {
		for j := range want.n {
			near(t, fmt.Sprintf("%s (%d, %d)", what, i, j), got.at(i, j), want.at(i, j), math.Abs(want.at(i, j)))
		}
	}
}

// TestEntriesDoNotDependOnPosition computes products of the leading rows and
// columns, and of a matrix whose rows and columns are moved, and expects the
// bits of the large product.
func TestEntriesDoNotDependOnPosition(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		const n, k = 37, 45
		r := rand.New(rand.NewPCG(5, 1))
		a, b, d := randomMatrix(r, k, n), randomMatrix(r, k, n), randomVector(r, k)
		product := func(a, b matrix) matrix {
			c := newMatrix(a.n, b.n)
			GemmTN(a.n, b.n, k, 1.5, a.a, a.ld, b.a, b.ld, c.a, c.ld)
			return c
		}
		square := func(a matrix) matrix {
			c := newMatrix(a.n, a.n)
			Syrk(a.n, k, a.a, a.ld, d, c.a, c.ld, make([]float64, SyrkWork(k)))
			return c
		}
		full, fullSquare := product(a, b), square(a)
		for p := 1; p < n; p++ {
			// Columns p to n become columns 0 to n-p.
			sa, sb := newMatrix(k, n-p), newMatrix(k, n-p)
			Copy(k, n-p, a.a[p:], a.ld, sa.a, sa.ld)
			Copy(k, n-p, b.a[p:], b.ld, sb.a, sb.ld)
			part, partSquare := product(sa, sb), square(sa)
			small, smallSquare := product(a.top(k, p), b.top(k, p)), square(a.top(k, p))
			for i := range n - p {
				for j := range n - p {
					if !sameBits(part.at(i, j), full.at(i+p, j+p)) {
						t.Fatalf("GemmTN: (%d, %d) changed when moved by %d", i+p, j+p, p)
					}
					if j >= i && !sameBits(partSquare.at(i, j), fullSquare.at(i+p, j+p)) {
						t.Fatalf("Syrk: (%d, %d) changed when moved by %d", i+p, j+p, p)
					}
				}
			}
			for i := range p {
				for j := range p {
					if !sameBits(small.at(i, j), full.at(i, j)) {
						t.Fatalf("GemmTN: (%d, %d) depends on n", i, j)
					}
					if j >= i && !sameBits(smallSquare.at(i, j), fullSquare.at(i, j)) {
						t.Fatalf("Syrk: (%d, %d) depends on n", i, j)
					}
				}
			}
		}
	})
}
