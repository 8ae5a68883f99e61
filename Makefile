# What people type here. `make` alone shows the list. Paths stay relative, so that the checkout may
# lie in a folder with spaces; tools run as `python -m`, because scripts' first lines can't hold them.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
PY := .venv/bin/python
PIP_INSTALL := $(PY) -m pip install --disable-pip-version-check --quiet --require-hashes
UV_COMPILE := $(PY) -m uv pip compile --quiet --generate-hashes --no-header --universal --python-version 3.11
# Judges the tree, not whatever installation lies in var/.
BLANK := --settings tests.settings
CHECKED := accounts files previews rapidserve tests manage.py

.DEFAULT_GOAL := help
.PHONY: help run test check fmt lock

help: ## show this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

run: .venv/installed ## start RapidServe (RAPIDSERVE_PORT, RAPIDSERVE_HOME, … are honoured)
	@exec $(PY) manage.py serve

test: .venv/installed-dev ## run every test
	@command -v chromium > /dev/null || command -v google-chrome > /dev/null \
		|| echo "No Chromium here (Debian: apt install chromium): tests in a browser can't run."
	$(PY) -m pytest

check: .venv/installed-dev ## lint, types, import rules, templates, migrations, API schema
	$(PY) -m ruff check $(CHECKED)
	$(PY) -m ruff format --check $(CHECKED)
	$(PY) -m mypy accounts files previews rapidserve manage.py
	$(PY) -c 'from importlinter.cli import lint_imports_command as run; run()'
	$(PY) -m djlint --lint --quiet templates
	find templates -name '*.html' -print0 \
		| xargs -0 -r .venv/bin/djade --target-version 5.2 --check
	$(PY) -m codespell_lib
	$(PY) manage.py makemigrations --check --dry-run $(BLANK)
	$(PY) manage.py check $(BLANK)
	$(PY) manage.py spectacular --validate --fail-on-warn --file /dev/null $(BLANK)

fmt: .venv/installed-dev ## format code and templates
	$(PY) -m ruff check --fix-only --quiet $(CHECKED)
	$(PY) -m ruff format $(CHECKED)
	-find templates -name '*.html' -print0 | xargs -0 -r .venv/bin/djade --target-version 5.2

lock: .venv/installed-dev ## pin what requirements*.in ask for, with hashes
	$(UV_COMPILE) requirements.in --output-file requirements.txt
	$(UV_COMPILE) requirements-dev.in --output-file requirements-dev.txt

.venv/made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; $(PYTHON) is" "$$($(PYTHON) -V)."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null \
		|| { echo "Python's venv module is missing (Debian: apt install python3-venv)."; exit 1; }
	@echo "Making .venv …"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/installed: requirements.txt | .venv/made
	@echo "Installing what requirements.txt pins …"
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@echo "Installing what requirements-dev.txt pins …"
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@
