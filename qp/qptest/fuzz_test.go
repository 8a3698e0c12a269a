package qptest_test

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/optnet-go/optnet/qp"
	"github.com/optnet-go/optnet/qp/qptest"
)

// special are the values that fuzzing puts anywhere.
var special = []float64{
	0, math.Copysign(0, -1), 1, -1, math.NaN(), math.Inf(1), math.Inf(-1),
	1e8, -1e8, 1e-8, 1e20, -1e20, 1e150, -1e150, 1e300, -1e300, math.MaxFloat64,
	1e-150, 1e-300, math.SmallestNonzeroFloat64, 0.5, 2, 1e4, 1e-4, 3,
}

// problem makes a shape and a batch of 3 from fuzzed bytes: a random problem
// of that seed, then edits of 4 bytes each: which array, where (2), what.
func problem(seed uint64, dims uint32, edits []byte) (qp.Shape, *qp.Batch) {
	rng := rand.New(rand.NewPCG(seed, 0))
	sh := qp.Shape{
		N:     1 + int(dims&7),
		NEq:   int(dims >> 3 & 3),
		NIneq: int(dims >> 5 & 7),
		Q:     qp.QForm(dims >> 8 % 3),
		Sides: qp.Sides(dims >> 10 & 15),
	}
	rows := qp.RowLower | qp.RowUpper
	if sh.NIneq == 0 {
		sh.Sides &^= rows
	} else if sh.Sides&rows == 0 {
		sh.Sides |= qp.RowUpper
	}
	sharedMask := dims >> 14
	const size = 3
	copies := func(k int) int {
		if sharedMask>>k&1 != 0 {
			return 1
		}
		return size
	}
	fill := func(n int, f func() float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = f()
		}
		return x
	}
	n := sh.N
	b := &qp.Batch{Size: size}
	switch sh.Q {
	case qp.Dense:
		for range copies(0) {
			rank := rng.IntN(n + 1)
			m := fill(rank*n, rng.NormFloat64)
			for i := range n {
				for j := range n {
					var v float64
					for k := range rank {
						v += m[k*n+i] * m[k*n+j]
					}
					b.Q = append(b.Q, v)
				}
			}
		}
	case qp.Diagonal:
		b.Q = fill(copies(0)*n, rng.Float64)
	}
	b.P = fill(copies(1)*n, rng.NormFloat64)
	b.A, b.B = fill(copies(2)*sh.NEq*n, rng.NormFloat64), fill(copies(3)*sh.NEq, rng.NormFloat64)
	b.G = fill(copies(4)*sh.NIneq*n, rng.NormFloat64)
	side := func(on qp.Sides, k, n int, shift float64) []float64 {
		if sh.Sides&on == 0 {
			return nil
		}
		return fill(copies(k)*n, func() float64 { return shift + rng.NormFloat64() })
	}
	b.HL, b.H = side(qp.RowLower, 5, sh.NIneq, -2), side(qp.RowUpper, 6, sh.NIneq, 2)
	b.L, b.U = side(qp.Lower, 7, n, -2), side(qp.Upper, 8, n, 2)

	arrays := []*[]float64{&b.Q, &b.P, &b.A, &b.B, &b.G, &b.HL, &b.H, &b.L, &b.U}
	for ; len(edits) >= 4; edits = edits[4:] {
		x := *arrays[int(edits[0])%len(arrays)]
		if len(x) == 0 {
			continue
		}
		at := int(binary.LittleEndian.Uint16(edits[1:])) % len(x)
		v := special[int(edits[3])%len(special)]
		if x = append([]float64(nil), x...); edits[0] >= 128 {
			x[at] *= v
		} else {
			x[at] = v
		}
		*arrays[int(edits[0])%len(arrays)] = x
	}
	return sh, b
}

func seedProblems(f *testing.F) {
	for seed := range uint64(12) {
		for _, edits := range [][]byte{
			nil,
			{1, 1, 0, 4},               // P NaN
			{0, 0, 0, 3},               // Q negative
			{6, 0, 0, 5, 7, 0, 0, 6},   // sides without effect
			{5, 0, 0, 9, 6, 0, 0, 9},   // equal sides
			{2, 0, 0, 10, 3, 0, 0, 18}, // large and tiny
			{4, 0, 0, 14, 1, 0, 0, 12}, // huge
			{8, 0, 0, 11, 7, 1, 0, 7},  // crossed
			{128, 0, 0, 22, 132, 1, 0, 23, 129, 2, 0, 22},
			{130, 0, 0, 0, 131, 0, 0, 0, 132, 3, 0, 0},
		} {
			f.Add(seed, uint32(seed*2654435761), edits)
		}
	}
}

// FuzzSolve: whatever the data, Solve does not panic, says nothing that the
// independent checker refutes, and treats an element alone as in a batch.
func FuzzSolve(f *testing.F) {
	seedProblems(f)
	f.Fuzz(func(t *testing.T, seed uint64, dims uint32, edits []byte) {
		sh, b := problem(seed, dims, edits)
		s, err := qp.NewSolver(sh, &qp.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		x := new(qp.Solution)
		if err := s.Solve(t.Context(), x, b); err != nil {
			t.Fatal(err)
		}
		if err := qptest.Check(sh, b, x, 1e-8, 1e-8); err != nil {
			t.Error(err)
		}
		warm := *b
		warm.Warm = &qp.Point{Z: b.P}
		if len(b.P) != b.Size*sh.N {
			warm.Warm = &x.Point
		}
		y := new(qp.Solution)
		if err := s.Solve(t.Context(), y, &warm); err != nil {
			t.Fatal(err)
		}
		if err := qptest.Check(sh, b, y, 1e-8, 1e-8); err != nil {
			t.Errorf("warm: %v", err)
		}
		// A neighbour changes nothing: element 0 with the others poisoned.
		if len(b.P) == b.Size*sh.N {
			bad := *b
			bad.P = append([]float64(nil), b.P...)
			for i := sh.N; i < len(bad.P); i++ {
				bad.P[i] = math.NaN()
			}
			if err := s.Solve(t.Context(), y, &bad); err != nil {
				t.Fatal(err)
			}
			if x.Info[0] != y.Info[0] {
				t.Errorf("Info %+v with other neighbours, %+v before", y.Info[0], x.Info[0])
			}
			for j := range sh.N {
				if math.Float64bits(x.Z[j]) != math.Float64bits(y.Z[j]) {
					t.Errorf("Z[%d] is %x with other neighbours, %x before", j, y.Z[j], x.Z[j])
				}
			}
		}
	})
}

// FuzzLengths: arrays of any length give a *ShapeError or are right.
func FuzzLengths(f *testing.F) {
	f.Add(uint64(1), uint32(0xffff), uint8(4), uint16(7))
	f.Add(uint64(2), uint32(0x3c25), uint8(1), uint16(0))
	f.Fuzz(func(t *testing.T, seed uint64, dims uint32, array uint8, n uint16) {
		sh, b := problem(seed, dims, nil)
		arrays := []*[]float64{&b.Q, &b.P, &b.A, &b.B, &b.G, &b.HL, &b.H, &b.L, &b.U}
		*arrays[int(array)%len(arrays)] = make([]float64, n%512)
		s, err := qp.NewSolver(sh, &qp.Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		x := new(qp.Solution)
		err = s.Solve(t.Context(), x, b)
		if e := (*qp.ShapeError)(nil); err != nil && !errors.As(err, &e) {
			t.Fatal(err)
		}
		if err == nil {
			err = qptest.Check(sh, b, x, 1e-8, 1e-8)
		} else {
			err = nil
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// FuzzDerivative: derivatives are numbers, unsolved elements contribute zero
// and say so, and ⟨Jv, w⟩ = ⟨v, Jᵀw⟩ where the derivative is unique.
func FuzzDerivative(f *testing.F) {
	seedProblems(f)
	f.Fuzz(func(t *testing.T, seed uint64, dims uint32, edits []byte) {
		sh, b := problem(seed, dims, edits)
		for _, rule := range []qp.Rule{qp.LeastSquares, qp.WeakActive, qp.Smoothed, qp.Strict} {
			s, err := qp.NewSolver(sh, &qp.Options{Workers: 1, Rule: rule})
			if err != nil {
				t.Fatal(err)
			}
			x := new(qp.Solution)
			if err := s.Solve(t.Context(), x, b); err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(seed, 1))
			normals := func(n int) []float64 {
				v := make([]float64, n)
				for i := range v {
					v[i] = rng.NormFloat64()
				}
				return v
			}
			up := &qp.Point{Z: normals(len(x.Z)), Nu: normals(len(x.Nu)), Lambda: normals(len(x.Lambda)), Mu: normals(len(x.Mu)), Value: normals(len(x.Value))}
			dir := &qp.Data{P: normals(len(b.P)), A: normals(len(b.A)), B: normals(len(b.B)), G: normals(len(b.G)),
				HL: normals(len(b.HL)), H: normals(len(b.H)), L: normals(len(b.L)), U: normals(len(b.U))}
			var g qp.Gradient
			var d qp.Tangent
			if err := errors.Join(x.VJP(t.Context(), &g, up), x.JVP(t.Context(), &d, dir)); err != nil {
				t.Fatal(err)
			}
			finite(t, "gradient", g.Q, g.P, g.A, g.B, g.G, g.HL, g.H, g.L, g.U)
			finite(t, "tangent", d.Z, d.Nu, d.Lambda, d.Mu, d.Value)
			unique := true
			for i, info := range x.Info {
				solved := info.Status == qp.Solved || info.Status == qp.AlmostSolved
				c := g.Certs[i]
				if !solved && (!c.Zeroed || !d.Certs[i].Zeroed || c.Unique) {
					t.Errorf("element %d, %v: certificate %+v", i, info.Status, c)
				}
				if math.IsNaN(c.Residual) || math.IsNaN(c.Margin) || math.IsNaN(c.Error) || !(c.RCond >= 0 && c.RCond <= 1) {
					t.Errorf("element %d: certificate %+v", i, c)
				}
				trust := c.Unique && !c.Zeroed && !d.Certs[i].Zeroed && c.Error < 1e-4 && d.Certs[i].Error < 1e-4
				unique = unique && (trust || c.Zeroed && d.Certs[i].Zeroed)
			}
			// Residuals are those of the system as a whole: beside data that are
			// larger by far, small parts of a derivative have no digits.
			if !unique || largest(b.Q, b.P, b.A, b.B, b.G) > 1e6 {
				continue
			}
			left, size := inner(up.Z, d.Z, up.Nu, d.Nu, up.Lambda, d.Lambda, up.Mu, d.Mu, up.Value, d.Value)
			right, size2 := inner(dir.P, g.P, dir.A, g.A, dir.B, g.B, dir.G, g.G, dir.HL, g.HL, dir.H, g.H, dir.L, g.L, dir.U, g.U)
			if !(math.Abs(left-right) <= 1e-5*(size+size2)) {
				t.Errorf("⟨Jv, w⟩ is %g, ⟨v, Jᵀw⟩ %g", left, right)
			}
		}
	})
}

func finite(t *testing.T, what string, arrays ...[]float64) {
	t.Helper()
	for k, x := range arrays {
		for i, v := range x {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%s: array %d, entry %d is %g", what, k, i, v)
				return
			}
		}
	}
}

// inner adds up the inner products of pairs, and their magnitudes.
func inner(pairs ...[]float64) (sum, size float64) {
	for k := 0; k < len(pairs); k += 2 {
		for i, v := range pairs[k] {
			sum += v * pairs[k+1][i]
			size += math.Abs(v * pairs[k+1][i])
		}
	}
	return sum, size
}

func largest(xs ...[]float64) float64 {
	m := 0.0
	for _, x := range xs {
		for _, v := range x {
			m = max(m, math.Abs(v))
		}
	}
	return m
}
