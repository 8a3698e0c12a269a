package cvx_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/cvx"
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
