// What the host tells a kernel. The Go side has the same struct: pointers first,
// then numbers, then integers.
#pragma once
#include "matrix.h"

enum { Q_, P_, A_, B_, G_, HL_, H_, L_, U_, numCoef }; // package qp's order
enum { dense, diagonal, zero };                       // forms of Q

struct Args {
	f64* data[numCoef]; // as the caller gave them; null where there are none
	f64* stage;         // what depends on Q, A and G alone: see Stage
	f64* x;             // iterates, as qp.Iterates
	f64* info;          // Info of each element
	f64* factors;       // of R on the active set, one Low an element; null: not kept
	f64* state;         // of elements between two launches; null: one launch does all
	f64* warm[4];       // z, ν, λ, μ of the starting points; null: none
	f64* out[6];        // z, value, ν, λ, μ, slack; null: not wanted
	f64* trace;         // one line an element; null: none
	f64* scratch;       // of a block
	f64* up[5];         // cotangents of z, ν, λ, μ, value
	f64* dir[numCoef];  // directions
	f64* grad[numCoef]; // gradients
	f64* tangent[5];    // tangents of z, ν, λ, μ, value
	f64* cert;          // residual and error of each derivative
	f64* rows;          // of each element, for the gradients of what is shared
	int* code;          // of each element: see Code
	int* classes;       // of each constraint: see Class
	int* stop;          // not 0: stop
	unsigned* barrier;  // of groups of blocks, a counter each
	i64 scratchSize;    // numbers a block
	f64 epsAbs, epsRel;
	int n, p, m, t, form, size;
	int shared;    // coefficients that the batch shares, as a set
	int dirShared; // directions likewise
	int oneStage;  // the batch shares the stage
	int inShared;  // what lies in shared memory: see Place
	int steps;     // iterations of this launch
	int maxIter;
	int polish;    // look for the active set
	int stride;    // of an element in rows
	int mixed;     // stages have R in float32 too
};

static_assert(sizeof(Args) == 568, "the host has another struct");

// Place says what lies in shared memory, and not in a block's scratch.
enum Place { placeVectors = 1, placeFactor = 2, placePanel = 4, placeR = 8, placeSingle = 16 };

// Code says how an element stands.
enum Code {
	fresh,    // not begun
	running,  // between two launches
	solved,   // x is a solution; its active set is known
	plain,    // x is a solution, and that is all
	back,     // for the CPU, from the start
	left,     // for the CPU, from x
	stopped,  // as left, because the caller wanted it
};

enum Class { inactive, atUpper, atLower };
enum Kind { hasUpper = 1, hasLower = 2, fixedSides = 4 };

// Info of an element.
enum { infoIter, infoPrimal, infoDual, infoGap, infoValue, infoMargin, infoError, infoRCond, infoActive, infoWeak, infoCount, infoFell, numInfo };

// A line of the trace.
enum { traceIter, traceValue, tracePrimal, traceDual, traceGap, traceMu, traceP, traceD, numTrace };

// A stage is what one value of (Q, A, G) gives, by the lengths n, p, t padded to
// whole tiles: L⁻¹ of Q = LLᵀ, Vᵀ = A L⁻ᵀ, the same of S = VᵀV, R by full
// rows and as a Low, norms of the rows of A and C, the diagonal of C Q⁻¹Cᵀ, and numbers;
// then c R in float32, c being such that its diagonal is 1 at most.
struct Stage {
	f64 *l, *v, *s, *r, *low, *na, *nc, *r0, *num, *single;
};
enum { stageOK, stageMaxQ, stageMaxA, stageMaxG, stageLeastQ, stageLeastS, stageScale, numStage = 8 };

DEV int wide(int n) { return pad16(n) + 4; } // stride of plain rows of length n

// singleSize is what a factor in float32 takes.
DEV int singleSize(int t) { return lowSize(t) / 2; }

DEV i64 stageSize(int n, int p, int t, bool mixed) {
	return lowSize(n) + (i64)pad16(p) * wide(n) + lowSize(p) + (i64)pad16(t) * pad16(t) + lowSize(t) + pad16(p) + 2 * pad16(t) + numStage + (mixed ? singleSize(t) : 0);
}

// prepareLow is what prepare needs for L, for S, and for U; prepareVectors what it
// needs for vectors.
DEV int prepareLow(int n, int p, int t) { return max(max(factorSize(n), factorSize(p)), pad16(t) * wide(p)); }
DEV int prepareVectors(int n, int p) { return 2 * max(pad16(n), pad16(p)) + 8 * warps(); }

DEV Stage stageAt(const Args& a, int e) {
	Stage s;
	f64* x = a.stage + (a.oneStage ? 0 : e) * stageSize(a.n, a.p, a.t, a.mixed);
	s.l = x, x += lowSize(a.n);
	s.v = x, x += (i64)pad16(a.p) * wide(a.n);
	s.s = x, x += lowSize(a.p);
	s.r = x, x += (i64)pad16(a.t) * pad16(a.t);
	s.low = x, x += lowSize(a.t);
	s.na = x, x += pad16(a.p);
	s.nc = x, x += pad16(a.t);
	s.r0 = x, x += pad16(a.t);
	s.num = x, x += numStage;
	s.single = x;
	return s;
}

// at is element e's value of coefficient k, of length one; null if there is none.
DEV f64* at(const Args& a, int k, int e, i64 one) {
	if (!a.data[k]) return nullptr;
	return a.data[k] + (a.shared >> k & 1 ? 0 : e * one);
}
