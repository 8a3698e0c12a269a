// Elimination (b), what does not depend on D (docs/THEORY.md): with Q = LLᵀ,
//
//	Vᵀ = A L⁻ᵀ   Wᵀ = C L⁻ᵀ   S = VᵀV   R = WᵀW − (WᵀV) S⁻¹ (VᵀW)
//
// where C stacks G and, if z has bounds, the identity. Below, V and W are called what
// is transposed here, the rows of A and C times L⁻ᵀ.
#pragma once
#include "args.h"

#define WELL_CONDITIONED 1e-7 // relative pivot of Q above which (b) works with Q⁻¹
#define INDEPENDENT 1e-10     // relative pivot of S above which the rows of A are independent
#define DELTA 1e-12           // regularization of R + D⁻¹, relative to the diagonal
#define ASYMMETRY 1e-10       // of Q, relative to its largest entry, up to which it is rounding
#define EVEN 1e4              // spread of the columns' sizes up to which nothing is scaled

DEV f64 delta(f64 diag) { return diag == 0 ? 1 : DELTA * diag; }

// loadQ puts the mean of Q and Qᵀ into low, by pairs of tiles so that both are read
// along their rows. top and asymmetry grow to the largest entry and difference, columns
// to the largest of each.
DEV void loadQ(const f64* q, int n, f64* low, f64* columns, f64& top, f64& asymmetry) {
	const int blocks = pad16(n) / 16;
	for (int c = warpAll(), I = 0, start = 0; c < blocks * (blocks + 1) / 2; c += warpsAll()) {
		while (c > start + I) start += ++I;
		const int J = c - start, ld = lowStride(I);
		f64* to = low + lowOffset(I) + 16 * J;
		f64 x[256 / WARP], y[256 / WARP];
#pragma unroll
		for (int k = 0; k < 256 / WARP; k++) {
			const int u = (lane() + k * WARP) / 16, v = lane() % 16 + k * WARP % 16, i = 16 * I + u, j = 16 * J + v;
			x[k] = i < n && j < n ? q[(i64)i * n + j] : 0;
			y[k] = 16 * J + u < n && 16 * I + v < n ? q[(i64)(16 * J + u) * n + 16 * I + v] : 0;
		}
		loaded();
#pragma unroll
		for (int k = 0; k < 256 / WARP; k++) to[(lane() % 16 + k * WARP % 16) * ld + (lane() + k * WARP) / 16] = y[k];
		warpSync();
		f64 right = 0, below = 0;
#pragma unroll
		for (int k = 0; k < 256 / WARP; k++) {
#ifdef __CUDA__
			right = larger(right, size(x[k])), below = larger(below, size(y[k]));
#else
			raise(&columns[16 * J + k % 16], size(x[k])), raise(&columns[16 * I + k % 16], size(y[k]));
#endif
			f64& t = to[(lane() + k * WARP) / 16 * ld + lane() % 16 + k * WARP % 16];
			top = larger(top, larger(size(x[k]), size(t)));
			asymmetry = larger(asymmetry, size(x[k] - t));
			t = x[k] == t ? t : x[k] / 2 + t / 2;
		}
#ifdef __CUDA__
		raise(&columns[16 * J + lane() % 16], right), raise(&columns[16 * I + lane() % 16], below);
#endif
	}
}

// loadRows puts the rows of A, those of G, and of the identity if z has bounds, into
// panel; they are there after fetched and a barrier.
FUN void loadRows(const Args& a, int e, f64* panel) {
	const int n = a.n, p = a.p, m = a.m, N = pad16(n), P = pad16(p), ld = wide(n);
	const f64 *rowsA = at(a, A_, e, (i64)p * n), *rowsG = at(a, G_, e, (i64)m * n);
	for (int i = warpAll(); i < P + pad16(a.t); i += warpsAll()) {
		const f64* row = i < p ? rowsA + (i64)i * n : i >= P && i < P + m ? rowsG + (i64)(i - P) * n : nullptr;
		const int one = i >= P + m && i < P + a.t ? i - P - m : -1; // of a bound
		f64* to = panel + (i64)i * ld;
		const int given = row ? n : 0;
		fetchRow(to, row, given);
		for (int j = given + lane(); j < N; j += WARP) to[j] = j == one ? 1 : 0;
	}
}

// judgeRows computes the norms of the rows, and raises columns to the largest entries.
// top[1] and top[2] grow to the largest entry of A and G, top[0] is infinite where a
// norm has lost bits.
template <class F> FUN void judgeRows(const Args& a, const Stage& s, const F* panel, f64* columns, f64 (&top)[6]) {
	const int n = a.n, p = a.p, m = a.m, P = pad16(p), ld = wide(n);
	for (int base = 0; base < n; base += 4 * WARP) {
		const bool last = base + 4 * WARP >= n;
		f64 most[4] = {};
		for (int i = warpAll(); i < P + m; i += warpsAll()) {
			if (i >= p && i < P) continue;
			const F* row = panel + (i64)i * ld;
			f64 x[4], big = 0, sum = 0;
#pragma unroll
			for (int c = 0; c < 4; c++) {
				const int j = base + c * WARP + lane();
				x[c] = j < n ? row[j] : 0;
			}
			loaded();
#pragma unroll
			for (int c = 0; c < 4; c++) {
				const f64 v = size(x[c]);
				sum += x[c] * x[c], big = larger(big, v), most[c] = larger(most[c], v);
			}
			if (i < p) top[1] = larger(top[1], big);
			else top[2] = larger(top[2], big);
			sum = warpSum(sum);
			f64& norm = i < p ? s.na[i] : s.nc[i - P];
			if (base > 0) sum += norm;
			// Its norm has lost bits.
			if (last ? !(sum >= 1e-250 && sum <= 1e250) && (sum > 0 || warpMax(big) > 0) : sum == 0 && warpMax(big) > 0) top[0] = INF;
			warpSync();
			if (lane() == 0) norm = !last ? sum : sum > 0 ? root(sum) : 1; // sums, until the last columns
		}
#pragma unroll
		for (int c = 0; c < 4; c++) {
			const int j = base + c * WARP + lane();
			if (j < n) raise(&columns[j], most[c]);
		}
	}
	EACH_ALL(i, a.t - m) s.nc[m + i] = 1;
}

#ifdef GROUP
#include "largeprepare.h"
#else
// timesLT multiplies the rows of panel by L⁻ᵀ: a warp takes 16 rows, from the last
// column of tiles on, as each needs those before it.
template <class F> FUN void timesLT(F* panel, int rows, int ld, const F* l, int columns) {
	for (int I = warp(); I < rows; I += warps()) {
		F* row = panel + (i64)16 * I * ld;
		for (int J = columns - 1; J >= 0; J--) {
			Sum x;
			for (int k = 0; k <= J; k++) x.template add<false>(row + 16 * k, ld, l + lowOffset(J) + 16 * k, lowStride(J));
			warpSync();
			x.store(row + 16 * J, ld);
			warpSync();
		}
	}
	blockSync();
}

// reduceR computes S and R from V and W, the rows of panel: with V̂ = L⁻¹V of S = LLᵀ,
// whose rows are orthonormal, and U = WV̂ᵀ, it is R = WWᵀ − UUᵀ. low, which is plain
// too, has room for S, and then for U. It returns the least pivot of S.
template <class F> FUN f64 reduceR(const Args& a, const Stage& s, F* panel, F* low, f64* plain, f64* diag, f64* pivots, f64* room) {
	const int p = a.p, N = pad16(a.n), P = pad16(p), T = pad16(a.t), ld = wide(a.n), ldu = wide(p);
	const int columns = N / 16, rows = P / 16, all = T / 16;
	F* w = panel + (i64)P * ld;
	f64 least = INF;
	if (p > 0) {
		for (int c = warp(), I = 0, start = 0; c < rows * (rows + 1) / 2; c += warps()) {
			while (c > start + I) start += ++I;
			const int J = c - start;
			Sum x;
			for (int k = 0; k < columns; k++) x.template add<false>(panel + (i64)16 * I * ld + 16 * k, ld, panel + (i64)16 * J * ld + 16 * k, ld);
			x.store(low + lowOffset(I) + 16 * J, lowStride(I));
		}
		blockSync();
		EACH(i, P) {
			f64& x = diagonalAt(plain, i);
			if (i >= p) x = 1;
			diag[i] = x;
		}
		blockSync();
		least = factor(plain, p, diag, pivots, room);
		if (!(least > INDEPENDENT)) return least;
		EACH(i, lowSize(p)) s.s[i] = plain[i];
		for (int J = warp(); J < columns; J += warps())
			for (int I = rows - 1; I >= 0; I--) { // those above are needed still
				Sum x;
				for (int k = 0; k <= I; k++) x.add(low + lowOffset(I) + 16 * k, lowStride(I), panel + (i64)16 * k * ld + 16 * J, ld);
				warpSync();
				x.store(panel + (i64)16 * I * ld + 16 * J, ld);
				warpSync();
			}
		blockSync();
		for (int c = warp(); c < all * rows; c += warps()) {
			const int I = c / rows, J = c % rows;
			Sum x;
			for (int k = 0; k < columns; k++) x.template add<false>(w + (i64)16 * I * ld + 16 * k, ld, panel + (i64)16 * J * ld + 16 * k, ld);
			x.store(low + (i64)16 * I * ldu + 16 * J, ldu);
		}
		blockSync();
	}
	for (int c = warp(), I = 0, start = 0; c < all * (all + 1) / 2; c += warps()) {
		while (c > start + I) start += ++I;
		const int J = c - start;
		Sum x, y;
		for (int k = 0; k < columns; k++) x.template add<false>(w + (i64)16 * I * ld + 16 * k, ld, w + (i64)16 * J * ld + 16 * k, ld);
		if (I == J)
			x.each([&](int i, int j, f64 v) {
				if (i == j) s.r0[16 * I + i] = v;
			});
		for (int k = 0; k < rows; k++) y.template add<false>(low + (i64)16 * I * ldu + 16 * k, ldu, low + (i64)16 * J * ldu + 16 * k, ldu);
		x.subtract(y);
		f64 *to = s.low + lowOffset(I) + 16 * J, *row = s.r + (i64)16 * I * T + 16 * J, *column = s.r + (i64)16 * J * T + 16 * I;
		x.each([&](int i, int j, f64 v) {
			to[i * lowStride(I) + j] = row[(i64)i * T + j] = v;
			if (I != J) column[(i64)j * T + i] = v;
		});
	}
	return least;
}
#endif

// prepare computes the stage of element e, in shared memory or scratch: fast has
// room for vectors, panel for the rows of A and C, and low for L, and later for S
// and WᵀV.
FUN void prepare(const Args& a, int e, f64* fast, f64* low, f64* panel) {
	const int n = a.n, p = a.p, t = a.t, m = a.m;
	const int N = pad16(n), P = pad16(p), T = pad16(t), ld = wide(n);
	const int longest = max(N, P);
	f64 *diag = fast, *pivots = diag + longest, *room = pivots + longest;
	const Stage s = stageAt(a, e);
	f64* q = at(a, Q_, e, a.form == dense ? (i64)n * n : n);

	// Q, made symmetric; A, G and the identity; what is not a number, and how large
	// the columns are.
	f64 top[6] = {}; // largest of Q, A, G, asymmetry, columns; 1/smallest column
#ifdef GROUP
	f64* columns = low + lowSize(n); // behind them, what is to be known of top
	EACH_ALL(j, N + 4) columns[j] = 0;
#else
	f64* columns = diag;
	EACH(j, N) columns[j] = 0;
#endif
	loadRows(a, e, panel);
	if (a.form != dense) EACH_ALL(i, lowSize(n)) low[i] = 0;
	syncAll();
	if (a.form == dense) loadQ(q, n, low, columns, top[0], top[3]);
	else
		EACH_ALL(i, n) {
			top[0] = larger(top[0], size(q[i]));
			raise(&columns[i], size(q[i]));
			diagonalAt(low, i) = q[i];
		}
	fetched();
	syncAll();
	if (isNear(panel)) judgeRows(a, s, near(panel), columns, top);
	else judgeRows(a, s, panel, columns, top);
#ifdef GROUP
	for (int k = 0; k < 4; k++) {
		const f64 x = warpMax(top[k]);
		if (lane() == 0) raise(&columns[N + k], x);
	}
	syncAll();
	for (int k = 0; k < 4; k++) top[k] = columns[N + k];
#endif
	blockSync();
	EACH(j, n) top[4] = larger(top[4], columns[j]), top[5] = larger(top[5], columns[j] > 0 ? 1 / columns[j] : 0);
	reduce<0, 6>(top, room);
#ifdef GROUP
	diagonalOf(low, n, diag);
#else
	EACH(i, N) {
		f64& x = diagonalAt(low, i);
		if (i >= n) x = 1;
		diag[i] = x;
	}
#endif
	bool ok = larger(larger(top[0], top[1]), top[2]) < 1e140 && top[0] > 0 && top[3] <= ASYMMETRY * top[0] && top[4] * top[5] <= EVEN;
	if (a.form == dense && ok && top[3] > 0 && (a.oneStage || !(a.shared >> Q_ & 1))) { // the caller's rounding errors
		blockSync();
		for (int i = warpAll(); i < n; i += warpsAll())
			for (int j = lane(); j < i; j += WARP) {
				const f64 x = q[(i64)i * n + j], y = q[(i64)j * n + i];
				if (x != y) q[(i64)i * n + j] = q[(i64)j * n + i] = x / 2 + y / 2;
			}
	}
	blockSync();
	f64 leastQ = 0, leastS = INF;
	if (ok) {
		leastQ = factor(low, n, diag, pivots, room);
		ok = leastQ >= WELL_CONDITIONED;
	}
	if (ok) {
#ifdef GROUP
		leastS = reduceGroup(a, s, panel, low, diag, room);
#else
		if (isNear(panel) && isNear(low)) timesLT(near(panel), (P + T) / 16, ld, near(low), N / 16);
		else timesLT(panel, (P + T) / 16, ld, low, N / 16);
		EACH(i, lowSize(n)) s.l[i] = low[i];
		EACH(i, P * ld) s.v[i] = panel[i];
		blockSync();
		if (isNear(panel) && isNear(low)) leastS = reduceR(a, s, near(panel), near(low), low, diag, pivots, room);
		else leastS = reduceR(a, s, panel, low, low, diag, pivots, room);
#endif
		ok = leastS > INDEPENDENT;
	}
#ifndef GROUP
	if (a.mixed && ok) { // R in float32, its diagonal 1 at most
		f64 most[1] = {0};
		blockSync();
		EACH(i, t) most[0] = larger(most[0], diagonalAt(s.low, i));
		reduce<0, 1>(most, room);
		const f64 scale = most[0] > 0 ? 1 / most[0] : 1;
		EACH(i, lowSize(t)) ((float*)s.single)[i] = s.low[i] * scale;
		if (tid() == 0) s.num[stageScale] = scale;
	}
#endif
	if (chief()) {
		s.num[stageOK] = ok ? 1 : 0;
		s.num[stageMaxQ] = top[0], s.num[stageMaxA] = top[1], s.num[stageMaxG] = top[2];
		s.num[stageLeastQ] = leastQ, s.num[stageLeastS] = leastS;
	}
	syncAll();
}
