"""Proceedings that are one listing page and one page per paper with its abstract: what the sources of such sites share.

The cursor's keys: `have:NAME` and `have:NAME:PART`, which papers a listing named (a digest each, so that a changed
listing adds only what is new); `page:NAME/PATH`, a paper page still to be read, with the number of runs in which it was
not there. NAME is the conference, year or volume, PART one of several listings of it.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree
from lxml import html as markup

from crawler.source import Cursor, Expect, Failure, Fetch, MoveCursor, Notice, Output
from data.errors import PageError
from data.records import BadRecord, PaperRecord

MAX_TRIES = 5  # runs that ask again for a paper page which is not there
DIGEST = 10  # hex digits
TAIL = 2000  # bytes in which a complete page says that it ends

_BLOCK = re.compile(r"<(?:/?(?:p|div|li)|br)\s*/?>", re.I)
_INLINE = re.compile(r"</?(?:em|i|b|strong|tt|code|sub|sup|u|ul|ol|small|span|a)\s*>|<a\s+href=[^<>]*>", re.I)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]\w{1,31});")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What one listing page holds: papers by the path of their page; `stated` is how many it says there are."""

    papers: Mapping[str, PaperRecord]
    bad: tuple[BadRecord, ...] = ()
    stated: int | None = None


def known(cursor: Cursor, name: str) -> str:
    """The digests of all papers that the listings of `name` have named so far."""
    return "".join(str(v) for k, v in cursor.items() if k == f"have:{name}" or k.startswith(f"have:{name}:"))


def left_over(cursor: Cursor, name: str) -> dict[str, int]:
    """The paper pages of `name` that earlier runs left over, with the runs in which they were not there."""
    return {
        key: value
        for key, value in cursor.items()
        if key.startswith(f"page:{name}/") and isinstance(value, int) and value < MAX_TRIES
    }


def paper_page(site: str, key: str, tries: int, record: PaperRecord | None = None) -> Fetch:
    """One of many pages: after everything else, and in the next run where this one's time is up."""
    name, _, path = key.removeprefix("page:").partition("/")
    context = {"step": "paper", "key": key, "name": name, "tries": tries, "record": record}
    return Fetch(url=f"{site}/{path}", kind="page", context=context, priority=-10, can_wait=True)


def listed(site: str, name: str, listing: Listing, have: str, *, part: str = "") -> Iterator[Output]:
    """The listing's papers, and a fetch for each page that `have` does not know yet."""
    yield Expect(what=f"{name} {part}".strip(), count=listing.stated or len(listing.papers))
    yield from listing.papers.values()
    yield from listing.bad
    digests = {have[i : i + DIGEST] for i in range(0, len(have), DIGEST)}
    new = [path for path in listing.papers if _digest(path) not in digests]
    values: dict[str, Any] = {f"page:{name}/{path}": 0 for path in new}
    values[f"have:{name}:{part}" if part else f"have:{name}"] = "".join(map(_digest, listing.papers))
    yield MoveCursor(values=values)
    for path in new:
        yield paper_page(site, f"page:{name}/{path}", 0, listing.papers[path])


def _digest(path: str) -> str:
    return hashlib.sha256(path.encode()).hexdigest()[:DIGEST]


def no_paper_page(failure: Failure, label: str) -> Iterator[Output]:
    """A paper page that is not there is asked for in a few later runs; any other loss in the next one."""
    context = failure.fetch.context
    if failure.status == 404:
        tries = context["tries"] + 1
        yield MoveCursor(values={context["key"]: tries})
        again = f"asked for in {MAX_TRIES - tries} more runs" if tries < MAX_TRIES else "not asked for any more"
        yield Notice(text=f"{failure.fetch.url} is not there (404), so its abstract is missing: {again}")
    else:
        yield Notice(  # the same text for each page of a conference, so that a report can fold them
            text=f"pages of {label} could not be fetched ({failure.problem}); the next run asks for them again",
            lost=True,
        )


def read_page(body: bytes, site: str) -> Any:
    """The root element of an HTML page; PageError where it is cut short or no HTML. `site` names it in the problem."""
    if b"</html" not in body[-TAIL:].lower():
        raise PageError(f"{site}: the page is cut short, or no HTML page")
    try:
        return markup.document_fromstring(body, parser=markup.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, ValueError) as exc:
        raise PageError(f"{site}: no HTML page: {exc}") from exc


def joined(url: str, href: str | None) -> str:
    """The address that a link on a page leads to, "" for one that is no address."""
    try:
        address = urljoin(url, (href or "").strip())
        return address if urlsplit(address).netloc else ""
    except ValueError:  # a broken IPv6 address, a host that changes under NFKC
        return ""


def metas(root: Any) -> dict[str, list[str]]:
    """The contents of the page's <meta name=...>, by name in lower case."""
    out: dict[str, list[str]] = {}
    for meta in root.iter("meta"):
        if (name := meta.get("name")) and (content := meta.get("content", "").strip()):
            out.setdefault(name.lower(), []).append(content)
    return out


def turned(name: str) -> str:
    """`Li, Hongyang` as `Hongyang Li`, `Li, Jr., Hongyang` as `Hongyang Li Jr.`; without a comma as it is."""
    parts = [" ".join(p.split()) for p in name.split(",")]
    if len(parts) == 3:
        return " ".join(p for p in (parts[2], parts[0], parts[1]) if p)
    return " ".join(p for p in (", ".join(parts[1:]), parts[0]) if p) if len(parts) == 2 else ", ".join(parts)


def has_class(node: Any, name: str) -> bool:
    return isinstance(node.tag, str) and name in (node.get("class") or "").split()


def text_of(node: Any) -> str:
    """The text below a node on one line; "" for None."""
    return "" if node is None else " ".join(str(node.text_content()).split())


def without_markup(text: str) -> str:
    """A text as providers give it, with a little HTML and entities, as plain text; `a < b > c` stays as it is."""
    for _ in range(2):  # escaped twice: &lt;p&gt; and &amp;#x27;
        if "<" not in text and "&" not in text:
            break
        text = _ENTITY.sub(lambda m: html.unescape(m[0]), _INLINE.sub("", _BLOCK.sub("\n\n", text)))
    return text
