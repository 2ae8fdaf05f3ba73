"""What the user did with papers: like, dislike, save, read, hide, tags and notes, each with when.

An entry is one row of the table `library`; a mark has no value, a tag its name, a note its text. Like and dislike rule
each other out. The last section is what taking in somebody's library needs to know about papers.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from data.errors import MalformedId, UnknownPaper, UsageError
from data.papers import printed

if TYPE_CHECKING:
    from data.reader import Reader
    from data.store import Store

MARKS = ("like", "dislike", "save", "read", "hide")
"""Kinds without a value."""

PAST = {"like": "liked", "dislike": "disliked", "save": "saved", "read": "read", "hide": "hidden"}
"""How a mark that was made is told."""

KINDS = (*MARKS, "tag", "note")

LONGEST_TAG = 100  # characters
LONGEST_NOTE = 100_000  # characters
LONGEST_NAME = 1000  # characters of an id that is none of ours

_OPPOSITE = {"like": "dislike", "dislike": "like"}
_SHORT = re.compile(r"p\d{1,12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that the user did with one paper. `value` is "" for a mark; `at` is in UTC. ValueError for another."""

    paper_id: int
    kind: str
    value: str
    at: datetime

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no kind of entry: {self.kind!r}")
        if self.at.utcoffset() != UTC.utcoffset(None):
            raise ValueError(f"Entry.at must be in UTC, got {self.at!r}")


def value_of(kind: str, value: str) -> str:
    """A tag's name or a note's text as it is kept, "" for a mark. Raises UsageError when nothing is left, or too much."""
    from data.text import clean, clean_block  # slow to import, and every search imports this module

    match kind:
        case "tag":
            name = clean(value)
            if not name:
                raise UsageError("a tag needs a name")
            if len(name) > LONGEST_TAG:
                raise UsageError(f"a tag of {len(name):,} characters", mend=f"at most {LONGEST_TAG}")
            return name
        case "note":
            text = clean_block(value)
            if not text:
                raise UsageError("an empty note")
            if len(text) > LONGEST_NOTE:
                raise UsageError(f"a note of {len(text):,} characters", mend=f"at most {LONGEST_NOTE:,}")
            return text
        case _ if kind in MARKS:
            if value:
                raise UsageError(f"{kind!r} takes no text")
            return ""
    raise UsageError(f"unknown kind {kind[:80]!r}", mend=f"known: {', '.join(KINDS)}")


# ---- writing ---------------------------------------------------------------------------------------------------------


def mark(store: Store, paper_ids: Iterable[int], kind: str, value: str = "", *, now: datetime) -> int:
    """Do something with papers, and say with how many it was not done before. A like takes a dislike away, and the
    other way round; a tag is spelt as it is elsewhere. Raises UsageError for a value that does not fit, StoreError."""
    kept = value_of(kind, value)
    with store.transaction() as conn:
        return marked(conn, paper_ids, kind, kept, now=now)


def marked(conn: sqlite3.Connection, paper_ids: Iterable[int], kind: str, kept: str = "", *, now: datetime) -> int:
    """The same in a transaction that is open, with the value as `value_of` gives it."""
    wanted = json.dumps(list(paper_ids))
    if kind == "tag":
        kept = _spellings(conn).get(kept.casefold(), kept)
    if kind in _OPPOSITE:
        conn.execute(
            "DELETE FROM library WHERE kind = ? AND paper_id IN (SELECT value FROM json_each(?))",
            (_OPPOSITE[kind], wanted),
        )
    return conn.execute(
        "INSERT OR IGNORE INTO library (paper_id, kind, value, at)"
        " SELECT id, ?, ?, ? FROM papers WHERE id IN (SELECT value FROM json_each(?))",
        (kind, kept, now.astimezone(UTC).isoformat(), wanted),
    ).rowcount


def unmark(store: Store, paper_ids: Iterable[int], kind: str, value: str = "") -> int:
    """Take back what was done with papers, and say how many entries are gone. A note without its text is the latest one
    of each paper. Raises UsageError (a tag without its name), StoreError."""
    kept = "" if kind == "note" and not value else value_of(kind, value)
    with store.transaction() as conn:
        return unmarked(conn, paper_ids, kind, kept)


def unmarked(conn: sqlite3.Connection, paper_ids: Iterable[int], kind: str, kept: str = "") -> int:
    """The same in a transaction that is open, with the value as `value_of` gives it."""
    wanted = json.dumps(list(paper_ids))
    if kind == "note" and not kept:
        return conn.execute(
            "DELETE FROM library WHERE rowid IN (SELECT n FROM (SELECT rowid AS n, row_number() OVER"
            " (PARTITION BY paper_id ORDER BY at DESC, rowid DESC) AS place FROM library"
            " WHERE kind = 'note' AND paper_id IN (SELECT value FROM json_each(?))) WHERE place = 1)",
            (wanted,),
        ).rowcount
    if kind == "tag":
        kept = _spellings(conn).get(kept.casefold(), kept)
    return conn.execute(
        "DELETE FROM library WHERE kind = ? AND value = ? AND paper_id IN (SELECT value FROM json_each(?))",
        (kind, kept, wanted),
    ).rowcount


def put_entries(store: Store, given: Iterable[Entry]) -> list[Entry]:
    """Keep entries with their own times, and return those that were new.

    What is there already keeps its time; only of likes and dislikes of one paper the latest stays, the one that is there
    when they are equally late. Raises UsageError before anything is written, StoreError.
    """
    cleaned = [(e, value_of(e.kind, e.value)) for e in given]
    new = []
    with store.transaction() as conn:
        spellings = _spellings(conn)
        for entry, text in cleaned:
            value = spellings.setdefault(text.casefold(), text) if entry.kind == "tag" else text
            if entry.kind in _OPPOSITE and not _overrules(conn, entry):
                continue
            at = entry.at.isoformat()
            row = (entry.paper_id, entry.kind, value, at)
            if conn.execute(
                "INSERT OR IGNORE INTO library (paper_id, kind, value, at) VALUES (?, ?, ?, ?)", row
            ).rowcount:
                new.append(Entry(paper_id=entry.paper_id, kind=entry.kind, value=value, at=entry.at))
    return new


def _overrules(conn: sqlite3.Connection, entry: Entry) -> bool:
    """Whether a like or dislike is later than what is said of the paper so far, which is removed then."""
    both = (entry.paper_id, entry.kind, _OPPOSITE[entry.kind])
    rows = conn.execute("SELECT at FROM library WHERE paper_id = ? AND kind IN (?, ?)", both).fetchall()
    if any(datetime.fromisoformat(at) >= entry.at for (at,) in rows):
        return False
    conn.execute("DELETE FROM library WHERE paper_id = ? AND kind IN (?, ?)", both)
    return True


def _spellings(conn: sqlite3.Connection) -> dict[str, str]:
    """The tags there are, by their name without case."""
    rows = conn.execute("SELECT DISTINCT value FROM library WHERE kind = 'tag'").fetchall()
    return {name.casefold(): name for (name,) in rows}


# ---- reading ---------------------------------------------------------------------------------------------------------


def entries(
    reader: Reader, paper_ids: Iterable[int] | None = None, kinds: Iterable[str] | None = None
) -> dict[int, list[Entry]]:
    """Entries by paper, oldest first; of all papers and kinds unless some are named. Papers without any are left out."""
    sql, parameters = "SELECT paper_id, kind, value, at FROM library WHERE 1", []
    if paper_ids is not None:
        sql += " AND paper_id IN (SELECT value FROM json_each(?))"
        parameters.append(json.dumps(list(paper_ids)))
    if kinds is not None:
        sql += " AND kind IN (SELECT value FROM json_each(?))"
        parameters.append(json.dumps(list(kinds)))
    out: dict[int, list[Entry]] = {}
    for paper_id, kind, value, at in reader.rows(f"{sql} ORDER BY paper_id, at, rowid", parameters):
        entry = Entry(paper_id=paper_id, kind=kind, value=value, at=datetime.fromisoformat(at))
        out.setdefault(paper_id, []).append(entry)
    return out


def kinds_of(reader: Reader, paper_ids: Iterable[int]) -> dict[int, list[str]]:
    """What was done with papers, as kinds in alphabetical order. Papers with which nothing was done are left out."""
    out: dict[int, list[str]] = {}
    for paper_id, kind in reader.rows(
        "SELECT DISTINCT paper_id, kind FROM library WHERE paper_id IN (SELECT value FROM json_each(?))"
        " ORDER BY paper_id, kind",
        (json.dumps(list(paper_ids)),),
    ):
        out.setdefault(paper_id, []).append(kind)
    return out


def hidden(reader: Reader) -> set[int]:
    """Papers that the user does not want to be shown unasked."""
    return {r[0] for r in reader.rows("SELECT paper_id FROM library WHERE kind = 'hide'")}


def latest_liked(reader: Reader, most: int) -> list[int]:
    """The papers that were liked or saved last, the latest first."""
    rows = reader.rows(
        "SELECT paper_id FROM library WHERE kind IN ('like', 'save') GROUP BY paper_id ORDER BY max(at) DESC, paper_id"
        " LIMIT ?",
        (most,),
    )
    return [r[0] for r in rows]


def count_likes(reader: Reader) -> int:
    """How many papers the user liked or saved."""
    rows = reader.rows("SELECT count(DISTINCT paper_id) FROM library WHERE kind IN ('like', 'save')")
    return int(rows[0][0])


def tags(reader: Reader) -> list[tuple[str, int]]:
    """The tags there are and how many papers have each, the most used first."""
    rows = reader.rows("SELECT value, count(*) FROM library WHERE kind = 'tag' GROUP BY value")
    return sorted(((name, int(n)) for name, n in rows), key=lambda tag: (-tag[1], tag[0].casefold()))


# ---- papers of a library that is taken in ----------------------------------------------------------------------------


def paper_of(reader: Reader, name: str) -> int | None:
    """The paper that an id of another home names, None when it is not known here.

    Short keys (p123) count in their own home only, so a name of that form is taken for an imported id.
    """
    if not _SHORT.fullmatch(name.strip()):
        try:
            return reader.lookup(name)
        except (MalformedId, UnknownPaper):
            return None
    rows = reader.rows(
        "SELECT id FROM papers WHERE key = :name UNION ALL"
        " SELECT paper_id FROM paper_ids WHERE scheme = 'import' AND value = :name UNION ALL"
        " SELECT paper_id FROM retired WHERE key = :name LIMIT 1",
        {"name": name.strip()},
    )
    return int(rows[0][0]) if rows else None


def sighted(reader: Reader, source: str, source_id: str, title: str) -> int | None:
    """The paper of a source's own key. Where the source used it for several papers, the one of this title."""
    rows = reader.rows(
        "SELECT paper_id FROM sightings WHERE source = :source AND (source_id = :id"
        " OR source_id >= :id || '~' AND source_id < :id || char(127))"  # a key that is used again gets a tilde
        " ORDER BY json_extract(fields, '$.title') = :title DESC, id LIMIT 1",
        {"source": source, "id": source_id, "title": title},
    )
    return int(rows[0][0]) if rows else None


def titles_of(reader: Reader, paper_id: int) -> list[str]:
    """Every title under which a paper was sighted."""
    return [
        r[0]
        for r in reader.rows(
            "SELECT DISTINCT json_extract(fields, '$.title') FROM sightings WHERE paper_id = ?", (paper_id,)
        )
        if r[0]
    ]


def is_thin(reader: Reader, paper_id: int) -> bool:
    """Whether nobody has told of a paper but the starter set and titles of links."""
    return not reader.rows(
        "SELECT 1 FROM sightings WHERE paper_id = ? AND source != 'starter'"
        " AND NOT coalesce(json_extract(fields, '$.provisional'), 0) LIMIT 1",
        (paper_id,),
    )


def claim_ids(store: Store, claims: Mapping[int, Iterable[str]]) -> set[int]:
    """Let papers be known by more ids (those of no known scheme as imported ones); an id that leads somewhere already
    stays as it is. Returns the papers that got one. Raises StoreError."""
    rows = [(*pair_of(name), paper_id) for paper_id, names in claims.items() for name in names]
    gained = set()
    with store.transaction() as conn:
        for scheme, value, paper_id in rows:
            if not value or len(value) > LONGEST_NAME:
                continue
            key = printed(scheme, value)
            if conn.execute(
                "INSERT OR IGNORE INTO paper_ids (scheme, value, paper_id)"
                " SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM papers WHERE key = ?)"
                " AND NOT EXISTS (SELECT 1 FROM retired WHERE key = ?)",
                (scheme, value, paper_id, key, key),
            ).rowcount:
                gained.add(paper_id)
    return gained


def pair_of(name: str) -> tuple[str, str]:
    """Scheme and value of a printed id; one of no known scheme is an imported one."""
    from data.ids import parse_id
    from data.text import clean

    try:
        known = parse_id(name)
    except MalformedId:
        return "import", clean(name)
    return known.scheme, known.value
