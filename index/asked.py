"""What a search is asked: the query as it is read against the store, and the papers that it names outright."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from data.errors import MalformedId, UnknownPaper
from data.papers import Filter
from data.reader import Reader
from data.terms import Term, parse_query

LONGEST_NAME = 500
"""Characters of the longest title or address."""

_NAME = re.compile(r"(?!-?(?:author|venue|year)[:\uff1a])[^\s\"]*[\d:/][^\s\"]*$", re.I)
"""A text that may be an id or a URL: no spaces, and a digit, colon or slash."""

_NO_WORD = re.compile(r"p?\d[\d.v]*$|.*[:/]")
"""What an id is that can hardly be a word to look for as well."""

_ODD = re.compile(
    r"[^\x00-\x7f]|[\\&<(+*]|degree|suppl|appendi|retracted|withdrawn|version|material|report|arxiv|preprint", re.I
)
"""What makes a title's key more than its letters and digits (`data.text.title_key`, which takes long to import)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`text` is looked for among the papers that `where` lets pass; `relaxed` are phrases that no paper has, which count
    as words instead; `named` are papers that the query names by id, URL or whole title, and `only` says that it is an id."""

    text: str
    where: Filter
    relaxed: tuple[str, ...] = ()
    named: tuple[int, ...] = ()
    only: bool = False


def read(reader: Reader, query: str, where: Filter) -> Asked:
    """A query as it is meant in this store. Any text can be asked."""
    named, only = _named(reader, query.strip())
    if named:
        named = reader.passing(named, where)
    if only:
        return Asked(text="", where=where, named=tuple(named), only=True)
    parsed = parse_query(query)
    phrases = parsed.phrases
    relaxed: tuple[Term, ...] = ()
    if phrases and not reader.newest(Filter(terms=phrases), 1):
        relaxed = phrases
    terms = tuple(_venue(reader, t) for t in parsed.terms if t not in relaxed)
    return Asked(
        text=parsed.text,
        where=replace(where, terms=(*where.terms, *terms)) if terms else where,
        relaxed=tuple(t.value for t in relaxed),
        named=tuple(named),
    )


def _named(reader: Reader, text: str) -> tuple[list[int], bool]:
    """The papers that a text names, and whether it is an id or URL, which is nothing to look for by words or meaning."""
    if not text or len(text) > LONGEST_NAME:
        return [], False
    if _NAME.match(text):
        alone = bool(_NO_WORD.match(text))
        try:
            return [reader.lookup(text)], alone
        except MalformedId:
            pass
        except UnknownPaper:
            return [], alone
    return reader.titled(_title_key(text)), False


def _title_key(title: str) -> str:
    if not _ODD.search(title):
        return "".join(c for c in title.lower() if c.isalnum())
    from data.text import title_key

    return title_key(title)


def _venue(reader: Reader, term: Term) -> Term:
    """A venue under the name that papers have it: NIPS is NeurIPS. Names are looked up only where no paper has this one."""
    if term.kind != "venue" or reader.newest(Filter(terms=(replace(term, first=None, last=None, negated=False),)), 1):
        return term
    from data.venues import venue_mentions  # slow to import

    found = venue_mentions(term.value) or venue_mentions(term.value.upper())  # short names count in capitals
    return replace(term, value=found[0].venue) if len(found) == 1 else term
