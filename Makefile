# The commands of a maintainer. `make lab` and `make test` are all that a newcomer needs.

# The Pythons that `make test` tests; one of them: make test PYTHONS=3.12
PYTHONS ?= 3.11 3.12 3.13

# Those that really run here (a name on the PATH may be an empty shim), and those that do not.
FOUND   := $(foreach v,$(PYTHONS),$(if $(shell python$(v) -c 'print(1)' 2>/dev/null),$(v)))
MISSING := $(filter-out $(FOUND),$(PYTHONS))

# The default Python lives in .venv, any other one in .venv-<version>.
# The default is the machine's python3 or, where that is too old, the newest one found.
DEFAULT := $(or $(shell python3 -c 'import sys; v = sys.version_info[:2]; print("%d.%d" % v if v >= (3, 11) else "")' 2>/dev/null),$(lastword $(FOUND)))

# A file in each venv that says: complete, for this Python. A new lock makes it out of date.
READY   := .venv/ready-$(DEFAULT)
ready    = $(if $(filter $(DEFAULT),$(1)),$(READY),.venv-$(1)/ready)

# uv installs the lock in seconds. Where the machine has none, it gets a small venv of its own.
UV     := $(if $(shell uv --version 2>/dev/null),uv,.venv-uv/bin/uv)
OWN_UV := $(filter .venv-uv/%,$(UV))

# pytest keeps what it compiles: without that, each of its starts costs a second more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help lab test notebooks slides bench lint lock clean
.DEFAULT_GOAL := help

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

lab: $(READY) ## Open the tutorial in JupyterLab, in a folder of your own
	.venv/bin/mtls-lab start

test: ## Run every test on every supported Python of this machine
	$(if $(MISSING),@echo "NOT TESTED: no Python $(MISSING) on this machine"$(if $(filter true,$(CI)), && false))
	$(if $(FOUND),,@echo "Nothing to test with: install one of Python $(PYTHONS)" && false)
	@$(MAKE) --no-print-directory -j $(foreach v,$(FOUND),$(call ready,$(v)))
	@for venv in $(dir $(foreach v,$(FOUND),$(call ready,$(v)))); do \
	    echo "== $$venv: $$($${venv}bin/python --version)"; \
	    NOT_TESTED="$(MISSING)" $${venv}bin/python -m pytest || exit 1; \
	done

notebooks: $(READY) ## Run the notebooks and write their outputs into notebooks/
	.venv/bin/python -m tests.authoring.canonical
	.venv/bin/python -m tests.authoring.picture

slides: $(READY) ## Make slides for a teacher, one file for each part, which need no network
	.venv/bin/python -m tests.authoring.slides

bench: $(READY) ## Measure, each figure against a bare floor
	.venv/bin/python -m tests.benchmarks

lint: $(READY) ## Check style and types
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

lock: pyproject.toml ## Write requirements.lock anew, with the newest versions
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --upgrade --group test pyproject.toml --output-file requirements.lock

clean: ## Remove the venvs, caches, slides and screenshots; your lab folder stays
	rm -rf .venv .venv-* .artifacts slides .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# A venv holds what the lock names, nothing else, and then the package itself, editable. One that
# was complete before is brought up to date in place; any other starts empty.
define install
@echo "$(@D): installing for Python $(1)"
@test -e $@ || $(UV) venv --quiet --clear --no-python-downloads --python $(1) $(@D)
@$(UV) pip sync --quiet --compile-bytecode --require-hashes --python $(@D) requirements.lock
@$(UV) pip install --quiet --no-deps --no-build-isolation --python $(@D) --editable .
@touch $@
endef

$(READY): requirements.lock pyproject.toml | $(OWN_UV)
	$(call install,$(DEFAULT))

.venv-%/ready: requirements.lock pyproject.toml | $(OWN_UV)
	$(call install,$*)

.venv-uv/bin/uv:
	python3 -m venv .venv-uv
	.venv-uv/bin/pip install --quiet uv
