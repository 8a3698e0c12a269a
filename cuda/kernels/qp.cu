// The kernels of package cuda. A block takes one element from start to end; in those
// for large problems, which are made with GROUP defined, a group of blocks.
#include "derive.h"
#include "smallderive.h"

#ifdef GROUP
#define NAME(f) f##_group
#define SIZES BOUNDS(512, 1)
#else
#define NAME(f) f
#define SIZES BOUNDS(256, 2)
#endif
#define BARRIER 32 // numbers between the counters of two groups: a line of the cache

// Block is what all threads of a block refer to, at the start of shared memory.
template <class V> struct alignas(16) Block {
	Args a;
	Work<V> w;
};
static_assert(sizeof(Block<f64>) == 784 && sizeof(Block<Near>) == 784, "the host reckons with another size");

// enter copies the arguments there. It returns what follows in shared memory.
DEV f64* enter(const Args& args) {
	Block<f64>* b = (Block<f64>*)SHARED();
#ifdef __CUDA__
	for (int i = tid(); i < (int)(sizeof(Args) / sizeof(i64)); i += threads()) ((i64*)&b->a)[i] = ((const i64*)&args)[i];
#else
	if (tid() == 0) b->a = args;
#endif
#ifdef GROUP
	if (tid() == 0) front() = Front{args.barrier + bid() * BARRIER, args.stop, nullptr, 0, 0};
#endif
	blockSync();
	return SHARED() + sizeof(Block<f64>) / sizeof(f64);
}

// room finds the vectors, of kind V, and the factor, in shared memory or in scratch.
template <class V> DEV Block<V>& room(const Args& args) {
	f64* fast = enter(args);
	Block<V>& b = *(Block<V>*)SHARED();
	const Args& a = b.a;
	f64* slow = a.scratch + (i64)bid() * a.scratchSize;
#ifdef GROUP
	const int exchanges = exchangeSize(pad16(max(a.n, max(a.p, a.t))));
	f64* factor = slow;
	slow += factorSize(a.t);
	if (tid() == 0) front().exchange = slow, front().size = exchanges;
	slow += 2 * exchanges;
	V* vectors = as<V>(a.inShared & placeVectors ? fast : slow + tidAll() / threads() * workSize(a.n, a.p, a.t)); // a block's own
#else
	V* vectors = as<V>(a.inShared & placeVectors ? fast : slow);
	(a.inShared & placeVectors ? fast : slow) += workSize(a.n, a.p, a.t);
	f64* factor = a.inShared & (placeFactor | placeSingle) ? fast : slow;
	if (!(a.inShared & placeSingle)) (a.inShared & placeFactor ? fast : slow) += factorSize(a.t);
#endif
	if (tid() == 0) view(b.w, a, vectors, factor, a.inShared & placeR ? fast : nullptr);
	blockSync();
	return b;
}

#define ELEMENTS(e) for (int e = bid(); e < b.a.size; e += blocks())

KERNEL BOUNDS(512, 1) void NAME(qp_prepare)(const Args args) {
	f64* fast = enter(args);
	const Args& a = ((Block<f64>*)SHARED())->a;
	f64* slow = a.scratch + (i64)bid() * a.scratchSize;
	f64* vectors = a.inShared & placeVectors ? fast : slow;
	(a.inShared & placeVectors ? fast : slow) += prepareVectors(a.n, a.p);
	f64* low = a.inShared & placeFactor ? fast : slow;
	(a.inShared & placeFactor ? fast : slow) += prepareLow(a.n, a.p, a.t);
	f64* panel = a.inShared & placePanel ? fast : slow;
	const int size = a.oneStage ? 1 : a.size;
	for (int e = bid(); e < size; e += blocks()) prepare(a, e, vectors, low, panel);
}

#define STEPS(V, SUFFIX) \
	KERNEL SIZES void NAME(qp_solve##SUFFIX)(const Args args) { \
		Block<V>& b = room<V>(args); \
		ELEMENTS(e) solveElement(b.a, b.w, e); \
	} \
	KERNEL SIZES void NAME(qp_vjp##SUFFIX)(const Args args) { \
		Block<V>& b = room<V>(args); \
		ELEMENTS(e) vjpElement(b.a, b.w, e); \
	} \
	KERNEL SIZES void NAME(qp_jvp##SUFFIX)(const Args args) { \
		Block<V>& b = room<V>(args); \
		ELEMENTS(e) jvpElement(b.a, b.w, e); \
	}
STEPS(f64, ) // with vectors in scratch
#ifndef GROUP
STEPS(Near, _near) // in shared memory

// Factors of iterations in float32.
KERNEL BOUNDS(128, 3) void qp_solve_mixed(const Args args) {
	Block<Near>& b = room<Near>(args);
	ELEMENTS(e) solveElement(b.a, b.w, e);
}

KERNEL BOUNDS(256, 1) void qp_sums(const Args args) {
	enter(args);
	sums(((Block<f64>*)SHARED())->a);
}

#define SMALL(S) \
	KERNEL BOUNDS(32, 8) void qp_solve_small##S(const Args args) { \
		f64* fast = enter(args); \
		smallElement<S>(((Block<f64>*)SHARED())->a, fast, bid()); \
	} \
	KERNEL BOUNDS(32, 8) void qp_vjp_small##S(const Args args) { \
		f64* fast = enter(args); \
		smallVJP<S>(((Block<f64>*)SHARED())->a, fast, bid()); \
	} \
	KERNEL BOUNDS(32, 8) void qp_jvp_small##S(const Args args) { \
		f64* fast = enter(args); \
		smallJVP<S>(((Block<f64>*)SHARED())->a, fast, bid()); \
	}
SMALL(16)
SMALL(32)
#endif
