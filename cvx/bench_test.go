package cvx_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/sparse"
)

// randomSparse has per entries in each row.
func randomSparse(r *rand.Rand, rows, cols, per int) *sparse.CSC {
	at := make([][]int, cols)
	for i := range rows {
		for range per {
			j := r.IntN(cols)
			if !slices.Contains(at[j], i) {
				at[j] = append(at[j], i)
			}
		}
	}
	a := &sparse.CSC{Rows: rows, Cols: cols, ColPtr: make([]int, cols+1)}
	for j := range at {
		for _, i := range at[j] {
			a.RowIdx = append(a.RowIdx, i)
			a.Val = append(a.Val, r.NormFloat64())
		}
		a.ColPtr[j+1] = len(a.RowIdx)
	}
	return a
}

// Models of 100,000 nonzeros; bench/cvx compiles the same with CVXPY.
func sparseLasso(a *sparse.CSC) *cvx.Model {
	m := cvx.NewModel()
	x, b, lam := m.Var("x", a.Cols), m.Param("b", a.Rows), m.Param("lam").NonNeg()
	m.Minimize(cvx.Add(cvx.SumSquares(cvx.Sub(cvx.Mul(cvx.Const(a), x), b)), cvx.Times(lam, cvx.Norm1(x))))
	m.SubjectTo(cvx.Leq(x, cvx.Const(1)))
	return m
}

func denseParameter(rows, cols int) *cvx.Model {
	m := cvx.NewModel()
	x, f, g := m.Var("x", cols).NonNeg(), m.Param("F", rows, cols), m.Param("g", rows)
	m.Minimize(cvx.Add(cvx.Norm2(cvx.Sub(cvx.Mul(f, x), g)), cvx.Norm1(x)))
	return m
}

func BenchmarkCompile(b *testing.B) {
	a := randomSparse(rand.New(rand.NewPCG(1, 1)), 10000, 5000, 10)
	for _, tc := range []struct {
		name string
		m    *cvx.Model
	}{
		{"sparse-lasso/nnz=100000", sparseLasso(a)},
		{"dense-parameter/nnz=100000", denseParameter(400, 250)},
	} {
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tc.m.Compile(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkApply(b *testing.B) {
	prog, err := denseParameter(400, 250).Compile()
	if err != nil {
		b.Fatal(err)
	}
	theta := make([]float64, prog.Theta())
	m := prog.Map(conic.CoefA)
	dst := make([]float64, m.Len())
	b.ReportAllocs()
	for b.Loop() {
		m.Apply(dst, theta)
	}
}
