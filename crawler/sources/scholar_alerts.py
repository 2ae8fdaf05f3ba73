"""Google Scholar alert mails: new articles, citations, related research and search results, as a person ordered them.

Scholar has no API and forbids robots (https://scholar.google.com/robots.txt); its alerts by mail are the way that it
offers (https://scholar.google.com/intl/en/scholar/help.html#alerts). This file reads one mail, purely;
`crawler.mailbox` gets mails out of a folder or a mailbox. A mail holds h3 > a.gse_alrt_title for each paper, whose
address is wrapped (scholar_url?url=...), then a line "A Author, B Author - Venue, 2026" in green, then a snippet in
div.gse_alrt_sni. Authors are initials, and long titles and venues are cut with "...", so other sources' fields go first.
"""

from __future__ import annotations

import contextlib
import email
import email.errors
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lxml import etree, html

from crawler.source import Cursor, Failure, Fetch, Output, Page, Window
from crawler.sources._mail import LARGEST_MAIL, MailOptions, mail_options
from crawler.sources._table import Options, Secrets
from data.errors import MalformedId
from data.ids import PaperId, find_ids, parse_id, unwrap
from data.records import BadRecord, MentionRecord, PaperRecord
from data.text import clean

SOURCE = "scholar_alerts"
SENDER = "scholaralerts-noreply@google.com"
EXCERPT = 500  # characters

KINDS = ("new articles", "new citations", "new related research", "new results")
_SUBJECTS = {  # English, Chinese in both scripts
    "new articles": r"new articles?|recommended articles|新的?文章",
    "new citations": r"new citations?|新的?引用",
    "new related research": r"new related research|新的?相[关關]研究(?:工作)?",
    "new results": r"new results?|新的?[结結]果",
}
_SUBJECT = re.compile(  # NAME - new articles; "QUERY" - 新的结果
    r"(?P<name>.+?)\s*[-\u2013\u2014]\s*(?:\d+\s+)?(?:"
    + "|".join(f"(?P<k{n}>{_SUBJECTS[kind]})" for n, kind in enumerate(KINDS))
    + r")\W*",
    re.I,
)
_COUNTED = re.compile(  # 3 new citations to articles by NAME; NAME的文章新增了 3 次引用
    r"(?:\d+\s+)?new citations? to articles by (?P<en>.+)|(?P<zh>.+?)\s*的文章新增了?\s*\d+\s*次引用.*", re.I
)
_FORWARDED = re.compile(r"(?:\s*(?:fwd?|re|aw|wg|转发|轉寄|回复|回覆)\s*[:：])+\s*", re.I)
_FOLT = {"art": KINDS[0], "cit": KINDS[1], "rel": KINDS[2], "kw": KINDS[3]}  # a parameter of each link since 2020
_GREEN = re.compile(r"color:\s*(?:#006621|rgb\(\s*0\s*,\s*102\s*,\s*33\s*\))", re.I)
_YEAR = re.compile(r"(?:^|[\s,])((?:19|20)\d\d)\s*$", re.A)
_CUT = ("…", "...")


@dataclass(slots=True, kw_only=True)
class _Entry:
    """One paper of a mail, as far as it was read."""

    title: str
    href: str
    byline: str = ""
    snippet: str = ""


class ScholarAlertsSource:
    """The mails of one account or folder. It asks nothing of the network itself: `crawler.mailbox.run_mail_source`
    reads the mails and hands each to `parse_mail`."""

    name = SOURCE
    terms = "https://scholar.google.com/intl/en/scholar/help.html#alerts"

    def __init__(self, options: MailOptions, password: str = "") -> None:
        self.options = options
        self.password = password

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """Nothing over HTTP."""
        return ()

    def parse(self, page: Page) -> Iterator[Output]:
        """The body of a page as a mail."""
        return parse_mail(page.body)

    def failed(self, failure: Failure) -> Iterator[Output]:
        """Never called: there are no requests."""
        return iter(())


def parse_mail(message: bytes | Message) -> Iterator[PaperRecord | MentionRecord | BadRecord]:
    """The papers of an alert mail (or of the HTML body of one), each as a mention in the alert's channel, and as a
    paper where its address or its line holds an id. Nothing for a mail that is no alert; BadRecord for an alert that
    cannot be read. Forwarded mails are read wherever they stand inside.
    """
    if isinstance(message, bytes):
        if len(message) > LARGEST_MAIL:
            yield _bad("a mail", f"larger than {LARGEST_MAIL} bytes")
            return
        start = message[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if start.startswith((b"<!doctype", b"<html", b"<body", b"<div", b"<h3")):
            yield from _parse_html(message.decode("utf-8", "replace"), "", None)
            return
        message = email.message_from_bytes(message)
    yield from _parse_message(message)


def _parse_message(message: Message) -> Iterator[PaperRecord | MentionRecord | BadRecord]:
    """Each HTML part under the subject of the mail that it stands in."""
    waiting: list[tuple[Message, str, datetime | None]] = [(message, "", None)]
    while waiting:
        part, subject, sent = waiting.pop()
        if "subject" in part:
            subject, sent = _header(part, "subject"), _sent(part) or sent
        if part.is_multipart():
            inside = [p for p in part.get_payload() if isinstance(p, Message)]
            waiting += [(p, subject, sent) for p in reversed(inside)]
        elif part.get_content_type() == "text/html":
            yield from _parse_html(_decoded(part), subject, sent)


def _decoded(part: Message) -> str:
    body = part.get_payload(decode=True)
    data = body if isinstance(body, bytes) else b""
    try:
        return data.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:  # a charset that nobody knows
        return data.decode("utf-8", "replace")


def _header(message: Message, name: str) -> str:
    raw = message.get(name, "")
    try:
        return clean(str(make_header(decode_header(raw))))
    except (email.errors.HeaderParseError, LookupError, UnicodeError, ValueError):
        return clean(str(raw))


def _sent(message: Message) -> datetime | None:
    try:
        when = parsedate_to_datetime(_header(message, "date"))
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def alert_name(subject: str) -> tuple[str, str]:
    """The name that an alert was ordered under and one of KINDS; the kind is "" where the subject is no alert's."""
    subject = _FORWARDED.sub("", clean(subject), count=1) if _FORWARDED.match(subject) else clean(subject)
    if match := _SUBJECT.fullmatch(subject):
        kind = next(kind for n, kind in enumerate(KINDS) if match[f"k{n}"])
        return _unquoted(match["name"]), kind
    if match := _COUNTED.fullmatch(subject):
        return _unquoted(match["en"] or match["zh"]), "new citations"
    return subject, ""


def _unquoted(name: str) -> str:
    inner = name[1:-1] if len(name) > 2 and (name[0], name[-1]) in (('"', '"'), ("“", "”"), ("[", "]")) else name
    return name if '"' in inner else inner.strip()


def _parse_html(text: str, subject: str, sent: datetime | None) -> Iterator[PaperRecord | MentionRecord | BadRecord]:
    name, kind = alert_name(subject)
    entries = _entries(text)
    if not entries:
        if kind:
            yield _bad(subject, "an alert in which no paper can be found")
        return
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        try:
            records = _records(entry, name, kind, sent)
        except ValueError as exc:
            yield _bad(f"{subject or 'an alert'}, paper {number}", str(exc))
            continue
        if records[-1].source_id not in seen:
            seen.add(records[-1].source_id)
            yield from records


def _bad(where: str, problem: str) -> BadRecord:
    return BadRecord(source=SOURCE, where=where, problem=problem)


def _entries(text: str) -> list[_Entry]:
    """The papers of an alert in their order, in one pass over the elements."""
    if not text.strip():
        return []
    try:
        parser = html.HTMLParser(encoding="utf-8", huge_tree=False, no_network=True)
        root = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        return []
    entries: list[_Entry] = []
    for node in root.iter("a", "div", "td", "p", "font"):
        if node.tag == "a":
            if _is_title(node):
                entries.append(_Entry(title=clean(node.text_content()), href=node.get("href", "").strip()))
        elif entries:
            last = entries[-1]
            if "gse_alrt_sni" in node.get("class", ""):
                last.snippet = last.snippet or clean(node.text_content())
            elif not last.byline and not last.snippet and _is_byline(node):
                last.byline = clean(node.text_content())
    return entries


def _is_title(link: Any) -> bool:
    """Mail programs put a prefix before a class of a mail that they forward, or drop it."""
    if "gse_alrt_title" in link.get("class", ""):
        return True
    in_heading = next(link.iterancestors("h3"), None) is not None
    return in_heading and "scholar_url" in link.get("href", "")


def _is_byline(node: Any) -> bool:
    if _GREEN.search(node.get("style", "")) or node.get("color", "").lower() == "#006621":
        return True
    return node.tag == "div" and len(node) == 0 and " - " in (node.text or "")


def _records(entry: _Entry, name: str, kind: str, sent: datetime | None) -> list[PaperRecord | MentionRecord]:
    """The paper, where it has an id, and the mention. ValueError for an entry without a title or an address."""
    if not entry.title or not entry.href:
        raise ValueError("no title" if not entry.title else "no address")
    url = unwrap(entry.href)
    kind = kind or _FOLT.get(_folt(entry.href), "")
    channel = " - ".join(part for part in (name, kind) if part) or "Google Scholar alert"
    ids = _ids(url, entry.byline)
    authors, venue, year = read_byline(entry.byline)
    records: list[PaperRecord | MentionRecord] = []
    web = url if url.startswith(("https://", "http://")) else ""
    if ids:
        paper = PaperRecord(
            source=SOURCE,
            source_id=str(ids[0]),
            title=entry.title,
            ids=ids,
            authors=authors,
            year=year,
            venue=venue,
            url=web,
            provisional=entry.title.endswith(_CUT),
        )
        records.append(paper)
    digest = hashlib.sha256(f"{channel}\n{url}\n{entry.title}".encode("utf-8", "replace")).hexdigest()[:20]
    mention = MentionRecord(
        source=SOURCE,
        source_id=digest,
        channel=channel,
        title=entry.title,
        url=web,
        author=", ".join(authors),
        excerpt=entry.snippet[:EXCERPT],
        published_at=sent,
        papers=ids,
    )
    return [*records, mention]


def _folt(href: str) -> str:
    """`kw` of folt=kw-top; "" where the link has none."""
    try:
        return parse_qs(urlsplit(href).query).get("folt", [""])[0].partition("-")[0]
    except ValueError:
        return ""


def _ids(url: str, byline: str) -> tuple[PaperId, ...]:
    """The id that the address spells, and that of the line ("arXiv preprint arXiv:2603.01001, 2026")."""
    out: dict[PaperId, None] = {}
    with contextlib.suppress(MalformedId):
        out[parse_id(url)] = None
    out.update(dict.fromkeys(i for i in find_ids(byline) if i.scheme not in {known.scheme for known in out}))
    return tuple(out)


def read_byline(line: str) -> tuple[tuple[str, ...], str, int | None]:
    """Authors, venue and year of "A Quill, C Rho - Journal of Ice, 2026"; a venue that is cut short counts as none."""
    people, dash, rest = line.partition(" - ")
    year = int(match[1]) if (match := _YEAR.search(rest if dash else "")) else None
    venue = rest[: match.start()].strip(" ,") if match else rest.strip()
    if venue.endswith(_CUT) or "arxiv" in venue.lower():
        venue = ""
    names = [name.strip() for name in people.split(",")]
    return tuple(n.removesuffix("…").strip() for n in names if n.strip(" .…")), venue, year


def from_config(options: Options, secrets: Secrets) -> ScholarAlertsSource:
    """The source out of [sources.scholar_alerts]. Raises ConfigError, and SourceOff where it is not told what to read."""
    return ScholarAlertsSource(*mail_options(SOURCE, options, secrets, MailOptions(sender=SENDER)))
