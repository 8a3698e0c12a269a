package cvx

import (
	"fmt"
	"math"
	"slices"

	"github.com/optnet-go/optnet/conic"
)

// Program is a compiled model: a cone program
//
//	minimize   ½xᵀPx + qᵀx   subject to Ax + s = b, s ∈ K
//
// whose data are affine in the parameters θ, with what it takes to go from
// parameter values to θ, and from x and z back to variables and multipliers. It
// is immutable and safe for concurrent use.
//
// Its methods come in threes: a map, its derivative (Tangent) and the transpose
// of that (Adjoint, which adds to its destination).
type Program struct {
	params   []Param
	vars     []Var
	duals    []Dual
	theta    int // length of θ
	maximize bool
	log      bool // the objective is the logarithm of what is meant: GP

	structure  conic.Structure
	maps       [4]*Map // P, q, A, b
	constant   *Map    // of the objective
	square     []monomial
	quadraticQ *QPForm
}

// Param describes a parameter.
type Param struct {
	Name       string
	Rows, Cols int
	Sign       Sign
	Positive   bool // all entries > 0
	Symmetric  bool
	PSD        bool
	Diagonal   bool // the n diagonal entries stand for it
	linear     int  // where its value is in θ, −1 if it is not
	logarithm  int  // where the logarithm of its value is, −1 if it is not
}

// Size is the number of values of the parameter.
func (p *Param) Size() int {
	if p.Diagonal {
		return p.Rows
	}
	return p.Rows * p.Cols
}

// Var describes a variable.
type Var struct {
	Name       string
	Rows, Cols int
	at         []int32 // x that each entry is, −1: zero
	exp        bool    // the entry is exp of it: GP
}

// Size is the number of entries.
func (v *Var) Size() int { return v.Rows * v.Cols }

// Dual describes the multiplier of a constraint.
type Dual struct {
	Name       string
	Rows, Cols int
	// Entry k is Σ coef[j]·z[row[j]] over ptr[k] ≤ j < ptr[k+1].
	ptr, row []int32
	coef     []float64
}

// Size is the number of entries.
func (d *Dual) Size() int { return d.Rows * d.Cols }

// Params lists the parameters in the order of declaration.
func (p *Program) Params() []Param { return slices.Clone(p.params) }

// Vars lists the variables in the order of declaration.
func (p *Program) Vars() []Var { return slices.Clone(p.vars) }

// Duals lists the multipliers in the order of the constraints; one without a name
// is called by its number.
func (p *Program) Duals() []Dual { return slices.Clone(p.duals) }

// Structure is that of the cone program. It must not be changed.
func (p *Program) Structure() *conic.Structure { return &p.structure }

// Map returns the map from θ to one of the coefficients of the cone program:
// values on the structure's patterns of P and A, q and b.
func (p *Program) Map(c conic.Coef) *Map {
	switch c {
	case conic.CoefP:
		return p.maps[0]
	case conic.CoefQ:
		return p.maps[1]
	case conic.CoefA:
		return p.maps[2]
	case conic.CoefB:
		return p.maps[3]
	}
	panic("cvx: Map takes one coefficient")
}

// QP returns the program as a dense QP, nil if it has cones other than those of
// linear constraints, or is too large to be dense.
func (p *Program) QP() *QPForm { return p.quadraticQ }

// Theta is the length of θ.
func (p *Program) Theta() int { return p.theta }

// ParamTheta writes the part of θ that parameter k determines.
func (p *Program) ParamTheta(theta []float64, k int, value []float64) {
	a := &p.params[k]
	if a.linear >= 0 {
		copy(theta[a.linear:a.linear+len(value)], value)
	}
	if a.logarithm >= 0 {
		for i, v := range value {
			theta[a.logarithm+i] = math.Log(v)
		}
	}
}

// ParamTangent writes the derivative of that part along dvalue.
func (p *Program) ParamTangent(dtheta []float64, k int, value, dvalue []float64) {
	a := &p.params[k]
	if a.linear >= 0 {
		to := dtheta[a.linear : a.linear+len(dvalue)]
		copy(to, dvalue)
		if a.Symmetric {
			symmetricPart(to, a.Rows)
		}
	}
	if a.logarithm >= 0 {
		for i, d := range dvalue {
			dtheta[a.logarithm+i] = d / value[i]
		}
	}
}

// ParamAdjoint adds to dvalue the gradient with respect to parameter k. That of a
// symmetric matrix is symmetric.
func (p *Program) ParamAdjoint(dvalue []float64, k int, value, dtheta []float64) {
	a := &p.params[k]
	if a.linear >= 0 {
		from := dtheta[a.linear : a.linear+len(dvalue)]
		if a.Symmetric {
			n := a.Rows
			for i := range n {
				for j := range n {
					dvalue[i*n+j] += (from[i*n+j] + from[j*n+i]) / 2
				}
			}
		} else {
			for i, d := range from {
				dvalue[i] += d
			}
		}
	}
	if a.logarithm >= 0 {
		for i := range dvalue {
			dvalue[i] += dtheta[a.logarithm+i] / value[i]
		}
	}
}

func symmetricPart(x []float64, n int) {
	for i := range n {
		for j := range i {
			m := (x[i*n+j] + x[j*n+i]) / 2
			x[i*n+j], x[j*n+i] = m, m
		}
	}
}

// Uses says whether parameter k enters the data that a map makes.
func (p *Program) Uses(m *Map, k int) bool {
	a, n := &p.params[k], int32(p.params[k].Size())
	in := func(first int) bool {
		return first >= 0 && slices.ContainsFunc(m.par, func(t int32) bool { return t >= int32(first) && t < int32(first)+n })
	}
	return in(a.linear) || in(a.logarithm)
}

// Logarithmic says whether x stands for logarithms of the variables: the model is one
// of NewGP.
func (p *Program) Logarithmic() bool { return p.log }

// Recover writes the value of variable k at the solution x.
func (p *Program) Recover(dst []float64, k int, x []float64) {
	v := &p.vars[k]
	for i, j := range v.at {
		switch {
		case j < 0:
			dst[i] = 0
		case v.exp:
			dst[i] = math.Exp(x[j])
		default:
			dst[i] = x[j]
		}
	}
}

// RecoverTangent writes its derivative along dx.
func (p *Program) RecoverTangent(dst []float64, k int, x, dx []float64) {
	v := &p.vars[k]
	for i, j := range v.at {
		switch {
		case j < 0:
			dst[i] = 0
		case v.exp:
			dst[i] = math.Exp(x[j]) * dx[j]
		default:
			dst[i] = dx[j]
		}
	}
}

// RecoverAdjoint adds the transpose's value at d to dx.
func (p *Program) RecoverAdjoint(dx []float64, k int, x, d []float64) {
	v := &p.vars[k]
	for i, j := range v.at {
		switch {
		case j < 0:
		case v.exp:
			dx[j] += math.Exp(x[j]) * d[i]
		default:
			dx[j] += d[i]
		}
	}
}

// Multiplier writes multiplier k, from the dual variable z of the cone program.
// It is linear: it is its own derivative.
func (p *Program) Multiplier(dst []float64, k int, z []float64) {
	d := &p.duals[k]
	for i := range dst {
		s := 0.0
		for j := d.ptr[i]; j < d.ptr[i+1]; j++ {
			s += d.coef[j] * z[d.row[j]]
		}
		dst[i] = s
	}
}

// MultiplierAdjoint adds the transpose's value at d to dz.
func (p *Program) MultiplierAdjoint(dz []float64, k int, d []float64) {
	u := &p.duals[k]
	for i := range d {
		for j := u.ptr[i]; j < u.ptr[i+1]; j++ {
			dz[u.row[j]] += u.coef[j] * d[i]
		}
	}
}

// Value is the model's objective, given that of the cone program.
func (p *Program) Value(value float64, theta []float64) float64 {
	var c [1]float64
	p.constant.Apply(c[:], theta)
	value += c[0]
	for _, m := range p.square {
		value += m.c * theta[m.i] * theta[m.j]
	}
	if p.maximize {
		value = -value
	}
	if p.log {
		value = math.Exp(value)
	}
	return value
}

// slope is the derivative of the model's objective with respect to the cone
// program's.
func (p *Program) slope(value float64) float64 {
	s := 1.0
	if p.maximize {
		s = -1
	}
	if p.log {
		s *= value
	}
	return s
}

// ValueTangent is the derivative of the model's objective, which has the given
// value, when the cone program's moves by dvalue and θ by dtheta.
func (p *Program) ValueTangent(value, dvalue float64, theta, dtheta []float64) float64 {
	var c [1]float64
	p.constant.Tangent(c[:], dtheta)
	dvalue += c[0]
	for _, m := range p.square {
		dvalue += m.c * (theta[m.i]*dtheta[m.j] + dtheta[m.i]*theta[m.j])
	}
	return p.slope(value) * dvalue
}

// ValueAdjoint adds to dtheta what a cotangent d of the objective gives it, and
// returns the cotangent of the cone program's objective.
func (p *Program) ValueAdjoint(dtheta []float64, value, d float64, theta []float64) float64 {
	d *= p.slope(value)
	p.constant.Adjoint(dtheta, []float64{d})
	for _, m := range p.square {
		dtheta[m.i] += d * m.c * theta[m.j]
		dtheta[m.j] += d * m.c * theta[m.i]
	}
	return d
}

// String tells the sizes.
func (p *Program) String() string {
	st := &p.structure
	return fmt.Sprintf("program of %d variables, %d rows in %d cones, nnz(P) %d, nnz(A) %d, %d parameter values with %d entries in the map",
		st.N, p.maps[3].Len(), len(st.Cones), p.maps[0].Len(), p.maps[2].Len(), p.theta,
		p.maps[0].NNZ()+p.maps[1].NNZ()+p.maps[2].NNZ()+p.maps[3].NNZ())
}
