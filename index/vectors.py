"""FAISS as a cache of the store's vectors, which can prove that it is fresh.

The kind follows the number of vectors: exact up to EXACT_UP_TO, above that an inverted file with 8-bit codes
(index.parts) whose best candidates are scored exactly by their vectors in the store. Either kind is three files
(index.manifest): `base`, a large index that stays as it is; `delta`, a small one of the same kind with what was added
since; `gone`, the ids in the base that were removed or replaced since. A search asks both and leaves out what is gone.
An update writes a new delta and a new `gone`; where they have grown beyond FOLD_SHARE of the base, they are folded into
it, which rewrites the base but trains nothing. An inverted file is trained anew when the store has grown OUTGROWN-fold.

For searching, the files are mapped into memory. A mapped index must not be changed: `update` reads its own copies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

from data.errors import VectorIndexError
from index import parts
from index.devices import list_maker
from index.encoders import Vectors
from index.manifest import File, Manifest, Stale, State, Write, checked, put
from index.parts import POINTS_PER_LIST, Ids, faiss_errors

EXACT_UP_TO = 200_000
"""Vectors up to which every query is compared with each of them: about 10 ms a query there."""

OUTGROWN = 4
"""An inverted file serves up to so many times the vectors that it was trained for."""

FOLD_SHARE = 0.1
"""The share of the base that may be added or gone before it is folded in."""

SLACK = 10
"""Papers whose score by 8-bit codes is up to so many standard errors below the k-th are scored exactly too. Of 4,000
scores over 3 million vectors the worst was off by 4.2."""

SPARE = 50
"""Candidates beyond twice `k` that are asked of the codes."""

BRUTE_FORCE_UP_TO = 1000
"""Allowed papers up to which they are all scored by their stored vectors: 5 ms then, as long as reading the lists."""

Stored: TypeAlias = Callable[[Iterable[int]], Mapping[int, bytes]]
"""The store's vectors by paper id, float32 bytes, papers without one left out: `Reader.vectors` of one model."""


class VectorIndex(Protocol):
    """Nearest neighbours by cosine. Ids are paper ids."""

    @property
    def model(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def __len__(self) -> int: ...

    def search(self, query: Vectors, k: int, allowed: Sequence[int] | None = None) -> tuple[list[int], list[float]]:
        """The `k` papers nearest to one query, as ids and cosines in [-1, 1], nearest first, equal ones by id.

        `query` is one unit float32 vector, shape (dim,) or (1, dim). With `allowed`, only these ids are found. An index
        of many vectors may miss some of the nearest (see index.parts.probes_for), but not among few allowed ones. Fewer than
        `k` come back only when there are fewer. Raises VectorIndexError.
        """
        ...

    def reconstruct(self, paper_ids: Sequence[int]) -> tuple[list[int], Vectors]:
        """The ids that are there, in the order asked for, and their vectors, shape (n, dim)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """What `update` did. `rebuilt` says why the index was made anew ("" when it was not).

    `unfit` are papers whose stored vector has another length than the model's: they are not in the index.
    """

    count: int
    rebuilt: str
    unfit: tuple[int, ...]


class FaissIndex:
    """A read-only view of the cache, or an exact index in memory made by `of`. Another process may update meanwhile."""

    def __init__(
        self, base: Any, model: str, *, delta: Any = None, gone: Ids | None = None, stored: Stored | None
    ) -> None:
        """`stored` is needed, and asked, where `base` is an inverted file."""
        self._base = base
        self._delta = parts.exact(base.d) if delta is None else delta
        self._gone = np.zeros(0, np.int64) if gone is None else gone
        self._model = model
        self._stored = stored
        self._places: list[tuple[Ids, Ids]] | None = None

    @property
    def model(self) -> str:
        return self._model

    @property
    def dim(self) -> int:
        return int(self._base.d)

    @property
    def kind(self) -> str:
        """exact or ivf."""
        return _kind(self._base)

    def __len__(self) -> int:
        return _count(self._base, self._delta, self._gone)

    @classmethod
    def of(cls, model: str, ids: Sequence[int], vectors: Vectors) -> FaissIndex:
        """An exact index in memory of these vectors, shape (n, dim)."""
        index = parts.exact(vectors.shape[1])
        parts.add(index, ids, vectors)
        return cls(index, model, stored=None)

    @classmethod
    def open(
        cls, folder: Path, model: str, dim: int | None, state: State, stored: Stored | None = None
    ) -> FaissIndex | Stale:
        """The cache in `folder` if it holds `state` of the vectors of `model`, else why not.

        `dim` is checked when it is given. Only the ends of the files are read; `update` checks all of them. `stored`
        gives the exact vectors that an index of many vectors does not hold itself; without it, such a one is stale.
        """
        found = checked(folder, model, dim, whole=False)
        if isinstance(found, Stale):
            return found
        if (found.count, found.seq) != state:
            return Stale("the store has other vectors by now")
        try:
            base, delta, gone = _loaded(folder, found, delta_mapped=True)
        except VectorIndexError as exc:
            return Stale(exc.message)
        if _kind(base) != "exact" and stored is None:
            return Stale("the index is read together with the store")
        index = cls(base, model, delta=delta, gone=gone, stored=stored)
        if index.dim != found.dim or len(index) != found.count or index.kind != found.kind:
            return Stale("the files are not those that their manifest describes")
        return index

    def search(self, query: Vectors, k: int, allowed: Sequence[int] | None = None) -> tuple[list[int], list[float]]:
        """See VectorIndex.search."""
        row = np.ascontiguousarray(query, np.float32).reshape(1, -1)
        if row.shape[1] != self.dim:
            raise VectorIndexError(
                f"a query of length {row.shape[1]} against vectors of length {self.dim}", mend="run 'frontier sync'"
            )
        only = None if allowed is None else parts.ascending(allowed)
        k = min(k, len(self) if only is None else len(only))
        if k <= 0:
            return [], []
        with faiss_errors(None):
            if self.kind == "exact":
                scores, ids = self._nearest(row, k, 0, only)
            elif only is not None and len(only) <= BRUTE_FORCE_UP_TO:
                scores, ids = self._scored(row, only)
            else:
                scores, ids = self._scored(row, self._candidates(row, k, only))
        best = np.lexsort((ids, -scores))[:k]
        return [int(i) for i in ids[best]], [float(s) for s in np.clip(scores[best], -1.0, 1.0)]

    def reconstruct(self, paper_ids: Sequence[int]) -> tuple[list[int], Vectors]:
        """See VectorIndex.reconstruct."""
        wanted = np.asarray(paper_ids, np.int64)
        if self.kind != "exact":
            known, rows = self._from_store(wanted)
            return [int(i) for i in known], rows
        out = np.zeros((len(wanted), self.dim), np.float32)
        there = np.zeros(len(wanted), np.bool_)
        for index, (ids, order) in zip((self._base, self._delta), self._by_id(), strict=True):
            if len(ids):
                at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
                hit = ids[at] == wanted
                if index is self._base:
                    hit &= ~np.isin(wanted, self._gone)
                out[hit] = parts.rows_of(index)[order[at[hit]]]
                there |= hit
        return [int(i) for i in wanted[there]], out[there]

    def _by_id(self) -> list[tuple[Ids, Ids]]:
        """The ids of base and delta, ascending, and where their vectors lie. Made when it is first needed."""
        if self._places is None:
            places = []
            for index in (self._base, self._delta):
                ids = parts.ids_of(index)
                order = np.argsort(ids, kind="stable")
                places.append((ids[order], order))
            self._places = places
        return self._places

    def _nearest(self, row: Vectors, k: int, probes: int, only: Ids | None) -> tuple[Vectors, Ids]:
        """The `k` best of the base and the `k` best of the delta."""
        scores, ids = parts.nearest(self._base, row, k, probes=probes, only=only, without=self._gone)
        more_scores, more_ids = parts.nearest(self._delta, row, k, probes=probes, only=only)
        return np.concatenate([scores, more_scores]), np.concatenate([ids, more_ids])

    def _candidates(self, row: Vectors, k: int, only: Ids | None) -> Ids:
        """What may be among the `k` best, by codes.

        The fewer a filter lets pass, the more lists are read: as many vectors are compared as if all passed.
        """
        lists = int(self._base.nlist)
        probes = ceil(parts.probes_for(self._base, row) * (1 if only is None else len(self) / len(only)))
        while True:
            scores, ids = self._nearest(row, 2 * k + SPARE, probes, only)
            if len(ids) >= k or probes >= lists:
                break
            probes *= 4  # the lists were too short: fewer than there are must not come back
        if len(ids) <= k:
            return ids
        near: Ids = ids[scores >= np.partition(scores, -k)[-k] - SLACK * parts.code_error(self._base, row[0])]
        return near

    def _scored(self, row: Vectors, ids: Ids) -> tuple[Vectors, Ids]:
        known, rows = self._from_store(ids)
        # In double precision, so that equal vectors score equal wherever they lie in the matrix.
        return (rows.astype(np.float64) @ row[0].astype(np.float64)).astype(np.float32), known

    def _from_store(self, ids: Ids) -> tuple[Ids, Vectors]:
        """The ids that have a vector, in the order given, and their vectors."""
        stored = self._stored(ids.tolist()) if self._stored else {}
        known = [i for i in ids.tolist() if len(stored.get(i, b"")) == 4 * self.dim]
        data = np.frombuffer(b"".join(stored[i] for i in known), "<f4").reshape(len(known), self.dim)
        return np.asarray(known, np.int64), data.astype(np.float32, copy=False)


def update(
    folder: Path,
    *,
    model: str,
    dim: int,
    state: State,
    since: Callable[[int], Iterable[tuple[int, bytes]]],
    rebuild: bool = False,
    exact_up_to: int = EXACT_UP_TO,
) -> Updated:
    """Bring the cache in `folder` to `state`, or make it anew where it cannot be used.

    `since(seq)` gives (paper id, float32 bytes) of the model's vectors written after `seq`, no bytes for one taken away.
    It is asked twice when an inverted file is made. All files are checked first. Callers hold a lock: two at once would
    overwrite each other's work (never tear it). Raises VectorIndexError.
    """
    found = checked(folder, model, dim, whole=True)
    reason = "asked for" if rebuild else found.reason if isinstance(found, Stale) else ""
    if not reason and isinstance(found, Manifest):
        reason = _outgrown(found, state, exact_up_to)
        if not reason:
            if (found.count, found.seq) == state:
                return Updated(count=found.count, rebuilt="", unfit=())
            if found.seq > state[1]:
                reason = "the store's vectors are older than the index"
            elif updated := _changed(folder, found, state, since):
                return updated
            else:
                reason = "papers have left the store"
    with faiss_errors(folder):
        index, empty, unfit = _built(dim, state, since, exact_up_to)
        trained = 0 if parts.is_exact(index) else state[0]
        count = int(index.ntotal)
        base = partial(parts.write, index)
        _put(folder, model, state, trained, base=base, delta=empty, gone=np.zeros(0, np.int64), count=count)
    return Updated(count=count, rebuilt=reason, unfit=unfit)


def _outgrown(found: Manifest, state: State, exact_up_to: int) -> str:
    """Why the kind or the training of an index does not suit so many vectors any more, or ""."""
    if found.kind == "exact":
        return "so many vectors need an index of another kind" if state[0] > exact_up_to else ""
    if state[0] <= exact_up_to // 2:
        return "so few vectors need an index of another kind"
    return "the index has outgrown its training" if state[0] > OUTGROWN * found.trained else ""


def _built(
    dim: int, state: State, since: Callable[[int], Iterable[tuple[int, bytes]]], exact_up_to: int
) -> tuple[Any, Any, tuple[int, ...]]:
    """A new index of all vectors, an empty one like it, and the papers whose vector has another length.

    An inverted file is trained on every n-th vector in the order of writing, on a CUDA device where there is one.
    """
    empty = parts.exact(dim)
    maker = None
    lists = parts.lists_for(state[0])
    if state[0] > exact_up_to:
        step = max(1, state[0] // (lists * POINTS_PER_LIST))
        picked = [v for _, v in islice(since(0), 0, None, step) if len(v) == 4 * dim]
        if len(picked) >= lists:
            maker = list_maker()
            empty = parts.trained(np.frombuffer(b"".join(picked), "<f4").reshape(-1, dim), lists, maker)
        del picked
    index = parts.twin(empty)
    _, unfit = parts.fill(index, since(0), fresh=True, maker=maker)
    return index, empty, unfit


def _changed(
    folder: Path, found: Manifest, state: State, since: Callable[[int], Iterable[tuple[int, bytes]]]
) -> Updated | None:
    """Take over what was written since, or None where that does not lead to `state`."""
    with faiss_errors(folder):
        base, delta, gone = _loaded(folder, found, delta_mapped=False)
        touched, unfit = parts.fill(delta, since(found.seq), fresh=False)
        gone = np.union1d(gone, touched[np.isin(touched, parts.ids_of(base))])
        count = _count(base, delta, gone)
        if count + len(unfit) != state[0]:
            return None
        files: dict[str, Write | File] = {"base": found.files["base"]}
        if delta.ntotal + len(gone) > FOLD_SHARE * base.ntotal:
            base = parts.read(found.path(folder, "base"), mapped=False)
            parts.remove(base, gone)
            base.merge_from(delta, 0)  # empties the delta
            gone = np.zeros(0, np.int64)
            files["base"] = partial(parts.write, base)
        _put(folder, found.model, state, found.trained, base=files["base"], delta=delta, gone=gone, count=count)
    return Updated(count=count, rebuilt="", unfit=unfit)


def _put(
    folder: Path, model: str, state: State, trained: int, *, base: Write | File, delta: Any, gone: Ids, count: int
) -> None:
    put(
        folder,
        kind=_kind(delta),
        model=model,
        dim=int(delta.d),
        count=count,
        state=state,
        trained=trained,
        files={"base": base, "delta": partial(parts.write, delta), "gone": partial(_save_ids, gone)},
    )


def _save_ids(ids: Ids, path: Path) -> None:
    path.write_bytes(ids.astype("<i8").tobytes())


def _loaded(folder: Path, found: Manifest, *, delta_mapped: bool) -> tuple[Any, Any, Ids]:
    with faiss_errors(folder):
        base = parts.read(found.path(folder, "base"), mapped=True)
        delta = parts.read(found.path(folder, "delta"), mapped=delta_mapped)
    try:
        gone = np.fromfile(found.path(folder, "gone"), "<i8").astype(np.int64, copy=False)
    except OSError as exc:
        raise VectorIndexError(
            f"{folder} cannot be read: {exc.strerror or exc}", mend="run 'frontier sync' again"
        ) from exc
    return base, delta, gone


def _count(base: Any, delta: Any, gone: Ids) -> int:
    return int(base.ntotal) - len(gone) + int(delta.ntotal)


def _kind(index: Any) -> str:
    return "exact" if parts.is_exact(index) else "ivf"
