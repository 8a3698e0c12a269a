// Quickstart solves one QP and differentiates the solution. README.md shows
// this file.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/optnet-go/optnet/qp"
	"gonum.org/v1/gonum/mat"
)

func main() {
	ctx := context.Background()
	// The point nearest to (1, 0.6) among those with z₀ + z₁ ≤ 1.
	x, err := qp.Solve(ctx, &qp.Problem{
		Q: mat.NewDiagDense(2, []float64{1, 1}),
		P: mat.NewVecDense(2, []float64{-1, -0.6}),
		G: mat.NewDense(1, 2, []float64{1, 1}),
		H: mat.NewVecDense(1, []float64{1}),
	})
	if err != nil { // infeasible, unbounded: an error that says so
		log.Fatal(err)
	}
	var d qp.Gradient // of z₀, with respect to all of Q, p, G, h
	if err := x.VJP(ctx, &d, &qp.Point{Z: []float64{1, 0}}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("z = %.3f, λ = %.3f\n", x.Z, x.Lambda)
	fmt.Printf("∂z₀/∂p = %.3f, ∂z₀/∂h = %.3f, unique: %v\n", d.P, d.H, d.Certs[0].Unique)
}
