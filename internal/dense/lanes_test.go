package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// laneCase is the same operation on l problems, one by one and at once.
type laneCase struct {
	t    *testing.T
	set  kernelSet
	r    *rand.Rand
	l    Lanes
	what string
}

func eachLaneCase(t *testing.T, seed uint64, test func(c laneCase, n int)) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		for _, l := range []Lanes{4, 8} {
			for _, n := range append(sizesUpTo(21), 32, 33) {
				test(laneCase{t, set, rand.New(rand.NewPCG(seed, uint64(n))), l, fmt.Sprintf("%d lanes, n=%d", l, n)}, n)
			}
		}
	})
}

func sizesUpTo(n int) (s []int) {
	for i := range n {
		s = append(s, i)
	}
	return s
}

// vectors makes a vector for each lane, and the one of all lanes. Some entries
// are zeros of either sign, denormal, or not finite in one lane.
func (c laneCase) vectors(n int, wild bool) (one [][]float64, all []float64) {
	all = poisoned(make([]float64, n*int(c.l)))
	for v := range int(c.l) {
		x := randomVector(c.r, n)
		for i := range x {
			switch c.r.IntN(30) {
			case 0:
				x[i] = 0
			case 1:
				x[i] = math.Copysign(0, -1)
			case 2:
				x[i] *= 1e-310
			case 3:
				if wild && v == 1 {
					x[i] = math.Inf(1)
				}
			case 4:
				if wild && v == 2 {
					x[i] = math.NaN()
				}
			}
		}
		one = append(one, x)
		c.l.Pack(v, 1, n, x, n, all)
	}
	return one, all
}

// matrices does the same for m×n matrices, padded for one problem.
func (c laneCase) matrices(m, n int) (one []matrix, all []float64) {
	all = poisoned(make([]float64, m*n*int(c.l)))
	for v := range int(c.l) {
		a := randomMatrix(c.r, m, n)
		one = append(one, a)
		c.l.Pack(v, m, n, a.a, a.ld, all)
	}
	return one, all
}

// same fails unless lane v of all is one.
func (c laneCase) same(what string, v int, all, one []float64) {
	c.t.Helper()
	got := make([]float64, len(one))
	c.l.Unpack(v, 1, len(one), all, got, len(one))
	for i := range one {
		if !sameBits(got[i], one[i]) && !(math.IsNaN(got[i]) && math.IsNaN(one[i])) && (c.set.exact || !(math.Abs(got[i]-one[i]) <= 1e-9*(1+math.Abs(one[i])))) {
			c.t.Fatalf("%s: %s: lane %d [%d] is %v, alone %v", c.what, what, v, i, got[i], one[i])
		}
	}
	if cap(all) >= len(all)+guard {
		checkPoison(c.t, what, all)
	}
}

func TestLaneProducts(t *testing.T) {
	eachLaneCase(t, 70, func(c laneCase, n int) {
		for _, m := range []int{0, 1, 4, n} {
			as, a := c.matrices(m, n)
			xs, x := c.vectors(n, true)
			ys, y := c.vectors(m, true)
			zs, z := c.vectors(n, false)
			c.l.Gemv(m, n, -0.7, a, x, y)
			for v := range xs {
				Gemv(m, n, -0.7, as[v].a, as[v].ld, xs[v], ys[v])
				c.same("Gemv", v, y, ys[v])
			}
			c.l.GemvT(m, n, 0.3, a, y, z)
			for v := range xs {
				GemvT(m, n, 0.3, as[v].a, as[v].ld, ys[v], zs[v])
				c.same("GemvT", v, z, zs[v])
			}
		}
	})
}

func TestLaneCholesky(t *testing.T) {
	eachLaneCase(t, 71, func(c laneCase, n int) {
		all, inv := poisoned(make([]float64, n*n*int(c.l))), poisoned(make([]float64, n*int(c.l)))
		bs, b := c.vectors(n, false)
		var one []matrix
		var invs [][]float64
		bad := uint(0)
		for v := range int(c.l) {
			p := positive(c.r, n)
			if n > 0 && v == 2 {
				p.a[(n-1)*p.ld+n-1] = -1
				bad = 1 << 2
			}
			c.l.Pack(v, n, n, p.a, p.ld, all)
			one, invs = append(one, p), append(invs, make([]float64, n))
		}
		if got := c.l.Cholesky(n, all, inv); got != bad {
			c.t.Fatalf("%s: lanes %b have no factor, want %b", c.what, got, bad)
		}
		ds := make([][]float64, len(bs))
		for v := range bs {
			ds[v] = append([]float64(nil), bs[v]...)
		}
		x := poisoned(b)
		c.l.SolveUT(n, all, inv, x)
		y := poisoned(b)
		c.l.SolveU(n, all, inv, y)
		for v := range one {
			if failed := Cholesky(n, one[v].a, one[v].ld, invs[v], nil) >= 0; failed != (bad>>v&1 != 0) {
				c.t.Fatalf("%s: alone lane %d fails: %v", c.what, v, failed)
			}
			if bad>>v&1 != 0 {
				continue
			}
			c.same("1/diag(U)", v, inv, invs[v])
			got := newMatrix(n, n)
			c.l.Unpack(v, n, n, all, got.a, got.ld)
			for i := range n {
				for j := i; j < n; j++ {
					if !c.set.equal(got.at(i, j), one[v].at(i, j), 1e3) {
						c.t.Fatalf("%s: U(%d, %d) of lane %d is %v, alone %v", c.what, i, j, v, got.at(i, j), one[v].at(i, j))
					}
				}
			}
			SolveUT(n, one[v].a, one[v].ld, invs[v], bs[v])
			c.same("SolveUT", v, x, bs[v])
			SolveU(n, one[v].a, one[v].ld, invs[v], ds[v])
			c.same("SolveU", v, y, ds[v])
		}
	})
}

func TestLaneReductions(t *testing.T) {
	eachLaneCase(t, 72, func(c laneCase, n int) {
		l := int(c.l)
		xs, x := c.vectors(n, true)
		ys, y := c.vectors(n, false)
		zs, z := c.vectors(n, false)
		us, u := c.vectors(n, false)
		ps, p := c.vectors(1, false)
		out, more := make([]float64, l), make([]float64, l)
		check := func(what string, alone func(v int) float64) {
			c.t.Helper()
			for v := range l {
				c.same(what, v, out, []float64{alone(v)})
			}
		}
		c.l.Dot(x, y, out)
		check("Dot", func(v int) float64 { return Dot(xs[v], ys[v]) })
		c.l.NormInf(x, out)
		check("NormInf", func(v int) float64 { return NormInf(xs[v]) })
		c.l.Violation(-1, x, y, out)
		check("Violation", func(v int) float64 { return Violation(-1, xs[v], ys[v]) })
		c.l.SideSum(y, z, u, out, more)
		check("SideSum", func(v int) float64 { s, _ := SideSum(ys[v], zs[v], us[v]); return s })
		copy(out, more)
		check("SideSum of |.|", func(v int) float64 { _, s := SideSum(ys[v], zs[v], us[v]); return s })
		copy(out, p)
		c.l.MaxStep(out, y, z)
		check("MaxStep", func(v int) float64 { return MaxStep(ps[v][0], ys[v], zs[v]) })
		c.l.ShiftedDot(p, x, y, p, z, u, out)
		check("ShiftedDot", func(v int) float64 { return ShiftedDot(ps[v][0], xs[v], ys[v], ps[v][0], zs[v], us[v]) })
	})
}

func TestLaneMaps(t *testing.T) {
	eachLaneCase(t, 73, func(c laneCase, n int) {
		l := int(c.l)
		xs, x := c.vectors(n, true)
		ys, y := c.vectors(n, false)
		ps, p := c.vectors(1, false)
		c.l.Axpy(p, x, y)
		for v := range l {
			Axpy(ps[v][0], xs[v], ys[v])
			c.same("Axpy", v, y, ys[v])
		}
		mask := make([]float64, l)
		for v := range mask {
			mask[v] = float64(v % 2)
		}
		c.l.Select(mask, x, y)
		for v := range l {
			if mask[v] != 0 {
				copy(ys[v], xs[v])
			}
			c.same("Select", v, y, ys[v])
		}
		var vs [7][][]float64
		var all [7][]float64
		for k := range vs {
			vs[k], all[k] = c.vectors(n, false)
		}
		qs, q := c.vectors(n, false)
		hs, h := c.vectors(n, false)
		for _, second := range []bool{false, true} {
			ds, dm := all[4], all[5]
			if !second {
				ds, dm = nil, nil
			}
			c.l.Complementarity(p, all[0], all[1], all[2], all[3], ds, dm, q, h)
			for v := range l {
				ds, dm := vs[4][v], vs[5][v]
				if !second {
					ds, dm = nil, nil
				}
				Complementarity(ps[v][0], vs[0][v], vs[1][v], vs[2][v], vs[3][v], ds, dm, qs[v], hs[v])
				c.same("Complementarity q", v, q, qs[v])
				c.same("Complementarity h", v, h, hs[v])
			}
		}
	})
}

func TestBestLanes(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		want := map[string]Lanes{"go": 0, "avx2": 4}
		got := BestLanes()
		if w, ok := want[set.name]; ok && got != w || !ok && got != 8 {
			t.Errorf("%d lanes with %s", got, set.name)
		}
	})
}

// TestLaneSignsOfZero solves with a factor that is diagonal, with zeros of
// either sign beside the diagonal, and right-hand sides of zeros: their signs
// say how every sum began.
func TestLaneSignsOfZero(t *testing.T) {
	eachLaneCase(t, 74, func(c laneCase, n int) {
		signed := func(x float64) float64 { return math.Copysign(x, c.r.Float64()-0.5) }
		u, inv := poisoned(make([]float64, n*n*int(c.l))), poisoned(make([]float64, n*int(c.l)))
		x, y := poisoned(make([]float64, n*int(c.l))), poisoned(make([]float64, n*int(c.l)))
		var us []matrix
		var invs, xs, ys [][]float64
		for v := range int(c.l) {
			one, i1, x1 := newMatrix(n, n), make([]float64, n), make([]float64, n)
			for i := range n {
				i1[i], x1[i] = 1, signed(float64(c.r.IntN(2)))
				for j := i; j < n; j++ {
					one.a[i*one.ld+j] = signed(0)
				}
				one.a[i*one.ld+i] = 1
			}
			c.l.Pack(v, n, n, one.a, one.ld, u)
			c.l.Pack(v, 1, n, i1, n, inv)
			c.l.Pack(v, 1, n, x1, n, x)
			c.l.Pack(v, 1, n, x1, n, y)
			us, invs, xs, ys = append(us, one), append(invs, i1), append(xs, x1), append(ys, append([]float64(nil), x1...))
		}
		c.l.SolveUT(n, u, inv, x)
		c.l.SolveU(n, u, inv, y)
		for v := range us {
			SolveUT(n, us[v].a, us[v].ld, invs[v], xs[v])
			c.same("SolveUT", v, x, xs[v])
			SolveU(n, us[v].a, us[v].ld, invs[v], ys[v])
			c.same("SolveU", v, y, ys[v])
		}
	})
}
