package cvx

// An atom is a function of expressions: its facts, its value, and its graph
// form, a cone representation of its epigraph (or hypograph).
type atom interface {
	// label returns the function's name as users write it, and its arguments that
	// are no expressions, as text that tells two atoms apart.
	label() (name, extra string)
	// curvature, sign and monotone are facts of the function, given signs of its
	// arguments.
	curvature() Curvature
	sign(s []Sign) Sign
	monotone(i int, s []Sign) Monotonicity
	// value computes the function; e has its size and the arguments' sizes.
	value(e *Expr, a [][]float64) []float64
	// graph returns a column t of e's entries, and adds constraints to g, such
	// that f(a) is the smallest t that satisfies them (the largest, if f is
	// concave; t itself, if it is affine).
	graph(g *graph, e *Expr, a []lin) lin
}

// apply makes the expression f(args) of the given size, and hands on the
// mistakes of its arguments.
func apply(f atom, rows, cols int, args ...*Expr) *Expr {
	if oversized(rows, cols) {
		e := &Expr{rows: 1, cols: 1, atom: f, args: args}
		e.bad = problem(e.function(), "the result would be %s, and an expression has at most 2⁴⁰ entries", dims(rows, cols))
		e.bad.Expr = e.String()
		return e
	}
	return &Expr{rows: rows, cols: cols, atom: f, args: args}
}

// oversized says whether a size is beyond what indices are computed for. What fits in
// memory is asked when a model is compiled.
func oversized(rows, cols int) bool {
	const most = 1 << 40
	return rows > most || cols > most || rows > 0 && cols > most/rows
}

// function is the name of the function that e applies.
func (e *Expr) function() string {
	name, _ := e.atom.label()
	return name
}

// wrong is the expression f(args) that carries a mistake.
func wrong(p *Problem, f atom, rows, cols int, args ...*Expr) *Expr {
	e := apply(f, rows, cols, args...)
	e.bad = p
	p.Expr = e.String()
	return e
}

// affine is an atom that is affine: out row by row from in.
type affine struct {
	name, extra string
	signs       func(s []Sign) Sign
	mono        func(i int) Monotonicity
	rows        func(a []lin) lin
	// What the atom does, where it is one of these: entry r of the argument is
	// added, times coef, to entry dst[r]; entry k is the argument's entry idx[k].
	// The indices are made when they are needed.
	dst, idx func() []int
	coef     float64
}

func (f *affine) label() (string, string) { return f.name, f.extra }
func (f *affine) curvature() Curvature    { return Affine }

func (f *affine) sign(s []Sign) Sign {
	if f.signs != nil {
		return f.signs(s)
	}
	u := s[0]
	for _, t := range s[1:] {
		u = u.union(t)
	}
	return u
}

func (f *affine) monotone(i int, _ []Sign) Monotonicity {
	if f.mono != nil {
		return f.mono(i)
	}
	return NonDecreasing
}

func (f *affine) value(e *Expr, a [][]float64) []float64 {
	ls := make([]lin, len(a))
	for i := range a {
		ls[i] = linOf(a[i])
	}
	x, _ := f.rows(ls).constants()
	return x
}

func (f *affine) graph(_ *graph, _ *Expr, a []lin) lin { return f.rows(a) }
