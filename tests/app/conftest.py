"""Made-up stores for the dashboard's tests, and a served one for the browser."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest

from app.serve import wait_until_ready
from tests.app import made_up
from tests.app.homes import Home

ROOT = Path(__file__).resolve().parents[2]
SERVE = (
    "import sys; from app.serve import serve; from app.wiring import Frontier;"
    " sys.exit(serve(Frontier(), port=int(sys.argv[1]), open_browser=False))"
)


@pytest.fixture(scope="session")
def made_up_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A FRONTIER_HOME with papers, threads, runs, areas and an index. Not to be written to."""
    return made_up.fill(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def starter_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A FRONTIER_HOME with the starter set only, as a first run without a network leaves it."""
    return made_up.starter_only(tmp_path_factory.mktemp("starter"))


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Callable[[str], Home]]:
    made: dict[str, Home] = {}

    def home(name: str) -> Home:
        if name not in made:
            made[name] = Home(tmp_path / name)
        return made[name]

    yield home
    for one in made.values():
        one.close()


@pytest.fixture(scope="session")
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def dashboard_url(made_up_home: Path, free_port: int) -> Iterator[str]:
    """The dashboard over the made-up store, served by `app.serve` in a process of its own."""
    environment = {
        **os.environ,
        "FRONTIER_HOME": str(made_up_home),
        "FRONTIER_NOW": made_up.NOW.isoformat(),
    }
    url = f"http://127.0.0.1:{free_port}"
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(free_port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    ) as server:
        try:
            assert wait_until_ready(url, Event(), within_s=40), "the dashboard did not answer"
            yield url
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(15) == 0
    with suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
        raise AssertionError("the dashboard outlived app.serve")
