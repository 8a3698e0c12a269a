// What the kernels need of the machine, for NVIDIA GPUs and, so that the whole
// engine can be tested without one, for the host: there a warp is one lane, and
// a block as many threads as the emulated driver gives it.
#pragma once

#define INF __builtin_inf()
#define LARGEST 1e250 // products with a few more numbers must not overflow

typedef double f64;
typedef long long i64;

#ifdef __CUDA__

#define DEV static __attribute__((device, always_inline)) inline
#define FUN static __attribute__((device, noinline)) // one copy in the code
#define METHOD __attribute__((device, always_inline)) inline
#define KERNEL extern "C" __attribute__((global))
#define BOUNDS(threads, blocks) __attribute__((launch_bounds(threads, blocks)))
#define WARP 32

DEV int tid() { return __nvvm_read_ptx_sreg_tid_x(); }
DEV int bid() { return __nvvm_read_ptx_sreg_ctaid_x(); }
DEV int threads() { return __nvvm_read_ptx_sreg_ntid_x(); }
DEV int blocks() { return __nvvm_read_ptx_sreg_nctaid_x(); }
DEV void blockSync() { __syncthreads(); }
DEV void warpSync() { __nvvm_bar_warp_sync(0xffffffffu); }
DEV f64 root(f64 x) { return __nvvm_sqrt_rn_d(x); }
extern "C" __attribute__((shared)) f64 shared_[] __attribute__((aligned(16)));
#define SHARED() (shared_)

DEV f64 shuffle(f64 v, int from) {
	long long x = __builtin_bit_cast(long long, v);
	int lo = __nvvm_shfl_sync_idx_i32(0xffffffffu, (int)x, from, 31);
	int hi = __nvvm_shfl_sync_idx_i32(0xffffffffu, (int)(x >> 32), from, 31);
	return __builtin_bit_cast(f64, ((long long)hi << 32) | (unsigned)lo);
}
DEV f64 shuffleXor(f64 v, int mask) {
	long long x = __builtin_bit_cast(long long, v);
	int lo = __nvvm_shfl_sync_bfly_i32(0xffffffffu, (int)x, mask, 31);
	int hi = __nvvm_shfl_sync_bfly_i32(0xffffffffu, (int)(x >> 32), mask, 31);
	return __builtin_bit_cast(f64, ((long long)hi << 32) | (unsigned)lo);
}
// 1/√x to an ulp or so: an approximation of some 20 bits and a step of third order.
DEV f64 rsqrt(f64 x) {
	f64 y;
	asm("rsqrt.approx.ftz.f64 %0, %1;" : "=d"(y) : "d"(x));
	const f64 e = 1 - x * (y * y);
	return y + (e * y) * (0.5 + 0.375 * e);
}
// x/y to an ulp or so, where neither y nor the quotient is next to overflow or
// underflow; what is, comes out as no number.
DEV f64 over(f64 x, f64 y) {
	f64 r = __nvvm_rcp_approx_ftz_d(y);
	const f64 e = 1 - y * r;
	r = r + r * (e + e * e);
	const f64 q = x * r;
	return q + r * (x - q * y);
}
DEV f64 warpSum(f64 v) {
#pragma unroll
	for (int o = 16; o > 0; o >>= 1) v += shuffleXor(v, o);
	return v;
}
DEV f64 warpMax(f64 v) {
#pragma unroll
	for (int o = 16; o > 0; o >>= 1) {
		f64 w = shuffleXor(v, o);
		v = w > v ? w : v;
	}
	return v;
}

#else

#define DEV static inline
#define FUN static
#define METHOD inline
#define KERNEL extern "C"
#define BOUNDS(threads, blocks)
#define WARP 1

struct Machine { // of one thread
	int tid, bid, threads, blocks;
	f64* shared;
	void (*sync)();
};
extern thread_local Machine machine;

DEV int tid() { return machine.tid; }
DEV int bid() { return machine.bid; }
DEV int threads() { return machine.threads; }
DEV int blocks() { return machine.blocks; }
DEV void blockSync() { if (machine.threads > 1) machine.sync(); }
DEV void warpSync() {}
DEV f64 root(f64 x) { return __builtin_sqrt(x); }
#define SHARED() (machine.shared)
DEV f64 rsqrt(f64 x) { return 1 / __builtin_sqrt(x); }
DEV f64 over(f64 x, f64 y) { return x / y; }
DEV f64 warpSum(f64 v) { return v; }
DEV f64 warpMax(f64 v) { return v; }

#endif

DEV f64 absolute(f64 x) { return __builtin_fabs(x); }
DEV f64 larger(f64 a, f64 b) { return a > b ? a : b; }
DEV f64 smaller(f64 a, f64 b) { return a < b ? a : b; }
// The size of x, with +Inf for what is no number.
DEV f64 size(f64 x) {
	x = absolute(x);
	return x < INF ? x : INF;
}
DEV int lane() { return tid() % WARP; }
DEV int warp() { return tid() / WARP; }
DEV int warps() { return threads() / WARP; }
DEV int min(int a, int b) { return a < b ? a : b; }
DEV int max(int a, int b) { return a > b ? a : b; }
DEV int pad16(int n) { return (n + 15) & ~15; }

// each runs a statement for every i of this thread.
#define EACH(i, n) for (int i = tid(); i < (n); i += threads())
