"""dblp: titles and authors of a venue's year, for venues without a better source. It has no abstracts.

The search API is described at https://dblp.org/faq/How+to+use+the+dblp+search+API.html; the data is CC0. Everything in
its JSON is a text, a single author is an object, and `hit` is missing where there are no hits. It promises 1,000 hits a
page, but at times sends 100 all the same, so that pages follow what was really sent. Since 2026 dblp may answer with a
proof of work for browsers (Anubis) instead.

The cursor's key `read:STREAM:YEAR` holds how many hits were read, of how many: an unfinished reading goes on from there,
a finished one is repeated when the number has changed. Years before the last one are not asked again once they are read.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from crawler.source import Cursor, Expect, Failure, Fetch, MoveCursor, Notice, Output, Page, Window
from crawler.sources._table import Options, Secrets, Table, kind
from data.errors import MalformedId, PageError
from data.ids import PaperId, parse_id
from data.records import BadRecord, PaperRecord

SOURCE = "dblp"
PAGE_SIZE = 1000
NOT_PAPERS = ("Editorship", "Books and Theses", "Reference Works")  # values of `type`: volumes, not their papers

_STREAM = re.compile(r"(?:conf|journals)/[A-Za-z0-9-]+", re.A)
_HOMONYM = re.compile(r" \d{4}$", re.A)
_VOLUME = re.compile(r"\s*\(\d+\)$", re.A)  # "ECCV (3)": the third volume of the print
_WORKSHOP = re.compile(r"\s*\bworkshops?\b|@", re.I)


def stream(text: str) -> str:
    """The key of a venue as in dblp's addresses (`conf/kdd`); ValueError for what is none by its form."""
    name = text.strip().strip("/").removeprefix("streams/")
    if not _STREAM.fullmatch(name):
        raise ValueError(f"not a dblp stream: {text[:40]!r} (write it like conf/kdd)")
    return name


class DblpSource:
    """The papers of some streams in some years; without years, those of this year and the last. ValueError for a name
    that is no stream."""

    name = SOURCE
    terms = "https://dblp.org/faq/How+to+use+the+dblp+search+API.html"

    def __init__(self, streams: Sequence[str], years: Sequence[int] = (), *, site: str = "https://dblp.org") -> None:
        self.streams = tuple(dict.fromkeys(map(stream, streams)))
        self.years = tuple(dict.fromkeys(years))
        self._site = site.rstrip("/")

    # ---- what to ask ------------------------------------------------------------------------------------------------

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """A page for each stream and year that may have changed; a window goes by years and reads them anew."""
        this_year = window.now.year
        windowed = bool(window.since or window.until)
        for name in self.streams:
            for year in self.years or (this_year, this_year - 1):
                if (window.since and year < window.since.year) or (window.until and year > window.until.year):
                    continue
                read, total = _progress(cursor.get(f"read:{name}:{year}"))
                if windowed or read is None:
                    yield self._page(name, year)
                elif read < total:
                    yield self._page(name, year, first=read, left_out=None)
                elif year >= this_year - 1:
                    yield self._page(name, year, known=total)

    def _page(
        self, name: str, year: int, *, first: int = 0, known: int | None = None, left_out: int | None = 0
    ) -> Fetch:
        query = quote(f"stream:streams/{name}: year:{year}:", safe="/:")
        return Fetch(
            url=f"{self._site}/search/publ/api?q={query}&format=json&h={PAGE_SIZE}&f={first}&c=0",
            kind="api",
            context={"stream": name, "year": year, "first": first, "known": known, "left_out": left_out},
            priority=-5 if first else 0,
            can_wait=first > 0,
        )

    # ---- what came back ---------------------------------------------------------------------------------------------

    def parse(self, page: Page) -> Iterator[Output]:
        """One page of hits, and the next one."""
        context = page.fetch.context
        name, year, first = context["stream"], context["year"], context["first"]
        total, hits = _hits(page.body, first)
        if context["known"] == total:
            return
        what, left_out, sent = f"{name} {year}", context["left_out"], len(hits)
        for number, hit in enumerate(hits, first + 1):
            try:
                record = _record(hit)
            except (ValueError, MalformedId) as exc:
                yield BadRecord(source=SOURCE, where=f"{what} hit {number}", problem=str(exc))
                continue
            if record is not None:
                yield record
            elif left_out is not None:
                left_out += 1
        read = first + sent
        if total == 0:
            yield Notice(text=f"dblp has no papers of {what} yet")
        elif sent and read < total:
            yield MoveCursor(values={f"read:{name}:{year}": [read, total]})
            yield self._page(name, year, first=read, left_out=left_out)
        elif read < total:
            yield MoveCursor(values={f"read:{name}:{year}": None})
            yield Notice(text=f"dblp sent {read:,} of {total:,} hits of {what}; the next run asks again", lost=True)
        else:
            if left_out is not None:  # else the beginning came in another run
                yield Expect(what=what, count=total - left_out)
            if left_out:
                yield Notice(text=f"{what}: {left_out:,} volumes left out, which are no papers")
            yield MoveCursor(values={f"read:{name}:{year}": [total, total]})

    def failed(self, failure: Failure) -> Iterator[Output]:
        """What is lost is asked for again in the next run, from where the reading came to."""
        context = failure.fetch.context
        yield Notice(
            text=f"{context['stream']} {context['year']} could not be read ({failure.problem}); the next run asks again",
            lost=True,
        )


def _progress(value: Any) -> tuple[int | None, int]:
    """What `read:` says: hits read (None: not begun), of how many."""
    return (int(value[0]), int(value[1])) if isinstance(value, list | tuple) and len(value) == 2 else (None, 0)


def _hits(body: bytes, first: int) -> tuple[int, list[Any]]:
    """How many hits there are in all, and those of this page. PageError for anything but an answer of the API."""
    try:
        answer = json.loads(body)
    except ValueError as exc:
        beginning = body[:20_000].lower()
        if b"anubis" in beginning or b"not a bot" in beginning:
            raise PageError("dblp demands a browser's proof of work (Anubis) instead of answering") from exc
        raise PageError("dblp: no JSON") from exc
    result = answer.get("result") if isinstance(answer, dict) else None
    hits = result.get("hits") if isinstance(result, dict) else None
    if not isinstance(hits, dict) or not str(hits.get("@total", "")).isdecimal():
        raise PageError("dblp: an answer without hits")
    if str(hits.get("@first", first)) != str(first):  # an older answer from a cache: reading on would find no end
        raise PageError(f"dblp: hits from {str(hits['@first'])[:20]} on, not from {first} on")
    found = hits.get("hit", [])
    found = [found] if isinstance(found, dict) else found
    if not isinstance(found, list):
        raise PageError(f"dblp: hits are a {type(found).__name__}, not a list")
    return int(hits["@total"]), found


def _record(hit: Any) -> PaperRecord | None:
    """None for a volume; ValueError for a hit that cannot be read."""
    info = hit.get("info") if isinstance(hit, Mapping) else None
    if not isinstance(info, Mapping):
        raise ValueError("a hit without info")
    if _text(info, "type") in NOT_PAPERS:
        return None
    links = [link for link in _texts(info, "ee") if link.startswith(("https://", "http://"))]
    year = _text(info, "year")
    if year and not re.fullmatch(r"\d{4}", year, re.A):
        raise ValueError(f"not a year: {year[:20]!r}")
    venue = next(iter(_texts(info, "venue")), "")
    workshop = bool(_WORKSHOP.search(venue))
    return PaperRecord(
        source=SOURCE,
        source_id=_text(info, "key"),
        title=_text(info, "title").removesuffix("."),
        ids=_ids([*links, *([f"doi:{doi}"] if (doi := _text(info, "doi")) else [])]),
        authors=_authors(info.get("authors")),
        year=int(year) if year else None,
        venue=_WORKSHOP.split(_VOLUME.sub("", venue))[0].strip() or venue,
        venue_status="workshop" if workshop else "",
        url=links[0] if links else _text(info, "url"),
    )


def _text(info: Mapping[str, Any], key: str) -> str:
    """A text without the entities that dblp leaves in it (`&amp;`)."""
    value = info.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is a {type(value).__name__}, not a text")
    return html.unescape(value or "").strip()


def _texts(info: Mapping[str, Any], key: str) -> list[str]:
    """One text or a list of them."""
    value = info.get(key)
    return [_text({key: one}, key) for one in (value if isinstance(value, list) else [value]) if one]


def _authors(authors: Any) -> tuple[str, ...]:
    """Names without the numbers that tell homonyms apart."""
    if authors is None:
        return ()
    people = authors.get("author") if isinstance(authors, Mapping) else None
    people = [people] if isinstance(people, Mapping) else people
    if not isinstance(people, list) or not all(isinstance(p, Mapping) for p in people):
        raise ValueError("authors are no list of objects")
    return tuple(_HOMONYM.sub("", _text(p, "text")) for p in people)


def _ids(texts: Iterable[str]) -> tuple[PaperId, ...]:
    out: dict[PaperId, None] = {}
    for text in texts:
        try:
            out[parse_id(text)] = None
        except MalformedId:
            continue  # a link to a page that is no paper's id
    return tuple(out)


def _years(table: Table) -> list[int]:
    values = table.options.get("years", [])
    if not isinstance(values, list | tuple) or not all(type(v) is int for v in values):
        raise table.error("years", f"should be a list of years, not {kind(values)}")
    if wrong := [v for v in values if not 1900 <= v <= 2100]:
        raise table.error("years", f"not a year: {wrong[0]}")
    return list(values)


def from_config(options: Options, secrets: Secrets) -> DblpSource:
    """The source out of [sources.dblp]. Raises ConfigError."""
    table = Table("sources.dblp", options, ("streams", "years", "site_url"))
    return DblpSource(table.texts("streams", stream), _years(table), **table.keywords({"site": "site_url"}))
