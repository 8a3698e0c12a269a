package qptest

import (
	"fmt"
	"math"
	"testing"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

// direction is one parameter of a problem: an entry of a coefficient, or two
// that move together, those of a symmetric Q and equal sides.
type direction struct {
	name string
	coef int // of coefs
	at   [2]int
	twin int // a second coefficient, -1 if none
	step float64
}

func (d *direction) move(x *qp.Data, by float64) {
	c := *coefs[d.coef].of(x)
	c[d.at[0]] += by
	if d.at[1] != d.at[0] {
		c[d.at[1]] += by
	}
	if d.twin >= 0 {
		(*coefs[d.twin].of(x))[d.at[0]] += by
	}
}

// directions lists all parameters of an element whose sides are data, but not Q
// if it is singular, as it would not stay semidefinite.
func directions(sh qp.Shape, d *qp.Data, step float64) []direction {
	var list []direction
	singular := sh.Q == qp.Dense && !cholesky(d.Q, sh.N, -1e-3*norm(d.Q))
	equal := func(lower, upper []float64, j int) bool {
		return len(lower) > 0 && len(upper) > 0 && lower[j] == upper[j]
	}
	for k, c := range coefs {
		x := *c.of(d)
		for j, v := range x {
			dir := direction{name: fmt.Sprintf("%s[%d]", c.name, j), coef: k, at: [2]int{j, j}, twin: -1, step: step * max(1, math.Abs(v))}
			switch c.bit {
			case qp.CoefQ:
				if sh.Q == qp.Dense {
					row, col := j/sh.N, j%sh.N
					if col > row || singular {
						continue
					}
					dir.at[1] = col*sh.N + row
				}
			case qp.CoefH, qp.CoefU:
				if c.bit == qp.CoefH && equal(d.HL, x, j) || c.bit == qp.CoefU && equal(d.L, x, j) {
					continue // with its twin
				}
			case qp.CoefHL, qp.CoefL:
				if c.bit == qp.CoefHL && equal(x, d.H, j) || c.bit == qp.CoefL && equal(x, d.U, j) {
					dir.twin = k + 1
				}
			}
			if !math.IsInf(v, 0) {
				list = append(list, dir)
			}
		}
	}
	return list
}

// differences compares VJP and JVP with central differences of solutions, of
// fourth order, for every coefficient and every kind of answer. The step is the
// smaller the more the solution moves, so that no row changes its class.
func (s suite) differences(t *testing.T, p *gen.QP) {
	sh, base := shapeOf(p), batchOf(p)
	e := newElement(sh, &base.Data, 0)
	a := newActive(e, known(p), rowsActive(e, known(p), 1e-9, false))
	dirs := directions(sh, &base.Data, 0x1p-8*min(1, a.least))
	offsets := []float64{-2, -1, 1, 2}
	weights := []float64{1. / 12, -8. / 12, 8. / 12, -1. / 12}

	moved := expand(sh, &qp.Batch{Data: base.Data, Size: len(dirs) * len(offsets)})
	for k := range dirs {
		for o, by := range offsets {
			e := dataOf(sh, &moved.Data, k*len(offsets)+o)
			dirs[k].move(&e, by*dirs[k].step)
		}
	}
	x := s.solved(t, sh, exact(), moved)
	jac := make([]*qp.Point, len(dirs))
	for k := range dirs {
		jac[k] = new(qp.Point)
		for _, c := range points {
			sum := make([]float64, c.len(sh))
			for o, w := range weights {
				for j, v := range part(*c.of(&x.Point), c.len(sh), k*len(offsets)+o) {
					sum[j] += w / dirs[k].step * v
				}
			}
			*c.of(jac[k]) = sum
		}
	}

	// VJP: one element per cotangent, all data shared.
	rng := newRand(3)
	var ups []*qp.Point
	var names []string
	for _, only := range append([]string{"all"}, "Z", "Nu", "Lambda", "Mu", "Value") {
		up := randomPoint(rng, sh, 1, true)
		for _, c := range points {
			if only != "all" && only != c.name {
				clear(*c.of(up))
			}
		}
		ups, names = append(ups, up), append(names, only)
	}
	for i, up := range ups {
		sol := s.solved(t, sh, qp.Options{}, base)
		g := vjp(t, sol, up)
		symmetric(t, sh, g.Q)
		want, got := make([]float64, len(dirs)), make([]float64, len(dirs))
		for k := range dirs {
			want[k] = dotPoint(jac[k], up)
			got[k] = dirs[k].dot(&g.Data)
		}
		compareNamed(t, "VJP of "+names[i], dirs, got, want)
		certify(t, p, g.Certs)
	}

	// JVP: one element per direction, all data shared.
	sol := s.solved(t, sh, qp.Options{}, &qp.Batch{Data: base.Data, Size: len(dirs)})
	dir := new(qp.Data)
	for _, c := range coefs {
		*c.of(dir) = make([]float64, len(dirs)*c.len(sh))
	}
	for k := range dirs {
		e := dataOf(sh, dir, k)
		dirs[k].move(&e, 1)
	}
	if len(dirs) == 1 {
		return
	}
	d := jvp(t, sol, dir)
	for _, c := range points {
		size := 1.0
		for k := range dirs {
			size = max(size, norm(*c.of(jac[k])))
		}
		for k := range dirs {
			agree(t, fmt.Sprintf("JVP along %s: %s", dirs[k].name, c.name), part(*c.of(&d.Point), c.len(sh), k), *c.of(jac[k]), 1e-6*size)
		}
	}
	certify(t, p, d.Certs)
}

// dot is the inner product of a gradient with the direction.
func (d *direction) dot(g *qp.Data) float64 {
	c := *coefs[d.coef].of(g)
	v := c[d.at[0]]
	if d.at[1] != d.at[0] {
		v += c[d.at[1]]
	}
	if d.twin >= 0 {
		v += (*coefs[d.twin].of(g))[d.at[0]]
	}
	return v
}

func compareNamed(t *testing.T, what string, dirs []direction, got, want []float64) {
	t.Helper()
	tol := 1e-6 * max(1, norm(want))
	for k := range dirs {
		if !(math.Abs(got[k]-want[k]) <= tol) {
			t.Errorf("%s along %s: %.12g, differences say %.12g", what, dirs[k].name, got[k], want[k])
		}
	}
}
