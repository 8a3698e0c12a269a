package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/layer"
)

// modelPoisons spoil a vector parameter, or the scalar one that is declared NonNeg.
var modelPoisons = []struct {
	poison
	do func(vector, scalar []float64)
}{
	{poison{"NaN in a parameter", []string{"InvalidInput"}}, func(v, _ []float64) { v[len(v)-1] = math.NaN() }},
	{poison{"Inf in a parameter", []string{"InvalidInput"}}, func(v, _ []float64) { v[0] = math.Inf(1) }},
	{poison{"a negative parameter", []string{"InvalidInput"}}, func(_, s []float64) { s[0] = -1 }},
}

// models are what is compiled, again and again: a QP that goes to package qp, and
// programs with second-order and exponential cones.
var models = []func(m *cvx.Model, n int, v, s *cvx.Expr){
	func(m *cvx.Model, n int, v, s *cvx.Expr) { // a portfolio
		x := m.Var("x", n).NonNeg()
		m.Maximize(cvx.Sub(cvx.Dot(v, x), cvx.SumSquares(x)))
		m.SubjectTo(cvx.Eq(cvx.Sum(x), cvx.Const(1)), cvx.Leq(cvx.Norm1(x), cvx.Add(s, cvx.Const(1))))
	},
	func(m *cvx.Model, n int, v, s *cvx.Expr) { // projection with a penalty on the norm
		x := m.Var("x", n)
		m.Minimize(cvx.Add(cvx.SumSquares(cvx.Sub(x, v)), cvx.Times(s, cvx.Norm2(x))))
		m.SubjectTo(cvx.Leq(cvx.Sum(x), cvx.Const(3)))
	},
	func(m *cvx.Model, n int, v, s *cvx.Expr) { // softmax, with a bound
		x := m.Var("x", n)
		m.Maximize(cvx.Add(cvx.Dot(v, x), cvx.Sum(cvx.Entr(x))))
		m.SubjectTo(cvx.Eq(cvx.Sum(x), cvx.Const(1)), cvx.Leq(x, cvx.Add(s, cvx.Const(0.9))))
	},
}

// soakLayer compiles one of the models, and solves and differentiates batches.
func soakLayer(t *tally, rng *rand.Rand) func(context.Context) error {
	var grad layer.Gradient
	return func(ctx context.Context) error {
		k, n := rng.IntN(len(models)), 2+rng.IntN(12)
		m := cvx.NewModel()
		models[k](m, n, m.Param("v", n), m.Param("s").NonNeg())
		prog, err := m.Compile()
		if err != nil {
			return err
		}
		l, err := layer.New(prog, []string{"v", "s"}, []string{"x"}, &layer.Options{Workers: 1 + rng.IntN(2)})
		if err != nil {
			return err
		}
		var pass, one layer.Pass
		defer pass.Close()
		defer one.Close()
		for range 10 {
			size := 1 + rng.IntN(32)
			v, s := normals(rng, size*n), make([]float64, size)
			bad := make([]*poison, size)
			for i := range size {
				s[i] = rng.Float64()
				if rng.IntN(6) == 0 {
					p := &modelPoisons[rng.IntN(len(modelPoisons))]
					bad[i] = &p.poison
					p.do(v[i*n:(i+1)*n], s[i:i+1])
				}
			}
			short, cancel := deadline(ctx, rng, time.Millisecond)
			err := l.Forward(short, &pass, v, s)
			cut := err != nil && short.Err() != nil
			cancel()
			if err != nil && !cut {
				return err
			}
			for i, info := range pass.Info {
				if err := t.end(info.Status.String(), bad[i], cut, nil); err != nil {
					return fmt.Errorf("model %d, n = %d: %w %s", k, n, err, info.Reason)
				}
			}
			if cut {
				continue
			}
			if err := pass.Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{normals(rng, size*n)}}); err != nil && !ended(ctx, err) {
				return err
			}
			for i, p := range bad {
				if p != nil && slices.ContainsFunc(grad.Params[0][i*n:(i+1)*n], func(g float64) bool { return g != 0 }) && ctx.Err() == nil && size > 1 {
					return fmt.Errorf("model %d: an element with %s has a gradient", k, p.name)
				}
			}
			if i := rng.IntN(size); size > 1 && bad[i] == nil && rng.IntN(10) == 0 {
				if err := l.Forward(ctx, &one, v[i*n:(i+1)*n], s[i:i+1]); err == nil && !slices.Equal(one.Vars[0], part(pass.Vars[0], i, size)) {
					return fmt.Errorf("model %d, n = %d: element %d of %d has other bits alone", k, n, i, size)
				}
			}
		}
		return nil
	}
}
