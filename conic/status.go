package conic

import "fmt"

// Status says how one element ended. The zero value is Unsolved. The words are
// those of package qp.
type Status uint8

const (
	// Unsolved: nothing has been tried.
	Unsolved Status = iota
	// Solved: every residual is within EpsAbs + EpsRel·scale.
	Solved
	// AlmostSolved: no further progress, or a limit reached, but every residual
	// is within 1e-5 of its scale.
	AlmostSolved
	// PrimalInfeasible: no x meets the constraints. Rays.Z proves it: z ∈ K*,
	// Aᵀz = 0, bᵀz = −1.
	PrimalInfeasible
	// DualInfeasible: the objective is unbounded below wherever the constraints
	// hold. Rays.X and Rays.S prove it: Px = 0, Ax + s = 0, s ∈ K, qᵀx = −1.
	DualInfeasible
	// MaxIterations, MaxTime and Canceled: stopped before the end; the point is
	// the best one seen, with its residuals.
	MaxIterations
	MaxTime
	Canceled
	// NumericalError: no progress, and no proof of infeasibility; the point is
	// the best one seen.
	NumericalError
	// InvalidInput: this element's data have a NaN or an Inf, or P is indefinite.
	// Info.Reason says which.
	InvalidInput

	numStatus
)

var statusNames = [numStatus]string{
	"Unsolved", "Solved", "AlmostSolved", "PrimalInfeasible", "DualInfeasible",
	"MaxIterations", "MaxTime", "Canceled", "NumericalError", "InvalidInput",
}

// String returns the name of the constant.
func (s Status) String() string {
	if s < numStatus {
		return statusNames[s]
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// HasPoint tells whether the element's point answers the question asked.
func (s Status) HasPoint() bool { return s == Solved || s == AlmostSolved }
