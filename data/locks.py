"""Lock files between processes. The system lets go of a lock when its process ends, however it ends; the file stays."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def hold(path: Path, *, busy: Exception | None = None) -> Iterator[None]:
    """Hold a lock file, which is made where there is none. Raises `busy` when another process holds it; waits without it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError as exc:
            raise busy or exc from exc
        yield
    finally:
        os.close(handle)


def is_held(path: Path) -> bool:
    """Whether a lock file is held now, by this process or another."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False
