package qptest

import (
	"errors"
	"fmt"
	"math"

	"github.com/optnet-go/optnet/qp"
)

const (
	// leeway on a tolerance, because sums are formed in another order here.
	leeway = 1.0001
	// proof is the tolerance of Rays.
	proof = 1e-8
	// ulp times the sum of the magnitudes of what was summed is rounding.
	ulp = 0x1p-50
)

// Residuals are those of one element on the data given.
type Residuals struct {
	Primal, Dual, Gap float64
	// The largest of the terms summed in each.
	PrimalScale, DualScale, GapScale float64
	// What rounding can do to each.
	primalRound, dualRound, gapRound float64
}

// Measure computes the residuals of element i at a point of the batch.
func Measure(sh qp.Shape, b *qp.Batch, x *qp.Point, i int) Residuals {
	sh = normal(sh)
	pt := pointOf(sh, x, i)
	return newElement(sh, &b.Data, i).measure(&pt)
}

// Within is the test for Solved.
func (r Residuals) Within(epsAbs, epsRel float64) bool {
	ok := func(res, scale, round float64) bool { return res <= leeway*(epsAbs+epsRel*scale)+round }
	return ok(r.Primal, r.PrimalScale, r.primalRound) && ok(r.Dual, r.DualScale, r.dualRound) && ok(r.Gap, r.GapScale, r.gapRound)
}

func (r Residuals) String() string {
	return fmt.Sprintf("primal %.3g of %.3g, dual %.3g of %.3g, gap %.3g of %.3g", r.Primal, r.PrimalScale, r.Dual, r.DualScale, r.Gap, r.GapScale)
}

func (e *element) measure(x *qp.Point) (r Residuals) {
	primal := func(residual, round float64, terms ...float64) {
		r.Primal = max(r.Primal, residual)
		r.primalRound = max(r.primalRound, ulp*round)
		for _, t := range terms {
			if !math.IsInf(t, 0) {
				r.PrimalScale = max(r.PrimalScale, math.Abs(t))
				r.primalRound = max(r.primalRound, ulp*math.Abs(t))
			}
		}
	}
	z := x.Z
	az, gz := mul(e.A, z), mul(e.G, z)
	azRound, gzRound := mul(abs(e.A), abs(z)), mul(abs(e.G), abs(z))
	for i, v := range az {
		primal(math.Abs(v-e.B[i]), azRound[i], v, e.B[i])
	}
	for i, v := range gz {
		if !math.IsInf(e.H[i], 1) || !math.IsInf(e.HL[i], -1) { // else without effect
			primal(max(v-e.H[i], e.HL[i]-v), gzRound[i], v, e.H[i], e.HL[i])
		}
	}
	for i, v := range z {
		primal(max(v-e.U[i], e.L[i]-v), 0, v, e.U[i], e.L[i])
	}

	qz := e.qx(z)
	an, gl := mulT(e.A, x.Nu, e.sh.N), mulT(e.G, x.Lambda, e.sh.N)
	abse := element{e.sh, qp.Data{Q: abs(e.Q)}}
	qzRound := abse.qx(abs(z))
	anRound, glRound := mulT(abs(e.A), abs(x.Nu), e.sh.N), mulT(abs(e.G), abs(x.Lambda), e.sh.N)
	for i := range z {
		r.Dual = max(r.Dual, math.Abs(qz[i]+e.P[i]+an[i]+gl[i]+x.Mu[i]))
		for _, t := range []float64{qz[i], e.P[i], an[i], gl[i], x.Mu[i]} {
			r.DualScale = max(r.DualScale, math.Abs(t))
		}
		r.dualRound = max(r.dualRound, ulp*(qzRound[i]+anRound[i]+glRound[i]+math.Abs(e.P[i])+math.Abs(x.Mu[i])))
	}

	sides := dot(e.B, x.Nu) + sidesDot(x.Lambda, e.HL, e.H) + sidesDot(x.Mu, e.L, e.U)
	quad, lin := dot(z, qz), dot(e.P, z)
	r.Gap = math.Abs(quad + lin + sides)
	r.GapScale = max(math.Abs(quad/2+lin), math.Abs(quad/2+sides))
	r.gapRound = ulp * (dot(abs(z), qzRound) + dot(abs(e.P), abs(z)) + dot(abs(e.B), abs(x.Nu)) +
		sidesDot(abs(x.Lambda), nil, absMax(e.HL, e.H)) + sidesDot(abs(x.Mu), nil, absMax(e.L, e.U)))
	return r
}

// sidesDot is the sum over (side at the multiplier's sign)·multiplier. A
// multiplier of an infinite side makes it infinite.
func sidesDot(mult, lo, hi []float64) (s float64) {
	for i, v := range mult {
		switch {
		case v > 0:
			s += v * hi[i]
		case v < 0:
			s += v * lo[i]
		case math.IsNaN(v):
			return v
		}
	}
	return s
}

func abs(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Abs(v)
	}
	return y
}

// absMax is the larger finite magnitude, by entry.
func absMax(x, y []float64) []float64 {
	m := make([]float64, len(x))
	for i := range m {
		for _, v := range []float64{x[i], y[i]} {
			if !math.IsInf(v, 0) {
				m[i] = max(m[i], math.Abs(v))
			}
		}
	}
	return m
}

// Check compares a solved batch with the definitions: every output is a
// number, the residuals reported are those of the point, Solved elements pass
// the test at the tolerances given, multipliers have signs that their sides
// allow, proofs of infeasibility prove it, and InvalidInput is what is invalid.
// The solution must hold Z and the multipliers; the batch must hold all its
// data. The error joins all that is wrong.
func Check(sh qp.Shape, b *qp.Batch, sol *qp.Solution, epsAbs, epsRel float64) error {
	sh = normal(sh)
	if len(sol.Info) != b.Size {
		return fmt.Errorf("%d Infos for %d elements", len(sol.Info), b.Size)
	}
	var errs []error
	for i := range b.Size {
		c := checker{e: newElement(sh, &b.Data, i), info: sol.Info[i], x: pointOf(sh, &sol.Point, i), ray: pointOf(sh, &sol.Rays, i)}
		if len(sol.S) > 0 {
			c.s = part(sol.S, sh.NIneq, i)
		}
		c.check(epsAbs, epsRel)
		for _, err := range c.errs {
			errs = append(errs, fmt.Errorf("element %d, %v: %w", i, c.info.Status, err))
		}
	}
	return errors.Join(errs...)
}

type checker struct {
	e      *element
	info   qp.Info
	x, ray qp.Point
	s      []float64
	errs   []error
}

func (c *checker) errorf(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

func (c *checker) check(epsAbs, epsRel float64) {
	c.numbers()
	c.status()
	if c.info.Status == qp.InvalidInput || len(c.errs) > 0 {
		return
	}
	r := c.e.measure(&c.x)
	c.reported(r)
	c.signs("λ", c.x.Lambda, c.e.HL, c.e.H)
	c.signs("μ", c.x.Mu, c.e.L, c.e.U)
	c.slacks(r)
	c.rays()
	switch c.info.Status {
	case qp.Solved:
		if !r.Within(epsAbs, epsRel) {
			c.errorf("residuals too large for %g + %g·scale: %v", epsAbs, epsRel, r)
		}
	case qp.AlmostSolved:
		if !r.Within(1e-5, 1e-5) {
			c.errorf("residuals too large for 1e-5: %v", r)
		}
	}
}

// numbers checks that nothing is NaN, and that points are finite.
func (c *checker) numbers() {
	for _, x := range []struct {
		name string
		pt   *qp.Point
	}{{"", &c.x}, {"Rays.", &c.ray}} {
		for _, p := range points {
			for j, v := range *p.of(x.pt) {
				if !finite(v) {
					c.errorf("%s%s[%d] is %g", x.name, p.name, j, v)
					break
				}
			}
		}
	}
	for j, v := range c.s {
		if math.IsNaN(v) || math.IsInf(v, -1) {
			c.errorf("S[%d] is %g", j, v)
		}
	}
	for _, v := range []float64{c.info.Primal, c.info.Dual, c.info.Gap} {
		if math.IsNaN(v) || v < 0 {
			c.errorf("residuals reported: %g, %g, %g", c.info.Primal, c.info.Dual, c.info.Gap)
			break
		}
	}
	if c.info.Iterations < 0 || c.info.Retries < 0 {
		c.errorf("%d iterations, %d retries", c.info.Iterations, c.info.Retries)
	}
}

// status checks what the data alone decide.
func (c *checker) status() {
	st := c.info.Status
	stopped := st == qp.Canceled || st == qp.MaxTime
	reason, clear := c.e.invalid()
	switch {
	case st == qp.Unsolved:
		c.errorf("not tried")
	case st == qp.InvalidInput && reason == "" && clear:
		c.errorf("the data are valid, Reason %q", c.info.Reason)
	case st == qp.InvalidInput && c.info.Reason == "":
		c.errorf("no Reason")
	case st != qp.InvalidInput && reason != "" && clear && !stopped:
		c.errorf("want InvalidInput: %s", reason)
	case st != qp.PrimalInfeasible && reason == "" && clear && c.e.crossed() && !stopped:
		c.errorf("want PrimalInfeasible: sides are crossed")
	case st == qp.PrimalInfeasible && c.e.crossed() && c.info.Reason == "":
		c.errorf("no Reason for crossed sides")
	}
}

// reported compares Info and Value with the residuals computed here.
func (c *checker) reported(r Residuals) {
	same := func(name string, got, want, round float64) {
		unknown := math.IsInf(got, 1) && (!finite(want) || c.info.Status == qp.NumericalError)
		const denormal = 1e-307 // numbers too small to have digits
		if !(math.Abs(got-want) <= 1e-6*want+round+denormal) && !unknown {
			c.errorf("%s reported %g, is %g", name, got, want)
		}
	}
	same("Info.Primal", c.info.Primal, r.Primal, r.primalRound)
	same("Info.Dual", c.info.Dual, r.Dual, r.dualRound)
	same("Info.Gap", c.info.Gap, r.Gap, r.gapRound)
	if len(c.x.Value) == 0 {
		return
	}
	if v := dot(c.x.Z, c.e.qx(c.x.Z))/2 + dot(c.e.P, c.x.Z); finite(v) && !(math.Abs(v-c.x.Value[0]) <= r.gapRound+1e-12*math.Abs(v)) {
		c.errorf("Value is %g, want %g", c.x.Value[0], v)
	}
}

// signs checks that only sides that are there have multipliers.
func (c *checker) signs(name string, mult, lo, hi []float64) {
	for i, v := range mult {
		if v > 0 && math.IsInf(hi[i], 1) || v < 0 && math.IsInf(lo[i], -1) {
			c.errorf("%s[%d] is %g, sides [%g, %g]", name, i, v, lo[i], hi[i])
		}
	}
}

// slacks checks S where the point is a solution; elsewhere it is the iterate's.
func (c *checker) slacks(r Residuals) {
	if len(c.s) == 0 {
		return
	}
	tol := 2*r.Primal + r.primalRound + 1e-6*max(1, r.PrimalScale)
	if c.info.Status == qp.AlmostSolved {
		tol += 1e-4 * max(1, r.PrimalScale)
	}
	for i, v := range mul(c.e.G, c.x.Z) {
		want := c.e.H[i] - v
		switch {
		case math.IsInf(want, 1):
			if c.s[i] != want {
				c.errorf("S[%d] is %g, want +Inf", i, c.s[i])
			}
		case c.info.Status != qp.Solved && c.info.Status != qp.AlmostSolved:
		case !(math.Abs(c.s[i]-want) <= tol):
			c.errorf("S[%d] is %g, h − Gz is %g", i, c.s[i], want)
		}
	}
}

// rays checks the proof of an infeasible element, and that others have none.
func (c *checker) rays() {
	e, y := c.e, &c.ray
	mult := max(norm(y.Nu), norm(y.Lambda), norm(y.Mu))
	d := norm(y.Z)
	switch st := c.info.Status; {
	case st == qp.PrimalInfeasible && e.crossed():
		if d != 0 {
			c.errorf("a direction in Rays.Z")
		}
	case st == qp.PrimalInfeasible:
		sum := dot(e.B, y.Nu) + sidesDot(y.Lambda, e.HL, e.H) + sidesDot(y.Mu, e.L, e.U)
		if !(math.Abs(sum+1) <= 1e-8) {
			c.errorf("the sides of the proof sum to %g, want -1", sum)
		}
		an, gl := mulT(e.A, y.Nu, e.sh.N), mulT(e.G, y.Lambda, e.sh.N)
		var res float64
		for i, v := range an {
			res = max(res, math.Abs(v+gl[i]+y.Mu[i]))
		}
		if tol := proof * max(1, sumNorm(transposed(e.A, e.sh.N), e.sh.NEq), sumNorm(transposed(e.G, e.sh.N), e.sh.NIneq)) * mult; !(res <= leeway*tol) {
			c.errorf("the rows of the proof sum to %g, want at most %g", res, tol)
		}
		if d != 0 {
			c.errorf("a direction in Rays.Z")
		}
	case st == qp.DualInfeasible:
		if pd := dot(e.P, y.Z); !(math.Abs(pd+1) <= 1e-8) {
			c.errorf("pᵀd is %g, want -1", pd)
		}
		within := func(name string, v, scale float64) {
			if !(v <= leeway*proof*scale*d) {
				c.errorf("%s is %g along the direction, want at most %g", name, v, proof*scale*d)
			}
		}
		q := norm(e.Q)
		if e.sh.Q == qp.Dense {
			q = sumNorm(e.Q, e.sh.N)
		}
		within("‖Qd‖", norm(e.qx(y.Z)), q)
		within("‖Ad‖", norm(mul(e.A, y.Z)), sumNorm(e.A, e.sh.N))
		meets := func(name string, v, lo, hi []float64, scale float64) {
			for i, x := range v {
				if !math.IsInf(hi[i], 1) {
					within(name, x, scale)
				}
				if !math.IsInf(lo[i], -1) {
					within(name, -x, scale)
				}
			}
		}
		meets("a row of G", mul(e.G, y.Z), e.HL, e.H, sumNorm(e.G, e.sh.N))
		meets("a variable", y.Z, e.L, e.U, 1)
		if mult != 0 {
			c.errorf("multipliers in Rays")
		}
	default:
		if mult != 0 || d != 0 {
			c.errorf("Rays are not zero")
		}
	}
}

// sumNorm is the norm of a matrix that goes with ∞-norms of vectors: the largest
// sum of magnitudes in a row.
func sumNorm(m []float64, cols int) float64 {
	var most float64
	for i := 0; i < len(m); i += cols {
		var sum float64
		for _, v := range m[i : i+cols] {
			sum += math.Abs(v)
		}
		most = max(most, sum)
	}
	return most
}

func transposed(m []float64, cols int) []float64 {
	t, rows := make([]float64, len(m)), len(m)/cols
	for i, v := range m {
		t[i%cols*rows+i/cols] = v
	}
	return t
}

// crossed says whether a lower side is above its upper side.
func (e *element) crossed() bool {
	for i := range e.H {
		if e.HL[i] > e.H[i] {
			return true
		}
	}
	for i := range e.U {
		if e.L[i] > e.U[i] {
			return true
		}
	}
	return false
}
