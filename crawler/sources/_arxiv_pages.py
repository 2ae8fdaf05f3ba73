"""What arXiv's four answers say: the RSS or Atom feed of the day, the listing page, OAI-PMH, the query API.

Bytes in, values out. A page that is not what it should be (cut short, an error page) raises PageError; one entry that
cannot be read is a BadRecord among the others.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from lxml import etree, html

from crawler.sources._arxiv_text import (
    announcement_day,
    from_latex,
    is_withdrawn,
    names_of,
    parse_time,
    split_authors,
)
from crawler.xml import decoded, feed_xml, parse_xml
from data.errors import MalformedId, PageError
from data.ids import PaperId, arxiv_id, arxiv_version, parse_id, url_of
from data.records import BadRecord, PaperRecord

SOURCE = "arxiv"

_PREFIX = re.compile(r"\s*arXiv:\S+\s+Announce Type:\s*(?P<type>[\w-]+)\s*(?:Abstract:\s*)?")
_OLD_TITLE = re.compile(r"\.?\s*\(arXiv:(?P<id>\S+?)\s+\[[^\]]*\](?:\s+(?P<mark>UPDATED|CROSS LISTED))?\)\s*$")
_OLD_MARKS = {"UPDATED": "replace", "CROSS LISTED": "cross", None: "new"}
_LISTED_FOR = re.compile(r"Showing new listings for\s+(?:\w+,\s*)?(\d{1,2} \w+ \d{4})")
_SECTION = re.compile(r"(New|Cross|Replacement)\b.*?\bshowing\b\D*(\d+)\s+of\s+(\d+)", re.S)
_SUBJECT = re.compile(r"\(([a-z]+(?:-[a-z]+)?(?:\.[A-Za-z-]+)?)\)")
_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)?(?:\.[A-Za-z-]+)?")
_ATOM = "{http://www.w3.org/2005/Atom}"
_ARXIV = "{http://arxiv.org/schemas/atom}"
_OAI = "{http://www.openarchives.org/OAI/2.0/}"


def paper(arxiv: str, *, title: str, doi: str = "", withdrawn: bool = False, **more: Any) -> PaperRecord:
    """The record of one arXiv paper; ValueError without a title."""
    ids = [PaperId("arxiv", arxiv)]
    for one in doi.split():
        try:
            ids.append(parse_id(one if one.startswith("http") else f"doi:{one.removeprefix('doi:')}"))
        except MalformedId:
            continue  # a journal's reference typed into the wrong field
    return PaperRecord(
        source=SOURCE,
        source_id=arxiv,
        title=title,
        ids=tuple(dict.fromkeys(ids)),
        url=url_of(ids[0]),
        withdrawn=withdrawn or is_withdrawn(more.get("comment", ""), more.get("abstract", "")),
        **more,
    )


# ---- the feed of the day ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One announcement feed. `day` is the date that the feed itself bears, which may be wrong (a stale feed)."""

    day: date | None
    papers: tuple[PaperRecord, ...]  # announce_type set; replacements are update_only; none has a day
    bad: tuple[BadRecord, ...] = ()


def parse_feed(body: bytes) -> Feed:
    """RSS 2.0 or Atom of rss.arxiv.org; old titles (`Title. (arXiv:2305.03308v1 [eess.SP] UPDATED)`) are understood."""
    import feedparser

    try:
        data = feed_xml(decoded(body), mend=False).data
    except PageError as exc:
        raise PageError(f"arXiv feed: {exc.message}") from exc
    parsed = feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    if not parsed.get("version") or _is_broken(parsed):
        raise PageError(f"arXiv feed: not a well-formed feed: {parsed.get('bozo_exception', 'no feed at all')}")
    papers: list[PaperRecord] = []
    bad: list[BadRecord] = []
    for entry in parsed.entries:
        try:
            papers.append(_feed_paper(entry))
        except ValueError as exc:
            where = str(entry.get("id") or entry.get("link") or "an entry of the feed")
            bad.append(BadRecord(source=SOURCE, where=where, problem=str(exc)))
    dated = [parsed.feed, *parsed.entries[:1]]
    texts = [dict.get(d, key) for d in dated for key in ("published", "updated")]  # its own get() warns of a fallback
    days = [day for text in texts if text and (day := _date_as_written(text))]
    return Feed(day=days[0] if days else None, papers=tuple(papers), bad=tuple(bad))


def _is_broken(parsed: Any) -> bool:
    """Cut short or malformed (a SAXParseException); a wrong content type or encoding name is not."""
    return bool(parsed.bozo) and hasattr(parsed.bozo_exception, "getLineNumber")


def _date_as_written(text: str) -> date | None:
    """The calendar day in the text itself: arXiv writes midnight US/Eastern, in one offset or the other."""
    try:
        return datetime.fromisoformat(text).date()
    except ValueError:
        try:
            return parsedate_to_datetime(text).date()
        except (ValueError, TypeError, IndexError):
            return None


def _feed_paper(entry: Any) -> PaperRecord:
    title, summary = str(entry.get("title", "")), str(entry.get("summary", ""))
    named = str(entry.get("id") or entry.get("link") or "")
    kind = str(entry.get("arxiv_announce_type", ""))
    if prefix := _PREFIX.match(summary):
        summary = summary[prefix.end() :]
        kind = kind or prefix["type"]
    if old := _OLD_TITLE.search(title):
        title = title[: old.start()]
        named = old["id"]
        kind = kind or _OLD_MARKS[old["mark"]]
    number = _number(named) or _number(str(entry.get("link", "")))
    if not number:
        raise ValueError(f"no arXiv id in {named[:80]!r}")
    if kind not in ("new", "cross", "replace", "replace-cross"):
        raise ValueError(f"unknown announce type {kind[:40]!r}")
    return paper(
        number,
        title=title,
        abstract=summary,
        authors=split_authors(str(entry.get("author", ""))),
        categories=_categories(str(tag.get("term") or "") for tag in entry.get("tags", ())),
        version=arxiv_version(named),
        doi=str(entry.get("arxiv_doi", "")),
        journal_ref=str(entry.get("arxiv_journal_reference", "")),
        announce_type=kind,
        update_only=kind.startswith("replace"),
    )


def _number(text: str) -> str:
    return arxiv_id(text) or ""


def _categories(terms: Iterator[str] | list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(term for term in terms if _CATEGORY.fullmatch(term)))  # ACM and MSC classes are none


# ---- the listing page ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page of `/list/CAT/new`: the day it is for, its totals, and what it shows, by section."""

    day: date
    totals: dict[str, int]  # "new", "cross", "replace": how many belong to the section
    shown: int  # entries on this page, of all sections
    papers: dict[str, dict[str, PaperRecord]] = field(default_factory=dict)  # section -> arXiv id -> record
    bad: tuple[BadRecord, ...] = ()


def parse_listing(body: bytes) -> Listing:
    """The listing page; PageError where it is not one, or where it shows fewer entries than it says."""
    if not body.strip() or b"</html>" not in body[-200:].lower():
        raise PageError("arXiv listing: the page is cut short")
    root = html.document_fromstring(body, parser=html.HTMLParser(encoding="utf-8"))
    day: date | None = None
    totals: dict[str, int] = {}
    stated = found = 0
    section = ""
    term: Any = None
    papers: dict[str, dict[str, PaperRecord]] = {"new": {}, "cross": {}, "replace": {}}
    bad: list[BadRecord] = []
    for node in root.iter("h3", "dt", "dd"):
        if node.tag == "h3":
            text = node.text_content()
            if listed := _LISTED_FOR.search(text):
                day = _long_date(listed[1])
            elif heading := _SECTION.search(text):
                section = {"New": "new", "Cross": "cross"}.get(heading[1], "replace")
                totals[section] = int(heading[3])
                stated += int(heading[2])
        elif node.tag == "dt":
            term = node
        elif term is not None and section:
            found += 1
            try:
                record = _listed_paper(term, node, section)
                papers[section][record.source_id] = record
            except ValueError as exc:
                bad.append(BadRecord(source=SOURCE, where=" ".join(term.text_content().split())[:80], problem=str(exc)))
            term = None
    if day is None:
        raise PageError("arXiv listing: no 'Showing new listings for' on the page")
    if found < stated:
        raise PageError(f"arXiv listing: {found} entries on a page that says it shows {stated}")
    return Listing(day=day, totals=totals, shown=found, papers=papers, bad=tuple(bad))


def _long_date(text: str) -> date:
    for form in ("%d %B %Y", "%d %b %Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a calendar day without a time
        except ValueError:
            continue
    raise PageError(f"arXiv listing: not a date: {text!r}")


def _listed_paper(term: Any, entry: Any, section: str) -> PaperRecord:
    links = [a.get("href").partition("/abs/")[2] for a in term.iter("a") if "/abs/" in a.get("href", "")]
    if not links or not (number := _number(f"arxiv:{links[0]}")):
        raise ValueError("no link to an abstract page")
    subjects = _part(entry, "list-subjects")
    abstract = next((p.text_content() for p in entry.iter("p") if "mathjax" in p.get("class", "")), "")
    people = next((d for d in entry.iter("div") if "list-authors" in d.get("class", "")), None)
    names = [] if people is None else [from_latex(a.text_content()) for a in people.iter("a")]
    return paper(
        number,
        title=_part(entry, "list-title"),
        abstract=abstract,
        authors=tuple(names) or split_authors(_part(entry, "list-authors")),
        categories=tuple(dict.fromkeys(_SUBJECT.findall(subjects))),
        comment=_part(entry, "list-comments"),
        journal_ref=_part(entry, "list-journal-ref"),
        announce_type=section,
        update_only=section == "replace",
    )


def _part(entry: Any, name: str) -> str:
    """The text of one part without its descriptor, each link ("this https URL") as the address it goes to."""
    for part in entry.iter("div"):
        if name not in part.get("class", "").split():
            continue
        return " ".join(_texts(part).split())
    return ""


def _texts(node: Any) -> str:
    out = [node.text or ""]
    for child in node:
        if not isinstance(child.tag, str) or "descriptor" in child.get("class", ""):
            pass
        elif child.tag == "a" and child.text_content().strip().startswith("this http"):
            out.append(child.get("href", ""))
        else:
            out.append(_texts(child))
        out.append(child.tail or "")
    return "".join(out)


# ---- OAI-PMH ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OaiPage:
    """One ListRecords answer. `token` is empty on the last page; `error` is the protocol's code, empty when none."""

    records: tuple[PaperRecord, ...] = ()
    bad: tuple[BadRecord, ...] = ()
    deleted: int = 0
    token: str = ""
    error: str = ""
    problem: str = ""


def parse_oai(body: bytes) -> OaiPage:
    """ListRecords or GetRecord in the formats arXivRaw and arXiv."""
    root = parse_xml(body, "arXiv OAI-PMH")
    if root.tag != f"{_OAI}OAI-PMH":
        raise PageError(f"arXiv OAI-PMH: the page is {etree.QName(root).localname}, not an OAI-PMH answer")
    if (error := root.find(f"{_OAI}error")) is not None:
        return OaiPage(error=error.get("code", "unknown"), problem=" ".join((error.text or "").split()))
    answer = next((child for child in root if child.tag in (f"{_OAI}ListRecords", f"{_OAI}GetRecord")), None)
    if answer is None:
        raise PageError("arXiv OAI-PMH: neither records nor an error")
    records: list[PaperRecord] = []
    bad: list[BadRecord] = []
    deleted = 0
    for element in answer.iterfind(f"{_OAI}record"):
        header = element.find(f"{_OAI}header")
        if header is not None and header.get("status") == "deleted":
            deleted += 1
            continue
        try:
            records.append(_oai_paper(element))
        except ValueError as exc:
            where = _text(header, "identifier") if header is not None else ""
            bad.append(BadRecord(source=SOURCE, where=where or "a record without identifier", problem=str(exc)))
    token = (answer.findtext(f"{_OAI}resumptionToken") or "").strip()
    return OaiPage(records=tuple(records), bad=tuple(bad), deleted=deleted, token=token)


def _text(element: Any, name: str) -> str:
    """The text of a child, whatever its namespace; empty when there is none."""
    child = next((c for c in element if isinstance(c.tag, str) and etree.QName(c).localname == name), None)
    return "" if child is None else (child.text or "").strip()


def _oai_paper(element: Any) -> PaperRecord:
    metadata = element.find(f"{_OAI}metadata")
    body = next((c for c in metadata if isinstance(c.tag, str)), None) if metadata is not None else None
    form = "" if body is None else etree.QName(body).localname
    if body is None or form not in ("arXivRaw", "arXiv"):
        raise ValueError(f"no arXiv metadata but {form or 'nothing'}")
    number = _number(_text(body, "id"))
    if not number:
        raise ValueError(f"not an arXiv id: {_text(body, 'id')[:80]!r}")
    common: dict[str, Any] = {
        "title": _text(body, "title"),
        "abstract": _text(body, "abstract"),
        "categories": _categories(_text(body, "categories").split()),
        "comment": _text(body, "comments"),
        "journal_ref": _text(body, "journal-ref"),
        "doi": _text(body, "doi"),
    }
    if form == "arXiv":
        people = [
            (_text(a, "keyname"), _text(a, "forenames"), _text(a, "suffix"))
            for a in body.iterfind("{*}authors/{*}author")
        ]
        # <created> is the date of the newest version here, so neither the first day nor the listing day is known.
        updated = parse_time(_text(body, "created"))
        return paper(number, authors=names_of(people), updated=updated.date() if updated else None, **common)
    versions = {int(v.get("version", "").removeprefix("v")): v for v in body.iterfind("{*}version")}
    first = parse_time(_text(versions[1], "date")) if 1 in versions else None
    last = max(versions, default=None)
    updated = parse_time(_text(versions[last], "date")) if last is not None else None
    stamped = parse_time(_text(element.find(f"{_OAI}header"), "datestamp"))
    return paper(
        number,
        authors=split_authors(_text(body, "authors")),
        version=last,
        published=first.date() if first else None,
        updated=updated.date() if updated else None,
        day=first_listed(first, stamped.date() if stamped else None),
        withdrawn=last is not None
        and (_text(versions[last], "size") == "0kb" or _text(versions[last], "source_type") == "I"),
        **common,
    )


def first_listed(submitted: datetime | None, stamped: date | None) -> date | None:
    """The day a paper was first listed: by its submission time, or its datestamp where that is earlier but not before
    the submission."""
    if submitted is None:
        return None
    day = announcement_day(submitted)
    return min(day, stamped) if stamped and stamped >= submitted.date() and stamped.weekday() < 5 else day


# ---- the query API ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiPage:
    """One answer of the query API; `problem` is its error entry's text, empty when there is none."""

    records: tuple[PaperRecord, ...] = ()
    bad: tuple[BadRecord, ...] = ()
    problem: str = ""


def parse_api(body: bytes) -> ApiPage:
    """The Atom of export.arxiv.org/api/query, as the old server (until 2025) and the new one write it."""
    root = parse_xml(body, "arXiv API")
    if root.tag != f"{_ATOM}feed":
        raise PageError(f"arXiv API: the page is {etree.QName(root).localname}, not an Atom feed")
    records: list[PaperRecord] = []
    bad: list[BadRecord] = []
    for entry in root.iterfind(f"{_ATOM}entry"):
        named = entry.findtext(f"{_ATOM}id") or ""
        if "/api/errors" in named:
            return ApiPage(problem=" ".join((entry.findtext(f"{_ATOM}summary") or "error").split()))
        try:
            records.append(_api_paper(entry, named))
        except ValueError as exc:
            bad.append(BadRecord(source=SOURCE, where=named[:200] or "an entry without id", problem=str(exc)))
    return ApiPage(records=tuple(records), bad=tuple(bad))


def _api_paper(entry: Any, named: str) -> PaperRecord:
    if not (number := _number(named)):
        raise ValueError(f"no arXiv id in {named[:80]!r}")
    primary = entry.find(f"{_ARXIV}primary_category")
    terms = ["" if primary is None else primary.get("term", "")]
    terms += [c.get("term", "") for c in entry.iterfind(f"{_ATOM}category")]
    published = parse_time(entry.findtext(f"{_ATOM}published") or "")
    updated = parse_time(entry.findtext(f"{_ATOM}updated") or "")
    return paper(
        number,
        title=entry.findtext(f"{_ATOM}title") or "",
        abstract=entry.findtext(f"{_ATOM}summary") or "",
        authors=tuple(from_latex(a.findtext(f"{_ATOM}name") or "") for a in entry.iterfind(f"{_ATOM}author")),
        categories=_categories(terms),
        comment=entry.findtext(f"{_ARXIV}comment") or "",
        journal_ref=entry.findtext(f"{_ARXIV}journal_ref") or "",
        doi=entry.findtext(f"{_ARXIV}doi") or "",
        version=arxiv_version(named),
        published=published.date() if published else None,
        updated=updated.date() if updated else None,
    )
