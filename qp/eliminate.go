package qp

import (
	"github.com/optnet-go/optnet/internal/dense"
)

// An elimination solves the regularized KKT system
//
//	⎡ Q+ρI  Aᵀ        Cᵀ           ⎤ ⎡dz⎤   ⎡rz⎤
//	⎢ A    −(E+δA)                 ⎥ ⎢dν⎥ = ⎢rν⎥
//	⎣ C             −(D⁻¹+E+δC)    ⎦ ⎣dλ⎦   ⎣rλ⎦
//
// for one element, with D changing from factorization to factorization. It is
// quasi-definite, so each order of elimination exists; they differ in cost, and
// in what they ask of Q.
type elimination interface {
	// factor takes D⁻¹: 0 makes a constraint an equality, +Inf drops it. It
	// returns false if a pivot is not positive.
	factor(dinv []float64) bool
	// solve overwrites the right-hand side with the solution. A dropped
	// constraint has dλ = 0.
	solve(r *direction)
	// predict is solve for the predictor, which needs no more than dλ and
	// c = C dz − E dλ: z and ν of r may be left as they were.
	predict(r *direction, c []float64)
	// correct is solve for a right-hand side whose z and ν are those of the last
	// predict.
	correct(r *direction)
	// pivot is the smallest pivot of the last factorization, which was of this
	// D⁻¹, relative to its diagonal entry before elimination: a cheap estimate of
	// a reciprocal condition number that no scaling of the rows changes; 0 where
	// nothing was there to eliminate.
	pivot(dinv []float64) float64
	// remainder replaces a solution x by R x, R being the regularization: that is
	// what x leaves of the right-hand side, but for rounding errors. It returns
	// false where those are the larger part.
	remainder(x *direction) bool
}

// Regularization, relative to γ (ρ, on z) and to wᵢ²/γ (δ, on constraint i).
const (
	rhoCondensed   = 1e-9
	deltaCondensed = 1e-7
	deltaLeast     = 1e-10
	deltaSchur     = 1e-12
)

// pivots is a Cholesky factorization with its smallest pivot, relative to what
// stood on the diagonal before.
type pivots struct {
	diag  []float64 // of the matrix to be factored: set by the caller
	least float64
}

func newPivots(a *arena, n int) *pivots { return &pivots{diag: a.floats(n)} }

// shift adds d to entry i of the diagonal, which stands at x.
func (p *pivots) shift(i int, x *float64, d float64) {
	*x += d
	p.diag[i] = *x
}

// cholesky factors the n×n upper triangle. A pivot is 1/inv²; least is 0 if one
// was not positive.
func (p *pivots) cholesky(n int, a []float64, lda int, inv []float64) bool {
	if dense.Cholesky(n, a, lda, inv, nil) >= 0 {
		p.least = 0
		return false
	}
	most := 1.0
	for i, d := range p.diag[:n] {
		most = max(most, d*inv[i]*inv[i])
	}
	p.least = 1 / most
	return true
}
