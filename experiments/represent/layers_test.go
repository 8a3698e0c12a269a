package represent

import (
	"context"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// holds checks a layer against a function: values, and derivatives against
// differences of the function.
func holds(t *testing.T, name string, l *Layer, err error, f func(x []float64) []float64, xs []float64) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	y, err := l.Eval(ctx, xs)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	dy := make([]float64, len(y))
	for i := range dy {
		dy[i] = rng.NormFloat64()
	}
	dx, err := l.VJP(ctx, dy)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	const h = 1e-6
	for i := range len(xs) / l.In {
		x := slices.Clone(xs[i*l.In : (i+1)*l.In])
		want := f(x)
		for k, v := range y[i*l.Out : (i+1)*l.Out] {
			if math.Abs(v-want[k]) > 1e-5*(1+math.Abs(want[k])) {
				t.Errorf("%s at %v: y[%d] is %v, want %v", name, x, k, v, want[k])
			}
		}
		for j := range x {
			at := x[j]
			x[j] = at + h
			up := f(x)
			x[j] = at - h
			down := f(x)
			x[j] = at
			d := 0.0
			for k := range up {
				d += dy[i*l.Out+k] * (up[k] - down[k]) / (2 * h)
			}
			if got := dx[i*l.In+j]; math.Abs(got-d) > 1e-4*(1+math.Abs(d)) {
				t.Errorf("%s at %v: dx[%d] is %v, want %v", name, x, j, got, d)
			}
		}
	}
}

func normals(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

func TestReLU(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, s := range []struct{ in, out int }{{1, 1}, {3, 5}, {20, 7}} {
		w, b := normals(rng, s.out*s.in), normals(rng, s.out)
		l, err := ReLU(w, b)
		holds(t, "ReLU", l, err, func(x []float64) []float64 {
			y := affine(nil, b, w, x, s.in)
			for i := range y {
				y[i] = max(y[i], 0)
			}
			return y
		}, normals(rng, 20*s.in))
	}
}

func TestPiecewiseLinear(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, n := range []int{1, 2, 8} {
		x, y := normals(rng, n), normals(rng, n)
		slices.Sort(x)
		left, right := rng.NormFloat64(), rng.NormFloat64()
		l, err := PiecewiseLinear(x, y, left, right)
		f := func(at []float64) []float64 {
			v := at[0]
			switch k, _ := slices.BinarySearch(x, v); {
			case k == 0:
				return []float64{y[0] + left*(v-x[0])}
			case k == n:
				return []float64{y[n-1] + right*(v-x[n-1])}
			default:
				return []float64{y[k-1] + (y[k]-y[k-1])/(x[k]-x[k-1])*(v-x[k-1])}
			}
		}
		at := normals(rng, 40)
		for i := range at {
			at[i] *= 2
		}
		holds(t, fmt.Sprintf("piecewise linear with %d points", n), l, err, f, at)
	}
}

func TestMaxAffine(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for _, s := range []struct{ in, rows int }{{1, 1}, {2, 3}, {5, 12}} {
		a, b := normals(rng, s.rows*s.in), normals(rng, s.rows)
		l, err := MaxAffine(a, b)
		holds(t, "maximum of affine functions", l, err, func(x []float64) []float64 {
			return []float64{slices.Max(affine(nil, b, a, x, s.in))}
		}, normals(rng, 30*s.in))
	}
}

// project finds the projection on the simplex by sorting: z = max(x − τ, 0), and
// τ such that the sum is 1.
func project(x []float64) []float64 {
	s := slices.Clone(x)
	slices.SortFunc(s, func(a, b float64) int { return -slices.Compare([]float64{a}, []float64{b}) })
	sum, tau := 0.0, 0.0
	for i, v := range s {
		sum += v
		if at := (sum - 1) / float64(i+1); v > at {
			tau = at
		}
	}
	for i, v := range x {
		s[i] = max(v-tau, 0)
	}
	return s
}

func TestSimplex(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, n := range []int{1, 2, 10} {
		l, err := Simplex(n)
		holds(t, fmt.Sprintf("simplex of %d corners", n), l, err, project, normals(rng, 25*n))
	}
}

// TestKinks: where the function has a kink the gradient is finite, and one of
// those beside it, or between.
func TestKinks(t *testing.T) {
	ctx := context.Background()
	relu, err := ReLU([]float64{1}, []float64{0})
	if err != nil {
		t.Fatal(err)
	}
	top, err := MaxAffine([]float64{1, -1}, []float64{0, 0})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		l      *Layer
		lo, hi float64
	}{{relu, 0, 1}, {top, -1, 1}} {
		y, err := c.l.Eval(ctx, []float64{0})
		if err != nil || math.Abs(y[0]) > 1e-5 {
			t.Fatalf("y is %v, %v", y, err)
		}
		dx, err := c.l.VJP(ctx, []float64{1})
		if err != nil || !(dx[0] >= c.lo-1e-9 && dx[0] <= c.hi+1e-9) {
			t.Errorf("dx is %v, want %v to %v; %v", dx, c.lo, c.hi, err)
		}
	}
}

func TestLayerErrors(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		make func() (*Layer, error)
		want string
	}{
		{func() (*Layer, error) { return ReLU(make([]float64, 5), make([]float64, 2)) }, "W has 5 entries and b 2"},
		{func() (*Layer, error) { return ReLU(nil, nil) }, "W has 0 entries"},
		{func() (*Layer, error) { return Hinges(ones(2), ones(2), ones(1)) }, "2 weights, 2 slopes and 1 offsets"},
		{func() (*Layer, error) { return PiecewiseLinear([]float64{1, 0}, ones(2), 0, 0) }, "ascending"},
		{func() (*Layer, error) { return PiecewiseLinear([]float64{1, 1}, ones(2), 0, 0) }, "same x"},
		{func() (*Layer, error) { return PiecewiseLinear(nil, nil, 0, 0) }, "at least one"},
		{func() (*Layer, error) { return MaxAffine(ones(3), ones(2)) }, "3 slopes and 2 offsets"},
		{func() (*Layer, error) { return Simplex(0) }, "0 corners"},
	} {
		if _, err := tt.make(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("error %v, want %q", err, tt.want)
		}
	}
	l, err := Simplex(3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Eval(ctx, ones(4)); err == nil || !strings.Contains(err.Error(), "multiple of 3") {
		t.Errorf("error %v", err)
	}
	if _, err := l.Eval(ctx, []float64{0, math.NaN(), 0}); err == nil || !strings.Contains(err.Error(), "p has a NaN") {
		t.Errorf("error %v", err)
	}
	if _, err := l.VJP(ctx, ones(2)); err == nil || !strings.Contains(err.Error(), "2 numbers, want 3") {
		t.Errorf("error %v", err)
	}
}

func ExampleReLU() {
	l, err := ReLU([]float64{1, 2, -1, 0.5}, []float64{0, 0.5}) // two units, two inputs
	if err != nil {
		log.Fatal(err)
	}
	y, err := l.Eval(context.Background(), []float64{1, 1, 2, 0})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n", y)
	// Output: [3.000 0.000 2.000 0.000]
}

func ExamplePiecewiseLinear() {
	// A tent with its top at (1, 2), flat outside of it.
	l, err := PiecewiseLinear([]float64{0, 1, 2}, []float64{0, 2, 0}, 0, 0)
	if err != nil {
		log.Fatal(err)
	}
	y, err := l.Eval(context.Background(), []float64{0.5, 1, 1.25, 7})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n", y)
	// Output: [1.000 2.000 1.500 0.000]
}

func ExampleMaxAffine() {
	l, err := MaxAffine([]float64{1, 0, 0, 1, -1, -1}, []float64{0, 0, -1}) // x₀, x₁ and −x₀ − x₁ − 1
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	y, err := l.Eval(ctx, []float64{3, 1, -2, -2})
	if err != nil {
		log.Fatal(err)
	}
	dx, err := l.VJP(ctx, []float64{1, 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f %.3f\n", y, dx)
	// Output: [3.000 3.000] [1.000 0.000 -1.000 -1.000]
}

func ExampleSimplex() {
	l, err := Simplex(3)
	if err != nil {
		log.Fatal(err)
	}
	y, err := l.Eval(context.Background(), []float64{0.5, 0.4, -1, 2, 0, 0})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n", y)
	// Output: [0.550 0.450 0.000 1.000 0.000 0.000]
}
