.PHONY: help setup demo test lint bench up down
.DEFAULT_GOAL := help

VENV := .venv
READY := $(VENV)/.ready
MODEL := .winnow/models/all-MiniLM-L6-v2
STACK :=

help:
	@echo "make demo   set up, then train, convert and score the demo round"
	@echo "make test   set up, then run the tests"
	@echo "make lint   set up, then ruff and mypy"
	@echo "make bench  set up, then run a benchmark of tests/benchmarks: make bench NAME=training"
	@echo "make up     start Prefect server, MLflow server and the worker; make down stops them"
	@echo "            make up STACK=full does so on PostgreSQL and Redis instead of SQLite, from then on"
	@echo "make setup  only set up: a virtual environment and the demo's base model"

setup: $(READY) $(MODEL)/LICENSE

$(READY): pyproject.toml constraints.txt infra/setup.sh
	sh infra/setup.sh $(VENV)
	touch $@

$(MODEL)/LICENSE: | $(READY)
	$(VENV)/bin/python -m deployments.demo.fetch $(MODEL)

demo: setup
	$(VENV)/bin/winnow demo

test: setup
	$(VENV)/bin/pytest --numprocesses 2 --dist loadfile

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: setup
	$(VENV)/bin/python -m tests.benchmarks.$(NAME)

up: setup
	$(VENV)/bin/winnow up $(if $(STACK),--stack $(STACK))

down:
	if [ -x $(VENV)/bin/winnow ]; then $(VENV)/bin/winnow down; fi
