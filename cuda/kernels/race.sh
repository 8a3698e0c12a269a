#!/usr/bin/env bash
# The kernels on the emulated device, several threads a block, watched by clang's thread
# sanitizer. It does not see how Go's threads wait for each other, but for the calls that
# host.cpp orders, so that only reports from the kernels' own lines count.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
clang++-19 -std=c++20 -O1 -g -fsanitize=thread -shared-libsan -shared -fPIC -pthread kernels/host.cpp kernels/group.cpp -o "$dir/emulated.so"
CGO_ENABLED=0 go test -c -o "$dir/test" .
EMULATED_LIBRARY=$dir/emulated.so LD_PRELOAD=$(clang++-19 -print-file-name=libclang_rt.tsan-x86_64.so) \
	"$dir/test" -test.run 'TestThreads|TestGroups$' >"$dir/log" 2>&1 || { grep -q ThreadSanitizer "$dir/log" || { cat "$dir/log"; exit 1; }; }
if grep -E 'kernels/[a-z]*\.(h|cu):' "$dir/log"; then
	exit 1
fi
tail -1 "$dir/log"
