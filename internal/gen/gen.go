// Package gen makes random quadratic programs whose solution, or proof that
// there is none, is known: for tests and benchmarks.
//
//	minimize   ½ zᵀQz + pᵀz
//	subject to Az = b (ν),  hl ≤ Gz ≤ h (λ),  l ≤ z ≤ u (μ)
//
// A problem is built backwards from its optimality conditions: the point z, the
// side on which each row and each bound rests, and the multipliers are drawn
// first; b, the sides and p = −(Qz + Aᵀν + Gᵀλ + μ) follow. λ and μ are net:
// positive at an upper side, negative at a lower one. Slacks and multipliers
// that are not zero lie between 0.2 and 1.2, so that no row is nearly active
// by chance. Arrays are row-major; equal arguments give equal problems.
package gen

import (
	"math"
	"math/rand/v2"
)

// Form says how Q is stored.
type Form uint8

const (
	Dense    Form = iota // n×n
	Diagonal             // n
	Zero                 // absent
)

// Status is how a problem ends.
type Status uint8

const (
	Solvable Status = iota
	PrimalInfeasible
	DualInfeasible
)

// QP is a problem and what is known about it. A nil array is absent.
type QP struct {
	Name          string
	N, NEq, NIneq int
	Form          Form

	Q, P, A, B, G, HL, H, L, U []float64

	Status Status
	// Solvable: a solution and its multipliers. PrimalInfeasible: Nu, Lambda
	// and Mu have Aᵀν + Gᵀλ + μ = 0 and bᵀν + sidesᵀλ + boundsᵀμ = −1.
	// DualInfeasible: Z is a direction with Qd = 0 and Ad = 0 that meets no side,
	// and pᵀd = −1.
	Z, Nu, Lambda, Mu []float64
	// Feasible is, for DualInfeasible, a point that meets the constraints.
	Feasible []float64

	Unique      bool // the solution is the only one
	DualsUnique bool // so are its multipliers
	Weak        int  // rows and bounds with slack and multiplier zero
	Scaled      int  // by powers of two up to 2^Scaled
}

// Value is the optimal value of a solvable problem.
func (q *QP) Value() float64 {
	var v float64
	qz := q.mulQ(q.Z)
	for i, z := range q.Z {
		v += z * (qz[i]/2 + q.P[i])
	}
	return v
}

// mulQ returns Qx.
func (q *QP) mulQ(x []float64) []float64 {
	y := make([]float64, q.N)
	switch q.Form {
	case Dense:
		addMul(y, q.Q, x)
	case Diagonal:
		for i, d := range q.Q {
			y[i] = d * x[i]
		}
	}
	return y
}

// addMul adds the product of a row-major matrix with x to y.
func addMul(y, m, x []float64) {
	for i := range y {
		for j, v := range x {
			y[i] += m[i*len(x)+j] * v
		}
	}
}

// addMulT adds the product of the transpose with x to y.
func addMulT(y, m, x []float64) {
	for i, v := range x {
		for j := range y {
			y[j] += m[i*len(y)+j] * v
		}
	}
}

// side is where a row or a variable stands between its sides.
type side uint8

const (
	free      side = iota // no side
	below                 // an upper side, not met
	above                 // a lower side, not met
	between               // both, not met
	atUpper               // at its only side
	atLower               //
	atUpper2              // at one of two sides
	atLower2              //
	weakUpper             // at its only side, multiplier zero
	weakLower             //
	equal                 // both sides equal
	numSides
)

func (s side) active() bool { return s >= atUpper }
func (s side) weak() bool   { return s == weakUpper || s == weakLower }

// builder draws the parts of one problem in a fixed order.
type builder struct {
	QP
	rng    *rand.Rand
	rank   int // of Q, and of the active rows
	active int
	spare  int // active rows that depend on others
}

// newRand seeds a generator, differently for different sizes.
func newRand(seed uint64, sizes ...int) *rand.Rand {
	var stream uint64
	for _, n := range sizes {
		stream = stream<<20 ^ uint64(n)
	}
	return rand.New(rand.NewPCG(seed, stream))
}

func start(seed uint64, n, eq, ineq int) *builder {
	b := &builder{rng: newRand(seed, n, eq, ineq)}
	b.N, b.NEq, b.NIneq = n, eq, ineq
	b.Z = b.normals(n, 1)
	b.Nu = b.normals(eq, 1)
	b.A = b.normals(eq*n, 1/math.Sqrt(float64(n)))
	b.G = b.normals(ineq*n, 1/math.Sqrt(float64(n)))
	b.Lambda, b.Mu = make([]float64, ineq), make([]float64, n)
	b.active = eq
	return b
}

func (b *builder) normals(n int, scale float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = scale * b.rng.NormFloat64()
	}
	return x
}

// away is a slack or a multiplier that is not zero.
func (b *builder) away() float64 { return 0.2 + b.rng.Float64() }

// quadratic makes Q of the given rank: shift·I + MᵀM/n with M rank×n.
func (b *builder) quadratic(rank int, shift float64) {
	b.gram(b.normals(rank*b.N, 1/math.Sqrt(float64(b.N))), shift)
	b.rank = rank
	if shift > 0 {
		b.rank = b.N
	}
}

// gram makes Q = shift·I + MᵀM.
func (b *builder) gram(m []float64, shift float64) {
	n := b.N
	b.Form, b.Q = Dense, make([]float64, n*n)
	for i := range n {
		for j := range i + 1 {
			var v float64
			for k := range len(m) / n {
				v += m[k*n+i] * m[k*n+j]
			}
			b.Q[i*n+j], b.Q[j*n+i] = v, v
		}
		b.Q[i*n+i] += shift
	}
}

func (b *builder) diagonal() {
	b.Form, b.Q, b.rank = Diagonal, make([]float64, b.N), b.N
	for i := range b.Q {
		b.Q[i] = b.away()
	}
}

func (b *builder) linear() { b.Form, b.rank = Zero, 0 }

// sidesOf shuffles active sides drawn from on with others drawn from off.
func (b *builder) sidesOf(n, active int, on, off []side) []side {
	s := make([]side, n)
	for i := range s {
		if i < active {
			s[i] = on[i%len(on)]
		} else {
			s[i] = off[i%len(off)]
		}
	}
	b.rng.Shuffle(n, func(i, j int) { s[i], s[j] = s[j], s[i] })
	return s
}

// place draws the sides around value v and the multiplier.
func (b *builder) place(v float64, s side) (lo, hi, mult float64) {
	lo, hi = math.Inf(-1), math.Inf(1)
	switch s {
	case below, between:
		hi = v + b.away()
	case atUpper, atUpper2, weakUpper, equal:
		hi = v
	}
	switch s {
	case above, between, atUpper2:
		lo = v - b.away()
	case atLower, atLower2, weakLower, equal:
		lo = v
	}
	if s == atLower2 {
		hi = v + b.away()
	}
	switch s {
	case atUpper, atUpper2:
		mult = b.away()
	case atLower, atLower2:
		mult = -b.away()
	case equal:
		mult = b.away()
		if b.rng.IntN(2) == 0 {
			mult = -mult
		}
	}
	if s.active() {
		b.active++
	}
	if s.weak() {
		b.Weak++
	}
	return lo, hi, mult
}

// rows puts the rows of G on their sides; sides that no row has stay absent.
func (b *builder) rows(s []side) {
	v := make([]float64, b.NIneq)
	addMul(v, b.G, b.Z)
	b.HL, b.H = b.sides(v, b.Lambda, s)
	if b.HL == nil && b.H == nil && b.NIneq > 0 {
		b.H = repeat(math.Inf(1), b.NIneq)
	}
}

// bounds puts the variables on theirs.
func (b *builder) bounds(s []side) { b.L, b.U = b.sides(b.Z, b.Mu, s) }

func (b *builder) sides(v, mult []float64, s []side) (lo, hi []float64) {
	lo, hi = make([]float64, len(v)), make([]float64, len(v))
	for i := range v {
		lo[i], hi[i], mult[i] = b.place(v[i], s[i])
	}
	return orNil(lo), orNil(hi)
}

func orNil(x []float64) []float64 {
	for _, v := range x {
		if !math.IsInf(v, 0) {
			return x
		}
	}
	return nil
}

func repeat(v float64, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = v
	}
	return x
}

// finish derives b, unless it is there, and p. Rows being drawn from a continuous distribution, the
// solution is unique if the rank of Q and the number of independent, strongly
// active rows reach n together; the multipliers are if no active row is spare.
func (b *builder) finish(name string) QP {
	b.Name = name
	if b.B == nil {
		b.B = make([]float64, b.NEq)
		addMul(b.B, b.A, b.Z)
	}
	b.P = b.mulQ(b.Z)
	addMulT(b.P, b.A, b.Nu)
	addMulT(b.P, b.G, b.Lambda)
	for i := range b.P {
		b.P[i] = -(b.P[i] + b.Mu[i])
	}
	independent := b.active - b.spare
	b.Unique = b.rank+min(independent-b.Weak, b.N) >= b.N
	b.DualsUnique = b.spare == 0 && independent <= b.N
	if b.NEq == 0 {
		b.A, b.B = nil, nil
	}
	if b.NIneq == 0 {
		b.G = nil
	}
	return b.QP
}
