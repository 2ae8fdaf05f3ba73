"""Quality on labelled data: the store's own answers, put to the measures of `ranking.evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.wiring import Frontier
from data.errors import InputError
from index.encoders import model_name

if TYPE_CHECKING:
    from data.reader import Reader
    from index.encoders import Vectors
    from index.search import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchEvaluation:
    """`figures` in the shape of `frontier eval search --json`; ids that the store does not know, queries named twice, and
    what could not be measured."""

    figures: dict[str, Any]
    unknown: Sequence[str]
    again: Sequence[str]
    note: str = ""


def evaluate_search_file(
    frontier: Frontier, path: Path, mode: Mode, *, step: Callable[[int, int], None] = lambda done, total: None
) -> SearchEvaluation:
    """Search quality over a file of {"query", "relevant"} lines, beside words alone, vectors alone, and both with equal
    weight. `step` hears how many queries are done. Raises InputError, and what a search raises."""
    from time import perf_counter

    from app.services import Services
    from data.papers import Filter
    from index.search import reciprocal_rank_fusion
    from ranking.evaluate import DEPTH, labelled, read_queries, report

    queries, again = read_queries(path)
    services = Services(frontier)
    try:
        asked, unknown = labelled(queries, services.reader.find)
        searcher = services.searcher(mode)
        found: list[list[int]] = []
        took: list[float] = []
        names = ("full_text",) if searcher.words_only else ("vectors", "full_text", "equal_fusion")
        baselines: dict[str, list[list[int]]] = {name: [] for name in names}
        for done, query in enumerate(asked):
            step(done, len(asked))
            started = perf_counter()
            found.append([h.paper_id for h in searcher.search(query.query, mode=mode, k=DEPTH)])
            took.append((perf_counter() - started) * 1000)
            words = [i for i, _ in services.reader.fulltext(query.query, Filter(), DEPTH)]
            baselines["full_text"].append(words)
            if not searcher.words_only:
                vectors = searcher.nearest(query.query, DEPTH)
                fused = reciprocal_rank_fusion([words, vectors], [1.0, 1.0])
                baselines["vectors"].append(vectors)
                baselines["equal_fusion"].append(sorted(fused, key=lambda i: (-fused[i], i))[:DEPTH])
        figures = {**report(asked, found, took, baselines), "unknown": len(unknown), "mode": mode}
        note = "no current index: measured by words alone (run 'frontier sync')" if searcher.falls_back(mode) else ""
        return SearchEvaluation(figures=figures, unknown=unknown, again=again, note=note)
    finally:
        services.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvaluation:
    """`figures` in the shape of `frontier eval feed --json`; ids that the store does not know, and users named twice."""

    figures: dict[str, Any]
    unknown: Sequence[str]
    again: Sequence[str]


def evaluate_feed_file(
    frontier: Frontier,
    path: Path,
    since_year: int,
    *,
    step: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> FeedEvaluation:
    """The personal order over a file of {"user", "liked", "later"} lines, beside its baselines. Candidates are all papers
    of `since_year` and later. `step` hears what is being done, and how far. Raises InputError.

    A user none of whose later papers is a candidate, or none of whose liked papers is known, is left out and counted.
    """
    from ranking.evaluate_feed import FeedData, evaluate_feed, read_users

    users, again = read_users(path)
    reader = frontier.open_reader()
    try:
        unknown: list[str] = []
        rows: dict[str, int] = {}
        step("reading papers", 0, 0)
        papers = list(reader.every_paper())
        place = {p.id: n for n, p in enumerate(papers)}
        for text in dict.fromkeys(i for u in users for i in (*u.liked, *u.later)):
            found = reader.find(text)
            if found is None:
                unknown.append(text)
            else:
                rows[text] = place[found]
        vectors = vectors_of(reader, model_name(frontier.config.embedding.model), [p.id for p in papers])
    finally:
        reader.close()
    data = FeedData.of(
        users,
        rows,
        ids=[p.id for p in papers],
        texts=[p.text for p in papers],
        years=[p.year or 0 for p in papers],
        vectors=vectors,
        venues=[p.venue for p in papers],
        since_year=since_year,
    )
    if not data.users:
        raise InputError(str(path), f"no user has both liked papers and later ones of {since_year} on in this store")
    figures = evaluate_feed(data, step=step)
    return FeedEvaluation(figures={**figures, "unknown": len(unknown)}, unknown=unknown, again=again)


def vectors_of(reader: Reader, model: str, paper_ids: Sequence[int]) -> Vectors:
    """The model's vectors of papers, shape (n, dim), rows of zeros where a paper has none; (n, 0) where none has one."""
    import numpy as np

    known = reader.vectors(model, paper_ids)
    dim = max((len(v) // 4 for v in known.values()), default=0)
    out = np.zeros((len(paper_ids), dim), np.float32)
    for n, paper_id in enumerate(paper_ids):
        if len(vector := known.get(paper_id, b"")) == 4 * dim:
            out[n] = np.frombuffer(vector, "<f4")
    return out
