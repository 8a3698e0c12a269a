package sudoku

import (
	"math"
	"testing"

	"github.com/optnet-go/optnet/experiments/lab"
)

// TestHost follows GoMLX's Adam beside the formulas of Kingma and Ba.
func TestHost(t *testing.T) {
	backend, err := lab.NewBackend("")
	if err != nil {
		t.Fatal(err)
	}
	const lr = 0.1
	w := [][]float64{{1, -2, 3, 0.5, 0, 7}, {0.25, -0.25}}
	h, err := newHost(backend, lr, []parameter{{"A", []int{2, 3}, w[0]}, {"log_z0", []int{2}, w[1]}})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]float64{append([]float64(nil), w[0]...), append([]float64(nil), w[1]...)}
	m := [][]float64{make([]float64, 6), make([]float64, 2)}
	v := [][]float64{make([]float64, 6), make([]float64, 2)}
	d := [][]float64{make([]float64, 6), make([]float64, 2)}
	rng := newRand(1, 0)
	for step := 1; step <= 20; step++ {
		for i := range d {
			for j := range d[i] {
				g := 1e-3 * rng.NormFloat64()
				d[i][j] = g
				m[i][j] = 0.9*m[i][j] + 0.1*g
				v[i][j] = 0.999*v[i][j] + 0.001*g*g
				mh, vh := m[i][j]/(1-math.Pow(0.9, float64(step))), v[i][j]/(1-math.Pow(0.999, float64(step)))
				want[i][j] -= lr * mh / (math.Sqrt(vh) + lab.AdamEpsilon)
			}
		}
		if err := h.step(w, d); err != nil {
			t.Fatal(err)
		}
		for i := range w {
			for j := range w[i] {
				if math.Abs(w[i][j]-want[i][j]) > 1e-9 {
					t.Fatalf("step %d: parameter %d, %d is %v, want %v", step, i, j, w[i][j], want[i][j])
				}
			}
		}
	}
}

func BenchmarkAdamStep(b *testing.B) {
	backend, err := lab.NewBackend("")
	if err != nil {
		b.Fatal(err)
	}
	p := start(1)
	w := [][]float64{p.a, p.logZ0}
	h, err := newHost(backend, 0.1, []parameter{{"A", []int{rules, inputs}, p.a}, {"log_z0", []int{inputs}, p.logZ0}})
	if err != nil {
		b.Fatal(err)
	}
	d := [][]float64{make([]float64, len(p.a)), make([]float64, len(p.logZ0))}
	b.ReportAllocs()
	for b.Loop() {
		if err := h.step(w, d); err != nil {
			b.Fatal(err)
		}
	}
}
