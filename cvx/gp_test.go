package cvx_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/layer"
)

func TestGPExplains(t *testing.T) {
	m := cvx.NewGP()
	x, y := m.Var("x"), m.Var("y")
	a, b := m.Param("a").Positive(), m.Param("b")
	m.Minimize(cvx.Sub(x, y))
	m.SubjectTo(
		cvx.Eq(cvx.Add(x, y), a).Named("sum"),
		cvx.Leq(cvx.Times(b, x), cvx.Const(1)).Named("undeclared"),
		cvx.Geq(cvx.Maximum(x, y), a).Named("max"),
		cvx.Leq(cvx.Times(cvx.Const(-1), x), a).Named("negative"),
	)
	_, err := m.Compile()
	var e *cvx.ModelError
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	for _, want := range []string{
		"a difference has no log-log curvature",
		"an equation must be log-log affine (a monomial), and this is log-log convex",
		"parameter b of a log-log convex program is not declared positive",
		"the larger side must be log-log concave",
		"the constant -1 is not positive",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not said: %s", want)
		}
	}
	if t.Failed() || len(e.Problems) != 5 {
		t.Errorf("%d problems: %v", len(e.Problems), err)
	}
}

// The box of largest volume with bounded walls and floor (Boyd et al., A tutorial
// on geometric programming, 2007), and its analytic relatives.
func TestGP(t *testing.T) {
	m := cvx.NewGP()
	h, w, d := m.Var("h"), m.Var("w"), m.Var("d")
	wall, floor := m.Param("wall").Positive(), m.Param("floor").Positive()
	m.Maximize(cvx.Prod(cvx.VStack(h, w, d)))
	m.SubjectTo(
		cvx.Leq(cvx.Scale(2, cvx.Add(cvx.Times(h, w), cvx.Times(h, d))), wall).Named("wall"),
		cvx.Leq(cvx.Times(w, d), floor).Named("floor"),
		cvx.Leq(cvx.Div(h, w), cvx.Const(5)), cvx.Geq(cvx.Div(h, w), cvx.Const(0.2)),
	)
	prog, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	l, err := layer.New(prog, nil, nil, &layer.Options{Duals: []string{"wall", "floor"}})
	if err != nil {
		t.Fatal(err)
	}
	var pass layer.Pass
	walls, floors := []float64{200, 40}, []float64{50}
	if err := l.Forward(context.Background(), &pass, walls, floors); err != nil {
		t.Fatal(err)
	}
	if err := pass.Err(); err != nil {
		t.Fatal(err)
	}
	// With w = d = √floor and h = wall/(4w), the volume is wall·√floor/4.
	for i := range walls {
		want := walls[i] * math.Sqrt(floors[0]) / 4
		if got := pass.Value[i]; math.Abs(got-want) > 1e-6*want {
			t.Errorf("volume %v, want %v", got, want)
		}
		if got, want := pass.Vars[0][i], walls[i]/4/math.Sqrt(floors[0]); math.Abs(got-want) > 1e-5*want {
			t.Errorf("height %v, want %v", got, want)
		}
		// Elasticities: 1 % more wall is 1 % more volume, 1 % more floor ½ %.
		if got := []float64{pass.Duals[0][i], pass.Duals[1][i]}; math.Abs(got[0]-1) > 1e-3 || math.Abs(got[1]-0.5) > 1e-3 {
			t.Errorf("multipliers %v", got)
		}
	}
}
