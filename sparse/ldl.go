package sparse

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrPivot is returned by Factor when a pivot is zero or not finite.
var ErrPivot = errors.New("sparse: zero or non-finite pivot")

// Symbolic is what is known of the factorization of a symmetric matrix from its
// pattern: the order of pivots, the pattern of L, and the method. It is immutable
// and safe for concurrent use.
type Symbolic struct {
	n       int
	nz      int     // of the matrix
	perm    []int32 // pivot k is row perm[k]
	invPerm []int32
	upper   *CSC    // pattern of the permuted upper triangle
	from    []int32 // its values in the matrix
	diag    []int32 // where its diagonal is in upper, -1: not stored
	nnzL    int     // below the diagonal
	flops   float64

	rows  *simplicial
	super *supernodal
}

// Method says how to factor.
type Method uint8

const (
	Auto       Method = iota // by the number of operations for each entry of L
	Simplicial               // row by row: for factors with little fill
	Supernodal               // by dense blocks of columns with one pattern
)

// Analyze orders a symmetric matrix, given by the pattern of its upper
// triangle, and finds the pattern of its factor. A nil perm means AMD; perm[k] is
// the row of pivot k otherwise. Within the tree of dependencies the order may still change,
// without effect on fill.
func Analyze(upper *CSC, perm []int, method Method) (*Symbolic, error) {
	if err := upper.Check(); err != nil {
		return nil, err
	}
	n := upper.Cols
	if upper.Rows != n || !upper.IsUpper() {
		return nil, fmt.Errorf("sparse: Analyze of a %d×%d matrix, want the upper triangle of a square one", upper.Rows, upper.Cols)
	}
	if n > math.MaxInt32/4 || upper.NNZ() > math.MaxInt32/2 {
		return nil, fmt.Errorf("sparse: Analyze of order %d with %d entries, want fewer than 2²⁹ and 2³⁰", n, upper.NNZ())
	}
	if perm == nil {
		perm = AMD(upper)
	} else if err := checkPermutation(perm, n); err != nil {
		return nil, err
	}
	pattern := &CSC{Rows: n, Cols: n, ColPtr: upper.ColPtr, RowIdx: upper.RowIdx}
	c, _ := pattern.PermuteSym(perm)
	post := postorder(etree(c))
	order := make([]int, n)
	for k, j := range post {
		order[k] = perm[j]
	}
	c, from := pattern.PermuteSym(order)
	s := &Symbolic{n: n, nz: upper.NNZ(), perm: make([]int32, n), invPerm: make([]int32, n), upper: c, from: make([]int32, len(from)), diag: make([]int32, n)}
	for k, p := range from {
		s.from[k] = int32(p)
	}
	for k, j := range order {
		s.perm[k], s.invPerm[j] = int32(j), int32(k)
	}
	for j := range n {
		s.diag[j] = none
		if p := c.ColPtr[j+1] - 1; p >= c.ColPtr[j] && c.RowIdx[p] == j {
			s.diag[j] = int32(p)
		}
	}
	parent := etree(c)
	count := columnCounts(c, parent)
	for _, k := range count {
		s.nnzL += int(k)
		s.flops += float64(k) * float64(k+2)
	}
	if s.nnzL > math.MaxInt32 {
		return nil, fmt.Errorf("sparse: the factor has %d entries, want fewer than 2³¹", s.nnzL)
	}
	if method == Auto {
		// Above this many operations for an entry of L, dense blocks pay (measured).
		method = Simplicial
		if s.flops > 40*float64(s.nnzL+n) {
			method = Supernodal
		}
	}
	if method == Supernodal {
		s.super = newSupernodal(c, parent, count)
		if s.super.size > math.MaxInt32 {
			return nil, fmt.Errorf("sparse: the factor takes %d places, want fewer than 2³¹", s.super.size)
		}
	} else {
		s.rows = newSimplicial(c, parent, count)
	}
	return s, nil
}

func checkPermutation(perm []int, n int) error {
	if len(perm) != n {
		return fmt.Errorf("sparse: permutation of %d, want %d", len(perm), n)
	}
	seen := make([]bool, n)
	for k, i := range perm {
		if i < 0 || i >= n || seen[i] {
			return fmt.Errorf("sparse: permutation has %d at %d, want each of 0 to %d once", i, k, n-1)
		}
		seen[i] = true
	}
	return nil
}

// Order is the number of rows, NNZ the number of entries of L below its
// diagonal, Flops the number of operations of a factorization.
func (s *Symbolic) Order() int     { return s.n }
func (s *Symbolic) NNZ() int       { return s.nnzL }
func (s *Symbolic) Flops() float64 { return s.flops }

// Method is Simplicial or Supernodal.
func (s *Symbolic) Method() Method {
	if s.super != nil {
		return Supernodal
	}
	return Simplicial
}

// Perm returns the order of the pivots: pivot k is row Perm()[k].
func (s *Symbolic) Perm() []int {
	p := make([]int, s.n)
	for k, j := range s.perm {
		p[k] = int(j)
	}
	return p
}

// Regularization makes a factorization exist. With expected signs, any
// symmetric matrix has one, of a matrix nearby; a quasi-definite one with the right
// signs has one in any order of pivots (Vanderbei 1995).
type Regularization struct {
	Sign   []int8  // expected sign of the pivot of each row; nil: nothing is done
	Static float64 // Sign·Static is added to the diagonal
	// A pivot d of a row with diagonal entry a is replaced by Sign·max(Delta, √Rel·|a|) if
	// Sign·d ≤ max(Eps, Rel·|a|): with a Rel of some units of rounding, if nothing is left of it but rounding.
	Eps, Delta, Rel float64
}

// LDL is the numeric factorization P(K+R)Pᵀ = LDLᵀ, R being the regularization. It
// serves one goroutine at a time.
type LDL struct {
	sym  *Symbolic
	d    []float64 // pivots
	inv  []float64 // 1/d
	val  []float64 // of L, as the method stores it
	work []float64 // n, zero between calls
	cur  []float64 // the values that are being factored
	x    []float64 // n
	step []float64 // n, of SolveRefined
	nz   []int32   // simplicial: entries in each column of L so far
	sup  *superWork
	// Replaced is the number of pivots that the last Factor replaced.
	Replaced int
}

// NewLDL makes room for a factorization.
func (s *Symbolic) NewLDL() *LDL {
	f := &LDL{sym: s, d: make([]float64, s.n), inv: make([]float64, s.n), work: make([]float64, s.n), x: make([]float64, s.n), step: make([]float64, s.n)}
	if s.super != nil {
		f.val = make([]float64, s.super.size)
		f.sup = s.super.newWork(s.n)
	} else {
		f.val = make([]float64, s.nnzL)
		f.nz = make([]int32, s.n)
	}
	return f
}

// Bytes is about what NewLDL takes.
func (s *Symbolic) Bytes() int64 {
	const headers = 512
	if s.super == nil {
		return headers + 8*int64(5*s.n+s.nnzL) + 4*int64(s.n)
	}
	c := s.super
	floats := 5*s.n + c.size + c.update + c.scaled + c.long
	return headers + 8*int64(floats) + 4*int64(s.n+3*(len(c.first)-1))
}

// Factor factors the matrix with the values val on the pattern analyzed. A nil
// reg means none. The error is ErrPivot; the factor is then of no use.
func (f *LDL) Factor(val []float64, reg *Regularization) error {
	if len(val) != f.sym.nz {
		panic("sparse: Factor: wrong number of values")
	}
	if reg != nil && reg.Sign != nil && len(reg.Sign) != f.sym.n {
		panic("sparse: Factor: wrong number of signs")
	}
	f.Replaced = 0
	f.cur = val
	defer func() { f.cur = nil }()
	if f.sym.super != nil {
		return f.factorSuper(val, reg)
	}
	return f.factorRows(val, reg)
}

// pivot regularizes the pivot of row k, to which the static part was added
// already.
func (f *LDL) pivot(k int, d float64, reg *Regularization) (float64, bool) {
	if reg != nil && reg.Sign != nil {
		s, a := float64(reg.Sign[f.sym.perm[k]]), 0.0
		if p := f.sym.diag[k]; p >= 0 {
			a = math.Abs(f.cur[f.sym.from[p]])
		}
		if !(s*d > max(reg.Eps, reg.Rel*a)) && !math.IsNaN(d) {
			d = s * max(reg.Delta, math.Sqrt(reg.Rel)*a)
			f.Replaced++
		}
	}
	inv := 1 / d
	f.d[k], f.inv[k] = d, inv
	return d, d != 0 && !math.IsNaN(inv) && !math.IsInf(inv, 0) && !math.IsInf(d, 0)
}

// static is the regularization of the diagonal entry of row k.
func (f *LDL) static(k int, reg *Regularization) float64 {
	if reg == nil || reg.Sign == nil {
		return 0
	}
	return float64(reg.Sign[f.sym.perm[k]]) * reg.Static
}

// Solve overwrites b with the solution of (K+R) x = b.
func (f *LDL) Solve(b []float64) {
	x := f.x[:f.sym.n]
	for k, j := range f.sym.perm {
		x[k] = b[j]
	}
	if f.sym.super != nil {
		f.solveSuper(x)
	} else {
		f.solveRows(x)
	}
	for k, j := range f.sym.perm {
		b[j] = x[k]
	}
}

// Pivots returns a copy of the diagonal of D, in the order of pivots.
func (f *LDL) Pivots() []float64 { return slices.Clone(f.d) }

// Inertia returns the number of positive and negative pivots.
func (f *LDL) Inertia() (pos, neg int) {
	for _, d := range f.d {
		if d > 0 {
			pos++
		} else if d < 0 {
			neg++
		}
	}
	return pos, neg
}
