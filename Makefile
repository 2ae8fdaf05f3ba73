# make run    makes the environment, fetches, embeds, ranks, and opens the dashboard
# make test   makes the environment and runs every check and test; SLOW=1: also those that take minutes

PYTHON ?= python3
BIN := .venv/bin
EXTRA := $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
# milvus-lite, of the extra scale, brings FAISS's CPU build, which would overwrite the GPU build
TESTED := $(shell [ $(EXTRA) = gpu ] && echo gpu,dev || echo cpu,dev,scale)

# the daily job killed and simulated over days, a build on a Ray cluster: minutes on a small machine
WHICH := $(if $(SLOW),"slow or not slow","not slow")

# Ray and Milvus start threads of their own that outlive a test: they share no process with the other tests
ARCHIVE := tests/archive tests/index/test_milvus.py

# where this is set, each of hundreds of processes compiles all that it imports
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check bench bench-gpu screenshots clean

run: .venv/run-ready
	$(BIN)/frontier up

test: check
	$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder -m $(WHICH) $(addprefix --ignore=,$(ARCHIVE))
	$(BIN)/pytest -n 2 --dist loadfile -m $(WHICH) $(ARCHIVE)

check: .venv/test-ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/test-ready
	$(BIN)/python tests/bench.py $(if $(QUICK),--quick) --out bench.json

bench-gpu: .venv/test-ready
	$(BIN)/python tests/bench_gpu.py $(if $(QUICK),--quick) $(if $(DEVICE),--device $(DEVICE)) --out build/bench-gpu.json

screenshots: .venv/test-ready
	$(BIN)/python -m tests.app.screenshots

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache bench.json

# torch goes first: with it pinned, nothing that follows can bring in another build of it
.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Frontier needs Python 3.11 or later")'
	$(PYTHON) -m venv .venv

PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

define install
$(PIP) $(2) torch
$(PIP) $(2) --editable '.[$(1)]'
endef

.venv/run-ready: .venv/bin/python pyproject.toml constraints.txt
	$(call install,$(EXTRA))
	touch $@

# most of what the tests install is never imported: what is, is compiled then
.venv/test-ready: .venv/bin/python pyproject.toml constraints.txt
	$(call install,$(TESTED),--no-compile)
	touch .venv/run-ready $@
