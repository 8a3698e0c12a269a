package gen

import "math"

// InfeasibleRows contradicts itself in a combination of all equalities and of
// half the rows of G, and of no fewer.
func InfeasibleRows(seed uint64, n, eq, ineq int) QP {
	b := start(seed, n, eq, ineq)
	b.quadratic(n, 0.1)
	b.H = b.normals(ineq, 1)
	b.HL = make([]float64, ineq)
	for i, h := range b.H {
		b.HL[i] = h - 1 - b.away()
	}
	k := max(1, (ineq+1)/2)
	for i := range k {
		b.Lambda[i] = b.away()
	}
	b.cancel(b.G, b.Lambda, k-1)
	return b.refute(name("infeasible-rows", n, eq, ineq), &b.H[k-1], b.Lambda[k-1])
}

// InfeasibleEqualities has an A whose last row contradicts the others.
func InfeasibleEqualities(seed uint64, n, eq, ineq int) QP {
	b := start(seed, n, eq, ineq)
	b.quadratic(n, 0.1)
	b.rows(b.sidesOf(ineq, 0, nil, []side{below}))
	b.Nu[eq-1] = 1
	b.cancel(b.A, b.Nu, eq-1)
	return b.refute(name("infeasible-equalities", n, eq, ineq), nil, 0)
}

// InfeasibleBounds is a linear program of which one row asks for more than the
// bounds of the variables allow.
func InfeasibleBounds(seed uint64, n, eq, ineq int) QP {
	b := start(seed, n, eq, ineq)
	b.linear()
	clear(b.Nu)
	b.L, b.U = make([]float64, n), make([]float64, n)
	for i, z := range b.Z {
		b.L[i], b.U[i] = z-b.away(), z+b.away()
	}
	b.rows(b.sidesOf(ineq, 0, nil, []side{below}))
	b.Lambda[0] = 1
	for j := range n {
		b.Mu[j] = -b.G[j]
	}
	return b.refute(name("infeasible-bounds", n, eq, ineq), &b.H[0], 1)
}

// InfeasibleMixed contradicts itself in a combination of everything: all
// equalities, rows at upper and at lower sides, bounds at upper and at lower ones.
func InfeasibleMixed(seed uint64, n, eq, ineq int) QP {
	b := start(seed, n, eq, ineq)
	b.quadratic(n/2, 0)
	b.rows(b.sidesOf(ineq, ineq, []side{atUpper2, atLower2, atUpper, atLower}, nil))
	b.L, b.U = make([]float64, n), make([]float64, n)
	addMulT(b.Mu, b.A, b.Nu)
	addMulT(b.Mu, b.G, b.Lambda)
	for j, z := range b.Z {
		b.Mu[j] = -b.Mu[j]
		b.L[j], b.U[j] = z-b.away(), z+b.away()
	}
	// Each bound that the proof uses moves its share of what is missing.
	b.B = make([]float64, eq)
	addMul(b.B, b.A, b.Z)
	sum, size := 1+dot(b.Nu, b.B), 0.0
	for i, v := range b.Lambda {
		sum += bound(v, b.HL, b.H, i)
	}
	for j, v := range b.Mu {
		sum += bound(v, b.L, b.U, j)
		size += math.Abs(v)
	}
	for j, v := range b.Mu {
		switch {
		case v > 0:
			b.U[j] -= sum / size
			b.L[j] = min(b.L[j], b.U[j]-1)
		case v < 0:
			b.L[j] += sum / size
			b.U[j] = max(b.U[j], b.L[j]+1)
		}
	}
	return b.proven(name("infeasible-mixed", n, eq, ineq))
}

// cancel chooses row k of m so that Aᵀν + Gᵀλ is zero.
func (b *builder) cancel(m, mult []float64, k int) {
	row := m[k*b.N : (k+1)*b.N]
	clear(row)
	sum := make([]float64, b.N)
	addMulT(sum, b.A, b.Nu)
	addMulT(sum, b.G, b.Lambda)
	for j := range row {
		row[j] = -sum[j] / mult[k]
	}
}

// refute chooses one side, with multiplier mult, so that the proof's sum is −1;
// nil means the last entry of b.
func (b *builder) refute(name string, one *float64, mult float64) QP {
	b.B = make([]float64, b.NEq)
	addMul(b.B, b.A, b.Z)
	if one == nil {
		one, mult = &b.B[b.NEq-1], b.Nu[b.NEq-1]
	}
	*one = 0
	sum := 1.0
	for i, v := range b.Nu {
		sum += v * b.B[i]
	}
	for i, v := range b.Lambda {
		sum += bound(v, b.HL, b.H, i)
	}
	for i, v := range b.Mu {
		sum += bound(v, b.L, b.U, i)
	}
	*one = -sum / mult
	for i := range b.HL { // one has moved: keep its lower side below it
		b.HL[i] = min(b.HL[i], b.H[i]-1)
	}
	return b.proven(name)
}

// proven is a problem without a solution, of which the multipliers are the proof.
func (b *builder) proven(name string) QP {
	p := b.normals(b.N, 1)
	q := b.finish(name)
	q.P = p
	q.Status, q.Z, q.Unique, q.DualsUnique = PrimalInfeasible, nil, false, false
	return q
}

// bound is a multiplier times the side that its sign names.
func bound(mult float64, lo, hi []float64, i int) float64 {
	switch {
	case mult > 0:
		return mult * hi[i]
	case mult < 0:
		return mult * lo[i]
	}
	return 0
}

// Unbounded has a feasible point from which the objective falls for ever, along
// a direction that all kinds of rows and bounds allow.
func Unbounded(seed uint64, n, eq, ineq int) QP {
	b := start(seed, n, eq, ineq)
	d := b.normals(n, 1)
	m := b.normals(max(0, n-2)*n, 1)
	orthogonal(m, d)
	b.gram(m, 0)
	orthogonal(b.A, d)
	orthogonal(b.G[:ineq/2*n], d) // these rows may have any sides
	kinds := []side{between, below, above, free}
	s := make([]side, ineq)
	for i := range s {
		s[i] = kinds[i%len(kinds)]
		if i >= ineq/2 {
			s[i] = below
			if dot(b.G[i*n:(i+1)*n], d) > 0 {
				s[i] = above
			}
		}
	}
	b.rows(s)
	s = make([]side, n)
	for i := range s {
		if i%3 != 0 {
			continue
		}
		s[i] = below
		if d[i] > 0 {
			s[i] = above
		}
	}
	b.bounds(s)
	p := b.normals(n, 1)
	shift := (1 + dot(p, d)) / dot(d, d)
	for i := range p {
		p[i] -= shift * d[i]
	}
	q := b.finish(name("unbounded", n, eq, ineq))
	q.Feasible, q.Z, q.P = q.Z, d, p
	q.Status, q.Unique, q.DualsUnique = DualInfeasible, false, false
	q.Nu, q.Lambda, q.Mu = nil, nil, nil
	return q
}

// orthogonal takes the direction d out of the rows of m.
func orthogonal(m, d []float64) {
	n := len(d)
	if n == 1 {
		clear(m) // not a rounding error, which is a row too
		return
	}
	for i := range len(m) / n {
		row := m[i*n : (i+1)*n]
		c := dot(row, d) / dot(d, d)
		for j := range row {
			row[j] -= c * d[j]
		}
	}
}

func dot(x, y []float64) float64 {
	var s float64
	for i, v := range x {
		s += v * y[i]
	}
	return s
}
