# Everything a newcomer needs: `make demo` to see it, `make test` to trust it.
# Each target makes .venv itself; Python 3.11 or newer and git are all that has to be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXCHANGES := build/exchanges.jsonl
# each has a machine of its own, where there is an engine; more than two would wait for each other
PROCESSES ?= $(shell [ "$$(nproc 2>/dev/null || echo 1)" -ge 2 ] && echo 2 || echo 1)

.DEFAULT_GOAL := help
.PHONY: help demo test hosts check contract bench reliability generate screenshots lock audit release-dry-run clean distclean

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(VENV)/.ready: pyproject.toml requirements-tools.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing what the project needs into $(VENV) (once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-tools.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/.ready ## The real entry point at work: a pull request, and a machine upgraded where an engine can run
	@$(BIN)/python -m tests.demo

PYTEST = $(BIN)/python -m pytest -q $(if $(filter-out 1,$(PROCESSES)),--numprocesses $(PROCESSES))

test: $(VENV)/.ready ## Every test that needs no account and no Node.js, but for those of `make hosts`
	$(PYTEST) -m "not hosts" $(PYTEST_ARGS)

hosts: $(VENV)/.ready ## Upgrades of hosts that are not the plain one: rootless, behind a jump host, MySQL, mirrors. Five minutes
	$(PYTEST) -m hosts $(PYTEST_ARGS)

check: $(VENV)/.ready ## Style, types, the house rules, workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --explicit-package-bases scripts/release
	$(BIN)/mypy --explicit-package-bases --follow-imports=silent scripts/screenshots
	$(BIN)/lint-imports
	$(BIN)/shellcheck .ci/run tests/rig/*.sh tests/image/*.sh
	$(BIN)/hadolint Dockerfile
	$(BIN)/zizmor --offline --quiet --pedantic .github
	$(BIN)/zizmor --offline --quiet action.yml $$(find examples -name '*.yml' | sort)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.renovate renovate.json examples/renovate/dify.json
	$(BIN)/check-jsonschema --check-metaschema docs/schema/*.json
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $$(find examples -name '*.yml' | sort)
	$(BIN)/python scripts/action_yml.py --check
	$(BIN)/python scripts/translations.py --check
	$(BIN)/python scripts/docs.py --check

contract: $(VENV)/.ready contract/node_modules/.ready ## Hold our requests and examples against GitHub's own descriptions (Node.js)
	@mkdir -p build && rm -f $(EXCHANGES)
	GITHUB_EMULATOR_JOURNAL=$(CURDIR)/$(EXCHANGES) $(BIN)/python -m pytest -q tests/contract tests/e2e/test_gitops.py
	$(BIN)/python contract/exchanges.py $(EXCHANGES) contract/node_modules
	cd contract && npx --no-install esbuild workflows.mjs --bundle --platform=node --format=esm --outfile=build/workflows.mjs --log-level=warning --banner:js="import {createRequire} from 'node:module';const require=createRequire(import.meta.url);"
	node contract/build/workflows.mjs action.yml $$(find examples .github/workflows -name '*.yml' | sort)

contract/node_modules/.ready: contract/package.json contract/package-lock.json
	cd contract && npm ci --silent
	@touch $@

bench: $(VENV)/.ready ## Ratios measured in this run: calls, seconds, memory, byte-exactness
	@$(BIN)/python -m benchmarks

reliability: $(VENV)/.ready ## Every fault at every step, on the rig; writes docs/reliability.md. An hour or more; ARGS="--rigs 3 --resume"
	@$(BIN)/python -m tests.reliability $(ARGS)

generate: $(VENV)/.ready ## action.yml, the tables of the documentation, the translations
	$(BIN)/python scripts/action_yml.py
	$(BIN)/python scripts/translations.py
	$(BIN)/python scripts/docs.py

screenshots: $(VENV)/.ready scripts/screenshots/node_modules/.ready ## Draw docs/images again, from real runs (Chromium, Node.js); ARGS=machines upgrades the two machines again first
	$(BIN)/python -m scripts.screenshots $(ARGS)

scripts/screenshots/node_modules/.ready: scripts/screenshots/package.json scripts/screenshots/package-lock.json
	cd scripts/screenshots && npm ci --silent
	@touch $@

# The header is kept: Renovate reads in it how to make the file again, and wants `=` between an option and its value.
COMPILE := $(CURDIR)/build/audit/bin/uv pip compile --quiet --generate-hashes
# The image's Python decides what the image installs; the tools run wherever the project is worked on.
IMAGES_PYTHON = $(shell sed -n 's/^ARG BASE=python:\([0-9]*\.[0-9]*\).*/\1/p' Dockerfile)

lock: build/audit/.ready ## Pin with hashes what the image installs, what tests and checks it, and what audits it; ARGS=--upgrade takes what is new
	$(COMPILE) $(ARGS) --python-version=$(IMAGES_PYTHON) --output-file=requirements.txt pyproject.toml
	$(COMPILE) $(ARGS) --all-extras --universal --python-version=3.11 --constraints=requirements.txt --output-file=requirements-tools.txt pyproject.toml
	cd .github/audit && $(COMPILE) $(ARGS) --universal --python-version=3.11 --output-file=requirements.txt requirements.in

audit: build/audit/.ready ## Ask whether what the image installs has known vulnerabilities (network)
	build/audit/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off --requirement requirements.txt

build/audit/.ready: .github/audit/requirements.txt
	@test -x build/audit/bin/pip || $(PYTHON) -m venv build/audit
	@build/audit/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement .github/audit/requirements.txt
	@touch $@

release-dry-run: ## Rehearse a release, without an account; RELEASE_IMAGE names an image to take instead of building it
	@RELEASE_IMAGE="$(RELEASE_IMAGE)" $(PYTHON) -m scripts.release.dry_run

clean: ## Remove what the other targets made in this folder
	rm -rf $(VENV) build *.egg-info contract/node_modules contract/build scripts/screenshots/node_modules

distclean: clean ## Remove also the machines of demo and test, which lie below /var/tmp (or where DIFY_ACTION_RIG says)
	@$(PYTHON) -m tests.rig.place
