# The commands of this repository. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules

# What the query macros need is committed: no build asks a database, whatever DATABASE_URL says.
export SQLX_OFFLINE := true
export PATH := $(CURDIR)/target/tools/bin:$(PATH)

CRASH_ROUNDS ?= 500
ARGS ?=

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: ## Install what is missing for everything below.
	@scripts/setup run test

.PHONY: run
run: ## Set up, then build and start the server; ARGS are its options.
	@scripts/setup run
	cargo run --release --locked -- serve $(ARGS)

.PHONY: check
check: ## Everything that needs no PostgreSQL: form, lints, unit tests, documentation.
	@scripts/setup test
	@scripts/check form lints unit docs

.PHONY: test
test: ## Everything.
	@scripts/setup run test
	@scripts/check form sql lints all docs

.PHONY: bench
bench: ## Measure, with a release build; the results go to bench-results/. ARGS are the bench's options.
	@scripts/setup run
	cargo run --release --locked -- bench $(ARGS)

.PHONY: bench-quant
bench-quant: ## Measure the numerics beside other libraries; needs the network once. ARGS are the number of rounds.
	@scripts/bench-quant $(ARGS)

.PHONY: soak
soak: ## Kill and restart the server CRASH_ROUNDS times (500) under load.
	@scripts/setup run test
	@BULKHEAD_CRASH_ROUNDS=$(CRASH_ROUNDS) scripts/check crash

.PHONY: fmt
fmt: ## Format the code.
	cargo fmt --all

.PHONY: audit
audit: ## Check the dependencies' advisories, licences and sources; needs the network.
	@scripts/setup test
	cargo deny --locked check bans licenses sources
	cargo deny --locked check advisories

.PHONY: clean-data
clean-data: ## Delete the development data (./data and its PostgreSQL cluster).
	@scripts/clean-data
