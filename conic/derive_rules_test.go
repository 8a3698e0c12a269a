package conic

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/optnet-go/optnet/internal/dense"
	"github.com/optnet-go/optnet/qp"
	"github.com/optnet-go/optnet/sparse"
)

// mustSolve solves, and differentiates nothing yet.
func mustSolve(t *testing.T, p *Problem, opt *Options) *Solution {
	t.Helper()
	x, err := Solve(context.Background(), p, opt)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestRulesAtKink: minimize ½x² − px, x ≥ 0, at p = 0, where x = max(p, 0) has a
// kink, and the smoothed point is x = (p + √(p²+4κ))/2.
func TestRulesAtKink(t *testing.T) {
	const kappa = 1e-3
	for _, c := range []struct {
		rule   Rule
		want   float64
		unique bool
		zeroed bool
	}{
		{LeastSquares, 1, false, false},
		{Smoothed, 0.5, true, false},
		{Strict, 0, false, true},
	} {
		p := minimize(0).quad(0, 0, 0.5).in(nonNeg, row(0, 0, 1)).problem(t)
		x := mustSolve(t, p, &Options{Rule: c.rule, Kappa: kappa})
		var tan Tangent
		if err := x.JVP(context.Background(), &tan, &Data{Q: []float64{-1}}); err != nil {
			t.Fatal(err)
		}
		cert := tan.Certs[0]
		if math.Abs(tan.X[0]-c.want) > 1e-9 || cert.Unique != c.unique || cert.Zeroed != c.zeroed || cert.Rule != c.rule {
			t.Errorf("rule %d: dx/dp = %v, want %v; certificate %+v", c.rule, tan.X[0], c.want, cert)
		}
		if c.rule == LeastSquares && !(cert.Margin <= weakBelow) {
			t.Errorf("margin %g at a kink", cert.Margin)
		}
	}
}

// TestLeastSquares compares with the pseudoinverse of the active set's system,
// where that is singular: P of low rank, and equalities that repeat.
func TestLeastSquares(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 5))
		const n = 9
		k := makeKnown(r, n, 3, 0.6, []Cone{{Kind: Zero, Size: 3}, {Kind: NonNegative, Size: 5}})
		// Row 2 becomes the sum of rows 0 and 1; q and b follow.
		A := k.st.A
		dense2 := mat.NewDense(8, n, nil)
		for j := range n {
			for e := A.ColPtr[j]; e < A.ColPtr[j+1]; e++ {
				dense2.Set(A.RowIdx[e], j, A.Val[e])
			}
		}
		var tr []sparse.Triplet
		for j := range n {
			dense2.Set(2, j, dense2.At(0, j)+dense2.At(1, j))
			for i := range 8 {
				tr = append(tr, sparse.Triplet{Row: i, Col: j, Val: dense2.At(i, j)})
			}
		}
		A, _ = sparse.FromTriplets(8, n, tr)
		k.st.A, k.data.A = A, A.Val
		clear(k.data.Q)
		k.st.P.SymMulAdd(k.data.P, -1, k.pt.X, k.data.Q)
		A.MulTAdd(A.Val, -1, k.pt.Z, k.data.Q)
		copy(k.data.B, k.pt.S)
		A.MulAdd(A.Val, 1, k.pt.X, k.data.B)

		// The system of the active rows, by its singular value decomposition.
		rows := []int{0, 1, 2}
		for i := 3; i < 8; i++ {
			if k.pt.Z[i] > 0 {
				rows = append(rows, i)
			}
		}
		size := n + len(rows)
		K := mat.NewDense(size, size, nil)
		for j := range n {
			for e := k.st.P.ColPtr[j]; e < k.st.P.ColPtr[j+1]; e++ {
				K.Set(k.st.P.RowIdx[e], j, k.data.P[e])
				K.Set(j, k.st.P.RowIdx[e], k.data.P[e])
			}
			for a, i := range rows {
				K.Set(n+a, j, dense2.At(i, j))
				K.Set(j, n+a, dense2.At(i, j))
			}
		}
		dir := &Data{Q: make([]float64, n), B: make([]float64, 8)}
		for i := range dir.Q {
			dir.Q[i] = r.NormFloat64()
		}
		for i := range dir.B {
			dir.B[i] = r.NormFloat64()
		}
		rhs := mat.NewVecDense(size, nil)
		for j := range n {
			rhs.SetVec(j, -dir.Q[j])
		}
		for a, i := range rows {
			rhs.SetVec(n+a, dir.B[i])
		}
		var svd mat.SVD
		svd.Factorize(K, mat.SVDFull)
		values := svd.Values(nil)
		rank := 0
		for _, v := range values {
			if v > 1e-10*values[0] {
				rank++
			}
		}
		if rank == size {
			t.Fatal("the system is regular: nothing is tested")
		}
		var want mat.VecDense
		svd.SolveVecTo(&want, rhs, rank)

		x := k.solution(t, nil)
		var tan Tangent
		if err := x.JVP(ctx, &tan, dir); err != nil {
			t.Fatal(err)
		}
		c := tan.Certs[0]
		if c.Unique || c.RCond != 0 || c.Zeroed || !c.Fallback || !(c.Residual < 1e-9) {
			t.Errorf("seed %d: certificate %+v, want not unique, condition 0, by least squares", seed, c)
		}
		tol := 1e-7 * (1 + mat.Norm(&want, math.Inf(1)))
		for j := range n {
			if math.Abs(tan.X[j]-want.AtVec(j)) > tol {
				t.Errorf("seed %d: dx[%d] = %v, want %v", seed, j, tan.X[j], want.AtVec(j))
			}
		}
		for a, i := range rows {
			if math.Abs(tan.Z[i]-want.AtVec(n+a)) > tol {
				t.Errorf("seed %d: dz[%d] = %v, want %v", seed, i, tan.Z[i], want.AtVec(n+a))
			}
		}
		// The adjoint of a minimum-norm solution is one, too.
		var grad Gradient
		w := randAnswer(r, &k.pt)
		if err := x.VJP(ctx, &grad, w); err != nil {
			t.Fatal(err)
		}
		for _, a := range [][]float64{grad.P, grad.A} {
			clear(a)
		}
		dir.P, dir.A = make([]float64, len(grad.P)), make([]float64, len(grad.A))
		a, b := dotPoint(&tan.Point, w), dotData(&grad.Data, dir)
		if math.Abs(a-b) > 1e-7*(1+math.Abs(a)) {
			t.Errorf("seed %d: ⟨Jv, w⟩ = %v, ⟨v, Jᵀw⟩ = %v", seed, a, b)
		}
	}
}

// TestFallback takes the factorization away: LSQR must agree, and say that it was
// used.
func TestFallback(t *testing.T) {
	ctx := context.Background()
	forDerivatives(t, func(t *testing.T, r *rand.Rand, k *known) {
		dir, w := randData(r, &k.data), randAnswer(r, &k.pt)
		direct, iterative := k.solution(t, nil), k.solution(t, nil)
		sys, err := newSparseSystem(k.st)
		if err != nil {
			t.Fatal(err)
		}
		sys.K = nil
		iterative.diff.sys = sys
		var t1, t2 Tangent
		var g1, g2 Gradient
		for _, err := range []error{direct.JVP(ctx, &t1, dir), iterative.JVP(ctx, &t2, dir), direct.VJP(ctx, &g1, w), iterative.VJP(ctx, &g2, w)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if c := t2.Certs[0]; !c.Fallback || c.Unique || !math.IsNaN(c.RCond) || !(c.Residual < 1e-9) {
			t.Errorf("certificate %+v", c)
		}
		near := func(name string, a, b []float64) {
			for i := range a {
				if math.Abs(a[i]-b[i]) > 1e-6*(1+dense.NormInf(a)) {
					t.Errorf("%s[%d]: direct %v, LSQR %v", name, i, a[i], b[i])
				}
			}
		}
		near("dX", t1.X, t2.X)
		near("dZ", t1.Z, t2.Z)
		near("dS", t1.S, t2.S)
		near("gradient A", g1.A, g2.A)
		near("gradient P", g1.P, g2.P)
		near("gradient B", g1.B, g2.B)
	})
}

// TestAgreesWithQP compares gradients with those of package qp on dense QPs.
func TestAgreesWithQP(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 23))
		const n, p, m = 12, 3, 9
		k := makeKnown(r, n, n, 1, []Cone{{Kind: Zero, Size: p}, {Kind: NonNegative, Size: m}})
		x := mustSolve(t, &Problem{P: k.st.P, Q: k.data.Q, A: k.st.A, B: k.data.B, Cones: k.st.Cones}, nil)

		Q, AG := make([]float64, n*n), make([]float64, (p+m)*n)
		for j := range n {
			for e := k.st.P.ColPtr[j]; e < k.st.P.ColPtr[j+1]; e++ {
				i := k.st.P.RowIdx[e]
				Q[i*n+j], Q[j*n+i] = k.data.P[e], k.data.P[e]
			}
			for e := k.st.A.ColPtr[j]; e < k.st.A.ColPtr[j+1]; e++ {
				AG[k.st.A.RowIdx[e]*n+j] = k.data.A[e]
			}
		}
		s, err := qp.NewSolver(qp.Shape{N: n, NEq: p, NIneq: m}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var y qp.Solution
		if err := s.Solve(ctx, &y, &qp.Batch{Size: 1, Data: qp.Data{Q: Q, P: k.data.Q, A: AG[:p*n], G: AG[p*n:], B: k.data.B[:p], H: k.data.B[p:]}}); err != nil {
			t.Fatal(err)
		}
		w := randAnswer(r, &k.pt)
		w.S = nil
		var got Gradient
		if err := x.VJP(ctx, &got, w); err != nil {
			t.Fatal(err)
		}
		var want qp.Gradient
		if err := y.VJP(ctx, &want, &qp.Point{Z: w.X, Nu: w.Z[:p], Lambda: w.Z[p:], Value: w.Value}); err != nil {
			t.Fatal(err)
		}
		near := func(name string, got, want float64) {
			if math.Abs(got-want) > 1e-8*(1+math.Abs(want)) {
				t.Errorf("seed %d: gradient of %s: %v, qp has %v", seed, name, got, want)
			}
		}
		for j := range n {
			near("q", got.Q[j], want.P[j])
			for e := k.st.P.ColPtr[j]; e < k.st.P.ColPtr[j+1]; e++ {
				i := k.st.P.RowIdx[e]
				both := want.Q[i*n+j]
				if i != j {
					both += want.Q[j*n+i]
				}
				near("P", got.P[e], both)
			}
			for e := k.st.A.ColPtr[j]; e < k.st.A.ColPtr[j+1]; e++ {
				near("A", got.A[e], slices.Concat(want.A, want.G)[k.st.A.RowIdx[e]*n+j])
			}
		}
		for i, v := range slices.Concat(want.B, want.H) {
			near("b", got.B[i], v)
		}
	}
}
