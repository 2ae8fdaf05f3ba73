"""Joining two papers into one, and parting them again. Nothing is lost: what a merge moved is kept with it.

All functions work inside a transaction of `Store`; the shown fields are made again by `data.showing.show_again`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from data.errors import IdentityError
from data.papers import printed
from data.showing import put_full_text

# What hangs on a paper: table, its column of the paper, the columns that are the rest of its key, and the others.
_HANGING = (
    ("mention_papers", "paper_id", ("mention_id",), ("via",)),
    ("signals", "paper_id", ("source", "name", "at"), ("value",)),
    ("citations", "citing", ("cited",), ("source", "seen_at")),
    ("citations", "cited", ("citing",), ("source", "seen_at")),
    ("library", "paper_id", ("kind", "value"), ("at",)),
    ("delivered_papers", "paper_id", ("recipient",), ("day",)),
    ("events", "paper_id", ("id",), ()),
    ("changes", "paper_id", ("id",), ()),
)
_OWN = ("sightings", "retired")  # rows by id, which only change hands
_DERIVED = ("area_scores", "facets", "facet_texts", "match_keys")
_OPPOSITE = {"like": "dislike", "dislike": "like"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a merge took from the paper that is gone. `hanging` are the rows of _HANGING, `clashes` those among them that the
    other paper had as well, `overruled` the earlier of a like and a dislike as (kept or gone, kind, at)."""

    added_at: str
    own: dict[str, list[int]]
    ids: list[list[str]]
    hanging: dict[str, list[list[Any]]]
    clashes: dict[str, list[list[Any]]]
    overruled: list[str]


def merge(conn: sqlite3.Connection, kept: int, gone: int, *, by: str, reason: str, now: datetime) -> int:
    """Move everything of `gone` to `kept` and retire its keys; returns the merge's number. `by` is who decided.

    Where the user likes the one and dislikes the other, the later word stands; the other comes back with a split.
    Raises IdentityError when they are one paper, or one of them is not there.
    """
    if kept == gone:
        raise IdentityError(f"p{kept} is one paper already")
    rows = dict(conn.execute("SELECT id, key FROM papers WHERE id IN (?, ?)", (kept, gone)).fetchall())
    for paper_id in (kept, gone):
        if paper_id not in rows:
            raise IdentityError(f"there is no paper p{paper_id}")
    overruled = _overrule(conn, kept, gone)
    hanging, clashes = {}, {}
    for table, column, key, rest in _HANGING:
        hanging[f"{table}.{column}"], clashes[f"{table}.{column}"] = _hand_over(
            conn, table, column, key + rest, gone, kept
        )
    moved = Moved(
        added_at=conn.execute("SELECT added_at FROM papers WHERE id = ?", (gone,)).fetchone()[0],
        own={t: [r[0] for r in conn.execute(f"SELECT id FROM {t} WHERE paper_id = ?", (gone,))] for t in _OWN},  # noqa: S608
        ids=[list(r) for r in conn.execute("SELECT scheme, value FROM paper_ids WHERE paper_id = ?", (gone,))],
        hanging=hanging,
        clashes=clashes,
        overruled=overruled,
    )
    for table in (*_OWN, "paper_ids"):
        conn.execute(f"UPDATE {table} SET paper_id = ? WHERE paper_id = ?", (kept, gone))  # noqa: S608
    conn.execute("DELETE FROM citations WHERE citing = cited")
    _forget(conn, gone)
    conn.execute("INSERT OR REPLACE INTO retired VALUES (?, ?, ?)", (gone, rows[gone], kept))
    conn.execute("DELETE FROM papers WHERE id = ?", (gone,))
    _lead_pairs(conn, gone, kept)
    conn.execute("DELETE FROM apart WHERE a = ? AND b = ?", _ordered(kept, gone))
    return int(
        conn.execute(
            'INSERT INTO merges (kept, gone, gone_key, "by", reason, at, moved) VALUES (?, ?, ?, ?, ?, ?, ?)',
            (kept, gone, rows[gone], by, reason, now.isoformat(), json.dumps(asdict(moved), ensure_ascii=False)),
        ).lastrowid
        or 0
    )


def last_merge(conn: sqlite3.Connection, paper_id: int) -> int:
    """The number of the latest merge into a paper that still stands. Raises IdentityError when there is none."""
    row = conn.execute(
        "SELECT m.id FROM merges m JOIN retired r ON r.id = m.gone WHERE r.paper_id = ? AND m.undone_at IS NULL"
        " ORDER BY m.id DESC LIMIT 1",
        (paper_id,),
    ).fetchone()
    if row is None:
        raise IdentityError(
            f"p{paper_id} was not joined out of two papers", mend="name the sightings to part, such as cvf:ID"
        )
    return int(row[0])


def undo(conn: sqlite3.Connection, merge_id: int, *, now: datetime) -> tuple[int, int]:
    """Part what a merge joined, as far as it is still there; remembered as two papers. Returns (kept, brought back)."""
    row = conn.execute(
        "SELECT kept, gone, gone_key, moved FROM merges WHERE id = ? AND undone_at IS NULL", (merge_id,)
    ).fetchone()
    if row is None:
        raise IdentityError(f"there is no merge {merge_id} that could be undone")
    gone, key, moved = row[1], row[2], Moved(**json.loads(row[3]))
    kept = now_at(conn, gone)
    still, came = _sightings_of(conn, kept), set(moved.own["sightings"])
    if not still & came or still <= came:
        left = "but" if still <= came else "of"
        raise IdentityError(
            f"nothing {left} {key} is left in p{kept}", mend="name the sightings to part, such as cvf:ID"
        )
    conn.execute("DELETE FROM retired WHERE id = ?", (gone,))
    _bring_back(conn, gone, _free(conn, _own_key(conn, key, kept, moved.ids)), moved.added_at, now)
    for table in _OWN:
        _move_each(conn, table, ("id",), [[i] for i in moved.own[table]], kept, gone)
    _move_each(conn, "paper_ids", ("scheme", "value"), moved.ids, kept, gone)
    for table, column, key, rest in _HANGING:
        clashed = {tuple(row) for row in moved.clashes[f"{table}.{column}"]}
        for row in moved.hanging[f"{table}.{column}"]:
            both = tuple(row) in clashed or (table == "citations" and row[0] == kept)
            _give_back(conn, table, column, key, rest, row, kept, gone, both=both)
    if moved.overruled:
        owner, kind, at = moved.overruled
        mine = gone if owner == "gone" else kept
        conn.execute(
            "INSERT OR IGNORE INTO library SELECT ?, ?, '', ? WHERE NOT EXISTS"
            " (SELECT 1 FROM library WHERE paper_id = ? AND kind = ?)",
            (mine, kind, at, mine, _OPPOSITE[kind]),
        )
    conn.execute("UPDATE merges SET undone_at = ? WHERE id = ?", (now.isoformat(), merge_id))
    _part_alike(conn, kept, gone)
    tell_apart(conn, kept, gone, now=now)
    return kept, gone


def split(conn: sqlite3.Connection, paper_id: int, sightings: Sequence[tuple[str, str]], *, now: datetime) -> int:
    """Make a paper of its own out of some of a paper's sightings; remembered as two papers. Returns the new one's id.

    The ids that only these sightings give go with them, and the readings of sources that only they have, and the threads
    that were found by those ids, and the earlier merges that brought only these sightings are undone with it. What the user
    did stays where it was. Raises IdentityError.
    """
    found = conn.execute(
        "SELECT id, source, source_id, fields FROM sightings WHERE paper_id = ? ORDER BY id", (paper_id,)
    ).fetchall()
    asked = set(sightings)
    leaving = [r for r in found if (r[1], r[2]) in asked]
    staying = [r for r in found if (r[1], r[2]) not in asked]
    if unknown := asked - {(r[1], r[2]) for r in found}:
        source, source_id = sorted(unknown)[0]
        raise IdentityError(f"p{paper_id} has no sighting {source}:{source_id}", mend="'frontier show' lists them")
    if not leaving or not staying:
        raise IdentityError(f"a split leaves sightings on both sides: p{paper_id} has {len(found)}")
    stay = set(_ids_of(staying))
    ids = [i for i in _ids_of(leaving) if i not in stay]
    new = next_paper_id(conn)
    key = _keys_after_split(conn, paper_id, leaving, staying, ids)
    _bring_back(conn, new, key, now.isoformat(), now)
    _move_each(conn, "sightings", ("id",), [[r[0]] for r in leaving], paper_id, new)
    _move_each(conn, "paper_ids", ("scheme", "value"), ids, paper_id, new)
    sources = {r[1] for r in leaving} - {r[1] for r in staying}
    for source in sorted(sources):
        conn.execute("UPDATE signals SET paper_id = ? WHERE paper_id = ? AND source = ?", (new, paper_id, source))
        conn.execute("UPDATE citations SET citing = ? WHERE citing = ? AND source = ?", (new, paper_id, source))
    for scheme, value in ids:
        conn.execute(
            "UPDATE mention_papers SET paper_id = ? WHERE paper_id = ? AND via = ?",
            (new, paper_id, f"{scheme}:{value}"),
        )
    _lead_merged(conn, paper_id, new, now=now)
    _part_alike(conn, paper_id, new)
    tell_apart(conn, paper_id, new, now=now)
    return new


def tell_apart(conn: sqlite3.Connection, one: int, other: int, *, now: datetime) -> None:
    """Remember that these are two papers."""
    a, b = _ordered(one, other)
    conn.execute("INSERT OR IGNORE INTO apart VALUES (?, ?, ?)", (a, b, now.isoformat()))
    conn.execute("DELETE FROM pairs WHERE a = ? AND b = ?", (a, b))


def remember_joined(conn: sqlite3.Connection, paper_id: int, key: str) -> bool:
    """Retire a printed id that this store never gave; False when it is retired to this paper already or printed for one.

    Raises IdentityError when there is no such paper.
    """
    if not conn.execute("SELECT 1 FROM papers WHERE id = ?", (paper_id,)).fetchone():
        raise IdentityError(f"there is no paper p{paper_id}")
    return bool(
        conn.execute(
            "INSERT INTO retired SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM papers WHERE key = ?2)"
            " AND NOT EXISTS (SELECT 1 FROM retired WHERE key = ?2 AND paper_id = ?3)",
            (next_paper_id(conn), key, paper_id),
        ).rowcount
    )


def are_apart(conn: sqlite3.Connection, one: int, other: int) -> bool:
    """Whether the user said that these are two papers."""
    return bool(conn.execute("SELECT 1 FROM apart WHERE a = ? AND b = ?", _ordered(one, other)).fetchone())


def wonder(conn: sqlite3.Connection, one: int, other: int, reason: str, *, now: datetime) -> None:
    """List two papers as possibly one, unless they are told apart."""
    if one != other and not are_apart(conn, one, other):
        a, b = _ordered(one, other)
        conn.execute("INSERT OR IGNORE INTO pairs VALUES (?, ?, ?, ?)", (a, b, reason, now.isoformat()))


def drop_vectors(conn: sqlite3.Connection, paper_ids: Iterable[int]) -> None:
    """Take vectors away, so that every cache of them hears of it."""
    for paper_id in paper_ids:
        models = conn.execute("SELECT model FROM vectors WHERE paper_id = ?", (paper_id,)).fetchall()
        for (model,) in models:
            conn.execute("DELETE FROM vectors WHERE paper_id = ? AND model = ?", (paper_id, model))
            conn.execute(
                "INSERT OR REPLACE INTO vectors_gone VALUES (?, ?, ?)", (paper_id, model, next_seq(conn, "vectors"))
            )


def next_seq(conn: sqlite3.Connection, counter: str, count: int = 1) -> int:
    """The first of `count` numbers that were never given before."""
    row = conn.execute("UPDATE counters SET value = value + ? WHERE name = ? RETURNING value", (count, counter))
    return int(row.fetchone()[0]) - count + 1


# ---- parts -------------------------------------------------------------------------------------------------------


def _overrule(conn: sqlite3.Connection, kept: int, gone: int) -> list[str]:
    """Where one is liked and the other disliked, the earlier word goes; returns it as (kept or gone, kind, at)."""
    rows = conn.execute(
        "SELECT paper_id, kind, at FROM library WHERE paper_id IN (?, ?) AND kind IN ('like', 'dislike') ORDER BY at, kind",
        (kept, gone),
    ).fetchall()
    if len(rows) < 2 or rows[0][1] == rows[1][1]:
        return []
    paper_id, kind, at = rows[0]
    conn.execute("DELETE FROM library WHERE paper_id = ? AND kind = ?", (paper_id, kind))
    return ["gone" if paper_id == gone else "kept", kind, at]


def _hand_over(
    conn: sqlite3.Connection, table: str, column: str, rest: Sequence[str], gone: int, kept: int
) -> tuple[list[list[Any]], list[list[Any]]]:
    """Move rows; returns those of `gone`, and those among them that `kept` had under the same key.

    An event that both papers had stays where it was, told or not; the paper's retired id leads on.
    """
    query = f"SELECT {', '.join(rest)} FROM {table} WHERE {column} = ?"  # noqa: S608
    had = [list(row) for row in conn.execute(query, (gone,))]
    conn.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {column} = ?", (kept, gone))  # noqa: S608
    left = [list(row) for row in conn.execute(query, (gone,))]
    if table != "events":
        conn.execute(f"DELETE FROM {table} WHERE {column} = ?", (gone,))  # noqa: S608
    return had, left


def _give_back(
    conn: sqlite3.Connection,
    table: str,
    column: str,
    key: Sequence[str],
    rest: Sequence[str],
    row: Sequence[Any],
    kept: int,
    gone: int,
    *,
    both: bool,
) -> None:
    """Give a moved row back. What was taken away since stays away; with `both`, the other paper keeps its own."""
    where = " AND ".join(f"{name} = ?" for name in (column, *key))
    values = [kept, *row[: len(key)]]
    if both:
        names = ", ".join((column, *key, *rest))
        marks = ", ".join("?" for _ in (column, *key, *rest))
        conn.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", [gone, *row])  # noqa: S608
    else:
        conn.execute(f"UPDATE OR IGNORE {table} SET {column} = ? WHERE {where}", [gone, *values])  # noqa: S608


def _move_each(
    conn: sqlite3.Connection, table: str, key: Sequence[str], rows: Iterable[Sequence[Any]], old: int, new: int
) -> None:
    where = " AND ".join(f"{name} = ?" for name in key)
    conn.executemany(
        f"UPDATE {table} SET paper_id = ? WHERE paper_id = ? AND {where}",  # noqa: S608
        ([new, old, *row] for row in rows),
    )


def _forget(conn: sqlite3.Connection, paper_id: int) -> None:
    """Drop what is worked out again from the text."""
    drop_vectors(conn, [paper_id])
    for table in _DERIVED:
        conn.execute(f"DELETE FROM {table} WHERE paper_id = ?", (paper_id,))  # noqa: S608


def _lead_pairs(conn: sqlite3.Connection, gone: int, kept: int) -> None:
    """Open questions and decisions about the paper that is gone are now about the other."""
    for table, rest in (("pairs", "reason, found_at"), ("apart", "at")):
        query = f"SELECT a, b, {rest} FROM {table} WHERE a = ? OR b = ?"  # noqa: S608
        for a, b, *values in conn.execute(query, (gone, gone)).fetchall():
            one, other = _ordered(kept if a == gone else a, kept if b == gone else b)
            if one != other:
                marks = ", ".join("?" for _ in values)
                conn.execute(f"INSERT OR IGNORE INTO {table} VALUES (?, ?, {marks})", (one, other, *values))  # noqa: S608
        conn.execute(f"DELETE FROM {table} WHERE a = ? OR b = ?", (gone, gone))  # noqa: S608


def _bring_back(conn: sqlite3.Connection, paper_id: int, key: str, added_at: str, now: datetime) -> None:
    """An empty paper, whose shown fields are made from its sightings next."""
    conn.execute(
        "INSERT INTO papers (id, key, title, title_key, text_hash, added_at, changed_at) VALUES (?, ?, '', '', '', ?, ?)",
        (paper_id, key, added_at, now.isoformat()),
    )
    put_full_text(conn, paper_id, paper_id)


def next_paper_id(conn: sqlite3.Connection) -> int:
    """An id that no paper has or had."""
    row = conn.execute(
        "SELECT max(coalesce((SELECT max(id) FROM papers), 0), coalesce((SELECT max(id) FROM retired), 0))"
    )
    return int(row.fetchone()[0]) + 1


def _own_key(conn: sqlite3.Connection, key: str, kept: int, ids: Sequence[Sequence[str]]) -> str:
    """The printed id under which a paper comes back out of `kept` with these ids, made different when it is another's id."""
    scheme, _, value = key.partition(":")
    for pair in ((scheme, value), ("import", key)):
        row = conn.execute("SELECT paper_id FROM paper_ids WHERE scheme = ? AND value = ?", pair).fetchone()
        if row and not (row[0] == kept and list(pair) in ids):
            return f"{key}~"
    return key


def _part_alike(conn: sqlite3.Connection, old: int, new: int) -> None:
    """What comes out of a paper is apart from all that the whole was apart from."""
    for a, b, at in conn.execute("SELECT a, b, at FROM apart WHERE a = ? OR b = ?", (old, old)).fetchall():
        one, other = _ordered(new, b if a == old else a)
        if one != other:
            conn.execute("INSERT OR IGNORE INTO apart VALUES (?, ?, ?)", (one, other, at))
            conn.execute("DELETE FROM pairs WHERE a = ? AND b = ?", (one, other))


def _sightings_of(conn: sqlite3.Connection, paper_id: int) -> set[int]:
    return {row[0] for row in conn.execute("SELECT id FROM sightings WHERE paper_id = ?", (paper_id,))}


def _lead_merged(conn: sqlite3.Connection, old: int, new: int, *, now: datetime) -> None:
    """Papers that were merged into `old` and whose sightings are all with `new` lead there; these merges stand no longer."""
    there = _sightings_of(conn, new)
    for merge_id, gone, moved in conn.execute(
        "SELECT m.id, m.gone, m.moved FROM merges m JOIN retired r ON r.id = m.gone"
        " WHERE r.paper_id = ? AND m.undone_at IS NULL",
        (old,),
    ).fetchall():
        if set(json.loads(moved)["own"]["sightings"]) <= there:
            conn.execute("UPDATE merges SET undone_at = ? WHERE id = ?", (now.isoformat(), merge_id))
            conn.execute("UPDATE retired SET paper_id = ? WHERE id = ?", (new, gone))


def now_at(conn: sqlite3.Connection, paper_id: int) -> int:
    """The paper that a paper went into, or itself while it is there."""
    row = conn.execute("SELECT paper_id FROM retired WHERE id = ?", (paper_id,)).fetchone()
    return int(row[0]) if row else paper_id


def _ids_of(sightings: Iterable[Sequence[Any]]) -> list[tuple[str, str]]:
    """Every id that these sightings give, in their order."""
    out: dict[tuple[str, str], None] = {}
    for _, _, _, text in sightings:
        fields = json.loads(text)
        for scheme, _, value in (i.partition(":") for i in fields.get("ids", ())):
            out[scheme, value] = None
        if fields.get("import_id"):
            out["import", fields["import_id"]] = None
    return list(out)


def _printed(sightings: Sequence[Sequence[Any]], ids: Sequence[tuple[str, str]]) -> str:
    return printed(*ids[0]) if ids else f"{sightings[0][1]}:{sightings[0][2]}"


def _keys_after_split(
    conn: sqlite3.Connection,
    paper_id: int,
    leaving: Sequence[Sequence[Any]],
    staying: Sequence[Sequence[Any]],
    ids: Sequence[tuple[str, str]],
) -> str:
    """The printed id of the new paper. Where the old one's goes with it, that one takes an id of what stays."""
    key = _printed(leaving, ids)
    (old,) = conn.execute("SELECT key FROM papers WHERE id = ?", (paper_id,)).fetchone()
    if old in {key, *(printed(*pair) for pair in ids)}:
        conn.execute(
            "UPDATE papers SET key = ? WHERE id = ?", (_free(conn, _printed(staying, _ids_of(staying))), paper_id)
        )
    return _free(conn, key)


def _free(conn: sqlite3.Connection, key: str) -> str:
    while conn.execute("SELECT 1 FROM papers WHERE key = ?", (key,)).fetchone():
        key += "~"
    return key


def _ordered(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)
