package qptest

import (
	"math"

	"github.com/optnet-go/optnet/qp"
	"gonum.org/v1/gonum/mat"
)

// active is the derivative of one element by the definition: the minimum-norm
// least-squares solution of the active-set system
//
//	[Q Bᵀ] (dz)     (gz)
//	[B 0 ] (dy) = − (gy)
//
// where B stacks A, the active rows of G and the unit rows of active bounds.
type active struct {
	e       *element
	x       qp.Point // one element
	rows    []int    // active rows: k < NEq of A, then of G, then bounds
	inverse *mat.Dense
	least   float64 // singular value that is not zero
	cond    float64 // 0 if singular
}

// rowsActive lists the rows whose multiplier is above tol, whose sides are
// equal, or which are of A; with weak, also those within tol of a side.
func rowsActive(e *element, x *qp.Point, tol float64, weak bool) []int {
	var rows []int
	for k := range e.sh.NEq {
		rows = append(rows, k)
	}
	take := func(first int, mult, v, lo, hi []float64) {
		for i := range mult {
			slack := min(v[i]-lo[i], hi[i]-v[i])
			if math.Abs(mult[i]) > tol || lo[i] == hi[i] || weak && slack <= tol {
				rows = append(rows, first+i)
			}
		}
	}
	take(e.sh.NEq, x.Lambda, mul(e.G, x.Z), e.HL, e.H)
	take(e.sh.NEq+e.sh.NIneq, x.Mu, x.Z, e.L, e.U)
	return rows
}

func newActive(e *element, x *qp.Point, rows []int) *active {
	n, k := e.sh.N, len(rows)
	a := &active{e: e, x: *x, rows: rows}
	sys := mat.NewDense(n+k, n+k, nil)
	unit := make([]float64, n)
	for j := range n {
		unit[j] = 1
		for i, v := range e.qx(unit) {
			sys.Set(i, j, v)
		}
		unit[j] = 0
	}
	for i, r := range rows {
		for j, v := range a.row(r) {
			sys.Set(n+i, j, v)
			sys.Set(j, n+i, v)
		}
	}
	var svd mat.SVD
	if !svd.Factorize(sys, mat.SVDThin) {
		panic("qptest: no singular values")
	}
	v := svd.Values(nil)
	cut := 1e-11 * v[0]
	var u, w mat.Dense
	svd.UTo(&u)
	svd.VTo(&w)
	for j, s := range v {
		if s <= cut {
			s = math.Inf(1)
		} else {
			a.least = s
		}
		for i := range n + k {
			w.Set(i, j, w.At(i, j)/s)
		}
	}
	a.inverse = mat.NewDense(n+k, n+k, nil)
	a.inverse.Mul(&w, u.T())
	if last := v[len(v)-1]; last > cut {
		a.cond = v[0] / last
	}
	return a
}

// row is an active row as a vector.
func (a *active) row(k int) []float64 {
	e, n := a.e, a.e.sh.N
	switch g := k - e.sh.NEq; {
	case g < 0:
		return e.A[k*n : (k+1)*n]
	case g < e.sh.NIneq:
		return e.G[g*n : (g+1)*n]
	default:
		unit := make([]float64, n)
		unit[g-e.sh.NIneq] = 1
		return unit
	}
}

// split gives the arrays of a point that hold the multiplier of row k.
func (a *active) split(x *qp.Point, k int) (arr []float64, i int) {
	switch g := k - a.e.sh.NEq; {
	case g < 0:
		return x.Nu, k
	case g < a.e.sh.NIneq:
		return x.Lambda, g
	default:
		return x.Mu, g - a.e.sh.NIneq
	}
}

// solve returns the solution for right sides −(gz, gy).
func (a *active) solve(gz, gy []float64) *qp.Point {
	sh := a.e.sh
	rhs := mat.NewVecDense(len(gz)+len(gy), append(append([]float64(nil), gz...), gy...))
	rhs.ScaleVec(-1, rhs)
	var d mat.VecDense
	d.MulVec(a.inverse, rhs)
	x := &qp.Point{Z: make([]float64, sh.N), Nu: make([]float64, sh.NEq), Lambda: make([]float64, sh.NIneq), Mu: make([]float64, sh.N)}
	for i := range x.Z {
		x.Z[i] = d.AtVec(i)
	}
	for i, k := range a.rows {
		arr, j := a.split(x, k)
		arr[j] = d.AtVec(sh.N + i)
	}
	return x
}

// vjp is the gradient for a cotangent of one element.
func (a *active) vjp(up *qp.Point) *qp.Data {
	e, sh, x := a.e, a.e.sh, &a.x
	full := func(v []float64, n int) []float64 {
		if len(v) == 0 {
			return make([]float64, n)
		}
		return v
	}
	u := qp.Point{Z: full(up.Z, sh.N), Nu: full(up.Nu, sh.NEq), Lambda: full(up.Lambda, sh.NIneq), Mu: full(up.Mu, sh.N)}
	gy := make([]float64, len(a.rows))
	for i, k := range a.rows {
		arr, j := a.split(&u, k)
		gy[i] = arr[j]
	}
	d := a.solve(u.Z, gy)
	v := 0.0
	if len(up.Value) > 0 {
		v = up.Value[0]
	}

	g := new(qp.Data)
	for _, c := range coefs {
		*c.of(g) = make([]float64, c.len(sh))
	}
	n := sh.N
	for i := range n {
		g.P[i] = d.Z[i] + v*x.Z[i]
		for j := range n {
			q := (d.Z[i]*x.Z[j]+x.Z[i]*d.Z[j])/2 + v*x.Z[i]*x.Z[j]/2
			switch {
			case sh.Q == qp.Dense:
				g.Q[i*n+j] = q
			case sh.Q == qp.Diagonal && i == j:
				g.Q[i] = q
			}
		}
	}
	for i := range sh.NEq {
		g.B[i] = -d.Nu[i] - v*x.Nu[i]
		for j := range n {
			g.A[i*n+j] = d.Nu[i]*x.Z[j] + x.Nu[i]*d.Z[j] + v*x.Nu[i]*x.Z[j]
		}
	}
	for i := range sh.NIneq {
		for j := range n {
			g.G[i*n+j] = d.Lambda[i]*x.Z[j] + x.Lambda[i]*d.Z[j] + v*x.Lambda[i]*x.Z[j]
		}
	}
	toSides := func(dm, mult, v0, lo, hi, glo, ghi []float64) {
		for i, m := range mult {
			switch {
			case dm[i] == 0 && m == 0:
			case m > 0 || m == 0 && hi[i]-v0[i] < v0[i]-lo[i]:
				ghi[i] = -dm[i] - v*m
			default:
				glo[i] = -dm[i] - v*m
			}
		}
	}
	toSides(d.Lambda, x.Lambda, mul(e.G, x.Z), e.HL, e.H, orMake(g.HL, sh.NIneq), orMake(g.H, sh.NIneq))
	toSides(d.Mu, x.Mu, x.Z, e.L, e.U, orMake(g.L, n), orMake(g.U, n))
	return g
}

// orMake is x, or somewhere to write where the shape has no such side.
func orMake(x []float64, n int) []float64 {
	if len(x) == 0 {
		return make([]float64, n)
	}
	return x
}

// tolerance bounds the error of a point whose residuals pass at eps: times the
// inverse of the system, and once more for complementarity, which bounds a
// slack by eps over its multiplier; known problems have 0.2 at least.
func (a *active) tolerance(eps float64) float64 {
	r := a.e.measure(&a.x)
	scale := 1 + max(r.PrimalScale, r.DualScale, r.GapScale)
	return 100 * eps * scale * max(1, 1/a.least)
}
