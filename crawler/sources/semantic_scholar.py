"""Semantic Scholar: new papers that cite the landmarks, and how often known papers are cited.

Academic Graph API: https://api.semanticscholar.org/api-docs/graph. A key (header x-api-key) gives one request a second;
without one, all the world shares one pool, which refuses about half of the requests (429): the engine waits and asks
again, and this source asks for less.

Citing papers come latest first (https://github.com/allenai/s2-folks/issues/70), so that a landmark's pages are read
until one has no paper of the wanted days. The API gives the first 9,999 of them. The cursor's keys stand in `_citing`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from crawler.source import Cursor, Failure, Fetch, MoveCursor, Notice, Output, Page, Window
from crawler.sources._citing import Turn, amount, ids_of, outdated, turns, unknown_lately
from crawler.sources._table import Options, Secrets, Table
from data.errors import PageError
from data.ids import PaperId, parse_id
from data.records import BadRecord, PaperRecord, Signal

SOURCE = "semantic_scholar"
KEY_VARIABLE = "FRONTIER_S2_API_KEY"
BATCH = 500  # ids in one look-up of counts
FIRST_PAGE, NEXT_PAGE, LAST_OFFSET = 200, 1000, 9999  # offset + limit < 10,000

_PREFIXES = {"arxiv": "ARXIV", "doi": "DOI", "acl": "ACL"}
_CITING = "title,abstract,authors,year,publicationDate,externalIds,venue,citationCount"
_COUNTS = "externalIds,citationCount,title,year"
_NOBODY_KNOWN = b"No valid paper ids"  # what a batch says, with status 400, when it knows none of the ids

_VENUES = {  # its names of the large conferences; a preprint server is no venue
    "arxiv.org": "",
    "biorxiv": "",
    "medrxiv": "",
    "ssrn electronic journal": "",
    "neural information processing systems": "NeurIPS",
    "international conference on learning representations": "ICLR",
    "international conference on machine learning": "ICML",
    "computer vision and pattern recognition": "CVPR",
    "ieee international conference on computer vision": "ICCV",
    "european conference on computer vision": "ECCV",
    "ieee workshop/winter conference on applications of computer vision": "WACV",
    "annual meeting of the association for computational linguistics": "ACL",
    "conference on empirical methods in natural language processing": "EMNLP",
    "north american chapter of the association for computational linguistics": "NAACL",
    "aaai conference on artificial intelligence": "AAAI",
    "international joint conference on artificial intelligence": "IJCAI",
    "international conference on artificial intelligence and statistics": "AISTATS",
    "knowledge discovery and data mining": "KDD",
    "conference on robot learning": "CoRL",
    "ieee international conference on robotics and automation": "ICRA",
    "interspeech": "Interspeech",
}


class SemanticScholarSource:
    """Landmarks in rotation, a few in each run, and one or two look-ups of citation counts."""

    name = SOURCE
    terms = "https://www.semanticscholar.org/product/api/license"

    def __init__(
        self,
        key: str = "",
        *,
        landmarks_per_run: int | None = None,
        counts_per_run: int | None = None,
        first_days: int = 30,
        api: str = "https://api.semanticscholar.org",
    ) -> None:
        self.landmarks_per_run = (20 if key else 5) if landmarks_per_run is None else landmarks_per_run
        self.counts_per_run = (1000 if key else 500) if counts_per_run is None else counts_per_run
        self.first_days = first_days
        self._headers = {"x-api-key": key} if key else {}
        self._api = api.rstrip("/")

    # ---- what to ask --------------------------------------------------------------------------------------------

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """The counts first, then the landmarks whose turn it is."""
        today = window.now.date()
        yield from self._counts(cursor, window, today)
        for turn in turns(
            cursor, window, schemes=tuple(_PREFIXES), at_once=self.landmarks_per_run, first_days=self.first_days
        ):
            context = {"until": window.until.isoformat() if window.until else "", "today": today.isoformat()}
            yield self._citing(turn, context, 0)

    def _counts(self, cursor: Cursor, window: Window, today: date) -> Iterator[Fetch]:
        unknown = unknown_lately(cursor, today)
        ids = [i for i in window.brief.uncounted if i.scheme in _PREFIXES and str(i) not in unknown]
        for start in range(0, min(len(ids), self.counts_per_run), BATCH):
            asked = ids[start : min(start + BATCH, self.counts_per_run)]
            key = _free_key(cursor, today, start // BATCH)
            yield Fetch(
                url=f"{self._api}/graph/v1/paper/batch?fields={_COUNTS}",
                kind="api",
                method="POST",
                headers={**self._headers, "Content-Type": "application/json"},
                body=json.dumps({"ids": [_spelled(i) for i in asked]}).encode(),
                context={
                    "step": "counts",
                    "ids": [str(i) for i in asked],
                    "unknown": key,
                    "outdated": outdated(cursor, today),
                },
                can_wait=True,
            )

    def _citing(self, turn: Turn, context: Mapping[str, Any], offset: int) -> Fetch:
        limit = min(NEXT_PAGE, LAST_OFFSET - offset) if offset else FIRST_PAGE
        paper = quote(_spelled(turn.landmark), safe="/:;()")
        return Fetch(
            url=f"{self._api}/graph/v1/paper/{paper}/citations?fields={_CITING}&offset={offset}&limit={limit}",
            kind="api",
            headers=self._headers,
            context={**context, "step": "citing", "turn": turn, "offset": offset},
            can_wait=True,
            priority=-10,
        )

    # ---- what came back -----------------------------------------------------------------------------------------

    def parse(self, page: Page) -> Iterator[Output]:
        """Counts of known papers, or one page of papers that cite a landmark."""
        if page.not_modified:
            return iter(())
        return self._parse_counts(page) if page.fetch.context["step"] == "counts" else self._parse_citing(page)

    def _parse_counts(self, page: Page) -> Iterator[Output]:
        context, found = page.fetch.context, _json(page.body)
        asked: list[str] = context["ids"]
        if not isinstance(found, list) or len(found) != len(asked):
            raise PageError(f"Semantic Scholar: {_said(found)} in answer to {len(asked)} ids")
        unknown: list[str] = []
        for text, item in zip(asked, found, strict=True):
            if item is None:
                unknown.append(text)
                continue
            try:
                yield _count(parse_id(text), item, page.fetched_at)
            except ValueError as exc:
                yield BadRecord(source=SOURCE, where=text, problem=str(exc))
        yield from _not_known(unknown, len(asked))
        yield _remember(context, unknown)

    def _parse_citing(self, page: Page) -> Iterator[Output]:
        context, found = page.fetch.context, _json(page.body)
        turn: Turn = context["turn"]
        if not isinstance(found, dict) or not isinstance(found.get("data", ""), list | None):
            raise PageError(f"Semantic Scholar: {_said(found)}, not a page of citations")
        until = date.fromisoformat(context["until"]) if context["until"] else date.max
        recent = 0
        for number, item in enumerate(found["data"] or (), context["offset"] + 1):
            paper = item.get("citingPaper") if isinstance(item, dict) else None
            try:
                if not isinstance(paper, dict):
                    raise ValueError("no citing paper")
                published = _date(paper.get("publicationDate"))
                recent += published is not None and published >= turn.since
                if _wanted(published, paper.get("year"), turn.since, until):
                    yield _citing_paper(paper, turn.landmark, published, page.fetched_at)
            except ValueError as exc:
                yield BadRecord(source=SOURCE, where=f"citation {number} of {turn.landmark}", problem=str(exc))
        after = found.get("next")
        if isinstance(after, int) and recent and context["offset"] < after < LAST_OFFSET:
            yield self._citing(turn, context, after)
            return
        if isinstance(after, int) and recent:
            text = f"more than {LAST_OFFSET:,} papers cite {turn.landmark} since {turn.since}; the latest were read"
            yield Notice(text=text, lost=True)
        if turn.key:
            yield MoveCursor(values={turn.key: context["today"]})

    def failed(self, failure: Failure) -> Iterator[Output]:
        """What is lost is asked for in the next run. A busy shared pool is what a run without a key must expect: it is
        told, and not counted as lost."""
        context, status = failure.fetch.context, failure.status
        if context["step"] == "citing" and status == 404:
            turn: Turn = context["turn"]
            yield Notice(text=f"Semantic Scholar does not know {turn.landmark}")
            if turn.key:
                yield MoveCursor(values={turn.key: context["today"]})
        elif context["step"] == "counts" and status == 400 and _NOBODY_KNOWN in failure.body:
            yield from _not_known(context["ids"], len(context["ids"]))
            yield _remember(context, context["ids"])
        elif status in (401, 403) and self._headers:
            yield Notice(text=f"Semantic Scholar refuses the key in {KEY_VARIABLE} (HTTP {status})", lost=True)
        else:
            what = "citation counts" if context["step"] == "counts" else "papers that cite landmarks"
            busy = status == 429 and not self._headers
            more = f"; {KEY_VARIABLE} gives a pool of your own" if busy else ""
            text = f"{what} could not be read ({failure.problem}); the next run asks again{more}"
            yield Notice(text=text, lost=not busy)


def _spelled(paper_id: PaperId) -> str:
    return f"{_PREFIXES[paper_id.scheme]}:{paper_id.value}"


def _free_key(cursor: Cursor, today: date, number: int) -> str:
    """A key of the day that no earlier run of the day has used."""
    used = sum(key.startswith(f"unknown:{today}:") for key in cursor)
    return f"unknown:{today}:{used + number}"


def _not_known(unknown: list[str], asked: int) -> Iterator[Notice]:
    if unknown:
        yield Notice(text=f"Semantic Scholar does not know {len(unknown)} of {asked} papers (yet)")


def _remember(context: Mapping[str, Any], unknown: list[str]) -> MoveCursor:
    values: dict[str, Any] = dict.fromkeys(context["outdated"])
    return MoveCursor(values={**values, context["unknown"]: " ".join(unknown) or None})


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise PageError(f"Semantic Scholar: not JSON: {exc}") from exc


def _said(found: Any) -> str:
    if isinstance(found, list):
        return f"{len(found)} answers"
    message = found.get("error") or found.get("message") if isinstance(found, dict) else None
    return repr(message[:200]) if isinstance(message, str) else f"a {type(found).__name__}"


def _wanted(published: date | None, year: Any, since: date, until: date) -> bool:
    """Whether a paper is of the wanted days; one of which only the year is told counts with its year."""
    if published is not None:
        return since <= published <= until
    return isinstance(year, int) and since.year <= year <= until.year


def _citing_paper(paper: Mapping[str, Any], landmark: PaperId, published: date | None, at: datetime) -> PaperRecord:
    """ValueError for a paper without an id or a title."""
    ids = _ids(paper)
    key = _text(paper, "paperId")
    if not key and not ids:
        raise ValueError("a paper without an id")
    people = paper.get("authors")
    if people is not None and not isinstance(people, list):
        raise ValueError("authors are no list")
    venue = _text(paper, "venue")
    return PaperRecord(
        source=SOURCE,
        source_id=key or str(ids[0]),
        title=_text(paper, "title"),
        ids=ids,
        abstract=_text(paper, "abstract"),
        authors=tuple(_text(p, "name") for p in people or () if isinstance(p, dict)),
        year=_year(paper),
        published=published,
        venue=_VENUES.get(venue.lower(), venue),
        url=f"https://www.semanticscholar.org/paper/{key}" if key else "",
        cites=(landmark,),
        signals=_citations(paper, at),
    )


def _count(asked: PaperId, paper: Any, at: datetime) -> PaperRecord:
    """ValueError for a paper without a title or a count."""
    if not isinstance(paper, dict):
        raise ValueError(f"a {type(paper).__name__}, not a paper")
    signals = _citations(paper, at)
    if not signals:
        raise ValueError("no citation count")
    return PaperRecord(
        source=SOURCE,
        source_id=_text(paper, "paperId") or str(asked),
        title=_text(paper, "title"),
        ids=tuple(dict.fromkeys((asked, *_ids(paper)))),
        year=_year(paper),
        signals=signals,
        update_only=True,
    )


def _ids(paper: Mapping[str, Any]) -> tuple[PaperId, ...]:
    external = paper.get("externalIds")
    if not isinstance(external, dict):
        return ()
    names = {"ArXiv": "arxiv", "DOI": "doi", "ACL": "acl"}
    texts = [f"{scheme}:{external[name]}" for name, scheme in names.items() if isinstance(external.get(name), str)]
    return ids_of(texts)


def _text(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is a {type(value).__name__}, not a text")
    return value or ""


def _year(paper: Mapping[str, Any]) -> int | None:
    year = paper.get("year")
    return year if isinstance(year, int) and not isinstance(year, bool) and 1000 <= year <= 9999 else None


def _date(value: Any) -> date | None:
    """ValueError for a text that is no date."""
    return date.fromisoformat(value[:10]) if isinstance(value, str) and value else None


def _citations(paper: Mapping[str, Any], at: datetime) -> tuple[Signal, ...]:
    count = paper.get("citationCount")
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        return ()
    return (Signal(name="citations", value=float(count), at=at),)


def from_config(options: Options, secrets: Secrets) -> SemanticScholarSource:
    """The source out of [sources.semantic_scholar]; FRONTIER_S2_API_KEY is optional. Raises ConfigError."""
    known = ("landmarks_per_run", "counts_per_run", "first_days", "api_url")
    table = Table("sources.semantic_scholar", options, known)
    budgets: dict[str, Any] = {
        key: amount(table, key, 0, most)
        for key, most in (("landmarks_per_run", 1000), ("counts_per_run", 10000))
        if key in table.options
    }
    return SemanticScholarSource(
        secrets.get(KEY_VARIABLE, "").strip(),
        **budgets,
        **table.keywords({"first_days": "first_days", "api": "api_url"}),
    )
