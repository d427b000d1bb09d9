# Two commands do all the set-up: `make run` (the dashboard) and `make test`.
# A stamp in .venv, written last, says that an install went through: the next run installs nothing. While an
# install runs .cut_off stands there; where it still stands later the environment is made anew, since pip
# takes a package that was half copied for a whole one.

SHELL := /bin/bash
VENV := .venv
# A name on the PATH is not yet a Python that runs (pyenv's shims, Windows' and macOS's stubs): each is tried.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$name && break; done)
RUN_STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.installed-test
BENCH_STAMP := $(VENV)/.installed-bench
CUT_OFF := $(VENV)/.cut_off
INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test test-long lint faults planted bench bench-gpu bench-dashboard bench-first-start bench-import bench-index bench-tuning clean

run: $(RUN_STAMP)
	@$(VENV)/bin/python app.py

# Files of tests run beside each other, a process a core and at most four; torch keeps to a thread in each.
test: lint
	@OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -m "not long" --numprocesses auto --maxprocesses 4 --dist loadfile

# The benchmarks on tiny models and the longest walks, some minutes.
test-long: $(TEST_STAMP)
	@$(VENV)/bin/python -m pytest -m long

lint: $(TEST_STAMP)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

bench: $(BENCH_STAMP)
	@$(VENV)/bin/python -m benchmarks.forced_choice $(if $(RELEASE),--release $(RELEASE))

bench-gpu: $(RUN_STAMP)
	@$(VENV)/bin/python -m benchmarks.gpu_forced_choice $(if $(RELEASE),--release $(RELEASE))

bench-tuning: $(BENCH_STAMP)
	@$(VENV)/bin/python -m benchmarks.tuning --whole

bench-dashboard: $(RUN_STAMP)
	@$(VENV)/bin/python -m benchmarks.dashboard $(if $(RELEASE),--release $(RELEASE))

bench-first-start: $(TEST_STAMP)
	@$(VENV)/bin/python -m benchmarks.first_start

bench-import: $(TEST_STAMP)
	@$(VENV)/bin/python -m benchmarks.import_release $(RELEASE)

bench-index: $(RUN_STAMP)
	@$(VENV)/bin/python -m benchmarks.index_speed

# Some twenty minutes of kills, full disks and damage; another SEED is another course of them.
faults: $(TEST_STAMP)
	@$(VENV)/bin/python -m tests.faults $(if $(SEED),--seed $(SEED))

# Trains the planted models anew, some twenty minutes on one core, and compares their choices with those shipped.
planted: $(RUN_STAMP)
	@$(VENV)/bin/python -m clika.planted --check

clean:
	rm -rf $(VENV)

$(RUN_STAMP): requirements.txt pyproject.toml
	@if [ -e $(CUT_OFF) ] || [ ! -x $(VENV)/bin/pip ]; then \
		python="$(PYTHON)"; \
		if [ -z "$$python" ]; then \
			echo "CLiKA needs Python 3.11 or newer and found none; install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; fi; \
		if ! "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
			echo "$$python is no Python 3.11 or newer, which CLiKA needs; name another: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; fi; \
		if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
			echo "$$python cannot make a virtual environment; install its venv package (Debian, Ubuntu: apt-get install python3-venv) and run this again" >&2; exit 1; fi; \
		rm -rf $(VENV) && mkdir $(VENV) && touch $(CUT_OFF) && "$$python" -m venv $(VENV) || exit 1; \
	fi
	@touch $(CUT_OFF)
	@echo "installing what requirements.txt names into $(VENV) (minutes, the first time)"
	@$(INSTALL) -r requirements.txt
	@$(INSTALL) -e .
	@rm $(CUT_OFF)
	@touch $@

$(TEST_STAMP): $(RUN_STAMP)
	@rm $(RUN_STAMP)
	@touch $(CUT_OFF)
	@echo "installing the test tools into $(VENV)"
	@$(INSTALL) -e '.[test]'
	@rm $(CUT_OFF)
	@touch $(RUN_STAMP) $@

# The constraints keep either of them from bringing another torch or transformers.
$(BENCH_STAMP): $(TEST_STAMP)
	@rm $(RUN_STAMP) $(TEST_STAMP)
	@touch $(CUT_OFF)
	@echo "installing lm-evaluation-harness and TRL into $(VENV)"
	@$(INSTALL) -e '.[bench]' -c requirements.txt
	@rm $(CUT_OFF)
	@touch $(RUN_STAMP) $(TEST_STAMP) $@
