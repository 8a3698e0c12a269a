package qp

import (
	"errors"
	"fmt"
)

var (
	// ErrNotSolved is wrapped by the error of every status but Solved.
	ErrNotSolved = errors.New("qp: not solved")
	// ErrInfeasible is the error of PrimalInfeasible.
	ErrInfeasible = fmt.Errorf("%w: the constraints contradict each other", ErrNotSolved)
	// ErrUnbounded is the error of DualInfeasible.
	ErrUnbounded = fmt.Errorf("%w: the objective is unbounded below", ErrNotSolved)
	// ErrNoFactors is returned by VJP and JVP of a Solution that has not been
	// solved, or was solved with a Want that lacks OutFactors.
	ErrNoFactors = errors.New("qp: solution holds no factors: solve first, with OutFactors in Solution.Want (or Want 0)")
	// ErrNothingKept is returned when Batch.Keep names a coefficient that the
	// Solution does not hold in the size asked for.
	ErrNothingKept = errors.New("qp: nothing kept")
)

// ShapeError reports an array of the wrong length.
type ShapeError struct {
	Name       string // of the array: "G"
	Got        int
	WantShared int // length of one value for the whole batch, -1 if that is not allowed here
	WantBatch  int // length of one value per element
}

func (e *ShapeError) Error() string {
	switch {
	case e.WantShared < 0:
		return fmt.Sprintf("qp: %s has %d values, want %d (one per element)", e.Name, e.Got, e.WantBatch)
	case e.WantShared == 0 && e.WantBatch == 0:
		return fmt.Sprintf("qp: %s has %d values, want none: the Shape has no %s", e.Name, e.Got, e.Name)
	case e.WantShared == e.WantBatch:
		return fmt.Sprintf("qp: %s has %d values, want %d", e.Name, e.Got, e.WantBatch)
	}
	return fmt.Sprintf("qp: %s has %d values, want %d (shared) or %d (one per element)", e.Name, e.Got, e.WantShared, e.WantBatch)
}

// ElementError says which element of a batch is the first that is not solved,
// and how many there are.
type ElementError struct {
	Index, Count int
	Status       Status
	Reason       string
}

func (e *ElementError) Error() string {
	msg := fmt.Sprintf("qp: element %d: %v", e.Index, e.Status)
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
