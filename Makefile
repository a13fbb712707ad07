# `make lab` and `make test` are all that a newcomer needs; the others are for a maintainer.

# The Pythons that the lab supports, and those of them that run here (a name on the PATH may be an
# empty shim). `make lab PYTHON=3.12` chooses one; otherwise it is the machine's own python3 or,
# where that is too old, the newest one found.
SUPPORTED := 3.11 3.12 3.13 3.14 3.15
FOUND  := $(strip $(foreach v,$(SUPPORTED),$(if $(shell python$(v) -c 'print(1)' 2>/dev/null),$(v))))
OWN    := $(shell python3 -c 'import sys; v = sys.version_info[:2]; print("%d.%d" % v if v >= (3, 11) else "")' 2>/dev/null)
PYTHON ?= $(or $(OWN),$(lastword $(FOUND)))
program = $(if $(filter $(OWN),$(1)),python3,python$(1))

# Two files in .venv say what is complete there: what a learner needs, or what the tests need too.
# A new lock makes them out of date. Another Python has a venv .venv-<version>, for the tests.
LEARNER := .venv/learner-$(PYTHON)
READY   := .venv/ready-$(PYTHON)

# uv installs the lock in seconds. Where the machine has none, it gets a small venv of its own.
UV     := $(if $(shell uv --version 2>/dev/null),uv,.venv-uv/bin/uv)
OWN_UV := $(filter .venv-uv/%,$(UV))

# uv trusts the CAs of this machine, as pip does: a company's own is among them, where the company
# looks into TLS. (The second name is for older versions of uv.)
export UV_SYSTEM_CERTS := true
export UV_NATIVE_TLS := true

# pytest keeps what it compiles: without that, each of its starts costs a second more. And what
# the shell adds to Python's path may hide a package that we install.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME

.PHONY: help lab doctor test matrix notebooks verdicts pictures slides bench mutants fuzz lint lock clean supported-python
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

# More processes than there are cores, for a test often waits for a peer, a page or a time-out. Four
# at most: each may have a browser, and with it takes more than a gigabyte (tests/sharing.py).
CORES := $(or $(shell getconf _NPROCESSORS_ONLN 2>/dev/null),1)
PROCESSES := --numprocesses $(or $(word $(CORES),2),4)

lab: $(or $(wildcard $(READY)),$(LEARNER)) ## Open the tutorial in JupyterLab, in a folder of your own
	.venv/bin/mtls-lab start

doctor: $(or $(wildcard $(READY)),$(LEARNER)) ## Check whether this machine is ready for the lab
	@.venv/bin/mtls-lab doctor

test: $(READY) ## Run the tests, on one Python
	@.venv/bin/python -m pytest $(PROCESSES)

matrix: $(READY) ## Run the core of the tests on other Debians, Pythons and packages; try every way to install
	@.venv/bin/python -m tests.matrix $(filter-out $(PYTHON),$(FOUND))

notebooks: $(READY) ## Run the notebooks and write their outputs into notebooks/
	.venv/bin/python -m tests.authoring.canonical
	.venv/bin/python -m tests.authoring.picture

verdicts: $(READY) ## Write down what the checks of the exercises say to each attempt of the tests
	@.venv/bin/python -m tests.authoring.verdicts

pictures: $(READY) ## Take pictures of every notebook, panel and slide, into .artifacts/screenshots
	@PICTURES=yes .venv/bin/python -m pytest $(PROCESSES) tests/browser

slides: $(READY) ## Make slides for a teacher, one file for each part, and a sheet to hand out
	.venv/bin/python -m tests.authoring.slides
	.venv/bin/python -m tests.authoring.handout

bench: $(READY) ## Measure, each figure against a bare floor
	.venv/bin/python -m tests.benchmarks

mutants: $(READY) ## Change every solution of the exercises in every place, and ask its check
	.venv/bin/python -m tests.mutants

fuzz: $(READY) ## Hunt for half an hour for bytes that a reader cannot bear (Linux on x86-64)
	@.venv/bin/python -m tests.fuzz

lint: $(READY) ## Check style and types
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/bandit --quiet --recursive --severity-level medium mtls_lab

lock: pyproject.toml | $(OWN_UV) ## Write both locks again, with the newest versions
	$(COMPILE) --upgrade --group test --output-file requirements-test.lock
	$(COMPILE) --group build --constraint requirements-test.lock --output-file requirements.lock

COMPILE = $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-header

clean: ## Remove the venvs, caches, slides and screenshots; your lab folder stays
	rm -rf .venv .venv-* .artifacts slides .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# Compiled at once, JupyterLab starts in seconds the first time too.
COMPILED ?= --compile-bytecode

# A venv holds what its lock names, nothing else, and then the package itself, editable. One that
# was complete before is brought up to date in place; any other starts empty.
define install
@echo "$(@D): installing for Python $(1)"
@test -e $@ || test -e $(@D)/learner-$(1) || \
    $(UV) venv --quiet --clear --no-python-downloads --python $(call program,$(1)) $(@D)
@$(UV) pip sync --quiet $(COMPILED) --require-hashes --python $(@D) $(2)
@$(UV) pip install --quiet --no-deps --no-build-isolation --python $(@D) --editable .
@touch $@
endef

$(LEARNER): requirements.lock pyproject.toml | supported-python $(OWN_UV)
	$(call install,$(PYTHON),requirements.lock)

$(READY): requirements-test.lock pyproject.toml | supported-python $(OWN_UV)
	$(call install,$(PYTHON),requirements-test.lock)

# What pyproject.toml names, as old as it allows; all else as the lock has it.
.venv-oldest-%/ready: requirements-test.lock pyproject.toml | supported-python $(OWN_UV)
	$(call install,$*,requirements-test.lock)
	@$(UV) pip install --quiet --python $(@D) --requirements pyproject.toml --resolution lowest-direct \
	    -P anywidget -P cryptography -P ipywidgets -P jsonschema -P jupyterlab

.venv-%/ready: requirements-test.lock pyproject.toml | supported-python $(OWN_UV)
	$(call install,$*,requirements-test.lock)

.venv-uv/bin/uv: | supported-python
	@$(call program,$(PYTHON)) -c 'import ensurepip' 2>/dev/null || { \
	    echo "Python $(PYTHON) cannot make a venv here. On Debian and Ubuntu: sudo apt install python$(PYTHON)-venv" >&2; exit 1; }
	$(call program,$(PYTHON)) -m venv .venv-uv
	.venv-uv/bin/pip install --quiet --disable-pip-version-check uv

supported-python:
	$(if $(PYTHON),,$(error The lab needs Python 3.11 or newer; found: $(or $(shell python3 --version 2>&1),no python3). \
	    Install a newer one with your system's packages or from python.org, then try again))
