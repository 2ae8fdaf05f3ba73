"""A dashboard served in a process of its own, for browsers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from app.serve import wait_until_ready
from tests.app import made_up

ROOT = Path(__file__).resolve().parents[2]
SERVE = (
    "import sys; from app.serve import serve; from app.wiring import Frontier;"
    " sys.exit(serve(Frontier(), port=int(sys.argv[1]), open_browser=False))"
)


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The address of the dashboard over a home, at the made-up store's time. It is gone afterwards."""
    port = free_port()
    environment = {**os.environ, "FRONTIER_HOME": str(home), "FRONTIER_NOW": made_up.NOW.isoformat()}
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(port)], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    ) as server:
        try:
            assert wait_until_ready(url, Event(), within_s=40), "the dashboard did not answer"
            yield url
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(15) == 0
    with suppress(OSError), urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
        raise AssertionError("the dashboard outlived app.serve")
