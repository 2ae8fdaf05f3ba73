"""A backup of the home in one file, made while everything runs, and its return.

The file is a tar of the store, `frontier.toml`, and what cannot be made anew: the key that signs votes and feeds, and
heads trained here. Vectors are in the store; the index is made anew from them. Secrets are not in it: they are in the
environment.
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from app.wiring import VERSION, Frontier
from cron.daily import only_one
from data.backup import checked_copy, copy_store, put_back
from data.errors import FrontierError, InputError, StoreError
from data.locks import hold

ABOUT, STORE = "backup.json", "papers.sqlite"
ALONG = ("frontier.toml", "key", "heads.npz")
"""Files of the home that go along, where they are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What is in a backup: `counts` are rows by table, `size` is in bytes. `moved` is where a restore put what it
    replaced, None where there was nothing."""

    path: Path
    taken_at: datetime
    counts: Mapping[str, int]
    size: int
    moved: Path | None = None

    @property
    def line(self) -> str:
        papers, done = self.counts.get("papers", 0), self.counts.get("library", 0)
        return f"{papers:,} papers, {done:,} likes, tags and notes, of {self.taken_at:%Y-%m-%d %H:%M} UTC"


def backup(
    frontier: Frontier,
    path: Path,
    *,
    force: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Backup:
    """Write a backup, which has its name only once it is whole and checked. `progress` hears of (pages copied, pages).

    Raises StoreError when there is no store or it cannot be read, InputError when there is such a file already (without
    `force`) or it cannot be written.
    """
    if path.exists() and not force:
        raise InputError(str(path), "is there already", mend="give another name, or --force")
    frontier.open_reader().close()  # says so where there is no store
    home, now = frontier.home.folder, frontier.now()
    try:
        with tempfile.TemporaryDirectory(prefix=".frontier-backup-", dir=path.absolute().parent) as name:
            folder = Path(name)
            copy_store(frontier.home.store, folder / STORE, progress)
            counts = checked_copy(folder / STORE, path)
            about = {"frontier": "backup", "version": VERSION, "taken_at": now.isoformat(), "counts": counts}
            (folder / ABOUT).write_text(json.dumps(about), "utf-8")
            with (folder / "whole").open("wb") as file:
                os.fchmod(file.fileno(), 0o600)  # the key is in it
                with tarfile.open(fileobj=file, mode="w") as tar:
                    tar.add(folder / ABOUT, ABOUT)
                    for along in ALONG:
                        if (home / along).is_file():
                            tar.add(home / along, along)
                    tar.add(folder / STORE, STORE)
                file.flush()
                os.fsync(file.fileno())
            (folder / "whole").replace(path)
            return Backup(path=path, taken_at=now, counts=counts, size=path.stat().st_size)
    except OSError as exc:
        raise InputError(str(path), exc.strerror or str(exc), mend="check the folder and its free space") from exc


def restore(frontier: Frontier, path: Path) -> Backup:
    """Put a backup in the place of this home's store, configuration and key. What was there is kept beside it, in a folder
    `before-restore-TIME`. The next sync makes the index.

    Raises InputError for a file that is no backup or is torn, StoreError for a store that is torn or of a newer Frontier,
    and FrontierError while the daily job, a crawl, a sync or a digest is at work.
    """
    home = frontier.home.folder
    try:
        home.mkdir(parents=True, exist_ok=True)
        with _nobody_at_work(frontier), tempfile.TemporaryDirectory(prefix=".restore-", dir=home) as name:
            folder = Path(name)
            about = _unpacked(path, folder)
            counts = checked_copy(folder / STORE, path)
            if counts != about["counts"]:
                raise InputError(str(path), "does not hold what it says it does", mend="use another backup")
            moved = _kept_aside(frontier)
            (frontier.home.index / "manifest.json").unlink(missing_ok=True)  # it told of another store's vectors
            put_back(folder / STORE, frontier.home.store)
            for along in ALONG:
                if (folder / along).exists():
                    (folder / along).replace(home / along)
    except OSError as exc:
        raise InputError(exc.filename or str(path), exc.strerror or str(exc)) from exc
    taken_at = datetime.fromisoformat(about["taken_at"])
    return Backup(path=path, taken_at=taken_at, counts=counts, size=path.stat().st_size, moved=moved)


@contextmanager
def _nobody_at_work(frontier: Frontier) -> Iterator[None]:
    """Hold the locks of the daily job, of a crawl, of a sync and of a digest that is sent. Raises FrontierError naming which is held."""
    home = frontier.home
    locks = {"crawl": home.folder / "crawl.lock", "sync": home.index / "sync.lock"}
    if (spool := home.folder / "spool").is_dir():
        locks["digest"] = spool / ".lock"
    with ExitStack() as held:
        held.enter_context(only_one(home.folder / "daily.lock", now=frontier.now()))
        for what, lock in locks.items():
            busy = FrontierError(f"a {what} is at work on this home", mend="wait for it to end")
            held.enter_context(hold(lock, busy=busy))
        yield


def _unpacked(path: Path, folder: Path) -> dict[str, Any]:
    """Write the files of a backup into a folder, and return what it says of itself. Raises InputError."""
    known = {ABOUT, STORE, *ALONG}
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.name in known and member.isfile() else None
                if content is not None:
                    with (folder / member.name).open("wb") as out:
                        os.fchmod(out.fileno(), 0o600 if member.name == "key" else 0o644)
                        shutil.copyfileobj(content, out)
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        whole = about["frontier"] == "backup" and "counts" in about and (folder / STORE).exists()
        datetime.fromisoformat(about["taken_at"])
    except (tarfile.TarError, ValueError, KeyError, TypeError, EOFError, FileNotFoundError) as exc:
        if not path.exists():
            raise InputError(str(path), "no such file") from exc
        raise InputError(str(path), "is not a backup of Frontier, or is torn") from exc
    if not whole:
        raise InputError(str(path), "is not a backup of Frontier, or is torn")
    return dict(about)


def _kept_aside(frontier: Frontier) -> Path | None:
    """Copy what a restore will replace into a folder of its own; None where there is nothing. A store that cannot be read is
    moved there as it is."""
    home = frontier.home.folder
    there = [name for name in (STORE, *ALONG) if (home / name).exists()]
    if not there:
        return None
    stem = f"before-restore-{frontier.now():%Y%m%d-%H%M%S}"
    names = (stem if n == 1 else f"{stem}-{n}" for n in range(1, 1000))
    folder = next(home / name for name in names if not (home / name).exists())
    folder.mkdir(mode=0o700)
    for name in there:
        if name != STORE:
            shutil.copy2(home / name, folder / name)
    if STORE in there:
        try:
            copy_store(home / STORE, folder / STORE)
        except StoreError:
            for file in home.glob(f"{STORE}*"):
                file.replace(folder / file.name)
    return folder
