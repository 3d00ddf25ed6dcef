# Everything a person does with a checkout. `make demo` and `make test` set up what they need
# themselves, and again when the lock files change.

PYTHON ?= python3
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate --quiet $(if $(UPGRADE),--upgrade)
# The settings of a real installation, as far as checks need them: nothing is connected to.
PRODUCTION := LINESIDE_URL=https://lineside.example LINESIDE_REDIS_URL=redis://127.0.0.1/0 \
	LINESIDE_DATABASE_URL=postgres://lineside@127.0.0.1/lineside

.PHONY: help demo test check bench simulate mutants fmt lock clean runtime dev python

help:
	@echo "make demo    run the portal with a simulated fleet (Ctrl-C stops it, data/demo keeps its data)"
	@echo "make test    run the tests; ARGS=... is handed to pytest"
	@echo "make simulate run 10 000 worlds with a virtual clock; ARGS=\"--seed 17\" replays one"
	@echo "make mutants break the engine on purpose and name the test that notices; ARGS=NAME"
	@echo "make check   run the linters, the type checker and the contracts"
	@echo "make bench   measure; ARGS=\"demo rollout engine pages watching --sizes 1000,10000\" chooses what"
	@echo "make fmt     put the code and the templates into shape"
	@echo "make lock    write both lock files anew; UPGRADE=1 takes newer versions"
	@echo "make clean   remove what the tools left, the environment too, but no data"

demo: runtime
	@exec $(BIN)/python manage.py demo

test: dev
	@exec $(BIN)/python .ci/suite.py $(ARGS)

check: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy .ci/*.py tests/run_rules.py
	$(BIN)/lint-imports
	$(BIN)/djlint --check --lint --quiet templates
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/pytest -q -p no:cacheprovider tests/house/test_nothing_is_silenced.py

bench: dev
	@LINESIDE_DATA_DIR=$(CURDIR)/build/bench/data $(BIN)/python -m tests.bench $(ARGS)

simulate: dev
	@$(BIN)/python -m tests.simulation $(ARGS)

mutants: dev
	@$(BIN)/python -m tests.mutants $(ARGS)

fmt: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint --reformat --quiet templates

lock: dev
	$(LOCK) --output-file requirements.lock
	$(LOCK) --output-file requirements-dev.lock --group dev --constraint requirements.lock

clean:
	rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	rm -rf .coverage .coverage.* *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime dev: python
	@exec $(PYTHON) .ci/environment.py $@

python:
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "Lineside needs Python 3.11 or newer: install it, or name it with make PYTHON=/path/to/python3." >&2; exit 1; }
