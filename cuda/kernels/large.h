// Linear algebra by a group of blocks, part of matrix.h. What takes part is a warp of
// any block; what it computes, a unit, is one tile of a matrix or two by two, of which
// each entry is summed up in the same order whoever does it and however large the group
// is. So an element's bits do not depend on that.
#pragma once

#ifdef __CUDA__
typedef f64 Two __attribute__((ext_vector_type(2)));
#else
typedef f64 Two __attribute__((ext_vector_type(2), aligned(8)));
#endif

// Row is 16 rows of a matrix, from some column on; without any, it is zero.
struct Row {
	const f64* at;
	int ld;
};

// Tiles are U×V tiles of 16×16, which one warp holds.
template <int U, int V> struct Tiles {
#ifdef __CUDA__
	f64 s[2 * U][2 * V][2];
	METHOD Tiles() {
#pragma unroll
		for (int u = 0; u < 2 * U; u++)
#pragma unroll
			for (int v = 0; v < 2 * V; v++) s[u][v][0] = s[u][v][1] = 0;
	}
	// add adds the products A Bᵀ of tiles number from ≤ k < to: a(u, k) is tile k of
	// A's rows u, b(v, k) of B's. Transposed, it is A B, and b(0, k) is row k of B, of
	// which those up to skip have no second tile. A lane has pairs of columns: the
	// tensor core does not mind which column is which, if it is the same in A and in B.
	template <bool transposed, bool minus = false, class A, class B> METHOD void add(int from, int to, A a, B b, int skip = -1) {
		const int g = lane() >> 2, q = 2 * (lane() & 3);
		constexpr int W = U * V == 1 ? 4 : 1; // steps of 8 columns under way at once
		for (int first = 2 * from; first < 2 * to; first += W) {
			Two x[W][2 * U], y[W][2 * V];
#pragma unroll
			for (int w = 0; w < W; w++) {
				const int i = min(first + w, 2 * to - 1), k = i / 2, h = 8 * (i % 2) + q;
#pragma unroll
				for (int u = 0; u < U; u++) {
					const Row r = a(u, k);
#pragma unroll
					for (int c = 0; c < 2; c++) x[w][2 * u + c] = r.at ? *(const Two*)(r.at + (g + 8 * c) * r.ld + h) : Two{0, 0};
				}
				if (transposed) {
					const Row r = b(0, k);
#pragma unroll
					for (int v = 0; v < 2 * V; v++) {
						const f64* at = r.at + h * r.ld + 8 * v + g;
						y[w][v] = v < 2 || k > skip ? Two{at[0], at[r.ld]} : Two{0, 0};
					}
				} else {
#pragma unroll
					for (int v = 0; v < V; v++) {
						const Row r = b(v, k);
#pragma unroll
						for (int c = 0; c < 2; c++) y[w][2 * v + c] = r.at ? *(const Two*)(r.at + (g + 8 * c) * r.ld + h) : Two{0, 0};
					}
				}
			}
			loaded();
#pragma unroll
			for (int w = 0; w < W; w++)
				if (first + w < 2 * to)
#pragma unroll
					for (int c = 0; c < 2; c++)
#pragma unroll
						for (int u = 0; u < 2 * U; u++)
#pragma unroll
							for (int v = 0; v < 2 * V; v++)
								asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1},{%2},{%3},{%0,%1};"
									: "+d"(s[u][v][0]), "+d"(s[u][v][1]) : "d"(minus ? -x[w][u][c] : x[w][u][c]), "d"(y[w][v][c]));
		}
	}
	// pairs calls f(tile row, tile column, i, j, pair) for the neighbours in a row that the
	// lane has.
	template <class F> METHOD void pairs(F f) const {
		const int g = lane() >> 2, q = 2 * (lane() & 3);
#pragma unroll
		for (int u = 0; u < 2 * U; u++)
#pragma unroll
			for (int v = 0; v < 2 * V; v++) f(u / 2, v / 2, u % 2 * 8 + g, v % 2 * 8 + q, Two{s[u][v][0], s[u][v][1]});
	}
#else
	f64 s[16 * U][16 * V] = {};
	template <bool transposed, bool minus = false, class A, class B> void add(int from, int to, A a, B b, int skip = -1) {
		for (int k = from; k < to; k++)
			for (int u = 0; u < U; u++)
				for (int v = 0; v < V; v++) {
					const Row x = a(u, k), y = b(transposed ? 0 : v, k);
					if (!x.at || !y.at || (transposed && v > 0 && k <= skip)) continue;
					for (int i = 0; i < 16; i++)
						for (int j = 0; j < 16; j++)
							for (int l = 0; l < 16; l++) s[16 * u + i][16 * v + j] += (minus ? -x.at[i * x.ld + l] : x.at[i * x.ld + l]) * (transposed ? y.at[l * y.ld + 16 * v + j] : y.at[j * y.ld + l]);
				}
	}
	template <class F> void pairs(F f) const {
		for (int i = 0; i < 16 * U; i++)
			for (int j = 0; j < 16 * V; j += 2) f(i / 16, j / 16, i % 16, j % 16, Two{s[i][j], s[i][j + 1]});
	}
#endif
};

// A group's warps share units: each begins with that of its rank, and takes the next one
// that nobody has when it is through. count is zero at first. Those without a rank, −1,
// join late.
template <class F> DEV void share(int units, int rank, int ranks, unsigned* count, F unit) {
	for (int u = rank >= 0 ? rank : ranks + grab(count); u < units; u = ranks + grab(count)) unit(u);
}

// Where a phase counts. Phases take turns with two counters, and clear each other's.
struct Phases {
	unsigned* count;
	int k;
	METHOD Phases() : count(*(unsigned**)(SHARED() - GROUP_FRONT) + 8), k(0) { // a barrier follows
		if (tid() == 0) count[0] = count[1] = 0;
	}
	METHOD unsigned* next() {
		k ^= 1;
		if (tid() == 0) count[k ^ 1] = 0;
		return count + k;
	}
};

// all has the whole group do units: two by two tiles or, if these would be few, one by
// one. count(r) is how many of r by r there are, unit(Int<r>, u) does one.
template <int N> struct Int {
	static constexpr int size = N;
};
template <class Count, class Unit> DEV void all(Phases& phases, Count count, Unit unit) {
	unsigned* counter = phases.next();
	if (count(2) >= warps()) share(count(2), warp(), warps(), counter, [&](int u) { unit(Int<2>(), u); });
	else share(count(1), warp(), warps(), counter, [&](int u) { unit(Int<1>(), u); });
}

DEV int parts(int n, int r) { return (n + r - 1) / r; }

// lowAt is tile (I, J) of a Low, which has none right of the diagonal.
DEV Row lowAt(const f64* l, int I, int J) { return {J <= I ? l + lowOffset(I) + 16 * J : nullptr, lowStride(I)}; }

// The diagonal of a step: STEP tiles square, a Low in the shared memory of the group's
// first block, of which TEAM warps factor and invert it.
DEV f64* corners() { return SHARED() - GROUP_FRONT + 32; }

// load: what is left of the block from row of tiles K on, after step before, if that is
// not negative; by the first block.
FUN void loadHead(const f64* a, int before, int K, int b) {
	f64* s = corners();
	int c = 0;
	for (int i = 0; i < b; i++)
		for (int j = 0; j <= i; j++, c++) {
			if (c % innerWarps() != innerWarp()) continue;
			Tiles<1, 1> x;
			if (before >= 0)
				x.template add<false>(before, K, [&](int, int k) { return lowAt(a, K + i, k); }, [&](int, int k) { return lowAt(a, K + j, k); });
			const Row from = lowAt(a, K + i, K + j);
			f64* to = s + lowOffset(i) + 16 * j;
			x.pairs([&](int, int, int u, int v, Two t) { *(Two*)(to + u * lowStride(i) + v) = *(const Two*)(from.at + u * from.ld + v) - t; });
		}
	innerSync();
}

// head factors and inverts the block, as factorIn of matrix.h does, and writes it to
// where it belongs; by the team.
FUN void head(f64* l, int K, int b, f64* pivots) {
	Near* a = near(corners());
	const int w = innerWarp(), others = max(1, TEAM - 1), me = TEAM == 1 ? 0 : w - 1;
	if (w == 0) corner(a, lowStride(0), pivots + 16 * K);
	teamSync();
	for (int k = 0;; k++) {
		Near *row = a + lowOffset(k), *top = row + 16 * k;
		const int ld = lowStride(k);
		for (int i = k + TEAM - w; i < b; i += TEAM) {
			Near* r = a + lowOffset(i) + 16 * k;
			tile(r, lowStride(i), r, lowStride(i), top, ld, 16, 0, 1);
		}
		// The row's inverse: sums wait in registers until nobody needs the factor.
		for (int first = 0; first < k; first += TEAM) {
			const int j = first + w;
			Sum sum;
			if (j < k)
				for (int m = j; m < k; m++) sum.add(row + 16 * m, ld, a + lowOffset(m) + 16 * j, lowStride(m));
			teamSync();
			if (j < k) {
				sum.store(row + 16 * j, ld);
				warpSync();
				tile<true>(row + 16 * j, ld, top, ld, row + 16 * j, ld, 16, 0, -1);
			}
		}
		teamSync();
		if (k + 1 == b) break;
		Near* next = a + lowOffset(k + 1);
		if (w == 0) {
			tile(next + 16 * (k + 1), lowStride(k + 1), next + 16 * k, lowStride(k + 1), next + 16 * k, lowStride(k + 1), 16, 1, -1);
			corner(next + 16 * (k + 1), lowStride(k + 1), pivots + 16 * (K + k + 1));
		}
		if (me >= 0) {
			int c = 0;
			for (int i = k + 2; i < b; i++)
				for (int j = k + 1; j <= i; j++, c++) {
					if (c % others != me) continue;
					Near* r = a + lowOffset(i);
					tile(r + 16 * j, lowStride(i), r + 16 * k, lowStride(i), a + lowOffset(j) + 16 * k, lowStride(j), 16, 1, -1);
				}
		}
		teamSync();
	}
	const f64* s = corners();
	for (int i = 0; i < b; i++)
		for (int c = w * WARP + lane(); c < 256 * (i + 1); c += TEAM * WARP) {
			const int u = c / (16 * (i + 1)), v = c % (16 * (i + 1));
			l[lowOffset(K + i) + u * lowStride(K + i) + 16 * K + v] = s[lowOffset(i) + u * lowStride(i) + v];
		}
}

// divide is a unit of what a step does once X_KK is there, update one of what it does
// while the next such is on its way: see factor.
template <int R> FUN void divide(f64* l, int blocks, int K, int N, int u) {
	f64* half = l + lowOffset(blocks);
	const int below = parts(blocks - N, R) * (STEP / R);
	const bool panel = u < below;
	Tiles<R, R> x;
	int I, J, rows;
	if (panel) {
		I = N + u / (STEP / R) * R, J = K + u % (STEP / R) * R, rows = blocks - I;
		x.template add<false>(K, min(J + R, N), [&](int c, int k) { return lowAt(half, min(I + c, blocks - 1), k); }, [&](int c, int k) { return lowAt(l, J + c, k); });
	} else {
		u -= below;
		J = u % (K / R) * R, I = K + u / (K / R) * R, rows = N - I;
		x.template add<true, true>(K, min(I + R, N), [&](int c, int k) { return lowAt(l, min(I + c, N - 1), k); }, [&](int, int k) { return lowAt(half + 16 * J, k, 0); });
	}
	x.pairs([&](int c, int d, int i, int j, Two t) {
		if (c < rows) *(Two*)(l + lowOffset(I + c) + i * lowStride(I + c) + 16 * (J + d) + j) = t;
	});
}

template <int R> FUN void update(f64* l, int blocks, int K, int N, int after, int u) {
	f64* half = l + lowOffset(blocks);
	const int sums = parts(after - N, R) * (N / R);
	Tiles<R, R> x;
	if (u < sums) {
		const int J = u / parts(after - N, R) * R, I = N + u % parts(after - N, R) * R;
		x.template add<true>(J, N, [&](int c, int k) { return lowAt(l, min(I + c, after - 1), k); }, [&](int, int k) { return lowAt(l + 16 * J, k, 0); }, J);
		x.pairs([&](int c, int d, int i, int j, Two t) {
			if (c < after - I) *(Two*)(half + lowOffset(I + c) + i * lowStride(I + c) + 16 * (J + d) + j) = t;
		});
		return;
	}
	u -= sums;
	int I = after;
	for (int wide = STEP / R + 1; u >= wide; I += R) u -= wide++;
	const int J = N + R * u;
	x.template add<false>(K, N, [&](int c, int k) { return lowAt(l, min(I + c, blocks - 1), k); }, [&](int c, int k) { return lowAt(l, min(J + c, blocks - 1), k); });
	f64* to = J < after ? half : l;
	x.pairs([&](int c, int d, int i, int j, Two t) {
		if (I + c >= blocks || J + d > I + c) return;
		const int at = lowOffset(I + c) + i * lowStride(I + c) + 16 * (J + d) + j;
		*(Two*)(to + at) = *(const Two*)(l + at) - t;
	});
}

// factor replaces A = LLᵀ, of order n, by L⁻¹, and returns the least pivot, as that of
// one block does. Pivots come one after the other, and that takes time; all else is done
// meanwhile. A step has STEP columns of tiles, K, and the next ones, N. When the block
// on K's diagonal is inverted, the group computes
//
//	L_IK = A_IK X_KKᵀ, I > K    X_KJ = −X_KK T_KJ, J < K
//
// and while the team then has the block on N's diagonal,
//
//	A_IJ −= L_IK L_JKᵀ, I ≥ J ≥ N    T_NJ = Σ L_NM X_MJ, J ≤ M ≤ K
//
// Behind L there is room for as much again, for T, and for A's columns N, so that
// nothing is overwritten that others read.
FUN f64 factor(f64* l, int n, const f64* diag, f64* pivots, f64* room) {
	const int blocks = pad16(n) / 16;
	if (blocks == 0) return INF;
	f64* half = l + lowOffset(blocks);
	Phases phases;
	const int ranks = warps() - TEAM, rank = first() && innerWarp() < TEAM ? -1 : warp() - TEAM; // beside the team
	int b = min(STEP, blocks);
	if (first()) {
		loadHead(l, -1, 0, b);
		if (rank < 0) head(l, 0, b, pivots);
	}
	if (rank >= 0 || ranks == 0) // the first columns
		for (int I = b + max(rank, 0); I < blocks; I += max(ranks, 1))
			for (int c = lane(); c < 16 * 16 * b; c += WARP) {
				const int at = lowOffset(I) + c / (16 * b) * lowStride(I) + c % (16 * b);
				half[at] = l[at];
			}
	blockSync();
	for (int K = 0;; K += STEP) {
		const int N = K + b;
		auto count = [&](int r) { return parts(blocks - N, r) * (STEP / r) + parts(b, r) * (K / r); };
		auto unit = [&](auto r, int u) { divide<decltype(r)::size>(l, blocks, K, N, u); };
		all(phases, count, unit);
		blockSync();
		if (N == blocks) break;
		b = min(STEP, blocks - N);
		const int after = N + b;
		auto rest = [&](int r) {
			const int left = parts(blocks - after, r);
			return parts(b, r) * (N / r) + left * (STEP / r) + left * (left + 1) / 2;
		};
		unsigned* counter = phases.next();
		if (first()) {
			loadHead(l, K, N, b);
			if (rank < 0) head(l, N, b, pivots);
		}
		if (rest(2) >= ranks) share(rest(2), rank, ranks, counter, [&](int u) { update<2>(l, blocks, K, N, after, u); });
		else share(rest(1), rank, ranks, counter, [&](int u) { update<1>(l, blocks, K, N, after, u); });
		blockSync();
	}
	f64 worst[1] = {0}; // the largest inverse of a relative pivot
	EACH(i, n) worst[0] = larger(worst[0], pivots[i] > 0 ? over(diag[i], pivots[i]) : INF);
	reduce<0, 1>(worst, room);
	return 1 / worst[0];
}

// Products with transposed matrices: a warp has a strip of columns and CHUNK_ROWS rows
// at a time, and the sums of these are added up in their order.
#define CHUNK_ROWS 32

// strip: the sums, over the chunk's rows up to end, of column j of a at times x.
DEV f64 strip(const f64* at, i64 ld, const f64* x, int rows) {
	f64 s[4] = {};
	for (int first = 0; first < rows; first += 16) {
		f64 v[16];
#pragma unroll
		for (int u = 0; u < 16; u++) v[u] = at[min(first + u, rows - 1) * ld];
		loaded();
#pragma unroll
		for (int u = 0; u < 16; u++) s[u & 3] += first + u < rows ? v[u] * x[first + u] : 0;
	}
	return (s[0] + s[1]) + (s[2] + s[3]);
}

// partSize is the room for the sums of matrices of order up to n.
DEV int partSize(int n) { return parts(n, CHUNK_ROWS) * (n + 32); } // an even number

FUN void mulLowT(const f64* l, int n, const f64* x, f64* y, f64* part) {
	if (n == 0) return;
	const int rows = pad16(n), chunks = parts(rows, CHUNK_ROWS), strips = parts(rows, WARP);
	for (int u = warp(), c = 0;; u += warps()) {
		int wide = 0;
		for (; c < chunks && u >= (wide = min(strips, (c + 1) * CHUNK_ROWS / WARP)); c++) u -= wide;
		if (c == chunks) break;
		const int j = u * WARP + lane();
		f64 t = 0;
		for (int I = c * CHUNK_ROWS / 16; I < min((c + 1) * CHUNK_ROWS, rows) / 16; I++)
			{
			const f64 v = strip(l + lowOffset(I) + min(j, 16 * I + 15), lowStride(I), x + 16 * I, 16);
			if (j < 16 * I + 16) t += v;
		}
		if (j < rows) part[c * rows + j] = t;
	}
	blockSync();
	EACH(j, rows) {
		f64 t = 0;
#pragma unroll 8
		for (int c = j / CHUNK_ROWS; c < chunks; c++) t += part[c * rows + j];
		y[j] = t;
	}
	blockSync();
}

FUN void productT(int m, int n, const f64* a, int ld, const f64* x, f64* y, f64 init, f64 sign, f64* part) {
	if (n == 0) return;
	const int chunks = parts(m, CHUNK_ROWS), strips = parts(n, WARP);
	for (int u = warp(); u < chunks * strips; u += warps()) {
		const int c = u / strips, first = c * CHUNK_ROWS, j = u % strips * WARP + lane();
		const f64 t = strip(a + (i64)first * ld + min(j, n - 1), ld, x + first, min(CHUNK_ROWS, m - first));
		if (j < n) part[c * n + j] = t;
	}
	blockSync();
	EACH(j, n) {
		f64 t = 0;
#pragma unroll 8
		for (int c = 0; c < chunks; c++) t += part[c * n + j];
		y[j] = init != 0 ? y[j] + sign * t : sign * t;
	}
	blockSync();
}
