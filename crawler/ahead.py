"""The papers of a long file of lines, read and prepared for the store in a process of their own, ahead of whoever stores
them: storing is mostly SQLite's work, preparing is Python's.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Queue

from crawler.files import is_lines, read_lines, read_records, records_of
from data.errors import InputError
from data.ingest import Prepared, prepare
from data.records import BadRecord, MentionRecord, PaperRecord
from data.store import in_batches

LONG = 4 * 1024 * 1024
"""Bytes of a file from which on a process is started, which takes half a second."""

FIRST = 2_000
"""Lines that are read here while the process starts."""

PIECE = 250
"""Lines that come together."""

AHEAD = 20
"""Pieces that wait to be stored, at most: more than a transaction takes, during which none is fetched."""

YOUNG = 200_000
"""Objects after which Python looks for cycles among the new ones, in both processes. After its usual 700 that takes 7 % of an import's time: a
batch's records are many, and have none."""


def read_ahead(path: Path, *, now: datetime) -> Iterator[Prepared | PaperRecord | MentionRecord | BadRecord]:
    """What `read_records` gives, in its order; papers of long files are prepared. Raises InputError as that does.

    Nothing is lost to a process that dies: what it has not given is read here.
    """
    if not _is_long(path):
        yield from read_records(path, now=now)
    else:
        with _cycles_seldom_sought():
            yield from _read_elsewhere(path, now)


def _read_elsewhere(path: Path, now: datetime) -> Iterator[Prepared | PaperRecord | MentionRecord | BadRecord]:
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe(duplex=False)
    with mine:
        process = context.Process(target=_read, args=(path, now, its), daemon=True)
        try:
            process.start()
        except OSError:  # no more processes are allowed, say
            yield from read_records(path, now=now)
            return
        its.close()
        try:
            yield from _prepared(_records(path, 0, FIRST, now))
            done, whole = FIRST, False
            with suppress(EOFError, OSError):  # it died, perhaps in the middle of a piece
                while not isinstance(found := pickle.loads(mine.recv_bytes()), bool):  # noqa: S301  our own process's
                    yield from found
                    done += len(found)
                whole = found
        finally:
            process.kill()
            process.join()
    if not whole:
        yield from _prepared(_records(path, done, None, now))


@contextmanager
def _cycles_seldom_sought() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _is_long(path: Path) -> bool:
    try:
        return is_lines(path) and path.stat().st_size >= LONG and (os.cpu_count() or 1) > 1
    except OSError:
        return False


def _records(path: Path, first: int, last: int | None, now: datetime) -> Iterator[PaperRecord | BadRecord]:
    """Lines from number `first` to before `last`, counted from 0; blank ones do not count."""
    return records_of(islice(read_lines(path), first, last), now)


def _prepared(records: Iterable[PaperRecord | BadRecord], *, with_keys: bool = False) -> Iterator[Prepared | BadRecord]:
    for found in records:
        yield found if isinstance(found, BadRecord) else prepare(found, with_keys=with_keys)


# ---- in the process --------------------------------------------------------------------------------------------------


def _read(path: Path, now: datetime, out: Connection) -> None:
    """Gives pieces, and at the end whether this is the end of the file."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group: the parent decides
    ready: Queue[bytes] = Queue(AHEAD)
    sender = threading.Thread(target=_send, args=(ready, out))
    sender.start()
    whole = False
    try:
        with _cycles_seldom_sought():
            for piece in in_batches(_records(path, FIRST, None, now), PIECE):
                awaited = ready.empty()  # then the parent has time for the keys itself
                ready.put(pickle.dumps(list(_prepared(piece, with_keys=not awaited))))
        whole = True
    except InputError:  # the parent meets it where it stands
        pass
    finally:
        ready.put(pickle.dumps(whole))
        ready.put(b"")
    sender.join()


def _send(ready: Queue[bytes], out: Connection) -> None:
    try:
        while found := ready.get():
            out.send_bytes(found)
    except OSError:  # the parent is gone
        os._exit(1)
