"""Asking the archive: search, what is similar to a paper, one paper for the desk, and how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from time import perf_counter
from typing import TYPE_CHECKING, Any

from app.archive.place import opened
from app.services import Answer, Found, Services
from app.wiring import Frontier
from data.archive import ArchivePaper, records_of
from data.errors import MalformedId, UnknownPaper, UsageError
from data.ids import parse_id
from data.papers import Paper, PaperDetail
from data.terms import parse_query
from index.milvus import Milvus, Where
from index.search import CANDIDATES, Mode, reciprocal_rank_fusion

if TYPE_CHECKING:
    from index.encoders import Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How the archive stands."""

    uri: str
    version: str
    collection: str
    model: str
    papers: int


def search(frontier: Frontier, query: str, *, mode: Mode = "hybrid", where: Where | None = None, k: int = 20) -> Answer:
    """The best `k` papers of the archive, by meaning and by words, fused by reciprocal rank
    (hybrid; else scored by cosine or BM25). A paper that the query names by id
    or URL comes alone. Raises UsageError for a query with conditions of its own, ArchiveError, ModelError."""
    query = query.strip()
    if not query:
        raise UsageError("nothing to search for", mend="give a text")
    if parse_query(query).terms:
        raise UsageError(
            "the archive takes plain words: no phrases, author:, venue:, year: or -WORD",
            mend="use --venue, --since, --until",
        )
    with opened(frontier) as milvus:
        started = perf_counter()
        named = _named(milvus, query)
        hits = [_hit(p, 1.0, None) for p in named.values()] or _found(
            frontier, milvus, query, mode, where or Where(), k
        )
        return Answer(query=query, mode=mode, hits=hits[:k], took_ms=(perf_counter() - started) * 1000)


def _named(milvus: Milvus, text: str) -> dict[int, ArchivePaper]:
    try:
        return milvus.named([str(parse_id(text))])
    except MalformedId:
        return {}


def _found(frontier: Frontier, milvus: Milvus, query: str, mode: Mode, where: Where, k: int) -> list[Found]:
    expression, depth = where.expression(), k if mode != "hybrid" else max(k, CANDIDATES)
    by_meaning = milvus.nearest(frontier.encoder().encode([query])[0], depth, expression) if mode != "keyword" else []
    by_words = milvus.by_words(query, depth, expression) if mode != "semantic" else []
    cosines, words = dict(by_meaning), dict(by_words)
    fuse = mode == "hybrid"
    scores = reciprocal_rank_fusion([list(cosines), list(words)], [1.0, 1.0]) if fuse else cosines or words
    best = sorted(scores, key=lambda i: (-scores[i], i))[:k]
    papers = milvus.at(best)
    return [_hit(papers[i], scores[i], cosines.get(i)) for i in best if i in papers]


def similar(frontier: Frontier, vector: Vectors, ids: Sequence[str], k: int) -> list[Found]:
    """The `k` papers of the archive nearest to a unit vector, without the paper that is known by these printed ids."""
    with opened(frontier) as milvus:
        found = milvus.nearest(vector, k + 1)
        papers = milvus.at([i for i, _ in found])
        hits = [_hit(papers[i], cosine, cosine) for i, cosine in found if i in papers]
        return [hit for hit in hits if set(hit.ids).isdisjoint(ids)][:k]


def similar_to(services: Services, detail: PaperDetail, k: int) -> list[Found]:
    """The `k` papers of the archive nearest to a paper of the desk; none while it has no vector."""
    import numpy as np

    from index.encoders import model_name

    model = model_name(services.frontier.config.embedding.model)
    stored = services.reader.vectors(model, [detail.paper.id])
    return [
        hit
        for vector in stored.values()
        for hit in similar(services.frontier, np.frombuffer(vector, "<f4"), detail.ids, k)
    ]


def pull(frontier: Frontier, texts: Sequence[str]) -> list[str]:
    """Bring papers from the archive to the desk, with every sighting; returns their printed ids there. `texts` are ids as the
    archive prints them, or URLs. Raises UnknownPaper before anything is stored, ArchiveError, StoreError."""
    with opened(frontier) as milvus:
        papers = [_one(milvus, text) for text in texts]
    store = frontier.open_store()
    try:
        for paper in papers:
            for record in records_of(paper):
                store.put(record.source, [record], now=frontier.now())
    finally:
        store.close()
    reader = frontier.open_reader()
    try:
        return [p.key for p in reader.papers([reader.lookup(paper.key) for paper in papers])]
    finally:
        reader.close()


def _one(milvus: Milvus, text: str) -> ArchivePaper:
    found = milvus.named([text]) or _named(milvus, text)
    if not found:
        raise UnknownPaper(text, "the archive")
    return next(iter(found.values()))


def status(frontier: Frontier) -> Status:
    """Raises ArchiveError."""
    with opened(frontier) as milvus:
        return Status(
            uri=milvus.place.uri,
            version=milvus.version,
            collection=milvus.name,
            model=milvus.model,
            papers=milvus.count(),
        )


def _hit(paper: ArchivePaper, score: float, cosine: float | None) -> Found:
    return Found(paper=shown_paper(paper), ids=paper.ids, score=score, cosine=cosine, area_scores={})


def shown_paper(paper: ArchivePaper) -> Paper:
    """For listings. Its `id` is 0: the desk may not have it."""
    columns: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in paper.columns.items()
        if name not in ("title_key", "text_hash")
    }
    for name in ("published", "day", "date"):
        columns[name] = date.fromisoformat(columns[name]) if columns[name] else None
    columns["withdrawn"], columns["provisional"] = bool(columns["withdrawn"]), bool(columns["provisional"])
    return Paper(id=0, key=paper.key, **columns)
