package qptest

import (
	"math"
	"slices"
	"testing"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

// solvable checks every problem with a solution at the default tolerances.
func (s suite) solvable(t *testing.T) {
	for _, p := range problems(func(p *gen.QP) bool { return p.Status == gen.Solvable }) {
		t.Run(p.Name, func(t *testing.T) {
			sh, b := shapeOf(p), batchOf(p)
			x := s.solved(t, sh, qp.Options{}, b)
			check(t, sh, b, x, eps)
			compare(t, p, x, eps)
		})
	}
}

// tight does the same at 1e-12, except with bad scaling.
func (s suite) tight(t *testing.T) {
	for _, p := range problems(func(p *gen.QP) bool { return p.Status == gen.Solvable && p.Scaled == 0 }) {
		t.Run(p.Name, func(t *testing.T) {
			sh, b := shapeOf(p), batchOf(p)
			x := s.solved(t, sh, exact(), b)
			check(t, sh, b, x, 1e-12)
			compare(t, p, x, 1e-12)
		})
	}
}

// hard are seeds of problems on which an engine has failed: methods that
// cycle, proofs not found, rows and matrices of the wrong class.
var hard = []uint64{332, 632, 1686, 1760, 2021, 2199, 2227, 2599, 2661, 2818, 2971, 2976, 2994, 2997,
	50081, 70135, 70193, 130088, 200640, 202699, 203404}

// many does all this for many small problems.
func (s suite) many(t *testing.T) {
	seeds := slices.Clone(hard)
	for k := range uint64(150) {
		seeds = append(seeds, 10000*seed+k)
	}
	for _, k := range seeds {
		for _, p := range gen.Many(k) {
			t.Run(p.Name, func(t *testing.T) {
				sh, b := shapeOf(&p), batchOf(&p)
				x := s.solve(t, sh, qp.Options{}, b)
				check(t, sh, b, x, eps)
				if got, want := x.Info[0].Status, ends[p.Status]; got != want {
					t.Errorf("status %v, want %v", got, want)
				} else if want == qp.Solved {
					compare(t, &p, x, eps)
					c := vjp(t, x, randomPoint(newRand(31), sh, 1, true)).Certs[0]
					if c.Unique != wellPosed(&p) || c.Weak != p.Weak {
						t.Errorf("certificate %+v, want Unique %v, Weak %d", c, wellPosed(&p), p.Weak)
					}
				}
				if wellPosed(&p) {
					s.definition(t, &p)
				}
			})
		}
	}
}

// ends are the statuses that the generator promises.
var ends = [...]qp.Status{gen.Solvable: qp.Solved, gen.PrimalInfeasible: qp.PrimalInfeasible, gen.DualInfeasible: qp.DualInfeasible}

// compare holds a solution against the known one, to what residuals of eps and
// the conditioning allow.
func compare(t *testing.T, p *gen.QP, x *qp.Solution, eps float64) {
	t.Helper()
	k := known(p)
	e := newElement(shapeOf(p), &batchOf(p).Data, 0)
	r := e.measure(k)
	sum := 1.0
	for _, v := range [][]float64{k.Z, k.Nu, k.Lambda, k.Mu} {
		sum += norm(v) * float64(len(v))
	}
	agree(t, "Value", x.Value, k.Value, 100*eps*(1+max(r.PrimalScale, r.DualScale, r.GapScale))*sum)
	if p.Scaled > 0 {
		return
	}
	a := newActive(e, k, rowsActive(e, k, 1e-9, true))
	tol := a.tolerance(eps)
	if p.Weak > 0 {
		tol = math.Sqrt(tol) // slack and multiplier share the complementarity
	}
	if p.Unique {
		agree(t, "Z", x.Z, k.Z, tol)
	}
	if p.DualsUnique && p.Unique {
		agree(t, "Nu", x.Nu, k.Nu, tol)
		agree(t, "Lambda", x.Lambda, k.Lambda, tol)
		agree(t, "Mu", x.Mu, k.Mu, tol)
	}
}

// infeasible checks statuses and proofs; Check verifies the Rays.
func (s suite) infeasible(t *testing.T) {
	for _, p := range problems(func(p *gen.QP) bool { return p.Status != gen.Solvable }) {
		t.Run(p.Name, func(t *testing.T) {
			sh, b := shapeOf(p), batchOf(p)
			x := s.solve(t, sh, qp.Options{}, b)
			check(t, sh, b, x, eps)
			if st := x.Info[0].Status; st != ends[p.Status] {
				t.Errorf("status %v, want %v", st, ends[p.Status])
			}
			zeroed(t, sh, x, 0)
		})
	}
	for _, c := range crossedSides() {
		t.Run(c.name, func(t *testing.T) {
			x := s.solve(t, c.sh, qp.Options{}, c.b)
			check(t, c.sh, c.b, x, eps)
			if st := x.Info[0].Status; st != qp.PrimalInfeasible {
				t.Errorf("status %v, want PrimalInfeasible", st)
			}
			zeroed(t, c.sh, x, 0)
		})
	}
}

// zeroed checks that element i has a zero derivative and says so.
func zeroed(t *testing.T, sh qp.Shape, x *qp.Solution, i int) {
	t.Helper()
	size := len(x.Info)
	g := vjp(t, x, randomPoint(newRand(0), sh, size, true))
	d := jvp(t, x, randomDir(newRand(0), sh, size))
	if !g.Certs[i].Zeroed || !d.Certs[i].Zeroed {
		t.Errorf("element %d: Zeroed is %v and %v", i, g.Certs[i].Zeroed, d.Certs[i].Zeroed)
	}
	for _, c := range coefs {
		if x := *c.of(&g.Data); len(x) > 0 && len(x) == size*c.len(sh) && norm(part(x, c.len(sh), i)) != 0 {
			t.Errorf("element %d: the gradient of %s is not zero", i, c.name)
		}
	}
	for _, c := range points {
		if x := *c.of(&d.Point); len(x) > 0 && norm(part(x, c.len(sh), i)) != 0 {
			t.Errorf("element %d: the tangent of %s is not zero", i, c.name)
		}
	}
}

type caseOf struct {
	name string
	sh   qp.Shape
	b    *qp.Batch
}

// crossedSides have no proof by net multipliers.
func crossedSides() []caseOf {
	id := []float64{1, 0, 0, 1}
	inf := math.Inf(1)
	return []caseOf{
		{"crossed-row", qp.Shape{N: 2, NIneq: 1, Sides: qp.RowLower | qp.RowUpper},
			&qp.Batch{Size: 1, Data: qp.Data{Q: id, P: []float64{0, 0}, G: []float64{1, 1}, HL: []float64{1}, H: []float64{0}}}},
		{"crossed-bound", qp.Shape{N: 2, Sides: qp.Lower | qp.Upper},
			&qp.Batch{Size: 1, Data: qp.Data{Q: id, P: []float64{0, 0}, L: []float64{-inf, 1}, U: []float64{0, math.Nextafter(1, 0)}}}},
		{"crossed-lp", qp.Shape{N: 1, Q: qp.Zero, Sides: qp.Lower | qp.Upper},
			&qp.Batch{Size: 1, Data: qp.Data{P: []float64{1}, L: []float64{1e9}, U: []float64{-1e9}}}},
	}
}

// invalid poisons one element of three, in every coefficient, and then a value
// that all share.
func (s suite) invalid(t *testing.T) {
	for _, p := range []gen.QP{gen.TwoSided(seed, 5, 1, 4), gen.Sudoku(seed, 5, 2)} {
		sh, clean := variants(&p, 3, 0)
		want := s.solved(t, sh, qp.Options{}, clean)
		for _, bad := range poisons(sh) {
			t.Run(p.Name+"/"+bad.name, func(t *testing.T) {
				b := expand(sh, clean)
				e := dataOf(sh, &b.Data, 1)
				bad.spoil(&e)
				x := s.solve(t, sh, qp.Options{}, b)
				check(t, sh, b, x, eps)
				if info := x.Info[1]; info.Status != qp.InvalidInput || info.Reason == "" {
					t.Errorf("status %v, reason %q, want InvalidInput with a reason", info.Status, info.Reason)
				}
				for _, i := range []int{0, 2} {
					sameElement(t, sh, x, i, want, i)
				}
				zeroed(t, sh, x, 1)
			})
			t.Run(p.Name+"/shared-"+bad.name, func(t *testing.T) {
				sh, b := variants(&p, 3, bad.coef)
				for _, c := range coefs {
					*c.of(&b.Data) = slices.Clone(*c.of(&b.Data))
				}
				e := dataOf(sh, &b.Data, 0)
				bad.spoil(&e)
				x := s.solve(t, sh, qp.Options{}, b)
				check(t, sh, b, x, eps)
				for i, info := range x.Info {
					if info.Status != qp.InvalidInput || info.Reason == "" {
						t.Errorf("element %d: status %v, reason %q, want InvalidInput with a reason", i, info.Status, info.Reason)
					}
				}
			})
		}
	}
}

type poison struct {
	name  string
	coef  qp.Coef
	spoil func(e *qp.Data)
}

// poisons are what makes an element of this shape InvalidInput.
func poisons(sh qp.Shape) []poison {
	var list []poison
	for _, c := range coefs {
		if c.len(sh) == 0 {
			continue
		}
		put := func(name string, v float64) {
			list = append(list, poison{name + "-" + c.name, c.bit, func(e *qp.Data) {
				x := *c.of(e)
				x[len(x)-1] = v
			}})
		}
		put("nan", math.NaN())
		switch c.bit {
		case qp.CoefHL, qp.CoefL:
			put("+inf", math.Inf(1))
		case qp.CoefH, qp.CoefU:
			put("-inf", math.Inf(-1))
		default:
			put("+inf", math.Inf(1))
			put("-inf", math.Inf(-1))
		}
	}
	switch sh.Q {
	case qp.Dense:
		list = append(list,
			poison{"asymmetric-Q", qp.CoefQ, func(e *qp.Data) { e.Q[1] += 1e-3 }},
			poison{"indefinite-Q", qp.CoefQ, func(e *qp.Data) { e.Q[0] = -1 }},
			poison{"slightly-indefinite-Q", qp.CoefQ, func(e *qp.Data) {
				for i := range e.Q { // Q = diag(1, ..., 1, −1e-8)
					e.Q[i] = 0
					if i%(sh.N+1) == 0 {
						e.Q[i] = 1
					}
				}
				e.Q[len(e.Q)-1] = -1e-8
			}})
	case qp.Diagonal:
		list = append(list, poison{"negative-Q", qp.CoefQ, func(e *qp.Data) { e.Q[1] = -1e-3 }})
	}
	return list
}
