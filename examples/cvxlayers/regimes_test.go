package main

import (
	"context"
	"math"
	"testing"
)

// TestTrader holds the gradient through a simulation against differences.
func TestTrader(t *testing.T) {
	tr, err := newTrader(40, 3)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if _, err := tr.run(ctx, 7, true); err != nil {
		t.Fatal(err)
	}
	grad := tr.gradient
	for c := range tr.learned {
		for k := range 2 {
			const h = 1e-4
			x := tr.learned[c][k]
			tr.learned[c][k] = x + h
			up, err := tr.run(ctx, 7, false)
			if err != nil {
				t.Fatal(err)
			}
			tr.learned[c][k] = x - h
			down, err := tr.run(ctx, 7, false)
			if err != nil {
				t.Fatal(err)
			}
			tr.learned[c][k] = x
			want := (up.objective - down.objective) / (2 * h)
			if math.Abs(grad[c][k]-want) > 1e-3*(math.Abs(want)+1e-2) {
				t.Errorf("price %d in regime %d: gradient %v, by differences %v", c, k, grad[c][k], want)
			}
		}
	}
}
