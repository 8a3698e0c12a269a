package ingraph

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/optnet-go/optnet/qp"
)

// Data are the coefficients of a batch of quadratic programs, as nodes of a graph, all
// of one type, float64 or float32:
//
//	minimize   ½ zᵀQz + pᵀz      over z ∈ Rⁿ
//	subject to Az = b            (ν)
//	           hl ≤ Gz ≤ h       (λ)
//	           l ≤ z ≤ u         (μ)
//
// Each is either shared by the batch, or given per element, with the batch as first
// axis; the gradient of a shared one is the sum over the batch. What is nil is absent:
// no equalities, no rows, no bounds; without Q and Diag the problem is a linear
// program, without P its linear term is zero. If all are shared the batch has one
// element.
type Data struct {
	// Q is n×n or batch×n×n, symmetric and positive semidefinite. Its gradient is
	// symmetric, for the Frobenius product.
	Q *graph.Node
	// Diag, n or batch×n, is the diagonal of a diagonal Q, in place of Q.
	Diag *graph.Node
	P    *graph.Node // n or batch×n
	A    *graph.Node // p×n or batch×p×n
	B    *graph.Node // p or batch×p
	G    *graph.Node // m×n or batch×m×n
	// HL and H, m or batch×m, are the sides of the rows of G: one of them, or both.
	// −Inf in HL and +Inf in H are sides that are not there.
	HL, H *graph.Node
	L, U  *graph.Node // n or batch×n: bounds of z, ±Inf where there is none
}

// Solution are the answers, as nodes of the type of the data. Gradients flow through
// all of them. What nobody uses is not computed.
//
// λ and μ are net: positive at the upper side, negative at the lower one. An element
// that has no answer (see Solved) has its last iterate here, or zero, always finite, and
// contributes nothing to any gradient.
type Solution struct {
	Z      *graph.Node // batch×n
	Nu     *graph.Node // batch×p, nil without A
	Lambda *graph.Node // batch×m, nil without G
	Mu     *graph.Node // batch×n, nil without bounds
	Value  *graph.Node // batch: ½zᵀQz + pᵀz
	Status *graph.Node // batch, int32: how each element ended, a qp.Status
}

// Solved returns a mask, batch of bool: which elements have an answer, of full or
// reduced accuracy (qp.Solved, qp.AlmostSolved).
func (s *Solution) Solved() *graph.Node {
	is := func(x qp.Status) *graph.Node {
		return graph.Equal(s.Status, graph.Const(s.Status.Graph(), int32(x)))
	}
	return graph.LogicalOr(is(qp.Solved), is(qp.AlmostSolved))
}

// Unsolved returns the part of the batch that has no answer, between 0 and 1, a scalar
// of the type of Z.
func (s *Solution) Unsolved() *graph.Node {
	return graph.ReduceAllMean(graph.ConvertDType(graph.LogicalNot(s.Solved()), s.Z.DType()))
}

// Layout is what the shapes of Data say.
type Layout struct {
	qp.Shape
	Batch int
	DType dtypes.DType
}

// Layout checks the shapes of the coefficients against each other.
func (d *Data) Layout() (Layout, error) {
	var l Layout
	if d.Q != nil && d.Diag != nil {
		return l, fmt.Errorf("both Q and Diag are given: want one of them, or none")
	}
	l.Batch = -1
	// n, p and m are found where they stand first, and checked wherever they stand.
	sizes := map[byte]int{}
	type coef struct {
		name string
		node *graph.Node
		axes string // 'n', 'p', 'm', without the batch
	}
	for _, c := range []coef{
		{"P", d.P, "n"}, {"Q", d.Q, "nn"}, {"Diag", d.Diag, "n"}, {"A", d.A, "pn"}, {"B", d.B, "p"},
		{"G", d.G, "mn"}, {"HL", d.HL, "m"}, {"H", d.H, "m"}, {"L", d.L, "n"}, {"U", d.U, "n"},
	} {
		if c.node == nil {
			continue
		}
		s := c.node.Shape()
		if s.DType != dtypes.Float64 && s.DType != dtypes.Float32 {
			return l, fmt.Errorf("%s is %s: want float64 or float32; use ConvertDType", c.name, s)
		}
		if l.DType == dtypes.InvalidDType {
			l.DType = s.DType
		}
		if s.DType != l.DType {
			return l, fmt.Errorf("%s is %s where others are %s: want one type for all", c.name, s, l.DType)
		}
		dims := s.Dimensions
		switch len(dims) - len(c.axes) {
		case 0:
		case 1:
			if l.Batch >= 0 && l.Batch != dims[0] {
				return l, fmt.Errorf("%s is %s: a batch of %d, where that of others is %d", c.name, s, dims[0], l.Batch)
			}
			l.Batch, dims = dims[0], dims[1:]
		default:
			return l, fmt.Errorf("%s is %s: want %d axes (shared by the batch) or %d (one per element)", c.name, s, len(c.axes), len(c.axes)+1)
		}
		for i, n := range dims {
			axis := c.axes[i]
			if want, ok := sizes[axis]; ok && n != want {
				return l, fmt.Errorf("%s is %s: axis %d is %d, where other coefficients have %c = %d",
					c.name, s, s.Rank()-len(dims)+i, n, axis, want)
			}
			sizes[axis] = n
		}
	}
	switch {
	case l.DType == dtypes.InvalidDType:
		return l, fmt.Errorf("no coefficient is given")
	case (d.A == nil) != (d.B == nil):
		return l, fmt.Errorf("one of A and B is nil: they belong together")
	case d.G == nil && (d.H != nil || d.HL != nil):
		return l, fmt.Errorf("there is H or HL, but no G that they are sides of")
	case d.G != nil && d.H == nil && d.HL == nil:
		return l, fmt.Errorf("no side of G is given: want H, HL or both")
	case sizes['n'] == 0:
		return l, fmt.Errorf("there are no variables")
	}
	if l.Batch < 0 {
		l.Batch = 1
	}
	l.N, l.NEq, l.NIneq = sizes['n'], sizes['p'], sizes['m']
	switch {
	case d.Diag != nil:
		l.Q = qp.Diagonal
	case d.Q == nil:
		l.Q = qp.Zero
	}
	for _, s := range []struct {
		node *graph.Node
		side qp.Sides
	}{{d.HL, qp.RowLower}, {d.H, qp.RowUpper}, {d.L, qp.Lower}, {d.U, qp.Upper}} {
		if s.node != nil {
			l.Sides |= s.side
		}
	}
	return l, nil
}
