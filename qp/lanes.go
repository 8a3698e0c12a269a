package qp

import "github.com/optnet-go/optnet/internal/dense"

const (
	maxLanes = 8
	// fewLanes are as many elements as are faster done one after the other.
	fewLanes = 2
	// laneVariables is the largest n that lanes pay for.
	laneVariables = 32
)

// lanes solves small elements in step, one in each SIMD lane, by elimination
// (b): entry i of lane v of a vector is at i·L+v. It does what the worker's loop
// does, operation by operation, so that an element has the same bits in either.
// All that is out of the ordinary goes back to the worker, which takes the
// element up where the lane left it: steps that need refinement, factors that do
// not exist, points that may prove something, stagnation, limits.
type lanes struct {
	v       dense.Lanes
	width   int // how many lanes there are
	use     int // and how many of them this call uses
	n, p, m int

	q, a, g            []float64 // the data
	lin, b, lo, up     []float64
	small, delta       []float64 // δC of the rows; see system and schurDelta
	on                 [2][]float64
	u, uinv, vt        []float64 // schurFactors
	sf, sinv, r        []float64
	mm, inv            []float64 // the factor of R + D⁻¹
	x, best            iterate
	res                residuals
	step               *stepping
	rhs                direction
	dinv, shifted, cdz []float64
	rz, rn, gz         []float64
	qs, hs             [2][]float64
	side               [2]dense.Side

	slots       [maxLanes]slot
	any, finite [2]bool // whether any slot's element has such a side
	mask        perLane
	norms       laneTerms
}

type perLane [maxLanes]float64

// slot is where the element of a lane stands.
type slot struct {
	busy bool
	element
	progress
	figures
	sides       int
	data        float64 // max(1, ‖A‖, ‖G‖) of the entries
	any, finite [2]bool
}

// laneTerms are the terms of all lanes.
type laneTerms struct {
	zqz, pz, qz, lin, atn, gtl, rd, az, b, ra, c, nu, lam, z perLane
	upper, lower                                             perLane // violations
	sidesB, absB                                             perLane // of b and ν
	sidesC, absC                                             perLane // of the sides and λ
	slope                                                    perLane // ‖Aᵀν + Gᵀλ‖, zero in a proof of infeasibility
	linearUpper, linearLower                                 perLane // of the slacks' residuals
}

func newLanes(a *arena, plan *cpuPlan, sys *system) *lanes {
	v := int(plan.lanes)
	n, p, m := v*sys.n, v*sys.p, v*sys.m
	ln := &lanes{
		v: plan.lanes, width: v, n: sys.n, p: sys.p, m: sys.m,
		q: a.floats(n * sys.n), a: a.floats(p * sys.n), g: a.floats(m * sys.n),
		lin: a.floats(n), b: a.floats(p), lo: a.floats(m), up: a.floats(m),
		small: a.floats(m), delta: a.floats(m),
		on: [2][]float64{a.floats(m), a.floats(m)},
		u:  a.floats(n * sys.n), uinv: a.floats(n), vt: a.floats(n * sys.p),
		sf: a.floats(p * sys.p), sinv: a.floats(p), r: a.floats(m * sys.m),
		mm: a.floats(m * sys.m), inv: a.floats(m),
		x: newIterate(a, n, p, m), best: newIterate(a, n, p, m),
		res: newResiduals(a, n, p, m), step: newStepping(a, n, p, m),
		rhs:  newDirection(a, n, p, m),
		dinv: a.floats(m), shifted: a.floats(m), cdz: a.floats(m),
		rz: a.floats(n), rn: a.floats(p), gz: a.floats(m),
		qs: [2][]float64{a.floats(m), a.floats(m)}, hs: [2][]float64{a.floats(m), a.floats(m)},
	}
	if a.buf != nil {
		for k := range ln.side {
			ln.side[k] = dense.Side{S: ln.x.s[k], L: ln.x.l[k], Q: ln.qs[k], On: ln.on[k], DS: ln.step.ds[k], DL: ln.step.dl[k]}
		}
		ln.x.unsided()
	}
	return ln
}

// workLanes takes elements until there are none left.
func (s *cpuState) workLanes(w *worker) {
	ln := w.lanes
	for more := true; ; {
		busy := 0
		for v := range ln.use {
			for more && !ln.slots[v].busy {
				var i int
				if i, more = s.take(w); more {
					s.enterLane(w, v, i)
				}
			}
			if ln.slots[v].busy {
				busy++
			}
		}
		if busy == 0 {
			return
		}
		_, ended := w.stopped()
		if ended || !more && busy <= fewLanes {
			for v := range ln.width {
				s.leaveLane(w, v)
			}
			continue
		}
		ln.iterate(s, w)
	}
}

// enterLane takes element i into lane v, if it suits, or solves it at once.
func (s *cpuState) enterLane(w *worker, v, i int) {
	sys := &w.sys
	if !s.open(w, i) || !w.enter(i, false) {
		s.conclude(w, i)
		return
	}
	if w.elim != elimination(w.rows) || len(sys.odd) > 0 || !sys.even || sys.sides == 0 || !w.coldStart() {
		w.solve(i, false)
		s.conclude(w, i)
		return
	}
	w.progress = begin(0)
	w.lanes.load(w, v)
}

// load copies the element at hand, at its start, into lane v.
func (ln *lanes) load(w *worker, v int) {
	sys, f := &w.sys, w.rows.schurFactors
	n, p, m := ln.n, ln.p, ln.m
	pack := func(rows, cols int, src []float64, ld int, dst []float64) { ln.v.Pack(v, rows, cols, src, ld, dst) }
	pack(n, n, sys.q, sys.ld, ln.q)
	pack(p, n, sys.a, sys.ld, ln.a)
	pack(m, n, sys.g, sys.ld, ln.g)
	pack(1, n, sys.lin, n, ln.lin)
	pack(1, p, sys.b, p, ln.b)
	pack(1, m, sys.lo, m, ln.lo)
	pack(1, m, sys.up, m, ln.up)
	pack(1, m, sys.small, m, ln.small)
	pack(n, n, f.u, sys.ld, ln.u)
	pack(1, n, f.uinv, n, ln.uinv)
	if p > 0 {
		pack(n, p, f.v, sys.ldp, ln.vt)
		pack(p, p, f.s, sys.ldp, ln.sf)
		pack(1, p, f.sinv, p, ln.sinv)
	}
	pack(m, m, f.r, sys.ldm, ln.r)
	for t, d := range f.r0 {
		ln.delta[t*ln.width+v] = schurDelta(d)
	}
	for k := range ln.on {
		pack(1, m, sys.on[k], m, ln.on[k])
	}
	pack(1, len(w.x.all), w.x.all, len(w.x.all), ln.x.all)
	ln.slots[v] = slot{
		busy: true, element: w.element, progress: w.progress,
		sides: sys.sides, data: max(1, sys.maxA, sys.maxG), any: sys.any, finite: sys.finite,
	}
	ln.norms.lin[v], ln.norms.b[v] = dense.NormInf(sys.lin), dense.NormInf(sys.b)
	ln.sided()
}

// sided finds out which sides there are.
func (ln *lanes) sided() {
	ln.any, ln.finite = [2]bool{}, [2]bool{}
	for v := range ln.width {
		if sl := &ln.slots[v]; sl.busy {
			for k := range ln.any {
				ln.any[k] = ln.any[k] || sl.any[k]
				ln.finite[k] = ln.finite[k] || sl.finite[k]
			}
		}
	}
	for k, any := range ln.any {
		if !any {
			clear(ln.qs[k])
			clear(ln.hs[k])
			clear(ln.step.ds[k])
			clear(ln.step.dl[k])
			clear(ln.res.rs[k])
		}
	}
}

// leaveLane lets the worker finish the element of lane v, if there is one.
func (s *cpuState) leaveLane(w *worker, v int) {
	ln := w.lanes
	sl := &ln.slots[v]
	if !sl.busy {
		return
	}
	sl.busy = false
	i := sl.index
	s.view(w, i)
	for k := range s.stages {
		s.prepare(w, i, k)
	}
	w.classify()
	w.setCost()
	w.choose()
	unpack := func(src, dst []float64) { ln.v.Unpack(v, 1, len(dst), src, dst, len(dst)) }
	unpack(ln.x.all, w.x.all)
	unpack(ln.best.all, w.best.all)
	unpack(ln.step.z, w.step.z)
	w.element, w.progress = sl.element, sl.progress
	w.res.linear = sl.linear
	w.settle(w.iterate(), false)
	s.conclude(w, i)
}

// finishLane stores the element of lane v, which has converged.
func (s *cpuState) finishLane(w *worker, v int) {
	ln := w.lanes
	sl := &ln.slots[v]
	sl.busy = false
	s.view(w, sl.index)
	ln.v.Unpack(v, 1, len(w.best.all), ln.best.all, w.best.all, len(w.best.all))
	w.element = sl.element
	w.conclude(converged)
	s.conclude(w, sl.index)
}

// iterate is one pass of the worker's loop for all lanes.
func (ln *lanes) iterate(s *cpuState, w *worker) {
	opt := &w.opt
	var mu, was perLane // was: the linear residuals before the last step
	var excess perLane
	var before [maxLanes]slot // as the worker has to find it
	ln.measure()
	ln.complementarity(&mu)
	ln.mask = perLane{}
	for i := range ln.width {
		sl := &ln.slots[i]
		if !sl.busy {
			continue
		}
		was[i] = sl.linear
		ln.figures(i)
		excess[i] = sl.excess(opt.EpsAbs, opt.EpsRel)
		if sl.better(&sl.figures, excess[i]) {
			ln.mask[i] = 1
		}
	}
	ln.v.Select(ln.mask[:ln.width], ln.x.all, ln.best.all)
	for i := range ln.width {
		sl := &ln.slots[i]
		if !sl.busy {
			continue
		}
		if excess[i] <= 1 {
			s.finishLane(w, i)
			continue
		}
		before[i] = *sl
		if ln.suspicious(i) {
			s.leaveLane(w, i)
			continue
		}
		if _, over := sl.advance(&sl.element, &sl.figures, opt, sl.sides, excess[i], mu[i]); over || sl.careful {
			*sl = before[i]
			s.leaveLane(w, i)
		}
	}

	failed := ln.factor()
	ln.slackResiduals()
	for i := range ln.width {
		sl := &ln.slots[i]
		if !sl.busy {
			continue
		}
		sl.linear = max(ln.norms.ra[i], ln.norms.linearUpper[i], ln.norms.linearLower[i])
		if failed>>i&1 != 0 || sl.fellShort(&sl.element, &sl.figures, opt, was[i]) {
			*sl = before[i]
			s.leaveLane(w, i)
			continue
		}
		sl.lastDual = sl.dual
	}

	var target, p, d, fraction perLane
	for i := range fraction {
		fraction[i] = 1
	}
	ln.setTarget(&target, false)
	ln.predict()
	ln.stepLengths(&fraction, &p, &d)
	ln.muAfter(&p, &d, &target)
	for i := range ln.width {
		if sl := &ln.slots[i]; sl.busy {
			left := target[i] / float64(sl.sides) / mu[i]
			target[i] = cube(left) * mu[i]
			fraction[i] = min(boundary, 1-caution*left)
		}
	}
	ln.setTarget(&target, true)
	ln.correct()
	ln.stepLengths(&fraction, &p, &d)
	for i := range ln.width {
		sl := &ln.slots[i]
		if !sl.busy {
			p[i], d[i] = 0, 0
			continue
		}
		sl.stepP, sl.stepD = p[i], d[i]
		sl.blunt = 0
		sl.iter++
	}
	ln.move(p[:ln.width], d[:ln.width])
}

// suspicious says whether the point of lane i may prove that the problem is
// infeasible or unbounded.
func (ln *lanes) suspicious(i int) bool {
	sl := &ln.slots[i]
	if v := -sl.dualSides; v > proofNoise*sl.sumSides && ln.norms.slope[i] <= proofTol*sl.data*sl.multipliers {
		return true
	}
	size := ln.norms.z[i]
	if sl.iter == 0 {
		sl.startSize = max(1, size)
	}
	return (size >= suspicious*sl.startSize || sl.since >= idle) && sl.value < 0
}

// measure computes the residuals, and the terms of all lanes.
func (ln *lanes) measure() {
	v, x, r, t, k := ln.v, &ln.x, &ln.res, &ln.norms, ln.width
	n, p, m := ln.n, ln.p, ln.m
	clear(r.qz)
	v.Gemv(n, n, 1, ln.q, x.z, r.qz)
	clear(r.az)
	v.Gemv(p, n, 1, ln.a, x.z, r.az)
	clear(r.cz)
	v.Gemv(m, n, 1, ln.g, x.z, r.cz)
	clear(r.atn)
	v.GemvT(p, n, 1, ln.a, x.nu, r.atn)
	clear(r.gtl)
	v.GemvT(m, n, 1, ln.g, x.lam, r.gtl)
	copy(r.rd, r.qz)
	dense.Axpy(1, ln.lin, r.rd)
	dense.Axpy(1, r.atn, r.rd)
	dense.Axpy(1, r.gtl, r.rd)
	dense.Sub(r.az, ln.b, r.ra)
	copy(r.c, r.cz)
	copy(ln.rz, r.atn) // Aᵀν + Gᵀλ, which a proof makes zero
	dense.Axpy(1, r.gtl, ln.rz)

	v.Dot(x.z, r.qz, t.zqz[:k])
	v.Dot(x.z, ln.lin, t.pz[:k])
	for _, q := range [...]struct {
		x   []float64
		out *perLane
	}{
		{r.qz, &t.qz}, {r.atn, &t.atn}, {r.gtl, &t.gtl}, {r.rd, &t.rd}, {r.az, &t.az}, {r.ra, &t.ra},
		{r.c, &t.c}, {x.nu, &t.nu}, {x.lam, &t.lam}, {x.z, &t.z}, {ln.rz, &t.slope},
	} {
		v.NormInf(q.x, q.out[:k])
	}
	t.upper, t.lower = perLane{}, perLane{}
	if ln.finite[upper] {
		v.Violation(+1, r.c, ln.up, t.upper[:k])
	}
	if ln.finite[lower] {
		v.Violation(-1, r.c, ln.lo, t.lower[:k])
	}
	v.SideSum(x.nu, ln.b, ln.b, t.sidesB[:k], t.absB[:k])
	v.SideSum(x.lam, ln.lo, ln.up, t.sidesC[:k], t.absC[:k])
}

// figures sets those of lane i. Its linear is left as it is.
func (ln *lanes) figures(i int) {
	t := &ln.norms
	ln.slots[i].set(&terms{
		zqz: t.zqz[i], pz: t.pz[i],
		qz: t.qz[i], lin: t.lin[i], atn: t.atn[i], gtl: t.gtl[i], rd: t.rd[i],
		az: t.az[i], b: t.b[i], rows: t.c[i], ra: t.ra[i], c: t.c[i],
		violation: max(t.upper[i], t.lower[i]),
		sides:     t.sidesB[i] + t.sidesC[i], absSides: t.absB[i] + t.absC[i],
		nu: t.nu[i], lam: t.lam[i], z: t.z[i],
	})
}

func (ln *lanes) complementarity(mu *perLane) {
	x := &ln.x
	var sum perLane
	for k, any := range ln.any {
		if any {
			var one perLane
			ln.v.Dot(x.s[k], x.l[k], one[:ln.width])
			for i, v := range one {
				sum[i] += v
			}
		}
	}
	for i := range ln.width {
		if sl := &ln.slots[i]; sl.busy {
			mu[i] = sum[i] / float64(sl.sides)
		}
	}
}

// factor factors R + D⁻¹, and returns the set of lanes where that failed.
func (ln *lanes) factor() (failed uint) {
	x := &ln.x
	if ln.any[lower] {
		dense.Weigh(x.s[upper], x.l[upper], x.s[lower], x.l[lower], ln.dinv)
	} else {
		dense.Weigh(x.s[upper], x.l[upper], nil, nil, ln.dinv)
	}
	copy(ln.shifted, ln.dinv)
	dense.Axpy(1, ln.delta, ln.shifted)
	copy(ln.mm, ln.r)
	m, k := ln.m, ln.width
	for t := range m {
		row := ln.mm[(t*m+t)*k:][:k]
		for i, d := range ln.shifted[t*k:][:k] {
			row[i] += d
		}
	}
	return ln.v.Cholesky(m, ln.mm, ln.inv)
}

func (ln *lanes) slackResiduals() {
	x, r, t := &ln.x, &ln.res, &ln.norms
	for k, side := range [2][]float64{ln.up, ln.lo} {
		if ln.any[k] {
			dense.SlackResidual(sideSign[k], r.c, side, x.s[k], ln.on[k], r.rs[k])
		}
	}
	ln.v.NormInf(r.rs[upper], t.linearUpper[:ln.width])
	ln.v.NormInf(r.rs[lower], t.linearLower[:ln.width])
}

func (ln *lanes) setTarget(target *perLane, second bool) {
	x, r := &ln.x, &ln.res
	dense.Scale(-1, r.rd, ln.rhs.z)
	dense.Scale(-1, r.ra, ln.rhs.nu)
	for k, any := range ln.any {
		if !any {
			continue
		}
		var ds, dl []float64
		if second {
			ds, dl = ln.step.ds[k], ln.step.dl[k]
		}
		ln.v.Complementarity(target[:ln.width], x.s[k], x.l[k], r.rs[k], ln.on[k], ds, dl, ln.qs[k], ln.hs[k])
	}
	dense.MulDiff(ln.dinv, ln.hs[lower], ln.hs[upper], ln.rhs.lam)
}

// equality, multipliers, predict and correct are those of schur.
func (ln *lanes) equality(z, nu []float64) {
	v, n, p := ln.v, ln.n, ln.p
	v.SolveUT(n, ln.u, ln.uinv, z)
	if p > 0 {
		dense.Scale(-1, nu, nu)
		v.GemvT(n, p, 1, ln.vt, z, nu)
		v.SolveUT(p, ln.sf, ln.sinv, nu)
		v.SolveU(p, ln.sf, ln.sinv, nu)
		v.Gemv(n, p, -1, ln.vt, nu, z)
	}
	v.SolveU(n, ln.u, ln.uinv, z)
}

func (ln *lanes) multipliers(lam []float64) {
	dense.Sub(ln.gz, lam, lam)
	ln.v.SolveUT(ln.m, ln.mm, ln.inv, lam)
	ln.v.SolveU(ln.m, ln.mm, ln.inv, lam)
}

func (ln *lanes) predict() {
	d := &ln.step.direction
	copy(ln.rz, ln.rhs.z)
	copy(ln.rn, ln.rhs.nu)
	copy(d.lam, ln.rhs.lam)
	ln.equality(ln.rz, ln.rn)
	clear(ln.gz)
	ln.v.Gemv(ln.m, ln.n, 1, ln.g, ln.rz, ln.gz)
	copy(ln.cdz, d.lam)
	ln.multipliers(d.lam)
	dense.MulAdd(ln.shifted, d.lam, ln.cdz)
	ln.slackSteps()
}

func (ln *lanes) correct() {
	d := &ln.step.direction
	copy(d.z, ln.rhs.z)
	copy(d.nu, ln.rhs.nu)
	copy(d.lam, ln.rhs.lam)
	ln.multipliers(d.lam)
	ln.v.GemvT(ln.m, ln.n, -1, ln.g, d.lam, d.z)
	ln.equality(d.z, d.nu)
	clear(ln.cdz)
	ln.v.Gemv(ln.m, ln.n, 1, ln.g, d.z, ln.cdz)
	ln.slackSteps()
}

func (ln *lanes) slackSteps() {
	x, r := &ln.x, &ln.res
	for k, any := range ln.any {
		if any {
			dense.SideStep(sideSign[k], ln.cdz, x.s[k], x.l[k], r.rs[k], ln.qs[k], ln.on[k], ln.step.ds[k], ln.step.dl[k])
		}
	}
	dense.FollowMultipliers(ln.small, ln.dinv, ln.step.lam, &ln.side[upper], &ln.side[lower])
}

// stepLengths are as the worker's, for an objective that is quadratic.
func (ln *lanes) stepLengths(fraction, p, d *perLane) {
	x, k := &ln.x, ln.width
	for i, f := range fraction {
		p[i], d[i] = 1/f, 1/f
	}
	for j, any := range ln.any {
		if any {
			ln.v.MaxStep(p[:k], x.s[j], ln.step.ds[j])
			ln.v.MaxStep(d[:k], x.l[j], ln.step.dl[j])
		}
	}
	for i, f := range fraction {
		p[i] = min(f*p[i], f*d[i])
		d[i] = p[i]
	}
}

// muAfter sets sum to the complementarity after such steps, not yet divided.
func (ln *lanes) muAfter(p, d, sum *perLane) {
	x, k := &ln.x, ln.width
	*sum = perLane{}
	for j, any := range ln.any {
		if any {
			var one perLane
			ln.v.ShiftedDot(p[:k], x.s[j], ln.step.ds[j], d[:k], x.l[j], ln.step.dl[j], one[:k])
			for i, v := range one {
				sum[i] += v
			}
		}
	}
}

func (ln *lanes) move(p, d []float64) {
	x := &ln.x
	ln.v.Axpy(p, ln.step.z, x.z)
	ln.v.Axpy(d, ln.step.nu, x.nu)
	for k, any := range ln.any {
		if any {
			ln.v.Axpy(p, ln.step.ds[k], x.s[k])
			ln.v.Axpy(d, ln.step.dl[k], x.l[k])
		}
	}
	x.net()
}
