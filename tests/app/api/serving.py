"""`frontier serve` in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from tests.app.made_up import NOW
from tests.app.serving import free_port

ROOT = Path(__file__).resolve().parents[3]


def environment(home):
    return {**os.environ, "FRONTIER_HOME": str(home), "FRONTIER_NOW": NOW.isoformat(), "PYTHONPATH": str(ROOT)}


@contextmanager
def served(home, *arguments):
    """Its address and its process, once it listens. It is gone afterwards."""
    port = free_port()
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), *arguments]
    with subprocess.Popen(command, env=environment(home), stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_for(port, process)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()


def wait_for(port, process):
    for _ in range(600):
        assert process.poll() is None, process.stderr.read()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("it never listened")
