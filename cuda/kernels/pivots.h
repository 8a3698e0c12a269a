// One tile on the diagonal, in shared memory.
#pragma once
#include "device.h"

// eliminate factors a tile of 16×16 on the diagonal, of n pivots, and replaces it by the
// inverse of the factor, as corner does. The chain from pivot to pivot is a reciprocal,
// two products and an exchange: square roots are taken at the end, all at once. buf has
// 32 numbers. Where matrices are is told as a place in shared memory, so that the
// compiler knows that they are there.
FUN f64 eliminate(int tile, int ld, int place, int n, int room) {
	f64 *a = SHARED() + tile, *buf = SHARED() + room;
	const f64* diag = SHARED() + place;
#ifdef __CUDA__
	const int i = lane() & 15;
	const bool inverse = lane() >= 16;
	f64 x[16], mine = 1;
#pragma unroll
	for (int j = 0; j < 16; j++) x[j] = inverse ? (i == j ? 1.0 : 0.0) : a[i * ld + j];
	f64 d = shuffle(x[0], 0);
	if (i == 0) mine = d;
#pragma unroll
	for (int k = 0; k < 16; k++) {
		if (k < n) {
			f64* col = buf + 16 * (k & 1);
			if (!inverse) col[i] = x[k];
			const f64 r = reciprocal(d > 0 ? d : 1);
			warpSync();
			const f64 c = x[k] * r;
			if (k < 15) {
				const int next = k < 15 ? k + 1 : 0;
				x[next] -= c * col[next];
				d = shuffle(x[next], next);
				if (i == next) mine = d;
			}
#pragma unroll
			for (int j = k + 2; j < 16; j++) x[j] -= c * col[j];
		}
	}
	warpSync();
	if (!inverse) buf[i] = rsqrt(mine > 0 ? mine : 1);
	warpSync();
	if (inverse)
#pragma unroll
		for (int j = 0; j < 16; j++) a[j * ld + i] = j >= i ? x[j] * buf[j] : 0;
	warpSync();
	f64 least = i < n ? (mine > 0 ? mine / diag[i] : -1) : INF;
	for (int o = 8; o > 0; o >>= 1) least = smaller(least, shuffleXor(least, o));
	return least;
#else
	f64 least = INF, v[16][16] = {}, root[16];
	for (int i = 0; i < 16; i++) v[i][i] = root[i] = 1;
	for (int k = 0; k < n; k++) {
		const f64 d = a[k * ld + k], r = 1 / (d > 0 ? d : 1);
		least = smaller(least, d > 0 ? d / diag[k] : -1);
		root[k] = rsqrt(d > 0 ? d : 1);
		for (int i = k + 1; i < 16; i++) {
			const f64 c = a[i * ld + k] * r;
			for (int j = k + 1; j <= i; j++) a[i * ld + j] -= c * a[j * ld + k];
			for (int j = 0; j <= k; j++) v[i][j] -= c * v[k][j];
		}
	}
	for (int i = 0; i < 16; i++)
		for (int j = 0; j < 16; j++) a[i * ld + j] = j <= i ? v[i][j] * root[i] : 0;
	return least;
#endif
}
