package cvx

import "slices"

// Map is a sparse affine map θ ↦ base + Mθ from parameters to one array of
// problem data. It is immutable. Its three methods are one loop over the entries
// of M: they are adjoint to each other by construction.
type Map struct {
	base     []float64
	idx, par []int32 // entry k of M: row idx[k], column par[k]
	coef     []float64
}

// Len is the length of the array.
func (m *Map) Len() int { return len(m.base) }

// NNZ is the number of entries of M.
func (m *Map) NNZ() int { return len(m.coef) }

// Constant says whether the array does not depend on θ.
func (m *Map) Constant() bool { return len(m.coef) == 0 }

// Apply writes base + Mθ.
func (m *Map) Apply(dst, theta []float64) {
	copy(dst, m.base)
	for k, c := range m.coef {
		dst[m.idx[k]] += c * theta[m.par[k]]
	}
}

// Tangent writes M·dθ.
func (m *Map) Tangent(dst, dtheta []float64) {
	clear(dst)
	for k, c := range m.coef {
		dst[m.idx[k]] += c * dtheta[m.par[k]]
	}
}

// Adjoint adds Mᵀd to dθ.
func (m *Map) Adjoint(dtheta, d []float64) {
	for k, c := range m.coef {
		dtheta[m.par[k]] += c * d[m.idx[k]]
	}
}

// set adds c·θ_p (p = −1: 1) to entry i while the map is made.
func (m *Map) set(i int, p int32, c float64) {
	if p < 0 {
		m.base[i] += c
		return
	}
	m.idx, m.par, m.coef = append(m.idx, int32(i)), append(m.par, p), append(m.coef, c)
}

func newMap(n int) *Map { return &Map{base: make([]float64, n)} }

// sorted orders the entries by row and column, so that Apply writes in order: two
// stable passes, by column and then by row.
func (m *Map) sorted() *Map {
	ordered := true
	for k := 1; k < len(m.idx) && ordered; k++ {
		ordered = m.idx[k-1] < m.idx[k] || m.idx[k-1] == m.idx[k] && m.par[k-1] <= m.par[k]
	}
	if ordered {
		return m
	}
	order := count(len(m.idx))
	for _, key := range [][]int32{m.par, m.idx} {
		start := make([]int32, slices.Max(key)+2)
		for _, v := range key {
			start[v+1]++
		}
		for v := range len(start) - 1 {
			start[v+1] += start[v]
		}
		next := make([]int, len(order))
		for _, k := range order {
			next[start[key[k]]] = k
			start[key[k]]++
		}
		order = next
	}
	s := &Map{base: m.base, idx: make([]int32, len(order)), par: make([]int32, len(order)), coef: make([]float64, len(order))}
	for k, o := range order {
		s.idx[k], s.par[k], s.coef[k] = m.idx[o], m.par[o], m.coef[o]
	}
	return s
}
