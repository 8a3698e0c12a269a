// Dense linear algebra of one block, on tiles of 16×16. Matrices are padded with
// zeros to whole tiles, so that no loop has a remainder. A row's stride is
// 4 modulo 8: the tensor core's fragments then meet no bank conflict.
#pragma once
#include "single.h"

// A Low is the lower triangle of a matrix by blocks of 16 rows, each as wide as it
// has to be. Functions that take one with F are for f64 and for Near.
DEV int lowStride(int I) { return 16 * I + 20; }
DEV int lowOffset(int I) { return 128 * I * I + 192 * I; }
DEV int lowSize(int n) { return lowOffset(pad16(n) / 16); }
#ifdef GROUP
DEV int factorSize(int n) { return 2 * lowSize(n) + pad16(n); } // with the room that factor takes
#else
DEV int factorSize(int n) { return lowSize(n); }
#endif

DEV f64& diagonalAt(f64* low, int i) { return low[lowOffset(i / 16) + i % 16 * lowStride(i / 16) + i]; }

// tile: C = init·C + sign·A Bᵀ for one tile, by one warp; A and B have 16 rows of
// length k, a multiple of 16. Transposed, it is A B, and B has k rows. C may be A, or
// B: it is written last.
template <bool transposed = false, class C, class A, class B>
DEV void tile(C* c, int ldc, const A* a, int lda, const B* b, int ldb, int k, f64 init, f64 sign) {
#ifdef __CUDA__
	if constexpr (__is_same(C, Single)) {
		tileSingle<transposed>(c, ldc, a, lda, b, ldb, k, init, sign);
		return;
	} else {
	const int g = lane() >> 2, q = lane() & 3;
	f64 s[2][2][2] = {};
	const A *a0 = a + g * lda + q, *a1 = a0 + 8 * lda;
	const B *b0 = transposed ? b + q * ldb + g : b + g * ldb + q, *b1 = b0 + (transposed ? 8 : 8 * ldb);
	const int next = transposed ? ldb : 1;
	for (int i = 0; i < k; i += 16) {
		f64 x[4][2], y[4][2];
#pragma unroll
		for (int j = 0; j < 4; j++) {
			x[j][0] = a0[i + 4 * j], x[j][1] = a1[i + 4 * j];
			y[j][0] = b0[(i + 4 * j) * next], y[j][1] = b1[(i + 4 * j) * next];
		}
		loaded();
#pragma unroll
		for (int j = 0; j < 4; j++)
#pragma unroll
			for (int u = 0; u < 2; u++)
#pragma unroll
				for (int v = 0; v < 2; v++)
					asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1},{%2},{%3},{%0,%1};"
						: "+d"(s[u][v][0]), "+d"(s[u][v][1]) : "d"(x[j][u]), "d"(y[j][v]));
	}
	warpSync(); // C may be A
#pragma unroll
	for (int u = 0; u < 2; u++)
#pragma unroll
		for (int v = 0; v < 2; v++)
#pragma unroll
			for (int w = 0; w < 2; w++) {
				C* x = c + (8 * u + g) * ldc + 8 * v + 2 * q + w;
				f64 t = sign * s[u][v][w];
				*x = init != 0 ? *x + t : t;
			}
	warpSync();
	}
#else
	f64 s[16][16] = {};
	for (int i = 0; i < 16; i++)
		for (int j = 0; j < 16; j++)
			for (int l = 0; l < k; l++) s[i][j] += a[i * lda + l] * (transposed ? b[l * ldb + j] : b[j * ldb + l]);
	for (int i = 0; i < 16; i++)
		for (int j = 0; j < 16; j++) {
			f64 t = sign * s[i][j];
			c[i * ldc + j] = init != 0 ? c[i * ldc + j] + t : t;
		}
#endif
}

// Sum is a sum of products A B of tiles, or A Bᵀ, which one warp holds.
struct Sum {
#ifdef __CUDA__
	f64 s[2][2][2];
	METHOD Sum() { clear(); }
	METHOD void clear() {
#pragma unroll
		for (int u = 0; u < 8; u++) s[u >> 2][u >> 1 & 1][u & 1] = 0;
	}
	template <bool transposed = true, class A, class B> METHOD void add(const A* a, int lda, const B* b, int ldb) {
		const int g = lane() >> 2, q = lane() & 3;
		f64 x[4][2], y[4][2];
#pragma unroll
		for (int j = 0; j < 4; j++)
#pragma unroll
			for (int u = 0; u < 2; u++) {
				x[j][u] = a[(g + 8 * u) * lda + q + 4 * j];
				y[j][u] = transposed ? b[(q + 4 * j) * ldb + g + 8 * u] : b[(g + 8 * u) * ldb + q + 4 * j];
			}
		loaded();
#pragma unroll
		for (int j = 0; j < 4; j++)
#pragma unroll
			for (int u = 0; u < 2; u++)
#pragma unroll
				for (int v = 0; v < 2; v++)
					asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1},{%2},{%3},{%0,%1};"
						: "+d"(s[u][v][0]), "+d"(s[u][v][1]) : "d"(x[j][u]), "d"(y[j][v]));
	}
	template <class C> METHOD void store(C* c, int ldc) const {
		const int g = lane() >> 2, q = lane() & 3;
#pragma unroll
		for (int u = 0; u < 2; u++)
#pragma unroll
			for (int v = 0; v < 2; v++)
#pragma unroll
				for (int w = 0; w < 2; w++) c[(8 * u + g) * ldc + 8 * v + 2 * q + w] = s[u][v][w];
	}
	METHOD void negate() {
#pragma unroll
		for (int u = 0; u < 8; u++) s[u >> 2][u >> 1 & 1][u & 1] = -s[u >> 2][u >> 1 & 1][u & 1];
	}
	METHOD void subtract(const Sum& o) {
#pragma unroll
		for (int u = 0; u < 8; u++) s[u >> 2][u >> 1 & 1][u & 1] -= o.s[u >> 2][u >> 1 & 1][u & 1];
	}
	// f(i, j, entry) for the entries that the lane has.
	template <class F> METHOD void each(F f) const {
		const int g = lane() >> 2, q = lane() & 3;
#pragma unroll
		for (int u = 0; u < 8; u++) f(8 * (u >> 2) + g, 8 * (u >> 1 & 1) + 2 * q + (u & 1), s[u >> 2][u >> 1 & 1][u & 1]);
	}
#else
	f64 s[16][16];
	Sum() { clear(); }
	void clear() { __builtin_memset(s, 0, sizeof s); }
	template <bool transposed = true, class A, class B> void add(const A* a, int lda, const B* b, int ldb) {
		for (int i = 0; i < 16; i++)
			for (int j = 0; j < 16; j++)
				for (int l = 0; l < 16; l++) s[i][j] += a[i * lda + l] * (transposed ? b[l * ldb + j] : b[j * ldb + l]);
	}
	template <class C> void store(C* c, int ldc) const {
		for (int i = 0; i < 16; i++)
			for (int j = 0; j < 16; j++) c[i * ldc + j] = s[i][j];
	}
	void negate() {
		for (auto& row : s)
			for (f64& x : row) x = -x;
	}
	void subtract(const Sum& o) {
		for (int i = 0; i < 256; i++) s[i / 16][i % 16] -= o.s[i / 16][i % 16];
	}
	template <class F> void each(F f) const {
		for (int i = 0; i < 256; i++) f(i / 16, i % 16, s[i / 16][i % 16]);
	}
#endif
};

template <class F> struct SumFor { typedef Sum type; };
#ifdef __CUDA__
template <> struct SumFor<Single> { typedef SumSingle type; };
#endif
template <class F> using SumOf = typename SumFor<F>::type;

// reduce makes the first S numbers sums over the block, and the M others maxima (of
// numbers that are not negative), for every thread; the number of warps is a power
// of two. room has warps·(S+M) numbers.
template <int S, int M, class V> DEV void reduce(f64 (&v)[S + M], V* room) {
	constexpr int N = S + M;
#ifdef __CUDA__
	// Each step halves the numbers of a lane: it gives one half to its partner, until it
	// has one, number k of them.
	constexpr int P = N <= 1 ? 1 : N <= 2 ? 2 : N <= 4 ? 4 : N <= 8 ? 8 : 16;
	f64 x[P];
#pragma unroll
	for (int k = 0; k < P; k++) x[k] = k < N ? v[k] : 0;
	int k = 0;
#pragma unroll
	for (int o = 16, left = P; o > 0; o >>= 1) {
		if (left > 1) {
			left /= 2;
			const bool high = lane() & o;
#pragma unroll
			for (int i = 0; i < left; i++) {
				const f64 t = shuffleXor(high ? x[i] : x[i + left], o), mine = high ? x[i + left] : x[i];
				x[i] = k + i + (high ? left : 0) < S ? mine + t : larger(mine, t);
			}
			k += high ? left : 0;
		} else {
			const f64 t = shuffleXor(x[0], o);
			x[0] = k < S ? x[0] + t : larger(x[0], t);
		}
	}
	constexpr int step = 32 / P; // lane k·step has number k
	if (warps() > 1) {
		if (lane() % step == 0) room[warp() * P + k] = x[0];
		blockSync();
		// Each warp adds up what the warps left, some lanes for each number.
		const int w = lane() % step;
		f64 t = 0;
		for (int i = w; i < warps(); i += step) t = k < S ? t + room[i * P + k] : larger(t, room[i * P + k]);
#pragma unroll
		for (int o = 1; o < step; o <<= 1) {
			const f64 u = shuffleXor(t, o);
			t = k < S ? t + u : larger(t, u);
		}
		x[0] = t;
		blockSync();
	}
#pragma unroll
	for (int i = 0; i < N; i++) v[i] = shuffle(x[0], i * step);
#else
	if (warps() == 1) return;
	for (int k = 0; k < N; k++) room[warp() * N + k] = v[k];
	blockSync();
	for (int k = 0; k < N; k++) {
		v[k] = room[k];
		for (int w = 1; w < warps(); w++) v[k] = k < S ? v[k] + room[w * N + k] : larger(v[k], room[w * N + k]);
	}
	blockSync();
#endif
}

// any says whether v holds for any thread; a barrier. room has warps() numbers.
template <class V> DEV bool any(bool v, V* room) {
#if defined(__CUDA__) && !defined(GROUP)
	return __nvvm_bar0_or(v) != 0;
#else
	f64 all[1] = {v ? 1.0 : 0.0};
	blockSync();
	reduce<0, 1>(all, room);
	return all[0] != 0;
#endif
}

// corner factors one tile on the diagonal, A = LLᵀ, and replaces it by L⁻¹; by one
// warp. pivots become the squares of the diagonal of L; where one is not positive, what
// follows is no number. Padding has ones on the diagonal.
//
// Lane i has row i of A, and lane 16+c column c of the inverse, of which entry k
// is what elimination makes of entry k of the unit vector: both do the same. Two
// pivots go in one step. With their block [a b; b c], det = ac − b² and m = b/a,
//
//	t = x₁ − m x₀   x ← x − (x₀/a) p₀ − (t a/det) (p₁ − m p₀)
//
// where p are the pivots' columns, of which each lane knows its own entries x. One
// reciprocal, of a·det, is enough, and as the second pivot is det/a this is as accurate
// as one pivot after the other. Square roots wait until the end, when each lane takes
// one.
#ifdef __CUDA__
static __attribute__((shared)) f64 columns[64 + 32] __attribute__((aligned(16))); // of pivots, and a unit vector
#endif
template <class F, class V> FUN void corner(F* a, int ld, V* pivots) {
#ifdef __CUDA__
	if constexpr (__is_same(F, Single)) {
		cornerSingle(a, ld, pivots, single(columns));
		return;
	} else {
	const int i = lane() & 15;
	const bool inverse = lane() >= 16;
	const unsigned base = (unsigned)(unsigned long long)near(columns);
	columns[64 + lane()] = lane() == 15 ? 1 : 0;
	warpSync();
	f64 x[16];
	if constexpr (__is_same(F, f64)) {
#pragma unroll
		for (int j = 0; j < 16; j++) x[j] = inverse ? columns[79 - i + j] : a[i * ld + j];
	} else { // one load for both kinds of lanes
		const F* from = inverse ? near(columns) + 79 - i : a + i * ld;
#pragma unroll
		for (int j = 0; j < 16; j++) x[j] = from[j];
	}
	loaded();
#pragma unroll
	for (int k = 0; k < 16; k += 2) {
		const int at = 32 * (k / 2 % 2);
		if (k < 14 && !inverse) columns[at + i] = x[k], columns[at + 16 + i] = x[k + 1];
		const f64 aa = shuffle(x[k], k), bb = shuffle(x[k], k + 1), cc = shuffle(x[k + 1], k + 1);
		warpSync();
		f64 p[16], q[16];
#pragma unroll
		for (int j = k + 2; j < 16; j += 2) loadTwo(base + 8 * (at + j), p[j], p[j + 1]), loadTwo(base + 8 * (at + 16 + j), q[j], q[j + 1]);
		loaded();
		const f64 det = aa * cc - bb * bb, r = reciprocal(aa * det);
		const f64 m = bb * det * r, u = x[k] * det * r; // (bb·det)·r: no longer than r takes
		if (lane() == 0) pivots[k] = aa, pivots[k + 1] = det * (det * r);
		x[k + 1] -= m * x[k];
		const f64 v = x[k + 1] * (aa * aa * r);
#pragma unroll
		for (int j = k + 2; j < 16; j++) x[j] = x[j] - u * p[j] - v * (q[j] - m * p[j]);
	}
	warpSync();
	if (!inverse) columns[i] = rsqrt(pivots[i]);
	warpSync();
	f64 r[16];
#pragma unroll
	for (int j = 0; j < 16; j += 2) loadTwo(base + 8 * j, r[j], r[j + 1]);
	loaded();
	if (inverse)
#pragma unroll
		for (int j = 0; j < 16; j++) a[j * ld + i] = x[j] * r[j];
	warpSync();
	}
#else
	f64 x[32][16] = {}; // of each lane
	for (int i = 0; i < 16; i++) {
		for (int j = 0; j < 16; j++) x[i][j] = a[i * ld + j];
		x[16 + i][i] = 1;
	}
	for (int k = 0; k < 16; k += 2) {
		const f64 aa = x[k][k], bb = x[k + 1][k], cc = x[k + 1][k + 1], det = aa * cc - bb * bb;
		const f64 r = 1 / (aa * det), m = bb * det * r;
		pivots[k] = aa, pivots[k + 1] = det * (det * r);
		f64 p[16], q[16];
		for (int j = k + 2; j < 16; j++) p[j] = x[j][k], q[j] = x[j][k + 1] - m * p[j];
		for (int i = 0; i < 32; i++) {
			x[i][k + 1] -= m * x[i][k];
			const f64 u = x[i][k] * det * r, v = x[i][k + 1] * (aa * aa * r);
			for (int j = k + 2; j < 16; j++) x[i][j] = x[i][j] - u * p[j] - v * q[j];
		}
	}
	for (int j = 0; j < 16; j++)
		for (int i = 0; i < 16; i++) a[j * ld + i] = x[16 + i][j] * rsqrt(pivots[j]);
#endif
}

#ifdef GROUP
#include "large.h"
#else

// invert replaces L, with inverted tiles on its diagonal, by L⁻¹, row of blocks by row.
template <class F> FUN void invert(F* l, int blocks) {
	for (int I = 1; I < blocks; I++) {
		F* row = l + lowOffset(I);
		const int ld = lowStride(I);
		for (int first = 0; first < I; first += warps()) {
			const int J = first + warp();
			SumOf<F> s;
			if (J < I)
				for (int K = J; K < I; K++) s.add(row + 16 * K, ld, l + lowOffset(K) + 16 * J, lowStride(K));
			blockSync(); // others read what is written now
			if (J < I) {
				s.store(row + 16 * J, ld);
				warpSync();
				tile<true>(row + 16 * J, ld, row + 16 * I, ld, row + 16 * J, ld, 16, 0, -1);
			}
			blockSync();
		}
	}
}

// factor replaces A = LLᵀ, of order n, by L⁻¹. It returns the least pivot, relative to
// diag, the diagonal of the matrix before elimination; if that is 0, the rest is spoilt.
// pivots has a number for each column, room warps().
//
// The tiles on the diagonal follow each other, and that is what takes time. While one
// warp has the next, the others take what the last column makes of the columns to its
// right, and add up what the next row of the inverse needs:
//
//	X_IJ = −X_II Σ L_IK X_KJ over J ≤ K < I
//
// of which the sum waits in registers until nobody needs L_IJ.
template <class F, class V> FUN f64 factorIn(F* a, int n, const V* diag, V* pivots, V* room) {
	const int blocks = pad16(n) / 16;
	if (blocks == 0) return INF;
	const int others = max(1, warps() - 1), me = warps() == 1 ? 0 : warp() - 1;
	const bool together = blocks - 1 <= 2 * others; // a warp holds two sums
	if (warp() == 0) corner(a, lowStride(0), pivots);
	blockSync();
	SumOf<F> sum[2];
	for (int K = 0;; K++) {
		F *row = a + lowOffset(K), *top = row + 16 * K;
		const int ldk = lowStride(K);
		if (together && me >= 0)
#pragma unroll
			for (int c = 0; c < 2; c++) {
				const int J = me + c * others;
				if (J >= K) continue;
				sum[c].store(row + 16 * J, ldk);
				warpSync();
				tile<true>(row + 16 * J, ldk, top, ldk, row + 16 * J, ldk, 16, 0, -1);
			}
		// In turn from the last warp, which has the fewest of the sums.
		for (int I = K + warps() - warp(); I < blocks; I += warps()) {
			F* r = a + lowOffset(I) + 16 * K;
			tile(r, lowStride(I), r, lowStride(I), top, ldk, 16, 0, 1);
		}
		blockSync();
		if (K + 1 == blocks) break;
		F* next = a + lowOffset(K + 1);
		const int ld = lowStride(K + 1);
		if (warp() == 0) {
			tile(next + 16 * (K + 1), ld, next + 16 * K, ld, next + 16 * K, ld, 16, 1, -1);
			corner(next + 16 * (K + 1), ld, pivots + 16 * (K + 1));
		}
		if (me >= 0) {
			// Tile number c, row by row of the columns to the right; those who have sums to
			// add come last.
			const int c = together ? (me + others - (K + 1) % others) % others : me;
			for (int I = K + 2, J = K + 1 + c; I < blocks; J += others) {
				for (; I < blocks && J > I; I++) J -= I - K;
				if (I >= blocks) break;
				F *r = a + lowOffset(I), *q = a + lowOffset(J) + 16 * K;
				tile(r + 16 * J, lowStride(I), r + 16 * K, lowStride(I), q, lowStride(J), 16, 1, -1);
			}
			if (together)
#pragma unroll
				for (int c = 0; c < 2; c++) {
					const int J = me + c * others;
					if (J > K) continue;
					sum[c].clear();
					for (int M = J; M <= K; M++) sum[c].add(next + 16 * M, ld, a + lowOffset(M) + 16 * J, lowStride(M));
				}
		}
		blockSync();
	}
	if (!together) invert(a, blocks);
	f64 worst[1] = {0}; // the largest inverse of a relative pivot
	EACH(i, n) worst[0] = larger(worst[0], pivots[i] > 0 ? over(diag[i], pivots[i]) : INF);
	reduce<0, 1>(worst, room);
	return 1 / worst[0];
}

template <class V> DEV f64 factor(f64* a, int n, const V* diag, V* pivots, V* room) {
	return isNear(a) ? factorIn(near(a), n, diag, pivots, room) : factorIn(a, n, diag, pivots, room);
}

template <class V> FUN void mulFar(const f64* l, int n, const V* x, V* y);

// mulLow: y = X x for a lower triangle X, mulLowT: y = Xᵀx. Each ends in a barrier; x
// and y are padded with zeros, and part has a number for each thread. In shared
// memory a few lanes take a row; mulFar is for global memory, where a warp takes
// four.
template <class F, class V> FUN void mulLowIn(const F* l, int n, const V* x, V* y) {
	if (n == 0) return;
	const int rows = pad16(n);
	const int share = WARP == 1 ? 1 : 4; // lanes of a row: they and those of three more meet no bank conflict
	const int g = tid() % share;
	for (int i = tid() / share; i < rows; i += threads() / share) { // whole warps: rows are 16·k
		const int I = i / 16;
		const F* row = l + lowOffset(I) + (i - 16 * I) * lowStride(I);
		Real<F> s[4] = {};
		for (int j = g; j < 16 * (I + 1); j += 16)
#pragma unroll
			for (int u = 0; u < 16 / share; u++) s[u & 3] += row[j + u * share] * x[j + u * share];
		Real<F> t = (s[0] + s[1]) + (s[2] + s[3]);
#ifdef __CUDA__
		t += shuffleXor(t, 1);
		t += shuffleXor(t, 2);
#endif
		if (g == 0) y[i] = t;
	}
	blockSync();
}

template <class V> DEV void mulLow(const f64* l, int n, const V* x, V* y) {
	if (isNear(l)) mulLowIn(near(l), n, x, y);
	else mulFar(l, n, x, y);
}

template <class V> FUN void mulFar(const f64* l, int n, const V* x, V* y) {
	const int rows = pad16(n), step = warps();
	for (int i = warp(); i < rows; i += 4 * step) {
		f64 s[4] = {};
		const int most = min(i + 3 * step, rows - 1) / 16 * 16 + 16;
		const f64* row[4];
		int end[4];
#pragma unroll
		for (int u = 0; u < 4; u++) {
			const int r = min(i + u * step, rows - 1), I = r / 16;
			row[u] = l + lowOffset(I) + (r - 16 * I) * lowStride(I), end[u] = 16 * (I + 1);
		}
		for (int first = 0; first < most; first += 4 * WARP) {
			f64 v[4][4];
#pragma unroll
			for (int c = 0; c < 4; c++)
#pragma unroll
				for (int u = 0; u < 4; u++) {
					const int j = first + c * WARP + lane();
					v[u][c] = j < end[u] ? row[u][j] : 0;
				}
			loaded();
#pragma unroll
			for (int c = 0; c < 4; c++) {
				const f64 z = x[min(first + c * WARP + lane(), rows - 1)];
#pragma unroll
				for (int u = 0; u < 4; u++) s[u] += v[u][c] * z;
			}
		}
#pragma unroll
		for (int u = 0; u < 4; u++) s[u] = warpSum(s[u]);
		if (lane() == 0)
#pragma unroll
			for (int u = 0; u < 4; u++)
				if (i + u * step < rows) y[i + u * step] = s[u];
	}
	blockSync();
}

template <class F, class V> FUN void mulLowTIn(const F* l, int n, const V* x, V* y, V* part) {
	if (n == 0) return;
	const int rows = pad16(n), blocks = rows / 16;
	const int wide = (rows + WARP - 1) / WARP * WARP, groups = max(1, threads() / wide);
	for (int j = tid() % wide; j < rows; j += groups == 1 ? threads() : rows) {
		const int g = groups == 1 ? 0 : tid() / wide;
		Real<F> s[4] = {};
		if (g < groups)
			for (int I = j / 16 + g; I < blocks; I += groups) {
				const F* at = l + lowOffset(I) + j;
				const int ld = lowStride(I);
#pragma unroll
				for (int r = 0; r < 16; r++) s[r & 3] += at[r * ld] * x[16 * I + r];
			}
		const Real<F> t = (s[0] + s[1]) + (s[2] + s[3]);
		if (groups == 1) y[j] = t;
		else if (g < groups) part[tid()] = t;
	}
	blockSync();
	if (groups == 1) return;
	EACH(j, rows) {
		Real<F> t = 0;
		for (int g = 0; g < groups; g++) t += part[g * wide + j];
		y[j] = t;
	}
	blockSync();
}

template <class V> DEV void mulLowT(const f64* l, int n, const V* x, V* y, V* part) {
	if (isNear(l)) mulLowTIn(near(l), n, x, y, part);
	else mulLowTIn(l, n, x, y, part);
}

// product: y = init·y + sign·A x, A m×n by rows of stride ld; by rows, a warp each.
// No barrier at the end.
template <class V> FUN void product(int m, int n, const f64* a, int ld, const V* x, V* y, f64 init, f64 sign) {
	const int step = warps();
	for (int i = warp(); i < m; i += 4 * step) {
		f64 s[4] = {};
		const f64* row[4];
#pragma unroll
		for (int u = 0; u < 4; u++) row[u] = a + (i64)min(i + u * step, m - 1) * ld;
		for (int first = 0; first < n; first += 4 * WARP) {
			f64 v[4][4];
#pragma unroll
			for (int c = 0; c < 4; c++)
#pragma unroll
				for (int u = 0; u < 4; u++) v[u][c] = row[u][min(first + c * WARP + lane(), n - 1)];
			loaded();
#pragma unroll
			for (int c = 0; c < 4; c++) {
				const int j = first + c * WARP + lane();
				const f64 z = j < n ? x[j] : 0;
#pragma unroll
				for (int u = 0; u < 4; u++) s[u] += v[u][c] * z;
			}
		}
#pragma unroll
		for (int u = 0; u < 4; u++) s[u] = warpSum(s[u]);
		if (lane() == 0)
#pragma unroll
			for (int u = 0; u < 4; u++)
				if (i + u * step < m) {
					V& t = y[i + u * step];
					t = init != 0 ? init * t + sign * s[u] : sign * s[u];
				}
	}
}

// productT: y = init·y + sign·Aᵀx, A m×n: a thread for each column, and groups of
// threads for parts of the rows. part has a number for each thread. Ends in a
// barrier.
template <class V> FUN void productT(int m, int n, const f64* a, int ld, const V* x, V* y, f64 init, f64 sign, V* part) {
	if (n == 0) return;
	const int wide = (n + WARP - 1) / WARP * WARP, groups = max(1, threads() / wide);
	// Whole warps take part, those beyond the last column with that.
	for (int c = groups > 1 ? tid() % wide : tid(); c < wide; c += groups > 1 ? wide : threads()) {
		const int g = groups > 1 ? tid() / wide : 0, j = min(c, n - 1);
		f64 s[4] = {};
		if (g < groups) {
			const i64 next = (i64)groups * ld;
			const f64* at = a + (i64)g * ld + j;
			const V* z = x + g;
			int left = (m - g + groups - 1) / groups; // rows of this group
			for (; left >= 16; left -= 16, at += 16 * next, z += 16 * groups) {
				f64 v[16];
#pragma unroll
				for (int u = 0; u < 16; u++) v[u] = at[u * next];
				loaded();
#pragma unroll
				for (int u = 0; u < 16; u++) s[u & 3] += v[u] * z[u * groups];
			}
			for (; left > 0; left -= 4, at += 4 * next, z += 4 * groups) {
				f64 v[4];
#pragma unroll
				for (int u = 0; u < 4; u++) v[u] = u < left ? at[u * next] : 0;
				loaded();
#pragma unroll
				for (int u = 0; u < 4; u++) s[u] += u < left ? v[u] * z[u * groups] : 0;
			}
		}
		const f64 t = (s[0] + s[1]) + (s[2] + s[3]);
		if (groups > 1) part[tid()] = t;
		else if (c < n) y[c] = init != 0 ? y[c] + sign * t : sign * t;
	}
	blockSync();
	if (groups == 1) return;
	EACH(c, n) {
		f64 t = 0;
		for (int k = 0; k < groups; k++) t += part[k * wide + c];
		y[c] = init != 0 ? y[c] + sign * t : sign * t;
	}
	blockSync();
}
#endif
