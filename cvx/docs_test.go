package cvx_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/cvx"
)

// The table of atoms in docs/CVX.md is what the code says.
func TestAtomTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("| atom | value | curvature | sign | monotonicity | cones |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, at := range atoms {
		m := cvx.NewModel()
		f := at.f(at.variables(m)...)
		fmt.Fprintf(&b, "| `%s` | %s | %v | %v | %s | %s |\n", at.name, at.meaning, f.Curvature(), f.Sign(), at.monotonicity(), at.cones(t))
	}
	name := filepath.Join("..", "docs", "CVX.md")
	doc, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- begin atoms -->\n", "<!-- end atoms -->"
	_, rest, ok := strings.Cut(string(doc), begin)
	table, _, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no table of atoms", name)
	}
	if table != b.String() {
		t.Errorf("%s has another table; want\n%s", name, b.String())
	}
}

// monotonicity tells how the value moves with each argument, found out from the
// composition rule.
func (e *entry) monotonicity() string {
	var words []string
	for i := range e.args {
		// known says whether f keeps its curvature with g as argument i.
		known := func(g func(x *cvx.Expr) *cvx.Expr) bool {
			m := cvx.NewModel()
			x := e.variables(m)
			x[i] = g(x[i])
			return e.f(x...).Curvature() != cvx.UnknownCurvature
		}
		m := cvx.NewModel()
		convex := e.f(e.variables(m)...).Curvature() == cvx.Convex
		above := known(func(x *cvx.Expr) *cvx.Expr { return cvx.Sub(cvx.Exp(x), cvx.Const(1)) })
		below := known(func(x *cvx.Expr) *cvx.Expr { return cvx.Sub(cvx.Const(1), cvx.Exp(x)) })
		positive := known(cvx.Exp)
		switch {
		case above && convex || below && !convex:
			words = append(words, "nondecreasing")
		case below && convex || above && !convex:
			words = append(words, "nonincreasing")
		case positive:
			words = append(words, "with \\|x\\|")
		default:
			words = append(words, "none")
		}
	}
	return strings.Join(words, ", ")
}

// cones names the cones of the epigraph.
func (e *entry) cones(t *testing.T) string {
	build := func(objective bool) *conic.Structure {
		m := cvx.NewModel()
		f := e.f(e.variables(m)...)
		convex := f.Curvature() == cvx.Convex
		obj := cvx.Sum(f)
		if !objective {
			s := m.Var("s")
			if convex {
				m.SubjectTo(cvx.Leq(obj, s))
			} else {
				m.SubjectTo(cvx.Geq(obj, s))
			}
			obj = s
		}
		if convex {
			m.Minimize(obj)
		} else {
			m.Maximize(obj)
		}
		prog, err := m.Compile()
		if err != nil {
			t.Fatal(err)
		}
		return prog.Structure()
	}
	var names []string
	for _, c := range build(false).Cones {
		name := map[conic.Kind]string{
			conic.SecondOrder: "second-order", conic.PSD: "semidefinite", conic.Exponential: "exponential", conic.Power: "power",
		}[c.Kind]
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		names = []string{"linear"}
	}
	if p := build(true).P; p != nil && p.NNZ() > 0 {
		names = append(names, "quadratic in the objective")
	}
	return strings.Join(names, "; ")
}
