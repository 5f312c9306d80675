# Everything a person or a machine runs. `make help` lists it.
PYTHON ?= python3
BIN := .venv/bin
SETUP := $(PYTHON) tools/setup.py --dev
PYTEST := $(BIN)/python -m pytest
BASE ?= origin/main

.PHONY: help run setup test test-faults test-browser test-peers lint check fix assets screenshots requirements clean

help:  ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1 — \2/'

run:  ## set up and serve on http://127.0.0.1:9090 until Ctrl-C (PORT= and PORTAL_HOME= are honoured)
	@$(PYTHON) tools/serve.py

setup:  ## set up this checkout, test and lint tools included
	@$(SETUP)

test: setup  ## the tests on the embedded default, or on DATABASE_URL= and REDIS_URL=
	$(PYTEST) -n 2 $(ARGS)

# A file is one worker's, so its portal is started once; most of these tests wait for it.
test-faults: setup  ## kills, outages, real starts and stops (minutes)
	$(PYTEST) -m "faults or startup" -n 2 --dist loadfile $(ARGS)

test-browser: setup  ## the journeys in Chromium (needs /usr/bin/chromium)
	$(PYTEST) -m browser -n 2 --dist loadfile $(ARGS)

test-peers: setup build/jasmin/.installed  ## journeys and faults with real third-party programs: Kannel, Jasmin, Postfix, PgBouncer … (PEERS=all: none may be missing)
	$(PYTEST) -m peers $(ARGS)

build/jasmin/.installed: tools/requirements/jasmin.txt
	$(PYTHON) -m venv --clear build/jasmin
	$(BIN)/uv pip install -q --python build/jasmin/bin/python --require-hashes --no-deps -r $<
	touch $@

build/providers/.installed: tools/requirements/providers.txt
	$(PYTHON) -m venv --clear build/providers
	$(BIN)/uv pip install -q --python build/providers/bin/python --require-hashes --no-deps -r $<
	touch $@

lint: setup  ## style, types, import rules and their tests, dependencies, templates, the script's floor of browsers, migrations, catalogue, limits in sentences
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/djlint --lint --quiet templates
	node_modules/.bin/eslint static/src
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --dry-run
	$(PYTEST) -q -m project

check: lint  ## before a commit: lint, and the tests of what differs from origin/main (or BASE=)
	@files=$$($(BIN)/python tools/changed.py --base $(BASE)) || exit 1; echo "$$files"; \
		test -z "$$files" || $(PYTEST) -q -n 2 $$files $(ARGS) || test $$? -eq 5  # 5: only tests of other targets

fix: setup  ## what tools can mend: style, imports, layout, the compiled catalogue
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python tools/messages.py compile

assets: setup  ## the style sheet, the font and the script into build/assets

screenshots: setup  ## the pictures of the guide, from the running pages (needs /usr/bin/chromium)
	$(BIN)/python tools/screenshots.py

requirements:  ## lock the newest versions that requirements*.in allow
	@$(SETUP)
	for name in requirements requirements-dev tools/requirements/npm tools/requirements/jasmin \
		tools/requirements/providers; do \
		UV_CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/uv pip compile -q --upgrade --generate-hashes \
			--no-emit-index-url --no-emit-find-links --universal --python-version 3.11 $$name.in -o $$name.txt || exit 1; \
	done
	UV_CUSTOM_COMPILE_COMMAND="make requirements" $(BIN)/uv pip compile -q --upgrade --generate-hashes --no-deps \
		--no-emit-index-url --no-emit-find-links --universal --python-version 3.11 \
		tools/requirements/redis.in -o tools/requirements/redis.txt

clean:  ## remove what was built (not var/, which holds the demo's data)
	rm -rf build node_modules .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
