"""The formats of feeds: RSS 0.9x to 2.0, RSS 1.0, Atom, CDF and JSON Feed, read into entries.

Formats: https://www.rssboard.org/rss-specification, https://www.rfc-editor.org/rfc/rfc4287,
https://www.jsonfeed.org/version/1.1/.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from crawler.source import Page
from crawler.xml import MOST_ENTRIES, charset_of, decoded, feed_xml
from data.errors import PageError
from data.text import clean

LONGEST_ID = 300  # of an entry's own id; longer ones are hashed


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as its feed has it: texts are HTML or plain, `also` holds whatever else may name a paper."""

    key: str
    title: str
    url: str
    author: str
    summary: str
    content: str
    also: str
    published_at: datetime | None


def digest(*texts: str) -> str:
    """16 hex digits that stand for the texts."""
    return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _key(given: str, url: str, *rest: str) -> str:
    """What tells an entry from the others of its feed: its own id, its link, else a hash of what it says."""
    key = clean(given) or clean(url)
    if not key:
        return digest(*rest)
    return key if len(key) <= LONGEST_ID else digest(key)


Read = tuple[list[Entry], list[tuple[str, str]], str]
"""Entries, entries that could not be read (where, problem), and what is wrong with the feed as a whole."""


def read_feed(page: Page) -> Read:
    """The entries of a feed. PageError for what is no feed, or declares entities of its own."""
    if not page.body.strip():
        raise PageError("feed: an empty page")
    try:
        text = decoded(page.body, charset_of(page.headers.get("content-type", ""))).lstrip("\ufeff\0 \t\r\n")
        return _read_json(text, page.url) if text.startswith(("{", "[")) else _read_xml(text, page.url)
    except PageError as exc:
        raise PageError(f"feed: {exc.message}") from exc


# ---- XML ---------------------------------------------------------------------------------------------------------


def _read_xml(text: str, url: str) -> Read:
    import feedparser

    feed = feed_xml(text)
    # A stream: feedparser would take a text for an address or a file's name.
    try:
        parsed = feedparser.parse(
            io.BytesIO(feed.data),
            response_headers={"content-location": url, "content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except Exception as exc:  # feedparser names no errors of its own
        raise PageError(f"feedparser cannot read it ({type(exc).__name__}: {exc})") from exc
    if not parsed.get("version") and not parsed.entries:
        raise PageError(f"not a feed{f' ({feed.problem})' if feed.problem else ''}")
    if feed.problem and not parsed.entries:
        raise PageError(f"cut short or malformed before its first entry ({feed.problem})")
    problem = f"it is longer than {MOST_ENTRIES:,} entries" if feed.cut else feed.problem
    return [_from_feedparser(e, url) for e in parsed.entries], [], problem


def _from_feedparser(entry: Any, base: str) -> Entry:
    def text(key: str) -> str:
        value = dict.get(entry, key)  # its own get() answers for keys that are not there, with a warning
        return value if isinstance(value, str) else ""

    contents = [c.get("value") or "" for c in dict.get(entry, "content") or ()]
    links = [link.get("href") or "" for key in ("links", "enclosures") for link in dict.get(entry, key) or ()]
    title, summary, url = text("title"), text("summary"), text("link")
    when = dict.get(entry, "published_parsed") or dict.get(entry, "updated_parsed") or dict.get(entry, "created_parsed")
    return Entry(
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


def _read_json(text: str, url: str) -> Read:
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise PageError(f"not JSON: {exc}") from exc
    version = feed.get("version") if isinstance(feed, dict) else None
    if not isinstance(version, str) or "jsonfeed.org/version/" not in version:
        raise PageError("JSON, but no JSON Feed")
    items = feed.get("items")
    if not isinstance(items, list):
        raise PageError("a JSON Feed without a list of items")
    entries: list[Entry] = []
    bad: list[tuple[str, str]] = []
    for number, item in enumerate(items[:MOST_ENTRIES], 1):
        if isinstance(item, dict):
            entries.append(_from_json(item, url))
        else:
            bad.append((f"item {number}", f"a {type(item).__name__}, not an object"))
    return entries, bad, f"it is longer than {MOST_ENTRIES:,} entries" if len(items) > MOST_ENTRIES else ""


def _from_json(item: Mapping[str, Any], base: str) -> Entry:
    def text(key: str) -> str:
        value = item.get(key)
        return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""

    people = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    names = [p["name"] for p in people or () if isinstance(p, dict) and isinstance(p.get("name"), str)]
    title, summary, url = text("title"), text("summary"), text("url") or text("external_url")
    content = text("content_html") or text("content_text")
    return Entry(
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
