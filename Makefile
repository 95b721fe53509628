# Two commands matter: `make demo` and `make test`. Both set up .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := ros,sim,viewer,train,test,lint

.PHONY: help setup demo test test-slow lint format clean

help:            ## Show this help
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 14

setup: $(STAMP)  ## Create .venv and install everything that is pinned in constraints.txt

$(STAMP): setup.py package.xml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' || \
		{ echo "Python 3.11 or 3.12 is needed; say which: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing into $(VENV): about 3 GB with PyTorch, some minutes"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

demo: setup      ## Watch an emulated radar image a simulated building, live
	$(BIN)/panoradar demo $(ARGS)

# what runs in real time (nodes, whole demos) has the machine to itself, all else shares it
test: setup lint ## Lint, check types and run every test that is not slow
	@OMP_NUM_THREADS=1 $(BIN)/pytest -m 'not slow and not alone' -n 2 --dist worksteal $(ARGS); \
	first=$$?; test $$first -eq 0 -o $$first -eq 5 || exit $$first; \
	$(BIN)/pytest -m 'alone and not slow' $(ARGS); \
	second=$$?; test $$second -eq 5 -a $$first -eq 0 || exit $$second # 5: ARGS chose none of them

test-slow: setup ## Run the slow tests
	$(BIN)/pytest -m slow $(ARGS)

lint: setup      ## ruff, formatting, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup    ## Rewrite files as ruff likes them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:           ## Remove .venv and caches
	rm -rf $(VENV) build install log .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
