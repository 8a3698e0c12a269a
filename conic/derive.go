package conic

import (
	"math"

	"github.com/optnet-go/optnet/sparse"
)

// The derivative of a solution. With v = s − z, a point is optimal if
//
//	Px + q + Aᵀz = 0,   Ax + s = b,   s = Π(v),   z = Π(v) − v.
//
// Let DΠ(v) = U diag(d) Uᵀ and h = d/(1−d), see projector. In the coordinates
// z̃ = Uᵀz of each cone a change of the data, r₁ = −(dP x + dq + dAᵀz) and
// r₂ = db − dA x, moves the solution by
//
//	⎡ P    AᵀE ⎤ ⎡ dx ⎤   ⎡ r₁   ⎤
//	⎣ EᵀA  −H  ⎦ ⎣ dz̃ ⎦ = ⎣ Eᵀr₂ ⎦,   dz = E dz̃,   ds = r₂ − A dx,
//
// E being the columns of U with finite h, H = diag(h) of them. For linear
// constraints this is the system of the active set; for every cone it is symmetric
// quasi-semidefinite, and nonsingular exactly if the solution is differentiable
// by the implicit function theorem. One factorization serves forward and backward:
// for cotangents g of x, z and s it is solved for
//
//	K (w₁, w₂) = (g_x − Aᵀg_s, Eᵀg_z),   y₁ = w₁, y₂ = E w₂ + g_s,
//
// and then dq = −y₁, db = y₂, dA = −(z y₁ᵀ + y₂ xᵀ), dP = −½(y₁xᵀ + x y₁ᵀ) as a
// symmetric matrix. Where h ≤ 1, s is taken from ds = −H dz̃ instead: no difference of
// large numbers.
//
// E changes with the point, the pattern of the matrix must not: rows with infinite
// h are kept as −dz̃ᵢ = 0. For a second-order cone U is full; instead of rotated rows
// of A it has two more unknowns,
//
//	⎡ −hₜI     c₁             √(hₜ−h₂)c₂ ⎤
//	⎢ c₁ᵀ      1/(h₁−hₜ)      0          ⎥ ,
//	⎣ √…c₂ᵀ    0              −1         ⎦
//
// whose elimination gives −UHUᵀ, and the constraint c₁ᵀdz = 0 if h₁ is infinite.

// linearSystem is what the pattern alone says of that matrix. It is immutable.
type linearSystem struct {
	st     *Structure
	n, m   int
	blocks []systemBlock
	K      *sparse.CSC // upper triangle; unknowns: x, the rows, then those of second-order cones
	sym    *sparse.Symbolic
	sign   []int8     // of the diagonal, as a quasi-definite matrix has it
	diag   []int      // where the diagonal of each unknown is in K
	fromP  []int      // where each entry of P is in K
	fromA  []int      // where each entry of A is in K; −1: in a rotated block
	bytes  int        // that a linearization takes
	dense  *denseForm // instead of K
}

// systemBlock is a cone in the system.
type systemBlock struct {
	Cone
	at, dim int
	rotated bool
	extra   int   // second-order cone: the first of two unknowns
	cols    []int // rotated: columns of A with entries in the block,
	lo, hi  []int // and where these entries are
}

// Beyond these entries of K and of its factor, systems are solved by LSQR.
const (
	maxSystem = 1 << 25
	maxFactor = 1 << 27
)

// newLinearSystem takes the structure of a Solver, which always has a P.
func newLinearSystem(st *Structure) (*linearSystem, error) {
	y, err := newSparseSystem(st)
	if err != nil {
		return nil, err
	}
	if y.preferDense() {
		y.makeDense()
	}
	y.bytes = y.linearizationBytes()
	return y, nil
}

// newSparseSystem makes the one with a K.
func newSparseSystem(st *Structure) (*linearSystem, error) {
	A := st.A
	y := &linearSystem{st: st, n: st.N, m: A.Rows}
	at, unknowns := 0, st.N+A.Rows
	for _, c := range st.Cones {
		b := systemBlock{Cone: c, at: at, dim: c.Dim(), extra: -1}
		if b.dim == 0 {
			continue
		}
		switch kind := newKind(c); kind {
		case SecondOrder:
			b.extra = unknowns
			unknowns += 2
		case PSD, Exponential, Power, GenPower:
			b.rotated = true
		}
		at += b.dim
		y.blocks = append(y.blocks, b)
	}
	if y.pattern(unknowns) {
		var err error
		if y.sym, err = sparse.Analyze(y.K, nil, sparse.Auto); err != nil {
			return nil, err
		}
	}
	if y.sym == nil || y.sym.NNZ() > maxFactor {
		y.K, y.sym = nil, nil
	}
	return y, nil
}

// iterative says that the system is too large to factor.
func (y *linearSystem) iterative() bool { return y.K == nil && y.dense == nil }

// newKind is the kind of a cone, where one of size one is linear.
func newKind(c Cone) Kind {
	if c.Size == 1 && (c.Kind == SecondOrder || c.Kind == PSD) {
		return NonNegative
	}
	return c.Kind
}

// pattern makes K column by column; it reports whether K is of a size to factor.
func (y *linearSystem) pattern(unknowns int) bool {
	st, n := y.st, y.n
	K := &sparse.CSC{Rows: unknowns, Cols: unknowns, ColPtr: make([]int, unknowns+1)}
	y.K = K
	y.sign, y.diag = make([]int8, unknowns), make([]int, unknowns)
	y.fromP = make([]int, st.P.NNZ())
	for j := range n {
		last := -1
		for k := st.P.ColPtr[j]; k < st.P.ColPtr[j+1]; k++ {
			last = st.P.RowIdx[k]
			y.fromP[k] = len(K.RowIdx)
			K.RowIdx = append(K.RowIdx, last)
		}
		if last != j {
			K.RowIdx = append(K.RowIdx, j)
		}
		y.closeColumn(j, 1)
	}
	rows, from := (&sparse.CSC{Rows: st.A.Rows, Cols: st.A.Cols, ColPtr: st.A.ColPtr, RowIdx: st.A.RowIdx}).Transpose()
	y.fromA = make([]int, st.A.NNZ())
	for i := range y.blocks {
		b := &y.blocks[i]
		if b.rotated {
			b.columns(rows, from)
			if (b.dim+1)*len(b.cols) > maxSystem || len(K.RowIdx)+b.dim*(len(b.cols)+1) > maxSystem {
				return false
			}
		}
		for r := b.at; r < b.at+b.dim; r++ {
			if b.rotated {
				K.RowIdx = append(K.RowIdx, b.cols...)
				for k := rows.ColPtr[r]; k < rows.ColPtr[r+1]; k++ {
					y.fromA[from[k]] = -1
				}
			} else {
				for k := rows.ColPtr[r]; k < rows.ColPtr[r+1]; k++ {
					y.fromA[from[k]] = len(K.RowIdx)
					K.RowIdx = append(K.RowIdx, rows.RowIdx[k])
				}
			}
			K.RowIdx = append(K.RowIdx, n+r)
			y.closeColumn(n+r, -1)
		}
	}
	for _, b := range y.blocks {
		for e := range 2 {
			if b.extra < 0 {
				break
			}
			for r := range b.dim {
				K.RowIdx = append(K.RowIdx, n+b.at+r)
			}
			K.RowIdx = append(K.RowIdx, b.extra+e)
			y.closeColumn(b.extra+e, int8(1-2*e))
		}
	}
	return len(K.RowIdx) <= maxSystem
}

func (y *linearSystem) closeColumn(j int, sign int8) {
	y.K.ColPtr[j+1] = len(y.K.RowIdx)
	y.diag[j] = len(y.K.RowIdx) - 1
	y.sign[j] = sign
}

// columns finds the columns of A that meet the block, and their entries there,
// from the rows of A.
func (b *systemBlock) columns(rows *sparse.CSC, from []int) {
	lo, hi := map[int]int{}, map[int]int{}
	for k := rows.ColPtr[b.at]; k < rows.ColPtr[b.at+b.dim]; k++ {
		j := rows.RowIdx[k]
		if at, ok := lo[j]; !ok || from[k] < at {
			lo[j] = from[k]
		}
		hi[j] = max(hi[j], from[k]+1)
	}
	for j := range rows.Rows {
		if at, ok := lo[j]; ok {
			b.cols, b.lo, b.hi = append(b.cols, j), append(b.lo, at), append(b.hi, hi[j])
		}
	}
}

// element is one problem with its solution: the arrays are views.
type element struct {
	P, q, A, b []float64
	x, z, s    []float64
}

// linearization is the system at one point: numbers, factor and scratch. It serves
// one goroutine at a time.
type linearization struct {
	*linearSystem
	cones []*projector

	e       element   // data of the element
	dir     Data      // and a direction of them
	b       []float64 // its b, where rows have no effect
	x, z, s []float64
	v       []float64
	kappa   float64

	val    []float64 // of K
	scaled []float64 // of SKS
	scale  []float64 // S: powers of two
	ldl    *sparse.LDL
	k      *denseK // instead of these, but for the scale
	reg    sparse.Regularization
	rcond  float64 // smallest singular value of SKS; 0: singular

	rhs, sol, res, step []float64 // unknowns of K
	oldX, oldV          []float64 // the point before a step
	row1, row2          []float64 // m
	col1                []float64 // n

	null, rest, more, more2 []float64 // unknowns of K, of leastSquares
	rhs2, step2             []float64 // and of strengthen
	lsqr                    []float64

	ready, ok bool // linearized, and there is a derivative

	cert     Certificate
	merit    float64 // relative residual of the point
	singular bool    // K is
	noFactor bool    // or has no factor: LSQR
	infinite uint64  // which rows were infinite when K was factored
}

// vectors are the arrays of a linearization and their lengths.
func (l *linearization) vectors() []field {
	y := l.linearSystem
	n, m, u, nz := y.n, y.m, y.n+y.m, 0
	if y.K != nil {
		u, nz = y.K.Cols, y.K.NNZ()
	}
	return []field{
		{&l.x, n}, {&l.oldX, n}, {&l.col1, n},
		{&l.z, m}, {&l.s, m}, {&l.v, m}, {&l.oldV, m}, {&l.row1, m}, {&l.row2, m}, {&l.b, m},
		{&l.val, nz}, {&l.scaled, nz},
		{&l.scale, u}, {&l.rhs, u}, {&l.sol, u}, {&l.res, u}, {&l.step, u},
		{&l.null, u}, {&l.rest, u}, {&l.more, u}, {&l.more2, u}, {&l.rhs2, u}, {&l.step2, u},
	}
}

func (y *linearSystem) newLinearization() *linearization {
	l := &linearization{linearSystem: y}
	carve(l.vectors())
	switch {
	case y.dense != nil:
		l.k = y.newDenseK()
	case y.K != nil:
		l.ldl = y.sym.NewLDL()
	}
	for _, b := range y.blocks {
		l.cones = append(l.cones, newProjector(b.Cone))
	}
	return l
}

// linearizationBytes is about what that takes.
func (y *linearSystem) linearizationBytes() int {
	l := &linearization{linearSystem: y}
	const lsqr = 6 // vectors, where it is needed
	bytes := structBytes + 8*(total(l.vectors())+lsqr*(y.n+y.m))
	switch {
	case y.dense != nil:
		bytes += y.denseBytes()
	case y.K != nil:
		bytes += int(y.sym.Bytes())
	}
	for _, b := range y.blocks {
		bytes += projectorBytes(b.Cone)
	}
	return bytes
}

// project sets s, z and the spectral forms at v.
func (l *linearization) project() {
	for i, b := range l.blocks {
		l.cones[i].project(l.s[b.at:b.at+b.dim], l.v[b.at:b.at+b.dim], l.kappa)
	}
	for i, vi := range l.v {
		l.z[i] = l.s[i] - vi
	}
}

// assemble writes K at the current spectral forms.
func (l *linearization) assemble() {
	if l.dense != nil {
		l.assembleDense()
		return
	}
	clear(l.val)
	for k, p := range l.fromP {
		l.val[p] = l.e.P[k]
	}
	for k, p := range l.fromA {
		if p >= 0 {
			l.val[p] = l.e.A[k]
		}
	}
	for i, b := range l.blocks {
		switch p := l.cones[i]; {
		case b.rotated:
			l.assembleRotated(b, p)
		case b.extra >= 0:
			l.assembleSOC(b, p)
		default:
			for r, h := range p.h {
				l.setRow(b.at+r, h)
			}
		}
	}
}

// setRow sets the diagonal of a row, and clears the rest of it where h is
// infinite.
func (l *linearization) setRow(r int, h float64) {
	j := l.n + r
	d := l.diag[j]
	if math.IsInf(h, 1) {
		clear(l.val[l.K.ColPtr[j]:d])
		h = 1
	}
	l.val[d] = -h
}

func (l *linearization) assembleSOC(b systemBlock, p *projector) {
	h1, h2, ht := p.h[0], p.h[1], p.h[2]
	for r := range b.dim {
		l.setRow(b.at+r, ht)
	}
	first, second := l.K.ColPtr[b.extra], l.K.ColPtr[b.extra+1]
	d1, d2 := 1.0, -1.0
	if h1 > ht && !math.IsInf(ht, 1) {
		set(l.val[first:first+b.dim], 1, p.u)
		d1 = 0
		if !math.IsInf(h1, 1) {
			d1 = 1 / (h1 - ht)
		}
	}
	if h2 < ht && !math.IsInf(ht, 1) {
		c := math.Sqrt(ht - h2)
		set(l.val[second:second+b.dim], c, p.u)
		for i := 1; i < b.dim; i++ {
			l.val[second+i] = -l.val[second+i]
		}
	}
	l.val[l.diag[b.extra]], l.val[l.diag[b.extra+1]] = d1, d2
}

// set writes c·(1, u)/√2.
func set(dst []float64, c float64, u []float64) {
	dst[0] = c * halfSqrt
	for i, x := range u {
		dst[i+1] = c * halfSqrt * x
	}
}

// assembleRotated writes UᵀA of the block.
func (l *linearization) assembleRotated(b systemBlock, p *projector) {
	a := l.step[:b.dim]
	for c := range b.cols {
		l.rotatedColumn(a, &b, p, c)
		for r, v := range a {
			l.val[l.K.ColPtr[l.n+b.at+r]+c] = v
		}
	}
	for r, h := range p.h {
		l.setRow(b.at+r, h)
	}
}

// rotatedColumn writes Uᵀ times the c-th of the block's columns to a.
func (l *linearization) rotatedColumn(a []float64, b *systemBlock, p *projector, c int) {
	clear(a)
	rows, val := l.st.A.RowIdx[b.lo[c]:b.hi[c]], l.e.A[b.lo[c]:b.hi[c]]
	if p.Kind == PSD && len(val) < p.Size/4 {
		for k, r := range rows {
			p.addRotated(a, r-b.at, val[k])
		}
		return
	}
	for k, r := range rows {
		a[r-b.at] = val[k]
	}
	p.rotate(a, a, true)
}
