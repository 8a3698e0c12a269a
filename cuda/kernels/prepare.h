// Elimination (b), what does not depend on D (docs/THEORY.md): with Q = LLᵀ,
//
//	Vᵀ = A L⁻ᵀ   Wᵀ = C L⁻ᵀ   S = VᵀV   R = WᵀW − (WᵀV) S⁻¹ (VᵀW)
//
// where C stacks G and, if z has bounds, the identity. One factorization of Q with
// the rows of A and C below it gives L, Vᵀ and Wᵀ; one of the Gram matrix of
// those rows, broken off after p columns, gives S and R.
#pragma once
#include "args.h"

#define WELL_CONDITIONED 1e-7 // relative pivot of Q above which (b) works with Q⁻¹
#define INDEPENDENT 1e-10     // relative pivot of S above which the rows of A are independent
#define DELTA 1e-12           // regularization of R + D⁻¹, relative to the diagonal
#define ASYMMETRY 1e-10
#define EVEN 1e4 // spread of the columns' sizes up to which nothing is scaled

DEV f64 delta(f64 diag) { return diag == 0 ? 1 : DELTA * diag; }

// prepare computes the stage of element e, in shared memory or scratch: fast has
// room for vectors, low for Low(n), panel for the rows of A and C, and gram for
// the Gram matrix.
FUN void prepare(const Args& a, int e, f64* fast, f64* low, f64* panel, f64* gram) {
	const int n = a.n, p = a.p, t = a.t, m = a.m;
	const int N = pad16(n), P = pad16(p), T = pad16(t), ld = wide(n);
	f64* diag = fast;      // N, then P + T
	f64* room = diag + max(N, P + T);
	f64* out = room + 8 * warps();
	const Stage s = stageAt(a, e);
	f64* q = at(a, Q_, e, a.form == dense ? (i64)n * n : n);
	const f64* rowsA = at(a, A_, e, (i64)p * n);
	const f64* rowsG = at(a, G_, e, (i64)m * n);
	Low k = {low, N / 16, panel, ld};

	// Q, made symmetric; A, G and the identity; what is not a number, and how large
	// the columns are.
	f64 top[6] = {}; // largest of Q, A, G, asymmetry, columns; −smallest column
	EACH(i, lowSize(n)) low[i] = 0;
	EACH(i, (P + T) * ld) panel[i] = 0;
	blockSync();
	if (a.form == dense) {
		for (int i = warp(); i < n; i += warps())
			for (int j = lane(); j < n; j += WARP) {
				const f64 x = q[(i64)i * n + j];
				top[0] = larger(top[0], size(x));
				if (j <= i) {
					const f64 y = q[(i64)j * n + i];
					top[3] = larger(top[3], size(x - y));
					low[lowOffset(i / 16) + (i % 16) * lowStride(i / 16) + j] = x == y ? x : x / 2 + y / 2;
				}
			}
	} else {
		EACH(i, n) {
			top[0] = larger(top[0], size(q[i]));
			low[lowOffset(i / 16) + (i % 16) * lowStride(i / 16) + i] = q[i];
		}
	}
	for (int i = warp(); i < p + m; i += warps()) {
		const f64* row = i < p ? rowsA + (i64)i * n : rowsG + (i64)(i - p) * n;
		f64* to = panel + (i64)(i < p ? i : P + i - p) * ld;
		f64 sum = 0, big = 0;
		for (int j = lane(); j < n; j += WARP) {
			const f64 x = row[j];
			to[j] = x;
			sum += x * x;
			big = larger(big, size(x));
		}
		sum = warpSum(sum);
		if (i < p) top[1] = larger(top[1], big);
		else top[2] = larger(top[2], big);
		big = warpMax(big);
		if (big > 0 && !(sum >= 1e-250 && sum <= 1e250)) top[0] = INF; // its norm has lost bits
		if (lane() == 0) (i < p ? s.na[i] : s.nc[i - p]) = sum > 0 ? root(sum) : 1;
	}
	EACH(j, t - m) {
		panel[(i64)(P + m + j) * ld + j] = 1;
		s.nc[m + j] = 1;
	}
	blockSync();
	EACH(j, n) {
		f64 big = 0;
		if (a.form == dense)
#pragma unroll 8
			for (int i = 0; i < n; i++) big = larger(big, size(q[(i64)i * n + j]));
		else
			big = size(q[j]);
#pragma unroll 8
		for (int i = 0; i < P + m; i++) big = larger(big, size(panel[(i64)i * ld + j]));
		top[4] = larger(top[4], big);
		if (big > 0) top[5] = larger(top[5], 1 / big);
	}
	EACH(i, N) {
		f64& x = low[lowOffset(i / 16) + (i % 16) * lowStride(i / 16) + i];
		if (i >= n) x = 1;
		diag[i] = x;
	}
	reduce<0, 6>(top, room);
	bool ok = larger(larger(top[0], top[1]), top[2]) < 1e140 && top[0] > 0 && top[3] <= ASYMMETRY * top[0] && top[4] * top[5] <= EVEN;
	if (a.form == dense && ok && top[3] > 0) { // the caller's rounding errors
		blockSync();
		for (int i = warp(); i < n; i += warps())
			for (int j = lane(); j < i; j += WARP) {
				const f64 x = q[(i64)i * n + j], y = q[(i64)j * n + i];
				if (x != y) q[(i64)i * n + j] = q[(i64)j * n + i] = x / 2 + y / 2;
			}
		blockSync();
	}
	f64 leastQ = 0, leastS = INF;
	if (ok) {
		leastQ = factor(k, (N + P + T) / 16, n, diag, out);
		ok = leastQ >= WELL_CONDITIONED;
	}
	if (ok) {
		invert(low, n);
		EACH(i, lowSize(n)) s.l[i] = low[i];
		EACH(i, P * ld) s.v[i] = panel[i];
		const int rows = (P + T) / 16;
		Low w = {gram, rows, nullptr, 0};
		for (int c = warp(); c < rows * rows; c += warps()) {
			const int I = c / rows, J = c % rows;
			if (J <= I) tile(gram + lowOffset(I) + 16 * J, lowStride(I), panel + (i64)16 * I * ld, ld, panel + (i64)16 * J * ld, ld, N, 0, 1);
		}
		blockSync();
		EACH(i, P + T) {
			f64& x = gram[lowOffset(i / 16) + (i % 16) * lowStride(i / 16) + i];
			if (i >= p && i < P) x = 1;
			if (i >= P) s.r0[i - P] = x;
			diag[i] = x;
		}
		blockSync();
		if (p > 0) {
			leastS = factor(w, rows, p, diag, out);
			ok = leastS > INDEPENDENT;
		}
		if (ok) {
			// R, less what A takes of it, by full rows.
			for (int c = warp(); c < T / 16 * (T / 16); c += warps()) {
				const int I = c / (T / 16), J = c % (T / 16);
				if (J > I) continue;
				f64* x = gram + lowOffset(P / 16 + I);
				const int ldx = lowStride(P / 16 + I);
				const f64* y = gram + lowOffset(P / 16 + J);
				if (P > 0) tile(x + P + 16 * J, ldx, x, ldx, y, lowStride(P / 16 + J), P, 1, -1);
				for (int i = lane(); i < 256; i += WARP) {
					const int u = i / 16, v = i % 16;
					const f64 r = x[u * ldx + P + 16 * J + v];
					if (I != J || v <= u) {
						s.r[(i64)(16 * I + u) * T + 16 * J + v] = r;
						s.r[(i64)(16 * J + v) * T + 16 * I + u] = r;
					}
				}
			}
			blockSync();
			invert(gram, p);
			EACH(i, lowSize(p)) s.s[i] = gram[i];
		}
	}
	if (tid() == 0) {
		s.num[stageOK] = ok ? 1 : 0;
		s.num[stageMaxQ] = top[0], s.num[stageMaxA] = top[1], s.num[stageMaxG] = top[2];
		s.num[stageLeastQ] = leastQ, s.num[stageLeastS] = leastS;
	}
	blockSync();
}
