# détente: `make help` lists the targets. Each makes its environment by itself and reuses it.
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUN := runs/quickstart
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help run test check format clean bench

help: ## show this help
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

run: $(READY) ## train on the shipped statements, evaluate, label the sample articles (twenty minutes on two cores)
	$(BIN)/detente train hydra.run.dir=$(RUN)
	$(BIN)/detente evaluate checkpoint=$(RUN) hydra.run.dir=$(RUN)/evaluate > $(RUN)/evaluate.txt
	$(BIN)/detente predict checkpoint=$(RUN) input=data/articles output=$(RUN)/articles.csv hydra.run.dir=$(RUN)/predict
	@echo
	@cat $(RUN)/report.txt
	@echo "articles     $(RUN)/articles.csv: who holds which stance in the sample articles"

test: $(READY) ## run the tests on all cores, without network
	$(BIN)/python -m pytest -n logical --dist loadfile

check: $(READY) ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY) ## put the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## measure speed and size on this machine
	$(BIN)/python benchmarks/quick.py

clean: ## remove the environment and everything that runs wrote
	rm -rf $(VENV) runs multirun mlruns mlflow.db dist build .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
