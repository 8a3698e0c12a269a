package ingraph

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/optnet-go/optnet/qp"
)

// call builds and runs a graph without inputs.
func call(t *testing.T, f func(g *graph.Graph) []*graph.Node) ([]*tensors.Tensor, error) {
	t.Helper()
	b, err := compute.NewWithConfig("go:ops_sequential")
	if err != nil {
		t.Fatal(err)
	}
	e, err := graph.NewExec(b, f)
	if err != nil {
		t.Fatal(err)
	}
	return e.Call()
}

func normal(rng *rand.Rand, g *graph.Graph, dims ...int) *graph.Node {
	n := 1
	for _, d := range dims {
		n *= d
	}
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return graph.Reshape(graph.Const(g, x), dims...)
}

// TestCholesky checks L⁻¹ A L⁻ᵀ = I, and that L⁻¹ is lower triangular, at every order
// around the leaf's.
func TestCholesky(t *testing.T) {
	for n := 1; n <= 19; n++ {
		rng := rand.New(rand.NewPCG(uint64(n), 0))
		out, err := call(t, func(g *graph.Graph) []*graph.Node {
			l := normal(rng, g, 3, n, n)
			a := graph.Add(productT(l, l), scale(0.1, identity(l, n)))
			i := choleskyInverse(a)
			upper := graph.Where(graph.BroadcastPrefix(graph.LowerTriangular(g, n), 3), graph.ZerosLike(i), i)
			return []*graph.Node{graph.ReduceAllMax(graph.Abs(graph.Sub(productT(product(i, a), i), identity(l, n)))), graph.ReduceAllMax(graph.Abs(upper))}
		})
		if err != nil {
			t.Fatal(err)
		}
		if e := out[0].Value().(float64); !(e < 1e-11) {
			t.Errorf("n = %d: L⁻¹AL⁻ᵀ differs from I by %g", n, e)
		}
		if e := out[1].Value().(float64); e != 0 {
			t.Errorf("n = %d: L⁻¹ has %g above its diagonal", n, e)
		}
	}
}

// TestKKT puts solutions into the equations.
func TestKKT(t *testing.T) {
	const batch, n, p, m = 3, 7, 2, 5
	for _, form := range []string{"dense", "diagonal", "bounds only", "no equality", "shared", "no sides"} {
		rng := rand.New(rand.NewPCG(uint64(len(form)), 0))
		out, err := call(t, func(g *graph.Graph) []*graph.Node {
			q := &problem{p: normal(rng, g, batch, n), sides: qp.RowUpper | qp.RowLower | qp.Lower}
			l := normal(rng, g, batch, n, n)
			q.q = graph.Add(productT(l, l), identity(l, n))
			q.a, q.b = normal(rng, g, batch, p, n), normal(rng, g, batch, p)
			q.g = normal(rng, g, batch, m, n)
			sides := 2*m + n
			switch form {
			case "diagonal", "bounds only":
				q.q, q.diag = nil, graph.Exp(normal(rng, g, batch, n))
				if form == "bounds only" {
					q.g, q.sides, sides = nil, qp.Lower|qp.Upper, 2*n
				}
			case "no equality":
				q.a, q.b = nil, nil
			case "shared":
				q.a, q.g = normal(rng, g, p, n), normal(rng, g, m, n)
			case "no sides":
				q.g, q.sides, sides = nil, 0, 0
			}
			var d, rz node
			if sides > 0 {
				q.side = normal(rng, g, batch, sides)
				d, rz = graph.Exp(normal(rng, g, batch, sides)), normal(rng, g, batch, sides)
			}
			q.setWeights()
			q.rho = full(q.rho, 0)
			k := q.factor(d, q.rho)
			rx := normal(rng, g, batch, n)
			var ry node
			if q.a != nil {
				ry = normal(rng, g, batch, p)
			}
			dz, dn, dl := k.solve(rx, ry, rz)
			e := graph.Add(rx, q.quadratic(dz))
			if q.a != nil {
				e = graph.Add(e, mulT(q.a, dn))
			}
			if sides > 0 {
				e = graph.Add(e, q.rowsT(dl))
			}
			out := []*graph.Node{e}
			if q.a != nil {
				out = append(out, graph.Add(mul(q.a, dz), ry))
			}
			if sides > 0 {
				out = append(out, graph.Add(graph.Sub(q.rows(dz), graph.Div(dl, d)), rz))
			}
			return out
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range out {
			for _, v := range tensors.MustCopyFlatData[float64](o) {
				if !(math.Abs(v) < 1e-8) { // of which the regularizations are 1e-11
					t.Errorf("%s: equation %d is off by %g", form, i, v)
					break
				}
			}
		}
	}
}

func TestOptions(t *testing.T) {
	for want, opt := range map[string]*qp.Options{
		"host":         {Workers: 1},
		"none":         {EpsAbs: -1, EpsRel: -1},
		"MaxIter":      {MaxIter: -2},
		"less than 1":  {EpsAbs: 2},
		"solver on th": {Rule: qp.Smoothed},
	} {
		_, err := call(t, func(g *graph.Graph) []*graph.Node {
			return []*graph.Node{QP(Data{P: graph.Const(g, []float64{1, 2}), L: graph.Const(g, []float64{0, 0})}, opt).Z}
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: the error is %v, want one with %q", opt, err, want)
		}
	}
}

// TestLimit stops before the end.
func TestLimit(t *testing.T) {
	out, err := call(t, func(g *graph.Graph) []*graph.Node {
		d := Data{P: graph.Const(g, [][]float64{{1, -2}, {3, 4}}), Diag: graph.Const(g, []float64{1, 1}), L: graph.Const(g, []float64{0, 0})}
		a, b := QP(d, &qp.Options{MaxIter: 2}), QP(d, nil)
		return []*graph.Node{a.Status, b.Status, b.Z, graph.Gradient(graph.ReduceAllSum(a.Z), d.P)[0]}
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := out[0].Value().([]int32); s[0] != int32(qp.MaxIterations) {
		t.Errorf("after two iterations the status is %v", qp.Status(s[0]))
	}
	if s := out[1].Value().([]int32); s[0] != int32(qp.Solved) || s[1] != int32(qp.Solved) {
		t.Errorf("the statuses are %v", s)
	}
	if z := tensors.MustCopyFlatData[float64](out[2]); math.Abs(z[1]-2) > 1e-8 || math.Abs(z[0])+math.Abs(z[2])+math.Abs(z[3]) > 1e-8 {
		t.Errorf("z is %v", z)
	}
	if d := tensors.MustCopyFlatData[float64](out[3]); d[0] != 0 || d[1] != 0 {
		t.Errorf("without a solution the gradient is %v", d)
	}
}
