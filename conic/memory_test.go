package conic

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/optnet-go/optnet/sparse"
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

// After Grow neither Solve nor the first derivative of a
// Solve allocates with one worker, and with two what they allocate does not depend on the
// size of the batch.
func TestGrow(t *testing.T) {
	ctx := context.Background()
	for _, workers := range []int{1, 2} {
		var counts []float64
		for _, size := range []int{6, 40} {
			st, b := batchOf(t, size)
			s, err := NewSolver(st, &Options{Workers: workers})
			if err != nil {
				t.Fatal(err)
			}
			var x Solution
			if err := s.Grow(&x, size); err != nil {
				t.Fatal(err)
			}
			up := &Point{X: make([]float64, size*st.N)}
			for i := range up.X {
				up.X[i] = float64(i%7) - 3
			}
			g := Gradient{Data: Data{P: make([]float64, len(b.P)), Q: make([]float64, len(b.Q)), A: make([]float64, len(b.A)), B: make([]float64, len(b.B))}, Certs: make([]Certificate, size)}
			call := func() {
				if err := s.Solve(ctx, &x, b); err != nil {
					t.Fatal(err)
				}
				if err := x.VJP(ctx, &g, up); err != nil {
					t.Fatal(err)
				}
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			call()
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > 8192 {
				t.Errorf("%d workers, %d elements: the first call after Grow allocates %d bytes", workers, size, n)
			}
			counts = append(counts, testing.AllocsPerRun(5, call))
		}
		if counts[1] > counts[0]+4 || workers == 1 && counts[0] > 12 { // a few under the race detector
			t.Errorf("%d workers: %v allocations for 6 and 40 elements", workers, counts)
		}
	}
	s, err := NewSolver(&Structure{N: 1, A: &sparse.CSC{Rows: 0, Cols: 1, ColPtr: []int{0, 0}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Grow(new(Solution), -1); err == nil {
		t.Error("Grow to −1 elements has no error")
	}
}

// Grow keeps what is there.
func TestGrowKeeps(t *testing.T) {
	ctx := context.Background()
	st, b := batchOf(t, 6)
	s, err := NewSolver(st, nil)
	if err != nil {
		t.Fatal(err)
	}
	var x Solution
	if err := s.Solve(ctx, &x, b); err != nil {
		t.Fatal(err)
	}
	up := &Point{X: make([]float64, 6*st.N)}
	for i := range up.X {
		up.X[i] = float64(i%7) - 3
	}
	var before, after Gradient
	if err := x.VJP(ctx, &before, up); err != nil {
		t.Fatal(err)
	}
	z := slices.Clone(x.Z)
	if err := s.Grow(&x, 50); err != nil {
		t.Fatal(err)
	}
	bits(t, "Z", x.Z, z)
	if err := x.VJP(ctx, &after, up); err != nil {
		t.Fatal(err)
	}
	bits(t, "gradient of A", after.A, before.A)
	b.Keep = CoefP | CoefA
	b.P, b.A = nil, nil
	if err := s.Solve(ctx, &x, b); err != nil {
		t.Fatal(err)
	}
	bits(t, "Z again", x.Z, z)
}
