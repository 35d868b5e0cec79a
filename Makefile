.PHONY: help setup demo check core test drills lint bench up down audit
.DEFAULT_GOAL := help

VENV := .venv
READY := $(VENV)/.ready
MODEL := .winnow/models/all-MiniLM-L6-v2
STACK :=
# Processes with servers of their own, for two cores: what one waits for is the others' time. What each of them takes,
# tests/support/scheduling.py says.
PYTEST := $(VENV)/bin/pytest --numprocesses
DRILLS := tests

help:
	@echo "make demo   set up, then train, convert and score the demo round"
	@echo "make check  ruff, mypy and the quick tests of the core: two minutes, for while you work"
	@echo "make test   every test but the long drills: twenty minutes"
	@echo "make drills the long drills, about an hour; some of them with DRILLS=tests/drills/test_workers.py"
	@echo "make lint   ruff and mypy"
	@echo "make bench  run a benchmark of tests/benchmarks: make bench NAME=training"
	@echo "make up     start Prefect server, MLflow server and the worker; make down stops them"
	@echo "            make up STACK=full does so on PostgreSQL and Redis instead of SQLite, from then on"
	@echo "make audit  known vulnerabilities, licences and a bill of materials of what is installed, into .winnow/audit"
	@echo "make setup  only set up, as each of these does first: a virtual environment and the demo's base model"

setup: $(READY) $(MODEL)/LICENSE

$(READY): pyproject.toml constraints.txt requirements.lock infra/setup.sh
	sh infra/setup.sh $(VENV)
	touch $@

$(MODEL)/LICENSE: | $(READY)
	$(VENV)/bin/python -m deployments.demo.fetch $(MODEL)

demo: setup
	$(VENV)/bin/winnow demo

# Side by side, since mypy keeps but one core busy.
check: setup
	$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint core

core: setup
	WINNOW_EXAMPLES=few $(PYTEST) 2 -m "not slow and not drill" tests/core tests/test_*.py

test: setup
	$(PYTEST) 3 -m "not drill"

drills: setup
	$(PYTEST) 2 -m drill $(DRILLS)

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: setup
	$(VENV)/bin/python -m tests.benchmarks.$(NAME)

up: setup
	$(VENV)/bin/winnow up $(if $(STACK),--stack $(STACK))

audit: $(READY)
	$(VENV)/bin/python -m infra.audit .winnow/audit

down:
	if [ -x $(VENV)/bin/winnow ]; then $(VENV)/bin/winnow down; fi
