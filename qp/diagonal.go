package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// diagonal is elimination (c), for a positive diagonal Q with bounds and
// equalities only: H = Q + D is diagonal, and
//
//	S = A H⁻¹ Aᵀ + δA
//
// is p×p. A bound whose D is infinite pins its variable, without
// regularization.
type diagonal struct {
	*system
	at      []float64 // Aᵀ, n×ldp
	hinv, d []float64 // H⁻¹ and D; hinv = 0 where pinned
	hd      []float64 // H⁻¹D, 1 where pinned
	s, inv  []float64 // p×ldp, the factor of S
	left    []float64 // the diagonal of A H⁻¹ Aᵀ
	delta   []float64 // δA
	cols    []float64 // the rows of Aᵀ that are not pinned, compressed
	hc      []float64
	y, aty  []float64
	work    []float64
	uniform float64 // if positive: δ = uniform, on bounds too
	piv     *pivots
}

func newDiagonal(a *arena, s *system) *diagonal {
	return &diagonal{
		system: s,
		hinv:   a.floats(s.n), d: a.floats(s.n), hd: a.floats(s.n), hc: a.floats(s.n),
		s: a.floats(s.p * s.ldp), inv: a.floats(s.p), left: a.floats(s.p), delta: a.floats(s.p),
		cols: a.floats(s.n * s.ldp),
		y:    a.floats(s.n), aty: a.floats(s.n),
		work: a.floats(dense.SyrkWork(s.n)),
		piv:  newPivots(a, s.p),
	}
}

func (k *diagonal) factor(dinv []float64) bool {
	n, p, ldp := k.n, k.p, k.ldp
	pins := 0
	for j, q := range k.q {
		d := 0.0
		if k.t > 0 && !math.IsInf(dinv[j], 1) {
			d = 1 / (dinv[j] + k.uniform)
		}
		h := 1 / (q + d) // 0 where pinned
		k.d[j], k.hinv[j], k.hd[j] = d, h, h*d
		if h == 0 {
			k.hd[j] = 1
			pins++
		}
	}
	clear(k.s)
	if pins == 0 {
		dense.Syrk(p, n, k.at, ldp, k.hinv, k.s, ldp, k.work)
	} else {
		used := 0
		for j, h := range k.hinv {
			if h != 0 {
				copy(k.cols[used*ldp:(used+1)*ldp], k.at[j*ldp:(j+1)*ldp])
				k.hc[used] = h
				used++
			}
		}
		dense.Syrk(p, used, k.cols, ldp, k.hc[:used], k.s, ldp, k.work)
	}
	for i := range p {
		k.left[i] = k.s[i*ldp+i]
		delta := k.uniform
		if delta == 0 {
			delta = deltaSchur * k.s[i*ldp+i]
			if delta == 0 {
				delta = 1 // every variable of this row is pinned
			}
		}
		k.delta[i] = delta
		k.piv.shift(i, &k.s[i*ldp+i], delta)
	}
	return k.piv.cholesky(p, k.s, ldp, k.inv)
}

// solve: with y = H⁻¹(rz + D rλ), S dν = A y − rν, and dz = y − H⁻¹Aᵀdν.
func (k *diagonal) solve(r *direction) {
	if k.t > 0 {
		dense.MulSum(k.hinv, r.z, k.hd, r.lam, k.y)
	} else {
		clear(k.y)
		dense.MulAdd(k.hinv, r.z, k.y)
	}
	dense.Scale(-1, r.nu, r.nu)
	dense.Gemv(k.p, k.n, 1, k.a, k.ld, k.y, r.nu)
	dense.SolveUT(k.p, k.s, k.ldp, k.inv, r.nu)
	dense.SolveU(k.p, k.s, k.ldp, k.inv, r.nu)
	clear(k.aty)
	k.addAT(1, r.nu, k.aty)
	if k.t > 0 {
		dense.BoundStep(k.q, k.d, k.hinv, k.y, k.aty, r.z, r.lam)
		return
	}
	for j, h := range k.hinv {
		r.z[j] = k.y[j] - h*k.aty[j]
	}
}

func (k *diagonal) predict(r *direction, c []float64) {
	k.solve(r)
	copy(c, r.z) // C is I, or nothing
}

func (k *diagonal) correct(r *direction) { k.solve(r) }

// pivot also looks at what the pinned variables left of the rows of A.
func (k *diagonal) pivot([]float64) float64 {
	least := k.piv.least
	for i, n := range k.na {
		least = math.Min(least, k.left[i]*k.maxQ/(n*n))
	}
	return least
}

func (k *diagonal) remainder(x *direction) bool {
	if k.uniform != 0 {
		return false
	}
	clear(x.z)
	clear(x.lam)
	for i, d := range k.delta {
		x.nu[i] *= -d
	}
	return true
}
