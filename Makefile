# The memory of commands. `make demo` and `make test` need only git, Python >= 3.11 and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
CODE   := bot docs monitors routing tests

# Where the environment forbids bytecode, each process of the tests would compile all that it imports anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: pictures help setup dev demo test nightly check format docs bench lock clean
help:            ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

# A stamp a lock file: the environment is made again only when what it is made from changed.
$(VENV)/.run: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python >= 3.11 is needed; set PYTHON=python3.11 or newer"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

setup: $(VENV)/.run   ## environment to run yuqing, from the lock file
dev: $(VENV)/.dev     ## the same with the tools for tests and checks

demo: setup      ## the whole story in your browser: no token, no network
	$(BIN)/yuqing demo

test: dev        ## all tests (PostgreSQL and browser tests say "skipped" where there is none)
	$(BIN)/python -m pytest -n 3 --dist worksteal

nightly: dev     ## the long tests: every nasty document, 100,000 mutations, 8,000 damaged feeds, 2,000 races, 1,000 hostile presses, snownlp's scores of 20,000 texts, feedparser's own files (from the registry)
	YUQING_TEST_NIGHTLY=1 YUQING_TEST_MUTATIONS=100000 $(BIN)/python -m pytest -n 2 --dist worksteal \
		tests/test_monitors_nasty.py tests/test_monitors_mutations.py tests/test_monitors_charsets.py \
		tests/test_routing_races.py tests/test_bot_forgery.py tests/test_bot_forgery_replies.py
	YUQING_TEST_SEGMENTER_TEXTS=17800 $(BIN)/python -m pytest --timeout 7200 tests/test_monitors_segmenter.py
	$(BIN)/python tests/bench/corpora.py

check: dev       ## format, lint, types, imports
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: dev      ## write the format and the fixes that are safe
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

docs: setup      ## write docs/workflow.md from the table of the procedure
	$(BIN)/python docs/make_workflow.py

pictures: dev    ## take docs/images anew (needs chromium and fonts-noto-cjk, fonts-noto-color-emoji)
	$(BIN)/python docs/make_pictures.py

bench: dev       ## timed figures, as ratios in one run (about half an hour)
	$(BIN)/python tests/bench/feeds.py
	$(BIN)/python tests/bench/poison.py
	$(BIN)/python tests/bench/memory.py
	$(BIN)/python tests/bench/growth.py
	$(BIN)/python tests/bench/segmenter.py
	$(BIN)/python tests/bench/rules.py
	$(BIN)/python tests/bench/sentiment.py
	$(BIN)/python tests/bench/subject.py
	$(BIN)/python tests/bench/grouping.py
	$(BIN)/python tests/bench/judgement.py
	$(BIN)/python tests/bench/judge.py
	$(BIN)/python tests/bench/judge.py --held-out
	$(BIN)/python tests/bench/replay.py
	$(BIN)/python tests/bench/purge.py

lock:            ## resolve the lock files anew (needs uv on the PATH)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra build pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra build --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean:           ## remove the environment and what tests left
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build dist
