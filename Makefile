# What can be done with the project. Needs make, git and a Python from 3.11; the rest is installed into .venv.
# A line that begins with a target and `##` is its help.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Without compiled files each run of the CDK app or the emulator takes seconds longer.
unexport PYTHONDONTWRITEBYTECODE

# The first of these that is a Python from 3.11 to 3.14 makes the environment; `make PYTHON=...` chooses another.
PYTHON ?= $(firstword $(foreach python,python3 python3.13 python3.12 python3.11 python3.14,$(shell \
  $(python) -c 'import sys; (3, 11) <= sys.version_info < (3, 15) and print("$(python)")' 2>/dev/null)))
BIN := .venv/bin
READY := .venv/ready
SOURCES := app.py amz_stream_cli bench cli lambdas layers sandbox stacks tests

.PHONY: help
help: ## list what can be made
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

.PHONY: demo
demo: $(READY) ## deploy to an AWS on this machine, activate 25,000 people, show the receipt (KEEP=1 leaves it up, ALL=1: every connector, and ci360)
	@$(BIN)/activation demo $(if $(KEEP),--keep) $(if $(ALL),--all)

.PHONY: ci360
ci360: $(READY) ## the same for a bulk task of a simulated SAS CI360: webhook, drop, audience, receipt (KEEP=1)
	@$(BIN)/activation demo --ci360 $(if $(KEEP),--keep)

.PHONY: test
test: $(READY) ## run all tests but the long faults, the end-to-end ones against the emulator
	$(BIN)/pytest -m 'not faults' -n 3 --dist loadfile tests/unit tests/platforms tests/infrastructure $(ARGS)
	$(BIN)/pytest -m 'not faults' tests/end_to_end tests/faults $(ARGS)

.PHONY: faults
faults: $(READY) ## run the fault suite and the longer end-to-end tests (TABLE=docs/faults.md writes what came of it)
	$(if $(TABLE),FAULTS_TABLE=$(TABLE) )$(BIN)/pytest tests/faults tests/end_to_end $(ARGS)

.PHONY: chaos
chaos: $(READY) ## 300,000 rows under random kills, throttles, lost answers and duplicate events
	$(BIN)/pytest -s tests/faults/test_chaos.py $(ARGS)

.PHONY: check
check: $(READY) ## lint, types, dependency rule, templates with everything that can be switched on
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports --no-logo
	@rm -f .cache/templates/*.template.json
	$(BIN)/python -m sandbox.cdk synth --quiet --output .cache/templates -c ci360=on \
	  -c stream=sp-traffic,campaigns,budget-usage -c stream_realms=NA -c delivery_type=sqs,firehose
	$(BIN)/cfn-lint '.cache/templates/*.template.json'

.PHONY: synth
synth: $(READY) ## write the templates to cdk.out; fails on a cdk-nag finding
	@$(BIN)/python -m sandbox.cdk synth --quiet

.PHONY: bench
bench: $(READY) ## measure speed, memory, start and cost, and write docs/benchmarks.md (ARGS=--quick: a look)
	@$(BIN)/activation bench --write docs/benchmarks.md $(ARGS)

.PHONY: deploy
deploy: $(READY) ## deploy to the AWS account of your environment, after showing what changes
	@$(BIN)/python -m sandbox.cdk deploy --all

.PHONY: sandbox
sandbox: $(READY) ## bring up the AWS and the ad platforms on this machine; `.venv/bin/activation sandbox down` ends them
	@$(BIN)/activation sandbox up

.PHONY: clean
clean: ## end the sandbox and remove what is installed, built or cached
	@test ! -x $(BIN)/activation || $(BIN)/activation sandbox down 2>/dev/null || true
	rm -rf .venv .sandbox .cache cdk.out node_modules dist build *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that was interrupted in the making, or is of another Python, is made anew. It is as the lock says: uv itself comes by the lock's hashes, then everything else by way of it.
$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo 'no Python from 3.11 to 3.14 found; try make PYTHON=/path/to/python' >&2; exit 1; }
	@$(BIN)/python -c 'import pip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@awk '/^[^ #]/ { wanted = /^uv==/ } wanted' requirements.txt > .venv/uv.txt
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
