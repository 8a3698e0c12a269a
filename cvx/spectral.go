package cvx

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// This file has the atoms of eigenvalues and singular values, by linear matrix
// inequalities. A function of a symmetric matrix takes ½(X + Xᵀ).

// spectral is an atom of a matrix with a value that gonum computes.
type spectral struct {
	name   string
	curv   Curvature
	nonneg bool
	mono   Monotonicity
	f      func(x *mat.Dense) float64
	form   func(g *graph, x lin, rows, cols int) lin
}

func (f *spectral) label() (string, string)           { return f.name, "" }
func (f *spectral) curvature() Curvature              { return f.curv }
func (f *spectral) sign([]Sign) Sign                  { return signOf(f.nonneg, false) }
func (f *spectral) monotone(int, []Sign) Monotonicity { return f.mono }

func (f *spectral) value(e *Expr, a [][]float64) []float64 {
	x := e.args[0]
	return []float64{f.f(mat.NewDense(x.rows, x.cols, append([]float64(nil), a[0]...)))}
}

func (f *spectral) graph(g *graph, e *Expr, a []lin) lin {
	x := e.args[0]
	return f.form(g, a[0], x.rows, x.cols)
}

var (
	// X ⪯ t·I
	lambdaMaxAtom = &spectral{"LambdaMax", Convex, false, NotMonotone,
		func(x *mat.Dense) float64 { e := symmetricEigenvalues(x); return e[len(e)-1] },
		func(g *graph, x lin, n, _ int) lin {
			t := g.variables(1)
			g.psd(scaledIdentity(t, n).minus(x), n)
			return t
		}}
	// X ⪰ t·I
	lambdaMinAtom = &spectral{"LambdaMin", Concave, false, NotMonotone,
		func(x *mat.Dense) float64 { return symmetricEigenvalues(x)[0] },
		func(g *graph, x lin, n, _ int) lin {
			t := g.variables(1)
			g.psd(x.minus(scaledIdentity(t, n)), n)
			return t
		}}
	// [t·I X; Xᵀ t·I] ⪰ 0
	sigmaMaxAtom = &spectral{"SigmaMax", Convex, true, NotMonotone,
		func(x *mat.Dense) float64 { return singularValues(x)[0] },
		func(g *graph, x lin, m, n int) lin {
			t := g.variables(1)
			g.psd(blocks(scaledIdentity(t, m), m, x, scaledIdentity(t, n), n), m+n)
			return t
		}}
	// the least ½(tr U + tr V) with [U X; Xᵀ V] ⪰ 0
	nuclearAtom = &spectral{"NormNuc", Convex, true, NotMonotone,
		func(x *mat.Dense) float64 {
			s := 0.0
			for _, v := range singularValues(x) {
				s += v
			}
			return s
		},
		func(g *graph, x lin, m, n int) lin {
			u, v := g.symmetric(m), g.symmetric(n)
			g.psd(blocks(u, m, x, v, n), m+n)
			return trace(u, m).plus(1, trace(v, n)).scale(0.5)
		}}
	// the largest Σ log Dᵢᵢ with [D Z; Zᵀ X] ⪰ 0, Z upper triangular, D its diagonal
	logDetAtom = &spectral{"LogDet", Concave, false, NotMonotone,
		func(x *mat.Dense) float64 {
			s := 0.0
			for _, v := range symmetricEigenvalues(x) {
				if v <= 0 {
					return math.Inf(-1)
				}
				s += math.Log(v)
			}
			return s
		},
		func(g *graph, x lin, n, _ int) lin {
			z := g.variables(n * (n + 1) / 2)
			upper, diag, on := fillInt(n*n, -1), fillInt(n*n, -1), make([]int, n)
			k := 0
			for i := range n {
				on[i] = k
				diag[i*(n+1)] = k
				for j := i; j < n; j++ {
					upper[i*n+j] = k
					k++
				}
			}
			g.psd(blocks(z.gather(diag), n, z.gather(upper), x, n), 2*n)
			t := g.variables(n)
			g.exponential(t, ones(n), z.gather(on))
			return t.sum()
		}}
)

// LambdaMax is the largest eigenvalue of a symmetric matrix.
func LambdaMax(x *Expr) *Expr { return ofSquare(lambdaMaxAtom, x) }

// LambdaMin is the smallest eigenvalue of a symmetric matrix.
func LambdaMin(x *Expr) *Expr { return ofSquare(lambdaMinAtom, x) }

// LogDet is the logarithm of the determinant of a positive definite matrix.
func LogDet(x *Expr) *Expr { return ofSquare(logDetAtom, x) }

// SigmaMax is the largest singular value, the spectral norm.
func SigmaMax(x *Expr) *Expr { return apply(sigmaMaxAtom, 1, 1, x) }

// NormNuc is the sum of the singular values, the nuclear norm.
func NormNuc(x *Expr) *Expr { return apply(nuclearAtom, 1, 1, x) }

func ofSquare(f *spectral, x *Expr) *Expr {
	if !x.square() {
		return wrong(problem(f.name, "%s takes a square matrix, and this one is %s", f.name, x.dims()), f, 1, 1, x)
	}
	return apply(f, 1, 1, x)
}

// matrixFrac is tr(XᵀP⁻¹X): the least tr T with [P X; Xᵀ T] ⪰ 0.
type matrixFrac struct{}

// MatrixFrac is tr(XᵀP⁻¹X) for a positive definite P; for a vector, xᵀP⁻¹x.
func MatrixFrac(x, p *Expr) *Expr {
	if !p.square() || p.rows != x.rows {
		return wrong(problem("MatrixFrac", "MatrixFrac(X, P) of an X of %s takes a P of %s, and this one is %s", x.dims(), dims(x.rows, x.rows), p.dims()), matrixFrac{}, 1, 1, x, p)
	}
	return apply(matrixFrac{}, 1, 1, x, p)
}

func (matrixFrac) label() (string, string)           { return "MatrixFrac", "" }
func (matrixFrac) curvature() Curvature              { return Convex }
func (matrixFrac) sign([]Sign) Sign                  { return NonNegative }
func (matrixFrac) monotone(int, []Sign) Monotonicity { return NotMonotone }

func (matrixFrac) value(e *Expr, a [][]float64) []float64 {
	m, n := e.args[0].rows, e.args[0].cols
	x, p := mat.NewDense(m, n, append([]float64(nil), a[0]...)), symmetrize(mat.NewDense(m, m, append([]float64(nil), a[1]...)))
	var c mat.Cholesky
	if !c.Factorize(p) {
		return []float64{math.Inf(1)}
	}
	var y mat.Dense
	if c.SolveTo(&y, x) != nil {
		return []float64{math.Inf(1)}
	}
	var d mat.Dense
	d.MulElem(x, &y)
	return []float64{mat.Sum(&d)}
}

func (matrixFrac) graph(g *graph, e *Expr, a []lin) lin {
	m, n := e.args[0].rows, e.args[0].cols
	t := g.symmetric(n)
	g.psd(blocks(a[1], m, a[0], t, n), m+n)
	return trace(t, n)
}

// symmetric is a new symmetric matrix variable of order n.
func (g *graph) symmetric(n int) lin {
	x := g.variables(n * (n + 1) / 2)
	idx, k := make([]int, n*n), 0
	for i := range n {
		for j := i; j < n; j++ {
			idx[i*n+j], idx[j*n+i] = k, k
			k++
		}
	}
	return x.gather(idx)
}

// scaledIdentity is t·I of order n.
func scaledIdentity(t lin, n int) lin {
	idx := fillInt(n*n, -1)
	for i := range n {
		idx[i*(n+1)] = 0
	}
	return t.gather(idx)
}

// blocks is [A B; Bᵀ C], A of order m, C of order n.
func blocks(a lin, m int, b, c lin, n int) lin {
	order := m + n
	l := stack(a, b, c)
	fb, fc := m*m, m*m+m*n
	idx := make([]int, 0, order*order)
	for i := range order {
		for j := range order {
			switch {
			case i < m && j < m:
				idx = append(idx, i*m+j)
			case i < m:
				idx = append(idx, fb+i*n+j-m)
			case j < m:
				idx = append(idx, fb+j*n+i-m)
			default:
				idx = append(idx, fc+(i-m)*n+j-m)
			}
		}
	}
	return l.gather(idx)
}

func trace(x lin, n int) lin {
	idx := make([]int, n)
	for i := range idx {
		idx[i] = i * (n + 1)
	}
	return x.gather(idx).sum()
}

func symmetrize(x *mat.Dense) *mat.SymDense {
	n, _ := x.Dims()
	s := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			s.SetSym(i, j, (x.At(i, j)+x.At(j, i))/2)
		}
	}
	return s
}

func symmetricEigenvalues(x *mat.Dense) []float64 {
	var e mat.EigenSym
	if !e.Factorize(symmetrize(x), false) {
		return fill(1, math.NaN())
	}
	return e.Values(nil)
}

func singularValues(x *mat.Dense) []float64 {
	var s mat.SVD
	if !s.Factorize(x, mat.SVDNone) {
		return fill(1, math.NaN())
	}
	return s.Values(nil)
}
