"""Near-duplicates and series of one group are spread over a list, not stacked. Pure functions.

Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): each place goes to the paper whose score is largest after

    score − strength × the largest likeness to a paper above

Likeness is 0 for ordinary papers of one field and 1 for the same text twice; what people share lets it begin earlier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.encoders import Vectors
from ranking.feed import Moved, Ranked

UP_TO = 200
"""Places that are filled so; behind them the order by score stays."""

ALIKE = 0.7
"""Cosine from which two papers begin to be alike (all-MiniLM-L6-v2). Of the papers of one week, one
pair in 2,000 reaches it."""

ALIKE_OF_ONE_GROUP = 0.45
"""The same for two papers that share most of their people."""

MOST = 0.5
"""The share of the shorter author list that makes two papers those of one group."""

Likeness = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a paper came to stand: `index` in the order given, `like` that of the paper above that it is most like (-1: none)."""

    index: int
    like: int


def likeness(cosines: NDArray[np.float32], people: Sequence[frozenset[str]]) -> Likeness:
    """How alike papers are, in [0, 1], shape (n, n), from cosines in [-1, 1] of that shape and their people.

    A cosine that is NaN (a paper without a vector) is likeness 0.
    """
    floor = np.full(cosines.shape, ALIKE)
    group = same_group(people)
    floor[group] = ALIKE_OF_ONE_GROUP
    out: Likeness = np.clip((np.nan_to_num(cosines.astype(np.float64), nan=-1.0) - floor) / (1 - floor), 0.0, 1.0)
    np.fill_diagonal(out, 0.0)
    return out


def same_group(people: Sequence[frozenset[str]]) -> NDArray[np.bool_]:
    """Which papers share at least MOST of the shorter list of people, and two of them; shape (n, n)."""
    out = np.zeros((len(people), len(people)), np.bool_)
    by_name: dict[str, list[int]] = {}
    for n, names in enumerate(people):
        for name in names:
            by_name.setdefault(name, []).append(n)
    shared: dict[tuple[int, int], int] = {}
    for members in by_name.values():
        for i, one in enumerate(members):
            for other in members[i + 1 :]:
                shared[one, other] = shared.get((one, other), 0) + 1
    for (one, other), count in shared.items():
        least = min(len(people[one]), len(people[other]))
        if count >= MOST * least and count >= min(2, least):
            out[one, other] = out[other, one] = True
    return out


def order(scores: Sequence[float], alike: Likeness, strength: float) -> list[Place]:
    """The papers' places, the first being the best. `scores` fall; equal values go by the order given.

    `strength` 0 leaves the order as it is.
    """
    left = list(range(len(scores)))
    held = np.zeros(len(scores))
    by = np.full(len(scores), -1)
    given = np.asarray(scores, np.float64)
    out: list[Place] = []
    while left:
        rest = np.asarray(left)
        best = left.pop(int(np.argmax(given[rest] - strength * held[rest])))
        out.append(Place(index=best, like=int(by[best])))
        nearer = alike[best] > held
        held = np.where(nearer, alike[best], held)
        by = np.where(nearer, best, by)
    return out


def spread(items: Sequence[Ranked], vectors: Mapping[int, Vectors], strength: float) -> list[Ranked]:
    """A ranked list with papers that are like one above moved down, none dropped; what moved says so.

    `vectors` are unit vectors by paper id, shape (dim,). Only papers that belong move, among the first UP_TO.
    """
    head = [r for r in items[:UP_TO] if r.belongs]
    if strength <= 0 or len(head) < 2:
        return list(items)
    people = [frozenset(name.casefold() for name in r.paper.authors) for r in head]
    cosines = _cosines([vectors.get(r.paper.id) for r in head])
    alike = likeness(cosines, people)
    if not alike.any():
        return list(items)
    out: list[Ranked] = []
    for place, found in enumerate(order([r.score for r in head], alike, strength)):
        item = head[found.index]
        if place > found.index and found.like >= 0:
            above = head[found.like]
            item = replace(item, moved=_moved(place - found.index, above, people[found.like], people[found.index]))
        out.append(item)
    return out + list(items[len(head) :])


def _moved(places: int, above: Ranked, theirs: frozenset[str], own: frozenset[str]) -> Moved:
    whose = "by the same people as" if same_group([theirs, own])[0, 1] else "much like"
    return Moved(
        places=places,
        like=above.paper.key,
        why=f"{places} place{'s' if places > 1 else ''} lower: {whose} {above.paper.title!r} above",
    )


def _cosines(rows: Sequence[Vectors | None]) -> NDArray[np.float32]:
    """Cosines of all pairs, NaN where a paper has no vector or one of another length."""
    length = next((len(row) for row in rows if row is not None), 0)
    there = [n for n, row in enumerate(rows) if row is not None and len(row) == length]
    out = np.full((len(rows), len(rows)), np.nan, np.float32)
    if there:
        known = np.stack([np.asarray(rows[n], np.float32) for n in there])
        out[np.ix_(there, there)] = known @ known.T
    return out
