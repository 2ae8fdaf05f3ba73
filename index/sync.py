"""Sync: embed what is new or changed, then bring FAISS to the store's state. Safe to interrupt and to run again."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np

from data.errors import VectorIndexError
from data.reader import Reader
from data.store import Store
from index.encoders import Encoder
from index.vectors import Updated, update

Progress: TypeAlias = Callable[[int, int], None]
"""Called with (papers embedded so far, papers to embed)."""

BATCH = 256
"""Papers embedded between two commits: the most that an interruption can lose."""

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
) -> SyncResult:
    """Embed papers without a current vector, newest first, and bring the index in `folder` up to date.

    `enough` is asked after every batch: when it says so, what is left waits for the next sync.
    Every `BATCH` papers are committed, so that the next run goes on where this one stopped. `rebuild` makes the FAISS
    files anew from the stored vectors (it embeds nothing twice). Stored vectors whose length is not the encoder's, as a
    model that was exchanged under its name leaves them, are embedded again.

    Raises VectorIndexError when another sync is at work or the folder cannot be written, ModelError, StoreError.
    """
    with _alone(folder):
        waiting = reader.to_embed(encoder.name)
        embedded = _embed(store, reader, encoder, waiting, progress, enough)
        left = len(waiting) - embedded
        updated = _update(reader, encoder, folder, rebuild)
        if updated.unfit:
            embedded += _embed(store, reader, encoder, updated.unfit, progress)
            again = _update(reader, encoder, folder, rebuild=False)
            if again.unfit:
                raise VectorIndexError(
                    f"{len(again.unfit)} stored vectors do not have the length of {encoder.name!r}",
                    mend="run 'frontier sync' again",
                )
            return SyncResult(embedded=embedded, total=again.count, rebuilt=updated.rebuilt or again.rebuilt, left=left)
        return SyncResult(embedded=embedded, total=updated.count, rebuilt=updated.rebuilt, left=left)


def _embed(
    store: Store,
    reader: Reader,
    encoder: Encoder,
    paper_ids: Sequence[int],
    progress: Progress,
    enough: Callable[[], bool] = lambda: False,
) -> int:
    total = len(paper_ids)
    if total:
        progress(0, total)
    for start in range(0, total, BATCH):
        wanted = paper_ids[start : start + BATCH]
        rows = reader.texts(wanted)
        vectors = encoder.encode([text for _, _, text in rows], progress=partial(_report, progress, start, total))
        store.put_vectors(
            encoder.name,
            [
                (paper_id, text_hash, vector.tobytes())
                for (paper_id, text_hash, _), vector in zip(rows, vectors.astype(np.dtype("<f4")), strict=True)
            ],
        )
        if enough():
            return min(start + BATCH, total)
    return total


def _report(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _update(reader: Reader, encoder: Encoder, folder: Path, rebuild: bool) -> Updated:
    name = encoder.name
    return update(
        folder,
        model=name,
        dim=encoder.dim,
        state=reader.vector_state(name),
        since=lambda seq: reader.vectors_since(name, seq),
        rebuild=rebuild,
    )


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
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
