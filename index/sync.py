"""Sync: embed what is new or changed, then bring FAISS to the store's state. Safe to interrupt and to run again."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from time import monotonic, sleep
from typing import TypeAlias

import numpy as np

from data.errors import VectorIndexError
from data.locks import is_held
from data.reader import Reader
from data.store import Store
from index.encoders import Encoder, Vectors, has_cuda
from index.vectors import update

Progress: TypeAlias = Callable[[int, int], None]
"""Called with (papers embedded so far, papers to embed)."""

BATCH, BATCH_MOST, BATCH_S = 256, 1024, 4.0
"""Papers embedded between two commits: at first, and at most. A batch that took less than so many seconds is followed by one of twice the size, for
larger ones waste less of the encoder's time; papers that came meanwhile begin again with the least. An interruption loses two batches at most: one
in the encoder, one on its way to the store."""

CUDA_BATCH = 65_536
"""The same where a CUDA device encodes: seconds of work, so that its pipeline seldom runs dry."""

OFTEN_S, OFTEN_SHARE = 30.0, 0.05
"""How long the index may lag behind a long sync, and the share of the time that publishing it may take."""

SOON_S, SOON_SHARE = 1.0, 0.25
"""The same once papers were embedded that came during the sync: today's, while a backfill goes on."""

LOCK = "sync.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """What a sync did: papers embedded now, vectors in the index, why FAISS was made anew ("" when it was not), and how
    many papers are left to embed."""

    embedded: int
    total: int
    rebuilt: str
    left: int = 0


def sync(
    store: Store,
    reader: Reader,
    encoder: Encoder,
    folder: Path,
    *,
    rebuild: bool,
    progress: Progress,
    enough: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = monotonic,
) -> SyncResult:
    """Embed papers without a current vector, newest first, and bring the index in `folder` up to date.

    `enough` is asked after every batch: when it says so, what is left waits for the next sync.
    Every batch (`BATCH`, `CUDA_BATCH`) is committed, so that the next run goes on where this one stopped. The index is brought up to
    date after the first batch, from time to time, and soon after papers that came meanwhile, which go before all others.
    `rebuild` makes the FAISS files anew from the stored vectors (it embeds nothing twice). Stored vectors whose length is
    not the encoder's, as a model that was exchanged under its name leaves them, are embedded again.

    Raises VectorIndexError when another sync is at work or the folder cannot be written, ModelError, StoreError.
    """
    with _alone(folder):
        run = _Run(store, reader, encoder, folder, progress, clock)
        left = run.embed(_Queue(reader, encoder.name), enough)
        unfit = run.publish(rebuild=rebuild)
        if unfit:
            run.embed(_Queue(reader, encoder.name, unfit), lambda: False)
            if again := run.publish():
                raise VectorIndexError(
                    f"{len(again)} stored vectors do not have the length of {encoder.name!r}",
                    mend="run 'frontier sync' again",
                )
        return SyncResult(embedded=run.embedded, total=run.total, rebuilt=run.rebuilt, left=left)


def at_work(folder: Path) -> bool:
    """Whether a sync holds the folder now, in this process or another."""
    return is_held(folder / LOCK)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Papers given to the encoder: how many, their (id, text hash, text), whether any came since the sync began, and when."""

    count: int
    rows: Sequence[tuple[int, str, str]]
    came: bool
    begun_at: float
    vectors: Future[Vectors]


class _Queue:
    """The papers to embed, newest first, also those that come while it is worked off."""

    def __init__(self, reader: Reader, model: str, paper_ids: Sequence[int] | None = None) -> None:
        """Those without a current vector, or just the ones given."""
        self._reader = reader
        self._model = model
        self._follow = paper_ids is None
        self._taken: set[int] = set()
        self._size = BATCH
        self._first_latest = self._latest = reader.latest_id()
        self._waiting = list(reader.to_embed(model) if paper_ids is None else paper_ids)

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, before_s: float) -> list[int]:
        """The next batch of papers, none when all are taken. No paper is taken twice. `before_s` is how long the batch before took."""
        if before_s < BATCH_S:
            self._size = min(2 * self._size, BATCH_MOST)
        if self._follow and (latest := self._reader.latest_id()) != self._latest:
            self._latest, self._size = latest, BATCH
            self._read()
        elif self._follow and self._taken and not self._waiting:
            self._follow = False
            self._read()  # papers whose text changed meanwhile
        size = CUDA_BATCH if len(self._waiting) > BATCH and has_cuda() else self._size
        batch, self._waiting = self._waiting[:size], self._waiting[size:]
        self._taken.update(batch)
        return batch

    def came(self, paper_ids: Sequence[int]) -> bool:
        """Whether any of these papers came after the queue was made."""
        return any(i > self._first_latest for i in paper_ids)

    def _read(self) -> None:
        self._waiting = [i for i in self._reader.to_embed(self._model) if i not in self._taken]


class _Run:
    """One sync. A thread encodes a batch while the one before it is stored and published: the encoder never waits."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        encoder: Encoder,
        folder: Path,
        progress: Progress,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._reader = reader
        self._encoder = encoder
        self._folder = folder
        self._progress = progress
        self._clock = clock
        self._stopped = False
        self._published_at = -inf
        self._publishing_s = 0.0
        self.embedded = 0
        self.total = 0
        self.rebuilt = ""

    def embed(self, queue: _Queue, enough: Callable[[], bool]) -> int:
        """Embed and commit what is in the queue, until it is enough; returns how many papers are left."""
        done = 0
        if len(queue):
            self._progress(0, len(queue))
        with ThreadPoolExecutor(1, "encoder") as thread:
            try:
                batch = self._begun(thread, queue, done, inf)
                while batch:
                    vectors = batch.vectors.result()
                    done += batch.count
                    stop = enough()
                    following = None if stop else self._begun(thread, queue, done, self._clock() - batch.begun_at)
                    self._keep(batch, vectors)
                    if following and self._due(batch.came):
                        self.publish()
                    batch = following
            except BaseException:
                self._stopped = True
                raise
        return len(queue)

    def publish(self, *, rebuild: bool = False) -> tuple[int, ...]:
        """Bring the index up to date; returns the papers whose vector has the wrong length."""
        started = self._clock()
        name = self._encoder.name
        updated = update(
            self._folder,
            model=name,
            dim=self._encoder.dim,
            state=self._reader.vector_state(name),
            since=lambda seq: self._reader.vectors_since(name, seq),
            rebuild=rebuild,
        )
        self._published_at = self._clock()
        self._publishing_s = self._published_at - started
        self.total = updated.count
        self.rebuilt = self.rebuilt or updated.rebuilt
        return updated.unfit

    def _begun(self, thread: Executor, queue: _Queue, done: int, before_s: float) -> _Batch | None:
        wanted = queue.take(before_s)
        if not wanted:
            return None
        rows = self._reader.texts(wanted)
        report = partial(self._report, done, done + len(wanted) + len(queue))
        vectors = thread.submit(self._encoder.encode, [text for _, _, text in rows], progress=report)
        return _Batch(count=len(wanted), rows=rows, came=queue.came(wanted), begun_at=self._clock(), vectors=vectors)

    def _keep(self, batch: _Batch, vectors: Vectors) -> None:
        self._store.put_vectors(
            self._encoder.name,
            [
                (paper_id, text_hash, vector.tobytes())
                for (paper_id, text_hash, _), vector in zip(batch.rows, vectors.astype(np.dtype("<f4")), strict=True)
            ],
        )
        self.embedded += batch.count

    def _due(self, came: bool) -> bool:
        """Whether the index should be published: at once for the first batch, soon when new papers came."""
        least, share = (SOON_S, SOON_SHARE) if came else (OFTEN_S, OFTEN_SHARE)
        return self._clock() - self._published_at >= max(least, self._publishing_s / share)

    def _report(self, before: int, total: int, done: int) -> None:
        if self._stopped:  # nobody waits for the rest of this batch any more
            raise CancelledError
        self._progress(before + done, total)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. The system lets go of it when the process ends, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as exc:
        raise VectorIndexError(
            f"{folder} cannot be written: {exc.strerror or exc}", mend="check the folder and its permissions"
        ) from exc
    try:
        try:
            _locked(descriptor)
        except BlockingIOError as exc:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            raise VectorIndexError(
                f"another sync is at work{f' (process {holder})' if holder else ''}", mend="wait for it to finish"
            ) from exc
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> None:
    """Take the lock; tried again for a moment, because `at_work` holds it for one. Raises BlockingIOError."""
    for _ in range(5):
        with suppress(BlockingIOError):
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sleep(0.02)
    return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
