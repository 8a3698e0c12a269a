package gen

import "fmt"

// All returns named problems of every kind, in several sizes up to n = 60.
func All(seed uint64) []QP {
	list := []QP{
		Convex(seed, 1, 0, 1),
		Convex(seed, 4, 1, 3),
		Convex(seed, 5, 0, 7),
		Convex(seed, 12, 4, 16),
		Convex(seed, 30, 10, 40),
		Convex(seed, 60, 20, 50),
		Convex(seed, 6, 3, 0),
		TwoSided(seed, 1, 0, 1),
		TwoSided(seed, 5, 1, 4),
		TwoSided(seed, 17, 3, 21),
		TwoSided(seed, 40, 8, 30),
		EqualSides(seed, 2, 0, 1),
		EqualSides(seed, 6, 1, 5),
		EqualSides(seed, 25, 5, 20),
		Box(seed, 1),
		Box(seed, 5),
		Box(seed, 33),
		Sudoku(seed, 5, 2),
		Sudoku(seed, 24, 12),
		Sudoku(seed, 60, 40),
		RankDeficient(seed, 2, 0, 3),
		RankDeficient(seed, 6, 1, 6),
		RankDeficient(seed, 20, 4, 20),
		Flat(seed, 4, 1, 4),
		Flat(seed, 16, 2, 12),
		LP(seed, 1, 0, 1),
		LP(seed, 4, 1, 4),
		LP(seed, 5, 0, 9),
		LP(seed, 16, 5, 12),
		LP(seed, 48, 16, 40),
		DegenerateLP(seed, 2),
		DegenerateLP(seed, 9),
		DegenerateQP(seed, 3),
		DegenerateQP(seed, 12),
		Weak(seed, 4, 1, 3),
		Weak(seed, 20, 4, 16),
		Redundant(seed, 6, 3, 4),
		Redundant(seed, 20, 10, 16),
		Duplicated(seed, 5, 1, 6),
		Duplicated(seed, 18, 4, 20),
		Unconstrained(seed, 1),
		Unconstrained(seed, 7),
		Unconstrained(seed, 31),
		InfeasibleRows(seed, 1, 0, 3),
		InfeasibleRows(seed, 5, 1, 6),
		InfeasibleRows(seed, 30, 6, 40),
		InfeasibleEqualities(seed, 1, 2, 0),
		InfeasibleEqualities(seed, 6, 4, 3),
		InfeasibleEqualities(seed, 20, 12, 10),
		InfeasibleBounds(seed, 1, 0, 1),
		InfeasibleBounds(seed, 8, 0, 4),
		InfeasibleBounds(seed, 32, 0, 20),
		InfeasibleMixed(seed, 1, 1, 1),
		InfeasibleMixed(seed, 5, 2, 4),
		InfeasibleMixed(seed, 24, 8, 16),
		Unbounded(seed, 1, 0, 2),
		Unbounded(seed, 6, 2, 5),
		Unbounded(seed, 30, 6, 20),
	}
	for _, bits := range []int{6, 20} {
		for _, p := range []QP{
			Convex(seed, 8, 2, 8),
			TwoSided(seed, 12, 3, 10),
			Sudoku(seed, 12, 5),
			LP(seed, 7, 2, 6),
			Redundant(seed, 8, 4, 4),
			InfeasibleRows(seed, 6, 1, 6),
			Unbounded(seed, 6, 2, 5),
		} {
			list = append(list, Scale(p, seed, bits))
		}
	}
	return list
}

// Many returns small problems of every kind, size drawn at random, for what
// must hold without exception.
func Many(seed uint64) []QP {
	rng := newRand(seed, 0)
	n := 1 + rng.IntN(8)
	eq, ineq := rng.IntN(n), rng.IntN(8)
	list := []QP{
		Convex(seed, n, eq, ineq),
		TwoSided(seed, n, eq, ineq),
		EqualSides(seed, n, eq, ineq),
		Box(seed, n),
		Sudoku(seed, n, eq),
		RankDeficient(seed, n, eq, ineq),
		Flat(seed, n+3, eq, ineq),
		LP(seed, n, eq, ineq),
		DegenerateLP(seed, n),
		DegenerateQP(seed, n),
		Weak(seed, n, eq, ineq),
		Redundant(seed, n+2, eq+2, ineq),
		Duplicated(seed, n+1, eq, ineq+4),
		InfeasibleRows(seed, n, eq, ineq+1),
		InfeasibleEqualities(seed, n, eq+1, ineq),
		InfeasibleEqualities(seed, n, n+2, ineq),
		InfeasibleBounds(seed, n, 0, ineq+1),
		InfeasibleMixed(seed, n, eq, ineq+1),
		Unbounded(seed, n, eq, ineq),
	}
	for i := range list {
		list[i].Name = fmt.Sprintf("%s,seed=%d", list[i].Name, seed)
	}
	return list
}
