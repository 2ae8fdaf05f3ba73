"""Feeds out: Atom, RSS, JSON Feed and OPML as bytes, which depend on nothing but what stands in them.

Atom: https://www.rfc-editor.org/rfc/rfc4287. RSS 2.0: https://www.rssboard.org/rss-specification.
JSON Feed 1.1: https://www.jsonfeed.org/version/1.1/. OPML 2.0: https://opml.org/spec2.opml.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args
from urllib.parse import quote

from feedgen.ext.base import BaseExtension
from feedgen.feed import FeedGenerator
from lxml import etree

Form = Literal["atom", "rss", "json"]
FORMS: tuple[Form, ...] = get_args(Form)
"""The forms of a feed; the name of a form is how the names of its files end."""

MIME: Mapping[Form, str] = {
    "atom": "application/atom+xml",
    "rss": "application/rss+xml",
    "json": "application/feed+json",
}

GENERATOR = "Frontier"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a feed changed last in which nothing ever stood: Atom wants a time."""

# https://www.w3.org/TR/xml/#charsets; the two at the end of each plane are no characters at all
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a feed. `id` is a URI that stays; `html` is safe as it is, and the other texts are plain; `url` is "" where
    there is none. Times are UTC: `published` is the day it is of, `updated` when it changed last. ValueError for others."""

    id: str
    title: str
    html: str
    summary: str = ""
    url: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published: datetime
    updated: datetime

    def __post_init__(self) -> None:
        for at in (self.published, self.updated):
            if at.utcoffset() != UTC.utcoffset(None):
                raise ValueError(f"a time of an entry must be in UTC, got {at!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedContent:
    """What stands in a feed, in the order in which it is shown. `home` is the page that the feed is about."""

    id: str
    title: str
    about: str
    home: str
    entries: Sequence[Entry]

    @property
    def updated(self) -> datetime:
        """When something in it changed last; NEVER while it is empty."""
        return max((entry.updated for entry in self.entries), default=NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A feed as a line of an OPML list."""

    title: str
    address: str
    home: str = ""


def uri(kind: str, *names: str) -> str:
    """A URI that stands for a thing of Frontier for good (RFC 4151): the same thing, the same URI."""
    return f"tag:frontier.invalid,2025:{kind}/{'/'.join(quote(name, safe=':.-_~') for name in names)}"


def render(content: FeedContent, form: Form, *, address: str = "", hub: str = "") -> bytes:
    """A feed in one form. `address` is where it lies, `hub` its WebSub hub (https://www.w3.org/TR/websub/#discovery);
    "" where there is none. Equal content gives equal bytes."""
    if form == "json":
        return _json(content, address, hub)
    feed = FeedGenerator()
    feed.load_extension("dc", atom=False, rss=True)
    feed.register_extension("hub", _Hub, _Nothing, atom=False, rss=True)
    feed.hub.address = hub
    feed.id(content.id)
    feed.title(_xml(content.title) or content.id)
    feed.subtitle(_xml(content.about))
    feed.description(_xml(content.about) or content.id)
    feed.author(name=GENERATOR)
    feed.generator(GENERATOR)
    feed.updated(content.updated)
    feed.docs("https://www.rssboard.org/rss-specification")
    if hub and form == "atom":
        feed.link(href=hub, rel="hub")
    if address:
        feed.link(href=address, rel="self", type=MIME[form])
    feed.link(href=content.home, rel="alternate")  # the last one is the channel's in RSS
    for entry in content.entries:
        _add(feed, entry)
    made: bytes = (feed.atom_str if form == "atom" else feed.rss_str)(pretty=True)
    return made


def _add(feed: Any, entry: Entry) -> None:
    made = feed.add_entry(order="append")
    made.id(entry.id)
    made.title(_xml(entry.title) or entry.id)
    made.content(_xml(entry.html), type="html")
    made.published(entry.published)
    made.updated(entry.updated)
    if entry.url:
        made.link(href=_xml(entry.url), rel="alternate")
    for name in filter(None, map(_xml, entry.authors)):
        made.author(name=name)
    made.dc.dc_creator([_xml(name) for name in entry.authors])
    for term in filter(None, map(_xml, entry.categories)):
        made.category(term=term)


class _Hub(BaseExtension):  # type: ignore[misc]
    """The hub in RSS: an atom:link, as feedgen writes of its own accord only the feed's own address."""

    address = ""

    def extend_rss(self, rss_feed: Any) -> Any:
        """Put it at the end of the channel's head."""
        if self.address:
            etree.SubElement(rss_feed[0], "{http://www.w3.org/2005/Atom}link", href=self.address, rel="hub")
        return rss_feed


class _Nothing(BaseExtension):  # type: ignore[misc]
    """What an entry has of the hub."""


def _xml(text: str) -> str:
    """The text without what XML cannot hold."""
    return _NO_XML.sub("", text)


def _json(content: FeedContent, address: str, hub: str) -> bytes:
    feed: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": content.title or content.id,
        "home_page_url": content.home,
        "feed_url": address,
        "description": content.about,
        "hubs": [{"type": "WebSub", "url": hub}] if hub else [],
        "items": [_item(entry) for entry in content.entries],
    }
    known = {name: value for name, value in feed.items() if value or name == "items"}
    return (json.dumps(known, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")


def _item(entry: Entry) -> dict[str, Any]:
    item = {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "content_html": entry.html,
        "summary": entry.summary,
        "date_published": entry.published.isoformat(),
        "date_modified": entry.updated.isoformat(),
        "authors": [{"name": name} for name in entry.authors],
        "tags": list(entry.categories),
    }
    return {name: value for name, value in item.items() if value or name == "content_html"}


def opml(title: str, outlines: Iterable[Outline]) -> bytes:
    """A list of feeds as OPML 2.0, for feed readers to import."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = _xml(title)
    body = etree.SubElement(root, "body")
    for one in outlines:
        named = _xml(one.title) or one.address
        line = etree.SubElement(body, "outline", type="rss", text=named, title=named, xmlUrl=_xml(one.address))
        if one.home:
            line.set("htmlUrl", _xml(one.home))
    made: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return made
