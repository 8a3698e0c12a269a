package dense

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// sides is random data of one side of n constraints, some of which lack it.
type sides struct {
	c, side, r, w, d []float64
	Side
}

func randomSides(r *rand.Rand, n int) sides {
	v := func() []float64 { return poisoned(randomVector(r, n)) }
	x := sides{c: v(), side: v(), r: v(), w: v(), d: v(), Side: Side{S: v(), L: v(), Q: v(), On: v(), DS: v(), DL: v()}}
	for i := range n {
		x.On[i], x.S[i], x.L[i] = 1, 1.5+x.S[i], math.Exp(8*x.L[i])
		x.w[i], x.d[i] = 1+x.w[i], 1+x.d[i]
		if r.IntN(4) == 0 {
			x.On[i], x.S[i], x.L[i] = 0, 1, 0
			x.r[i], x.Q[i], x.DS[i], x.DL[i] = 0, 0, 0, 0
			x.side[i] = math.Inf(1)
		}
	}
	return x
}

// madd is x·y + z as the set rounds it in these kernels.
func (s kernelSet) madd(x, y, z float64) float64 {
	if s.name == "go" {
		return x*y + z
	}
	return math.FMA(x, y, z)
}

func clone(x []float64) []float64 { return poisoned(x) }

func TestViolation(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(40, 1))
		for n := range 70 {
			for _, sign := range []float64{1, -1} {
				c, side := clone(randomVector(r, n)), clone(randomVector(r, n))
				want := 0.0
				for i := range c {
					switch r.IntN(6) {
					case 0:
						side[i] = math.Inf(int(sign))
					case 1:
						c[i] = math.NaN() // does not count
					}
					if e := sign * (c[i] - side[i]); e > want {
						want = e
					}
				}
				if got := Violation(sign, c, side); !sameBits(got, want) {
					t.Fatalf("n=%d: %v, want %v", n, got, want)
				}
			}
		}
	})
}

func TestSlackResidual(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(41, 1))
		for n := range 70 {
			for _, sign := range []float64{1, -1} {
				x, what := randomSides(r, n), fmt.Sprintf("n=%d sign=%v", n, sign)
				want := make([]float64, n)
				for i := range want {
					if x.On[i] != 0 {
						want[i] = sign*(x.c[i]-x.side[i]) + x.S[i]
					}
				}
				SlackResidual(sign, x.c, x.side, x.S, x.On, x.r)
				set.compareVector(t, what, x.r, want, 8)
				checkPoison(t, what, x.r)
			}
		}
	})
}

func TestSideSum(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(42, 1))
		for n := range 70 {
			lam, lo, up := clone(randomVector(r, n)), clone(randomVector(r, n)), clone(randomVector(r, n))
			sides, abs := make([]float64, n), make([]float64, n)
			for i := range n {
				side := up[i]
				switch r.IntN(4) {
				case 0: // no upper side
					lam[i], up[i] = -math.Abs(lam[i]), math.Inf(1)
				case 1:
					lam[i], lo[i] = math.Abs(lam[i]), math.Inf(-1)
				case 2:
					lam[i], lo[i], up[i] = 0, math.Inf(-1), math.Inf(1)
				}
				if lam[i] < 0 {
					side = lo[i]
				}
				if lam[i] != 0 {
					sides[i], abs[i] = side, math.Abs(side)
				}
			}
			l := make([]float64, n)
			for i := range l {
				l[i] = math.Abs(lam[i])
			}
			// The sums round every product before they add it.
			var s, a [4]float64
			for i := range n {
				v := sides[i] * lam[i]
				s[i%4] += v
				a[i%4] += math.Abs(v)
			}
			sum, total := SideSum(lam, lo, up)
			if want := (s[0] + s[1]) + (s[2] + s[3]); !set.equal(sum, want, float64(n)) {
				t.Fatalf("n=%d: sum %v, want %v", n, sum, want)
			}
			if want := (a[0] + a[1]) + (a[2] + a[3]); !set.equal(total, want, float64(n)) {
				t.Fatalf("n=%d: sum of absolute values %v, want %v", n, total, want)
			}
		}
	})
}

func TestWeigh(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(43, 1))
		for n := range 70 {
			u, l, what := randomSides(r, n), randomSides(r, n), fmt.Sprintf("n=%d", n)
			d, one, want := clone(make([]float64, n)), clone(make([]float64, n)), make([]float64, n)
			for i := range n {
				want[i] = 1 / (u.L[i]/u.S[i] + l.L[i]/l.S[i])
			}
			Weigh(u.S, u.L, l.S, l.L, d)
			set.compareVector(t, what, d, want, 1e6)
			checkPoison(t, what, d)
			// A side that no constraint has is the same as none.
			for i := range n {
				l.S[i], l.L[i] = 1, 0
			}
			Weigh(u.S, u.L, l.S, l.L, d)
			Weigh(u.S, u.L, nil, nil, one)
			for i := range n {
				if !sameBits(d[i], one[i]) {
					t.Fatalf("n=%d: %v with a side of no constraint, %v without it", n, d[i], one[i])
				}
			}
		}
	})
}

func TestComplementarity(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(44, 1))
		for n := range 70 {
			for _, second := range []bool{false, true} {
				x, what := randomSides(r, n), fmt.Sprintf("n=%d second=%v", n, second)
				const target = 0.3
				q, h := make([]float64, n), make([]float64, n)
				for i := range n {
					v := x.S[i] * x.L[i]
					if second {
						v = set.madd(x.DS[i], x.DL[i], v)
					}
					q[i] = v - target*x.On[i]
					h[i] = set.madd(x.L[i], x.r[i], -q[i]) / x.S[i]
				}
				ds, dl := x.DS, x.DL
				if !second {
					ds, dl = nil, nil
				}
				gotH := clone(make([]float64, n))
				Complementarity(target, x.S, x.L, x.r, x.On, ds, dl, x.Q, gotH)
				set.compareVector(t, what+" q", x.Q, q, 1e4)
				set.compareVector(t, what+" h", gotH, h, 1e5)
				checkPoison(t, what, x.Q)
				checkPoison(t, what, gotH)
				for i, on := range x.On {
					if on == 0 && (x.Q[i] != 0 || gotH[i] != 0) {
						t.Fatalf("%s: a side that is not there has %v and %v", what, x.Q[i], gotH[i])
					}
				}
			}
		}
	})
}

func TestSideStep(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(45, 1))
		for n := range 70 {
			for _, sign := range []float64{1, -1} {
				x, what := randomSides(r, n), fmt.Sprintf("n=%d sign=%v", n, sign)
				ds, dl := make([]float64, n), make([]float64, n)
				for i := range n {
					if x.On[i] != 0 {
						ds[i] = -x.r[i] - sign*x.c[i]
					} else if r.IntN(2) == 0 {
						x.c[i] = math.NaN()
					}
					dl[i] = -set.madd(x.L[i], ds[i], x.Q[i]) / x.S[i]
				}
				SideStep(sign, x.c, x.S, x.L, x.r, x.Q, x.On, x.DS, x.DL)
				set.compareVector(t, what+" ds", x.DS, ds, 8)
				set.compareVector(t, what+" dl", x.DL, dl, 1e5)
				checkPoison(t, what, x.DS)
				checkPoison(t, what, x.DL)
			}
		}
	})
}

func TestFollowMultipliers(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(46, 1))
		for n := range 70 {
			u, l := randomSides(r, n), randomSides(r, n)
			dlam := clone(randomVector(r, n))
			var want [4][]float64
			for k, x := range [4][]float64{u.DS, u.DL, l.DS, l.DL} {
				want[k] = append([]float64(nil), x...)
			}
			for i := range n {
				if !(u.d[i] < u.w[i]) {
					continue
				}
				switch {
				case u.L[i]*l.S[i] > l.L[i]*u.S[i]:
					want[1][i] = dlam[i] + want[3][i]
					want[0][i] = -set.madd(u.S[i], want[1][i], u.Q[i]) / u.L[i]
				case l.On[i] != 0:
					want[3][i] = want[1][i] - dlam[i]
					want[2][i] = -set.madd(l.S[i], want[3][i], l.Q[i]) / l.L[i]
				}
			}
			FollowMultipliers(u.w, u.d, dlam, &u.Side, &l.Side)
			for k, x := range [4][]float64{u.DS, u.DL, l.DS, l.DL} {
				what := fmt.Sprintf("n=%d step %d", n, k)
				set.compareVector(t, what, x, want[k], 1e9)
				checkPoison(t, what, x)
			}
		}
	})
}

func TestMaxStep(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(47, 1))
		for n := range 70 {
			v, dv := clone(randomVector(r, n)), clone(randomVector(r, n))
			want := 2.0
			for i := range n {
				v[i] = math.Abs(v[i])
				switch r.IntN(10) {
				case 0:
					v[i], dv[i] = 0, 0
				case 1:
					dv[i] = math.NaN() // does not count
				}
				if dv[i] < 0 {
					want = min(want, v[i]/-dv[i])
				}
			}
			if got := MaxStep(2, v, dv); !sameBits(got, want) {
				t.Fatalf("n=%d: %v, want %v", n, got, want)
			}
		}
	})
}

func TestShiftedDot(t *testing.T) {
	forEachKernel(t, func(t *testing.T, set kernelSet) {
		r := rand.New(rand.NewPCG(48, 1))
		for n := range 70 {
			x := randomSides(r, n)
			var s [4]float64
			for i := range n {
				s[i%4] = set.madd(set.madd(0.7, x.DS[i], x.S[i]), set.madd(0.9, x.DL[i], x.L[i]), s[i%4])
			}
			want := (s[0] + s[1]) + (s[2] + s[3])
			if got := ShiftedDot(0.7, x.S, x.DS, 0.9, x.L, x.DL); !set.equal(got, want, 1e5*float64(n)) {
				t.Fatalf("n=%d: %v, want %v", n, got, want)
			}
		}
	})
}
