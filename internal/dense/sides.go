package dense

// The functions below are the vector loops of an interior-point iteration
// over inequality constraints lo ≤ c ≤ up, one side of all constraints at a
// time. A side has a slack s > 0 and a multiplier l > 0; sign is +1 for the
// upper side and −1 for the lower one. Where a constraint has no such side,
// on is 0, s is 1 and l is 0, and every step stays 0, so that sums and minima
// need no mask. All slices of a call have the same length.

// Violation returns the largest sign·(c − side), or 0 if none is positive.
// NaN counts as 0.
//
//	for i := range c {
//		v = max(v, sign*(c[i]-side[i]))
//	}
func Violation(sign float64, c, side []float64) float64 {
	if len(c) != len(side) {
		panic(unequal)
	}
	return violation(sign, c, side)
}

// SlackResidual sets r to what slack and constraint disagree by:
//
//	r[i] = sign*(c[i]-side[i]) + s[i]   where on[i] ≠ 0, else 0
func SlackResidual(sign float64, c, side, s, on, r []float64) {
	if n := len(c); len(side) != n || len(s) != n || len(on) != n || len(r) != n {
		panic(unequal)
	}
	slackResidual(sign, c, side, s, on, r)
}

// SideSum returns the sum of side·λ, where side is up for λ > 0 and lo for
// λ < 0, and the sum of the absolute values: of rounded products, in four chains
// as in Dot.
func SideSum(lam, lo, up []float64) (sum, abs float64) {
	if len(lam) != len(lo) || len(lam) != len(up) {
		panic(unequal)
	}
	return sideSum(lam, lo, up)
}

// Weigh sets
//
//	d[i] = 1 / (lu[i]/su[i] + ll[i]/sl[i])
//
// which is +Inf for a constraint without sides. A nil sl means that no
// constraint has a lower side.
func Weigh(su, lu, sl, ll, d []float64) {
	n := len(d)
	if len(su) != n || len(lu) != n || sl != nil && (len(sl) != n || len(ll) != n) {
		panic(unequal)
	}
	weigh(su, lu, sl, ll, d)
}

// Complementarity sets the residual q of s∘l = target, with the second-order
// term of a step if ds is not nil, and what it contributes to the right-hand
// side of the Newton system, h = (l∘r − q)/s:
//
//	q[i] = s[i]*l[i] - target*on[i]
//	q[i] = (s[i]*l[i] + ds[i]*dl[i]) - target*on[i]   // if ds ≠ nil
//	h[i] = (l[i]*r[i] - q[i]) / s[i]
func Complementarity(target float64, s, l, r, on, ds, dl, q, h []float64) {
	n := len(s)
	if len(l) != n || len(r) != n || len(on) != n || len(q) != n || len(h) != n || ds != nil && (len(ds) != n || len(dl) != n) {
		panic(unequal)
	}
	complementarity(target, s, l, r, on, ds, dl, q, h)
}

// SideStep sets the steps of slack and multiplier that follow from the step c
// of the constraints:
//
//	ds[i] = -r[i] - sign*c[i]            where on[i] ≠ 0, else 0
//	dl[i] = -(l[i]*ds[i] + q[i]) / s[i]
func SideStep(sign float64, c, s, l, r, q, on, ds, dl []float64) {
	n := len(c)
	if len(s) != n || len(l) != n || len(r) != n || len(q) != n || len(on) != n || len(ds) != n || len(dl) != n {
		panic(unequal)
	}
	sideStep(sign, c, s, l, r, q, on, ds, dl)
}

// A Side is the slacks and multipliers of one side of every constraint, the
// residuals q of their products, and their steps.
type Side struct {
	S, L, Q, On, DS, DL []float64
}

// FollowMultipliers replaces the steps of constraints whose multiplier is
// large beside the slack, that is where d < small: the multiplier of the
// side with the larger l/s follows the step dlam of the net multiplier, and
// its slack the complementarity condition. For the upper side, which leads if
// lu·sl > ll·su, that is
//
//	dlu[i] = dlam[i] + dll[i]
//	dsu[i] = -(su[i]*dlu[i] + qu[i]) / lu[i]
//
// and for the lower one dll = dlu − dlam, and dsl likewise. Both sides are
// needed: one that no constraint has is made of ones and zeros, as above.
func FollowMultipliers(small, d, dlam []float64, up, lo *Side) {
	n := len(d)
	if len(small) != n || len(dlam) != n || !up.has(n) || !lo.has(n) {
		panic(unequal)
	}
	followMultipliers(small, d, dlam, up, lo)
}

func (s *Side) has(n int) bool {
	return len(s.S) == n && len(s.L) == n && len(s.Q) == n && len(s.On) == n && len(s.DS) == n && len(s.DL) == n
}

// MaxStep returns the smallest of alpha and the steps at which an entry of
// v + α·dv reaches zero:
//
//	for i := range v {
//		if dv[i] < 0 {
//			alpha = min(alpha, v[i]/-dv[i])
//		}
//	}
//
// Quotients that are NaN do not count.
func MaxStep(alpha float64, v, dv []float64) float64 {
	if len(v) != len(dv) {
		panic(unequal)
	}
	return maxStep(alpha, v, dv)
}

// ShiftedDot returns the inner product of s + p·ds and l + d·dl, summed as Dot
// does.
func ShiftedDot(p float64, s, ds []float64, d float64, l, dl []float64) float64 {
	n := len(s)
	if len(ds) != n || len(l) != n || len(dl) != n {
		panic(unequal)
	}
	return shiftedDot(p, s, ds, d, l, dl)
}
