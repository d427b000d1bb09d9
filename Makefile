# Two commands do all the set-up: `make run` (the dashboard) and `make test`.
# A stamp inside .venv, written last, says that an install went through; an interrupted one is redone.

SHELL := /bin/bash
VENV := .venv
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$name && break; done)
RUN_STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.installed-test

.PHONY: run test lint bench-import clean

run: $(RUN_STAMP)
	@$(VENV)/bin/python app.py

test: lint
	@$(VENV)/bin/python -m pytest

lint: $(TEST_STAMP)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

bench-import: $(TEST_STAMP)
	@$(VENV)/bin/python -m benchmarks.import_release $(RELEASE)

clean:
	rm -rf $(VENV)

$(VENV)/bin/pip:
	@if [ -z "$(PYTHON)" ]; then \
		echo "CLiKA needs Python 3.11 or newer and found none; install one, or name it: make PYTHON=/path/to/python3"; exit 1; fi
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make a virtual environment; install its venv package (Debian, Ubuntu: apt-get install python3-venv)"; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements.txt pyproject.toml | $(VENV)/bin/pip
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(TEST_STAMP): $(RUN_STAMP)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@
