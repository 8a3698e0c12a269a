package cvx

// Sign is what is known of the sign of all entries of an expression.
type Sign uint8

const (
	UnknownSign Sign = iota
	NonNegative
	NonPositive
	ZeroSign
)

func (s Sign) String() string {
	return [...]string{"unknown sign", "nonnegative", "nonpositive", "zero"}[s]
}

func (s Sign) nonneg() bool { return s == NonNegative || s == ZeroSign }
func (s Sign) nonpos() bool { return s == NonPositive || s == ZeroSign }

// signOf is the sign with the given facts.
func signOf(nonneg, nonpos bool) Sign {
	switch {
	case nonneg && nonpos:
		return ZeroSign
	case nonneg:
		return NonNegative
	case nonpos:
		return NonPositive
	}
	return UnknownSign
}

func (s Sign) neg() Sign         { return signOf(s.nonpos(), s.nonneg()) }
func (s Sign) add(t Sign) Sign   { return signOf(s.nonneg() && t.nonneg(), s.nonpos() && t.nonpos()) }
func (s Sign) union(t Sign) Sign { return s.add(t) }

func (s Sign) mul(t Sign) Sign {
	switch {
	case s == ZeroSign || t == ZeroSign:
		return ZeroSign
	case s == UnknownSign || t == UnknownSign:
		return UnknownSign
	case s == t:
		return NonNegative
	}
	return NonPositive
}

// signOfValues looks at numbers.
func signOfValues(x []float64) Sign {
	nonneg, nonpos := true, true
	for _, v := range x {
		nonneg = nonneg && v >= 0
		nonpos = nonpos && v <= 0
	}
	return signOf(nonneg, nonpos)
}

// Curvature says how an expression depends on the variables.
type Curvature uint8

const (
	// UnknownCurvature: the rules do not show the expression to be any of the
	// others, which does not mean that it is none.
	UnknownCurvature Curvature = iota
	Constant
	Affine
	Convex
	Concave
)

func (c Curvature) String() string {
	return [...]string{"unknown curvature", "constant", "affine", "convex", "concave"}[c]
}

func (c Curvature) constant() bool { return c == Constant }
func (c Curvature) affine() bool   { return c == Constant || c == Affine }
func (c Curvature) convex() bool   { return c.affine() || c == Convex }
func (c Curvature) concave() bool  { return c.affine() || c == Concave }

// curvatureOf is the curvature with the given facts, for what is not constant.
func curvatureOf(convex, concave bool) Curvature {
	switch {
	case convex && concave:
		return Affine
	case convex:
		return Convex
	case concave:
		return Concave
	}
	return UnknownCurvature
}

func (c Curvature) neg() Curvature {
	switch c {
	case Convex:
		return Concave
	case Concave:
		return Convex
	}
	return c
}

// times is the curvature after multiplication by something constant of sign s.
func (c Curvature) times(s Sign) Curvature {
	switch {
	case c.affine():
		return c
	case s == ZeroSign:
		return Affine
	case s.nonneg():
		return c
	case s.nonpos():
		return c.neg()
	}
	return UnknownCurvature
}

// Monotonicity says how a function depends on one argument.
type Monotonicity uint8

const (
	NotMonotone Monotonicity = iota
	NonDecreasing
	NonIncreasing
)

func (m Monotonicity) String() string {
	return [...]string{"neither nondecreasing nor nonincreasing", "nondecreasing", "nonincreasing"}[m]
}

// awayFromZero is nondecreasing on arguments ≥ 0 and nonincreasing on those ≤ 0,
// as norms and even powers are.
func awayFromZero(s Sign) Monotonicity {
	switch {
	case s.nonneg():
		return NonDecreasing
	case s.nonpos():
		return NonIncreasing
	}
	return NotMonotone
}
