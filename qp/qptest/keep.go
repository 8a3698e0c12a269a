package qptest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

// keep: what is kept need not be given again, and gives the same bits.
func (s suite) keep(t *testing.T) {
	const size = 5
	for _, p := range []gen.QP{gen.TwoSided(seed, 5, 1, 4), gen.Sudoku(seed, 6, 2), gen.LP(seed, 5, 1, 6)} {
		sh := shapeOf(&p)
		for _, mask := range []qp.Coef{0, qp.CoefQ | qp.CoefA | qp.CoefG, ^qp.Coef(0) &^ qp.CoefP} {
			sh, b := variants(&p, size, mask)
			up, dir := randomPoint(newRand(21), sh, size, true), randomDir(newRand(22), sh, size)
			want := s.record(t, sh, qp.Options{}, b, up, dir)
			keeps := []qp.Coef{^qp.Coef(0), qp.CoefQ | qp.CoefA | qp.CoefG, ^qp.Coef(0) &^ qp.CoefP}
			for _, c := range coefs {
				if c.len(sh) > 0 {
					keeps = append(keeps, c.bit)
				}
			}
			for _, keep := range keeps {
				t.Run(fmt.Sprintf("%s/shared=%#x/keep=%#x", p.Name, uint16(mask), uint16(keep)), func(t *testing.T) {
					v := s.solver(t, sh, qp.Options{})
					r := &record{sh: sh, x: new(qp.Solution), g: new(qp.Gradient), d: new(qp.Tangent)}
					defer r.x.Close()
					// The first solve has other values of what is not kept.
					first := expand(sh, b)
					for _, c := range coefs {
						if keep&c.bit != 0 {
							*c.of(&first.Data) = *c.of(&b.Data)
						} else if c.bit == qp.CoefP || c.bit == qp.CoefB {
							for i := range *c.of(&first.Data) {
								(*c.of(&first.Data))[i] *= 0.5
							}
						}
					}
					must(t, v.Solve(t.Context(), r.x, first))
					again := &qp.Batch{Size: size, Keep: keep}
					for _, c := range coefs {
						if keep&c.bit == 0 {
							*c.of(&again.Data) = *c.of(&b.Data)
						}
					}
					must(t, v.Solve(t.Context(), r.x, again))
					must(t, r.x.VJP(t.Context(), r.g, up))
					must(t, r.x.JVP(t.Context(), r.d, dir))
					for i := range size {
						r.same(t, i, want, i)
					}
					for _, c := range coefs {
						sameBits(t, "d"+c.name, *c.of(&r.g.Data), *c.of(&want.g.Data))
					}
				})
			}
		}
		t.Run(p.Name+"/invalid", func(t *testing.T) { s.keepInvalid(t, &p) })
		t.Run(p.Name+"/nothing", func(t *testing.T) { s.keepNothing(t, &p, sh) })
	}
}

// keepInvalid keeps a bad value, per element and shared: it stays bad.
func (s suite) keepInvalid(t *testing.T, p *gen.QP) {
	for _, shared := range []qp.Coef{0, qp.CoefP} {
		sh, b := variants(p, 3, shared)
		b = &qp.Batch{Size: 3, Data: b.Data}
		b.P = append([]float64(nil), b.P...)
		bad := dataOf(sh, &b.Data, 1)
		bad.P[0] = nan()
		v, x := s.solver(t, sh, qp.Options{}), new(qp.Solution)
		defer x.Close()
		must(t, v.Solve(t.Context(), x, b))
		again := *b
		again.P, again.Keep = nil, qp.CoefP
		for range 2 {
			for i, info := range x.Info {
				if want := shared != 0 || i == 1; (info.Status == qp.InvalidInput) != want {
					t.Errorf("element %d: %v, %q", i, info.Status, info.Reason)
				}
			}
			must(t, v.Solve(t.Context(), x, &again))
		}
	}
}

func (s suite) keepNothing(t *testing.T, p *gen.QP, sh qp.Shape) {
	_, b := variants(p, 3, 0)
	kept := *b
	kept.P, kept.Keep = nil, qp.CoefP
	wantKept := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, qp.ErrNothingKept) {
			t.Errorf("%s: error %v, want ErrNothingKept", what, err)
		}
	}
	v, x := s.solver(t, sh, qp.Options{}), new(qp.Solution)
	defer x.Close()
	wantKept("never solved", v.Solve(t.Context(), x, &kept))
	must(t, v.Grow(x, 3))
	wantKept("only grown", v.Solve(t.Context(), x, &kept))
	must(t, v.Solve(t.Context(), x, pick(sh, b, 0, 1)))
	wantKept("another size", v.Solve(t.Context(), x, &kept))
	must(t, v.Solve(t.Context(), x, b))
	must(t, v.Solve(t.Context(), x, &kept))
	wantKept("another solver", s.solver(t, sh, qp.Options{}).Solve(t.Context(), x, &kept))
	must(t, v.Solve(t.Context(), x, b))
	must(t, x.Close())
	wantKept("closed", v.Solve(t.Context(), x, &kept))

	// A shared value serves batches of other sizes.
	sh, shared := variants(p, 3, qp.CoefP)
	must(t, v.Solve(t.Context(), x, shared))
	two := pick(sh, expand(sh, shared), 0, 1)
	two.P, two.Keep = nil, qp.CoefP
	must(t, v.Solve(t.Context(), x, two))
}
