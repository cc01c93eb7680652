# The two commands of the README: `make demo` and `make test`. Both make .venv first if it is not there.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test fuzz lint format grammar bench clean

demo: $(READY)
	$(BIN)/netc train specs/network.net
	$(BIN)/netc train specs/funky.net
	@mkdir -p demo
	$(BIN)/netc draw specs/network.net -o demo/network.svg
	$(BIN)/netc draw specs/funky.net -o demo/funky.svg
	@echo
	@echo "The drawings are in demo/, the trained models, metrics and pictures in the folders of runs/ named above."

test: $(READY) lint
	$(BIN)/pytest -n 2

# What the tests draw at random they draw alike each time; here other cases, and twenty times as many.
fuzz: $(READY)
	NETC_FUZZ=20 $(BIN)/pytest -n 2 -m hypothesis

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

grammar: $(READY)
	$(BIN)/python -m netc.tables
	$(BIN)/netc ops --markdown > grammar/OPS.md

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r benchmarks/requirements.txt
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/checking.py
	$(BIN)/python benchmarks/scaling.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("netc needs Python 3.11 or newer; name one: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $(READY)

clean:
	rm -rf $(VENV) build dist demo *.egg-info compiler/*.egg-info
