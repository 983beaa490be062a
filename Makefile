# Needs only make and Python 3.11 or newer; everything else goes into .venv, at the versions of constraints.txt.
#   make demo    tune a small network on real digits, into out/
#   make test    the tests, with every example in the docs
#   make lint    style, types, and which room may import which
#   make docs    the site, into site/
#   make clean   remove all that these made

PYTHON    ?= python3
OUT       ?= out
DEMO_ARGS ?=

.PHONY: help demo test lint docs clean
.DELETE_ON_ERROR:
# Bytecode is compiled on first import, not at installation: half the waiting.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --no-compile -c constraints.txt

help:
	@sed -n 's/^#   //p' Makefile

demo: .venv/.ready-demo
	$(BIN)/stepsize demo -o $(OUT) --force $(DEMO_ARGS)

test: .venv/.ready-test
	$(BIN)/pytest

lint: .venv/.ready-lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

docs: .venv/.ready-docs
	$(BIN)/zensical build --clean --strict

clean:
	rm -rf .venv out site dist .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# A stamp per kind of environment, renewed when the declared or the pinned dependencies change.
.venv/.ready-demo: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo 'stepsize needs Python 3.11 or newer with its venv module; name one by: make PYTHON=python3.12' >&2; exit 1; }
	@echo 'installing stepsize, PyTorch and the demo data into .venv (about 1 minute) ...'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) pip
	@$(PIP) -e '.[demo]'
	@touch $@

.venv/.ready-test: EXTRAS := .[demo,plot,keras,optax,tune,ray,bench] --group frameworks --group writers
.venv/.ready-lint: EXTRAS := .[demo,plot,keras,optax,tune,ray,lightning,transformers]
.venv/.ready-docs: EXTRAS := .
.venv/.ready-test .venv/.ready-lint .venv/.ready-docs: .venv/.ready-%: .venv/.ready-demo
	@echo 'installing the $* tools into .venv (up to 2 minutes) ...'
	@$(PIP) -e $(EXTRAS) --group $*
	@touch $@
