# Every target is short; what CI runs is in .ci/run, by the same names.
FUZZTIME ?= 5m
BENCH    ?= .

.PHONY: check test race bench fuzz cover

check: # format, vet, lint, module files, imports
	.ci/run format modules vet lint
	go test -run 'TestImports|TestReadme' .

test: # what README.md shows
	.ci/run test

race:
	.ci/run race

bench: # go make bench BENCH=Forward
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

fuzz: # every fuzz target, FUZZTIME each
	@set -e; for pkg in $$(go list ./qp/... ./experiments/...); do \
		for f in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$f"; \
			go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

cover:
	go test -coverprofile cover.prof ./...
	go tool cover -func cover.prof | tail -1
