// Derivatives at the points of active sets: one solve with the matrix that the
// active set left factored (docs/THEORY.md, section 5).
#pragma once
#include "solve.h"

#define REFINED 1e-11 // relative residual that is good enough
#define REFINEMENTS 4
#define SLOW 0.5
#define DOUBTFUL 1e-9 // a residual that calls for a second look, by the CPU
#define CHUNK 32      // elements that are summed in one go

template <class V> FUN f64 norm(const Work<V>& w, const V* z, const V* nu, const V* lam) {
	f64 v[1] = {0};
	EACH(j, w.n) v[0] = larger(v[0], size(z[j]));
	EACH(i, w.p) v[0] = larger(v[0], size(nu[i]));
	EACH(i, w.t) v[0] = larger(v[0], size(lam[i]));
	reduce<0, 1>(v, w.room);
	return v[0];
}

// begin loads the point and its active set. Of the vectors, Z, NU and LAM are the
// point; RD, RA and RU the right-hand side; QZ, AZ and Y the step.
template <class V> FUN void begin(const Args& a, Work<V>& w, int e) {
	if (tid() == 0) w.s = stageAt(a, e);
	blockSync();
	EACH(i, numT * w.T + numN * w.N + numP * w.P) w.base[i] = 0;
	blockSync();
	const f64* x = a.x + (i64)e * iterateSize(a);
	EACH(j, w.n) w.v(Z)[j] = x[j];
	EACH(i, w.p) w.w(NU)[i] = x[w.n + i];
	EACH(i, w.t) {
		w.c(LAM)[i] = x[w.n + w.p + i];
		w.cls[i] = a.classes[(i64)e * w.t + i];
	}
	blockSync();
	enumerate(w);
#ifdef GROUP
	if (tid() == 0) w.factor = a.factors + (i64)e * lowSize(w.t);
#else
	fetch(w.factor, a.factors + (i64)e * lowSize(w.t), lowSize(w.active));
	fetched();
#endif
	blockSync();
}

// residual: left = rhs − K·step in DZ, DNU, CDZ; its norm.
template <class V> FUN f64 residual(const Args& a, const Work<V>& w, int e) {
	V *z = w.v(QZ), *nu = w.w(AZ), *lam = w.c(Y);
	mulQ(a, w, e, z, w.v(DZ));
	mulC(a, w, e, z, w.c(CDZ));
	blockSync();
	if (w.p > 0) {
		const f64* rowsA = at(a, A_, e, (i64)w.p * w.n);
		product(w.p, w.n, rowsA, w.n, z, w.w(DNU), 0, 1);
		productT(w.p, w.n, rowsA, w.n, nu, w.v(DZ), 1, 1, w.room);
	}
	addCT(a, w, e, lam, w.v(DZ), 1);
	EACH(j, w.N) w.v(DZ)[j] = w.v(RD)[j] - w.v(DZ)[j];
	EACH(i, w.P) w.w(DNU)[i] = i < w.p ? w.w(RA)[i] - w.w(DNU)[i] : 0;
	EACH(i, w.T) w.c(CDZ)[i] = i < w.t && w.cls[i] != inactive ? w.c(RU)[i] - w.c(CDZ)[i] : 0;
	blockSync();
	return norm(w, w.v(DZ), w.w(DNU), w.c(CDZ));
}

// adjoint solves K·step = rhs, refined, and returns the relative residual.
template <class V> FUN f64 adjoint(const Args& a, const Work<V>& w, int e) {
	EACH(j, w.N) w.v(DZ)[j] = w.v(RD)[j];
	EACH(i, w.P) w.w(DNU)[i] = w.w(RA)[i];
	EACH(i, w.T) w.c(CDZ)[i] = w.c(RU)[i];
	const f64 full = norm(w, w.v(RD), w.w(RA), w.c(RU));
	blockSync();
	if (full == 0) return 0;
	f64 last = INF;
	for (int k = 0; k < REFINEMENTS; k++) {
		kkt(a, w, e, w.factor);
		EACH(j, w.n) w.v(QZ)[j] += w.v(DZ)[j];
		EACH(i, w.p) w.w(AZ)[i] += w.w(DNU)[i];
		EACH(i, w.t) w.c(Y)[i] += w.c(CDZ)[i], w.c(E0)[i] = w.c(CDZ)[i];
		EACH(j, w.n) w.v(GTL)[j] = w.v(DZ)[j];
		EACH(i, w.p) w.w(RA0)[i] = w.w(DNU)[i];
		blockSync();
		const f64 r = residual(a, w, e) / full;
		if (!(r < last)) { // worse: take it back
			EACH(j, w.n) w.v(QZ)[j] -= w.v(GTL)[j];
			EACH(i, w.p) w.w(AZ)[i] -= w.w(RA0)[i];
			EACH(i, w.t) w.c(Y)[i] -= w.c(E0)[i];
			blockSync();
			break;
		}
		const bool slow = r > SLOW * last;
		last = r;
		if (last <= REFINED || slow) break;
	}
	return last;
}

enum { certResidual, certZeroed, numCert };

// certify writes the residual, and whether the derivative is zero because it is no
// number, or left to the CPU because the residual is large. It says whether it
// stands.
DEV bool certify(const Args& a, int e, f64 r, bool ok) {
	if (chief()) {
		a.cert[(i64)e * numCert + certResidual] = ok ? r : 0;
		a.cert[(i64)e * numCert + certZeroed] = !ok ? 1 : r > DOUBTFUL ? 2 : 0;
	}
	return ok && r <= DOUBTFUL;
}

// upperShare is the part of d̃ that goes to the upper side, the rest to the lower.
template <class V> DEV f64 upperShare(const Args& a, const Work<V>& w, int e, int i) {
	if (w.cls[i] != inactive) return w.cls[i] == atUpper ? 1 : 0;
	const bool row = i < w.m;
	const f64* up = row ? at(a, H_, e, w.m) : at(a, U_, e, w.n);
	return up && up[row ? i : i - w.m] < INF ? 1 : 0;
}

DEV f64* own(const Args& a, int k, int e, i64 one) { return a.grad[k] && !(a.shared >> k & 1) ? a.grad[k] + e * one : nullptr; }

// clearOwn makes the element's own gradients zero.
FUN void clearOwn(const Args& a, int e) {
	const i64 n = a.n, one[numCoef] = {a.form == dense ? n * n : n, n, a.p * n, a.p, a.m * n, a.m, a.m, n, n};
	for (int k = 0; k < numCoef; k++)
		if (f64* g = own(a, k, e, one[k])) EACH_ALL(i, one[k]) g[i] = 0;
	if (a.rows) EACH_ALL(i, a.stride) a.rows[(i64)e * a.stride + i] = 0;
}

template <class V> DEV void vjpElement(const Args& a, Work<V>& w, int e) {
	if (a.code[e] != solved) {
		clearOwn(a, e);
		certify(a, e, 0, false);
		return;
	}
	begin(a, w, e);
	const int n = w.n, p = w.p, m = w.m, t = w.t;
	f64 v[1] = {0}, value = a.up[4] ? a.up[4][e] : 0;
	EACH(j, n) {
		const f64 g = a.up[0] ? a.up[0][(i64)e * n + j] : 0;
		w.v(RD)[j] = -g;
		v[0] = larger(v[0], size(g));
		if (a.up[3]) v[0] = larger(v[0], size(a.up[3][(i64)e * n + j]));
	}
	EACH(i, p) {
		const f64 g = a.up[1] ? a.up[1][(i64)e * p + i] : 0;
		w.w(RA)[i] = -g;
		v[0] = larger(v[0], size(g));
	}
	EACH(i, t) {
		const f64* up = i < m ? a.up[2] : a.up[3];
		const f64 g = up ? up[i < m ? (i64)e * m + i : (i64)e * n + i - m] : 0;
		w.c(RU)[i] = w.cls[i] != inactive ? -g : 0;
		v[0] = larger(v[0], size(g));
	}
	v[0] = larger(v[0], size(value));
	reduce<0, 1>(v, w.room);
	bool ok = v[0] < INF;
	f64 r = 0;
	if (ok) {
		r = adjoint(a, w, e);
		const f64 x = norm(w, w.v(Z), w.w(NU), w.c(LAM)), s = norm(w, w.v(QZ), w.w(AZ), w.c(Y));
		ok = s * larger(1, x) <= LARGEST && absolute(value) * x * x <= LARGEST;
	}
	if (!certify(a, e, r, ok)) {
		clearOwn(a, e);
		return;
	}
	// With (dz, dν, d̃) the solution, v the cotangent of the value, r = dz + ½v z:
	// dQ = ½(r zᵀ + z rᵀ), dp = dz + v z, dA = (dν + v ν) zᵀ + ν dzᵀ, db = −(dν + v ν),
	// dG = (d̃ + v λ) zᵀ + λ dzᵀ, dside = −(d̃ + v λ).
	const V *z = w.v(Z), *dz = w.v(QZ), *nu = w.w(NU), *lam = w.c(LAM);
	V *half = w.v(RZ), *nv = w.w(RN), *lv = w.c(DSL), *share = w.c(DLL);
	EACH(j, n) half[j] = dz[j] + value / 2 * z[j];
	EACH(i, p) nv[i] = w.w(AZ)[i] + value * nu[i];
	EACH(i, t) lv[i] = w.c(Y)[i] + value * lam[i], share[i] = upperShare(a, w, e, i);
	blockSync();
	if (f64* g = own(a, Q_, e, a.form == dense ? (i64)n * n : n)) {
		if (a.form == dense) {
			for (int i = warpAll(); i < n; i += warpsAll()) {
				const f64 ri = half[i] / 2, zi = z[i] / 2;
				f64* row = g + (i64)i * n;
				for (int j = lane(); j < n; j += WARP) row[j] = ri * z[j] + zi * half[j];
			}
		} else {
			EACH_ALL(j, n) g[j] = half[j] * z[j];
		}
	}
	if (f64* g = own(a, P_, e, n)) EACH_ALL(j, n) g[j] = dz[j] + value * z[j];
	for (int k = 0; k < 2; k++) {
		const int rows = k == 0 ? p : m;
		const V *x = k == 0 ? nv : lv, *y = k == 0 ? nu : lam;
		f64* g = own(a, k == 0 ? A_ : G_, e, (i64)rows * n);
		if (!g) continue;
		for (int i = warpAll(); i < rows; i += warpsAll()) {
			const f64 xi = x[i], yi = y[i];
			f64* row = g + (i64)i * n;
			for (int j = lane(); j < n; j += WARP) row[j] = xi * z[j] + yi * dz[j];
		}
	}
	if (f64* g = own(a, B_, e, p)) EACH_ALL(i, p) g[i] = -nv[i];
	for (int k = HL_; k <= U_; k++) {
		const int rows = k <= H_ ? m : n, from = k <= H_ ? 0 : m;
		f64* g = own(a, k, e, rows);
		if (!g) continue;
		EACH_ALL(i, rows) {
			const f64 part = k == H_ || k == U_ ? share[from + i] : 1 - share[from + i];
			g[i] = part != 0 ? -part * lv[from + i] : 0;
		}
	}
	if (a.rows) { // z, dz, r; ν, dν+vν; λ, d̃+vλ, share
		f64* row = a.rows + (i64)e * a.stride;
		EACH_ALL(j, n) row[j] = z[j], row[n + j] = dz[j], row[2 * n + j] = half[j];
		row += 3 * n;
		EACH_ALL(i, p) row[i] = nu[i], row[p + i] = nv[i];
		row += 2 * p;
		EACH_ALL(i, t) row[i] = lam[i], row[t + i] = lv[i], row[2 * t + i] = share[i];
	}
	blockSync();
}

// sums adds the gradients of what the batch shares, over chunks of the batch: each
// thread one entry of one chunk's sum, in the order of the batch. The host adds the
// chunks, so that it does not matter how many devices there are.
DEV void sums(const Args& a) {
	const int n = a.n, p = a.p, m = a.m, t = a.t;
	const int nu = 3 * n, lam = 3 * n + 2 * p;
	const int chunks = (a.size + CHUNK - 1) / CHUNK;
	const i64 one[numCoef] = {a.form == dense ? (i64)n * n : n, n, (i64)p * n, p, (i64)m * n, m, m, n, n};
	for (int k = 0; k < numCoef; k++) {
		f64* g = a.grad[k];
		if (!g || !(a.shared >> k & 1)) continue;
		for (i64 at = (i64)bid() * threads() + tid(); at < one[k] * chunks; at += (i64)blocks() * threads()) {
			const i64 c = at % one[k];
			const int first = (int)(at / one[k]) * CHUNK, i = (int)(c / n), j = (int)(c % n);
			f64 s[4] = {};
			for (int e = first; e < min(first + CHUNK, a.size); e++) {
				const f64* r = a.rows + (i64)e * a.stride;
				f64 x;
				switch (k) {
				case Q_: x = a.form == dense ? (r[2 * n + i] * r[j] + r[i] * r[2 * n + j]) / 2 : r[2 * n + c] * r[c]; break;
				case P_: x = 2 * r[2 * n + c] - r[n + c]; break;
				case A_: x = r[nu + p + i] * r[j] + r[nu + i] * r[n + j]; break;
				case B_: x = -r[nu + p + c]; break;
				case G_: x = r[lam + t + i] * r[j] + r[lam + i] * r[n + j]; break;
				case HL_: x = -(1 - r[lam + 2 * t + c]) * r[lam + t + c]; break;
				case H_: x = -r[lam + 2 * t + c] * r[lam + t + c]; break;
				case L_: x = -(1 - r[lam + 2 * t + m + c]) * r[lam + t + m + c]; break;
				default: x = -r[lam + 2 * t + m + c] * r[lam + t + m + c];
				}
				s[e & 3] += x;
			}
			g[at] = (s[0] + s[1]) + (s[2] + s[3]);
		}
	}
}

// direction is element e's part of a direction; null if it is zero.
DEV const f64* direction(const Args& a, int k, int e, i64 one) {
	return a.dir[k] ? a.dir[k] + (a.dirShared >> k & 1 ? 0 : e * one) : nullptr;
}

template <class V> DEV void jvpElement(const Args& a, Work<V>& w, int e) {
	if (a.code[e] != solved) {
		certify(a, e, 0, false);
		EACH_ALL(j, a.n) a.tangent[0][(i64)e * a.n + j] = a.tangent[3][(i64)e * a.n + j] = 0;
		EACH_ALL(i, a.p) a.tangent[1][(i64)e * a.p + i] = 0;
		EACH_ALL(i, a.m) a.tangent[2][(i64)e * a.m + i] = 0;
		if (chief()) a.tangent[4][e] = 0;
		return;
	}
	begin(a, w, e);
	const int n = w.n, p = w.p, m = w.m, t = w.t;
	V *rz = w.v(RD), *rn = w.w(RA), *rl = w.c(RU), *z = w.v(Z), *tmp = w.v(RZ);
	// ∂F/∂θ dθ, and the change of the value by the envelope theorem.
	const i64 one[numCoef] = {a.form == dense ? (i64)n * n : n, n, (i64)p * n, p, (i64)m * n, m, m, n, n};
	f64 v[1] = {0}, value[1] = {0};
	for (int k = 0; k < numCoef; k++)
		if (const f64* d = direction(a, k, e, one[k])) EACH(i, one[k]) v[0] = larger(v[0], size(d[i]));
	reduce<0, 1>(v, w.room);
	bool ok = v[0] < INF;
	if (ok) {
		if (const f64* d = direction(a, Q_, e, one[Q_])) {
			if (a.form == dense) {
				product(n, n, d, n, z, rz, 0, 0.5);
				blockSync();
				productT(n, n, d, n, z, tmp, 0, 0.5, w.room);
				EACH(j, n) rz[j] += tmp[j];
			} else {
				EACH(j, n) rz[j] = d[j] * z[j];
			}
			EACH(j, n) value[0] += rz[j] * z[j] / 2;
			blockSync();
		}
		if (const f64* d = direction(a, P_, e, n)) EACH(j, n) rz[j] += d[j], value[0] += d[j] * z[j];
		blockSync();
		if (const f64* d = direction(a, A_, e, one[A_])) {
			productT(p, n, d, n, w.w(NU), rz, 1, 1, w.room);
			product(p, n, d, n, z, rn, 0, 1);
			blockSync();
		}
		if (const f64* d = direction(a, B_, e, p)) EACH(i, p) rn[i] -= d[i];
		blockSync();
		if (const f64* d = direction(a, G_, e, one[G_])) {
			productT(m, n, d, n, w.c(LAM), rz, 1, 1, w.room);
			product(m, n, d, n, z, rl, 0, 1);
			blockSync();
		}
		for (int k = HL_; k <= U_; k++) {
			const int rows = k <= H_ ? m : n, from = k <= H_ ? 0 : m;
			const f64* d = direction(a, k, e, rows);
			if (!d) continue;
			EACH(i, rows) {
				const f64 u = upperShare(a, w, e, from + i), f = k == H_ || k == U_ ? u : 1 - u;
				if (f != 0) rl[from + i] -= f * d[i];
			}
			blockSync();
		}
		EACH(i, p) value[0] += w.w(NU)[i] * rn[i];
		EACH(i, t) value[0] += w.c(LAM)[i] * rl[i];
		reduce<1, 0>(value, w.room);
		ok = absolute(value[0]) <= LARGEST;
		EACH(j, n) rz[j] = -rz[j];
		EACH(i, p) rn[i] = -rn[i];
		EACH(i, t) rl[i] = w.cls[i] != inactive ? -rl[i] : 0;
		blockSync();
	}
	f64 r = 0;
	if (ok) {
		r = adjoint(a, w, e);
		const f64 x = norm(w, z, w.w(NU), w.c(LAM)), s = norm(w, w.v(QZ), w.w(AZ), w.c(Y));
		ok = s * larger(1, x) <= LARGEST;
	}
	ok = certify(a, e, r, ok);
	const f64 zero = ok ? 1 : 0;
	EACH_ALL(j, n) a.tangent[0][(i64)e * n + j] = zero != 0 ? w.v(QZ)[j] : 0;
	EACH_ALL(i, p) a.tangent[1][(i64)e * p + i] = zero != 0 ? w.w(AZ)[i] : 0;
	EACH_ALL(i, m) a.tangent[2][(i64)e * m + i] = zero != 0 ? w.c(Y)[i] : 0;
	EACH_ALL(j, n) a.tangent[3][(i64)e * n + j] = zero != 0 && t > m ? w.c(Y)[m + j] : 0;
	if (chief()) a.tangent[4][e] = zero != 0 ? value[0] : 0;
	blockSync();
}
