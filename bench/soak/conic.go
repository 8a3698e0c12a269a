package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/sparse"
)

// drawn is a random structure. Its last variable is on its own: no cone but the last
// two rows, ±x₀ ≤ b, and P's last entry keep a problem feasible and bounded, so that
// changes there make it infeasible or unbounded.
type drawn struct {
	*conic.Structure
	offsets []int
}

// conicPoisons are ways to spoil an element of a batch.
var conicPoisons = []struct {
	poison
	do func(st drawn, d *conic.Data, i int)
}{
	{poison{"NaN in q", []string{"InvalidInput"}}, func(st drawn, d *conic.Data, i int) { d.Q[i*st.N] = math.NaN() }},
	{poison{"Inf in A", []string{"InvalidInput"}}, func(st drawn, d *conic.Data, i int) { d.A[i*st.A.NNZ()] = math.Inf(1) }},
	{poison{"−Inf in b", []string{"InvalidInput"}}, func(st drawn, d *conic.Data, i int) { d.B[(i+1)*st.A.Rows-1] = math.Inf(-1) }},
	{poison{"indefinite P", []string{"InvalidInput"}}, func(st drawn, d *conic.Data, i int) { d.P[i*st.P.NNZ()] = -100 }},
	{poison{"contradicting rows", []string{"PrimalInfeasible"}}, func(st drawn, d *conic.Data, i int) {
		m := st.A.Rows
		d.B[(i+1)*m-1], d.B[(i+1)*m-2] = -1, -1
	}},
	{poison{"a free direction of descent", []string{"DualInfeasible"}}, func(st drawn, d *conic.Data, i int) {
		d.P[(i+1)*st.P.NNZ()-1], d.Q[(i+1)*st.N-1] = 0, -1
	}},
	{poison{"huge q", nil}, func(st drawn, d *conic.Data, i int) { d.Q[i*st.N] = 1e200 }},
}

// soakConic solves batches of one random structure, as soakQP does.
func soakConic(t *tally, rng *rand.Rand) func(context.Context) error {
	var x, one conic.Solution
	var grad conic.Gradient
	return func(ctx context.Context) error {
		st := drawStructure(rng)
		solver, err := conic.NewSolver(st.Structure, &conic.Options{Workers: 1 + rng.IntN(2)})
		if err != nil {
			return err
		}
		for range 10 {
			b, bad := drawCones(rng, st)
			short, cancel := deadline(ctx, rng, time.Millisecond)
			err := solver.Solve(short, &x, b)
			cut := err != nil && short.Err() != nil
			cancel()
			if err != nil && !cut {
				return fmt.Errorf("%+v: %w", st.Cones, err)
			}
			for i, info := range x.Info {
				var p *poison
				if bad[i] > 0 {
					p = &conicPoisons[bad[i]-1].poison
				}
				if err := t.end(info.Status.String(), p, cut, func() json.Marshaler { return st.problem(b, i) }); err != nil {
					return fmt.Errorf("%+v, %d variables: %w %s (%d iterations, %.1e %.1e %.1e)", st.Cones, st.N, err, info.Reason, info.Iterations, info.Primal, info.Dual, info.Gap)
				}
			}
			if cut {
				continue
			}
			if err := x.VJP(ctx, &grad, &conic.Point{X: normals(rng, b.Size*st.N)}); err != nil && !ended(ctx, err) {
				return err
			}
			if i := rng.IntN(b.Size); bad[i] == 0 && rng.IntN(10) == 0 {
				of := func(x []float64) []float64 { return part(x, i, b.Size) }
				alone := &conic.Batch{Size: 1, Data: conic.Data{P: of(b.P), Q: of(b.Q), A: of(b.A), B: of(b.B)}}
				if err := solver.Solve(ctx, &one, alone); err == nil && !slices.Equal(one.X, part(x.X, i, b.Size)) {
					return fmt.Errorf("%+v: element %d of %d has other bits alone", st.Cones, i, b.Size)
				}
			}
		}
		return nil
	}
}

// problem is element i.
func (st drawn) problem(b *conic.Batch, i int) *conic.Problem {
	p, a := *st.P, *st.A
	p.Val, a.Val = part(b.P, i, b.Size), part(b.A, i, b.Size)
	return &conic.Problem{P: &p, Q: part(b.Q, i, b.Size), A: &a, B: part(b.B, i, b.Size), Cones: st.Cones}
}

// drawStructure draws cones, and patterns: P is diagonal, A has about half of its
// entries in the first n−1 columns.
func drawStructure(rng *rand.Rand) drawn {
	st := drawn{Structure: &conic.Structure{N: 2 + rng.IntN(14)}}
	m := 0
	put := func(c conic.Cone) {
		st.offsets = append(st.offsets, m)
		st.Cones = append(st.Cones, c)
		m += c.Dim()
	}
	if k := rng.IntN(st.N/2 + 1); k > 0 {
		put(conic.Cone{Kind: conic.Zero, Size: k})
	}
	for range 1 + rng.IntN(4) {
		switch rng.IntN(6) {
		case 0:
			put(conic.Cone{Kind: conic.NonNegative, Size: 1 + rng.IntN(6)})
		case 1:
			put(conic.Cone{Kind: conic.SecondOrder, Size: 1 + rng.IntN(6)})
		case 2:
			put(conic.Cone{Kind: conic.PSD, Size: 1 + rng.IntN(4)})
		case 3:
			put(conic.Cone{Kind: conic.Exponential})
		case 4:
			put(conic.Cone{Kind: conic.Power, Alpha: []float64{0.1 + 0.8*rng.Float64()}})
		case 5:
			a := 0.2 + 0.6*rng.Float64()
			put(conic.Cone{Kind: conic.GenPower, Size: 1 + rng.IntN(3), Alpha: []float64{a, 1 - a}})
		}
	}
	put(conic.Cone{Kind: conic.NonNegative, Size: 2})
	st.P = &sparse.CSC{Rows: st.N, Cols: st.N, ColPtr: []int{0}}
	st.A = &sparse.CSC{Rows: m, Cols: st.N, ColPtr: []int{0}}
	for j := range st.N {
		st.P.RowIdx, st.P.ColPtr = append(st.P.RowIdx, j), append(st.P.ColPtr, j+1)
		for i := range m {
			if i < m-2 && j < st.N-1 && rng.IntN(2) == 0 || i >= m-2 && j == 0 {
				st.A.RowIdx = append(st.A.RowIdx, i)
			}
		}
		st.A.ColPtr = append(st.A.ColPtr, len(st.A.RowIdx))
	}
	return st
}

// drawCones makes a batch with points inside the cones on both sides, so that it has
// solutions, and poisons some of it.
func drawCones(rng *rand.Rand, st drawn) (b *conic.Batch, bad []int) {
	size := 1 + rng.IntN(24)
	n, m := st.N, st.A.Rows
	b = &conic.Batch{Size: size, Data: conic.Data{P: make([]float64, size*n), Q: make([]float64, size*n), A: normals(rng, size*st.A.NNZ()), B: make([]float64, size*m)}}
	bad = make([]int, size)
	for e := range size {
		p, q, a, rhs := part(b.P, e, size), part(b.Q, e, size), part(b.A, e, size), part(b.B, e, size)
		x, z := normals(rng, n), make([]float64, m)
		for j := range n {
			p[j] = max(0, rng.NormFloat64()) // half of them zero
		}
		p[n-1] = 0.1 + rng.Float64()
		k := st.A.ColPtr[1]
		a[k-2], a[k-1] = 1, -1
		for k, c := range st.Cones {
			at := st.offsets[k]
			inside(rng, c, rhs[at:at+c.Dim()], z[at:at+c.Dim()])
		}
		st.A.MulAdd(a, 1, x, rhs)
		st.A.MulTAdd(a, -1, z, q)
		for j := range n {
			q[j] -= p[j] * x[j]
		}
		if rng.IntN(6) == 0 {
			bad[e] = 1 + rng.IntN(len(conicPoisons))
			conicPoisons[bad[e]-1].do(st, &b.Data, e)
		}
	}
	return b, bad
}

// inside draws points in the interior of a cone and of its dual.
func inside(rng *rand.Rand, c conic.Cone, s, z []float64) {
	u := func() float64 { return 0.2 + rng.Float64() }
	switch c.Kind {
	case conic.Zero:
		copy(z, normals(rng, len(z)))
	case conic.NonNegative:
		for i := range s {
			s[i], z[i] = u(), u()
		}
	case conic.SecondOrder:
		for _, v := range [][]float64{s, z} {
			norm := 0.0
			for i := range v[1:] {
				v[1+i] = rng.NormFloat64()
				norm = math.Hypot(norm, v[1+i])
			}
			v[0] = norm + u()
		}
	case conic.PSD:
		for _, v := range [][]float64{s, z} {
			root, at := normals(rng, c.Size*c.Size), 0
			for j := range c.Size {
				for i := range j + 1 {
					for k := range c.Size {
						v[at] += root[i*c.Size+k] * root[j*c.Size+k]
					}
					if i == j {
						v[at] += 0.2
					} else {
						v[at] *= math.Sqrt2
					}
					at++
				}
			}
		}
	case conic.Exponential:
		s[0], s[1] = rng.NormFloat64(), u()
		s[2] = s[1]*math.Exp(s[0]/s[1]) + u()
		z[0], z[1] = -u(), rng.NormFloat64()
		z[2] = -z[0]*math.Exp(z[1]/z[0]-1) + u()
	case conic.Power, conic.GenPower:
		alpha := []float64{c.Alpha[0], 1 - c.Alpha[0]}
		for i, v := range [][]float64{s, z} {
			most := 1.0
			for k, a := range alpha {
				v[k] = u()
				if i == 0 {
					most *= math.Pow(v[k], a)
				} else {
					most *= math.Pow(v[k]/a, a)
				}
			}
			w := v[len(alpha):]
			for k := range w {
				w[k] = most * 0.9 * (2*rng.Float64() - 1) / math.Sqrt(float64(len(w)))
			}
		}
	}
}
