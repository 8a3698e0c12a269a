// One element and its vectors, and the solution of its KKT systems.
#pragma once
#include "prepare.h"

// Vectors by their names: of the constraints, of z, and of the rows of A. Sides: U
// is the upper one, L the lower.
enum { LAM, SU, SL, LU, LL, Y0, Y, E0, LO, UP, DINV, RU, RL, QU, QL, RHS, DSU, DSL, DLU, DLL, CDZ, DIAG, numT };
enum { Z, QZ, ATN, GTL, RD, RD0, RZ, DZ, numN };
enum { NU, AZ, RA, RA0, RN, DNU, numP };
enum { numReduce = 24 };

// Work is a block's view of an element. It lies in shared memory.
struct Work {
	f64* base;   // vectors: numT of length T, numN of N, numP of P
	int* kind;   // T: Kind of each constraint
	int* cls;    // T: Class
	int* list;   // T: the active constraints
	f64* tmp;    // 16, and one
	f64* room;   // for reduce and productT
	f64* factor; // Low(t): of R + D⁻¹, or of R on the active set
	Stage s;
	int n, p, m, t, N, P, T;
	int active; // how many constraints are in list

	METHOD f64* c(int k) const { return base + k * T; }
	METHOD f64* v(int k) const { return base + numT * T + k * N; }
	METHOD f64* w(int k) const { return base + numT * T + numN * N + k * P; }
};

DEV i64 workSize(int n, int p, int t) { // without the factor
	const int T = pad16(t);
	return numT * T + numN * pad16(n) + numP * pad16(p) + 3 * T / 2 + 8 + 24 + max(threads(), numReduce * warps());
}

DEV void view(Work& w, const Args& a, f64* vectors, f64* factor) {
	w.n = a.n, w.p = a.p, w.m = a.m, w.t = a.t;
	w.N = pad16(a.n), w.P = pad16(a.p), w.T = pad16(a.t);
	w.base = vectors;
	f64* x = vectors + numT * w.T + numN * w.N + numP * w.P;
	w.tmp = x, x += 24;
	w.room = x, x += max(threads(), numReduce * warps());
	w.kind = (int*)x, w.cls = w.kind + w.T, w.list = w.cls + w.T;
	w.factor = factor;
	w.active = 0;
}

// equality: (z, ν) solves [Q Aᵀ; A 0](z, ν) = (z, ν).
FUN void equality(const Work& w, f64* z, f64* nu) {
	solveL(w.s.l, w.n, z, w.tmp);
	if (w.p > 0) {
		product(w.p, w.n, w.s.v, wide(w.n), z, nu, 1, -1);
		blockSync();
		EACH(i, w.p) nu[i] = -nu[i];
		blockSync();
		solveL(w.s.s, w.p, nu, w.tmp);
		solveLT(w.s.s, w.p, nu, w.tmp);
		productT(w.p, w.n, w.s.v, wide(w.n), nu, z, 1, -1, w.room);
	}
	solveLT(w.s.l, w.n, z, w.tmp);
}

// mulC: y = C x. No barrier at the end.
FUN void mulC(const Args& a, const Work& w, int e, const f64* x, f64* y) {
	if (w.m > 0) product(w.m, w.n, at(a, G_, e, (i64)w.m * w.n), w.n, x, y, 0, 1);
	EACH(j, w.t - w.m) y[w.m + j] = x[j];
}

// addCT: x += sign·Cᵀ y. Ends in a barrier.
FUN void addCT(const Args& a, const Work& w, int e, const f64* y, f64* x, f64 sign) {
	if (w.m > 0) productT(w.m, w.n, at(a, G_, e, (i64)w.m * w.n), w.n, y, x, 1, sign, w.room);
	EACH(j, w.t - w.m) x[j] += sign * y[w.m + j];
	blockSync();
}

// mulQ: y = Q x. No barrier at the end.
FUN void mulQ(const Args& a, const Work& w, int e, const f64* x, f64* y) {
	if (a.form == dense) {
		product(w.n, w.n, at(a, Q_, e, (i64)w.n * w.n), w.n, x, y, 0, 1);
		return;
	}
	const f64* q = at(a, Q_, e, w.n);
	EACH(j, w.n) y[j] = q[j] * x[j];
}

// mulR: y = R x, R being symmetric. Ends in a barrier.
FUN void mulR(const Work& w, const f64* x, f64* y) { productT(w.t, w.t, w.s.r, w.T, x, y, 0, 1, w.room); }

// factorAll factors R + D⁻¹ over all constraints, those with infinite D⁻¹ left out.
FUN bool factorAll(const Work& w) {
	const f64* d = w.c(DINV);
	const int blocks = w.T / 16;
	f64* diag = w.c(DIAG);
	for (int i = warp(); i < w.T; i += warps()) {
		f64* row = w.factor + lowOffset(i / 16) + (i % 16) * lowStride(i / 16);
		const f64* r = w.s.r + (i64)i * w.T;
		const bool there = i < w.t && d[i] < INF;
		for (int j = lane(); j < 16 * (i / 16 + 1); j += WARP) {
			f64 x = there && j < w.t && d[j] < INF ? r[j] : 0;
			if (i == j) {
				x = there ? x + d[i] + delta(w.s.r0[i]) : 1;
				diag[i] = x;
			}
			row[j] = x;
		}
	}
	blockSync();
	Low a = {w.factor, blocks, nullptr, 0};
	return factor(a, blocks, blocks, diag, w.tmp + 16) > 0;
}

// solveAll solves (R + D⁻¹) x = x.
FUN void solveAll(const Work& w, f64* x) {
	EACH(i, w.T) if (i >= w.t || !(w.c(DINV)[i] < INF)) x[i] = 0;
	blockSync();
	solveL(w.factor, w.t, x, w.tmp);
	solveLT(w.factor, w.t, x, w.tmp);
}

// factorActive factors R on the active constraints, and returns the least pivot,
// relative to what stood on the diagonal before A was eliminated.
FUN f64 factorActive(Work& w) {
	if (tid() == 0) {
		int k = 0;
		for (int i = 0; i < w.t; i++)
			if (w.cls[i] != inactive) w.list[k++] = i;
		w.tmp[17] = k;
	}
	blockSync();
	const int k = (int)w.tmp[17], K = pad16(k);
	if (tid() == 0) w.active = k;
	f64* diag = w.c(DIAG);
	for (int i = warp(); i < K; i += warps()) {
		f64* row = w.factor + lowOffset(i / 16) + (i % 16) * lowStride(i / 16);
		for (int j = lane(); j < 16 * (i / 16 + 1); j += WARP) {
			f64 x = i < k && j < k ? w.s.r[(i64)w.list[i] * w.T + w.list[j]] : 0;
			if (i == j) {
				const f64 r0 = i < k ? w.s.r0[w.list[i]] : 0;
				if (i >= k) x = 1;
				diag[i] = i < k ? larger(x, r0) : 1;
			}
			row[j] = x;
		}
	}
	blockSync();
	Low a = {w.factor, K / 16, nullptr, 0};
	return factor(a, K / 16, K / 16, diag, w.tmp + 16);
}

// solveActive solves R x = x on the active constraints; x in their order.
FUN void solveActive(const Work& w, const f64* factor, f64* x) {
	EACH(i, pad16(w.active)) if (i >= w.active) x[i] = 0;
	blockSync();
	solveL(factor, w.active, x, w.tmp);
	solveLT(factor, w.active, x, w.tmp);
}

// kkt solves K (dz, dν, dλ) = (rz, rν, rλ) for the active set: the right-hand side
// in v(DZ), w(DNU), c(CDZ), the solution there too. RZ, RN and RHS are used.
FUN void kkt(const Args& a, const Work& w, int e, const f64* factor) {
	f64 *z = w.v(DZ), *nu = w.w(DNU), *l = w.c(CDZ), *z0 = w.v(RZ), *nu0 = w.w(RN), *c = w.c(RHS);
	if (w.active > 0) {
		EACH(i, w.N) z0[i] = z[i];
		EACH(i, w.P) nu0[i] = nu[i];
		blockSync();
		equality(w, z0, nu0);
		mulC(a, w, e, z0, c);
		blockSync();
		// In the order of the list, through DSU.
		f64* x = w.c(DSU);
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
FUN Figures measure(const Args& a, const Work& w, int e) {
	f64 *z = w.v(Z), *qz = w.v(QZ), *atn = w.v(ATN), *gtl = w.v(GTL), *rd = w.v(RD);
	f64 *nu = w.w(NU), *az = w.w(AZ), *ra = w.w(RA), *lam = w.c(LAM), *y = w.c(Y);
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

DEV f64 relativeTo(f64 x, f64 tol) { return x <= tol ? (x == 0 ? 0 : x / tol) : (tol > 0 ? x / tol : INF); }

// excess is the largest residual relative to its tolerance: 1 at most passes.
DEV f64 excess(const Figures& f, f64 abs, f64 rel) {
	return larger(larger(relativeTo(f.primal, abs + rel * f.primalScale), relativeTo(f.dual, abs + rel * f.dualScale)),
		relativeTo(f.gap, abs + rel * f.gapScale));
}
