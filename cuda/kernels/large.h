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

#define PAIRS (128 / WARP) // that a lane has of a tile

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

// Front is what a block of a group has before all else in shared memory.
struct Front {
	unsigned* count; // of the group, in global memory: for its barrier, at 8 and 9 for units, at 16 for a stop
	const int* stop; // of Args
	f64* exchange;   // the group's, two times size
	i64 size;
	int turn;
};
static_assert(sizeof(Front) <= FRONT * sizeof(f64), "there is less room");
DEV Front& front() { return *(Front*)(SHARED() - GROUP_FRONT); }

// Phases of shared units take turns with two counters, and clear each other's.
struct Phases {
	unsigned* count;
	int k;
	METHOD Phases() : count(front().count + 8), k(0) {}
	METHOD void clear() { // syncAll follows
		k = 0;
		if (chief()) count[0] = count[1] = 0;
	}
	METHOD unsigned* next() {
		k ^= 1;
		if (chief()) count[k ^ 1] = 0;
		return count + k;
	}
};

// all has the whole group do units: two by two tiles or, if these would be few, one by
// one. count(r) is how many of r by r there are, unit(Int<r>, u) does one. It ends in a
// barrier.
template <int N> struct Int {
	static constexpr int size = N;
};
template <class Count, class Unit> DEV void all(Phases& phases, Count count, Unit unit) {
	unsigned* counter = phases.next();
	if (count(2) >= warpsAll()) share(count(2), warpAll(), warpsAll(), counter, [&](int u) { unit(Int<2>(), u); });
	else share(count(1), warpAll(), warpsAll(), counter, [&](int u) { unit(Int<1>(), u); });
	syncAll();
}

DEV int parts(int n, int r) { return (n + r - 1) / r; }

// lowAt is tile (I, J) of a Low, which has none right of the diagonal.
DEV Row lowAt(const f64* l, int I, int J) { return {J <= I ? l + lowOffset(I) + 16 * J : nullptr, lowStride(I)}; }

// The diagonal of a step: STEP tiles square, a Low in the shared memory of the group's
// first block, of which TEAM warps factor and invert it.
DEV f64* corners() { return SHARED() - GROUP_FRONT + FRONT; }

// nextHead makes, where X_KK is, what is left of the block on N's diagonal after step K:
// L_NK, which others compute too, stays here. By the first block.
FUN void nextHead(const f64* l, const f64* half, int K, int N, int b) {
	f64 *s = corners(), *panel = s + lowOffset(STEP);
	constexpr int ld = 16 * STEP + 4;
	for (int c = warp(); c < STEP * b; c += warps()) {
		const int i = c % b, j = STEP - 1 - c / b;
		Tiles<1, 1> x;
		x.template add<false>(0, j + 1, [&](int, int k) { return Row{half + lowOffset(N + i) + 16 * (K + k), lowStride(N + i)}; }, [&](int, int k) { return lowAt(s, j, k); });
		x.pairs([&](int, int, int u, int v, Two t) { *(Two*)(panel + (16 * i + u) * ld + 16 * j + v) = t; });
	}
	blockSync();
	for (int c = warp(); c < b * (b + 1) / 2; c += warps()) {
		int i = 0, j = c;
		for (; j > i; i++) j -= i + 1;
		const Row from = lowAt(l, N + i, N + j);
		Two was[PAIRS];
		int p = 0;
		Tiles<1, 1> x;
		x.pairs([&](int, int, int u, int v, Two) { was[p++] = *(const Two*)(from.at + u * from.ld + v); });
		x.template add<false>(0, STEP, [&](int, int k) { return Row{panel + 16 * i * ld + 16 * k, ld}; }, [&](int, int k) { return Row{panel + 16 * j * ld + 16 * k, ld}; });
		p = 0;
		x.pairs([&](int, int, int u, int v, Two t) { *(Two*)(s + lowOffset(i) + u * lowStride(i) + 16 * j + v) = was[p++] - t; });
	}
	blockSync();
}

// head factors and inverts the block, as factorIn of matrix.h does, and writes it to
// where it belongs; by the team.
FUN void head(f64* l, int K, int b, f64* pivots) {
	constexpr int most = TEAM == 1 ? STEP : 1; // sums that a warp holds
	Near* a = near(corners());
	const int w = warp(), others = max(1, TEAM - 1), me = TEAM == 1 ? 0 : w - 1;
	if (w == 0) corner(a, lowStride(0), pivots + 16 * K);
	teamSync();
	Sum sum[most];
	for (int k = 0;; k++) {
		Near *row = a + lowOffset(k), *top = row + 16 * k;
		const int ld = lowStride(k);
		for (int i = k + 1 + w; i < b; i += TEAM) {
			Near* r = a + lowOffset(i) + 16 * k;
			tile(r, lowStride(i), r, lowStride(i), top, ld, 16, 0, 1);
		}
		if (me >= 0)
#pragma unroll
			for (int c = 0; c < most; c++) {
				const int j = me + c * others;
				if (j >= k) continue;
				sum[c].store(row + 16 * j, ld);
				warpSync();
				tile<true>(row + 16 * j, ld, top, ld, row + 16 * j, ld, 16, 0, -1);
			}
		teamSync();
		if (k + 1 == b) break;
		Near* next = a + lowOffset(k + 1);
		const int ldn = lowStride(k + 1);
		if (w == 0) {
			tile(next + 16 * (k + 1), ldn, next + 16 * k, ldn, next + 16 * k, ldn, 16, 1, -1);
			corner(next + 16 * (k + 1), ldn, pivots + 16 * (K + k + 1));
		}
		if (me >= 0) {
			int c = 0;
			for (int i = k + 2; i < b; i++)
				for (int j = k + 1; j <= i; j++, c++) {
					if (c % others != me) continue;
					Near* r = a + lowOffset(i);
					tile(r + 16 * j, lowStride(i), r + 16 * k, lowStride(i), a + lowOffset(j) + 16 * k, lowStride(j), 16, 1, -1);
				}
#pragma unroll
			for (int c = 0; c < most; c++) {
				const int j = me + c * others;
				if (j > k) continue;
				sum[c].clear();
				for (int m = j; m <= k; m++) sum[c].add(next + 16 * m, ldn, a + lowOffset(m) + 16 * j, lowStride(m));
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
// while the next such is on its way: see invert.
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

// start takes the block on the first diagonal and inverts it, and meanwhile puts the rest of A, of
// so many blocks of rows, where factor wants it. An entry of A is of(i, j, *at(i, j)); if A is
// there, where L⁻¹ will be, it stays.
template <class At, class Of> DEV void start(f64* l, int blocks, bool there, At at, Of of) {
	if (blocks == 0) return;
	f64* half = l + lowOffset(blocks);
	const int ranks = warpsAll() - TEAM, rank = first() && warp() < TEAM ? -1 : warpAll() - TEAM;
	const int b = min(STEP, blocks);
	Phases().clear();
	if (first()) {
		for (int i = warp(); i < 16 * b; i += warps()) {
			f64* to = corners() + lowOffset(i / 16) + i % 16 * lowStride(i / 16);
			for (int j = lane(); j < i / 16 * 16 + 16; j += WARP) to[j] = of(i, j, *at(i, j));
		}
		blockSync();
		if (rank < 0) head(l, 0, b, half + lowOffset(blocks));
	}
	if (rank >= 0 || ranks == 0)
		for (int i = 16 * b + max(rank, 0); i < 16 * blocks; i += max(ranks, 1)) {
			const int row = lowOffset(i / 16) + i % 16 * lowStride(i / 16), end = there ? 16 * b : i / 16 * 16 + 16;
			for (int first = 0; first < end; first += 4 * WARP) {
				f64 x[4];
#pragma unroll
				for (int c = 0; c < 4; c++) x[c] = *at(i, min(first + c * WARP + lane(), end - 1));
				loaded();
#pragma unroll
				for (int c = 0; c < 4; c++) {
					const int j = first + c * WARP + lane();
					if (j < end) (j < 16 * b ? half : l)[row + j] = of(i, j, x[c]);
				}
			}
		}
	syncAll();
}

// invert replaces A = LLᵀ, of order n, by L⁻¹, and returns the least pivot, as factor of
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
// nothing is overwritten that others read; and behind that, for the pivots. start comes
// first.
template <class V> FUN f64 invert(f64* l, int n, const V* diag, V* room) {
	const int blocks = pad16(n) / 16;
	if (blocks == 0) return INF;
	f64 *half = l + lowOffset(blocks), *pivots = half + lowOffset(blocks);
	Phases phases;
	const int ranks = warpsAll() - TEAM, rank = first() && warp() < TEAM ? -1 : warpAll() - TEAM; // beside the team
	int b = min(STEP, blocks);
	for (int K = 0;; K += STEP) {
		const int N = K + b;
		auto divisions = [&](int r) { return parts(blocks - N, r) * (STEP / r) + parts(N - K, r) * (K / r); };
		if (N == blocks) {
			all(phases, divisions, [&](auto r, int u) { divide<decltype(r)::size>(l, blocks, K, N, u); });
			break;
		}
		b = min(STEP, blocks - N);
		if (first()) nextHead(l, half, K, N, b);
		unsigned* counter = phases.next();
		if (rank >= 0 || ranks == 0) {
			if (divisions(2) >= ranks) share(divisions(2), rank, ranks, counter, [&](int u) { divide<2>(l, blocks, K, N, u); });
			else share(divisions(1), rank, ranks, counter, [&](int u) { divide<1>(l, blocks, K, N, u); });
		}
		arriveAll();
		if (rank < 0) head(l, N, b, pivots);
		waitAll();
		const int after = N + b;
		auto updates = [&](int r) {
			const int left = parts(blocks - after, r);
			return parts(b, r) * (N / r) + left * (STEP / r) + left * (left + 1) / 2;
		};
		counter = phases.next();
		if (updates(2) >= ranks) share(updates(2), rank, ranks, counter, [&](int u) { update<2>(l, blocks, K, N, after, u); });
		else share(updates(1), rank, ranks, counter, [&](int u) { update<1>(l, blocks, K, N, after, u); });
		syncAll();
	}
	f64 worst[1] = {0}; // the largest inverse of a relative pivot
	EACH(i, n) worst[0] = larger(worst[0], pivots[i] > 0 ? over(diag[i], pivots[i]) : INF);
	reduce<0, 1>(worst, room);
	return 1 / worst[0];
}

// factor is that of one block. syncAll comes before.
template <class V> FUN f64 factor(f64* l, int n, const V* diag, V*, V* room) {
	start(l, pad16(n) / 16, true, [&](int i, int j) { return l + lowOffset(i / 16) + i % 16 * lowStride(i / 16) + j; }, [](int, int, f64 x) { return x; });
	return invert(l, n, diag, room);
}

// Products of matrices with vectors. Each block has the vectors; the group shares the
// rows, exchanges the sums through global memory, and each block takes all of them. Two
// places take turns, so that one barrier does. With a transposed matrix a warp has a strip of
// columns and PIECE rows at a time, whose sums are added up in their order.
#define PIECE 32

DEV int exchangeSize(int n) { return parts(n, PIECE) * n; } // for matrices of order up to n, padded

DEV f64* exchange() { return front().exchange + front().turn * front().size; }

// exchanged is called when the sums are written, and then taken.
template <class F> DEV void exchanged(F take) {
	syncAll();
	if (tid() == 0) front().turn ^= 1;
	take();
	blockSync();
}

// sumRows makes out(i) the sum of row(i) times x, over end(i) columns.
template <class R, class E, class V> DEV void sumRows(int m, R row, E end, const V* x, f64* out) {
	const int step = warpsAll();
	for (int i = warpAll(); i < m; i += 4 * step) {
		f64 s[4] = {};
		const f64* at[4];
		int to[4], most = 0;
#pragma unroll
		for (int u = 0; u < 4; u++) {
			const int r = min(i + u * step, m - 1);
			at[u] = row(r), to[u] = i + u * step < m ? end(r) : 0, most = max(most, to[u]);
		}
		for (int first = 0; first < most; first += 4 * WARP) {
			f64 v[4][4];
#pragma unroll
			for (int c = 0; c < 4; c++)
#pragma unroll
				for (int u = 0; u < 4; u++) {
					const int j = first + c * WARP + lane();
					v[u][c] = j < to[u] ? at[u][j] : 0;
				}
			loaded();
#pragma unroll
			for (int c = 0; c < 4; c++) {
				const int j = first + c * WARP + lane();
				const f64 z = j < most ? x[j] : 0;
#pragma unroll
				for (int u = 0; u < 4; u++) s[u] += v[u][c] * z;
			}
		}
#pragma unroll
		for (int u = 0; u < 4; u++) s[u] = warpSum(s[u]);
		if (lane() == 0)
#pragma unroll
			for (int u = 0; u < 4; u++)
				if (i + u * step < m) out[i + u * step] = s[u];
	}
}

// mulLow: y = X x for a lower triangle X, mulLowT: y = Xᵀx; x and y are padded.
template <class V> FUN void mulLow(const f64* l, int n, const V* x, V* y) {
	if (n == 0) return;
	const int rows = pad16(n);
	f64* out = exchange();
	sumRows(rows, [&](int i) { return l + lowOffset(i / 16) + i % 16 * lowStride(i / 16); }, [](int i) { return i / 16 * 16 + 16; }, x, out);
	exchanged([&] { EACH(i, rows) y[i] = out[i]; });
}

template <class V> DEV void mulFar(const f64* l, int n, const V* x, V* y) { mulLow(l, n, x, y); }

// product: y = init·y + sign·A x, A m×n by rows of stride ld; productT: with Aᵀ.
template <class V> FUN void product(int m, int n, const f64* a, int ld, const V* x, V* y, f64 init, f64 sign) {
	f64* out = exchange();
	sumRows(m, [&](int i) { return a + (i64)i * ld; }, [&](int) { return n; }, x, out);
	exchanged([&] { EACH(i, m) y[i] = init != 0 ? init * y[i] + sign * out[i] : sign * out[i]; });
}

// strip is the sum of a column's entries times x.
template <class V> DEV f64 strip(const f64* at, int ld, const V* x, int rows) {
	f64 s[4] = {};
	for (int first = 0; first < rows; first += 16) {
		f64 v[16];
#pragma unroll
		for (int u = 0; u < 16; u++) v[u] = at[(i64)min(first + u, rows - 1) * ld];
		loaded();
#pragma unroll
		for (int u = 0; u < 16; u++) s[u & 3] += first + u < rows ? v[u] * x[first + u] : 0;
	}
	return (s[0] + s[1]) + (s[2] + s[3]);
}

template <class V> FUN void mulLowT(const f64* l, int n, const V* x, V* y, V*) {
	if (n == 0) return;
	const int rows = pad16(n), chunks = parts(rows, PIECE), strips = parts(rows, WARP);
	f64* out = exchange();
	for (int u = warpAll(), c = 0;; u += warpsAll()) {
		int wide = 0;
		for (; c < chunks && u >= (wide = min(strips, (c + 1) * PIECE / WARP)); c++) u -= wide;
		if (c == chunks) break;
		const int j = u * WARP + lane();
		f64 t = 0;
		for (int I = c * PIECE / 16; I < min((c + 1) * PIECE, rows) / 16; I++) {
			const f64 v = strip(l + lowOffset(I) + min(j, 16 * I + 15), lowStride(I), x + 16 * I, 16);
			if (j < 16 * I + 16) t += v;
		}
		if (j < rows) out[c * rows + j] = t;
	}
	exchanged([&] {
		EACH(j, rows) {
			f64 t = 0;
#pragma unroll 8
			for (int c = j / PIECE; c < chunks; c++) t += out[c * rows + j];
			y[j] = t;
		}
	});
}

template <class V> FUN void productT(int m, int n, const f64* a, int ld, const V* x, V* y, f64 init, f64 sign, V*) {
	if (n == 0) return;
	const int chunks = parts(m, PIECE), strips = parts(n, WARP);
	f64* out = exchange();
	for (int u = warpAll(); u < chunks * strips; u += warpsAll()) {
		const int c = u / strips, first = c * PIECE, j = u % strips * WARP + lane();
		const f64 t = strip(a + (i64)first * ld + min(j, n - 1), ld, x + first, min(PIECE, m - first));
		if (j < n) out[c * n + j] = t;
	}
	exchanged([&] {
		EACH(j, n) {
			f64 t = 0;
#pragma unroll 8
			for (int c = 0; c < chunks; c++) t += out[c * n + j];
			y[j] = init != 0 ? y[j] + sign * t : sign * t;
		}
	});
}
