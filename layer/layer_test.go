package layer_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/layer"
	"github.com/optnet-go/optnet/qp"
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
// central differences. For cone programs tol is the step of the differences.
func checkDerivatives(t *testing.T, l *layer.Layer, values [][]float64, size int, tol float64) {
	t.Helper()
	r := rand.New(rand.NewPCG(3, 4))
	names := []string{}
	for _, d := range l.Duals() {
		names = append(names, d.Name)
	}
	eps, h := 1e-12, 1e-5
	if l.Form() == layer.Cone { // the objective is met to 1e-8, the point to its root
		eps, h, tol = 0, tol, 0.02
	}
	l, err := l.With(&layer.Options{Form: l.Form(), Duals: names, EpsAbs: eps, EpsRel: eps})
	if err != nil {
		t.Fatal(err)
	}
	var pass layer.Pass
	if err := l.Forward(ctx, &pass, values...); err != nil {
		t.Fatal(err)
	}
	if err := pass.Err(); err != nil && !almost(&pass) {
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
	at := func(s float64) [][]float64 {
		t.Helper()
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
		if err := p.Err(); err != nil && !almost(&p) {
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

// almost says whether all elements are solved, or nearly.
func almost(p *layer.Pass) bool {
	for _, i := range p.Info {
		if i.Status != qp.Solved && i.Status != qp.AlmostSolved {
			return false
		}
	}
	return true
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

func uniform(r *rand.Rand, n int, lo, hi float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = lo + (hi-lo)*r.Float64()
	}
	return x
}

func TestReadyMade(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	const size = 4
	for _, tc := range []struct {
		name   string
		make   func() (*layer.Layer, error)
		values [][]float64
	}{
		{"sparsemax", func() (*layer.Layer, error) { return layer.Sparsemax(6, nil) }, [][]float64{random(r, 6*size)}},
		{"simplex", func() (*layer.Layer, error) {
			return layer.Simplex(6, &layer.Options{Duals: []string{"total", "u"}})
		}, [][]float64{random(r, 6*size), {2}, uniform(r, 6*size, 0.4, 0.9)}},
		{"box", func() (*layer.Layer, error) { return layer.Box(5, &layer.Options{Duals: []string{"l", "u"}}) },
			[][]float64{random(r, 5*size), uniform(r, 5, -0.6, -0.4), uniform(r, 5*size, 0.3, 0.5)}},
		{"transport", func() (*layer.Layer, error) {
			return layer.Transport(3, 4, 0.3, nil)
		}, [][]float64{random(r, 12*size), {0.2, 0.3, 0.5}, {0.25, 0.25, 0.4, 0.1}}},
		{"isotonic", func() (*layer.Layer, error) { return layer.Isotonic(7, nil) }, [][]float64{random(r, 7*size)}},
		{"total variation", func() (*layer.Layer, error) { return layer.TotalVariation(8, nil) }, [][]float64{random(r, 8*size), {0.3}}},
		{"top k", func() (*layer.Layer, error) { return layer.TopK(6, 2, nil) }, [][]float64{random(r, 6*size)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, err := tc.make()
			if err != nil {
				t.Fatal(err)
			}
			if tc.name == "transport" { // its two families of equations share a sum: moves must keep it
				checkForward(t, l, tc.values, size)
				return
			}
			tol := 2e-6
			if l.Form() == layer.Cone {
				tol = 1e-2
			}
			checkDerivatives(t, l, tc.values, size, tol)
		})
	}
}

// checkForward holds the pass of a batch against those of its elements.
func checkForward(t *testing.T, l *layer.Layer, values [][]float64, size int) {
	t.Helper()
	var all, one layer.Pass
	if err := l.Forward(ctx, &all, values...); err != nil {
		t.Fatal(err)
	}
	if err := all.Err(); err != nil {
		t.Fatal(err)
	}
	for i := range size {
		alone := make([][]float64, len(values))
		for k, p := range l.Params() {
			alone[k] = values[k]
			if n := p.Size(); len(values[k]) != n {
				alone[k] = values[k][i*n : (i+1)*n]
			}
		}
		if err := l.Forward(ctx, &one, alone...); err != nil {
			t.Fatal(err)
		}
		for o, v := range one.Vars {
			for k, want := range v {
				if got := all.Vars[o][i*len(v)+k]; math.Abs(got-want) > 1e-8 {
					t.Errorf("element %d: output %d entry %d is %v, alone %v", i, o, k, got, want)
				}
			}
		}
	}
}

// An element whose parameters are against their declarations is refused, by name,
// and touches no other.
func TestValidation(t *testing.T) {
	m := cvx.NewModel()
	x := m.Var("x", 2)
	p, a, lam := m.Param("P", 2, 2).PSD(), m.Param("a", 2), m.Param("lam").NonNeg()
	m.Minimize(cvx.Add(cvx.QuadForm(x, p), cvx.Dot(a, x), cvx.Times(lam, cvx.Norm1(x))))
	prog, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	l, err := layer.New(prog, []string{"P", "a", "lam"}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	good := []float64{2, 0.5, 0.5, 1}
	ps := append(append(append(append(append([]float64{}, good...), 2, 0.5, 0.4, 1), 1, 2, 2, 1), good...), good...)
	as := []float64{1, 2, 1, 2, 1, 2, 1, math.NaN(), 1, 2}
	var pass layer.Pass
	if err := l.Forward(ctx, &pass, ps, as, []float64{0.1}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"",
		"parameter P of element 1: entries (0, 1) and (1, 0) differ by 0.1",
		"parameter P of element 2: the matrix has a negative eigenvalue",
		"parameter a of element 3: entry 1 is NaN",
		"",
	} {
		if got := pass.Info[i]; (want == "") != (got.Status == qp.Solved) || !strings.HasPrefix(got.Reason, want) {
			t.Errorf("element %d: %+v", i, got)
		}
	}
	var e *qp.ElementError
	if err := pass.Err(); !errors.As(err, &e) || e.Index != 1 || e.Count != 3 {
		t.Errorf("Err: %v", err)
	}
	var grad, alone layer.Gradient
	up := random(rand.New(rand.NewPCG(1, 9)), 10)
	if err := pass.Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{up}, Value: []float64{1, 1, 1, 1, 1}}); err != nil {
		t.Fatal(err)
	}
	for i := 2; i < 8; i++ {
		if grad.Params[1][i] != 0 {
			t.Errorf("da = %v", grad.Params[1])
		}
	}
	// The shared lam has the sum over the good elements.
	var two layer.Pass
	if err := l.Forward(ctx, &two, append(append([]float64{}, good...), good...), []float64{1, 2, 1, 2}, []float64{0.1}); err != nil {
		t.Fatal(err)
	}
	if err := two.Backward(ctx, &alone, &layer.Outputs{Vars: [][]float64{append(append([]float64{}, up[:2]...), up[8:]...)}, Value: []float64{1, 1}}); err != nil {
		t.Fatal(err)
	}
	if d := math.Abs(alone.Params[2][0] - grad.Params[2][0]); d > 1e-12 {
		t.Errorf("dlam = %v, without bad neighbours %v", grad.Params[2], alone.Params[2])
	}
	// A shared value that is bad marks all.
	if err := l.Forward(ctx, &pass, ps, []float64{1, 2}, []float64{-0.1}); err != nil {
		t.Fatal(err)
	}
	for i, info := range pass.Info {
		if info.Status != qp.InvalidInput || info.Reason == "" {
			t.Errorf("element %d: %+v", i, info)
		}
	}
	if err := pass.Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{up}}); err != nil {
		t.Fatal(err)
	}
	for _, g := range grad.Params {
		for _, v := range g {
			if v != 0 {
				t.Fatalf("gradient %v of elements that were refused", grad.Params)
			}
		}
	}
}

func TestWrongCalls(t *testing.T) {
	prog := leastSquares(t, 3, 2)
	for want, make := range map[string]func() (*layer.Layer, error){
		`has no parameter "h"`:       func() (*layer.Layer, error) { return layer.New(prog, []string{"F", "g", "h"}, nil, nil) },
		`parameter "g" of the progr`: func() (*layer.Layer, error) { return layer.New(prog, []string{"F"}, nil, nil) },
		`"F" is named twice`:         func() (*layer.Layer, error) { return layer.New(prog, []string{"F", "F", "g"}, nil, nil) },
		`has no variable "q"`:        func() (*layer.Layer, error) { return layer.New(prog, nil, []string{"q"}, nil) },
		`has no constraint "q"`: func() (*layer.Layer, error) {
			return layer.New(prog, nil, nil, &layer.Options{Duals: []string{"q"}})
		},
	} {
		if _, err := make(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	l, err := layer.New(prog, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var pass layer.Pass
	if err := pass.Backward(ctx, &layer.Gradient{}, &layer.Outputs{}); !errors.Is(err, layer.ErrNoForward) {
		t.Error(err)
	}
	for want, values := range map[string][][]float64{
		"got 1 values, want 2":                     {nil},
		"F has 7 values":                           {make([]float64, 7), make([]float64, 3)},
		"g has values for 3 elements, and F for 2": {make([]float64, 12), make([]float64, 9)},
	} {
		if err := l.Forward(ctx, &pass, values...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	// One value that is nil among others was forgotten; a nil destination, too.
	if err := l.Forward(ctx, &pass, make([]float64, 6), nil); err == nil || !strings.Contains(err.Error(), "g is not set") {
		t.Errorf("%v, want that g is not set", err)
	}
	if err := l.Forward(ctx, nil, make([]float64, 6), make([]float64, 3)); err == nil {
		t.Error("Forward into nil has no error")
	}
	if _, err := layer.New(nil, nil, nil, nil); err == nil {
		t.Error("New of a nil program has no error")
	}
	if err := new(layer.Layer).Forward(ctx, &pass); err == nil {
		t.Error("an empty layer has no error")
	}
	// An empty batch is one.
	if err := l.Forward(ctx, &pass, nil, nil); err != nil || pass.Size() != 0 {
		t.Error(err, pass.Size())
	}
	if err := pass.Backward(ctx, &layer.Gradient{}, &layer.Outputs{}); err != nil {
		t.Error(err)
	}
	if pass.Backward(ctx, &layer.Gradient{}, nil) == nil || pass.Backward(ctx, nil, &layer.Outputs{}) == nil {
		t.Error("Backward of nil has no error")
	}
}

// After a first call of a size, Forward and Backward allocate nothing.
func TestAllocations(t *testing.T) {
	l, err := layer.New(leastSquares(t, 7, 5), nil, nil, &layer.Options{Workers: 1, Duals: []string{"budget"}})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	f, g := random(r, 35), random(r, 7*8)
	var pass layer.Pass
	var grad layer.Gradient
	up := &layer.Outputs{Vars: [][]float64{random(r, 40)}, Value: random(r, 8)}
	step := func() {
		if err := l.Forward(ctx, &pass, f, g); err != nil {
			t.Fatal(err)
		}
		if err := pass.Backward(ctx, &grad, up); err != nil {
			t.Fatal(err)
		}
	}
	step()
	if n := testing.AllocsPerRun(5, step); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Programs with cones of each kind, with multipliers and values.
func TestCones(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	const size = 3
	symmetric := func(n, count int, shift float64) []float64 {
		x := make([]float64, n*n*count)
		for e := range count {
			g := random(r, n*n)
			for i := range n {
				for j := range n {
					for k := range n {
						x[(e*n+i)*n+j] += g[i*n+k] * g[j*n+k] / float64(n)
					}
				}
				x[(e*n+i)*n+i] += shift
			}
		}
		return x
	}
	for _, tc := range []struct {
		name   string
		model  func(m *cvx.Model)
		values [][]float64
		duals  []string
		gp     bool
	}{
		{"second order", func(m *cvx.Model) {
			x, f, g, lam := m.Var("x", 4).NonNeg(), m.Param("F", 6, 4), m.Param("g", 6), m.Param("lam").NonNeg()
			m.Minimize(cvx.Add(cvx.Norm2(cvx.Sub(cvx.Mul(f, x), g)), cvx.Times(lam, cvx.Norm2(x))))
			m.SubjectTo(cvx.Leq(cvx.Sum(x), cvx.Const(1)).Named("sum"))
		}, [][]float64{random(r, 24), random(r, 6*size), {0.3}}, []string{"sum"}, false},
		{"semidefinite", func(m *cvx.Model) {
			x, a, b := m.Var("X", 3, 3).PSD(), m.Param("A", 3, 3).Symmetric(), m.Param("b").NonNeg()
			m.Minimize(cvx.Add(cvx.SumSquares(cvx.Sub(x, a)), cvx.Times(b, cvx.Trace(x))))
			m.SubjectTo(cvx.PSD(cvx.Sub(cvx.Const([][]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}), x)).Named("cap"))
		}, [][]float64{symmetric(3, size, -0.6), uniform(r, size, 0.1, 0.3)}, []string{"cap"}, false},
		{"exponential", func(m *cvx.Model) {
			p, q, c := m.Var("p", 4), m.Param("q", 4).NonNeg(), m.Param("c", 4)
			m.Minimize(cvx.Add(cvx.Sum(cvx.RelEntr(p, q)), cvx.Dot(c, p)))
			m.SubjectTo(cvx.Eq(cvx.Sum(p), cvx.Const(1)).Named("mass"))
		}, [][]float64{uniform(r, 4*size, 0.2, 1), random(r, 4*size)}, []string{"mass"}, false},
		{"power", func(m *cvx.Model) {
			x, a := m.Var("x", 3).NonNeg(), m.Param("a", 3).NonNeg()
			m.Minimize(cvx.Sub(cvx.Sum(cvx.Power(x, 2.5)), cvx.Dot(a, x)))
		}, [][]float64{uniform(r, 3*size, 0.5, 2)}, nil, false},
		{"quadratic form of a parameter", func(m *cvx.Model) {
			x, p, c := m.Var("x", 3), m.Param("P", 3, 3).PSD(), m.Param("c", 3)
			m.Minimize(cvx.Add(cvx.QuadForm(x, p), cvx.Dot(c, x)))
			m.SubjectTo(cvx.SOC(cvx.Const(0.3), x).Named("ball"))
		}, [][]float64{symmetric(3, size, 0.5), random(r, 3*size)}, []string{"ball"}, false},
		{"geometric", func(m *cvx.Model) {
			x, a, b := m.Var("x", 3), m.Param("a", 3).Positive(), m.Param("b").Positive()
			m.Minimize(cvx.Add(cvx.Dot(a, x), cvx.Times(b, cvx.InvPos(cvx.Prod(x)))))
			m.SubjectTo(cvx.Leq(cvx.SumSquares(x), cvx.Const(2)).Named("size"))
		}, [][]float64{uniform(r, 3*size, 0.5, 2), uniform(r, size, 1, 2)}, []string{"size"}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := cvx.NewModel()
			if tc.gp {
				m = cvx.NewGP()
			}
			tc.model(m)
			prog, err := m.Compile()
			if err != nil {
				t.Fatal(err)
			}
			l, err := layer.New(prog, nil, nil, &layer.Options{Duals: tc.duals})
			if err != nil {
				t.Fatal(err)
			}
			h := 1e-2
			if tc.name == "semidefinite" { // where kinks are near
				h = 1e-3
			}
			checkDerivatives(t, l, tc.values, size, h)
		})
	}
}

// The dense form and the cone form of one program agree, multipliers and
// gradients included.
func TestForms(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	m := cvx.NewModel()
	x := m.Var("x", 5).Bounds(-0.4, 0.6)
	f, g, lam := m.Param("F", 7, 5), m.Param("g", 7), m.Param("lam").NonNeg()
	m.Minimize(cvx.Add(cvx.SumSquares(cvx.Sub(cvx.Mul(f, x), g)), cvx.Times(lam, cvx.Norm1(x))))
	m.SubjectTo(cvx.Eq(cvx.Sum(x), cvx.Const(0.2)).Named("sum"), cvx.Leq(cvx.Add(x.At(0), x.At(1)), cvx.Const(0.1)).Named("pair"), cvx.Geq(x, cvx.Const(-0.3)).Named("low"))
	prog, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	const size = 4
	values := [][]float64{random(r, 35*size), random(r, 7), {0.4}}
	up := &layer.Outputs{Vars: [][]float64{random(r, 5*size)}, Value: random(r, size)}
	var grads [2]layer.Gradient
	var passes [2]layer.Pass
	for k, form := range []layer.Form{layer.Dense, layer.Cone} {
		l, err := layer.New(prog, nil, nil, &layer.Options{Form: form, Duals: []string{"sum", "pair", "low"}, EpsAbs: 1e-11, EpsRel: 1e-11})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Forward(ctx, &passes[k], values...); err != nil {
			t.Fatal(err)
		}
		if err := passes[k].Err(); err != nil {
			t.Fatal(err)
		}
		if err := passes[k].Backward(ctx, &grads[k], up); err != nil {
			t.Fatal(err)
		}
	}
	same := func(what string, a, b []float64) {
		for i := range a {
			if math.Abs(a[i]-b[i]) > 1e-6*(1+math.Abs(a[i])) {
				t.Errorf("%s %d: dense %v, cone %v", what, i, a[i], b[i])
			}
		}
	}
	same("x", passes[0].Vars[0], passes[1].Vars[0])
	same("value", passes[0].Value, passes[1].Value)
	for k := range passes[0].Duals {
		same(fmt.Sprint("multiplier ", k), passes[0].Duals[k], passes[1].Duals[k])
	}
	for k := range grads[0].Params {
		same(fmt.Sprint("gradient ", k), grads[0].Params[k], grads[1].Params[k])
	}
}

// The multiplier of an inequality whose variable is eliminated: that of ‖x‖ ≤ r in
// min cᵀx is ‖c‖, of |x| ≤ r |cᵢ| an entry.
func TestEliminatedMultipliers(t *testing.T) {
	c := []float64{3, -4}
	for name, want := range map[string][]float64{"norm": {5}, "box": {3, 4}} {
		m := cvx.NewModel()
		x, p, r := m.Var("x", 2), m.Param("c", 2), m.Param("r").NonNeg()
		m.Minimize(cvx.Dot(p, x))
		if name == "norm" {
			m.SubjectTo(cvx.Leq(cvx.Norm2(x), r).Named("size"))
		} else {
			m.SubjectTo(cvx.Geq(r, cvx.Abs(x)).Named("size"))
		}
		prog, err := m.Compile()
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []layer.Form{layer.Auto, layer.Cone} {
			l, err := layer.New(prog, nil, nil, &layer.Options{Form: form, Duals: []string{"size"}})
			if err != nil {
				t.Fatal(err)
			}
			var pass layer.Pass
			if err := l.Forward(ctx, &pass, c, []float64{2}); err != nil {
				t.Fatal(err)
			}
			for i, w := range want {
				if got := pass.Duals[0][i]; math.Abs(got-w) > 1e-5 {
					t.Errorf("%s, %v: multiplier %v, want %v", name, form, pass.Duals[0], want)
				}
			}
		}
	}
}

// A program with a solution in closed form: xᵢ = (aᵢ/p)^(1/(p−1)).
func TestClosedForm(t *testing.T) {
	const p = 2.5
	m := cvx.NewModel()
	x, a := m.Var("x", 4), m.Param("a", 4).NonNeg()
	m.Minimize(cvx.Sub(cvx.Sum(cvx.Power(x, p)), cvx.Dot(a, x)))
	prog, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	l, err := layer.New(prog, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := []float64{0.5, 1, 1.7, 3, 0.9, 0.6, 2, 2.2}
	var pass layer.Pass
	if err := l.Forward(ctx, &pass, v); err != nil {
		t.Fatal(err)
	}
	if err := pass.Err(); err != nil {
		t.Fatal(err)
	}
	w := []float64{1, -1, 0.5, 2, 1, 1, -2, 0.3}
	var grad layer.Gradient
	if err := pass.Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{w}}); err != nil {
		t.Fatal(err)
	}
	for i, a := range v {
		x := math.Pow(a/p, 1/(p-1))
		if got := pass.Vars[0][i]; math.Abs(got-x) > 1e-3 {
			t.Errorf("x %v, want %v", got, x)
		}
		if got, want := grad.Params[0][i], w[i]*x/a/(p-1); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
			t.Errorf("gradient %v, want %v", got, want)
		}
	}
}

// An element of a log-log convex program that is refused has no values, and no gradient.
func TestInvalidGP(t *testing.T) {
	m := cvx.NewGP()
	x, a := m.Var("x"), m.Param("a").Positive()
	m.Minimize(cvx.Add(x, cvx.Div(cvx.Const(1), x)))
	m.SubjectTo(cvx.Geq(x, a))
	prog, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	l, err := layer.New(prog, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var pass layer.Pass
	if err := l.Forward(ctx, &pass, []float64{2, -1, math.NaN(), 4}); err != nil {
		t.Fatal(err)
	}
	for i, bad := range []bool{false, true, true, false} {
		if (pass.Info[i].Status == qp.InvalidInput) != bad || math.IsNaN(pass.Vars[0][i]) != bad || math.IsNaN(pass.Value[i]) != bad {
			t.Errorf("element %d: %v, x = %v, value %v", i, pass.Info[i], pass.Vars[0][i], pass.Value[i])
		}
	}
	var grad layer.Gradient
	if err := pass.Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{{1, 1, 1, 1}}, Value: []float64{1, 1, 1, 1}}); err != nil {
		t.Fatal(err)
	}
	if g := grad.Params[0]; g[1] != 0 || g[2] != 0 || math.Abs(g[0]-1.75) > 1e-6 {
		t.Errorf("gradient %v", g)
	}
}

// An element that is infeasible or unbounded says by what, and touches no other.
func TestInfeasible(t *testing.T) {
	m := cvx.NewModel()
	x, y := m.Var("x", 2), m.Var("y").NonNeg()
	a, c := m.Param("a"), m.Param("c")
	m.Minimize(cvx.Add(cvx.SumSquares(x), cvx.Times(c, y)))
	m.SubjectTo(
		cvx.Leq(cvx.Sum(x), a).Named("roof"), cvx.Geq(cvx.Sum(x), cvx.Const(1)).Named("floor"),
		cvx.Leq(x, cvx.Const(5)).Named("far"),
	)
	prog, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []layer.Form{layer.Dense, layer.Cone} {
		l, err := layer.New(prog, nil, nil, &layer.Options{Form: form})
		if err != nil {
			t.Fatal(err)
		}
		var pass, alone layer.Pass
		if err := l.Forward(ctx, &pass, []float64{2, 0, 2, 3}, []float64{1, 1, -1, 2}); err != nil {
			t.Fatal(err)
		}
		for i, want := range []layer.Info{
			{Status: qp.Solved},
			{Status: qp.PrimalInfeasible, Reason: `in contradiction: "roof", "floor"`},
			{Status: qp.DualInfeasible, Reason: "without bound: y"},
			{Status: qp.Solved},
		} {
			if got := pass.Info[i]; got.Status != want.Status || !strings.HasPrefix(got.Reason, want.Reason) {
				t.Errorf("%v, element %d: %v, %q, want %v, %q", form, i, got.Status, got.Reason, want.Status, want.Reason)
			}
		}
		if err := pass.Err(); !errors.Is(err, qp.ErrInfeasible) || !strings.Contains(err.Error(), "roof") {
			t.Error(err)
		}
		if pass.Ray(0) != nil || pass.Ray(3) != nil || pass.Ray(-1) != nil || pass.Ray(4) != nil {
			t.Errorf("%v: a proof for an element that is solved, or is not there", form)
		}
		// Σx ≤ 0, Σx ≥ 1 and x ≤ 5, weighted, add up to 0 ≤ −1.
		if r := pass.Ray(1); r == nil || r.Vars != nil || r.Duals["floor"][0] < 0.9 {
			t.Errorf("%v: %+v", form, r)
		} else if roof, floor, far := r.Duals["roof"][0], r.Duals["floor"][0], r.Duals["far"]; math.Abs(roof-floor+far[1]) > 1e-6 || math.Abs(-floor+5*(far[0]+far[1])+1) > 1e-6 {
			t.Errorf("%v: %+v", form, r)
		}
		if r := pass.Ray(2); r == nil || r.Duals != nil || math.Abs(r.Vars["y"][0]-1) > 1e-6 || math.Abs(r.Vars["x"][0]) > 1e-6 {
			t.Errorf("%v: %+v", form, r)
		}
		var grad layer.Gradient
		if err := pass.Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{{1, 2, 1, 2, 1, 2, 1, 2}}, Value: []float64{1, 1, 1, 1}}); err != nil {
			t.Fatal(err)
		}
		if c := grad.Certs[0]; form == layer.Dense && (c.Active != 2 || c.Weak != 0) || form == layer.Cone && (c.Active != -1 || c.Weak != -1) {
			t.Errorf("%v: %+v", form, c)
		}
		for _, g := range grad.Params {
			if g[1] != 0 || g[2] != 0 {
				t.Errorf("%v: gradient %v", form, g)
			}
		}
		if err := l.Forward(ctx, &alone, []float64{3}, []float64{2}); err != nil {
			t.Fatal(err)
		}
		for k := range 2 {
			if pass.Vars[0][6+k] != alone.Vars[0][k] {
				t.Errorf("%v: among others %v, alone %v", form, pass.Vars[0][6:], alone.Vars[0])
			}
		}
	}
}

// What a cone program's forward and backward allocate does not depend on the batch.
func TestConeAllocs(t *testing.T) {
	m := cvx.NewModel()
	x, y := m.Param("x", 6), m.Var("y", 6)
	m.Minimize(cvx.Sub(cvx.Neg(cvx.Dot(x, y)), cvx.Sum(cvx.Entr(y))))
	m.SubjectTo(cvx.Eq(cvx.Sum(y), cvx.Const(1)))
	prog, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	l, err := layer.New(prog, nil, nil, &layer.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	var counts []float64
	for _, size := range []int{2, 30} {
		values := random(r, 6*size)
		up := &layer.Outputs{Vars: [][]float64{random(r, 6*size)}}
		var pass layer.Pass
		var grad layer.Gradient
		counts = append(counts, testing.AllocsPerRun(5, func() {
			if err := l.Forward(ctx, &pass, values); err != nil {
				t.Fatal(err)
			}
			if err := pass.Backward(ctx, &grad, up); err != nil {
				t.Fatal(err)
			}
		}))
	}
	if counts[1] > counts[0]+4 || counts[0] > 20 { // a few under the race detector
		t.Errorf("batches of 2 and 30: %v allocations", counts)
	}
}
