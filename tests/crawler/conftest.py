from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crawler.server import FaultServer

SHARED = Path(__file__).parents[2].parent / "shared"


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer().running() as running:
        yield running


@pytest.fixture
def shared() -> Path:
    """The folder of recordings and tools beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"no {SHARED}")
    return SHARED
