"""Which events follow from what happened to watched things. Pure functions from plain values to events.

Whether something counts as new is decided before (`data.watching`): what comes in here happened after the watch was added.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from data.papers import Filter
from data.people import Name, fold_name, people
from data.text import title_key
from data.venues import venue_mentions
from data.watching import Change, Citation, Event, EventKind, Watch, Watched
from ranking.attention import Jump

SEARCH_COSINE = 0.6
"""The cosine of a query and a paper from which on the paper answers a watched search by meaning alone.

Judged by their titles with all-MiniLM-L6-v2: 10 topical queries on 3,237 papers (a week of arXiv, CVPR 2019, landmarks). No
cosine parts right from wrong for all queries: "speech recognition" tops at 0.47 with right papers, while "low-rank adaptation
of large language models" has 35 papers from 0.5 on, of which one is right. Right of those found: 46 of 100 from 0.5 on, 19 of
33 from 0.55, 4 of 4 from 0.6. The words find the rest: all words of a query occur in 0 to 47 papers, median 7.
"""

LEAST_USERS = 3
"""A new data set counts as picked up when so many other papers use it."""

NOT_YET = frozenset({"", "arxiv"})
"""Venues that are none."""

_PREPRINTS = re.compile(r"$|arxiv\b|corr$|.*\bpreprint\b", re.I)  # as data.identity has them

WAITING = frozenset({"", "submitted", "under review"})
REFUSED = frozenset({"rejected", "desk-rejected", "withdrawn"})
"""Standings at a venue that are no acceptance."""

_STANDING = ("venue", "venue_status", "venue_basis")
_MAIN = 3
_LESSER = ("findings", "demo", "student abstract", "doctoral consortium")

_VENUE_WORD = re.compile(r"\d+(?:st|nd|rd|th)\b|\d+|[^\W\d]+", re.I)
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)$", re.I)
_SMALL = (
    "the of on in and for at conference conf proceedings proc international annual advances meeting symposium journal"
)
_BESIDE_VENUES = frozenset((*_SMALL.split(), "ieee", "cvf", "acm", "usenix", "aaai"))
"""Words that stand beside a venue's name and leave it the same venue."""

_LONGEST_VENUE = 400
_TITLE = 160
_LEVELS = (1, 2, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """By which watch a paper is followed. Counts what came after these marks and from `since` on."""

    watch: tuple[str, str]
    after_change: int = 0
    after_citation: int = 0
    since: datetime | None = None
    read_since: datetime | None = None  # for counts, which have no marks of their own
    landmark_of: str = ""  # the area's title; such a paper is followed for its citations alone

    def covers(self, at: datetime) -> bool:
        return self.since is None or at >= self.since


def quoted(title: str) -> str:
    """A title within a sentence, shortened where it is very long."""
    return f"“{title if len(title) <= _TITLE else title[: _TITLE - 1].rstrip() + '…'}”"


def standing(venue: str, year: int | None, status: str) -> str:
    """Venue, year and status as people say them: "ICLR 2025 Oral"; the status alone where it names the venue."""
    if venue and status.casefold().startswith(venue.casefold()):
        return status
    return " ".join(filter(None, (venue, str(year or ""), status)))


# ---- what became different ---------------------------------------------------------------------------------------


def of_changes(
    changes: Iterable[Change], follows: Mapping[int, Sequence[Follow]], papers: Mapping[int, Watched]
) -> list[Event]:
    """Events of followed papers out of what became different about them, in the order of the changes.

    The changes of a paper must be all that came after the first one of them: what its standing was is read backwards.
    """
    out: list[Event] = []
    changes = list(changes)
    moves = _moves(changes, papers)
    for n, change in enumerate(changes):
        paper = papers.get(change.paper_id)
        follow = next(
            (
                f
                for f in follows.get(change.paper_id, ())
                if change.id > f.after_change and f.covers(change.at) and not f.landmark_of
            ),
            None,
        )
        if paper is None or follow is None:
            continue
        if change.what not in _STANDING:
            out += _of_change(change, paper, follow.watch)
        elif n in moves:
            out += _of_move(moves[n], paper, follow.watch)
    return _without_repeats(out)


def _of_change(change: Change, paper: Watched, watch: tuple[str, str]) -> list[Event]:
    told = _Telling(change, paper, watch)
    title = quoted(paper.title)
    match change.what:
        case "version":
            old, new = _number(change.old), _number(change.new)
            if 0 < old < new:
                return [told.event("revised", f"v{new}", f"{title} was revised: version {old} → {new}")]
        case "withdrawn":
            if _number(change.new) > 0:
                return [told.event("withdrawn", "", f"{title} was withdrawn by its authors")]
        case "title":
            if change.old and change.new and title_key(change.old) != title_key(change.new):
                return [told.event("retitled", change.new, f"{quoted(change.old)} is now called {quoted(change.new)}")]
        case "code_urls":
            return [told.event("code", url, f"{title} has code: {url}", url=url) for url in _added(change)]
        case "awards":
            return [told.event("award", prize, f"{title} received: {prize}", award=prize) for prize in _added(change)]
    return []


@dataclass(frozen=True, slots=True)
class _Telling:
    """What all events of one change share."""

    change: Change
    paper: Watched
    watch: tuple[str, str]

    def event(self, kind: EventKind, subject: str, text: str, **evidence: Any) -> Event:
        change = self.change
        return Event(
            kind=kind,
            paper_id=self.paper.id,
            subject=subject,
            at=change.at,
            text=text,
            evidence={**evidence, "source": change.source, "old": change.old, "new": change.new},
            watch=self.watch,
        )


# ---- where a paper stands ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """Where a paper appears, and on whose word: `basis` is comment, proceedings or "", which also stands for unknown."""

    venue: str
    year: int | None = None
    status: str = ""
    basis: str = ""

    @property
    def level(self) -> int:
        """0 for no acceptance, 1 for a workshop, 2 for findings and the like, 3 for a main track or a journal."""
        status = self.status.casefold()
        if _PREPRINTS.match(self.venue) or status in REFUSED | (WAITING - {""}):
            return 0
        return 1 if "workshop" in status else 2 if any(map(status.__contains__, _LESSER)) else _MAIN

    @property
    def claimed(self) -> bool:
        return self.basis == "comment"

    @property
    def text(self) -> str:
        return standing(self.venue, self.year, self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    """What one moment changed about where a paper appears; `lead` is the change that says most."""

    before: _Standing
    after: _Standing
    lead: Change

    @property
    def same_venue(self) -> bool:
        return self.before.venue.casefold() == self.after.venue.casefold()

    @property
    def stronger(self) -> bool:
        """Whether the paper is accepted now as it was not before. Final is only a main track by the proceedings."""
        before, after = self.before, self.after
        if self.same_venue or before.level == 0 or after.level == 0:
            return after.level > before.level
        if before.level == _MAIN and not before.claimed:
            return False
        return after.level == _MAIN or after.level > before.level or (before.claimed and after.basis == "proceedings")


def _moves(changes: Sequence[Change], papers: Mapping[int, Watched]) -> dict[int, _Move]:
    """What each moment changed about where each paper appears, by the place of its first such change."""
    moments: dict[int, list[tuple[int, dict[str, Change]]]] = {}
    for n, change in enumerate(changes):
        if change.what in _STANDING and change.paper_id in papers:
            of_paper = moments.setdefault(change.paper_id, [])
            if not of_paper or _begins_anew(of_paper[-1][1], change):
                of_paper.append((n, {}))
            of_paper[-1][1][change.what] = change
    out = {}
    for paper_id, of_paper in moments.items():
        paper = papers[paper_id]
        later = _Standing(venue=paper.venue, year=paper.year, status=paper.status, basis=paper.basis)
        for n, found in reversed(of_paper):
            lead = next(found[what] for what in _STANDING if what in found)
            before, after = _around(found, later)
            if lead.what != "venue_status" or lead.new == later.status:  # else it is past, and nobody knows how
                out[n] = _Move(before=before, after=after, lead=lead)
            later = before
    return out


def _begins_anew(moment: Mapping[str, Change], change: Change) -> bool:
    return change.what in moment or next(iter(moment.values())).at != change.at


def _around(found: Mapping[str, Change], later: _Standing) -> tuple[_Standing, _Standing]:
    """Where a paper stood before and after a moment, `later` being what is known of the time after it."""
    venue, status, basis = (found.get(what) for what in _STANDING)
    after = later
    if venue and venue.new.casefold() != later.venue.casefold():
        after = _Standing(venue=venue.new)
    after = replace(after, status=status.new if status else after.status, basis=basis.new if basis else after.basis)
    before = _Standing(
        venue=venue.old if venue else after.venue,
        year=None if venue else after.year,
        status=status.old if status else after.status,
        basis=basis.old if basis else after.basis,
    )
    return before, after


def _of_move(move: _Move, paper: Watched, watch: tuple[str, str]) -> list[Event]:
    before, after = move.before, move.after
    told = _Telling(move.lead, paper, watch)
    title = quoted(paper.title)
    known: dict[str, Any] = {
        "venue": after.venue,
        "year": after.year,
        "status": after.status,
        "basis": after.basis,
    }
    if after.level == 0:
        return []
    if not move.stronger and move.same_venue and before.claimed and after.basis == "proceedings":
        text = f"{title} is confirmed by the proceedings: {after.text}"
        return [told.event("confirmed", after.venue, text, comment=paper.comment, **known)]
    if not move.stronger and not (move.same_venue and not before.status and after.status):
        return []
    if after.claimed:
        known["comment"] = paper.comment
    if move.stronger and before.level:
        known["before"] = standing(before.venue, None, before.status)
    says = " (so says its author's comment)" if after.claimed else ""
    return [told.event("accepted", after.text, f"{title} is accepted: {after.text}{says}{_instead(move)}", **known)]


def _instead(move: _Move) -> str:
    """What was known or claimed before, as the end of a sentence; "" where that is no other acceptance."""
    before = move.before
    if not move.stronger or before.level == 0:
        return ""
    if before.level == _MAIN:
        who = "it claimed before" if move.after.claimed else "its author's comment claimed"
        return f", not {before.venue} as {who}"
    was = standing(before.venue, None, before.status)
    return f"; its author's comment claimed {was} before" if before.claimed else f"; it was at {was} before"


def _without_repeats(events: Iterable[Event]) -> list[Event]:
    """The first event of each kind, paper and subject: a batch tells venue and status as two changes."""
    known: dict[tuple[str, int, str], Event] = {}
    for event in events:
        known.setdefault((event.kind, event.paper_id, event.subject), event)
    return list(known.values())


def of_claims(
    claims: Mapping[int, str], follows: Mapping[int, Sequence[Follow]], papers: Mapping[int, Watched]
) -> list[Event]:
    """Papers whose venue was claimed by their author alone, where proceedings now confirm it or name another one."""
    out = []
    for paper_id, venue in claims.items():
        paper = papers.get(paper_id)
        follow = next((f for f in follows.get(paper_id, ()) if not f.landmark_of), None)
        if paper is None or follow is None or paper.basis != "proceedings":
            continue
        if paper.venue.casefold() in NOT_YET or paper.status.casefold() in REFUSED:
            continue
        where = standing(paper.venue, paper.year, paper.status)
        evidence = {
            "venue": paper.venue,
            "year": paper.year,
            "status": paper.status,
            "basis": paper.basis,
            "old": venue,
            "new": paper.venue,
            "comment": paper.comment,
        }
        if paper.venue.casefold() == venue.casefold():
            kind: EventKind = "confirmed"
            subject, text = paper.venue, f"is confirmed by the proceedings: {where}"
        else:
            kind, subject, text = (
                "accepted",
                where,
                f"is accepted: {where}, not {venue} as its author's comment claimed",
            )
        out.append(
            Event(
                kind=kind,
                paper_id=paper.id,
                subject=subject,
                at=paper.changed_at,
                text=f"{quoted(paper.title)} {text}",
                evidence=evidence,
                watch=follow.watch,
            )
        )
    return out


def without_restated(events: Iterable[Event], settled: Iterable[Event]) -> list[Event]:
    """Events of changes and of settled claims (`of_claims`), each acceptance of a paper at a venue once.

    What settles a claim comes before what a change says of it, but that a workshop's paper made it to the main track is
    more than a confirmation.
    """
    events = list(events)
    risen = {(e.paper_id, e.evidence["venue"]) for e in events if e.kind == "accepted" and "before" in e.evidence}
    settled = [e for e in settled if e.kind != "confirmed" or (e.paper_id, e.evidence["venue"]) not in risen]
    told = {(e.paper_id, e.evidence["venue"]) for e in settled}
    return [*(e for e in events if e.kind != "accepted" or (e.paper_id, e.evidence["venue"]) not in told), *settled]


def _number(text: str) -> int:
    """A decimal text as a number, 0 for anything else."""
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else 0


def _added(change: Change) -> list[str]:
    """What a JSON list of texts has that it had not before."""
    old = set(_texts(change.old))
    return [text for text in dict.fromkeys(_texts(change.new)) if text not in old]


def _texts(text: str) -> list[str]:
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    return [t for t in found if isinstance(t, str) and t] if isinstance(found, list) else []


# ---- citations and attention -------------------------------------------------------------------------------------


def of_citations(
    citations: Iterable[Citation], follows: Mapping[int, Sequence[Follow]], papers: Mapping[int, Watched]
) -> list[Event]:
    """One event for each new citation of a followed paper or landmark; its paper is the citing one."""
    out = []
    for citation in citations:
        citing, cited = papers.get(citation.citing), papers.get(citation.cited)
        follow = next(
            (
                f
                for f in follows.get(citation.cited, ())
                if citation.id > f.after_citation and f.covers(citation.seen_at)
            ),
            None,
        )
        if citing is None or cited is None or follow is None:
            continue
        landmark = f", a landmark of {follow.landmark_of}" if follow.landmark_of else ""
        out.append(
            Event(
                kind="cites",
                paper_id=citing.id,
                subject=cited.key,
                at=citation.seen_at,
                text=f"{quoted(citing.title)} cites {quoted(cited.title)}{landmark}",
                evidence={"citing": citing.key, "cited": cited.key, "source": citation.source},
                watch=follow.watch,
            )
        )
    return _without_repeats(out)


def of_jumps(jumps: Iterable[Jump], paper: Watched, follow: Follow) -> list[Event]:
    """Jumps of a followed paper's counts. A rise is told once for every level of 1, 2, 5, 10, 20 ... that it reaches."""
    return [
        Event(
            kind="citations" if jump.name == "citations" else "attention",
            paper_id=paper.id,
            subject=f"{jump.name} {level_of(jump.to_value)}",
            at=jump.until,
            text=f"{quoted(paper.title)}: {jump.why}",
            evidence={
                "name": jump.name,
                "gained": jump.gained,
                "from": jump.from_value,
                "to": jump.to_value,
                "since": jump.since.isoformat(),
                "until": jump.until.isoformat(),
                "usual": jump.usual,
            },
            watch=follow.watch,
        )
        for jump in jumps
        if follow.covers(jump.until) and (follow.read_since is None or jump.until >= follow.read_since)
    ]


def level_of(value: float) -> int:
    """The largest of 1, 2, 5, 10, 20, 50 ... that is not above a count; 0 below 1."""
    if value < 1:
        return 0
    scale = int("1" + "0" * (len(str(int(value))) - 1))
    return scale * _LEVELS[bisect_right(_LEVELS, int(value) // scale) - 1]


# ---- new papers --------------------------------------------------------------------------------------------------


def by_authors(watches: Sequence[Watch], papers: Iterable[Watched]) -> list[Event]:
    """New papers by watched authors. A name that fits by initials alone is no evidence."""
    wanted = [(watch, fold_name(watch.value)) for watch in watches]
    by_words: dict[str, list[tuple[Watch, Name]]] = {}
    by_family: dict[str, list[tuple[Watch, Name]]] = {}
    for watch, name in wanted:
        by_words.setdefault(name.words, []).append((watch, name))
        by_family.setdefault(name.family, []).append((watch, name))
    out = []
    for paper in papers:
        told: set[int] = set()
        for name in people(paper.authors)[0]:
            for watch, asked in (*by_words.get(name.words, ()), *by_family.get(name.family, ())):
                if watch.id not in told and surely_same(asked, name):
                    told.add(watch.id)
                    text = f"new paper by {watch.value}: {quoted(paper.title)}"
                    out.append(_new_paper("author", watch, paper, text, name=watch.value))
    return out


def surely_same(asked: Name, found: Name) -> bool:
    """Whether two names are one person's as far as names can tell: given names written out and equal, order aside.

    Further given names may be missing or be initials: "Ada B. Example" is "Ada Example"; "A. Example" is nobody surely.
    """
    if asked.words and asked.words == found.words:
        return written_out(asked)
    if not asked.family or asked.family != found.family or not asked.given or not found.given:
        return False
    first, second = asked.given[0], found.given[0]
    if len(first) < 2 or first != second:
        return False
    return all(
        a == b or (min(len(a), len(b)) == 1 and a[0] == b[0])
        for a, b in zip(asked.given[1:], found.given[1:], strict=False)
    )


def written_out(name: Name) -> bool:
    """Whether a name has more than a family name and initials. One word of a script without initials may be a whole name."""
    words = [part for word in (*name.given, name.family) for part in word.split("-") if part]
    if len(words) == 1:
        return len(words[0]) > 1 and not _has_case(words[0])
    return sum(len(word) > 1 or not _has_case(word) for word in words) > 1


def _has_case(word: str) -> bool:
    return word.upper() != word.lower()


@lru_cache(maxsize=2_000)
def venue_name(text: str) -> str:
    """A venue as papers name it, with the year where one is given: "CVPR 2026" for CVPR2026, "NeurIPS" for NIPS.

    A text that is not wholly the name of one known venue is returned as it is.
    """
    if len(text) > _LONGEST_VENUE:
        return text
    for written in (text, text.upper()):  # venues such as ACL are known in capitals alone
        mentions = [m for m in venue_mentions(written) if m.suffix in ("", "own")]
        rest = written
        for mention in reversed(mentions):
            rest = f"{rest[: mention.start]} {rest[mention.end :]}"
        words = [w for w in _VENUE_WORD.findall(rest) if w.casefold() not in _BESIDE_VENUES and not _ORDINAL.match(w)]
        years = [year for word in words if (year := _year(word))]
        if len({m.venue for m in mentions}) == 1 and len(words) == len(years) < 2:
            return " ".join([mentions[0].venue, *map(str, years)])
    return text


def _year(word: str) -> int:
    """The year that a word is, 2026 for 26; 0 for another word."""
    if word.isascii() and word.isdigit() and len(word) in (2, 4):
        year = int(word) + (2000 if len(word) == 2 else 0)
        return year if 1950 <= year < 2100 else 0
    return 0


def at_venue(watch: Watch, papers: Iterable[Watched], arrived: Mapping[int, datetime]) -> list[Event]:
    """Papers of a watched venue, one event each. `arrived` says when a known paper came to it; others are new papers."""
    out = []
    asked = watch.value.casefold()
    for paper in papers:
        venues = (paper.venue.casefold(), venue_name(paper.venue).casefold())
        if (
            not any(asked in (venue, f"{venue} {paper.year or ''}") for venue in venues)
            or not paper.venue
            or paper.status.casefold() in REFUSED
        ):
            continue
        where = standing(paper.venue, paper.year, paper.status)
        event = _new_paper(
            "venue",
            watch,
            paper,
            f"new at {where}: {quoted(paper.title)}",
            at=arrived.get(paper.id),
            venue=paper.venue,
            year=paper.year,
            status=paper.status,
            basis=paper.basis,
        )
        out.append(event)
    return out


def answers(
    watch: Watch,
    papers: Iterable[Watched],
    *,
    by_words: Collection[int],
    cosines: Mapping[int, float],
    area_scores: Mapping[int, Mapping[str, float]],
) -> list[Event]:
    """New papers that answer a watched search, by all its words or by meaning (SEARCH_COSINE), and pass its filters.

    `watch.where` names leaf areas here.
    """
    out = []
    for paper in papers:
        cosine = cosines.get(paper.id)
        near = cosine is not None and cosine >= SEARCH_COSINE
        if (paper.id in by_words or near) and passes(paper, watch.where, area_scores.get(paper.id, {})):
            text = f"new for “{watch.value}”: {quoted(paper.title)}"
            how = "words" if paper.id in by_words else "meaning"
            told: dict[str, Any] = {
                "query": watch.value,
                "by": how,
                "cosine": None if cosine is None else round(cosine, 4),
            }
            out.append(_new_paper("search", watch, paper, text, **told))
    return out


def passes(paper: Watched, where: Filter, area_scores: Mapping[str, float]) -> bool:
    """Whether a filter lets a paper pass, as it does in a search. Sources are not looked at."""
    if where.since and (paper.date is None or paper.date < where.since):
        return False
    if where.until and (paper.date is None or paper.date > where.until):
        return False
    if where.venues and paper.venue.casefold() not in {v.casefold() for v in where.venues}:
        return False
    if where.categories and not {c.casefold() for c in paper.categories} & {c.casefold() for c in where.categories}:
        return False
    return not where.areas or any(area_scores.get(a, 0.0) >= where.area_threshold for a in where.areas)


def _new_paper(
    kind: EventKind, watch: Watch, paper: Watched, text: str, *, at: datetime | None = None, **evidence: Any
) -> Event:
    return Event(
        kind=kind,
        paper_id=paper.id,
        subject=watch.value,
        at=at or paper.added_at,
        text=text,
        evidence=evidence,
        watch=(watch.kind, watch.value),
    )


# ---- data sets ---------------------------------------------------------------------------------------------------


def with_dataset(watch: Watch, paper: Watched) -> Event:
    """A new paper that uses or announces a watched data set."""
    return _new_paper("dataset", watch, paper, f"new with {watch.value}: {quoted(paper.title)}", name=watch.value)


def of_picked_up(
    watch: Watch, name: str, paper_id: int, users: Collection[int], papers: Mapping[int, Watched]
) -> list[Event]:
    """A data set that is picked up: so that its LEAST_USERS-th user came after the watch was added. At most one event."""
    paper = papers.get(paper_id)
    others = sorted(i for i in users if i != paper_id and i in papers)
    if paper is None or len(others) < LEAST_USERS or others[LEAST_USERS - 1] <= watch.first_paper:
        return []
    return [
        Event(
            kind="dataset",
            paper_id=paper.id,
            subject=name,
            at=papers[others[LEAST_USERS - 1]].added_at,
            text=f"{name}, announced by {quoted(paper.title)}, is used by {len(others)} other papers",
            evidence={"name": name, "users": [papers[i].key for i in others]},
            watch=(watch.kind, watch.value),
        )
    ]
