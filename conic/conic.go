// Package conic solves convex cone programs with a quadratic objective
//
//	minimize   ½ xᵀPx + qᵀx     over x ∈ Rⁿ, s ∈ Rᵐ     P symmetric positive semidefinite
//	subject to Ax + s = b       (z)
//	           s ∈ K            K a product of cones, z ∈ K*
//
// and differentiates solutions with respect to P, q, A and b. Stationarity is
// Px + q + Aᵀz = 0. P and A are sparse; their patterns are fixed by a
// [Structure], their values come with each [Batch].
//
// Batch first, float64. An array holds either one value shared by the batch or
// one per element: its length says which. The gradient of a shared coefficient
// is the sum over the batch. Of P the upper triangle is stored: an entry off the
// diagonal stands for two, and its gradient carries both halves.
//
// A [Solver] is a plan: immutable, safe for concurrent use; it holds the
// symbolic work. A [Solution] owns numbers and factors. An element's result
// never depends on its neighbours, to the last bit.
//
// In this package z is the dual variable (package qp writes z for the primal
// one).
package conic

import (
	"strconv"
	"time"

	"github.com/optnet-go/optnet/sparse"
)

// Kind is a kind of cone.
type Kind uint8

const (
	// Zero is {0}.
	Zero Kind = iota
	// NonNegative is s ≥ 0.
	NonNegative
	// SecondOrder is s₀ ≥ ‖(s₁, …)‖.
	SecondOrder
	// PSD is the cone of positive semidefinite matrices of order k, as a vector of
	// k(k+1)/2: the upper triangle column by column, off-diagonals times √2.
	PSD
	// Exponential is the closure of {(x, y, z): y·exp(x/y) ≤ z, y > 0}.
	Exponential
	// Power is {(x, y, z): xᵅy¹⁻ᵅ ≥ |z|, x, y ≥ 0}.
	Power
	// GenPower is {(u, w): ∏ uᵢ^αᵢ ≥ ‖w‖, u ≥ 0}, Σα = 1.
	GenPower
)

// Cone is one factor of K.
type Cone struct {
	Kind Kind
	// Size is the number of rows for Zero, NonNegative and SecondOrder, the order
	// k of the matrix for PSD, and the length of w for GenPower; Exponential and
	// Power have three rows, and ignore it.
	Size int
	// Alpha are the exponents: one for Power, len(u) of them for GenPower.
	Alpha []float64
}

// Dim is the number of rows of A that belong to the cone.
func (c Cone) Dim() int {
	switch c.Kind {
	case PSD:
		return c.Size * (c.Size + 1) / 2
	case Exponential, Power:
		return 3
	case GenPower:
		return len(c.Alpha) + c.Size
	}
	return c.Size
}

// Structure fixes sizes, patterns and cones. Val of the matrices is not used.
type Structure struct {
	N     int         // variables
	P     *sparse.CSC // N×N, upper triangle; nil: no quadratic term
	A     *sparse.CSC // m×N
	Cones []Cone      // in the order of A's rows; their dimensions add up to m
}

// Data is a value in the space of coefficients: the data of a batch, a
// gradient, or a direction.
type Data struct {
	P []float64 // values on Structure.P
	Q []float64 // N
	A []float64 // values on Structure.A
	B []float64 // m
}

// Point is a value in the space of answers. Nil is zero, or absent.
type Point struct {
	X     []float64 // Size×N
	Z     []float64 // Size×m, dual
	S     []float64 // Size×m, slack
	Value []float64 // Size, ½xᵀPx + qᵀx
}

// Coef is a set of coefficients.
type Coef uint8

const (
	CoefP Coef = 1 << iota
	CoefQ
	CoefA
	CoefB
)

// Output is a set of a Solution's results.
type Output uint8

const (
	OutX       Output = 1 << iota // X and Value
	OutDual                       // Z
	OutSlack                      // S
	OutFactors                    // what VJP and JVP need
)

// Batch is Size problems of one Structure. Solve does not retain it.
type Batch struct {
	Data
	Size int
	Keep Coef   // coefficients to take from the previous Solve into the same Solution
	Warm *Point // where elements start: X, Z and S
}

// Problem is one cone program with its values in the matrices.
type Problem struct {
	P     *sparse.CSC // N×N, upper triangle; nil: no quadratic term
	Q     []float64   // N
	A     *sparse.CSC // m×N
	B     []float64   // m
	Cones []Cone
}

// Rule says what a derivative is where it is not unique.
type Rule uint8

const (
	// LeastSquares takes the minimum-norm least-squares solution of the
	// derivative's linear system, with one element of the projection's generalized
	// Jacobian.
	LeastSquares Rule = iota
	// Smoothed differentiates the point of the central path with complementarity
	// Options.Kappa.
	Smoothed
	// Strict returns zero, flagged as Certificate.Zeroed.
	Strict
)

// Options of a Solver. Nil, and zero fields, mean the defaults.
type Options struct {
	Workers int // goroutines of one call; 0: GOMAXPROCS
	// EpsAbs and EpsRel bound each residual by EpsAbs + EpsRel·scale; 0: 1e-8,
	// negative: none.
	EpsAbs, EpsRel float64
	MaxIter        int           // 0: 200
	TimeLimit      time.Duration // of one call of Solve; 0: none
	Rule           Rule
	Kappa          float64 // Smoothed: complementarity of the smoothed point; 0: 1e-4
	// Trace is called for every element after every iteration, Capture for every
	// element that ends neither Solved nor Canceled; calls are serialized.
	Trace   func(Iteration)
	Capture func(i int, p *Problem, info Info)
}

// Iteration is one line of the iteration table.
type Iteration struct {
	Element, Iter     int
	PCost, DCost      float64
	Primal, Dual, Gap float64 // residuals, as in Info
	KT                float64 // κ/τ of the homogeneous embedding
	Mu, Step          float64
}

// Info is how one element ended.
type Info struct {
	Status     Status
	Iterations int
	Retries    int
	// Primal ‖Ax + s − b‖, Dual ‖Px + q + Aᵀz‖ and Gap |xᵀPx + qᵀx + bᵀz| are
	// ∞-norms on the data given.
	Primal, Dual, Gap float64
	Reason            string
}

// Certificate says how far one element's derivative can be trusted.
type Certificate struct {
	Residual float64 // relative residual of the adjoint or tangent system
	Margin   float64 // strict complementarity margin
	RCond    float64 // estimated reciprocal condition; 0: singular, NaN: not known
	Error    float64 // first-order estimate of the derivative's relative error
	Unique   bool    // the derivative exists
	Zeroed   bool    // zero by rule: element not solved, Strict, or a cotangent that is not finite
	Fallback bool    // an iterative least-squares solver was needed
	Rule     Rule
}

// Gradient is the destination of VJP; the zero value is ready.
type Gradient struct {
	Want  Coef // what to write; 0: all
	Add   bool // add to what is there
	Data       // shared or per element, as the batch was
	Certs []Certificate
}

// Tangent is the destination of JVP; the zero value is ready.
type Tangent struct {
	Point
	Certs []Certificate
}

// String returns the name of the constant.
func (k Kind) String() string {
	switch k {
	case Zero:
		return "Zero"
	case NonNegative:
		return "NonNegative"
	case SecondOrder:
		return "SecondOrder"
	case PSD:
		return "PSD"
	case Exponential:
		return "Exponential"
	case Power:
		return "Power"
	case GenPower:
		return "GenPower"
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}
