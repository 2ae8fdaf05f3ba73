"""The two kinds of FAISS index that a vector index is made of. Inner product over unit vectors; ids are paper ids.

`exact`: `IDMap,Flat`, every vector as float32. `ivf`: an inverted file whose lists hold 8-bit codes of what is left of a
vector after its list's centroid; only the lists nearest to a query are read (IVF and scalar quantisation:
https://github.com/facebookresearch/faiss/wiki/Faiss-indexes).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from math import log2, sqrt
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from data.errors import VectorIndexError
from index.encoders import Vectors

Ids: TypeAlias = NDArray[np.int64]

FEWEST, MOST = 64, 320
LIST_GAP = 0.185
"""Lists read for a query that no filter narrows: those whose centroids have an inner product with it that is lower than the best
one's by so much at most, between so many. Recall and time grow with all of these (docs/performance.md)."""

BY_LISTS = 1
"""FAISS's `parallel_mode` in which one query's lists are shared among the processor's threads; by default, only queries are."""

POINTS_PER_LIST = 50
"""Vectors that a list's centroid is trained on: FAISS asks for 39 at least."""

TRAINING_ROUNDS = 8
"""Rounds of k-means: training takes as many times as long as assigning the sample once."""

BITS_PER_ID = 4096
"""Ids are looked up in a bitmap (row numbers are dense) unless that takes more than so many bits for each."""

WIDENED = 0.1
"""How much further than the sample's values codes reach, as a share of their range on either side."""

_CHUNK = 5000
"""Vectors added at a time."""


class ListMaker(Protocol):
    """Finds an inverted file's centroids and what lies nearest to which."""

    def centroids(self, sample: Vectors, lists: int, rounds: int) -> Vectors:
        """Unit vectors, shape (lists, dim), by spherical k-means over the sample. The same sample gives the same ones."""
        ...

    def nearest(self, rows: Vectors, centroids: Vectors) -> Ids:
        """The number of the centroid nearest to each row, shape (n,)."""
        ...


def lists_for(count: int) -> int:
    """How many lists an inverted file of `count` vectors has: the power of two nearest to 1.2 times the root.

    512 for 200,000, 2,048 for 3 million. Twice as many would take twice the training and assigning.
    """
    return int(2 ** max(0, round(log2(1.2 * sqrt(max(count, 1))))))


def exact(dim: int) -> Any:
    """An empty exact index."""
    faiss = load_faiss()
    return faiss.index_factory(dim, "IDMap,Flat", faiss.METRIC_INNER_PRODUCT)


def trained(sample: Vectors, lists: int, maker: ListMaker | None = None) -> Any:
    """An empty inverted file trained on a sample of at least `lists` vectors. The same sample gives the same index.

    Without a `maker`, FAISS finds the centroids on the CPU.
    """
    faiss = load_faiss()
    index = faiss.index_factory(sample.shape[1], f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
    index.sq.rangestat_arg = WIDENED
    index.cp.niter = TRAINING_ROUNDS
    index.cp.min_points_per_centroid = 1  # else FAISS writes a warning to the terminal
    if maker:
        index.quantizer.add(maker.centroids(sample, lists, TRAINING_ROUNDS))  # what is left to train are the codes
    index.train(np.ascontiguousarray(sample, np.float32))
    return index


def twin(index: Any) -> Any:
    """A copy in memory, which can be changed."""
    faiss = load_faiss()
    return faiss.deserialize_index(faiss.serialize_index(index))


def add(index: Any, ids: Sequence[int], vectors: Vectors, lists: Ids | None = None) -> None:
    """Add vectors, shape (n, dim). `lists` are the numbers of their lists, where these are known."""
    rows, keys = np.ascontiguousarray(vectors, np.float32), np.asarray(ids, np.int64)
    if lists is None:
        index.add_with_ids(rows, keys)
    else:
        pointer = load_faiss().swig_ptr
        index.add_core(len(keys), pointer(rows), pointer(keys), pointer(np.ascontiguousarray(lists, np.int64)))


def fill(
    index: Any, rows: Iterable[tuple[int, bytes]], *, fresh: bool, maker: ListMaker | None = None
) -> tuple[Ids, tuple[int, ...]]:
    """Add (id, float32 bytes), replacing those of the same ids and dropping those that are empty by now.

    Returns all ids that came, ascending, and those whose vector has another length. `fresh` says that the index is
    empty and no id comes twice. A `maker` finds the lists of an inverted file's vectors.
    """
    centroids = index.quantizer.reconstruct_n(0, index.nlist) if maker and not is_exact(index) else None
    seen: list[int] = []
    unfit: set[int] = set()
    stream = iter(rows)
    while chunk := dict(islice(stream, _CHUNK)):
        bad = {i for i, v in chunk.items() if v and len(v) != 4 * index.d}
        good = [i for i, v in chunk.items() if v and i not in bad]
        unfit = (unfit - chunk.keys()) | bad
        if not fresh:
            seen += chunk
            remove(index, np.fromiter(chunk, np.int64, len(chunk)))
        if good:
            data = np.frombuffer(b"".join(chunk[i] for i in good), "<f4").reshape(len(good), index.d)
            add(index, good, data, maker.nearest(data, centroids) if maker and centroids is not None else None)
    return ascending(seen), tuple(sorted(unfit))


def remove(index: Any, ids: Ids) -> None:
    """Remove the vectors of these ids, where there are any. Not for a mapped index: that ends the process."""
    if len(ids) and index.ntotal:
        index.remove_ids(ids)


def ascending(ids: Sequence[int]) -> Ids:
    """The ids in ascending order, each once. (numpy.unique takes a second for a million.)"""
    out = np.asarray(ids, np.int64)
    if (np.diff(out) > 0).all():
        return out
    out = np.sort(out)
    return out[np.diff(out, prepend=out[:1] - 1) > 0]


def is_exact(index: Any) -> bool:
    return not hasattr(index, "nlist")


def ids_of(index: Any) -> Ids:
    """The ids in an index, in its own order."""
    faiss = load_faiss()
    if is_exact(index):
        return np.asarray(faiss.vector_to_array(index.id_map), np.int64)
    lists = index.invlists
    sizes = [int(lists.list_size(n)) for n in range(index.nlist)]
    held = [faiss.rev_swig_ptr(lists.get_ids(n), size) for n, size in enumerate(sizes) if size]
    return np.concatenate(held) if held else np.zeros(0, np.int64)


def rows_of(index: Any) -> Vectors:
    """The vectors of an exact index in its own order, as a view of its memory."""
    faiss = load_faiss()
    flat = faiss.downcast_index(index.index)
    if not index.ntotal:
        return np.zeros((0, index.d), np.float32)
    return np.asarray(faiss.rev_swig_ptr(flat.get_xb(), index.ntotal * index.d)).reshape(-1, index.d)


def nearest(
    index: Any, query: Vectors, k: int, *, probes: int, only: Ids | None = None, without: Ids | None = None
) -> tuple[Vectors, Ids]:
    """Inner products and ids of the `k` nearest to one row, best first: among `only`, or else all but `without`.

    `probes` is how many lists of an inverted file are read; its scores are those of the codes.
    """
    faiss = load_faiss()
    if only is not None and without is not None and len(without):
        only = np.setdiff1d(only, without, assume_unique=True)
    if only is not None:
        k = min(k, len(only))
    k = min(k, int(index.ntotal))
    if k <= 0:
        return np.zeros(0, np.float32), np.zeros(0, np.int64)
    selector = None
    if only is not None:
        selector = _selector(only)
    elif without is not None and len(without):
        selector = faiss.IDSelectorNot(_selector(without))
    make, how = faiss.SearchParameters, {}
    if not is_exact(index):
        make, how = faiss.SearchParametersIVF, {"nprobe": min(probes, int(index.nlist))}
        index.parallel_mode = BY_LISTS
    scores, ids = index.search(query, k, params=make(sel=selector, **how))
    there = ids[0] >= 0
    return scores[0][there], ids[0][there]


def probes_for(index: Any, query: Vectors) -> int:
    """How many lists of an inverted file to read for a query of shape (1, dim): the more, the less its nearest lists stand out."""
    scores, _ = index.quantizer.search(query, min(MOST, int(index.nlist)))
    return max(FEWEST, int(np.count_nonzero(scores[0] >= scores[0, 0] - LIST_GAP)))


def code_error(index: Any, query: Vectors) -> float:
    """The standard error of an inverted file's scores for a query of shape (dim,): rounding to 8 bits errs evenly
    within a step in every component."""
    steps = load_faiss().vector_to_array(index.sq.trained)[index.d :] / 255
    return float(np.linalg.norm(steps * query) / sqrt(12))


def _selector(ids: Ids) -> Any:
    """Membership in ascending ids."""
    faiss = load_faiss()
    top = int(ids[-1]) + 1
    if int(ids[0]) < 0 or top > BITS_PER_ID * len(ids):
        return faiss.IDSelectorBatch(ids)
    bits = np.zeros(top, np.bool_)
    bits[ids] = True
    return faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little"))


def read(path: Path, *, mapped: bool) -> Any:
    """An index from its file; mapped into memory (which takes milliseconds at any size) it must not be changed: FAISS
    1.15.1 ends the process on it."""
    faiss = load_faiss()
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC if mapped else 0)


def write(index: Any, path: Path) -> None:
    load_faiss().write_index(index, str(path))


def load_faiss() -> Any:
    with warnings.catch_warnings():  # SWIG's types warn on import: https://github.com/swig/swig/issues/2881
        warnings.simplefilter("ignore", DeprecationWarning)
        import faiss
    return faiss


@contextmanager
def faiss_errors(folder: Path | None) -> Iterator[None]:
    """FAISS raises RuntimeError (and MemoryError) for everything; its message's last part says what."""
    try:
        yield
    except (RuntimeError, MemoryError, AssertionError) as exc:
        said = (str(exc).strip().splitlines() or [type(exc).__name__])[0].rsplit("Error: ", 1)[-1][:200]
        raise VectorIndexError(
            f"the vector index{f' in {folder}' if folder else ''} failed: {said}", mend="run 'frontier sync --rebuild'"
        ) from exc
