"""NeurIPS proceedings: the papers of a year, all tracks, with their abstracts.

https://papers.nips.cc/paper_files/paper/YEAR lists a year; since 2025 the main conference is a volume of its own, which
that page links to (`/paper_files/paper/2025/vol38-main-conference`). Entries are `a[title="paper title"]` with the
authors in `<i>`, and in `span.paper-authors` since the redesign of 2026, which also states the number of papers. One
page per paper has the abstract: after `<h4>Abstract</h4>`, and in `p.paper-abstract` since the redesign. All are crawled
pages and go by robots.txt; there is no API.

The cursor's keys are those of `crawler.sources._proceedings`, with the year for a name and the volume for a part, and
`volume:YEAR:VOLUME`, a volume that a year's page links to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from crawler.source import Cursor, Failure, Fetch, MoveCursor, Notice, Output, Page, Window
from crawler.sources import _proceedings as proceedings
from crawler.sources._arxiv_text import split_authors
from crawler.sources._proceedings import Listing, has_class, joined, text_of
from crawler.sources._table import Options, Secrets, Table
from data.errors import MalformedId, PageError
from data.ids import parse_id
from data.records import BadRecord, PaperRecord

SOURCE = "neurips"
FIRST_YEAR = 1987

_PAPER = re.compile(
    r"/paper(?:_files/paper)?/(?P<year>\d{4})/hash/[0-9a-f]{32}-Abstract(?:-(?P<track>[A-Za-z0-9_]+))?\.html$", re.I
)
_VOLUME = re.compile(r"/paper_files/paper/(?P<year>\d{4})/(?P<volume>vol[\w-]{1,80})/?$")
_COUNT = re.compile(r"([\d,]+)\s+papers?\b", re.I)
_DAY = re.compile(r"(\d{4})[/-](\d\d?)[/-](\d\d?)")
_NO_ABSTRACT = re.compile(r"abstract\s+(?:unavailable|not available|missing)\.?|(?:n/a|none)\.?", re.I)


class NeuripsSource:
    """The papers of some years. ValueError for a year without proceedings."""

    name = SOURCE
    terms = "https://papers.nips.cc/robots.txt"

    def __init__(self, years: Sequence[int], *, site: str = "https://papers.nips.cc") -> None:
        for year in years:
            if not FIRST_YEAR <= year <= 2099:
                raise ValueError(f"no NeurIPS proceedings of {year}: they begin in {FIRST_YEAR}")
        self.years = tuple(dict.fromkeys(years))
        self._site = site.rstrip("/")

    # ---- what to ask --------------------------------------------------------------------------------------------

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """Each year's listings, and the paper pages that earlier runs left over; a window goes by years."""
        for year in self.years:
            if (window.since and year < window.since.year) or (window.until and year > window.until.year):
                continue
            have = proceedings.known(cursor, str(year))
            volumes = [key.rpartition(":")[2] for key in cursor if key.startswith(f"volume:{year}:")]
            yield self._listing(year, have, volumes=volumes)
            for volume in volumes:
                yield self._listing(year, have, volume=volume)
            for key, tries in proceedings.left_over(cursor, str(year)).items():
                yield proceedings.paper_page(self._site, key, tries)

    def _listing(self, year: int, have: str, *, volume: str = "", volumes: Sequence[str] = ()) -> Fetch:
        context = {"step": "listing", "year": year, "volume": volume, "volumes": tuple(volumes), "have": have}
        url = f"{self._site}/paper_files/paper/{year}" + (f"/{volume}" if volume else "")
        return Fetch(url=url, kind="page", context=context, conditional=True, priority=10)

    # ---- what came back -----------------------------------------------------------------------------------------

    def parse(self, page: Page) -> Iterator[Output]:
        """Papers without abstracts from a listing, then each paper with its abstract."""
        if page.not_modified:
            return
        context = page.fetch.context
        if context["step"] == "paper":
            yield parse_paper(page.body, page.url, context["record"])
            yield MoveCursor(values={context["key"]: None})
            return
        year, volume = context["year"], context["volume"]
        listing, volumes = parse_listing(page.body, page.url, year)
        new = [] if volume else [v for v in volumes if v not in context["volumes"]]
        if new:  # noted first, so that a run that ends early cannot forget them
            yield MoveCursor(values={f"volume:{year}:{v}": True for v in new})
        if listing.papers:
            yield from proceedings.listed(self._site, str(year), listing, context["have"], part=volume)
            if listing.stated is not None and listing.stated != len(listing.papers):
                yield Notice(text=f"{page.url} states {listing.stated} papers and names {len(listing.papers)}")
        elif not new and not context["volumes"]:
            yield Notice(text=f"the listing of NeurIPS {year} names no papers yet")
        for v in new:
            yield self._listing(year, context["have"], volume=v)

    def failed(self, failure: Failure) -> Iterator[Output]:
        """A paper page that is not there is asked for in a few later runs; any other loss in the next one."""
        context = failure.fetch.context
        if context["step"] == "paper":
            yield from proceedings.no_paper_page(failure, f"NeurIPS {context['name']}")
        elif failure.status == 404:
            yield Notice(text=f"{failure.fetch.url} is not there (404): not published yet, or moved")
        else:
            of = f"NeurIPS {context['year']} {context['volume']}".strip()
            yield Notice(text=f"the listing of {of} could not be fetched ({failure.problem})", lost=True)


def parse_listing(body: bytes, url: str, year: int) -> tuple[Listing, tuple[str, ...]]:
    """A listing in either layout, and the volumes of that year that it links to; PageError where it is cut short or not
    a page of the proceedings."""
    root = proceedings.read_page(body, "NeurIPS")
    papers: dict[str, PaperRecord] = {}
    bad: list[BadRecord] = []
    volumes: dict[str, None] = {}
    for link in root.iter("a"):
        address = joined(url, link.get("href"))
        path = urlsplit(address).path
        if (other := _VOLUME.match(path)) and int(other["year"]) == year and not urlsplit(url).path.startswith(path):
            volumes[other["volume"]] = None
        match = _PAPER.match(path)
        if match is None:
            if link.get("title") == "paper title":
                bad.append(BadRecord(source=SOURCE, where=text_of(link)[:120] or url, problem=f"no paper: {path!r}"))
            continue
        try:
            record = _record(address, title=text_of(link), authors=split_authors(_authors_beside(link)))
            papers.setdefault(path.lstrip("/"), record)
        except ValueError as exc:
            bad.append(BadRecord(source=SOURCE, where=address, problem=str(exc)))
    said = f"{root.findtext('.//title') or ''} {' '.join(text_of(h) for h in root.iter('h1', 'h2', 'h4'))}"
    if not papers and not volumes and not re.search(r"\b(?:NeurIPS|NIPS|Neural Information)\b", said):
        raise PageError("NeurIPS: not a page of the proceedings")
    count = next((m for n in root.iter() if has_class(n, "paper-count") and (m := _COUNT.search(text_of(n)))), None)
    stated = int(count[1].replace(",", "")) if count else None
    return Listing(papers=papers, bad=tuple(bad), stated=stated), tuple(volumes)


def _authors_beside(link: Any) -> str:
    """The authors in the list item of a title; the nearest element that has them, where there is no list item."""
    for holder in link.iterancestors():
        authors = [n for n in holder.iter("span", "i") if n.tag == "i" or has_class(n, "paper-authors")]
        if len(authors) == 1:
            return text_of(authors[0])
        if authors or holder.tag in ("li", "ul", "body"):
            break
    return ""


def _record(
    address: str,
    *,
    title: str,
    authors: Sequence[str],
    abstract: str = "",
    doi: str = "",
    published: date | None = None,
) -> PaperRecord:
    """One paper; ValueError without a title, or for an address that is no paper's."""
    path = urlsplit(address).path
    match = _PAPER.match(path)
    if match is None:
        raise ValueError(f"not the address of a paper: {address[:120]!r}")
    ids = []
    for spelling in (f"https://papers.nips.cc{path}", doi):  # of the original site, where a mirror is configured
        try:
            ids.append(parse_id(spelling))
        except MalformedId:
            continue
    track = (match["track"] or "").replace("_", " ")
    return PaperRecord(
        source=SOURCE,
        source_id=ids[0].value if ids and ids[0].scheme == "neurips" else path.lstrip("/"),
        title=title,
        ids=tuple(ids),
        abstract=abstract,
        authors=tuple(authors),
        year=int(match["year"]),
        published=published,
        venue="NeurIPS",
        venue_status=track if track.lower() != "conference" else "",
        url=address,
    )


def parse_paper(body: bytes, url: str, listed: PaperRecord | None) -> PaperRecord:
    """The paper with its abstract, DOI and day of publication. PageError for a page that is no paper's; a paper whose
    abstract the site does not have (most before 1996) stays without one."""
    root = proceedings.read_page(body, "NeurIPS")
    metas = proceedings.metas(root)
    title = (metas.get("citation_title") or [""])[0]
    if not title:
        raise PageError("NeurIPS: not the page of a paper")
    try:
        record = _record(
            url,
            title=title,
            authors=[proceedings.turned(name) for name in metas.get("citation_author", ())],
            abstract=_abstract(root),
            doi=(metas.get("citation_doi") or [""])[0],
            published=_day((metas.get("citation_publication_date") or [""])[0]),
        )
    except ValueError as exc:
        raise PageError(f"NeurIPS: {exc}") from exc
    if listed is None:
        return record
    return replace(listed, abstract=record.abstract, ids=record.ids, published=record.published)


def _abstract(root: Any) -> str:
    """The paragraphs of the abstract. HTML ends a paragraph where another one begins, so `<p class="paper-abstract"><p>`
    and `<h4>Abstract</h4><p><p>` are an empty paragraph and, as its neighbours, those with the text; what follows after
    them (a note on changes of names) is not the abstract."""
    start = next((p for p in root.iter("p", "div") if has_class(p, "paper-abstract")), None)
    if start is None:
        start = next((h for h in root.iter("h2", "h3", "h4", "h5") if text_of(h).lower() == "abstract"), None)
        parts: list[str] = []
    else:
        parts = [text_of(start)]
    if start is not None and not any(parts):
        for node in start.itersiblings():
            if node.tag != "p":
                break
            parts.append(text_of(node))
    text = "\n\n".join(part for part in parts if part)
    return "" if _NO_ABSTRACT.fullmatch(text) else text


def _day(text: str) -> date | None:
    match = _DAY.match(text)
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def from_config(options: Options, secrets: Secrets) -> NeuripsSource:
    """The source out of [sources.neurips]. Raises ConfigError."""
    table = Table("sources.neurips", options, ("years", "site_url"))
    try:
        return NeuripsSource(table.years(), **table.keywords({"site": "site_url"}))
    except ValueError as exc:
        raise table.error("years", str(exc)) from exc
