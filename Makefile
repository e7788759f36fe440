# make demo   draw data, train, evaluate: a first result      make test   the tests; test-slow the longer ones
# make lint   format, rules, types                            make bench  speed, as JSON; bench-gpu likewise
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PARALLEL := -n auto --maxprocesses 8 --dist worksteal
.PHONY: demo test test-slow lint format bench bench-gpu clean

demo: $(INSTALLED)
	@run=outputs/train/$$(date +%Y-%m-%d_%H-%M-%S)_demo_$$$$; \
	$(BIN)/melanoma-train experiment=demo hydra.run.dir=$$run && \
	$(BIN)/melanoma-eval checkpoint=$$run/checkpoints/best.pt

test: $(INSTALLED)
	$(BIN)/python -m pytest $(PARALLEL)

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest $(PARALLEL) -m slow

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The JSON of each goes to outputs/bench, and all of it as one table to the terminal.
BENCHMARKS := training engine startup models data prepare fingerprints metrics
bench: $(INSTALLED)
	mkdir -p outputs/bench
	for name in $(BENCHMARKS); do \
		$(BIN)/python scripts/bench_$$name.py > outputs/bench/$$name.json || exit 1; \
	done
	$(BIN)/python scripts/bench_table.py $(BENCHMARKS:%=outputs/bench/%.json)

bench-gpu: $(INSTALLED)
	$(BIN)/python scripts/bench_gpu.py --table outputs/bench_gpu.md

# Made again only when what is to be installed changes.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
