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
	size          int
	z, dz, r      []float64 // size×ld
	n, nv         []float64 // size×ldp
	l, lv         []float64 // size×ldm
	bounds        []float64 // size×n: −(d̃ + vμ)
	share         []float64 // size×t
	q, a, g       []float64 // the sums, padded
	wantQ         bool
	wantA, wantG  bool
	any           bool
	tiles, qTiles int
	aTiles        int
}

// tileRows is the number of rows of a result that one task computes.
const tileRows = 8

func accumLen(sh Shape) int {
	ld, ldp, ldm := dense.Stride(sh.N), dense.Stride(sh.NEq), dense.Stride(sh.NIneq)
	return 3*ld + 2*ldp + 2*ldm + 2*sh.N + sh.NIneq
}

func (a *accumulator) resize(sh Shape, size int) {
	ld, ldp, ldm := dense.Stride(sh.N), dense.Stride(sh.NEq), dense.Stride(sh.NIneq)
	t := sh.NIneq
	if sh.bounded() {
		t += sh.N
		a.bounds = grow(a.bounds, size*sh.N)
	}
	a.size = size
	a.z, a.dz, a.r = grow(a.z, size*ld), grow(a.dz, size*ld), grow(a.r, size*ld)
	a.n, a.nv = grow(a.n, size*ldp), grow(a.nv, size*ldp)
	a.l, a.lv = grow(a.l, size*ldm), grow(a.lv, size*ldm)
	a.share = grow(a.share, size*t)
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
	z, dz, r := a.z[i*s.ld:(i+1)*s.ld], a.dz[i*s.ld:(i+1)*s.ld], a.r[i*s.ld:(i+1)*s.ld]
	for j, zj := range x.z {
		z[j], dz[j], r[j] = zj, d.z[j], d.z[j]+objective/2*zj
	}
	clear(z[s.n:])
	clear(dz[s.n:])
	clear(r[s.n:])
	n, nv := a.n[i*s.ldp:(i+1)*s.ldp], a.nv[i*s.ldp:(i+1)*s.ldp]
	for j, nu := range x.nu {
		n[j], nv[j] = nu, d.nu[j]+envelope*nu
	}
	clear(n[s.p:])
	clear(nv[s.p:])
	l, lv := a.l[i*s.ldm:(i+1)*s.ldm], a.lv[i*s.ldm:(i+1)*s.ldm]
	for t := range s.m {
		l[t], lv[t] = x.lam[t], d.lam[t]+envelope*x.lam[t]
	}
	clear(l[s.m:])
	clear(lv[s.m:])
	if s.t > s.m {
		b := a.bounds[i*s.n : (i+1)*s.n]
		for j := range b {
			b[j] = d.lam[s.m+j] + envelope*x.lam[s.m+j]
		}
	}
	copy(a.share[i*s.t:(i+1)*s.t], w.share)
}

func (a *accumulator) zero(i int) {
	if !a.any {
		return
	}
	for _, x := range [...][]float64{a.z, a.dz, a.r, a.n, a.nv, a.l, a.lv, a.bounds, a.share} {
		one := len(x) / a.size
		clear(x[i*one : (i+1)*one])
	}
}

// tile computes some rows of one of the sums.
func (a *accumulator) tile(s *cpuState, i int) {
	sh := s.plan.sh
	ld, ldp, ldm := dense.Stride(sh.N), dense.Stride(sh.NEq), dense.Stride(sh.NIneq)
	block := func(c []float64, first, total, ldx int, x, y, u, v []float64) {
		from := first * tileRows
		n := min(tileRows, total-from)
		c = c[from*ld : (from+n)*ld]
		clear(c)
		dense.GemmTN(n, sh.N, s.size, 1, x[from:], ldx, y, ld, c, ld)
		dense.GemmTN(n, sh.N, s.size, 1, u[from:], ldx, v, ld, c, ld)
	}
	switch {
	case i < a.qTiles:
		block(a.q, i, sh.N, ld, a.r, a.z, a.z, a.r)
	case i < a.aTiles:
		block(a.a, i-a.qTiles, sh.NEq, ldp, a.nv, a.z, a.n, a.dz)
	default:
		block(a.g, i-a.aTiles, sh.NIneq, ldm, a.lv, a.z, a.l, a.dz)
	}
}

// sum adds the sums over the batch to the gradient.
func (a *accumulator) sum(s *cpuState, g *Gradient) {
	if !a.any {
		return
	}
	sh := s.plan.sh
	n, ld := sh.N, dense.Stride(sh.N)
	s.run(taskSum, a.tiles)
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
	ldp, ldm := dense.Stride(sh.NEq), dense.Stride(sh.NIneq)
	t := len(a.share) / max(1, a.size)
	for i := range s.size {
		z, dz, r := a.z[i*ld:], a.dz[i*ld:], a.r[i*ld:]
		if sh.Q == Diagonal {
			for j := range dq {
				dq[j] += r[j] * z[j]
			}
		}
		for j := range dp {
			dp[j] += 2*r[j] - dz[j] // dz + v z
		}
		for j := range db {
			db[j] -= a.nv[i*ldp+j]
		}
		share, lv := a.share[i*t:(i+1)*t], a.lv[i*ldm:]
		for j := range hl {
			hl[j] -= (1 - share[j]) * lv[j]
		}
		for j := range h {
			h[j] -= share[j] * lv[j]
		}
		if len(l)+len(u) > 0 {
			b, share := a.bounds[i*n:(i+1)*n], share[sh.NIneq:]
			for j := range l {
				l[j] -= (1 - share[j]) * b[j]
			}
			for j := range u {
				u[j] -= share[j] * b[j]
			}
		}
	}
}
