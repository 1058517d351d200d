# Everything here also works by hand: the scripts in .ci say how.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help venv engine demo test check bench stop clean

PYTHON ?= python3
export PYTHON
# For example: make test PYTEST_ARGS='-k verdict -x'
PYTEST_ARGS ?=

VENV := .venv/.installed
# What runs gets the engine, the base image and the registry by environment variables.
WITH_ENGINE := eval "$$(.ci/engine env)" && PATH="$(CURDIR)/.venv/bin:$$PATH" &&

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(VENV) ## install repro and its development tools into .venv

$(VENV): setup.py pyproject.toml
	@.ci/venv
	@touch $@

engine: venv ## start a Docker engine and a registry, where there is none (stays up: make stop)
	@PYTHON=.venv/bin/python .ci/engine up || { status=$$?; [ $$status -eq 3 ] || exit $$status; }

demo: venv engine ## capture a training run, replay it, read the verdict
	@$(WITH_ENGINE) bash examples/demo.sh

# The tests start repro thousands of times. Where Python is told to keep no bytecode
# (PYTHONDONTWRITEBYTECODE, as in many images), each would compile it anew.
test: venv engine ## run all tests
	@.venv/bin/python -m compileall -q repro
	@$(WITH_ENGINE) env -u PYTHONDONTWRITEBYTECODE python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

check: venv ## formatting, lint, types
	@status=0; PATH="$(CURDIR)/.venv/bin:$$PATH"; \
	ruff format --check . || status=1; \
	ruff check . || status=1; \
	mypy repro || status=1; \
	exit $$status

bench: venv engine ## measure what recording and replaying cost
	@$(WITH_ENGINE) python benchmarks/run.py

stop: ## stop the engine and the registry, if make started them
	@.ci/engine down

clean: stop ## remove all that make made here
	rm -rf .venv .build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
