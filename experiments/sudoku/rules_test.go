package sudoku

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func TestTrueRules(t *testing.T) {
	r, pivots := trueRules()
	if n, m := r.Dims(); n != rules || m != inputs || len(pivots) != rules {
		t.Fatalf("%d×%d, %d pivots, want %d independent rules", n, m, len(pivots), rules)
	}
	for i := range rules {
		for k, j := range pivots {
			want := 0.0
			if k == i {
				want = 1
			}
			if r.At(i, j) != want {
				t.Fatalf("entry %d, %d is %v, want %v", i, j, r.At(i, j), want)
			}
		}
		for j := range inputs {
			if v := r.At(i, j); v != 0 && v != 1 && v != -1 {
				t.Errorf("entry %d, %d is %v", i, j, v)
			}
		}
	}
	// Any two solutions differ by a vector that no rule sees.
	d := make([]float64, inputs)
	for i, p := range Generate(1, 100) {
		p.Solution.encode(d, float64(1-i%2*2))
	}
	var rd mat.VecDense
	rd.MulVec(r, mat.NewVecDense(inputs, d))
	if n := mat.Norm(&rd, math.Inf(1)); n > 1e-9 {
		t.Errorf("the rules tell solutions apart, by %v", n)
	}
}

func TestReduceLike(t *testing.T) {
	r, pivots := trueRules()
	mix := mat.NewDense(rules, rules, nil)
	rng := newRand(3, 0)
	for i := range rules {
		for j := range rules {
			mix.Set(i, j, rng.NormFloat64())
		}
	}
	var a mat.Dense
	a.Mul(mix, r)
	if got := reduceLike(a.RawMatrix().Data, pivots); got == nil || !mat.EqualApprox(got, r, 1e-9) {
		t.Error("mixed rules do not reduce to the rules")
	}
	if o := overlap(a.RawMatrix().Data); math.Abs(float64(o)-1) > 1e-12 {
		t.Errorf("overlap of the rules with themselves is %v", o)
	}
	random := make([]float64, rules*inputs)
	for i := range random {
		random[i] = rng.Float64()
	}
	if o := overlap(random); o < 0.55 || o > 0.7 {
		t.Errorf("overlap of a random matrix is %v, want about 0.625", o)
	}
	if reduceLike(make([]float64, rules*inputs), pivots) != nil {
		t.Error("a zero matrix has been reduced")
	}
}
