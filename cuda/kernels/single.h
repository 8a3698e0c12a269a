// What factorizations in float32 need (docs/GPU.md, "Mixed precision"): tiles, one of
// them on the diagonal, as matrix.h has them for float64.
#pragma once
#include "device.h"

#ifdef __CUDA__
typedef __attribute__((address_space(3))) float Single; // in shared memory
typedef float Pair __attribute__((ext_vector_type(2)));
typedef float Four __attribute__((ext_vector_type(4)));
DEV Single* single(f64* p) { return (Single*)(float*)p; }
DEV Pair pairAt(const Single* p) { return *(const __attribute__((address_space(3))) Pair*)p; }
DEV Four fourAt(const Single* p) { return *(const __attribute__((address_space(3))) Four*)p; }
#else
typedef float Single;
DEV Single* single(f64* p) { return (Single*)p; }
#endif

// Real is the kind of number that F is in a register.
template <class F> struct RealOf { typedef f64 type; };
template <> struct RealOf<Single> { typedef float type; };
template <class F> using Real = typename RealOf<F>::type;

#ifdef __CUDA__

DEV float shuffle(float v, int from) { return __builtin_bit_cast(float, __nvvm_shfl_sync_idx_i32(0xffffffffu, __builtin_bit_cast(int, v), from, 31)); }
DEV float shuffleXor(float v, int mask) { return __builtin_bit_cast(float, __nvvm_shfl_sync_bfly_i32(0xffffffffu, __builtin_bit_cast(int, v), mask, 31)); }

// SumSingle is Sum in float32: a lane has the same entries.
struct SumSingle {
	float s[2][2][2];
	METHOD SumSingle() { clear(); }
	METHOD void clear() {
#pragma unroll
		for (int u = 0; u < 8; u++) s[u >> 2][u >> 1 & 1][u & 1] = 0;
	}
	// On tensor cores in tf32, each number as a sum of two: what is dropped is below
	// float32's rounding.
	template <bool transposed = true> METHOD void add(const Single* a, int lda, const Single* b, int ldb) {
		const int g = lane() >> 2, q = lane() & 3;
		for (int k = 0; k < 16; k += 8) { // not unrolled: code would be too long for its cache
			float x[4], y[2][2];
#pragma unroll
			for (int u = 0; u < 4; u++) x[u] = a[(g + 8 * (u & 1)) * lda + k + q + 4 * (u >> 1)];
#pragma unroll
			for (int v = 0; v < 2; v++)
#pragma unroll
				for (int u = 0; u < 2; u++) y[v][u] = transposed ? b[(k + q + 4 * u) * ldb + 8 * v + g] : b[(8 * v + g) * ldb + k + q + 4 * u];
			loaded();
			int xh[4], xl[4], yh[2][2], yl[2][2];
#pragma unroll
			for (int u = 0; u < 4; u++) split(x[u], xh[u], xl[u]), split(y[u >> 1][u & 1], yh[u >> 1][u & 1], yl[u >> 1][u & 1]);
			multiply(0, xl, yh[0]), multiply(1, xl, yh[1]); // in turn: each waits for the last
			multiply(0, xh, yl[0]), multiply(1, xh, yl[1]);
			multiply(0, xh, yh[0]), multiply(1, xh, yh[1]);
		}
	}
	static METHOD void split(float x, int& high, int& low) {
		high = __builtin_bit_cast(int, x) & ~0x1fff;
		low = __builtin_bit_cast(int, x - __builtin_bit_cast(float, high));
	}
	METHOD void multiply(int v, const int (&x)[4], const int (&y)[2]) {
		asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
			: "+f"(s[0][v][0]), "+f"(s[0][v][1]), "+f"(s[1][v][0]), "+f"(s[1][v][1])
			: "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]));
	}
	template <class C> METHOD void store(C* c, int ldc) const {
		const int g = lane() >> 2, q = lane() & 3;
#pragma unroll
		for (int u = 0; u < 8; u++) c[(8 * (u >> 2) + g) * ldc + 8 * (u >> 1 & 1) + 2 * q + (u & 1)] = s[u >> 2][u >> 1 & 1][u & 1];
	}
};

// tileSingle is tile.
template <bool transposed> DEV void tileSingle(Single* c, int ldc, const Single* a, int lda, const Single* b, int ldb, int k, float init, float sign) {
	const int g = lane() >> 2, q = lane() & 3;
	SumSingle sum;
	for (int i = 0; i < k; i += 16) sum.add<transposed>(a + i, lda, transposed ? b + i * ldb : b + i, ldb);
	warpSync(); // C may be A
#pragma unroll
	for (int u = 0; u < 8; u++) {
		Single* x = c + (8 * (u >> 2) + g) * ldc + 8 * (u >> 1 & 1) + 2 * q + (u & 1);
		const float t = sign * sum.s[u >> 2][u >> 1 & 1][u & 1];
		*x = init != 0 ? *x + t : t;
	}
	warpSync();
}

DEV float reciprocal(float x) {
	float r;
	asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
	return r;
}
DEV float rsqrt(float x) {
	float r;
	asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(x));
	return r;
}

// corner is that of matrix.h. place has 64 numbers.
template <class V> FUN void cornerSingle(Single* a, int ld, V* pivots, Single* place) {
	const int i = lane() & 15;
	const bool inverse = lane() >= 16;
	float x[16];
#pragma unroll
	for (int j = 0; j < 16; j += 4) {
		const Four v = fourAt(a + i * ld + j);
#pragma unroll
		for (int c = 0; c < 4; c++) x[j + c] = inverse ? (i == j + c ? 1.0f : 0.0f) : v[c];
	}
	loaded();
#pragma unroll
	for (int k = 0; k < 16; k += 2) {
		Single *first = place + 32 * (k / 2 % 2), *second = first + 16;
		if (k < 14 && !inverse) first[i] = x[k], second[i] = x[k + 1];
		const float aa = shuffle(x[k], k), bb = shuffle(x[k], k + 1), cc = shuffle(x[k + 1], k + 1);
		warpSync();
		Pair p[8], q[8];
#pragma unroll
		for (int j = k + 2; j < 16; j += 2) p[j / 2] = pairAt(first + j), q[j / 2] = pairAt(second + j);
		loaded();
		const float det = aa * cc - bb * bb, r = reciprocal(aa * det);
		const float m = bb * det * r, u = x[k] * det * r;
		if (lane() == 0) pivots[k] = aa, pivots[k + 1] = det * (det * r);
		x[k + 1] -= m * x[k];
		const float v = x[k + 1] * (aa * aa * r);
#pragma unroll
		for (int j = k + 2; j < 16; j++) x[j] = x[j] - u * p[j / 2][j % 2] - v * (q[j / 2][j % 2] - m * p[j / 2][j % 2]);
	}
	warpSync();
	if (!inverse) place[i] = rsqrt((float)pivots[i]);
	warpSync();
	if (inverse)
#pragma unroll
		for (int j = 0; j < 16; j++) a[j * ld + i] = x[j] * place[j];
	warpSync();
}

#endif
