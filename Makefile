# Everything a person needs. `make setup` is run by the others when it is needed.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: help setup demo test lint types bench docs ci pins

help:  ## show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

setup: $(STAMP)  ## make .venv with tinyglot and everything for the demo and the tests

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tinyglot needs Python 3.11 or newer: make setup PYTHON=python3.x")'
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -c constraints.txt torch==2.13.0
	$(BIN)/pip install --quiet -c constraints.txt -e ".[onnx,ray,demo,test]"
	touch $(STAMP)

demo: setup  ## the whole job on the bundled real encoder, offline; writes runs/demo
	$(BIN)/tinyglot demo --out runs/demo

test: lint types  ## every check and every test, one process a core
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile

lint: setup  ## style, docstrings and import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pydoclint --quiet src
	$(BIN)/lint-imports

types: setup  ## mypy, strict
	$(BIN)/mypy

bench: setup  ## every benchmark, one after the other; writes benchmarks/results
	set -e; for script in benchmarks/bench_*.py; do $(BIN)/python -m benchmarks.$$(basename $$script .py); done
	$(BIN)/python -m benchmarks.tables

docs: setup  ## build the documentation site into site/
	$(BIN)/pip install --quiet -c constraints.txt -e ".[docs]"
	$(BIN)/mkdocs build --strict

ci:  ## what the continuous integration runs
	.ci/run

pins: setup  ## write constraints.txt anew from .venv
	{ sed -n '/^#/p' constraints.txt; $(BIN)/pip freeze --exclude-editable | grep -vE '^#| @ ' | sed 's/+cpu//'; } > .venv/constraints.txt
	mv .venv/constraints.txt constraints.txt
