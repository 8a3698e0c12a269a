package cvx

import (
	"math"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/qp"
)

// maxDense bounds the entries of one element's dense matrices.
const maxDense = 1 << 22

// QPForm is a program as a dense QP: equations in A, inequalities with one
// variable as bounds, the others in G. Its variables are the x of the cone
// program.
type QPForm struct {
	Shape qp.Shape
	maps  [9]*Map // in the order of qp's coefficients
	rows  []source
}

// source tells where the multiplier of a row of the cone program is.
type source struct {
	in  conicRow
	at  int32
	inv float64 // bound c·x + d ≥ 0: −1/c
}

type conicRow uint8

const (
	inNu conicRow = iota
	inLambda
	inMu
)

// Map returns the map from θ to one of the coefficients, nil if the shape has
// none.
func (f *QPForm) Map(c qp.Coef) *Map {
	for k := range f.maps {
		if c == 1<<k {
			return f.maps[k]
		}
	}
	panic("cvx: Map takes one coefficient")
}

// Z writes the dual variable of the cone program.
func (f *QPForm) Z(z, nu, lambda, mu []float64) {
	for r, s := range f.rows {
		switch s.in {
		case inNu:
			z[r] = nu[s.at]
		case inLambda:
			z[r] = lambda[s.at]
		case inMu: // the net multiplier μ of c·x + d ≥ 0 is −c times its own
			z[r] = math.Max(0, mu[s.at]*s.inv)
		}
	}
}

// ZTangent writes its derivative.
func (f *QPForm) ZTangent(z, dnu, dlambda, mu, dmu []float64) {
	for r, s := range f.rows {
		switch s.in {
		case inNu:
			z[r] = dnu[s.at]
		case inLambda:
			z[r] = dlambda[s.at]
		case inMu:
			z[r] = 0
			if mu[s.at]*s.inv > 0 {
				z[r] = dmu[s.at] * s.inv
			}
		}
	}
}

// ZAdjoint adds the transpose's value at dz.
func (f *QPForm) ZAdjoint(dnu, dlambda, dmu, mu, dz []float64) {
	for r, s := range f.rows {
		switch s.in {
		case inNu:
			dnu[s.at] += dz[r]
		case inLambda:
			dlambda[s.at] += dz[r]
		case inMu:
			if mu[s.at]*s.inv > 0 {
				dmu[s.at] += dz[r] * s.inv
			}
		}
	}
}

// dense makes the QP form, nil if there is none.
func (p *Program) dense() *QPForm {
	n := p.structure.N
	nz, nn := 0, 0
	for _, c := range p.structure.Cones {
		switch c.Kind {
		case conic.Zero:
			nz += c.Size
		case conic.NonNegative:
			nn += c.Size
		default:
			return nil
		}
	}
	if int64(n)*int64(n+nz+nn) > maxDense || n < 1 {
		return nil
	}
	type entry struct {
		v int
		k int // in A
	}
	byRow := make([][]entry, nz+nn)
	a := p.structure.A
	for j := range n {
		for k := a.ColPtr[j]; k < a.ColPtr[j+1]; k++ {
			byRow[a.RowIdx[k]] = append(byRow[a.RowIdx[k]], entry{j, k})
		}
	}
	am, bm := p.maps[2], p.maps[3]
	varies := make([]bool, am.Len()) // entries of A that depend on θ
	for _, k := range am.idx {
		varies[k] = true
	}
	f := &QPForm{rows: make([]source, nz+nn)}
	var hasLower, hasUpper = make([]bool, n), make([]bool, n)
	ineq := 0
	for r := range f.rows {
		s := &f.rows[r]
		if r < nz {
			*s = source{in: inNu, at: int32(r)}
			continue
		}
		if es := byRow[r]; len(es) == 1 && !varies[es[0].k] && am.base[es[0].k] != 0 {
			// s = b − a·x ≥ 0 with c = −a.
			c := -am.base[es[0].k]
			has := hasLower
			if c < 0 {
				has = hasUpper
			}
			if j := es[0].v; !has[j] {
				has[j] = true
				*s = source{in: inMu, at: int32(j), inv: -1 / c}
				continue
			}
		}
		*s = source{in: inLambda, at: int32(ineq)}
		ineq++
	}
	f.Shape = qp.Shape{N: n, NEq: nz, NIneq: ineq, Q: qp.Zero}
	const (
		kq = iota
		kp
		ka
		kb
		kg
		khl
		kh
		kl
		ku
	)
	_ = khl
	if ineq > 0 {
		f.Shape.Sides |= qp.RowUpper
	}
	for j := range n {
		if hasLower[j] {
			f.Shape.Sides |= qp.Lower
		}
		if hasUpper[j] {
			f.Shape.Sides |= qp.Upper
		}
	}
	f.maps[kp] = p.maps[1]
	f.maps[ka], f.maps[kb] = newMap(nz*n), newMap(nz)
	f.maps[kg], f.maps[kh] = newMap(ineq*n), newMap(ineq)
	if f.Shape.Sides&qp.Lower != 0 {
		f.maps[kl] = &Map{base: fill(n, math.Inf(-1))}
	}
	if f.Shape.Sides&qp.Upper != 0 {
		f.maps[ku] = &Map{base: fill(n, math.Inf(1))}
	}
	// Entry k of A goes to one place of the dense matrices, entry r of b to one of
	// b, h, l, u.
	type place struct {
		m  *Map
		at int
		c  float64
	}
	toA := make([]place, am.Len())
	toB := make([]place, nz+nn)
	for r, s := range f.rows {
		switch s.in {
		case inNu:
			toB[r] = place{f.maps[kb], int(s.at), 1}
		case inLambda:
			toB[r] = place{f.maps[kh], int(s.at), 1}
		case inMu: // x ≥ −d/c or x ≤ −d/c
			m := f.maps[kl]
			if s.inv > 0 {
				m = f.maps[ku]
			}
			m.base[s.at] = 0
			toB[r] = place{m, int(s.at), s.inv}
			continue
		}
		m := f.maps[ka]
		if s.in == inLambda {
			m = f.maps[kg]
		}
		for _, e := range byRow[r] {
			toA[e.k] = place{m, int(s.at)*n + e.v, 1}
		}
	}
	send := func(src *Map, to []place) {
		for k, v := range src.base {
			if t := to[k]; t.m != nil {
				t.m.set(t.at, -1, t.c*v)
			}
		}
		for k, i := range src.idx {
			if t := to[i]; t.m != nil {
				t.m.set(t.at, src.par[k], t.c*src.coef[k])
			}
		}
	}
	send(am, toA)
	send(bm, toB)
	f.quadratic(p)
	for k, m := range f.maps {
		if m != nil {
			f.maps[k] = m.sorted()
		}
	}
	return f
}

// quadratic makes the map of Q: nothing, its diagonal, or both triangles.
func (f *QPForm) quadratic(p *Program) {
	pp, pm := p.structure.P, p.maps[0]
	if pp == nil || pp.NNZ() == 0 {
		f.maps[0] = nil
		return
	}
	n := pp.Cols
	row, col := make([]int, pp.NNZ()), make([]int, pp.NNZ())
	diag := true
	for j := range n {
		for k := pp.ColPtr[j]; k < pp.ColPtr[j+1]; k++ {
			row[k], col[k] = pp.RowIdx[k], j
			diag = diag && pp.RowIdx[k] == j
		}
	}
	f.Shape.Q = qp.Dense
	m := newMap(n * n)
	if diag {
		f.Shape.Q = qp.Diagonal
		m = newMap(n)
	}
	set := func(k int, par int32, c float64) {
		switch {
		case diag:
			m.set(row[k], par, c)
		case row[k] == col[k]:
			m.set(row[k]*n+col[k], par, c)
		default:
			m.set(row[k]*n+col[k], par, c)
			m.set(col[k]*n+row[k], par, c)
		}
	}
	for k, v := range pm.base {
		set(k, -1, v)
	}
	for k, i := range pm.idx {
		set(int(i), pm.par[k], pm.coef[k])
	}
	f.maps[0] = m
}
