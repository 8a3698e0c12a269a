package sparse_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/optnet-go/optnet/sparse"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 6)) }

// random returns an m×n matrix with about nz entries.
func random(r *rand.Rand, m, n, nz int) *sparse.CSC {
	var t []sparse.Triplet
	for range nz {
		t = append(t, sparse.Triplet{Row: r.IntN(m), Col: r.IntN(n), Val: r.NormFloat64()})
	}
	a, err := sparse.FromTriplets(m, n, t)
	if err != nil {
		panic(err)
	}
	return a
}

func full(a *sparse.CSC) [][]float64 {
	d := make([][]float64, a.Rows)
	for i := range d {
		d[i] = make([]float64, a.Cols)
	}
	for j := range a.Cols {
		for p := a.ColPtr[j]; p < a.ColPtr[j+1]; p++ {
			d[a.RowIdx[p]][j] = a.Val[p]
		}
	}
	return d
}

func normals(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

func near(t *testing.T, name string, got, want []float64, tol float64) {
	t.Helper()
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tol*(1+math.Abs(want[i]))) {
			t.Fatalf("%s: entry %d is %v, want %v", name, i, got[i], want[i])
		}
	}
}

func TestTriplets(t *testing.T) {
	a, err := sparse.FromTriplets(3, 2, []sparse.Triplet{{2, 1, 1}, {0, 0, 2}, {2, 1, 3}, {1, 1, 4}, {2, 0, 0}, {0, 0, -2}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Check(); err != nil {
		t.Fatal(err)
	}
	want := &sparse.CSC{Rows: 3, Cols: 2, ColPtr: []int{0, 2, 4}, RowIdx: []int{0, 2, 1, 2}, Val: []float64{0, 0, 4, 4}}
	if !slices.Equal(a.ColPtr, want.ColPtr) || !slices.Equal(a.RowIdx, want.RowIdx) || !slices.Equal(a.Val, want.Val) {
		t.Errorf("got %v, want %v", a, want)
	}
	for _, bad := range []sparse.Triplet{{3, 0, 1}, {-1, 0, 1}, {0, 2, 1}, {0, -1, 1}} {
		if _, err := sparse.FromTriplets(3, 2, []sparse.Triplet{bad}); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
	if a, err := sparse.FromTriplets(0, 0, nil); err != nil || a.Check() != nil {
		t.Errorf("empty matrix: %v, %v", err, a.Check())
	}
}

func TestProducts(t *testing.T) {
	r := newRand(1)
	for range 20 {
		m, n := 1+r.IntN(12), 1+r.IntN(12)
		a := random(r, m, n, r.IntN(m*n+1))
		d := full(a)
		at, from := a.Transpose()
		if err := at.Check(); err != nil {
			t.Fatal(err)
		}
		for k, p := range from {
			if at.Val[k] != a.Val[p] {
				t.Fatalf("value %d of the transpose is not value %d", k, p)
			}
		}
		dt := full(at)
		x, y := normals(r, n), normals(r, m)
		ax, aty := slices.Clone(y), slices.Clone(x)
		wantAx, wantAty := slices.Clone(y), slices.Clone(x)
		for i := range m {
			for j := range n {
				if d[i][j] != dt[j][i] {
					t.Fatalf("transpose differs at %d, %d", i, j)
				}
				wantAx[i] += -2 * d[i][j] * x[j]
				wantAty[j] += 3 * d[i][j] * y[i]
			}
		}
		a.MulAdd(a.Val, -2, x, ax)
		a.MulTAdd(a.Val, 3, y, aty)
		near(t, "MulAdd", ax, wantAx, 1e-14)
		near(t, "MulTAdd", aty, wantAty, 1e-14)
	}
}

// symmetric returns the upper triangle of a random symmetric matrix.
func symmetric(r *rand.Rand, n, nz int) *sparse.CSC {
	var t []sparse.Triplet
	for range nz {
		i, j := r.IntN(n), r.IntN(n)
		t = append(t, sparse.Triplet{Row: min(i, j), Col: max(i, j), Val: r.NormFloat64()})
	}
	a, _ := sparse.FromTriplets(n, n, t)
	return a
}

func symFull(a *sparse.CSC) [][]float64 {
	d := full(a)
	for i := range d {
		for j := range i {
			d[i][j] = d[j][i]
		}
	}
	return d
}

func TestSymmetric(t *testing.T) {
	r := newRand(2)
	for range 20 {
		n := 1 + r.IntN(12)
		a := symmetric(r, n, r.IntN(n*n+1))
		if !a.IsUpper() {
			t.Fatal("not upper")
		}
		d := symFull(a)
		x, y := normals(r, n), normals(r, n)
		got, want, quad := slices.Clone(y), slices.Clone(y), 0.0
		for i := range n {
			for j := range n {
				want[i] += 0.5 * d[i][j] * x[j]
				quad += x[i] * d[i][j] * y[j]
			}
		}
		a.SymMulAdd(a.Val, 0.5, x, got)
		near(t, "SymMulAdd", got, want, 1e-13)
		near(t, "SymQuad", []float64{a.SymQuad(a.Val, x, y)}, []float64{quad}, 1e-12)

		perm := r.Perm(n)
		c, from := a.PermuteSym(perm)
		if err := c.Check(); err != nil || !c.IsUpper() {
			t.Fatal(err, c)
		}
		e := symFull(c)
		for i := range n {
			for j := range n {
				if e[i][j] != d[perm[i]][perm[j]] {
					t.Fatalf("permuted matrix differs at %d, %d", i, j)
				}
			}
		}
		for k, p := range from {
			if c.Val[k] != a.Val[p] {
				t.Fatalf("value %d is not value %d", k, p)
			}
		}
	}
}

// A family makes the upper triangles of quasi-definite matrices, with the
// signs of their blocks.
var families = []struct {
	name string
	make func(r *rand.Rand, n int) (*sparse.CSC, []int8)
}{
	{"random", func(r *rand.Rand, n int) (*sparse.CSC, []int8) { return quasi(r, n, symmetric(r, n, 2*n)) }},
	{"dense", func(r *rand.Rand, n int) (*sparse.CSC, []int8) { return quasi(r, n, symmetric(r, n, 3*n*n)) }},
	{"diagonal", func(r *rand.Rand, n int) (*sparse.CSC, []int8) { return quasi(r, n, symmetric(r, n, 0)) }},
	{"band", func(r *rand.Rand, n int) (*sparse.CSC, []int8) {
		var t []sparse.Triplet
		for j := range n {
			for i := max(0, j-3); i < j; i++ {
				t = append(t, sparse.Triplet{Row: i, Col: j, Val: r.NormFloat64()})
			}
		}
		a, _ := sparse.FromTriplets(n, n, t)
		return quasi(r, n, a)
	}},
	{"arrow", func(r *rand.Rand, n int) (*sparse.CSC, []int8) {
		var t []sparse.Triplet
		for j := 1; j < n; j++ {
			t = append(t, sparse.Triplet{Row: 0, Col: j, Val: r.NormFloat64()})
		}
		a, _ := sparse.FromTriplets(n, n, t)
		return quasi(r, n, a)
	}},
	{"grid", func(r *rand.Rand, n int) (*sparse.CSC, []int8) {
		k := max(1, int(math.Sqrt(float64(n))))
		var t []sparse.Triplet
		for i := range k {
			for j := range k {
				if i+1 < k {
					t = append(t, sparse.Triplet{Row: i*k + j, Col: (i+1)*k + j, Val: -1})
				}
				if j+1 < k {
					t = append(t, sparse.Triplet{Row: i*k + j, Col: i*k + j + 1, Val: -1})
				}
			}
		}
		a, _ := sparse.FromTriplets(k*k, k*k, t)
		return quasi(r, k*k, a)
	}},
	{"blocks", func(r *rand.Rand, n int) (*sparse.CSC, []int8) {
		var t []sparse.Triplet
		for f := 0; f < n; f += 7 {
			for i := f; i < min(n, f+9); i++ {
				for j := f; j < i; j++ {
					t = append(t, sparse.Triplet{Row: j, Col: i, Val: r.NormFloat64()})
				}
			}
		}
		a, _ := sparse.FromTriplets(n, n, t)
		return quasi(r, n, a)
	}},
}

// quasi makes a symmetric matrix quasi-definite: the blocks of equal sign
// become diagonally dominant.
func quasi(r *rand.Rand, n int, a *sparse.CSC) (*sparse.CSC, []int8) {
	sign := make([]int8, n)
	sum := make([]float64, n)
	for i := range sign {
		sign[i] = 1
		if r.IntN(2) == 0 {
			sign[i] = -1
		}
	}
	var t []sparse.Triplet
	for j := range n {
		for p := a.ColPtr[j]; p < a.ColPtr[j+1]; p++ {
			if i := a.RowIdx[p]; i != j {
				t = append(t, sparse.Triplet{Row: i, Col: j, Val: a.Val[p]})
				if sign[i] == sign[j] {
					sum[i] += math.Abs(a.Val[p])
					sum[j] += math.Abs(a.Val[p])
				}
			}
		}
	}
	for i := range n {
		t = append(t, sparse.Triplet{Row: i, Col: i, Val: float64(sign[i]) * (sum[i] + 0.1 + r.Float64())})
	}
	k, _ := sparse.FromTriplets(n, n, t)
	return k, sign
}

func isPermutation(p []int, n int) bool {
	q := slices.Clone(p)
	slices.Sort(q)
	for i := range q {
		if q[i] != i {
			return false
		}
	}
	return len(q) == n
}

func TestLDL(t *testing.T) {
	for _, fam := range families {
		for _, n := range []int{1, 2, 3, 5, 8, 13, 40, 150, 400} {
			if fam.name == "dense" && n > 150 {
				continue
			}
			for _, method := range []sparse.Method{sparse.Auto, sparse.Simplicial, sparse.Supernodal} {
				t.Run(fmt.Sprintf("%s/n=%d/method=%d", fam.name, n, method), func(t *testing.T) {
					r := newRand(uint64(n))
					k, sign := fam.make(r, n)
					n := k.Cols
					perms := [][]int{nil, r.Perm(n)}
					for _, perm := range perms {
						sym, err := sparse.Analyze(k, perm, method)
						if err != nil {
							t.Fatal(err)
						}
						if !isPermutation(sym.Perm(), n) {
							t.Fatalf("order %v", sym.Perm())
						}
						f := sym.NewLDL()
						for range 2 { // the second time on used storage
							if err := f.Factor(k.Val, nil); err != nil {
								t.Fatal(err)
							}
							pos := 0
							for _, s := range sign {
								if s > 0 {
									pos++
								}
							}
							if p, q := f.Inertia(); p != pos || q != n-pos {
								t.Fatalf("inertia %d, %d, want %d, %d", p, q, pos, n-pos)
							}
							x := normals(r, n)
							b := make([]float64, n)
							k.SymMulAdd(k.Val, 1, x, b)
							got := slices.Clone(b)
							f.Solve(got)
							near(t, "Solve", got, x, 1e-9)
							res, _ := f.SolveRefined(k, k.Val, b, got, sparse.Refinement{Steps: 3})
							near(t, "SolveRefined", got, x, 1e-10)
							if res > 1e-12*float64(n) {
								t.Errorf("residual %v", res)
							}
						}
					}
				})
			}
		}
	}
}

// TestFill compares what Analyze says of the factor with a dense elimination.
func TestFill(t *testing.T) {
	r := newRand(3)
	for _, fam := range families {
		k, _ := fam.make(r, 40)
		n := k.Cols
		sym, err := sparse.Analyze(k, nil, sparse.Simplicial)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := k.PermuteSym(sym.Perm())
		d := symFull(c)
		fill := 0
		for p := range n {
			for i := p + 1; i < n; i++ {
				if d[i][p] == 0 {
					continue
				}
				fill++
				for j := p + 1; j < n; j++ {
					if d[p][j] != 0 {
						d[i][j] = 1
					}
				}
			}
		}
		if fill != sym.NNZ() {
			t.Errorf("%s: %d entries, want %d", fam.name, sym.NNZ(), fill)
		}
	}
}

// TestAMD checks the quality of the order where the best is known or a bound is.
func TestAMD(t *testing.T) {
	r := newRand(4)
	for _, c := range []struct {
		family string
		n, max int
	}{
		{"diagonal", 50, 0},
		{"arrow", 300, 299},
		{"band", 300, 3 * 300},
		{"grid", 1600, 20000}, // minimum degree in its exact form leaves 18 to 20 thousand, by how ties are broken
	} {
		for _, fam := range families {
			if fam.name != c.family {
				continue
			}
			k, _ := fam.make(r, c.n)
			sym, err := sparse.Analyze(k, nil, sparse.Simplicial)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %d entries", c.family, sym.NNZ())
			if sym.NNZ() > c.max {
				t.Errorf("%s: fill of %d, want at most %d", c.family, sym.NNZ(), c.max)
			}
		}
	}
	for n := range 200 {
		k := symmetric(r, max(1, n), r.IntN(4*n+1))
		if !isPermutation(sparse.AMD(k), k.Cols) {
			t.Fatalf("n = %d: not a permutation", n)
		}
	}
	if p := sparse.AMD(&sparse.CSC{ColPtr: []int{0}}); len(p) != 0 {
		t.Errorf("order of an empty matrix: %v", p)
	}
}

func TestRegularization(t *testing.T) {
	// [0 1; 1 0] has no LDLᵀ; with signs it has one of a matrix nearby, and
	// refinement finds the solution all the same.
	k, _ := sparse.FromTriplets(2, 2, []sparse.Triplet{{0, 0, 0}, {0, 1, 1}, {1, 1, 0}})
	for _, method := range []sparse.Method{sparse.Simplicial, sparse.Supernodal} {
		sym, err := sparse.Analyze(k, nil, method)
		if err != nil {
			t.Fatal(err)
		}
		f := sym.NewLDL()
		if err := f.Factor(k.Val, nil); !errors.Is(err, sparse.ErrPivot) {
			t.Errorf("without regularization: %v, want ErrPivot", err)
		}
		for _, reg := range []*sparse.Regularization{
			{Sign: []int8{1, -1}, Static: 1e-8, Eps: 1e-13, Delta: 1e-7},
			{Sign: []int8{1, -1}, Eps: 1e-13, Delta: 1e-7},
		} {
			if err := f.Factor(k.Val, reg); err != nil {
				t.Fatal(err)
			}
			if want := 0; reg.Static > 0 && f.Replaced != want {
				t.Errorf("%d pivots replaced, want %d", f.Replaced, want)
			}
			x := make([]float64, 2)
			if res, _ := f.SolveRefined(k, k.Val, []float64{2, 3}, x, sparse.Refinement{Steps: 10, Abs: 1e-14}); res > 1e-13 {
				t.Errorf("residual %v", res)
			}
			near(t, "x", x, []float64{3, 2}, 1e-12)
		}
		nan := []float64{math.NaN(), 1, 0}
		if err := f.Factor(nan, &sparse.Regularization{Sign: []int8{1, -1}, Eps: 1e-13, Delta: 1e-7}); !errors.Is(err, sparse.ErrPivot) {
			t.Errorf("NaN: %v, want ErrPivot", err)
		}
	}
}

func TestAnalyzeErrors(t *testing.T) {
	lower := &sparse.CSC{Rows: 2, Cols: 2, ColPtr: []int{0, 2, 2}, RowIdx: []int{0, 1}}
	wide := &sparse.CSC{Rows: 1, Cols: 2, ColPtr: []int{0, 0, 0}}
	broken := &sparse.CSC{Rows: 2, Cols: 2, ColPtr: []int{0, 1}}
	eye := &sparse.CSC{Rows: 2, Cols: 2, ColPtr: []int{0, 1, 2}, RowIdx: []int{0, 1}}
	for _, a := range []*sparse.CSC{lower, wide, broken} {
		if _, err := sparse.Analyze(a, nil, sparse.Auto); err == nil {
			t.Errorf("%v: no error", a)
		}
	}
	for _, perm := range [][]int{{0}, {0, 0}, {0, 2}, {-1, 0}} {
		if _, err := sparse.Analyze(eye, perm, sparse.Auto); err == nil {
			t.Errorf("%v: no error", perm)
		}
	}
}

func TestAllocs(t *testing.T) {
	r := newRand(5)
	for _, method := range []sparse.Method{sparse.Simplicial, sparse.Supernodal} {
		k, _ := quasi(r, 60, symmetric(r, 60, 200))
		sym, _ := sparse.Analyze(k, nil, method)
		f := sym.NewLDL()
		b, x := normals(r, 60), make([]float64, 60)
		if n := testing.AllocsPerRun(10, func() {
			if err := f.Factor(k.Val, nil); err != nil {
				t.Fatal(err)
			}
			f.SolveRefined(k, k.Val, b, x, sparse.Refinement{Steps: 2})
		}); n != 0 {
			t.Errorf("method %d: %v allocations", method, n)
		}
	}
}

func BenchmarkFactor(b *testing.B) {
	r := newRand(6)
	grid, _ := families[5].make(r, 10000)
	dense, _ := families[1].make(r, 400)
	band, _ := families[3].make(r, 20000)
	for _, c := range []struct {
		name string
		k    *sparse.CSC
	}{{"grid", grid}, {"dense", dense}, {"band", band}} {
		for _, method := range []sparse.Method{sparse.Simplicial, sparse.Supernodal} {
			b.Run(fmt.Sprintf("%s/method=%d", c.name, method), func(b *testing.B) {
				sym, err := sparse.Analyze(c.k, nil, method)
				if err != nil {
					b.Fatal(err)
				}
				f := sym.NewLDL()
				b.ReportAllocs()
				for b.Loop() {
					if err := f.Factor(c.k.Val, nil); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(sym.Flops()*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
