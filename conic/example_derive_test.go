package conic_test

import (
	"context"
	"fmt"
	"log"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/sparse"
)

// The point of a ball of radius t that goes farthest against c is −t·c/‖c‖.
func ExampleSolution_VJP() {
	A, err := sparse.FromTriplets(3, 2, []sparse.Triplet{{Row: 1, Col: 0, Val: -1}, {Row: 2, Col: 1, Val: -1}})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	x, err := conic.Solve(ctx, &conic.Problem{ // minimize cᵀx subject to (t, x) ∈ K
		Q: []float64{3, 4}, A: A, B: []float64{2, 0, 0},
		Cones: []conic.Cone{{Kind: conic.SecondOrder, Size: 3}},
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	var g conic.Gradient
	if err := x.VJP(ctx, &g, &conic.Point{X: []float64{1, 0}}); err != nil { // of x₁
		log.Fatal(err)
	}
	fmt.Printf("x = %.4f\n", x.X)
	fmt.Printf("dx₁/dc = %.4f\n", g.Q)
	fmt.Printf("dx₁/dt = %.4f\n", g.B[0])
	fmt.Println("unique:", g.Certs[0].Unique)
	// Output:
	// x = [-1.2000 -1.6000]
	// dx₁/dc = [-0.2560 0.1920]
	// dx₁/dt = -0.6000
	// unique: true
}
