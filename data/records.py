"""What a source says: records, before anything is known about identity.

A source yields `PaperRecord` (a sighting of a paper), `MentionRecord` (a thread or entry that names papers) or
`BadRecord` (an entry that could not be read, kept as a value and counted). Times are UTC, text is clean (see
`data.text`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from operator import attrgetter
from typing import Any

from data.ids import PaperId
from data.text import clean, clean_block


def _utc(name: str, when: datetime | None) -> None:
    if when is not None and when.utcoffset() != UTC.utcoffset(None):
        raise ValueError(f"{name} must be in UTC, got {when!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One reading of attention: `name` is upvotes, comments, points, citations or stars; `value` >= 0; `at` in UTC."""

    name: str
    value: float
    at: datetime

    def __post_init__(self) -> None:
        _utc("Signal.at", self.at)
        if not self.value >= 0:
            raise ValueError(f"a signal is not negative: {self.name}={self.value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """Where and when a conference presents a paper. `starts` keeps the place's own time zone; None where it is not said."""

    session: str = ""
    starts: datetime | None = None
    place: str = ""

    def __post_init__(self) -> None:
        for name in ("session", "place"):
            object.__setattr__(self, name, clean(getattr(self, name)))
        if self.starts is not None and self.starts.utcoffset() is None:
            raise ValueError(f"Presentation.starts needs a time zone, got {self.starts!r}")

    def fields(self) -> dict[str, str]:
        """As a JSON object, without what is empty."""
        said = {"session": self.session, "starts": self.starts.isoformat() if self.starts else "", "place": self.place}
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRecord:
    """One sighting of a paper by one source. Empty values mean that the source does not say.

    `source_id` is the source's own key of it, stable between runs. `ids` are all ids the source gives. `day` is the day
    on which the source announced the paper (arXiv: the listing day), `published` the day of its first version.
    `update_only` marks a replacement: it updates a known paper and is dropped (counted) when the paper is unknown.
    `provisional` marks a title that is only the text of a link, until a better source says more. `apart` are printed ids of
    papers that the user said are others: this one is not joined with them by its title.
    """

    source: str
    source_id: str
    title: str
    ids: tuple[PaperId, ...] = ()
    import_id: str = ""  # the `id` of an imported line, kept as it is
    abstract: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None
    published: date | None = None
    updated: date | None = None
    day: date | None = None
    venue: str = ""
    venue_status: str = ""
    url: str = ""
    categories: tuple[str, ...] = ()
    comment: str = ""
    journal_ref: str = ""
    keywords: tuple[str, ...] = ()
    code_urls: tuple[str, ...] = ()
    version: int | None = None
    withdrawn: bool = False
    announce_type: str = ""  # arXiv: new, cross, replace, replace-cross
    note: str = ""
    cites: tuple[PaperId, ...] = ()  # landmarks that this paper is said to cite
    presented: tuple[Presentation, ...] = ()
    signals: tuple[Signal, ...] = ()
    update_only: bool = False
    provisional: bool = False
    apart: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("title", "venue", "venue_status", "comment", "journal_ref", "note", "import_id", "url"):
            if text := getattr(self, name):
                object.__setattr__(self, name, clean(text))
        if self.abstract:
            object.__setattr__(self, "abstract", clean_block(self.abstract))
        for name in ("authors", "keywords"):
            if texts := getattr(self, name):
                object.__setattr__(self, name, tuple([t for t in map(clean, texts) if t]))
        if not self.source or not self.source_id:
            raise ValueError("a record needs its source and the source's id")
        if not self.title:
            raise ValueError(f"{self.source} {self.source_id}: a paper needs a title")

    def fields(self) -> dict[str, Any]:
        """The sighting as a JSON object, without what is empty, without signals (these are kept as time series) and without
        `apart` (kept as the user's decisions)."""
        out: dict[str, Any] = {}
        for name, value in zip(_OF_THE_SIGHTING, _SIGHTING(self), strict=True):
            if not value and (value is False or value != 0):
                continue
            if name in ("ids", "cites"):
                value = [str(i) for i in value]
            elif name == "presented":
                value = [p.fields() for p in value]
            elif isinstance(value, tuple):
                value = list(value)
            elif isinstance(value, date):
                value = value.isoformat()
            out[name] = value
        return out


_OF_THE_SIGHTING = tuple(
    field.name
    for field in fields(PaperRecord)
    if field.name not in ("signals", "source", "source_id", "update_only", "apart")
)
_SIGHTING = attrgetter(*_OF_THE_SIGHTING)


@dataclass(frozen=True, slots=True, kw_only=True)
class MentionRecord:
    """A thread, post or entry that mentions papers (`papers` may be empty: it is kept all the same).

    `source_id` is unique within the source; `channel` is the feed, subreddit or column it appeared in.
    Where `papers` is empty, the store looks for a paper of exactly the title that its title names (`data.titles`).
    """

    source: str
    source_id: str
    channel: str
    title: str
    url: str = ""
    author: str = ""
    excerpt: str = ""
    published_at: datetime | None = None
    papers: tuple[PaperId, ...] = ()
    signals: tuple[Signal, ...] = ()

    def __post_init__(self) -> None:
        for name in ("title", "author", "url", "channel"):
            object.__setattr__(self, name, clean(getattr(self, name)))
        object.__setattr__(self, "excerpt", clean_block(self.excerpt))
        _utc("MentionRecord.published_at", self.published_at)
        if not self.source or not self.source_id:
            raise ValueError("a mention needs its source and the source's id")


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRecord:
    """An entry that could not be read. `where` names it (a URL, an id, a line number), `problem` says why."""

    source: str
    where: str
    problem: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)
