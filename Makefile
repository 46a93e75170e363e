# Everything a developer does, each with all of its own set-up. Start with `make run`.

.DEFAULT_GOAL := help
.PHONY: help run test lint bench bench-full chaos requirements

PYTHON := .venv/bin/python
COMPILE := PYTHONWARNINGS=ignore $(PYTHON) -m piptools compile --quiet --strip-extras --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

help: ## What can be made
	@echo "aivideo, a studio for AI video generation"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 21
	@echo
	@echo "Settings come from the environment or from .env; see .env.example."

run: ## Start the whole system; Ctrl-C stops it
	@./scripts/setup run && exec $(PYTHON) -m aivideo.development

test: ## Run every test
	@./scripts/setup test && exec $(PYTHON) scripts/leave_nothing.py $(PYTHON) -m pytest -n auto --maxprocesses 8 --dist worksteal

lint: ## Check style, formatting and types
	@./scripts/setup dev
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy

bench: ## Run the benchmarks of bench/
	@./scripts/setup dev && exec $(PYTHON) -m bench

bench-full: ## Measure the stream beside all its peers, up to the file limit (half an hour, on a quiet machine)
	@./scripts/setup dev && exec $(PYTHON) -m bench stream --full

chaos: ## Kill everything for ten minutes and count what was lost (OPTIONS="--postgres --seconds 60")
	@./scripts/setup dev && exec $(PYTHON) tests/chaos.py $(OPTIONS)

requirements: ## Compile requirements*.txt from requirements*.in (newest releases: UPGRADE=--upgrade)
	@./scripts/setup dev
	@$(COMPILE) $(UPGRADE) --output-file requirements.txt requirements.in
	@$(COMPILE) $(UPGRADE) --output-file requirements-dev.txt requirements-dev.in
