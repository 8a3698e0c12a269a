package conic

import (
	"errors"
	"fmt"
)

var (
	// ErrNotSolved is wrapped by the error of every status but Solved.
	ErrNotSolved = errors.New("conic: not solved")
	// ErrInfeasible is the error of PrimalInfeasible.
	ErrInfeasible = fmt.Errorf("%w: the constraints contradict each other", ErrNotSolved)
	// ErrUnbounded is the error of DualInfeasible.
	ErrUnbounded = fmt.Errorf("%w: the objective is unbounded below", ErrNotSolved)
	// ErrNoFactors is returned by VJP and JVP of a Solution that has not been
	// solved, or was solved with a Want that lacks OutFactors.
	ErrNoFactors = errors.New("conic: solution holds no factors: solve first, with OutFactors in Solution.Want (or Want 0)")
	// ErrNothingKept is returned when Batch.Keep names a coefficient that the
	// Solution does not hold in the size asked for.
	ErrNothingKept = errors.New("conic: nothing kept")
)

// Err is nil for Solved, and otherwise the error of the status.
func (s Status) Err() error {
	switch s {
	case Solved:
		return nil
	case PrimalInfeasible:
		return ErrInfeasible
	case DualInfeasible:
		return ErrUnbounded
	}
	return ErrNotSolved
}

// ShapeError reports an array of the wrong length.
type ShapeError struct {
	Name       string // of the array: "A"
	Got        int
	WantShared int // length of one value for the whole batch, -1 if that is not allowed here
	WantBatch  int // length of one value per element
}

func (e *ShapeError) Error() string {
	switch {
	case e.WantShared < 0:
		return fmt.Sprintf("conic: %s has %d values, want %d (one per element)", e.Name, e.Got, e.WantBatch)
	case e.WantShared == 0 && e.WantBatch == 0:
		return fmt.Sprintf("conic: %s has %d values, want none: the Structure has no entry of it", e.Name, e.Got)
	case e.WantShared == e.WantBatch:
		return fmt.Sprintf("conic: %s has %d values, want %d", e.Name, e.Got, e.WantBatch)
	}
	return fmt.Sprintf("conic: %s has %d values, want %d (shared) or %d (one per element)", e.Name, e.Got, e.WantShared, e.WantBatch)
}

// ElementError says which element of a batch is the first that is not solved,
// and how many there are.
type ElementError struct {
	Index, Count int
	Status       Status
	Reason       string
}

func (e *ElementError) Error() string {
	msg := fmt.Sprintf("conic: element %d: %v", e.Index, e.Status)
	if e.Reason != "" {
		msg += " (" + e.Reason + ")"
	}
	if e.Count > 1 {
		msg += fmt.Sprintf(", and %d more not solved", e.Count-1)
	}
	return msg
}

// Unwrap returns the error of the status, so that errors.Is finds
// [ErrInfeasible], [ErrUnbounded] and [ErrNotSolved].
func (e *ElementError) Unwrap() error { return e.Status.Err() }
