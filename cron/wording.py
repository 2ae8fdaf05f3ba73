"""How the digest words things: short texts on one line, days in English, plain web links. Pure."""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import quote, urlsplit, urlunsplit

from data.latex import whole
from data.text import clean

URL_CHARS = 500
OWN_LINK_CHARS = 900
"""A longer link is left out; a header's line has at most 998 characters (RFC 5322, 2.1.1)."""

_OWN_LINK = re.compile(r"(?:https?://|mailto:)[A-Za-z0-9%/:=&?~+!$,;@()*._#\[\]-]+")

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip


def web_url(text: str) -> str:
    """The URL in ASCII when it is a plain http or https one, else "": a link that mail may carry."""
    try:
        parts = urlsplit(clean(text))
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or not parts.netloc.isascii() or "@" in parts.netloc:
        return ""
    if any(c in parts.netloc for c in " \"'<>\\`{|}^"):
        return ""
    safe = "%/:=&?~+!$,;@()*-._"
    url = urlunsplit(
        (parts.scheme, parts.netloc, *(quote(part, safe=safe) for part in (parts.path, parts.query, parts.fragment)))
    )
    return url if len(url) <= URL_CHARS else ""


def own_link(text: str, longest: int = OWN_LINK_CHARS) -> str:
    """A link that Frontier made itself, http, https or mailto, or "" where it is none that mail may carry."""
    return text if len(text) <= longest and _OWN_LINK.fullmatch(text) else ""


def shorten(text: str, chars: int) -> str:
    """The text in at most `chars` characters, cut at a space and not within a formula where such a place is near, with an
    ellipsis; "" for 0."""
    if len(text) <= chars:
        return text
    if chars < 2:
        return ""
    word = text.rfind(" ", 0, chars - 1)
    cut = word if word > chars / 2 else chars - 1
    before = whole(text, cut)
    return text[: before if before > chars / 2 else cut].rstrip(" ,;:.") + "…"


def count(n: int, one: str, many: str = "") -> str:
    """A number with what it counts, such as "1 paper" or "1,200 papers"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def day_text(day: date, *, long: bool = False) -> str:
    """Mon 24 Nov 2025, or Monday 24 November 2025; English whatever the locale."""
    name, month = weekday(day), _MONTHS[day.month - 1]
    return f"{name} {day.day} {month} {day.year}" if long else f"{name[:3]} {day.day} {month[:3]} {day.year}"


def weekday(day: date) -> str:
    """The day of the week in English."""
    return _WEEKDAYS[day.weekday()]


def since_text(day: date, today: date) -> str:
    """A day as people name it on `today`: "Tuesday" within the last week, else "Mon 24 Nov 2025"."""
    return weekday(day) if 0 <= (today - day).days < 7 else day_text(day)
