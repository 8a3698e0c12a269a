package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
	"github.com/optnet-go/optnet/sparse"
)

// The system of a small problem, dense. With U applied to the rows of every cone,
// second-order ones too, H is diagonal, and the rows with infinite h drop out:
//
//	K = ⎡ P   Bᵀ ⎤ ,  B = EᵀA.
//	    ⎣ B   −H ⎦
//
// What is factored, K + εS⁻²J, is solved by way of its Schur complement
//
//	M = P + εS_x⁻² + BᵀDB,  D = (H + εS_r⁻²)⁻¹,
//
// n×n and positive definite.

// denseForm is what the pattern says of it.
type denseForm struct {
	rows *sparse.CSC // Aᵀ: the rows of A
	from []int       // and their values in A
}

// denseK is K at one point, and its factor.
type denseK struct {
	ld       int
	b, c     []float64 // B, the rows one after the other: at the point, and as it was factored
	row      []int     // which rows these are
	factored bool      // b is what was factored, too
	at       []int     // place of each row in b; −1: infinite h
	h        []float64 // of the rows
	d        []float64 // D
	u        []float64 // the factor of M
	inv      []float64 // of its diagonal
	t        []float64 // rows
	work     []float64 // of Syrk
}

// Costs in nanoseconds, of an operation of the dense and of the sparse way, and of
// an entry of either, about.
const (
	denseFlop, sparseFlop   = 0.04, 0.5
	denseEntry, sparseEntry = 0.25, 16
	maxDense                = 1 << 23 // entries of B and M
)

// preferDense says whether the dense way costs less, by the number of rows that
// will have a finite h.
func (y *linearSystem) preferDense() bool {
	n, m := float64(y.n), float64(y.m)
	if n*(n+m) > maxDense {
		return false
	}
	if y.K == nil {
		return true
	}
	rows := min(n, m)
	for _, b := range y.blocks {
		if b.rotated {
			rows += float64(b.dim) / 2
		}
	}
	rows = min(rows, m)
	cost := denseFlop*(n*n*rows+n*n*n/3) + denseEntry*n*(n+10*rows)
	return cost < sparseFlop*y.sym.Flops()+sparseEntry*float64(y.sym.NNZ()+y.K.NNZ())
}

// makeDense turns the system into the dense one.
func (y *linearSystem) makeDense() {
	y.K, y.sym, y.diag, y.fromP, y.fromA = nil, nil, nil, nil, nil
	A := y.st.A
	d := &denseForm{}
	d.rows, d.from = (&sparse.CSC{Rows: A.Rows, Cols: A.Cols, ColPtr: A.ColPtr, RowIdx: A.RowIdx}).Transpose()
	y.dense = d
	y.sign = make([]int8, y.n+y.m)
	for i := range y.sign {
		y.sign[i] = 1
		if i >= y.n {
			y.sign[i] = -1
		}
	}
	for i := range y.blocks {
		b := &y.blocks[i]
		b.extra = -1
		if newKind(b.Cone) >= SecondOrder {
			b.rotated = true
			b.cols, b.lo, b.hi = nil, nil, nil
			b.columns(d.rows, d.from)
		}
	}
}

func (y *linearSystem) newDenseK() *denseK {
	n, m, ld := y.n, y.m, dense.Stride(y.n)
	return &denseK{
		ld: ld, b: dense.Alloc(m * ld), c: dense.Alloc(m * ld), u: dense.Alloc(n * ld), inv: make([]float64, n),
		row: make([]int, 0, m), at: make([]int, m), h: make([]float64, m), d: make([]float64, m), t: make([]float64, m), work: make([]float64, dense.SyrkWork(m)),
	}
}

// denseBytes is what that takes.
func (y *linearSystem) denseBytes() int {
	return 8*((y.n+2*y.m)*dense.Stride(y.n)+y.n+5*y.m+dense.SyrkWork(y.m)) + structBytes
}

// assembleDense writes B and H at the current spectral forms.
func (l *linearization) assembleDense() {
	k := l.k
	if k.factored {
		k.b, k.c, k.factored = k.c, k.b, false
	}
	k.row = k.row[:0]
	for i, b := range l.blocks {
		p := l.cones[i]
		for r := range b.dim {
			k.at[b.at+r] = -1
			if h := p.each(r); !math.IsInf(h, 1) {
				k.at[b.at+r] = len(k.row)
				k.h[len(k.row)] = h
				k.row = append(k.row, b.at+r)
			}
		}
	}
	clear(k.b[:len(k.row)*k.ld])
	f := l.dense
	a := l.step
	for i := range l.blocks {
		b, p := &l.blocks[i], l.cones[i]
		switch {
		case !b.rotated:
			for r := b.at; r < b.at+b.dim; r++ {
				if at := k.at[r]; at >= 0 {
					row := k.b[at*k.ld : (at+1)*k.ld]
					for q := f.rows.ColPtr[r]; q < f.rows.ColPtr[r+1]; q++ {
						row[f.rows.RowIdx[q]] = l.e.A[f.from[q]]
					}
				}
			}
		default:
			for c, j := range b.cols {
				l.rotatedColumn(a[:b.dim], b, p, c)
				for r, at := range k.at[b.at : b.at+b.dim] {
					if at >= 0 {
						k.b[at*k.ld+j] = a[r]
					}
				}
			}
		}
	}
}

// normsDense writes the ∞-norms of the rows of SKS to size.
func (l *linearization) normsDense(size []float64) {
	clear(size)
	s := l.scale
	P := l.st.P
	for j := range l.n {
		for e := P.ColPtr[j]; e < P.ColPtr[j+1]; e++ {
			i := P.RowIdx[e]
			v := math.Abs(l.e.P[e]) * s[j] * s[i]
			size[i], size[j] = max(size[i], v), max(size[j], v)
		}
	}
	k := l.k
	col := size[:l.n]
	for at, r := range k.row {
		r += l.n
		sr := s[r]
		top := k.h[at] * sr * sr
		for j, v := range k.b[at*k.ld : at*k.ld+l.n] {
			v = math.Abs(v) * sr * s[j]
			if v > col[j] {
				col[j] = v
			}
			if v > top {
				top = v
			}
		}
		size[r] = top
	}
}

// factorDense factors M, in the scales that are set.
func (l *linearization) factorDense(eps float64) bool {
	k, n, s := l.k, l.n, l.scale
	clear(k.u)
	P := l.st.P
	for j := range n {
		for e := P.ColPtr[j]; e < P.ColPtr[j+1]; e++ {
			k.u[P.RowIdx[e]*k.ld+j] += l.e.P[e]
		}
		k.u[j*k.ld+j] += eps / (s[j] * s[j])
	}
	for at, r := range k.row {
		sr := s[n+r]
		k.d[at] = 1 / (k.h[at] + eps/(sr*sr))
	}
	k.factored = true
	dense.Syrk(n, len(k.row), k.b, k.ld, k.d, k.u, k.ld, k.work)
	return dense.Cholesky(n, k.u, k.ld, k.inv, nil) < 0
}

// solveDense overwrites r with (K + εS⁻²J)⁻¹r.
func (l *linearization) solveDense(r []float64) {
	k, n, rows := l.k, l.n, len(l.k.row)
	x, z, t := r[:n], r[n:n+l.m], k.t[:rows]
	b := k.c
	if k.factored {
		b = k.b
	}
	for at, i := range k.row {
		t[at] = k.d[at] * z[i]
	}
	dense.GemvT(rows, n, 1, b, k.ld, t, x)
	dense.SolveUT(n, k.u, k.ld, k.inv, x)
	dense.SolveU(n, k.u, k.ld, k.inv, x)
	for i := range z {
		z[i] = -z[i]
	}
	for at, i := range k.row {
		t[at] = z[i]
	}
	dense.Gemv(rows, n, 1, b, k.ld, x, t)
	for at, i := range k.row {
		z[i] = k.d[at] * t[at]
	}
}

// mulDense adds αKx to y.
func (l *linearization) mulDense(alpha float64, x, y []float64) {
	k, n, rows := l.k, l.n, len(l.k.row)
	xr, yr, t := x[n:n+l.m], y[n:n+l.m], k.t[:rows]
	l.st.P.SymMulAdd(l.e.P, alpha, x[:n], y[:n])
	for at, i := range k.row {
		t[at] = xr[i]
	}
	dense.GemvT(rows, n, alpha, k.b, k.ld, t, y[:n])
	for at, i := range k.row {
		t[at] = -k.h[at] * xr[i]
	}
	dense.Gemv(rows, n, 1, k.b, k.ld, x[:n], t)
	for i, at := range k.at {
		v := -xr[i] // the row of an infinite h
		if at >= 0 {
			v = t[at]
		}
		yr[i] += alpha * v
	}
}
