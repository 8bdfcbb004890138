# `make` sets Marrowloop up; `make help` lists what else there is. Needed: Python 3.11 with venv, and make.

PY := .venv/bin/python
.DEFAULT_GOAL := setup
.PHONY: help setup run demo test test-fast check docs schema fix lock clean

help: ## List these targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r name what; do printf 'make %-10s %s\n' "$$name" "$$what"; done

setup: ## Make .venv and install the locked packages (nothing to do when the lock is unchanged)
	@for python in "$$PYTHON" python3.11 python3 python; do \
	  if [ -n "$$python" ] && "$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then \
	    exec "$$python" -I config/setup.py; \
	  fi; \
	done; \
	echo 'Marrowloop needs Python 3.11 and found none. On Debian type: apt install python3.11 python3.11-venv' >&2; \
	echo 'If it is installed somewhere else, name it: make PYTHON=/path/to/python3.11' >&2; \
	exit 1

run: setup ## Start everything: Redis, workers and pages; prints an address and a login (options: make run MARROWLOOP_PORT=8001)
	@exec $(PY) -m config.supervisor

demo: setup ## Play one whole loop on generated fields, without a server (options: make demo ARGS="--rounds 2")
	$(PY) manage.py demo $(ARGS)

test: setup ## Run everything: static checks, all tests on SQLite, those of the database again on PostgreSQL
	$(PY) -m tests.run

test-fast: setup ## Run the quick tests on SQLite: no training, no set-up, no real images
	$(PY) -m tests.run --fast

check: setup ## Run the static checks: format, lint, types, imports, templates, migrations, and the scripts of the pages
	$(PY) -m tests.checks

docs: setup ## Build the documentation as web pages into build/docs
	.venv/bin/sphinx-build -q -W --keep-going docs build/docs

schema: setup ## Write docs/reference/openapi.yml anew from the code
	$(PY) manage.py spectacular --validate --fail-on-warn --file docs/reference/openapi.yml

fix: setup ## Format the code and repair what the linter can repair
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .
	.venv/bin/node static/node_modules/eslint/bin/eslint.js --fix static

lock: setup ## Write requirements.lock anew from pyproject.toml (needs the network)
	.venv/bin/uv pip compile pyproject.toml --group dev -q -o requirements.lock --python-version 3.11 --no-emit-index-url --no-annotate --generate-hashes --custom-compile-command "make lock"

clean: ## Remove .venv, caches and built files; the data in MARROWLOOP_HOME stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis static/dist static/node_modules build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
