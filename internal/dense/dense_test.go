package dense

import (
	"math/rand/v2"
	"testing"
	"unsafe"
)

func TestStride(t *testing.T) {
	for _, c := range [][2]int{{0, 0}, {1, 8}, {8, 8}, {9, 16}, {63, 64}, {64, 72}, {65, 72}, {72, 72}, {73, 88}, {100, 104}, {128, 136}} {
		if got := Stride(c[0]); got != c[1] {
			t.Errorf("Stride(%d) = %d, want %d", c[0], got, c[1])
		}
	}
}

func TestAlloc(t *testing.T) {
	for n := range 100 {
		x := Alloc(n)
		if len(x) != n || cap(x) != n {
			t.Fatalf("Alloc(%d): length %d, capacity %d", n, len(x), cap(x))
		}
		if n > 0 && uintptr(unsafe.Pointer(&x[0]))%64 != 0 {
			t.Fatalf("Alloc(%d) is not aligned", n)
		}
		for _, v := range x {
			if v != 0 {
				t.Fatalf("Alloc(%d) is not zero", n)
			}
		}
	}
}

// operations is one call of every function, on matrices of order n, for the
// tests of properties that all share.
func operations(n int) map[string]func() {
	r := rand.New(rand.NewPCG(30, uint64(n)))
	a, b, c, p := randomMatrix(r, n, n), randomMatrix(r, n, n), randomMatrix(r, n, n), positive(r, n)
	u, inv, work := p.clone(), make([]float64, n), make([]float64, SyrkWork(n))
	x, y, d := randomVector(r, n), randomVector(r, n), randomVector(r, n)
	Cholesky(n, u.a, u.ld, inv, nil)
	f := p.clone()
	shift, finv := 1e-9, make([]float64, n)
	return map[string]func(){
		"Syrk":        func() { Syrk(n, n, a.a, a.ld, d, c.a, c.ld, work) },
		"SyrkPlain":   func() { Syrk(n, n, a.a, a.ld, nil, c.a, c.ld, nil) },
		"GemmTN":      func() { GemmTN(n, n, n, 1e-3, a.a, a.ld, b.a, b.ld, c.a, c.ld) },
		"SolveUT":     func() { SolveUT(n, u.a, u.ld, inv, x) },
		"SolveU":      func() { SolveU(n, u.a, u.ld, inv, x) },
		"SolveUTMany": func() { SolveUTMany(n, n, u.a, u.ld, inv, b.a, b.ld) },
		"Gemv":        func() { Gemv(n, n, 0.5, a.a, a.ld, x, y) },
		"GemvT":       func() { GemvT(n, n, 0.5, a.a, a.ld, x, y) },
		"Transpose":   func() { Transpose(n, n, a.a, a.ld, c.a, c.ld) },
		"Copy":        func() { Copy(n, n, a.a, a.ld, c.a, c.ld) },
		"Dot":         func() { y[0] = Dot(x, d) },
		"Axpy":        func() { Axpy(1e-3, x, y) },
		"NormInf":     func() { y[0] = NormInf(x) },
		"Norm2":       func() { y[0] = Norm2(x) },
		"Cholesky": func() {
			Copy(n, n, p.a, p.ld, f.a, f.ld)
			Cholesky(n, f.a, f.ld, finv, nil)
		},
		"CholeskyHook": func() {
			Copy(n, n, p.a, p.ld, f.a, f.ld)
			Cholesky(n, f.a, f.ld, finv, func(_ int, d float64) float64 { return d + shift })
		},
	}
}

func TestNoAllocations(t *testing.T) {
	forEachKernel(t, func(t *testing.T, _ kernelSet) {
		for name, op := range operations(21) {
			if got := testing.AllocsPerRun(5, op); got != 0 {
				t.Errorf("%s allocates %v times", name, got)
			}
		}
	})
}

func TestShortArgumentsPanic(t *testing.T) {
	v, w := make([]float64, 64), make([]float64, 63)
	for name, op := range map[string]func(){
		"rows":    func() { GemmTN(8, 8, 8, 1, v, 8, w, 8, v, 8) },
		"stride":  func() { GemmTN(5, 5, 5, 1, v, 5, v, 8, v, 8) },
		"size":    func() { Syrk(-1, 3, v, 8, nil, v, 8, nil) },
		"work":    func() { Syrk(8, 8, v, 8, v, v, 8, v[:31]) },
		"inv":     func() { Cholesky(8, v, 8, v[:7], nil) },
		"vector":  func() { Gemv(8, 8, 1, v, 8, v[:7], v) },
		"lengths": func() { Dot(v, w) },
		"plain":   func() { Copy(8, 8, v, 8, w, 8) },
		"solve":   func() { SolveU(8, v, 8, v, v[:7]) },
	} {
		func() {
			defer func() {
				if _, ok := recover().(string); !ok {
					t.Errorf("%s: no panic with a constant string", name)
				}
			}()
			op()
		}()
	}
}
