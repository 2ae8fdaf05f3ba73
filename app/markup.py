"""The building blocks of pages, as HTML: texts, links, dates, notices, tables. Escaping happens here.

Every text from outside goes through `text` (or `data.latex.to_html`), every address through `outside` (http and https
only) or `href` (a page of the dashboard). Classes start with `fr-` and are styled in `app.views.style`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from html import escape
from urllib.parse import urlencode, urlsplit

from data.errors import FrontierError
from data.latex import to_html
from data.papers import Paper
from data.text import clean

LONGEST_TITLE = 300
LONGEST_ABSTRACT = 6_000
"""Characters shown; what is cut is marked."""

MOST_MARKED = 60
"""Words that are marked in one text; a query pasted from an abstract has more, and then none stands out."""

_KEPT = r'<span class="fr-math">.*?</span>|<[^>]*>|&#?\w+;'
"""What `data.latex.to_html` writes beside words: formulas, tags, escaped characters. Nothing is marked in them."""
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def text(value: object, longest: int = 500) -> str:
    """Any text for HTML: on one line, without control and direction characters, cut, escaped."""
    return escape(cut(clean(str(value)), longest))


def cut(value: str, longest: int) -> str:
    """At most `longest` characters, the last one an ellipsis where something is missing."""
    return value if len(value) <= longest else value[: longest - 1].rstrip() + "…"


def safe_url(url: str) -> str | None:
    """The URL when it is an http or https address with a host, else None. Not escaped."""
    if not url or len(url) > 2000 or any(c.isspace() or ord(c) < 32 for c in url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None


def outside(url: str, label: str, kind: str = "") -> str:
    """A link to another site, opened beside this one; the label alone when the address is none. `label` is HTML."""
    address = safe_url(url)
    if address is None:
        return label
    style = f' class="{kind}"' if kind else ""
    return f'<a{style} href="{escape(address)}" target="_blank" rel="noopener noreferrer">{label}</a>'


def href(page: str, parameters: Mapping[str, str]) -> str:
    """The address of a page of the dashboard, relative, for an attribute (escaped). `page` is "" for Today."""
    query = urlencode({k: v for k, v in parameters.items() if v})
    return escape(f"./{page}?{query}" if query else f"./{page}")


def paper_link(paper: Paper, kind: str = "fr-title", longest: int = LONGEST_TITLE) -> str:
    """The paper's title, leading to its page."""
    title = to_html(cut(paper.title, longest))
    return f'<a class="{kind}" dir="auto" href="{href("paper", {"id": paper.key})}" target="_self">{title}</a>'


def notice(message: str, kind: str = "info") -> str:
    """A line that tells something; `kind` is info or error."""
    return f'<div class="fr-notice fr-{kind}" role="status">{text(message, 1000)}</div>'


def error_notice(error: FrontierError) -> str:
    """An expected failure as one line, and what to do about it."""
    mend = f' <span class="fr-mend">{_sentence(error.mend)}</span>' if error.mend else ""
    return f'<div class="fr-notice fr-error" role="alert">{_sentence(error.message)}{mend}</div>'


def _sentence(words: str) -> str:
    return f"{text(words[:1].upper() + words[1:], 1000)}."


def plural(count: float, one: str, many: str = "") -> str:
    """1 paper, 2 papers, 1,200 papers."""
    return f"{count:,.0f} {one if count == 1 else many or one + 's'}"


def long_day(day: date) -> str:
    """Monday, 24 November 2025."""
    return f"{day:%A}, {day.day} {day:%B} {day.year}"


def short_day(day: date) -> str:
    """Mon 24 Nov 2025."""
    return f"{day:%a} {day.day} {day:%b} {day.year}"


def ago(then: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    minutes = (now - then).total_seconds() / 60
    if minutes < 2:
        return "just now"
    for size, unit, most in ((1, "minute", 90), (60, "hour", 36 * 60), (1440, "day", float("inf"))):
        if minutes < most:
            return f"{plural(round(minutes / size), unit)} ago"
    raise AssertionError


def marked(value: str, words: Iterable[str]) -> str:
    """A text as HTML, formulas readable, with these words and phrases marked: whole words; case, hyphens and plural aside.

    The text is escaped first and the words after it, so that neither brings a tag; formulas stay whole.
    """
    html = to_html(value)
    pattern = _words_pattern(tuple(words))
    if pattern is None:
        return html
    return pattern.sub(lambda m: f"<mark>{m['word']}</mark>" if m["word"] else m[0], html)


@lru_cache(maxsize=64)
def _words_pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """What finds the words in escaped text, the longest first; None when there is nothing to find."""
    known = sorted({w for word in words[:MOST_MARKED] if (w := clean(word)).strip("-")}, key=len, reverse=True)
    if not known:
        return None
    return re.compile(f"{_KEPT}|(?P<word>{'|'.join(map(_word_pattern, known))})", re.I | re.S)


def _word_pattern(word: str) -> str:
    if len(word) > 3 and word[-1] in "sS" and word[-2] not in "sS":
        word = word[:-1]
    inner = r"[\s-]+".join(re.escape(escape(part)) for part in re.split(r"[\s-]+", word) if part)
    return inner if _CJK.search(word) else rf"(?<!\w){inner}(?:s|es)?(?!\w)"  # Chinese is written without spaces


def paragraphs(body: str, words: Iterable[str] = ()) -> str:
    """An abstract or note as paragraphs, formulas readable, `words` marked."""
    parts = cut(body, LONGEST_ABSTRACT).split("\n\n")
    telling = tuple(words)
    return "".join(f'<p class="fr-abstract" dir="auto">{marked(part, telling)}</p>' for part in parts if part.strip())


def authors(names: Sequence[str], most: int) -> str:
    """The first `most` authors, and how many more there are."""
    shown = ", ".join(text(name, 80) for name in names[:most])
    more = len(names) - most
    return f"{shown} and {more:,} more" if more > 0 else shown


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """A table of HTML cells that folds into blocks on narrow screens; `numbers` are the columns set to the right."""
    right = dict.fromkeys(numbers, ' class="fr-right"')
    top = "".join(f"<th{right.get(n, '')}>{escape(h)}</th>" for n, h in enumerate(head))
    body = "".join(
        "<tr>"
        + "".join(f'<td{right.get(n, "")} data-label="{escape(head[n])}">{c}</td>' for n, c in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return f'<table class="fr-table"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def share(value: float) -> str:
    """A length in percent of what holds it, for a style."""
    return f"{100 * min(1.0, max(0.0, value)):.1f}%"
