package qp

import "fmt"

// Status says how one element ended. The zero value is Unsolved.
type Status uint8

const (
	// Unsolved: nothing has been tried.
	Unsolved Status = iota
	// Solved: every residual is within EpsAbs + EpsRel·scale.
	Solved
	// AlmostSolved: no further progress, or a limit reached, but every residual
	// is within 1e-5 of its scale.
	AlmostSolved
	// PrimalInfeasible: no z meets the constraints. Rays holds multipliers that
	// prove it.
	PrimalInfeasible
	// DualInfeasible: the objective is unbounded below wherever the constraints
	// hold. Rays holds a direction that proves it.
	DualInfeasible
	// MaxIterations, MaxTime and Canceled: stopped before the end; the point is
	// the best one seen, with its residuals.
	MaxIterations
	MaxTime
	Canceled
	// NumericalError: no progress, and no proof of infeasibility; the point is
	// the best one seen.
	NumericalError
	// InvalidInput: this element's data have a NaN, a misplaced Inf, or a Q that
	// is asymmetric or indefinite. Info.Reason says which.
	InvalidInput

	numStatus
)

var statuses = [numStatus]struct {
	name string
	err  error
}{
	Unsolved:         {"Unsolved", ErrNotSolved},
	Solved:           {"Solved", nil},
	AlmostSolved:     {"AlmostSolved", ErrNotSolved},
	PrimalInfeasible: {"PrimalInfeasible", ErrInfeasible},
	DualInfeasible:   {"DualInfeasible", ErrUnbounded},
	MaxIterations:    {"MaxIterations", ErrNotSolved},
	MaxTime:          {"MaxTime", ErrNotSolved},
	Canceled:         {"Canceled", ErrNotSolved},
	NumericalError:   {"NumericalError", ErrNotSolved},
	InvalidInput:     {"InvalidInput", ErrNotSolved},
}

// String returns the name of the constant.
func (s Status) String() string {
	if s < numStatus {
		return statuses[s].name
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// Err is nil for Solved, and otherwise [ErrNotSolved] or an error that wraps it.
func (s Status) Err() error {
	if s < numStatus {
		return statuses[s].err
	}
	return ErrNotSolved
}

// MarshalText returns the name of the constant.
func (s Status) MarshalText() ([]byte, error) {
	if s >= numStatus {
		return nil, fmt.Errorf("qp: no status has the number %d", uint8(s))
	}
	return []byte(statuses[s].name), nil
}

// UnmarshalText accepts the name of a constant.
func (s *Status) UnmarshalText(text []byte) error {
	for i := range statuses {
		if statuses[i].name == string(text) {
			*s = Status(i)
			return nil
		}
	}
	return fmt.Errorf("qp: no status is called %q", text)
}

// differentiable says whether the point is close enough to a solution for its
// derivative to mean anything.
func (s Status) differentiable() bool { return s == Solved || s == AlmostSolved }
