#!/usr/bin/env bash
# Conformance, then benchmarks, on a machine with an NVIDIA GPU, of a test binary
# that was built elsewhere:
#
#	CGO_ENABLED=0 go test -c -o cuda.test ./cuda     # here
#	bench/gpu/run.sh cuda.test results               # there
#
# Nothing is built and nothing is fetched. Into the folder go suite.txt, bench.txt,
# peers.txt and table.md, which is printed last. qpth and qpax are run beside us if
# python3 can import them (PyTorch and JAX with CUDA).
set -uo pipefail
binary=$(realpath "$1") out=$(realpath "${2:-.}") here=$(realpath "$(dirname "$0")")
mkdir -p "$out"
cd "$out"
export OPTNET_REQUIRE_GPU=1
fail=0

nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,memory.total --format=csv,noheader | tee machine.txt
nproc >>machine.txt

echo '== conformance'
"$binary" -test.run 'GPU|TestFirstResult' -test.v >suite.txt 2>&1 || fail=1
grep -E '^--- |^    --- (FAIL|PASS)|opened after|registers|Elements' suite.txt
echo "$(grep -c -- '--- FAIL' suite.txt) failures in suite.txt"

echo '== benchmarks'
"$binary" -test.run '^$' -test.bench ForwardBackward -test.benchtime "${BENCHTIME:-5x}" 2>&1 | tee bench.txt | grep -o 'Forward[^ ]*\|[0-9.]* [a-z-]*ms' | paste -sd ' ' | sed 's/ Forward/\nForward/g'
[[ ${PIPESTATUS[0]} == 0 ]] || fail=1

echo '== peers'
timeout "${PEERS_SECONDS:-240}" python3 "$here/peers.py" bench.txt >peers.txt 2>peers.err || tail -3 peers.err
grep -v '^|' peers.txt

echo '== table'
grep '^|' peers.txt | tee table.md
exit $fail
