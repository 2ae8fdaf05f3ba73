"""Copies of the store while others use it, by SQLite's backup API (https://www.sqlite.org/backup.html), and their return."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from data.connection import SCHEMA_VERSION, connect, translated
from data.errors import StoreError

PAGES = 4_096
"""Pages that one step copies, 16 MB: as often is told how far it is."""

COUNTED = ("papers", "sightings", "mentions", "library", "watches", "events", "deliveries", "vectors")
"""Tables whose rows are counted in a copy."""


def copy_store(store: Path, to: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Write one state of the store into a new file, whatever others write meanwhile. `progress` hears of (pages copied, pages).
    Raises StoreError."""
    with translated(store), closing(connect(store)) as source, closing(sqlite3.connect(to)) as target:
        # In WAL mode an open read transaction holds the state: without one, every write by another begins the copy anew.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(target, pages=PAGES, progress=lambda status, left, total: progress(total - left, total))
        source.rollback()
        target.execute("PRAGMA journal_mode=DELETE")  # so that the copy is one file


def checked_copy(copy: Path, name: Path) -> dict[str, int]:
    """The rows of a copy's tables, once it is found whole. Errors call it `name`. Raises StoreError; also for the copy of
    a newer Frontier."""
    try:
        with closing(sqlite3.connect(f"{copy.resolve().as_uri()}?mode=ro", uri=True)) as conn:
            [version] = conn.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise StoreError(f"{name} is of a newer Frontier (schema {version})", mend="update Frontier first")
            [found] = conn.execute("PRAGMA integrity_check(1)").fetchone()
            if found != "ok":
                raise StoreError(f"{name} holds a store that is torn: {found}")
            there = {table for (table,) in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "papers" not in there:
                raise StoreError(f"{name} holds no store of Frontier")
            return {t: conn.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in COUNTED if t in there}  # noqa: S608
    except sqlite3.DatabaseError as exc:
        raise StoreError(f"{name} holds a store that cannot be read: {exc}") from exc


def put_back(copy: Path, store: Path) -> None:
    """Let the store hold what the copy holds: in one transaction, so that others see either the one or the other. Raises
    StoreError."""
    with translated(store), closing(sqlite3.connect(copy)) as source, closing(connect(store)) as target:
        source.backup(target)
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
