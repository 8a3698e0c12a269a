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
// length k, a multiple of 16. Transposed, it is A B, and B has k rows. C may be A, or
// B: it is written last.
template <bool transposed = false> DEV void tile(f64* c, int ldc, const f64* a, int lda, const f64* b, int ldb, int k, f64 init, f64 sign) {
#ifdef __CUDA__
	const int g = lane() >> 2, q = lane() & 3;
	f64 s[2][2][2] = {};
	const f64 *a0 = a + g * lda + q, *a1 = a0 + 8 * lda;
	const f64 *b0 = transposed ? b + q * ldb + g : b + g * ldb + q, *b1 = b0 + (transposed ? 8 : 8 * ldb);
	const int next = transposed ? ldb : 1;
	for (int i = 0; i < k; i += 16) {
		f64 x[4][2], y[4][2];
#pragma unroll
		for (int j = 0; j < 4; j++) {
			x[j][0] = a0[i + 4 * j], x[j][1] = a1[i + 4 * j];
			y[j][0] = b0[(i + 4 * j) * next], y[j][1] = b1[(i + 4 * j) * next];
		}
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
				f64* x = c + (8 * u + g) * ldc + 8 * v + 2 * q + w;
				f64 t = sign * s[u][v][w];
				*x = init != 0 ? *x + t : t;
			}
	warpSync();
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

// Sum is a sum of products A B of tiles, which one warp holds.
struct Sum {
#ifdef __CUDA__
	f64 s[2][2][2];
	METHOD Sum() {
#pragma unroll
		for (int u = 0; u < 8; u++) s[u >> 2][u >> 1 & 1][u & 1] = 0;
	}
	METHOD void add(const f64* a, int lda, const f64* b, int ldb) {
		const int g = lane() >> 2, q = lane() & 3;
		f64 x[4][2], y[4][2];
#pragma unroll
		for (int j = 0; j < 4; j++)
#pragma unroll
			for (int u = 0; u < 2; u++) {
				x[j][u] = a[(g + 8 * u) * lda + q + 4 * j];
				y[j][u] = b[(q + 4 * j) * ldb + g + 8 * u];
			}
#pragma unroll
		for (int j = 0; j < 4; j++)
#pragma unroll
			for (int u = 0; u < 2; u++)
#pragma unroll
				for (int v = 0; v < 2; v++)
					asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1},{%2},{%3},{%0,%1};"
						: "+d"(s[u][v][0]), "+d"(s[u][v][1]) : "d"(x[j][u]), "d"(y[j][v]));
	}
	METHOD void negate() {
#pragma unroll
		for (int u = 0; u < 8; u++) s[u >> 2][u >> 1 & 1][u & 1] = -s[u >> 2][u >> 1 & 1][u & 1];
	}
	METHOD void store(f64* c, int ldc) const {
		const int g = lane() >> 2, q = lane() & 3;
#pragma unroll
		for (int u = 0; u < 2; u++)
#pragma unroll
			for (int v = 0; v < 2; v++)
#pragma unroll
				for (int w = 0; w < 2; w++) c[(8 * u + g) * ldc + 8 * v + 2 * q + w] = s[u][v][w];
	}
#else
	f64 s[16][16] = {};
	void add(const f64* a, int lda, const f64* b, int ldb) {
		for (int i = 0; i < 16; i++)
			for (int j = 0; j < 16; j++)
				for (int l = 0; l < 16; l++) s[i][j] += a[i * lda + l] * b[l * ldb + j];
	}
	void negate() {
		for (auto& row : s)
			for (f64& x : row) x = -x;
	}
	void store(f64* c, int ldc) const {
		for (int i = 0; i < 16; i++)
			for (int j = 0; j < 16; j++) c[i * ldc + j] = s[i][j];
	}
#endif
};

// corner factors one tile on the diagonal, A = LLᵀ, and replaces it by L⁻¹; by one
// warp. diag is the diagonal of the matrix before elimination, of which the
// pivots are measured: it returns the least, relative; 0 or less if one is not
// positive. Pivots from `pivots` on are 1, of padding. column has 16 numbers.
//
// Lane i has row i of A, and lane 16+c column c of the inverse, of which entry k
// is what elimination makes of entry k of the unit vector: both do the same.
DEV f64 corner(f64* a, int ld, const f64* diag, int pivots, f64* column) {
#ifdef __CUDA__
	const int i = lane() & 15;
	const bool inverse = lane() >= 16;
	f64 x[16], mine = 1;
#pragma unroll
	for (int j = 0; j < 16; j++) x[j] = inverse ? (i == j ? 1.0 : 0.0) : a[i * ld + j];
	// The next pivot is on its way while the rest of the tile follows the last one.
	f64 d = shuffle(x[0], 0);
	if (i == 0) mine = d;
	f64 r = rsqrt(d > 0 ? d : 1);
#pragma unroll
	for (int k = 0; k < 16; k++) {
		if (k < pivots) {
			x[k] *= r;
			if (!inverse) column[i] = x[k];
			if (k < 15) {
				const int next = k < 15 ? k + 1 : 0;
				x[next] -= x[k] * shuffle(x[k], next);
				d = shuffle(x[next], next);
				if (i == next) mine = d;
				r = rsqrt(d > 0 ? d : 1);
			}
			warpSync();
#pragma unroll
			for (int j = k + 2; j < 16; j++) x[j] -= x[k] * column[j];
			warpSync();
		}
	}
	if (inverse)
#pragma unroll
		for (int j = 0; j < 16; j++) a[j * ld + i] = j >= i ? x[j] : 0;
	warpSync();
	f64 least = i < pivots ? (mine > 0 ? mine / diag[i] : -1) : INF;
	for (int o = 8; o > 0; o >>= 1) least = smaller(least, shuffleXor(least, o));
	return least;
#else
	f64 least = INF;
	f64 v[16][16] = {};
	for (int i = 0; i < 16; i++) v[i][i] = 1;
	for (int k = 0; k < pivots; k++) {
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
	return least;
#endif
}

// factor eliminates the first `columns` blocks of 16 columns of a, whose rows go
// down to block row `rows`: A = LLᵀ there, with the tiles on the diagonal replaced
// by their inverses. Of the last block, columns up to n count. It returns the least
// relative pivot. room has 17 numbers.
FUN f64 factor(const Low& a, int rows, int n, const f64* diag, f64* room) {
	const int columns = pad16(n) / 16;
	f64 least = INF, *out = room + 16;
	if (columns == 0) return least;
	if (warp() == 0) {
		const f64 l = corner(rowsAt(a, 0), strideAt(a, 0), diag, min(16, n), OWN(room));
		if (lane() == 0) *out = l;
	}
	blockSync();
	for (int K = 0;; K++) {
		least = smaller(least, *out);
		if (!(least > 0)) break;
		f64* top = rowsAt(a, K) + 16 * K;
		const int ldk = strideAt(a, K);
		for (int I = K + 1 + warp(); I < rows; I += warps()) {
			f64* r = rowsAt(a, I) + 16 * K;
			tile(r, strideAt(a, I), r, strideAt(a, I), top, ldk, 16, 0, 1);
		}
		blockSync();
		if (K + 1 == columns) break;
		// One warp goes ahead with the next tile on the diagonal; the others take what
		// this column makes of the columns to its right.
		if (warp() == 0) {
			f64* r = rowsAt(a, K + 1);
			const int ld = strideAt(a, K + 1);
			tile(r + 16 * (K + 1), ld, r + 16 * K, ld, r + 16 * K, ld, 16, 1, -1);
			const f64 l = corner(r + 16 * (K + 1), ld, diag + 16 * (K + 1), min(16, n - 16 * (K + 1)), OWN(room));
			if (lane() == 0) *out = l;
		}
		const int others = max(1, warps() - 1), me = warps() == 1 ? 0 : warp() - 1;
		if (me >= 0) {
			// Tile number c, row by row of the columns to the right.
			for (int I = K + 2, J = K + 1 + me; I < rows; J += others) {
				for (int last = min(I, columns - 1); J > last; last = min(I, columns - 1)) {
					J -= last - K;
					if (++I >= rows) break;
				}
				if (I >= rows) break;
				f64 *r = rowsAt(a, I), *q = rowsAt(a, J) + 16 * K;
				tile(r + 16 * J, strideAt(a, I), r + 16 * K, strideAt(a, I), q, strideAt(a, J), 16, 1, -1);
			}
		}
		blockSync();
	}
	blockSync();
	return least;
}

#ifdef GROUP

// invert replaces L, with inverted tiles on its diagonal, by L⁻¹, by halves: where
// X₁₁ and X₂₂ are known, X₂₁ = −X₂₂ (L₂₁ X₁₁). That takes few barriers. Behind L there
// is room for as much again.
FUN void invert(f64* l, int n) {
	const int blocks = pad16(n) / 16;
	f64* half = l + lowSize(n);
	for (int b = 1; b < blocks; b *= 2)
		for (int second = 0; second < 2; second++) {
			for (int c = warp();; c += warps()) {
				const int q = c / b, first = q / b * 2 * b, I = first + b + q % b, J = first + c % b;
				if (I >= blocks) break;
				const int ld = lowStride(I);
				f64* x = l + lowOffset(I);
				f64* t = half + lowOffset(I);
				Sum s;
				if (!second) {
					for (int K = J; K < first + b; K++) s.add(x + 16 * K, ld, l + lowOffset(K) + 16 * J, lowStride(K));
					s.store(t + 16 * J, ld);
				} else {
					for (int K = first + b; K <= I; K++) s.add(x + 16 * K, ld, half + lowOffset(K) + 16 * J, lowStride(K));
					s.negate();
					s.store(x + 16 * J, ld);
				}
			}
			blockSync();
		}
}

#else

// invert replaces L, with inverted tiles on its diagonal, by L⁻¹: row of blocks by
// row, X_IJ = −X_II Σ L_IK X_KJ over J ≤ K < I.
FUN void invert(f64* l, int n) {
	const int blocks = pad16(n) / 16;
	for (int I = 1; I < blocks; I++) {
		f64* row = l + lowOffset(I);
		const int ld = lowStride(I);
		for (int first = 0; first < I; first += warps()) {
			const int J = first + warp();
			Sum s;
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

#endif

FUN void mulFar(const f64* l, int n, const f64* x, f64* y);

// mulLow: y = X x for a lower triangle X, mulLowT: y = Xᵀx. Each ends in a barrier; x
// and y are padded with zeros, and part has a number for each thread. In shared
// memory a few lanes take a row; mulFar is for global memory, where a warp takes
// four.
FUN void mulLow(const f64* l, int n, const f64* x, f64* y) {
	if (n == 0) return;
#ifdef GROUP
	mulFar(l, n, x, y);
	return;
#endif
	const int rows = pad16(n);
	const int share = WARP == 1 ? 1 : 4; // lanes of a row: they and those of three more meet no bank conflict
	const int g = tid() % share;
	for (int i = tid() / share; i < rows; i += threads() / share) { // whole warps: rows are 16·k
		const int I = i / 16;
		const f64* row = l + lowOffset(I) + (i - 16 * I) * lowStride(I);
		f64 s[4] = {};
		for (int j = g; j < 16 * (I + 1); j += 16)
#pragma unroll
			for (int u = 0; u < 16 / share; u++) s[u & 3] += row[j + u * share] * x[j + u * share];
		f64 t = (s[0] + s[1]) + (s[2] + s[3]);
#ifdef __CUDA__
		t += shuffleXor(t, 1);
		t += shuffleXor(t, 2);
#endif
		if (g == 0) y[i] = t;
	}
	blockSync();
}

FUN void mulFar(const f64* l, int n, const f64* x, f64* y) {
	const int rows = pad16(n), step = warps();
	for (int i = warp(); i < rows; i += 4 * step) {
		f64 s[4] = {};
		const int most = min(i + 3 * step, rows - 1) / 16 * 16 + 16;
		for (int first = lane(); first < most; first += 4 * WARP) {
			f64 v[4][4], z[4];
#pragma unroll
			for (int c = 0; c < 4; c++) {
				const int j = first + c * WARP;
#pragma unroll
				for (int u = 0; u < 4; u++) {
					const int r = min(i + u * step, rows - 1), I = r / 16;
					v[u][c] = j < 16 * (I + 1) ? l[lowOffset(I) + (r - 16 * I) * lowStride(I) + j] : 0;
				}
				z[c] = j < most ? x[j] : 0;
			}
#pragma unroll
			for (int c = 0; c < 4; c++)
#pragma unroll
				for (int u = 0; u < 4; u++) s[u] += v[u][c] * z[c];
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

FUN void mulLowT(const f64* l, int n, const f64* x, f64* y, f64* part) {
	if (n == 0) return;
	const int rows = pad16(n), blocks = rows / 16;
	const int wide = (rows + WARP - 1) / WARP * WARP, groups = max(1, threads() / wide);
	for (int j = tid() % wide; j < rows; j += groups == 1 ? threads() : rows) {
		const int g = groups == 1 ? 0 : tid() / wide;
		f64 s[4] = {};
		if (g < groups)
			for (int I = j / 16 + g; I < blocks; I += groups) {
				const f64* at = l + lowOffset(I) + j;
				const int ld = lowStride(I);
#pragma unroll
				for (int r = 0; r < 16; r++) s[r & 3] += at[r * ld] * x[16 * I + r];
			}
		const f64 t = (s[0] + s[1]) + (s[2] + s[3]);
		if (groups == 1) y[j] = t;
		else if (g < groups) part[tid()] = t;
	}
	blockSync();
	if (groups == 1) return;
	EACH(j, rows) {
		f64 t = 0;
		for (int g = 0; g < groups; g++) t += part[g * wide + j];
		y[j] = t;
	}
	blockSync();
}

// product: y = init·y + sign·A x, A m×n by rows of stride ld; by rows, a warp each.
// No barrier at the end.
FUN void product(int m, int n, const f64* a, int ld, const f64* x, f64* y, f64 init, f64 sign) {
	const int step = warps();
	for (int i = warp(); i < m; i += 4 * step) {
		f64 s[4] = {};
		for (int first = lane(); first < n; first += 4 * WARP) {
			f64 v[4][4], z[4];
#pragma unroll
			for (int c = 0; c < 4; c++) {
				const int j = min(first + c * WARP, n - 1);
#pragma unroll
				for (int u = 0; u < 4; u++) v[u][c] = a[(i64)min(i + u * step, m - 1) * ld + j];
				z[c] = first + c * WARP < n ? x[j] : 0;
			}
#pragma unroll
			for (int c = 0; c < 4; c++)
#pragma unroll
				for (int u = 0; u < 4; u++) s[u] += v[u][c] * z[c];
		}
#pragma unroll
		for (int u = 0; u < 4; u++) s[u] = warpSum(s[u]);
		if (lane() == 0)
#pragma unroll
			for (int u = 0; u < 4; u++)
				if (i + u * step < m) {
					f64& t = y[i + u * step];
					t = init != 0 ? init * t + sign * s[u] : sign * s[u];
				}
	}
}

// productT: y = init·y + sign·Aᵀx, A m×n: a thread for each column, and groups of
// threads for parts of the rows. part has a number for each thread. Ends in a
// barrier.
FUN void productT(int m, int n, const f64* a, int ld, const f64* x, f64* y, f64 init, f64 sign, f64* part) {
	if (n == 0) return;
	const int wide = (n + WARP - 1) / WARP * WARP;
	const int groups = threads() / wide;
	if (groups <= 1) {
		EACH(j, n) {
			f64 s[4] = {};
			int i = 0;
			for (; i + 16 <= m; i += 16) {
				f64 v[16];
#pragma unroll
				for (int u = 0; u < 16; u++) v[u] = a[(i64)(i + u) * ld + j];
#pragma unroll
				for (int u = 0; u < 16; u++) s[u & 3] += v[u] * x[i + u];
			}
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
		const i64 next = (i64)groups * ld;
		const f64 *at = a + (i64)g * ld + j, *z = x + g;
		int left = (m - g + groups - 1) / groups; // rows of this group
		for (; left >= 16; left -= 16, z += 16 * groups) {
			f64 v[16];
#pragma unroll
			for (int u = 0; u < 16; u++, at += next) v[u] = *at;
#pragma unroll
			for (int u = 0; u < 16; u++) s[u & 3] += v[u] * z[u * groups];
		}
		for (; left >= 4; left -= 4, z += 4 * groups) {
			f64 v[4];
#pragma unroll
			for (int u = 0; u < 4; u++, at += next) v[u] = *at;
#pragma unroll
			for (int u = 0; u < 4; u++) s[u] += v[u] * z[u * groups];
		}
		for (; left > 0; left--, at += next, z += groups) s[0] += *at * *z;
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

// reduce makes the first S numbers sums over the block, and the M others maxima (of
// numbers that are not negative), for every thread; the number of warps is a power
// of two. room has warps·(S+M) numbers.
template <int S, int M> DEV void reduce(f64 (&v)[S + M], f64* room) {
#pragma unroll
	for (int k = 0; k < S + M; k++) v[k] = k < S ? warpSum(v[k]) : warpMax(v[k]);
	if (warps() == 1) return;
	if (lane() == 0)
#pragma unroll
		for (int k = 0; k < S + M; k++) room[warp() * (S + M) + k] = v[k];
	blockSync();
	// Each warp adds up what the warps left, a lane for each of them.
#ifdef __CUDA__
#pragma unroll
	for (int k = 0; k < S + M; k++) {
		f64 t = lane() < warps() ? room[lane() * (S + M) + k] : 0;
		for (int w = lane() + 32; w < warps(); w += 32) {
			const f64 u = room[w * (S + M) + k];
			t = k < S ? t + u : larger(t, u);
		}
		for (int o = 1; o < min(32, warps()); o <<= 1) {
			const f64 u = shuffleXor(t, o);
			t = k < S ? t + u : larger(t, u);
		}
		v[k] = shuffle(t, 0);
	}
#else
	for (int k = 0; k < S + M; k++) {
		v[k] = room[k];
		for (int w = 1; w < warps(); w++) v[k] = k < S ? v[k] + room[w * (S + M) + k] : larger(v[k], room[w * (S + M) + k]);
	}
#endif
	blockSync();
}
