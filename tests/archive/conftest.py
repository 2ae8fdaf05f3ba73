"""What tests of the archive share: made-up papers in files, and a home with an archive in a file."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.wiring import Frontier

Line = dict[str, Any]

LINES: tuple[Line, ...] = (
    {
        "id": "arxiv:2511.00001", "title": "Gradient meadows and where they grow", "abstract": "We wander through meadows.",
        "authors": ["Ada Example", "Bo Sample"], "published": "2025-11-01", "categories": ["cs.LG"],
    },
    {
        "id": "arxiv:2511.00002", "title": "A study of trains without rails", "abstract": "Trains fall over.",
        "authors": ["Cy Specimen"], "published": "2025-11-02", "categories": ["cs.CV"],
    },
    {  # the first again, at a conference: known by its title and people
        "id": "openreview:AbCdEf-123", "title": "Gradient Meadows, and Where They Grow",
        "abstract": "We wander through meadows.", "authors": ["Ada Example", "Bo Sample"], "year": 2026, "venue": "ICLR",
    },
    {  # the second again, by its id
        "id": "doi:10.1000/trains", "arxiv_id": "2511.00002", "title": "Trains without rails", "authors": ["Cy Specimen"],
        "year": 2025, "venue": "Journal of Trains",
    },
    {  # another paper of the first's title
        "id": "own:5", "title": "Gradient meadows and where they grow", "abstract": "Of sheep.", "authors": ["Zoe Other"],
        "year": 1999,
    },
)  # fmt: skip
"""Of three papers."""


@pytest.fixture
def lines() -> tuple[Line, ...]:
    return LINES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skipped where the extra is not installed; in CI it has to be."""
    if (importlib.util.find_spec("ray") and importlib.util.find_spec("milvus_lite")) or os.environ.get("CI") == "true":
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="the extra 'scale' is not installed"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """A file of JSON lines, gzip where its name says so; returns its path."""

    def made(lines: Sequence[Line] = LINES, name: str = "papers.jsonl") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = "".join(json.dumps(line) + "\n" for line in lines).encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return str(path)

    return made


@pytest.fixture
def frontier(home: Path) -> Frontier:
    """A home with an archive in a file."""
    (home / "frontier.toml").write_text('[archive]\nuri = "archive.db"\n')
    return Frontier()
