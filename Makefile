# Two commands: `make results` and `make test`. Each builds the environment first, once, from the lock files.
# On more or fewer cores: `make results CORES=4`. Other parameters: `make results PARAMS=params/full.yaml`.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

VENV ?= .venv
CORES ?= all
PARAMS ?=
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	if $$name -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$name; break; fi; done)
export PATH := $(abspath $(VENV))/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help results test lint docs format ci-scale clean-venv

help:  ## say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

results: $(VENV)/ready  ## make every result: data, models, tables, figures (params.yaml)
	taskneurons results --cores $(CORES) $(if $(PARAMS),--params $(PARAMS))

test: $(VENV)/ready-dev  ## run the tests
	OMP_NUM_THREADS=1 pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/ready-dev  ## check style, types, floors and generated files
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	lint-imports
	mypy
	taskneurons params docs --check
	taskneurons params schema --check
	taskneurons tables docs --check
	taskneurons claims docs --check
	# The lock file is the environment of every rule, so that one lint is expected, and no other.
	@found=$$({ snakemake --lint 2>&1 || true; } | sed -n 's/^    \* //p' | sort -u); \
		[ "$$found" = "Specify a conda environment or container for each rule.:" ] || { echo "snakemake --lint: $$found" >&2; exit 1; }

# Not quiet: MkDocs does not count the warnings that it does not show, and none would fail the build.
docs: $(VENV)/ready-dev  ## build the pages as a site, in build/site
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict

format: $(VENV)/ready-dev  ## format the code
	ruff check --fix .
	ruff format .
	snakefmt Snakefile rules

# A clone of its own, so that tiny results never replace those of this folder.
ci-scale: $(VENV)/ready-dev  ## run the whole workflow at the smallest scale, in build/ci
	rm -rf build/ci
	git clone --quiet . build/ci
	cd build/ci && export PYTHONPATH=$$PWD/src && \
		taskneurons params show params/ci.yaml --out params.yaml && \
		taskneurons results --cores $(CORES)

clean-venv:  ## remove the environment
	rm -rf $(VENV)

# The stamps are newer than the lock files that they were made from; a changed lock makes the environment anew.
$(VENV)/ready: requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "error: Python 3.11 or newer with venv was not found. Install it, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 2; fi
	@echo "Building the environment in $(VENV) (once, a few minutes)"
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet -r requirements.lock
	$(VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/ready-dev: $(VENV)/ready requirements-dev.lock
	$(VENV)/bin/python -m pip install --quiet -r requirements-dev.lock
	touch $@
