# The commands of this project; `make help` lists them, CONTRIBUTING.md gives them without make.
# Settings go on the command line: make test PYTHON=python3.12 JOBS=4

# What .venv is made with: the first of these that runs and is new enough.
PYTHON ?= $(shell for p in python3 python python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$p" && break; done)
JOBS ?= 2
PEERS ?=

# One thread for BLAS, set before the pytest plugin loads NumPy: the suite's arrays are small, and its workers are two.
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1

# The suite starts a hundred Pythons of its own; where they may write no bytecode, each of them compiles the engine again.
unexport PYTHONDONTWRITEBYTECODE

py = .venv/bin/python
pytest = $(py) -m pytest -q -n $(JOBS) --dist worksteal
tool = @python='$(PYTHON)'; [ -n "$$python" ] || { \
	echo "No Python 3.11 or newer was found; name one: make PYTHON=/path/to/python3"; exit 1; }; "$$python" tests/tools

.DEFAULT_GOAL := help
.PHONY: help demo explorer docs test test-deep test-neighbours mutants test-matrix test-install format lint types quick bench clean env-dev env-demos env-bench

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: env-demos ## train the digits network and write its pictures
	@$(py) -m demos digits

explorer: ## derivatives, graphs, descent, networks and fields in the browser
	$(tool)/environment.py .venv --extras explorer
	@$(py) -m demos explorer

docs: ## the manual, into docs/_build/html
	$(tool)/environment.py .venv --extras docs
	@$(py) -m sphinx -q -W --keep-going -b html docs docs/_build/html && echo "the manual is docs/_build/html/index.html"

test: lint types ## format and lint checks, types, the whole suite
	@$(pytest)

test-deep: env-dev ## the suite with long Hypothesis runs, and the tests too slow for every day
	@HYPOTHESIS_PROFILE=deep $(pytest)

test-neighbours: ## what happens where pandas, xarray, scikit-learn and others meet Tensors
	$(tool)/environment.py .venv --extras neighbours
	@HYPOTHESIS_PROFILE=ci $(pytest) -rs tests/neighbours

mutants: env-dev ## spoil every rule and every mask in every way, and see that the suite notices
	@HYPOTHESIS_PROFILE=deep $(pytest) tests/test_ops_mutants.py tests/test_masks.py

test-matrix: ## the suite on every Python found, with the oldest and the newest NumPy
	$(tool)/matrix.py

test-install: ## build the wheel, install it into an empty environment, use it from another folder
	$(tool)/wheel.py

format: env-dev ## rewrite the sources as ruff would have them
	@$(py) -m ruff check --quiet --fix-only .
	@$(py) -m ruff format --quiet .

lint: env-dev ## ruff: rules and format
	@$(py) -m ruff check --quiet .
	@$(py) -m ruff format --quiet --check . || { echo "not formatted: make format"; exit 1; }

types: env-dev ## mypy --strict on autodiff, nn and optim
	@$(py) -m mypy

quick: env-dev ## a handful of tests, for the moment before a commit
	@$(py) -m pytest -q tests/test_repository.py

bench: env-bench ## measure speed; PEERS="torch autograd" installs what to compare with
	@$(py) -m benchmarks

clean: ## remove environments, caches and outputs
	@rm -rf .venv .matrix .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist out
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

env-dev:
	$(tool)/environment.py .venv --extras dev
env-demos:
	$(tool)/environment.py .venv --extras demos
env-bench:
	$(tool)/environment.py .venv --extras bench $(if $(PEERS),--also $(PEERS))
