// What the kernels need of the machine, for NVIDIA GPUs and, so that the whole
// engine can be tested without one, for the host: there a warp is one lane, and
// a block as many threads as the emulated driver gives it.
//
// With GROUP defined, several blocks take an element: the launch's second dimension.
// Each has the element's vectors for itself and does with them what the others do;
// they share the work on matrices, which are in global memory. Names that end in All
// are of all threads that have the element; elsewhere these are the block's own.
#pragma once

#ifdef GROUP
#define STEP 4  // tiles of a block on the diagonal (large.h)
// Before what a block has in shared memory stand its Front, and two such blocks.
#define FRONT 16
#define GROUP_FRONT (FRONT + 128 * STEP * STEP + 192 * STEP + 16 * STEP * (16 * STEP + 4))
#endif

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

DEV int min(int a, int b) { return a < b ? a : b; }
DEV int max(int a, int b) { return a > b ? a : b; }

DEV int bid() { return __nvvm_read_ptx_sreg_ctaid_x(); }
DEV int blocks() { return __nvvm_read_ptx_sreg_nctaid_x(); }
DEV int tid() { return __nvvm_read_ptx_sreg_tid_x(); }
DEV int threads() { return __nvvm_read_ptx_sreg_ntid_x(); }
DEV void blockSync() { __syncthreads(); }
DEV void warpSync() { __nvvm_bar_warp_sync(0xffffffffu); }
DEV f64 root(f64 x) { return __nvvm_sqrt_rn_d(x); }
extern "C" __attribute__((shared)) f64 shared_[] __attribute__((aligned(16)));
#ifdef GROUP
#define SHARED() (shared_ + GROUP_FRONT)
DEV int tidAll() { return __nvvm_read_ptx_sreg_ctaid_y() * threads() + tid(); }
DEV int threadsAll() { return threads() * __nvvm_read_ptx_sreg_nctaid_y(); }
// All blocks of the group arrive, and see what the others have written: by the hardware's
// barrier, or each adds one to a counter in global memory, which is zero at first.
#ifdef CLUSTER
DEV void syncAll() { // it releases and acquires
	asm volatile("barrier.cluster.arrive.aligned;" ::: "memory");
	asm volatile("barrier.cluster.wait.aligned;" ::: "memory");
}
// The same barrier in two parts: what a thread does between them is not waited for.
DEV void arriveAll() { asm volatile("barrier.cluster.arrive.aligned;" ::: "memory"); }
DEV void waitAll() { asm volatile("barrier.cluster.wait.aligned;" ::: "memory"); }
#else
DEV void syncAll() {
	__syncthreads();
	if (tid() == 0) {
		unsigned* count = *(unsigned**)shared_; // in Front
		const unsigned group = __nvvm_read_ptx_sreg_nctaid_y();
		unsigned n;
		asm volatile("fence.acq_rel.gpu;" ::: "memory");
		asm volatile("atom.add.acq_rel.gpu.global.u32 %0, [%1], 1;" : "=r"(n) : "l"(count) : "memory");
		const unsigned all = n - n % group + group;
		do asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(n) : "l"(count) : "memory");
		while ((int)(n - all) < 0);
		asm volatile("fence.acq_rel.gpu;" ::: "memory");
	}
	__syncthreads();
}
DEV void arriveAll() {}
DEV void waitAll() { syncAll(); }
#endif
DEV bool first() { return __nvvm_read_ptx_sreg_ctaid_y() == 0; }
#define TEAM 4 // warps that have the diagonal
DEV void teamSync() { asm volatile("barrier.sync 1, 128;" ::: "memory"); }
// grab is how often count was grabbed before, by warps.
DEV int grab(unsigned* count) {
	int n = 0;
	if (tid() % WARP == 0) asm volatile("atom.add.relaxed.gpu.global.u32 %0, [%1], 1;" : "=r"(n) : "l"(count) : "memory");
	return __nvvm_shfl_sync_idx_i32(0xffffffffu, n, 0, 31);
}
#else
#define SHARED() (shared_)
DEV int tidAll() { return tid(); }
DEV int threadsAll() { return threads(); }
DEV void syncAll() { __syncthreads(); }
DEV bool first() { return true; }
#endif

// Near is a number in shared memory, for pointers of which the compiler is to know that.
typedef f64 __attribute__((address_space(3))) Near;
template <class V> struct WholeOf { typedef int type; };
template <> struct WholeOf<Near> { typedef __attribute__((address_space(3))) int type; };
DEV bool isNear(const void* p) { return __nvvm_isspacep_shared(p); }
DEV Near* near(f64* p) { return (Near*)p; }
template <class V> DEV V* as(f64* p) { return (V*)p; }
DEV const Near* near(const f64* p) { return (const Near*)p; }
// loaded is called by whole warps after loads that are to be under way together: the
// compiler would rather wait for one before it starts the next, to save registers.
DEV void loaded() { warpSync(); }
// loadTwo loads a and b from shared memory, likewise.
DEV void loadTwo(unsigned from, f64& a, f64& b) {
	asm volatile("ld.volatile.shared.v2.f64 {%0, %1}, [%2];" : "=d"(a), "=d"(b) : "r"(from));
}

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
// 1/x to an ulp or so, where it is neither next to overflow nor to underflow.
DEV f64 reciprocal(f64 x) {
	const f64 r = __nvvm_rcp_approx_ftz_d(x), e = 1 - x * r;
	return r + r * (e + e * e);
}
// x/y to an ulp or so, where neither y nor the quotient is next to overflow or
// underflow; what is, comes out as no number.
DEV f64 over(f64 x, f64 y) {
	const f64 r = reciprocal(y), q = x * r;
	return q + r * (x - q * y);
}
// raise makes *p at least v, while others do likewise; neither is negative.
DEV void raise(f64* p, f64 v) { __nvvm_atom_max_gen_ull((unsigned long long*)p, __builtin_bit_cast(unsigned long long, v)); }
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

// fetch starts to copy n numbers, an even number, from global memory; fetched waits
// until the thread's own part is there. Both addresses are multiples of 16 bytes.
DEV void fetch(f64* to, const f64* from, int n) {
	if (!isNear(to)) {
		for (int i = tid(); i < n; i += threads()) to[i] = from[i];
		return;
	}
	const unsigned at = (unsigned)(unsigned long long)near(to);
	for (int i = 2 * tid(); i < n; i += 2 * threads())
		asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" : : "r"(at + 8 * i), "l"(from + i) : "memory");
}
// fetchRow has a warp start to copy n numbers, whatever their address.
DEV void fetchRow(f64* to, const f64* from, int n) {
	const int lane = tid() % WARP;
	if (isNear(to)) {
		const unsigned at = (unsigned)(unsigned long long)near(to);
		for (int j = lane; j < n; j += WARP) asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" : : "r"(at + 8 * j), "l"(from + j) : "memory");
		return;
	}
	for (int j = lane; j < n; j += 4 * WARP) {
		f64 x[4];
#pragma unroll
		for (int c = 0; c < 4; c++) x[c] = from[min(j + c * WARP, n - 1)];
#pragma unroll
		for (int c = 0; c < 4; c++)
			if (j + c * WARP < n) to[j + c * WARP] = x[c];
	}
}
DEV void fetched() { asm volatile("cp.async.wait_all;" : : : "memory"); }

#else

#define DEV static inline
#define FUN static
#define METHOD inline
#define KERNEL extern "C"
#define BOUNDS(threads, blocks)
#define WARP 1

DEV int min(int a, int b) { return a < b ? a : b; }
DEV int max(int a, int b) { return a > b ? a : b; }

struct Machine { // of one thread
	int tidAll, tid, bid, threadsAll, threads, blocks;
	f64* shared; // a block's
	void *block, *all; // barriers
	void (*sync)(void*);
};
extern thread_local Machine machine;

DEV int tid() { return machine.tid; }
DEV int tidAll() { return machine.tidAll; }
DEV int bid() { return machine.bid; }
DEV int threads() { return machine.threads; }
DEV int threadsAll() { return machine.threadsAll; }
DEV int blocks() { return machine.blocks; }
DEV void blockSync() { if (machine.threads > 1) machine.sync(machine.block); }
DEV void syncAll() { if (machine.threadsAll > 1) machine.sync(machine.all); }
DEV bool first() { return machine.tidAll < machine.threads; } // of a group's blocks
DEV void warpSync() {}
DEV void loaded() {}
DEV f64 root(f64 x) { return __builtin_sqrt(x); }
#ifdef GROUP
#define SHARED() (machine.shared + GROUP_FRONT)
#else
#define SHARED() (machine.shared)
#endif
DEV void arriveAll() {}
DEV void waitAll() { syncAll(); }
#define TEAM 1
DEV void teamSync() {}
DEV int grab(unsigned* count) { return (int)__atomic_fetch_add(count, 1u, __ATOMIC_RELAXED); }
typedef f64 Near;
template <class V> struct WholeOf { typedef int type; };
DEV bool isNear(const void*) { return true; }
DEV Near* near(f64* p) { return p; }
template <class V> DEV V* as(f64* p) { return p; }
DEV const Near* near(const f64* p) { return p; }
DEV f64 rsqrt(f64 x) { return 1 / __builtin_sqrt(x); }
DEV f64 reciprocal(f64 y) { return 1 / y; }
DEV f64 over(f64 x, f64 y) { return x / y; }
DEV void fetch(f64* to, const f64* from, int n) {
	for (int i = tid(); i < n; i += threads()) to[i] = from[i];
}
DEV void fetchRow(f64* to, const f64* from, int n) {
	for (int j = 0; j < n; j++) to[j] = from[j];
}
DEV void fetched() {}
DEV void raise(f64* p, f64 v) {
	auto* q = (unsigned long long*)p;
	unsigned long long was = __atomic_load_n(q, __ATOMIC_RELAXED), to = __builtin_bit_cast(unsigned long long, v);
	while (was < to && !__atomic_compare_exchange_n(q, &was, to, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
	}
}
DEV f64 warpSum(f64 v) { return v; }
DEV f64 warpMax(f64 v) { return v; }

#endif

// Whole is int, where V is.
template <class V> using Whole = typename WholeOf<V>::type;

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
DEV int warpAll() { return tidAll() / WARP; }
DEV int warpsAll() { return threadsAll() / WARP; }
DEV bool chief() { return tidAll() == 0; } // writes what one thread has to
DEV int pad16(int n) { return (n + 15) & ~15; }

// each runs a statement for every i of this thread.
#define EACH(i, n) for (int i = tid(); i < (n); i += threads())
#define EACH_ALL(i, n) for (int i = tidAll(); i < (n); i += threadsAll())
