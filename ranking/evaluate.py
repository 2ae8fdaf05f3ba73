"""How good search is, on queries with known answers: recall, reciprocal rank and discounted gain at fixed depths."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import InputError

DEPTH = 100
"""How many hits a search should give for the figures to be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """A query and the ids of the papers that answer it, as written in the file."""

    query: str
    relevant: tuple[str, ...]


def read_queries(path: Path) -> list[SearchQuery]:
    """The queries of a JSON-lines file, {"query": text, "relevant": [ids]} each. Raises InputError with the line."""
    out: list[SearchQuery] = []
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except OSError as exc:
        raise InputError(str(path), exc.strerror or str(exc)) from exc
    except UnicodeDecodeError as exc:
        raise InputError(str(path), "not UTF-8 text") from exc
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            query, relevant = value["query"], value["relevant"]
        except (ValueError, TypeError, KeyError) as exc:
            raise InputError(
                f"{path}:{number}", "not a search query", mend='each line is {"query": "...", "relevant": ["ID"]}'
            ) from exc
        if (
            not isinstance(query, str)
            or not isinstance(relevant, list)
            or not relevant
            or not all(isinstance(i, str) for i in relevant)
        ):
            raise InputError(f"{path}:{number}", '"query" should be a text and "relevant" a list of ids')
        out.append(SearchQuery(query=query, relevant=tuple(relevant)))
    if not out:
        raise InputError(str(path), "holds no queries")
    return out


def evaluate_search(
    queries: Iterable[SearchQuery],
    search: Callable[[str], Sequence[int]],
    lookup: Callable[[str], int | None],
) -> dict[str, float]:
    """Means over the queries, each in [0, 1], with the counts `queries` and `unknown`.

    `search` gives paper ids, best first, DEPTH of them; `lookup` the paper that an id names, or None. A relevant id
    that the store does not know is counted in `unknown` and stays relevant: it cannot be found, which is a miss.
    """
    totals = dict.fromkeys(("recall@1", "recall@10", "recall@100", "mrr@10", "ndcg@10"), 0.0)
    count = unknown = 0
    for query in queries:
        looked_up = [lookup(i) for i in query.relevant]
        unknown += looked_up.count(None)
        relevant = {i for i in looked_up if i is not None}
        size = len(relevant) + looked_up.count(None)
        found = list(dict.fromkeys(search(query.query)))
        for depth in (1, 10, 100):
            totals[f"recall@{depth}"] += recall_at_k(found, relevant, depth, size)
        totals["mrr@10"] += reciprocal_rank(found, relevant, 10)
        totals["ndcg@10"] += ndcg_at_k(found, relevant, 10, size)
        count += 1
    means = {name: total / count if count else 0.0 for name, total in totals.items()}
    return {"queries": count, "unknown": unknown, **means}


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
