// Dense linear algebra of one block, on tiles of 16×16. Matrices are padded with
// zeros to whole tiles, so that no loop has a remainder. A row's stride is
// 4 modulo 8: the tensor core's fragments then meet no bank conflict.
#pragma once
#include "device.h"

// A Low is the lower triangle of a matrix by blocks of 16 rows, each as wide as it
// has to be. Below it may stand a plain matrix with the same columns.
struct Low {
	f64* p;
	int blocks;  // of 16 rows in the triangle
	f64* below;  // and the rows below it, of stride
	int stride;
};

DEV int lowStride(int I) { return 16 * I + 20; }
DEV int lowOffset(int I) { return 128 * I * I + 192 * I; }
DEV int lowSize(int n) { return lowOffset(pad16(n) / 16); }

DEV f64* rowsAt(const Low& a, int I) {
	return I < a.blocks ? a.p + lowOffset(I) : a.below + (i64)(I - a.blocks) * 16 * a.stride;
}
DEV int strideAt(const Low& a, int I) { return I < a.blocks ? lowStride(I) : a.stride; }

// tile: C = init·C + sign·A Bᵀ for one tile, by one warp; A and B have 16 rows of
// length k, a multiple of 4. C may be A: it is written last.
DEV void tile(f64* c, int ldc, const f64* a, int lda, const f64* b, int ldb, int k, f64 init, f64 sign) {
#ifdef __CUDA__
	const int g = lane() >> 2, q = lane() & 3;
	f64 s[2][2][2] = {};
	const f64 *a0 = a + g * lda + q, *a1 = a0 + 8 * lda;
	const f64 *b0 = b + g * ldb + q, *b1 = b0 + 8 * ldb;
#pragma unroll 4
	for (int i = 0; i < k; i += 4) {
		f64 x[2] = {a0[i], a1[i]}, y[2] = {b0[i], b1[i]};
#pragma unroll
		for (int u = 0; u < 2; u++)
#pragma unroll
			for (int v = 0; v < 2; v++)
				asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1},{%2},{%3},{%0,%1};"
					: "+d"(s[u][v][0]), "+d"(s[u][v][1]) : "d"(x[u]), "d"(y[v]));
	}
	warpSync(); // C may be A
#pragma unroll
	for (int u = 0; u < 2; u++)
#pragma unroll
		for (int v = 0; v < 2; v++)
#pragma unroll
			for (int w = 0; w < 2; w++) {
				f64* x = c + (8 * u + g) * ldc + 8 * v + 2 * q + w;
				f64 t = sign * s[u][v][w];
				*x = init != 0 ? *x + t : t;
			}
	warpSync();
#else
	f64 s[16][16] = {};
	for (int i = 0; i < 16; i++)
		for (int j = 0; j < 16; j++)
			for (int l = 0; l < k; l++) s[i][j] += a[i * lda + l] * b[j * ldb + l];
	for (int i = 0; i < 16; i++)
		for (int j = 0; j < 16; j++) {
			f64 t = sign * s[i][j];
			c[i * ldc + j] = init != 0 ? c[i * ldc + j] + t : t;
		}
#endif
}

// corner factors one tile on the diagonal, A = LLᵀ, and replaces it by L⁻¹; by one
// warp. diag is the diagonal of the matrix before elimination, of which the
// pivots are measured: it returns the least, relative; 0 or less if one is not
// positive.
DEV f64 corner(f64* a, int ld, const f64* diag) {
	f64 least = INF;
#ifdef __CUDA__
	// Lane i has row i of A, and lane 16+i row i of the inverse.
	const int i = lane() & 15;
	const bool inverse = lane() >= 16;
	f64 x[16];
#pragma unroll
	for (int j = 0; j < 16; j++) x[j] = inverse ? (i == j ? 1.0 : 0.0) : a[i * ld + j];
	const f64 mine = diag[i];
#pragma unroll
	for (int k = 0; k < 16; k++) {
		const f64 d = shuffle(x[k], k);
		least = smaller(least, d > 0 ? d / shuffle(mine, k) : -1);
		const f64 r = rsqrt(d > 0 ? d : 1);
		if (inverse) {
			if (i == k)
#pragma unroll
				for (int j = 0; j <= k; j++) x[j] *= r;
		} else if (i >= k) {
			x[k] *= r;
		}
		const f64 l = shuffle(x[k], i);
#pragma unroll
		for (int j = 0; j < 16; j++) {
			const f64 v = shuffle(x[j > k ? k : j], j > k ? j : 16 + k);
			if (i > k && inverse == (j <= k)) x[j] -= l * v;
		}
	}
	warpSync();
	if (inverse)
#pragma unroll
		for (int j = 0; j < 16; j++) a[i * ld + j] = j <= i ? x[j] : 0;
	warpSync();
#else
	f64 v[16][16] = {};
	for (int i = 0; i < 16; i++) v[i][i] = 1;
	for (int k = 0; k < 16; k++) {
		const f64 d = a[k * ld + k];
		least = smaller(least, d > 0 ? d / diag[k] : -1);
		const f64 r = rsqrt(d > 0 ? d : 1);
		for (int j = 0; j <= k; j++) v[k][j] *= r;
		for (int i = k + 1; i < 16; i++) a[i * ld + k] *= r;
		for (int i = k + 1; i < 16; i++) {
			const f64 l = a[i * ld + k];
			for (int j = k + 1; j <= i; j++) a[i * ld + j] -= l * a[j * ld + k];
			for (int j = 0; j <= k; j++) v[i][j] -= l * v[k][j];
		}
	}
	for (int i = 0; i < 16; i++)
		for (int j = 0; j < 16; j++) a[i * ld + j] = j <= i ? v[i][j] : 0;
#endif
	return least;
}

// factor eliminates the first `columns` blocks of 16 columns of a, whose rows go
// down to block row `rows`: A = LLᵀ there, with the tiles on the diagonal replaced
// by their inverses. It returns the least relative pivot. `out` is one number in
// shared memory.
FUN f64 factor(const Low& a, int rows, int columns, const f64* diag, f64* out) {
	f64 least = INF;
	for (int K = 0; K < columns; K++) {
		f64* top = rowsAt(a, K);
		const int ldk = strideAt(a, K);
		if (K > 0) {
			for (int I = K + warp(); I < rows; I += warps()) {
				f64* r = rowsAt(a, I);
				tile(r + 16 * K, strideAt(a, I), r, strideAt(a, I), top, ldk, 16 * K, 1, -1);
			}
			blockSync();
		}
		if (warp() == 0) {
			const f64 l = corner(top + 16 * K, ldk, diag + 16 * K);
			if (lane() == 0) *out = l;
		}
		blockSync();
		least = smaller(least, *out);
		for (int I = K + 1 + warp(); I < rows; I += warps()) {
			f64* r = rowsAt(a, I) + 16 * K;
			tile(r, strideAt(a, I), r, strideAt(a, I), top + 16 * K, ldk, 16, 0, 1);
		}
		blockSync();
		if (!(least > 0)) break;
	}
	return least;
}

// solveL: x = L⁻¹x, solveLT: x = L⁻ᵀx, with n padded to whole tiles; x in shared
// memory, its padding zero. tmp has 16 numbers.
FUN void solveL(const f64* l, int n, f64* x, f64* tmp) {
	const int blocks = pad16(n) / 16;
	for (int I = 0; I < blocks; I++) {
		const f64* d = l + lowOffset(I) + 16 * I;
		const int ld = lowStride(I);
		EACH(r, 16) {
			f64 s = 0;
#pragma unroll
			for (int j = 0; j < 16; j++) s += d[r * ld + j] * x[16 * I + j];
			tmp[r] = s;
		}
		blockSync();
		EACH(r, 16) x[16 * I + r] = tmp[r];
		for (int i = 16 * (I + 1) + tid(); i < 16 * blocks; i += threads()) {
			const int K = i / 16;
			const f64* row = l + lowOffset(K) + (i - 16 * K) * lowStride(K) + 16 * I;
			f64 s = 0;
#pragma unroll
			for (int j = 0; j < 16; j++) s += row[j] * tmp[j];
			x[i] -= s;
		}
		blockSync();
	}
}

FUN void solveLT(const f64* l, int n, f64* x, f64* tmp) {
	const int blocks = pad16(n) / 16;
	for (int I = blocks - 1; I >= 0; I--) {
		const f64* d = l + lowOffset(I);
		const int ld = lowStride(I);
		EACH(r, 16) {
			f64 s = 0;
#pragma unroll
			for (int j = 0; j < 16; j++) s += d[j * ld + 16 * I + r] * x[16 * I + j];
			tmp[r] = s;
		}
		blockSync();
		EACH(r, 16) x[16 * I + r] = tmp[r];
		EACH(i, 16 * I) {
			f64 s = 0;
#pragma unroll
			for (int j = 0; j < 16; j++) s += d[j * ld + i] * tmp[j];
			x[i] -= s;
		}
		blockSync();
	}
}

// product: y = init·y + sign·A x, A m×n by rows of stride ld; by rows, a warp each.
// No barrier at the end.
FUN void product(int m, int n, const f64* a, int ld, const f64* x, f64* y, f64 init, f64 sign) {
	const int step = warps();
	int i = warp();
	for (; i + 3 * step < m; i += 4 * step) {
		f64 s[4] = {};
		for (int j = lane(); j < n; j += WARP) {
			const f64 v = x[j];
#pragma unroll
			for (int u = 0; u < 4; u++) s[u] += a[(i64)(i + u * step) * ld + j] * v;
		}
#pragma unroll
		for (int u = 0; u < 4; u++) {
			s[u] = warpSum(s[u]);
			if (lane() == 0) {
				f64& t = y[i + u * step];
				t = init != 0 ? t + sign * s[u] : sign * s[u];
			}
		}
	}
	for (; i < m; i += step) {
		f64 s = 0;
		for (int j = lane(); j < n; j += WARP) s += a[(i64)i * ld + j] * x[j];
		s = warpSum(s);
		if (lane() == 0) y[i] = init != 0 ? y[i] + sign * s : sign * s;
	}
}

// productT: y = init·y + sign·Aᵀx, A m×n: a thread for each column, and groups of
// threads for parts of the rows. part has a number for each thread. Ends in a
// barrier.
FUN void productT(int m, int n, const f64* a, int ld, const f64* x, f64* y, f64 init, f64 sign, f64* part) {
	const int wide = (n + WARP - 1) / WARP * WARP;
	const int groups = threads() / wide;
	if (groups <= 1) {
		EACH(j, n) {
			f64 s[4] = {};
			int i = 0;
			for (; i + 4 <= m; i += 4)
#pragma unroll
				for (int u = 0; u < 4; u++) s[u] += a[(i64)(i + u) * ld + j] * x[i + u];
			for (; i < m; i++) s[0] += a[(i64)i * ld + j] * x[i];
			const f64 t = (s[0] + s[1]) + (s[2] + s[3]);
			y[j] = init != 0 ? y[j] + sign * t : sign * t;
		}
		blockSync();
		return;
	}
	const int g = tid() / wide, j = tid() % wide;
	if (g < groups && j < n) {
		f64 s[4] = {};
		int i = g;
		for (; i + 3 * groups < m; i += 4 * groups)
#pragma unroll
			for (int u = 0; u < 4; u++) s[u] += a[(i64)(i + u * groups) * ld + j] * x[i + u * groups];
		for (; i < m; i += groups) s[0] += a[(i64)i * ld + j] * x[i];
		part[tid()] = (s[0] + s[1]) + (s[2] + s[3]);
	}
	blockSync();
	EACH(c, n) {
		f64 t = 0;
		for (int k = 0; k < groups; k++) t += part[k * wide + c];
		y[c] = init != 0 ? y[c] + sign * t : sign * t;
	}
	blockSync();
}

// reduce makes the first S numbers sums over the block, and the M others maxima,
// for every thread. room has warps·(S+M) numbers.
template <int S, int M> DEV void reduce(f64 (&v)[S + M], f64* room) {
#pragma unroll
	for (int k = 0; k < S + M; k++) v[k] = k < S ? warpSum(v[k]) : warpMax(v[k]);
	if (warps() == 1) return;
	if (lane() == 0)
#pragma unroll
		for (int k = 0; k < S + M; k++) room[warp() * (S + M) + k] = v[k];
	blockSync();
#pragma unroll
	for (int k = 0; k < S + M; k++) {
		f64 t = room[k];
		for (int w = 1; w < warps(); w++) {
			const f64 u = room[w * (S + M) + k];
			t = k < S ? t + u : larger(t, u);
		}
		v[k] = t;
	}
	blockSync();
}
