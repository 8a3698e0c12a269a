// The driver's calls that package cudadrv makes, on the host: a device that is this
// processor, for tests where there is no GPU. A block is as many threads as are asked
// for, or one, which is the default: then kernels run fast, and any barrier is
// passed. Environment, read by tests alone:
//
//	EMULATED_THREADS   threads of a block, each a warp of one lane
//	EMULATED_MEMORY    bytes of device memory
//	EMULATED_DEVICES   how many devices there are
//	EMULATED_FAIL      the name of a call that fails
//	EMULATED_CODE      with which error, if not with 719
#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "qp.cu"

KERNEL void qp_prepare_group(const Args); // of group.cpp
KERNEL void qp_solve_group(const Args);
KERNEL void qp_vjp_group(const Args);
KERNEL void qp_jvp_group(const Args);

thread_local Machine machine;

namespace {
std::barrier<>* barrier;
void wait() { barrier->arrive_and_wait(); }

// Ordered calls come one after the other for a thread sanitizer too, which does not see
// how Go's threads wait for each other.
struct Ordered {
	static inline std::atomic<long> calls;
	Ordered() { calls.fetch_add(1); }
	~Ordered() { calls.fetch_add(1); }
};

std::mutex lock;
std::map<void*, size_t> live;
size_t used;

long setting(const char* name, long otherwise) {
	const char* s = getenv(name);
	return s && *s ? atol(s) : otherwise;
}

int failing(const char* call) {
	const char* s = getenv("EMULATED_FAIL");
	return s && *s && strcmp(s, call) == 0 ? (int)setting("EMULATED_CODE", 719) : 0;
}

using Kernel = void (*)(const Args);
const struct {
	const char* name;
	Kernel run;
} kernels[] = {
	{"qp_prepare", qp_prepare}, {"qp_solve", qp_solve}, {"qp_vjp", qp_vjp}, {"qp_jvp", qp_jvp}, {"qp_sums", qp_sums},
	{"qp_solve_small16", qp_solve_small16}, {"qp_vjp_small16", qp_vjp_small16}, {"qp_jvp_small16", qp_jvp_small16},
	{"qp_solve_small32", qp_solve_small32}, {"qp_vjp_small32", qp_vjp_small32}, {"qp_jvp_small32", qp_jvp_small32},
	{"qp_prepare_group", qp_prepare_group}, {"qp_solve_group", qp_solve_group}, {"qp_vjp_group", qp_vjp_group}, {"qp_jvp_group", qp_jvp_group},
};
}  // namespace

#define API extern "C" __attribute__((visibility("default"))) int

API cuInit(unsigned) { return failing("cuInit"); }
API cuDriverGetVersion(int* v) { *v = 12040; return 0; }
API cuDeviceGetCount(int* n) { *n = (int)setting("EMULATED_DEVICES", 2); return 0; }
API cuDeviceGet(int* d, int ordinal) { *d = ordinal; return 0; }
API cuDeviceGetName(char* name, int len, int) { snprintf(name, len, "emulated device"); return 0; }
API cuDeviceGetAttribute(int* v, int attribute, int) {
	switch (attribute) {
	case 13: *v = 1000000; break;
	case 16: *v = 2; break;
	case 19: *v = 1; break;
	case 38: *v = 50 << 20; break;
	case 75: *v = 9; break;
	case 76: *v = 0; break;
	case 81: *v = 233472; break;
	case 97: *v = 232448; break;
	default: return 1;
	}
	return 0;
}
API cuDeviceTotalMem_v2(size_t* n, int) { *n = setting("EMULATED_MEMORY", 1L << 32); return 0; }
API cuDevicePrimaryCtxRetain(void** c, int d) { *c = (void*)(intptr_t)(d + 1); return failing("cuDevicePrimaryCtxRetain"); }
API cuDevicePrimaryCtxRelease_v2(int) { return 0; }
API cuCtxSetCurrent(void*) { return 0; }
API cuMemGetInfo_v2(size_t* free, size_t* total) {
	*total = setting("EMULATED_MEMORY", 1L << 32);
	std::lock_guard<std::mutex> g(lock);
	*free = *total - used;
	return 0;
}
API cuModuleLoadData(void** m, const void*) { *m = (void*)1; return failing("cuModuleLoadData"); }
API cuModuleUnload(void*) { return 0; }
API cuModuleGetFunction(void** f, void*, const char* name) {
	for (auto& k : kernels)
		if (strcmp(k.name, name) == 0) {
			*f = (void*)k.run;
			return 0;
		}
	return 500;
}
API cuFuncSetAttribute(void*, int, int) { return 0; }
API cuFuncGetAttribute(int* v, int, void*) { *v = 0; return 0; }
API cuOccupancyMaxActiveBlocksPerMultiprocessor(int* v, void*, int, size_t) { *v = 2; return 0; }

// Memory comes full of NaN, so that what is read before it is written shows.
API cuMemAlloc_v2(void** p, size_t n) {
	Ordered o;
	if (int e = failing("cuMemAlloc")) return e;
	std::lock_guard<std::mutex> g(lock);
	if (used + n > (size_t)setting("EMULATED_MEMORY", 1L << 32)) return 2;
	*p = malloc(n);
	if (!*p) return 2;
	memset(*p, 0xff, n);
	live[*p] = n;
	used += n;
	return 0;
}
API cuMemFree_v2(void* p) {
	Ordered o;
	std::lock_guard<std::mutex> g(lock);
	auto i = live.find(p);
	if (i == live.end()) return 1;
	used -= i->second;
	live.erase(i);
	free(p);
	return 0;
}
API cuMemcpyHtoDAsync_v2(void* to, const void* from, size_t n, void*) { Ordered o; memcpy(to, from, n); return failing("cuMemcpyHtoDAsync"); }
API cuMemcpyDtoHAsync_v2(void* to, const void* from, size_t n, void*) { Ordered o; memcpy(to, from, n); return 0; }
API cuMemcpyDtoDAsync_v2(void* to, const void* from, size_t n, void*) { Ordered o; memcpy(to, from, n); return 0; }
API cuMemsetD8Async(void* to, unsigned char v, size_t n, void*) { Ordered o; memset(to, v, n); return 0; }
API cuStreamCreate(void** s, unsigned) { *s = (void*)1; return 0; }
API cuStreamDestroy_v2(void*) { return 0; }
API cuStreamSynchronize(void*) { return failing("cuStreamSynchronize"); }
API cuEventCreate(void** e, unsigned) { *e = calloc(1, sizeof(double)); return 0; }
API cuEventDestroy_v2(void* e) { free(e); return 0; }
API cuEventRecord(void* e, void*) {
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	*(double*)e = t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
	return 0;
}
API cuEventSynchronize(void*) { return 0; }
API cuEventElapsedTime(float* v, void* from, void* to) { *v = *(double*)to - *(double*)from; return 0; }
API cuGetErrorName(int, const char** s) { *s = "CUDA_ERROR_EMULATED"; return 0; }
API cuGetErrorString(int, const char** s) { *s = "as the test wanted"; return 0; }

// How much device memory is allocated.
extern "C" __attribute__((visibility("default"))) long emulatedMemory() {
	std::lock_guard<std::mutex> g(lock);
	return (long)used;
}

API cuLaunchKernel(void* f, unsigned blocks, unsigned group, unsigned, unsigned threads, unsigned, unsigned, unsigned shared, void*, void** params, void**) {
	Ordered o;
	if (int e = failing("cuLaunchKernel")) return e;
	const Args& args = *(const Args*)params[0];
	const unsigned each = std::min((unsigned)setting("EMULATED_THREADS", 1), threads / 32); // a warp each
	if (threads == 0 || threads > 1024 || shared > 232448) return 1;
	const unsigned all = each * group;
	const size_t size = 32 + shared / sizeof(f64) + 1 + (numReduce + numOwn) * all; // a warp is one lane: there are more of them
	std::vector<f64> memory(size * group);
	auto block = [&](unsigned b, unsigned t) {
		machine = Machine{(int)t, (int)(t % each), (int)b, (int)all, (int)blocks, memory.data() + t / each * size, wait};
		((Kernel)f)(args);
	};
	for (unsigned b = 0; b < blocks; b++) {
		memset(memory.data(), 0xff, memory.size() * sizeof(f64));
		if (all == 1) {
			block(b, 0);
			continue;
		}
		static std::mutex one; // the barrier is one block's
		std::lock_guard<std::mutex> g(one);
		std::barrier<> here(all);
		barrier = &here;
		std::vector<std::thread> run;
		for (unsigned t = 0; t < all; t++) run.emplace_back(block, b, t);
		for (auto& t : run) t.join();
	}
	return 0;
}

API cuLaunchCooperativeKernel(void* f, unsigned blocks, unsigned group, unsigned, unsigned threads, unsigned, unsigned, unsigned shared, void* s, void** params) {
	if (int e = failing("cuLaunchCooperativeKernel")) return e;
	return cuLaunchKernel(f, blocks, group, 1, threads, 1, 1, shared, s, params, nullptr);
}

// emulate sets one of the variables above, for a caller whose environment is not C's.
extern "C" __attribute__((visibility("default"))) void emulate(const char* name, const char* value) { setenv(name, value, 1); }
