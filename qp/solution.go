package qp

import (
	"context"
	"errors"
)

// Solution is the destination of Solve. The zero value is ready; Solve grows
// it. It serves one goroutine at a time, and must not be copied after use.
type Solution struct {
	// Want names what Solve writes, 0 being all; the rest is empty and costs
	// nothing.
	Want Output
	Point
	S    []float64 // Size×NIneq, the slack h − Gz of the iterate (+Inf where h is)
	Info []Info    // Size
	// Rays holds, for an infeasible element, the proof that it is; zero
	// elsewhere. Primal infeasible: multipliers Nu, Lambda, Mu with
	// Aᵀν + Gᵀλ + μ = 0 and bᵀν + (side at λ's sign)ᵀλ + (bound at μ's sign)ᵀμ = −1.
	// Dual infeasible: a direction Z with Qd = 0, Ad = 0, along which no side is
	// ever met, and pᵀd = −1.
	Rays Point

	_       noCopy
	solver  *Solver
	state   State
	size    int
	lens    [numCoef]int // lengths of the coefficients held
	held    bool         // the state holds those coefficients
	factors bool
	in      Batch // of the call at hand: here, so that a call allocates nothing
	warm    Point
}

type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}

// Err is nil if every element is Solved, and otherwise an *ElementError.
func (x *Solution) Err() error {
	var e *ElementError
	for i := range x.Info {
		if st := x.Info[i].Status; st != Solved {
			if e == nil {
				e = &ElementError{Index: i, Status: st, Reason: x.Info[i].Reason}
			}
			e.Count++
		}
	}
	if e == nil {
		return nil
	}
	return e
}

// Close gives the engine's memory back at once. On the CPU it is optional. The
// Solution can be used again; what it held is forgotten.
func (x *Solution) Close() error {
	state := x.state
	x.solver, x.state, x.held, x.factors = nil, nil, false, false
	if state == nil {
		return nil
	}
	return state.Close()
}

func (o Output) orAll() Output {
	if o == 0 {
		return outAll
	}
	return o
}

// grow gives the results their lengths, and those not wanted length 0.
func (x *Solution) grow(sh Shape, size int, want Output) {
	x.reserve(sh, size, want)
	x.Info = x.Info[:size]
	x.results(sh, func(a *[]float64, n int, when Output) {
		if want&when == 0 {
			n = 0
		}
		*a = (*a)[:n*size]
	})
}

// reserve makes room for results without touching those that are there.
func (x *Solution) reserve(sh Shape, size int, want Output) {
	reserve(&x.Info, size)
	x.results(sh, func(a *[]float64, n int, when Output) {
		if want&when != 0 {
			reserve(a, n*size)
		}
	})
}

// results calls f with every array, its length an element, and when it is wanted.
func (x *Solution) results(sh Shape, sized func(a *[]float64, n int, when Output)) {
	sized(&x.Z, sh.N, OutZ)
	sized(&x.Value, 1, OutZ)
	sized(&x.Nu, sh.NEq, OutDuals)
	sized(&x.Lambda, sh.NIneq, OutDuals)
	sized(&x.Mu, sh.N, OutDuals)
	sized(&x.S, sh.NIneq, OutSlack)
	sized(&x.Rays.Z, sh.N, outAll)
	sized(&x.Rays.Nu, sh.NEq, outAll)
	sized(&x.Rays.Lambda, sh.NIneq, outAll)
	sized(&x.Rays.Mu, sh.N, outAll)
}

// resultBytes is the size of the arrays that grow makes.
func (s *Solver) resultBytes(size int, want Output) int64 {
	sh := s.sh
	n := 2*sh.N + sh.NEq + sh.NIneq // Rays
	if want&OutZ != 0 {
		n += sh.N + 1
	}
	if want&OutDuals != 0 {
		n += sh.NEq + sh.NIneq + sh.N
	}
	if want&OutSlack != 0 {
		n += sh.NIneq
	}
	const info = 80
	return int64(size) * int64(8*n+info)
}

// VJP writes the gradient of a loss with respect to the data of the last Solve,
// given its gradient up with respect to the answers (nil arrays are zero). It
// costs about one iteration of the solver. An element that is not solved, or
// whose part of up is not finite, contributes zero and is flagged Zeroed.
//
// With Smoothed it is the derivative of the smoothed answers. If ctx ends first,
// the error wraps its cause and dst is incomplete.
func (x *Solution) VJP(ctx context.Context, dst *Gradient, up *Point) error {
	if x.state == nil || !x.factors {
		return ErrNoFactors
	}
	sh := x.solver.sh
	if err := checkPoint("up.", sh, up, x.size); err != nil {
		return err
	}
	for k := range coefs {
		c := &coefs[k]
		g := c.of(&dst.Data)
		switch {
		case c.len(sh) == 0 || !dst.wants(1<<k):
			continue
		case !dst.Add:
			*g = grow(*g, x.lens[k])
		case len(*g) == 0:
			*g = grow(*g, x.lens[k])
			clear(*g)
		case len(*g) != x.lens[k]:
			return &ShapeError{Name: "Gradient." + c.name, Got: len(*g), WantShared: x.lens[k], WantBatch: x.lens[k]}
		}
	}
	dst.Certs = growCerts(dst.Certs, x.size)
	return x.state.VJP(ctx, dst, up)
}

// JVP writes the change of the answers when the data of the last Solve move
// along dir: each array of it is nil (no change), shared or per element,
// whatever the coefficient is. The part of dir.Q that is not symmetric has no
// effect. Elements that are not solved, or whose direction is not finite, have
// a zero tangent and are flagged Zeroed. If ctx ends first, the error wraps its
// cause and dst is incomplete.
func (x *Solution) JVP(ctx context.Context, dst *Tangent, dir *Data) error {
	if x.state == nil || !x.factors {
		return ErrNoFactors
	}
	sh := x.solver.sh
	for k := range coefs {
		c := &coefs[k]
		if d := *c.of(dir); len(d) != 0 {
			if err := checkLen(c.name, len(d), c.len(sh), x.size); err != nil {
				return prefixed("dir.", err)
			}
		}
	}
	for k := range points {
		a := points[k].of(&dst.Point)
		*a = grow(*a, points[k].len(sh)*x.size)
		clear(*a)
	}
	dst.Certs = growCerts(dst.Certs, x.size)
	return x.state.JVP(ctx, dst, dir)
}

// prefixed says of whom a *ShapeError speaks.
func prefixed(prefix string, err error) error {
	var e *ShapeError
	if errors.As(err, &e) {
		e.Name = prefix + e.Name
	}
	return err
}

func growCerts(c []Certificate, n int) []Certificate {
	if cap(c) < n {
		return make([]Certificate, n)
	}
	return c[:n]
}
