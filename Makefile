# Everything a contributor runs, one word each. `make` alone lists the words.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-from-pyproject

# The first Python that is new enough; PYTHON=/path/to/python overrules it.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3.13 python3.14 python3.12 python3.11 python3; do \
	"$$name" -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && { command -v "$$name"; break; }; done)

PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-compile

# Tests never talk to the server that happens to be configured in the shell; only `make live-test` does.
OFFLINE := env -u DOKPLOY_ENDPOINT -u DOKPLOY_URL -u DOKPLOY_API_KEY
PYTEST := $(BIN)/python -m pytest
# Most of a test's time is waiting for processes, so that more workers than cores pay off.
WORKERS := -n 8 --dist worksteal
# These hardly wait, and each worker takes some seconds to collect them.
QUICK_WORKERS := -n 3 --dist worksteal
QUICK_TESTS := tests/unit tests/faults tests/contract/test_client_transcripts.py
QUICK_WITHOUT := tests/unit/fuzz tests/unit/support tests/unit/release/test_release_check.py \
	tests/faults/matrix tests/faults/test_releases.py tests/faults/test_race.py tests/faults/test_older_servers.py
# Hundreds of interpreters are started; each reads what the first one compiled.
unexport PYTHONDONTWRITEBYTECODE

QUICK_CHECKS := format-check lint imports dead-code
two_at_a_time = @printf '%s\n' '$(1)' '$(2)' | xargs -P 2 -I '{}' sh -c '$(MAKE) --no-print-directory {}'

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup engine demo picture schema reliability fuzz soak test test-quick check collect format format-check lint types imports dead-code \
	engine-test live-test lowest mutants release-check plugin-archives clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Create .venv with everything for development (Python 3.11 or newer, about half a minute)

$(STAMP): pyproject.toml
	@if ! "$(PYTHON)" -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then \
		echo "setup: needs Python 3.11 or newer; found: '$(PYTHON)'." >&2; \
		echo "setup: install one (https://www.python.org/downloads/), or name it: make setup PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi
	@if ! $(BIN)/python -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then \
		echo "setup: creating $(VENV) with $(PYTHON) (about 5 s)"; \
		rm -rf $(VENV); \
		"$(PYTHON)" -m venv $(VENV) || { \
			rm -rf $(VENV); \
			echo "setup: '$(PYTHON) -m venv' failed; on Debian and Ubuntu it needs the package python3-venv" >&2; \
			exit 1; \
		}; \
	fi
# The pip that comes with Python 3.11 takes twice as long as today's to find out what to install, but will do.
	@echo "setup: installing the package and its development tools into $(VENV) (about half a minute)"; \
	started=$$(date +%s); \
	$(PIP_INSTALL) --upgrade pip >$(VENV)/pip.log 2>&1; \
	$(PIP_INSTALL) -e '.[dev]' >>$(VENV)/pip.log 2>&1 || { \
		cat $(VENV)/pip.log >&2; \
		echo "setup: pip failed, its whole output is above; 'make setup' tries again" >&2; \
		exit 1; \
	}; \
	echo "setup: done in $$(($$(date +%s) - started)) s"
	@touch $@

engine: setup ## Find, install or build a Pulumi engine (cached outside the checkout)
	@$(BIN)/python scripts/setup_engine.py

demo: setup engine ## Watch real deployments against the simulator, under a minute
	@$(OFFLINE) $(BIN)/python scripts/demo.py

picture: setup engine ## Write docs/images/run.svg, the README's picture, from a real run (half a minute)
	@$(OFFLINE) $(BIN)/python scripts/picture.py

schema: setup ## Write schema.json, the generated Python and the docs' tables from the models
	@$(BIN)/python -m pulumi_dokploy_deployments.schema

reliability: setup ## Play the matrix of faults and write its outcomes into docs/reliability.md (half a minute)
	@$(OFFLINE) $(BIN)/python -m tests.faults.matrix

fuzz: setup ## 5,000 random cases for each parser, where the tests give 300 (half a minute)
	$(OFFLINE) FUZZ_CASES=5000 $(PYTEST) -n 2 --timeout 600 tests/unit/fuzz

soak: setup ## 2,000 deployments at once under random faults; SOAK="--deployments 200 --seed 7" (about 3 minutes)
	@$(OFFLINE) $(BIN)/python -m tests.soak $(SOAK)

test: setup engine ## Everything: format, lint, types, import rules and all tests (about 5 minutes)
	$(call two_at_a_time,types,$(QUICK_CHECKS) collect)
	$(OFFLINE) $(PYTEST) $(WORKERS)

test-quick: setup ## Unit tests and faults, without engine, command line and the longest ones (under a minute)
	$(OFFLINE) $(PYTEST) $(QUICK_WORKERS) $(QUICK_WITHOUT:%=--ignore %) $(QUICK_TESTS)

check: setup ## Format check, lint, types, import rules and dead code
	$(call two_at_a_time,types,$(QUICK_CHECKS))

format: setup ## Format the code and sort its imports
	$(BIN)/ruff check --fix --quiet --select I .
	$(BIN)/ruff format .

format-check: setup
	$(BIN)/ruff format --check .

lint: setup
	$(BIN)/ruff check .

# What the workers of `make test` import is compiled once, not by all of them at the same moment.
collect: setup
	$(BIN)/python -c 'import pulumi.dynamic, dill'
	$(PYTEST) --collect-only -q >$(VENV)/collect.log 2>&1 || { cat $(VENV)/collect.log; exit 1; }

# Every example is a program called __main__, and mypy takes one of those at a time.
types: setup
	$(BIN)/mypy
	@printf '%s\n' __main__.py examples/*/__main__.py | xargs -P 2 -n 1 $(BIN)/mypy --no-error-summary

imports: setup
	$(BIN)/lint-imports

dead-code: setup ## What nothing uses; what is called from outside is listed in pyproject.toml
	$(BIN)/vulture

engine-test: setup engine ## Only the tests that run the real engine (about 3 minutes)
	$(OFFLINE) $(PYTEST) $(WORKERS) -m engine tests/engine

live-test: setup ## The contract tests against the server in DOKPLOY_ENDPOINT and DOKPLOY_API_KEY
	@if [ -z "$$DOKPLOY_ENDPOINT" ] || [ -z "$$DOKPLOY_API_KEY" ]; then \
		echo "live-test: set DOKPLOY_ENDPOINT and DOKPLOY_API_KEY of a server that may be deployed to:" >&2; \
		echo "  DOKPLOY_ENDPOINT=https://dokploy.example.com DOKPLOY_API_KEY=… make live-test" >&2; \
		exit 1; \
	fi
	$(PYTEST) tests/contract

lowest: setup ## The tests with the lowest version of every dependency (about 3 minutes, needs a package index)
	@$(OFFLINE) $(BIN)/python scripts/lowest_versions.py

# For instance MUTANTS="rollback rollout/mark --sample 60 --seed 2".
MUTANTS ?=

mutants: setup ## How many changes of the decision modules the tests notice (about 3 minutes; all: MUTANTS=--all)
	@$(BIN)/python -c 'import cosmic_ray, coverage' 2>/dev/null || $(PIP_INSTALL) -q -e '.[mutants]'
	@$(OFFLINE) $(BIN)/python scripts/mutants.py $(MUTANTS)

release-check: setup engine ## Build, install and use what would be released (about a minute, needs a package index)
	@$(OFFLINE) $(BIN)/python scripts/release_check.py $(if $(TAG),--tag $(TAG) --out dist)

plugin-archives: setup ## The archives for `pulumi plugin install`, into dist/plugin
	@$(BIN)/python scripts/plugin_archive.py

bench: setup engine ## Measure lag, requests, CPU and memory; PARTS="following many" for some (about 4 minutes)
	@$(OFFLINE) $(BIN)/python -m benchmarks $(PARTS)

clean: ## Remove what these targets made in the checkout (the engine's cache stays)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
