# Two commands do everything: `make demo` and `make test`. Python 3.11 or newer and make are all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help demo test check bench docs extras wheel-test replay matrix clean

help:
	@echo "make demo    synthetic faces: train, index, ask, evaluate, look (under 4 minutes after the installation)"
	@echo "make test    the tests"
	@echo "make check   ruff and strict mypy"
	@echo "make bench   the benchmarks"
	@echo "make docs    the documentation, into site/"
	@echo "make extras  Ray, Milvus and the face detector, whose tests are skipped without"
	@echo "make replay  the newcomer's days of the documentation, in a fresh environment"
	@echo "make matrix  each Python that is here, with the newest and the lowest versions; needs uv"
	@echo "make clean   remove what these commands made"

# torch and torchvision come from the same lock, together: a CPU-only torch beside torchvision does not load.
$(VENV)/installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# What the documentation needs, beside the rest: mkdocs, a kernel for the tutorials, twine.
$(VENV)/docs: $(VENV)/installed requirements-docs.lock
	$(BIN)/python -m pip install --quiet --requirement requirements-docs.lock
	touch $@

# Ray and Milvus: their tests are skipped where they are missing.
extras: $(VENV)/extras
$(VENV)/extras: $(VENV)/installed requirements-extras.lock
	$(BIN)/python -m pip install --quiet --requirement requirements-extras.lock
	touch $@

demo: $(VENV)/installed
	$(BIN)/metric-face demo

# A worker a core, and one thread a worker: OpenMP threads that wait for each other spin.
test: $(VENV)/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks

# Warnings are errors; the tutorials are run, a minute or two. NO_MKDOCS_2_WARNING: an advertisement, no warning of ours.
docs: $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# The wheel is what people get: build it, install it elsewhere, and test that.
wheel-test: $(VENV)/docs
	$(BIN)/python -m pytest -q tests/test_wheel.py

# The start page and the tutorials, with nothing but the wheel.
replay: $(VENV)/docs
	$(BIN)/python -m tests.replay_days

# Fresh environments of several GB each; by hand, before a release.
matrix:
	.ci/matrix

clean:
	rm -rf $(VENV) build dist *.egg-info demo site
