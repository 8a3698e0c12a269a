// One element and its vectors, and the solution of its KKT systems.
#pragma once
#include "prepare.h"

// Vectors by their names: of the constraints, of z, and of the rows of A. Sides: U
// is the upper one, L the lower.
enum { LAM, SU, SL, LU, LL, Y0, Y, E0, LO, UP, NC, R0, DINV, RU, RL, QU, QL, RHS, DSU, DSL, DLU, DLL, CDZ, DIAG, TT, numT };
enum { Z, QZ, ATN, GTL, RD, RD0, RZ, DZ, TZ, numN };
enum { NU, AZ, RA, RA0, RN, DNU, TN, numP };
enum { numReduce = 24, numOwn = 28 };

// Work is a block's view of an element. It lies in shared memory, and so do vectors if V
// is Near.
template <class V> struct Work {
	V* base;        // vectors: numT of length T, numN of N, numP of P
	Whole<V>* kind; // T: Kind of each constraint
	Whole<V>* cls;  // T: Class
	Whole<V>* list; // T: the active constraints
	V* room;        // for reduce and productT
	V* own;         // of each warp: its Loop
	f64* factor;    // of R on the active set, a Low; one of these:
	f64* far;       // Low(t): of R + D⁻¹ too
	f64* place;     // of area numbers, which may be nearer
	Single* single; // there too: of R + D⁻¹ in float32; null: in float64
	int area;
	f64* r; // T×T in shared memory; null: R is read where the stage is
	Stage s;
	int n, p, m, t, N, P, T;
	int active; // how many constraints are in list

	METHOD V* c(int k) const { return base + k * T; }
	METHOD V* v(int k) const { return base + numT * T + k * N; }
	METHOD V* w(int k) const { return base + numT * T + numN * N + k * P; }
};

DEV int roomSize() { return max(threads(), numReduce * warps()); }

DEV i64 workSize(int n, int p, int t) { // without the factor
	const int T = pad16(t);
	return numT * T + numN * pad16(n) + numP * pad16(p) + 3 * T / 2 + 8 + roomSize() + numOwn * warps();
}

template <class V> DEV void view(Work<V>& w, const Args& a, V* vectors, f64* factor, f64* r) {
	w.n = a.n, w.p = a.p, w.m = a.m, w.t = a.t;
	w.N = pad16(a.n), w.P = pad16(a.p), w.T = pad16(a.t);
	w.base = vectors;
	V* x = vectors + numT * w.T + numN * w.N + numP * w.P;
	w.room = x, x += roomSize();
	w.own = x, x += numOwn * warps();
	w.kind = (Whole<V>*)x, w.cls = w.kind + w.T, w.list = w.cls + w.T;
	w.factor = w.far = w.place = factor;
	w.area = a.inShared & placeSingle ? singleSize(a.t) : lowSize(a.t);
	w.single = nullptr;
	w.r = r;
	w.active = 0;
}

// equality: (z, ν) solves [Q Aᵀ; A 0](z, ν) = (z, ν).
template <class V> FUN void equality(const Work<V>& w, V* z, V* nu) {
	V *t = w.v(TZ), *tn = w.w(TN);
	mulFar(w.s.l, w.n, z, t);
	if (w.p > 0) {
		product(w.p, w.n, w.s.v, wide(w.n), t, nu, -1, 1);
		blockSync();
		mulFar(w.s.s, w.p, nu, tn);
		mulLowT(w.s.s, w.p, tn, nu, w.room);
		productT(w.p, w.n, w.s.v, wide(w.n), nu, t, 1, -1, w.room);
	}
	mulLowT(w.s.l, w.n, t, z, w.room);
}

// mulC: y = C x. No barrier at the end.
template <class V> FUN void mulC(const Args& a, const Work<V>& w, int e, const V* x, V* y) {
	if (w.m > 0) product(w.m, w.n, at(a, G_, e, (i64)w.m * w.n), w.n, x, y, 0, 1);
	EACH(j, w.t - w.m) y[w.m + j] = x[j];
}

// addCT: x += sign·Cᵀ y. Ends in a barrier.
template <class V> FUN void addCT(const Args& a, const Work<V>& w, int e, const V* y, V* x, f64 sign) {
	if (w.m > 0) productT(w.m, w.n, at(a, G_, e, (i64)w.m * w.n), w.n, y, x, 1, sign, w.room);
	EACH(j, w.t - w.m) x[j] += sign * y[w.m + j];
	blockSync();
}

// mulQ: y = Q x. No barrier at the end.
template <class V> FUN void mulQ(const Args& a, const Work<V>& w, int e, const V* x, V* y) {
	if (a.form == dense) {
		product(w.n, w.n, at(a, Q_, e, (i64)w.n * w.n), w.n, x, y, 0, 1);
		return;
	}
	const f64* q = at(a, Q_, e, w.n);
	EACH(j, w.n) y[j] = q[j] * x[j];
}

// mulR: y = R x, R being symmetric. Ends in a barrier.
template <class V> FUN void mulR(const Work<V>& w, const V* x, V* y) {
#ifdef GROUP
	product(w.t, w.t, w.s.r, w.T, x, y, 0, 1);
	blockSync();
#else
	productT(w.t, w.t, w.s.r, w.T, x, y, 0, 1, w.room);
#endif
}

// place16 copies the lower triangle of a symmetric matrix into a Low, by tiles, with
// several loads under way: entry says what stands at a place within n, and is called
// for others too.
template <class Entry> DEV void place16(f64* low, int n, Entry entry) {
	const int blocks = pad16(n) / 16, count = blocks * (blocks + 1) / 2 * 256;
	int I = 0, start = 0; // block row, and the number of its first tile
	for (int first = tid(); first < count; first += 8 * threads()) {
		f64 x[8];
		int to[8];
#pragma unroll
		for (int u = 0; u < 8; u++) {
			const int at = min(first + u * threads(), count - 1), c = at / 256;
			while (c > start + I) start += ++I;
			const int i = at / 16 % 16, j = 16 * (c - start) + at % 16;
			to[u] = lowOffset(I) + i * lowStride(I) + j;
			x[u] = entry(16 * I + i, j);
		}
#pragma unroll
		for (int u = 0; u < 8; u++) low[to[u]] = x[u];
	}
	blockSync();
}

template <class V> FUN void enumerate(Work<V>& w);

#ifdef GROUP
template <class V> DEV void fetchR(const Work<V>&) {}

// factorAll and factorActive are those of a block, but that factor copies R.
template <class V> FUN bool factorAll(const Work<V>& w) {
	const V* d = w.c(DINV);
	const int t = w.t, T = w.T;
	V *diag = w.c(DIAG), *on = w.c(TT);
	const f64* low = w.s.low;
	EACH(i, T) {
		on[i] = i < t && d[i] < INF ? 1 : 0;
		diag[i] = on[i] != 0 ? diagonalAt(w.s.low, i) + d[i] + delta(w.c(R0)[i]) : 1;
	}
	blockSync();
	start(w.factor, T / 16, false, [&](int i, int j) { return low + lowOffset(i / 16) + i % 16 * lowStride(i / 16) + j; },
		[&](int i, int j, f64 x) { return i == j ? diag[i] : x * (on[i] * on[j]); });
	const f64 least = invert(w.factor, t, diag, w.room);
	if (chief()) front().count[16] = front().stop && *(volatile const int*)front().stop != 0;
	return least > 0;
}

template <class V> FUN f64 factorActive(Work<V>& w) {
	enumerate(w);
	const int k = w.active, T = w.T, blocks = pad16(k) / 16;
	const Whole<V>* list = w.list;
	const f64* r = w.s.r;
	V* diag = w.c(DIAG);
	EACH(i, pad16(k)) diag[i] = i < k ? larger(r[(i64)list[i] * T + list[i]], w.c(R0)[list[i]]) : 1;
	blockSync();
	start(w.factor, blocks, false, [&](int i, int j) { return r + (i64)list[min(i, k - 1)] * T + list[min(j, k - 1)]; },
		[&](int i, int j, f64 x) { return i < k && j < k ? x : i == j ? 1 : 0; });
	return invert(w.factor, k, diag, w.room);
}

DEV bool stopping(const Args&) { return ((volatile unsigned*)front().count)[16] != 0; } // as the last factorAll saw it
#else
DEV bool stopping(const Args& a) { return a.stop && *(volatile int*)a.stop != 0; }

// fetchR has R copied to where it will be factored, which nobody may use until
// factorAll or fetched.
template <class V> DEV void fetchR(const Work<V>& w) {
	if (w.single) fetch(w.place, w.s.single, singleSize(w.t));
	else fetch(w.far, w.s.low, lowSize(w.t));
}

#define FIRM 1e9f // D⁻¹ that makes a multiplier's step nothing beside those of others

// factorSingle does factorAll's work in float32. All is scaled as R is, so that
// nothing leaves the range of float32.
template <class V> FUN bool factorSingle(const Work<V>& w) {
	const V* d = w.c(DINV);
	V* diag = w.c(DIAG);
	const f64 scale = w.s.num[stageScale];
	fetched();
	blockSync();
	EACH(i, w.T) {
		Single& x = w.single[lowOffset(i / 16) + i % 16 * lowStride(i / 16) + i];
		x = i < w.t ? smaller(x + scale * (d[i] + delta(w.c(R0)[i])), FIRM) : 1;
		diag[i] = x;
	}
	blockSync();
	return factorIn(w.single, w.t, diag, w.c(TT), w.room) > 0;
}

// solveSingle solves with that factor.
template <class V> FUN void solveSingle(const Work<V>& w, V* x) {
	Single *y = (Single*)w.c(TT), *z = y + w.T;
	const f64 scale = w.s.num[stageScale];
	EACH(i, w.T) y[i] = x[i] * scale;
	blockSync();
	mulLowIn(w.single, w.t, y, z);
	mulLowTIn(w.single, w.t, z, y, (Single*)w.room);
	EACH(i, w.T) x[i] = w.c(DINV)[i] < INF ? y[i] : 0;
	blockSync();
}

// factorAll factors R + D⁻¹ over all constraints, those with infinite D⁻¹ left out,
// and inverts the factor. R is on its way.
template <class V> FUN bool factorAll(const Work<V>& w) {
	if constexpr (__is_same(V, Near))
		if (w.single) return factorSingle(w);
	const V* d = w.c(DINV);
	const int t = w.t, T = w.T;
	V *diag = w.c(DIAG), *on = w.c(TT);
	bool out = false;
	EACH(i, T) {
		on[i] = i < t && d[i] < INF ? 1 : 0;
		out |= i < t && on[i] == 0;
	}
	fetched();
	if (any(out, w.room)) {
		for (int i = warp(); i < T; i += warps())
			for (int j = lane(); j <= i; j += WARP)
				w.far[lowOffset(i / 16) + i % 16 * lowStride(i / 16) + j] *= on[i] * on[j];
		blockSync();
	}
	EACH(i, T) {
		f64& x = diagonalAt(w.far, i);
		x = on[i] != 0 ? x + d[i] + delta(w.c(R0)[i]) : 1;
		diag[i] = x;
	}
	blockSync();
	return factor(w.far, t, diag, on, w.room) > 0;
}
#endif

// solveAll solves (R + D⁻¹) x = x, where x is zero at the constraints left out.
template <class V> FUN void solveAll(const Work<V>& w, V* x) {
#ifndef GROUP
	if constexpr (__is_same(V, Near))
		if (w.single) return solveSingle(w, x);
#endif
	mulLow(w.far, w.t, x, w.c(TT));
	mulLowT(w.far, w.t, w.c(TT), x, w.room);
}

// enumerate lists the active constraints.
template <class V> FUN void enumerate(Work<V>& w) {
#ifdef __CUDA__
	if (warp() == 0) {
		int count = 0;
		for (int first = 0; first < w.t; first += 32) {
			const int i = first + lane();
			const bool on = i < w.t && w.cls[i] != inactive;
			const unsigned all = __nvvm_vote_ballot_sync(0xffffffffu, on);
			if (on && tid() < WARP) w.list[count + __builtin_popcount(all & ((1u << lane()) - 1))] = i;
			count += __builtin_popcount(all);
		}
		if (lane() == 0) w.active = count;
	}
#else
	if (tid() == 0) {
		w.active = 0;
		for (int i = 0; i < w.t; i++)
			if (w.cls[i] != inactive) {
				if (tid() == 0) w.list[w.active] = i;
				w.active++;
			}
	}
#endif
	blockSync();
}

// factorActive factors R on the active constraints, and inverts the factor. It
// returns the least pivot, relative to what stood on the diagonal before A was
// eliminated.
#ifndef GROUP
template <class V> FUN f64 factorActive(Work<V>& w) {
	enumerate(w);
	if (tid() == 0) w.factor = lowSize(w.active) <= w.area ? w.place : w.far;
	blockSync();
	const int k = w.active, T = w.T;
	const Whole<V>* list = w.list;
	const f64 *r = w.s.r, *r0 = w.s.r0;
	V* diag = w.c(DIAG);
	place16(w.factor, k, [&](int i, int j) {
		const f64 x = r[(i64)list[min(i, k - 1)] * T + list[min(j, k - 1)]];
		return i < k && j < k ? x : i == j ? 1 : 0;
	});
	EACH(i, pad16(k)) diag[i] = i < k ? larger(r[(i64)list[i] * T + list[i]], r0[list[i]]) : 1;
	blockSync();
	return factor(w.factor, k, diag, w.c(TT), w.room);
}
#endif

// solveActive solves R x = x on the active constraints; x in their order.
template <class V> FUN void solveActive(const Work<V>& w, const f64* factor, V* x) {
	EACH(i, pad16(w.active)) if (i >= w.active) x[i] = 0;
	blockSync();
	mulLow(factor, w.active, x, w.c(TT));
	mulLowT(factor, w.active, w.c(TT), x, w.room);
}

// kkt solves K (dz, dν, dλ) = (rz, rν, rλ) for the active set: the right-hand side
// in v(DZ), w(DNU), c(CDZ), the solution there too. RZ, RN and RHS are used.
template <class V> FUN void kkt(const Args& a, const Work<V>& w, int e, const f64* factor) {
	V *z = w.v(DZ), *nu = w.w(DNU), *l = w.c(CDZ), *z0 = w.v(RZ), *nu0 = w.w(RN), *c = w.c(RHS);
	if (w.active > 0) {
		EACH(i, w.N) z0[i] = z[i];
		EACH(i, w.P) nu0[i] = nu[i];
		blockSync();
		equality(w, z0, nu0);
		mulC(a, w, e, z0, c);
		blockSync();
		// In the order of the list, through DSU.
		V* x = w.c(DSU);
		EACH(i, w.active) x[i] = c[w.list[i]] - l[w.list[i]];
		solveActive(w, factor, x);
		EACH(i, w.T) l[i] = 0;
		blockSync();
		EACH(i, w.active) l[w.list[i]] = x[i];
		blockSync();
		addCT(a, w, e, l, z, -1);
	} else {
		EACH(i, w.T) l[i] = 0;
		blockSync();
	}
	equality(w, z, nu);
}

// Figures are those of qp.Info, with the scales they are held against.
struct Figures {
	f64 value, primal, dual, gap, primalScale, dualScale, gapScale;
};

// measure computes the residuals at (Z, NU, LAM), of the data as given; QZ, ATN,
// GTL, RD, AZ, RA, and Y = C z stay.
template <class V> FUN Figures measure(const Args& a, const Work<V>& w, int e) {
	V *z = w.v(Z), *qz = w.v(QZ), *atn = w.v(ATN), *gtl = w.v(GTL), *rd = w.v(RD);
	V *nu = w.w(NU), *az = w.w(AZ), *ra = w.w(RA), *lam = w.c(LAM), *y = w.c(Y);
	const f64 *lin = at(a, P_, e, w.n), *b = at(a, B_, e, w.p), *rowsA = at(a, A_, e, (i64)w.p * w.n);
	mulQ(a, w, e, z, qz);
	mulC(a, w, e, z, y);
	if (w.p > 0) {
		product(w.p, w.n, rowsA, w.n, z, az, 0, 1);
		productT(w.p, w.n, rowsA, w.n, nu, atn, 0, 1, w.room);
	} else {
		EACH(j, w.n) atn[j] = 0;
	}
	if (w.m > 0) {
		productT(w.m, w.n, at(a, G_, e, (i64)w.m * w.n), w.n, lam, gtl, 0, 1, w.room);
	} else {
		EACH(j, w.n) gtl[j] = 0;
	}
	blockSync();
	enum { zqz, pz, sides, sums, nqz = sums, nlin, natn, ngtl, nmu, nrd, naz, nb, nrows, nra, viol, all };
	f64 f[all] = {};
	EACH(j, w.n) {
		const f64 mu = w.t > w.m ? lam[w.m + j] : 0;
		rd[j] = qz[j] + lin[j] + atn[j] + gtl[j] + mu;
		f[zqz] += z[j] * qz[j];
		f[pz] += lin[j] * z[j];
		f[nqz] = larger(f[nqz], size(qz[j]));
		f[nlin] = larger(f[nlin], size(lin[j]));
		f[natn] = larger(f[natn], size(atn[j]));
		f[ngtl] = larger(f[ngtl], size(gtl[j]));
		f[nmu] = larger(f[nmu], size(mu));
		f[nrd] = larger(f[nrd], size(rd[j]));
	}
	EACH(i, w.p) {
		ra[i] = az[i] - b[i];
		f[sides] += b[i] * nu[i];
		f[naz] = larger(f[naz], size(az[i]));
		f[nb] = larger(f[nb], size(b[i]));
		f[nra] = larger(f[nra], size(ra[i]));
	}
	EACH(i, w.t) {
		const f64 l = lam[i], up = w.c(UP)[i], lo = w.c(LO)[i];
		f[sides] += l > 0 ? up * l : l < 0 ? lo * l : 0;
		if (w.kind[i] != 0) {
			if (i < w.m) f[nrows] = larger(f[nrows], size(y[i]));
			f[viol] = larger(f[viol], larger(y[i] - up, lo - y[i]));
		}
	}
	reduce<sums, all - sums>(f, w.room);
	Figures r;
	r.value = f[zqz] / 2 + f[pz];
	r.primal = larger(f[nra], f[viol]);
	r.dual = f[nrd];
	r.gap = size(f[zqz] + f[pz] + f[sides]);
	r.primalScale = larger(larger(f[naz], f[nb]), f[nrows]);
	r.dualScale = larger(larger(larger(f[nqz], f[nlin]), larger(f[natn], f[ngtl])), f[nmu]);
	r.gapScale = larger(size(r.value), size(f[zqz] / 2 + f[sides]));
	if (!(r.primal < INF && r.dual < INF && r.gap < INF && r.gapScale < INF)) r.primal = INF;
	return r;
}

DEV f64 relativeTo(f64 x, f64 tol) { return x == 0 ? 0 : tol > 1e-290 && x < 1e290 ? over(x, tol) : INF; }

// excess is the largest residual relative to its tolerance: 1 at most passes.
DEV f64 excess(const Figures& f, f64 abs, f64 rel) {
	return larger(larger(relativeTo(f.primal, abs + rel * f.primalScale), relativeTo(f.dual, abs + rel * f.dualScale)),
		relativeTo(f.gap, abs + rel * f.gapScale));
}
