package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/optnet-go/optnet/qp"
)

// qpPoisons are ways to spoil an element of a batch.
var qpPoisons = []struct {
	poison
	do func(sh qp.Shape, d *qp.Data, i int)
}{
	{poison{"NaN in p", []string{"InvalidInput"}}, func(sh qp.Shape, d *qp.Data, i int) { d.P[i*sh.N] = math.NaN() }},
	{poison{"Inf in Q", []string{"InvalidInput"}}, func(sh qp.Shape, d *qp.Data, i int) { d.Q[i*sh.N*sh.N] = math.Inf(1) }},
	{poison{"indefinite Q", []string{"InvalidInput"}}, func(sh qp.Shape, d *qp.Data, i int) { d.Q[i*sh.N*sh.N] = -100 }},
	{poison{"crossed bounds", []string{"PrimalInfeasible"}}, func(sh qp.Shape, d *qp.Data, i int) { d.L[i*sh.N], d.U[i*sh.N] = 1, -1 }},
	{poison{"huge p", nil}, func(sh qp.Shape, d *qp.Data, i int) { d.P[i*sh.N] = 1e200 }},
}

// soakQP solves batches of one random shape. Clean elements have to be solved,
// poisoned ones must not be, and a clean one has the same bits alone.
func soakQP(t *tally, rng *rand.Rand) func(context.Context) error {
	var x, one qp.Solution
	var grad qp.Gradient
	return func(ctx context.Context) error {
		sh := qp.Shape{N: 1 + rng.IntN(40), NIneq: rng.IntN(30), Sides: qp.Lower | qp.Upper | qp.RowUpper}
		sh.NEq = rng.IntN(sh.N/2 + 1)
		solver, err := qp.NewSolver(sh, &qp.Options{Workers: 1 + rng.IntN(2)})
		if err != nil {
			return err
		}
		for range 20 {
			b, bad := drawQP(rng, solver.Shape())
			short, cancel := deadline(ctx, rng, 300*time.Microsecond)
			err := solver.Solve(short, &x, b)
			cut := err != nil && short.Err() != nil
			cancel()
			if err != nil && !cut {
				return fmt.Errorf("%+v: %w", sh, err)
			}
			for i, info := range x.Info {
				var p *poison
				if bad[i] > 0 {
					p = &qpPoisons[bad[i]-1].poison
				}
				if err := t.end(info.Status.String(), p, cut, func() json.Marshaler { return b.Problem(solver.Shape(), i) }); err != nil {
					return fmt.Errorf("%+v: %w %s", sh, err, info.Reason)
				}
			}
			if cut {
				continue
			}
			up := &qp.Point{Z: normals(rng, b.Size*sh.N)}
			if err := x.VJP(ctx, &grad, up); err != nil && !ended(ctx, err) {
				return err
			}
			if i := rng.IntN(b.Size); bad[i] == 0 && rng.IntN(10) == 0 {
				alone := takeQP(b, i)
				if err := solver.Solve(ctx, &one, alone); err == nil && !slices.Equal(one.Z, x.Z[i*sh.N:(i+1)*sh.N]) {
					return fmt.Errorf("%+v: element %d of %d has other bits alone", sh, i, b.Size)
				}
			}
		}
		return nil
	}
}

func normals(rng *rand.Rand, k int) []float64 {
	x := make([]float64, k)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// drawQP makes a batch around a point that is feasible, and poisons some of it:
// bad says by which poison, counted from 1.
func drawQP(rng *rand.Rand, sh qp.Shape) (b *qp.Batch, bad []int) {
	size := 1 + rng.IntN(48)
	n, p, m := sh.N, sh.NEq, sh.NIneq
	b = &qp.Batch{Size: size, Data: qp.Data{
		Q: make([]float64, size*n*n), P: normals(rng, size*n), A: normals(rng, size*p*n), B: make([]float64, size*p),
		G: normals(rng, size*m*n), H: make([]float64, size*m), L: make([]float64, size*n), U: make([]float64, size*n),
	}}
	bad = make([]int, size)
	for e := range size {
		root, z := normals(rng, n*n), normals(rng, n)
		for i := range n {
			for j := range n {
				t := 0.0
				for k := range n {
					t += root[min(i, j)*n+k] * root[max(i, j)*n+k]
				}
				b.Q[(e*n+i)*n+j] = t / float64(n)
			}
			b.Q[(e*n+i)*n+i] += 0.1
			b.L[e*n+i], b.U[e*n+i] = z[i]-rng.Float64()-0.1, z[i]+rng.Float64()+0.1
		}
		row := func(a []float64) (t float64) {
			for j, v := range a {
				t += v * z[j]
			}
			return t
		}
		for i := range p {
			b.B[e*p+i] = row(b.A[(e*p+i)*n : (e*p+i+1)*n])
		}
		for i := range m {
			b.H[e*m+i] = row(b.G[(e*m+i)*n:(e*m+i+1)*n]) + rng.Float64()
		}
		if rng.IntN(6) == 0 {
			bad[e] = 1 + rng.IntN(len(qpPoisons))
			qpPoisons[bad[e]-1].do(sh, &b.Data, e)
		}
	}
	return b, bad
}

// part is the piece of element i.
func part(x []float64, i, size int) []float64 {
	k := len(x) / size
	return x[i*k : (i+1)*k]
}

// takeQP is element i as a batch of its own.
func takeQP(b *qp.Batch, i int) *qp.Batch {
	of := func(x []float64) []float64 { return part(x, i, b.Size) }
	return &qp.Batch{Size: 1, Data: qp.Data{Q: of(b.Q), P: of(b.P), A: of(b.A), B: of(b.B), G: of(b.G), H: of(b.H), L: of(b.L), U: of(b.U)}}
}
