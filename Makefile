# One file for people and for CI. Needs Python 3.11 or newer and make; everything else goes into a .venv that makes itself.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The interpreter to work with: `make test PYTHON=python3.13` keeps a .venv of its own.
PYTHON ?= python3
VENV := .venv$(patsubst %,-%,$(filter-out python3,$(notdir $(PYTHON))))
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Without .pyc files every start of a function takes four to five times as long.
unexport PYTHONDONTWRITEBYTECODE

# Nothing here needs an AWS account, so none shall be in reach. To deploy, call sam yourself; see README.md.
unexport AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN
unexport AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI
export AWS_CONFIG_FILE := /dev/null
export AWS_SHARED_CREDENTIALS_FILE := /dev/null
export AWS_EC2_METADATA_DISABLED := true
export AWS_DEFAULT_REGION := us-east-1
export SAM_CLI_TELEMETRY := 0

# Lambda's Python: compiles the bundle's bytecode, and the tests run on it too where it is installed.
PYTHON313 := $(shell for python in python3.13 "$$(pyenv prefix 3.13 2>/dev/null)/bin/python3.13"; do \
	"$$python" -c 'import sys; print(sys.executable)' 2>/dev/null && break; done)

.PHONY: help run local test test-fast simulate lint format docs types templates build bundle bench test-313 check lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(READY) ## One song through each gateway, on this machine alone; the files come to songs/
	$(BIN)/python -m local run

local: $(READY) ## The whole bundle on this machine, until Ctrl-C
	$(BIN)/python -m local up

# Those that need the whole stack run one after the other: they keep all cores busy by themselves.
FAST := tests/unit tests/properties tests/integration/simulator tests/integration/test_download.py tests/integration/test_store_track.py
STACK := tests/integration/test_bench.py tests/integration/test_local_stack.py tests/integration/test_jobs.py \
	tests/integration/test_races.py tests/integration/test_kinds.py

test: test-fast simulate ## Unit, property and integration tests, the simulation and the crash matrix
	$(BIN)/pytest --numprocesses=auto tests/simulation
	$(BIN)/pytest $(STACK)

test-fast: $(READY) ## Those without the whole stack, with their coverage
	$(BIN)/pytest --numprocesses=auto $(FAST) --cov

SEEDS := 1000
SEED_START := 0

simulate: $(READY) ## Seeded worlds in virtual time; SEEDS=100000 SEED_START=5000 takes others
	$(BIN)/python -m tests.simulation --seeds $(SEEDS) --start $(SEED_START)

lint: $(READY) ## Style of the code
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(READY) ## Put the code into style
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

docs: $(READY) ## Write the tables of docs/gateways.md from the adapters
	$(BIN)/python -m suno_jobs.capabilities docs/gateways.md

types: $(READY) ## Types of the code
	$(BIN)/mypy

templates: $(READY) ## Template and state machine
	$(BIN)/cfn-lint template.yaml
	$(BIN)/sam validate --lint --template template.yaml
	$(BIN)/statelint statemachine/suno_job.asl.json

SAM_BUILD = BUILD_PYTHON="$(abspath $(BIN))/python" PYTHON313="$(PYTHON313)" $(BIN)/sam build --template template.yaml

build: $(READY) ## What is deployed, into .aws-sam/build: arm64, Python 3.13, no Docker
	@[ -n "$(PYTHON313)" ] || echo "No Python 3.13 was found: the bundle is built without bytecode, and cold starts will take four to five times as long."
	BUILD_FOR=lambda $(SAM_BUILD) --build-dir .aws-sam/build

bundle: build ## Import every function from its build with nothing but what is shipped
	BUILD_FOR=host $(SAM_BUILD) --build-dir .aws-sam/host
	$(BIN)/pytest tests/bundle

bench: $(READY) ## Figures beside their floors, into bench/results.json
	$(BIN)/python -m bench

test-313: ## The fast tests on Lambda's Python
ifeq ($(PYTHON313),)
	@echo "No Python 3.13 was found: tested on $(PYTHON) only."
else
	$(MAKE) test-fast PYTHON="$(PYTHON313)"
endif

check: lint types templates test bundle ## All that CI runs

lock: $(READY) ## Pin the requirements anew; UPGRADE=--upgrade takes newer versions
	$(LOCK) --group dev --output-file requirements-dev.txt pyproject.toml
	$(LOCK) --constraint requirements-dev.txt --output-file layers/dependencies/requirements.txt pyproject.toml

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	--custom-compile-command "make lock" $(UPGRADE)

clean: ## Remove everything that was made
	rm -rf .venv .venv-* .aws-sam songs .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache htmlcov
	find . -name __pycache__ -prune -exec rm -r {} +

$(READY): requirements-dev.txt pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.13 ..."; exit 1; }
	@echo "Setting up $(VENV), which takes about a minute ..."
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install -qq --no-deps --only-binary=:all: --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@
