from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from data.reader import Reader
from data.records import PaperRecord
from data.store import Store

NOW = datetime(2026, 4, 2, 6, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def fakes() -> ModuleType:
    """tests/index/fakes.py (tests are no package)."""
    spec = importlib.util.spec_from_file_location("frontier_index_fakes", Path(__file__).with_name("fakes.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def home(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A store with its reader, and the folder of its index."""
    store = Store(tmp_path / "papers.sqlite")
    reader = Reader(tmp_path / "papers.sqlite")
    yield SimpleNamespace(store=store, reader=reader, folder=tmp_path / "index", path=tmp_path / "papers.sqlite")
    reader.close()
    store.close()


@pytest.fixture
def add(home: SimpleNamespace) -> Callable[..., list[int]]:
    """Put papers by title (and abstract); the same number again changes a paper. Returns their ids."""

    def put(titles: Sequence[str], *, first: int = 1, venue: str = "", day: date | None = None) -> list[int]:
        numbers = range(first, first + len(titles))
        home.store.put(
            "file",
            [
                PaperRecord(
                    source="file", source_id=str(n), import_id=f"test:{n}", title=title, venue=venue, published=day
                )
                for n, title in zip(numbers, titles, strict=True)
            ],
            now=NOW,
        )
        return [home.reader.lookup(f"test:{n}") for n in numbers]

    return put
