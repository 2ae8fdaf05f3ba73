"""What tests of all packages share: the made-up moment, stores, records, and where the real data lies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from data.ids import parse_id
from data.reader import Reader
from data.records import PaperRecord
from data.store import Store

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
SHARED = Path(__file__).resolve().parents[2] / "shared"
CHROMIUM = Path("/usr/bin/chromium")
IN_CI = os.environ.get("CI") == "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need what this machine lacks are skipped with the reason; in CI nothing may be lacking."""
    for marker, thing, there in (
        ("shared", f"no real data at {SHARED}", SHARED.is_dir()),
        ("browser", f"no Chromium at {CHROMIUM}", CHROMIUM.exists()),
    ):
        if there or IN_CI:
            continue
        for item in items:
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=thing))


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def shared() -> Path:
    return SHARED


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "papers.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def reader(store: Store) -> Iterator[Reader]:
    opened = Reader(store.path)
    yield opened
    opened.close()


@pytest.fixture
def record() -> Callable[..., PaperRecord]:
    """A made-up arXiv record; every field can be given."""

    def make(number: str = "2511.00001", **fields: Any) -> PaperRecord:
        known: dict[str, Any] = {
            "source": "arxiv",
            "source_id": number,
            "title": f"A made-up study of gradient meadows, number {number}",
            "ids": (parse_id(f"arxiv:{number}"),) if fields.get("source", "arxiv") == "arxiv" else (),
            "authors": ("Ada Example", "Bo Sample"),
            "abstract": "We wander through meadows of gradients and report what grows there.",
            "published": date(2025, 11, 21),
            "day": date(2025, 11, 24),
            "announce_type": "new",
            "categories": ("cs.LG",),
            "url": f"https://arxiv.org/abs/{number}",
        }
        return PaperRecord(**{**known, **fields})

    return make
