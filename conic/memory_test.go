package conic

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"
)

// Bytes holds, and not by far, for what Solve and VJP allocate.
func TestBytes(t *testing.T) {
	for name, cones := range deriveCases() {
		for _, size := range []int{1, 9} {
			r := rand.New(rand.NewPCG(3, 3))
			k := makeKnown(r, 80, 60, 0.3, cones)
			s, err := NewSolver(k.st, &Options{Workers: 2})
			if err != nil {
				t.Fatal(err)
			}
			var b Batch
			b.Size = size
			for range size {
				b.P, b.Q = append(b.P, k.data.P...), append(b.Q, k.data.Q...)
				b.A, b.B = append(b.A, k.data.A...), append(b.B, k.data.B...)
			}
			up := &Point{X: make([]float64, size*k.st.N)}
			for i := range up.X {
				up.X[i] = r.NormFloat64()
			}
			g := Gradient{Data: Data{P: make([]float64, len(b.P)), Q: make([]float64, len(b.Q)), A: make([]float64, len(b.A)), B: make([]float64, len(b.B))}}
			for _, want := range []Output{OutX, 0} {
				limit := s.Bytes(size, want)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				x := Solution{Want: want}
				if err := s.Solve(context.Background(), &x, &b); err != nil {
					t.Fatal(err)
				}
				for call := 0; want == 0 && call < 2; call++ { // the second keeps more
					if err := x.VJP(context.Background(), &g, up); err != nil {
						t.Fatal(err)
					}
				}
				runtime.ReadMemStats(&after)
				used := int64(after.TotalAlloc - before.TotalAlloc)
				if used > limit || used < limit/2 {
					t.Errorf("%s, %d elements, want %d: %d bytes allocated, Bytes said %d", name, size, want, used, limit)
				}
			}
		}
	}
}
