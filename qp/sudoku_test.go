package qp

import "testing"

// TestNoInterior: the relaxation of a 9×9 Sudoku has one feasible point, at which every
// bound is active. Its gap stays where it is for thirty iterations, while the primal residual
// shrinks steadily: that is progress.
func TestNoInterior(t *testing.T) {
	const puzzle = "000000000005300070020004006060000040080050000000100300001000000003006000000070008"
	const solution = "439761582615382479728594136167239845384657921952148367871425693293816754546973218"
	const k, n, rules = 9, 729, 4 * 81
	d := Data{Q: make([]float64, n), P: make([]float64, n), A: make([]float64, rules*n), B: make([]float64, rules), L: make([]float64, n)}
	for j := range n {
		d.Q[j] = 0.1
	}
	for i := range rules {
		d.B[i] = 1
	}
	for c := range 81 {
		row, col := c/9, c%9
		for digit := range k {
			j := c*k + digit
			for group, of := range []int{c, row*9 + digit, col*9 + digit, (row/3*3+col/3)*9 + digit} {
				d.A[(81*group+of)*n+j] = 1
			}
		}
		if g := puzzle[c]; g > '0' {
			d.L[c*k+int(g-'1')] = 1
		}
	}
	x := solveOne(t, Shape{N: n, NEq: rules, Q: Diagonal, Sides: Lower}, d, nil, nil)
	if x.Info[0].Status != Solved {
		t.Fatalf("%+v", x.Info[0])
	}
	for c := range 81 {
		if v := x.Z[c*k+int(solution[c]-'1')]; !near(v, 1, 1e-6) {
			t.Errorf("cell %d has %v of its digit", c, v)
		}
	}
}
