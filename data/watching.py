"""Watches and events: what the user watches, what became of it, and how far each watch has read.

A watch counts only what comes after it was added. It remembers how far it has read (`Marks`), and what it finds is stored
together with its new marks in one transaction, so that a crash neither loses an event nor tells one twice. Papers that
the user saved are watched without a row of their own; their marks are counters.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from data.fulltext import STOP_WORDS, match_expression
from data.papers import Filter, SignalReading
from data.reader import Reader

if TYPE_CHECKING:
    from data.store import Store

WatchKind = Literal["paper", "author", "search", "landmarks", "venue", "dataset"]
KINDS: tuple[WatchKind, ...] = get_args(WatchKind)

NEW = "new"
"""The value of a watch of kind `dataset` that means every new data set that others pick up."""

EventKind = Literal[
    "accepted", "confirmed", "revised", "withdrawn", "retitled", "code", "award", "attention", "citations", "cites",
    "author", "search", "venue", "dataset",
]  # fmt: skip
EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)

_WORD = re.compile(r"\w+")
_PHRASE = re.compile(r'"([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """How far the tables have been read: the last paper, change, citation, vector write, data set and signal reading."""

    paper: int = 0
    change: int = 0
    citation: int = 0
    vector: int = 0
    facet: int = 0
    signal: int = 0

    def no_further_than(self, tops: Marks) -> Marks:
        """These marks, but none beyond what there is: row numbers shrink when a store is vacuumed."""
        return Marks(
            paper=min(self.paper, tops.paper),
            change=min(self.change, tops.change),
            citation=min(self.citation, tops.citation),
            vector=min(self.vector, tops.vector),
            facet=min(self.facet, tops.facet),
            signal=min(self.signal, tops.signal),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One thing that the user watches.

    `value` is the paper's printed id, the name, the query, the area or NEW. `where` holds the filters of a search, its
    areas as they were named. `first_paper` is the last paper that there was when the watch was added: only later ones are
    new to it. `paper_id` is set for a watched paper, and `claim` is the venue that only its author claimed by then.
    """

    kind: WatchKind
    value: str
    id: int = 0
    added_at: datetime
    where: Filter = field(default_factory=Filter)
    marks: Marks = field(default_factory=Marks)
    first_paper: int = 0
    paper_id: int | None = None
    claim: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to what is watched. `kind`, `paper_id` and `subject` together are unique.

    `at` is when it happened or was first seen; `text` is for people; `watch` is the (kind, value) of the watch that it
    answers, ("saved", id) for a saved paper. `told_at` is None until it was listed.
    """

    kind: EventKind
    paper_id: int
    subject: str
    at: datetime
    text: str
    evidence: Mapping[str, Any]
    watch: tuple[str, str]
    id: int = 0
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something about a known paper became different; `old` and `new` are texts, "" for none (table `changes`)."""

    id: int
    paper_id: int
    at: datetime
    source: str
    what: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """`source` says that one paper cites another; `id` grows with every citation that becomes known."""

    id: int
    citing: int
    cited: int
    source: str
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is looked at of a paper that a watch may be about. `basis` is comment, proceedings or ""."""

    id: int
    key: str
    title: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    venue: str = ""
    status: str = ""
    basis: str = ""
    comment: str = ""
    published: date | None = None
    date: date | None = None
    categories: tuple[str, ...] = ()
    added_at: datetime
    changed_at: datetime


# ---- watches -----------------------------------------------------------------------------------------------------


def watches(reader: Reader) -> list[Watch]:
    """All watches, oldest first."""
    return [_watch(row) for row in reader.rows(f"{_WATCHES} ORDER BY id")]


_WATCHES = "SELECT id, kind, value, options, added_at, after_paper, after_change FROM watches"


def _watch(row: Sequence[Any]) -> Watch:
    watch_id, kind, value, options, added_at, after_paper, after_change = row
    known = json.loads(options or "{}")
    return Watch(
        id=watch_id,
        kind=kind,
        value=value,
        added_at=datetime.fromisoformat(added_at),
        where=Filter(
            areas=tuple(known.get("areas", ())),
            venues=tuple(known.get("venues", ())),
            categories=tuple(known.get("categories", ())),
            since=date.fromisoformat(known["since"]) if known.get("since") else None,
        ),
        marks=Marks(
            paper=after_paper,
            change=after_change,
            citation=known.get("citation", 0),
            vector=known.get("vector", 0),
            facet=known.get("facet", 0),
        ),
        first_paper=known.get("first_paper", after_paper),
        paper_id=known.get("paper"),
        claim=known.get("claim", ""),
    )


def _options(watch: Watch, marks: Marks) -> str:
    where = watch.where
    known = {
        "areas": list(where.areas),
        "venues": list(where.venues),
        "categories": list(where.categories),
        "since": where.since.isoformat() if where.since else None,
        "paper": watch.paper_id,
        "claim": watch.claim,
        "first_paper": watch.first_paper,
        "citation": marks.citation,
        "vector": marks.vector,
        "facet": marks.facet,
    }
    return json.dumps({name: value for name, value in known.items() if value}, ensure_ascii=False)


def add_watch(store: Store, watch: Watch, *, model: str) -> tuple[Watch, bool]:
    """Add a watch, which counts what comes after now; `model` is whose vectors it goes by. Returns it, and whether it is new.

    A watch of the same kind and value, case aside, is returned as it is. Raises StoreError.
    """
    with store.transaction() as conn:
        for row in conn.execute(f"{_WATCHES} WHERE kind = ? ORDER BY id", (watch.kind,)):
            if row[2].casefold() == watch.value.casefold():
                return _watch(row), False
        tops = _tops(conn, model)
        watch_id = conn.execute(
            "INSERT INTO watches (kind, value, options, added_at, after_paper, after_change) VALUES (?, ?, ?, ?, ?, ?)",
            (
                watch.kind,
                watch.value,
                _options(replace(watch, first_paper=tops.paper), tops),
                watch.added_at.isoformat(),
                tops.paper,
                tops.change,
            ),
        ).lastrowid
        [row] = conn.execute(f"{_WATCHES} WHERE id = ?", (watch_id,)).fetchall()
    return _watch(row), True


def remove_watch(store: Store, watch_id: int) -> bool:
    """Take a watch away; its events stay. False when there is none of this number. Raises StoreError."""
    with store.transaction() as conn:
        return conn.execute("DELETE FROM watches WHERE id = ?", (watch_id,)).rowcount > 0


# ---- how far -----------------------------------------------------------------------------------------------------

_TOPS = {
    "paper": "SELECT max(id) FROM papers",
    "change": "SELECT max(id) FROM changes",
    "citation": "SELECT max(rowid) FROM citations",
    "facet": "SELECT max(rowid) FROM facets",
    "signal": "SELECT max(rowid) FROM signals",
}
_COUNTERS = ("change", "citation", "signal")


def tops(reader: Reader, model: str) -> Marks:
    """The last of everything that there is now; vectors are those of `model`."""
    found = {name: reader.rows(sql)[0][0] or 0 for name, sql in _TOPS.items()}
    return Marks(**found, vector=reader.rows(_LAST_VECTOR, (model,))[0][0])


def _tops(conn: sqlite3.Connection, model: str) -> Marks:
    found = {name: conn.execute(sql).fetchone()[0] or 0 for name, sql in _TOPS.items()}
    return Marks(**found, vector=conn.execute(_LAST_VECTOR, (model,)).fetchone()[0])


_LAST_VECTOR = "SELECT coalesce(max(seq), 0) FROM vectors WHERE model = ?"


def common_marks(reader: Reader) -> Marks:
    """How far changes and citations were read for saved papers, and signals for all."""
    found = dict(reader.rows("SELECT name, value FROM counters WHERE name LIKE 'events:%'"))
    return Marks(**{name: found.get(f"events:{name}", 0) for name in _COUNTERS})


# ---- what happened -----------------------------------------------------------------------------------------------


def now_at(reader: Reader, paper_ids: Iterable[int]) -> dict[int, int]:
    """Where papers are that were joined to another: gone id -> the one that stands for it now. Others are left out."""
    rows = reader.rows(
        "SELECT id, paper_id FROM retired WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(paper_ids)),)
    )
    return dict(rows)


def saved(reader: Reader) -> list[tuple[int, str, datetime]]:
    """The papers that the user saved, each with its printed id and when."""
    rows = reader.rows(
        "SELECT l.paper_id, p.key, l.at FROM library l JOIN papers p ON p.id = l.paper_id WHERE l.kind = 'save'"
        " ORDER BY l.paper_id"
    )
    return [(paper_id, key, datetime.fromisoformat(at)) for paper_id, key, at in rows]


def changes_since(reader: Reader, last: int, paper_ids: Iterable[int]) -> list[Change]:
    """What became different about these papers after change `last`, in order."""
    rows = reader.rows(
        f"{_CHANGES} WHERE id > ? AND +paper_id IN (SELECT value FROM json_each(?)) ORDER BY id",  # noqa: S608
        (last, json.dumps(list(paper_ids))),
    )
    return [_change(row) for row in rows]


def changes_of(reader: Reader, paper_id: int) -> list[Change]:
    """All that became different about one paper, in order."""
    return [_change(row) for row in reader.rows(f"{_CHANGES} WHERE paper_id = ? ORDER BY id", (paper_id,))]


def venue_changes_since(reader: Reader, last: int, venue: str) -> list[Change]:
    """Papers whose venue became this one ("CVPR", "CVPR 2026") after change `last`, in order; case does not count."""
    rows = reader.rows(
        f"{_CHANGES} WHERE id > ? AND what = 'venue' AND new != ''"
        " AND (lower(new) = lower(?) OR lower(new) || ' ' = substr(lower(?), 1, length(new) + 1)) ORDER BY id",
        (last, venue, venue),
    )
    return [_change(row) for row in rows]


_CHANGES = "SELECT id, paper_id, at, source, what, old, new FROM changes"


def _change(row: Sequence[Any]) -> Change:
    change_id, paper_id, at, source, what, old, new = row
    return Change(
        id=change_id,
        paper_id=paper_id,
        at=datetime.fromisoformat(at),
        source=source,
        what=what,
        old=old or "",
        new=new or "",
    )


def citations_since(reader: Reader, last: int, cited: Iterable[int]) -> list[Citation]:
    """Citations of these papers that became known after citation `last`, in order."""
    rows = reader.rows(
        "SELECT rowid, citing, cited, source, seen_at FROM citations"
        " WHERE rowid > ? AND +cited IN (SELECT value FROM json_each(?)) ORDER BY rowid",
        (last, json.dumps(list(cited))),
    )
    return [
        Citation(id=i, citing=citing, cited=known, source=source, seen_at=datetime.fromisoformat(at))
        for i, citing, known, source, at in rows
    ]


def read_anew(reader: Reader, last: int, paper_ids: Iterable[int]) -> list[int]:
    """Those of these papers of which a signal was read after signal `last`, ascending."""
    rows = reader.rows(
        "SELECT DISTINCT paper_id FROM signals WHERE rowid > ? AND +paper_id IN (SELECT value FROM json_each(?))"
        " ORDER BY paper_id",
        (last, json.dumps(list(paper_ids))),
    )
    return [r[0] for r in rows]


def readings_of(reader: Reader, paper_ids: Iterable[int]) -> dict[int, list[SignalReading]]:
    """Every reading of the signals of these papers."""
    out: dict[int, list[SignalReading]] = {}
    for paper_id, source, name, at, value in reader.rows(
        "SELECT paper_id, source, name, at, value FROM signals WHERE paper_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(paper_ids)),),
    ):
        out.setdefault(paper_id, []).append(
            SignalReading(source=source, name=name, at=datetime.fromisoformat(at), value=value)
        )
    return out


def lately_read(reader: Reader, name: str, since: datetime, limit: int) -> list[int]:
    """At most `limit` papers of which this signal was read since then, latest read first."""
    rows = reader.rows(
        "SELECT paper_id FROM (SELECT paper_id, at FROM signals WHERE name = ? AND at >= ? ORDER BY at DESC LIMIT ?)"
        " GROUP BY paper_id ORDER BY max(at) DESC, paper_id LIMIT ?",
        (name, since.isoformat(), limit * 8, limit),
    )
    return [r[0] for r in rows]


def papers_after(reader: Reader, last: int, limit: int) -> list[int]:
    """The next papers after paper `last`, at most `limit`."""
    return [r[0] for r in reader.rows("SELECT id FROM papers WHERE id > ? ORDER BY id LIMIT ?", (last, limit))]


def vectors_after(reader: Reader, model: str, last: int, first_paper: int, limit: int) -> list[tuple[int, int]]:
    """(seq, paper id) of the next vectors that were written after `last`, at most `limit`, of papers after `first_paper`."""
    return [
        (r[0], r[1])
        for r in reader.rows(
            "SELECT seq, paper_id FROM vectors WHERE model = ? AND seq > ? AND paper_id > ? ORDER BY seq LIMIT ?",
            (model, last, first_paper, limit),
        )
    ]


def judged(reader: Reader, paper_ids: Iterable[int]) -> set[int]:
    """Those of these papers whose relevance per area was worked out."""
    rows = reader.rows(
        "SELECT DISTINCT paper_id FROM area_scores WHERE paper_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(paper_ids)),),
    )
    return {r[0] for r in rows}


def watched_papers(reader: Reader, paper_ids: Iterable[int]) -> dict[int, Watched]:
    """What watches look at of these papers; ids that are not there are left out."""
    rows = reader.rows(
        "SELECT id, key, title, authors, year, venue, venue_status, venue_basis, comment, published, date, categories,"
        " added_at, changed_at FROM papers WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(list(paper_ids)),),
    )
    return {
        row[0]: Watched(
            id=row[0],
            key=row[1],
            title=row[2],
            authors=tuple(json.loads(row[3] or "[]")),
            year=row[4],
            venue=row[5] or "",
            status=row[6] or "",
            basis=row[7] or "",
            comment=row[8] or "",
            published=date.fromisoformat(row[9]) if row[9] else None,
            date=date.fromisoformat(row[10]) if row[10] else None,
            categories=tuple(json.loads(row[11] or "[]")),
            added_at=datetime.fromisoformat(row[12]),
            changed_at=datetime.fromisoformat(row[13]),
        )
        for row in rows
    }


def papers_with_datasets(reader: Reader, names: Iterable[str], last: int) -> list[int]:
    """Papers after paper `last` that use or announce a data set of one of these names, ascending."""
    rows = reader.rows(
        "SELECT DISTINCT paper_id FROM facets WHERE kind = 'dataset' AND name IN (SELECT value FROM json_each(?))"
        " AND +paper_id > ? ORDER BY paper_id",
        (json.dumps(list(names)), last),
    )
    return [r[0] for r in rows]


def with_all_words(reader: Reader, query: str, paper_ids: Sequence[int]) -> set[int]:
    """Those of these papers in whose title and abstract every telling word and every quoted phrase of a query occurs."""
    match = all_words(query)
    if not match or not paper_ids:
        return set()
    rows = reader.rows(
        "SELECT rowid FROM papers_fts WHERE papers_fts MATCH ? AND rowid BETWEEN ? AND ?",
        (match, min(paper_ids), max(paper_ids)),
    )
    return {r[0] for r in rows}.intersection(paper_ids)


def all_words(query: str) -> str:
    """An FTS5 MATCH expression under which every telling word of a query must occur in title or abstract; "" for no word."""
    phrases = [f'"{p}"' for p in _PHRASE.findall(query)]
    words = list(dict.fromkeys(_WORD.findall(_PHRASE.sub(" ", query).lower())))
    telling = [w for w in words if w not in STOP_WORDS]
    parts = [f"({part})" for part in map(match_expression, [*phrases, *telling]) if part]
    return f"{{title abstract cjk}} : ({' AND '.join(parts)})" if parts else ""


# ---- events ------------------------------------------------------------------------------------------------------


def keep(store: Store, events: Iterable[Event], *, moved: Iterable[tuple[Watch, Marks]], common: Marks) -> int:
    """Store events together with how far was read to find them; returns how many were new. Raises StoreError.

    An event that is known stays as it is. Marks never go back, and a watch that was removed meanwhile stays so.
    """
    new = 0
    with store.transaction() as conn:
        for event in events:
            new += _keep_event(conn, event)
        for watch, marks in moved:
            conn.execute(
                "UPDATE watches SET after_paper = max(after_paper, ?), after_change = max(after_change, ?), options = ?"
                " WHERE id = ? AND kind = ? AND value = ?",
                (marks.paper, marks.change, _options(watch, marks), watch.id, watch.kind, watch.value),
            )
        for name in _COUNTERS:
            conn.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (f"events:{name}", getattr(common, name)))
    return new


def _keep_event(conn: sqlite3.Connection, event: Event) -> int:
    kind, value = event.watch
    evidence = {**event.evidence, "watch": {"kind": kind, "value": value}}
    return conn.execute(
        "INSERT OR IGNORE INTO events (kind, paper_id, subject, at, text, evidence)"
        " VALUES (?, coalesce((SELECT paper_id FROM retired WHERE id = ?), ?), ?, ?, ?, ?)",
        (
            event.kind,
            event.paper_id,
            event.paper_id,
            event.subject,
            event.at.isoformat(),
            event.text,
            json.dumps(evidence, ensure_ascii=False),
        ),
    ).rowcount


def events(
    reader: Reader,
    *,
    told: bool = False,
    since: date | None = None,
    kinds: Sequence[str] = (),
    limit: int | None = None,
) -> list[Event]:
    """Events in the order in which they happened, those not told before or (`told`) all, from the day `since` on.

    With a limit: the first ones of those not told, the last ones of all. Papers that were joined to another lead there.
    """
    order = "ORDER BY e.at DESC, e.id DESC" if told else "ORDER BY e.at, e.id"
    rows = reader.rows(
        f"{_EVENTS} {order} LIMIT ?",
        (told, since.isoformat() if since else "", not kinds, json.dumps(list(kinds)), -1 if limit is None else limit),
    )
    return [_event(row) for row in (reversed(rows) if told else rows)]


_EVENTS = (
    "SELECT e.id, e.kind, coalesce((SELECT r.paper_id FROM retired r WHERE r.id = e.paper_id), e.paper_id),"
    " e.subject, e.at, e.text, e.evidence, e.told_at FROM events e"
    " WHERE (? OR e.told_at IS NULL) AND e.at >= ? AND (? OR e.kind IN (SELECT value FROM json_each(?)))"
    " AND NOT EXISTS (SELECT 1 FROM retired r JOIN events o ON o.kind = e.kind AND o.paper_id = r.paper_id"
    " AND o.subject = e.subject WHERE r.id = e.paper_id)"
)


def _event(row: Sequence[Any]) -> Event:
    event_id, kind, paper_id, subject, at, text, evidence, told_at = row
    known = json.loads(evidence or "{}")
    watch = known.pop("watch", {})
    return Event(
        id=event_id,
        kind=kind,
        paper_id=paper_id,
        subject=subject,
        at=datetime.fromisoformat(at),
        text=text,
        evidence=known,
        watch=(watch.get("kind", ""), watch.get("value", "")),
        told_at=datetime.fromisoformat(told_at) if told_at else None,
    )


def acceptances(reader: Reader, paper_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """What was last told of the acceptance of each of these papers, as (venue, basis); papers without any are left out."""
    rows = reader.rows(
        "SELECT paper_id, json_extract(evidence, '$.venue'), json_extract(evidence, '$.basis') FROM events"
        " WHERE kind = 'accepted' AND paper_id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (json.dumps(list(paper_ids)),),
    )
    return {paper_id: (venue or "", basis or "") for paper_id, venue, basis in rows}


def known_events(reader: Reader, kind: EventKind, paper_ids: Iterable[int]) -> set[tuple[int, str]]:
    """The events of a kind that these papers have, as (paper id, subject)."""
    rows = reader.rows(
        "SELECT paper_id, subject FROM events WHERE kind = ? AND paper_id IN (SELECT value FROM json_each(?))",
        (kind, json.dumps(list(paper_ids))),
    )
    return {(r[0], r[1]) for r in rows}


def mark_told(store: Store, event_ids: Iterable[int], *, now: datetime) -> None:
    """Remember that these events were listed. Raises StoreError."""
    with store.transaction() as conn:
        conn.execute(
            "UPDATE events SET told_at = ? WHERE told_at IS NULL AND id IN (SELECT value FROM json_each(?))",
            (now.isoformat(), json.dumps(list(event_ids))),
        )
