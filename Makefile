# make builds bin/pollwire, a static binary. Its version comes from the tags of
# the repository, as the Go command stamps it.

FUZZTIME ?= 10s
CHECKS   ?= 300
BENCH    ?= .
KILLS    ?= 100
FAULTS   ?= 200
SOAK     ?= 1h

.PHONY: build package test real lint docs bench fuzz crash chaos fleet soak clean help

build: ## build bin/pollwire
	VERSION= systemd/package/program bin/pollwire

package: ## make the .deb, .rpm and .tar.gz in dist; VERSION= names them
	VERSION=$(VERSION) systemd/package/build

test: ## run all tests; installs what they need where it may (Debian, root)
	.ci/prepare
	.ci/test

real: ## try recipes against what npm brings besides: servers, and descriptions of APIs (1 GB)
	npm ci --silent --no-audit --no-fund --ignore-scripts --prefix internal/recipe/realtest/testdata/peers
	go test -count=1 -tags real -parallel 2 -timeout 20m ./internal/recipe/realtest

lint: ## read the source: gofmt, vet, golangci-lint, modules, known vulnerabilities
	.ci/lint

docs: ## write docs/configuration.md from the schema, and docs/recipes.md from the recipes and their tests
	go test -count=1 ./internal/recipe -update
	go test -count=1 -run '^Test(Reference|Guide)IsFresh$$' ./cmd/pollwire -update

bench: ## run the benchmarks; BENCH=regexp chooses
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...
	cd diff/rivals && go test -v -run '^$$' -bench '$(BENCH)' -benchmem ./...

fuzz: ## run each fuzz target for FUZZTIME, and try each property CHECKS times
	FUZZTIME=$(FUZZTIME) CHECKS=$(CHECKS) .ci/fuzz

crash: ## kill the daemon KILLS times at random moments, and look for what is lost
	POLLWIRE_KILLS=$(KILLS) go test -count=1 -v -timeout 60m -run '^TestCrash' ./cmd/pollwire

chaos: ## break a fleet of nodes and its PostgreSQL FAULTS times, and look for what is lost (root)
	POLLWIRE_FAULTS=$(FAULTS) go test -count=1 -v -timeout 120m -run '^Test(Pooled)?Chaos$$' ./cmd/pollwire

fleet: ## hold a fleet of 3,000 sources to the times that are promised, nodes frozen for 60 s and rolled (root, a quiet machine)
	POLLWIRE_LONG=1 go test -count=1 -v -timeout 30m -parallel 1 -run '^TestFleet' ./cmd/pollwire

soak: ## run 1,000 sources for SOAK, and look whether memory grows
	POLLWIRE_LONG=$(SOAK) go test -race -count=1 -v -timeout 0 -run '^TestSoak$$' ./internal/daemon

clean: ## remove what was built
	rm -rf bin dist

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
