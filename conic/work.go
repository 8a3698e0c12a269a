package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
	"github.com/optnet-go/optnet/sparse"
)

// work solves one element at a time: all that changes during a solve. It serves
// one goroutine.
type work struct {
	pl   *plan
	opt  *Options
	call call

	given            Data // the element's data
	p, q, a, b       []float64
	sc               scaling
	open             []bool // rows without effect, of infinite b
	hasOpen          bool
	reusable         bool    // what load found out about P and A is that of all their rows
	normA, normP     float64 // largest |entries|, of the data given
	normQ, normB     float64
	cones            []cone
	kkt              *kkt
	psd              *sparse.LDL // of P, for the check
	psdVal           []float64
	it, best         iterate
	res              residuals
	bestMerit        float64
	first            iterate // of outcome
	merit            float64 // of the point that was concluded with
	profile          profile
	cycling          bool      // no progress for some iterations
	px, ax, atz      []float64 // Px, Ax, Aᵀz of the iterate
	rx, rz           []float64 // residuals of the embedding
	x2, z2           []float64 // solution for (−q, b)
	aff, dir         iterate   // affine and combined directions
	bx, bz, shift    []float64
	rtau, mu, den    float64
	trust            bool    // directions are not refined
	expected         float64 // residual after an exact step
	scaledQ, scaledB float64 // norms
	xpx, qx, bzdot   float64
}

// iterate is a point of the homogeneous embedding, or a direction.
type iterate struct {
	x, z, s    []float64
	tau, kappa float64
}

func newIterate(pl *plan) iterate {
	return iterate{x: make([]float64, pl.n), z: make([]float64, pl.m), s: make([]float64, pl.m)}
}

func (p *iterate) copyFrom(q *iterate) {
	copy(p.x, q.x)
	copy(p.z, q.z)
	copy(p.s, q.s)
	p.tau, p.kappa = q.tau, q.kappa
}

func newWork(pl *plan, opt *Options) *work {
	n, m := pl.n, pl.m
	w := &work{pl: pl, opt: opt}
	w.p, w.a = make([]float64, pl.p.NNZ()), make([]float64, pl.a.NNZ())
	for _, v := range []*[]float64{&w.q, &w.px, &w.atz, &w.rx, &w.x2, &w.bx} {
		*v = make([]float64, n)
	}
	for _, v := range []*[]float64{&w.b, &w.ax, &w.rz, &w.z2, &w.bz, &w.shift} {
		*v = make([]float64, m)
	}
	w.sc = scaling{d: make([]float64, n), e: make([]float64, m), w: make([]float64, n+m)}
	w.open = make([]bool, m)
	for i := range pl.blocks {
		w.cones = append(w.cones, pl.blocks[i].newCone())
	}
	w.kkt = newKKT(pl, w.cones)
	for _, p := range []*iterate{&w.it, &w.best, &w.aff, &w.dir, &w.first} {
		*p = newIterate(pl)
	}
	if pl.psdP != nil {
		w.psd = pl.psdP.NewLDL()
		w.psdVal = make([]float64, pl.psdSize)
	}
	return w
}

// infinite is from where on the b of a NonNegative row means no constraint.
const infinite = 1e20

// load takes an element's data, checks and scales them. It returns why they are
// invalid, or "". With same set, P and A are those of the element before, and all that was
// found out about them stays.
func (w *work) load(d *Data, same bool) (reason string) {
	w.given = *d
	same = same && w.reusable
	w.reusable = false
	if reason := w.check(d, same); reason != "" {
		return reason
	}
	copy(w.q, d.Q)
	copy(w.b, d.B)
	if same = same && !w.hasOpen; same {
		w.sc.undo(w.p)
	} else {
		copy(w.p, d.P)
		copy(w.a, d.A)
		w.normP = dense.NormInf(w.p)
		if w.hasOpen {
			// Such a row becomes s = 1, which holds by itself.
			for k, i := range w.pl.a.RowIdx {
				if w.open[i] {
					w.a[k] = 0
				}
			}
		}
		w.normA = dense.NormInf(w.a)
		w.sc.equilibrate(w.pl, w.p, w.a)
	}
	w.normQ, w.normB = dense.NormInf(w.q), 0
	for i, b := range w.b {
		if w.open[i] {
			w.b[i] = 1
		} else {
			raise(&w.normB, b)
		}
	}
	w.sc.finish(w.pl, w.p, w.q, w.b)
	w.scaledQ, w.scaledB = dense.NormInf(w.q), dense.NormInf(w.b)
	w.kkt.load(w.p, w.a)
	w.reusable = !w.hasOpen
	return ""
}

// residuals of the iterate, on the data given, each with the largest of the
// terms that it sums.
type residuals struct {
	primal, dual, gap                float64
	primalScale, dualScale, gapScale float64
	pcost, dcost                     float64
	drift                            float64 // |zᵀ(Ax + s − b)| + |xᵀ(Px + q + Aᵀz)|, an estimate of the error of the costs
}

// merit is the largest ratio of a residual to its bound: a point with a merit of
// at most 1 passes.
func (r *residuals) merit(abs, rel float64) float64 {
	m := max(r.primal/(abs+rel*r.primalScale), r.dual/(abs+rel*r.dualScale), r.gap/(abs+rel*r.gapScale))
	if math.IsNaN(m) {
		return math.Inf(1)
	}
	return m
}

// measure finds the residuals of the embedding,
//
//	rx = Px + Aᵀz + qτ,  rz = Ax + s − bτ,  rτ = xᵀPx/τ + qᵀx + bᵀz + κ,
//
// and those of the point x/τ, z/τ, s/τ on the data given.
func (w *work) measure() {
	it, pl := &w.it, w.pl
	clear(w.px)
	clear(w.ax)
	clear(w.atz)
	pl.p.SymMulAdd(w.p, 1, it.x, w.px)
	pl.a.MulAdd(w.a, 1, it.x, w.ax)
	pl.a.MulTAdd(w.a, 1, it.z, w.atz)
	w.xpx, w.qx, w.bzdot = dense.Dot(it.x, w.px), dense.Dot(w.q, it.x), dense.Dot(w.b, it.z)
	r := &w.res
	*r = residuals{}
	inv := 1 / it.tau
	for j := range w.px {
		qt := w.q[j] * it.tau
		v := w.px[j] + w.atz[j] + qt
		w.rx[j] = v
		u := inv / (w.sc.d[j] * w.sc.c)
		raise(&r.dual, v*u)
		raise(&r.dualScale, w.px[j]*u)
		raise(&r.dualScale, w.atz[j]*u)
		raise(&r.dualScale, qt*u)
	}
	for i := range w.ax {
		bt := w.b[i] * it.tau
		v := w.ax[i] + it.s[i] - bt
		w.rz[i] = v
		if w.hasOpen && w.open[i] {
			continue
		}
		u := inv / w.sc.e[i]
		raise(&r.primal, v*u)
		raise(&r.primalScale, w.ax[i]*u)
		if it.s[i] > 0 {
			raise(&r.primalScale, it.s[i]*u)
		}
		raise(&r.primalScale, bt*u)
	}
	w.rtau = w.xpx*inv + w.qx + w.bzdot + it.kappa
	quad := w.xpx * inv * inv / 2
	r.pcost = (quad + w.qx*inv) / w.sc.c
	r.dcost = (-quad - w.bzdot*inv) / w.sc.c
	r.gap = math.Abs(r.pcost - r.dcost)
	r.drift = (math.Abs(dense.Dot(it.z, w.rz)) + math.Abs(dense.Dot(it.x, w.rx))) * inv * inv / w.sc.c
	r.gapScale = max(math.Abs(r.pcost), math.Abs(r.dcost))
	w.mu = (dense.Dot(it.s, it.z) + it.tau*it.kappa) / float64(pl.degree+1)
}

// raise makes m at least |v|. NaN is left to other tests: gap has all of them.
func raise(m *float64, v float64) {
	if v = math.Abs(v); v > *m {
		*m = v
	}
}

// Tolerances of proofs of infeasibility: on the data given, and on scaled data.
const (
	infTol       = 1e-8
	infTolScaled = 1e-7
)

// infeasible reports whether the iterate proves that the problem has no feasible
// point, or no bounded one. There are two tests. The one on the data given is what
// a proof has to pass, and prove repeats it; relative to norms of the data, it passes rays of
// problems that are only badly scaled. On scaled data, what should vanish is therefore compared
// with dᵀr, d being b or q, and not with the norm of the ray r.
func (w *work) infeasible() Status {
	it := &w.it
	if !(it.kappa > it.tau) {
		return Unsolved
	}
	if bz := -w.bzdot; bz > 0 && dense.NormInf(w.atz) <= infTolScaled*bz/max(1, w.scaledB) {
		at, z := 0.0, 0.0 // c cancels
		for j, v := range w.atz {
			at = max(at, math.Abs(v)/w.sc.d[j])
		}
		for i, v := range it.z {
			z = max(z, math.Abs(v)*w.sc.e[i])
		}
		if at <= infTol*max(1, w.normA)*z {
			return PrimalInfeasible
		}
	}
	qx := -w.qx
	bound := infTolScaled * qx / max(1, w.scaledQ)
	if !(qx > 0 && dense.NormInf(w.px) <= bound) {
		return Unsolved
	}
	px, as, x := 0.0, 0.0, 0.0
	for j, v := range w.px {
		px = max(px, math.Abs(v)/w.sc.d[j]/w.sc.c)
		x = max(x, math.Abs(it.x[j])*w.sc.d[j])
	}
	for i, v := range w.ax {
		if w.hasOpen && w.open[i] {
			continue
		}
		v = math.Abs(v + it.s[i])
		if v > bound {
			return Unsolved
		}
		as = max(as, v/w.sc.e[i])
	}
	if px <= infTol*max(1, w.normP)*x && as <= infTol*max(1, w.normA)*x {
		return DualInfeasible
	}
	return Unsolved
}
