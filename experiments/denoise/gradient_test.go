package denoise

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/gomlx"
)

// TestGradients holds the gradient of the loss with respect to every parameter
// of the networks with a QP against finite differences, in random directions.
func TestGradients(t *testing.T) {
	data := Generate(1, 6)
	for _, name := range []string{"learn-d", "tuned"} {
		net := networks[name]
		backend, err := lab.NewBackend()
		if err != nil {
			t.Fatal(err)
		}
		var qps gomlx.Counter
		n, err := lab.NewNetwork(backend, net.dtype, 3, net.lr, func(v *lab.Vars) lab.Net { return net.build(v, &Config{tol: 1e-13}, &qps) })
		if err != nil {
			t.Fatal(err)
		}
		x, y := batches{data, net.dtype}.Batch([]int{0, 1, 2, 3, 4, 5})
		grads, err := n.Gradients(x, y)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for p, g := range grads {
			w, err := n.Parameter(p)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				d := make([]float64, len(w))
				want := 0.0
				for i := range d {
					d[i] = rng.NormFloat64() / math.Sqrt(float64(len(d)))
					if p == "L" && i%variables > i/variables {
						d[i] = 0
					}
					want += g[i] * d[i]
				}
				const h = 1e-5
				var loss [2]float64
				for k, s := range []float64{-h, h} {
					v := make([]float64, len(w))
					for i := range v {
						v[i] = w[i] + s*d[i]
					}
					if err := n.SetParameter(p, v); err != nil {
						t.Fatal(err)
					}
					m, err := n.Test(x, y)
					if err != nil {
						t.Fatal(err)
					}
					loss[k] = float64(m.Loss)
				}
				n.SetParameter(p, w)
				got := (loss[1] - loss[0]) / (2 * h)
				t.Logf("%s %s: %.9g, difference quotient %.9g", name, p, want, got)
				if math.Abs(got-want) > 1e-5*math.Max(1, math.Abs(want)) {
					t.Errorf("%s, %s: %v, difference quotient %v", name, p, want, got)
				}
			}
		}
	}
}
