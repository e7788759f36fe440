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

bench: $(INSTALLED)
	$(BIN)/python scripts/bench_training.py
	$(BIN)/python scripts/bench_engine.py
	$(BIN)/python scripts/bench_startup.py
	$(BIN)/python scripts/bench_models.py
	$(BIN)/python scripts/bench_data.py
	$(BIN)/python scripts/bench_prepare.py
	$(BIN)/python scripts/bench_fingerprints.py

bench-gpu: $(INSTALLED)
	$(BIN)/python scripts/bench_gpu.py --table outputs/bench_gpu.md

# Made again only when what is to be installed changes.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
