// The active set at an iterate, and the point that it determines: the solution of
// the optimality conditions with the active constraints as equalities
// (docs/THEORY.md, section 6).
#pragma once
#include "element.h"

#define WRONG 1e-9    // a multiplier or slack of the wrong sign, dimensionless
#define SINGULAR 1e-8 // relative pivot of R below which no set is tried
#define FITS 1e-8     // relative residual of a point that fits its active set
#define CLEAN 1e-10   // and of one that is not refined
#define WEAK 1e-6     // slack and multiplier, dimensionless, of a weakly active row
#define TRIES 6       // active sets tried

template <class V> DEV f64 sideOf(const Work<V>& w, int i) { return w.cls[i] == atLower ? w.c(LO)[i] : w.c(UP)[i]; }

// recover sets z and ν to what stationarity and Az = b make of the multipliers:
// with κ, of an iterate that lacks a part κ of what it began with.
template <class V> FUN void recover(const Args& a, const Work<V>& w, int e, f64 kappa) {
	const f64 *lin = at(a, P_, e, w.n), *b = at(a, B_, e, w.p);
	V *z = w.v(Z), *nu = w.w(NU);
	EACH(j, w.N) z[j] = j < w.n ? kappa * w.v(RD0)[j] - lin[j] : 0;
	EACH(i, w.P) nu[i] = i < w.p ? b[i] + kappa * w.w(RA0)[i] : 0;
	blockSync();
	addCT(a, w, e, w.c(LAM), z, -1);
	equality(w, z, nu);
}

// correct moves the point by what K⁻¹ makes of its residuals, once.
template <class V> FUN Figures correct(const Args& a, const Work<V>& w, int e) {
	V *z = w.v(Z), *nu = w.w(NU), *lam = w.c(LAM);
	EACH(j, w.N) w.v(DZ)[j] = j < w.n ? -w.v(RD)[j] : 0;
	EACH(i, w.P) w.w(DNU)[i] = i < w.p ? -w.w(RA)[i] : 0;
	EACH(i, w.T) w.c(CDZ)[i] = i < w.t && w.cls[i] != inactive ? sideOf(w, i) - w.c(Y)[i] : 0;
	blockSync();
	kkt(a, w, e, w.factor);
	EACH(j, w.n) z[j] += w.v(DZ)[j];
	EACH(i, w.p) nu[i] += w.w(DNU)[i];
	EACH(i, w.t)
		if (w.cls[i] != inactive) {
			const f64 l = lam[i] + w.c(CDZ)[i];
			const bool wrong = w.kind[i] != fixedSides && (w.cls[i] == atUpper ? l < 0 : l > 0);
			lam[i] = wrong ? 0 : l;
		}
	blockSync();
	return measure(a, w, e);
}

// Scales make slacks and multipliers dimensionless, as package qp does.
struct Scales {
	f64 z, g;
};

template <class V> FUN Scales scales(const Args& a, const Work<V>& w, int e) {
	const f64 *lin = at(a, P_, e, w.n), *b = at(a, B_, e, w.p);
	const f64 curved = w.s.num[stageMaxQ];
	f64 v[5] = {0, 0, 0, 0, 0}; // |p|, lengths, g of rows, 1/least side, |z|
	EACH(j, w.n) {
		v[0] = larger(v[0], size(lin[j]));
		v[4] = larger(v[4], size(w.v(Z)[j]));
	}
	EACH(i, w.p) {
		v[1] = larger(v[1], size(b[i]) / w.s.na[i]);
		v[2] = larger(v[2], size(w.w(NU)[i]) * w.s.na[i]);
	}
	EACH(i, w.t) {
		const f64 n = w.c(NC)[i], lo = absolute(w.c(LO)[i]), up = absolute(w.c(UP)[i]);
		v[2] = larger(v[2], size(w.c(LAM)[i]) * n);
		if (lo > 0) v[3] = larger(v[3], n / lo);
		if (up > 0) v[3] = larger(v[3], n / up);
	}
	reduce<0, 5>(v, w.room);
	Scales s;
	s.g = larger(v[0], v[2]);
	f64 length = larger(v[0] / curved, v[1]);
	if (length == 0 && v[3] > 0) length = 1 / v[3];
	s.z = v[4] > 1e-6 * length ? v[4] : length;
	if (s.z == 0) s.z = 1;
	if (!(s.g > 1e-6 * curved * s.z)) s.g = curved * s.z;
	return s;
}

// guess classifies by what is larger, slack or multiplier.
template <class V> FUN void guess(const Args& a, const Work<V>& w, f64 zs, f64 gs) {
	EACH(i, w.t) {
		const int k = w.kind[i];
		const f64 n = w.c(NC)[i];
		int c = inactive;
		if (k == fixedSides) {
			c = w.c(LAM)[i] >= 0 ? atUpper : atLower;
		} else {
			const bool up = k & hasUpper && w.c(LU)[i] * n / gs > w.c(SU)[i] / (n * zs);
			const bool lo = k & hasLower && w.c(LL)[i] * n / gs > w.c(SL)[i] / (n * zs);
			if (up && (!lo || w.c(LU)[i] * w.c(SL)[i] > w.c(LL)[i] * w.c(SU)[i])) c = atUpper;
			else if (lo) c = atLower;
		}
		w.cls[i] = c;
	}
	blockSync();
}

// misses makes inactive constraints active that y, or from − y, violates, and says
// whether there are any.
template <class V> FUN bool misses(const Work<V>& w, const V* y, const V* from, f64 zs) {
	bool moved = false;
	EACH(i, w.t)
		if (w.cls[i] == inactive && w.kind[i] & (hasUpper | hasLower)) {
			const f64 at = y ? from[i] - y[i] : from[i], up = w.c(UP)[i] - at, lo = at - w.c(LO)[i];
			if (smaller(up, lo) < -WRONG * w.c(NC)[i] * zs) {
				w.cls[i] = up < lo ? atUpper : atLower;
				moved = true;
			}
		}
	return any(moved, w.room);
}

// polish looks for the active set, beginning with the classes at hand. It returns
// whether the point that belongs to it passes the test; if not, the multipliers are
// what they were. least is the smallest pivot. Sets are held
// against the constraints in their own space first, so that z is not computed in vain.
template <class V> FUN bool polish(const Args& a, Work<V>& w, int e, f64 zs, f64 gs, int tries, Figures& f, f64& least) {
	V *lam = w.c(LAM), *was = w.c(RL);
	EACH(i, w.t) was[i] = lam[i];
	blockSync();
	for (; tries > 0; tries--) {
		least = factorActive(w);
		if (!(least > SINGULAR)) break;
		V* x = w.c(DSU);
		EACH(i, w.active) x[i] = w.c(Y0)[w.list[i]] - sideOf(w, w.list[i]);
		solveActive(w, w.factor, x);
		bool moved = false;
		EACH(i, w.t) lam[i] = 0;
		blockSync();
		EACH(k, w.active) {
			const int i = w.list[k];
			f64 l = x[k];
			if (w.kind[i] != fixedSides) {
				const f64 sign = w.cls[i] == atUpper ? 1 : -1;
				if (sign * l * w.c(NC)[i] < -WRONG * gs) {
					w.cls[i] = inactive;
					moved = true;
				}
				if (sign * l < 0) l = 0;
			}
			lam[i] = l;
		}
		if (any(moved, w.room)) continue;
		mulR(w, lam, w.c(CDZ));
		if (misses(w, w.c(CDZ), w.c(Y0), zs)) continue;
		recover(a, w, e, 0);
		f = measure(a, w, e);
		if (misses(w, (V*)nullptr, w.c(Y), zs)) continue;
		if (excess(f, 1, 1) > CLEAN) f = correct(a, w, e);
		if (!(excess(f, 1, 1) <= FITS && excess(f, a.epsAbs, a.epsRel) <= 1)) break;
		EACH(i, w.t)
			if (w.kind[i] == fixedSides) w.cls[i] = lam[i] >= 0 ? atUpper : atLower;
		blockSync();
		return true;
	}
	EACH(i, w.t) lam[i] = was[i];
	blockSync();
	return false;
}

// assess writes what the certificate says of the polished point.
template <class V> FUN void assess(const Args& a, const Work<V>& w, int e, f64 least, f64* info) {
	const Scales s = scales(a, w, e);
	f64 v[4] = {0, 0, 0, 0}; // active, weak; error, 1/margin
	EACH(j, w.n) v[2] = larger(v[2], size(w.v(RD)[j]) / s.g);
	EACH(i, w.p) v[2] = larger(v[2], size(w.w(RA)[i]) / (w.s.na[i] * s.z));
	f64 margin = INF;
	EACH(i, w.t) {
		const int k = w.kind[i];
		if (k == 0) continue;
		const f64 n = w.c(NC)[i], y = w.c(Y)[i];
		if (k == fixedSides) {
			v[0] += 1;
			v[2] = larger(v[2], absolute(w.c(UP)[i] - y) / (n * s.z));
			continue;
		}
		const bool on = w.cls[i] != inactive;
		f64 slack = absolute(on ? sideOf(w, i) - y : smaller(absolute(w.c(UP)[i] - y), absolute(y - w.c(LO)[i]))) / (n * s.z);
		if (on) v[2] = larger(v[2], slack);
		const f64 mult = absolute(w.c(LAM)[i]) * n / s.g;
		margin = smaller(margin, larger(slack, mult));
		if (slack <= WEAK && mult <= WEAK) v[1] += 1;
		else if (on) v[0] += 1;
	}
	v[3] = 1 / margin;
	reduce<2, 2>(v, w.room);
	if (chief()) {
		info[infoMargin] = v[3] == 0 ? INF : 1 / v[3];
		info[infoError] = v[2];
		f64 c = smaller(least, w.s.num[stageLeastQ]);
		if (w.p > 0) c = smaller(c, w.s.num[stageLeastS]);
		info[infoRCond] = c;
		info[infoActive] = v[0];
		info[infoWeak] = v[1];
	}
}
