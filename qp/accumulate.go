package qp

import "github.com/optnet-go/optnet/internal/dense"

// accumulator sums the gradients of shared coefficients. Each is a sum of two
// outer products an element, that is two matrix products over the batch:
//
//	dQ = ½(RᵀZ + ZᵀR)   dA = Nᵥᵀ Z + Nᵀ DZ   dG = Lᵥᵀ Z + Lᵀ DZ
//
// with one row an element in Z (z), DZ (dz), R (dz + ½v z), N (ν), Nᵥ (dν + vν),
// L (λ) and Lᵥ (d̃ + vλ). Elements without a derivative have rows of zeros.
// Workers split the rows of the results, so that every sum runs over the batch
// in its order.
type accumulator struct {
	z, dz, r     table // ld
	n, nv        table // ldp
	l, lv        table // ldm
	bounds       table // d̃ + vμ of the bounds
	share        table // of all constraints, as in sensitivity
	q, a, g      []float64
	wantQ        bool
	wantA, wantG bool
	any          bool
	qTiles       int // tiles of dQ; those of dA end at aTiles, those of dG at tiles
	aTiles       int
	tiles        int
}

// table is one row of numbers an element, and room for a row more, so that the
// columns from any one on are a matrix too.
type table struct {
	x  []float64
	ld int
}

func (t *table) resize(size, ld int) {
	t.ld = ld
	t.x = grow(t.x, (size+1)*ld)
}

func (t *table) row(i int) []float64 { return t.x[i*t.ld : (i+1)*t.ld] }

// tileRows is the number of rows of a result that one task computes.
const tileRows = 8

func accumLen(sh Shape) int {
	ld, ldp, ldm := dense.Stride(sh.N), dense.Stride(sh.NEq), dense.Stride(sh.NIneq)
	return 2 * (3*ld + 2*ldp + 2*ldm + 2*sh.N + sh.NIneq) // at size 1, the row more included
}

func (a *accumulator) resize(sh Shape, size int) {
	ld, ldp, ldm := dense.Stride(sh.N), dense.Stride(sh.NEq), dense.Stride(sh.NIneq)
	a.z.resize(size, ld)
	a.dz.resize(size, ld)
	a.r.resize(size, ld)
	a.n.resize(size, ldp)
	a.nv.resize(size, ldp)
	a.l.resize(size, ldm)
	a.lv.resize(size, ldm)
	bounds := 0
	if sh.bounded() {
		bounds = sh.N
	}
	a.bounds.resize(size, bounds)
	a.share.resize(size, sh.NIneq+bounds)
	if sh.Q == Dense {
		a.q = grow(a.q, sh.N*ld)
	}
	a.a, a.g = grow(a.a, sh.NEq*ld), grow(a.g, sh.NIneq*ld)
}

// admit finds out which sums are wanted, and makes room.
func (a *accumulator) admit(s *cpuState, g *Gradient) {
	sh := s.plan.sh
	a.any = false
	for k := range s.cols {
		if c := &s.cols[k]; c.one > 0 && c.shared && g.wants(1<<k) {
			a.any = true
		}
	}
	if !a.any {
		return
	}
	a.resize(sh, s.size)
	tiles := func(k, rows int) (want bool, n int) {
		if c := &s.cols[k]; c.one == 0 || !c.shared || !g.wants(1<<k) {
			return false, 0
		}
		return true, (rows + tileRows - 1) / tileRows
	}
	var nq, na, ng int
	a.wantQ, nq = tiles(0, sh.N)
	if sh.Q != Dense {
		a.wantQ, nq = false, 0
	}
	a.wantA, na = tiles(2, sh.NEq)
	a.wantG, ng = tiles(4, sh.NIneq)
	a.qTiles, a.aTiles, a.tiles = nq, nq+na, nq+na+ng
}

// set writes element i's rows, and zero clears them.
func (a *accumulator) set(w *worker, i int, objective, envelope float64) {
	if !a.any {
		return
	}
	s, x, d := &w.sys, &w.x, &w.step.direction
	z, dz, r := a.z.row(i), a.dz.row(i), a.r.row(i)
	for j, zj := range x.z {
		z[j], dz[j], r[j] = zj, d.z[j], d.z[j]+objective/2*zj
	}
	clear(z[s.n:])
	clear(dz[s.n:])
	clear(r[s.n:])
	n, nv := a.n.row(i), a.nv.row(i)
	for j, nu := range x.nu {
		n[j], nv[j] = nu, d.nu[j]+envelope*nu
	}
	clear(n[s.p:])
	clear(nv[s.p:])
	l, lv := a.l.row(i), a.lv.row(i)
	for t := range s.m {
		l[t], lv[t] = x.lam[t], d.lam[t]+envelope*x.lam[t]
	}
	clear(l[s.m:])
	clear(lv[s.m:])
	for j, b := 0, a.bounds.row(i); j < len(b); j++ {
		b[j] = d.lam[s.m+j] + envelope*x.lam[s.m+j]
	}
	copy(a.share.row(i), w.share)
}

func (a *accumulator) zero(i int) {
	if !a.any {
		return
	}
	for _, t := range [...]*table{&a.z, &a.dz, &a.r, &a.n, &a.nv, &a.l, &a.lv, &a.bounds, &a.share} {
		clear(t.row(i))
	}
}

// tile computes some rows of one of the sums.
func (a *accumulator) tile(s *cpuState, i int) {
	sh := s.plan.sh
	ld := dense.Stride(sh.N)
	block := func(c []float64, first, total int, x, y, u, v *table) {
		from := first * tileRows
		n := min(tileRows, total-from)
		c = c[from*ld : (from+n)*ld]
		clear(c)
		dense.GemmTN(n, sh.N, s.size, 1, x.x[from:], x.ld, y.x, ld, c, ld)
		dense.GemmTN(n, sh.N, s.size, 1, u.x[from:], u.ld, v.x, ld, c, ld)
	}
	switch {
	case i < a.qTiles:
		block(a.q, i, sh.N, &a.r, &a.z, &a.z, &a.r)
	case i < a.aTiles:
		block(a.a, i-a.qTiles, sh.NEq, &a.nv, &a.z, &a.n, &a.dz)
	default:
		block(a.g, i-a.aTiles, sh.NIneq, &a.lv, &a.z, &a.l, &a.dz)
	}
}

// sum adds the sums over the batch to the gradient.
func (a *accumulator) sum(s *cpuState, g *Gradient) {
	if !a.any {
		return
	}
	sh := s.plan.sh
	n, ld := sh.N, dense.Stride(sh.N)
	s.run(taskSum, a.tiles, s.plan.workers(taskSum, s.size))
	unpad := func(dst, src []float64, f float64) {
		for i := 0; i*n < len(dst); i++ {
			dense.Axpy(f, src[i*ld:i*ld+n], dst[i*n:(i+1)*n])
		}
	}
	if a.wantQ {
		unpad(g.Q, a.q, 0.5)
	}
	if a.wantA {
		unpad(g.A, a.a, 1)
	}
	if a.wantG {
		unpad(g.G, a.g, 1)
	}
	shared := func(k int) []float64 {
		if c := &s.cols[k]; c.one == 0 || !c.shared || !g.wants(1<<k) {
			return nil
		}
		return *coefs[k].of(&g.Data)
	}
	dq, dp, db := shared(0), shared(1), shared(3)
	hl, h, l, u := shared(5), shared(6), shared(7), shared(8)
	for i := range s.size {
		z, dz, r := a.z.row(i), a.dz.row(i), a.r.row(i)
		if sh.Q == Diagonal {
			for j := range dq {
				dq[j] += r[j] * z[j]
			}
		}
		for j := range dp {
			dp[j] += 2*r[j] - dz[j] // dz + v z
		}
		for j, nv := range a.nv.row(i)[:len(db)] {
			db[j] -= nv
		}
		share, lv := a.share.row(i), a.lv.row(i)
		toLower(hl, share, lv)
		toUpper(h, share, lv)
		if len(share) > sh.NIneq {
			share = share[sh.NIneq:]
			toLower(l, share, a.bounds.row(i))
			toUpper(u, share, a.bounds.row(i))
		}
	}
}

// toUpper takes from dst the upper sides' shares of d, toLower the lower ones'.
func toUpper(dst, share, d []float64) {
	for j := range dst {
		if share[j] != 0 {
			dst[j] -= share[j] * d[j]
		}
	}
}

func toLower(dst, share, d []float64) {
	for j := range dst {
		if share[j] != 1 {
			dst[j] -= (1 - share[j]) * d[j]
		}
	}
}
