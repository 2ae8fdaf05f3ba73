"""CVF open access: the papers of CVPR, ICCV, WACV and ACCV (and ECCV 2018), with their abstracts.

A conference is one listing page with titles and authors, which come at once, and one page per paper with the abstract.
Both are crawled pages and go by robots.txt; the site states no terms beyond its copyright note and has no API.

The cursor's keys: `have:CONFERENCE` and `have:CONFERENCE:DAY`, which papers a listing named (a digest each, so that a
changed listing adds only what is new); `page:CONFERENCE/PATH`, a paper page still to be read, with the number of times
that it was not there; `day:CONFERENCE:DAY`, a day's listing still to be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

from crawler.source import Cursor, Failure, Fetch, MoveCursor, Notice, Output, Page, Window
from crawler.sources import _proceedings as proceedings
from crawler.sources._table import Options, Secrets, Table
from data.errors import MalformedId, PageError
from data.ids import arxiv_id, parse_id
from data.records import BadRecord, PaperRecord

SOURCE = "cvf"

_CONFERENCE = re.compile(r"(CVPR|ICCV|WACV|ACCV|ECCV)(20\d\d)")
_DAY = re.compile(r"[?&]day=([\w-]+)")
_ENTRY = re.compile(rb'class\s*=\s*["\']?ptitle')
_BIBTEX_AUTHORS = re.compile(r"author\s*=\s*\{(.*?)\}\s*,?\s*\n", re.S)


def conference(text: str) -> str:
    """The name as CVF writes it (`CVPR2026`); ValueError for what is none by its form."""
    name = text.strip().upper()
    if not _CONFERENCE.fullmatch(name):
        raise ValueError(f"not a CVF conference: {text[:40]!r} (write it like CVPR2026)")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(proceedings.Listing):
    """What one listing page holds: papers, or the days to look under."""

    days: Mapping[str, str] = field(default_factory=dict)  # day -> address


class CvfSource:
    """The papers of some conferences. ValueError for a name that is none."""

    name = SOURCE
    terms = "https://openaccess.thecvf.com/robots.txt"

    def __init__(self, conferences: Sequence[str], *, site: str = "https://openaccess.thecvf.com") -> None:
        self.conferences = tuple(dict.fromkeys(conference(c) for c in conferences))
        self._site = site.rstrip("/")

    # ---- what to ask --------------------------------------------------------------------------------------------

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """Each conference's listing, and the paper pages that earlier runs left over; a window goes by years."""
        for name in self.conferences:
            year = int(name[4:])
            if (window.since and year < window.since.year) or (window.until and year > window.until.year):
                continue
            have = proceedings.known(cursor, name)
            yield self._listing(name, self._address(name), have)
            for key, value in cursor.items():
                if key.startswith(f"day:{name}:") and isinstance(value, str):
                    yield self._listing(name, value, have, day=key.rpartition(":")[2])
            for key, tries in proceedings.left_over(cursor, name).items():
                yield proceedings.paper_page(self._site, key, tries)

    def _address(self, name: str) -> str:
        """CVPR and ICCV list by day from 2018 on; the others, and earlier years, have one page."""
        by_day = name[:4] in ("CVPR", "ICCV") and int(name[4:]) >= 2018
        return f"{self._site}/{name}?day=all" if by_day else f"{self._site}/{name}"

    def _listing(self, name: str, url: str, have: str, *, day: str = "") -> Fetch:
        context = {"step": "listing", "conference": name, "have": have, "day": day}
        return Fetch(url=url, kind="page", context=context, conditional=True, priority=10)

    # ---- what came back -----------------------------------------------------------------------------------------

    def parse(self, page: Page) -> Iterator[Output]:
        """Papers without abstracts from a listing, then each paper with its abstract."""
        if page.not_modified:
            return iter(())
        return self._parse_paper(page) if page.fetch.context["step"] == "paper" else self._parse_listing(page)

    def failed(self, failure: Failure) -> Iterator[Output]:
        """A paper page that is not there is asked for in a few later runs; any other loss in the next one."""
        context = failure.fetch.context
        if context["step"] == "listing":
            yield from self._no_listing(failure)
        else:
            yield from proceedings.no_paper_page(failure, context["name"])

    def _no_listing(self, failure: Failure) -> Iterator[Output]:
        context, url = failure.fetch.context, failure.fetch.url
        if failure.status != 404:
            yield Notice(
                text=f"the listing of {context['conference']} could not be fetched ({failure.problem})", lost=True
            )
        elif "?" in url and not context["day"]:
            yield self._listing(context["conference"], url.partition("?")[0], context["have"])
        else:
            yield Notice(text=f"{url} is not there (404): not published yet, or moved")

    def _parse_listing(self, page: Page) -> Iterator[Output]:
        context = page.fetch.context
        name, have, day = context["conference"], context["have"], context["day"]
        listing = parse_listing(page.body, page.url, name)
        if not listing.papers:
            yield from self._without_papers(page, listing)
            return
        if day:
            yield MoveCursor(values={f"day:{name}:{day}": None})
        yield from proceedings.listed(self._site, name, listing, have, part=day)

    def _without_papers(self, page: Page, listing: Listing) -> Iterator[Output]:
        context = page.fetch.context
        name = context["conference"]
        if context["day"]:
            yield Notice(text=f"the listing of {name}, {context['day']}, names no papers")
            yield MoveCursor(values={f"day:{name}:{context['day']}": None})
        elif listing.days:  # noted first, so that a run that ends early cannot forget them
            yield MoveCursor(values={f"day:{name}:{day}": url for day, url in listing.days.items()})
            for day, url in listing.days.items():
                yield self._listing(name, url, context["have"], day=day)
        elif "?" in page.fetch.url:
            yield self._listing(name, page.fetch.url.partition("?")[0], context["have"])
        else:
            yield Notice(text=f"the listing of {name} names no papers yet")

    def _parse_paper(self, page: Page) -> Iterator[Output]:
        context = page.fetch.context
        yield parse_paper(page.body, page.url, context["name"], context["record"])
        yield MoveCursor(values={context["key"]: None})


def parse_listing(body: bytes, url: str, name: str) -> Listing:
    """A listing in any of the site's layouts since 2013; PageError where it is cut short or not a page of the site."""
    root = proceedings.read_page(body, "CVF")
    title = (root.findtext(".//title") or "").lower()
    papers: dict[str, PaperRecord] = {}
    bad: list[BadRecord] = []
    terms = [dt for dt in root.iter("dt") if "ptitle" in dt.get("class", "").split()]
    if not terms and "open access" not in title:
        raise PageError("CVF: not a page of the open access site")
    if len(terms) < len(_ENTRY.findall(body)):
        raise PageError(f"CVF: {len(terms)} papers can be read of {len(_ENTRY.findall(body))} on the page")
    for term in terms:
        try:
            path, record = _listed(term, url, name)
            papers[path] = record
        except (ValueError, MalformedId) as exc:
            where = " ".join(term.text_content().split())[:120]
            bad.append(BadRecord(source=SOURCE, where=where or url, problem=str(exc)))
    days: dict[str, str] = {}
    if not papers:
        for a in root.iter("a"):
            if (match := _DAY.search(a.get("href", ""))) and match[1] != "all":
                days[match[1]] = _https(urljoin(url, a.get("href")))
    return Listing(papers=papers, bad=tuple(bad), days=days)


def _https(url: str) -> str:
    return "https://" + url.removeprefix("http://") if url.startswith("http://") else url


def _listed(term: Any, url: str, name: str) -> tuple[str, PaperRecord]:
    link = next((a for a in term.iter("a") if a.get("href")), None)
    if link is None:
        raise ValueError("a title without a link")
    address = _https(urljoin(url, link.get("href").strip()))
    authors: list[str] = []
    links: list[tuple[str, str]] = []
    bibtex = ""
    for part in _until_next(term):
        authors += [
            given.get("value", "")
            for given in part.iter("input")
            if given.get("type") == "hidden" and given.get("name") in ("query", "query_author")
        ]
        links += [(a.text_content().strip().lower(), a.get("href", "")) for a in part.iter("a")]
        bibtex = bibtex or next((d.text_content() for d in part.iter("div") if "bibref" in d.get("class", "")), "")
    if not any(a.strip() for a in authors):
        authors = _bibtex_authors(bibtex)
    record = _record(address, name, title=link.text_content(), authors=authors, links=links)
    return urlsplit(address).path.lstrip("/"), record


def _until_next(term: Any) -> Iterator[Any]:
    for node in term.itersiblings():
        if node.tag == "dt":
            return
        if node.tag == "dd":
            yield node


def _bibtex_authors(bibtex: str) -> list[str]:
    match = _BIBTEX_AUTHORS.search(bibtex)
    return [proceedings.turned(name) for name in re.split(r"\s+and\s+", " ".join(match[1].split()))] if match else []


def _record(
    address: str, name: str, *, title: str, authors: Sequence[str], links: Iterable[tuple[str, str]], abstract: str = ""
) -> PaperRecord:
    """One paper; ValueError without a title."""
    try:
        own = parse_id(address)
    except MalformedId:
        own = None
    ids = [own] if own else []
    ids += [parse_id(f"arxiv:{number}") for text, href in links if text == "arxiv" and (number := arxiv_id(href))]
    path = urlsplit(address).path.lstrip("/")
    workshop = "w/" in (own.value if own else path).lower().partition("/html/")[0] or "workshops" in path.lower()
    return PaperRecord(
        source=SOURCE,
        source_id=own.value if own else path,
        title=title,
        ids=tuple(dict.fromkeys(ids)),
        abstract=abstract,
        authors=tuple(authors),
        year=int(name[4:]),
        venue=name[:4],
        venue_status="workshop" if workshop else "",
        url=address,
    )


def parse_paper(body: bytes, url: str, name: str, listed: PaperRecord | None) -> PaperRecord:
    """The paper with its abstract: the listing's record where there is one, else from the page alone."""
    root = proceedings.read_page(body, "CVF")
    abstract = _by_id(root, "abstract")
    if not abstract:
        raise PageError("CVF: a paper page without an abstract")
    if listed is not None:
        return replace(listed, abstract=abstract)
    metas = [(m.get("name", ""), m.get("content", "")) for m in root.iter("meta")]
    authors = [proceedings.turned(value) for key, value in metas if key == "citation_author"]
    title = next((value for key, value in metas if key == "citation_title"), "") or _by_id(root, "papertitle")
    links = [(a.text_content().strip().lower(), a.get("href", "")) for a in root.iter("a")]
    try:
        return _record(_https(url), name, title=title, authors=authors, links=links, abstract=abstract)
    except ValueError as exc:
        raise PageError(f"CVF: {exc}") from exc


def _by_id(root: Any, name: str) -> str:
    node = next((d for d in root.iter("div") if d.get("id") == name), None)
    return "" if node is None else node.text_content().strip()


def from_config(options: Options, secrets: Secrets) -> CvfSource:
    """The source out of [sources.cvf]. Raises ConfigError."""
    table = Table("sources.cvf", options, ("conferences", "site_url"))
    return CvfSource(table.texts("conferences", conference), **table.keywords({"site": "site_url"}))
