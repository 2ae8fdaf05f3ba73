"""Watching: adding watches, and deriving the events that follow from what is stored. Nothing here touches the network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from app.wiring import Frontier
from data import watching
from data.connection import BUSY_TIMEOUT_S
from data.errors import ModelError, UnknownArea, UnknownDataset, UsageError
from data.facets import names_like, picked_up
from data.journals import JOURNALS
from data.papers import Filter
from data.people import fold_name
from data.text import clean
from data.venues import CONFERENCES, WORKSHOPS
from data.watching import KINDS, NEW, Event, Marks, Watch, Watched
from ranking.areas import expand
from ranking.events import (
    LEAST_USERS,
    Follow,
    answers,
    at_venue,
    by_authors,
    of_changes,
    of_citations,
    of_claims,
    of_jumps,
    of_picked_up,
    venue_name,
    with_dataset,
    without_restated,
    written_out,
)

if TYPE_CHECKING:
    from data.reader import Reader
    from index.encoders import Vectors
    from ranking.attention import Pace

LONGEST_VALUE = 400
"""Characters of a name or a query that can be watched."""

AT_ONCE = 2000
"""Papers that are looked at together."""

NEW_DATASET = timedelta(days=365)
"""A data set is new when it was announced within so long before the watch was added, or since."""

_HYPHEN = re.compile("[-\u2010-\u2015]")  # a double family name is no full name

PACE_DAYS = timedelta(days=60)
PACE_PAPERS = 300
"""What is usual is learnt from so many papers that were read within these days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What a derivation found: how many events were new, and what could not be looked at, and why."""

    new: int = 0
    notes: tuple[str, ...] = ()


# ---- adding and removing -----------------------------------------------------------------------------------------


def add(
    frontier: Frontier, kind: str, value: str, where: Filter | None = None, *, timeout_s: float = BUSY_TIMEOUT_S
) -> tuple[Watch, bool]:
    """Watch something; returns the watch, and whether it is new. `where` are a search's filters, its areas by name.
    `timeout_s` is how long a process that holds the store is waited for.

    Raises UsageError, UnknownArea, MalformedId, UnknownPaper, StoreError.
    """
    where = where or Filter()
    if kind not in KINDS:
        raise UsageError(f"cannot watch a {kind[:80]!r}", mend=f"known: {', '.join(KINDS)}")
    if kind != "search" and not where.empty:
        raise UsageError(f"a watch of kind {kind} takes no filters", mend="only 'frontier watch add search' does")
    for area in where.areas:
        expand(frontier.config.areas, area)
    watch = Watch(kind=kind, value=_value(frontier, kind, value), added_at=frontier.now(), where=where)
    store = frontier.open_store(timeout_s=timeout_s)
    try:
        if kind == "paper":
            watch = _of_paper(frontier, watch)
        return watching.add_watch(store, watch, model=_model(frontier))
    finally:
        store.close()


def _value(frontier: Frontier, kind: str, value: str) -> str:
    text = clean(value)
    if not text:
        raise UsageError(f"nothing to watch: the {kind} is empty")
    if len(text) > LONGEST_VALUE:
        raise UsageError(f"a {kind} of {len(text):,} characters", mend=f"at most {LONGEST_VALUE}")
    if kind == "landmarks":
        expand(frontier.config.areas, text)
    elif kind == "author":
        _check_name(text)
    elif kind == "venue":
        text = venue_name(text)
    elif kind == "search" and not watching.all_words(text):
        raise UsageError(f"no word to search for: {text[:80]!r}")
    elif kind == "dataset":
        text = NEW if text.casefold() == NEW else _dataset(frontier, text)
    return text


def _check_name(text: str) -> None:
    if not any(map(str.isalpha, text)):
        raise UsageError(f"not a name: {text[:80]!r}")
    if not (written_out(fold_name(text)) and written_out(fold_name(_HYPHEN.sub("", text)))):
        raise UsageError(
            f"{text[:80]!r} could be many people",
            mend="write the name in full: given name and family name, no initials",
        )


def venue_is_known(frontier: Frontier, value: str) -> bool:
    """Whether a venue, with or without a year, is a known one or that of a paper in the store. Raises StoreError."""
    reader = frontier.open_reader()
    try:
        stored = reader.known_values("venue")
    finally:
        reader.close()
    asked = {value.casefold(), re.sub(r" \d{4}$", "", value).casefold()}
    return any(venue.casefold() in asked for venue in (*CONFERENCES, *WORKSHOPS, *JOURNALS, *stored))


def _dataset(frontier: Frontier, name: str) -> str:
    """The name under which a data set is known; one that is not known, or several, as it was given."""
    frontier.open_store().close()
    reader = frontier.open_reader()
    try:
        names = names_like(reader, name)
    except UnknownDataset:
        names = []
    finally:
        reader.close()
    return names[0] if len(names) == 1 else name


def _of_paper(frontier: Frontier, watch: Watch) -> Watch:
    reader = frontier.open_reader()
    try:
        paper_id = reader.lookup(watch.value)
        paper = watching.watched_papers(reader, [paper_id])[paper_id]
    finally:
        reader.close()
    return replace(watch, value=paper.key, paper_id=paper_id, claim=paper.venue if paper.basis == "comment" else "")


def find(frontier: Frontier, named: Sequence[str]) -> Watch:
    """The watch of a number, or of a kind and a value as they were added. Raises UsageError."""
    reader = frontier.open_reader()
    try:
        known = watching.watches(reader)
        if len(named) == 1:
            found = [w for w in known if str(w.id) == named[0].strip()]
        else:
            kind, value = named[0], clean(" ".join(named[1:]))
            asked = {value.casefold(), venue_name(value).casefold()} if kind == "venue" else {value.casefold()}
            found = [w for w in known if w.kind == kind and w.value.casefold() in asked]
            if kind == "paper" and not found:
                paper_id = reader.find(value)
                moved = watching.now_at(reader, [w.paper_id for w in known if w.paper_id is not None])
                found = [w for w in known if w.paper_id and moved.get(w.paper_id, w.paper_id) == paper_id]
    finally:
        reader.close()
    if not found:
        raise UsageError(f"no such watch: {' '.join(named)[:80]!r}", mend="'frontier watch list' has them all")
    return found[0]


def search_watch(reader: Reader, query: str) -> Watch | None:
    """The watch of a search for this query, None when there is none."""
    value = clean(query).casefold()
    return next((w for w in watching.watches(reader) if w.kind == "search" and w.value.casefold() == value), None)


def remove(frontier: Frontier, named: Sequence[str], *, timeout_s: float = BUSY_TIMEOUT_S) -> Watch:
    """Take a watch away, by number or by kind and value; its events stay. Raises UsageError, StoreError."""
    watch = find(frontier, named)
    store = frontier.open_store(timeout_s=timeout_s)
    try:
        watching.remove_watch(store, watch.id)
    finally:
        store.close()
    return watch


# ---- deriving ----------------------------------------------------------------------------------------------------


def derive(frontier: Frontier, *, timeout_s: float = BUSY_TIMEOUT_S) -> Derived:
    """Store the events of everything that came since the last time, each once; safe to run again at any time.

    Raises StoreError when there is no store.
    """
    reader = frontier.open_reader()
    try:
        work = _Work(frontier, reader)
        found = [*work.of_papers(), *work.of_new_papers(), *work.of_datasets()]
        common = replace(work.tops, paper=0, vector=0, facet=0)
        moved = work.moved()
        idle = not found and not moved and common == work.common
    finally:
        reader.close()
    if idle:
        return Derived(notes=tuple(work.notes))
    store = frontier.open_store(timeout_s=timeout_s)
    try:
        new = watching.keep(store, found, moved=moved, common=common)
    finally:
        store.close()
    return Derived(new=new, notes=tuple(work.notes))


def _model(frontier: Frontier) -> str:
    from index.encoders import model_name

    return model_name(frontier.config.embedding.model)


@dataclass(slots=True)
class _Work:
    """One derivation: what is watched, how far was read, and how far there is to read.

    The ends are taken first: what is stored meanwhile is looked at again next time, and known events stay as they are.
    """

    frontier: Frontier
    reader: Reader
    model: str = field(init=False)
    tops: Marks = field(init=False)
    common: Marks = field(init=False)
    watches: list[Watch] = field(init=False)
    vectors_read: dict[int, int] = field(init=False, default_factory=dict)  # by watch, where not all could be
    notes: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.model = _model(self.frontier)
        self.tops = watching.tops(self.reader, self.model)
        self.common = watching.common_marks(self.reader).no_further_than(self.tops)
        known = watching.watches(self.reader)
        self.watches = [replace(w, marks=w.marks.no_further_than(self.tops)) for w in known if self._fits(w)]

    def _fits(self, watch: Watch) -> bool:
        """Whether the areas that a watch names are still there."""
        try:
            for area in (watch.value,) if watch.kind == "landmarks" else watch.where.areas:
                expand(self.frontier.config.areas, area)
        except UnknownArea as exc:
            self.notes.append(f"watch {watch.id} rests: {exc}")
            return False
        return True

    def _of_kind(self, kind: str) -> list[Watch]:
        return [w for w in self.watches if w.kind == kind]

    def moved(self) -> list[tuple[Watch, Marks]]:
        """Watches whose marks are new, with these."""
        out = []
        for watch in self.watches:
            marks = replace(self.tops, vector=self.vectors_read.get(watch.id, self.tops.vector), signal=0)
            if marks != watch.marks:
                out.append((watch, marks))
        return out

    # ---- followed papers

    def of_papers(self) -> list[Event]:
        """What happened to watched and saved papers, and who cites them or a watched area's landmarks."""
        follows = self._follows()
        own = [i for i, by in follows.items() if any(not f.landmark_of for f in by)]
        claims = self._claims(own)
        first_change = min((f.after_change for i in own for f in follows[i]), default=self.tops.change)
        first_citation = min((f.after_citation for by in follows.values() for f in by), default=self.tops.citation)
        changes = watching.changes_since(self.reader, first_change, own) if first_change < self.tops.change else []
        citations = (
            watching.citations_since(self.reader, first_citation, follows)
            if first_citation < self.tops.citation
            else []
        )
        read = watching.read_anew(self.reader, self.common.signal, own) if self.common.signal < self.tops.signal else []
        ids = {c.paper_id for c in changes} | {i for c in citations for i in (c.citing, c.cited)} | {*claims, *read}
        papers = watching.watched_papers(self.reader, ids)
        return [
            *without_restated(of_changes(changes, follows, papers), of_claims(claims, follows, papers)),
            *of_citations(citations, follows, papers),
            *self._of_attention([papers[i] for i in read if i in papers], follows),
        ]

    def _follows(self) -> dict[int, list[Follow]]:
        out: dict[int, list[Follow]] = {}
        for watch, paper_id in self._watched_papers():
            out.setdefault(paper_id, []).append(
                Follow(
                    watch=(watch.kind, watch.value),
                    after_change=watch.marks.change,
                    after_citation=watch.marks.citation,
                    read_since=watch.added_at,
                )
            )
        for paper_id, key, at in watching.saved(self.reader):
            out.setdefault(paper_id, []).append(
                Follow(
                    watch=("saved", key),
                    after_change=self.common.change,
                    after_citation=self.common.citation,
                    since=at,
                )
            )
        areas = self.frontier.config.areas
        for watch in self._of_kind("landmarks"):
            names = [text for leaf in expand(areas, watch.value) for text in areas[leaf].landmarks]
            for paper_id in {i for text in names if (i := self.reader.find(text)) is not None}:
                out.setdefault(paper_id, []).append(
                    Follow(
                        watch=(watch.kind, watch.value),
                        after_change=self.tops.change,
                        after_citation=watch.marks.citation,
                        landmark_of=areas[watch.value].title or watch.value,
                    )
                )
        return out

    def _watched_papers(self) -> list[tuple[Watch, int]]:
        """Watches of papers, each with where its paper is now."""
        found = [(w, w.paper_id) for w in self._of_kind("paper") if w.paper_id is not None]
        moved = watching.now_at(self.reader, [i for _, i in found])
        return [(w, moved.get(i, i)) for w, i in found]

    def _claims(self, paper_ids: Sequence[int]) -> dict[int, str]:
        """Venues of papers on the word of their authors alone, which were not told as confirmed yet."""
        claims = {paper_id: watch.claim for watch, paper_id in self._watched_papers() if watch.claim}
        told = watching.acceptances(self.reader, paper_ids)
        claims |= {paper_id: venue if basis == "comment" else "" for paper_id, (venue, basis) in told.items()}
        settled = watching.known_events(self.reader, "confirmed", claims)
        return {i: venue for i, venue in claims.items() if venue and (i, venue) not in settled}

    def _of_attention(self, papers: Sequence[Watched], follows: Mapping[int, Sequence[Follow]]) -> list[Event]:
        """Jumps of the counts of papers that were read anew."""
        if not papers:
            return []
        from ranking.attention import jump, series_of

        now = self.frontier.now()
        readings = watching.readings_of(self.reader, [p.id for p in papers])
        paces: dict[str, Pace] = {}
        out: list[Event] = []
        for paper in papers:
            jumps = []
            for series in series_of(readings.get(paper.id, []), _appeared(paper)):
                if series.name not in paces:
                    paces[series.name] = self._pace(series.name, now)
                if found := jump(series, now=now, pace=paces[series.name]):
                    jumps.append(found)
            for follow in follows[paper.id]:
                if not follow.landmark_of:
                    out += of_jumps(jumps, paper, follow)
        return out

    def _pace(self, name: str, now: datetime) -> Pace:
        """What is usual of a count, learnt from papers that were read lately."""
        from ranking.attention import Pace, series_of

        ids = watching.lately_read(self.reader, name, now - PACE_DAYS, PACE_PAPERS)
        papers = watching.watched_papers(self.reader, ids)
        readings = watching.readings_of(self.reader, ids)
        series = [s for i, p in papers.items() for s in series_of(readings.get(i, []), _appeared(p)) if s.name == name]
        return Pace.learn(series, now=now, name=name)

    # ---- new papers

    def of_new_papers(self) -> list[Event]:
        """New papers by watched authors, of watched venues, and that answer watched searches.

        A paper is looked at when it is new, and again when a vector of it is written: then its meaning is known, and a
        paper that was known from a link only has got its authors and its abstract.
        """
        watches = [w for w in self.watches if w.kind in ("author", "venue", "search")]
        out: list[Event] = []
        for ids in self._new_ids(watches):
            papers = watching.watched_papers(self.reader, ids)
            for group in _grouped(watches, lambda w: w.marks.paper):
                fresh = [p for p in papers.values() if p.id > group[0].marks.paper]
                out += self._looked_at(group, fresh, {})
        for rows in self._new_vectors(watches):
            papers = watching.watched_papers(self.reader, (i for _, i in rows))
            cosines = self._cosines(self._of_kind("search"), list(papers))
            for group in _grouped(watches, lambda w: (self._begin(w), self._end(w), w.first_paper)):
                first, last, first_paper = self._begin(group[0]), self._end(group[0]), group[0].first_paper
                fresh = [papers[i] for seq, i in rows if first < seq <= last and i > first_paper and i in papers]
                out += self._looked_at(group, fresh, cosines)
        return [*out, *self._come_to_venues()]

    def _new_ids(self, watches: Sequence[Watch]) -> Iterator[list[int]]:
        last = min((w.marks.paper for w in watches), default=self.tops.paper)
        while last < self.tops.paper and (ids := watching.papers_after(self.reader, last, AT_ONCE)):
            yield ids
            last = ids[-1]

    def _begin(self, watch: Watch) -> int:
        return watch.marks.vector

    def _end(self, watch: Watch) -> int:
        return self.vectors_read.get(watch.id, self.tops.vector)

    def _new_vectors(self, watches: Sequence[Watch]) -> Iterator[list[tuple[int, int]]]:
        """(seq, paper id) of vectors written anew. Before each batch, watches that cannot look at all of it are stopped."""
        last = min((w.marks.vector for w in watches), default=self.tops.vector)
        first_paper = min((w.first_paper for w in watches), default=0)
        while last < self.tops.vector and (
            rows := watching.vectors_after(self.reader, self.model, last, first_paper, AT_ONCE)
        ):
            judged = watching.judged(self.reader, (i for _, i in rows))
            unjudged = next((seq for seq, i in rows if i not in judged), None)
            for watch in watches:
                if watch.where.areas and unjudged is not None and unjudged <= self._end(watch):
                    self.vectors_read[watch.id] = max(unjudged - 1, watch.marks.vector)
            yield rows
            last = rows[-1][0]

    def _looked_at(
        self, watches: Sequence[Watch], papers: Sequence[Watched], cosines: Mapping[int, Mapping[int, float]]
    ) -> list[Event]:
        if not papers:
            return []
        ids = [p.id for p in papers]
        out = by_authors([w for w in watches if w.kind == "author"], papers)
        for watch in watches:
            if watch.kind == "venue":
                out += at_venue(watch, papers, {})
            elif watch.kind == "search":
                out += answers(
                    self._with_leaves(watch),
                    papers,
                    by_words=watching.with_all_words(self.reader, watch.value, ids),
                    cosines=cosines.get(watch.id, {}),
                    area_scores=self.reader.area_scores(ids) if watch.where.areas else {},
                )
        return out

    def _with_leaves(self, watch: Watch) -> Watch:
        config = self.frontier.config
        leaves = dict.fromkeys(leaf for area in watch.where.areas for leaf in expand(config.areas, area))
        return replace(
            watch, where=replace(watch.where, areas=tuple(leaves), area_threshold=config.ranking.area_threshold)
        )

    def _cosines(self, watches: Sequence[Watch], ids: Sequence[int]) -> dict[int, dict[int, float]]:
        """Cosines of the papers to each watch's query, by watch. Without a model no meaning is read, for the time being."""
        if not watches or not ids:
            return {}
        import numpy as np

        try:
            queries: Vectors = self.frontier.encoder().encode([w.value for w in watches])
        except ModelError as exc:
            self.notes.append(f"searches went by words alone: {exc}")
            for watch in watches:
                self.vectors_read[watch.id] = watch.marks.vector
            return {}
        found = {
            i: vector
            for i, blob in self.reader.vectors(self.model, ids).items()
            if (vector := np.frombuffer(blob, "<f4")).shape == queries.shape[1:]
        }
        if not found:
            return {}
        cosines: Any = np.stack(list(found.values())) @ queries.T
        return {
            watch.id: dict(zip(found, cosines[:, column].tolist(), strict=True)) for column, watch in enumerate(watches)
        }

    def _come_to_venues(self) -> list[Event]:
        """Known papers whose venue became a watched one."""
        out: list[Event] = []
        for watch in self._of_kind("venue"):
            if watch.marks.change >= self.tops.change:
                continue
            changes = watching.venue_changes_since(self.reader, watch.marks.change, watch.value)
            papers = watching.watched_papers(self.reader, (c.paper_id for c in changes))
            out += at_venue(watch, papers.values(), {c.paper_id: c.at for c in changes})
        return out

    # ---- data sets

    def of_datasets(self) -> list[Event]:
        """New papers with watched data sets, and new data sets that others have picked up by now.

        Looked for when papers came, or were read for data sets, since the last time; what was told is left out.
        """
        tops = (self.tops.paper, self.tops.vector, self.tops.facet)
        watches = [w for w in self._of_kind("dataset") if (w.marks.paper, w.marks.vector, w.marks.facet) != tops]
        return [*self._with_datasets([w for w in watches if w.value != NEW]), *self._picked_up(watches)]

    def _with_datasets(self, watches: Sequence[Watch]) -> list[Event]:
        out: list[Event] = []
        for watch in watches:
            try:
                names = names_like(self.reader, watch.value)
            except UnknownDataset:  # no paper names it yet
                continue
            ids = watching.papers_with_datasets(self.reader, names, watch.first_paper)
            known = watching.known_events(self.reader, "dataset", ids)
            fresh = [i for i in ids if (i, watch.value) not in known]
            out += [with_dataset(watch, paper) for paper in watching.watched_papers(self.reader, fresh).values()]
        return out

    def _picked_up(self, watches: Sequence[Watch]) -> list[Event]:
        watch = next((w for w in watches if w.value == NEW), None)
        if watch is None:
            return []
        found = picked_up(self.reader, least=LEAST_USERS, since=(watch.added_at - NEW_DATASET).date())
        known = watching.known_events(self.reader, "dataset", (p.paper_id for p in found))
        fresh = [p for p in found if (p.paper_id, p.name) not in known]
        papers = watching.watched_papers(self.reader, {i for p in fresh for i in (p.paper_id, *p.users)})
        return [e for p in fresh for e in of_picked_up(watch, p.name, p.paper_id, p.users, papers)]


def _grouped(watches: Iterable[Watch], key: Any) -> list[list[Watch]]:
    """Watches that stand at the same place."""
    out: dict[Any, list[Watch]] = {}
    for watch in watches:
        out.setdefault(key(watch), []).append(watch)
    return list(out.values())


def _appeared(paper: Watched) -> datetime | None:
    return datetime.combine(paper.published, time(), UTC) if paper.published else None


def tell(frontier: Frontier, events: Iterable[Event], *, timeout_s: float = BUSY_TIMEOUT_S) -> None:
    """Remember that these events were listed. Raises StoreError."""
    store = frontier.open_store(timeout_s=timeout_s)
    try:
        watching.mark_told(store, [e.id for e in events], now=frontier.now())
    finally:
        store.close()
