// Package qp solves batches of dense convex quadratic programs
//
//	minimize   ½ zᵀQz + pᵀz     over z ∈ Rⁿ        Q symmetric positive semidefinite
//	subject to Az = b           (ν)
//	           hl ≤ Gz ≤ h      (λ)
//	           l ≤ z ≤ u        (μ)
//
// and differentiates their solutions with respect to all of Q, p, A, b, G, hl,
// h, l, u. With the Lagrangian
//
//	L = ½zᵀQz + pᵀz + νᵀ(Az−b) + λᵀGz + μᵀz − (sides)
//
// the multipliers λ and μ are net: positive at an upper side, negative at a
// lower one, so that λ ≥ 0 where hl is absent, and stationarity reads
// Qz + p + Aᵀν + Gᵀλ + μ = 0. Sides may be infinite, and equal.
//
// Arrays are row-major float64, batch first. An array holds either one value
// shared by the batch or one per element: its length says which. The gradient
// of a shared coefficient is the sum over the batch; that of Q is symmetric,
// for the Frobenius product.
//
// A [Solver] is a plan: immutable, safe for concurrent use. A [Solution] owns
// everything that changes: the answers, the copy of the data and the factors
// that derivatives need, and the scratch of the workers. Two solves in flight
// are two Solutions. An element's result depends on its own data only, to the
// last bit: never on its neighbours, the size or order of the batch, or the
// number of workers.
//
// In this package z is the primal variable (package conic writes x, and z for
// the dual).
package qp

import "time"

// QForm says how Q is stored.
type QForm uint8

const (
	Dense    QForm = iota // n×n, symmetric
	Diagonal              // its n diagonal entries
	Zero                  // absent: a linear program
)

// Sides is a set of constraint sides.
type Sides uint8

const (
	RowLower Sides = 1 << iota // hl ≤ Gz
	RowUpper                   // Gz ≤ h
	Lower                      // l ≤ z
	Upper                      // z ≤ u
)

// Shape fixes the sizes of a problem and the form of its coefficients.
type Shape struct {
	N     int   // variables, at least 1
	NEq   int   // rows of A, may be 0
	NIneq int   // rows of G, may be 0
	Q     QForm // how Q is stored
	// Sides says which of hl, h, l, u are given. Rows of G without a side
	// have an upper one: zero means Gz ≤ h, and free variables.
	Sides Sides
}

// Data is a value in the space of coefficients: the data of a batch, a
// gradient with respect to them, or a direction. Each array has the length
// given here (shared by the batch) or Size times that (one per element).
type Data struct {
	Q []float64 // N×N, or N if Diagonal, or nil if Zero
	P []float64 // N
	A []float64 // NEq×N
	B []float64 // NEq
	G []float64 // NIneq×N
	// HL and H are the sides of the rows of G, NIneq each. −Inf and +Inf
	// make a row one-sided, or of no effect.
	HL, H []float64
	L, U  []float64 // N: the bounds of z, ±Inf where there is none
}

// Point is a value in the space of answers: a solution, a cotangent, a tangent
// or a starting point. Nil is zero, or absent.
type Point struct {
	Z      []float64 // Size×N
	Nu     []float64 // Size×NEq, multipliers of Az = b
	Lambda []float64 // Size×NIneq, net multipliers of the rows of G
	Mu     []float64 // Size×N, net multipliers of the bounds
	Value  []float64 // Size, the optimal value ½zᵀQz + pᵀz
}

// Coef is a set of coefficients.
type Coef uint16

const (
	CoefQ Coef = 1 << iota
	CoefP
	CoefA
	CoefB
	CoefG
	CoefHL
	CoefH
	CoefL
	CoefU
)

// Output is a set of a Solution's results.
type Output uint8

const (
	OutZ       Output = 1 << iota // Z and Value
	OutDuals                      // Nu, Lambda, Mu
	OutSlack                      // S
	OutFactors                    // what VJP and JVP need

	outAll = OutZ | OutDuals | OutSlack | OutFactors
)

// Batch is Size problems of one Shape. Solve does not retain it.
type Batch struct {
	Data
	Size int
	// Keep names coefficients to take from the previous Solve into the same
	// Solution: their slices are not read, and nothing of them is copied,
	// checked or factored again.
	Keep Coef
	// Warm, if not nil, is where elements start. It must have Z; multipliers
	// that are nil are zero. It may be the destination's own Point.
	Warm *Point
}

// Rule says what a derivative is where it is not unique: at a weakly active
// row (slack and multiplier both zero), or where the KKT matrix is singular.
type Rule uint8

const (
	// LeastSquares treats weakly active rows as inactive and takes the
	// minimum-norm least-squares solution of the active-set KKT system.
	LeastSquares Rule = iota
	// WeakActive is the same with weakly active rows active.
	WeakActive
	// Smoothed differentiates the point of the central path with
	// complementarity Options.Kappa, which is smooth in the data, for every
	// element.
	Smoothed
	// Strict returns zero, flagged as Certificate.Zeroed.
	Strict
)

// Options of a Solver. Nil, and zero fields, mean the defaults.
type Options struct {
	Engine  Engine // nil: the CPU
	Workers int    // goroutines of one call; 0: GOMAXPROCS
	// EpsAbs and EpsRel bound each residual by EpsAbs + EpsRel·scale; 0: 1e-8,
	// negative: none.
	EpsAbs, EpsRel float64
	MaxIter        int           // 0: 100
	TimeLimit      time.Duration // of one call of Solve; 0: none
	Rule           Rule
	Kappa          float64 // Smoothed: s∘λ of the smoothed point; 0: 1e-4
	// Trace is called for every element at its start and after every iteration,
	// Capture for every element that ends neither Solved nor Canceled; calls are
	// serialized. The Problem is Capture's to keep.
	Trace   func(Iteration)
	Capture func(i int, p *Problem, info Info)
}

// Iteration is one line of the iteration table: where an element stands at the
// start of iteration Iter, and the steps that led there.
type Iteration struct {
	Element, Iter     int
	Value             float64 // ½zᵀQz + pᵀz
	Primal, Dual, Gap float64 // residuals, as in Info
	Mu                float64 // mean complementarity
	StepP, StepD      float64 // primal and dual step lengths
}

// Info is how one element ended.
type Info struct {
	Status     Status
	Iterations int
	// Retries counts the recoveries: a cold start after a warm one that failed,
	// a change of elimination, a phase that looks for a proof of infeasibility.
	Retries int
	// Primal, Dual and Gap are the ∞-norms of the residuals on the data given:
	//
	//	Primal  Az−b and the violations of rows and bounds
	//	Dual    Qz + p + Aᵀν + Gᵀλ + μ
	//	Gap     |zᵀQz + pᵀz + bᵀν + (side at λ's sign)ᵀλ + (bound at μ's sign)ᵀμ|
	Primal, Dual, Gap float64
	Reason            string // for InvalidInput, NumericalError and some infeasibilities
}

// Certificate says how far one element's derivative can be trusted.
type Certificate struct {
	// Residual is the relative residual of the adjoint (or tangent) system,
	// unregularized and unscaled.
	Residual float64
	// Margin is the strict complementarity margin: the smallest, over rows and
	// bounds, of max(slack, multiplier), both dimensionless. +Inf without rows.
	Margin float64
	// RCond estimates the reciprocal condition number of the active-set KKT
	// matrix after equilibration; 0 if singular.
	RCond float64
	// Error is a first-order estimate of the derivative's relative error: the
	// residuals of the point and of the system, times the condition number.
	Error        float64
	Active, Weak int  // rows of G and bounds that are strongly and weakly active
	Unique       bool // the derivative exists: no weak row, a regular KKT matrix
	Zeroed       bool // zero by rule: element not solved, Strict, or a cotangent that is not finite
	Rule         Rule // what was used where the derivative is not unique
}

// Gradient is the destination of VJP; the zero value is ready.
type Gradient struct {
	Want  Coef // what to write; 0: all that the Shape has
	Add   bool // add to what is there, for gradient accumulation; after an error, some of it may be added
	Data       // shared or per element, as the batch was
	Certs []Certificate
}

// Tangent is the destination of JVP; the zero value is ready.
type Tangent struct {
	Point
	Certs []Certificate
}
