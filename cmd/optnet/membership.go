package main

import (
	"math"

	"github.com/optnet-go/optnet/conic"
	"gonum.org/v1/gonum/mat"
)

// coneResiduals are those of a point of a cone program, computed from its data
// alone. How far a slack or a dual variable lies outside its cone is the smallest t
// for which adding t times an interior point of norm about 1 brings it in.
type coneResiduals struct {
	value                            float64
	primal, dual, gap                float64 // primal and dual include what lies outside K and K*
	primalScale, dualScale, gapScale float64
	worst                            int // the cone that s lies outside of the most, −1
}

// measureCone measures (x, z, s); s may be nil, and is then b − Ax.
func measureCone(p *conic.Problem, x, z, s []float64) *coneResiduals {
	r := &coneResiduals{worst: -1}
	m := len(p.B)
	ax := make([]float64, m)
	atz := make([]float64, len(x))
	px := make([]float64, len(x))
	for j := range x {
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			i, v := p.A.RowIdx[k], p.A.Val[k]
			ax[i] += v * x[j]
			atz[j] += v * z[i]
		}
		if p.P == nil {
			continue
		}
		for k := p.P.ColPtr[j]; k < p.P.ColPtr[j+1]; k++ {
			i, v := p.P.RowIdx[k], p.P.Val[k]
			px[i] += v * x[j]
			if i != j {
				px[j] += v * x[i]
			}
		}
	}
	if s == nil {
		s = make([]float64, m)
		for i := range s {
			s[i] = p.B[i] - ax[i]
		}
	}
	for i := range m {
		r.primal = worse(r.primal, math.Abs(ax[i]+s[i]-p.B[i]))
		r.primalScale = max(r.primalScale, math.Abs(ax[i]), math.Abs(s[i]), math.Abs(p.B[i]))
	}
	var xpx, qx, bz float64
	for j := range x {
		r.dual = worse(r.dual, math.Abs(px[j]+p.Q[j]+atz[j]))
		r.dualScale = max(r.dualScale, math.Abs(px[j]), math.Abs(p.Q[j]), math.Abs(atz[j]))
		xpx += x[j] * px[j]
		qx += p.Q[j] * x[j]
	}
	for i, v := range z {
		bz += v * p.B[i]
	}
	r.gap = math.Abs(xpx + qx + bz)
	r.gapScale = max(math.Abs(xpx/2+qx), math.Abs(xpx/2+bz))
	r.value = xpx/2 + qx
	row := 0
	for k, c := range p.Cones {
		d := c.Dim()
		if t := outside(c, s[row:row+d], false); t > r.primal || math.IsNaN(t) {
			r.primal, r.worst = worse(r.primal, t), k
		}
		r.dual = worse(r.dual, outside(c, z[row:row+d], true))
		row += d
	}
	return r
}

// worse is the larger one; NaN is the worst.
func worse(a, b float64) float64 {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.NaN()
	}
	return max(a, b)
}

// within reports whether every residual is at most abs + rel·scale.
func (r *coneResiduals) within(abs, rel float64) bool {
	return r.primal <= abs+rel*r.primalScale && r.dual <= abs+rel*r.dualScale && r.gap <= abs+rel*r.gapScale
}

func (r *coneResiduals) relative() float64 {
	return max(over(r.primal, r.primalScale), over(r.dual, r.dualScale), over(r.gap, r.gapScale))
}

// outside is how far v lies outside the cone, or its dual.
func outside(c conic.Cone, v []float64, dual bool) float64 {
	t := 0.0
	switch c.Kind {
	case conic.Zero:
		if !dual {
			for _, x := range v {
				t = worse(t, math.Abs(x))
			}
		}
		return t
	case conic.NonNegative:
		for _, x := range v {
			t = worse(t, -x)
		}
		return t
	case conic.SecondOrder:
		if len(v) == 0 {
			return 0
		}
		return worse(0, norm(v[1:])-v[0])
	case conic.PSD:
		return worse(0, -smallestEigenvalue(c.Size, v))
	}
	// (−1.05, 1.26, 0.56) is where exp and its dual cross on their axis of symmetry.
	e := []float64{-1.0514, 1.2590, 0.5559}
	in := inExp
	switch {
	case c.Kind == conic.Exponential && dual:
		in = inExpDual
	case c.Kind != conic.Exponential:
		alpha := c.Alpha
		if c.Kind == conic.Power {
			alpha = []float64{alpha[0], 1 - alpha[0]}
		}
		e = make([]float64, len(v))
		for i := range alpha {
			e[i] = 1
		}
		in = func(v []float64) bool { return inPower(alpha, v, dual) }
	}
	return bisect(v, e, in)
}

// bisect finds the smallest t ≥ 0 with v + te in the cone.
func bisect(v, e []float64, in func([]float64) bool) float64 {
	w := make([]float64, len(v))
	at := func(t float64) bool {
		for i := range w {
			w[i] = v[i] + t*e[i]
		}
		return in(w)
	}
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return math.NaN()
		}
	}
	if at(0) {
		return 0
	}
	hi := 1e-16 * (1 + norm(v))
	for !at(hi) {
		if hi *= 2; math.IsInf(hi, 0) {
			return hi
		}
	}
	lo := hi / 2
	for range 30 {
		if mid := (lo + hi) / 2; at(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi
}

func inExp(v []float64) bool {
	x, y, z := v[0], v[1], v[2]
	if y > 0 {
		return y*math.Exp(x/y) <= z
	}
	return y == 0 && x <= 0 && z >= 0
}

// inExpDual: −u exp(v/u) ≤ e·w, u < 0, closed.
func inExpDual(v []float64) bool {
	u, s, w := v[0], v[1], v[2]
	if u < 0 {
		return -u*math.Exp(s/u-1) <= w
	}
	return u == 0 && s >= 0 && w >= 0
}

// inPower: ∏ uᵢ^αᵢ ≥ ‖w‖; the dual has uᵢ/αᵢ in place of uᵢ.
func inPower(alpha, v []float64, dual bool) bool {
	log := 0.0
	for i, a := range alpha {
		u := v[i]
		if u < 0 {
			return false
		}
		if dual {
			u /= a
		}
		log += a * math.Log(u)
	}
	return norm(v[len(alpha):]) <= math.Exp(log)
}

func norm(v []float64) float64 {
	t := 0.0
	for _, x := range v {
		t = math.Hypot(t, x)
	}
	return t
}

// smallestEigenvalue of the matrix whose svec v is.
func smallestEigenvalue(k int, v []float64) float64 {
	if k == 0 {
		return 0
	}
	a := mat.NewSymDense(k, nil)
	at := 0
	for j := range k {
		for i := range j + 1 {
			x := v[at]
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return math.NaN()
			}
			if i != j {
				x /= math.Sqrt2
			}
			a.SetSym(i, j, x)
			at++
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(a, false) {
		return math.NaN()
	}
	return eig.Values(nil)[0]
}

// coneInfeasibility measures z as a proof that no point is feasible: bᵀz < 0, z in
// the dual cone, ‖Aᵀz‖ at most 1e-8·max(1, ‖A‖)·‖z‖ (bound); left includes what z
// lies outside of K*.
func coneInfeasibility(p *conic.Problem, z []float64) (sum, left, bound float64) {
	size, norm := 1.0, 0.0
	for i, v := range z {
		sum += v * p.B[i]
		norm = max(norm, math.Abs(v))
	}
	for j := range p.A.Cols {
		t := 0.0
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			t += p.A.Val[k] * z[p.A.RowIdx[k]]
			size = max(size, math.Abs(p.A.Val[k]))
		}
		left = worse(left, math.Abs(t))
	}
	row := 0
	for _, c := range p.Cones {
		left = worse(left, outside(c, z[row:row+c.Dim()], true))
		row += c.Dim()
	}
	return sum, left, 1e-8 * size * norm
}

// coneRecession measures x as a direction without bound: qᵀx < 0, Px = 0, −Ax in
// the cone, within 1e-8·norms·‖x‖ (bound).
func coneRecession(p *conic.Problem, x []float64) (slope, left, bound float64) {
	size, norm := 1.0, 0.0
	s := make([]float64, len(p.B))
	px := make([]float64, len(x))
	for j, v := range x {
		slope += p.Q[j] * v
		norm = max(norm, math.Abs(v))
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			s[p.A.RowIdx[k]] -= p.A.Val[k] * v
			size = max(size, math.Abs(p.A.Val[k]))
		}
		if p.P == nil {
			continue
		}
		for k := p.P.ColPtr[j]; k < p.P.ColPtr[j+1]; k++ {
			i, w := p.P.RowIdx[k], p.P.Val[k]
			px[i] += w * v
			if i != j {
				px[j] += w * x[i]
			}
			size = max(size, math.Abs(w))
		}
	}
	for _, v := range px {
		left = worse(left, math.Abs(v))
	}
	row := 0
	for _, c := range p.Cones {
		left = worse(left, outside(c, s[row:row+c.Dim()], false))
		row += c.Dim()
	}
	return slope, left, 1e-8 * size * norm
}
