// Package cvx describes convex optimization problems with parameters, checks
// that they are convex, and compiles them once into a [Program]: cone program
// data that depend on the parameters through one sparse affine map.
//
//	m := cvx.NewModel()
//	x := m.Var("x", n).NonNeg()
//	F, g := m.Param("F", k, n), m.Param("g", k)
//	m.Minimize(cvx.SumSquares(cvx.Sub(cvx.Mul(F, x), g)))
//	m.SubjectTo(cvx.Eq(cvx.Sum(x), cvx.Const(1)).Named("budget"))
//	prog, err := m.Compile()
//
// Package layer solves programs and differentiates their solutions.
//
// # Expressions
//
// An [Expr] is a matrix: a vector is a column, n×1, and a scalar is 1×1. It has a
// sign and a curvature, derived by rules from its parts; [Expr.Tree] prints
// them. Matrices are row-major, as in gonum and in every array of this module:
// Vec, Reshape and the values of variables and parameters go row by row.
//
// In an elementwise operation a dimension of 1 stretches to the other operand's:
// a scalar goes with everything, a column with every column of a matrix that
// has as many rows, a row likewise. Anything else is an error.
//
// A mistake (sizes that do not fit, an index out of range) does not panic and is
// not lost: the expression remembers it, everything made from it carries on, and
// [Model.Compile] reports all that is wrong with the model, each with the
// smallest subexpression that is to blame, the rule, and what to write instead.
//
// # Rules
//
// Disciplined convex programming (DCP): f(g₁, …, gₖ) is convex if f is convex and
// each gᵢ is affine, or convex where f is nondecreasing, or concave where f is
// nonincreasing; likewise concave. One minimizes what is convex, maximizes what
// is concave, and constrains affine = affine and convex ≤ concave.
//
// Disciplined parametrized programming (DPP): the same rules hold when parameters
// count as affine, and in a product one factor is constant, or one is free of
// variables and affine in parameters while the other is free of parameters
// (Agrawal et al., Differentiable convex optimization layers, 2019). Then the
// data of the cone program are affine in the parameters.
//
// # Signs of multipliers
//
// For the Lagrangian of the minimization (of −f for Maximize): Eq(a, b) adds
// νᵀ(a−b), Leq(a, b) adds λᵀ(a−b), Geq(a, b) adds λᵀ(b−a), λ ≥ 0, and x ∈ K adds
// −zᵀx with z in the dual cone.
package cvx
