# Every target is short; what CI runs is in .ci/run, by the same names.
FUZZTIME ?= 5m
BENCH    ?= .
COUNT    ?= 6
BENCHSTAT = golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da

SUITES   ?= ../shared/data

.PHONY: check test race race-cuda bench bench-peers fuzz soak suites cover

check: # format, vet, lint, module files, imports
	.ci/run format modules vet lint
	go test -run 'TestImports|TestReadme' .

test: # what README.md shows
	.ci/run test

race:
	.ci/run race

race-cuda: # the kernels on the emulated device, by clang's thread sanitizer
	cuda/kernels/race.sh

bench: # make bench BENCH=Forward COUNT=10; the raw lines stay in bench/.work/bench.txt
	@mkdir -p bench/.work
	@test -x bench/.work/benchstat || GOBIN=$(CURDIR)/bench/.work go install $(BENCHSTAT) || echo 'no benchstat: plain lines follow'
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./... > bench/.work/bench.txt || { cat bench/.work/bench.txt; exit 1; }
	@bench/.work/benchstat bench/.work/bench.txt || cat bench/.work/bench.txt

bench-peers: # other solvers on the same problems: make bench-peers PEERS=qpth,piqp SIZES=10,50 QUICK=1
	bench/peers.sh

fuzz: # every fuzz target, FUZZTIME each: make fuzz FUZZTIME=30s TARGETS=encoding/
	FUZZTIME=$(FUZZTIME) .ci/fuzz $(TARGETS)

suites: # solve collections of problem files, and write docs/SUITES.md; PEERS=python times Clarabel and PIQP too, LIMIT=100s gives each file so long
	go run ./bench/suites -data $(SUITES) -peers '$(PEERS)' -limit $(or $(LIMIT),1m)

soak: # random batches with poisoned elements, SOAK long
	go run ./bench/soak -time $(or $(SOAK),1h)

cover:
	go test -coverprofile cover.prof ./...
	go tool cover -func cover.prof | tail -1
