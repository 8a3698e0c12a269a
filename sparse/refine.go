package sparse

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// Refinement bounds iterative refinement: at most Steps corrections, until
// ‖b − Kx‖∞ ≤ Abs + Rel·‖b‖∞, or a correction shrinks the residual by less than
// a factor of Stall.
type Refinement struct {
	Steps    int
	Abs, Rel float64
	Stall    float64
}

// SolveRefined solves K x = b for the matrix itself, without the regularization
// under which f was made: upper and val are what Analyze and Factor were given. It
// returns ‖b − Kx‖∞, with x the best point met, and the number of corrections.
// x and b must not overlap.
func (f *LDL) SolveRefined(upper *CSC, val, b, x []float64, opt Refinement) (residual float64, steps int) {
	n := f.sym.n
	r := f.work[:n] // zero between factorizations, so clear it in the end
	defer clear(r)
	copy(x[:n], b)
	f.Solve(x[:n])
	residue := func() float64 {
		copy(r, b)
		upper.SymMulAdd(val, -1, x, r)
		return dense.NormInf(r)
	}
	residual = residue()
	bound := opt.Abs + opt.Rel*dense.NormInf(b[:n])
	for steps < opt.Steps && !(residual <= bound) && !math.IsNaN(residual) {
		f.Solve(r)
		step := f.step
		for i, d := range r {
			step[i] = d
			x[i] += d
		}
		last := residual
		residual = residue()
		steps++
		if !(residual < last) {
			for i, d := range step {
				x[i] -= d
			}
			return last, steps
		}
		if opt.Stall > 1 && residual*opt.Stall > last {
			break
		}
	}
	return residual, steps
}
