"""What a command imports: a search starts at once only while nothing heavy is loaded for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from app.wiring import Home
from data.reader import Reader
from data.records import PaperRecord
from data.store import Store
from index.encoders import DEFAULT_DIM, DEFAULT_MODEL
from index.vectors import update

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)

HEAVY = {
    "torch", "transformers", "sentence_transformers", "scrapy", "twisted", "streamlit", "pandas", "pyarrow", "sklearn",
    "scipy", "sqlite_utils", "starlette", "uvicorn", "mcp", "itsdangerous",
}  # fmt: skip
"""Never for a search, whatever its mode."""

VECTORS = {"numpy", "faiss", "index.encoders", "index.vectors"}
"""Only for a search by meaning."""

WRITING = {
    "data.ids", "data.records", "data.text", "data.venues", "data.fates", "data.datasets", "data.matching", "data.store",
    "data.watching", "data.migrations", "crawler.report", "app.jobs",
}  # fmt: skip
"""Ours, of the writing side: their tables and patterns take long to load."""

HYBRID_IS_LIGHT = True
"""Whether the default encoder runs without torch."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A store of a few papers with vectors and their index."""
    made = Home(tmp_path_factory.mktemp("home"))
    store = Store(made.store)
    store.put(
        "file",
        [PaperRecord(source="file", source_id=str(n), import_id=f"x:{n}", title=f"Meadow {n}") for n in range(3)],
        now=NOW,
    )
    reader = Reader(made.store)
    rows = np.eye(3, DEFAULT_DIM, dtype="<f4")
    texts = reader.texts(reader.to_embed(DEFAULT_MODEL))
    store.put_vectors(DEFAULT_MODEL, [(i, h, row.tobytes()) for (i, h, _), row in zip(texts, rows, strict=True)])
    update(
        made.index,
        model=DEFAULT_MODEL,
        dim=DEFAULT_DIM,
        state=reader.vector_state(DEFAULT_MODEL),
        since=lambda seq: reader.vectors_since(DEFAULT_MODEL, seq),
    )
    reader.close()
    store.close()
    return made


def imported(arguments: Sequence[str], home: Path) -> tuple[str, set[str]]:
    """What a command prints in a fresh process, and the modules that it has loaded in the end."""
    script = (
        "import json, sys; from app.cli import run; code = run(sys.argv[1:]);"
        " json.dump(sorted(sys.modules), sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env={**os.environ, "FRONTIER_HOME": str(home)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("shown", [[], ["--json"], ["--format", "bibtex"]], ids=["table", "json", "bibtex"])
def test_a_search_by_words_loads_nothing_heavy(home: Home, shown: list[str]) -> None:
    printed, modules = imported(["search", "--mode", "keyword", *shown, "meadow"], home.folder)
    assert "Meadow 1" in printed
    assert not modules & (HEAVY | VECTORS | WRITING)
    assert shown == [] or "rich" not in modules


@pytest.mark.skipif(not HYBRID_IS_LIGHT, reason="the default encoder imports torch")
@pytest.mark.parametrize("mode", ["hybrid", "semantic"])
def test_a_search_by_meaning_loads_no_torch(home: Home, mode: str) -> None:
    printed, modules = imported(["search", "--mode", mode, "--json", "meadow"], home.folder)
    assert len(json.loads(printed)["hits"]) == 3
    assert "faiss" in modules
    assert not modules & (HEAVY | WRITING)


def test_a_search_like_a_paper_loads_the_index_and_no_model(home: Home) -> None:
    printed, modules = imported(["search", "--like", "x:1", "--json"], home.folder)
    assert len(json.loads(printed)["hits"]) == 2
    assert "faiss" in modules
    assert not modules & HEAVY


def test_help_loads_no_command(home: Home) -> None:
    printed, modules = imported(["--help"], home.folder)
    assert "search" in printed
    assert not {m for m in modules if m.startswith(("app.commands", "data.reader", "rich", "numpy"))}
    assert not modules & (HEAVY | WRITING)


@pytest.mark.parametrize("before", ["", "import pandas", "import streamlit"])
def test_opening_the_store_loads_no_pandas_that_is_not_needed(home: Home, before: str) -> None:
    code = f"""{before}
import sys
from pathlib import Path
from data.store import Store
Store(Path({str(home.store)!r})).close()
loaded = "pandas" in sys.modules
import pandas
print(loaded, pandas.DataFrame({{"a": [1]}}).a.sum())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.split() == [str(bool(before)), "1"]
