package layer_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/layer"
)

var ctx = context.Background()

func random(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

// leastSquares is the example of the package comment of cvx.
func leastSquares(t testing.TB, k, n int) *cvx.Program {
	m := cvx.NewModel()
	x := m.Var("x", n).NonNeg()
	f, g := m.Param("F", k, n), m.Param("g", k)
	m.Minimize(cvx.SumSquares(cvx.Sub(cvx.Mul(f, x), g)))
	m.SubjectTo(cvx.Eq(cvx.Sum(x), cvx.Const(1)).Named("budget"))
	prog, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return prog
}

func TestLeastSquares(t *testing.T) {
	const k, n, size = 7, 5, 3
	l, err := layer.New(leastSquares(t, k, n), []string{"g", "F"}, nil, &layer.Options{Duals: []string{"budget"}})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	f, g := random(r, k*n), random(r, size*k)
	checkDerivatives(t, l, [][]float64{g, f}, size, 2e-6)
}

// checkDerivatives holds Backward and JVP against each other and JVP against
// central differences.
func checkDerivatives(t *testing.T, l *layer.Layer, values [][]float64, size int, tol float64) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	var pass layer.Pass
	if err := l.Forward(ctx, &pass, values...); err != nil {
		t.Fatal(err)
	}
	if err := pass.Err(); err != nil {
		t.Fatal(err)
	}
	if pass.Size() != size {
		t.Fatalf("size %d, want %d", pass.Size(), size)
	}
	dir := make([][]float64, len(values))
	for i, p := range l.Params() {
		dir[i] = random(r, len(values[i]))
		if p.Symmetric {
			n := p.Rows
			for e := 0; e < len(dir[i]); e += n * n {
				for a := range n {
					for b := range a {
						dir[i][e+a*n+b] = dir[i][e+b*n+a]
					}
				}
			}
		}
	}
	var tan layer.Tangent
	if err := pass.JVP(ctx, &tan, dir...); err != nil {
		t.Fatal(err)
	}
	up := &layer.Outputs{Value: random(r, size)}
	for _, v := range pass.Vars {
		up.Vars = append(up.Vars, random(r, len(v)))
	}
	for _, v := range pass.Duals {
		up.Duals = append(up.Duals, random(r, len(v)))
	}
	var grad layer.Gradient
	if err := pass.Backward(ctx, &grad, up); err != nil {
		t.Fatal(err)
	}
	dot := func(a, b [][]float64) (s float64) {
		for i := range a {
			for k := range a[i] {
				s += a[i][k] * b[i][k]
			}
		}
		return s
	}
	all := func(o *layer.Outputs) [][]float64 {
		return append(append(append([][]float64{}, o.Vars...), o.Duals...), o.Value)
	}
	jw, vj := dot(all(&tan.Outputs), all(up)), dot(grad.Params, dir)
	if math.Abs(jw-vj) > 1e-7*(1+math.Abs(jw)) {
		t.Errorf("⟨Jv, w⟩ = %v, ⟨v, Jᵀw⟩ = %v", jw, vj)
	}
	for i, c := range grad.Certs {
		if !c.Unique || c.Zeroed {
			t.Logf("element %d: certificate %+v", i, c)
		}
	}
	const h = 1e-5
	at := func(s float64) [][]float64 {
		moved := make([][]float64, len(values))
		for i := range values {
			moved[i] = make([]float64, len(values[i]))
			for k := range moved[i] {
				moved[i][k] = values[i][k] + s*dir[i][k]
			}
		}
		var p layer.Pass
		if err := l.Forward(ctx, &p, moved...); err != nil {
			t.Fatal(err)
		}
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		return all(&p.Outputs)
	}
	plus, minus := at(h), at(-h)
	for o, a := range all(&tan.Outputs) {
		for k, got := range a {
			want := (plus[o][k] - minus[o][k]) / (2 * h)
			if math.Abs(got-want) > tol*(1+math.Abs(want)) {
				t.Errorf("output %d entry %d: tangent %v, difference %v", o, k, got, want)
			}
		}
	}
}

func Example() {
	m := cvx.NewModel()
	y, x := m.Var("y", 3), m.Param("x", 3)
	m.Minimize(cvx.SumSquares(cvx.Sub(y, x)))
	m.SubjectTo(cvx.Geq(y, cvx.Const(0)), cvx.Eq(cvx.Sum(y), cvx.Const(1)))
	prog, err := m.Compile()
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := layer.New(prog, nil, nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var pass layer.Pass
	if err := l.Forward(ctx, &pass, []float64{1, 0.4, -0.5}); err != nil {
		fmt.Println(err)
		return
	}
	var grad layer.Gradient
	if err := pass.Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{{1, 0, 0}}}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("y = %.3f, value %.3f\n", pass.Vars[0], pass.Value[0])
	fmt.Printf("∂y₀/∂x = %.3f\n", grad.Params[0])
	fmt.Println(l.Method(), prog.QP().Shape)
	// Output:
	// y = [0.800 0.200 0.000], value 0.330
	// ∂y₀/∂x = [0.500 -0.500 0.000]
	// Dense (linear and quadratic, and small) {3 1 0 1 4}
}
