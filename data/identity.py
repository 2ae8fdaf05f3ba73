"""Whose words are shown of a paper that several sources have sighted. Pure decisions, no SQL; which sightings are one
paper is decided in `data.matching`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from data.code_links import code_urls
from data.fates import Fate, fate
from data.ids import arxiv_year, parse_id, url_of
from data.text import text_hash, title_key

SOURCE_ORDER = (
    "arxiv", "openreview", "cvf", "ecva", "neurips", "pmlr", "acl", "virtual", "import", "arxiv_snapshot", "hf_daily",
    "semantic_scholar", "openalex", "dblp", "starter", "scholar_alerts",
)  # fmt: skip
"""Whose field is shown first. A source that is not named comes after all that are."""

VENUE_ORDER = ("openreview", "virtual", "cvf", "ecva", "neurips", "pmlr", "acl", "dblp", "import", "starter", "arxiv")
"""Whose venue, status and year are shown first: those that say oral or poster, then proceedings, then preprints."""


def _rank(order: Sequence[str], source: str) -> int:
    return order.index(source) if source in order else len(order)


def shown(sightings: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The columns of a paper out of all its sightings, as (source, fields) pairs.

    Each field comes from the first source of SOURCE_ORDER (for venue, status and year: VENUE_ORDER) that has it; a
    provisional title yields to any other; keywords, categories and code addresses are joined. Where no source names a
    venue, the authors' comment and the journal reference are read for one.
    """
    ordered = by_venue = sightings
    if len(sightings) > 1:
        ordered = sorted(sightings, key=lambda s: (bool(s[1].get("provisional")), _rank(SOURCE_ORDER, s[0])))
        by_venue = sorted(sightings, key=lambda s: (not _venue(s[1]), _rank(VENUE_ORDER, s[0])))

    best = _first_said([fields for _, fields in ordered])
    get = best.get

    def joined(name: str) -> list[str]:
        if name not in best:
            return []
        return list(dict.fromkeys([value for _, fields in ordered for value in fields.get(name, ())]))

    def earliest(name: str) -> str | None:
        if name not in best:
            return None
        return min([str(value) for _, fields in ordered if (value := fields.get(name))])

    title, abstract, comment = best["title"], get("abstract", ""), get("comment", "")
    published = earliest("published")
    year = (
        next((f["year"] for _, f in by_venue if f.get("year")), None)
        or (int(published[:4]) if published else None)
        or min(
            (arxiv_year(i[6:]) for _, f in ordered for i in f.get("ids", ()) if i.startswith("arxiv:")), default=None
        )
    )
    announced = [f["day"] for s, f in ordered if s == "arxiv" and f.get("day")] or [earliest("day")]
    journal_ref = get("journal_ref", "")
    claim = fate(comment, journal_ref, not_before=date.fromisoformat(published) if published else None)
    out: dict[str, Any] = {
        "title": title,
        "abstract": abstract,
        "authors": get("authors", []),
        "year": year,
        "published": published,
        "day": announced[0],
        "date": _filter_date(year, published, announced[0]),
        "url": get("url") or next((url_of(parse_id(i)) for i in get("ids", ())), ""),
        "categories": joined("categories"),
        "comment": comment,
        "journal_ref": journal_ref,
        "keywords": joined("keywords"),
        "code_urls": list(dict.fromkeys([*joined("code_urls"), *_named_code(f"{comment}\n{abstract}")])),
        "note": get("note", ""),
        "version": get("version"),
        "withdrawn": int("withdrawn" in best),
        "provisional": int(all([f.get("provisional") for _, f in ordered])),  # noqa: C419 (a list is faster)
        "title_key": title_key(title),
        **_appearance(by_venue[0][1], [f.get("venue_status", "") for _, f in by_venue], year, claim),
    }
    out["text_hash"] = text_hash(title, abstract or out["note"])
    return out


def _first_said(ordered: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Of each field the first value that says something. Fields of a single sighting say something each, as they are kept."""
    if len(ordered) == 1 and all(ordered[0].values()):
        return ordered[0]
    return {name: value for fields in reversed(ordered) for name, value in fields.items() if value}


_HOST_ENDS = (".co", ".org")


def _named_code(text: str) -> tuple[str, ...]:
    """`code_urls`, without looking for addresses where there can be none: most texts, and the search takes its time."""
    low = text.lower()
    return code_urls(text) if any(map(low.__contains__, _HOST_ENDS)) else ()


def _appearance(
    fields: Mapping[str, Any], statuses: Sequence[str], year: int | None, claim: Fate | None
) -> dict[str, Any]:
    """Venue, status, track, awards, and whose word they are: the proceedings' (or a citation service's), else the authors'.

    Proceedings rarely say what was an oral: where the authors claim it for the same edition, they are believed.
    """
    venue, status = _venue(fields), fields.get("venue_status", "")
    awards = list(dict.fromkeys([award for text in statuses if text for award in _awards(text)]))
    if not venue and claim is not None:
        return {
            "venue": claim.venue,
            "venue_status": claim.status,
            "venue_basis": "comment",
            "track": claim.track,
            "awards": list(dict.fromkeys([*awards, *([claim.award] if claim.award else [])])),
            "year": claim.year or year,
        }
    track = _track(status) if venue else ""
    if claim and claim.venue == venue and claim.year in (None, year) and claim.track in (track, "journal"):
        status = status or claim.status
        awards = list(dict.fromkeys([*awards, *([claim.award] if claim.award else [])]))
    return {
        "venue": venue or fields.get("venue", ""),
        "venue_status": status,
        "venue_basis": "proceedings" if venue else "",
        "track": track,
        "awards": awards,
        "year": year,
    }


_PREPRINTS = re.compile(r"arxiv\b|corr$|.*\bpreprint\b", re.I)


def _venue(fields: Mapping[str, Any]) -> str:
    """The venue that a source names, "" for a preprint server."""
    venue = str(fields.get("venue", ""))
    return "" if venue and _PREPRINTS.match(venue) else venue


def _track(status: str) -> str:
    low = status.lower()
    return "workshop" if "workshop" in low else "findings" if "findings" in low else "main"


_AWARD = re.compile(r"\b(?:best|outstanding|award|honou?rable mention|test of time|runner.?up)\b", re.I)
_EDITION = re.compile(r"^(?:workshop: |[A-Za-z-]+ \d{4} )")


def _awards(status: str) -> list[str]:
    """Awards in a source's status: `ACL 2022 Best Paper, Outstanding Paper` has two."""
    parts = _EDITION.sub("", status).split(", ")
    return [part.strip() for part in parts if _AWARD.search(part)]


def _filter_date(year: int | None, published: str | None, day: str | None) -> str | None:
    """What date filters go by: the first version's day, but never before the year of the venue that is shown."""
    when = published or day
    if year is not None and (when is None or int(when[:4]) < year):
        return date(year, 1, 1).isoformat()
    return when
