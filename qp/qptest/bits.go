package qptest

import (
	"fmt"
	"math"
	"testing"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

// bitsCases have every elimination and every kind of row.
func bitsCases() []gen.QP {
	return []gen.QP{
		gen.Convex(seed, 12, 4, 16),
		gen.TwoSided(seed, 5, 1, 4),
		gen.EqualSides(seed, 6, 1, 5),
		gen.Sudoku(seed, 9, 4),
		gen.LP(seed, 5, 1, 6),
		gen.RankDeficient(seed, 6, 1, 6),
		gen.Redundant(seed, 6, 3, 4),
		gen.Unconstrained(seed, 4),
	}
}

const bitsSize = 19

// bits: what an element gives does not depend on where it stands.
func (s suite) bits(t *testing.T) {
	p := gen.TwoSided(seed, 5, 1, 4)
	for rule, name := range rules {
		t.Run("rules/"+name, func(t *testing.T) {
			sh, b := variants(&p, bitsSize, 0)
			up, dir := randomPoint(newRand(15), sh, bitsSize, true), randomDir(newRand(16), sh, bitsSize)
			all := s.record(t, sh, qp.Options{Rule: qp.Rule(rule), Workers: 2}, b, up, dir)
			for i := range bitsSize {
				one := s.record(t, sh, qp.Options{Rule: qp.Rule(rule), Workers: 1}, pick(sh, b, i), pickPoint(sh, up, i), pickData(sh, dir, i))
				one.same(t, 0, all, i)
			}
		})
	}
	for _, p := range bitsCases() {
		// Data that differ make redundant equalities inconsistent: part of the test.
		sh, b := variants(&p, bitsSize, 0)
		up, dir := randomPoint(newRand(15), sh, bitsSize, true), randomDir(newRand(16), sh, bitsSize)
		all := s.record(t, sh, qp.Options{Workers: 1}, b, up, dir)
		at := make([]int, bitsSize)
		for i := range at {
			at[i] = i
		}

		t.Run(p.Name+"/alone", func(t *testing.T) {
			for i := range bitsSize {
				one := s.record(t, sh, qp.Options{Workers: 1}, pick(sh, b, i), pickPoint(sh, up, i), pickData(sh, dir, i))
				one.same(t, 0, all, i)
			}
		})
		for _, size := range []int{2, 3, 4, 5, 8} {
			t.Run(fmt.Sprintf("%s/first-%d", p.Name, size), func(t *testing.T) {
				some := s.record(t, sh, qp.Options{Workers: 1}, pick(sh, b, at[:size]...), pickPoint(sh, up, at[:size]...), pickData(sh, dir, at[:size]...))
				for i := range size {
					some.same(t, i, all, i)
				}
			})
		}
		t.Run(p.Name+"/shuffled", func(t *testing.T) {
			order := newRand(17).Perm(bitsSize)
			got := s.record(t, sh, qp.Options{Workers: 1}, pick(sh, b, order...), pickPoint(sh, up, order...), pickData(sh, dir, order...))
			for i, from := range order {
				got.same(t, i, all, from)
			}
		})
		t.Run(p.Name+"/poisoned", func(t *testing.T) {
			bad := expand(sh, b)
			for i := range bitsSize {
				if i%4 != 0 {
					e := dataOf(sh, &bad.Data, i)
					spoil(sh, &e, i)
				}
			}
			got := s.record(t, sh, qp.Options{Workers: 2}, bad, up, dir)
			check(t, sh, bad, got.x, eps)
			for i := 0; i < bitsSize; i += 4 {
				got.same(t, i, all, i)
			}
		})
		for _, workers := range []int{2, 3} {
			t.Run(fmt.Sprintf("%s/workers-%d", p.Name, workers), func(t *testing.T) {
				got := s.record(t, sh, qp.Options{Workers: workers}, b, up, dir)
				for i := range bitsSize {
					got.same(t, i, all, i)
				}
			})
		}
		t.Run(p.Name+"/warm", func(t *testing.T) {
			warm := *b
			warm.Warm = randomPoint(newRand(30), sh, bitsSize, false)
			together := s.record(t, sh, qp.Options{Workers: 2}, &warm, up, dir)
			for i := range bitsSize {
				one := pick(sh, b, i)
				one.Warm = pickPoint(sh, warm.Warm, i)
				s.record(t, sh, qp.Options{Workers: 1}, one, pickPoint(sh, up, i), pickData(sh, dir, i)).same(t, 0, together, i)
			}
		})
		t.Run(p.Name+"/again", func(t *testing.T) { s.again(t, sh, b, up, dir, all) })
		t.Run(p.Name+"/shared", func(t *testing.T) { s.sharedBits(t, &p) })
	}
}

// spoil makes an element invalid, infeasible or trivial.
func spoil(sh qp.Shape, e *qp.Data, kind int) {
	switch kind % 3 {
	case 0:
		e.P[0] = math.NaN()
	case 1:
		clear(e.Q)
		clear(e.A)
		clear(e.G)
	case 2:
		for _, x := range [][]float64{e.A, e.G, e.P} {
			for i := range x {
				x[i] *= 1e150
			}
		}
	}
}

// again solves twice into one Solution, and after other batches.
func (s suite) again(t *testing.T, sh qp.Shape, b *qp.Batch, up *qp.Point, dir *qp.Data, want *record) {
	v := s.solver(t, sh, qp.Options{Workers: 2})
	r := &record{sh: sh, x: new(qp.Solution), g: new(qp.Gradient), d: new(qp.Tangent)}
	defer r.x.Close()
	for _, first := range []*qp.Batch{b, b, pick(sh, b, 3), pick(sh, b, 5, 1, 2, 0, 9, 8)} {
		must(t, v.Solve(t.Context(), r.x, first))
		must(t, v.Solve(t.Context(), r.x, b))
		must(t, r.x.VJP(t.Context(), r.g, up))
		must(t, r.x.JVP(t.Context(), r.d, dir))
		must(t, r.x.VJP(t.Context(), r.g, up)) // a derivative changes nothing
		for i := range b.Size {
			r.same(t, i, want, i)
		}
	}
}

// sharedBits: with some coefficients shared, elements have the same bits in
// every batch, and sums over the batch for every number of workers.
func (s suite) sharedBits(t *testing.T, p *gen.QP) {
	masks := []qp.Coef{qp.CoefQ, qp.CoefQ | qp.CoefG, qp.CoefA | qp.CoefB | qp.CoefP, ^qp.Coef(0) &^ qp.CoefP}
	for _, mask := range masks {
		sh, b := variants(p, bitsSize, mask)
		up, dir := randomPoint(newRand(15), sh, bitsSize, true), randomDir(newRand(16), sh, bitsSize)
		all := s.record(t, sh, qp.Options{Workers: 1}, b, up, dir)
		for _, workers := range []int{2, 3} {
			got := s.record(t, sh, qp.Options{Workers: workers}, b, up, dir)
			for i := range bitsSize {
				got.same(t, i, all, i)
			}
			for _, c := range coefs {
				sameBits(t, fmt.Sprintf("d%s with %d workers", c.name, workers), *c.of(&got.g.Data), *c.of(&all.g.Data))
			}
		}
		half := &qp.Batch{Size: bitsSize / 2}
		for _, c := range coefs {
			x := *c.of(&b.Data)
			if len(x) > c.len(sh) {
				x = x[:half.Size*c.len(sh)]
			}
			*c.of(&half.Data) = x
		}
		first := make([]int, half.Size)
		for i := range first {
			first[i] = i
		}
		got := s.record(t, sh, qp.Options{Workers: 1}, half, pickPoint(sh, up, first...), pickData(sh, dir, first...))
		for i := range half.Size {
			got.same(t, i, all, i)
		}
	}
}

func pickData(sh qp.Shape, d *qp.Data, elements ...int) *qp.Data {
	return &pick(sh, &qp.Batch{Data: *d}, elements...).Data
}

// record is all that comes out of a batch.
type record struct {
	sh qp.Shape
	x  *qp.Solution
	g  *qp.Gradient
	d  *qp.Tangent
}

func (s suite) record(t testing.TB, sh qp.Shape, opt qp.Options, b *qp.Batch, up *qp.Point, dir *qp.Data) *record {
	t.Helper()
	x := s.solve(t, sh, opt, b)
	return &record{sh, x, vjp(t, x, up), jvp(t, x, dir)}
}

// same compares element i with element j of another record, bit for bit;
// gradients where both have one per element.
func (r *record) same(t testing.TB, i int, want *record, j int) {
	t.Helper()
	sameElement(t, r.sh, r.x, i, want.x, j)
	for _, c := range points {
		sameBits(t, fmt.Sprintf("element %d: tangent of %s", i, c.name), part(*c.of(&r.d.Point), c.len(r.sh), i), part(*c.of(&want.d.Point), c.len(r.sh), j))
	}
	for _, c := range coefs {
		got, exp, one := *c.of(&r.g.Data), *c.of(&want.g.Data), c.len(r.sh)
		if len(got) == one*len(r.x.Info) && len(exp) == one*len(want.x.Info) && one > 0 {
			sameBits(t, fmt.Sprintf("element %d: d%s", i, c.name), part(got, one, i), part(exp, one, j))
		}
	}
	if r.g.Certs[i] != want.g.Certs[j] || r.d.Certs[i] != want.d.Certs[j] {
		t.Errorf("element %d: certificates %+v and %+v, want %+v and %+v", i, r.g.Certs[i], r.d.Certs[i], want.g.Certs[j], want.d.Certs[j])
	}
}

// sameElement compares the results of two elements bit for bit.
func sameElement(t testing.TB, sh qp.Shape, got *qp.Solution, i int, want *qp.Solution, j int) {
	t.Helper()
	if got.Info[i] != want.Info[j] {
		t.Errorf("element %d: Info %+v, want %+v", i, got.Info[i], want.Info[j])
	}
	for _, c := range points {
		sameBits(t, fmt.Sprintf("element %d: %s", i, c.name), part(*c.of(&got.Point), c.len(sh), i), part(*c.of(&want.Point), c.len(sh), j))
		if c.name != "Value" {
			sameBits(t, fmt.Sprintf("element %d: Rays.%s", i, c.name), part(*c.of(&got.Rays), c.len(sh), i), part(*c.of(&want.Rays), c.len(sh), j))
		}
	}
	sameBits(t, fmt.Sprintf("element %d: S", i), part(got.S, sh.NIneq, i), part(want.S, sh.NIneq, j))
}

func sameBits(t testing.TB, name string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s has %d values, want %d", name, len(got), len(want))
		return
	}
	for i := range got {
		if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
			t.Errorf("%s[%d] is %x, want %x", name, i, got[i], want[i])
			return
		}
	}
}
