package cvx

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// square is x², entry by entry:
//
//	x² ≤ t  ⟺  ‖(2x, t−1)‖ ≤ t+1
type square struct{}

// Square is x², entry by entry.
func Square(x *Expr) *Expr { return apply(square{}, x.rows, x.cols, x) }

func (square) label() (string, string)               { return "Square", "" }
func (square) curvature() Curvature                  { return Convex }
func (square) sign([]Sign) Sign                      { return NonNegative }
func (square) monotone(_ int, s []Sign) Monotonicity { return awayFromZero(s[0]) }
func (square) value(_ *Expr, a [][]float64) []float64 {
	return each(a[0], func(x float64) float64 { return x * x })
}
func (square) weigh(g *graph, e *Expr, w lin) bool {
	g.weighSquares(g.column(e.args[0]), w)
	return true
}

func (square) graph(g *graph, e *Expr, a []lin) lin {
	t := g.variables(e.Len())
	g.hyperbolic(a[0], t, ones(e.Len()))
	return t
}

// each applies f to every number.
func each(x []float64, f func(float64) float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = f(v)
	}
	return y
}

// quadOverLin is xᵀx/y for y > 0; SumSquares is the case y = 1:
//
//	xᵀx ≤ t·y, y ≥ 0  ⟺  ‖(2x, t−y)‖ ≤ t+y
type quadOverLin struct{}

// QuadOverLin is the sum of squares of x divided by a scalar y > 0.
func QuadOverLin(x, y *Expr) *Expr {
	if !y.scalar() {
		return wrong(problem("QuadOverLin", "QuadOverLin(x, y) takes a scalar y, and this one is %s", y.dims()), quadOverLin{}, 1, 1, x, y)
	}
	return apply(quadOverLin{}, 1, 1, x, y)
}

func (quadOverLin) label() (string, string) { return "QuadOverLin", "" }
func (quadOverLin) curvature() Curvature    { return Convex }
func (quadOverLin) sign([]Sign) Sign        { return NonNegative }

func (quadOverLin) monotone(i int, s []Sign) Monotonicity {
	if i == 1 {
		return NonIncreasing
	}
	return awayFromZero(s[0])
}

func (quadOverLin) value(_ *Expr, a [][]float64) []float64 {
	if a[1][0] <= 0 {
		return []float64{math.Inf(1)}
	}
	return []float64{sumSquares(a[0]) / a[1][0]}
}

func sumSquares(x []float64) (s float64) {
	for _, v := range x {
		s += v * v
	}
	return s
}

func (quadOverLin) weigh(g *graph, e *Expr, w lin) bool {
	y := g.constant(e.args[1])
	if y == nil || y.values()[0] <= 0 {
		return false
	}
	x := g.column(e.args[0])
	g.weighSquares(x, w.repeat(x.rows()).scale(1/y.values()[0]))
	return true
}

func (quadOverLin) graph(g *graph, _ *Expr, a []lin) lin {
	t := g.variables(1)
	g.soc(t.plus(1, a[1]), stack(t.minus(a[1]), a[0].scale(2)))
	return t
}

// sumOfSquares is quadOverLin with y = 1.
type sumOfSquares struct{}

// SumSquares is the sum of the squares of all entries.
func SumSquares(x *Expr) *Expr { return apply(sumOfSquares{}, 1, 1, x) }

func (sumOfSquares) label() (string, string)                { return "SumSquares", "" }
func (sumOfSquares) curvature() Curvature                   { return Convex }
func (sumOfSquares) sign([]Sign) Sign                       { return NonNegative }
func (sumOfSquares) monotone(_ int, s []Sign) Monotonicity  { return awayFromZero(s[0]) }
func (sumOfSquares) value(_ *Expr, a [][]float64) []float64 { return []float64{sumSquares(a[0])} }

func (sumOfSquares) weigh(g *graph, e *Expr, w lin) bool {
	x := g.column(e.args[0])
	g.weighSquares(x, w.repeat(x.rows()))
	return true
}

func (sumOfSquares) graph(g *graph, _ *Expr, a []lin) lin {
	return quadOverLin{}.graph(g, nil, []lin{a[0], ones(1)})
}

// quadForm is xᵀPx. In the objective it stays in P, for a parameter P too;
// elsewhere a constant P = RᵀR makes it the sum of squares of Rx.
type quadForm struct{}

// QuadForm is xᵀPx for a vector x and a symmetric P, constant or made of parameters in
// a way that shows P or −P to be positive semidefinite: parameters declared PSD, their
// sums, products with numbers of known sign, Diag of a vector of known sign. It is convex
// if P is positive semidefinite, concave if −P is. Parameters are allowed in
// the objective only.
func QuadForm(x, p *Expr) *Expr {
	switch {
	case !x.vector():
		return wrong(problem("QuadForm", "QuadForm(x, P) takes a vector x, and this one is %s", x.dims()), quadForm{}, 1, 1, x, p)
	case p.rows != x.Len() || p.cols != x.Len():
		return wrong(problem("QuadForm", "QuadForm(x, P) of a vector of %d takes a P of %s, and this one is %s", x.Len(), dims(x.Len(), x.Len()), p.dims()), quadForm{}, 1, 1, x, p)
	}
	return apply(quadForm{}, 1, 1, x, p)
}

func (quadForm) label() (string, string)           { return "QuadForm", "" }
func (quadForm) curvature() Curvature              { return Convex }
func (quadForm) sign(s []Sign) Sign                { return UnknownSign }
func (quadForm) monotone(int, []Sign) Monotonicity { return NotMonotone }

func (quadForm) value(_ *Expr, a [][]float64) []float64 {
	n, s := len(a[0]), 0.0
	for i := range n {
		for j := range n {
			s += a[0][i] * a[1][i*n+j] * a[0][j]
		}
	}
	return []float64{s}
}

// definiteness says whether a matrix of order n, or its negative, is positive
// semidefinite whatever the parameters are. Sums, products with a number of known sign, products
// entry by entry (Schur) and Kronecker products of such matrices are; a scalar that
// stretches to the order n is a multiple of 11ᵀ.
func (r *rules) definiteness(e *Expr) (psd, nsd bool) {
	if d, ok := r.definite[e]; ok {
		return d[0], d[1]
	}
	psd, nsd = r.proveDefinite(e)
	r.definite[e] = [2]bool{psd, nsd}
	return psd, nsd
}

func (r *rules) proveDefinite(e *Expr) (psd, nsd bool) {
	f := r.of(e)
	switch {
	case f.broken || f.vars:
		return false, false
	case e.scalar():
		return f.sign.nonneg(), f.sign.nonpos()
	case e.leaf != nil && e.leaf.kind == parameter:
		d := e.leaf.form == diagonal
		return e.leaf.psd || d && f.sign.nonneg(), d && f.sign.nonpos()
	case !f.params:
		m := r.values.of(e)
		eig := eigenvalues(m)
		if eig == nil {
			return false, false
		}
		tol := 1e-12 * float64(m.rows) * math.Max(math.Abs(eig[0]), math.Abs(eig[len(eig)-1]))
		return eig[0] >= -tol, eig[len(eig)-1] <= tol
	}
	type pair struct{ psd, nsd bool }
	args := make([]pair, len(e.args))
	for i, a := range e.args {
		if a.scalar() || a.square() {
			args[i].psd, args[i].nsd = r.definiteness(a)
		} else if s := r.of(a).sign; a.vector() { // for Diag
			args[i] = pair{s.nonneg(), s.nonpos()}
		}
	}
	whole := func(i int) bool { return e.args[i].scalar() || e.args[i].rows == e.rows && e.args[i].cols == e.cols }
	switch e.function() {
	case "Neg":
		return args[0].nsd, args[0].psd
	case "T":
		return args[0].psd, args[0].nsd
	case "Diag":
		return args[0].psd && e.args[0].vector(), args[0].nsd && e.args[0].vector()
	case "Add", "Sub":
		psd, nsd = true, true
		for i, a := range args {
			if i == 1 && e.function() == "Sub" {
				a = pair{a.nsd, a.psd}
			}
			psd, nsd = psd && a.psd && whole(i), nsd && a.nsd && whole(i)
		}
		return psd, nsd
	case "Times", "Kron", "Div", "Mul":
		a, b := args[0], args[1]
		ok := true
		switch e.function() {
		case "Times":
			ok = whole(0) && whole(1)
		case "Mul":
			ok = e.args[0].scalar() || e.args[1].scalar()
		case "Div":
			ok = e.args[1].scalar()
		}
		return ok && (a.psd && b.psd || a.nsd && b.nsd), ok && (a.psd && b.nsd || a.nsd && b.psd)
	}
	return false, false
}

// eigenvalues of a symmetric matrix, ascending; nil if it is not symmetric.
func eigenvalues(m *matrix) []float64 {
	x, n := m.values(), m.rows
	s := mat.NewSymDense(n, nil)
	largest := 0.0
	for _, v := range x {
		largest = math.Max(largest, math.Abs(v))
	}
	for i := range n {
		for j := i; j < n; j++ {
			a, b := x[i*n+j], x[j*n+i]
			if math.Abs(a-b) > 1e-10*largest {
				return nil
			}
			s.SetSym(i, j, (a+b)/2)
		}
	}
	var eig mat.EigenSym
	if !eig.Factorize(s, false) {
		return nil
	}
	return eig.Values(nil)
}

func (f quadForm) rule(r *rules, e *Expr, a []facts) Curvature {
	x, p := a[0], a[1]
	switch {
	case p.vars || !x.curv.affine() || !p.curv.affine():
		return UnknownCurvature
	case p.params && x.params && r.dpp:
		return UnknownCurvature
	}
	return curvatureOf(r.definiteness(e.args[1]))
}

func (f quadForm) weigh(g *graph, e *Expr, w lin) bool {
	x, p := g.column(e.args[0]), g.column(e.args[1])
	if hasParams(w) && hasParams(p) {
		g.problems = append(g.problems, paramForm(e))
		return true
	}
	g.weighForm(x, p, w.row(0))
	return true
}

func paramForm(e *Expr) *Problem {
	p := problem("DPP", "a QuadForm with a parameter matrix keeps its matrix only as a term of the objective, with a constant weight").
		instead("SumSquares(Mul(R, x)) with a parameter R such that RᵀR is the matrix")
	p.Expr = e.String()
	return p
}

func (f quadForm) graph(g *graph, e *Expr, _ []lin) lin {
	p := g.constant(e.args[1])
	if p == nil {
		g.problems = append(g.problems, paramForm(e))
		return g.variables(1)
	}
	n := p.rows
	s := mat.NewSymDense(n, nil)
	for i, v := range p.values() {
		if i/n <= i%n {
			s.SetSym(i/n, i%n, v)
		}
	}
	var eig mat.EigenSym
	eig.Factorize(s, true)
	var q mat.Dense
	eig.VectorsTo(&q)
	d := eig.Values(nil)
	sign := 1.0
	if d[0] < 0 && -d[0] > d[n-1] { // concave
		sign = -1
	}
	// The rows of R are √λ·qᵀ.
	r := &matrix{cols: n, dense: []float64{}}
	for k := n - 1; k >= 0; k-- {
		if l := sign * d[k]; l > 1e-14*math.Max(d[n-1], -d[0]) {
			for i := range n {
				r.dense = append(r.dense, math.Sqrt(l)*q.At(i, k))
			}
			r.rows++
		}
	}
	if r.rows == 0 {
		return linOf([]float64{0})
	}
	t := sumOfSquares{}.graph(g, nil, []lin{mulConst(r, g.column(e.args[0]), 1)})
	return t.scale(sign)
}

// huber is x² for |x| ≤ m and 2m|x| − m² beyond:
//
//	the least n² + 2m·|s| with x = n + s
type huber struct{ m float64 }

// Huber is x² for |x| ≤ m and 2m|x| − m² beyond, entry by entry.
func Huber(x *Expr, m float64) *Expr {
	if !(m > 0) || math.IsInf(m, 0) {
		return wrong(problem("Huber", "Huber(x, m) takes a positive m, and this one is %g", m), huber{m}, x.rows, x.cols, x)
	}
	return apply(huber{m}, x.rows, x.cols, x)
}

func (f huber) label() (string, string)               { return "Huber", fmt.Sprint(f.m) }
func (f huber) curvature() Curvature                  { return Convex }
func (f huber) sign([]Sign) Sign                      { return NonNegative }
func (f huber) monotone(_ int, s []Sign) Monotonicity { return awayFromZero(s[0]) }

func (f huber) value(_ *Expr, a [][]float64) []float64 {
	return each(a[0], func(x float64) float64 {
		if math.Abs(x) <= f.m {
			return x * x
		}
		return 2*f.m*math.Abs(x) - f.m*f.m
	})
}

// split returns n and t ≥ |x − n|.
func (f huber) split(g *graph, x lin) (n, t lin) {
	n, t = g.variables(x.rows()), g.variables(x.rows())
	s := x.minus(n)
	g.nonneg(stack(t.minus(s), t.plus(1, s)))
	return n, t
}

func (f huber) weigh(g *graph, e *Expr, w lin) bool {
	n, t := f.split(g, g.column(e.args[0]))
	g.weighSquares(n, w)
	g.linear = append(g.linear, t.times(w).scale(2*f.m).terms...)
	return true
}

func (f huber) graph(g *graph, e *Expr, a []lin) lin {
	n, t := f.split(g, a[0])
	return square{}.graph(g, e, []lin{n}).plus(2*f.m, t)
}
