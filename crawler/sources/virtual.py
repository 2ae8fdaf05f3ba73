"""The virtual sites of conferences: the accepted papers of NeurIPS, ICML, ICLR, CVPR, ICCV, ECCV and MLSys, with their
abstracts and how each was presented.

https://neurips.cc/static/virtual/data/neurips-2025-orals-posters.json, and the same on the other sites, is the file that
a site's own pages are made from: {count, next, results: [event]}. An oral is an event of its own beside the poster of
the same paper (`related_events_ids`), so events are folded into papers. Since 2026 the abstracts are in a second file,
neurips-2026-abstracts.json: {event id: abstract}. The files go by the sites' terms; no rate is stated.

The cursor's keys: `again:EVENT`, the file must be read anew, because something was lost; `abstracts:EVENT`, the file of
abstracts was not there yet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crawler.source import Cursor, Expect, Failure, Fetch, MoveCursor, Notice, Output, Page, Window
from crawler.sources._proceedings import joined, without_markup
from crawler.sources._table import Options, Secrets, Table
from data.errors import MalformedId, PageError
from data.ids import PaperId, parse_id
from data.records import BadRecord, PaperRecord, Presentation
from data.text import title_key

SOURCE = "virtual"

SITES: Mapping[str, str] = {
    "neurips": "https://neurips.cc",
    "icml": "https://icml.cc",
    "iclr": "https://iclr.cc",
    "cvpr": "https://cvpr.thecvf.com",
    "iccv": "https://iccv.thecvf.com",
    "eccv": "https://eccv.ecva.net",
    "mlsys": "https://mlsys.org",
}
VENUES = {"neurips": "NeurIPS", "mlsys": "MLSys"}  # the others in capitals
LEVELS = ("oral", "spotlight", "highlight", "poster")  # highest first

_EVENT = re.compile(rf"({'|'.join(SITES)})-(20\d\d)")
# Orals have placeholders where a forum should be: 2025-Oral--9558-...
_PLACEHOLDER = re.compile(r"20\d\d-[A-Z][a-z]+--")
_OWN_SCHEMES = ("openreview", "arxiv", "pmlr", "cvf", "ecva", "neurips", "doi")


def event(text: str) -> str:
    """An event as its file is named (`neurips-2025`); ValueError for what is none by its form."""
    name = text.strip().lower()
    if not _EVENT.fullmatch(name):
        raise ValueError(f"not an event: {text[:40]!r} (write it like neurips-2025; known: {', '.join(SITES)})")
    return name


class VirtualSource:
    """The papers of some events. `sites` replaces addresses of `SITES`, by conference. ValueError for a name that is
    none."""

    name = SOURCE
    terms = "https://neurips.cc/robots.txt"

    def __init__(self, events: Sequence[str], *, sites: Mapping[str, str] | None = None) -> None:
        self.events = tuple(dict.fromkeys(event(e) for e in events))
        self._sites = {name: site.rstrip("/") for name, site in {**SITES, **(sites or {})}.items()}

    # ---- what to ask --------------------------------------------------------------------------------------------

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """Each event's file, or first its abstracts where these were not there yet; a window goes by years."""
        for name in self.events:
            year = int(name[-4:])
            if (window.since and year < window.since.year) or (window.until and year > window.until.year):
                continue
            again = f"again:{name}" in cursor
            if f"abstracts:{name}" in cursor and not again:
                yield self._abstracts(name, step="probe")
            else:
                yield self._papers(name, conditional=not again)

    def _site(self, name: str) -> str:
        return self._sites[name.partition("-")[0]]

    def _papers(self, name: str, *, conditional: bool, abstracts: Mapping[str, str] | None = None) -> Fetch:
        return Fetch(
            url=f"{self._site(name)}/static/virtual/data/{name}-orals-posters.json",
            kind="api",
            context={"step": "papers", "event": name, "rows": (), "abstracts": abstracts},
            conditional=conditional,
            remember=True,
        )

    def _abstracts(self, name: str, *, step: str, records: Mapping[str, PaperRecord] | None = None) -> Fetch:
        return Fetch(
            url=f"{self._site(name)}/static/virtual/data/{name}-abstracts.json",
            kind="api",
            context={"step": step, "event": name, "records": records or {}},
        )

    # ---- what came back -----------------------------------------------------------------------------------------

    def parse(self, page: Page) -> Iterator[Output]:
        """One record per paper; where the abstracts are in a file of their own, another one with the abstract."""
        if page.not_modified:
            return
        context = page.fetch.context
        name = context["event"]
        if context["step"] == "papers":
            yield from self._parse_papers(page)
        elif context["step"] == "probe":
            yield self._papers(name, conditional=False, abstracts=parse_abstracts(page.body))
        else:
            abstracts = parse_abstracts(page.body)
            records: Mapping[str, PaperRecord] = context["records"]
            found = {number: abstracts[number] for number in records if abstracts.get(number)}
            for number, abstract in found.items():
                yield replace(records[number], abstract=abstract)
            yield self._without(name, len(records) - len(found), wait=not found)

    def _parse_papers(self, page: Page) -> Iterator[Output]:
        context = page.fetch.context
        name = context["event"]
        count, following, rows = _read(page.body)
        rows = [*context["rows"], *rows]
        if following and len(rows) < count and rows != list(context["rows"]):
            address = joined(page.url, following)
            if urlsplit(address).netloc == urlsplit(page.url).netloc:  # the site's own API, which may say http:
                more = {**context, "rows": tuple(rows)}
                yield MoveCursor(values={f"again:{name}": True})  # until all of it was read
                yield Fetch(url=re.sub(r"^http://", "https://", address), kind="api", context=more)
                return
        missing = max(0, count - len(rows))
        if missing:
            yield Notice(text=f"{name}: {missing} of {count} events are not in the file", lost=True)
        yield from self._outputs(name, rows, context["abstracts"], complete=not missing, where=page.url)

    def _outputs(
        self, name: str, rows: Sequence[Any], abstracts: Mapping[str, str] | None, *, complete: bool, where: str
    ) -> Iterator[Output]:
        papers, bad, others = parse_events(rows, name, self._site(name), abstracts or {}, where=where)
        yield from bad
        yield from papers.values()
        if papers:
            yield Expect(what=name, count=len(papers))
        elif not bad:
            yield Notice(text=f"{name} names no papers yet")
        if others:
            yield Notice(text=f"{name}: {others} events are no papers")
        yield MoveCursor(values={f"again:{name}": None if complete else True})
        silent = {number: paper for number, paper in papers.items() if not paper.abstract}
        if silent and abstracts is None:
            yield MoveCursor(values={f"abstracts:{name}": True})  # until they were read
            yield self._abstracts(name, step="abstracts", records=silent)
        elif abstracts is not None:
            yield self._without(name, len(silent), wait=bool(papers) and len(silent) == len(papers))

    def _without(self, name: str, number: int, *, wait: bool) -> Output:
        if wait and number:
            return Notice(text=f"the abstracts of {name} are not there yet: the next run asks for them again")
        return MoveCursor(values={f"abstracts:{name}": None})

    def failed(self, failure: Failure) -> Iterator[Output]:
        """What was read of a file in several parts is kept; a lost file is asked for again in the next run."""
        context = failure.fetch.context
        name = context["event"]
        if context["step"] == "papers" and context["rows"]:
            yield Notice(text=f"{name}: only {len(context['rows'])} events could be read: {failure.problem}", lost=True)
            where = failure.fetch.url
            yield from self._outputs(name, context["rows"], context["abstracts"], complete=False, where=where)
        elif failure.status == 404 and context["step"] == "papers":
            yield Notice(text=f"{failure.fetch.url} is not there (404): not published yet, or moved")
        elif context["step"] == "papers":
            yield Notice(text=f"the papers of {name} could not be fetched ({failure.problem})", lost=True)
        else:
            lost = failure.status != 404
            why = f" ({failure.problem})" if lost else ""
            yield Notice(text=f"the abstracts of {name} are not there{why}: the next run asks again", lost=lost)
            if context["step"] == "probe":
                yield self._papers(name, conditional=True)


def _read(body: bytes) -> tuple[int, str, list[Any]]:
    """How many events there are, where the next ones are, and these; PageError."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise PageError(f"virtual site: not JSON: {exc}") from exc
    rows = data.get("results") if isinstance(data, Mapping) else None
    if not isinstance(rows, list):
        raise PageError("virtual site: no object with results")
    count, following = data.get("count"), data.get("next")
    return count if type(count) is int else len(rows), following if isinstance(following, str) else "", rows


def parse_abstracts(body: bytes) -> dict[str, str]:
    """Abstracts by the event's id; PageError for what is no such file."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise PageError(f"virtual site: not JSON: {exc}") from exc
    if not isinstance(data, Mapping):
        raise PageError(f"virtual site: abstracts are a {type(data).__name__}, not an object")
    return {str(key): without_markup(text) for key, text in data.items() if isinstance(text, str) and text.strip()}


# ---- events and papers ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event that presents a paper. `group` is the OpenReview group that the paper was submitted to."""

    number: str
    title: str
    authors: tuple[str, ...]
    abstract: str
    level: str
    decision: str
    group: str
    url: str
    ids: tuple[PaperId, ...]
    keywords: tuple[str, ...]
    related: tuple[str, ...]
    presented: Presentation | None


def parse_events(
    rows: Iterable[Any], name: str, site: str, abstracts: Mapping[str, str], *, where: str = ""
) -> tuple[dict[str, PaperRecord], list[BadRecord], int]:
    """The papers of these events by the id of the event that stands for each (its first poster), bad events, and how
    many events present no paper."""
    events: dict[str, Event] = {}
    bad: list[BadRecord] = []
    others = 0
    for position, row in enumerate(rows, 1):
        try:
            if (one := _event(row, site, abstracts)) is None:
                others += 1
            else:
                events[one.number] = one
        except ValueError as exc:
            number = row.get("id") if isinstance(row, Mapping) else None
            at = f"event {number}" if number else f"item {position}"
            bad.append(BadRecord(source=SOURCE, where=f"{where or name} {at}", problem=str(exc)))
    papers = {}
    for same in _folded(events):
        record = _record(same, name, site)
        papers[record.source_id.partition("/")[2]] = record
    return papers, bad, others


def _event(row: Any, site: str, abstracts: Mapping[str, str]) -> Event | None:
    """None for an event that presents no paper, ValueError for one that cannot be read."""
    if not isinstance(row, Mapping):
        raise ValueError(f"a {type(row).__name__}, not an object")
    said = " ".join(_text(row, key) for key in ("eventtype", "event_type", "decision")).lower()
    types = f"{_text(row, 'eventtype')} {_text(row, 'event_type')}".lower()
    paper = any(level in types for level in LEVELS) and "session" not in types
    if row.get("visible") is False or (types.strip() and not paper):
        return None
    number = row.get("id")
    if isinstance(number, bool) or not isinstance(number, int | str) or not str(number).strip():
        raise ValueError("an event without an id")
    title = without_markup(_text(row, "name")).strip()
    if not title:
        raise ValueError("an event without a name")
    people = row.get("authors") or []
    if not isinstance(people, list) or not all(isinstance(p, Mapping) for p in people):
        raise ValueError("authors are no list of objects")
    related = row.get("related_events_ids")
    keywords = row.get("keywords")
    topics = [part for part in without_markup(_text(row, "topic")).split("->") if part.strip()]
    return Event(
        number=str(number),
        title=title,
        authors=tuple(without_markup(_text(p, "fullname")) for p in people if _text(p, "fullname").strip()),
        abstract=without_markup(_text(row, "abstract")) or abstracts.get(str(number), ""),
        level=next((level for level in LEVELS if re.search(rf"\b{level}", said)), ""),
        decision=_text(row, "decision"),
        group=(parse_qs(urlsplit(_text(row, "sourceurl")).query).get("id") or [""])[0],
        url=joined(f"{site}/", _text(row, "virtualsite_url")) if _text(row, "virtualsite_url") else "",
        ids=tuple(_ids(row)),
        keywords=tuple([k for k in keywords if isinstance(k, str)] if isinstance(keywords, list) else [])
        + tuple(topics),
        related=tuple(str(r) for r in related) if isinstance(related, list) else (),
        presented=_presentation(row),
    )


def _presentation(row: Mapping[str, Any]) -> Presentation | None:
    """Session, start and place; what cannot be read of them is left out, since the paper counts for more."""

    def said(key: str) -> str:
        value = row.get(key)
        return without_markup(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ""

    try:
        starts = datetime.fromisoformat(said("starttime"))
    except ValueError:
        starts = None
    where = " ".join(part for part in (said("room_name"), said("poster_position")) if part)
    found = Presentation(session=said("session"), starts=starts if starts and starts.tzinfo else None, place=where)
    return found if found.fields() else None


def _text(holder: Mapping[str, Any], key: str) -> str:
    value = holder.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is a {type(value).__name__}, not a text")
    return value or ""


def _ids(row: Mapping[str, Any]) -> Iterator[PaperId]:
    media = row.get("eventmedia")
    links = [_text(row, "paper_url"), _text(row, "paper_pdf_url")]
    links += [
        item["uri"]
        for item in (media if isinstance(media, list) else ())
        if isinstance(item, Mapping) and item.get("name") == "OpenReview" and isinstance(item.get("uri"), str)
    ]
    for link in links:
        try:
            found = parse_id(link)
        except MalformedId:
            continue
        if found.scheme in _OWN_SCHEMES and not (found.scheme == "openreview" and _PLACEHOLDER.match(found.value)):
            yield found


def _folded(events: Mapping[str, Event]) -> list[list[Event]]:
    """The events of each paper: those with one id, and those with one title that are related or by the same people.

    Being related is not enough (a session may be related to all of its papers), nor is a title alone.
    """
    leader = {number: number for number in events}

    def lead(number: str) -> str:
        while leader[number] != number:
            leader[number] = leader[leader[number]]
            number = leader[number]
        return number

    seen: dict[object, str] = {}
    for number, one in events.items():
        title = title_key(one.title)
        keys: list[object] = [
            *one.ids,
            (title, frozenset(title_key(a) for a in one.authors)) if one.authors else number,
        ]
        for key in keys:
            leader[lead(number)] = lead(seen.setdefault(key, number))
        for other in one.related:
            if other in events and title_key(events[other].title) == title:
                leader[lead(number)] = lead(other)
    groups: dict[str, list[Event]] = {}
    for number, one in events.items():
        groups.setdefault(lead(number), []).append(one)
    return list(groups.values())


def _record(same: Sequence[Event], name: str, site: str) -> PaperRecord:
    """One paper out of its events: the first poster stands for it, its status is the highest of all."""
    by_number = sorted(same, key=lambda e: (len(e.number), e.number))
    first = next((e for e in by_number if e.level != "oral"), by_number[0])
    ordered = [first, *(e for e in by_number if e is not first)]
    ids = [paper_id for e in ordered for paper_id in e.ids]
    conference, _, year = name.partition("-")
    venue, status = _status(ordered, VENUES.get(conference, conference.upper()), int(year))
    return PaperRecord(
        source=SOURCE,
        source_id=f"{name}/{first.number}",
        title=first.title,
        ids=tuple(dict.fromkeys(ids)),
        abstract=next((e.abstract for e in ordered if e.abstract), ""),
        authors=next((e.authors for e in ordered if e.authors), ()),
        year=int(year),
        venue=venue,
        venue_status=status,
        url=next((e.url for e in ordered if e.url), f"{site}/virtual/{year}/papers.html"),
        keywords=tuple(dict.fromkeys(k for e in ordered for k in e.keywords)),
        presented=tuple(dict.fromkeys(e.presented for e in by_number if e.presented)),
    )


def _status(events: Sequence[Event], venue: str, year: int) -> tuple[str, str]:
    """Venue and status: ("ICLR", "ICLR 2026 Oral"), with the track where it is not the main one. A paper of a journal
    that is presented at the conference is the journal's."""
    decisions = " ".join(e.decision for e in events).lower()
    for word, status in (("withdraw", "withdrawn"), ("reject", "rejected")):
        if word in decisions:
            return venue, status
    level = next((level.capitalize() for level in LEVELS if any(e.level == level for e in events)), "")
    group = next((e.group for e in events if e.group), "")
    if journal := re.fullmatch(r"(?:.*/)?(TMLR|JMLR)(?:/.*)?", group, re.I):
        return journal[1].upper(), f"{venue} {year} {level} (journal track)".replace("  ", " ")
    if "workshop" in group.lower():
        return venue, "workshop"
    parts = group.split("/")
    track = parts[-1].replace("_", " ") if len(parts) > 2 and parts[-1].lower() != "conference" else ""
    return venue, " ".join(part for part in (venue, str(year), track, level) if part)


def from_config(options: Options, secrets: Secrets) -> VirtualSource:
    """The source out of [sources.virtual]. Raises ConfigError."""
    table = Table("sources.virtual", options, ("events", *(f"{name}_url" for name in SITES)))
    sites = {name: table.url(f"{name}_url") for name in SITES if f"{name}_url" in table.options}
    return VirtualSource(table.texts("events", event), sites=sites)
