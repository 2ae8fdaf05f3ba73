"""Papers that wait for work: to be embedded, to be judged by area, to be read for data sets.

The table `waiting` holds every paper that may wait for work of a kind, and few others, so that what a day brought is
found without looking at all papers. Triggers put papers in (`data.migrations`), who does the work takes them out. It
counts for the basis of `waiting_for` alone; on any other basis all papers are looked at, and the first work that is done
on it begins the list anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from data.reader import Reader

Work = Literal["embed", "score", "facets"]
"""Kinds of work. Their bases: the model; the model with the areas; the rules of reading."""

_LACKING: dict[Work, str] = {
    "embed": (
        "SELECT p.id FROM papers p LEFT JOIN vectors v ON v.paper_id = p.id AND v.model = :basis"
        " WHERE v.text_hash IS NOT p.text_hash"
    ),
    "score": (
        "SELECT DISTINCT v.paper_id AS id FROM vectors v WHERE NOT EXISTS"
        " (SELECT 1 FROM area_scores a WHERE a.paper_id = v.paper_id AND a.basis = :basis)"
    ),
    "facets": (
        "SELECT p.id FROM papers p LEFT JOIN facet_texts t ON t.paper_id = p.id"
        " WHERE t.text_hash IS NOT p.text_hash OR t.basis NOT IN (:basis, :basis || ':own')"
    ),
}


def is_listed(reader: Reader, work: Work, basis: str) -> bool:
    """Whether all papers that wait for this work on this basis are in `waiting`. Raises StoreError."""
    return bool(reader.rows("SELECT 1 FROM waiting_for WHERE kind = ? AND basis = ?", (work, basis)))


def begin(conn: sqlite3.Connection, work: Work, basis: str) -> None:
    """From now on list the papers that wait for work on this basis, and no other."""
    if conn.execute("SELECT 1 FROM waiting_for WHERE kind = ? AND basis = ?", (work, basis)).fetchone():
        return
    conn.execute("DELETE FROM waiting WHERE kind = ?", (work,))
    conn.execute(
        f"INSERT INTO waiting (kind, paper_id) SELECT :work, id FROM ({_LACKING[work]})",  # noqa: S608
        {"work": work, "basis": basis},
    )
    conn.execute("INSERT OR REPLACE INTO waiting_for (kind, basis) VALUES (?, ?)", (work, basis))


def done(conn: sqlite3.Connection, work: Work, paper_ids: Iterable[int]) -> None:
    """These papers wait for this work no longer."""
    conn.execute(
        "DELETE FROM waiting WHERE kind = ? AND paper_id IN (SELECT value FROM json_each(?))",
        (work, json.dumps(list(paper_ids))),
    )
