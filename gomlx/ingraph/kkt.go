package ingraph

import "github.com/gomlx/gomlx/core/graph"

// kkt solves systems with
//
//	    ⎡ Q+ρI  Aᵀ    Cᵀ  ⎤
//	K = ⎢ A     −δI       ⎥      D = λ/s, diagonal
//	    ⎣ C          −D⁻¹ ⎦
//
// by elimination: S = Q + ρI + CᵀDC, then A S⁻¹Aᵀ + δI. Where S is diagonal (only
// bounds, and Q diagonal) it is not factored; elsewhere τAᵀA is added to it, and
// −τAᵀry to the right-hand side, which changes nothing in the solution, but makes S
// regular where Q is zero and only the equalities and the active rows hold a variable.
type kkt struct {
	*problem
	d       node
	inverse node // L⁻¹, S = LLᵀ: batch×n×n; or 1/S if S is diagonal: batch×n
	w       node // L⁻¹Aᵀ, transposed: batch×p×n
	schur   node // L⁻¹ of A S⁻¹Aᵀ + δI
}

// factor factors K, where d, which is nil if there are no sides, is D, and rho is
// batch×1. If it is not positive definite solutions are NaN.
func (q *problem) factor(d, rho node) *kkt {
	k := &kkt{problem: q, d: d}
	rows, bounds := q.split(d)
	diag := graph.Add(full(q.p, 0), rho)
	if q.diag != nil {
		diag = graph.Add(diag, q.diag)
	}
	if bounds != nil {
		diag = graph.Add(diag, bounds)
	}
	if q.g == nil && q.q == nil {
		k.inverse = graph.Div(full(diag, 1), diag)
		if q.a != nil {
			k.w = graph.Mul(graph.InsertAxes(graph.Sqrt(k.inverse), 1), batched(q.a))
		}
	} else {
		s := diagonal(diag)
		if q.q != nil {
			s = graph.Add(s, batched(q.q))
		}
		if q.g != nil {
			s = graph.Add(s, gram(q.g, rows))
		}
		// Rounding of the large entries must not make a small pivot negative.
		largestOf := scale(rounding, maxAbs(diagonalOf(s)))
		s = graph.Add(s, diagonal(graph.Add(full(diag, 0), largestOf)))
		if q.a != nil {
			s = graph.Add(s, graph.Mul(graph.InsertAxes(q.tau, -1), q.ata))
		}
		k.inverse = choleskyInverse(s)
		if q.a != nil {
			k.w = productT(q.a, k.inverse)
		}
	}
	if q.a != nil {
		p := k.w.Shape().Dimensions[1]
		k.schur = choleskyInverse(graph.Add(productT(k.w, k.w), scale(regularization, identity(rho, p))))
	}
	return k
}

// half is L⁻¹r, and halfT is L⁻ᵀr, S = LLᵀ.
func (k *kkt) half(r node) node {
	if k.inverse.Rank() == 2 {
		return graph.Mul(graph.Sqrt(k.inverse), r)
	}
	return mul(k.inverse, r)
}

func (k *kkt) halfT(r node) node {
	if k.inverse.Rank() == 2 {
		return graph.Mul(graph.Sqrt(k.inverse), r)
	}
	return mulT(k.inverse, r)
}

// solve returns the solution of K (dz, dν, dλ) = −(rx, ry, rz).
func (k *kkt) solve(rx, ry, rz node) (dz, dn, dl node) {
	r := graph.Neg(rx)
	if k.side != nil {
		r = graph.Sub(r, k.rowsT(graph.Mul(k.d, rz)))
	}
	if k.a != nil && k.inverse.Rank() == 3 {
		r = graph.Sub(r, graph.Mul(k.tau, mulT(k.a, ry)))
	}
	y := k.half(r)
	if k.a != nil {
		t := graph.Add(mul(k.w, y), ry)
		dn = mulT(k.schur, mul(k.schur, t))
		y = graph.Sub(y, mulT(k.w, dn))
	}
	dz = k.halfT(y)
	if k.side != nil {
		dl = graph.Mul(k.d, graph.Add(k.rows(dz), rz))
	}
	return dz, dn, dl
}

// leaf is the order up to which a matrix is factored column by column.
const leaf = 4

// choleskyInverse returns L⁻¹ for symmetric positive definite matrices LLᵀ, by halves,
// so that nearly everything is products of matrices:
//
//	⎡ A₁₁  ·  ⎤        L₁₁⁻¹ and L₂₁ = A₂₁L₁₁⁻ᵀ; L₂₂ from A₂₂ − L₂₁L₂₁ᵀ;
//	⎣ A₂₁ A₂₂ ⎦        (L⁻¹)₂₁ = −L₂₂⁻¹L₂₁L₁₁⁻¹
func choleskyInverse(a node) node {
	n := a.Shape().Dimensions[2]
	if n <= leaf {
		return choleskyInverseLeaf(a)
	}
	k := n / 2
	i11 := choleskyInverse(block(a, 0, k, 0, k))
	l21 := productT(block(a, k, n, 0, k), i11)
	i22 := choleskyInverse(graph.Sub(block(a, k, n, k, n), productT(l21, l21)))
	i21 := graph.Neg(product(product(i22, l21), i11))
	zero := graph.BroadcastToDims(constant(a, 0), a.Shape().Dimensions[0], k, n-k)
	return graph.Concatenate([]node{
		graph.Concatenate([]node{i11, zero}, 2),
		graph.Concatenate([]node{i21, i22}, 2),
	}, 1)
}

func block(a node, i0, i1, j0, j1 int) node {
	return graph.Slice(a, graph.AxisRange(), graph.AxisRange(i0, i1), graph.AxisRange(j0, j1))
}

// choleskyInverseLeaf eliminates the rows of [A | I], A = L̂DL̂ᵀ, which leaves L̂⁻¹ at the
// right; its rows over √d are those of L⁻¹. What is done with is dropped from the left.
func choleskyInverseLeaf(a node) node {
	dims := a.Shape().Dimensions
	n := dims[2]
	w := graph.Concatenate([]node{a, graph.BroadcastToDims(identity(a, n), dims[0], n, n)}, 2)
	rows := make([]node, n)
	for j := range n {
		width := 2*n - j
		pivot := graph.Rsqrt(block(w, 0, 1, 0, 1)) // 1/√d
		right := block(w, 0, 1, 1, width)
		rows[j] = graph.Mul(block(right, 0, 1, width-1-n, width-1), pivot)
		if j < n-1 {
			column := graph.Mul(block(w, 1, n-j, 0, 1), graph.Square(pivot))
			w = graph.Sub(block(w, 1, n-j, 1, width), graph.Mul(column, right))
		}
	}
	if n == 1 {
		return rows[0]
	}
	return graph.Concatenate(rows, 1)
}
