package qp

import (
	"context"
	"math"
)

// Iterates are points at which another engine leaves the elements of a batch
// for the CPU to go on from.
type Iterates struct {
	// X has Stride numbers an element: z, ν, the net multipliers of all
	// constraints (rows of G, then bounds if the shape has any), their upper
	// slacks, lower slacks, upper multipliers, lower multipliers. Slacks and
	// multipliers of sides that exist are positive; others are 1 and 0.
	X []float64
	// Iterations says how many an element has behind it; −1: it has no point and
	// starts as usual.
	Iterations []int
	// Solved says that the point passes the test and stays as it is.
	Solved []bool
}

// Stride is the length of one element's part of Iterates.X.
func (sh Shape) Stride() int {
	t := sh.NIneq
	if sh.bounded() {
		t += sh.N
	}
	return iterateLen(sh.N, sh.NEq, t)
}

// Resume is Solve for a batch that another engine has begun: an engine on a
// device hands the elements back that are out of the ordinary there. Elements
// are taken up where they were left, by the same method and the same tests, and
// what a solve leaves for derivatives is left. Only a Solver of the CPU can
// resume.
func (s *Solver) Resume(ctx context.Context, dst *Solution, b *Batch, from *Iterates) error {
	if err := s.adopt(dst); err != nil {
		return err
	}
	state, ok := dst.state.(*cpuState)
	if !ok {
		panic("qp: Resume of a Solver that is not the CPU's")
	}
	if n := b.Size * s.sh.Stride(); len(from.X) != n || len(from.Iterations) != b.Size || len(from.Solved) != b.Size {
		return &ShapeError{Name: "Iterates.X", Got: len(from.X), WantShared: -1, WantBatch: n}
	}
	state.from = from
	defer func() { state.from = nil }()
	return s.Solve(ctx, dst, b)
}

// resumeOne takes element i up where another engine left it.
func (s *cpuState) resumeOne(w *worker, i int) {
	if s.open(w, i) && w.enter(i, false) {
		one := len(w.x.all)
		copy(w.x.all, s.from.X[i*one:(i+1)*one])
		if !w.x.finite() {
			w.settle(w.attempt(false), false)
			s.conclude(w, i)
			return
		}
		w.stay()
		w.best.copyFrom(&w.x)
		w.iter = s.from.Iterations[i]
		w.startSize = math.Max(1, w.sys.size(w.x.z))
		if s.from.Solved[i] {
			w.conclude(converged)
		} else {
			w.settle(w.interior(), false)
		}
	}
	s.conclude(w, i)
}
