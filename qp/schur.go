package qp

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
)

// schur is elimination (b), OptNet's own (section 3.1), for a well-conditioned
// Q and no bounds. Before the first iteration, with Q = UᵀU,
//
//	V = U⁻ᵀAᵀ    S = VᵀV + δA    R = G Q⁻¹Gᵀ − (G Q⁻¹Aᵀ) S⁻¹ (A Q⁻¹Gᵀ)
//
// and in each one only R + D⁻¹ is factored, m×m.
type schur struct {
	*system
	*schurFactors
	dinv   []float64 // m: D⁻¹ + δ of the rows that are there
	rows   []int     // which rows are there
	mm     []float64 // m×ldm, the factor of R + D⁻¹
	inv    []float64
	rz, rn []float64
	gz, tl []float64
	piv    *pivots
}

// schurFactors is what does not depend on D. Each part depends on the
// coefficients named; parts of shared coefficients are shared by the batch.
type schurFactors struct {
	u, uinv []float64 // Q: n×ld (none if Q is diagonal), and 1/diag(U); then the least pivot
	v       []float64 // Q, A: n×ldp
	s, sinv []float64 // Q, A: p×ldp; then the least pivot
	s0      []float64 // Q, A: δA
	r, r0   []float64 // Q, A, G: m×ldm, and the diagonal of G Q⁻¹Gᵀ
}

// schurScratch is room to compute them in.
type schurScratch struct {
	wg, tt, minus, work []float64
	piv                 *pivots
}

func newSchur(a *arena, s *system, f *schurFactors) *schur {
	return &schur{
		system: s, schurFactors: f,
		dinv: a.floats(s.m), rows: make([]int, 0, s.m),
		mm: a.floats(s.m * s.ldm), inv: a.floats(s.m),
		rz: a.floats(s.n), rn: a.floats(s.p),
		gz: a.floats(s.m), tl: a.floats(s.m),
		piv: newPivots(a, s.m),
	}
}

func newSchurScratch(a *arena, s *system) *schurScratch {
	return &schurScratch{
		wg: a.floats(s.n * s.ldm), tt: a.floats(s.p * s.ldm), minus: a.floats(s.p),
		work: a.floats(dense.SyrkWork(max(s.n, s.p))),
		piv:  newPivots(a, max(s.n, s.p)),
	}
}

// wellConditioned is the relative pivot of Q above which (b) works with Q⁻¹.
const wellConditioned = 1e-7

// prepareQ factors Q. It returns false if Q is too close to singular.
func (f *schurFactors) prepareQ(s *system, w *schurScratch) bool {
	if s.form == Diagonal {
		least := math.Inf(1)
		for j, q := range s.q {
			least = math.Min(least, q/s.maxQ)
			f.uinv[j] = 1 / math.Sqrt(q)
		}
		f.uinv[s.n] = least
		return least >= wellConditioned
	}
	copyUpper(s.n, s.q, f.u, s.ld)
	for j := range s.n {
		w.piv.diag[j] = s.q[j*s.ld+j]
	}
	w.piv.cholesky(s.n, f.u, s.ld, f.uinv)
	f.uinv[s.n] = w.piv.least
	return w.piv.least >= wellConditioned
}

// prepareA forms and factors S.
func (f *schurFactors) prepareA(s *system, w *schurScratch) bool {
	n, p, ldp := s.n, s.p, s.ldp
	dense.Transpose(p, n, s.a, s.ld, f.v, ldp)
	f.solveUTMany(s, p, f.v, ldp)
	clear(f.s)
	dense.Syrk(p, n, f.v, ldp, nil, f.s, ldp, w.work)
	zero := false
	for i := range p {
		zero = zero || f.s[i*ldp+i] == 0
		f.s0[i] = schurDelta(f.s[i*ldp+i])
		w.piv.shift(i, &f.s[i*ldp+i], f.s0[i])
	}
	ok := w.piv.cholesky(p, f.s, ldp, f.sinv) && !zero
	f.sinv[p] = w.piv.least
	return ok
}

// prepareG forms R.
func (f *schurFactors) prepareG(s *system, w *schurScratch) {
	n, m, p, ldm := s.n, s.m, s.p, s.ldm
	dense.Transpose(m, n, s.g, s.ld, w.wg, ldm)
	f.solveUTMany(s, m, w.wg, ldm)
	clear(f.r)
	dense.Syrk(m, n, w.wg, ldm, nil, f.r, ldm, w.work)
	for i := range m {
		f.r0[i] = f.r[i*ldm+i]
	}
	if p == 0 {
		return
	}
	clear(w.tt)
	dense.GemmTN(p, m, n, 1, f.v, s.ldp, w.wg, ldm, w.tt, ldm)
	dense.SolveUTMany(p, m, f.s, s.ldp, f.sinv[:p], w.tt, ldm)
	for i := range w.minus {
		w.minus[i] = -1
	}
	dense.Syrk(m, p, w.tt, ldm, w.minus, f.r, ldm, w.work)
}

func schurDelta(diag float64) float64 {
	if diag == 0 {
		return 1
	}
	return deltaSchur * diag
}

func (f *schurFactors) solveUTMany(s *system, r int, x []float64, ldx int) {
	if s.form == Dense {
		dense.SolveUTMany(s.n, r, f.u, s.ld, f.uinv[:s.n], x, ldx)
		return
	}
	for j, u := range f.uinv[:s.n] {
		for i := range r {
			x[j*ldx+i] *= u
		}
	}
}

// copyUpper copies the upper triangle of an n×n matrix, at least.
func copyUpper(n int, src, dst []float64, ld int) {
	if n < 48 { // one copy of all is faster
		copy(dst[:n*ld], src)
		return
	}
	for i := range n {
		from, to := i*ld+i&^7, (i+1)*ld
		copy(dst[from:to], src[from:to])
	}
}

func (k *schur) factor(dinv []float64) bool {
	m, ldm := k.m, k.ldm
	k.rows = k.rows[:0]
	for t, d := range dinv {
		if !math.IsInf(d, 1) {
			k.dinv[len(k.rows)] = d + schurDelta(k.r0[t])
			k.rows = append(k.rows, t)
		}
	}
	if len(k.rows) == m {
		copyUpper(m, k.r, k.mm, ldm)
	} else {
		for i, t := range k.rows {
			for j := i; j < len(k.rows); j++ {
				k.mm[i*ldm+j] = k.r[t*ldm+k.rows[j]]
			}
			clear(k.mm[i*ldm+len(k.rows) : (i+1)*ldm])
		}
	}
	for i := range k.rows {
		k.piv.shift(i, &k.mm[i*ldm+i], k.dinv[i])
	}
	return k.piv.cholesky(len(k.rows), k.mm, ldm, k.inv)
}

// equality solves [Q Aᵀ; A −δA](z, ν) = (z, ν) in place.
func (k *schur) equality(z, nu []float64) {
	n, p := k.n, k.p
	k.halfSolve(z, dense.SolveUT)
	if p > 0 {
		dense.Scale(-1, nu, nu)
		dense.GemvT(n, p, 1, k.v, k.ldp, z, nu)
		dense.SolveUT(p, k.s, k.ldp, k.sinv[:p], nu)
		dense.SolveU(p, k.s, k.ldp, k.sinv[:p], nu)
		dense.Gemv(n, p, -1, k.v, k.ldp, nu, z)
	}
	k.halfSolve(z, dense.SolveU)
}

func (k *schur) halfSolve(x []float64, tri func(int, []float64, int, []float64, []float64)) {
	if k.form == Dense {
		tri(k.n, k.u, k.ld, k.uinv[:k.n], x)
		return
	}
	for j, u := range k.uinv[:k.n] {
		x[j] *= u
	}
}

// begin finds (z₀, ν₀), the solution without inequalities, and Gz₀.
func (k *schur) begin(r *direction) {
	if len(k.rows) == 0 {
		return
	}
	copy(k.rz, r.z)
	copy(k.rn, r.nu)
	k.equality(k.rz, k.rn)
	clear(k.gz)
	dense.Gemv(k.m, k.n, 1, k.g, k.ld, k.rz, k.gz)
}

// multipliers solves (R + D⁻¹) dλ = Gz₀ − rλ.
func (k *schur) multipliers(lam []float64) {
	q := len(k.rows)
	for i, t := range k.rows {
		k.tl[i] = k.gz[t] - lam[t]
	}
	dense.SolveUT(q, k.mm, k.ldm, k.inv[:q], k.tl[:q])
	dense.SolveU(q, k.mm, k.ldm, k.inv[:q], k.tl[:q])
	clear(lam)
	for i, t := range k.rows {
		lam[t] = k.tl[i]
	}
}

func (k *schur) solve(r *direction) {
	k.begin(r)
	k.correct(r)
}

// predict: C dz − E dλ = rλ + (D⁻¹+δC) dλ is the last row of the system.
func (k *schur) predict(r *direction, c []float64) {
	k.begin(r)
	copy(c, r.lam)
	k.multipliers(r.lam)
	if len(k.rows) == k.m {
		dense.MulAdd(k.dinv, r.lam, c)
		return
	}
	for i, t := range k.rows {
		c[t] += k.dinv[i] * r.lam[t]
	}
}

// correct: (z, ν) is the solution without inequalities for rz − Gᵀdλ.
func (k *schur) correct(r *direction) {
	k.multipliers(r.lam)
	if len(k.rows) > 0 {
		dense.GemvT(k.m, k.n, -1, k.g, k.ld, r.lam, r.z)
	}
	k.equality(r.z, r.nu)
}

func (k *schur) pivot(dinv []float64) float64 {
	least := math.Min(k.piv.least, k.uinv[k.n])
	for t, d := range dinv {
		if d == 0 && k.r0[t] == 0 {
			return 0
		}
	}
	if k.p > 0 {
		least = math.Min(least, k.sinv[k.p])
	}
	return least
}

func (k *schur) remainder(x *direction) bool {
	clear(x.z)
	for i, d := range k.s0 {
		x.nu[i] *= -d
	}
	for t, d := range k.r0 { // dλ = 0 on dropped rows
		x.lam[t] *= -schurDelta(d)
	}
	return true
}
