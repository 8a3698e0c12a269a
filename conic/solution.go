package conic

// Solution is the destination of Solve. The zero value is ready; Solve grows
// it. It serves one goroutine at a time, and must not be copied after use.
type Solution struct {
	// Want names what Solve writes, 0 being all; the rest is empty and costs
	// nothing.
	Want Output
	Point
	Info []Info // Size
	// Rays holds, for an infeasible element, the proof that it is; zero elsewhere.
	// Primal infeasible: Z ∈ K* with Aᵀz = 0 and bᵀz = −1. Dual infeasible: X and
	// S ∈ K with Px = 0, Ax + s = 0 and qᵀx = −1. The equalities hold to
	// 1e-8·max(1, ‖A‖, ‖P‖) times the norm of the ray.
	Rays Point

	_       noCopy
	solver  *Solver
	size    int
	held    bool // data has those coefficients
	factors bool // and the points, for derivatives
	data    Data // copies, shared or per element
	works   []*work
	diff    differentiation
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

const outAll = OutX | OutDual | OutSlack | OutFactors

func (o Output) orAll() Output {
	if o == 0 {
		return outAll
	}
	return o
}

// resize gives the results their lengths, and those not wanted length 0.
// Derivatives need the point, so OutFactors keeps all of it.
func (x *Solution) resize(n, m, size int, want Output) {
	if want&OutFactors != 0 {
		want = outAll
	}
	set := func(a *[]float64, k int, on bool) {
		if !on {
			k = 0
		}
		*a = grow(*a, k*size)
	}
	set(&x.X, n, want&OutX != 0)
	set(&x.Value, 1, want&OutX != 0)
	set(&x.Z, m, want&OutDual != 0)
	set(&x.S, m, want&OutSlack != 0)
	set(&x.Rays.X, n, true)
	set(&x.Rays.Z, m, true)
	set(&x.Rays.S, m, true)
	x.Info = grow(x.Info, size)
	clear(x.Info)
	clear(x.Rays.X)
	clear(x.Rays.Z)
	clear(x.Rays.S)
}

// grow returns a slice of length n, a itself if it is long enough.
func grow[T any](a []T, n int) []T {
	if cap(a) < n {
		return make([]T, n)
	}
	return a[:n]
}

// coefs describes the coefficients, in the order of the bits of Coef.
var coefs = [...]struct {
	name string
	of   func(*Data) *[]float64
	len  func(*plan) int
}{
	{"P", func(d *Data) *[]float64 { return &d.P }, func(p *plan) int { return p.p.NNZ() }},
	{"Q", func(d *Data) *[]float64 { return &d.Q }, func(p *plan) int { return p.n }},
	{"A", func(d *Data) *[]float64 { return &d.A }, func(p *plan) int { return p.a.NNZ() }},
	{"B", func(d *Data) *[]float64 { return &d.B }, func(p *plan) int { return p.m }},
}

// element returns the data of element i, as held.
func (x *Solution) element(i int) Data {
	p := x.solver.plan
	of := func(v []float64, n int) []float64 {
		if len(v) != n { // one per element
			v = v[i*n : (i+1)*n]
		}
		return v
	}
	return Data{P: of(x.data.P, p.p.NNZ()), Q: of(x.data.Q, p.n), A: of(x.data.A, p.a.NNZ()), B: of(x.data.B, p.m)}
}

// slot returns where the results of element i go.
func (x *Solution) slot(i int) slot {
	n, m := x.solver.plan.n, x.solver.plan.m
	part := func(a []float64, k int) []float64 {
		if len(a) == 0 {
			return nil
		}
		return a[i*k : (i+1)*k]
	}
	s := slot{x: part(x.X, n), z: part(x.Z, m), s: part(x.S, m), rayX: part(x.Rays.X, n), rayZ: part(x.Rays.Z, m), rayS: part(x.Rays.S, m), info: &x.Info[i]}
	if len(x.Value) > 0 {
		s.value = &x.Value[i]
	}
	return s
}
