"""How SQLite is opened, and how its errors are told. Used by the writing and the reading side."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.errors import StoreError

SCHEMA_VERSION = 17
"""How many migrations there are (`data.migrations`, which is slow to import); a test holds it to that."""

BUSY_TIMEOUT_S = 30.0
"""How long one process waits for another's transaction before it says that the store is locked."""

MAPPED_BYTES = 1 << 31
"""How much of the file is read by memory mapping, where nothing is written: pages that the system has in memory are not
copied. SQLite's own upper bound, https://www.sqlite.org/mmap.html."""


CHECKPOINT_PAGES = 16_000
"""Pages that are written ahead before they go to their places in the file, 64 MB; pages written again meanwhile go once."""


def connect(path: Path, *, read_only: bool = False, timeout_s: float = BUSY_TIMEOUT_S) -> sqlite3.Connection:
    """A connection in WAL mode. Commits are durable against a crash of the process (synchronous=NORMAL)."""
    uri = path.resolve().as_uri() + ("?mode=ro" if read_only else "")
    conn = sqlite3.connect(uri, uri=True, timeout=timeout_s, check_same_thread=False)
    if not read_only:
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("PRAGMA synchronous=NORMAL")
        conn.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    else:
        conn.execute(f"PRAGMA mmap_size={MAPPED_BYTES}")
    conn.execute("PRAGMA cache_size=-65536")
    conn.execute("PRAGMA temp_store=MEMORY")
    return conn


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's and the file system's errors as StoreError: one line that names the store and the mend."""
    try:
        yield
    except sqlite3.DatabaseError as exc:
        text = str(exc).lower()
        if "locked" in text or "busy" in text:
            raise StoreError(
                f"{path} is locked by another process", mend="wait for it to finish, then try again"
            ) from exc
        if "full" in text:
            raise StoreError(
                f"no space left on the disk of {path}", mend="free some space; nothing stored is lost"
            ) from exc
        if "readonly" in text or "read-only" in text or "unable to open" in text:
            raise StoreError(
                f"{path} cannot be opened for writing", mend="check the folder and its permissions"
            ) from exc
        if "malformed" in text or "not a database" in text or "corrupt" in text:
            raise StoreError(
                f"{path} is not a readable SQLite database",
                mend="move it away, or restore it from a backup; sqlite3's .recover command can save what is left",
            ) from exc
        if isinstance(exc, sqlite3.OperationalError) and "disk i/o" in text:
            raise StoreError(f"{path}: the disk gave an error", mend="check the disk") from exc
        raise
    except OSError as exc:
        raise StoreError(f"{path}: {exc.strerror or exc}", mend="check the folder and its permissions") from exc
