# make study        from a clone to the report of the Lisbon scenario
# make check        everything that must hold: lint, types, import contracts, tests (a browser included)
# make demo-live    two centres on loopback, each warning of its own ground and exchanging under a signed agreement
# make check-long   what takes hours: 100,000 drills, a million fuzzed inputs, 200 real kills, laws on new examples
# make lock         resolve the dependencies anew into requirements.lock and requirements-dev.lock (needs uv)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help study demo-live check check-long lint types contracts test bundle lock clean

BIN := .venv/bin
SCENARIO ?= lisbon-2010
UV := $(shell command -v uv 2>/dev/null)

help:
	@sed -n 's/^# //p' Makefile | head -5

.venv/bin/python:
ifneq ($(UV),)
	@uv venv --quiet --python '>=3.11' .venv
else
	@command -v python3 >/dev/null || { echo "Python 3.11 or newer is missing: install it (Debian, Ubuntu: apt-get install python3 python3-venv)"; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "python3 is $$(python3 -V | cut -d' ' -f2); 3.11 or newer is needed"; exit 1; }
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { echo "python3-venv is missing: install it (Debian, Ubuntu: apt-get install python3-venv)"; exit 1; }
	@python3 -m venv .venv
endif

.venv/installed: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing Détente and what it needs into .venv …"
ifneq ($(UV),)
	@uv pip install --quiet --python $(BIN)/python -r requirements.lock
	@uv pip install --quiet --python $(BIN)/python --no-deps -e .
else
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
endif
	@touch $@

.venv/installed-dev: requirements-dev.lock .venv/installed
	@echo "Installing what the checks need …"
ifneq ($(UV),)
	@uv pip install --quiet --python $(BIN)/python -r requirements-dev.lock
else
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
endif
	@touch $@

study: .venv/installed
	@$(BIN)/detente study $(SCENARIO) --out out/$(SCENARIO) --resume

demo-live: .venv/installed
	@$(BIN)/python -m detente.exercise.demo

check-long: .venv/installed-dev
	@mkdir -p out
	$(BIN)/detente drill --seeds 0:100000 --workers 2 --resume out/drills.jsonl
	$(BIN)/python tests/fuzz/exchange.py --executions 1000000 --workers 2
	$(BIN)/python tests/long/kill_loop.py 200
	HYPOTHESIS_PROFILE=searching $(BIN)/python -m pytest -q -n 2 tests/laws

check: .venv/installed-dev
	@tools/need_browser.sh
	@$(MAKE) --no-print-directory lint types contracts bundle test

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/installed-dev
	$(BIN)/pyright

contracts: .venv/installed-dev
	$(BIN)/lint-imports

bundle:
	@tools/check_bundle.sh

test: .venv/installed-dev
	@echo "Compiling the kernels, if that was not done before …"
	@$(BIN)/python -c 'import detente; from detente.studies.rehearsal import rehearse; rehearse(detente.load_scenario("lisbon-2010"))'
	$(BIN)/python -m pytest -n 2 --dist load

clean:
	rm -rf .venv out .pytest_cache .ruff_cache .hypothesis

lock:
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 --group dev -c requirements.lock -o requirements-dev.lock
