"""The store's writing side: SQLite in WAL mode through sqlite-utils. The reading side is `data.reader`.

One batch is one transaction: records, the source's cursor and the validators of the page they came from are stored
together or not at all. Which paper a record is, `data.ingest` decides by the pure functions of `data.matching`.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from data import waiting
from data.candidates import unite, weigh_pairs
from data.connection import BUSY_TIMEOUT_S, SCHEMA_VERSION, connect, translated
from data.errors import FrontierError
from data.ingest import Batch, Prepared
from data.merging import last_merge, next_seq, remember_joined, split, tell_apart, undo
from data.papers import Stored
from data.records import BadRecord, MentionRecord, PaperRecord
from data.showing import compact, show_again

BATCH = 2_000
"""Records that one transaction takes at most when a long stream is stored: a second's work. Of 500, a third more would be
written, for each transaction writes the pages of the indexes that it touches."""

Record = PaperRecord | Prepared | MentionRecord | BadRecord


T = TypeVar("T")


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """A long stream in lists of at most `size`. When it ends in a FrontierError, what came before it is yielded first."""
    stream = iter(items)
    while True:
        batch: list[T] = []
        try:
            for item in islice(stream, size):
                batch.append(item)  # noqa: PERF402  an error must not lose what came before it
        except FrontierError:
            if batch:
                yield batch
            raise
        if not batch:
            return
        yield batch


@contextmanager
def _without_pandas() -> Iterator[None]:
    """Lets sqlite-utils be imported without pandas, which it would import where it is installed, and which takes longer than the rest
    of a small command. Where pages are shown, pandas is needed anyway, and another thread may be importing it now."""
    hidden = not {"sqlite_utils", "pandas", "streamlit"} & sys.modules.keys()
    if hidden:
        sys.modules["pandas"] = None  # type: ignore[assignment]  # how Python marks a module that is not to be found
    try:
        yield
    finally:
        if hidden:
            sys.modules.pop("pandas", None)


class Store:
    """Writes. One at a time per process; other processes wait up to the connection's timeout for their turn."""

    def __init__(self, path: Path, *, timeout_s: float = BUSY_TIMEOUT_S) -> None:
        """Open or create the store and bring its schema up to date. `timeout_s` is how long it waits for another process.
        Raises StoreError."""
        with _without_pandas():
            from sqlite_utils import Database

            from data.migrations import migrate

        self.path = path
        with translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._conn = connect(path, timeout_s=timeout_s)
            self._db = Database(self._conn)
            if self._conn.execute("PRAGMA user_version").fetchone()[0] < SCHEMA_VERSION:
                migrate(self._db)

    def close(self) -> None:
        self._conn.close()

    @property
    def is_empty(self) -> bool:
        """Whether it never held a paper. Raises StoreError."""
        with translated(self.path):
            return self._conn.execute("SELECT 1 FROM papers LIMIT 1").fetchone() is None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction that takes the write lock at once, so that what is read in it stays true until it commits.

        For the modules of `data` that keep tables of their own; raises StoreError.
        """
        with translated(self.path):
            self._conn.execute("BEGIN IMMEDIATE")
            try:
                yield self._conn
            except BaseException:
                self._conn.rollback()
                raise
            self._conn.execute("COMMIT")

    # ---- records -----------------------------------------------------------------------------------------------

    def put(
        self,
        source: str,
        records: Iterable[Record],
        *,
        now: datetime,
        cursor: Mapping[str, Any] | None = None,
        validators: tuple[str, str, str] | None = None,
    ) -> Stored:
        """Store one batch in one transaction; idempotent. `validators` is (url, etag, last_modified). Raises StoreError."""
        batch = list(records)
        with self.transaction():
            work = Batch(self._conn, now)
            stored = work.papers([r for r in batch if isinstance(r, PaperRecord | Prepared)])
            mentions = work.mentions([r for r in batch if isinstance(r, MentionRecord)])
            work.flush()
            if cursor:
                self._move_cursor(source, cursor, now)
            if validators:
                url, etag, last_modified = validators
                self._db.table("validators").upsert(
                    {"url": url, "etag": etag, "last_modified": last_modified}, pk="url"
                )
        return stored + mentions

    def put_stream(self, source: str, records: Iterable[Record], *, now: datetime) -> Iterator[tuple[int, Stored]]:
        """Store a long stream in batches; yields how many records each batch held and what it did.

        When the stream ends in a FrontierError, what came before it is stored first.
        """
        for batch in in_batches(records, BATCH):
            yield len(batch), self.put(source, batch, now=now)

    def _move_cursor(self, source: str, values: Mapping[str, Any], now: datetime) -> None:
        row = self._conn.execute("SELECT cursor FROM cursors WHERE source = ?", (source,)).fetchone()
        cursor = {**(json.loads(row[0]) if row else {}), **values}
        kept = {k: v for k, v in cursor.items() if v is not None}
        self._db.table("cursors").upsert(
            {"source": source, "cursor": compact(kept), "updated_at": now.isoformat()}, pk="source"
        )

    def put_runs(self, run_id: str, reports: Iterable[Mapping[str, Any]]) -> None:
        """Keep what a run did, one report per source (`SourceReport.as_dict()`)."""
        with self.transaction():
            self._db.table("source_runs").insert_all(
                {
                    "run_id": run_id,
                    "source": r["source"],
                    "started_at": r["started_at"],
                    "verdict": r["verdict"],
                    "report": compact(dict(r)),
                }
                for r in reports
            )

    # ---- vectors and relevance ---------------------------------------------------------------------------------

    def put_vectors(self, model: str, rows: Sequence[tuple[int, str, bytes]]) -> None:
        """Keep vectors as (paper id, text hash, little-endian float32 bytes). A paper has one vector per model.

        Relevance that was computed from an older vector is dropped with it. Papers that are gone by now are left out.
        """
        with self.transaction():
            there = self._there(i for i, _, _ in rows)
            rows = [row for row in rows if row[0] in there]
            waiting.begin(self._conn, "embed", model)
            self._db.table("area_scores").delete_where(
                "paper_id IN (SELECT value FROM json_each(?))", [compact([i for i, _, _ in rows])]
            )
            seq = next_seq(self._conn, "vectors", len(rows))
            self._db.table("vectors").upsert_all(
                (
                    {"paper_id": i, "model": model, "text_hash": h, "vector": v, "seq": seq + n}
                    for n, (i, h, v) in enumerate(rows)
                ),
                pk=("paper_id", "model"),
            )
            self._db.table("vectors_gone").delete_where(
                "model = ? AND paper_id IN (SELECT value FROM json_each(?))", [model, compact([i for i, _, _ in rows])]
            )
            waiting.done(self._conn, "embed", (i for i, text_hash, _ in rows if there[i] == text_hash))

    def _there(self, paper_ids: Iterable[int]) -> dict[int, str]:
        """Those of these papers that there are, with the hash of their text."""
        found = self._conn.execute(
            "SELECT id, text_hash FROM papers WHERE id IN (SELECT value FROM json_each(?))", (compact(list(paper_ids)),)
        )
        return dict(found.fetchall())

    def put_area_scores(self, basis: str, rows: Iterable[tuple[int, Mapping[str, float]]]) -> None:
        """Keep relevance per area, replacing what the papers had; `basis` names the model and the areas behind it.

        A paper in a language that the model does not know has no relevance: it is kept as scored, under no area ("").
        """
        given = [(paper_id, scores or {"": 0.0}) for paper_id, scores in rows]
        table = self._db.table("area_scores")
        with self.transaction():
            there = self._there(i for i, _ in given)
            given = [row for row in given if row[0] in there]
            waiting.begin(self._conn, "score", basis)
            table.delete_where("paper_id IN (SELECT value FROM json_each(?))", [compact([i for i, _ in given])])
            table.insert_all(
                {"paper_id": i, "area": area, "score": score, "basis": basis}
                for i, scores in given
                for area, score in scores.items()
            )
            waiting.done(self._conn, "score", (i for i, _ in given))

    # ---- one paper or two ---------------------------------------------------------------------------------------

    def merge(self, kept: int, gone: int, *, now: datetime) -> None:
        """Join two papers because the user says so: everything of `gone` moves to `kept`. Raises IdentityError."""
        with self.transaction() as conn:
            unite(conn, kept, gone, by="user", reason="the user joined them", now=now)

    def split(self, paper_id: int, sightings: Sequence[tuple[str, str]] = (), *, now: datetime) -> int:
        """Part a paper, which is remembered: the given sightings, as (source, source_id), become a paper of their own;
        without any, its latest merge is undone. Returns the id of the other paper. Raises IdentityError."""
        with self.transaction() as conn:
            if sightings:
                kept, other = paper_id, split(conn, paper_id, sightings, now=now)
            else:
                kept, other = undo(conn, last_merge(conn, paper_id), now=now)
            show_again(conn, {kept: "", other: ""}, now=now, follow=())
        return other

    def remember_joined(self, paper_id: int, key: str) -> bool:
        """Let the printed id of a paper that the user joined into this one elsewhere lead here; False when it does already, or
        is the printed id of a paper. Raises IdentityError when there is no such paper."""
        with self.transaction() as conn:
            return remember_joined(conn, paper_id, key)

    def tell_apart(self, one: int, other: int, *, now: datetime) -> None:
        """Remember that these are two papers, whatever they look like."""
        with self.transaction() as conn:
            tell_apart(conn, one, other, now=now)

    def weigh_pairs(self, cosines: Mapping[tuple[int, int], float], *, now: datetime) -> tuple[int, int]:
        """Decide open pairs again with the similarity of their vectors; returns (joined, found different)."""
        with self.transaction() as conn:
            return weigh_pairs(conn, cosines, now=now)

    # ---- deliveries --------------------------------------------------------------------------------------------

    def put_delivery(
        self,
        recipient: str,
        day: str,
        *,
        message_id: str,
        state: str,
        paper_ids: Iterable[int],
        event_ids: Iterable[int] = (),
        now: datetime,
    ) -> None:
        """Keep that a digest was `sending` or `sent`; its papers and events are kept once it is sent."""
        with self.transaction():
            self._db.table("deliveries").upsert(
                {"recipient": recipient, "day": day, "message_id": message_id, "state": state, "at": now.isoformat()},
                pk=("recipient", "day"),
            )
            if state == "sent":
                self._db.table("delivered_papers").upsert_all(
                    ({"recipient": recipient, "paper_id": i, "day": day} for i in paper_ids),
                    pk=("recipient", "paper_id"),
                )
                self._db.table("mailed_events").upsert_all(
                    ({"recipient": recipient, "event_id": i, "day": day} for i in event_ids),
                    pk=("recipient", "event_id"),
                )
