package cvx

// The objective keeps squares: a term of the form Σ Wᵢⱼ aᵢ aⱼ goes into P, and not
// through the epigraph of a cone. It stays affine in θ as long as only W or only
// the constant part of a depends on θ; otherwise y = a becomes a variable first.

// monomial is c·θ_p·x_i·x_j with i ≤ j; in graph.square it is c·θ_i·θ_j.
type monomial struct {
	i, j, p int32
	c       float64
}

// A quadratic atom can put itself into P.
type quadratic interface {
	// weigh adds Σ w_k·e_k to the objective, and says whether it could.
	weigh(g *graph, e *Expr, w lin) bool
}

// weigh adds Σ w_k·e_k to the objective; w has one row an entry of e, free of
// variables.
func (g *graph) weigh(e *Expr, w lin) {
	if g.constant(e) == nil && e.leaf == nil {
		switch f := e.atom.(type) {
		case *affine:
			if g.weighAffine(f, e, w) {
				return
			}
		case *bilinear:
			if g.weighProduct(f, e, w) {
				return
			}
		case quadratic:
			if f.weigh(g, e, w) {
				return
			}
		}
	}
	x := g.column(e)
	for k := range x.rows() {
		for _, t := range x.row(k) {
			for _, u := range w.row(k) {
				if t.canMultiply(u) {
					g.linear = append(g.linear, t.times(u))
				} else { // θ times θ: a constant of the objective
					g.square = append(g.square, monomial{t.p, u.p, -1, t.c * u.c})
				}
			}
		}
	}
}

func (g *graph) weighAffine(f *affine, e *Expr, w lin) bool {
	switch {
	case f.dst != nil:
		g.weigh(e.args[0], w.gather(f.dst()).scale(f.coef))
	case f.idx != nil:
		idx := f.idx()
		rows := make([]int, 0, len(idx))
		var dst []int
		for k, r := range idx {
			if r >= 0 {
				rows, dst = append(rows, k), append(dst, r)
			}
		}
		g.weigh(e.args[0], w.gather(rows).collect(dst, e.args[0].Len(), nil))
	case f.name == "Add" || f.name == "Sub" || f.name == "Neg":
		for i, a := range e.args {
			u := w.collect(stretched(a.rows, a.cols, e.rows, e.cols), a.Len(), nil)
			if f.name == "Neg" || f.name == "Sub" && i == 1 {
				u = u.neg()
			}
			g.weigh(a, u)
		}
	default:
		return false
	}
	return true
}

// weighProduct moves a factor without variables into the weights.
func (g *graph) weighProduct(f *bilinear, e *Expr, w lin) bool {
	if f.name != "Times" && (f.name != "Mul" || !e.args[0].scalar() && !e.args[1].scalar()) {
		return false
	}
	for i, c := range e.args {
		x := e.args[1-i]
		if g.facts.of(c).vars || !g.facts.of(x).vars {
			continue
		}
		factor := g.column(c).stretch(c.rows, c.cols, e.rows, e.cols)
		if hasParams(w) && hasParams(factor) {
			return false
		}
		g.weigh(x, w.times(factor).collect(stretched(x.rows, x.cols, e.rows, e.cols), x.Len(), nil))
		return true
	}
	return false
}

func hasParams(l lin) bool {
	for _, t := range l.terms {
		if t.p >= 0 {
			return true
		}
	}
	return false
}

// paramOnVariable says whether a coefficient of a variable depends on θ.
func paramOnVariable(l lin) bool {
	for _, t := range l.terms {
		if t.v >= 0 && t.p >= 0 {
			return true
		}
	}
	return false
}

// substitute returns y with y = a.
func (g *graph) substitute(a lin) lin {
	y := g.variables(a.rows())
	g.zero(y.minus(a))
	return y
}

// weighSquares adds Σ w_k·a_k² to the objective.
func (g *graph) weighSquares(a, w lin) {
	if paramOnVariable(a) || hasParams(a) && hasParams(w) || !worthExpanding(a) {
		a = g.substitute(a)
	}
	if !hasParams(w) && g.gram(a, w) {
		return
	}
	for k := range a.rows() {
		for _, u := range w.row(k) {
			g.weighPair(u, a.row(k), a.row(k))
		}
	}
}

// weighPair adds u·(Σ s)(Σ t).
func (g *graph) weighPair(u term, ss, ts []term) {
	for _, s := range ss {
		for _, t := range ts {
			p := max(u.p, s.p, t.p)
			c := u.c * s.c * t.c
			switch {
			case s.v >= 0 && t.v >= 0:
				g.quad = append(g.quad, monomial{min(s.v, t.v), max(s.v, t.v), p, c})
			case s.p >= 0 && t.p >= 0:
				if s.v < 0 && t.v < 0 {
					g.square = append(g.square, monomial{s.p, t.p, -1, c})
				}
			default:
				g.linear = append(g.linear, term{max(s.v, t.v), p, c})
			}
		}
	}
}

// worthExpanding says whether aᵀa has few enough terms to be written out, rather
// than through variables y = a.
func worthExpanding(a lin) bool {
	var squares int64
	top := int32(-1)
	for k := range a.rows() {
		n := int64(a.ptr[k+1] - a.ptr[k])
		squares += n * n
	}
	nnz := int64(len(a.terms))
	if squares <= 8*nnz+64 {
		return true
	}
	for _, t := range a.terms {
		top = max(top, t.v)
	}
	distinct, seen := int64(0), make([]bool, top+1)
	for _, t := range a.terms {
		if t.v >= 0 && !seen[t.v] {
			seen[t.v] = true
			distinct++
		}
	}
	return distinct <= 64 || distinct*distinct <= 4*nnz && squares <= 4e9
}

// gram adds Σ w_k·a_k² for constant weights, through one dense matrix over the
// variables and parameters that occur, when that is less work.
func (g *graph) gram(a, w lin) bool {
	const few = 1000
	var squares int64
	for k := range a.rows() {
		n := int64(a.ptr[k+1] - a.ptr[k])
		squares += n * n
	}
	if squares < few {
		return false
	}
	type factor struct{ v, p int32 }
	var factors []factor
	local := map[factor]int{}
	for _, t := range a.terms {
		f := factor{t.v, t.p}
		if _, ok := local[f]; !ok {
			local[f] = len(factors)
			factors = append(factors, f)
		}
	}
	n := len(factors)
	if int64(n)*int64(n) > squares || n > 1<<13 {
		return false
	}
	dense := make([]float64, n*n)
	var at []int
	for k := range a.rows() {
		var c float64
		for _, u := range w.row(k) {
			c += u.c
		}
		row := a.row(k)
		at = at[:0]
		for _, t := range row {
			at = append(at, local[factor{t.v, t.p}])
		}
		for x, t := range row {
			d := dense[at[x]*n:]
			for y, u := range row {
				d[at[y]] += c * t.c * u.c
			}
		}
	}
	one := term{-1, -1, 1}
	for x, f := range factors {
		for y, h := range factors {
			if c := dense[x*n+y]; c != 0 {
				g.weighPair(one, []term{{f.v, f.p, c}}, []term{{h.v, h.p, 1}})
			}
		}
	}
	return true
}

// weighForm adds u·Σ Wᵢⱼ aᵢ aⱼ to the objective, for W of order n and a weight u
// without variables.
func (g *graph) weighForm(a, w lin, u []term) {
	n := a.rows()
	var work int64
	for i := range n {
		for j := range n {
			work += int64(len(w.row(i*n+j))) * int64(a.ptr[i+1]-a.ptr[i]) * int64(a.ptr[j+1]-a.ptr[j])
		}
	}
	weights := hasParams(w) || hasParams(lin{terms: u})
	if paramOnVariable(a) || hasParams(a) && weights || work > 8*int64(len(w.terms)+len(a.terms)) && work > 1e6 {
		a = g.substitute(a)
	}
	for i := range n {
		for j := range n {
			for _, t := range w.row(i*n + j) {
				for _, s := range u {
					g.weighPair(t.times(s), a.row(i), a.row(j))
				}
			}
		}
	}
}
