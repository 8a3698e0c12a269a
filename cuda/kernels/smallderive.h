// Derivatives of small problems, as derive.h has them.
#pragma once
#include "small.h"

template <int S> struct SmallStep {
	typedef Lane<f64, S> Vec;
	Vec z, nu, lam;
};

template <int S> DEV f64 norm(const Lane<f64, S>& z, const Lane<f64, S>& nu, const Lane<f64, S>& lam) {
	Lane<f64, S> g[1];
	LANES(i) g[0][i] = larger(size(z[i]), larger(size(nu[i]), size(lam[i])));
	f64 o[1];
	fold<0, 1>(g, o);
	return o[0];
}

// resume loads the point, its active set and the factors.
template <int S> DEV void resume(Small<S>& w) {
	const Args& a = w.a;
	w.data();
	w.copy(w.x, w.stage(), w.kept * w.size);
	w.copy(w.f, a.factors + (i64)w.e * w.size, w.size);
	const f64* x = a.x + (i64)w.e * iterateSize(a);
	w.z = w.get(x, w.n), w.nu = w.get(x + w.n, w.p), w.lam = w.get(x + w.n + w.p, w.t);
	LANES(i) w.cls[i] = i < w.t ? a.classes[(i64)w.e * w.t + i] : inactive;
	warpSync();
}

// adjoint solves K·step = rhs, refined, and returns the relative residual.
template <int S> DEV f64 adjoint(const Small<S>& w, const SmallStep<S>& rhs, SmallStep<S>& step) {
	typedef Lane<f64, S> Vec;
	step.z = step.nu = step.lam = w.zeros();
	const f64 full = norm(rhs.z, rhs.nu, rhs.lam);
	if (full == 0) return 0;
	SmallStep<S> d = rhs;
	f64 last = INF;
	for (int k = 0; k < REFINEMENTS; k++) {
		w.kkt(d.z, d.nu, d.lam);
		const SmallStep<S> was = step;
		LANES(i) step.z[i] += d.z[i], step.nu[i] += d.nu[i], step.lam[i] += d.lam[i];
		const Vec qz = w.mul(w.q, step.z), atn = w.mulT(w.A, step.nu), ctl = w.mulT(w.c, step.lam), az = w.mul(w.A, step.z), cz = w.mul(w.c, step.z);
		LANES(i) {
			d.z[i] = rhs.z[i] - (qz[i] + atn[i] + ctl[i]);
			d.nu[i] = rhs.nu[i] - az[i];
			d.lam[i] = w.active(i) ? rhs.lam[i] - cz[i] : 0;
		}
		const f64 r = norm(d.z, d.nu, d.lam) / full;
		if (!(r < last)) { // worse: take it back
			step = was;
			break;
		}
		const bool slow = r > SLOW * last;
		last = r;
		if (last <= REFINED || slow) break;
	}
	return last;
}

// share is the part of d̃ that goes to the upper side of a constraint.
template <int S> DEV f64 share(const Small<S>& w, int i) {
	if (w.cls[i] != inactive) return w.cls[i] == atUpper ? 1 : 0;
	const bool row = i < w.m;
	const f64* up = row ? at(w.a, H_, w.e, w.m) : at(w.a, U_, w.e, w.n);
	return up && up[row ? i : i - w.m] < INF ? 1 : 0;
}

template <int S> DEV void smallVJP(const Args& a, f64* fast, int e) {
	if (a.code[e] != solved) {
		clearOwn(a, e);
		certify(a, e, 0, false);
		return;
	}
	typedef Lane<f64, S> Vec;
	Small<S> w(a, e, fast);
	resume(w);
	const int n = w.n, p = w.p, m = w.m, t = w.t;
	const f64 value = a.up[4] ? a.up[4][e] : 0;
	const Vec uz = w.get(a.up[0] ? a.up[0] + (i64)e * n : nullptr, n), un = w.get(a.up[1] ? a.up[1] + (i64)e * p : nullptr, p);
	const Vec um = w.get(a.up[3] ? a.up[3] + (i64)e * n : nullptr, n); // of all bounds, there or not
	SmallStep<S> rhs, d;
	Vec g[1];
	LANES(i) {
		const f64* up = i < m ? a.up[2] : a.up[3];
		const f64 x = up && i < t ? up[i < m ? (i64)e * m + i : (i64)e * n + i - m] : 0;
		rhs.z[i] = -uz[i], rhs.nu[i] = -un[i], rhs.lam[i] = w.active(i) ? -x : 0;
		g[0][i] = larger(larger(size(uz[i]), size(un[i])), larger(size(x), size(um[i])));
	}
	f64 o[1];
	fold<0, 1>(g, o);
	bool ok = larger(o[0], size(value)) < INF;
	f64 r = 0;
	d.z = d.nu = d.lam = w.zeros();
	if (ok) {
		r = adjoint(w, rhs, d);
		const f64 x = norm(w.z, w.nu, w.lam), s = norm(d.z, d.nu, d.lam);
		ok = s * larger(1, x) <= LARGEST && absolute(value) * x * x <= LARGEST;
	}
	if (!certify(a, e, r, ok)) {
		clearOwn(a, e);
		return;
	}
	// z, dz, r; ν, dν + vν; λ, d̃ + vλ, share: by entries, in the room of a matrix.
	f64 *z = w.w, *dz = z + S, *half = dz + S, *nu = half + S, *nv = nu + S, *lam = nv + S, *lv = lam + S;
	warpSync();
	Vec part;
	LANES(i) {
		part[i] = i < t ? share(w, i) : 0;
		if (!w.writes()) continue;
		z[i] = w.z[i], dz[i] = d.z[i], half[i] = d.z[i] + value / 2 * w.z[i];
		nu[i] = w.nu[i], nv[i] = d.nu[i] + value * w.nu[i];
		lam[i] = w.lam[i], lv[i] = d.lam[i] + value * w.lam[i];
	}
	warpSync();
	if (f64* to = own(a, Q_, e, a.form == dense ? (i64)n * n : n)) {
		if (a.form == dense) {
			for (int c = lane(); c < n * n; c += WARP) {
				const int i = c / n, j = c - i * n;
				to[c] = half[i] / 2 * z[j] + z[i] / 2 * half[j];
			}
		} else {
			LANES(i) if (i < n && w.writes()) to[i] = half[i] * z[i];
		}
	}
	if (f64* to = own(a, P_, e, n)) LANES(i) if (i < n && w.writes()) to[i] = dz[i] + value * z[i];
	for (int k = 0; k < 2; k++) {
		const int rows = k == 0 ? p : m;
		const f64 *x = k == 0 ? nv : lv, *y = k == 0 ? nu : lam;
		if (f64* to = own(a, k == 0 ? A_ : G_, e, (i64)rows * n))
			for (int c = lane(); c < rows * n; c += WARP) {
				const int i = c / n, j = c - i * n;
				to[c] = x[i] * z[j] + y[i] * dz[j];
			}
	}
	if (f64* to = own(a, B_, e, p)) LANES(i) if (i < p && w.writes()) to[i] = -nv[i];
	for (int k = HL_; k <= U_; k++) {
		const int rows = k <= H_ ? m : n, from = k <= H_ ? 0 : m;
		f64* to = own(a, k, e, rows);
		if (!to) continue;
		LANES(i) {
			const f64 x = k == H_ || k == U_ ? part[i] : 1 - part[i];
			if (i >= from && i < from + rows && w.writes()) to[i - from] = x != 0 ? -x * lv[i] : 0;
		}
	}
	if (a.rows) {
		f64* row = a.rows + (i64)e * a.stride;
		LANES(i) {
			if (!w.writes()) continue;
			if (i < n) row[i] = z[i], row[n + i] = dz[i], row[2 * n + i] = half[i];
			f64* to = row + 3 * n;
			if (i < p) to[i] = nu[i], to[p + i] = nv[i];
			to += 2 * p;
			if (i < t) to[i] = lam[i], to[t + i] = lv[i], to[2 * t + i] = part[i];
		}
	}
	warpSync();
}

template <int S> DEV void smallJVP(const Args& a, f64* fast, int e) {
	typedef Lane<f64, S> Vec;
	const int n = a.n, p = a.p, m = a.m, t = a.t;
	Small<S> w(a, e, fast);
	SmallStep<S> rhs, d;
	d.z = d.nu = d.lam = w.zeros();
	f64 r = 0, value = 0;
	bool ok = false;
	if (a.code[e] == solved) {
		resume(w);
		// ∂F/∂θ dθ, and the change of the value by the envelope theorem.
		const i64 one[numCoef] = {a.form == dense ? (i64)n * n : n, n, (i64)p * n, p, (i64)m * n, m, m, n, n};
		f64 big = 0;
		for (int k = 0; k < numCoef; k++)
			if (const f64* x = direction(a, k, e, one[k]))
				for (i64 c = lane(); c < one[k]; c += WARP) big = larger(big, size(x[c]));
		ok = warpMax(big) < INF;
		rhs.z = rhs.nu = rhs.lam = w.zeros();
		Vec g[1];
		LANES(i) g[0][i] = 0;
		if (ok) {
			if (const f64* x = direction(a, Q_, e, one[Q_])) {
				if (a.form == dense) {
					w.fetch(w.w, x, n);
					warpSync();
					const Vec u = w.mul(w.w, w.z), v = w.mulT(w.w, w.z);
					LANES(i) rhs.z[i] = (u[i] + v[i]) / 2;
				} else {
					LANES(i) rhs.z[i] = i < n ? x[i] * w.z[i] : 0;
				}
				LANES(i) g[0][i] += rhs.z[i] * w.z[i] / 2;
			}
			if (const f64* x = direction(a, P_, e, n)) LANES(i) if (i < n) rhs.z[i] += x[i], g[0][i] += x[i] * w.z[i];
			for (int k = 0; k < 2; k++) {
				const int rows = k == 0 ? p : m;
				const f64* x = direction(a, k == 0 ? A_ : G_, e, one[k == 0 ? A_ : G_]);
				if (!x) continue;
				w.fetch(w.w, x, rows);
				warpSync();
				Vec y; // the multipliers of these rows
				LANES(i) y[i] = k == 0 ? w.nu[i] : i < m ? w.lam[i] : 0;
				const Vec u = w.mulT(w.w, y), v = w.mul(w.w, w.z);
				LANES(i) rhs.z[i] += u[i], (k == 0 ? rhs.nu[i] : rhs.lam[i]) = v[i];
			}
			if (const f64* x = direction(a, B_, e, p)) LANES(i) if (i < p) rhs.nu[i] -= x[i];
			for (int k = HL_; k <= U_; k++) {
				const int rows = k <= H_ ? m : n, from = k <= H_ ? 0 : m;
				const f64* x = direction(a, k, e, rows);
				if (!x) continue;
				LANES(i) {
					if (i < from || i >= from + rows) continue;
					const f64 u = share(w, i), f = k == H_ || k == U_ ? u : 1 - u;
					if (f != 0) rhs.lam[i] -= f * x[i - from];
				}
			}
			LANES(i) g[0][i] += w.nu[i] * rhs.nu[i] + w.lam[i] * rhs.lam[i];
			f64 o[1];
			fold<1, 0>(g, o);
			value = o[0];
			ok = absolute(value) <= LARGEST;
			LANES(i) {
				rhs.z[i] = -rhs.z[i], rhs.nu[i] = -rhs.nu[i];
				rhs.lam[i] = w.active(i) ? -rhs.lam[i] : 0;
			}
		}
		if (ok) {
			r = adjoint(w, rhs, d);
			const f64 x = norm(w.z, w.nu, w.lam), s = norm(d.z, d.nu, d.lam);
			ok = s * larger(1, x) <= LARGEST;
		}
	}
	if (!certify(a, e, r, ok)) {
		d.z = d.nu = d.lam = w.zeros();
		value = 0;
	}
	w.put(a.tangent[0] + (i64)e * n, n, d.z);
	w.put(a.tangent[1] + (i64)e * p, p, d.nu);
	w.put(a.tangent[2] + (i64)e * m, m, d.lam);
	LANES(i) {
		if (!w.writes()) continue;
		f64* mu = a.tangent[3] + (i64)e * n;
		if (t == m && i < n) mu[i] = 0;
		if (i >= m && i < t) mu[i - m] = d.lam[i];
	}
	if (lane() == 0) a.tangent[4][e] = value;
	warpSync();
}
