// The driver's calls that package cudadrv makes, on the host: a device that is this
// processor, for tests where there is no GPU. A block is as many threads as are asked
// for, or one, which is the default: then kernels run fast, and any barrier is
// passed. Environment, read by tests alone:
//
//	EMULATED_THREADS   threads of a block, each a warp of one lane
//	EMULATED_MEMORY    bytes of device memory
//	EMULATED_DEVICES   how many devices there are
//	EMULATED_MAJOR     their compute capability
//	EMULATED_FAIL      the name of a call that fails
//	EMULATED_AFTER     how many such calls do not, before
//	EMULATED_CODE      with which error, if not with 719
#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <deque>
#include <functional>
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
void wait(void* barrier) { ((std::barrier<>*)barrier)->arrive_and_wait(); }

// Ordered calls come one after the other for a thread sanitizer too, which does not see
// how Go's threads wait for each other.
struct Ordered {
	static inline std::atomic<long> calls;
	Ordered() { calls.fetch_add(1); }
	~Ordered() { calls.fetch_add(1); }
};

std::mutex lock;
std::map<void*, size_t> live, pinned;
size_t used;
std::atomic<long> failures;

long setting(const char* name, long otherwise) {
	const char* s = getenv(name);
	return s && *s ? atol(s) : otherwise;
}

int failing(const char* call) {
	const char* s = getenv("EMULATED_FAIL");
	if (!s || strcmp(s, call) != 0 || failures++ < setting("EMULATED_AFTER", 0)) return 0;
	return (int)setting("EMULATED_CODE", 719);
}

// A stream does what it is told as late as it may, so that memory which is used again too
// early, or read too early, shows. Every other stream runs kernels at once, before what
// streams that it does not wait for have to do.
struct Stream {
	static inline std::atomic<long> made;
	const bool hasty = made++ % 2;
	std::mutex lock;
	std::deque<std::function<void()>> todo;
	long done = 0;
	void drain(long to) {
		std::lock_guard<std::mutex> g(lock);
		for (; done < to && !todo.empty(); done++) {
			todo.front()();
			todo.pop_front();
		}
	}
	void drain() { drain(1L << 62); }
	long add(std::function<void()> f) {
		std::lock_guard<std::mutex> g(lock);
		todo.push_back(f);
		return done + (long)todo.size();
	}
};

std::map<Stream*, int> streams;

void drainAll() { // under lock
	for (auto& s : streams) s.first->drain();
}

bool isPinned(const void* p) {
	std::lock_guard<std::mutex> g(lock);
	auto i = pinned.upper_bound((void*)p);
	return i != pinned.begin() && (--i, (const char*)p < (const char*)i->first + i->second);
}

int copying(void* to, const void* from, size_t n, void* s, const void* host) {
	Ordered o;
	auto copy = [=] { memcpy(to, from, n); };
	if (isPinned(host)) {
		((Stream*)s)->add(copy);
	} else {
		((Stream*)s)->drain();
		copy();
	}
	return 0;
}

struct Event {
	double time;
	Stream* stream;
	long at;
	void reach() const { // under lock
		if (streams.count(stream)) stream->drain(at); // or it was destroyed, and drained
	}
};

double now() {
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

using Kernel = void (*)(const Args);
const struct {
	const char* name;
	Kernel run;
} kernels[] = {
	{"qp_prepare", qp_prepare}, {"qp_solve", qp_solve}, {"qp_vjp", qp_vjp}, {"qp_jvp", qp_jvp}, {"qp_sums", qp_sums},
	{"qp_solve_near", qp_solve_near}, {"qp_vjp_near", qp_vjp_near}, {"qp_jvp_near", qp_jvp_near}, {"qp_solve_mixed", qp_solve_mixed},
	{"qp_solve_small16", qp_solve_small16}, {"qp_vjp_small16", qp_vjp_small16}, {"qp_jvp_small16", qp_jvp_small16},
	{"qp_solve_small32", qp_solve_small32}, {"qp_vjp_small32", qp_vjp_small32}, {"qp_jvp_small32", qp_jvp_small32},
	{"qp_prepare_group", qp_prepare_group}, {"qp_solve_group", qp_solve_group}, {"qp_vjp_group", qp_vjp_group}, {"qp_jvp_group", qp_jvp_group},
};

// run executes blocks, or groups of blocks of so many threads each.
void run(Kernel f, const Args& args, unsigned blocks, unsigned group, unsigned each, unsigned shared) {
	const unsigned all = each * group;
	const size_t size = 32 + shared / sizeof(f64) + 1 + (numReduce + numOwn) * all; // a warp is one lane: there are more of them
	const size_t guard = 4096, stride = size + guard; // what lies behind, nobody may touch
	std::vector<f64> memory(stride * group);
	auto block = [&](unsigned b, unsigned t, void* own, void* everybody) {
		machine = Machine{(int)t, (int)(t % each), (int)b, (int)all, (int)each, (int)blocks, memory.data() + t / each * stride, own, everybody, wait};
		f(args);
	};
	for (unsigned b = 0; b < blocks; b++) {
		memset(memory.data(), 0xff, memory.size() * sizeof(f64));
		if (all == 1) {
			block(b, 0, nullptr, nullptr);
		} else {
			std::barrier<> everybody(all);
			std::deque<std::barrier<>> own;
			for (unsigned k = 0; k < group; k++) own.emplace_back(each);
			std::vector<std::thread> run;
			for (unsigned t = 0; t < all; t++) run.emplace_back(block, b, t, &own[t / each], &everybody);
			for (auto& t : run) t.join();
		}
		for (unsigned k = 0; k < group; k++)
			for (size_t i = size; i < stride; i++)
				if (int64_t x; memcpy(&x, &memory[k * stride + i], 8), x != -1) {
					fprintf(stderr, "emulated device: a block has written beyond its shared memory\n");
					abort();
				}
	}
}
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
	case 75: *v = (int)setting("EMULATED_MAJOR", 9); break;
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
	drainAll();
	used -= i->second;
	live.erase(i);
	free(p);
	return 0;
}
API cuMemHostAlloc(void** p, size_t n, unsigned) {
	Ordered o;
	if (int e = failing("cuMemHostAlloc")) return e;
	std::lock_guard<std::mutex> g(lock);
	*p = aligned_alloc(4096, (n + 4095) & ~(size_t)4095);
	if (!*p) return 2;
	memset(*p, 0xff, n);
	pinned[*p] = n;
	return 0;
}
API cuMemFreeHost(void* p) {
	Ordered o;
	std::lock_guard<std::mutex> g(lock);
	auto i = pinned.find(p);
	if (i == pinned.end()) return 1;
	drainAll();
	memset(p, 0xff, i->second);
	pinned.erase(i);
	free(p);
	return 0;
}
API cuMemcpyHtoDAsync_v2(void* to, const void* from, size_t n, void* s) {
	if (int e = failing("cuMemcpyHtoDAsync")) return e;
	return copying(to, from, n, s, from);
}
API cuMemcpyDtoHAsync_v2(void* to, const void* from, size_t n, void* s) {
	if (int e = failing("cuMemcpyDtoHAsync")) return e;
	return copying(to, from, n, s, to);
}
API cuMemcpyDtoDAsync_v2(void* to, const void* from, size_t n, void* s) {
	Ordered o;
	((Stream*)s)->add([=] { memcpy(to, from, n); });
	return 0;
}
API cuMemsetD8Async(void* to, unsigned char v, size_t n, void* s) {
	Ordered o;
	((Stream*)s)->add([=] { memset(to, v, n); });
	return 0;
}
API cuStreamCreate(void** s, unsigned) {
	std::lock_guard<std::mutex> g(lock);
	*s = new Stream;
	streams[(Stream*)*s] = 1;
	return 0;
}
API cuStreamDestroy_v2(void* s) {
	((Stream*)s)->drain();
	std::lock_guard<std::mutex> g(lock);
	streams.erase((Stream*)s);
	delete (Stream*)s;
	return 0;
}
API cuStreamSynchronize(void* s) {
	Ordered o;
	((Stream*)s)->drain();
	return failing("cuStreamSynchronize");
}
API cuEventCreate(void** e, unsigned) {
	if (int e = failing("cuEventCreate")) return e;
	*e = new Event{};
	return 0;
}
API cuEventDestroy_v2(void* e) {
	std::lock_guard<std::mutex> g(lock);
	((Event*)e)->reach();
	delete (Event*)e;
	return 0;
}
API cuEventRecord(void* e, void* s) {
	if (int e = failing("cuEventRecord")) return e;
	Event* event = (Event*)e;
	event->stream = (Stream*)s;
	event->at = event->stream->add([=] { event->time = now(); });
	return 0;
}
API cuEventSynchronize(void* e) {
	Ordered o;
	if (int e = failing("cuEventSynchronize")) return e;
	std::lock_guard<std::mutex> g(lock);
	((Event*)e)->reach();
	return 0;
}
API cuStreamWaitEvent(void* s, void* e, unsigned) {
	if (int e = failing("cuStreamWaitEvent")) return e;
	((Stream*)s)->add([event = *(Event*)e] { event.stream->drain(event.at); });
	return 0;
}
API cuEventElapsedTime(float* v, void* from, void* to) {
	*v = ((Event*)to)->time - ((Event*)from)->time;
	return 0;
}
API cuGetErrorName(int, const char** s) { *s = "CUDA_ERROR_EMULATED"; return 0; }
API cuGetErrorString(int, const char** s) { *s = "as the test wanted"; return 0; }

// How much device memory is allocated.
extern "C" __attribute__((visibility("default"))) long emulatedMemory() {
	std::lock_guard<std::mutex> g(lock);
	return (long)used;
}

// How much pinned memory is.
extern "C" __attribute__((visibility("default"))) long emulatedPinned() {
	std::lock_guard<std::mutex> g(lock);
	size_t n = 0;
	for (auto& p : pinned) n += p.second;
	return (long)n;
}

API cuLaunchKernel(void* f, unsigned blocks, unsigned group, unsigned, unsigned threads, unsigned, unsigned, unsigned shared, void* s, void** params, void**) {
	Ordered o;
	if (int e = failing("cuLaunchKernel")) return e;
	if (threads == 0 || threads > 1024 || shared > 232448) return 1;
	const unsigned each = std::min((unsigned)setting("EMULATED_THREADS", 1), threads / 32); // a warp each
	((Stream*)s)->add([=, args = *(const Args*)params[0]] { run((Kernel)f, args, blocks, group, each, shared); });
	if (((Stream*)s)->hasty) ((Stream*)s)->drain();
	return 0;
}

API cuLaunchCooperativeKernel(void* f, unsigned blocks, unsigned group, unsigned, unsigned threads, unsigned, unsigned, unsigned shared, void* s, void** params) {
	if (int e = failing("cuLaunchCooperativeKernel")) return e;
	return cuLaunchKernel(f, blocks, group, 1, threads, 1, 1, shared, s, params, nullptr);
}

// struct CUlaunchConfig; its one attribute is the size of a cluster, which is the group.
struct Config {
	unsigned grid[3], block[3], shared;
	void* stream;
	struct { unsigned id, pad, value[16]; } * attributes;
	unsigned count;
};
API cuLaunchKernelEx(const Config* c, void* f, void** params, void**) {
	if (int e = failing("cuLaunchKernelEx")) return e;
	if (c->count != 1 || c->attributes->id != 4 || c->attributes->value[1] != c->grid[1]) return 1;
	return cuLaunchKernel(f, c->grid[0], c->grid[1], 1, c->block[0], 1, 1, c->shared, c->stream, params, nullptr);
}
API cuOccupancyMaxActiveClusters(int* n, void*, const Config* c) { *n = 8 / c->grid[1]; return 0; }

// emulate sets one of the variables above, for a caller whose environment is not C's.
extern "C" __attribute__((visibility("default"))) void emulate(const char* name, const char* value) {
	failures = 0;
	setenv(name, value, 1);
}
