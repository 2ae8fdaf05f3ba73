"""Quality on labelled data: the store's own answers, put to the measures of `ranking.evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.jobs import lookup
from app.wiring import Frontier

if TYPE_CHECKING:
    from index.search import Mode


def evaluate_search_file(frontier: Frontier, path: Path, mode: Mode) -> dict[str, float]:
    """Search quality over a file of {"query", "relevant"} lines. Raises InputError."""
    from app.services import Services
    from ranking.evaluate import DEPTH, evaluate_search, read_queries

    queries = read_queries(path)
    services = Services(frontier)

    try:
        searcher = services.searcher()
        return evaluate_search(
            queries,
            lambda query: [h.paper_id for h in searcher.search(query, mode=mode, k=DEPTH)],
            lambda text: lookup(services.reader, text),
        )
    finally:
        services.close()
