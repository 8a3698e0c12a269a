package conic

import (
	"cmp"
	"math"
	"slices"

	"github.com/optnet-go/optnet/internal/dense"
)

// An elimination of a PSD block adds to the rows and columns of its variables
//
//	Mᵢⱼ = ⟨Aᵢ, G⁻¹AⱼG⁻¹⟩,
//
// Aᵢ being the matrix that variable i has in the block: the Schur complement of
// semidefinite programming. For each j, ⟨Aᵢ, G⁻¹AⱼG⁻¹⟩ is computed in the
// cheapest of three ways (Fujisawa, Kojima and Nakata 1997), by the number of entries of
// Aⱼ and of those Aᵢ that come after it in the order of decreasing numbers.
type elimination struct {
	off, k int
	vars   []int32 // ascending
	begin  []int   // values of A of each variable: begin ≤ p < end
	end    []int
	row    []int32 // of each entry of those, in order of A: row and column in the matrix
	col    []int32
	first  []int   // where the entries of each variable begin in row and col
	at     []int32 // place of M(a, b), a ≤ b, in the KKT matrix: at[b(b+1)/2+a]

	order []int32   // variables by decreasing number of entries
	way   []int8    // how to do the variable at that place of the order
	lines [][]int32 // the rows that have entries, of the variables with way 1 and 2
}

const (
	wayEntries = iota // every entry of G⁻¹AⱼG⁻¹ that is needed, from entries of Aⱼ
	wayRows           // from the rows of AⱼG⁻¹
	wayProduct        // all of G⁻¹AⱼG⁻¹, as a matrix product
)

func (p *plan) newElimination(b *block) *elimination {
	e := &elimination{off: b.off, k: b.k}
	// Row and column of each entry of a svec.
	rowOf, colOf := make([]int32, b.dim), make([]int32, b.dim)
	for j, q := 0, 0; j < b.k; j++ {
		for i := range j + 1 {
			rowOf[q], colOf[q] = int32(i), int32(j)
			q++
		}
	}
	for j := range p.n {
		rows := p.a.RowIdx[p.a.ColPtr[j]:p.a.ColPtr[j+1]]
		lo, _ := slices.BinarySearch(rows, b.off)
		hi, _ := slices.BinarySearch(rows, b.off+b.dim)
		if lo == hi {
			continue
		}
		e.vars = append(e.vars, int32(j))
		e.begin = append(e.begin, p.a.ColPtr[j]+lo)
		e.end = append(e.end, p.a.ColPtr[j]+hi)
		e.first = append(e.first, len(e.row))
		for _, i := range rows[lo:hi] {
			e.row = append(e.row, rowOf[i-b.off])
			e.col = append(e.col, colOf[i-b.off])
		}
	}
	n := len(e.vars)
	e.at = make([]int32, n*(n+1)/2)
	e.plan()
	return e
}

// plan chooses the way of each variable.
func (e *elimination) plan() {
	n := len(e.vars)
	e.order = make([]int32, n)
	for a := range e.order {
		e.order[a] = int32(a)
	}
	size := func(a int32) int { return e.end[a] - e.begin[a] }
	slices.SortStableFunc(e.order, func(a, b int32) int { return cmp.Compare(size(b), size(a)) })
	after := 0.0
	e.way = make([]int8, n)
	e.lines = make([][]int32, n)
	seen := make([]int32, e.k)
	for x := n - 1; x >= 0; x-- {
		a := e.order[x]
		nz := float64(size(a))
		after += nz
		var lines []int32
		for q := e.first[a]; q < e.first[a]+size(a); q++ {
			for _, i := range [2]int32{e.row[q], e.col[q]} {
				if seen[i] != int32(x+1) {
					seen[i] = int32(x + 1)
					lines = append(lines, i)
				}
			}
		}
		slices.Sort(lines)
		r, k := float64(len(lines)), float64(e.k)
		// In units of an operation outside of the kernels, which are some eight times
		// as fast.
		costs := [3]float64{4 * nz * after, 2*nz*k/8 + r*after, 2*nz*k/8 + 2*k*k*r/8/2 + after}
		e.way[x] = int8(slices.Index(costs[:], min(costs[0], costs[1], costs[2])))
		if e.way[x] != wayEntries {
			e.lines[x] = lines
		}
	}
}

// note takes down where column j of the KKT matrix has its entries.
func (e *elimination) note(j int, place []int32) {
	b, ok := slices.BinarySearch(e.vars, int32(j))
	if !ok {
		return
	}
	for a := range b + 1 {
		e.at[b*(b+1)/2+a] = place[e.vars[a]]
	}
}

// add adds M to the values of the KKT matrix, a being the values of A.
func (e *elimination) add(c *psd, a, val []float64) {
	g, ld, k := c.inverse(), c.ld, c.k
	const root = math.Sqrt2
	for x, j := range e.order {
		lo := e.first[j]
		nzj := e.end[j] - e.begin[j]
		av := a[e.begin[j]:e.end[j]]
		rows, cols := e.row[lo:lo+nzj], e.col[lo:lo+nzj]
		var t, s []float64 // AⱼG⁻¹ by its lines; the lines of G⁻¹
		lines := e.lines[x]
		if e.way[x] != wayEntries {
			t, s = c.a, c.b
			for l, i := range lines {
				c.v[i] = float64(l)
				clear(t[l*ld : l*ld+ld])
				copy(s[l*ld:l*ld+ld], g[int(i)*ld:int(i)*ld+ld])
			}
			for q, v := range av {
				i, h := int(rows[q]), int(cols[q])
				if i == h {
					dense.Axpy(v, g[h*ld:h*ld+k], t[int(c.v[i])*ld:int(c.v[i])*ld+k])
					continue
				}
				v /= root
				dense.Axpy(v, g[h*ld:h*ld+k], t[int(c.v[i])*ld:int(c.v[i])*ld+k])
				dense.Axpy(v, g[i*ld:i*ld+k], t[int(c.v[h])*ld:int(c.v[h])*ld+k])
			}
			if e.way[x] == wayProduct {
				clear(c.c)
				dense.GemmTN(k, k, len(lines), 1, s, ld, t, ld, c.c, ld)
			}
		}
		for _, i := range e.order[x:] {
			first := e.first[i]
			sum := 0.0
			for q, w := range a[e.begin[i]:e.end[i]] {
				y, z := int(e.row[first+q]), int(e.col[first+q])
				var v float64 // (G⁻¹AⱼG⁻¹)(y, z)
				switch e.way[x] {
				case wayEntries:
					gy, gz := g[y*ld:y*ld+k], g[z*ld:z*ld+k]
					for p, u := range av {
						r, s := rows[p], cols[p]
						if r == s {
							v += u * gy[r] * gz[r]
						} else {
							v += u * (1 / root) * (gy[r]*gz[s] + gy[s]*gz[r])
						}
					}
				case wayRows:
					for l := range lines {
						v += s[l*ld+y] * t[l*ld+z]
					}
				default:
					v = c.c[y*ld+z]
				}
				if y != z {
					v *= root
				}
				sum += w * v
			}
			lo, hi := int(min(i, j)), int(max(i, j))
			val[e.at[hi*(hi+1)/2+lo]] += sum
		}
	}
}
