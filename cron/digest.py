"""What the daily mail says: the best new papers of each interest, what happened to watched ones, what is rising, how the
sources did, and why a quiet day is quiet. Pure.

Every text in a digest is clean and on one line, and every link is http, https or (Frontier's own) mailto, so that no output
has to trust them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from cron.health import NAME_CHARS, Considered, HealthLine, answers, health_line, health_of, why_quiet
from cron.profiles import DEFAULT, Window
from cron.wording import count, day_text, own_link, shorten, web_url
from data.errors import MalformedId
from data.ids import parse_id, url_of
from data.latex import pieces
from data.papers import Paper, SourceRun
from data.text import clean
from data.watching import Event
from ranking.feed import Ranked, telling, told
from ranking.interests import REST, dealt
from ranking.trends import Trend

TITLE_CHARS = 300
ABSTRACT_CHARS = 300
REASON_CHARS = 200
BECAUSE_CHARS = 260
EVENT_CHARS = 260
SHOWN_AUTHORS = 4
"""What one entry shows at most, in characters and names; cut texts end in an ellipsis."""

VOTE_CHARS = 2000
"""A longer link of a vote is left out; one by mail holds a title, percent-encoded."""

EVENTS_SHOWN = 12
RISING_SHOWN = 3

EXPLORING = "exploring"
EXPLORING_TITLE = "Exploring: what your likes do not foretell"
"""The section of papers that are there to learn what else the user likes."""

_LATEX_SHAPE = re.compile(r"(\$?)\\(?:text(?:bf|it|tt|sc|sf|rm)?|emph|underline|mathrm)\{([^{}]*)\}\1")

_LATEX_ESCAPE = re.compile(r"\\([%&#])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One paper as the mail shows it; `url` and `code_url` are empty where there is none.

    `reasons` are the signals that tell it apart, `because` is what bears them out; `votes` maps what can be said of it
    (`data.votes.VOTES`) to the link that says it.
    """

    paper_id: int
    key: str
    title: str
    authors: str
    venue: str
    url: str
    code_url: str
    abstract: str
    reasons: str
    because: str
    score: float
    votes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One interest: a focus area by its name, `search:7`, `tag:thesis` or EXPLORING. `also` are its papers that stand under
    another one; `more` counts those that found no room at all."""

    interest: str
    title: str
    entries: tuple[Entry, ...]
    also: tuple[int, ...] = ()
    more: int = 0

    @property
    def area(self) -> str:
        """The focus area's name, "" for another interest."""
        return "" if ":" in self.interest or self.interest == EXPLORING else self.interest


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """Something that happened to what is watched; `url` is the paper's, "" where there is none."""

    paper_id: int
    day: date
    text: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rising:
    """A topic that is really rising. `shares` are its weekly shares in [0, 1] of `what` (papers or attention), oldest first,
    None for a week without any; `said` is what they amount to."""

    name: str
    what: str
    shares: tuple[float | None, ...]
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """The mail of one day before it has a form. `quiet` says why no paper is listed and is empty when one is.

    `window` are the days it looked at, and `caught_up` says so where it missed some. `event_ids` are all events that count
    as told, `more_events` how many of them are not shown; `left_out` counts papers of interests that found no room. `thread`
    are the Message-IDs of this week's earlier mails.
    """

    day: date
    sections: tuple[Section, ...]
    health: tuple[HealthLine, ...]
    quiet: str
    announced: int
    weekly: bool = False
    dashboard_url: str = ""
    profile: str = DEFAULT
    recipient: str = ""
    window: Window
    caught_up: str = ""
    events: tuple[EventLine, ...] = ()
    event_ids: tuple[int, ...] = ()
    more_events: int = 0
    left_out: int = 0
    rising: tuple[Rising, ...] = ()
    unsubscribe_url: str = ""
    thread: tuple[str, ...] = ()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All papers in the order in which they are listed."""
        return tuple(entry for section in self.sections for entry in section.entries)

    @property
    def paper_ids(self) -> tuple[int, ...]:
        """The papers that this mail brings."""
        return tuple(entry.paper_id for entry in self.entries)

    @property
    def numbers(self) -> dict[int, int]:
        """The number under which each paper is listed, from 1 on over the whole mail."""
        return {paper_id: n for n, paper_id in enumerate(self.paper_ids, 1)}

    @property
    def is_quiet(self) -> bool:
        """Whether it brings nothing but word of the sources: what a profile with `quiet = "skip"` is not sent."""
        return not (self.entries or self.events or self.rising)

    @property
    def trouble(self) -> tuple[HealthLine, ...]:
        """The sources that lost something, did not run or are silent."""
        return tuple(line for line in self.health if line.is_trouble)

    @property
    def health_line(self) -> str:
        """All sources in one line: that all answered, or which did not and what was lost."""
        return health_line(self.health)

    @property
    def answered(self) -> str:
        """How many sources answered, such as "all 14 sources answered"."""
        return answers(self.health)

    def cut(self, *, papers: int | None = None, abstract_chars: int | None = None) -> Digest:
        """The same digest with so many papers or shorter abstracts: each section's best before any section's second. A section
        that this empties goes, and `left_out` counts its papers."""
        kept = set(self.paper_ids)
        if papers is not None and papers < len(kept):
            ranked = sorted((n, -e.score, e.paper_id) for s in self.sections for n, e in enumerate(s.entries))
            kept = {paper_id for _, _, paper_id in ranked[:papers]}
        sections, left_out = [], self.left_out
        for section in self.sections:
            entries = tuple(e for e in section.entries if e.paper_id in kept)
            more = section.more + len(section.entries) - len(entries)
            if abstract_chars is not None:
                entries = tuple(replace(e, abstract=shorten(e.abstract, abstract_chars)) for e in entries)
            if section.entries and not entries:
                left_out += more
            else:
                sections.append(replace(section, entries=entries, more=more))
        return replace(self, sections=tuple(sections), left_out=left_out)

    def with_votes(self, links: Mapping[int, Mapping[str, str]]) -> Digest:
        """The same digest with the links by which papers are voted on (`app.voting.vote_links`)."""

        def voted(entry: Entry) -> Entry:
            found = {kind: own_link(link, VOTE_CHARS) for kind, link in links.get(entry.paper_id, {}).items()}
            return replace(entry, votes={kind: link for kind, link in found.items() if link})

        return replace(
            self, sections=tuple(replace(s, entries=tuple(voted(e) for e in s.entries)) for s in self.sections)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Interests:
    """The papers that each interest (`Section.interest`) wants, best first, in the interests' order, and what people call it.

    `best` is the interest under which a paper stands before others; `explore` is the share of all places that goes to
    papers which score best without what is known of the user.
    """

    ranked: Mapping[str, Sequence[Ranked]]
    titles: Mapping[str, str]
    best: Mapping[int, str] = field(default_factory=dict)
    explore: float = 0.0


def build_digest(
    *,
    window: Window,
    weekly: bool = False,
    interests: Interests,
    runs: Sequence[SourceRun],
    already_sent: Set[int],
    per_area: int,
    announced: int,
    minimum: float = 0.0,
    explain: Callable[[Sequence[Ranked]], Sequence[Ranked]] = list,
    since: Mapping[str, date] | None = None,
    asked_since: datetime | None = None,
    events: Sequence[tuple[Event, Paper | None]] = (),
    rising: Sequence[Rising] = (),
    dashboard_url: str = "",
    unsubscribe_url: str = "",
    unscored: int = 0,
    last_sent: date | None = None,
    thread: Sequence[str] = (),
    profile: str = DEFAULT,
    recipient: str = "",
) -> Digest:
    """The digest of the last day of `window`.

    A paper is listed once: under its best interest, else that which ranks it highest, or the next one that wants it when
    that one is full; papers below `minimum` are not. `explain` adds to those shown what bears them out. `runs` is the last
    run of each source (one from before `asked_since`, else from before the day, counts as not asked), `since` when its
    standing began. `events` come with the papers that they are about.
    `announced` is how many papers the days brought before any interest, `unscored` how many of them have no relevance yet.
    """
    day = window.last
    fresh = {a: [r for r in items if r.paper.id not in already_sent] for a, items in interests.ranked.items()}
    good = {a: [r for r in items if r.score >= minimum] for a, items in fresh.items()}
    listed = _allot(good, per_area, interests.best)
    if interests.explore > 0:
        listed[EXPLORING] = _exploring(good, listed, interests.explore)
    shown = explain([r for chosen in listed.values() for r in chosen])
    entries = {r.paper.id: _entry(r) for r in shown}
    sections = _sections(good, listed, entries, interests.titles, per_area)
    health = tuple(health_of(run, day, (since or {}).get(run.source), asked_since) for run in runs)
    seen = Considered(
        announced=announced,
        fitting=len(_ids(interests.ranked)),
        unsent=len(_ids(fresh)),
        unscored=unscored,
    )
    lines = [_event(event, paper) for event, paper in events if not _told_by_listing(event, entries)]
    return Digest(
        day=day,
        sections=sections,
        health=health,
        quiet="" if entries else why_quiet(day, health, seen, minimum=minimum, has_interests=bool(interests.ranked)),
        announced=announced,
        weekly=weekly,
        dashboard_url=web_url(dashboard_url),
        profile=profile,
        recipient=recipient,
        window=window,
        caught_up=_caught_up(window, last_sent),
        events=tuple(lines[-EVENTS_SHOWN:]),
        event_ids=tuple(event.id for event, _ in events),
        more_events=max(0, len(lines) - EVENTS_SHOWN),
        rising=tuple(rising[:RISING_SHOWN]),
        unsubscribe_url=own_link(unsubscribe_url),
        thread=tuple(thread),
    )


def _ids(ranked: Mapping[str, Sequence[Ranked]]) -> set[int]:
    return {r.paper.id for items in ranked.values() for r in items}


def _allot(
    ranked_by_interest: Mapping[str, Sequence[Ranked]], per_area: int, best: Mapping[int, str]
) -> dict[str, list[Ranked]]:
    """Each paper to one interest, best papers first, so that no interest takes another's papers by merely coming first."""
    wishes: dict[int, list[tuple[bool, float, int, str, Ranked]]] = {}
    for order, (interest, papers) in enumerate(ranked_by_interest.items()):
        for ranked in papers:
            other = best.get(ranked.paper.id) != interest
            wishes.setdefault(ranked.paper.id, []).append((other, -ranked.score, order, interest, ranked))
    out: dict[str, list[Ranked]] = {interest: [] for interest in ranked_by_interest}
    for of in sorted(wishes.values(), key=lambda of: (min(w[1] for w in of), of[0][4].paper.id)):
        for *_, interest, ranked in sorted(of, key=lambda wish: wish[:3]):
            if len(out[interest]) < per_area:
                out[interest].append(ranked)
                break
    return {i: sorted(chosen, key=lambda r: (-r.score, r.paper.id)) for i, chosen in out.items()}


def _exploring(
    ranked: Mapping[str, Sequence[Ranked]], listed: Mapping[str, Sequence[Ranked]], share: float
) -> list[Ranked]:
    """The papers of the explored share, each with a reason that says so."""
    placed = _ids(listed)
    rest = {r.paper.id: r for items in ranked.values() for r in items if r.paper.id not in placed}
    places = round(len(placed) * share / (1 - share))
    return dealt(list(rest.values()), {}, {REST: 1.0}, k=places, explore=1.0)


def _sections(
    ranked: Mapping[str, Sequence[Ranked]],
    listed: Mapping[str, Sequence[Ranked]],
    entries: Mapping[int, Entry],
    titles: Mapping[str, str],
    per_area: int,
) -> tuple[Section, ...]:
    out = []
    for interest, chosen in listed.items():
        own = {r.paper.id for r in chosen}
        wanted = [r.paper.id for r in ranked.get(interest, ())[:per_area]]
        section = Section(
            interest=interest,
            title=shorten(clean(titles.get(interest, interest)), NAME_CHARS)
            if interest != EXPLORING
            else EXPLORING_TITLE,
            entries=tuple(entries[r.paper.id] for r in chosen),
            also=tuple(i for i in wanted if i in entries and i not in own),
            more=sum(r.paper.id not in entries for r in ranked.get(interest, ())),
        )
        if section.entries or section.also:
            out.append(section)
    return tuple(out)


def _entry(ranked: Ranked) -> Entry:
    paper = ranked.paper
    return Entry(
        paper_id=paper.id,
        key=shorten(clean(paper.key), NAME_CHARS),
        title=shorten(_plain(paper.title), TITLE_CHARS) or "(no title)",
        authors=_authors(paper.authors),
        venue=shorten(clean(paper.appeared), NAME_CHARS),
        url=_paper_url(paper),
        code_url=next((url for url in map(web_url, paper.code_urls) if url), ""),
        abstract=shorten(_plain(paper.abstract or paper.note), ABSTRACT_CHARS),
        reasons=_reasons(ranked),
        because=shorten(_plain(" · ".join(told(replace(ranked, reasons=())))), BECAUSE_CHARS),
        score=ranked.score,
    )


def _plain(text: str) -> str:
    """Clean text on one line; LaTeX that only changes the letters' shape, or that only TeX needs, is taken off; formulas stay
    as they are."""
    return "".join(
        piece if formula else _LATEX_ESCAPE.sub(r"\1", _LATEX_SHAPE.sub(r"\2", piece))
        for piece, formula in pieces(clean(text))
    )


def _reasons(ranked: Ranked) -> str:
    """The reasons that tell papers of one day apart, the weightiest first; upvotes in any case. That a paper is liked no more
    likely than any other is none (`ranking.signals.liking`)."""
    said = [r.text for r in telling(ranked.reasons) if r.signal != "personal" or r.value > 0.5]
    upvotes = int(ranked.signals.get("upvotes", 0))
    if upvotes and not any("upvotes" in text for text in said):
        said.append(count(upvotes, "upvote"))
    return shorten(clean(" · ".join(said)), REASON_CHARS)


def _authors(names: Sequence[str]) -> str:
    shown = [shorten(name, NAME_CHARS) for name in map(clean, names[:SHOWN_AUTHORS]) if name]
    left = len(names) - SHOWN_AUTHORS
    return ", ".join(shown) + (f" and {left:,} more" if left > 0 else "")


def _paper_url(paper: Paper) -> str:
    if url := web_url(paper.url):
        return url
    try:
        return web_url(url_of(parse_id(paper.key)))
    except MalformedId:
        return ""


def _told_by_listing(event: Event, entries: Collection[int]) -> bool:
    """Whether an event says no more than that a paper is new which this mail lists."""
    return event.kind == "search" and event.paper_id in entries


def _event(event: Event, paper: Paper | None) -> EventLine:
    return EventLine(
        paper_id=event.paper_id,
        day=event.at.date(),
        text=shorten(_plain(event.text), EVENT_CHARS) or event.kind,
        url=_paper_url(paper) if paper else "",
    )


def _caught_up(window: Window, last_sent: date | None) -> str:
    """What a digest says after days without one: since when, and what it does not bring any more."""
    if not window.missed or last_sent is None:
        return ""
    said = f"The last digest was that of {day_text(last_sent)}. This one brings the best since then"
    if not window.lost:
        return said + "."
    older = f"frontier feed --since {last_sent.isoformat()}"
    return f"{said}, back to {day_text(window.first)}; what is older is listed by: {older}"


def rising_of(name: str, trend: Trend) -> Rising | None:
    """A topic's trend where its test says that it rises, by papers or else by attention; None where it does not."""
    for what, change, shares in (
        ("papers", trend.change, trend.paper_share),
        ("attention", trend.attention_change, trend.attention_share),
    ):
        if change.direction == "rising":
            known = [share for share in shares if share is not None]
            said = (
                f"{known[0]:.1%} to {known[-1]:.1%} of all {what} in {len(shares)} weeks, odds ×{change.ratio:.1f}"
                f" ({change.low:.1f} to {change.high:.1f})"
            )
            return Rising(name=shorten(clean(name), NAME_CHARS), what=what, shares=tuple(shares), said=said)
    return None
