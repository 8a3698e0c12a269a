package gomlx_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/optnet-go/optnet/gomlx"
)

// weighted is max(−p, 0) and the gradient of its sum with weights w for the elements.
func weighted(t *testing.T, w []float64, opt *gomlx.Options) *graph.Exec {
	return graph.MustNewExec(backend(t), func(p *graph.Node) []*graph.Node {
		c := func(x []float64) *graph.Node { return graph.Const(p.Graph(), x) }
		s := gomlx.QP(gomlx.Data{Diag: c([]float64{1, 1}), P: p, L: c([]float64{0, 0})}, opt)
		l := graph.ReduceAllSum(s.Z)
		if w != nil {
			l = graph.ReduceAllSum(graph.Mul(s.Z, graph.InsertAxes(c(w), -1)))
		}
		return []*graph.Node{s.Z, graph.Gradient(l, p)[0]}
	})
}

var two = [][]float64{{-1, -2}, {-3, -1}}

func isMinusOne(x []float64) bool {
	for _, v := range x {
		if math.Abs(v+1) > 1e-7 {
			return false
		}
	}
	return true
}

// TestNaNCotangent: a gradient that is no number reaches no other element.
func TestNaNCotangent(t *testing.T) {
	for _, way := range []gomlx.Way{gomlx.Auto, gomlx.InGraph} {
		g := flat(weighted(t, []float64{math.NaN(), 1}, &gomlx.Options{Way: way}).MustCall(two)[1])
		if g[0] != 0 || g[1] != 0 || !isMinusOne(g[2:]) {
			t.Errorf("way %d: the gradient is %v", way, g)
		}
	}
}

// TestNoElements: a batch of 0 is solved on the host, and refused in a graph.
func TestNoElements(t *testing.T) {
	none := func() *tensors.Tensor { return tensors.FromFlatDataAndDimensions([]float64{}, 0, 2) }
	if backend(t).HasSharedBuffers() { // XLA's have no arrays of size 0
		out, err := weighted(t, nil, nil).Call(none())
		if err != nil || out[0].Size() != 0 || out[1].Size() != 0 {
			t.Errorf("%v, %v", out, err)
		}
	}
	if _, err := weighted(t, nil, &gomlx.Options{Way: gomlx.InGraph}).Call(none()); err == nil || !strings.Contains(err.Error(), "a batch of 0 elements") {
		t.Errorf("error %v", err)
	}
}

// TestInterrupted: a context that ends between a solve and its derivative, and a panic
// of the user's, end the execution; the memory of that one is used by the next.
func TestInterrupted(t *testing.T) {
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	e := weighted(t, nil, &gomlx.Options{Context: ctx, Report: func(*gomlx.Report) { cancel(why) }})
	for _, at := range []string{"gradient of qp", "solving"} {
		if _, err := e.Call(two); !errors.Is(err, why) || !strings.Contains(err.Error(), at) {
			t.Errorf("error %v, want one of %q", err, at)
		}
	}
	calls := 0
	e = weighted(t, nil, &gomlx.Options{Report: func(*gomlx.Report) {
		if calls++; calls == 1 {
			panic("report")
		}
	}})
	func() {
		defer func() {
			if r := recover(); r != "report" {
				t.Errorf("recovered %v", r)
			}
		}()
		_, _ = e.Call(two)
	}()
	if out, err := e.Call(two); err != nil || !isMinusOne(flat(out[1])) {
		t.Errorf("%v, %v", out, err)
	}
}
