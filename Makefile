# make run    install what serving needs, then serve on http://127.0.0.1:5000
# make test   install everything, then run all tests
# make test-cluster  run the tests of what is kept on PostgreSQL and OpenStack Swift, which must be installed
# make coverage  the same, and which lines and branches no test runs (a third slower); fails below 98%
# make lint   check style, types, layers and scripts
# make hooks  check what is committed, at every commit from now on
# make fuzz   send 10,000 damaged files to the application
# make metrics  print the numbers of the code that docs/architecture.md has
# make lock   after a change of pins: write the lock files
# make texts  after a change of texts: list what is to be translated, and compile the translations
# make sbom   write sbom.json, the bill of materials of what is served
PYTHON ?= python3.11
SERVE := .venv/bin/python
DEV := .venv-dev/bin/python
# with node and npm of .venv-dev
NPM := PATH="$(CURDIR)/.venv-dev/bin:$$PATH" npm
# a worker for each core: with threads of their own they would only wait for each other
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(DEV) -m pytest -n auto --dist loadfile

.PHONY: run test test-cluster coverage lint metrics format hooks train bench fuzz lock texts sbom clean

run: .venv/installed
	$(SERVE) app.py

test: .venv-dev/installed node_modules/installed
	$(NPM) test --silent
	$(PYTEST)

test-cluster: .venv-dev/installed
	$(PYTEST) --database postgres tests/records tests/services tests/jobs tests/cli tests/benchmarks tests/pages/common/test_shared_counts.py tests/pages/test_images_in_bucket.py tests/pages/test_encrypted_images.py

coverage: .venv-dev/installed
	$(PYTEST) --cov

lint: .venv-dev/installed node_modules/installed
	$(DEV) -m ruff check .
	$(DEV) -m ruff format --check .
	.venv-dev/bin/lint-imports --no-logo
	$(DEV) -m pyright --pythonpath $(DEV)
	$(NPM) run lint --silent

metrics: .venv-dev/installed
	$(DEV) -m tools.code_metrics

format: .venv-dev/installed
	$(DEV) -m ruff check --fix .
	$(DEV) -m ruff format .

hooks: .venv-dev/installed node_modules/installed
	.venv-dev/bin/pre-commit install

train: .venv-dev/installed
	$(DEV) -m training composites
	$(DEV) -m training detector
	$(DEV) -m training quantize detector
	$(DEV) -m training calibrate detector
	$(DEV) -m training evaluate detector --record
	$(DEV) -m training publish detector
	$(DEV) -m training.cells pack
	$(DEV) -m training.cells teach
	$(DEV) -m training.cells train
	$(DEV) -m training.cells train --final
	$(DEV) -m training.cells predict
	$(DEV) -m training.cells export

bench: .venv-dev/installed
	$(DEV) -m benchmarks

fuzz: .venv-dev/installed
	$(DEV) -m benchmarks.fuzz

lock: .venv-dev/installed
	$(DEV) -m tools.lock

texts: .venv-dev/installed
	$(DEV) -m tools.texts

sbom: .venv/installed .venv-dev/installed
	$(DEV) -m tools.sbom $(SERVE)

clean:
	rm -rf .venv .venv-dev node_modules

.venv/installed: requirements-serve.lock
	$(PYTHON) -m venv .venv
	$(SERVE) -m pip install --disable-pip-version-check --quiet --require-hashes -r $<
	touch $@

.venv-dev/installed: requirements.lock
	$(PYTHON) -m venv .venv-dev
	$(DEV) -m pip install --disable-pip-version-check --quiet --require-hashes -r $<
	touch $@

node_modules/installed: package-lock.json .venv-dev/installed
	$(NPM) ci --silent
	touch $@
