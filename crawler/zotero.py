"""A Zotero library through its API: items as papers, and the collections that hold them.

API: https://www.zotero.org/support/dev/web_api/v3/basics. It is asked as a source is, through the engine; it is no source
of the daily crawl, because what it brings is what the user likes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from crawler.files import SOURCE, own_record
from crawler.source import Cursor, Failure, Fetch, Notice, Output, Page, Window
from data.errors import MalformedId, PageError, UsageError
from data.ids import arxiv_id
from data.records import BadRecord, PaperRecord

API = "https://api.zotero.org"
KEY_VARIABLE = "FRONTIER_ZOTERO_KEY"
PER_PAGE = 100
"""The most that the API gives at once."""

PAPERS = (
    "journalArticle", "conferencePaper", "preprint", "manuscript", "report", "thesis", "bookSection", "document",
    "webpage", "blogPost",
)  # fmt: skip
"""Types of items that may be papers. A web page counts when it has the address of a paper."""

_PAGES = ("webpage", "blogPost")
_VENUES = ("proceedingsTitle", "conferenceName", "publicationTitle", "bookTitle")


@dataclass(slots=True)
class ZoteroLibrary:
    """One library as a source of the engine. `library` is a user's number, or `groups/NUMBER`.

    What was read meanwhile stands in `found`: for each record (by its source id and title) the collections that hold it,
    as keys; `names` says what the collections are called; `read` counts items of PAPERS.
    """

    library: str
    key: str = field(repr=False)
    api: str = API
    name: str = "zotero"
    terms: str = "https://www.zotero.org/support/terms/terms_of_service"
    found: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        number = self.library.removeprefix("groups/")
        if not number.isascii() or not number.isdecimal() or len(number) > 15:
            raise UsageError(
                f"no Zotero library: {self.library[:80]!r}",
                mend="give your user number (zotero.org/settings/keys shows it), or groups/NUMBER",
            )

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """The collections, and the first page of the items."""
        yield self._fetch("collections?limit=100&start=0", "collections", 0)
        yield self._fetch(self._items(0), "items", 0)

    def _items(self, start: int) -> str:
        return f"items/top?format=json&include=data&sort=dateAdded&direction=asc&limit={PER_PAGE}&start={start}"

    def _fetch(self, path: str, what: str, start: int) -> Fetch:
        holder = self.library if self.library.startswith("groups/") else f"users/{self.library}"
        return Fetch(
            url=f"{self.api.rstrip('/')}/{quote(holder, safe='/')}/{path}",
            kind="api",
            headers={"Zotero-API-Version": "3", "Zotero-API-Key": self.key},
            context={"what": what, "start": start},
        )

    def parse(self, page: Page) -> Iterator[Output]:
        """Papers of one page, and the next page. Raises PageError for what is no list."""
        try:
            rows = json.loads(page.body)
        except (ValueError, RecursionError) as exc:
            raise PageError(f"Zotero: not JSON: {exc}") from exc
        if not isinstance(rows, list):
            raise PageError(f"Zotero: a {type(rows).__name__}, not a list")
        what, start = page.fetch.context["what"], int(page.fetch.context["start"])
        for number, row in enumerate(rows, start + 1):
            data = row.get("data") if isinstance(row, dict) else None
            if not isinstance(data, dict):
                yield BadRecord(source=SOURCE, where=f"Zotero {what} {number}", problem="no data")
            elif what == "collections":
                self.names[str(data.get("key"))] = str(data.get("name") or "")
            elif data.get("itemType") in PAPERS and not data.get("deleted"):
                yield from self._paper(data, page)
        total = page.headers.get("total-results", "")
        after = start + PER_PAGE
        if rows and (after < int(total) if total.isdecimal() else len(rows) == PER_PAGE):
            path = self._items(after) if what == "items" else f"collections?limit=100&start={after}"
            yield self._fetch(path, what, after)

    def _paper(self, data: Mapping[str, Any], page: Page) -> Iterator[PaperRecord | BadRecord]:
        try:
            record = own_record(values_of(data), page.fetched_at)
        except (ValueError, MalformedId) as exc:
            yield BadRecord(source=SOURCE, where=f"Zotero item {str(data.get('key'))[:20]}", problem=str(exc))
            return
        if data.get("itemType") in _PAGES and not record.ids:
            return
        held = data.get("collections")
        self.found[record.source_id, record.title] = tuple(map(str, held)) if isinstance(held, list) else ()
        yield record

    def failed(self, failure: Failure) -> Iterator[Output]:
        """The library, or a part of it, is not to be had."""
        if failure.status == 403:
            text = f"Zotero refuses the key in {KEY_VARIABLE} for this library (HTTP 403)"
        elif failure.status == 404:
            text = f"Zotero knows no library {self.library}"
        else:
            text = f"Zotero could not be read: {failure.problem}"
        self.failures.append(text)
        yield Notice(text=text, lost=True)

    def collections(self, held: Iterable[str]) -> list[str]:
        """The names of collections that have one."""
        return sorted({self.names[key] for key in held if self.names.get(key)})


def values_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """A Zotero item in Frontier's own form of import."""

    def text(key: str) -> str:
        value = data.get(key)
        return value if isinstance(value, str) else ""

    people = data.get("creators")
    authors = [
        str(p.get("name") or " ".join(filter(None, (p.get("firstName"), p.get("lastName")))))
        for p in (people if isinstance(people, list) else ())
        if isinstance(p, dict) and p.get("creatorType", "author") == "author"
    ]
    archive = text("archiveID") if text("archiveID").lower().startswith("arxiv") else ""
    extra = next(
        (line.split(":", 1)[1] for line in text("extra").splitlines() if line.lower().startswith("arxiv:")), ""
    )
    named = archive.partition(":")[2] or extra
    return {
        "title": text("title"),
        "abstract": text("abstractNote"),
        "authors": authors,
        "year": next((part for part in _split(text("date")) if len(part) == 4 and part.isdecimal()), None),
        "venue": next((v for name in _VENUES if (v := text(name))), ""),
        "doi": text("DOI"),
        "arxiv_id": (arxiv_id(named.split()[0]) or "") if named.split() else "",
        "url": text("url"),
    }


def _split(date: str) -> list[str]:
    return date.replace("/", " ").replace("-", " ").replace(",", " ").split()
