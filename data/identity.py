"""Which paper a record is, and which source's words are shown. Pure decisions, no SQL."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from data.code_links import code_urls
from data.ids import parse_id, url_of
from data.text import text_hash, title_key

SOURCE_ORDER = (
    "arxiv", "openreview", "cvf", "ecva", "neurips", "pmlr", "acl", "virtual", "import", "arxiv_snapshot", "hf_daily",
    "semantic_scholar", "openalex", "dblp", "starter", "scholar_alerts",
)  # fmt: skip
"""Whose field is shown first. A source that is not named comes after all that are."""

VENUE_ORDER = ("openreview", "virtual", "cvf", "ecva", "neurips", "pmlr", "acl", "dblp", "import", "starter", "arxiv")
"""Whose venue, status and year are shown first: those that say oral or poster, then proceedings, then preprints."""

SHORTEST_TITLE = 12
"""Letters of a normalised title below which equal titles say nothing ("Editorial", "Reply", "Untitled")."""

MAX_YEARS_APART = 2
"""A preprint and its proceedings page may be this many years apart and still be one paper."""


def surname(author: str) -> str:
    """The comparable family name: the last word (or what stands before a comma), without case and accents."""
    name = author.split(",")[0] if "," in author else author.rsplit(" ", 1)[-1]
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(c for c in plain if c.isalnum())


def same_people(a: Sequence[str], b: Sequence[str]) -> bool:
    """True when the shorter author list shares at least half of its surnames with the other. Empty lists share none."""
    one, two = {surname(x) for x in a} - {""}, {surname(x) for x in b} - {""}
    return bool(one and two) and len(one & two) >= max(1, min(len(one), len(two)) / 2)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known paper with the same normalised title."""

    paper_id: int
    authors: Sequence[str]
    year: int | None
    ids: Mapping[str, str]  # scheme -> value


def is_same(*, authors: Sequence[str], year: int | None, ids: Mapping[str, str], candidate: Candidate) -> bool:
    """Whether a record is the candidate, whose normalised title is already equal.

    A conflict of ids within one scheme never merges; else the authors must overlap and the years be near.
    """
    if any(scheme in candidate.ids and candidate.ids[scheme] != value for scheme, value in ids.items()):
        return False
    if year is not None and candidate.year is not None and abs(year - candidate.year) > MAX_YEARS_APART:
        return False
    return same_people(authors, candidate.authors)


def _rank(order: Sequence[str], source: str) -> int:
    return order.index(source) if source in order else len(order)


def shown(sightings: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The columns of a paper out of all its sightings, as (source, fields) pairs.

    Each field comes from the first source of SOURCE_ORDER (for venue, status and year: VENUE_ORDER) that has it; a
    provisional title yields to any other; keywords, categories and code addresses are joined.
    """
    ordered = sorted(sightings, key=lambda s: (bool(s[1].get("provisional")), _rank(SOURCE_ORDER, s[0])))
    by_venue = sorted(sightings, key=lambda s: (not s[1].get("venue"), _rank(VENUE_ORDER, s[0])))

    def first(name: str, default: Any = "") -> Any:
        return next((f[name] for _, f in ordered if f.get(name)), default)

    def joined(name: str) -> list[str]:
        return list(dict.fromkeys(v for _, f in ordered for v in f.get(name, ())))

    def earliest(name: str) -> str | None:
        return min((f[name] for _, f in ordered if f.get(name)), default=None)

    title, abstract = first("title"), first("abstract")
    venue_fields = by_venue[0][1]
    published = earliest("published")
    year = next((f["year"] for _, f in by_venue if f.get("year")), None) or (int(published[:4]) if published else None)
    announced = [f["day"] for s, f in ordered if s == "arxiv" and f.get("day")] or [earliest("day")]
    out: dict[str, Any] = {
        "title": title,
        "abstract": abstract,
        "authors": first("authors", []),
        "year": year,
        "published": published,
        "day": announced[0],
        "date": _filter_date(year, published, announced[0]),
        "venue": venue_fields.get("venue", ""),
        "venue_status": venue_fields.get("venue_status", ""),
        "url": first("url") or next((url_of(parse_id(i)) for i in first("ids", ())), ""),
        "categories": joined("categories"),
        "comment": first("comment"),
        "journal_ref": first("journal_ref"),
        "keywords": joined("keywords"),
        "code_urls": list(dict.fromkeys([*joined("code_urls"), *code_urls(f"{first('comment')}\n{abstract}")])),
        "note": first("note"),
        "version": first("version", None),
        "withdrawn": int(any(f.get("withdrawn") for _, f in ordered)),
        "provisional": int(all(f.get("provisional") for _, f in ordered)),
        "title_key": title_key(title),
    }
    out["text_hash"] = text_hash(title, abstract or out["note"])
    return out


def _filter_date(year: int | None, published: str | None, day: str | None) -> str | None:
    """What date filters go by: the first version's day, but never before the year of the venue that is shown."""
    when = published or day
    if year is not None and (when is None or int(when[:4]) < year):
        return date(year, 1, 1).isoformat()
    return when
