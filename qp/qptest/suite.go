package qptest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

// Test runs the suite that every engine passes; nil is the CPU.
func Test(t *testing.T, engine qp.Engine) {
	s := suite{engine}
	t.Run("Solvable", s.solvable)
	t.Run("Tight", s.tight)
	t.Run("Infeasible", s.infeasible)
	t.Run("Many", s.many)
	t.Run("Invalid", s.invalid)
	t.Run("Derivatives", s.derivatives)
	t.Run("Degenerate", s.degenerate)
	t.Run("Invariance", s.invariance)
	t.Run("Bits", s.bits)
	t.Run("Shared", s.shared)
	t.Run("Keep", s.keep)
	t.Run("Outputs", s.outputs)
	t.Run("Shapes", s.shapes)
	t.Run("Forms", s.forms)
	t.Run("Warm", s.warm)
	t.Run("Limits", s.limits)
	t.Run("Callbacks", s.callbacks)
	t.Run("Concurrent", s.concurrent)
	t.Run("Reference", s.reference)
}

// seed of every problem of the suite.
const seed = 1

type suite struct{ engine qp.Engine }

func newRand(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }

// exact asks for residuals of 1e-12.
func exact() qp.Options { return qp.Options{EpsAbs: 1e-12, EpsRel: 1e-12} }

// default tolerances, for Check.
const eps = 1e-8

func (s suite) solver(t testing.TB, sh qp.Shape, opt qp.Options) *qp.Solver {
	t.Helper()
	opt.Engine = s.engine
	v, err := qp.NewSolver(sh, &opt)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// solve solves a batch into a new Solution, and fails on an error of the call.
func (s suite) solve(t testing.TB, sh qp.Shape, opt qp.Options, b *qp.Batch) *qp.Solution {
	t.Helper()
	x := new(qp.Solution)
	t.Cleanup(func() { x.Close() })
	must(t, s.solver(t, sh, opt).Solve(t.Context(), x, b))
	return x
}

// solved is solve, for batches of which every element must be Solved.
func (s suite) solved(t testing.TB, sh qp.Shape, opt qp.Options, b *qp.Batch) *qp.Solution {
	t.Helper()
	x := s.solve(t, sh, opt, b)
	must(t, x.Err())
	return x
}

func vjp(t testing.TB, x *qp.Solution, up *qp.Point) *qp.Gradient {
	t.Helper()
	g := new(qp.Gradient)
	must(t, x.VJP(t.Context(), g, up))
	return g
}

func jvp(t testing.TB, x *qp.Solution, dir *qp.Data) *qp.Tangent {
	t.Helper()
	d := new(qp.Tangent)
	must(t, x.JVP(t.Context(), d, dir))
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// check fails the test with what Check finds.
func check(t testing.TB, sh qp.Shape, b *qp.Batch, x *qp.Solution, eps float64) {
	t.Helper()
	if err := Check(sh, b, x, eps, eps); err != nil {
		t.Error(err)
	}
}

// problems are the generated ones that a test wants.
func problems(want func(p *gen.QP) bool) []*gen.QP {
	var list []*gen.QP
	for _, p := range gen.All(seed) {
		if want(&p) {
			list = append(list, &p)
		}
	}
	return list
}

// wellPosed problems have a derivative: unique answers, none of them marginal.
func wellPosed(p *gen.QP) bool {
	return p.Status == gen.Solvable && p.Unique && p.DualsUnique && p.Weak == 0 && p.Scaled == 0
}

// agree fails unless got and want differ by tol at most.
func agree(t testing.TB, name string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s has %d values, want %d", name, len(got), len(want))
		return
	}
	worst, at := 0.0, -1
	for i := range got {
		if d := math.Abs(got[i] - want[i]); !(d <= tol) && !(d <= worst) && got[i] != want[i] {
			worst, at = d, i
		}
	}
	if at >= 0 {
		t.Errorf("%s[%d] is %.12g, want %.12g: off by %.3g, tolerance %.3g", name, at, got[at], want[at], worst, tol)
	}
}

// agreePoint compares two points array by array, to tol times the largest entry
// of want or 1.
func agreePoint(t testing.TB, got, want *qp.Point, tol float64) {
	t.Helper()
	for _, c := range points {
		x, y := *c.of(got), *c.of(want)
		agree(t, c.name, x, y, tol*max(1, norm(y)))
	}
}

// agreeData compares gradients, to tol times the largest entry of all of want,
// or of 1.
func agreeData(t testing.TB, got, want *qp.Data, tol float64) {
	t.Helper()
	size := 1.0
	for _, c := range coefs {
		size = max(size, norm(*c.of(want)))
	}
	for _, c := range coefs {
		agree(t, "d"+c.name, *c.of(got), *c.of(want), tol*size)
	}
}
