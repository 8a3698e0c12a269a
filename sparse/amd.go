package sparse

import "math"

// AMD returns a fill-reducing order of a symmetric matrix, given by the pattern
// of its upper triangle: perm[k] is the k-th pivot. It is the approximate minimum degree
// method of Amestoy, Davis and Duff (SIAM J. Matrix Anal. Appl. 17, 1996), with
// aggressive absorption; rows with more than 10√n entries go last.
func AMD(upper *CSC) []int {
	g := newQuotient(upper)
	for g.eliminated < g.n {
		p := g.pivot()
		g.formElement(p)
		g.externalDegrees()
		g.updateDegrees(p)
		g.mergeTwins()
		g.closeElement(p)
	}
	return g.order()
}

// A quotient is the quotient graph. Node i is a variable, an element (a pivot
// eliminated, standing for the clique of its neighbours), or dead: a variable
// merged into another one, an element absorbed by a later one.
//
// The list of a variable is elements first, variables then; the list of an
// element is its variables. A list is iw[at[i] : at[i]+len[i]].
type quotient struct {
	n          int
	iw         []int32
	free       int // iw is used up to here
	at, ln     []int32
	elen       []int32 // elements in the list of a variable; isElement, isDead
	nv         []int32 // variables that a node stands for; < 0: in the current element; 0: merged
	deg        []int32 // approximate degree; of an element, the weight of its list
	mark       []int32 // of an element: stamp + |Le \ Lp|
	stamp      int32
	eliminated int

	head       []int32 // of the list of variables of each degree
	next, prev []int32
	minDeg     int32

	hash, bucket []int32 // twins are looked for among those of one hash; bucket is the head
	member, last []int32 // chain of the variables merged into one
	pivots       []int32
	dense        []int32 // rows kept out, last in the order
	lp           []int32 // variables of the current element
}

const (
	isElement = -1
	isDead    = -2
	none      = -1
)

func newQuotient(a *CSC) *quotient {
	n := a.Cols
	ints := func(fill int32) []int32 {
		x := make([]int32, n)
		if fill != 0 {
			for i := range x {
				x[i] = fill
			}
		}
		return x
	}
	g := &quotient{
		n: n, at: ints(0), ln: ints(0), elen: ints(0), nv: ints(1), deg: ints(0), mark: ints(1), stamp: 2,
		next: ints(none), prev: ints(none), head: make([]int32, n+1), hash: ints(0), bucket: ints(none), member: ints(none), last: ints(0),
	}
	for i := range g.head {
		g.head[i] = none
	}
	for j := range n {
		g.last[j] = int32(j)
		for _, i := range a.RowIdx[a.ColPtr[j]:a.ColPtr[j+1]] {
			if i < j {
				g.ln[i]++
				g.ln[j]++
			}
		}
	}
	limit := int32(max(16, 10*math.Sqrt(float64(n))))
	total := 0
	for i := range n {
		if g.ln[i] > limit {
			g.dense = append(g.dense, int32(i))
			g.nv[i], g.elen[i] = 0, isDead
		}
		g.at[i] = int32(total)
		total += int(g.ln[i])
	}
	g.eliminated = len(g.dense)
	g.iw = make([]int32, total+total/4+2*n+1)
	g.free = total
	fill := make([]int32, n)
	put := func(i, j int) {
		if g.elen[i] != isDead && g.elen[j] != isDead {
			g.iw[g.at[i]+fill[i]] = int32(j)
			fill[i]++
		}
	}
	for j := range n {
		for _, i := range a.RowIdx[a.ColPtr[j]:a.ColPtr[j+1]] {
			if i < j {
				put(i, j)
				put(j, i)
			}
		}
	}
	for i := range n {
		g.ln[i], g.deg[i] = fill[i], fill[i]
		if g.elen[i] != isDead {
			g.enlist(int32(i))
		}
	}
	return g
}

// enlist puts variable i at the head of the list of its degree.
func (g *quotient) enlist(i int32) {
	d := g.deg[i]
	h := g.head[d]
	g.next[i], g.prev[i] = h, none
	if h != none {
		g.prev[h] = i
	}
	g.head[d] = i
	g.minDeg = min(g.minDeg, d)
}

func (g *quotient) delist(i int32) {
	if g.prev[i] != none {
		g.next[g.prev[i]] = g.next[i]
	} else {
		g.head[g.deg[i]] = g.next[i]
	}
	if g.next[i] != none {
		g.prev[g.next[i]] = g.prev[i]
	}
}

// pivot takes a variable of least approximate degree.
func (g *quotient) pivot() int32 {
	for g.head[g.minDeg] == none {
		g.minDeg++
	}
	p := g.head[g.minDeg]
	g.delist(p)
	g.pivots = append(g.pivots, p)
	return p
}

// formElement makes the list Lp of the new element p: the neighbours of the
// variable p, directly and through its elements, which are absorbed. Weights in
// Lp become negative, as a mark.
func (g *quotient) formElement(p int32) {
	g.lp = g.lp[:0]
	g.eliminated += int(g.nv[p])
	npv := g.nv[p]
	g.nv[p] = 0 // not in Lp
	take := func(list []int32) {
		for _, i := range list {
			if g.nv[i] > 0 {
				g.nv[i] = -g.nv[i]
				g.delist(i)
				g.lp = append(g.lp, i)
			}
		}
	}
	list := g.iw[g.at[p] : g.at[p]+g.ln[p]]
	for _, e := range list[:g.elen[p]] {
		take(g.iw[g.at[e] : g.at[e]+g.ln[e]])
		g.elen[e] = isDead
	}
	take(list[g.elen[p]:])
	g.nv[p] = npv
	g.elen[p] = isElement
	g.ln[p] = 0
	if g.stamp > math.MaxInt32-4*int32(g.n)-4 {
		for i := range g.mark {
			g.mark[i] = 1
		}
		g.stamp = 2
	}
}

// externalDegrees sets mark[e] − stamp to |Le \ Lp|, for the elements e next to a
// variable of Lp.
func (g *quotient) externalDegrees() {
	for _, i := range g.lp {
		w := -g.nv[i]
		for _, e := range g.iw[g.at[i] : g.at[i]+g.elen[i]] {
			if g.elen[e] != isElement {
				continue
			}
			if g.mark[e] < g.stamp {
				g.mark[e] = g.stamp + g.deg[e]
			}
			g.mark[e] -= w
		}
	}
}

// updateDegrees rewrites the lists of the variables of Lp: p in place of the
// elements it absorbs, and without the variables that p covers. A variable left
// with p alone is eliminated with it.
func (g *quotient) updateDegrees(p int32) {
	weight := int32(0) // of Lp
	for _, i := range g.lp {
		weight -= g.nv[i]
	}
	for _, i := range g.lp {
		begin := g.at[i]
		elems := g.iw[begin : begin+g.elen[i]]
		vars := g.iw[begin+g.elen[i] : begin+g.ln[i]]
		// There is always room: p replaces an element it absorbed, or itself among
		// the variables. One place is kept free for it in front.
		keep, sum, hash := int32(0), int32(0), uint32(p)
		var carry [1]int32
		carried := false
		write := func(x int32) {
			if carried {
				g.iw[begin+keep] = carry[0]
				keep++
			}
			carry[0], carried = x, true
		}
		write(p)
		ne := int32(1)
		for _, e := range elems {
			if g.elen[e] != isElement {
				continue
			}
			d := g.mark[e] - g.stamp
			if d <= 0 {
				g.elen[e] = isDead // within Lp: absorbed, though not next to p
				continue
			}
			sum += d
			hash += uint32(e)
			ne++
			write(e)
		}
		for _, j := range vars {
			if w := g.nv[j]; w > 0 && g.elen[j] >= 0 {
				sum += w
				hash += uint32(j)
				write(j)
			}
		}
		g.iw[begin+keep] = carry[0]
		keep++
		if keep == 1 { // p alone: no fill
			g.nv[p] -= g.nv[i]
			g.eliminated -= int(g.nv[i])
			weight += g.nv[i]
			g.merge(p, i)
			continue
		}
		g.elen[i], g.ln[i] = ne, keep
		g.deg[i] = min(g.deg[i], sum) // without Lp; closeElement adds it
		g.hash[i] = int32(hash % uint32(g.n))
	}
	g.deg[p] = weight
}

// merge makes variable j a part of node i.
func (g *quotient) merge(i, j int32) {
	g.nv[j], g.elen[j] = 0, isDead
	g.member[g.last[i]] = j
	g.last[i] = g.last[j]
}

// mergeTwins merges variables of Lp with the same lists: they stay equal for
// ever.
func (g *quotient) mergeTwins() {
	for _, i := range g.lp {
		if g.nv[i] == 0 {
			continue
		}
		h := g.hash[i]
		g.next[i] = g.bucket[h]
		g.bucket[h] = i
	}
	g.stamp += int32(g.n) + 1 // beyond every mark that was set
	for _, i := range g.lp {
		if g.nv[i] == 0 {
			continue
		}
		h := g.hash[i]
		first := g.bucket[h]
		g.bucket[h] = none
		for ; first != none; first = g.next[first] {
			if g.next[first] == none {
				break
			}
			list := g.iw[g.at[first] : g.at[first]+g.ln[first]]
			for _, k := range list[1:] {
				g.mark[k] = g.stamp
			}
			before := first
		candidates:
			for j := g.next[first]; j != none; j = g.next[j] {
				if g.ln[j] == g.ln[first] && g.elen[j] == g.elen[first] {
					same := true
					for _, k := range g.iw[g.at[j]+1 : g.at[j]+g.ln[j]] {
						if g.mark[k] != g.stamp {
							same = false
							break
						}
					}
					if same {
						g.nv[first] += g.nv[j]
						g.merge(first, j)
						g.next[before] = g.next[j]
						continue candidates
					}
				}
				before = j
			}
			g.stamp++
		}
	}
}

// closeElement stores what is left of Lp as the list of p, and puts its
// variables back into the lists of degrees.
func (g *quotient) closeElement(p int32) {
	k := 0
	for _, i := range g.lp {
		if g.nv[i] == 0 {
			continue
		}
		g.nv[i] = -g.nv[i]
		g.lp[k] = i
		k++
	}
	g.lp = g.lp[:k]
	left := int32(g.n - g.eliminated)
	for _, i := range g.lp {
		g.deg[i] = max(0, min(g.deg[i]+g.deg[p]-g.nv[i], left-g.nv[i]))
		g.enlist(i)
	}
	if k == 0 {
		g.elen[p] = isDead
		return
	}
	if g.free+k > len(g.iw) {
		g.collect()
	}
	g.at[p], g.ln[p] = int32(g.free), int32(k)
	copy(g.iw[g.free:], g.lp)
	g.free += k
}

// collect moves the lists that live together.
func (g *quotient) collect() {
	// Mark the start of each list with its node, keeping what stood there.
	first := make([]int32, g.n)
	for i := range g.at {
		if (g.elen[i] >= 0 && g.nv[i] > 0 || g.elen[i] == isElement) && g.ln[i] > 0 {
			first[i] = g.iw[g.at[i]]
			g.iw[g.at[i]] = ^int32(i)
		}
	}
	to := int32(0)
	for from := 0; from < g.free; {
		x := g.iw[from]
		if x >= 0 {
			from++
			continue
		}
		i := ^x
		n := g.ln[i]
		copy(g.iw[to:to+n], g.iw[from:from+int(n)])
		g.iw[to] = first[i]
		g.at[i] = to
		to += n
		from += int(n)
	}
	g.free = int(to)
	if need := g.free + len(g.lp); need > len(g.iw) {
		g.iw = append(g.iw, make([]int32, need-len(g.iw))...)
	}
}

// order lists the variables: pivots in turn, each with those merged into it.
func (g *quotient) order() []int {
	perm := make([]int, 0, g.n)
	for _, p := range g.pivots {
		for i := p; i != none; i = g.member[i] {
			perm = append(perm, int(i))
		}
	}
	for _, i := range g.dense {
		perm = append(perm, int(i))
	}
	return perm
}
