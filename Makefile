# Everything a person does here. A fresh machine needs Python 3.11 or newer, make and
# git; the rest goes into .venv by the first target that needs it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PORT ?= 8080
ARGS ?=
PY := .venv/bin/python
UV := .venv/bin/uv

PACKAGES := common auth tickets orders payments expiration client infra/local
PROJECTS := $(PACKAGES:%=%/pyproject.toml)
TYPED := conftest.py $(foreach folder,$(PACKAGES) tests bench,\
	$(if $(shell find $(folder) -name '*.py' -print -quit 2> /dev/null),$(folder)))
EDITABLE := $(PACKAGES:%=-e ./%)
INSTALL := $(UV) pip install --quiet --python $(PY)
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --prerelease if-necessary-or-explicit \
	--no-header --no-annotate $(UPGRADE)

.PHONY: help up demo reconcile status doctor test check fmt lock clean venv

help: ## Say what there is to do
	@echo "make up starts everything at http://localhost:$(PORT)"
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) \
		| awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

up: .venv/.installed-local ## Run the whole system (make up PORT=9000)
	@exec $(PY) -m embedded up --port $(PORT) $(ARGS)

demo: .venv/.installed-local ## Tell one purchase, step by step, on the running system
	@exec $(PY) -m embedded demo $(ARGS)

reconcile: .venv/.installed-local ## Check that tickets, orders, payments and Stripe agree
	@exec $(PY) -m embedded reconcile $(ARGS)

status: .venv/.installed-local ## Say which processes run
	@exec $(PY) -m embedded status

doctor: .venv/.installed-local ## Say whether the system could run on this machine
	@exec $(PY) -m embedded check --port $(PORT)

test: .venv/.installed-dev ## Run every test that this machine can (ARGS="-k order")
	@$(PY) -m embedded.system_packages
	@$(PY) -m pytest $(ARGS)

check: .venv/.installed-dev ## Check form, types and imports
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy $(TYPED)
	@.venv/bin/lint-imports

fmt: .venv/.installed-dev ## Bring the code into its form
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

lock: $(UV) ## Write the locked requirements anew (UPGRADE=--upgrade for newer versions)
	@$(COMPILE) requirements/dev.in -o requirements/dev.txt
	@for set in runtime local; do \
		$(COMPILE) requirements/$$set.in -c requirements/dev.txt \
			-o requirements/$$set.txt; \
	done
	@$(COMPILE) requirements/bootstrap.in -o requirements/bootstrap.txt

clean: .venv/.installed-local ## Forget all data, logs and secrets of the system
	@$(PY) -m embedded clean

venv: .venv/.installed-dev ## Install everything into .venv

# The environment. Nothing relies on PATH holding it.

$(PY):
	@command -v $(PYTHON) > /dev/null || { \
		echo "There is no $(PYTHON). Install Python 3.11 or newer, or name yours:"; \
		echo "  make up PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is too old ($$($(PYTHON) --version 2>&1))."; \
		echo "Install Python 3.11 or newer, or name yours:"; \
		echo "  make up PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
		echo "$(PYTHON) lacks its venv module. On Debian and Ubuntu:"; \
		echo "  apt install python3-venv"; exit 1; }
	@echo "Making .venv"
	@$(PYTHON) -m venv .venv

$(UV): requirements/bootstrap.txt | $(PY)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements/bootstrap.txt
	@touch $@

.venv/.installed-local: requirements/local.txt $(PROJECTS) | $(UV)
	@echo "Installing what the system needs (the first time takes a minute)"
	@$(INSTALL) --require-hashes -r requirements/local.txt
	@$(INSTALL) --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

.venv/.installed-dev: requirements/dev.txt .venv/.installed-local
	@echo "Installing what checks and tests need"
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@
