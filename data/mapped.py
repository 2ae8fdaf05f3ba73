"""What a map of papers asks of the store: which papers, and the little that is shown of each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

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


def venue_papers(reader: Reader, venue: str, year: int) -> list[int]:
    """The papers of a venue and year, ascending, without withdrawn ones."""
    rows = reader.rows(
        "SELECT id FROM papers WHERE venue = ? AND year = ? AND coalesce(withdrawn, 0) = 0 ORDER BY id", (venue, year)
    )
    return [r[0] for r in rows]


def venue_years(reader: Reader, least: int) -> list[tuple[str, int, int]]:
    """(venue, year, how many papers) of those with at least `least` papers, the latest year first, then the largest."""
    return reader.rows(
        "SELECT venue, year, count(*) AS n FROM papers WHERE venue NOT IN ('', 'arXiv') AND year IS NOT NULL"
        " GROUP BY venue, year HAVING n >= ? ORDER BY year DESC, n DESC, venue",
        (least,),
    )
