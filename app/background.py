"""Processes of their own that the dashboard begins and that go on when it ends: what they say goes into a log."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from app.serve import PASSWORD, child_environment
from app.wiring import Frontier

LONGEST_LINE = 300


def begin(frontier: Frontier, command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Begin a process in the environment of this one, without the dashboard's password. Raises OSError."""
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in child_environment(frontier).items() if name != PASSWORD}
    with log.open("wb") as out:
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )


def last_line(log: Path) -> str:
    """The last line that a process left in its log, cut; "" for none."""
    lines: list[str] = []
    with suppress(OSError):
        lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1][:LONGEST_LINE] if lines else ""
