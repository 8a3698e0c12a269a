package conic_test

import (
	"context"
	"errors"
	"math"
	"os"
	"testing"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/sparse"
)

// TestLineality: a direction that P and A do not see, and the objective does, is found
// whatever cones there are: as a variable of its own, and as a combination of all.
func TestLineality(t *testing.T) {
	mixed := []conic.Cone{{Kind: conic.Zero, Size: 2}, {Kind: conic.NonNegative, Size: 3}, {Kind: conic.SecondOrder, Size: 4}, {Kind: conic.Exponential}, {Kind: conic.PSD, Size: 3}}
	for name, cones := range map[string][]conic.Cone{"mixed": mixed, "rows": mixed[:2], "soc": mixed[2:3], "exp": mixed[3:4], "psd": mixed[4:]} {
		for seed := range uint64(20) {
			p := randomProblem(newRand(seed), 5, cones, true, 0.7)
			if seed%2 == 0 {
				p = withFreeVariable(p)
			} else {
				p = withRepeatedSum(p)
			}
			x, err := conic.Solve(context.Background(), p, nil)
			if !errors.Is(err, conic.ErrUnbounded) {
				t.Errorf("%s, seed %d: %v, want that it is unbounded", name, seed, err)
				continue
			}
			qx := 0.0
			for j, v := range x.Rays.X {
				qx += p.Q[j] * v
			}
			if math.Abs(qx+1) > 1e-9 {
				t.Errorf("%s, seed %d: qᵀx is %v along the ray, want −1", name, seed, qx)
			}
		}
	}
}

// withFreeVariable adds a variable that occurs in the objective alone.
func withFreeVariable(p *conic.Problem) *conic.Problem {
	end := func(m *sparse.CSC, rows int) *sparse.CSC {
		c := m.Clone()
		c.Rows, c.Cols, c.ColPtr = rows, m.Cols+1, append(c.ColPtr, m.NNZ())
		return c
	}
	q := append(append([]float64(nil), p.Q...), -1)
	return &conic.Problem{P: end(p.P, len(q)), Q: q, A: end(p.A, len(p.B)), B: p.B, Cones: p.Cones}
}

// withRepeatedSum adds a variable that stands beside the first one wherever that
// occurs, with a price of its own: their difference is free.
func withRepeatedSum(p *conic.Problem) *conic.Problem {
	n := len(p.Q)
	var pv, av []sparse.Triplet
	for j := range n {
		for k := p.P.ColPtr[j]; k < p.P.ColPtr[j+1]; k++ {
			i, v := p.P.RowIdx[k], p.P.Val[k]
			pv = append(pv, sparse.Triplet{Row: i, Col: j, Val: v})
			if i == 0 {
				pv = append(pv, sparse.Triplet{Row: j, Col: n, Val: v})
			}
			if i == 0 && j == 0 {
				pv = append(pv, sparse.Triplet{Row: n, Col: n, Val: v})
			}
		}
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			i, v := p.A.RowIdx[k], p.A.Val[k]
			av = append(av, sparse.Triplet{Row: i, Col: j, Val: v})
			if j == 0 {
				av = append(av, sparse.Triplet{Row: i, Col: n, Val: v})
			}
		}
	}
	c := &conic.Problem{Q: append(append([]float64(nil), p.Q...), p.Q[0]-1), B: p.B, Cones: p.Cones}
	c.P, _ = sparse.FromTriplets(n+1, n+1, pv)
	c.A, _ = sparse.FromTriplets(len(p.B), n+1, av)
	return c
}

// hard is a problem of testdata/hard.
func hard(t *testing.T, name string) *conic.Problem {
	t.Helper()
	text, err := os.ReadFile("testdata/hard/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	p := new(conic.Problem)
	if err := p.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestFarProof: proofs that are found after more iterations than residuals alone, which do
// not shrink, would be given; or after a run that would not have ended.
func TestFarProof(t *testing.T) {
	for name, want := range map[string]error{"infeasible": conic.ErrInfeasible, "free": conic.ErrUnbounded} {
		p := hard(t, name)
		if x, err := conic.Solve(context.Background(), p, nil); !errors.Is(err, want) {
			t.Errorf("%s: %v after %d iterations, want %v", name, err, x.Info[0].Iterations, want)
		}
	}
}

// TestHard: a quadratic program on which the corrector leads in a circle of two, and a
// program with a generalized power cone on which every step that reduces residuals leaves the
// neighbourhood of the path.
func TestHard(t *testing.T) {
	for _, name := range []string{"qp", "genpower"} {
		p := hard(t, name)
		x, err := conic.Solve(context.Background(), p, nil)
		if err != nil {
			t.Errorf("%s: %v after %d iterations", name, err, x.Info[0].Iterations)
			continue
		}
		checkKKT(t, p, x.X, x.Z, x.S, 1.01e-8)
	}
}
