package qp

// class says what a constraint is at the solution.
type class uint8

const (
	inactive class = iota
	active
	weak // on its side, with multiplier zero
)

// kept is what a solve leaves for the derivatives: the last iterate of every
// element, and after the first derivative its polished point and classes.
type kept struct {
	n, p, t, one int
	x            []float64
	status       []Status
	polished     []bool
	class        []class
	cert         []Certificate
	singular     []bool
}

func keptLen(sh Shape) int {
	t := sh.NIneq
	if sh.bounded() {
		t += sh.N
	}
	const records = 12 // status, flags, certificate
	return iterateLen(sh.N, sh.NEq, t) + t/8 + records
}

func (k *kept) resize(sh Shape, size int) {
	k.n, k.p, k.t = sh.N, sh.NEq, sh.NIneq
	if sh.bounded() {
		k.t += sh.N
	}
	k.one = iterateLen(k.n, k.p, k.t)
	k.x = grow(k.x, size*k.one)
	if cap(k.status) < size {
		k.status = make([]Status, size)
		k.polished = make([]bool, size)
		k.singular = make([]bool, size)
		k.cert = make([]Certificate, size)
		k.class = make([]class, size*k.t)
	}
	k.status, k.polished, k.singular = k.status[:size], k.polished[:size], k.singular[:size]
	k.cert, k.class = k.cert[:size], k.class[:size*k.t]
}

// reserve makes room without touching what is there.
func (k *kept) reserve(sh Shape, size int) {
	t := sh.NIneq
	if sh.bounded() {
		t += sh.N
	}
	reserve(&k.x, size*iterateLen(sh.N, sh.NEq, t))
	reserve(&k.status, size)
	reserve(&k.polished, size)
	reserve(&k.singular, size)
	reserve(&k.cert, size)
	reserve(&k.class, size*t)
}

// at returns element i's point, in place.
func (k *kept) at(i int) iterate {
	return iterateAt(k.x[i*k.one:(i+1)*k.one], k.n, k.p, k.t)
}

func (k *kept) classes(i int) []class { return k.class[i*k.t : (i+1)*k.t] }

func (k *kept) store(w *worker, i int) {
	x := k.at(i)
	x.copyFrom(&w.best)
	k.status[i], k.polished[i] = w.info.Status, false
}
