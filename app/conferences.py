"""A venue's accepted papers, ranked by the user's interests, and what he knows of them already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.services import Services
from data.library import entries
from data.mapped import on_arxiv, presentations, venue_papers

if TYPE_CHECKING:
    from data.library import Entry
    from data.records import Presentation
    from ranking.feed import Ranked

REFUSED = ("reject", "withdraw")
"""Statuses of papers that were not accepted begin with or hold these."""


UNSAID = "How is not known"
"""What stands where no source says how a paper is presented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conference:
    """The accepted papers of a venue and year, best first. `refused` were not accepted and are left out; `arxiv`
    are on arXiv, `known` those and what was dealt with; `presented` says of a paper where and when, in order of time;
    `personal` says whether the user's likes had a part in the order."""

    venue: str
    year: int
    ranked: Sequence[Ranked]
    refused: int
    arxiv: frozenset[int]
    known: frozenset[int]
    done: dict[int, list[Entry]]
    presented: dict[int, list[Presentation]]
    personal: bool


def conference(services: Services, venue: str, year: int, area: str = "") -> Conference:
    """Everything accepted there, the hidden left out. Raises UnknownArea."""
    reader = services.reader
    papers = venue_papers(reader, venue, year)
    accepted = [i for i, status in papers.items() if not any(word in status.lower() for word in REFUSED)]
    chances = services.chances(accepted)
    leaves = services.leaves([area]) if area else ()
    ranked = services.rank(accepted, today=services.frontier.now().date(), areas=leaves, chances=chances)
    done = entries(reader, accepted)
    arxiv = frozenset(on_arxiv(reader, accepted))
    return Conference(
        venue=venue,
        year=year,
        ranked=ranked,
        refused=len(papers) - len(accepted),
        arxiv=arxiv,
        known=arxiv | done.keys(),
        done=done,
        presented=presentations(reader, accepted, year),
        personal=chances is not None,
    )


def kind_of(item: Ranked) -> str:
    """How a paper is presented: its status, else its track, such as "Oral" or "Workshop"."""
    paper = item.paper
    status = paper.venue_status.removeprefix(f"{paper.venue} {paper.year}").strip()
    track = paper.track if paper.track.lower() != "main" else ""
    said = status or track or UNSAID
    return said[0].upper() + said[1:]
