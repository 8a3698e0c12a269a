package gen

import "fmt"

func name(kind string, n, eq, ineq int) string {
	return fmt.Sprintf("%s/n=%d,eq=%d,ineq=%d", kind, n, eq, ineq)
}

// inner is the number of rows, of those given, to make active: half of them,
// unless that leaves the point no freedom.
func (b *builder) inner(rows int) int { return max(0, min((rows+1)/2, b.N-b.active-1)) }

// Convex is strictly convex, with Gz ≤ h.
func Convex(seed uint64, n, eq, ineq int) QP {
	b := start(seed, n, eq, ineq)
	b.quadratic(n, 0.1)
	b.rows(b.sidesOf(ineq, b.inner(ineq), []side{atUpper}, []side{below}))
	return b.finish(name("convex", n, eq, ineq))
}

// TwoSided is strictly convex; rows and variables have none, one or two sides.
func TwoSided(seed uint64, n, eq, ineq int) QP {
	b := start(seed, n, eq, ineq)
	b.quadratic(n, 0.1)
	on, off := []side{atLower2, atUpper, atUpper2, atLower}, []side{between, free, above, below}
	b.rows(b.sidesOf(ineq, b.inner(ineq), on, off))
	b.bounds(b.sidesOf(n, b.inner(n), on, off))
	return b.finish(name("two-sided", n, eq, ineq))
}

// EqualSides has rows and variables whose two sides are the same number.
func EqualSides(seed uint64, n, eq, ineq int) QP {
	b := start(seed, n, eq, ineq)
	b.quadratic(n, 0.1)
	b.rows(b.sidesOf(ineq, b.inner(ineq), []side{equal, atLower2}, []side{between, above}))
	b.bounds(b.sidesOf(n, b.inner(n), []side{equal, atUpper}, []side{between, free}))
	return b.finish(name("equal-sides", n, eq, ineq))
}

// Box is diagonal, with bounds only.
func Box(seed uint64, n int) QP {
	b := start(seed, n, 0, 0)
	b.diagonal()
	b.bounds(b.sidesOf(n, n/2, []side{atLower2, atUpper2}, []side{between}))
	return b.finish(name("box", n, 0, 0))
}

// Sudoku is diagonal with equalities and z ≥ 0, as the layer that learns to
// play is.
func Sudoku(seed uint64, n, eq int) QP {
	b := start(seed, n, eq, 0)
	b.diagonal()
	for i := range b.Q {
		b.Q[i] = 0.1
	}
	s := b.sidesOf(n, b.inner(n), []side{atLower}, []side{above})
	b.bounds(s)
	for i := range b.Z {
		b.Z[i] -= b.L[i] // the bound becomes 0
		b.L[i] = 0
	}
	return b.finish(name("sudoku", n, eq, 0))
}

// RankDeficient has a Q of half rank; active rows make the solution unique.
func RankDeficient(seed uint64, n, eq, ineq int) QP {
	b := start(seed, n, eq, ineq)
	b.quadratic(n/2, 0)
	need := n - n/2 - eq
	b.rows(b.sidesOf(ineq, min(max(b.inner(ineq), need), ineq), []side{atUpper}, []side{below}))
	return b.finish(name("rank-deficient", n, eq, ineq))
}

// Flat has a whole face of solutions: neither Q nor an active row sees some
// directions.
func Flat(seed uint64, n, eq, ineq int) QP {
	b := start(seed, n, eq, ineq)
	b.quadratic(max(1, n/4), 0)
	b.rows(b.sidesOf(ineq, max(0, min(ineq/4, n-eq-b.rank-1)), []side{atUpper2}, []side{between}))
	b.bounds(b.sidesOf(n, 0, nil, []side{between}))
	return b.finish(name("flat", n, eq, ineq))
}

// LP is a linear program with a unique, nondegenerate vertex: eq equalities,
// about half the rows and enough lower bounds are active.
func LP(seed uint64, n, eq, ineq int) QP {
	b := start(seed, n, eq, ineq)
	b.linear()
	rows := min((ineq+1)/2, n-eq)
	b.rows(b.sidesOf(ineq, rows, []side{atUpper}, []side{below}))
	b.bounds(b.sidesOf(n, n-eq-rows, []side{atLower}, []side{above}))
	return b.finish(name("lp", n, eq, ineq))
}

// DegenerateLP is a linear program with twice as many active rows as variables.
func DegenerateLP(seed uint64, n int) QP {
	b := start(seed, n, 0, 3*n)
	b.linear()
	b.rows(b.sidesOf(3*n, 2*n, []side{atUpper}, []side{below}))
	return b.finish(name("degenerate-lp", n, 0, 3*n))
}

// DegenerateQP is the same with a strictly convex objective.
func DegenerateQP(seed uint64, n int) QP {
	b := start(seed, n, 0, 3*n)
	b.quadratic(n, 0.1)
	b.rows(b.sidesOf(3*n, 2*n, []side{atUpper, atLower2}, []side{below, between}))
	return b.finish(name("degenerate-qp", n, 0, 3*n))
}

// Weak is strictly convex; a third of the active rows and bounds have
// multiplier zero.
func Weak(seed uint64, n, eq, ineq int) QP {
	b := start(seed, n, eq, ineq)
	b.quadratic(n, 0.1)
	b.rows(b.sidesOf(ineq, b.inner(ineq), []side{weakUpper, atUpper, atUpper}, []side{below}))
	b.bounds(b.sidesOf(n, b.inner(n), []side{weakLower, atLower, atUpper}, []side{free, above}))
	return b.finish(name("weak", n, eq, ineq))
}

// Redundant has equalities of which half are combinations of the others.
func Redundant(seed uint64, n, eq, ineq int) QP {
	b := start(seed, n, eq, ineq)
	b.quadratic(n, 0.1)
	for i := (eq + 1) / 2; i < eq; i++ {
		row := b.A[i*n : (i+1)*n]
		first, second := i-(eq+1)/2, (i+1)%((eq+1)/2)
		for j := range row {
			row[j] = 2*b.A[first*n+j] - b.A[second*n+j]
		}
		b.spare++
	}
	b.active -= b.spare
	b.rows(b.sidesOf(ineq, b.inner(ineq), []side{atUpper}, []side{below}))
	b.active += b.spare
	return b.finish(name("redundant", n, eq, ineq))
}

// Duplicated has every active row of G twice, once doubled.
func Duplicated(seed uint64, n, eq, ineq int) QP {
	b := start(seed, n, eq, ineq)
	b.quadratic(n, 0.1)
	s := make([]side, ineq)
	pairs := min(ineq/4+1, ineq/2, n-eq-1)
	for i := range s {
		s[i] = below
		if i < 2*pairs {
			s[i] = atUpper
		}
	}
	for i := range pairs {
		for j := range n {
			b.G[(2*i+1)*n+j] = 2 * b.G[2*i*n+j]
		}
		b.spare++
	}
	b.rows(s)
	return b.finish(name("duplicated", n, eq, ineq))
}

// Unconstrained has no constraints at all.
func Unconstrained(seed uint64, n int) QP {
	b := start(seed, n, 0, 0)
	b.quadratic(n, 0.1)
	return b.finish(name("unconstrained", n, 0, 0))
}
