// Small problems: one warp takes an element from its data to its answers in one
// launch, a lane for each variable, each equality and each constraint, of which there
// are S at most, 16 or 32. Vectors are in registers, matrices in shared memory. The
// method is that of prepare.h, interior.h, polish.h and solve.h, to which the names
// refer; what differs is that the active set is not gathered: a row that is not active
// is a row of the identity.
//
// With S = 16 both halves of the warp hold the same vectors. On the host a Lane is the
// whole vector, and LANES a loop.
#pragma once
#include "derive.h"
#include "pivots.h"

#ifdef __CUDA__
template <class T, int S> struct Lane {
	T x;
	METHOD T& operator[](int) { return x; }
	METHOD const T& operator[](int) const { return x; }
};
#define LANES(i) for (int i = lane() & (S - 1), i##once = 0; i##once == 0; i##once = 1)
#else
template <class T, int S> struct Lane {
	T x[S];
	T& operator[](int i) { return x[i]; }
	const T& operator[](int i) const { return x[i]; }
};
#define LANES(i) for (int i = 0; i < S; i++)
#endif
#define FEW 2 // attempts to end early, and sets each: the slowest element keeps the others waiting
#define ENTRIES(c) for (int c = lane(); c < S * S; c += WARP)

// factorSmall replaces a lower triangle by the inverse of its factor, and returns the
// least pivot. Above and beyond n stands the identity.
template <int S> FUN f64 factorSmall(int place, int diag, int n, int buf) {
	const int ld = S + 1;
	if (n == 0) return INF;
	f64 least = eliminate(place, ld, diag, min(16, n), buf);
	if (S == 16 || n <= 16 || !(least > 0)) return least;
	f64 *f = SHARED() + place, *low = f + 16 * ld, *last = low + 16;
	tile(low, ld, low, ld, f, ld, 16, 0, 1);
	tile(last, ld, low, ld, low, ld, 16, 1, -1);
	least = smaller(least, eliminate(place + 16 * ld + 16, ld, diag + 16, n - 16, buf));
	tile<true>(low, ld, low, ld, f, ld, 16, 0, 1);
	tile<true>(low, ld, last, ld, low, ld, 16, 0, -1);
	return least;
}

// gram: C = init·C + sign·A Bᵀ.
template <int S> FUN void gram(int to, int left, int right, f64 init, f64 sign) {
	const int ld = S + 1;
	f64 *c = SHARED() + to, *a = SHARED() + left, *b = SHARED() + right;
	for (int I = 0; I < S; I += 16)
		for (int J = 0; J < S; J += 16) tile(c + I * ld + J, ld, a + I * ld, ld, b + J * ld, ld, S, init, sign);
	warpSync();
}

// fold makes the first N numbers of the lanes sums, and the M others maxima (of
// numbers that are not negative).
template <int N, int M, int S> DEV void fold(Lane<f64, S> (&v)[N + M], f64 (&out)[N + M]) {
#ifdef __CUDA__
#pragma unroll
	for (int k = 0; k < N + M; k++) out[k] = v[k].x;
#pragma unroll
	for (int o = S / 2; o > 0; o >>= 1)
#pragma unroll
		for (int k = 0; k < N + M; k++) {
			const f64 u = shuffleXor(out[k], o);
			out[k] = k < N ? out[k] + u : larger(out[k], u);
		}
#else
	for (int k = 0; k < N + M; k++) {
		out[k] = 0;
		for (int i = 0; i < S; i++) out[k] = k < N ? out[k] + v[k].x[i] : larger(out[k], v[k].x[i]);
	}
#endif
}

template <int S> struct Small {
	typedef Lane<f64, S> Vec;
	enum { ld = S + 1, size = S * ld, matrices = 9, kept = 3, numbers = matrices * size + 32 + S };

	const Args& a;
	int e, n, p, m, t;
	f64 *x, *v, *s;        // stage: L⁻¹ of Q, Vᵀ, and L⁻¹ of S
	f64 *f;                // factor of R + D⁻¹, or of R on the active set
	f64 *q, *A, *c, *r, *w; // Q, A, C, R, and room
	f64 *buf, *diag;
	f64 maxQ, leastQ, leastS;
	Vec na, nc, r0;
	Vec lin, b, lo, up, lam, su, sl, lu, ll, y0, y, e0;
	Lane<int, S> kind, cls;
	Vec z, nu, rd, ra, rd0, ra0;
	// Of a step.
	Vec d, ru, rl, qu, ql, rhs, dsu, dsl, dlu, dll;
	Loop l;

	METHOD Small(const Args& a, int e, f64* fast) : a(a), e(e), n(a.n), p(a.p), m(a.m), t(a.t) {
		x = fast, v = x + size, s = v + size, f = s + size, q = f + size, A = q + size, c = A + size, r = c + size, w = r + size;
		buf = w + size, diag = buf + 32;
	}

	// writes says whether the lane is one that writes: of two equal ones, the first.
	METHOD bool writes() const { return lane() < S; }

	// mul: M x, and mulT: Mᵀx.
	METHOD Vec mul(const f64* mat, const Vec& in) const { return times(mat, ld, 1, in); }
	METHOD Vec mulT(const f64* mat, const Vec& in) const { return times(mat, 1, ld, in); }
	METHOD Vec times(const f64* mat, int row, int next, const Vec& in) const {
		Vec out;
#ifdef __CUDA__
		if (writes()) buf[lane() & (S - 1)] = in.x;
		warpSync();
		const int half = S == 16 ? lane() / 16 * 8 : 0;
		const f64 *at = mat + (lane() & (S - 1)) * row + half * next, *by = buf + half;
		f64 sum[4] = {};
		for (int j = 0; j < (S == 16 ? 8 : 32); j += 8)
#pragma unroll
			for (int k = 0; k < 8; k++) sum[k & 3] += at[(j + k) * next] * by[j + k];
		out.x = (sum[0] + sum[1]) + (sum[2] + sum[3]);
		if (S == 16) out.x += shuffleXor(out.x, 16);
		warpSync();
#else
		for (int i = 0; i < S; i++) {
			out[i] = 0;
			for (int j = 0; j < S; j++) out[i] += mat[i * row + j * next] * in[j];
		}
#endif
		return out;
	}

	METHOD Vec get(const f64* from, int count) const {
		Vec out;
		LANES(i) out[i] = from && i < count ? from[i] : 0;
		return out;
	}
	METHOD void put(f64* to, int count, const Vec& in) const {
		LANES(i) if (i < count && writes()) to[i] = in[i];
	}
	METHOD Vec zeros() const {
		Vec out;
		LANES(i) out[i] = 0;
		return out;
	}
	// side is one side of the constraints: of rows, then of variables.
	METHOD Vec side(int rows, int vars, f64 none) const {
		const f64 *h = at(a, rows, e, m), *u = at(a, vars, e, n);
		Vec out;
		LANES(i) {
			out[i] = none;
			if (i < m) {
				if (h) out[i] = h[i];
			} else if (i < t && u) {
				out[i] = u[i - m];
			}
		}
		return out;
	}

	// fetch copies a matrix of rows×n to shared memory, padded with zeros.
	METHOD void fetch(f64* to, const f64* from, int rows) const {
		for (int first = lane(); first < S * S; first += 8 * WARP) {
			f64 g[8];
#pragma unroll
			for (int u = 0; u < 8; u++) {
				const int i = (first + u * WARP) / S, j = (first + u * WARP) % S;
				g[u] = i < rows && j < n ? from[i * n + j] : 0;
			}
#pragma unroll
			for (int u = 0; u < 8; u++) to[(first + u * WARP) / S * ld + (first + u * WARP) % S] = g[u];
		}
	}

	// data loads Q, made symmetric, A and C.
	METHOD f64 data() const {
		Vec odd[1];
		LANES(i) odd[0][i] = 0;
		f64* from = at(a, Q_, e, a.form == dense ? (i64)n * n : n);
		if (a.form == dense) {
			fetch(q, from, n);
		} else {
			ENTRIES(k) q[k / S * ld + k % S] = k / S == k % S && k / S < n ? from[k / S] : 0;
		}
		fetch(A, at(a, A_, e, (i64)p * n), p);
		fetch(c, at(a, G_, e, (i64)m * n), m);
		warpSync();
		LANES(i) if (i < t - m && writes()) c[(m + i) * ld + i] = 1;
		ENTRIES(k) {
			const int i = k / S, j = k % S;
			if (j < i) {
				f64 &u = q[i * ld + j], &l = q[j * ld + i];
				if (!(u == l)) {
					LANES(o) odd[0][o] = larger(odd[0][o], ::size(u - l)); // on the host, of all
					u = l = u / 2 + l / 2;
				}
			}
		}
		warpSync();
#ifdef __CUDA__
		return warpMax(odd[0].x);
#else
		return odd[0][0];
#endif
	}

	// The stage. It returns whether the element is one for this method.
	METHOD bool prepare() {
		const f64 odd = data();
		Vec top[5];
		LANES(i) {
			f64 sa = 0, sc = 0, ba = 0, bc = 0, bq = 0, col = 0;
#pragma unroll 4
			for (int j = 0; j < S; j++) {
				const f64 u = A[i * ld + j], g = c[i * ld + j];
				sa += u * u, sc += g * g;
				ba = larger(ba, ::size(u)), bc = larger(bc, ::size(g));
				bq = larger(bq, ::size(q[i * ld + j]));
				col = larger(col, larger(::size(A[j * ld + i]), j < m ? ::size(c[j * ld + i]) : 0));
			}
			const bool lost = (ba > 0 && !(sa >= 1e-250 && sa <= 1e250)) || (bc > 0 && !(sc >= 1e-250 && sc <= 1e250));
			na[i] = sa > 0 ? root(sa) : 1;
			nc[i] = sc > 0 ? root(sc) : 1;
			col = larger(col, bq);
			top[0][i] = lost ? INF : bq;
			top[1][i] = ba, top[2][i] = i < m ? bc : 0;
			top[3][i] = i < n ? col : 0, top[4][i] = i < n && col > 0 ? 1 / col : 0;
			if (writes()) diag[i] = i < n ? q[i * ld + i] : 1;
		}
		f64 g[5];
		fold<0, 5>(top, g);
		maxQ = g[0];
		if (!(larger(larger(g[0], g[1]), g[2]) < 1e140 && g[0] > 0 && odd <= ASYMMETRY * g[0] && g[3] * g[4] <= EVEN)) return false;
		triangle(x, q, n);
		leastQ = factor(x, n);
		leastS = INF;
		if (!(leastQ >= WELL_CONDITIONED)) return false;
		product(v, A, x, 0, 1);
		product(w, c, x, 0, 1);
		product(r, w, w, 0, 1);
		LANES(i) r0[i] = r[i * ld + i];
		if (p > 0) {
			product(f, v, v, 0, 1);
			LANES(i) if (writes()) diag[i] = i < p ? f[i * ld + i] : 1;
			triangle(s, f, p);
			product(f, w, v, 0, 1);
			leastS = factor(s, p);
			if (!(leastS > INDEPENDENT)) return false;
			product(w, f, s, 0, 1);
			product(r, w, w, 1, -1);
		}
		return true;
	}

	METHOD int place(const f64* x) const { return (int)(x - SHARED()); }
	METHOD f64 factor(f64* f, int k) const { return factorSmall<S>(place(f), place(diag), k, place(buf)); }
	METHOD void product(f64* to, const f64* left, const f64* right, f64 init, f64 sign) const {
		gram<S>(place(to), place(left), place(right), init, sign);
	}

	// triangle copies a lower triangle of order k, with the identity beyond.
	METHOD void triangle(f64* to, const f64* from, int k) const {
		warpSync();
		ENTRIES(at) {
			const int i = at / S, j = at % S;
			to[i * ld + j] = i < k ? (j <= i ? from[i * ld + j] : 0) : i == j ? 1 : 0;
		}
		warpSync();
	}

	METHOD bool factorAll() const {
		Lane<int, S> on;
		Vec add;
		LANES(i) on[i] = i < t && d[i] < INF, add[i] = d[i] + delta(r0[i]);
		fill(on, add, false);
		return factor(f, t) > 0;
	}
	METHOD f64 factorActive() const {
		Lane<int, S> on;
		LANES(i) on[i] = active(i);
		fill(on, zeros(), true);
		return factor(f, t);
	}
	METHOD void fill(const Lane<int, S>& on, const Vec& add, bool eliminated) const {
		LANES(i) {
			const f64 entry = on[i] ? r[i * ld + i] + add[i] : 1;
			if (!writes()) continue;
			buf[i] = on[i], w[i] = entry;
			diag[i] = on[i] && eliminated ? larger(entry, r0[i]) : entry;
		}
		warpSync();
		ENTRIES(k) {
			const int i = k / S, j = k % S;
			f[i * ld + j] = j < i ? r[i * ld + j] * buf[i] * buf[j] : j == i ? w[i] : 0;
		}
		warpSync();
	}
	// solve solves with the factor, where on.
	METHOD Vec solve(const Vec& in) const { return mulT(f, mul(f, in)); }

	METHOD bool active(int i) const { return i < t && cls[i] != inactive; }

	// equality: (z, ν) solves [Q Aᵀ; A 0](z, ν) = (z, ν).
	METHOD void equality(Vec& z, Vec& nu) const {
		Vec u = mul(x, z);
		if (p > 0) {
			Vec g = mul(v, u);
			LANES(i) g[i] -= nu[i];
			nu = mulT(s, mul(s, g));
			g = mulT(v, nu);
			LANES(i) u[i] -= g[i];
		}
		z = mulT(x, u);
	}

	// kkt solves K (dz, dν, dλ) = (dz, dν, dλ) for the active set.
	METHOD void kkt(Vec& dz, Vec& dn, Vec& dl) const {
		Vec z0 = dz, n0 = dn;
		equality(z0, n0);
		Vec g = mul(c, z0);
		LANES(i) g[i] = active(i) ? g[i] - dl[i] : 0;
		dl = solve(g);
		LANES(i) if (!active(i)) dl[i] = 0;
		g = mulT(c, dl);
		LANES(i) dz[i] -= g[i];
		equality(dz, dn);
	}

	METHOD void recover(f64 kappa) {
		const Vec g = mulT(c, lam);
		LANES(i) {
			z[i] = i < n ? kappa * rd0[i] - lin[i] - g[i] : 0;
			nu[i] = i < p ? b[i] + kappa * ra0[i] : 0;
		}
		equality(z, nu);
	}

	METHOD Figures measure() {
		const Vec qz = mul(q, z), az = mul(A, z), atn = mulT(A, nu);
		Vec rows;
		LANES(i) rows[i] = i < m ? lam[i] : 0;
		const Vec gtl = mulT(c, rows), ctl = t > m ? mulT(c, lam) : gtl;
		y = mul(c, z);
		enum { zqz, pz, sides, sums, nqz = sums, nlin, natn, ngtl, nmu, nrd, naz, nb, nrows, nra, viol, all };
		Vec g[all];
		LANES(i) {
			const f64 mu = t > m ? ctl[i] - gtl[i] : 0;
			rd[i] = qz[i] + lin[i] + atn[i] + ctl[i];
			ra[i] = az[i] - b[i];
			const f64 lamb = lam[i];
			const bool any = i < t && kind[i] != 0;
			g[zqz][i] = z[i] * qz[i], g[pz][i] = lin[i] * z[i];
			g[sides][i] = b[i] * nu[i] + (i < t ? (lamb > 0 ? up[i] * lamb : lamb < 0 ? lo[i] * lamb : 0) : 0);
			g[nqz][i] = ::size(qz[i]), g[nlin][i] = ::size(lin[i]), g[natn][i] = ::size(atn[i]), g[ngtl][i] = ::size(gtl[i]);
			g[nmu][i] = ::size(mu), g[nrd][i] = ::size(rd[i]);
			g[naz][i] = ::size(az[i]), g[nb][i] = ::size(b[i]), g[nra][i] = ::size(ra[i]);
			g[nrows][i] = any && i < m ? ::size(y[i]) : 0;
			g[viol][i] = any ? larger(0, larger(y[i] - up[i], lo[i] - y[i])) : 0;
		}
		f64 o[all];
		fold<sums, all - sums>(g, o);
		Figures k;
		k.value = o[zqz] / 2 + o[pz];
		k.primal = larger(o[nra], o[viol]);
		k.dual = o[nrd];
		k.gap = ::size(o[zqz] + o[pz] + o[sides]);
		k.primalScale = larger(larger(o[naz], o[nb]), o[nrows]);
		k.dualScale = larger(larger(larger(o[nqz], o[nlin]), larger(o[natn], o[ngtl])), o[nmu]);
		k.gapScale = larger(::size(k.value), ::size(o[zqz] / 2 + o[sides]));
		if (!(k.primal < INF && k.dual < INF && k.gap < INF && k.gapScale < INF)) k.primal = INF;
		return k;
	}

	METHOD bool load() {
		lin = get(at(a, P_, e, n), n), b = get(at(a, B_, e, p), p);
		lo = side(HL_, L_, -INF), up = side(H_, U_, INF);
		Vec g[4];
		LANES(i) {
			const f64 x = lo[i], y = up[i];
			g[0][i] = g[3][i] = 0;
			g[1][i] = ::size(lin[i]), g[2][i] = ::size(b[i]);
			int k = 0;
			if (i < t) {
				if (!(x < INF) || !(y > -INF) || x > y) g[3][i] = 1;
				if (x == y || (y - x < INF && y - x <= EQUAL * smaller(absolute(x), absolute(y)))) {
					k = fixedSides;
				} else {
					if (y < INF) k |= hasUpper, g[0][i] += 1;
					if (x > -INF) k |= hasLower, g[0][i] += 1;
				}
			}
			kind[i] = k, cls[i] = inactive;
			su[i] = sl[i] = 1;
			lu[i] = ll[i] = lam[i] = 0;
			rd0[i] = ra0[i] = 0;
		}
		f64 o[4];
		fold<1, 3>(g, o);
		l = Loop{};
		l.sides = (int)o[0];
		l.lin = o[1], l.nb = o[2];
		l.cost = larger(maxQ, o[1]);
		l.lastExcess = l.lastMu = INF;
		return o[3] == 0 && o[1] < 1e140 && o[2] < 1e140;
	}

	METHOD void shift(f64 leastS, f64 leastL) {
		Vec low[2];
		LANES(i) {
			const int k = kind[i];
			const f64 w = nc[i];
			const bool both = k == (hasUpper | hasLower);
			low[0][i] = low[1][i] = 0;
			if (k & hasUpper) {
				su[i] = up[i] - y[i], lu[i] = both ? larger(lam[i], 0) : lam[i];
				low[0][i] = larger(low[0][i], -su[i] / w), low[1][i] = larger(low[1][i], -lu[i] * w);
			}
			if (k & hasLower) {
				sl[i] = y[i] - lo[i], ll[i] = both ? larger(-lam[i], 0) : -lam[i];
				low[0][i] = larger(low[0][i], -sl[i] / w), low[1][i] = larger(low[1][i], -ll[i] * w);
			}
		}
		f64 addS = 0, addL = 0, floorS = leastS, floorL = leastL;
		if (!(leastS > 0)) {
			f64 o[2], q[3];
			fold<0, 2>(low, o);
			addS = 1.5 * o[0], addL = 1.5 * o[1];
			Vec sum[3];
			LANES(i) {
				const f64 w = nc[i];
				sum[0][i] = sum[1][i] = sum[2][i] = 0;
				if (kind[i] & hasUpper) {
					const f64 x = su[i] / w + addS, y = lu[i] * w + addL;
					sum[0][i] += x, sum[1][i] += y, sum[2][i] += x * y;
				}
				if (kind[i] & hasLower) {
					const f64 x = sl[i] / w + addS, y = ll[i] * w + addL;
					sum[0][i] += x, sum[1][i] += y, sum[2][i] += x * y;
				}
			}
			fold<3, 0>(sum, q);
			if (q[2] > 0) {
				addS += 0.5 * q[2] / q[1];
				addL += 0.5 * q[2] / q[0];
			}
			floorS = START * q[0] / l.sides;
			floorL = START * larger(l.cost, q[1] / l.sides);
			if (!(floorS > 0)) floorS = START;
		}
		LANES(i) {
			const int k = kind[i];
			const f64 w = nc[i];
			if (k & hasUpper) {
				su[i] = larger(su[i] / w + addS, floorS) * w;
				lu[i] = larger(lu[i] * w + addL, floorL) / w;
			}
			if (k & hasLower) {
				sl[i] = larger(sl[i] / w + addS, floorS) * w;
				ll[i] = larger(ll[i] * w + addL, floorL) / w;
			}
			if (k & (hasUpper | hasLower)) lam[i] = lu[i] - ll[i];
		}
	}

	METHOD void origin() {
		recover(0); // λ is zero still
		y0 = mul(c, z);
		Vec g[1];
		LANES(i) g[0][i] = lin[i] * z[i] - b[i] * nu[i];
		f64 o[1];
		fold<1, 0>(g, o);
		l.f0 = o[0] / 2;
	}

	METHOD void lacking(const Vec& was) {
		const Vec g = mul(r, lam);
		Vec dl;
		LANES(i) dl[i] = lam[i] - was[i];
		dl = mulT(c, dl);
		Vec k[2];
		LANES(i) {
			rd0[i] += dl[i];
			e0[i] = i < t ? y[i] - y0[i] + g[i] : 0;
			k[0][i] = ::size(rd0[i]), k[1][i] = ::size(ra0[i]);
		}
		f64 o[2];
		fold<0, 2>(k, o);
		l.kappa = 1;
		l.rd0 = o[0], l.ra0 = o[1];
	}

	// start takes the caller's point or the solution of the least-squares problem.
	METHOD bool start() {
		Vec was;
		f64 leastS = 0, leastL = 0;
		bool warm = false;
		if (a.warm[0]) warm = warmUp(leastS, leastL);
		if (!warm) {
			LANES(i) {
				const int k = kind[i];
				const f64 w = nc[i];
				d[i] = k == 0 ? INF : k == fixedSides ? 0 : w * w / l.cost;
				const f64 side = k == 0 ? 0 : k == fixedSides || k == hasUpper ? up[i] : k == hasLower ? lo[i] : lo[i] / 2 + up[i] / 2;
				lam[i] = k == 0 ? 0 : y0[i] - side;
			}
			if (!factorAll()) return false;
			lam = solve(lam);
			const Vec g = mul(r, lam);
			LANES(i) y[i] = y0[i] - g[i];
		}
		was = lam;
		shift(leastS, leastL);
		lacking(was);
		return true;
	}

	METHOD bool warmUp(f64& leastS, f64& leastL) {
		Vec big[1], top[1];
		f64 o[1];
		z = get(a.warm[0] + (i64)e * n, n);
		nu = get(a.warm[1] ? a.warm[1] + (i64)e * p : nullptr, p);
		LANES(i) {
			const f64* from = i < m ? a.warm[2] : a.warm[3];
			f64 x = from && i < t ? from[i < m ? (i64)e * m + i : (i64)e * n + i - m] : 0;
			big[0][i] = larger(::size(x), larger(::size(z[i]), ::size(nu[i])));
			const int k = kind[i];
			if (k == 0 || (k == hasUpper && x < 0) || (k == hasLower && x > 0)) x = 0;
			lam[i] = x;
			top[0][i] = larger(1, ::size(z[i]));
		}
		fold<0, 1>(big, o);
		if (!(o[0] <= WARM_LARGEST)) {
			lam = zeros();
			return false;
		}
		const Figures k = measure();
		f64 off = larger(larger(k.primal / (1 + k.primalScale), k.dual / (1 + k.dualScale)), k.gap / (1 + k.gapScale));
		off = smaller(1, larger(WARM_LEAST, off));
		fold<0, 1>(top, o);
		rd0 = rd, ra0 = ra;
		leastS = off * o[0], leastL = off * l.cost * o[0];
		return true;
	}

	METHOD Figures survey(bool afresh, f64& largest, bool& stop) {
		const int asked = a.stop ? *(volatile int*)a.stop : 0;
		if (afresh) {
			const Vec g = mul(r, lam);
			LANES(i) y[i] = i < t ? y0[i] - g[i] + l.kappa * e0[i] : 0;
		}
		Vec g[8];
		LANES(i) {
			const f64 u = lam[i], h = y[i];
			const bool on = kind[i] != 0;
			g[0][i] = on ? su[i] * lu[i] + sl[i] * ll[i] : 0;
			g[1][i] = !on ? 0 : u > 0 ? u * (up[i] - h) : u < 0 ? u * (lo[i] - h) : 0;
			g[2][i] = on ? u * (y0[i] - h) : 0;
			g[3][i] = on ? larger(0, larger(h - up[i], lo[i] - h)) : 0;
			g[4][i] = on && i < m ? ::size(h) : 0;
			g[5][i] = on && i >= m ? ::size(u) : 0;
			g[6][i] = on ? ::size(u) * nc[i] : 0;
			g[7][i] = asked != 0 ? 1 : 0;
		}
		f64 o[8];
		fold<3, 5>(g, o);
		Figures k;
		k.value = l.f0 + o[2] / 2;
		k.primal = larger(o[3], l.kappa * l.ra0);
		k.dual = l.kappa * l.rd0;
		k.gap = ::size(o[1]);
		k.primalScale = larger(l.nb, o[4]);
		k.dualScale = larger(l.lin, o[5]);
		k.gapScale = ::size(k.value);
		l.mu = l.sides > 0 ? o[0] / l.sides : 0;
		largest = o[6];
		stop = o[7] != 0;
		if (!(k.primal < INF && k.gap < INF && l.mu < INF && k.gapScale < INF)) k.primal = INF;
		return k;
	}

	METHOD bool iterate() {
		LANES(i) {
			const int k = kind[i];
			const f64 h = y[i];
			ru[i] = k & hasUpper ? (h - up[i]) + su[i] : k == fixedSides ? h - up[i] : 0;
			rl[i] = k & hasLower ? (lo[i] - h) + sl[i] : 0;
			d[i] = k == 0 ? INF : k == fixedSides ? 0 : k == hasUpper ? over(su[i], lu[i]) : k == hasLower ? over(sl[i], ll[i]) : over(su[i] * sl[i], lu[i] * sl[i] + ll[i] * su[i]);
		}
		if (!factorAll()) return false;
		// The predictor, and then the corrector.
		f64 target = 0, fraction = 1, part = 0, step = 0;
		Vec x, cdz;
		for (int second = 0; second < 2; second++) {
			LANES(i) {
				const int k = kind[i];
				f64 h = 0;
				if (k & hasUpper) {
					f64 q = su[i] * lu[i] - target;
					if (second) q += dsu[i] * dlu[i];
					qu[i] = q;
					h -= over(lu[i] * ru[i] - q, su[i]);
				}
				if (k & hasLower) {
					f64 q = sl[i] * ll[i] - target;
					if (second) q += dsl[i] * dll[i];
					ql[i] = q;
					h += over(ll[i] * rl[i] - q, sl[i]);
				}
				rhs[i] = k == 0 ? 0 : k == fixedSides ? -ru[i] : d[i] * h;
				x[i] = k == 0 ? 0 : -l.kappa * e0[i] - rhs[i];
			}
			x = solve(x);
			if (second) cdz = mul(r, x);
			Vec back[1];
			LANES(i) {
				cdz[i] = second ? -cdz[i] - l.kappa * e0[i] : d[i] < INF ? rhs[i] + (d[i] + delta(r0[i])) * x[i] : 0;
				const int k = kind[i];
				f64 du = 0, dv = 0, dw = 0, dx = 0, o = fraction;
				if (k & (hasUpper | hasLower)) {
					const f64 u = su[i], g = lu[i], s = sl[i], h = ll[i];
					if (k & hasUpper) {
						du = -ru[i] - cdz[i];
						dv = -over(g * du + qu[i], u);
					}
					if (k & hasLower) {
						dw = -rl[i] + cdz[i];
						dx = -over(h * dw + ql[i], s);
					}
					if (d[i] * maxQ < nc[i] * nc[i]) {
						if (g * s > h * u) {
							dv = x[i] + dx;
							du = -over(u * dv + qu[i], g);
						} else if (k & hasLower) {
							dx = dv - x[i];
							dw = -over(s * dx + ql[i], h);
						}
					}
					if (du < 0) o = larger(o, -over(du, u));
					if (dv < 0) o = larger(o, -over(dv, g));
					if (dw < 0) o = larger(o, -over(dw, s));
					if (dx < 0) o = larger(o, -over(dx, h));
				}
				dsu[i] = du, dlu[i] = dv, dsl[i] = dw, dll[i] = dx, back[0][i] = o;
			}
			f64 o[1];
			fold<0, 1>(back, o);
			step = fraction / o[0];
			if (second) break;
			Vec after[1];
			LANES(i) {
				const int k = kind[i];
				after[0][i] = (k & hasUpper ? (su[i] + step * dsu[i]) * (lu[i] + step * dlu[i]) : 0) +
					(k & hasLower ? (sl[i] + step * dsl[i]) * (ll[i] + step * dll[i]) : 0);
			}
			fold<1, 0>(after, o);
			part = o[0] / l.sides / l.mu;
			target = smaller(1, larger(0, part * part * part)) * l.mu;
			fraction = smaller(BOUNDARY, 1 - CAUTION * part);
		}
		LANES(i) {
			const int k = kind[i];
			if (k & hasUpper) su[i] += step * dsu[i], lu[i] += step * dlu[i];
			if (k & hasLower) sl[i] += step * dsl[i], ll[i] += step * dll[i];
			lam[i] = k == fixedSides ? lam[i] + step * x[i] : lu[i] - ll[i];
			if (i < t) y[i] += step * cdz[i];
		}
		l.kappa *= 1 - step;
		l.step = step;
		l.iter++;
		return step == step;
	}

	METHOD f64 sideOf(int i) const { return cls[i] == atLower ? lo[i] : up[i]; }

	METHOD void guess(f64& zs, f64& gs) {
		Vec g[2];
		LANES(i) {
			g[0][i] = i < t ? over(::size(y[i]), nc[i]) : 0;
			g[1][i] = ::size(lam[i]) * nc[i];
		}
		f64 o[2];
		fold<0, 2>(g, o);
		zs = o[0] > 0 ? o[0] : 1;
		gs = o[1] > 0 ? o[1] : 1;
		LANES(i) {
			const int k = kind[i];
			const f64 w = nc[i];
			int as = inactive;
			if (k == fixedSides) {
				as = lam[i] >= 0 ? atUpper : atLower;
			} else {
				const bool u = k & hasUpper && lu[i] * w / gs > su[i] / (w * zs);
				const bool h = k & hasLower && ll[i] * w / gs > sl[i] / (w * zs);
				if (u && (!h || lu[i] * sl[i] > ll[i] * su[i])) as = atUpper;
				else if (h) as = atLower;
			}
			cls[i] = as;
		}
	}

	METHOD bool misses(const Vec& point, f64 zs) {
		Vec moved[1];
		LANES(i) {
			moved[0][i] = 0;
			if (cls[i] == inactive && kind[i] & (hasUpper | hasLower)) {
				const f64 u = up[i] - point[i], h = point[i] - lo[i];
				if (smaller(u, h) < -WRONG * nc[i] * zs) {
					cls[i] = u < h ? atUpper : atLower;
					moved[0][i] = 1;
				}
			}
		}
		f64 o[1];
		fold<0, 1>(moved, o);
		return o[0] != 0;
	}

	METHOD bool polish(f64 zs, f64 gs, int tries, Figures& k, f64& least) {
		const Vec was = lam;
		for (; tries > 0; tries--) {
			least = factorActive();
			if (!(least > SINGULAR)) break;
			Vec u;
			LANES(i) u[i] = active(i) ? y0[i] - sideOf(i) : 0;
			u = solve(u);
			Vec moved[1];
			LANES(i) {
				moved[0][i] = 0;
				f64 h = active(i) ? u[i] : 0;
				if (active(i) && kind[i] != fixedSides) {
					const f64 sign = cls[i] == atUpper ? 1 : -1;
					if (sign * h * nc[i] < -WRONG * gs) {
						cls[i] = inactive;
						moved[0][i] = 1;
					}
					if (sign * h < 0) h = 0;
				}
				lam[i] = h;
			}
			f64 o[1];
			fold<0, 1>(moved, o);
			if (o[0] != 0) continue;
			u = mul(r, lam);
			LANES(i) u[i] = y0[i] - u[i];
			if (misses(u, zs)) continue;
			recover(0);
			bool again = false;
			for (int pass = 0;; pass++) { // as it is, and corrected
				k = measure();
				if (pass == 0 && misses(y, zs)) {
					again = true;
					break;
				}
				if (pass > 0 || !(excess(k, 1, 1) > CLEAN)) break;
				Vec dz, dn, dl;
				LANES(i) dz[i] = -rd[i], dn[i] = -ra[i], dl[i] = active(i) ? sideOf(i) - y[i] : 0;
				kkt(dz, dn, dl);
				LANES(i) {
					z[i] += dz[i], nu[i] += dn[i];
					if (active(i)) {
						const f64 h = lam[i] + dl[i];
						const bool wrong = kind[i] != fixedSides && (cls[i] == atUpper ? h < 0 : h > 0);
						lam[i] = wrong ? 0 : h;
					}
				}
			}
			if (again) continue;
			if (!(excess(k, 1, 1) <= FITS && excess(k, a.epsAbs, a.epsRel) <= 1)) break;
			LANES(i) if (kind[i] == fixedSides) cls[i] = lam[i] >= 0 ? atUpper : atLower;
			return true;
		}
		lam = was;
		return false;
	}

	// point ends at the iterate.
	METHOD int point(Figures& k) {
		recover(0);
		for (int pass = 0;; pass++) {
			k = measure();
			if (excess(k, a.epsAbs, a.epsRel) <= 1) return plain;
			if (pass > 0) return fresh;
			Vec dz, dn;
			LANES(i) dz[i] = -rd[i], dn[i] = -ra[i];
			equality(dz, dn);
			LANES(i) z[i] += dz[i], nu[i] += dn[i];
		}
	}

	// run takes the element to a code.
	METHOD int run(Figures& k, f64& least) {
		const bool free = l.sides == 0; // equalities, or nothing
		if (free && !a.polish) return back;
		bool afresh = true;
		for (;;) {
			f64 largest = 0, zs = 1, gs = 1;
			bool stop = false, done = free;
			if (!free) {
				k = survey(afresh, largest, stop);
				l.excess = excess(k, a.epsAbs, a.epsRel);
				done = l.excess <= 1;
			}
			afresh = false;
			if (done || (a.polish && l.excess <= EARLY && l.tried < FEW)) {
				l.tried++;
				if (free) LANES(i) cls[i] = kind[i] == fixedSides ? atUpper : inactive;
				else if (a.polish) guess(zs, gs);
				if (a.polish && polish(zs, gs, done ? TRIES : FEW, k, least)) return solved;
				if (free) return back;
				if (done) {
					if (point(k) != fresh) return plain;
					if (l.anchors++ >= ANCHORS) return left;
					const Vec g = mul(r, lam);
					// y as it is: what R λ lost to rounding goes into y₀.
					LANES(i) y0[i] = y[i] + g[i], e0[i] = 0;
					l.kappa = 0;
				}
				k = survey(true, largest, stop);
				l.excess = excess(k, a.epsAbs, a.epsRel);
			}
			if (stop) return stopped;
			progress(a, l, k);
			if (stuck(l) || l.iter >= a.maxIter || largest > 1e9 * l.cost) return left;
			if (!iterate()) return left;
		}
	}

	METHOD Scales scales() const {
		Vec g[5];
		LANES(i) {
			g[0][i] = ::size(lin[i]), g[4][i] = ::size(z[i]);
			g[1][i] = i < p ? ::size(b[i]) / na[i] : 0;
			f64 u = i < p ? ::size(nu[i]) * na[i] : 0, h = 0;
			if (i < t) {
				u = larger(u, ::size(lam[i]) * nc[i]);
				const f64 x = absolute(lo[i]), y = absolute(up[i]);
				if (x > 0) h = larger(h, nc[i] / x);
				if (y > 0) h = larger(h, nc[i] / y);
			}
			g[2][i] = u, g[3][i] = h;
		}
		f64 o[5];
		fold<0, 5>(g, o);
		Scales k;
		k.g = larger(o[0], o[2]);
		f64 length = larger(o[0] / maxQ, o[1]);
		if (length == 0 && o[3] > 0) length = 1 / o[3];
		k.z = o[4] > 1e-6 * length ? o[4] : length;
		if (k.z == 0) k.z = 1;
		if (!(k.g > 1e-6 * maxQ * k.z)) k.g = maxQ * k.z;
		return k;
	}

	// store writes the iterate, what is wanted of the answers, and of a point on its
	// active set what the certificate says.
	METHOD void store(int code, const Figures& k, f64 least) const {
		Scales u = {1, 1};
		if (code == solved) u = scales();
		f64* to = a.x + (i64)e * iterateSize(a);
		put(to, n, z), put(to + n, p, nu);
		to += n + p;
		const bool good = code == solved || code == plain;
		LANES(i) {
			if (!writes()) continue;
			if (i < t) {
				const int o = kind[i];
				const f64 w = nc[i];
				f64 g[4] = {su[i], sl[i], lu[i], ll[i]};
				if (code == solved) { // slacks and multipliers of the point, inside
					const f64 s = 1e-12 * w * u.z, h = 1e-12 * u.g / w;
					g[0] = o & hasUpper ? larger(up[i] - y[i], s) : 1, g[2] = o & hasUpper ? larger(lam[i], h) : 0;
					g[1] = o & hasLower ? larger(y[i] - lo[i], s) : 1, g[3] = o & hasLower ? larger(-lam[i], h) : 0;
					a.classes[(i64)e * t + i] = cls[i];
				}
				to[i] = lam[i];
#pragma unroll
				for (int j = 0; j < 4; j++) to[(j + 1) * t + i] = g[j];
			}
			if (good) {
				if (a.out[3] && i < m) a.out[3][(i64)e * m + i] = lam[i];
				if (a.out[4] && i >= m && i < t) a.out[4][(i64)e * n + i - m] = lam[i];
				if (a.out[4] && t == m && i < n) a.out[4][(i64)e * n + i] = 0;
				if (a.out[5] && i < m) a.out[5][(i64)e * m + i] = up[i] - y[i];
			}
		}
		if (good) {
			if (a.out[0]) put(a.out[0] + (i64)e * n, n, z);
			if (a.out[2]) put(a.out[2] + (i64)e * p, p, nu);
			if (a.out[1] && lane() == 0) a.out[1][e] = k.value;
		}
		f64* info = a.info + (i64)e * numInfo;
		if (lane() == 0) {
			info[infoIter] = l.iter, info[infoValue] = k.value;
			info[infoPrimal] = k.primal, info[infoDual] = k.dual, info[infoGap] = k.gap;
		}
		if (code != solved) return;
		Vec g[5]; // active, weak, in the set; error, 1/margin
		LANES(i) {
			const int o = kind[i];
			const f64 w = nc[i];
			const bool on = active(i);
			f64 error = larger(i < n ? ::size(rd[i]) / u.g : 0, i < p ? ::size(ra[i]) / (na[i] * u.z) : 0);
			g[0][i] = g[1][i] = g[4][i] = 0;
			g[2][i] = on;
			if (o == fixedSides) {
				g[0][i] = 1;
				error = larger(error, absolute(up[i] - y[i]) / (w * u.z));
			} else if (o != 0) {
				const f64 slack = absolute(on ? sideOf(i) - y[i] : smaller(absolute(up[i] - y[i]), absolute(y[i] - lo[i]))) / (w * u.z);
				if (on) error = larger(error, slack);
				const f64 mult = absolute(lam[i]) * w / u.g;
				g[4][i] = 1 / larger(slack, mult);
				if (slack <= WEAK && mult <= WEAK) g[1][i] = 1;
				else if (on) g[0][i] = 1;
			}
			g[3][i] = error;
		}
		f64 o[5];
		fold<3, 2>(g, o);
		if (lane() == 0) {
			info[infoActive] = o[0], info[infoWeak] = o[1], info[infoCount] = o[2];
			info[infoError] = o[3], info[infoMargin] = o[4] == 0 ? INF : 1 / o[4];
			info[infoRCond] = smaller(smaller(least, leastQ), leastS);
		}
		if (a.factors) copy(a.factors + (i64)e * size, f, size);
	}

	METHOD f64* stage() const { return a.stage + (a.oneStage ? 0 : e) * (i64)(kept * size); }

	METHOD void copy(f64* to, const f64* from, int count) const {
		for (int first = lane(); first < count; first += 8 * WARP) {
			f64 g[8];
#pragma unroll
			for (int k = 0; k < 8; k++) g[k] = first + k * WARP < count ? from[first + k * WARP] : 0;
#pragma unroll
			for (int k = 0; k < 8; k++)
				if (first + k * WARP < count) to[first + k * WARP] = g[k];
		}
	}
};

// smallElement is an element from its data to its answers.
template <int S> DEV void smallElement(const Args& a, f64* fast, int e) {
	if (a.code[e] != fresh) return;
	for (int i = lane(); i < numInfo; i += WARP) a.info[(i64)e * numInfo + i] = 0;
	warpSync();
	Small<S> w(a, e, fast);
	Figures f = {};
	f64 least = INF;
	int code = back;
	const bool good = w.prepare();
	if (good && a.factors && (!a.oneStage || e == 0)) w.copy(w.stage(), w.x, w.kept * w.size);
	if (good && w.load()) {
		w.origin();
		if (w.l.sides == 0 || w.start()) code = w.run(f, least);
	}
	if (code != back) {
		if (code == left || code == stopped) w.recover(w.l.kappa);
		w.store(code, f, least);
	}
	warpSync();
	if (lane() == 0) a.code[e] = code;
}
