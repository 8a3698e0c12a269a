// One element from its data to its answers.
#pragma once
#include "interior.h"

// classify guesses the active set at the iterate, with the scales that it takes.
template <class V> FUN void classify(const Args& a, Work<V>& w, int e, f64& zs, f64& gs) {
	f64 v[2] = {0, 0};
	EACH(i, w.t) {
		v[0] = larger(v[0], over(size(w.c(Y)[i]), w.c(NC)[i]));
		v[1] = larger(v[1], size(w.c(LAM)[i]) * w.c(NC)[i]);
	}
	reduce<0, 2>(v, w.room);
	zs = v[0] > 0 ? v[0] : 1;
	gs = v[1] > 0 ? v[1] : 1;
	guess(a, w, zs, gs);
}

// finish tries to end the element: at the point of its active set, or where the
// iterate stands. The iterate passes the test as far as the loop can tell, unless
// early. least is the pivot of the active set.
template <class V> FUN int finish(const Args& a, Work<V>& w, int e, bool early, f64 zs, f64 gs, Figures& f, f64& least) {
	if (a.polish && polish(a, w, e, zs, gs, early ? EARLY_TRIES : TRIES, f, least)) return solved;
	if (early) return fresh;
	recover(a, w, e, 0);
	f = measure(a, w, e);
	if (excess(f, a.epsAbs, a.epsRel) <= 1) return plain;
	// What rounding left of stationarity and Az = b.
	V *z = w.v(DZ), *nu = w.w(DNU);
	EACH(j, w.N) z[j] = j < w.n ? -w.v(RD)[j] : 0;
	EACH(i, w.P) nu[i] = i < w.p ? -w.w(RA)[i] : 0;
	blockSync();
	equality(w, z, nu);
	EACH(j, w.n) w.v(Z)[j] += z[j];
	EACH(i, w.p) w.w(NU)[i] += nu[i];
	blockSync();
	f = measure(a, w, e);
	return excess(f, a.epsAbs, a.epsRel) <= 1 ? plain : fresh;
}

// Progress as package qp judges it: progress notes it, stuck says whether the run is
// over.
DEV void progress(const Args& a, Loop& l, const Figures& f) {
	if (l.excess < STALL * l.lastExcess || (l.mu < STALL * l.lastMu && l.mu * l.sides > a.epsAbs + a.epsRel * f.gapScale)) {
		l.lastExcess = smaller(l.excess, l.lastExcess);
		l.lastMu = smaller(l.mu, l.lastMu);
		l.since = 0;
	} else {
		l.since++;
	}
	if (l.iter > 0 && l.step < TINY) l.tiny++;
}

DEV bool stuck(const Loop& l) { return l.since >= STALLED || l.tiny >= 2 || !(l.excess < INF); }

DEV void traced(const Args& a, int e, const Loop& l) {
	if (!a.trace || !chief()) return;
	const Figures& f = l.at;
	f64* t = a.trace + (i64)e * numTrace;
	t[traceIter] = l.iter, t[traceValue] = f.value, t[tracePrimal] = f.primal, t[traceDual] = f.dual, t[traceGap] = f.gap;
	t[traceMu] = l.mu, t[traceP] = l.step, t[traceD] = l.step;
}

// run takes the element from where it is to a code, with the figures in f.
template <class V> FUN int run(const Args& a, Work<V>& w, int e, Loop& l, Figures& f, f64& least) {
	if (l.sides == 0) { // equalities, or nothing
		if (!a.polish) return back;
		EACH(i, w.t) w.cls[i] = w.kind[i] == fixedSides ? atUpper : inactive;
		blockSync();
		return polish(a, w, e, 1, 1, TRIES, f, least) ? solved : back;
	}
	bool coming = false; // R, to the factor's place
	for (int k = 0;; k++) {
		if (k >= a.steps) {
			fetched();
			return running;
		}
		if (w.single && l.excess <= EARLY && !renew(w, l)) {
			fall(w, l);
			coming = false;
		}
		survey(a, w, l, false);
		const bool done = l.excess <= 1, early = !done && a.polish && l.excess <= EARLY && l.tried < ATTEMPTS;
		if (done || early) {
			fetched();
			blockSync();
			coming = false;
			f64 zs = 1, gs = 1;
			if (a.polish) classify(a, w, e, zs, gs);
			once([&] { l.tried++; });
			const int code = finish(a, w, e, early, zs, gs, f, least);
			if (code != fresh) {
				once([&] { l.at = f; });
				traced(a, e, l);
				return code;
			}
			if (done) {
				if (l.anchors >= ANCHORS) {
					f = l.at;
					return left;
				}
				// y as it is: what R λ lost to rounding goes into y₀.
				mulR(w, w.c(LAM), w.c(CDZ));
				EACH(i, w.t) w.c(Y0)[i] = w.c(Y)[i] + w.c(CDZ)[i], w.c(E0)[i] = 0;
				once([&] { l.anchors++, l.kappa = 0; });
				blockSync();
			}
			survey(a, w, l, true); // y was overwritten
		}
		once([&] { progress(a, l, l.at); });
		if (w.single && stuck(l) && !l.stop) {
			fall(w, l);
			coming = false;
			survey(a, w, l, true);
		}
		if (l.stop || stuck(l) || l.iter >= a.maxIter || l.largest > 1e9 * l.cost) {
			fetched();
			f = l.at;
			return l.stop ? stopped : left;
		}
		traced(a, e, l);
		if (!coming) fetchR(w);
		coming = iterate(a, w, l);
		if (!coming) {
			if (!w.single) {
				f = l.at;
				return left;
			}
			fall(w, l);
		}
	}
}

// store writes the iterate, and what is wanted of the answers.
template <class V> FUN void store(const Args& a, const Work<V>& w, int e, int code, const Loop& l, const Figures& f) {
	f64* x = a.x + (i64)e * iterateSize(a);
	f64 zs = 1, gs = 1;
	if (code == solved) {
		const Scales s = scales(a, w, e);
		zs = s.z, gs = s.g;
	}
	if (!first()) return;
	EACH(j, w.n) x[j] = w.v(Z)[j];
	EACH(i, w.p) x[w.n + i] = w.w(NU)[i];
	x += w.n + w.p;
	EACH(i, w.t) {
		const int k = w.kind[i];
		const f64 n = w.c(NC)[i], lam = w.c(LAM)[i], y = w.c(Y)[i];
		f64 su = w.c(SU)[i], sl = w.c(SL)[i], lu = w.c(LU)[i], ll = w.c(LL)[i];
		if (code == solved) { // slacks and multipliers of the point, inside
			const f64 s = 1e-12 * n * zs, m = 1e-12 * gs / n;
			su = k & hasUpper ? larger(w.c(UP)[i] - y, s) : 1, lu = k & hasUpper ? larger(lam, m) : 0;
			sl = k & hasLower ? larger(y - w.c(LO)[i], s) : 1, ll = k & hasLower ? larger(-lam, m) : 0;
		}
		x[i] = lam, x[w.t + i] = su, x[2 * w.t + i] = sl, x[3 * w.t + i] = lu, x[4 * w.t + i] = ll;
	}
	if (code == solved) EACH(i, w.t) a.classes[(i64)e * w.t + i] = w.cls[i];
	if (code == solved || code == plain) {
		if (a.out[0]) EACH(j, w.n) a.out[0][(i64)e * w.n + j] = w.v(Z)[j];
		if (a.out[1] && tid() == 0) a.out[1][e] = f.value;
		if (a.out[2]) EACH(i, w.p) a.out[2][(i64)e * w.p + i] = w.w(NU)[i];
		if (a.out[3]) EACH(i, w.m) a.out[3][(i64)e * w.m + i] = w.c(LAM)[i];
		if (a.out[4]) EACH(j, w.n) a.out[4][(i64)e * w.n + j] = w.t > w.m ? w.c(LAM)[w.m + j] : 0;
		if (a.out[5]) EACH(i, w.m) a.out[5][(i64)e * w.m + i] = w.c(UP)[i] - w.c(Y)[i];
	}
	if (tid() == 0) {
		f64* info = a.info + (i64)e * numInfo;
		info[infoIter] = l.iter, info[infoValue] = f.value;
		info[infoPrimal] = f.primal, info[infoDual] = f.dual, info[infoGap] = f.gap;
	}
}

template <class V> DEV void solveElement(const Args& a, Work<V>& w, int e) {
	if (tid() == 0) {
		w.s = stageAt(a, e);
		if (a.mixed) w.single = single(w.place), w.far = a.factors + (i64)e * lowSize(w.t);
	}
	blockSync();
	const int was = a.code[e];
#ifdef GROUP
	if (chief()) front().count[16] = a.stop && *(volatile int*)a.stop != 0;
	syncAll();
#endif
	if (was != fresh && was != running) return;
	if (first()) EACH(i, numInfo) a.info[(i64)e * numInfo + i] = 0;
	blockSync();
	Loop& l = ((Loop*)w.own)[warp()];
	Figures f = {};
	f64 least = INF;
	int code = back;
	if (w.r) {
		fetch(w.r, w.s.r, w.T * w.T);
		fetched();
		blockSync();
		if (tid() == 0) w.s.r = w.r;
		blockSync();
	}
	if (w.s.num[stageOK] != 0 && load(a, w, e, l)) {
		bool going = true;
		if (was == running) {
			keep(a, w, e, l, false);
		} else {
			origin(a, w, e, l);
			if (l.sides > 0) going = (a.warm[0] && warmUp(a, w, e, l)) || cold(a, w, e, l);
		}
		if (going) code = run(a, w, e, l, f, least);
	}
	fetched();
	blockSync();
	if (code == running) {
		keep(a, w, e, l, true);
	} else if (code != back) {
		if (code == left || code == stopped) recover(a, w, e, l.kappa);
		store(a, w, e, code, l, f);
		if (chief()) a.info[(i64)e * numInfo + infoFell] = l.fell;
		if (code == solved) {
			assess(a, w, e, least, a.info + (i64)e * numInfo);
			if (chief()) a.info[(i64)e * numInfo + infoCount] = w.active;
			if (a.factors) {
				f64* to = a.factors + (i64)e * lowSize(w.t);
#ifdef GROUP
				copyLow(to, w.factor, w.active);
#else
				EACH(i, lowSize(w.active)) to[i] = w.factor[i];
#endif
			}
		}
	}
	syncAll();
	if (chief()) a.code[e] = code;
}
