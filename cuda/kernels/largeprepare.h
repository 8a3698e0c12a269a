// Preparation by a group of blocks, part of prepare.h: its products of matrices.
#pragma once

// plainAt is tile (I, J) of a matrix by plain rows.
DEV Row plainAt(const f64* a, int ld, int I, int J) { return {a + (i64)16 * I * ld + 16 * J, ld}; }

// copyLow copies a Low without what is between its rows.
DEV void copyLow(f64* to, const f64* from, int n) {
	for (int i = warpAll(); i < pad16(n); i += warpsAll()) {
		const int at = lowOffset(i / 16) + i % 16 * lowStride(i / 16);
		for (int j = lane(); j < i / 16 * 16 + 16; j += WARP) to[at + j] = from[at + j];
	}
}

// diagonalOf copies the diagonal of a Low, and pads it with ones. It begins and ends with a
// barrier where there is a need.
DEV void diagonalOf(f64* low, int n, f64* diag) {
	EACH(i, pad16(n)) diag[i] = i < n ? diagonalAt(low, i) : 1;
	EACH_ALL(i, pad16(n)) if (i >= n) diagonalAt(low, i) = 1;
	syncAll();
}

// reduceGroup computes V = A L⁻ᵀ and W = C L⁻ᵀ, where A and C are the rows of panel and
// low has L⁻¹, and S and R from them; panel has room for as much again, and low for S,
// and then for U. It returns the least pivot of S.
FUN f64 reduceGroup(const Args& a, const Stage& s, f64* panel, f64* low, f64* diag, f64* room) {
	const int p = a.p, N = pad16(a.n), P = pad16(p), T = pad16(a.t), ld = wide(a.n), ldu = wide(p);
	const int columns = N / 16, rows = P / 16, most = T / 16;
	f64 *v = s.v, *hat = panel, *w = panel + (i64)(2 * P + T) * ld; // hat takes A's place
	Phases phases;
	phases.clear();
	syncAll();
	f64 least = INF;
	// Rows of A and C times L⁻ᵀ, the longest sums first.
	all(phases, [&](int r) { return parts(rows + most, r) * parts(columns, r); },
		[&](auto r, int u) {
			constexpr int R = decltype(r)::size;
			const int high = parts(rows + most, R), I = u % high * R, J = (parts(columns, R) - 1 - u / high) * R;
			Tiles<R, R> x;
			x.template add<false>(0, min(J + R, columns), [&](int c, int k) { return plainAt(panel, ld, min(I + c, rows + most - 1), k); },
				[&](int c, int k) { return lowAt(low, min(J + c, columns - 1), k); });
			x.pairs([&](int c, int d, int i, int j, Two t) {
				if (I + c >= rows + most || J + d >= columns) return;
				f64* to = I + c < rows ? v + (i64)(16 * (I + c) + i) * ld : w + (i64)(16 * (I + c - rows) + i) * ld;
				*(Two*)(to + 16 * (J + d) + j) = t;
			});
		});
	copyLow(s.l, low, a.n);
	syncAll();
	if (p > 0) {
		all(phases, [&](int r) { return parts(rows, r) * (parts(rows, r) + 1) / 2; },
			[&](auto r, int u) {
				constexpr int R = decltype(r)::size;
				int I = 0;
				for (; u > I; I++) u -= I + 1;
				I *= R;
				const int J = R * u;
				Tiles<R, R> x;
				x.template add<false>(0, columns, [&](int c, int k) { return plainAt(v, ld, min(I + c, rows - 1), k); }, [&](int c, int k) { return plainAt(v, ld, min(J + c, rows - 1), k); });
				x.pairs([&](int c, int d, int i, int j, Two t) {
					if (I + c < rows && J + d <= I + c) *(Two*)(low + lowOffset(I + c) + i * lowStride(I + c) + 16 * (J + d) + j) = t;
				});
			});
		diagonalOf(low, p, diag);
		least = factor(low, p, diag, diag, room);
		if (!(least > INDEPENDENT)) return least;
		phases.clear(); // the counters were used
		copyLow(s.s, low, p);
		syncAll();
		all(phases, [&](int r) { return parts(rows, r) * parts(columns, r); },
			[&](auto r, int u) {
				constexpr int R = decltype(r)::size;
				const int I = (parts(rows, R) - 1 - u / parts(columns, R)) * R, J = u % parts(columns, R) * R;
				Tiles<R, R> x;
				x.template add<true>(0, min(I + R, rows), [&](int c, int k) { return lowAt(low, min(I + c, rows - 1), k); }, [&](int, int k) { return plainAt(v, ld, k, J); }, J + R > columns ? rows : -1);
				x.pairs([&](int c, int d, int i, int j, Two t) {
					if (I + c < rows && J + d < columns) *(Two*)(hat + (i64)(16 * (I + c) + i) * ld + 16 * (J + d) + j) = t;
				});
			});
		all(phases, [&](int r) { return parts(most, r) * parts(rows, r); },
			[&](auto r, int u) {
				constexpr int R = decltype(r)::size;
				const int I = u / parts(rows, R) * R, J = u % parts(rows, R) * R;
				Tiles<R, R> x;
				x.template add<false>(0, columns, [&](int c, int k) { return plainAt(w, ld, min(I + c, most - 1), k); }, [&](int c, int k) { return plainAt(hat, ld, min(J + c, rows - 1), k); });
				x.pairs([&](int c, int d, int i, int j, Two t) {
					if (I + c < most && J + d < rows) *(Two*)(low + (i64)(16 * (I + c) + i) * ldu + 16 * (J + d) + j) = t;
				});
			});
	}
	all(phases, [&](int r) { return parts(most, r) * (parts(most, r) + 1) / 2; },
		[&](auto r, int u) {
			constexpr int R = decltype(r)::size;
			int I = 0;
			for (; u > I; I++) u -= I + 1;
			I *= R;
			const int J = R * u;
			Tiles<R, R> x;
			x.template add<false>(0, columns, [&](int c, int k) { return plainAt(w, ld, min(I + c, most - 1), k); }, [&](int c, int k) { return plainAt(w, ld, min(J + c, most - 1), k); });
			if (I == J)
				x.pairs([&](int c, int d, int i, int j, Two t) {
					if (c != d || I + c >= most) return;
					if (i == j) s.r0[16 * (I + c) + i] = t[0];
					if (i == j + 1) s.r0[16 * (I + c) + i] = t[1];
				});
			x.template add<false, true>(0, rows, [&](int c, int k) { return plainAt(low, ldu, min(I + c, most - 1), k); }, [&](int c, int k) { return plainAt(low, ldu, min(J + c, most - 1), k); });
			x.pairs([&](int c, int d, int i, int j, Two t) {
				if (I + c >= most || J + d > I + c) return;
				const i64 row = 16 * (I + c) + i, column = 16 * (J + d) + j;
				*(Two*)(s.low + lowOffset(I + c) + i * lowStride(I + c) + column) = t;
				*(Two*)(s.r + row * T + column) = t;
				if (J + d < I + c) s.r[column * T + row] = t[0], s.r[(column + 1) * T + row] = t[1];
			});
		});
	return least;
}
