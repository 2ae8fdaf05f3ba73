"""What a source is: it says what to fetch, and purely parses what came back.

The engine (`crawler.engine`) does everything in between: delays, robots.txt, retries, conditional requests. A source
never touches the network, the clock or the store, so its tests are bytes in, records out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, Protocol

from data.ids import PaperId
from data.records import BadRecord, MentionRecord, PaperRecord

Cursor = Mapping[str, Any]
"""Where a source stands: a JSON object of its own making, empty before the first run."""


class SourceOff(Exception):
    """A source that cannot run as it is configured, most often for want of a key: it is reported as off, with this text,
    and never fails a run. Raised by its factory in the registry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What Frontier knows that some sources ask about; each source uses what it needs.

    `landmarks` are the papers that stand for each area; `uncounted` are known papers whose citations were not read for
    a while, most watched first; `threads` are recent threads of the source itself, as (source_id, url), whose scores
    are read again for a week.
    """

    landmarks: Mapping[str, Sequence[PaperId]] = field(default_factory=dict)
    uncounted: Sequence[PaperId] = ()
    threads: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What one run is asked for. `now` is UTC; `since` and `until` are inclusive days, None where not given."""

    now: datetime
    since: date | None = None
    until: date | None = None
    brief: Brief = field(default_factory=Brief)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One request. `url` is the original one, never the mirror's.

    `kind` says which rule governs it: a crawled `page` goes by robots.txt, an `api` or feed by its provider's terms.
    `context` comes back on the page, untouched: it is how a source remembers what a page was asked for.
    `conditional` sends the validators of the last stored answer, so that an unchanged page costs a 304; `remember` only
    keeps those of this answer, for a page that must be read anew now but need not be next time. `can_wait` marks one of
    many that the cursor remembers: when the run's time is up, it is left for the next run, and nothing is lost.
    """

    url: str
    kind: Literal["page", "api"]
    context: Mapping[str, Any] = field(default_factory=dict)
    method: Literal["GET", "POST"] = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold a secret
    body: bytes = field(default=b"", repr=False)
    conditional: bool = False
    remember: bool = False
    can_wait: bool = False
    priority: int = 0  # higher goes first
    about: str = ""  # for people who test the source: what this request is for, where its address does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer with status 200 (or 304, then `not_modified` and an empty body)."""

    fetch: Fetch
    url: str  # after redirects, still the original host
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)  # lower-case names
    not_modified: bool = False
    fetched_at: datetime  # UTC, by the run's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A request that was given up: after all retries, or forbidden by robots.txt. `status` 0: no answer at all."""

    fetch: Fetch
    status: int
    problem: str
    attempts: int = 1
    body: bytes = b""  # the beginning of the answer, where there was one


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCursor:
    """The source has come this far; stored in one transaction with the records of the page that says so.

    `values` are merged over the cursor's keys; a key with the value None is removed.
    """

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """The source itself states that `count` papers belong to `what` (a day's listing, a conference)."""

    what: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something a person should read in the run's report. `lost` marks what could not be recovered in this run."""

    text: str
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the source itself can say of a run that brings nothing: `quiet` (nothing was announced: a weekend, a holiday,
    an empty day that a second path confirms), `waiting` (the batch is not due yet), `stalled` (it is overdue).

    `text` says why, in one line; an empty one with `quiet` says only that silence is normal for this source (between two
    conferences), so that it is never held against its habit. With `unless`, it holds only if no paper of that day comes in the same run. The last
    one of a run counts.
    """

    verdict: Literal["quiet", "waiting", "stalled"]
    text: str
    unless: date | None = None


Output = PaperRecord | MentionRecord | BadRecord | Fetch | MoveCursor | Expect | Notice | Standing


class Source(Protocol):
    """One source. `terms` links to the rules that its API or feed goes by (or to robots.txt)."""

    name: str
    terms: str

    def requests(self, cursor: Cursor, window: Window) -> Iterable[Fetch]:
        """What to ask first. May be empty: nothing is due."""
        ...

    def parse(self, page: Page) -> Iterator[Output]:
        """Records of one page, and what to fetch next. Raises PageError when the page as a whole is not what it
        should be (broken, an error page): the engine then asks again, and nothing of the page is stored."""
        ...

    def failed(self, failure: Failure) -> Iterator[Output]:
        """What a lost request means: another way to the same papers (a Fetch), or a Notice with lost=True."""
        ...
