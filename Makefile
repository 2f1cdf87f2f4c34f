# make demo | test | test-site | check | bench | clean      Each works alone: it makes .venv and installs what it needs, once.

.DEFAULT_GOAL := help
.PHONY: help demo test test-site lint check bench clean

SUITABLE := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	"$$p" -c '$(SUITABLE)' >/dev/null 2>&1 && { echo "$$p"; break; }; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# Where PyPI's torch brings CUDA (Linux), the CPU build of the same version comes from PyTorch's own index.
TORCH_INDEX := $(if $(filter Linux,$(shell uname -s)),--extra-index-url https://download.pytorch.org/whl/cpu)

help:
	@echo "make demo       train a small network on real data, then find it again, written differently"
	@echo "make test       the tests, but for those that need a cluster"
	@echo "make test-site  those tests, on a real Slurm on this machine; as root on Debian it is installed"
	@echo "make check      ruff format, ruff, mypy --strict, import-linter, make test"
	@echo "make bench      the benchmarks, each a ratio of paired runs"
	@echo "make clean      remove .venv and everything else that was made here"

demo: .venv/core.stamp
	$(BIN)/python examples/00_demo.py

test: .venv/dev.stamp
	$(BIN)/python -m pytest --ignore=tests/site -n 2 --dist loadfile

test-site: .venv/dev.stamp
	$(BIN)/python -m tests.site.needs
	JITNAS_TEST_SITE=required $(BIN)/python -m pytest tests/site -n 2 --session-timeout=2700

lint: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict jitnas_fn
	$(BIN)/lint-imports

check: lint test

bench: .venv/bench.stamp
	@set -e; for bench in tests/benchmarks/bench_*.py; do echo "== $$bench"; PYTHONPATH=. $(BIN)/python "$$bench"; done

clean:
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "jitnas_fn needs Python 3.11 or later; none was found. Name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	"$(PYTHON)" .ci/venv.py .venv

.venv/core.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing PyTorch and the rest into .venv: once, some minutes"
	$(PIP) $(TORCH_INDEX) --no-deps torch==2.13.0
	$(PIP) --editable .
	@touch $@

.venv/dev.stamp: .venv/core.stamp
	$(PIP) --editable '.[dev]'
	@touch $@

# The oracle of the labelling is built from C where there is no wheel: that needs a compiler and make.
.venv/bench.stamp: .venv/dev.stamp
	$(PIP) --editable '.[dev,oracle]'
	@touch $@
