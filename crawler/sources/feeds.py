"""Any feed: RSS 0.9x to 2.0, RSS 1.0, Atom, CDF and JSON Feed, as a stream of entries that may mention papers.

Every entry is kept, also one that names no paper. Feeds are published for programs; each goes by its publisher's terms.
Formats: https://www.rssboard.org/rss-specification, https://www.rfc-editor.org/rfc/rfc4287,
https://www.jsonfeed.org/version/1.1/.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from crawler.source import Cursor, Failure, Fetch, Notice, Output, Page, Window
from crawler.sources._table import Options, Secrets, Table, kind
from data.errors import ConfigError, PageError
from data.ids import find_ids
from data.records import BadRecord, MentionRecord
from data.text import clean, from_html

SOURCE = "feeds"
EXCERPT = 500  # characters
LONGEST_ID = 300  # of an entry's own id; longer ones are hashed

_BEFORE_ROOT = re.compile(rb"<!--.*?-->|<\?.*?\?>", re.S)
_ROOT = re.compile(rb"<[A-Za-z_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One feed to follow, under a name of the user's own."""

    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One entry as its feed has it: texts are HTML or plain, `also` holds whatever else may name a paper."""

    key: str
    title: str
    url: str
    author: str
    summary: str
    content: str
    also: str
    published_at: datetime | None


class FeedsSource:
    """Entries of some feeds as mentions, with every paper that they name or link to."""

    name = SOURCE
    terms = "https://www.rssboard.org/rss-specification"

    def __init__(self, feeds: Sequence[FeedEntry]) -> None:
        self.feeds = tuple(feeds)

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """Every feed, conditionally: a feed has no past to ask for, so a window changes nothing."""
        for feed in self.feeds:
            yield Fetch(url=feed.url, kind="api", context={"feed": feed.name}, conditional=True)

    def parse(self, page: Page) -> Iterator[Output]:
        """One mention per entry. PageError for what is no feed, or declares entities of its own."""
        if page.not_modified:
            return
        name = page.fetch.context["feed"]
        entries, bad, problem = _read(page)
        seen: dict[str, str] = {}
        for entry in entries:
            key, says = entry.key, _digest(entry.url, entry.title, entry.summary)
            if seen.get(key, says) != says:
                key = f"{key} {says}"  # feeds that give every entry the same id
            if key not in seen:  # else the same entry twice
                seen[key] = says
                yield _mention(name, key, entry)
        yield from (BadRecord(source=SOURCE, where=f"{name}: {where}", problem=text) for where, text in bad)
        if problem:
            yield Notice(text=f"feed {name} is not well-formed ({problem}); {len(entries)} entries could be read")

    def failed(self, failure: Failure) -> Iterator[Output]:
        """A lost feed is asked again in the next run."""
        yield Notice(text=f"feed {failure.fetch.context['feed']}: {failure.problem}", lost=True)


def _mention(name: str, key: str, entry: _Entry) -> MentionRecord:
    texts = (entry.url, entry.also, entry.title, entry.summary, entry.content)
    return MentionRecord(
        source=SOURCE,
        source_id=f"{name} {key}",
        channel=name,
        title=clean(from_html(entry.title)),
        url=entry.url if entry.url.startswith(("https://", "http://")) else "",
        author=entry.author,
        excerpt=_cut(from_html(entry.summary or entry.content)),
        published_at=entry.published_at,
        papers=find_ids("\n".join(t for t in texts if t)),
    )


def _cut(text: str) -> str:
    """At most EXCERPT characters, cut between words where there are any."""
    if len(text) <= EXCERPT:
        return text
    head = text[: EXCERPT - 1]
    space = head.rfind(" ", EXCERPT // 2)
    return (head[:space] if space > 0 else head).rstrip() + "…"


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _key(given: str, url: str, *rest: str) -> str:
    """What tells an entry from the others of its feed: its own id, its link, else a hash of what it says."""
    key = clean(given) or clean(url)
    if not key:
        return _digest(*rest)
    return key if len(key) <= LONGEST_ID else _digest(key)


_Read = tuple[list[_Entry], list[tuple[str, str]], str]
"""Entries, entries that could not be read (where, problem), and what is wrong with the feed as a whole."""


def _read(page: Page) -> _Read:
    start = page.body[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not page.body.strip():
        raise PageError("feed: an empty page")
    return _read_json(page) if start.startswith((b"{", b"[")) else _read_xml(page)


# ---- XML ---------------------------------------------------------------------------------------------------------


def _refuse_entities(body: bytes) -> None:
    """Entities that a feed declares for itself can expand without end; no real feed needs them."""
    head = _BEFORE_ROOT.sub(b"", body.replace(b"\0", b""))  # without the zeros of UTF-16 and UTF-32
    root = _ROOT.search(head)
    if b"<!ENTITY" in head[: root.start() if root else len(head)].upper():
        raise PageError("feed: refused, its document type declares entities")


def _read_xml(page: Page) -> _Read:
    import feedparser

    _refuse_entities(page.body)
    headers = {"content-location": page.url}
    if "charset" in (kind := page.headers.get("content-type", "")):
        headers["content-type"] = kind
    # A stream: feedparser would take a text for an address or a file's name.
    parsed = feedparser.parse(
        io.BytesIO(page.body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    problem = ""
    if parsed.bozo and hasattr(parsed.bozo_exception, "getLineNumber"):  # a SAXParseException
        problem = f"line {parsed.bozo_exception.getLineNumber()}: {parsed.bozo_exception.getMessage()}"
    if not parsed.get("version") and not parsed.entries:
        raise PageError(f"feed: not a feed{f' ({problem})' if problem else ''}")
    if problem and not parsed.entries:
        raise PageError(f"feed: cut short or malformed before its first entry ({problem})")
    return [_from_feedparser(e, page.url) for e in parsed.entries], [], problem


def _from_feedparser(entry: Any, base: str) -> _Entry:
    def text(key: str) -> str:
        value = dict.get(entry, key)  # its own get() answers for keys that are not there, with a warning
        return value if isinstance(value, str) else ""

    contents = [c.get("value") or "" for c in dict.get(entry, "content") or ()]
    links = [link.get("href") or "" for key in ("links", "enclosures") for link in dict.get(entry, key) or ()]
    title, summary, url = text("title"), text("summary"), text("link")
    when = dict.get(entry, "published_parsed") or dict.get(entry, "updated_parsed") or dict.get(entry, "created_parsed")
    return _Entry(
        key=_key(text("id"), url, title, summary, *contents),
        title=title,
        url=_absolute(base, url),
        author=text("author"),
        summary=summary,
        content="\n".join(contents),
        also="\n".join([text("id"), *links]),
        published_at=_from_struct(when),
    )


def _absolute(base: str, url: str) -> str:
    """The absolute address; empty for none, and for one that cannot be read."""
    try:
        return urljoin(base, url.strip()) if url.strip() else ""
    except ValueError:
        return ""


def _from_struct(when: Any) -> datetime | None:
    try:
        return datetime(when[0], when[1], when[2], when[3], when[4], min(when[5], 59), tzinfo=UTC) if when else None
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


# ---- JSON Feed ---------------------------------------------------------------------------------------------------


def _read_json(page: Page) -> _Read:
    try:
        feed = json.loads(page.body)
    except (ValueError, RecursionError) as exc:
        raise PageError(f"feed: not JSON: {exc}") from exc
    version = feed.get("version") if isinstance(feed, dict) else None
    if not isinstance(version, str) or "jsonfeed.org/version/" not in version:
        raise PageError("feed: JSON, but no JSON Feed")
    items = feed.get("items")
    if not isinstance(items, list):
        raise PageError("feed: a JSON Feed without a list of items")
    entries: list[_Entry] = []
    bad: list[tuple[str, str]] = []
    for number, item in enumerate(items, 1):
        if isinstance(item, dict):
            entries.append(_from_json(item, page.url))
        else:
            bad.append((f"item {number}", f"a {type(item).__name__}, not an object"))
    return entries, bad, ""


def _from_json(item: Mapping[str, Any], base: str) -> _Entry:
    def text(key: str) -> str:
        value = item.get(key)
        return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""

    people = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    names = [p["name"] for p in people or () if isinstance(p, dict) and isinstance(p.get("name"), str)]
    title, summary, url = text("title"), text("summary"), text("url") or text("external_url")
    content = text("content_html") or text("content_text")
    return _Entry(
        key=_key(text("id"), url, title, summary, content),
        title=title,
        url=_absolute(base, url),
        author=", ".join(names),
        summary=summary,
        content=content,
        also="\n".join([text("id"), text("external_url"), text("content_text") if text("content_html") else ""]),
        published_at=_from_iso(text("date_published") or text("date_modified")),
    )


def _from_iso(text: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(text)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def from_config(options: Options, secrets: Secrets) -> FeedsSource:
    """The source out of [sources.feeds]. Raises ConfigError."""
    if isinstance(options, Mapping):
        options = Table("sources.feeds", options, ("feeds",)).options.get("feeds", [])
    if not isinstance(options, list | tuple):
        raise ConfigError("sources.feeds", f"should be an array of tables, not {kind(options)}")
    entries: list[FeedEntry] = []
    for number, one in enumerate(options):
        table = Table(f"sources.feeds[{number}]", one, ("name", "url"))
        entry = FeedEntry(name=table.text("name"), url=table.url("url"))
        if any(entry.name == other.name for other in entries):
            raise table.error("name", f"used twice: {entry.name!r}")
        if one.get("enabled", True):
            entries.append(entry)
    return FeedsSource(entries)
