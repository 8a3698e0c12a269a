package layer_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/layer"
)

// softmax is min −xᵀy − H(y) subject to 1ᵀy = 1.
func softmax(b *testing.B, n int) *layer.Layer {
	m := cvx.NewModel()
	x, y := m.Param("x", n), m.Var("y", n)
	m.Minimize(cvx.Sub(cvx.Neg(cvx.Dot(x, y)), cvx.Sum(cvx.Entr(y))))
	m.SubjectTo(cvx.Eq(cvx.Sum(y), cvx.Const(1)))
	prog, err := m.Compile()
	if err != nil {
		b.Fatal(err)
	}
	l, err := layer.New(prog, nil, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	return l
}

func BenchmarkForwardBackward(b *testing.B) {
	sparsemax, err := layer.Sparsemax(20, nil)
	if err != nil {
		b.Fatal(err)
	}
	fit, err := layer.New(leastSquares(b, 12, 8), []string{"F", "g"}, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{1, 64} {
		for _, tc := range []struct {
			name   string
			l      *layer.Layer
			values [][]float64
		}{
			{"sparsemax/n=20", sparsemax, [][]float64{random(r, 20*size)}},
			{"least-squares/n=8", fit, [][]float64{random(r, 96*size), random(r, 12*size)}},
			{"softmax/n=10", softmax(b, 10), [][]float64{random(r, 10*size)}},
		} {
			b.Run(fmt.Sprintf("%s/batch=%d", tc.name, size), func(b *testing.B) {
				var pass layer.Pass
				var grad layer.Gradient
				if err := tc.l.Forward(ctx, &pass, tc.values...); err != nil {
					b.Fatal(err)
				}
				up := &layer.Outputs{Vars: [][]float64{random(r, len(pass.Vars[0]))}}
				b.ReportAllocs()
				for b.Loop() {
					if err := tc.l.Forward(ctx, &pass, tc.values...); err != nil {
						b.Fatal(err)
					}
					if err := pass.Backward(ctx, &grad, up); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
