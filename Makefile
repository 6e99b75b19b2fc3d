# Two commands: `make demo` and `make test`. All of it happens in .venv; run twice, the second is quick.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
QUIET ?= --quiet
PYTEST_ARGS ?=
DEMO_INDEX := .demo.index

.PHONY: demo test lint docs check clean
.DELETE_ON_ERROR:

# Dependency groups need pip 25.1; the pip that Python 3.11 brings is older.
$(VENV)/.made:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(PIP) install $(QUIET) -c constraints.txt "pip>=25.1"
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	$(PIP) install $(QUIET) -c constraints.txt -e .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(PIP) install $(QUIET) -c constraints.txt --group test --group lint
	@touch $@

$(VENV)/.documented: $(VENV)/.installed
	$(PIP) install $(QUIET) -c constraints.txt --group docs
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/retrievo index docs examples --index $(DEMO_INDEX)
	$(BIN)/retrievo search "How do I filter a search by metadata?" --top-k 3 --index $(DEMO_INDEX)
	$(BIN)/retrievo search "How do I write a plugin?" --top-k 3 --index $(DEMO_INDEX)
	$(BIN)/retrievo search "use my own encoder" --top-k 3 --index $(DEMO_INDEX)

test: $(VENV)/.tested
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(VENV)/.documented
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

check: test lint docs

clean:
	rm -rf $(VENV) $(DEMO_INDEX) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
