"""Topics as they are kept from sync to sync: centroids with their names, and the topic of each dated paper."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data.reader import Reader
    from data.store import Store

_DATED = "coalesce(p.day, p.published) IS NOT NULL AND coalesce(p.withdrawn, 0) = 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTopic:
    """A topic of one model. `centroid` is float32 bytes; `id` is 0 for one that is not kept yet."""

    id: int
    name: str
    words: tuple[str, ...]
    centroid: bytes
    learnt_from: int
    born_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """A paper of a day (announced, else published), with its topic (None when it has none yet)."""

    paper_id: int
    day: date
    topic: int | None
    cosine: float | None


def topics_of(reader: Reader, model: str) -> list[KeptTopic]:
    """The topics of a model, oldest first."""
    rows = reader.rows(
        "SELECT id, name, words, centroid, learnt_from, born_at FROM topics WHERE model = ? ORDER BY id", (model,)
    )
    return [
        KeptTopic(
            id=i, name=n, words=tuple(json.loads(w)), centroid=c, learnt_from=k, born_at=datetime.fromisoformat(t)
        )
        for i, n, w, c, k, t in rows
    ]


def put_topics(store: Store, model: str, topics: Sequence[KeptTopic]) -> None:
    """Keep just these topics of a model; those of id 0 get one that no topic ever had. Papers lose the topics that are gone.

    Topics of other models go: there is one model at a time.
    """
    with store.transaction() as conn:
        conn.execute(
            "DELETE FROM topics WHERE model != ? OR id NOT IN (SELECT value FROM json_each(?))",
            (model, json.dumps([t.id for t in topics])),
        )
        for t in topics:
            row = (model, t.name, json.dumps(list(t.words)), t.centroid, t.learnt_from, t.born_at.isoformat())
            if t.id:
                conn.execute(
                    "UPDATE topics SET model = ?, name = ?, words = ?, centroid = ?, learnt_from = ?, born_at = ?"
                    " WHERE id = ?",
                    (*row, t.id),
                )
            else:
                conn.execute(
                    "INSERT INTO topics (model, name, words, centroid, learnt_from, born_at) VALUES (?, ?, ?, ?, ?, ?)",
                    row,
                )
        conn.execute("DELETE FROM paper_topics WHERE topic_id NOT IN (SELECT id FROM topics)")


def put_paper_topics(store: Store, rows: Iterable[tuple[int, int, float]]) -> None:
    """Keep (paper id, topic id, cosine to its centroid), in place of what the papers had."""
    with store.transaction() as conn:
        conn.executemany("INSERT OR REPLACE INTO paper_topics (paper_id, topic_id, cosine) VALUES (?, ?, ?)", rows)


def dated_papers(reader: Reader, model: str, *, only_new: bool = False) -> list[int]:
    """Papers of a known day that have a vector of this model, ascending; `only_new`: those without a topic."""
    new = " AND NOT EXISTS (SELECT 1 FROM paper_topics t WHERE t.paper_id = p.id)" if only_new else ""
    rows = reader.rows(
        f"SELECT p.id FROM papers p WHERE {_DATED}{new}"  # noqa: S608
        " AND EXISTS (SELECT 1 FROM vectors v WHERE v.paper_id = p.id AND v.model = ?) ORDER BY p.id",
        (model,),
    )
    return [r[0] for r in rows]


def far_papers(reader: Reader, least: float) -> list[int]:
    """Papers that are less near to their topic, ascending."""
    return [r[0] for r in reader.rows("SELECT paper_id FROM paper_topics WHERE cosine < ? ORDER BY 1", (least,))]


def dated(reader: Reader, since: date, until: date) -> list[Dated]:
    """Papers that were announced, or where that is not known published, from `since` to `until`, by day and id."""
    rows = reader.rows(
        "SELECT p.id, p.day, t.topic_id, t.cosine FROM papers p LEFT JOIN paper_topics t ON t.paper_id = p.id"
        " WHERE p.day BETWEEN :since AND :until AND coalesce(p.withdrawn, 0) = 0"
        " UNION ALL SELECT p.id, p.published, t.topic_id, t.cosine FROM papers p"
        " LEFT JOIN paper_topics t ON t.paper_id = p.id WHERE p.day IS NULL AND p.date >= :since"
        " AND p.published BETWEEN :since AND :until AND coalesce(p.withdrawn, 0) = 0 ORDER BY 2, 1",
        {"since": since.isoformat(), "until": until.isoformat()},
    )
    return [Dated(paper_id=i, day=date.fromisoformat(d), topic=t, cosine=c) for i, d, t, c in rows]
