"""Novelty: how far a paper is from what its area had before. Pure functions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from index.encoders import Vectors

WINDOW_DAYS = 90
"""How far back a paper's forerunners are looked for. A field turns over in years, but what a reader of the daily list has
seen before is the last season; the day's work stays a second."""

LEAST_BEFORE = 50
"""Earlier papers that an area needs before anything in it can be called new."""

BLOCK = 512
"""Papers compared with all earlier ones at once."""


def forerunners(papers: Vectors, earlier: Vectors) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The largest cosine of each paper to an earlier one, and which that is; both of shape (n_papers,).

    Rows are unit vectors, shapes (n_papers, dim) and (n_earlier > 0, dim). ValueError without any earlier one.
    """
    if not len(earlier):
        raise ValueError("nothing came before")
    cosines = np.empty(len(papers), np.float32)
    nearest = np.empty(len(papers), np.int64)
    for start in range(0, len(papers), BLOCK):
        near = papers[start : start + BLOCK] @ earlier.T
        best = near.argmax(axis=1)
        nearest[start : start + BLOCK] = best
        cosines[start : start + BLOCK] = np.clip(near[np.arange(len(near)), best], -1.0, 1.0)
    return cosines, nearest


def shares(cosines: NDArray[np.float32], among: NDArray[np.float32]) -> NDArray[np.float64]:
    """The share of `among` that had a nearer forerunner, half of those equal included; in [0, 1], NaN among none."""
    if not len(among):
        return np.full(len(cosines), np.nan)
    peers = np.sort(among)
    nearer = len(peers) - (np.searchsorted(peers, cosines, "left") + np.searchsorted(peers, cosines, "right")) / 2
    return np.asarray(nearer / len(peers), np.float64)
