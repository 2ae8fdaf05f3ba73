"""What is let go after a while: reports of old runs, and vectors of models that are no longer used. Never papers, what
sources said of them, or what the user did."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data.reader import Reader
    from data.store import Store

AT_ONCE = 5_000
"""Vectors that one transaction lets go, so that nobody waits long for the store."""

_TRIGGERS = ("vectors_ad", "vectors_measured_ad")
"""They let a paper whose vector goes wait to be embedded, and drop what was measured with it. With a vector of a model that
is not in use nothing was measured, and its paper has another."""


def drop_source_runs(store: Store, before: datetime) -> int:
    """Forget the reports of sources' runs that started before then, but each source's last one. Returns how many."""
    with store.transaction() as conn:
        return conn.execute(
            "DELETE FROM source_runs WHERE started_at < ? AND id NOT IN"
            " (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY source ORDER BY started_at DESC, id DESC) AS n"
            " FROM source_runs) WHERE n = 1)",
            (before.isoformat(),),
        ).rowcount


def models(reader: Reader) -> list[str]:
    """The models of which there are vectors."""
    return [name for (name,) in reader.rows("SELECT model FROM vector_counts WHERE count > 0 ORDER BY model")]


def drop_vectors(store: Store, names: Iterable[str]) -> int:
    """Let go of all vectors of these models, none of which is the one in use. Returns how many there were.

    Safe to interrupt: what is left goes the next time.
    """
    gone = 0
    for model in names:
        n = AT_ONCE
        while n == AT_ONCE:
            with store.transaction() as conn:
                kept = [
                    conn.execute("SELECT sql FROM sqlite_master WHERE name = ?", (t,)).fetchone() for t in _TRIGGERS
                ]
                for trigger in _TRIGGERS:
                    conn.execute(f"DROP TRIGGER {trigger}")
                n = conn.execute(
                    "DELETE FROM vectors WHERE rowid IN (SELECT rowid FROM vectors WHERE model = ? LIMIT ?)",
                    (model, AT_ONCE),
                ).rowcount
                conn.execute("UPDATE vector_counts SET count = count - ? WHERE model = ?", (n, model))
                conn.execute("DELETE FROM vectors_gone WHERE model = ?", (model,))
                for (sql,) in kept:
                    conn.execute(sql)
            gone += n
    return gone
