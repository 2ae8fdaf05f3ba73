"""Conditions that a query itself states: phrases, `author:`, `venue:`, `year:`, and what is to be left out.

A query is text from a person, so anything is read somehow: what is no condition is a word to look for.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from data.fulltext import cjk_runs, words_of

TermKind = Literal["words", "author", "venue", "year"]

FIRST_YEAR, LAST_YEAR = 1000, 9999
"""Where a range of years ends that is open on one side."""

LONGEST_PHRASE = 64
"""Words of a phrase that are compared: of more, the first ones. FTS5 takes minutes over a phrase of thousands."""

_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u300c\u300d\uff02", '"'))
_TOKEN = re.compile(
    r"""(?P<minus>-)?                        # left out
        (?:(?P<field>author|venue|year)[:\uff1a])?
        (?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))""",
    re.I | re.X,
)
_TO = r"\s*(?:-|\.\.|\u2013)\s*"
_YEARS = re.compile(rf"(\d{{4}}){_TO}(\d{{4}})$|(\d{{4}}){_TO}$|{_TO}(\d{{4}})$|(\d{{4}})$", re.A)
_VENUE_YEAR = re.compile(r"(?P<venue>.*[^\W\d_])[\s'-]*(?P<year>(?:19|20)\d\d)$")
_WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One condition. `value` is a phrase or word, a name, or a venue; `first` and `last` bound years (None: any).

    Several authors or phrases must all be there; of several venues, or of several years, one is enough. `negated`
    conditions must each not hold.
    """

    kind: TermKind
    value: str = ""
    first: int | None = None
    last: int | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query as it was read: `text` is what to look for (the words of phrases too), `terms` what must hold besides."""

    text: str
    terms: tuple[Term, ...] = ()

    @property
    def phrases(self) -> tuple[Term, ...]:
        """The phrases that must occur."""
        return tuple(t for t in self.terms if t.kind == "words" and not t.negated)


def parse_query(raw: str) -> Query:
    """What a query asks for. Never raises: a quote that is not closed, a lone "-", `author:` without a name, a year that
    is none are words to look for (and are no word where they have no letter or digit)."""
    straight = raw.translate(_QUOTES)
    if straight.count('"') % 2:  # the last quote is not closed
        before, _, behind = straight.rpartition('"')
        straight = f"{before} {behind}"
    terms: list[Term] = []
    text: list[str] = []
    for match in _TOKEN.finditer(straight):
        term = _term(match, apart=match.start() == 0 or straight[match.start() - 1].isspace())
        if term is None:
            text.append(match[0])
            continue
        terms.append(term)
        if term.kind == "words" and not term.negated:
            text.append(term.value)
    if not terms:
        return Query(text=" ".join(raw.split()))
    return Query(text=" ".join(" ".join(text).split()), terms=tuple(dict.fromkeys(terms)))


def _term(match: re.Match[str], *, apart: bool) -> Term | None:
    """The condition that a token states; None for one that is only looked for. Operators stand after a space."""
    phrase, word = match["phrase"], match["word"]
    value = " ".join((phrase if phrase is not None else word).split())
    negated = bool(match["minus"])
    if not _WORD.search(value):
        return None
    if not apart and (match["field"] or negated):
        return None
    match (match["field"] or "").lower():
        case "author":
            return Term(kind="author", value=value, negated=negated)
        case "venue":
            found = _VENUE_YEAR.match(value)
            year = int(found["year"]) if found else None
            return Term(kind="venue", value=found["venue"] if found else value, first=year, last=year, negated=negated)
        case "year":
            years = _YEARS.match(value)
            if not years:
                return None
            low, high, since, until, only = (int(g) if g else None for g in years.groups())
            first = low or since or only or FIRST_YEAR
            last = high or until or only or LAST_YEAR
            return Term(kind="year", first=min(first, last), last=max(first, last), negated=negated)
    if phrase is not None or (negated and word[:1].isalpha()):
        return Term(kind="words", value=value, negated=negated)
    return None


def fts_expression(value: str) -> str:
    """An FTS5 expression for a phrase: its words next to each other; Chinese and Japanese runs as pairs of characters."""
    runs = [_quoted(" ".join(run.split()[:LONGEST_PHRASE])) for run in cjk_runs(value)[:LONGEST_PHRASE]]
    words = " ".join(words_of(value)[:LONGEST_PHRASE])
    return " AND ".join([*([_quoted(words)] if words else []), *runs])


def _quoted(words: str) -> str:
    return '"' + words.replace('"', " ") + '"'


def folded(text: str) -> str:
    """In lower case, without accents."""
    if text.isascii():
        return text.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()


@lru_cache(maxsize=64)
def _name_words(wanted: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", folded(wanted)))


def has_author(authors: str | None, wanted: str) -> bool:
    """Whether one of a paper's authors (a JSON list of names) has all words of a name, in any order and any accents."""
    if not authors:
        return False
    words = _name_words(wanted)
    return any(words.issubset(re.findall(r"\w+", folded(name))) for name in json.loads(authors))


def condition(terms: Iterable[Term]) -> tuple[str, list[Any]]:
    """SQL on `papers p`, each part starting with AND, and its parameters. Needs the function `has_author`."""
    sql: list[str] = []
    parameters: list[Any] = []
    choices: dict[str, list[str]] = {}
    chosen: dict[str, list[Any]] = {}
    for term in terms:
        made, values = _SQL[term.kind](term)
        if not made:
            continue
        if term.kind in ("venue", "year") and not term.negated:
            choices.setdefault(term.kind, []).append(made)
            chosen.setdefault(term.kind, []).extend(values)
        else:
            sql.append(f"NOT ({made})" if term.negated else f"({made})")
            parameters += values
    for kind, any_of in choices.items():
        sql.append(f"({' OR '.join(any_of)})")
        parameters += chosen[kind]
    return "".join(f" AND {part}" for part in sql), parameters


_FOUND = "p.id IN (SELECT rowid FROM papers_fts WHERE papers_fts MATCH ?)"
_YEAR = "coalesce(p.year, CAST(substr(p.date, 1, 4) AS INTEGER), 0) BETWEEN ? AND ?"


def _words_sql(term: Term) -> tuple[str, list[Any]]:
    match = fts_expression(term.value)
    return (_FOUND, [match]) if match else ("", [])


def _author_sql(term: Term) -> tuple[str, list[Any]]:
    words = sorted(_name_words(term.value))
    match = "{authors} : (" + " AND ".join(map(_quoted, words)) + ")"
    return f"{_FOUND} AND has_author(p.authors, ?)", [match, term.value]


def _venue_sql(term: Term) -> tuple[str, list[Any]]:
    if term.first is None:
        return "lower(coalesce(p.venue, '')) = ?", [term.value.lower()]
    return f"lower(coalesce(p.venue, '')) = ? AND {_YEAR}", [term.value.lower(), term.first, term.last]


def _year_sql(term: Term) -> tuple[str, list[Any]]:
    return _YEAR, [term.first, term.last]


_SQL: dict[TermKind, Callable[[Term], tuple[str, list[Any]]]] = {
    "words": _words_sql,
    "author": _author_sql,
    "venue": _venue_sql,
    "year": _year_sql,
}
