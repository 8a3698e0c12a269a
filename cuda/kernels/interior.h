// The interior-point loop (docs/THEORY.md, section 2) in the space of the
// inequalities. With z and ν the minimum of the Lagrangian for given multipliers,
//
//	y = C z = y₀ − R λ + κ e₀
//
// where y₀ belongs to λ = 0, and κ e₀ is what is left of the start's lack of
// stationarity: each step takes the part α of it away. So an iteration works on
// vectors and one matrix of the size of the constraints, and z and ν are computed
// when the method has converged.
#pragma once
#include "polish.h"

#define BOUNDARY 0.995
#define CAUTION 0.1
#define CORRECTORS 2  // that even out the products of slacks and multipliers (Gondzio 1996)
#define REACH 0.3     // how much longer a step they aim at
#define EVENLY 0.5    // and the least product there, relative to the target
#define WORTH 0.1     // of that, what one gains if another is to follow
#define ENOUGH 0.95   // a step that needs none
#define STALL 0.9     // progress is an excess, or a μ, smaller than this times the best
#define STALLED 9     // iterations without
#define TINY 1e-9     // a step that goes nowhere
#define START 1e-3    // least slack and multiplier of the start, relative to the mean
#define WARM_LEAST 1e-4
#define WARM_LARGEST 1e12
#define EQUAL 1e-14   // relative distance below which two sides are one
#define GAIN 0.1      // of a refinement, at least
#define EARLY 1e6     // excess from which on the active set may be clear
#define ATTEMPTS 3    // to end there early, each with so many sets
#define EARLY_TRIES 3
#define ANCHORS 3     // times that y₀ is corrected

// Loop is what the loop knows besides vectors. Each warp has its own, in the memory of
// Work: threads do not have so much of their own that is fast.
struct Loop {
	f64 kappa, rd0, ra0, f0, lin, nb, cost, mu, excess;
	f64 lastExcess, lastMu, step;
	int iter, since, tiny, sides, tried, anchors;
	Figures at;  // the iterate's
	f64 largest; // λ·w
	int stop;    // the caller wants it
	int fresh;   // renew was called before; this and the next are not kept, as a trace excludes float32
	int fell;    // from float32 to float64
};
enum { numLoop = 18 };
static_assert(sizeof(Loop) <= numOwn * sizeof(f64), "a warp has less");

// once lets one lane of the warp change the Loop.
template <class F> DEV void once(F change) {
	warpSync();
	if (lane() == 0) change();
	warpSync();
}

DEV i64 stateSize(const Args& a) { return 3 * pad16(a.t) + pad16(a.n) + pad16(a.p) + numLoop; }
DEV int iterateSize(const Args& a) { return a.n + a.p + 5 * a.t; }

// keep saves the loop and the iterate between two launches, or restores them.
template <class V> FUN void keep(const Args& a, const Work<V>& w, int e, Loop& l, bool save) {
	f64* s = a.state + e * stateSize(a);
	f64* x = a.x + (i64)e * iterateSize(a) + a.n + a.p;
	const int names[5] = {LAM, SU, SL, LU, LL};
	if (save && !first()) return;
	blockSync();
	EACH(i, w.t) {
		V* v[8] = {&w.c(Y0)[i], &w.c(E0)[i], &w.c(Y)[i]};
		f64* r[8] = {s + i, s + w.T + i, s + 2 * w.T + i};
		for (int k = 0; k < 5; k++) v[3 + k] = &w.c(names[k])[i], r[3 + k] = x + k * w.t + i;
		for (int k = 0; k < 8; k++) save ? *r[k] = *v[k] : *v[k] = *r[k];
	}
	s += 3 * w.T;
	EACH(j, w.n) save ? s[j] = w.v(RD0)[j] : w.v(RD0)[j] = s[j];
	s += w.N;
	EACH(i, w.p) save ? s[i] = w.w(RA0)[i] : w.w(RA0)[i] = s[i];
	s += w.P;
	if (save) {
		if (chief()) {
			const f64 n[numLoop] = {l.kappa, l.rd0, l.ra0, l.f0, l.lin, l.nb, l.cost, l.mu, l.excess, l.lastExcess, l.lastMu, l.step,
				(f64)l.iter, (f64)l.since, (f64)l.tiny, (f64)l.sides, (f64)l.tried, (f64)l.anchors};
			for (int k = 0; k < numLoop; k++) s[k] = n[k];
		}
	} else {
		once([&] { l = Loop{s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], (int)s[12], (int)s[13], (int)s[14], (int)s[15], (int)s[16], (int)s[17]}; });
	}
	blockSync();
}

// load reads the element's vectors and classifies its constraints. It returns false
// if the CPU has to say what is wrong with them.
template <class V> FUN bool load(const Args& a, const Work<V>& w, int e, Loop& l) {
	EACH(i, numT * w.T + numN * w.N + numP * w.P) w.base[i] = 0;
	blockSync();
	const f64 *lin = at(a, P_, e, w.n), *b = at(a, B_, e, w.p);
	const f64 *hl = at(a, HL_, e, w.m), *h = at(a, H_, e, w.m), *lo = at(a, L_, e, w.n), *up = at(a, U_, e, w.n);
	f64 v[4] = {0, 0, 0, 0}; // sides; |p|, |b|, bad
	EACH(j, w.n) v[1] = larger(v[1], size(lin[j]));
	EACH(i, w.p) v[2] = larger(v[2], size(b[i]));
	EACH(i, w.T) {
		w.kind[i] = 0;
		w.cls[i] = inactive;
		if (i >= w.t) continue;
		w.c(NC)[i] = w.s.nc[i];
		w.c(R0)[i] = w.s.r0[i];
		const bool row = i < w.m;
		const f64 *pl = row ? hl : lo, *pu = row ? h : up;
		const f64 x = pl ? pl[row ? i : i - w.m] : -INF, y = pu ? pu[row ? i : i - w.m] : INF;
		w.c(LO)[i] = x;
		w.c(UP)[i] = y;
		if (!(x < INF) || !(y > -INF) || x > y) v[3] = 1;
		int k = 0;
		if (x == y || (y - x < INF && y - x <= EQUAL * smaller(absolute(x), absolute(y)))) {
			k = fixedSides;
		} else {
			if (y < INF) k |= hasUpper, v[0] += 1;
			if (x > -INF) k |= hasLower, v[0] += 1;
		}
		w.kind[i] = k;
		w.c(SU)[i] = w.c(SL)[i] = 1;
	}
	reduce<1, 3>(v, w.room);
	once([&] {
		l = Loop{};
		l.sides = (int)v[0];
		l.lin = v[1], l.nb = v[2];
		l.cost = larger(w.s.num[stageMaxQ], v[1]);
		l.excess = l.lastExcess = l.lastMu = INF;
	});
	return v[3] == 0 && v[1] < 1e140 && v[2] < 1e140;
}

// shift makes slacks and multipliers from y and λ: at least s/w and λ·w of the sizes
// given or, given none, Mehrotra's.
template <class V> FUN void shift(const Args& a, const Work<V>& w, const Loop& l, f64 leastS, f64 leastL) {
	V* lam = w.c(LAM);
	f64 low[2] = {0, 0}; // −lowest slack and multiplier
	EACH(i, w.t) {
		const int k = w.kind[i];
		const f64 n = w.c(NC)[i];
		const bool both = k == (hasUpper | hasLower);
		if (k & hasUpper) {
			const f64 s = w.c(UP)[i] - w.c(Y)[i], m = both ? larger(lam[i], 0) : lam[i];
			w.c(SU)[i] = s, w.c(LU)[i] = m;
			low[0] = larger(low[0], -s / n), low[1] = larger(low[1], -m * n);
		}
		if (k & hasLower) {
			const f64 s = w.c(Y)[i] - w.c(LO)[i], m = both ? larger(-lam[i], 0) : -lam[i];
			w.c(SL)[i] = s, w.c(LL)[i] = m;
			low[0] = larger(low[0], -s / n), low[1] = larger(low[1], -m * n);
		}
	}
	f64 addS = 0, addL = 0, floorS = leastS, floorL = leastL;
	if (!(leastS > 0)) {
		reduce<0, 2>(low, w.room);
		addS = 1.5 * low[0], addL = 1.5 * low[1];
		f64 sum[3] = {0, 0, 0};
		EACH(i, w.t) {
			const f64 n = w.c(NC)[i];
			if (w.kind[i] & hasUpper) {
				const f64 x = w.c(SU)[i] / n + addS, y = w.c(LU)[i] * n + addL;
				sum[0] += x, sum[1] += y, sum[2] += x * y;
			}
			if (w.kind[i] & hasLower) {
				const f64 x = w.c(SL)[i] / n + addS, y = w.c(LL)[i] * n + addL;
				sum[0] += x, sum[1] += y, sum[2] += x * y;
			}
		}
		reduce<3, 0>(sum, w.room);
		if (sum[2] > 0) {
			addS += 0.5 * sum[2] / sum[1];
			addL += 0.5 * sum[2] / sum[0];
		}
		floorS = START * sum[0] / l.sides;
		floorL = START * larger(l.cost, sum[1] / l.sides);
		if (!(floorS > 0)) floorS = START;
	}
	EACH(i, w.t) {
		const int k = w.kind[i];
		const f64 n = w.c(NC)[i];
		if (k & hasUpper) {
			w.c(SU)[i] = larger(w.c(SU)[i] / n + addS, floorS) * n;
			w.c(LU)[i] = larger(w.c(LU)[i] * n + addL, floorL) / n;
		}
		if (k & hasLower) {
			w.c(SL)[i] = larger(w.c(SL)[i] / n + addS, floorS) * n;
			w.c(LL)[i] = larger(w.c(LL)[i] * n + addL, floorL) / n;
		}
		if (k & (hasUpper | hasLower)) lam[i] = w.c(LU)[i] - w.c(LL)[i];
	}
	blockSync();
}

// origin computes the point for λ = 0 and y₀, which the start needs.
template <class V> FUN void origin(const Args& a, const Work<V>& w, int e, Loop& l) {
	recover(a, w, e, 0); // λ is zero still
	mulC(a, w, e, w.v(Z), w.c(Y0));
	const f64 *lin = at(a, P_, e, w.n), *b = at(a, B_, e, w.p);
	f64 v[1] = {0};
	EACH(j, w.n) v[0] += lin[j] * w.v(Z)[j];
	EACH(i, w.p) v[0] -= b[i] * w.w(NU)[i];
	reduce<1, 0>(v, w.room);
	once([&] { l.f0 = v[0] / 2; });
	blockSync();
}

// lacking notes what the start lacks of optimality: e₀, and the norms.
template <class V> FUN void lacking(const Args& a, const Work<V>& w, Loop& l) {
	mulR(w, w.c(LAM), w.c(CDZ));
	EACH(i, w.t) w.c(E0)[i] = w.c(Y)[i] - w.c(Y0)[i] + w.c(CDZ)[i];
	f64 v[2] = {0, 0};
	EACH(j, w.n) v[0] = larger(v[0], size(w.v(RD0)[j]));
	EACH(i, w.p) v[1] = larger(v[1], size(w.w(RA0)[i]));
	reduce<0, 2>(v, w.room);
	once([&] { l.kappa = 1, l.rd0 = v[0], l.ra0 = v[1]; });
}

// cold starts at the solution of the least-squares problem of package qp.
template <class V> FUN bool cold(const Args& a, const Work<V>& w, int e, Loop& l) {
	V *lam = w.c(LAM), *d = w.c(DINV), *was = w.c(RHS);
	EACH(i, w.t) {
		const int k = w.kind[i];
		const f64 n = w.c(NC)[i], up = w.c(UP)[i], lo = w.c(LO)[i];
		d[i] = k == 0 ? INF : k == fixedSides ? 0 : n * n / l.cost;
		const f64 side = k == 0 ? 0 : k == fixedSides || k == hasUpper ? up : k == hasLower ? lo : lo / 2 + up / 2;
		lam[i] = k == 0 ? 0 : w.c(Y0)[i] - side;
	}
	blockSync();
	fetchR(w);
	if (!factorAll(w)) return false;
	EACH(i, w.t) w.c(Y)[i] = w.c(Y0)[i] - lam[i]; // the sides
	solveAll(w, lam);
	EACH(i, w.t) { // R λ = y₀ − side − D⁻¹λ
		w.c(Y)[i] = d[i] < INF ? w.c(Y)[i] + (d[i] + delta(w.c(R0)[i])) * lam[i] : w.c(Y0)[i];
		was[i] = lam[i];
	}
	shift(a, w, l, 0, 0);
	EACH(i, w.t) was[i] = lam[i] - was[i];
	EACH(j, w.n) w.v(RD0)[j] = 0;
	EACH(i, w.p) w.w(RA0)[i] = 0;
	blockSync();
	addCT(a, w, e, was, w.v(RD0), 1);
	lacking(a, w, l);
	return true;
}

// warmUp starts from the caller's point, shifted off the boundary by what it lacks;
// false if there is none worth it.
template <class V> FUN bool warmUp(const Args& a, Work<V>& w, int e, Loop& l) {
	V *z = w.v(Z), *nu = w.w(NU), *lam = w.c(LAM), *was = w.c(RHS);
	f64 big[1] = {0};
	EACH(j, w.n) {
		z[j] = a.warm[0][(i64)e * w.n + j];
		big[0] = larger(big[0], size(z[j]));
	}
	EACH(i, w.p) {
		nu[i] = a.warm[1] ? a.warm[1][(i64)e * w.p + i] : 0;
		big[0] = larger(big[0], size(nu[i]));
	}
	EACH(i, w.t) {
		const f64* from = i < w.m ? a.warm[2] : a.warm[3];
		f64 x = from ? from[i < w.m ? (i64)e * w.m + i : (i64)e * w.n + i - w.m] : 0;
		big[0] = larger(big[0], size(x));
		const int k = w.kind[i];
		if (k == 0 || (k == hasUpper && x < 0) || (k == hasLower && x > 0)) x = 0;
		lam[i] = x;
	}
	reduce<0, 1>(big, w.room);
	blockSync();
	if (!(big[0] <= WARM_LARGEST)) {
		EACH(i, w.t) lam[i] = 0;
		blockSync();
		return false;
	}
	const Figures f = measure(a, w, e);
	f64 off = larger(larger(f.primal / (1 + f.primalScale), f.dual / (1 + f.dualScale)), f.gap / (1 + f.gapScale));
	off = smaller(1, larger(WARM_LEAST, off));
	f64 top[1] = {1};
	EACH(j, w.n) top[0] = larger(top[0], size(z[j]));
	reduce<0, 1>(top, w.room);
	EACH(i, w.t) was[i] = lam[i];
	EACH(j, w.n) w.v(RD0)[j] = w.v(RD)[j];
	EACH(i, w.p) w.w(RA0)[i] = w.w(RA)[i];
	shift(a, w, l, off * top[0], off * l.cost * top[0]);
	EACH(i, w.t) was[i] = lam[i] - was[i];
	blockSync();
	addCT(a, w, e, was, w.v(RD0), 1);
	lacking(a, w, l);
	return true;
}

// survey computes the figures of the iterate, as far as the space of the
// constraints tells them, and looks whether to stop. y follows the steps; afresh, it is
// computed.
template <class V> FUN void survey(const Args& a, const Work<V>& w, Loop& l, bool afresh) {
	const bool asked = tid() == 0 && stopping(a);
	if (afresh) mulR(w, w.c(LAM), w.c(CDZ));
	f64 v[8] = {0, 0, 0, 0, 0, 0, 0, 0}; // μ, gap, λᵀ(y₀−y); violation, |y| of rows, |μ| of bounds, |λ|·w, stop
	EACH(i, w.t) {
		const f64 y0 = w.c(Y0)[i], y = afresh ? y0 - w.c(CDZ)[i] + l.kappa * w.c(E0)[i] : w.c(Y)[i];
		const f64 lam = w.c(LAM)[i], up = w.c(UP)[i], lo = w.c(LO)[i];
		w.c(Y)[i] = y;
		if (w.kind[i] == 0) continue;
		v[0] += w.c(SU)[i] * w.c(LU)[i] + w.c(SL)[i] * w.c(LL)[i];
		v[1] += lam > 0 ? lam * (up - y) : lam < 0 ? lam * (lo - y) : 0;
		v[2] += lam * (y0 - y);
		v[3] = larger(v[3], larger(y - up, lo - y));
		if (i < w.m) v[4] = larger(v[4], size(y));
		else v[5] = larger(v[5], size(lam));
		v[6] = larger(v[6], size(lam) * w.c(NC)[i]);
	}
	if (asked) v[7] = 1;
	reduce<3, 5>(v, w.room);
	Figures f;
	f.value = l.f0 + v[2] / 2;
	f.primal = larger(v[3], l.kappa * l.ra0);
	f.dual = l.kappa * l.rd0;
	f.gap = size(v[1]);
	f.primalScale = larger(l.nb, v[4]);
	f.dualScale = larger(l.lin, v[5]);
	f.gapScale = size(f.value);
	const f64 mu = l.sides > 0 ? v[0] / l.sides : 0;
	if (!(f.primal < INF && f.gap < INF && mu < INF && f.gapScale < INF)) f.primal = INF;
	const f64 x = excess(f, a.epsAbs, a.epsRel);
	once([&] { l.at = f, l.mu = mu, l.excess = x, l.largest = v[6], l.stop = v[7] != 0; });
}

// renew computes y afresh where steps come from a factor in float32. Newton's method
// then takes up in its next step what this one has left: that is a refinement, with the
// residual in float64. It returns false if it gains too little: if y was off by more
// than a tenth of the last step.
template <class V> FUN bool renew(const Work<V>& w, Loop& l) {
	const V *y = w.c(Y), *dy = w.c(CDZ);
	V* product = w.c(RHS);
	mulR(w, w.c(LAM), product);
	f64 v[2] = {0, 0}; // how far y is off, and the step
	EACH(i, w.t) {
		if (w.kind[i] == 0) continue;
		const f64 now = w.c(Y0)[i] - product[i] + l.kappa * w.c(E0)[i];
		v[0] = larger(v[0], size(now - y[i]) / w.c(NC)[i]);
		v[1] = larger(v[1], size(l.step * dy[i]) / w.c(NC)[i]);
		w.c(Y)[i] = now;
	}
	reduce<0, 2>(v, w.room);
	const bool gains = l.fresh == 0 || v[0] <= GAIN * v[1];
	once([&] { l.fresh = 1; });
	return gains;
}

// fall gives float32 up, for this element.
template <class V> DEV void fall(Work<V>& w, Loop& l) {
	blockSync();
	if (tid() == 0) w.single = nullptr;
	once([&] { l.fell = 1, l.since = l.tiny = 0, l.lastExcess = l.lastMu = INF; });
	blockSync();
}

// What a direction aims at. With q the right-hand side of s dλ + λ ds = −q, of each side,
//
//	affine   q = sλ                  no slack, or no multiplier
//	centred  q = sλ + ds dλ − σμ     Mehrotra's, with the affine direction's ds and dλ
//	evened   q −= c                  Gondzio's: at a longer step α′, c brings the product
//	                                 (s + α′ds)(λ + α′dλ) to between half and twice σμ
enum Aim { affine, centred, evened };

DEV f64 aimed(Aim aim, f64 q, f64 s, f64 l, f64 ds, f64 dl, f64 target, f64 far) {
	if (aim != evened) return aim == affine ? s * l : s * l - target + ds * dl;
	const f64 v = (s + far * ds) * (l + far * dl), least = EVENLY * target, most = target / EVENLY;
	return q - larger(smaller(larger(v, least), most) - v, -most);
}

// Step is a direction's: how long it may be, as a fraction of the way to the boundary,
// and Σ ds dλ.
struct Step {
	f64 length, cross;
};

// direct solves for a direction: dλ in DIAG, dy in CDZ, those of slacks and multipliers,
// as far as the fraction. The steps of y follow from the system,
// dy = −R dλ − κe₀ = D⁻¹dλ + rλ.
template <class V> FUN Step direct(const Args& a, const Work<V>& w, const Loop& l, Aim aim, f64 target, f64 far, f64 fraction) {
	V *x = w.c(DIAG), *rhs = w.c(RHS);
	EACH(i, w.T) {
		const int k = w.kind[i];
		const f64 su = w.c(SU)[i], lu = w.c(LU)[i], ru = w.c(RU)[i], d = w.c(DINV)[i];
		f64 h = 0;
		if (k & hasUpper) {
			const f64 q = aimed(aim, w.c(QU)[i], su, lu, w.c(DSU)[i], w.c(DLU)[i], target, far);
			w.c(QU)[i] = q;
			h -= over(lu * ru - q, su);
		}
		if (k & hasLower) {
			const f64 sl = w.c(SL)[i], ll = w.c(LL)[i];
			const f64 q = aimed(aim, w.c(QL)[i], sl, ll, w.c(DSL)[i], w.c(DLL)[i], target, far);
			w.c(QL)[i] = q;
			h += over(ll * w.c(RL)[i] - q, sl);
		}
		const f64 r = k == 0 ? 0 : k == fixedSides ? -ru : d * h;
		rhs[i] = r;
		x[i] = d < INF ? -l.kappa * w.c(E0)[i] - r : 0;
	}
	blockSync();
	solveAll(w, x);
	const f64 gamma = w.s.num[stageMaxQ];
	f64 v[2] = {0, fraction}; // Σ ds dλ; 1/α, times the fraction
	EACH(i, w.t) {
		const int k = w.kind[i];
		const f64 d = w.c(DINV)[i], dl = x[i], nc = w.c(NC)[i];
		const f64 c = d < INF ? rhs[i] + (d + delta(w.c(R0)[i])) * dl : 0;
		w.c(CDZ)[i] = c;
		if (!(k & (hasUpper | hasLower))) continue;
		const f64 su = w.c(SU)[i], lu = w.c(LU)[i], sl = w.c(SL)[i], ll = w.c(LL)[i];
		f64 dsu = 0, dlu = 0, dsl = 0, dll = 0;
		if (k & hasUpper) {
			dsu = -w.c(RU)[i] - c;
			dlu = -over(lu * dsu + w.c(QU)[i], su);
		}
		if (k & hasLower) {
			dsl = -w.c(RL)[i] + c;
			dll = -over(ll * dsl + w.c(QL)[i], sl);
		}
		if (d * gamma < nc * nc) {
			if (lu * sl > ll * su) {
				dlu = dl + dll;
				dsu = -over(su * dlu + w.c(QU)[i], lu);
			} else if (k & hasLower) {
				dll = dlu - dl;
				dsl = -over(sl * dll + w.c(QL)[i], ll);
			}
		}
		w.c(DSU)[i] = dsu, w.c(DLU)[i] = dlu, w.c(DSL)[i] = dsl, w.c(DLL)[i] = dll;
		v[0] += dsu * dlu + dsl * dll;
		if (dsu < 0) v[1] = larger(v[1], -over(dsu, su));
		if (dlu < 0) v[1] = larger(v[1], -over(dlu, lu));
		if (dsl < 0) v[1] = larger(v[1], -over(dsl, sl));
		if (dll < 0) v[1] = larger(v[1], -over(dll, ll));
	}
	reduce<1, 1>(v, w.room);
	return Step{fraction / v[1], v[0]};
}

// iterate takes one step. R is on its way to the factor's place, and will be on its
// way there again. It returns false if the matrix has no factor.
template <class V> FUN bool iterate(const Args& a, const Work<V>& w, Loop& l) {
	V *d = w.c(DINV), *x = w.c(DIAG);
	EACH(i, w.T) { // what is read, before anything is written
		const int k = w.kind[i];
		const f64 y = w.c(Y)[i], up = w.c(UP)[i], lo = w.c(LO)[i], su = w.c(SU)[i], sl = w.c(SL)[i], lu = w.c(LU)[i], ll = w.c(LL)[i];
		w.c(RU)[i] = k & hasUpper ? (y - up) + su : k == fixedSides ? y - up : 0;
		w.c(RL)[i] = k & hasLower ? (lo - y) + sl : 0;
		const f64 above = k == hasLower ? sl : k == hasUpper ? su : su * sl, below = k == hasLower ? ll : k == hasUpper ? lu : lu * sl + ll * su;
		d[i] = k == 0 ? INF : k == fixedSides ? 0 : over(above, below);
	}
	blockSync();
	if (!factorAll(w)) return false;
	Step s = direct(a, w, l, affine, 0, 0, 1);
	// What μ would be there, relative to μ.
	const f64 part = 1 - s.length + s.length * s.length * s.cross / (l.sides * l.mu);
	const f64 sigma = smaller(1, larger(0, part * part * part)), target = sigma * l.mu, fraction = smaller(BOUNDARY, 1 - CAUTION * part);
	s = direct(a, w, l, centred, target, 0, fraction);
	for (int c = 0; c < CORRECTORS && s.length < ENOUGH; c++) {
		const f64 was = s.length;
		s = direct(a, w, l, evened, target, smaller(1, was + REACH), fraction);
		if (s.length < was + WORTH * REACH) break;
	}
	fetchR(w);
	const f64 step = s.length;
	if (!(step == step)) return false;
	EACH(i, w.t) {
		const int k = w.kind[i];
		const f64 su = w.c(SU)[i], sl = w.c(SL)[i], lu = w.c(LU)[i], ll = w.c(LL)[i], lam = w.c(LAM)[i], y = w.c(Y)[i];
		const f64 dsu = w.c(DSU)[i], dsl = w.c(DSL)[i], dlu = w.c(DLU)[i], dll = w.c(DLL)[i], dy = w.c(CDZ)[i], dl = x[i];
		const f64 u = k & hasUpper ? lu + step * dlu : lu, v = k & hasLower ? ll + step * dll : ll;
		if (k & hasUpper) w.c(SU)[i] = su + step * dsu, w.c(LU)[i] = u;
		if (k & hasLower) w.c(SL)[i] = sl + step * dsl, w.c(LL)[i] = v;
		w.c(LAM)[i] = k == fixedSides ? lam + step * dl : u - v;
		w.c(Y)[i] = y + step * dy;
	}
	blockSync();
	once([&] { l.kappa *= 1 - step, l.step = step, l.iter++; });
	return true;
}
