"""OpenAlex: new works that cite the landmarks, and how often known papers are cited.

API: https://developers.openalex.org/api-reference/works. Since 2026-02-13 it needs a key for real use (a free one allows
10,000 list requests a day; single works cost nothing): https://developers.openalex.org/api-reference/authentication.
The key goes as `Authorization: Bearer`, which OpenAlex's gateway takes as well as the documented parameter `api_key`
(https://github.com/ourresearch/openalex-api-proxy/blob/main/src/forwardAuth.ts), so that no address holds it.

The cursor's keys: `work:ID`, OpenAlex's own id of a landmark; the others stand in `_citing`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from crawler.source import Cursor, Failure, Fetch, MoveCursor, Notice, Output, Page, SourceOff, Window
from crawler.sources._citing import Turn, amount, ids_of, outdated, turns, unknown_lately
from crawler.sources._table import Options, Secrets, Table
from data.errors import PageError
from data.ids import PaperId, parse_id
from data.records import BadRecord, PaperRecord, Signal

SOURCE = "openalex"
KEY_VARIABLE = "FRONTIER_OPENALEX_KEY"
BATCH = 50  # DOIs in one filter
PER_PAGE = 100
MOST_PAGES = 50  # of works that cite one landmark, in one run
MOST_WORDS = 20_000  # of one abstract

_SCHEMES = ("arxiv", "doi")
_CITING = (
    "id,doi,ids,title,authorships,publication_year,publication_date,primary_location,locations,cited_by_count,"
    "abstract_inverted_index"
)
_COUNTS = "id,doi,ids,title,publication_year,locations,cited_by_count"
_WORK = re.compile(r"(?:https?://openalex\.org/)?(W\d{1,15})", re.A)


class OpenAlexSource:
    """Landmarks in rotation, and look-ups of citation counts."""

    name = SOURCE
    terms = "https://openalex.org/terms"

    def __init__(
        self,
        key: str,
        *,
        landmarks_per_run: int = 20,
        counts_per_run: int = 1000,
        first_days: int = 30,
        api: str = "https://api.openalex.org",
    ) -> None:
        self.landmarks_per_run = landmarks_per_run
        self.counts_per_run = counts_per_run
        self.first_days = first_days
        self._headers = {"Authorization": f"Bearer {key}"}
        self._api = api.rstrip("/")

    # ---- what to ask --------------------------------------------------------------------------------------------

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """The counts first, then the landmarks whose turn it is: its own id of each once, then the works that cite it."""
        today = window.now.date()
        yield from self._counts(cursor, window, today)
        for turn in turns(cursor, window, schemes=_SCHEMES, at_once=self.landmarks_per_run, first_days=self.first_days):
            context = {
                "turn": turn,
                "until": window.until.isoformat() if window.until else "",
                "today": today.isoformat(),
            }
            work = cursor.get(f"work:{turn.landmark}")
            if isinstance(work, str) and _WORK.fullmatch(work):
                yield self._citing(work, context, "*", 1)
            else:
                yield self._fetch(
                    f"/works/doi:{quote(_doi(turn.landmark), safe='/:;()')}?select=id,doi", {**context, "step": "work"}
                )

    def _counts(self, cursor: Cursor, window: Window, today: date) -> Iterator[Fetch]:
        unknown = unknown_lately(cursor, today)
        ids = [
            i
            for i in window.brief.uncounted
            if i.scheme in _SCHEMES and str(i) not in unknown and not re.search(r"[,|!+]", i.value)  # filter syntax
        ]
        used = sum(key.startswith(f"unknown:{today}:") for key in cursor)
        for start in range(0, min(len(ids), self.counts_per_run), BATCH):
            asked = ids[start : min(start + BATCH, self.counts_per_run)]
            dois = "|".join(quote(_doi(i), safe="/:;()") for i in asked)
            context = {
                "step": "counts",
                "ids": [str(i) for i in asked],
                "unknown": f"unknown:{today}:{used + start // BATCH}",
                "outdated": outdated(cursor, today),
            }
            path = f"/works?filter=doi:{dois}&per_page={PER_PAGE}&select={_COUNTS}"
            yield replace(self._fetch(path, context), priority=0)

    def _citing(self, work: str, context: Mapping[str, Any], after: str, number: int) -> Fetch:
        turn: Turn = context["turn"]
        until = f",to_publication_date:{context['until']}" if context["until"] else ""
        return self._fetch(
            f"/works?filter=cites:{work},from_publication_date:{turn.since}{until}&per_page={PER_PAGE}"
            f"&select={_CITING}&cursor={quote(after, safe='*')}",
            {**context, "step": "citing", "work": work, "number": number},
        )

    def _fetch(self, path: str, context: Mapping[str, Any]) -> Fetch:
        return Fetch(
            url=self._api + path, kind="api", headers=self._headers, context=context, can_wait=True, priority=-10
        )

    # ---- what came back -----------------------------------------------------------------------------------------

    def parse(self, page: Page) -> Iterator[Output]:
        """Counts of known papers, a landmark's own id, or one page of works that cite a landmark."""
        if page.not_modified:
            return iter(())
        steps = {"counts": self._parse_counts, "work": self._parse_work, "citing": self._parse_citing}
        return steps[page.fetch.context["step"]](page)

    def _parse_counts(self, page: Page) -> Iterator[Output]:
        context = page.fetch.context
        _, works = _list(page.body)
        asked = {parse_id(text): text for text in context["ids"]}
        found: set[PaperId] = set()
        for number, work in enumerate(works, 1):
            try:
                record = _count(work, page.fetched_at, asked)
                found.update(record.ids)
                yield record
            except ValueError as exc:
                yield BadRecord(source=SOURCE, where=f"count {number}", problem=str(exc))
        unknown = [text for paper_id, text in asked.items() if paper_id not in found]
        if unknown:
            yield Notice(text=f"OpenAlex does not know {len(unknown)} of {len(asked)} papers (yet)")
        values: dict[str, Any] = dict.fromkeys(context["outdated"])
        yield MoveCursor(values={**values, context["unknown"]: " ".join(unknown) or None})

    def _parse_work(self, page: Page) -> Iterator[Output]:
        context, work = page.fetch.context, _json(page.body)
        key = _WORK.fullmatch(str(work.get("id"))) if isinstance(work, dict) else None
        if key is None:
            raise PageError(f"OpenAlex: {_said(work)}, not a work")
        yield MoveCursor(values={f"work:{context['turn'].landmark}": key[1]})
        yield self._citing(key[1], context, "*", 1)

    def _parse_citing(self, page: Page) -> Iterator[Output]:
        context = page.fetch.context
        turn: Turn = context["turn"]
        after, works = _list(page.body)
        for number, work in enumerate(works, 1):
            try:
                yield work_record(work, page.fetched_at, cites=(turn.landmark,))
            except ValueError as exc:
                where = f"page {context['number']}, work {number} that cites {turn.landmark}"
                yield BadRecord(source=SOURCE, where=where, problem=str(exc))
        if after and works and context["number"] < MOST_PAGES:
            yield self._citing(context["work"], context, after, context["number"] + 1)
            return
        if after and works:
            text = (
                f"more than {MOST_PAGES * PER_PAGE:,} works cite {turn.landmark} since {turn.since}; the rest is left"
            )
            yield Notice(text=text, lost=True)
        if turn.key:
            yield MoveCursor(values={turn.key: context["today"]})

    def failed(self, failure: Failure) -> Iterator[Output]:
        """What is lost is asked for in the next run. An allowance that is used up (429 with a Retry-After of hours)
        stands in the engine's own words."""
        context, status = failure.fetch.context, failure.status
        if context["step"] in ("work", "citing") and status == 404:
            turn: Turn = context["turn"]
            yield Notice(text=f"OpenAlex does not know {turn.landmark}")
            yield MoveCursor(
                values={f"work:{turn.landmark}": None} | ({turn.key: context["today"]} if turn.key else {})
            )
        elif status == 401:
            yield Notice(text=f"OpenAlex refuses the key in {KEY_VARIABLE} (HTTP 401)", lost=True)
        else:
            what = "citation counts" if context["step"] == "counts" else "works that cite landmarks"
            yield Notice(text=f"{what} could not be read ({failure.problem}); the next run asks again", lost=True)


def _doi(paper_id: PaperId) -> str:
    """The DOI of a paper; for one at arXiv, the one that arXiv gave it."""
    return f"10.48550/arxiv.{paper_id.value}" if paper_id.scheme == "arxiv" else paper_id.value


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise PageError(f"OpenAlex: not JSON: {exc}") from exc


def _list(body: bytes) -> tuple[str, Sequence[Any]]:
    """The cursor of the next page ("" at the end), and the works of this one."""
    found = _json(body)
    meta = found.get("meta") if isinstance(found, dict) else None
    if not isinstance(meta, dict) or not isinstance(found.get("results"), list):
        raise PageError(f"OpenAlex: {_said(found)}, not a list of works")
    after = meta.get("next_cursor")
    return (after if isinstance(after, str) else ""), found["results"]


def _said(found: Any) -> str:
    message = (found.get("message") or found.get("error")) if isinstance(found, dict) else None
    return repr(message[:200]) if isinstance(message, str) else f"a {type(found).__name__}"


def work_record(work: Any, at: datetime, *, cites: tuple[PaperId, ...] = ()) -> PaperRecord:
    """The paper of a work as the API and the snapshot give it; `at` (UTC) dates its citation count. Raises ValueError for a
    work without an id or a title."""
    key, work = _key(work)
    people = work.get("authorships")
    if people is not None and not isinstance(people, list):
        raise ValueError("authorships are no list")
    named = [p["author"] for p in people or () if isinstance(p, dict) and isinstance(p.get("author"), dict)]
    return PaperRecord(
        source=SOURCE,
        source_id=key,
        title=_text(work, "title"),
        ids=_ids(work),
        abstract=abstract_of(work.get("abstract_inverted_index")),
        authors=tuple(_text(p, "display_name") for p in named),
        year=_year(work),
        published=_published(work),
        venue=_venue(work),
        url=f"https://openalex.org/{key}",
        cites=cites,
        signals=_citations(work, at),
    )


def _count(work: Any, at: datetime, asked: Mapping[PaperId, str]) -> PaperRecord:
    """ValueError for a work that was not asked for, or without a title or a count."""
    key, work = _key(work)
    ids = _ids(work)
    if not any(i in asked for i in ids):
        raise ValueError(f"{key} was not asked for")
    signals = _citations(work, at)
    if not signals:
        raise ValueError(f"{key} has no count")
    return PaperRecord(
        source=SOURCE,
        source_id=key,
        title=_text(work, "title"),
        ids=ids,
        year=_year(work),
        signals=signals,
        update_only=True,
    )


def _key(work: Any) -> tuple[str, Mapping[str, Any]]:
    key = _WORK.fullmatch(str(work.get("id"))) if isinstance(work, dict) else None
    if key is None:
        raise ValueError("no OpenAlex id")
    return key[1], work


def _ids(work: Mapping[str, Any]) -> tuple[PaperId, ...]:
    """Its DOI, and the ids that the pages of its versions spell (arXiv: a landing page or a DOI of arXiv's own)."""
    texts = [work.get("doi")]
    for location in work.get("locations") or ():
        if isinstance(location, dict):
            texts += [location.get("landing_page_url"), location.get("pdf_url")]
    ids = ids_of(text for text in texts if isinstance(text, str))
    return tuple(i for n, i in enumerate(ids) if n == 0 or i.scheme != ids[0].scheme)


def abstract_of(index: Any) -> str:
    """The abstract out of `abstract_inverted_index`, which tells for each word where it stands; "" for none."""
    if not isinstance(index, dict):
        return ""
    words: dict[int, str] = {}
    for word, places in index.items():
        if isinstance(places, list):
            words.update({p: word for p in places if isinstance(p, int) and 0 <= p < MOST_WORDS})
    return " ".join(words[place] for place in sorted(words))


def _venue(work: Mapping[str, Any]) -> str:
    """The journal or conference; a repository is none."""
    place = work.get("primary_location")
    source = place.get("source") if isinstance(place, dict) else None
    if not isinstance(source, dict) or source.get("type") not in ("journal", "conference", "book series"):
        return ""
    return _text(source, "display_name")


def _published(work: Mapping[str, Any]) -> date | None:
    """The day of publication. The first of January stands for a year alone (most of arXiv's, which come by DataCite);
    ValueError for a text that is no date."""
    text = _text(work, "publication_date")
    day = date.fromisoformat(text) if text else None
    return None if day is not None and (day.month, day.day) == (1, 1) else day


def _text(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is a {type(value).__name__}, not a text")
    return value or ""


def _year(work: Mapping[str, Any]) -> int | None:
    year = work.get("publication_year")
    return year if isinstance(year, int) and not isinstance(year, bool) and 1000 <= year <= 9999 else None


def _citations(work: Mapping[str, Any], at: datetime) -> tuple[Signal, ...]:
    count = work.get("cited_by_count")
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        return ()
    return (Signal(name="citations", value=float(count), at=at),)


def from_config(options: Options, secrets: Secrets) -> OpenAlexSource:
    """The source out of [sources.openalex]. Raises ConfigError, and SourceOff without a key."""
    table = Table("sources.openalex", options, ("landmarks_per_run", "counts_per_run", "first_days", "api_url"))
    budgets: dict[str, Any] = {
        "landmarks_per_run": amount(table, "landmarks_per_run", 20, 1000),
        "counts_per_run": amount(table, "counts_per_run", 1000, 10000),
    }
    more = table.keywords({"first_days": "first_days", "api": "api_url"})
    key = secrets.get(KEY_VARIABLE, "").strip()
    if not key:
        raise SourceOff(f"needs {KEY_VARIABLE}, a free key from https://openalex.org/settings/api")
    return OpenAlexSource(key, **budgets, **more)
