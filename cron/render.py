"""The digest as a mail: plain text, HTML, and the whole message (RFC 5322), never larger than mail programs show.

Templates live in `cron/templates`; HTML is escaped by Jinja2, what may hold formulas by `data.latex`, which sets them;
texts and links come clean from `cron.digest`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from crawler.health import BARS
from cron.addresses import mailbox
from cron.digest import ABSTRACT_CHARS, Digest, Entry, EventLine, Rising, Section
from cron.wording import count, day_text, shorten, web_url
from data.errors import UsageError
from data.latex import to_html

if TYPE_CHECKING:
    from css_inline import CSSInliner

LIMIT_BYTES = 100_000
"""The whole message stays below this: Gmail cuts off HTML above 102 KB."""

ABSTRACT_STEPS = (ABSTRACT_CHARS, 200, 100, 0)
"""How long abstracts may be, tried in turn until the message is small enough."""

POLICY = SMTP.clone(cte_type="7bit", max_line_length=990)
"""Lines end in CRLF and every byte is ASCII, so that a server without 8BITMIME takes the mail too. Headers are not folded
within the 998 characters that a line may have (RFC 5322, 2.1.1): folded, a long link would be encoded, and be none."""

WIDTH = 78
"""Columns of the plain text; a wide (Chinese) character takes two. Links are never broken."""


def fitted(digest: Digest, limit: int = LIMIT_BYTES) -> Digest:
    """The digest with abstracts, then papers left out until its mail has fewer than `limit` bytes.

    Each interest keeps its best paper as long as any has two. What is left out is counted in `Section.more`, and is not in
    `paper_ids`.
    """
    for chars in ABSTRACT_STEPS:
        shorter = digest.cut(abstract_chars=chars)
        if _size(shorter) < limit:
            return shorter
    low, high = 0, len(shorter.entries)  # `low` fits or is the least there is
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if _size(shorter.cut(papers=middle)) < limit else (low, middle)
    return shorter.cut(papers=low)


def _size(digest: Digest) -> int:
    return len(_body(digest).as_bytes()) + 4_000  # the other headers


def render_mail(digest: Digest, *, to: str, sender: str, now: datetime) -> EmailMessage:
    """The whole message: multipart/alternative, plain text before HTML. `to` and `sender` are one address each.

    Raises ConfigError for an address that cannot be used. The same day to the same recipient has the same Message-ID. A
    week's mails are one thread (RFC 5322, 3.6.4); List-Unsubscribe is RFC 2369's, its one-click POST RFC 8058's.
    """
    recipient, author = mailbox(to, "digest.to"), mailbox(sender, "digest.sender")
    message = _body(fitted(digest))
    message["From"] = author
    message["To"] = recipient
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(digest.recipient or recipient.addr_spec, digest.day, domain=author.domain)
    message["List-Id"] = f"Frontier <frontier.{author.domain}>"
    if thread := [known for known in digest.thread if _MESSAGE_ID.fullmatch(known)]:
        message["In-Reply-To"] = thread[-1]
        message["References"] = " ".join(thread)
    if link := digest.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{link}>"
        if link.startswith("https://"):
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return message


_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,240}>")


def _body(digest: Digest) -> EmailMessage:
    message = EmailMessage(policy=POLICY)
    message["Subject"] = subject(digest)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    message["Precedence"] = "bulk"
    message.set_content(render_text(digest))
    message.add_alternative(render_html(digest), subtype="html")
    return message


def message_id(recipient: str, day: date, *, domain: str) -> str:
    """The Message-ID of one day's digest to one recipient: always the same, so that mail programs drop a double."""
    digest = hashlib.sha256(f"{recipient}\n{day.isoformat()}".encode()).hexdigest()[:24]
    return f"<{day:%Y%m%d}.{digest}@frontier.{domain}>"


def subject(digest: Digest) -> str:
    """One line such as "Frontier, Mon 24 Nov 2025: 12 papers"; it names sources that failed."""
    n, told = len(digest.entries), len(digest.events) + digest.more_events
    failed = [line.source for line in digest.trouble if line.verdict in ("failed", "stale")]
    what = count(n, "paper") if n else "no new paper" if told else "nothing new"
    if told:
        what += f", {count(told, 'event')}"
    names = failed[0] if len(failed) == 1 else f"{len(failed)} sources"
    week = "week to " if digest.weekly else ""
    return f"Frontier, {week}{day_text(digest.day)}: {what}" + (f", {names} did not answer" if failed else "")


def render_html(digest: Digest) -> str:
    """The HTML part, complete in itself: inline styles, no images, no scripts, light and dark."""
    return str(_inliner().inline(_environment().get_template("digest.html.j2").render(_context(digest))))


def render_text(digest: Digest) -> str:
    """The plain text part: numbered, wrapped at 78 columns, every link whole on its line."""
    return _environment().get_template("digest.txt.j2").render(_context(digest)).strip("\n") + "\n"


def render_preview(digest: Digest, suffix: str, *, to: str, sender: str, now: datetime) -> bytes:
    """What `frontier digest --preview FILE` writes, by the file's suffix: .html, .txt or .eml. Raises UsageError."""
    match suffix.lower():
        case ".html" | ".htm":
            return render_html(fitted(digest)).encode()
        case ".txt":
            return render_text(fitted(digest)).encode()
        case ".eml":
            return render_mail(digest, to=to, sender=sender, now=now).as_bytes()
    raise UsageError(f"no preview as {suffix or 'a file without a suffix'}", mend="name it .html, .txt or .eml")


@cache
def _inliner() -> CSSInliner:
    """Styles into the elements, as mail programs want them; the @media rules stay for those that read them."""
    from css_inline import CSSInliner

    return CSSInliner(keep_at_rules=True, load_remote_stylesheets=False, minify_css=True)


def _typeset(text: str) -> str:
    """As `to_html`, without the spans about formulas, which mean nothing in a mail that has a limit."""
    return _SPAN.sub("", to_html(text))


_SPAN = re.compile("</?span[^>]*>")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cron"),
        autoescape=select_autoescape(["html.j2"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["wrapped"] = wrapped
    environment.filters["typeset"] = _typeset
    return environment


def _context(digest: Digest) -> dict[str, object]:
    numbers = digest.numbers
    alarm = any(not line.answered for line in digest.trouble)
    return {
        "digest": digest,
        "numbers": numbers,
        "date": _dates(digest),
        "counted": _counted(digest),
        "alarm": alarm,
        "health": digest.health_line[:1].upper() + digest.health_line[1:],
        "also": {s.interest: sorted(numbers[i] for i in s.also if i in numbers) for s in digest.sections},
        "preheader": shorten("; ".join(e.title for e in digest.entries[:3]) or digest.quiet, 200),
        "facts": facts,
        "more": partial(more, digest),
        "more_url": partial(more_url, digest),
        "event_facts": partial(event_facts, digest),
        "heights": heights,
        "bars": bars,
        "left_out": f"{count(digest.left_out, 'more paper')} of other interests found no room: frontier feed",
        "trouble_shown": TROUBLE_SHOWN,
        "footer": FOOTER,
    }


TROUBLE_SHOWN = 8
"""Sources that are named one by one."""

FOOTER = "Why papers are chosen: [areas] and [ranking] in frontier.toml; who gets this mail, and when: [digest]."


def _dates(digest: Digest) -> str:
    if digest.weekly:
        return f"{day_text(digest.window.first)} to {day_text(digest.window.last)}"
    return day_text(digest.day, long=True)


def _counted(digest: Digest) -> str:
    """How many papers there are, of how many, and how many events."""
    n, told = len(digest.entries), len(digest.events) + digest.more_events
    said = count(n, "new paper") if n else "Nothing new"
    if digest.announced > n > 0:
        said += f", chosen from {digest.announced:,} announced"
    return f"{said}, {count(told, 'event')}" if told else said


def facts(entry: Entry) -> str:
    """Who wrote it and where it stands, in one line."""
    return " · ".join(part for part in (entry.authors, entry.venue, entry.key) if part)


def event_facts(digest: Digest, event: EventLine) -> str:
    """When it happened, and under which number this mail lists its paper."""
    number = digest.numbers.get(event.paper_id)
    return f"· {day_text(event.day)}" + (f" · no. {number} here" if number else "")


def more(digest: Digest, section: Section) -> str:
    """How many papers found no room, and what lists those of an area."""
    said = f"{section.more:,} more"
    if not section.area:
        return said
    since = f"--since {digest.window.first} " if digest.window.first < digest.day else ""
    return f"{said}: frontier feed --area {section.area} {since}--day {digest.day}"


def more_url(digest: Digest, section: Section) -> str:
    """Where the dashboard lists an area's papers, "" where it has no address."""
    base = digest.dashboard_url
    return web_url(f"{base.rstrip('/')}/?area={section.area}&day={digest.day}") if base and section.area else ""


def heights(topic: Rising, most: int) -> list[int]:
    """The weeks of a topic as bars of 1 to `most` pixels."""
    top = max((share for share in topic.shares if share is not None), default=0.0) or 1.0
    return [max(1, round(most * (share or 0.0) / top)) for share in topic.shares]


def bars(topic: Rising) -> str:
    """The same as characters, one a week."""
    return "".join(BARS[n - 1] for n in heights(topic, len(BARS)))


# ---- plain text


def wrapped(text: str, indent: int = 0, first: str = "") -> str:
    """The text in lines of at most WIDTH columns behind `indent` spaces; `first` stands in the first line's indent."""
    lines = list(_lines(text, WIDTH - indent)) or [""]
    return "\n".join((first.rjust(indent - 1) + " " if first and not n else " " * indent) + line
                     for n, line in enumerate(lines)).rstrip()  # fmt: skip


def _lines(text: str, width: int) -> Iterator[str]:
    line, used = "", 0
    for word in text.split():
        size = _columns(word)
        if line and used + 1 + size <= width:
            line, used = f"{line} {word}", used + 1 + size
            continue
        if line:
            yield line
        line, used = word, size
        while used > width:  # one word longer than a line, or Chinese, which has no spaces
            head = _head(line, width)
            yield head
            line = line[len(head) :]
            used = _columns(line)
    if line:
        yield line


def _columns(text: str) -> int:
    return len(text) if text.isascii() else sum(map(_width, text))


@lru_cache(maxsize=10_000)
def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _head(text: str, width: int) -> str:
    used = 0
    for n, character in enumerate(text):
        used += _width(character)
        if used > width and n:
            return text[:n]
    return text
