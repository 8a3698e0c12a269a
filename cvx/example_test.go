package cvx_test

import (
	"fmt"

	"github.com/optnet-go/optnet/cvx"
)

// A model that is wrong in five ways. Compile reports all of them.
func ExampleModel_Compile_wrong() {
	m := cvx.NewModel()
	x, y := m.Var("x", 3), m.Var("y", 3).NonNeg()
	a, b := m.Param("a", 3), m.Param("b").NonNeg()
	risk := cvx.Sqrt(cvx.SumSquares(x)).Named("risk")
	m.Minimize(cvx.Add(risk, cvx.Sum(y)))
	m.SubjectTo(
		cvx.Leq(cvx.Dot(x, y), cvx.Const(1)).Named("overlap"),
		cvx.Eq(cvx.Square(x), y).Named("energy"),
		cvx.Leq(cvx.Div(x, b), a).Named("rate"),
		cvx.Eq(cvx.Sum(cvx.HStack(x, y.T())), cvx.Const(1)).Named("total"),
	)
	_, err := m.Compile()
	fmt.Println(err)
	// Output:
	// cvx: 5 problems
	// 1. objective: not convex by the rules (DCP)
	//     in       Sqrt(SumSquares(x))
	//     because  Sqrt is concave and nondecreasing in this argument, which is convex (SumSquares(x)): it takes a concave or affine one
	//     instead  Norm2(x)
	// 2. constraint "overlap": not convex by the rules (DCP)
	//     in       Times(x, y)
	//     because  a product of two expressions with variables (x is affine, y is affine) is neither convex nor concave in general
	//     instead  make one factor a parameter and alternate between the two, or, for nonnegative factors, GeoMean of both (concave)
	// 3. constraint "energy": not convex by the rules (DCP)
	//     in       Eq(Square(x), y)
	//     because  an equation has affine sides, and Square(x) is convex
	//     instead  Leq or Geq, whichever keeps the convex side small: it is tight at the optimum if the objective pulls that way
	// 4. constraint "rate": not affine in the parameters by the rules (DPP)
	//     in       Div(x, b)
	//     because  1/b is not affine in the parameters
	//     instead  a new parameter that holds 1/b, and Times
	// 5. constraint "total": misuse of HStack
	//     in       HStack(x, T(y))
	//     because  expressions side by side have as many rows, and these have 3 and 1
	//     instead  VStack puts them below each other
}
