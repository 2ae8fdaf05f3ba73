"""Feeds to follow from an OPML file, as feed readers export their subscriptions. OPML 2.0: https://opml.org/spec2.opml."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from crawler.urls import is_web
from crawler.xml import parse_xml
from data.errors import InputError, PageError
from data.records import BadRecord
from data.text import clean

SOURCE = "opml"
LARGEST = 32 * 1024 * 1024
"""Bytes of a file."""
LONGEST_URL = 2000
LONGEST_TITLE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A feed of the file: what the user calls it ("" for no name), and its address."""

    title: str
    url: str


def is_opml(path: Path) -> bool:
    """Whether a file is OPML by its name, or an XML file that says so. False for one that cannot be read."""
    if path.suffix.lower() == ".opml":
        return True
    if path.suffix.lower() != ".xml":
        return False
    try:
        with path.open("rb") as file:
            return b"<opml" in file.read(4096).lower()
    except OSError:
        return False


def read_opml(path: Path) -> tuple[list[Subscription], list[BadRecord]]:
    """The feeds of a file, in whatever folders they are, and the entries that are none, each with why.

    Raises InputError for a file that cannot be read, is no OPML, or declares a document type or entities.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(str(path), f"is larger than {LARGEST // 1024**2} MiB")
        root = parse_xml(path.read_bytes(), "OPML")
    except OSError as exc:
        raise InputError(str(path), f"cannot be read: {exc.strerror or exc}") from exc
    except PageError as exc:
        raise InputError(str(path), str(exc)) from exc
    if str(root.tag).lower() != "opml":
        raise InputError(str(path), f"not OPML: it begins with <{str(root.tag)[:40]}>")
    feeds: list[Subscription] = []
    bad: list[BadRecord] = []
    for outline in root.iter("outline"):
        values = {str(name).lower(): str(value) for name, value in outline.attrib.items()}
        url = values.get("xmlurl", "").strip()
        if not url and values.get("type", "").lower() not in ("rss", "atom"):
            continue  # a folder
        title = clean(values.get("title") or values.get("text") or "")[:LONGEST_TITLE].strip()
        url = _web_form(url)
        if problem := _problem(url):
            bad.append(BadRecord(source=SOURCE, where=f"{path}:{outline.sourceline}: {title[:60]!r}", problem=problem))
        else:
            feeds.append(Subscription(title=title, url=url))
    return feeds, bad


def _web_form(url: str) -> str:
    """feed: and feed:// are how browsers once handed feeds to readers."""
    if url.lower().startswith("feed:"):
        rest = url[5:]
        return f"http:{rest}" if rest.startswith("//") else rest
    return url


def _problem(url: str) -> str:
    if not url:
        return "no address (xmlUrl)"
    if len(url) > LONGEST_URL:
        return f"an address of {len(url):,} characters"
    if not is_web(url) or not url.isprintable() or " " in url:
        return f"not an http or https address: {url[:80]!r}"
    return ""


def normal(url: str) -> str:
    """What two addresses of one feed have in common: not the scheme, the case of the host, the standard port, a slash at the
    end, or a fragment."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"{(parts.hostname or '').lower().rstrip('.')}{port}{parts.path.rstrip('/')}{query}"


def named(subscription: Subscription, taken: Set[str]) -> str:
    """A name for a feed that is not taken (in small letters): its title, else its host, if need be with a number."""
    wanted = subscription.title or urlsplit(subscription.url).hostname or "feed"
    name, number = wanted, 2
    while name.casefold() in taken:
        name, number = f"{wanted} {number}", number + 1
    return name
