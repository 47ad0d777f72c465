# What can be done with the project. Needs make, git and a Python from 3.11; the rest is installed into .venv.
# A line that begins with a target and `##` is its help.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# One environment and one sandbox: `make -j` must not run two targets over them at a time.
.NOTPARALLEL:
# Without compiled files each run of the CDK app or the emulator takes seconds longer.
unexport PYTHONDONTWRITEBYTECODE

# The first of these that is a Python from 3.11 to 3.14 makes the environment; `make PYTHON=...` chooses another.
SUPPORTED := 3.11 3.12 3.13 3.14
VERSION = $(if $(1),$(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null))
PYTHON ?= $(firstword $(foreach python,python3 python3.13 python3.12 python3.11 python3.14,\
  $(if $(filter $(SUPPORTED),$(call VERSION,$(python))),$(python))))
BIN := .venv/bin

# Of the three lock files, two are installed here: requirements-demo.txt for what runs, requirements-dev.txt for what
# checks and tests. Where the latter was ever installed it serves both, so that the two do not replace each other.
DEV := .venv/ready-dev
DEMO := $(if $(wildcard $(DEV)),$(DEV),.venv/ready-demo)
# The version of the environment's Python, where that is one the project supports and the one that was asked for.
FITS = $(filter $(if $(filter file,$(origin PYTHON)),$(SUPPORTED),$(call VERSION,$(PYTHON))),$(call VERSION,$(BIN)/python))

SOURCES := app.py amz_stream_cli bench checks cli glue_scripts lambdas layers samples sandbox smoke stacks tests

.PHONY: help
help: ## list what can be made
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

.PHONY: demo
demo: $(DEMO) ## deploy to an AWS on this machine, activate 25,000 people, show the receipt (KEEP=1 leaves it up, ALL=1: every connector, and ci360)
	@$(BIN)/activation demo $(if $(KEEP),--keep) $(if $(ALL),--all)

.PHONY: ci360
ci360: $(DEMO) ## the same for a bulk task of a simulated SAS CI360: webhook, drop, audience, receipt (KEEP=1)
	@$(BIN)/activation demo --ci360 $(if $(KEEP),--keep)

.PHONY: audiences
audiences: $(DEMO) ## fill three audiences from 60,000 customers of a PostgreSQL, change five of them, lose a source (KEEP=1)
	@$(BIN)/activation demo --audiences $(if $(KEEP),--keep)

.PHONY: normalize
normalize: $(DEV) ## make an audience and conversions of a retail export by the deployed Glue job, with real Spark (Python 3.11; KEEP=1)
	@$(BIN)/activation demo --normalize $(if $(KEEP),--keep)

# Those that deploy nothing. In this order, a file as a whole for one process, so that the longest do not come last.
FAST := tests/infrastructure tests/platforms tests/unit

.PHONY: test
test: $(DEV) ## run all tests but the long faults, the end-to-end ones against the emulator
	$(BIN)/pytest -m 'not faults' -n 3 --dist loadfile --no-loadscope-reorder $(FAST) $(ARGS)
	$(BIN)/pytest -m 'not faults' tests/end_to_end tests/faults $(ARGS)

.PHONY: faults
faults: $(DEV) ## run the fault suite and the longer tests, sweeps over each effect of a run (TABLE=docs/faults.md writes what came of it)
	EVERY_EFFECT=1 $(if $(TABLE),FAULTS_TABLE=$(TABLE) )$(BIN)/pytest tests/faults tests/end_to_end \
	  $$(grep -rlE --include='test_*.py' 'mark\.faults|import effects' $(FAST)) $(ARGS)

.PHONY: syncfailures
syncfailures: $(DEV) ## run the tests of the sync's failures and print the table of docs/sync.md with their results (ARGS=--quick: no deployment)
	@$(BIN)/python -m tests.sync_failures $(ARGS)

.PHONY: policies
policies: $(DEV) ## simulate what a mirror may remove: who is wrongly missing and who wrongly still in, by rule (a minute)
	@$(BIN)/python -m tests.unit.mirror.policies

.PHONY: chaos
chaos: $(DEV) ## 300,000 rows under random kills, throttles, lost answers and duplicate events
	$(BIN)/pytest -s tests/faults/test_chaos.py $(ARGS)

.PHONY: night
night: $(DEV) ## seven hours of drops with an outage, an expired token, a bad release, a forgotten person and a replay; print what happened
	$(BIN)/pytest -s tests/end_to_end/test_night.py $(ARGS)

.PHONY: mutants
mutants: $(DEV) ## make guarding lines wrong in a copy, one at a time, and see a test fail (5 to 15 minutes; ARGS=lease: those about leases)
	@$(BIN)/python -m tests.mutants $(ARGS)

.PHONY: small
small: $(DEV) ## drop 40 files of 100 rows for one audience in a sandbox and print how long they take (FILES=60, TO=meta,tiktok)
	SMALL_FILES=$(or $(FILES),40) SMALL_FILES_TO=$(or $(TO),meta) $(BIN)/pytest -s tests/end_to_end/test_small_files.py $(ARGS)

# checkov's own pins would hold back those of the project, so it has an environment of its own.
CHECKS := .venv/checks/ready
$(CHECKS): checks/requirements.txt $(DEV)
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv/checks
	@$(BIN)/uv pip sync --quiet --python .venv/checks/bin/python --require-hashes checks/requirements.txt
	@touch $@

EXPORTS := {"exports": [{"name": "vip", "mapping": "tests/infrastructure/data/lines.json", \
  "columns": {"email": "string"}}]}
SOURCES_OF_ALL_KINDS := [{"name": "rooms", "kind": "bucket", "bucket": "example-rooms", "prefix": "vip/", \
  "connector": "meta", "audience": "VIP", "identifiers": "raw"}, {"name": "cdp", "kind": "postgres"}, \
  {"name": "marts", "kind": "athena", "workgroup": "activation", "database": "marts", "buckets": ["example-marts"]}]
QUERIES := [{"name": "vip", "membership": "11111111-2222-4333-8444-555555555555", \
  "collaboration": "99999999-8888-4777-8666-555555555555", "sql": "SELECT email FROM joined", \
  "schedule": "rate(1 day)", "source": "rooms"}]
CHAT := {"slack_workspace": "T012ABCDEF", "slack_channel": "C012ABCDEF"}

.PHONY: check
check: $(DEV) $(CHECKS) ## lint, types, dependency rule, templates with everything that can be switched on
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports --no-logo
	@rm -f .cache/templates/*.template.json
	$(BIN)/python -m sandbox.cdk synth --quiet --output .cache/templates -c ci360=on \
	  -c stream=sp-traffic,campaigns,budget-usage -c stream_realms=NA -c delivery_type=sqs,firehose \
	  -c normalize='$(EXPORTS)' -c sources='$(SOURCES_OF_ALL_KINDS)' -c clean_rooms='$(QUERIES)' -c chat='$(CHAT)'
	$(BIN)/python -m checks .venv/checks/bin/checkov $(BIN)/cfn-lint .cache/templates

.PHONY: sbom
sbom: $(CHECKS) ## write sbom.json, the bill of materials of what deploys and operates (CycloneDX)
	.venv/checks/bin/cyclonedx-py requirements requirements.txt --outfile sbom.json

.PHONY: synth
synth: $(DEMO) ## write the templates to cdk.out; fails on a cdk-nag finding
	@$(BIN)/python -m sandbox.cdk synth --quiet

.PHONY: bench
bench: $(DEV) ## measure speed, memory, start and cost, and write docs/benchmarks.md (ARGS=--quick: a look)
	@$(BIN)/python -m bench --write docs/benchmarks.md $(ARGS)

.PHONY: deploy
deploy: $(DEMO) ## deploy to the AWS account of your environment, after showing what changes (in CI: ARGS='--require-approval never')
	@$(BIN)/python -m sandbox.cdk deploy --all $(ARGS)

.PHONY: smoke
smoke: $(DEMO) ## deploy to an empty AWS on this machine, send ten people, replay, destroy, look what is left (AWS=1: in the account of your environment; ENDPOINT=, SECRET=)
	@$(BIN)/python -m smoke $(if $(AWS),--aws) $(if $(ENDPOINT),--endpoint $(ENDPOINT)) $(if $(SECRET),--secret $(SECRET))

.PHONY: sandbox
sandbox: $(DEMO) ## bring up the AWS and the ad platforms on this machine; `.venv/bin/activation sandbox down` ends them
	@$(BIN)/activation sandbox up

.PHONY: dev
dev: $(DEV) ## install everything that develops into .venv, for an editor

.PHONY: installs
installs: $(DEV) ## prove the installs: each in a fresh environment, and what a user types there (a few minutes; needs the package index)
	$(BIN)/pytest -s tests/installs $(ARGS)

COMPILE = UV_CUSTOM_COMPILE_COMMAND='make locks' $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(ARGS)
LAYER_COMPILE = $(COMPILE) -c requirements.txt --no-annotate --no-header

.PHONY: locks
locks: $(DEV) ## write the lock files anew from pyproject.toml, the layers' and the bench's too (ARGS=--upgrade: newer versions)
	$(COMPILE) pyproject.toml --extra deploy -o requirements.txt
	$(COMPILE) pyproject.toml --extra deploy --extra demo -c requirements.txt -o requirements-demo.txt
	$(COMPILE) pyproject.toml --all-extras -c requirements-demo.txt -o requirements-dev.txt
	$(LAYER_COMPILE) --no-emit-package jmespath layers/arrow/requirements.in -o layers/arrow/requirements.txt
	$(LAYER_COMPILE) --no-emit-package jmespath layers/vendor/requirements.in -o layers/vendor/requirements.txt
	$(LAYER_COMPILE) layers/database/requirements.in -o layers/database/requirements.txt
	$(LAYER_COMPILE) glue_scripts/requirements.in -o glue_scripts/requirements.txt
	$(LAYER_COMPILE) bench/requirements.in -o bench/requirements.txt
	$(COMPILE) --no-annotate --no-header cli/athena/requirements.in -o cli/athena/requirements.txt
	$(COMPILE) --no-annotate --no-header checks/requirements.in -o checks/requirements.txt

.PHONY: codes
codes: $(DEMO) ## write docs/codes.md from the table of codes (layers/activation/python/activation/codes.toml)
	@$(BIN)/activation codes --markdown > docs/codes.md

.PHONY: phones
phones: $(DEMO) ## write the tables of valid phone numbers from libphonenumber's data, after its version in the locks changed
	@PYTHONPATH=layers/activation/python $(BIN)/python -m activation.identifiers.code_tables

.PHONY: gluewheels
gluewheels: $(DEMO) ## build what the Glue job needs into .cache/glue: one archive of wheels, one of our source (GLUE=5.1 or 6.0)
	@$(BIN)/python -m stacks.glue_assets $(if $(GLUE),--glue-version $(GLUE))

.PHONY: clean
clean: ## end the sandbox and remove what is installed, built or cached
	@test ! -x $(BIN)/activation || $(BIN)/activation sandbox down 2>/dev/null || true
	rm -rf .venv .sandbox .cache cdk.out node_modules dist build *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment is as its lock says: uv itself comes by the lock's hashes, then everything else by way of it. One whose
# installation was interrupted, or that has another Python, is made anew.
.venv/ready-%: requirements-%.txt pyproject.toml $(if $(FITS),,anew)
	@test -n "$(filter $(SUPPORTED),$(call VERSION,$(PYTHON)))" \
	  || { echo 'no Python from 3.11 to 3.14 found; try make PYTHON=/path/to/python' >&2; exit 1; }
	@test -n "$(FITS)" -a ! -e .venv/installing && $(BIN)/python -m pip --version >/dev/null 2>&1 \
	  || $(PYTHON) -m venv --clear .venv
	@touch .venv/installing && rm -f .venv/ready*
	@echo 'installing the packages of $< into .venv' >&2
	@awk '/^[^ #]/ { wanted = /^uv==/ } wanted' $< > .venv/uv.txt
	@$(BIN)/uv --version >/dev/null 2>&1 \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes $<
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@rm .venv/installing && touch $@

.PHONY: anew
