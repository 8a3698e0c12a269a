package conic_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/sparse"
)

// batchOf makes a batch of one structure: everything per element, or A and P shared.
func batchOf(size int, shared bool) (*conic.Structure, *conic.Batch) {
	mix := mixtures[len(mixtures)-1]
	p := randomProblem(newRand(0), mix.n, mix.cones, true, 0.6)
	b := &conic.Batch{Size: size}
	r := newRand(1)
	for range size {
		q := randomProblem(newRand(0), mix.n, mix.cones, true, 0.6)
		for j := range q.Q {
			q.Q[j] += 0.1 * r.NormFloat64()
		}
		if !shared {
			b.P, b.A = append(b.P, q.P.Val...), append(b.A, q.A.Val...)
		}
		b.Q, b.B = append(b.Q, q.Q...), append(b.B, q.B...)
	}
	if shared {
		b.P, b.A = p.P.Val, p.A.Val
	}
	return p.Structure(), b
}

func solver(t testing.TB, st *conic.Structure, opt *conic.Options) *conic.Solver {
	t.Helper()
	s, err := conic.NewSolver(st, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestBits: an element is the same alone, among others, in another order, on any
// number of goroutines, and beside elements that fail.
func TestBits(t *testing.T) {
	for _, shared := range []bool{false, true} {
		st, b := batchOf(7, shared)
		n, m := st.N, st.A.Rows
		var want conic.Solution
		if err := solver(t, st, &conic.Options{Workers: 1}).Solve(t.Context(), &want, b); err != nil {
			t.Fatal(err)
		}
		if err := want.Err(); err != nil {
			t.Fatal(err)
		}
		same := func(name string, got *conic.Solution, at, i int) {
			t.Helper()
			if !slices.Equal(got.X[at*n:(at+1)*n], want.X[i*n:(i+1)*n]) || !slices.Equal(got.Z[at*m:(at+1)*m], want.Z[i*m:(i+1)*m]) ||
				!slices.Equal(got.S[at*m:(at+1)*m], want.S[i*m:(i+1)*m]) || got.Info[at] != want.Info[i] {
				t.Errorf("shared=%v, %s: element %d differs", shared, name, i)
			}
		}
		for _, workers := range []int{2, 5} {
			var x conic.Solution
			if err := solver(t, st, &conic.Options{Workers: workers}).Solve(t.Context(), &x, b); err != nil {
				t.Fatal(err)
			}
			for i := range b.Size {
				same("workers", &x, i, i)
			}
		}
		s := solver(t, st, nil)
		var x conic.Solution
		for i := b.Size - 1; i >= 0; i-- { // alone, into used storage
			one := &conic.Batch{Size: 1, Data: conic.Data{P: b.P, A: b.A, Q: b.Q[i*n : (i+1)*n], B: b.B[i*m : (i+1)*m]}}
			if !shared {
				np, na := len(b.P)/b.Size, len(b.A)/b.Size
				one.P, one.A = b.P[i*np:(i+1)*np], b.A[i*na:(i+1)*na]
			}
			if err := s.Solve(t.Context(), &x, one); err != nil {
				t.Fatal(err)
			}
			same("alone", &x, 0, i)
		}
		bad := *b
		bad.Q, bad.B = slices.Clone(b.Q), slices.Clone(b.B)
		bad.Q[2*n] = math.NaN()
		bad.B[4*m+2] = math.Inf(-1)
		if err := s.Solve(t.Context(), &x, &bad); err != nil {
			t.Fatal(err)
		}
		for i := range b.Size {
			if i == 2 || i == 4 {
				if x.Info[i].Status != conic.InvalidInput || x.Info[i].Reason == "" {
					t.Errorf("element %d: %+v", i, x.Info[i])
				}
				continue
			}
			same("beside bad ones", &x, i, i)
		}
		var e *conic.ElementError
		if err := x.Err(); !errors.As(err, &e) || e.Index != 2 || e.Count != 2 || !errors.Is(err, conic.ErrNotSolved) {
			t.Errorf("Err is %v", err)
		}
	}
}

func TestKeep(t *testing.T) {
	st, b := batchOf(3, true)
	s := solver(t, st, nil)
	var x, y conic.Solution
	err := s.Solve(t.Context(), &x, &conic.Batch{Size: 3, Keep: conic.CoefA, Data: b.Data})
	if !errors.Is(err, conic.ErrNothingKept) {
		t.Errorf("Keep before the first Solve: %v", err)
	}
	if err := s.Solve(t.Context(), &x, b); err != nil {
		t.Fatal(err)
	}
	for j := range b.Q {
		b.Q[j] *= 1.5
	}
	if err := s.Solve(t.Context(), &x, &conic.Batch{Size: 3, Keep: conic.CoefA | conic.CoefP | conic.CoefB, Data: conic.Data{Q: b.Q}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Solve(t.Context(), &y, b); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x.X, y.X) || !slices.Equal(x.Z, y.Z) {
		t.Error("kept coefficients give another result")
	}
}

// TestWarm: from the solution, from elsewhere and from nonsense, the answer is the
// same, and there is at most one cold retry.
func TestWarm(t *testing.T) {
	for _, mix := range mixtures[1:] {
		p := randomProblem(newRand(3), mix.n, mix.cones, true, 0.6)
		s := solver(t, p.Structure(), nil)
		var x conic.Solution
		b := &conic.Batch{Size: 1, Data: p.Data()}
		if err := s.Solve(t.Context(), &x, b); err != nil {
			t.Fatal(err)
		}
		cold := x.Info[0].Iterations
		n, m := len(p.Q), len(p.B)
		fill := func(k int, v float64) []float64 {
			a := make([]float64, k)
			for i := range a {
				a[i] = v
			}
			return a
		}
		for name, w := range map[string]*conic.Point{
			"solution": {X: slices.Clone(x.X), Z: slices.Clone(x.Z), S: slices.Clone(x.S)},
			"zeros":    {X: fill(n, 0), Z: fill(m, 0), S: fill(m, 0)},
			"far":      {X: fill(n, 1e6), Z: fill(m, -1e6), S: fill(m, 1e6)},
			"NaN":      {X: fill(n, math.NaN()), Z: fill(m, 1), S: fill(m, 1)},
		} {
			var y conic.Solution
			b.Warm = w
			if err := s.Solve(t.Context(), &y, b); err != nil {
				t.Fatal(err)
			}
			info := y.Info[0]
			if info.Status != conic.Solved || math.Abs(y.Value[0]-x.Value[0]) > 1e-6*(1+math.Abs(x.Value[0])) {
				t.Errorf("%s from %s: %+v, value %v, want %v", mix.name, name, info, y.Value[0], x.Value[0])
			}
			if info.Retries > 1 || info.Iterations > cold+30 {
				t.Errorf("%s from %s: %+v, cold start took %d", mix.name, name, info, cold)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	st, b := batchOf(3, false)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	calls := 0
	s := solver(t, st, &conic.Options{Workers: 1, Trace: func(it conic.Iteration) {
		if calls++; it.Element == 1 && it.Iter == 2 {
			cancel(why)
		}
	}})
	var x conic.Solution
	if err := s.Solve(ctx, &x, b); !errors.Is(err, why) {
		t.Errorf("canceled Solve returns %v", err)
	}
	if x.Info[0].Status != conic.Solved || x.Info[1].Status != conic.Canceled || x.Info[2].Status != conic.Canceled {
		t.Errorf("statuses %v, %v, %v", x.Info[0].Status, x.Info[1].Status, x.Info[2].Status)
	}
	for _, v := range x.X {
		if math.IsNaN(v) {
			t.Error("a canceled element has NaN")
			break
		}
	}
	if err := solver(t, st, &conic.Options{MaxIter: 2}).Solve(t.Context(), &x, b); err != nil || x.Info[1].Status != conic.MaxIterations || x.Info[1].Iterations != 2 {
		t.Errorf("MaxIter 2: %v, %+v", err, x.Info[1])
	}
	if err := solver(t, st, &conic.Options{TimeLimit: time.Nanosecond}).Solve(t.Context(), &x, b); err != nil || x.Info[1].Status != conic.MaxTime {
		t.Errorf("TimeLimit: %v, %+v", err, x.Info[1])
	}
}

func TestInfiniteRows(t *testing.T) {
	// x ≤ 1, x ≤ ∞, minimize −x
	a, _ := sparse.FromTriplets(2, 1, []sparse.Triplet{{Row: 0, Col: 0, Val: 1}, {Row: 1, Col: 0, Val: 1}})
	p := &conic.Problem{Q: []float64{-1}, A: a, B: []float64{1, math.Inf(1)}, Cones: []conic.Cone{{Kind: conic.NonNegative, Size: 2}}}
	x, err := conic.Solve(t.Context(), p, nil)
	if err != nil || math.Abs(x.X[0]-1) > 1e-7 || x.Z[1] != 0 || !math.IsInf(x.S[1], 1) {
		t.Errorf("%v: x = %v, z = %v, s = %v", err, x.X, x.Z, x.S)
	}
	p.B[0] = 1e30
	if x, _ := conic.Solve(t.Context(), p, nil); x.Info[0].Status != conic.DualInfeasible || x.Rays.X[0] < 0 {
		t.Errorf("no bound: %+v", x.Info[0])
	}
}

func TestEmpty(t *testing.T) {
	none := &sparse.CSC{Rows: 0, Cols: 2, ColPtr: []int{0, 0, 0}}
	eye, _ := sparse.FromTriplets(2, 2, []sparse.Triplet{{Row: 0, Col: 0, Val: 2}, {Row: 1, Col: 1, Val: 4}})
	x, err := conic.Solve(t.Context(), &conic.Problem{P: eye, Q: []float64{-2, 4}, A: none}, nil)
	if err != nil || math.Abs(x.X[0]-1) > 1e-7 || math.Abs(x.X[1]+1) > 1e-7 {
		t.Errorf("no rows: %v, %v", err, x.X)
	}
	if _, err = conic.Solve(t.Context(), &conic.Problem{Q: []float64{0, 0}, A: none}, nil); err != nil {
		t.Errorf("nothing at all: %v", err)
	}
	if x, _ = conic.Solve(t.Context(), &conic.Problem{Q: []float64{1, 0}, A: none}, nil); x.Info[0].Status != conic.DualInfeasible {
		t.Errorf("an objective alone: %+v", x.Info[0])
	}
	// No variables: b decides.
	zero := &sparse.CSC{Rows: 1, Cols: 0, ColPtr: []int{0}}
	p := &conic.Problem{A: zero, B: []float64{1}, Cones: []conic.Cone{{Kind: conic.NonNegative, Size: 1}}}
	if _, err = conic.Solve(t.Context(), p, nil); err != nil {
		t.Errorf("s = 1 ≥ 0: %v", err)
	}
	p.B[0] = -1
	if x, _ = conic.Solve(t.Context(), p, nil); x.Info[0].Status != conic.PrimalInfeasible {
		t.Errorf("s = −1 ≥ 0: %+v", x.Info[0])
	}
	s := solver(t, p.Structure(), nil)
	if err := s.Solve(t.Context(), x, &conic.Batch{}); err != nil || len(x.Info) != 0 {
		t.Errorf("a batch of none: %v", err)
	}
}

func TestBadInput(t *testing.T) {
	a, _ := sparse.FromTriplets(2, 2, []sparse.Triplet{{Row: 0, Col: 0, Val: 1}, {Row: 1, Col: 1, Val: 1}})
	low := &sparse.CSC{Rows: 2, Cols: 2, ColPtr: []int{0, 2, 2}, RowIdx: []int{0, 1}, Val: []float64{1, 1}}
	unsorted := &sparse.CSC{Rows: 2, Cols: 2, ColPtr: []int{0, 2, 2}, RowIdx: []int{1, 0}, Val: []float64{1, 1}}
	twice := &sparse.CSC{Rows: 2, Cols: 2, ColPtr: []int{0, 2, 2}, RowIdx: []int{1, 1}, Val: []float64{1, 1}}
	nn := []conic.Cone{{Kind: conic.NonNegative, Size: 2}}
	for _, c := range []struct {
		name, want string
		st         conic.Structure
	}{
		{"no A", "A is nil", conic.Structure{N: 2, Cones: nn}},
		{"columns", "want N columns", conic.Structure{N: 3, A: a, Cones: nn}},
		{"cones short", "want 2, those of A", conic.Structure{N: 2, A: a, Cones: nn[:0]}},
		{"P lower", "upper triangle", conic.Structure{N: 2, A: a, P: low, Cones: nn}},
		{"P size", "want 2×2", conic.Structure{N: 2, A: a, P: &sparse.CSC{Rows: 1, Cols: 1, ColPtr: []int{0, 0}}, Cones: nn}},
		{"unsorted", "ascending", conic.Structure{N: 2, A: unsorted, Cones: nn}},
		{"duplicate", "duplicates", conic.Structure{N: 2, A: twice, Cones: nn}},
		{"negative size", "want 0 or more", conic.Structure{N: 2, A: a, Cones: []conic.Cone{{Kind: conic.Zero, Size: -2}}}},
		{"kind", "kind is 99", conic.Structure{N: 2, A: a, Cones: []conic.Cone{{Kind: 99, Size: 2}}}},
		{"alpha", "between 0 and 1", conic.Structure{N: 2, A: a, Cones: []conic.Cone{{Kind: conic.Power, Alpha: []float64{1.5}}}}},
		{"alpha missing", "want 1", conic.Structure{N: 2, A: a, Cones: []conic.Cone{{Kind: conic.Power}}}},
		{"alpha sum", "want 1", conic.Structure{N: 2, A: a, Cones: []conic.Cone{{Kind: conic.GenPower, Alpha: []float64{0.5, 0.6}}}}},
	} {
		if _, err := conic.NewSolver(&c.st, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
	s := solver(t, &conic.Structure{N: 2, A: a, Cones: nn}, nil)
	var x conic.Solution
	var shape *conic.ShapeError
	for _, d := range []conic.Data{
		{Q: []float64{1}, A: a.Val, B: []float64{0, 0}},
		{Q: []float64{1, 1}, A: a.Val[:1], B: []float64{0, 0}},
		{Q: []float64{1, 1}, A: a.Val, B: []float64{0, 0, 0}},
		{P: []float64{1}, Q: []float64{1, 1}, A: a.Val, B: []float64{0, 0}},
	} {
		if err := s.Solve(t.Context(), &x, &conic.Batch{Size: 1, Data: d}); !errors.As(err, &shape) {
			t.Errorf("%v: %v, want a *ShapeError", d, err)
		}
	}
	if err := s.Solve(t.Context(), &x, &conic.Batch{Size: -1}); err == nil {
		t.Error("a negative size is no error")
	}
	for _, o := range []conic.Options{{EpsAbs: math.NaN()}, {EpsAbs: -1, EpsRel: -1}, {MaxIter: -1}, {Rule: 9}, {Kappa: -1}} {
		if _, err := conic.NewSolver(&conic.Structure{N: 2, A: a, Cones: nn}, &o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
	// What concerns an element.
	pp, _ := sparse.FromTriplets(2, 2, []sparse.Triplet{{Row: 0, Col: 0, Val: 1}, {Row: 0, Col: 1, Val: 3}, {Row: 1, Col: 1, Val: 1}})
	dd, _ := sparse.FromTriplets(2, 2, []sparse.Triplet{{Row: 0, Col: 0, Val: 1}, {Row: 1, Col: 1, Val: -1}})
	for name, p := range map[string]*conic.Problem{
		"indefinite P":          {P: pp, Q: []float64{0, 0}, A: a, B: []float64{1, 1}, Cones: nn},
		"negative P":            {P: dd, Q: []float64{0, 0}, A: a, B: []float64{1, 1}, Cones: nn},
		"NaN in Q":              {Q: []float64{0, math.NaN()}, A: a, B: []float64{1, 1}, Cones: nn},
		"Inf in an equality":    {Q: []float64{0, 0}, A: a, B: []float64{1, math.Inf(1)}, Cones: []conic.Cone{{Kind: conic.Zero, Size: 2}}},
		"−Inf in an inequality": {Q: []float64{0, 0}, A: a, B: []float64{1, math.Inf(-1)}, Cones: nn},
	} {
		x, err := conic.Solve(t.Context(), p, nil)
		if x == nil || x.Info[0].Status != conic.InvalidInput || x.Info[0].Reason == "" || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// 0·x + s = 1, s = 0
	row := &sparse.CSC{Rows: 1, Cols: 1, ColPtr: []int{0, 0}}
	q, _ := conic.Solve(t.Context(), &conic.Problem{Q: []float64{0}, A: row, B: []float64{1}, Cones: []conic.Cone{{Kind: conic.Zero, Size: 1}}}, nil)
	if q.Info[0].Status != conic.PrimalInfeasible {
		t.Errorf("an equality that cannot hold: %+v", q.Info[0])
	}
}

func TestNoAllocs(t *testing.T) {
	st, b := batchOf(2, false)
	s := solver(t, st, &conic.Options{Workers: 1})
	var x conic.Solution
	ctx := context.Background()
	if err := s.Solve(ctx, &x, b); err != nil {
		t.Fatal(err)
	}
	// A few for the closures of an element; none for an iteration.
	if n := testing.AllocsPerRun(3, func() {
		if err := s.Solve(ctx, &x, b); err != nil {
			t.Fatal(err)
		}
	}); n > 8 {
		t.Errorf("%v allocations for two elements", n)
	}
}
