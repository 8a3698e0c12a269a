package ingraph

import (
	"github.com/gomlx/gomlx/core/graph"
)

// All vectors are batch×k, all matrices batch×k×l or, if shared by the batch, k×l.
type node = *graph.Node

// constant is v, a scalar, in the function that is built at the moment.
func constant(like node, v float64) node { return graph.Const(like.Graph(), v) }

// full is v in the shape of x.
func full(x node, v float64) node {
	return graph.BroadcastToShape(constant(x, v), x.Shape())
}

// spread is x, which is 1 along some axes, in the shape of y. Operations on two numbers do
// that themselves, and inside of a loop they have to: GoMLX's backend in Go takes the
// broadcast away from in front of them after it has compiled the loop (compute v0.1.2).
func spread(x, y node) node {
	if x.Shape().EqualDimensions(y.Shape()) {
		return x
	}
	return graph.BroadcastToDims(x, y.Shape().Dimensions...)
}

func scale(v float64, x node) node { return graph.Mul(constant(x, v), x) }

// mul is A x, and mulT is Aᵀ x.
func mul(a, x node) node {
	if a.Rank() == 2 {
		return graph.Einsum("ij,bj->bi", a, x)
	}
	return graph.Einsum("bij,bj->bi", a, x)
}

func mulT(a, x node) node {
	if a.Rank() == 2 {
		return graph.Einsum("ij,bi->bj", a, x)
	}
	return graph.Einsum("bij,bi->bj", a, x)
}

// gram is AᵀDA, D diagonal.
func gram(a, d node) node {
	d = graph.InsertAxes(d, -1)
	if a.Rank() == 2 {
		return graph.Einsum("bki,kj->bij", graph.Mul(d, graph.InsertAxes(a, 0)), a)
	}
	return graph.Einsum("bki,bkj->bij", graph.Mul(d, a), a)
}

// product is AB, and productT is ABᵀ.
func product(a, b node) node { return graph.Einsum("bik,bkj->bij", a, b) }

func productT(a, b node) node {
	if a.Rank() == 2 {
		return graph.Einsum("ik,bjk->bij", a, b)
	}
	return graph.Einsum("bik,bjk->bij", a, b)
}

// batched gives a matrix that is shared by the batch an axis for it, of length 1.
func batched(a node) node {
	if a.Rank() == 3 {
		return a
	}
	return graph.InsertAxes(a, 0)
}

// identity is the identity matrix of order n, 1×n×n.
func identity(like node, n int) node {
	e := [][][]float64{make([][]float64, n)}
	for i := range n {
		e[0][i] = make([]float64, n)
		e[0][i][i] = 1
	}
	return graph.Const(like.Graph(), e)
}

// diagonal is the diagonal matrices of vectors.
func diagonal(x node) node {
	return graph.Mul(graph.InsertAxes(x, -1), identity(x, x.Shape().Dimensions[1]))
}

// diagonalOf is the diagonals of matrices, batch×n×n.
func diagonalOf(a node) node {
	n := a.Shape().Dimensions[1]
	return graph.Einsum("bij,ij->bi", a, graph.Reshape(identity(a, n), n, n))
}

// sum and largest reduce vectors to one number per element, batch×1; the second is for
// numbers that are not negative.
func sum(x node) node {
	ones := make([]float64, x.Shape().Dimensions[1])
	for i := range ones {
		ones[i] = 1
	}
	return graph.InsertAxes(graph.Einsum("bi,i->b", x, graph.Const(x.Graph(), ones)), -1)
}

func dot(x, y node) node { return sum(graph.Mul(x, y)) }

func largest(x node) node  { return fold(x, graph.Max) }
func smallest(x node) node { return fold(x, graph.Min) }

func maxAbs(x node) node { return largest(graph.Abs(x)) }

// fold halves the vectors until one number is left.
func fold(x node, f func(a, b node) node) node {
	for {
		k := x.Shape().Dimensions[1]
		if k == 1 {
			return x
		}
		y := f(columns(x, 0, k/2), columns(x, k/2, k/2*2))
		if k%2 == 1 {
			y = f(y, columns(x, k-1, k))
		}
		x = y
	}
}

// entries are those of matrices, one after the other: batch×kl, or 1×kl if it is shared.
func entries(a node) node {
	d := batched(a).Shape().Dimensions
	return graph.Reshape(a, d[0], d[1]*d[2])
}

// columns are the entries from to to of vectors.
func columns(x node, from, to int) node {
	return graph.Slice(x, graph.AxisRange(), graph.AxisRange(from, to))
}

func join(xs ...node) node {
	if len(xs) == 1 {
		return xs[0]
	}
	return graph.Concatenate(xs, 1)
}

// choose is x where the condition, batch×1, holds, and else y.
func choose(condition, x, y node) node {
	return graph.Where(spread(condition, x), x, y)
}

// finite says of each element whether all entries of all vectors are finite, batch×1.
func finite(xs ...node) node {
	var all node
	for _, x := range xs {
		f := fold(graph.IsFinite(x), graph.LogicalAnd)
		if all == nil {
			all = f
		} else {
			all = graph.LogicalAnd(all, f)
		}
	}
	return all
}
