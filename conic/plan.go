package conic

import (
	"fmt"
	"math"
	"slices"

	"github.com/optnet-go/optnet/sparse"
)

// plan is the symbolic work for one Structure: cones as the solver sees them, the
// pattern of the KKT matrix with maps into it, and its factorization. It is
// immutable.
//
//	K = [P Aᵀ; A −H]
//
// in three forms, by cone: the block of H stands in K as it is; or as
// D + uuᵀ − vvᵀ, with a row for each of u and v; or the cone is eliminated and adds
// AᵀH⁻¹A to P. Rows of NonNegative with one entry, bounds, are eliminated, too.
type plan struct {
	n, m   int
	p, a   *sparse.CSC
	at     *sparse.CSC // Aᵀ
	atFrom []int
	blocks []block
	degree int
	// symmetric: every cone is. Only then is there a start by least squares.
	symmetric bool
	diagonalP bool
	psdP      *sparse.Symbolic // of P with its diagonal, for the check; nil if P is diagonal
	psdAt     []int32          // place of each value of P in that
	psdDiag   []int32
	psdSize   int

	kkt        *sparse.CSC
	sym        *sparse.Symbolic
	sign       []int8
	size       int     // of K
	rowAt      []int32 // row of K for each row of A; -1: eliminated
	rowDiag    []int32 // place of its diagonal entry
	xDiag      []int32
	pAt        []int32 // place of each value of P
	aAt        []int32 // of A; -1: eliminated
	bounds     []bound
	hasElim    bool
	splitsStep bool   // of a block
	inClique   []bool // variables of eliminated cones
}

// bound is a row of A with one entry, in a NonNegative cone.
type bound struct {
	block, row, col int32
	at              int32 // its value of A
}

type form uint8

const (
	formDiagonal form = iota
	formDense
	formExpanded
	formEliminated
)

// block is one cone, or several of the same kind side by side.
type block struct {
	kind     Kind
	form     form
	off, dim int
	k        int // order of a PSD block
	alpha    []float64
	u, v     int32 // expanded: the place of the first entry of either column
	elim     *elimination
}

// Cones up to these sizes stand in the KKT matrix as they are.
const (
	denseSOC      = 4
	denseGenPower = 40
	denseOrder    = 4 // of a PSD block
)

func newPlan(st *Structure) (*plan, error) {
	if st.A == nil {
		return nil, fmt.Errorf("conic: Structure.A is nil, want a matrix, with no rows if there are no constraints")
	}
	if err := st.A.Check(); err != nil {
		return nil, fmt.Errorf("conic: Structure.A: %w", err)
	}
	p := &plan{n: st.N, m: st.A.Rows}
	if st.N < 0 || st.A.Cols != st.N {
		return nil, fmt.Errorf("conic: Structure.A is %d×%d with N = %d, want N columns", st.A.Rows, st.A.Cols, st.N)
	}
	p.a = pattern(st.A)
	if st.P == nil {
		p.p = &sparse.CSC{Rows: st.N, Cols: st.N, ColPtr: make([]int, st.N+1)}
	} else {
		if err := st.P.Check(); err != nil {
			return nil, fmt.Errorf("conic: Structure.P: %w", err)
		}
		if st.P.Rows != st.N || st.P.Cols != st.N {
			return nil, fmt.Errorf("conic: Structure.P is %d×%d, want %d×%d", st.P.Rows, st.P.Cols, st.N, st.N)
		}
		if !st.P.IsUpper() {
			return nil, fmt.Errorf("conic: Structure.P has entries below the diagonal, want the upper triangle alone")
		}
		p.p = pattern(st.P)
	}
	if err := p.addCones(st.Cones); err != nil {
		return nil, err
	}
	p.at, p.atFrom = p.a.Transpose()
	p.diagonalP = true
	for j := range p.n {
		for _, i := range p.p.RowIdx[p.p.ColPtr[j]:p.p.ColPtr[j+1]] {
			if i != j {
				p.diagonalP = false
			}
		}
	}
	if !p.diagonalP {
		var err error
		full, place := withDiagonal(p.p)
		p.psdAt, p.psdDiag, p.psdSize = place, diagonal(full), full.NNZ()
		if p.psdP, err = sparse.Analyze(full, nil, sparse.Auto); err != nil {
			return nil, fmt.Errorf("conic: analyzing P: %w", err)
		}
	}
	p.chooseForms()
	p.assemble()
	var err error
	if p.sym, err = sparse.Analyze(p.kkt, nil, sparse.Auto); err != nil {
		return nil, fmt.Errorf("conic: analyzing the KKT matrix: %w", err)
	}
	return p, nil
}

func pattern(a *sparse.CSC) *sparse.CSC {
	return &sparse.CSC{Rows: a.Rows, Cols: a.Cols, ColPtr: slices.Clone(a.ColPtr), RowIdx: slices.Clone(a.RowIdx)}
}

// withDiagonal returns the pattern with every diagonal entry in it, and where
// the entries of a are there.
func withDiagonal(a *sparse.CSC) (c *sparse.CSC, place []int32) {
	c = &sparse.CSC{Rows: a.Rows, Cols: a.Cols, ColPtr: make([]int, 1, a.Cols+1)}
	for j := range a.Cols {
		rows := a.RowIdx[a.ColPtr[j]:a.ColPtr[j+1]]
		for _, i := range rows {
			place = append(place, int32(len(c.RowIdx)))
			c.RowIdx = append(c.RowIdx, i)
		}
		if len(rows) == 0 || rows[len(rows)-1] != j {
			c.RowIdx = append(c.RowIdx, j)
		}
		c.ColPtr = append(c.ColPtr, len(c.RowIdx))
	}
	return c, place
}

// diagonal returns where the diagonal of an upper triangle is, which has all of it.
func diagonal(a *sparse.CSC) []int32 {
	d := make([]int32, a.Cols)
	for j := range d {
		d[j] = int32(a.ColPtr[j+1] - 1)
	}
	return d
}

func (p *plan) addCones(cones []Cone) error {
	off := 0
	p.symmetric = true
	for i, c := range cones {
		if err := c.check(); err != nil {
			return fmt.Errorf("conic: cone %d: %w", i, err)
		}
		b := block{kind: c.Kind, off: off, dim: c.Dim(), k: c.Size}
		off += b.dim
		if b.dim == 0 {
			continue
		}
		switch c.Kind {
		case SecondOrder, PSD:
			if b.dim == 1 {
				b.kind = NonNegative
			}
		case Exponential:
			p.symmetric = false
		case Power:
			b.alpha = []float64{c.Alpha[0], 1 - c.Alpha[0]}
			p.symmetric = false
		case GenPower:
			b.alpha = slices.Clone(c.Alpha)
			p.symmetric = false
		}
		if last := len(p.blocks) - 1; last >= 0 && p.blocks[last].kind == b.kind && b.kind <= NonNegative {
			p.blocks[last].dim += b.dim
			continue
		}
		p.splitsStep = p.splitsStep || b.splitsStep()
		p.blocks = append(p.blocks, b)
	}
	if off != p.m {
		return fmt.Errorf("conic: the cones have %d rows, want %d, those of A", off, p.m)
	}
	for _, b := range p.blocks {
		p.degree += b.newCone().degree()
	}
	return nil
}

// splitsStep says that Δs of a cone comes from the primal equation, at least in part: near
// the end H has large entries, and HΔz the rounding of Δz times these.
func (b *block) splitsStep() bool { return b.kind == SecondOrder || b.kind == PSD }

// check reports what is wrong with a cone.
func (c Cone) check() error {
	if c.Kind > GenPower {
		return fmt.Errorf("kind is %d, want one of the constants", c.Kind)
	}
	if c.Size < 0 {
		return fmt.Errorf("%v has size %d, want 0 or more", c.Kind, c.Size)
	}
	if c.Kind == PSD && c.Size > 1<<15 {
		return fmt.Errorf("the order of PSD is %d, want at most %d", c.Size, 1<<15)
	}
	if c.Kind != Power && c.Kind != GenPower {
		return nil
	}
	if c.Kind == Power && len(c.Alpha) != 1 {
		return fmt.Errorf("a power cone has %d exponents, want 1", len(c.Alpha))
	}
	sum := 0.0
	for _, a := range c.Alpha {
		if !(a > 0 && a < 1) && !(c.Kind == GenPower && len(c.Alpha) == 1 && a == 1) {
			return fmt.Errorf("%v has the exponent %v, want it between 0 and 1", c.Kind, a)
		}
		sum += a
	}
	if c.Kind == GenPower && !(math.Abs(sum-1) <= 1e-10) {
		return fmt.Errorf("the exponents of GenPower add up to %v, want 1", sum)
	}
	return nil
}

// newCone makes the cone of a block, with its scratch.
func (b *block) newCone() cone {
	switch b.kind {
	case Zero:
		return zero{}
	case NonNegative:
		return newNonneg(b.dim)
	case SecondOrder:
		return newSOC(b.dim)
	case PSD:
		return newPSD(b.k)
	case Exponential:
		return &nonsym3{f: expBarrier{}}
	case Power:
		return &nonsym3{f: power3{powerBarrier{b.alpha}}}
	}
	return newGenPower(b.alpha, b.dim-len(b.alpha))
}

// chooseForms decides how each cone enters the KKT matrix.
func (p *plan) chooseForms() {
	for i := range p.blocks {
		b := &p.blocks[i]
		switch b.kind {
		case Zero, NonNegative:
			b.form = formDiagonal
		case SecondOrder:
			b.form = formDense
			if b.dim > denseSOC {
				b.form = formExpanded
			}
		case GenPower:
			b.form = formDense
			if b.dim > denseGenPower {
				b.form = formExpanded
			}
		case PSD:
			// Eliminated, its variables become a clique; left, its rows are one, and small ones cost
			// less than the products with G⁻¹ do.
			b.form = formDense
			if e := p.newElimination(b); b.k > denseOrder && len(e.vars) <= 2*b.dim {
				b.form, b.elim, p.hasElim = formEliminated, e, true
			}
		default:
			b.form = formDense
		}
	}
}

// assemble makes the pattern of the upper triangle of K and the maps into it:
// variables first, then the rows of A that are not eliminated, then the
// columns of expanded cones.
func (p *plan) assemble() {
	k := &sparse.CSC{ColPtr: make([]int, 1, p.n+p.m+1)}
	p.pAt = make([]int32, p.p.NNZ())
	p.aAt = make([]int32, p.a.NNZ())
	p.xDiag = make([]int32, p.n)
	p.inClique = make([]bool, p.n)
	p.rowAt, p.rowDiag = make([]int32, p.m), make([]int32, p.m)
	for i := range p.aAt {
		p.aAt[i] = -1
	}
	// The variables: P, and the cliques.
	cliques := make([][]int32, p.n) // columns of eliminated cones: rows so far
	var elims []*elimination
	for i := range p.blocks {
		if e := p.blocks[i].elim; e != nil {
			elims = append(elims, e)
			for _, v := range e.vars {
				p.inClique[v] = true
			}
			for a, v := range e.vars {
				cliques[v] = append(cliques[v], e.vars[:a]...)
			}
		}
	}
	place := make([]int32, p.n) // of row i in the current column
	var rows []int32
	for j := range p.n {
		rows = rows[:0]
		rows = append(rows, cliques[j]...)
		cliques[j] = nil
		for _, i := range p.p.RowIdx[p.p.ColPtr[j]:p.p.ColPtr[j+1]] {
			rows = append(rows, int32(i))
		}
		rows = append(rows, int32(j))
		slices.Sort(rows)
		rows = slices.Compact(rows)
		for _, i := range rows {
			place[i] = int32(len(k.RowIdx))
			k.RowIdx = append(k.RowIdx, int(i))
		}
		p.xDiag[j] = place[j]
		for q := p.p.ColPtr[j]; q < p.p.ColPtr[j+1]; q++ {
			p.pAt[q] = place[p.p.RowIdx[q]]
		}
		for _, e := range elims {
			e.note(j, place)
		}
		k.ColPtr = append(k.ColPtr, len(k.RowIdx))
		p.sign = append(p.sign, 1)
	}
	// The rows.
	for bi := range p.blocks {
		b := &p.blocks[bi]
		for l := range b.dim {
			i := b.off + l
			p.rowAt[i], p.rowDiag[i] = -1, -1
			if b.form == formEliminated {
				continue
			}
			if q := p.at.ColPtr[i]; b.kind == NonNegative && p.at.ColPtr[i+1] == q+1 {
				p.bounds = append(p.bounds, bound{int32(bi), int32(i), int32(p.at.RowIdx[q]), int32(p.atFrom[q])})
				continue
			}
			p.rowAt[i] = int32(len(k.ColPtr) - 1)
			for q := p.at.ColPtr[i]; q < p.at.ColPtr[i+1]; q++ {
				p.aAt[p.atFrom[q]] = int32(len(k.RowIdx))
				k.RowIdx = append(k.RowIdx, p.at.RowIdx[q])
			}
			if b.form == formDense {
				for r := range l {
					k.RowIdx = append(k.RowIdx, int(p.rowAt[b.off+r]))
				}
			}
			p.rowDiag[i] = int32(len(k.RowIdx))
			k.RowIdx = append(k.RowIdx, int(p.rowAt[i]))
			k.ColPtr = append(k.ColPtr, len(k.RowIdx))
			p.sign = append(p.sign, -1)
		}
	}
	for bi := range p.blocks {
		b := &p.blocks[bi]
		if b.form != formExpanded {
			continue
		}
		for c, at := range []*int32{&b.u, &b.v} {
			*at = int32(len(k.RowIdx))
			for l := range b.dim {
				k.RowIdx = append(k.RowIdx, int(p.rowAt[b.off+l]))
			}
			k.RowIdx = append(k.RowIdx, len(k.ColPtr)-1)
			k.ColPtr = append(k.ColPtr, len(k.RowIdx))
			p.sign = append(p.sign, int8(1-2*c))
		}
	}
	p.size = len(k.ColPtr) - 1
	k.Rows, k.Cols = p.size, p.size
	p.kkt = k
}
