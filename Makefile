# Everything a person or a CI machine runs. Needs make, a POSIX shell and Python 3.11 or newer with pip; nothing else.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV   ?= .venv
BIN    := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input
LOCK   := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--default-index https://pypi.org/simple --no-emit-index-url
# Two minutes of people at work; the rest and the walk over every page come with test-browser.
SHORT_JOURNEYS := tests/browser/test_journeys.py
# Waits for monitors and for the demo world, which has troubles of its own at its own times.
STORY := tests/browser/test_incident_journey.py
# For the folders that the plain test run leaves out: they talk to servers and browsers.
PYTEST_ALONE := $(BIN)/pytest --override-ini addopts="-q --strict-markers --strict-config"
# What `check --deploy` judges: the portal as it runs behind HTTPS.
AS_DEPLOYED := OPSPORTAL_HTTPS=1 OPSPORTAL_HOME=.opsportal/check SECRET_KEY=judged-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGH

.DEFAULT_GOAL := help
.PHONY: help run test test-live test-browser test-story lint format bench screenshots lock venv base dev chromium

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile

run: base ## Start the whole portal; the last line says where it is and how to sign in.
	@exec $(MANAGE) run

test: dev lint ## Check style, types, imports, settings and migrations, then run every test that needs no other system, and the short journeys.
	$(AS_DEPLOYED) $(MANAGE) check --deploy --fail-level WARNING
	$(BIN)/python -m apps.core.embedded $(MANAGE) makemigrations --check --dry-run
	$(BIN)/pytest -n logical --maxprocesses 4
	@if [ "$(JOURNEYS)" = no ]; then :; \
	elif $(BIN)/python .ci/find_chromium.py; then $(PYTEST_ALONE) $(SHORT_JOURNEYS); \
	else echo "No Chromium here, so the browser journeys were not run: make test-browser installs one."; fi

lint: dev ## Check style, types and imports only.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy

format: dev ## Put the code into the project's style.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: journeys
journeys: dev
	$(PYTEST_ALONE) tests/browser --ignore $(STORY)

test-browser: dev chromium journeys ## Install Chromium if there is none; run the journeys and a walk over every page in it.

test-story: dev chromium ## From a bad prompt to the gate that refuses it, in the demo world and a real browser (about ten minutes).
	$(PYTEST_ALONE) $(STORY)

chromium: dev
	@$(BIN)/python .ci/find_chromium.py || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; \
	else $(BIN)/playwright install chromium; fi

test-live: dev ## Run the connectors against real servers, which are fetched into .live/ first.
	$(BIN)/python -m tests.live.install
	$(PYTEST_ALONE) tests/live

bench: dev ## Measure the speed goals on this machine.
	$(BIN)/python -m bench

screenshots: dev chromium ## Take the pictures of the documentation.
	$(BIN)/python -m docs.screenshots

lock: dev ## Write both lock files anew from requirements/*.in.
	$(LOCK) requirements/base.in -o requirements/base.txt
	$(LOCK) requirements/dev.in -o requirements/dev.txt
	@! grep -nE 'https?://|--(extra-)?index-url' requirements/base.txt requirements/dev.txt

venv:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found: install it, or say make PYTHON=/path/to/python3."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) 2>/dev/null || { \
		rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }

# The copy of the lock in the virtual environment says what is installed there; another lock installs anew.
base: venv
	@cmp -s requirements/base.txt $(VENV)/base.txt || { \
		echo "Installing what the portal needs into $(VENV) (once) ..."; \
		$(PIP) install --quiet --require-hashes --only-binary :all: -r requirements/base.txt && \
		cp requirements/base.txt $(VENV)/base.txt; }

dev: base
	@cmp -s requirements/dev.txt $(VENV)/dev.txt || { \
		echo "Installing what the tests need into $(VENV) (once) ..."; \
		$(PIP) install --quiet --require-hashes --only-binary :all: -r requirements/dev.txt && \
		cp requirements/dev.txt $(VENV)/dev.txt; }
