"""How good search is, on queries with known answers: recall, reciprocal rank and discounted gain at fixed depths, each
with a bootstrap interval over the queries."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from data.errors import InputError

DEPTH = 100
"""How many hits a search should give for the figures to be right."""

MEASURES = ("mrr_at_10", "recall_at_1", "recall_at_10", "recall_at_100", "ndcg_at_10")
"""What is measured of a search, each in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """A query and the ids of the papers that answer it, as written in the file."""

    query: str
    relevant: tuple[str, ...]


def labelled_lines(path: Path) -> Iterator[tuple[str, str]]:
    """The lines of a file that are not empty, each after its place (FILE:NUMBER). Raises InputError."""
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except OSError as exc:
        raise InputError(str(path), exc.strerror or str(exc)) from exc
    except UnicodeDecodeError as exc:
        raise InputError(str(path), "not UTF-8 text") from exc
    return ((f"{path}:{number}", line) for number, line in enumerate(lines, 1) if line.strip())


def read_queries(path: Path) -> tuple[list[SearchQuery], list[str]]:
    """The queries of a JSON-lines file, {"query": text, "relevant": [ids]} each, and those that stand in it again, which
    are one query with all its relevant ids. Raises InputError with the line."""
    relevant: dict[str, list[str]] = {}
    again: list[str] = []
    for where, line in labelled_lines(path):
        query, ids = _query(line, where)
        if query in relevant:
            again.append(query)
        relevant.setdefault(query, []).extend(ids)
    if not relevant:
        raise InputError(str(path), "holds no queries", mend=_FORM)
    return [SearchQuery(query=q, relevant=tuple(dict.fromkeys(ids))) for q, ids in relevant.items()], again


_FORM = 'each line is {"query": "...", "relevant": ["ID"]}'


def _query(line: str, where: str) -> tuple[str, list[str]]:
    try:
        value = json.loads(line)
        query, relevant = value["query"], value["relevant"]
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise InputError(where, "not a search query", mend=_FORM) from exc
    if not isinstance(query, str) or not query.strip():
        raise InputError(where, '"query" should be a text that is not empty')
    if not isinstance(relevant, list) or not relevant or not all(isinstance(i, str) for i in relevant):
        raise InputError(where, '"relevant" should be a list of ids')
    return query.strip(), relevant


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A query with the papers that answer it. `size` also counts relevant ids that the store does not know: they cannot
    be found, which is a miss."""

    query: str
    relevant: frozenset[int]
    size: int


def labelled(queries: Sequence[SearchQuery], lookup: Callable[[str], int | None]) -> tuple[list[Labelled], list[str]]:
    """The queries with the store's papers, and the ids that it does not know. `lookup` names a paper, or None."""
    out: list[Labelled] = []
    unknown: list[str] = []
    for query in queries:
        looked_up = {i: lookup(i) for i in query.relevant}
        missing = [i for i, found in looked_up.items() if found is None]
        known = frozenset(i for i in looked_up.values() if i is not None)
        out.append(Labelled(query=query.query, relevant=known, size=len(known) + len(missing)))
        unknown += missing
    return out, list(dict.fromkeys(unknown))


def evaluate_search(queries: Sequence[Labelled], found: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Means of MEASURES over the queries and their 95 % `intervals`. `found` has the ids that each query brought, best
    first, DEPTH of them."""
    rows: dict[str, list[float]] = {name: [] for name in MEASURES}
    for query, ids in zip(queries, found, strict=True):
        for name, value in measured(query, ids).items():
            rows[name].append(value)
    if not queries:
        return {**dict.fromkeys(MEASURES, 0.0), "intervals": {}}
    import numpy as np

    from ranking.evaluate_feed import interval

    means = {name: sum(values) / len(values) for name, values in rows.items()}
    return {**means, "intervals": {name: interval(np.array(values)) for name, values in rows.items()}}


def measured(query: Labelled, ids: Sequence[int]) -> dict[str, float]:
    """MEASURES of one query."""
    found = list(dict.fromkeys(ids))
    recall = {f"recall_at_{k}": recall_at_k(found, query.relevant, k, query.size) for k in (1, 10, 100)}
    return {
        "mrr_at_10": reciprocal_rank(found, query.relevant, 10),
        **recall,
        "ndcg_at_10": ndcg_at_k(found, query.relevant, 10, query.size),
    }


def report(
    queries: Sequence[Labelled],
    found: Sequence[Sequence[int]],
    took_ms: Sequence[float],
    baselines: Mapping[str, Sequence[Sequence[int]]],
) -> dict[str, Any]:
    """The figures of a search beside those of simpler ones, in the shape of `frontier eval search --json`."""
    own = evaluate_search(queries, found)
    return {
        **{name: own[name] for name in MEASURES},
        "p50_ms": median(took_ms) if took_ms else 0.0,
        "intervals": own["intervals"],
        "baselines": {name: evaluate_search(queries, ids) for name, ids in baselines.items()},
        "queries": len(queries),
    }


def recall_at_k(found: Sequence[int], relevant: Collection[int], k: int, size: int | None = None) -> float:
    """Which share of the relevant papers is among the first `k`. `size` is their number, where some are not known."""
    size = len(relevant) if size is None else size
    return len(set(found[:k]).intersection(relevant)) / size if size else 0.0


def reciprocal_rank(found: Sequence[int], relevant: Collection[int], k: int) -> float:
    """1 / the rank of the first relevant paper, 0 when none is among the first `k`."""
    return next((1 / rank for rank, i in enumerate(found[:k], 1) if i in relevant), 0.0)


def ndcg_at_k(found: Sequence[int], relevant: Collection[int], k: int, size: int | None = None) -> float:
    """Discounted cumulative gain, binary, as a share of the ideal one (Järvelin and Kekäläinen 2002)."""
    size = len(relevant) if size is None else size
    gain = sum(1 / math.log2(rank + 1) for rank, i in enumerate(found[:k], 1) if i in relevant)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, size) + 1))
    return gain / ideal if ideal else 0.0
