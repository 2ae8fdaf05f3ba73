"""The digest as a mail: plain text, HTML, and the whole message (RFC 5322), never larger than mail programs show.

Templates live in `cron/templates`; HTML is escaped by Jinja2, texts and links come clean from `cron.digest`.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from cron.addresses import mailbox
from cron.digest import ABSTRACT_CHARS, Digest, Entry, Section, day_text, shorten
from data.errors import UsageError

LIMIT_BYTES = 100_000
"""The whole message stays below this: Gmail cuts off HTML above 102 KB."""

ABSTRACT_STEPS = (ABSTRACT_CHARS, 200, 100, 0)
"""How long abstracts may be, tried in turn until the message is small enough."""

POLICY = SMTP.clone(cte_type="7bit")
"""Lines end in CRLF and every byte is ASCII, so that a server without 8BITMIME takes the mail too."""

WIDTH = 78
"""Columns of the plain text; a wide (Chinese) character takes two. Links are never broken."""


def fitted(digest: Digest, limit: int = LIMIT_BYTES) -> Digest:
    """The digest with abstracts, then papers left out until its mail has fewer than `limit` bytes.

    Each area keeps its best paper. What is left out is counted in `Section.more`, and is not in `paper_ids`.
    """
    for chars in ABSTRACT_STEPS:
        shorter = digest.cut(abstract_chars=chars)
        if _size(shorter) < limit:
            return shorter
    low, high = 1, max((len(s.entries) for s in shorter.sections), default=1)  # `low` fits or is the least there is
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if _size(shorter.cut(per_area=middle)) < limit else (low, middle)
    return shorter.cut(per_area=low)


def _size(digest: Digest) -> int:
    return len(_body(digest).as_bytes()) + 1_500  # the headers that name people


def render_mail(digest: Digest, *, to: str, sender: str, now: datetime) -> EmailMessage:
    """The whole message: multipart/alternative, plain text before HTML. `to` and `sender` are one address each.

    Raises ConfigError for an address that cannot be used. The same day to the same address has the same Message-ID.
    """
    recipient, author = mailbox(to, "digest.to"), mailbox(sender, "digest.sender")
    message = _body(fitted(digest))
    message["From"] = author
    message["To"] = recipient
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(recipient.addr_spec, digest.day, domain=author.domain)
    message["List-Id"] = f"Frontier <frontier.{author.domain}>"
    return message


def _body(digest: Digest) -> EmailMessage:
    message = EmailMessage(policy=POLICY)
    message["Subject"] = subject(digest)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    message["Precedence"] = "bulk"
    message.set_content(render_text(digest))
    message.add_alternative(render_html(digest), subtype="html")
    return message


def message_id(recipient: str, day: date, *, domain: str) -> str:
    """The Message-ID of one day's digest to one address: always the same, so that mail programs drop a double."""
    digest = hashlib.sha256(f"{recipient}\n{day.isoformat()}".encode()).hexdigest()[:24]
    return f"<{day:%Y%m%d}.{digest}@frontier.{domain}>"


def subject(digest: Digest) -> str:
    """One line such as "Frontier, Mon 24 Nov 2025: 12 papers"; it names sources that failed."""
    n = len(digest.entries)
    failed = [line.source for line in digest.trouble if line.verdict in ("failed", "stale")]
    what = f"{n} paper{'s' if n != 1 else ''}" if n else "nothing new"
    names = failed[0] if len(failed) == 1 else f"{len(failed)} sources"
    return f"Frontier, {day_text(digest.day)}: {what}" + (f", {names} did not answer" if failed else "")


def render_html(digest: Digest) -> str:
    """The HTML part, complete in itself: inline styles, no images, no scripts, light and dark."""
    return _environment().get_template("digest.html.j2").render(_context(digest))


def render_text(digest: Digest) -> str:
    """The plain text part: numbered, wrapped at 78 columns, every link on a line of its own."""
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
    return environment


def _context(digest: Digest) -> dict[str, object]:
    numbers = digest.numbers
    n = len(numbers)
    counted = f"{n} new paper{'s' if n != 1 else ''}" if n else "Nothing new"
    announced = f", chosen from {digest.announced:,} announced" if digest.announced > n > 0 else ""
    return {
        "digest": digest,
        "numbers": numbers,
        "date": day_text(digest.day, long=True),
        "counted": counted + announced,
        "all_well": digest.health_line[:1].upper() + digest.health_line[1:] if not digest.trouble else "",
        "also": {s.area: sorted(numbers[i] for i in s.also if i in numbers) for s in digest.sections},
        "preheader": shorten("; ".join(e.title for e in digest.entries[:3]) or digest.quiet, 200),
        "facts": facts,
        "more": more,
    }


def facts(entry: Entry) -> str:
    """Who wrote it and where it stands, in one line."""
    return " · ".join(part for part in (entry.authors, entry.venue, entry.key) if part)


def more(section: Section, day: date) -> str:
    """How the papers that found no room are listed, or "" when there are none."""
    return f"{section.more:,} more: frontier feed --area {section.area} --day {day}" if section.more else ""


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
    return sum(_width(c) for c in text)


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
