//go:build !race

package cuda

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/optnet-go/optnet/qp"
)

// TestCallAllocs: a call allocates next to nothing, however many goroutines copy.
func TestCallAllocs(t *testing.T) {
	e := emulated(t).crowded()
	for _, size := range []int{3, 500} {
		sh, b, up := profile(16, 16, 8, size)
		v, err := qp.NewSolver(sh, &qp.Options{Engine: e, Workers: 4})
		if err != nil {
			t.Fatal(err)
		}
		var x qp.Solution
		var g qp.Gradient
		ctx := context.Background()
		solve, derive := math.Inf(1), math.Inf(1)
		for range 5 { // goroutines are allocated until there are enough of them
			solve = min(solve, testing.AllocsPerRun(3, func() { err = errors.Join(err, v.Solve(ctx, &x, b)) }))
			derive = min(derive, testing.AllocsPerRun(3, func() { err = errors.Join(err, x.VJP(ctx, &g, up)) }))
		}
		if err != nil {
			t.Fatal(err)
		}
		if solve > 2 || derive > 1 {
			t.Errorf("batch of %d: %g and %g allocations, want no more than 2 and 1", size, solve, derive)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
}
