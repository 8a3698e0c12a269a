package sparse

// etree returns the elimination tree of a symmetric matrix, given by the
// pattern of its upper triangle: the parent of j is the first row below the
// diagonal in column j of L, -1 at a root (Liu 1990).
func etree(a *CSC) []int32 {
	parent, ancestor := make([]int32, a.Cols), make([]int32, a.Cols)
	for j := range a.Cols {
		parent[j], ancestor[j] = none, none
		for _, i := range a.RowIdx[a.ColPtr[j]:a.ColPtr[j+1]] {
			for k := int32(i); k != none && int(k) < j; {
				up := ancestor[k]
				ancestor[k] = int32(j)
				if up == none {
					parent[k] = int32(j)
				}
				k = up
			}
		}
	}
	return parent
}

// postorder lists the nodes of a forest, children before parents and each
// subtree in one piece; children go in ascending order.
func postorder(parent []int32) []int32 {
	n := len(parent)
	child, sibling := make([]int32, n), make([]int32, n)
	for i := range child {
		child[i] = none
	}
	roots := int32(none)
	for j := n - 1; j >= 0; j-- {
		if p := parent[j]; p != none {
			sibling[j], child[p] = child[p], int32(j)
		} else {
			sibling[j], roots = roots, int32(j)
		}
	}
	order := make([]int32, 0, n)
	stack := make([]int32, 0, n)
	for r := roots; r != none; r = sibling[r] {
		stack = append(stack, r)
		for len(stack) > 0 {
			top := stack[len(stack)-1]
			if c := child[top]; c != none {
				child[top] = sibling[c]
				stack = append(stack, c)
				continue
			}
			order = append(order, top)
			stack = stack[:len(stack)-1]
		}
	}
	return order
}

// columnCounts returns the number of entries below the diagonal in each column
// of L. Row i of L is the subtree of the elimination tree whose leaves are
// entries of row i of A; the counts come from its leaves and the least common
// ancestors of neighbours among them (Gilbert, Ng and Peyton 1994). The nodes
// are numbered in postorder.
func columnCounts(a *CSC, parent []int32) []int32 {
	n := a.Cols
	count := make([]int32, n)
	first := make([]int32, n) // the first descendant
	for j := range first {
		first[j] = none
	}
	for j := range n {
		if first[j] == none {
			count[j] = 1 // a leaf
		}
		for k := int32(j); k != none && first[k] == none; k = parent[k] {
			first[k] = int32(j)
		}
	}
	lastLeaf, lastFirst, set := make([]int32, n), make([]int32, n), make([]int32, n)
	for i := range n {
		lastLeaf[i], lastFirst[i], set[i] = none, none, int32(i)
	}
	below, _ := a.Transpose() // column j: rows of A's lower triangle
	for j := range n {
		p := parent[j]
		if p != none {
			count[p]-- // j itself is not in the column of its parent
		}
		for _, i := range below.RowIdx[below.ColPtr[j]:below.ColPtr[j+1]] {
			if i <= j || first[j] <= lastFirst[i] {
				continue // not a leaf of the subtree of row i
			}
			lastFirst[i] = first[j]
			prev := lastLeaf[i]
			lastLeaf[i] = int32(j)
			count[j]++
			if prev == none {
				continue
			}
			root := prev
			for root != set[root] {
				root = set[root]
			}
			for prev != root {
				prev, set[prev] = set[prev], root
			}
			count[root]-- // the paths from both leaves meet here
		}
		if p != none {
			set[j] = p
		}
	}
	for j := range n {
		if p := parent[j]; p != none {
			count[p] += count[j]
		}
	}
	for j := range count {
		count[j]-- // the diagonal
	}
	return count
}
