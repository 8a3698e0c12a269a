package qp_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"gonum.org/v1/gonum/mat"

	"github.com/optnet-go/optnet/qp"
)

// One QP in gonum's types: the point of the simplex nearest to (1, 0.4, −0.5).
func ExampleSolve() {
	x, err := qp.Solve(context.Background(), &qp.Problem{
		Q: mat.NewDiagDense(3, []float64{1, 1, 1}),
		P: mat.NewVecDense(3, []float64{-1, -0.4, 0.5}),
		A: mat.NewDense(1, 3, []float64{1, 1, 1}),
		B: mat.NewVecDense(1, []float64{1}),
		L: mat.NewVecDense(3, nil),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("z = %.4f, ν = %.4f, value %.4f\n", x.Z, x.Nu, x.Value[0])
	// Output: z = [0.8000 0.2000 0.0000], ν = [0.2000], value -0.5400
}

// An infeasible problem comes with a proof: multipliers that combine its
// constraints to 0 ≤ −1.
func ExampleSolve_infeasible() {
	x, err := qp.Solve(context.Background(), &qp.Problem{
		P:  mat.NewVecDense(1, []float64{1}),
		G:  mat.NewDense(2, 1, []float64{1, 1}),
		HL: mat.NewVecDense(2, []float64{-10, 2}), // z ≥ 2
		H:  mat.NewVecDense(2, []float64{1, 10}),  // z ≤ 1
	})
	fmt.Println(errors.Is(err, qp.ErrInfeasible), x.Info[0].Status)
	fmt.Printf("λ = %.2f\n", x.Rays.Lambda)
	// Output:
	// true PrimalInfeasible
	// λ = [1.00 -1.00]
}

// A batch shares what is given once: here Q, the row of G and its side, while
// every element has its own linear term.
func ExampleSolver_Solve() {
	s, err := qp.NewSolver(qp.Shape{N: 2, NIneq: 1, Q: qp.Dense}, nil)
	if err != nil {
		log.Fatal(err)
	}
	b := &qp.Batch{Size: 3, Data: qp.Data{
		Q: []float64{2, 0, 0, 2},
		G: []float64{1, 1}, // z₁ + z₂ ≤ 1
		H: []float64{1},
		P: []float64{
			-2, -2,
			-1, 0,
			2, 2,
		},
	}}
	var x qp.Solution
	if err := s.Solve(context.Background(), &x, b); err != nil {
		log.Fatal(err)
	}
	for i, info := range x.Info {
		fmt.Printf("%v: z = %+.3f, λ = %.3f\n", info.Status, x.Z[2*i:2*i+2], x.Lambda[i])
	}
	// Output:
	// Solved: z = [+0.500 +0.500], λ = 1.000
	// Solved: z = [+0.500 +0.000], λ = 0.000
	// Solved: z = [-1.000 -1.000], λ = 0.000
}

// The gradient of a loss with respect to the data, given its gradient with
// respect to z. That of the shared h is the sum over the batch.
func ExampleSolution_VJP() {
	s, err := qp.NewSolver(qp.Shape{N: 2, NIneq: 1, Q: qp.Dense}, nil)
	if err != nil {
		log.Fatal(err)
	}
	var x qp.Solution
	err = s.Solve(context.Background(), &x, &qp.Batch{Size: 2, Data: qp.Data{
		Q: []float64{2, 0, 0, 2},
		G: []float64{1, 1},
		H: []float64{1},
		P: []float64{-2, -2, -4, -2}, // the row is active in both
	}})
	if err != nil {
		log.Fatal(err)
	}
	// The loss is the sum of all first coordinates.
	up := &qp.Point{Z: []float64{1, 0, 1, 0}}
	grad := qp.Gradient{Want: qp.CoefP | qp.CoefH}
	if err := x.VJP(context.Background(), &grad, up); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("dp = %+.3f\ndh = %.3f\n", grad.P, grad.H)
	c := grad.Certs[0]
	fmt.Println("unique:", c.Unique, "active:", c.Active, "residual below 1e-12:", c.Residual < 1e-12)
	// Output:
	// dp = [-0.250 +0.250 -0.250 +0.250]
	// dh = [1.000]
	// unique: true active: 1 residual below 1e-12: true
}

// The change of the answers when the data move: here p of the one element, and
// then the value alone when the side moves.
func ExampleSolution_JVP() {
	s, err := qp.NewSolver(qp.Shape{N: 2, NIneq: 1, Q: qp.Dense}, nil)
	if err != nil {
		log.Fatal(err)
	}
	var x qp.Solution
	err = s.Solve(context.Background(), &x, &qp.Batch{Size: 1, Data: qp.Data{
		Q: []float64{2, 0, 0, 2}, P: []float64{-2, -2}, G: []float64{1, 1}, H: []float64{1},
	}})
	if err != nil {
		log.Fatal(err)
	}
	var t qp.Tangent
	if err := x.JVP(context.Background(), &t, &qp.Data{P: []float64{1, 0}}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("dz = %+.3f\n", t.Z)
	if err := x.JVP(context.Background(), &t, &qp.Data{H: []float64{1}}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("dvalue = %+.3f, −λ = %+.3f\n", t.Value, -x.Lambda[0])
	// Output:
	// dz = [-0.250 +0.250]
	// dvalue = [-1.000], −λ = -1.000
}

// A warm start takes a point near the solution, here that of the problem before.
func ExampleBatch_warm() {
	s, err := qp.NewSolver(qp.Shape{N: 2, NIneq: 1, Q: qp.Dense}, nil)
	if err != nil {
		log.Fatal(err)
	}
	b := &qp.Batch{Size: 1, Data: qp.Data{
		Q: []float64{2, 0, 0, 2}, P: []float64{-2, -2}, G: []float64{1, 1}, H: []float64{1},
	}}
	var x qp.Solution
	if err := s.Solve(context.Background(), &x, b); err != nil {
		log.Fatal(err)
	}
	b.P = []float64{-2.001, -2}
	b.Warm = &x.Point
	if err := s.Solve(context.Background(), &x, b); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%v: z = %.5f, retries %d\n", x.Info[0].Status, x.Z, x.Info[0].Retries)
	// Output: Solved: z = [0.50025 0.49975], retries 0
}

// Keep reuses what the Solution holds: a service that gets a new p with each
// request copies, checks and factors nothing else again.
func ExampleBatch_keep() {
	s, err := qp.NewSolver(qp.Shape{N: 2, NIneq: 1, Q: qp.Dense}, &qp.Options{Workers: 1})
	if err != nil {
		log.Fatal(err)
	}
	x := qp.Solution{Want: qp.OutZ}
	b := &qp.Batch{Size: 1, Data: qp.Data{
		Q: []float64{2, 0, 0, 2}, G: []float64{1, 1}, H: []float64{1},
	}}
	for _, p := range [][]float64{{-2, -2}, {-1, 0}, {2, 2}} {
		b.P = p
		if err := s.Solve(context.Background(), &x, b); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%+.3f\n", x.Z)
		b.Keep = qp.CoefQ | qp.CoefG | qp.CoefH
	}
	// Output:
	// [+0.500 +0.500]
	// [+0.500 +0.000]
	// [-1.000 -1.000]
}

// Stack makes a batch of problems; a coefficient that is the same value in all
// of them is shared.
func ExampleStack() {
	q := mat.NewDiagDense(2, []float64{1, 2})
	sh, b, err := qp.Stack(
		&qp.Problem{Q: q, P: mat.NewVecDense(2, []float64{1, 2})},
		&qp.Problem{Q: q, P: mat.NewVecDense(2, []float64{-1, 4})},
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sh.N, sh.Q == qp.Diagonal, "Q:", b.Q, "P:", b.P)
	// Output: 2 true Q: [1 2] P: [1 2 -1 4]
}
