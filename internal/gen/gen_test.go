package gen

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

const tiny = 1e-12

// seeds is enough to meet every branch of the drawing.
var seeds = []uint64{1, 2, 3, 4, 5, 6, 7, 8}

func each(t *testing.T, test func(t *testing.T, q *QP)) {
	for _, seed := range seeds {
		for _, q := range append(All(seed), Many(seed)...) {
			t.Run(fmt.Sprintf("seed=%d/%s", seed, q.Name), func(t *testing.T) { test(t, &q) })
		}
	}
}

func TestShape(t *testing.T) {
	each(t, func(t *testing.T, q *QP) {
		lenQ := map[Form]int{Dense: q.N * q.N, Diagonal: q.N}[q.Form]
		for _, c := range []struct {
			name      string
			x         []float64
			want      int
			mayBeZero bool
		}{
			{"Q", q.Q, lenQ, false},
			{"P", q.P, q.N, false},
			{"A", q.A, q.NEq * q.N, false},
			{"B", q.B, q.NEq, false},
			{"G", q.G, q.NIneq * q.N, false},
			{"HL", q.HL, q.NIneq, true},
			{"H", q.H, q.NIneq, true},
			{"L", q.L, q.N, true},
			{"U", q.U, q.N, true},
		} {
			if len(c.x) != c.want && !(c.mayBeZero && c.x == nil) {
				t.Errorf("%s has %d values, want %d", c.name, len(c.x), c.want)
			}
		}
		if q.NIneq > 0 && q.HL == nil && q.H == nil {
			t.Error("rows of G without sides")
		}
		if q.Form != Dense {
			return
		}
		for i := range q.N {
			for j := range i {
				if q.Q[i*q.N+j] != q.Q[j*q.N+i] {
					t.Fatal("Q is not symmetric")
				}
			}
		}
		var eig mat.EigenSym
		if !eig.Factorize(mat.NewSymDense(q.N, q.Q), false) {
			t.Fatal("no eigenvalues")
		}
		if v := eig.Values(nil); v[0] < -tiny*v[q.N-1] {
			t.Errorf("least eigenvalue %g of %g", v[0], v[q.N-1])
		}
	})
}

func TestSolvable(t *testing.T) {
	each(t, func(t *testing.T, q *QP) {
		if q.Status != Solvable {
			return
		}
		checkFeasible(t, q, q.Z)
		g := q.mulQ(q.Z)
		size := 0.0
		add := func(x []float64) {
			for i, v := range x {
				g[i] += v
				size = max(size, math.Abs(v))
			}
		}
		add(q.P)
		add(transposed(q, q.A, q.Nu))
		add(transposed(q, q.G, q.Lambda))
		add(q.Mu)
		for i, v := range g {
			if math.Abs(v) > tiny*size {
				t.Errorf("stationarity %d: %g", i, v)
			}
		}
		weak := complementary(t, "row", q.Lambda, times(q, q.G, q.Z), q.HL, q.H, q.Scaled > 0)
		weak += complementary(t, "bound", q.Mu, q.Z, q.L, q.U, q.Scaled > 0)
		if weak != q.Weak {
			t.Errorf("%d weakly active rows and bounds, want %d", weak, q.Weak)
		}
	})
}

// complementary checks multipliers against sides and counts weakly active ones.
func complementary(t *testing.T, what string, mult, v, lo, hi []float64, scaled bool) (weak int) {
	t.Helper()
	for i := range mult {
		l, h := math.Inf(-1), math.Inf(1)
		if lo != nil {
			l = lo[i]
		}
		if hi != nil {
			h = hi[i]
		}
		slack := min(v[i]-l, h-v[i])
		round := tiny * max(1, math.Abs(v[i]))
		if scaled {
			round = tiny * (math.Abs(v[i]) + 1e7)
		}
		switch {
		case mult[i] > 0 && math.Abs(h-v[i]) > round, mult[i] < 0 && math.Abs(v[i]-l) > round:
			t.Errorf("%s %d: value %g in [%g, %g] with multiplier %g", what, i, v[i], l, h, mult[i])
		case mult[i] == 0 && slack <= round && !scaled:
			weak++
		case mult[i] == 0 && !scaled && slack < 0.2-tiny, mult[i] != 0 && !scaled && math.Abs(mult[i]) < 0.2:
			t.Errorf("%s %d: slack %g, multiplier %g: nearly active", what, i, slack, mult[i])
		}
	}
	return weak
}

func checkFeasible(t *testing.T, q *QP, z []float64) {
	t.Helper()
	az, gz := times(q, q.A, z), times(q, q.G, z)
	for i, v := range az {
		if math.Abs(v-q.B[i]) > tiny*max(1, math.Abs(v)) && q.Scaled == 0 {
			t.Errorf("equality %d: %g, want %g", i, v, q.B[i])
		}
	}
	within := func(what string, v, lo, hi []float64) {
		for i, x := range v {
			round := tiny * max(1, math.Abs(x))
			if q.Scaled > 0 {
				round *= 1e7
			}
			if lo != nil && x < lo[i]-round || hi != nil && x > hi[i]+round {
				t.Errorf("%s %d: %g is outside its sides", what, i, x)
			}
		}
	}
	within("row", gz, q.HL, q.H)
	within("bound", z, q.L, q.U)
}

// TestUnique compares the flags with ranks: of Q on the null space of the
// strongly active rows, and of the active rows.
func TestUnique(t *testing.T) {
	each(t, func(t *testing.T, q *QP) {
		if q.Status != Solvable || q.Scaled > 0 {
			return
		}
		var strong, all []float64
		rows, weak := q.NEq, 0
		strong = append(strong, q.A...)
		all = append(all, q.A...)
		take := func(row []float64, mult, slack float64) {
			if mult != 0 {
				strong = append(strong, row...)
				rows++
			} else if slack < tiny {
				weak++
			} else {
				return
			}
			all = append(all, row...)
		}
		gz := times(q, q.G, q.Z)
		for i, v := range gz {
			take(q.G[i*q.N:(i+1)*q.N], q.Lambda[i], slack(v, q.HL, q.H, i))
		}
		for i, v := range q.Z {
			e := make([]float64, q.N)
			e[i] = 1
			take(e, q.Mu[i], slack(v, q.L, q.U, i))
		}
		stacked := append([]float64(nil), strong...)
		switch q.Form {
		case Dense:
			stacked = append(stacked, q.Q...)
		case Diagonal:
			for i, d := range q.Q {
				e := make([]float64, q.N)
				e[i] = d
				stacked = append(stacked, e...)
			}
		}
		if unique := rank(stacked, q.N) == q.N; unique != q.Unique {
			t.Errorf("Unique is %v, want %v", q.Unique, unique)
		}
		if unique := rank(all, q.N) == rows+weak; unique != q.DualsUnique {
			t.Errorf("DualsUnique is %v, want %v", q.DualsUnique, unique)
		}
	})
}

func slack(v float64, lo, hi []float64, i int) float64 {
	s := math.Inf(1)
	if lo != nil {
		s = min(s, v-lo[i])
	}
	if hi != nil {
		s = min(s, hi[i]-v)
	}
	return s
}

func rank(m []float64, cols int) (r int) {
	if len(m) == 0 {
		return 0
	}
	var svd mat.SVD
	if !svd.Factorize(mat.NewDense(len(m)/cols, cols, m), mat.SVDNone) {
		return -1
	}
	v := svd.Values(nil)
	for _, s := range v {
		if s > 1e-6*v[0] {
			r++
		}
	}
	return r
}

func TestInfeasible(t *testing.T) {
	each(t, func(t *testing.T, q *QP) {
		if q.Status != PrimalInfeasible {
			return
		}
		g, size := make([]float64, q.N), 0.0
		for _, x := range [][]float64{transposed(q, q.A, q.Nu), transposed(q, q.G, q.Lambda), q.Mu} {
			for i, v := range x {
				g[i] += v
			}
		}
		for _, x := range [][]float64{transposed(q, abs(q.A), abs(q.Nu)), transposed(q, abs(q.G), abs(q.Lambda))} {
			size = max(size, slices.Max(x))
		}
		for i, v := range g {
			if math.Abs(v) > tiny*size {
				t.Errorf("combination %d: %g", i, v)
			}
		}
		sum := dot(q.Nu, q.B)
		for i, v := range q.Lambda {
			sum += bound(v, q.HL, q.H, i)
		}
		for i, v := range q.Mu {
			sum += bound(v, q.L, q.U, i)
		}
		if math.Abs(sum+1) > 1e-10 {
			t.Errorf("sides sum to %g, want -1", sum)
		}
		for i := range q.HL {
			if q.H != nil && q.HL[i] >= q.H[i] {
				t.Errorf("row %d is crossed", i)
			}
		}
	})
}

func TestUnbounded(t *testing.T) {
	each(t, func(t *testing.T, q *QP) {
		if q.Status != DualInfeasible {
			return
		}
		checkFeasible(t, q, q.Feasible)
		if pd := dot(q.P, q.Z); math.Abs(pd+1) > 1e-10 {
			t.Errorf("pᵀd is %g, want -1", pd)
		}
		big := 0.0
		for i, d := range q.Z {
			for k := range max(1, q.NEq+q.NIneq) {
				for _, m := range [][]float64{q.A, q.G} {
					if k*q.N+i < len(m) {
						big = max(big, math.Abs(d*m[k*q.N+i]))
					}
				}
			}
			if len(q.Q) > 0 {
				for j := range q.N {
					big = max(big, math.Abs(q.Q[j*q.N+i]*d))
				}
			}
		}
		for _, x := range [][]float64{q.mulQ(q.Z), times(q, q.A, q.Z)} {
			for i, v := range x {
				if math.Abs(v) > tiny*max(1, big) {
					t.Errorf("direction: product %d is %g", i, v)
				}
			}
		}
		recede := func(what string, v, lo, hi []float64) {
			for i, x := range v {
				if hi != nil && !math.IsInf(hi[i], 1) && x > tiny*max(1, big) || lo != nil && !math.IsInf(lo[i], -1) && x < -tiny*max(1, big) {
					t.Errorf("%s %d: the direction meets a side, %g", what, i, x)
				}
			}
		}
		recede("row", times(q, q.G, q.Z), q.HL, q.H)
		recede("bound", q.Z, q.L, q.U)
	})
}

func TestRepeatable(t *testing.T) {
	if !reflect.DeepEqual(All(7), All(7)) {
		t.Error("equal seeds give different problems")
	}
	if reflect.DeepEqual(All(7), All(8)) {
		t.Error("different seeds give equal problems")
	}
}

func times(q *QP, m, x []float64) []float64 {
	y := make([]float64, len(m)/q.N)
	addMul(y, m, x)
	return y
}

func abs(x []float64) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = math.Abs(v)
	}
	return y
}

func transposed(q *QP, m, x []float64) []float64 {
	y := make([]float64, q.N)
	if len(m) > 0 {
		addMulT(y, m, x)
	}
	return y
}
