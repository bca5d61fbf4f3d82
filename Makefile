# Each command works on a fresh machine by itself: what it needs is installed first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# Many tests wait for what they started: twice as many at once as there are processors keep these busy.
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

# What was compiled once need not be compiled by every process of a run.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest

.PHONY: help install run test check lint bench relevance texts lock clean \
  lint-style lint-types lint-imports lint-advisories check-tests
help:
	@echo "make run        install, then the register on http://127.0.0.1:8000 (another port: make run PORT=8001)"
	@echo "make test       install, then every test (fetches a browser, Go, servers, clients and Schemathesis)"
	@echo "make check      lint, unit tests and rules: a minute"
	@echo "make install    a .venv with everything, locked and hashed"
	@echo "make lint       Ruff, mypy, import rules, known weaknesses of pinned packages"
	@echo "make bench      speed, as ratios against a baseline of the same run"
	@echo "make relevance  how often the search puts the institution meant first"
	@echo "make texts      new sentences into the catalogues of every language (docs/translation.md)"
	@echo "make lock       refresh the lock files from pyproject.toml"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; '$(PYTHON)' is older. Try: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "Could not make a virtual environment. On Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.run: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing what the register needs (locked and hashed) ..."
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml | $(VENV)/.run
	@echo "Installing what the tests need (locked and hashed) ..."
	@$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

install: $(VENV)/.run $(VENV)/.dev

# PORT: another one than 8000. QR codes, examples and the name of the log then carry it, too.
PORT ?= 8000
run: $(VENV)/.run
	@$(BIN)/registry serve --setup --port $(PORT)

test: install
	@bash tests/setup.sh
	@$(PYTEST) -n $$((2 * $(CORES))) --dist loadfile --no-loadscope-reorder

# What has nothing to do with each other runs at the same time; what each says stays together.
TOGETHER := $(MAKE) --no-print-directory --jobs $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

check: install
	@$(TOGETHER) lint-style lint-types lint-imports lint-advisories check-tests

lint: install
	@$(TOGETHER) lint-style lint-types lint-imports lint-advisories

lint-style:
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

lint-types:
	@$(BIN)/mypy

lint-imports:
	@$(BIN)/lint-imports

lint-advisories:
	@$(BIN)/python -m tests.advisories

check-tests:
	+@$(PYTEST) -q -n $(CORES) --dist loadfile --no-loadscope-reorder tests/rules tests/unit  # +: shows how far it is

bench: install
	@bash tests/setup.sh meilisearch
	@$(BIN)/python -m bench

relevance: install
	@bash tests/setup.sh meilisearch
	@$(BIN)/python -m tests.relevance.measure --failures

texts: install
	@$(BIN)/python -m tests.translation

lock: install
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  --group build pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  --constraint requirements.lock --group build --group dev pyproject.toml -o requirements-dev.lock
	@cd tests/reconciliation && $(CURDIR)/$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --upgrade --override client-overrides.txt client.in -o client.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  tests/schemathesis/requirements.in -o tests/schemathesis/requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
	  tests/clients/requirements.in -o tests/clients/requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
