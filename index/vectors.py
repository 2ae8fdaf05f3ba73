"""FAISS as a cache of the store's vectors, which can prove that it is fresh.

A folder holds `vectors.faiss` (`IDMap2,Flat`, inner product, ids are paper ids) and `manifest.json`, which says which
state of the store's vectors the file holds and what the file must look like. Both are written aside, synced and
renamed, the manifest last: whatever interrupts it, either the old or the new pair is read, or a pair that does not
match, which is stale and made again from the store.

For searching, the file is mapped into memory (IO_FLAG_MMAP_IFC: opening takes milliseconds at any size). A mapped index
must not be changed: FAISS 1.15.1 aborts the process on it. `update` therefore reads its own copy.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data.errors import VectorIndexError
from index.encoders import Vectors

FORMAT = 1
"""Version of the folder's layout; another one is stale."""

FILE = "vectors.faiss"
MANIFEST = "manifest.json"

State = tuple[int, int]
"""(how many vectors, the last write's number) as of `Reader.vector_state`."""

_ENDS = 1 << 16
"""Bytes at the head and at the tail that are checked on every opening."""

_CHUNK = 5000
"""Vectors added at a time."""


class VectorIndex(Protocol):
    """Nearest neighbours by cosine. Ids are paper ids."""

    @property
    def model(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def __len__(self) -> int: ...

    def search(self, query: Vectors, k: int, allowed: Sequence[int] | None = None) -> tuple[list[int], list[float]]:
        """The `k` papers nearest to one query, as ids and cosines in [-1, 1], nearest first, equal ones by id.

        `query` is one unit float32 vector, shape (dim,) or (1, dim). With `allowed`, exactly the best among these ids.
        Fewer than `k` come back when there are fewer. Raises VectorIndexError.
        """
        ...

    def reconstruct(self, paper_ids: Sequence[int]) -> tuple[list[int], Vectors]:
        """The ids that are there, in the order asked for, and their vectors, shape (n, dim)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What `vectors.faiss` holds: `seq` and `count` are the store's state, `size` and the checksums the file's."""

    format: int
    model: str
    dim: int
    count: int
    seq: int
    size: int
    ends: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Stale:
    """Why the cache cannot be used as it is."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """What `update` did. `rebuilt` says why the index was made anew ("" when it was not).

    `unfit` are papers whose stored vector has another length than the model's: they are not in the index.
    """

    count: int
    rebuilt: str
    unfit: tuple[int, ...]


class FaissIndex:
    """A read-only view of the cache, or an index in memory made by `of`. Another process may update meanwhile."""

    def __init__(self, index: Any, model: str) -> None:
        self._index = index
        self._model = model

    @property
    def model(self) -> str:
        return self._model

    @property
    def dim(self) -> int:
        return int(self._index.d)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @classmethod
    def of(cls, model: str, ids: Sequence[int], vectors: Vectors) -> FaissIndex:
        """An index in memory of these vectors, shape (n, dim)."""
        index = _empty(vectors.shape[1])
        _add(index, ids, vectors)
        return cls(index, model)

    @classmethod
    def open(cls, folder: Path, model: str, dim: int | None, state: State) -> FaissIndex | Stale:
        """The cache in `folder` if it holds `state` of the vectors of `model`, else why not.

        `dim` is checked when it is given. Only the ends of the file are read; `update` checks all of it.
        """
        found = _checked(folder, model, dim, whole=False)
        if isinstance(found, Stale):
            return found
        if (found.count, found.seq) != state:
            return Stale("the store has other vectors by now")
        try:
            with _faiss_errors(folder):
                faiss = _faiss()
                index = faiss.read_index(str(folder / FILE), faiss.IO_FLAG_MMAP_IFC)
        except VectorIndexError as exc:
            return Stale(exc.message)
        if index.d != found.dim or index.ntotal != found.count:
            return Stale("the file is not the one that its manifest describes")
        return cls(index, model)

    def search(self, query: Vectors, k: int, allowed: Sequence[int] | None = None) -> tuple[list[int], list[float]]:
        """See VectorIndex.search."""
        faiss = _faiss()
        row = np.ascontiguousarray(query, np.float32).reshape(1, -1)
        if row.shape[1] != self.dim:
            raise VectorIndexError(
                f"a query of length {row.shape[1]} against vectors of length {self.dim}", mend="run 'frontier sync'"
            )
        parameters = None
        k = min(k, len(self))
        if allowed is not None:
            wanted = np.unique(np.asarray(allowed, np.int64))
            k = min(k, len(wanted))
            if k > 0:
                parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(wanted))
        if k <= 0:
            return [], []
        with _faiss_errors(None):
            scores, ids = self._index.search(row, k, params=parameters)
        found = [(-float(min(1.0, max(-1.0, s))), int(i)) for s, i in zip(scores[0], ids[0], strict=True) if i >= 0]
        found.sort()
        return [i for _, i in found], [-s for s, _ in found]

    def reconstruct(self, paper_ids: Sequence[int]) -> tuple[list[int], Vectors]:
        """See VectorIndex.reconstruct."""
        found: list[int] = []
        rows: list[NDArray[np.float32]] = []
        for paper_id in paper_ids:
            try:
                rows.append(self._index.reconstruct(int(paper_id)))
            except RuntimeError:  # the id is not there
                continue
            found.append(int(paper_id))
        return found, np.stack(rows) if rows else np.zeros((0, self.dim), np.float32)


def update(
    folder: Path,
    *,
    model: str,
    dim: int,
    state: State,
    since: Callable[[int], Iterable[tuple[int, bytes]]],
    rebuild: bool = False,
) -> Updated:
    """Bring the cache in `folder` to `state`, or make it anew where it cannot be used.

    `since(seq)` gives (paper id, float32 bytes) of the model's vectors written after `seq`, no bytes for one taken away. The whole file is checked
    first. Callers hold a lock: two at once would overwrite each other's work (never tear it). Raises VectorIndexError.
    """
    found = _checked(folder, model, dim, whole=True)
    reason = "asked for" if rebuild else found.reason if isinstance(found, Stale) else ""
    if not reason and isinstance(found, Manifest):
        if (found.count, found.seq) == state:
            return Updated(count=found.count, rebuilt="", unfit=())
        if found.seq > state[1]:
            reason = "the store's vectors are older than the index"
        else:
            index, unfit = _changed(folder, found, since)
            if index.ntotal + len(unfit) == state[0]:
                _write(folder, index, model=model, seq=state[1])
                return Updated(count=int(index.ntotal), rebuilt="", unfit=unfit)
            reason = "papers have left the store"
    with _faiss_errors(folder):
        index = _empty(dim)
    unfit = _fill(index, since(0), fresh=True)
    _write(folder, index, model=model, seq=state[1])
    return Updated(count=int(index.ntotal), rebuilt=reason, unfit=unfit)


def _changed(
    folder: Path, manifest: Manifest, since: Callable[[int], Iterable[tuple[int, bytes]]]
) -> tuple[Any, tuple[int, ...]]:
    with _faiss_errors(folder):
        index = _faiss().read_index(str(folder / FILE))
    return index, _fill(index, since(manifest.seq), fresh=False)


def _fill(index: Any, rows: Iterable[tuple[int, bytes]], *, fresh: bool) -> tuple[int, ...]:
    """Add vectors, replacing those of the same ids and dropping those that are empty by now; returns the papers whose
    vector has another length."""
    unfit: set[int] = set()
    stream = iter(rows)
    while chunk := dict(islice(stream, _CHUNK)):
        bad = {i for i, v in chunk.items() if v and len(v) != 4 * index.d}
        good = [i for i, v in chunk.items() if v and i not in bad]
        unfit = (unfit - chunk.keys()) | bad
        with _faiss_errors(None):
            if not fresh:
                index.remove_ids(np.array(list(chunk), np.int64))
            if good:
                data = np.frombuffer(b"".join(chunk[i] for i in good), "<f4").reshape(len(good), index.d)
                _add(index, good, data)
    return tuple(sorted(unfit))


def _write(folder: Path, index: Any, *, model: str, seq: int) -> None:
    aside = folder / f"{FILE}.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _faiss_errors(folder):
            _faiss().write_index(index, str(aside))
        _sync_to_disk(aside)
        manifest = Manifest(
            format=FORMAT,
            model=model,
            dim=int(index.d),
            count=int(index.ntotal),
            seq=seq,
            size=aside.stat().st_size,
            ends=_ends(aside),
            checksum=_checksum(aside),
        )
        aside.replace(folder / FILE)
        note = folder / f"{MANIFEST}.new"
        note.write_text(json.dumps(asdict(manifest), indent=1) + "\n", "utf-8")
        _sync_to_disk(note)
        note.replace(folder / MANIFEST)
        _sync_to_disk(folder)
    except OSError as exc:
        raise VectorIndexError(
            f"{folder} cannot be written: {exc.strerror or exc}", mend="check the folder, its permissions and the disk"
        ) from exc


def _checked(folder: Path, model: str, dim: int | None, *, whole: bool) -> Manifest | Stale:
    try:
        manifest = _manifest(folder / MANIFEST)
        if isinstance(manifest, Stale):
            return manifest
        if manifest.format != FORMAT:
            return Stale("the index is of another version of Frontier")
        if manifest.model != model:
            return Stale(f"the index holds vectors of another model, {manifest.model!r}")
        if dim is not None and manifest.dim != dim:
            return Stale(f"the index holds vectors of length {manifest.dim}, the model gives {dim}")
        file = folder / FILE
        if file.stat().st_size != manifest.size or _ends(file) != manifest.ends:
            return Stale("the index file is torn")
        if whole and _checksum(file) != manifest.checksum:
            return Stale("the index file is damaged")
    except FileNotFoundError:
        return Stale("there is no index yet")
    except OSError as exc:
        return Stale(f"the index cannot be read: {exc.strerror or exc}")
    return manifest


def _manifest(path: Path) -> Manifest | Stale:
    kinds = {"str": str, "int": int}
    try:
        values = json.loads(path.read_text("utf-8"))
        wanted = {f.name: kinds[str(f.type)] for f in fields(Manifest)}
        if values.keys() == wanted.keys() and all(type(values[n]) is kind for n, kind in wanted.items()):
            return Manifest(**values)
    except (ValueError, AttributeError):  # broken JSON, broken UTF-8, not an object
        pass
    return Stale("the index's manifest cannot be read")


def _ends(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.blake2b(file.read(_ENDS), digest_size=16)
        file.seek(max(0, path.stat().st_size - _ENDS))
        digest.update(file.read(_ENDS))
    return digest.hexdigest()


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _sync_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _faiss() -> Any:
    with warnings.catch_warnings():  # SWIG's types warn on import: https://github.com/swig/swig/issues/2881
        warnings.simplefilter("ignore", DeprecationWarning)
        import faiss
    return faiss


def _empty(dim: int) -> Any:
    faiss = _faiss()
    return faiss.index_factory(dim, "IDMap2,Flat", faiss.METRIC_INNER_PRODUCT)


def _add(index: Any, ids: Sequence[int], vectors: Vectors) -> None:
    index.add_with_ids(np.ascontiguousarray(vectors, np.float32), np.asarray(ids, np.int64))


@contextmanager
def _faiss_errors(folder: Path | None) -> Iterator[None]:
    """FAISS raises RuntimeError (and MemoryError) for everything; its message's last part says what."""
    try:
        yield
    except (RuntimeError, MemoryError, AssertionError) as exc:
        said = (str(exc).strip().splitlines() or [type(exc).__name__])[0].rsplit("Error: ", 1)[-1][:200]
        raise VectorIndexError(
            f"the vector index{f' in {folder}' if folder else ''} failed: {said}", mend="run 'frontier sync --rebuild'"
        ) from exc
