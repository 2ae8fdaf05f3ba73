"""What maps and conferences ask of the store: which papers, and the little that is shown of each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from data.records import Presentation

if TYPE_CHECKING:
    from data.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One paper as a map shows it; `year` is 0 where none is known, `topic` its topic's name ("" for none)."""

    paper_id: int
    title: str
    venue: str
    year: int
    topic: str


def pins(reader: Reader, paper_ids: Iterable[int]) -> list[Pin]:
    """Papers in the order asked for; ids that are not there are left out."""
    wanted = list(paper_ids)
    rows = reader.rows(
        "SELECT p.id, p.title, coalesce(p.venue, ''), coalesce(p.year, 0), coalesce(t.name, '') FROM papers p"
        " LEFT JOIN paper_topics m ON m.paper_id = p.id LEFT JOIN topics t ON t.id = m.topic_id"
        " WHERE p.id IN (SELECT value FROM json_each(?))",
        (json.dumps(wanted),),
    )
    known = {i: Pin(paper_id=i, title=t, venue=v, year=y, topic=n) for i, t, v, y, n in rows}
    return [known[i] for i in wanted if i in known]


def with_vector(reader: Reader, model: str, paper_ids: Iterable[int]) -> int:
    """How many of the papers have a vector."""
    rows = reader.rows(
        "SELECT count(*) FROM vectors WHERE model = ? AND paper_id IN (SELECT value FROM json_each(?))",
        (model, json.dumps(list(paper_ids))),
    )
    return int(rows[0][0])


def venue_papers(reader: Reader, venue: str, year: int) -> dict[int, str]:
    """The papers of a venue and year with their statuses there, ascending, without withdrawn ones."""
    return dict(
        reader.rows(
            "SELECT id, coalesce(venue_status, '') FROM papers WHERE venue = ? AND year = ? AND coalesce(withdrawn, 0) = 0"
            " ORDER BY id",
            (venue, year),
        )
    )


def presentations(reader: Reader, paper_ids: Iterable[int], year: int) -> dict[int, list[Presentation]]:
    """Where and when the papers are presented in that year, in order of time; papers of which no source says it are left out."""
    rows = reader.rows(
        "SELECT paper_id, json_extract(fields, '$.presented') FROM sightings"
        " WHERE paper_id IN (SELECT value FROM json_each(?)) AND json_extract(fields, '$.presented') IS NOT NULL"
        " AND json_extract(fields, '$.year') = ? ORDER BY id",
        (json.dumps(list(paper_ids)), year),
    )
    found: dict[int, dict[Presentation, None]] = {}
    for paper_id, text in rows:
        for one in json.loads(text):
            starts = datetime.fromisoformat(one["starts"]) if "starts" in one else None
            known = Presentation(session=one.get("session", ""), starts=starts, place=one.get("place", ""))
            found.setdefault(paper_id, {})[known] = None
    return {
        i: sorted(of, key=lambda p: (p.starts is None, p.starts and p.starts.timestamp())) for i, of in found.items()
    }


def on_arxiv(reader: Reader, paper_ids: Iterable[int]) -> set[int]:
    """Those of the papers that have an arXiv id."""
    rows = reader.rows(
        "SELECT DISTINCT paper_id FROM paper_ids WHERE scheme = 'arxiv'"
        " AND paper_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(paper_ids)),),
    )
    return {row[0] for row in rows}


def venue_years(reader: Reader, least: int) -> list[tuple[str, int, int]]:
    """(venue, year, how many papers) of those with at least `least` papers, the latest year first, then the largest."""
    return reader.rows(
        "SELECT venue, year, count(*) AS n FROM papers WHERE venue NOT IN ('', 'arXiv') AND year IS NOT NULL"
        " GROUP BY venue, year HAVING n >= ? ORDER BY year DESC, n DESC, venue",
        (least,),
    )
