"""Many vectors on a CUDA device: exact search, and the making of an inverted file.

`DeviceIndex` holds every vector as two half-precision parts: the rounded one, which a query reads as a whole, and what
rounding took away, which is read for the few candidates alone, so that their scores are those of float32. How far rounding
can err is known, so is whether the candidates are enough: the result is exact.

`TorchLists` and `FaissLists` find the centroids of an inverted file and the nearest one of each vector, which is nearly all
that its making takes. The index itself is FAISS's on the CPU, and so are its files.

Everything but `FaissLists` runs on the device "cpu" too, for tests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from data.errors import VectorIndexError
from index import parts
from index.encoders import Vectors
from index.parts import Ids

HALF_ERROR = 2.0**-9
"""What a score of unit vectors in half precision is off by, at the most: rounding (2^-11 of a value) of the query, of the
vector and of the result, and some for adding up."""

REST_SCALE = 2.0**11
"""What rounding takes away is kept this many times as large: half precision has no small numbers."""

SPARE = 50
"""Candidates beyond twice `k`."""

SCORES_AT_ONCE = 1 << 26
"""Scores that are held at a time: 128 MB."""

ROWS_AT_ONCE = 1 << 20
"""Vectors that are copied at a time: 800 MB."""

TIMED_FROM = 100_000
"""Vectors from which ways to score a single query are timed against each other."""

MEMORY_SHARE = 0.8
"""The share of a device's free memory that vectors may take."""


def shortage(count: int, dim: int, device: str = "cuda") -> str:
    """Why a DeviceIndex of so many vectors would not fit a device's free memory, or ""."""
    free, _ = torch.cuda.mem_get_info(device)
    need = 4 * count * dim + 4 * SCORES_AT_ONCE
    if need <= MEMORY_SHARE * free:
        return ""
    return f"{count:,} vectors need {need / 2**30:.1f} GiB, {free / 2**30:.1f} GiB are free on {device}"


Product: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Scores, shape (b, n), of queries (b, dim) against vectors (n, dim)."""


def _matrix(queries: Tensor, rows: Tensor) -> Tensor:
    return queries @ rows.T


def _vector(queries: Tensor, rows: Tensor) -> Tensor:
    return torch.mv(rows, queries[0])[None]


def _eight(queries: Tensor, rows: Tensor) -> Tensor:
    """As many rows as matrix units want at least."""
    return (functional.pad(queries, (0, 0, 0, 7)) @ rows.T)[:1]


def _swapped(queries: Tensor, rows: Tensor) -> Tensor:
    return (rows @ functional.pad(queries, (0, 0, 0, 7)).T)[:, :1].T


SINGLE: tuple[Product, ...] = (_matrix, _vector, _eight, _swapped)
"""Ways to score a single query; which one is near the memory's speed depends on device and library."""


class DeviceIndex:
    """An exact VectorIndex on a device. What changes in the store makes a new one."""

    def __init__(self, model: str, dim: int, device: str = "cuda", *, room: int) -> None:
        """An empty one with room for so many vectors. Raises VectorIndexError where there is no such device or memory."""
        self._model = model
        self._count = 0
        try:
            self._device = torch.device(device)
            self._halves = torch.empty((room, dim), dtype=torch.float16, device=self._device)
            self._rests = torch.empty_like(self._halves)
        except RuntimeError as exc:
            raise VectorIndexError(f"no vectors fit {device}: {exc}", mend="free some of its memory") from exc
        self._ids = np.zeros(room, np.int64)
        self._sorted: tuple[Ids, Ids] | None = None
        self.product: Product = _matrix

    @classmethod
    def of(cls, model: str, ids: Sequence[int], vectors: Vectors, device: str = "cuda") -> DeviceIndex:
        """An index of these vectors, shape (n, dim)."""
        index = cls(model, vectors.shape[1], device, room=len(ids))
        index.add(ids, vectors)
        return index

    @property
    def model(self) -> str:
        return self._model

    @property
    def dim(self) -> int:
        return int(self._halves.shape[1])

    def __len__(self) -> int:
        return self._count

    def add(self, ids: Sequence[int], vectors: Vectors | Tensor) -> None:
        """Add unit vectors, shape (n, dim), whose ids are not there yet, as far as there is room (else ValueError)."""
        end = self._count + len(ids)
        if end > len(self._ids):
            raise ValueError(f"room for {len(self._ids)} vectors, not for {end}")
        at = slice(self._count, end)
        given = vectors if isinstance(vectors, Tensor) else torch.tensor(vectors)
        exact = given.to(self._device, torch.float32)
        halves = exact.half()
        self._halves[at] = halves
        self._rests[at] = (exact - halves.float()) * REST_SCALE
        self._ids[at] = ids
        self._sorted = None
        self._count = end

    def search(self, query: Vectors, k: int, allowed: Sequence[int] | None = None) -> tuple[list[int], list[float]]:
        """See VectorIndex.search."""
        row = np.asarray(query, np.float32).reshape(1, -1)
        ids, scores = self.search_many(row, k, allowed)
        return [int(i) for i in ids[0]], [float(s) for s in scores[0]]

    def search_many(self, queries: Vectors, k: int, allowed: Sequence[int] | None = None) -> tuple[Ids, Vectors]:
        """As `search` for several queries at a time, shape (b, dim): ids and cosines, both of shape (b, k) or of as many
        columns as there are vectors (that are allowed)."""
        if queries.shape[1] != self.dim:
            raise VectorIndexError(
                f"a query of length {queries.shape[1]} against vectors of length {self.dim}", mend="run 'frontier sync'"
            )
        among = None if allowed is None else self._places_of(parts.ascending(allowed))[1]
        k = min(k, self._count if among is None else len(among))
        ids, scores = np.zeros((len(queries), max(k, 0)), np.int64), np.zeros((len(queries), max(k, 0)), np.float32)
        if k > 0:
            place = None if among is None else torch.tensor(among, device=self._device)
            asked = torch.tensor(queries, dtype=torch.float32, device=self._device)
            with torch.inference_mode():
                self._fill(asked, place, ids, scores)
        return ids, np.clip(scores, -1, 1)

    def reconstruct(self, paper_ids: Sequence[int]) -> tuple[list[int], Vectors]:
        """See VectorIndex.reconstruct."""
        there, at = self._places_of(np.asarray(paper_ids, np.int64))
        rows = self._exact(torch.tensor(at, device=self._device)).cpu().numpy()
        return [int(i) for i in np.asarray(paper_ids, np.int64)[there]], rows

    def tune(self) -> dict[str, float]:
        """Take the fastest way to score a single query and pick the best; the seconds that each takes here."""
        query = torch.ones((1, self.dim), dtype=torch.float16, device=self._device)
        rows = self._halves[: self._count]
        taken = {}
        for product in SINGLE:
            times = []
            for _ in range(4):
                self._wait()
                started = time.perf_counter()
                product(query, rows).topk(min(SPARE, len(rows)), dim=1)
                self._wait()
                times.append(time.perf_counter() - started)
            taken[product] = min(times)
        self.product = min(taken, key=taken.__getitem__)
        return {product.__name__.strip("_"): seconds for product, seconds in taken.items()}

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)

    def _places_of(self, wanted: Ids) -> tuple[NDArray[np.bool_], Ids]:
        """Which of the ids are there, and where those lie."""
        if self._sorted is None:
            ids = self._ids[: self._count]
            order = np.argsort(ids, kind="stable")
            self._sorted = ids[order], order
        ids, order = self._sorted
        if not len(ids):
            return np.zeros(len(wanted), np.bool_), np.zeros(0, np.int64)
        at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
        there = ids[at] == wanted
        return there, order[at[there]]

    def _exact(self, places: Tensor) -> Tensor:
        return self._halves[places].float() + self._rests[places].float() / REST_SCALE

    def _fill(self, queries: Tensor, among: Tensor | None, ids: Ids, scores: Vectors) -> None:
        """The best of each query into the rows of `ids` and `scores`, whose columns say how many.

        As many candidates are looked at as needed to be sure that none with a better score is left out.
        """
        k = ids.shape[1]
        there = self._count if among is None else len(among)
        left = np.arange(len(queries))
        width = min(2 * k + SPARE, there)
        while len(left):
            asked = queries if len(left) == len(queries) else queries[torch.tensor(left, device=self._device)]
            rough, places = self._candidates(asked.half(), among, width)
            exact = self._rescored(asked, places)
            sure = np.ones(len(left), np.bool_)
            if width < there:
                sure = (rough[:, k - 1] - rough[:, -1] > 2 * HALF_ERROR).cpu().numpy()
            known = self._ids[places.cpu().numpy()]
            best = np.lexsort((known, -exact), axis=1)[:, :k]
            ids[left[sure]] = np.take_along_axis(known, best, 1)[sure]
            scores[left[sure]] = np.take_along_axis(exact, best, 1)[sure]
            left = left[~sure]
            width = min(4 * width, there)

    def _rescored(self, queries: Tensor, places: Tensor) -> Vectors:
        """Scores in float32 of each query's candidates, both (b, width)."""
        width = places.shape[1]
        step = max(1, ROWS_AT_ONCE // width)
        scored = []
        for start in range(0, len(queries), step):
            some = places[start : start + step]
            rows = self._exact(some.reshape(-1)).view(len(some), width, -1)
            scored.append((rows * queries[start : start + step, None]).sum(dim=2))
        return np.asarray(torch.cat(scored).cpu().numpy(), np.float32)

    def _candidates(self, queries: Tensor, among: Tensor | None, width: int) -> tuple[Tensor, Tensor]:
        """Scores in half precision (as float32) and places of the best `width`, both of shape (b, width), best first."""
        product = self.product if len(queries) == 1 else _matrix
        there = self._count if among is None else len(among)
        step = max(width, SCORES_AT_ONCE // len(queries)) if among is None else max(width, ROWS_AT_ONCE)
        best, places = [], []
        for start in range(0, there, step):
            part = slice(start, min(start + step, there))
            rows = self._halves[part] if among is None else self._halves[among[part]]
            top = product(queries, rows).topk(min(width, len(rows)), dim=1)
            best.append(top.values)
            places.append(top.indices + start)
        if len(best) == 1:
            at = places[0]
            rough = best[0]
        else:
            rough, picked = torch.cat(best, dim=1).topk(width, dim=1)
            at = torch.cat(places, dim=1).gather(1, picked)
        return rough.float(), at if among is None else among[at]


class TorchLists:
    """Through torch: products in half precision on a CUDA device."""

    def __init__(self, device: str = "cuda") -> None:
        self._device = torch.device(device)
        self._dtype = torch.float16 if self._device.type == "cuda" else torch.float32
        self._last: tuple[Vectors, Tensor] | None = None

    @torch.inference_mode()
    def centroids(self, sample: Vectors, lists: int, rounds: int) -> Vectors:
        """See parts.ListMaker.centroids. A centroid that nothing is nearest to becomes a vector drawn at random."""
        chance = np.random.default_rng(20251124)
        rows = torch.tensor(sample, dtype=torch.float32, device=self._device)
        centres = rows[chance.choice(len(sample), lists, replace=False)]
        for _ in range(rounds):
            near = self._near(rows, centres)
            order = near.argsort(stable=True)  # adding up in a fixed order gives the same sums every time
            sizes = torch.bincount(near, minlength=lists)
            means = torch.segment_reduce(rows[order], "sum", lengths=sizes, axis=0)
            drawn = rows[chance.integers(0, len(sample), lists)]
            centres = functional.normalize(torch.where(sizes[:, None] > 0, means, drawn))
        return np.asarray(centres.cpu().numpy(), np.float32)

    @torch.inference_mode()
    def nearest(self, rows: Vectors, centroids: Vectors) -> Ids:
        """See parts.ListMaker.nearest."""
        if self._last is None or self._last[0] is not centroids:
            self._last = centroids, torch.tensor(centroids, device=self._device)
        near = self._near(torch.tensor(rows, dtype=torch.float32, device=self._device), self._last[1])
        return np.asarray(near.cpu().numpy(), np.int64)

    def _near(self, rows: Tensor, centres: Tensor) -> Tensor:
        columns = centres.to(self._dtype).T
        step = max(1, SCORES_AT_ONCE // len(centres))
        starts = range(0, max(1, len(rows)), step)
        return torch.cat([(rows[n : n + step].to(self._dtype) @ columns).argmax(dim=1) for n in starts])


class FaissLists:
    """Through FAISS's GPU build. `flat(dim)` makes an exact index of inner products that lies on a device."""

    def __init__(self, flat: Callable[[int], Any]) -> None:
        self._flat = flat
        self._last: tuple[Vectors, Any] | None = None

    def centroids(self, sample: Vectors, lists: int, rounds: int) -> Vectors:
        """See parts.ListMaker.centroids."""
        faiss = parts.load_faiss()
        how = {"niter": rounds, "spherical": True, "min_points_per_centroid": 1, "seed": 1234, "verbose": False}
        training = faiss.Clustering(sample.shape[1], lists)
        for name, value in how.items():
            setattr(training, name, value)
        training.train(np.ascontiguousarray(sample, np.float32), self._flat(sample.shape[1]))
        return np.asarray(faiss.vector_to_array(training.centroids), np.float32).reshape(lists, -1)

    def nearest(self, rows: Vectors, centroids: Vectors) -> Ids:
        """See parts.ListMaker.nearest."""
        if self._last is None or self._last[0] is not centroids:
            flat = self._flat(centroids.shape[1])
            flat.add(centroids)
            self._last = centroids, flat
        _, found = self._last[1].search(np.ascontiguousarray(rows, np.float32), 1)
        return np.asarray(found[:, 0], np.int64)


def loaded(
    model: str, dim: int, count: int, rows: Iterable[tuple[int, bytes]], device: str = "cuda"
) -> DeviceIndex | str:
    """A DeviceIndex of the (id, float32 bytes) of `rows`, `count` of them at the most, or why there is none.

    Vectors of another length are left out, as in the index on the CPU.
    """
    if why := shortage(count, dim, device) if device != "cpu" else "":
        return why
    index = DeviceIndex(model, dim, device, room=count)
    for ids, vectors in _chunks(rows, dim):
        index.add(ids, vectors)
    if device != "cpu" and count >= TIMED_FROM:
        index.tune()
    return index


def _chunks(rows: Iterable[tuple[int, bytes]], dim: int, size: int = 50_000) -> Iterator[tuple[list[int], Vectors]]:
    ids: list[int] = []
    held: list[bytes] = []
    for number, vector in rows:
        if len(vector) == 4 * dim:
            ids.append(number)
            held.append(vector)
        if len(ids) == size:
            yield ids, np.frombuffer(b"".join(held), "<f4").reshape(-1, dim)
            ids, held = [], []
    if ids:
        yield ids, np.frombuffer(b"".join(held), "<f4").reshape(-1, dim)
