package conic

import (
	"math"
	"testing"
)

// The root solves its equation to a few units of rounding, however small or large y is.
func TestExpRoot(t *testing.T) {
	for e := -40.0; e < 30; e += 0.01 {
		y := math.Exp(e)
		a := expBarrier{}.root(y)
		// The derivative of a + log(1+a) is between 1 and 2.
		if d := math.Abs(a + math.Log1p(a) - y); !(d <= 8e-16*y) {
			t.Fatalf("y = %v: a = %v leaves %v", y, a, d)
		}
	}
}
