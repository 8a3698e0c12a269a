#!/usr/bin/env bash
# Compares this module with other solvers, from nothing to the tables: makes a
# Python environment, installs the peers, writes the problems, runs everything.
# README.md explains; make bench-peers calls this. Variables:
#
#	PEERS=qpth,piqp   some peers        SIZES=10,50      some n
#	BATCHES=1,128     some batches      FAMILIES=sudoku  of optnet, sudoku, scqpth
#	QUICK=1           3 minutes         MINUTES=40       no case starts later
#	NAME=today        name of results   OUT=folder       bench/results if not given
#	PYTHON=python3    3.11 to 3.13      RESUME=1         go on with the run of that name
set -euo pipefail
cd "$(dirname "$0")"

work=.work venv=.venv python=${PYTHON:-python3} seed=1
mkdir -p "$work"

# The environment is made again when the requirements change.
sum=$(cat requirements.txt requirements-nodeps.txt | cksum)
if [[ $(cat "$venv/installed" 2>/dev/null) != "$sum" ]]; then
	"$python" -c 'import sys; v = sys.version_info[:2]; sys.exit(f"Python {v[0]}.{v[1]}, want 3.11 to 3.13: set PYTHON" if not (3, 11) <= v <= (3, 13) else 0)'
	echo "installing the peers into bench/$venv: 3 GB to download"
	"$python" -m venv --clear "$venv"
	"$venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: -r requirements.txt
	"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation -r requirements-nodeps.txt
	echo "$sum" >"$venv/installed"
fi

go build -o "$work/optnet" .
"$work/optnet" problems -dir "$work/problems" -seed "$seed"

args=(--optnet "$work/optnet" --problems "$work/problems/seed$seed" --out "${OUT:-results}")
[[ -z ${PEERS:-} ]] || args+=(--peers "$PEERS")
[[ -z ${SIZES:-} ]] || args+=(--sizes "$SIZES")
[[ -z ${BATCHES:-} ]] || args+=(--batches "$BATCHES")
[[ -z ${FAMILIES:-} ]] || args+=(--families "$FAMILIES")
[[ -z ${QUICK:-} ]] || args+=(--quick)
[[ -z ${MINUTES:-} ]] || args+=(--minutes "$MINUTES")
[[ -z ${RESUME:-} ]] || args+=(--resume)
[[ -z ${NAME:-} ]] || args+=(--name "$NAME")
"$venv/bin/python" compare.py "${args[@]}"
