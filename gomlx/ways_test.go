package gomlx_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/optnet-go/optnet/gomlx"
	"github.com/optnet-go/optnet/qp"
)

// forms are data of all kinds.
func forms() map[string]map[string]array {
	none := func(string) bool { return false }
	without := func(a map[string]array, fields ...string) map[string]array {
		for _, f := range fields {
			delete(a, f)
		}
		return a
	}
	m := map[string]map[string]array{
		"per element":  random(21, 4, 9, 3, 7, none),
		"shared":       random(22, 4, 9, 3, 7, func(f string) bool { return f != "P" }),
		"mixed":        random(23, 4, 9, 3, 7, func(f string) bool { return strings.Contains("Q G H A", f) }),
		"upper rows":   without(random(24, 4, 9, 3, 7, none), "HL", "L", "U"),
		"lower bounds": without(random(25, 4, 9, 3, 7, none), "HL", "H", "G", "U"),
		"no equality":  without(random(26, 4, 9, 3, 7, none), "A", "B"),
		"equality":     without(random(27, 4, 9, 3, 7, none), "HL", "H", "G", "L", "U"),
		"free":         without(random(28, 4, 9, 3, 7, none), "HL", "H", "G", "L", "U", "A", "B"),
		"one variable": random(29, 3, 1, 0, 2, none),
	}
	delete(m["one variable"], "A")
	delete(m["one variable"], "B")
	diag := random(30, 4, 9, 3, 7, func(f string) bool { return f == "A" || f == "B" })
	delete(diag, "Q")
	rng := rand.New(rand.NewPCG(5, 5))
	d := make([]float64, 4*9)
	for i := range d {
		d[i] = 0.5 + rng.Float64()
	}
	diag["Diag"] = array{d, []int{4, 9}}
	m["diagonal"] = diag
	// Only bounds and a diagonal Q: nothing is factored but A S⁻¹Aᵀ.
	simplex := make(map[string]array)
	for f, x := range diag {
		simplex[f] = x
	}
	m["simplex"] = without(simplex, "G", "HL", "H")
	m["linear"] = without(random(31, 4, 9, 3, 7, none), "Q")
	// Half of the sides are not there, and none of the first element.
	inf := random(32, 4, 9, 3, 7, none)
	for _, f := range []string{"HL", "H", "L", "U"} {
		s := math.Inf(1)
		if f == "HL" || f == "L" {
			s = math.Inf(-1)
		}
		for i := range inf[f].flat {
			if element := i / (len(inf[f].flat) / 4); element == 0 || rng.IntN(2) == 0 {
				inf[f].flat[i] = s
			}
		}
	}
	m["infinite sides"] = inf
	return m
}

// TestWays holds the two ways against each other: answers, and gradients with respect to
// all coefficients through all answers, agree to 1e-8. The tolerance is such that the
// answers are that exact too.
func TestWays(t *testing.T) {
	for name, a := range forms() {
		t.Run(name, func(t *testing.T) {
			var names []string
			for _, f := range fields {
				if _, ok := a[f]; ok {
					names = append(names, f)
				}
			}
			results := func(way gomlx.Way) []*tensors.Tensor {
				opt := &gomlx.Options{Way: way, Solver: qp.Options{EpsAbs: 1e-13, EpsRel: 1e-13}}
				return run(t, a, opt, func(d gomlx.Data, s *gomlx.Solution) []*graph.Node {
					out := []*graph.Node{s.Status}
					var in []*graph.Node
					for _, f := range names {
						in = append(in, *field(&d, f))
					}
					loss := graph.ReduceAllSum(s.Value)
					for i, x := range []*graph.Node{s.Z, s.Nu, s.Lambda, s.Mu, s.Value} {
						if x == nil {
							continue
						}
						if i > 0 && i < 4 && name == "linear" {
							out = append(out, x)
							continue
						}
						out = append(out, x)
						w := graph.Cos(graph.AddScalar(graph.IotaFull(x.Graph(), x.Shape()), float64(i)))
						loss = graph.Add(loss, graph.ReduceAllSum(graph.Mul(w, graph.Square(x))))
					}
					return append(out, graph.Gradient(loss, in...)...)
				})
			}
			host, in := results(gomlx.Host), results(gomlx.InGraph)
			for k := range host {
				if k == 0 {
					for i, s := range tensors.MustCopyFlatData[int32](host[0]) {
						if g := tensors.MustCopyFlatData[int32](in[0])[i]; qp.Status(s) != qp.Solved || g != s {
							t.Errorf("element %d: host %v, in graph %v", i, qp.Status(s), qp.Status(g))
						}
					}
					continue
				}
				x, y := flat(host[k]), flat(in[k])
				size := 1.0
				for _, v := range x {
					size = max(size, math.Abs(v))
				}
				for i := range x {
					if !(math.Abs(x[i]-y[i]) <= 1e-8*size) {
						t.Errorf("result %d[%d] of %d: host %.12g, in graph %.12g, differ by %.1e", k, i, len(host), x[i], y[i], math.Abs(x[i]-y[i]))
						break
					}
				}
			}
		})
	}
}

// TestInGraphUnsolved is TestUnsolved in a graph.
func TestInGraphUnsolved(t *testing.T) {
	const batch, n, m = 5, 6, 4
	shared := func(f string) bool { return f == "A" || f == "B" || f == "Q" }
	good := random(3, batch, n, 2, m, shared)
	data := make(map[string]array)
	for f, x := range good {
		data[f] = array{slices.Clone(x.flat), x.dims}
	}
	bad[qp.PrimalInfeasible](data, 1)
	bad[qp.InvalidInput](data, 3)
	build := func(w []float64) func(gomlx.Data, *gomlx.Solution) []*graph.Node {
		return func(d gomlx.Data, s *gomlx.Solution) []*graph.Node {
			loss := graph.ReduceAllSum(graph.Mul(graph.ReduceSum(graph.Square(s.Z), 1), graph.Const(s.Z.Graph(), w)))
			loss = graph.Add(loss, graph.ReduceAllSum(graph.Mul(s.Value, graph.Const(s.Z.Graph(), w))))
			return append(graph.Gradient(loss, d.Q, d.B, d.P), s.Z, s.Status)
		}
	}
	got := run(t, data, &gomlx.Options{Way: gomlx.InGraph}, build([]float64{1, 1, 1, 1, 1}))
	want := run(t, good, &gomlx.Options{Way: gomlx.InGraph}, build([]float64{1, 0, 1, 0, 1}))
	status := fmt.Sprint(got[4].Value())
	if w := fmt.Sprint([]int32{int32(qp.Solved), int32(qp.NumericalError), int32(qp.Solved), int32(qp.InvalidInput), int32(qp.Solved)}); status != w {
		t.Errorf("statuses are %s, want %s", status, w)
	}
	for k := range 3 {
		x, y := flat(got[k]), flat(want[k])
		for i := range x {
			if !(math.Abs(x[i]-y[i]) <= 1e-9) {
				t.Errorf("gradient %d[%d] is %g, want %g", k, i, x[i], y[i])
			}
		}
	}
	for _, v := range flat(got[3]) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("z is %v", got[3])
		}
	}
}
