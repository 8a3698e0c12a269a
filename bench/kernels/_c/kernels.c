// GFLOP/s of the operations that internal/dense is made of, by OpenBLAS and by
// BLASFEO, on one core, data in cache, with the same counts of operations as the
// Go benchmarks: see run.sh. OpenBLAS has no scaled update, so diag(d)·A is formed
// first, in the time; BLASFEO forms it with gemm_nd. Factorizations include the
// copy of what they overwrite (BLASFEO's is not in place and needs none).
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cblas.h>
void dpotrf_(const char *, const int *, double *, const int *, int *);
#ifdef BLASFEO
#include <blasfeo.h>
#endif

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

static double *fresh(int n) {
	double *x = aligned_alloc(64, ((size_t)n * 8 + 63) / 64 * 64);
	for (int i = 0; i < n; i++)
		x[i] = rand() / (double)RAND_MAX - 0.5;
	return x;
}

// best of several samples of at least a millisecond
#define RATE(flops, body)                                                  \
	({                                                                 \
		double best = 1e30;                                        \
		long reps = 1;                                             \
		for (int sample = 0; sample < 15;) {                       \
			double t = now();                                  \
			for (long r = 0; r < reps; r++) {                  \
				body;                                      \
			}                                                  \
			t = now() - t;                                     \
			if (t < 1e-3) {                                    \
				reps *= 2;                                 \
				continue;                                  \
			}                                                  \
			best = fmin(best, t / reps);                       \
			sample++;                                          \
		}                                                          \
		(flops) / best * 1e-9;                                     \
	})

static const int sizes[] = {10, 20, 32, 50, 64, 100, 128, 200, 256, 500};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void row(const char *library, const char *what, const double *rate) {
	printf("| %s | %s |", what, library);
	for (int i = 0; i < SIZES; i++)
		printf(" %.1f |", rate[i]);
	putchar('\n');
	fflush(stdout);
}

static void openblas(void) {
	double syrk[SIZES], gemm[SIZES], chol[SIZES], solve[SIZES], many[SIZES], gemv[SIZES];
	for (int s = 0; s < SIZES; s++) {
		int n = sizes[s], ld = (n + 7) / 8 * 8 | (n >= 64 ? 8 : 0), info;
		double f = n;
		double *a = fresh(n * ld), *b = fresh(n * ld), *c = fresh(n * ld), *w = fresh(n * ld), *d = fresh(n), *x = fresh(n), *y = fresh(n);
		for (int i = 0; i < n; i++)
			d[i] = fabs(d[i]);
		gemm[s] = RATE(2 * f * f * f, cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, n, n, 1, a, ld, b, ld, 1, c, ld));
		memset(c, 0, sizeof(double) * n * ld);
		syrk[s] = RATE(f * (f + 1) * f, {
			for (int i = 0; i < n; i++) {
				double r = sqrt(d[i]);
				for (int j = 0; j < n; j++)
					w[i * ld + j] = r * a[i * ld + j];
			}
			cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, n, 1, w, ld, 1, c, ld);
		});
		cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, n, n, 1, a, ld, 0, b, ld);
		for (int i = 0; i < n; i++)
			b[i * ld + i] += n;
		chol[s] = RATE(f * f * f / 3, {
			memcpy(c, b, sizeof(double) * n * ld);
			dpotrf_("L", &n, c, &ld, &info); // upper by rows is lower by columns
		});
		solve[s] = RATE(2 * f * f, {
			memcpy(y, x, sizeof(double) * n);
			cblas_dtrsv(CblasRowMajor, CblasUpper, CblasTrans, CblasNonUnit, n, c, ld, y, 1);
			cblas_dtrsv(CblasRowMajor, CblasUpper, CblasNoTrans, CblasNonUnit, n, c, ld, y, 1);
		});
		many[s] = RATE(f * f * f, {
			memcpy(w, a, sizeof(double) * n * ld);
			cblas_dtrsm(CblasRowMajor, CblasLeft, CblasUpper, CblasTrans, CblasNonUnit, n, n, 1, c, ld, w, ld);
		});
		gemv[s] = RATE(2 * f * f, cblas_dgemv(CblasRowMajor, CblasNoTrans, n, n, 1e-3, a, ld, x, 1, 1, y, 1));
	}
	const char *name = "OpenBLAS";
	row(name, "AᵀDA", syrk);
	row(name, "AᵀB", gemm);
	row(name, "Cholesky", chol);
	row(name, "two solves", solve);
	row(name, "n solves", many);
	row(name, "Ax", gemv);
}

#ifdef BLASFEO
static void blasfeo(void) {
	double syrk[SIZES], gemm[SIZES], chol[SIZES], solve[SIZES], many[SIZES], gemv[SIZES];
	for (int s = 0; s < SIZES; s++) {
		int n = sizes[s];
		double f = n, *plain = fresh(n * n);
		struct blasfeo_dmat a, b, c, w;
		struct blasfeo_dvec d, x, y;
		blasfeo_allocate_dmat(n, n, &a), blasfeo_allocate_dmat(n, n, &b);
		blasfeo_allocate_dmat(n, n, &c), blasfeo_allocate_dmat(n, n, &w);
		blasfeo_allocate_dvec(n, &d), blasfeo_allocate_dvec(n, &x), blasfeo_allocate_dvec(n, &y);
		blasfeo_pack_dmat(n, n, plain, n, &a, 0, 0);
		blasfeo_pack_dmat(n, n, plain, n, &b, 0, 0);
		for (int i = 0; i < n; i++) {
			BLASFEO_DVECEL(&d, i) = 0.5 + fabs(plain[i]);
			BLASFEO_DVECEL(&x, i) = plain[i];
		}
		gemm[s] = RATE(2 * f * f * f, blasfeo_dgemm_tn(n, n, n, 1, &a, 0, 0, &b, 0, 0, 0, &c, 0, 0, &c, 0, 0));
		// BLASFEO's update is A·Aᵀ: its A is our Aᵀ, and d scales columns.
		blasfeo_dgese(n, n, 0, &c, 0, 0);
		syrk[s] = RATE(f * (f + 1) * f, {
			blasfeo_dgemm_nd(n, n, 1, &a, 0, 0, &d, 0, 0, &w, 0, 0, &w, 0, 0);
			blasfeo_dsyrk_ln(n, n, 1, &w, 0, 0, &a, 0, 0, 0, &c, 0, 0, &c, 0, 0);
		});
		for (int i = 0; i < n; i++)
			BLASFEO_DMATEL(&c, i, i) += n;
		chol[s] = RATE(f * f * f / 3, blasfeo_dpotrf_l(n, &c, 0, 0, &w, 0, 0));
		solve[s] = RATE(2 * f * f, {
			blasfeo_dtrsv_lnn(n, &w, 0, 0, &x, 0, &y, 0);
			blasfeo_dtrsv_ltn(n, &w, 0, 0, &y, 0, &y, 0);
		});
		many[s] = RATE(f * f * f, blasfeo_dtrsm_llnn(n, n, 1, &w, 0, 0, &a, 0, 0, &b, 0, 0));
		gemv[s] = RATE(2 * f * f, blasfeo_dgemv_n(n, n, 1e-3, &a, 0, 0, &x, 0, 1, &y, 0, &y, 0));
	}
	const char *name = "BLASFEO";
	row(name, "AᵀDA", syrk);
	row(name, "AᵀB", gemm);
	row(name, "Cholesky", chol);
	row(name, "two solves", solve);
	row(name, "n solves", many);
	row(name, "Ax", gemv);
}
#endif

int main(void) {
	printf("| operation | library |");
	for (int i = 0; i < SIZES; i++)
		printf(" %d |", sizes[i]);
	printf("\n| --- | --- |");
	for (int i = 0; i < SIZES; i++)
		printf(" --- |");
	putchar('\n');
	openblas();
#ifdef BLASFEO
	blasfeo();
#endif
}
