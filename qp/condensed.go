package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// condensed is elimination (d): all constraints go into
//
//	H = Q + ρI + Aᵀ(E+δA)⁻¹A + Cᵀ(D⁻¹+E+δC)⁻¹C
//
// and one n×n Cholesky factorization is left. It asks nothing of Q, so that LPs
// and dependent rows are ordinary inputs. The entries of H reach γ/δ, so that
// rounding takes ε/δ off what Q says: δ balances that against the refinement,
// which contracts by about δ.
type condensed struct {
	*system
	ata        []float64 // Σ aᵢaᵢᵀ/wᵢ², if it was prepared; empty if not
	h          []float64 // n×ld, its factor
	inv        []float64
	da, dc     []float64 // (E+δA)⁻¹, (D⁻¹+E+δC)⁻¹
	rho, delta float64   // relative to γ/τ², and to w²/γ
	uniform    float64   // if positive: every δ is this number,
	uniformRho float64   // and every ρ this one
	ra, rt     []float64
	rows       []float64 // the active rows of G, compressed
	dr         []float64
	work       []float64
	piv        *pivots
}

func newCondensed(a *arena, s *system) *condensed {
	return &condensed{
		system: s,
		h:      a.floats(s.n * s.ld), inv: a.floats(s.n),
		da: a.floats(s.p), dc: a.floats(s.t), ra: a.floats(s.p), rt: a.floats(s.t),
		rows: a.floats(s.m * s.ld), dr: a.floats(s.m),
		work: a.floats(dense.SyrkWork(max(s.p, s.m))),
		piv:  newPivots(a, s.n),
	}
}

// gram sets ata = Σ aᵢaᵢᵀ/wᵢ² (upper triangle), which depends on A alone.
func (s *system) gram(ata, da, work []float64) {
	clear(ata)
	for i, w := range s.wa {
		da[i] = 1 / (w * w)
	}
	dense.Syrk(s.n, s.p, s.a, s.ld, da, ata, s.ld, work)
}

// rhoOf is the ρ of variable j.
func (k *condensed) rhoOf(j int) float64 {
	if k.uniformRho > 0 {
		return k.uniformRho
	}
	return k.rho * k.gamma / (k.tau[j] * k.tau[j])
}

// deltaOf is the δ of a constraint of norm w.
func (k *condensed) deltaOf(w float64) float64 {
	if k.uniform > 0 {
		return k.uniform
	}
	return k.delta * w * w / k.gamma
}

func (k *condensed) factor(dinv []float64) bool {
	n, ld := k.n, k.ld
	h := k.h
	// Upper triangle of Q + ρI, and the rows of A.
	switch k.form {
	case Dense:
		copy(h, k.q)
	case Diagonal:
		clear(h)
		for j, q := range k.q {
			h[j*ld+j] = q
		}
	case Zero:
		clear(h)
	}
	for i, w := range k.wa {
		k.da[i] = k.deltaOf(w)
		if k.elastic != 0 {
			k.da[i] += k.elastic * w * w
		}
		k.da[i] = 1 / k.da[i]
	}
	if len(k.ata) > 0 && k.elastic == 0 && k.uniform == 0 {
		scale := k.gamma / k.delta
		for i := range n {
			dense.Axpy(scale, k.ata[i*ld+i:i*ld+n], h[i*ld+i:i*ld+n])
		}
	} else {
		dense.Syrk(n, k.p, k.a, ld, k.da, h, ld, k.work)
	}
	// The rows of G that are there, and the bounds.
	all, used := true, 0
	for t := range k.t {
		k.dc[t] = 0
		if !math.IsInf(dinv[t], 1) {
			k.dc[t] = 1 / (dinv[t] + k.elasticOf(t) + k.deltaOf(k.wc[t]))
		} else if t < k.m {
			all = false
		}
	}
	if all {
		dense.Syrk(n, k.m, k.g, ld, k.dc[:k.m], h, ld, k.work)
	} else {
		for t := range k.m {
			if k.dc[t] != 0 {
				copy(k.rows[used*ld:(used+1)*ld], k.g[t*ld:(t+1)*ld])
				k.dr[used] = k.dc[t]
				used++
			}
		}
		dense.Syrk(n, used, k.rows, ld, k.dr[:used], h, ld, k.work)
	}
	bounds := k.dc[k.m:]
	for j := range n {
		d := k.rhoOf(j)
		if len(bounds) > 0 {
			d += bounds[j]
		}
		k.piv.shift(j, &h[j*ld+j], d)
	}
	return k.piv.cholesky(n, h, ld, k.inv)
}

// solve: H dz = rz + Aᵀ(E+δA)⁻¹rν + Cᵀ(D⁻¹+E+δC)⁻¹rλ, and then
// dν = (E+δA)⁻¹(A dz − rν), dλ likewise.
func (k *condensed) solve(r *direction) {
	for i, d := range k.da {
		r.nu[i] *= d
	}
	for t, d := range k.dc {
		r.lam[t] *= d
	}
	k.addAT(1, r.nu, r.z)
	k.addCT(1, r.lam, r.z)
	dense.SolveUT(k.n, k.h, k.ld, k.inv, r.z)
	dense.SolveU(k.n, k.h, k.ld, k.inv, r.z)
	k.mulC(r.z, k.rt)
	for t, d := range k.dc {
		r.lam[t] = d*k.rt[t] - r.lam[t]
	}
	k.mulA(r.z, k.ra)
	for i, d := range k.da {
		r.nu[i] = d*k.ra[i] - r.nu[i]
	}
}

func (k *condensed) predict(r *direction, c []float64) {
	k.solve(r)
	for t, v := range k.rt {
		c[t] = v
		if k.elastic != 0 {
			c[t] -= k.elasticOf(t) * r.lam[t]
		}
	}
}

func (k *condensed) correct(r *direction) { k.solve(r) }

func (k *condensed) pivot([]float64) float64 { return k.piv.least }

func (k *condensed) remainder(*direction) bool { return false }
