package cvx

import "math"

// bilinear is an atom of two factors. One of them must be constant, or affine in
// parameters while the other is free of them.
type bilinear struct {
	name, extra string
	out         func(a, b []float64) []float64
	// terms is the product of two columns, constant that of a constant first
	// factor, if there is a better way.
	terms    func(a, b lin) lin
	constant func(a *matrix, b lin) lin
	cost     func(a, b lin) int64 // terms gone through
}

func (f *bilinear) label() (string, string)                { return f.name, f.extra }
func (f *bilinear) curvature() Curvature                   { return Affine }
func (f *bilinear) sign(s []Sign) Sign                     { return s[0].mul(s[1]) }
func (f *bilinear) value(_ *Expr, a [][]float64) []float64 { return f.out(a[0], a[1]) }

// monotone is that in one factor, the other being constant.
func (f *bilinear) monotone(i int, s []Sign) Monotonicity {
	switch other := s[1-i]; {
	case other.nonneg():
		return NonDecreasing
	case other.nonpos():
		return NonIncreasing
	}
	return NotMonotone
}

func (f *bilinear) graph(g *graph, e *Expr, _ []lin) lin {
	if f.constant != nil {
		if c := g.constant(e.args[0]); c != nil {
			b := g.column(e.args[1])
			g.reserve(e, mulConstTerms(c, b, e.cols))
			return f.constant(c, b)
		}
	}
	a, b := g.column(e.args[0]), g.column(e.args[1])
	if f.cost != nil {
		g.reserve(e, f.cost(a, b))
	}
	return f.terms(a, b)
}

// Mul is the matrix product; a scalar factor multiplies every entry.
func Mul(a, b *Expr) *Expr {
	if a.scalar() || b.scalar() {
		return named("Mul", a, b)
	}
	m, k, n := a.rows, a.cols, b.cols
	f := &bilinear{
		name: "Mul",
		out: func(x, y []float64) []float64 {
			z := make([]float64, m*n)
			for i := range m {
				for l := range k {
					for j := range n {
						z[i*n+j] += x[i*k+l] * y[l*n+j]
					}
				}
			}
			return z
		},
		terms:    func(x, y lin) lin { return matmul(x, m, k, y, n) },
		constant: func(x *matrix, y lin) lin { return mulConst(x, y, n) },
		cost:     func(x, y lin) int64 { return matmulTerms(x, m, k, y, n) },
	}
	if a.cols != b.rows {
		p := problem("Mul", "the matrix product of %s and %s does not exist: the first has %d columns, the second %d rows", a.dims(), b.dims(), a.cols, b.rows)
		switch {
		case a.rows == b.rows && a.cols == 1 && b.cols == 1:
			p.instead("Dot for the inner product of two vectors, Times for the product entry by entry")
		case a.rows == b.rows:
			p.instead("transpose the first factor with T()")
		case a.cols == b.cols:
			p.instead("transpose the second factor with T()")
		}
		return wrong(p, f, m, n, a, b)
	}
	return apply(f, m, n, a, b)
}

// Times is the product entry by entry; a dimension of 1 stretches.
func Times(a, b *Expr) *Expr { return named("Times", a, b) }

func named(name string, a, b *Expr) *Expr {
	rows, cols, ok := broadcast(a, b)
	f := &bilinear{
		name: name,
		out: func(x, y []float64) []float64 {
			z := make([]float64, rows*cols)
			ia, ib := stretched(a.rows, a.cols, rows, cols), stretched(b.rows, b.cols, rows, cols)
			for k := range z {
				z[k] = x[ia[k]] * y[ib[k]]
			}
			return z
		},
		terms: func(x, y lin) lin {
			return x.stretch(a.rows, a.cols, rows, cols).times(y.stretch(b.rows, b.cols, rows, cols))
		},
	}
	if !ok {
		return wrong(sizeProblem(name, a, b), f, rows, cols, a, b)
	}
	return apply(f, rows, cols, a, b)
}

// Dot is the sum of the products of corresponding entries.
func Dot(a, b *Expr) *Expr { return Sum(named("Times", a, b)) }

// quotient is division entry by entry.
type quotient struct{ bilinear }

// Div is a/b, entry by entry, for a constant b.
func Div(a, b *Expr) *Expr {
	rows, cols, ok := broadcast(a, b)
	f := &quotient{bilinear{name: "Div", out: func(x, y []float64) []float64 {
		z := make([]float64, rows*cols)
		ia, ib := stretched(a.rows, a.cols, rows, cols), stretched(b.rows, b.cols, rows, cols)
		for k := range z {
			z[k] = x[ia[k]] / y[ib[k]]
		}
		return z
	}}}
	if !ok {
		return wrong(sizeProblem("Div", a, b), f, rows, cols, a, b)
	}
	if b.leaf != nil && b.leaf.kind == constant {
		for _, v := range b.leaf.value.values() {
			if v == 0 {
				return wrong(problem("Div", "division by zero"), f, rows, cols, a, b)
			}
		}
	}
	return apply(f, rows, cols, a, b)
}

func (f *quotient) graph(g *graph, e *Expr, _ []lin) lin {
	a, b := e.args[0], e.args[1]
	d := append([]float64(nil), g.constant(b).values()...)
	for k, v := range d {
		if v == 0 {
			p := problem("Div", "division by zero")
			p.Expr = e.String()
			g.problems = append(g.problems, p)
			v = 1
		}
		d[k] = 1 / v
	}
	return g.column(a).stretch(a.rows, a.cols, e.rows, e.cols).
		times(linOf(d).stretch(b.rows, b.cols, e.rows, e.cols))
}

// Kron is the Kronecker product: blocks aᵢⱼ·b.
func Kron(a, b *Expr) *Expr {
	rows, cols := a.rows*b.rows, a.cols*b.cols
	if oversized(a.rows, b.rows) || oversized(a.cols, b.cols) {
		rows, cols = math.MaxInt, math.MaxInt // they may have overflown
	}
	indices := func() (ia, ib []int) {
		ia, ib = make([]int, 0, rows*cols), make([]int, 0, rows*cols)
		for i := range rows {
			for j := range cols {
				ia = append(ia, i/b.rows*a.cols+j/b.cols)
				ib = append(ib, i%b.rows*b.cols+j%b.cols)
			}
		}
		return ia, ib
	}
	return apply(&bilinear{
		name: "Kron",
		out: func(x, y []float64) []float64 {
			ia, ib := indices()
			z := make([]float64, rows*cols)
			for k := range z {
				z[k] = x[ia[k]] * y[ib[k]]
			}
			return z
		},
		terms: func(x, y lin) lin {
			ia, ib := indices()
			return x.gather(ia).times(y.gather(ib))
		},
	}, rows, cols, a, b)
}

// Conv is the full discrete convolution of two vectors, a column of
// len(a) + len(b) − 1.
func Conv(a, b *Expr) *Expr {
	na, nb := a.Len(), b.Len()
	n := na + nb - 1
	f := &bilinear{
		name: "Conv",
		out: func(x, y []float64) []float64 {
			z := make([]float64, n)
			for i, u := range x {
				for j, v := range y {
					z[i+j] += u * v
				}
			}
			return z
		},
		terms: func(x, y lin) lin {
			out := newBuilder(n, len(x.terms)*2)
			for k := range n {
				for i := max(0, k-nb+1); i <= min(k, na-1); i++ {
					out.addProduct(x.row(i), y.row(k-i))
				}
				out.end()
			}
			return out.out
		},
	}
	if !a.vector() || !b.vector() {
		return wrong(problem("Conv", "Conv takes two vectors, and these are %s and %s", a.dims(), b.dims()), f, n, 1, a, b)
	}
	return apply(f, n, 1, a, b)
}
