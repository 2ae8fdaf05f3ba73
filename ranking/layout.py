"""Where papers lie on a map: two dimensions by UMAP, places for papers that come later, and names for what lies together.

Pure functions, the same each time: the neighbours are exact, the seed is fixed, and the map begins at the two principal
axes, or at the map of before, so that one made anew keeps its shape. UMAP is McInnes, Healy and Melville, "UMAP: Uniform
Manifold Approximation and Projection for Dimension Reduction" (2018).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from index.encoders import Vectors
from ranking import topics

Places = NDArray[np.float32]
"""Places on a map, shape (n_papers, 2), each axis in [0, 1]."""

SEED = 20251124
NEIGHBOURS = 15
"""UMAP's own default: how many papers around it decide where one lies."""

MIN_DIST = 0.15
"""How close papers may lie; a little more than UMAP's default, so that points can be told apart."""

AGAIN_EPOCHS, AGAIN_RATE = 100, 0.25
"""How long and how boldly a map that begins at the one of before is laid out: old papers are near their places already,
and longer or bolder, whole groups wander."""

FEWEST = 12
"""Fewer papers have no neighbourhood worth the name: they lie by their two principal axes."""

FITTED_AT_MOST = 20_000
"""Papers that a map is fitted on, spread evenly over all; the others are placed. It bounds the time a map takes."""

PLACED_BY = 8
"""Nearest papers that decide where a new one lies."""

SHARPNESS = 0.05
"""The loss of cosine at which a neighbour counts e times less than the nearest one."""

PAPERS_PER_GROUP = 60
FEWEST_GROUPS, MOST_GROUPS = 3, 24
LEAST_NAMED = 40
"""Fewer papers are not grouped: what a handful shares is chance."""

NAME_WORDS = 2
_AT_ONCE = 1024
_CELLS = 24


def nearest(vectors: Vectors, among: Vectors, k: int, *, same: bool = False) -> tuple[NDArray[np.int64], Vectors]:
    """The `k` nearest rows of `among` and their cosines, nearest first, both of shape (n, k). Rows are unit vectors.

    With `same` the two are one matrix, and each row comes first among its own. ValueError for fewer rows than `k`.
    """
    if len(among) < k:
        raise ValueError(f"{k} neighbours among {len(among)} papers")
    found = np.empty((len(vectors), k), np.int64)
    cosines = np.empty((len(vectors), k), np.float32)
    for start in range(0, len(vectors), _AT_ONCE):
        near = vectors[start : start + _AT_ONCE] @ among.T
        rows = np.arange(len(near))
        if same:
            near[rows, rows + start] = 2  # before its own copies
        best = np.argpartition(near, -k, axis=1)[:, -k:]
        values = near[rows[:, None], best]
        order = np.lexsort((best, -values), axis=1)
        found[start : start + _AT_ONCE] = best[rows[:, None], order]
        cosines[start : start + _AT_ONCE] = values[rows[:, None], order]
    return found, np.clip(cosines, -1, 1)


def fit(vectors: Vectors, start: Places | None = None) -> Places:
    """A place for each paper. Rows of `vectors` are unit vectors; `start` are the places of before, where there are any."""
    vectors = np.nan_to_num(vectors)
    again = {} if start is None else {"n_epochs": AGAIN_EPOCHS, "learning_rate": AGAIN_RATE}
    start = _principal(vectors) if start is None else _unit_square(start)
    if len(vectors) < FEWEST:
        return start
    k = min(NEIGHBOURS, len(vectors) - 1)
    found, cosines = nearest(vectors, vectors, k, same=True)
    with warnings.catch_warnings():
        # It tells that neighbours which were found elsewhere leave it unable to place others, which `place` does here.
        warnings.simplefilter("ignore")
        from umap import UMAP

        model = UMAP(
            n_neighbors=k,
            min_dist=MIN_DIST,
            metric="cosine",
            init=start,
            random_state=SEED,
            n_jobs=1,
            precomputed_knn=(found, 1 - cosines, None),
            **again,
        )
        return _unit_square(model.fit_transform(vectors))


def place(vectors: Vectors, known: Vectors, places: Places) -> Places:
    """Where new papers lie on a map: the mean of the places of their nearest papers there, the nearer the heavier.

    Rows of `vectors` and `known` are unit vectors; `places` are those of `known`, of which there is at least one.
    """
    vectors = np.nan_to_num(vectors)
    found, cosines = nearest(vectors, np.nan_to_num(known), min(PLACED_BY, len(known)))
    weights = np.exp((cosines - cosines[:, :1]) / SHARPNESS)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray((places[found] * weights[:, :, None]).sum(axis=1), np.float32)


def sample(count: int) -> NDArray[np.int64]:
    """Which of so many papers a map is fitted on: all, or FITTED_AT_MOST spread evenly."""
    if count <= FITTED_AT_MOST:
        return np.arange(count)
    return np.linspace(0, count - 1, FITTED_AT_MOST).astype(np.int64)


def groups(vectors: Vectors, texts: Sequence[tuple[str, str]]) -> tuple[NDArray[np.int64], list[str]]:
    """Groups of papers that are near each other, as the index of each paper's group, and the groups' names: their telling
    words, "" where none tell. No groups for a few papers. `texts` are (title, abstract)."""
    if len(vectors) < LEAST_NAMED:
        return np.full(len(vectors), -1), []
    count = min(MOST_GROUPS, max(FEWEST_GROUPS, len(vectors) // PAPERS_PER_GROUP))
    vectors = np.nan_to_num(vectors)
    group = topics.assign(vectors, topics.fit(vectors, count)).topic
    members = [[texts[i] for i in np.flatnonzero(group == n).tolist()] for n in range(count)]
    words = topics.telling_words(members, texts)
    return group, [", ".join(some[:NAME_WORDS]) for some in words]


def middle(places: Places) -> tuple[float, float]:
    """Where a label stands: the mean of the papers in the fullest part of a group, which the mean of all may lie outside
    of. At least one place."""
    cells = np.clip((places * _CELLS).astype(np.int64), 0, _CELLS - 1)
    counts = np.zeros((_CELLS + 2, _CELLS + 2))
    np.add.at(counts, (cells[:, 0] + 1, cells[:, 1] + 1), 1)
    around = [counts[1 + i : _CELLS + 1 + i, 1 + j : _CELLS + 1 + j] for i in (-1, 0, 1) for j in (-1, 0, 1)]
    full = np.sum(around, axis=0)[cells[:, 0], cells[:, 1]]
    x, y = places[full == full.max()].mean(axis=0).tolist()
    return float(x), float(y)


def _principal(vectors: Vectors) -> Places:
    """The two directions in which papers differ most; the sign is fixed, which a decomposition leaves open."""
    if not len(vectors):
        return np.zeros((0, 2), np.float32)
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, :-3:-1]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    return _unit_square(centred @ axes)


def _unit_square(places: NDArray[np.floating]) -> Places:
    """Each axis stretched to [0, 1]; an axis on which nothing differs is all 0.5."""
    if not len(places):
        return np.zeros((0, 2), np.float32)
    low, high = places.min(axis=0), places.max(axis=0)
    spread = high - low
    return np.where(spread > 0, (places - low) / np.where(spread > 0, spread, 1), 0.5).astype(np.float32)
