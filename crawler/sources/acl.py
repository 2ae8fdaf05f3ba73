"""The ACL Anthology: ACL, EMNLP, NAACL, Findings, TACL and what meets around them, with abstracts and awards.

Its data is published for reuse (CC BY 4.0) as one XML file per collection: `2025.acl`, or of the old style `P19`, `J89`.
The format: https://github.com/acl-org/acl-anthology/blob/master/data/xml/schema.rnc; ids:
https://aclanthology.org/info/ids/. A file that has not changed costs a 304, so that there is no cursor.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lxml import etree

from crawler.source import Cursor, Expect, Failure, Fetch, Notice, Output, Page, Window
from crawler.sources._table import Options, Secrets, Table
from data.errors import MalformedId, PageError
from data.ids import PaperId, parse_id, url_of
from data.records import BadRecord, PaperRecord

SOURCE = "acl"

_COLLECTION = re.compile(r"\d{4}\.[a-z0-9]+|[A-Z]\d\d", re.A)
_ACRONYM = re.compile(r"\(([*A-Z][\w*+-]*?)(?:[ –-]?(?:19|20)\d\d|[ ]?['’]\d\d| [IVX]+| \d{1,2})?\)")

# The slugs of <venue> whose name is not simply the slug in capitals:
# https://github.com/acl-org/acl-anthology/tree/master/data/yaml/venues
_NAMES = {
    "conll": "CoNLL", "findings": "Findings", "jeptalnrecital": "JEP/TALN/RECITAL", "mtsummit": "MT Summit",
    "nodalida": "NoDaLiDa", "semeval": "SemEval", "starsem": "*SEM",
}  # fmt: skip
_MAIN = frozenset({
    "aacl", "acl", "amta", "anlp", "cl", "coling", "conll", "eacl", "eamt", "emnlp", "findings", "hlt",
    "ijcnlp", "inlg", "iwslt", "lrec", "mtsummit", "muc", "naacl", "nodalida", "paclic", "ranlp", "rocling",
    "semeval", "sigdial", "starsem", "tacl", "tinlap", "wmt",
})  # fmt: skip
# Which venue the letter of an old id stands for, where the volume does not say: https://aclanthology.org/info/ids/
_LETTERS = {
    "A": "anlp", "C": "coling", "D": "emnlp", "E": "eacl", "H": "hlt", "I": "ijcnlp", "J": "cl", "K": "conll",
    "L": "lrec", "M": "muc", "N": "naacl", "O": "rocling", "P": "acl", "Q": "tacl", "R": "ranlp", "S": "semeval",
    "T": "tinlap", "U": "alta", "W": "ws", "Y": "paclic",
}  # fmt: skip
_FINDINGS = re.compile(r"Findings of (?:the )?Association for Computational Linguistics:? (.+)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def collection(text: str) -> str:
    """The name of a file of the Anthology (`2025.acl`, `J89`); ValueError for what is none by its form."""
    name = text.strip().removesuffix(".xml")
    name = name.lower() if name[:1].isdigit() else name.upper()
    if not _COLLECTION.fullmatch(name):
        raise ValueError(f"not a collection of the ACL Anthology: {text[:40]!r} (write it like 2025.acl)")
    return name


def year_of(name: str) -> int:
    """2025 of `2025.acl`, 1989 of `J89`: the old style went from 1965 to 2020."""
    if name[0].isdigit():
        return int(name[:4])
    return (1900 if int(name[1:]) > 60 else 2000) + int(name[1:])


class AclSource:
    """The papers of some collections. ValueError for a name that is none."""

    name = SOURCE
    terms = "https://aclanthology.org/faq/copyright/"

    def __init__(
        self,
        volumes: Sequence[str],
        *,
        site: str = "https://raw.githubusercontent.com/acl-org/acl-anthology/master/data/xml",
    ) -> None:
        self.volumes = tuple(dict.fromkeys(map(collection, volumes)))
        self._site = site.rstrip("/")

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """Each collection's file, if it changed; a window goes by years."""
        for name in self.volumes:
            year = year_of(name)
            if (window.since and year < window.since.year) or (window.until and year > window.until.year):
                continue
            yield Fetch(url=f"{self._site}/{name}.xml", kind="api", context={"collection": name}, conditional=True)

    def parse(self, page: Page) -> Iterator[Output]:
        """All papers of the file; what is printed around them (front matter, talks) is none."""
        if page.not_modified:
            return
        name = page.fetch.context["collection"]
        root = _read(page.body)
        if root.get("id") != name:
            raise PageError(f"ACL Anthology: the collection {str(root.get('id'))[:40]!r}, not {name}")
        papers = 0
        for element in root.iterchildren("volume"):
            volume = _volume(name, element)
            for paper in element.iterchildren("paper"):
                papers += 1
                try:
                    yield _record(paper, volume)
                except (ValueError, MalformedId) as exc:
                    where = f"{name}-{volume.number} paper {paper.get('id')}"
                    yield BadRecord(source=SOURCE, where=where[:200], problem=str(exc))
        yield Expect(what=name, count=papers)

    def failed(self, failure: Failure) -> Iterator[Output]:
        """A file that is not there is not published yet; any other is asked for again in the next run."""
        name = failure.fetch.context["collection"]
        if failure.status == 404:
            yield Notice(text=f"the ACL Anthology has no {name} (404): not published yet, or misspelt")
        else:
            yield Notice(text=f"{name} of the ACL Anthology could not be fetched ({failure.problem})", lost=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """What a volume says about all of its papers. `status` is that of a paper without an award."""

    collection: str
    number: str
    booktitle: str
    venue: str
    status: str
    year: int | None
    published: date | None


def _read(body: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as exc:
        raise PageError(f"ACL Anthology: broken XML: {exc.msg}") from exc
    if root.tag != "collection" or root.getroottree().docinfo.internalDTD is not None:
        raise PageError("ACL Anthology: not a collection")
    return root


def _volume(name: str, element: Any) -> Volume:
    meta = element.find("meta")
    number = element.get("id") or ""
    booktitle = " ".join(_flat(meta.find("booktitle")).split()) if meta is not None else ""
    said = (_child(meta, "year") if meta is not None else "") or str(year_of(name))
    year = int(said) if re.fullmatch(r"\d{4}", said, re.A) else None
    slugs = [(v.text or "").strip().lower() for v in meta.iterchildren("venue")] if meta is not None else []
    slugs = [s for s in slugs if s] or [name.partition(".")[2] or _LETTERS.get(name[0], "ws")]
    slug = next((s for s in slugs if s != "ws"), "ws")
    known = slug in _MAIN
    acronym = next(reversed(_ACRONYM.findall(booktitle)), "")
    findings = _FINDINGS.fullmatch(booktitle)
    workshop = "ws" in slugs or "workshop" in booktitle.lower()
    return Volume(
        collection=name,
        number=number,
        booktitle=booktitle,
        venue=_NAMES.get(slug, slug.upper()) if known else acronym or _NAMES.get(slug, slug.upper()),
        status="workshop" if workshop else f"Findings of {findings[1]}" if findings else "",
        year=year,
        published=_published(element.get("ingest-date"), year, _child(meta, "month") if meta is not None else ""),
    )


def _published(ingested: str | None, year: int | None, month: str) -> date | None:
    """The day it came into the Anthology, unless that was in a later month than it says: then that month's first day.

    Modern proceedings come in about the first day of the meeting; old ones, and some workshops, long after it.
    """
    start = month.strip().lower()[:3]
    first = date(year, _MONTHS.index(start) + 1, 1) if year and start in _MONTHS else None
    try:
        day = date.fromisoformat(ingested or "")
    except ValueError:
        return first
    late = year is None or day.year != year or (first is not None and day.month > first.month)
    return first if late else day


def _paper_id(volume: Volume, number: str) -> PaperId:
    """2022.acl-long.1; of the old style P19-1001, and with two digits each for workshops, W19-0101.

    The same for C69 and for D19 from its fifth volume on: https://aclanthology.org/info/ids/
    """
    if not re.fullmatch(r"\d{1,4}", number, re.A):
        raise ValueError(f"not a paper's number: {number[:20]!r}")
    name = volume.collection
    if name[0].isdigit():
        return parse_id(f"acl:{name}-{volume.number}.{int(number)}")
    if not re.fullmatch(r"\d{1,2}", volume.number, re.A):
        raise ValueError(f"not a volume's number: {volume.number[:20]!r}")
    book = int(volume.number)
    narrow = name[0] == "W" or name == "C69" or (name == "D19" and book >= 5)
    return parse_id(f"acl:{name}-{book:02}{int(number):02}" if narrow else f"acl:{name}-{book}{int(number):03}")


def _record(paper: Any, volume: Volume) -> PaperRecord:
    """ValueError for a paper without a number or title."""
    own = _paper_id(volume, paper.get("id") or "")
    if paper.find("title") is None:
        raise ValueError("a paper without a title")
    gone = next((mark for mark in ("retracted", "removed") if paper.find(mark) is not None), "")
    pages = _child(paper, "pages")
    ids = [own]
    if doi := _child(paper, "doi"):
        with contextlib.suppress(MalformedId):  # the Anthology's own id is enough
            ids.append(parse_id(f"doi:{doi}" if doi.startswith("10.") else doi))
    return PaperRecord(
        source=SOURCE,
        source_id=own.value,
        title=_flat(paper.find("title")),
        ids=tuple(ids),
        abstract=_flat(paper.find("abstract")),
        authors=tuple(_person(a) for a in paper.iterchildren("author")),
        year=volume.year,
        published=volume.published,
        venue=volume.venue,
        venue_status=gone or _status(paper, volume),
        url=url_of(own),
        journal_ref=f"{volume.booktitle}, pages {pages}" if volume.booktitle and pages else volume.booktitle,
        code_urls=tuple(_code(paper)),
        withdrawn=bool(gone),
    )


def _status(paper: Any, volume: Volume) -> str:
    """`ACL 2022 Best Paper`, `workshop`, `workshop: Best Paper`, `Findings of ACL 2022`, or nothing."""
    awards = ", ".join(text for award in paper.iterchildren("award") if (text := _flat(award).strip()))
    if not awards or volume.status:
        return f"{volume.status}: {awards}" if awards else volume.status
    return f"{volume.venue} {volume.year or ''} {awards}"


def _code(paper: Any) -> Iterator[str]:
    for node in paper.iterchildren("pwccode"):
        url = node.get("url") or ""
        if url.startswith(("https://", "http://")) and "paperswithcode.com" not in url:  # that site is gone
            yield url


def _child(element: Any, tag: str) -> str:
    return " ".join(_flat(element.find(tag)).split())


def _person(author: Any) -> str:
    """First and last name; either may be missing. Variants in other scripts and affiliations are not the name."""
    return " ".join(part for tag in ("first", "last") if (part := _child(author, tag)))


def _flat(element: Any) -> str:
    """The readable text of marked-up text: formulas as $...$, everything else (fixed-case, b, i, url) as it is."""
    if element is None:
        return ""
    parts = [element.text or ""]
    for node in element:
        if isinstance(node.tag, str):  # else a comment, a processing instruction or an entity
            inner = _flat(node)
            parts.append(f"${inner}$" if node.tag == "tex-math" and inner else inner)
        parts.append(node.tail or "")
    return "".join(parts)


def from_config(options: Options, secrets: Secrets) -> AclSource:
    """The source out of [sources.acl]. Raises ConfigError."""
    table = Table("sources.acl", options, ("volumes", "site_url"))
    return AclSource(table.texts("volumes", collection), **table.keywords({"site": "site_url"}))
