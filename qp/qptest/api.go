package qptest

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

func nan() float64 { return math.NaN() }

// outputs checks Want: what is not wanted is empty, and the rest the same.
func (s suite) outputs(t *testing.T) {
	p := gen.TwoSided(seed, 5, 1, 4)
	sh, b := variants(&p, 3, 0)
	all := s.solved(t, sh, qp.Options{}, b)
	up := &qp.Point{Z: slices.Repeat([]float64{1}, 3*sh.N)}
	g := vjp(t, all, up)
	for _, want := range []qp.Output{qp.OutZ, qp.OutDuals, qp.OutSlack, qp.OutFactors, qp.OutZ | qp.OutFactors, qp.OutDuals | qp.OutSlack} {
		t.Run(outputName(want), func(t *testing.T) {
			x := &qp.Solution{Want: want}
			defer x.Close()
			must(t, s.solver(t, sh, qp.Options{}).Solve(t.Context(), x, b))
			must(t, x.Err())
			for _, o := range []struct {
				name      string
				got, full []float64
				of        qp.Output
			}{
				{"Z", x.Z, all.Z, qp.OutZ}, {"Value", x.Value, all.Value, qp.OutZ},
				{"Nu", x.Nu, all.Nu, qp.OutDuals}, {"Lambda", x.Lambda, all.Lambda, qp.OutDuals}, {"Mu", x.Mu, all.Mu, qp.OutDuals},
				{"S", x.S, all.S, qp.OutSlack},
			} {
				if want&o.of == 0 {
					o.full = nil
				}
				sameBits(t, o.name, o.got, o.full)
			}
			for i := range x.Info {
				if x.Info[i] != all.Info[i] {
					t.Errorf("Info %+v, want %+v", x.Info[i], all.Info[i])
				}
			}
			h := new(qp.Gradient)
			err := x.VJP(t.Context(), h, up)
			if want&qp.OutFactors == 0 {
				if !errors.Is(err, qp.ErrNoFactors) {
					t.Errorf("VJP: error %v, want ErrNoFactors", err)
				}
				if err := x.JVP(t.Context(), new(qp.Tangent), &qp.Data{}); !errors.Is(err, qp.ErrNoFactors) {
					t.Errorf("JVP: error %v, want ErrNoFactors", err)
				}
				return
			}
			must(t, err)
			for _, c := range coefs {
				sameBits(t, "d"+c.name, *c.of(&h.Data), *c.of(&g.Data))
			}
		})
	}
	t.Run("plan", func(t *testing.T) {
		v := s.solver(t, sh, qp.Options{})
		if v.Method() == "" {
			t.Error("Method says nothing")
		}
		h1, d1 := v.Bytes(1, 0)
		h9, d9 := v.Bytes(9, 0)
		if h1 <= 0 || h9 <= h1 || d1 < 0 || d9 < d1 {
			t.Errorf("Bytes are %d and %d for one element, %d and %d for nine", h1, d1, h9, d9)
		}
	})
	t.Run("not-solved", func(t *testing.T) {
		if err := new(qp.Solution).VJP(t.Context(), new(qp.Gradient), up); !errors.Is(err, qp.ErrNoFactors) {
			t.Errorf("VJP: error %v, want ErrNoFactors", err)
		}
	})
}

func outputName(o qp.Output) string {
	name := ""
	for k, n := range []string{"Z", "Duals", "Slack", "Factors"} {
		if o&(1<<k) != 0 {
			name += n
		}
	}
	return name
}

func wantShapeError(t *testing.T, err error, name string) {
	t.Helper()
	var e *qp.ShapeError
	if !errors.As(err, &e) || e.Name != name {
		t.Errorf("error %v, want a ShapeError of %s", err, name)
	}
}

// shapes gives every array a wrong length, and tries the smallest problems.
func (s suite) shapes(t *testing.T) {
	t.Run("errors", s.wrongLengths)
	t.Run("empty-batch", s.emptyBatch)
	t.Run("special", s.special)
}

func (s suite) wrongLengths(t *testing.T) {
	p := gen.TwoSided(seed, 5, 2, 4)
	sh, b := variants(&p, 3, 0)
	v, x := s.solver(t, sh, qp.Options{}), new(qp.Solution)
	defer x.Close()
	for _, c := range coefs {
		for _, n := range []int{0, c.len(sh) - 1, c.len(sh) + 1, 2 * c.len(sh), 3*c.len(sh) - 1, 3*c.len(sh) + 1, 4 * c.len(sh)} {
			bad := *b
			*c.of(&bad.Data) = make([]float64, n)
			wantShapeError(t, v.Solve(t.Context(), x, &bad), c.name)
		}
	}
	for _, c := range points {
		bad, warm := *b, new(qp.Point)
		*c.of(warm) = make([]float64, c.len(sh)*2)
		bad.Warm = warm
		wantShapeError(t, v.Solve(t.Context(), x, &bad), "Warm."+c.name)
	}
	must(t, v.Solve(t.Context(), x, b))
	for _, c := range points {
		up := new(qp.Point)
		*c.of(up) = make([]float64, c.len(sh)*2)
		wantShapeError(t, x.VJP(t.Context(), new(qp.Gradient), up), "up."+c.name)
	}
	for _, c := range coefs {
		dir := new(qp.Data)
		*c.of(dir) = make([]float64, c.len(sh)*2)
		wantShapeError(t, x.JVP(t.Context(), new(qp.Tangent), dir), "dir."+c.name)
	}
	none := qp.Shape{N: 2, Q: qp.Zero}
	w := s.solver(t, none, qp.Options{})
	for _, c := range coefs {
		if c.len(none) == 0 {
			bad := &qp.Batch{Size: 1, Data: qp.Data{P: []float64{0, 0}}}
			*c.of(&bad.Data) = []float64{1, 2}
			wantShapeError(t, w.Solve(t.Context(), x, bad), c.name)
		}
	}
	if err := v.Solve(t.Context(), x, &qp.Batch{Size: -1}); err == nil {
		t.Error("a batch of -1 elements gave no error")
	}
}

func (s suite) emptyBatch(t *testing.T) {
	p := gen.TwoSided(seed, 5, 2, 4)
	for _, shared := range []qp.Coef{0, ^qp.Coef(0)} {
		sh, b := variants(&p, 0, shared)
		x := s.solve(t, sh, qp.Options{}, b)
		must(t, x.Err())
		if len(x.Info) != 0 || len(x.Z) != 0 || len(x.Rays.Z) != 0 {
			t.Errorf("results of an empty batch: %+v", x)
		}
		g := vjp(t, x, &qp.Point{})
		for _, c := range coefs {
			if got := *c.of(&g.Data); len(got) != len(*c.of(&b.Data)) || norm(got) != 0 {
				t.Errorf("d%s of an empty batch: %v", c.name, got)
			}
		}
		jvp(t, x, &qp.Data{})
	}
}

// special are problems with answers one knows.
func (s suite) special(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		name string
		sh   qp.Shape
		d    qp.Data
		z    []float64
		st   qp.Status
	}{
		{"n=1", qp.Shape{N: 1}, qp.Data{Q: []float64{2}, P: []float64{-6}}, []float64{3}, qp.Solved},
		{"n=1-at-bound", qp.Shape{N: 1, Sides: qp.Upper}, qp.Data{Q: []float64{2}, P: []float64{-6}, U: []float64{1}}, []float64{1}, qp.Solved},
		{"n=1-fixed", qp.Shape{N: 1, Q: qp.Zero, Sides: qp.Lower | qp.Upper}, qp.Data{P: []float64{-6}, L: []float64{2}, U: []float64{2}}, []float64{2}, qp.Solved},
		{"no-constraints-diagonal", qp.Shape{N: 2, Q: qp.Diagonal}, qp.Data{Q: []float64{1, 2}, P: []float64{-1, 4}}, []float64{1, -2}, qp.Solved},
		{"nothing-to-do", qp.Shape{N: 2, Q: qp.Zero}, qp.Data{P: []float64{0, 0}}, nil, qp.Solved},
		{"nothing-but-cost", qp.Shape{N: 2, Q: qp.Zero}, qp.Data{P: []float64{0, 1}}, nil, qp.DualInfeasible},
		{"rows-without-effect", qp.Shape{N: 2, NIneq: 2}, qp.Data{Q: []float64{1, 0, 0, 1}, P: []float64{-1, -1},
			G: []float64{1, 0, 1, 1}, H: []float64{inf, 1}}, []float64{0.5, 0.5}, qp.Solved},
		{"only-rows-without-effect", qp.Shape{N: 1, NIneq: 1, Sides: qp.RowLower | qp.RowUpper}, qp.Data{Q: []float64{1}, P: []float64{-1},
			G: []float64{1}, HL: []float64{-inf}, H: []float64{inf}}, []float64{1}, qp.Solved},
		{"bounds-without-effect", qp.Shape{N: 1, Sides: qp.Lower | qp.Upper}, qp.Data{Q: []float64{1}, P: []float64{-1},
			L: []float64{-inf}, U: []float64{inf}}, []float64{1}, qp.Solved},
		{"zero-row", qp.Shape{N: 2, NIneq: 1}, qp.Data{Q: []float64{1, 0, 0, 1}, P: []float64{-1, -1}, G: []float64{0, 0}, H: []float64{0}}, []float64{1, 1}, qp.Solved},
		{"zero-row-contradicts", qp.Shape{N: 2, NIneq: 1}, qp.Data{Q: []float64{1, 0, 0, 1}, P: []float64{-1, -1}, G: []float64{0, 0}, H: []float64{-1}}, nil, qp.PrimalInfeasible},
		{"zero-equality", qp.Shape{N: 2, NEq: 1}, qp.Data{Q: []float64{1, 0, 0, 1}, P: []float64{-1, -1}, A: []float64{0, 0}, B: []float64{0}}, []float64{1, 1}, qp.Solved},
		{"zero-equality-contradicts", qp.Shape{N: 2, NEq: 1}, qp.Data{Q: []float64{1, 0, 0, 1}, P: []float64{-1, -1}, A: []float64{0, 0}, B: []float64{2}}, nil, qp.PrimalInfeasible},
		{"zero-Q-dense", qp.Shape{N: 2, Sides: qp.Lower}, qp.Data{Q: []float64{0, 0, 0, 0}, P: []float64{1, 2}, L: []float64{-1, 3}}, []float64{-1, 3}, qp.Solved},
		{"only-equalities", qp.Shape{N: 2, NEq: 2, Q: qp.Zero}, qp.Data{P: []float64{1, 1}, A: []float64{1, 1, 1, -1}, B: []float64{2, 0}}, []float64{1, 1}, qp.Solved},
		{"inconsistent-equalities", qp.Shape{N: 1, NEq: 2}, qp.Data{Q: []float64{1}, P: []float64{0}, A: []float64{1, 1}, B: []float64{0, 1}}, nil, qp.PrimalInfeasible},
		{"more-equalities-than-variables", qp.Shape{N: 1, NEq: 3}, qp.Data{Q: []float64{1}, P: []float64{0}, A: []float64{1, 2, -1}, B: []float64{1, 2, -1}}, []float64{1}, qp.Solved},
		{"thin", qp.Shape{N: 1, Sides: qp.Lower | qp.Upper}, qp.Data{Q: []float64{1}, P: []float64{-5}, L: []float64{1}, U: []float64{1 + 1e-9}}, []float64{1}, qp.Solved},
		{"fixed-all", qp.Shape{N: 2, Sides: qp.Lower | qp.Upper}, qp.Data{Q: []float64{1, 0, 0, 1}, P: []float64{-5, 5}, L: []float64{1, 2}, U: []float64{1, 2}}, []float64{1, 2}, qp.Solved},
		{"no-interior", qp.Shape{N: 2, NIneq: 2}, qp.Data{Q: []float64{1, 0, 0, 1}, P: []float64{0, 0}, G: []float64{1, 1, -1, -1}, H: []float64{2, -2}}, []float64{1, 1}, qp.Solved},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &qp.Batch{Size: 1, Data: c.d}
			x := s.solve(t, c.sh, qp.Options{}, b)
			check(t, c.sh, b, x, eps)
			if st := x.Info[0].Status; st != c.st {
				t.Fatalf("status %v (%s), want %v", st, x.Info[0].Reason, c.st)
			}
			if c.z != nil {
				agree(t, "Z", x.Z, c.z, 1e-6)
			}
			g := vjp(t, x, &qp.Point{Z: slices.Repeat([]float64{1}, c.sh.N)})
			for _, o := range coefs {
				if v := norm(*o.of(&g.Data)); !finite(v) {
					t.Errorf("d%s is %g", o.name, *o.of(&g.Data))
				}
			}
		})
	}
}
