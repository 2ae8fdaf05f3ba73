"""ECVA: the papers of ECCV since 2018, with their abstracts.

https://www.ecva.net/papers.php lists all years on one page of several megabytes, `dt.ptitle` with the title, then `dd`
with the authors and `dd` with links; href attributes are unquoted. One page per paper has the abstract. Both are
crawled pages and go by robots.txt; the site states no terms beyond its copyright note and has no API.

The cursor's keys are those of `crawler.sources._proceedings`, with names like ECCV2024. A year that the page does not
name yet has an empty `have:`, which says that the page was read for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from crawler.source import Cursor, Failure, Fetch, MoveCursor, Notice, Output, Page, Window
from crawler.sources import _proceedings as proceedings
from crawler.sources._arxiv_text import split_authors
from crawler.sources._proceedings import Listing, joined, text_of
from crawler.sources._table import Options, Secrets, Table
from data.errors import MalformedId, PageError
from data.ids import PaperId, parse_id
from data.records import BadRecord, PaperRecord

SOURCE = "ecva"
FIRST_YEAR = 2018  # earlier ones are not on the site

_ENTRY = re.compile(rb'class\s*=\s*["\']?ptitle')
_YEAR = re.compile(r"(?:^|/)papers/eccv_(20\d\d)", re.I)
_HEADING = re.compile(r"\bECCV\s+(20\d\d)\b", re.I)
_MARKS = re.compile(r"[*†‡§¶⋆∗]+")  # equal contribution, corresponding author
_BOOK_DOI = re.compile(r"10\.1007/978-[\d-]+(?!\d*_)")  # the volume; a chapter ends in _1
_LABEL = re.compile(r"[\"\u201c'`\s]*abstract(?:\s*[.:]\s*|\s*[\u2013\u2014]\s*|\s+-\s+|\s*\n\s*)", re.I)


class EcvaSource:
    """The papers of ECCV in some years. ValueError for a year without one."""

    name = SOURCE
    terms = "https://www.ecva.net/robots.txt"

    def __init__(self, years: Sequence[int], *, site: str = "https://www.ecva.net") -> None:
        for year in years:
            if year < FIRST_YEAR or year % 2 or year > 2098:
                raise ValueError(f"ECVA has no ECCV of {year}: it is held in even years, and listed from {FIRST_YEAR}")
        self.years = tuple(dict.fromkeys(years))
        self._site = site.rstrip("/")

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """The page of all years, and the paper pages that earlier runs left over; a window goes by years."""
        names = [
            f"ECCV{year}"
            for year in self.years
            if not (window.since and year < window.since.year) and not (window.until and year > window.until.year)
        ]
        if not names:
            return
        # a year that was added since the page was last read must not be answered with "not modified"
        read = all(f"have:{name}" in cursor for name in names)
        context = {"step": "listing", "have": {name: proceedings.known(cursor, name) for name in names}}
        yield Fetch(
            url=f"{self._site}/papers.php",
            kind="page",
            context=context,
            conditional=read,
            remember=True,
            priority=10,
        )
        for name in names:
            for key, tries in proceedings.left_over(cursor, name).items():
                yield proceedings.paper_page(self._site, key, tries)

    def parse(self, page: Page) -> Iterator[Output]:
        """Papers without abstracts from the listing, then each paper with its abstract."""
        if page.not_modified:
            return
        context = page.fetch.context
        if context["step"] == "paper":
            yield parse_paper(page.body, page.url, int(context["name"][4:]), context["record"])
            yield MoveCursor(values={context["key"]: None})
            return
        have: Mapping[str, str] = context["have"]
        listings = parse_listing(page.body, page.url, [int(name[4:]) for name in have])
        for name, known in have.items():
            listing = listings[int(name[4:])]
            if listing.papers:
                yield from proceedings.listed(self._site, name, listing, known)
            else:
                yield from listing.bad
                yield MoveCursor(values={f"have:{name}": known})
                yield Notice(text=f"the listing of ECVA names no papers of ECCV {name[4:]} yet")

    def failed(self, failure: Failure) -> Iterator[Output]:
        """A paper page that is not there is asked for in a few later runs; any other loss in the next one."""
        context = failure.fetch.context
        if context["step"] == "paper":
            yield from proceedings.no_paper_page(failure, context["name"])
        else:
            yield Notice(text=f"the listing of ECVA could not be fetched ({failure.problem})", lost=True)


def parse_listing(body: bytes, url: str, years: Iterable[int]) -> dict[int, Listing]:
    """The listing of each of these years, empty where the page has none; PageError where the page is cut short or not
    ECVA's."""
    root = proceedings.read_page(body, "ECVA")
    papers: dict[int, dict[str, PaperRecord]] = {year: {} for year in years}
    bad: dict[int, list[BadRecord]] = {year: [] for year in papers}
    heading, found = "", 0
    for node in root.iter("button", "dt"):
        if node.tag == "button":
            heading = text_of(node) or heading
        elif proceedings.has_class(node, "ptitle"):
            found += 1
            link = next((a for a in node.iter("a") if a.get("href")), None)
            year = _year(link, heading)
            if year is not None and year not in papers:
                continue
            try:
                if year is None or link is None:
                    raise ValueError("a title without a link" if link is None else "a paper without a year")
                path, record = _listed(node, link, url, year, "workshop" in heading.lower())
                papers[year][path] = record
            except ValueError as exc:
                where = text_of(node)[:120] or url
                at = year if year is not None else next(iter(papers))
                bad[at].append(BadRecord(source=SOURCE, where=where, problem=str(exc)))
    if not found:
        raise PageError("ECVA: not the page of papers")
    if found < len(_ENTRY.findall(body)):
        raise PageError(f"ECVA: {found} papers can be read of {len(_ENTRY.findall(body))} on the page")
    return {year: Listing(papers=papers[year], bad=tuple(bad[year])) for year in papers}


def _year(link: Any, heading: str) -> int | None:
    match = _YEAR.search(link.get("href")) if link is not None else None
    match = match or _HEADING.search(heading)
    return int(match[1]) if match else None


def _listed(term: Any, link: Any, url: str, year: int, workshop: bool) -> tuple[str, PaperRecord]:
    address = joined(url, link.get("href"))
    if not address:
        raise ValueError("a title without an address")
    authors: tuple[str, ...] = ()
    links: list[str] = []
    for part in _until_next(term):
        hrefs = [a.get("href", "").strip() for a in part.iter("a")]
        links += hrefs
        if not hrefs and not authors:
            authors = _authors(text_of(part))
    path = urlsplit(address).path.lstrip("/")
    return path, _record(
        address,
        year,
        title=text_of(link),
        authors=authors,
        ids=_ids(joined(url, href) for href in links),
        workshop=workshop or "workshop" in path.lower() or "ECCVW" in path,
    )


def _until_next(term: Any) -> Iterator[Any]:
    for node in term.itersiblings():
        if node.tag == "dt":
            return
        if node.tag == "dd":
            yield node


def _authors(text: str) -> tuple[str, ...]:
    return split_authors(_MARKS.sub(" ", text))


def _ids(links: Iterable[str]) -> tuple[PaperId, ...]:
    """DOIs of chapters and arXiv ids; the DOI of a whole volume belongs to all its papers."""
    ids = []
    for link in links:
        try:
            found = parse_id(link)
        except MalformedId:
            continue
        if found.scheme == "arxiv" or (found.scheme == "doi" and not _BOOK_DOI.fullmatch(found.value)):
            ids.append(found)
    return tuple(ids)


def _record(
    address: str,
    year: int,
    *,
    title: str,
    authors: Sequence[str],
    ids: Sequence[PaperId],
    abstract: str = "",
    workshop: bool = False,
) -> PaperRecord:
    """One paper; ValueError without a title."""
    path = urlsplit(address).path.lstrip("/")
    try:
        own = parse_id(f"https://www.ecva.net/{path}")  # the original site, where another one is configured
    except MalformedId:
        own = None
    return PaperRecord(
        source=SOURCE,
        source_id=own.value if own else path,
        title=title,
        ids=tuple(dict.fromkeys(([own] if own else []) + list(ids))),
        abstract=abstract,
        authors=tuple(authors),
        year=year,
        venue="ECCV",
        venue_status="workshop" if workshop else "",
        url=address,
    )


def parse_paper(body: bytes, url: str, year: int, record: PaperRecord | None) -> PaperRecord:
    """The paper with its abstract: the listing's record where there is one, else from the page alone. PageError for a
    page that is no paper's; a paper without an abstract stays without one."""
    root = proceedings.read_page(body, "ECVA")
    title, abstract = _by_id(root, "papertitle"), _by_id(root, "abstract")
    if title is None or abstract is None:
        raise PageError("ECVA: not the page of a paper")
    text = clean_abstract(str(abstract.text_content()))
    if record is not None:
        return replace(record, abstract=text)
    authors = _by_id(root, "authors")
    names = next(iter(authors.iter("i")), authors) if authors is not None else None
    links = [joined(url, a.get("href")) for a in root.iter("a")]
    try:
        return _record(
            url,
            year,
            title=text_of(title),
            authors=_authors(text_of(names).partition(";")[0]),
            ids=_ids(links),
            abstract=text,
            workshop="workshop" in url.lower() or "ECCVW" in url,
        )
    except ValueError as exc:
        raise PageError(f"ECVA: {exc}") from exc


def clean_abstract(text: str) -> str:
    """An abstract without the site's quotation mark before it and the label `Abstract.` in it.

    A quotation mark that belongs to the text stays: `"Seeing" is believing` begins with a word in quotes.
    """
    text = _LABEL.sub("", text.strip(), count=1) if _LABEL.match(text.strip()) else text.strip()
    quotes = text.count('"')
    if quotes % 2:
        text = text[1:] if text.startswith('"') else text.removesuffix('"')
    elif text.startswith('"') and text.endswith('"') and (quotes == 2 or text.startswith('""')):
        text = text[1:-1]
    elif text.startswith("\u201c") and "\u201d" not in text:
        text = text[1:]
    return text.strip()


def _by_id(root: Any, name: str) -> Any:
    return next((d for d in root.iter("div") if d.get("id") == name), None)


def from_config(options: Options, secrets: Secrets) -> EcvaSource:
    """The source out of [sources.ecva]. Raises ConfigError."""
    table = Table("sources.ecva", options, ("years", "site_url"))
    try:
        return EcvaSource(table.years(), **table.keywords({"site": "site_url"}))
    except ValueError as exc:
        raise table.error("years", str(exc)) from exc
