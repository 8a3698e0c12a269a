#!/usr/bin/env bash
# Prints GFLOP/s of our kernels beside those of OpenBLAS and BLASFEO, on one core.
#
#	bench/kernels/run.sh                      OpenBLAS: Debian's libopenblas-dev, or the like
#	BLASFEO=DIR bench/kernels/run.sh          and BLASFEO, built in DIR with `make static_library`
set -euo pipefail
cd "$(dirname "$0")"
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export OPENBLAS_NUM_THREADS=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
flags=()
if [[ -n ${BLASFEO:-} ]]; then
	flags=(-DBLASFEO "-I$BLASFEO/include" "$BLASFEO/lib/libblasfeo.a")
fi
cc -O2 -march=native -o "$tmp/kernels" _c/kernels.c "${flags[@]}" -lopenblas -lm
on() { if command -v taskset >/dev/null; then taskset -c 0 "$@"; else "$@"; fi; }
on "$tmp/kernels"
go -C ../.. test -c -o "$tmp/dense.test" ./internal/dense
on "$tmp/dense.test" -test.run '^$' -test.bench 'Benchmark(Peak|Syrk|GemmTN|Cholesky|Solve|SolveUTMany|Gemv)$' -test.benchtime 20ms -test.count 3 | go run table.go
