package qp

import (
	"math"
	"math/bits"

	"github.com/optnet-go/optnet/internal/dense"
)

// Tolerances of the judgement of Q (DESIGN: the element's own values decide).
const (
	asymmetryTol  = 1e-10 // largest |Q − Qᵀ| relative to the largest |Q|
	indefiniteTol = 1e-14 // Q + n·1e-14·‖Q‖·I must have a Cholesky factor
)

// Reasons for InvalidInput. They are constants, so that Info allocates nothing.
const (
	reasonQAsym    = "Q is not symmetric: |Q−Qᵀ| exceeds 1e-10·‖Q‖"
	reasonQNeg     = "Q is not positive semidefinite: Q + n·1e-14·‖Q‖·I has no Cholesky factor"
	reasonRowCross = "a row of G has its lower side above its upper side"
	reasonBndCross = "a variable has its lower bound above its upper bound"
)

// misplaced are the reasons for a NaN or a misplaced Inf, in the order of the
// Coef bits.
var misplaced = [numCoef]string{
	"Q has a NaN or an Inf",
	"p has a NaN or an Inf",
	"A has a NaN or an Inf",
	"b has a NaN or an Inf",
	"G has a NaN or an Inf",
	"hl has a NaN or +Inf (−Inf means no lower side)",
	"h has a NaN or −Inf (+Inf means no upper side)",
	"l has a NaN or +Inf (−Inf means no lower bound)",
	"u has a NaN or −Inf (+Inf means no upper bound)",
}

// column is the engine's copy of one coefficient: matrices with padded rows.
type column struct {
	x      []float64
	one    int // length of one value as stored
	shared bool
	reason []string  // of each value: why it is invalid, or ""
	max    []float64 // of each value: its largest |entry|
	norm   []float64 // of each value of A and G: the 2-norms of its rows, 1 for a zero row
	rows   int

	definite []int8 // of each value of a dense Q: 1 if semidefinite, −1 if not, 0 if unknown
}

func (c *column) index(i int) int {
	if c.shared {
		return 0
	}
	return i
}

// at returns element i's value.
func (c *column) at(i int) []float64 {
	i = c.index(i)
	return c.x[i*c.one : (i+1)*c.one]
}

func (c *column) norms(i int) []float64 {
	i = c.index(i)
	return c.norm[i*c.rows : (i+1)*c.rows]
}

// resize makes room for the given number of values.
func (c *column) resize(values int) {
	if n := values * c.one; cap(c.x) < n {
		c.x = dense.Alloc(n)
	} else {
		c.x = c.x[:n]
	}
	if cap(c.reason) < values {
		c.reason = make([]string, values)
		c.max = make([]float64, values)
		c.definite = make([]int8, values)
	}
	c.reason, c.max, c.definite = c.reason[:values], c.max[:values], c.definite[:values]
	c.norm = grow(c.norm, values*c.rows)
}

// reserve makes room for values without touching those that are there.
func (c *column) reserve(values int) {
	reserveAligned(&c.x, values*c.one)
	reserve(&c.reason, values)
	reserve(&c.max, values)
	reserve(&c.definite, values)
	reserve(&c.norm, values*c.rows)
}

// load copies and judges value i of coefficient k from the user's array.
func (c *column) load(sh Shape, k Coef, i int, src []float64) {
	dst := c.x[i*c.one : (i+1)*c.one]
	n, ld := sh.N, dense.Stride(sh.N)
	rows := 0
	switch {
	case k == CoefQ && sh.Q == Dense:
		rows = n
	case k == CoefA:
		rows = sh.NEq
	case k == CoefG:
		rows = sh.NIneq
	default:
		copy(dst, src)
	}
	if rows > 0 {
		dense.Copy(rows, n, src, n, dst, ld)
	}
	c.reason[i], c.max[i] = judge(k, src)
	c.definite[i] = 0
	if c.reason[i] != "" {
		return
	}
	switch k {
	case CoefQ:
		if sh.Q == Dense {
			c.reason[i] = symmetrize(n, dst, ld, c.max[i])
		} else {
			for _, q := range src {
				if q < -float64(n)*indefiniteTol*c.max[i] {
					c.reason[i] = reasonQNeg
				}
			}
		}
	case CoefA, CoefG:
		for r := range rows {
			w := dense.Norm2(dst[r*ld : r*ld+n])
			if w == 0 {
				w = 1
			}
			c.norm[i*rows+r] = w
		}
	}
}

// judge looks for NaN and misplaced Inf, and returns the largest finite |entry|.
func judge(k Coef, x []float64) (reason string, largest float64) {
	ok := true
	switch k {
	case CoefHL, CoefL:
		for _, v := range x {
			ok = ok && v < math.Inf(1)
			if a := math.Abs(v); a > largest && !math.IsInf(a, 1) {
				largest = a
			}
		}
	case CoefH, CoefU:
		for _, v := range x {
			ok = ok && v > math.Inf(-1)
			if a := math.Abs(v); a > largest && !math.IsInf(a, 1) {
				largest = a
			}
		}
	default:
		largest = dense.NormInf(x)
		ok = largest <= math.MaxFloat64
	}
	if ok {
		return "", largest
	}
	return misplaced[bits.TrailingZeros16(uint16(k))], 0
}

// symmetrize replaces Q by ½(Q+Qᵀ) if the two are close.
func symmetrize(n int, q []float64, ld int, largest float64) string {
	off := 0.0
	for i := range n {
		p := i*ld + i // (j, i) for j = i
		for _, v := range q[i*ld+i : i*ld+n] {
			off = max(off, math.Abs(v-q[p]))
			p += ld
		}
	}
	switch {
	case off > asymmetryTol*largest:
		return reasonQAsym
	case off == 0:
		return ""
	}
	for i := range n {
		for j := i + 1; j < n; j++ {
			m := q[i*ld+j]/2 + q[j*ld+i]/2
			q[i*ld+j], q[j*ld+i] = m, m
		}
	}
	return ""
}
