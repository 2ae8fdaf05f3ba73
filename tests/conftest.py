"""What tests of all packages share: the made-up moment, stores, records, and where the real data lies."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from crawler.registry import SOURCES
from data.ids import parse_id
from data.reader import Reader
from data.records import PaperRecord
from data.store import Store

NOW = datetime(2025, 11, 24, 12, tzinfo=UTC)
SHARED = Path(__file__).resolve().parents[2] / "shared"
CHROMIUM = Path("/usr/bin/chromium")
IN_CI = os.environ.get("CI") == "true"

# Speed is measured by the bench, never tested. Half of Hypothesis's own examples, unless time is given: make test SLOW=1
settings.register_profile("shared machine", deadline=None, max_examples=100 if os.environ.get("SLOW") else 50)
settings.load_profile("shared machine")


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
    items.sort(key=lambda item: item.get_closest_marker("long") is None)  # else the last worker runs them alone


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


@dataclass(frozen=True, slots=True)
class SourceServer:
    """The local server that serves real papers as the real sources do, with faults on demand."""

    url: str

    def _post(self, path: str, body: dict[str, Any]) -> None:
        request = urllib.request.Request(f"{self.url}{path}", json.dumps(body).encode(), method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    def fault(self, prefix: str, kind: str, **more: Any) -> None:
        self._post("/_fault", {"prefix": prefix, "kind": kind, **more})

    def reset(self, today: str) -> None:
        self._post("/_reset", {})
        self._post("/_day", {"today": today})

    def log(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/_log", timeout=10) as answer:
            return list(json.load(answer))


@contextmanager
def running_server(shared: Path) -> Iterator[SourceServer]:
    """The source server on a free port, on 2025-11-24."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, str(shared / "tools" / "source_server.py"), "--today", "2025-11-24", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert "papers, today" in process.stdout.readline()
            yield SourceServer(f"http://127.0.0.1:{port}")
        finally:
            process.kill()


@pytest.fixture(scope="session")
def _running_server(shared: Path) -> Iterator[SourceServer]:
    with running_server(shared) as server:
        yield server


@pytest.fixture
def source_server(_running_server: SourceServer) -> SourceServer:
    """The source server on 2025-11-24, without faults."""
    _running_server.reset("2025-11-24")
    return _running_server


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new FRONTIER_HOME on 2025-11-24, without a mirror."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("FRONTIER_HOME", str(folder))
    monkeypatch.setenv("FRONTIER_NOW", "2025-11-24T12:00:00Z")
    monkeypatch.delenv("FRONTIER_MIRROR", raising=False)
    return folder


def only(*names: str) -> str:
    """Configuration that switches every other source off."""
    return "".join(f"[sources.{name}]\nenabled = false\n" for name in SOURCES if name not in names)


@pytest.fixture
def mirrored(home: Path, source_server: SourceServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new home whose sources are the source server, asked without delays."""
    monkeypatch.setenv("FRONTIER_MIRROR", source_server.url)
    (home / "frontier.toml").write_text(
        "[crawl.delays]\narxiv = 0.0\ncvf = 0.0\nhuggingface = 0.0\n"
        '[sources.cvf]\nconferences = ["CVPR2019"]\n' + only("arxiv", "cvf", "hf_daily")
    )
    return home
