// Factorization by a group of blocks, part of matrix.h. A barrier among blocks costs
// microseconds, so a step takes STEP tiles of columns at once: the first block of the
// group factors and inverts what stands on the diagonal, alone and in its shared
// memory, and the others meanwhile take what the last step makes of the rest.
#pragma once
#include "pivots.h"

#define STEP_LD (16 * STEP + 4)

DEV int innerWarps() { return max(1, innerThreads() / WARP); }

// head factors and inverts b tiles square on the diagonal, from block row K on, by the
// first block. Columns up to n count. out becomes the least relative pivot.
FUN void head(f64* a, int K, int b, int n, const f64* diag, f64* out) {
	f64* place = SHARED() - GROUP_FRONT + 32;
	Near *s = near(place), *own = s + 16 * STEP * STEP_LD, *buf = own + 16 * STEP;
	const int ld = STEP_LD, size = 16 * b, me = innerWarp(), step = innerWarps();
	const int to = 32 - GROUP_FRONT; // of s, from SHARED()
	for (int c = inner(); c < size * size; c += innerThreads()) {
		const int i = c / size, j = c % size, I = K + i / 16;
		s[i * ld + j] = j <= i ? a[lowOffset(I) + i % 16 * lowStride(I) + 16 * K + j] : 0;
	}
	for (int i = inner(); i < size; i += innerThreads()) own[i] = diag[16 * K + i];
	innerSync();
	f64 least = INF;
	for (int k = 0; k < b; k++) {
		Near* top = s + 16 * k * ld + 16 * k;
		if (me == 0) least = smaller(least, eliminate(to + (int)(top - s), ld, to + (int)(own - s) + 16 * k, min(16, n - 16 * (K + k)), to + (int)(buf - s)));
		innerSync();
		for (int i = k + 1 + me; i < b; i += step) {
			Near* x = s + 16 * i * ld + 16 * k;
			tile(x, ld, x, ld, top, ld, 16, 0, 1);
		}
		innerSync();
		int c = 0;
		for (int i = k + 1; i < b; i++)
			for (int j = k + 1; j <= i; j++, c++)
				if (c % step == me) tile(s + 16 * i * ld + 16 * j, ld, s + 16 * i * ld + 16 * k, ld, s + 16 * j * ld + 16 * k, ld, 16, 1, -1);
		innerSync();
	}
	for (int i = 1; i < b; i++) {
		Near* row = s + 16 * i * ld;
		for (int from = 0; from < i; from += step) {
			const int j = from + me;
			Sum sum;
			if (j < i)
				for (int k = j; k < i; k++) sum.add(row + 16 * k, ld, s + 16 * k * ld + 16 * j, ld);
			innerSync();
			if (j < i) {
				sum.store(row + 16 * j, ld);
				warpSync();
				tile<true>(row + 16 * j, ld, row + 16 * i, ld, row + 16 * j, ld, 16, 0, -1);
			}
			innerSync();
		}
	}
	for (int c = inner(); c < size * size; c += innerThreads()) {
		const int i = c / size, j = c % size, I = K + i / 16;
		if (j / 16 <= i / 16) a[lowOffset(I) + i % 16 * lowStride(I) + 16 * K + j] = s[i * ld + j];
	}
	if (inner() == 0) *out = least;
	innerSync();
}

FUN void invert(f64* l, int blocks);

// factor is that of one block, but for the diagonal: there STEP tiles square are
// inverted. room has a number.
FUN f64 factor(f64* a, int n, const f64* diag, f64*, f64* room) {
	const int blocks = pad16(n) / 16;
	f64 least = INF;
	if (blocks == 0) return least;
	if (first()) head(a, 0, min(STEP, blocks), n, diag, room);
	blockSync();
	int others = warps() - innerWarps(), me = warp() - innerWarps(); // all but the first block's
	if (others == 0) others = warps(), me = warp();
	for (int K = 0;; K += STEP) {
		const int b = min(STEP, blocks - K), next = K + b;
		least = smaller(least, *room);
		if (next == blocks || !(least > 0)) break;
		for (int I = next + warp(); I < blocks; I += warps()) {
			f64* r = a + lowOffset(I) + 16 * K;
			const int ld = lowStride(I);
			for (int J = b - 1; J >= 0; J--) // in place: what is still to come reads to the left
				tile(r + 16 * J, ld, r, ld, a + lowOffset(K + J) + 16 * K, lowStride(K + J), 16 * (J + 1), 0, 1);
		}
		blockSync();
		const int wide = min(STEP, blocks - next), after = next + wide;
		auto update = [&](int I, int J) {
			f64* r = a + lowOffset(I);
			const int ld = lowStride(I);
			tile(r + 16 * J, ld, r + 16 * K, ld, a + lowOffset(J) + 16 * K, lowStride(J), 16 * b, 1, -1);
		};
		if (first()) {
			int c = 0;
			for (int I = next; I < after; I++)
				for (int J = next; J <= I; J++, c++)
					if (c % innerWarps() == innerWarp()) update(I, J);
			innerSync();
			head(a, next, wide, n, diag, room);
		}
		// Tile by tile, row by row of the columns to the right.
		if (me >= 0)
			for (int I = after, J = next + me; I < blocks; J += others) {
				for (; I < blocks && J > I; I++) J -= I - next + 1;
				if (I < blocks) update(I, J);
			}
		blockSync();
	}
	blockSync();
	if (least > 0) invert(a, blocks);
	return least;
}

// invert replaces L, with inverted blocks on its diagonal, by L⁻¹, by halves: where
// X₁₁ and X₂₂ are known, X₂₁ = −X₂₂ (L₂₁ X₁₁). That takes few barriers. Behind L there
// is room for as much again.
FUN void invert(f64* l, int blocks) {
	f64* half = l + lowOffset(blocks);
	for (int b = STEP; b < blocks; b *= 2)
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
