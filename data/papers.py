"""What the store knows: papers, their sightings and mentions, and the questions it can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from data.terms import Term


def printed(scheme: str, value: str) -> str:
    """An id as it is printed; an imported one is kept as it came."""
    return value if scheme == "import" else f"{scheme}:{value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One paper as it is shown: each field from the best source that has it (`data.identity.SOURCE_ORDER`).

    `key` is the id that is printed, `ids` every id it is known by. `day` is when it was announced (None for papers that
    no source announced on a day, such as imported proceedings); `date` is what date filters go by. `venue_basis` says
    whose word venue and status are: "proceedings", or "comment" where only the authors claim them; `track` is main,
    workshop, findings and the like.
    """

    id: int
    key: str
    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None
    published: date | None = None
    day: date | None = None
    date: date | None = None
    venue: str = ""
    venue_status: str = ""
    venue_basis: str = ""
    track: str = ""
    awards: tuple[str, ...] = ()
    url: str = ""
    categories: tuple[str, ...] = ()
    comment: str = ""
    journal_ref: str = ""
    keywords: tuple[str, ...] = ()
    code_urls: tuple[str, ...] = ()
    note: str = ""
    version: int | None = None
    withdrawn: bool = False
    provisional: bool = False

    @property
    def short(self) -> str:
        """The short key that listings show, such as p123; accepted wherever an id is."""
        return f"p{self.id}"

    @property
    def appeared(self) -> str:
        """Venue, year and status as people say them, such as "ICLR 2025 Oral"; empty for a preprint."""
        if not self.venue or self.venue == "arXiv":
            return self.venue_status
        if self.venue_status.casefold().startswith(self.venue.casefold()):
            return self.venue_status
        return " ".join(filter(None, (self.venue, str(self.year or ""), self.venue_status)))

    @property
    def text(self) -> str:
        """What is embedded: title and abstract, or title and our own note where there is no abstract."""
        rest = self.abstract or self.note
        return f"{self.title}\n{rest}" if rest else self.title


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One source's view of a paper; `fields` are its own words for it."""

    source: str
    source_id: str
    day: date | None
    seen_at: datetime
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A thread or entry that names papers. `signals` maps a name (points, comments) to its latest value."""

    source: str
    channel: str
    title: str
    url: str
    author: str
    excerpt: str
    published_at: datetime | None
    signals: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReading:
    """One point of a time series of attention."""

    source: str
    name: str
    at: datetime
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperDetail:
    """Everything known about one paper."""

    paper: Paper
    ids: tuple[str, ...]
    sightings: tuple[Sighting, ...]
    mentions: tuple[Mention, ...]
    signals: tuple[SignalReading, ...]
    area_scores: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPair:
    """Two papers that may be one: `reason` says what speaks for it and what is missing."""

    a: int
    b: int
    reason: str
    found_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merge that stands: `gone` (once printed as `gone_key`) went into `kept`; `by` is ids, match or user."""

    id: int
    kept: int
    gone: int
    gone_key: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which papers count. Every given condition holds exactly; an empty filter lets all pass.

    Several values of one condition mean any of them. `areas` are leaf areas (a lane is one); a paper belongs to an area
    when its relevance there is at least `area_threshold`. `datasets` are names as papers have them (`data.facets`);
    `terms` are what a query itself states (`data.terms`).
    """

    since: date | None = None
    until: date | None = None
    areas: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    area_threshold: float = 0.25

    @property
    def empty(self) -> bool:
        lists = (self.areas, self.venues, self.categories, self.sources, self.datasets, self.terms)
        return not (self.since or self.until or any(lists))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What one batch did: papers created, known papers updated, known papers unchanged, replacements of unknown ones."""

    new: int = 0
    changed: int = 0
    same: int = 0
    ignored: int = 0
    mentions: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(
            new=self.new + other.new,
            changed=self.changed + other.changed,
            same=self.same + other.same,
            ignored=self.ignored + other.ignored,
            mentions=self.mentions + other.mentions,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRun:
    """The stored report of one source in one run; `report` is `crawler.report.SourceReport.as_dict()`."""

    source: str
    started_at: datetime
    verdict: str
    report: Mapping[str, Any]
