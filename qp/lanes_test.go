package qp

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/optnet-go/optnet/internal/dense"
)

// mixedBatch is a batch of problems of all kinds: most are strictly convex with a
// solution, and among them are some that a lane has to give back.
func mixedBatch(r *rand.Rand, n, m, p, size int) (Shape, *Batch) {
	sh := Shape{N: n, NEq: p, NIneq: m, Sides: RowLower | RowUpper}
	b := &Batch{Size: size}
	normal := func(k int) []float64 {
		x := make([]float64, k)
		for i := range x {
			x[i] = r.NormFloat64()
		}
		return x
	}
	for range size {
		l, q := normal(n*n), make([]float64, n*n)
		for i := range n {
			for j := range n {
				q[i*n+j] = dense.Dot(l[i*n:(i+1)*n], l[j*n:(j+1)*n])
			}
			q[i*n+i] += 0.1
		}
		lin, a, g, z := normal(n), normal(p*n), normal(m*n), normal(n)
		rhs, lo, up := make([]float64, p), make([]float64, m), make([]float64, m)
		for i := range p {
			rhs[i] = dense.Dot(a[i*n:(i+1)*n], z)
		}
		for i := range m {
			c := dense.Dot(g[i*n:(i+1)*n], z)
			lo[i], up[i] = c-r.ExpFloat64(), c+r.ExpFloat64()
			switch r.IntN(3) {
			case 0:
				lo[i] = math.Inf(-1)
			case 1:
				if r.IntN(2) == 0 {
					up[i] = math.Inf(1)
				}
			}
		}
		if n*m > 0 {
			switch r.IntN(24) {
			case 0: // infeasible
				copy(g[(m-1)*n:], g[:n])
				lo[m-1], up[m-1] = up[0]+1, up[0]+2
				if m == 1 || math.IsInf(up[0], 1) {
					lo[0], up[0] = 2, 1
				}
			case 1: // unbounded
				clear(q)
				clear(g)
			case 2:
				q[0] = math.NaN()
			case 3: // a row without sides, and one with equal sides
				lo[0], up[0] = math.Inf(-1), math.Inf(1)
				up[m-1] = max(lo[m-1], -1e9)
				lo[m-1] = up[m-1]
			case 4: // nearly dependent rows
				copy(g[(m-1)*n:], g[:n])
				g[m*n-1] += 1e-9
			case 5: // rows of very different size
				for i := range n {
					g[i] *= 1e7
				}
				lo[0], up[0] = lo[0]*1e7, up[0]*1e7
			case 6: // a nearly singular Q
				for i := range n {
					q[i*n+i] += 1e-9
					for j := range n {
						q[i*n+j] = 1e-9 * q[i*n+j]
					}
				}
			}
		}
		b.Q, b.P, b.A, b.B, b.G = append(b.Q, q...), append(b.P, lin...), append(b.A, a...), append(b.B, rhs...), append(b.G, g...)
		b.HL, b.H = append(b.HL, lo...), append(b.H, up...)
	}
	return sh, b
}

// withLanes solves and differentiates a batch so many elements at once, which is
// what a user of another processor might get.
func withLanes(t *testing.T, sh Shape, b *Batch, lanes dense.Lanes, opt *Options) (*Solution, *Gradient) {
	t.Helper()
	s, err := NewSolver(sh, opt)
	if err != nil {
		t.Fatal(err)
	}
	p := s.plan.(*cpuPlan)
	p.method, p.lanes = bySchur, lanes
	x, g := new(Solution), new(Gradient)
	if err := s.Solve(context.Background(), x, b); err != nil {
		t.Fatal(err)
	}
	up := &Point{Z: make([]float64, len(x.Z))}
	for i := range up.Z {
		up.Z[i] = 1 + float64(i%7)
	}
	if err := x.VJP(context.Background(), g, up); err != nil {
		t.Fatal(err)
	}
	return x, g
}

// sameAnswers fails unless two solutions have the same bits.
func sameAnswers(t *testing.T, what string, x, y any) {
	t.Helper()
	a, b := reflect.ValueOf(x).Elem(), reflect.ValueOf(y).Elem()
	for i := range a.NumField() {
		name := what + " " + a.Type().Field(i).Name
		if !a.Type().Field(i).IsExported() {
			continue
		}
		switch u := a.Field(i).Interface().(type) {
		case []float64:
			v := b.Field(i).Interface().([]float64)
			for j := range u {
				if math.Float64bits(u[j]) != math.Float64bits(v[j]) {
					t.Fatalf("%s[%d]: %v and %v", name, j, u[j], v[j])
				}
			}
		case []Info, []Certificate:
			if !reflect.DeepEqual(u, b.Field(i).Interface()) {
				t.Fatalf("%s: %+v and %+v", name, u, b.Field(i).Interface())
			}
		case Point, Data:
			sameAnswers(t, name, a.Field(i).Addr().Interface(), b.Field(i).Addr().Interface())
		}
	}
}

// An element has the same bits alone on a worker and in a lane, whatever is in
// the other lanes.
func TestLanesGiveTheSameBits(t *testing.T) {
	r := rand.New(rand.NewPCG(60, 1))
	sizes := []int{1, 2, 3, 5, 8, 10, 13, 20, 32}
	if testing.Short() {
		sizes = []int{1, 3, 8, 13}
	}
	for _, n := range sizes {
		for _, m := range []int{1, 2, n, 2 * n} {
			for _, p := range []int{0, 1, n / 2} {
				sh, b := mixedBatch(r, n, m, p, 40)
				for _, opt := range []Options{{Workers: 1}, {Workers: 1, EpsAbs: 1e-12, EpsRel: 1e-12}, {Workers: 1, MaxIter: 5}} {
					x, g := withLanes(t, sh, b, 0, &opt)
					for _, lanes := range []dense.Lanes{4, 8} {
						what := fmt.Sprintf("n=%d m=%d p=%d %d lanes", n, m, p, lanes)
						y, h := withLanes(t, sh, b, lanes, &opt)
						sameAnswers(t, what, x, y)
						sameAnswers(t, what, g, h)
					}
				}
			}
		}
	}
}
