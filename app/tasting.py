"""How taste gets in: libraries taken in as liked papers, and the round of questions for who has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from data.errors import CrawlError, UsageError
from data.library import LONGEST_TAG, Entry, entries, put_entries, sighted
from data.papers import Filter

if TYPE_CHECKING:
    from app.services import Services
    from app.wiring import Frontier
    from crawler.report import SourceReport
    from data.papers import Paper
    from data.reader import Reader
    from data.store import Store

Sighted = tuple[str, str, str]
"""Source, the source's id and title of a record that was stored."""

ASKED = 10
"""Papers in one round of questions."""

AMONG = 600
"""Papers of the latest days among which a round chooses."""


def like_sighted(
    store: Store,
    reader: Reader,
    seen: Iterable[Sighted],
    *,
    now: datetime,
    tags: Mapping[Sighted, Sequence[str]] | None = None,
) -> int:
    """Like the papers of these records, tag them, and say how many were not liked before. A dislike stands: taking a
    library in again does not take it back."""
    papers = {row: sighted(reader, *row) for row in dict.fromkeys(seen)}
    disliked = entries(reader, [i for i in papers.values() if i is not None], ["dislike"])
    likes = [
        Entry(paper_id=i, kind="like", value="", at=now)
        for i in dict.fromkeys(papers.values())
        if i is not None and i not in disliked
    ]
    given = [
        Entry(paper_id=i, kind="tag", value=name[:LONGEST_TAG], at=now)
        for row, i in papers.items()
        if i is not None
        for name in (tags or {}).get(row, ())
    ]
    return sum(e.kind == "like" for e in put_entries(store, [*likes, *given]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoteroTaken:
    """What a Zotero library brought: its `report`, papers newly liked, tags given, and what was not to be had."""

    report: SourceReport
    read: int
    liked: int
    tags: Sequence[str]
    failures: Sequence[str]


def import_zotero(frontier: Frontier, library: str, *, tags: bool = False) -> ZoteroTaken:
    """The papers of a Zotero library as liked papers, with `tags` its collections as tags. Safe to repeat.

    What was read before a failure is kept. Raises UsageError without a key, CrawlError when nothing could be read,
    StoreError.
    """
    from app.jobs import StoreSink, engine_options, one_crawl, secrets
    from crawler.engine import crawl as run_engine
    from crawler.files import SOURCE
    from crawler.sink import Plan
    from crawler.source import Window
    from crawler.urls import origins
    from crawler.zotero import KEY_VARIABLE, ZoteroLibrary

    api = frontier.config.zotero.api_url
    key = secrets(frontier).get(KEY_VARIABLE, "").strip()
    if not key:
        raise UsageError(
            f"a Zotero library needs its key in {KEY_VARIABLE}",
            mend="make one at https://www.zotero.org/settings/keys/new",
        )
    source = ZoteroLibrary(library, key, api=api)
    options = engine_options(frontier)
    options = replace(options, own_origins=options.own_origins | origins(api))
    with one_crawl(frontier):
        store = frontier.open_store()
        reader = frontier.open_reader()
        try:
            plan = Plan(source=source, cursor={}, window=Window(now=frontier.now()))
            [report] = run_engine(
                [plan],
                sink=_Imported(StoreSink(store, frontier)),
                options=options,
                validators=lambda url: None,
                clock=frontier.now,
            )
            if source.failures and not source.found:
                raise CrawlError(source.failures[0])
            seen = {(SOURCE, source_id, title): held for (source_id, title), held in source.found.items()}
            named = {row: source.collections(held) for row, held in seen.items()} if tags else {}
            liked = like_sighted(store, reader, seen, now=frontier.now(), tags=named)
        finally:
            reader.close()
            store.close()
    return ZoteroTaken(
        report=report,
        read=len(source.found),
        liked=liked,
        tags=sorted({name for of in named.values() for name in of}),
        failures=tuple(source.failures),
    )


class _Imported:
    """A sink that stores what comes as imported papers, with no cursor: the next time everything is read again."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def store(self, source: str, outputs: Sequence[Any], cursor: Mapping[str, Any], validators: Any) -> Any:
        return self._inner.store("import", outputs, {}, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A paper to ask about, and the chance that it is liked, None while nothing is known."""

    paper: Paper
    chance: float | None


def questions(services: Services, count: int = ASKED) -> list[Question]:
    """Papers of the latest days (without any: of the whole store) worth asking about, spread and uncertain; none with
    which the user did anything yet. Papers without a vector are not asked about."""
    import numpy as np

    from app.personalising import Personal
    from ranking.interests import doubt, informative
    from ranking.personal import PRIOR, drawn

    reader = services.reader
    ids: list[int] = []
    for day, _ in reader.days():
        ids += reader.announced(day, day)
        if len(ids) >= AMONG:
            break
    if not ids:
        ids = reader.matching(Filter())
    done = entries(reader, ids)
    among = np.array([i for i in ids if i not in done], np.int64)
    among = among[drawn(among, AMONG)]
    personal = Personal(services.frontier, reader)
    items = personal.items(among.tolist())
    items = items.rows(np.flatnonzero(items.vectors.any(axis=1)))
    chances = personal.chances(items.ids.tolist()).best()
    known = [chances.get(int(i)) for i in items.ids]
    rows = informative(items.vectors, [1.0 if c is None else doubt(c, PRIOR) for c in known], count)
    papers = {p.id: p for p in reader.papers([int(items.ids[n]) for n in rows])}
    return [Question(paper=papers[int(items.ids[n])], chance=known[n]) for n in rows if int(items.ids[n]) in papers]
